"""A campaign with drawn luck: what is certain stays certain, luck is named, causes add up."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from moonpost.campaign import build_order, capability
from moonpost.campaign.risk import campaign_risk
from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.campaign.riskmodel import risk_model
from moonpost.campaign.riskruns import PART, Runs, luck_of, run_parts
from moonpost.errors import DateError, InputError, ModelError, UnknownNameError
from moonpost.plan import load_plan

SURE = RiskAssumptions(slip_days=0.0, launcher_slip_days=0.0, stand_down_days=0.0, landing_dust=0.0)
DAY = dt.timedelta(days=1)


def sure(row, **more):
    """A mission that never slips nor fails on arrival."""
    return {**row, "slip_days": 0.0, "arrival_reliability": 1.0, **more}


def days(text):
    return (dt.datetime.fromisoformat(text.rstrip("Z")) - dt.datetime(2000, 1, 1)) / DAY


@pytest.fixture
def sure_plan(plan_of):
    """A plan whose launcher never fails, made of any missions and elements."""

    def build(missions, elements, **more):
        launchers = more.pop("launchers", None) or [
            {"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 10_000.0, "reliability": 1.0,
             "source": "made for this test", "confidence": "B"}
        ]  # fmt: skip
        return plan_of(missions, elements, launchers=launchers, **more)

    return build


def certain(plan):
    """A plan's arrays with all chances one and no slips, so that only its dates are drawn."""
    model = risk_model(plan, assumptions=SURE)
    for name, value in (("slip", 0.0), ("capacity", np.nan)):
        model.mission_arrays[name][:] = value
    one = tuple(type(row)(row.name, 1.0) for row in model.launches)
    other = tuple(type(row)(row.name, 1.0) for row in model.arrivals)
    return type(model)(**{**vars(model), "launches": one, "arrivals": other})


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_without_bad_luck_it_stays_within_the_build_order(name, monkeypatch):
    plan = load_plan(name)
    model, order = certain(plan), build_order(plan)
    for luck, which in ((0.0, "ready"), (1.0 - 1e-12, "ready_latest")):
        monkeypatch.setattr(
            "moonpost.campaign.riskruns.luck_of",
            lambda seed, name, part, rows, runs=PART, luck=luck: np.full((rows, runs), luck),
        )
        found = run_parts(model, np.array([0.0]), 1).ready[0]
        for k, element in enumerate(model.elements):
            step = order.step(element)
            date = getattr(step, which)
            if date is None:
                assert found[k] == np.inf, element
            elif plan.mission(step.mission).status == "flown":
                assert found[k] == pytest.approx(days(step.ready), abs=1e-4), element
            else:
                assert found[k] == pytest.approx(days(date), abs=1e-3), element


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_without_dust_power_and_mass_are_those_of_the_build_order(name, monkeypatch):
    plan = load_plan(name)
    model = certain(plan)
    model = type(model)(**{**vars(model), "dust": (0.0, 0.0, 0.0), "array_loss_per_year": 0.0})
    curve = capability(plan, build_order(plan))
    monkeypatch.setattr(
        "moonpost.campaign.riskruns.luck_of", lambda seed, name, part, rows, runs=PART: np.zeros((rows, runs))
    )
    found = run_parts(model, np.array([days(point.date) + 0.5 for point in curve]), 1)
    seen = 0
    for k, point in enumerate(curve):
        if k + 1 < len(curve) and days(curve[k + 1].date) < days(point.date) + 0.6:
            continue
        seen += 1
        assert found.power_w[0, k] == pytest.approx(point.station_power_w, rel=1e-5), point.date
        assert found.mass_kg[0, k] == pytest.approx(point.mass_kg, rel=1e-5), point.date
        assert found.objectives[0, :, k].sum() == point.objectives, point.date
    assert seen > 5


def test_same_seed_same_answer_for_any_number_of_workers():
    plan = load_plan("ilrs")
    one = campaign_risk(plan, runs=PART + 100, seed=5)
    two = campaign_risk(plan, runs=PART + 100, seed=5, workers=3)
    for name in Runs.__dataclass_fields__:
        assert np.array_equal(getattr(one.found, name), getattr(two.found, name)), name
    assert one.to_dict() == two.to_dict()
    other = campaign_risk(plan, runs=PART + 100, seed=6)
    assert not np.array_equal(one.found.ready, other.found.ready)


