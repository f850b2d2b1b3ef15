"""Compiled loops of the design: a store's deficit through power that is linear between instants."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["deepest", "episodes", "window_weights"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _filled(first_w: float, last_w: float, hours: float, most_w: float) -> float:
    """Energy of a surplus that runs straight from one power to another, each at most `most_w` [Wh]."""
    if first_w <= most_w and last_w <= most_w:
        return 0.5 * (first_w + last_w) * hours
    if first_w >= most_w and last_w >= most_w:
        return most_w * hours
    over = abs(first_w - most_w) if first_w > most_w else abs(last_w - most_w)
    part = over / abs(first_w - last_w)
    below = min(first_w, last_w)
    return hours * (part * most_w + (1.0 - part) * 0.5 * (most_w + below))


@njit(cache=True, nogil=True)
def _change(first_w: float, last_w: float, hours: float, charge: float, discharge: float, most_w: float) -> float:
    """What a stretch of one sign adds to the deficit [Wh]."""
    if first_w + last_w < 0.0:
        return -0.5 * (first_w + last_w) * hours / discharge
    return -charge * _filled(first_w, last_w, hours, most_w)


@njit(cache=True, nogil=True)
def _turn(first_w: float, last_w: float) -> float:
    """Where in a stretch the power passes zero, 0 to 1; 1 if it does not."""
    if first_w * last_w < 0.0:
        return first_w / (first_w - last_w)
    return 1.0


@njit(cache=True, nogil=True)
def _keep(found: int, begun: int, peak: int, worst: float, starts: _Ints, peaks: _Ints, depths_wh: _Floats) -> int:
    """Note one drawdown and count it."""
    if found < starts.size:
        starts[found], peaks[found], depths_wh[found] = begun, peak, worst
    return found + 1


@njit(cache=True, nogil=True)
def episodes(
    first_w: _Floats,
    last_w: _Floats,
    hours: _Floats,
    charge: float,
    discharge: float,
    most_w: float,
    capacity_wh: float,
    starts: _Ints,
    peaks: _Ints,
    depths_wh: _Floats,
) -> int:
    """Every drawdown from a full store that goes deeper than a capacity, before the store is full again.

    Parameters
    ----------
    first_w, last_w : ndarray, (n,)
        Surplus at the two ends of each interval, straight between them [W].
    hours : ndarray, (n,)
        Length of each interval [h].
    charge, discharge : float
        Efficiencies.
    most_w : float
        Most power that charges the store [W].
    capacity_wh : float
        What the store gives [Wh].
    starts, peaks : ndarray of int, (m,)
        Filled: stretch in which the drawdown begins and the one at whose end it is deepest; stretch 2 k is
        interval k up to where its surplus passes zero, 2 k + 1 the rest.
    depths_wh : ndarray, (m,)
        Filled: how deep [Wh].

    Returns
    -------
    int
        How many were found; only the first m are kept.

    Examples
    --------
    >>> starts, peaks, depths_wh = np.zeros(4, np.int64), np.zeros(4, np.int64), np.zeros(4)
    >>> surplus_w = np.array([1.0, -2.0, 1.0, 5.0])
    >>> episodes(surplus_w, surplus_w, np.ones(4), 1.0, 1.0, np.inf, 0.0, starts, peaks, depths_wh)
    1
    >>> int(starts[0]), int(peaks[0]), float(depths_wh[0])
    (2, 2, 2.0)
    """
    found = 0
    deficit = 0.0
    begun, peak, worst = -1, -1, 0.0
    for k in range(hours.size):
        turn = _turn(first_w[k], last_w[k])
        for part in range(2):
            if part == 0:
                low_w, high_w, length = first_w[k], last_w[k] if turn == 1.0 else 0.0, turn * hours[k]
            elif turn < 1.0:
                low_w, high_w, length = 0.0, last_w[k], (1.0 - turn) * hours[k]
            else:
                continue
            change = _change(low_w, high_w, length, charge, discharge, most_w)
            if change > 0.0 and begun < 0:
                begun, peak, worst = 2 * k + part, -1, 0.0
            deficit += change
            if deficit <= 0.0:
                if begun >= 0 and worst > capacity_wh:
                    found = _keep(found, begun, peak, worst, starts, peaks, depths_wh)
                deficit, begun = 0.0, -1
            elif deficit > worst:
                worst, peak = deficit, 2 * k + part
    if begun >= 0 and worst > capacity_wh:
        found = _keep(found, begun, peak, worst, starts, peaks, depths_wh)
    return found


@njit(cache=True, nogil=True)
def deepest(
    first_w: _Floats, last_w: _Floats, hours: _Floats, charge: float, discharge: float, most_w: float
) -> tuple[float, int, int, float]:
    """The deepest drawdown of a store of no limit that starts full.

    Parameters
    ----------
    first_w, last_w, hours : ndarray, (n,)
        As in `episodes`.
    charge, discharge, most_w : float
        As in `episodes`.

    Returns
    -------
    tuple
        Depth [Wh]; stretch in which it begins; stretch at whose end it is deepest (-1 if there is none); what
        is missing at the end of the period [Wh].

    Examples
    --------
    >>> deepest(np.array([3.0]), np.array([-3.0]), np.ones(1), 1.0, 1.0, np.inf)
    (0.75, 1, 1, 0.75)
    """
    deficit, worst = 0.0, 0.0
    begun, start, peak = -1, -1, -1
    for k in range(hours.size):
        turn = _turn(first_w[k], last_w[k])
        for part in range(2):
            if part == 0:
                low_w, high_w, length = first_w[k], last_w[k] if turn == 1.0 else 0.0, turn * hours[k]
            elif turn < 1.0:
                low_w, high_w, length = 0.0, last_w[k], (1.0 - turn) * hours[k]
            else:
                continue
            change = _change(low_w, high_w, length, charge, discharge, most_w)
            if change > 0.0 and begun < 0:
                begun = 2 * k + part
            deficit += change
            if deficit <= 0.0:
                deficit, begun = 0.0, -1
            elif deficit > worst:
                worst, start, peak = deficit, begun, 2 * k + part
    return worst, start, peak, deficit


@njit(cache=True, nogil=True)
def _add(left: _Floats, right: _Floats, k: int, factor: float, a: float, b: float) -> None:
    """Add the weights of the two ends of a stretch for its part from a to b."""
    square = 0.5 * (b * b - a * a)
    left[k] += factor * ((b - a) - square)
    right[k] += factor * square


@njit(cache=True, nogil=True)
def window_weights(
    first_w: _Floats,
    last_w: _Floats,
    hours: _Floats,
    charge: float,
    discharge: float,
    most_w: float,
    start: int,
    peak: int,
    left: _Floats,
    right: _Floats,
) -> float:
    """Weights by which a window's drawdown is a sum over the surplus at the ends of its intervals.

    Parameters
    ----------
    first_w, last_w, hours : ndarray, (n,)
        As in `episodes`.
    charge, discharge, most_w : float
        As in `episodes`.
    start, peak : int
        First and last stretch of the window.
    left, right : ndarray, (m,)
        Filled for the intervals from that of `start` on: the weights [h].

    Returns
    -------
    float
        Weight of `most_w` [h]: the drawdown is -(left @ first_w + right @ last_w + weight most_w). It bounds the
        drawdown of every other surplus from below.

    Examples
    --------
    >>> left, right = np.zeros(1), np.zeros(1)
    >>> window_weights(np.array([3.0]), np.array([-3.0]), np.ones(1), 1.0, 1.0, 1.0, 1, 1, left, right)
    0.0
    >>> float(-(3.0 * left[0] - 3.0 * right[0]))
    0.75
    """
    at_most = 0.0
    base = start // 2
    for k in range(base, peak // 2 + 1):
        turn = _turn(first_w[k], last_w[k])
        for part in range(2):
            if 2 * k + part < start or 2 * k + part > peak:
                continue
            if part == 0:
                a, b, low_w, high_w = 0.0, turn, first_w[k], last_w[k] if turn == 1.0 else 0.0
            elif turn < 1.0:
                a, b, low_w, high_w = turn, 1.0, 0.0, last_w[k]
            else:
                continue
            i = k - base
            if low_w + high_w < 0.0:
                _add(left, right, i, hours[k] / discharge, a, b)
                continue
            factor = hours[k] * charge
            if low_w <= most_w and high_w <= most_w:
                _add(left, right, i, factor, a, b)
            elif low_w >= most_w and high_w >= most_w:
                at_most += factor * (b - a)
            else:
                cut = a + (b - a) * (most_w - low_w) / (high_w - low_w)
                if high_w > most_w:
                    _add(left, right, i, factor, a, cut)
                    at_most += factor * (b - cut)
                else:
                    at_most += factor * (cut - a)
                    _add(left, right, i, factor, cut, b)
    return at_most
