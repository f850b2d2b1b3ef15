"""Passes of a low orbit over a site: when its plane carries the site by, and what it costs to meet it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.environment import Environment
from moonpost.flight.events import Crossing
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredpath import checked
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import TimeLike, as_utc, iso

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Passes", "ground_speed", "nodes_over", "orbit_passes", "plane_change_m_s"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_OBLATENESS = 2.0330e-4
_TURN_RAD_S = 2.0 * math.pi / (27.321661 * _DAY_S)


@dataclass(frozen=True, eq=False)
class Passes:
    """Nearest points of an orbit to a site, one a revolution.

    Parameters
    ----------
    site : Site
        The site.
    altitude_m : float
        Altitude of the orbit above the 1737.4 km sphere [m].
    inclination_deg, node_deg : float
        Inclination to the lunar equator and longitude of the ascending node at the start [deg].
    time : ndarray of datetime64[ms], shape (n,)
        UTC of the passes.
    cross_deg : ndarray, shape (n,)
        Angle of the site from the plane of the orbit, positive to the left of the motion [deg].
    heading_deg : ndarray, shape (n,)
        Direction of flight over the site, clockwise from north [deg].
    plane_change_m_s : ndarray, shape (n,)
        Impulse that turns the plane so that it holds the site [m/s].
    """

    site: Site
    altitude_m: float
    inclination_deg: float
    node_deg: float
    time: npt.NDArray[np.datetime64]
    cross_deg: Floats
    heading_deg: Floats
    plane_change_m_s: Floats

    def __len__(self) -> int:
        return len(self.time)

    def crossings(self) -> list[tuple[np.datetime64, float]]:
        """Instants at which the site crosses the plane, and the speed of that.

        Returns
        -------
        list of (datetime64, float)
            UTC, between neighbouring passes by straight lines, and the rate of the angle [deg/d]: twice in 27.3
            days for a site that the plane reaches.
        """
        found = []
        for k in np.flatnonzero(np.sign(self.cross_deg[1:]) != np.sign(self.cross_deg[:-1])):
            apart_ms = int((self.time[k + 1] - self.time[k]) / np.timedelta64(1, "ms"))
            step = self.cross_deg[k + 1] - self.cross_deg[k]
            share = -self.cross_deg[k] / step
            moment = self.time[k] + np.timedelta64(round(share * apart_ms), "ms")
            found.append((moment, float(step / (apart_ms / 1e3 / _DAY_S))))
        return found


def plane_change_m_s(angle_deg: npt.ArrayLike, altitude_m: float) -> Floats:
    """Impulse that turns the plane of a circular orbit.

    Parameters
    ----------
    angle_deg : array_like, shape (n,)
        Angle, of any sign [deg].
    altitude_m : float
        Altitude above the 1737.4 km sphere [m].

    Returns
    -------
    ndarray, shape (n,)
        Twice the speed times the sine of half the angle [m/s].

    Examples
    --------
    >>> round(float(plane_change_m_s(1.0, 100e3)), 1)
    28.5
    """
    checked(altitude_m, "altitude_m", 1.0, 1e8)
    speed = math.sqrt(MOON_GM_M3_S2 / (MOON_RADIUS_M + altitude_m))
    return 2.0 * speed * np.abs(np.sin(0.5 * np.radians(np.asarray(angle_deg, dtype=np.float64))))


def ground_speed(site: Site, heading_deg: float) -> float:
    """Speed of the ground along a direction, by the rotation of the Moon.

    Parameters
    ----------
    site : Site
        The site.
    heading_deg : float
        Direction of flight, clockwise from north [deg].

    Returns
    -------
    float
        At most 4.6, positive when flying east [m/s].

    Examples
    --------
    >>> round(ground_speed(Site(0.0, 0.0), 90.0), 2), round(ground_speed(Site(0.0, 0.0), 0.0), 2)
    (4.62, 0.0)
    """
    radius = MOON_RADIUS_M + site.height_m
    turn = _TURN_RAD_S * radius * math.cos(math.radians(site.latitude_deg))
    return turn * math.sin(math.radians(heading_deg))


def nodes_over(
    site: Site, t: TimeLike, start: TimeLike, *, inclination_deg: float = 90.0, altitude_m: float = 100e3
) -> tuple[float, float]:
    """Nodes that an orbit must have at the start to hold a site in its plane later.

    Parameters
    ----------
    site : Site
        The site.
    t : str, datetime or datetime64
        When the plane is to hold the site, UTC.
    start : str, datetime or datetime64
        When the node is wanted, UTC.
    inclination_deg : float, default 90.0
        To the lunar equator; not below the latitude of the site [deg].
    altitude_m : float, default 100e3
        Altitude of the circular orbit [m].

    Returns
    -------
    tuple of float
        Longitudes of the ascending node at the start, of passes to the north and to the south, -180 to 180 [deg].

    Raises
    ------
    DateError
        If a date cannot be read.
    InputError
        If the inclination is below the latitude, or a number cannot be used.

    Notes
    -----
    The Moon turns by 13.18 deg a day under the plane, and its flattening turns the plane. Other forces are left
    out: over a month that is good to about a degree. Give one of these to `orbit_passes` for the passes.

    Examples
    --------
    >>> [round(node, 1) for node in nodes_over(Site(20.0, 30.0), "2030-01-11", "2030-01-01")]
    [161.8, -18.2]
    """
    checked(inclination_deg, "inclination_deg", 0.0, 180.0)
    checked(altitude_m, "altitude_m", 1e3, 1e7)
    ratio = math.tan(math.radians(site.latitude_deg)) * math.cos(math.radians(inclination_deg))
    size = math.sin(math.radians(inclination_deg))
    if abs(site.latitude_deg) > min(inclination_deg, 180.0 - inclination_deg) + 1e-9:
        raise InputError(
            f"{inclination_deg:g} deg is below the latitude of the site",
            where="inclination_deg",
            advice=f"give {abs(site.latitude_deg):.1f} to {180 - abs(site.latitude_deg):.1f} deg",
        )
    east = math.degrees(math.asin(max(-1.0, min(1.0, ratio / size)))) if size > 0.0 else 0.0
    apart = (as_utc(t).reshape(-1)[0] - as_utc(start).reshape(-1)[0]) / np.timedelta64(1, "ms") / 1e3
    radius = MOON_RADIUS_M + altitude_m
    swing = -1.5 * _OBLATENESS * (MOON_RADIUS_M / radius) ** 2 * math.sqrt(MOON_GM_M3_S2 / radius**3)
    turned = math.degrees((_TURN_RAD_S - swing * math.cos(math.radians(inclination_deg))) * float(apart))
    north = site.longitude_deg - east + turned
    south = site.longitude_deg - 180.0 + east + turned
    return (north + 180.0) % 360.0 - 180.0, (south + 180.0) % 360.0 - 180.0


def orbit_passes(
    almanac: Almanac,
    site: Site,
    start: TimeLike,
    stop: TimeLike,
    *,
    altitude_m: float = 100e3,
    inclination_deg: float = 90.0,
    node_deg: float = 0.0,
    degree: int = 20,
    hold_days: float = 10.0,
) -> Passes:
    """Fly a circular orbit through the full field and list its passes nearest to a site.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The site.
    start, stop : str, datetime or datetime64
        Period, UTC.
    altitude_m : float, default 100e3
        Altitude above the 1737.4 km sphere [m].
    inclination_deg : float, default 90.0
        To the lunar equator of the start [deg].
    node_deg : float, default 0.0
        Longitude of the ascending node at the start, east [deg].
    degree : int, default 20
        Degree of the Moon's field.
    hold_days : float, default 10.0
        How often the orbit is made a circle of its altitude again, in the plane that it then has [d].

    Returns
    -------
    Passes

    Raises
    ------
    DateError
        If a date cannot be read, lies outside the kernels, or `stop` does not lie after `start`.
    InputError
        If a number cannot be used.
    ModelError
        If the orbit hits the ground before it is held.

    Notes
    -----
    The plane moves by the field, the Earth and the Sun; holding leaves the plane alone. A pass is where the site
    lies abeam; the site itself stands where the mean-Earth axes carry it. A lander touches down within some ten
    minutes of the pass.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> found = orbit_passes(Almanac.default(), Site(0.0, 0.0), "2030-01-01", "2030-01-29", degree=4)
    >>> [round(rate, 1) for _, rate in found.crossings()]
    [13.3, -13.1]
    """
    checked(inclination_deg, "inclination_deg", 0.0, 180.0)
    checked(node_deg, "node_deg", -360.0, 720.0)
    checked(altitude_m, "altitude_m", 1e3, 1e7)
    checked(hold_days, "hold_days", 0.5, 60.0)
    if not isinstance(site, Site):
        raise InputError(f"{type(site).__name__} is not a Site", where="site", advice="make one with Site(...)")
    first, last = (as_utc(t).reshape(-1)[0] for t in (start, stop))
    if not last > first:
        raise DateError(f"stop {iso(last)} is not after start {iso(first)}", where="period", advice="swap them")
    env = Environment.make(almanac, first, last, degree=degree)
    state = State.circling(env, first, altitude_m, inclination_deg, node_deg=node_deg)
    rows = _flown(env, state, site, altitude_m, hold_days)
    tdb = np.array([time for time, _ in rows])
    states = np.array([row for _, row in rows]).reshape(-1, 6)
    cross, heading = _seen(env, site, tdb, states)
    near = np.abs(cross) < 89.9
    return Passes(
        site,
        altitude_m,
        inclination_deg,
        node_deg,
        env.utc(tdb)[near],
        cross[near],
        heading[near],
        plane_change_m_s(cross, altitude_m)[near],
    )


def _flown(
    env: Environment, state: State, site: Site, altitude_m: float, hold_days: float
) -> list[tuple[float, Floats]]:
    """Times and states at which the site lies abeam, arc by arc."""
    place = site.basis[2]

    def ahead(env: Environment, tdb: Floats, states: Floats) -> Floats:
        up = np.einsum("nji,j->ni", env.rotation(tdb), place)
        r, v = states[:, :3], states[:, 3:]
        outward = np.einsum("ni,ni->n", r, v) / np.einsum("ni,ni->n", r, r)
        onward = v - outward[:, None] * r
        # Falls through zero abeam of the site, and rises through zero on the other side of the Moon.
        return np.einsum("ni,ni->n", up, onward)

    rows: list[tuple[float, Floats]] = []
    stop = env.span_tdb_s[1]
    while state.time_tdb_s < stop - 1.0:
        until = min(stop, state.time_tdb_s + hold_days * _DAY_S)
        flown = propagate(state, until, env, rtol=1e-9, events=Crossing(ahead, "", "abeam"))
        if flown.ended != "time":
            raise ModelError(
                f"the orbit ends at {iso(flown.final.utc)}: {flown.ended}",
                where="orbit_passes",
                advice="start higher, or hold the orbit more often",
            )
        rows += [(event.time_tdb_s, event.state) for event in flown.events]
        state = _circle(env, flown.final, altitude_m)
    return rows


def _circle(env: Environment, state: State, altitude_m: float) -> State:
    """A circle of an altitude in the plane of a state, at its direction."""
    r, v = state.position_m, state.velocity_m_s
    up = r / np.linalg.norm(r)
    pole = np.cross(r, v)
    onward = np.cross(pole / np.linalg.norm(pole), up)
    radius = MOON_RADIUS_M + altitude_m
    speed = math.sqrt(env.gm_m3_s2["moon"] / radius)
    return State(state.time_tdb_s, radius * up, speed * onward, state.centre)


def _seen(env: Environment, site: Site, tdb: Floats, states: Floats) -> tuple[Floats, Floats]:
    """Angle of the site from the plane, and the direction of flight there."""
    if not len(tdb):
        return np.empty(0), np.empty(0)
    turn = env.rotation(tdb)
    r = np.einsum("nij,nj->ni", turn, states[:, :3])
    v = np.einsum("nij,nj->ni", turn, states[:, 3:])
    pole = np.cross(r, v)
    pole /= np.linalg.norm(pole, axis=1)[:, None]
    east, north, up = site.basis
    cross = np.degrees(np.arcsin(np.clip(pole @ up, -1.0, 1.0)))
    heading = np.degrees(np.arctan2(np.cross(pole, up) @ east, np.cross(pole, up) @ north)) % 360.0
    return cross, heading
