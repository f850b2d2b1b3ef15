"""Routes of commands: dictionary, requests, approval, queue, stacks, what waits on board, the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from moonpost.control.commands.inserts import significance_of
from moonpost.control.commands.model import STATES, Command, CommandRefusedError
from moonpost.control.commands.queue import QUEUE_STATES
from moonpost.control.commands.rules import WHOLE
from moonpost.control.commands.stack import StackEntry
from moonpost.control.web.security import CurrentUser, RefusalError, permit

if TYPE_CHECKING:
    from moonpost.control.commands.audit import AuditEntry
    from moonpost.control.mission import MissionControl
    from moonpost.control.packets.arguments import Argument
    from moonpost.control.packets.telecommands import CommandLayout
    from moonpost.control.users import User

__all__ = ["Asked", "Decided", "QueueSet", "StackExecuted", "StackPut", "router"]


_Result = TypeVar("_Result")


def _writable(text: str) -> str:
    """Text that every database can keep."""
    if "\x00" in text or (not text.isascii() and text.encode("utf-8", "ignore").decode() != text):
        raise ValueError("holds what is no text")
    return text


_Text = Annotated[str, Field(max_length=500), AfterValidator(_writable)]
_Value = Annotated[str, Field(max_length=20_000), AfterValidator(_writable)] | bool | int | float
_Arguments = Annotated[dict[_Text, _Value], Field(max_length=100)]
_Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many.")]
_Number = Annotated[str, Path(max_length=20, pattern="^[0-9]+$", description="Number of the command.")]
_LATEST_MS = 3_900_000_000_000
_STATE = Literal[
    "refused", "waiting", "approved", "released", "accepted", "started", "completed", "failed", "expired",
    "withdrawn", "timed-out",
]  # fmt: skip
assert set(STATES) == set(_STATE.__args__)  # type: ignore[attr-defined]


class Asked(BaseModel):
    """A request for a command.

    Examples
    --------
    >>> Asked(name="ping").arguments
    {}
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    name: _Text = Field(description="As in the dictionary.")
    arguments: _Arguments = Field(default_factory=dict, description="Values by name.")
    at_ms: int | None = Field(
        default=None, ge=0, le=_LATEST_MS, description="When it is carried out on board [ms since 1970]."
    )
    comment: _Text = ""


class Decided(BaseModel):
    """What a person says of a command; an approval names the digest of the octets that the person saw.

    Examples
    --------
    >>> Decided().digest is None
    True
    """

    model_config = ConfigDict(extra="forbid")
    digest: Annotated[str, Field(max_length=64), AfterValidator(_writable)] | None = None
    comment: _Text = ""


class QueueSet(BaseModel):
    """What the queue is to let through.

    Examples
    --------
    >>> QueueSet(state="held").state
    'held'
    """

    model_config = ConfigDict(extra="forbid")
    state: Literal["enabled", "held", "disabled"]
    comment: _Text = ""


