"""A bus run from event to event: times and energies in closed form, boxes against an independent solver, rules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from moonpost.errors import InputError, UnknownNameError
from moonpost.operations.changes import Change
from moonpost.operations.simulation import Run, simulate

_SPEC = importlib.util.spec_from_file_location("stations", Path(__file__).with_name("stations.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
stations = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stations)
battery, element, modes, plan_of, solar = (
    stations.battery, stations.element, stations.modes, stations.plan_of, stations.solar,
)  # fmt: skip

HOUR = np.timedelta64(3600, "s")
START = np.datetime64("2035-01-01", "ms")
SIGMA = 5.670374419e-8
BOX = {"capacity_j_k": 50_000.0, "radiator_m2": 0.0, "electric_fraction": 0.0, "operate_min_k": 200.0,
       "survive_min_k": 100.0, "operate_max_k": 400.0, "survive_max_k": 500.0}  # fmt: skip


def sky(hours, elevation_deg=30.0, step_s=3600):
    count = round(hours * 3600 / step_s)
    return SimpleNamespace(
        time=START + np.arange(count) * np.timedelta64(step_s, "s"),
        azimuth_deg=np.zeros(count),
        elevation_deg=np.broadcast_to(np.asarray(elevation_deg, dtype=float), (count,)).copy(),
        distance_m=np.full(count, 149_597_870_700.0),
    )


def run(elements, light, elevation_deg=30.0, **options):
    design = options.pop("design", {})
    light = np.asarray(light, dtype=float)
    return simulate(plan_of(elements, **design), sky(light.size, elevation_deg), {2.0: light}, **options)


def change(hours, subject, quantity, value):
    return Change(START + np.timedelta64(round(3_600_000 * hours), "ms"), subject, quantity, value, "fault-begins")


def told(found, *kinds):
    """Hours and kinds of the events of those kinds."""
    return [(float((e.time - START) / HOUR), e.kind) for e in found.events if e.kind in kinds]


def hours(found, kind):
    return [time for time, _ in told(found, kind)]


def test_a_store_on_a_ramp_is_quadratic_and_fills_when_it_should():
    """Supply 0 to 100 W over 100 h into 1,000 Wh from 200 Wh: 0.5 t2 = 800 Wh (and what 20 W of load take)."""
    light = (np.arange(100) + 0.5) / 100.0
    rover = element("rover", modes=modes(20.0, 20.0), generators=[solar(100.0)], storage=battery(1000.0))
    found = run([rover], light, tolerance=1e-4)
    ends = np.arange(100.0)
    drop = 0.5 * 20.0**2
    low = 1000.0 - drop
    stored = np.where(ends < 20.0, 1000.0 - 20.0 * ends + 0.5 * ends**2, low + 0.5 * (ends - 20.0) ** 2)
    assert found.series["stored_wh"].sel(bus="rover").values == pytest.approx(
        np.minimum(stored, 1000.0), rel=1e-12
    )
    assert hours(found, "storage-full") == pytest.approx([40.0], abs=1e-6)


def test_an_empty_store_sheds_at_the_instant_of_the_closed_form():
    """100 Wh under a load of 30 W last 3 h 20 min; with half of discharge lost half as long."""
    for efficiency, empty in ((1.0, 100.0 / 30.0), (0.5, 50.0 / 30.0)):
        store = battery(100.0, discharge_efficiency=efficiency)
        found = run([element("rover", modes=modes(30.0, 30.0), generators=[solar(1.0)], storage=store)], [0.0] * 8)
        assert hours(found, "storage-empty") == pytest.approx([empty], abs=1e-6)
        assert hours(found, "shed-begins") == pytest.approx([empty], abs=1e-6)
        assert found.balances[0].shed_wh == pytest.approx(30.0 * (8.0 - empty), rel=1e-12)


@settings(max_examples=15, deadline=None)
@given(leak=st.floats(1e-6, 0.09), load=st.floats(0.1, 30.0), capacity=st.floats(50.0, 500.0))
def test_a_leaking_store_follows_its_exponential(leak, load, capacity):
    """dE/dt = -P - s E: E = (E0 + P/s) exp(-s t) - P/s, empty at ln(1 + s E0 / P) / s."""
    store = battery(capacity, self_discharge_per_day=leak)
    found = run([element("rover", modes=modes(load, load), generators=[solar(1.0)], storage=store)], [0.0] * 48)
    rate = -np.log1p(-leak) / 24.0
    times = np.arange(48.0)
    exact = np.maximum((capacity + load / rate) * np.exp(-rate * times) - load / rate, 0.0)
    assert found.series["stored_wh"].sel(bus="rover").values == pytest.approx(exact, rel=1e-7, abs=1e-7 * capacity)
    empty = np.log1p(rate * capacity / load) / rate
    if empty < 47.9:
        assert hours(found, "storage-empty") == pytest.approx([empty], abs=1e-5)
    assert found.energy_residual_relative < 1e-12


def test_limits_of_charging_and_drawing():
    store = battery(100.0, charge_w=10.0, discharge_w=20.0)
    found = run(
        [element("rover", modes=modes(30.0, 30.0), generators=[solar(100.0)], storage=store)], [0, 1, 1, 0]
    )
    series = found.series.sel(bus="rover")
    assert series["discharged_w"].values.tolist() == [20.0, 0.0, 0.0, 20.0]
    assert series["charged_w"].values.tolist() == [0.0, 10.0, 10.0, 0.0]
    assert series["shed_w"].values.tolist() == [10.0, 0.0, 0.0, 10.0]
    assert series["spilled_w"].values.tolist() == [0.0, 60.0, 60.0, 0.0]


def test_a_store_fades_by_years_and_by_what_it_gives():
    store = battery(100.0, fade_per_year=0.1, fade_per_cycle=0.001)
    rover = element("rover", modes=modes(5.0, 5.0), generators=[solar(50.0)], storage=store)
    light = np.tile([1.0] * 12 + [0.0] * 12, 400)
    found = simulate(plan_of([rover | {"mission": "now"}], [{"id": "now", "launch": "2035-01-01T00:00Z"}]),
                     sky(light.size), {2.0: light})  # fmt: skip
    usable = found.series["usable_wh"].sel(bus="rover").values
    assert usable[0] == 100.0
    cycles, years = 390 * 0.6, 390 / 365.25
    assert usable[-1] == pytest.approx(100.0 * (1.0 - 0.1 * years - 0.001 * cycles), rel=0.002)
    assert found.energy_residual_relative < 1e-12


@settings(max_examples=10, deadline=None)
@given(conductance=st.floats(0.05, 20.0), heat=st.floats(0.0, 100.0), slope=st.floats(-0.5, 0.5))
def test_a_linear_box_has_its_closed_form(conductance, heat, slope):
    """C dT/dt = q + G (a + b t - T): T = q/G + a - b C/G + b t + c exp(-G t / C)."""
    box = BOX | {"ground_w_k": conductance, "initial_k": 300.0}
    ground = 250.0 + slope * np.arange(60)
    rover = element("rover", modes=modes(1.0, 1.0, heat=(heat, heat)), generators=[solar(10.0)], thermal=box | {
        "survive_max_k": 5000.0, "operate_max_k": 4000.0, "survive_min_k": 1.0, "operate_min_k": 2.0})  # fmt: skip
    found = run([rover], np.ones(60), surface_k=ground, tolerance=0.0)
    b = slope / 3600.0
    steady = heat / conductance + 250.0 - b * 50_000.0 / conductance
    times = 3600.0 * np.arange(60)
    exact = steady + b * times + (300.0 - steady) * np.exp(-conductance * times / 50_000.0)
    got = found.series["box_k"].sel(box="rover").values[:59]
    assert np.abs(got - exact[:59]).max() < 2e-3
    assert found.heat_residual_relative < 1e-12


def test_a_radiating_box_meets_an_independent_solver():
    """Sunlight in steps, radiation, ground and electric heat against scipy's DOP853."""
    light = np.tile([0.0, 0.3, 1.0, 0.6, 0.0, 0.0], 20)
    box = BOX | {
        "radiator_m2": 0.4,
        "ground_w_k": 0.3,
        "sunlit_m2": 0.05,
        "electric_fraction": 0.7,
        "initial_k": 280.0,
    }
    box |= {"operate_min_k": 60.0, "survive_min_k": 50.0}
    rover = element("rover", modes=modes(80.0, 15.0), generators=[solar(900.0)], storage=battery(1e5), thermal=box)
    ground = 150.0 + 80.0 * np.sin(np.arange(120) / 9.0)
    found = run([rover], light, surface_k=ground, tolerance=0.0)

    def rate(t, y, k):
        part = t / 3600.0 - k
        below = ground[k] + (ground[min(k + 1, 119)] - ground[k]) * part
        power = 80.0 if light[k] > 0 else 15.0
        heat = 0.7 * power + 0.05 * 1361.0 * light[k] + 0.3 * (below - y)
        return (heat - 0.85 * SIGMA * 0.4 * y**4) / 50_000.0

    state, exact = np.array([280.0]), []
    for k in range(120):
        exact.append(float(state[0]))
        state = solve_ivp(rate, (3600.0 * k, 3600.0 * (k + 1)), state, args=(k,), method="DOP853", rtol=1e-11,
                          atol=1e-9).y[:, -1]  # fmt: skip
    assert np.abs(found.series["box_k"].sel(box="rover").values - exact).max() < 1e-4
    assert found.heat_residual_relative < 1e-12


