"""Fewer stretches for slowly changing series; imported only where it runs, because compiling costs time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["thin"]


@njit(cache=True, nogil=True)
def _narrow(rows: Any, allowed: Any, low: Any, high: Any, first: int, to: int) -> int:
    """Narrow the slopes from one value so that they also pass another; 0: no slope does, 2: nothing changes."""
    far, found = to - first, 2
    for row in range(rows.shape[0]):
        off = rows[row, to] - rows[row, first]
        low[row] = max(low[row], (off - allowed[row]) / far)
        high[row] = min(high[row], (off + allowed[row]) / far)
        if low[row] > high[row]:
            return 0
        if off != 0.0:
            found = 1
    return found


@njit(cache=True, nogil=True)
def _last(
    means: Any, points: Any, allowed_means: Any, allowed_points: Any, limit: Any, cuts: Any, shortest: int, i: int
) -> int:
    """Where the stretch that begins at a step ends."""
    low, high = -limit, limit.copy()
    below, above = np.full(points.shape[0], -np.inf), np.full(points.shape[0], np.inf)
    _narrow(points, allowed_points, below, above, i, i + 1)
    j, same = i + 1, True
    while j < means.shape[1] and not cuts[j]:
        fits = _narrow(means, allowed_means, low, high, i, j)
        if fits > 0:
            fits = min(fits, _narrow(points, allowed_points, below, above, i, j + 1))
        if fits == 0:
            break
        same = same and fits == 2
        j += 1
    return j if same or j - i >= shortest else i + 1


@njit(cache=True, nogil=True)
def thin(
    means: Any, points: Any, allowed_means: Any, allowed_points: Any, stairs: float, cuts: Any, shortest: int
) -> Any:
    """Join steps while straight lines follow every series.

    Parameters
    ----------
    means : ndarray, (c, n)
        Series that are means of steps.
    points : ndarray, (d, n + 1)
        Series at the ends of steps, linear between them.
    allowed_means, allowed_points : ndarray, (c,) and (d,)
        How far a line may be off.
    stairs : float
        Most change of a mean within one step that a line may stand for, over its allowed error.
    cuts : ndarray of bool, (n,)
        Where a new stretch has to begin.
    shortest : int
        Fewest steps that are joined unless all values are the same.

    Returns
    -------
    ndarray of int, (m,)
        First step of each stretch.

    Examples
    --------
    >>> none = np.zeros((0, 5))
    >>> thin(np.array([[1.0, 1.0, 1.0, 5.0]]), none, np.array([0.1]), np.zeros(0), 1.0, np.zeros(4, np.bool_), 4)
    array([0, 3])
    """
    count = cuts.size
    starts = np.empty(count, np.int64)
    limit = stairs * allowed_means
    found, i = 0, 0
    while i < count:
        starts[found] = i
        found += 1
        i = _last(means, points, allowed_means, allowed_points, limit, cuts, shortest, i)
    return starts[:found].copy()
