"""SPK files: flights out as types 13 and 3, any mission's trajectory in as a course."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError, InputError, UnknownNameError
from moonpost.flight.chebyshev import series
from moonpost.flight.courses import Course, Piece, opened
from moonpost.flight.daffile import Segment, write_daf
from moonpost.flight.spktables import read_segments
from moonpost.flight.state import Centre
from moonpost.flight.statetables import tabulated
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.ephemeris import Ephemeris, Spans, body_name, common, covered, merged
from moonpost.sky.ephemeris import Segment as SpkSegment
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Kind", "Written", "read_spk_course", "spk_bodies", "write_spk"]

Floats = npt.NDArray[np.float64]
Kind = Literal[13, 3]
"""SPK type: 13, states and Hermite's polynomials; 3, Chebyshev polynomials of position and velocity."""

_CENTRES = {"moon": 301, "earth": 399}
_LARGEST_PLANET = 999
_WINDOW = 8
_EARLIEST, _LATEST = -10_000_000, -1
_MOST_LINKS = 20
_ECLIPTIC = 17
_OBLIQUITY_RAD = math.radians(84381.448 / 3600.0)
_FROM_ECLIPTIC = np.array(
    [
        [1.0, 0.0, 0.0],
        [0.0, math.cos(_OBLIQUITY_RAD), -math.sin(_OBLIQUITY_RAD)],
        [0.0, math.sin(_OBLIQUITY_RAD), math.cos(_OBLIQUITY_RAD)],
    ]
)


@dataclass(frozen=True)
class Written:
    """What a file holds that was written from a flight.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    segments : int
        Segments: one for each smooth piece of the flight.
    rows : int
        States or polynomials in them.
    size_bytes : int
        Size of the file.
    error_m : float
        Largest difference from the flight found between rows [m].
    """

    path: Path
    segments: int
    rows: int
    size_bytes: int
    error_m: float


def write_spk(
    path: str | os.PathLike[str],
    flown: Trajectory | Course,
    *,
    body: int = -301001,
    name: str = "",
    kind: Kind = 13,
    tolerance_m: float = 1e-3,
    comments: Sequence[str] = (),
    created: TimeLike | None = None,
) -> Written:
    """Write a flight as an SPK file for SPICE, and with type 3 for skyfield and jplephem too.

    Parameters
    ----------
    path : path-like
        The file; what was there is replaced when all is written.
    flown : Trajectory or Course
        A flight with dense output, or a course read from a file.
    body : int, default -301001
        NAIF identifier of the spacecraft, below 0.
    name : str, optional
        Its name, for the segments and the comments.
    kind : {13, 3}, default 13
        Type of the segments.
    tolerance_m : float, default 1e-3
        Largest difference from the flight [m]; checked between all rows.
    comments : sequence of str
        Further lines for the comment area.
    created : UTC, optional
        Date in the comments; now if not given.

    Returns
    -------
    Written
        With the error that was found.

    Raises
    ------
    InputError
        If the dense output was not kept, or an argument cannot be used.
    ModelError
        If the tolerance cannot be reached.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Centre 301 (or 399), frame J2000, TDB, kilometres. Where a burn begins or ends or an impulse is given a segment
    ends, so that no polynomial runs across. Type 13: unequal steps, degree 15. Type 3: equal intervals, degree 15,
    of position and velocity each. Instants are doubles: 1.2e-7 s apart in 2030, in which a low orbit moves
    0.2 mm; errors are those at the very doubles.

    References
    ----------
    NAIF, SPK Required Reading, types 3 and 13.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.flight.statetables import StateTable
    >>> t = np.linspace(0.0, 6.0, 50)
    >>> circle = 2e6 * np.stack([np.cos(t), np.sin(t), 0 * t, -np.sin(t), np.cos(t), 0 * t], axis=1)
    >>> course = Course((Piece(0.0, 6.0, StateTable(t, circle).at),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_spk(f"{folder}/a.bsp", course, tolerance_m=0.01)
    ...     spk_bodies(written.path)
    {-301001: [(0.0, 6.0)]}
    >>> written.error_m < 0.01
    True
    """
    course = Course.of(flown, name)
    if isinstance(body, bool) or not isinstance(body, int) or not _EARLIEST < body <= _LATEST:
        raise InputError(f"{body!r} is no spacecraft", where="body", advice="give a whole number below 0")
    if kind not in (13, 3):
        raise InputError(f"type {kind!r} is not written here", where="kind", advice="give 13 or 3")
    make = _hermite_segment if kind == 13 else _chebyshev_segment
    integers = (body, _CENTRES[course.centre], 1, int(kind))
    made = [make(piece, course.name, integers, tolerance_m) for piece in course.pieces]
    error_m = max(error for _, _, error in made)
    segments = [segment for segment, _, _ in made]
    lines = _comment_lines(course, body, kind, error_m, created)
    write_daf(path, f"Moonpost: {course.name}", segments, [*lines, *comments])
    return Written(Path(path), len(segments), sum(rows for _, rows, _ in made), os.path.getsize(path), error_m)


