"""What was received, what was rejected and why, and what is missing by sequence count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["CAUSES", "Gap", "SequenceCounts", "Tally"]

CAUSES = {
    "sync": "octets skipped until a sync marker",
    "frame length": "a datagram that is not as long as frames are",
    "frame checksum": "a frame whose checksum does not fit",
    "frame version": "a frame of another version than 1 (00)",
    "spacecraft": "a frame of another spacecraft",
    "virtual channel": "a frame of a virtual channel that is not read",
    "frame control": "a frame with or without control field against what is agreed",
    "frame header": "a frame whose secondary header cannot be, or whose data are no packets",
    "frame pointer": "a frame whose first header pointer lies outside it",
    "duplicate frame": "a frame received twice in a row",
    "packet version": "a packet of another version than 1 (000)",
    "packet length": "a packet longer than is believed",
    "partial packet": "a packet whose rest was lost with a frame",
    "pointer": "a packet that ends elsewhere than the frame's first header pointer tells",
    "truncated": "octets at the end of a datagram or stream that are no whole packet",
    "unknown packet": "a packet that the dictionary lacks",
    "segmented": "a part of a packet in segments, which no layout describes",
    "short": "a packet shorter than its layout",
    "long": "a packet longer than its layout",
    "size": "an item whose size, told by another item, cannot be",
    "text": "a text that is not of its character set",
    "time": "a packet whose time cannot be read",
}
"""Every cause of a reject with what it means. Octets without a home are counted as octets, not as rejects."""


@dataclass(frozen=True)
class Gap:
    """Counts that were skipped between two frames of a channel or two packets of an APID.

    Parameters
    ----------
    kind : {"master channel", "virtual channel", "packet"}
        What is counted.
    number : int
        Spacecraft, virtual channel or APID.
    expected, found : int
        The count that was due and the one that came.
    missing : int
        How many are missing, if no more than one round of the counter was lost.

    Examples
    --------
    >>> Gap("packet", 5, 3, 7, 4).missing
    4
    """

    kind: str
    number: int
    expected: int
    found: int
    missing: int


class Tally:
    """Counts of what was received and rejected; it never grows, whatever comes in.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.reject("sync", 2)
    >>> tally.rejects["sync"], tally.rejected
    (2, 2)
    """

    def __init__(self) -> None:
        self.octets = 0
        self.lost_octets = 0
        self.frames = 0
        self.idle_frames = 0
        self.packets = 0
        self.idle_packets = 0
        self.missing: Counter[str] = Counter()
        self.repeated: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()

    @property
    def rejected(self) -> int:
        """Rejects of all causes."""
        return sum(self.rejects.values())

    def reject(self, cause: str, times: int = 1) -> None:
        """Count rejects of one of `CAUSES`."""
        if times and cause in CAUSES:
            self.rejects[cause] += int(times)

    def miss(self, gaps: tuple[Gap, ...]) -> None:
        """Count what gaps lack, by what is counted."""
        for gap in gaps:
            self.missing[gap.kind] += gap.missing

    def to_dict(self) -> dict[str, object]:
        """All counts, for a page or a log."""
        return {
            "octets": self.octets, "lost_octets": self.lost_octets, "frames": self.frames,
            "idle_frames": self.idle_frames, "packets": self.packets, "idle_packets": self.idle_packets,
            "missing": dict(self.missing), "repeated": dict(self.repeated), "rejects": dict(self.rejects),
        }  # fmt: skip


class SequenceCounts:
    """The last sequence count of each number, from which gaps are told.

    A count that goes back by up to half a round is late or repeated and no gap.

    Parameters
    ----------
    kind : str
        What is counted, as in `Gap`.
    modulus : int
        Counts before the counter begins again: 16384 for packets, 256 for frames.

    Examples
    --------
    >>> counts = SequenceCounts("packet", 16384)
    >>> counts.follow(np.array([5, 5, 5]), np.array([0, 1, 4]))
    ((Gap(kind='packet', number=5, expected=2, found=4, missing=2),), 0)
    """

    def __init__(self, kind: str, modulus: int) -> None:
        self.kind = kind
        self.modulus = modulus
        self._last: dict[int, int] = {}

    def follow(self, number: npt.NDArray[np.int64], count: npt.NDArray[np.int64]) -> tuple[tuple[Gap, ...], int]:
        """Follow counts in the order of their coming.

        Parameters
        ----------
        number : ndarray of int64, (n,)
            APID or channel of each.
        count : ndarray of int64, (n,)
            Sequence count of each.

        Returns
        -------
        tuple
            The gaps, and how many counts came late or again.
        """
        order = np.argsort(number, kind="stable")
        found: list[tuple[int, Gap]] = []
        late = 0
        ends = np.flatnonzero(np.diff(number[order], prepend=-1, append=-1))
        for first, stop in pairwise(ends.tolist()):
            rows = order[first:stop]
            key, counts = int(number[rows[0]]), count[rows]
            last = self._last.get(key, (int(counts[0]) - 1) % self.modulus)
            gaps, back = self._one(key, np.concatenate(([last], counts)), rows)
            found += gaps
            late += back
        return tuple(gap for _, gap in sorted(found, key=lambda pair: pair[0])), late

    def _one(
        self, key: int, counts: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> tuple[list[tuple[int, Gap]], int]:
        """Gaps of one number; late counts do not move what is due."""
        steps = np.diff(counts) % self.modulus
        if np.all(steps == 1):
            self._last[key] = int(counts[-1])
            return [], 0
        found, late, last = [], 0, int(counts[0])
        for row, count in zip(rows.tolist(), counts[1:].tolist(), strict=True):
            missing = (count - last - 1) % self.modulus
            if missing >= self.modulus // 2:
                late += 1
                continue
            if missing:
                found.append((row, Gap(self.kind, key, (last + 1) % self.modulus, count, missing)))
            last = count
        self._last[key] = last
        return found, late
