"""Permanent shadow: the highest Sun of all years in each direction, and the ground that it never reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.apparent import SUN_RADIUS_M
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, times
from moonpost.terrain.area import MapArea
from moonpost.terrain.profile import HorizonProfile

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.sky.almanac import Almanac

__all__ = [
    "NODAL_CYCLE_YEARS",
    "SunCeiling",
    "permanent_shadow",
    "sun_ceiling",
    "sun_margin",
]

NODAL_CYCLE_YEARS = 18.6
"""After this time the lunar node, and with it the Sun's path, has gone round once [years]."""
_LONGITUDES = 1440
_STEP_S = 21_600.0
_LOWEST_LATITUDE_DEG = 3.0
_NODE_M = 20_000.0
_IMPOSSIBLE_DEG = 180.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SunCeiling:
    """The Sun at its farthest north and farthest south, by the longitude over which it stands.

    Parameters
    ----------
    start, stop : numpy.datetime64
        The period, UTC.
    vectors_m : ndarray, shape (2, n, 3)
        From the Moon's centre to the apparent Sun in MOON_ME [m], for n equally spaced subsolar longitudes from 0;
        first the northernmost instant of each, then the southernmost.

    Notes
    -----
    In each direction of the horizon of a place north (south) of the tropics, the Sun stands highest when it stands
    northernmost (southernmost) on its way through that direction: its elevation at a given azimuth grows with its
    declination there. So these two rows of vectors give the highest Sun of all years for every place of a
    hemisphere.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> ceiling = sun_ceiling(Almanac.default(), "2020-01-01", "2039-01-01")
    >>> round(float(ceiling.top_deg(-90.0, 0.0).max()), 1)
    1.9
    """

    start: np.datetime64
    stop: np.datetime64
    vectors_m: Floats = field(repr=False)

    @property
    def years(self) -> float:
        """Length of the period [years]."""
        return float((self.stop - self.start) / np.timedelta64(1, "ms")) / (365.25 * 86.4e6)

    def top_deg(
        self,
        latitude_deg: float,
        longitude_deg: float,
        azimuths: int = 720,
        *,
        origin_deg: float = 0.0,
        height_m: float = 0.0,
    ) -> Floats:
        """Highest elevation that the Sun's upper limb ever reaches in each direction.

        Parameters
        ----------
        latitude_deg, longitude_deg : float
            The place [deg], at least 3 degrees from the equator.
        azimuths : int, default 720
            Number of directions.
        origin_deg : float, default 0.0
            True azimuth of the first one [deg]; minus the convergence for azimuths of a map.
        height_m : float, default 0.0
            Height of the place above the 1737.4 km sphere [m]; it matters by less than 0.0001 deg.

        Returns
        -------
        ndarray, shape (azimuths,)
            Elevation above the plane at right angles to the local vertical [deg], from true azimuth `origin_deg`
            clockwise; negative where the Sun stays below that plane.

        Raises
        ------
        InputError
            If the place is near the equator, where no ground is in permanent shadow for lack of a low Sun.

        Notes
        -----
        The centre's elevation is linear between 1440 longitudes (error 0.0001 deg). The limb adds
        r sqrt(1 + s^2), s being the slope of the centre's curve: the top of the strip that the disc sweeps.
        """
        if not abs(latitude_deg) >= _LOWEST_LATITUDE_DEG:
            raise InputError(
                f"latitude {latitude_deg!r}",
                where="latitude_deg",
                advice="give a place 3 degrees from the equator",
            )
        if not 4 <= azimuths <= 100_000:
            raise InputError(f"{azimuths} azimuths", where="azimuths", advice="give 4 to 100,000")
        site = Site(latitude_deg, longitude_deg, height_m)
        sight = self.vectors_m[0 if latitude_deg > 0.0 else 1] - site.position_m
        east, north, up = site.basis @ sight.T
        distance = np.sqrt(east**2 + north**2 + up**2)
        level = np.hypot(east, north)
        azimuth = np.degrees(np.arctan2(east, north))
        elevation = np.degrees(np.arctan2(up, level))
        radius = np.degrees(np.arcsin(SUN_RADIUS_M / distance))
        order = np.argsort(azimuth)
        azimuth, elevation, radius = azimuth[order], elevation[order], radius[order]
        ahead, behind = np.roll(azimuth, -1), np.roll(azimuth, 1)
        ahead[-1] += 360.0
        behind[0] -= 360.0
        rise = (np.roll(elevation, -1) - np.roll(elevation, 1)) / (ahead - behind)
        top = elevation + radius * np.sqrt(1.0 + (rise / np.cos(np.radians(elevation))) ** 2)
        wanted = origin_deg + np.arange(azimuths) * 360.0 / azimuths
        return np.asarray(np.interp(wanted, azimuth, top, period=360.0))

    def margin_deg(self, profile: HorizonProfile) -> float:
        """How far the Sun's upper limb ever comes above a horizon.

        Parameters
        ----------
        profile : HorizonProfile
            The horizon.

        Returns
        -------
        float
            Largest elevation of the limb over the horizon [deg]; 0 or less in permanent shadow.
        """
        site = profile.site
        top = self.top_deg(site.latitude_deg, site.longitude_deg, profile.azimuth_deg.size, height_m=site.height_m)
        return float((top - profile.elevation_deg).max())


