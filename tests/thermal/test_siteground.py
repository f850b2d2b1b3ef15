"""Sloping ground at a latitude and at a site."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.sky import Almanac, Site
from moonpost.terrain import HorizonProfile
from moonpost.thermal import regolith, site_ground, sloping_day


def test_level_slopes_are_level_ground() -> None:
    sloping = sloping_day(30.0, 0.0, 0.0, depths_m=[0.0, 0.83])
    level = regolith(30.0).to_dict(depths_m=[0.0, 0.83])
    for key in ("surface_noon_k", "surface_midnight_k", "surface_min_k", "surface_max_k", "surface_mean_k"):
        assert sloping[key] == pytest.approx(level[key], abs=0.05)
    assert sloping["mean_at_depth_k"]["0.83"] == pytest.approx(level["mean_at_depth_k"]["0.83"], abs=0.05)
    assert sloping["sky_view"] == 1.0
    with pytest.raises(InputError, match="background"):
        sloping_day(30.0, 0.0, 0.0, background_w_m2=np.nan)


def test_a_polar_slope_towards_the_sun(almanac: Almanac) -> None:
    flat = HorizonProfile.flat(Site(-89.0, 0.0))
    options = {"step_s": 6 * 3600.0, "background_w_m2": 0.1}
    level = site_ground(flat, almanac, "2030-01-01", "2030-12-21", **options)
    tilted = site_ground(flat, almanac, "2030-01-01", "2030-12-21", slope_deg=25.0, aspect_deg=0.0, **options)
    assert float(tilted.ground.surface_max_k) > float(level.ground.surface_max_k) + 80.0
    assert not level.permanent_shadow
    told = tilted.to_dict(depths_m=[0.5])
    assert told["sky_view"] == pytest.approx((1 + np.cos(np.deg2rad(25.0))) / 2, abs=1e-3)
    assert tilted.time[-1] == np.datetime64("2030-12-21")
    k = int(np.argmin(tilted.surface_k))
    assert told["surface_min_utc"] == str(tilted.time[k].astype("datetime64[s]")) + "Z"


def test_permanent_shadow_is_refused_or_told(almanac: Almanac) -> None:
    pit = HorizonProfile.flat(Site(-89.0, 0.0), elevation_deg=30.0)
    with pytest.raises(InputError, match="permanent shadow still gets"):
        site_ground(pit, almanac, "2030-01-01", "2030-03-01", step_s=12 * 3600.0)
    found = site_ground(pit, almanac, "2030-01-01", "2030-03-01", step_s=12 * 3600.0, background_w_m2=0.3)
    assert found.permanent_shadow
    assert found.to_dict()["sky_view"] == pytest.approx(0.75)
