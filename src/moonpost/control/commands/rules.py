"""Who may command what, who has to approve it, and what may not be done at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from moonpost.control.commands.machine import Grounds
from moonpost.control.commands.model import Command, Person
from moonpost.errors import InputError, UnknownNameError
from moonpost.partners.ledger import Ledger, LedgerState
from moonpost.partners.ledger.stores import is_url
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

__all__ = ["LENDING", "WHOLE", "Rules", "lending_record"]

LENDING = "command-authority"
"""Topic of the records in the partners' ledger by which an owner lets another partner command a machine."""

WHOLE = "*"
"""Stands among machines for the station as a whole."""

Forbids = Callable[[bytes, int], tuple[str, ...]]
"""From octets and the mission time at which they would be sent [us] to reasons against it."""


_OVERSEE = frozenset({"admin", "programme"})


@dataclass(frozen=True)
class _Loan:
    """One record by which an owner lends the command of a place."""

    place: str
    owner: str
    partner: str
    start: str
    until: str
    agreement: str


def lending_record(
    element: str, partner: str, *, start: str = "", until: str = "", agreement: str = "", ends: bool = False
) -> dict[str, Any]:
    """Body of the ledger entry by which the owner of a machine lets another partner command it.

    Parameters
    ----------
    element, partner : str
        The machine; who may command it besides its owner.
    start, until : str
        First and last day, UTC, as ISO dates; open if empty.
    agreement : str
        Agreement that it rests on: it has to be in force between both; none if empty.
    ends : bool
        Whether it takes back what was lent before.

    Returns
    -------
    dict
        For ``Ledger.append(owner's key, "record", ...)``.

    Examples
    --------
    >>> lending_record("ce7-rover", "roscosmos")["topic"]
    'command-authority'
    """
    data = {"place": f"elements[{element}]", "partner": partner, "start": start, "until": until,
            "agreement": agreement, "ends": ends}  # fmt: skip
    return {"topic": LENDING, "data": data}


