"""The integrator for numba: Dormand and Prince's pair of order 8(5,3) for second-order equations, dense output.

The pair is written for positions and accelerations: its stages of velocity are summed beforehand, which gives the
same method with half the work. Time runs from the start of the run and sums are compensated, so that 30 days of
steps add no rounding that counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.integrate import DOP853

from moonpost.flight.forcekernels import accelerations
from moonpost.flight.placekernels import located

__all__ = ["ENDINGS", "advance", "fly", "interpolate", "vary"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

ENDINGS = ("paused", "reached", "impact on the Moon", "impact on the Earth", "not finite", "step too short")
"""What the numbers that end a call of `advance` mean."""

_PAUSED, _REACHED, _MOON, _EARTH, _BROKEN, _STUCK = range(6)
_STAGES = 12
_SHORTEST_S = 1e-9
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def _tableau() -> tuple[Floats, ...]:
    """Nodes, weights of velocity and of position for 16 stages, those of the errors and of the dense output."""
    full = np.zeros((16, 16), dtype=np.longdouble)
    full[:_STAGES, :_STAGES] = DOP853.A
    full[_STAGES, :_STAGES] = DOP853.B
    full[_STAGES + 1 :] = DOP853.A_EXTRA
    nodes = np.concatenate([DOP853.C, [1.0], DOP853.C_EXTRA])
    wrong = np.zeros((2, 16), dtype=np.longdouble)
    wrong[0, : _STAGES + 1], wrong[1, : _STAGES + 1] = DOP853.E5, DOP853.E3
    dense = np.asarray(DOP853.D, dtype=np.longdouble)
    parts = (nodes, full, full @ full, wrong, wrong @ full, dense, dense @ full, dense.sum(axis=1))
    return tuple(np.ascontiguousarray(part, dtype=np.float64) for part in parts)


_C, _A, _AA, _E, _EA, _D, _DA, _D1 = _tableau()


@njit(**_OPTIONS)
def _stages(
    first: int,
    last: int,
    h: float,
    since: float,
    q: Floats,
    w: Floats,
    a: Floats,
    trial: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    work: Floats,
) -> None:
    """Accelerations of the stages from `first` up to, not including, `last`; leaves the last place in `trial`."""
    blocks = len(q)
    for s in range(first, last):
        for b in range(blocks):
            p0, p1, p2, v0, v1, v2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for j in range(s):
                c, d = _AA[s, j], _A[s, j]
                p0 += c * a[j, b, 0]
                p1 += c * a[j, b, 1]
                p2 += c * a[j, b, 2]
                v0 += d * a[j, b, 0]
                v1 += d * a[j, b, 1]
                v2 += d * a[j, b, 2]
            step = h * _C[s]
            trial[0, b, 0] = q[b, 0] + (step * w[b, 0] + h * h * p0)
            trial[0, b, 1] = q[b, 1] + (step * w[b, 1] + h * h * p1)
            trial[0, b, 2] = q[b, 2] + (step * w[b, 2] + h * h * p2)
            trial[1, b, 0] = w[b, 0] + h * v0
            trial[1, b, 1] = w[b, 1] + h * v1
            trial[1, b, 2] = w[b, 2] + h * v2
        accelerations(since + _C[s] * h, trial[0], trial[1], a[s], numbers, options, places, table, work)


@njit(**_OPTIONS)
def _error(
    h: float, q: Floats, w: Floats, a: Floats, trial: Floats, rtol: float, atol_m: float, atol_m_s: float
) -> float:
    """Estimated error of a step over the tolerance; only the spacecraft counts, not its variations."""
    sums = np.zeros(4)
    sizes = np.zeros(4)
    for i in range(3):
        p5, p3, v5, v3 = 0.0, 0.0, 0.0, 0.0
        for j in range(13):
            p5 += _EA[0, j] * a[j, 0, i]
            p3 += _EA[1, j] * a[j, 0, i]
            v5 += _E[0, j] * a[j, 0, i]
            v3 += _E[1, j] * a[j, 0, i]
        sums[0] += (h * p5) ** 2
        sums[1] += (h * p3) ** 2
        sums[2] += v5**2
        sums[3] += v3**2
        sizes[0] += q[0, i] ** 2
        sizes[1] += trial[0, 0, i] ** 2
        sizes[2] += w[0, i] ** 2
        sizes[3] += trial[1, 0, i] ** 2
    place = atol_m + rtol * math.sqrt(max(sizes[0], sizes[1]))
    speed = atol_m_s + rtol * math.sqrt(max(sizes[2], sizes[3]))
    fifth = sums[0] / place**2 + sums[2] / speed**2
    third = sums[1] / place**2 + sums[3] / speed**2
    if fifth == 0.0 and third == 0.0:
        return 0.0
    return abs(h) * fifth / math.sqrt(2.0 * (fifth + 0.01 * third))


@njit(**_OPTIONS)
def _densify(
    h: float,
    since: float,
    q: Floats,
    w: Floats,
    a: Floats,
    trial: Floats,
    spare: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    work: Floats,
    out: Floats,
) -> None:
    """Coefficients of the spacecraft's place and velocity between the ends of a step."""
    one = spare[:, :1]
    _stages(13, 16, h, since, q[:1], w[:1], a[:, :1], one, numbers, options, places, table, work)
    for i in range(3):
        ends = (q[0, i], trial[0, 0, i], h * w[0, i], h * trial[1, 0, i])
        out[0, i] = ends[0]
        out[1, i] = ends[1] - ends[0]
        out[2, i] = ends[2] - out[1, i]
        out[3, i] = 2.0 * out[1, i] - (ends[2] + ends[3])
        speeds = (w[0, i], trial[1, 0, i], h * a[0, 0, i], h * a[12, 0, i])
        out[0, 3 + i] = speeds[0]
        out[1, 3 + i] = speeds[1] - speeds[0]
        out[2, 3 + i] = speeds[2] - out[1, 3 + i]
        out[3, 3 + i] = 2.0 * out[1, 3 + i] - (speeds[2] + speeds[3])
        for k in range(4):
            place, speed = 0.0, 0.0
            for j in range(16):
                place += _DA[k, j] * a[j, 0, i]
                speed += _D[k, j] * a[j, 0, i]
            out[4 + k, i] = h * (_D1[k] * w[0, i] + h * place)
            out[4 + k, 3 + i] = h * speed


