"""Links that carry space packets both ways."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Protocol

from moonpost.errors import InputError, MissingExtraError

__all__ = ["FILES_APID", "Link", "UdpLink", "need_cfdp"]

FILES_APID = 2036
"""The application process whose packets carry files."""
_LONGEST = 65542


class Link(Protocol):
    """What carries space packets, whole and one by one; it may lose, repeat and reorder them.

    Examples
    --------
    >>> UdpLink(("127.0.0.1", 0)).receive(0.0) is None
    True
    """

    def send(self, octets: bytes) -> None:
        """Send a packet."""

    def receive(self, timeout_s: float) -> bytes | None:
        """A packet that came, None if none came in time."""


class UdpLink:
    """A packet to a datagram.

    Parameters
    ----------
    local : (str, int)
        Address that it listens at; port 0 takes a free one.
    remote : (str, int), optional
        Address that it sends to; if None, where the last packet came from.

    Raises
    ------
    InputError
        If it cannot listen there.

    Examples
    --------
    >>> with UdpLink(("127.0.0.1", 0)) as one, UdpLink(("127.0.0.1", 0), one.address) as other:
    ...     other.send(b"packet")
    ...     one.receive(1.0)
    b'packet'
    """

    def __init__(self, local: tuple[str, int], remote: tuple[str, int] | None = None) -> None:
        self.remote = remote
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(local)
        except OSError as error:
            self._socket.close()
            raise InputError(f"cannot listen: {error}", where=str(local), advice="give another address") from error

    @property
    def address(self) -> tuple[str, int]:
        """Address that it listens at."""
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def send(self, octets: bytes) -> None:
        """Send a packet; one to nobody is lost."""
        if self.remote is not None:
            self._socket.sendto(octets, self.remote)

    def receive(self, timeout_s: float) -> bytes | None:
        """A packet that came, None if none came in time."""
        self._socket.settimeout(max(timeout_s, 0.0))
        try:
            octets, sender = self._socket.recvfrom(_LONGEST)
        except (BlockingIOError, TimeoutError, ConnectionError):
            return None
        self.remote = self.remote or (str(sender[0]), int(sender[1]))
        return octets

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def __enter__(self) -> UdpLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._socket.close()


def need_cfdp() -> None:
    """Refuse to go on without the package that speaks the protocol."""
    try:
        import cfdppy  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "the package cfdp-py is not installed", where="files", advice="pip install 'moonpost[cfdp]'"
        ) from error
