"""Checks of what an archive has closed: by lengths and chain at once, by all checksums step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moonpost.control.archive.manifest import Manifest, read_manifest
from moonpost.control.archive.parts import Part
from moonpost.control.archive.segments import (
    HEAD_BYTES,
    Segment,
    list_segments,
    read_retired,
    read_seal,
    read_segment,
    segment_head,
    segment_path,
)
from moonpost.errors import DataError
from moonpost.files import digest

__all__ = ["Finding"]

_OTHER = "the segment before it is missing or another"
_HEAD = "the head of the segment is damaged"
_SEAL = "its {} is not that of its seal"


@dataclass(frozen=True)
class Finding:
    """One fault of an archive.

    Parameters
    ----------
    place : str
        The file and the place in it.
    text : str
        What is wrong there.
    """

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True)
class Step:
    """What the check of one segment or part gave.

    Parameters
    ----------
    segments, packets, size_bytes, parts : int
        Segments looked at, sound packets in them, their length, parts looked at.
    findings : tuple of Finding
        Faults.
    """

    segments: int = 0
    packets: int = 0
    size_bytes: int = 0
    parts: int = 0
    findings: tuple[Finding, ...] = ()


def check_quickly(folder: Path, seals: Sequence[Segment]) -> tuple[Finding, ...]:
    """Look at what takes a moment: lengths, heads and the chain of closed segments, and whether files are there.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.
    seals : sequence of Segment
        Its closed segments in order.

    Returns
    -------
    tuple of Finding

    Raises
    ------
    DataError
        If the manifest, or what tells of retired segments, cannot be read.
    """
    retired, previous = read_retired(folder)
    found = []
    for seal in seals:
        found += _quick(folder, seal)
        if seal.previous != previous:
            found.append(Finding(f"{segment_path(folder, seal.number).name}, octet 0", _OTHER))
        previous = seal.sha256
    manifest = read_manifest(folder / "parameters")
    found += _missing(folder, manifest, [retired, *(seal.number for seal in seals)])
    for part in manifest.parts:
        paths = [folder / "parameters" / f"{part.stem}{suffix}" for suffix in part.digests]
        found += [Finding(path.name, "is missing") for path in paths if not path.is_file()]
    return tuple(found)


def check_all(folder: Path, *, deep: bool = True) -> Iterator[Step]:
    """Compare every segment and part with its checksums; the archive may be in use.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.
    deep : bool
        Whether each record is looked at even where the checksum of the whole segment is right.

    Yields
    ------
    Step
        For one segment or part each.

    Raises
    ------
    DataError
        If what tells of retired segments cannot be read.
    """
    retired, last = read_retired(folder)
    previous: str | None = last
    numbers = [number for number in list_segments(folder) if number > retired]
    for number in numbers:
        step, previous = _check_segment(folder, number, previous, deep)
        yield step
    try:
        manifest = read_manifest(folder / "parameters")
    except DataError as error:
        yield Step(findings=(Finding(Path(error.where).name, error.what),))
        return
    yield Step(findings=_missing(folder, manifest, [retired, *numbers]))
    for part in manifest.parts:
        yield Step(parts=1, findings=_check_part(folder / "parameters", part))


def _quick(folder: Path, seal: Segment) -> list[Finding]:
    """Length, head and known damage of a closed segment."""
    path = segment_path(folder, seal.number)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return [Finding(path.name, f"cannot be read: {error.strerror or error}")]
    found = [] if head == segment_head(seal.number) else [Finding(f"{path.name}, octet 0", _HEAD)]
    found += [_unsound(path, begin, end) for begin, end in seal.damage]
    if size != seal.size_bytes:
        found.append(Finding(f"{path.name}, octet {min(size, seal.size_bytes)}", _SEAL.format("length")))
    return found


def _missing(folder: Path, manifest: Manifest, numbers: Sequence[int]) -> tuple[Finding, ...]:
    """Segments that were there by the manifest, or by their seals."""
    raw, retired = folder / "raw", numbers[0]
    there = {path.with_suffix(".seg") for path in sorted(raw.glob("*.json")) if path.stem.isdigit()}
    gone = sorted(path for path in there if int(path.stem) > retired and not path.exists())
    found = [Finding(path.name, "is missing, its seal is there") for path in gone]
    if manifest.watermark[0] > max([*numbers, *list_segments(folder)]):
        text = f"packets up to segment {manifest.watermark[0]} were decoded, but they are missing"
        found.append(Finding(raw.name, text))
    return tuple(found)


def _check_segment(folder: Path, number: int, previous: str | None, deep: bool) -> tuple[Step, str | None]:
    """Check one segment; its hash too, None if it cannot be told."""
    path = segment_path(folder, number)
    try:
        seal = read_seal(folder, number)  # first: what has a seal does not grow any more
        hashed = "" if seal is None else digest(path)
        chained = (
            [Finding(path.name, _OTHER)] if seal and previous is not None and seal.previous != previous else []
        )
        if seal is not None and hashed == seal.sha256 and not deep:
            known = [_unsound(path, begin, end) for begin, end in seal.damage]
            return Step(1, seal.records, seal.size_bytes, findings=(*known, *chained)), seal.sha256
        content = read_segment(folder, number)
    except (DataError, OSError) as error:
        if number <= read_retired(folder)[0]:  # removed because of its age meanwhile
            return Step(), None
        text = error.what if isinstance(error, DataError) else f"cannot be read: {error.strerror or error}"
        return Step(1, findings=(Finding(path.name, text),)), None
    size, packets = content.size_bytes, len(content.packets)
    found = [] if content.sound_head else [Finding(f"{path.name}, octet 0", _HEAD)]
    found += [
        _unsound(path, begin, end)
        for begin, end in content.faults.tolist()
        if seal is not None or end < size  # what is written just now is no fault
    ]
    if seal is None:
        return Step(1, packets, size, findings=tuple(found)), None
    wrong = {"length": size != seal.size_bytes, "number of packets": packets != seal.records,
             "hash": hashed != seal.sha256}  # fmt: skip
    found += [Finding(path.name, _SEAL.format(what)) for what, is_wrong in wrong.items() if is_wrong]
    return Step(1, packets, size, findings=(*found, *chained)), seal.sha256


def _check_part(target: Path, part: Part) -> tuple[Finding, ...]:
    """Compare the files of a part with the manifest; one that went into another part meanwhile is none."""
    found = []
    for suffix, hashed in part.digests.items():
        path = target / f"{part.stem}{suffix}"
        try:
            if digest(path) != hashed:
                found.append(Finding(path.name, "its hash is not that of the manifest"))
        except FileNotFoundError:
            found.append(Finding(path.name, "is missing"))
        except OSError as error:
            found.append(Finding(path.name, f"cannot be read: {error.strerror or error}"))
    if found and part.stem not in {kept.stem for kept in read_manifest(target).parts}:
        return ()
    return tuple(found)


def _unsound(path: Path, begin: int, end: int) -> Finding:
    """A place that is no record."""
    return Finding(f"{path.name}, octet {begin}", f"{end - begin} octets are no sound record")