def test_shorter_experiments_are_the_beginning_of_longer_ones():
    plan = load_plan("ilrs")
    few, many = campaign_risk(plan, runs=70), campaign_risk(plan, runs=PART + 5)
    assert np.array_equal(few.found.ready, many.found.ready[:70])
    assert np.array_equal(few.found.power_w, many.found.power_w[:70])


def test_luck_is_even_and_its_own():
    luck = luck_of(3, "mission:a", 0, 4)
    assert luck.shape == (4, PART)
    assert abs(luck.mean() - 0.5) < 4 / np.sqrt(12 * luck.size)
    others = [luck_of(3, "mission:b", 0, 4), luck_of(4, "mission:a", 0, 4), luck_of(3, "mission:a", 1, 4)]
    for other in others:
        assert abs(np.corrcoef(luck.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(luck.size)


def test_missions_keep_their_luck_when_the_plan_changes(sure_plan, a_mission, an_element):
    both = sure_plan(
        [a_mission("one", "2031"), a_mission("two", "2032")], [an_element("a", "one"), an_element("b", "two")]
    )
    alone = sure_plan([a_mission("two", "2032")], [an_element("b", "two")])
    first, second = (campaign_risk(plan, runs=300, assumptions=SURE) for plan in (both, alone))
    assert np.array_equal(first.found.ready[:, 1], second.found.ready[:, 0])
    assert np.isinf(second.found.ready).any(), "there is something to lose"


def test_causes_add_up_to_what_is_missed():
    risk = campaign_risk(load_plan("ilrs"), runs=3000)
    for target, by in (((), None), (("command-centre",), "2034"), (("reactor", "luna-30"), "2050")):
        rows = risk.causes(target, by)
        assert sum(row.probability.count for row in rows) == 3000 - risk.reached(target, by).count
        assert [row.probability.count for row in rows] == sorted((r.probability.count for r in rows), reverse=True)


def test_each_failure_is_named(sure_plan, a_mission, an_element):
    plan = sure_plan(
        [
            sure(a_mission("one", "2031-01-01")),
            sure(a_mission("two", "2032-01-01", requires=["one"]), arrival_reliability=1e-9),
            sure(a_mission("three", "2033-01-01", requires=["two"])),
        ],
        [
            an_element("a", "one"),
            an_element("b", "two"),
            an_element("c", "three"),
            an_element("d", "one", requires=["c"]),
        ],
    )
    risk = campaign_risk(plan, runs=50, assumptions=SURE)
    assert risk.reached(["a"], "2032").share == 1.0
    for name in ("b", "c", "d"):
        (cause,) = risk.causes([name], "2050")
        assert (cause.kind, cause.subject, cause.probability.count) == ("arrival", "two", 50), name
    assert risk.found.launches.tolist() == [2] * 50, "what requires a loss stays on the ground"
    (late,) = risk.causes(["a"], "2030")
    assert (late.kind, late.subject) == ("slip", "one")


def test_the_earliest_failure_is_the_first(sure_plan, a_mission, an_element):
    plan = sure_plan(
        [
            sure(a_mission("late", "2033-01-01"), arrival_reliability=1e-9),
            sure(a_mission("early", "2031-01-01"), arrival_reliability=1e-9),
        ],
        [an_element("a", "late"), an_element("b", "early"), an_element("c", "late", requires=["b"])],
    )
    risk = campaign_risk(plan, runs=20, assumptions=SURE)
    for target in (["a", "b"], ["c"]):
        (cause,) = risk.causes(target, "2050")
        assert cause.subject == "early", target


def test_a_failed_launch_grounds_the_launcher(sure_plan, a_mission, an_element):
    weak = [{"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 1e4, "reliability": 0.5,
             "source": "made for this test", "confidence": "B"}]  # fmt: skip
    plan = sure_plan(
        [sure(a_mission("one", "2031-01-01")), sure(a_mission("two", "2031-02-01"))],
        [an_element("a", "one"), an_element("b", "two")],
        launchers=weak,
    )
    risk = campaign_risk(plan, runs=4000, assumptions=RiskAssumptions(slip_days=0.0, stand_down_days=400.0))
    ready = risk.found.ready
    waited = ready[:, 1] - days("2031-02-01T00:00:00") - 35.0
    after_loss = np.isinf(ready[:, 0]) & np.isfinite(ready[:, 1])
    assert (waited[np.isfinite(ready[:, 0]) & np.isfinite(ready[:, 1])] < 1.0).all()
    # exponential stand-down of 400 d, of which 31 d have passed: what is left beyond has the same mean
    beyond = waited[after_loss & (waited > 1.0)]
    assert beyond.mean() == pytest.approx(400.0, abs=4 * 400.0 / np.sqrt(beyond.size))
    late = {(row.kind, row.subject) for row in risk.causes(["b"], "2031-04")}
    assert late == {("stand-down", "big"), ("launch", "two")}


def test_pace_and_first_flight_hold_missions_back(sure_plan, a_mission, an_element):
    slow = [{"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": 1e4, "reliability": 1.0, "per_year": 0.5,
             "available": "2031-07-01", "source": "made for this test", "confidence": "B"}]  # fmt: skip
    plan = sure_plan(
        [sure(a_mission("one", "2031-01-01")), sure(a_mission("two", "2031-01-01"))],
        [an_element("a", "one"), an_element("b", "two")],
        launchers=slow,
    )
    risk = campaign_risk(plan, runs=10, assumptions=SURE)
    first, second = np.sort(risk.found.arrival, axis=1).T
    assert first == pytest.approx(days("2031-07-01T00:00:00") + 5.0)
    assert second - first == pytest.approx(2 * 365.25)
    causes = {row.kind for row in risk.causes(["a", "b"], "2031")}
    assert causes == {"pace"}


def test_only_a_launcher_that_has_not_flown_comes_late(sure_plan, a_mission, an_element):
    late = RiskAssumptions(slip_days=0.0, launcher_slip_days=200.0)
    cited = {"source": "made for this test", "confidence": "B"}
    big = {
        "id": "big",
        "name": "Big",
        "owner": "cn",
        "tli_mass_kg": 1e4,
        "reliability": 1.0,
        "available": "2031-07-01",
    }
    past = a_mission("past", "2020-01-01", status="flown")
    for flown in (False, True):
        missions = [*([past] if flown else []), sure(a_mission("one", "2031-01-01"))]
        plan = sure_plan(missions, [an_element("a", "one")], launchers=[{**big, **cited}])
        waited = campaign_risk(plan, runs=4000, assumptions=late).ready_days() - days("2031-07-01T00:00:00") - 35.0
        if flown:
            assert np.abs(waited).max() < 1e-6
        else:
            assert waited.mean() == pytest.approx(200.0, abs=4 * 200.0 / np.sqrt(4000))


def test_reflights_bring_what_was_lost(sure_plan, a_mission, an_element):
    plan = sure_plan([sure(a_mission("one", "2031-01-01"), arrival_reliability=0.5)], [an_element("a", "one")])
    shares = [
        campaign_risk(plan, runs=4000, reflights=n, assumptions=SURE).reached(["a"], "2060").share
        for n in range(4)
    ]
    for n, share in enumerate(shares):
        expected = 1.0 - 0.5 ** (n + 1)
        assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 4000)), n
    assert shares == sorted(shares)
    again = campaign_risk(plan, runs=4000, reflights=1, assumptions=SURE)
    (late,) = again.causes(["a"], "2032")[:1]
    assert (late.kind, late.subject) == ("arrival", "one"), "a repeated flight comes late because the first failed"
    twice = again.found.launches == 2
    assert (again.found.ready[twice & np.isfinite(again.found.ready[:, 0]), 0] > days("2033-12-01T00:00:00")).all()