@njit(**_OPTIONS)
def _between(x: float, coefficients: Floats, out: Floats) -> None:
    """Place and velocity at a fraction of a step."""
    for i in range(6):
        value = coefficients[7, i] * x
        value = (value + coefficients[6, i]) * (1.0 - x)
        value = (value + coefficients[5, i]) * x
        value = (value + coefficients[4, i]) * (1.0 - x)
        value = (value + coefficients[3, i]) * x
        value = (value + coefficients[2, i]) * (1.0 - x)
        value = (value + coefficients[1, i]) * x
        out[i] = value + coefficients[0, i]


@njit(**_OPTIONS)
def interpolate(elapsed: Floats, rows: Whole, steps: Floats, coefficients: Floats) -> Floats:
    """Places and velocities within steps.

    Parameters
    ----------
    elapsed : ndarray, shape (n,)
        Times from the start of the run [s].
    rows : ndarray of int64, shape (n,)
        The step that each falls in.
    steps : ndarray, shape (k, 2)
        Start of each step from the start of the run, and its length, signed [s].
    coefficients : ndarray, shape (k, 8, 6)
        Of the dense output.

    Returns
    -------
    ndarray, shape (n, 6)
        Position [m] and velocity [m/s].

    Notes
    -----
    Seventh-order polynomials; their error is about that of a step.

    Examples
    --------
    >>> line = np.zeros((1, 8, 6))
    >>> line[0, 0], line[0, 1] = 1.0, 2.0
    >>> interpolate(np.array([5.0]), np.array([0]), np.array([[0.0, 10.0]]), line)[0, :2].tolist()
    [2.0, 2.0]
    """
    out = np.empty((len(elapsed), 6))
    for k in range(len(elapsed)):
        start, length = steps[rows[k]]
        _between((elapsed[k] - start) / length, coefficients[rows[k]], out[k])
    return out


@njit(**_OPTIONS)
def _depth(
    x: float, h: float, since: float, body: int, dense: Floats, numbers: Floats, options: Whole, places: Floats
) -> float:
    """Height above the impact sphere of the Moon (0) or the Earth (1) at a fraction of a step."""
    state = np.empty(6)
    _between(x, dense, state)
    radius = numbers[20 + body]
    if body != options[1]:
        found = located(since + x * h, numbers[0], numbers[1], places)
        return (
            math.sqrt((state[0] - found[0]) ** 2 + (state[1] - found[1]) ** 2 + (state[2] - found[2]) ** 2)
            - radius
        )
    return math.sqrt(state[0] ** 2 + state[1] ** 2 + state[2] ** 2) - radius


