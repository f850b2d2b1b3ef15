"""The one writer of an archive's segments: appends, promises, and stops without harm when the disk is full."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from pathlib import Path

from moonpost.control.archive.batch import Packets
from moonpost.control.archive.segments import (
    HEAD_BYTES,
    Segment,
    channels_of,
    list_segments,
    merge_channels,
    read_retired,
    read_seal,
    remove_segment,
    seal_segment,
    segment_head,
    segment_path,
    sync_folder,
    write_all,
    write_seal,
)
from moonpost.control.archive.stops import stopped
from moonpost.errors import DataError, OutputError
from moonpost.files import write_json

__all__ = ["SegmentWriter"]

RESERVE_BYTES = 16 << 20


class SegmentWriter:
    """Appends records to the open segment of an archive and closes it when it is long enough.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the archive; made if it does not exist.
    segment_bytes : int
        Length at which a segment is closed.
    sync_s : float
        0: every append is on the disk before it returns. Else the longest time between two appends that are
        put on the disk [s].

    Raises
    ------
    OutputError
        If another process writes this archive, or the folder cannot be written.
    """

    def __init__(self, folder: Path, segment_bytes: int, sync_s: float) -> None:
        self.folder = folder
        self.closed: list[Segment] = []
        self.appended = 0
        self.acknowledged = 0
        self.full_since: float | None = None
        self._segment_bytes = segment_bytes
        self._sync_s = sync_s
        self._file = -1
        self._last_sync = 0.0
        self._number = 0
        try:
            (folder / "raw").mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(self._lock)
                raise OutputError(
                    "another process writes this archive",
                    where=str(folder),
                    advice="stop it, or open the archive to read only",
                ) from error
            try:
                self._seal_open_ones()
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise stopped(folder, error) from error
        self._number = max([self._number, *(segment.number for segment in self.closed)])

    def pass_by(self, number: int) -> None:
        """Give numbers after that of a segment that was there once, so that none is given twice."""
        self._number = max(self._number, number)

    @property
    def position(self) -> tuple[int, int]:
        """Number of the segment and the octet where the next record will begin."""
        return (self._number, self._end) if self._file >= 0 else (self._number + 1, HEAD_BYTES)

    @property
    def open_segment(self) -> Segment | None:
        """What the open segment holds so far, or None."""
        if self._file < 0:
            return None
        return Segment(self._number, self._end, self._records, dict(self._channels))

    def append(self, records: bytes, packets: Packets) -> None:
        """Append records; with `sync_s` 0 they are on the disk when this returns.

        Parameters
        ----------
        records : bytes
            The packets encoded.
        packets : Packets
            The same packets.

        Raises
        ------
        OutputError
            If the disk is full or fails: then none of these packets is kept, all earlier ones are, and the next
            append tries again.
        """
        try:
            self._ready(len(records))
            self._write(records)
        except (OSError, OutputError) as error:
            self.full_since = self.full_since or time.time()
            raise stopped(self.folder, error) from error
        self.full_since = None
        self._hash.update(records)
        self._end += len(records)
        self._records += len(packets)
        self.appended += len(packets)
        merge_channels(self._channels, channels_of(packets))
        if self._sync_s <= 0.0:
            self.acknowledged = self.appended
        elif time.monotonic() - self._last_sync >= self._sync_s:
            self.sync()

    def sync(self) -> int:
        """Put all that was appended on the disk, and tell how many packets of this writer are acknowledged.

        Returns
        -------
        int

        Raises
        ------
        OutputError
            If the disk fails, or the files are not in the folder any more.
        """
        try:
            self._at_home()
        except OSError as error:
            raise stopped(self.folder, error) from error
        if self._file >= 0 and self.acknowledged < self.appended:
            try:
                os.fdatasync(self._file)
            except OSError as error:
                self._abandon()
                raise stopped(self.folder, error, "send again what was not acknowledged") from error
        self._last_sync = time.monotonic()
        self.acknowledged = self.appended
        return self.acknowledged

    def close(self) -> None:
        """Close the open segment and let other writers in; a second call does nothing."""
        if self._lock < 0:
            return
        try:
            if self._file >= 0:
                self.sync()
                self._seal()
        except (OSError, OutputError) as error:
            raise stopped(self.folder, error) from error
        finally:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
            os.close(self._lock)
            self._lock = -1

    def retire(self, before_us: int) -> int:
        """Remove the oldest segments whose packets are all of before a time, and tell how many.

        Parameters
        ----------
        before_us : int
            The time [us of UTC since 1970].

        Returns
        -------
        int

        Raises
        ------
        OutputError
            If the disk fails.
        """
        gone = 0
        self.sync()
        while self.closed and all(last < before_us for _, _, last in self.closed[0].channels.values()):
            oldest = self.closed[0]
            told = {"number": oldest.number, "sha256": oldest.sha256}
            write_json(self.folder / "raw" / "retired.json", told)
            remove_segment(self.folder, oldest.number)
            self._before = oldest.sha256
            self.closed.pop(0)
            gone += 1
        return gone

    @property
    def _previous(self) -> str:
        """Hash of the last closed segment."""
        return self.closed[-1].sha256 if self.closed else self._before

    def _seal_open_ones(self) -> None:
        """Close what a stopped process left open."""
        self.closed = []
        retired, self._before = read_retired(self.folder)
        self._number = max(self._number, retired)
        for number in list_segments(self.folder):
            if number <= retired:
                remove_segment(self.folder, number)
                continue
            try:
                found = read_seal(self.folder, number)
            except DataError:
                found = None
            if found is None:
                found = seal_segment(self.folder, number, self._previous)
            if found is not None:
                self.closed.append(found)

    def _ready(self, more: int) -> None:
        """Have an open segment with room on the disk for some octets."""
        self._at_home()
        space = os.statvfs(self.folder)
        if space.f_bavail * space.f_frsize < more + RESERVE_BYTES:
            raise OSError(errno.ENOSPC, "less free space than the archive keeps in reserve")
        if self._file >= 0 and self._end >= self._segment_bytes:
            self.sync()
            self._seal()
        if self._file < 0:
            self._begin()

    def _at_home(self) -> None:
        """Refuse to write files that are not those of the folder any more: nobody would find it again."""
        for descriptor, path in ((self._lock, self.folder / "lock"), (self._file, self._path)):
            if descriptor >= 0 and not os.path.samestat(os.fstat(descriptor), os.stat(path)):
                raise OSError(errno.ESTALE, "another folder lies in its place")

    @property
    def _path(self) -> Path:
        """Where the open segment lies."""
        return segment_path(self.folder, self._number)

    def _begin(self) -> None:
        """Begin the next segment."""
        if len(list_segments(self.folder)) > len(self.closed):
            self._seal_open_ones()
        number = max(self._number, self.closed[-1].number if self.closed else 0) + 1
        path = segment_path(self.folder, number)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        head = segment_head(number)
        try:
            write_all(descriptor, head)
            os.fsync(descriptor)
            sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._file, self._number, self._end, self._records = descriptor, number, HEAD_BYTES, 0
        self._channels: dict[str, tuple[int, int, int]] = {}
        self._hash = hashlib.sha256(head)

    def _write(self, records: bytes) -> None:
        """Append octets; if that fails the file is as before."""
        try:
            write_all(self._file, records)
        except OSError:
            try:
                os.ftruncate(self._file, self._end)
            except OSError:
                self._abandon()
            raise
        if self._sync_s <= 0.0:
            try:
                os.fdatasync(self._file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._end)
                self._abandon()
                raise

    def _abandon(self) -> None:
        """Leave a file whose state on the disk is unknown; it is closed before the next begins."""
        with contextlib.suppress(OSError):
            os.close(self._file)
        self._file = -1
        self.appended = self.acknowledged

    def _seal(self) -> None:
        """Close the open segment."""
        hashed = self._hash.hexdigest()
        segment = Segment(self._number, self._end, self._records, dict(self._channels), hashed, self._previous)
        write_seal(self.folder, segment)
        os.close(self._file)
        self._file = -1
        self.closed.append(segment)
