"""The lunar-day benchmark: random activities of six machines through one lunar day and night."""

from __future__ import annotations

from random import Random

import numpy as np

from moonpost.errors import InputError
from moonpost.operations.tasks import Task, TaskProblem, TaskRecorder, TaskStore

__all__ = ["lunar_day_tasks"]

_DAYS = 14.75
_SLOT_MIN = 15
_HOUR = 60 // _SLOT_MIN
_SLOTS = int(_DAYS * 24 * _HOUR)
_BUCKET = 4 * _HOUR
_MACHINES = 6
_LIT = ((0.0, 0.18), (0.2, 0.47), (0.5, 0.83), (0.86, 1.0))
_CONTACT_HOURS, _CONTACT_H = (2, 12), 3
_POWER_W = {"sci": 30, "drive": 80, "dl": 45}
_UNIT_WH, _UNIT_BIT = 10, 1e6


def lunar_day_tasks(count: int, *, seed: int = 1, mandatory_share: float = 0.0) -> TaskProblem:
    """A random problem of the lunar-day benchmark, always the same for the same numbers.

    Parameters
    ----------
    count : int
        How many activities; 120, 200 and 300 are measured.
    seed : int, default 1
        Start of the random numbers.
    mandatory_share : float, default 0
        Share of the activities that every plan has to hold [1].

    Returns
    -------
    TaskProblem
        Half of the activities observe, at any time, and make data; three tenths drive in light; two tenths send
        data during contact, of which two at once are possible. Energy and data are counted in buckets of 4 h.

    Raises
    ------
    InputError
        If there are no activities or the share is not one.

    Notes
    -----
    1,416 slots of 15 min; 200 W of surplus in light, which is absent 8 % of the time; a store of 3,000 Wh with
    2,000 Wh in it; 320 W for all; a recorder of 400 Mbit with 60 Mbit in it, of which sending takes 8 Mbit a slot.
    An activity comes after 0, 1, 1 or 2 of the 25 before it; its value is its length times 1 to 10. Energy counts
    in whole units of 10 Wh, rounded down, at least one.

    Examples
    --------
    >>> problem = lunar_day_tasks(120)
    >>> problem.slots, len(problem), len(problem.assets)
    (1416, 120, 6)
    """
    if count < 1 or not 0 <= mandatory_share <= 1:
        raise InputError(f"{count} activities, {mandatory_share} of them mandatory", where="lunar_day_tasks",
                         advice="give 1 or more, and a share of 0 to 1")  # fmt: skip
    lit = [(int(_SLOTS * a), int(_SLOTS * b)) for a, b in _LIT]
    contact = [
        ((day * 24 + hour) * _HOUR, (day * 24 + hour + _CONTACT_H) * _HOUR)
        for day in range(int(_DAYS))
        for hour in _CONTACT_HOURS
    ]
    charge = np.zeros(_SLOTS)
    for a, b in lit:
        charge[a:b] = 200 / _HOUR
    return TaskProblem(
        _SLOTS,
        _tasks(count, Random(seed), mandatory_share, {"dl": tuple(contact), "drive": tuple(lit)}),  # noqa: S311
        slot_s=60.0 * _SLOT_MIN,
        capacities={"lane": 2},
        stores=[TaskStore("store", 3000.0, 2000.0, charge, power_limit_w=320.0)],
        recorders=[TaskRecorder("recorder", 400 * _UNIT_BIT, 60 * _UNIT_BIT)],
        accounting="bucket",
        bucket_slots=_BUCKET,
    )


def _tasks(
    count: int, chance: Random, mandatory_share: float, windows: dict[str, tuple[tuple[int, int], ...]]
) -> list[Task]:
    """The activities; the order of the draws is part of the benchmark."""
    rows = []
    for _ in range(count):
        kind = chance.choices(["sci", "drive", "dl"], [5, 3, 2])[0]
        length = chance.randint(2, 8 if kind == "dl" else 16)
        machine, worth = chance.randrange(_MACHINES), chance.randint(1, 10)
        mandatory = chance.random() < mandatory_share
        power = _POWER_W[kind] + chance.randint(0, 20)
        data = chance.randint(1, 6) * length if kind == "sci" else 0
        rows.append((kind, length, machine, worth, mandatory, power, data))
    after: list[list[int]] = []
    for k in range(count):
        draws = chance.choice([0, 1, 1, 2])
        after.append([chance.randrange(max(0, k - 25), k) for _ in range(draws if k else 0)])
    return [
        Task(
            f"{kind}-{k}",
            length,
            value=float(worth * length),
            assets=(f"machine-{machine}",),
            windows=windows.get(kind),
            power_w=float(power),
            energy_wh=float(_UNIT_WH * max(1, power * length * _SLOT_MIN // 600)),
            data_bit=data * _UNIT_BIT,
            downlink_bit=8 * length * _UNIT_BIT if kind == "dl" else 0.0,
            uses={"lane": 1.0} if kind == "dl" else {},
            after=tuple(f"{rows[j][0]}-{j}" for j in after[k]),
            mandatory=mandatory,
            kind=kind,
        )
        for k, (kind, length, machine, worth, mandatory, power, data) in enumerate(rows)
    ]
