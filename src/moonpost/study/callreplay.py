"""A call replayed from its dates and limits: letters, screening, reviews, short list, choice, allocation."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from typing import Any

from moonpost.errors import DataError, InputError, ModelError
from moonpost.files import read_toml
from moonpost.partners.calls import Calls, CallState
from moonpost.partners.callterms import CallTerms, call_terms
from moonpost.partners.dates import end_of
from moonpost.partners.proposals import Letter, Person, Proposal, read_letters
from moonpost.partners.reviews import assign_reviewers
from moonpost.partners.selection import Selection
from moonpost.plan import Plan
from moonpost.plan.base import when_bounds
from moonpost.study.callscreening import (
    Offer,
    ScreenedProposal,
    call_host,
    host_offer,
    screen_proposals,
    screen_together,
)
from moonpost.study.guest import GuestHost

__all__ = ["CallReplay", "Submissions", "bundled_submissions", "read_submissions", "replay_call"]

_REVIEW_DAYS = 60
_SPREAD = 13


@dataclass(frozen=True)
class Submissions:
    """What a call got: letters, reviewers and how they judge, for a replay.

    Parameters
    ----------
    letters : tuple of Letter
        In the order of their coming.
    reviewers : dict of str to Person
        By identifier.
    merits : dict of str to int
        Mean score of each proposal before the reviewers differ, from 0 to 100.
    setting : dict
        ``host``, ``site``, ``downlink_bit_s`` where the call leaves them open.

    Examples
    --------
    >>> len(bundled_submissions().letters)
    41
    """

    letters: tuple[Letter, ...]
    reviewers: dict[str, Person]
    merits: dict[str, int]
    setting: dict[str, Any]


@dataclass(frozen=True)
class CallReplay:
    """A call from its opening to the allocation.

    Parameters
    ----------
    terms : CallTerms
        Dates, limits and rules.
    state : CallState
        Where it ended.
    actions : tuple of dict
        Every step, as `moonpost.partners.records.write_steps` takes them.
    refused : tuple of tuple of str
        What was refused, each with the reason.
    screened : tuple of ScreenedProposal
        In the order of letters.
    selection : Selection
        The best set beside taking them by rank.
    together : ScreenedProposal
        The chosen as one guest.
    offer : Offer
        Power that the host gives to all of them.
    obtained : dict of str to float
        ``proposals``, ``short_listed``, ``chosen``, ``payload_total_kg``, ``payload_each_kg`` of the replay.
    published : dict
        The same and the dates as the plan has them.

    Examples
    --------
    >>> from moonpost.study.callreplay import replay_call  # see there
    """

    terms: CallTerms
    state: CallState
    actions: tuple[dict[str, Any], ...]
    refused: tuple[tuple[str, str], ...]
    screened: tuple[ScreenedProposal, ...]
    selection: Selection
    together: ScreenedProposal
    offer: Offer
    obtained: dict[str, float]
    published: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
        """
        ranks = {row.proposal: row for row in self.state.ranking()}
        rows = []
        for found in self.screened:
            name = found.proposal
            row = self.state.letters[name].proposal
            rank = ranks.get(name)
            rows.append(
                {
                    "proposal": name,
                    "title": row.title,
                    "country": row.lead.country,
                    "mass_kg": row.mass_kg,
                    "synthetic": row.synthetic,
                    "fits": found.fits,
                    "decides": found.sentence,
                    "rank": rank.rank if rank else None,
                    "score": float(rank.score) if rank else None,
                    "ranks": [rank.best_rank, rank.worst_rank] if rank else None,
                    "standing": self.state.standing(name),
                }
            )
        return {
            "call": self.terms.id,
            "published": self.published,
            "obtained": self.obtained,
            "proposals": rows,
            "refused": [{"what": what, "why": why} for what, why in self.refused],
            "selection": self.selection.to_dict(),
            "together": self.together.to_dict(),
            "offer": asdict(self.offer),
            "findings": list(self.state.findings()),
        }


def bundled_submissions() -> Submissions:
    """The synthetic letters and reviewers for the call for Chang'e 8 payloads.

    Returns
    -------
    Submissions
        Every proposal is marked as synthetic: none of it was published.

    Examples
    --------
    >>> all(letter.proposal.synthetic for letter in bundled_submissions().letters)
    True
    """
    with as_file(files("moonpost.partners") / "bundled" / "ce8-letters.toml") as path:
        return read_submissions(path)


