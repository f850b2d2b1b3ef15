"""What a query gives: samples of one parameter, or statistics of them in bins, with the gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.gaps import Gap

__all__ = ["Series"]


@dataclass(frozen=True, eq=False)
class Series:
    """Samples of a parameter by time, or statistics of them in bins.

    Parameters
    ----------
    parameter : str
        Name of the parameter.
    time : ndarray of datetime64[us], (n,)
        UTC of each sample, or where each bin begins. Bins without samples are left out.
    value : ndarray, (n,)
        The samples, or the mean of each bin.
    minimum, maximum : ndarray, (n,)
        Least and greatest sample of each bin; the samples themselves without bins.
    count : ndarray of int64, (n,)
        Samples in each bin; 1 without bins.
    step_s : float
        Length of a bin [s]; 0 without bins.
    gaps : tuple of Gap
        Where packets that carry the parameter are missing.
    """

    parameter: str
    time: npt.NDArray[np.datetime64]
    value: npt.NDArray[Any]
    minimum: npt.NDArray[Any]
    maximum: npt.NDArray[Any]
    count: npt.NDArray[np.int64]
    step_s: float
    gaps: tuple[Gap, ...]

    def __len__(self) -> int:
        return self.time.size

    def broken(self) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.float64]]:
        """Times and values for a line that breaks at gaps: NaN stands in the middle of each wider than a bin.

        Returns
        -------
        time : ndarray of datetime64[us], (m,)
        value : ndarray of float64, (m,)
        """
        width = np.timedelta64(round(self.step_s * 1e6), "us")
        middles = [
            gap.after + (gap.before - gap.after) // 2 for gap in self.gaps if gap.before - gap.after > width
        ]
        marks = np.array(middles, "datetime64[us]")
        time = np.concatenate([self.time, marks])
        value = np.concatenate([self.value.astype(np.float64), np.full(marks.size, np.nan)])
        order = np.argsort(time, kind="stable")
        return time[order], value[order]
