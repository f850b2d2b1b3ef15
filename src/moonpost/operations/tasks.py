"""Tasks in windows that share machines, power, energy, data and contact: the problem, and the check of a plan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.taskparts import Measure, PerSlot, Task, TaskPlan, TaskRecorder, TaskShare, TaskStore

__all__ = [
    "Accounting",
    "Measure",
    "Task",
    "TaskPlan",
    "TaskProblem",
    "TaskRecorder",
    "TaskShare",
    "TaskStore",
    "task_faults",
    "task_levels",
]

Floats = npt.NDArray[np.float64]
Accounting = Literal["slot", "bucket"]
"""How energy and data are counted, see `TaskProblem`."""
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class TaskProblem:
    """Which tasks to do, and when, so that their value is greatest.

    Parameters
    ----------
    slots : int
        How many slots there are.
    tasks : sequence of Task
        What may or has to be done.
    slot_s : float
        Length of a slot [s].
    capacities : mapping of str to (float or array_like, shape (slots,))
        What there is of each shared capacity, such as ``{"lane": 2}``. Assets need no entry: there is one of each.
    stores, recorders : sequence of TaskStore, of TaskRecorder
        Where energy comes from and data go; with none of them energy or data do not count.
    shares : sequence of TaskShare
        What partners are entitled to.
    accounting : {"slot", "bucket"}
        With "slot" a task takes its energy, makes and sends its data evenly while it runs, and levels hold at
        the end of each slot. With "bucket" all of that is booked in the bucket in which the task starts; what
        tasks take there has to be in the store when the bucket begins, and what they make has to fit into the
        recorder before anything is sent.
    bucket_slots : int
        Slots of a bucket; of no account with "slot".

    Raises
    ------
    InputError
        If a number cannot be used, names repeat, shapes do not fit or tasks wait for each other in a circle.
    UnknownNameError
        If a task names a task, capacity, store or recorder that is not there.

    Examples
    --------
    >>> look = Task("look", 2, value=3.0, assets=("rover",))
    >>> problem = TaskProblem(4, [look, Task("send", 1, assets=("rover",), after=("look",))])
    >>> task_faults(problem, {"look": 0, "send": 1})
    ["task 'send' starts at 1, before 'look' has ended at 2", "asset 'rover' is taken by 'look' and 'send' at 1"]
    """

    slots: int
    tasks: Sequence[Task]
    slot_s: float = 900.0
    capacities: Mapping[str, PerSlot] = field(default_factory=dict)
    stores: Sequence[TaskStore] = ()
    recorders: Sequence[TaskRecorder] = ()
    shares: Sequence[TaskShare] = ()
    accounting: Accounting = "slot"
    bucket_slots: int = 16

    def __post_init__(self) -> None:
        for name in ("tasks", "stores", "recorders", "shares"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.slots < 1 or self.bucket_slots < 1 or not (math.isfinite(self.slot_s) and self.slot_s > 0):
            raise InputError(
                f"{self.slots} slots of {self.slot_s} s in buckets of {self.bucket_slots}",
                where="task problem",
                advice="give 1 or more slots of more than 0 s",
            )
        if self.accounting not in get_args(Accounting):
            raise UnknownNameError(self.accounting, get_args(Accounting), kind="accounting", where="task problem")
        for told, rows in (("task", self.tasks), ("store", self.stores), ("recorder", self.recorders)):
            names = [row.name for row in rows]
            double = next((name for name in names if names.count(name) > 1), None)
            if double is not None:
                raise InputError(f"{told} {double!r} is there twice", where="task problem")
        object.__setattr__(self, "capacities", {
            name: self._per_slot(row, f"capacity {name!r}", low=0.0) for name, row in self.capacities.items()
        })  # fmt: skip
        object.__setattr__(self, "stores", tuple(self._store(row) for row in self.stores))
        object.__setattr__(self, "recorders", tuple(self._recorder(row) for row in self.recorders))
        self._check_names()
        _ = self.order

    def __len__(self) -> int:
        return len(self.tasks)

    @cached_property
    def index(self) -> dict[str, int]:
        """Place of each task by its name.

        Returns
        -------
        dict
        """
        return {task.name: at for at, task in enumerate(self.tasks)}

    @cached_property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets of all tasks.

        Returns
        -------
        tuple of str
        """
        return tuple(dict.fromkeys(name for task in self.tasks for name in task.assets))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Places of the tasks, each behind those that it comes after.

        Returns
        -------
        tuple of int
        """
        done: dict[int, None] = {}
        waiting = dict.fromkeys(range(len(self)))
        while waiting:
            ready = [k for k in waiting if all(self.index[name] in done for name in self.tasks[k].after)]
            if not ready:
                name = self.tasks[next(iter(waiting))].name
                raise InputError("waits for itself through others", where=f"task {name!r}",
                                 advice="break the circle")  # fmt: skip
            for k in ready:
                done[k] = None
                del waiting[k]
        return tuple(done)

    def store_of(self, task: Task) -> TaskStore | None:
        """The store that a task draws from.

        Parameters
        ----------
        task : Task
            One of the problem's.

        Returns
        -------
        TaskStore or None
            None if the problem has no stores.
        """
        return _owner(self.stores, task.store, "store", task)

    def recorder_of(self, task: Task) -> TaskRecorder | None:
        """The recorder that a task fills or empties.

        Parameters
        ----------
        task : Task
            One of the problem's.

        Returns
        -------
        TaskRecorder or None
            None if the problem has no recorders.
        """
        return _owner(self.recorders, task.recorder, "recorder", task)

    def value_of(self, starts: Mapping[str, int]) -> float:
        """What a plan is worth.

        Parameters
        ----------
        starts : mapping of str to int
            When each task of the plan starts [slot].

        Returns
        -------
        float
            Sum of the values [1].
        """
        return float(sum(self.tasks[self.index[name]].value for name in starts))

    def _per_slot(self, row: PerSlot, where: str, low: float = -math.inf) -> Floats:
        """A number or a row as one number for each slot."""
        given = np.asarray(row, dtype=np.float64)
        if given.shape not in ((), (self.slots,)):
            raise InputError(f"has shape {given.shape}", where=where, advice=f"give one number or {self.slots}")
        if np.isnan(given).any() or (given < low).any():
            raise InputError("holds a number that cannot be used", where=where, advice=f"give {low:g} or more")
        return np.broadcast_to(given, (self.slots,)).copy()

    def _store(self, row: TaskStore) -> TaskStore:
        """A store with rows for each slot, checked."""
        where = f"store {row.name!r}"
        if not (math.isfinite(row.capacity_wh) and 0 <= row.initial_wh <= row.capacity_wh and row.reserve_wh >= 0):
            raise InputError(
                f"holds {row.initial_wh} of {row.capacity_wh} Wh with {row.reserve_wh} Wh of reserve",
                where=where,
                advice="give 0 <= initial_wh <= capacity_wh and a reserve of 0 or more",
            )
        charge = self._per_slot(row.charge_wh, where)
        if not np.isfinite(charge).all():
            raise InputError("charge_wh is not finite", where=where, advice="give finite energies")
        limit = self._per_slot(row.power_limit_w, where, low=0.0)
        return TaskStore(row.name, row.capacity_wh, row.initial_wh, charge, row.reserve_wh, limit)

    def _recorder(self, row: TaskRecorder) -> TaskRecorder:
        """A recorder with a row for each slot, checked."""
        where = f"recorder {row.name!r}"
        made = self._per_slot(row.made_bit, where)
        if not (math.isfinite(row.capacity_bit) and 0 <= row.initial_bit <= row.capacity_bit):
            raise InputError(f"holds {row.initial_bit} of {row.capacity_bit} bit", where=where,
                             advice="give 0 <= initial_bit <= capacity_bit")  # fmt: skip
        if not np.isfinite(made).all():
            raise InputError("made_bit is not finite", where=where, advice="give finite amounts")
        return TaskRecorder(row.name, row.capacity_bit, row.initial_bit, made)

    def _check_names(self) -> None:
        """Every name that a task gives is there."""
        for task in self.tasks:
            for name in task.after:
                if name not in self.index:
                    raise UnknownNameError(name, self.index, kind="task", where=f"task {task.name!r}, after")
            for name in task.uses:
                if name not in self.capacities:
                    raise UnknownNameError(
                        name, self.capacities, kind="capacity", where=f"task {task.name!r}, uses"
                    )
            self.store_of(task)
            self.recorder_of(task)


def task_faults(problem: TaskProblem, plan: TaskPlan | Mapping[str, int]) -> list[str]:
    """What is wrong with a plan; it shares no code with those who make plans.

    Parameters
    ----------
    problem : TaskProblem
        The tasks and what they share.
    plan : TaskPlan or mapping of str to int
        When each task of the plan starts [slot].

    Returns
    -------
    list of str
        A line for each fault; empty if the plan keeps every window, order, capacity, level and entitlement.

    Examples
    --------
    >>> problem = TaskProblem(8, [Task("look", 2, windows=((0, 4),), mandatory=True)])
    >>> task_faults(problem, {"look": 3}), task_faults(problem, {})
    (["task 'look' from 3 to 5 is in none of its windows"], ["task 'look' is mandatory and not in the plan"])
    """
    starts = plan.starts if isinstance(plan, TaskPlan) else plan
    unknown = [f"there is no task {name!r}" for name in starts if name not in problem.index]
    if unknown:
        return unknown
    return [
        *_window_faults(problem, starts),
        *_order_faults(problem, starts),
        *_asset_faults(problem, starts),
        *_capacity_faults(problem, starts),
        *_level_faults(problem, starts),
        *_share_faults(problem, starts),
    ]


def task_levels(problem: TaskProblem, starts: Mapping[str, int]) -> dict[str, Floats]:
    """Levels of every store and recorder under a plan.

    Parameters
    ----------
    problem : TaskProblem
        The tasks and what they share.
    starts : mapping of str to int
        When each task of the plan starts [slot].

    Returns
    -------
    dict of str to ndarray, shape (slots + 1,) or (buckets + 1,)
        By name of the store [Wh] or recorder [bit]: at the start and after each slot, or bucket.

    Examples
    --------
    >>> store = TaskStore("battery", 100.0, 50.0, 10.0)
    >>> problem = TaskProblem(3, [Task("dig", 2, power_w=100.0)], slot_s=1800.0, stores=[store])
    >>> task_levels(problem, {"dig": 0})["battery"]
    array([ 50.,  10., -30., -20.])
    """
    found: dict[str, Floats] = {}
    for store in problem.stores:
        charge, _, _ = _alone(problem, store)
        found[store.name] = _store_levels(store, charge, _booked(problem, starts, store, "energy"))
    for recorder in problem.recorders:
        made = _kept(problem, recorder) + _booked(problem, starts, recorder, "made")
        found[recorder.name] = _recorder_levels(recorder, made, _booked(problem, starts, recorder, "sent"))
    return found


def _owner(rows: Iterable[Any], name: str, told: str, task: Task) -> Any:
    """The store or recorder of a task."""
    rows = tuple(rows)
    if not rows and not name:
        return None
    if len(rows) == 1 and not name:
        return rows[0]
    for row in rows:
        if row.name == name:
            return row
    raise UnknownNameError(name, [row.name for row in rows], kind=told, where=f"task {task.name!r}")


def _window_faults(problem: TaskProblem, starts: Mapping[str, int]) -> Iterator[str]:
    """Tasks outside the period or their windows, and mandatory ones that are not there."""
    for task in problem.tasks:
        if task.name not in starts:
            if task.mandatory:
                yield f"task {task.name!r} is mandatory and not in the plan"
            continue
        begin, end = starts[task.name], starts[task.name] + task.duration_slots
        if begin != int(begin) or begin < 0 or end > problem.slots:
            yield f"task {task.name!r} from {begin} to {end} is not within 0 to {problem.slots}"
        elif task.windows is not None and not any(a <= begin and end <= b for a, b in task.windows):
            yield f"task {task.name!r} from {begin} to {end} is in none of its windows"


def _order_faults(problem: TaskProblem, starts: Mapping[str, int]) -> Iterator[str]:
    """Tasks that start before those they come after have ended."""
    for name, begin in starts.items():
        for first in problem.tasks[problem.index[name]].after:
            if first not in starts:
                yield f"task {name!r} comes after {first!r}, which is not in the plan"
            elif begin < (end := starts[first] + problem.tasks[problem.index[first]].duration_slots):
                yield f"task {name!r} starts at {begin}, before {first!r} has ended at {end}"


def _asset_faults(problem: TaskProblem, starts: Mapping[str, int]) -> Iterator[str]:
    """Assets that two tasks take at once."""
    rows: dict[str, list[tuple[int, int, str]]] = {}
    for name, begin in starts.items():
        task = problem.tasks[problem.index[name]]
        for asset in task.assets:
            rows.setdefault(asset, []).append((begin, begin + task.duration_slots, name))
    for asset, taken in rows.items():
        busy_until, holder = -1, ""
        for begin, end, name in sorted(taken):
            if begin < busy_until:
                yield f"asset {asset!r} is taken by {holder!r} and {name!r} at {begin}"
            if end > busy_until:
                busy_until, holder = end, name


def _capacity_faults(problem: TaskProblem, starts: Mapping[str, int]) -> Iterator[str]:
    """Shared capacities and powers of which tasks take more than there is."""
    limits = {f"capacity {name!r}": row for name, row in problem.capacities.items()}
    limits |= {f"power of {store.name!r}": np.asarray(store.power_limit_w) for store in problem.stores}
    taken = {name: np.zeros(problem.slots) for name in limits}
    for name, begin in starts.items():
        task = problem.tasks[problem.index[name]]
        span = slice(max(0, begin), max(0, begin + task.duration_slots))
        for told, amount in task.uses.items():
            taken[f"capacity {told!r}"][span] += amount
        store = problem.store_of(task)
        if store is not None:
            taken[f"power of {store.name!r}"][span] += task.power_w
    for told, row in taken.items():
        over = np.flatnonzero(row > np.asarray(limits[told]) + _SLACK)
        if over.size:
            yield f"{told} is {np.asarray(limits[told])[over[0]]:g} and {row[over[0]]:g} are taken at {over[0]}"


def _bins(problem: TaskProblem) -> npt.NDArray[np.intp]:
    """For each slot the interval in which it is counted."""
    size = problem.bucket_slots if problem.accounting == "bucket" else 1
    return np.arange(problem.slots, dtype=np.intp) // size


def _booked(
    problem: TaskProblem,
    starts: Mapping[str, int],
    owner: TaskStore | TaskRecorder,
    what: Literal["energy", "made", "sent"],
) -> Floats:
    """What the tasks of a plan take, make or send in each interval of counting."""
    bins = _bins(problem)
    found = np.zeros(int(bins[-1]) + 1)
    for name, begin in starts.items():
        task = problem.tasks[problem.index[name]]
        if (problem.store_of(task) if what == "energy" else problem.recorder_of(task)) is not owner:
            continue
        amount = {"energy": task.energy(problem.slot_s), "made": task.data_bit, "sent": task.downlink_bit}[what]
        if not 0 <= begin < problem.slots:
            continue
        if problem.accounting == "bucket":
            found[bins[begin]] += amount
        else:
            found[begin : begin + task.duration_slots] += amount / task.duration_slots
    return found


def _alone(problem: TaskProblem, store: TaskStore) -> tuple[Floats, Floats, Floats]:
    """What a store gets in each interval less what is shed, its level without tasks, and the lowest allowed."""
    charge: Floats = np.bincount(_bins(problem), weights=np.asarray(store.charge_wh)).astype(np.float64)
    level, levels = store.initial_wh, []
    for at, amount in enumerate(charge.tolist()):
        charge[at] = max(amount, -level)
        level = min(store.capacity_wh, level + charge[at])
        levels.append(level)
    begin = np.array([store.initial_wh, *levels[:-1]])
    after = np.array(levels)
    lowest = np.minimum(begin, after) if problem.accounting == "bucket" else after
    return charge, after, np.minimum(store.reserve_wh, lowest)


def _store_levels(store: TaskStore, charge: Floats, taken: Floats) -> Floats:
    """Levels of a store at the start and after each interval."""
    levels = [store.initial_wh]
    for gain, loss in zip(charge.tolist(), taken.tolist(), strict=True):
        levels.append(min(store.capacity_wh, levels[-1] + gain - loss))
    return np.array(levels)


def _kept(problem: TaskProblem, recorder: TaskRecorder) -> Floats:
    """What a recorder gets without tasks in each interval, less what it has no room for."""
    made: Floats = np.bincount(_bins(problem), weights=np.asarray(recorder.made_bit)).astype(np.float64)
    level = recorder.initial_bit
    for at, amount in enumerate(made.tolist()):
        made[at] = min(amount, recorder.capacity_bit - level)
        level = max(0.0, level + made[at])
    return made


def _recorder_levels(recorder: TaskRecorder, made: Floats, sent: Floats) -> Floats:
    """Levels of a recorder at the start and after each interval."""
    levels = [recorder.initial_bit]
    for gain, loss in zip(made.tolist(), sent.tolist(), strict=True):
        levels.append(max(0.0, levels[-1] + gain - loss))
    return np.array(levels)


def _level_faults(problem: TaskProblem, starts: Mapping[str, int]) -> Iterator[str]:
    """Stores that run low and recorders that run over."""
    told, levels = ("bucket" if problem.accounting == "bucket" else "slot"), task_levels(problem, starts)
    for store in problem.stores:
        _, _, lowest = _alone(problem, store)
        row = levels[store.name][1:]
        if problem.accounting == "bucket":
            row = np.minimum(row, levels[store.name][:-1] - _booked(problem, starts, store, "energy"))
        under = np.flatnonzero(row < lowest - _SLACK * max(1.0, store.capacity_wh))
        if under.size:
            yield f"store {store.name!r} falls to {row[under[0]]:g} Wh in {told} {under[0]}"
    for recorder in problem.recorders:
        row = levels[recorder.name][1:]
        if problem.accounting == "bucket":
            made = _kept(problem, recorder) + _booked(problem, starts, recorder, "made")
            row = levels[recorder.name][:-1] + made
        over = np.flatnonzero(row > recorder.capacity_bit * (1.0 + _SLACK) + _SLACK)
        if over.size:
            yield f"recorder {recorder.name!r} would hold {row[over[0]]:g} bit in {told} {over[0]}"


def _share_faults(problem: TaskProblem, starts: Mapping[str, int]) -> Iterator[str]:
    """Partners that get less or more than they are entitled to."""
    for share in problem.shares:
        got = sum(share.amount(problem.tasks[problem.index[name]], problem.slot_s) for name in starts)
        if not share.least - _SLACK <= got <= share.most + _SLACK:
            wanted = f"{share.least:g} to {share.most:g}"
            yield f"partner {share.partner!r} gets {got:g} of {share.measure}, not {wanted}"