class _Entry(BaseModel):
    """One command of a stack."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    name: _Text
    arguments: _Arguments = Field(default_factory=dict)
    delay_s: float = Field(default=0.0, ge=0.0, le=400.0 * 86_400.0)
    comment: _Text = ""


class StackPut(BaseModel):
    """The entries of a stack, as ``GET /api/stack`` gives them.

    Examples
    --------
    >>> StackPut(entries=[]).entries
    []
    """

    model_config = ConfigDict(extra="forbid")
    entries: list[_Entry] = Field(max_length=500)


class StackExecuted(BaseModel):
    """Whether one entry is asked for, or all.

    Examples
    --------
    >>> StackExecuted().all
    False
    """

    model_config = ConfigDict(extra="forbid")
    all: bool = False


def router(mission: MissionControl) -> APIRouter:
    """Routes of commands.

    Parameters
    ----------
    mission : MissionControl
        The mission; its ``commanding``, ``audit`` and ``policy`` are used.

    Returns
    -------
    fastapi.APIRouter

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> routes = router(SimpleNamespace()).routes
    >>> sorted({route.path for route in routes})[:3]
    ['/api/audit', '/api/commands', '/api/commands/dictionary']
    """
    routes = APIRouter(prefix="/api", tags=["commands"])
    _add_commands(routes, mission)
    _add_queue(routes, mission)
    _add_stack(routes, mission)
    return routes


def _add_commands(routes: APIRouter, mission: MissionControl) -> None:
    @routes.get("/commands/dictionary")
    def dictionary(user: CurrentUser) -> dict[str, Any]:
        """Every command with its arguments, who may ask for it and who has to approve it."""
        rows = mission.commanding.dictionary.commands
        return {"commands": [_layout(mission, user, one) for one in rows]}

    @routes.get("/commands")
    def commands(
        user: CurrentUser,
        state: Annotated[_STATE | None, Query(description="Only those in this state.")] = None,
        before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only lower numbers.")] = None,
        limit: _Limit = 200,
    ) -> dict[str, Any]:
        """Commands that the user may see, the latest first."""
        found = mission.commanding.commands(states=None if state is None else [state], before=before, limit=limit)
        sees = mission.commanding.rules.sees
        return {"commands": [one.to_dict() for one in found if sees(user, one)]}

    @routes.post("/commands", status_code=201)
    def ask(asked: Asked, user: CurrentUser, request: Request) -> dict[str, Any]:
        """Ask for a command: it is refused with reasons, waits for approval, or can be released."""
        layout = mission.commanding.dictionary.command(asked.name)
        _permit(mission, request, user, "command.request", _of_layout(mission, layout), asked.name)
        at = None if asked.at_ms is None else np.datetime64(asked.at_ms, "ms")
        command = _told(
            lambda: mission.commanding.request(
                user.name, asked.name, asked.arguments, at=at, comment=asked.comment
            )
        )
        return {"command": command.to_dict()}

    @routes.get("/commands/{command}")
    def one(command: _Number, user: CurrentUser) -> dict[str, Any]:
        """One command with its stages and approvals."""
        return {"command": _seen(mission, user, command).to_dict()}

    @routes.post("/commands/{command}/{verb}")
    def decide(
        command: _Number,
        verb: Literal["approve", "reject", "withdraw", "release"],
        decided: Decided,
        user: CurrentUser,
        request: Request,
    ) -> dict[str, Any]:
        """Approve, reject, withdraw or release a command."""
        seen = _seen(mission, user, command)
        action = {"approve": "command.approve", "reject": "command.approve", "release": "command.release"}.get(
            verb
        )
        if action is not None and not (verb == "reject" and seen.requester == user.name):
            _permit(mission, request, user, action, _of_command(mission, seen), f"{verb} command {command}")
        desk = mission.commanding
        if verb == "approve" and decided.digest is None:
            raise RefusalError(
                422, "an approval names the digest", where="digest", advice="give that of the octets"
            )
        return {
            "command": _told(
                lambda: {
                    "approve": lambda: desk.approve(user.name, command, decided.digest or "", decided.comment),
                    "reject": lambda: desk.reject(user.name, command, decided.comment),
                    "withdraw": lambda: desk.withdraw(user.name, command, decided.comment),
                    "release": lambda: desk.release(user.name, command),
                }[verb]()
            ).to_dict()
        }

    @routes.get("/onboard")
    def onboard(user: CurrentUser) -> dict[str, Any]:
        """Commands that wait on board for their time, as known here."""
        sees = mission.commanding.rules.sees
        return {"commands": [one.to_dict() for one in mission.commanding.onboard() if sees(user, one)]}

    @routes.get("/audit")
    def audit(
        user: CurrentUser,
        request: Request,
        before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only lower numbers.")] = None,
        command: Annotated[str | None, Query(max_length=20, pattern="^[0-9]+$")] = None,
        limit: _Limit = 200,
    ) -> dict[str, Any]:
        """What was done by whom, the latest first, with the entry of the ledger that says so."""
        permit(request, user, "audit.read", {"shared": True, "partners": ()})
        found = mission.audit.entries(before=before, command=command, limit=limit, newest=True)
        rows = [one.to_dict() for one in reversed(found) if _may_read(mission, user, one)]
        return {"entries": rows, "waiting": mission.audit.waiting}


def _add_queue(routes: APIRouter, mission: MissionControl) -> None:
    @routes.get("/queue")
    def queue(_user: CurrentUser) -> dict[str, Any]:
        """What the queue in front of the uplink lets through."""
        return {"queue": mission.commanding.queue().to_dict(), "states": QUEUE_STATES}

    @routes.post("/queue")
    def set_queue(wanted: QueueSet, user: CurrentUser) -> dict[str, Any]:
        """Enable, hold or disable the queue."""
        found = _told(lambda: mission.commanding.set_queue(user.name, wanted.state, wanted.comment))
        return {"queue": found.to_dict()}


def _add_stack(routes: APIRouter, mission: MissionControl) -> None:
    @routes.get("/stack")
    def stack(user: CurrentUser) -> dict[str, Any]:
        """The user's own stack; its entries can be kept as a file and put again."""
        return {"stack": mission.commanding.stacks.of(user.name).to_dict()}

    @routes.put("/stack")
    def put_stack(wanted: StackPut, user: CurrentUser) -> dict[str, Any]:
        """Give the user's stack these entries; it begins anew."""
        entries = [StackEntry(one.name, one.arguments, one.delay_s, one.comment) for one in wanted.entries]
        return {"stack": mission.commanding.stacks.put(user.name, entries).to_dict()}

    @routes.post("/stack/execute")
    def execute(wanted: StackExecuted, user: CurrentUser, request: Request) -> dict[str, Any]:
        """Ask for the next entry of the stack, or for all in turn; every rule counts for each."""
        stacks = mission.commanding.stacks
        found = stacks.of(user.name)
        for one in found.entries[found.position :]:
            layout = mission.commanding.dictionary.command(one.name)
            for action in ("command.request", "command.release"):  # a stack also sends
                _permit(mission, request, user, action, _of_layout(mission, layout), one.name)
        return {"stack": stacks.execute(user.name, all_entries=wanted.all, number=found.number).to_dict()}

    @routes.post("/stack/stop")
    def stop(user: CurrentUser) -> dict[str, Any]:
        """Ask for no more entries of the stack."""
        return {"stack": mission.commanding.stacks.stop(user.name).to_dict()}


