"""Housekeeping of a simulation as octets, block by block: one row of packets for each step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.clock import CucClock
from moonpost.control.packets.dictionary import HEADER, Dictionary, PacketLayout
from moonpost.control.packets.stations import channel_values
from moonpost.control.station.instants import utc
from moonpost.control.station.world import Future, World

__all__: list[str] = []

_BLOCK = 512
_KEPT = 8
_BEFORE = len(HEADER) + 1
_Bytes = npt.NDArray[np.uint8]


class Rows:
    """Packets of housekeeping, each step one after the other.

    Parameters
    ----------
    dictionary : Dictionary
        Of the housekeeping alone.
    world : World
        The plan under its sky.
    future : Future
        What happens.

    Notes
    -----
    Rows are made in blocks of 512 steps and the latest few are kept; the sequence count of every packet is the
    number of its step modulo 16384.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    def __init__(self, dictionary: Dictionary, world: World, future: Future) -> None:
        self._dictionary, self._world = dictionary, world
        self._groups = {packet.name: self._grouped(packet) for packet in dictionary.packets}
        self._blocks: dict[int, _Bytes] = {}
        self.lengths = self._lengths()
        self.octets = int(self.lengths.sum())
        self.packets = int(self.lengths.size)
        self.take(future)

    def take(self, future: Future) -> None:
        """Go on with another future; nothing of the past differs in it."""
        self._values = channel_values(future.simulation)
        self._blocks.clear()

    def of(self, first: int, last: int) -> _Bytes:
        """Octets of the packets of some steps, from the first up to before the last."""
        parts = []
        while first < last:
            block, at = divmod(first, _BLOCK)
            until = min(last, (block + 1) * _BLOCK)
            rows = self._block(block)
            parts.append(rows[at : at + until - first].ravel())
            first = until
        return np.concatenate(parts) if parts else np.zeros(0, np.uint8)

    def _block(self, block: int) -> _Bytes:
        """The rows of a block."""
        if block not in self._blocks:
            while len(self._blocks) >= _KEPT:
                self._blocks.pop(next(iter(self._blocks)))
            first = block * _BLOCK
            self._blocks[block] = self._encode(first, min(first + _BLOCK, self._world.steps))
        return self._blocks[block]

    def _encode(self, first: int, last: int) -> _Bytes:
        """Encode steps, the packets of each side by side."""
        step_us, start_us = self._world.step_us, self._world.start_us
        t = utc(start_us) + (np.arange(first, last) * step_us).astype("timedelta64[us]")
        time = CucClock().encode(t)
        out = np.zeros((last - first, self.octets), np.uint8)
        begin = 0
        for packet, octets in zip(self._dictionary.packets, self.lengths.tolist(), strict=True):
            rows = out[:, begin : begin + octets]
            words = np.empty((last - first, 3), ">u2")
            words[:, 0], words[:, 2] = 0x0800 | (packet.apid or 0), octets - 7
            words[:, 1] = 0xC000 | np.arange(first, last) % 16384
            rows[:, :6], rows[:, 6:12] = words.view(np.uint8), time
            at = 12
            for code, names in self._groups[packet.name]:
                columns = np.stack([self._values[name][first:last] for name in names], axis=1).astype(code)
                width = columns.dtype.itemsize * len(names)
                rows[:, at : at + width] = np.ascontiguousarray(columns).view(np.uint8)
                at += width
            begin += octets
        return out

    def _grouped(self, packet: PacketLayout) -> list[tuple[str, list[str]]]:
        """Neighbours of one type behind the time, with their numpy type."""
        found: list[tuple[str, list[str]]] = []
        for item in packet.items[_BEFORE:]:
            encoding = self._dictionary.parameter(item.parameter).encoding
            code = f">{'f' if encoding.kind == 'float' else 'u'}{encoding.bits // 8}"
            if found and found[-1][0] == code:
                found[-1][1].append(item.parameter)
            else:
                found.append((code, [item.parameter]))
        return found

    def _lengths(self) -> npt.NDArray[np.int64]:
        """Length of each packet of a row."""
        bits = {parameter.name: parameter.encoding.bits for parameter in self._dictionary.parameters}
        return np.array(
            [sum(bits[item.parameter] for item in packet.items) // 8 for packet in self._dictionary.packets],
            np.int64,
        )
