"""The terrain: nested height files, the first listed winning where it has data."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError, MissingExtraError, TerrainError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.layer import Layer

__all__ = ["Terrain", "TerrainWindow"]


@dataclass(frozen=True, eq=False)
class TerrainWindow:
    """Heights on a square map, for pictures.

    Parameters
    ----------
    x_m, y_m : ndarray, shape (n,)
        Map coordinates of columns and rows [m]; `y_m` falls from the top row to the bottom row.
    height_m : ndarray, shape (n, n)
        Heights above the 1737.4 km sphere [m]; NaN where the terrain has none.
    latitude_deg, longitude_deg : ndarray, shape (n, n)
        Place of each pixel [deg].
    projection : str
        ``"polar stereographic south"`` or ``"... north"`` (longitude 0 up in the south, down in the north), or
        ``"azimuthal equidistant"`` about the centre (north up).

    Examples
    --------
    >>> window = Terrain.default("south").window((-89.9, 0.0), half_width_m=20e3, pixels=5)
    >>> window.height_m.shape, window.projection
    ((5, 5), 'polar stereographic south')
    """

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    height_m: NDArray[np.float64]
    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    projection: str

    def hillshade(self, azimuth_deg: float = 315.0, elevation_deg: float = 30.0) -> NDArray[np.float64]:
        """Brightness from 0 to 1 of the ground under a lamp.

        Parameters
        ----------
        azimuth_deg : float
            Direction of the lamp on the map [deg], clockwise from up.
        elevation_deg : float
            Its elevation [deg].

        Returns
        -------
        ndarray, shape (n, n)
            Cosine of the incidence angle, 0 where it is negative; NaN where there is no height.
        """
        down, right = np.gradient(self.height_m, self.y_m, self.x_m)
        azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
        lamp = (
            math.sin(azimuth) * math.cos(elevation),
            math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        )
        cosine = (lamp[2] - right * lamp[0] - down * lamp[1]) / np.sqrt(1.0 + right**2 + down**2)
        return np.maximum(cosine, 0.0)


@dataclass(frozen=True, eq=False)
class Terrain:
    """Nested terrain files; of those that have data at a place the first listed wins.

    Parameters
    ----------
    layers : tuple of Layer
        The files in the order in which they were listed. Use `open` or `default` to make them.

    Notes
    -----
    Heights are metres above the sphere of radius 1737.4 km, bilinear between cell centres. Files are never
    re-sorted by resolution. A missing value is never taken for a height: the next file is asked, and if none
    has data there the place is reported as an error.

    References
    ----------
    Smith, D. E. et al. (2010), Initial observations from the Lunar Orbiter Laser Altimeter (LOLA), Geophys. Res.
    Lett. 37, L18204, DOI 10.1029/2010GL043751.

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> site = terrain.site(latitude_deg=-89.67, longitude_deg=129.78)
    >>> -3000 < site.height_m < -2500
    True
    """

    layers: tuple[Layer, ...]

    @classmethod
    def open(cls, *paths: str | os.PathLike[str]) -> Terrain:
        """Open terrain files, finest first.

        Parameters
        ----------
        *paths : path-like
            Rasters with one band of heights in any lunar coordinate reference system that PROJ knows.

        Returns
        -------
        Terrain
            The nest, in the order given.

        Raises
        ------
        InputError
            If no path is given.
        DataError
            If a file is missing, truncated, not a raster, not on the Moon's 1737.4 km sphere, or empty.
        """
        if not paths:
            raise InputError("no terrain file given", where="Terrain.open", advice="list at least one GeoTIFF")
        return cls(tuple(Layer.open(path) for path in paths))

    @classmethod
    def default(cls, pole: Literal["south", "north"]) -> Terrain:
        """Open the terrain that comes with Moonpost: LOLA at 1600 m from a pole to 70 degrees of latitude.

        Parameters
        ----------
        pole : {"south", "north"}
            Which pole.

        Returns
        -------
        Terrain
            One layer. It is good for screening; within a few degrees of the true horizon near a site.
        """
        if pole not in ("south", "north"):
            raise InputError(f"no default terrain for {pole!r}", where="pole", advice="give 'south' or 'north'")
        spec = importlib.util.find_spec("lunar_toolkit")
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders:
            raise MissingExtraError(
                "the default terrain is not installed", where="Terrain.default", advice="pip install lunar-toolkit"
            )
        return cls.open(Path(folders[0]) / "static" / "basemaps" / f"lola_dem_{pole}.tif")

    def site(self, latitude_deg: float, longitude_deg: float) -> Site:
        """Site on the ground at a place.

        Parameters
        ----------
        latitude_deg, longitude_deg : float
            Planetocentric latitude and east longitude [deg].

        Returns
        -------
        Site
            With the height of the terrain.

        Raises
        ------
        TerrainError
            If the terrain has no height there.
        """
        place = Site(latitude_deg, longitude_deg)
        return Site(
            place.latitude_deg, place.longitude_deg, self.height_m(place.latitude_deg, place.longitude_deg)
        )

    @overload
    def height_m(self, latitude_deg: float, longitude_deg: float) -> float: ...
    @overload
    def height_m(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> float | NDArray[np.float64]: ...
    def height_m(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> float | NDArray[np.float64]:
        """Bilinear height above the 1737.4 km sphere [m].

        Parameters
        ----------
        latitude_deg, longitude_deg : float or array_like
            Places [deg]; the two are broadcast.

        Returns
        -------
        float or ndarray
            Heights [m].

        Raises
        ------
        InputError
            If a coordinate is not finite or out of range.
        TerrainError
            If the terrain has no height at one of the places, with the place.
        """
        lat, lon, shape = _places(latitude_deg, longitude_deg)
        heights, source = self._look_up(lat, lon)
        missing = np.flatnonzero(source < 0)
        if missing.size:
            raise self.missing(float(lat[missing[0]]), float(lon[missing[0]]))
        return heights.reshape(shape) if shape else float(heights[0])

    def resolution_m(self, latitude_deg: float, longitude_deg: float) -> float:
        """Cell size [m] of the file that gives the height at a place.

        Parameters
        ----------
        latitude_deg, longitude_deg : float
            Place [deg].

        Returns
        -------
        float
            Cell size [m].
        """
        lat, lon, _ = _places(latitude_deg, longitude_deg)
        _, source = self._look_up(lat, lon)
        if source[0] < 0:
            raise self.missing(float(lat[0]), float(lon[0]))
        return self.layers[int(source[0])].resolution_m

    def slope_deg(self, latitude_deg: float, longitude_deg: float, baseline_m: float | None = None) -> float:
        """Slope of the ground at a place over a stated baseline.

        Parameters
        ----------
        latitude_deg, longitude_deg : float
            Place [deg].
        baseline_m : float, optional
            Length over which heights are compared, east to west and north to south [m]; two cells of the file that
            gives the height there if not stated.

        Returns
        -------
        float
            Slope [deg].
        """
        site = self.site(latitude_deg, longitude_deg)
        cell_m = self.resolution_m(latitude_deg, longitude_deg)
        baseline = 2.0 * cell_m if baseline_m is None else float(baseline_m)
        if not (math.isfinite(baseline) and baseline > 0.0):
            raise InputError(f"baseline {baseline!r} m", where="baseline_m", advice="give a positive length")
        angle = 0.5 * baseline / MOON_RADIUS_M
        east, north, up = site.basis
        points = np.array([up * math.cos(angle) + way * math.sin(angle) for way in (east, -east, north, -north)])
        lat, lon = latitude_longitude_deg(points)
        height = np.asarray(self.height_m(lat, lon))
        return math.degrees(math.atan(math.hypot(height[0] - height[1], height[2] - height[3]) / baseline))

    def window(self, centre: Site | tuple[float, float], half_width_m: float, pixels: int = 256) -> TerrainWindow:
        """Heights on a square map about a place.

        Parameters
        ----------
        centre : Site or tuple of float
            Middle of the map, a site or latitude and longitude [deg].
        half_width_m : float
            Half the width of the map [m].
        pixels : int, default 256
            Pixels along a side.

        Returns
        -------
        TerrainWindow
            Heights, NaN where the terrain has none, with the place of each pixel. Within 30 degrees of a pole it
            is polar stereographic, true to scale at the pole; elsewhere azimuthal equidistant about the centre.
        """
        place = centre if isinstance(centre, Site) else Site(float(centre[0]), float(centre[1]))
        if not (math.isfinite(half_width_m) and 0.0 < half_width_m < MOON_RADIUS_M and 2 <= pixels <= 10_000):
            raise InputError(
                f"half width {half_width_m!r} m, {pixels!r} pixels",
                where="window",
                advice="give a half width up to 1700 km and 2 to 10000 pixels",
            )
        offset = (np.arange(pixels) + 0.5) / pixels * 2.0 * half_width_m - half_width_m
        polar = abs(place.latitude_deg) >= 60.0
        x0, y0 = _polar_map(place.basis[2]) if polar else (0.0, 0.0)
        x, y = x0 + offset, y0 - offset
        grid = np.meshgrid(x, y)
        points = _from_polar_map(*grid, place.latitude_deg) if polar else _from_local_map(*grid, place)
        lat, lon = latitude_longitude_deg(points.reshape(-1, 3))
        heights, source = self._look_up(lat, lon)
        heights[source < 0] = np.nan
        side = "south" if place.latitude_deg < 0 else "north"
        return TerrainWindow(
            x_m=x,
            y_m=y,
            height_m=heights.reshape(pixels, pixels),
            latitude_deg=lat.reshape(pixels, pixels),
            longitude_deg=lon.reshape(pixels, pixels),
            projection=f"polar stereographic {side}" if polar else "azimuthal equidistant",
        )

    def provenance(self) -> list[dict[str, Any]]:
        """Records of the files: name, resolution, system, bounds, SHA-256 and source.

        Returns
        -------
        list of dict
            One for each layer, in order.
        """
        return [layer.record() for layer in self.layers]

    def missing(self, latitude_deg: float, longitude_deg: float) -> TerrainError:
        """Make the error for a place without a height, naming the cell if a file covers the place.

        Parameters
        ----------
        latitude_deg, longitude_deg : float
            The place [deg].

        Returns
        -------
        TerrainError
            To be raised by the caller.
        """
        place = f"latitude {latitude_deg:.5f}, longitude {longitude_deg:.5f}"
        for layer in self.layers:
            cell = layer.cell(latitude_deg, longitude_deg)
            if cell is not None:
                return TerrainError(
                    f"no-data at or beside row {cell[0]}, column {cell[1]} of {layer.name}",
                    where=place,
                    advice="list a coarser file after it that covers the hole",
                )
        names = ", ".join(layer.name for layer in self.layers)
        return TerrainError(
            f"outside the terrain ({names})", where=place, advice="list a terrain file that covers this place"
        )

    def _look_up(
        self, lat: NDArray[np.float64], lon: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
        """Heights and the layer that gave each, -1 where none did."""
        heights, source = np.full(lat.size, np.nan), np.full(lat.size, -1, dtype=np.int16)
        for index, layer in enumerate(self.layers):
            open_ = np.flatnonzero(source < 0)
            if not open_.size:
                break
            found = layer.sample(lat[open_], lon[open_])
            good = ~np.isnan(found)
            heights[open_[good]] = found[good]
            source[open_[good]] = index
        return heights, source


def latitude_longitude_deg(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude [deg] of unit vectors, shape (n, 3)."""
    x, y, z = points.T
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _places(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[int, ...]]:
    """Check and flatten coordinates."""
    lat, lon = np.broadcast_arrays(
        np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
    )
    good = (np.abs(lat) <= 90.0) & (lon >= -180.0) & (lon <= 360.0)
    if not np.all(good):
        bad = int(np.argmin(good.ravel()))
        raise InputError(
            f"latitude {lat.ravel()[bad]}, longitude {lon.ravel()[bad]} is not a place",
            where="latitude_deg, longitude_deg",
            advice="give latitudes from -90 to 90 and longitudes from -180 to 360",
        )
    return lat.ravel().copy(), lon.ravel().copy(), lat.shape


