"""Compiled loops behind permanent shadow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["NO_HORIZON", "margin_centidegrees", "margin_degrees"]

NO_HORIZON = -32768
"""What stands for "no height" among horizons in hundredths of a degree."""


@njit(cache=True, nogil=True)
def margin_centidegrees(horizons: Any, tops: Any, rows: Any, cols: Any, out: Any) -> None:
    """Highest elevation of the Sun's limb over the horizon [deg], horizons in hundredths of a degree."""
    for k in range(horizons.shape[0]):
        _azimuth(horizons[k], tops[k], rows, cols, np.float32(0.01), out)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(horizons.shape[0]):
                if horizons[k, i, j] == NO_HORIZON:
                    out[i, j] = np.nan
                    break


@njit(cache=True, nogil=True)
def margin_degrees(horizons: Any, tops: Any, rows: Any, cols: Any, out: Any) -> None:
    """Highest elevation of the Sun's limb over the horizon [deg], horizons in degrees."""
    for k in range(horizons.shape[0]):
        _azimuth(horizons[k], tops[k], rows, cols, np.float32(1.0), out)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(horizons.shape[0]):
                if np.isnan(horizons[k, i, j]):
                    out[i, j] = np.nan
                    break


@njit(cache=True, nogil=True)
def _azimuth(horizon: Any, tops: Any, rows: Any, cols: Any, unit: Any, out: Any) -> None:
    """One azimuth of a tile: the limb bilinear between nodes, of which `rows` and `cols` are the cells."""
    block = 0
    for i in range(out.shape[0]):
        while block < len(rows) - 2 and i > rows[block + 1]:
            block += 1
        down = np.float32((i - rows[block]) / max(rows[block + 1] - rows[block], 1.0))
        for part in range(len(cols) - 1):
            first, last = int(np.ceil(cols[part])), int(np.floor(cols[part + 1]))
            left = tops[block, part] * (np.float32(1.0) - down) + tops[block + 1, part] * down
            right = tops[block, part + 1] * (np.float32(1.0) - down) + tops[block + 1, part + 1] * down
            step = np.float32((right - left) / max(cols[part + 1] - cols[part], 1.0))
            start = np.float32(left - step * cols[part])
            for j in range(first, min(last + 1, out.shape[1])):
                over = start + step * np.float32(j) - unit * np.float32(horizon[i, j])
                out[i, j] = max(out[i, j], over)
