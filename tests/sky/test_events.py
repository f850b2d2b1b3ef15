"""Crossings are found to the second, and none is missed where the Sun only grazes the level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.sky import Almanac, Site, crossings, extremes, sun_crossings, times

ALMANAC = Almanac.default()
START = np.datetime64("2030-01-01T00:00:00.000", "ms")
HOUR = np.timedelta64(1, "h")


def hours(t):
    return (t - START) / HOUR


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 6.28), st.floats(-0.999, 0.999))
def test_every_crossing_of_a_sine(phase, level):
    period_h = 20.0
    found = crossings(
        lambda t: np.sin(2 * np.pi * hours(t) / period_h + phase) - level, START, START + 200 * HOUR, 7 * 3600
    )
    angle = np.array([np.arcsin(level), np.pi - np.arcsin(level)])[:, None] + 2 * np.pi * np.arange(-2, 14)
    expected = np.sort(((angle - phase) / (2 * np.pi) * period_h).ravel())
    expected = expected[(expected > 0.001) & (expected < 199.999)]
    inner = (hours(found.time) > 0.001) & (hours(found.time) < 199.999)
    np.testing.assert_allclose(hours(found.time[inner]), expected, atol=0.05 / 3600 / np.sqrt(1 - level**2))
    assert (found.rising[1:] != found.rising[:-1]).all()
    assert len(found.rises) + len(found.sets) == len(found)


def test_a_graze_between_samples_is_found():
    found = crossings(lambda t: 0.01 - np.abs(hours(t) - 50.3), START, START + 100 * HOUR, 6 * 3600)
    np.testing.assert_allclose(hours(found.time), [50.29, 50.31], atol=1e-5)
    assert [kind for _, kind in found] == ["rising", "setting"]


def test_nothing_to_find():
    assert len(crossings(lambda t: np.ones(t.shape), START, START + HOUR, 60)) == 0
    assert len(extremes(hours, START, START + HOUR, 60, highest=True)) == 0


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from([-90.0, -89.9, -89.0, -88.5, 88.6, 89.5, -45.0, 0.0]),
    st.floats(-180.0, 180.0),
    st.floats(-1.5, 1.5),
)
def test_no_crossing_of_the_sun_is_missed_or_invented(latitude, longitude, level):
    site = Site(latitude, longitude)
    t = times("2030-01-01", "2032-01-01", 1200)
    above = ALMANAC.sun(site, t).elevation_deg >= level
    change = np.flatnonzero(above[1:] != above[:-1])
    found = sun_crossings(ALMANAC, site, t[0], t[-1], level)
    second = np.timedelta64(1, "s")  # a crossing that falls on a sample may be told up to a second beside it
    missed = [k for k in change if not np.any((found.time >= t[k] - second) & (found.time <= t[k + 1] + second))]
    assert missed == []
    assert np.setdiff1d(np.searchsorted(t, found.time) - 1, change).size <= 2
    np.testing.assert_allclose(ALMANAC.sun(site, found.time).elevation_deg, level, atol=4e-6)


def test_a_crossing_is_good_to_a_second(almanac):
    site = Site(-89.3, 40.0)
    found = sun_crossings(almanac, site, "2030-01-01", "2031-01-01")
    second = np.timedelta64(1, "s")
    before = almanac.sun(site, found.time - second).elevation_deg
    after = almanac.sun(site, found.time + second).elevation_deg
    assert len(found) > 5
    np.testing.assert_array_equal(before < 0.0, found.rising)
    np.testing.assert_array_equal(after > 0.0, found.rising)


def test_bad_input(almanac):
    site = Site(0.0, 0.0)
    with pytest.raises(DateError, match="not after"):
        sun_crossings(almanac, site, "2031-01-01", "2030-01-01")
    with pytest.raises(DateError, match="outside the kernels"):
        sun_crossings(almanac, site, "2140-01-01", "2160-01-01")
    for level in (float("nan"), 91.0):
        with pytest.raises(InputError, match="elevation_deg"):
            sun_crossings(almanac, site, "2030-01-01", "2031-01-01", level)
    with pytest.raises(InputError, match="step_s"):
        crossings(hours, START, START + HOUR, 0.0)
    with pytest.raises(InputError, match="function"):
        crossings(lambda t: np.full(t.shape, np.nan), START, START + HOUR, 60)