def test_a_heater_cycles_as_its_closed_form():
    """Between 263.15 and 273.15 K at 2 W/K to 200 K: off C/G ln(73.15/63.15), on at 200 W C/G ln(36.85/26.85)."""
    box = BOX | {"ground_w_k": 2.0, "heater_w": 200.0, "initial_k": 273.15 - 1e-3}
    rover = element("rover", modes=modes(0.0, 0.0), generators=[solar(500.0)], thermal=box)
    found = run([rover], np.ones(48), surface_k=np.full(48, 200.0))
    tau = 50_000.0 / 2.0 / 3600.0
    off, on = tau * np.log(73.15 / 63.15), tau * np.log(36.85 / 26.85)
    first = tau * np.log((73.15 - 1e-3) / 63.15)
    assert hours(found, "heater-on")[:3] == pytest.approx(
        [first, first + on + off, first + 2 * (on + off)], abs=2e-4
    )
    assert hours(found, "heater-off")[:2] == pytest.approx([first + on, first + 2 * on + off], abs=2e-4)


def test_limits_of_work_and_survival_are_met_when_they_should():
    """Cooling to 50 K: below 253.15 K it does not work, at 213.15 K it is lost, and draws and makes nothing."""
    box = {"capacity_j_k": 50_000.0, "radiator_m2": 0.0, "ground_w_k": 2.0, "electric_fraction": 0.0}
    rover = element("rover", modes=modes(30.0, 8.0, data=(100.0, 10.0)), generators=[solar(500.0)], thermal=box)
    found = run([rover], np.ones(12), surface_k=np.full(12, 50.0))
    tau = 50_000.0 / 2.0 / 3600.0
    cold, lost = (tau * np.log(243.15 / (limit - 50.0)) for limit in (253.15, 213.15))
    assert hours(found, "too-cold") == pytest.approx([cold], abs=1e-4)
    assert hours(found, "machine-lost") == pytest.approx([lost], abs=1e-4)
    assert found.balances[0].served_wh == pytest.approx(30.0 * cold + 8.0 * (lost - cold), rel=1e-4)
    assert found.data[0].made_bit == pytest.approx(3600.0 * (100.0 * cold + 10.0 * (lost - cold)), rel=1e-4)
    assert found.series["element_supply_w"].sel(element="rover").values[-1] == 0.0
    assert found.series["box_k"].sel(box="rover").values[-1] == pytest.approx(213.15)


