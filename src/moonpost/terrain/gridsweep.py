"""Sweep of a plane grid along one azimuth: a pyramid of tilted maxima, and the horizon of every cell."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.gridlanes import WEIGHTS, WIDTH, raise_close, raise_far, raise_pooled

__all__ = ["ABSENT", "CLOSE_ROWS", "COUNTS", "PAD", "TOP", "build", "layout", "sweep"]

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

ABSENT = np.float32(-1e15)
"""Stands for a missing height: no line through it can rise above one through a height."""
PAD = WIDTH + 4
"""Missing columns on either side, so that no step needs to ask whether it leaves the grid."""
BLOCK = 16
"""Rows of a patch of observers."""

_FAST = {"contract", "nsz", "arcp", "afn", "reassoc", "nnan", "ninf"}
_SNAP = 1e-6
_NOTHING = np.float32(-1e3)


@njit(cache=True, nogil=True)
def _split(x: float) -> tuple[int, float]:
    """Whole and fractional part of a place between columns, with places on a column kept there."""
    whole = math.floor(x)
    part = x - whole
    if part < _SNAP:
        return whole, 0.0
    if part > 1.0 - _SNAP:
        return whole + 1, 0.0
    return whole, part


@njit(cache=True, nogil=True)
def _far_weights(weights: Floats, entry: int, angle: float, part: float, radius: float, level: float) -> None:
    """Write the factors of one sample for `raise_far`."""
    near = 1.0 / (radius * math.tan(angle))
    far = 1.0 / (radius * math.sin(angle))
    weights[WEIGHTS * entry] = (1.0 - part) * far
    weights[WEIGHTS * entry + 1] = part * far
    weights[WEIGHTS * entry + 2] = -near
    weights[WEIGHTS * entry + 3] = -math.tan(0.5 * angle) * (1.0 - level / radius)


@njit(cache=True, nogil=True)
def _close_weights(
    weights: Floats, entry: int, angle: float, across: float, along: float, radius: float, level: float
) -> None:
    """Write the factors of one sample for `raise_close`."""
    weights[WEIGHTS * entry] = across
    weights[WEIGHTS * entry + 1] = 1.0 / (radius * math.tan(angle))
    weights[WEIGHTS * entry + 2] = -math.tan(0.5 * angle) * (1.0 - level / radius)
    weights[WEIGHTS * entry + 3] = along
    weights[WEIGHTS * entry + 4] = across * along


CLOSE_ROWS = 8
"""Rows that are looked at by differences of heights, for the sake of rounding."""
SIDE_ROWS = 20
"""Rows within which crossings of columns are looked at besides those of rows."""
COUNTS = np.array([72, 0, 22, 20, 14, 8, 6, 6, 6], dtype=np.int64)
"""Steps on each level of the pyramid; step k of the pyramid joins 2**k rows. The last level goes on to the rim."""
TOP = 8
"""Highest level of the pyramid."""
ROWS_BELOW = 32
"""Missing rows below the heights."""
SPAN = 8 * WIDTH
"""Columns that are done together, so that memory is read in long runs."""
QUARTERS = 4
"""Samples within the cell of the observer."""


@njit(cache=True, nogil=True)
def layout(rows: int, cols: int) -> tuple[int, Indices, Indices]:
    """Layout of the buffer of a sweep.

    Parameters
    ----------
    rows, cols : int
        Shape of the grid.

    Returns
    -------
    tuple
        Floats in a row; first row of each level, and after the last; rows of each level. The buffer has twice the
        rows: heights, then their places among the rows that are joined.
    """
    stride = 2 * PAD + (cols + WIDTH - 1) // WIDTH * WIDTH
    first = np.zeros(TOP + 2, dtype=np.int64)
    size = np.zeros(TOP + 1, dtype=np.int64)
    size[0] = rows
    first[1] = rows + ROWS_BELOW
    for level in range(1, TOP + 1):
        size[level] = (size[level - 1] + 1) // 2
        first[level + 1] = first[level] + size[level] + 1
    return stride, first, size


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
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


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
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
def _tilt(level: int, step: float, radius: float, tilts: Floats) -> float:
    """Slope of usual lines of sight against the ground of a sphere, where a level begins to count."""
    before = CLOSE_ROWS + COUNTS[0]
    for k in range(1, level):
        before += max(0, COUNTS[k] - 1) << k
    return tilts[level] + step * before / radius


@njit(cache=True, nogil=True)
def build(pyramid: Floats, rows: int, cols: int, drift: float, step: float, radius: float, tilts: Floats) -> None:
    """Fill the levels above the heights: the highest of two rows along the azimuth, tilted as sight lines are.

    Parameters
    ----------
    pyramid : ndarray of float32
        The buffer that `layout` describes; its first half starts with the heights, the second holds places.
    rows, cols : int
        Shape of the grid.
    drift : float
        Columns per row of the azimuth.
    step : float
        Distance from a row to the next along the azimuth [m].
    radius : float
        Radius of the sphere [m].
    tilts : ndarray of float32
        Usual tangent of the horizons that each level makes.
    """
    stride, first, size = layout(rows, cols)
    away = first[TOP + 1] * stride
    for level in range(1, TOP + 1):
        half = 1 << (level - 1)
        whole, part = _split(drift * half)
        tilt = _tilt(level, step, radius, tilts)
        numbers = (
            np.float32(part),
            np.float32(0.5 * half),
            np.float32(0.5 * half * step * tilt),
            np.float32((_tilt(level - 1, step, radius, tilts) - tilt) * step),
        )
        for row in range(size[level]):
            upper = (first[level - 1] + 2 * row) * stride + PAD
            lower = upper + stride + whole
            target = (first[level] + row) * stride + PAD
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


Table = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _close_plan(
    drift: float,
    step: float,
    pixel: float,
    radius: float,
    level: float,
    stride: int,
    reach: float,
    offsets: Indices,
    weights: Floats,
) -> tuple[int, int]:
    """Samples near the observer: quarter steps in the own cell, crossings of rows, then of columns."""
    entry = 0
    for quarter in range(1, QUARTERS + 1):
        along = 0.25 * quarter * pixel / step
        if along > reach:
            break
        whole, part = _split(drift * along)
        below = 0.0 if along >= 1.0 else along
        offsets[entry] = whole + (stride if along >= 1.0 else 0)
        _close_weights(weights, entry, along * step / radius, part, below, radius, level)
        entry += 1
    for row in range(1, min(CLOSE_ROWS, int(reach)) + 1):
        whole, part = _split(drift * row)
        offsets[entry] = row * stride + whole
        _close_weights(weights, entry, row * step / radius, part, 0.0, radius, level)
        entry += 1
    rate, way = abs(drift), 1 if drift > 0.0 else -1
    count = entry
    for col in range(1, int(rate * min(float(SIDE_ROWS), reach)) + 1):
        along = col / rate
        whole, part = _split(along)
        offsets[entry] = whole * stride + col * way
        if along <= CLOSE_ROWS:
            _close_weights(weights, entry, along * step / radius, 0.0, part, radius, level)
            count = entry + 1
        else:
            _far_weights(weights, entry, along * step / radius, part, radius, level)
        entry += 1
    return count, entry - count


@njit(cache=True, nogil=True)
def _segments(rows: int, reach: int) -> Table:
    """Level, last row before it and number of steps of each part of a ray."""
    table = np.empty((2 * TOP + 2, 3), dtype=np.int64)
    last = min(reach, rows - 1)
    n, before = 0, CLOSE_ROWS
    for level in range(TOP + 1):
        size = 1 << level
        count = COUNTS[level] if level < TOP else max(1, (last - before) // size + 2)
        table[n, 0], table[n, 1], table[n, 2] = level, before, count
        n += 1
        reached = before + (max(0, count - 1) * size if level else count)
        if reached >= last or level == TOP:
            break
        before = reached
    if reach < rows - 1:
        for down in range(table[n - 1, 0] - 1, -1, -1):
            before = max(before, reach - (2 << down))
            table[n, 0], table[n, 1], table[n, 2] = down, before, 5
            n += 1
    return table[:n]


@njit(cache=True, nogil=True)
def _far_plan(
    table: Table,
    drift: float,
    step: float,
    radius: float,
    level_m: float,
    stride: int,
    reach: int,
    first_entry: int,
    offsets: Indices,
    weights: Floats,
    starts: Indices,
    counts: Table,
    tilts: Floats,
) -> None:
    """Samples of every level, for each place of the observer's row among the rows that a step joins."""
    entry = first_entry
    for s in range(table.shape[0]):
        level, before, n = table[s]
        size = 1 << level
        starts[s] = entry
        for phase in range(size):
            block = (phase + 1 + before) >> level
            counts[s, phase] = 0
            for e in range(n):
                row = ((block + e) << level) - phase
                if row + size - 1 <= reach:
                    counts[s, phase] = e + 1
                whole, part = _split(drift * row)
                angle = min((row + 0.5 * (size - 1)) * step / radius, 1.5)
                offsets[entry] = (block + e) * stride + whole
                _far_weights(weights, entry, angle, part, radius, level_m)
                middle = angle * radius
                weights[WEIGHTS * entry + 4] = (1.0 - part) * step / middle
                weights[WEIGHTS * entry + 5] = part * step / middle
                weights[WEIGHTS * entry + 6] = _tilt(level, step, radius, tilts) - middle / radius
                entry += 1


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _eyes(ground: Floats, observer: np.float32, radius: np.float32, level: np.float32, sight: Floats) -> None:
    """Heights of the observers above a row of ground, in the frame of the sweep."""
    for c in range(sight.size):
        g = np.float32(1.0) - (ground[c] + level) / radius
        sight[c] = ground[c] + observer * g * g / (np.float32(1.0) + g * observer / radius)


@njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _angles(
    best: Floats, ground: Floats, observer: np.float32, radius: np.float32, level: np.float32, result: Floats
) -> None:
    """Elevations of the horizon from tangents in the frame of the sweep."""
    one = np.float32(1.0)
    for c in range(result.size):
        g = one - (ground[c] + level) / radius
        x = best[c] * (one / g + observer / radius)
        a = abs(x)
        high = a if a > one else one
        u = (one if a > one else a) / high
        v = u * u
        p = np.float32(-0.01172120) * v + np.float32(0.05265332)
        p = p * v + np.float32(-0.11643287)
        p = p * v + np.float32(0.19354346)
        p = p * v + np.float32(-0.33262347)
        p = (p * v + np.float32(0.99997726)) * u
        p = np.float32(1.5707963267948966) - p if a > one else p
        p = p if x >= np.float32(0.0) else -p
        result[c] = p if best[c] > _NOTHING else np.float32(-1.5707963267948966)


@njit(cache=True, nogil=True)
def _limit(drift: float, col: int, rows: int, cols: int) -> int:
    """Rows after which the rays of all observers of a patch have left the grid sideways."""
    if drift > 0.0:
        return int(min((cols - 1 - col) / drift, float(rows))) + 1
    if drift < 0.0:
        return int(min((col + WIDTH - 1) / -drift, float(rows))) + 1
    return rows


