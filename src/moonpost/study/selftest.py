"""The self-test of a study: reference cases from outside, computed anew in every run."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from moonpost.study.results import Comparison

if TYPE_CHECKING:
    from moonpost.sky import Almanac

__all__ = ["self_test"]


def self_test(almanac: Almanac) -> tuple[Comparison, ...]:
    """Compute reference cases and compare them with published or closed-form numbers.

    Parameters
    ----------
    almanac : Almanac
        The kernels of the study.

    Returns
    -------
    tuple of Comparison
        One row per case.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> all(row.passes for row in self_test(Almanac.default()))
    True
    """
    return (
        *_sun_and_earth(almanac),
        _lunar_day(almanac),
        _eclipse(almanac),
        _dip(),
        _solar_constant(),
        _orbit_period(),
    )


def _row(case: str, expected: float, obtained: float, tolerance: float, unit: str, source: str) -> Comparison:
    digits = max(0, 1 - math.floor(math.log10(tolerance)))
    return Comparison(
        case=case,
        expected=f"{expected:.{digits}f} {unit}",
        obtained=f"{obtained:.{digits}f} {unit}",
        tolerance=f"{tolerance:g} {unit}",
        passes=bool(abs(obtained - expected) <= tolerance),
        source=source,
    )


def _sun_and_earth(almanac: Almanac) -> list[Comparison]:
    """Azimuth and elevation near the pole, from an independent DE440 computation."""
    from moonpost.sky import Site

    site = Site(-89.53432, 209.94767)
    t = np.array([1914965082374], dtype="datetime64[ms]")
    sun, earth = almanac.sun(site, t), almanac.earth(site, t)
    source = "lunahorizon DE440 reference (skyfield), MIT"
    where = "at 89.534 S 209.948 E, 2030-09-06"
    return [
        _row(f"Sun azimuth {where}", 215.40495894, float(sun.azimuth_deg[0]), 0.001, "deg", source),
        _row(f"Sun elevation {where}", 1.14585188, float(sun.elevation_deg[0]), 0.001, "deg", source),
        _row(f"Earth elevation {where}", 2.54890547, float(earth.elevation_deg[0]), 0.001, "deg", source),
    ]


def _lunar_day(almanac: Almanac) -> Comparison:
    from moonpost.operations import day
    from moonpost.sky import Site

    found = day(almanac, Site(-45.457, 177.589), "2019-01-03T02:26Z", "2021-03-08T12:00Z")
    return Comparison(
        case="Chang'e 4 on 2021-03-08: lunar day, Earth day",
        expected="28, 795",
        obtained=f"{found.lunar_day}, {found.earth_day}",
        tolerance="exact",
        passes=(found.lunar_day, found.earth_day) == (28, 795),
        source="CNSA statement on the 28th lunar day of Chang'e 4",
    )


def _eclipse(almanac: Almanac) -> Comparison:
    from moonpost.sky.eclipse import nearside_totality
    from moonpost.study.phases.common import text

    found = nearside_totality(almanac, "2025-03-14T07:00Z", 1.01)
    expected = (np.datetime64("2025-03-14T06:26:06"), np.datetime64("2025-03-14T07:31:26"))
    obtained = (found.total_start, found.total_stop)
    off_s = max(abs(float((a - b) / np.timedelta64(1, "s"))) for a, b in zip(obtained, expected, strict=True))
    return Comparison(
        case="Total lunar eclipse of 2025-03-14, U2 and U3",
        expected="06:26:06Z, 07:31:26Z",
        obtained=", ".join(str(text(instant))[11:] for instant in obtained),
        tolerance="30 s",
        passes=off_s <= 30.0,
        source="published circumstances of the eclipse (Danjon's enlargement 1.01)",
    )


def _dip() -> Comparison:
    """The horizon of a bare sphere from a mast."""
    from moonpost.sky import MOON_RADIUS_M

    mast_m = 10.0
    expected = -math.degrees(math.acos(MOON_RADIUS_M / (MOON_RADIUS_M + mast_m)))
    return _row(
        "Horizon of a bare sphere from 10 m", expected, _bare_sphere_deg(mast_m), 0.01, "deg", "closed form"
    )


def _bare_sphere_deg(mast_m: float) -> float:
    """Mean horizon over level ground at height 0, written as a raster and read like any other."""
    import rasterio

    from moonpost.terrain import Terrain, horizon

    cells, cell_m = 61, 500.0
    half_m = cells * cell_m / 2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "level.tif"
        with rasterio.open(
            path, "w", driver="GTiff", height=cells, width=cells, count=1, dtype="float32",
            crs="IAU_2015:30135", transform=rasterio.Affine(cell_m, 0.0, -half_m, 0.0, -cell_m, half_m),
        ) as raster:  # fmt: skip
            raster.write(np.zeros((1, cells, cells), np.float32))
        terrain = Terrain.open(path)
        return float(np.mean(horizon(terrain, terrain.site(-89.9, 0.0), mast_m, azimuths=36).elevation_deg))


def _solar_constant() -> Comparison:
    from moonpost.power import irradiance_w_m2
    from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M

    found = float(np.ravel(irradiance_w_m2(ASTRONOMICAL_UNIT_M))[0])
    return _row("Irradiance at 1 au", 1361.0, found, 1e-6, "W/m2", "Kopp and Lean 2011, doi:10.1029/2010GL045777")


def _orbit_period() -> Comparison:
    """Period of Chang'e 1's working orbit."""
    from moonpost.flight import LunarOrbit

    orbit = LunarOrbit(200e3, 200e3, 90.0, 0.0, 0.0, np.datetime64("2007-11-07", "ms"))
    return _row("Period of Chang'e 1 at 200 km", 127.0, orbit.period_s / 60.0, 1.0, "min", "CNSA, Chang'e 1")
