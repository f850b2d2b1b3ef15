"""Positions of bodies from SPK kernels: segments, their order of precedence, chains to the barycentre."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError
from moonpost.sky.daf import ChebyshevTable, Summary, read_summaries

__all__ = ["Ephemeris", "Segment", "Spans", "body_name", "common", "covered", "merged", "read_spk"]

Floats = npt.NDArray[np.float64]
Spans = list[tuple[float, float]]

_OBLIQUITY_RAD = np.deg2rad(84381.448 / 3600.0)
_TO_J2000 = {
    1: np.eye(3),
    17: np.array(
        [
            [1.0, 0.0, 0.0],
            [0.0, np.cos(_OBLIQUITY_RAD), -np.sin(_OBLIQUITY_RAD)],
            [0.0, np.sin(_OBLIQUITY_RAD), np.cos(_OBLIQUITY_RAD)],
        ]
    ),
}
_MOST_LINKS = 20
_NAMES = {
    0: "the Solar System barycentre",
    3: "the Earth-Moon barycentre",
    10: "the Sun",
    301: "the Moon",
    399: "the Earth",
}


class Segment(Protocol):
    """What an SPK segment offers, whoever evaluates it.

    Notes
    -----
    `summary.integers` holds target, centre, frame and type.
    """

    @property
    def summary(self) -> Summary:
        """The descriptor of the segment.

        Returns
        -------
        Summary
            Identifiers, coverage and place in the file.
        """

    def evaluate(self, seconds: Floats, rates: bool) -> Floats:
        """Position [km] and, if asked, velocity [km/s] of the target from the centre.

        Parameters
        ----------
        seconds : ndarray, shape (n,)
            TDB seconds since J2000 [s].
        rates : bool
            Whether the velocity is wanted.

        Returns
        -------
        ndarray, shape (3, n) or (6, n)
            Position, then, if asked, velocity, in the frame of the segment.
        """


def read_spk(path: Path) -> list[Segment]:
    """Open the segments of an SPK kernel.

    Parameters
    ----------
    path : pathlib.Path
        The kernel.

    Returns
    -------
    list of Segment
        Types 2 and 3 are read here, all others through the optional package spiceypy.

    Raises
    ------
    DataError
        If the file is damaged or a segment is given in a frame other than J2000 or ECLIPJ2000.
    MissingExtraError
        If a segment of another type is met and spiceypy is not installed.

    Examples
    --------
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> read_spk(default_paths()[0])[9].summary.integers
    (10, 0, 1, 2)
    """
    summaries = read_summaries(path, integers=6)
    segments: list[Segment] = []
    for summary in summaries:
        _, _, frame, kind = summary.integers
        if frame not in _TO_J2000:
            raise DataError(
                f"frame {frame} is not inertial",
                where=summary.where,
                advice="write the SPK in J2000 or ECLIPJ2000",
            )
        if kind in (2, 3):
            table = ChebyshevTable(summary, with_rates=kind == 3)
            _ = table.layout
            segments.append(table)
        else:
            from moonpost.sky.spice import SpiceSegment

            segments.append(SpiceSegment(summary))
    return segments


@dataclass(frozen=True)
class Ephemeris:
    """Segments in order of precedence: of two that cover a date, the one loaded last counts, as in SPICE.

    Parameters
    ----------
    segments : tuple of Segment
        In the order of loading.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> ephemeris = Ephemeris(tuple(read_spk(default_paths()[0])))
    >>> earth, moon = (ephemeris.state_km(body, np.zeros(1)) for body in (399, 301))
    >>> float(np.linalg.norm(earth - moon).round(-3))
    402000.0
    """

    segments: tuple[Segment, ...]

    def of(self, body: int) -> tuple[Segment, ...]:
        """Segments of a body, the one with precedence first.

        Parameters
        ----------
        body : int
            NAIF identifier.

        Returns
        -------
        tuple of Segment
            Empty if the body is in no kernel.
        """
        return tuple(s for s in reversed(self.segments) if s.summary.integers[0] == body)

    def spans(self, body: int) -> Spans:
        """Times at which a body's position from the barycentre is known.

        Parameters
        ----------
        body : int
            NAIF identifier.

        Returns
        -------
        list of (float, float)
            Intervals in TDB seconds since J2000 [s], ascending and apart.
        """
        return self._spans(body, 0)

    def _spans(self, body: int, links: int) -> Spans:
        if body == 0:
            return [(-np.inf, np.inf)]
        if links > _MOST_LINKS:
            return []
        found: Spans = []
        for segment in self.of(body):
            span = [(segment.summary.start_s, segment.summary.stop_s)]
            found += common(span, self._spans(segment.summary.integers[1], links + 1))
        return merged(found)

    def state_km(self, body: int, seconds: Floats, rates: bool = False) -> Floats:
        """Position [km] and velocity [km/s] of a body from the Solar System barycentre in J2000.

        Parameters
        ----------
        body : int
            NAIF identifier.
        seconds : ndarray, shape (n,)
            TDB seconds since J2000 [s].
        rates : bool, default False
            Whether the velocity is wanted.

        Returns
        -------
        ndarray, shape (3, n) or (6, n)
            Position [km], then, if asked, velocity [km/s].

        Raises
        ------
        DataError
            If no kernel holds the body, or centres refer to each other in a circle.
        DateError
            If a time is not covered.
        """
        return self._state(body, seconds, rates, 0)

    def _state(self, body: int, seconds: Floats, rates: bool, links: int) -> Floats:
        state = np.zeros((6 if rates else 3, seconds.size))
        if body == 0 or seconds.size == 0:
            return state
        self._check(body, links)
        left = np.arange(seconds.size)
        for segment in self.of(body):
            inside = covered(segment.summary, seconds[left])
            if inside.all() and left.size == seconds.size:
                return self._with_centre(segment, seconds, rates, links)
            rows, left = left[inside], left[~inside]
            if rows.size:
                state[:, rows] = self._with_centre(segment, seconds[rows], rates, links)
            if not left.size:
                return state
        raise DateError(
            f"{left.size} of {seconds.size} times are not covered for {body_name(body)}",
            where="the loaded SPK kernels",
            advice="load a kernel that covers them",
        )

    def _check(self, body: int, links: int) -> None:
        """Refuse unknown bodies and circular centres."""
        if not self.of(body):
            raise DataError(
                f"no segment for {body_name(body)}",
                where="the loaded SPK kernels",
                advice="load a kernel that holds it, such as DE440",
            )
        if links > _MOST_LINKS:
            raise DataError(f"the centres of {body_name(body)} form a circle", where="the loaded SPK kernels")

    def _with_centre(self, segment: Segment, seconds: Floats, rates: bool, links: int) -> Floats:
        """State of a segment's target from the barycentre."""
        _, centre, frame, _ = segment.summary.integers
        state = segment.evaluate(seconds, rates)
        if frame != 1:
            state = np.concatenate([_TO_J2000[frame] @ half for half in np.split(state, len(state) // 3)])
        return state + self._state(centre, seconds, rates, links + 1) if centre else state


def covered(summary: Summary, seconds: Floats) -> npt.NDArray[np.bool_]:
    """Whether times lie in the coverage of a segment.

    Parameters
    ----------
    summary : Summary
        The segment.
    seconds : ndarray, shape (n,)
        TDB seconds since J2000 [s].

    Returns
    -------
    ndarray of bool, shape (n,)
        True inside, ends included.

    Examples
    --------
    >>> import numpy as np
    >>> from moonpost.sky.kernelfiles import default_paths
    >>> sun = read_spk(default_paths()[0])[9].summary
    >>> covered(sun, np.array([0.0, 9.9e9])).tolist()
    [True, False]
    """
    return (seconds >= summary.start_s) & (seconds <= summary.stop_s)


def body_name(body: int) -> str:
    """Name a body in words, or by its NAIF identifier where it has no common name.

    Parameters
    ----------
    body : int
        NAIF identifier.

    Returns
    -------
    str
        Such as ``the Sun`` or ``body -85``.

    Examples
    --------
    >>> body_name(10), body_name(-85)
    ('the Sun', 'body -85')
    """
    return _NAMES.get(body, f"body {body}")


def merged(spans: Iterable[tuple[float, float]]) -> Spans:
    """Join intervals that touch or overlap.

    Parameters
    ----------
    spans : iterable of (float, float)
        Intervals in any order.

    Returns
    -------
    list of (float, float)
        Ascending and apart.

    Examples
    --------
    >>> merged([(5.0, 6.0), (0.0, 2.0), (2.0, 3.0)])
    [(0.0, 3.0), (5.0, 6.0)]
    """
    joined: Spans = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined


def common(some: Spans, others: Spans) -> Spans:
    """Intersect two lists of intervals.

    Parameters
    ----------
    some, others : list of (float, float)
        Intervals.

    Returns
    -------
    list of (float, float)
        What both cover, ascending and apart.

    Examples
    --------
    >>> common([(0.0, 3.0)], [(1.0, 2.0), (2.5, 9.0)])
    [(1.0, 2.0), (2.5, 3.0)]
    """
    pairs = [(max(a[0], b[0]), min(a[1], b[1])) for a in some for b in others]
    return merged(pair for pair in pairs if pair[0] < pair[1])
