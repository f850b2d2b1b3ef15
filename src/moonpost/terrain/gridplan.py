"""Samples of the rays along one azimuth: where they are, and the factors that make tangents of heights."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.gridlanes import WEIGHTS
from moonpost.terrain.gridpyramid import CLOSE_ROWS, TOP, split, tilt

__all__ = ["far_plan", "near_plan", "segments"]

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Table = NDArray[np.int64]

SIDE_ROWS = 20
"""Rows within which crossings of columns are looked at besides those of rows."""
QUARTERS = 4
"""Samples within the cell of the observer."""

_SNAP = 1e-4


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
def _near_weights(weights: Floats, entry: int, angle: float, part: float, radius: float, level: float) -> None:
    """Write the factors of one sample for `raise_near`."""
    weights[WEIGHTS * entry] = part
    weights[WEIGHTS * entry + 1] = 1.0 / (radius * math.tan(angle))
    weights[WEIGHTS * entry + 2] = -math.tan(0.5 * angle) * (1.0 - level / radius)


@njit(cache=True, nogil=True)
def near_plan(
    drift: float,
    step: float,
    pixel: float,
    radius: float,
    level: float,
    stride: int,
    nearest: float,
    reach: float,
    offsets: Indices,
    weights: Floats,
) -> tuple[int, int, int, int]:
    """Samples near the observer: quarter steps in the own cell, crossings of rows, of columns, these farther out.

    Returns how many there are of each.
    """
    entry = 0
    for quarter in range(1, QUARTERS + 1):
        along = 0.25 * quarter * pixel / step
        if along < nearest or along > reach:
            continue
        whole, part = split(drift * along)
        below = 0.0 if along > 1.0 - _SNAP else along
        offsets[entry] = whole + (0 if along <= 1.0 - _SNAP else stride)
        _near_weights(weights, entry, along * step / radius, part, radius, level)
        weights[WEIGHTS * entry + 3] = below
        weights[WEIGHTS * entry + 4] = part * below
        entry += 1
    cells = entry
    for row in range(1, min(CLOSE_ROWS, int(reach)) + 1):
        if row < nearest:
            continue
        whole, part = split(drift * row)
        offsets[entry] = row * stride + whole
        _near_weights(weights, entry, row * step / radius, part, radius, level)
        entry += 1
    crossed = entry
    closes = entry
    rate, way = abs(drift), 1 if drift > 0.0 else -1
    for col in range(1, int(rate * min(float(SIDE_ROWS), reach)) + 1):
        along = col / rate
        if along < nearest:
            continue
        whole, part = split(along)
        offsets[entry] = whole * stride + col * way
        if along <= CLOSE_ROWS:
            _near_weights(weights, entry, along * step / radius, part, radius, level)
            closes = entry + 1
        else:
            _far_weights(weights, entry, along * step / radius, part, radius, level)
        entry += 1
    return cells, crossed - cells, closes - crossed, entry - closes


@njit(cache=True, nogil=True)
def _begin(level: int, begins: Indices, nearest: int) -> int:
    """Last row that a level may leave to those below it: joined rows must not hold any nearer than allowed."""
    return max(begins[level], nearest - 2 + (1 << level))


@njit(cache=True, nogil=True)
def segments(rows: int, begins: Indices, nearest: int, reach: int) -> Table:
    """Level, last row before it and number of steps of each part of a ray."""
    table = np.empty((2 * TOP + 2, 3), dtype=np.int64)
    last = min(reach, rows - 1)
    n = 0
    for level in range(TOP + 1):
        size, before = 1 << level, _begin(level, begins, nearest)
        end = last + size if level == TOP else _begin(level + 1, begins, nearest)
        count = (max(0, end - before) + size - 1) // size
        table[n, 0], table[n, 1], table[n, 2] = level, before, count + 1 if count > 0 and level else count
        n += 1
        if end >= last:
            break
    if reach <= rows - 1:
        before = table[n - 1, 1]
        for down in range(table[n - 1, 0] - 1, -1, -1):
            before = max(before, reach - (2 << down))
            table[n, 0], table[n, 1], table[n, 2] = down, before, 5
            n += 1
    return table[:n]


@njit(cache=True, nogil=True)
def far_plan(
    table: Table,
    begins: Indices,
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
                whole, part = split(drift * row)
                angle = min((row + 0.5 * (size - 1)) * step / radius, 1.5)
                offsets[entry] = (block + e) * stride + whole
                _far_weights(weights, entry, angle, part, radius, level_m)
                middle = angle * radius
                weights[WEIGHTS * entry + 4] = (1.0 - part) * step / middle
                weights[WEIGHTS * entry + 5] = part * step / middle
                weights[WEIGHTS * entry + 6] = tilt(level, begins, step, radius, tilts) - middle / radius
                entry += 1
