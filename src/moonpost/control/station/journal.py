"""The journal of telecommands that reached the station: each line is on the disk before it counts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moonpost.errors import DataError, InputError, OutputError

__all__: list[str] = []

_CHAINED = re.compile(rb'(\{.*),"chain":"([0-9a-f]{64})"\}', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    r"""A telecommand on its way to the station.

    Parameters
    ----------
    sent_us, arrived_us : int
        When it left the ground, and when it reaches the station [us of UTC].
    octets : bytes
        The packet.

    Examples
    --------
    >>> Entry(0, 1_250_000, b"\x18").octets.hex()
    '18'
    """

    sent_us: int
    arrived_us: int
    octets: bytes


class Journal:
    r"""An append-only file of entries, one JSON object a line, the first of which names the flight.

    Each line ends with a digest of itself and of all lines before it.

    Parameters
    ----------
    path : path-like
        The file; made where it is not there.
    flight : mapping
        What the entries belong to: plan, start, step, seed. A file of another flight is refused.

    Raises
    ------
    InputError
        If the file belongs to another flight.
    DataError
        If a line cannot be read, or does not follow from those before it: one was taken out, moved or changed.
    OutputError
        If the file cannot be made.

    Notes
    -----
    A last line without its end was being written when the process was killed; it was never answered and is cut.
    The digest of a line is the SHA-256 of the digest before it, as hexadecimal digits, and of its octets up to the
    digest. Lines at the start without digests, of a journal begun before there were any, are taken as they are and
    counted in `unchained`; the next line that is written covers them. The digests tell damage and slips of hand,
    not a forger who makes them anew, and not that whole lines are missing at the end.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "journal.jsonl"
    ...     with Journal(path, {"plan": "a"}) as journal:
    ...         journal.append(Entry(0, 5, b"\x18"))
    ...     with Journal(path, {"plan": "a"}) as journal:
    ...         len(journal.entries)
    1
    """

    def __init__(self, path: str | os.PathLike[str], flight: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self._flight = json.loads(json.dumps(dict(flight)))
        self.entries: list[Entry] = []
        self.unchained = 0
        self._digest = b""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise _failed(self.path, error) from error
        try:
            self._length = self._load()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, entry: Entry) -> None:
        """Add an entry; it is on the disk when this returns.

        Parameters
        ----------
        entry : Entry
            What arrived.

        Raises
        ------
        OutputError
            If it cannot be written, such as on a full disk; the file then is what it was.
        """
        self._write({"sent_us": entry.sent_us, "arrived_us": entry.arrived_us, "octets": entry.octets.hex()})
        self.entries.append(entry)

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _load(self) -> int:
        """Read what is there, cut a half line, and begin a new file; its length."""
        octets = self.path.read_bytes()
        whole = octets.rfind(b"\n") + 1
        if whole < len(octets):
            try:
                os.ftruncate(self._file, whole)
                os.fsync(self._file)
            except OSError as error:
                raise _failed(self.path, error) from error
        lines = octets[:whole].split(b"\n")[:-1]
        rows = [self._row(number, line) for number, line in enumerate(lines, 1)]
        if not rows:
            self._length = 0
            self._write({"flight": self._flight})
            _sync_folder(self.path.parent)
            return self._length
        if rows[0].get("flight") != self._flight:
            raise InputError(
                "belongs to another flight: plan, start, length, step, site or seed differ",
                where=str(self.path),
                advice="give the same again, or another folder",
            )
        self.entries += [self._entry(number, row) for number, row in enumerate(rows[1:], 2)]
        return whole

    def _row(self, number: int, line: bytes) -> dict[str, Any]:
        """A line as an object, checked against those before it."""
        chained = _CHAINED.fullmatch(line)
        if chained is None:
            if self.unchained != number - 1:
                raise self._broken(number)
            self.unchained = number
        self._digest = _digest(self._digest, line if chained is None else chained[1])
        if chained is not None and self._digest != chained[2]:
            raise self._broken(number)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._fault(number) from error
        if not isinstance(row, dict):
            raise self._fault(number)
        return row

    def _entry(self, number: int, row: dict[str, Any]) -> Entry:
        try:
            return Entry(int(row["sent_us"]), int(row["arrived_us"]), bytes.fromhex(row["octets"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._fault(number) from error

    def _broken(self, number: int) -> DataError:
        return DataError(
            "does not follow from the lines before it: one was taken out, put in, moved or changed",
            where=f"{self.path}, line {number}",
            advice="restore the file from a backup; what was commanded since is in the audit ledger",
        )

    def _fault(self, number: int) -> DataError:
        return DataError(
            "cannot be read", where=f"{self.path}, line {number}", advice="restore the file from a backup"
        )

    def _write(self, row: Mapping[str, Any]) -> None:
        """Add a line, or leave the file as it was."""
        body = json.dumps(row, separators=(",", ":")).encode()[:-1]
        digest = _digest(self._digest, body)
        line = body + b',"chain":"' + digest + b'"}\n'
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._file, line[written:], self._length + written)
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):  # the next line begins at the same place in any case
                os.ftruncate(self._file, self._length)
            raise _failed(self.path, error) from error
        self._length += len(line)
        self._digest = digest


def _digest(before: bytes, body: bytes) -> bytes:
    """The digest of a line, from that of the line before it."""
    return hashlib.sha256(before + body).hexdigest().encode()


def _failed(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        advice="make room on the disk and send the command again; the station goes on",
    )


def _sync_folder(folder: Path) -> None:
    """Make a new file's name last."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
