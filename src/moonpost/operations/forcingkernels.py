"""Fewer stretches for slowly changing series; imported only where it runs, because compiling costs time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["thin"]


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
    count = means.shape[1]
    starts = np.empty(count, np.int64)
    found, i = 0, 0
    low, high = np.empty(means.shape[0]), np.empty(means.shape[0])
    below, above = np.empty(points.shape[0]), np.empty(points.shape[0])
    while i < count:
        starts[found] = i
        found += 1
        for c in range(means.shape[0]):
            low[c], high[c] = -stairs * allowed_means[c], stairs * allowed_means[c]
        for c in range(points.shape[0]):
            below[c], above[c] = -np.inf, np.inf
            if points.shape[1] > i + 1:
                slope = points[c, i + 1] - points[c, i]
                below[c], above[c] = slope - allowed_points[c], slope + allowed_points[c]
        j = i + 1
        same = True
        while j < count and not cuts[j]:
            fits, equal = True, same
            far = j - i
            for c in range(means.shape[0]):
                off = means[c, j] - means[c, i]
                equal = equal and off == 0.0
                low_new = max(low[c], (off - allowed_means[c]) / far)
                high_new = min(high[c], (off + allowed_means[c]) / far)
                if low_new > high_new:
                    fits = False
                    break
            if fits:
                for c in range(points.shape[0]):
                    off = points[c, j + 1] - points[c, i]
                    slope = off / (far + 1)
                    equal = equal and slope == 0.0
                    if not below[c] <= slope <= above[c]:
                        fits = False
                        break
            if not fits:
                break
            same = equal
            for c in range(means.shape[0]):
                off = means[c, j] - means[c, i]
                low[c] = max(low[c], (off - allowed_means[c]) / far)
                high[c] = min(high[c], (off + allowed_means[c]) / far)
            for c in range(points.shape[0]):
                off = points[c, j + 1] - points[c, i]
                below[c] = max(below[c], (off - allowed_points[c]) / (far + 1))
                above[c] = min(above[c], (off + allowed_points[c]) / (far + 1))
            j += 1
        if j - i < shortest and not same:
            j = i + 1
        i = j
    return starts[:found].copy()
