"""One way to read a parameter, whether its samples are in memory, on the disk or both."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.gaps import Gap, find_gaps, join_stretches, stretches
from moonpost.control.archive.levels import bucket_rows, merge_buckets
from moonpost.control.archive.parameters import ParameterStore, Snapshot
from moonpost.control.archive.parts import Part
from moonpost.control.archive.rows import Rows
from moonpost.control.archive.series import Series
from moonpost.errors import InputError

__all__ = ["read_bins", "read_gaps", "read_samples"]

MOST_SAMPLES = 50_000_000
_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


def read_samples(store: ParameterStore, apids: tuple[int, ...], name: str, start_us: int, stop_us: int) -> Series:
    """Every sample of a parameter in a period.

    Parameters
    ----------
    store : ParameterStore
        The parameters.
    apids : tuple of int
        Channels that carry it.
    name : str
        The parameter.
    start_us, stop_us : int
        The period, its end not included [us of UTC since 1970].

    Returns
    -------
    Series

    Raises
    ------
    InputError
        If there are more than 50 million samples.
    """
    found: list[Rows] = []
    for apid in apids:
        with store.reading(apid) as snapshot:
            parts = [part for part in _near(snapshot, start_us, stop_us) if _holds(part, name)]
            rows = [run.between(start_us, stop_us) for run in snapshot.rows if name in run.columns]
            if sum(map(len, [*found, *rows])) + sum(_share(p, start_us, stop_us) for p in parts) > MOST_SAMPLES:
                raise InputError(
                    f"the period holds more than {MOST_SAMPLES:,} samples",
                    where=f"query of {name!r}",
                    advice="give bins, or a shorter period",
                )
            found += [store.files.read(part, [name], start_us, stop_us) for part in parts]
            found += [Rows(run.time_us, run.key, {name: run.columns[name]}) for run in rows]
    time_us = np.concatenate([np.empty(0, np.int64), *(rows.time_us for rows in found)])
    key = np.concatenate([np.empty(0, np.int64), *(rows.key for rows in found)])
    value: npt.NDArray[Any] = np.concatenate([rows.columns[name] for rows in found]) if found else np.empty(0)
    if np.any(np.diff(time_us) <= 0):
        order = np.lexsort((key, time_us))
        time_us, value = time_us[order], value[order]
    if value.dtype.kind == "f" and np.any(np.isnan(value)):
        there = ~np.isnan(value)
        time_us, value = time_us[there], value[there]
    gaps = read_gaps(store, apids, start_us, stop_us)
    count = np.ones(time_us.size, np.int64)
    return Series(name, time_us.astype("datetime64[us]"), value, value, value, count, 0.0, gaps)


def read_bins(
    store: ParameterStore, apids: tuple[int, ...], name: str, start_us: int, stop_us: int, bins: int
) -> Series:
    """Statistics of a parameter in bins.

    Parameters
    ----------
    store : ParameterStore
        The parameters.
    apids : tuple of int
        Channels that carry it.
    name : str
        The parameter.
    start_us, stop_us : int
        The period [us of UTC since 1970]; bins that reach beyond it are whole.
    bins : int
        Most bins.

    Returns
    -------
    Series
    """
    exponent = bin_exponent(start_us, stop_us, bins)
    first, last = start_us >> exponent, (stop_us - 1) >> exponent
    buckets: list[_Ints] = [np.empty(0, np.int64)]
    tables: list[_Floats] = [np.empty((5, 0))]
    for apid in apids:
        with store.reading(apid) as snapshot:
            found = [
                _part_bins(store, part, name, exponent, (first, last))
                for part in _near(snapshot, first << exponent, (last + 1) << exponent)
                if _holds(part, name)
            ]
            for run in snapshot.rows:
                if name in run.columns:
                    near = run.between(first << exponent, (last + 1) << exponent)
                    found.append(bucket_rows(near.time_us, near.columns[name], exponent))
        buckets += [pair[0] for pair in found]
        tables += [pair[1] for pair in found]
    bucket, table = merge_buckets(np.concatenate(buckets), np.concatenate(tables, axis=1))
    there = table[0] > 0
    bucket, table = bucket[there], table[:, there]
    gaps = read_gaps(store, apids, first << exponent, (last + 1) << exponent)
    time = (bucket << exponent).astype("datetime64[us]")
    count = table[0].astype(np.int64)
    mean = (table[3] + table[4]) / table[0]
    return Series(name, time, mean, table[1], table[2], count, 2.0**exponent / 1e6, gaps)


def bin_exponent(start_us: int, stop_us: int, bins: int) -> int:
    """The narrowest power of two [us] of which at most so many bins reach into a period."""
    exponent = max(0, ((stop_us - start_us) // bins).bit_length() - 1)
    while ((stop_us - 1) >> exponent) - (start_us >> exponent) + 1 > bins:
        exponent += 1
    return exponent


def read_gaps(store: ParameterStore, apids: tuple[int, ...], start_us: int, stop_us: int) -> tuple[Gap, ...]:
    """Gaps of channels that reach into a period, in order of time.

    Parameters
    ----------
    store : ParameterStore
        The parameters.
    apids : tuple of int
        The channels.
    start_us, stop_us : int
        The period [us of UTC since 1970].

    Returns
    -------
    tuple of Gap
    """
    found: list[Gap] = []
    for apid in apids:
        with store.reading(apid) as snapshot:
            known = [_stretches_of(store, snapshot.parts)]
            known += [stretches(run.time_us, run.key) for run in snapshot.rows]
            found += find_gaps(apid, join_stretches(known), start_us, stop_us)
    return tuple(sorted(found, key=lambda gap: (gap.after, gap.apid)))


def _stretches_of(store: ParameterStore, parts: tuple[Part, ...]) -> _Ints:
    """Stretches of parts, joined once for each set of parts."""
    key = tuple(part.stem for part in parts)
    kept = store.stretches_kept
    apid = parts[0].apid if parts else -1
    if apid not in kept or kept[apid][0] != key:
        kept[apid] = (key, join_stretches([np.array(store.files.table(part, "stretches")) for part in parts]))
    return kept[apid][1]


def _part_bins(
    store: ParameterStore, part: Part, name: str, exponent: int, bounds: tuple[int, int]
) -> tuple[_Ints, _Floats]:
    """Bins of a part: from the widest statistics that are narrow enough, else from its samples."""
    first, last = bounds
    level = next((level for level in reversed(part.levels) if level.exponent <= exponent), None)
    if level is None:
        rows = store.files.read(part, [name], first << exponent, (last + 1) << exponent)
        return bucket_rows(rows.time_us, rows.columns[name], exponent)
    by = exponent - level.exponent
    bucket, table = store.files.statistics(part, name, level, first << by, ((last + 1) << by) - 1)
    return merge_buckets(bucket, table, by)


def _near(snapshot: Snapshot, start_us: int, stop_us: int) -> list[Part]:
    """Parts that reach into a period."""
    return [part for part in snapshot.parts if part.first_us < stop_us and part.last_us >= start_us]


def _holds(part: Part, name: str) -> bool:
    """Whether a part has a parameter."""
    return any(column[0] == name for column in part.columns)


def _share(part: Part, start_us: int, stop_us: int) -> int:
    """About how many samples of a part lie in a period."""
    inside = min(stop_us, part.last_us + 1) - max(start_us, part.first_us)
    return int(part.size * inside // (part.last_us + 1 - part.first_us))
