"""Cargo of a plan on launches that could bring it, beside the plan's own assignment."""

from __future__ import annotations

import datetime as dt

import pytest

from moonpost.campaign.cargo import plan_cargo
from moonpost.campaign.launches import flight_kinds
from moonpost.campaign.planlanding import plan_landing
from moonpost.campaign.planloading import campaign_start, plan_loading
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import load_plan


@pytest.fixture
def three(plan_of, a_mission, an_element):
    """Three missions, each with a third of what one launch brings (3,000 kg)."""
    missions = [
        a_mission("one", "2031"),
        a_mission("two", "2032", requires=["one"]),
        a_mission("three", "2033", requires=["one"]),
    ]
    elements = [
        an_element("a", "one", 800.0),
        an_element("b", "two", 700.0, maturity="flown", requires=["a"]),
        an_element("c", "three", 900.0, maturity="modified"),
    ]
    return plan_of(missions, elements)


def days_of(found):
    return {name: flight.arrival for flight in found.flights for name in flight.cargo}


def test_cargo_has_margins_order_and_days_of_need(three):
    rows = {row.id: row for row in plan_cargo(three).rows}
    assert {name: row.mass_kg for name, row in rows.items()} == {"a": 960.0, "b": 735.0, "c": 990.0}
    assert {name: row.after for name, row in rows.items()} == {"a": (), "b": ("a",), "c": ("a",)}
    assert rows["b"].need == dt.datetime(2033, 1, 5, 23, 59, 59)
    assert rows["b"].need_basis == "date of two"
    assert {row.ready for row in rows.values()} == {None}
    held = {row.id: row for row in plan_cargo(three, early=False).rows}
    assert held["b"].ready == dt.datetime(2032, 1, 6)


def test_one_launch_does_for_three_missions(three):
    found = plan_loading(three, windows=False)
    assert [flight.cargo for flight in found.flights] == [("a", "b", "c")]
    assert found.flights[0].cargo_kg == 2685.0
    assert (found.value, found.bound, found.optimal, found.gap) == (1.0, 1.0, True, 0.0)
    assert (found.measures.launches, found.own.launches) == (1, 3)
    assert found.own_faults == ()
    assert found.if_held == 3


def test_held_cargo_flies_no_earlier_than_planned(three):
    found = plan_loading(three, early=False, windows=False)
    when = days_of(found)
    assert when["a"] < "2032" <= when["b"] < "2033" <= when["c"]


def test_need_dates_are_kept_and_precedence_too(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2031/2035")],
        [an_element("a", "one", 2000.0), an_element("b", "one", 2000.0, needed="2031-06", requires=["a"])],
    )
    found = plan_loading(plan, windows=False)
    assert found.flights == ()
    assert any("b has to arrive by 2031-06-30 (needed)" in text for text in found.conflict)
    assert any("b must not come before a" in text for text in found.conflict)
    later = plan_loading(plan, windows=False, kinds=flight_kinds(plan, per_year={"big": 4.0}))
    assert [flight.cargo for flight in later.flights] == [("a",), ("b",)]
    assert later.flights[1].arrival <= "2031-06-30T23:59:59Z"


def test_room_binds_where_mass_does_not(plan_of, a_mission, an_element):
    cited = {"source": "made for this test", "confidence": "B", "owner": "cn", "name": "Big"}
    plan = plan_of(
        [a_mission("one", "2031/2035")],
        [an_element(name, "one", 100.0, volume_m3=30.0) for name in ("a", "b", "c")],
        launchers=[{"id": "big", "tli_mass_kg": 10_000.0, "fairing_m3": 70.0, **cited}],
    )
    found = plan_loading(plan, windows=False)
    assert sorted(len(flight.cargo) for flight in found.flights) == [1, 2]
    assert max(flight.cargo_m3 for flight in found.flights) == 60.0
    small = plan_loading(plan, windows=False, kinds=flight_kinds(plan, launchers=["big"], reserve=0.99))
    assert any("too heavy" in text for text in small.conflict) or small.candidates == 0


