"""Energy, heat, data and mass are kept over ten years, for any plan; finer is closer; fixed steps agree."""

from __future__ import annotations

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.operations.changes import QUANTITIES, Change
from moonpost.operations.engine import run_station
from moonpost.operations.simulation import light_heights_m, simulate, station_models
from moonpost.operations.stepped import run_stepped
from moonpost.plan import load_plan

_SPEC = importlib.util.spec_from_file_location("stations", Path(__file__).with_name("stations.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
stations = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stations)

KEPT = ("energy", "heat", "data", "mass")


def assert_kept(run, most):
    for name in KEPT:
        assert getattr(run, f"{name}_residual_relative") < most, name
    for name, values in run.series.data_vars.items():
        assert np.isfinite(values.values).all(), name
    stored, usable = run.series["stored_wh"], run.series["usable_wh"]
    assert (stored >= -1e-9).all()
    assert (stored <= usable * (1 + 1e-9) + 1e-9).all()


def given_sky(days, **options):
    sun = stations.sun_at(days, **options)
    return sun, {
        "light_by_mast": stations.light_of(sun),
        "surface_k": stations.ground_of(sun),
        "contacts": stations.daily_windows(sun),
    }


def test_ten_years_of_a_station_keep_everything():
    sun, sky = given_sky(3652.5)
    run = simulate(stations.whole_plan(array_loss_per_year=0.01), sun, **sky)
    assert_kept(run, 1e-12)
    assert {"wake", "sleep", "heater-on", "recorder-full", "tank-full", "shed-begins"} <= set(run.event_counts)
    assert run.series["usable_wh"].sel(bus="station").values[-1] < 0.8 * 80_000.0


def test_ten_years_of_a_station_under_every_change_keep_everything():
    sun, sky = given_sky(3652.5, step_s=7200.0)
    day = np.timedelta64(86_400_000, "ms")
    rng = np.random.default_rng(5)
    changes = [
        Change(sun.time[0] + int(rng.integers(20, 3600)) * day, subject, quantity, float(value), "fault-begins")
        for subject in ("rover", "lab", "plant", "isru")
        for quantity in QUANTITIES
        for value in (0.0, 1.0, 1.0)
    ]
    run = simulate(stations.whole_plan(), sun, changes=changes, **sky)
    assert_kept(run, 1e-11)
    assert run.event_counts["fault-begins"] == len(changes)


def test_ten_years_of_the_bundled_plan_keep_everything():
    plan = load_plan("ilrs")
    sun = stations.sun_at(3652.5, start="2034-01-01", latitude_deg=-88.8)
    light = np.clip(sun.elevation_deg / 0.53 + 0.5, 0.0, 1.0)
    run = simulate(plan, sun, dict.fromkeys(light_heights_m(plan), light))
    assert_kept(run, 1e-12)
    assert run.event_counts["arrival"] > 3


FRACTION = st.floats(0.3, 1.0)
STORES = st.none() | st.fixed_dictionaries(
    {
        "capacity_wh": st.floats(1.0, 5000.0),
        "charge_efficiency": FRACTION,
        "discharge_efficiency": FRACTION,
        "self_discharge_per_day": st.sampled_from([0.0, 1e-3, 0.05]),
        "fade_per_year": st.sampled_from([0.0, 0.1]),
        "fade_per_cycle": st.sampled_from([0.0, 1e-3]),
        "modules": st.integers(1, 4),
        "charge_w": st.none() | st.floats(1.0, 500.0),
        "discharge_w": st.none() | st.floats(1.0, 500.0),
        "charge_min_k": st.none() | st.just(263.0),
    }
)
BOXES = st.none() | st.fixed_dictionaries(
    {
        "capacity_j_k": st.floats(500.0, 1e6),
        "radiator_m2": st.just(0.0) | st.floats(0.01, 2.0),
        "closed_fraction": st.floats(0.0, 1.0),
        "sunlit_m2": st.just(0.0) | st.floats(0.001, 0.3),
        "ground_w_k": st.sampled_from([0.0, 0.2, 5.0]),
        "heater_w": st.sampled_from([0.0, 20.0, 500.0]),
        "survive_min_k": st.sampled_from([30.0, 213.0]),
        "survive_max_k": st.sampled_from([343.0, 3000.0]),
    }
)
SLEEP = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "wake_sun_deg": st.sampled_from([3.0, 10.0]),
        "sleep_sun_deg": st.sampled_from([3.0, 5.0, 12.0]),
        "wake_supply_w": st.just(60.0),
        "sleep_supply_w": st.sampled_from([10.0, 60.0]),
        "wake_stored": st.just(0.6),
        "sleep_stored": st.sampled_from([0.3, 0.6]),
        "wake_min_k": st.just(255.0),
        "command": st.booleans(),
    },
)


