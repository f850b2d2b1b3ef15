"""Shares of light from residence tables equal the loop over time: on real horizons, steep ones, maps and areas."""

from __future__ import annotations

import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import InputError
from moonpost.sky import Almanac, Site, times
from moonpost.sky.apparent import Apparent
from moonpost.sky.stations import GroundStation
from moonpost.terrain import HorizonProfile, Terrain, earth_visibility, illumination, light_statistics
from moonpost.terrain.area import MapArea
from moonpost.terrain.gridhorizon import horizon_masts
from moonpost.terrain.profiles import shipped_names, shipped_profile
from moonpost.terrain.residence import NO_HEIGHT, Residence, residence, residence_of

START, STOP = "2030-01-01", "2036-01-01"
CLAIM = 1e-4
"""0.01 percentage points is what the averaging may cost against the loop."""


@pytest.fixture(scope="module")
def crest(almanac: Almanac) -> tuple[Site, Residence]:
    site = shipped_profile("glaeser-spot-1", 2.0).site
    return site, residence(almanac, site, START, STOP)


@pytest.fixture(scope="module")
def earth(almanac: Almanac, crest) -> Residence:
    return residence(almanac, crest[0], START, STOP, body="earth")


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    """Horizons of the built-in grid of the south [deg], by map azimuth, shape (60, 720)."""
    layer = Terrain.default("south").layers[0]
    with rasterio.open(layer.path) as raster:
        z = (raster.read(1)[350:414, 350:414] * raster.scales[0]).astype(np.float32)
    masts = horizon_masts(z, layer.resolution_m, np.radians(np.arange(720) * 0.5))
    chosen = np.random.default_rng(2).integers(16, 48, (60, 2))
    return np.degrees(masts[np.arange(60) % 3, :, chosen[:, 0], chosen[:, 1]])


def profile_of(horizon_deg: np.ndarray, site: Site) -> HorizonProfile:
    n = len(horizon_deg)
    return HorizonProfile(np.arange(n) * 360.0 / n, horizon_deg, np.zeros(n), site, 2.0, "site", {})


def loops(
    horizons_deg: np.ndarray, site: Site, seen: Apparent, origin_deg: float = 0.0, **options: Any
) -> np.ndarray:
    """Mean share of the disc and share of the time with any part of it, from the loop over hours."""
    turned = dataclasses.replace(seen, azimuth_deg=(seen.azimuth_deg - origin_deg) % 360.0)
    shares = [illumination(profile_of(h, site), turned, **options) for h in np.atleast_2d(horizons_deg)]
    return np.array([[share.mean(), (share > 0.0).mean()] for share in shares]).T


def sun_of(almanac: Almanac, site: Site) -> Apparent:
    return almanac.sun(site, times(START, STOP, 3600.0))


def centidegrees(horizons_deg: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.rint(horizons_deg.T * 100.0).astype(np.int16))


def test_equals_the_hourly_loop_on_shipped_profiles(almanac, crest) -> None:
    site, table = crest
    horizons = np.stack([shipped_profile(*name).elevation_deg for name in shipped_names()])
    average, lit = loops(horizons, site, sun_of(almanac, site))
    assert table.average(horizons) == pytest.approx(average, abs=0.1 * CLAIM)
    # the loop knows the hour alone, the table the way between: 0.04 points over six years
    assert table.visible(horizons) == pytest.approx(lit, abs=4e-4)


def test_equals_the_hourly_loop_on_real_horizons(almanac, crest, real) -> None:
    site, table = crest
    average, _ = loops(real, site, sun_of(almanac, site))
    assert average.min() < 0.1
    assert average.max() > 0.5
    assert table.average(real) == pytest.approx(average, abs=0.1 * CLAIM)


