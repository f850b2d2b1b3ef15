"""Spares beside brute force and chance; repair beside a plain loop; wear and dust by closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from moonpost.design.spares import SpareItem, enough_probability, lightest_spares, shared_units
from moonpost.design.units import plan_units, read_units
from moonpost.design.wear import dust_cover, mechanism_life_years, repair_times, wear_depth_m
from moonpost.errors import DataError, InputError, ModelError, UnknownNameError
from moonpost.plan import load_plan

UNITS = st.lists(
    st.tuples(st.floats(0.5, 20.0), st.floats(0.01, 0.4), st.integers(1, 3)), min_size=1, max_size=4
).map(lambda rows: [SpareItem(f"u{k}", "m", mass, rate, n) for k, (mass, rate, n) in enumerate(rows)])


def probability(items, counts, years):
    return math.prod(poisson.cdf(n, row.mean_demand(years)) for row, n in zip(items, counts, strict=True))


def brute(items, years, target, most):
    """The lightest stock of all up to a mass: every combination."""
    limits = [range(int(most / row.mass_kg) + 1) for row in items]
    best = math.inf
    for counts in itertools.product(*limits):
        mass = sum(row.mass_kg * n for row, n in zip(items, counts, strict=True))
        if mass < best and probability(items, counts, years) >= target - 1e-12:
            best = mass
    return best


@given(st.integers(0, 60), st.floats(0.0, 40.0))
def test_the_probability_is_that_of_poisson(spares, mean) -> None:
    assert enough_probability(spares, mean) == pytest.approx(poisson.cdf(spares, mean), rel=1e-10, abs=1e-300)


@given(UNITS, st.floats(1.0, 6.0), st.floats(0.5, 0.97))
@settings(max_examples=60, deadline=None)
def test_the_exact_stock_is_the_lightest_of_all(items, years, target) -> None:
    found = lightest_spares(items, years, target)
    assert probability(items, found.counts, years) == pytest.approx(found.availability, rel=1e-9)
    assert found.availability >= target - 1e-12
    assert found.failure_kg <= found.marginal_kg + 1e-9
    sizes = math.prod(found.marginal_kg / row.mass_kg + 1 for row in items)
    if sizes < 30_000:
        assert found.failure_kg == pytest.approx(brute(items, years, target, found.marginal_kg + 1e-9), rel=1e-9)


@given(UNITS, st.floats(1.0, 6.0))
@settings(max_examples=25, deadline=None)
def test_each_stock_of_the_marginal_analysis_is_the_lightest_of_its_availability(items, years) -> None:
    found = lightest_spares(items, years, 0.9, method="marginal")
    for mass, reached in found.curve[:: max(1, len(found.curve) // 4)]:
        if 0.0 < reached < 1.0 and math.prod(mass / row.mass_kg + 1 for row in items) < 20_000:
            assert brute(items, years, reached * (1 - 1e-9), mass + 1e-9) == pytest.approx(
                mass, rel=1e-9, abs=1e-9
            )


def test_the_marginal_analysis_can_jump_over_a_lighter_stock() -> None:
    items = [SpareItem("heavy", "m", 10.0, 0.1), SpareItem("light", "m", 1.0, 0.1)]
    both = [lightest_spares(items, 3.0, target) for target in np.linspace(0.5, 0.99, 40)]
    assert any(row.failure_kg < row.marginal_kg for row in both)


def test_failures_drawn_by_chance_leave_the_stock_enough_as_often_as_told() -> None:
    items = plan_units(load_plan("ilrs"))
    found = lightest_spares(items, 10.0, 0.9)
    draws = np.random.default_rng(7).poisson([row.mean_demand(10.0) for row in items], size=(40_000, len(items)))
    enough = (draws <= np.array(found.counts)).all(axis=1).mean()
    # Five standard errors of 40,000 draws.
    assert enough == pytest.approx(found.availability, abs=5 * math.sqrt(0.09 / 40_000))


def test_wear_asks_for_spares_that_are_known_beforehand() -> None:
    row = SpareItem("drive", "m", 2.0, 0.0, count=3, life_years=4.0)
    assert [row.worn(years) for years in (3.0, 4.0, 4.1, 8.0, 12.1)] == [0, 0, 3, 3, 9]
    found = lightest_spares([row, SpareItem("box", "m", 1.0, 0.1)], 10.0, 0.9)
    assert found.worn == (6, 0)
    assert found.mass_kg == found.failure_kg + 12.0
    assert found.curve[0][0] == 12.0
    assert found.counts[0] == 0


def test_common_parts_never_weigh_more_when_they_are_alike() -> None:
    alike = [SpareItem("pump", name, 5.0, 0.1, life_years=4.0) for name in "abcd"]
    common = shared_units(alike)
    assert common == (SpareItem("pump", "", 5.0, 0.1, 4, 4.0),)
    one, many = lightest_spares(common, 10.0, 0.95), lightest_spares(alike, 10.0, 0.95)
    assert one.worn[0] == sum(many.worn)
    assert one.failure_kg < many.failure_kg
    assert shared_units([SpareItem("a", "m", 1.0, 0.1)]) == (SpareItem("a", "m", 1.0, 0.1),)


def test_large_demand_is_met() -> None:
    found = lightest_spares([SpareItem("valve", "m", 1.0, 20.0)], 10.0, 0.99)
    assert found.counts[0] == int(poisson.ppf(0.99, 200.0))


@pytest.mark.parametrize(
    ("items", "years", "target"),
    [
        ([], 1.0, 0.9),
        ([SpareItem("a", "m", 1.0, 0.1)], 0.0, 0.9),
        ([SpareItem("a", "m", 1.0, 0.1)], math.nan, 0.9),
        ([SpareItem("a", "m", 1.0, 0.1)], 1.0, 1.0),
        ([SpareItem("a", "m", 1.0, 0.1)], 1.0, math.nan),
    ],
)
def test_wants_that_make_no_sense_are_refused(items, years, target) -> None:
    with pytest.raises(InputError):
        lightest_spares(items, years, target)


@pytest.mark.parametrize(
    "wrong", [{"mass_kg": 0.0}, {"failures_per_year": -1.0}, {"count": 0}, {"life_years": 0.0}]
)
def test_units_that_make_no_sense_are_refused(wrong) -> None:
    with pytest.raises(InputError):
        SpareItem(**({"name": "a", "element": "m", "mass_kg": 1.0, "failures_per_year": 0.1} | wrong))


def test_units_are_read_from_a_file(tmp_path) -> None:
    path = tmp_path / "units.toml"
    path.write_text('[[unit]]\nname = "pump"\nelement = "lab"\nmass_kg = 4\nfailures_per_year = 0.2\ncount = 2\n')
    assert read_units(path) == (SpareItem("pump", "lab", 4, 0.2, 2),)
    for text, error in (
        ("", DataError),
        ("[[unit]\n", DataError),
        ('[[unit]]\nname = "pump"\n', DataError),
        ('[[unit]]\nname = "p"\nmass_kg = "4"\nfailures_per_year = 1\n', DataError),
        ('[[unit]]\nname = "p"\nmass = 4\n', UnknownNameError),
        ('[[unit]]\nname = "p"\nmass_kg = nan\nfailures_per_year = 1\n', InputError),
    ):
        path.write_text(text)
        with pytest.raises(error):
            read_units(path)
    with pytest.raises(DataError):
        read_units(tmp_path / "none.toml")


def mend_by_hour(lit, work, command):
    """A failure at the start of each hour: command, then lit hours until the work is done."""
    took = []
    for start in range(len(lit)):
        t, left = start + command, work
        while t < len(lit) and left > 0:
            left -= bool(lit[t])
            t += 1
        if left <= 0:
            took.append(t - start)
    return np.array(took)


@given(st.lists(st.booleans(), min_size=40, max_size=120), st.integers(1, 6), st.integers(0, 10))
@settings(max_examples=60, deadline=None)
def test_repair_is_that_of_a_plain_loop_over_hours(lit, work, command) -> None:
    plain = mend_by_hour(lit, work, command)
    if plain.size == 0:
        with pytest.raises(ModelError):
            repair_times(lit, 1.0, float(work), way_m=0.0, command_h=float(command))
        return
    found = repair_times(lit, 1.0, float(work), way_m=0.0, command_h=float(command))
    assert found.mean_h == pytest.approx(plain.mean())
    assert found.longest_h == pytest.approx(plain.max())
    assert found.never == pytest.approx(1.0 - plain.size / len(lit))


def test_a_way_costs_lit_hours_and_failures_cost_time_at_work() -> None:
    lit = np.ones(500, bool)
    assert repair_times(lit, 1.0, 2.0, way_m=360.0, command_h=5.0).mean_h == pytest.approx(9.0)
    found = repair_times(lit, 1.0, 2.0, way_m=0.0, command_h=0.0)
    assert found.availability(8766.0 / 98.0) == pytest.approx(0.98)


def test_dust_wear_and_turns_are_their_formulas() -> None:
    assert dust_cover(3.0) == pytest.approx(1 - math.exp(-1.5 * 3 * 2.14e-4 / (3100 * 1e-5)))
    assert dust_cover(0.0) == 0.0
    assert dust_cover(5.0, upright=True) < dust_cover(5.0)
    assert mechanism_life_years(12.368, turns_per_year=12.368) == 1.0
    # A lunar day is 29.53 d, so there are 12.37 turns a year.
    assert mechanism_life_years(1237.0) == pytest.approx(100.0, rel=2e-3)
    assert wear_depth_m(2e6, 100.0, 1e9, 1e-4) == pytest.approx(2e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda: dust_cover(-1.0),
        lambda: dust_cover(1.0, grain_m=0.0),
        lambda: mechanism_life_years(math.nan),
        lambda: wear_depth_m(1.0, 1.0, 0.0, 1.0),
        lambda: repair_times([True], 1.0, 1.0),
        lambda: repair_times([True, True], 0.0, 1.0),
        lambda: repair_times([True, True], 1.0, math.nan),
        lambda: enough_probability(-1, 1.0),
        lambda: enough_probability(1, math.inf),
    ],
)
def test_numbers_that_make_no_sense_are_refused(call) -> None:
    with pytest.raises(InputError):
        call()
