"""What drives a bus, as few stretches in each of which every series is a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["Forcing", "thinned"]

_Floats = npt.NDArray[np.float64]
_SHORTEST = 4
_STAIRS = 100.0


@dataclass(frozen=True, eq=False)
class Forcing:
    """Series that are straight lines in each stretch of time.

    Parameters
    ----------
    edges_s : ndarray, (m + 1,)
        Ends of the stretches, from the start of the period [s].
    start : ndarray, (m, c)
        Values at the start of each stretch.
    per_s : ndarray, (m, c)
        Their change per second.

    Examples
    --------
    >>> thinned([np.ones(10)], [], 60.0).edges_s
    array([  0., 600.])
    """

    edges_s: _Floats
    start: _Floats
    per_s: _Floats

    @property
    def stretches(self) -> int:
        """How many stretches there are."""
        return int(self.start.shape[0])


def thinned(
    means: Sequence[_Floats],
    points: Sequence[_Floats],
    step_s: float,
    tolerance: float = 1e-4,
    cuts: npt.NDArray[np.bool_] | None = None,
    peaks: Sequence[float | None] | None = None,
) -> Forcing:
    """Join the steps of series into as few straight stretches as a tolerance allows.

    Parameters
    ----------
    means : sequence of ndarray, (n,)
        Series whose values are means of the steps, such as power. Their sum over each stretch is kept.
    points : sequence of ndarray, (n,)
        Series sampled at the starts of the steps and linear between them, such as the Sun's elevation; the last
        value holds to the end.
    step_s : float
        Step [s].
    tolerance : float
        How far a line may be off, over the peak of a series, 0 to below 1 [1]. With 0 only steps that are the
        same are joined.
    cuts : ndarray of bool, (n,), optional
        Steps at which a stretch has to begin.
    peaks : sequence of float or None, optional
        What to take as the peak of each series, the points after the means; the largest magnitude if None.

    Returns
    -------
    Forcing
        Columns in the order of the means, then of the points.

    Raises
    ------
    InputError
        If the series differ in length, or the tolerance is out of range.

    Notes
    -----
    A mean is followed by the line of least squares through the middles of its steps, which has the same integral;
    no step's mean is off by more than twice the tolerance, and no line stands for a change of more than a hundred
    tolerances within a step. A point series is cut at samples, and is off by no more than twice the tolerance.

    Examples
    --------
    >>> ramp = np.arange(1.0, 101.0)
    >>> found = thinned([ramp], [], 60.0, 1e-3)
    >>> found.stretches, round(float(found.start[0, 0]), 9)
    (1, 0.5)
    """
    rows = [*means, *points]
    if not rows:
        raise InputError("has no series", where="thinned", advice="give at least one")
    count = rows[0].size
    if any(row.shape != (count,) for row in rows):
        raise InputError("series differ in length", where="thinned", advice="sample all at the same times")
    if not 0.0 <= tolerance < 1.0:
        raise InputError(f"is {tolerance}", where="tolerance", advice="use a part of the peak from 0 to below 1")
    mean = np.ascontiguousarray(np.stack(means) if means else np.zeros((0, count)))
    point = np.stack([np.append(row, row[-1]) for row in points]) if points else np.zeros((0, count + 1))
    given = list(peaks) if peaks is not None else [None] * len(rows)
    peak = [float(np.abs(row).max()) if size is None else size for row, size in zip(rows, given, strict=True)]
    allowed = tolerance * np.array(peak)
    begins = np.zeros(count, dtype=np.bool_) if cuts is None else np.asarray(cuts, dtype=np.bool_).copy()
    from moonpost.operations.forcingkernels import thin

    split = len(means)
    first = thin(mean, point, allowed[:split], allowed[split:], _STAIRS, begins, _SHORTEST)
    edges = np.append(first, count)
    start, slope = np.empty((first.size, len(rows))), np.empty((first.size, len(rows)))
    for c, row in enumerate(mean):
        start[:, c], slope[:, c] = _lines(row, edges)
    for c, row in enumerate(point, split):
        start[:, c] = row[edges[:-1]]
        slope[:, c] = (row[edges[1:]] - row[edges[:-1]]) / np.diff(edges)
    return Forcing(edges * step_s, start, slope / step_s)


def _lines(row: _Floats, edges: npt.NDArray[np.int64]) -> tuple[_Floats, _Floats]:
    """Lines of least squares through the middles of the steps of stretches: values at starts, changes per step."""
    first, length = edges[:-1], np.diff(edges).astype(np.float64)
    totals = np.add.reduceat(row, first)
    mean = totals / length
    inside = (
        np.arange(row.size) - np.repeat(first, np.diff(edges)) - np.repeat(0.5 * (length - 1.0), np.diff(edges))
    )
    turning = np.add.reduceat((row - np.repeat(mean, np.diff(edges))) * inside, first)
    weight = length * (length**2 - 1.0) / 12.0
    slope = np.divide(turning, weight, out=np.zeros_like(turning), where=weight > 0.0)
    low = np.minimum.reduceat(row, first)
    # a line must not fall below zero where the series does not
    reach = 0.5 * length * np.abs(slope)
    keep = np.where(
        (low >= 0.0) & (reach > mean), np.divide(mean, reach, out=np.ones_like(mean), where=reach > 0.0), 1.0
    )
    slope = slope * np.minimum(keep, 1.0)
    same = np.maximum.reduceat(row, first) == low
    mean, slope = np.where(same, low, mean), np.where(same, 0.0, slope)
    return mean - 0.5 * length * slope, slope