def sun_ceiling(almanac: Almanac, start: TimeLike = "2020-01-01", stop: TimeLike = "2039-01-01") -> SunCeiling:
    """Find the highest Sun of a period for each direction, for all places at once.

    Parameters
    ----------
    almanac : Almanac
        Where the Sun is.
    start, stop : time
        The period, UTC. Shadow is permanent only over at least 18.6 years.

    Returns
    -------
    SunCeiling
        To be asked for any place.

    Raises
    ------
    DateError
        If the period lies outside the kernels.
    InputError
        If it is shorter than two lunar months: then the Sun has not gone round.

    Notes
    -----
    The apparent Sun (light time, aberration) is computed every six hours; between these its latitude and distance
    are linear against its longitude (error 0.00001 deg). Of all passes over a longitude the one counts whose
    latitude plus angular radius is greatest.

    References
    ----------
    Mazarico, E. et al. (2011), Illumination conditions of the lunar polar regions using LOLA topography, Icarus
    211, 1066-1081, DOI 10.1016/j.icarus.2010.10.030, for permanent shadow from horizons.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> sun_ceiling(Almanac.default(), "2020-01-01", "2021-01-01").vectors_m.shape
    (2, 1440, 3)
    """
    t = times(start, stop, _STEP_S)
    sun = almanac.moon_fixed_m("sun", t, apparent=True)
    distance = np.linalg.norm(sun, axis=1)
    longitude = -np.degrees(np.unwrap(np.arctan2(sun[:, 1], sun[:, 0])))
    latitude = np.degrees(np.arcsin(sun[:, 2] / distance))
    step = 360.0 / _LONGITUDES
    first, last = math.ceil(longitude[0] / step), math.floor(longitude[-1] / step)
    if last - first < 2 * _LONGITUDES:
        raise InputError(
            "the Sun does not go round twice",
            where="start, stop",
            advice="give a longer period, 18.6 years for permanent shadow",
        )
    count = (last - first + 1) // _LONGITUDES * _LONGITUDES
    passes = (first + np.arange(count)) * step
    crossing = np.interp(passes, longitude, latitude).reshape(-1, _LONGITUDES)
    away = np.interp(passes, longitude, distance).reshape(-1, _LONGITUDES)
    over = np.radians(-passes[:_LONGITUDES])
    radius = np.degrees(np.arcsin(SUN_RADIUS_M / away))
    vectors = np.empty((2, _LONGITUDES, 3))
    columns = np.arange(_LONGITUDES)
    for row, side in enumerate((1.0, -1.0)):
        best = np.argmax(side * crossing + radius, axis=0)
        phi, far = np.radians(crossing[best, columns]), away[best, columns]
        flat = np.cos(phi)
        vectors[row] = (far * np.stack([flat * np.cos(over), flat * np.sin(over), np.sin(phi)])).T
    return SunCeiling(t[0], t[-1], vectors)


