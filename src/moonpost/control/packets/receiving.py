"""Packets out of frames, streams and datagrams as they come; whatever comes, nothing is raised, all is counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.frames import ONLY_IDLE, SYNC_MARKER, FrameLayout
from moonpost.control.packets.headers import IDLE_APID, LONGEST, Packets
from moonpost.control.packets.tally import Gap, SequenceCounts, Tally

__all__ = ["FrameReader", "PacketReader", "Received"]

_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_REJECTS = ("packet version", "packet length", "partial packet", "pointer")
_NONE: _Ints = np.zeros(0, np.int64)
_BLOCK = 4096


@dataclass(frozen=True)
class Received:
    """What one call received.

    Parameters
    ----------
    packets : Packets
        Whole packets without idle ones, channel by channel in the order of their coming.
    channel : ndarray of int64, (n,)
        Virtual channel of each packet, -1 where packets came without frames.
    gaps : tuple of Gap
        What is missing by the counts of frames and packets.
    """

    packets: Packets
    channel: _Ints
    gaps: tuple[Gap, ...]


class PacketReader:
    """Packets that come one after the other, without frames.

    Parameters
    ----------
    longest : int
        Longest packet that is believed [octet]; a longer one is taken for a fault.

    Notes
    -----
    Packets have no sync marker. After a wrong header the reader tries the next octet until one reads as a header,
    so that a packet of noise may be told; its APID or length then mostly fits no layout of the dictionary.

    Examples
    --------
    >>> from moonpost.control.packets.headers import make_packets
    >>> reader = PacketReader()
    >>> octets = make_packets(5, [b"abc"])[0]
    >>> [len(reader.read(part).packets) for part in (octets[:4], octets[4:])]
    [0, 1]
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self.longest = longest
        self.tally = Tally()
        self._counts = SequenceCounts("packet", 16384)
        self._rest = b""

    def read(self, octets: bytes) -> Received:
        """Packets of a piece of a stream.

        Parameters
        ----------
        octets : bytes
            The next octets, cut anywhere.

        Returns
        -------
        Received
            The packets that are whole now.
        """
        self.tally.octets += len(octets)
        packets, self._rest = self._walk(self._rest + octets)
        return _told(packets, np.full(len(packets), -1, np.int64), (), self.tally, self._counts)

    def read_datagram(self, octets: bytes) -> Received:
        """Packets of a datagram, which holds whole packets only.

        Parameters
        ----------
        octets : bytes
            The datagram.

        Returns
        -------
        Received
            Its packets; octets at the end that are no packet are rejected.
        """
        self.tally.octets += len(octets)
        packets, rest = self._walk(octets)
        if rest:
            self.tally.reject("truncated")
            self.tally.lost_octets += len(rest)
        return _told(packets, np.full(len(packets), -1, np.int64), (), self.tally, self._counts)

    def close(self) -> None:
        """The end of a stream: octets that wait for more are rejected."""
        if self._rest:
            self.tally.reject("truncated")
            self.tally.lost_octets += len(self._rest)
        self._rest = b""

    def _walk(self, octets: bytes) -> tuple[Packets, bytes]:
        """Whole packets and the octets after them."""
        from moonpost.control.packets.kernels import walk_packets

        data = np.frombuffer(bytearray(octets), np.uint8)
        start, length, end, rejects, lost = walk_packets(data, self.longest)
        for cause, times in zip(_REJECTS, rejects.tolist(), strict=False):
            self.tally.reject(cause, times)
        self.tally.lost_octets += int(lost)
        return Packets(data, start, length), octets[end:]


@dataclass
class _Channel:
    """What is kept of a virtual channel from call to call."""

    begun: bytes | None = None
    count: int | None = None