def test_cargo_too_heavy_stays_behind(sure_plan, a_mission, an_element):
    plan = sure_plan(
        [sure(a_mission("one", "2031-01-01", landed_mass_kg=3000.0))],
        [
            an_element("ship", "one", 1500.0, kind="lander", bus="own"),
            an_element("first", "one", 1000.0, priority=1),
            an_element("last", "one", 1000.0, priority=9),
            an_element("small", "one", 10.0, priority=9),
        ],
    )
    risk = campaign_risk(plan, runs=100, assumptions=SURE)
    left = dict(zip(risk.model.elements, risk.found.left.mean(axis=0), strict=True))
    assert left == {"ship": 0.0, "first": 0.0, "last": 1.0, "small": 0.0}
    (cause,) = risk.causes(["last"], "2050")
    assert (cause.kind, cause.subject) == ("performance", "one")
    brought = campaign_risk(plan, runs=100, reflights=1, assumptions=SURE)
    assert brought.reached(["last"], "2050").share == 1.0
    assert not brought.reached(["last"], "2032").count
    assert (brought.found.launches == 2).all()


def test_a_lander_too_heavy_brings_nothing(sure_plan, a_mission, an_element):
    plan = sure_plan(
        [sure(a_mission("one", "2031-01-01", landed_mass_kg=1000.0))],
        [an_element("ship", "one", 1500.0, kind="lander", bus="own"), an_element("small", "one", 10.0)],
    )
    assert campaign_risk(plan, runs=10, assumptions=SURE).found.left.all()


