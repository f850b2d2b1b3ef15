"""What the odds hang on: each factor moves what it should, and nothing else."""

from __future__ import annotations

import pytest

from moonpost.campaign.risk import campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.campaign.riskfactors import campaign_swings
from moonpost.campaign.riskrecord import Record, record_of
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import load_plan


@pytest.fixture(scope="module")
def swings():
    risk = campaign_risk(load_plan("ilrs"), runs=3000, target=["command-centre"], by="2036")
    return risk, {row.factor: row for row in campaign_swings(risk)}


def test_harmless_helps_and_worst_harms(swings):
    risk, rows = swings
    base = risk.reached().share
    for name in ("launch:cz-10", "landing:CN", "launch:cz-5", "slip:cnsa"):
        assert rows[name].better.share > base > rows[name].worse.share, name
        assert rows[name].width > 0.0
    assert list(rows) == [row.factor for row in sorted(rows.values(), key=lambda row: (-row.width, row.factor))]


def test_what_has_no_part_in_the_target_does_not_move_it(swings):
    risk, rows = swings
    for name in ("landing:RU", "launch:angara-a5", "orbit:RU", "slip:roscosmos", "dust"):
        assert rows[name].better.count == rows[name].worse.count == risk.reached().count, name


def test_dust_moves_power(swings):
    _, rows = swings
    assert rows["dust"].better_power_w > 1.1 * rows["dust"].worse_power_w


def test_performance_moves_what_is_heavy(plan_of, a_mission, an_element):
    cited = {"source": "made for this test", "confidence": "B"}
    plan = plan_of(
        [a_mission("one", "2031", slip_days=0.0, arrival_reliability=1.0)],
        [an_element("ship", "one", 3500.0, mass_low_kg=3000.0, mass_high_kg=4200.0, kind="lander", bus="own")],
        launchers=[{"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 1e4, "reliability": 1.0, **cited}],
    )
    risk = campaign_risk(plan, runs=2000, target=["ship"])
    row = next(row for row in campaign_swings(risk) if row.factor == "performance")
    assert row.better.share == 1.0
    assert row.worse.share < risk.reached().share < 1.0


def test_records_stand_before_the_plan():
    plan = load_plan("ilrs")
    sure = RiskAssumptions(records={"launch:cz-10": Record(500, 500, "made for this test")})
    weak = RiskAssumptions(records={"launch:cz-10": Record(0, 500, "made for this test")})
    shares = [
        campaign_risk(plan, runs=2000, target=["command-centre"], by="2040", assumptions=given).reached().share
        for given in (sure, RiskAssumptions(), weak)
    ]
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.02


def test_a_record_of_what_is_not_flown_is_refused():
    for name in ("launch:saturn", "landing:XX", "cz-10", "launch:cz-4c"):
        with pytest.raises(UnknownNameError, match=name):
            campaign_risk(
                load_plan("ilrs"), runs=10, assumptions=RiskAssumptions(records={name: Record(1, 1, "test")})
            )


@pytest.mark.parametrize(("good", "trials"), [(2, 1), (-1, 1), (0, -1)])
def test_bad_records(good, trials):
    with pytest.raises(InputError, match="record"):
        Record(good, trials, "")
    with pytest.raises(InputError, match="prior"):
        Record(0, 0, "", prior=(0.0, 1.0))


def test_a_country_without_a_record_takes_all():
    records = {"A": Record(1, 2, ""), "B": Record(3, 4, "")}
    assert (record_of(records, "C").successes, record_of(records, "C").trials) == (4, 6)
    assert record_of(records, "A").trials == 2


@pytest.mark.parametrize("runs", [0, -1, 2.5, True])
def test_bad_runs(runs):
    with pytest.raises(InputError, match="runs"):
        campaign_swings(campaign_risk(load_plan("ilrs"), runs=10), runs=runs)
