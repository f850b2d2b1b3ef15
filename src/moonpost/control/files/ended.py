"""Transfers that have ended, remembered over the death of a process so that none is delivered twice."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["ENDED", "Delivered", "Ended", "key_in"]

ENDED = ".ended"
"""How names of the notes end."""
_REMEMBERED = 1024
_LAST_WORDS = 10  # how many timers to say that a file is there, until that is acknowledged
_Key = tuple[int, int]


@dataclass(frozen=True)
class Delivered:
    """A file that was put under its name, and what tells the sender so.

    Parameters
    ----------
    name : str
        Its name.
    octets : int
        Its size.
    crc32 : int
        Its checksum, CRC-32.
    finished : str
        The unit that tells it, in hexadecimal digits; nothing once the sender has acknowledged it.

    Examples
    --------
    >>> Delivered("map.tif", 3, 0x352441C2).finished
    ''
    """

    name: str
    octets: int
    crc32: int
    finished: str = ""


class Ended:
    """The last transfers that ended, 1,024 at most; of those that brought a file there is a note in a folder.

    Parameters
    ----------
    folder : Path
        The folder; what an earlier process noted is taken up.

    Raises
    ------
    OSError
        If the folder cannot be read.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Ended(Path(folder)).deliver((1, 9), Delivered("a.txt", 3, 5, "00ff"))
    ...     again = Ended(Path(folder))
    ...     (1, 9) in again, again.due(0.0, 1.0)[0].hex(), again.due(0.5, 1.0)
    (True, '00ff', [])
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[_Key, Delivered | None] = {}
        self._waiting: dict[_Key, tuple[float, float]] = {}
        for path in sorted(_notes(folder), key=lambda path: path.stat().st_mtime_ns):
            key = key_in(path)
            if key is None:
                path.unlink()
                continue
            found = self._known[key] = _read(path)
            if found is not None and found.finished:
                self._waiting[key] = (math.inf, -math.inf)
        self._shorten()

    def __contains__(self, key: _Key) -> bool:
        return key in self._known

    def get(self, key: _Key) -> Delivered | None:
        """What a transfer delivered; None if nothing or if that is not known."""
        return self._known.get(key)

    def give_up(self, key: _Key) -> None:
        """Remember a transfer that delivered nothing, in this process alone."""
        self._known[key] = None
        self._shorten()

    def deliver(self, key: _Key, what: Delivered) -> None:
        """Note what a transfer delivered; it is on the disk for certain when this returns."""
        self._known.pop(key, None)
        self._known[key] = what
        self._shorten()
        self._write(key, what)

    def settle(self, key: _Key) -> None:
        """The sender knows, or was told often enough."""
        self._waiting.pop(key, None)
        known = self._known.get(key)
        if known is not None and known.finished:
            self._known[key] = Delivered(known.name, known.octets, known.crc32)
            self._write(key, self._known[key])

    def forget(self, key: _Key) -> None:
        """Let a number begin anew."""
        self._waiting.pop(key, None)
        self._known.pop(key, None)
        self._path(key).unlink(missing_ok=True)

    def due(self, now_s: float, timer_s: float) -> list[bytes]:
        """Units that tell senders that a file is there, of those that an earlier process did not hear of."""
        units = []
        for key, (begun_s, told_s) in tuple(self._waiting.items()):
            known = self._known[key]
            begun_s = min(begun_s, now_s)
            if now_s - begun_s > _LAST_WORDS * timer_s or known is None:
                self.settle(key)
            elif now_s - told_s >= timer_s:
                self._waiting[key] = (begun_s, now_s)
                units.append(bytes.fromhex(known.finished))
        return units

    def _path(self, key: _Key) -> Path:
        return self._folder / f"{key[0]}-{key[1]}{ENDED}"

    def _write(self, key: _Key, what: Delivered | None) -> None:
        """Replace a note as a whole."""
        path = self._path(key)
        part = path.with_suffix(".note")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(what) if what is not None else None, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _shorten(self) -> None:
        """Forget the oldest."""
        while len(self._known) > _REMEMBERED:
            self.forget(next(iter(self._known)))


def key_in(path: Path) -> _Key | None:
    """Sender and number of a transfer in a file's name; None if it has none.

    Examples
    --------
    >>> key_in(Path("1-10.units")), key_in(Path("notes.units"))
    ((1, 10), None)
    """
    sender, _, number = path.stem.partition("-")
    if not (sender.isascii() and sender.isdigit() and number.isascii() and number.isdigit()):
        return None
    return int(sender), int(number)


def _notes(folder: Path) -> Iterator[Path]:
    """Files of notes."""
    return (path for path in folder.iterdir() if path.suffix == ENDED and path.is_file())


def _read(path: Path) -> Delivered | None:
    """A note; None if it cannot be read, which tells still that the transfer has ended."""
    try:
        found = Delivered(**json.loads(path.read_text("utf-8")))
        bytes.fromhex(found.finished)
    except (ValueError, TypeError):
        return None
    return found