@njit(**_OPTIONS)
def _touch(
    h: float, since: float, body: int, dense: Floats, numbers: Floats, options: Whole, places: Floats
) -> float:
    """Fraction of a step at which it first meets the impact sphere, or 2 if it does not."""
    count = 32
    low = 0.0
    for k in range(1, count + 1):
        x = k / count
        here = _depth(x, h, since, body, dense, numbers, options, places)
        if here < 0.0:
            break
        if k < count:
            # the lowest of three neighbours may hide a dip between them
            ahead = _depth((k + 1) / count, h, since, body, dense, numbers, options, places)
            behind = _depth((k - 1) / count, h, since, body, dense, numbers, options, places)
            if here <= ahead and here <= behind:
                x = _dip(x - 1.0 / count, x + 1.0 / count, h, since, body, dense, numbers, options, places)
                if _depth(x, h, since, body, dense, numbers, options, places) < 0.0:
                    break
        x = 2.0
        low = k / count
    if x == 2.0:
        return 2.0
    low = min(low, max(0.0, x - 1.0 / count))
    high = x
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _depth(middle, h, since, body, dense, numbers, options, places) < 0.0:
            high = middle
        else:
            low = middle
    return low


@njit(**_OPTIONS)
def _dip(
    low: float,
    high: float,
    h: float,
    since: float,
    body: int,
    dense: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
) -> float:
    """Fraction of a step at which the height is least, between two fractions."""
    for _ in range(60):
        a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
        if _depth(a, h, since, body, dense, numbers, options, places) < _depth(
            b, h, since, body, dense, numbers, options, places
        ):
            high = b
        else:
            low = a
    return 0.5 * (low + high)


@njit(**_OPTIONS)
def _near(
    h: float,
    since: float,
    body: int,
    q: Floats,
    w: Floats,
    trial: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
) -> bool:
    """Whether a step may meet the impact sphere of the Moon (0) or the Earth (1)."""
    radius = numbers[20 + body]
    if radius <= 0.0:
        return False
    speed = math.sqrt(
        max(
            w[0, 0] ** 2 + w[0, 1] ** 2 + w[0, 2] ** 2,
            trial[1, 0, 0] ** 2 + trial[1, 0, 1] ** 2 + trial[1, 0, 2] ** 2,
        )
    )
    here = math.sqrt(q[0, 0] ** 2 + q[0, 1] ** 2 + q[0, 2] ** 2)
    there = math.sqrt(trial[0, 0, 0] ** 2 + trial[0, 0, 1] ** 2 + trial[0, 0, 2] ** 2)
    if body == options[1]:
        inward = -(q[0, 0] * w[0, 0] + q[0, 1] * w[0, 1] + q[0, 2] * w[0, 2]) / here
        outward = (
            trial[0, 0, 0] * trial[1, 0, 0] + trial[0, 0, 1] * trial[1, 0, 1] + trial[0, 0, 2] * trial[1, 0, 2]
        ) / there
        sink = abs(h) * max(abs(inward), abs(outward))
        return min(here, there) - sink < radius
    found = located(since, numbers[0], numbers[1], places)
    away = math.sqrt((q[0, 0] - found[0]) ** 2 + (q[0, 1] - found[1]) ** 2 + (q[0, 2] - found[2]) ** 2)
    return away - 1.5 * abs(h) * (speed + 1100.0) < radius


@njit(**_OPTIONS)
def _crash(x: float, h: float, clock: Floats, state: Floats, dense: Floats) -> None:
    """Stop at a fraction of a step."""
    found = np.empty(6)
    _between(x, dense, found)
    for i in range(3):
        state[0, 0, i], state[1, 0, i] = found[i], found[3 + i]
    clock[0] += x * h


@njit(**_OPTIONS)
def _commit(h: float, a: Floats, state: Floats) -> None:
    """Add the change of a step to the state, with what rounding lost so far."""
    for b in range(state.shape[1]):
        for i in range(3):
            place, speed = 0.0, 0.0
            for j in range(12):
                place += _AA[12, j] * a[j, b, i]
                speed += _A[12, j] * a[j, b, i]
            place = h * state[1, b, i] + h * h * place - state[2, b, i]
            total = state[0, b, i] + place
            state[2, b, i] = (total - state[0, b, i]) - place
            state[0, b, i] = total
            speed = h * speed - state[3, b, i]
            total = state[1, b, i] + speed
            state[3, b, i] = (total - state[1, b, i]) - speed
            state[1, b, i] = total