@st.composite
def machines(draw, name):
    generators = draw(
        st.lists(
            st.sampled_from(
                [
                    stations.solar(300.0),
                    stations.solar(150.0, "horizontal"),
                    {"kind": "radioisotope", "electric_w": 3.0, "thermal_w": 40.0},
                    {"kind": "reactor", "electric_w": 80.0, "availability": 0.8, "outage_days": 2.0},
                ]
            ),
            max_size=2,
        )
    )
    fields = {
        "bus": draw(st.sampled_from(["station", "own"])),
        "priority": draw(st.integers(1, 9)),
        "count": draw(st.integers(1, 3)),
        "converter_efficiency": draw(FRACTION),
        "generators": generators,
        "modes": stations.modes(
            draw(st.just(0.0) | st.floats(0.1, 400)),
            draw(st.just(0.0) | st.floats(0.1, 200)),
            data=(draw(st.sampled_from([0.0, 1e4])), draw(st.sampled_from([0.0, 10.0]))),
            heat=(draw(st.sampled_from([0.0, 30.0])), 0.0),
        ),
        "storage": draw(STORES),
        "thermal": draw(BOXES),
        "dormancy": draw(SLEEP),
    }
    if draw(st.booleans()):
        sent, power = draw(st.sampled_from([0.0, 3e4])), draw(st.sampled_from([0.0, 20.0]))
        fields["recorder"] = {"capacity_bit": 1e9, "downlink_bit_s": sent, "downlink_w": power}
    if draw(st.booleans()):
        flows = {"on": draw(st.sampled_from([-1e-5, -3e-7, 0.0, 2e-6, 1e-5])), "off": 1e-6}
        first = draw(st.sampled_from([0.0, 0.7, 3.0]))
        fields["tanks"] = [{"name": "water", "capacity_kg": 3.0, "initial_kg": first, "flows_kg_s": flows}]
    return stations.element(name, **{key: value for key, value in fields.items() if value is not None})


CASES = {
    "elements": st.tuples(machines("one"), machines("two"), machines("three")),
    "light": st.lists(st.just(0.0) | st.floats(0.01, 1), min_size=1, max_size=5),
    "quantities": st.lists(
        st.tuples(
            st.floats(1, 39),
            st.sampled_from(["one", "two", "three"]),
            st.sampled_from(list(QUANTITIES)),
            st.sampled_from([0.0, 0.5, 1.0]),
        ),
        max_size=6,
    ),
    "bus": FRACTION,
}


def keeps_everything(elements, light, quantities, bus):
    sun, sky = given_sky(40.0)
    rough = np.resize(np.repeat(light, 7), sun.time.size)
    sky["light_by_mast"] = {2.0: sky["light_by_mast"][2.0] * rough}
    changes = [
        Change(sun.time[0] + np.timedelta64(round(day * 86_400_000), "ms"), subject, quantity, value)
        for day, subject, quantity, value in quantities
    ]
    run = simulate(stations.plan_of(list(elements), bus_efficiency=bus), sun, changes=changes, **sky)
    assert_kept(run, 1e-10)
    served = run.series["element_served_w"].sum("element").values
    assert served == pytest.approx(run.series["served_w"].sum("bus").values, rel=1e-6, abs=1e-5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**CASES)
