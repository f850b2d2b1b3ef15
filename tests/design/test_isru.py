"""Oxygen plants: masses by chemical element and energies close, heat by an independent integral, limits."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from moonpost.design.isru import PROCESSES, PlantOptions, resource_plant
from moonpost.design.isruheat import (
    FORMATION_J_MOL,
    METAL_ATOMS,
    MOLAR_KG,
    OXYGEN_ATOMS,
    SOILS,
    heat_capacity_j_kg_k,
    regolith_heat_j_kg,
)
from moonpost.errors import InputError, UnknownNameError


@pytest.mark.parametrize("name", OXYGEN_ATOMS)
def test_oxides_weigh_what_their_elements_weigh(name) -> None:
    metal, count = METAL_ATOMS[name]
    whole = count * MOLAR_KG[metal] + 0.5 * OXYGEN_ATOMS[name] * MOLAR_KG["O2"]
    assert MOLAR_KG[name] == pytest.approx(whole, rel=1e-12)


@given(
    st.sampled_from(PROCESSES),
    st.sampled_from(sorted(SOILS)),
    st.floats(40.0, 300.0),
    st.floats(0.0, 0.9),
    st.floats(1.0, 3.9),
    st.floats(0.01, 0.5),
    st.floats(0.0, 0.1),
    st.floats(1.0, 1e5),
)
@settings(max_examples=80, deadline=None)
def test_masses_and_energy_close_for_any_plant(process, soil, ground, kept, rich, ice, loss, kg) -> None:
    plant = resource_plant(
        process,
        kg,
        soil=soil,
        ground_k=ground,
        recuperation=kept,
        enrichment=rich if process == "hydrogen" else 1.0,
        ice=ice,
        reagent_loss=loss,
    )
    assert plant.mass_residual_relative < 1e-9
    assert plant.energy_residual_relative < 1e-9
    streams = {**plant.inflow, **plant.outflow}
    assert min(streams.values()) >= -1e-12
    assert plant.power_w == pytest.approx(plant.kwh_kg * 1e3 * kg / (8766 * 0.7), rel=1e-12)
    parts = sum(value for name, value in plant.inflow.items() if name.startswith("  "))
    assert parts == pytest.approx(plant.inflow["regolith"], rel=1e-12)
    out = sum(plant.outflow.values())
    make_up = sum(value for name, value in plant.inflow.items() if "make-up" in name)
    assert out == pytest.approx(plant.inflow["regolith"] + make_up, rel=1e-12)


def test_oxygen_by_hand_from_iron_oxide() -> None:
    plant = resource_plant("hydrogen", soil="mare")
    feo = SOILS["mare"].oxides["FeO"]
    by_hand = 0.8 * feo * 0.5 * MOLAR_KG["O2"] / MOLAR_KG["FeO"]
    assert plant.yield_fraction == pytest.approx(by_hand, rel=1e-12)
    assert plant.outflow["Fe"] == pytest.approx(2 * MOLAR_KG["Fe"] / MOLAR_KG["O2"], rel=1e-12)


def test_water_by_hand_from_ice() -> None:
    plant = resource_plant("ice", ice=0.05, capture=0.8, product="water", ground_k=100.0)
    assert plant.inflow["regolith"] == pytest.approx(1 / (0.05 * 0.8))
    assert plant.outflow["H2O lost"] == pytest.approx(0.25)
    assert "water splitting" not in plant.energy_wh_kg
    oxygen = resource_plant("ice", ice=0.05, capture=0.8, ground_k=100.0)
    ratio = MOLAR_KG["H2O"] / (0.5 * MOLAR_KG["O2"])
    assert oxygen.energy_wh_kg["heating"] == pytest.approx(ratio * plant.energy_wh_kg["heating"])
    assert oxygen.outflow["H2"] == pytest.approx(ratio - 1.0)


def test_the_cycle_of_reactions_adds_up_to_splitting_the_oxide() -> None:
    for process in ("carbothermal", "electrolysis"):
        plant = resource_plant(process, soil="mare")
        soil = SOILS["mare"].oxides
        feed = plant.inflow["regolith"]
        metals = {"Fe": "FeO", "Si": "SiO2", "Ti": "TiO2"}
        bound = sum(
            -FORMATION_J_MOL[oxide] * plant.outflow[metal] / MOLAR_KG[metal]
            for metal, oxide in metals.items()
            if metal in plant.outflow
        )
        assert 3600 * plant.released_wh_kg["in metal and oxygen"] == pytest.approx(bound, rel=1e-12)
        assert all(plant.outflow[f"{name} in slag"] <= part * feed + 1e-12 for name, part in soil.items())


@given(st.floats(25.0, 2200.0), st.floats(25.0, 2200.0))
@settings(max_examples=40, deadline=None)
def test_heat_is_the_integral_of_the_capacity(one, two) -> None:
    low, high = sorted((one, two))
    breaks = [t for t in (100.0, 350.0, 500.0, 1373.0, 1653.0) if low < t < high]
    sensible = sum(
        quad(lambda t: float(heat_capacity_j_kg_k(t)), a, b, epsabs=1e-3, epsrel=1e-10)[0]
        for a, b in zip([low, *breaks], [*breaks, high], strict=True)
    )
    melted = [min(max((t - 1373.0) / 280.0, 0.0), 1.0) for t in (low, high)]
    whole = sensible + 4.786e5 * (melted[1] - melted[0])
    assert regolith_heat_j_kg(low, high) == pytest.approx(whole, rel=1e-7, abs=1.0)
    assert regolith_heat_j_kg(high, low) == pytest.approx(-regolith_heat_j_kg(low, high))


def test_the_capacity_has_no_step_where_its_parts_meet() -> None:
    t = np.linspace(300.0, 600.0, 30_001)
    assert np.abs(np.diff(heat_capacity_j_kg_k(t))).max() < 0.05


def test_colder_ground_costs_more_and_reuse_less() -> None:
    warm, cold = (resource_plant("electrolysis", ground_k=k).kwh_kg for k in (250.0, 60.0))
    assert cold > warm
    assert resource_plant("hydrogen", recuperation=0.5).kwh_kg < resource_plant("hydrogen").kwh_kg
    rich = resource_plant("hydrogen", enrichment=3.0)
    assert rich.kwh_kg < resource_plant("hydrogen").kwh_kg
    assert rich.inflow["regolith"] > resource_plant("hydrogen").inflow["regolith"]


def test_a_plant_is_plain_data() -> None:
    for process in PROCESSES:
        told = resource_plant(process).to_dict()
        assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize(
    "call",
    [
        lambda: resource_plant("hydrogen", 0.0),
        lambda: resource_plant("hydrogen", math.nan),
        lambda: resource_plant("hydrogen", product="water"),
        lambda: resource_plant("hydrogen", soil="mare", enrichment=6.0),
        lambda: PlantOptions(duty=0.0),
        lambda: PlantOptions(ground_k=math.nan),
        lambda: PlantOptions(ice=1.0),
        lambda: PlantOptions(recuperation=1.0),
        lambda: PlantOptions(wall_loss=-0.1),
        lambda: PlantOptions(product="iron"),
        lambda: resource_plant("hydrogen", 1.0, PlantOptions(), duty=0.5),
        lambda: regolith_heat_j_kg(10.0, 300.0),
    ],
)
def test_numbers_that_make_no_sense_are_refused(call) -> None:
    with pytest.raises(InputError):
        call()


def test_names_that_are_unknown_are_refused() -> None:
    with pytest.raises(UnknownNameError):
        resource_plant("magic")
    with pytest.raises(UnknownNameError):
        PlantOptions(soil="martian")
