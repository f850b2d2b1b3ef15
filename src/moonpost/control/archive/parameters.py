"""Decoded parameters: recent ones in memory, the rest in parts; always what the segments say."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.batch import Decoder, Packets
from moonpost.control.archive.manifest import Manifest, read_manifest, write_manifest
from moonpost.control.archive.parts import Part, PartStore, check_columns
from moonpost.control.archive.rows import Rows, Run, in_order, is_known, merge_rows
from moonpost.errors import DataError, MoonpostError

__all__ = ["ParameterStore", "Snapshot"]

_HOT_ROWS = 1 << 20
_PART_VALUES = 1 << 25
_PART_ROWS = 1 << 23
_MOST_RUNS = 32


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Parts and rows in memory of one channel at one instant.

    Parameters
    ----------
    parts : tuple of Part
        Parts on the disk.
    rows : tuple of Rows
        Rows in memory.
    """

    parts: tuple[Part, ...]
    rows: tuple[Rows, ...]


class ParameterStore:
    """Keeps the parameters of an archive.

    Parameters
    ----------
    folder : pathlib.Path
        Where the parts lie.
    decode : callable
        Turns packets of one channel into columns.
    hot_values : int
        Values in memory at which they are written to parts.
    writable : bool
        Whether parts may be written.

    Raises
    ------
    DataError
        If the manifest cannot be read.
    MissingExtraError
        If DuckDB is not installed.
    """

    def __init__(self, folder: Path, decode: Decoder, hot_values: int, writable: bool) -> None:
        self.files = PartStore(folder)
        self.parts: dict[int, tuple[Part, ...]] = {}
        self.watermark = (0, 0)
        self.retained_us: int | None = None
        self.duplicates = 0
        self.undecoded = 0
        self.trouble = ""
        self.stretches_kept: dict[int, tuple[tuple[str, ...], npt.NDArray[np.int64]]] = {}
        self._decode = decode
        self._hot_values = hot_values
        self._writable = writable
        self._hot: dict[int, list[Run]] = {}
        self._frozen: dict[int, list[Run]] = {}
        self._values = 0
        self._retry_at = 0
        self._serial = 0
        self._reach = (0, 0)
        self._readers = 0
        self._retired: list[str] = []
        self._lock = threading.RLock()
        self._flushing = threading.Lock()
        self._load()

    def ingest(self, packets: Packets, check: npt.NDArray[np.uint32], reach: tuple[int, int]) -> int:
        """Take packets that stand in the segments.

        Parameters
        ----------
        packets : Packets
            The packets, n of them.
        check : ndarray of uint32, (n,)
            Their checksums.
        reach : (int, int)
            Segment and octet up to which packets were taken, these included.

        Returns
        -------
        int
            How many of them were there before.
        """
        key = (packets.sequence.astype(np.int64) << 32) | check.astype(np.int64)
        time_us = packets.time.astype(np.int64)
        channels = np.unique(packets.apid).tolist()
        again = 0
        with self._lock:
            for apid in channels:
                own = np.flatnonzero(packets.apid == apid)
                fresh = self._fresh(apid, time_us[own], key[own])
                again += own.size - fresh.size
                if fresh.size:
                    rows = own[fresh]
                    whole = rows.size == len(packets) and bool(np.all(np.diff(rows) == 1))
                    self._take(apid, packets if whole else packets.take(rows), time_us[rows], key[rows])
            self._reach = reach
            self.duplicates += again
        return again

    @property
    def is_due(self) -> bool:
        """Whether enough is in memory to be written."""
        with self._lock:
            longest = max((sum(map(len, runs)) for runs in self._hot.values()), default=0)
            return self._values >= max(self._hot_values, self._retry_at) or longest >= max(
                _HOT_ROWS, self._retry_at
            )

    def flush(self) -> None:
        """Write what is in memory to parts; reading goes on meanwhile.

        Raises
        ------
        OutputError
            If the disk is full; then everything stays in memory and is written later.
        """
        with self._flushing:
            with self._lock:
                self._frozen, self._hot = self._hot, {}
                reach, self._values = self._reach, 0
            made: dict[int, list[Part]] = {}
            gone: list[Part] = []
            try:
                for apid, runs in self._frozen.items():
                    self._write(apid, [run.rows() for run in runs], made.setdefault(apid, []), gone)
                self._commit(made, gone, reach)
            except BaseException as error:
                with self._lock:
                    for apid, runs in self._hot.items():
                        self._frozen[apid] = self._frozen.get(apid, []) + runs
                    self._hot, self._frozen = self._frozen, {}
                    self._values = sum(len(r) * len(r.signature) for runs in self._hot.values() for r in runs)
                    self._retry_at = 2 * self._values
                    self.trouble = str(error)
                for part in (part for parts in made.values() for part in parts):
                    self.files.remove(part.stem)
                raise
            self._retry_at = 0

    @contextlib.contextmanager
    def reading(self, apid: int) -> Iterator[Snapshot]:
        """What there is of a channel; its files stay as long as the block lasts."""
        with self._lock:
            runs = [*self._frozen.get(apid, ()), *self._hot.get(apid, ())]
            found = Snapshot(self.parts.get(apid, ()), tuple(run.rows() for run in runs))
            self._readers += 1
        try:
            yield found
        finally:
            with self._lock:
                self._readers -= 1
            self._sweep()

    def channels(self) -> dict[str, tuple[int, ...]]:
        """Names of parameters and the channels that carry them."""
        found: dict[str, set[int]] = {}
        with self._lock:
            for apid in {*self.parts, *self._frozen, *self._hot}:
                runs = [*self._frozen.get(apid, ()), *self._hot.get(apid, ())]
                signatures = {part.signature for part in self.parts.get(apid, ())} | {r.signature for r in runs}
                for name in {name for signature in signatures for name, _ in signature}:
                    found.setdefault(name, set()).add(apid)
        return {name: tuple(sorted(apids)) for name, apids in sorted(found.items())}

    def apids(self) -> tuple[int, ...]:
        """All channels that have packets."""
        with self._lock:
            return tuple(sorted({*self.parts, *self._frozen, *self._hot}))

    def spells(self, apids: tuple[int, ...]) -> list[tuple[int, int]]:
        """First and last time of each part and each run in memory of channels, the newest first [us]."""
        with self._lock:
            found = [(part.first_us, part.last_us) for apid in apids for part in self.parts.get(apid, ())]
            runs = [run for apid in apids for kept in (self._frozen, self._hot) for run in kept.get(apid, ())]
            found += [(int(run.rows().time_us[0]), run.last_us) for run in runs]
        return sorted(found, key=lambda spell: -spell[1])

    def retire(self, before_us: int) -> int:
        """Let go of parts that end before a time, and show nothing older; tell how many parts went."""
        with self._flushing:
            gone = [part for parts in self.parts.values() for part in parts if part.last_us < before_us]
            with self._lock:
                self.retained_us = max(before_us, self.retained_us or before_us)
                kept = {apid: tuple(p for p in parts if p not in gone) for apid, parts in self.parts.items()}
                self.parts = {apid: parts for apid, parts in kept.items() if parts}
                self._keep()
                self._retired += [part.stem for part in gone]
            self._sweep()
        return len(gone)

    def close(self) -> None:
        """Let go of the files."""
        self.files.close()

    def _load(self) -> None:
        """Read the manifest; files that it does not name are left from a stopped process."""
        manifest = read_manifest(self.files.folder)
        self.watermark = self._reach = manifest.watermark
        self._serial, self.retained_us = manifest.serial, manifest.retained_us
        for part in manifest.parts:
            self.parts[part.apid] = (*self.parts.get(part.apid, ()), part)
        if self._writable:
            self._drop_strays({part.stem for part in manifest.parts})

    def _drop_strays(self, named: set[str]) -> None:
        """Remove files that the manifest does not name."""
        for file in [*self.files.folder.glob("*.parquet"), *self.files.folder.glob("*.npy")]:
            if file.name.partition(".")[0] not in named or file.name.startswith("."):
                file.unlink(missing_ok=True)

    def _fresh(
        self, apid: int, time_us: npt.NDArray[np.int64], key: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Which packets are not there yet, in order."""
        parts = self.parts.get(apid, ())
        runs = [*self._frozen.get(apid, ()), *self._hot.get(apid, ())]
        ordered = in_order(time_us, key)
        first, last = int(time_us.min()), int(time_us.max())
        if ordered and all(p.last_us < first for p in parts) and all(run.last_us < first for run in runs):
            return np.arange(time_us.size)
        near = [run.rows().between(first, last + 1) for run in runs if run.last_us >= first]
        for part in parts:
            if part.first_us <= last and part.last_us >= first:
                try:
                    near.append(self.files.read(part, (), first, last + 1))
                except DataError as error:
                    self.trouble = str(error)
        new = np.flatnonzero(~is_known(time_us, key, [(rows.time_us, rows.key) for rows in near]))
        return new if ordered else new[np.lexsort((key[new], time_us[new]))]

    def _take(
        self, apid: int, packets: Packets, time_us: npt.NDArray[np.int64], key: npt.NDArray[np.int64]
    ) -> None:
        """Decode new packets and put them behind others; those that cannot be decoded keep their place."""
        try:
            columns = check_columns(dict(self._decode(apid, packets)), len(packets))
        except (MoonpostError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            self.undecoded += len(packets)
            self.trouble = f"channel {apid}: {error}"
            columns = {}
        rows = Rows(time_us, key, columns)
        self._values += len(rows) * (1 + len(columns))
        runs = self._hot.setdefault(apid, [])
        for run in runs:
            begin = run.place(rows)
            if begin < len(rows):
                run.append(rows.take(slice(begin, None)))
                rows = rows.take(slice(0, begin))
            if not len(rows):
                return
        runs.append(Run(rows))
        if len(runs) > _MOST_RUNS:
            self._hot[apid] = [Run(merged) for merged in _merged([run.rows() for run in runs])]

    def _write(self, apid: int, rows: list[Rows], made: list[Part], gone: list[Part]) -> None:
        """Write rows of a channel, together with parts that are not much longer."""
        for merged in _merged(rows):
            limit = max(1 << 16, min(_PART_ROWS, _PART_VALUES // max(1, len(merged.columns))))
            names = tuple(merged.columns)
            size, old = len(merged), []
            for part in reversed([p for p in self.parts.get(apid, ()) if p.signature == merged.signature]):
                if part.size > size or 4 * size >= limit:
                    break
                old.append(part)
                size += part.size
            try:
                before = [self.files.read(p, names, p.first_us, p.last_us + 1) for p in reversed(old)]
            except DataError as error:
                self.trouble, before, old = str(error), [], []
            whole = merge_rows([*before, merged])
            gone += old
            for begin in range(0, len(whole), limit):
                self._serial += 1
                made.append(self.files.write(self._serial, apid, whole.take(slice(begin, begin + limit))))

    def _commit(self, made: dict[int, list[Part]], gone: list[Part], reach: tuple[int, int]) -> None:
        """Make new parts count instead of rows in memory and of parts that went into them."""
        with self._lock:
            before = self.parts, self.watermark
            self.parts = dict(self.parts)
            for apid, parts in made.items():
                kept = tuple(part for part in self.parts.get(apid, ()) if part not in gone)
                self.parts[apid] = (*kept, *parts)
            self.watermark = reach
            try:
                self._keep()
            except BaseException:
                self.parts, self.watermark = before
                raise
            self._frozen = {}
            self._retired += [part.stem for part in gone]
        self._sweep()

    def _keep(self) -> None:
        """Write the manifest."""
        parts = tuple(part for parts in self.parts.values() for part in parts)
        self.files.make_folder()
        write_manifest(self.files.folder, Manifest(self.watermark, self._serial, self.retained_us, parts))

    def _sweep(self) -> None:
        """Remove files that went into others, once nobody reads."""
        with self._lock:
            if self._readers:
                return
            stems, self._retired = self._retired, []
        for stem in stems:
            self.files.remove(stem)


def _merged(rows: list[Rows]) -> list[Rows]:
    """Rows of each signature in order."""
    groups: dict[object, list[Rows]] = {}
    for one in rows:
        groups.setdefault(one.signature, []).append(one)
    return [merge_rows(group) for group in groups.values()]
