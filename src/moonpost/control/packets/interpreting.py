"""Packets whose items vary in size, read item by item."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.dictionary import Encoding, Size
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.layouts import Place, as_numbers, native
from moonpost.control.packets.tally import Tally

__all__ = ["interpret"]

_Column = npt.NDArray[Any]


class _Reject(Exception):  # noqa: N818
    """A packet that cannot be read, with its cause."""


def interpret(
    packets: Packets, places: tuple[Place, ...], tally: Tally
) -> tuple[dict[str, _Column], npt.NDArray[np.bool_]]:
    """Raw values of packets of one layout whose items vary in size.

    Parameters
    ----------
    packets : Packets
        The packets.
    places : tuple of Place
        Items in their order, those of the primary header among them.
    tally : Tally
        Where packets that cannot be read are counted.

    Returns
    -------
    tuple
        Columns of the items behind the primary header, and which packets were read.
    """
    read: list[dict[str, Any]] = []
    kept = np.zeros(len(packets), bool)
    for row, packet in enumerate(packets):
        try:
            read.append(_packet(packet, places))
            kept[row] = True
        except _Reject as reject:
            tally.reject(str(reject))
    columns = {}
    for place in places:
        if place.data:
            encoding, name = place.parameter.encoding, place.parameter.name
            columns[name] = _column([values[name] for values in read], encoding)
    return columns, kept


def _packet(packet: bytes, places: tuple[Place, ...]) -> dict[str, Any]:
    """Values of one packet; numbers as the bits that mean them."""
    values: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    at = 0
    for place in places:
        encoding, name = place.parameter.encoding, place.parameter.name
        at = at if place.follows or place.bit is None else place.bit
        if encoding.kind in {"binary", "text"}:
            values[name], at = _octets(packet, at, encoding, numbers)
            continue
        values[name] = _bits(packet, at, encoding.bits)
        at += encoding.bits
        if encoding.kind != "float":
            numbers[name] = int(as_numbers(np.array([values[name]], np.uint64), encoding)[0])
    if (at + 7) // 8 < len(packet):
        raise _Reject("long")
    return values


def _octets(packet: bytes, at: int, encoding: Encoding, numbers: dict[str, int]) -> tuple[bytes, int]:
    """Octets of a text or binary item, and the bit after it."""
    size = encoding.size or Size(None, 0, encoding.bits)
    if size.terminator:
        return _terminated(packet, at, encoding, size.terminator)
    if size.leading_bits:
        bits = _bits(packet, at, size.leading_bits)
        at += size.leading_bits
    else:
        bits = size.slope * (numbers[size.parameter] if size.parameter else 0) + size.intercept
    if bits < 0 or bits % 8 or bits > encoding.bits:
        raise _Reject("size")
    if at + bits > 8 * len(packet):
        raise _Reject("short")
    return _bits(packet, at, bits).to_bytes(bits // 8, "big"), at + bits


def _terminated(packet: bytes, at: int, encoding: Encoding, terminator: bytes) -> tuple[bytes, int]:
    """A text up to what ends it."""
    left = 8 * len(packet) - at
    most = min(left - left % 8, encoding.bits + 8 * len(terminator))
    octets = _bits(packet, at, most).to_bytes(most // 8, "big")
    end = octets.find(terminator)
    if end < 0:
        raise _Reject("size")
    return octets[:end], at + 8 * (end + len(terminator))


def _bits(packet: bytes, at: int, bits: int) -> int:
    """The unsigned integer at a place."""
    last = at + bits
    if last > 8 * len(packet):
        raise _Reject("short")
    piece = int.from_bytes(packet[at // 8 : (last + 7) // 8], "big")
    return piece >> (-last % 8) & ((1 << bits) - 1)


def _column(values: list[Any], encoding: Encoding) -> _Column:
    """Values as a column."""
    if encoding.kind in {"binary", "text"}:
        column = np.empty(len(values), object)
        column[:] = values
        return column
    if not values:
        return np.zeros(0, native(encoding))
    return as_numbers(np.array(values, np.uint64), encoding)
