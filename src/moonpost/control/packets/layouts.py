"""Where every item of a packet stands: fixed layouts as numpy dtypes, and the rest item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.packets.bits import insert_bits, take_bits
from moonpost.control.packets.dictionary import Dictionary, Encoding, PacketLayout, Parameter

__all__ = [
    "Group",
    "Place",
    "fixed_columns",
    "groups_of",
    "is_fixed",
    "native",
    "places_of",
    "take_numbers",
    "write_columns",
]

_Bytes = npt.NDArray[np.uint8]
_HEADER_BITS = 48


@dataclass(frozen=True)
class Place:
    """An item of a packet with the bit at which it begins.

    Parameters
    ----------
    parameter : Parameter
        What stands there.
    bit : int or None
        First bit of the packet; None where that differs from packet to packet.
    follows : bool
        Whether it begins right after the item before it.
    """

    parameter: Parameter
    bit: int | None
    follows: bool

    @property
    def data(self) -> bool:
        """Whether it lies behind the primary header."""
        return self.bit is None or self.bit >= _HEADER_BITS

    @property
    def dtype(self) -> str | None:
        """Its numpy dtype if it stands at whole octets and numpy knows it, else None."""
        code, encoding = _code(self.parameter.encoding), self.parameter.encoding
        if self.bit is None or self.bit % 8 or code is None:
            return None
        return ("<" if encoding.little else ">") + code


def places_of(dictionary: Dictionary, packet: PacketLayout) -> tuple[Place, ...]:
    """Items of a packet with their places.

    Parameters
    ----------
    dictionary : Dictionary
        Where its parameters are.
    packet : PacketLayout
        The packet.

    Returns
    -------
    tuple of Place
        In the order of the packet's items.
    """
    at: int | None = 0
    places = []
    for item in packet.items:
        parameter = dictionary.parameter(item.parameter)
        bit = at if item.bit is None else item.bit
        places.append(Place(parameter, bit, item.bit is None))
        at = None if bit is None or not parameter.encoding.fixed else bit + parameter.encoding.bits
    return tuple(places)


def is_fixed(places: tuple[Place, ...]) -> bool:
    """Whether every item stands at the same place with the same size in every packet."""
    return all(place.bit is not None and place.parameter.encoding.fixed for place in places)


def native(encoding: Encoding) -> np.dtype[Any]:
    """Dtype of a column of raw values.

    Parameters
    ----------
    encoding : Encoding
        How values are written.

    Returns
    -------
    dtype
        The least one that holds them, in the byte order of this machine; object for texts and octets.

    Examples
    --------
    >>> native(Encoding("unsigned", 11))
    dtype('uint16')
    """
    if encoding.kind in {"binary", "text"}:
        return np.dtype(object)
    octets = next(size for size in (1, 2, 4, 8) if 8 * size >= encoding.bits)
    return np.dtype({"unsigned": "u", "signed": "i", "float": "f"}[encoding.kind] + str(octets))


Group = tuple[str | None, tuple[Place, ...]]
"""Neighbours that are converted together, with their dtype; None for one that numpy has none for."""


def fixed_columns(rows: _Bytes, groups: Sequence[Group]) -> dict[str, npt.NDArray[Any]]:
    """Raw values of packets of one fixed layout.

    Parameters
    ----------
    rows : ndarray of uint8, (n, octets)
        The packets, each row contiguous.
    groups : sequence of Group
        Items that are wanted, as `groups_of` gives them.

    Returns
    -------
    dict of str to ndarray, (n,)
        Column of each item.
    """
    columns: dict[str, npt.NDArray[Any]] = {}
    for dtype, group in groups:
        if dtype is None:
            columns[group[0].parameter.name] = _one(rows, group[0])
            continue
        first = (group[0].bit or 0) // 8
        width = np.dtype(dtype).itemsize
        block = rows[:, first : first + width * len(group)].view(dtype)
        native_block = block.T.astype(np.dtype(dtype).newbyteorder("="), order="C")
        columns.update((place.parameter.name, native_block[i]) for i, place in enumerate(group))
    return columns


def groups_of(places: tuple[Place, ...]) -> tuple[Group, ...]:
    """Neighbours of one dtype, in order.

    Parameters
    ----------
    places : tuple of Place
        Items, all with a fixed place.

    Returns
    -------
    tuple of Group
        The groups.
    """
    groups: list[tuple[str | None, list[Place]]] = []
    due = -1
    for place in places:
        dtype, bit = place.dtype, place.bit or 0
        if groups and dtype is not None and dtype == groups[-1][0] and bit == due:
            groups[-1][1].append(place)
        else:
            groups.append((dtype, [place]))
        due = bit + place.parameter.encoding.bits
    return tuple((dtype, tuple(group)) for dtype, group in groups)


def take_numbers(rows: _Bytes, place: Place) -> npt.NDArray[Any]:
    """One column of numbers at a fixed place.

    Parameters
    ----------
    rows : ndarray of uint8, (n, octets)
        The packets.
    place : Place
        Where the numbers stand.

    Returns
    -------
    ndarray, (n,)
        Raw numbers.
    """
    encoding = place.parameter.encoding
    return as_numbers(take_bits(rows, place.bit or 0, encoding.bits), encoding)


def as_numbers(words: npt.NDArray[np.uint64], encoding: Encoding) -> npt.NDArray[Any]:
    """Bits as the numbers that they mean."""
    if encoding.little and encoding.bits > 8:
        words = words.byteswap() >> np.uint64(64 - encoding.bits)
    dtype = native(encoding)
    if encoding.kind == "float":
        return words.astype(f"u{dtype.itemsize}").view(dtype)
    if encoding.kind == "signed":
        shift = np.uint64(64 - encoding.bits)
        return ((words << shift).view(np.int64) >> np.int64(shift)).astype(dtype)
    return words.astype(dtype)


def write_columns(rows: _Bytes, places: tuple[Place, ...], columns: dict[str, npt.NDArray[Any]]) -> None:
    """Write raw values into packets of zeros; the reverse of `fixed_columns`."""
    for place in places:
        encoding, values = place.parameter.encoding, columns[place.parameter.name]
        bit, size = place.bit or 0, encoding.bits
        if values.dtype == object:
            octets = np.frombuffer(bytearray(b"".join(values.tolist())), np.uint8).reshape(len(rows), size // 8)
            for i in range(size // 8):
                insert_bits(rows, bit + 8 * i, 8, octets[:, i].astype(np.uint64))
            continue
        insert_bits(rows, bit, size, as_words(values, encoding))


def as_words(values: npt.NDArray[Any], encoding: Encoding) -> npt.NDArray[np.uint64]:
    """Numbers as the bits that mean them; the reverse of `as_numbers`."""
    dtype = native(encoding)
    typed = values.astype(dtype)
    if encoding.kind == "float":
        words = typed.view(f"u{dtype.itemsize}").astype(np.uint64)
    elif encoding.kind == "signed":
        words = typed.astype(np.int64).view(np.uint64) & np.uint64((1 << encoding.bits) - 1)
    else:
        words = typed.astype(np.uint64)
    if encoding.little and encoding.bits > 8:
        words = words.byteswap() >> np.uint64(64 - encoding.bits)
    return words


def _one(rows: _Bytes, place: Place) -> npt.NDArray[Any]:
    """A column that numpy has no dtype for."""
    encoding = place.parameter.encoding
    if encoding.kind not in {"binary", "text"}:
        return take_numbers(rows, place)
    bit, octets = place.bit or 0, encoding.bits // 8
    cut = np.stack([take_bits(rows, bit + 8 * i, 8) for i in range(octets)], axis=1).astype(np.uint8)
    values = np.empty(len(rows), object)
    values[:] = [row.tobytes() for row in cut]
    return values


def _code(encoding: Encoding) -> str | None:
    """Kind and octets as in a numpy dtype, None for widths that numpy lacks."""
    if encoding.kind in {"binary", "text"} or encoding.bits not in (8, 16, 32, 64):
        return None
    return native(encoding).str[1:]
