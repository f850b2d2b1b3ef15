"""Plans side by side: what is shared, who leads, and that nothing depends on the order of the plans."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import Plan, load_plan, with_number
from moonpost.study.alternative import compare_plans, compare_studies
from moonpost.study.alternativelaunches import missing_elements, objectives, outside, shared_launches, unshared
from moonpost.study.alternativemodel import PlanComparison, TradeValue, comparison_schema
from moonpost.study.alternativeside import compared
from moonpost.study.alternativesky import antenna_contact, array_mast_m, carried_range_w, sky_range
from moonpost.study.run import Study, study

G0 = 9.80665


@pytest.fixture(scope="module")
def studies() -> tuple[Study, Study]:
    """Both bundled plans over five weeks; the base without its candidates, which nothing here needs."""
    surface = with_number(load_plan("ilrs"), "design.years", 0.1)
    station = surface.station.model_copy(update={"candidates": ()})
    surface = surface.model_copy(update={"station": station})
    return study(surface), study(with_number(load_plan("ilrs-orbit"), "design.years", 0.1))


@pytest.fixture(scope="module")
def record(studies: tuple[Study, Study]) -> PlanComparison:
    return compare_studies(studies, members=4, nodes=2, runs=200)


def changed_mission(plan: Plan, name: str, **change: object) -> Plan:
    missions = tuple(row.model_copy(update=change) if row.id == name else row for row in plan.missions)
    return plan.model_copy(update={"missions": missions})


numbers = st.floats(0.0, 1e6)


@st.composite
def ranged(draw: st.DrawFn) -> TradeValue:
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    bare = draw(st.booleans())
    return TradeValue(value=value, low=None if bare else low, high=None if bare else high, rests_on="a test")


@given(st.lists(ranged(), min_size=2, max_size=4), st.sampled_from(["more", "less"]))
def test_a_plan_leads_only_if_its_whole_range_is_better(values: list[TradeValue], better: str) -> None:
    row = compared("x", "mass", "Mass?", "t", better, values)  # type: ignore[arg-type]
    ends = [(v.value if v.low is None else v.low, v.value if v.high is None else v.high) for v in values]
    if better == "more":
        best = [k for k, (low, _) in enumerate(ends) if all(low > e[1] for j, e in enumerate(ends) if j != k)]
    else:
        best = [k for k, (_, high) in enumerate(ends) if all(high < e[0] for j, e in enumerate(ends) if j != k)]
    assert row.ahead == (best[0] if best else None)
    mirrored = compared("x", "mass", "Mass?", "t", better, values[::-1])  # type: ignore[arg-type]
    assert mirrored.ahead == (None if row.ahead is None else len(values) - 1 - row.ahead)


def test_what_is_not_known_leads_nobody() -> None:
    row = compared(
        "x", "mass", "Mass?", "t", "more",
        (TradeValue(value=None, rests_on="a test"), TradeValue(value=1.0, rests_on="a test")),
    )  # fmt: skip
    assert (row.ahead, row.why) == (None, "not known for all")
    same = TradeValue(value=1.0, rests_on="a test")
    assert compared("x", "mass", "Mass?", "t", "more", (same, same)).why == "the same"


def test_a_launch_is_shared_only_with_the_same_launcher_and_mass() -> None:
    surface, orbit = load_plan("ilrs"), load_plan("ilrs-orbit")
    lighter = changed_mission(orbit, "ilrs-3", launch_mass_kg=20_000.0)
    shared = shared_launches([surface, lighter])
    assert [row.mission for row in shared if row.building] == ["ilrs-1", "ilrs-2", "ilrs-4", "ilrs-5"]
    told = unshared([surface, lighter], shared)
    assert any(line.startswith("ILRS-3") and "another launcher, mass or status" in line for line in told)
    gone = changed_mission(orbit, "ilrs-3", status="cancelled")
    assert "ilrs-3" not in {row.mission for row in shared_launches([surface, gone])}


def test_a_launch_at_another_date_is_shared_and_told() -> None:
    surface, orbit = load_plan("ilrs"), load_plan("ilrs-orbit")
    later = changed_mission(orbit, "ilrs-1", launch="2033")
    row = next(row for row in shared_launches([surface, later]) if row.mission == "ilrs-1")
    assert row.differs == ("launch 2031 or 2033",)


def test_arriving_mass_is_that_of_the_rocket_equation() -> None:
    """Worked here from the plan's velocity changes alone, without the code of flight."""
    plans = [load_plan("ilrs"), load_plan("ilrs-orbit")]
    for row in shared_launches(plans):
        for plan, side in zip(plans, row.sides, strict=True):
            if not row.building or row.launch_mass_kg is None:
                continue
            way = plan.row("transfers", str(side.transfer))
            ratio = 1.0
            for stage in way.stages:
                speed = sum(plan.row("delta_v", leg).delta_v_m_s for leg in stage.legs)
                ratio *= math.exp(-speed / (G0 * stage.isp_s))
            assert side.arrives_kg == pytest.approx(row.launch_mass_kg * ratio, rel=1e-6)


