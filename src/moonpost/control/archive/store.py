"""The archive: packets in segments that lose nothing, parameters in parts that read fast."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from moonpost.control.archive.batch import Decoder, Packets, exact_times
from moonpost.control.archive.checking import Finding, check_quickly
from moonpost.control.archive.gaps import Gap
from moonpost.control.archive.parameters import ParameterStore
from moonpost.control.archive.reading import read_bins, read_gaps, read_samples
from moonpost.control.archive.segments import (
    Segment,
    each_segment,
    encode,
    list_segments,
    read_seal,
    read_segment,
)
from moonpost.control.archive.series import Series
from moonpost.control.archive.writer import SegmentWriter
from moonpost.errors import DataError, DateError, InputError, MoonpostError, OutputError, UnknownNameError
from moonpost.sky.times import TimeLike

__all__ = ["Archive", "Receipt", "Status"]


@dataclass(frozen=True)
class Receipt:
    """What became of packets that were appended.

    Parameters
    ----------
    packets : int
        How many were taken.
    duplicates : int
        How many of them were there before; they are kept as received and shown once.
    acknowledged : bool
        Whether they are on the disk.
    """

    packets: int
    duplicates: int
    acknowledged: bool


@dataclass(frozen=True)
class Status:
    """How an archive is.

    Parameters
    ----------
    packets : int
        Packets appended since it was opened.
    acknowledged : int
        How many of them are on the disk for certain.
    duplicates : int
        Packets that came again since it was opened.
    undecoded : int
        Packets whose parameters could not be decoded since it was opened.
    full_since : numpy.datetime64 or None
        UTC since when no packet could be written, or None.
    cut_bytes : int
        Octets of half records that were ever cut off.
    damage : int
        Places in closed segments that are no sound records.
    trouble : str
        The last reason why parameters could not be decoded or written, or nothing.
    """

    packets: int
    acknowledged: int
    duplicates: int
    undecoded: int
    full_since: np.datetime64 | None
    cut_bytes: int
    damage: int
    trouble: str


class Archive:
    """An archive of telemetry in a folder; `Archive.open` opens it.

    Attributes
    ----------
    findings : tuple of Finding
        What was wrong with closed segments and parts at the opening to write, as far as a moment tells.

    Examples
    --------
    >>> import tempfile
    >>> def decode(apid, packets):
    ...     return {"temperature_k": packets.data.view(">f4")}
    >>> octets = np.arange(250, 254, dtype=">f4").tobytes()
    >>> batch = Packets.of([octets[i : i + 4] for i in range(0, 16, 4)], 7,
    ...                    np.datetime64("2030-01-01", "us") + np.arange(4) * 1_000_000, range(4), "2030-01-01")
    >>> with tempfile.TemporaryDirectory() as folder, Archive.open(folder, decode) as archive:
    ...     receipt = archive.append(batch)
    ...     found = archive.query("temperature_k", "2030-01-01", "2030-01-02")
    >>> receipt.acknowledged, found.value.tolist()
    (True, [250.0, 251.0, 252.0, 253.0])
    """

    def __init__(
        self,
        folder: Path,
        writer: SegmentWriter | None,
        store: ParameterStore | None,
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.folder = folder
        self.findings = findings
        self._writer = writer
        self._store = store
        self._lock = threading.RLock()
        self._behind = threading.Lock()
        self._flusher: threading.Thread | None = None
        self._is_open = True

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        decode: Decoder | None = None,
        *,
        read_only: bool = False,
        sync_s: float = 0.0,
        segment_bytes: int = 64 << 20,
        hot_values: int = 8 << 20,
    ) -> Archive:
        """Open an archive, or begin one.

        Parameters
        ----------
        folder : path-like
            Its folder.
        decode : callable, optional
            ``decode(apid, packets)`` turns packets of one channel into columns, a mapping of names to arrays.
            Without it packets are kept and no parameter can be queried.
        read_only : bool
            Whether to look only, at what there is now; the folder is not changed.
        sync_s : float
            0: packets are on the disk when `append` returns. Else the disk is waited for at most once in so many
            seconds [s], and `Receipt.acknowledged` and `sync` tell what is certain.
        segment_bytes : int
            Length at which a segment is closed.
        hot_values : int
            Values kept in memory before they are written to parts.

        Returns
        -------
        Archive

        Raises
        ------
        InputError
            If a setting cannot be used.
        OutputError
            If another process writes this archive, or the folder cannot be written.
        DataError
            If there is no archive to read, or a file of it cannot be read.
        MissingExtraError
            If parameters are wanted and DuckDB is not installed.
        """
        place = Path(folder)
        if not (np.isfinite(sync_s) and sync_s >= 0.0 and segment_bytes >= 4096 and hot_values >= 1):
            raise InputError("cannot be used", where="settings of the archive", advice="give positive numbers")
        if read_only and not (place / "raw").is_dir():
            raise DataError("holds no archive", where=str(place), advice="check the path")
        writer = None if read_only else SegmentWriter(place, int(segment_bytes), float(sync_s))
        store = None
        try:
            findings = () if writer is None else check_quickly(place, writer.closed)
            if decode is not None:
                store = ParameterStore(place / "parameters", decode, int(hot_values), not read_only)
                _take_up(place, store, writer)
        except BaseException:
            if store is not None:
                store.close()
            if writer is not None:
                writer.close()
            raise
        return cls(place, writer, store, findings)

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, packets: Packets) -> Receipt:
        """Take packets.

        Parameters
        ----------
        packets : Packets
            Packets in the order of their receipt.

        Returns
        -------
        Receipt

        Raises
        ------
        OutputError
            If the disk is full or fails, or the archive is open to read only. None of these packets is kept then,
            all earlier ones are, and the next call tries again.
        """
        writer = self._writing()
        if not len(packets):
            return Receipt(0, 0, writer.acknowledged == writer.appended)
        records, check = encode(packets)
        duplicates = 0
        with self._lock:
            writer.append(records, packets)
            if self._store is not None:
                duplicates = self._store.ingest(packets, check, writer.position)
        if self._store is not None and self._store.is_due:
            self._flush_behind(self._store)
        return Receipt(len(packets), duplicates, writer.acknowledged == writer.appended)

    def _flush_behind(self, store: ParameterStore) -> None:
        """Write parameters in a thread of its own, one at a time, so that memory holds no more than two loads."""

        def write() -> None:
            try:
                self.sync()
                store.flush()
            except MoonpostError as error:
                store.trouble = str(error)

        with self._behind:
            if self._flusher is not None:
                self._flusher.join()
            if store.is_due:
                self._flusher = threading.Thread(target=write, name="archive-parts", daemon=True)
                self._flusher.start()

    def sync(self) -> int:
        """Put all that was appended on the disk, and tell how many packets are acknowledged since the opening.

        Returns
        -------
        int

        Raises
        ------
        OutputError
            If the disk fails; then packets appended since the last acknowledgement must be sent again.
        """
        writer = self._writing()
        with self._lock:
            return writer.sync()

    def flush(self) -> None:
        """Write parameters in memory to parts, so that the next opening is quick.

        Raises
        ------
        OutputError
            If the disk is full; nothing is lost.
        """
        self.sync()
        if self._store is not None:
            self._store.flush()

    def query(self, parameter: str, start: TimeLike, stop: TimeLike, *, bins: int | None = None) -> Series:
        """Samples of a parameter, or statistics of them, of any time up to now.

        Parameters
        ----------
        parameter : str
            Its name, as the decoder gives it.
        start, stop : datetime64, str or datetime
            The period in UTC, its end not included.
        bins : int, optional
            Most bins: their length is the shortest power of two of microseconds that suffices, so they lie on one
            grid at all times. The first and the last are whole and may reach beyond the period.

        Returns
        -------
        Series
            Every sample without `bins`; else mean, minimum, maximum and count of each bin. NaN is no sample.

        Raises
        ------
        UnknownNameError
            If no packet carried such a parameter.
        InputError
            If the archive was opened without a decoder, `bins` is not 1 to 1,000,000, or samples are too many.
        DateError
            If a time cannot be read or `stop` is not after `start`.
        """
        store, known = self._reading(), self.parameters
        if parameter not in known:
            raise UnknownNameError(parameter, known, kind="parameter", where=str(self.folder))
        start_us, stop_us = _period(start, stop)
        start_us = max(start_us, store.retained_us if store.retained_us is not None else start_us)
        stop_us = max(start_us + 1, stop_us)
        if bins is None:
            return read_samples(store, known[parameter], parameter, start_us, stop_us)
        if isinstance(bins, bool) or not 1 <= bins <= 1_000_000:
            raise InputError(f"{bins!r} bins", where="query", advice="give 1 to 1,000,000")
        return read_bins(store, known[parameter], parameter, start_us, stop_us, int(bins))

    def gaps(self, start: TimeLike, stop: TimeLike) -> tuple[Gap, ...]:
        """Gaps of all channels by sequence count that reach into a period.

        Parameters
        ----------
        start, stop : datetime64, str or datetime
            The period in UTC.

        Returns
        -------
        tuple of Gap

        Raises
        ------
        InputError
            If the archive was opened without a decoder.
        """
        store = self._reading()
        return read_gaps(store, store.apids(), *_period(start, stop))

    def retire(self, before: TimeLike) -> tuple[int, int]:
        """Let go of packets and parameters of before a time; what is newer is untouched.

        Parameters
        ----------
        before : datetime64, str or datetime
            UTC. Parameters of before it are not shown any more. Closed segments all of whose packets are older,
            the oldest first, and parts likewise, are removed.

        Returns
        -------
        segments : int
            Segments removed.
        parts : int
            Parts removed.

        Raises
        ------
        InputError
            If the archive is open without a decoder.
        OutputError
            If it is open to read only, or the disk fails.
        """
        writer, store = self._writing(), self._reading()
        before_us = _instant(before)
        store.flush()
        parts = store.retire(before_us)
        with self._lock:
            return writer.retire(before_us), parts

    @property
    def appended(self) -> int:
        """Packets appended since the opening."""
        return self._writer.appended if self._writer else 0

    @property
    def acknowledged(self) -> int:
        """How many of `appended` are on the disk for certain."""
        return self._writer.acknowledged if self._writer else 0

    @property
    def span(self) -> tuple[np.datetime64, np.datetime64] | None:
        """Time of the first and the last packet; None if there are none."""
        store = self._reading()
        spells = store.spells(store.apids())
        if not spells:
            return None
        first, last = min(spell[0] for spell in spells), max(spell[1] for spell in spells)
        return np.datetime64(first, "us"), np.datetime64(last, "us")

    def last(self, parameter: str, before: TimeLike | None = None) -> tuple[np.datetime64, Any] | None:
        """The newest sample of a parameter.

        Parameters
        ----------
        parameter : str
            Its name.
        before : datetime64, str or datetime, optional
            UTC before which it has to lie.

        Returns
        -------
        (numpy.datetime64, number) or None
            Its time and value; None if there is none.

        Raises
        ------
        UnknownNameError, InputError
            As of `query`.
        """
        store, known = self._reading(), self.parameters
        if parameter not in known:
            raise UnknownNameError(parameter, known, kind="parameter", where=str(self.folder))
        limit = None if before is None else _instant(before)
        for first, last in store.spells(known[parameter]):
            stop = last + 1 if limit is None else min(limit, last + 1)
            if stop <= first:
                continue
            width = 1 << 10
            while True:
                found = read_samples(store, known[parameter], parameter, max(first, stop - width), stop)
                if len(found):
                    return found.time[-1], found.value[-1].item()
                if stop - width <= first:
                    break
                width <<= 6
        return None

    @property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Names of the parameters that packets carried, with the channels that carry them."""
        return self._reading().channels()

    def packets(self, start: TimeLike, stop: TimeLike, *, apid: int | None = None) -> Iterator[Packets]:
        """Packets as received, duplicates too, segment by segment.

        Parameters
        ----------
        start, stop : datetime64, str or datetime
            Period of the packets' own times in UTC, its end not included.
        apid : int, optional
            The channel; all if None.

        Yields
        ------
        Packets
            Packets of one segment in the order of their receipt.
        """
        first, last = _period(start, stop)
        for number in list_segments(self.folder):
            try:
                seal = read_seal(self.folder, number)
            except DataError:  # damaged: the packets themselves tell
                seal = None
            if seal is not None and not _reaches(seal, first, last, apid):
                continue
            found = read_segment(self.folder, number).packets
            time_us = found.time.astype(np.int64)
            chosen = (time_us >= first) & (time_us < last)
            if apid is not None:
                chosen &= found.apid == apid
            if np.any(chosen):
                yield found.take(np.flatnonzero(chosen))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What the closed segments hold, and the open one."""
        if self._writer is not None:
            opened = self._writer.open_segment
            return (*self._writer.closed, *([opened] if opened else []))
        found = (read_seal(self.folder, number) for number in list_segments(self.folder))
        return tuple(seal for seal in found if seal is not None)

    @property
    def status(self) -> Status:
        """How the archive is."""
        writer, store = self._writer, self._store
        since = writer.full_since if writer else None
        seals = self.segments
        return Status(
            packets=writer.appended if writer else 0,
            acknowledged=writer.acknowledged if writer else 0,
            duplicates=store.duplicates if store else 0,
            undecoded=store.undecoded if store else 0,
            full_since=None if since is None else np.datetime64(int(since * 1e3), "ms"),
            cut_bytes=sum(seal.cut_bytes for seal in seals),
            damage=sum(len(seal.damage) for seal in seals),
            trouble=store.trouble if store else "",
        )

    def close(self) -> None:
        """Write what is in memory and close; a second call does nothing.

        Raises
        ------
        OutputError
            If the disk is full: then parameters are made again from the packets at the next opening.
        """
        if not self._is_open:
            return
        self._is_open = False
        if self._flusher is not None:
            self._flusher.join()
        try:
            if self._writer is not None and self._store is not None:
                self._writer.sync()
                self._store.flush()
        finally:
            if self._store is not None:
                self._store.close()
            if self._writer is not None:
                self._writer.close()

    def _writing(self) -> SegmentWriter:
        """The writer, or an error."""
        if self._writer is None or not self._is_open:
            raise OutputError(
                "the archive is closed or open to read only", where=str(self.folder), advice="open it to write"
            )
        return self._writer

    def _reading(self) -> ParameterStore:
        """The parameters, or an error."""
        if self._store is None or not self._is_open:
            raise InputError(
                "the archive is closed or was opened without a decoder",
                where=str(self.folder),
                advice="open it with decode=...",
            )
        return self._store


def _take_up(place: Path, store: ParameterStore, writer: SegmentWriter | None) -> None:
    """Decode what the parts do not reach; segments that are missing leave their numbers unused."""
    if writer is not None:
        writer.pass_by(store.watermark[0])
    for number, content in each_segment(place, store.watermark):
        if len(content.packets):
            store.ingest(content.packets, content.check, (number, int(content.ends[-1])))


def _period(start: TimeLike, stop: TimeLike) -> tuple[int, int]:
    """A period in microseconds since 1970."""
    first, last = _instant(start), _instant(stop)
    if last <= first:
        raise DateError("stop is not after start", where="period", advice="swap them")
    return first, last


def _instant(t: TimeLike) -> int:
    """One instant in microseconds since 1970."""
    found = exact_times(t)
    if found.shape != () or np.isnat(found):
        raise DateError("is not one instant", where="time", advice="give one time")
    return int(found.astype(np.int64))


def _reaches(seal: Segment, first: int, last: int, apid: int | None) -> bool:
    """Whether a segment may hold packets of a period and channel."""
    kept = seal.channels if apid is None else {k: v for k, v in seal.channels.items() if k == str(apid)}
    return any(begin < last and end >= first for _, begin, end in kept.values())
