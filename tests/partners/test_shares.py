"""Shares add up to one, and their ranges hold them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import InputError, ModelError
from moonpost.partners import LANDING_KINDS, Contribution, element_contributions, launch_contributions, shares
from moonpost.plan import load_plan


def test_amounts_ranges_and_unknowns():
    table = shares(
        [
            Contribution("cn", 300.0, 200.0, 500.0, "a"),
            Contribution("ru", 100.0, subject="b"),
            Contribution("ru", None, subject="c"),
            Contribution("eg", None, subject="d"),
        ]
    )
    china, russia, egypt = table.rows
    assert (china.owner, china.share) == ("cn", 0.75)
    assert china.share_low == pytest.approx(200 / 300)
    assert china.share_high == pytest.approx(500 / 600)
    assert russia.unknown == ("c",)
    assert russia.items == 1
    assert (egypt.share, egypt.unknown) == (0.0, ("d",))
    assert (table.low, table.total, table.high) == (300.0, 400.0, 600.0)
    assert table.of("cn") == 0.75
    assert table.of("nobody") == 0.0


@pytest.mark.parametrize(
    "row",
    [
        Contribution("cn", math.nan),
        Contribution("cn", -1.0),
        Contribution("cn", math.inf),
        Contribution("cn", 1.0, low=2.0, high=3.0),
        Contribution("cn", 4.0, low=2.0, high=3.0),
    ],
)
def test_amounts_that_cannot_be_shared(row):
    with pytest.raises(InputError, match="contribution cn"):
        shares([row])


@pytest.mark.parametrize("rows", [[], [Contribution("cn", None)], [Contribution("cn", 0.0)]])
def test_nothing_to_share(rows):
    with pytest.raises(ModelError, match="above zero"):
        shares(rows)


@st.composite
def contributions(draw):
    mass = st.floats(0, 1e6)
    low, best, high = sorted([draw(mass), draw(mass), draw(mass)])
    return Contribution(draw(st.sampled_from("abcd")), best, low, high)


@given(st.lists(contributions(), min_size=1, max_size=12))
def test_shares_add_up_to_one(rows):
    if sum(row.amount for row in rows) == 0:
        return
    table = shares(rows)
    assert math.fsum(row.share for row in table.rows) == pytest.approx(1.0, abs=1e-12)
    for row in table.rows:
        assert -1e-12 <= row.share_low <= row.share + 1e-12
        assert row.share <= row.share_high + 1e-12
        assert row.share_high <= 1.0 + 1e-12
    again = shares(rows[::-1])
    assert {row.owner: pytest.approx(row.share) for row in again.rows} == {
        row.owner: row.share for row in table.rows
    }


def test_elements_of_the_bundled_plan():
    plan = load_plan("ilrs")
    rows = element_contributions(plan.elements, plan.missions)
    subjects = {row.subject for row in rows}
    assert "elements[luna-25]" not in subjects, "what was lost is no contribution"
    landing = element_contributions(plan.elements, plan.missions, destination=LANDING_KINDS)
    assert {row.subject for row in landing} < subjects
    battery = plan.element("vertical-array")
    assert any(row.amount == battery.count * battery.best_mass_kg for row in rows)
    assert math.fsum(row.share for row in shares(landing).rows) == pytest.approx(1.0, abs=1e-12)


def test_launches_of_the_bundled_plan():
    plan = load_plan("ilrs")
    table = shares(launch_contributions(plan.missions), basis="launches", unit="1")
    assert table.total == sum(mission.status != "cancelled" for mission in plan.missions)
    assert table.to_dict()["unit"] == "1"


def test_amounts_beyond_any_sum_are_refused():
    with pytest.raises(InputError, match="the sum of landed mass is too large"):
        shares([Contribution("a", 1e308), Contribution("b", 1e308)])
