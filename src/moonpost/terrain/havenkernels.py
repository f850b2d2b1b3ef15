"""Compiled loops behind the way to a safe haven."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["nearest"]

_DOWN = np.array([0, 1, 0, -1, 1, 1, -1, -1, 1, 2, 2, 1, -1, -2, -2, -1], dtype=np.int64)
_ACROSS = np.array([1, 0, -1, 0, 1, -1, -1, 1, 2, 1, -1, -2, -2, -1, 1, 2], dtype=np.int64)


@njit(cache=True, nogil=True)
def nearest(height: Any, ground: Any, drivable: Any, haven: Any, out: Any, origin: Any) -> None:
    """Length of the shortest drivable way from each cell to a haven [m], and the haven, by Dijkstra's algorithm.

    Steps lead to the eight neighbours and the eight knight's moves; those pass between two cells, both of which
    have to be drivable, as have the two beside a diagonal step.
    """
    rows, cols = height.shape
    size = rows * cols
    done = np.zeros(size, dtype=np.bool_)
    place = np.full(size, -1, dtype=np.int64)
    heap = np.empty(size, dtype=np.int64)
    key = np.full(size, np.inf)
    count = 0
    for i in range(rows):
        for j in range(cols):
            if haven[i, j] and drivable[i, j]:
                cell = i * cols + j
                key[cell] = 0.0
                origin[i, j] = cell
                count = _push(heap, place, key, count, cell)
    while count:
        cell, count = _pop(heap, place, key, count)
        done[cell] = True
        i, j = cell // cols, cell % cols
        out[i, j] = key[cell]
        for k in range(16):
            m, n = i + _DOWN[k], j + _ACROSS[k]
            if m < 0 or n < 0 or m >= rows or n >= cols or not drivable[m, n]:
                continue
            beside = m * cols + n
            if done[beside] or not _passes(drivable, i, j, _DOWN[k], _ACROSS[k]):
                continue
            flat = 0.5 * (ground[i, j] + ground[m, n]) * np.sqrt(float(_DOWN[k] ** 2 + _ACROSS[k] ** 2))
            rise = height[m, n] - height[i, j]
            reached = key[cell] + np.sqrt(flat * flat + rise * rise)
            if reached < key[beside]:
                key[beside] = reached
                origin[m, n] = origin[i, j]
                if place[beside] < 0:
                    count = _push(heap, place, key, count, beside)
                else:
                    _up(heap, place, key, place[beside])


@njit(cache=True, nogil=True)
def _passes(drivable: Any, i: int, j: int, down: int, across: int) -> bool:
    """Whether the cells that a step touches between its ends are drivable."""
    if abs(down) + abs(across) == 1:
        return True
    if abs(down) == 1 and abs(across) == 1:
        return drivable[i + down, j] and drivable[i, j + across]
    if abs(down) == 2:
        return drivable[i + down // 2, j] and drivable[i + down // 2, j + across]
    return drivable[i, j + across // 2] and drivable[i + down, j + across // 2]


@njit(cache=True, nogil=True)
def _push(heap: Any, place: Any, key: Any, count: int, cell: int) -> int:
    heap[count] = cell
    place[cell] = count
    _up(heap, place, key, count)
    return count + 1


@njit(cache=True, nogil=True)
def _pop(heap: Any, place: Any, key: Any, count: int) -> tuple[int, int]:
    first = heap[0]
    count -= 1
    last = heap[count]
    heap[0] = last
    place[last] = 0
    spot = 0
    while True:
        child = 2 * spot + 1
        if child >= count:
            break
        if child + 1 < count and _less(key, heap[child + 1], heap[child]):
            child += 1
        if not _less(key, heap[child], heap[spot]):
            break
        _swap(heap, place, spot, child)
        spot = child
    return first, count


@njit(cache=True, nogil=True)
def _up(heap: Any, place: Any, key: Any, spot: int) -> None:
    while spot > 0:
        parent = (spot - 1) // 2
        if not _less(key, heap[spot], heap[parent]):
            break
        _swap(heap, place, spot, parent)
        spot = parent


@njit(cache=True, nogil=True)
def _less(key: Any, one: int, other: int) -> bool:
    """Order by length, and by place where lengths are equal: the result never hangs on the order of work."""
    return key[one] < key[other] or (key[one] == key[other] and one < other)


@njit(cache=True, nogil=True)
def _swap(heap: Any, place: Any, one: int, other: int) -> None:
    heap[one], heap[other] = heap[other], heap[one]
    place[heap[one]], place[heap[other]] = one, other
