"""What an instrument that looks straight down has seen of the Moon, by latitude band and over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SurfaceCoverage", "half_swath_rad", "surface_coverage"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_CHUNK = 20_000


@dataclass(frozen=True, eq=False)
class SurfaceCoverage:
    """When each cell of the surface was first seen.

    Parameters
    ----------
    latitude_deg : ndarray, shape (k,)
        Middles of the rows of cells [deg].
    longitude_deg : ndarray, shape (m,)
        Middles of the columns [deg].
    first_day : ndarray, shape (k, m)
        When it was first seen from the start of the flight; NaN if never [d].
    days : float
        Length of the flight [d].
    """

    latitude_deg: Floats
    longitude_deg: Floats
    first_day: Floats
    days: float

    def share(
        self, days: npt.ArrayLike, least_latitude_deg: float = -90.0, most_latitude_deg: float = 90.0
    ) -> Floats:
        """Part of the area of a latitude band that was seen by certain days.

        Parameters
        ----------
        days : array_like, shape (n,)
            Days from the start of the flight [d].
        least_latitude_deg, most_latitude_deg : float
            The band [deg].

        Returns
        -------
        ndarray, shape (n,)
            0 to 1, weighted by area.

        Raises
        ------
        InputError
            If no row of cells lies in the band.

        Examples
        --------
        >>> grid = SurfaceCoverage(np.array([-45.0, 45.0]), np.array([0.0]), np.array([[1.0], [np.nan]]), 2.0)
        >>> grid.share([0.5, 2.0]).tolist(), grid.share(2.0, -90, 0).tolist()
        ([0.0, 0.5], [1.0])
        """
        inside = (self.latitude_deg >= least_latitude_deg) & (self.latitude_deg <= most_latitude_deg)
        if not inside.any():
            raise InputError(
                f"no cells between {least_latitude_deg} and {most_latitude_deg} deg",
                where="latitude band",
                advice="widen it, or make finer cells",
            )
        weight = np.repeat(np.cos(np.radians(self.latitude_deg[inside])), self.longitude_deg.size)
        when = np.where(np.isnan(self.first_day[inside]), np.inf, self.first_day[inside]).ravel()
        order = np.argsort(when)
        total = np.concatenate([[0.0], np.cumsum(weight[order])])
        asked = np.atleast_1d(np.asarray(days, dtype=np.float64))
        return np.asarray(total[np.searchsorted(when[order], asked, side="right")] / weight.sum())

    def to_dataset(self) -> xr.Dataset:
        """The grid as an xarray data set.

        Returns
        -------
        xarray.Dataset
            ``first_day`` over latitude and longitude.
        """
        import xarray as xr

        return xr.Dataset(
            {"first_day": (("latitude_deg", "longitude_deg"), self.first_day, {"units": "d"})},
            coords={"latitude_deg": self.latitude_deg, "longitude_deg": self.longitude_deg},
            attrs={"days": self.days, "frame": "MOON_ME"},
        )


def half_swath_rad(altitude_m: npt.ArrayLike, field_of_view_deg: float) -> Floats:
    r"""Angle at the Moon's centre from the point below to the edge of the field of view.

    Parameters
    ----------
    altitude_m : array_like
        Altitude above 1737.4 km [m].
    field_of_view_deg : float
        Whole angle across the track [deg].

    Returns
    -------
    ndarray
        [rad]; the horizon where the field of view is wider than the Moon.

    Raises
    ------
    InputError
        If the angle is not above 0 and below 180 deg.

    Notes
    -----
    :math:`\arcsin(\tfrac{r}{R} \sin\eta) - \eta`, with half the field of view :math:`\eta`.

    Examples
    --------
    >>> round(2 * float(half_swath_rad(50e3, 10.0)) * MOON_RADIUS_M / 1e3, 2)
    8.75
    """
    if not 0.0 < field_of_view_deg < 180.0:
        raise InputError(
            f"{field_of_view_deg} deg", where="field_of_view_deg", advice="give above 0 and below 180"
        )
    half = math.radians(0.5 * field_of_view_deg)
    ratio = 1.0 + np.asarray(altitude_m, dtype=np.float64) / MOON_RADIUS_M
    sine = ratio * math.sin(half)
    inside = np.arcsin(np.minimum(sine, 1.0)) - half
    return np.asarray(np.where(sine < 1.0, inside, np.arccos(1.0 / ratio)))


def surface_coverage(
    flights: Sequence[Trajectory],
    field_of_view_deg: float,
    *,
    cell_deg: float = 0.5,
    least_sun_elevation_deg: float | None = None,
) -> SurfaceCoverage:
    """Find which cells of the surface instruments that look straight down have seen, and when first.

    Parameters
    ----------
    flights : sequence of Trajectory
        One or several satellites round the Moon, with dense output and of one start.
    field_of_view_deg : float
        Whole angle across the track [deg].
    cell_deg : float, default 0.5
        Size of the cells of latitude and longitude; 0.5 deg is 15 km at the equator [deg].
    least_sun_elevation_deg : float, optional
        Only where the Sun stands this high at the point below the satellite, for cameras [deg].

    Returns
    -------
    SurfaceCoverage

    Raises
    ------
    InputError
        If a number cannot be used, or a flight has another centre or no dense output.

    Notes
    -----
    Cells have nearly equal areas, with fewer in the rows near the poles. A line across the track is laid at steps
    of a third of a cell and ends half a cell within the swath; a cell counts as seen when a point is in it, that
    is when about half of it is in the swath. Make cells narrower than the swath. The sphere is smooth.

    Examples
    --------
    >>> from moonpost.flight.environment import Environment
    >>> from moonpost.flight.propagate import propagate
    >>> from moonpost.flight.state import State
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=4)
    >>> flown = propagate(State.circling(env, "2030-01-01", 100e3, 90.0), "2030-01-01T12:00", env)
    >>> seen = surface_coverage([flown], 30.0, cell_deg=1.0)
    >>> bool(0.01 < seen.share(0.5)[0] < 0.1), round(float(seen.share(0.5, 89.0, 90.0)[0]), 6)
    (True, 1.0)
    """
    if not flights:
        raise InputError("no flights", where="flights", advice="give at least one")
    if not 0.01 <= cell_deg <= 30.0:
        raise InputError(f"{cell_deg} deg", where="cell_deg", advice="give 0.01 to 30")
    grid = _Grid(round(180.0 / cell_deg))
    first = np.full(grid.size, np.inf)
    begin = min(flown.start.time_tdb_s for flown in flights)
    for flown in flights:
        if flown.start.centre != "moon" or flown.duration_s <= 0.0:
            raise InputError("is no flight about the Moon onwards", where="flights", advice="fly about the Moon")
        _mark(first, flown, begin, field_of_view_deg, grid, least_sun_elevation_deg)
    days = max(flown.final.time_tdb_s for flown in flights) - begin
    table = grid.table(np.where(np.isinf(first), np.nan, first))
    return SurfaceCoverage(grid.latitude_deg, grid.longitude_deg, table, days / _DAY_S)


class _Grid:
    """Cells of nearly equal area: rows of latitude with fewer cells towards the poles."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.latitude_deg = -90.0 + (np.arange(rows) + 0.5) * 180.0 / rows
        self.longitude_deg = (np.arange(2 * rows) + 0.5) * 180.0 / rows
        wide = np.cos(np.radians(self.latitude_deg))
        self.counts = np.maximum(3, np.rint(2 * rows * wide)).astype(np.int64)
        self.starts = np.cumsum(self.counts) - self.counts
        self.size = int(self.counts.sum())

    def cells(self, spots: Floats) -> npt.NDArray[np.int64]:
        """Cells that unit vectors, shape (..., 3), lie in."""
        height = np.arcsin(np.clip(spots[..., 2], -1.0, 1.0)) / math.pi + 0.5
        row = np.minimum((height * self.rows).astype(np.int64), self.rows - 1)
        turn = np.arctan2(spots[..., 1], spots[..., 0]) / (2.0 * math.pi) % 1.0
        count = self.counts[row]
        return np.asarray(self.starts[row] + np.minimum((turn * count).astype(np.int64), count - 1))

    def table(self, values: Floats) -> Floats:
        """Values of the cells on even longitudes, shape (rows, 2 rows)."""
        column = (self.longitude_deg / 360.0 * self.counts[:, None]).astype(np.int64)
        return np.asarray(values[self.starts[:, None] + column])


