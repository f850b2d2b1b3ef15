"""A command on its way to the station: what it says, who asked for it, who agreed, how far it came."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from moonpost.errors import InputError

__all__ = [
    "ENDED",
    "STATES",
    "Approval",
    "Command",
    "CommandRefusedError",
    "Person",
    "Stage",
    "digest_of",
    "same_person",
]

STATES = (
    "refused", "waiting", "approved", "released", "accepted", "started", "completed", "failed", "expired",
    "withdrawn", "timed-out",
)  # fmt: skip
"""Where a command can stand."""

ENDED = frozenset({"refused", "completed", "failed", "expired", "withdrawn"})
"""States that a command does not leave; ``timed-out`` is left when a late report comes."""


class Person(Protocol):
    """What the rules need to know of a user."""

    @property
    def name(self) -> str:
        """Name of the account."""
        ...

    @property
    def partner(self) -> str:
        """For whom the person acts."""
        ...

    @property
    def roles(self) -> frozenset[str]:
        """What the person may do."""
        ...


@dataclass(frozen=True)
class Approval:
    """One person's consent to exact octets.

    Parameters
    ----------
    name, partner : str
        Who, and for whom.
    digest : str
        SHA-256 of the octets that the person saw, 64 hexadecimal digits.
    wall_s : float
        When, by the clock on the wall, seconds since 1970 UTC.
    comment : str
        Why.

    Examples
    --------
    >>> Approval("li", "cnsa", "00" * 32, 0.0).partner
    'cnsa'
    """

    name: str
    partner: str
    digest: str
    wall_s: float
    comment: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name, "partner": self.partner, "digest": self.digest, "wall_ms": _ms(self.wall_s),
            "comment": self.comment,
        }  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A step that a command took.

    Parameters
    ----------
    state : str
        What happened: a state of `STATES`, ``requested``, ``sent``, ``scheduled`` or ``progress``.
    wall_s : float
        When it was written, seconds since 1970 UTC.
    time_us : int or None
        Mission time, microseconds since 1970 UTC; of a report the time on board.
    by : str
        Who did it; empty for the station and the clock.
    text : str
        What was said.

    Examples
    --------
    >>> Stage("accepted", 0.0, None).by
    ''
    """

    state: str
    wall_s: float
    time_us: int | None
    by: str = ""
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "state": self.state, "wall_ms": _ms(self.wall_s), "time_ms": _from_us(self.time_us), "by": self.by,
            "text": self.text,
        }  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command with everything that is known of it.

    Parameters
    ----------
    id : str
        Number in the order of requests.
    name : str
        As in the dictionary.
    arguments : mapping
        Values of its arguments.
    octets : bytes
        The telecommand packet, fixed when it was asked for: what is approved is what is released.
    digest : str
        SHA-256 of `octets`, 64 hexadecimal digits.
    significance : str
        ``routine``, ``important`` or ``hazardous``: the highest of it and what it carries inside.
    elements : tuple of str
        Machines that it acts on; ``*`` for the station as a whole.
    requester, partner : str
        Who asked for it, and for whom.
    owners : tuple of str
        Partners that own what it acts on.
    needed : tuple of str
        Partners of whom another person has to approve, as told when it was asked for.
    state : str
        One of `STATES`.
    stages : tuple of Stage
        Every step so far.
    approvals : tuple of Approval
        Those that hold so far.
    reasons : tuple of str
        Why it was refused or expired.
    requested_wall_s : float
        When it was asked for, seconds since 1970 UTC.
    packets : tuple of (int, int)
        Application and sequence count of the packet, then of the one inside that waits on board.
    at_us : int or None
        When it is to be carried out on board, mission time in microseconds since 1970; None: on arrival.
    deadline_us : int or None
        Mission time by which its reports should have come, once it is released.
    sent : bool
        Whether the uplink has taken it.
    version : int
        Number of changes; guards against two at once.

    Examples
    --------
    >>> Command("1", "ping", {}, b"", digest_of(b""), "routine", (), "li", "cnsa", (), ()).state
    'waiting'
    """

    id: str
    name: str
    arguments: Mapping[str, Any]
    octets: bytes
    digest: str
    significance: str
    elements: tuple[str, ...]
    requester: str
    partner: str
    owners: tuple[str, ...]
    needed: tuple[str, ...]
    state: str = "waiting"
    stages: tuple[Stage, ...] = ()
    approvals: tuple[Approval, ...] = ()
    reasons: tuple[str, ...] = ()
    requested_wall_s: float = 0.0
    packets: tuple[tuple[int, int], ...] = ()
    at_us: int | None = None
    deadline_us: int | None = None
    sent: bool = False
    version: int = 0
    origin: str = field(default="", compare=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state in ENDED

    @property
    def live(self) -> bool:
        """Whether something is bound to happen to it; a timed-out one is only told of late, if ever."""
        return self.state not in ENDED and self.state != "timed-out"

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON: octets in hexadecimal, times in milliseconds since 1970."""
        return {
            "id": self.id,
            "name": self.name,
            "arguments": dict(self.arguments),
            "octets": self.octets.hex(),
            "digest": self.digest,
            "significance": self.significance,
            "elements": list(self.elements),
            "requester": self.requester,
            "partner": self.partner,
            "owners": list(self.owners),
            "needed": list(self.needed),
            "state": self.state,
            "stages": [one.to_dict() for one in self.stages],
            "approvals": [one.to_dict() for one in self.approvals],
            "reasons": list(self.reasons),
            "requested_wall_ms": _ms(self.requested_wall_s),
            "count": self.packets[0][1] if self.packets else None,
            "at_ms": _from_us(self.at_us),
            "sent": self.sent,
        }  # fmt: skip


def _ms(seconds: float) -> int:
    return round(seconds * 1000.0)


def _from_us(microseconds: int | None) -> int | None:
    return None if microseconds is None else microseconds // 1000


class CommandRefusedError(InputError):
    """What was asked of a command is against the rules.

    Parameters
    ----------
    what : str
        Why.
    command : Command or None
        The command as it stands; None if none came of it.
    forbidden : bool
        Whether it was refused for who asked; else for how things stand.

    Examples
    --------
    >>> str(CommandRefusedError("it waits for approval"))
    'command: it waits for approval; see the rules in docs/commands.md'
    """

    def __init__(self, what: str, command: Command | None = None, *, forbidden: bool = False) -> None:
        where = "command" if command is None else f"command {command.id}"
        super().__init__(what, where=where, advice="see the rules in docs/commands.md")
        self.command, self.forbidden = command, forbidden


def digest_of(octets: bytes) -> str:
    """SHA-256 of a packet, the name by which people approve it.

    Parameters
    ----------
    octets : bytes
        The whole telecommand packet.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> digest_of(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(octets).hexdigest()


def same_person(one: str, other: str) -> bool:
    """Whether two names of accounts are those of one person, as far as names tell.

    Parameters
    ----------
    one, other : str
        Names.

    Returns
    -------
    bool
        True if they differ in nothing but case, width of characters and space around them.

    Examples
    --------
    >>> same_person("Li", " li"), same_person("li", "wu")
    (True, False)
    """
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
