"""Interpolation in tables of states, for numba: Hermite's with velocities, Lagrange's without."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["hermite", "lagrange"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_OPTIONS)
def hermite(times: Floats, firsts: Whole, window: int, epochs: Floats, states: Floats) -> Floats:
    """Positions and velocities by the polynomial that meets those of a window of rows.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Times [s].
    firsts : ndarray of int, shape (n,)
        First row of each window.
    window : int
        Rows in a window; the degree is one less than twice as much.
    epochs : ndarray, shape (k,)
        Times of the rows, ascending [s].
    states : ndarray, shape (k, 6)
        Positions and velocities.

    Returns
    -------
    ndarray, shape (n, 6)
        Position and its derivative.

    Examples
    --------
    >>> t = np.array([0.0, 1.0])
    >>> rows = np.stack([t**3, t, t, 3 * t**2, t**0, t**0], axis=1)
    >>> hermite(np.array([0.5]), np.zeros(1, dtype=np.int64), 2, t, rows)[0, [0, 3]].tolist()
    [0.125, 0.75]
    """
    size = 2 * window
    found = np.empty((times.size, 6))
    nodes, table = np.empty(size), np.empty(size)
    for i in range(times.size):
        first = firsts[i]
        for j in range(window):
            nodes[2 * j] = nodes[2 * j + 1] = epochs[first + j] - times[i]
        for axis in range(3):
            # Newton's divided differences with every node twice.
            for j in range(window):
                table[2 * j] = table[2 * j + 1] = states[first + j, axis]
            for order in range(1, size):
                for j in range(size - 1, order - 1, -1):
                    if order == 1 and j % 2 == 1:
                        table[j] = states[first + j // 2, 3 + axis]
                    else:
                        table[j] = (table[j] - table[j - 1]) / (nodes[j] - nodes[j - order])
            value, slope = table[size - 1], 0.0
            for j in range(size - 2, -1, -1):
                slope = value - slope * nodes[j]
                value = table[j] - value * nodes[j]
            found[i, axis], found[i, 3 + axis] = value, slope
    return found


@njit(**_OPTIONS)
def lagrange(times: Floats, firsts: Whole, window: int, epochs: Floats, states: Floats) -> Floats:
    """Every column by the polynomial through a window of rows.

    Parameters
    ----------
    times : ndarray, shape (n,)
        Times [s].
    firsts : ndarray of int, shape (n,)
        First row of each window.
    window : int
        Rows in a window; the degree is one less.
    epochs : ndarray, shape (k,)
        Times of the rows, ascending [s].
    states : ndarray, shape (k, m)
        Values.

    Returns
    -------
    ndarray, shape (n, m)
        Values at the times.

    Examples
    --------
    >>> t = np.array([0.0, 1.0, 3.0])
    >>> lagrange(np.array([2.0]), np.zeros(1, dtype=np.int64), 3, t, (t**2)[:, None]).tolist()
    [[4.0]]
    """
    columns = states.shape[1]
    found = np.empty((times.size, columns))
    nodes, table = np.empty(window), np.empty(window)
    for i in range(times.size):
        first = firsts[i]
        for j in range(window):
            nodes[j] = epochs[first + j] - times[i]
        for axis in range(columns):
            for j in range(window):
                table[j] = states[first + j, axis]
            for order in range(1, window):
                for j in range(window - order):
                    low, high = nodes[j], nodes[j + order]
                    table[j] = (high * table[j] - low * table[j + 1]) / (high - low)
            found[i, axis] = table[0]
    return found
