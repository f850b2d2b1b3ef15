"""The build order: nothing works before what it requires, and what cannot be is said."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.campaign import build_order, capability
from moonpost.errors import InputError, ModelError
from moonpost.plan import load_plan


def test_dates_by_hand(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2031-01-01"), a_mission("two", "2031-06-01", landing="2031-06-20", requires=["one"])],
        [an_element("mast", "one", life_years=10.0), an_element("lab", "two", requires=["mast"])],
    )
    order = build_order(plan, transit_days=4.0, commissioning_days=20.0)
    mast, lab = order.steps
    assert (mast.landing, mast.ready) == ("2031-01-05T00:00:00Z", "2031-01-25T00:00:00Z")
    assert mast.end == "2041-01-24T12:00:00Z"
    assert (lab.landing, lab.ready, lab.waits_days) == ("2031-06-20T00:00:00Z", "2031-07-10T00:00:00Z", 0.0)
    assert order.findings == ()
    bars = [(bar["element"], bar["kind"]) for bar in order.gantt()]
    assert bars[:3] == [("mast", "transit"), ("mast", "commissioning"), ("mast", "operation")]
    assert order.gantt()[-1]["stop"] is None, "no end of life is stated"
    assert order.gantt()[-1]["predecessors"] == ["mast"]


def test_an_element_waits_for_what_lands_later(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2031-01-01"), a_mission("two", "2032-01-01")],
        [an_element("lab", "one", powered_by="mast"), an_element("mast", "two")],
    )
    order = build_order(plan)
    lab = order.step("lab")
    assert lab.predecessors == ("mast",)
    assert lab.commissioning == order.step("mast").ready
    assert lab.waits_days == pytest.approx(395.0)
    (finding,) = order.findings
    assert (finding.severity, finding.code, finding.place) == ("warning", "lands-early", "elements[lab].requires")
    assert ("lab", "waiting") in [(bar["element"], bar["kind"]) for bar in order.gantt()]


def test_a_mission_that_comes_before_what_it_requires_is_moved(plan_of, a_mission):
    plan = plan_of([a_mission("two", "2031", requires=["one"]), a_mission("one", "2033-03-01")])
    order = build_order(plan)
    two = next(row for row in order.missions if row.mission == "two")
    assert two.moved
    assert two.launch == "2033-03-06T00:00:00Z"
    assert [(found.code, found.place) for found in order.findings] == [("requires-later", "missions[two].launch")]
    assert "2031" in order.findings[0].text


def test_ranges_that_overlap_are_a_warning(plan_of, a_mission):
    plan = plan_of([a_mission("one", "2031/2032"), a_mission("two", "2032/2033", requires=["one"])])
    order = build_order(plan)
    assert [found.code for found in order.findings] == ["requires-close"]
    assert not any(row.moved for row in order.missions)
    two = order.missions[1]
    assert (two.launch, two.launch_latest) == ("2032-01-01T00:00:00Z", "2033-12-31T23:59:59Z")


def test_a_launcher_that_is_not_there_yet(plan_of, a_mission):
    late = {"id": "big", "name": "Big", "owner": "cn", "available": "2034", "source": "made up", "confidence": "C"}
    plan = plan_of([a_mission("one", "2031")], launchers=[late])
    order = build_order(plan)
    assert order.missions[0].launch == "2034-01-01T00:00:00Z"
    assert "big flies from 2034-01-01" in order.findings[0].text


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_what_is_gone_takes_others_with_it(plan_of, a_mission, an_element, status):
    plan = plan_of(
        [
            a_mission("one", "2031", status=status),
            a_mission("two", "2032", requires=["one"]),
            a_mission("three", "2033"),
        ],
        [an_element("a", "one"), an_element("b", "two"), an_element("c", "three", requires=["b"])],
    )
    order = build_order(plan)
    assert order.step("a").never == f"its mission one is {status}"
    assert order.step("b").never == "its mission two cannot fly"
    assert order.step("c").never == "requires b, which never works"
    assert [found.code for found in order.findings] == ["requires-lost", "requires-never"]
    assert all(found.severity == "error" for found in order.findings)
    assert {row.mission: row.blocked_by for row in order.missions}["two"] == f"requires one, which is {status}"
    assert capability(plan, order) == ()


def test_what_wore_out_before_it_is_needed(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2031"), a_mission("two", "2039")],
        [an_element("relay", "one", life_years=5.0), an_element("lab", "two", requires=["relay"])],
    )
    assert [found.code for found in build_order(plan).findings] == ["requires-worn-out"]


def test_circles_are_named(plan_of, a_mission, an_element):
    missions = [a_mission("one", "2031", requires=["two"]), a_mission("two", "2031", requires=["one"])]
    with pytest.raises(ModelError, match=r"missions: .*one -> two|missions: .*two -> one"):
        build_order(plan_of(missions))
    elements = [an_element("a", "one", requires=["b"]), an_element("b", "one", powered_by="a")]
    with pytest.raises(ModelError, match=r"elements: .*circle"):
        build_order(plan_of([a_mission("one", "2031")], elements))


@pytest.mark.parametrize("days", [-1.0, float("nan"), float("inf")])
def test_no_duration(plan_of, days):
    with pytest.raises(InputError, match="transit_days"):
        build_order(plan_of([]), transit_days=days)


def test_what_has_flown_keeps_its_dates(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2019-01-01", status="flown", landing="2019-01-03T02:26Z", requires=["two"]),
         a_mission("two", "2033")],
        [an_element("rover", "one")],
    )  # fmt: skip
    rover = build_order(plan).step("rover")
    assert rover.landing == rover.ready == "2019-01-03T02:26:00Z"


def test_an_unknown_element(plan_of):
    with pytest.raises(InputError, match="ghost"):
        build_order(plan_of([])).step("ghost")


years = st.integers(2030, 2036)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(years, st.sets(st.integers(0, 6), max_size=3)), min_size=1, max_size=7),
    st.lists(st.tuples(st.integers(0, 6), st.sets(st.integers(0, 6), max_size=3)), max_size=7),
)
def test_order_is_kept_whatever_the_plan(plan_of, a_mission, an_element, flights, machines):
    """Rows may require earlier rows only, so that there is no circle."""
    missions = [
        a_mission(f"m{at}", str(year), requires=[f"m{need}" for need in sorted(needs) if need < at])
        for at, (year, needs) in enumerate(flights)
    ]
    elements = [
        an_element(
            f"e{at}", f"m{brought % len(flights)}", requires=[f"e{need}" for need in sorted(needs) if need < at]
        )
        for at, (brought, needs) in enumerate(machines)
    ]
    order = build_order(plan_of(missions, elements))
    flown = {row.mission: row for row in order.missions}
    for row in missions:
        for need in row["requires"]:
            assert flown[row["id"]].launch >= flown[need].arrival
            assert flown[row["id"]].launch_latest >= flown[need].arrival_latest
    for step in order.steps:
        assert step.landing <= step.commissioning <= step.ready <= step.ready_latest
        for need in step.predecessors:
            assert order.step(need).ready <= step.commissioning
    moved = {found.place for found in order.findings if found.severity == "error"}
    assert moved == {f"missions[{name}].launch" for name, row in flown.items() if row.moved}


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_bundled_plans_can_be_built(name):
    plan = load_plan(name)
    order = build_order(plan)
    assert [found for found in order.findings if found.severity == "error"] == []
    assert {step.element for step in order.steps} == {row.id for row in plan.elements}
    curve = capability(plan, order)
    late = capability(plan, order, case="latest")
    assert max(point.station_power_w for point in curve) == max(point.station_power_w for point in late) > 0
    assert [dt.datetime.fromisoformat(point.date) for point in curve] == sorted(
        dt.datetime.fromisoformat(point.date) for point in curve
    )


def test_capability_by_hand(plan_of, a_mission, an_element):
    sun = {"kind": "solar", "rated_w": 1000.0, "mount": "horizontal"}
    reactor = {"kind": "reactor", "electric_w": 5000.0, "availability": 0.9, "life_years": 10.0}
    drill = {"id": "drill", "name": "Drill", "owner": "cn", "element": "lab", "objectives": ["water"],
             "source": "made for this test", "confidence": "C"}  # fmt: skip
    plan = plan_of(
        [a_mission("one", "2031-01-01"), a_mission("two", "2032-01-01")],
        [
            an_element("array", "one", 500.0, count=2, generators=[sun], life_years=3.0),
            an_element("lab", "two", None, bus="own", generators=[reactor]),
        ],
        instruments=[drill],
    )
    first, second, third = capability(plan, build_order(plan))
    assert (first.station_power_w, first.own_power_w, first.mass_kg, first.objectives) == (2000.0, 0.0, 1000.0, 0)
    assert (second.own_power_w, second.unknown_mass, second.objectives, second.instruments) == (4500.0, 1, 1, 1)
    assert third.cause == ("-array",)
    assert (third.station_power_w, third.elements) == (0.0, 1)
    assert third.to_dict()["date"] == third.date
