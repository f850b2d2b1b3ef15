"""A long period in parts that follow each other: each lunar day is planned with a look ahead, then kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from moonpost.operations.bookings import StationSlots, book
from moonpost.operations.entitlements import Limit
from moonpost.operations.placements import Placement, Setting
from moonpost.operations.refusals import obstacle_of
from moonpost.operations.taskparts import TaskPlan
from moonpost.operations.tasks import TaskProblem
from moonpost.operations.windows import Occurrence, Possible, worth

__all__ = ["MOST_SLOTS", "Horizon", "Rolled", "Solver", "horizons", "roll"]

MOST_SLOTS = 3072
"""Longest period that is planned in one piece: 32 days of slots of 15 minutes."""

Solver = Callable[[TaskProblem, float], TaskPlan]
"""What solves a task problem within a share of the time there is."""

_MILLI = np.timedelta64(1, "ms")
_EPS = 1e-9


@dataclass(frozen=True)
class Horizon:
    """A part of a period: what is planned, and up to where it is kept.

    Parameters
    ----------
    first, last : int
        First slot that is planned, and the one after the last.
    keep : int
        What starts before this slot is kept; the rest is planned again.

    Examples
    --------
    >>> Horizon(0, 96, 96).keep
    96
    """

    first: int
    last: int
    keep: int


@dataclass(frozen=True, eq=False)
class Rolled:
    """What came of planning part after part.

    Parameters
    ----------
    placements : tuple of Placement
        What is placed, with what was fixed before.
    reasons : mapping of str to str
        Why each of the others is not.
    bound : float
        Sum of the parts' bounds; no bound of the whole where there are several parts [1].
    parts : int
        How many parts.

    Examples
    --------
    >>> Rolled((), {}, 0.0, 1).parts
    1
    """

    placements: tuple[Placement, ...]
    reasons: Mapping[str, str]
    bound: float
    parts: int


def horizons(setting: Setting, *, by_day: bool = False, ahead_s: float = 259_200.0) -> tuple[Horizon, ...]:
    """Parts of a period: one if it is short, else its lunar days, each with a look ahead.

    Parameters
    ----------
    setting : Setting
        The period.
    by_day : bool
        Whether lunar days are parts however short the period is.
    ahead_s : float
        How far beyond the lunar day is planned with it, so that the store is not left empty at its end [s].

    Returns
    -------
    tuple of Horizon

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2038-01-01", "ms") + np.arange(49) * np.timedelta64(3600, "s")
    >>> setting = Setting(load_plan("ilrs"), SimpleNamespace(time=time), {2.0: np.ones(49)},
    ...     lunar_days=time[24:25])
    >>> horizons(setting, by_day=True, ahead_s=7200.0)
    (Horizon(first=0, last=26, keep=24), Horizon(first=24, last=48, keep=48))
    """
    if setting.slots <= MOST_SLOTS and not by_day:
        return (Horizon(0, setting.slots, setting.slots),)
    offset_s = (setting.day_edges - setting.start) / _MILLI / 1000.0
    edges = np.unique(np.ceil(offset_s / setting.slot_s - _EPS).astype(int).clip(0, setting.slots))
    cuts = [int(edges[0])]
    for a, b in pairwise(edges.tolist()):
        parts = max(1, int(np.ceil((b - a) / MOST_SLOTS)))
        cuts += [round(a + (b - a) * k / parts) for k in range(1, parts + 1)]
    ahead = round(ahead_s / setting.slot_s)
    return tuple(Horizon(a, min(b + ahead, setting.slots), b) for a, b in pairwise(cuts) if b > a)


def roll(
    setting: Setting,
    station: StationSlots,
    due: Sequence[Possible],
    fixed: Sequence[Placement],
    solve: Solver,
    *,
    parts: Sequence[Horizon],
    limits: Sequence[Limit] = (),
    reserve: float = 0.05,
) -> Rolled:
    """Plan a period part by part.

    Parameters
    ----------
    setting : Setting
        The plan and the sky.
    station : StationSlots
        What is shared.
    due : sequence of Possible
        What is to be placed, with the windows of each.
    fixed : sequence of Placement
        What is placed already.
    solve : callable
        Solves a task problem in a share of the time.
    parts : sequence of Horizon
        From `horizons`.
    limits : sequence of Limit
        What partners may use in each lunar day.
    reserve : float
        Part of every store that activities never use [1].

    Returns
    -------
    Rolled

    Notes
    -----
    A part is planned with a look ahead; what starts in the part is kept, what starts later is planned again with
    the next. What a run takes beyond the part is booked there.

    Examples
    --------
    >>> from moonpost.operations.schedule import schedule  # see there
    """
    placed = list(fixed)
    after = {row.occurrence.id: row.occurrence.after for row in due}
    ordered = _ordered(due)
    reasons: dict[str, str] = {}
    bound = sum(worth(setting.plan.row("activities", row.activity)) for row in fixed)
    total = sum(part.keep - part.first for part in parts)
    for part in parts:
        names = {row.id for row in placed}
        waiting = [row for row in ordered if row.occurrence.id not in names]
        inside = [row for row in waiting if any(a < part.last and b > part.first for a, b in row.windows)]
        booking = book(
            setting,
            station,
            inside,
            placed,
            after=after,
            span=(part.first, part.last),
            limits=limits,
            reserve=reserve,
        )
        reasons |= booking.left_out
        if booking.problem is None:
            continue
        plan = solve(booking.problem, (part.keep - part.first) / max(total, 1))
        bound += plan.bound if np.isfinite(plan.bound) else 0.0
        starts = _filled(setting, booking.problem, dict(plan.starts), part.first, reasons)
        for row in inside:
            name = row.occurrence.id
            if name in starts and starts[name] + part.first < part.keep:
                placed.append(_placement(setting, row.occurrence, starts[name] + part.first))
    names = {row.id for row in placed}
    for row in ordered:
        if row.occurrence.id not in names:
            reasons.setdefault(row.occurrence.id, "nothing was left for it")
    kept = {name: reason for name, reason in reasons.items() if name not in names}
    return Rolled(tuple(sorted(placed, key=lambda row: (row.start, row.id))), kept, bound, len(parts))


def _filled(
    setting: Setting, problem: TaskProblem, starts: dict[str, int], first: int, reasons: dict[str, str]
) -> dict[str, int]:
    """A plan with what still fits put in, and the reasons for the rest."""

    def when(slot: int) -> str:
        instant = setting.start + np.timedelta64(round((first + slot) * setting.slot_s * 1000.0), "ms")
        return f"{str(instant)[:16]}Z"

    for k in problem.order:
        name = problem.tasks[k].name
        if name in starts:
            continue
        found = obstacle_of(problem, starts, name, when)
        if found.reason:
            reasons[name] = found.reason
        else:
            starts[name] = found.start
    return starts


def _ordered(due: Sequence[Possible]) -> list[Possible]:
    """What comes before others first; plans with circles are refused when they are read."""
    rows = {row.occurrence.id: row for row in due}
    done: dict[str, Possible] = {}

    def visit(row: Possible) -> None:
        if row.occurrence.id in done:
            return
        for name in row.occurrence.after:
            if name in rows:
                visit(rows[name])
        done[row.occurrence.id] = row

    for row in due:
        visit(row)
    return list(done.values())


def _placement(setting: Setting, due: Occurrence, slot: int) -> Placement:
    """An occurrence at a slot."""
    activity = due.activity
    start = setting.start + np.timedelta64(round(slot * setting.slot_s * 1000.0), "ms")
    row = Placement(
        due.id, activity.id, activity.element, due.partner, start, start, activity.power_w, activity.data_bit
    )
    return replace(row, stop=start + np.timedelta64(round(activity.duration_h * 3.6e6), "ms"))
