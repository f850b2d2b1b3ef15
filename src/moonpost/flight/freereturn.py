"""Free returns: flights round the Moon that come back to the Earth's air without a burn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.earthorbits import EarthOrbits
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import altitude
from moonpost.flight.propagate import propagate, propagate_batch
from moonpost.flight.state import State
from moonpost.flight.transferends import equator_axes
from moonpost.sky.apparent import EARTH_RADIUS_M
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["ENTRY_ALTITUDE_M", "FreeReturn", "free_return"]

Floats = npt.NDArray[np.float64]

ENTRY_ALTITUDE_M = 120e3
"""Altitude above 6378.137 km at which the air is entered [m]."""

_DAY_S = 86400.0
_LOOK_S = 1.5 * _DAY_S
_LONGEST_S = 9.0 * _DAY_S
_BEFORE_S = 900.0
_TRIED, _ENOUGH = 16, 3
_ROUNDS = 40
_STEPS = np.array([3600.0, 0.03, 0.03, 0.03, 15.0])
_DIFFERENCES = np.array([1.0, 1e-7, 1e-7, 1e-7, 1e-4])


@dataclass(frozen=True, eq=False)
class FreeReturn:
    """A flight round the Moon and back.

    Parameters
    ----------
    departure : State
        At perigee, after the impulse that departs; from the Earth.
    perilune : State
        Nearest to the Moon; from the Moon.
    entry : State
        Where the air is entered, 120 km high; from the Earth.
    tli_m_s : float
        Impulse from the circular parking orbit [m/s].
    c3_m2_s2 : float
        Twice the energy at departure [m2/s2].
    outbound_s, return_s : float
        From departure to perilune and from there to entry [s].
    inclination_deg, return_inclination_deg : float
        Of the way out at departure and of the way back at entry, to the mean equator of date [deg].
    entry_speed_m_s : float
        In axes that do not turn with the Earth [m/s].
    entry_angle_deg : float
        Of the velocity above the horizontal there, negative downward [deg].
    farthest_m : float
        Greatest distance from the centre of the Earth [m].
    """

    departure: State
    perilune: State
    entry: State
    tli_m_s: float
    c3_m2_s2: float
    outbound_s: float
    return_s: float
    inclination_deg: float
    return_inclination_deg: float
    entry_speed_m_s: float
    entry_angle_deg: float
    farthest_m: float


def free_return(
    env: Environment,
    *,
    departure: Instant | None = None,
    perilune: Instant | None = None,
    perilune_altitude_m: float = 250e3,
    parking_altitude_m: float = 200e3,
    entry_angle_deg: float = -6.0,
    inclination_deg: float | None = None,
    return_inclination_deg: float | None = None,
) -> FreeReturn:
    """Find a flight round the Moon that returns by itself, in the full ephemeris.

    Parameters
    ----------
    env : Environment
        With the Earth as centre, such as `moonpost.flight.transfers.transfer_environment` gives; must cover 9 days
        before and after perilune.
    departure : Instant, optional
        When it leaves perigee. Give either this or the time of perilune.
    perilune : Instant, optional
        When it is nearest to the Moon.
    perilune_altitude_m : float, default 250e3
        Over the far side, above 1737.4 km [m].
    parking_altitude_m : float, default 200e3
        Of the circular orbit that is left, above 6378.137 km [m].
    entry_angle_deg : float, default -6.0
        Angle of the velocity above the horizontal where the air is entered, 120 km high [deg].
    inclination_deg, return_inclination_deg : float, optional
        Of the way out and of the way back, to the mean equator of date [deg]; near those of the Moon's orbit if
        not given.

    Returns
    -------
    FreeReturn
        Of the first found the one that is back soonest: out along the motion of the Earth's rotation, past the
        Moon against its motion.

    Raises
    ------
    DateError
        If the flight leaves the span of the environment.
    InputError
        If numbers cannot be used.
    ModelError
        If no such flight was found.

    Notes
    -----
    The state at perilune is free but for its distance: place over the far side, direction and speed, and the time.
    It is flown back to the departure and on to the entry; Newton steps of least length meet the angular momenta
    there, and inclinations and the time if they are given. The start is the best of a grid in the plane of the
    Moon's orbit. The figure of the Earth is left out.

    References
    ----------
    Schwaniger (1963), Trajectories in the Earth-Moon space with symmetrical free return properties, NASA TN
    D-1833.

    Examples
    --------
    >>> from moonpost.flight.transfers import transfer_environment
    >>> from moonpost.sky import Almanac
    >>> env = transfer_environment(Almanac.default(), "2030-01-01", "2030-01-20")
    >>> found = free_return(env, departure="2030-01-05", perilune_altitude_m=250e3)
    >>> round(found.entry_angle_deg, 3), 2.5 < found.outbound_s / 86400 < 3.5
    (-6.0, True)
    """
    goals = _Goals(
        env, perilune_altitude_m, parking_altitude_m, entry_angle_deg, inclination_deg, return_inclination_deg
    )
    if (departure is None) == (perilune is None):
        raise InputError("give the departure or the perilune", where="free return", advice="give exactly one")
    fixed = departure if perilune is None else perilune
    seconds = np.asarray(env.tdb_s(fixed if fixed is not None else 0.0)).ravel()
    if seconds.size != 1:
        raise InputError(f"{seconds.size} instants", where="free return", advice="give one date")
    moment = float(seconds[0])
    if perilune is None:
        goals.departure = moment
        moment += _outbound_s(perilune_altitude_m)
    env.check(np.array([moment - _LOOK_S, moment + _LOOK_S]))
    found: list[FreeReturn] = []
    for guess in _guesses(goals, moment):
        solved = _newton(goals, guess)
        made = None if solved is None else _flown(goals, *solved)
        if made is not None:
            found.append(made)
        if len(found) == _ENOUGH:
            break
    if not found:
        raise ModelError(
            "no free return was found",
            where="free return",
            advice="change the inclinations, the altitude of perilune (up to some 20,000 km) or the date",
        )
    return min(found, key=_whole_s)


class _Goals:
    """What a free return must meet, and how far states at perilune are from it."""

    def __init__(
        self, env: Environment, perilune_altitude_m: float, parking_altitude_m: float, entry_angle_deg: float,
        inclination_deg: float | None, return_inclination_deg: float | None,
    ) -> None:  # fmt: skip
        if env.centre != "earth" or "moon" not in env.bodies:
            raise InputError(
                "the environment needs the Earth as centre and the Moon among the bodies",
                where="free return",
                advice="make it with transfer_environment(...)",
            )
        if not 10e3 <= perilune_altitude_m <= 60e6 or not 80e3 <= parking_altitude_m <= 100e6:
            raise InputError(
                f"perilune {perilune_altitude_m} m, parking orbit {parking_altitude_m} m",
                where="free return",
                advice="give 10 to 60,000 km and 80 to 100,000 km, in metres",
            )
        if not -60.0 <= entry_angle_deg < 0.0:
            raise InputError(f"{entry_angle_deg} deg", where="entry_angle_deg", advice="give -60 to below 0")
        for angle in (inclination_deg, return_inclination_deg):
            if angle is not None and not 0.0 < angle < 180.0:
                raise InputError(f"{angle} deg", where="inclination", advice="give degrees above 0 and below 180")
        self.env = env
        self.radius_m = MOON_RADIUS_M + perilune_altitude_m
        self.parking_m = EARTH_RADIUS_M + parking_altitude_m
        self.entry_m, self.slope = EARTH_RADIUS_M + ENTRY_ALTITUDE_M, math.cos(math.radians(entry_angle_deg))
        self.angles = (inclination_deg, return_inclination_deg)
        self.departure: float | None = None
        self.gm = env.gm_m3_s2["earth"]

    def states(self, x: Floats) -> Floats:
        """States at perilune from the Earth: time, longitude and latitude from the far side, heading, speed."""
        moon = self.env.body_state("moon", x[:, 0])
        out = moon[:, :3] / np.linalg.norm(moon[:, :3], axis=1)[:, None]
        pole = np.cross(moon[:, :3], moon[:, 3:])
        pole /= np.linalg.norm(pole, axis=1)[:, None]
        onward = np.cross(pole, out)
        lon, lat, heading = (x[:, column, None] for column in (1, 2, 3))
        level = np.cos(lon) * out + np.sin(lon) * onward
        east = np.cos(lon) * onward - np.sin(lon) * out
        up = np.cos(lat) * level + np.sin(lat) * pole
        north = np.cos(lat) * pole - np.sin(lat) * level
        way = np.sin(heading) * north - np.cos(heading) * east
        return np.concatenate([moon[:, :3] + self.radius_m * up, moon[:, 3:] + x[:, 4, None] * way], axis=1)

    def legs(self, x: Floats, back_s: Floats, on_s: Floats) -> tuple[Floats, Floats]:
        """States so long before and after perilune."""
        start = self.states(x)
        both = np.concatenate([start, start])
        begin = np.concatenate([x[:, 0], x[:, 0]])
        flown = propagate_batch(
            both, begin, begin + np.concatenate([-back_s, on_s]), self.env, rtol=1e-11, atol_m=1e-3, threads=1
        )
        return flown.states[: len(x)], flown.states[len(x) :]

    def misses(self, x: Floats, back_s: Floats, on_s: Floats) -> tuple[Floats, Floats, Floats]:
        """How far off, and the times from perilune to both perigees."""
        low, high = self.legs(x, back_s, on_s)
        out, home = EarthOrbits(low, self.gm), EarthOrbits(high, self.gm)
        wanted = np.sqrt(self.gm * self.parking_m * (1.0 + out.eccentricity))
        speed = np.sqrt(np.maximum(0.0, 2.0 * (home.energy + self.gm / self.entry_m)))
        unit = math.sqrt(2.0 * self.gm * EARTH_RADIUS_M)
        rows = [(out.momentum - wanted) / unit, (home.momentum - self.entry_m * speed * self.slope) / unit]
        whole_back, whole_on = back_s + out.since_s, on_s + home.until_s
        if self.departure is not None:
            rows.append((x[:, 0] - whole_back - self.departure) / 3600.0)
        pole = equator_axes(float(x[0, 0]))[2]
        for angle, orbit in zip(self.angles, (out, home), strict=True):
            if angle is not None:
                rows.append(orbit.pole @ pole - math.cos(math.radians(angle)))
        return np.stack(rows, axis=1), whole_back, whole_on


def _outbound_s(perilune_altitude_m: float) -> float:
    """Rough time from the Earth to perilune."""
    return (2.9 + 0.9 * min(1.5, perilune_altitude_m / 12e6)) * _DAY_S


def _guesses(goals: _Goals, moment: float) -> Floats:
    """The best of a grid of states at perilune, in the plane of the Moon's orbit."""
    escape = math.sqrt(2.0 * goals.env.gm_m3_s2["moon"] / goals.radius_m)
    excess = np.linspace(500.0, 1400.0, 37)
    longitude = np.radians(np.linspace(-70.0, 70.0, 57))
    grid = np.array([(moment, lon, 0.0, 0.0, math.hypot(escape, fast)) for fast in excess for lon in longitude])
    look = np.full(len(grid), _LOOK_S)
    miss, back, on = goals.misses(grid, look, look)
    size = np.abs(miss[:, :2]).sum(axis=1)
    size[~np.isfinite(size) | (back > _LONGEST_S) | (on > _LONGEST_S)] = np.inf
    order = np.argsort(size)
    return grid[order[np.isfinite(size[order])][:_TRIED]]


