"""What a call for guest payloads offers and asks: dates, limits, criteria, rules of conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from moonpost.errors import DateError, InputError, suggestion
from moonpost.partners.dates import end_of
from moonpost.partners.proposals import plain_number
from moonpost.partners.reviews import ALWAYS, CONFLICTS
from moonpost.partners.selection import Limits
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

__all__ = ["CRITERIA", "CallTerms", "call_terms", "terms_from"]

CRITERIA: Mapping[str, int] = {"science": 2, "feasibility": 1, "cooperation": 1}
"""Weights of the criteria where a call names none; an assumption."""

_OFFERED = ("payload_total_kg", "payload_each_kg", "power_total_w", "data_total_bit")
_AMOUNTS = (*_OFFERED, "night_total_w")
_COUNTS = ("short_list", "choose", "each_country", "least_reviews")
_DATES = ("opened", "letters_due", "selection_planned")


@dataclass(frozen=True)
class CallTerms:
    """Terms of a call.

    Parameters
    ----------
    id : str
        Identifier.
    opened : str
        When it was opened, UTC.
    letters_due : str or None
        Last day on which letters of intent are taken, UTC.
    name, mission, host, owner : str
        Name for people; mission and element that carry the payloads; partner that runs the call.
    payload_total_kg, payload_each_kg : float or None
        Mass in all and of one payload [kg].
    power_total_w, night_total_w : float or None
        Power of all payloads together in light, and in the dark; the same if only the first is given [W].
    data_total_bit : float or None
        Data of all payloads in an Earth day [bit].
    short_list, choose : int or None
        How many at most are short-listed and chosen.
    each_country : int or None
        How many at most of one country.
    least_reviews : int
        Reviews that a proposal needs before it can be chosen.
    criteria : mapping of str to int
        Weights of what reviewers score.
    conflicts : tuple of str
        Kinds of conflict of interest that hold.
    selection_planned : str or None
        When the selection is to be made, UTC.

    Raises
    ------
    InputError
        If a number, rule or weight cannot be used.
    DateError
        If a date cannot be read, or letters are due before the call opens.

    Examples
    --------
    >>> CallTerms("trial", "2023-10-02", "2023-12-31", payload_total_kg=200.0).least_reviews
    3
    """

    id: str
    opened: str
    letters_due: str | None = None
    name: str = ""
    mission: str = ""
    host: str = ""
    owner: str = ""
    payload_total_kg: float | None = None
    payload_each_kg: float | None = None
    power_total_w: float | None = None
    night_total_w: float | None = None
    data_total_bit: float | None = None
    short_list: int | None = None
    choose: int | None = None
    each_country: int | None = None
    least_reviews: int = 3
    criteria: Mapping[str, int] = field(default_factory=lambda: dict(CRITERIA))
    conflicts: tuple[str, ...] = ALWAYS
    selection_planned: str | None = None

    def __post_init__(self) -> None:
        where = f"call {self.id}"
        if not isinstance(self.id, str) or not self.id.strip():
            raise InputError("has no identifier", where="call", advice="name it, such as ce8-call")
        _sound_numbers(self, where)
        if not self.criteria or any(type(w) is not int or w <= 0 for w in self.criteria.values()):
            raise InputError("criteria have no weights above 0", where=where, advice="give such as science = 2")
        if not set(self.conflicts) <= set(CONFLICTS):
            raise InputError("unknown rule of conflict", where=where, advice=f"use {', '.join(CONFLICTS)}")
        for name in _DATES:
            if getattr(self, name) is not None:
                _span(getattr(self, name), f"{where}, {name}")
        if self.letters_due is not None and end_of(self.letters_due) < when_bounds(self.opened)[0]:
            raise DateError("letters are due before it opens", where=where, advice="correct the dates")

    @property
    def limits(self) -> Limits:
        """What the chosen share."""
        return Limits(
            total_kg=self.payload_total_kg,
            each_kg=self.payload_each_kg,
            day_total_w=self.power_total_w,
            night_total_w=self.power_total_w if self.night_total_w is None else self.night_total_w,
            total_bit_day=self.data_total_bit,
            choose=self.choose,
            each_country=self.each_country,
        )

    def to_record(self) -> dict[str, Any]:
        """Texts and whole numbers only, as a record or ledger takes them.

        Returns
        -------
        dict
        """
        out: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value is None or value == "":
                continue
            if isinstance(value, float):
                value = plain_number(value)
            elif isinstance(value, tuple):
                value = list(value)
            out[item.name] = dict(value) if isinstance(value, Mapping) else value
        return out


def call_terms(plan: Plan, call: str, **changes: Any) -> CallTerms:
    """Terms of a call of a plan.

    Parameters
    ----------
    plan : Plan
        With the call in its table ``calls``.
    call : str
        Identifier.
    **changes
        Fields of `CallTerms` that the plan does not tell or that are to differ.

    Returns
    -------
    CallTerms
        ``short_listed`` and ``chosen`` of the plan become the largest numbers; the owner is that of the mission.

    Raises
    ------
    UnknownNameError
        If the plan has no such call.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> terms = call_terms(load_plan("ilrs"), "ce8-call")
    >>> terms.choose, terms.payload_total_kg, terms.letters_due
    (10, 200.0, '2023-12-31')
    """
    row = plan.row("calls", call)
    values: dict[str, Any] = {name: getattr(row, name) for name in (*_OFFERED, *_DATES, "id", "name", "mission")}
    values |= {"short_list": row.short_listed or None, "choose": row.chosen or None}
    values |= {"owner": plan.mission(row.mission).owner, "host": row.host or ""}
    return CallTerms(**(values | changes))


def terms_from(record: Mapping[str, Any]) -> CallTerms:
    """Terms from a table of a record.

    Parameters
    ----------
    record : mapping
        Fields of `CallTerms`; numbers may be decimal texts.

    Returns
    -------
    CallTerms

    Raises
    ------
    InputError
        If a field is unknown or of the wrong kind.

    Examples
    --------
    >>> terms = CallTerms("trial", "2023-10-02", payload_each_kg=0.5)
    >>> terms_from(terms.to_record()) == terms
    True
    """
    known = [item.name for item in fields(CallTerms)]
    values = dict(record)
    for name in values:
        if name not in known:
            raise InputError(f"unknown field {name!r}", where="call", advice=suggestion(str(name), known))
    try:
        values |= {name: float(values[name]) for name in _AMOUNTS if values.get(name) is not None}
        if "conflicts" in values:
            values["conflicts"] = tuple(values["conflicts"])
        return CallTerms(**values)
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError | DateError):
            raise
        raise InputError(f"cannot be read ({error})", where="call", advice="correct the record") from error


def _sound_numbers(terms: CallTerms, where: str) -> None:
    for name in _AMOUNTS:
        value = getattr(terms, name)
        if value is not None and not 0.0 < value < 1e18:
            raise InputError(f"{name} is {value}", where=where, advice="give a finite number above 0")
    for name in _COUNTS:
        value = getattr(terms, name)
        if value is not None and (type(value) is not int or value < (0 if name == "least_reviews" else 1)):
            raise InputError(f"{name} is {value!r}", where=where, advice="give a whole number")


def _span(text: Any, where: str) -> None:
    try:
        when_bounds(text)
    except (ValueError, TypeError) as error:
        raise DateError(str(error), where=where, advice="write 2023-12-31") from error
