"""Low-energy transfers: three to four months by way of the Sun's tide, to the Moon with little left to brake."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.earthorbits import EarthOrbits
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.propagate import propagate, propagate_batch
from moonpost.flight.state import State
from moonpost.flight.transferends import equator_axes
from moonpost.sky.apparent import EARTH_RADIUS_M
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["LowEnergy", "low_energy", "low_energy_span_d"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_SHORTEST_D, _LONGEST_D = 70.0, 140.0
_DURATIONS_D = (90.0, 106.0, 98.0, 116.0)
_STEP_S = 2.0 * _DAY_S
_ENERGIES = (-0.15e6, -0.08e6)
_NODES, _ARGUMENTS = 30, 30
_NEAR_M, _OUT_M, _LOST_M = 1.2e8, 9.0e8, 2.6e9
_GONE_S, _GONE_M = 36.0 * _DAY_S, 6.5e8
_TRIED, _ENOUGH = 60, 3
_MISS = 4.0
_ALIKE_S = 10.0 * _DAY_S
_BEFORE_S = 1200.0
_ROUNDS = 40
_STEPS = np.array([7200.0, 0.03, 0.03, 3.0])
_DIFFERENCES = np.array([1.0, 1e-7, 1e-7, 1e-4])
_SHIFT_S, _LEAST_SHIFT_S, _MOST_STEP_S = 0.4 * _DAY_S, 0.03 * _DAY_S, 1.0 * _DAY_S
_MOST_SHIFT_S = 9.0 * _DAY_S


@dataclass(frozen=True, eq=False)
class LowEnergy:
    """A low-energy transfer.

    Parameters
    ----------
    departure : State
        At perigee, after the impulse that departs; from the Earth.
    perilune : State
        Nearest to the Moon; from the Moon, before any braking.
    tli_m_s : float
        Impulse from the circular parking orbit [m/s].
    c3_m2_s2 : float
        Twice the energy at departure [m2/s2].
    loi_m_s : float
        Impulse into the circle at perilune [m/s].
    arrival_c3_m2_s2 : float
        Twice the energy at perilune round the Moon; negative where the flight is captured for a while [m2/s2].
    inclination_deg : float
        Of the parking orbit, to the mean equator of date [deg].
    arrival_inclination_deg, arrival_node_deg : float
        To the lunar equator, and longitude of the ascending node [deg].
    farthest_m : float
        Greatest distance from the centre of the Earth [m].
    duration_s : float
        From departure to perilune [s].
    """

    departure: State
    perilune: State
    tli_m_s: float
    c3_m2_s2: float
    loi_m_s: float
    arrival_c3_m2_s2: float
    inclination_deg: float
    arrival_inclination_deg: float
    arrival_node_deg: float
    farthest_m: float
    duration_s: float


def low_energy_span_d() -> tuple[float, float]:
    """Shortest and longest flight that is looked for.

    Returns
    -------
    tuple of float
        [d]; an environment must cover the longest before the arrival, and as much after a departure.

    Examples
    --------
    >>> low_energy_span_d()
    (70.0, 140.0)
    """
    return _SHORTEST_D, _LONGEST_D


def low_energy(
    env: Environment,
    *,
    departure: Instant | None = None,
    arrival: Instant | None = None,
    perilune_altitude_m: float = 100e3,
    arrival_inclination_deg: float = 90.0,
    parking_altitude_m: float = 200e3,
    inclination_deg: float = 28.5,
    slack_d: float = 0.0,
    threads: int | None = None,
) -> LowEnergy:
    """Find a transfer through the region where the Sun's tide lifts perigee to the Moon's orbit.

    Parameters
    ----------
    env : Environment
        With the Earth as centre and Moon and Sun in it, such as `moonpost.flight.transfers.transfer_environment`
        gives; see `low_energy_span_d` for its length.
    departure : Instant, optional
        When it leaves perigee. Give either this or the time of arrival.
    arrival : Instant, optional
        When it passes perilune.
    perilune_altitude_m : float, default 100e3
        Above 1737.4 km [m].
    arrival_inclination_deg : float, default 90.0
        To the lunar equator [deg].
    parking_altitude_m : float, default 200e3
        Of the circular orbit that is left, above 6378.137 km [m].
    inclination_deg : float, default 28.5
        Of that orbit, to the mean equator of date [deg].
    slack_d : float, default 0.0
        How far from a given departure another may lie that is taken where none leaves at the instant, up to 9 [d].
    threads : int, optional
        Threads; as many as there are processors if not given.

    Returns
    -------
    LowEnergy
        The one with the least speed at the Moon among the first that converge.

    Raises
    ------
    DateError
        If the flight leaves the span of the environment.
    InputError
        If numbers cannot be used.
    ModelError
        If none was found.

    Notes
    -----
    Captured states at perilune, for nodes and arguments all round and two energies below that of escape, are flown
    back for up to 140 days. Those that go out beyond 900,000 km and fall near the Earth are starts for Newton on
    node, argument and speed, and the time if the departure is given, to the height and inclination of the parking
    orbit. What is found lies on one of many branches; another date or grid gives another. The launch has to be
    corrected on the way: after a hundred days 1 mm/s at departure is hundreds of kilometres at the Moon.

    References
    ----------
    Belbruno and Miller (1993), Sun-perturbed Earth-to-Moon transfers with ballistic capture, J. Guid. Control Dyn.
    16, 770, doi:10.2514/3.21079. Parker and Anderson (2013), Low-Energy Lunar Trajectory Design, JPL.

    Examples
    --------
    >>> low_energy.__name__
    'low_energy'
    """
    search = _Search(
        env, perilune_altitude_m, arrival_inclination_deg, parking_altitude_m, inclination_deg, threads
    )
    if (departure is None) == (arrival is None):
        raise InputError("give the departure or the arrival", where="low energy", advice="give exactly one")
    if not 0.0 <= slack_d <= _MOST_SHIFT_S / _DAY_S:
        raise InputError(f"{slack_d} d", where="slack_d", advice=f"give 0 to {_MOST_SHIFT_S / _DAY_S:g} days")
    if arrival is not None:
        best = search.best(_moment(env, arrival), None)
    else:
        leave = _moment(env, departure)
        env.check(np.array([leave, leave + max(_DURATIONS_D) * _DAY_S]))
        best = None
        for days in _DURATIONS_D:
            best = best or search.best(leave + days * _DAY_S, leave)
        best = best or search.nearest(leave, slack_d * _DAY_S)
    if best is None:
        raise ModelError(
            "no low-energy transfer was found",
            where="low energy",
            advice=search.advice(),
        )
    return search.flown(best)


class _Search:
    """Flights back from captured states at one perilune distance and inclination."""

    def __init__(
        self, env: Environment, perilune_altitude_m: float, arrival_inclination_deg: float,
        parking_altitude_m: float, inclination_deg: float, threads: int | None,
    ) -> None:  # fmt: skip
        if env.centre != "earth" or not {"moon", "sun"} <= set(env.bodies):
            raise InputError(
                "the environment needs the Earth as centre, the Moon and the Sun",
                where="low energy",
                advice="make it with transfer_environment(...)",
            )
        if not 10e3 <= perilune_altitude_m <= 20e6 or not 80e3 <= parking_altitude_m <= 100e6:
            raise InputError(
                f"perilune {perilune_altitude_m} m, parking orbit {parking_altitude_m} m",
                where="low energy",
                advice="give 10 to 20,000 km and 80 to 100,000 km, in metres",
            )
        if not (0.0 <= arrival_inclination_deg <= 180.0 and 0.0 < inclination_deg < 180.0):
            raise InputError(
                f"{arrival_inclination_deg}, {inclination_deg} deg",
                where="inclination",
                advice="give 0 to 180 deg",
            )
        self.env, self.threads = env, threads
        self.radius_m, self.tilt = MOON_RADIUS_M + perilune_altitude_m, math.radians(arrival_inclination_deg)
        self.parking_m, self.cosine = EARTH_RADIUS_M + parking_altitude_m, math.cos(math.radians(inclination_deg))
        self.gm, self.moon_gm = env.gm_m3_s2["earth"], env.gm_m3_s2["moon"]
        self.unit = math.sqrt(2.0 * self.gm * EARTH_RADIUS_M)
        self.departure: float | None = None
        self.others: list[tuple[Floats, float]] = []

    def advice(self) -> str:
        """What to do where nothing was found: departures that would do, or others."""
        if not self.others:
            return "change the date by a few days, or the inclinations"
        days = sorted(str(self.env.utc(float(x[0]) - whole))[:16] for x, whole in self.others)
        return f"depart on another date, such as {', '.join(days[:4])} UTC"

    def nearest(self, departure: float, slack_s: float) -> tuple[Floats, float] | None:
        """Of the solutions with other departures the one nearest to a wanted one."""

        def late(solved: tuple[Floats, float]) -> float:
            return abs(float(solved[0][0]) - solved[1] - departure)

        found = min(self.others, key=late, default=None)
        return found if found is not None and late(found) <= slack_s else None

    def states(self, x: Floats) -> Floats:
        """States at perilune from the Earth: time, node, argument, speed."""
        node, argument = x[:, 1, None], x[:, 2, None]
        level, zero = np.concatenate([np.cos(node), np.sin(node)], axis=1), np.zeros(len(x))
        to_node = np.column_stack([level, zero])
        across = np.column_stack([-level[:, 1] * math.cos(self.tilt), level[:, 0] * math.cos(self.tilt), zero])
        across[:, 2] = math.sin(self.tilt)
        outward = np.cos(argument) * to_node + np.sin(argument) * across
        onward = np.cos(argument) * across - np.sin(argument) * to_node
        turn = self.env.rotation(x[:, 0])
        fixed = np.concatenate([self.radius_m * outward, x[:, 3, None] * onward])
        there = np.einsum("nji,nj->ni", np.concatenate([turn, turn]), fixed)
        moon = self.env.body_state("moon", x[:, 0])
        return moon + np.concatenate([there[: len(x)], there[len(x) :]], axis=1)

    def misses(self, x: Floats, states: Floats, back_s: Floats) -> tuple[Floats, Floats]:
        """How far the orbits round the Earth are from the parking orbit, and the flights from perigee."""
        orbit = EarthOrbits(states, self.gm)
        wanted = np.sqrt(self.gm * self.parking_m * (1.0 + orbit.eccentricity))
        pole = equator_axes(float(x[0, 0]))[2]
        whole = back_s + orbit.since_s
        rows = [(orbit.momentum - wanted) / self.unit, orbit.pole @ pole - self.cosine]
        if self.departure is not None:
            rows.append((x[:, 0] - whole - self.departure) / _DAY_S)
        return np.stack(rows, axis=1), whole

    def best(self, arrival: float, departure: float | None) -> tuple[Floats, float] | None:
        """The slowest of the first solutions at one arrival."""
        start = self.env.span_tdb_s[0]
        if arrival - start < _SHORTEST_D * _DAY_S:
            self.env.check(np.array([arrival - _SHORTEST_D * _DAY_S]))
        rows, durations = self._guesses(arrival, departure)
        found: list[tuple[Floats, float]] = []
        for guess, seconds in zip(rows, durations, strict=True):
            solved = self._led(guess, float(seconds), departure)
            if solved is not None:
                found.append(solved)
            if len(found) == _ENOUGH:
                break
        return min(found, key=lambda pair: float(pair[0][3]), default=None)

    def _guesses(self, arrival: float, departure: float | None) -> tuple[Floats, Floats]:
        """States at perilune that come from near the Earth, the best first, with their durations."""
        nodes = np.linspace(0.0, 2.0 * math.pi, _NODES, endpoint=False)
        arguments = np.linspace(0.0, 2.0 * math.pi, _ARGUMENTS, endpoint=False)
        speeds = [math.sqrt(2.0 * self.moon_gm / self.radius_m + energy) for energy in _ENERGIES]
        x = np.array([(arrival, node, arg, speed) for speed in speeds for node in nodes for arg in arguments])
        self.departure = None
        states, left = self.states(x), np.arange(len(x))
        worth, when, farthest = np.full(len(x), np.inf), np.zeros(len(x)), np.zeros(len(x))
        off = np.full((len(x), 2), np.nan)
        elapsed = 0.0
        limit = min(_LONGEST_D * _DAY_S, arrival - self.env.span_tdb_s[0])
        while elapsed + _STEP_S <= limit and left.size:
            begin = arrival - elapsed
            flown = propagate_batch(
                states[left], begin, begin - _STEP_S, self.env, rtol=1e-9, atol_m=1.0, threads=self.threads
            )
            elapsed += _STEP_S
            states[left] = flown.states
            distance = np.linalg.norm(flown.states[:, :3], axis=1)
            farthest[left] = np.maximum(farthest[left], distance)
            leaving = np.einsum("ni,ni->n", flown.states[:, :3], flown.states[:, 3:]) > 0.0
            near = flown.arrived & leaving & (distance > _NEAR_M) & (distance < _OUT_M) & (farthest[left] > _OUT_M)
            if elapsed >= _SHORTEST_D * _DAY_S and near.any():
                rows = left[near]
                miss, whole = self.misses(x[rows], states[rows], np.full(len(rows), elapsed))
                size = np.abs(miss).sum(axis=1)
                better = size < worth[rows]
                worth[rows[better]], when[rows[better]], off[rows[better]] = (
                    size[better],
                    whole[better],
                    miss[better],
                )
            going = farthest[left] > (0.0 if elapsed < _GONE_S else _GONE_M)
            left = left[flown.arrived & (distance < _LOST_M) & going]
        return self._starts(x, off, when, arrival, departure)

    def _starts(
        self, x: Floats, off: Floats, when: Floats, arrival: float, departure: float | None
    ) -> tuple[Floats, Floats]:
        """Starts for Newton between neighbours on the grid past which the momentum goes through the wanted one."""
        shape = (len(_ENERGIES), _NODES, _ARGUMENTS)
        momentum, tilt, times = (part.reshape(shape) for part in (off[:, 0], off[:, 1], when))
        grid = x.reshape(*shape, 4)
        rows, durations, worth = [x], [when], [np.abs(off).sum(axis=1) + 1.0]
        for axis, column, count in ((1, 1, _NODES), (2, 2, _ARGUMENTS)):
            m, i, t = (np.roll(part, -1, axis=axis) for part in (momentum, tilt, times))
            share = momentum / (momentum - m)
            good = (share > 0.0) & (share < 1.0) & (np.abs(times - t) < _ALIKE_S) & (np.abs(m) < _MISS)
            good &= np.abs(momentum) < _MISS
            between = grid[good].copy()
            between[:, column] += share[good] * 2.0 * math.pi / count
            rows.append(between)
            durations.append((times + share * (t - times))[good])
            worth.append(np.abs(tilt + share * (i - tilt))[good])
        every, span, cost = np.concatenate(rows), np.concatenate(durations), np.concatenate(worth)
        cost[~np.isfinite(cost)] = np.inf
        if departure is not None:
            cost[np.abs(arrival - span - departure) > _MOST_SHIFT_S] = np.inf
        order = np.argsort(cost)[:_TRIED]
        order = order[cost[order] < _MISS]
        return every[order], span[order]

    def _led(self, guess: Floats, seconds: float, departure: float | None) -> tuple[Floats, float] | None:
        """Newton at the guess's own departure, then led in steps to the one that is wanted."""
        self.departure = None
        solved = self._newton(guess, seconds)
        if solved is None or departure is None:
            return solved
        now, step = float(solved[0][0]) - solved[1], _SHIFT_S
        self.others.append(solved)
        before, previous = now, solved[0]
        while abs(departure - now) > 1e-3:
            move = math.copysign(min(step, abs(departure - now)), departure - now)
            self.departure = now + move
            slope = (solved[0] - previous) / (now - before) if now != before else np.array([1.0, 0.0, 0.0, 0.0])
            ahead = self._newton(solved[0] + move * slope, solved[1])
            if ahead is None:
                step *= 0.4
                if step < _LEAST_SHIFT_S:
                    return None
                continue
            before, previous = now, solved[0]
            now, solved, step = now + move, ahead, min(1.5 * step, _MOST_STEP_S)
        return solved

    def _newton(self, guess: Floats, seconds: float) -> tuple[Floats, float] | None:
        """State at perilune whose flight back reaches the parking orbit, and its duration."""
        x, whole, margin = guess.copy(), seconds, _DAY_S
        free = [1, 2, 3] if self.departure is None else [0, 1, 2, 3]
        size = math.inf
        step = np.zeros(len(free))
        for _ in range(_ROUNDS):
            rows = np.repeat(x[None], len(free) + 1, axis=0)
            rows[np.arange(1, len(free) + 1), free] += _DIFFERENCES[free]
            tried = self._tried(rows, whole - margin)
            if tried is None or np.abs(tried[0][0]).max() > 1.2 * size:
                if size == math.inf or np.abs(step).max() < 1e-6:
                    return None
                step *= 0.25
                x[free] -= 3.0 * step * _STEPS[free]
                continue
            miss, times = tried
            moved, whole = abs(float(times[0]) - whole), float(times[0])
            size = float(np.abs(miss[0]).max())
            if size < 1e-8 and margin == _BEFORE_S and moved < 60.0:
                return x, whole
            margin = min(max(3.0 * moved, 1e5 * size, _BEFORE_S), _DAY_S)
            slope = (miss[1:] - miss[0]).T / _DIFFERENCES[free] * _STEPS[free]
            if not np.isfinite(slope).all():
                return None
            step = -np.linalg.pinv(slope) @ miss[0]
            step *= min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
            x[free] += step * _STEPS[free]
        return None

    def _tried(self, rows: Floats, back_s: float) -> tuple[Floats, Floats] | None:
        """Misses of states at perilune, flown back so long; None if one does not come there."""
        if not 0.8 * _SHORTEST_D * _DAY_S < back_s < rows[0, 0] - self.env.span_tdb_s[0] - _BEFORE_S:
            return None
        back = np.full(len(rows), back_s)
        flown = propagate_batch(
            self.states(rows),
            rows[:, 0],
            rows[:, 0] - back,
            self.env,
            rtol=1e-12,
            atol_m=1e-4,
            threads=self.threads,
        )
        if not flown.arrived.all():
            return None
        return self.misses(rows, flown.states, back)

    def flown(self, best: tuple[Floats, float]) -> LowEnergy:
        """The flight, flown once more with dense steps."""
        x, whole = best
        start = self.states(x[None])[0]
        near = State(float(x[0]), start[:3], start[3:], "earth")
        way = propagate(near, near.time_tdb_s - whole, self.env)
        if way.ended != "time":
            raise ModelError(f"the flight ends early: {way.ended}", where="low energy", advice="change the date")
        departure, perilune = way.final, near.from_centre("moon", self.env)
        place, speed = (float(np.linalg.norm(part)) for part in (departure.position_m, departure.velocity_m_s))
        fast = float(np.linalg.norm(perilune.velocity_m_s))
        momentum = np.cross(departure.position_m, departure.velocity_m_s)
        tilt = float(equator_axes(departure.time_tdb_s)[2] @ momentum / np.linalg.norm(momentum))
        return LowEnergy(
            replace(departure, mass_kg=None),
            perilune,
            speed - math.sqrt(self.gm / place),
            speed**2 - 2.0 * self.gm / place,
            fast - math.sqrt(self.moon_gm / self.radius_m),
            fast**2 - 2.0 * self.moon_gm / self.radius_m,
            math.degrees(math.acos(max(-1.0, min(1.0, tilt)))),
            math.degrees(self.tilt),
            math.degrees(float(x[1])) % 360.0,
            float(np.linalg.norm(way.states[:, :3], axis=1).max()),
            whole,
        )


def _moment(env: Environment, t: Instant | None) -> float:
    """One instant in TDB seconds."""
    seconds = np.asarray(env.tdb_s(0.0 if t is None else t)).ravel()
    if seconds.size != 1:
        raise InputError(f"{seconds.size} instants", where="low energy", advice="give one date")
    return float(seconds[0])
