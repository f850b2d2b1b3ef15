"""Numerical kernel of a network of thermal nodes: implicit steps with switching in between, in SI units."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["balance", "run"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SIGMA = 5.670374419e-8
_GAMMA = 1.0 - math.sqrt(0.5)
_MOST = 60
_ENOUGH_S = 0.01
_CONVERGED_K = 1e-6
_LEAP = 0.05


@njit(cache=True, nogil=True, error_model="numpy")
def balance(
    t: Floats,
    outer: Floats,
    given: Floats,
    emitted: Floats,
    ends: Ints,
    linear: Floats,
    radiative: Floats,
    net: Floats,
    slope: Floats,
) -> float:
    """Net heat into each node [W], its derivative [W/K], and what crosses to boundaries through links.

    Parameters
    ----------
    t, outer : ndarray, shape (n,) and (boundaries,)
        Temperatures of nodes and of boundaries [K].
    given, emitted : ndarray, shape (n,)
        Heat given to nodes [W]; coefficient of the fourth power that they send out [W/K4].
    ends : ndarray of int, shape (links, 2)
        Nodes that links join; numbers from n on are boundaries.
    linear, radiative : ndarray, shape (links,)
        Conductance [W/K]; coefficient of the difference of fourth powers [W/K4].
    net, slope : ndarray, shape (n,) and (n, n)
        Filled.

    Returns
    -------
    float
        Heat that leaves to boundaries through links [W].
    """
    n = t.size
    slope[:] = 0.0
    for i in range(n):
        cubed = t[i] * t[i] * t[i]
        net[i] = given[i] - emitted[i] * cubed * t[i]
        slope[i, i] = -4.0 * emitted[i] * cubed
    left = 0.0
    for k in range(linear.size):
        a, b = ends[k, 0], ends[k, 1]
        first = t[a] if a < n else outer[a - n]
        second = t[b] if b < n else outer[b - n]
        flow = linear[k] * (first - second) + radiative[k] * (first**4 - second**4)
        of_first = linear[k] + 4.0 * radiative[k] * first**3
        of_second = linear[k] + 4.0 * radiative[k] * second**3
        if a < n:
            net[a] -= flow
            slope[a, a] -= of_first
            if b < n:
                slope[a, b] += of_second
        else:
            left -= flow
        if b < n:
            net[b] += flow
            slope[b, b] -= of_second
            if a < n:
                slope[b, a] += of_first
        else:
            left += flow
    return left


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(matrix: Floats, right: Floats) -> None:
    """Solve in place by elimination; the matrices here have their weight on the diagonal."""
    n = right.size
    for i in range(n):
        pivot = 1.0 / matrix[i, i]
        for row in range(i + 1, n):
            factor = matrix[row, i] * pivot
            if factor != 0.0:
                for col in range(i + 1, n):
                    matrix[row, col] -= factor * matrix[i, col]
                right[row] -= factor * right[i]
    for i in range(n - 1, -1, -1):
        total = right[i]
        for col in range(i + 1, n):
            total -= matrix[i, col] * right[col]
        right[i] = total / matrix[i, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _stage(
    t: Floats,
    base: Floats,
    rate: Floats,
    outer: Floats,
    given: Floats,
    emitted: Floats,
    ends: Ints,
    linear: Floats,
    radiative: Floats,
    net: Floats,
    slope: Floats,
) -> tuple[float, float]:
    """Solve rate (t - base) = net(t) by Newton; gives what links carry out and the last change [K]."""
    n = t.size
    right = np.empty(n)
    left, change = 0.0, math.inf
    for _ in range(_MOST):
        left = balance(t, outer, given, emitted, ends, linear, radiative, net, slope)
        done = change < 1e-7
        for i in range(n):
            right[i] = net[i] - rate[i] * (t[i] - base[i])
        slope *= -1.0
        for i in range(n):
            slope[i, i] += rate[i]
        _solve(slope, right)
        change = 0.0
        for i in range(n):
            # At most by half of itself down and twice up, so that fourth powers stay in hand.
            moved = max(min(right[i], max(t[i], 50.0)), -0.5 * t[i])
            change = change if abs(moved) <= change else abs(moved)
            t[i] += moved
        if done or not math.isfinite(change):
            break
    left = balance(t, outer, given, emitted, ends, linear, radiative, net, slope)
    return left, change


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(
    start: Floats,
    h: float,
    capacity: Floats,
    outer: Floats,
    given: Floats,
    emitted: Floats,
    ends: Ints,
    linear: Floats,
    radiative: Floats,
    out: Floats,
    sums: Floats,
) -> float:
    """One step of length h; fills the end and mean fluxes (emitted, through links); gives the last change [K].

    Two implicit stages of second order, the second at the end of the step, so that what is stored is exactly what
    came in by the weights of the stages, and nodes without capacity are in balance. Where a temperature leaps, one
    stage of first order.
    """
    n = start.size
    net, slope, base = np.empty(n), np.empty((n, n)), start.copy()
    rate = capacity / (_GAMMA * h)
    out[:] = start
    left, worst = _stage(out, base, rate, outer, given, emitted, ends, linear, radiative, net, slope)
    if ((capacity > 0.0) & (np.abs(out - start) > _LEAP * start)).any():
        # A light node falls to its balance at once: one implicit stage cannot overshoot below 0 K.
        out[:] = start
        sums[1], worst = _stage(
            out, base, capacity / h, outer, given, emitted, ends, linear, radiative, net, slope
        )
        sums[0] = (emitted * out**4).sum()
        return worst
    sums[0], sums[1] = (1.0 - _GAMMA) * (emitted * out**4).sum(), (1.0 - _GAMMA) * left
    for i in range(n):
        if capacity[i] > 0.0:
            base[i] = start[i] + h * (1.0 - _GAMMA) * net[i] / capacity[i]
    left, change = _stage(out, base, rate, outer, given, emitted, ends, linear, radiative, net, slope)
    sums[0] += _GAMMA * (emitted * out**4).sum()
    sums[1] += _GAMMA * left
    return worst if change <= worst else change


@njit(cache=True, nogil=True, error_model="numpy")
def _crossed(t: Floats, watch: Ints, low: Floats, high: Floats, state: Ints) -> int:
    """Number of watches that have to change their state."""
    count = 0
    for k in range(state.size):
        value = t[watch[k, 0]]
        if watch[k, 1] > 0:
            # Active when cold: on at the low value, off at the high one.
            if (state[k] == 0 and value < low[k]) or (state[k] == 1 and value > high[k]):
                count += 1
        elif (state[k] == 0 and value > high[k]) or (state[k] == 1 and value < low[k]):
            count += 1
    return count


@njit(cache=True, nogil=True)
def _powers(
    given: Floats, linear: Floats, watch: Ints, effect: Floats, state: Ints, power: Floats, conductance: Floats
) -> None:
    """Heat given to nodes and conductance of links, with heaters and heat switches as they stand."""
    power[:] = given
    conductance[:] = linear
    for k in range(state.size):
        if state[k] == 1 and watch[k, 2] == 0:
            power[watch[k, 0]] += effect[k]
        elif state[k] == 1 and watch[k, 2] == 1:
            conductance[watch[k, 3]] += effect[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _to_event(
    t: Floats,
    h: float,
    capacity: Floats,
    outer: Floats,
    power: Floats,
    emitted: Floats,
    ends: Ints,
    conductance: Floats,
    radiative: Floats,
    watch: Ints,
    low: Floats,
    high: Floats,
    state: Ints,
    new: Floats,
    sums: Floats,
) -> tuple[float, float]:
    """A step of length h, or to just after the first crossing in it; gives its length, and the last change."""
    moved = _advance(t, h, capacity, outer, power, emitted, ends, conductance, radiative, new, sums)
    if not moved < _CONVERGED_K or _crossed(new, watch, low, high, state) == 0:
        return h, moved
    least, most = 0.0, h
    while most - least > _ENOUGH_S and most - least > 1e-9 * h:
        middle = 0.5 * (least + most)
        _advance(t, middle, capacity, outer, power, emitted, ends, conductance, radiative, new, sums)
        if _crossed(new, watch, low, high, state) > 0:
            most = middle
        else:
            least = middle
    moved = _advance(t, most, capacity, outer, power, emitted, ends, conductance, radiative, new, sums)
    return most, moved


@njit(cache=True, nogil=True)
def _switch(
    t: Floats, time_s: float, watch: Ints, low: Floats, high: Floats, state: Ints, events: Floats, count: int
) -> int:
    """Change the states that have to; gives the number of events, -1 if there is no room."""
    for k in range(state.size):
        if _crossed(t, watch[k : k + 1], low[k : k + 1], high[k : k + 1], state[k : k + 1]) > 0:
            state[k] = 1 - state[k]
            if count >= events.shape[0]:
                return -1
            events[count, 0], events[count, 1], events[count, 2] = time_s, k, state[k]
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def run(
    step_s: float,
    longest_s: float,
    start: Floats,
    capacity: Floats,
    outer: Floats,
    given: Floats,
    emitted: Floats,
    ends: Ints,
    linear: Floats,
    radiative: Floats,
    watch: Ints,
    low: Floats,
    high: Floats,
    effect: Floats,
    state: Ints,
    series: Floats,
    heaters: Floats,
    fluxes: Floats,
    events: Floats,
) -> tuple[int, int]:
    """Run a network through steps of constant input, with switching found in between.

    Parameters
    ----------
    step_s, longest_s : float
        Spacing of the input; longest step of the method [s].
    start, capacity : ndarray, shape (n,)
        Temperatures at the start [K]; heat capacities [J/K], 0 for nodes in balance at once.
    outer, given : ndarray, shape (steps, boundaries) and (steps, n)
        Temperatures of boundaries [K]; heat given to nodes, without heaters [W].
    emitted, ends, linear, radiative
        As for `balance`.
    watch : ndarray of int, shape (watches, 4)
        Node; 1 for active when cold, -1 when hot; kind (0 heater, 1 heat switch, 2 limit); number of the link of a
        heat switch.
    low, high, effect : ndarray, shape (watches,)
        Thresholds [K]; heater power [W] or conductance that a heat switch adds when closed [W/K].
    state : ndarray of int, shape (watches,)
        At the start; overwritten.
    series, heaters, fluxes : ndarray, shape (steps, n), (steps, watches) and (steps, 3)
        Filled: temperatures at the ends of steps [K]; mean power of heaters [W]; mean heat emitted, mean heat to
        boundaries through links, and heat that the method loses [W].
    events : ndarray, shape (most, 3)
        Filled: time [s], number of the watch, new state.

    Returns
    -------
    count : int
        Number of events.
    fault : int
        0 done; 1 no convergence; 2 more events than there is room for.
    """
    steps, n = given.shape
    t, new, sums = start.copy(), np.empty(n), np.empty(2)
    power, conductance = np.empty(n), np.empty(linear.size)
    count = 0
    heaters[:] = 0.0
    fluxes[:] = 0.0
    for j in range(steps):
        past = 0.0
        while past < step_s * (1.0 - 1e-12):
            _powers(given[j], linear, watch, effect, state, power, conductance)
            h, moved = _to_event(
                t, min(step_s - past, longest_s), capacity, outer[j], power, emitted, ends, conductance, radiative,
                watch, low, high, state, new, sums,
            )  # fmt: skip
            if not moved < _CONVERGED_K:
                return count, 1
            for k in range(state.size):
                if state[k] == 1 and watch[k, 2] == 0:
                    heaters[j, k] += effect[k] * h / step_s
            kept = (capacity * (new - t)).sum() / h
            fluxes[j, 0] += sums[0] * h / step_s
            fluxes[j, 1] += sums[1] * h / step_s
            fluxes[j, 2] += (power.sum() - sums[0] - sums[1] - kept) * h / step_s
            past += h
            t[:] = new
            count = _switch(t, j * step_s + past, watch, low, high, state, events, count)
            if count < 0:
                return events.shape[0], 2
        series[j] = t
    return count, 0