def _newton(goals: _Goals, guess: Floats) -> tuple[Floats, float, float] | None:
    """State at perilune that meets the goals, with the times of both ways, or None."""
    x = guess.copy()
    free = [0, 1, 2, 3, 4] if goals.departure is not None else [1, 2, 3, 4]
    back, on = np.array([_LOOK_S]), np.array([_LOOK_S])
    for _ in range(3):
        _, whole_back, whole_on = goals.misses(x[None], back, on)
        back, on = _shortened(whole_back), _shortened(whole_on)
        if not _inside(goals, x[0], back, on):
            return None
    for _ in range(_ROUNDS):
        rows = np.repeat(x[None], len(free) + 1, axis=0)
        rows[np.arange(1, len(free) + 1), free] += _DIFFERENCES[free]
        miss, whole_back, whole_on = goals.misses(rows, np.repeat(back, len(rows)), np.repeat(on, len(rows)))
        if not np.isfinite(miss).all():
            return None
        if np.abs(miss[0]).max() < 1e-9 and abs(whole_back[0] - back[0] - _BEFORE_S) < 60.0:
            return x, float(whole_back[0]), float(whole_on[0])
        slope = (miss[1:] - miss[0]).T / _DIFFERENCES[free] * _STEPS[free]
        step = -np.linalg.pinv(slope) @ miss[0]
        x[free] += step * min(1.0, 1.0 / max(1e-12, float(np.abs(step).max()))) * _STEPS[free]
        back, on = _shortened(whole_back[:1]), _shortened(whole_on[:1])
        if not _inside(goals, x[0], back, on):
            return None
    return None


