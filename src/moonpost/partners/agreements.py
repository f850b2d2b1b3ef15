"""Where an agreement stands for each party on a given day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from moonpost.partners.dates import Day, end_of, instant
from moonpost.plan.partners import Agreement, AgreementStep

__all__ = ["AgreementStanding", "PartyStanding", "StepTaken", "agreement_state", "agreement_states"]

_ORDER = ("draft", "signed", "ratified", "in-force")


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
        True if it is in force for every party.
    since : str or None
        Date from which it is in force for all.
    missing : tuple of str
        What is missing, one ``"party: step"`` each.
    """

    agreement: str
    name: str
    at: str | None
    requires: tuple[str, ...]
    parties: tuple[PartyStanding, ...]
    in_force: bool
    since: str | None
    missing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def agreement_state(agreement: Agreement, at: Day = None) -> AgreementStanding:
    """Where an agreement stands for each party, and what is missing for it to be in force.

    Parameters
    ----------
    agreement : Agreement
        Parties, required steps and the steps on record.
    at : str, datetime.date, datetime.datetime or None
        The day; a date without time means its end. None takes everything on record.

    Returns
    -------
    AgreementStanding

    Raises
    ------
    DateError
        If `at` is text that is no date.

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
    parties = tuple(_party(agreement, party, limit) for party in agreement.parties)
    in_force = all(party.in_force for party in parties)
    dates = [party.since for party in parties if party.since is not None]
    return AgreementStanding(
        agreement=agreement.id,
        name=agreement.name,
        at=None if limit is None else limit.isoformat(timespec="seconds") + "Z",
        requires=tuple(agreement.requires),
        parties=parties,
        in_force=in_force,
        since=max(dates, key=end_of) if in_force and dates else None,
        missing=tuple(f"{party.party}: {step}" for party in parties for step in party.missing),
    )


def agreement_states(agreements: Iterable[Agreement], at: Day = None) -> tuple[AgreementStanding, ...]:
    """Where each of several agreements stands.

    Parameters
    ----------
    agreements : iterable of Agreement
        Such as ``plan.agreements``.
    at : str, datetime.date, datetime.datetime or None
        The day; None takes everything on record.

    Returns
    -------
    tuple of AgreementStanding
        In the order given.

    Examples
    --------
    >>> agreement_states(())
    ()
    """
    return tuple(agreement_state(agreement, at) for agreement in agreements)


def _party(agreement: Agreement, party: str, limit: dt.datetime | None) -> PartyStanding:
    """Standing of one party at an instant."""
    steps = [step for step in agreement.steps if step.party == party and _done(step, limit)]
    steps.sort(key=lambda step: (end_of(step.date), _ORDER.index(step.state)))
    reached = {step.state for step in steps}
    missing = tuple(state for state in agreement.requires if state != "draft" and state not in reached)
    first = {state: next(step for step in steps if step.state == state) for state in reached}
    required = [first[state].date for state in agreement.requires if state in first]
    return PartyStanding(
        party=party,
        state=max(reached, key=_ORDER.index, default="draft"),
        taken=tuple(StepTaken(step.state, step.date, step.text, step.source) for step in steps),
        missing=missing,
        in_force=not missing,
        since=max(required, key=end_of) if required and not missing else None,
    )


def _done(step: AgreementStep, limit: dt.datetime | None) -> bool:
    """Whether the whole of a step's date has passed."""
    return limit is None or end_of(step.date) <= limit
