"""Upkeep of an archive: made again from its packets, checked, and rid of what is past its time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from moonpost.control.archive.batch import Decoder
from moonpost.control.archive.checking import Finding, check_all
from moonpost.control.archive.manifest import read_manifest
from moonpost.control.archive.parameters import ParameterStore
from moonpost.control.archive.segments import each_segment
from moonpost.control.archive.writer import SegmentWriter
from moonpost.errors import DataError
from moonpost.files import atomic_folder

__all__ = ["Finding", "Rebuilt", "Verification", "rebuild", "verify"]


@dataclass(frozen=True)
class Rebuilt:
    """What was made again.

    Parameters
    ----------
    packets : int
        Packets read.
    duplicates : int
        How many of them came more than once.
    undecoded : int
        How many could not be decoded.
    parameters : int
        Names of parameters found.
    """

    packets: int
    duplicates: int
    undecoded: int
    parameters: int


@dataclass(frozen=True)
class Verification:
    """What a check of an archive found.

    Parameters
    ----------
    segments : int
        Segments read.
    packets : int
        Sound packets in them.
    size_bytes : int
        Length of the segments.
    parts : int
        Parts of decoded parameters.
    findings : tuple of Finding
        All faults.
    """

    segments: int
    packets: int
    size_bytes: int
    parts: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def rebuild(folder: str | os.PathLike[str], decode: Decoder, *, hot_values: int = 8 << 20) -> Rebuilt:
    """Make the decoded parameters of an archive again from its packets; the old ones stay until the new are whole.

    Parameters
    ----------
    folder : path-like
        Folder of the archive, which no process has open to write.
    decode : callable
        Turns packets of one channel into columns; it may be another than before.
    hot_values : int
        Values kept in memory before they are written.

    Returns
    -------
    Rebuilt

    Raises
    ------
    DataError
        If there is no archive.
    OutputError
        If a process writes the archive or the disk is full; the old parameters are untouched then.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.archive import Archive, Packets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Archive.open(folder) as archive:
    ...         _ = archive.append(Packets.of([b"a", b"b"], 7, ["2030-01-01", "2030-01-02"], [0, 1], "2030-01-03"))
    ...     made = rebuild(folder, lambda apid, packets: {"letter": packets.data})
    ...     with Archive.open(folder, lambda apid, packets: {"letter": packets.data}) as archive:
    ...         made.packets, archive.query("letter", "2030-01-01", "2030-02-01").value.tolist()
    (2, [97, 98])
    """
    place = _archive(folder)
    lock = SegmentWriter(place, 1 << 20, 0.0)
    try:
        packets = 0
        target = place / "parameters"
        retained_us = read_manifest(target).retained_us
        with atomic_folder(target) as temporary:
            store = ParameterStore(temporary, decode, hot_values, True)
            store.retained_us = retained_us
            try:
                for number, content in each_segment(place):
                    if len(content.packets):
                        packets += len(content.packets)
                        store.ingest(content.packets, content.check, (number, int(content.ends[-1])))
                    if store.is_due:
                        store.flush()
                store.flush()
                found = Rebuilt(packets, store.duplicates, store.undecoded, len(store.channels()))
            finally:
                store.close()
        return found
    finally:
        lock.close()


def verify(folder: str | os.PathLike[str]) -> Verification:
    """Check every record, segment and part of an archive against their checksums and against each other.

    Parameters
    ----------
    folder : path-like
        Folder of the archive. It may be in use; what is appended meanwhile is not looked at.

    Returns
    -------
    Verification

    Raises
    ------
    DataError
        If there is no archive.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.archive import Archive, Packets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Archive.open(folder) as archive:
    ...         _ = archive.append(Packets.of([b"a", b"b"], 7, ["2030-01-01", "2030-01-02"], [0, 1], "2030-01-03"))
    ...     verify(folder).is_sound
    True
    """
    steps = list(check_all(_archive(folder)))
    return Verification(
        sum(step.segments for step in steps),
        sum(step.packets for step in steps),
        sum(step.size_bytes for step in steps),
        sum(step.parts for step in steps),
        tuple(finding for step in steps for finding in step.findings),
    )


def _archive(folder: str | os.PathLike[str]) -> Path:
    """Folder of an archive, or an error."""
    place = Path(folder)
    if not (place / "raw").is_dir():
        raise DataError("holds no archive", where=str(place), advice="check the path")
    return place
