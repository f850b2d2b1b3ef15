"""Compiled loops over octets and samples; imported only where they run, because compiling costs time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["bucket_statistics", "encode_records", "gather", "merge_statistics", "scan_records"]

_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_HEAD = 40
_MARK = (0x4D, 0x50, 0x52, 0x31)


def _tables() -> npt.NDArray[np.uint32]:
    """What an octet adds to CRC-32C when 0 to 7 octets follow it."""
    first = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        first = np.where(first & 1, (first >> 1) ^ np.uint32(0x82F63B78), first >> 1).astype(np.uint32)
    rows = [first]
    for _ in range(7):
        rows.append(((rows[-1] >> 8) ^ first[rows[-1] & 0xFF]).astype(np.uint32))
    return np.array(rows, np.uint32)


_TABLES = _tables()


@njit(cache=True, nogil=True)
def _crc(data: _Bytes, begin: int, end: int) -> np.uint32:
    """CRC-32C of data[begin:end], eight octets a step."""
    crc = np.uint32(0xFFFFFFFF)
    at = begin
    while at + 8 <= end:
        low = crc ^ (
            np.uint32(data[at])
            | (np.uint32(data[at + 1]) << np.uint32(8))
            | (np.uint32(data[at + 2]) << np.uint32(16))
            | (np.uint32(data[at + 3]) << np.uint32(24))
        )
        crc = (
            _TABLES[7, low & np.uint32(0xFF)]
            ^ _TABLES[6, (low >> np.uint32(8)) & np.uint32(0xFF)]
            ^ _TABLES[5, (low >> np.uint32(16)) & np.uint32(0xFF)]
            ^ _TABLES[4, low >> np.uint32(24)]
            ^ _TABLES[3, data[at + 4]]
            ^ _TABLES[2, data[at + 5]]
            ^ _TABLES[1, data[at + 6]]
            ^ _TABLES[0, data[at + 7]]
        )
        at += 8
    while at < end:
        crc = (crc >> np.uint32(8)) ^ _TABLES[0, (crc ^ np.uint32(data[at])) & np.uint32(0xFF)]
        at += 1
    return crc ^ np.uint32(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def _number(data: _Bytes, at: int) -> int:
    """The 32-bit number at a place, lowest octet first."""
    low, high = np.int64(data[at]), np.int64(data[at + 2])
    return int(low | (np.int64(data[at + 1]) << 8) | (high << 16) | (np.int64(data[at + 3]) << 24))


@njit(cache=True, nogil=True)
def _put(data: _Bytes, at: int, number: int) -> None:
    """Write a 32-bit number, lowest octet first."""
    for octet in range(4):
        data[at + octet] = (number >> (8 * octet)) & 0xFF


@njit(cache=True, nogil=True)
def encode_records(heads: _Bytes, data: _Bytes, offsets: _Ints) -> _Bytes:
    """Records ready to be appended: each head with both checksums, then the packet.

    Parameters
    ----------
    heads : ndarray of uint8, (n, 40)
        Heads of the records; octets 4 to 11, the checksums, are filled in here and in the result.
    data : ndarray of uint8
        The packets one after another.
    offsets : ndarray of int64, (n + 1,)
        Where each packet begins in `data`, and where the last ends.

    Returns
    -------
    ndarray of uint8
        The records one after another.
    """
    rows = heads.shape[0]
    out = np.empty(rows * _HEAD + offsets[rows] - offsets[0], np.uint8)
    at = 0
    for row in range(rows):
        begin, end = offsets[row], offsets[row + 1]
        _put(heads[row], 8, np.int64(_crc(data, begin, end)))
        _put(heads[row], 4, np.int64(_crc(heads[row], 8, _HEAD)))
        out[at : at + _HEAD] = heads[row]
        out[at + _HEAD : at + _HEAD + end - begin] = data[begin:end]
        at += _HEAD + end - begin
    return out


@njit(cache=True, nogil=True)
def _record_end(data: _Bytes, at: int) -> int:
    """Where the record at a place ends, or -1 if no sound record begins there."""
    if at + _HEAD > data.size:
        return -1
    for octet in range(4):
        if data[at + octet] != _MARK[octet]:
            return -1
    if _number(data, at + 4) != np.int64(_crc(data, at + 8, at + _HEAD)):
        return -1
    end = at + _HEAD + _number(data, at + 12)
    if end > data.size or _number(data, at + 8) != np.int64(_crc(data, at + _HEAD, end)):
        return -1
    return end


@njit(cache=True, nogil=True)
def scan_records(data: _Bytes, begin: int) -> tuple[_Ints, _Ints]:
    """Find the sound records of a segment; what is not sound is skipped to the next sound record.

    Parameters
    ----------
    data : ndarray of uint8
        Content of the segment.
    begin : int
        Where the first record begins.

    Returns
    -------
    places : ndarray of int64, (n,)
        Where each sound record begins.
    faults : ndarray of int64, (m, 2)
        Begin and end of what is no sound record; one that ends with the segment is a half record.
    """
    most = (data.size - begin) // _HEAD + 2
    places = np.empty(most, np.int64)
    faults = np.empty((most, 2), np.int64)
    found, bad = 0, 0
    at = begin
    while at < data.size:
        end = _record_end(data, at)
        if end >= 0:
            places[found] = at
            found += 1
            at = end
            continue
        fault = at
        at += 1
        while at < data.size and (data[at] != _MARK[0] or _record_end(data, at) < 0):
            at += 1
        faults[bad, 0] = fault
        faults[bad, 1] = at
        bad += 1
    return places[:found].copy(), faults[:bad].copy()


@njit(cache=True, nogil=True)
def gather(data: _Bytes, begins: _Ints, ends: _Ints) -> _Bytes:
    """Pieces of a buffer one after another.

    Parameters
    ----------
    data : ndarray of uint8
        The buffer.
    begins, ends : ndarray of int64, (n,)
        Where each piece begins and ends.

    Returns
    -------
    ndarray of uint8
        The pieces.
    """
    out = np.empty((ends - begins).sum(), np.uint8)
    at = 0
    for row in range(begins.size):
        size = ends[row] - begins[row]
        out[at : at + size] = data[begins[row] : ends[row]]
        at += size
    return out


@njit(cache=True, nogil=True)
def _add(high: float, low: float, more: float, rest: float) -> tuple[float, float]:
    """Sum of two numbers, each with its rounding rest; infinities have no rest."""
    total = high + more
    if not np.isfinite(total):
        return total, 0.0
    part = total - high
    rounding = (high - (total - part)) + (more - part)
    rounding += low + rest
    final = total + rounding
    return final, rounding - (final - total)


@njit(cache=True, nogil=True)
def bucket_statistics(values: npt.NDArray[np.float64], begins: _Ints) -> npt.NDArray[np.float64]:
    """Count, least, greatest and sum of the samples of each bucket; NaN is no sample.

    Parameters
    ----------
    values : ndarray of float64, (n,)
        Samples in order of buckets.
    begins : ndarray of int64, (m + 1,)
        First sample of each bucket, and `n`.

    Returns
    -------
    ndarray of float64, (5, m)
        Rows count, minimum, maximum, sum and what rounding took from the sum; minimum and maximum are NaN where
        the count is 0.
    """
    found = np.empty((5, begins.size - 1))
    for row in range(begins.size - 1):
        count, least, most, total, rest = 0, np.inf, -np.inf, 0.0, 0.0
        for at in range(begins[row], begins[row + 1]):
            value = values[at]
            if not np.isnan(value):
                count += 1
                least = value if value < least else least
                most = value if value > most else most
                wider = total + value
                part = wider - total
                rest += (total - (wider - part)) + (value - part)
                total = wider
        found[0, row] = count
        found[1, row] = least if count else np.nan
        found[2, row] = most if count else np.nan
        found[3, row], found[4, row] = _add(total, 0.0, 0.0, rest)
    return found


@njit(cache=True, nogil=True)
def merge_statistics(rows: npt.NDArray[np.float64], begins: _Ints) -> npt.NDArray[np.float64]:
    """Statistics of wider buckets from those of narrower ones.

    Parameters
    ----------
    rows : ndarray of float64, (5, n)
        Statistics of the narrower buckets in order.
    begins : ndarray of int64, (m + 1,)
        First narrow bucket of each wide one, and `n`.

    Returns
    -------
    ndarray of float64, (5, m)
    """
    found = np.empty((5, begins.size - 1))
    for row in range(begins.size - 1):
        count, least, most, total, rest = 0.0, np.inf, -np.inf, 0.0, 0.0
        for at in range(begins[row], begins[row + 1]):
            if rows[0, at] > 0:
                count += rows[0, at]
                least = min(least, rows[1, at])
                most = max(most, rows[2, at])
                total, rest = _add(total, rest, rows[3, at], rows[4, at])
        found[0, row] = count
        found[1, row] = least if count else np.nan
        found[2, row] = most if count else np.nan
        found[3, row] = total
        found[4, row] = rest
    return found
