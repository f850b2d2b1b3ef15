"""Map projections of terrain files: which are the Moon's, and closed forms that compiled loops can use."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import DataError
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    from pyproj import CRS

__all__ = ["GENERIC", "PLATE", "POLAR_NORTH", "POLAR_SOUTH", "Projection", "lunar_crs"]

GENERIC = 0
POLAR_SOUTH = 1
POLAR_NORTH = 2
PLATE = 3

_ADVICE = (
    "give it a lunar one on the 1737.4 km sphere, for instance with "
    "'gdal_translate -a_srs IAU_2015:30135 IN.tif OUT.tif' for the south pole (30130 for the north, "
    "30100 for latitude and longitude)"
)


def lunar_crs(wkt: str | None, where: str) -> CRS:
    """Read a coordinate reference system and make sure that it is the Moon's.

    Parameters
    ----------
    wkt : str or None
        The system as well-known text; None or empty when the file has none.
    where : str
        The file, for the message.

    Returns
    -------
    pyproj.CRS
        The system.

    Raises
    ------
    DataError
        If there is none, it cannot be read, it has no map coordinates, or its body is not the 1737.4 km sphere.

    Examples
    --------
    >>> from pyproj import CRS
    >>> lunar_crs(CRS("IAU_2015:30135").to_wkt(), "dem.tif").name
    'Moon (2015) - Sphere / Ocentric / South Polar'
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    if not wkt:
        raise DataError("has no coordinate reference system", where=where, advice=_ADVICE)
    try:
        crs = CRS.from_wkt(wkt)
    except CRSError as error:
        raise DataError(
            f"its coordinate reference system cannot be read ({error})", where=where, advice=_ADVICE
        ) from error
    body = crs.ellipsoid
    if body is None or not (crs.is_geographic or crs.is_projected):
        raise DataError(
            f"its coordinate reference system {crs.name!r} is not a map of the Moon", where=where, advice=_ADVICE
        )
    a, b = float(body.semi_major_metre or math.nan), float(body.semi_minor_metre or math.nan)
    if not (abs(a - MOON_RADIUS_M) <= 1.0 and abs(b - MOON_RADIUS_M) <= 1.0):
        kind = "the Earth's" if a > 6.3e6 else "not on the Moon's 1737.4 km sphere"
        raise DataError(
            f"its coordinate reference system {crs.name!r} is {kind} (half axes {a:.0f} and {b:.0f} m)",
            where=where,
            advice=_ADVICE,
        )
    return crs