class FrameReader:
    """Packets out of transfer frames, in a stream with sync markers or one to a datagram.

    Parameters
    ----------
    layout : FrameLayout
        What frames look like.
    channels : iterable of int
        Virtual channels that are read; frames of others are rejected.
    longest : int
        Longest packet that is believed [octet].

    Notes
    -----
    After a frame with a wrong checksum only its marker is skipped and the next marker looked for, so that lost or
    doubled octets cost one frame. A packet is told only if all of its frames came in sequence and if the first
    header pointer agrees with where it ends. `close` tells what was left at the end.

    Examples
    --------
    >>> from moonpost.control.packets.frames import FrameWriter
    >>> from moonpost.control.packets.headers import make_packets
    >>> layout = FrameLayout(octets=64)
    >>> writer, reader = FrameWriter(layout), FrameReader(layout)
    >>> sent = writer.write(make_packets(5, [bytes(100), b"b"])) + writer.flush()
    >>> received = reader.read(b"noise" + sent)
    >>> received.packets.length, reader.tally.lost_octets
    (array([106,   7]), 5)
    """

    def __init__(self, layout: FrameLayout, *, channels: Iterable[int] = range(8), longest: int = LONGEST) -> None:
        self.layout = layout
        self.longest = longest
        self.tally = Tally()
        self._channels = {channel: _Channel() for channel in channels}
        self._counts = SequenceCounts("packet", 16384)
        self._master: int | None = None
        self._last = b""
        self._rest = b""
        self._searching = False

    def read(self, octets: bytes) -> Received:
        """Packets of a piece of a stream with sync markers.

        Parameters
        ----------
        octets : bytes
            The next octets, cut anywhere; without markers in the layout, whole frames on end.

        Returns
        -------
        Received
            The packets that are whole now.
        """
        self.tally.octets += len(octets)
        if self.layout.marker:
            return self._received(self._frames(self._rest + octets))
        both = self._rest + octets
        whole = len(both) - len(both) % self.layout.octets
        self._rest = both[whole:]
        return self._received(self._sound(_table(both[:whole], self.layout.octets))[0])

    def read_datagram(self, octets: bytes) -> Received:
        """Packets of one frame in a datagram, with or without sync marker.

        Parameters
        ----------
        octets : bytes
            The datagram.

        Returns
        -------
        Received
            The packets that are whole now.
        """
        self.tally.octets += len(octets)
        if len(octets) == self.layout.octets + 4 and octets.startswith(SYNC_MARKER):
            octets = octets[4:]
        if len(octets) != self.layout.octets:
            self.tally.reject("frame length")
            self.tally.lost_octets += len(octets)
            return Received(Packets.empty(), _NONE, ())
        return self._received(self._sound(_table(octets, self.layout.octets))[0])

    def close(self) -> None:
        """The end of a stream: octets and packets that wait for more are rejected."""
        for left in (self._rest, *(state.begun or b"" for state in self._channels.values())):
            if left:
                self.tally.reject("truncated")
                self.tally.lost_octets += len(left)
        self._rest = b""
        for state in self._channels.values():
            state.begun = None

    def _frames(self, octets: bytes) -> _Bytes:
        """Sound frames of a stream; what is left waits."""
        size, at, block, found = self.layout.sent_octets, 0, _BLOCK, []
        while True:
            n = min((len(octets) - at) // size, block)
            table = _table(octets[at : at + n * size], size)
            marked = np.all(table[:, :4] == np.frombuffer(SYNC_MARKER, np.uint8), axis=1)
            good = n if marked.all() else int(np.argmin(marked))
            sound, failed = self._sound(table[:good, 4:], stop=True)
            found.append(sound)
            at += (good if failed is None else failed) * size
            if failed is not None:
                at += 4
                self.tally.lost_octets += 4
            if good and failed is None:
                self._searching, block = False, min(2 * block, _BLOCK)
            if failed is None and (len(octets) - at < 4 or octets.startswith(SYNC_MARKER, at)):
                if len(octets) - at < size:
                    break
                continue
            if failed is None and not self._searching:
                self.tally.reject("sync")
            self._searching, block = True, 1
            at = self._search(octets, at)
        self._rest = octets[at:]
        return np.concatenate(found)

    def _search(self, octets: bytes, at: int) -> int:
        """Where the next marker, or what may be the beginning of one, stands."""
        after = octets.find(SYNC_MARKER, at)
        if after < 0:
            after = max(at, len(octets) - 3)
        self.tally.lost_octets += after - at
        return after

    def _sound(self, frames: _Bytes, *, stop: bool = False) -> tuple[_Bytes, int | None]:
        """Frames whose checksums fit; if `stop`, only those before the first that does not, and its row."""
        from moonpost.control.packets.kernels import checksums

        if not self.layout.checksum or not len(frames):
            return frames, None
        told = frames[:, -2].astype(np.uint16) << 8 | frames[:, -1]
        fits = checksums(np.ascontiguousarray(frames[:, :-2])) == told
        if fits.all():
            return frames, None
        if stop:
            failed = int(np.argmin(fits))
            self.tally.reject("frame checksum")
            return frames[:failed], failed
        self.tally.reject("frame checksum", int(np.sum(~fits)))
        self.tally.lost_octets += int(np.sum(~fits)) * frames.shape[1]
        return frames[fits], None

    def _received(self, frames: _Bytes) -> Received:
        """Packets of sound frames."""
        frames = self._ours(self._new(frames))
        channel = (frames[:, 1] >> 1 & 7).astype(np.int64)
        self.tally.frames += len(frames)
        gaps = self._master_gaps(frames[:, 2].astype(np.int64))
        parts, channels = [], []
        for number in np.unique(channel).tolist():
            packets, missing = self._channel_packets(number, frames[channel == number])
            parts.append(packets)
            channels.append(np.full(len(packets), number, np.int64))
            gaps += missing
        packets = Packets.join(parts)
        return _told(packets, np.concatenate([_NONE, *channels]), gaps, self.tally, self._counts)

    def _new(self, frames: _Bytes) -> _Bytes:
        """Frames without those that repeat the one before them, octet by octet."""
        if not len(frames):
            return frames
        again = np.zeros(len(frames), bool)
        near = np.flatnonzero(np.all(frames[1:, :6] == frames[:-1, :6], axis=1)) + 1
        again[near] = np.all(frames[near] == frames[near - 1], axis=1)
        again[0] = frames[0].tobytes() == self._last
        self._last = frames[-1].tobytes()
        self.tally.reject("duplicate frame", int(again.sum()))
        return frames[~again] if again.any() else frames

    def _ours(self, frames: _Bytes) -> _Bytes:
        """Frames that are as agreed; the others are rejected by cause."""
        identity = frames[:, 0].astype(np.int64) << 8 | frames[:, 1]
        status = frames[:, 4].astype(np.int64) << 8 | frames[:, 5]
        wrong = {
            "frame version": identity >> 14 != 0,
            "spacecraft": identity >> 4 & 0x3FF != self.layout.spacecraft,
            "virtual channel": ~np.isin(identity >> 1 & 7, list(self._channels)),
            "frame control": identity & 1 != self.layout.control_field,
            "frame header": (status >> 14 != 2 * (self.layout.secondary_octets > 0))
            | self._wrong_secondary(frames),
            "frame pointer": (status & 0x7FF >= self.layout.room) & (status & 0x7FF < ONLY_IDLE),
        }
        left = np.ones(len(frames), bool)
        for cause, rows in wrong.items():
            self.tally.reject(cause, int(np.sum(left & rows)))
            left &= ~rows
        self.tally.lost_octets += int(np.sum(~left)) * frames.shape[1]
        return frames if left.all() else frames[left]

    def _wrong_secondary(self, frames: _Bytes) -> npt.NDArray[np.bool_]:
        """Where the secondary header has another length than is agreed, or another version."""
        octets = self.layout.secondary_octets
        return frames[:, 6] != octets - 1 if octets else np.zeros(len(frames), bool)

    def _master_gaps(self, counts: _Ints) -> tuple[Gap, ...]:
        """Frames missing in the master channel."""
        gaps, self._master = _frame_gaps("master channel", self.layout.spacecraft, self._master, counts)
        self.tally.miss(gaps)
        return gaps

    def _channel_packets(self, number: int, frames: _Bytes) -> tuple[Packets, tuple[Gap, ...]]:
        """Packets of one virtual channel, and frames missing in it."""
        from moonpost.control.packets.kernels import walk_frames

        state = self._channels[number]
        counts = frames[:, 3].astype(np.int64)
        gaps, _ = _frame_gaps("virtual channel", number, state.count, counts)
        due = np.concatenate(([counts[0] if state.count is None else state.count + 1], counts[:-1] + 1)) % 256
        state.count = int(counts[-1])
        begun = state.begun or b""
        fields = frames[:, self.layout.ahead : self.layout.ahead + self.layout.room]
        data = np.concatenate((np.frombuffer(begun, np.uint8), fields.ravel()))
        pointers = (frames[:, 4].astype(np.int64) & 7) << 8 | frames[:, 5]
        at = 0 if begun else (len(begun) if state.begun is not None else -1)
        start, length, _, rest, rejects, lost = walk_frames(
            data, len(begun), self.layout.room, pointers, (counts != due).astype(np.uint8), at, self.longest
        )
        state.begun = None if rest < 0 else data[rest:].tobytes()
        for cause, times in zip(_REJECTS, rejects.tolist(), strict=True):
            self.tally.reject(cause, times)
        self.tally.lost_octets += int(lost)
        self.tally.idle_frames += int(np.sum(pointers == ONLY_IDLE))
        self.tally.miss(gaps)
        return Packets(data, start, length), gaps


def _table(octets: bytes, size: int) -> _Bytes:
    """Octets as rows of one length."""
    return np.frombuffer(bytearray(octets), np.uint8).reshape(-1, size)


def _frame_gaps(kind: str, number: int, last: int | None, counts: _Ints) -> tuple[tuple[Gap, ...], int | None]:
    """Gaps of a count of 256, in which each step but one is a gap; and the last count."""
    if not counts.size:
        return (), last
    before = np.concatenate(([counts[0] - 1 if last is None else last], counts[:-1]))
    missing = (counts - before - 1) % 256
    return tuple(
        Gap(kind, number, int(before[row] + 1) % 256, int(counts[row]), int(missing[row]))
        for row in np.flatnonzero(missing).tolist()
    ), int(counts[-1])


def _told(
    packets: Packets, channel: _Ints, gaps: tuple[Gap, ...], tally: Tally, counts: SequenceCounts
) -> Received:
    """Packets without idle ones, and what their counts lack."""
    apid = packets.apid if len(packets) else _NONE
    real = apid != IDLE_APID
    if not real.all():
        tally.idle_packets += int(np.sum(~real))
        packets, channel, apid = packets.select(real), channel[real], apid[real]
    tally.packets += len(packets)
    missing, late = counts.follow(apid, packets.count)
    tally.miss(missing)
    tally.repeated["packet"] += late
    return Received(packets, channel, gaps + missing)
