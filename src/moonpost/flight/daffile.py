"""Writing binary SPICE kernels (DAF): file record, comments, descriptors, doubles."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.files import atomic_path

__all__ = ["Segment", "write_daf"]

Floats = npt.NDArray[np.float64]
_RECORD = 1024
_COMMENT = 1000
_WORDS = 128
_TRANSFER_MARK = bytes.fromhex("4654505354523a0d3a0a3a0d0a3a0d003a813a10ce3a454e44465450")
_END_OF_COMMENTS = b"\x04"
_PER_RECORD = 25
_NAME = 40


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment of an SPK to be written.

    Parameters
    ----------
    name : str
        Name of the segment, 40 characters at most.
    integers : tuple of int
        Target, centre, frame and type.
    start_s, stop_s : float
        Coverage, TDB since J2000 [s].
    data : ndarray
        The doubles of the segment.
    """

    name: str
    integers: tuple[int, int, int, int]
    start_s: float
    stop_s: float
    data: Floats


def write_daf(
    path: str | os.PathLike[str], name: str, segments: Sequence[Segment], comments: Sequence[str] = ()
) -> Path:
    """Write an SPK file, little-endian, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    name : str
        Internal name of the file, 60 characters at most.
    segments : sequence of Segment
        In the order of the file: of two that cover an instant the later counts.
    comments : sequence of str
        Lines of the comment area; letters outside ASCII are written as question marks.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If there is no segment or one holds numbers that are not finite.
    OutputError
        If the file cannot be written.

    Notes
    -----
    Records of 1024 bytes: the file record, comments, records of 25 descriptors each followed by a record of names,
    the doubles.

    References
    ----------
    NAIF, DAF Required Reading.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.sky.daf import read_summaries
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = write_daf(f"{folder}/a.bsp", "one", [Segment("S", (-1, 301, 1, 13), 0.0, 1.0, np.zeros(16))])
    ...     read_summaries(file, integers=6)[0].integers
    (-1, 301, 1, 13)
    """
    if not segments or not all(np.isfinite(segment.data).all() and len(segment.data) for segment in segments):
        raise InputError("no segment, or one that is empty or not finite", where="SPK", advice="give segments")
    notes = _comments(comments)
    first = 2 + len(notes) // _RECORD
    groups = [segments[low : low + _PER_RECORD] for low in range(0, len(segments), _PER_RECORD)]
    free = 1 + _WORDS * (first - 1 + 2 * len(groups))
    tables = b""
    for k, group in enumerate(groups):
        tables += _descriptors(group, k, len(groups), first, free)
        free += sum(len(segment.data) for segment in group)
    head = _head(name, first, first + 2 * (len(groups) - 1), free)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(head + notes + tables)
        for segment in segments:
            file.write(np.ascontiguousarray(segment.data, dtype="<f8").tobytes())
        file.write(bytes(-file.tell() % _RECORD))
    return Path(path)


def _head(name: str, first: int, last: int, free: int) -> bytes:
    """The file record: two doubles and six integers in a descriptor."""
    record = b"DAF/SPK " + struct.pack("<2i", 2, 6) + _ascii(name, 60) + struct.pack("<3i", first, last, free)
    record += b"LTL-IEEE"
    return record.ljust(699, b"\0") + _TRANSFER_MARK + bytes(_RECORD - 699 - len(_TRANSFER_MARK))


def _comments(lines: Sequence[str]) -> bytes:
    """Records of the comment area: lines ended by NUL, the whole by EOT."""
    if not lines:
        return b""
    text = b"".join(line.encode("ascii", "replace") + b"\0" for line in lines) + _END_OF_COMMENTS
    parts = [text[low : low + _COMMENT] for low in range(0, len(text), _COMMENT)]
    return b"".join(part.ljust(_RECORD, b"\0") for part in parts)


def _descriptors(group: Sequence[Segment], k: int, count: int, first: int, free: int) -> bytes:
    """One record of descriptors and its record of names."""
    following = first + 2 * (k + 1) if k + 1 < count else 0
    before = first + 2 * (k - 1) if k else 0
    record, names = struct.pack("<3d", following, before, len(group)), b""
    for segment in group:
        last = free + len(segment.data) - 1
        record += struct.pack("<2d6i", segment.start_s, segment.stop_s, *segment.integers, free, last)
        names += _ascii(segment.name, _NAME)
        free = last + 1
    return record.ljust(_RECORD, b"\0") + names.ljust(_RECORD, b" ")


def _ascii(text: str, size: int) -> bytes:
    """Text cut or filled up to a size."""
    return text.encode("ascii", "replace")[:size].ljust(size)
