"""Compiled loops of maps: how long, over a tile's horizons, a moving point is in sight."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["passes", "tracked"]

ABSENT = -32768
_CENTI = 0.01


@njit(cache=True, nogil=True)
def _row(horizons, c, row):  # type: ignore[no-untyped-def]
    """Copy a cell's horizon [deg] into a row that closes on itself."""
    bins = horizons.shape[0]
    for a in range(bins):
        row[a] = _CENTI * horizons[a, c]
    row[bins] = row[0]


@njit(cache=True, nogil=True)
def _margin(row, place, elevation, lean_top, lean_right):  # type: ignore[no-untyped-def]
    """How far a point stands above the horizon of a cell [deg]; ``place`` is its azimuth in bins."""
    bins = row.size - 1
    a = min(int(place), bins - 1)
    line = row[a] + (row[a + 1] - row[a]) * (place - a)
    angle = 2.0 * math.pi * place / bins
    return elevation + lean_top * math.cos(angle) + lean_right * math.sin(angle) - line


@njit(cache=True, nogil=True)
def _add(state, begin, end):  # type: ignore[no-untyped-def]
    """Take a time in sight into (total, longest gap, end of the last)."""
    if end > begin:
        state[0] += end - begin
        state[1] = max(state[1], begin - state[2])
        state[2] = end


@njit(cache=True, nogil=True)
def passes(horizons, tilt, place, elevation, windows, edges, bounds, length, out):  # type: ignore[no-untyped-def]
    """Follow a far point that can be used in certain windows only over the horizons of cells.

    ``place`` azimuths in bins of the horizons, and ``elevation`` [deg] (n,), at samples in order of time.
    ``windows`` (w, 2) first and last sample of each window. ``edges`` (n,) time of each sample [s], with the first
    and last of a window at the window's own ends. ``bounds`` (w, 4) lowest and highest elevation and first and
    last bin of the point in it (the last may exceed the number of bins). ``length`` of the period [s]. ``out``
    (cells, 2) takes the fraction of the period in sight, and the longest gap [s].
    """
    bins, cells = horizons.shape
    row = np.empty(bins + 1)
    state = np.empty(3)
    for c in range(cells):
        if horizons[0, c] == ABSENT:
            out[c, :] = np.nan
            continue
        _row(horizons, c, row)
        state[:] = 0.0
        lean = math.hypot(tilt[c, 0], tilt[c, 1])
        for w in range(windows.shape[0]):
            low, high = row[int(bounds[w, 2]) % bins], row[int(bounds[w, 2]) % bins]
            for a in range(int(bounds[w, 2]) + 1, int(bounds[w, 3]) + 2):
                low, high = min(low, row[a % bins]), max(high, row[a % bins])
            first, last = windows[w, 0], windows[w, 1]
            if bounds[w, 0] - lean > high:
                _add(state, edges[first], edges[last])
            elif bounds[w, 1] + lean > low:
                _follow(row, tilt[c], place, elevation, edges, first, last, state)
        out[c, 0] = state[0] / length
        out[c, 1] = max(state[1], length - state[2])


@njit(cache=True, nogil=True)
def _follow(row, lean, place, elevation, edges, first, last, state):  # type: ignore[no-untyped-def]
    """Find the times in sight within a window, straight between its samples."""
    before = _margin(row, place[first], elevation[first], lean[0], lean[1])
    begin = edges[first]
    for k in range(first + 1, last + 1):
        now = _margin(row, place[k], elevation[k], lean[0], lean[1])
        if (before > 0.0) != (now > 0.0):
            cross = edges[k - 1] + (edges[k] - edges[k - 1]) * before / (before - now)
            if before > 0.0:
                _add(state, begin, cross)
            begin = cross
        before = now
    if before > 0.0:
        _add(state, begin, edges[last])


@njit(cache=True, nogil=True)
def tracked(horizons, places, axes, positions, seconds, out):  # type: ignore[no-untyped-def]
    """Follow near points, such as orbiters, over the horizons of cells; any of them in sight counts.

    ``places`` (cells, 3) eyes [m]; ``axes`` (cells, 3, 3) rows right, top, up of the map there; ``positions``
    (points, n, 3) [m]; ``seconds`` (n,) growing. ``out`` (cells, 2) takes the fraction of the time in sight and
    the longest gap [s].
    """
    bins, cells = horizons.shape
    row = np.empty(bins + 1)
    state = np.empty(3)
    length = seconds[-1] - seconds[0]
    for c in range(cells):
        if horizons[0, c] == ABSENT:
            out[c, :] = np.nan
            continue
        _row(horizons, c, row)
        state[0], state[1], state[2] = 0.0, 0.0, seconds[0]
        before = _best(row, places[c], axes[c], positions, 0)
        begin = seconds[0]
        for k in range(1, seconds.size):
            now = _best(row, places[c], axes[c], positions, k)
            if (before > 0.0) != (now > 0.0):
                cross = seconds[k - 1] + (seconds[k] - seconds[k - 1]) * before / (before - now)
                if before > 0.0:
                    _add(state, begin, cross)
                begin = cross
            before = now
        if before > 0.0:
            _add(state, begin, seconds[-1])
        out[c, 0] = state[0] / length
        out[c, 1] = max(state[1], seconds[-1] - state[2])


@njit(cache=True, nogil=True)
def _best(row, eye, axes, positions, k):  # type: ignore[no-untyped-def]
    """Highest margin of the points above the horizon at one instant [deg]."""
    bins = row.size - 1
    best = -180.0
    for p in range(positions.shape[0]):
        dx, dy, dz = positions[p, k, 0] - eye[0], positions[p, k, 1] - eye[1], positions[p, k, 2] - eye[2]
        right = dx * axes[0, 0] + dy * axes[0, 1] + dz * axes[0, 2]
        top = dx * axes[1, 0] + dy * axes[1, 1] + dz * axes[1, 2]
        up = dx * axes[2, 0] + dy * axes[2, 1] + dz * axes[2, 2]
        elevation = math.degrees(math.atan2(up, math.hypot(right, top)))
        if elevation <= best - 90.0:
            continue
        place = (math.atan2(right, top) / (2.0 * math.pi) % 1.0) * bins
        a = min(int(place), bins - 1)
        margin = elevation - (row[a] + (row[a + 1] - row[a]) * (place - a))
        best = max(best, margin)
    return best
