"""Statistics of samples in buckets of time, at widths that grow by eight, so that long ranges read fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.rows import Rows

__all__ = ["Level", "bucket_rows", "build_levels", "merge_buckets"]

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
_FEWEST = 32
_STEP = 3


@dataclass(frozen=True)
class Level:
    """One width of buckets within a table of levels.

    Parameters
    ----------
    exponent : int
        Width of a bucket as a power of two of microseconds.
    begin, end : int
        First column of the level in the table, and the one after its last.
    """

    exponent: int
    begin: int
    end: int


def _begins(bucket: _Ints) -> _Ints:
    """Where each bucket begins, and the number of rows."""
    changes = np.flatnonzero(np.diff(bucket)) + 1
    return np.concatenate([[0], changes, [bucket.size]]) if bucket.size else np.zeros(1, np.int64)


def bucket_rows(time_us: _Ints, values: npt.NDArray[np.generic], exponent: int) -> tuple[_Ints, _Floats]:
    """Statistics of samples in buckets.

    Parameters
    ----------
    time_us : ndarray of int64, (n,)
        Times in order.
    values : ndarray, (n,)
        Samples; NaN is none.
    exponent : int
        Width of a bucket as a power of two of microseconds.

    Returns
    -------
    bucket : ndarray of int64, (m,)
        Numbers of the buckets that hold rows: time divided by width, rounded down.
    statistics : ndarray of float64, (5, m)
        Count, minimum, maximum, sum and the rounding rest of the sum.
    """
    from moonpost.control.archive.kernels import bucket_statistics

    bucket = time_us >> exponent
    begins = _begins(bucket)
    with np.errstate(invalid="ignore"):
        numbers = np.ascontiguousarray(values, np.float64)
    return bucket[begins[:-1]], bucket_statistics(numbers, begins)


def merge_buckets(bucket: _Ints, statistics: _Floats, by: int = 0) -> tuple[_Ints, _Floats]:
    """Bring buckets in order, those of one number together, at a width larger by a power of two.

    Parameters
    ----------
    bucket : ndarray of int64, (m,)
        Numbers of buckets, in any order.
    statistics : ndarray of float64, (5, m)
        Their statistics.
    by : int
        How many powers of two wider.

    Returns
    -------
    bucket : ndarray of int64, (k,)
    statistics : ndarray of float64, (5, k)
    """
    from moonpost.control.archive.kernels import merge_statistics

    wide = bucket >> by
    if np.any(np.diff(wide) < 0):
        order = np.argsort(wide, kind="stable")
        wide, statistics = wide[order], statistics[:, order]
    begins = _begins(wide)
    if begins.size - 1 == wide.size:
        return wide, np.array(statistics)
    return wide[begins[:-1]], merge_statistics(np.ascontiguousarray(statistics, np.float64), begins)


def build_levels(rows: Rows) -> tuple[list[Level], _Ints]:
    """Tables of statistics of all columns.

    Parameters
    ----------
    rows : Rows
        Rows in order.

    Returns
    -------
    levels : list of Level
        From narrow to wide, each eight times wider; none if there are few rows.
    table : ndarray of int64, (1 + 5 p, m)
        First row: numbers of the buckets. Then five for each of the p columns: bits of the float64 statistics.
    """
    from moonpost.control.archive.kernels import bucket_statistics, merge_statistics

    exponent = _first_exponent(rows.time_us)
    if exponent is None or not rows.columns:
        return [], np.empty((1 + 5 * len(rows.columns), 0), np.int64)
    bucket = rows.time_us >> exponent
    begins = _begins(bucket)
    bucket = bucket[begins[:-1]]
    levels, buckets, cuts = [Level(exponent, 0, bucket.size)], [bucket], [begins]
    while bucket.size > 2:
        cuts.append(_begins(bucket >> _STEP))
        bucket = (bucket >> _STEP)[cuts[-1][:-1]]
        buckets.append(bucket)
        levels.append(Level(levels[-1].exponent + _STEP, levels[-1].end, levels[-1].end + bucket.size))
    table = np.empty((1 + 5 * len(rows.columns), levels[-1].end), np.int64)
    table[0] = np.concatenate(buckets)
    numbers = np.empty(len(rows))
    for row, values in enumerate(rows.columns.values()):
        with np.errstate(invalid="ignore"):
            numbers[:] = values
        own = table[1 + 5 * row : 6 + 5 * row].view(np.float64)
        found = bucket_statistics(numbers, begins)
        own[:, : levels[0].end] = found
        for level, cut in zip(levels[1:], cuts[1:], strict=True):
            found = merge_statistics(found, cut)
            own[:, level.begin : level.end] = found
    return levels, table


def _first_exponent(time_us: _Ints) -> int | None:
    """The narrowest power of two whose buckets hold enough rows on average."""
    if time_us.size < 4 * _FEWEST:
        return None
    span_us = int(time_us[-1] - time_us[0])
    return max(0, int(span_us * _FEWEST // time_us.size).bit_length())
