"""Rules that every run of every campaign keeps, on random plans."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.campaign.risk import CampaignRisk, campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.plan import Plan, load_plan

QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TRANSIT, PAUSE = 5.0, 20.0
GIVEN = RiskAssumptions(transit_days=TRANSIT, commissioning_days=PAUSE, stand_down_days=200.0)
Make = Callable[..., Any]


@st.composite
def campaigns(draw: st.DrawFn) -> dict[str, Any]:
    """Missions and elements that require earlier ones, with chances, delays and two launchers, slow or not."""
    many = draw(st.integers(1, 5))
    missions = [
        {
            "launch": str(draw(st.integers(2030, 2034))),
            "slip_days": draw(st.sampled_from([0.0, 100.0, 700.0])),
            "arrival_reliability": draw(st.sampled_from([0.3, 0.8, 1.0])),
            "requires": draw(st.sets(st.integers(0, k - 1), max_size=2)) if k else set(),
            "launcher": draw(st.integers(0, 1)),
        }
        for k in range(many)
    ]
    elements = [
        {
            "on": draw(st.integers(0, many - 1)),
            "requires": draw(st.sets(st.integers(0, k - 1), max_size=2)) if k else set(),
            "mass_kg": draw(st.sampled_from([100.0, 1500.0, 2500.0])),
        }
        for k in range(draw(st.integers(1, 5)))
    ]
    launchers = [
        {
            "reliability": draw(st.sampled_from([0.5, 0.9, 1.0])),
            "per_year": draw(st.sampled_from([0.5, 2.0, None])),
            "available": draw(st.sampled_from(["2020", "2031-06", None])),
        }
        for _ in range(2)
    ]
    return {"missions": missions, "elements": elements, "launchers": launchers, "seed": draw(st.integers(0, 999))}


def made(case: dict[str, Any], plan_of: Make, a_mission: Make, an_element: Make, order: int = 1) -> Plan:
    """The plan of a case, its rows in one order or the other."""
    missions = [
        a_mission(
            f"m{k}", row["launch"], slip_days=row["slip_days"], arrival_reliability=row["arrival_reliability"],
            requires=[f"m{j}" for j in sorted(row["requires"])], landed_mass_kg=3000.0,
            launcher=f"l{row['launcher']}",
        )
        for k, row in enumerate(case["missions"])
    ]  # fmt: skip
    elements = [
        an_element(f"e{k}", f"m{row['on']}", row["mass_kg"], requires=[f"e{j}" for j in sorted(row["requires"])])
        for k, row in enumerate(case["elements"])
    ]
    cited = {"source": "made for this test", "confidence": "B"}
    launchers = [
        {"id": f"l{k}", "name": "Big", "owner": "cn", "tli_mass_kg": 1e4, **row, **cited}
        for k, row in enumerate(case["launchers"])
    ]
    return plan_of(missions[::order], elements[::order], launchers=launchers[::order])  # type: ignore[no-any-return]


def flown(case: dict[str, Any], plan: Plan, **more: Any) -> CampaignRisk:
    return campaign_risk(plan, runs=120, seed=case["seed"], assumptions=GIVEN, dates=["2040"], **more)


@QUICK
@given(case=campaigns(), reflights=st.integers(0, 2))
def test_nothing_flies_or_works_before_what_it_requires(case, reflights, plan_of, a_mission, an_element):
    plan = made(case, plan_of, a_mission, an_element)
    risk = flown(case, plan, reflights=reflights)
    found, model = risk.found, risk.model
    launch = found.arrival - TRANSIT
    for k, row in enumerate(case["missions"]):
        earliest = (dt.datetime(int(row["launch"]), 1, 1) - dt.datetime(2000, 1, 1)) / dt.timedelta(days=1)
        assert (launch[:, k] >= earliest - 1e-6).all()
        for j in row["requires"]:
            assert (launch[:, k] >= found.arrival[:, j] - 1e-6).all()
    at = {name: k for k, name in enumerate(model.elements)}
    for k, row in enumerate(case["elements"]):
        ready = found.ready[:, at[f"e{k}"]]
        assert (ready >= found.arrival[:, row["on"]] + PAUSE - 1e-6).all()
        for j in row["requires"]:
            assert (ready >= found.ready[:, at[f"e{j}"]] + PAUSE - 1e-6).all()
    for one, launcher in enumerate(case["launchers"]):
        mine = [k for k, row in enumerate(case["missions"]) if row["launcher"] == one]
        steps = np.diff(np.sort(np.where(np.isfinite(launch), launch, np.nan)[:, mine], axis=1), axis=1)
        if launcher["per_year"] is not None:
            gap = 365.25 / launcher["per_year"]
            assert (steps[np.isfinite(steps)] >= gap - 1e-6).all(), "the launcher keeps its pace"
    most = len(case["missions"]) * (1 + reflights) + len(case["elements"]) * (reflights > 0)
    assert (found.launches <= most).all()
    assert (found.launches >= np.isfinite(launch).sum(axis=1)).all()


@QUICK
@given(case=campaigns())
def test_every_miss_has_a_cause_that_happened(case, plan_of, a_mission, an_element):
    risk = flown(case, made(case, plan_of, a_mission, an_element))
    found, model = risk.found, risk.model
    for name in model.elements:
        for by in ("2033", "9000"):
            rows = risk.causes([name], by)
            assert sum(row.probability.count for row in rows) == risk.runs - risk.reached([name], by).count
            for row in rows:
                if row.kind in ("launch", "arrival"):
                    lost = np.isinf(found.arrival[:, model.missions.index(row.subject)])
                    assert lost.sum() >= row.probability.count
                if row.kind == "performance":
                    assert found.left.any(axis=1).sum() >= row.probability.count


@QUICK
@given(case=campaigns(), reflights=st.integers(0, 2))
def test_the_order_of_rows_does_not_matter(case, reflights, plan_of, a_mission, an_element):
    one = flown(case, made(case, plan_of, a_mission, an_element), reflights=reflights)
    two = flown(case, made(case, plan_of, a_mission, an_element, -1), reflights=reflights)
    for k, name in enumerate(one.model.missions):
        assert np.array_equal(one.found.arrival[:, k], two.found.arrival[:, two.model.missions.index(name)])
    for k, name in enumerate(one.model.elements):
        other = two.model.elements.index(name)
        assert np.array_equal(one.found.ready[:, k], two.found.ready[:, other])
    assert np.array_equal(one.found.launches, two.found.launches)


@QUICK
@given(case=campaigns())
def test_a_better_landing_never_harms(case, plan_of, a_mission, an_element):
    """Under the same luck; with launchers that never wait, since a success that comes keeps others waiting."""
    case["launchers"] = [{"reliability": 1.0}] * 2
    first = flown(case, made(case, plan_of, a_mission, an_element))
    case["missions"][0]["arrival_reliability"] = 1.0
    second = flown(case, made(case, plan_of, a_mission, an_element))
    assert (second.found.ready <= first.found.ready + 1e-9).all()


@pytest.mark.parametrize("many", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_a_cluster_gives_the_same(many, plan_of, a_mission, an_element):
    pytest.importorskip("distributed", reason="distributed is not installed: pip install 'moonpost[cluster]'")
    plan = plan_of(
        [a_mission("one", "2031"), a_mission("two", "2032", requires=["one"])], [an_element("a", "two")]
    )
    here, there = (
        campaign_risk(plan, runs=9000, seed=2),
        campaign_risk(plan, runs=9000, seed=2, scheduler=f"local:{many}"),
    )
    assert here.to_dict() == there.to_dict()
    assert np.array_equal(here.found.ready, there.found.ready)


@pytest.mark.soak
def test_hundred_thousand_runs_of_the_bundled_plan_on_one_and_two_workers():
    plan = load_plan("ilrs")
    one, two = (campaign_risk(plan, runs=100_000, workers=workers) for workers in (1, 2))
    assert one.to_dict() == two.to_dict()
    short = campaign_risk(plan, runs=10_000)
    assert short.reached(["command-centre"]).share == pytest.approx(
        one.reached(["command-centre"]).share, abs=0.02
    )


def _plain() -> Any:
    """The module beside this file."""
    spec = importlib.util.spec_from_file_location("campaign_plainrisk", Path(__file__).with_name("plainrisk.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def agree(plan: Plan, given: RiskAssumptions, runs: int, seed: int, reflights: int) -> None:
    """The program and the plain one come to the same dates and launches."""
    plain_run = _plain().plain_run
    found = campaign_risk(plan, runs=runs, seed=seed, reflights=reflights, assumptions=given, dates=["2040"]).found
    names = campaign_risk(plan, runs=1, dates=["2040"]).model.elements
    for run in range(runs):
        ready, launches = plain_run(plan, given, reflights, seed, run)
        expected = np.array([ready[name] for name in names])
        assert np.allclose(found.ready[run], expected, rtol=0.0, atol=1e-6), run
        assert found.launches[run] == launches, run


@settings(QUICK, max_examples=12)
@given(case=campaigns(), reflights=st.integers(0, 2))
def test_a_plain_program_comes_to_the_same(case, reflights, plan_of, a_mission, an_element):
    agree(made(case, plan_of, a_mission, an_element), GIVEN, 3, case["seed"], reflights)


@pytest.mark.parametrize(("name", "reflights"), [("ilrs", 0), ("ilrs", 2), ("ilrs-orbit", 1)])
def test_a_plain_program_comes_to_the_same_on_bundled_plans(name, reflights):
    agree(load_plan(name), RiskAssumptions(uncertain_rates=False), 12, 4, reflights)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
@pytest.mark.parametrize("reflights", [0, 1, 3])
def test_a_plain_program_comes_to_the_same_many_times(name, reflights):
    agree(load_plan(name), RiskAssumptions(uncertain_rates=False), 200, 9, reflights)
