"""Objectives traced to instruments, dates and data, and what could serve those without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from moonpost.campaign import build_order, objective_status, science_trace, serving_options
from moonpost.campaign.precedents import PRECEDENTS, precedents
from moonpost.errors import DateError, UnknownNameError
from moonpost.plan import Plan, load_plan

CITED = {"source": "made for this test", "confidence": "B"}
PlanOf = Callable[..., Plan]
Row = Callable[..., dict[str, Any]]


def instrument(name: str, element: str, *objectives: str, **more: Any) -> dict[str, Any]:
    given = {"name": name.title(), "owner": "cn", "objectives": list(objectives) or ["water"], **more}
    return {"id": name, "element": element, **given, **CITED}


def product(name: str, source: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "name": name.title(), "instrument": source, "level": "raw", **more, **CITED}


@pytest.fixture
def two(plan_of: PlanOf, a_mission: Row, an_element: Row) -> Callable[..., Plan]:
    """Two landers with a drill on the first."""

    def make(**first: Any) -> Plan:
        missions = [
            a_mission("one", "2030-01-01", landing="2030-01-06", **first),
            a_mission("two", "2032-01-01", landing="2032-01-06"),
        ]
        elements = [
            an_element("lander-1", "one", kind="lander", bus="own"),
            an_element("lander-2", "two", kind="lander", bus="own"),
        ]
        return plan_of(
            missions,
            elements,
            instruments=[instrument("drill", "lander-1", mass_kg=12.0)],
            products=[product("ice", "drill", embargo_days=100, partners_after_days=10)],
        )

    return make


def test_an_objective_is_traced_to_dates_and_data(two: Callable[..., Plan]) -> None:
    plan = two()
    (row,) = science_trace(plan, at="2031-01-01")
    step = next(step for step in build_order(plan).steps if step.element == "lander-1")
    assert (row.status, row.served_from, row.served_from_latest) == ("planned", step.ready, step.ready_latest)
    assert (row.instruments, row.arriving, row.missions) == (("drill",), ("drill",), ("one",))
    (data,) = row.data
    assert (data.product, data.partners_from, data.public_from) == ("ice", "2030-01-17", "2030-04-17")
    assert data.state == "due"
    assert row.options == ()
    keys = ("objective", "name", "area", "status", "served_from", "instruments", "missions", "data", "options")
    assert set(keys) <= set(row.to_dict())


def test_the_earliest_instrument_counts(two: Callable[..., Plan]) -> None:
    plan = two()
    more = plan.instruments[0].model_copy(update={"id": "late", "element": "lander-2"})
    both = plan.model_copy(update={"instruments": (more, *plan.instruments)})
    (row,) = science_trace(both)
    assert row.served_from == science_trace(plan)[0].served_from
    alone = plan.model_copy(update={"instruments": (more,), "products": ()})
    (later,) = science_trace(alone)
    assert later.served_from is not None
    assert row.served_from is not None
    assert later.served_from > row.served_from


def test_an_instrument_that_does_not_arrive_moves_to_a_like_carrier(two: Callable[..., Plan]) -> None:
    plan = two(status="cancelled")
    (row,) = science_trace(plan, at="2031-01-01")
    assert (row.status, row.served_from, row.arriving) == ("orphaned", None, ())
    assert [item.state for item in row.data] == ["never"]
    move = row.options[0]
    assert (move.kind, move.instrument, move.element, move.mission) == ("move", "drill", "lander-2", "two")
    assert "12 kg" in move.text


def test_data_of_an_instrument_that_never_works_never_come(two: Callable[..., Plan]) -> None:
    plan = two()
    order = build_order(plan)
    steps = tuple(replace(step, ready=None, ready_latest=None, never="broken") for step in order.steps)
    (row,) = science_trace(plan, replace(order, steps=steps), at="2031-01-01")
    assert (row.status, row.served_from) == ("orphaned", None)
    assert [(item.state, item.public_from) for item in row.data] == [("never", None)]
    published = plan.products[0].model_copy(update={"published": "2030-03-01"})
    shown = plan.model_copy(update={"products": (published,)})
    (row,) = science_trace(shown, replace(order, steps=steps), at="2031-01-01")
    assert [item.state for item in row.data] == ["public"]


def test_a_carrier_of_another_kind_is_not_offered(two: Callable[..., Plan]) -> None:
    plan = two(status="lost")
    elements = tuple(
        row.model_copy(update={"kind": "rover"}) if row.id == "lander-2" else row for row in plan.elements
    )
    other = plan.model_copy(update={"elements": elements})
    assert {row.kind for row in serving_options(other, "water")}.isdisjoint({"move"})
    assert "move" in {row.kind for row in serving_options(plan, "water")}
    assert "move" not in {row.kind for row in serving_options(plan, "water", ["lander-2"])}


def test_open_calls_are_offered_until_they_are_announced(plan_of: PlanOf, a_mission: Row, an_element: Row) -> None:
    call = {
        "id": "call",
        "name": "Call",
        "mission": "one",
        "opened": "2029",
        "payload_each_kg": 20.0,
        "host": "lander-1",
        **CITED,
    }
    missions, elements = [a_mission("one", "2030-01-01")], [an_element("lander-1", "one")]
    plan = plan_of(missions, elements, calls=[call])
    (option,) = [row for row in serving_options(plan, "water") if row.kind == "call"]
    assert (option.element, option.mission) == ("lander-1", "one")
    assert "20 kg" in option.text
    done = plan_of(missions, elements, calls=[{**call, "announced": "2029-06"}])
    assert not [row for row in serving_options(done, "water") if row.kind == "call"]


def test_where_nothing_is_known_it_says_so(plan_of: PlanOf) -> None:
    odd = {"id": "granular", "name": "Granular physics", "area": "basic", **CITED}
    plan = plan_of([], objectives=[odd])
    (option,) = serving_options(plan, "granular")
    assert (option.kind, option.confidence) == ("none", "C")


def test_instruments_of_the_same_technique_are_offered(plan_of: PlanOf, a_mission: Row, an_element: Row) -> None:
    objectives = [
        {"id": "water", "name": "Water", "area": "geology", **CITED},
        {"id": "caves", "name": "Lava tubes", "area": "geology", **CITED},
    ]
    plan = plan_of(
        [a_mission("one", "2030-01-01")],
        [an_element("rover", "one", kind="rover", bus="own")],
        objectives=objectives,
        instruments=[instrument("radar", "rover"), instrument("camera", "rover")],
    )
    options = serving_options(plan, "caves")
    assert [row.instrument for row in options if row.kind == "extend"] == ["radar"]
    assert {row.confidence for row in options if row.kind == "precedent"} == {"C"}
    assert len([row for row in serving_options(plan, "caves", most=1) if row.kind == "precedent"]) == 1


def test_bundled_plan_names_the_four_without_an_instrument() -> None:
    plan = load_plan("ilrs")
    rows = science_trace(plan, at="2026-11-01")
    bare = {row.objective for row in rows if row.options}
    assert bare == {row.objective for row in rows if row.status in ("open", "orphaned")}
    assert bare == {"lava-tubes", "low-frequency-sky", "low-gravity-physics", "regolith-building"}
    status = {row.objective: row.status for row in objective_status(plan)}
    assert all(row.data and row.served_from for row in rows if status[row.objective] == "planned")
    radar = next(row for row in rows if row.objective == "lava-tubes").options
    assert [option.instrument for option in radar if option.kind == "extend"] == ["ground-radar"]


def test_precedents_are_found_by_the_beginnings_of_words() -> None:
    assert precedents("practice") == ()
    assert [row.carrier for row in precedents("ice")] == ["Lunar Reconnaissance Orbiter"]
    assert len({(row.name, row.carrier) for row in PRECEDENTS}) == len(PRECEDENTS)


def test_unknown_objectives_and_days_are_refused(two: Callable[..., Plan]) -> None:
    with pytest.raises(UnknownNameError, match="objective"):
        serving_options(two(), "nothing")
    with pytest.raises(DateError):
        science_trace(two(), at="yesterday")
