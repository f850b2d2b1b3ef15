"""Mixes for a plan's loads: what is chosen, that it holds when simulated, and that one module fewer does not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.design import catalogue, figures, lightest_mix, mix_effects, mixed_plan, prove_mix
from moonpost.design.mixparts import options
from moonpost.design.mixplan import storage_needed_wh
from moonpost.design.mixscene import consumers, heights_needed_m
from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.plan import load_plan
from moonpost.plan.elements import Dormancy, Recorder, ThermalBox


def test_what_draws_and_what_is_replaced(stations):
    plan = stations.plan_of()
    (hut,) = consumers(plan)
    assert hut.id == "hut"
    assert [g.thermal_w for g in hut.generators] == [100.0]
    sun, light = stations.sky(60)
    found = lightest_mix(plan, sun, light, families=("reactor",))
    assert found.scene.powers_w() == pytest.approx((2000 * 1.1 * 1.2, 300 * 1.1 * 1.2))
    assert {part.item for part in found.best.parts} >= {"reactor"}
    with pytest.raises(UnknownNameError, match="cave"):
        consumers(plan, "cave")


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    family=st.sampled_from(["solar-battery", "solar-fuel-cell", "any"]),
    reserve=st.sampled_from([0.0, 0.1]),
    above=st.sampled_from([0.0, 0.3]),
)
def test_designs_hold_when_simulated_and_one_module_fewer_does_not(stations, seed, family, reserve, above):
    """The simulation is other code than the search: event by event, the search by cuts over steps."""
    plan = stations.plan_of()
    sun, light = stations.sky(40, seed)
    found = lightest_mix(plan, sun, light, families=(family,), reserve=reserve, light_mode_above=above)
    mix = found.best
    assert mix.needed_wh <= mix.usable_wh * (1 - reserve) + 1e-6
    assert mix.bound_kg <= mix.mass_kg + 1e-6
    assert mix.mass_kg == pytest.approx(sum(part.mass_kg for part in mix.parts))
    proof = prove_mix(plan, found)
    assert proof.holds
    assert proof.energy_residual_relative < 1e-6
    if mix.modules:
        assert proof.tight
        assert proof.fewer.dips is not None
        assert proof.design.lowest_wh >= proof.design.reserve_wh - 1e-3
        lowest = mix.rated_wh - mix.needed_wh
        assert proof.design.lowest_wh == pytest.approx(lowest, abs=1e-3 * mix.rated_wh)
    json.dumps(found.to_dict())
    json.dumps(proof.to_dict())


def test_heaters_and_sleep_are_carried(stations):
    """A warm box with a heater, a recorder that sends, a machine that sleeps: what they draw besides modes."""
    plan = stations.plan_of()
    sun, light = stations.sky(40)
    box = ThermalBox(
        capacity_j_k=4e5,
        radiator_m2=1.2,
        closed_fraction=0.5,
        heater_w=250.0,
        ground_w_k=0.1,
        electric_fraction=0.15,
    )
    recorder = Recorder(capacity_bit=1e9, downlink_bit_s=1e6, downlink_w=40.0)
    hut = plan.element("hut")
    modes = tuple(mode.model_copy(update={"data_bit_s": 1e5}) for mode in hut.modes)
    warm = hut.model_copy(update={"thermal": box, "recorder": recorder, "modes": modes})
    heated = plan.model_copy(update={"elements": (warm, plan.elements[1])})
    families = ("solar-battery",)
    bare = lightest_mix(plan, sun, light, families=families)
    found = lightest_mix(heated, sun, light, families=families)
    assert any("Heaters" in text for text in found.statements)
    extra = found.scene.load_w(10.0) - bare.scene.load_w(10.0)
    assert extra.max() > 200.0
    assert found.best.mass_kg > bare.best.mass_kg
    proof = prove_mix(heated, found)
    assert proof.holds
    assert proof.tight
    hot = heated.model_copy(
        update={
            "elements": (warm.model_copy(update={"thermal": box.model_copy(update={"electric_fraction": 1.0})}),)
        }
    )
    with pytest.raises(ModelError, match="becomes too warm to work"):
        lightest_mix(hot, sun, light, families=families)
    idle = warm.model_copy(update={"dormancy": Dormancy(wake_sun_deg=80.0, sleep_sun_deg=2.0)})
    asleep = plan.model_copy(update={"elements": (idle, plan.elements[1])})
    assert lightest_mix(asleep, sun, light, families=families).best.mass_kg < found.best.mass_kg


def test_the_highest_mast_is_worth_it_only_where_it_sees_more(stations):
    sun, light = stations.sky(40)
    plan = stations.plan_of()
    assert lightest_mix(plan, sun, light, families=("solar-battery",)).best.mast_m == 10.0
    same = {2.0: light[10.0], 10.0: light[10.0]}
    assert lightest_mix(plan, sun, same, families=("solar-battery",)).best.mast_m == 2.0
    low = lightest_mix(plan, sun, light, masts_m=(2.0,), families=("solar-battery",)).best
    high = lightest_mix(plan, sun, light, families=("solar-battery",)).best
    assert low.mast_m == 2.0
    assert low.mass_kg > high.mass_kg


def test_more_choice_is_never_heavier(stations):
    sun, light = stations.sky(40, 4)
    found = lightest_mix(stations.plan_of(), sun, light)
    masses = [mix.mass_kg for mix in found.mixes.values() if mix is not None]
    assert found.best.mass_kg == found.mixes["any"].mass_kg == min(masses)
    light_table = lightest_mix(stations.plan_of(), sun, light, prices=catalogue("light"))
    heavy_table = lightest_mix(stations.plan_of(), sun, light, prices=catalogue("heavy"))
    assert light_table.best.mass_kg < found.best.mass_kg < heavy_table.best.mass_kg


def test_what_no_number_of_units_carries_is_told(stations):
    sun, light = stations.sky(370)
    dark = {height_m: np.zeros_like(series) for height_m, series in light.items()}
    found = lightest_mix(stations.plan_of(light_w=5000.0, dark_w=5000.0), sun, dark, families=("radioisotope",))
    assert found.mixes == {"radioisotope": None}
    with pytest.raises(ModelError, match="no family"):
        found.best  # noqa: B018


def test_tall_arrays_need_light_over_their_height(stations):
    sun, light = stations.sky(30)
    assert heights_needed_m((10.0,), 5.0) == (8.75, 10.0, 11.25)
    prices = catalogue(changed={"extent_m": 5.0})
    with pytest.raises(InputError, match=r"8\.75"):
        lightest_mix(stations.plan_of(), sun, light, masts_m=(10.0,), prices=prices)
    strips = dict.fromkeys((8.75, 10.0), light[2.0]) | {11.25: light[10.0]}
    tall = lightest_mix(
        stations.plan_of(), sun, strips, masts_m=(10.0,), prices=prices, families=("solar-battery",)
    )
    proof = prove_mix(stations.plan_of(), tall)
    assert proof.holds
    assert proof.tight
    assert mixed_plan(stations.plan_of(), tall).element("mix-array-1").generators[0].height_m == 5.0


def test_need_in_another_light(stations):
    plan = stations.plan_of()
    sun, light = stations.sky(40)
    found = lightest_mix(plan, sun, light, families=("solar-battery", "solar-fuel-cell"))
    for mix in found.mixes.values():
        assert storage_needed_wh(found, mix, light) == pytest.approx(mix.needed_wh)
        dimmer = {h: 0.8 * series for h, series in light.items()}
        assert storage_needed_wh(found, mix, dimmer) > mix.needed_wh


def test_effects_are_those_of_a_new_design(stations):
    sun, light = stations.sky(40)
    plan = stations.plan_of()
    found = lightest_mix(plan, sun, light, families=("solar-battery",))
    effects = {effect.figure: effect for effect in mix_effects(found)}
    assert "fuel_kg_kwh" not in effects
    for name in ("battery_wh_kg", "battery_depth", "array_w_kg"):
        figure = next(row for row in figures() if row.name == name)
        again = lightest_mix(
            plan, sun, light, families=("solar-battery",), masts_m=(2.0, 10.0),
            prices=catalogue(changed={name: figure.heavy}),
        )  # fmt: skip
        assert effects[name].mass_heavy_kg == pytest.approx(again.best.mass_kg)
        assert effects[name].mass_light_kg <= found.best.mass_kg <= effects[name].mass_heavy_kg


def test_the_table_is_in_order_and_checked():
    for row in figures():
        assert row.source
        assert row.unit
        assert min(row.light, row.heavy) <= row.nominal <= max(row.light, row.heavy)
    reactors = [row for row in options(catalogue(), (2.0,), ("two-axis",)) if row.item == "reactor"]
    specific = [row.mass_kg / row.rated_w for row in reactors]
    assert specific[0] == max(specific)
    with pytest.raises(UnknownNameError, match="batery"):
        catalogue(changed={"batery_wh_kg": 1.0})
    with pytest.raises(InputError, match="battery_depth"):
        catalogue(changed={"battery_depth": 1.2})
    with pytest.raises(InputError, match="level"):
        catalogue("cheap")


def test_bad_input_is_refused(stations):
    sun, light = stations.sky(3)
    with pytest.raises(InputError, match="steam"):
        lightest_mix(stations.plan_of(), sun, light, families=("steam",))
    with pytest.raises(InputError, match="5 m"):
        lightest_mix(stations.plan_of(), sun, light, masts_m=(5.0,))
    with pytest.raises(InputError, match="light_by_mast"):
        lightest_mix(stations.plan_of(), sun, {2.0: np.full(72, np.nan)})
    with pytest.raises(ModelError, match="draws power"):
        lightest_mix(stations.plan_of(0.0, 0.0), sun, light)
    found = lightest_mix(stations.plan_of(), sun, light, families=("solar-battery",))
    with pytest.raises(ModelError, match="modules"):
        mixed_plan(stations.plan_of(), found, fewer_modules=found.best.modules + 1)


def test_a_year_of_the_real_ridge(almanac):
    """A small sample of what tests/soak runs for 19 years: the bundled plan's loads in the light of its site."""
    from moonpost.sky import times
    from moonpost.terrain import illumination
    from moonpost.terrain.profiles import shipped_profile

    plan = load_plan("ilrs")
    site = plan.station_sites()[0].id
    t = times("2044-01-01", "2045-01-15", 3600.0)
    sun = almanac.sun(shipped_profile(site, 10.0).site, t)
    light = {mast_m: illumination(shipped_profile(site, mast_m), sun) for mast_m in (2.0, 10.0)}
    found = lightest_mix(plan, sun, light, families=("solar-battery", "solar-fuel-cell"))
    for mix in found.mixes.values():
        proof = prove_mix(plan, found, mix)
        assert proof.holds
        assert proof.tight
        assert mix.deficit_start < proof.fewer.dips <= mix.deficit_stop
