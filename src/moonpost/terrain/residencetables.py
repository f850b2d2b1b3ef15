"""Compiled loops that fill the tables of a body's residence.

Angles are in degrees, azimuths in turns from the first azimuth of the horizons. A table holds two numbers for each
azimuth bin and elevation: with G(a, h) the time-mean of what stands above the elevation h at the azimuth a, and u
the place in the bin from 0 to 1, they are the integrals over the bin of G (1/2 - sqrt(3) (u - 1/2)) and of
G (1/2 + sqrt(3) (u - 1/2)). Looked up at the elevations of a straight horizon at u = (1 -+ 1/sqrt(3)) / 2, their
sum is the integral of G above that horizon to the third order of its rise.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["disc_table", "pack", "path_table", "reach"]

Floats = NDArray[np.float64]

_LEAST_COSINE = 1e-3
_HOP_TURNS = 0.000125
_MOST_HOPS = 32


@njit(cache=True, nogil=True)
def _stretch(elevation: float, radius: float, bins: int) -> float:
    """Half the width of a disc in bins."""
    return radius / max(math.cos(math.radians(elevation)), _LEAST_COSINE) * bins / 360.0


@njit(cache=True, nogil=True)
def reach(turn: Floats, elevation: Floats, radius: Floats, bins: int) -> tuple[Floats, Floats]:
    """Lowest and highest elevation of any disc in each bin; the lowest is above the highest where there is none.

    Parameters
    ----------
    turn, elevation, radius : ndarray, shape (n,)
        Azimuth [turns], elevation and angular radius [deg] of the discs.
    bins : int
        Number of azimuth bins.

    Returns
    -------
    low, high : ndarray, shape (bins,)
        Elevations [deg].

    Examples
    --------
    >>> low, high = reach(np.array([0.6]), np.array([1.0]), np.array([0.25]), 2)
    >>> low, high
    (array([1.0e+09, 7.5e-01]), array([-1.00e+09,  1.25e+00]))
    """
    low, high = np.full(bins, 1e9), np.full(bins, -1e9)
    for k in range(turn.size):
        centre, half = turn[k] * bins, _stretch(elevation[k], radius[k], bins)
        first = math.floor(centre - half)
        for b in range(first, min(math.floor(centre + half) + 1, first + bins)):
            low[b % bins] = min(low[b % bins], elevation[k] - radius[k])
            high[b % bins] = max(high[b % bins], elevation[k] + radius[k])
    return low, high


@njit(cache=True, nogil=True)
def _half_disc(x: float) -> float:
    """Integral of sqrt(1 - x^2) from 0 to x."""
    return 0.5 * (x * math.sqrt(max(1.0 - x * x, 0.0)) + math.asin(x))


@njit(cache=True, nogil=True)
def _lever(x: float) -> float:
    """Integral of x sqrt(1 - x^2) up to x."""
    return -(math.sqrt(max(1.0 - x * x, 0.0)) ** 3) / 3.0


@njit(cache=True, nogil=True)
def _over_level(x0: float, x1: float, y: float, ends: tuple[float, float, float, float]) -> tuple[float, float]:
    """Area of the unit disc between two verticals and above a level, and its moment about the axis x = 0."""
    half0, half1, lever0, lever1 = ends
    root = math.sqrt(max(1.0 - y * y, 0.0))
    quarter = 0.5 * (root * abs(y) + math.acos(abs(y)))
    lever = -(abs(y) ** 3) / 3.0
    a, area_a, lever_a = (x0, half0, lever0) if x0 >= -root else (-root, -quarter, lever)
    b, area_b, lever_b = (x1, half1, lever1) if x1 <= root else (root, quarter, lever)
    area, moment = 0.0, 0.0
    if b > a:
        area = area_b - area_a - y * (b - a)
        moment = lever_b - lever_a - 0.5 * y * (b * b - a * a)
        if y < 0.0:
            area += 2.0 * (half1 - area_b + area_a - half0)
            moment += 2.0 * (lever1 - lever_b + lever_a - lever0)
    elif y < 0.0:
        area, moment = 2.0 * (half1 - half0), 2.0 * (lever1 - lever0)
    return area, moment


@njit(cache=True, nogil=True)
def _add_strip(
    column: Floats,
    full: Floats,
    start: float,
    step: float,
    disc: tuple[float, float],
    span: tuple[float, float],
    lever: tuple[float, float],
    weight: float,
) -> None:
    """Add the strip of a disc that lies in one bin; `lever` is how u - 1/2 grows with the place on the disc."""
    elevation, radius = disc
    x0, x1 = span
    offset, slope = lever
    ends = (_half_disc(x0), _half_disc(x1), _lever(x0), _lever(x1))
    share = weight / math.pi
    area, moment = 2.0 * (ends[1] - ends[0]), 2.0 * (ends[3] - ends[2])
    low = max(math.ceil((elevation - radius - start) / step), 0)
    full[low, 0] += share * area
    full[low, 1] += share * (offset * area + slope * moment)
    for i in range(low, min(math.floor((elevation + radius - start) / step), column.shape[0] - 1) + 1):
        y = min(max((start + i * step - elevation) / radius, -1.0), 1.0)
        area, moment = _over_level(x0, x1, y, ends)
        column[i, 0] += share * area
        column[i, 1] += share * (offset * area + slope * moment)


@njit(cache=True, nogil=True)
def _settle(table: Floats, full: Floats) -> None:
    """Add what stands above all rows below a row; turn means and moments into the two numbers of the table."""
    bins, rows, _ = table.shape
    for b in range(bins):
        mean, moment = full[b, rows, 0], full[b, rows, 1]
        for i in range(rows - 1, -1, -1):
            a, m = table[b, i, 0] + mean, table[b, i, 1] + moment
            table[b, i, 0] = 0.5 * a - math.sqrt(3.0) * m
            table[b, i, 1] = 0.5 * a + math.sqrt(3.0) * m
            mean, moment = mean + full[b, i, 0], moment + full[b, i, 1]


@njit(cache=True, nogil=True)
def disc_table(
    turn: Floats,
    elevation: Floats,
    radius: Floats,
    weight: Floats,
    first: Floats,
    step: float,
    rows: int,
    rings: Floats,
) -> Floats:
    """Tabulate the part of a disc above each elevation.

    Parameters
    ----------
    turn, elevation, radius, weight : ndarray, shape (n,)
        Azimuth [turns], elevation and angular radius [deg] of the discs, and how much each counts.
    first : ndarray, shape (bins,)
        Elevation of the first row of each bin [deg].
    step : float
        Spacing of the rows [deg].
    rows : int
        Number of rows.
    rings : ndarray, shape (m, 2)
        Even discs that together make the disc: their radii as parts of its own, and their shares of the light.

    Returns
    -------
    ndarray, shape (bins, rows, 2)
        The table.

    Examples
    --------
    >>> one = np.ones(1)
    >>> table = disc_table(0.5 * one, 0.0 * one, 0.25 * one, one, np.full(4, -1.0), 0.5, 5, np.ones((1, 2)))
    >>> table.sum(axis=(0, 2)).round(6)
    array([1. , 1. , 0.5, 0. , 0. ])
    """
    bins = first.size
    table, full = np.zeros((bins, rows, 2)), np.zeros((bins, rows + 1, 2))
    for ring in range(rings.shape[0]):
        for k in range(turn.size):
            size, share = radius[k] * rings[ring, 0], weight[k] * rings[ring, 1]
            centre, half = turn[k] * bins, _stretch(elevation[k], size, bins)
            for b in range(math.floor(centre - half), math.floor(centre + half) + 1):
                x0, x1 = max((b - centre) / half, -1.0), min((b + 1 - centre) / half, 1.0)
                if x1 > x0:
                    c = b % bins
                    disc, lever = (elevation[k], size), (centre - b - 0.5, half)
                    _add_strip(table[c], full[c], first[c], step, disc, (x0, x1), lever, share)
    _settle(table, full)
    return table


@njit(cache=True, nogil=True)
def path_table(place: Floats, lift: Floats, weight: Floats, first: Floats, step: float, rows: int) -> Floats:
    """Tabulate the share of the time for which a point on its way stands above each elevation.

    Parameters
    ----------
    place : ndarray, shape (n, 3)
        Unit vectors (along the first azimuth's quadrature, along the first azimuth, up) at equal steps of time.
    lift : ndarray, shape (n,)
        Added to the point's elevation [deg].
    weight : ndarray, shape (n,)
        How much each instant counts, with half of the way before and after it.
    first, step, rows
        As for `disc_table`.

    Returns
    -------
    ndarray, shape (bins, rows, 2)
        The table.

    Examples
    --------
    >>> west = np.array([[-1.0, 0.0, 0.0]])
    >>> path_table(west, np.zeros(1), np.ones(1), np.full(4, -1.0), 0.5, 5).sum(axis=(0, 2))
    array([1., 1., 1., 0., 0.])
    """
    bins, n = first.size, lift.size
    table, full = np.zeros((bins, rows, 2)), np.zeros((bins, rows + 1, 2))
    for k in range(n + 1):
        a, b = max(k - 1, 0), min(k, n - 1)
        x, y, z = place[a]
        dx, dy, dz, rise = place[b, 0] - x, place[b, 1] - y, place[b, 2] - z, lift[b] - lift[a]
        before, after = weight[a] if k > 0 else 0.0, weight[b] if k < n else 0.0
        moved = math.sqrt(dx * dx + dy * dy + dz * dz) / (2.0 * math.pi * max(math.hypot(x, y), 0.02))
        hops = 2 * min(max(math.ceil(0.5 * moved / _HOP_TURNS), 1), _MOST_HOPS)
        for hop in range(hops):
            f = (hop + 0.5) / hops
            e, q, up = x + f * dx, y + f * dy, z + f * dz
            turn = math.atan2(e, q) / (2.0 * math.pi) % 1.0 * bins
            c = min(int(turn), bins - 1)
            high = math.degrees(math.atan2(up, math.hypot(e, q))) + lift[a] + f * rise
            row = min(max(math.floor((high - first[c]) / step) + 1, 0), rows)
            share = (before if f < 0.5 else after) / hops
            full[c, row, 0] += share
            full[c, row, 1] += share * (turn - c - 0.5)
    _settle(table, full)
    return table


def pack(table: NDArray[np.float32]) -> tuple[NDArray[np.int32], float]:
    """Put each number of a table and its rise to the next row into one integer of 32 bits.

    Parameters
    ----------
    table : ndarray, shape (bins, rows, 2)
        The table.

    Returns
    -------
    packed : ndarray of int32, shape (bins * rows * 2,)
        The number in the upper 16 bits, the rise in the lower.
    unit : float
        What one stands for.

    Examples
    --------
    >>> packed, unit = pack(np.array([[[4.0, 8.0], [2.0, 0.0]]], dtype=np.float32))
    >>> ((packed >> 16) * unit).round(3)
    array([4., 8., 2., 0.])
    """
    unit = float(max(np.abs(table).max(), np.abs(np.diff(table, axis=1)).max(initial=0.0))) / 32766.0
    unit = unit if unit > 0.0 else 1.0
    levels = np.rint(table.astype(np.float64) / unit).astype(np.int64)
    rise = np.diff(levels, axis=1, append=levels[:, -1:])
    return ((levels << 16) | (rise & 0xFFFF)).astype(np.uint32).view(np.int32).ravel(), unit
