"""Geometry of regular map grids on the Moon: places, scale, convergence and areas of their cells."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.projection import lunar_crs

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["MapGrid"]

Floats = NDArray[np.float64]
ALL = slice(None)
NATIVE = 1e-3
"""Share of a cell by which coordinates may be off and still be those of the same cells."""


@dataclass(frozen=True, eq=False)
class MapGrid:
    """Places of the cells of a regular grid in a stereographic map; see `moonpost.terrain.area.MapArea`.

    Parameters
    ----------
    wkt : str
        The coordinate reference system as well-known text.
    x_m : ndarray, shape (cols,)
        Map coordinates of the cell centres, growing by `cell_m` [m].
    y_m : ndarray, shape (rows,)
        Map coordinates of the cell centres, falling by `cell_m` [m].
    cell_m : float
        Size of a cell in map metres [m].

    Raises
    ------
    InputError
        If the coordinates are not those of a regular grid, the system is not stereographic, or the grid reaches
        over more than a hemisphere.
    DataError
        If the system is not the Moon's.
    """

    wkt: str
    x_m: Floats
    y_m: Floats
    cell_m: float
    _axes: Floats = field(init=False, repr=False)
    _numbers: tuple[float, float, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m"):
            values = np.array(getattr(self, name), dtype=np.float64)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        object.__setattr__(self, "cell_m", float(self.cell_m))
        self._check()
        axes, numbers = stereographic(lunar_crs(self.wkt, "MapArea.wkt"))
        object.__setattr__(self, "_axes", axes)
        object.__setattr__(self, "_numbers", numbers)
        x = np.abs(self.x_m[[0, -1]] - numbers[1]).max()
        y = np.abs(self.y_m[[0, -1]] - numbers[2]).max()
        if math.hypot(x, y) > numbers[0]:
            raise InputError(
                f"the map reaches {math.hypot(x, y) / 1000.0:.0f} km from its middle, over more than a hemisphere",
                where="MapArea",
                advice="give a smaller area",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.y_m.size, self.x_m.size

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """The six numbers of rasterio's ``Affine``: from columns and rows (of cell corners) to map coordinates."""
        left, top = float(self.x_m[0]) - 0.5 * self.cell_m, float(self.y_m[0]) + 0.5 * self.cell_m
        return self.cell_m, 0.0, left, 0.0, -self.cell_m, top

    @property
    def bend(self) -> float:
        """Largest curvature of great circles on the map [1/m]: that of those across, in the farthest corner."""
        size, x0, y0 = self._numbers
        x, y = np.abs(self.x_m[[0, -1]] - x0).max(), np.abs(self.y_m[[0, -1]] - y0).max()
        return 2.0 * math.hypot(x, y) / size**2

    def corners(self) -> list[tuple[float, float]]:
        """Latitude and longitude [deg] of the cells in the four corners.

        Returns
        -------
        list of tuple of float
            From the upper left, row by row.
        """
        ends = slice(0, None, max(self.shape[0] - 1, 1)), slice(0, None, max(self.shape[1] - 1, 1))
        lat, lon = self.places(*ends)
        return list(zip(lat.ravel().tolist(), lon.ravel().tolist(), strict=True))

    @property
    def centre(self) -> Site:
        """The middle of the area, on the sphere."""
        x, y = 0.5 * (self.x_m[0] + self.x_m[-1]), 0.5 * (self.y_m[0] + self.y_m[-1])
        lat, lon = _latitude_longitude(self._from_map(np.asarray(x), np.asarray(y)))
        return Site(float(lat), float(lon))

    def places(self, rows: slice = ALL, cols: slice = ALL) -> tuple[Floats, Floats]:
        """Where the cells lie.

        Parameters
        ----------
        rows, cols : slice
            Part of the grid; all of it if not stated.

        Returns
        -------
        latitude_deg, longitude_deg : ndarray, shape (r, c)
            Of the cell centres [deg]; longitudes from -180 to 180.
        """
        return _latitude_longitude(self.directions(rows, cols))

    def directions(self, rows: slice = ALL, cols: slice = ALL) -> Floats:
        """Directions of the cells from the Moon's centre.

        Parameters
        ----------
        rows, cols : slice
            Part of the grid; all of it if not stated.

        Returns
        -------
        ndarray, shape (r, c, 3)
            Unit vectors in MOON_ME.
        """
        return self._from_map(*np.meshgrid(self.x_m[cols], self.y_m[rows]))

    def beyond(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> Floats:
        """Directions of cells of the lattice, also of those off the grid.

        Parameters
        ----------
        rows, cols : ndarray of int, shape (r,), (c,)
            Rows and columns; negative ones are above and to the left of the first.

        Returns
        -------
        ndarray, shape (r, c, 3)
            Unit vectors in MOON_ME.
        """
        return self._from_map(*np.meshgrid(self.x_m[0] + cols * self.cell_m, self.y_m[0] - rows * self.cell_m))

    def frame(self, directions: Floats) -> tuple[Floats, Floats]:
        """Horizontal unit vectors to the right and to the top of the map.

        Parameters
        ----------
        directions : ndarray, shape (..., 3)
            Unit vectors of places.

        Returns
        -------
        right, top : ndarray, shape (..., 3)
            Unit vectors in MOON_ME; a map azimuth is clockwise from `top`.

        Notes
        -----
        The axes of the middle of the map, turned to the place along the great circle between them.
        """
        nearness = 1.0 + directions @ self._axes[2]
        middle = (directions + self._axes[2]) / nearness[..., None]
        right, top = (axis - (directions @ axis)[..., None] * middle for axis in self._axes[:2])
        return right, top

    def locate(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> tuple[Floats, Floats]:
        """Where places lie on the grid.

        Parameters
        ----------
        latitude_deg, longitude_deg : float or array_like
            Places [deg].

        Returns
        -------
        row, col : ndarray
            Coordinates in cells; 0 is the centre of the first cell, and places off the grid have numbers off it.

        Examples
        --------
        >>> from moonpost.terrain.area import MapArea
        >>> area = MapArea.about(-90.0, 0.0, 1000.0, cell_m=100.0)
        >>> row, col = area.locate(-90.0, 0.0)
        >>> float(row), float(col)
        (4.5, 4.5)
        """
        lat, lon = np.broadcast_arrays(np.asarray(latitude_deg, float), np.asarray(longitude_deg, float))
        x, y = forward(self._axes, self._numbers, _vectors(lat, lon)[2])
        return (self.y_m[0] - y) / self.cell_m, (x - self.x_m[0]) / self.cell_m

    def scale(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Floats:
        """Map metres per ground metre.

        Parameters
        ----------
        latitude_deg, longitude_deg : float or array_like
            Places [deg].

        Returns
        -------
        ndarray
            The scale, the same in all directions: 1 at the middle of the map (for a system with unit scale there).
        """
        lat, lon = np.broadcast_arrays(np.asarray(latitude_deg, float), np.asarray(longitude_deg, float))
        up = _vectors(lat, lon)[2]
        return self.scale_of(up)

    def scale_of(self, directions: Floats) -> Floats:
        """Map metres per ground metre.

        Parameters
        ----------
        directions : ndarray, shape (..., 3)
            Unit vectors of places.

        Returns
        -------
        ndarray, shape (...)
            The scale.
        """
        return np.asarray(self._numbers[0] / (MOON_RADIUS_M * (1.0 + directions @ self._axes[2])))

    def convergence_deg(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Floats:
        """Azimuth of true north on the map: map azimuth is true azimuth plus this.

        Parameters
        ----------
        latitude_deg, longitude_deg : float or array_like
            Places [deg].

        Returns
        -------
        ndarray
            Clockwise from the top of the map, -180 to 180 [deg]. On the south polar map it is the longitude, on
            the north polar map minus the longitude.

        Examples
        --------
        >>> from moonpost.terrain.area import MapArea
        >>> area = MapArea.about(88.0, 30.0, 1000.0, cell_m=100.0)
        >>> round(float(area.convergence_deg(88.0, 30.0)), 9)
        -30.0
        """
        lat, lon = np.broadcast_arrays(np.asarray(latitude_deg, float), np.asarray(longitude_deg, float))
        _, north, up = _vectors(lat, lon)
        right, top, middle = self._axes
        nearness, approach = 1.0 + up @ middle, north @ middle
        x = (north @ right) * nearness - (up @ right) * approach
        y = (north @ top) * nearness - (up @ top) * approach
        return np.asarray(np.degrees(np.arctan2(x, y)))

    def cell_area_m2(self, rows: slice = ALL, cols: slice = ALL) -> Floats:
        """Ground area of the cells on the 1737.4 km sphere.

        Parameters
        ----------
        rows, cols : slice
            Part of the grid; all of it if not stated.

        Returns
        -------
        ndarray, shape (r, c)
            Areas [m2], by a product of two-point Gauss rules on the map.
        """
        size, x0, y0 = self._numbers
        area = np.zeros((self.y_m[rows].size, self.x_m[cols].size))
        shift = self.cell_m / math.sqrt(12.0)
        for across in (-shift, shift):
            for down in (-shift, shift):
                x, y = (self.x_m[cols] + across - x0) / size, (self.y_m[rows] + down - y0) / size
                area += (1.0 + x * x + (y * y)[:, None]) ** -2.0
        return area * (0.25 * (2.0 * MOON_RADIUS_M * self.cell_m / size) ** 2)

    def _from_map(self, x: Floats, y: Floats) -> Floats:
        """Unit vectors of map coordinates."""
        size, x0, y0 = self._numbers
        right, up = (x - x0) / size, (y - y0) / size
        square = right * right + up * up
        vectors = (2.0 * right)[..., None] * self._axes[0] + (2.0 * up)[..., None] * self._axes[1]
        return (vectors + (1.0 - square)[..., None] * self._axes[2]) / (1.0 + square)[..., None]

    def _check(self) -> None:
        """Refuse coordinates that are not those of a regular grid."""
        positive("MapArea.cell_m", self.cell_m)
        for name, values, step in (("x_m", self.x_m, self.cell_m), ("y_m", self.y_m, -self.cell_m)):
            fits = values.ndim == 1 and values.size > 0 and bool(np.isfinite(values).all())
            if fits:
                regular = values[0] + step * np.arange(values.size)
                fits = bool(np.abs(values - regular).max() <= NATIVE * self.cell_m)
            if not fits:
                raise InputError(
                    "not the centres of regular cells",
                    where=f"MapArea.{name}",
                    advice="x_m grows and y_m falls by cell_m; 'MapArea.about' and 'MapArea.of_file' make them",
                )


def positive(name: str, value: float) -> float:
    """A positive finite number, or what is wrong with it."""
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (good and math.isfinite(value) and 0.0 < value <= 4.0 * MOON_RADIUS_M):
        raise InputError(f"{value!r}", where=name, advice="give a positive number of metres, at most 6950 km")
    return float(value)


def stereographic(crs: CRS) -> tuple[Floats, tuple[float, float, float]]:
    """Axes (right, top, middle) of a stereographic map, and twice its scaled radius with the origin, from PROJ."""
    from pyproj import Transformer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numbers = crs.to_dict()
        turn = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    if numbers.get("proj") not in ("stere", "sterea") or numbers.get("units", "m") != "m":
        raise InputError(
            f"its system {crs.name!r} is not a stereographic map in metres",
            where="MapArea",
            advice="make a map with 'MapArea.about(latitude, longitude, width_m, cell_m=...)' instead",
        )
    lat0 = float(numbers.get("lat_0", 0.0))
    axes = Site(lat0, (float(numbers.get("lon_0", 0.0)) + 180.0) % 360.0 - 180.0).basis.copy()
    around = np.array([0.0, 0.05, 0.05, -0.3, 0.0]), np.array([0.0, 0.0, 0.2, 0.1, -0.6])
    points = axes[2] + around[0][:, None] * axes[0] + around[1][:, None] * axes[1]
    points /= np.linalg.norm(points, axis=1)[:, None]
    lat, lon = _latitude_longitude(points)
    lat[0] = lat0
    x, y = turn.transform(lon, lat)
    size = math.hypot(x[1] - x[0], y[1] - y[0]) / (0.05 / (1.0 + math.hypot(1.0, 0.05)))
    found = (float(size), float(x[0]), float(y[0]))
    error = np.hypot(*(a - b for a, b in zip(forward(axes, found, points), (x, y), strict=True))).max()
    if not error < 1e-3:
        raise InputError(
            f"the axes of its system {crs.name!r} are not to the right and up",
            where="MapArea",
            advice="make a map with 'MapArea.about(latitude, longitude, width_m, cell_m=...)' instead",
        )
    return axes, found


def forward(axes: Floats, numbers: tuple[float, float, float], up: Floats) -> tuple[Floats, Floats]:
    """Map coordinates of unit vectors."""
    size, x0, y0 = numbers
    factor = size / (1.0 + up @ axes[2])
    return x0 + factor * (up @ axes[0]), y0 + factor * (up @ axes[1])


def _latitude_longitude(points: Floats) -> tuple[Floats, Floats]:
    """Latitude and longitude [deg] of unit vectors, shape (..., 3)."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _vectors(latitude_deg: Floats, longitude_deg: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vectors to the east, the north and up, shape (..., 3)."""
    if not np.all(np.abs(latitude_deg) <= 90.0) or not np.all(np.isfinite(longitude_deg)):
        raise InputError(
            "not a place",
            where="latitude_deg, longitude_deg",
            advice="give latitudes from -90 to 90 and longitudes",
        )
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return east, north, up
