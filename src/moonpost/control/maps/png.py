"""Pictures as PNG, made here so that no library for pictures is needed."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["png_octets"]

_KINDS = {1: 0, 3: 2, 4: 6}
_UP = 2


def png_octets(pixels: npt.NDArray[np.uint8], *, level: int = 6) -> bytes:
    r"""Write pixels as PNG.

    Parameters
    ----------
    pixels : ndarray of uint8, (rows, columns) or (rows, columns, 1, 3 or 4)
        Grey, red-green-blue, or with opacity.
    level : int
        Of compression, 1 to 9.

    Returns
    -------
    bytes
        A whole file.

    Raises
    ------
    InputError
        If the array has another shape.

    References
    ----------
    W3C (2003), Portable Network Graphics (PNG) Specification, second edition.

    Examples
    --------
    >>> png_octets(np.zeros((2, 3), np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    given = np.asarray(pixels, dtype=np.uint8)
    given = given[..., None] if given.ndim == 2 else given
    if given.ndim != 3 or given.shape[2] not in _KINDS or given.size == 0:
        raise InputError(
            f"of shape {given.shape}", where="pixels", advice="give rows, columns and 1, 3 or 4 parts"
        )
    rows, columns, parts = given.shape
    flat = given.reshape(rows, columns * parts)
    lines = np.empty((rows, columns * parts + 1), dtype=np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = flat[0]
    lines[1:, 1:] = flat[1:] - flat[:-1]
    head = struct.pack(">IIBBBBB", columns, rows, 8, _KINDS[parts], 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), level)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, octets: bytes) -> bytes:
    """One part of the file with its length and checksum."""
    return struct.pack(">I", len(octets)) + name + octets + struct.pack(">I", zlib.crc32(name + octets))
