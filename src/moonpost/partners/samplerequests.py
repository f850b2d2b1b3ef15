"""Requests for lunar samples: asked, reviewed by experts, granted, agreed within ten working days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from moonpost.errors import InputError
from moonpost.partners.dates import end_of
from moonpost.partners.needs import need
from moonpost.partners.proposals import Person, same_name
from moonpost.plan.base import when_bounds

if TYPE_CHECKING:
    from moonpost.partners.samples import Custody

__all__ = ["AGREE_DAYS", "REQUEST_ACTIONS", "SampleRequest", "agree_by", "working_day_after"]

AGREE_DAYS = 10
"""Working days from the grant in which the agreement is to be signed (CNSA procedure of 2020-12-17)."""

_VERDICTS = ("approve", "reject")


@dataclass(frozen=True)
class SampleRequest:
    """A request to borrow.

    Parameters
    ----------
    id : str
        Identifier.
    investigator : Person
        Who asks.
    sample : str
        Piece or sample that is asked for.
    mass_mg : int
        How much is asked for [mg].
    use : str
        ``research`` or ``public``.
    date : str
        When it came, UTC.
    purpose : str
        What for.
    reviews : tuple of tuple
        Reviewer, verdict and date of each review.
    granted_mg : int
        How much was granted; 0 before [mg].
    decided : str
        When it was granted or turned down; empty before.
    agreed : str
        When the agreement was signed; empty before.
    lent_mg : int
        How much was lent under it [mg].

    Examples
    --------
    >>> who = Person("A. Example", "Institute of Dust", "Utopia")
    >>> SampleRequest("q1", who, "ce5", 400, "research", "2022-04-01").state
    'asked'
    """

    id: str
    investigator: Person
    sample: str
    mass_mg: int
    use: str
    date: str
    purpose: str = ""
    reviews: tuple[tuple[Person, str, str], ...] = ()
    granted_mg: int = 0
    decided: str = ""
    agreed: str = ""
    lent_mg: int = 0

    @property
    def state(self) -> str:
        """How far it is: asked, reviewed, granted, turned down, agreed or lent."""
        if self.decided and not self.granted_mg:
            return "turned down"
        steps = (("lent", self.lent_mg), ("agreed", self.agreed), ("granted", self.granted_mg))
        return next((word for word, done in steps if done), "reviewed" if self.reviews else "asked")

    @property
    def agree_by(self) -> dt.date | None:
        """Last day for the agreement, no holidays counted; None before it is granted."""
        return agree_by(self.decided) if self.granted_mg else None

    def lapsed(self, at: str) -> bool:
        """Whether it was granted and the time to agree has passed.

        Parameters
        ----------
        at : str
            The day.

        Returns
        -------
        bool
        """
        last = self.agree_by
        return last is not None and not self.agreed and when_bounds(at)[0].date() > last


def working_day_after(date: dt.date, days: int, holidays: Iterable[dt.date] = ()) -> dt.date:
    """The day that is a number of working days later.

    Parameters
    ----------
    date : datetime.date
        Day that is not counted.
    days : int
        Working days, from 0.
    holidays : iterable of datetime.date
        Days from Monday to Friday that are none.

    Returns
    -------
    datetime.date

    Raises
    ------
    InputError
        If the number is negative, or leads beyond the calendar.

    Examples
    --------
    >>> working_day_after(dt.date(2022, 4, 15), 10).isoformat()
    '2022-04-29'
    """
    if type(days) is not int or not 0 <= days <= 10_000:
        raise InputError(f"{days!r}", where="days", advice="give a whole number from 0 to 10000")
    off, found = set(holidays), date
    try:
        while days > 0:
            found += dt.timedelta(days=1)
            days -= found.weekday() < 5 and found not in off
    except OverflowError as error:
        raise InputError(f"{date} is at the end of the calendar", where="date", advice="correct it") from error
    return found


def agree_by(granted: str, holidays: Iterable[dt.date] = ()) -> dt.date:
    """Last day on which an agreement may be signed.

    Parameters
    ----------
    granted : str
        When the request was granted, UTC.
    holidays : iterable of datetime.date
        Days from Monday to Friday that are none; nothing is known of them otherwise.

    Returns
    -------
    datetime.date
        `AGREE_DAYS` working days later.

    Examples
    --------
    >>> agree_by("2022-04-15", [dt.date(2022, 4, 25)]).isoformat()
    '2022-05-02'
    """
    return working_day_after(end_of(granted).date(), AGREE_DAYS, holidays)


def word(action: Mapping[str, Any], name: str) -> str:
    """A text of an action."""
    value = action[name]
    need(isinstance(value, str) and value.strip(), f"{name} is no text")
    return str(value)


def whole(action: Mapping[str, Any], name: str = "mass_mg", least: int = 1) -> int:
    """A whole number of milligrams."""
    value = action[name]
    need(type(value) is int and value >= least, f"{name} is no whole number of milligrams from {least}")
    return int(value)


def not_before(date: str, earlier: str, what: str) -> str:
    """A date that does not lie before another."""
    need(not earlier or end_of(date) >= when_bounds(earlier)[0], f"{date} is before {what}, {earlier}")
    return date


def _person(row: Any) -> Person:
    need(isinstance(row, Mapping), "a person is no table")
    return Person(row["name"], row["institute"], row["country"])


def request_of(book: Custody, action: Mapping[str, Any]) -> SampleRequest:
    """The request that an action names."""
    name = word(action, "request")
    need(name in book.requests, f"there is no request {name}")
    return book.requests[name]


def _request(book: Custody, action: Mapping[str, Any]) -> None:
    """Someone asks for a part of a sample."""
    name, use = word(action, "request"), str(action.get("use", "research"))
    need(name not in book.requests, f"request {name} was made already")
    need(use in ("research", "public"), "use is neither research nor public")
    date = word(action, "date")
    end_of(date)
    sample = word(action, "sample")
    need(book.known(sample), f"there is no sample {sample}")
    row = SampleRequest(
        name, _person(action["investigator"]), sample, whole(action), use, date, str(action.get("purpose", ""))
    )
    book.requests[name] = row


def _review(book: Custody, action: Mapping[str, Any]) -> None:
    """An expert who has no part in it gives a verdict."""
    row, expert, verdict = request_of(book, action), _person(action["reviewer"]), word(action, "verdict")
    date = not_before(word(action, "date"), row.date, "the request")
    need(verdict in _VERDICTS, f"verdict is none of {', '.join(_VERDICTS)}")
    need(not row.decided, f"request {row.id} was decided on {row.decided}")
    who = same_name(expert.name)
    need(who != same_name(row.investigator.name), f"{expert.name} asks for it: conflict of interest")
    need(
        same_name(expert.institute) != same_name(row.investigator.institute),
        f"{expert.name} is of the same institute, {row.investigator.institute}: conflict of interest",
    )
    need(
        who not in {same_name(other.name) for other, _, _ in row.reviews}, f"{expert.name} has reviewed it already"
    )
    book.requests[row.id] = replace(row, reviews=(*row.reviews, (expert, verdict, date)))


def _grant(book: Custody, action: Mapping[str, Any]) -> None:
    """A request that more experts approve than reject is granted, up to what was asked for."""
    row, mass_mg = request_of(book, action), whole(action)
    latest = max((date for _, _, date in row.reviews), key=lambda text: when_bounds(text)[0], default=row.date)
    date = not_before(word(action, "date"), latest, "the last review")
    need(not row.decided, f"request {row.id} was decided on {row.decided}")
    votes = [verdict for _, verdict, _ in row.reviews]
    need(votes, f"request {row.id} has no review")
    need(
        votes.count("approve") > votes.count("reject"),
        f"{votes.count('approve')} experts approve and {votes.count('reject')} reject",
    )
    need(mass_mg <= row.mass_mg, f"{mass_mg} mg are more than the {row.mass_mg} mg asked for")
    book.requests[row.id] = replace(row, granted_mg=mass_mg, decided=date)


def _turn_down(book: Custody, action: Mapping[str, Any]) -> None:
    """A request is turned down."""
    row = request_of(book, action)
    need(not row.decided, f"request {row.id} was decided on {row.decided}")
    book.requests[row.id] = replace(row, decided=not_before(word(action, "date"), row.date, "the request"))


def _agree(book: Custody, action: Mapping[str, Any]) -> None:
    """The agreement is signed, within ten working days."""
    row = request_of(book, action)
    need(row.granted_mg, f"request {row.id} is not granted")
    need(not row.agreed, f"it was agreed on {row.agreed}")
    date = not_before(word(action, "date"), row.decided, "the grant")
    holidays = action.get("holidays", [])
    need(isinstance(holidays, list), "holidays is no list of days")
    last = agree_by(row.decided, [end_of(str(day)).date() for day in holidays])
    need(end_of(date).date() <= last, f"{date} is after {last}, {AGREE_DAYS} working days after the grant")
    book.requests[row.id] = replace(row, agreed=date)


REQUEST_ACTIONS = {
    "request": _request,
    "review": _review,
    "grant": _grant,
    "turn-down": _turn_down,
    "agree": _agree,
}
"""What can be done with requests, each with what it needs:

``request``: request, investigator, sample, mass_mg, date; use, purpose. ``review``: request, reviewer, verdict,
date. ``grant``: request, mass_mg, date. ``turn-down``: request, date. ``agree``: request, date; holidays.
"""
