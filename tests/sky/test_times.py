"""Any usual way to write a date gives the same UTC milliseconds, and nothing else gets through."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.sky import as_utc, iso, times

NOON = np.datetime64("2030-01-01T12:00:00.000", "ms")


@pytest.mark.parametrize(
    "written",
    [
        "2030-01-01T12:00",
        "2030-01-01T12:00Z",
        "2030-01-01 12:00:00.000+00:00",
        "2030-01-01T20:00+08:00",
        "2030-01-01T06:30-05:30",
        dt.datetime(2030, 1, 1, 12),
        dt.datetime(2030, 1, 1, 20, tzinfo=dt.timezone(dt.timedelta(hours=8))),
        np.datetime64("2030-01-01T12"),
        np.datetime64("2030-01-01T12:00:00.000000001", "ns"),
        np.array("2030-01-01T12:00Z"),
    ],
)
def test_every_way_to_write_noon(written):
    assert as_utc(written) == NOON
    assert as_utc(written).dtype == np.dtype("datetime64[ms]")
    assert as_utc([written, written]).shape == (2,)


def test_a_date_alone_is_its_midnight():
    assert as_utc("2030-01-01") == as_utc(dt.date(2030, 1, 1)) == NOON - np.timedelta64(12, "h")


def test_mixed_lists_and_empty_lists():
    mixed = as_utc(["2030-01-01T12:00Z", dt.datetime(2030, 1, 1, 12), NOON])
    assert (mixed == NOON).all()
    assert as_utc([]).shape == (0,)


def test_microseconds_are_rounded_not_cut():
    assert as_utc("2030-01-01T00:00:00.000600") == np.datetime64("2030-01-01T00:00:00.001")


@pytest.mark.parametrize(
    "bad",
    [
        "yesterday",
        "",
        "NaT",
        "now",
        "2030-02-30",
        "2030-01-01T25:00",
        "2016-12-31T23:59:60",
        np.datetime64("NaT"),
        [NOON, np.datetime64("NaT")],
        np.datetime64(10**13, "D"),
    ],
)
def test_unreadable_dates_are_date_errors(bad):
    with pytest.raises(DateError):
        as_utc(bad)


@pytest.mark.parametrize(
    "bad", [5, 2.5, True, float("nan"), None, [1, 2], object(), np.timedelta64(1, "s"), [[1], [1, 2]]]
)
def test_things_that_are_not_dates_are_input_errors(bad):
    with pytest.raises(InputError):
        as_utc(bad)


def test_times_stop_before_the_end():
    made = times("2030-01-01", "2030-01-02", step_s=3600)
    assert made.shape == (24,)
    assert made[-1] == np.datetime64("2030-01-01T23:00")
    assert times("2030-01-01T00:00:00", "2030-01-01T00:00:10", 4).shape == (3,)


def test_steps_do_not_add_up_rounding():
    made = times("2030-01-01", "2030-01-02", step_s=1.0 / 3.0)
    assert made.size == 3 * 86400
    assert made[3 * 86399] == np.datetime64("2030-01-01T23:59:59")


@pytest.mark.parametrize(("start", "stop"), [("2030-01-02", "2030-01-01"), ("2030-01-01", "2030-01-01")])
def test_a_reversed_or_empty_period_is_refused(start, stop):
    with pytest.raises(DateError, match="not after"):
        times(start, stop, 60)


@pytest.mark.parametrize("step", [0, -1, 0.0001, float("nan"), float("inf"), "an hour", None])
def test_an_unusable_step_is_refused(step):
    with pytest.raises(InputError):
        times("2030-01-01", "2030-01-02", step)


def test_too_many_times_are_refused_before_memory_is_taken():
    with pytest.raises(InputError, match="longer step"):
        times("1900-01-01", "2100-01-01", 0.001)


def test_one_date_is_asked_for_where_one_is_needed():
    with pytest.raises(InputError, match="start"):
        times(["2030-01-01", "2030-01-02"], "2031-01-01", 60)


@given(st.integers(-4_000_000_000_000, 4_000_000_000_000))
def test_iso_text_reads_back(milliseconds):
    moment = np.datetime64(milliseconds, "ms")
    assert as_utc(iso(moment)) == moment


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_an_offset_does_not_change_the_instant(moment, minutes):
    moment = moment.replace(microsecond=0)
    shifted = moment.replace(tzinfo=dt.UTC).astimezone(dt.timezone(dt.timedelta(minutes=minutes)))
    assert as_utc(shifted) == as_utc(shifted.isoformat()) == as_utc(moment)
