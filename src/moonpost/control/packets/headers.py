"""Space packets: many at once in one array of octets, their headers read and written by numpy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["HEADER_OCTETS", "IDLE_APID", "LONGEST", "Packets", "idle_packet", "make_packets"]

HEADER_OCTETS = 6
"""Octets of the primary header."""
IDLE_APID = 2047
"""The APID of packets that only fill."""
LONGEST = HEADER_OCTETS + 65536
"""Octets of the longest packet."""

_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_COUNTS = 16384


@dataclass(frozen=True)
class Packets:
    r"""Space packets in one array of octets.

    Parameters
    ----------
    data : ndarray of uint8
        Octets that hold the packets.
    start : ndarray of int64, (n,)
        Where each packet begins in `data`.
    length : ndarray of int64, (n,)
        Octets of each, with its header.

    Notes
    -----
    The primary header is three words of 16 bits: version (3 bits, 000), type, secondary header flag and APID (11);
    sequence flags (2) and count (14); octets after the header less one.

    References
    ----------
    CCSDS 133.0-B-2, Space Packet Protocol, 2020, section 4.1.

    Examples
    --------
    >>> packets = make_packets(5, [b"abc", b"de"])
    >>> packets.apid, packets.count, packets[1]
    (array([5, 5]), array([0, 1]), b'\x00\x05\xc0\x01\x00\x01de')
    """

    data: _Bytes
    start: _Ints
    length: _Ints

    def __len__(self) -> int:
        return int(self.start.size)

    def __getitem__(self, index: int) -> bytes:
        first = self.start[index]
        return self.data[first : first + self.length[index]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        return (self[index] for index in range(len(self)))

    @classmethod
    def empty(cls) -> Packets:
        """No packets."""
        none = np.zeros(0, np.int64)
        return cls(np.zeros(0, np.uint8), none, none)

    @classmethod
    def of(cls, packets: Sequence[bytes]) -> Packets:
        """Packets given one by one; their headers are not looked at."""
        length = np.array([len(packet) for packet in packets], np.int64)
        if length.size and length.min() <= HEADER_OCTETS:
            raise InputError(
                "a packet of 6 octets or less", where="packets", advice="give a header and at least one octet"
            )
        data = np.frombuffer(bytearray(b"".join(packets)), np.uint8)
        return cls(data, np.cumsum(length) - length, length)

    @classmethod
    def join(cls, parts: Sequence[Packets]) -> Packets:
        """Packets of several arrays in one."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        shifts = np.cumsum([0, *(part.data.size for part in parts[:-1])])
        return cls(
            np.concatenate([part.data for part in parts]),
            np.concatenate([part.start + shift for part, shift in zip(parts, shifts, strict=True)]),
            np.concatenate([part.length for part in parts]),
        )

    def word(self, at: int) -> _Ints:
        """The 16 bits at an even place of each header."""
        return (self.data[self.start + at].astype(np.int64) << 8) | self.data[self.start + at + 1]

    @property
    def apid(self) -> _Ints:
        """Application process of each, 0 to 2047."""
        return self.word(0) & 0x7FF

    @property
    def telecommand(self) -> npt.NDArray[np.bool_]:
        """Whether each is a telecommand."""
        return (self.word(0) & 0x1000) != 0

    @property
    def secondary(self) -> npt.NDArray[np.bool_]:
        """Whether each has a secondary header."""
        return (self.word(0) & 0x0800) != 0

    @property
    def flags(self) -> _Ints:
        """Sequence flags of each: 3 whole, 1 first, 0 middle, 2 last segment."""
        return self.word(2) >> 14

    @property
    def count(self) -> _Ints:
        """Sequence count of each, 0 to 16383."""
        return self.word(2) & 0x3FFF

    def select(self, rows: npt.NDArray[np.bool_] | _Ints) -> Packets:
        """Some of the packets, in the same array of octets."""
        return Packets(self.data, self.start[rows], self.length[rows])

    def rows(self, first: int, octets: int) -> _Bytes:
        """The same piece of each packet, (n, octets); all must reach that far."""
        if not len(self):
            return np.zeros((0, octets), np.uint8)
        steps = np.diff(self.start)
        if steps.size == 0 or (np.all(steps == steps[0]) and steps[0] >= octets):
            stride = int(steps[0]) if steps.size else octets
            piece = self.data[self.start[0] + first :]
            shape, strides = (len(self), octets), (stride, 1)
            return np.lib.stride_tricks.as_strided(piece, shape, strides, writeable=False)
        windows = np.lib.stride_tricks.sliding_window_view(self.data, octets)
        return np.asarray(windows[self.start + first])


