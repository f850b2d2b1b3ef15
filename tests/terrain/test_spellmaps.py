"""Longest spells of many cells against `light_statistics` of each, and against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import Apparent, Site, times
from moonpost.terrain import HorizonProfile, illumination, light_statistics, spells
from moonpost.terrain.profiles import shipped_names, shipped_profile
from moonpost.terrain.spellkernels import still_hidden, still_seen
from moonpost.terrain.spellmaps import SPELLS, body_paths, longest_spells

MINUTE_D = 1.0 / 1440.0
RIDGE = Site(-89.53432, 209.94767, 1651.0)


def profile_of(elevation_deg: np.ndarray, site: Site) -> HorizonProfile:
    count = len(elevation_deg)
    return HorizonProfile(np.arange(count) * 360.0 / count, elevation_deg, np.zeros(count), site, 2.0, "site", {})


def assert_same(found: dict[str, np.ndarray], cell: int, expected, tolerance_d: float = MINUTE_D) -> None:
    for name in SPELLS:
        assert found[name][cell] == pytest.approx(getattr(expected, name), abs=tolerance_d), (name, cell)


def rough(seed: int, azimuths: int, spread_deg: float, middle_deg: float) -> np.ndarray:
    """Horizon with spikes and notches at every azimuth."""
    return np.random.default_rng(seed).normal(middle_deg, spread_deg, azimuths)


@pytest.mark.parametrize(("name", "mast_m"), shipped_names()[::3])
def test_equals_the_statistics_of_shipped_profiles_over_a_nodal_cycle(almanac, name, mast_m):
    profile = shipped_profile(name, mast_m)
    span = ("2010-01-01", "2028-08-08")
    found = longest_spells(body_paths(almanac, profile.site, *span), profile.elevation_deg[:, None])
    assert_same(found, 0, light_statistics(profile, almanac, *span))


@pytest.mark.parametrize("latitude_deg", [-90.0, -89.5, -85.0, -60.0, 0.0, 45.0, 89.9])
@pytest.mark.parametrize(
    ("spread_deg", "middle_deg", "azimuths"), [(0.1, 0.5, 720), (3.0, 1.0, 720), (1.0, 0.0, 72)]
)
def test_equals_the_statistics_at_any_latitude(almanac, latitude_deg, spread_deg, middle_deg, azimuths):
    site = Site(latitude_deg, 200.0)
    horizons = np.stack([rough(seed, azimuths, spread_deg, middle_deg) for seed in range(3)], axis=-1)
    span = ("2030-01-01", "2031-02-01")
    found = longest_spells(body_paths(almanac, site, *span), horizons)
    for cell in range(3):
        assert_same(found, cell, light_statistics(profile_of(horizons[:, cell], site), almanac, *span))


def test_hundredths_of_a_degree_count_as_degrees(almanac):
    horizons = np.round(np.stack([rough(seed, 720, 0.5, 0.3) for seed in range(4)], axis=-1) * 100.0)
    paths = body_paths(almanac, RIDGE, "2030-01-01", "2031-01-01")
    whole = longest_spells(paths, horizons.astype(np.int16))
    exact = longest_spells(paths, horizons * 0.01)
    for name in SPELLS:
        assert whole[name].dtype == np.float32
        assert np.array_equal(whole[name], exact[name])
        single = longest_spells(paths, (horizons * 0.01).astype(np.float32))[name]
        assert single == pytest.approx(exact[name], abs=0.1)


@pytest.mark.parametrize("middle", [Site(-90.0, 0.0), Site(-89.0, 120.0, 1500.0), Site(20.0, 30.0)])
def test_cells_about_the_middle_have_their_own_sky(almanac, middle):
    """Cells up to 2 deg off and 6 km higher, azimuths from true north at each."""
    random = np.random.default_rng(5)
    east, north, up = middle.basis
    sites, span = [], ("2030-01-01", "2031-01-01")
    for reach_deg, height_m in ((0.05, 0.0), (0.5, 6000.0), (1.95, -3000.0)):
        turn, angle = random.uniform(0.0, 2.0 * np.pi), math.radians(reach_deg)
        point = up * math.cos(angle) + math.sin(angle) * (east * math.cos(turn) + north * math.sin(turn))
        latitude, longitude = math.degrees(math.asin(point[2])), math.degrees(math.atan2(point[1], point[0]))
        sites.append(Site(latitude, longitude, height_m))
    horizons = np.stack([rough(seed, 720, 0.3, 1.0) for seed in range(3)], axis=-1)
    found = longest_spells(
        body_paths(almanac, middle, *span),
        horizons,
        [site.latitude_deg for site in sites],
        [site.longitude_deg for site in sites],
        height_m=[site.height_m for site in sites],
        origin_deg=np.zeros(3),
    )
    for cell, site in enumerate(sites):
        assert_same(found, cell, light_statistics(profile_of(horizons[:, cell], site), almanac, *span))


def test_the_first_azimuth_may_point_anywhere(almanac):
    """Origins of the samples at each cell, against the same body with its azimuths counted from there."""
    span = ("2030-01-01", "2031-01-01")
    horizons = np.stack([rough(seed, 360, 0.5, 0.4) for seed in range(4)], axis=-1)
    origins = np.array([0.0, 17.3, 200.05, 359.9])
    paths = body_paths(almanac, RIDGE, *span)
    found = longest_spells(paths, horizons, origin_deg=origins, spells=("longest_light_d",))["longest_light_d"]
    t = times("2030-01-01", "2031-01-01T01:00", 3600.0)
    sun = almanac.sun(RIDGE, t)
    for cell, origin in enumerate(origins):
        turned = Apparent(
            t, (sun.azimuth_deg - origin) % 360.0, sun.elevation_deg, sun.distance_m, sun.angular_radius_deg
        )
        light = spells(profile_of(horizons[:, cell], RIDGE), turned)
        assert found[cell] == pytest.approx(max(spell.duration_d for spell in light), abs=MINUTE_D)
        alone = longest_spells(paths, horizons[:, cell], origin_deg=float(origin), spells=("longest_light_d",))
        assert alone["longest_light_d"] == pytest.approx(found[cell], abs=MINUTE_D / 10.0)


def test_one_origin_is_carried_along_in_parallel(almanac):
    """North of the middle, taken along a great circle, has a known azimuth at a cell."""
    middle, reach, leave = Site(-88.0, 40.0), math.radians(1.5), math.radians(70.0)
    east, north, up = middle.basis
    along = math.cos(leave) * north + math.sin(leave) * east
    point = math.cos(reach) * up + math.sin(reach) * along
    ahead = math.cos(reach) * along - math.sin(reach) * up
    site = Site(math.degrees(math.asin(point[2])), math.degrees(math.atan2(point[1], point[0])))
    arrive = math.atan2(ahead @ site.basis[0], ahead @ site.basis[1])
    horizons = np.stack([rough(8, 720, 0.5, 1.0)] * 2, axis=-1)
    paths = body_paths(almanac, middle, "2030-01-01", "2031-01-01")
    place = ([site.latitude_deg] * 2, [site.longitude_deg] * 2)
    own = longest_spells(paths, horizons, *place, origin_deg=[math.degrees(arrive - leave)] * 2)
    carried = longest_spells(paths, horizons, *place)
    plain = longest_spells(paths, horizons, *place, origin_deg=[0.0, 0.0])
    for name in SPELLS:
        assert carried[name] == pytest.approx(own[name], abs=MINUTE_D / 10.0)
    assert abs(plain["longest_dark_d"][0] - carried["longest_dark_d"][0]) > 10.0 * MINUTE_D, "the turn must matter"


def test_a_glimpse_of_minutes_ends_a_night(almanac):
    t = times("2030-02-10", "2030-02-20", 10.0)
    sun = almanac.sun(RIDGE, t)
    middle = len(t) // 2 + 173
    values = np.full(720, 10.0)
    notch = round(float(sun.azimuth_deg[middle]) * 2) % 720
    low, high = -1.0, 1.0
    for _ in range(30):
        values[notch] = float(sun.elevation_deg[middle]) + 0.5 * (low + high)
        seen = illumination(profile_of(values, RIDGE), sun) > 0
        low, high = (
            (values[notch] - float(sun.elevation_deg[middle]), high)
            if seen.sum() > 6
            else (
                low,
                values[notch] - float(sun.elevation_deg[middle]),
            )
        )
    values[notch] = float(sun.elevation_deg[middle]) + low
    seen = np.flatnonzero(illumination(profile_of(values, RIDGE), sun) > 0)
    assert 6 <= len(seen) < 30, "a minute or some of light"
    found = longest_spells(body_paths(almanac, RIDGE, "2030-02-10", "2030-02-20"), values)
    longest = max(seen[0], len(t) - seen[-1]) * 10.0 / 86_400.0
    assert found["longest_dark_d"] == pytest.approx(longest, abs=MINUTE_D)
    assert found["longest_light_d"] == pytest.approx(len(seen) * 10.0 / 86_400.0, abs=MINUTE_D)


def test_always_and_never(almanac):
    paths = body_paths(almanac, RIDGE, "2030-01-01", "2031-01-01")
    horizons = np.stack([np.full(720, 45.0), np.full(720, -45.0)], axis=-1)
    found = {name: values.tolist() for name, values in longest_spells(paths, horizons).items()}
    assert found == {
        "longest_dark_d": [365.0, 0.0],
        "longest_light_d": [0.0, 365.0],
        "longest_earth_outage_d": [365.0, 0.0],
        "longest_dark_without_earth_d": [365.0, 0.0],
    }


def test_a_map_equals_its_points_and_keeps_its_shape(almanac):
    horizons = np.stack([rough(seed, 720, 0.5, 0.3) for seed in range(130)], axis=-1).reshape(720, 10, 13)
    horizons = np.round(horizons * 100.0).astype(np.int16)
    horizons[:, 3, 4] = -32768
    latitude = np.linspace(-89.6, -89.4, 10)[:, None] + np.zeros((10, 13))
    longitude = np.linspace(205.0, 215.0, 13)[None, :] + np.zeros((10, 13))
    paths = body_paths(almanac, RIDGE, "2030-01-01", "2030-07-01")
    height = np.full((10, 13), 1651.0)
    whole = longest_spells(paths, horizons, latitude, longitude)
    height[0, 5] = np.nan
    blank = longest_spells(paths, horizons, latitude, longitude, height_m=height)
    assert np.isnan(blank["longest_dark_d"]).sum() == 2
    assert np.isnan(blank["longest_dark_d"][0, 5])
    for name in SPELLS:
        assert whole[name].shape == (10, 13)
        assert np.isnan(whole[name]).nonzero() == (np.array([3]), np.array([4]))
    for row, col in ((0, 0), (9, 12), (4, 7)):
        one = longest_spells(paths, horizons[:, row, col], latitude[row, col], longitude[row, col])
        for name in SPELLS:
            assert one[name].shape == ()
            assert one[name] == pytest.approx(whole[name][row, col], abs=MINUTE_D / 10.0)
    tile = longest_spells(paths, horizons[:, :, 5:], latitude[:, 5:], longitude[:, 5:])
    for name in SPELLS:
        assert np.array_equal(tile[name], whole[name][:, 5:]), "how an area is cut must not matter"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 2.0))
def test_a_higher_horizon_never_shortens_the_dark(year, seed: int, rise_deg: float):
    low = np.cumsum(np.random.default_rng(seed).normal(0.0, 0.05, 720)) + 0.3
    found = longest_spells(year, np.stack([low, low + rise_deg], axis=-1))
    for name, values in found.items():
        first, second = values if name != "longest_light_d" else values[::-1]
        assert second >= first - 0.1 * MINUTE_D


@pytest.fixture(scope="module")
def year(almanac):
    return body_paths(almanac, RIDGE, "2030-01-01", "2031-01-01")


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 1.0),
    st.floats(-1.0, 1.0),
    st.floats(-1.0, 1.0),
    st.floats(-2.0, 2.0),
)
def test_bounds_of_a_moving_disc(seed: int, spread: float, way: float, climb: float, start: float):
    """Never sure against a dense loop; and where the disc clearly stays hidden, sure."""
    horizon = np.random.default_rng(seed).normal(0.0, spread, 720)
    profile = profile_of(horizon, RIDGE)
    share = np.linspace(0.0, 1.0, 400)
    place, level = 350.0 + way * share, start + climb * share
    time = np.repeat(np.datetime64("2030-01-01", "ms"), share.size)
    for radius in (0.26, 0.95):
        body = Apparent(time, place, level, np.full(400, 1.5e11), np.full(400, radius))
        seen = illumination(profile, body) > 0.0
        ends = (place[0], level[0], place[-1], level[-1])
        if still_hidden(horizon, *ends, radius, 0.0):
            assert not seen.any()
        if still_seen(horizon, *ends, radius, 0.0):
            assert seen.all()
        larger = Apparent(time, place, level, np.full(400, 1.5e11), np.full(400, radius + 0.005))
        if not (illumination(profile, larger) > 0.0).any():
            assert still_hidden(horizon, *ends, radius, 0.0), "exact for straight paths"


def test_bad_input_is_refused(year):
    flat = np.zeros((720, 2))
    for horizons, words in (
        (np.zeros((2, 5)), "shape"),
        (np.zeros((720, 2), np.int32), "type"),
        (np.full((720, 2), np.inf), "beyond 90"),
    ):
        with pytest.raises(InputError, match=words):
            longest_spells(year, horizons)
    with pytest.raises(InputError, match="unknown spells"):
        longest_spells(year, flat, spells=("longest_rain_d",))
    with pytest.raises(InputError, match="deg from the middle"):
        longest_spells(year, flat, -85.0, 0.0)
    with pytest.raises(InputError, match="one without the other"):
        longest_spells(year, flat, -89.0)
    with pytest.raises(InputError, match="does not fit"):
        longest_spells(year, flat, [-89.0] * 3, [0.0] * 3)
    with pytest.raises(InputError, match="NaN"):
        longest_spells(year, flat, height_m=math.inf)