def _layout(mission: MissionControl, user: User, layout: CommandLayout) -> dict[str, Any]:
    """A command of the dictionary as the client shows it."""
    rules, elements = mission.commanding.rules, _elements(layout)
    may = rules.commanders(elements)
    return {
        "name": layout.name,
        "element": layout.element,
        "significance": significance_of(layout),
        "description": layout.description,
        "apid": layout.apid,
        "service": layout.service,
        "subservice": layout.subservice,
        "function": layout.function,
        "commanders": sorted(may),
        "needed": sorted(rules.needed(elements, user.partner, significance_of(layout))),
        "mine": user.partner in may,
        "arguments": [_argument(one) for one in layout.arguments],
    }


def _argument(argument: Argument) -> dict[str, Any]:
    default = argument.default
    return {
        "name": argument.name,
        "kind": argument.encoding.kind,
        "bits": argument.encoding.bits,
        "unit": argument.unit,
        "description": argument.description,
        "low": argument.low,
        "high": argument.high,
        "labels": {str(number): text for number, text in (argument.labels or {}).items()},
        "default": default.hex() if isinstance(default, bytes) else default,
    }


def _elements(layout: CommandLayout) -> tuple[str, ...]:
    return (layout.element or WHOLE,)


def _of_layout(mission: MissionControl, layout: CommandLayout) -> dict[str, Any]:
    """The resource that a policy decides on: what a request would act on."""
    return _resource(mission, _elements(layout), significance_of(layout))


def _of_command(mission: MissionControl, command: Command) -> dict[str, Any]:
    found = _resource(mission, command.elements, command.significance)
    partners = {*found["partners"], *command.needed}
    return {**found, "partners": tuple(sorted(partners)), "requester": command.requester}


def _resource(mission: MissionControl, elements: tuple[str, ...], significance: str) -> dict[str, Any]:
    rules = mission.commanding.rules
    first = elements[0] if elements else WHOLE
    found: dict[str, Any] = {
        "id": "station" if first == WHOLE else first, "shared": WHOLE in elements,
        "partners": tuple(sorted(rules.commanders(elements))), "significance": significance,
    }  # fmt: skip
    return found if first == WHOLE else {**found, "owner": rules.parties(first)[0]}


def _permit(
    mission: MissionControl, request: Request, user: User, action: str, resource: Mapping[str, Any], what: str
) -> None:
    """Go on only if the policy permits it; what it refuses is on record."""
    try:
        permit(request, user, action, resource)
    except RefusalError:
        elements = [one for one in (str(resource["id"]),) if one != "station"]
        data = {"what": what, "elements": elements}
        mission.audit.record(f"{action} refused", user.name, user.partner, data=data)
        raise


def _told(act: Callable[[], _Result]) -> _Result:
    """Do it, or answer why the rules do not allow it."""
    try:
        return act()
    except CommandRefusedError as error:
        raise RefusalError(
            403 if error.forbidden else 409, error.what, where=error.where, advice=error.advice
        ) from error


def _seen(mission: MissionControl, user: User, identifier: str) -> Command:
    """A command that the user may see; one that is not there and one of others look the same."""
    found = mission.commanding.command(identifier)
    if not mission.commanding.rules.sees(user, found):
        raise RefusalError(404, f"unknown command '{identifier}'", advice="none is defined")
    return found


def _may_read(mission: MissionControl, user: User, entry: AuditEntry) -> bool:
    """Whether the policy lets a user read an entry of the record."""
    elements = tuple(one for one in entry.data.get("elements", ()) if isinstance(one, str))
    rules = mission.commanding.rules
    partners = {entry.partner, *(party for one in elements for party in rules.parties(one))}
    shared = WHOLE in elements or (not elements and entry.action != "request-refused")
    if isinstance(entry.data.get("key"), str):  # of an alarm
        about = mission.policy.channel(entry.data["key"])
        shared = bool(about["shared"])
        partners |= {*about.get("partners", ()), *about.get("approvers", ())}
    if isinstance(entry.data.get("user"), str):  # what an administrator did
        shared, partners = False, {*partners, str(entry.data.get("partner", ""))}
    partners -= {""}
    resource = {"id": "record", "shared": shared, "partners": tuple(sorted(partners))}
    return mission.policy.allowed(user, "audit.read", resource).allowed
