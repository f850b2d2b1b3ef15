"""Units of a file under way, kept beside it so that another process can take the transfer up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Journal"]

_HEADER_OCTETS = 6


class Journal:
    """Packets one after the other in a file; each tells its own length. It holds nothing open.

    Parameters
    ----------
    path : Path
        The file; what is in it is kept.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> packet = bytes.fromhex("17f4c0000001abcd")
    >>> with TemporaryDirectory() as folder:
    ...     Journal(Path(folder) / "a.units").add(packet, sure=True)
    ...     list(Journal.packets(Path(folder) / "a.units")) == [packet]
    True
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.octets = path.stat().st_size if path.exists() else 0

    def add(self, packet: bytes, *, sure: bool) -> None:
        """Add a packet, and wait for the disk if that has to be sure."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            written = os.write(descriptor, packet)
            if written != len(packet):
                os.ftruncate(descriptor, self.octets)
                raise OSError(f"{written} of {len(packet)} octets were written")
            if sure:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.octets += len(packet)

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    @staticmethod
    def packets(path: Path) -> Iterator[bytes]:
        """Whole packets of a file; what a process that died left of the last one is cut off."""
        sound = 0
        with path.open("r+b") as file:
            while len(header := file.read(_HEADER_OCTETS)) == _HEADER_OCTETS:
                size = int.from_bytes(header[4:], "big") + 1
                data = file.read(size)
                if len(data) < size:
                    break
                sound += _HEADER_OCTETS + size
                yield header + data
            file.truncate(sound)
