"""Instants as whole microseconds of UTC, the way the station in the loop counts them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError
from moonpost.sky.times import TimeLike, as_utc

__all__: list[str] = []

SECOND_US = 1_000_000
"""Microseconds in a second."""


def microseconds(t: TimeLike) -> int:
    """Microseconds of UTC since 1970 of one instant.

    Parameters
    ----------
    t : str, datetime or datetime64
        UTC.

    Returns
    -------
    int
        Leap seconds are not counted, as in `datetime64`.

    Raises
    ------
    DateError
        If it is not one instant.

    Examples
    --------
    >>> microseconds("1970-01-02T00:00Z")
    86400000000
    """
    if isinstance(t, np.datetime64):
        if np.isnat(t):
            raise DateError("is not an instant", where="time", advice="give a UTC date and time")
        return int(t.astype("datetime64[us]").astype(np.int64))
    found = as_utc(t)
    if found.size != 1:
        raise DateError(f"{found.size} instants", where="time", advice="give one")
    return int(found.reshape(-1)[0].astype("datetime64[us]").astype(np.int64))


def utc(since_us: int | npt.ArrayLike) -> np.datetime64:
    """The instant of microseconds of UTC.

    Parameters
    ----------
    since_us : int
        Microseconds since 1970.

    Returns
    -------
    datetime64[us]

    Examples
    --------
    >>> str(utc(86_400_000_000))
    '1970-01-02T00:00:00.000000'
    """
    return np.datetime64(int(np.asarray(since_us)), "us")
