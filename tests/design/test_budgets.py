"""Budgets: margins by maturity and system, unknown masses said, negative margins kept."""

from __future__ import annotations

import pytest

from moonpost.design import mass_budget, power_budget
from moonpost.plan import load_plan
from moonpost.plan.model import Plan

SOURCED = {"source": "test", "confidence": "C"}


def plan_of(missions, elements):
    mission = {"kind": "cargo", "status": "planned", "owner": "a", "launch": "2031"} | SOURCED
    element = {"owner": "a", "kind": "power", "mission": "m", "maturity": "new"} | SOURCED
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge"} | SOURCED,
            "design": {"start": "2035", "system_margin": 0.25, "bus_efficiency": 0.8} | SOURCED,
            "partners": [{"id": p, "name": p, "kind": "agency", "role": "founder"} | SOURCED for p in ("a", "b")],
            "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.0, "longitude_deg": 0.0} | SOURCED],
            "launchers": [{"id": "big", "name": "Big", "owner": "a", "tli_mass_kg": 1000.0} | SOURCED],
            "missions": [{"name": m["id"]} | mission | m for m in missions],
            "elements": [{"name": e["id"]} | element | e for e in elements],
        }
    )


def test_mass_margins_by_maturity_then_system():
    plan = plan_of(
        [{"id": "m", "launcher": "big", "launch_mass_kg": 1100.0}],
        [
            {"id": "new", "mass_kg": 100.0},
            {"id": "range", "mass_low_kg": 50.0, "mass_high_kg": 150.0, "maturity": "modified", "count": 2},
            {"id": "old", "mass_kg": 40.0, "maturity": "flown", "owner": "b"},
            {"id": "unknown"},
            {"id": "sat", "kind": "relay", "mass_kg": 500.0},
        ],
    )
    budget = mass_budget(plan, delivered_capability_kg={"m": 450.0})
    assert [row.margined_kg for row in budget.rows] == pytest.approx([120.0, 220.0, 42.0, None, 600.0])
    mission = budget.missions[0]
    assert mission.elements_kg == 340.0
    assert mission.budget_kg == pytest.approx(382.0 * 1.25)
    assert mission.unknown == ("unknown",)
    assert mission.delivered_margin_kg == pytest.approx(450.0 - 477.5)
    assert mission.launch_margin_kg == pytest.approx(-100.0)
    assert mission.closes is False
    assert budget.owner_kg == pytest.approx({"a": 940.0, "b": 42.0})
    other = mass_budget(plan, launch_capacity_kg={"m": 2000.0}).missions[0]
    assert other.launch_margin_kg == pytest.approx(900.0)
    assert other.delivered_margin_kg is None
    assert other.closes is True


def test_what_flew_carries_no_margin_and_what_is_cancelled_no_share():
    plan = plan_of(
        [{"id": "m", "status": "flown"}, {"id": "n", "status": "cancelled"}, {"id": "o", "kind": "orbiter"}],
        [
            {"id": "x", "mass_kg": 100.0, "maturity": "flown"},
            {"id": "y", "mass_kg": 100.0, "mission": "n", "owner": "b"},
            {"id": "z", "mass_kg": 10.0, "mission": "o", "kind": "orbiter"},
        ],
    )
    budget = mass_budget(plan)
    assert [mission.budget_kg for mission in budget.missions] == pytest.approx([100.0, 150.0, 15.0])
    assert budget.owner_kg == pytest.approx({"a": 112.0})


def test_nothing_weighed_is_no_margin():
    mission = mass_budget(plan_of([{"id": "m"}], [{"id": "x"}]), delivered_capability_kg={"m": 10.0}).missions[0]
    assert mission.delivered_margin_kg is None
    assert mission.closes is None


def test_power_by_bus_owner_and_mission():
    day = {"name": "work", "when": "light", "power_w": 100.0}
    night = {"name": "sleep", "when": "dark", "power_w": 10.0}
    array = {"kind": "solar", "rated_w": 500.0, "mount": "horizontal"}
    rtg = {"kind": "radioisotope", "electric_w": 5.0, "thermal_w": 100.0}
    reactor = {"kind": "reactor", "electric_w": 50.0, "availability": 0.5}
    plan = plan_of(
        [{"id": "m"}],
        [
            {"id": "lab", "bus": "station", "modes": [day, night], "count": 2, "maturity": "modified"},
            {"id": "plant", "bus": "station", "owner": "b", "generators": [array, rtg, reactor]},
            {"id": "heater", "bus": "station", "modes": [{"name": "on", "when": "always", "power_w": 20.0}]},
            {"id": "rover", "modes": [day], "generators": [array], "maturity": "flown"},
        ],
    )
    budget = power_budget(plan)
    station, rover = budget.totals
    assert station.light_w == pytest.approx((220.0 + 24.0) * 1.25)
    assert station.dark_w == pytest.approx((22.0 + 24.0) * 1.25)
    assert station.steady_w == pytest.approx((5.0 + 25.0) * 0.8)
    assert station.rated_w == pytest.approx((5.0 + 25.0 + 500.0) * 0.8)
    assert station.light_margin_w == pytest.approx(424.0 - 305.0)
    assert station.dark_margin_w == pytest.approx(24.0 - 57.5)
    assert (rover.bus, rover.dark_w) == ("rover", 0.0)
    assert budget.owner_light_w == pytest.approx({"a": 220.0 + 24.0 + 105.0, "b": 0.0})
    assert budget.mission_dark_w == pytest.approx({"m": 46.0})
    modes = {row.element: (row.light_mode, row.dark_mode) for row in budget.rows}
    assert modes["lab"] == ("work", "sleep")
    assert modes["rover"] == ("work", "")


def test_the_bundled_plan_has_every_element_once():
    plan = load_plan("ilrs")
    rows = mass_budget(plan).rows
    assert [row.element for row in rows] == [element.id for element in plan.elements]
    elements = [row.element for row in power_budget(plan).rows]
    assert len(elements) == len(set(elements))
