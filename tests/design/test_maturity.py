"""Maturity by heritage: what bears out which claim, and margins that follow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.design import mass_budget
from moonpost.design.maturity import NEEDED, maturity_findings, maturity_report, supported_plan
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import Plan, load_plan
from moonpost.plan.heritage import load_heritage
from moonpost.power.loads import MATURITY_MARGIN

RANK = {"flown": 0, "modified": 1, "new": 2}
NAMES = [row.id for row in load_heritage().missions]


def with_element(plan: Plan, name: str, **change: object) -> Plan:
    elements = tuple(row.model_copy(update=change) if row.id == name else row for row in plan.elements)
    return plan.model_copy(update={"elements": elements})


def test_a_claim_of_flown_without_heritage_is_told_and_costs_margin() -> None:
    plan = with_element(load_plan("ilrs"), "vertical-array", maturity="flown")
    row = maturity_report(plan).row("vertical-array")
    assert (row.claimed, row.supported, row.counted) == ("flown", "new", "new")
    assert (row.margin_claimed, row.margin_counted) == (0.05, 0.20)
    assert row.severity == "warning"
    assert "names no heritage" in row.text
    effect = next(e for e in maturity_report(plan).missions if e.mission == "ilrs-1")
    more = (0.20 - 0.05) * 600.0 + (0.20 - 0.10) * 1250.0
    assert effect.counted_kg - effect.claimed_kg == pytest.approx(more * 1.2), "with the system margin of 20 %"


@pytest.mark.parametrize(
    ("owner", "heritage", "kind", "supported"),
    [
        ("cnsa", ("ce4",), "lander", "flown"),
        ("cnsa", ("queqiao-2",), "lander", "new"),
        ("roscosmos", ("ce4",), "lander", "modified"),
        ("roscosmos", ("luna-24",), "lander", "modified"),
        ("roscosmos", ("luna-25",), "lander", "new"),
        ("roscosmos", ("luna-15", "luna-16"), "vehicle", "modified"),
        ("cnsa", ("ce4",), "rover", "flown"),
        ("cnsa", ("ce4",), "hopper", "new"),
        ("cnsa", ("alsep",), "power", "modified"),
        ("cnsa", (), "lander", "new"),
    ],
)
def test_what_bears_out_which_maturity(owner: str, heritage: tuple[str, ...], kind: str, supported: str) -> None:
    plan = with_element(load_plan("ilrs"), "ce8-lander", owner=owner, heritage=heritage, kind=kind)
    assert maturity_report(plan).row("ce8-lander").supported == supported


def test_heritage_lapses_and_does_not_come_from_the_future() -> None:
    plan = with_element(load_plan("ilrs"), "luna-27a", heritage=("luna-24",))
    assert maturity_report(plan).row("luna-27a").supported == "modified"
    assert maturity_report(plan, lapse_years=60.0).row("luna-27a").supported == "flown"
    early = tuple(
        row.model_copy(update={"launch": "1975"}) if row.id == "luna-27a" else row for row in plan.missions
    )
    before = plan.model_copy(update={"missions": early})
    row = maturity_report(before).row("luna-27a")
    assert row.supported == "new"
    assert row.reasons == ("Luna 24 flies after it",)


def test_rows_that_are_not_verified_stay_marked() -> None:
    plan = with_element(load_plan("ilrs"), "luna-26", heritage=("luna-22",))
    assert "not verified" in maturity_report(plan).row("luna-26").reasons[0]


def test_what_was_lost_with_its_mission_is_not_flown_by_that() -> None:
    row = maturity_report(load_plan("ilrs")).row("luna-25")
    assert (row.supported, row.margin_counted) == ("new", 0.0)
    assert row.reasons == ("was lost with its mission",)
    claims = maturity_report(with_element(load_plan("ilrs"), "luna-25", maturity="flown")).row("luna-25")
    assert claims.severity == "warning"


def test_what_has_flown_needs_no_heritage_and_no_margin() -> None:
    row = maturity_report(load_plan("ilrs")).row("yutu-2")
    assert (row.supported, row.margin_counted, row.severity) == ("flown", 0.0, "")


@given(
    heritage=st.lists(st.sampled_from(NAMES), max_size=4, unique=True).map(tuple),
    more=st.sampled_from(NAMES),
    claimed=st.sampled_from(["flown", "modified", "new"]),
    kind=st.sampled_from(sorted(NEEDED)),
)
def test_more_heritage_never_bears_out_less_and_margins_never_shrink(
    heritage: tuple[str, ...], more: str, claimed: str, kind: str
) -> None:
    plan = load_plan("ilrs")
    change = {"maturity": claimed, "kind": kind}
    few = maturity_report(with_element(plan, "ce8-lander", heritage=heritage, **change)).row("ce8-lander")
    many = maturity_report(with_element(plan, "ce8-lander", heritage=(*heritage, more), **change)).row(
        "ce8-lander"
    )
    assert RANK[many.supported] <= RANK[few.supported]
    for row in (few, many):
        assert row.margin_counted >= row.margin_claimed
        assert RANK[row.counted] == max(RANK[row.claimed], RANK[row.supported])
        assert row.margin_counted == MATURITY_MARGIN[row.counted]
        assert bool(row.severity) == (row.counted != row.claimed)


def test_the_plan_that_heritage_bears_out_feeds_the_budgets() -> None:
    plan = load_plan("ilrs")
    counted = supported_plan(plan)
    assert counted.element("station-battery").maturity == "new"
    assert plan.element("station-battery").maturity == "modified", "the plan itself is not touched"
    effects = {row.mission: row for row in maturity_report(plan).missions}
    for row in mass_budget(counted).missions:
        if row.mission in effects:
            assert row.budget_kg == pytest.approx(effects[row.mission].counted_kg)
    assert supported_plan(counted) == counted


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_years_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="lapse_years"):
        maturity_report(load_plan("ilrs"), lapse_years=value)


def test_unknown_heritage_is_refused_with_its_place() -> None:
    plan = with_element(load_plan("ilrs"), "ce8-lander", heritage=("ce-4",))
    with pytest.raises(UnknownNameError) as error:
        maturity_report(plan)
    assert "elements[ce8-lander].heritage" in str(error.value)
    with pytest.raises(UnknownNameError):
        maturity_report(load_plan("ilrs")).row("nobody")


def test_findings_for_a_check_of_the_plan() -> None:
    plan = with_element(load_plan("ilrs"), "ce8-lander", heritage=("ce-4", "ce6"))
    plan = with_element(plan, "vertical-array", maturity="flown")
    found = {(row.severity, row.place) for row in maturity_findings(plan)}
    assert found == {
        ("error", "elements[ce8-lander].heritage"),
        ("warning", "elements[vertical-array]"),
        ("note", "elements[station-battery]"),
        ("note", "elements[station-battery-2]"),
    }
    assert "did you mean ce4" in next(row.text for row in maturity_findings(plan) if row.severity == "error")