def test_several_of_an_element_fly_in_lots(plan_of, a_mission, an_element):
    plan = plan_of([a_mission("one", "2031/2035")], [an_element("a", "one", 1000.0, count=5, maturity="flown")])
    rows = plan_cargo(plan).rows
    assert [row.id for row in rows] == ["a/1", "a/2", "a/3", "a/4", "a/5"]
    found = plan_loading(plan, windows=False)
    assert found.measures.launches == 3
    plan = plan_of([a_mission("one", "2031")], [an_element("a", "one", 1.0, count=100)])
    many = plan_cargo(plan).rows
    assert (len(many), sum(row.pieces for row in many)) == (48, 100)
    assert "a flies in lots of up to 3, not one by one" in plan_loading(plan, windows=False).assumptions


def test_many_of_an_element_fly_wherever_one_of_them_fits(plan_of, a_mission, an_element):
    # of 1,600 kg a launch of 3,000 kg takes one: a lot of two would fit none
    plan = plan_of([a_mission("one", "2031/2045")], [an_element("a", "one", 1600.0, count=13, maturity="flown")])
    found = plan_loading(plan, windows=False)
    assert (found.optimal, found.measures.launches) == (True, 13)


def test_why_nothing_fits_is_told_as_it_is(plan_of, a_mission, an_element):
    plan = plan_of([a_mission("one", "2031/2033")], [an_element("a", "one", 100.0, volume_m3=900.0)],
                   launchers=[{"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 10_000.0,
                               "fairing_m3": 70.0, "source": "made for this test", "confidence": "B"}],
    )  # fmt: skip
    assert plan_loading(plan, windows=False).conflict[-1] == "a is too large for any launch: the largest has 70 m3"
    small = plan_loading(plan, windows=False, kinds=flight_kinds(plan, capacities={"big": 100.0}))
    assert small.conflict == ("no launcher can bring any of it: see what is left out",)


def test_what_takes_no_part_is_named(plan_of, a_mission, an_element):
    plan = plan_of(
        [
            a_mission("gone", "2031", status="cancelled"),
            a_mission("two", "2032", requires=["gone"]),
            a_mission("three", "2033"),
        ],
        [
            an_element("a", "gone"),
            an_element("b", "two"),
            an_element("c", "three", None),
            an_element("d", "three", kind="lander", bus="own"),
            an_element("e", "three", 100.0),
        ],
    )
    found = plan_cargo(plan)
    assert [row.id for row in found.rows] == ["e"]
    assert {row.id: row.reason for row in found.left_out} == {
        "b": "its mission two requires gone, which is cancelled",
        "c": "its mass is not known",
        "d": "is the lander of its flight",
    }
    assert [row.id for row in plan_cargo(plan, also=["a", "b"]).rows] == ["a", "b", "e"]
    with pytest.raises(InputError, match="mass is not known"):
        plan_cargo(plan, also=["c"])
    with pytest.raises(UnknownNameError):
        plan_cargo(plan, also=["nothing"])


def test_what_requires_something_lost_is_left_out_with_it(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("gone", "2025", status="lost"), a_mission("one", "2031")],
        [
            an_element("a", "gone"),
            an_element("b", "one", 100.0, requires=["a"]),
            an_element("c", "one", 100.0, powered_by="b"),
            an_element("d", "one", 100.0),
        ],
    )
    found = plan_cargo(plan)
    assert [row.id for row in found.rows] == ["d"]
    assert {row.id: row.reason for row in found.left_out} == {
        "b": "requires a, which never works",
        "c": "requires b, which never works",
    }
    assert [row.id for row in plan_cargo(plan, also=["a"]).rows] == ["a", "b", "c", "d"]


def test_cargo_waits_for_missions_that_fly_elsewhere(plan_of, a_mission, an_element):
    plan = plan_of(
        [
            a_mission("scout", "2032", kind="orbiter", transfer=None),
            a_mission("one", "2031/2035", requires=["scout"]),
        ],
        [an_element("a", "one", 100.0)],
    )
    (row,) = plan_cargo(plan).rows
    assert (row.ready, row.ready_basis) == (dt.datetime(2033, 1, 5, 23, 59, 59), "arrival of scout")
    assert days_of(plan_loading(plan, windows=False))["a"] >= "2033-01-05"