def test_it_wakes_and_sleeps_with_the_sun():
    """Elevation 1 deg/h from -5 to 15 and back: awake above 8.5, asleep below 4.25."""
    height = np.concatenate([np.arange(-5.0, 15.0), np.arange(15.0, -6.0, -1.0)])
    rover = element("rover", modes=modes(30.0, 3.0), generators=[solar(50.0)],
                    dormancy={"wake_sun_deg": 8.5, "sleep_sun_deg": 4.25})  # fmt: skip
    found = run([rover], (height > 0).astype(float), height)
    assert told(found, "wake", "sleep") == [(0.0, "sleep"), (13.5, "wake"), (30.75, "sleep")]


@pytest.mark.parametrize(
    ("top", "turns"),
    [
        (15.0, [(0.0, "sleep"), (9.25, "wake"), (22.5, "sleep")]),  # wakes at 4.25, sleeps at 12.5 going down
        (11.0, [(0.0, "sleep"), (9.25, "wake"), (22.75, "sleep")]),  # never as high as 12.5: sleeps at 4.25
    ],
)
def test_it_may_sleep_by_a_higher_sun_than_it_wakes_by(top, turns):
    height = np.concatenate([np.arange(-5.0, top), np.arange(top, -6.0, -1.0)])
    rover = element("rover", modes=modes(30.0, 3.0), generators=[solar(50.0)],
                    dormancy={"wake_sun_deg": 4.25, "sleep_sun_deg": 12.5})  # fmt: skip
    assert told(run([rover], (height > 0).astype(float), height), "wake", "sleep") == turns


