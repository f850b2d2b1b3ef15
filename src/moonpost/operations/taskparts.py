"""Parts of a task problem: tasks, stores of energy and data, what partners are entitled to, and a plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError

__all__ = ["Measure", "PerSlot", "Task", "TaskPlan", "TaskRecorder", "TaskShare", "TaskStore"]

Floats = npt.NDArray[np.float64]
PerSlot = float | Sequence[float] | Floats
"""One number for all slots, or one for each."""
Measure = Literal["value", "count", "slots", "energy_wh", "data_bit", "downlink_bit"]
"""What a share is a share of."""


@dataclass(frozen=True)
class Task:
    """Something that may be done once, without a break, inside one of its windows.

    Parameters
    ----------
    name : str
        What others call it; no two tasks of a problem have the same.
    duration_slots : int
        How long it lasts, 1 or more [slots].
    value : float
        What it is worth if it is done [1].
    assets : tuple of str
        Machines, antennas or crews that do nothing else meanwhile.
    windows : tuple of (int, int), optional
        It runs inside one of these, from the first slot to before the second; None if any time will do.
        Windows that touch are two: merge them where a task may run across.
    power_w : float
        Drawn from its store's bus while it runs [W].
    energy_wh : float, optional
        What it takes from the store in all [Wh]; power times duration if None.
    data_bit, downlink_bit : float
        What it makes for its recorder, and what it can send from there, in all [bit].
    uses : mapping of str to float
        What it takes of each shared capacity while it runs, such as ``{"lane": 1}``.
    after : tuple of str
        Tasks that have to be in the plan, and to have ended, before it starts.
    mandatory : bool
        Whether a plan without it is faulty.
    partner, kind : str
        Whose it is, and of what sort.
    store, recorder : str
        Where its energy comes from and its data go; empty for the only one.

    Raises
    ------
    InputError
        If a number is negative or not finite, or a window ends before it begins.

    Examples
    --------
    >>> Task("drive", 4, value=2.0, power_w=80.0).energy(slot_s=900.0)
    80.0
    """

    name: str
    duration_slots: int
    value: float = 1.0
    assets: tuple[str, ...] = ()
    windows: tuple[tuple[int, int], ...] | None = None
    power_w: float = 0.0
    energy_wh: float | None = None
    data_bit: float = 0.0
    downlink_bit: float = 0.0
    uses: Mapping[str, float] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    mandatory: bool = False
    partner: str = ""
    kind: str = ""
    store: str = ""
    recorder: str = ""

    def __post_init__(self) -> None:
        where = f"task {self.name!r}"
        if not self.name:
            raise InputError("has no name", where="task", advice="give each task a name of its own")
        if int(self.duration_slots) != self.duration_slots or self.duration_slots < 1:
            raise InputError(f"lasts {self.duration_slots} slots", where=where, advice="give 1 or more")
        told = {"value": self.value, "power_w": self.power_w, "energy_wh": self.energy_wh or 0.0}
        told |= {"data_bit": self.data_bit, "downlink_bit": self.downlink_bit, **self.uses}
        for name, number in told.items():
            if not (math.isfinite(number) and number >= 0):
                raise InputError(f"{name} is {number}", where=where, advice="give a finite number, 0 or more")
        object.__setattr__(self, "assets", tuple(dict.fromkeys(self.assets)))
        object.__setattr__(self, "after", tuple(dict.fromkeys(self.after)))
        object.__setattr__(self, "uses", dict(self.uses))
        if self.windows is not None:
            object.__setattr__(self, "windows", tuple(sorted((int(a), int(b)) for a, b in self.windows)))
            for a, b in self.windows:
                if b < a:
                    raise InputError(f"a window ends at {b}, before it begins at {a}", where=where)

    def energy(self, slot_s: float) -> float:
        """What it takes from the store.

        Parameters
        ----------
        slot_s : float
            Length of a slot [s].

        Returns
        -------
        float
            Energy [Wh].
        """
        return self.power_w * self.duration_slots * slot_s / 3600.0 if self.energy_wh is None else self.energy_wh


@dataclass(frozen=True, eq=False)
class TaskStore:
    """A bus with its store of energy and its limit of power.

    Parameters
    ----------
    name : str
        What tasks call it.
    capacity_wh, initial_wh : float
        What it holds when full, and at the start [Wh].
    charge_wh : float or array_like, shape (slots,)
        What comes in during each slot less what the station takes without tasks [Wh]; may be negative.
    reserve_wh : float
        Tasks never take the store below this, nor lower where it is below this without them [Wh].
    power_limit_w : float or array_like, shape (slots,)
        What tasks may draw together [W].
    """

    name: str
    capacity_wh: float
    initial_wh: float
    charge_wh: PerSlot
    reserve_wh: float = 0.0
    power_limit_w: PerSlot = math.inf


@dataclass(frozen=True, eq=False)
class TaskRecorder:
    """A store of data.

    Parameters
    ----------
    name : str
        What tasks call it.
    capacity_bit, initial_bit : float
        What it can hold, and holds at the start [bit].
    made_bit : float or array_like, shape (slots,)
        What comes in during each slot without tasks [bit]; negative where it is sent without them.
    """

    name: str
    capacity_bit: float
    initial_bit: float = 0.0
    made_bit: PerSlot = 0.0


@dataclass(frozen=True)
class TaskShare:
    """What one partner is entitled to.

    Parameters
    ----------
    partner : str
        Whose tasks count.
    measure : {"value", "count", "slots", "energy_wh", "data_bit", "downlink_bit"}
        What is summed over the partner's tasks in the plan.
    least, most : float
        A plan with less or with more is faulty, in units of the measure.
    """

    partner: str
    measure: Measure = "value"
    least: float = 0.0
    most: float = math.inf

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            raise UnknownNameError(
                self.measure, get_args(Measure), kind="measure", where=f"share of {self.partner!r}"
            )
        if not 0 <= self.least <= self.most:
            raise InputError(f"least {self.least} and most {self.most}", where=f"share of {self.partner!r}",
                             advice="give 0 <= least <= most")  # fmt: skip

    def amount(self, task: Task, slot_s: float) -> float:
        """What a task counts.

        Parameters
        ----------
        task : Task
            Any task.
        slot_s : float
            Length of a slot [s].

        Returns
        -------
        float
            In units of the measure; 0 for a task of another partner.
        """
        if task.partner != self.partner:
            return 0.0
        if self.measure == "energy_wh":
            return task.energy(slot_s)
        told = {"value": task.value, "count": 1.0, "slots": float(task.duration_slots)}
        return {**told, "data_bit": task.data_bit, "downlink_bit": task.downlink_bit}[self.measure]


@dataclass(frozen=True, eq=False)
class TaskPlan:
    """Which tasks are done, and when.

    Parameters
    ----------
    starts : mapping of str to int
        Start of each task of the plan [slot]; a task that is not there is not done.
    value : float
        Sum of their values [1].
    bound : float
        No plan is worth more [1].
    first_value : float
        That of the first plan [1].
    first_s, seconds : float
        Until the first plan and in all [s].
    missing : tuple of str
        What the plan owes: mandatory tasks that are not in it, partners that get too little.
    told : mapping of str to float
        Figures of the search, such as the bound of each method.
    """

    starts: Mapping[str, int]
    value: float
    bound: float = math.inf
    first_value: float = 0.0
    first_s: float = 0.0
    seconds: float = 0.0
    missing: tuple[str, ...] = ()
    told: Mapping[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """How much of the bound the plan lacks.

        Returns
        -------
        float
            0 if no plan is worth more [1].
        """
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0

    @property
    def optimal(self) -> bool:
        """Whether no plan is worth more.

        Returns
        -------
        bool
        """
        return not self.missing and self.bound - self.value <= 1e-6 * max(1.0, abs(self.value))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        Returns
        -------
        dict
        """
        return {
            "value": self.value,
            "bound": self.bound if math.isfinite(self.bound) else None,
            "gap": self.gap if math.isfinite(self.bound) else None,
            "optimal": self.optimal,
            "first_value": self.first_value,
            "first_s": self.first_s,
            "seconds": self.seconds,
            "missing": list(self.missing),
            "starts": dict(self.starts),
            "told": dict(self.told),
        }
