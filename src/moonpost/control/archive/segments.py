"""Segments: files of packets that are only ever appended to, the truth of the archive."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.batch import Packets
from moonpost.errors import DataError
from moonpost.files import write_json

__all__ = ["Segment", "encode", "list_segments", "read_retired", "read_seal", "read_segment", "seal_segment"]

HEAD_BYTES = 64
RECORD_HEAD = np.dtype(
    [
        ("mark", "S4"),
        ("head_check", "<u4"),
        ("check", "<u4"),
        ("size", "<u4"),
        ("apid", "<u2"),
        ("sequence", "<u2"),
        ("zero", "<u4"),
        ("time", "<i8"),
        ("receive", "<i8"),
    ]
)
_MAGIC = b"MOONPOST-SEG-001"


@dataclass(frozen=True)
class Segment:
    """What one segment holds.

    Parameters
    ----------
    number : int
        Number of the segment, from 1, without reuse.
    size_bytes : int
        Length of the sound file.
    records : int
        Packets in it.
    channels : dict
        For each channel, as text, the number of its packets, and the first and the last of their times in
        microseconds of UTC since 1970.
    sha256 : str
        Hash of the file; empty while the segment is open.
    previous : str
        Hash of the segment before it when this one was closed; empty for the first.
    cut_bytes : int
        Octets of a half record that were cut off its end when the archive was opened.
    damage : tuple of (int, int)
        Begin and end of places in it that are no sound records.
    """

    number: int
    size_bytes: int
    records: int
    channels: dict[str, tuple[int, int, int]]
    sha256: str = ""
    previous: str = ""
    cut_bytes: int = 0
    damage: tuple[tuple[int, int], ...] = ()


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment lies."""
    return folder / "raw" / f"{number:010d}.seg"


def segment_head(number: int) -> bytes:
    """First octets of a segment."""
    return struct.pack("<16sQ40x", _MAGIC, number)


def list_segments(folder: Path) -> list[int]:
    """Numbers of the segments of an archive, in order.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.

    Returns
    -------
    list of int
    """
    names = (path.stem for path in (folder / "raw").glob("*.seg"))
    return sorted(int(name) for name in names if name.isdigit())


def encode(packets: Packets) -> tuple[bytes, npt.NDArray[np.uint32]]:
    """Records of packets as they stand in a segment.

    Parameters
    ----------
    packets : Packets
        The packets, n of them.

    Returns
    -------
    records : bytes
        Heads with checksums, each followed by its packet.
    check : ndarray of uint32, (n,)
        CRC-32C of each packet.
    """
    from moonpost.control.archive.kernels import encode_records

    heads = np.zeros(len(packets), RECORD_HEAD)
    heads["mark"] = b"MPR1"
    heads["size"] = np.diff(packets.offsets)
    heads["apid"], heads["sequence"] = packets.apid, packets.sequence
    heads["time"], heads["receive"] = packets.time.astype(np.int64), packets.receive.astype(np.int64)
    octets = heads.view(np.uint8).reshape(len(packets), RECORD_HEAD.itemsize)
    records = encode_records(octets, packets.data, packets.offsets)
    return records.tobytes(), heads["check"].copy()


@dataclass(frozen=True, eq=False)
class Content:
    """Packets of a segment with checksums, the ends of their records, and what is no record."""

    packets: Packets
    check: npt.NDArray[np.uint32]
    ends: npt.NDArray[np.int64]
    faults: npt.NDArray[np.int64]
    size_bytes: int
    sound_head: bool


