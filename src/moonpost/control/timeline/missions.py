"""The timeline of a running mission: its clock, archive, commands and events joined."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from moonpost.control.timeline.execution import Evidence
from moonpost.control.timeline.items import Item
from moonpost.control.timeline.timeline import Timeline
from moonpost.control.timeline.windows import milliseconds
from moonpost.errors import InputError, MoonpostError

__all__ = ["command_items", "evidence_of", "timeline_of"]

_KEPT = "_timeline_made"
_LOCK = threading.Lock()
_MOST_EVENTS = 2000
_NOT_SENT = ("refused", "expired", "withdrawn", "failed", "timed-out")
_ENDED_WELL = "completed"


def timeline_of(mission: Any) -> Timeline:
    """The timeline of a mission, made once.

    Parameters
    ----------
    mission : MissionControl
        Gives ``plan``, ``folder``, ``clock``, ``span`` and, where it has them, ``site``, ``station``, ``ground``,
        ``commanding`` and ``events``.

    Returns
    -------
    Timeline

    Raises
    ------
    InputError
        If the mission has no clock or no folder.

    Examples
    --------
    >>> from moonpost.control.timeline.timeline import Timeline  # see there
    """
    given = getattr(mission, "timeline", None)
    if isinstance(given, Timeline):
        return given
    with _LOCK:
        found: Timeline | None = vars(mission).get(_KEPT)
        if found is None:
            found = _made(mission)
            setattr(mission, _KEPT, found)
        return found


def _made(mission: Any) -> Timeline:
    if getattr(mission, "clock", None) is None or getattr(mission, "folder", None) is None:
        raise InputError("has no clock or no folder", where="mission", advice="start it with a plan")
    station: Any = getattr(mission, "station", None)
    span = getattr(mission, "span", None) or station.span
    ground = getattr(mission, "ground", None)
    return Timeline(
        mission.plan,
        mission.folder,
        now=mission.clock.now,
        span=(span[0], span[1]),
        site=getattr(mission, "site", None),
        station=station,
        archive=getattr(ground, "archive", None),
        evidence=lambda: evidence_of(_commands(mission)),
        events=lambda start, stop: [
            *command_items(_commands(mission), start, stop),
            *_events(mission, start, stop),
        ],
    )


def _commands(mission: Any) -> Sequence[Any]:
    """Commands of a mission; none where it has no commanding."""
    commanding = getattr(mission, "commanding", None)
    try:
        return tuple(commanding.commands()) if commanding is not None else ()
    except MoonpostError:
        return ()


def evidence_of(commands: Iterable[Any]) -> list[Evidence]:
    """Executions of activities as commands and their reports tell them.

    Parameters
    ----------
    commands : iterable of Command
        Commands with their stages.

    Returns
    -------
    list of Evidence
        One for each command that begins an activity.

    Notes
    -----
    An activity has begun when the command that begins it was started on board, and is done when that was completed
    there. One that fails after it has begun was stopped.

    Examples
    --------
    >>> evidence_of([])
    []
    """
    found = []
    for row in commands:
        at, element = _begin_us(row), _element(row)
        if _activity(row) and _verb(row) == "start" and at is not None and element:
            found.append(_evidence(row, element, at))
    return sorted(found, key=lambda one: one.start)


def command_items(commands: Iterable[Any], start: np.datetime64, stop: np.datetime64) -> list[Item]:
    """Commands as marks on the rows of their machines.

    Parameters
    ----------
    commands : iterable of Command
        Commands with their stages.
    start, stop : datetime64
        The period, UTC.

    Returns
    -------
    list of Item
        At the time of execution, or of release.

    Examples
    --------
    >>> command_items([], np.datetime64("2035-01-01"), np.datetime64("2035-01-02"))
    []
    """
    found = []
    for row in commands:
        at_us = _begin_us(row)
        if at_us is None:
            continue
        at = np.datetime64(at_us, "us").astype("datetime64[ms]")
        if not start <= at < stop:
            continue
        text, data = f"asked for by {row.requester}", {"command": row.id, "significance": row.significance}
        found += [
            Item(f"command.{row.id}.{name}", f"machine.{name}", "command", "actual", row.name, at, at, row.state,
                 text, data)
            for name in row.elements
        ]  # fmt: skip
    return found


def _events(mission: Any, start: np.datetime64, stop: np.datetime64) -> list[Item]:
    """Events that the station reported, the newest."""
    told = getattr(mission, "events", None)
    if told is None:
        return []
    found = []
    for number, row in enumerate(list(told(start, stop))[-_MOST_EVENTS:]):
        element, time_ms = row.get("element") or row.get("subject"), row.get("time_ms")
        if element is None or time_ms is None:
            continue
        at, masts = np.datetime64(int(time_ms), "ms"), str(element).startswith("mast-")
        kind = str(row.get("kind") or row.get("name") or "event")
        place, name = "sky.sun" if masts else f"machine.{element}", f"event.{milliseconds(at)}.{number}"
        text, data = str(row.get("text") or ""), {"severity": row.get("severity")}
        found.append(Item(name, place, "event", "actual", kind, at, at, "received", text, data))
    return found


def _evidence(row: Any, element: str, at: int) -> Evidence:
    """One execution."""
    times = _times(row)
    begun, end = "started" in times or "completed" in times, times.get("completed", times.get("failed"))
    start = np.datetime64(at, "us").astype("datetime64[ms]")
    stop = np.datetime64(end, "us").astype("datetime64[ms]") if begun and end is not None else None
    why = next((stage.text for stage in reversed(row.stages) if stage.text and stage.state in _NOT_SENT), "")
    text = "; ".join(row.reasons) or why
    if begun:
        state = "running" if stop is None else "done" if row.state == _ENDED_WELL else "stopped"
        text = "" if state == "done" else text
    elif row.state in _NOT_SENT:
        state, text = "refused", text or f"Its command is {row.state}."
    else:
        state, text = "commanded", f"Its command is {row.state}."
    return Evidence(element, _activity(row), state, start, stop, text, str(row.id))


def _times(row: Any) -> dict[str, int]:
    """When a command took its stages [us]."""
    return {stage.state: int(stage.time_us) for stage in row.stages if stage.time_us is not None}


def _begin_us(row: Any) -> int | None:
    """When a command was or will be carried out, by its reports, else as asked, else as released [us]."""
    times = _times(row)
    for state in ("started", "completed", "failed"):
        if state in times:
            return times[state]
    if row.at_us is not None:
        return int(row.at_us)
    return times.get("released") or times.get("sent") or times.get("requested")


def _activity(row: Any) -> str:
    """The activity that a command is about; empty if none."""
    return str(row.arguments.get("activity") or "")


def _element(row: Any) -> str:
    """The machine that a command is about."""
    return str(row.elements[0]) if row.elements else str(row.arguments.get("element") or "")


def _verb(row: Any) -> str:
    """Whether a command begins or ends an activity."""
    name = row.name.replace("_", "-").replace(".", "-")
    words = name.split("-")
    return "start" if "start" in words else "stop" if "stop" in words else ""
