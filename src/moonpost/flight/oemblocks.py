"""Segments of an OEM in keyword notation, read line by line so that faults are told with their line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, DateError
from moonpost.flight.epochs import MessageScale, parse_epochs
from moonpost.flight.state import Centre

__all__ = ["Block", "read_blocks"]

Floats = npt.NDArray[np.float64]
_CENTRES = {"MOON": "moon", "EARTH": "earth"}
_FRAMES = ("EME2000", "ICRF", "J2000", "GCRF")
_SCALES = ("UTC", "TDB", "TT", "TAI", "GPS")
_NEEDED = ("OBJECT_NAME", "CENTER_NAME", "REF_FRAME", "TIME_SYSTEM", "START_TIME", "STOP_TIME")
_DEFAULT_WINDOW = 8
_LARGEST_WINDOW = 14
_EDGE_S = 1e-3
_LARGEST_BYTES = 2_000_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
Meta = dict[str, tuple[str, int]]


@dataclass(frozen=True, eq=False)
class Block:
    """One segment of a message.

    Parameters
    ----------
    name : str
        Name of the object.
    centre : {"moon", "earth"}
        Body in whose centre positions start.
    start_tdb_s, stop_tdb_s : float
        Time that may be used, TDB since J2000 [s].
    epochs_tdb_s : ndarray, shape (k,)
        TDB since J2000 [s].
    states : ndarray, shape (k, 6)
        Positions [m] and velocities [m/s].
    window : int
        Rows that a polynomial goes through.
    method : {"hermite", "lagrange"}
        The polynomials.
    line : int
        Line at which the segment begins, from 1.
    """

    name: str
    centre: Centre
    start_tdb_s: float
    stop_tdb_s: float
    epochs_tdb_s: Floats
    states: Floats
    window: int
    method: Literal["hermite", "lagrange"]
    line: int


class _Lines:
    """Lines of a message that are not empty, with their numbers; comments are passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self._lines = iter(_text(path).splitlines())

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            text = line.strip()
            if text and text.split(None, 1)[0] != "COMMENT":
                yield text

    def fault(self, what: str, line: int | None = None, advice: str = "correct the message") -> DataError:
        """What is wrong with the message at a line."""
        return DataError(what, where=f"{self.path}, line {line or self.number}", advice=advice)


def read_blocks(path: Path) -> list[Block]:
    """Read all segments of a message.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    list of Block
        In the order of the file.

    Raises
    ------
    DataError
        If the message is malformed; the line is named.
    """
    lines = _Lines(path)
    head = next(iter(lines), "")
    key, _, value = (part.strip() for part in head.partition("="))
    if key != "CCSDS_OEM_VERS":
        raise lines.fault(
            "is not an OEM in keyword notation",
            max(lines.number, 1),
            "its first line must be CCSDS_OEM_VERS = 2.0; XML is not read here",
        )
    if value not in ("1.0", "2.0", "3.0"):
        raise lines.fault(f"version {value[:20]!r} is not known", advice="give version 1.0, 2.0 or 3.0")
    blocks: list[Block] = []
    pending: str | None = _header(lines)
    while pending == "META_START":
        block, pending = _block(lines)
        if blocks and block.name != blocks[0].name:
            raise lines.fault(
                f"holds {block.name!r} beside {blocks[0].name!r}", block.line, "give one object a message"
            )
        blocks.append(block)
    if not blocks:
        raise lines.fault("no segment in it: META_START is missing", advice="the file is incomplete; get it again")
    return blocks


