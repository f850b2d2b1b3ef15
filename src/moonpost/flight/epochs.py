"""Dates of messages to the nanosecond: TDB seconds into text of a time scale and back."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.sky.timescale import default_timescale

__all__ = ["MessageScale", "epoch_text", "parse_epochs", "tt_seconds", "whole_seconds"]

Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
MessageScale = Literal["UTC", "TDB", "TT", "TAI", "GPS"]
"""Time scale of a message."""

_J2000 = np.datetime64("2000-01-01T12:00:00.000", "ms")
_SECOND = np.timedelta64(1, "s")
_TT_MINUS_S = {"TT": 0.0, "TAI": 32.184, "GPS": 51.184}
_DATE = re.compile(
    r"(?P<year>\d{4})-(?:(?P<month>\d\d)-(?P<day>\d\d)|(?P<doy>\d{3}))"
    r"T(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?P<part>\.\d*)?Z?"
)


def epoch_text(tdb_s: npt.ArrayLike, scale: MessageScale = "TDB") -> list[str]:
    """Write instants as dates, with three decimals where that is exact and nine where not.

    Parameters
    ----------
    tdb_s : array_like, shape (n,)
        TDB since J2000 [s].
    scale : {"UTC", "TDB"}, default "TDB"
        Time scale of the dates.

    Returns
    -------
    list of str
        Such as ``2030-01-01T00:00:00.000``.

    Raises
    ------
    InputError
        If the scale is another.

    Examples
    --------
    >>> epoch_text([946728000.0, 946728000.0000001])
    ['2030-01-01T00:00:00.000', '2030-01-01T00:00:00.000000119']
    """
    seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
    if scale == "UTC":
        base = default_timescale().utc(seconds)
        rest_ns = np.rint(1e9 * (seconds - default_timescale().tdb_s(base))).astype(np.int64)
    elif scale == "TDB":
        whole = np.floor(seconds)
        base = _J2000 + whole.astype(np.int64) * _SECOND
        rest_ns = np.rint(1e9 * (seconds - whole)).astype(np.int64)
    else:
        raise InputError(f"{scale!r} is not written", where="scale", advice="give UTC or TDB")
    # A double near 1e9 s resolves 1.2e-7 s: what is within that of a millisecond is meant to be one.
    close = np.rint(rest_ns / 1e6) * 1e6
    rest_ns = np.where(np.abs(rest_ns - close) < 60, close, rest_ns).astype(np.int64)
    base = base + (rest_ns // 1_000_000).astype("timedelta64[ms]")
    rest_ns = rest_ns % 1_000_000
    texts = np.datetime_as_string(base, unit="ms").tolist()
    return [text if not rest else f"{text}{rest:06d}" for text, rest in zip(texts, rest_ns.tolist(), strict=True)]


def whole_seconds(tdb_s: Floats, scale: MessageScale = "TDB") -> Floats:
    """The nearest instants that are whole seconds of a time scale.

    Parameters
    ----------
    tdb_s : ndarray, shape (n,)
        TDB since J2000 [s].
    scale : {"UTC", "TDB"}, default "TDB"
        The time scale.

    Returns
    -------
    ndarray, shape (n,)
        TDB since J2000 [s].

    Examples
    --------
    >>> whole_seconds(np.array([12.3]))
    array([12.])
    """
    if scale != "UTC":
        rounded: Floats = np.rint(tdb_s)
        return rounded
    utc = default_timescale().utc(tdb_s)
    nearest = (utc + np.timedelta64(500, "ms")).astype("datetime64[s]").astype("datetime64[ms]")
    return default_timescale().tdb_s(nearest)


def parse_epochs(texts: list[str], scale: MessageScale = "TDB") -> Floats:
    """Read dates of messages, to the nanosecond.

    Parameters
    ----------
    texts : list of str
        Dates as ``2030-01-01T00:00:00.5`` or with the day of the year, ``2030-001T00:00:00.5``.
    scale : {"UTC", "TDB", "TT", "TAI", "GPS"}, default "TDB"
        Their time scale.

    Returns
    -------
    ndarray, shape (n,)
        TDB since J2000 [s].

    Raises
    ------
    DateError
        If a date cannot be read; `where` names its place in the list, from 0.
    InputError
        If the scale is another.

    Examples
    --------
    >>> parse_epochs(["2030-001T00:00:00", "2030-01-01T00:00:00.25"]).tolist()
    [946728000.0, 946728000.25]
    """
    if scale not in ("UTC", "TDB", *_TT_MINUS_S):
        raise InputError(f"{scale!r} is no time scale", where="scale", advice="give UTC, TDB, TT, TAI or GPS")
    base, rest = np.empty(len(texts), dtype="datetime64[ms]"), np.empty(len(texts))
    for k, text in enumerate(texts):
        base[k], rest[k] = _parsed(text, k, scale)
    if scale == "UTC":
        return default_timescale().tdb_s(base) + rest
    seconds = (base - _J2000) / _SECOND
    if scale == "TDB":
        return np.asarray(seconds + rest, dtype=np.float64)
    tt = seconds + _TT_MINUS_S[scale]
    near = default_timescale().utc(tt)
    return np.asarray(tt + (default_timescale().tdb_s(near) - default_timescale().tt_s(near)) + rest)


def _parsed(text: str, place: int, scale: str) -> tuple[np.datetime64, float]:
    """Whole second and what is left of it."""
    found = _DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day = np.datetime64(f"{found['year']}-{found['month'] or '01'}-{found['day'] or '01'}", "D")
        if found["doy"]:
            day = day + np.timedelta64(int(found["doy"]) - 1, "D")
            if str(day)[:4] != found["year"] or int(found["doy"]) < 1:
                raise ValueError
        hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
        leap = second == 60 and scale == "UTC"
        if hour > 23 or minute > 59 or (second > 59 and not leap):
            raise ValueError
    except ValueError as error:
        raise DateError(
            f"{text[:40]!r} is no date", where=str(place), advice="write YYYY-MM-DDThh:mm:ss"
        ) from error
    whole = day.astype("datetime64[ms]") + np.timedelta64(3600 * hour + 60 * minute + second - leap, "s")
    return whole, float(found["part"] or 0.0 if found["part"] != "." else 0.0) + leap


def tt_seconds(tdb_s: npt.ArrayLike) -> Floats:
    """Terrestrial Time of instants: seconds that pass evenly with those of TAI and UTC.

    Parameters
    ----------
    tdb_s : array_like, shape (n,)
        TDB since J2000 [s].

    Returns
    -------
    ndarray, shape (n,)
        TT since J2000 [s].

    Examples
    --------
    >>> round(float(946728000.0 - tt_seconds([946728000.0])[0]), 6)
    -8.1e-05
    """
    seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
    near = default_timescale().utc(seconds)
    return seconds - (default_timescale().tdb_s(near) - default_timescale().tt_s(near))
