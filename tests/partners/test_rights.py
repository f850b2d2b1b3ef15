"""Rules of shares, barter and use: what adds up, whatever is put in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError, UnknownNameError
from moonpost.partners.bases import BASES, contributions
from moonpost.partners.rights import after_barter, rights
from moonpost.partners.usage import Use, use_against_entitlement
from moonpost.plan import Barter, Service, ShareRule, load_plan

_ROW = {"source": "a test", "confidence": "C"}
_PARTNERS = ("a", "b", "c", "d")
_PLAN = load_plan("ilrs")
_MUCH = st.floats(0, 1e6, allow_nan=False)


def _rule(**weights):
    return ShareRule(**{"mass": 0.0, **weights}, **_ROW)


def _barter(number, giver, receiver, share, **more):
    given = {"id": f"b-{number}", "name": "b", "giver": giver, "receiver": receiver, "share": share}
    return Barter(**given, resource="energy", start="2035", back="something", **_ROW, **more)


@pytest.fixture(scope="module")
def plan():
    return _PLAN


@given(values=st.lists(_MUCH, min_size=1, max_size=8), weights=st.tuples(*[st.floats(0, 10)] * 5))
def test_shares_add_up_to_one_for_any_rule_and_services(values, weights):
    names = [row.id for row in _PLAN.partners]
    rows = [
        Service(id=f"s-{k}", name="s", partner=names[k % len(names)], value=value, **_ROW)
        for k, value in enumerate(values)
        if value > 0
    ]
    plan = _PLAN.model_copy(update={"services": tuple(rows)})
    counts = dict(zip(BASES, weights, strict=True))
    if sum(weight for basis, weight in counts.items() if basis != "services" or rows) <= 0:
        return
    found = rights(plan, at="2040", rule=_rule(**counts))
    assert math.isclose(sum(found.shares.values()), 1.0, rel_tol=1e-12)
    assert math.isclose(sum(found.weights.values()), 1.0, rel_tol=1e-12)
    for row in found.rows:
        assert -1e-12 <= row.share_low <= row.share + 1e-12
        assert row.share - 1e-12 <= row.share_high <= 1.0


@given(
    shares=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    deals=st.lists(
        st.tuples(st.sampled_from(_PARTNERS), st.sampled_from(_PARTNERS), st.floats(0.001, 0.4)), max_size=8
    ),
)
def test_barter_keeps_the_whole_and_nobody_gives_what_it_lacks(shares, deals):
    table = {name: share / sum(shares) for name, share in zip(_PARTNERS, shares, strict=True)}
    rows = [_barter(k, giver, taker, share) for k, (giver, taker, share) in enumerate(deals) if giver != taker]
    left = dict(table)
    for row in rows:
        left[row.giver] -= row.share
        left[row.receiver] += row.share
    if min(left.values()) < -1e-9:
        with pytest.raises(InputError, match="more than it has"):
            after_barter(table, rows, "energy")
    elif min(left.values()) > 1e-9:
        after = after_barter(table, rows, "energy")
        assert math.isclose(sum(after.values()), 1.0, rel_tol=1e-9)
        assert after == pytest.approx(left)
    assert after_barter(table, rows, "data") == table


def test_a_barter_counts_within_its_dates_only():
    row = _barter(1, "a", "b", 0.1, end="2036")
    table = {"a": 0.5, "b": 0.5}
    assert after_barter(table, [row], "energy", "2034-12-31") == table
    assert after_barter(table, [row], "energy", "2036-12-31")["b"] == pytest.approx(0.6)
    assert after_barter(table, [row], "energy", "2037") == table


@given(
    uses=st.lists(
        st.tuples(st.sampled_from(_PARTNERS), st.integers(1, 5), st.floats(0, 1e6, allow_nan=False)), max_size=30
    )
)
def test_balances_of_use_add_up_to_nothing_on_every_day(uses):
    shares = {"a": 0.4, "b": 0.3, "c": 0.2, "d": 0.1}
    rows = use_against_entitlement([Use(*row) for row in uses], shares)
    whole = math.fsum(row[2] for row in uses)
    assert math.isclose(math.fsum(row.used for row in rows), whole, rel_tol=1e-12, abs_tol=1e-12)
    for day in {row.lunar_day for row in rows}:
        assert abs(math.fsum(row.balance for row in rows if row.lunar_day == day)) <= 1e-9 * max(whole, 1.0)


@pytest.mark.parametrize("amount", [-1.0, math.nan, math.inf])
def test_use_that_is_no_amount_is_refused(amount):
    with pytest.raises(InputError, match="cannot be used"):
        use_against_entitlement([Use("a", 1, amount)], {"a": 1.0})


def test_shares_above_one_are_refused():
    with pytest.raises(InputError, match="add up"):
        use_against_entitlement([], {"a": 0.7, "b": 0.7})


def test_more_mass_is_a_larger_share_and_a_lost_mission_brings_none(plan):
    rule = _rule(mass=1.0)
    before = rights(plan, rule=rule).shares
    heavier = [
        row.model_copy(
            update={"mass_kg": 5.0 * (row.best_mass_kg or 1.0), "mass_low_kg": None, "mass_high_kg": None}
        )
        if row.owner == "roscosmos"
        else row
        for row in plan.elements
    ]
    after = rights(plan.model_copy(update={"elements": tuple(heavier)}), rule=rule).shares
    assert after["roscosmos"] > before["roscosmos"]
    carriers = {row.mission for row in plan.elements if row.owner == "roscosmos"}
    lost = [row.model_copy(update={"status": "lost"}) if row.id in carriers else row for row in plan.missions]
    gone = rights(plan.model_copy(update={"missions": tuple(lost)}), rule=rule)
    assert gone.shares["roscosmos"] == 0.0


def test_only_what_has_arrived_counts_and_only_while_it_lives(plan):
    rover = plan.element("yutu-2")
    landed = {row.subject for row in contributions(plan, "mass", "2019-01-04")}
    assert f"elements[{rover.id}]" in landed
    assert f"elements[{rover.id}]" not in {row.subject for row in contributions(plan, "mass", "2019-01-02")}
    short = [row.model_copy(update={"life_years": 1.0}) if row.id == rover.id else row for row in plan.elements]
    worn = plan.model_copy(update={"elements": tuple(short)})
    assert f"elements[{rover.id}]" not in {row.subject for row in contributions(worn, "mass", "2020-02-01")}


def test_launches_belong_to_the_owner_of_the_launcher(plan):
    moved = [row.model_copy(update={"owner": "roscosmos"}) if row.id == "cz-5" else row for row in plan.launchers]
    rows = contributions(plan.model_copy(update={"launchers": tuple(moved)}), "launches")
    flown = {row.id: row.launcher for row in plan.missions}
    for row in rows:
        if flown[row.subject[9:-1]] == "cz-5":
            assert row.owner == "roscosmos"


def test_a_basis_to_which_nobody_gave_lends_its_weight_to_the_others(plan):
    bare = plan.model_copy(update={"services": ()})
    found = rights(bare, at="2036", rule=_rule(mass=1.0, services=9.0))
    assert found.weights == {"mass": 1.0}
    assert found.idle == ("services",)
    assert found.shares == rights(bare, at="2036", rule=_rule(mass=1.0)).shares


def test_nothing_to_share_and_unknown_words_are_told(plan):
    with pytest.raises(ModelError, match="nobody has put in anything"):
        rights(plan, at="1950", rule=_rule(mass=1.0))
    with pytest.raises(UnknownNameError):
        contributions(plan, "money")


def test_shares_of_another_joint_station_come_out_of_a_rule():
    # Shares of the International Space Station's user resources outside the Russian segment, 76.6, 12.8, 8.3 and
    # 2.3 %, as design facts give them (from memory, confidence C): put in as services they come out as shares.
    plan = load_plan("ilrs")
    names = [row.id for row in plan.partners][:4]
    published = (76.6, 12.8, 8.3, 2.3)
    rows = [
        Service(id=f"s-{k}", name="s", partner=name, value=value, **_ROW)
        for k, (name, value) in enumerate(zip(names, published, strict=True))
    ]
    found = rights(plan.model_copy(update={"services": tuple(rows)}), rule=_rule(services=1.0))
    assert [round(100 * found.shares[name], 1) for name in names] == list(published)


@pytest.mark.parametrize("weight", [5e-324, 1e308])
def test_weights_of_any_size_give_the_same_shares(plan, weight):
    rules = [ShareRule(mass=w, energy=w, data=w, source="an example", confidence="C") for w in (1.0, weight)]
    usual, other = (rights(plan, rule=rule).shares for rule in rules)
    assert other == pytest.approx(usual)
    assert sum(other.values()) == pytest.approx(1.0)