def _text(path: Path) -> str:
    """The text of a file, of plain letters."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise DataError("is larger than 2 GB", where=str(path), advice="split the message")
        return path.read_bytes().decode("ascii", "strict")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(
            "is not plain ASCII text", where=f"{path}, line {line}", advice="give an OEM in keyword notation"
        ) from error
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=str(path)) from error


def _header(lines: _Lines) -> str | None:
    """Pass over the header up to the first segment."""
    for text in lines:
        if text == "META_START":
            return text
        if "=" not in text:
            raise lines.fault(f"{text[:40]!r} in the header is no KEY = VALUE")
    return None


def _block(lines: _Lines) -> tuple[Block, str | None]:
    """One segment, and what comes after it: the next META_START or nothing."""
    line = lines.number
    meta = _meta(lines)
    epochs: list[str] = []
    numbers: list[int] = []
    rows: list[list[float]] = []
    following: str | None = None
    for text in lines:
        if text == "META_START":
            following = text
            break
        if text == "COVARIANCE_START":
            _pass_over(lines)
            continue
        date, row = _row(lines, text)
        epochs.append(date)
        numbers.append(lines.number)
        rows.append(row)
    if len(rows) < 2:
        raise lines.fault(f"{len(rows)} states in the segment, two are needed", line)
    return _checked(lines, line, meta, epochs, numbers, rows), following


def _meta(lines: _Lines) -> Meta:
    """Keywords of a segment with their lines."""
    found: Meta = {}
    for text in lines:
        if text == "META_STOP":
            missing = [key for key in _NEEDED if key not in found]
            if missing:
                raise lines.fault(f"{', '.join(missing)} missing before it")
            return found
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key or not value:
            raise lines.fault(f"{text[:40]!r} in the metadata is no KEY = VALUE")
        if key in found:
            raise lines.fault(f"{key} is given twice, first in line {found[key][1]}")
        found[key] = value, lines.number
    raise lines.fault("META_STOP is missing", advice="the file is incomplete; get it again")


def _pass_over(lines: _Lines) -> None:
    """Skip covariances."""
    for text in lines:
        if text == "COVARIANCE_STOP":
            return
    raise lines.fault("COVARIANCE_STOP is missing", advice="the file is incomplete; get it again")


def _row(lines: _Lines, text: str) -> tuple[str, list[float]]:
    """Date and six numbers of a line of data; accelerations are left out."""
    words = text.split()
    if len(words) not in (7, 10):
        raise lines.fault(f"{len(words)} columns where 7 (date, position, velocity) or 10 are needed")
    wrong = next((word for word in words[1:] if not _NUMBER.fullmatch(word)), None)
    if wrong is not None:
        raise lines.fault(f"{wrong[:40]!r} is no number")
    row = [float(word) for word in words[1:]]
    if not all(abs(value) < 1e12 for value in row):
        raise lines.fault("a number is too large")
    return words[0], row[:6]


def _checked(
    lines: _Lines, line: int, meta: Meta, dates: list[str], numbers: list[int], rows: list[list[float]]
) -> Block:
    """A segment whose keywords are known and whose dates ascend and cover what they should."""
    centre, at = meta["CENTER_NAME"]
    if centre.upper() not in _CENTRES:
        raise lines.fault(f"centre {centre[:40]!r} is not known here", at, "give MOON or EARTH")
    frame, at = meta["REF_FRAME"]
    if frame.upper() not in _FRAMES:
        raise lines.fault(f"axes {frame[:40]!r} are not known here", at, f"give one of {', '.join(_FRAMES)}")
    scale, at = meta["TIME_SYSTEM"]
    if scale.upper() not in _SCALES:
        raise lines.fault(f"time scale {scale[:40]!r} is not known here", at, f"give one of {', '.join(_SCALES)}")
    known = cast("MessageScale", scale.upper())
    try:
        epochs = parse_epochs(dates, known)
    except DateError as error:
        raise lines.fault(error.what, numbers[int(error.where)], error.advice) from error
    back = np.flatnonzero(np.diff(epochs) <= 0)
    if back.size:
        raise lines.fault("its date is not after that of the line before", numbers[int(back[0]) + 1])
    start, stop = (_edge(lines, meta, end, known) for end in ("START", "STOP"))
    if start < epochs[0] - _EDGE_S or stop > epochs[-1] + _EDGE_S or start >= stop:
        end = "START" if start < epochs[0] - _EDGE_S else "STOP"
        at = meta.get(f"USEABLE_{end}_TIME", meta[f"{end}_TIME"])[1]
        raise lines.fault(f"the states do not reach the {end.lower()} that it gives", at)
    window, method = _interpolation(lines, meta)
    span = max(start, float(epochs[0])), min(stop, float(epochs[-1]))
    name = meta["OBJECT_NAME"][0]
    states = 1e3 * np.array(rows)
    return Block(name, cast("Centre", _CENTRES[centre.upper()]), *span, epochs, states, window, method, line)


def _edge(lines: _Lines, meta: Meta, end: str, scale: MessageScale) -> float:
    """Start or stop of what may be used of a segment."""
    text, at = meta.get(f"USEABLE_{end}_TIME", meta[f"{end}_TIME"])
    try:
        return float(parse_epochs([text], scale)[0])
    except DateError as error:
        raise lines.fault(error.what, at, error.advice) from error


def _interpolation(lines: _Lines, meta: Meta) -> tuple[int, Literal["hermite", "lagrange"]]:
    """Rows of a window and kind of polynomial."""
    if "INTERPOLATION" not in meta:
        return _DEFAULT_WINDOW, "hermite"
    method, at = meta["INTERPOLATION"]
    text, line = meta.get("INTERPOLATION_DEGREE", ("1" if method.upper() == "LINEAR" else "", at))
    if not text.isdigit() or not 1 <= int(text) <= 2 * _LARGEST_WINDOW - 1:
        raise lines.fault(f"{text[:20]!r} is no degree", line, "give INTERPOLATION_DEGREE = 1 to 27")
    degree = int(text)
    if method.upper() == "HERMITE":
        return (degree + 1) // 2, "hermite"
    if method.upper() in ("LAGRANGE", "LINEAR"):
        return degree + 1, "lagrange"
    raise lines.fault(f"interpolation {method[:40]!r} is not known here", at, "give HERMITE, LAGRANGE or LINEAR")
