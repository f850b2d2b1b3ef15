"""Windows of time: cut, joined, and their next begin and end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.sky.times import TimeLike, as_utc, iso

__all__ = ["Window", "cut", "instant", "milliseconds", "next_turns", "period_of"]

Times = npt.NDArray[np.datetime64]
Window = tuple[np.datetime64, np.datetime64]
"""Begin and end of something, UTC."""

_SECOND = np.timedelta64(1000, "ms")
_MOST_MS = 8.64e15


def milliseconds(t: np.datetime64) -> int:
    """Write an instant as milliseconds since 1970, as browsers count.

    Parameters
    ----------
    t : datetime64
        UTC.

    Returns
    -------
    int
        [ms]

    Examples
    --------
    >>> milliseconds(np.datetime64("2035-01-01"))
    2051222400000
    """
    return int(t.astype("datetime64[ms]").astype(np.int64))


def instant(ms: float, where: str) -> np.datetime64:
    """Read milliseconds since 1970 as an instant.

    Parameters
    ----------
    ms : float
        [ms]
    where : str
        What it is, for the error.

    Returns
    -------
    datetime64[ms]

    Raises
    ------
    InputError
        If it is no number that a browser could mean.

    Examples
    --------
    >>> str(instant(2051222400000, "start_ms"))
    '2035-01-01T00:00:00.000'
    """
    if not -_MOST_MS <= ms <= _MOST_MS:
        raise InputError(f"is {ms!r}", where=where, advice="give milliseconds since 1970-01-01T00:00Z")
    return np.datetime64(round(ms), "ms")


def period_of(start: TimeLike, stop: TimeLike) -> Window:
    """Read both ends of a period.

    Parameters
    ----------
    start, stop : str, datetime or datetime64
        UTC.

    Returns
    -------
    pair of datetime64[ms]

    Raises
    ------
    DateError
        If a date cannot be read, or the period is empty.

    Examples
    --------
    >>> [str(end)[:10] for end in period_of("2035-01-01", "2035-01-03")]
    ['2035-01-01', '2035-01-03']
    """
    first, last = as_utc(start).reshape(-1)[0], as_utc(stop).reshape(-1)[0]
    if not last > first:
        raise DateError(f"{iso(last)} is not after {iso(first)}", where="period", advice="give a later end")
    return first, last


def cut(windows: Iterable[Window], first: np.datetime64, last: np.datetime64) -> tuple[Window, ...]:
    """Cut windows to a period, in order, those that meet within a second joined.

    Parameters
    ----------
    windows : iterable of pairs of datetime64
        In any order.
    first, last : datetime64
        The period.

    Returns
    -------
    tuple of pairs of datetime64

    Examples
    --------
    >>> day = np.datetime64("2035-01-01", "ms") + np.arange(5) * np.timedelta64(1, "D")
    >>> [(str(a)[:10], str(b)[:10]) for a, b in cut([(day[0], day[2]), (day[1], day[3])], day[1], day[4])]
    [('2035-01-02', '2035-01-04')]
    """
    joined: list[Window] = []
    for begin, end in sorted((max(a, first), min(b, last)) for a, b in windows if b > first and a < last):
        if joined and begin <= joined[-1][1] + _SECOND:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return tuple(joined)


def next_turns(
    windows: Iterable[Window], moment: np.datetime64, horizon: np.datetime64
) -> tuple[bool, np.datetime64 | None, np.datetime64 | None]:
    """Tell whether a moment lies in a window, and when windows next begin and end.

    Parameters
    ----------
    windows : iterable of pairs of datetime64
        In order.
    moment, horizon : datetime64
        From when, and until when windows are known: an end there is none.

    Returns
    -------
    inside : bool
    begins, ends : datetime64 or None

    Examples
    --------
    >>> day = np.datetime64("2035-01-01", "ms") + np.arange(5) * np.timedelta64(1, "D")
    >>> inside, begins, ends = next_turns([(day[0], day[2])], day[1], day[4])
    >>> inside, begins, str(ends)[:10]
    (True, None, '2035-01-03')
    """
    rows = list(windows)
    inside = any(bool(a <= moment < b) for a, b in rows)
    begins = next((a for a, _ in rows if a > moment), None)
    ends = next((b for _, b in rows if moment < b < horizon), None)
    return inside, begins, ends
