"""Compiled loops over octets; imported only where they run, because compiling costs time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["checksums", "walk_frames", "walk_packets"]

_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_ONLY_IDLE, _NO_START = 2046, 2047
_VERSION, _LENGTH, _PARTIAL, _POINTER = 0, 1, 2, 3


def _tables() -> npt.NDArray[np.uint16]:
    """What an octet adds to the checksum when 0 to 7 octets follow it."""
    first = np.zeros(256, np.uint16)
    for octet in range(256):
        value = octet << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1
        first[octet] = value
    rows = [first]
    for _ in range(7):
        rows.append(((rows[-1] << 8) ^ first[rows[-1] >> 8]).astype(np.uint16))
    return np.array(rows, np.uint16)


_TABLES = _tables()


@njit(cache=True, nogil=True)
def checksums(frames: _Bytes) -> npt.NDArray[np.uint16]:
    """CRC-16 with polynomial 0x1021 and start 0xFFFF of each row, as frames carry it.

    Parameters
    ----------
    frames : ndarray of uint8, (n, length)
        Octets, without the checksum itself.

    Returns
    -------
    ndarray of uint16, (n,)
        Checksums.

    Examples
    --------
    >>> hex(int(checksums(np.frombuffer(b"123456789", np.uint8)[None, :])[0]))
    '0x29b1'
    """
    n, length = frames.shape
    found = np.empty(n, np.uint16)
    whole = length - length % 8
    for row in range(n):
        crc = np.uint32(0xFFFF)
        for i in range(0, whole, 8):
            crc = (
                np.uint32(_TABLES[7, frames[row, i] ^ (crc >> np.uint32(8))])
                ^ np.uint32(_TABLES[6, frames[row, i + 1] ^ (crc & np.uint32(0xFF))])
                ^ np.uint32(_TABLES[5, frames[row, i + 2]])
                ^ np.uint32(_TABLES[4, frames[row, i + 3]])
                ^ np.uint32(_TABLES[3, frames[row, i + 4]])
                ^ np.uint32(_TABLES[2, frames[row, i + 5]])
                ^ np.uint32(_TABLES[1, frames[row, i + 6]])
                ^ np.uint32(_TABLES[0, frames[row, i + 7]])
            )
        for i in range(whole, length):
            step = np.uint32(_TABLES[0, (crc >> np.uint32(8)) ^ frames[row, i]])
            crc = ((crc << np.uint32(8)) ^ step) & np.uint32(0xFFFF)
        found[row] = crc
    return found


@njit(cache=True, nogil=True)
def walk_packets(data: _Bytes, longest: int) -> tuple[_Ints, _Ints, int, _Ints, int]:
    """Hop from packet to packet by their length fields; behind a wrong header try octet by octet.

    Parameters
    ----------
    data : ndarray of uint8
        Octets that begin with a packet.
    longest : int
        Longest packet that is believed [octet].

    Returns
    -------
    tuple
        Starts and lengths of whole packets; where the walk ended; stretches that began with a wrong version and
        with a length that is not believed; octets in them.

    Examples
    --------
    >>> walk_packets(np.array([255, 8, 1, 192, 0, 0, 0, 7, 8], np.uint8), 100)[0]
    array([1])
    """
    most = data.size // 7 + 1
    start, length = np.empty(most, np.int64), np.empty(most, np.int64)
    rejects = np.zeros(2, np.int64)
    n, at, lost, in_fault = 0, 0, 0, False
    while at + 6 <= data.size:
        size = 7 + (int(data[at + 4]) << 8) + int(data[at + 5])
        if data[at] >> 5 != 0 or size > longest:
            if not in_fault:
                rejects[_VERSION if data[at] >> 5 != 0 else _LENGTH] += 1
            in_fault = True
            at += 1
            lost += 1
            continue
        if at + size > data.size:
            break
        start[n], length[n] = at, size
        n += 1
        at += size
        in_fault = False
    return start[:n].copy(), length[:n].copy(), at, rejects, lost


@njit(cache=True, nogil=True)
def _due(data: _Bytes, at: int, a: int, b: int) -> int:
    """Where in the frame from `a` to `b` the next packet has to start, by the packet under way; `b` if later."""
    if at >= a:
        return at
    if at + 6 > b:
        return b
    return min(at + 7 + (int(data[at + 4]) << 8) + int(data[at + 5]), b)


@njit(cache=True, nogil=True)
def _hop(
    data: _Bytes, at: int, b: int, k: int, longest: int, start: _Ints, length: _Ints, frame: _Ints, n: int
) -> tuple[int, int, int]:
    """Hop through one frame; how many packets then are known, where it ended, and the reject or -1."""
    while at + 6 <= b:
        size = 7 + (int(data[at + 4]) << 8) + int(data[at + 5])
        if data[at] >> 5 != 0:
            return n, at, _VERSION
        if size > longest:
            return n, at, _LENGTH
        if at + size > b:
            break
        start[n], length[n], frame[n] = at, size, k
        n += 1
        at += size
    return n, at, -1


@njit(cache=True, nogil=True)
def walk_frames(
    data: _Bytes, base: int, room: int, pointers: _Ints, broken: _Bytes, begun: int, longest: int
) -> tuple[_Ints, _Ints, _Ints, int, _Ints, int]:
    """Find the packets in the data fields of the frames of one virtual channel.

    Parameters
    ----------
    data : ndarray of uint8
        Octets of a packet that an earlier frame began, then the data fields one after the other.
    base : int
        Octets before the first data field.
    room : int
        Octets of a data field.
    pointers : ndarray of int64, (n,)
        First header pointer of each frame.
    broken : ndarray of uint8, (n,)
        1 where frames are missing before this one.
    begun : int
        Where the packet under way begins, `base` at a boundary, -1 where the next start is not known.
    longest : int
        Longest packet that is believed [octet].

    Returns
    -------
    tuple
        Starts, lengths and frames of whole packets; where the packet under way begins, as `begun`; how often
        a version, a length, a partial packet and a pointer were rejected; octets that belong to no packet.

    Examples
    --------
    >>> octets = np.array([8, 1, 192, 0, 0, 0, 7, 8], np.uint8)
    >>> found = walk_frames(octets, 0, 8, np.array([0]), np.zeros(1, np.uint8), 0, 100)
    >>> found[1], found[3]
    (array([7]), 7)
    """
    most = data.size // 7 + 1
    start, length, frame = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    rejects = np.zeros(4, np.int64)
    n, lost, at = 0, 0, begun
    for k in range(pointers.size):
        a = base + k * room
        b = a + room
        pointer = pointers[k]
        if broken[k] == 1 and at >= 0:
            if at < a:
                rejects[_PARTIAL] += 1
                lost += a - at
            at = -1
        told = a + pointer if pointer < room else b
        if pointer == _ONLY_IDLE:
            if 0 <= at < a:
                rejects[_POINTER] += 1
                lost += a - at
            at = b
            continue
        if at >= 0:
            if _due(data, at, a, b) != told:
                rejects[_POINTER] += 1
                lost += told - at
                at = told if told < b else -1
        else:
            lost += told - a
            at = told if told < b else -1
        if at < 0:
            continue
        n, at, wrong = _hop(data, at, b, k, longest, start, length, frame, n)
        if wrong >= 0:
            rejects[wrong] += 1
            lost += b - at
            at = -1
    return start[:n].copy(), length[:n].copy(), frame[:n].copy(), at, rejects, lost