def test_equals_the_hourly_loop_behind_walls_and_needles(almanac, crest) -> None:
    """Horizons that jump by many degrees from one azimuth to the next, and level ones at any elevation."""
    site, table = crest
    random = np.random.default_rng(3)
    rough = [random.normal(0.0, size, 720) for size in (0.2, 1.0, 5.0, 20.0)]
    needles = [np.where(random.random(720) < 0.1, size, -0.5) for size in (1.0, 10.0, 80.0)]
    level = [np.full(720, elevation) for elevation in np.arange(-2.5, 2.5, 0.23)]
    horizons = np.clip(np.stack([*rough, *needles, *level]), -85.0, 85.0)
    average, _ = loops(horizons, site, sun_of(almanac, site))
    assert table.average(horizons) == pytest.approx(average, abs=CLAIM)


def test_limb_darkening_is_that_of_illumination(almanac, crest, real) -> None:
    """The loop's 31 strips are right to 0.004 at an instant, far better on average."""
    site, even = crest
    dark = residence(almanac, site, START, STOP, limb_darkening=True)
    average, _ = loops(real[:20], site, sun_of(almanac, site), limb_darkening=True)
    found = dark.average(real[:20])
    assert found == pytest.approx(average, abs=0.2 * CLAIM)
    assert np.abs(found - even.average(real[:20])).max() > 0.5 * CLAIM


def test_the_earth_too(almanac, crest, earth, real) -> None:
    site, _ = crest
    seen = almanac.earth(site, times(START, STOP, 3600.0))
    average = [earth_visibility(profile_of(h, site), seen).mean() for h in real[:20]]
    assert np.std(average) > 0.05
    assert earth.average(real[:20]) == pytest.approx(average, abs=CLAIM)


def test_any_part_in_sight_equals_the_events(almanac, crest, earth, real) -> None:
    """Percent lit and the Earth in sight by events, to 0.02 percentage points."""
    site, table = crest
    for horizon in (real[0], real[7], shipped_profile("connecting-ridge", 2.0).elevation_deg):
        found = light_statistics(profile_of(horizon, site), almanac, START, STOP)
        assert float(table.visible(horizon)[0]) == pytest.approx(found.percent_lit, abs=2e-4)
        assert float(earth.visible(horizon)[0]) == pytest.approx(found.earth_visible, abs=2e-4)
        assert float(table.average(horizon)[0]) == pytest.approx(found.average_illumination, abs=CLAIM)


def test_a_disc_behind_a_notch(almanac, crest) -> None:
    """A wall with a gap of one azimuth: only the middle of the disc shows through it, most of it never."""
    site, table = crest
    wall = np.full(720, 3.0)
    wall[::24] = -3.0
    average, lit = loops(wall, site, sun_of(almanac, site))
    assert float(table.average(wall)[0]) == pytest.approx(average[0], abs=CLAIM)
    assert float(table.visible(wall)[0]) == pytest.approx(lit[0], abs=2e-3)
    assert lit[0] > 2.0 * average[0] > 0.0


@pytest.mark.parametrize("azimuths", [72, 90, 500, 1440])
def test_other_numbers_of_azimuths(almanac, crest, real, azimuths: int) -> None:
    site, _ = crest
    table = residence(almanac, site, START, STOP, azimuths=azimuths)
    place = np.arange(azimuths) * 360.0 / azimuths
    horizons = np.stack([np.interp(place, np.arange(720) * 0.5, h, period=360.0) for h in real[:10]])
    average, lit = loops(horizons, site, sun_of(almanac, site))
    assert table.average(horizons) == pytest.approx(average, abs=CLAIM)
    # wide bins see the disc's rim along few lines
    assert table.visible(horizons) == pytest.approx(lit, abs=1e-3 if azimuths > 360 else 2e-3)


