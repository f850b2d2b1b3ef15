"""Compiled loops of tile horizons: far levels onto a lattice, and all levels onto the cells."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["combine", "raise_lattice"]

Singles = NDArray[np.float32]
Indices = NDArray[np.int32]
Shorts = NDArray[np.int16]

_FAST = {"contract", "nsz", "arcp", "afn", "reassoc", "nnan", "ninf"}
_RADIUS_M = np.float32(1737400.0)
_NOTHING = np.float32(-9.0)
"""Slopes below this are of rays that meet no ground, or beside such rays."""


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def raise_lattice(
    slopes: Singles,
    width: int,
    corner: Indices,
    part: Singles,
    below: NDArray[np.int8],
    share: Singles,
    height: Singles,
    place: Singles,
    turn: Singles,
    aim: Singles,
    best: Singles,
) -> None:
    """Raise the tangents of the horizon at the points of a lattice by those of one far level.

    Parameters
    ----------
    slopes : ndarray of float32, shape (azimuths, heights, cells)
        Slopes of the horizon on the chart, for observers at some heights over each cell of the level; -1000 where
        a ray meets no ground.
    width : int
        Cells of the level in a row.
    corner : ndarray of int32, shape (points,)
        Cell up and left of each point.
    part : ndarray of float32, shape (2, points)
        Where the point lies between that cell and the next, down and to the right.
    below : ndarray of int8, shape (eyes, points)
        Which of the level's heights is below each eye.
    share : ndarray of float32, shape (eyes, points)
        Where the eye lies between it and the next.
    height : ndarray of float32, shape (eyes, points)
        Heights of the eyes [m].
    place : ndarray of float32, shape (2, points)
        Point on the chart, over its distance from the Moon's centre: X / N and Y / N.
    turn : ndarray of float32, shape (4, points)
        Matrix that turns sine and cosine of the map azimuth into a direction of the chart.
    aim : ndarray of float32, shape (azimuths, 6)
        Sine and cosine of the map azimuth, direction on the chart that the level was computed for (2), slope to be
        taken off, and one over the angle to the next azimuth (before it, for the last).
    best : ndarray of float32, shape (azimuths, eyes, points)
        Tangents of the elevation; raised in place.
    """
    azimuths, eyes, points = best.shape
    one = np.float32(1.0)
    for a in range(azimuths):
        other = a + 1 if a + 1 < azimuths else max(a - 1, 0)
        sine, cosine, right, top, lean, rate = aim[a]
        for p in range(points):
            x = turn[0, p] * sine + turn[1, p] * cosine
            y = turn[2, p] * sine + turn[3, p] * cosine
            norm = one / math.sqrt(x * x + y * y)
            x *= norm
            y *= norm
            ahead = (x * top - y * right) * rate
            fall = place[0, p] * x + place[1, p] * y
            level = one / math.sqrt(one - fall * fall)
            c, v, u = corner[p], part[0, p], part[1, p]
            w00, w01, w10, w11 = (one - v) * (one - u), (one - v) * u, v * (one - u), v * u
            for e in range(eyes):
                j = below[e, p]
                low, high = slopes[a, j], slopes[a, j + 1]
                s0 = low[c] * w00 + low[c + 1] * w01 + low[c + width] * w10 + low[c + width + 1] * w11
                s1 = high[c] * w00 + high[c + 1] * w01 + high[c + width] * w10 + high[c + width + 1] * w11
                if min(s0, s1) < _NOTHING:
                    continue
                s = s0 + (s1 - s0) * share[e, p]
                low, high = slopes[other, j], slopes[other, j + 1]
                s0 = low[c] * w00 + low[c + 1] * w01 + low[c + width] * w10 + low[c + width + 1] * w11
                s1 = high[c] * w00 + high[c + 1] * w01 + high[c + width] * w10 + high[c + width + 1] * w11
                if min(s0, s1) > _NOTHING:
                    s += (s0 + (s1 - s0) * share[e, p] - s) * ahead
                tangent = (fall + (s - lean) * (one + height[e, p] / _RADIUS_M)) * level
                best[a, e, p] = max(best[a, e, p], tangent)


@njit(cache=True, nogil=True)
def _widen(points: Singles, spacing: int, first: int, result: Singles) -> None:
    """Values between the points of a row of the lattice."""
    for c in range(result.size):
        k = (c + first) // spacing
        s = (c + first) - k * spacing
        result[c] = points[k] + (points[k + 1] - points[k]) * np.float32(s / spacing) if s else points[k]


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _merge(
    near: Singles,
    upper: Singles,
    lower: Singles,
    part: np.float32,
    above: Singles,
    mast: np.float32,
    nodes: Singles,
    stretch: Singles,
    dip: np.float32,
    result: Shorts,
) -> None:
    """Higher of the near and the far horizon of a row of cells, in hundredths of a degree."""
    scale = np.float32(18000.0 / math.pi)
    first = np.float32(1.0) / (nodes[1] - nodes[0])
    second = np.float32(1.0) / (nodes[2] - nodes[1])
    middle = nodes[1]
    half = np.float32(0.5)
    for c in range(result.size):
        v0 = upper[0, c] + (lower[0, c] - upper[0, c]) * part
        v1 = upper[1, c] + (lower[1, c] - upper[1, c]) * part
        v2 = upper[2, c] + (lower[2, c] - upper[2, c]) * part
        over = above[c] + mast - middle
        one, two = v1 + over * (v1 - v0) * first, v1 + over * (v2 - v1) * second
        far = one if one > two else two
        e = near[c]
        e += stretch[c] * (e - np.float32(0.6666667) * e * e * e)
        e = far if far > e else e
        e = e if e > np.float32(-1.5) else dip
        result[c] = np.int16(math.floor(e * scale + half))


@njit(cache=True, nogil=True)
def combine(
    near: Singles,
    far: Singles,
    spacing: int,
    first_row: int,
    first_col: int,
    above: Singles,
    masts: Singles,
    nodes: Singles,
    stretch: Singles,
    missing: NDArray[np.bool_],
    dips: Singles,
    result: Shorts,
) -> None:
    """Join near and far horizons.

    Parameters
    ----------
    near : ndarray of float32, shape (masts, azimuths, rows, cols)
        Horizon of the ground about each cell [rad].
    far : ndarray of float32, shape (azimuths, 3, lattice rows, lattice cols)
        Horizon of all that lies beyond, for three heights over the lattice [rad].
    spacing : int
        Cells from a point of the lattice to the next.
    first_row, first_col : int
        Cells from the first point of the lattice to the first cell.
    above : ndarray of float32, shape (rows, cols)
        Height of the ground over the lattice [m].
    masts : ndarray of float32, shape (masts,)
        Heights of the eyes over the ground [m].
    nodes : ndarray of float32, shape (3,)
        The three heights over the lattice [m], growing.
    stretch : ndarray of float32, shape (rows, cols)
        Scale of the map in each cell over that of the near horizon, less one.
    missing : ndarray of bool, shape (rows, cols)
        Cells without a height.
    dips : ndarray of float32, shape (masts,)
        Horizons where there is no ground at all [rad].
    result : ndarray of int16, shape (masts, azimuths, rows, cols)
        Hundredths of a degree, written in place; -32768 where there is no height.
    """
    masts_, azimuths, rows, cols = result.shape
    upper, lower = np.empty((3, cols), dtype=np.float32), np.empty((3, cols), dtype=np.float32)
    for a in range(azimuths):
        held = -1
        for r in range(rows):
            k = (r + first_row) // spacing
            s = (r + first_row) - k * spacing
            if k != held:
                for node in range(3):
                    _widen(far[a, node, k], spacing, first_col, upper[node])
                    _widen(far[a, node, min(k + 1, far.shape[2] - 1)], spacing, first_col, lower[node])
                held = k
            part = np.float32(s / spacing)
            for mast in range(masts_):
                _merge(
                    near[mast, a, r],
                    upper,
                    lower,
                    part,
                    above[r],
                    masts[mast],
                    nodes,
                    stretch[r],
                    dips[mast],
                    result[mast, a, r],
                )
    for r in range(rows):
        for c in range(cols):
            if missing[r, c]:
                result[:, :, r, c] = -32768