def test_an_orbiter_works_although_its_lander_crashes(sure_plan, a_mission, an_element):
    plan = sure_plan(
        [a_mission("one", "2031-01-01", slip_days=0.0, kind="lander")],
        [an_element("eye", "one", kind="orbiter", bus="own"), an_element("foot", "one", kind="lander", bus="own")],
    )
    risk = campaign_risk(plan, runs=3000, assumptions=SURE)
    works = np.isfinite(risk.found.ready)
    eye, foot = (works[:, risk.model.elements.index(name)] for name in ("eye", "foot"))
    assert eye.mean() > foot.mean()
    assert not (foot & ~eye).any()


def test_power_loses_to_dust_age_and_landings(sure_plan, a_mission, an_element):
    array = {"kind": "solar", "rated_w": 1000.0, "mount": "two-axis"}
    missions = [sure(a_mission("one", "2031-01-01")), sure(a_mission("two", "2033-01-01"))]
    elements = [an_element("wing", "one", generators=[array], life_years=10.0), an_element("box", "two")]
    cited = {"source": "made for this test", "confidence": "B"}
    design = {"start": "2035", "dust_loss": 0.1, "array_loss_per_year": 0.02, **cited}
    plan = sure_plan(missions, elements, design=design)
    dates = ["2031-01-15T00:00:00Z", "2032-06-01T00:00:00Z", "2034-06-01T00:00:00Z", "2042-01-01T00:00:00Z"]
    clean = campaign_risk(plan, runs=6000, dates=dates, assumptions=SURE).found.power_w
    assert not clean[:, 0].any(), "it is not commissioned yet"
    assert not clean[:, 3].any(), "its life is over"
    begin = days("2031-02-05T00:00:00")
    for k in (1, 2):
        age = (days(dates[k]) - begin) / 365.25
        mean = 1000.0 * 0.9 * 0.98**age  # dust from 0 to 0.2 about 0.1: its mean is 0.1
        assert clean[:, k].mean() == pytest.approx(mean, abs=4 * clean[:, k].std() / np.sqrt(6000))
        assert clean[:, k].std() == pytest.approx(1000.0 * 0.98**age * 0.1 / np.sqrt(6), rel=0.05)
    stirred = campaign_risk(
        plan, runs=6000, dates=dates, assumptions=RiskAssumptions(**{**vars(SURE), "landing_dust": 0.05})
    ).found.power_w
    assert np.array_equal(stirred[:, 1], clean[:, 1])
    part = stirred[:, 2] / clean[:, 2]
    assert part.mean() == pytest.approx(0.95, abs=4 * part.std() / np.sqrt(6000))


