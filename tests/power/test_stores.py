"""Fuel cells whose power and energy are apart, ageing, dust."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power import FuelCell, can_charge, capacity_left, cycles_of, dust_left, run_bus
from moonpost.power.fuelcells import THERMONEUTRAL_V, WATER_WH_KG


def cell(**fields):
    return FuelCell(**({"discharge_w": 1000.0, "charge_w": 2500.0, "energy_wh": 500_000.0} | fields))


def test_power_and_energy_weigh_apart():
    one, more_power, more_energy = cell(), cell(discharge_w=2000.0), cell(energy_wh=1_000_000.0)
    assert more_power.energy_kg == one.energy_kg
    assert more_power.power_kg - one.power_kg == pytest.approx(10.0)
    assert more_energy.power_kg == one.power_kg
    assert more_energy.energy_kg == pytest.approx(2.0 * one.energy_kg)
    assert one.mass_kg == pytest.approx(one.power_kg + one.energy_kg)


def test_efficiencies_are_ratios_of_voltage():
    ideal = cell(cell_v=1.0, electrolyser_v=THERMONEUTRAL_V, auxiliary_fraction=0.0)
    assert ideal.charge_efficiency == pytest.approx(1.0)
    assert ideal.round_trip == pytest.approx(1.0 / THERMONEUTRAL_V)
    assert pytest.approx(0.9 / 1.6 * 0.95**2) == cell().round_trip


def test_water_holds_its_heat_of_formation():
    """285.83 kJ/mol and 18.015 g/mol: 15.87 MJ/kg, 4.41 kWh/kg."""
    assert pytest.approx(4407.0, abs=1.0) == WATER_WH_KG


def test_a_plan_store_delivers_the_round_trip():
    store = cell().storage()
    assert store.kind == "fuel-cell"
    assert (store.charge_w, store.discharge_w) == (2500.0, 1000.0)
    supply = np.r_[np.full(200, 2500.0), np.zeros(4000)]
    run = run_bus(supply, np.where(supply > 0.0, 0.0, 1000.0), 3600.0, store, initial_fraction=0.0)
    assert run.discharged_w.sum() / run.charged_w.sum() == pytest.approx(cell().round_trip, rel=1e-9)
    assert store.capacity_wh / store.specific_energy_wh_kg == pytest.approx(cell().mass_kg)


def test_fade_and_cycles():
    store = Storage(capacity_wh=1000.0, fade_per_year=0.02, fade_per_cycle=0.001)
    assert capacity_left(store, [0.0, 5.0], cycles_of([0.0, 100_000.0], 1000.0)).tolist() == pytest.approx(
        [1.0, 0.8]
    )
    assert capacity_left(store, 500.0) == 0.0


def test_charge_limits():
    store = Storage(capacity_wh=1.0, charge_min_k=273.15, charge_max_k=318.15)
    assert can_charge(store, [250.0, 273.15, 300.0, 318.15, 330.0]).tolist() == [False, True, True, True, False]
    assert can_charge(Storage(capacity_wh=1.0), 3.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: cell(discharge_w=0.0),
        lambda: cell(cell_v=1.5),
        lambda: cell(electrolyser_v=1.0),
        lambda: cell(energy_wh=np.nan),
        lambda: cell(auxiliary_fraction=1.0),
        lambda: cell(tank_fraction=-1.0),
        lambda: capacity_left(Storage(capacity_wh=1.0), -1.0),
        lambda: cycles_of(1.0, 0.0),
        lambda: cycles_of(-1.0, 1.0),
        lambda: can_charge(Storage(capacity_wh=1.0), np.nan),
        lambda: dust_left(-1.0),
        lambda: dust_left(1.0, extinction_cm2_mg=np.nan),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(InputError):
        call()
