"""Regular map grids on the Moon: the cells of every map that Moonpost makes."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.layer import Layer
from moonpost.terrain.projection import lunar_crs

if TYPE_CHECKING:
    import xarray as xr
    from pyproj import CRS

__all__ = ["POLAR_MAP_LATITUDE_DEG", "MapArea"]

POLAR_MAP_LATITUDE_DEG = 60.0
"""Latitude from which on maps are polar stereographic [deg]; others are stereographic about their own middle."""

Floats = NDArray[np.float64]
_ALL = slice(None)
_MOST_CELLS = 1_000_000
_NATIVE = 1e-3


@dataclass(frozen=True, eq=False)
class MapArea:
    """Regular map grid of square cells in a stereographic map of the Moon.

    Parameters
    ----------
    wkt : str
        The coordinate reference system as well-known text: stereographic on the 1737.4 km sphere, about a pole
        or about any place.
    x_m : ndarray, shape (cols,)
        Map coordinates of the cell centres, growing by `cell_m` [m].
    y_m : ndarray, shape (rows,)
        Map coordinates of the cell centres, falling by `cell_m` [m].
    cell_m : float
        Size of a cell in map metres [m].

    Raises
    ------
    InputError
        If the coordinates are not those of a regular grid or reach beyond a quarter of the Moon's circumference
        from the middle of the map.
    DataError
        If the system is not the Moon's.

    Notes
    -----
    With the middle of the map at the unit vector c, its axes e (right) and n (up) and the scale k0 at the middle,
    a direction u lies at

    ``x = x0 + 2 k0 R (u . e) / (1 + u . c),  y = y0 + 2 k0 R (u . n) / (1 + u . c)``

    The map keeps angles, and one map metre is ``1 / k`` ground metres with ``k = 2 k0 / (1 + u . c)``. Azimuths
    of maps ("map azimuth") are clockwise from the top of the grid; `convergence_deg` turns true ones into them.

    References
    ----------
    Snyder, J. P. (1987), Map projections: a working manual, USGS Professional Paper 1395, chapter 21,
    DOI 10.3133/pp1395.

    Examples
    --------
    >>> area = MapArea.about(-89.67, 129.78, 20e3, cell_m=200.0)
    >>> area.shape, round(float(area.convergence_deg(-89.67, 129.78)), 2)
    ((100, 100), 129.78)
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
        axes, numbers = _stereographic(lunar_crs(self.wkt, "MapArea.wkt"))
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

    @classmethod
    def about(
        cls,
        latitude_deg: float,
        longitude_deg: float,
        width_m: float,
        height_m: float | None = None,
        *,
        cell_m: float,
    ) -> MapArea:
        """Make the map of a given size about a place.

        Parameters
        ----------
        latitude_deg, longitude_deg : float
            The middle [deg].
        width_m, height_m : float
            Width and height [m] in map metres, which near the middle or the pole are ground metres; the height is
            the width if not stated.
        cell_m : float
            Size of a cell [m].

        Returns
        -------
        MapArea
            Polar stereographic (IAU_2015:30135 south, IAU_2015:30130 north) where the latitude of the place is at
            least 60 degrees north or south, else stereographic about the place. The edges lie on whole multiples
            of `cell_m`, so that maps of one pole share their cells; the middle is off by half a cell at most.

        Raises
        ------
        InputError
            If a number is of no use.

        Examples
        --------
        >>> MapArea.about(26.1, 3.6, 1000.0, 500.0, cell_m=20.0).shape
        (25, 50)
        """
        place = Site(latitude_deg, longitude_deg)
        cell = _positive("cell_m", cell_m)
        width = _positive("width_m", width_m)
        height = width if height_m is None else _positive("height_m", height_m)
        wkt = _map_system(place)
        axes, numbers = _stereographic(lunar_crs(wkt, "MapArea.about"))
        x, y = _forward(axes, numbers, place.basis[2])
        return cls._on_lattice(wkt, (0.0, 0.0), cell, (float(x), float(y)), (width, height))

    @classmethod
    def of_layer(cls, layer: Layer) -> MapArea:
        """Take the grid of a terrain layer itself, so that its heights need no resampling.

        Parameters
        ----------
        layer : Layer
            A layer of a `Terrain`.

        Returns
        -------
        MapArea
            With the cells of the file.

        Raises
        ------
        InputError
            If the file is not a stereographic map with square cells and its north up.

        Examples
        --------
        >>> from moonpost.terrain import Terrain
        >>> area = MapArea.of_layer(Terrain.default("south").layers[0])
        >>> area.shape, area.cell_m
        ((762, 762), 1600.0)
        """
        left, top, cell = _lattice(layer)
        rows, cols = layer.shape
        x, y = (
            left + (np.arange(cols, dtype=float) + 0.5) * cell,
            top - (np.arange(rows, dtype=float) + 0.5) * cell,
        )
        return cls(layer.projection.crs.to_wkt(), x, y, cell)

    @classmethod
    def of_file(cls, path: str | os.PathLike[str]) -> MapArea:
        """Take the grid of a terrain file itself.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        MapArea
            As `of_layer`.

        Raises
        ------
        InputError
            If the file is not a stereographic map with square cells and its north up.
        DataError
            If it cannot be used as terrain.
        """
        return cls.of_layer(Layer.open(path))

    @classmethod
    def aligned(
        cls, layer: Layer, latitude_deg: float, longitude_deg: float, width_m: float, height_m: float | None = None
    ) -> MapArea:
        """Make a map about a place whose cells are those of a terrain layer.

        Parameters
        ----------
        layer : Layer
            A layer of a `Terrain`; the map may reach beyond it, on the same lattice.
        latitude_deg, longitude_deg : float
            The middle [deg]; the map's is off by half a cell at most.
        width_m, height_m : float
            Width and height in map metres [m]; the height is the width if not stated.

        Returns
        -------
        MapArea
            On the layer's lattice.

        Raises
        ------
        InputError
            If a number is of no use or the layer is not a stereographic map with square cells and its north up.

        Examples
        --------
        >>> from moonpost.terrain import Terrain
        >>> layer = Terrain.default("south").layers[0]
        >>> MapArea.aligned(layer, -89.0, 0.0, 32e3).shape
        (20, 20)
        """
        place = Site(latitude_deg, longitude_deg)
        width = _positive("width_m", width_m)
        height = width if height_m is None else _positive("height_m", height_m)
        left, top, cell = _lattice(layer)
        axes, numbers = _stereographic(layer.projection.crs)
        x, y = _forward(axes, numbers, place.basis[2])
        middle = (float(x), float(y))
        return cls._on_lattice(layer.projection.crs.to_wkt(), (left, top), cell, middle, (width, height))

    @classmethod
    def _on_lattice(
        cls,
        wkt: str,
        origin: tuple[float, float],
        cell: float,
        middle: tuple[float, float],
        size: tuple[float, float],
    ) -> MapArea:
        """Area on a lattice of cells with a corner at an origin."""
        cols, rows = (max(1, round(length / cell)) for length in size)
        if max(cols, rows) > _MOST_CELLS:
            raise InputError(
                f"{rows} x {cols} cells", where="MapArea", advice="give larger cells or a smaller area"
            )
        first = round((middle[0] - origin[0]) / cell - 0.5 * cols)
        last = round((middle[1] - origin[1]) / cell + 0.5 * rows)
        x = origin[0] + (first + np.arange(cols, dtype=float) + 0.5) * cell
        y = origin[1] + (last - np.arange(rows, dtype=float) - 0.5) * cell
        return cls(wkt, x, y, cell)

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

    def places(self, rows: slice = _ALL, cols: slice = _ALL) -> tuple[Floats, Floats]:
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

    def directions(self, rows: slice = _ALL, cols: slice = _ALL) -> Floats:
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

    def offset_in(self, layer: Layer) -> tuple[int, int] | None:
        """Where the first cell lies among the cells of a terrain layer.

        Parameters
        ----------
        layer : Layer
            A layer of a `Terrain`.

        Returns
        -------
        tuple of int or None
            Row and column in the layer of this map's first cell (they may lie off the layer), None if the map
            does not lie on the layer's cells.

        Examples
        --------
        >>> from moonpost.terrain import Terrain
        >>> layer = Terrain.default("south").layers[0]
        >>> MapArea.of_layer(layer).cut(slice(5, 9), slice(7, 9)).offset_in(layer)
        (5, 7)
        """
        try:
            left, top, cell = _lattice(layer)
            axes, numbers = _stereographic(layer.projection.crs)
        except InputError:
            return None
        same = np.allclose(axes, self._axes, atol=1e-9)
        same = same and np.allclose(numbers, self._numbers, rtol=1e-9, atol=1e-3)
        if not same or abs(cell - self.cell_m) * max(self.shape) > _NATIVE * cell:
            return None
        row, col = (top - float(self.y_m[0])) / cell - 0.5, (float(self.x_m[0]) - left) / cell - 0.5
        if abs(row - round(row)) > _NATIVE or abs(col - round(col)) > _NATIVE:
            return None
        return round(row), round(col)

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
        >>> area = MapArea.about(-90.0, 0.0, 1000.0, cell_m=100.0)
        >>> row, col = area.locate(-90.0, 0.0)
        >>> float(row), float(col)
        (4.5, 4.5)
        """
        lat, lon = np.broadcast_arrays(np.asarray(latitude_deg, float), np.asarray(longitude_deg, float))
        x, y = _forward(self._axes, self._numbers, _vectors(lat, lon)[2])
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

    def cell_area_m2(self, rows: slice = _ALL, cols: slice = _ALL) -> Floats:
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

    def cut(self, rows: slice = _ALL, cols: slice = _ALL) -> MapArea:
        """Cut a part out of the grid.

        Parameters
        ----------
        rows, cols : slice
            The part, without steps.

        Returns
        -------
        MapArea
            The same cells.

        Raises
        ------
        InputError
            If nothing would be left, or a slice has a step.
        """
        x, y = self.x_m[cols], self.y_m[rows]
        if not (x.size and y.size and rows.step in (None, 1) and cols.step in (None, 1)):
            raise InputError(
                f"rows {rows}, columns {cols} of a grid of {self.shape}",
                where="MapArea.cut",
                advice="give slices without steps that hold cells",
            )
        return MapArea(self.wkt, x, y, self.cell_m)

    def array(
        self,
        values: ArrayLike,
        *,
        name: str,
        units: str,
        long_name: str,
        source: str,
        dims: tuple[str, ...] = ("y", "x"),
        coords: dict[str, Any] | None = None,
        **attrs: Any,
    ) -> xr.DataArray:
        """Label values of the cells.

        Parameters
        ----------
        values : array_like
            Values of which the dimensions "y" and "x" are rows and columns of this grid.
        name, units, long_name, source : str
            What the values are, in which unit, and where they come from.
        dims : tuple of str
            Names of the dimensions.
        coords : dict, optional
            Coordinates of further dimensions, as xarray takes them.
        **attrs
            More attributes.

        Returns
        -------
        xarray.DataArray
            With the coordinates of the cell centres, and the system (`crs_wkt`) and the `transform` among the
            attributes.

        Raises
        ------
        InputError
            If the shape does not fit.

        Examples
        --------
        >>> area = MapArea.about(-90.0, 0.0, 300.0, cell_m=100.0)
        >>> area.array(np.zeros(area.shape), name="slope", units="deg", long_name="slope", source="a test").shape
        (3, 3)
        """
        import xarray as xr

        data = np.asarray(values)
        wanted = dict(zip(("y", "x"), self.shape, strict=True))
        if len(dims) != data.ndim or any(wanted.get(d, n) != n for d, n in zip(dims, data.shape, strict=True)):
            raise InputError(
                f"values of shape {data.shape} with dimensions {dims} on a map of {self.shape}",
                where=f"MapArea.array({name!r})",
                advice="give values whose 'y' and 'x' are the rows and columns of the map",
            )
        axes = {
            "y": ("y", self.y_m, {"units": "m", "standard_name": "projection_y_coordinate"}),
            "x": ("x", self.x_m, {"units": "m", "standard_name": "projection_x_coordinate"}),
        }
        known = {dim: axes[dim] for dim in dims if dim in axes}
        return xr.DataArray(
            data,
            dims=dims,
            coords={**known, **(coords or {})},
            name=name,
            attrs={
                "units": units,
                "long_name": long_name,
                "source": source,
                "crs_wkt": self.wkt,
                "transform": list(self.transform),
                **attrs,
            },
        )

    def record(self) -> dict[str, Any]:
        """The grid as plain data for provenance: `wkt`, `left_m`, `top_m`, `cell_m`, `rows`, `cols`.

        Returns
        -------
        dict
            JSON types only.
        """
        _, _, left, _, _, top = self.transform
        rows, cols = self.shape
        return {"wkt": self.wkt, "left_m": left, "top_m": top, "cell_m": self.cell_m, "rows": rows, "cols": cols}

    def _from_map(self, x: Floats, y: Floats) -> Floats:
        """Unit vectors of map coordinates."""
        size, x0, y0 = self._numbers
        right, up = (x - x0) / size, (y - y0) / size
        square = right * right + up * up
        vectors = (2.0 * right)[..., None] * self._axes[0] + (2.0 * up)[..., None] * self._axes[1]
        return (vectors + (1.0 - square)[..., None] * self._axes[2]) / (1.0 + square)[..., None]

    def _check(self) -> None:
        """Refuse coordinates that are not those of a regular grid."""
        _positive("MapArea.cell_m", self.cell_m)
        for name, values, step in (("x_m", self.x_m, self.cell_m), ("y_m", self.y_m, -self.cell_m)):
            fits = values.ndim == 1 and values.size > 0 and bool(np.isfinite(values).all())
            if fits:
                regular = values[0] + step * np.arange(values.size)
                fits = bool(np.abs(values - regular).max() <= _NATIVE * self.cell_m)
            if not fits:
                raise InputError(
                    "not the centres of regular cells",
                    where=f"MapArea.{name}",
                    advice="x_m grows and y_m falls by cell_m; 'MapArea.about' and 'MapArea.of_file' make them",
                )


def _positive(name: str, value: float) -> float:
    """A positive finite number, or what is wrong with it."""
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (good and math.isfinite(value) and 0.0 < value <= 4.0 * MOON_RADIUS_M):
        raise InputError(f"{value!r}", where=name, advice="give a positive number of metres, at most 6950 km")
    return float(value)


def _map_system(place: Site) -> str:
    """Coordinate reference system of a map about a place."""
    from pyproj import CRS
    from pyproj.crs import ProjectedCRS
    from pyproj.crs.coordinate_operation import StereographicConversion

    if abs(place.latitude_deg) >= POLAR_MAP_LATITUDE_DEG:
        return str(CRS("IAU_2015:30135" if place.latitude_deg < 0.0 else "IAU_2015:30130").to_wkt())
    longitude = (place.longitude_deg + 180.0) % 360.0 - 180.0
    system = ProjectedCRS(
        conversion=StereographicConversion(place.latitude_deg, longitude),
        geodetic_crs=CRS("IAU_2015:30100"),
        name=f"Moon (2015) - Sphere / Ocentric / Stereographic about {place.latitude_deg:.6g}, {longitude:.6g}",
    )
    return str(system.to_wkt())


def _stereographic(crs: CRS) -> tuple[Floats, tuple[float, float, float]]:
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
    error = np.hypot(*(a - b for a, b in zip(_forward(axes, found, points), (x, y), strict=True))).max()
    if not error < 1e-3:
        raise InputError(
            f"the axes of its system {crs.name!r} are not to the right and up",
            where="MapArea",
            advice="make a map with 'MapArea.about(latitude, longitude, width_m, cell_m=...)' instead",
        )
    return axes, found


def _lattice(layer: Layer) -> tuple[float, float, float]:
    """Left edge, top edge and cell of a layer that is a stereographic map with its north up."""
    a, b, left, d, e, top = layer.affine
    if b != 0.0 or d != 0.0 or a <= 0.0 or abs(a + e) > 1e-9 * a:
        raise InputError(
            "its cells are not squares with the first row at the top",
            where=layer.name,
            advice="make a map with 'MapArea.about(latitude, longitude, width_m, cell_m=...)' instead",
        )
    return left, top, a


def _forward(axes: Floats, numbers: tuple[float, float, float], up: Floats) -> tuple[Floats, Floats]:
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
