"""Packets as the archive takes them: octets with channel, time, sequence count and time of receipt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["SEQUENCE_MODULUS", "Decoder", "Packets"]

SEQUENCE_MODULUS = 16384
"""Sequence counts run from 0 to one less and begin again."""

LONGEST_PACKET = 65542
_Instants = npt.NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Packets:
    """A batch of packets, one after another in one buffer.

    Parameters
    ----------
    apid : ndarray of uint16, (n,)
        Channel of each packet (application process identifier, 0 to 2047).
    time : ndarray of datetime64[us], (n,)
        UTC at which each was made on board.
    sequence : ndarray of uint16, (n,)
        Sequence counts, 0 to 16383.
    receive : ndarray of datetime64[us], (n,)
        UTC at which each was received.
    data : ndarray of uint8
        The packets' octets one after another.
    offsets : ndarray of int64, (n + 1,)
        Where each packet begins in `data`, and where the last ends.

    Raises
    ------
    InputError
        If shapes differ, a channel or count is out of range, or a packet is empty or over 65,542 octets.
    DateError
        If a time is missing.

    Examples
    --------
    >>> batch = Packets.of([b"first", b"2nd"], 5, ["2030-01-01", "2030-01-01T00:00:01Z"], [0, 1], "2030-01-01")
    >>> len(batch), batch.packet(1)
    (2, b'2nd')
    """

    apid: npt.NDArray[np.uint16]
    time: _Instants
    sequence: npt.NDArray[np.uint16]
    receive: _Instants
    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        rows = np.asarray(self.time).shape
        offsets = _whole(self.offsets, "offsets").astype(np.int64)
        if len(rows) != 1 or offsets.shape != (rows[0] + 1,):
            raise InputError(
                f"{offsets.shape} offsets for times of shape {rows}",
                where="packets",
                advice="give one offset more than packets",
            )
        data = np.ascontiguousarray(self.data)
        if data.dtype != np.uint8 or data.ndim != 1:
            raise InputError("data is no row of octets", where="packets", advice="give a uint8 array")
        sizes = np.diff(offsets)
        if offsets[0] < 0 or offsets[-1] > data.size or np.any(sizes < 1) or np.any(sizes > LONGEST_PACKET):
            raise InputError(
                "a packet is empty, too long or outside the data",
                where="packets",
                advice=f"give 1 to {LONGEST_PACKET} octets each, offsets in order",
            )
        apid = _within(self.apid, "apid", rows, 2047)
        sequence = _within(self.sequence, "sequence", rows, SEQUENCE_MODULUS - 1)
        for name, value in (("apid", apid), ("sequence", sequence), ("data", data), ("offsets", offsets)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "time", _instants(self.time, "time", rows))
        object.__setattr__(self, "receive", _instants(self.receive, "receive", rows))

    def __len__(self) -> int:
        return self.time.size

    @classmethod
    def of(
        cls,
        packets: Sequence[bytes],
        apid: npt.ArrayLike,
        time: TimeLike,
        sequence: npt.ArrayLike,
        receive: TimeLike,
    ) -> Packets:
        """Make a batch of single packets.

        Parameters
        ----------
        packets : sequence of bytes
            The packets, n of them.
        apid, sequence : array-like of int, (n,) or single
            Channels and sequence counts.
        time, receive : datetime64 array, str or datetime, (n,) or single
            UTC at which they were made and received.

        Returns
        -------
        Packets

        Raises
        ------
        InputError
            If numbers or shapes cannot be used.
        DateError
            If a time cannot be read.
        """
        rows = (len(packets),)
        offsets = np.concatenate([[0], np.cumsum([len(packet) for packet in packets], dtype=np.int64)])
        return cls(
            _spread(_whole(apid, "apid"), rows),
            _spread(exact_times(time), rows),
            _spread(_whole(sequence, "sequence"), rows),
            _spread(exact_times(receive), rows),
            np.frombuffer(b"".join(packets), np.uint8),
            offsets.astype(np.int64),
        )

    def packet(self, row: int) -> bytes:
        """Octets of one packet."""
        return self.data[self.offsets[row] : self.offsets[row + 1]].tobytes()

    def take(self, rows: npt.NDArray[np.int64]) -> Packets:
        """The packets of some rows, in that order."""
        from moonpost.control.archive.kernels import gather

        begins, ends = self.offsets[rows], self.offsets[rows + 1]
        offsets = np.concatenate([[0], np.cumsum(ends - begins)])
        data = gather(self.data, begins, ends)
        return Packets(self.apid[rows], self.time[rows], self.sequence[rows], self.receive[rows], data, offsets)


Decoder = Callable[[int, Packets], Mapping[str, npt.NDArray[Any]]]
"""What turns packets of one channel into columns: name to numbers or truth values, one for each packet in order.

NaN tells that a packet does not hold the parameter. The same packet must always give the same values."""


def _whole(values: npt.ArrayLike, name: str) -> npt.NDArray[Any]:
    """Whole numbers, or an error that tells their name."""
    found = np.asarray(values)
    if found.dtype.kind not in "iu" and found.size:
        raise InputError(f"holds {found.dtype}", where=name, advice="give whole numbers")
    return found


def _within(values: npt.ArrayLike, name: str, rows: tuple[int, ...], most: int) -> npt.NDArray[np.uint16]:
    """Whole numbers of the right shape and range."""
    found = _whole(values, name)
    if found.shape != rows or (found.size and (found.min() < 0 or found.max() > most)):
        raise InputError(
            f"is not one number from 0 to {most} for each packet", where=name, advice="check the packets' heads"
        )
    return found.astype(np.uint16)


def exact_times(t: TimeLike) -> _Instants:
    """Times to 1 us."""
    is_exact = isinstance(t, np.datetime64) or (isinstance(t, np.ndarray) and t.dtype.kind == "M")
    found = t if is_exact else as_utc(t)
    return np.asarray(found).astype("datetime64[us]")


def _instants(values: _Instants, name: str, rows: tuple[int, ...]) -> _Instants:
    """Times of the right shape, none missing."""
    found = np.asarray(values)
    if found.dtype.kind != "M" or found.shape != rows:
        raise InputError("is not one datetime64 for each packet", where=name, advice="give UTC times")
    exact = found.astype("datetime64[us]")
    years = exact.astype("datetime64[Y]").astype(np.int64) + 1970
    if np.any(np.isnat(exact)) or np.any((years < 1) | (years > 9999)):
        raise DateError("a time is missing or no year from 1 to 9999", where=name, advice="give UTC times")
    return exact


def _spread(values: npt.NDArray[Any], rows: tuple[int, ...]) -> npt.NDArray[Any]:
    """Single values for all packets."""
    return np.broadcast_to(values, rows).copy() if values.ndim == 0 else values