def test_it_wakes_by_supply_store_and_temperature_together():
    light = np.array([0.0] * 10 + [0.1] * 5 + [1.0] * 30)
    box = BOX | {"ground_w_k": 2.0, "initial_k": 250.0}
    rule = {"wake_supply_w": 50.0, "sleep_supply_w": 8.0, "wake_stored": 0.9, "wake_min_k": 260.0}
    rover = element("rover", modes=modes(30.0, 5.0), generators=[solar(100.0)], storage=battery(100.0),
                    thermal=box, dormancy=rule)  # fmt: skip
    ground = np.full(45, 280.0)
    found = run([rover], light, surface_k=ground)
    tau = 50_000.0 / 2.0 / 3600.0
    warm = tau * np.log(30.0 / 20.0)
    full = 15.0 + (90.0 - 50.0 - 5.0 * 5.0) / 95.0  # 50 Wh gone in the dark, 5 W gained for 5 h
    assert told(found, "wake", "sleep")[0] == (0.0, "sleep")
    assert hours(found, "wake") == pytest.approx([max(warm, full)], abs=1e-5)


def test_it_sleeps_when_its_store_is_low_and_does_not_flutter():
    rover = element("rover", modes=modes(40.0, 5.0), generators=[solar(20.0)], storage=battery(100.0),
                    dormancy={"sleep_stored": 0.4})  # fmt: skip
    found = run([rover], np.ones(48))
    first = told(found, "wake", "sleep")
    assert first[:3] == [(3.0, "sleep"), (3.0 + 5.0 / 15.0, "wake"), (3.0 + 5.0 / 15.0 + 5.0 / 20.0, "sleep")]
    assert found.balances[0].shed_wh == 0.0


def test_it_wakes_on_command_only_in_contact():
    windows = np.array([[START + 5 * HOUR, START + 6 * HOUR], [START + 20 * HOUR, START + 21 * HOUR]])
    rover = element("rover", modes=modes(30.0, 3.0), generators=[solar(90.0)], dormancy={"command": True})
    light = np.array([0.0] * 10 + [1.0] * 20)
    found = run([rover], light, contacts=windows)
    assert told(found, "wake", "sleep") == [(0.0, "sleep"), (20.0, "wake")]
    found = run([rover], light, contacts={"rover": windows}, changes=[change(12.0, "rover", "contact", 0.0)])
    assert hours(found, "wake") == []


