"""UTC times: any usual way to write a date becomes a ``datetime64[ms]`` array."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError

__all__ = ["TimeLike", "as_utc", "iso", "times"]

TimeLike = str | dt.date | np.datetime64 | npt.ArrayLike
"""What stands for UTC instants: ISO text, `datetime`, `date`, `datetime64`, or a sequence of them."""

_MOST_STEPS = 50_000_000
_HOW = "write it like 2030-01-01T00:00Z, or pass a datetime or a numpy datetime64"


def as_utc(t: TimeLike) -> npt.NDArray[np.datetime64]:
    """Turn any usual way to write instants into a UTC ``datetime64[ms]`` array.

    Parameters
    ----------
    t : str, datetime, date, datetime64, or array-like of them
        Instants. Text is ISO 8601, with or without a time of day, with an optional ``Z`` or an offset such
        as ``+08:00``; without an offset it is UTC. A `datetime` with a time zone is converted, one without
        is UTC. A `datetime64` is UTC.

    Returns
    -------
    ndarray of datetime64[ms]
        UTC, of the shape of `t` (a single instant gives an array without dimensions), rounded to 1 ms.

    Raises
    ------
    DateError
        If a text cannot be read as a date, a date is not a time (NaT) or its year is not 1 to 9999.
    InputError
        If `t` holds numbers or other things that are not dates.

    Notes
    -----
    Leap seconds themselves (23:59:60) cannot be written in ``datetime64`` and are refused.

    Examples
    --------
    >>> print(as_utc("2019-01-03T10:26+08:00"))
    2019-01-03T02:26:00.000
    >>> as_utc(["2030-01-01", "2030-01-01T06:30Z"]).astype(str).tolist()
    ['2030-01-01T00:00:00.000', '2030-01-01T06:30:00.000']
    """
    try:
        values = np.asarray(t)
    except (ValueError, TypeError) as error:
        raise InputError(f"not an array of dates: {error}", where="t", advice=_HOW) from error
    if values.dtype.kind == "M":
        return _milliseconds(values)
    if values.dtype.kind in "OUST":
        flat = [_instant(item) for item in values.ravel().tolist()]
        return _milliseconds(np.array(flat, dtype="datetime64[us]").reshape(values.shape))
    if values.size == 0:
        return np.empty(values.shape, dtype="datetime64[ms]")
    raise InputError(f"{_short(t)} is not a date", where="t", advice=_HOW)


def times(start: TimeLike, stop: TimeLike, step_s: float) -> npt.NDArray[np.datetime64]:
    """Make evenly spaced UTC times from `start` up to, not including, `stop`.

    Parameters
    ----------
    start, stop : str, datetime, date or datetime64
        First time, and the end that is not reached.
    step_s : float
        Spacing [s], at least 0.001.

    Returns
    -------
    ndarray of datetime64[ms], shape (n,)
        UTC times, each rounded to 1 ms from ``start + i * step_s`` so that rounding does not add up.

    Raises
    ------
    DateError
        If a date cannot be read or `stop` does not lie after `start`.
    InputError
        If `step_s` is not a number of at least 0.001, or more than 50 million times would result.

    Notes
    -----
    The step is counted on the UTC calendar: across a leap second one step lasts a second longer.

    Examples
    --------
    >>> t = times("2030-01-01", "2031-01-01", step_s=3600)
    >>> len(t), str(t[-1])
    (8760, '2030-12-31T23:00:00.000')
    """
    first, last = _single(start, "start"), _single(stop, "stop")
    if last <= first:
        raise DateError(f"stop {iso(last)} is not after start {iso(first)}", where="times", advice="swap them")
    try:
        step_ms = 1000.0 * float(step_s)
    except (TypeError, ValueError) as error:
        raise InputError(f"{_short(step_s)} is not a number", where="step_s", advice="give seconds") from error
    if not (np.isfinite(step_ms) and step_ms >= 1.0):
        raise InputError(f"{step_s!r} is not a usable step", where="step_s", advice="give seconds, 0.001 or more")
    span_ms = float((last - first) / np.timedelta64(1, "ms"))
    count = int(np.ceil(span_ms / step_ms))
    if count > _MOST_STEPS:
        raise InputError(f"{count} times would be made", where="times", advice="use a longer step")
    offsets = np.rint(np.arange(count) * step_ms).astype("timedelta64[ms]")
    made = first + offsets
    return made[made < last]


def iso(t: np.datetime64 | npt.NDArray[np.datetime64]) -> str:
    """Write one instant as ISO 8601 with a ``Z``, without needless decimals.

    Parameters
    ----------
    t : datetime64
        One UTC instant.

    Returns
    -------
    str
        Text such as ``2030-01-01T06:30:00Z``; ``NaT`` for not a time.

    Examples
    --------
    >>> iso(np.datetime64("2030-01-01T06:30"))
    '2030-01-01T06:30:00Z'
    """
    text = str(np.asarray(t).astype("datetime64[ms]"))
    return text if text == "NaT" else text.removesuffix(".000") + "Z"


def _single(t: TimeLike, where: str) -> np.datetime64:
    """Return one instant as datetime64[ms], or say which argument is not one."""
    values = as_utc(t)
    if values.size != 1:
        raise InputError(f"{values.size} dates where one is needed", where=where, advice=_HOW)
    return values.reshape(-1)[0]


def _milliseconds(values: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Check and round datetime64 of any unit to milliseconds."""
    if np.isnat(values).any():
        raise DateError("not a time (NaT)", where="t", advice=_HOW)
    years = values.astype("datetime64[Y]").astype(np.int64) + 1970
    if ((years < 1) | (years > 9999)).any():
        raise DateError("a year outside 1 to 9999", where="t", advice=_HOW)
    unit = np.datetime_data(values.dtype)[0]
    if unit in ("us", "ns", "ps", "fs", "as"):
        return (values.astype("datetime64[us]") + np.timedelta64(500, "us")).astype("datetime64[ms]")
    return values.astype("datetime64[ms]")


def _instant(item: Any) -> np.datetime64:
    """Read one object as a UTC instant in microseconds."""
    if isinstance(item, np.datetime64):
        return item.astype("datetime64[us]")
    if isinstance(item, bytes):
        item = item.decode("ascii", "replace")
    if isinstance(item, str):
        try:
            item = dt.datetime.fromisoformat(item.strip())
        except ValueError as error:
            raise DateError(f"cannot read {item!r} as a date", where="t", advice=_HOW) from error
    if isinstance(item, dt.datetime):
        if item.tzinfo is not None:
            item = item.astimezone(dt.UTC).replace(tzinfo=None)
        return np.datetime64(item, "us")
    if isinstance(item, dt.date):
        return np.datetime64(item, "us")
    raise InputError(f"{_short(item)} is not a date", where="t", advice=_HOW)


def _short(value: object) -> str:
    """Show a value in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
