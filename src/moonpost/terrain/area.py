"""Regular map grids on the Moon: the cells of every map that Moonpost makes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.sky.site import Site
from moonpost.terrain.layer import Layer
from moonpost.terrain.mapgrid import ALL, NATIVE, MapGrid, forward, positive, stereographic
from moonpost.terrain.projection import lunar_crs

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["POLAR_MAP_LATITUDE_DEG", "MapArea"]

POLAR_MAP_LATITUDE_DEG = 60.0
"""Latitude from which on maps are polar stereographic [deg]; others are stereographic about their own middle."""

Floats = NDArray[np.float64]
_MOST_CELLS = 1_000_000


@dataclass(frozen=True, eq=False)
class MapArea(MapGrid):
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
        cell = positive("cell_m", cell_m)
        width = positive("width_m", width_m)
        height = width if height_m is None else positive("height_m", height_m)
        wkt = _map_system(place)
        axes, numbers = stereographic(lunar_crs(wkt, "MapArea.about"))
        x, y = forward(axes, numbers, place.basis[2])
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
        width = positive("width_m", width_m)
        height = width if height_m is None else positive("height_m", height_m)
        left, top, cell = _lattice(layer)
        axes, numbers = stereographic(layer.projection.crs)
        x, y = forward(axes, numbers, place.basis[2])
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
            axes, numbers = stereographic(layer.projection.crs)
        except InputError:
            return None
        same = np.allclose(axes, self._axes, atol=1e-9)
        same = same and np.allclose(numbers, self._numbers, rtol=1e-9, atol=1e-3)
        if not same or abs(cell - self.cell_m) * max(self.shape) > NATIVE * cell:
            return None
        row, col = (top - float(self.y_m[0])) / cell - 0.5, (float(self.x_m[0]) - left) / cell - 0.5
        if abs(row - round(row)) > NATIVE or abs(col - round(col)) > NATIVE:
            return None
        return round(row), round(col)

    def cut(self, rows: slice = ALL, cols: slice = ALL) -> MapArea:
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
