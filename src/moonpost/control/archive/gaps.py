"""Gaps by sequence count: where packets of a channel are missing between two that are there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.batch import SEQUENCE_MODULUS

__all__ = ["Gap", "find_gaps", "stretches"]

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Gap:
    """Packets of one channel that are missing.

    Parameters
    ----------
    apid : int
        The channel.
    after, before : numpy.datetime64
        UTC of the last packet before the gap and of the first one after it.
    missing : int
        How many packets are missing, modulo 16384: at least so many. A counter that began again shows as a gap.
    """

    apid: int
    after: np.datetime64
    before: np.datetime64
    missing: int


def stretches(time_us: _Ints, key: _Ints) -> _Ints:
    """Stretches of packets without a gap.

    Parameters
    ----------
    time_us, key : ndarray of int64, (n,)
        Times and keys of packets in order.

    Returns
    -------
    ndarray of int64, (m, 4)
        First time and sequence count, last time and sequence count of each stretch.
    """
    if not time_us.size:
        return np.empty((0, 4), np.int64)
    count = key >> 32
    breaks = np.flatnonzero((np.diff(count) - 1) % SEQUENCE_MODULUS)
    first, last = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [time_us.size - 1]])
    return np.column_stack([time_us[first], count[first], time_us[last], count[last]])


def join_stretches(found: list[_Ints]) -> _Ints:
    """Stretches of several runs as one list: late ones fill the gaps of others."""
    joined = np.concatenate(found) if found else np.empty((0, 4), np.int64)
    joined = joined[np.lexsort((joined[:, 1], joined[:, 2], joined[:, 0]))]
    if not len(joined):
        return joined
    reach = np.maximum.accumulate(joined[:, 2])
    inside = np.concatenate([[False], joined[1:, 2] < reach[:-1]])
    joined = joined[~inside]
    new = (joined[1:, 1] - joined[:-1, 3] - 1) % SEQUENCE_MODULUS != 0
    begins = np.concatenate([[True], new])
    ends = np.concatenate([new, [True]])
    return np.column_stack([joined[begins, :2], joined[ends, 2:]])


def find_gaps(apid: int, joined: _Ints, start_us: int, stop_us: int) -> list[Gap]:
    """Gaps that reach into a period.

    Parameters
    ----------
    apid : int
        The channel.
    joined : ndarray of int64, (m, 4)
        Stretches of the channel in order of time.
    start_us, stop_us : int
        The period [us of UTC since 1970].

    Returns
    -------
    list of Gap
    """
    after, before = joined[:-1, 2], joined[1:, 0]
    missing = (joined[1:, 1] - joined[:-1, 3] - 1) % SEQUENCE_MODULUS
    rows = np.flatnonzero((after < stop_us) & (before >= start_us))
    return [
        Gap(apid, np.datetime64(int(after[row]), "us"), np.datetime64(int(before[row]), "us"), int(missing[row]))
        for row in rows
    ]
