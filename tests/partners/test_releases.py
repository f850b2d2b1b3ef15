"""Who may see which data and from when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import DateError, UnknownNameError
from moonpost.partners.releases import (
    PUBLIC,
    product_access,
    product_accesses,
    release_findings,
    releases,
)
from moonpost.plan import Plan, load_plan

CITED = {"source": "made for this test", "confidence": "B"}


def plan_with(mission: dict[str, Any] | None = None, **product: Any) -> Plan:
    """A plan with one instrument of Egypt's on China's lander, and one product."""
    return Plan.model_validate(
        {
            "schema_version": 1,
            "id": "small",
            "title": "Small",
            "station": {"kind": "surface", "id": "base", "name": "Base", "site": "ridge", **CITED},
            "design": {"start": "2035", **CITED},
            "partners": [
                {"id": name, "name": name.title(), "kind": "state", "role": role, **CITED}
                for name, role in [("cn", "founder"), ("ru", "founder"), ("eg", "member"), ("th", "member")]
            ],
            "sites": [{"id": "ridge", "name": "Ridge", "latitude_deg": -89.5, "longitude_deg": 220.0, **CITED}],
            "missions": [
                {
                    "id": "m",
                    "name": "Mission",
                    "kind": "lander",
                    "status": "planned",
                    "owner": "cn",
                    "launch": "2030-01-01",
                    "landing": "2030-02-01",
                    **CITED,
                    **(mission or {}),
                }
            ],
            "elements": [
                {
                    "id": "lander",
                    "name": "Lander",
                    "mission": "m",
                    "kind": "lander",
                    "owner": "cn",
                    "maturity": "new",
                    **CITED,
                }
            ],
            "objectives": [{"id": "water", "name": "Water", "area": "geology", **CITED}],
            "instruments": [
                {
                    "id": "camera",
                    "name": "Camera",
                    "owner": "eg",
                    "element": "lander",
                    "objectives": ["water"],
                    **CITED,
                }
            ],
            "products": [
                {
                    "id": "maps",
                    "name": "Maps",
                    "instrument": "camera",
                    "level": "derived",
                    "producer": "cn",
                    "early_access": ["ru"],
                    "collected": "2030-06-01T00:00Z",
                    "embargo_days": 100,
                    "partners_after_days": 40,
                    **CITED,
                    **product,
                }
            ],
        }
    )


@pytest.mark.parametrize(
    ("partner", "since", "rule"),
    [
        ("cn", "2030-06-01", "producer"),
        ("eg", "2030-06-01", "owner"),
        ("ru", "2030-06-01", "early-access"),
        ("th", "2030-07-11", "partners"),
        (PUBLIC, "2030-09-09", "embargo"),
    ],
)
def test_each_party_by_its_rule(partner: str, since: str, rule: str) -> None:
    found = product_access(plan_with(), "maps", partner, "2030-06-15")
    assert (found.since, found.rule) == (since, rule)
    assert found.answer == ("yes" if since <= "2030-06-15" else "not-yet")
    before = (dt.date.fromisoformat(since) - dt.timedelta(days=1)).isoformat()
    assert product_access(plan_with(), "maps", partner, before).answer == "not-yet"
    assert product_access(plan_with(), "maps", partner, since).answer == "yes"


def test_publication_before_the_embargo_opens_to_all() -> None:
    plan = plan_with(published="2030-06-10T00:00Z")
    for partner in ("th", PUBLIC):
        found = product_access(plan, "maps", partner, "2030-06-10")
        assert (found.answer, found.rule, found.since) == ("yes", "published", "2030-06-10")
    late = plan_with(published="2031-01-01")
    assert product_access(late, "maps", PUBLIC, "2030-12-01").rule == "embargo"
    states = [releases(late, day)[0].state for day in ("2030-12-01", "2030-12-31", "2031-01-02")]
    assert states == ["due", "due", "public"]


def test_a_range_counts_to_its_end() -> None:
    plan = plan_with(collected="2030/2031-06", embargo_days=10, partners_after_days=None)
    found = product_access(plan, "maps", PUBLIC, "2031-01-01")
    assert (found.answer, found.earliest, found.since) == ("unsure", "2030-01-11", "2031-07-11")
    assert product_access(plan, "maps", PUBLIC, "2030-01-05").answer == "not-yet"
    assert product_access(plan, "maps", PUBLIC, "2031-07-11").answer == "yes"


def test_without_a_date_the_arrival_counts() -> None:
    plan = plan_with(collected=None)
    (row,) = releases(plan, "2030-01-01")
    assert (row.assumed, row.collected, row.state) == (True, "2030-02-01", "to-come")
    assert "Mission" in product_access(plan, "maps", "cn", "2030-01-01").text
    unlanded = plan_with({"landing": None}, collected=None)
    assert releases(unlanded, "2030-01-01")[0].collected == "2030-01-01"


@pytest.mark.parametrize(
    ("mission", "product", "answer"),
    [
        ({"status": "cancelled"}, {}, "never"),
        ({"status": "lost"}, {"collected": None}, "never"),
        ({"status": "lost"}, {}, "yes"),
        ({"status": "cancelled"}, {"published": "2030-07-01"}, "yes"),
    ],
)
def test_no_data_from_missions_that_bring_none(
    mission: dict[str, Any], product: dict[str, Any], answer: str
) -> None:
    plan = plan_with(mission, **product)
    found = product_access(plan, "maps", "cn", "2032")
    assert found.answer == answer
    assert (found.rule == "no-data") == (answer == "never")
    assert (releases(plan, "2032")[0].state == "never") == (answer == "never")


def test_states_in_order() -> None:
    plan = plan_with(collected="2030-06")
    days = ("2030-06-15", "2030-07-05", "2030-08-20", "2030-12-01")
    assert [releases(plan, day)[0].state for day in days] == ["to-come", "embargoed", "partners", "due"]


def test_unknown_names_and_days_are_refused() -> None:
    plan = plan_with()
    with pytest.raises(UnknownNameError, match="data product"):
        product_access(plan, "nothing", "cn", None)
    with pytest.raises(UnknownNameError, match="partner"):
        product_access(plan, "maps", "xx", None)
    with pytest.raises(DateError):
        product_access(plan, "maps", "cn", "2030-13-40")
    far = plan_with(collected="9998", embargo_days=20_000, partners_after_days=None)
    with pytest.raises(DateError, match="9999"):
        product_access(far, "maps", PUBLIC, "2030")


def test_findings_tell_rules_that_never_decide() -> None:
    def codes(**product: Any) -> set[str]:
        return {finding.code for finding in release_findings(plan_with(**product))}

    assert codes() == set()
    assert codes(published="2029") == {"published-before-taken"}
    assert codes(partners_after_days=101) == {"partners-after-public"}
    assert codes(embargo_days=0, partners_after_days=None) == {"early-access-idle"}
    two = plan_with()
    bare = two.instruments[0].model_copy(update={"id": "radar"})
    found = release_findings(two.model_copy(update={"instruments": (*two.instruments, bare)}))
    assert [finding.place for finding in found] == ["instruments[radar]"]


@given(
    embargo=st.integers(0, 2000),
    partners=st.one_of(st.none(), st.integers(0, 2000)),
    day=st.dates(dt.date(2029, 1, 1), dt.date(2040, 1, 1)),
    month=st.integers(1, 12),
)
def test_no_party_sees_it_later_than_everybody_and_time_never_takes_it_away(
    embargo: int, partners: int | None, day: dt.date, month: int
) -> None:
    plan = plan_with(collected=f"2030-{month:02d}", embargo_days=embargo, partners_after_days=partners)
    rows = {row.partner: row for row in product_accesses(plan, "maps", day)}
    public = rows[PUBLIC].since
    assert public is not None
    order = {"not-yet": 0, "unsure": 1, "yes": 2}
    later = {row.partner: row for row in product_accesses(plan, "maps", day + dt.timedelta(days=30))}
    for name, row in rows.items():
        assert row.since is not None
        assert row.earliest is not None
        assert row.earliest <= row.since <= public
        assert order[later[name].answer] >= order[row.answer]
        assert (row.answer == "yes") == (row.since <= f"{day}T23:59:59")
    (release,) = releases(plan, day)
    assert release.public_from == public
    assert release.partners_from == rows["th"].since


@pytest.mark.parametrize("name", ["ilrs", "ilrs-orbit"])
def test_every_instrument_of_a_bundled_plan_gives_data(name: str) -> None:
    plan = load_plan(name)
    assert {row.instrument for row in plan.products} == {row.id for row in plan.instruments}
    assert release_findings(plan) == ()
    assert all(row.confidence == "C" for row in plan.products)