def test_maps_equal_cells(crest, earth, real) -> None:
    """The same shares from both layouts; each cell's is its own, whichever others stand beside it."""
    _, table = crest
    site = table.site
    horizons = np.tile(real, (20, 1)) + np.repeat(np.linspace(-1.0, 1.0, 20), 60)[:, None]
    hundredths = centidegrees(horizons)
    cells = (hundredths.T * 0.01).astype(np.float32)
    places = (np.full(len(cells), site.latitude_deg + 0.1), np.full(len(cells), site.longitude_deg))
    for one in (table, earth):
        for by_cell, by_azimuth in ((one.average, one.average_map), (one.visible, one.visible_map)):
            whole = by_azimuth(hundredths, *places)
            assert whole.dtype == np.float32
            assert whole == pytest.approx(by_cell(cells, *places), abs=1e-6)
            for k in (0, 515, 1199):
                assert by_azimuth(hundredths[:, k], places[0][k], places[1][k]) == whole[k]
            shaped = by_azimuth(hundredths.reshape(720, 30, 40), *(value.reshape(30, 40) for value in places))
            assert np.array_equal(shaped, whole.reshape(30, 40))
            part = by_azimuth(hundredths[:, 700:1000], places[0][700:1000], places[1][700:1000])
            assert np.array_equal(part, whole[700:1000])


def test_cells_without_a_height_are_nan(crest, real) -> None:
    _, table = crest
    hundredths = centidegrees(real)
    hundredths[:, 5] = NO_HEIGHT
    hundredths[719, 9] = NO_HEIGHT
    for found in (table.average_map(hundredths), table.visible_map(hundredths)):
        assert np.flatnonzero(np.isnan(found)).tolist() == [5, 9]
    assert table.average_map(np.empty((720, 0, 4), dtype=np.int16)).shape == (0, 4)
    assert table.average(np.empty((0, 720))).shape == (0,)


def test_threads_and_pickles_change_nothing(crest, real) -> None:
    _, table = crest
    hundredths = centidegrees(np.tile(real, (10, 1)))
    alone = table.average_map(hundredths)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: table.average_map(hundredths), range(8)))
    assert all(np.array_equal(alone, found) for found in together)
    assert np.array_equal(pickle.loads(pickle.dumps(table)).average_map(hundredths), alone)
    assert table.record()["body"] == "sun"


@pytest.mark.parametrize(("latitude_deg", "limit"), [(-89.2, CLAIM), (-84.0, CLAIM), (81.0, CLAIM)])
def test_one_table_serves_an_area(almanac, real, latitude_deg: float, limit: float) -> None:
    """Places 20 km from the table's site, horizons by map azimuth, against the loop at each place."""
    area = MapArea.about(latitude_deg, 70.0, 50e3, cell_m=1000.0)
    site = Site(latitude_deg, 70.0)
    origin = -float(area.convergence_deg(site.latitude_deg, site.longitude_deg))
    table = residence(almanac, site, START, STOP, origin_deg=origin)
    for row, col in ((5, 5), (5, 45), (45, 25)):
        latitude, longitude = (
            float(value[0, 0]) for value in area.places(slice(row, row + 1), slice(col, col + 1))
        )
        own = -float(area.convergence_deg(latitude, longitude))
        here = Site(latitude, longitude)
        horizons = real[:6]
        average, lit = loops(horizons, here, sun_of(almanac, here), own)
        assert table.average(horizons, latitude, longitude, origin_deg=own) == pytest.approx(average, abs=limit)
        found = table.visible(horizons, latitude, longitude, origin_deg=own)
        assert found == pytest.approx(lit, abs=8e-4)
        assert np.abs(table.average(horizons) - average).max() > 10.0 * limit


def test_the_earth_over_an_area(almanac, real) -> None:
    """The lean moves the Earth in azimuth too, by its elevation and its parallax: 0.1 points if left out."""
    site, place = Site(-88.0, 30.0), Site(-87.5, 20.0)
    table = residence(almanac, site, START, STOP, body="earth")
    carried = residence(almanac, site, "2030-01-01", "2030-02-01", azimuths=4)
    north = float(carried._carried_deg(place.basis[2][:, None], *np.radians([[-87.5], [20.0]]))[0])
    assert north == pytest.approx(10.0, abs=0.1)
    seen = almanac.earth(place, times(START, STOP, 3600.0))
    average, _ = loops(real[:12], place, seen, north)
    found = table.average(real[:12], place.latitude_deg, place.longitude_deg)
    assert found == pytest.approx(average, abs=2e-4)
    assert np.abs(dataclasses.replace(table, parallax=0.3).average(real[:12], -87.5, 20.0) - average).max() > 6e-4


