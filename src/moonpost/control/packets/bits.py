"""Integers of any width at any bit, read and written in many packets at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["insert_bits", "take_bits"]

_Bytes = npt.NDArray[np.uint8]
_Words = npt.NDArray[np.uint64]


def take_bits(octets: _Bytes, bit: int, bits: int) -> _Words:
    """The unsigned integer at a place of each row.

    Parameters
    ----------
    octets : ndarray of uint8, (n, m)
        Rows of octets.
    bit : int
        Where it begins, from the highest bit of the first octet.
    bits : int
        Its width, 1 to 64.

    Returns
    -------
    ndarray of uint64, (n,)
        The integers.

    Examples
    --------
    >>> take_bits(np.array([[0b00011000, 0b10000000]], np.uint8), 3, 6).item()
    49
    """
    value = np.zeros(len(octets), np.uint64)
    while bits > 0:
        held = min(8 - bit % 8, bits)
        piece = octets[:, bit // 8] >> np.uint8(8 - bit % 8 - held) & np.uint8((1 << held) - 1)
        value = value << np.uint64(held) | piece
        bit, bits = bit + held, bits - held
    return value


def insert_bits(octets: _Bytes, bit: int, bits: int, values: _Words) -> None:
    """Write an unsigned integer into a place of each row that holds zeros.

    Parameters
    ----------
    octets : ndarray of uint8, (n, m)
        Rows of octets, changed in place.
    bit : int
        Where it begins, from the highest bit of the first octet.
    bits : int
        Its width, 1 to 64.
    values : ndarray of uint64, (n,)
        The integers; higher bits are left out.

    Examples
    --------
    >>> rows = np.zeros((1, 2), np.uint8)
    >>> insert_bits(rows, 3, 6, np.array([49], np.uint64))
    >>> rows.tolist()
    [[24, 128]]
    """
    while bits > 0:
        held = min(8 - bit % 8, bits)
        piece = values >> np.uint64(bits - held) & np.uint64((1 << held) - 1)
        octets[:, bit // 8] |= (piece << np.uint64(8 - bit % 8 - held)).astype(np.uint8)
        bit, bits = bit + held, bits - held
