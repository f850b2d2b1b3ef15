"""What may happen to a command: a pure function of where it stands, what happened, and the rules of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from moonpost.control.commands.model import Approval, Command, Person, Stage, digest_of, same_person

__all__ = [
    "FLYING",
    "Approve",
    "Dropped",
    "Event",
    "Grounds",
    "Outcome",
    "Reject",
    "Release",
    "Reported",
    "Sent",
    "Tick",
    "Withdraw",
    "is_dropped",
    "step",
]

_RANK = {"released": 0, "accepted": 1, "started": 2, "completed": 3, "failed": 3}
_SAME = {"scheduled": "accepted"}
_WAITING = ("waiting", "approved")
FLYING = ("released", "accepted", "started", "timed-out")
"""States of which reports tell."""


@dataclass(frozen=True)
class Grounds:
    """The rules as they are at the moment of a step.

    Parameters
    ----------
    commanders : frozenset of str
        Partners that may command everything that the command acts on.
    needed : frozenset of str
        Partners of each of whom another person has to approve; empty unless it is hazardous.
    people : mapping of str to Person
        By name, the users concerned as they are now; who is missing is unknown or disabled.
    approval_s : float
        For how long an approval holds [s].
    request_s : float
        For how long a request waits [s].
    obstacles : tuple of str
        What else forbids release now: queue, contact, dormancy and night.

    Examples
    --------
    >>> Grounds(frozenset({"cnsa"}), frozenset(), {}).obstacles
    ()
    """

    commanders: frozenset[str]
    needed: frozenset[str]
    people: Mapping[str, Person]
    approval_s: float = 900.0
    request_s: float = 86_400.0
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approve:
    """A person approves the octets with a digest."""

    name: str
    digest: str
    wall_s: float
    comment: str = ""


@dataclass(frozen=True)
class Reject:
    """A person of a partner that has to approve says no."""

    name: str
    wall_s: float
    comment: str = ""


@dataclass(frozen=True)
class Withdraw:
    """The requester, or an operator of the same partner, takes a request back."""

    name: str
    wall_s: float
    comment: str = ""


@dataclass(frozen=True)
class Release:
    """An operator sends it; the mission time now, by when reports should have come, and what was looked at."""

    name: str
    wall_s: float
    time_us: int
    deadline_us: int
    version: int | None = None


@dataclass(frozen=True)
class Dropped:
    """What was released must not leave any more: ``failed`` as it has not, ``timed-out`` if that is not known."""

    wall_s: float
    time_us: int
    why: str
    state: str = "failed"


@dataclass(frozen=True)
class Sent:
    """The uplink has taken the octets."""

    wall_s: float
    time_us: int


@dataclass(frozen=True)
class Reported:
    """The station reported on the packet (`inside`: on the one that waited on board)."""

    state: str
    wall_s: float
    time_us: int
    inside: bool = False
    text: str = ""


@dataclass(frozen=True)
class Tick:
    """Time passed."""

    wall_s: float
    time_us: int


Event = Approve | Reject | Withdraw | Release | Sent | Dropped | Reported | Tick


@dataclass(frozen=True)
class Outcome:
    """What a step makes of a command.

    Parameters
    ----------
    command : Command
        As it is now; the same object if nothing changed.
    refusal : str
        Why what was asked for was not done; empty if it was.
    effects : tuple of str
        ``uplink``: the octets have to go out, after this is on the disk.
    forbidden : bool
        Whether it was refused for who asked; else for how things stand.

    Examples
    --------
    >>> from moonpost.control.commands.model import digest_of
    >>> command = Command("1", "ping", {}, b"", digest_of(b""), "routine", (), "li", "cnsa", (), ())
    >>> Outcome(command).effects
    ()
    """

    command: Command
    refusal: str = ""
    effects: tuple[str, ...] = field(default=())
    forbidden: bool = False


def step(command: Command, event: Event, grounds: Grounds) -> Outcome:
    """Take one step, or tell why not.

    Parameters
    ----------
    command : Command
        Where it stands.
    event : Event
        What happened.
    grounds : Grounds
        The rules of the moment.

    Returns
    -------
    Outcome

    Notes
    -----
    Nothing is read and nothing is written here: the same three always give the same outcome.

    Examples
    --------
    >>> octets = b"example"
    >>> command = Command("1", "off", {}, octets, digest_of(octets), "hazardous", (), "li", "cnsa", (), ())
    >>> grounds = Grounds(frozenset({"cnsa"}), frozenset({"cnsa"}), {})
    >>> step(command, Release("li", 0.0, 0, 1), grounds).refusal
    'it waits for approval'
    """
    if isinstance(event, Approve):
        return _approve(command, event, grounds)
    if isinstance(event, Reject):
        return _reject(command, event, grounds)
    if isinstance(event, Withdraw):
        return _withdraw(command, event, grounds)
    if isinstance(event, Release):
        return _release(command, event, grounds)
    if isinstance(event, Sent):
        return _sent(command, event)
    if isinstance(event, Dropped):
        return _dropped(command, event)
    if isinstance(event, Reported):
        return _reported(command, event)
    return _tick(command, event, grounds)


def _refuse(command: Command, why: str) -> Outcome:
    return Outcome(command, why)


def _forbid(command: Command, why: str) -> Outcome:
    return Outcome(command, why, forbidden=True)


def _with(command: Command, state: str, stage: Stage, **changes: object) -> Command:
    """The command in a state, with one more stage."""
    return replace(command, state=state, stages=(*command.stages, stage), **changes)  # type: ignore[arg-type]


def _approve(command: Command, event: Approve, grounds: Grounds) -> Outcome:
    if command.state != "waiting":
        return _refuse(command, f"it is {command.state} and waits for no approval")
    why = _why_no_approval(command, event, grounds)
    if why:
        return _forbid(command, why)
    person = grounds.people[event.name]
    held = _holding(command, grounds, event.wall_s)
    given = (*held, Approval(person.name, person.partner, event.digest, event.wall_s, event.comment))
    done = grounds.needed <= {one.partner for one in given}
    state = "approved" if done else "waiting"
    text = f"for {person.partner}" + (f": {event.comment}" if event.comment else "")
    said = Stage("approved", event.wall_s, None, person.name, text)
    return Outcome(_with(command, state, said, approvals=given))


def _why_no_approval(command: Command, event: Approve, grounds: Grounds) -> str:
    """Why a person cannot approve; empty if that is right."""
    person = grounds.people.get(event.name)
    if person is None:
        return f"{event.name} is unknown or disabled"
    if same_person(person.name, command.requester):
        return "who asked for a command cannot approve it"
    if "approver" not in person.roles:
        return f"{person.name} is no approver"
    if person.partner not in grounds.needed:
        return f"it needs a person of {_listed(grounds.needed)}, not of {person.partner}"
    if event.digest != command.digest or event.digest != digest_of(command.octets):
        return "the digest is not that of this command's octets: look at it again"
    if any(same_person(one.name, person.name) for one in _holding(command, grounds, event.wall_s)):
        return f"{person.name} has approved it already"
    return ""


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nobody"


def _holding(command: Command, grounds: Grounds, wall_s: float) -> tuple[Approval, ...]:
    """The approvals that still hold: of these octets, in time, by people who still may give them."""
    digest = digest_of(command.octets)
    return tuple(one for one in command.approvals if _holds(one, command, digest, grounds, wall_s))


def _holds(one: Approval, command: Command, digest: str, grounds: Grounds, wall_s: float) -> bool:
    person = grounds.people.get(one.name)
    return (
        person is not None
        and one.digest == digest
        and 0.0 <= wall_s - one.wall_s < grounds.approval_s
        and "approver" in person.roles
        and person.partner == one.partner
        and one.partner in grounds.needed
        and not same_person(one.name, command.requester)
    )


def _reject(command: Command, event: Reject, grounds: Grounds) -> Outcome:
    person = grounds.people.get(event.name)
    if command.state not in _WAITING:
        return _refuse(command, f"it is {command.state} and cannot be rejected")
    if person is None or "approver" not in person.roles or person.partner not in grounds.needed:
        return _forbid(command, f"only an approver of {_listed(grounds.needed)} may reject it")
    why = f"rejected by {person.name} of {person.partner}" + (f": {event.comment}" if event.comment else "")
    said = Stage("refused", event.wall_s, None, person.name, why)
    return Outcome(_with(command, "refused", said, reasons=(*command.reasons, why)))


def _withdraw(command: Command, event: Withdraw, grounds: Grounds) -> Outcome:
    person = grounds.people.get(event.name)
    if command.state not in _WAITING:
        return _refuse(command, f"it is {command.state} and cannot be withdrawn")
    if person is None or person.partner != command.partner:
        return _forbid(command, f"only {command.partner} may withdraw it")
    if not (same_person(person.name, command.requester) or "operator" in person.roles):
        return _forbid(command, "only who asked for it, or an operator of the same partner, may withdraw it")
    return Outcome(_with(command, "withdrawn", Stage("withdrawn", event.wall_s, None, person.name, event.comment)))


def _release(command: Command, event: Release, grounds: Grounds) -> Outcome:
    if command.state == "waiting":
        return _refuse(command, "it waits for approval")
    if command.state != "approved":
        return _refuse(command, f"it is {command.state} and cannot be released")
    why = _why_no_release(command, event, grounds)
    if why:
        return _forbid(command, why)
    if event.version not in (None, command.version):
        return _refuse(command, "it was changed while it was looked at: release it again")
    if event.wall_s - command.requested_wall_s >= grounds.request_s:
        return _expired(command, event.wall_s, event.time_us, "the request is too old")
    held = _holding(command, grounds, event.wall_s)
    missing = grounds.needed - {one.partner for one in held}
    if missing:
        return _no_longer(command, held, missing, event, grounds)
    if grounds.obstacles:
        return _refuse(command, "; ".join(grounds.obstacles))
    said = Stage("released", event.wall_s, event.time_us, event.name)
    out = _with(command, "released", said, approvals=held, deadline_us=event.deadline_us)
    return Outcome(out, effects=("uplink",))


def _why_no_release(command: Command, event: Release, grounds: Grounds) -> str:
    """Why this person cannot release it, or its requester no longer could ask for it."""
    person, asker = grounds.people.get(event.name), grounds.people.get(command.requester)
    if command.digest != digest_of(command.octets):
        return "its octets are not those that were asked for"
    if person is None or not {"operator", "approver"} & person.roles:
        return f"{event.name} is neither operator nor approver"
    if person.partner not in grounds.commanders | grounds.needed:
        return f"{person.partner} may not release it; {_listed(grounds.commanders | grounds.needed)} may"
    if asker is None or "operator" not in asker.roles or asker.partner != command.partner:
        return f"{command.requester}, who asked for it, may no longer command for {command.partner}"
    if command.partner not in grounds.commanders:
        return f"{command.partner} may no longer command it"
    return ""


def _no_longer(
    command: Command, held: tuple[Approval, ...], missing: frozenset[str], event: Release, grounds: Grounds
) -> Outcome:
    """An approval lapsed: the command has expired; one was lost otherwise: it waits again."""
    late = [one for one in command.approvals if event.wall_s - one.wall_s >= grounds.approval_s]
    if late:
        names = ", ".join(one.name for one in late)
        return _expired(command, event.wall_s, event.time_us, f"the approval by {names} has expired")
    why = f"no approval of {_listed(missing)} holds any more"
    said = Stage("waiting", event.wall_s, event.time_us, "", why)
    return Outcome(_with(command, "waiting", said, approvals=held), why)


def _expired(command: Command, wall_s: float, time_us: int, why: str) -> Outcome:
    said = Stage("expired", wall_s, time_us, "", why)
    return Outcome(_with(command, "expired", said, reasons=(*command.reasons, why)), why)


def _sent(command: Command, event: Sent) -> Outcome:
    if command.sent or command.state in (*_WAITING, "refused", "expired", "withdrawn"):
        return Outcome(command)
    return Outcome(_with(command, command.state, Stage("sent", event.wall_s, event.time_us), sent=True))


def _dropped(command: Command, event: Dropped) -> Outcome:
    """A command that never left has failed; of one that may have left a report can still come."""
    if command.sent or command.state != "released":
        return Outcome(command)
    if event.state == "timed-out":
        return Outcome(_with(command, event.state, Stage(event.state, event.wall_s, event.time_us, "", event.why)))
    said = Stage("failed", event.wall_s, event.time_us, "", event.why)
    return Outcome(_with(command, "failed", said, reasons=(*command.reasons, event.why)))


def is_dropped(command: Command) -> bool:
    """Whether it failed because it never left.

    Parameters
    ----------
    command : Command
        Which.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_dropped(Command("1", "ping", {}, b"", digest_of(b""), "routine", (), "li", "cnsa", (), ()))
    False
    """
    return command.state == "failed" and not command.sent  # a report of failure tells that it was sent


def _reported(command: Command, event: Reported) -> Outcome:
    """A report moves a command on, never back; one that came before is not taken again."""
    if command.state not in (*FLYING, "completed", "failed"):
        return Outcome(command)
    seen, state = _meaning(command, event)
    stage = Stage(seen, event.wall_s, event.time_us, "", event.text)
    if any((one.state, one.time_us, one.text) == (seen, event.time_us, event.text) for one in command.stages):
        return Outcome(command)
    dropped = is_dropped(command)  # it was held never to have left
    if command.state in ("completed", "failed") and not dropped:
        return Outcome(_with(command, command.state, stage))
    told = [one for one in command.stages if one.text not in command.reasons]  # by the station: not the drop
    known = [_SAME.get(one.state, one.state) for one in told] + ([] if dropped else [command.state])
    best = max((one for one in known if one in _RANK), key=_RANK.__getitem__)
    if state in _RANK and _RANK[state] > _RANK[best]:
        best = state
    return Outcome(_with(command, best, stage, sent=True))


def _meaning(command: Command, event: Reported) -> tuple[str, str]:
    """Name of the stage, and the state that it argues for; the packet around another only schedules it."""
    if len(command.packets) < 2:
        return event.state, event.state
    if event.inside:
        return ("progress", "accepted") if event.state == "accepted" else (event.state, event.state)
    if event.state == "completed":
        return "scheduled", "accepted"
    return ("progress", "accepted") if event.state == "started" else (event.state, event.state)


def _tick(command: Command, event: Tick, grounds: Grounds) -> Outcome:
    if command.state in _WAITING:
        return _tick_waiting(command, event, grounds)
    late = command.deadline_us is not None and event.time_us >= command.deadline_us
    if command.state == "released" and not command.sent:  # who sends knows whether it left
        return Outcome(command)
    if command.state in ("released", "accepted", "started") and late:
        why = "no report of its end came in time"
        said = Stage("timed-out", event.wall_s, event.time_us, "", why)
        return Outcome(_with(command, "timed-out", said))
    return Outcome(command)


def _tick_waiting(command: Command, event: Tick, grounds: Grounds) -> Outcome:
    """Let a request expire with its approvals, or when it is too old."""
    if event.wall_s - command.requested_wall_s >= grounds.request_s:
        return _expired(command, event.wall_s, event.time_us, "the request is too old")
    late = [one for one in command.approvals if event.wall_s - one.wall_s >= grounds.approval_s]
    if late:
        names = ", ".join(one.name for one in late)
        return _expired(command, event.wall_s, event.time_us, f"the approval by {names} has expired")
    return Outcome(command)
