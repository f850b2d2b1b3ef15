"""Chebyshev series for numba: where bodies stand and how the Moon is turned, never read past their records."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["evaluated", "located", "turned"]

Floats = npt.NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def located(since: float, start: float, length: float, table: Floats) -> Any:
    """Values of the nine series of an environment at one time.

    Parameters
    ----------
    since : float
        Time from the reference of `start` [s].
    start, length : float
        Start of the first record and length of each [s].
    table : ndarray, shape (records, terms, 9)
        Coefficients.

    Returns
    -------
    tuple of nine floats
        Place of the other body and of the Sun [m], angles of the Moon [rad].

    Notes
    -----
    A time outside the records is taken from the nearest of them, so that no memory outside is read; callers
    check the span. Not a number takes the first record and gives not a number.

    Examples
    --------
    >>> table = np.zeros((2, 2, 9))
    >>> table[1, :, 0] = 2.0, 1.0
    >>> located(7.5, 0.0, 5.0, table)[0], located(1e9, 0.0, 5.0, table)[1]
    (2.0, 0.0)
    """
    row = (since - start) / length
    record = 0
    if row >= 1.0:
        record = len(table) - 1 if row >= len(table) else int(row)
    x = 2.0 * (row - record) - 1.0
    a0, a1, a2 = table[record, 0, 0], table[record, 0, 1], table[record, 0, 2]
    a3, a4, a5 = table[record, 0, 3], table[record, 0, 4], table[record, 0, 5]
    a6, a7, a8 = table[record, 0, 6], table[record, 0, 7], table[record, 0, 8]
    before, now = 1.0, x
    for j in range(1, table.shape[1]):
        a0 += now * table[record, j, 0]
        a1 += now * table[record, j, 1]
        a2 += now * table[record, j, 2]
        a3 += now * table[record, j, 3]
        a4 += now * table[record, j, 4]
        a5 += now * table[record, j, 5]
        a6 += now * table[record, j, 6]
        a7 += now * table[record, j, 7]
        a8 += now * table[record, j, 8]
        before, now = now, 2.0 * x * now - before
    return a0, a1, a2, a3, a4, a5, a6, a7, a8


@njit(**_OPTIONS)
def evaluated(since: Floats, length: float, table: Floats) -> tuple[Floats, Floats]:
    """Values and rates of series at many times.

    Parameters
    ----------
    since : ndarray, shape (n,)
        Times from the start of the first record [s].
    length : float
        Length of a record [s].
    table : ndarray, shape (records, terms, columns)
        Coefficients.

    Returns
    -------
    tuple of ndarray, shape (n, columns)
        Values, and their rates per second.

    Examples
    --------
    >>> values, rates = evaluated(np.array([2.0]), 4.0, np.array([[[1.0], [6.0]]]))
    >>> values.tolist(), rates.tolist()
    ([[1.0]], [[3.0]])
    """
    columns = table.shape[2]
    values, rates = np.empty((len(since), columns)), np.zeros((len(since), columns))
    for k in range(len(since)):
        row = since[k] / length
        record = 0
        if row >= 1.0:
            record = len(table) - 1 if row >= len(table) else int(row)
        x = 2.0 * (row - record) - 1.0
        values[k] = table[record, 0]
        before, now, slope_before, slope = 1.0, x, 0.0, 1.0
        for j in range(1, table.shape[1]):
            for c in range(columns):
                values[k, c] += now * table[record, j, c]
                rates[k, c] += slope * table[record, j, c]
            slope_before, slope = slope, 2.0 * now + 2.0 * x * slope - slope_before
            before, now = now, 2.0 * x * now - before
        for c in range(columns):
            rates[k, c] *= 2.0 / length
    return values, rates


@njit(**_OPTIONS)
def turned(p: float, d: float, w: float) -> Any:
    """Rotation from J2000 axes to the Moon's principal axes.

    Parameters
    ----------
    p, d, w : float
        Euler angles of the kernel [rad].

    Returns
    -------
    tuple of nine floats
        R3(w) R1(d) R3(p), row by row.

    Examples
    --------
    >>> turn = np.reshape(turned(0.5 * np.pi, 0.0, 0.0), (3, 3))
    >>> (turn @ [0.0, 1.0, 0.0]).round(12).tolist()
    [1.0, 0.0, 0.0]
    """
    sp, cp, sd, cd, sw, cw = math.sin(p), math.cos(p), math.sin(d), math.cos(d), math.sin(w), math.cos(w)
    return (
        cw * cp - sw * cd * sp, cw * sp + sw * cd * cp, sw * sd,
        -sw * cp - cw * cd * sp, -sw * sp + cw * cd * cp, cw * sd,
        sd * sp, -sd * cp, cd,
    )  # fmt: skip
