"""The timeline: ``GET /api/timeline``, ``POST /api/timeline/what-if``, ``POST /api/timeline/commands``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from moonpost.control.timeline import Timeline
from moonpost.control.timeline.missions import timeline_of
from moonpost.control.timeline.sequences import command_steps
from moonpost.control.timeline.whatif import Edit
from moonpost.control.timeline.windows import instant, milliseconds
from moonpost.control.users import User
from moonpost.control.web.security import CurrentUser, RefusalError, permit
from moonpost.errors import UnknownNameError

__all__ = ["CommandsOf", "EditGiven", "WhatIf", "router"]

_MOST_MS = 8.64e15
_Found = TypeVar("_Found")
Milliseconds = Annotated[float, Query(ge=-_MOST_MS, le=_MOST_MS, description="Since 1970-01-01T00:00Z [ms].")]


class EditGiven(BaseModel):
    """One edit that is tried, as `moonpost.control.timeline.whatif.Edit` explains it."""

    do: Literal["move", "shift", "remove", "add", "change"]
    id: str = Field(min_length=1, max_length=128)
    to_ms: float | None = Field(default=None, ge=-_MOST_MS, le=_MOST_MS)
    by_s: float | None = Field(default=None, ge=-1e9, le=1e9)
    quantity: str = Field(default="", max_length=64)
    value: float | None = Field(default=None, ge=0, le=1e12)


class WhatIf(BaseModel):
    """Edits that are tried together."""

    edits: list[EditGiven] = Field(min_length=1, max_length=50)


class CommandsOf(BaseModel):
    """A planned activity whose commands are wanted."""

    id: str = Field(min_length=1, max_length=128, description="Such as survey-drive-3.")
    request: bool = Field(default=False, description="Ask for the commands, not only show them; none is released.")
    comment: str = Field(default="", max_length=500)


def router(mission: Any) -> APIRouter:
    """Routes of the timeline.

    Parameters
    ----------
    mission : MissionControl
        Needs ``timeline``, ``policy`` and, for commands, ``commanding``.

    Returns
    -------
    fastapi.APIRouter
    """
    routes = APIRouter(tags=["timeline"], prefix="/api/timeline")

    @routes.get("")
    def timeline(
        request: Request,
        user: CurrentUser,
        start_ms: Annotated[float | None, Query(ge=-_MOST_MS, le=_MOST_MS)] = None,
        stop_ms: Annotated[float | None, Query(ge=-_MOST_MS, le=_MOST_MS)] = None,
    ) -> dict[str, Any]:
        """Rows and items of a period: sky, plan, and what was received; the station's whole period by default."""
        permit(request, user, "timeline.read")
        line = timeline_of(mission)
        line.book.begin()
        start = line.span[0] if start_ms is None else instant(start_ms, "start_ms")
        stop = line.span[1] if stop_ms is None else instant(stop_ms, "stop_ms")
        seen = _seen(mission, user, line)
        items = line.items(start, stop, elements=seen)
        return {
            "rows": [row.to_dict() for row in line.rows() if row.element is None or row.element in seen],
            "items": [row.to_dict() for row in items],
            "schedule": _own(line.to_dict(), seen),
            "now_ms": milliseconds(line.now()),
            "span_ms": [milliseconds(line.span[0]), milliseconds(line.span[1])],
        }

    @routes.post("/what-if")
    def what_if(body: WhatIf, request: Request, user: CurrentUser) -> dict[str, Any]:
        """Try edits: schedule and station as they would be, and what speaks against it; nothing is kept."""
        permit(request, user, "timeline.edit")
        line = timeline_of(mission)
        edits = [Edit(**row.model_dump()) for row in body.edits]
        for element in _touched(line, edits):
            permit(request, user, "timeline.edit", {"element": element})
        seen = _seen(mission, user, line)
        tried, items = _planned(lambda: line.what_if(edits))
        hidden = _hidden(mission, user, line)
        rows = {f"machine.{name}" for name in seen}
        return {
            "accepted": tried.accepted,
            "findings": [_told(row.to_dict(), hidden) for row in tried.findings],
            "items": [row.to_dict() for row in items if row.row in rows],
            "value": tried.value,
            "former_value": tried.former_value,
        }

    @routes.post("/commands")
    def commands(body: CommandsOf, request: Request, user: CurrentUser) -> dict[str, Any]:
        """The commands of a planned activity; with ``request`` they are asked for, to be released by people."""
        line = timeline_of(mission)
        for element in _elements_of(line, [body.id]):
            permit(request, user, "timeline.read", {"element": element})
        placed = _planned(lambda: line.placement(body.id))
        permit(request, user, "timeline.read", {"element": placed.element})
        steps = command_steps(mission, line, placed)
        asked: list[dict[str, Any]] = []
        if body.request:
            permit(request, user, "command.request", {"element": placed.element})
            for step in steps:
                text = body.comment or f"{placed.id} of the schedule"
                command = mission.commanding.request(user, step.name, step.arguments, at=step.at, comment=text)
                asked.append(command.to_dict())
        return {"id": placed.id, "steps": [row.to_dict() for row in steps], "commands": asked}

    return routes


def _seen(mission: Any, user: User, line: Timeline) -> list[str]:
    """Machines whose timeline a user may read."""
    names = [row.element for row in line.rows() if row.element is not None]
    return [name for name in names if mission.policy.allowed(user, "timeline.read", {"element": name}).allowed]


def _own(schedule: dict[str, Any], seen: Sequence[str]) -> dict[str, Any]:
    """The schedule's state without what is refused to machines that are not seen."""
    if "refused" in schedule:
        schedule["refused"] = [row for row in schedule["refused"] if row["element"] in seen]
    return schedule


def _hidden(mission: Any, user: User, line: Timeline) -> frozenset[str]:
    """Names that a user may not read: machines, and their activities."""
    allowed = mission.policy.allowed
    names = (row.id for row in line.plan.elements)
    machines = {name for name in names if not allowed(user, "timeline.read", {"element": name}).allowed}
    return frozenset({*machines, *(row.id for row in line.plan.activities if row.element in machines)})


def _planned(act: Callable[[], _Found]) -> _Found:
    """What is planned under a name; nobody is told what other names there are."""
    try:
        return act()
    except UnknownNameError as error:
        raise RefusalError(404, error.what, where=error.where, advice="see /api/timeline") from error


def _told(finding: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """A finding, without what it says of machines that the user may not read about."""
    said = f"{finding['subject']} {finding['text']}"
    if not any(name in said for name in hidden):
        return finding
    return {**finding, "subject": "", "text": "concerns a machine that you may not read about", "time_ms": None}


def _touched(line: Timeline, edits: Sequence[Edit]) -> list[str]:
    """Machines that edits are about."""
    changed = [row.id for row in edits if row.do == "change"]
    return list(dict.fromkeys([*changed, *_elements_of(line, [row.id for row in edits if row.do != "change"])]))


def _elements_of(line: Timeline, names: Sequence[str]) -> list[str]:
    """Machines of occurrences; a name that is no activity's is refused, whatever it is like."""
    activities = {row.id: row.element for row in line.plan.activities}
    found = []
    for name in names:
        element = activities.get(name.rpartition("-")[0])
        if element is None:
            raise RefusalError(404, f"no activity {name!r} is planned", where="id", advice="see /api/timeline")
        found.append(element)
    return found
