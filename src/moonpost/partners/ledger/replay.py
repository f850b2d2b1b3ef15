"""The dated record of a plan's agreements, written into a ledger by the parties themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moonpost.partners.agreements import ORDER
from moonpost.partners.dates import end_of
from moonpost.partners.ledger.book import Ledger
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.ledger.keys import PartyKey
from moonpost.partners.ledger.pacts import AgreementState
from moonpost.plan.model import Plan

__all__ = ["Replay", "Waiting", "replay_agreements"]


@dataclass(frozen=True)
class Waiting:
    """A step or act of the plan that was not written, for its party's key is not at hand.

    Parameters
    ----------
    agreement, party : str
        Of which agreement; who has to write it.
    state, date : str
        What it reaches; when it was taken.

    Examples
    --------
    >>> Waiting("memorandum", "cnsa", "signed", "2021-03-09").party
    'cnsa'
    """

    agreement: str
    party: str
    state: str
    date: str


@dataclass(frozen=True)
class Replay:
    """What was written into a ledger from a plan's record.

    Parameters
    ----------
    entries : tuple of Entry
        Written now, in the order of their dates.
    there : int
        Steps and acts that were in the ledger already.
    waiting : tuple of Waiting
        What the keys at hand could not write.

    Examples
    --------
    >>> Replay((), 0, ()).entries
    ()
    """

    entries: tuple[Entry, ...]
    there: int
    waiting: tuple[Waiting, ...]


def replay_agreements(ledger: Ledger, plan: Plan, keys: Mapping[str, PartyKey]) -> Replay:
    """Write the dated steps of a plan's agreements into a ledger, each signed by the party that took it.

    Parameters
    ----------
    ledger : Ledger
        Begun from the plan.
    plan : Plan
        With its agreements and their steps.
    keys : mapping of str to PartyKey
        Keys at hand, by party.

    Returns
    -------
    Replay

    Raises
    ------
    ModelError
        If the rules of the ledger do not allow a step.
    DataError
        If the ledger is not sound.

    Notes
    -----
    The first dated record of a state is the step; later records of a state that the party has reached, such as a
    bill on its way through parliament, are acts, which reach nothing. Nothing is written for another party, and
    nothing that is there is written again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from moonpost.partners.ledger.keys import new_key
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Ledger.begin(str(Path(folder) / "station.db"), plan, keys) as ledger:
    ...         _ = replay_agreements(ledger, plan, keys)
    ...         ledger.state().agreements["intergovernmental-agreement"].missing("cnsa")
    ('ratified',)
    """
    state = ledger.state()
    written, waiting, there = [], [], 0
    for agreement, party, kind, body in _record(plan):
        known = state.agreements.get(agreement)
        if known is not None and _has(known, party, kind, body):
            there += 1
        elif party not in keys:
            waiting.append(Waiting(agreement, party, body.get("state", ""), body["date"]))
        else:
            written.append(ledger.append(keys[party], kind, body))
    return Replay(tuple(written), there, tuple(waiting))


def _record(plan: Plan) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Agreement, party, kind of entry and body of everything on the plan's record, by date."""
    rows = [(agreement.id, step) for agreement in plan.agreements for step in agreement.steps]
    rows.sort(key=lambda row: (end_of(row[1].date), ORDER.index(row[1].state)))
    reached: set[tuple[str, str, str]] = set()
    for agreement, step in rows:
        body = {"agreement": agreement, "date": step.date, "source": step.source, "text": step.text}
        mark = (agreement, step.party, step.state)
        if mark in reached:
            yield agreement, step.party, "act", {**body, "text": step.text or step.state}
        else:
            reached.add(mark)
            yield agreement, step.party, "step", {**body, "state": step.state}


def _has(agreement: AgreementState, party: str, kind: str, body: Mapping[str, Any]) -> bool:
    """Whether a step or act is in the ledger."""
    if kind == "step":
        return body["state"] in agreement.steps.get(party, {})
    return any(
        (row.party, row.state, row.date, row.text) == (party, "", body["date"], body["text"])
        for row in agreement.record
    )