def read_segment(folder: Path, number: int, begin: int = HEAD_BYTES) -> Content:
    """Read a segment; every record is checked, and what is not sound is told.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.
    number : int
        Number of the segment.
    begin : int
        Where to begin: 64 or the end of a record.

    Returns
    -------
    Content
        `packets`, their checksums `check`, the `ends` of their records, `faults` (begin and end of what is no
        record), `size_bytes` of the file and whether its head is sound.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    from moonpost.control.archive.kernels import gather, scan_records

    path = segment_path(folder, number)
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror or error}", where=str(path), advice="check the disk"
        ) from error
    places, faults = scan_records(data, min(begin, data.size))
    width = RECORD_HEAD.itemsize
    heads = gather(data, places, places + width).view(RECORD_HEAD)
    ends = places + width + heads["size"].astype(np.int64)
    packets = Packets(
        heads["apid"],
        heads["time"].astype("datetime64[us]"),
        heads["sequence"],
        heads["receive"].astype("datetime64[us]"),
        gather(data, places + width, ends),
        np.concatenate([[0], np.cumsum(heads["size"], dtype=np.int64)]),
    )
    sound = data[:HEAD_BYTES].tobytes() == segment_head(number)
    return Content(packets, heads["check"].copy(), ends, faults, data.size, sound)


def channels_of(packets: Packets) -> dict[str, tuple[int, int, int]]:
    """Count, first and last time of each channel."""
    found = {}
    times = packets.time.astype(np.int64)
    for apid in np.unique(packets.apid).tolist():
        own = times[packets.apid == apid]
        found[str(apid)] = (int(own.size), int(own.min()), int(own.max()))
    return found


def merge_channels(into: dict[str, tuple[int, int, int]], more: dict[str, tuple[int, int, int]]) -> None:
    """Add counts and widen times."""
    for apid, (count, first, last) in more.items():
        had = into.get(apid, (0, first, last))
        into[apid] = (had[0] + count, min(had[1], first), max(had[2], last))


def read_seal(folder: Path, number: int) -> Segment | None:
    """What a closed segment's seal says, or None if it has none.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.
    number : int
        Number of the segment.

    Returns
    -------
    Segment or None

    Raises
    ------
    DataError
        If the seal cannot be read.
    """
    path = segment_path(folder, number).with_suffix(".json")
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fields["channels"] = {apid: (int(n), int(a), int(b)) for apid, (n, a, b) in fields["channels"].items()}
        fields["damage"] = tuple((int(a), int(b)) for a, b in fields["damage"])
        return Segment(**fields)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"is no seal of a segment: {error}",
            where=str(path),
            advice="remove this file: the seal is made again from the segment at the next opening",
        ) from error


def write_seal(folder: Path, segment: Segment) -> None:
    """Keep what a closed segment holds beside it."""
    write_json(segment_path(folder, segment.number).with_suffix(".json"), asdict(segment))
    sync_folder(folder / "raw")


def seal_segment(folder: Path, number: int, previous: str) -> Segment | None:
    """Close a segment that a stopped process left open: cut a half record at its end, hash it, keep its seal.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.
    number : int
        Number of the segment.
    previous : str
        Hash of the segment before it.

    Returns
    -------
    Segment or None
        None if it held nothing and was removed.
    """
    path = segment_path(folder, number)
    content = read_segment(folder, number)
    faults = [(int(a), int(b)) for a, b in content.faults]
    cut = 0
    if faults and faults[-1][1] == content.size_bytes:
        begin, end = faults.pop()
        cut = end - begin
    if not len(content.packets) and not faults:
        path.unlink()
        return None
    size = content.size_bytes - cut
    with open(path, "r+b") as file:
        if cut:
            file.truncate(size)
        os.fsync(file.fileno())
        file.seek(0)
        hashed = hashlib.file_digest(file, "sha256").hexdigest()
    channels = channels_of(content.packets)
    segment = Segment(number, size, len(content.packets), channels, hashed, previous, cut, tuple(faults))
    write_seal(folder, segment)
    return segment


def read_retired(folder: Path) -> tuple[int, str]:
    """Number and hash of the last segment that was removed because of its age; 0 and nothing if none was.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive.

    Returns
    -------
    number : int
    sha256 : str

    Raises
    ------
    DataError
        If the file that tells it cannot be read.
    """
    path = folder / "raw" / "retired.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return int(fields["number"]), str(fields["sha256"])
    except FileNotFoundError:
        return 0, ""
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"cannot be read: {error}", where=str(path), advice="restore it from a copy") from error


def remove_segment(folder: Path, number: int) -> None:
    """Remove a segment and its seal."""
    path = segment_path(folder, number)
    path.with_suffix(".json").unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all octets, however many calls it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def each_segment(folder: Path, after: tuple[int, int] = (0, 0)) -> Iterator[tuple[int, Content]]:
    """Content of all segments beyond a place (number, octet)."""
    for number in list_segments(folder):
        if number < after[0]:
            continue
        begin = max(HEAD_BYTES, after[1]) if number == after[0] else HEAD_BYTES
        with contextlib.suppress(FileNotFoundError):
            yield number, read_segment(folder, number, begin)