def test_priority_nine_is_shed_first():
    plant = element("plant", bus="station", priority=1, modes=modes(50.0, 50.0), generators=[solar(100.0)])
    lab = element("lab", bus="station", priority=5, modes=modes(40.0, 40.0))
    drill = element("drill", bus="station", priority=9, modes=modes(30.0, 30.0))
    light = (np.arange(20) + 0.5) / 20.0
    found = run([drill, lab, plant], light, tolerance=0.0)
    served = found.series["element_served_w"]
    power = 100.0 * light
    assert served.sel(element="plant").values == pytest.approx(np.minimum(power, 50.0))
    assert served.sel(element="lab").values == pytest.approx(np.clip(power - 50.0, 0.0, 40.0))
    assert served.sel(element="drill").values == pytest.approx(np.clip(power - 90.0, 0.0, 30.0))
    kinds = [(e.subject, e.kind) for e in found.events if e.kind.startswith("element-shed")]
    assert kinds.index(("plant", "element-shed-ends")) < kinds.index(("lab", "element-shed-ends"))
    assert ("drill", "element-shed-ends") not in kinds


def test_a_recorder_fills_loses_and_empties_in_contact():
    """100 bit/s into 1 Mbit: full after 10,000 s; sent at 300 bit/s from 4 h on: empty after 5,000 s more."""
    windows = np.array([[START + 4 * HOUR, START + 7 * HOUR]])
    rover = element("rover", modes=modes(10.0, 10.0, data=(100.0, 100.0)), generators=[solar(100.0)],
                    recorder={"capacity_bit": 1e6, "downlink_bit_s": 300.0, "downlink_w": 7.0})  # fmt: skip
    found = run([rover], np.ones(9), contacts=windows)
    assert hours(found, "recorder-full") == pytest.approx([10_000 / 3600], abs=1e-6)
    assert hours(found, "data-lost") == pytest.approx([10_000 / 3600], abs=1e-6)
    assert hours(found, "recorder-empty") == pytest.approx([4.0 + 5000 / 3600], abs=1e-6)
    balance = found.data[0]
    assert balance.made_bit == pytest.approx(100.0 * 9 * 3600)
    assert balance.lost_bit == pytest.approx(100.0 * (4 * 3600 - 10_000))
    assert balance.held_bit == pytest.approx(100.0 * 2 * 3600)
    assert found.balances[0].served_wh == pytest.approx(90.0 + 7.0 * 3.0)


def test_tanks_fill_and_empty():
    """1 g/s into 5.4 kg with 1.8 kg there: full after 1 h; in the dark 0.5 g/s out."""
    tank = {"name": "oxygen", "capacity_kg": 5.4, "initial_kg": 1.8, "flows_kg_s": {"on": 1e-3, "off": -5e-4}}
    plant = element("plant", modes=modes(10.0, 0.0), generators=[solar(100.0)], tanks=[tank])
    found = run([plant], [1.0, 1.0] + [0.0] * 5)
    assert told(found, "tank-full", "tank-empty") == [(1.0, "tank-full"), (5.0, "tank-empty")]
    assert found.masses[0].gained_kg == pytest.approx(3.6)
    assert found.masses[0].drawn_kg == pytest.approx(5.4)
    assert found.series["tank_kg"].sel(tank="plant.oxygen").values == pytest.approx(
        [1.8, 5.4, 5.4, 3.6, 1.8, 0, 0]
    )


def test_runs_draw_power_and_make_data_only_while_it_works():
    rover = element("rover", modes=modes(30.0, 3.0), generators=[solar(100.0)], storage=battery(500.0),
                    dormancy={"sleep_supply_w": 10.0})  # fmt: skip
    light = [1.0] * 6 + [0.0] * 6
    runs = [Run("drive", "rover", START + 1 * HOUR, START + 3 * HOUR, 50.0, 7200.0),
            Run("dig", "rover", START + 5 * HOUR, START + 8 * HOUR, 20.0),
            Run("look", "rover", START + 9 * HOUR, START + 10 * HOUR, 5.0)]  # fmt: skip
    found = run([rover], light, runs=runs)
    assert (
        found.series["element_load_w"].sel(element="rover").values.tolist() == [30, 80, 80, 30, 30, 50] + [3] * 6
    )
    assert found.data[0].made_bit == pytest.approx(7200.0)
    assert told(found, "run-stopped", "run-refused") == [(6.0, "run-stopped"), (9.0, "run-refused")]