@dataclass(frozen=True, eq=False)
class Projection:
    """The way from directions on the sphere to the map coordinates of one file.

    Parameters
    ----------
    crs : pyproj.CRS
        A lunar system, see `lunar_crs`.
    bounds : tuple of float
        Left, bottom, right and top of the file in map coordinates; closed forms are tried against PROJ there.

    Notes
    -----
    `kind` is `POLAR_SOUTH`, `POLAR_NORTH` or `PLATE` when a closed form on the sphere agrees with PROJ over the
    bounds to a millionth of their size, else `GENERIC`, which asks PROJ for every point. The numbers of a closed
    form are found from PROJ itself (two or three points), so names and axes of a CRS cannot be misread.

    References
    ----------
    Snyder, J. P. (1987), Map projections: a working manual, USGS Professional Paper 1395, eqs. 21-5 to 21-12,
    DOI 10.3133/pp1395.

    Examples
    --------
    >>> from pyproj import CRS
    >>> polar = Projection(CRS("IAU_2015:30135"), (-1e4, -1e4, 1e4, 1e4))
    >>> polar.kind == POLAR_SOUTH
    True
    >>> x, y = polar.to_map(np.array([-89.9]), np.array([0.0]))
    >>> round(float(y[0]), 1)
    3032.3
    """

    crs: CRS
    bounds: tuple[float, float, float, float]
    kind: int = field(init=False)
    numbers: NDArray[np.float64] = field(init=False)
    _forward: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from pyproj import Transformer

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transformer = Transformer.from_crs(self.crs.geodetic_crs, self.crs, always_xy=True)
        object.__setattr__(self, "_forward", transformer)
        kind, numbers = self._closed_form()
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "numbers", numbers)

    def to_map(
        self, latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Map coordinates of places, by PROJ; infinite where it has none."""
        x, y = self._forward.transform(longitude_deg, latitude_deg)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def from_map(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude [deg] of map coordinates, by PROJ; infinite where it has none."""
        longitude, latitude = self._forward.transform(x, y, direction="INVERSE")
        return np.asarray(latitude, dtype=np.float64), np.asarray(longitude, dtype=np.float64)

    def _closed_form(self) -> tuple[int, NDArray[np.float64]]:
        """Find the first closed form that agrees with PROJ."""
        for kind, fit in (
            (POLAR_SOUTH, self._fit_polar),
            (POLAR_NORTH, self._fit_polar),
            (PLATE, self._fit_plate),
        ):
            numbers = fit(kind)
            if np.all(np.isfinite(numbers)) and self._agrees(kind, numbers):
                return kind, numbers
        return GENERIC, np.zeros(6)

    def _fit_polar(self, kind: int) -> NDArray[np.float64]:
        """Scale, central meridian and origin of a polar stereographic map, from the pole and one point."""
        side = -1.0 if kind == POLAR_SOUTH else 1.0
        x, y = self.to_map(np.array([90.0, 80.0]) * side, np.zeros(2))
        if not np.all(np.isfinite(np.concatenate([x, y]))):
            return np.full(6, np.nan)
        east, north = x[1] - x[0], -side * (y[1] - y[0])
        length = math.hypot(east, north)
        factor = math.cos(math.radians(80.0)) / (1.0 + math.sin(math.radians(80.0)))
        if length == 0.0:
            return np.full(6, np.nan)
        return np.array([length / factor, north / length, -east / length, x[0], y[0], 0.0])

    def _fit_plate(self, kind: int) -> NDArray[np.float64]:
        """Slopes and offsets of a map that is linear in longitude and latitude, and the way round the globe."""
        del kind
        left, bottom, right, top = self.bounds
        lat, lon = self.from_map(np.array([(left + right) / 2.0]), np.array([(bottom + top) / 2.0]))
        if not (np.isfinite(lat[0]) and np.isfinite(lon[0])):
            return np.full(6, np.nan)
        down = -1.0 if lat[0] > 0.0 else 1.0
        x, y = self.to_map(lat[0] + np.array([0.0, 0.0, down]), lon[0] + np.array([0.0, 1e-3, 0.0]))
        east, north = math.degrees((x[1] - x[0]) / 1e-3), math.degrees((y[2] - y[0]) * down)
        period = abs(east) * 2.0 * math.pi
        x0 = x[0] - east * math.radians(lon[0])
        start = min(left, right) if abs(right - left) >= period * (1 - 1e-9) else (left + right - period) / 2.0
        return np.array([east, x0, north, y[0] - north * math.radians(lat[0]), start, period])

    def _agrees(self, kind: int, numbers: NDArray[np.float64]) -> bool:
        """Whether a closed form gives PROJ's coordinates over the bounds."""
        from moonpost.terrain.kernels import project_many

        left, bottom, right, top = self.bounds
        grid_x, grid_y = np.meshgrid(np.linspace(left, right, 7)[1:-1], np.linspace(bottom, top, 7)[1:-1])
        lat, lon = self.from_map(grid_x.ravel(), grid_y.ravel())
        good = np.isfinite(lat) & np.isfinite(lon)
        if not np.any(good):
            return False
        x, y = project_many(kind, numbers, np.radians(lat[good]), np.radians(lon[good]))
        size = max(abs(right - left), abs(top - bottom))
        error = np.hypot(x - grid_x.ravel()[good], y - grid_y.ravel()[good])
        return bool(np.max(error) <= 1e-6 * size)
