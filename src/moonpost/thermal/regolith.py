"""Temperatures of regolith: a level place at a latitude, and a real site under its own light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.thermal.columns import Columns, Grid, conduct
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties

if TYPE_CHECKING:
    from moonpost.sky.apparent import Apparent

__all__ = [
    "LUNAR_DAY_S",
    "SOLAR_CONSTANT_W_M2",
    "RegolithDay",
    "SiteTemperature",
    "absorbed_sunlight_w_m2",
    "earthshine_w_m2",
    "regolith",
    "site_temperature",
]

Floats = npt.NDArray[np.float64]

SOLAR_CONSTANT_W_M2 = 1361.0
"""Total solar irradiance at 1 au [W/m2] (Kopp and Lean 2011, doi:10.1029/2010GL045777)."""

LUNAR_DAY_S = 29.530588861 * 86400.0
"""Mean synodic month [s] (Chapront et al. 2002, doi:10.1051/0004-6361:20020420)."""

_EARTH_RADIUS_M = 6_371_000.0
_EARTH_THERMAL_W_M2 = 239.7
_EARTH_ALBEDO = 0.294


@dataclass(frozen=True, eq=False)
class RegolithDay:
    """Temperatures of level ground over one lunar day.

    Parameters
    ----------
    local_time_h : ndarray, shape (n,)
        Local solar time [h], 24 to a lunar day, 12 at noon.
    surface_k : ndarray, shape (n,)
        Surface temperature [K].
    columns : Columns
        Means at depth and what is left of numerical error.
    """

    local_time_h: Floats
    surface_k: Floats
    columns: Columns

    def surface_at_k(self, local_time_h: npt.ArrayLike) -> Floats:
        """Surface temperature at local solar times.

        Parameters
        ----------
        local_time_h : array_like
            Local solar time [h].

        Returns
        -------
        ndarray
            [K], linear between the steps.
        """
        return np.interp(
            np.asarray(local_time_h, dtype=float) % 24.0, self.local_time_h, self.surface_k, period=24.0
        )

    def to_dict(self, depths_m: Sequence[float] = ()) -> dict[str, Any]:
        """Key temperatures, for JSON.

        Parameters
        ----------
        depths_m : sequence of float
            Depths at which the mean is wanted [m].

        Returns
        -------
        dict
            `surface_noon_k`, `surface_midnight_k`, `surface_min_k`, `surface_max_k`, `surface_mean_k` and
            `mean_at_depth_k`, a dictionary from the depth as text to the mean.
        """
        means = {f"{depth:g}": round(float(self.columns.mean_at_k(depth)[0]), 3) for depth in depths_m}
        return {
            "surface_noon_k": round(float(self.surface_at_k(12.0)), 3),
            "surface_midnight_k": round(float(self.surface_at_k(0.0)), 3),
            "surface_min_k": round(float(self.surface_k.min()), 3),
            "surface_max_k": round(float(self.surface_k.max()), 3),
            "surface_mean_k": round(float(self.surface_k.mean()), 3),
            "mean_at_depth_k": means,
        }


@dataclass(frozen=True, eq=False)
class SiteTemperature:
    """Surface temperature of a site over a span of time.

    Parameters
    ----------
    time : ndarray of datetime64, shape (n,)
        UTC.
    surface_k : ndarray, shape (n,)
        Surface temperature [K].
    columns : Columns
        Means at depth and what is left of numerical error.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.array(["2030-01-01", "2030-01-02"], dtype="datetime64[ms]")
    >>> from moonpost.thermal.columns import conduct
    >>> SiteTemperature(t, np.array([90.0, 80.0]), conduct(np.full(2, 10.0), 86400.0)).coldest_k
    80.0
    """

    time: npt.NDArray[np.datetime64]
    surface_k: Floats
    columns: Columns

    @property
    def coldest_k(self) -> float:
        """Lowest surface temperature of the span [K].

        Returns
        -------
        float
            [K].
        """
        return float(self.surface_k.min())

    @property
    def coldest_time(self) -> np.datetime64:
        """When the surface is coldest.

        Returns
        -------
        datetime64
            UTC.
        """
        return self.time[int(np.argmin(self.surface_k))]

    def to_dict(self) -> dict[str, Any]:
        """Key temperatures, for JSON.

        Returns
        -------
        dict
            Coldest with its time, warmest and mean [K].
        """
        return {
            "surface_min_k": round(self.coldest_k, 3),
            "surface_min_utc": str(self.coldest_time.astype("datetime64[s]")) + "Z",
            "surface_max_k": round(float(self.surface_k.max()), 3),
            "surface_mean_k": round(float(self.surface_k.mean()), 3),
        }


def absorbed_sunlight_w_m2(
    sine_of_elevation: npt.ArrayLike,
    *,
    light_fraction: npt.ArrayLike = 1.0,
    distance_factor: npt.ArrayLike = 1.0,
    properties: RegolithProperties = HAYNE_2017,
) -> Floats:
    """Sunlight that level ground absorbs.

    Parameters
    ----------
    sine_of_elevation : array_like
        Sine of the Sun's elevation; below zero nothing is absorbed.
    light_fraction : array_like
        Share of the Sun's disc that the horizon leaves free, 0 to 1.
    distance_factor : array_like
        Irradiance relative to 1 au.
    properties : RegolithProperties
        For the albedo.

    Returns
    -------
    ndarray
        [W/m2].

    Notes
    -----
    S (1 - A(theta)) cos theta, with the angle of incidence theta from the Sun's centre.

    Examples
    --------
    >>> round(float(absorbed_sunlight_w_m2(1.0)), 1)
    1197.7
    """
    sine = np.maximum(np.asarray(sine_of_elevation, dtype=float), 0.0)
    absorbed = SOLAR_CONSTANT_W_M2 * (1.0 - properties.incidence_albedo(sine)) * sine
    return np.asarray(absorbed * np.asarray(light_fraction) * np.asarray(distance_factor))


def earthshine_w_m2(earth_elevation_deg: npt.ArrayLike, earth_distance_m: npt.ArrayLike) -> Floats:
    """Infrared and reflected light of the Earth on level ground, as a mean over its phases.

    Parameters
    ----------
    earth_elevation_deg : array_like
        Elevation of the Earth [deg].
    earth_distance_m : array_like
        Distance of the Earth [m].

    Returns
    -------
    ndarray
        Flux on the ground [W/m2]; zero where the Earth is below the horizon.

    Notes
    -----
    (R/d)^2 sin(elevation) times the Earth's emission of 239.7 W/m2 and its reflection, 0.294 of 1361 W/m2 spread
    over the sphere: the mean over a month. At full Earth the reflected part is about 8/3 of that mean for a
    Lambert sphere.

    References
    ----------
    Stephens et al. (2015), The albedo of Earth, Rev. Geophys. 53, 141-163, doi:10.1002/2014RG000449.

    Examples
    --------
    >>> round(float(earthshine_w_m2(90.0, 384_400e3)), 3)
    0.093
    """
    distance = np.asarray(earth_distance_m, dtype=float)
    if not np.isfinite(distance).all() or (distance <= _EARTH_RADIUS_M).any():
        raise InputError(
            "not a distance of the Earth", where="earth_distance_m", advice="give metres, about 3.8e8"
        )
    exitance = _EARTH_THERMAL_W_M2 + _EARTH_ALBEDO * SOLAR_CONSTANT_W_M2 / 4.0
    sine = np.maximum(np.sin(np.deg2rad(np.asarray(earth_elevation_deg, dtype=float))), 0.0)
    return np.asarray(exitance * (_EARTH_RADIUS_M / distance) ** 2 * sine)


def regolith(
    latitude_deg: float,
    *,
    albedo: float | None = None,
    background_w_m2: float = 0.0,
    declination_deg: float = 0.0,
    properties: RegolithProperties = HAYNE_2017,
    grid: Grid | None = None,
    steps: int = 720,
) -> RegolithDay:
    """Temperatures of level ground at a latitude over one lunar day.

    Parameters
    ----------
    latitude_deg : float
        Latitude [deg], -90 to 90.
    albedo : float, optional
        Bond albedo for the Sun in the zenith: 0.12 for highland (the default, from `properties`), 0.06 to 0.07 for
        mare.
    background_w_m2 : float
        Constant absorbed flux besides sunlight: Earthshine, infrared and scattered light of terrain [W/m2].
    declination_deg : float
        Latitude under the Sun [deg], -1.6 to 1.6 on the Moon.
    properties : RegolithProperties
        Of the ground.
    grid : Grid, optional
        Cells in depth.
    steps : int
        Steps in a lunar day, 24 or more.

    Returns
    -------
    RegolithDay
        Surface through the day, means at depth.

    Raises
    ------
    InputError
        If an argument is out of range, or the Sun never rises and there is no background.

    Notes
    -----
    The Sun at 1 au moves evenly; no terrain. See `conduct` for the model.

    References
    ----------
    Hayne et al. (2017), J. Geophys. Res. Planets 122, 2371-2400, doi:10.1002/2017JE005387.

    Examples
    --------
    >>> day = regolith(0.0).to_dict(depths_m=[0.83])
    >>> round(day["surface_noon_k"]), round(day["surface_midnight_k"]), round(day["mean_at_depth_k"]["0.83"])
    (385, 100, 254)
    """
    ground = _with_albedo(properties, albedo)
    if not (np.isfinite(latitude_deg) and abs(latitude_deg) <= 90.0):
        raise InputError(f"{latitude_deg!r} is no latitude", where="latitude_deg", advice="give -90 to 90")
    if not (np.isfinite(declination_deg) and abs(declination_deg) <= 30.0):
        raise InputError(
            f"{declination_deg!r} is out of range", where="declination_deg", advice="give -1.6 to 1.6"
        )
    if not 24 <= steps <= 1_000_000:
        raise InputError(f"{steps!r} steps", where="steps", advice="give 24 or more")
    latitude, declination = np.deg2rad(latitude_deg), np.deg2rad(declination_deg)
    middle = 2.0 * np.pi * (np.arange(steps) + 0.5) / steps - np.pi
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(middle)
    absorbed = absorbed_sunlight_w_m2(sine, properties=ground) + background_w_m2
    columns = conduct(absorbed, LUNAR_DAY_S / steps, properties=ground, grid=grid)
    return RegolithDay((np.arange(steps) + 1.0) * 24.0 / steps, columns.surface_k[0], columns)


def site_temperature(
    sun: Apparent,
    light_fraction: npt.ArrayLike,
    *,
    background_w_m2: npt.ArrayLike = 0.0,
    albedo: float | None = None,
    properties: RegolithProperties = HAYNE_2017,
    grid: Grid | None = None,
) -> SiteTemperature:
    """Surface temperature of a site whose horizon hides part of the Sun.

    Parameters
    ----------
    sun : Apparent
        The Sun in the site's sky, evenly spaced in time.
    light_fraction : array_like, shape (n,)
        Share of the Sun's disc above the terrain, 0 to 1.
    background_w_m2 : float or array_like, shape (n,)
        Absorbed scattered light, infrared of terrain and Earthshine [W/m2]. Needed where the Sun is never seen.
    albedo : float, optional
        Bond albedo for the Sun in the zenith; from `properties` if not given.
    properties : RegolithProperties
        Of the ground.
    grid : Grid, optional
        Cells in depth.

    Returns
    -------
    SiteTemperature
        The series, its coldest instant, and means at depth.

    Raises
    ------
    InputError
        If shapes differ, times are not evenly spaced, the fraction leaves 0 to 1, or the Sun is never seen and
        there is no background: geothermal heat alone would give 24 K, colder than any shadow that has been
        measured.

    Notes
    -----
    The series is repeated until the ground is in balance, so it should span whole years, or whole lunar days away
    from the poles. Level ground; the Sun's direction is that of its centre.

    References
    ----------
    Hayne et al. (2017), J. Geophys. Res. Planets 122, 2371-2400, doi:10.1002/2017JE005387.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site, times
    >>> sun = Almanac.default().sun(Site(0.0, 0.0), times("2030-01-01", "2030-01-30T12:44", 3600))
    >>> 90 < site_temperature(sun, (sun.elevation_deg > 0) * 1.0).coldest_k < 97
    True
    """
    ground = _with_albedo(properties, albedo)
    step_s = _even_step_s(sun.time)
    light = np.asarray(light_fraction, dtype=float)
    if light.shape != sun.elevation_deg.shape:
        raise InputError(
            f"shape {light.shape} against {sun.elevation_deg.shape} of the Sun",
            where="light_fraction",
            advice="give one value per instant",
        )
    if not (np.isfinite(light).all() and light.min() >= 0.0 and light.max() <= 1.0):
        raise InputError("values outside 0 to 1", where="light_fraction", advice="give the share of the disc")
    sunlight = absorbed_sunlight_w_m2(
        np.sin(np.deg2rad(sun.elevation_deg)),
        light_fraction=light,
        distance_factor=sun.distance_factor,
        properties=ground,
    )
    columns = conduct(sunlight + np.asarray(background_w_m2, dtype=float), step_s, properties=ground, grid=grid)
    return SiteTemperature(sun.time, columns.surface_k[0], columns)


def _with_albedo(properties: RegolithProperties, albedo: float | None) -> RegolithProperties:
    """Exchange the albedo, if one is given."""
    if albedo is None:
        return properties
    if not 0.0 <= albedo < 0.6:
        raise InputError(f"{albedo!r} is out of range", where="albedo", advice="give 0.05 to 0.2, as on the Moon")
    return replace(properties, albedo=albedo)


def _even_step_s(time: npt.NDArray[np.datetime64]) -> float:
    """Spacing of the times, which must be even."""
    if len(time) < 2:
        raise InputError("fewer than two instants", where="sun.time", advice="give a series")
    gaps = np.diff(time.astype("datetime64[ms]")).astype(np.int64)
    if gaps.min() <= 0 or gaps.max() - gaps.min() > 2:
        raise InputError(
            "times are not evenly spaced", where="sun.time", advice="make them with moonpost.sky.times"
        )
    return float(gaps.mean()) / 1000.0
