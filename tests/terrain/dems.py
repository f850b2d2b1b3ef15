"""Synthetic terrain files for the tests of this room."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from pyproj import CRS, Transformer
from rasterio import Affine

from moonpost.sky import Site

RADIUS_M = 1_737_400.0
SOUTH = "IAU_2015:30135"
NORTH = "IAU_2015:30130"
PLATE = "IAU_2015:30100"


def local(site: Site) -> str:
    """Azimuthal equidistant system about a site: map distance from the middle is distance along the ground."""
    place = f"+lat_0={site.latitude_deg} +lon_0={site.longitude_deg}"
    return f"+proj=aeqd {place} +R={RADIUS_M} +units=m +no_defs +type=crs"


def distance_azimuth(site: Site, latitude_deg, longitude_deg):
    """Distance along the sphere [m] and azimuth [deg] from a site, by the haversine formula."""
    lat1, lon1 = np.radians(site.latitude_deg), np.radians(site.longitude_deg)
    lat2, lon2 = np.radians(latitude_deg), np.radians(longitude_deg)
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    east = np.cos(lat2) * np.sin(lon2 - lon1)
    north = np.cos(lat1) * np.sin(lat2) - np.sin(lat1) * np.cos(lat2) * np.cos(lon2 - lon1)
    return 2 * RADIUS_M * np.arcsin(np.sqrt(h)), np.degrees(np.arctan2(east, north)) % 360.0


def write(path: Path, heights, *, crs: str | None, left: float, top: float, cell: float, **options) -> Path:
    """Write heights as a GeoTIFF; NaN is declared as no-data unless told otherwise."""
    heights = np.asarray(heights)
    if np.isnan(heights).any():
        options.setdefault("nodata", np.nan)
    tags = {key: options.pop(key) for key in ("scales", "offsets", "units") if key in options}
    profile = {
        "driver": "GTiff",
        "height": heights.shape[0],
        "width": heights.shape[1],
        "count": 1,
        "dtype": heights.dtype.name,
        "transform": Affine(cell, 0.0, left, 0.0, -cell, top),
        "crs": None if crs is None else CRS(crs).to_wkt(),
        **options,
    }
    with warnings.catch_warnings(), rasterio.open(path, "w", **profile) as data:
        warnings.simplefilter("ignore")
        data.write(heights, 1)
        for key, value in tags.items():
            setattr(data, key, value)
    return path


def shaped(
    path: Path,
    site: Site,
    shape: Callable[[np.ndarray, np.ndarray], np.ndarray],
    *,
    crs: str,
    half_width: float,
    cell: float,
    **options,
) -> Path:
    """Write terrain whose height is a function of distance [m] and azimuth [deg] from a site."""
    system = CRS(crs)
    turn = Transformer.from_crs(system.geodetic_crs, system, always_xy=True)
    x0, y0 = turn.transform(site.longitude_deg, site.latitude_deg)
    count = round(2 * half_width / cell)
    left, top = x0 - half_width, y0 + half_width
    x = left + (np.arange(count) + 0.5) * cell
    y = top - (np.arange(count) + 0.5) * cell
    grid = np.meshgrid(x, y)
    lon, lat = turn.transform(*grid, direction="INVERSE")
    heights = shape(*distance_azimuth(site, lat, lon)).astype(np.float32)
    return write(path, heights, crs=crs, left=left, top=top, cell=cell, **options)


def elevation_deg(distance_m, height_m, eye_m):
    """Elevation of a point at a distance along the sphere, in closed form."""
    angle = np.asarray(distance_m) / RADIUS_M
    r = RADIUS_M + np.asarray(height_m)
    return np.degrees(np.arctan2(r * np.cos(angle) - (RADIUS_M + eye_m), r * np.sin(angle)))