def test_the_own_assignment_that_does_not_fit_is_told(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2031"), a_mission("two", "2032", launcher=None)],
        [an_element("a", "one", 2900.0), an_element("b", "two", 100.0)],
    )
    found = plan_loading(plan, windows=False)
    assert "one brings 3,480 kg with margins, 3,000 kg fit" in found.own_faults
    assert "two has no mass after injection and no launcher of known capacity" in found.own_faults
    roomy = plan_of(
        [a_mission("one", "2031")],
        [an_element("a", "one", 10.0, volume_m3=9.0)],
        launchers=[{**plan.launchers[0].model_dump(), "fairing_m3": 8.0}],
    )
    assert plan_loading(roomy, windows=False).own_faults == ("one brings 9 m3, 8 m3 fit",)
    assert any("a is too large for any launch" in text for text in plan_loading(roomy, windows=False).conflict)
    assert any("a is too heavy for any launch" in text for text in found.conflict)


def test_costs_decide_where_they_are_asked(plan_of, a_mission, an_element):
    cited = {"source": "made for this test", "confidence": "B", "owner": "cn"}
    launchers = [
        {"id": "big", "name": "Big", "tli_mass_kg": 10_000.0, "cost": 5.0, **cited},
        {"id": "small", "name": "Small", "tli_mass_kg": 5_000.0, "cost": 1.0, "per_year": 2.0, **cited},
    ]
    plan = plan_of(
        [a_mission("one", "2031")],
        [an_element(name, "one", 1000.0) for name in ("a", "b")],
        launchers=launchers,
    )
    assert plan_loading(plan, windows=False).measures.launches == 1
    cheap = plan_loading(plan, aim="cost", windows=False)
    assert (cheap.value, [flight.launcher for flight in cheap.flights]) == (2.0, ["small", "small"])
    assert cheap.measures.cost == 2.0
    assert cheap.own.cost == 5.0


def test_nothing_to_bring_is_no_error(plan_of, a_mission):
    found = plan_loading(plan_of([]), windows=False)
    assert (found.flights, found.measures, found.own, found.conflict) == ((), None, None, ())
    flown = plan_of([a_mission("one", "2020", status="flown")])
    assert plan_loading(flown).candidates == 0
    with pytest.raises(InputError, match="still to fly"):
        campaign_start(flown)


def test_bad_starts_are_named(three):
    with pytest.raises(InputError, match="not a date"):
        plan_loading(three, start="soon", windows=False)
    assert "arrives by 2034-01-05" in plan_loading(three, start="2040", windows=False).conflict[0]


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
@pytest.mark.parametrize("aim", ["launches", "earliest", "robust"])
def test_bundled_plans_are_proved(name, aim):
    found = plan_loading(load_plan(name), aim=aim, windows=False)
    assert found.optimal
    assert found.gap == 0.0
    assert found.conflict == ()
    when, rows = days_of(found), {row.id: row for row in found.cargo.rows}
    assert set(when) == set(rows)
    for row in rows.values():
        assert when[row.id] <= row.need.isoformat() + "Z"
        assert all(when[before] <= when[row.id] for before in row.after)
    for flight in found.flights:
        assert flight.cargo_kg == pytest.approx(sum(rows[key].mass_kg for key in flight.cargo))
        assert flight.cargo_kg <= flight.capacity_kg
        assert flight.cargo_m3 <= flight.capacity_m3
    assert found.if_high <= found.measures.launches


def test_landing_with_the_launchers_of_a_plan(three):
    kinds = flight_kinds(three, per_year={"big": 2.0})
    found = plan_landing(three, 8000.0, "2032", kinds=kinds, windows=False)
    assert (found.launches, found.landed_kg, found.done) == (3, 9000.0, "2032-01-06T06:00:00Z")
    late = plan_landing(three, 20_000.0, "2032", kinds=kinds, windows=False)
    assert late.conflict.endswith("8,000 kg too little; all could be there by 2034-01-05")
    spare = plan_landing(three, 20_000.0, "2032", kinds=kinds, aim="robust", windows=False)
    assert spare.conflict.endswith("11,000 kg too little; all could be there by 2034-07-07")
    never = plan_landing(three, 1e9, "2032", kinds=kinds, windows=False)
    assert "nor can it by 20" in never.conflict
    with pytest.raises(InputError, match="before the first launch"):
        plan_landing(three, 8000.0, "2030")
    with pytest.raises(InputError, match="not a date"):
        plan_landing(three, 8000.0, "soon")