def test_any_plan_keeps_everything(elements, light, quantities, bus):
    """No plan, light or change breaks a balance, makes a number that is none, or stops the run."""
    keeps_everything(elements, light, quantities, bus)


@pytest.mark.soak
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**CASES)
def test_two_thousand_plans_keep_everything(elements, light, quantities, bus):
    keeps_everything(elements, light, quantities, bus)


def test_a_wider_tolerance_moves_energies_by_less_than_it():
    sun, sky = given_sky(118.0)
    plan = stations.whole_plan()
    exact = simulate(plan, sun, tolerance=0.0, **sky)
    worst, stretches = [], []
    for tolerance in (1e-2, 1e-3, 1e-4, 1e-5):
        run = simulate(plan, sun, tolerance=tolerance, **sky)
        assert_kept(run, 1e-12)
        off = 0.0
        for one, other in zip(run.balances, exact.balances, strict=True):
            play = other.supplied_wh + other.served_wh
            for name in ("supplied_wh", "served_wh", "spilled_wh", "shed_wh", "storage_loss_wh"):
                off = max(off, abs(getattr(one, name) - getattr(other, name)) / play)
        worst.append(off)
        stretches.append(run.stretches)
    assert worst[0] < 3e-3
    assert worst[2] < 2e-5
    assert worst[-1] <= worst[0]
    assert stretches == sorted(stretches)
    assert stretches[2] < 0.5 * exact.stretches


def times(events, kind):
    return [event.time_s for event in events if (event.subject, event.kind) == kind]


def told_apart(one, other):
    """Largest time between two events that the second run tells in the other order [s]; counts have to agree."""
    kinds = {(event.subject, event.kind) for event in (*one, *other)}
    pairs = []
    for kind in kinds:
        first, second = times(one, kind), times(other, kind)
        assert len(first) == len(second), kind
        pairs += zip(first, second, strict=True)
    first, second = np.array(sorted(pairs)).T
    ahead = np.maximum.accumulate(second)
    swapped = second < ahead
    return max((float(first[k] - first[np.argmax(second[:k])]) for k in np.flatnonzero(swapped)), default=0.0)


@pytest.mark.soak
def test_fixed_steps_of_a_minute_give_the_same_energies_and_order():
    sun, sky = given_sky(59.0)
    models, _, _ = station_models(stations.whole_plan(), sun, **sky)
    for model in models:
        run, stepped = run_station(model), run_stepped(model)
        asked = run.total_wh["load"]
        for name, value in stepped.energy_wh.items():
            mine = run.final_wh if name == "stored" else run.total_wh[name]
            assert mine == pytest.approx(value, rel=1e-3, abs=1e-6 * asked), (model.name, name)
        for row in run.data:
            made = stepped.data_bit[row.element]
            assert (row.made_bit, row.sent_bit, row.lost_bit) == pytest.approx(made, rel=1e-3)
        for heat in run.heats:
            assert heat.heater_wh == pytest.approx(stepped.heat_wh[heat.element][0], rel=2e-3)
        assert told_apart(run.events, stepped.events) <= 300.0


def test_fixed_steps_come_closer_as_they_shrink():
    sun, sky = given_sky(30.0)
    model = station_models(stations.whole_plan(), sun, **sky)[0][1]
    exact = run_station(model).total_wh["shed"]
    off = [abs(run_stepped(model, step).energy_wh["shed"] - exact) for step in (3600.0, 600.0, 60.0)]
    assert all(later < sooner for sooner, later in pairwise(off))
    with pytest.raises(InputError, match="step_s"):
        run_stepped(model, 7.0)
