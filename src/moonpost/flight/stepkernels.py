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
from moonpost.flight.impactkernels import between, impact, near
from moonpost.flight.nystromkernels import nystrom_commit, nystrom_step

__all__ = ["CHUNK", "ENDINGS", "advance", "fly", "vary"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

CHUNK = 4096
"""Steps after which a run starts its sums anew, whoever drives it, so that all drivers agree to the last digit."""

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
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    work: Floats,
    out: Floats,
) -> None:
    """Coefficients of the spacecraft's place and velocity between the ends of a step."""
    _stages(13, 16, h, since, q[:1], w[:1], a[:, :1], np.zeros((2, 1, 4)), numbers, options, places, table, work)
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
def _crash(x: float, h: float, clock: Floats, state: Floats, dense: Floats) -> None:
    """Stop at a fraction of a step."""
    found = np.empty(6)
    between(x, dense, found)
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
def _tick(h: float, final: bool, slot: int, factor: float, longest: float, clock: Floats) -> None:
    """Move the clock on by a step, and choose the next of its kind."""
    if final:
        clock[0], clock[1] = clock[2], 0.0
        return
    step = h - clock[1]
    total = clock[0] + step
    clock[1] = (total - clock[0]) - step
    clock[0] = total
    clock[slot] = min(abs(h) * factor, longest)


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
    clock : ndarray, shape (6,)
        Time since the start of the run and its rounding so far, time at which to end, start of the run from the
        reference of the places, next step of order 8 (0 to choose) and of order 12 [s]; changed in place.
    state : ndarray, shape (4, 1 or 7, 4)
        Positions [m], velocities [m/s] and their rounding so far, each padded to four; changed in place.
    most : int
        Most steps to take.
    control : ndarray, shape (5,)
        Relative tolerance, absolute tolerances of position [m] and velocity [m/s], longest step [s], and 1 to take
        steps of order 12 where no dense output is kept, no impact is near and no force depends on the velocity.
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
    a, high = np.zeros((16, blocks, 4)), np.zeros((17, blocks, 4))
    trial, dense = np.zeros((2, blocks, 4)), np.zeros((8, 6))
    work = np.zeros(24 + 96 * (options[0] // 8 + 1))
    taken = 0
    sign = 1.0 if clock[2] >= clock[0] else -1.0
    accelerations(clock[3] + clock[0], q, w, a[0], numbers, options, places, table, work)
    if clock[4] == 0.0:
        clock[4] = min(_first_length(q, a, control[0]), control[3])
        clock[5] = clock[4]
    while True:
        left = (clock[2] - clock[0]) + clock[1]
        if left * sign <= 0.0:
            return _REACHED, taken
        if taken >= most:
            return _PAUSED, taken
        keep = len(steps) > taken
        code = _PAUSED
        if control[4] == 1.0 and not keep:
            code = _leap(left, sign, clock, state, a, high, trial, control, numbers, options, places, table, work)
        if code == _PAUSED:
            if keep:
                steps[taken, 0] = clock[0]
            code, h = _stride(
                left, sign, keep, clock, state, a, trial, dense, control, numbers, options, places, table, work
            )
            if keep:
                steps[taken, 1] = h
                coefficients[taken] = dense
        taken += 1
        if code != _REACHED:
            return code, taken if code < _BROKEN else taken - 1


@njit(**_OPTIONS)
def _stride(
    left: float,
    sign: float,
    keep: bool,
    clock: Floats,
    state: Floats,
    a: Floats,
    trial: Floats,
    dense: Floats,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    work: Floats,
) -> tuple[int, float]:
    """Take a step of order 8; 1 if it was taken, else an ending, and its length."""
    q, w = state[0], state[1]
    since = clock[3] + clock[0]
    rejected = False
    while True:
        final = clock[4] >= abs(left) * (1.0 - 1e-12)
        h = left if final else sign * clock[4]
        _stages(1, 13, h, since, q, w, a, trial, numbers, options, places, table, work)
        ratio = _error(h, q, w, a, trial, control[0], control[1], control[2])
        if ratio < 1.0:
            break
        rejected = True
        known = ratio < math.inf
        clock[4] = abs(h) * (max(0.2, 0.9 * ratio**-0.125) if known else 0.1)
        if not clock[4] > _SHORTEST_S:
            return (_STUCK if known else _BROKEN), h
    near_moon = near(h, since, 0, q, w, trial, numbers, options, places)
    near_earth = near(h, since, 1, q, w, trial, numbers, options, places)
    if keep or near_moon or near_earth:
        _densify(h, since, q, w, a, trial, numbers, options, places, table, work, dense)
    x, body = impact(near_moon, near_earth, h, since, dense, numbers, options, places)
    if x <= 1.0:
        _crash(x, h, clock, state, dense)
        return _MOON + body, h
    _commit(h, a, state)
    factor = 6.0 if ratio == 0.0 else min(6.0, 0.9 * ratio**-0.125)
    _tick(h, final, 4, min(1.0, factor) if rejected else factor, control[3], clock)
    a[0] = a[12]
    return _REACHED, h


@njit(**_OPTIONS)
def _leap(
    left: float,
    sign: float,
    clock: Floats,
    state: Floats,
    a: Floats,
    high: Floats,
    trial: Floats,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    work: Floats,
) -> int:
    """Take a step of order 12; 1 if it was taken, 0 if an impact is near and it was not, else an ending."""
    q, w = state[0], state[1]
    since = clock[3] + clock[0]
    high[0] = a[0]
    rejected = False
    while True:
        final = clock[5] >= abs(left) * (1.0 - 1e-12)
        h = left if final else sign * clock[5]
        ratio = nystrom_step(h, since, q, w, high, trial, control, numbers, options, places, table, work)
        if ratio < 1.0:
            break
        rejected = True
        known = ratio < math.inf
        clock[5] = abs(h) * (max(0.2, 0.9 * ratio ** (-1.0 / 11.0)) if known else 0.1)
        if not clock[5] > _SHORTEST_S:
            return _STUCK if known else _BROKEN
    for body in range(2):
        if near(h, since, body, q, w, trial, numbers, options, places):
            return 0
    nystrom_commit(h, high, state)
    factor = 4.0 if ratio == 0.0 else min(4.0, 0.9 * ratio ** (-1.0 / 11.0))
    _tick(h, final, 5, min(1.0, factor) if rejected else factor, control[3], clock)
    accelerations(clock[3] + clock[0], q, w, a[0], numbers, options, places, table, work)
    return 1


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
    state, clock = np.zeros((4, 1, 4)), np.zeros(6)
    for k in range(len(states)):
        state[:] = 0.0
        for i in range(3):
            state[0, 0, i], state[1, 0, i] = states[k, i], states[k, 3 + i]
        clock[:] = 0.0
        clock[2], clock[3] = durations[k], offsets[k]
        endings[k], taken[k] = _PAUSED, 0
        while endings[k] == _PAUSED and taken[k] < most:
            endings[k], more = advance(
                clock, state, CHUNK, control, numbers, options, places, table, steps, coefficients
            )
            taken[k] += more
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
    state, clock = np.zeros((4, 7, 4)), np.zeros(6)
    for k in range(len(states)):
        state[:] = 0.0
        for i in range(3):
            state[0, 0, i], state[1, 0, i] = states[k, i], states[k, 3 + i]
            state[0, 1 + i, i], state[1, 4 + i, i] = 1.0, 1.0
        clock[:] = 0.0
        clock[2], clock[3] = durations[k], offsets[k]
        endings[k], taken = _PAUSED, 0
        while endings[k] == _PAUSED and taken < most:
            endings[k], more = advance(
                clock, state, CHUNK, control, numbers, options, places, table, steps, coefficients
            )
            taken += more
        for i in range(3):
            ends[k, i], ends[k, 3 + i] = state[0, 0, i], state[1, 0, i]
            for j in range(6):
                transitions[k, i, j], transitions[k, 3 + i, j] = state[0, 1 + j, i], state[1, 1 + j, i]
