"""Whole units by cuts: against brute force, against the program over all time, and against itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import lil_array

from moonpost.design.mixcuts import CutPool, SourceUnit, StoreUnit, lightest_units, unit_need
from moonpost.errors import InputError, ModelError


def drawn(surplus_first, surplus_last, hours, charge, discharge, most_w):
    """Deepest deficit by 2,000 short steps an interval: independent of the kernel, right to second order."""
    deficit = worst = 0.0
    for first, last, length in zip(surplus_first, surplus_last, hours, strict=True):
        middle = first + (last - first) * (np.arange(2000) + 0.5) / 2000
        for power in middle:
            step = min(power, most_w) * charge if power > 0 else power / discharge
            deficit = max(0.0, deficit - step * length / 2000)
            worst = max(worst, deficit)
    return worst


def test_depth_beside_short_steps():
    rng = np.random.default_rng(3)
    for _ in range(12):
        supply, load = rng.uniform(0, 4, 9), rng.uniform(0, 3, 8)
        hours = rng.uniform(0.5, 2.0, 8)
        most = float(rng.uniform(0.3, 3.0))
        pool = CutPool(hours, load, [SourceUnit("s", supply, 1.0)], StoreUnit("b", 1.0, 1.0, 0.9, 0.8))
        first, last = pool.surplus_w([1.0])
        expected = drawn(first, last, hours, 0.9, 0.8, most)
        assert unit_need(pool, [1.0], charge_w=most).usable_wh == pytest.approx(expected, abs=2e-5)


series = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]), min_size=7, max_size=7)


@settings(max_examples=30, deadline=None)
@given(
    first=series,
    second=series,
    load=st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5]), min_size=6, max_size=6),
    masses=st.tuples(*[st.sampled_from([1.0, 2.5, 4.0])] * 5),
    fuel_cell=st.booleans(),
    reserve=st.sampled_from([0.0, 0.2]),
)
def test_beside_brute_force(first, second, load, masses, fuel_cell, reserve):
    """No lighter numbers of units hold, and those found do, among all up to 5 of each."""
    sources = [
        SourceUnit("a", np.array(first), masses[0], carrier_kg=masses[4], per_carrier=2, most=5),
        SourceUnit("b", np.array(second) * 0.5 + 0.1, masses[1], most=5),
    ]
    powers = {"charge_w": 0.7, "charge_kg": masses[2], "discharge_w": 0.9, "discharge_kg": masses[3]}
    store = StoreUnit("s", 0.8, masses[2], 0.9, 0.7, **(powers if fuel_cell else {}))
    pool = CutPool(np.ones(6), load, sources, store, reserve)
    found = lightest_units(pool)
    rates = range(4) if fuel_cell else [0]
    best = np.inf
    for a, b in itertools.product(range(6), range(6)):
        for charge in rates:
            most = 0.7 * charge if fuel_cell else np.inf
            need = unit_need(pool, [a, b], charge_w=most)
            modules = int(np.ceil(need.usable_wh / (0.8 * (1 - reserve)) * (1 - 1e-9) - 1e-9))
            discharge = int(np.ceil(need.discharge_w / 0.9 - 1e-9)) if fuel_cell else 0
            mass = a * masses[0] + np.ceil(a / 2) * masses[4] + b * masses[1] + modules * masses[2]
            if fuel_cell:
                mass += charge * masses[2] + discharge * masses[3]
            best = min(best, mass)
    assert found.mass_kg == pytest.approx(best, rel=1e-7)
    assert found.bound_kg <= found.mass_kg + 1e-6
    most = 0.7 * found.charge_units if fuel_cell else np.inf
    assert unit_need(pool, found.sources, charge_w=most).usable_wh <= 0.8 * found.modules * (1 - reserve) + 1e-6


def over_all_time(supply, load, mass, store, charge_w):
    """The same program with the energy held after every step as a variable (steps of constant power)."""
    count, steps = len(supply), len(load)
    columns = count + 1 + 3 * steps
    cost = np.zeros(columns)
    cost[:count], cost[count] = mass, store.mass_kg
    rows, low, high = lil_array((3 * steps, columns)), np.full(3 * steps, -np.inf), np.full(3 * steps, np.inf)
    into, out, held = count + 1, count + 1 + steps, count + 1 + 2 * steps
    for k in range(steps):
        rows[k, :count] = supply[:, k]
        rows[k, into + k], rows[k, out + k] = -1.0, 1.0
        low[k] = load[k]
        at = steps + k
        rows[at, held + k] = 1.0
        if k:
            rows[at, held + k - 1] = -1.0
        else:
            rows[at, count] = -store.usable_wh
        rows[at, into + k], rows[at, out + k] = -store.charge_efficiency, 1.0 / store.discharge_efficiency
        low[at] = high[at] = 0.0
        full = 2 * steps + k
        rows[full, held + k], rows[full, count] = 1.0, -store.usable_wh
        high[full] = 0.0
    upper = np.full(columns, np.inf)
    upper[into:out] = charge_w
    whole = np.zeros(columns)
    whole[: count + 1] = 1
    found = milp(
        cost,
        integrality=whole,
        bounds=(np.zeros(columns), upper),
        constraints=LinearConstraint(rows.tocsr(), low, high),
        options={"mip_rel_gap": 0.0},
    )
    return found.fun


@pytest.mark.parametrize("seed", range(3))
def test_beside_the_program_over_all_time(seed):
    """Steps of constant power, joined by ramps of no length: the program with 3 x 200 variables of time agrees."""
    rng = np.random.default_rng(seed)
    steps = 200
    day = np.maximum(np.sin(np.arange(steps) * 2 * np.pi / 29), 0) * rng.uniform(0.4, 1.0, steps)
    supply = np.array([900.0 * day, np.full(steps, 60.0)])
    load = rng.uniform(80.0, 160.0, steps)
    store = StoreUnit("cell", 150.0, 1.3, 0.85, 0.8)
    mass = np.array([9.0, 40.0])
    knots = np.repeat(supply, 2, axis=1)
    hours = np.tile([1.0, 1e-12], steps)[:-1]
    loads = np.repeat(load, 2)[:-1]
    sources = [SourceUnit(str(i), knots[i], float(mass[i])) for i in range(2)]
    found = lightest_units(CutPool(hours, loads, sources, store))
    assert found.mass_kg == pytest.approx(over_all_time(supply, load, mass, store, np.inf), rel=1e-7)


def test_windows_hold_for_another_load_and_bound_whole_units():
    rng = np.random.default_rng(8)
    supply = np.maximum(rng.normal(0.5, 1.0, 300), 0.0) * 1000.0
    store = StoreUnit("cell", 500.0, 3.0, 0.9, 0.9)
    pool = CutPool(np.ones(299), np.full(299, 200.0), [SourceUnit("a", supply, 7.0)], store)
    one = lightest_units(pool)
    cuts = len(pool.rows)
    three = lightest_units(pool, load_factor=3.0)
    fresh = CutPool(np.ones(299), np.full(299, 600.0), [SourceUnit("a", supply, 7.0)], store)
    assert lightest_units(fresh).mass_kg == pytest.approx(three.mass_kg)
    assert three.mass_kg <= 3.0 * one.mass_kg + 1e-6
    assert len(pool.rows) >= cuts
    loose = lightest_units(pool, load_factor=3.0, whole=False)
    assert loose.mass_kg <= three.mass_kg + 1e-9
    assert lightest_units(pool, load_factor=3.0, cutoff_kg=loose.mass_kg * 0.5) is None


def test_sources_alone_carry_the_load_at_every_instant():
    steady = SourceUnit("rtg", np.linspace(300.0, 200.0, 50), 56.0)
    pool = CutPool(np.ones(49), np.full(49, 1000.0), [steady], None)
    assert lightest_units(pool).sources == (5,)
    dark = SourceUnit("array", np.zeros(50), 1.0)
    with pytest.raises(ModelError, match="carries the load"):
        lightest_units(CutPool(np.ones(49), np.ones(49), [dark], None))


def test_what_cannot_be_used_is_refused():
    source = SourceUnit("a", np.ones(3), 1.0)
    with pytest.raises(InputError, match="reserve"):
        CutPool(np.ones(2), np.ones(2), [source], None, 1.0)
    with pytest.raises(InputError, match="load_w"):
        CutPool(np.ones(2), [1.0, np.nan], [source], None)
    with pytest.raises(InputError, match="b"):
        CutPool(np.ones(2), np.ones(2), [source], StoreUnit("b", 0.0, 1.0, 1.0, 1.0))
