"""Regolith at a latitude and at a real site."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.sky import Almanac, Site, times
from moonpost.thermal import earthshine_w_m2, regolith, site_temperature


def test_keys_and_depths() -> None:
    found = regolith(30.0, steps=240).to_dict(depths_m=[0.0, 0.83])
    assert found["mean_at_depth_k"]["0"] == pytest.approx(found["surface_mean_k"], abs=0.01)
    assert found["mean_at_depth_k"]["0.83"] > found["surface_mean_k"] + 20
    assert (
        found["surface_min_k"] <= found["surface_midnight_k"] < found["surface_mean_k"] < found["surface_noon_k"]
    )
    assert found["surface_noon_k"] <= found["surface_max_k"] < found["surface_noon_k"] + 0.5


def test_darker_ground_and_background_are_warmer() -> None:
    plain = regolith(20.0, steps=240)
    assert regolith(20.0, steps=240, albedo=0.06).surface_k.mean() > plain.surface_k.mean() + 2
    lit = regolith(20.0, steps=240, background_w_m2=0.5)
    assert lit.surface_k.min() > plain.surface_k.min() + 1


def test_north_and_south_are_alike_without_declination() -> None:
    np.testing.assert_array_equal(regolith(50.0, steps=120).surface_k, regolith(-50.0, steps=120).surface_k)


def test_a_pole_needs_a_background() -> None:
    with pytest.raises(InputError, match="absorbs nothing"):
        regolith(90.0, declination_deg=-1.5, steps=120)
    cold = regolith(90.0, declination_deg=-1.5, background_w_m2=0.2, steps=120)
    # Steady: emissivity sigma T^4 = background + geothermal.
    assert cold.surface_k.mean() == pytest.approx((0.218 / (0.95 * 5.670374419e-8)) ** 0.25, rel=1e-4)


def test_site_under_its_own_horizon(almanac: Almanac) -> None:
    site = Site(-89.45, 222.7)
    sun = almanac.sun(site, times("2030-01-01", "2031-01-01", 3 * 3600))
    open_sky = np.clip((sun.elevation_deg + 0.27) / 0.54, 0, 1)
    free = site_temperature(sun, open_sky, background_w_m2=0.05)
    walled = site_temperature(sun, open_sky * (sun.azimuth_deg > 90), background_w_m2=0.05)
    assert walled.coldest_k < free.coldest_k < 130
    assert free.columns.heat_residual_w_m2 < 1e-6
    found = free.to_dict()
    assert found["surface_min_utc"].startswith("2030-")
    assert free.surface_k[free.time == free.coldest_time][0] == free.coldest_k
    with pytest.raises(InputError, match="permanent shadow"):
        site_temperature(sun, np.zeros(len(sun)))
    shadow = site_temperature(sun, np.zeros(len(sun)), background_w_m2=0.15)
    assert shadow.coldest_k == pytest.approx((0.168 / (0.95 * 5.670374419e-8)) ** 0.25, rel=1e-3)


def test_latitude_and_real_sun_agree(almanac: Almanac) -> None:
    sun = almanac.sun(Site(0.0, 0.0), times("2030-01-01", "2030-01-30T12:44", 1800))
    real = site_temperature(sun, (sun.elevation_deg > 0) * 1.0)
    assert real.coldest_k == pytest.approx(regolith(0.0).surface_k.min(), abs=1.5)


def test_refusals(almanac: Almanac) -> None:
    for bad in ({"latitude_deg": 91.0}, {"latitude_deg": np.nan}):
        with pytest.raises(InputError):
            regolith(**bad)
    with pytest.raises(InputError, match="albedo"):
        regolith(0.0, albedo=1.5)
    with pytest.raises(InputError, match="steps"):
        regolith(0.0, steps=3)
    with pytest.raises(InputError, match="declination"):
        regolith(0.0, declination_deg=np.nan)
    sun = almanac.sun(Site(0.0, 0.0), times("2030-01-01", "2030-01-02", 3600))
    with pytest.raises(InputError, match="one value per instant"):
        site_temperature(sun, [1.0])
    with pytest.raises(InputError, match="outside 0 to 1"):
        site_temperature(sun, np.full(len(sun), np.nan))
    uneven = almanac.sun(Site(0.0, 0.0), ["2030-01-01", "2030-01-02", "2030-01-04"])
    with pytest.raises(InputError, match="evenly"):
        site_temperature(uneven, np.ones(3))
    with pytest.raises(InputError, match="distance"):
        earthshine_w_m2(90.0, 1000.0)


def test_earthshine_is_zero_on_the_far_side() -> None:
    assert earthshine_w_m2(-5.0, 3.8e8) == 0.0
    assert 0.0 < earthshine_w_m2(30.0, 3.8e8) < earthshine_w_m2(60.0, 3.8e8) < 0.1
