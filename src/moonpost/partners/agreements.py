"""Where an agreement stands for each party on a given day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.errors import InputError
from moonpost.partners.dates import Day, end_of, instant
from moonpost.plan.partners import Agreement

__all__ = [
    "ORDER",
    "RULES",
    "AgreementStanding",
    "PartyStanding",
    "StepTaken",
    "agreed",
    "agreement_state",
    "agreement_states",
    "standing_of",
]

ORDER = ("draft", "signed", "ratified", "in-force")
"""Steps of a party, from the first to the last."""

RULES = ("consensus", "majority", "founders")
"""Whose steps bring an agreement into force: all parties', more than half of them, all founders among them."""


@dataclass(frozen=True)
class StepTaken:
    """One step that a party has taken.

    Parameters
    ----------
    state : str
        What the step reached: draft, signed, ratified or in-force.
    date : str
        When, as the plan gives it.
    text : str
        The act that made it.
    source : str
        Where the plan has it from.
    """

    state: str
    date: str
    text: str
    source: str


@dataclass(frozen=True)
class PartyStanding:
    """Where an agreement stands for one party.

    Parameters
    ----------
    party : str
        Identifier of the partner.
    state : str
        The furthest step on record; ``draft`` if there is none.
    taken : tuple of StepTaken
        Steps on record, by date.
    missing : tuple of str
        Required steps that are not on record; a later step never stands in for them.
    in_force : bool
        True if no required step is missing.
    since : str or None
        Date of the last required step, if none is missing.
    """

    party: str
    state: str
    taken: tuple[StepTaken, ...]
    missing: tuple[str, ...]
    in_force: bool
    since: str | None


@dataclass(frozen=True)
class AgreementStanding:
    """Where an agreement stands for all of its parties.

    Parameters
    ----------
    agreement, name : str
        The agreement's identifier and name.
    at : str or None
        The day asked for; None for everything on record.
    requires : tuple of str
        The steps that every party must take.
    parties : tuple of PartyStanding
        In the order of the agreement.
    in_force : bool
        True if it is in force by its rule.
    since : str or None
        Date from which it is.
    missing : tuple of str
        What is missing, one ``"party: step"`` each.
    rule : str
        One of `RULES`.
    ended : str or None
        Date on which the parties ended it, if they did by then.
    """

    agreement: str
    name: str
    at: str | None
    requires: tuple[str, ...]
    parties: tuple[PartyStanding, ...]
    in_force: bool
    since: str | None
    missing: tuple[str, ...]
    rule: str = "consensus"
    ended: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def agreed(rule: str, parties: Collection[str], done: Collection[str], founders: Collection[str] = ()) -> bool:
    """Whether those who have taken every required step are enough by a rule.

    Parameters
    ----------
    rule : str
        One of `RULES`.
    parties : collection of str
        All parties of the agreement.
    done : collection of str
        Those who have taken every required step.
    founders : collection of str
        Founders of the station; only those among the parties are asked, and there must be one.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If there is no such rule.

    Examples
    --------
    >>> agreed("majority", ("cn", "ru", "eg"), ("cn", "ru"))
    True
    >>> agreed("majority", ("cn", "ru"), ("cn",)), agreed("founders", ("cn", "eg"), ("cn",), ("cn",))
    (False, True)
    """
    if rule not in RULES:
        raise InputError(f"unknown rule {rule!r}", where="agreement", advice=f"use {', '.join(RULES)}")
    ready = set(parties) & set(done)
    if rule == "majority":
        return 2 * len(ready) > len(set(parties))
    asked = set(parties) if rule == "consensus" else set(parties) & set(founders)
    return bool(asked) and asked <= ready


def agreement_state(
    agreement: Agreement, at: Day = None, *, rule: str | None = None, founders: Collection[str] = ()
) -> AgreementStanding:
    """Where an agreement stands for each party, and what is missing for it to be in force.

    Parameters
    ----------
    agreement : Agreement
        Parties, required steps and the steps on record.
    at : str, datetime.date, datetime.datetime or None
        The day; a date without time means its end. None takes everything on record.
    rule : str, optional
        Whose steps bring it into force: one of `RULES`; the agreement's own if not given.
    founders : collection of str
        For the rule ``founders``.

    Returns
    -------
    AgreementStanding

    Raises
    ------
    DateError
        If `at` is text that is no date.
    InputError
        If there is no such rule.

    Notes
    -----
    A step counts once the whole of its date has passed: a step dated 2024 counts from the end of
    2024. Only what is on record counts. A signature is no ratification, and ratification by one
    party is none by another.

    Examples
    --------
    >>> from moonpost.plan.partners import Agreement
    >>> row = dict(source="an example", confidence="C")
    >>> steps = [dict(party=p, state="signed", date="2022-11-25", **row) for p in ("cn", "ru")]
    >>> steps.append(dict(party="ru", state="ratified", date="2024-06-12", **row))
    >>> treaty = Agreement(id="iga", name="Treaty", parties=("cn", "ru"),
    ...                    requires=("signed", "ratified"), steps=steps, **row)
    >>> agreement_state(treaty, "2024-06-11").missing
    ('cn: ratified', 'ru: ratified')
    >>> agreement_state(treaty).missing
    ('cn: ratified',)
    """
    limit = instant(at)
    taken: dict[str, list[StepTaken]] = {party: [] for party in agreement.parties}
    for step in agreement.steps:
        if step.party in taken and (limit is None or end_of(step.date) <= limit):
            taken[step.party].append(StepTaken(step.state, step.date, step.text, step.source))
    return standing_of(
        agreement.id,
        agreement.name,
        agreement.requires,
        taken,
        limit=limit,
        rule=rule or agreement.rule,
        founders=founders,
    )


