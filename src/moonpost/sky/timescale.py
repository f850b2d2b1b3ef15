"""From UTC to the time argument of ephemerides (TDB) and back, with leap seconds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["TimeScale", "default_timescale"]

_J2000 = np.datetime64("2000-01-01T12:00:00.000", "ms")
_TT_MINUS_TAI_S = 32.184
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TimeScale:
    """The leap seconds that lead from UTC to TDB.

    Parameters
    ----------
    since : tuple of numpy.datetime64
        UTC dates from which each offset holds, ascending.
    tai_minus_utc_s : tuple of float
        TAI minus UTC [s] from each of these dates on.

    Notes
    -----
    TDB - TT = 1.657 ms sin(E), E = M + 0.01671 sin M, with M the mean anomaly of the Earth-Moon barycentre,
    as in the NAIF leap-second kernels; the neglected terms stay below 0.03 ms. Before the first date its
    offset (10 s) holds, as in skyfield: UTC then was kept without whole leap seconds, and the error against
    Universal Time grows to 2.4 s in 1969, 10 s in 1957 and 35 s in 1850, at most 0.005 deg in the Sun's place
    on the Moon. After the last date the last offset holds.

    References
    ----------
    IERS Bulletin C; Fairhead and Bretagnon (1990), Astron. Astrophys. 229, 240; NAIF kernel naif0012.tls.

    Examples
    --------
    >>> scale = default_timescale()
    >>> round(float(scale.tdb_s(np.array(["2000-01-01T12:00"], dtype="datetime64[ms]"))[0]), 3)
    64.184
    """

    since: tuple[np.datetime64, ...]
    tai_minus_utc_s: tuple[float, ...]

    def tdb_s(self, t: npt.NDArray[np.datetime64]) -> Floats:
        """Seconds of TDB since J2000 for UTC times.

        Parameters
        ----------
        t : ndarray of datetime64[ms]
            UTC times.

        Returns
        -------
        ndarray
            TDB seconds since 2000-01-01T12:00 TDB [s].
        """
        tt_s = self.tt_s(t)
        return tt_s + _tdb_minus_tt_s(tt_s)

    def tt_s(self, t: npt.NDArray[np.datetime64]) -> Floats:
        """Seconds of Terrestrial Time since J2000 for UTC times.

        Parameters
        ----------
        t : ndarray of datetime64[ms]
            UTC times.

        Returns
        -------
        ndarray
            TT seconds since 2000-01-01T12:00 TT [s].
        """
        since = np.array(self.since, dtype="datetime64[ms]")
        offsets = np.array(self.tai_minus_utc_s)
        row = np.maximum(np.searchsorted(since, t, side="right") - 1, 0)
        return (t - _J2000) / np.timedelta64(1, "s") + offsets[row] + _TT_MINUS_TAI_S

    def utc(self, tdb_s: Floats | float) -> npt.NDArray[np.datetime64]:
        """UTC times of TDB seconds since J2000, to 1 ms.

        Parameters
        ----------
        tdb_s : array_like
            TDB seconds since J2000 [s].

        Returns
        -------
        ndarray of datetime64[ms]
            UTC times. Within a leap second the following second is repeated.
        """
        seconds = np.asarray(tdb_s, dtype=float)
        tai_s = seconds - _tdb_minus_tt_s(seconds) - _TT_MINUS_TAI_S
        since_s = (np.array(self.since, dtype="datetime64[ms]") - _J2000) / np.timedelta64(1, "s")
        offsets = np.array(self.tai_minus_utc_s)
        row = np.maximum(np.searchsorted(since_s + offsets, tai_s, side="right") - 1, 0)
        return _J2000 + np.rint(1000.0 * (tai_s - offsets[row])).astype("timedelta64[ms]")


@lru_cache(maxsize=1)
def default_timescale() -> TimeScale:
    """Leap seconds that come with skyfield, read without the network.

    Returns
    -------
    TimeScale
        The table from 1972 to the last announced leap second.

    Examples
    --------
    >>> default_timescale().tai_minus_utc_s[-1] >= 37.0
    True
    """
    from skyfield.api import load

    table = load.timescale(builtin=True)
    days = np.rint(np.asarray(table.leap_dates) - 2440587.5).astype(np.int64)
    since = days.astype("datetime64[D]").astype("datetime64[ms]")
    offsets = np.asarray(table.leap_offsets, dtype=float)
    first = np.datetime64("1972-01-01T00:00:00.000", "ms")
    if since[0] > first:
        since, offsets = np.insert(since, 0, first), np.insert(offsets, 0, offsets[0] - 1.0)
    return TimeScale(tuple(since), tuple(offsets.tolist()))


def _tdb_minus_tt_s(tt_s: Floats) -> Floats:
    """Periodic part of TDB less TT, in seconds."""
    anomaly = 6.239996 + 1.99096871e-7 * tt_s
    return 1.657e-3 * np.sin(anomaly + 1.671e-2 * np.sin(anomaly))
