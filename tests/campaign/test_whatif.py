"""What-if: the plan is untouched, what moves and breaks is found, the repair is tried."""

import pytest

from moonpost.campaign import build_order, changed_plan, objective_status, orphaned, what_if
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import load_plan, when_bounds

CITED = {"source": "made for this test", "confidence": "C"}
DRILL = {"id": "drill", "name": "Drill", "owner": "ru", "element": "lab", "objectives": ["water"], **CITED}


def two_missions(plan_of, a_mission, an_element, mass_kg=1000.0, **more):
    return plan_of(
        [
            a_mission("one", "2031", launch_mass_kg=9000.0),
            a_mission("two", "2033", launch_mass_kg=9000.0, requires=["one"], **more),
            a_mission("spare", "2034", launch_mass_kg=9000.0),
        ],
        [an_element("mast", "one", mass_kg), an_element("lab", "two", 1000.0, owner="ru", requires=["mast"]),
         an_element("box", "spare", 500.0)],
        instruments=[DRILL],
    )  # fmt: skip


def test_a_slip_moves_what_follows(plan_of, a_mission, an_element):
    plan = two_missions(plan_of, a_mission, an_element)
    result = what_if(plan, slip={"one": 4.0})
    days = {(row.table, row.id): round(row.days) for row in result.moved}
    assert days[("missions", "one")] == 1461
    assert days[("missions", "two")] == 365 * 2 + 5, "after the first has landed"
    assert set(days) == {("missions", "one"), ("missions", "two"), ("elements", "mast"), ("elements", "lab")}
    assert result.broken == ()
    assert result.orphaned_objectives == ()
    assert result.shares_before == result.shares_after
    assert [(step.kind, step.subject) for step in result.repair] == [("date", "missions[two].launch")]


def test_a_cancelled_mission_breaks_orphans_and_is_repaired(plan_of, a_mission, an_element):
    plan = two_missions(plan_of, a_mission, an_element)
    before = plan.sha256
    result = what_if(plan, cancel=["one"])
    assert {(row.table, row.id) for row in result.broken} == {
        ("missions", "one"), ("missions", "two"), ("elements", "lab"), ("elements", "mast"),
    }  # fmt: skip
    assert result.orphaned_objectives == ("water",)
    assert result.shares_before == pytest.approx({"cn": 0.6, "ru": 0.4})
    assert result.shares_after == {"cn": 1.0}
    assert [(step.kind, step.to) for step in result.repair] == [("carry", "spare"), ("require", "spare")]
    assert result.repaired is True
    assert plan.sha256 == before


def test_what_fits_nowhere_needs_a_launch(plan_of, a_mission, an_element):
    plan = two_missions(plan_of, a_mission, an_element, mass_kg=3300.0)
    result = what_if(plan, cancel=["one"])
    assert ("launch", "elements[mast].mission") in [(step.kind, step.subject) for step in result.repair]
    assert result.repaired is False


def test_slip_and_cancel_of_the_bundled_plan():
    plan = load_plan("ilrs")
    before = plan.sha256
    result = what_if(plan, slip={"ilrs-1": 2.0}, cancel=["ce8"])
    moved = {row.id for row in result.moved if row.table == "missions"}
    assert "ilrs-1" in moved
    broken = {row.id for row in result.broken}
    needing = {row.id for row in plan.missions if "ce8" in row.requires}
    assert {"ce8"} | needing <= broken
    assert not moved & broken
    assert sum(result.shares_before.values()) == pytest.approx(1.0)
    assert sum(result.shares_after.values()) == pytest.approx(1.0)
    assert result.repair
    assert plan.sha256 == before
    keys = {"moved", "broken", "orphaned_objectives", "shares_before", "shares_after", "repair"}
    assert keys <= result.to_dict().keys()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "nothing to change"),
        ({"slip": {"two": 0.0}}, "no slip"),
        ({"slip": {"two": float("nan")}}, "no slip"),
        ({"slip": {"two": -1.0}}, "no slip"),
        ({"slip": {"two": 1.0}, "cancel": ["two"]}, "slipped and cancelled"),
        ({"cancel": ["old"]}, "is flown already"),
    ],
)
def test_changes_that_cannot_be(plan_of, a_mission, change, text):
    plan = plan_of([a_mission("old", "2019", status="flown"), a_mission("two", "2033")])
    with pytest.raises(InputError, match=text):
        what_if(plan, **change)


def test_an_unknown_mission(plan_of, a_mission):
    with pytest.raises(UnknownNameError, match="did you mean two"):
        what_if(plan_of([a_mission("two", "2033")]), cancel=["twoo"])


@pytest.mark.parametrize(
    ("launch", "years", "after"),
    [
        ("2031", 2.0, "2033-01-01T00:00:00Z/2033-12-31T23:59:59Z"),
        ("2032-02-29", 1.0, "2033-02-28T00:00:00Z/2033-02-28T23:59:59Z"),
        ("2031-06-01T12:00Z", 0.5, "2031-12-01T12:00:00Z/2031-12-01T12:00:00Z"),
    ],
)
def test_dates_slip_on_the_calendar(plan_of, a_mission, launch, years, after):
    plan = plan_of([a_mission("one", launch, landing=launch)])
    slipped = changed_plan(plan, slip={"one": years}).mission("one")
    assert slipped.launch == slipped.landing
    assert slipped.launch == after
    assert when_bounds(slipped.launch)[0] > when_bounds(launch)[0]


def test_objectives_and_their_ways(plan_of, a_mission, an_element):
    plan = two_missions(plan_of, a_mission, an_element)
    (row,) = objective_status(plan)
    assert row.status == "planned"
    assert (row.instruments[0].instrument, row.instruments[0].mission) == ("drill", "two")
    assert orphaned(plan) == ()
    assert orphaned(plan, ["lab"]) == ("water",)
    assert objective_status(plan, ["lab"])[0].status == "orphaned"
    assert objective_status(plan.model_copy(update={"instruments": ()}))[0].status == "open"
    flown = plan.mission("two").model_copy(update={"status": "flown"})
    assert objective_status(plan.model_copy(update={"missions": (flown,)}))[0].status == "served"
    assert row.to_dict()["instruments"][0]["arrives"] is True


def test_bundled_objectives_without_an_instrument():
    plan = load_plan("ilrs")
    never = [step.element for step in build_order(plan).steps if step.never]
    served = {name for row in plan.instruments if row.element not in never for name in row.objectives}
    assert set(orphaned(plan, never)) == {row.id for row in plan.objectives} - served