def _polar_map(up: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """Polar stereographic coordinates [m] of a unit vector."""
    side = 1.0 if up[2] > 0.0 else -1.0
    scale = 2.0 * MOON_RADIUS_M / (1.0 + abs(float(up[2])))
    return scale * float(up[1]), -side * scale * float(up[0])


def _from_polar_map(x: NDArray[np.float64], y: NDArray[np.float64], latitude_deg: float) -> NDArray[np.float64]:
    """Unit vectors of polar stereographic coordinates [m]."""
    side = 1.0 if latitude_deg > 0.0 else -1.0
    square = (x**2 + y**2) / (2.0 * MOON_RADIUS_M) ** 2
    scale = 1.0 / (MOON_RADIUS_M * (1.0 + square))
    return np.stack([-side * y * scale, x * scale, side * (1.0 - square) / (1.0 + square)], axis=-1)


def _from_local_map(x: NDArray[np.float64], y: NDArray[np.float64], place: Site) -> NDArray[np.float64]:
    """Unit vectors of azimuthal equidistant coordinates [m] about a place."""
    angle = np.hypot(x, y) / MOON_RADIUS_M
    factor = np.sinc(angle / np.pi) / MOON_RADIUS_M
    east, north, up = place.basis
    return (x * factor)[..., None] * east + (y * factor)[..., None] * north + np.cos(angle)[..., None] * up
