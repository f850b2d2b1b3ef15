"""Compiled loops of the residence table: build it once, look up every cell."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["accumulate", "look_up"]


@njit(cache=True, nogil=True)
def accumulate(azimuth_turn, elevation, radius, first, step, rows, table):  # type: ignore[no-untyped-def]
    """Add every sample to its azimuth bin.

    Angles share one unit. ``azimuth_turn`` is in turns, 0 to below 1. ``table`` (bins, rows, 2) takes the fraction
    of the disc above each elevation, and its first moment across the bin.
    """
    bins = table.shape[0]
    for k in range(azimuth_turn.size):
        place = azimuth_turn[k] * bins
        b = min(int(place), bins - 1)
        offset = place - b - 0.5
        for i in range(rows):
            x = (elevation[k] - (first + i * step)) / radius[k]
            if x <= -1.0:
                break
            if x >= 1.0:
                table[b, i, 0] += 1.0
            else:
                root = math.sqrt(1.0 - x * x)
                table[b, i, 0] += 0.5 + (x * root + math.asin(x)) / math.pi
                table[b, i, 1] -= offset * 2.0 / math.pi * root / radius[k]


@njit(cache=True, nogil=True, fastmath={"contract", "arcp", "nsz", "reassoc"})
def look_up(horizons, tilt, waves, first, step, table, out):  # type: ignore[no-untyped-def]
    """Sum the table along each horizon.

    ``horizons`` (cells, bins) float32; ``tilt`` (cells, 2) float32, by which the cell's vertical leans from the
    table's; ``waves`` (2, bins) cosine and sine of the azimuths;
    ``table`` (bins, rows, 2) float32; ``out`` (cells,).
    """
    cells, bins = horizons.shape
    rows = table.shape[1]
    top = np.float32(rows - 1.001)
    scale = np.float32(1.0 / step)
    low = np.float32(first)
    half = np.float32(0.5)
    zero = np.float32(0.0)
    seen = np.empty(bins + 1, np.float32)
    for c in range(cells):
        for a in range(bins):
            seen[a] = horizons[c, a] - tilt[c, 0] * waves[0, a] - tilt[c, 1] * waves[1, a]
        seen[bins] = seen[0]
        total = zero
        for a in range(bins):
            u = min(max((half * (seen[a] + seen[a + 1]) - low) * scale, zero), top)
            i = np.int32(u)
            w = u - np.float32(i)
            level = table[a, i, 0] + w * (table[a, i + 1, 0] - table[a, i, 0])
            moment = table[a, i, 1] + w * (table[a, i + 1, 1] - table[a, i, 1])
            total += level + (seen[a + 1] - seen[a]) * moment
        out[c] = total
