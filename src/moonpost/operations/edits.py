"""Edit a schedule by hand: lock, group, shift, move, remove, add; every edit is checked again, with reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.checker import CheckReport, Violation, check_schedule
from moonpost.operations.placements import Placement, Refusal, Schedule, Setting
from moonpost.operations.schedule import BY_HAND
from moonpost.operations.windows import Occurrence, occurrences, worth
from moonpost.sky.times import as_utc

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["VERBS", "Edited", "edit", "edited", "shift_seconds"]

VERBS: dict[str, str] = {
    "shift": "shift NAME +2h: NAME is an occurrence or a group; units s, m, h, d, as in -1d6h",
    "move": "move NAME DATE: so that it starts then, UTC; a group keeps its distances",
    "remove": "remove NAME: it stays out until it is added again",
    "add": "add OCCURRENCE DATE: such as survey-drive-4",
    "lock": "lock NAME ...: it stays where it is when the schedule is made anew",
    "unlock": "unlock NAME ...",
    "group": "group NAME OCCURRENCE ...: they are shifted together",
    "ungroup": "ungroup NAME: its members stay",
}
"""Every edit with its form."""

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(min|s|m|h|d)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Edited:
    """What became of edits.

    Parameters
    ----------
    schedule : Schedule
        With the edits if they were accepted, else as it was.
    accepted : bool
        Whether they were.
    report : CheckReport
        What the check found.
    reasons : tuple of Violation
        What speaks against the edits: violations that the schedule did not have before.

    Examples
    --------
    >>> from moonpost.operations.edits import edited  # see there
    """

    schedule: Schedule
    accepted: bool
    report: CheckReport
    reasons: tuple[Violation, ...] = ()


def shift_seconds(text: str) -> float:
    """Read a length of time with its sign.

    Parameters
    ----------
    text : str
        Such as ``+2h``, ``-30m`` or ``+1d6h``.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    InputError
        If it cannot be read.

    Examples
    --------
    >>> shift_seconds("-1h30m")
    -5400.0
    """
    sign, rest = text[:1], text[1:] if text[:1] in "+-" else text
    parts = _PART.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise InputError(f"{text!r} is no length of time", where="shift", advice="write +2h, -30m or +1d6h")
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if total > 1e9:
        raise InputError(f"{text!r} is too long", where="shift", advice="shift within the period")
    return -total if sign == "-" else total


def edit(schedule: Schedule, setting: Setting, text: str) -> Schedule:
    """Make one edit, without checking what comes of it.

    Parameters
    ----------
    schedule : Schedule
        The schedule; it is not changed.
    setting : Setting
        The plan and the period.
    text : str
        One of `VERBS`, such as ``shift survey-drive-3 +2h``.

    Returns
    -------
    Schedule
        What is shifted, moved or added is locked.

    Raises
    ------
    InputError
        If the edit cannot be read.
    UnknownNameError
        If it names what is not there.

    Examples
    --------
    >>> from moonpost.operations.edits import edited  # see there
    """
    words = text.split()
    verb = words[0].lower() if words else ""
    if verb not in VERBS:
        raise UnknownNameError(verb or text, VERBS, kind="edit", where=text)
    needed = {"shift": 3, "move": 3, "add": 3, "remove": 2, "ungroup": 2}.get(verb)
    least = {"lock": 2, "unlock": 2, "group": 3}.get(verb, needed or 0)
    if len(words) < least or (needed is not None and len(words) != needed):
        raise InputError("cannot be read", where=text, advice=f"write {VERBS[verb]}")
    if verb in ("shift", "move"):
        return _moved(schedule, verb, words[1], words[2])
    if verb == "remove":
        return _removed(schedule, setting, _members(schedule, words[1]))
    if verb == "add":
        return _added(schedule, setting, words[1], words[2])
    if verb in ("lock", "unlock"):
        names = {name for word in words[1:] for name in _members(schedule, word)}
        return _with(
            schedule, [replace(r, locked=verb == "lock") if r.id in names else r for r in schedule.placements]
        )
    return _grouped(schedule, verb, words[1], words[2:])


def edited(
    schedule: Schedule,
    setting: Setting,
    edits: Iterable[str],
    *,
    reference: Simulation | None = None,
    force: bool = False,
) -> Edited:
    """Make edits and check what comes of them; they are taken together or not at all.

    Parameters
    ----------
    schedule : Schedule
        The schedule; it is not changed.
    setting : Setting
        The plan and the sky.
    edits : iterable of str
        See `VERBS`.
    reference : Simulation, optional
        The station without activities, if it is at hand.
    force : bool
        Take the edits even if the check objects.

    Returns
    -------
    Edited

    Raises
    ------
    InputError
        If an edit cannot be read.
    UnknownNameError
        If one names what is not there.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.operations.schedule import schedule
    >>> from moonpost.operations.simulation import light_heights_m
    >>> from moonpost.plan import load_plan
    >>> at = np.datetime64("2038-01-01", "ms") + np.arange(97) * np.timedelta64(1800, "s")
    >>> sun = SimpleNamespace(time=at, azimuth_deg=np.zeros(97), elevation_deg=np.ones(97),
    ...     distance_m=np.full(97, 1.5e11))
    >>> plan = load_plan("ilrs")
    >>> setting = Setting(plan, sun, {mast_m: np.ones(97) for mast_m in light_heights_m(plan)})
    >>> found = edited(schedule(setting, seconds=0.0), setting, ["move survey-drive-2 2038-01-02T20:00Z"])
    >>> found.accepted, [row.kind for row in found.reasons]
    (False, ['period'])
    """
    changed = schedule
    for text in edits:
        changed = edit(changed, setting, text)
    report = check_schedule(changed, setting, reference=reference)
    before: set[tuple[str, str]] = set()
    if not report.ok:
        former = check_schedule(schedule, setting, reference=report.reference)
        before = {(row.kind, row.id) for row in former.violations}
    reasons = tuple(row for row in report.violations if (row.kind, row.id) not in before)
    if reasons and not force:
        return Edited(schedule, False, report, reasons)
    return Edited(changed, True, report, reasons)


def _with(schedule: Schedule, placements: Iterable[Placement], value: float = 0.0) -> Schedule:
    """The schedule with other placements, in order."""
    rows = tuple(sorted(placements, key=lambda row: (row.start, row.id)))
    total = schedule.value + value
    return replace(schedule, placements=rows, value=total, bound=max(schedule.bound, total))


def _members(schedule: Schedule, name: str) -> tuple[str, ...]:
    """What a name stands for: an occurrence, or the members of a group."""
    if name in schedule.groups:
        return schedule.groups[name]
    placed = {row.id for row in schedule.placements}
    if name not in placed:
        raise UnknownNameError(
            name, {*placed, *schedule.groups}, kind="placed activity or group", where="schedule"
        )
    return (name,)


def _moved(schedule: Schedule, verb: str, name: str, to: str) -> Schedule:
    """Occurrences at other times, locked there."""
    members = _members(schedule, name)
    if verb == "shift":
        shift_s = shift_seconds(to)
    else:
        first = min(row.start for row in schedule.placements if row.id in members)
        shift_s = float((_date(to) - first) / np.timedelta64(1, "ms")) / 1000.0
    return _with(
        schedule,
        [replace(row.moved(shift_s), locked=True) if row.id in members else row for row in schedule.placements],
    )


def _date(text: str) -> np.datetime64:
    return np.datetime64(as_utc(text).ravel()[0], "ms")


def _removed(schedule: Schedule, setting: Setting, members: tuple[str, ...]) -> Schedule:
    """Occurrences taken out, to stay out."""
    gone = [row for row in schedule.placements if row.id in members]
    refusals = [row for row in schedule.refusals if row.id not in members]
    refusals += [Refusal(row.id, row.activity, row.element, BY_HAND) for row in gone]
    groups = _thinned(schedule.groups, members)
    activities = {row.id: row for row in setting.plan.activities}
    lost = sum(worth(activities[row.activity]) for row in gone if row.activity in activities)
    kept = _with(schedule, [row for row in schedule.placements if row.id not in members], -lost)
    return replace(kept, refusals=tuple(refusals), groups=groups)


def _thinned(groups: Mapping[str, tuple[str, ...]], gone: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Groups without some members; empty ones are dropped."""
    out = set(gone)
    left = {name: tuple(row for row in members if row not in out) for name, members in groups.items()}
    return {name: members for name, members in left.items() if members}


