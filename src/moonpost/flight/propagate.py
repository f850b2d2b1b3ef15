"""Propagation: one flight with events and burns, many at once, and the state transition."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.burns import Burn, Impulse
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import Crossing, flat_crossings
from moonpost.flight.legs import Pilot
from moonpost.flight.parallel import in_threads, processors
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory

__all__ = ["Batch", "Method", "Until", "propagate", "propagate_batch", "state_transition", "transition_batch"]

Floats = npt.NDArray[np.float64]
Until = Instant | dt.timedelta | np.timedelta64
"""When a flight ends: an instant, or a duration from its start, negative for back in time."""

Method = Literal["dop853", "rkn1210"]
"""Order 8 with dense output, or order 12 for ends alone."""

_MOST_STEPS = 20_000_000


def propagate(
    state: State,
    until: Until,
    env: Environment,
    *,
    rtol: float = 1e-12,
    events: Crossing | Iterable[Any] = (),
    burns: Sequence[Burn | Impulse] = (),
    dense: bool = True,
    method: Method = "dop853",
    atol_m: float = 1e-9,
    longest_step_s: float = math.inf,
) -> Trajectory:
    """Fly from a state to an instant, or until an event or an impact.

    Parameters
    ----------
    state : State
        Where the flight starts; its centre is that of the environment.
    until : Until
        UTC, TDB seconds since J2000, or a duration; it may lie before the start if there are no burns.
    env : Environment
        Forces; must cover the flight.
    rtol : float, default 1e-12
        Error allowed in a step, of the distance and of the speed [1].
    events : Crossing or iterable of Crossing
        What to look out for, such as ``[apsides(), eclipses()]``; one made with ``.ending()`` ends the flight.
    burns : sequence of Burn or Impulse
        In the order of time, not overlapping.
    dense : bool, default True
        Keep what is needed for states between steps (400 bytes a step, some 50 steps a revolution at low degree).
    method : {"dop853", "rkn1210"}, default "dop853"
        Order 8 with dense output; or order 12, with a third of the work at tight tolerances, for the end alone:
        without events and with ``dense=False``.
    atol_m : float, default 1e-9
        Error allowed in a step whatever the distance [m], and a thousandth of it in velocity [m/s].
    longest_step_s : float
        Longest step [s].

    Returns
    -------
    Trajectory
        Ends early at an impact, an ending event or, with `failed`, where a number ceased to be finite.

    Raises
    ------
    DateError
        If the flight leaves the span of the environment.
    InputError
        If the state lies inside the Moon or the Earth, has another centre, or a number cannot be used.
    ModelError
        If the flight takes more than 20 million steps.

    Notes
    -----
    Dormand and Prince's pair of order 8(5,3) with dense output of order 7, or the Nystrom method of order 12(10)
    of Dormand, El-Mikkawy and Prince, which goes over to the former where an impact is near and in burns along the
    motion. Events at the very start are not reported.

    References
    ----------
    Hairer, Norsett and Wanner (1993), Solving Ordinary Differential Equations I, 2nd ed., II.5.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=10)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> flown = propagate(low, "2030-01-01T02:00", env)
    >>> flown.ended, flown.at("2030-01-01T01:00").shape
    ('time', (1, 6))
    """
    control = _control(rtol, atol_m, longest_step_s, method)
    if method == "rkn1210" and (dense or flat_crossings(events)):
        raise InputError(
            "rkn1210 has no dense output",
            where="method",
            advice="give dense=False and no events, or use dop853",
        )
    stop = _duration(state, until, env)
    _check_start(state.vector[None], np.array([state.time_tdb_s]), env, state.centre)
    pilot = Pilot(state, env, control, events, dense, _MOST_STEPS)
    pilot.fly(burns, stop)
    return pilot.trajectory()


@dataclass(frozen=True, eq=False)
class Batch:
    """Ends of many flights.

    Parameters
    ----------
    states : ndarray, shape (n, 6)
        Positions [m] and velocities [m/s] at the end.
    elapsed_s : ndarray, shape (n,)
        How long each flight lasted [s].
    ended : ndarray of str, shape (n,)
        Why, as in `Trajectory.ended`.
    steps : ndarray of int, shape (n,)
        Steps taken.
    """

    states: Floats
    elapsed_s: Floats
    ended: npt.NDArray[np.str_]
    steps: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.states)

    @property
    def arrived(self) -> npt.NDArray[np.bool_]:
        """Which flights lasted to the end.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return self.ended == "time"


