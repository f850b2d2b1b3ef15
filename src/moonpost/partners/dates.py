"""Days as the agreements and approvals of a plan count them."""

from __future__ import annotations

import datetime as dt

from moonpost.errors import DateError
from moonpost.plan.base import when_bounds

__all__ = ["Day", "end_of", "instant"]

Day = str | dt.date | dt.datetime | None
"""A plan's date text, a date, a UTC date and time, or None for no limit."""


def instant(at: Day) -> dt.datetime | None:
    """The last second that a date covers, in UTC without time zone.

    Parameters
    ----------
    at : str, datetime.date, datetime.datetime or None
        None stays None and means no limit.

    Returns
    -------
    datetime.datetime or None

    Raises
    ------
    DateError
        If the text is no date.

    Examples
    --------
    >>> instant("2024-06-12").isoformat()
    '2024-06-12T23:59:59'
    """
    if at is None:
        return None
    if isinstance(at, dt.datetime):
        return at.astimezone(dt.UTC).replace(tzinfo=None) if at.tzinfo else at
    return end_of(at.isoformat() if isinstance(at, dt.date) else at)


def end_of(text: str) -> dt.datetime:
    """The last second that a plan's date text covers.

    Parameters
    ----------
    text : str
        A date of any precision, or a range.

    Returns
    -------
    datetime.datetime
        UTC, without time zone.

    Raises
    ------
    DateError
        If the text is no date.

    Examples
    --------
    >>> end_of("2024").isoformat()
    '2024-12-31T23:59:59'
    """
    try:
        return when_bounds(text)[1]
    except ValueError as fault:
        raise DateError(str(fault), where="date") from fault
