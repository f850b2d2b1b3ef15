"""Contacts of satellites round the Moon with a site, the Earth or a ground station, and the gaps between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import Crossing, find_events
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.apparent import LIGHT_SPEED_M_S
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.stations import EarthPlace, GroundStation, earth_rotation
from moonpost.sky.timescale import default_timescale

__all__ = [
    "Contacts",
    "EarthView",
    "Path",
    "SiteView",
    "StationView",
    "View",
    "at_least",
    "contacts",
    "fly_satellites",
    "intersection",
    "union",
]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
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


@dataclass(frozen=True, eq=False)
class Contacts:
    """Intervals of contact in a span of time, and the gaps between them.

    Parameters
    ----------
    start_tdb_s, stop_tdb_s : ndarray, shape (n,)
        Ends of each contact, ascending, TDB since J2000 [s]; cut at the ends of the span.
    span_tdb_s : tuple of float
        First and last instant looked at [s].

    Examples
    --------
    >>> two = Contacts(np.array([10.0, 50.0]), np.array([20.0, 70.0]), (0.0, 100.0))
    >>> two.share, two.longest_gap_s, two.gaps().duration_s.tolist(), two.mean_wait_s
    (0.3, 30.0, [10.0, 30.0, 30.0], 9.5)
    """

    start_tdb_s: Floats
    stop_tdb_s: Floats
    span_tdb_s: tuple[float, float]

    def __len__(self) -> int:
        return len(self.start_tdb_s)

    @property
    def duration_s(self) -> Floats:
        """Length of each contact.

        Returns
        -------
        ndarray, shape (n,)
            [s]
        """
        return self.stop_tdb_s - self.start_tdb_s

    @property
    def share(self) -> float:
        """Share of the span in contact.

        Returns
        -------
        float
            0 to 1.
        """
        return float(self.duration_s.sum() / (self.span_tdb_s[1] - self.span_tdb_s[0]))

    @property
    def longest_gap_s(self) -> float:
        """The longest gap; one that the span cuts counts as far as it is seen.

        Returns
        -------
        float
            0 if there is none [s].
        """
        return float(self.gaps().duration_s.max(initial=0.0))

    @property
    def mean_wait_s(self) -> float:
        """How long one waits for a contact on average, from any instant of the span.

        Returns
        -------
        float
            [s]
        """
        gaps = self.gaps().duration_s
        return float((gaps**2).sum() / 2.0 / (self.span_tdb_s[1] - self.span_tdb_s[0]))

    @property
    def start_utc(self) -> npt.NDArray[np.datetime64]:
        """Beginnings in UTC.

        Returns
        -------
        ndarray of datetime64[ms], shape (n,)
        """
        return default_timescale().utc(self.start_tdb_s)

    @property
    def stop_utc(self) -> npt.NDArray[np.datetime64]:
        """Ends in UTC.

        Returns
        -------
        ndarray of datetime64[ms], shape (n,)
        """
        return default_timescale().utc(self.stop_tdb_s)

    def gaps(self) -> Contacts:
        """The intervals without contact.

        Returns
        -------
        Contacts
            Of the same span.
        """
        start = np.concatenate([[self.span_tdb_s[0]], self.stop_tdb_s])
        stop = np.concatenate([self.start_tdb_s, [self.span_tdb_s[1]]])
        real = stop > start
        return Contacts(start[real], stop[real], self.span_tdb_s)

    def summary(self) -> dict[str, Any]:
        """Figures of the contacts and gaps.

        Returns
        -------
        dict
            Numbers of contacts and of those a day, share, lengths of contacts and gaps [s].
        """
        gaps = self.gaps().duration_s
        length, days = self.duration_s, (self.span_tdb_s[1] - self.span_tdb_s[0]) / _DAY_S
        middle = {"median": 50.0, "p95": 95.0}
        found: dict[str, Any] = {
            "contacts": len(self),
            "contacts_per_day": len(self) / days,
            "share": self.share,
            "mean_contact_s": float(length.mean()) if len(length) else 0.0,
            "longest_contact_s": float(length.max(initial=0.0)),
            "gaps": len(gaps),
            "longest_gap_s": self.longest_gap_s,
            "mean_wait_s": self.mean_wait_s,
        }
        return found | {
            f"{name}_gap_s": float(np.percentile(gaps, part)) if len(gaps) else 0.0
            for name, part in middle.items()
        }


def contacts(flown: Trajectory, view: View) -> Contacts:
    """Contacts of a satellite on its way, their ends found to better than 1 ms.

    Parameters
    ----------
    flown : Trajectory
        A flight about the Moon with dense output.
    view : View
        What must be seen: `SiteView`, `EarthView`, `StationView` or a `Path` of several.

    Returns
    -------
    Contacts
        Of the span of the flight.

    Raises
    ------
    InputError
        If the flight has another centre or no dense output.

    Notes
    -----
    The margin is looked at once a minute at least; where it comes near zero without crossing it, its extremum is
    sought, so that a pass of seconds is found too.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> flown = propagate(State.circling(env, "2030-01-01", 100e3, 90.0), "2030-01-01T06:00", env)
    >>> passes = contacts(flown, SiteView(Site(-89.5, 0.0)))
    >>> len(passes), bool(passes.duration_s.max() < 1200.0)
    (3, True)
    """
    if flown.start.centre != "moon":
        raise InputError("the flight is from the Earth's centre", where="contacts", advice="fly about the Moon")
    begin, end = sorted((flown.start.time_tdb_s, flown.final.time_tdb_s))
    if not len(flown.steps):
        raise InputError("dense output was not kept", where="contacts", advice="propagate with dense=True")
    measure = view.margin_rad
    first = bool(measure(flown.env, np.array([begin]), flown.at_elapsed([_elapsed(flown, begin)]))[0] > 0.0)
    found = find_events(
        [Crossing(measure, "rise", "set")],
        flown.env,
        flown.start.time_tdb_s,
        flown.duration_s,
        flown.steps,
        flown.coefficients,
    )
    rows = sorted((event.time_tdb_s, event.name == "rise") for event, _ in found)
    return _alternating(rows, first, (begin, end))


def _elapsed(flown: Trajectory, tdb_s: float) -> float:
    """Time from the start of the flight, kept inside it."""
    low, high = sorted((0.0, flown.duration_s))
    return float(np.clip(tdb_s - flown.start.time_tdb_s, low, high))


def _alternating(rows: Iterable[tuple[float, bool]], inside: bool, span: tuple[float, float]) -> Contacts:
    """Intervals from risings and settings in the order of time."""
    start, stop = ([span[0]] if inside else []), []
    for time, rises in rows:
        if rises and not inside:
            start.append(time)
        elif not rises and inside:
            stop.append(time)
        inside = rises
    if inside:
        stop.append(span[1])
    return Contacts(np.array(start), np.array(stop), span)


def at_least(parts: Sequence[Contacts], count: int = 1) -> Contacts:
    """When at least so many of several satellites or stations are in contact at once.

    Parameters
    ----------
    parts : sequence of Contacts
        Of the same span.
    count : int, default 1
        How many.

    Returns
    -------
    Contacts

    Raises
    ------
    InputError
        If spans differ, there are no parts or the count is not 1 to their number.

    Examples
    --------
    >>> a = Contacts(np.array([0.0]), np.array([60.0]), (0.0, 100.0))
    >>> b = Contacts(np.array([40.0]), np.array([80.0]), (0.0, 100.0))
    >>> at_least([a, b]).stop_tdb_s.tolist(), at_least([a, b], 2).start_tdb_s.tolist()
    ([80.0], [40.0])
    """
    if not parts or not 1 <= count <= len(parts):
        raise InputError(
            f"{count} of {len(parts)}", where="at_least", advice="give contacts and how many at least"
        )
    span = parts[0].span_tdb_s
    if any(not np.allclose(part.span_tdb_s, span, rtol=0.0, atol=1e-3) for part in parts):
        raise DateError("contacts of different spans", where="at_least", advice="fly all over the same span")
    edges = np.concatenate([*(part.start_tdb_s for part in parts), *(part.stop_tdb_s for part in parts)])
    times, place = np.unique(edges, return_inverse=True)
    change = np.bincount(place, np.repeat([1.0, -1.0], sum(map(len, parts))), len(times))
    enough = np.concatenate([[False], np.cumsum(change) > count - 0.5])
    start, stop = times[enough[1:] & ~enough[:-1]], times[~enough[1:] & enough[:-1]]
    return Contacts(start, stop, span)


def union(parts: Sequence[Contacts]) -> Contacts:
    """When any of several is in contact.

    Parameters
    ----------
    parts : sequence of Contacts
        Of the same span.

    Returns
    -------
    Contacts
    """
    return at_least(parts, 1)


def intersection(parts: Sequence[Contacts]) -> Contacts:
    """When all of several are in contact.

    Parameters
    ----------
    parts : sequence of Contacts
        Of the same span.

    Returns
    -------
    Contacts
    """
    return at_least(parts, len(parts))


def fly_satellites(
    states: Sequence[State], until: Instant, env: Environment, *, rtol: float = 1e-11
) -> list[Trajectory]:
    """Fly several satellites with dense output, on all processors.

    Parameters
    ----------
    states : sequence of State
        Where they start.
    until : Instant
        When they end.
    env : Environment
        Forces; must cover the flights.
    rtol : float, default 1e-11
        Error allowed in a step [1].

    Returns
    -------
    list of Trajectory
        In the order of the states; one may end early at an impact.

    Raises
    ------
    InputError
        If there are none, or one cannot be used.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> [flown.ended for flown in fly_satellites([low, low], "2030-01-01T02:00", env)]
    ['time', 'time']
    """
    from concurrent.futures import ThreadPoolExecutor

    if not states:
        raise InputError("no satellites", where="states", advice="give at least one state")
    with ThreadPoolExecutor(min(len(states), 8)) as pool:
        return list(pool.map(lambda state: propagate(state, until, env, rtol=rtol), states))


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