class Rules:
    """The rules of a station: from its plan, the partners' ledger and the users of the moment.

    Parameters
    ----------
    plan : Plan
        Owners, approvers and founders.
    users : callable
        From a name to the user as known now; None if unknown or disabled.
    ledger : str, optional
        The partners' ledger: a file or PostgreSQL URL. Its owners count before those of the plan.
    forbids : callable, optional
        Dormancy and night: from octets and the mission time at which they would be sent [us] to reasons against.
    contact : callable, optional
        From mission time now [us] to why nothing can be sent; empty if it can.
    arrival : callable, optional
        From mission time now [us] to when what is sent now arrives [us], None if never; at once if not given.
    approval_s, request_s : float
        For how long an approval holds and a request waits, by the clock on the wall [s].
    verify_s : float
        Mission time within which the end of a command has to be reported [s].
    reuse_s : float
        Mission time after that until the sequence count of one of which nothing was heard is given again [s]:
        longer than any relay keeps a packet.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rules = Rules(load_plan("ilrs"), lambda name: None)
    >>> sorted(rules.commanders(("reactor",))), sorted(rules.needed(("reactor",), "roscosmos", "hazardous"))
    (['roscosmos'], ['cnsa'])
    """

    def __init__(
        self,
        plan: Plan,
        users: Callable[[str], Person | None],
        *,
        ledger: str | None = None,
        forbids: Forbids | None = None,
        contact: Callable[[int], str] | None = None,
        arrival: Callable[[int], int | None] | None = None,
        approval_s: float = 900.0,
        request_s: float = 86_400.0,
        verify_s: float = 21_600.0,
        reuse_s: float = 30.0 * 86_400.0,
    ) -> None:
        times_s = {"approval_s": approval_s, "request_s": request_s, "verify_s": verify_s, "reuse_s": reuse_s}
        for name, value in times_s.items():
            if not (np.isfinite(value) and value > 0.0):
                raise InputError(f"is {value}", where=name, advice="give a number above 0")
        self._plan, self._users, self._ledger = plan, users, ledger
        self._forbids, self._contact, self._arrival = forbids, contact, arrival
        self.approval_s, self.request_s = float(approval_s), float(request_s)
        self.verify_s, self.reuse_s = float(verify_s), float(reuse_s)
        self._lock = threading.Lock()
        self._seen: object = None
        self._state: LedgerState | None = None
        self._loans: tuple[_Loan, ...] = ()

    def person(self, name: str) -> Person | None:
        """The user as known now; None if unknown or disabled."""
        return self._users(name)

    def parties(self, element: str) -> tuple[str, ...]:
        """Owner of a machine, then its approvers; the founders for the station as a whole.

        Parameters
        ----------
        element : str
            The machine, or `WHOLE`.

        Returns
        -------
        tuple of str

        Raises
        ------
        UnknownNameError
            If the plan has no such element.
        """
        if element == WHOLE:
            founders = tuple(partner.id for partner in self._plan.partners if partner.role == "founder")
            return founders or tuple(partner.id for partner in self._plan.partners)
        row = next((one for one in self._plan.elements if one.id == element), None)
        if row is None:
            raise UnknownNameError(element, [one.id for one in self._plan.elements], kind="element")
        state = self._agreed()
        agreed = state.owned.get(f"elements[{element}]") if state is not None else None
        return agreed or tuple(dict.fromkeys((row.owner, *row.approvers)))

    def commanders_until(self, elements: Iterable[str], time_us: int, due_us: int | None) -> frozenset[str]:
        """Partners that may command machines now, and still may when what is asked for is carried out."""
        named = tuple(elements)
        now = self.commanders(named, time_us)
        return now if due_us is None or due_us <= time_us else now & self.commanders(named, due_us)

    def commanders(self, elements: Iterable[str], time_us: int | None = None) -> frozenset[str]:
        """Partners that may command all of some machines: the owner of each, and whom it lent the command.

        Parameters
        ----------
        elements : iterable of str
            Machines; `WHOLE` for the station as a whole, which each founder may command.
        time_us : int, optional
            Mission time for which loans count, microseconds since 1970; all that stand if absent.

        Returns
        -------
        frozenset of str
        """
        found = [
            frozenset(
                self.parties(one) if one == WHOLE else (self.parties(one)[0], *self._borrowers(one, time_us))
            )
            for one in elements
        ]
        return frozenset.intersection(*found) if found else frozenset()

    def needed(self, elements: Iterable[str], partner: str, significance: str) -> frozenset[str]:
        """Partners of each of whom a second person has to approve.

        Parameters
        ----------
        elements : iterable of str
            Machines that a command acts on; `WHOLE` for the station as a whole.
        partner : str
            The requester's.
        significance : str
            Of the command.

        Returns
        -------
        frozenset of str
            Owner and approvers of each machine but the requester's partner; that one itself where nobody else is
            concerned; empty if it is not hazardous.
        """
        if significance != "hazardous":
            return frozenset()
        wanted: set[str] = set()
        for one in elements:
            others = set(self.parties(one)) - {partner}
            wanted |= others or {partner}
        return frozenset(wanted)

    def grounds(
        self, command: Command, names: Iterable[str], *, time_us: int, obstacles: tuple[str, ...] = ()
    ) -> Grounds:
        """The rules as they are now for a command and the people concerned.

        Parameters
        ----------
        command : Command
            Which.
        names : iterable of str
            Who acts now; the requester and those who approved are added.
        time_us : int
            Mission time now, microseconds since 1970.
        obstacles : tuple of str
            What else forbids release.

        Returns
        -------
        Grounds
        """
        everyone = {*names, command.requester, *(one.name for one in command.approvals)}
        people = {name: person for name in everyone if (person := self.person(name)) is not None}
        return Grounds(
            self.commanders_until(command.elements, time_us, command.at_us),
            self.needed(command.elements, command.partner, command.significance),
            people,
            self.approval_s,
            self.request_s,
            obstacles,
        )

    def sees(self, person: Person, command: Command) -> bool:
        """Whether a person may look at a command: its partner's, of a machine that concerns it, or of the whole.

        Parameters
        ----------
        person : Person
            Who looks.
        command : Command
            At what.

        Returns
        -------
        bool
        """
        concerned = {command.partner, *command.owners, *command.needed}
        for one in command.elements:
            concerned |= set(self.parties(one))
        return WHOLE in command.elements or person.partner in concerned or bool(_OVERSEE & person.roles)

    def forbidden(self, octets: bytes, time_us: int) -> tuple[str, ...]:
        """What dormancy and night say against a command; empty if nothing.

        Parameters
        ----------
        octets : bytes
            The packet.
        time_us : int
            Mission time at which it would be sent, microseconds since 1970.

        Returns
        -------
        tuple of str
        """
        return () if self._forbids is None else self._forbids(octets, time_us)

    def out_of_contact(self, time_us: int) -> str:
        """Why nothing can be sent now; empty if it can.

        Parameters
        ----------
        time_us : int
            Mission time now, microseconds since 1970.

        Returns
        -------
        str
        """
        return "" if self._contact is None else self._contact(time_us)

    def arrival_us(self, time_us: int) -> int:
        """When what is sent now arrives; now if that is not known, or it never does.

        Parameters
        ----------
        time_us : int
            Mission time now, microseconds since 1970.

        Returns
        -------
        int
        """
        found = None if self._arrival is None else self._arrival(time_us)
        return time_us if found is None else found

    def _agreed(self) -> LedgerState | None:
        """State of the partners' ledger, checked as a whole again whenever it was written to."""
        if self._ledger is None:
            return None
        with self._lock:
            mark = _mark(self._ledger)
            if self._state is None or mark is None or mark != self._seen:
                with Ledger.open(self._ledger) as ledger:
                    self._state = ledger.state()
                self._seen, self._loans = mark, _loans(self._state)
            return self._state

    def _borrowers(self, element: str, time_us: int | None) -> frozenset[str]:
        """Partners to whom the owner of a machine has lent its command."""
        state = self._agreed()
        if state is None:
            return frozenset()
        owner = self.parties(element)[0]
        mine = (one for one in self._loans if one.place == f"elements[{element}]" and one.owner == owner)
        return frozenset(one.partner for one in mine if _stands(one, state, time_us))


