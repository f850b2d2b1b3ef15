"""A thousand real horizons from both poles to 80 deg latitude, 18.6 years; ``make soak`` runs this."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio

from moonpost.sky import Almanac, Site, times
from moonpost.terrain import HorizonProfile, Terrain, illumination, light_statistics
from moonpost.terrain.area import MapArea
from moonpost.terrain.gridhorizon import horizon_masts
from moonpost.terrain.residence import residence

pytestmark = pytest.mark.soak

NODAL_CYCLE = ("2010-01-01", "2028-08-08")
AZIMUTHS = np.arange(720) * 0.5


def windows(data: Path) -> Iterator[tuple[MapArea, np.ndarray]]:
    """Twenty pieces of real terrain: area and heights [m], of 25, 40, 200 and 1600 m cells."""
    random = np.random.default_rng(11)
    files = [data / "dem" / f"shackleton_{name}.tif" for name in ("51km_25m_fused", "rim_10km_40m", "51km_200m")]
    polar = [Terrain.default(pole).layers[0].path for pole in ("south", "north")]
    for path, count in [*zip(files, (6, 2, 2), strict=True), *((path, 5) for path in polar)]:
        area = MapArea.of_file(path)
        with rasterio.open(path) as raster:
            z = (raster.read(1) * raster.scales[0]).astype(np.float32)
        for k in range(count):
            size = 128 if area.cell_m > 1000.0 else 192
            row, col = random.integers(0, np.array(z.shape) - size + 1)
            while area.cell_m > 1000.0 and not _between(area, row, col, size, k):
                row, col = random.integers(0, np.array(z.shape) - size + 1)
            cut = (slice(row, row + size), slice(col, col + size))
            yield area.cut(*cut), z[cut]


def _between(area: MapArea, row: int, col: int, size: int, k: int) -> bool:
    """Whether the middle of a window lies in the k-th belt of latitude."""
    middle = (slice(row + size // 2, row + size // 2 + 1), slice(col + size // 2, col + size // 2 + 1))
    latitude = abs(float(area.places(*middle)[0][0, 0]))
    return (79.5, 82.0, 84.0, 86.0, 88.0)[k] <= latitude < (80.5, 84.0, 86.0, 88.0, 90.1)[k]


def test_a_thousand_real_horizons(almanac: Almanac, moonpost_data: Path) -> None:
    """At most 0.01 percentage points from the hourly loop, at cells' own places too; 2 microseconds a cell."""
    random, shared, own, spent = np.random.default_rng(4), [], [], []
    for area, z in windows(moonpost_data):
        size = len(z)
        chosen = random.integers(size // 3, 2 * size // 3, (50, 2))
        masts = horizon_masts(z, area.cell_m, np.radians(AZIMUTHS))
        horizons = np.degrees(masts[random.integers(0, 3, 50), :, chosen[:, 0], chosen[:, 1]])
        site = area.centre
        origin = -float(area.convergence_deg(site.latitude_deg, site.longitude_deg))
        table = residence(almanac, site, *NODAL_CYCLE, origin_deg=origin)
        loop = np.array([_loop(almanac, site, origin, horizon) for horizon in horizons])
        found = table.average(horizons)
        shared.append(np.abs(found - loop).max())
        spent.append(_spent_s(partial(table.average, np.tile(horizons, (20, 1)))) / 1000)
        if area.cell_m > 200.0:
            continue  # cells of the coarse grids lie degrees away from the table's site
        latitude, longitude = (
            value[chosen[:, 0], chosen[:, 1]] for value in area.places(slice(None), slice(None))
        )
        turned = -np.asarray(area.convergence_deg(latitude, longitude))
        leaning = table.average(horizons, latitude, longitude, origin_deg=turned)
        for k in range(0, 50, 10):
            place = Site(float(latitude[k]), float(longitude[k]))
            own.append(abs(leaning[k] - _loop(almanac, place, float(turned[k]), horizons[k])))
    print(
        f"largest difference {100 * max(shared):.5f} percentage points, {100 * max(own):.5f} at cells' places; "
        f"{1e6 * min(spent):.2f} to {1e6 * max(spent):.2f} microseconds a cell"
    )
    assert max(shared) <= 1e-4
    assert max(own) <= 1e-4
    assert np.median(spent) <= 2e-6


def test_any_part_in_sight_on_real_horizons(almanac: Almanac, moonpost_data: Path) -> None:
    """Sun and Earth against the events, 60 horizons: at most 0.02 percentage points."""
    random, sun_off, earth_off = np.random.default_rng(5), [], []
    for area, z in windows(moonpost_data):
        size, site = len(z), area.centre
        chosen = random.integers(size // 3, 2 * size // 3, (3, 2))
        masts = horizon_masts(z, area.cell_m, np.radians(AZIMUTHS), observers_m=(2.0,))
        horizons = np.degrees(masts[0, :, chosen[:, 0], chosen[:, 1]])
        sun = residence(almanac, site, *NODAL_CYCLE).visible(horizons)
        earth = residence(almanac, site, *NODAL_CYCLE, body="earth").visible(horizons)
        for k, horizon in enumerate(horizons):
            profile = HorizonProfile(AZIMUTHS, horizon, np.zeros(720), site, 2.0, "site", {})
            events = light_statistics(profile, almanac, *NODAL_CYCLE)
            sun_off.append(abs(sun[k] - events.percent_lit))
            earth_off.append(abs(earth[k] - events.earth_visible))
    print(f"largest difference: Sun {100 * max(sun_off):.4f}, Earth {100 * max(earth_off):.4f} percentage points")
    assert max(sun_off) <= 2e-4
    assert max(earth_off) <= 2e-4


def _spent_s(call: Callable[[], object]) -> float:
    """Shortest processor time of five calls [s]."""
    times_s = []
    for _ in range(5):
        begun = time.process_time()
        call()
        times_s.append(time.process_time() - begun)
    return min(times_s)


def _loop(almanac: Almanac, site: Site, origin_deg: float, horizon_deg: np.ndarray) -> float:
    """Average light from the loop over hours."""
    sun = almanac.sun(site, times(*NODAL_CYCLE, 3600.0))
    turned = dataclasses.replace(sun, azimuth_deg=(sun.azimuth_deg - origin_deg) % 360.0)
    profile = HorizonProfile(AZIMUTHS, horizon_deg, np.zeros(720), site, 2.0, "site", {})
    return float(illumination(profile, turned).mean())
