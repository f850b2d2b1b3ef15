"""Temperatures of sloping ground: at a latitude, and at a site under its own horizon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.thermal.columns import Grid
from moonpost.thermal.maps import GroundMap, regolith_map
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties
from moonpost.thermal.shadow import patch_ground
from moonpost.thermal.sunpath import SunPath
from moonpost.thermal.views import TerrainPatch, sky_view

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.times import TimeLike
    from moonpost.terrain.profile import HorizonProfile
    from moonpost.terrain.surface import Terrain

__all__ = ["SiteGround", "site_ground", "site_in_terrain", "sloping_day"]

_SIDE, _BLOCK = 125, 5


@dataclass(frozen=True, eq=False)
class SiteGround:
    """Ground of a site over a span, in balance with its repetition.

    Parameters
    ----------
    sun : SunPath
        The Sun over the span.
    ground : GroundMap
        Of one place, with its series.
    sky_view : float
        Share of the sky in the view of the ground.
    permanent_shadow : bool
        Whether no direct sunlight reaches it in the span.
    """

    sun: SunPath
    ground: GroundMap
    sky_view: float
    permanent_shadow: bool

    @property
    def time(self) -> npt.NDArray[np.datetime64]:
        """Ends of the steps.

        Returns
        -------
        ndarray of datetime64, shape (steps,)
            UTC.
        """
        step = np.timedelta64(round(1000.0 * self.sun.step_s), "ms")
        assert self.sun.start is not None
        return self.sun.start + step * (np.arange(len(self.sun.direction)) + 1)

    @property
    def surface_k(self) -> npt.NDArray[np.float32]:
        """Surface temperature at the ends of the steps.

        Returns
        -------
        ndarray, shape (steps,)
            [K].
        """
        assert self.ground.surface_k is not None
        return self.ground.surface_k

    def to_dict(self, depths_m: Sequence[float] = ()) -> dict[str, Any]:
        """Key temperatures, for JSON.

        Parameters
        ----------
        depths_m : sequence of float
            Depths at which the mean is wanted [m].

        Returns
        -------
        dict
            Extremes with their dates, means, view of the sky and whether it lies in permanent shadow.
        """
        ground = self.ground
        return {
            "surface_min_k": round(float(ground.surface_min_k), 3),
            "surface_min_utc": str(self.time[int(ground.coldest_step)].astype("datetime64[s]")) + "Z",
            "surface_max_k": round(float(ground.surface_max_k), 3),
            "surface_max_utc": str(self.time[int(ground.warmest_step)].astype("datetime64[s]")) + "Z",
            "surface_mean_k": round(float(ground.surface_mean_k), 3),
            "mean_at_depth_k": {f"{depth:g}": round(float(ground.mean_at_k(depth)), 3) for depth in depths_m},
            "absorbed_mean_w_m2": round(float(ground.absorbed_w_m2), 4),
            "sky_view": round(self.sky_view, 4),
            "permanent_shadow": self.permanent_shadow,
        }


def site_ground(
    profile: HorizonProfile,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    step_s: float = 7200.0,
    slope_deg: float = 0.0,
    aspect_deg: float = 0.0,
    background_w_m2: float = 0.0,
    albedo: float | None = None,
    properties: RegolithProperties = HAYNE_2017,
    grid: Grid | None = None,
) -> SiteGround:
    """Find the temperatures of the ground at a site under its own horizon and slope.

    Parameters
    ----------
    profile : HorizonProfile
        Horizon of the site; for ground, of a low mast.
    almanac : Almanac
        Ephemerides.
    start, stop : time
        Span that is repeated, in UTC: a year near the poles, whole lunar days elsewhere.
    step_s : float
        Step [s].
    slope_deg, aspect_deg : float
        Steepness, and the azimuth to which the ground falls [deg].
    background_w_m2 : float
        Absorbed besides direct sunlight [W/m2]; must not be 0 in permanent shadow.
    albedo : float, optional
        Bond albedo with the Sun overhead.
    properties : RegolithProperties
        Of the ground.
    grid : Grid, optional
        Cells in depth.

    Returns
    -------
    SiteGround
        Temperatures, view of the sky, and whether the site lies in permanent shadow.

    Raises
    ------
    InputError
        If the site lies in permanent shadow and there is no background; take `patch_ground` to compute it.
    DateError
        If the span leaves the ephemerides.

    Notes
    -----
    As `regolith_map`. What terrain adds by scattered light and infrared is not known from a horizon alone: it is
    `background_w_m2`, and the share of the view that terrain takes is 1 - `sky_view`.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> from moonpost.terrain import HorizonProfile
    >>> level = HorizonProfile.flat(Site(0.0, 0.0))
    >>> found = site_ground(level, Almanac.default(), "2030-01-01", "2030-01-30T12:44", step_s=3600.0)
    >>> bool(90.0 < found.ground.surface_min_k < 97.0), found.sky_view
    (True, 1.0)
    """
    sun = SunPath.of(almanac, start, stop, step_s)
    ground = regolith_map(
        sun,
        profile.site.latitude_deg,
        profile.site.longitude_deg,
        horizon_deg=profile.elevation_deg,
        slope_deg=slope_deg,
        aspect_deg=aspect_deg,
        background_w_m2=background_w_m2,
        albedo=albedo,
        properties=properties,
        grid=grid,
        series=True,
        workers=1,
    )
    direct = float(ground.absorbed_w_m2) - background_w_m2
    view = float(sky_view(profile.elevation_deg, slope_deg, aspect_deg))
    return SiteGround(sun, ground, view, direct <= 1e-12 * max(background_w_m2, 1.0))


def site_in_terrain(
    terrain: Terrain,
    latitude_deg: float,
    longitude_deg: float,
    sun: SunPath,
    *,
    reach_m: float = 20_000.0,
    background_w_m2: float = 0.0,
    depths_m: Sequence[float] = (),
) -> dict[str, Any]:
    """Key temperatures of a site that the terrain round it shades, lights and warms.

    Parameters
    ----------
    terrain : Terrain
        Heights.
    latitude_deg, longitude_deg : float
        The site [deg].
    sun : SunPath
        The Sun over the span that is repeated.
    reach_m : float
        Distance to which terrain is taken [m].
    background_w_m2 : float
        Absorbed besides [W/m2].
    depths_m : sequence of float
        Depths at which the mean is wanted [m].

    Returns
    -------
    dict
        Extremes and means, absorbed sunlight, scattered light and infrared, view of the sky, permanent shadow; all
        of the middle one of 25 by 25 joined cells, each of 5 by 5.

    Raises
    ------
    InputError
        If the reach is out of range, the terrain has a hole there, or the site gets no light at all.

    Notes
    -----
    As `patch_ground`. The site is a cell of a twelfth of the reach: its slope is that of the ground over this
    width.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> day = SunPath.lunar_day(steps=24, declination_deg=-1.5)
    >>> floor = site_in_terrain(Terrain.default("south"), -89.67, 129.78, day)
    >>> floor["permanent_shadow"], 40.0 < floor["surface_mean_k"] < 100.0
    (True, True)
    """
    from moonpost.terrain.area import MapArea

    if not 100.0 <= reach_m <= 200_000.0:
        raise InputError(f"{reach_m!r} m", where="reach_m", advice="give 100 m to 200 km")
    cell_m = 2.0 * reach_m / _SIDE
    area = MapArea.about(latitude_deg, longitude_deg, 2.0 * reach_m, cell_m=cell_m)
    rows, cols = ((side - _SIDE) // 2 for side in area.shape)
    area = area.cut(slice(rows, rows + _SIDE), slice(cols, cols + _SIDE))
    found = patch_ground(TerrainPatch.of_terrain(terrain, area, _BLOCK), sun, background_w_m2=background_w_m2)
    at, ground = (_SIDE // _BLOCK // 2,) * 2, found.ground
    if np.isnan(ground.surface_mean_k[at]):
        raise InputError(
            "neither light nor infrared of terrain reaches the site in this span",
            where="sun",
            advice="give a year, or background_w_m2",
        )
    return {
        "surface_min_k": round(float(ground.surface_min_k[at]), 3),
        "surface_max_k": round(float(ground.surface_max_k[at]), 3),
        "surface_mean_k": round(float(ground.surface_mean_k[at]), 3),
        "mean_at_depth_k": {f"{depth:g}": round(float(ground.mean_at_k(depth)[at]), 3) for depth in depths_m},
        "sunlight_mean_w_m2": round(float(found.sunlight_w_m2[at]), 4),
        "scattered_mean_w_m2": round(float(found.scattered_w_m2[at]), 4),
        "infrared_mean_w_m2": round(float(found.infrared_w_m2[at]), 4),
        "sky_view": round(float(found.sky_view[at]), 4),
        "permanent_shadow": bool(found.permanent_shadow[at]),
    }


def sloping_day(
    latitude_deg: float,
    slope_deg: float,
    aspect_deg: float,
    *,
    albedo: float | None = None,
    background_w_m2: float = 0.0,
    depths_m: Sequence[float] = (),
    steps: int = 720,
) -> dict[str, Any]:
    """Key temperatures of sloping ground at a latitude over a mean lunar day.

    Parameters
    ----------
    latitude_deg : float
        Latitude [deg].
    slope_deg, aspect_deg : float
        Steepness, and the azimuth to which the ground falls [deg].
    albedo : float, optional
        Bond albedo with the Sun overhead.
    background_w_m2 : float
        Absorbed besides direct sunlight [W/m2].
    depths_m : sequence of float
        Depths at which the mean is wanted [m].
    steps : int
        Steps in a lunar day.

    Returns
    -------
    dict
        The keys of `RegolithDay.to_dict`, and `sky_view`.

    Raises
    ------
    InputError
        If an argument is out of range, or the slope never sees the Sun and there is no background.

    Examples
    --------
    >>> east, west = (sloping_day(0.0, 20.0, aspect, steps=240) for aspect in (90.0, 270.0))
    >>> round(east["surface_max_k"]), east["surface_midnight_k"] < west["surface_midnight_k"]
    (385, True)
    """
    if not np.isfinite(background_w_m2):
        raise InputError(f"{background_w_m2!r}", where="background_w_m2", advice="give W/m2")
    found = regolith_map(
        SunPath.lunar_day(steps),
        latitude_deg,
        slope_deg=slope_deg,
        aspect_deg=aspect_deg,
        albedo=albedo,
        background_w_m2=background_w_m2,
        series=True,
        workers=1,
    )
    assert found.surface_k is not None
    hour = (np.arange(steps) + 1.0) * 24.0 / steps
    noon, midnight = np.interp([12.0, 0.0], hour, found.surface_k, period=24.0)
    return {
        "surface_noon_k": round(float(noon), 3),
        "surface_midnight_k": round(float(midnight), 3),
        "surface_min_k": round(float(found.surface_min_k), 3),
        "surface_max_k": round(float(found.surface_max_k), 3),
        "surface_mean_k": round(float(found.surface_mean_k), 3),
        "mean_at_depth_k": {f"{depth:g}": round(float(found.mean_at_k(depth)), 3) for depth in depths_m},
        "sky_view": round(float(sky_view(np.zeros(720), slope_deg, aspect_deg)), 4),
    }
