"""Pyramid of tilted maxima over a plane grid, along one azimuth."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.gridlanes import WIDTH

__all__ = [
    "ABSENT",
    "BEGINS",
    "CLOSE_ROWS",
    "FAST",
    "FINE_BEGINS",
    "PAD",
    "SNAP",
    "TOP",
    "build",
    "layout",
    "split",
    "tilt",
]

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Geometry = tuple[int, Indices, Indices, Indices]

ABSENT = np.float32(-1e15)
"""Stands for a missing height: no line through it can rise above one through a height."""
PAD = WIDTH + 4
"""Missing columns on either side, so that no step needs to ask whether it leaves the grid."""
CLOSE_ROWS = 8
"""Rows that are looked at by differences of heights, for the sake of rounding."""
BEGINS = np.array([CLOSE_ROWS, 80, 80, 164, 316, 524, 748, 1068, 1708], dtype=np.int64)
"""Rows after which each level of the pyramid serves, which joins 2**level rows; the last goes on to the rim."""
FINE_BEGINS = np.array([CLOSE_ROWS, 240, 240, 480, 960, 1920, 3840, 7680, 15360], dtype=np.int64)
"""The same where errors are to be smaller."""
TOP = 8
"""Highest level of the pyramid."""
ROWS_BELOW = 32
"""Missing rows below the heights."""

SNAP = 1e-6
"""Columns within which a place counts as on a column."""
FAST = {"contract", "nsz", "arcp", "afn", "reassoc", "nnan", "ninf"}
_SLACK = TOP + 4


@njit(cache=True, nogil=True)
def split(x: float) -> tuple[int, float]:
    """Whole and fractional part of a place between columns, with places on a column kept there."""
    whole = math.floor(x)
    part = x - whole
    if part < SNAP:
        return whole, 0.0
    if part > 1.0 - SNAP:
        return whole + 1, 0.0
    return whole, part


@njit(cache=True, nogil=True)
def layout(rows: int, cols: int, lead: int) -> Geometry:
    """Layout of the buffer of a sweep.

    Parameters
    ----------
    rows, cols : int
        Shape of the grid.
    lead : int
        Rows before the grid from which the rows that are joined are counted.

    Returns
    -------
    tuple
        Floats in a row; first row of each level, and after the last; rows of each level; joined rows before the
        first of each level. The buffer has twice the rows: heights, then their places among the rows that are
        joined.
    """
    stride = 2 * PAD + (cols + WIDTH - 1) // WIDTH * WIDTH
    first = np.zeros(TOP + 2, dtype=np.int64)
    size = np.zeros(TOP + 1, dtype=np.int64)
    before = np.zeros(TOP + 1, dtype=np.int64)
    first[0], size[0], before[0] = 1, rows, lead
    first[1] = 1 + rows + ROWS_BELOW
    for level in range(1, TOP + 1):
        before[level] = lead >> level
        size[level] = ((lead + rows - 1) >> level) - before[level] + 1
        first[level + 1] = first[level] + size[level] + 1
    return stride, first, size, before


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _merge(
    upper: Floats,
    lower: Floats,
    above: Floats,
    below: Floats,
    numbers: tuple[np.float32, np.float32, np.float32, np.float32],
    result: Floats,
    places: Floats,
) -> None:
    """Higher of two rows of tilted heights and its place, the lower one shifted by part of a column."""
    part, half, lift, turn = numbers
    for c in range(result.size):
        p = above[c]
        q = below[c] + (below[c + 1] - below[c]) * part
        a = upper[c] + p * turn + lift
        b = lower[c] + (lower[c + 1] - lower[c]) * part + q * turn - lift
        result[c] = a if a > b else b
        places[c] = p - half if a > b else q + half


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _merge_first(
    upper: Floats, lower: Floats, part: np.float32, lift: np.float32, result: Floats, places: Floats
) -> None:
    """Higher of two rows of heights and its place, the lower one shifted by part of a column."""
    half = np.float32(0.5)
    for c in range(result.size):
        a = upper[c] + lift
        b = lower[c] + (lower[c + 1] - lower[c]) * part - lift
        result[c] = a if a > b else b
        places[c] = -half if a > b else half


@njit(cache=True, nogil=True)
def tilt(level: int, begins: Indices, step: float, radius: float, tilts: Floats) -> float:
    """Slope of usual lines of sight against the ground of a sphere, where a level begins to count."""
    return tilts[level] + step * begins[level] / radius


@njit(cache=True, nogil=True)
def _columns(
    row: int, size: int, drift: float, reach: int, window: tuple[int, int, int, int], padded: int
) -> tuple[int, int]:
    """First and last column after, in whole groups, that rays of a window meet in some rows."""
    near, far = max(row - window[1] + 1, 0), min(row + size - window[0], reach)
    low = window[2] + min(drift * near, drift * far) - _SLACK
    high = window[3] + max(drift * near, drift * far) + _SLACK
    begin, end = math.floor(low / WIDTH) * WIDTH, math.ceil(high / WIDTH) * WIDTH
    return min(max(begin, 0), padded), min(max(end, 0), padded)


@njit(cache=True, nogil=True)
def build(
    pyramid: Floats,
    geometry: Geometry,
    window: tuple[int, int, int, int],
    reach: int,
    begins: Indices,
    drift: float,
    step: float,
    radius: float,
    tilts: Floats,
) -> None:
    """Fill the levels above the heights: the highest of two rows along the azimuth, tilted as sight lines are.

    Parameters
    ----------
    pyramid : ndarray of float32
        The buffer that `layout` describes; its first half starts with the heights, the second holds places.
    geometry : tuple
        From `layout`.
    window : tuple of int
        Rows and columns of the observers: first and after the last; only what their rays meet is built.
    reach : int
        Rows that the rays run over.
    begins : ndarray of int64
        Rows after which each level serves.
    drift : float
        Columns per row of the azimuth.
    step : float
        Distance from a row to the next along the azimuth [m].
    radius : float
        Radius of the sphere [m].
    tilts : ndarray of float32
        Usual tangent of the horizons that each level makes.
    """
    stride, first, size, before = geometry
    padded, away = stride - 2 * PAD, first[TOP + 1] * stride
    lead, last = before[0], min(size[0] - 1, window[1] - 1 + reach)
    for level in range(1, TOP + 1):
        half = 1 << (level - 1)
        whole, part = split(drift * half)
        slope = tilt(level, begins, step, radius, tilts)
        numbers = (
            np.float32(part),
            np.float32(0.5 * half),
            np.float32(0.5 * half * step * slope),
            np.float32((tilt(level - 1, begins, step, radius, tilts) - slope) * step),
        )
        for row in range((lead + window[0]) >> level, ((lead + last) >> level) + 1):
            begin, end = _columns((row << level) - lead, 1 << level, drift, reach, window, padded)
            if end <= begin:
                continue
            upper = (first[level - 1] + 2 * row - before[level - 1]) * stride + PAD + begin
            lower = upper + stride + whole
            target = (first[level] + row - before[level]) * stride + PAD + begin
            cols = end - begin
            result, places = pyramid[target : target + cols], pyramid[away + target : away + target + cols]
            if level == 1:
                _merge_first(
                    pyramid[upper : upper + cols],
                    pyramid[lower : lower + cols + 1],
                    numbers[0],
                    numbers[2],
                    result,
                    places,
                )
                continue
            _merge(
                pyramid[upper : upper + cols],
                pyramid[lower : lower + cols + 1],
                pyramid[away + upper : away + upper + cols],
                pyramid[away + lower : away + lower + cols + 1],
                numbers,
                result,
                places,
            )
