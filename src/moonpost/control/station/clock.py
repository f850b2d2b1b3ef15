"""The free-running clock of the station's computer, which is a little off and drifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.clock import CucClock
from moonpost.sky.times import TimeLike

__all__ = ["TICKS_PER_S"]

TICKS_PER_S = 65536
"""Counts of the clock in a second."""

_OFFSET_S, _DRIFT_PPM = 0.25, 1.0


@dataclass(frozen=True)
class OnBoardClock:
    """A counter that should show atomic time since 1958 and is off by an offset and a drift.

    Parameters
    ----------
    start : datetime64
        When its offset holds, UTC.
    offset_s : float
        What it shows more than true time then [s].
    drift_ppm : float
        How much faster it runs, in millionths [1e-6].

    Notes
    -----
    Rate and offset are constant: the ageing of the oscillator and its answer to temperature are left out.

    Examples
    --------
    >>> clock = OnBoardClock(np.datetime64("2040-01-01", "us"), offset_s=0.5, drift_ppm=0.0)
    >>> int(clock.ticks("2040-01-01")[0]) - int(CucClock().ticks("2040-01-01")[0])
    32768
    """

    start: np.datetime64
    offset_s: float
    drift_ppm: float

    @classmethod
    def drawn(cls, start: np.datetime64, seed: int) -> OnBoardClock:
        """A clock whose faults are drawn: within 0.25 s at the start, and within 1 ppm."""
        draw = np.random.default_rng([seed, 0xC10C])
        return cls(start, float(draw.uniform(-_OFFSET_S, _OFFSET_S)), float(draw.uniform(-_DRIFT_PPM, _DRIFT_PPM)))

    def ticks(self, t: TimeLike | npt.NDArray[np.datetime64]) -> npt.NDArray[np.uint64]:
        """What it shows at UTC times, in 1/65536 s since 1958 TAI, cut to whole counts."""
        true, start = (_true_ticks(when) for when in (t, self.start))
        shown = true + self.offset_s * TICKS_PER_S + self.drift_ppm * 1e-6 * (true - start)
        return np.floor(shown).astype(np.uint64)

    def utc(self, ticks: int) -> np.datetime64:
        """When it shows a count."""
        start = _true_ticks(self.start)[0]
        rate = self.drift_ppm * 1e-6
        true = (ticks - self.offset_s * TICKS_PER_S + rate * start) / (1.0 + rate)
        whole = np.array([max(round(true / TICKS_PER_S * 1e6), 0)], np.int64)
        return np.datetime64(CucClock().at(whole)[0], "us")


def _true_ticks(t: TimeLike | npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
    """What a perfect clock shows."""
    return CucClock().ticks(np.atleast_1d(t) if isinstance(t, np.datetime64) else t).astype(np.float64)
