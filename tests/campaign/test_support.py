"""Support between missions: dates, lives, what stands in, what falls."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.campaign import build_order, build_with_support, changed_plan, support_status, what_if
from moonpost.plan import Plan, load_plan

CITED = {"source": "made for this test", "confidence": "C"}
DAY = dt.timedelta(days=1)


def support(kind="relay", provider="relay", user="lander", **more):
    return {"id": f"{provider}-{kind}-{user}", "name": "Support", "kind": kind, "provider": provider, "user": user,
            **more, **CITED}  # fmt: skip


def pair(
    plan_of, a_mission, an_element, *, relay="2030-01-01", lander="2031-01-01", life_years=None, rows=(), **more
):
    """A relay and a lander, both arriving on the day of their launch."""
    missions = [
        a_mission("relay", relay, landing=relay, launcher=None, transfer=None),
        a_mission("lander", lander, landing=lander, launcher=None, transfer=None, **more),
        a_mission("late", "2036-01-01", landing="2036-01-01", requires=["lander"], launcher=None, transfer=None),
    ]
    elements = [
        an_element("dish", "relay", life_years=life_years),
        an_element("lab", "lander"),
        an_element("annex", "late", requires=["lab"]),
    ]
    drill = {"id": "drill", "name": "Drill", "owner": "ru", "element": "annex", "objectives": ["water"], **CITED}
    return plan_of(missions, elements, supports=list(rows), instruments=[drill])


def test_what_is_there_in_time_holds(plan_of, a_mission, an_element):
    plan = pair(plan_of, a_mission, an_element, rows=[support(until_days=100.0)])
    (row,) = support_status(plan)
    assert (row.status, row.fails, row.breaks, row.remedy) == ("holds", False, (), "")
    assert row.late_days == pytest.approx(-365.0, abs=1.0)
    assert row.needed_from == "2031-01-01T00:00:00Z"
    assert row.needed_until == "2031-04-11T00:00:00Z"
    assert row.short_days is None, "the dish has no known end"


def test_an_essential_support_that_comes_too_late_fells_all_that_relies_on_it(plan_of, a_mission, an_element):
    plan = pair(plan_of, a_mission, an_element, relay="2033-01-01", rows=[support(essential=True)])
    (row,) = support_status(plan)
    assert row.status == "partly"
    assert row.fails
    assert row.late_least_days == pytest.approx(731.0, abs=1.0)
    assert set(row.breaks) == {
        "missions[lander]", "missions[late]", "elements[lab]", "elements[annex]", "objectives[water]",
    }  # fmt: skip
    assert "2.0 years" in row.remedy
    standing = build_with_support(plan)
    assert set(standing.fallen) == {"lander"}
    assert "comes 730 days late" in standing.fallen["lander"] or "2.0 years late" in standing.fallen["lander"]
    assert standing.never() == {"lab", "annex"}
    assert standing.blocked()["lander"] == standing.fallen["lander"]


def test_another_support_of_the_kind_stands_in(plan_of, a_mission, an_element):
    rows = [support(essential=True), support(provider="spare", essential=True)]
    plan = pair(plan_of, a_mission, an_element, relay="2033-01-01", rows=rows)
    spare = a_mission("spare", "2029-01-01", landing="2029-01-01", launcher=None, transfer=None)
    plan = Plan.model_validate({**plan.model_dump(), "missions": [*plan.model_dump()["missions"], spare]})
    first, second = support_status(plan)
    assert first.covered_by == (second.support,)
    assert not first.fails
    assert second.status == "holds"
    assert build_with_support(plan).fallen == {}


def test_a_design_life_that_ends_before_the_need_begins_breaks(plan_of, a_mission, an_element):
    plan = pair(plan_of, a_mission, an_element, life_years=0.5, rows=[support(until_days=10.0, essential=True)])
    (row,) = support_status(plan)
    assert row.status == "broken"
    assert row.fails
    assert "design life" in row.reason() or "life is over" in row.reason()


def test_a_design_life_that_ends_during_the_need_falls_short(plan_of, a_mission, an_element):
    plan = pair(plan_of, a_mission, an_element, life_years=1.5, rows=[support(until_days=365.0, essential=True)])
    (row,) = support_status(plan)
    assert row.status == "partly"
    assert row.short_days == pytest.approx(365.0 + 365.0 + 1.0 - 1.5 * 365.25, abs=1.5)
    assert not row.fails, "it works until then"


def test_a_cancelled_provider_is_gone_and_a_cancelled_user_idle(plan_of, a_mission, an_element):
    plan = pair(plan_of, a_mission, an_element, rows=[support(essential=True)])
    (gone,) = support_status(changed_plan(plan, cancel=["relay"]))
    assert (gone.status, gone.fails) == ("gone", True)
    (idle,) = support_status(changed_plan(plan, cancel=["lander"]))
    assert (idle.status, idle.fails, idle.breaks) == ("idle", False, ())


def test_a_user_that_waits_for_its_provider_never_comes_first(plan_of, a_mission, an_element):
    free = pair(plan_of, a_mission, an_element, relay="2030/2032", lander="2031", rows=[support(until_days=9.0)])
    tied = pair(
        plan_of, a_mission, an_element, relay="2030/2032", lander="2031", rows=[support(until_days=9.0)],
        requires=["relay"],
    )  # fmt: skip
    assert support_status(free)[0].status == "at risk"
    assert support_status(tied)[0].status == "holds"


def test_what_if_lists_the_mission_that_loses_its_support_and_mends_it_by_a_date(plan_of, a_mission, an_element):
    plan = pair(plan_of, a_mission, an_element, rows=[support(essential=True)])
    result = what_if(plan, slip={"relay": "3y"})
    assert {(row.table, row.id) for row in result.broken} == {
        ("missions", "lander"), ("missions", "late"), ("elements", "lab"), ("elements", "annex"),
    }  # fmt: skip
    assert "cannot do without relay from relay" in result.broken[0].reason
    assert result.orphaned_objectives == ("water",)
    assert [row.status for row in result.supports] == ["partly"]
    assert result.repaired is True
    assert ("date", "missions[lander].launch") in [(step.kind, step.subject) for step in result.repair]
    assert result.repairs[0].plan.mission("lander").launch.startswith("2033-01-01")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(-900, 900), st.integers(0, 900), st.integers(0, 900), st.integers(-700, 700), st.integers(0, 900),
    st.one_of(st.none(), st.integers(1, 2000)), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=8),
)  # fmt: skip
def test_standing_agrees_with_dates_tried_one_by_one(plan_of, offset, wide, wide_user, start, length, life, tries):
    """An independent check: holds and broken are true for every pair of dates within the ranges."""
    zero = dt.datetime(2030, 1, 1)

    def mission(name, first, width):
        dates = "/".join((zero + day * DAY).isoformat() + "Z" for day in (first, first + width))
        return {"id": name, "name": name, "kind": "cargo", "status": "planned", "owner": "cn", "launch": dates,
                "landing": dates, **CITED}  # fmt: skip

    dish = {"id": "dish", "name": "Dish", "mission": "relay", "owner": "cn", "kind": "relay", "maturity": "new",
            "life_years": None if life is None else life / 365.25, **CITED}  # fmt: skip

    rows = [support(from_days=float(start), until_days=float(start + length))]
    missions = [mission("relay", 0, wide), mission("lander", offset, wide_user)]
    plan = plan_of(missions, [dish], supports=rows)
    (row,) = support_status(plan, build_order(plan))
    for part, other in [*tries, (0, 0), (0, 1), (1, 0), (1, 1)]:
        given_at, need = part * wide, offset + other * wide_user + start
        end = float("inf") if life is None else given_at + life
        whole = given_at <= need + 1e-6 and need + length <= end + 1e-6
        some = given_at <= need + length + 1e-6 and need <= end + 1e-6
        if row.status == "holds":
            assert whole
        if row.status == "broken":
            assert not some or min(abs(given_at - need - length), abs(need - end)) < 1e-5
        if row.status in ("partly", "broken"):
            assert not whole or min(abs(given_at - need), abs(need + length - end)) < 1e-5


def test_the_agreement_of_2019_and_its_dates():
    """Luna 26 was to survey landing areas for Chang'e 7 and was dated 2024; it is dated after the landing now."""
    plan = load_plan("ilrs")
    now = {row.support: row for row in support_status(plan)}
    images = now["luna-26-images-for-ce7"]
    assert (images.status, images.promised, images.agreement) == ("broken", True, "luna26-ce7-coordination")
    assert not images.fails, "Chang'e 7 lands without it"
    assert now["luna-26-data-test-with-ce7"].status == "partly"
    then = {row.support: row for row in support_status(changed_plan(plan, date={"luna-26": "2024"}))}
    assert then["luna-26-images-for-ce7"].status == "holds"
    assert then["luna-26-data-test-with-ce7"].status == "holds"
    assert build_with_support(plan).fallen == {}
