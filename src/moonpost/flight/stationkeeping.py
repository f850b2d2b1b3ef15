"""Keeping a station on a halo orbit: burns once a revolution under errors of navigation and of burns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.arcs import Arcs, turning_axes
from moonpost.flight.environment import Environment
from moonpost.flight.nrho import ReferenceOrbit, rotating_speed_m_s

__all__ = ["StationErrors", "StationKeeping", "keep_station"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_YEAR_S = 365.25 * 86400.0
_WINDOW = 0.3
_MOST_ROUNDS = 10
_HIT_M_S = 1e-3
_HIT_S = 1.0
_LONGEST_M_S = 20.0
_LOST_M = 2e7
_LAG_S = 30.0


@dataclass(frozen=True)
class StationErrors:
    """What goes wrong at each burn, as standard deviations of normal errors.

    Parameters
    ----------
    position_m : float, default 3333.3
        Error of the known position along each axis [m]; by default 10 km at three standard deviations.
    velocity_m_s : float, default 0.0333
        Error of the known velocity along each axis [m/s]; by default 10 cm/s at three.
    burn_fraction : float, default 0.0033
        Error of a burn's size over the size [1]; by default 1 % at three.
    burn_angle_deg : float, default 0.333
        Error of a burn's direction about each of two axes [deg]; by default 1 deg at three.
    smallest_burn_m_s : float, default 0.0
        Burns below it are left out [m/s].

    Raises
    ------
    InputError
        If a number is negative or not finite.

    Examples
    --------
    >>> StationErrors(position_m=333.0, velocity_m_s=0.00333).burn_fraction
    0.0033333333333333335
    """

    position_m: float = 1e4 / 3.0
    velocity_m_s: float = 0.1 / 3.0
    burn_fraction: float = 0.01 / 3.0
    burn_angle_deg: float = 1.0 / 3.0
    smallest_burn_m_s: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"{value!r} is no error", where=name, advice="give 0 or more")


@dataclass(frozen=True, eq=False)
class StationKeeping:
    """What keeping a station took, in all trials.

    Parameters
    ----------
    burns_m_s : ndarray, shape (trials, n)
        Sizes of the burns; NaN after a trial is lost [m/s].
    duration_s : float
        Time of the revolutions that were flown [s].
    kept : ndarray of bool, shape (trials,)
        Whether the station stayed on its orbit to the end.
    late_s : ndarray, shape (trials, revolutions)
        How much later than the reference the station passed the Moon in each revolution [s].
    passage_radius_m : ndarray, shape (trials, revolutions)
        Distances of these passages from the Moon's centre [m].
    offset_m : ndarray, shape (trials, n)
        Distances from the reference orbit at the burns [m].
    """

    burns_m_s: Floats
    duration_s: float
    kept: Bools
    late_s: Floats
    passage_radius_m: Floats
    offset_m: Floats

    @property
    def yearly_m_s(self) -> Floats:
        """Cost of each trial that was kept, for a year of 365.25 days [m/s].

        Returns
        -------
        ndarray, shape (kept trials,)
        """
        return np.asarray(self.burns_m_s[self.kept].sum(axis=1) * _YEAR_S / self.duration_s)

    @property
    def period_s(self) -> Floats:
        """Mean time between the passages of each trial that was kept less that of the reference [s].

        Returns
        -------
        ndarray, shape (kept trials,)
        """
        late = self.late_s[self.kept]
        return np.asarray((late[:, -1] - late[:, 0]) / (late.shape[1] - 1))


def keep_station(
    reference: ReferenceOrbit,
    errors: StationErrors | None = None,
    *,
    revolutions: int = 36,
    trials: int = 10,
    horizon: int = 6,
    burns: int = 1,
    hold_late_s: float = math.inf,
    seed: int = 0,
    truth: Environment | None = None,
) -> StationKeeping:
    """Fly a station round a reference orbit with a burn or more a revolution, in many trials.

    Parameters
    ----------
    reference : ReferenceOrbit
        The orbit to keep to, at least `revolutions` + `horizon` + 1 long.
    errors : StationErrors, optional
        Errors of navigation and burns; three standard deviations of 10 km, 10 cm/s, 1 % and 1 deg if not given.
    revolutions : int, default 36
        How many are flown, from passage to passage.
    trials : int, default 10
        How many times.
    horizon : int, default 6
        How many passages ahead a burn aims. Take 6 on near rectilinear orbits and 1 or 2 on large halo
        orbits, which leave by a factor of hundreds in a revolution.
    burns : int, default 1
        Burns in each revolution, spread evenly in time, none at the passage; large halo orbits need
        several.
    hold_late_s : float, default infinite
        How much later or earlier than the reference a passage may be; a burn that foresees more at its aim brings
        it back to that. On near rectilinear orbits 1800 holds the phase
        for a tenth more; leave it out on large halo orbits [s].
    seed : int, default 0
        Seed of the errors.
    truth : Environment, optional
        What the station really flies in, such as one with sunlight; that of the reference if not given.

    Returns
    -------
    StationKeeping

    Raises
    ------
    InputError
        If a number cannot be used or the reference is too short.

    Notes
    -----
    Control of the crossing of the x axis: a burn is the smallest for which, by what navigation knows, the speed
    along the line from the Earth, in the axes that turn with it, is that of the reference at the passage near the
    Moon `horizon` revolutions ahead. It holds the orbit's shape; its phase drifts, by hours in the worst trials of
    a year, unless `hold_late_s` bounds it. A trial starts off the reference by one error of navigation. Of errors
    of the crew, of venting and of attitude control nothing is in.

    On the southern 9:2 orbit from January 2030, in 40 trials of 36 revolutions that were all kept, the default
    errors cost 3.6 m/s a year (90 % of trials 2.8 to 4.5; 4.0 with the phase held to half an hour), errors a tenth
    of them 0.36 m/s. CAPSTONE, by the same rule, spent about 1.8 m/s in six burns in its first 154 days there,
    4.3 m/s a year, each burn larger than a threshold (Advanced Space, CAPSTONE Mission: 17 April 2023 Update,
    https://advancedspace.com/2023/04/).

    References
    ----------
    Guzzetti, Zimovan, Howell and Davis (2017), Stationkeeping analysis for spacecraft in lunar near rectilinear
    halo orbits, AAS 17-395; Davis et al. (2022), Orbit maintenance burn details for spacecraft in a near
    rectilinear halo orbit, AAS/AIAA Astrodynamics Specialist Conference, NTRS 20220010495.

    Examples
    --------
    >>> from moonpost.flight.nrho import reference_orbit
    >>> from moonpost.sky import Almanac
    >>> sky = Environment.make(Almanac.default(), "2030-01-01", "2030-03-10", degree=2)
    >>> orbit = reference_orbit(sky, "2030-01-05", 8)
    >>> flown = keep_station(orbit, StationErrors(0.0, 0.0, 0.0, 0.0), revolutions=3, trials=1, horizon=3)
    >>> bool(flown.kept[0]), bool(flown.yearly_m_s[0] < 1e-3)
    (True, True)
    """
    wrong = StationErrors() if errors is None else errors
    _checked(reference, revolutions, trials, horizon, burns)
    if not hold_late_s > 0.0:
        raise InputError(
            f"{hold_late_s!r} is not above 0", where="hold_late_s", advice="give seconds, such as 1800"
        )
    planner = _Planner(reference, horizon, burns, hold_late_s)
    real = Arcs(reference.env if truth is None else truth)
    records = [
        _trial(planner, real, wrong, revolutions, np.random.default_rng([seed, trial])) for trial in range(trials)
    ]
    sizes, late, radius, offset = (np.array([record[k] for record in records]) for k in range(4))
    passages = reference.passage_s
    duration = float(passages[revolutions] - passages[0])
    return StationKeeping(sizes, duration, np.isfinite(late).all(axis=1), late, radius, offset)


class _Planner:
    """Plans burns from what navigation knows."""

    def __init__(self, reference: ReferenceOrbit, horizon: int, burns: int, hold_late_s: float) -> None:
        self.reference = reference
        self.horizon = horizon
        self.burns = burns
        self.hold_late_s = hold_late_s
        self.arcs = Arcs(reference.env, rtol=1e-10)
        self.period_s = reference.period_s
        passages = reference.passage_s
        shares = (np.arange(burns) + 0.5) / burns
        self.burn_s = (passages[:-1, None] + np.diff(passages)[:, None] * shares).ravel()
        self.burn_states = reference.states(self.burn_s)
        states = zip(passages, reference.passage_states, strict=True)
        self.speeds_m_s = [rotating_speed_m_s(reference.env, float(moment), state) for moment, state in states]

    def burn(self, number: int, known: Floats) -> Floats:
        """Burn of a number, counted from the first, for a known state [m/s]."""
        share = (number % self.burns + 0.5) / self.burns
        farthest = max(1, math.ceil(share + self.horizon - 0.5 - 1e-9))
        try:
            return self._aimed(number, known, farthest, np.zeros(3))
        except ModelError:
            change = self._aimed(number, known, 1, np.zeros(3))
        for ahead in range(2, farthest + 1):
            try:
                change = self._aimed(number, known, ahead, change)
            except ModelError:
                break
        return change

    def _aimed(self, number: int, known: Floats, ahead: int, change: Floats) -> Floats:
        """Smallest burn that meets the speed of the reference some closest approaches ahead."""
        start, target = float(self.burn_s[number]), number // self.burns + ahead
        due = expected = float(self.reference.passage_s[target])
        held = 0.0
        for _ in range(_MOST_ROUNDS):
            state = known + np.concatenate([np.zeros(3), change])
            window = _WINDOW * self.period_s
            way = self.reference.way
            found = self.arcs.passage(state, start, max(start, expected - window), expected + window, way)
            if found is None:
                raise ModelError("no passage", where="keep_station", advice="aim less far ahead")
            expected = found[0]
            speed, slopes = self._speed(state, start, expected)
            misses = np.array([self.speeds_m_s[target] - speed, due + held - expected])
            if held == 0.0 and abs(misses[1]) > self.hold_late_s and abs(misses[0]) < _LONGEST_M_S:
                held = -math.copysign(self.hold_late_s, misses[1])
                misses[1] += held
            count = 1 if held == 0.0 else 2
            if abs(misses[0]) < _HIT_M_S and (count == 1 or abs(misses[1]) < _HIT_S):
                return change
            step = np.linalg.lstsq(slopes[:count], misses[:count], rcond=None)[0]
            change = change + step * min(1.0, _LONGEST_M_S / float(np.linalg.norm(step)))
        raise ModelError("the burn does not settle", where="keep_station", advice="aim less far ahead")

    def _speed(self, state: Floats, start: float, moment: float) -> tuple[float, Floats]:
        """Speed along the line from the Earth at a passage; slopes of it and of the passage's time to the burn."""
        ends, matrices = self.arcs.matrices(state[None], np.array([start]), np.array([moment]))
        end = ends[0]
        rates = self.arcs.rates(end, moment)
        env = self.reference.env
        speeds = [rotating_speed_m_s(env, moment + lag, end) for lag in (-_LAG_S, _LAG_S)]
        toward, across, turn = turning_axes(env, moment + _LAG_S * np.array([-1.0, 0.0, 1.0]))
        slope = np.concatenate([turn[1] * across[1], toward[1]])
        drift = (speeds[1] - speeds[0]) / (2.0 * _LAG_S)
        climb = across[1] @ rates[:3] + (across[2] - across[0]) @ end[:3] / (2.0 * _LAG_S)
        later = -np.concatenate([across[1], np.zeros(3)]) / climb
        whole = slope + (drift + slope @ rates) * later
        return rotating_speed_m_s(env, moment, end), np.array([whole, later]) @ matrices[0][:, 3:]


def _trial(
    planner: _Planner, real: Arcs, errors: StationErrors, revolutions: int, chance: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Burns, delays, closest distances and offsets of one trial, NaN from where it is lost."""
    count = revolutions * planner.burns
    sizes, offset = np.full(count, np.nan), np.full(count, np.nan)
    late, radius = np.full(revolutions, np.nan), np.full(revolutions, np.nan)
    state = planner.burn_states[0] + _noise(errors, chance)
    for number in range(count):
        now, after = (float(planner.burn_s[number + k]) for k in (0, 1))
        offset[number] = np.linalg.norm(state[:3] - planner.burn_states[number][:3])
        if offset[number] > _LOST_M:
            break
        try:
            burn = planner.burn(number, state + _noise(errors, chance))
            if np.linalg.norm(burn) < errors.smallest_burn_m_s:
                burn = np.zeros(3)
            state = state + np.concatenate([np.zeros(3), _flown(burn, errors, chance)])
            if (number + 1) % planner.burns == 0:
                revolution = number // planner.burns
                late[revolution], radius[revolution] = _passage(planner, real, state, now, revolution)
            state = real.end(state, now, after)
        except ModelError:
            break
        sizes[number] = np.linalg.norm(burn)
    return sizes, late, radius, offset


def _passage(planner: _Planner, real: Arcs, state: Floats, now: float, revolution: int) -> tuple[float, float]:
    """How late and how far from its centre the station passes the Moon after a burn."""
    reference = planner.reference
    found = real.passage(state, now, now, now + reference.period_s, reference.way)
    if found is None:
        raise ModelError("no passage", where="keep_station", advice="burn more often")
    moment, closest = found
    return moment - float(reference.passage_s[revolution + 1]), float(np.linalg.norm(closest[:3]))


def _noise(errors: StationErrors, chance: np.random.Generator) -> Floats:
    """Error of a known state."""
    sizes = np.repeat([errors.position_m, errors.velocity_m_s], 3)
    return np.asarray(sizes * chance.standard_normal(6))


def _flown(burn: Floats, errors: StationErrors, chance: np.random.Generator) -> Floats:
    """Burn as it comes out."""
    size, turns = chance.standard_normal(), chance.standard_normal(3)
    length = float(np.linalg.norm(burn))
    if length == 0.0:
        return burn
    along = burn / length
    aside = np.radians(errors.burn_angle_deg) * (turns - (turns @ along) * along)
    return length * (1.0 + errors.burn_fraction * size) * (along + aside) / float(np.linalg.norm(along + aside))


def _checked(reference: ReferenceOrbit, revolutions: int, trials: int, horizon: int, burns: int) -> None:
    """Refuse what cannot be used."""
    numbers = {"revolutions": revolutions, "trials": trials, "horizon": horizon, "burns": burns}
    for name, value in numbers.items():
        least = 2 if name == "revolutions" else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{value!r} is not a whole number", where=name, advice=f"give {least} or more")
    most = reference.passage_s.size - horizon - 1
    if revolutions > most:
        raise InputError(
            f"the reference orbit is too short for {revolutions} revolutions",
            where="revolutions",
            advice=f"give {most} or fewer, or a reference of {revolutions + horizon + 2} revolutions",
        )