def _mark(
    first: Floats,
    flown: Trajectory,
    begin: float,
    field_deg: float,
    grid: _Grid,
    least_sun_deg: float | None,
) -> None:
    """Put the days on which one flight sees cells into the table."""
    spacing = math.pi / grid.rows / 3.0
    low = float(np.linalg.norm(flown.states[:, :3], axis=1).min())
    step = spacing / math.sqrt(flown.env.gm_m3_s2["moon"] / low**3)
    count = int(flown.duration_s / step) + 1
    for chunk in range(0, count, _CHUNK):
        elapsed = step * np.arange(chunk, min(chunk + _CHUNK, count))
        tdb = flown.start.time_tdb_s + elapsed
        states = flown.at_elapsed(np.minimum(elapsed, flown.duration_s))
        turn = flown.env.rotation(tdb)
        place = np.einsum("nij,nj->ni", turn, states[:, :3])
        along = np.einsum("nij,nj->ni", turn, states[:, 3:])
        seen = np.ones(len(tdb), dtype=bool)
        if least_sun_deg is not None:
            sun = np.einsum("nij,nj->ni", turn, flown.env.body_m("sun", tdb))
            height = (
                np.einsum("ni,ni->n", place, sun) / np.linalg.norm(place, axis=1) / np.linalg.norm(sun, axis=1)
            )
            seen = height >= math.sin(math.radians(least_sun_deg))
        spots = _lines(place[seen], along[seen], field_deg, spacing)
        days = np.asarray((tdb[seen] - begin) / _DAY_S, dtype=np.float64)
        np.minimum.at(first, grid.cells(spots).ravel(), np.repeat(days, spots.shape[1]))


def _lines(place: Floats, along: Floats, field_deg: float, spacing: float) -> Floats:
    """Points on lines across the track as unit vectors, shape (n, points, 3)."""
    distance = np.linalg.norm(place, axis=1)
    out = place / distance[:, None]
    side = np.cross(out, along)
    side /= np.linalg.norm(side, axis=1)[:, None]
    half = np.maximum(half_swath_rad(distance - MOON_RADIUS_M, field_deg) - 1.5 * spacing, 0.0)
    points = int(2.0 * half.max(initial=0.0) / spacing) + 2
    angle = half[:, None] * np.linspace(-1.0, 1.0, points)
    return np.asarray(np.cos(angle)[..., None] * out[:, None] + np.sin(angle)[..., None] * side[:, None])