@njit(cache=True, nogil=True)
def _far_steps(
    pyramid: Floats,
    geometry: tuple[int, Indices, Indices],
    table: Table,
    plan: tuple[Indices, Floats, Indices, Table],
    place: tuple[int, int, int, int],
    found: Floats,
    eyes: Floats,
) -> None:
    """Raise the tangents of a patch of observers by all levels; a level is in the cache for all rows of it."""
    stride, first, size = geometry
    offsets, weights, starts, counts = plan
    top, high, col, limit = place
    away = first[TOP + 1] * stride
    for s in range(table.shape[0]):
        level, before, n = table[s]
        if before > limit:
            break
        for k in range(high):
            begin = (top + k) >> level
            phase = (top + k) & ((1 << level) - 1)
            block = (phase + 1 + before) >> level
            room = (limit - (block << level) + phase) >> level
            count = min(counts[s, phase], size[level] - begin - block, room + 1)
            if count <= 0:
                continue
            base = (first[level] + begin) * stride + PAD + col
            entry = starts[s] + phase * n
            if level == 0:
                raise_far(found, eyes, pyramid, offsets, weights, k * WIDTH, base, entry, count, 1)
            else:
                raise_pooled(found, eyes, pyramid, offsets, weights, k * WIDTH, base, entry, count, away)


@njit(cache=True, nogil=True)
def _write(
    angles: Floats, place: tuple[int, int, int, int], shape: tuple[int, int, bool, bool], out: Floats
) -> None:
    """Write a patch of the result, turned and flipped back."""
    top, high, col, _ = place
    rows, cols, flip, turn = shape
    width = min(WIDTH, cols - col)
    if turn:
        for c in range(width):
            for k in range(high):
                out[col + c, rows - 1 - top - k if flip else top + k] = angles[k, c]
    else:
        for k in range(high):
            out[rows - 1 - top - k if flip else top + k, col : col + width] = angles[k, :width]