def read_submissions(path: str | os.PathLike[str]) -> Submissions:
    """Read letters, reviewers and merits from a TOML file.

    Parameters
    ----------
    path : path-like
        Tables ``[[proposals]]`` (see `moonpost.partners.proposals.read_letters`), ``[[reviewers]]`` with id, name,
        institute and country, ``[merits]`` with ``values``, and ``[setting]``.

    Returns
    -------
    Submissions

    Raises
    ------
    DataError
        If the file cannot be read or a reviewer or merit cannot be used.

    Examples
    --------
    >>> read_submissions("nowhere.toml")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.toml: cannot be read: No such file or directory; check the path of the ...
    """
    letters = read_letters(path)
    tables = read_toml(path, "file of proposals")
    reviewers: dict[str, Person] = {}
    try:
        for row in tables.get("reviewers", []):
            reviewers[row["id"]] = Person(row["name"], row["institute"], row["country"])
        merits = {str(name): value for name, value in tables.get("merits", {}).get("values", {}).items()}
        setting = {name: value for name, value in dict(tables.get("setting", {})).items() if name != "note"}
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"reviewers, merits or setting cannot be read ({error})",
            where=str(path),
            advice="see the guide of calls",
        ) from error
    if any(type(value) is not int or not 0 <= value <= 100 for value in merits.values()):
        raise DataError("a merit is no whole number from 0 to 100", where=str(path), advice="correct it")
    unknown = sorted(set(setting) - {"host", "site", "downlink_bit_s"})
    if unknown:
        raise DataError(f"unknown setting {unknown[0]}", where=str(path), advice="use host, site, downlink_bit_s")
    return Submissions(letters, reviewers, merits, setting)


def replay_call(
    plan: Plan,
    call: str,
    submissions: Submissions | None = None,
    *,
    more: Sequence[Letter] = (),
    conflicts: Sequence[str] | None = None,
    site: str | None = None,
    years: float = 1.0,
) -> CallReplay:
    """Play a call from its opening to the allocation.

    Parameters
    ----------
    plan : Plan
        With the call, its mission and host.
    call : str
        Identifier of the call.
    submissions : Submissions, optional
        What came in; the synthetic letters for Chang'e 8 if not given.
    more : sequence of Letter
        Letters besides, such as a late one.
    conflicts : sequence of str, optional
        Rules of conflict; `moonpost.partners.reviews.ALWAYS` if not given.
    site : str, optional
        Site of the host; that of the submissions if not given.
    years : float, default 1.0
        Period of the screening [years].

    Returns
    -------
    CallReplay

    Raises
    ------
    UnknownNameError
        If the plan has no such call or site.
    ModelError
        If the call has no due date, a proposal too few reviewers without a conflict, or nothing can be chosen.

    Notes
    -----
    Dates and numbers of the call are those of the plan; reviews are dated 60 days after letters were due, an
    assumption. Scores are the merit and, by criterion and reviewer, -6 to 6 from a hash: made up, and the same
    each time. The short list are the best by rank, the choice is the best set under all limits.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> found = replay_call(load_plan("ilrs"), "ce8-call", years=0.1)
    >>> found.obtained["chosen"], found.obtained["payload_total_kg"]
    (10, 200.0)
    """
    given = submissions or bundled_submissions()
    extra = {} if conflicts is None else {"conflicts": tuple(conflicts)}
    bare = call_terms(plan, call, **extra)
    if bare.letters_due is None:
        raise ModelError("has no date on which letters are due", where=f"call {call}", advice="add letters_due")
    place = call_host(
        plan, bare, host=given.setting.get("host"), site=site or given.setting.get("site"), years=years
    )
    offer = host_offer(place)
    terms = call_terms(
        plan, call, **extra, host=place.name,
        power_total_w=bare.power_total_w or offer.day_w or None,
        night_total_w=None if bare.power_total_w else offer.night_w or None,
    )  # fmt: skip
    play = _Play(terms, given, place)
    play.letters([*given.letters, *more])
    play.screen()
    play.review()
    selection = play.choose(plan.row("calls", call).announced)
    state = play.state
    chosen = [state.letters[name].proposal for name in state.chosen]
    if not chosen:
        why = f": {play.refused[0][1]}" if play.refused else ""
        raise ModelError(
            f"nothing could be chosen{why}", where=f"call {call}", advice="give proposals made for this call"
        )
    return CallReplay(
        terms,
        state,
        tuple(play.actions),
        tuple(play.refused),
        play.screened,
        selection,
        screen_together(place, terms, chosen, downlink_bit_s=play.downlink_bit_s),
        offer,
        {
            "proposals": len(state.letters),
            "short_listed": len(state.short_list),
            "chosen": len(state.chosen),
            "payload_total_kg": selection.mass_kg,
            "payload_each_kg": max((row.mass_kg for row in chosen), default=0.0),
        },
        _published(plan, call),
    )