def propagate_batch(
    states: npt.ArrayLike,
    start: Instant,
    until: Until | npt.ArrayLike,
    env: Environment,
    *,
    rtol: float = 1e-12,
    method: Method = "dop853",
    atol_m: float = 1e-9,
    longest_step_s: float = math.inf,
    threads: int | None = None,
) -> Batch:
    """Fly many states, on all processors.

    Parameters
    ----------
    states : array_like, shape (n, 6)
        Positions [m] and velocities [m/s] from the centre of the environment, in J2000 axes.
    start : Instant, or array_like of dates or TDB seconds, shape (n,)
        When the flights start.
    until : Until, or array_like of dates or TDB seconds, shape (n,)
        When they end.
    env : Environment
        Forces; must cover the flights.
    rtol : float, default 1e-12
        Error allowed in a step [1].
    method : {"dop853", "rkn1210"}, default "dop853"
        Order 8, or order 12 for tight tolerances.
    atol_m : float, default 1e-9
        Error allowed in a step whatever the distance [m].
    longest_step_s : float
        Longest step [s].
    threads : int, optional
        Threads; as many as there are processors if not given. The results do not depend on it.

    Returns
    -------
    Batch
        The same numbers, to rounding, as `propagate` gives one by one.

    Raises
    ------
    DateError
        If a flight leaves the span of the environment.
    InputError
        If a state is not finite or lies inside a body, or a number cannot be used.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=10)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> ends = propagate_batch([low.vector, low.vector], "2030-01-01", "2030-01-01T02:00", env)
    >>> ends.ended.tolist(), bool((ends.states[0] == ends.states[1]).all())
    (['time', 'time'], True)
    """
    from moonpost.flight.stepkernels import ENDINGS, fly

    control = _control(rtol, atol_m, longest_step_s, method)
    flown, offsets, durations = _many(states, start, until, env)
    count = len(flown)
    ends, elapsed = np.empty((count, 6)), np.empty(count)
    endings, taken = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    numbers, options, places, table, _ = env.arrays()

    def part(rows: slice) -> None:
        fly(
            flown[rows], offsets[rows], durations[rows], _MOST_STEPS, control, numbers, options, places, table,
            ends[rows], elapsed[rows], endings[rows], taken[rows],
        )  # fmt: skip

    _spread(part, count, threads)
    names = np.array(["steps", "time", *ENDINGS[2:]])
    return Batch(ends, elapsed, names[endings], taken)


def state_transition(
    state: State,
    until: Until,
    env: Environment,
    *,
    rtol: float = 1e-12,
    method: Method = "dop853",
    atol_m: float = 1e-9,
) -> tuple[State, Floats]:
    """Fly to an instant, with the derivatives of the end by the start.

    Parameters
    ----------
    state : State
        Where the flight starts.
    until : Until
        When it ends.
    env : Environment
        Forces; must cover the flight.
    rtol : float, default 1e-12
        Error allowed in a step [1].
    method : {"dop853", "rkn1210"}, default "dop853"
        Order 8, or order 12 for tight tolerances.
    atol_m : float, default 1e-9
        Error allowed in a step whatever the distance [m].

    Returns
    -------
    tuple of State and ndarray, shape (6, 6)
        The state at the end, equal to that of `propagate`, and the matrix in m and m/s.

    Raises
    ------
    DateError
        If the flight leaves the span of the environment.
    InputError
        If the state lies inside a body or a number cannot be used.
    ModelError
        If the flight ends before its time, as by an impact.

    Notes
    -----
    Variational equations with the gradient of the harmonics and of the point masses, integrated along with the
    state on its steps.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=4)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> _, matrix = state_transition(low, "2030-01-01T01:00", env)
    >>> bool(abs(np.linalg.det(matrix) - 1.0) < 1e-8)
    True
    """
    seconds = np.array([state.time_tdb_s])
    stop = seconds + _duration(state, until, env)
    _check_start(state.vector[None], seconds, env, state.centre)
    ends, matrices = transition_batch(
        state.vector[None], seconds, stop, env, rtol=rtol, method=method, atol_m=atol_m, threads=1
    )
    final = State(float(stop[0]), ends[0, :3], ends[0, 3:], state.centre, mass_kg=state.mass_kg)
    return final, matrices[0]


