"""Correlation of the station's clock with UTC, from time reports and the light time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.clock import CucClock
from moonpost.control.station.clock import TICKS_PER_S
from moonpost.errors import InputError
from moonpost.sky.times import TimeLike

__all__ = ["Correlation", "correlate"]


@dataclass(frozen=True)
class Correlation:
    """How a clock on board goes.

    Parameters
    ----------
    reference : datetime64[us]
        Middle of the reports, UTC.
    offset_s : float
        What the clock shows more than true atomic time at the reference [s].
    drift_ppm : float
        How much faster it runs [1e-6].
    error_s : float
        Largest residual of a report plus one count of the clock [s].
    reports : int
        How many reports were used.

    Examples
    --------
    >>> Correlation(np.datetime64("2040-01-01", "us"), 0.5, 0.0, 1e-4, 3).clock_ticks("2040-01-01")[0]
    np.uint64(169586198937600)
    """

    reference: np.datetime64
    offset_s: float
    drift_ppm: float
    error_s: float
    reports: int

    def clock_ticks(self, t: TimeLike | npt.NDArray[np.datetime64]) -> npt.NDArray[np.uint64]:
        """What the clock will show at UTC times: time tags that are released then.

        Parameters
        ----------
        t : datetime64 array, str or datetime
            UTC.

        Returns
        -------
        ndarray of uint64
            In 1/65536 s.
        """
        true = CucClock().ticks(t).astype(np.float64)
        start = CucClock().ticks(np.atleast_1d(self.reference)).astype(np.float64)
        shown = true + self.offset_s * TICKS_PER_S + self.drift_ppm * 1e-6 * (true - start)
        return np.rint(shown).astype(np.uint64)


def correlate(
    received: npt.NDArray[np.datetime64], clock_ticks: npt.ArrayLike, light_time_s: npt.ArrayLike
) -> Correlation:
    """Fit offset and drift of a clock on board.

    Parameters
    ----------
    received : ndarray of datetime64, (n,)
        When reports reached the ground, UTC. Only reports that came live, not those of a store.
    clock_ticks : array_like, (n,)
        What the clock showed as each was sent [1/65536 s].
    light_time_s : array_like, (n,)
        How long each was on its way [s].

    Returns
    -------
    Correlation

    Raises
    ------
    InputError
        If there are fewer than two reports, lengths differ, or a number is not finite.

    Notes
    -----
    Least squares of a line through clock less true time. The clock counts in whole steps, which shows as half a
    step less on average and is put right. What the light time is off enters the offset in full: the centre of
    the Earth instead of an antenna is up to 0.021 s.

    Examples
    --------
    >>> from moonpost.control.station.clock import OnBoardClock
    >>> t = np.datetime64("2040-01-01", "us") + np.arange(100) * np.timedelta64(600, "s")
    >>> clock = OnBoardClock(t[0], 0.1, 0.4)
    >>> found = correlate(t + np.timedelta64(1_250_000, "us"), clock.ticks(t), np.full(100, 1.25))
    >>> round(found.drift_ppm, 3)
    0.4
    """
    times = np.asarray(received).astype("datetime64[us]")
    shown, light_s = np.asarray(clock_ticks).astype(np.float64), np.asarray(light_time_s, np.float64)
    if times.ndim != 1 or times.size < 2 or times.shape != shown.shape or times.shape != light_s.shape:
        raise InputError("does not hold two or more reports", where="correlate", advice="give as many of each")
    if np.isnat(times).any() or not (np.isfinite(shown).all() and np.isfinite(light_s).all()):
        raise InputError("holds what is no number", where="correlate", advice="drop such reports")
    sent = times - np.rint(light_s * 1e6).astype("timedelta64[us]")
    reference = sent.min() + (sent.max() - sent.min()) // 2
    true = CucClock().ticks(sent).astype(np.float64)
    past_s = (true - float(CucClock().ticks(np.atleast_1d(reference))[0])) / TICKS_PER_S
    off_s = (shown + 0.5 - true) / TICKS_PER_S
    if np.ptp(past_s) <= 0.0:
        raise InputError("all reports are of one instant", where="correlate", advice="give reports of several")
    slope, offset = np.polyfit(past_s, off_s, 1)
    left_s = np.abs(off_s - offset - slope * past_s)
    return Correlation(
        reference, float(offset), float(slope) * 1e6, float(left_s.max()) + 1.0 / TICKS_PER_S, int(times.size)
    )
