"""Odds of a campaign against closed forms, published rates and counted records."""

from __future__ import annotations

import csv
import datetime as dt
import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import betainc
from scipy.stats import binom

from moonpost.campaign.risk import CampaignRisk, campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.campaign.riskrecord import FIRST_FLIGHTS, LANDING_RECORD, ORBIT_RECORD, Record
from moonpost.flight.missions import landed_mass_kg
from moonpost.plan import Plan, load_plan
from moonpost.plan.base import when_bounds

CITED = {"source": "made for this test", "confidence": "B"}
DAY = dt.timedelta(days=1)
FIRST, SECOND = 300.0, 500.0
"""Mean delays of the two missions [d]."""
LAUNCH, LAND_ONE, LAND_TWO = 0.9, 0.8, 0.7
PAUSE = 30.0
Z = 4.0
"""Standard errors that a right program exceeds in one of 16,000 comparisons; about thirty are made here."""


def two_missions(**more: Any) -> Plan:
    """Two missions on one day, the second needs the first; an element on each, the second's with a source."""
    common = {"kind": "cargo", "status": "planned", "owner": "cn", "launch": "2031-01-01T00:00Z", **CITED}
    machine = {"kind": "power", "owner": "cn", "maturity": "new", "bus": "station",
               "generators": [{"kind": "reactor", "electric_w": 1000.0}], **CITED}  # fmt: skip
    return Plan.model_validate(
        {
            "schema_version": 1, "id": "two", "title": "Two missions",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge", **CITED},
            "design": {"start": "2035", **CITED},
            "partners": [
                {"id": "cn", "name": "One", "kind": "state", "role": "founder", "country": "CN", **CITED},
            ],
            "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.5, "longitude_deg": 0.0, **CITED}],
            "launchers": [
                {"id": "a", "name": "A", "owner": "cn", "reliability": LAUNCH, **CITED},
                {"id": "b", "name": "B", "owner": "cn", "reliability": LAUNCH, **CITED},
            ],
            "missions": [
                {"id": "one", "name": "One", "launcher": "a", "slip_days": FIRST, "arrival_reliability": LAND_ONE,
                 **common},
                {"id": "two", "name": "Two", "launcher": "b", "slip_days": SECOND, "arrival_reliability": LAND_TWO,
                 **common, "requires": ["one"]},
            ],
            "elements": [
                {"id": "first", "name": "First", "mission": "one", **machine},
                {"id": "second", "name": "Second", "mission": "two", "life_years": 2.0, **machine},
            ],
            **more,
        }
    )  # fmt: skip


GIVEN = RiskAssumptions(transit_days=0.0, commissioning_days=PAUSE, landing_dust=0.0)
START = (dt.datetime(2031, 1, 1) - dt.datetime(2000, 1, 1)) / DAY


def later(day: float) -> str:
    """The date so many days after the launches' date."""
    return (dt.datetime(2031, 1, 1) + day * DAY).isoformat(timespec="seconds") + "Z"


def waited(day: float) -> float:
    """Distribution of the later of both delays: the second waits for its own delay and for the first's arrival."""
    return (1.0 - math.exp(-day / FIRST)) * (1.0 - math.exp(-day / SECOND)) if day > 0.0 else 0.0


@pytest.fixture(scope="module")
def risk() -> CampaignRisk:
    dates = [later(day) for day in (200.0, 600.0, 1200.0, 3000.0)]
    return campaign_risk(two_missions(), runs=40_000, seed=11, dates=dates, assumptions=GIVEN)


def within(found: float, expected: float, error: float) -> None:
    assert abs(found - expected) <= Z * error, (
        f"{found} against {expected}, {abs(found - expected) / error:.1f} errors"
    )


def test_probability_that_both_work(risk: CampaignRisk) -> None:
    one, both = LAUNCH * LAND_ONE, LAUNCH * LAND_ONE * LAUNCH * LAND_TWO
    for target, chance in ((["first"], one), (["first", "second"], both)):
        share = risk.reached(target, "9000").share
        within(share, chance, math.sqrt(chance * (1.0 - chance) / risk.runs))
        for day in (100.0, 400.0, 1500.0):
            law = 1.0 - math.exp(-day / FIRST) if target == ["first"] else waited(day)
            chance_by = chance * law
            found = risk.reached(target, later(day + PAUSE)).share
            within(found, chance_by, math.sqrt(chance_by * (1.0 - chance_by) / risk.runs))


