"""What comes in from each source: frames or packets, their readers, and counts that outlive a connection."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.frames import FrameLayout
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.receiving import FrameReader, PacketReader, Received
from moonpost.control.packets.tally import CAUSES, Gap, Tally

__all__ = ["MOST_SOURCES", "Intake"]

MOST_SOURCES = 256
"""Sources that are told apart; the oldest quiet ones go into one sum."""
_GAPS_TOLD = 100
_COUNTED = ("octets", "lost_octets", "frames", "idle_frames", "packets", "idle_packets")


@dataclass
class Source:
    """One source of telemetry with what became of its packets.

    Parameters
    ----------
    name : str
        Its name, such as ``"station"``.
    taken, acknowledged, refused, duplicates : int
        Packets that the archive took, those on the disk for certain, those not taken because the disk was full,
        those that were there before.
    by_apid : dict of int to int
        Packets acknowledged by APID.
    last_count : dict of int to int
        Sequence count of the last packet acknowledged by APID.

    Examples
    --------
    >>> Source("station").to_dict()["acknowledged"]
    0
    """

    name: str
    taken: int = 0
    acknowledged: int = 0
    refused: int = 0
    duplicates: int = 0
    by_apid: Counter[int] = field(default_factory=Counter)
    last_count: dict[int, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """All counts, for a page or a log."""
        return {
            "taken": self.taken, "acknowledged": self.acknowledged, "refused": self.refused,
            "duplicates": self.duplicates, "acknowledged_by_apid": dict(self.by_apid),
            "last_acknowledged_count": dict(self.last_count),
        }  # fmt: skip


@dataclass
class _Pending:
    """Packets that wait for the disk: up to which packet of the archive, and what they were."""

    position: int
    source: str
    by_apid: dict[int, int]
    last_count: dict[int, int]


class Intake:
    """Readers of all sources, and the sum of what they counted.

    Parameters
    ----------
    layout : FrameLayout
        What frames look like.

    Examples
    --------
    >>> from moonpost.control.packets import FrameLayout, FrameWriter, make_packets
    >>> intake, writer = Intake(FrameLayout(octets=64)), FrameWriter(FrameLayout(octets=64))
    >>> sent = writer.write(make_packets(5, [bytes(90)])) + writer.flush()
    >>> len(intake.stream("station", sent).packets), intake.tally().frames
    (1, 2)
    """

    def __init__(self, layout: FrameLayout) -> None:
        self.layout = layout
        self.sources: dict[str, Source] = {}
        self.gaps: deque[tuple[str, Gap]] = deque(maxlen=_GAPS_TOLD)
        self._readers: dict[tuple[str, str], FrameReader | PacketReader] = {}
        self._past = Tally()
        self._pending: deque[_Pending] = deque()

    def stream(self, source: str, octets: bytes) -> Received:
        """Packets of a piece of a stream of frames with sync markers."""
        reader = self._reader(source, "frames")
        assert isinstance(reader, FrameReader)
        return self._noted(source, reader.read(octets))

    def frames(self, source: str, datagrams: Sequence[bytes]) -> Received:
        """Packets of datagrams that hold one frame each."""
        reader = self._reader(source, "frames")
        assert isinstance(reader, FrameReader)
        found = [reader.read_datagram(datagram) for datagram in datagrams]
        if len(found) == 1:
            return self._noted(source, found[0])
        channel = np.concatenate([np.zeros(0, np.int64), *(one.channel for one in found)])
        gaps = tuple(gap for one in found for gap in one.gaps)
        return self._noted(source, Received(Packets.join([one.packets for one in found]), channel, gaps))

    def packets(self, source: str, octets: bytes, *, whole: bool = False) -> Received:
        """Packets that come without frames, in a stream or whole ones in a datagram."""
        reader = self._reader(source, "packets")
        assert isinstance(reader, PacketReader)
        return self._noted(source, reader.read_datagram(octets) if whole else reader.read(octets))

    def source(self, name: str) -> Source:
        """A source by its name; it becomes the newest."""
        found = self.sources.pop(name, None) or Source(name)
        self.sources[name] = found
        while len(self.sources) > MOST_SOURCES:
            self._fold(next(key for key in self.sources if key not in (name, "others")))
        return found

    def forget(self, name: str) -> None:
        """The end of a source's stream; octets that wait for more are rejected, its counts stay."""
        for key in [key for key in self._readers if key[0] == name]:
            reader = self._readers.pop(key)
            reader.close()
            _add(self._past, reader.tally)

    def tally(self) -> Tally:
        """The sum of all readers' counts."""
        total = Tally()
        for tally in (self._past, *(reader.tally for reader in self._readers.values())):
            _add(total, tally)
        return total

    @property
    def rejected(self) -> int:
        """Rejects of all readers, of all causes."""
        return self._past.rejected + sum(reader.tally.rejected for reader in self._readers.values())

    def took(
        self, source: str, apid: npt.NDArray[np.uint16], count: npt.NDArray[np.uint16], position: int
    ) -> None:
        """Packets that the archive took, up to its packet of a number; they wait for `acknowledge`."""
        numbers = np.bincount(apid, minlength=1)
        present = np.flatnonzero(numbers).tolist()
        last = {number: int(count[apid == number][-1]) for number in present}
        self.source(source).taken += int(apid.size)
        waiting = _Pending(position, source, {n: int(numbers[n]) for n in present}, last)
        self._pending.append(waiting)

    def acknowledge(self, position: int) -> None:
        """Packets up to one of a number are on the disk."""
        while self._pending and self._pending[0].position <= position:
            kept = self._pending.popleft()
            source = self.source(kept.source)
            source.acknowledged += sum(kept.by_apid.values())
            source.by_apid.update(kept.by_apid)
            source.last_count.update(kept.last_count)

    def withdraw(self, position: int) -> None:
        """Packets beyond one of a number are not certain and never will be told as such."""
        while self._pending and self._pending[-1].position > position:
            self._pending.pop()

    def close(self) -> None:
        """The end of all streams."""
        for name in {key[0] for key in self._readers}:
            self.forget(name)

    def _reader(self, source: str, form: str) -> FrameReader | PacketReader:
        """The reader of a source, begun at its first octets."""
        self.source(source)
        key = (source, form)
        if key not in self._readers:
            self._readers[key] = FrameReader(self.layout) if form == "frames" else PacketReader()
        return self._readers[key]

    def _noted(self, source: str, received: Received) -> Received:
        """Keep the last gaps."""
        self.gaps.extend((source, gap) for gap in received.gaps)
        return received

    def _fold(self, name: str) -> None:
        """Put a source's counts into those of others."""
        self.forget(name)
        gone = self.sources.pop(name)
        others = self.sources.setdefault("others", Source("others"))
        others.taken += gone.taken
        others.acknowledged += gone.acknowledged
        others.refused += gone.refused
        others.duplicates += gone.duplicates
        others.by_apid.update(gone.by_apid)


def _add(total: Tally, more: Tally) -> None:
    """Add counts to a sum."""
    for name in _COUNTED:
        setattr(total, name, getattr(total, name) + getattr(more, name))
    total.missing.update(more.missing)
    total.repeated.update(more.repeated)
    total.rejects.update(more.rejects)


def rejects_of(tallies: Iterable[Tally]) -> dict[str, int]:
    """Rejects of several counts by cause, in the order of `CAUSES`."""
    both: Counter[str] = Counter()
    for tally in tallies:
        both.update(tally.rejects)
    return {cause: both[cause] for cause in CAUSES if both[cause]}