def make_packets(
    apid: int,
    bodies: Sequence[bytes] | _Bytes,
    *,
    first_count: int = 0,
    secondary: bool = False,
    telecommand: bool = False,
    flags: int = 3,
) -> Packets:
    """Space packets of one application.

    Parameters
    ----------
    apid : int
        Application process, 0 to 2047.
    bodies : sequence of bytes or ndarray of uint8, (n, octets)
        What follows each primary header, 1 to 65536 octets.
    first_count : int
        Sequence count of the first; the others count on, from 16383 to 0.
    secondary, telecommand : bool
        Whether bodies begin with a secondary header; whether they are telecommands.
    flags : int
        Sequence flags: 3 whole, 1 first, 0 middle, 2 last segment.

    Returns
    -------
    Packets
        The packets, one after the other.

    Raises
    ------
    InputError
        If a number does not fit into its field.

    Examples
    --------
    >>> make_packets(2047, np.zeros((2, 1), np.uint8), first_count=16383).count
    array([16383,     0])
    """
    _in_range("apid", apid, IDLE_APID)
    _in_range("first_count", first_count, _COUNTS - 1)
    _in_range("flags", flags, 3)
    if isinstance(bodies, np.ndarray):
        size = np.full(len(bodies), bodies.shape[1], np.int64)
    else:
        size = np.array([len(body) for body in bodies], np.int64)
    if size.size and (size.min() < 1 or size.max() > 65536):
        raise InputError(
            "a packet needs 1 to 65536 octets after its header", where="bodies", advice="split it or fill it up"
        )
    words = np.empty((size.size, 3), ">u2")
    words[:, 0] = int(telecommand) << 12 | int(secondary) << 11 | apid
    words[:, 1] = flags << 14 | (first_count + np.arange(size.size)) % _COUNTS
    words[:, 2] = size - 1
    head = words.view(np.uint8)
    length = size + HEADER_OCTETS
    start = np.cumsum(length) - length
    if isinstance(bodies, np.ndarray):
        return Packets(np.hstack([head, bodies.astype(np.uint8, copy=False)]).ravel(), start, length)
    heads = head.tobytes()
    octets = b"".join(part for i, body in enumerate(bodies) for part in (heads[6 * i : 6 * i + 6], bytes(body)))
    return Packets(np.frombuffer(bytearray(octets), np.uint8), start, length)


def idle_packet(octets: int, count: int = 0) -> bytes:
    """A packet that only fills.

    Parameters
    ----------
    octets : int
        Its length with header, 7 to 65542 octets.
    count : int
        Its sequence count.

    Returns
    -------
    bytes
        The packet; its data are 0x55.

    Raises
    ------
    InputError
        If no packet has that length.

    Examples
    --------
    >>> idle_packet(8).hex()
    '07ffc00000015555'
    """
    _in_range("octets", octets - 7, 65535)
    return make_packets(IDLE_APID, [b"\x55" * (octets - 6)], first_count=count % _COUNTS)[0]


def _in_range(name: str, value: int, most: int) -> None:
    """Refuse a number that its field cannot hold."""
    if not 0 <= value <= most:
        raise InputError(
            f"{value} does not fit into its field", where=name, advice=f"give a number from 0 to {most}"
        )