def test_mean_deviation_and_quantiles_of_the_date(risk: CampaignRisk) -> None:
    ready = risk.ready_days(["second"])
    days = ready[np.isfinite(ready)] - START - PAUSE
    mean = FIRST + SECOND - 1.0 / (1.0 / FIRST + 1.0 / SECOND)
    square = 2.0 * (FIRST**2 + SECOND**2 - (1.0 / (1.0 / FIRST + 1.0 / SECOND)) ** 2)
    deviation = math.sqrt(square - mean**2)
    within(days.mean(), mean, deviation / math.sqrt(days.size))
    fourth = float(((days - days.mean()) ** 4).mean())
    within(days.std(), deviation, math.sqrt((fourth - deviation**4) / days.size) / (2.0 * deviation))
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        expected = brentq(lambda day, share=share: waited(day) - share, 0.0, 1e5)
        # the number of runs below the true quantile is binomial: no density is needed
        below = int((days <= expected).sum())
        low, high = binom.ppf([3e-5, 1.0 - 3e-5], days.size, share)
        assert low <= below <= high, share
        assert np.quantile(days, share) == pytest.approx(expected, rel=0.05)


def test_expected_power_on_each_day(risk: CampaignRisk) -> None:
    one, both = LAUNCH * LAND_ONE, LAUNCH * LAND_ONE * LAUNCH * LAND_TWO
    life = 2.0 * 365.25
    for k, day in enumerate((200.0, 600.0, 1200.0, 3000.0)):
        since = day - PAUSE
        first = one * (1.0 - math.exp(-since / FIRST))
        second = both * (waited(since) - waited(since - life))
        power = risk.found.power_w[:, k].astype(float)
        within(power.mean(), 1000.0 * (first + second), power.std() / math.sqrt(risk.runs))
        at_least = risk.capability_rows([2000.0])[k]["power_at_least"]["2000"]["share"]
        within(at_least, second, math.sqrt(max(second * (1.0 - second), 1e-6) / risk.runs))


def test_first_causes(risk: CampaignRisk) -> None:
    expected = {
        ("launch", "one"): 1.0 - LAUNCH,
        ("arrival", "one"): LAUNCH * (1.0 - LAND_ONE),
        ("launch", "two"): LAUNCH * LAND_ONE * (1.0 - LAUNCH),
        ("arrival", "two"): LAUNCH * LAND_ONE * LAUNCH * (1.0 - LAND_TWO),
    }
    found = {(row.kind, row.subject): row.probability.share for row in risk.causes(["second"], "9000")}
    assert found.keys() == expected.keys()
    for cause, chance in expected.items():
        within(found[cause], chance, math.sqrt(chance * (1.0 - chance) / risk.runs))


def test_which_delay_decides(risk: CampaignRisk) -> None:
    """By 1000 days after the date, a late second mission waited for the longer delay: shares by integration."""
    limit, both = 1000.0, LAUNCH * LAND_ONE * LAUNCH * LAND_TWO
    # P(first delay is the longer one and exceeds the limit), and the same for the second delay
    rate = 1.0 / FIRST + 1.0 / SECOND
    first = math.exp(-limit / FIRST) - math.exp(-limit * rate) / FIRST / rate
    second = math.exp(-limit / SECOND) - math.exp(-limit * rate) / SECOND / rate
    assert first + second == pytest.approx(1.0 - waited(limit))
    found = {(r.kind, r.subject): r.probability.share for r in risk.causes(["second"], later(limit + PAUSE))}
    for name, part in (("one", first), ("two", second)):
        chance = both * part
        within(found["slip", name], chance, math.sqrt(chance * (1.0 - chance) / risk.runs))


def test_missions_of_one_family_share_their_rate() -> None:
    """Both succeed with the mean of the squared rate, E[p^2], not with the square of the mean."""
    plan = two_missions()
    missions = [row.model_copy(update={"arrival_reliability": None, "requires": (), "launcher": "a"})
                for row in plan.missions]  # fmt: skip
    sure = [row.model_copy(update={"reliability": 1.0}) for row in plan.launchers]
    plan = plan.model_copy(update={"missions": tuple(missions), "launchers": tuple(sure)})
    record = LANDING_RECORD["CN"]
    a, b = record.alpha, record.beta
    squared = a * (a + 1.0) / ((a + b) * (a + b + 1.0))
    assert squared - record.mean**2 > 0.01, "the difference can be seen"
    for uncertain, expected in ((True, squared), (False, record.mean**2)):
        given = RiskAssumptions(**{**vars(GIVEN), "uncertain_rates": uncertain})
        found = (
            campaign_risk(plan, runs=40_000, seed=3, assumptions=given).reached(["first", "second"], "9000").share
        )
        within(found, expected, math.sqrt(expected * (1.0 - expected) / 40_000))


