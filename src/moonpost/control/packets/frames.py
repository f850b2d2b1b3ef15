"""Transfer frames of telemetry: their layout, and packets written into them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.headers import Packets, idle_packet
from moonpost.errors import InputError

__all__ = ["NO_START", "ONLY_IDLE", "SYNC_MARKER", "FrameLayout", "FrameWriter"]

SYNC_MARKER = bytes.fromhex("1ACFFC1D")
"""What stands before each frame in a stream of octets."""
NO_START = 2047
"""First header pointer of a frame in which no packet starts."""
ONLY_IDLE = 2046
"""First header pointer of a frame that only fills."""

_Bytes = npt.NDArray[np.uint8]
_HEADER = 6


@dataclass(frozen=True)
class FrameLayout:
    """What is the same in all frames of a spacecraft.

    Parameters
    ----------
    spacecraft : int
        Number of the spacecraft, 0 to 1023.
    octets : int
        Length of a frame with its header and checksum, without sync marker.
    checksum : bool
        Whether frames end with a CRC-16.
    control_field : bool
        Whether 4 octets of operational control field stand before the checksum.
    secondary_octets : int
        Length of the secondary header with its first octet, 2 to 64; 0 where frames have none. It is skipped when
        read and written as zeros.
    marker : bool
        Whether a sync marker stands before each frame: in a stream of octets, not in datagrams.

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    The header: version 00, spacecraft (10 bits), virtual channel (3), control field flag; count of the master
    channel; count of the virtual channel; secondary header flag, sync flag 0, packet order 0, segment length 11,
    first header pointer (11).

    References
    ----------
    CCSDS 132.0-B-3, TM Space Data Link Protocol, 2021, section 4.1; CCSDS 131.0-B-5, TM Synchronization and
    Channel Coding, 2023, section 9 (sync marker).

    Examples
    --------
    >>> FrameLayout(spacecraft=171).room
    1107
    """

    spacecraft: int = 1
    octets: int = 1115
    checksum: bool = True
    control_field: bool = False
    secondary_octets: int = 0
    marker: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.spacecraft <= 1023:
            raise InputError(
                f"{self.spacecraft} is no spacecraft number", where="spacecraft", advice="give 0 to 1023"
            )
        if self.secondary_octets and not 2 <= self.secondary_octets <= 64:
            raise InputError(
                f"no secondary header has {self.secondary_octets} octets",
                where="secondary_octets",
                advice="give 2 to 64, or 0 for none",
            )
        least = self.ahead + self.trailer + 1
        if not least <= self.octets <= 2048:
            raise InputError(
                f"{self.octets} octets are no frame", where="octets", advice=f"give {least} to 2048, such as 1115"
            )

    @property
    def ahead(self) -> int:
        """Octets before the data field."""
        return _HEADER + self.secondary_octets

    @property
    def trailer(self) -> int:
        """Octets after the data field."""
        return 4 * self.control_field + 2 * self.checksum

    @property
    def room(self) -> int:
        """Octets of the data field."""
        return self.octets - self.ahead - self.trailer

    @property
    def sent_octets(self) -> int:
        """Octets of a frame as sent, with its sync marker."""
        return self.octets + len(SYNC_MARKER) * self.marker


class FrameWriter:
    """Packets into frames, channel by channel; counts go on from call to call.

    Parameters
    ----------
    layout : FrameLayout
        What frames look like.

    Examples
    --------
    >>> from moonpost.control.packets.headers import make_packets
    >>> writer = FrameWriter(FrameLayout(spacecraft=171, octets=64))
    >>> sent = writer.write(make_packets(5, [bytes(90)])) + writer.flush()
    >>> len(sent), sent[:8].hex()
    (136, '1acffc1d0ab00000')
    """

    def __init__(self, layout: FrameLayout) -> None:
        self.layout = layout
        self._master = 0
        self._counts = [0] * 8
        self._waiting = [b""] * 8
        self._begins: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)] * 8
        self._idle_count = 0

    def waiting(self, channel: int = 0) -> int:
        """Octets that wait for a frame to be full."""
        return len(self._waiting[_channel(channel)])

    def write(self, packets: Packets, channel: int = 0) -> bytes:
        """Frames that packets fill; the rest waits for the next call.

        Parameters
        ----------
        packets : Packets
            Whole packets.
        channel : int
            Virtual channel, 0 to 7.

        Returns
        -------
        bytes
            Whole frames, with sync markers if the layout has them.

        Raises
        ------
        InputError
            If there is no such channel.
        """
        channel, room = _channel(channel), self.layout.room
        before = self._waiting[channel]
        octets = before + _joined(packets)
        ends = np.cumsum(packets.length)
        begins = np.concatenate((self._begins[channel], len(before) + ends - packets.length))
        n = len(octets) // room
        rest = begins >= n * room
        self._waiting[channel], self._begins[channel] = octets[n * room :], begins[rest] - n * room
        if not n:
            return b""
        fields = np.frombuffer(octets, np.uint8, n * room).reshape(n, room)
        first = np.searchsorted(begins, np.arange(n) * room)
        near = np.append(begins, len(octets))[first] - np.arange(n) * room
        return self._frames(fields, np.where(near < room, near, NO_START), channel)

    def flush(self, channel: int = 0) -> bytes:
        """The frame under way, filled up with an idle packet; nothing if none is.

        Parameters
        ----------
        channel : int
            Virtual channel, 0 to 7.

        Returns
        -------
        bytes
            One frame, or more where an idle packet did not fit into the first.
        """
        waiting = self.waiting(channel)
        if not waiting:
            return b""
        left = self.layout.room - waiting
        while left < 7:
            left += self.layout.room
        self._idle_count += 1
        return self.write(Packets.of([idle_packet(left, self._idle_count - 1)]), channel)

    def idle(self, channel: int = 7) -> bytes:
        """A frame that only fills; not while a packet is under way.

        Parameters
        ----------
        channel : int
            Virtual channel, 0 to 7.

        Returns
        -------
        bytes
            The frame, after that of `flush` where a packet was under way.
        """
        before = self.flush(channel)
        field = np.full((1, self.layout.room), 0x55, np.uint8)
        return before + self._frames(field, np.array([ONLY_IDLE]), channel)

    def _frames(self, fields: _Bytes, pointers: npt.NDArray[np.int64], channel: int) -> bytes:
        """Frames around data fields."""
        from moonpost.control.packets.kernels import checksums

        layout, n = self.layout, len(fields)
        ahead = len(SYNC_MARKER) * layout.marker
        frames = np.zeros((n, layout.sent_octets), np.uint8)
        frames[:, :ahead] = np.frombuffer(SYNC_MARKER, np.uint8)[:ahead]
        body = frames[:, ahead:]
        identity = layout.spacecraft << 4 | channel << 1 | layout.control_field
        body[:, 0], body[:, 1] = identity >> 8, identity & 0xFF
        body[:, 2] = (self._master + np.arange(n)) % 256
        body[:, 3] = (self._counts[channel] + np.arange(n)) % 256
        status = (layout.secondary_octets > 0) << 15 | 3 << 11 | pointers
        body[:, 4], body[:, 5] = status >> 8, status & 0xFF
        if layout.secondary_octets:
            body[:, _HEADER] = layout.secondary_octets - 1
        body[:, layout.ahead : layout.ahead + layout.room] = fields
        if layout.checksum:
            crc = checksums(np.ascontiguousarray(body[:, :-2]))
            body[:, -2], body[:, -1] = crc >> 8, crc & 0xFF
        self._master = (self._master + n) % 256
        self._counts[channel] = (self._counts[channel] + n) % 256
        return frames.tobytes()


def _joined(packets: Packets) -> bytes:
    """The octets of packets, one after the other."""
    if not len(packets):
        return b""
    ends = packets.start + packets.length
    if np.array_equal(packets.start[1:], ends[:-1]):
        return packets.data[packets.start[0] : ends[-1]].tobytes()
    return b"".join(packets)


def _channel(channel: int) -> int:
    """A virtual channel, checked."""
    if not 0 <= channel <= 7:
        raise InputError(f"{channel} is no virtual channel", where="channel", advice="give 0 to 7")
    return channel
