"""UTC and TDB turn into each other, leap seconds included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moonpost.sky.timescale import default_timescale


@pytest.mark.parametrize(
    ("utc", "offset_s"),
    [
        ("1960-01-01", 10.0),
        ("1971-12-31T23:59:59", 10.0),
        ("1972-06-30T23:59:59", 10.0),
        ("1972-07-01", 11.0),
        ("2016-12-31T23:59:59", 36.0),
        ("2017-01-01", 37.0),
        ("2100-01-01", 37.0),
    ],
)
def test_leap_seconds(utc, offset_s):
    scale = default_timescale()
    t = np.array([utc], dtype="datetime64[ms]")
    plain = (t - np.datetime64("2000-01-01T12:00", "ms")) / np.timedelta64(1, "s")
    assert scale.tt_s(t) - plain == pytest.approx(offset_s + 32.184, abs=1e-6)


def test_a_leap_second_takes_a_second():
    t = np.array(["2016-12-31T23:59:59", "2017-01-01T00:00:00"], dtype="datetime64[ms]")
    assert np.diff(default_timescale().tdb_s(t)) == pytest.approx(2.0, abs=1e-6)


@given(st.integers(-4_000_000_000_000, 4_000_000_000_000))
def test_there_and_back(milliseconds):
    scale = default_timescale()
    t = np.array([milliseconds]).astype("datetime64[ms]")
    assert scale.utc(scale.tdb_s(t)) == t