def _shortened(whole_s: Floats) -> Floats:
    """A while before perigee, where the orbit round the Earth tells it well."""
    return np.asarray(np.clip(whole_s - _BEFORE_S, 0.5 * _DAY_S, None))


def _inside(goals: _Goals, moment: float, back: Floats, on: Floats) -> bool:
    """Whether both ways lie in the environment and are not too long."""
    start, stop = goals.env.span_tdb_s
    if not (np.isfinite(back).all() and np.isfinite(on).all()):
        return False
    fits = moment - back[0] - 2.0 * _BEFORE_S >= start and moment + on[0] + 2.0 * _BEFORE_S <= stop
    return bool(fits and back[0] < _LONGEST_S and on[0] < _LONGEST_S)


def _flown(goals: _Goals, x: Floats, back: float, on: float) -> FreeReturn | None:
    """The flight, flown once more with dense steps from perilune to both ends."""
    start, env = goals.states(x[None])[0], goals.env
    near = State(float(x[0]), start[:3], start[3:], "earth")
    leave = propagate(near, x[0] - back, env)
    home = propagate(near, x[0] + on, env, events=altitude(ENTRY_ALTITUDE_M, "earth").ending())
    if leave.ended != "time" or not home.ended.startswith("below"):
        return None
    departure, entry = leave.final, home.final
    pole = equator_axes(float(x[0]))[2]
    place, speed = (float(np.linalg.norm(part)) for part in (departure.position_m, departure.velocity_m_s))
    fast = float(np.linalg.norm(entry.velocity_m_s))
    climb = float(entry.position_m @ entry.velocity_m_s) / (float(np.linalg.norm(entry.position_m)) * fast)
    apart = max(float(np.linalg.norm(way.states[:, :3], axis=1).max()) for way in (leave, home))
    return FreeReturn(
        departure,
        near.from_centre("moon", env),
        entry,
        speed - math.sqrt(goals.gm / place),
        speed**2 - 2.0 * goals.gm / place,
        back,
        entry.time_tdb_s - near.time_tdb_s,
        _tilt_deg(departure, pole),
        _tilt_deg(entry, pole),
        fast,
        math.degrees(math.asin(climb)),
        apart,
    )


def _tilt_deg(state: State, pole: Floats) -> float:
    """Angle of an orbit's pole from another."""
    momentum = np.cross(state.position_m, state.velocity_m_s)
    return math.degrees(math.acos(max(-1.0, min(1.0, float(momentum @ pole / np.linalg.norm(momentum))))))


def _whole_s(found: FreeReturn) -> float:
    """Duration of a flight."""
    return found.outbound_s + found.return_s