def test_science_counts_what_the_shared_launches_bring() -> None:
    plans = [load_plan("ilrs"), load_plan("ilrs-orbit")]
    shared = shared_launches(plans)
    rows = {row.objective: row for row in objectives(plans, shared)}
    assert {name for name, row in rows.items() if row.sides[0].shared} == {
        "polar-volatiles", "deep-structure", "sample-chronology", "ultraviolet-sky", "closed-life-support",
        "oxygen-from-regolith",
    }  # fmt: skip
    oxygen = rows["oxygen-from-regolith"].sides[0]
    assert oxygen.shared
    assert not oxygen.alone, "its launch waits for Chang'e 8, which the orbital plan does not have"
    assert rows["lava-tubes"].sides[1].status == "absent"
    assert outside(plans[0], shared) == ("ce8",)
    assert missing_elements(plans, shared)[1] == ("ce7-hopper", "ce7-lander", "ce7-rover")


def test_an_instrument_less_is_an_objective_less() -> None:
    plan, orbit = load_plan("ilrs"), load_plan("ilrs-orbit")
    fewer = plan.model_copy(
        update={"instruments": tuple(row for row in plan.instruments if row.id != "ultraviolet-telescope")}
    )
    shared = shared_launches([fewer, orbit])
    row = next(row for row in objectives([fewer, orbit], shared) if row.objective == "ultraviolet-sky")
    assert (row.sides[0].shared, row.sides[1].shared) == (False, True)
    assert row.sides[0].status == "open"


def test_rows_carry_the_numbers_of_the_studies(record: PlanComparison, studies: tuple[Study, Study]) -> None:
    surface, orbit = (done.record for done in studies)
    light = next(row for row in surface.site.rows if row.mast_m == array_mast_m(studies[0].plan))
    assert orbit.site.orbit is not None
    dark = record.row("longest-darkness").values
    assert dark[0].value == pytest.approx(24.0 * light.longest_dark_d)
    assert dark[1].value == pytest.approx(orbit.site.orbit.longest_dark_h)
    storage = record.row("storage").values
    assert storage[0].value == pytest.approx(surface.design.storage[0].required_wh / 1e3)
    assert record.row("delta-v").values[0].value == pytest.approx(3140.0)
    assert record.row("delta-v").ahead == 1
    assert record.row("objectives").ahead == 0
    alone, over = (record.row(name).values for name in ("antenna-contact", "relayed-contact"))
    assert 0.0 < (alone[0].value or 0.0) < (over[0].value or 0.0) < 24.0, "a relay gives more contact"
    assert over[1].value == alone[1].value, "the station in orbit needs none"


def test_every_value_says_what_it_rests_on_and_lies_in_its_range(record: PlanComparison) -> None:
    assert len({row.id for row in record.rows}) == len(record.rows)
    topics = {row.topic for row in record.rows}
    assert topics == {
        "science", "darkness", "energy", "contact", "flight", "mass", "launches", "schedule", "risk",
    }  # fmt: skip
    for row in record.rows:
        for value in row.values:
            assert value.rests_on
            assert value.value is not None
            if value.low is not None and value.high is not None:
                assert value.low - 1e-9 <= value.value <= value.high + 1e-9, row.id
                assert value.range_of


def test_the_order_of_the_plans_does_not_matter(studies: tuple[Study, Study], record: PlanComparison) -> None:
    turned = compare_studies(studies[::-1], members=4, nodes=2, runs=200)
    for row in record.rows:
        other = turned.row(row.id)
        assert other.values[::-1] == row.values, row.id
        assert other.ahead == (None if row.ahead is None else 1 - row.ahead)
        assert other.why == row.why
    names = {row.objective: row.sides for row in turned.objectives}
    for objective in record.objectives:
        assert names[objective.objective][::-1] == objective.sides