@njit(**_OPTIONS)
def _tick(h: float, final: bool, ratio: float, rejected: bool, longest: float, clock: Floats) -> None:
    """Move the clock on by a step, and choose the next."""
    if final:
        clock[0], clock[1] = clock[2], 0.0
        return
    step = h - clock[1]
    total = clock[0] + step
    clock[1] = (total - clock[0]) - step
    clock[0] = total
    factor = 6.0 if ratio == 0.0 else min(6.0, 0.9 * ratio**-0.125)
    clock[4] = min(abs(h) * (min(1.0, factor) if rejected else factor), longest)


@njit(**_OPTIONS)
def _impact(
    near_moon: bool,
    near_earth: bool,
    h: float,
    since: float,
    dense: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
) -> tuple[float, int]:
    """Fraction of a step at which it meets the Moon (0) or the Earth (1), or 2 if it meets none."""
    moon = _touch(h, since, 0, dense, numbers, options, places) if near_moon else 2.0
    earth = _touch(h, since, 1, dense, numbers, options, places) if near_earth else 2.0
    return (earth, 1) if earth < moon else (moon, 0)


@njit(**_OPTIONS)
def _first_length(q: Floats, a: Floats, rtol: float) -> float:
    """Length to try the first step with."""
    size = math.sqrt(q[0, 0] ** 2 + q[0, 1] ** 2 + q[0, 2] ** 2)
    pull = math.sqrt(a[0, 0, 0] ** 2 + a[0, 0, 1] ** 2 + a[0, 0, 2] ** 2)
    return rtol**0.125 * math.sqrt(size / (pull + 1e-300))


