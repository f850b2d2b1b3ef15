"""Why a task is not in a plan: what stands in its way at its best time, or a time at which nothing does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.operations.taskparts import Task, TaskRecorder, TaskStore
from moonpost.operations.tasks import TaskProblem

__all__ = ["Obstacle", "obstacle_of"]

Floats = npt.NDArray[np.float64]

_TRIES = 32
_SLACK = 1e-6


@dataclass(frozen=True)
class Obstacle:
    """What keeps a task out of a plan.

    Parameters
    ----------
    reason : str
        For people; empty if there is none.
    start : int
        A slot at which nothing is in the way; -1 if there is none.

    Examples
    --------
    >>> Obstacle("", 3).start
    3
    """

    reason: str
    start: int = -1


def obstacle_of(
    problem: TaskProblem, starts: Mapping[str, int], name: str, when: Callable[[int], str] = str
) -> Obstacle:
    """Find what keeps a task out of a plan, or a time at which nothing does.

    Parameters
    ----------
    problem : TaskProblem
        The tasks and what they share.
    starts : mapping of str to int
        The plan: start of each task in it [slot].
    name : str
        A task that is not in it.
    when : callable
        Writes a slot for people.

    Returns
    -------
    Obstacle

    Notes
    -----
    Looked at in turn: what it comes after, its partner's entitlement, its assets, power, energy, data. For energy
    and data up to 32 starts, spread over those that are left, are tried and the one that comes closest is told.

    Examples
    --------
    >>> look, dig = Task("look", 3, assets=("rover",)), Task("dig", 2, assets=("rover",))
    >>> problem = TaskProblem(4, [look, dig])
    >>> obstacle_of(problem, {"look": 0}, "dig").reason
    'rover is busy with look from 0 to 3'
    """
    task = problem.tasks[problem.index[name]]
    missing = [other for other in task.after if other not in starts]
    if missing:
        return Obstacle(f"comes after {missing[0]}, which is not placed")
    over = _over_share(problem, starts, task)
    if over:
        return Obstacle(over)
    free = _candidates(problem, starts, task)
    if not free.any():
        return Obstacle("no time is left for it after what it comes after")
    idle = free & _idle(problem, starts, task)
    if not idle.any():
        return Obstacle(_busy(problem, starts, task, free, when))
    powered = idle & _powered(problem, starts, task)
    store = problem.store_of(task)
    if not powered.any():
        return Obstacle(f"power of {store.name if store else 'its bus'} is short at all times left for it")
    tries = np.flatnonzero(powered)
    tries = tries[np.unique(np.linspace(0, tries.size - 1, min(_TRIES, tries.size)).astype(int))]
    fits = np.ones(tries.size, dtype=np.bool_)
    if store is not None:
        low_wh, at = _lowest(problem, starts, task, tries, store)
        fits = low_wh >= -_SLACK * max(store.capacity_wh, 1.0)
        if not fits.any():
            k = int(np.argmax(low_wh))
            floor = f"{low_wh[k]:.0f} Wh against what has to stay in it"
            return Obstacle(f"store of {store.name} would be at {floor} at {when(int(at[k]) + 1)}")
    recorder = problem.recorder_of(task)
    if recorder is not None and task.data_bit > 0.0:
        room_bit, at = _room(problem, starts, task, tries, recorder)
        kept = room_bit >= -_SLACK * recorder.capacity_bit
        if not (fits & kept).any():
            k = int(np.argmax(np.where(fits, room_bit, -np.inf)))
            much = f"{-room_bit[k] / 1e6:.3g} Mbit at {when(int(at[k]) + 1)}"
            return Obstacle(f"{recorder.name} would overflow by {much}")
        fits &= kept
    return Obstacle("", int(tries[int(np.argmax(fits))]))


def _over_share(problem: TaskProblem, starts: Mapping[str, int], task: Task) -> str:
    """A partner that has no room left for it."""
    for share in problem.shares:
        wanted = share.amount(task, problem.slot_s)
        used = sum(share.amount(problem.tasks[problem.index[name]], problem.slot_s) for name in starts)
        if wanted > 0.0 and used + wanted > share.most + _SLACK:
            scale, unit = (1.0, "Wh") if share.measure == "energy_wh" else (problem.slot_s / 3600.0, "h")
            partner, element, day = (*share.partner.split(" "), "", "")[:3]
            of = "" if element in ("", "*") else f" of {element}"
            left = max(share.most - used, 0.0) * scale
            return (
                f"{partner} has {left:.4g} {unit}{of} left of its entitlement in lunar day {day}, "
                f"and it takes {wanted * scale:.4g} {unit}"
            )
    return ""


def _candidates(problem: TaskProblem, starts: Mapping[str, int], task: Task) -> npt.NDArray[np.bool_]:
    """Starts in its windows, after what it comes after."""
    flags = np.zeros(problem.slots, dtype=np.bool_)
    for a, b in task.windows if task.windows is not None else ((0, problem.slots),):
        flags[max(a, 0) : max(min(b, problem.slots) - task.duration_slots + 1, 0)] = True
    ends = [starts[name] + problem.tasks[problem.index[name]].duration_slots for name in task.after]
    flags[: max(ends, default=0)] = False
    return flags


def _whole(flags: npt.NDArray[np.bool_], length: int) -> npt.NDArray[np.bool_]:
    """Starts from which so many slots are all true."""
    total = np.concatenate([[0], np.cumsum(flags)])
    found = np.zeros(flags.size, dtype=np.bool_)
    last = flags.size - length + 1
    if last > 0:
        found[:last] = total[length:] - total[:last] == length
    return found


def _idle(problem: TaskProblem, starts: Mapping[str, int], task: Task) -> npt.NDArray[np.bool_]:
    """Starts at which its assets have nothing else to do."""
    flags = np.ones(problem.slots, dtype=np.bool_)
    for name, begin in starts.items():
        other = problem.tasks[problem.index[name]]
        if set(other.assets) & set(task.assets):
            flags[begin : begin + other.duration_slots] = False
    return _whole(flags, task.duration_slots)


def _busy(
    problem: TaskProblem,
    starts: Mapping[str, int],
    task: Task,
    free: npt.NDArray[np.bool_],
    when: Callable[[int], str],
) -> str:
    """Who keeps its assets busy."""
    begin, end = int(np.argmax(free)), int(free.size - np.argmax(free[::-1])) + task.duration_slots
    rows = []
    for name, start in sorted(starts.items(), key=lambda row: row[1]):
        other = problem.tasks[problem.index[name]]
        stop = start + other.duration_slots
        if set(other.assets) & set(task.assets) and start < end and stop > begin:
            rows.append(f"{name} from {when(start)} to {when(stop)}")
    asset = ", ".join(task.assets)
    return f"{asset} is busy with {', '.join(rows[:3])}" + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")


def _powered(problem: TaskProblem, starts: Mapping[str, int], task: Task) -> npt.NDArray[np.bool_]:
    """Starts at which power and shared capacities are enough."""
    store = problem.store_of(task)
    flags = np.ones(problem.slots, dtype=np.bool_)
    if store is not None:
        left = np.array(store.power_limit_w, dtype=np.float64)
        for name, begin in starts.items():
            other = problem.tasks[problem.index[name]]
            if problem.store_of(other) is store:
                left[begin : begin + other.duration_slots] -= other.power_w
        flags &= left >= task.power_w - _SLACK
    for kind, amount in task.uses.items():
        left = np.array(problem.capacities[kind], dtype=np.float64)
        for name, begin in starts.items():
            other = problem.tasks[problem.index[name]]
            left[begin : begin + other.duration_slots] -= other.uses.get(kind, 0.0)
        flags &= left >= amount - _SLACK
    return _whole(flags, task.duration_slots)


def _spread(problem: TaskProblem, task: Task, amount: float, tries: npt.NDArray[np.intp]) -> Floats:
    """An amount booked evenly from each of several starts, (slots, tries)."""
    slot = np.arange(problem.slots)[:, None]
    inside = (slot >= tries[None, :]) & (slot < tries[None, :] + task.duration_slots)
    return np.asarray(inside * (amount / task.duration_slots))


def _lowest(
    problem: TaskProblem, starts: Mapping[str, int], task: Task, tries: npt.NDArray[np.intp], store: TaskStore
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Least energy above what has to stay, and its slot, for each start tried."""
    base = np.array(store.charge_wh, dtype=np.float64)
    booked = np.zeros(problem.slots)
    for name, begin in starts.items():
        other = problem.tasks[problem.index[name]]
        if problem.store_of(other) is store:
            booked[begin : begin + other.duration_slots] += other.energy(problem.slot_s) / other.duration_slots
    taken = booked[:, None] + _spread(problem, task, task.energy(problem.slot_s), tries)
    alone = store.initial_wh
    level = np.full(tries.size, store.initial_wh)
    least, at = np.full(tries.size, np.inf), np.zeros(tries.size, dtype=np.intp)
    for k in range(problem.slots):
        gain = max(base[k], -alone)
        alone = min(store.capacity_wh, alone + gain)
        level = np.minimum(store.capacity_wh, level + gain - taken[k])
        above = level - min(store.reserve_wh, alone)
        better = above < least
        least, at = np.where(better, above, least), np.where(better, k, at)
    return least, at


def _room(
    problem: TaskProblem,
    starts: Mapping[str, int],
    task: Task,
    tries: npt.NDArray[np.intp],
    recorder: TaskRecorder,
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Least room in the recorder, and its slot, for each start tried."""
    made = np.array(recorder.made_bit, dtype=np.float64)
    booked = np.zeros(problem.slots)
    for name, begin in starts.items():
        other = problem.tasks[problem.index[name]]
        if problem.recorder_of(other) is recorder:
            change = other.data_bit - other.downlink_bit
            booked[begin : begin + other.duration_slots] += change / other.duration_slots
    put = booked[:, None] + _spread(problem, task, task.data_bit, tries)
    alone = recorder.initial_bit
    level = np.full(tries.size, recorder.initial_bit)
    least, at = np.full(tries.size, np.inf), np.zeros(tries.size, dtype=np.intp)
    for k in range(problem.slots):
        gain = min(made[k], recorder.capacity_bit - alone)
        alone = max(0.0, alone + gain)
        level = np.maximum(0.0, level + gain + put[k])
        room = recorder.capacity_bit - level
        better = room < least
        least, at = np.where(better, room, least), np.where(better, k, at)
    return least, at
