"""Agreements in the ledger: opened by a founder, then each party takes and takes back its own steps alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moonpost.errors import DateError
from moonpost.partners.agreements import ORDER, RULES, AgreementStanding, StepTaken, agreed, standing_of
from moonpost.partners.dates import Day, end_of, instant
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.needs import RefusedError, named, need, text_in
from moonpost.plan.base import when_bounds

if TYPE_CHECKING:
    from moonpost.partners.ledger.rules import LedgerState

__all__ = ["LEAVING", "AgreementState", "PartyStep", "act", "agreement_from", "open_agreement", "retract", "step"]

LEAVING = ("consent", "notice")
"""How a party leaves what is in force: with the consent of all parties, or by a notice of its own."""

_LONGEST_NOTICE_DAYS = 3660


@dataclass(frozen=True)
class PartyStep:
    """A dated step or act of one party.

    Parameters
    ----------
    party : str
        Who took it.
    state : str
        What it reached: draft, signed, ratified or in-force; empty for an act that reaches none of these.
    date : str
        When, as the entry gives it.
    source, text : str
        Where that is from; what the act was.
    entry : int
        Number of its entry.
    until : str
        Date on which it was taken back or ends; empty if it stands.

    Examples
    --------
    >>> PartyStep("cn", "signed", "2021-03-09", "an example", "", 3).counts("2021-03-08")
    False
    """

    party: str
    state: str
    date: str
    source: str
    text: str
    entry: int
    until: str = ""

    def counts(self, at: Day = None) -> bool:
        """Whether it has been taken, and not yet taken back, at the end of a day.

        Parameters
        ----------
        at : str, datetime.date, datetime.datetime or None
            The day; None takes everything on record.

        Returns
        -------
        bool
        """
        limit = instant(at)
        if limit is None:
            return not self.until
        return end_of(self.date) <= limit and not (self.until and end_of(self.until) <= limit)


@dataclass
class AgreementState:
    """An agreement and the steps that its parties have taken.

    Parameters
    ----------
    parties, requires : tuple of str
        Who takes part; the steps that each must take.
    rule : str
        In force when all parties (``consensus``), more than half (``majority``) or all founders (``founders``)
        have taken every required step.
    steps : dict of str to dict
        By party, each step that stands with the number of its entry.
    leaving : str
        How a party leaves once it is in force: ``consent`` of all parties, or its own ``notice``.
    notice_days : int
        Days from a notice until it counts.
    name : str
        For people.
    record : list of PartyStep
        All steps and acts in the order of their entries.
    ended : str
        Day on which all parties ended it; empty while it stands.

    Notes
    -----
    That what is in force ends by its own terms or with the consent of all parties is Article 54 of the Vienna
    Convention on the Law of Treaties (1969).

    Examples
    --------
    >>> AgreementState(("cn", "ru"), ("signed",), "consensus").missing("cn")
    ('signed',)
    """

    parties: tuple[str, ...]
    requires: tuple[str, ...]
    rule: str
    steps: dict[str, dict[str, int]] = field(default_factory=dict)
    leaving: str = "consent"
    notice_days: int = 0
    name: str = ""
    record: list[PartyStep] = field(default_factory=list)
    ended: str = ""

    def missing(self, party: str) -> tuple[str, ...]:
        """Required steps that a party has not taken; a later step stands in for none."""
        taken = self.steps.get(party, {})
        return tuple(step for step in self.requires if step != "draft" and step not in taken)

    def in_force(self, founders: frozenset[str]) -> bool:
        """Whether it is in force by its rule, with everything on record."""
        done = [party for party in self.parties if not self.missing(party)]
        return not self.ended and agreed(self.rule, self.parties, done, founders)

    def standing(self, identifier: str, founders: frozenset[str], at: Day = None) -> AgreementStanding:
        """Where it stands for each party on a day.

        Parameters
        ----------
        identifier : str
            Its identifier.
        founders : frozenset of str
            Founders of the station.
        at : str, datetime.date, datetime.datetime or None
            The day; None takes everything on record.

        Returns
        -------
        AgreementStanding

        Raises
        ------
        DateError
            If `at` is text that is no date.
        """
        limit = instant(at)
        taken: dict[str, list[StepTaken]] = {party: [] for party in self.parties}
        for row in self.record:
            if row.state and row.counts(at):
                taken[row.party].append(StepTaken(row.state, row.date, row.text, row.source))
        ended = self.ended if self.ended and (limit is None or end_of(self.ended) <= limit) else None
        return standing_of(
            identifier, self.name or identifier, self.requires, taken, limit=limit, rule=self.rule,
            founders=founders, ended=ended,
        )  # fmt: skip


def agreement_from(row: Mapping[str, Any], roles: Mapping[str, str]) -> AgreementState:
    """An agreement from the table of an entry.

    Parameters
    ----------
    row : mapping
        With ``id``, ``parties``, ``requires``, ``rule`` and, if wanted, ``name``, ``leaving``, ``notice_days``.
    roles : mapping of str to str
        Role by party of the ledger.

    Returns
    -------
    AgreementState

    Raises
    ------
    RefusedError
        If it is no sound agreement of these parties.

    Examples
    --------
    >>> row = {"id": "mou", "parties": ["cn", "ru"], "requires": ["signed"], "rule": "consensus"}
    >>> agreement_from(row, {"cn": "founder", "ru": "founder"}).rule
    'consensus'
    """
    where = f"agreement {text_in(row, 'id')}"
    parties, requires = named(row["parties"], f"{where}: parties"), named(row["requires"], f"{where}: requires")
    need(len(parties) > 1 and set(parties) <= set(roles), f"{where}: a party is unknown")
    need(set(requires) - {"draft"} and set(requires) <= set(ORDER), f"{where}: unknown steps")
    need(row["rule"] in RULES, f"{where}: unknown rule")
    askable = row["rule"] != "founders" or any(roles[party] == "founder" for party in parties)
    need(askable, f"{where}: no founder is among its parties, so the rule founders could never be met")
    leaving, days = row.get("leaving", "consent"), row.get("notice_days", 0)
    need(leaving in LEAVING, f"{where}: leaving is neither consent nor notice")
    need(type(days) is int and 0 <= days <= _LONGEST_NOTICE_DAYS, f"{where}: notice_days is no number of days")
    need((leaving == "notice") == (days > 0), f"{where}: notice_days belongs to leaving by notice")
    name = row.get("name", "")
    need(isinstance(name, str), f"{where}: name is no text")
    return AgreementState(parties, requires, row["rule"], leaving=leaving, notice_days=days, name=name)


def open_agreement(state: LedgerState, entry: Entry) -> None:
    """A founder opens an agreement.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With the fields of `agreement_from`.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> entry = Entry("", 1, NO_ENTRY, "", "agreement", "eg", "", {"id": "mou"}, "", "")
    >>> LedgerState().apply(entry)
    'only a founder opens an agreement'
    """
    identifier = text_in(entry.body, "id")
    need(entry.party in state.founders, "only a founder opens an agreement")
    need(identifier not in state.agreements, f"agreement {identifier} is open already")
    state.agreements[identifier] = agreement_from(entry.body, state.roles)


def _agreement_of(state: LedgerState, entry: Entry) -> tuple[str, AgreementState]:
    """The agreement that an entry speaks of, of which its party is one, and which still stands."""
    identifier = text_in(entry.body, "agreement")
    found = state.agreements.get(identifier)
    if found is None:
        raise RefusedError(f"unknown agreement {identifier}")
    need(entry.party in found.parties, f"{entry.party} is no party of {identifier}")
    need(not found.ended, f"{identifier} ended on {found.ended}")
    return identifier, found


def _dated(entry: Entry) -> PartyStep:
    """Date, source and text of a step or act."""
    date, source = text_in(entry.body, "date"), text_in(entry.body, "source")
    try:
        when_bounds(date)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    text = entry.body.get("text", "")
    need(isinstance(text, str), "text is no text")
    return PartyStep(entry.party, "", date, source, text, entry.entry)


def step(state: LedgerState, entry: Entry) -> None:
    """A party takes a step of its own.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With agreement, state, date, source and, if wanted, text.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> entry = Entry("", 1, NO_ENTRY, "", "step", "eg", "", {"agreement": "mou"}, "", "")
    >>> LedgerState().apply(entry)
    'unknown agreement mou'
    """
    _, agreement = _agreement_of(state, entry)
    reached = text_in(entry.body, "state")
    need(reached in ORDER, f"unknown step {reached}")
    row = _dated(entry)
    taken = agreement.steps.get(entry.party, {})
    need(reached not in taken, f"{entry.party} has taken this step already, in entry {taken.get(reached)}")
    for other in agreement.record:
        if other.party == entry.party and other.state and not other.until:
            _in_order(row, reached, other)
    agreement.steps.setdefault(entry.party, {})[reached] = entry.entry
    agreement.record.append(PartyStep(row.party, reached, row.date, row.source, row.text, row.entry))


def _in_order(row: PartyStep, reached: str, other: PartyStep) -> None:
    """Refuse a later step that is dated before an earlier one."""
    if ORDER.index(reached) > ORDER.index(other.state):
        sound = end_of(row.date) >= when_bounds(other.date)[0]
    else:
        sound = end_of(other.date) >= when_bounds(row.date)[0]
    need(sound, f"the dates run backwards: {reached} {row.date}, {other.state} {other.date}")


def act(state: LedgerState, entry: Entry) -> None:
    """A party records an act that reaches no further state, such as a bill that is submitted.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With agreement, date, source and text.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> entry = Entry("", 1, NO_ENTRY, "", "act", "eg", "", {"agreement": "mou"}, "", "")
    >>> LedgerState().apply(entry)
    'unknown agreement mou'
    """
    _, agreement = _agreement_of(state, entry)
    text_in(entry.body, "text")
    agreement.record.append(_dated(entry))


def retract(state: LedgerState, entry: Entry) -> None:
    """A party takes back a step of its own: freely before the agreement is in force, after that by notice only.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With agreement, state, date and source.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Notes
    -----
    A notice runs from its own date or from the day on which it was written into the ledger, whichever is later:
    nobody gives notice backwards.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> entry = Entry("", 1, NO_ENTRY, "", "retract", "eg", "", {"agreement": "mou"}, "", "")
    >>> LedgerState().apply(entry)
    'unknown agreement mou'
    """
    identifier, agreement = _agreement_of(state, entry)
    reached, row = text_in(entry.body, "state"), _dated(entry)
    number = agreement.steps.get(entry.party, {}).get(reached)
    if number is None:
        raise RefusedError(f"{entry.party} has taken no step {reached}")
    old = next(other for other in agreement.record if other.entry == number)
    need(end_of(row.date) >= when_bounds(old.date)[0], f"it is dated before the step of {old.date}")
    ends = row.date
    days = (None, row.date, entry.time)
    if any(agreement.standing(identifier, state.founders, day).in_force for day in days):
        need(
            agreement.leaving == "notice",
            f"{identifier} is in force: propose to end it, so that all parties consent",
        )
        begun = max(end_of(row.date).date(), end_of(entry.time[:10]).date())
        ends = _after(begun, agreement.notice_days)
    place = agreement.record.index(old)
    agreement.record[place] = PartyStep(old.party, old.state, old.date, old.source, old.text, old.entry, ends)
    del agreement.steps[entry.party][reached]
    agreement.record.append(row)


def _after(day: dt.date, days: int) -> str:
    """The day some days later."""
    try:
        later = (day + dt.timedelta(days=days)).isoformat()
        end_of(later)
    except (OverflowError, DateError) as error:
        raise RefusedError("the notice ends beyond the calendar") from error
    return later