def spk_bodies(*paths: str | os.PathLike[str]) -> dict[int, Spans]:
    """Bodies in SPK files and when they are covered.

    Parameters
    ----------
    *paths : path-like
        SPK files.

    Returns
    -------
    dict of int to list of (float, float)
        By NAIF identifier: covered intervals, TDB since J2000 [s].

    Raises
    ------
    DataError
        If a file is damaged.
    """
    found: dict[int, Spans] = {}
    for path in paths:
        for segment in read_segments(Path(path)):
            summary = segment.summary
            found.setdefault(summary.integers[0], []).append((summary.start_s, summary.stop_s))
    return {body: merged(spans) for body, spans in sorted(found.items())}


def read_spk_course(
    *paths: str | os.PathLike[str],
    body: int | None = None,
    centre: Centre = "moon",
    almanac: Almanac | None = None,
) -> Course:
    """Read a mission's trajectory from SPK files.

    Parameters
    ----------
    *paths : path-like
        SPK files; of two that cover an instant the later counts, as in SPICE.
    body : int, optional
        NAIF identifier; not needed if the files hold one spacecraft.
    centre : {"moon", "earth"}, default "moon"
        From whose centre positions are wanted.
    almanac : Almanac, optional
        Where Moon and Earth stand if the files give the body from another centre; DE440s if not given. Moon and
        Earth in the files themselves go before it.

    Returns
    -------
    Course
        One piece for each covered interval without a change of segment.

    Raises
    ------
    DataError
        If a file is damaged, or centres lead nowhere.
    InputError
        If no file is given or the centre is another.
    UnknownNameError
        If the body is not in the files, or there are several to choose from.
    MissingExtraError
        If a segment is of a type that only SPICE reads and spiceypy is not installed.

    Notes
    -----
    Types 2, 3, 8, 9, 12 and 13 are read here, others through spiceypy. Chains of centres are followed up to the
    first body that leads to the centre too; so a state given from the Moon is never rounded by the Sun's distance.
    """
    if not paths or centre not in _CENTRES:
        raise InputError(
            "no file, or no known centre", where="read_spk_course", advice="give paths; moon or earth"
        )
    segments = [segment for path in paths for segment in read_segments(Path(path))]
    chosen = _chosen(body, {segment.summary.integers[0] for segment in segments}, str(paths[-1]))
    files = Ephemeris(tuple(segments))
    if almanac is None:
        from moonpost.sky.almanac import Almanac

        almanac = Almanac.default()
    whole = Ephemeris((*opened(almanac).ephemeris.segments, *segments))
    goal = _CENTRES[centre]
    spans = _covered(files, whole, chosen, goal)
    if not spans:
        raise DataError(
            f"{body_name(chosen)} cannot be placed from the {centre}: its centres lead nowhere",
            where=str(paths[-1]),
            advice="give the SPK of its centre too",
        )
    pieces = tuple(
        Piece(low, high, partial(_states, whole, segment, goal, 0.5 * (low + high)))
        for low, high, segment in spans
    )
    names = [segment.summary.name for segment in files.of(chosen)]
    lines = tuple(f"Read from {Path(path).name}" for path in paths)
    return Course(pieces, centre, names[0] or body_name(chosen), lines)


def _hermite_segment(
    piece: Piece, name: str, integers: tuple[int, int, int, int], tolerance_m: float
) -> tuple[Segment, int, float]:
    """A segment of type 13, its rows and its error."""
    table, error_m = tabulated(piece, tolerance_m, window=_WINDOW)
    epochs, count = table.epochs_tdb_s, len(table.epochs_tdb_s)
    directory = epochs[99 : count - 1 : 100]
    tail = np.array([table.window - 1, count], dtype=np.float64)
    data = np.concatenate([(1e-3 * table.states).ravel(), epochs, directory, tail])
    return Segment(name, integers, piece.start_tdb_s, piece.stop_tdb_s, data), count, error_m


def _chebyshev_segment(
    piece: Piece, name: str, integers: tuple[int, int, int, int], tolerance_m: float
) -> tuple[Segment, int, float]:
    """A segment of type 3, its polynomials and its error."""
    fitted = series(piece, tolerance_m)
    data = np.concatenate([fitted.records(1e-3).ravel(), fitted.directory])
    return Segment(name, integers, piece.start_tdb_s, piece.stop_tdb_s, data), len(fitted.middles), fitted.error_m


def _comment_lines(course: Course, body: int, kind: int, error_m: float, created: TimeLike | None) -> list[str]:
    """Lines of the comment area."""
    start, stop = (iso(default_timescale().utc(moment)[()]) for moment in course.span_tdb_s)
    made = as_utc(dt.datetime.now(dt.UTC) if created is None else created)[()]
    return [
        f"{course.name}: trajectory written by Moonpost {version('moonpost')}",
        f"Created: {iso(made.astype('datetime64[s]').astype('datetime64[ms]'))}",
        f"Body: {body}, centre {_CENTRES[course.centre]}, frame J2000 (axes of the ICRF), SPK type {kind}",
        f"Covers: {start} to {stop} UTC",
        f"Largest difference from the flight found between rows: {1e3 * error_m:.3f} mm",
        *course.provenance,
        "To give the body its name in SPICE, load a text kernel with:",
        f"  NAIF_BODY_NAME += ( '{course.name}' )",
        f"  NAIF_BODY_CODE += ( {body} )",
    ]