def test_turned_azimuths(almanac, crest, real) -> None:
    """A horizon that begins at another azimuth, looked up in a table that begins there."""
    site, table = crest
    turned = residence(almanac, site, START, STOP, origin_deg=-97.5)
    moved = np.roll(real, 195, axis=1)
    assert turned.average(moved) == pytest.approx(table.average(real), abs=1e-6)
    assert turned.visible(moved) == pytest.approx(table.visible(real), abs=1e-4)
    with pytest.raises(InputError, match="one step of azimuth"):
        table.average(real, origin_deg=2.0)


def test_a_ground_station(almanac, crest, real) -> None:
    """A point in the sky, counted only while it sees the Moon."""
    site, _ = crest
    station = almanac.station(site, GroundStation("Kashi", 38.4214, 76.7144, 1300.0), times(START, STOP, 3600.0))
    counted = station.moon_elevation_deg > 5.0
    table = residence_of(station, site, body="Kashi", counted=counted)
    for horizon in real[:10]:
        over = station.elevation_deg > profile_of(horizon, site).at(station.azimuth_deg)
        assert float(table.visible(horizon)[0]) == pytest.approx((over & counted).mean(), abs=5e-4)
        assert float(table.average(horizon)[0]) == pytest.approx((over & counted).mean(), abs=5e-4)


def test_places_far_from_the_poles(almanac) -> None:
    """The Sun passes near the zenith; half of the time it is up."""
    site = Site(12.0, 30.0)
    table = residence(almanac, site, "2030-01-01", "2031-01-01")
    sun = almanac.sun(site, times("2030-01-01", "2031-01-01", 3600.0))
    horizons = np.stack([np.zeros(720), 5.0 + 4.0 * np.sin(np.arange(720) * 0.05), np.full(720, 60.0)])
    average, lit = loops(horizons, site, sun)
    assert table.average(horizons) == pytest.approx(average, abs=CLAIM)
    assert table.visible(horizons) == pytest.approx(lit, abs=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 3.0))
def test_a_higher_horizon_never_lets_more_through(crest, seed: int, rise_deg: float) -> None:
    _, table = crest
    random = np.random.default_rng(seed)
    low = np.cumsum(random.normal(0.0, 0.05, 720)) - 1.0
    averages, visible = (call(np.stack([low, low + rise_deg])) for call in (table.average, table.visible))
    assert averages[1] <= averages[0] + 1e-6
    assert visible[1] <= visible[0] + 1e-6
    assert np.all(visible >= averages - 1e-6)
    assert averages.min() >= 0.0
    assert visible.max() <= 1.0


def test_bad_input_is_refused(almanac, crest) -> None:
    site, table = crest
    level = np.zeros((1, 720))
    for horizons in (np.zeros((2, 7)), np.full((1, 720), np.nan), np.full((1, 720), 91.0)):
        with pytest.raises(InputError):
            table.average(horizons)
    for hundredths in (np.zeros((720, 3)), np.zeros((7, 3), np.int16), np.int16(3)):
        with pytest.raises(InputError, match="centidegrees"):
            table.average_map(hundredths)
    with pytest.raises(InputError, match="deg from the table"):
        table.average(level, -80.0, 0.0)
    with pytest.raises(InputError, match="both or neither"):
        table.average(level, -89.0)
    with pytest.raises(InputError, match="latitude_deg"):
        table.visible(level, [-89.0, -89.1], [0.0, 0.0])
    with pytest.raises(InputError, match="NaN"):
        table.visible(level, np.nan, 0.0)
    with pytest.raises(InputError, match="unknown body"):
        residence(almanac, Site(-89.0, 0.0), START, STOP, body="mars")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="azimuths"):
        residence(almanac, site, START, "2030-01-03", azimuths=3)
    sun = almanac.sun(site, times(START, "2030-01-03", 3600.0))
    with pytest.raises(InputError, match="counted"):
        residence_of(sun, site, body="sun", counted=np.ones(3))
    with pytest.raises(InputError, match="origin_deg"):
        residence_of(sun, site, body="sun", origin_deg=np.nan)
