"""Demonstrations: when the result is there, and whether in time for what relies on it."""

import pytest
from pydantic import ValidationError

from moonpost.campaign import changed_plan, demonstration_status, unproven, what_if
from moonpost.errors import InputError
from moonpost.plan import load_plan

CITED = {"source": "made for this test", "confidence": "C"}


def trial(**more):
    return {
        "id": "hop", "name": "Hop", "mission": "try", "element": "hopper", "trl_now": 4, "trl_goal": 7,
        "objective": "Hop into the dark", "exit_criterion": "One hop and back", "needed_by": ["plant"], **more,
        **CITED,
    }  # fmt: skip


def plan_with(plan_of, a_mission, an_element, first="2030-01-01", second="2034-01-01", **more):
    missions = [a_mission("try", first, landing=first), a_mission("use", second, landing=second)]
    elements = [an_element("hopper", "try", bus="own"), an_element("plant", "use")]
    return plan_of(missions, elements, demonstrations=[trial(**more)])


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("2030-01-01T00:00Z", "2034-01-01T00:00Z", "in time"),
        # 30 days of commissioning, 180 of proving and 365 of lead: 575 days
        ("2030-01-01T00:00Z", "2031-07-30T00:00Z", "in time"),
        ("2030-01-01T00:00Z", "2031-07-29T00:00Z", "late"),
        ("2030/2032", "2034-01-01", "at risk"),
        ("2030/2032", "2031-01-01", "late"),
    ],
)
def test_time_between_a_result_and_what_relies_on_it(plan_of, a_mission, an_element, first, second, status):
    (row,) = demonstration_status(plan_with(plan_of, a_mission, an_element, first, second))
    assert row.status == status
    assert row.needed_by[0].element == "plant"


def test_without_waiting_times_only_the_dates_count(plan_of, a_mission, an_element):
    plan = plan_with(plan_of, a_mission, an_element, "2030-01-01T00:00Z", "2030-03-02T00:00Z")
    (row,) = demonstration_status(plan, proving_days=0.0, lead_days=0.0)
    assert row.shown == "2030-01-31T00:00:00Z", "after 30 days of commissioning"
    assert row.needed_by[0].spare_days == pytest.approx(30.0)
    (late,) = demonstration_status(plan, proving_days=31.0, lead_days=0.0)
    assert late.status == "late"
    assert late.needed_by[0].spare_days == pytest.approx(-1.0)


def test_a_cancelled_trial_is_never_shown_and_a_cancelled_user_does_not_mind(plan_of, a_mission, an_element):
    plan = plan_with(plan_of, a_mission, an_element)
    (never,) = demonstration_status(changed_plan(plan, cancel=["try"]))
    assert (never.status, never.tried, never.shown) == ("never", "never", None)
    (idle,) = demonstration_status(changed_plan(plan, cancel=["use"]))
    assert idle.status == "idle"


def test_a_slip_makes_a_result_late_and_what_if_says_so(plan_of, a_mission, an_element):
    plan = plan_with(plan_of, a_mission, an_element)
    result = what_if(plan, slip={"try": "3y"})
    assert [(row.demonstration, row.status) for row in result.demonstrations] == [("hop", "late")]
    assert what_if(plan, slip={"try": "1y"}).demonstrations == ()


def test_a_trial_of_a_mission_that_has_flown(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("try", "2020", status="flown"), a_mission("use", "2034")],
        [an_element("plant", "use")],
        demonstrations=[trial(element=None)],
    )
    (row,) = demonstration_status(plan)
    assert (row.tried, row.status) == ("flown", "in time")


@pytest.mark.parametrize("days", [float("nan"), -1.0, 1e9])
def test_times_that_cannot_be(plan_of, a_mission, an_element, days):
    with pytest.raises(InputError, match="is no time"):
        demonstration_status(plan_with(plan_of, a_mission, an_element), proving_days=days)


def test_readiness_does_not_fall_and_a_criterion_is_asked_for(plan_of, a_mission, an_element):
    with pytest.raises(ValidationError, match="trl_goal is below trl_now"):
        plan_with(plan_of, a_mission, an_element, trl_goal=3)
    with pytest.raises(ValidationError, match="exit_criterion"):
        plan_with(plan_of, a_mission, an_element, exit_criterion="")


def test_new_elements_that_nothing_shows_first(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("try", "2030"), a_mission("use", "2034")],
        [an_element("plant", "use"), an_element("mast", "use"), an_element("old", "use", maturity="flown")],
        demonstrations=[trial(element=None)],
    )
    assert unproven(plan) == ("mast",)


def test_the_bundled_demonstrations_have_all_that_a_review_asks_for():
    rows = demonstration_status(load_plan("ilrs"))
    assert len(rows) >= 5
    for row in rows:
        assert 1 <= row.trl_now <= row.trl_goal <= 9
        assert len(row.objective) > 20
        assert any(char.isdigit() or word in row.exit_criterion.lower() for char in row.exit_criterion
                   for word in ("one", "two", "three", "six"))  # fmt: skip
    never = {row.demonstration for row in demonstration_status(changed_plan(load_plan("ilrs"), cancel=["ce8"]))
             if row.status == "never"}  # fmt: skip
    assert never == {"robot-work"}, "the plant that relies on the other cannot fly at all"
