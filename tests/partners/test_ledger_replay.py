"""The station's agreements, written into a ledger by their parties, against dates typed from the public record."""

from __future__ import annotations

import datetime as dt

import pytest

from moonpost.errors import DataError
from moonpost.partners import agreement_states
from moonpost.partners.ledger import Ledger, new_key, replay_agreements
from moonpost.plan import load_plan

IGA = "intergovernmental-agreement"

RECORD = (
    ("memorandum", "2021-03-09"),  # memorandum of understanding, CNSA and Roscosmos
    ("joint-declaration", "2021-04-23"),
    ("guide-for-partnership", "2021-06-16"),
)
"""Day from which each is in force for both; programme record of the station, confidence A, B, B."""

RUSSIA = (
    ("2022-11-24", "draft", ("signed", "ratified")),
    ("2022-11-25", "signed", ("ratified",)),  # signed by both governments
    ("2024-03-14", "signed", ("ratified",)),
    ("2024-03-15", "signed", ("ratified",)),  # decree 303
    ("2024-05-28", "signed", ("ratified",)),  # State Duma
    ("2024-06-05", "signed", ("ratified",)),  # Federation Council
    ("2024-06-11", "signed", ("ratified",)),
    ("2024-06-12", "ratified", ()),  # law published
    ("2026-11-23", "ratified", ()),
)
"""State of the intergovernmental agreement for Russia on a day; press record, confidence B."""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    with Ledger.begin(str(tmp_path_factory.mktemp("ledger") / "station.db"), plan, keys) as ledger:
        done = replay_agreements(ledger, plan, keys)
        yield ledger, done, plan, keys


def _standing(ledger, name, day):
    return next(row for row in ledger.state().standings(day) if row.agreement == name)


@pytest.mark.parametrize(("name", "day"), RECORD)
def test_agreements_of_the_two_agencies(replayed, name, day):
    before = (dt.date.fromisoformat(day) - dt.timedelta(days=1)).isoformat()
    assert not _standing(replayed[0], name, before).in_force
    found = _standing(replayed[0], name, day)
    assert (found.in_force, found.since, found.missing) == (True, day, ())


@pytest.mark.parametrize(("day", "state", "missing"), RUSSIA)
def test_the_intergovernmental_agreement_for_russia(replayed, day, state, missing):
    found = _standing(replayed[0], IGA, day)
    russia = next(party for party in found.parties if party.party == "roscosmos")
    assert (russia.state, russia.missing) == (state, missing)
    assert russia.in_force == (day >= "2024-06-12"), "in force for that side from the day of the law on"
    assert not found.in_force


def test_the_chinese_step_that_was_not_found_is_missing(replayed):
    for day in ("2024-06-12", "2026-11-23", "2099-01-01"):
        found = _standing(replayed[0], IGA, day)
        china = next(party for party in found.parties if party.party == "cnsa")
        assert (china.state, china.in_force, china.since) == ("signed", False, None)
        assert found.missing == ("cnsa: ratified",)


def test_acts_on_the_way_are_kept_and_reach_nothing(replayed):
    record = replayed[0].state().agreements[IGA].record
    acts = [(row.date, row.party) for row in record if not row.state]
    assert acts == [("2024-03-15", "roscosmos"), ("2024-05-28", "roscosmos"), ("2024-06-05", "roscosmos")]


def test_every_entry_is_signed_by_the_party_that_took_the_step(replayed):
    ledger, done, _, _ = replayed
    assert ledger.verify().sound
    assert [entry.body["date"] for entry in done.entries] == sorted(entry.body["date"] for entry in done.entries)
    assert {entry.party for entry in done.entries} == {"cnsa", "roscosmos"}
    assert (done.there, done.waiting) == (0, ())


@pytest.mark.parametrize("day", ["2021-03-09", "2022-11-25", "2024-06-11", "2024-06-12", "2025-06-01", None])
def test_the_ledger_says_what_the_plan_says(replayed, day):
    ledger, _, plan, _ = replayed
    for one, other in zip(ledger.state().standings(day), agreement_states(plan.agreements, day), strict=True):
        assert (one.agreement, one.in_force, one.since, one.missing) == (
            other.agreement, other.in_force, other.since, other.missing,
        )  # fmt: skip
        assert [party.state for party in one.parties] == [party.state for party in other.parties]


def test_it_is_not_written_twice(replayed):
    ledger, done, plan, keys = replayed
    again = replay_agreements(ledger, plan, keys)
    assert (again.entries, again.there, again.waiting) == ((), len(done.entries), ())


def test_a_missing_ratification_that_comes_brings_it_into_force(tmp_path):
    """A made-up Chinese ratification, to show that nothing else is missing."""
    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    with Ledger.begin(str(tmp_path / "a.db"), plan, keys) as ledger:
        replay_agreements(ledger, plan, keys)
        body = {"agreement": IGA, "state": "ratified", "date": "2027-03", "source": "made up for this test"}
        ledger.append(keys["cnsa"], "step", body)
        assert not _standing(ledger, IGA, "2027-03-30").in_force
        found = _standing(ledger, IGA, "2027-03-31")
        assert (found.in_force, found.since) == (True, "2027-03")


def test_nobody_writes_the_steps_of_a_party_whose_key_is_elsewhere(tmp_path):
    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    with Ledger.begin(str(tmp_path / "a.db"), plan, keys) as ledger:
        done = replay_agreements(ledger, plan, {"roscosmos": keys["roscosmos"]})
        assert {entry.party for entry in done.entries} == {"roscosmos"}
        assert {row.party for row in done.waiting} == {"cnsa"}
        assert _standing(ledger, "memorandum", None).missing == ("cnsa: signed",)
        rest = replay_agreements(ledger, plan, keys)
        assert len(rest.entries) == len(done.waiting)
        assert _standing(ledger, "memorandum", "2021-03-09").in_force


def test_a_damaged_ledger_takes_nothing(tmp_path):
    import sqlite3

    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    place = str(tmp_path / "a.db")
    with Ledger.begin(place, plan, keys) as ledger:
        ledger.append(keys["cnsa"], "record", {"topic": "t"})
    link = sqlite3.connect(place)
    link.execute("UPDATE entries SET line = replace(line, 'record', 'recorf') WHERE entry = 1")
    link.commit()
    link.close()
    with Ledger.open(place) as ledger, pytest.raises(DataError):
        replay_agreements(ledger, plan, keys)
