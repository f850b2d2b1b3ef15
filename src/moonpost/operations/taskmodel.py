"""A task problem as plain arrays, as searches and bounds take it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moonpost.operations.tasks import TaskProblem

__all__ = ["TaskArrays", "task_arrays"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


class TaskArrays(NamedTuple):
    """A task problem as arrays; rows that tasks own one after another, with where those of each begin.

    Parameters
    ----------
    length, worth, must : ndarray, shape (n,)
        Durations [slots], values [1], and 1 for what has to be in the plan.
    window_at, window_from, window_to : ndarray of int
        Windows; those of a task stand from ``window_at[k]`` to before ``window_at[k + 1]``.
    use_at, use_of, use_much : ndarray
        Shared capacities, assets and powers that it takes, and how much.
    before_at, before, behind_at, behind : ndarray of int
        Tasks that come before and after it.
    room : ndarray, shape (r, slots)
        What there is of each capacity, asset and power in each slot.
    store, energy, recorder, made, sent : ndarray, shape (n,)
        Place of the store and the recorder, or -1; energy taken [Wh], data made and sent [bit].
    charge, lowest, full, first : ndarray
        Of the stores: what comes in and the lowest level by interval, capacity and first level [Wh].
    kept, size, filled : ndarray
        Of the recorders: what comes in by interval, capacity and first level [bit].
    share, least, most : ndarray
        What each task counts for each share, and the limits.
    bin_slots : int
        Slots of an interval of counting.
    whole : bool
        Whether all is booked where a task starts.
    """

    length: Whole
    worth: Floats
    must: Whole
    window_at: Whole
    window_from: Whole
    window_to: Whole
    use_at: Whole
    use_of: Whole
    use_much: Floats
    before_at: Whole
    before: Whole
    behind_at: Whole
    behind: Whole
    room: Floats
    store: Whole
    energy: Floats
    recorder: Whole
    made: Floats
    sent: Floats
    charge: Floats
    lowest: Floats
    full: Floats
    first: Floats
    kept: Floats
    size: Floats
    filled: Floats
    share: Floats
    least: Floats
    most: Floats
    bin_slots: int
    whole: bool


def task_arrays(problem: TaskProblem) -> TaskArrays:
    """The arrays of a problem, tasks in its order.

    Parameters
    ----------
    problem : TaskProblem
        The tasks and what they share.

    Returns
    -------
    TaskArrays

    Examples
    --------
    >>> from moonpost.operations.tasks import Task
    >>> task_arrays(TaskProblem(8, [Task("look", 2)])).window_to
    array([8])
    """
    tasks, index = problem.tasks, problem.index
    windows = [
        [(max(0, a), min(b, problem.slots)) for a, b in (task.windows or ((0, problem.slots),))]
        if task.windows is None or task.windows
        else []
        for task in tasks
    ]
    windows = [
        [(a, b) for a, b in row if b - a >= task.duration_slots] for row, task in zip(windows, tasks, strict=True)
    ]
    before = [[index[name] for name in task.after] for task in tasks]
    behind: list[list[int]] = [[] for _ in tasks]
    for k, row in enumerate(before):
        for j in row:
            behind[j].append(k)
    window_at, flat = _rows(windows)
    use_at, uses, room = _uses(problem)
    bins = np.arange(problem.slots) // (problem.bucket_slots if problem.accounting == "bucket" else 1)
    charge, lowest = _stores(problem, bins)
    least, most = ([getattr(row, name) for row in problem.shares] for name in ("least", "most"))
    stores, recorders = {id(row): k for k, row in enumerate(problem.stores)}, problem.recorders
    tapes = {id(row): k for k, row in enumerate(recorders)}
    return TaskArrays(
        np.array([task.duration_slots for task in tasks], dtype=np.int64),
        np.array([task.value for task in tasks], dtype=np.float64),
        _must(problem, before),
        window_at,
        np.array([a for a, _ in flat], dtype=np.int64),
        np.array([b for _, b in flat], dtype=np.int64),
        use_at,
        np.array([r for r, _ in uses], dtype=np.int64),
        np.array([q for _, q in uses], dtype=np.float64),
        *_links(before),
        *_links(behind),
        room,
        np.array([stores.get(id(problem.store_of(task)), -1) for task in tasks], dtype=np.int64),
        np.array([task.energy(problem.slot_s) for task in tasks], dtype=np.float64),
        np.array([tapes.get(id(problem.recorder_of(task)), -1) for task in tasks], dtype=np.int64),
        np.array([task.data_bit for task in tasks], dtype=np.float64),
        np.array([task.downlink_bit for task in tasks], dtype=np.float64),
        charge,
        lowest,
        np.array([row.capacity_wh for row in problem.stores], dtype=np.float64),
        np.array([row.initial_wh for row in problem.stores], dtype=np.float64),
        _recorders(problem, bins),
        np.array([row.capacity_bit for row in recorders], dtype=np.float64),
        np.array([row.initial_bit for row in recorders], dtype=np.float64),
        np.array([[row.amount(task, problem.slot_s) for task in tasks] for row in problem.shares]).reshape(
            len(problem.shares), len(tasks)
        ),
        np.array(least, dtype=np.float64),
        np.array(most, dtype=np.float64),
        int(problem.bucket_slots) if problem.accounting == "bucket" else 1,
        problem.accounting == "bucket",
    )


def _rows(rows: list[list[tuple[int, int]]]) -> tuple[Whole, list[tuple[int, int]]]:
    """Where each row begins when all stand one after another, and the rows so."""
    at = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return at, [pair for row in rows for pair in row]


def _links(rows: list[list[int]]) -> tuple[Whole, Whole]:
    """Lists of tasks one after another."""
    at = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return at, np.array([k for row in rows for k in row], dtype=np.int64)


def _must(problem: TaskProblem, before: list[list[int]]) -> Whole:
    """1 for mandatory tasks and for all that come before them."""
    must = np.array([task.mandatory for task in problem.tasks], dtype=np.int64)
    for k in reversed(problem.order):
        for j in before[k]:
            must[j] |= must[k]
    return must


def _uses(problem: TaskProblem) -> tuple[Whole, list[tuple[int, float]], Floats]:
    """What each task takes of capacities, assets and powers, and what there is."""
    limits: dict[tuple[str, str], Floats] = {}
    for name, there in problem.capacities.items():
        limits["capacity", name] = np.asarray(there, dtype=np.float64)
    for name in problem.assets:
        limits["asset", name] = np.ones(problem.slots)
    for each in problem.stores:
        limits["power", each.name] = np.asarray(each.power_limit_w, dtype=np.float64)
    place = {key: at for at, key in enumerate(limits)}
    rows: list[list[tuple[int, float]]] = []
    for task in problem.tasks:
        taken: dict[tuple[str, str], float] = {("asset", name): 1.0 for name in task.assets}
        taken |= {("capacity", name): much for name, much in task.uses.items()}
        store = problem.store_of(task)
        if store is not None and np.isfinite(limits["power", store.name]).any():
            taken["power", store.name] = task.power_w
        rows.append([(place[key], much) for key, much in taken.items() if much > 0])
    at = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    room = np.array(list(limits.values())).reshape(len(limits), problem.slots)
    return at, [pair for row in rows for pair in row], room


def _stores(problem: TaskProblem, bins: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Charge less what is shed, and the lowest level allowed, by store and interval."""
    charge = np.zeros((len(problem.stores), int(bins[-1]) + 1))
    lowest = np.zeros_like(charge)
    for row, store in enumerate(problem.stores):
        np.add.at(charge[row], bins, np.asarray(store.charge_wh))
        level = store.initial_wh
        for b in range(charge.shape[1]):
            begin = level
            charge[row, b] = max(charge[row, b], -level)
            level = min(store.capacity_wh, level + charge[row, b])
            alone = min(begin, level) if problem.accounting == "bucket" else level
            lowest[row, b] = min(store.reserve_wh, alone)
    return charge, lowest


