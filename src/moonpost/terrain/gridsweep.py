"""Sweep of a plane grid along one azimuth: the horizon of every observer of a window."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.gridlanes import (
    BLOCK,
    LANES,
    MASTS,
    SPREAD,
    WEIGHTS,
    WIDTH,
    fetch,
    raise_cell,
    raise_cell_all,
    raise_far,
    raise_far_all,
    raise_near,
    raise_near_all,
    raise_pooled,
    raise_pooled_all,
)
from moonpost.terrain.gridplan import far_plan, near_plan, segments
from moonpost.terrain.gridpyramid import ABSENT, FAST, PAD, SNAP, TOP

__all__ = ["rows_within", "sweep"]

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Table = NDArray[np.int64]
Geometry = tuple[int, Indices, Indices, Indices]

SPAN = 8 * WIDTH
"""Columns that are done together, so that memory is read in long runs."""

_NOTHING = np.float32(-1e3)


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
def _eyes(
    ground: Floats, observer: np.float32, radius: np.float32, level: np.float32, lift: Floats, sight: Floats
) -> None:
    """Heights of the observers above a row of ground and above the datum, in the frame of the sweep."""
    for c in range(sight.size):
        g = np.float32(1.0) - (ground[c] + level) / radius
        lift[c] = observer * g * g / (np.float32(1.0) + g * observer / radius)
        sight[c] = ground[c] + lift[c]


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")
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
        return int(min((cols - 1 - col + SNAP) / drift, float(rows))) + 1
    if drift < 0.0:
        return int(min((col + WIDTH - 1 + SNAP) / -drift, float(rows))) + 1
    return rows


@njit(cache=True, nogil=True)
def _far_steps(
    pyramid: Floats,
    geometry: Geometry,
    table: Table,
    plan: tuple[Indices, Floats, Indices, Table],
    place: tuple[int, int, int, int],
    found: Floats,
    eyes: Floats,
) -> None:
    """Raise the tangents of a patch of observers by all levels; a level is in the cache for all rows of it."""
    stride, first, size, skipped = geometry
    offsets, weights, starts, counts = plan
    top, high, col, limit = place
    away, single = first[TOP + 1] * stride, found.size == SPREAD
    for s in range(table.shape[0]):
        level, before, n = table[s]
        if before - (1 << level) > limit:
            break
        for k in range(high):
            row = skipped[0] + top + k
            begin = (row >> level) - skipped[level]
            phase = row & ((1 << level) - 1)
            block = (phase + 1 + before) >> level
            room = (limit - (block << level) + phase) >> level
            count = min(counts[s, phase], size[level] - begin - block, room + 1)
            if count <= 0:
                continue
            base = (first[level] + begin) * stride + PAD + col
            entry = starts[s] + phase * n
            at = k * WIDTH
            if single and level == 0:
                raise_far(found, eyes, pyramid, offsets, weights, at, base, entry, count, 1)
            elif single:
                raise_pooled(found, eyes, pyramid, offsets, weights, at, base, entry, count, away)
            elif level == 0:
                raise_far_all(found, eyes, pyramid, offsets, weights, at, base, entry, count, 1)
            else:
                raise_pooled_all(found, eyes, pyramid, offsets, weights, at, base, entry, count, away)


@njit(cache=True, nogil=True)
def _near_steps(
    pyramid: Floats,
    stride: int,
    plan: tuple[Indices, Floats, Indices, Table],
    samples: tuple[int, int, int, int],
    place: tuple[int, int, int, int],
    found: Floats,
    lifts: Floats,
    eyes: Floats,
) -> None:
    """Raise the tangents of a patch of observers by all near samples."""
    offsets, weights, _, _ = plan
    cells, rows, cols, sides = samples
    second, third, last = cells, cells + rows, cells + rows + cols
    top, high, col, _ = place
    single = found.size == SPREAD
    for k in range(high):
        here, at = (1 + top + k) * stride + PAD + col, k * WIDTH
        if single:
            raise_cell(found, lifts, pyramid, offsets, weights, at, here, 0, cells, stride)
            raise_near(found, lifts, pyramid, offsets, weights, at, here, second, rows, 1)
            raise_near(found, lifts, pyramid, offsets, weights, at, here, third, cols, stride)
            raise_far(found, eyes, pyramid, offsets, weights, at, here, last, sides, stride)
        else:
            raise_cell_all(found, lifts, pyramid, offsets, weights, at, here, 0, cells, stride)
            raise_near_all(found, lifts, pyramid, offsets, weights, at, here, second, rows, 1)
            raise_near_all(found, lifts, pyramid, offsets, weights, at, here, third, cols, stride)
            raise_far_all(found, eyes, pyramid, offsets, weights, at, here, last, sides, stride)


@njit(cache=True, nogil=True)
def _fetch(
    place: tuple[int, int, int, int], window: tuple[int, int, int, int], flip: bool, turn: bool, out: Floats
) -> None:
    """Ask for the memory of a patch of the result, so that it is at hand when the patch is written."""
    top, high, col, _ = place
    row, col, width = top - window[0], col - window[2], min(WIDTH, window[3] - col)
    row = window[1] - window[0] - row - high if flip else row
    if turn:
        for c in range(col, col + width):
            fetch(out, c, row)
            fetch(out, c, row + high - 1)
    else:
        for r in range(row, row + high):
            for c in range(col, col + width, LANES):
                fetch(out, r, c)
            fetch(out, r, col + width - 1)


@njit(cache=True, nogil=True)
def _write(
    angles: Floats,
    place: tuple[int, int, int, int],
    window: tuple[int, int, int, int],
    flip: bool,
    turn: bool,
    out: Floats,
) -> None:
    """Write a patch of the result, turned and flipped back."""
    top, high, col, _ = place
    row, col, width = top - window[0], col - window[2], min(WIDTH, window[3] - col)
    last = window[1] - window[0] - 1
    if turn:
        for c in range(width):
            for k in range(high):
                out[col + c, last - row - k if flip else row + k] = angles[k, c]
    else:
        for k in range(high):
            out[last - row - k if flip else row + k, col : col + width] = angles[k, :width]


@njit(cache=True, nogil=True)
def rows_within(distance_m: float, radius_m: float, step: float, rows: int, cols: int) -> float:
    """Rows that rays run over before their end, the rim or the far side of the sphere."""
    return min(min(distance_m, 1.4 * radius_m) / step + 1e-9, float(rows + cols))


@njit(cache=True, nogil=True)
def sweep(
    pyramid: Floats,
    geometry: Geometry,
    cols: int,
    window: tuple[int, int, int, int],
    turns: tuple[bool, bool],
    begins: Indices,
    drift: float,
    pixel_m: float,
    radius_m: float,
    level_m: float,
    observers_m: Floats,
    range_m: tuple[float, float],
    tilts: Floats,
    first: int,
    azimuth: int,
    out: Floats,
) -> None:
    """Horizon of the cells of a window along one azimuth, towards growing rows.

    Parameters
    ----------
    pyramid : ndarray of float32, shape (n,)
        The buffer that `layout` describes, filled by `build`.
    geometry : tuple
        From `layout`.
    cols : int
        Columns of the grid.
    window : tuple of int
        Rows and columns of the observers: first and after the last.
    turns : tuple of bool
        Whether the rows of the grid are flipped and whether it is turned against `out`.
    begins : ndarray of int64
        Rows after which each level of the pyramid serves.
    drift : float
        Columns per row of the azimuth, -1 to 1.
    pixel_m, radius_m : float
        Size of a cell and radius of the sphere [m].
    level_m : float
        Height that was taken off the heights [m].
    observers_m : ndarray of float32, shape (n,)
        Heights of the observers above the ground [m]; 1 to `MASTS` of them.
    range_m : tuple of float
        Distances between which heights count [m]; the second is infinite for all of the grid.
    tilts : ndarray of float32
        Usual tangent of the horizon that each level makes; only accuracy depends on it.
    first, azimuth : int
        Where in `out` the first mast and the azimuth are.
    out : ndarray of float32, shape (masts, azimuths, rows, cols)
        Elevations [rad], written in place; -pi/2 where the ray meets no height.

    Notes
    -----
    Heights are mapped by zeta = R z / (R + z), which together with R tan(theta) along the ray is a projective map
    of the plane through the centre: lines of sight stay straight, so that tangents compare as on the sphere and
    the elevation follows exactly. Near the observer every crossing of a grid line counts; farther out a step joins
    2, 4, ... rows by the highest height above a tilted line.

    Examples
    --------
    See `moonpost.terrain.gridhorizon.horizon`.
    """
    stride, rows = geometry[0], geometry[2][0]
    step = pixel_m * math.sqrt(1.0 + drift * drift)
    length = rows_within(range_m[1], radius_m, step, rows, cols)
    nearest = range_m[0] / step - 1e-9
    reach = int(length)
    table = segments(rows, begins, math.ceil(nearest), reach)
    total = 64
    for s in range(table.shape[0]):
        total += table[s, 2] << table[s, 0]
    offsets, weights = np.empty(total, dtype=np.int64), np.empty(WEIGHTS * total, dtype=np.float32)
    starts, counts = np.empty(table.shape[0], dtype=np.int64), np.empty((table.shape[0], 1 << TOP), dtype=np.int64)
    samples = near_plan(drift, step, pixel_m, radius_m, level_m, stride, nearest, length, offsets, weights)
    far_plan(
        table,
        begins,
        drift,
        step,
        radius_m,
        level_m,
        stride,
        reach,
        samples[0] + samples[1] + samples[2] + samples[3],
        offsets,
        weights,
        starts,
        counts,
        tilts,
    )
    plan = (offsets, weights, starts, counts)
    masts = observers_m.size
    best = np.empty((1 if masts == 1 else MASTS, BLOCK, WIDTH), dtype=np.float32)
    lift, sight = np.empty_like(best), np.empty_like(best)
    found, lifts, eyes = best.ravel(), lift.ravel(), sight.ravel()
    sphere, datum = np.float32(radius_m), np.float32(level_m)
    for span in range(window[2], window[3], SPAN):
        for top in range(window[0], window[1], BLOCK):
            high = min(BLOCK, window[1] - top)
            for col in range(span, min(span + SPAN, window[3]), WIDTH):
                place = (top, high, col, _limit(drift, col, rows, cols))
                for mast in range(masts):
                    _fetch(place, window, turns[0], turns[1], out[first + mast, azimuth])
                found[:] = ABSENT
                for k in range(high):
                    here = (1 + top + k) * stride + PAD + col
                    for mast in range(best.shape[0]):
                        eye = observers_m[min(mast, masts - 1)]
                        _eyes(pyramid[here : here + WIDTH], eye, sphere, datum, lift[mast, k], sight[mast, k])
                _near_steps(pyramid, stride, plan, samples, place, found, lifts, eyes)
                _far_steps(pyramid, geometry, table, plan, place, found, eyes)
                for mast in range(masts):
                    eye = observers_m[mast]
                    for k in range(high):
                        here = (1 + top + k) * stride + PAD + col
                        _angles(best[mast, k], pyramid[here : here + WIDTH], eye, sphere, datum, sight[mast, k])
                    _write(sight[mast], place, window, turns[0], turns[1], out[first + mast, azimuth])
