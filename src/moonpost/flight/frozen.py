"""Low frozen orbits in the full field: the eccentricity vector that comes back after each turn of the node."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.averaged import averaged_frozen_eccentricity
from moonpost.flight.elements import elements, placed
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.propagate import propagate_batch
from moonpost.flight.state import State
from moonpost.flight.survey import survey
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["AltitudeRange", "FrozenOrbit", "altitude_range", "frozen_orbit", "node_cycle_s"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_NUDGE = 1e-3
_ROUNDS = 12
_LONGEST_CYCLE_D = 45.0


@dataclass(frozen=True, eq=False)
class FrozenOrbit:
    """An orbit whose eccentricity vector closes after one turn of the node round the Moon.

    Parameters
    ----------
    state : State
        At the ascending node.
    semi_major_axis_m, inclination_deg, node_deg : float
        Osculating there [m], [deg].
    eccentricity : float
        Osculating there [1].
    argument_deg : float
        Argument of perilune there [deg].
    cycle_s : float
        Time in which the node comes round, and the eccentricity vector with it [s].
    drift : float
        By how much the vector misses after that time [1].
    averaged_eccentricity : float or None
        What the averaged theory says: positive with perilune in the north, negative in the south [1].
    """

    state: State
    semi_major_axis_m: float
    inclination_deg: float
    node_deg: float
    eccentricity: float
    argument_deg: float
    cycle_s: float
    drift: float
    averaged_eccentricity: float | None

    def __repr__(self) -> str:
        near = (self.semi_major_axis_m * (1.0 - self.eccentricity) - MOON_RADIUS_M) / 1e3
        far = (self.semi_major_axis_m * (1.0 + self.eccentricity) - MOON_RADIUS_M) / 1e3
        return (
            f"FrozenOrbit({near:.1f} x {far:.1f} km, {self.inclination_deg:g} deg, e {self.eccentricity:.5f}, "
            f"argument {self.argument_deg:.1f} deg, misses by {self.drift:.1e} in {self.cycle_s / _DAY_S:.2f} d)"
        )


@dataclass(frozen=True, eq=False)
class AltitudeRange:
    """How low and how high an orbit goes in each month.

    Parameters
    ----------
    month_days : float
        Length of a month here [d].
    lowest_m, highest_m : ndarray, shape (k,)
        Altitudes of the lowest perilune and of the highest apolune of each month [m].
    survived_days : float
        How long the orbit lasted [d].
    """

    month_days: float
    lowest_m: Floats
    highest_m: Floats
    survived_days: float


def node_cycle_s(state: State, env: Environment) -> float:
    """Time in which the ascending node of an orbit goes once round the Moon.

    Parameters
    ----------
    state : State
        The orbit.
    env : Environment
        Forces; must cover 45 days from the state.

    Returns
    -------
    float
        About 27.3 days on a polar orbit, less on a prograde one [s].

    Raises
    ------
    ModelError
        If the orbit ends before, or its node does not come round in 45 days.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-02-20", degree=4)
    >>> round(node_cycle_s(State.circling(env, "2030-01-01", 200e3, 90.0), env) / 86400.0, 1)
    27.3
    """
    flown = survey([state.vector], state.time_tdb_s, _LONGEST_CYCLE_D, env, step_s=_DAY_S)
    known = np.isfinite(flown.states[:, 0, 0])
    node = np.unwrap(np.radians(flown.elements().node_deg[known, 0]))
    turned = np.abs(node - node[0])
    if turned[-1] < 2.0 * math.pi:
        raise ModelError(
            f"the flight ends after {flown.survived_days[0]:.1f} d, before its node comes round",
            where="node cycle",
            advice="start higher, or at another inclination",
        )
    return float(np.interp(2.0 * math.pi, turned, flown.tdb_s[known] - flown.tdb_s[0]))


def frozen_orbit(
    env: Environment,
    start: Instant,
    semi_major_axis_m: float,
    inclination_deg: float,
    *,
    node_deg: float = 0.0,
    guess: tuple[float, float] | None = None,
    rtol: float = 1e-11,
    goal: float = 1e-6,
) -> FrozenOrbit:
    r"""Find the eccentricity and the argument of perilune of a low orbit that come back month after month.

    Parameters
    ----------
    env : Environment
        Forces, of degree 50 or more for orbits lower than 100 km; must cover 45 days from the start.
    start : Instant
        When the orbit is at its ascending node.
    semi_major_axis_m : float
        Osculating, at the node [m].
    inclination_deg : float
        To the lunar equator [deg].
    node_deg : float, default 0.0
        Longitude of the node [deg].
    guess : tuple of float, optional
        Components of the eccentricity vector towards the node and 90 deg ahead of it to start from [1]; the
        solution of the averaged theory if not given, or a circle where that has none.
    rtol : float, default 1e-11
        Error allowed in a step [1].
    goal : float, default 1e-6
        By how much the vector may miss (1e-6 is 2 m in the altitude of perilune) [1].

    Returns
    -------
    FrozenOrbit

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If there is no such orbit above the ground near the guess.
    DateError
        If the environment is too short.

    Notes
    -----
    In axes that turn with the Moon the field and, nearly, the Earth stand still, so the eccentricity vector has a
    cycle as long as the node takes to come round, and beside it a slow motion round a centre. Newton's method on
    the map from one passage of the node to the one a cycle later finds that centre; both passages lie at nearly
    the same place over the Moon, so that short-period terms cancel. Three flights of a month for each round.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-02-20", degree=30)
    >>> found = frozen_orbit(env, "2030-01-01", 1937.4e3, 90.0, goal=1e-5)
    >>> found.drift < 1e-5, 260.0 < found.argument_deg < 280.0
    (True, True)
    """
    begin = float(np.ravel(env.tdb_s(start))[0])
    theory = averaged_frozen_eccentricity(semi_major_axis_m, inclination_deg, field=env.field)
    first = (0.0, float(theory[0]) if theory.size else 0.0) if guess is None else guess
    vector = np.array(first, dtype=np.float64)
    if vector.shape != (2,) or not np.isfinite(vector).all() or not goal > 0.0:
        raise InputError(f"guess {guess}, goal {goal}", where="frozen orbit", advice="give two finite numbers")

    def started(pair: Floats) -> State:
        return _at_node(env, begin, semi_major_axis_m, inclination_deg, node_deg, pair)

    cycle = node_cycle_s(started(vector), env)
    missed = np.inf
    for _ in range(_ROUNDS):
        nudged = vector + _NUDGE * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        ends, cycle = _returned(np.array([started(pair).vector for pair in nudged]), begin, cycle, env, rtol)
        gap = ends - nudged
        missed = float(np.linalg.norm(gap[0]))
        if missed < goal:
            break
        matrix = (gap[1:] - gap[0]).T / _NUDGE
        vector = _stepped(vector, -np.linalg.solve(matrix, gap[0]), semi_major_axis_m)
    else:
        raise ModelError(
            f"still {missed:.1e} off after {_ROUNDS} rounds",
            where="frozen orbit",
            advice="give another guess, height or inclination",
        )
    return FrozenOrbit(
        started(vector),
        semi_major_axis_m,
        inclination_deg,
        node_deg,
        float(np.hypot(*vector)),
        math.degrees(math.atan2(vector[1], vector[0])) % 360.0,
        cycle,
        missed,
        float(theory[0]) if theory.size else None,
    )


def altitude_range(
    state: State, env: Environment, months: int, *, month_days: float = 27.321661, rtol: float = 1e-10
) -> AltitudeRange:
    """Range of the altitude of an orbit, month by month.

    Parameters
    ----------
    state : State
        The orbit.
    env : Environment
        Forces; must cover the months.
    months : int
        How many.
    month_days : float, default 27.321661
        Length of one [d].
    rtol : float, default 1e-10
        Error allowed in a step [1].

    Returns
    -------
    AltitudeRange
        Of the months that the orbit lasts, the last perhaps in part.

    Raises
    ------
    InputError
        If the number of months is not positive.

    Notes
    -----
    From osculating apsides once in about 1.6 hours, so that all arguments of latitude are met in a month.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-02-01", degree=8)
    >>> found = altitude_range(State.circling(env, "2030-01-01", 200e3, 90.0), env, 1)
    >>> bool(150e3 < found.lowest_m[0] < 200e3 < found.highest_m[0] < 250e3)
    True
    """
    if not (isinstance(months, int) and months >= 1):
        raise InputError(f"{months} months", where="months", advice="give a whole number above 0")
    flown = survey([state.vector], state.time_tdb_s, months * month_days, env, step_s=5777.0, rtol=rtol)
    found = flown.elements()
    low, high = found.perilune_altitude_m[:, 0], found.apolune_altitude_m[:, 0]
    row = np.minimum((flown.tdb_s - flown.tdb_s[0]) / (month_days * _DAY_S), months - 0.5).astype(int)
    known = np.isfinite(low)
    lasted = int(row[known].max()) + 1
    return AltitudeRange(
        month_days,
        np.array([low[known & (row == k)].min() for k in range(lasted)]),
        np.array([high[known & (row == k)].max() for k in range(lasted)]),
        float(flown.survived_days[0]),
    )


def _at_node(env: Environment, tdb_s: float, axis: float, tilt: float, node: float, pair: Floats) -> State:
    """State at the ascending node with an eccentricity vector."""
    argument = math.degrees(math.atan2(pair[1], pair[0]))
    return placed(env, tdb_s, axis, float(np.hypot(*pair)), tilt, node, argument, -argument)


def _stepped(vector: Floats, step: Floats, axis: float) -> Floats:
    """The vector moved by a step, of 0.02 at most, and kept above the ground."""
    size = float(np.linalg.norm(step))
    moved = vector + step * min(1.0, 0.02 / max(size, 1e-300))
    most = 1.0 - (MOON_RADIUS_M + 5e3) / axis
    length = float(np.linalg.norm(moved))
    return moved if length < most else moved * (most / length)


def _returned(states: Floats, begin: float, cycle: float, env: Environment, rtol: float) -> tuple[Floats, float]:
    """Eccentricity vectors at the passage of the node nearest to a cycle later, and when the first is there."""
    times = np.full(len(states), begin + cycle)
    start = np.full(len(states), begin)
    for _ in range(4):
        leg = propagate_batch(states, start, times, env, rtol=rtol, method="rkn1210")
        if not leg.arrived.all():
            raise ModelError(
                f"comes down after {float(leg.elapsed_s.min()) / _DAY_S:.1f} d",
                where="frozen orbit",
                advice="no such orbit above the ground near here: go higher, or give another guess",
            )
        states, start = leg.states, times
        found = elements(env, times, states)
        ahead = (found.argument_deg + found.true_anomaly_deg + 180.0) % 360.0 - 180.0
        rate = np.sqrt(env.gm_m3_s2["moon"] / found.semi_major_axis_m**3)
        times = times - np.radians(ahead) / rate
        if np.abs(ahead).max() < 1e-6:
            break
    argument = np.radians(found.argument_deg)
    vectors = found.eccentricity[:, None] * np.stack([np.cos(argument), np.sin(argument)], axis=1)
    return vectors, float(start[0] - begin)