def _recorders(problem: TaskProblem, bins: npt.NDArray[np.intp]) -> Floats:
    """What comes in without tasks less what finds no room, by recorder and interval."""
    kept = np.zeros((len(problem.recorders), int(bins[-1]) + 1))
    for row, recorder in enumerate(problem.recorders):
        np.add.at(kept[row], bins, np.asarray(recorder.made_bit))
        level = recorder.initial_bit
        for b in range(kept.shape[1]):
            kept[row, b] = min(kept[row, b], recorder.capacity_bit - level)
            level = max(0.0, level + kept[row, b])
    return kept


def latest_starts(arrays: TaskArrays, order: tuple[int, ...], sure: npt.NDArray[np.bool_]) -> Floats:
    """Latest start of each task by its windows and those of the sure ones that come after it, -inf without one."""
    n = arrays.length.size
    last = np.full(n, -math.inf)
    for k in reversed(order):
        limit = math.inf
        for j in arrays.behind[arrays.behind_at[k] : arrays.behind_at[k + 1]]:
            if sure[j] and last[j] >= 0:
                limit = min(limit, last[j] - arrays.length[k])
        for w in range(arrays.window_at[k], arrays.window_at[k + 1]):
            at = min(limit, float(arrays.window_to[w] - arrays.length[k]))
            if at >= arrays.window_from[w]:
                last[k] = max(last[k], at)
    return last