def _published(plan: Plan, call: str) -> dict[str, Any]:
    row = plan.row("calls", call)
    counts = ("proposals", "short_listed", "chosen", "payload_total_kg", "payload_each_kg")
    dates = ("opened", "letters_due", "selection_planned", "announced", "source")
    return {name: getattr(row, name) for name in (*counts, *dates)}


class _Play:
    """Steps of a call one after another, with what was refused."""

    def __init__(self, terms: CallTerms, given: Submissions, place: GuestHost) -> None:
        self.terms, self.given, self.place = terms, given, place
        self.calls = Calls()
        self.actions: list[dict[str, Any]] = []
        self.refused: list[tuple[str, str]] = []
        self.screened: tuple[ScreenedProposal, ...] = ()
        rate = given.setting.get("downlink_bit_s")
        self.downlink_bit_s = None if rate is None else float(rate)
        self.due = end_of(str(terms.letters_due))
        self.take({"do": "open", "call": terms.id, "terms": terms.to_record()}, terms.id)

    @property
    def state(self) -> CallState:
        return self.calls.states[self.terms.id]

    def take(self, action: Mapping[str, Any], what: str) -> bool:
        row = {"call": self.terms.id, **action}
        refusal = self.calls.apply(row)
        if refusal:
            self.refused.append((what, refusal))
            return False
        self.actions.append(row)
        return True

    def letters(self, rows: Sequence[Letter]) -> None:
        for row in sorted(rows, key=lambda letter: when_bounds(letter.received)[0]):
            self.take(
                {"do": "letter", "received": row.received, "proposal": row.proposal.to_record()}, row.proposal.id
            )

    def screen(self) -> None:
        date = (self.due + dt.timedelta(days=1)).date().isoformat()
        self.screened = screen_proposals(
            self.place, self.terms, self.state.proposals, downlink_bit_s=self.downlink_bit_s
        )
        for row in self.screened:
            self.take(row.to_step(self.terms.id, date), f"screening of {row.proposal}")

    def review(self) -> None:
        date = (self.due + dt.timedelta(days=_REVIEW_DAYS)).date().isoformat()
        for name, who in self.given.reviewers.items():
            self.take({"do": "reviewer", "reviewer": name, "person": who.to_record()}, f"reviewer {name}")
        able = [row for row in self.state.proposals if self.state.passed(row.id)]
        shared = assign_reviewers(
            able,
            self.state.reviewers,
            each=self.terms.least_reviews,
            rules=self.terms.conflicts,
            everything=self.state.proposals,
        )
        for proposal in able:
            for name in shared[proposal.id]:
                row = {"do": "review", "proposal": proposal.id, "reviewer": name, "date": date}
                self.take({**row, "scores": self._scores(proposal, name)}, f"review of {proposal.id} by {name}")
        best = [row.proposal for row in self.state.ranking()][: self.terms.short_list]
        self.take({"do": "shortlist", "proposals": best, "date": date}, "short list")

    def _scores(self, proposal: Proposal, reviewer: str) -> dict[str, int]:
        """Made-up scores: the merit, and a few points that hang on who reviews what."""
        merit = self.given.merits.get(proposal.id, 50)
        found = {}
        for name in self.terms.criteria:
            byte = hashlib.sha256(f"{proposal.id} {reviewer} {name}".encode()).digest()[0]
            found[name] = min(100, max(0, merit + byte % _SPREAD - _SPREAD // 2))
        return found

    def choose(self, announced: str | None) -> Selection:
        selection = self.state.best()
        date = self.terms.selection_planned or self.state.latest
        self.take({"do": "select", "proposals": list(selection.chosen), "date": date}, "selection")
        if announced:
            self.take({"do": "announce", "date": announced}, "announcement")
        rows = [{"proposal": name, "place": f"place {k + 1}"} for k, name in enumerate(self.state.chosen)]
        if rows:
            self.take({"do": "allocate", "date": announced or date, "rows": rows}, "allocation")
        return selection
