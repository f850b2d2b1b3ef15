"""Storage need against brute force, and against a bus that is run with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.plan.elements import Storage
from moonpost.power import StoragePool, longest_gap, nameplate_wh, pool, run_bus, sequent_peak

powers = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))
efficiency = st.floats(0.3, 1.0)
series = st.lists(powers, min_size=1, max_size=40)


def brute_force_wh(surplus, step_h, charge, discharge):
    """Largest net draw over every interval: the need of a store that is full at the start of it."""
    flow = [-w * step_h * charge if w >= 0 else -w * step_h / discharge for w in surplus]
    best = 0.0
    for first in range(len(flow)):
        total = 0.0
        for value in flow[first:]:
            total += value
            best = max(best, total)
    return best


@settings(max_examples=200, deadline=None)
@given(surplus=series, step_s=st.floats(60, 7200), charge=efficiency, discharge=efficiency)
def test_need_is_the_worst_interval(surplus, step_s, charge, discharge):
    need = sequent_peak(surplus, step_s, charge, discharge)
    expected = brute_force_wh(surplus, step_s / 3600, charge, discharge)
    assert need.usable_wh == pytest.approx(expected, rel=1e-9, abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(surplus=series, charge=efficiency, discharge=efficiency)
def test_that_storage_carries_the_load_and_one_percent_less_does_not(surplus, charge, discharge):
    need = sequent_peak(surplus, 3600.0, charge, discharge)
    supply = np.maximum(surplus, 0.0)
    load = np.maximum(-np.asarray(surplus), 0.0)
    exact = StoragePool(need.usable_wh, need.usable_wh, charge, discharge)
    run = run_bus(supply, load, 3600.0, exact)
    assert run.shed_w.sum() <= 1e-9 * max(load.sum(), 1.0)
    if need.usable_wh > 1.0:
        less = StoragePool(need.usable_wh, 0.99 * need.usable_wh, charge, discharge)
        assert run_bus(supply, load, 3600.0, less).shed_w.sum() > 0.0


def test_lit_gaps_too_short_to_recharge_add_up():
    """Three nights of 10 h at 100 W, with 1 h of 150 W surplus between them."""
    night, gap = [-100.0] * 10, [150.0]
    surplus = [500.0] * 20 + night + gap + night + gap + night + [500.0] * 20
    lit = [True] * 20 + ([False] * 10 + [True]) * 2 + [False] * 10 + [True] * 20
    need = sequent_peak(surplus, 3600.0)
    alone = longest_gap(~np.asarray(lit), 3600.0, surplus)
    assert alone.energy_wh == 1000.0
    assert need.usable_wh == 3000.0 - 300.0
    assert (need.start, need.peak, need.recovered) == (20, 51, 57)
    store = StoragePool(2700.0, 2700.0)
    supply, load = np.maximum(surplus, 0), np.maximum(np.negative(surplus), 0)
    assert run_bus(supply, load, 3600.0, store).shed_w.max() == 0.0
    sized_by_darkness = StoragePool(alone.energy_wh, alone.energy_wh)
    assert run_bus(supply, load, 3600.0, sized_by_darkness).shed_w.max() == 100.0


def test_sources_that_do_not_carry_the_load():
    need = sequent_peak([1.0, -3.0] * 50, 3600.0)
    assert not need.sustainable
    assert need.recovered == -1
    assert need.shortfall_w == pytest.approx(101.0 / 99.0)


def test_ending_in_the_night_is_not_a_shortfall():
    need = sequent_peak([5.0] * 10 + [-1.0] * 5, 3600.0)
    assert need.sustainable
    assert need.recovered == -1
    assert need.final_wh == need.usable_wh == 5.0


def test_sources_that_fade_for_more_than_a_year_are_found_though_the_sum_is_positive():
    hours = 8766
    need = sequent_peak(np.concatenate([np.full(hours, 10.0), np.full(hours, -0.5)]), 3600.0)
    assert not need.sustainable
    assert need.shortfall_w == pytest.approx(0.5)


def test_nothing_is_needed_in_steady_surplus():
    need = sequent_peak([1.0, 0.0, 2.0], 3600.0)
    assert (need.usable_wh, need.start, need.peak, need.sustainable) == (0.0, -1, -1, True)


def test_longest_gap():
    dark = np.array([0, 1, 1, 0, 1, 1, 1, 0, 1], dtype=bool)
    gap = longest_gap(dark, 1800.0, np.full(9, -8.0), discharge_efficiency=0.5)
    assert (gap.start, gap.stop, gap.duration_s, gap.energy_wh) == (4, 7, 5400.0, 24.0)
    uneven = longest_gap(dark, 1800.0, [0.0, -100.0, -100.0, 5.0, -8.0, 9.0, -8.0, 0.0, -1.0])
    assert (uneven.start, uneven.duration_s, uneven.energy_wh) == (4, 5400.0, 100.0)
    assert longest_gap(~np.ones(3, dtype=bool), 60.0).duration_s == 0.0


@given(
    stores=st.lists(
        st.tuples(
            st.builds(
                Storage, capacity_wh=st.floats(1, 1e5), depth_of_discharge=st.floats(0.1, 1),
                charge_efficiency=efficiency, discharge_efficiency=efficiency,
            ),
            st.integers(1, 5),
        ),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_pool_acts_as_its_stores_in_proportion(stores):
    """Fill and empty each store by itself: energies at the bus add up to the pool's."""
    both = pool(stores)
    usable = [n * s.capacity_wh * s.depth_of_discharge for s, n in stores]
    filled = sum(u / s.charge_efficiency for u, (s, _) in zip(usable, stores, strict=True))
    given_back = sum(u * s.discharge_efficiency for u, (s, _) in zip(usable, stores, strict=True))
    assert both.usable_wh / both.charge_efficiency == pytest.approx(filled, rel=1e-9)
    assert both.usable_wh * both.discharge_efficiency == pytest.approx(given_back, rel=1e-9)


def test_pool_of_one_is_that_store():
    store = Storage(capacity_wh=100.0)
    assert pool([(store, 3)]).charge_efficiency == store.charge_efficiency
    lossless = Storage(capacity_wh=0.1, charge_efficiency=1.0, discharge_efficiency=1.0)
    many = pool([(lossless, n) for n in range(1, 50)])
    assert many.charge_efficiency <= 1.0
    assert many.discharge_efficiency <= 1.0


def test_nameplate():
    assert nameplate_wh(80.0, 0.8) == pytest.approx(100.0)
    for wrong in (0.0, 1.2, float("nan")):
        with pytest.raises(InputError):
            nameplate_wh(1.0, wrong)


@pytest.mark.parametrize(
    ("surplus", "step_s", "efficiencies"),
    [
        ([np.nan], 60.0, (1, 1)),
        ([], 60.0, (1, 1)),
        ([1.0], 0.0, (1, 1)),
        ([1.0], np.nan, (1, 1)),
        ([1.0], 60.0, (0.0, 1)),
        ([1.0], 60.0, (1, 1.01)),
        (["much"], 60.0, (1, 1)),
    ],
)
def test_bad_input_is_refused(surplus, step_s, efficiencies):
    with pytest.raises(InputError):
        sequent_peak(surplus, step_s, *efficiencies)
