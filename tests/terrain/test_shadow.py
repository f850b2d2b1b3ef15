"""The highest Sun against the ephemeris itself, and permanent shadow against light followed through the years."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import Site, times
from moonpost.terrain import HorizonProfile, illumination
from moonpost.terrain.area import MapArea
from moonpost.terrain.profiles import shipped_names, shipped_profile
from moonpost.terrain.shadow import SunCeiling, permanent_shadow, sun_ceiling, sun_margin


@pytest.fixture(scope="module")
def ceiling(almanac) -> SunCeiling:
    return sun_ceiling(almanac)


@pytest.mark.parametrize(
    ("latitude", "longitude", "height_m"),
    [(-90.0, 0.0, 0.0), (-89.0, 40.0, 2000.0), (-80.0, 200.0, -3000.0), (85.0, 10.0, 0.0), (70.0, -100.0, 0.0)],
)
def test_is_the_highest_limb_of_the_ephemeris_in_every_direction(almanac, ceiling, latitude, longitude, height_m):
    """Every half hour of 19 years: never above the curve, and within 0.01 deg of it in each half degree.

    The limb is that of the disc's top; the strip that the disc sweeps stands above it by r (sqrt(1 + s^2) - 1),
    0.008 deg at 70 degrees of latitude, where the Sun's path is steepest of these.
    """
    site = Site(latitude, longitude, height_m)
    sun = almanac.sun(site, times(ceiling.start, ceiling.stop, 1800.0))
    top = ceiling.top_deg(latitude, longitude, 720, height_m=height_m)
    at = np.interp(sun.azimuth_deg, np.arange(721) * 0.5, np.append(top, top[0]))
    below = at - (sun.elevation_deg + sun.angular_radius_deg)
    assert below.min() > -0.0005
    nearest = np.full(720, np.inf)
    np.minimum.at(nearest, np.rint(sun.azimuth_deg / 0.5).astype(int) % 720, below)
    swept = 0.272 * (np.sqrt(1.0 + np.tan(np.radians(90.0 - abs(latitude))) ** 2) - 1.0)
    assert nearest.max() < 0.001 + swept


def test_at_the_pole_it_is_the_tilt_of_the_axis_and_the_radius(ceiling):
    """1.54 deg between axis and ecliptic, up to 0.05 of libration, 0.27 of radius: the same in all directions."""
    for pole in (-90.0, 90.0):
        top = ceiling.top_deg(pole, 0.0)
        assert top.min() > 1.54 + 0.27 - 0.01
        assert top.max() < 1.54 + 0.05 + 0.273
        assert np.ptp(top) < 0.05


def test_a_longer_period_raises_it_a_little_and_a_shorter_one_lowers_it(almanac, ceiling):
    longer = sun_ceiling(almanac, "1983-01-01", "2039-01-01").top_deg(-89.0, 40.0)
    shorter = sun_ceiling(almanac, "2020-01-01", "2021-01-01").top_deg(-89.0, 40.0)
    middle = ceiling.top_deg(-89.0, 40.0)
    assert (longer - middle).min() > -1e-4
    assert (longer - middle).max() < 0.01
    assert (middle - shorter).min() > -1e-4
    assert (middle - shorter).max() > 0.01


def test_azimuths_may_begin_anywhere(ceiling):
    top = ceiling.top_deg(-85.0, 70.0, 720)
    turned = ceiling.top_deg(-85.0, 70.0, 720, origin_deg=-90.0)
    assert turned == pytest.approx(np.roll(top, 180), abs=1e-9)


def test_no_light_in_19_years_where_the_margin_is_negative_and_some_where_it_is_positive(almanac, ceiling):
    """The Sun followed every 20 minutes over shipped horizons, raised until they just hide or just show it."""
    for name, mast_m in shipped_names()[:2]:
        profile = shipped_profile(name, mast_m)
        margin = ceiling.margin_deg(profile)
        sun = almanac.sun(profile.site, times(ceiling.start, ceiling.stop, 1200.0))
        for shift, lit in ((margin + 0.005, False), (margin - 0.02, True)):
            raised = HorizonProfile(
                profile.azimuth_deg,
                profile.elevation_deg + shift,
                profile.distance_m,
                profile.site,
                mast_m,
                "screening",
                {},
            )
            assert ceiling.margin_deg(raised) == pytest.approx(margin - shift, abs=1e-9)
            assert bool(illumination(raised, sun).any()) is lit


def test_the_floor_of_shackleton_is_in_permanent_shadow(moonpost_data, ceiling):
    reference = np.loadtxt(
        moonpost_data / "horizons" / "horizon_shackleton_floor_2m.csv", delimiter=",", skiprows=2
    )
    floor = HorizonProfile(
        reference[:, 0], reference[:, 1], np.zeros(720), Site(-89.67, 129.78, -2788.0), 2.0, "site", {}
    )
    assert ceiling.margin_deg(floor) < -10.0
    assert all(ceiling.margin_deg(shipped_profile(*name)) > 1.0 for name in shipped_names())


@settings(max_examples=15, deadline=None)
@given(st.floats(-3.0, 8.0), st.integers(0, 719), st.floats(0.0, 5.0))
def test_raising_the_horizon_lowers_the_margin_by_as_much(ceiling, level, gap, depth):
    area = MapArea.about(-88.0, 30.0, 300.0, cell_m=100.0)
    horizons = np.full((720, *area.shape), level)
    horizons[gap] -= depth
    low = sun_margin(horizons, area, ceiling).values
    assert sun_margin(horizons + 1.0, area, ceiling).values == pytest.approx(low - 1.0, abs=1e-5)
    deeper = horizons.copy()
    deeper[gap] -= 1.0
    assert (sun_margin(deeper, area, ceiling).values >= low - 1e-6).all()


@pytest.mark.parametrize(("latitude", "longitude"), [(-90.0, 0.0), (-82.0, 130.0), (86.0, -20.0), (65.0, 10.0)])
def test_a_map_is_its_points_and_has_no_seams(ceiling, latitude, longitude):
    """Against the curve made for each cell alone, in the map's azimuths; and cut into tiles."""
    rng = np.random.default_rng(7)
    area = MapArea.about(latitude, longitude, 60e3, cell_m=1500.0)
    horizons = np.rint(100.0 * rng.normal(2.0, 1.0, (360, *area.shape))).astype(np.int16)
    found = sun_margin(horizons, area, ceiling).values
    for row, col in rng.integers(0, area.shape[0], (25, 2)):
        place = [float(part[0, 0]) for part in area.places(slice(row, row + 1), slice(col, col + 1))]
        turn = float(area.convergence_deg(*place))
        top = ceiling.top_deg(*place, 360, origin_deg=-turn)
        assert found[row, col] == pytest.approx((top - horizons[:, row, col] / 100.0).max(), abs=1e-3)
    part = slice(13, 29)
    tile = sun_margin(horizons[:, part, part], area.cut(part, part), ceiling).values
    assert tile == pytest.approx(found[part, part], abs=1e-3)


