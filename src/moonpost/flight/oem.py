"""Orbit ephemeris messages (CCSDS OEM) out and in, each with its right centre."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from moonpost.errors import DataError, InputError
from moonpost.files import write_text
from moonpost.flight.courses import Course, Piece
from moonpost.flight.epochs import epoch_text, whole_seconds
from moonpost.flight.oemblocks import Block, read_blocks
from moonpost.flight.spk import Written
from moonpost.flight.state import Centre, Scale
from moonpost.flight.statetables import StateTable, tabulated
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Frame", "read_oem", "write_oem"]

Frame = Literal["ICRF", "EME2000"]
"""Name of the axes in a message. Ours are those of the ICRF; SPICE and most messages call them EME2000."""

_WINDOW = 8


def write_oem(
    path: str | os.PathLike[str],
    flown: Trajectory | Course,
    *,
    name: str = "",
    object_id: str = "UNKNOWN",
    scale: Scale = "TDB",
    frame: Frame = "ICRF",
    originator: str = "MOONPOST",
    tolerance_m: float = 1e-3,
    comments: Sequence[str] = (),
    created: TimeLike | None = None,
) -> Written:
    """Write a flight as an OEM 2.0 in keyword notation.

    Parameters
    ----------
    path : path-like
        The file; what was there is replaced when all is written.
    flown : Trajectory or Course
        A flight with dense output, or a course read from a file.
    name : str, optional
        Name of the spacecraft.
    object_id : str, default "UNKNOWN"
        Its international designator, such as ``2020-087A``.
    scale : {"TDB", "UTC"}, default "TDB"
        Time scale of the dates.
    frame : {"ICRF", "EME2000"}, default "ICRF"
        How the axes are named; the numbers are the same.
    originator : str, default "MOONPOST"
        Who writes.
    tolerance_m : float, default 1e-3
        Largest difference from the flight when interpolated as the message says [m]; checked between all rows.
    comments : sequence of str
        Further comment lines.
    created : UTC, optional
        Date of creation; now if not given.

    Returns
    -------
    Written
        With the error that was found.

    Raises
    ------
    InputError
        If the dense output was not kept, or an argument cannot be used.
    ModelError
        If the tolerance cannot be reached with rows a second apart.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Rows are on whole seconds, closer where the motion is quick; interpolation Hermite of degree 15. One segment
    for each smooth piece: none reaches across an impulse or the edge of a burn. Dates in UTC depend on the model
    of TDB less TT: programs differ by 0.03 ms, 5 cm in a low orbit. Axes are those of the ICRF; a program that
    takes EME2000 to be the mean equator of J2000 proper would turn them by 0.02 arcsecond, 0.2 m in a low orbit.

    References
    ----------
    CCSDS 502.0-B-2, Orbit Data Messages, section 5.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> t = np.linspace(0.0, 600.0, 50)
    >>> rows = np.stack([2e6 + 0 * t, 10 * t, 0 * t, 0 * t, 10 + 0 * t, 0 * t], axis=1)
    >>> course = Course((Piece(0.0, 600.0, StateTable(t, rows).at),), name="RELAY")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_oem(write_oem(f"{folder}/a.oem", course).path)
    Course(RELAY round the moon, 2000-01-01T11:58:55.816Z to 2000-01-01T12:08:55.816Z, 1 piece)
    """
    course = Course.of(flown, name)
    if scale not in ("UTC", "TDB") or frame not in ("ICRF", "EME2000"):
        raise InputError(
            f"scale {scale!r}, frame {frame!r}", where="OEM", advice="give UTC or TDB, ICRF or EME2000"
        )
    for key, value in (("name", course.name), ("object_id", object_id), ("originator", originator)):
        if not value.strip() or not value.isascii() or not value.isprintable():
            raise InputError(f"{value!r} cannot be written", where=key, advice="give plain ASCII text on one line")
    made = as_utc(dt.datetime.now(dt.UTC) if created is None else created)[()].astype("datetime64[s]")
    lines = [
        "CCSDS_OEM_VERS = 2.0",
        *_comment([f"Written by Moonpost {version('moonpost')}", *course.provenance, *comments]),
        f"CREATION_DATE = {made}",
        f"ORIGINATOR = {originator.strip()}",
    ]
    rows, worst = 0, 0.0
    for piece in course.pieces:
        table, error_m = tabulated(
            piece, tolerance_m, window=_WINDOW, snap=lambda seconds: whole_seconds(seconds, scale)
        )
        dates = epoch_text(table.epochs_tdb_s, scale)
        lines += ["", "META_START", f"OBJECT_NAME = {course.name.strip()}", f"OBJECT_ID = {object_id.strip()}"]
        lines += [f"CENTER_NAME = {course.centre.upper()}", f"REF_FRAME = {frame}", f"TIME_SYSTEM = {scale}"]
        lines += [f"START_TIME = {dates[0]}", f"STOP_TIME = {dates[-1]}"]
        lines += ["INTERPOLATION = HERMITE", f"INTERPOLATION_DEGREE = {2 * table.window - 1}", "META_STOP", ""]
        lines += [_row(date, state) for date, state in zip(dates, table.states.tolist(), strict=True)]
        rows, worst = rows + len(dates), max(worst, error_m)
    write_text(path, "\n".join(lines) + "\n")
    return Written(Path(path), len(course.pieces), rows, os.path.getsize(path), worst)


def read_oem(
    path: str | os.PathLike[str], *, centre: Centre | None = None, almanac: Almanac | None = None
) -> Course:
    """Read an OEM in keyword notation as a course.

    Parameters
    ----------
    path : path-like
        The file, of version 1.0, 2.0 or 3.0.
    centre : {"moon", "earth"}, optional
        From whose centre positions are wanted; the centre of the message if not given.
    almanac : Almanac, optional
        Where Moon and Earth stand if a centre has to be changed; DE440s if not given.

    Returns
    -------
    Course
        One piece for each segment of the message, interpolated as it says; without a word on that, by Hermite's
        polynomials of degree 15.

    Raises
    ------
    DataError
        If the message is malformed or its centre, axes or time scale are not known here; the line is named.
    InputError
        If the wanted centre is another.

    Notes
    -----
    Known centres are MOON and EARTH, axes EME2000, J2000, ICRF and GCRF, all taken as those of the ICRF as SPICE
    does, time scales UTC, TDB, TT, TAI and GPS. Covariances and accelerations are passed over.

    References
    ----------
    CCSDS 502.0-B-2 and 502.0-B-3, Orbit Data Messages.
    """
    if centre is not None and centre not in ("moon", "earth"):
        raise InputError(f"{centre!r} is no centre", where="centre", advice="give moon or earth")
    blocks = read_blocks(Path(path))
    wanted = centre or blocks[0].centre
    if any(block.centre != wanted for block in blocks) and almanac is None:
        from moonpost.sky.almanac import Almanac

        almanac = Almanac.default()
    pieces: list[Piece] = []
    for block in sorted(blocks, key=lambda block: block.start_tdb_s):
        course = Course((_piece(block, str(path)),), block.centre)
        piece = course.from_centre(wanted, almanac).pieces[0] if almanac else course.pieces[0]
        if pieces and piece.start_tdb_s < pieces[-1].stop_tdb_s:
            pieces[-1] = replace(pieces[-1], stop_tdb_s=max(piece.start_tdb_s, pieces[-1].start_tdb_s))
        pieces.append(piece)
    return Course(tuple(pieces), wanted, blocks[0].name, (f"Read from {Path(path).name}",))


def _piece(block: Block, path: str) -> Piece:
    """A segment with its interpolation."""
    try:
        table = StateTable(block.epochs_tdb_s, block.states, block.window, block.method)
    except InputError as error:
        raise DataError(error.what, where=f"{path}, line {block.line}", advice="correct the message") from error
    return Piece(block.start_tdb_s, block.stop_tdb_s, table.at)


def _comment(lines: Sequence[str]) -> list[str]:
    """Comment lines of plain letters, none too long."""
    plain = [line.encode("ascii", "replace").decode() for text in lines for line in text.splitlines()]
    return [f"COMMENT {line[:240]}" for line in plain]


def _row(date: str, state: list[float]) -> str:
    """One line of data: km to the micrometre, km/s to the nanometre a second."""
    place = " ".join(f"{1e-3 * value:.9f}" for value in state[:3])
    return f"{date} {place} " + " ".join(f"{1e-3 * value:.12f}" for value in state[3:])