def _chosen(body: int | None, held: set[int], where: str) -> int:
    """The body that is meant."""
    craft = sorted(number for number in held if number < 0) or sorted(n for n in held if n > _LARGEST_PLANET)
    if body is None and len(craft) == 1:
        return craft[0]
    names = [str(number) for number in craft or sorted(held)]
    if body is None:
        raise InputError(
            f"holds {len(held)} bodies: {', '.join(names[:8])}", where=where, advice="say which one with body"
        )
    if body not in held:
        raise UnknownNameError(str(body), names, kind="body", where=where)
    return body


def _covered(files: Ephemeris, whole: Ephemeris, body: int, goal: int) -> list[tuple[float, float, SpkSegment]]:
    """Intervals in which a segment of the files holds the body and leads to the goal, in the order of time."""
    spans: list[tuple[float, float, SpkSegment]] = []
    taken: Spans = []
    for segment in files.of(body):
        summary = segment.summary
        known = common([(summary.start_s, summary.stop_s)], _known(whole, summary.integers[1], goal, 0))
        spans += [(*part, segment) for span in known for part in _without(span, taken)]
        taken = merged([*taken, *known])
    return sorted((span for span in spans if span[1] > span[0]), key=lambda span: span[0])


def _known(whole: Ephemeris, body: int, goal: int, links: int) -> Spans:
    """When a chain of centres from a body leads to the goal."""
    if body == goal:
        return [(-np.inf, np.inf)]
    if body == 0:
        return whole.spans(goal)
    if links > _MOST_LINKS:
        return []
    found: Spans = []
    for segment in whole.of(body):
        span = [(segment.summary.start_s, segment.summary.stop_s)]
        found += common(span, _known(whole, segment.summary.integers[1], goal, links + 1))
    return merged(found)


def _without(span: tuple[float, float], taken: Spans) -> Iterator[tuple[float, float]]:
    """Parts of an interval that others leave free."""
    low, high = span
    for start, stop in taken:
        if stop <= low or start >= high:
            continue
        if start > low:
            yield low, start
        low = max(low, stop)
    if low < high:
        yield low, high


def _states(whole: Ephemeris, segment: SpkSegment, goal: int, middle: float, seconds: Floats) -> Floats:
    """States of the target of a segment from a body [m], [m/s], shape (n, 6)."""
    ours, theirs = _chain(whole, segment.summary.integers[1], middle), _chain(whole, goal, middle)
    meeting = next(link for link in ours if link in theirs)
    shift = _sum(whole, ours, meeting, seconds) - _sum(whole, theirs, meeting, seconds)
    states: Floats = 1e3 * (_evaluated(segment, seconds) + shift).T
    return states


def _chain(whole: Ephemeris, body: int, moment: float) -> list[int]:
    """A body and its centres at an instant, up to the barycentre."""
    found = [body]
    while found[-1] != 0 and len(found) <= _MOST_LINKS:
        covering = [s for s in whole.of(found[-1]) if s.summary.start_s <= moment <= s.summary.stop_s]
        if not covering:
            break
        found.append(covering[0].summary.integers[1])
    return found


def _sum(whole: Ephemeris, chain: list[int], end: int, seconds: Floats) -> Floats:
    """State of the first body of a chain from another of it [km], shape (6, n)."""
    total = np.zeros((6, seconds.size))
    for link, centre in itertools.pairwise(chain[: chain.index(end) + 1]):
        total += _link(whole, link, centre, seconds)
    return total


def _link(whole: Ephemeris, body: int, centre: int, seconds: Floats) -> Floats:
    """State of a body from its centre in J2000 axes [km], shape (6, n)."""
    state = np.empty((6, seconds.size))
    left = np.arange(seconds.size)
    for segment in whole.of(body):
        if segment.summary.integers[1] != centre:
            continue
        inside = covered(segment.summary, seconds[left])
        rows, left = left[inside], left[~inside]
        if rows.size:
            state[:, rows] = _evaluated(segment, seconds[rows])
    if left.size:
        raise DateError(
            f"{left.size} of {seconds.size} times are not covered for {body_name(body)}",
            where="the SPK files",
            advice="give files that cover them",
        )
    return state


def _evaluated(segment: SpkSegment, seconds: Floats) -> Floats:
    """State of the target of a segment from its centre in J2000 axes [km], shape (6, n)."""
    found = segment.evaluate(seconds, True)
    if segment.summary.integers[2] == _ECLIPTIC:
        found = np.concatenate([_FROM_ECLIPTIC @ half for half in np.split(found, 2)])
    return found