@njit(**_OPTIONS)
def advance(
    clock: Floats,
    state: Floats,
    most: int,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    steps: Floats,
    coefficients: Floats,
) -> tuple[int, int]:
    """Integrate until a time, an impact, a failure or a number of steps.

    Parameters
    ----------
    clock : ndarray, shape (5,)
        Time since the start of the run and its rounding so far, time at which to end, start of the run from the
        reference of the places, next step (0 to choose) [s]; changed in place.
    state : ndarray, shape (4, 1 or 7, 4)
        Positions [m], velocities [m/s] and their rounding so far, each padded to four; changed in place.
    most : int
        Most steps to take.
    control : ndarray, shape (4,)
        Relative tolerance, absolute tolerances of position [m] and velocity [m/s], longest step [s].
    numbers, options, places, table : ndarray
        The environment; see `moonpost.flight.forcekernels`.
    steps, coefficients : ndarray, shapes (k, 2) and (k, 8, 6)
        Get the steps and their dense output if k is at least `most`; k = 0 keeps none.

    Returns
    -------
    tuple of int
        Ending, as listed in `ENDINGS`, and steps taken.

    References
    ----------
    Hairer, Norsett and Wanner (1993), Solving Ordinary Differential Equations I, 2nd ed., II.5 and II.6.
    """
    blocks = state.shape[1]
    q, w = state[0], state[1]
    a = np.zeros((16, blocks, 4))
    trial, spare = np.zeros((2, blocks, 4)), np.zeros((2, blocks, 4))
    dense, work = np.zeros((8, 6)), np.zeros(24 + 96 * (options[0] // 8 + 1))
    taken, rejected = 0, False
    sign = 1.0 if clock[2] >= clock[0] else -1.0
    accelerations(clock[3] + clock[0], q, w, a[0], numbers, options, places, table, work)
    if clock[4] == 0.0:
        clock[4] = min(_first_length(q, a, control[0]), control[3])
    while True:
        left = (clock[2] - clock[0]) + clock[1]
        if left * sign <= 0.0:
            return _REACHED, taken
        if taken >= most:
            return _PAUSED, taken
        final = clock[4] >= abs(left) * (1.0 - 1e-12)
        h = left if final else sign * clock[4]
        since = clock[3] + clock[0]
        _stages(1, 13, h, since, q, w, a, trial, numbers, options, places, table, work)
        ratio = _error(h, q, w, a, trial, control[0], control[1], control[2])
        if not ratio < 1.0:
            rejected = True
            known = ratio < math.inf
            clock[4] = abs(h) * (max(0.2, 0.9 * ratio**-0.125) if known else 0.1)
            if clock[4] > _SHORTEST_S:
                continue
            return (_STUCK if known else _BROKEN), taken
        keep = len(steps) > taken
        near_moon = _near(h, since, 0, q, w, trial, numbers, options, places)
        near_earth = _near(h, since, 1, q, w, trial, numbers, options, places)
        if keep or near_moon or near_earth:
            _densify(h, since, q, w, a, trial, spare, numbers, options, places, table, work, dense)
        if keep:
            steps[taken, 0], steps[taken, 1] = clock[0], h
            coefficients[taken] = dense
        x, body = _impact(near_moon, near_earth, h, since, dense, numbers, options, places)
        if x <= 1.0:
            _crash(x, h, clock, state, dense)
            return _MOON + body, taken + 1
        _commit(h, a, state)
        _tick(h, final, ratio, rejected, control[3], clock)
        rejected = False
        a[0] = a[12]
        taken += 1


@njit(**_OPTIONS)
def fly(
    states: Floats,
    offsets: Floats,
    durations: Floats,
    most: int,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    ends: Floats,
    elapsed: Floats,
    endings: Whole,
    taken: Whole,
) -> None:
    """Integrate many states one after the other, without dense output.

    Parameters
    ----------
    states : ndarray, shape (n, 6)
        Positions [m] and velocities [m/s] at the start.
    offsets, durations : ndarray, shape (n,)
        Start of each run from the reference of the places, and how long it lasts, signed [s].
    most : int
        Most steps of a run.
    control, numbers, options, places, table : ndarray
        As for `advance`.
    ends : ndarray, shape (n, 6)
        Gets the states at the end.
    elapsed : ndarray, shape (n,)
        Gets the time that each run lasted [s].
    endings, taken : ndarray of int64, shape (n,)
        Get the endings, as listed in `ENDINGS`, and the steps.
    """
    steps, coefficients = np.empty((0, 2)), np.empty((0, 8, 6))
    state, clock = np.zeros((4, 1, 4)), np.zeros(5)
    for k in range(len(states)):
        state[:] = 0.0
        for i in range(3):
            state[0, 0, i], state[1, 0, i] = states[k, i], states[k, 3 + i]
        clock[:] = 0.0
        clock[2], clock[3] = durations[k], offsets[k]
        endings[k], taken[k] = advance(
            clock, state, most, control, numbers, options, places, table, steps, coefficients
        )
        for i in range(3):
            ends[k, i], ends[k, 3 + i] = state[0, 0, i], state[1, 0, i]
        elapsed[k] = clock[0]


@njit(**_OPTIONS)
def vary(
    states: Floats,
    offsets: Floats,
    durations: Floats,
    most: int,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    ends: Floats,
    transitions: Floats,
    endings: Whole,
) -> None:
    """Integrate many states with their state transition.

    Parameters
    ----------
    states : ndarray, shape (n, 6)
        Positions [m] and velocities [m/s] at the start.
    offsets, durations : ndarray, shape (n,)
        Start of each run from the reference of the places, and how long it lasts, signed [s].
    most : int
        Most steps of a run.
    control, numbers, options, places, table : ndarray
        As for `advance`; harmonics packed with gradient.
    ends : ndarray, shape (n, 6)
        Gets the states at the end.
    transitions : ndarray, shape (n, 6, 6)
        Gets the derivatives of the ends by the starts.
    endings : ndarray of int64, shape (n,)
        Gets the endings, as listed in `ENDINGS`.
    """
    steps, coefficients = np.empty((0, 2)), np.empty((0, 8, 6))
    state, clock = np.zeros((4, 7, 4)), np.zeros(5)
    for k in range(len(states)):
        state[:] = 0.0
        for i in range(3):
            state[0, 0, i], state[1, 0, i] = states[k, i], states[k, 3 + i]
            state[0, 1 + i, i], state[1, 4 + i, i] = 1.0, 1.0
        clock[:] = 0.0
        clock[2], clock[3] = durations[k], offsets[k]
        endings[k], _ = advance(clock, state, most, control, numbers, options, places, table, steps, coefficients)
        for i in range(3):
            ends[k, i], ends[k, 3 + i] = state[0, 0, i], state[1, 0, i]
            for j in range(6):
                transitions[k, i, j], transitions[k, 3 + i, j] = state[0, 1 + j, i], state[1, 1 + j, i]