@njit(cache=True, nogil=True)
def sweep(
    pyramid: Floats,
    shape: tuple[int, int, bool, bool],
    drift: float,
    pixel_m: float,
    radius_m: float,
    level_m: float,
    observer_m: float,
    distance_m: float,
    tilts: Floats,
    out: Floats,
) -> None:
    """Horizon of all cells of a grid along one azimuth, towards growing rows.

    Parameters
    ----------
    pyramid : ndarray of float32, shape (n,)
        The buffer that `layout` describes, filled by `build`.
    shape : tuple
        Rows and columns of the grid, whether its rows are flipped and whether it is turned against `out`.
    drift : float
        Columns per row of the azimuth, -1 to 1.
    pixel_m, radius_m : float
        Size of a cell and radius of the sphere [m].
    level_m : float
        Height that was taken off the heights [m].
    observer_m : float
        Height of the observers above the ground [m].
    distance_m : float
        Length of the rays [m]; infinite for all of the grid.
    tilts : ndarray of float32
        Usual tangent of the horizon that each level makes; only accuracy depends on it.
    out : ndarray of float32
        Elevations [rad], written in place; -pi/2 where the ray meets no height.

    Notes
    -----
    Heights are mapped by zeta = R z / (R + z), which together with R tan(theta) along the ray is a projective map
    of the plane through the centre: lines of sight stay straight, so that tangents compare as on the sphere and
    the elevation follows exactly. Near the observer every crossing of a grid line counts; farther out a step joins
    2, 4, ... rows by the highest height above a tilted line.

    Examples
    --------
    See `moonpost.terrain.horizon`.
    """
    rows, cols, _, _ = shape
    geometry = layout(rows, cols)
    stride = geometry[0]
    step = pixel_m * math.sqrt(1.0 + drift * drift)
    length = min(distance_m, 1.4 * radius_m) / step + 1e-9
    reach = int(min(length, float(rows + cols)))
    table = _segments(rows, reach)
    total = 64
    for s in range(table.shape[0]):
        total += table[s, 2] << table[s, 0]
    offsets, weights = np.empty(total, dtype=np.int64), np.empty(WEIGHTS * total, dtype=np.float32)
    starts, counts = np.empty(table.shape[0], dtype=np.int64), np.empty((table.shape[0], 1 << TOP), dtype=np.int64)
    near = min(length, float(rows + cols))
    closes, sides = _close_plan(drift, step, pixel_m, radius_m, level_m, stride, near, offsets, weights)
    _far_plan(
        table,
        drift,
        step,
        radius_m,
        level_m,
        stride,
        reach,
        closes + sides,
        offsets,
        weights,
        starts,
        counts,
        tilts,
    )
    plan = (offsets, weights, starts, counts)
    best, sight = np.empty((BLOCK, WIDTH), dtype=np.float32), np.empty((BLOCK, WIDTH), dtype=np.float32)
    found, eyes = best.ravel(), sight.ravel()
    eye, sphere, datum = np.float32(observer_m), np.float32(radius_m), np.float32(level_m)
    for span in range(0, cols, SPAN):
        for top in range(0, rows, BLOCK):
            high = min(BLOCK, rows - top)
            for col in range(span, min(span + SPAN, cols), WIDTH):
                place = (top, high, col, _limit(drift, col, rows, cols))
                found[:] = ABSENT
                for k in range(high):
                    here = (top + k) * stride + PAD + col
                    _eyes(pyramid[here : here + WIDTH], eye, sphere, datum, sight[k])
                    raise_close(found, eyes, pyramid, offsets, weights, k * WIDTH, here, 0, closes, stride)
                    raise_far(found, eyes, pyramid, offsets, weights, k * WIDTH, here, closes, sides, stride)
                _far_steps(pyramid, geometry, table, plan, place, found, eyes)
                for k in range(high):
                    here = (top + k) * stride + PAD + col
                    _angles(best[k], pyramid[here : here + WIDTH], eye, sphere, datum, sight[k])
                _write(sight, place, shape, out)
