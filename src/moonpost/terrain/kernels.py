"""Compiled loops of the terrain room: sampling heights along great circles, and the horizon they raise.

Everything here works on plain arrays, in metres and radians; nesting, files and checks live above it.
A projection is a kind (`POLAR_SOUTH`, `POLAR_NORTH`, `PLATE`) with six numbers, see `moonpost.terrain.projection`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.gridhorizon import horizon

__all__ = ["bilinear", "height_along", "height_between", "horizon", "project_many", "ray_maximum"]

Floats = NDArray[np.float64]
Cells = NDArray[np.float32]
Marks = NDArray[np.int16]

_POLAR_SOUTH = 1
_POLAR_NORTH = 2
_PLATE = 3
_RIM = 0.5 + 1e-6


@njit(cache=True, nogil=True, inline="always")
def _neighbour(index: int, count: int, wrap: bool) -> int:
    """Index of a cell, clamped at the rim or taken round the globe."""
    if wrap:
        return index % count
    return min(max(index, 0), count - 1)


@njit(cache=True, nogil=True)
def _interpolate(z: Cells, wrap: bool, col: float, row: float) -> float:
    """Bilinear height at fractional cell-centre coordinates, NaN outside the cells or beside missing ones."""
    rows, cols = z.shape
    if not (-_RIM <= row <= rows - 1 + _RIM):
        return math.nan
    if not wrap and not (-_RIM <= col <= cols - 1 + _RIM):
        return math.nan
    r0 = math.floor(row)
    c0 = math.floor(col)
    fr = row - r0
    fc = col - c0
    ra = _neighbour(r0, rows, False)
    rb = _neighbour(r0 + 1, rows, False)
    ca = _neighbour(c0, cols, wrap)
    cb = _neighbour(c0 + 1, cols, wrap)
    upper = z[ra, ca] if fc == 0.0 else z[ra, ca] * (1.0 - fc) + z[ra, cb] * fc
    if fr == 0.0:
        return upper
    lower = z[rb, ca] if fc == 0.0 else z[rb, ca] * (1.0 - fc) + z[rb, cb] * fc
    return upper * (1.0 - fr) + lower * fr


@njit(cache=True, nogil=True)
def bilinear(z: Cells, wrap: bool, col: Floats, row: Floats) -> Floats:
    """Bilinear heights at fractional cell-centre coordinates.

    Parameters
    ----------
    z : ndarray of float32, shape (rows, cols)
        Heights [m]; NaN where there is none.
    wrap : bool
        Whether the columns go once round the globe.
    col, row : ndarray of float64, shape (n,)
        Coordinates in cells; 0 is the centre of the first cell.

    Returns
    -------
    ndarray of float64, shape (n,)
        Heights [m]; NaN outside the cells and beside missing ones. In the outer half cell the height of the rim
        cell is taken.

    Examples
    --------
    >>> cells = np.array([[0.0, 10.0], [20.0, 30.0]], dtype=np.float32)
    >>> bilinear(cells, False, np.array([0.5, 3.0]), np.array([0.5, 0.0]))
    array([15., nan])
    """
    out = np.empty(col.size)
    for i in range(col.size):
        out[i] = _interpolate(z, wrap, col[i], row[i])
    return out


@njit(cache=True, nogil=True)
def _project(kind: int, par: Floats, x: float, y: float, z: float) -> tuple[float, float]:
    """Map coordinates of a unit vector in a projection with a closed form."""
    if kind == _POLAR_SOUTH:
        k = par[0] / max(1.0 - z, 1e-12)
        return par[3] + k * (y * par[1] - x * par[2]), par[4] + k * (x * par[1] + y * par[2])
    if kind == _POLAR_NORTH:
        k = par[0] / max(1.0 + z, 1e-12)
        return par[3] + k * (y * par[1] - x * par[2]), par[4] - k * (x * par[1] + y * par[2])
    east = par[0] * math.atan2(y, x) + par[1]
    east = par[4] + (east - par[4]) % par[5]
    return east, par[2] * math.atan2(z, math.hypot(x, y)) + par[3]


@njit(cache=True, nogil=True)
def project_many(kind: int, par: Floats, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    """Map coordinates of places in a projection with a closed form.

    Parameters
    ----------
    kind : int
        Kind of projection.
    par : ndarray of float64, shape (6,)
        Its numbers.
    latitude, longitude : ndarray of float64, shape (n,)
        Places [rad].

    Returns
    -------
    tuple of ndarray of float64, shape (n,)
        Map coordinates.

    Examples
    --------
    >>> south = np.array([2.0 * 1737400.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    >>> x, y = project_many(1, south, np.radians(np.array([-89.0])), np.zeros(1))
    >>> float(y[0].round())
    30324.0
    """
    x = np.empty(latitude.size)
    y = np.empty(latitude.size)
    for i in range(latitude.size):
        c = math.cos(latitude[i])
        x[i], y[i] = _project(
            kind, par, c * math.cos(longitude[i]), c * math.sin(longitude[i]), math.sin(latitude[i])
        )
    return x, y


@njit(cache=True, nogil=True)
def height_along(
    z: Cells,
    wrap: bool,
    kind: int,
    par: Floats,
    inverse: Floats,
    up: Floats,
    tangent: Floats,
    sine: Floats,
    cosine: Floats,
    mark: int,
    heights: Floats,
    source: Marks,
) -> None:
    """Fill heights along great circles with those of one grid, where no earlier grid had any.

    Parameters
    ----------
    z : ndarray of float32, shape (rows, cols)
        Heights [m]; NaN where there is none.
    wrap : bool
        Whether the columns go once round the globe.
    kind : int
        Kind of projection.
    par : ndarray of float64, shape (6,)
        Its numbers.
    inverse : ndarray of float64, shape (6,)
        Affine from map coordinates to cell-centre coordinates: col = a x + b y + c, row = d x + e y + f.
    up : ndarray of float64, shape (3,)
        Unit vector of the site.
    tangent : ndarray of float64, shape (n, 3)
        Unit vectors along the ground at the site, one for each ray.
    sine, cosine : ndarray of float64, shape (n, m)
        Of the angle at the centre between the site and each sample.
    mark : int
        Written to `source` where this grid gives the height.
    heights : ndarray of float64, shape (n, m)
        Filled in place [m]; only NaN entries are touched.
    source : ndarray of int16, shape (n, m)
        Filled in place.

    Examples
    --------
    >>> cells = np.full((4, 4), 7.0, dtype=np.float32)
    >>> south = np.array([2.0 * 1737400.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    >>> inverse = np.array([0.01, 0.0, 1.5, 0.0, -0.01, 1.5])
    >>> heights, source = np.full((1, 2), np.nan), np.full((1, 2), -1, dtype=np.int16)
    >>> angle = np.array([[50.0, 500.0]]) / 1737400.0
    >>> ray, up = np.array([[1.0, 0.0, 0.0]]), np.array([0.0, 0.0, -1.0])
    >>> height_along(cells, False, 1, south, inverse, up, ray, np.sin(angle), np.cos(angle), 0, heights, source)
    >>> heights, source
    (array([[ 7., nan]]), array([[ 0, -1]], dtype=int16))
    """
    for i in range(tangent.shape[0]):
        for j in range(sine.shape[1]):
            if not math.isnan(heights[i, j]):
                continue
            s, c = sine[i, j], cosine[i, j]
            x = up[0] * c + tangent[i, 0] * s
            y = up[1] * c + tangent[i, 1] * s
            w = up[2] * c + tangent[i, 2] * s
            east, north = _project(kind, par, x, y, w)
            col = inverse[0] * east + inverse[1] * north + inverse[2]
            row = inverse[3] * east + inverse[4] * north + inverse[5]
            value = _interpolate(z, wrap, col, row)
            if not math.isnan(value):
                heights[i, j] = value
                source[i, j] = mark


@njit(cache=True, nogil=True)
def height_between(
    z: Cells,
    wrap: bool,
    inverse: Floats,
    stride: int,
    x: Floats,
    y: Floats,
    mark: int,
    heights: Floats,
    source: Marks,
) -> None:
    """Fill missing heights of one grid from map coordinates that are known at every `stride`-th sample only.

    Parameters
    ----------
    z : ndarray of float32, shape (rows, cols)
        Heights [m]; NaN where there is none.
    wrap : bool
        Whether the columns go once round the globe.
    inverse : ndarray of float64, shape (6,)
        Affine from map coordinates to cell-centre coordinates.
    stride : int
        Samples from one node to the next; node k belongs to sample (k - 1) stride.
    x, y : ndarray of float64, shape (n, nodes)
        Map coordinates of the nodes; a ray with a NaN is left out where it counts.
    mark : int
        Written to `source` where this grid gives the height.
    heights : ndarray of float64, shape (n, m)
        Filled in place [m]; only NaN entries are touched.
    source : ndarray of int16, shape (n, m)
        Filled in place.

    Notes
    -----
    Cubic Lagrange polynomials through four nodes.

    Examples
    --------
    >>> cells = np.arange(9, dtype=np.float32).reshape(3, 3)
    >>> heights, source = np.full((1, 2), np.nan), np.full((1, 2), -1, dtype=np.int16)
    >>> inverse, row = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), np.zeros((1, 4))
    >>> height_between(cells, False, inverse, 2, np.array([[-2.0, 0.0, 2.0, 4.0]]), row, 0, heights, source)
    >>> heights
    array([[0., 1.]])
    """
    for i in range(heights.shape[0]):
        for j in range(heights.shape[1]):
            if not math.isnan(heights[i, j]):
                continue
            k = j // stride
            f = (j - k * stride) / stride
            w0 = -f * (f - 1.0) * (f - 2.0) / 6.0
            w1 = (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0
            w2 = -(f + 1.0) * f * (f - 2.0) / 2.0
            w3 = (f + 1.0) * f * (f - 1.0) / 6.0
            east = w0 * x[i, k] + w1 * x[i, k + 1] + w2 * x[i, k + 2] + w3 * x[i, k + 3]
            north = w0 * y[i, k] + w1 * y[i, k + 1] + w2 * y[i, k + 2] + w3 * y[i, k + 3]
            col = inverse[0] * east + inverse[1] * north + inverse[2]
            row = inverse[3] * east + inverse[4] * north + inverse[5]
            value = _interpolate(z, wrap, col, row)
            if not math.isnan(value):
                heights[i, j] = value
                source[i, j] = mark


@njit(cache=True, nogil=True)
def ray_maximum(
    heights: Floats,
    observer_m: float,
    radius_m: float,
    angle: Floats,
    best: Floats,
    where: Floats,
    last: Floats,
    gap: Floats,
    peak: Floats,
    place: Floats,
) -> int:
    """Raise the tangent of each ray's horizon by the samples of one block, and find holes.

    Parameters
    ----------
    heights : ndarray of float64, shape (n, m)
        Heights along each ray [m]; NaN where there is none.
    observer_m : float
        Height of the observer [m].
    radius_m : float
        Radius of the sphere [m].
    angle : ndarray of float64, shape (m,)
        Angle at the centre between the site and each sample [rad].
    best : ndarray of float64, shape (n,)
        Tangent of the horizon so far; raised in place.
    where : ndarray of float64, shape (n,)
        Angle at the centre of the point that makes the horizon [rad]; updated in place.
    last : ndarray of float64, shape (n,)
        Angle at the centre of the last sample with a height [rad]; updated in place.
    gap : ndarray of float64, shape (n,)
        Angle of the first sample without a height since the last one with a height [rad], NaN for none;
        updated in place.
    peak, place : ndarray of float64, shape (n, k)
        Highest tangent of each k-th part of the block, and its angle at the centre [rad]; written in place.

    Returns
    -------
    int
        The ray on which a height was found beyond a gap, or -1.

    Examples
    --------
    >>> heights, angle = np.array([[0.0, 500.0, 0.0]]), np.array([1e3, 5e3, 9e3]) / 1737400.0
    >>> best, where, last, gap = np.full(1, -np.inf), np.zeros(1), np.zeros(1), np.full(1, np.nan)
    >>> peak, place = np.full((1, 1), -np.inf), np.zeros((1, 1))
    >>> ray_maximum(heights, 2.0, 1737400.0, angle, best, where, last, gap, peak, place)
    -1
    >>> np.degrees(np.arctan(best)).round(2), (where * 1737400.0).round()
    (array([5.6]), array([5000.]))
    """
    size = (angle.size + peak.shape[1] - 1) // peak.shape[1]
    for i in range(heights.shape[0]):
        for j in range(angle.size):
            h = heights[i, j]
            if math.isnan(h):
                if math.isnan(gap[i]):
                    gap[i] = angle[j]
                continue
            if not math.isnan(gap[i]):
                return i
            last[i] = angle[j]
            half = math.sin(0.5 * angle[j])
            r = radius_m + h
            t = (h - observer_m - 2.0 * r * half * half) / (r * math.sin(angle[j]))
            if t > peak[i, j // size]:
                peak[i, j // size] = t
                place[i, j // size] = angle[j]
            if t > best[i]:
                best[i] = t
                where[i] = angle[j]
    return -1
