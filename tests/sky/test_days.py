"""Lunar days go on where sunrises do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DateError, InputError
from moonpost.sky import (
    Almanac,
    Site,
    earth_day,
    lunar_day,
    solar_midnights,
    solar_noons,
    subsolar_deg,
    sun_crossings,
    times,
)

ALMANAC = Almanac.default()
LATITUDES, LONGITUDES = st.floats(-90.0, 90.0), st.floats(-180.0, 360.0)


@settings(max_examples=25, deadline=None)
@given(LATITUDES, LONGITUDES, st.integers(1900, 2120))
def test_the_count_steps_by_one_at_each_midnight(latitude, longitude, year):
    site = Site(latitude, longitude)
    start, stop = np.datetime64(f"{year}-01-01"), np.datetime64(f"{year + 2}-01-01")
    midnights = solar_midnights(ALMANAC, site, start, stop)
    assert len(midnights) in (24, 25)
    np.testing.assert_allclose(np.diff(midnights) / np.timedelta64(1, "D"), 29.53, atol=0.4)
    second = np.timedelta64(1, "s")
    before = lunar_day(ALMANAC, site, start, midnights - second)
    after = lunar_day(ALMANAC, site, start, midnights + second)
    np.testing.assert_array_equal(before, np.arange(1, len(midnights) + 1))
    np.testing.assert_array_equal(after, before + 1)


@settings(max_examples=25, deadline=None)
@given(st.floats(-80.0, 80.0), LONGITUDES)
def test_the_sun_is_highest_at_noon_and_lowest_at_midnight(latitude, longitude):
    site = Site(latitude, longitude)
    noons = solar_noons(ALMANAC, site, "2030-01-01", "2030-07-01")
    midnights = solar_midnights(ALMANAC, site, "2030-01-01", "2030-07-01")
    at_noon, at_midnight = ALMANAC.sun(site, noons), ALMANAC.sun(site, midnights)
    assert (at_noon.elevation_deg >= 90.0 - abs(latitude) - 1.7).all()
    assert (at_midnight.elevation_deg <= abs(latitude) - 90.0 + 1.7).all()
    meridian = np.abs(np.sin(np.deg2rad(at_noon.azimuth_deg))) * np.cos(np.deg2rad(at_noon.elevation_deg))
    assert (meridian < 1e-4).all()


@settings(max_examples=10, deadline=None)
@given(st.floats(-60.0, 60.0), LONGITUDES)
def test_at_mid_latitudes_the_count_is_that_of_sunrises(latitude, longitude):
    site = Site(latitude, longitude)
    noon = solar_noons(ALMANAC, site, "2030-01-01", "2030-03-01")[0]
    later = solar_noons(ALMANAC, site, "2033-01-01", "2033-03-01")[0]
    rises = sun_crossings(ALMANAC, site, noon, later).rises
    assert lunar_day(ALMANAC, site, noon, later) == [1 + len(rises)]


def test_the_poles_have_days_by_the_meridian_they_are_given(almanac):
    t = times("2030-01-01", "2031-01-01", 86400)
    a = lunar_day(almanac, Site(-90.0, 0.0), "2030-01-01", t)
    b = lunar_day(almanac, Site(-89.0, 0.0), "2030-01-01", t)
    np.testing.assert_array_equal(a, b)
    assert a[-1] in (13, 14)


def test_counts_far_from_now(almanac):
    span = (np.datetime64("2149-12-01") - np.datetime64("1850-01-01")) / np.timedelta64(1, "D")
    count = lunar_day(almanac, Site(0.0, 0.0), "1850-01-01", "2149-12-01")[0]
    assert abs(count - 1 - span / 29.530588861) < 1.0


def test_the_subsolar_point_has_the_sun_in_the_zenith(almanac):
    latitude, longitude = subsolar_deg(almanac, "2030-05-05")
    site = Site(latitude[0], longitude[0])
    assert almanac.sun(site, "2030-05-05").elevation_deg[0] == pytest.approx(90.0, abs=1e-3)
    latitudes, _ = subsolar_deg(almanac, times("2030-01-01", "2031-01-01", 86400))
    assert 1.4 < np.abs(latitudes).max() < 1.7


def test_earth_days():
    later = ["2019-01-03T02:26Z", "2019-01-04T02:25:59Z", "2019-01-04T02:26Z"]
    assert earth_day("2019-01-03T02:26Z", later).tolist() == [0, 0, 1]


def test_bad_input(almanac):
    site = Site(0.0, 0.0)
    with pytest.raises(InputError, match="before the landing"):
        lunar_day(almanac, site, "2030-01-01", ["2031-01-01", "2029-12-31"])
    with pytest.raises(InputError, match="before the landing"):
        earth_day("2030-01-01", "2029-12-31")
    with pytest.raises(InputError, match="one date"):
        lunar_day(almanac, site, ["2030-01-01", "2030-01-02"], "2031-01-01")
    with pytest.raises(DateError, match="outside the kernels"):
        lunar_day(almanac, site, "2030-01-01", "2200-01-01")
    with pytest.raises(DateError, match="not after"):
        solar_noons(almanac, site, "2030-01-01", "2030-01-01")
    assert solar_noons(almanac, site, "2030-01-01T00:00", "2030-01-01T00:01").shape == (0,)