def test_hundredths_and_degrees_agree_and_missing_horizons_stay_missing(ceiling):
    rng = np.random.default_rng(8)
    area = MapArea.about(-87.0, 0.0, 1000.0, cell_m=100.0)
    whole = rng.integers(-200, 900, (72, *area.shape)).astype(np.int16)
    whole[:, 3, 4] = -32768
    degrees = np.where(whole == -32768, np.nan, whole / 100.0).astype(np.float32)
    first, second = sun_margin(whole, area, ceiling).values, sun_margin(degrees, area, ceiling).values
    assert np.isnan(first[3, 4])
    assert np.isnan(second[3, 4])
    assert np.isnan(first).sum() == 1
    assert first == pytest.approx(second, abs=1e-5, nan_ok=True)
    shadow = permanent_shadow(whole, area, ceiling).values
    assert np.array_equal(np.isnan(shadow), np.isnan(first))


def test_single_cells_rows_and_columns_are_maps_too(ceiling):
    area = MapArea.about(-87.0, 0.0, 1000.0, cell_m=100.0)
    horizons = np.zeros((72, *area.shape), np.int16)
    whole = sun_margin(horizons, area, ceiling).values
    for rows, cols in ((slice(2, 3), slice(5, 6)), (slice(2, 3), slice(0, 10)), (slice(0, 10), slice(5, 6))):
        part = sun_margin(horizons[:, rows, cols], area.cut(rows, cols), ceiling).values
        assert part == pytest.approx(whole[rows, cols], abs=1e-4)


def test_refuses_what_it_cannot_judge(almanac, ceiling):
    area = MapArea.about(-87.0, 0.0, 1000.0, cell_m=100.0)
    level = np.zeros((72, *area.shape), np.int16)
    with pytest.raises(InputError, match=r"18\.6"):
        permanent_shadow(level, area, sun_ceiling(almanac, "2020-01-01", "2030-01-01"))
    with pytest.raises(InputError, match="horizons"):
        sun_margin(level[:, :5], area, ceiling)
    with pytest.raises(InputError, match="horizons"):
        sun_margin(level.astype(np.int32), area, ceiling)
    with pytest.raises(InputError, match="latitude_deg"):
        ceiling.top_deg(1.0, 0.0)
    with pytest.raises(InputError, match="latitude_deg"):
        ceiling.top_deg(np.nan, 0.0)
    with pytest.raises(InputError, match="start, stop"):
        sun_ceiling(almanac, "2020-01-01", "2020-02-01")