def standing_of(
    agreement: str,
    name: str,
    requires: Iterable[str],
    taken: Mapping[str, Iterable[StepTaken]],
    *,
    limit: dt.datetime | None = None,
    rule: str = "consensus",
    founders: Collection[str] = (),
    ended: str | None = None,
) -> AgreementStanding:
    """Where an agreement stands, from the steps that count.

    Parameters
    ----------
    agreement, name : str
        Its identifier and name.
    requires : iterable of str
        The steps that every party must take.
    taken : mapping of str to iterable of StepTaken
        By party, in the order of the agreement, the steps that count by then.
    limit : datetime.datetime or None
        The instant that is told.
    rule : str
        One of `RULES`.
    founders : collection of str
        For the rule ``founders``.
    ended : str or None
        Date on which the parties ended it: then it is not in force.

    Returns
    -------
    AgreementStanding

    Raises
    ------
    InputError
        If there is no such rule.

    Examples
    --------
    >>> step = StepTaken("signed", "2021-03-09", "", "an example")
    >>> found = standing_of("mou", "Memorandum", ("signed",), {"cn": [step], "ru": []})
    >>> found.in_force, found.missing
    (False, ('ru: signed',))
    """
    needs = tuple(requires)
    parties = tuple(_party(party, needs, steps) for party, steps in taken.items())
    done = [party.party for party in parties if party.in_force]
    in_force = agreed(rule, tuple(taken), done, founders) and ended is None
    return AgreementStanding(
        agreement=agreement,
        name=name,
        at=None if limit is None else limit.isoformat(timespec="seconds") + "Z",
        requires=needs,
        parties=parties,
        in_force=in_force,
        since=_since(parties, rule, founders) if in_force else None,
        missing=tuple(f"{party.party}: {step}" for party in parties for step in party.missing),
        rule=rule,
        ended=ended,
    )


def agreement_states(
    agreements: Iterable[Agreement], at: Day = None, *, founders: Collection[str] = ()
) -> tuple[AgreementStanding, ...]:
    """Where each of several agreements stands.

    Parameters
    ----------
    agreements : iterable of Agreement
        Such as ``plan.agreements``.
    at : str, datetime.date, datetime.datetime or None
        The day; None takes everything on record.
    founders : collection of str
        For agreements whose rule is ``founders``.

    Returns
    -------
    tuple of AgreementStanding
        In the order given.

    Examples
    --------
    >>> agreement_states(())
    ()
    """
    return tuple(agreement_state(agreement, at, founders=founders) for agreement in agreements)


def _party(party: str, requires: tuple[str, ...], steps: Iterable[StepTaken]) -> PartyStanding:
    """Standing of one party by the steps that count."""
    taken = sorted(steps, key=lambda step: (end_of(step.date), ORDER.index(step.state)))
    first: dict[str, str] = {}
    for step in taken:
        first.setdefault(step.state, step.date)
    missing = tuple(state for state in requires if state != "draft" and state not in first)
    required = [first[state] for state in requires if state in first]
    return PartyStanding(
        party=party,
        state=max(first, key=ORDER.index, default="draft"),
        taken=tuple(taken),
        missing=missing,
        in_force=not missing,
        since=max(required, key=end_of) if required and not missing else None,
    )


def _since(parties: Iterable[PartyStanding], rule: str, founders: Collection[str]) -> str | None:
    """Date on which enough parties had taken every step."""
    rows = list(parties)
    ready = sorted((row for row in rows if row.since is not None), key=lambda row: end_of(row.since or ""))
    names = [row.party for row in rows]
    for count, row in enumerate(ready, start=1):
        if agreed(rule, names, [other.party for other in ready[:count]], founders):
            return row.since
    return None
