"""What a satellite round the Moon must see: a lunar site, the Earth, a ground station, or several at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.environment import Environment
from moonpost.sky.apparent import LIGHT_SPEED_M_S
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.stations import EarthPlace, GroundStation, earth_rotation

__all__ = ["EarthView", "Path", "SiteView", "StationView", "View"]

Floats = npt.NDArray[np.float64]

_EARTH_A_M, _EARTH_F = 6_378_137.0, 1.0 / 298.257223563


class View(Protocol):
    """What a satellite must see: anything with a margin that is positive in contact.

    Examples
    --------
    >>> EarthView().margin_rad  # doctest: +ELLIPSIS
    <bound method EarthView.margin_rad of EarthView(margin_deg=0.0)>
    """

    def margin_rad(self, env: Environment, tdb_s: Floats, states: Floats) -> Floats:
        """By how much the satellite is in contact.

        Parameters
        ----------
        env : Environment
            Where bodies stand; its centre is the Moon.
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].
        states : ndarray, shape (n, 6)
            Positions [m] and velocities [m/s] from the Moon's centre in J2000 axes.

        Returns
        -------
        ndarray, shape (n,)
            Positive in contact [rad].
        """


@dataclass(frozen=True, eq=False)
class SiteView:
    """A lunar site that must have the satellite above its horizon.

    Parameters
    ----------
    site : Site
        The site.
    mask_deg : float, default 0.0
        Least elevation over the level plane [deg].
    azimuth_deg, elevation_deg : array_like, shape (k,), optional
        Horizon of the terrain, such as that of `moonpost.terrain.HorizonProfile`: azimuths ascending within
        360 deg and elevations [deg]; the higher of it and of the mask counts.

    Raises
    ------
    InputError
        If a number is not finite or out of range, or the arrays do not fit.

    Notes
    -----
    Geometric: in the 0.05 s that light takes from 16,000 km the satellite moves by 15 m.

    Examples
    --------
    >>> SiteView(Site(-89.5, 0.0), azimuth_deg=[0.0, 180.0], elevation_deg=[2.0, 4.0]).horizon_deg(90.0).tolist()
    [3.0]
    """

    site: Site
    mask_deg: float = 0.0
    azimuth_deg: npt.ArrayLike | None = None
    elevation_deg: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.site, Site):
            raise InputError(
                f"{type(self.site).__name__} is not a Site", where="site", advice="make one with Site(...)"
            )
        if not -90.0 <= self.mask_deg < 90.0:
            raise InputError(f"{self.mask_deg} is no elevation", where="mask_deg", advice="give -90 to 90")
        if (self.azimuth_deg is None) != (self.elevation_deg is None):
            raise InputError("half a horizon", where="azimuth_deg", advice="give azimuths and elevations")
        if self.azimuth_deg is not None:
            self._keep_profile()

    def _keep_profile(self) -> None:
        """Check the arrays of the horizon and keep copies."""
        azimuth = np.array(self.azimuth_deg, dtype=np.float64).ravel()
        height = np.array(self.elevation_deg, dtype=np.float64).ravel()
        sound = azimuth.size == height.size >= 1 and bool(np.isfinite(azimuth).all() and np.isfinite(height).all())
        if not sound or not (np.diff(azimuth) > 0).all() or azimuth[-1] - azimuth[0] >= 360.0:
            raise InputError(
                f"{azimuth.size} azimuths and {height.size} elevations make no horizon",
                where="azimuth_deg",
                advice="give finite numbers, azimuths ascending over less than 360 deg",
            )
        if (np.abs(height) > 90.0).any():
            raise InputError("beyond 90 deg", where="elevation_deg", advice="give degrees")
        object.__setattr__(self, "azimuth_deg", azimuth)
        object.__setattr__(self, "elevation_deg", height)

    def horizon_deg(self, azimuth_deg: npt.ArrayLike) -> Floats:
        """Elevation above which the site sees the sky.

        Parameters
        ----------
        azimuth_deg : array_like, shape (n,)
            Clockwise from north [deg].

        Returns
        -------
        ndarray, shape (n,)
            [deg]
        """
        azimuth = np.atleast_1d(np.asarray(azimuth_deg, dtype=np.float64))
        if self.azimuth_deg is None or self.elevation_deg is None:
            return np.full(azimuth.shape, float(self.mask_deg))
        terrain = np.interp(azimuth, np.asarray(self.azimuth_deg), np.asarray(self.elevation_deg), period=360.0)
        return np.maximum(terrain, self.mask_deg)

    def look(self, env: Environment, tdb_s: Floats, states: Floats) -> tuple[Floats, Floats, Floats]:
        """Where the satellite stands in the sky of the site.

        Parameters
        ----------
        env : Environment
            Orientation of the Moon.
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].
        states : ndarray, shape (n, 6)
            Positions [m] and velocities [m/s] from the Moon's centre in J2000 axes.

        Returns
        -------
        tuple of ndarray, shape (n,)
            Azimuth and elevation [deg], distance [m].
        """
        fixed = np.einsum("nij,nj->ni", env.rotation(tdb_s), states[:, :3])
        east, north, up = self.site.basis @ (fixed - self.site.position_m).T
        distance = np.sqrt(east**2 + north**2 + up**2)
        elevation = np.degrees(np.arctan2(up, np.hypot(east, north)))
        return np.degrees(np.arctan2(east, north)) % 360.0, elevation, distance

    def margin_rad(self, env: Environment, tdb_s: Floats, states: Floats) -> Floats:
        """Elevation above the horizon of the site, see `View`.

        Parameters
        ----------
        env : Environment
            Orientation of the Moon.
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].
        states : ndarray, shape (n, 6)
            From the Moon's centre in J2000 axes.

        Returns
        -------
        ndarray, shape (n,)
            [rad]
        """
        azimuth, elevation, _ = self.look(env, tdb_s, states)
        return np.radians(elevation - self.horizon_deg(azimuth))


@dataclass(frozen=True)
class EarthView:
    """The centre of the Earth clear of the Moon's limb, seen from the satellite.

    Parameters
    ----------
    margin_deg : float, default 0.0
        Least angle over the limb of the sphere of 1737.4 km [deg].

    Raises
    ------
    InputError
        If the angle is not -90 to 90.

    Examples
    --------
    >>> EarthView(0.5).margin_deg
    0.5
    """

    margin_deg: float = 0.0

    def __post_init__(self) -> None:
        if not -90.0 <= self.margin_deg <= 90.0:
            raise InputError(f"{self.margin_deg} is no margin", where="margin_deg", advice="give -90 to 90")

    def margin_rad(self, env: Environment, tdb_s: Floats, states: Floats) -> Floats:
        """Angle between the limb and the Earth, see `View`.

        Parameters
        ----------
        env : Environment
            Where the Earth stands.
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].
        states : ndarray, shape (n, 6)
            From the Moon's centre in J2000 axes.

        Returns
        -------
        ndarray, shape (n,)
            [rad]
        """
        return _over_limb(env.body_m("earth", tdb_s), states[:, :3]) - math.radians(self.margin_deg)


@dataclass(frozen=True)
class StationView:
    """A ground station on the Earth that has the satellite over its mask, with the Moon out of the way.

    Parameters
    ----------
    station : GroundStation
        The station, or anything else with WGS 84 coordinates.
    mask_deg : float, default 10.0
        Least elevation of the satellite at the station [deg].

    Raises
    ------
    InputError
        If a coordinate or the mask is out of range.

    Notes
    -----
    Instants are those at the satellite: the station is where it is when a signal that leaves then arrives, 1.3 s
    later. Left out: refraction, aberration (0.006 deg, 1.4 s of a setting), polar motion.

    Examples
    --------
    >>> StationView(GroundStation("Kashi", 38.4214, 76.7144)).mask_deg
    10.0
    """

    station: EarthPlace
    mask_deg: float = 10.0

    def __post_init__(self) -> None:
        if not -5.0 <= self.mask_deg < 90.0:
            raise InputError(f"{self.mask_deg} is no mask", where="mask_deg", advice="give -5 to 90")
        place = self.station
        GroundStation(getattr(place, "name", "station"), place.latitude_deg, place.longitude_deg, place.height_m)

    def margin_rad(self, env: Environment, tdb_s: Floats, states: Floats) -> Floats:
        """The lesser of the elevation over the mask and the angle over the Moon's limb, see `View`.

        Parameters
        ----------
        env : Environment
            Where the Earth stands.
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].
        states : ndarray, shape (n, 6)
            From the Moon's centre in J2000 axes.

        Returns
        -------
        ndarray, shape (n,)
            [rad]
        """
        fixed, up = _on_ellipsoid(self.station)
        earth = env.body_m("earth", tdb_s)
        light = np.linalg.norm(earth - states[:, :3], axis=1) / LIGHT_SPEED_M_S
        turn = earth_rotation(tdb_s + light)
        place = earth + np.einsum("ijn,i->nj", turn, fixed)
        vertical = np.einsum("ijn,i->nj", turn, up)
        sight = states[:, :3] - place
        height = np.arcsin(np.einsum("ni,ni->n", sight, vertical) / np.linalg.norm(sight, axis=1))
        return np.minimum(height - math.radians(self.mask_deg), _over_limb(place, states[:, :3]))


@dataclass(frozen=True, eq=False)
class Path:
    """Several views at once, such as a site and the Earth: the way of a message through a relay.

    Parameters
    ----------
    views : tuple of View
        All must be in contact.

    Examples
    --------
    >>> len(Path((SiteView(Site(-89.5, 0.0)), EarthView())).views)
    2
    """

    views: tuple[View, ...]

    def __post_init__(self) -> None:
        if not self.views:
            raise InputError("no views", where="views", advice="give at least one")

    def margin_rad(self, env: Environment, tdb_s: Floats, states: Floats) -> Floats:
        """The least margin of all views, see `View`.

        Parameters
        ----------
        env : Environment
            Where bodies stand.
        tdb_s : ndarray, shape (n,)
            TDB since J2000 [s].
        states : ndarray, shape (n, 6)
            From the Moon's centre in J2000 axes.

        Returns
        -------
        ndarray, shape (n,)
            [rad]
        """
        return np.min([view.margin_rad(env, tdb_s, states) for view in self.views], axis=0)


def _over_limb(target_m: Floats, place_m: Floats) -> Floats:
    """Angle between a target and the limb of the Moon's sphere, seen from places outside it [rad]."""
    sight = target_m - place_m
    distance = np.linalg.norm(place_m, axis=1)
    across = np.linalg.norm(np.cross(sight, place_m), axis=1)
    apart = np.arctan2(across, -np.einsum("ni,ni->n", sight, place_m))
    return apart - np.arcsin(np.minimum(1.0, MOON_RADIUS_M / distance))


def _on_ellipsoid(place: EarthPlace) -> tuple[Floats, Floats]:
    """Earth-fixed position [m] and vertical of a station on WGS 84."""
    latitude, longitude = math.radians(place.latitude_deg), math.radians(place.longitude_deg)
    level = math.cos(latitude)
    up = np.array([level * math.cos(longitude), level * math.sin(longitude), math.sin(latitude)])
    squeeze = (1.0 - _EARTH_F) ** 2
    curve = _EARTH_A_M / math.sqrt(1.0 - (1.0 - squeeze) * math.sin(latitude) ** 2)
    return np.array([curve, curve, curve * squeeze]) * up + place.height_m * up, up
