"""Calls for guest payloads: letters, screening, reviews, short list, selection and allocation, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moonpost.errors import DateError, InputError
from moonpost.partners.callterms import CallTerms, terms_from
from moonpost.partners.dates import end_of
from moonpost.partners.proposals import Letter, Person, Proposal, proposal_from, same_name
from moonpost.partners.reviews import Ranked, Review, conflicts_of, ranking, score_of
from moonpost.partners.selection import Candidate, Selection, broken_limit, exact, select
from moonpost.plan.base import when_bounds

__all__ = ["CALL_ACTIONS", "Allocation", "CallState", "Calls", "Screening"]

_GIVEN = {"proposal", "mass_kg", "day_w", "night_w", "bit_day", "place"}
_OWNERS = ("open", "screen", "shortlist", "reviewer", "review", "select", "announce", "allocate")


@dataclass(frozen=True)
class Screening:
    """What the screening of a proposal found.

    Parameters
    ----------
    fits : bool or None
        Whether it fits; None if that cannot be told.
    decides : str
        What decides, in words with its numbers.
    date : str
        When, UTC.
    waiver : str
        Why it may go on although it is not known whether it fits.
    checks : tuple of dict
        All checks, as recorded.

    Examples
    --------
    >>> Screening(False, "mass: 120 kg asked, 100 there", "2024-01-10").fits
    False
    """

    fits: bool | None
    decides: str
    date: str
    waiver: str = ""
    checks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Allocation:
    """What a chosen payload gets.

    Parameters
    ----------
    proposal : str
        Identifier.
    mass_kg, day_w, night_w, bit_day : float
        Mass, power in light and dark, data [kg, W, W, bit/d].
    place : str
        Where on the host.

    Examples
    --------
    >>> Allocation("dust", 2.5).day_w
    0.0
    """

    proposal: str
    mass_kg: float
    day_w: float = 0.0
    night_w: float = 0.0
    bit_day: float = 0.0
    place: str = ""


class _RefusedError(Exception):
    """A step that the rules of a call do not allow."""


@dataclass
class CallState:
    """Where a call stands.

    Parameters
    ----------
    terms : CallTerms
        Dates, limits and rules.
    letters : dict of str to Letter
        By identifier of the proposal, in the order of their coming.
    withdrawn : dict of str to str
        Date of withdrawal by proposal.
    screenings : dict of str to Screening
        By proposal, the last one.
    reviewers : dict of str to Person
        By identifier.
    reviews : list of Review
        All of them.
    short_list, chosen : tuple of str
        Proposals.
    selected, announced : str
        Dates of the selection and its announcement; empty before.
    allocations : dict of str to Allocation
        By proposal.
    latest : str
        Date of the last step.

    Examples
    --------
    >>> CallState(CallTerms("trial", "2023-10-02")).status
    'open'
    """

    terms: CallTerms
    letters: dict[str, Letter] = field(default_factory=dict)
    withdrawn: dict[str, str] = field(default_factory=dict)
    screenings: dict[str, Screening] = field(default_factory=dict)
    reviewers: dict[str, Person] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    short_list: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    selected: str = ""
    announced: str = ""
    allocations: dict[str, Allocation] = field(default_factory=dict)
    latest: str = ""

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """All proposals, withdrawn ones too."""
        return tuple(letter.proposal for letter in self.letters.values())

    @property
    def status(self) -> str:
        """How far the call is: open, reviewed, short-listed, selected, announced or allocated."""
        if self.allocations:
            return "allocated"
        steps = (("announced", self.announced), ("selected", self.selected), ("short-listed", self.short_list))
        return next((name for name, done in steps if done), "reviewed" if self.reviews else "open")

    def ranking(self) -> tuple[Ranked, ...]:
        """Proposals by the mean of their reviews; withdrawn ones are left out."""
        kept = [review for review in self.reviews if review.proposal not in self.withdrawn]
        return ranking(kept, self.terms.criteria)

    def candidates(self) -> tuple[Candidate, ...]:
        """The short list, or all that fit where there is none, with their scores; best first."""
        scores = {row.proposal: row for row in self.ranking() if row.reviews >= self.terms.least_reviews}
        names = self.short_list or tuple(name for name in self.letters if self.passed(name))
        kept = [name for name in names if name in scores and name not in self.withdrawn]
        kept.sort(key=lambda name: (scores[name].rank, name))
        return tuple(self.candidate(name, scores[name]) for name in kept)

    def candidate(self, name: str, ranked: Ranked | None = None) -> Candidate:
        """A proposal with what it needs.

        Parameters
        ----------
        name : str
            Identifier.
        ranked : Ranked, optional
            Its score; 0 if not given.

        Returns
        -------
        Candidate
        """
        row = self.letters[name].proposal
        score = ranked.score if ranked else 0.0
        return Candidate(
            name, score, row.mass_kg, row.day_w, row.night_w, row.bit_day, same_name(row.lead.country)
        )

    def best(self) -> Selection:
        """The best set of the short list by the terms of the call, beside taking them by rank."""
        return select(self.candidates(), self.terms.limits)

    def passed(self, name: str) -> bool:
        """Whether the screening lets a proposal go on.

        Parameters
        ----------
        name : str
            Identifier.

        Returns
        -------
        bool
        """
        found = self.screenings.get(name)
        return found is not None and (found.fits is True or (found.fits is None and bool(found.waiver)))

    def standing(self, name: str) -> str:
        """How far a proposal came.

        Parameters
        ----------
        name : str
            Identifier.

        Returns
        -------
        str
        """
        found = self.screenings.get(name)
        steps = [
            ("withdrawn", name in self.withdrawn),
            ("allocated", name in self.allocations),
            ("chosen", name in self.chosen),
            ("not chosen", bool(self.selected) and name in self.short_list),
            ("short-listed", name in self.short_list),
            ("received", found is None),
            ("screened out", not self.passed(name) and found is not None and found.fits is False),
            ("not known", not self.passed(name)),
            ("not short-listed", bool(self.short_list)),
        ]
        return next((word for word, holds in steps if holds), "fits")

    def findings(self) -> tuple[str, ...]:
        """What a reader of the record should know: departures from ranking, optimum and planned dates.

        Returns
        -------
        tuple of str
        """
        found = []
        ranks = {row.proposal: row.rank for row in self.ranking()}
        able = [name for name in ranks if name not in self.short_list and self.passed(name)]
        worst = max((ranks.get(name, 0) for name in self.short_list), default=0)
        found += [f"{name} (rank {ranks[name]}) is not on the short list, rank {worst} is" for name in able
                  if self.short_list and ranks[name] < worst]  # fmt: skip
        found += [f"{name} went on although {row.decides or 'something'} is not known: {row.waiver}"
                  for name, row in self.screenings.items() if row.waiver and row.fits is None]  # fmt: skip
        if self.selected and self.chosen:
            best = self.best()
            own = float(sum(exact_score(row) for row in self.candidates() if row.id in self.chosen))
            if best.score > own + 1e-9:
                found.append(f"another set scores {best.score - own:.4g} more: {', '.join(best.chosen)}")
        planned = self.terms.selection_planned
        if planned and self.announced and end_of(planned) < when_bounds(self.announced)[0]:
            days = (when_bounds(self.announced)[0] - end_of(planned)).days + 1
            found.append(f"announced {days} days after the selection was planned")
        return tuple(found)


def exact_score(row: Candidate) -> Any:
    """Score of a candidate as a fraction."""
    return exact(row.score) if isinstance(row.score, float) else row.score


@dataclass
class Calls:
    """All calls of a record, step by step.

    Parameters
    ----------
    states : dict of str to CallState
        By identifier of the call.
    log : list of tuple
        Call, step, date and what it was about, of every step taken.

    Examples
    --------
    >>> calls = Calls()
    >>> terms = CallTerms("trial", "2023-10-02", "2023-12-31", payload_each_kg=100.0)
    >>> calls.apply({"do": "open", "call": "trial", "terms": terms.to_record()})
    ''
    >>> who = {"name": "A. Example", "institute": "Institute of Dust", "country": "Utopia"}
    >>> dust = {"id": "dust", "title": "Dust counter", "lead": who, "mass_kg": 2}
    >>> calls.apply({"do": "letter", "call": "trial", "received": "2024-01-01", "proposal": dust})
    'dust came on 2024-01-01: letters were due on 2023-12-31'
    """

    states: dict[str, CallState] = field(default_factory=dict)
    log: list[tuple[str, str, str, str]] = field(default_factory=list)

    def apply(self, action: Mapping[str, Any], party: str = "") -> str:
        """Take a step in, or tell why it is not allowed.

        Parameters
        ----------
        action : mapping
            ``do``, ``call`` and what the step needs: see `CALL_ACTIONS`.
        party : str
            Who signed it, where that is known: steps of the call's owner are refused from others.

        Returns
        -------
        str
            Empty if it was taken; else the reason, and nothing has changed.
        """
        do = action.get("do") if isinstance(action, Mapping) else None
        handler = CALL_ACTIONS.get(do) if isinstance(do, str) else None
        if handler is None:
            return f"it does none of {', '.join(CALL_ACTIONS)}"
        try:
            name = _word(action, "call")
            if do == "open":
                state = _open(self, action, name)
            else:
                _need(name in self.states, f"there is no call {name}")
                state = self.states[name]
            owner = state.terms.owner
            _need(
                not (party and owner and do in _OWNERS and party != owner),
                f"{party} does not run this call, {owner} does",
            )
            changed, about, date = handler(state, action)
        except _RefusedError as refusal:
            return str(refusal)
        except (InputError, DateError) as error:
            return f"{error.where}: {error.what}" if error.where else error.what
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            return f"it lacks something or has it wrong ({error})"
        if date and (not changed.latest or when_bounds(date)[0] > when_bounds(changed.latest)[0]):
            changed = replace(changed, latest=date)
        self.states[name] = changed
        self.log.append((name, str(do), date, about))
        return ""


_Step = tuple[CallState, str, str]


def _need(condition: object, text: str) -> None:
    if not condition:
        raise _RefusedError(text)


def _word(action: Mapping[str, Any], name: str) -> str:
    value = action[name]
    _need(isinstance(value, str) and value.strip(), f"{name} is no text")
    return str(value)


def _date(state: CallState, action: Mapping[str, Any], *, after_letters: bool = False) -> str:
    """The date of a step of the owner, not before the one taken last."""
    date = _word(action, "date")
    first, last = when_bounds(date)
    _need(
        first >= when_bounds(state.terms.opened)[0], f"{date} is before the call was opened, {state.terms.opened}"
    )
    _need(
        not state.latest or last >= when_bounds(state.latest)[0],
        f"{date} is before the last step, {state.latest}",
    )
    due = state.terms.letters_due
    _need(not after_letters or due is None or first > end_of(due), f"letters may come until {due}, after {date}")
    return date


def _names(state: CallState, action: Mapping[str, Any]) -> tuple[str, ...]:
    """Proposals of a list, each alive and once."""
    names = action["proposals"]
    _need(isinstance(names, list) and names, "proposals is no list of identifiers")
    for name in names:
        _alive(state, name)
    _need(len(set(names)) == len(names), "a proposal stands twice")
    return tuple(names)


def _alive(state: CallState, name: Any) -> str:
    _need(isinstance(name, str) and name in state.letters, f"there is no proposal {name}")
    _need(name not in state.withdrawn, f"{name} was withdrawn on {state.withdrawn.get(name)}")
    return str(name)


def _not_before(state: CallState, name: str, date: str) -> None:
    came = state.letters[name].received
    _need(when_bounds(date)[1] >= when_bounds(came)[0], f"{date} is before {name} came, {came}")


def _open(calls: Calls, action: Mapping[str, Any], name: str) -> CallState:
    """A call is opened with its terms."""
    _need(name not in calls.states, f"call {name} is open already")
    terms = terms_from(action["terms"])
    _need(terms.id == name, f"the terms are those of {terms.id}")
    return CallState(terms)


def _opened(state: CallState, _: Mapping[str, Any]) -> _Step:
    return state, state.terms.name or state.terms.id, state.terms.opened


def _letter(state: CallState, action: Mapping[str, Any]) -> _Step:
    """A letter of intent comes in."""
    row, received = proposal_from(action["proposal"]), _word(action, "received")
    first, last = when_bounds(received)
    terms = state.terms
    _need(first >= when_bounds(terms.opened)[0], f"{row.id} came on {received}: the call opened on {terms.opened}")
    _need(
        terms.letters_due is None or last <= end_of(terms.letters_due),
        f"{row.id} came on {received}: letters were due on {terms.letters_due}",
    )
    _need(row.id not in state.letters, f"{row.id} was handed in already")
    _need(not state.reviews and not state.short_list, "reviews have begun: no letter can be taken")
    return replace(state, letters={**state.letters, row.id: Letter(row, received)}), row.id, ""


def _withdraw(state: CallState, action: Mapping[str, Any]) -> _Step:
    """A proposer takes its proposal back; what it had is free again."""
    name, date = _alive(state, action["proposal"]), _date(state, action)
    _not_before(state, name, date)
    changed = replace(
        state,
        withdrawn={**state.withdrawn, name: date},
        chosen=tuple(other for other in state.chosen if other != name),
        allocations={other: row for other, row in state.allocations.items() if other != name},
    )
    return changed, name, date


def _screen(state: CallState, action: Mapping[str, Any]) -> _Step:
    """The screening of a proposal; what breaks a limit of the call alone cannot pass."""
    name, date = _alive(state, action["proposal"]), _date(state, action)
    fits, decides = action["fits"], action.get("decides", "")
    _need(fits is None or isinstance(fits, bool), "fits is neither true, false nor null")
    _need(isinstance(decides, str), "decides is no text")
    waiver, checks = action.get("waiver", ""), action.get("checks", [])
    _need(isinstance(waiver, str) and isinstance(checks, list), "waiver is no text or checks no list")
    _not_before(state, name, date)
    _need(name not in state.short_list, f"{name} is on the short list already")
    too_much = broken_limit([state.candidate(name)], replace(state.terms.limits, choose=None))
    _need(fits is False or not too_much, f"it cannot pass: {too_much}")
    found = Screening(fits, decides, date, waiver, tuple(dict(row) for row in checks))
    return replace(state, screenings={**state.screenings, name: found}), name, date


def _reviewer(state: CallState, action: Mapping[str, Any]) -> _Step:
    """Someone who may review; one person once."""
    name, row = _word(action, "reviewer"), action["person"]
    person = Person(row["name"], row["institute"], row["country"])
    _need(name not in state.reviewers, f"{name} is a reviewer already")
    same = [key for key, other in state.reviewers.items() if same_name(other.name) == same_name(person.name)]
    _need(not same, f"{person.name} is a reviewer already, as {', '.join(same)}")
    return replace(state, reviewers={**state.reviewers, name: person}), name, ""


def _review(state: CallState, action: Mapping[str, Any]) -> _Step:
    """A review, by someone without a conflict of interest."""
    name, reviewer = _alive(state, action["proposal"]), _word(action, "reviewer")
    date = _date(state, action, after_letters=True)
    _need(reviewer in state.reviewers, f"there is no reviewer {reviewer}")
    _need(state.passed(name), f"{name} has not passed the screening")
    _need(not state.selected, "the selection has been made")
    _need(
        not any(row.reviewer == reviewer and row.proposal == name for row in state.reviews),
        f"{reviewer} has reviewed {name} already",
    )
    why = conflicts_of(
        state.reviewers[reviewer], state.letters[name].proposal, state.proposals, state.terms.conflicts
    )
    _need(not why, f"{reviewer} has a conflict of interest with {name}: {'; '.join(why)}")
    found = Review(reviewer, name, dict(action["scores"]), date, str(action.get("text", "")))
    score_of(found, state.terms.criteria)
    return replace(state, reviews=[*state.reviews, found]), f"{name} by {reviewer}", date


def _shortlist(state: CallState, action: Mapping[str, Any]) -> _Step:
    """Those that go on."""
    names, date = _names(state, action), _date(state, action, after_letters=True)
    _need(not state.selected, "the selection has been made")
    out = [name for name in names if not state.passed(name)]
    _need(not out, f"{', '.join(out)} did not pass the screening")
    most = state.terms.short_list
    _need(most is None or len(names) <= most, f"{len(names)} are more than the {most} of the short list")
    return replace(state, short_list=names), f"{len(names)}: {', '.join(names)}", date


def _select(state: CallState, action: Mapping[str, Any]) -> _Step:
    """The choice, within all limits; after the announcement only to fill what was withdrawn."""
    names, date = _names(state, action), _date(state, action, after_letters=True)
    counts = {row.proposal: row.reviews for row in state.ranking()}
    few = [name for name in names if counts.get(name, 0) < state.terms.least_reviews]
    _need(not few, f"{', '.join(few)} has fewer than {state.terms.least_reviews} reviews")
    off = [
        name for name in names if (name not in state.short_list if state.short_list else not state.passed(name))
    ]
    _need(not off, f"{', '.join(off)} is not on the short list")
    lost = [name for name in state.chosen if name not in names]
    _need(not (state.announced and lost), f"{', '.join(lost)} was announced and is not withdrawn")
    why = broken_limit([state.candidate(name) for name in names], state.terms.limits)
    _need(not why, f"it breaks a limit: {why}")
    kept = {name: row for name, row in state.allocations.items() if name in names}
    changed = replace(state, chosen=names, selected=date, allocations=kept)
    return changed, f"{len(names)}: {', '.join(names)}", date


def _announce(state: CallState, action: Mapping[str, Any]) -> _Step:
    """The choice is made public."""
    date = _date(state, action)
    _need(state.chosen, "nothing is chosen")
    _need(not state.announced, f"it was announced on {state.announced}")
    return replace(state, announced=date), f"{len(state.chosen)}", date


def _allocate(state: CallState, action: Mapping[str, Any]) -> _Step:
    """Mass, power, data and a place for chosen payloads; what all have keeps the limits."""
    date, rows = _date(state, action), action["rows"]
    _need(isinstance(rows, list) and rows, "there are no rows")
    found = dict(state.allocations)
    for row in rows:
        name = _alive(state, row["proposal"])
        _need(name in state.chosen, f"{name} is not chosen")
        other = sorted(set(row) - _GIVEN)
        _need(not other, f"{name}: unknown {', '.join(other)}, use {', '.join(sorted(_GIVEN))}")
        asked = state.letters[name].proposal
        values = {
            key: float(row.get(key, getattr(asked, key))) for key in ("mass_kg", "day_w", "night_w", "bit_day")
        }
        _need(
            all(0.0 <= value < 1e15 for value in values.values()), f"{name}: an amount is negative or not finite"
        )
        found[name] = Allocation(name, **values, place=str(row.get("place", "")))
    used = [Candidate(r.proposal, 0.0, r.mass_kg, r.day_w, r.night_w, r.bit_day) for r in found.values()]
    why = broken_limit(used, replace(state.terms.limits, each_country=None))
    _need(not why, f"it breaks a limit: {why}")
    return replace(state, allocations=found), f"{len(rows)}", date


CALL_ACTIONS: Mapping[str, Callable[[CallState, Mapping[str, Any]], _Step]] = {
    "open": _opened,
    "letter": _letter,
    "withdraw": _withdraw,
    "screen": _screen,
    "reviewer": _reviewer,
    "review": _review,
    "shortlist": _shortlist,
    "select": _select,
    "announce": _announce,
    "allocate": _allocate,
}
"""What can be done in a call, each with what it needs beside ``call``:

``open``: terms. ``letter``: received, proposal. ``withdraw``: proposal, date. ``screen``: proposal, date, fits,
decides; checks, waiver. ``reviewer``: reviewer, person. ``review``: proposal, reviewer, date, scores; text.
``shortlist``, ``select``: proposals, date. ``announce``: date. ``allocate``: date, rows (proposal; mass_kg, day_w,
night_w, bit_day, place). Dates do not run backwards, and reviews begin when letters are due.
"""
