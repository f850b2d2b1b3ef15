"""Storage sized for a plan carries it; a little less does not."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.design import carried_load, size_storage, storage_for_load
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.operations.simulation import simulate
from moonpost.plan import load_plan, with_number
from moonpost.plan.elements import SolarArray, Storage
from moonpost.plan.model import DesignRules, Plan

SOURCED = {"source": "test", "confidence": "C"}
RULES = {
    "start": "2035",
    "dust_loss": 0.0,
    "array_loss_per_year": 0.0,
    "bus_efficiency": 0.9,
    "system_margin": 0.2,
}
MISSION = {"kind": "cargo", "status": "planned", "launch": "2030"} | SOURCED
REACTOR = {"kind": "reactor", "electric_w": 40.0, "life_years": 0.01}


def plan_of(capacity_wh=1000.0, generators=(), rated_w=900.0, **design):
    modes = [{"name": "on", "when": "light", "power_w": 200}, {"name": "off", "when": "dark", "power_w": 100}]
    battery = {"capacity_wh": capacity_wh, "depth_of_discharge": 0.8, "specific_energy_wh_kg": 200.0}
    array = {"kind": "solar", "rated_w": rated_w, "mount": "two-axis", "mast_m": 10.0}
    element = {"owner": "a", "kind": "power", "mission": "first", "maturity": "new", "bus": "station"} | SOURCED
    elements = [
        {"id": "plant", "name": "Plant", "modes": modes, "generators": [array, *generators]} | element,
        {"id": "battery", "name": "Battery", "storage": battery} | element,
    ]
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "test",
            "title": "Test",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge"} | SOURCED,
            "design": RULES | SOURCED | design,
            "partners": [{"id": "a", "name": "A", "kind": "agency", "role": "founder"} | SOURCED],
            "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.0, "longitude_deg": 0.0} | SOURCED],
            "missions": [{"id": "first", "name": "First", "owner": "a", "site": "ridge"} | MISSION],
            "elements": elements,
        }
    )


def sun_of(count, step_s=3600.0):
    return SimpleNamespace(
        time=np.datetime64("2035-01-01", "ms") + np.arange(count) * np.timedelta64(int(step_s), "s"),
        azimuth_deg=np.zeros(count),
        elevation_deg=np.full(count, 1.0),
        distance_m=np.full(count, 149_597_870_700.0),
    )


def test_two_short_lit_gaps_need_more_than_the_longest_darkness():
    """By hand. Loads: 288 W in light, 144 W in dark (20 % and 20 %); 810 W on the bus in light: 522 W surplus.

    Three nights of 10 h with 1 h of light between: 1440 Wh each at the load, 1 h gives back 522 x 0.95 Wh.
    """
    light = np.array([1.0] * 30 + ([0.0] * 10 + [1.0]) * 3 + [1.0] * 30)
    sizing = size_storage(plan_of(), sun_of(light.size), {10.0: light})
    usable_wh = 3 * 1440.0 / 0.95 - 2 * 522.0 * 0.95
    assert sizing.required.usable_wh == pytest.approx(usable_wh, rel=1e-12)
    assert sizing.required.nameplate_wh == pytest.approx(usable_wh / 0.8, rel=1e-12)
    assert sizing.required.mass_kg == pytest.approx(usable_wh / 0.8 / 200.0, rel=1e-12)
    assert sizing.required.dark_alone_wh == pytest.approx(1440.0 / 0.95 / 0.8, rel=1e-12)
    assert sizing.required.longest_dark_s == 36_000.0
    assert sizing.margin_wh == pytest.approx(1000.0 - usable_wh / 0.8)
    assert not sizing.closes
    assert str(sizing.required.start)[:13] == "2035-01-02T06"
    assert str(sizing.required.deepest)[:13] == "2035-01-03T14"
    assert sizing.required.recovered > sizing.required.deepest
    json.dumps(sizing.to_dict())


@settings(max_examples=40, deadline=None)
@given(
    light=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.2, 0.7, 1.0]), min_size=3, max_size=80),
    step_s=st.sampled_from([900, 3600, 14_400]),
)
def test_what_is_sized_survives_its_simulation_and_one_percent_less_does_not(light, step_s):
    sun, given_light = sun_of(len(light), step_s), {10.0: light}
    sizing = size_storage(plan_of(), sun, given_light)
    need_wh = sizing.required.nameplate_wh
    if need_wh == 0.0:
        return
    path = "elements[battery].storage.capacity_wh"
    right = simulate(with_number(plan_of(), path, need_wh), sun, given_light, margins=True)
    less = simulate(with_number(plan_of(), path, 0.99 * need_wh), sun, given_light, margins=True)
    asked_wh = float(sizing.load_w.sum()) * step_s / 3600.0
    assert right.balances[0].shed_wh <= 1e-9 * asked_wh
    assert less.balances[0].shed_wh > 1e-6 * need_wh


@pytest.mark.parametrize(
    "limits",
    [
        {"charge_w": 100.0},
        {"fade_per_year": 0.15},
        {"fade_per_cycle": 0.005},
        {"charge_w": 200.0, "fade_per_year": 0.1, "fade_per_cycle": 0.001},
        {"self_discharge_per_day": 0.02},
    ],
)
def test_stores_with_limits_survive_their_simulation_and_two_percent_less_do_not(limits):
    """A year and a half of days and nights; the store of the plan is scaled as it is, limits and all."""
    hours = np.arange(24 * 550)
    light = np.clip(1.2 + np.sin(2 * np.pi * hours / 90.0) + 0.6 * np.sin(2 * np.pi * hours / 708.0), 0, 1)
    sun, given_light = sun_of(hours.size), {10.0: light}
    plan = plan_of()
    new = plan.missions[0].model_copy(update={"launch": "2034", "landing": "2035-01-01T00:00Z"})
    plan = plan.model_copy(update={"missions": (new,)})
    store = plan.element("battery").storage.model_copy(update=limits)

    def with_store(capacity_wh):
        battery = plan.element("battery").model_copy(
            update={"storage": store.model_copy(update={"capacity_wh": capacity_wh})}
        )
        return plan.model_copy(update={"elements": (plan.elements[0], battery)})

    need_wh = size_storage(with_store(1000.0), sun, given_light).required.nameplate_wh
    bare_wh = size_storage(plan, sun, given_light).required.nameplate_wh
    assert need_wh > 1.005 * bare_wh
    right = simulate(with_store(1.0005 * need_wh), sun, given_light, margins=True)
    less = simulate(with_store(0.98 * need_wh), sun, given_light, margins=True)
    assert right.balances[0].shed_wh <= 1e-6 * need_wh
    assert less.balances[0].shed_wh > 1e-6 * need_wh


def test_a_store_that_gives_too_little_power_does_not_close():
    light = np.array([1.0] * 30 + [0.0] * 5 + [1.0] * 30)
    plan = plan_of(capacity_wh=10_000.0)
    battery = plan.element("battery")
    weak = battery.model_copy(update={"storage": battery.storage.model_copy(update={"discharge_w": 100.0})})
    sizing = size_storage(
        plan.model_copy(update={"elements": (plan.elements[0], weak)}), sun_of(65), {10.0: light}
    )
    assert sizing.margin_wh > 0
    assert sizing.power_short_w == pytest.approx(44.0)
    assert not sizing.closes


def test_reactor_variants():
    """A reactor of 0.01 years (88 h) dies before the night; replaced or left out it is seen beside that."""
    light = np.array([1.0] * 100 + [0.0] * 50 + [1.0] * 50)
    plan = plan_of(generators=(REACTOR,))
    needs = {
        name: size_storage(plan, sun_of(light.size), {10.0: light}, reactors=name).required.usable_wh
        for name in ("design-life", "replaced", "none")
    }
    assert needs["design-life"] == needs["none"] == pytest.approx(50 * 144.0 / 0.95)
    assert needs["replaced"] == pytest.approx(50 * (144.0 - 36.0) / 0.95)


def test_sources_too_weak_are_named_as_such():
    light = np.tile([1.0, 0.0, 0.0, 0.0, 0.0], 100)
    sizing = size_storage(plan_of(rated_w=400.0), sun_of(500), {10.0: light})
    assert not sizing.required.sustainable
    assert sizing.required.shortfall_w > 0
    assert sizing.required.recovered is None
    assert not sizing.closes


def test_without_storage_in_the_plan_the_need_is_still_told():
    plan = plan_of()
    bare = plan.model_copy(update={"elements": plan.elements[:1]})
    light = np.array([1.0] * 20 + [0.0] * 10 + [1.0] * 20)
    sizing = size_storage(bare, sun_of(50), {10.0: light})
    assert sizing.installed_wh == 0.0
    assert sizing.margin_wh == -sizing.required.nameplate_wh < 0
    assert any("No storage" in text for text in sizing.statements)


def test_carried_load_is_where_the_need_meets_what_is_installed():
    light = np.array([1.0] * 50 + [0.0] * 20 + [1.0] * 50)
    sizing = size_storage(plan_of(), sun_of(light.size), {10.0: light})
    carried = carried_load(sizing)
    # 800 Wh usable over 20 h of 144 W drawn at 0.95: the night sets the factor.
    assert carried.factor == pytest.approx(800.0 * 0.95 / (20 * 144.0), rel=1e-5)
    assert carried.largest_w == pytest.approx(carried.factor * 288.0)


def test_carried_load_needs_a_load():
    plan = plan_of()
    silent = plan.model_copy(update={"elements": plan.elements[1:]})
    sizing = size_storage(silent, sun_of(10), {2.0: np.ones(10)})
    with pytest.raises(ModelError, match="draws power"):
        carried_load(sizing)


def test_waiting_for_a_higher_sun_needs_less():
    light = np.array([1.0] * 30 + [0.05] * 20 + [1.0] * 30)
    needs = [
        size_storage(plan_of(), sun_of(80), {10.0: light}, light_mode_above=above).required.usable_wh
        for above in (0.0, 0.5)
    ]
    assert needs[0] == pytest.approx(20 * (288.0 - 40.5) / 0.95)
    assert needs[1] == pytest.approx(20 * (144.0 - 40.5) / 0.95)


def test_a_taller_mast_needs_less_storage_for_a_stated_load():
    rules = DesignRules(**(RULES | SOURCED))
    sun = sun_of(200)
    low = np.array([1.0] * 50 + [0.0] * 90 + [1.0] * 60)
    high = np.array([1.0] * 70 + [0.0] * 40 + [1.0] * 90)
    store = Storage(capacity_wh=1.0, depth_of_discharge=0.5, discharge_efficiency=0.8, specific_energy_wh_kg=100.0)
    results = []
    for mast_m, light in ((2.0, low), (10.0, high)):
        array = SolarArray(kind="solar", rated_w=1000.0, mount="two-axis", mast_m=mast_m)
        results.append(storage_for_load(100.0, light, array, sun, rules, storage=store))
    assert [r.longest_dark_s / 3600 for r in results] == [90.0, 40.0]
    assert [r.nameplate_wh for r in results] == pytest.approx([90 * 100 / 0.8 / 0.5, 40 * 100 / 0.8 / 0.5])
    assert [r.dark_alone_wh for r in results] == pytest.approx([r.nameplate_wh for r in results])
    assert results[0].mass_kg == pytest.approx(225.0)


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_impossible_loads_are_refused(wrong):
    array = SolarArray(kind="solar", rated_w=1000.0, mount="two-axis")
    with pytest.raises(InputError, match="load_w"):
        storage_for_load(wrong, np.ones(3), array, sun_of(3), DesignRules(**(RULES | SOURCED)))


def test_bad_input_is_refused():
    plan, sun = plan_of(), sun_of(4)
    with pytest.raises(InputError, match="10 m"):
        size_storage(plan, sun, {2.0: np.ones(4)})
    with pytest.raises(InputError, match="light_by_mast"):
        size_storage(plan, sun, {10.0: [1, 1, np.nan, 1]})
    with pytest.raises(UnknownNameError, match="cave"):
        size_storage(plan, sun, {10.0: np.ones(4)}, bus="cave")
    sun.time[2] += np.timedelta64(60, "s")
    with pytest.raises(InputError, match="even steps"):
        size_storage(plan, sun, {10.0: np.ones(4)})


def test_every_bus_of_the_bundled_plan_can_be_sized():
    """19 years of hours, as the study runs it, with a made-up light."""
    plan = load_plan("ilrs")
    hours = np.arange(166_536)
    sun = sun_of(hours.size)
    light = np.clip(1.0 + 3.0 * np.sin(2 * np.pi * hours / 708.7) + np.sin(2 * np.pi * hours / 8766), 0, 1)
    masts_m = {g.mast_m for e in plan.elements for g in e.generators if g.kind == "solar"}
    station = size_storage(plan, sun, dict.fromkeys(masts_m, light))
    assert station.period_years == pytest.approx(19.0, abs=0.01)
    assert station.required.nameplate_wh >= station.required.dark_alone_wh > 0.0
    rover = size_storage(plan, sun, dict.fromkeys(masts_m, light), bus="assembly-rover")
    assert rover.bus == "assembly-rover"
