"""Blocks of cells: which ones places need, and their means."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_means", "span"]


def span(places: NDArray[np.float64], step: int, count: int) -> tuple[int, int]:
    """First cell and cell after the last of the blocks that bilinear heights at places need.

    Parameters
    ----------
    places : ndarray, shape (n,)
        Coordinates in cells; 0 is the centre of the first cell.
    step : int
        Cells in a block, counted from the first cell.
    count : int
        Number of cells.

    Returns
    -------
    tuple of int
        Whole blocks, but for the last of all, with at least one cell.

    Examples
    --------
    >>> span(np.array([17.2, 30.0]), 4, 100)
    (12, 36)
    """
    first = (math.floor(places.min()) // step - 1) * step
    last = (math.floor(places.max()) // step + 2) * step
    first = min(max(first, 0), (count - 1) // step * step)
    return first, max(min(last, count), first + 1)


def block_means(heights: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Means of blocks of cells.

    Parameters
    ----------
    heights : ndarray of float32, shape (rows, cols)
        Heights [m]; NaN where there is none.
    step : int
        Rows and columns in a block.

    Returns
    -------
    ndarray of float32
        Means [m], also of the smaller blocks at the end; NaN where less than half a block has a height.

    Examples
    --------
    >>> block_means(np.array([[1.0, 3.0, np.nan]], dtype=np.float32), 2)
    array([[ 2., nan]], dtype=float32)
    """
    if step == 1:
        return heights
    rows, cols = (-(-size // step) for size in heights.shape)
    padded = np.full((rows * step, cols * step), np.nan, dtype=np.float32)
    padded[: heights.shape[0], : heights.shape[1]] = heights
    blocks = padded.reshape(rows, step, cols, step)
    known = ~np.isnan(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, np.float32(0.0)).sum(axis=(1, 3), dtype=np.float64)
    return np.where(2 * count >= step * step, total / np.maximum(count, 1), np.nan).astype(np.float32)