def _mark(place: str) -> object:
    """What changes when a ledger in a file is written to; None if that cannot be told."""
    if is_url(place):
        return None
    marks = []
    for name in (place, place + "-wal"):
        path = Path(name)
        if path.exists():
            found = path.stat()
            marks.append((name, found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(marks)


def _loans(state: LedgerState) -> tuple[_Loan, ...]:
    """Loans that stand, in the order of the ledger; a record that is not well formed lends nothing."""
    found: dict[tuple[str, str, str], _Loan] = {}
    for _, party, topic, data in state.records:
        if topic != LENDING or not isinstance(data, Mapping):
            continue
        texts = [data.get(name, "") for name in ("place", "partner", "start", "until", "agreement")]
        if not all(isinstance(text, str) for text in texts) or texts[1] not in state.roles:
            continue
        place, partner, start, until, agreement = texts
        found.pop((place, party, partner), None)
        if data.get("ends") is False:
            found[(place, party, partner)] = _Loan(place, party, partner, start, until, agreement)
    return tuple(found.values())


def _stands(loan: _Loan, state: LedgerState, time_us: int | None) -> bool:
    """Whether a loan counts at a mission time, under its agreement."""
    if loan.agreement:
        under = state.agreements.get(loan.agreement)
        if under is None or not {loan.owner, loan.partner} <= set(under.parties):
            return False
        if not under.in_force(state.founders):
            return False
    if time_us is None:
        return True
    now = np.datetime64(time_us, "us")
    try:
        begun = not loan.start or np.datetime64(when_bounds(loan.start)[0].replace(tzinfo=None), "us") <= now
        over = bool(loan.until) and np.datetime64(when_bounds(loan.until)[1].replace(tzinfo=None), "us") <= now
    except ValueError:
        return False
    return bool(begun and not over)