SIMPLE = element("rover", modes=modes(30.0, 3.0, data=(10.0, 0.0)), generators=[
    solar(100.0), {"kind": "radioisotope", "electric_w": 10.0, "thermal_w": 12.0, "half_life_years": 1e6}],
    storage=battery(400.0, modules=4), recorder={"capacity_bit": 1e9, "downlink_bit_s": 5.0},
    dormancy={"wake_supply_w": 60.0, "sleep_supply_w": 40.0},
    thermal=BOX | {"radiator_m2": 0.1, "heater_w": 40.0, "initial_k": 275.0, "electric_fraction": 1.0},
)  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "value", "name", "over", "expected"),
    [
        ("array-factor", 0.7, "supply_w", "bus", 80.0),
        ("source-factor", 0.0, "supply_w", "bus", 100.0),
        ("battery-modules", 1.0, "usable_wh", "bus", 100.0),
        ("load-factor", 2.0, "element_load_w", "element", 60.0),
        ("recorder-works", 0.0, "lost_bit_s", "recorder", 10.0),
        ("contact", 0.0, "sent_bit_s", "recorder", 0.0),
        ("asleep", 1.0, "element_working", "element", 0.0),
    ],
)
def test_every_change_is_told_and_felt(quantity, value, name, over, expected):
    light = np.ones(12)
    found = run([SIMPLE], light, changes=[change(6.0, "rover", quantity, value)])
    series = found.series[name].sel({over: "rover"}).values
    assert series[7] == pytest.approx(expected)
    assert series[5] != pytest.approx(expected)
    assert (6.0, "fault-begins") in told(found, "fault-begins")
    for residual in ("energy", "heat", "data", "mass"):
        assert getattr(found, f"{residual}_residual_relative") < 1e-12


def test_heater_radiator_and_wake_faults():
    dark = np.array([1.0] * 3 + [0.0] * 60)
    plain = run([SIMPLE], dark)
    assert hours(plain, "heater-on")
    dead = run([SIMPLE], dark, changes=[change(1.0, "rover", "heater-works", 0.0)])
    assert not hours(dead, "heater-on")
    assert dead.series["box_k"].values.min() < plain.series["box_k"].values.min()
    stuck = run([SIMPLE], np.ones(63), changes=[change(1.0, "rover", "heater-stuck", 1.0)])
    assert told(stuck, "heater-on", "heater-off") == [(1.0, "heater-on")]
    blocked = run([SIMPLE], np.ones(63), changes=[change(1.0, "rover", "radiator-factor", 0.0)])
    assert blocked.series["box_k"].values.max() > plain.series["box_k"].values.max() + 50.0
    night = np.array([1.0] * 3 + [0.0] * 5 + [1.0] * 20)
    faults = [change(1.0, "rover", "can-wake", 0.0), change(15.0, "rover", "asleep", 0.0)]
    late = run([SIMPLE], night, changes=faults)
    assert told(late, "wake", "sleep") == [(3.0, "sleep"), (15.0, "wake")]
    assert told(run([SIMPLE], night), "wake", "sleep") == [(3.0, "sleep"), (8.0, "wake")]


def test_a_command_is_refused_without_energy():
    rover = element("rover", modes=modes(40.0, 20.0), generators=[solar(100.0)], storage=battery(100.0),
                    dormancy={"wake_stored": 0.9, "sleep_stored": 0.5})  # fmt: skip
    found = run([rover], [0.0] * 12, changes=[change(4.0, "rover", "asleep", 0.0)])
    assert told(found, "sleep", "command-refused") == [(1.25, "sleep"), (4.0, "command-refused")]


