"""Joint missions against dates that were published.

Roscosmos press release on the agreements of 2019-09-17 (Parabolic Arc, 2019-09-22; TASS, 2019-09-17): Luna 26
surveys landing areas for Chinese missions, and data are sent between it and Chang'e 7 as a test. Sputnik
(UrduPoint, 2019-09-17): Luna 26 was to fly in 2024. Press record: Chang'e 7 in August 2026 with a design life of 8
years, and Luna 26 in 2028.
"""

import datetime as dt

import pytest

from moonpost.campaign import changed_plan, support_status
from moonpost.plan import load_plan, when_bounds

TRANSIT_DAYS = 5.0
"""From launch to arrival where the plan has no arrival: an assumption that both missions share."""


@pytest.fixture(scope="module")
def ilrs():
    return load_plan("ilrs")


def of(plan, name):
    return next(row for row in support_status(plan) if row.support == name)


def test_the_agreement_was_signed_by_both_and_promises_the_survey(ilrs):
    (agreement,) = (row for row in ilrs.agreements if row.id == "luna26-ce7-coordination")
    assert {(step.party, step.state, step.date) for step in agreement.steps} == {
        ("cnsa", "signed", "2019-09-17"), ("roscosmos", "signed", "2019-09-17"),
    }  # fmt: skip
    assert of(ilrs, "luna-26-images-for-ce7").promised is True


def test_the_survey_comes_too_late_by_the_difference_of_the_published_dates(ilrs):
    """To the day: calendar arithmetic on the published dates, with the plan's year of lead."""
    row = of(ilrs, "luna-26-images-for-ce7")
    least = (dt.datetime(2028, 1, 1) - dt.datetime(2026, 9, 1)).days + 365
    most = (dt.datetime(2029, 1, 1) - dt.datetime(2026, 8, 1)).days + 365
    assert row.status == "broken"
    assert row.late_least_days == pytest.approx(least, abs=0.1)
    assert row.late_days == pytest.approx(most, abs=0.1)


def test_the_test_of_data_fits_into_the_life_of_change_7(ilrs):
    row = of(ilrs, "luna-26-data-test-with-ce7")
    assert row.status == "partly"
    end = dt.datetime(2026, 8, 1) + dt.timedelta(days=TRANSIT_DAYS + 8 * 365.25)
    assert abs(dt.datetime.fromisoformat(row.needed_until.rstrip("Z")) - end) < dt.timedelta(days=1)
    assert dt.datetime.fromisoformat(row.given_from.rstrip("Z")) < end


@pytest.mark.parametrize(
    "name", ["luna-26-images-for-ce7", "luna-26-data-test-with-ce7", "luna-26-images-for-ce8"]
)
def test_with_the_dates_of_2019_the_agreement_holds(ilrs, name):
    assert of(changed_plan(ilrs, date={"luna-26": "2024"}), name).status == "holds"


def test_the_relay_of_the_far_side_was_there_first(ilrs):
    """Queqiao reached its halo orbit on 2018-06-14 (CGTN), Chang'e 4 landed on 2019-01-03T02:26Z (CNSA)."""
    row = of(ilrs, "queqiao-relays-ce4")
    gap = when_bounds("2019-01-03T02:26Z")[0] - when_bounds("2018-06-14T03:06Z")[0]
    assert row.late_days == pytest.approx(-gap / dt.timedelta(days=1), abs=0.01)
    assert row.essential
    assert not row.fails
