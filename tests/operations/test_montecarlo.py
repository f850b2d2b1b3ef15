"""Many runs: spreads with their errors, closed forms, the same answer whatever the number of workers."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.operations.engine import run_station
from moonpost.operations.faultrates import FaultRate, assumed_rates, drawn_faults
from moonpost.operations.faults import MachineFault
from moonpost.operations.montecarlo import RISK_NUMBERS, RiskCase, awake_contacts, run_risk
from moonpost.operations.recovery import changes_of, courses_of
from moonpost.operations.simulation import simulate, station_models
from moonpost.operations.spread import Spread, growth, share_bounds
from moonpost.plan.elements import Reactor
from moonpost.study import simulate_plan
from moonpost.study.risk import plan_risk

_SPEC = importlib.util.spec_from_file_location("faultcases", Path(__file__).with_name("faultcases.py"))
cases = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(cases)


def test_a_spread_tells_mean_deviation_and_quantiles():
    values = np.random.default_rng(1).normal(5.0, 2.0, 4000)
    found = Spread.of(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.mean_error == pytest.approx(2.0 / np.sqrt(4000), rel=0.05)
    assert found.deviation_error == pytest.approx(2.0 / np.sqrt(8000), rel=0.1)
    for row, exact in zip(found.quantiles, (5 - 2 * 1.644854, 5.0, 5 + 2 * 1.644854), strict=True):
        assert row.low < exact < row.high
        assert row.low <= row.value <= row.high


def test_bounds_of_a_quantile_hold_it_as_often_as_they_say():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(400):
        row = Spread.of(rng.exponential(size=60), (0.9,)).quantiles[0]
        inside += row.low <= -np.log(0.1) and (row.high is None or -np.log(0.1) <= row.high)
    assert inside >= 0.95 * 400 - 4 * np.sqrt(400 * 0.95 * 0.05)


def test_too_few_runs_give_no_bound():
    row = Spread.of([1.0, 2.0, 3.0], (0.05,)).quantiles[0]
    assert row.low is None
    assert row.high is not None


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [np.inf]])
def test_a_spread_of_nothing_or_of_no_numbers_is_refused(values):
    with pytest.raises(InputError, match="values"):
        Spread.of(values)


def test_bounds_of_a_share():
    low, high = share_bounds(10, 100)
    # Wilson's interval for 10 of 100, worked by hand from his formula: 0.0552 to 0.1744.
    assert (low, high) == (pytest.approx(0.0552, abs=1e-4), pytest.approx(0.1744, abs=1e-4))
    assert share_bounds(5, 5)[1] == 1.0
    for count, runs in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(InputError):
            share_bounds(count, runs)


def test_growth_shows_errors_that_fall_with_the_root_of_the_runs():
    rows = growth({"x": np.random.default_rng(3).normal(size=3000)})
    assert [row["runs"] for row in rows] == [10, 30, 100, 300, 1000, 3000]
    assert rows[-1]["x"]["mean_error"] == pytest.approx(1 / np.sqrt(3000), rel=0.1)
    assert abs(rows[-1]["x"]["mean"]) < 4 * rows[-1]["x"]["mean_error"]


def case(days=60.0, per_year=6.0, **rest):
    plan = cases.everything()
    rates = tuple(
        FaultRate(rate.kind, rate.subject, per_year, size=rate.size)
        for rate in assumed_rates(plan, [plan.element(cases.SUBJECT)])
    )
    return cases.case_of(days, plan, rates=rates, **rest)


def same(one, other):
    for name in RISK_NUMBERS:
        np.testing.assert_array_equal(one.values[name], other.values[name], err_msg=name)
    np.testing.assert_array_equal(one.lost, other.lost)
    assert one.to_dict() == other.to_dict()


def test_any_number_of_workers_gives_the_same():
    found = [run_risk(case(), 20, seed=5, workers=workers) for workers in (1, 3)]
    same(*found)
    assert found[0].residual_relative < 1e-6
    assert found[0].values["faults"].std() > 0.0


def test_run_k_of_many_is_run_0_of_its_seed():
    many, one = run_risk(case(), 6, seed=10), run_risk(case(), 1, seed=14)
    for name in RISK_NUMBERS:
        assert many.values[name][4] == one.values[name][0]


def test_outages_of_reactors_differ_from_run_to_run():
    source = Reactor(kind="reactor", electric_w=500.0, life_years=100.0, availability=0.8, outage_days=10.0)
    plan, sun, light = cases.steady(500.0, 1.0, lambda _: (source,))
    found = run_risk(RiskCase(plan, sun, light, site="ce4-site"), 30, seed=4)
    one = simulate(plan, sun, light, site="ce4-site", seed=9)
    assert found.values["served_wh"][5] == pytest.approx(one.balances[0].served_wh, rel=1e-12)
    assert found.values["served_wh"].std() > 0.0


def test_a_run_of_a_plan_is_what_operate_simulate_gives(tmp_path):
    path = tmp_path / "faults.toml"
    path.write_text(
        '[[rate]]\nkind = "dust"\nsubject = "ce4-lander"\nper_year = 20.0\nsize = [0.1, 0.5]\n'
        '[[fault]]\nkind = "no-wake"\nsubject = "yutu-2"\nat = 2022-02-10\n'
    )
    given = ("ilrs", "2022-01-01", 60.0)
    many = plan_risk(*given, runs=3, seed=6, site="ce4-site", path=path)
    one = simulate_plan(*given, seed=8, site="ce4-site", path=path)
    assert many.values["served_wh"][2] == pytest.approx(sum(b.served_wh for b in one.balances), rel=1e-12)
    assert one.event_counts["fault-begins"] == many.values["faults"][2]


@pytest.mark.soak
def test_dask_gives_the_same():
    pytest.importorskip("distributed")
    same(run_risk(case(), 20, seed=5), run_risk(case(), 20, seed=5, scheduler="local:2"))


@pytest.mark.parametrize("stuck", [False, True])
def test_a_run_is_what_simulate_gives(stuck):
    """The runs share what drives them; the plain way lays all out anew."""
    one = case()
    if not stuck:
        one = replace(one, rates=tuple(rate for rate in one.rates if rate.kind != "stuck-array"))
    found = run_risk(one, 4, seed=3)
    base = simulate(one.plan, one.sun, one.light_by_mast, site=one.site, contacts=one.contacts)
    wakes = [e for e in base.events if e.subject == cases.SUBJECT and e.kind in ("wake", "sleep")]
    assert wakes
    models, _, _ = station_models(one.plan, one.sun, one.light_by_mast, site=one.site, contacts=one.contacts)
    windows = awake_contacts([run_station(m) for m in models], one.contacts, one.period[0], models[0].span_s)
    for k in range(4):
        courses = courses_of(one.plan, drawn_faults(one.plan, one.rates, *one.period, 3 + k), windows)
        plain = simulate(
            one.plan, one.sun, one.light_by_mast, site=one.site, contacts=one.contacts,
            changes=changes_of(one.plan, courses),
        )  # fmt: skip
        assert found.values["served_wh"][k] == pytest.approx(plain.balances[0].served_wh, rel=1e-12)
        assert found.values["data_bit"][k] == pytest.approx(plain.data[0].sent_bit, rel=1e-12)
        assert found.values["faults"][k] == len(courses)
        assert bool(found.lost[k, 0]) == ("machine-lost" in plain.event_counts)


def assert_within(found, mean, variance, errors=4.0):
    """Mean and deviation of the energy served [Wh] within so many standard errors of exact ones."""
    spread = found.spreads()["served_wh"]
    assert spread.mean == pytest.approx(mean, abs=errors * np.sqrt(variance / found.runs))
    assert spread.deviation == pytest.approx(np.sqrt(variance), abs=errors * spread.deviation_error)


def test_dust_that_falls_by_chance_has_the_mean_and_variance_of_the_closed_form():
    """Energy under Poisson dust of a fixed size: see docs/faults.md for the moments."""
    rate, size, years, rated_w = 3.0, 0.1, 2.0, 400.0
    plan, sun, light = cases.steady(rated_w, years, cases.array)
    rates = (FaultRate("dust", cases.SUBJECT, rate, size=(size, size), fault={"recovery": "none"}),)
    risk = RiskCase(plan, sun, light, rates, site="ce4-site")
    clean_wh = run_risk(replace(risk, rates=()), 1).values["served_wh"][0]
    assert clean_wh == pytest.approx(rated_w * years * 8766.0, rel=1e-3)  # 1367 W/m2 taken as 1361 at 1 au
    m1, m2 = rate * size, rate * (2 * size - size**2)
    mean = (1 - np.exp(-m1 * years)) / m1
    square = 2 / (m2 - m1) * (mean - (1 - np.exp(-m2 * years)) / m2)
    wh = clean_wh / years
    found = run_risk(risk, 600, seed=1, workers=2)
    assert_within(found, wh * mean, wh**2 * (square - mean**2))
    lost = found.values["faults"]
    assert lost.mean() == pytest.approx(rate * years, abs=4 * np.sqrt(rate * years / 600))


def test_a_source_that_fails_once_serves_until_an_exponential_time():
    rate, years, rated_w = 0.7, 2.0, 500.0
    plan, sun, light = cases.steady(rated_w, years, cases.reactor)
    rates = (FaultRate("failed-source", cases.SUBJECT, rate, once=True, fault={"recovery": "none"}),)
    risk = RiskCase(plan, sun, light, rates, site="ce4-site")
    whole_wh = run_risk(replace(risk, rates=()), 1).values["served_wh"][0]
    assert whole_wh == pytest.approx(rated_w * years * 8766.0, rel=1e-3)
    left = np.exp(-rate * years)
    mean, square = (1 - left) / rate, 2 / rate**2 * (1 - left * (1 + rate * years))
    wh = whole_wh / years
    found = run_risk(risk, 600, seed=2, workers=2)
    assert_within(found, wh * mean, wh**2 * (square - mean**2))
    # fails in the period with probability 1 - exp(-rate years); every such fault stays
    share = found.values["open_faults"].mean()
    assert share == pytest.approx(1 - left, abs=4 * np.sqrt(left * (1 - left) / 600))


@pytest.mark.soak
def test_errors_fall_with_the_root_of_the_runs_up_to_a_thousand():
    found = run_risk(case(365.0, 2.0), 1000, workers=2)
    rows = {row["runs"]: row["served_wh"]["mean_error"] for row in found.growth()}
    assert rows[1000] == pytest.approx(rows[100] * np.sqrt(0.1), rel=0.25)
    assert found.residual_relative < 1e-6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"runs": 0}, "runs"),
        ({"runs": 1.5}, "runs"),
        ({"runs": True}, "runs"),
        ({"runs": 10, "seed": -1}, "seed"),
        ({"runs": 10, "workers": 0}, "workers"),
        ({"runs": 10, "scheduler": "local:x"}, "local"),
    ],
)
def test_bad_numbers_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        run_risk(case(10.0), **arguments)


def test_a_fault_of_a_machine_elsewhere_is_refused():
    elsewhere = (MachineFault("dust", "ce7-lander", cases.START + 3 * cases.DAY),)
    with pytest.raises(InputError, match="ce7-lander is not in this simulation"):
        run_risk(case(20.0, faults=elsewhere), 2)
