"""Who may borrow a sample and from when, after the procedure of the China National Space Administration."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.errors import InputError, UnknownNameError
from moonpost.partners.dates import Day, end_of, instant
from moonpost.partners.samplerequests import AGREE_DAYS, working_day_after
from moonpost.partners.samples import Custody, Piece
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

__all__ = ["Borrowing", "sample_access", "sample_accesses"]


@dataclass(frozen=True)
class Borrowing:
    """Whether a party may have a sample, and from when.

    Parameters
    ----------
    sample, partner : str
        Which, and for whom.
    answer : {"yes", "apply", "not-yet", "never"}
        On the day asked for: it is the party's own; it may apply; the sample or all that can be lent is not back;
        there is no such sample.
    since : str or None
        From when the party may have it or apply, UTC.
    soonest : str or None
        First day on which a loan can begin if it is applied for on the day asked for and approved at once.
    free_mg : int or None
        Mass for research that is in store [mg]; None if the custody was not given.
    rule : {"holder", "application", "lent", "not-returned", "no-sample"}
        What decides.
    text : str
        The rule with its numbers.
    """

    sample: str
    partner: str
    answer: Literal["yes", "apply", "not-yet", "never"]
    since: str | None
    soonest: str | None
    free_mg: int | None
    rule: Literal["holder", "application", "lent", "not-returned", "no-sample"]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def sample_access(plan: Plan, sample: str, partner: str, at: Day, custody: Custody | None = None) -> Borrowing:
    """Whether a partner may borrow a sample on a day, from when, and by which rule.

    Parameters
    ----------
    plan : Plan
        The plan.
    sample : str
        Identifier of a row of ``samples``.
    partner : str
        Identifier of a partner.
    at : str, datetime.date, datetime.datetime or None
        The day asked for; None for today.
    custody : Custody, optional
        Where the pieces of this sample are; if all that is kept for research is lent, the first loan's due date
        counts.

    Returns
    -------
    Borrowing

    Raises
    ------
    UnknownNameError
        If the plan has no such sample or partner.
    InputError
        If the custody has no piece for research.

    Notes
    -----
    The holder is the owner of the mission that brought the sample. All others apply; experts review; an agreement
    follows within ten working days, counted from Monday to Friday without public holidays. No time is known to be
    set for the review, so the soonest day takes it as none.

    References
    ----------
    China National Space Administration (2020-12-17), procedure for requests of lunar samples.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = sample_access(load_plan("ilrs"), "ce5-sample", "roscosmos", "2027-03-01")
    >>> found.answer, found.soonest
    ('apply', '2027-03-15')
    """
    row = next((item for item in plan.samples if item.id == sample), None)
    if row is None:
        raise UnknownNameError(sample, (item.id for item in plan.samples), kind="sample")
    if partner not in {item.id for item in plan.partners}:
        raise UnknownNameError(partner, (item.id for item in plan.partners), kind="partner")
    mission = next((item for item in plan.missions if item.id == row.mission), None)
    day = instant(dt.datetime.now(dt.UTC) if at is None else at)
    assert day is not None
    if mission is None or mission.status in ("lost", "cancelled"):
        text = f"{mission.name if mission else row.mission} does not bring it"
        return Borrowing(sample, partner, "never", None, None, None, "no-sample", text)
    back = when_bounds(row.returned or mission.landing or mission.launch)[1]
    since = back.date().isoformat()
    if day < back:
        return Borrowing(sample, partner, "not-yet", since, None, None, "not-returned", f"it returns {since}")
    pieces = None
    if custody is not None:
        pieces = tuple(piece for piece in custody.pieces.values() if piece.use == "research")
    if partner == mission.owner:
        return Borrowing(
            sample, partner, "yes", since, since, _free(pieces), "holder", f"brought by {mission.name}"
        )
    if pieces is not None and not _free(pieces):
        return _lent(sample, partner, pieces)
    soonest = working_day_after(day.date(), AGREE_DAYS).isoformat()
    holder = next((item.name for item in plan.partners if item.id == mission.owner), mission.owner)
    text = f"apply to {holder}: review by experts, then an agreement within {AGREE_DAYS} working days"
    return Borrowing(sample, partner, "apply", since, soonest, _free(pieces), "application", text)


def sample_accesses(plan: Plan, sample: str, at: Day, custody: Custody | None = None) -> tuple[Borrowing, ...]:
    """The answer for every partner of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    sample : str
        Identifier of a row of ``samples``.
    at : str, datetime.date, datetime.datetime or None
        The day asked for; None for today.
    custody : Custody, optional
        Where its pieces are.

    Returns
    -------
    tuple of Borrowing
        In the plan's order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> len(sample_accesses(plan, "ce6-sample", "2027-01-01")) == len(plan.partners)
    True
    """
    return tuple(sample_access(plan, sample, partner.id, at, custody) for partner in plan.partners)


def _free(pieces: tuple[Piece, ...] | None) -> int | None:
    return None if pieces is None else sum(piece.mass_mg for piece in pieces if piece.loan is None)


def _lent(sample: str, partner: str, pieces: tuple[Piece, ...]) -> Borrowing:
    """Nothing is in store: the first loan that is due."""
    if not pieces:
        raise InputError("has no piece for research", where="custody", advice="give the custody of this sample")
    due = min(end_of(piece.loan.due) for piece in pieces if piece.loan is not None).date().isoformat()
    return Borrowing(
        sample, partner, "not-yet", due, due, 0, "lent", f"all of it is lent; the first loan is due {due}"
    )