def transition_batch(
    states: npt.ArrayLike,
    start: Instant,
    until: Until | npt.ArrayLike,
    env: Environment,
    *,
    rtol: float = 1e-12,
    method: Method = "dop853",
    atol_m: float = 1e-9,
    threads: int | None = None,
) -> tuple[Floats, Floats]:
    """Fly many states, each with the derivatives of its end by its start.

    Parameters
    ----------
    states : array_like, shape (n, 6)
        Positions [m] and velocities [m/s] from the centre of the environment, in J2000 axes.
    start : Instant, or array_like of dates or TDB seconds, shape (n,)
        When the flights start.
    until : Until, or array_like of dates or TDB seconds, shape (n,)
        When they end.
    env : Environment
        Forces; must cover the flights.
    rtol : float, default 1e-12
        Error allowed in a step [1].
    method : {"dop853", "rkn1210"}, default "dop853"
        Order 8, or order 12 for tight tolerances.
    atol_m : float, default 1e-9
        Error allowed in a step whatever the distance [m].
    threads : int, optional
        Threads; as many as there are processors if not given.

    Returns
    -------
    tuple of ndarray, shapes (n, 6) and (n, 6, 6)
        States at the end and matrices, in m and m/s.

    Raises
    ------
    DateError
        If a flight leaves the span of the environment.
    InputError
        If a state is not finite or lies inside a body, or a number cannot be used.
    ModelError
        If a flight ends before its time, as by an impact.
    """
    from moonpost.flight.stepkernels import ENDINGS, vary

    control = _control(rtol, atol_m, math.inf, method)
    flown, offsets, durations = _many(states, start, until, env)
    count = len(flown)
    ends, matrices = np.empty((count, 6)), np.empty((count, 6, 6))
    endings = np.empty(count, dtype=np.int64)
    numbers, options, places, table, _ = env.arrays(gradient=True)

    def part(rows: slice) -> None:
        vary(
            flown[rows], offsets[rows], durations[rows], _MOST_STEPS, control, numbers, options, places, table,
            ends[rows], matrices[rows], endings[rows],
        )  # fmt: skip

    _spread(part, count, threads)
    broken = np.flatnonzero(endings != 1)
    if broken.size:
        raise ModelError(
            f"flight {broken[0]} ended early: {ENDINGS[endings[broken[0]]]}",
            where="state transition",
            advice="start from a state that lasts to the end",
        )
    return ends, matrices


def _spread(part: Any, count: int, threads: int | None) -> None:
    """Work on slices of many flights in threads."""
    workers = max(1, min(threads or processors(), count))
    size = count if workers == 1 else max(1, math.ceil(count / (4 * workers)))
    in_threads(part, [slice(low, low + size) for low in range(0, count, size)], workers)


