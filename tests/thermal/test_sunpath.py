"""Directions of the Sun for all places at once."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.sky import Almanac, Site
from moonpost.thermal import SunPath, incidence_cosine


def test_the_real_sun_stands_where_the_site_sees_it(almanac: Almanac) -> None:
    path = SunPath.of(almanac, "2030-01-01", "2030-02-01", 6 * 3600.0)
    site = Site(-89.45, 222.7)
    middle = path.start + (np.arange(len(path.direction)) * 6 + 3) * np.timedelta64(1, "h")
    sun = almanac.sun(site, middle)
    east, north, up = site.basis @ path.direction.T
    # The parallax of the Sun from the Moon's centre to its surface is 0.0007 deg.
    np.testing.assert_allclose(np.rad2deg(np.arcsin(up)), sun.elevation_deg, atol=0.001)
    np.testing.assert_allclose(np.rad2deg(np.arctan2(east, north)) % 360.0, sun.azimuth_deg, atol=0.001)
    np.testing.assert_allclose(path.distance_factor, sun.distance_factor, rtol=1e-4)
    assert np.rad2deg(path.angular_radius_rad) == pytest.approx(sun.angular_radius_deg.mean(), rel=1e-3)


def test_the_mean_day_has_noon_in_its_middle() -> None:
    path = SunPath.lunar_day(steps=100, declination_deg=1.5)
    x, y, z = path.direction.T
    assert x[49] == pytest.approx(x[50])
    assert x[49] == x.max()
    assert y[25] > 0.9 * np.cos(np.deg2rad(1.5)), "the Sun is in the east in the morning"
    np.testing.assert_allclose(z, np.sin(np.deg2rad(1.5)))


def test_incidence_on_slopes() -> None:
    assert incidence_cosine(0.0, 30.0, 0.0, 77.0) == pytest.approx(0.5)
    assert incidence_cosine(90.0, 30.0, 60.0, 90.0) == pytest.approx(1.0)
    assert incidence_cosine(270.0, 30.0, 60.0, 90.0) == pytest.approx(-0.5)
    with pytest.raises(InputError, match="slope"):
        incidence_cosine(0.0, 1.0, np.nan, 0.0)


def test_refusals(almanac: Almanac) -> None:
    for bad in (
        {"direction": np.ones((3, 3)), "distance_factor": np.ones(3), "step_s": 1.0},
        {"direction": np.ones(3), "distance_factor": np.ones(3), "step_s": 1.0},
        {"direction": [[1.0, 0.0, 0.0]], "distance_factor": [np.nan], "step_s": 1.0},
        {"direction": [[1.0, 0.0, 0.0]], "distance_factor": [1.0], "step_s": 0.0},
    ):
        with pytest.raises(InputError):
            SunPath(**bad)
    with pytest.raises(InputError, match="steps"):
        SunPath.lunar_day(steps=3)
    with pytest.raises(InputError, match="declination"):
        SunPath.lunar_day(declination_deg=np.nan)
    with pytest.raises(InputError, match="two steps"):
        SunPath.of(almanac, "2030-01-01", "2030-01-02", 86400.0)