def test_an_array_that_stops_turning_looks_where_it_did():
    sun = sky(24, 0.0)
    sun.azimuth_deg = 10.0 * np.arange(24)
    rover = element("rover", modes=modes(1.0, 1.0), generators=[solar(100.0, "vertical-tracking")])
    found = simulate(plan_of([rover]), sun, {2.0: np.ones(24)}, changes=[change(6.0, "rover", "array-turns", 0.0)])
    supply = found.series["supply_w"].sel(bus="rover").values
    assert supply[:6] == pytest.approx(100.0)
    assert supply[6:15] == pytest.approx(100.0 * np.cos(np.radians(10.0 * np.arange(9))))
    assert supply[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_store_is_not_charged_when_cold():
    box = BOX | {"ground_w_k": 5.0, "initial_k": 290.0}
    store = battery(1000.0, charge_min_k=270.0)
    ground = np.concatenate([np.full(10, 230.0), np.full(20, 330.0)])
    rover = element("rover", modes=modes(10.0, 50.0), generators=[solar(100.0)], storage=store, thermal=box)
    found = run([rover], [0.0] * 5 + [1.0] * 25, surface_k=ground)
    (off, _), (on, _) = told(found, "charge-blocked", "charge-allowed")[:2]
    charged = found.series["charged_w"].sel(bus="rover").values
    assert off < on
    assert charged[int(np.ceil(max(off, 5))) : int(on)].max() == 0.0
    assert charged[int(np.ceil(on))] > 0.0


def test_outages_of_a_reactor_follow_the_seed():
    reactor = {"kind": "reactor", "electric_w": 100.0, "availability": 0.9, "outage_days": 2.0, "life_years": 20.0}
    plant = element("plant", bus="station", modes=modes(10.0, 10.0), generators=[reactor])
    one, two, other = (run([plant], np.zeros(24 * 365), seed=seed) for seed in (3, 3, 4))
    assert one.to_dict() == two.to_dict()
    assert one.event_counts != other.event_counts or one.events != other.events
    supply = one.series["supply_w"].sel(bus="station").values
    assert set(np.round(supply, 6)) == {0.0, 100.0}
    begun = hours(one, "outage-begins")
    assert begun
    assert supply[int(np.ceil(begun[0]))] == 0.0


def test_arrays_can_be_scaled():
    rover = element("rover", modes=modes(1.0, 1.0), generators=[solar(100.0)])
    half = run([rover], np.ones(4), supply_scale=np.full(4, 0.5))
    named = run([rover], np.ones(4), supply_scale={"rover": [1.0, 0.0, 1.0, 1.0]})
    assert half.series["supply_w"].values.tolist() == [[50.0] * 4]
    assert named.series["supply_w"].values.tolist() == [[100.0, 0.0, 100.0, 100.0]]


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"changes": [change(1.0, "nobody", "asleep", 1.0)]}, UnknownNameError, "nobody"),
        ({"runs": [Run("x", "nobody", START, START + HOUR)]}, UnknownNameError, "nobody"),
        ({"contacts": np.array([[1.0, 2.0]])}, InputError, "contacts"),
        ({"contacts": np.array([[START + HOUR, START]])}, InputError, "contacts"),
        ({"surface_k": [1.0]}, InputError, "surface_k"),
        ({"surface_k": [np.nan] * 4}, InputError, "surface_k"),
        ({"supply_scale": [-1.0] * 4}, InputError, "supply_scale"),
        ({"tolerance": 2.0}, InputError, "tolerance"),
    ],
)
def test_bad_input_is_refused(options, error, named):
    with pytest.raises(error, match=named):
        run([SIMPLE], np.ones(4), **options)


def test_ground_is_asked_for():
    rover = element("rover", modes=modes(1.0, 1.0), generators=[solar(1.0)], thermal=BOX | {"ground_w_k": 1.0})
    with pytest.raises(InputError, match="surface_k"):
        run([rover], np.ones(4))