def _added(schedule: Schedule, setting: Setting, name: str, to: str) -> Schedule:
    """An occurrence put in by hand."""
    due: dict[str, Occurrence] = {row.id: row for row in occurrences(setting)}
    if name not in due:
        raise UnknownNameError(name, due, kind="occurrence", where="add")
    if any(row.id == name for row in schedule.placements):
        raise InputError("is placed already", where=name, advice=f"write move {name} {to}")
    activity, start = due[name].activity, _date(to)
    row = Placement(
        name,
        activity.id,
        activity.element,
        due[name].partner,
        start,
        start + np.timedelta64(round(activity.duration_h * 3.6e6), "ms"),
        activity.power_w,
        activity.data_bit,
        locked=True,
    )
    found = _with(schedule, [*schedule.placements, row], worth(activity))
    return replace(found, refusals=tuple(row for row in schedule.refusals if row.id != name))


def _grouped(schedule: Schedule, verb: str, name: str, members: list[str]) -> Schedule:
    """A group made, or dissolved."""
    groups = dict(schedule.groups)
    if verb == "ungroup":
        if name not in groups:
            raise UnknownNameError(name, groups, kind="group", where="ungroup")
        del groups[name]
        return replace(schedule, groups=groups)
    placed = {row.id for row in schedule.placements}
    if name in placed or not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a group", where="group", advice="give a name of its own")
    for member in members:
        if member not in placed:
            raise UnknownNameError(member, placed, kind="placed activity", where=f"group {name}")
    groups[name] = tuple(dict.fromkeys(members))
    return replace(schedule, groups=groups)
