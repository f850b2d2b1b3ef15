"""Limits of power, self-discharge, fade and shedding by priority: every watt-hour is still accounted for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power import BusLoad, StoragePool, pool, run_bus, sequent_peak

power = st.floats(0, 1e5)


@settings(max_examples=150, deadline=None)
@given(
    flows=st.lists(st.tuples(power, power, power), min_size=1, max_size=50),
    step_s=st.floats(10, 86_400),
    usable=st.floats(1, 1e6),
    charge=st.floats(0.3, 1),
    discharge=st.floats(0.3, 1),
    charge_w=st.none() | st.floats(0, 1e5),
    discharge_w=st.none() | st.floats(0, 1e5),
    leak=st.sampled_from([0.0, 1e-9, 1e-4, 0.01, 0.0999]),
    fade_year=st.sampled_from([0.0, 0.02, 0.19]),
    fade_cycle=st.sampled_from([0.0, 1e-4, 0.009]),
    allowed=st.booleans(),
)
def test_energy_is_conserved_in_every_step(
    flows, step_s, usable, charge, discharge, charge_w, discharge_w, leak, fade_year, fade_cycle, allowed
):
    supply, first, second = map(np.array, zip(*flows, strict=True))
    loads = [BusLoad("first", first, 1, 0.9), BusLoad("second", second, 9)]
    store = StoragePool(usable, usable, charge, discharge, 0.0, charge_w, discharge_w, leak, fade_year, fade_cycle)
    run = run_bus(supply, loads, step_s, store, initial_fraction=0.7, bus_efficiency=0.95, charge_allowed=allowed)
    assert run.residual_relative < 1e-9
    for flow in (run.charged_w, run.discharged_w, run.spilled_w, run.shed_w, run.leaked_w, run.faded_w):
        assert np.isfinite(flow).all()
        assert flow.min() >= -1e-9 * usable
    assert run.stored_wh.min() >= 0.0
    assert (run.stored_wh[1:] <= run.usable_wh).all()
    if charge_w is not None:
        assert run.charged_w.max() <= charge_w * (1 + 1e-12) + 1e-9
    if discharge_w is not None:
        assert run.discharged_w.max() <= discharge_w * (1 + 1e-12) + 1e-9
    shed = run.load_shed_w
    assert shed["first"] + shed["second"] == pytest.approx(run.shed_w, rel=1e-9, abs=1e-6)
    assert (shed["first"][shed["second"] < second * (1 - 1e-9)] <= 1e-6).all()


def test_self_discharge_follows_the_closed_form():
    """A store left alone keeps exp(-k t); one kept full takes k E / eta."""
    store = StoragePool(1000.0, 1000.0, 0.8, 1.0, self_discharge_per_day=0.02)
    alone = run_bus([0.0], 0.0, 10 * 86_400.0, store)
    assert alone.stored_wh[-1] == pytest.approx(1000.0 * np.exp(-0.2), rel=1e-13)
    full = run_bus([100.0], 0.0, 86_400.0, store)
    assert full.charged_w[0] == pytest.approx(0.02 * 1000.0 / 24.0 / 0.8, rel=1e-13)
    assert full.leaked_w[0] == pytest.approx(0.02 * 1000.0 / 24.0, rel=1e-13)


@pytest.mark.parametrize("net", [30.0, -30.0, 3.0])
def test_one_long_step_is_many_short_ones(net):
    """The step is solved exactly: its length does not matter while powers stay the same."""
    store = StoragePool(1000.0, 1000.0, 0.9, 0.9, 0.0, 200.0, 200.0, 0.05)
    supply, load = max(net, 0.0), max(-net, 0.0)
    once = run_bus([supply], [load], 60 * 3600.0, store, initial_fraction=0.5)
    often = run_bus(np.full(6000, supply), np.full(6000, load), 36.0, store, initial_fraction=0.5)
    assert once.stored_wh[-1] == pytest.approx(often.stored_wh[-1], rel=1e-9, abs=1e-9)
    for name in ("charged_w", "discharged_w", "spilled_w", "shed_w", "leaked_w"):
        assert getattr(once, name)[0] == pytest.approx(getattr(often, name).mean(), rel=1e-9, abs=1e-9)
    kinds = {(event.kind, round(event.time_s)) for event in once.events()}
    assert kinds <= {(event.kind, round(event.time_s)) for event in often.events()}


def test_fade_takes_capacity_and_tells_what_it_held():
    store = pool([(Storage(capacity_wh=1000.0, depth_of_discharge=1.0, fade_per_year=0.1), 1)])
    run = run_bus(np.zeros(11), 0.0, 365.25 * 86_400.0, store)
    assert run.usable_wh == pytest.approx(1000.0 * (1.0 - 0.1 * np.arange(11)), abs=1e-9)
    assert float(run.faded_w.sum()) * run.step_s / 3600.0 == pytest.approx(1000.0)
    cycles = pool([(Storage(capacity_wh=100.0, depth_of_discharge=1.0, charge_efficiency=1.0,
                            discharge_efficiency=1.0, fade_per_cycle=0.001), 1)])  # fmt: skip
    back = run_bus(np.tile([0.0, 200.0], 50), np.tile([50.0, 0.0], 50), 3600.0, cycles)
    assert back.usable_wh[-1] == pytest.approx(100.0 * (1.0 - 0.001 * 25.0), rel=1e-12)


def test_cold_batteries_are_not_charged():
    run = run_bus([50.0, 50.0], 0.0, 3600.0, Storage(capacity_wh=100.0), initial_fraction=0.0,
                  charge_allowed=[False, True])  # fmt: skip
    assert run.charged_w.tolist() == [0.0, 50.0]
    assert run.spilled_w.tolist() == [50.0, 0.0]


def test_shedding_says_what_when_and_why():
    loads = [BusLoad("oven", 60.0, 9), BusLoad("radio", 20.0, 1), BusLoad("rover", 30.0, 5)]
    store = Storage(capacity_wh=100.0, depth_of_discharge=1.0, discharge_efficiency=1.0, discharge_w=80.0)
    run = run_bus([0.0, 0.0, 200.0], loads, 3600.0, store)
    assert run.load_shed_w["radio"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert run.load_shed_w["rover"].tolist() == pytest.approx([0.0, 30.0, 0.0])
    assert run.load_shed_w["oven"].tolist() == pytest.approx([30.0, 60.0, 0.0])
    assert run.shed_w.tolist() == pytest.approx([30.0, 90.0, 0.0])
    rows = run.shed_table()
    assert [(row["load"], row["priority"], row["why"]) for row in rows] == [
        ("oven", 9, "power limit of the store"),
        ("rover", 5, "power limit of the store")
        if rows[1]["why"] != "store empty"
        else ("rover", 5, "store empty"),
    ]
    assert rows[0]["start_s"] == 0.0
    assert rows[0]["stop_s"] == 7200.0
    assert rows[0]["energy_wh"] == pytest.approx(90.0)
    told = [(event.kind, event.load) for event in run.events() if event.kind.startswith("shed")]
    assert told == [
        ("shed-begins", "oven"),
        ("shed-begins", "rover"),
        ("shed-ends", "oven"),
        ("shed-ends", "rover"),
    ]
    assert all(event.why and event.power_w > 0 for event in run.events() if event.kind == "shed-begins")


def test_converters_lose_what_they_lose():
    run = run_bus([100.0], [BusLoad("box", 45.0, converter_efficiency=0.9)], 3600.0)
    assert run.load_w.tolist() == [50.0]
    assert run.converter_loss_w.tolist() == pytest.approx([5.0])


def test_need_with_a_limit_and_a_leak_is_what_the_bus_needs():
    """A bus with the store that was found is never short; with 0.1 % less it is."""
    draws = np.random.default_rng(4)
    surplus = np.where(np.arange(1500) % 30 < 12, -1.0, 1.0) * draws.uniform(0.0, 60.0, 1500)
    supply, load = np.maximum(surplus, 0.0), np.maximum(-surplus, 0.0)
    need = sequent_peak(surplus, 3600.0, 0.9, 0.95, charge_w=45.0, self_discharge_per_day=0.01)
    assert need.sustainable
    assert need.usable_wh > sequent_peak(surplus, 3600.0, 0.9, 0.95, charge_w=45.0).usable_wh

    def shed_w(size):
        store = StoragePool(size, size, 0.9, 0.95, 0.0, 45.0, None, 0.01)
        return float(run_bus(supply, load, 3600.0, store).shed_w.max())

    assert shed_w(need.usable_wh * (1 + 1e-9)) == 0.0
    assert shed_w(need.usable_wh * 0.999) > 0.0


def test_a_leak_that_the_sources_cannot_cover_is_not_sustainable():
    surplus = np.tile([10.0, -9.9], 6000)
    assert sequent_peak(surplus, 3600.0).sustainable
    assert not sequent_peak(np.tile([-9.0, 9.01], 6000), 36_000.0, self_discharge_per_day=0.09).sustainable


def test_pooled_limits_are_those_of_the_first_at_its_own():
    """Equal fill: a store of half the energy with 10 W limits the two to 20 W."""
    small, other = (
        Storage(capacity_wh=100.0, charge_w=10.0),
        Storage(capacity_wh=100.0, self_discharge_per_day=0.02),
    )
    both = pool([(small, 1), (other, 1)])
    assert both.charge_w == pytest.approx(20.0)
    assert both.self_discharge_per_day == pytest.approx(0.01)
    assert both.discharge_w is None
    assert pool([(other, 3)]).self_discharge_per_day == 0.02


@pytest.mark.parametrize(
    "loads",
    [
        [BusLoad("a", 1.0, 0)],
        [BusLoad("a", 1.0, converter_efficiency=0.0)],
        [BusLoad("a", -1.0)],
        [BusLoad("a", [1.0, 2.0])],
        [BusLoad("a", 1.0), BusLoad("a", 2.0)],
        [],
    ],
)
def test_impossible_loads_are_refused(loads):
    with pytest.raises(InputError):
        run_bus([1.0], loads, 60.0)
