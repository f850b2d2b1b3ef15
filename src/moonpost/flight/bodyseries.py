"""Chebyshev series of bodies and of the Moon's angles from any kernels, on one grid of equal records."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError
from moonpost.sky.daf import ChebyshevTable
from moonpost.sky.ephemeris import Spans, common, covered
from moonpost.sky.kernelfiles import KernelSet
from moonpost.sky.times import iso

__all__ = ["fitted"]

Floats = npt.NDArray[np.float64]

_MARGIN_S = 600.0
_DAY_S = 86400.0
_MOST_HALVINGS = 8
_TERMS_ELSE = 16
_SUN, _MOON, _EARTH = 10, 301, 399
_TOLERANCE = np.array([1e-3, 1e-3, 1e-3, 1.0, 1.0, 1.0, 1e-10, 1e-10, 1e-10])


def fitted(
    kernels: KernelSet, centre: Literal["moon", "earth"], span_tdb_s: tuple[float, float]
) -> tuple[float, float, Floats]:
    """Series of what an environment needs over a span.

    Parameters
    ----------
    kernels : KernelSet
        Positions and orientation.
    centre : {"moon", "earth"}
        Body in whose centre positions start.
    span_tdb_s : tuple of float
        First and last instant, TDB since J2000 [s].

    Returns
    -------
    tuple
        Start of the first record, TDB since J2000 [s]; length of a record [s]; coefficients, shape
        (records, terms, 9): the other of Moon and Earth and the Sun from the centre [m], Euler angles [rad].

    Raises
    ------
    DateError
        If the kernels do not cover the span.
    DataError
        If the kernels are too rough to be put into series.

    Notes
    -----
    Records follow those of the finest table of the kernels, so that for DE440 and its like the series are the
    kernel's own polynomials, to rounding (0.1 mm). Whatever the kernels are, the series are compared with them
    between the nodes: to 1 mm for Moon and Earth, 1 m for the Sun, 1e-10 rad (0.2 mm on the ground) for the
    angles; else records are halved. Ten minutes before the span are covered too if the kernels have them, for the
    light time.

    Examples
    --------
    >>> from moonpost.sky.kernelfiles import default_paths, read_kernels
    >>> _, length, table = fitted(read_kernels(default_paths()), "moon", (0.0, 86400.0))
    >>> length / 86400, table.shape
    (4.0, (1, 13, 9))
    """
    coverage = _coverage(kernels, span_tdb_s)
    first = max(span_tdb_s[0] - _MARGIN_S, coverage[0])
    last = span_tdb_s[1]
    anchor, length, terms = _grid(kernels, first, last)
    start = anchor + math.floor((first - anchor) / length) * length
    count = max(1, math.ceil((last - start) / length))
    if start < coverage[0] or start + count * length > coverage[1]:
        start = first
        last = max(last, min(first + 1.0, coverage[1]))
        count = max(1, math.ceil((last - first) / length))
        length = (last - first) / count
    sampled = _sampler(kernels, centre)
    for _ in range(_MOST_HALVINGS + 1):
        table = _fit(sampled, start, length, count, terms)
        if _sound(sampled, start, length, table):
            return start, length, table
        length, count = 0.5 * length, 2 * count
    raise DataError(
        "positions or orientation jump or bend too sharply for series",
        where=", ".join(kernel.name for kernel in kernels.kernels),
        advice="load kernels that are smooth over the flight, such as DE440 and its orientation",
    )


def _coverage(kernels: KernelSet, span: tuple[float, float]) -> tuple[float, float]:
    """The interval of the kernels that holds a span."""
    spans: Spans = kernels.orientation.spans
    for body in (_SUN, _MOON, _EARTH):
        spans = common(spans, kernels.ephemeris.spans(body))
    for start, stop in spans:
        if start <= span[0] and span[1] <= stop:
            return start, stop
    utc = kernels.timescale.utc
    known = " and ".join(f"{iso(utc(start))} to {iso(utc(stop))}" for start, stop in spans) or "no date"
    raise DateError(
        f"{iso(utc(span[0]))} to {iso(utc(span[1]))} lies outside the kernels, which cover {known}",
        where="environment",
        advice="choose dates in that range, or load kernels that cover yours with Almanac.load",
    )


def _grid(kernels: KernelSet, first: float, last: float) -> tuple[float, float, int]:
    """Start and length of the finest records in use, and the most terms of any."""
    tables = [table for table in kernels.orientation.tables if _meets(table, first, last)]
    for body in (_SUN, _MOON, _EARTH, 3):
        segments = [s for s in kernels.ephemeris.of(body) if _meets(s, first, last)]
        chosen = [s for s in segments if isinstance(s, ChebyshevTable)]
        if len(chosen) < len(segments):
            return first, _DAY_S, _TERMS_ELSE
        tables += chosen
    finest = min(tables, key=lambda table: table.layout[1])
    terms = max((table.layout[2] - 2) // (6 if table.with_rates else 3) for table in tables)
    return finest.layout[0], finest.layout[1], max(terms, 2)


def _meets(segment: object, first: float, last: float) -> bool:
    """Whether a segment covers any of a span."""
    summary = segment.summary  # type: ignore[attr-defined]
    return bool(summary.start_s <= last and summary.stop_s >= first)


def _sampler(kernels: KernelSet, centre: str) -> Callable[[Floats], Floats]:
    """Function that gives the nine columns of an environment at times."""
    middle, other = (_MOON, _EARTH) if centre == "moon" else (_EARTH, _MOON)

    def sampled(seconds: Floats) -> Floats:
        places = {body: 1e3 * kernels.ephemeris.state_km(body, seconds) for body in (middle, other, _SUN)}
        angles = np.empty((3, seconds.size))
        left = np.ones(seconds.size, dtype=bool)
        for table in kernels.orientation.tables:
            rows = left & covered(table.summary, seconds)
            if rows.any():
                angles[:, rows] = table.evaluate(seconds[rows], rates=False)
            left &= ~rows
        apart = [places[other] - places[middle], places[_SUN] - places[middle], angles]
        return np.concatenate(apart).T

    return sampled


def _fit(sampled: Callable[[Floats], Floats], start: float, length: float, count: int, terms: int) -> Floats:
    """Coefficients of interpolation at the Chebyshev nodes of each record."""
    angle = np.pi * (np.arange(terms) + 0.5) / terms
    nodes = 0.5 - 0.5 * np.cos(angle)
    seconds = start + length * (np.arange(count)[:, None] + nodes)
    values = sampled(seconds.ravel()).reshape(count, terms, 9)
    k = np.arange(terms)
    weights = np.cos(np.outer(k, angle)) * np.where(k % 2, -1.0, 1.0)[:, None] * (2.0 / terms)
    weights[0] *= 0.5
    return np.ascontiguousarray(np.einsum("kn,rnc->rkc", weights, values))


def _sound(sampled: Callable[[Floats], Floats], start: float, length: float, table: Floats) -> bool:
    """Whether series agree with the kernels between the nodes, in all records."""
    x = np.array([-0.97, -0.5, 0.03, 0.52, 0.98])
    count, terms, _ = table.shape
    seconds = start + length * (np.arange(count)[:, None] + 0.5 * (x + 1.0))
    inside = np.polynomial.chebyshev.chebvander(x, terms - 1)
    wrong = np.abs(np.einsum("xk,rkc->rxc", inside, table).reshape(-1, 9) - sampled(seconds.ravel()))
    return bool((wrong <= _TOLERANCE).all())
