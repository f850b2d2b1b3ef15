"""Rows of decoded packets in order of time, and runs of them that grow in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Rows", "Run", "is_known", "merge_rows"]

_Ints = npt.NDArray[np.int64]
_Column = npt.NDArray[Any]
Signature = tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Rows:
    """Packets of one channel with their parameters, by time, then sequence count, then checksum.

    Parameters
    ----------
    time_us : ndarray of int64, (n,)
        Microseconds of UTC since 1970.
    key : ndarray of int64, (n,)
        Sequence count times 2^32 plus CRC-32C of the packet: with the time, what tells packets apart.
    columns : dict
        Name of each parameter and its values, (n,).
    """

    time_us: _Ints
    key: _Ints
    columns: Mapping[str, _Column]

    def __len__(self) -> int:
        return self.time_us.size

    @property
    def signature(self) -> Signature:
        """Names and kinds of the columns."""
        return tuple((name, values.dtype.newbyteorder("=").str) for name, values in self.columns.items())

    def take(self, at: Any) -> Rows:
        """Some of the rows."""
        return Rows(self.time_us[at], self.key[at], {name: values[at] for name, values in self.columns.items()})

    def between(self, start_us: int, stop_us: int) -> Rows:
        """Rows from a time up to, not including, another."""
        begin, end = np.searchsorted(self.time_us, [start_us, stop_us])
        return self.take(slice(begin, end))


def merge_rows(parts: Sequence[Rows]) -> Rows:
    """Rows of several runs of one signature in order.

    Parameters
    ----------
    parts : sequence of Rows
        At least one.

    Returns
    -------
    Rows
    """
    if len(parts) == 1:
        return parts[0]
    time_us = np.concatenate([part.time_us for part in parts])
    key = np.concatenate([part.key for part in parts])
    names = parts[0].columns
    joined = Rows(time_us, key, {name: np.concatenate([part.columns[name] for part in parts]) for name in names})
    return joined if in_order(time_us, key) else joined.take(np.lexsort((key, time_us)))


def in_order(time_us: _Ints, key: _Ints) -> bool:
    """Whether rows stand in strict order, none twice."""
    step = np.diff(time_us)
    return bool(np.all(step >= 0) and np.all(np.diff(key)[step == 0] > 0))


def is_known(time_us: _Ints, key: _Ints, known: Sequence[tuple[_Ints, _Ints]]) -> npt.NDArray[np.bool_]:
    """Which packets stand among others or twice in a batch; the first in the batch counts as new.

    Parameters
    ----------
    time_us, key : ndarray of int64, (n,)
        The batch.
    known : sequence of (ndarray, ndarray)
        Times and keys of packets that are there.

    Returns
    -------
    ndarray of bool, (n,)
    """
    times = np.concatenate([*(pair[0] for pair in known), time_us])
    keys = np.concatenate([*(pair[1] for pair in known), key])
    order = np.lexsort((keys, times))
    times, keys = times[order], keys[order]
    again = np.zeros(times.size, bool)
    again[order[1:][(times[1:] == times[:-1]) & (keys[1:] == keys[:-1])]] = True
    return again[times.size - time_us.size :]


class Run:
    """Rows in strict order to which later ones are added.

    Parameters
    ----------
    rows : Rows
        The first rows.
    """

    def __init__(self, rows: Rows) -> None:
        self.signature = rows.signature
        self._time_us = np.empty(0, np.int64)
        self._key = np.empty(0, np.int64)
        self._columns: dict[str, _Column] = {
            name: np.empty(0, values.dtype.newbyteorder("=")) for name, values in rows.columns.items()
        }
        self._size = 0
        self.append(rows)

    def __len__(self) -> int:
        return self._size

    @property
    def last_us(self) -> int:
        """Time of the last row."""
        return int(self._time_us[self._size - 1])

    def place(self, rows: Rows) -> int:
        """From which of some rows in order on they come after those here; their number if none can be added."""
        if self.signature != rows.signature:
            return len(rows)
        last, key = self.last_us, int(self._key[self._size - 1])
        begin = int(np.searchsorted(rows.time_us, last))
        while begin < len(rows) and rows.time_us[begin] == last and rows.key[begin] < key:
            begin += 1
        return begin

    def append(self, rows: Rows) -> None:
        """Add rows at the end; views given before stay as they were."""
        need = self._size + len(rows)
        if need > self._time_us.size:
            capacity = max(need, 2 * self._time_us.size, 256)
            self._time_us, self._key = self._wider(self._time_us, capacity), self._wider(self._key, capacity)
            self._columns = {name: self._wider(values, capacity) for name, values in self._columns.items()}
        self._time_us[self._size : need] = rows.time_us
        self._key[self._size : need] = rows.key
        for name, values in self._columns.items():
            values[self._size : need] = rows.columns[name]
        self._size = need

    def rows(self) -> Rows:
        """A view of the rows so far."""
        end = self._size
        columns = {name: values[:end] for name, values in self._columns.items()}
        return Rows(self._time_us[:end], self._key[:end], columns)

    def _wider(self, values: _Column, capacity: int) -> _Column:
        """A copy with room for more."""
        found = np.empty(capacity, values.dtype)
        found[: self._size] = values[: self._size]
        return found