def test_the_record_is_plain_json(record: PlanComparison) -> None:
    text = json.dumps(record.model_dump(mode="json"), allow_nan=False)
    assert PlanComparison.model_validate_json(text) == record
    assert set(comparison_schema()["properties"]) >= {"rows", "plans", "objectives", "launches"}
    with pytest.raises(UnknownNameError):
        record.row("price")


def test_more_nodes_widen_the_range(studies: tuple[Study, Study]) -> None:
    few, many = (sky_range(studies[1], nodes=nodes) for nodes in (1, 3))
    assert few.average_light is not None
    assert many.average_light is not None
    assert many.average_light[0] <= few.average_light[0] <= few.average_light[1] <= many.average_light[1]
    assert sky_range(studies[1], nodes=0).covers == ""
    assert sky_range(studies[0], members=0).longest_dark_h is None


def test_load_that_is_carried_and_its_range(studies: tuple[Study, Study]) -> None:
    for done in studies:
        value, span, _ = carried_range_w(done)
        assert value == pytest.approx(done.record.design.carried_load_w, rel=1e-5)
        assert span is not None
        assert span[0] <= value <= span[1]


def test_lower_masks_give_more_contact(studies: tuple[Study, Study]) -> None:
    for done in studies:
        own, high, low = antenna_contact(done, done.plan.ground_stations, days=5.0)
        assert high.share <= own.share <= low.share
        assert antenna_contact(done, ()) == ()
        with pytest.raises(InputError):
            antenna_contact(done, done.plan.ground_stations, days=math.nan)


@pytest.mark.parametrize(
    ("plans", "options", "where"),
    [
        (["ilrs"], {}, "plans"),
        (["ilrs", "ilrs"], {}, "ilrs.toml"),
        (["ilrs", "ilrs-orbit"], {"members": -1}, "members"),
        (["ilrs", "ilrs-orbit"], {"nodes": 2000}, "nodes"),
        (["ilrs", "ilrs-orbit"], {"runs": -5}, "runs"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(
    plans: list[str], options: dict[str, int], where: str
) -> None:
    with pytest.raises(InputError) as error:
        compare_plans(plans, **options)  # type: ignore[arg-type]
    assert where in str(error.value)


def test_three_plans_and_two_on_the_ground(studies: tuple[Study, Study]) -> None:
    plan = studies[0].plan
    station = plan.station.model_copy(update={"site": "connecting-ridge"})
    other = study(plan.model_copy(update={"station": station}))
    found = compare_studies([*studies, other], members=0, nodes=0, runs=0)
    assert len(found.row("delta-v").values) == 3
    assert found.row("longest-darkness").values[2].low is None
    assert found.risks == ()
    assert all(row.topic != "risk" for row in found.rows)
    assert any("carry no range" in line for side in found.plans for line in side.limits)


@pytest.mark.soak
def test_the_page_tells_what_the_whole_period_gives() -> None:
    """The table of docs/surface-or-orbit.md against both plans over 19 years, in about a minute."""
    text = (Path(__file__).parents[2] / "docs" / "surface-or-orbit.md").read_text(encoding="utf-8")
    record = compare_plans(["ilrs", "ilrs-orbit"]).record
    rows = {
        "objectives served by five": ("objectives", 0),
        "objectives served by the whole": ("objectives-whole-plan", 0),
        "longest darkness": ("longest-darkness", None),
        "storage for": ("storage", 0),
        "load carried": ("load-carried", 1),
        "Earth in view": ("earth-in-view", 1),
        "longest time without": ("earth-gap", None),
        "contact over": ("relayed-contact", 1),
        "data over": ("relayed-downlink", 0),
        "velocity change": ("delta-v", 0),
        "mass that arrives": ("arriving-mass", 1),
        "machines without": ("machine-mass", 1),
    }
    for label, (name, digits) in rows.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| {label}"))
        row = record.row(name)
        cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
        leads = {None: "neither", 0: "surface", 1: "orbit"}[row.ahead]
        assert cells[2] == leads, line
        for at, (cell, value) in enumerate(zip(cells[:2], row.values, strict=True)):
            assert value.value is not None
            shown = (0 if at == 0 else 1) if digits is None else digits
            numbers = re.findall(r"[0-9][0-9,.]*", cell)
            ends = [value.value, value.low, value.high][: len(numbers)]
            assert numbers == [f"{end:,.{shown}f}" for end in ends], line
    causes = {value.text.split("failure: ")[1] for value in record.row("built-probability").values}
    assert causes == {"launch of ilrs-1 fails"}