def test_dust_of_an_array_follows_its_triangle() -> None:
    """Mean and quantiles of the output against the closed form of the triangular law of the plan's range."""
    plan = load_plan("ilrs")
    risk = campaign_risk(
        plan, runs=20_000, dates=["2036-06-01T00:00Z"],
        assumptions=RiskAssumptions(slip_days=0.0, landing_dust=0.0),
    )  # fmt: skip
    array = risk.model.elements.index("vertical-array")
    ready = risk.found.ready[:, array]
    reactor = risk.found.ready[:, risk.model.elements.index("reactor")]
    here = (ready <= risk.days[0]) & ~(reactor <= risk.days[0])
    age = (risk.days[0] - ready[here]) / 365.25
    part = 1.0 - risk.found.power_w[here, 0] / 1e4 / (1.0 - plan.design.array_loss_per_year) ** age
    low, likely, high = 0.02, 0.05, 0.2  # the assumption 'dust' of the plan
    within(part.mean(), (low + likely + high) / 3.0, part.std() / math.sqrt(part.size))
    for share in (0.1, 0.5, 0.9):
        if share < (likely - low) / (high - low):
            expected = low + math.sqrt(share * (high - low) * (likely - low))
        else:
            expected = high - math.sqrt((1.0 - share) * (high - low) * (high - likely))
        below = int((part <= expected).sum())
        least, most = binom.ppf([3e-5, 1.0 - 3e-5], part.size, share)
        assert least <= below <= most, share


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_cargo_stays_behind_as_often_as_the_chain_says(share: float) -> None:
    """A machine of known mass on a lander whose chain has a range: the share left is the triangular law there."""
    velocity = [
        {"id": "down", "name": "Down", "delta_v_m_s": 2900.0, "low_m_s": 2700.0, "high_m_s": 3200.0, **CITED}
    ]
    stage = {"name": "lander", "legs": ["down"], "isp_s": 310.0}
    plan = two_missions(
        delta_v=velocity,
        transfers=[{"id": "land", "name": "Land", "destination": "surface", "stages": [stage], **CITED}],
    )
    mission = plan.mission("one").model_copy(update={"transfer": "land", "launch_mass_kg": 8000.0})
    chain = landed_mass_kg(plan.model_copy(update={"missions": (mission,)}), mission)
    low, likely, high = chain.arrival_low_kg, chain.arrival_kg, chain.arrival_high_kg
    assert low is not None
    part = (likely - low) / (high - low)
    mass = low + math.sqrt(share * part) * (high - low)
    if share > part:
        mass = high - math.sqrt((1.0 - share) * (1.0 - part)) * (high - low)
    fixed = {"mass_kg": mass, "mass_low_kg": mass, "mass_high_kg": mass}
    machine = plan.element("first").model_copy(update=fixed)
    plan = plan.model_copy(update={"missions": (mission,), "elements": (machine,)})
    found = campaign_risk(plan, runs=20_000, seed=7, assumptions=GIVEN).found
    landed = np.isfinite(found.arrival[:, 0])
    within(found.left[landed, 0].mean(), share, math.sqrt(share * (1.0 - share) / landed.sum()))


def test_new_launchers_fail_as_found() -> None:
    """Guikema and Pate-Cornell (2005), doi:10.1016/j.ress.2004.06.001: 1/3 of first and 1/4 of second flights.

    Their abstract gives the ratios as rounded; the law used reproduces them exactly, the second after one success.
    """
    assert 1.0 - FIRST_FLIGHTS.mean == pytest.approx(1.0 / 3.0, abs=1e-12)
    assert 1.0 - Record(1, 1, "", FIRST_FLIGHTS.prior).mean == pytest.approx(1.0 / 4.0, abs=1e-12)