def test_the_basis_of_every_figure_is_told():
    risk = campaign_risk(load_plan("ilrs"), runs=10)
    factors = {row.factor for row in risk.basis}
    for mission in load_plan("ilrs").missions:
        assert (f"slip:{mission.id}" in factors) == (mission.status in ("planned", "proposed"))
    assert all(len(row.text) > 10 for row in risk.basis)
    assert any(row.assumed for row in risk.basis)
    assert any("luna-26" in note for note in risk.model.notes), "what is not judged is told"


@pytest.mark.parametrize(
    ("more", "error", "word"),
    [
        ({"runs": 0}, InputError, "runs"),
        ({"runs": 2.5}, InputError, "runs"),
        ({"runs": True}, InputError, "runs"),
        ({"seed": -1}, InputError, "seed"),
        ({"workers": 0}, InputError, "workers"),
        ({"reflights": -1}, InputError, "reflights"),
        ({"reflights": 99}, InputError, "reflights"),
        ({"target": ["nothing"]}, UnknownNameError, "nothing"),
        ({"by": "soon"}, DateError, "by"),
        ({"dates": ["2035", "2034"]}, DateError, "dates"),
        ({"dates": ["2035-13"]}, DateError, "dates"),
        ({"scheduler": "local:none"}, InputError, "scheduler"),
    ],
)
def test_bad_inputs(more, error, word):
    with pytest.raises(error, match=word):
        campaign_risk(load_plan("ilrs"), **{"runs": 10, **more})


@pytest.mark.parametrize("value", [float("nan"), -1.0, float("inf"), "x", True])
@pytest.mark.parametrize("name", ["slip_days", "landing_dust", "reflight_days"])
def test_bad_assumptions(name, value):
    with pytest.raises(InputError, match=name):
        RiskAssumptions(**{name: value})


def test_plans_with_nothing_to_come_or_in_a_circle(plan_of, a_mission, an_element):
    flown = plan_of([a_mission("one", "2020-01-01", status="flown")], [an_element("a", "one")])
    with pytest.raises(InputError, match="to come"):
        campaign_risk(flown, runs=10)
    circle = plan_of([a_mission("one", "2031", requires=["two"]), a_mission("two", "2031", requires=["one"])])
    with pytest.raises(ModelError, match="circle"):
        campaign_risk(circle, runs=10)


def test_dates_at_the_end_of_the_calendar(sure_plan, a_mission, an_element):
    plan = sure_plan([sure(a_mission("one", "9998"), slip_days=9000.0)], [an_element("a", "one")])
    risk = campaign_risk(plan, runs=50)
    (row,) = risk.to_dict()["elements"]
    assert row["p95"].startswith("10")
    assert risk.dates == ("9998-01-01T00:00:00Z",)


def test_a_plan_with_hardly_anything(sure_plan, a_mission, an_element):
    plan = sure_plan([a_mission("one", "2031")], [an_element("a", "one", None, bus="own")], objectives=[])
    told = campaign_risk(plan, runs=20).to_dict()
    assert told["target"]["elements"] == ["a"]
    assert {row["power_w"]["mean"] for row in told["capability"]} == {0.0}
    assert {row["objectives"]["mean"] for row in told["capability"]} == {0.0}
    with pytest.raises(InputError, match="no element"):
        campaign_risk(sure_plan([a_mission("one", "2031")], []), runs=5)


def test_what_never_works_has_no_date(sure_plan, a_mission, an_element):
    plan = sure_plan([sure(a_mission("one", "2031"), arrival_reliability=1e-9)], [an_element("a", "one")])
    (row,) = campaign_risk(plan, runs=20, assumptions=SURE).element_rows()
    assert row["works"]["count"] == 0
    assert row["mean"] is row["p50"] is None
    assert row["main_cause"] == "landing of one fails"


def test_power_that_cannot_be_asked_for():
    risk = campaign_risk(load_plan("ilrs"), runs=10)
    with pytest.raises(InputError, match="power_w"):
        risk.capability_rows([float("nan")])
    rows = risk.capability_rows([0.0, 1e9])
    assert {row["power_at_least"]["0"]["share"] for row in rows} == {1.0}
    assert {row["power_at_least"]["1e+09"]["share"] for row in rows} == {0.0}