def sun_margin(
    horizons: NDArray[Any], area: MapArea, ceiling: SunCeiling, *, source: str = "horizons and ephemeris"
) -> xr.DataArray:
    """How far the Sun's upper limb ever comes above the horizons of a map.

    Parameters
    ----------
    horizons : ndarray, shape (azimuths, rows, cols)
        Horizons of the cells at equally spaced map azimuths (clockwise from the top of the map): int16 in
        hundredths of a degree with -32768 for none, or floating point in degrees with NaN for none.
    area : MapArea
        The grid of the cells, whole or a tile of it.
    ceiling : SunCeiling
        The highest Sun.
    source : str
        Where the horizons come from, for the record.

    Returns
    -------
    xarray.DataArray
        ``sun_margin_deg`` [deg]: largest elevation of the limb over the horizon; 0 or less in permanent shadow;
        NaN without a horizon.

    Raises
    ------
    InputError
        If shapes or types do not fit.

    Notes
    -----
    The limb's elevation in each direction is exact at nodes at most 20 km apart and bilinear in between, which
    takes the tilt of the vertical and the turn of north along (error below 0.001 deg). Two tiles that share a cell
    may differ there by as much.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> area = MapArea.about(-90.0, 0.0, 3000.0, cell_m=1000.0)
    >>> level = np.zeros((720, *area.shape), np.int16)
    >>> ceiling = sun_ceiling(Almanac.default())
    >>> round(float(sun_margin(level, area, ceiling)[1, 1]), 1)
    1.9
    """
    from moonpost.terrain.shadowkernels import highest_margin

    if horizons.ndim != 3 or horizons.shape[1:] != area.shape:
        raise InputError(
            f"horizons of shape {horizons.shape} on a map of {area.shape}",
            where="horizons",
            advice="give one for each azimuth, row and column",
        )
    whole = horizons.dtype == np.int16
    if not whole and horizons.dtype.kind != "f":
        raise InputError(f"type {horizons.dtype.name}", where="horizons", advice="give int16 or floating point")
    rows, cols = (_nodes(count, area) for count in area.shape)
    tops = _tops(ceiling, area, rows, cols, horizons.shape[0])
    out = np.full(area.shape, -np.inf, dtype=np.float32)
    highest_margin(horizons, tops, rows, cols, np.float32(0.01 if whole else 1.0), out)
    # A horizon of -327.68 deg stands for none.
    out[out > _IMPOSSIBLE_DEG if whole else np.isnan(horizons).any(axis=0)] = np.nan
    return area.array(
        out,
        name="sun_margin_deg",
        units="deg",
        long_name="highest elevation of the Sun's limb over the horizon",
        source=source,
        period=f"{str(ceiling.start)[:10]} to {str(ceiling.stop)[:10]}",
    )


def permanent_shadow(
    horizons: NDArray[Any], area: MapArea, ceiling: SunCeiling, *, source: str = "horizons and ephemeris"
) -> xr.DataArray:
    """Ground on which no part of the Sun ever shines.

    Parameters
    ----------
    horizons : ndarray, shape (azimuths, rows, cols)
        Horizons of the ground, as for `sun_margin`.
    area : MapArea
        The grid of the cells.
    ceiling : SunCeiling
        The highest Sun, over at least 18.6 years.
    source : str
        Where the horizons come from, for the record.

    Returns
    -------
    xarray.DataArray
        ``psr``: 1 in permanent shadow, 0 elsewhere, NaN without a horizon.

    Raises
    ------
    InputError
        If shapes or types do not fit, or the ceiling covers less than 18.6 years.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> area = MapArea.about(-90.0, 0.0, 3000.0, cell_m=1000.0)
    >>> pit = np.full((720, *area.shape), 200, np.int16)
    >>> float(permanent_shadow(pit, area, sun_ceiling(Almanac.default()))[1, 1])
    1.0
    """
    if ceiling.years < NODAL_CYCLE_YEARS - 0.05:
        raise InputError(
            f"the highest Sun of {ceiling.years:.1f} years",
            where="ceiling",
            advice="take sun_ceiling over at least 18.6 years, or use sun_margin",
        )
    margin = sun_margin(horizons, area, ceiling, source=source)
    values = np.where(np.isnan(margin.values), np.nan, margin.values <= 0.0).astype(np.float32)
    return area.array(
        values,
        name="psr",
        units="1",
        long_name="permanent shadow",
        source=source,
        period=str(margin.attrs["period"]),
    )


def _nodes(count: int, area: MapArea) -> NDArray[np.int64]:
    """Cells at which the limb is computed along one side, the first and the last among them; at least two."""
    parts = max(1, math.ceil((count - 1) * area.cell_m / _NODE_M))
    cells = np.unique(np.rint(np.linspace(0.0, count - 1.0, parts + 1)).astype(np.int64))
    return cells if cells.size > 1 else np.array([0, 0])


def _tops(
    ceiling: SunCeiling, area: MapArea, rows: NDArray[np.int64], cols: NDArray[np.int64], azimuths: int
) -> NDArray[np.float32]:
    """Highest limb at the nodes, shape (azimuths, nodes down, nodes across), in the map's azimuths."""
    tops = np.empty((azimuths, rows.size, cols.size), dtype=np.float32)
    for i, row in enumerate(rows):
        latitude, longitude = (part[0, cols] for part in area.places(slice(row, row + 1)))
        turn = area.convergence_deg(latitude, longitude)
        for j in range(cols.size):
            tops[:, i, j] = ceiling.top_deg(
                float(latitude[j]), float(longitude[j]), azimuths, origin_deg=-float(turn[j])
            )
    return tops