def _many(states: npt.ArrayLike, start: Any, until: Any, env: Environment) -> tuple[Floats, Floats, Floats]:
    """Checked states, starts from the reference of the series, and durations."""
    try:
        flown = np.ascontiguousarray(np.asarray(states, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where="states", advice="give an array (n, 6)") from error
    if flown.ndim != 2 or flown.shape[1] != 6 or not np.isfinite(flown).all():
        raise InputError(
            f"shape {flown.shape}, or not finite", where="states", advice="give finite numbers (n, 6)"
        )
    begin = _instants(start, len(flown), env, "start")
    if isinstance(until, dt.timedelta | np.timedelta64):
        durations = np.full(len(flown), _timedelta_s(until))
    else:
        durations = _instants(until, len(flown), env, "until") - begin
    env.check(begin)
    env.check(begin + durations)
    _check_start(flown, begin, env, env.centre)
    return flown, begin - env.series[0], durations


def _instants(t: Any, count: int, env: Environment, where: str) -> Floats:
    """TDB seconds of one or of many instants."""
    values = np.asarray(t)
    seconds = values.astype(np.float64) if values.dtype.kind in "fiu" else np.asarray(env.tdb_s(t))
    if seconds.size not in (1, count):
        raise InputError(
            f"{seconds.size} instants for {count} states", where=where, advice="give one, or one each"
        )
    return np.ascontiguousarray(np.broadcast_to(seconds.ravel(), count))


def _timedelta_s(until: dt.timedelta | np.timedelta64) -> float:
    """Seconds of a duration."""
    if isinstance(until, dt.timedelta):
        return until.total_seconds()
    seconds = float(until / np.timedelta64(1, "ns")) * 1e-9
    if not math.isfinite(seconds):
        raise InputError(f"{until} is no duration", where="until", advice="give a timedelta")
    return seconds


def _duration(state: State, until: Until, env: Environment) -> float:
    """Seconds from a state to the end of its flight, both inside the environment."""
    if isinstance(until, dt.timedelta | np.timedelta64):
        seconds = _timedelta_s(until)
    else:
        stop = env.tdb_s(until)
        if stop.size != 1:
            raise InputError(f"{stop.size} instants where one is needed", where="until", advice="give one")
        seconds = float(stop.ravel()[0]) - state.time_tdb_s
    env.check(np.array([state.time_tdb_s, state.time_tdb_s + seconds]))
    return seconds


def _check_start(states: Floats, tdb_s: Floats, env: Environment, centre: str) -> None:
    """Refuse states that start inside a body or from another centre."""
    if centre != env.centre:
        raise InputError(
            f"the state is from the centre of the {centre}, the environment from that of the {env.centre}",
            where="state",
            advice="use state.from_centre(...), or make the environment with that centre",
        )
    for body, name in (("moon", "Moon"), ("earth", "Earth")):
        apart = states[:, :3] if body == centre else states[:, :3] - env.body_m(body, tdb_s)
        depth = env.impact_radius_m[body] - np.linalg.norm(apart, axis=1)
        if (depth > 1e-3).any():
            row = int(np.flatnonzero(depth > 1e-3)[0])
            raise InputError(
                f"state {row} lies {depth[row] / 1e3:.3f} km inside the {name} (sphere of "
                f"{env.impact_radius_m[body] / 1e3:g} km)",
                where="state",
                advice="start outside, in metres from the centre; or set impact_radius_m",
            )


def _control(rtol: float, atol_m: float, longest_step_s: float, method: str) -> Floats:
    """Tolerances and the longest step, checked."""
    if not 1e-15 <= rtol <= 1e-2:
        raise InputError(f"{rtol!r} is no tolerance", where="rtol", advice="give 1e-15 to 1e-2")
    if not 0.0 <= atol_m < math.inf or not longest_step_s > 1e-3:
        raise InputError(
            f"atol_m {atol_m!r}, longest_step_s {longest_step_s!r}",
            where="propagate",
            advice="give metres, seconds",
        )
    if method not in ("dop853", "rkn1210"):
        raise InputError(f"{method!r} is no method", where="method", advice="give dop853 or rkn1210")
    return np.array([rtol, atol_m, 1e-3 * atol_m, longest_step_s, float(method == "rkn1210")])
