"""Agreements: a step counts when it is on record and its date has passed, and nothing stands in for it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import DateError
from moonpost.partners import agreement_state, agreement_states
from moonpost.partners.dates import end_of, instant
from moonpost.plan.partners import Agreement

CITED = {"source": "made for this test", "confidence": "C"}


def treaty(steps, requires=("signed", "ratified"), parties=("cn", "ru")):
    rows = [{"party": party, "state": state, "date": date, **CITED} for party, state, date in steps]
    return Agreement(id="treaty", name="Treaty", parties=parties, requires=requires, steps=rows, **CITED)


def test_a_signature_is_no_ratification():
    standing = agreement_state(treaty([("cn", "signed", "2022-11-25"), ("ru", "ratified", "2024-06-12")]))
    china, russia = standing.parties
    assert china.state == "signed"
    assert china.missing == ("ratified",)
    assert russia.state == "ratified"
    assert russia.missing == ("signed",), "a later step does not stand in for an earlier one"
    assert not standing.in_force
    assert standing.since is None


def test_in_force_for_all_from_the_last_step():
    steps = [("cn", "signed", "2022-11-25"), ("ru", "signed", "2022-11-25"), ("ru", "ratified", "2024-06-12")]
    standing = agreement_state(treaty([*steps, ("cn", "ratified", "2024-08")]))
    assert standing.in_force
    assert standing.since == "2024-08"
    assert standing.missing == ()
    assert not agreement_state(treaty([*steps, ("cn", "ratified", "2024-08")]), "2024-08-15").in_force


def test_no_steps_is_a_draft():
    standing = agreement_state(treaty([], requires=("signed",)))
    assert [party.state for party in standing.parties] == ["draft", "draft"]
    assert standing.missing == ("cn: signed", "ru: signed")


def test_the_first_of_two_like_steps_counts():
    standing = agreement_state(treaty([("cn", "signed", "2024"), ("cn", "signed", "2022")], requires=("signed",)))
    assert standing.parties[0].since == "2022"


def test_dates_with_a_zone_and_plain_dates():
    east = dt.timezone(dt.timedelta(hours=8))
    assert instant(dt.datetime(2024, 6, 12, 4, tzinfo=east)) == dt.datetime(2024, 6, 11, 20)
    assert instant(dt.date(2024, 6, 12)) == end_of("2024-06-12")
    assert instant(None) is None


def test_text_that_is_no_date():
    with pytest.raises(DateError, match="soon"):
        agreement_state(treaty([]), "soon")


def test_several_keep_their_order():
    assert [row.agreement for row in agreement_states([treaty([]), treaty([])])] == ["treaty", "treaty"]
    assert agreement_states([treaty([])])[0].to_dict()["parties"][0]["missing"] == ("signed", "ratified")


days = st.dates(dt.date(2020, 1, 1), dt.date(2030, 12, 31)).map(dt.date.isoformat)
step = st.tuples(st.sampled_from(["cn", "ru"]), st.sampled_from(["signed", "ratified", "in-force"]), days)


@given(st.lists(step, max_size=8), days, days)
def test_time_only_adds(steps, one, other):
    """What is in force stays so, and in force means that nothing is missing."""
    earlier, later = sorted([one, other])
    before, after = agreement_state(treaty(steps), earlier), agreement_state(treaty(steps), later)
    assert set(after.missing) <= set(before.missing)
    for standing in (before, after):
        assert standing.in_force == (not standing.missing)
        assert standing.in_force == all(party.in_force for party in standing.parties)
    assert agreement_state(treaty(steps[::-1]), later).missing == after.missing


def test_the_rule_of_the_plan_decides_unless_another_is_given():
    row = {"source": "a test", "confidence": "C"}
    steps = [{"party": party, "state": "signed", "date": "2030-01-01", **row} for party in ("a", "b")]
    for rule, founders, in_force in (
        ("consensus", (), False),
        ("majority", (), True),
        ("founders", ("a",), True),
        ("founders", ("a", "c"), False),
    ):
        pact = Agreement(id="pact", name="Pact", parties=("a", "b", "c"), steps=steps, rule=rule, **row)
        assert agreement_states([pact], founders=founders)[0].in_force is in_force
        assert not agreement_state(pact, rule="consensus").in_force