@pytest.mark.parametrize(("good", "trials"), [(0, 1), (4, 4), (7, 11), (12, 13)])
def test_bounds_of_a_record(good: int, trials: int) -> None:
    """Bounds of the Jeffreys law by the incomplete beta function: they enclose the stated probability."""
    record = Record(good, trials, "")
    low, high = record.bounds(0.9)
    assert betainc(record.alpha, record.beta, low) == pytest.approx(0.05, abs=1e-9)
    assert betainc(record.alpha, record.beta, high) == pytest.approx(0.95, abs=1e-9)
    assert low < record.mean < high


def _rows(folder: Any, name: str) -> list[dict[str, str]]:
    with (folder / "missions" / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_landings_are_counted_from_the_record(moonpost_data: Any) -> None:
    """Soviet landings in luna_programme.csv from Luna 9 on, Luna 25 of the plan; Chinese ones in events.csv."""
    rows = _rows(moonpost_data, "luna_programme.csv")
    first = next(k for k, row in enumerate(rows) if row["type"] == "first soft landing")
    landed = [
        row for row in rows[first:] if any(word in row["type"] for word in ("soft", "sample return", "rover"))
    ]
    tried = [*landed, *(row for row in rows[first:] if any(w in row["type"] for w in ("crash", "damaged")))]
    tried = [row for k, row in enumerate(tried) if row not in tried[:k]]
    landed = [row for row in landed if "crash" not in row["type"]]
    lost = load_plan("ilrs").mission("luna-25").status == "lost"
    assert (len(landed), len(tried) + lost) == (LANDING_RECORD["RU"].successes, LANDING_RECORD["RU"].trials)
    events = _rows(moonpost_data, "events.csv")
    chinese = {
        row["mission"] for row in events if row["event"] == "landing" and row["mission"].startswith("Chang'e")
    }
    assert len(chinese) == LANDING_RECORD["CN"].successes == LANDING_RECORD["CN"].trials


def test_orbits_are_counted_from_the_record(moonpost_data: Any) -> None:
    rows = _rows(moonpost_data, "luna_programme.csv")
    soviet = [row for row in rows if "orbiter" in row["type"]]
    assert len(soviet) == ORBIT_RECORD["RU"].successes == ORBIT_RECORD["RU"].trials
    events = _rows(moonpost_data, "events.csv")
    braked = {row["mission"] for row in events if row["event"] in ("LOI", "halo_insertion")
              and row["mission"].startswith(("Chang'e", "Queqiao"))}  # fmt: skip
    assert len(braked) == ORBIT_RECORD["CN"].successes == ORBIT_RECORD["CN"].trials


def test_delays_are_those_of_the_roadmap() -> None:
    """Days from the end of the stage in the Guide for Partnership of 2021-06-16 to the middle of the date of 2026.

    Chang'e 6, 7 and Luna 25, 26, 27 were due in 2021-25, Chang'e 8 and Luna 28 in 2026-30 (confidence B).
    Missions that kept their stage count as zero, Luna 27 once. The plan's figures are rounded to a day.
    """
    plan = load_plan("ilrs")
    ends = {2025: ("ce6", "ce7", "luna-25", "luna-26", "luna-27a"), 2030: ("ce8", "luna-28")}
    late: dict[str, float] = {}
    for year, names in ends.items():
        for name in names:
            begin, end = when_bounds(plan.mission(name).launch)
            middle = begin + (end - begin) / 2
            late[name] = max((middle - dt.datetime(year + 1, 1, 1)) / DAY, 0.0)
    assert np.mean(list(late.values())) == pytest.approx(RiskAssumptions().slip_days, abs=1.0)
    chinese = [days for name, days in late.items() if name.startswith("ce")]
    russian = [days for name, days in late.items() if name.startswith("luna")]
    assert plan.mission("ce7").slip_days == pytest.approx(np.mean(chinese), abs=1.0)
    assert plan.mission("luna-26").slip_days == pytest.approx(np.mean(russian), abs=1.0)


@pytest.mark.soak
def test_closed_form_with_a_hundred_thousand_runs() -> None:
    risk = campaign_risk(two_missions(), runs=100_000, seed=1, workers=2, assumptions=GIVEN)
    both = LAUNCH * LAND_ONE * LAUNCH * LAND_TWO
    within(risk.reached(["second"], "9000").share, both, math.sqrt(both * (1.0 - both) / risk.runs))
    ready = risk.ready_days(["second"])
    days = ready[np.isfinite(ready)] - START - PAUSE
    within(days.mean(), FIRST + SECOND - 1.0 / (1.0 / FIRST + 1.0 / SECOND), days.std() / math.sqrt(days.size))
