"""Who may borrow a sample and from when."""

from __future__ import annotations

import datetime as dt

import pytest

from moonpost.errors import InputError, UnknownNameError
from moonpost.partners.borrowing import sample_access, sample_accesses
from moonpost.partners.samplerequests import AGREE_DAYS
from moonpost.partners.samples import Custody
from moonpost.plan import load_plan

PLAN = load_plan("ilrs")


def test_holder_has_it_and_others_apply() -> None:
    rows = {row.partner: row for row in sample_accesses(PLAN, "ce5-sample", "2027-03-01")}
    assert rows["cnsa"].answer == "yes"
    assert {row.answer for name, row in rows.items() if name != "cnsa"} == {"apply"}
    assert rows["egypt"].since == "2020-12-16"


def test_an_agreement_takes_ten_working_days() -> None:
    for day in (dt.date(2027, 3, 1) + dt.timedelta(days=k) for k in range(14)):
        soonest = dt.date.fromisoformat(sample_access(PLAN, "ce5-sample", "egypt", day).soonest or "")
        between = [day + dt.timedelta(days=k + 1) for k in range((soonest - day).days)]
        assert sum(item.weekday() < 5 for item in between) == AGREE_DAYS
        assert soonest.weekday() < 5


def test_before_the_return_and_without_one() -> None:
    found = sample_access(PLAN, "ce6-sample", "egypt", "2024-06-01")
    assert (found.answer, found.since, found.rule) == ("not-yet", "2024-06-25", "not-returned")
    missions = tuple(
        row.model_copy(update={"status": "lost"}) if row.id == "ce6" else row for row in PLAN.missions
    )
    lost = PLAN.model_copy(update={"missions": missions})
    assert sample_access(lost, "ce6-sample", "cnsa", "2027").answer == "never"


def test_what_is_lent_is_free_when_the_first_loan_is_due() -> None:
    book = Custody()
    for name in ("a", "b"):
        book.apply({"do": "receive", "sample": name, "mass_mg": 500, "store": "beijing", "use": "research"})
    book.apply({"do": "lend", "sample": "a", "borrower": "x", "due": "2027-09-01"})
    found = sample_access(PLAN, "ce5-sample", "egypt", "2027-03-01", book)
    assert (found.answer, found.free_mg) == ("apply", 500)
    book.apply({"do": "lend", "sample": "b", "borrower": "y", "due": "2027-06-01"})
    found = sample_access(PLAN, "ce5-sample", "egypt", "2027-03-01", book)
    assert (found.answer, found.since, found.rule) == ("not-yet", "2027-06-01", "lent")
    with pytest.raises(InputError, match="research"):
        sample_access(PLAN, "ce5-sample", "egypt", "2027-03-01", Custody())


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="sample"):
        sample_access(PLAN, "ce9-sample", "egypt", None)
    with pytest.raises(UnknownNameError, match="partner"):
        sample_access(PLAN, "ce5-sample", "public", None)
