"""The manifest: order, sums, negative margins kept, unknowns said."""

import math

import pytest

from moonpost.campaign import manifest
from moonpost.plan import load_plan


def test_order_and_sums_by_year(plan_of, a_mission):
    plan = plan_of(
        [
            a_mission("later", "2033/2034", launch_mass_kg=9000.0),
            a_mission("first", "2031", launch_mass_kg=8000.0, landed_mass_kg=3000.0, payload_mass_kg=900.0),
            a_mission("gone", "2032", status="cancelled"),
            a_mission("fallen", "2031-06", status="lost", launch_mass_kg=8000.0),
        ]
    )
    table = manifest(plan)
    assert [row.mission for row in table.rows] == ["fallen", "first", "later"]
    assert [row.year for row in table.years] == [2031, 2032, 2033, 2034]
    first, _, third, last = table.years
    assert (first.launches, first.landed_kg, first.payload_kg) == (2, 3000.0, 900.0)
    assert third.launches == 0
    assert last.cumulative_launches == 3
    assert last.cumulative_landed_kg == pytest.approx(3000.0 + 9000.0 * math.exp(-2980.0 / 9.80665 / 311.0))
    assert table.rows[0].landed.mark == "none", "what was lost lands nothing"


def test_marks_tell_facts_from_reckoning(plan_of, a_mission):
    plan = plan_of(
        [
            a_mission("fact", "2031", launch_mass_kg=8000.0, landed_mass_kg=3000.0),
            a_mission("guess", "2032", launch_mass_kg=8000.0, confidence="C") | {"confidence": "C"},
            a_mission("capacity", "2033"),
            a_mission("nothing", "2034", launcher=None),
        ]
    )
    fact, guess, capacity, nothing = manifest(plan).rows
    assert (fact.launched.mark, fact.landed.mark, fact.payload.mark) == ("published", "published", "bound")
    assert fact.payload.kg == pytest.approx(2400.0)
    assert (guess.launched.mark, guess.landed.mark) == ("estimate", "computed")
    assert guess.landed.low_kg < guess.landed.kg < guess.landed.high_kg
    assert (capacity.launched.kg, capacity.launched.mark) == (10_000.0, "bound")
    assert nothing.landed.kg is None
    assert "landed mass" in nothing.unknown
    assert nothing.note == "no mass after injection is known"
    assert manifest(plan).years[-1].unknown == ("nothing",)


def test_margins_may_be_negative(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("heavy", "2031", launch_mass_kg=12_000.0)],
        [an_element("block", "heavy", 3000.0, count=2, mass_low_kg=2500.0, mass_high_kg=4000.0)],
    )
    row = manifest(plan).rows[0]
    assert row.capacity_margin_kg == -2000.0
    assert (row.elements.low_kg, row.elements.kg, row.elements.high_kg) == (5000.0, 6000.0, 8000.0)
    assert row.delivery_margin_kg == pytest.approx(row.landed.kg - 6000.0)
    assert row.delivery_margin_kg < 0


def test_one_unknown_element_makes_the_sum_unknown(plan_of, a_mission, an_element):
    plan = plan_of(
        [a_mission("one", "2031", launch_mass_kg=9000.0)], [an_element("a", "one"), an_element("b", "one", None)]
    )
    row = manifest(plan).rows[0]
    assert row.elements.kg is None
    assert row.delivery_margin_kg is None
    assert "masses of its elements" in row.unknown


def test_no_missions_at_all(plan_of):
    assert manifest(plan_of([])).to_dict() == {"rows": (), "years": ()}


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_bundled_plans(name):
    plan = load_plan(name)
    table = manifest(plan)
    assert {row.mission for row in table.rows} == {row.id for row in plan.missions if row.status != "cancelled"}
    assert sum(row.launches for row in table.years) == len(table.rows)
    for row in table.rows:
        for mass in (row.launched, row.landed, row.in_orbit, row.payload, row.elements):
            assert (mass.kg is None) == (mass.mark == "unknown")
            assert mass.low_kg is None or mass.low_kg <= mass.kg
    dates = [row.launch_latest for row in table.rows]
    assert dates == sorted(dates)
