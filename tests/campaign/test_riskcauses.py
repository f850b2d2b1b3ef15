"""Why there is too little power, or an objective is not served: each reason when it alone is at work."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.campaign.risk import campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.plan import load_plan

CITED = {"source": "made for this test", "confidence": "B"}
SURE = RiskAssumptions(slip_days=0.0, launcher_slip_days=0.0, stand_down_days=0.0, landing_dust=0.0)
DATES = ["2030-06-01T00:00Z", "2032-01-01T00:00Z", "2034-01-01T00:00Z", "2050-01-01T00:00Z"]


@pytest.fixture
def station(plan_of, a_mission, an_element):
    """An array that lasts ten years and a reactor, each with an instrument of its own, on two missions."""

    def build(first=1.0, second=1.0):
        array = {"kind": "solar", "rated_w": 1000.0, "mount": "two-axis"}
        reactor = {"kind": "reactor", "electric_w": 500.0}
        missions = [
            a_mission("one", "2031-01-01", slip_days=0.0, arrival_reliability=first),
            a_mission("two", "2033-01-01", slip_days=0.0, arrival_reliability=second),
        ]
        elements = [
            an_element("wing", "one", generators=[array], life_years=10.0),
            an_element("pile", "two", generators=[reactor]),
        ]
        instruments = [
            {"id": f"eye-{name}", "name": "Eye", "owner": "cn", "element": name, "objectives": ["water"], **CITED}
            for name in ("wing", "pile")
        ]
        objectives = [
            {"id": "water", "name": "Water", "area": "geology", **CITED},
            {"id": "caves", "name": "Caves", "area": "geology", "status": "open", **CITED},
        ]
        launcher = {"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 1e4, "reliability": 1.0, **CITED}
        design = {"start": "2035", "dust_loss": 0.1, "array_loss_per_year": 0.0, **CITED}
        plan = plan_of(missions, elements, launchers=[launcher], design=design, instruments=instruments,
                       objectives=objectives)  # fmt: skip
        return campaign_risk(plan, runs=4000, dates=DATES, assumptions=SURE)

    return build


def told(causes):
    return {(row.kind, row.subject): row.probability.share for row in causes}


def test_power_that_has_not_come_yet(station):
    risk = station()
    assert told(risk.power_causes(500.0, DATES[0])) == {("slip", "two"): 1.0}, "the last of the sources decides"
    assert told(risk.power_causes(0.0, DATES[0])) == {}


def test_dust_takes_power_when_all_is_there(station):
    risk = station()
    (cause,) = risk.power_causes(1400.0, DATES[2])
    assert (cause.kind, cause.text) == ("dust", "dust and age take it")
    # 1000 W less a triangle from 0 to 0.2 about 0.1, and 500 W: below 1400 W in half of the runs
    assert cause.probability.share == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))
    assert told(risk.power_causes(1200.0, DATES[2])) == {}


def test_a_life_that_ends_takes_power(station):
    (cause,) = station().power_causes(1000.0, DATES[3])
    assert (cause.kind, cause.subject, cause.probability.share) == ("life", "one", 1.0)


def test_a_failure_takes_power(station):
    shares = told(station(first=0.5).power_causes(900.0, DATES[1]))
    assert shares["arrival", "one"] == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(4000))
    assert sum(shares.values()) == 1.0 - (station(first=0.5).found.power_w[:, 1] >= 900.0).mean()


def test_objectives_with_their_reasons(station):
    risk = station()
    assert told(risk.objective_causes("water", DATES[0])) == {("slip", "one"): 1.0}
    assert told(risk.objective_causes("water", DATES[1])) == {}
    assert told(risk.objective_causes("water", DATES[3])) == {}, "the reactor's instrument has no end"
    assert told(risk.objective_causes("caves", DATES[3])) == {("open", ""): 1.0}
    lost = station(first=1e-9, second=1e-9)
    assert told(lost.objective_causes("water", DATES[3])) == {("arrival", "two"): 1.0}, "the last hope"
    assert told(lost.objective_causes("water", DATES[0])) == {("arrival", "two"): 1.0}
    half = told(station(second=1e-9).objective_causes("water", DATES[3]))
    assert half == {("life", "one"): 1.0}


def test_rows_add_up(station):
    risk = station(first=0.6, second=0.7)
    for date in DATES:
        for row in risk.objective_rows(date):
            missed = sum(cause.probability.count for cause in risk.objective_causes(row["objective"], date))
            assert missed == risk.runs - row["served"]["count"]


def test_the_date_told_after_another():
    risk = campaign_risk(load_plan("ilrs"), runs=5, by="2036")
    assert risk.told_after() == "2037-01-01T00:00:00Z"
    assert risk.told_after("2037-01-01T00:00Z") == "2037-01-01T00:00:00Z"
    assert risk.told_after("2999") == risk.dates[-1]
    for date in risk.dates:
        assert risk.told_after(date) == date


def test_what_cannot_be_asked(station):
    risk = station()
    with pytest.raises(DateError, match="none of those told"):
        risk.power_causes(1.0, "2031-01-01")
    with pytest.raises(InputError, match="power_w"):
        risk.power_causes(float("nan"), DATES[0])
    with pytest.raises(UnknownNameError, match="nothing"):
        risk.objective_causes("nothing", DATES[0])
