"""Execution against plan: how each planned activity stands, from commands, reports and the clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.timeline.items import Item
from moonpost.control.timeline.windows import Window, milliseconds

if TYPE_CHECKING:
    from moonpost.operations.placements import Placement
    from moonpost.plan import Plan

__all__ = ["Evidence", "executed_items", "planned_items", "status_of"]

_GRACE = np.timedelta64(15, "m")
_NEAR = 0.5
_WHOLE = 0.99


@dataclass(frozen=True)
class Evidence:
    """What is known of one execution of an activity.

    Parameters
    ----------
    element, activity : str
        The machine, and the plan's activity.
    state : str
        ``commanded`` (on its way, or in the queue on board), ``running``, ``done``, ``stopped`` (before its end),
        ``refused`` (by rules, by the machine, or failed).
    start : datetime64
        When it began or is to begin, UTC.
    stop : datetime64 or None
        When it ended or is to end; None if unknown.
    text : str
        For people.
    command : str
        Identifier of the command; empty if none is known.

    Examples
    --------
    >>> Evidence("rover", "drive", "running", np.datetime64("2035-01-01")).state
    'running'
    """

    element: str
    activity: str
    state: str
    start: np.datetime64
    stop: np.datetime64 | None = None
    text: str = ""
    command: str = ""


def status_of(placed: Placement, evidence: Sequence[Evidence], now: np.datetime64) -> tuple[str, str]:
    """Tell how a planned activity stands.

    Parameters
    ----------
    placed : Placement
        The activity at its time.
    evidence : sequence of Evidence
        What is known of executions.
    now : datetime64
        Mission time, UTC.

    Returns
    -------
    status : str
        ``planned``, ``commanded``, ``running``, ``done``, ``late``, ``missed`` or ``refused``.
    text : str
        Why, for people.

    Notes
    -----
    An execution counts for a planned one of the same machine and activity if it begins within its time, or less
    than half its length before or after it. Without any, it is late from 15 minutes after its begin, and missed
    from its end.

    Examples
    --------
    >>> from moonpost.operations.placements import Placement
    >>> day, hour = np.datetime64("2035-01-01", "ms"), np.timedelta64(1, "h")
    >>> drive = Placement("drive-1", "drive", "rover", "a", day, day + 8 * hour, 1.0, 0.0)
    >>> [status_of(drive, [], day + k * hour)[0] for k in (-1, 1, 9)]
    ['planned', 'late', 'missed']
    """
    mine = [row for row in evidence if _belongs(row, placed)]
    for state in ("done", "stopped", "running", "commanded", "refused"):
        found = next((row for row in mine if row.state == state), None)
        if found is not None and state == "stopped":
            return _stopped(found, placed)
        if found is not None and not (state == "commanded" and now > placed.stop):
            return state, found.text
    if now < placed.start + _GRACE:
        return "planned", ""
    if now < placed.stop:
        return "late", "Nothing told the machine to begin."
    return "missed", "Its time is over, and nothing says that it was done."


def _stopped(row: Evidence, placed: Placement) -> tuple[str, str]:
    """How an activity stands that was stopped: done if hardly anything of it is missing."""
    ran_s = float(((row.stop or row.start) - row.start) / np.timedelta64(1, "ms")) / 1000.0
    if ran_s >= _WHOLE * placed.duration_s:
        return "done", ""
    why = f": {row.text}" if row.text else ""
    return "refused", f"It ended after {ran_s / 3600.0:.2f} h of {placed.duration_s / 3600.0:g} h{why}"


def planned_items(
    plan: Plan, placements: Iterable[Placement], evidence: Sequence[Evidence], now: np.datetime64, period: Window
) -> list[Item]:
    """The planned activities of a period, with how they stand.

    Parameters
    ----------
    plan : Plan
        The plan.
    placements : iterable of Placement
        The schedule.
    evidence : sequence of Evidence
        What is known of executions.
    now : datetime64
        Mission time, UTC.
    period : pair of datetime64
        What is asked for.

    Returns
    -------
    list of Item

    Examples
    --------
    >>> from moonpost.control.timeline.timeline import Timeline  # see there
    """
    names = {row.id: row.name for row in plan.activities}
    found = []
    for row in placements:
        if row.stop <= period[0] or row.start >= period[1]:
            continue
        status, text = status_of(row, evidence, now)
        data = {
            "activity": row.activity, "element": row.element, "partner": row.partner, "power_w": row.power_w,
            "data_bit": row.data_bit, "locked": row.locked,
        }  # fmt: skip
        found.append(
            Item(
                row.id, f"machine.{row.element}", "activity", "plan", names.get(row.activity, row.activity),
                row.start, row.stop, status, text, data,
            )
        )  # fmt: skip
    return found


def executed_items(plan: Plan, evidence: Iterable[Evidence], now: np.datetime64, period: Window) -> list[Item]:
    """Activities as they were carried out.

    Parameters
    ----------
    plan : Plan
        The plan.
    evidence : iterable of Evidence
        What is known of executions.
    now : datetime64
        Mission time, UTC: where one that still runs is cut.
    period : pair of datetime64
        What is asked for.

    Returns
    -------
    list of Item

    Examples
    --------
    >>> from moonpost.control.timeline.timeline import Timeline  # see there
    """
    names = {row.id: row.name for row in plan.activities}
    found = []
    for row in evidence:
        if row.state not in ("running", "done", "stopped"):
            continue
        stop = row.stop if row.stop is not None else max(now, row.start)
        state = "running" if row.state == "running" else "done"
        if stop <= period[0] or row.start >= period[1]:
            continue
        found.append(
            Item(
                f"actual.{row.element}.{row.activity}.{milliseconds(row.start)}", f"machine.{row.element}",
                "activity", "actual", names.get(row.activity, row.activity), row.start, stop, state, row.text,
                {"activity": row.activity, "element": row.element, "command": row.command},
            )
        )  # fmt: skip
    return found


def _belongs(row: Evidence, placed: Placement) -> bool:
    """Whether an execution is that of a planned activity."""
    if (row.element, row.activity) != (placed.element, placed.activity):
        return False
    slack: Any = _NEAR * (placed.stop - placed.start).astype("timedelta64[ms]").astype(np.int64)
    around = np.timedelta64(int(slack), "ms")
    return bool(placed.start - around <= row.start < placed.stop + around)
