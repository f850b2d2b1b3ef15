"""Compiled loops behind permanent shadow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["highest_margin"]


@njit(cache=True, nogil=True)
def highest_margin(horizons: Any, tops: Any, rows: Any, cols: Any, unit: Any, out: Any) -> None:
    """Highest elevation of the Sun's limb over horizons (azimuths, rows, cols), whose unit is given [deg].

    The limb is bilinear between nodes, of which `rows` and `cols` are the cells; NaN is passed over.
    """
    for k in range(horizons.shape[0]):
        block = 0
        for i in range(out.shape[0]):
            while block < len(rows) - 2 and i > rows[block + 1]:
                block += 1
            down = np.float32((i - rows[block]) / max(rows[block + 1] - rows[block], 1))
            for part in range(len(cols) - 1):
                left = tops[k, block, part] * (np.float32(1.0) - down) + tops[k, block + 1, part] * down
                right = tops[k, block, part + 1] * (np.float32(1.0) - down) + tops[k, block + 1, part + 1] * down
                step = np.float32((right - left) / max(cols[part + 1] - cols[part], 1))
                _span(horizons[k, i], out[i], cols[part], cols[part + 1], left, step, unit)


@njit(cache=True, nogil=True)
def _span(horizon: Any, out: Any, first: int, last: int, left: Any, step: Any, unit: Any) -> None:
    """The cells between two nodes of a row."""
    for j in range(first, min(last + 1, len(out))):
        over = left + step * np.float32(j - first) - unit * np.float32(horizon[j])
        if over > out[j]:
            out[j] = over
