"""Shares of discs behind horizons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import Apparent, Site
from moonpost.terrain import HorizonProfile, earth_visibility, illumination


def body(azimuth, elevation, radius) -> Apparent:
    azimuth, elevation, radius = np.broadcast_arrays(*map(np.atleast_1d, (azimuth, elevation, radius)))
    time = np.full(azimuth.size, np.datetime64("2030-01-01", "ms"))
    return Apparent(time, azimuth * 1.0, elevation * 1.0, np.full(azimuth.size, 1.5e11), radius * 1.0)


def shaped(elevations) -> HorizonProfile:
    n = len(elevations)
    return HorizonProfile(
        np.arange(n) * 360.0 / n, np.asarray(elevations, float), np.zeros(n), Site(-89.5, 0.0), 2.0, "site", {}
    )


def test_level_horizon_gives_the_circular_segment():
    x = np.linspace(-1.2, 1.2, 481)
    got = illumination(HorizonProfile.flat(Site(-89.5, 0.0)), body(123.4, 0.27 * x, 0.27))
    c = np.clip(x, -1.0, 1.0)
    segment = 0.5 + (c * np.sqrt(1 - c * c) + np.arcsin(c)) / np.pi
    assert np.abs(got - segment).max() < 1e-12
    assert np.all(got[x >= 1.0] == 1.0)
    assert np.all(got[x <= -1.0] == 0.0)


def test_limb_darkening_against_a_sum_over_points():
    points = np.random.default_rng(0).uniform(-1, 1, (400_000, 2))
    points = points[(points**2).sum(axis=1) < 1.0]
    bright = 1 - 0.6 + 0.6 * np.sqrt(1 - (points**2).sum(axis=1))
    level = HorizonProfile.flat(Site(-89.5, 0.0))
    for x in (-0.9, -0.5, 0.0, 0.3, 0.8):
        expected = bright[points[:, 1] > -x].sum() / bright.sum()
        got = illumination(level, body(10.0, 0.27 * x, 0.27), limb_darkening=True)
        assert got[0] == pytest.approx(expected, abs=0.004)
        plain = illumination(level, body(10.0, 0.27 * x, 0.27))
        assert (got[0] - plain[0]) * x >= 0.0, "the middle is brighter than the limb"


def test_rough_horizon_against_a_sum_over_points():
    """The horizon is followed across the disc, not taken at the Sun's azimuth alone."""
    profile = shaped(np.random.default_rng(5).uniform(-0.2, 0.2, 720) + 1.0)
    points = np.random.default_rng(1).uniform(-1, 1, (200_000, 2))
    points = 0.27 * points[(points**2).sum(axis=1) < 1.0]
    for azimuth in (0.1, 77.3, 200.0, 359.9):
        elevation = 1.05
        level = profile.at(azimuth + points[:, 0] / np.cos(np.radians(elevation)))
        expected = (elevation + points[:, 1] > level).mean()
        assert illumination(profile, body(azimuth, elevation, 0.27))[0] == pytest.approx(expected, abs=0.004)


def test_sun_over_the_horizontal_is_not_illumination():
    profile = shaped(np.where(np.arange(720) < 360, 3.0, -1.0))
    sun = body([90.0, 270.0, 270.0], [2.0, -0.5, 2.0], 0.27)
    assert illumination(profile, sun).tolist() == [0.0, 1.0, 1.0]


def test_azimuth_is_clockwise_from_north():
    profile = shaped(np.where(np.abs(np.arange(720) / 2 - 90.0) < 10.0, 5.0, 0.0))
    assert illumination(profile, body([0.0, 90.0, 180.0, 270.0], 2.0, 0.27)).tolist() == [1.0, 0.0, 1.0, 1.0]


def test_the_earth_is_a_wide_disc_and_a_station_a_point():
    level = HorizonProfile.flat(Site(-89.5, 0.0))
    assert earth_visibility(level, body(0.0, [0.0, 0.5, -0.96], 0.95)).round(3).tolist()[0] == 0.5
    assert earth_visibility(level, body(0.0, [-0.01, 0.01], 0.0)).tolist() == [0.0, 1.0]


@settings(max_examples=60, deadline=None)
@given(
    azimuth=st.floats(0, 360),
    elevation=st.floats(-89, 89),
    lift=st.floats(0, 2),
    seed=st.integers(0, 50),
)
def test_a_higher_horizon_never_shows_more(azimuth, elevation, lift, seed):
    rough = np.random.default_rng(seed).uniform(-2, 2, 90)
    low, high = (illumination(shaped(rough + up), body(azimuth, elevation, 0.27))[0] for up in (0.0, lift))
    assert 0.0 <= high <= low <= 1.0


def test_nan_is_an_error():
    level = HorizonProfile.flat(Site(-89.5, 0.0))
    for sun in (body([0.0, np.nan], 1.0, 0.27), body(0.0, np.inf, 0.27), body(0.0, 1.0, np.nan)):
        with pytest.raises(InputError, match="NaN"):
            illumination(level, sun)
