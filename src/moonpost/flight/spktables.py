"""Segments of SPK files: tables of states of types 8, 9, 12 and 13, others as the sky reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError
from moonpost.flight.statetables import StateTable
from moonpost.sky.daf import ChebyshevTable, Summary, read_summaries
from moonpost.sky.ephemeris import Segment

__all__ = ["TableSegment", "read_segments"]

Floats = npt.NDArray[np.float64]
_EVEN, _LAGRANGE = (8, 12), (8, 9)
_FRAMES = (1, 17)
_ADVICE = "the file is damaged or incomplete; get it again"


@dataclass(frozen=True)
class TableSegment:
    """A segment of states with polynomials between: SPK types 8 and 9 (Lagrange), 12 and 13 (Hermite).

    Parameters
    ----------
    summary : Summary
        The segment.

    Notes
    -----
    Types 8 and 12 have even steps, 9 and 13 an epoch for each state. Of Lagrange's types the velocity is
    interpolated by itself, of Hermite's it is the derivative of the position.

    References
    ----------
    NAIF, SPK Required Reading, types 8, 9, 12 and 13.
    """

    summary: Summary

    @cached_property
    def table(self) -> StateTable:
        """The states of the segment.

        Returns
        -------
        StateTable
            Positions [km] and velocities [km/s].

        Raises
        ------
        DataError
            If the segment contradicts itself.
        """
        kind, first, last = self.summary.integers[3], self.summary.first, self.summary.last
        size = last - first + 1
        tail = np.asarray(self.summary.doubles(max(first, last - 3), last), dtype=np.float64)
        counted = float(tail[-1])
        fixed = 4 if kind in _EVEN else 2
        count = int(counted) if np.isfinite(counted) and 0 <= counted < 2**31 else 0
        needed = 6 * count + fixed + (0 if kind in _EVEN else count + max(0, (count - 1) // 100))
        if count != counted or count < 2 or size != needed or not 0 <= tail[-2] <= 27:
            raise DataError("the end of the segment makes no sense", where=self.summary.where, advice=_ADVICE)
        states = np.asarray(self.summary.doubles(first, first + 6 * count - 1), dtype=np.float64)
        if kind in _EVEN:
            epochs = tail[0] + tail[1] * np.arange(count)
        else:
            epochs = np.asarray(self.summary.doubles(first + 6 * count, first + 7 * count - 1), dtype=np.float64)
        try:
            return StateTable(
                epochs, states.reshape(count, 6), int(tail[-2]) + 1, "lagrange" if kind in _LAGRANGE else "hermite"
            )
        except InputError as error:
            raise DataError(error.what, where=self.summary.where, advice=_ADVICE) from error

    def evaluate(self, seconds: Floats, rates: bool) -> Floats:
        """Position [km] and, if asked, velocity [km/s] of the target from the centre.

        Parameters
        ----------
        seconds : ndarray, shape (n,)
            TDB since J2000 [s].
        rates : bool
            Whether the velocity is wanted.

        Returns
        -------
        ndarray, shape (3, n) or (6, n)
            In the frame of the segment.

        Raises
        ------
        DataError
            If the segment is damaged.
        """
        states = self.table.at(seconds).T
        return states if rates else states[:3]


def read_segments(path: Path) -> list[Segment]:
    """Open the segments of an SPK file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    list of Segment
        In the order of the file.

    Raises
    ------
    DataError
        If the file is damaged or a segment is given in a frame other than J2000 or ECLIPJ2000.
    MissingExtraError
        If a segment of a type that is not read here is met and spiceypy is not installed.

    Examples
    --------
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> read_segments(default_paths()[0])[9].summary.integers
    (10, 0, 1, 2)
    """
    segments: list[Segment] = []
    for summary in read_summaries(path, integers=6):
        _, _, frame, kind = summary.integers
        if frame not in _FRAMES:
            raise DataError(
                f"frame {frame} is not inertial",
                where=summary.where,
                advice="write the SPK in J2000 or ECLIPJ2000",
            )
        if kind in (2, 3):
            chebyshev = ChebyshevTable(summary, with_rates=kind == 3)
            _ = chebyshev.layout
            segments.append(chebyshev)
        elif kind in (*_EVEN, *_LAGRANGE, 9, 13):
            tables = TableSegment(summary)
            _ = tables.table
            segments.append(tables)
        else:
            from moonpost.sky.spice import SpiceSegment

            segments.append(SpiceSegment(summary))
    return segments
