"""Time of packets: unsegmented time code (CUC) of 4 octets of seconds and 2 of fractions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.sky.times import TimeLike, as_utc
from moonpost.sky.timescale import default_timescale

__all__ = ["CUC_OCTETS", "CucClock"]

CUC_OCTETS = 6
"""Octets of a time: 4 of whole seconds, 2 of 1/65536 s."""

_TAI_EPOCH = np.datetime64("1958-01-01T00:00:00", "us")
_SECOND_US = 1_000_000
_MOST_YEARS = 10_000
_Instants = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class CucClock:
    """Counter of atomic seconds since an epoch, in steps of 1/65536 s.

    Parameters
    ----------
    epoch : str
        ``"TAI"`` for 1958-01-01 TAI, the epoch of the time code; else a UTC instant that an agency defines.

    Notes
    -----
    The counter counts SI seconds, so leap seconds are looked up on the way to UTC and the counter never stands
    still. 32 bits last 136 years, until 2094 from the TAI epoch. The preamble is implicit: 0x1E for the TAI epoch,
    0x2E for an agency's. Within a leap second the second after it is told.

    References
    ----------
    CCSDS 301.0-B-4, Time code formats, 2010, section 3.2.

    Examples
    --------
    >>> clock = CucClock()
    >>> clock.encode(np.array(["2030-01-01T00:00:00.500"], "datetime64[ms]")).tobytes().hex()
    '876e37258000'
    >>> str(clock.decode(np.array([0x876E37258000], np.uint64))[0])
    '2030-01-01T00:00:00.500000'
    """

    epoch: str = "TAI"

    @property
    def preamble(self) -> int:
        """The octet that describes the code."""
        return 0x1E if self.epoch == "TAI" else 0x2E

    def ticks(self, t: TimeLike | _Instants) -> npt.NDArray[np.uint64]:
        """Counter at UTC times.

        Parameters
        ----------
        t : datetime64 array, str or datetime
            UTC times.

        Returns
        -------
        ndarray of uint64, (n,)
            Steps of 1/65536 s since the epoch, rounded to the nearest.

        Raises
        ------
        DateError
            If a time lies before the epoch or beyond 32 bits of seconds.
        """
        utc = t if isinstance(t, np.ndarray) and t.dtype.kind == "M" else as_utc(t)
        utc = np.atleast_1d(utc)
        years = utc.astype("datetime64[Y]").astype(np.int64)  # far ones would go round in microseconds
        utc = np.where(np.abs(years) < _MOST_YEARS, utc, np.datetime64("NaT"))
        since_us = (_tai_us(utc) - self._epoch_us()).astype(np.int64)
        whole, part_us = np.divmod(since_us, _SECOND_US)
        ticks = whole * 65536 + (part_us * 65536 + _SECOND_US // 2) // _SECOND_US
        if np.any(np.isnat(utc)) or np.any(ticks < 0) or np.any(ticks >= 1 << 48):
            raise DateError(
                "a time does not fit into 32 bits of seconds since the epoch",
                where="packet time",
                advice=f"give times from the epoch {self.epoch} on, for 136 years",
            )
        return ticks.astype(np.uint64)

    def encode(self, t: TimeLike | _Instants) -> npt.NDArray[np.uint8]:
        """UTC times as octets.

        Parameters
        ----------
        t : datetime64 array, str or datetime
            UTC times.

        Returns
        -------
        ndarray of uint8, (n, 6)
            Seconds, then fractions, highest octet first.

        Raises
        ------
        DateError
            If a time lies before the epoch or beyond 32 bits of seconds.
        """
        return self.ticks(t).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:].copy()

    def decode(self, ticks: npt.NDArray[np.uint64]) -> _Instants:
        """UTC times of the counter, to 1 us.

        Parameters
        ----------
        ticks : ndarray of uint64
            Steps of 1/65536 s since the epoch.

        Returns
        -------
        ndarray of datetime64[us]
            UTC times.
        """
        counted = np.asarray(ticks, np.uint64).astype(np.int64)
        since_us = (counted >> 16) * _SECOND_US + ((counted & 0xFFFF) * _SECOND_US + 32768) // 65536
        return self.at(since_us)

    def at(self, since_us: npt.NDArray[np.int64]) -> _Instants:
        """UTC times of atomic microseconds since the epoch.

        Parameters
        ----------
        since_us : ndarray of int64
            Microseconds.

        Returns
        -------
        ndarray of datetime64[us]
            UTC times.
        """
        return _utc(since_us.astype("timedelta64[us]") + self._epoch_us())

    def _epoch_us(self) -> np.datetime64:
        """The epoch in TAI."""
        if self.epoch == "TAI":
            return _TAI_EPOCH
        try:
            return _tai_us(np.atleast_1d(as_utc(self.epoch)))[0]
        except DateError as error:
            raise InputError(
                f"epoch {self.epoch!r} cannot be read",
                where="clock",
                advice='give "TAI" or a date such as "2020-01-01T00:00:00Z"',
            ) from error


def _leaps() -> tuple[_Instants, npt.NDArray[np.int64]]:
    """Dates of leap seconds and TAI less UTC from then on [us]."""
    scale = default_timescale()
    offsets = np.rint(np.array(scale.tai_minus_utc_s) * _SECOND_US).astype(np.int64)
    return np.array(scale.since, dtype="datetime64[us]"), offsets


def _tai_us(utc: _Instants) -> _Instants:
    """TAI of UTC times; before 1972 as in 1972."""
    since, offsets = _leaps()
    exact = utc.astype("datetime64[us]")
    row = np.maximum(np.searchsorted(since, exact, side="right") - 1, 0)
    return exact + offsets[row].astype("timedelta64[us]")


def _utc(tai: _Instants) -> _Instants:
    """UTC of TAI times."""
    since, offsets = _leaps()
    begun = since + offsets.astype("timedelta64[us]")
    row = np.maximum(np.searchsorted(begun, tai, side="right") - 1, 0)
    return tai - offsets[row].astype("timedelta64[us]")
