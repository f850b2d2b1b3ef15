"""Averages from the residence table equal the loop over time, on real profiles and anywhere in an area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import Almanac, Site, times
from moonpost.terrain import HorizonProfile, earth_visibility, illumination
from moonpost.terrain.profiles import shipped_names, shipped_profile
from moonpost.terrain.residence import Residence, residence

START, STOP = "2030-01-01", "2036-01-01"


@pytest.fixture(scope="module")
def crest(almanac: Almanac) -> tuple[Site, Residence]:
    site = shipped_profile("glaeser-spot-1", 2.0).site
    return site, residence(almanac, site, START, STOP)


def test_equals_the_hourly_loop_on_shipped_profiles(almanac, crest) -> None:
    """0.01 percentage points is what the averaging may cost against the loop."""
    site, table = crest
    sun = almanac.sun(site, times(START, STOP, 3600.0))
    for name, mast_m in shipped_names():
        horizon = shipped_profile(name, mast_m).elevation_deg
        profile = HorizonProfile(np.arange(720) * 0.5, horizon, np.zeros(720), site, mast_m, "site", {})
        loop = float(illumination(profile, sun).mean())
        assert float(table.average(horizon)[0]) == pytest.approx(loop, abs=1e-3)


def test_equals_a_loop_with_straight_horizons_closely(almanac, crest) -> None:
    """Against the chord of the horizon at the Sun's centre, the model that is tabulated, to 0.01 points."""
    site, table = crest
    sun = almanac.sun(site, times(START, STOP, 3600.0))
    for name, mast_m in shipped_names():
        horizon = shipped_profile(name, mast_m).elevation_deg
        x = sun.elevation_deg - np.interp(sun.azimuth_deg, np.arange(721) * 0.5, np.append(horizon, horizon[0]))
        x = np.clip(x / sun.angular_radius_deg, -1.0, 1.0)
        loop = float(np.mean(0.5 + (x * np.sqrt(1.0 - x * x) + np.arcsin(x)) / np.pi))
        assert float(table.average(horizon)[0]) == pytest.approx(loop, abs=1e-4)


def test_one_table_serves_an_area(almanac, crest) -> None:
    """A place 0.7 deg away, its horizon turned into the table's azimuths, against its own loop."""
    _, table = crest
    other = Site(-89.3, 300.0)
    flat = HorizonProfile.flat(other, elevation_deg=0.4)
    own = float(illumination(flat, almanac.sun(other, times(START, STOP, 3600.0))).mean())
    shared = float(table.average(flat.elevation_deg, other.latitude_deg, other.longitude_deg)[0])
    assert shared == pytest.approx(own, abs=2e-3)
    assert abs(float(table.average(flat.elevation_deg)[0]) - own) > 2e-3


def test_the_earth_too(almanac) -> None:
    site = shipped_profile("glaeser-spot-1", 2.0).site
    table = residence(almanac, site, START, STOP, body="earth")
    profile = shipped_profile("glaeser-spot-1", 10.0)
    loop = float(earth_visibility(profile, almanac.earth(site, times(START, STOP, 3600.0))).mean())
    assert float(table.average(profile.elevation_deg)[0]) == pytest.approx(loop, abs=4e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 3.0))
def test_a_higher_horizon_never_lets_more_through(crest, seed: int, rise_deg: float) -> None:
    _, table = crest
    random = np.random.default_rng(seed)
    low = np.cumsum(random.normal(0.0, 0.05, 720)) - 1.0
    averages = table.average(np.stack([low, low + rise_deg]))
    assert averages[1] <= averages[0] + 1e-6
    assert averages.min() >= -1e-6
    assert averages.max() <= 1.0 + 1e-5


def test_bad_input_is_refused(almanac, crest) -> None:
    _, table = crest
    for horizons in (np.zeros((2, 7)), np.full((1, 720), np.nan)):
        with pytest.raises(InputError):
            table.average(horizons)
    with pytest.raises(InputError, match="deg from the table"):
        table.average(np.zeros((1, 720)), -80.0, 0.0)
    with pytest.raises(InputError, match="unknown body"):
        residence(almanac, Site(-89.0, 0.0), START, STOP, body="mars")  # type: ignore[arg-type]
