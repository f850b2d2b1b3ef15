"""Orbits that gain on each other: Hohmann and coelliptic transfers, drift, lift-off under an orbiter's plane."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.environment import Environment
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2
from moonpost.flight.propagate import Until, propagate
from moonpost.flight.state import State
from moonpost.sky.site import Site
from moonpost.sky.timescale import default_timescale

__all__ = [
    "Hohmann",
    "LiftOff",
    "coelliptic_apsides_m",
    "drift_rad_s",
    "hohmann",
    "lift_offs",
    "plane_inclination_deg",
]

Floats = npt.NDArray[np.float64]

_SAMPLE_S = 120.0


@dataclass(frozen=True)
class Hohmann:
    """A transfer between two circles, or from an apsis to a circle.

    Parameters
    ----------
    first_m_s, second_m_s : float
        Changes of speed, negative for braking [m/s].
    duration_s : float
        Half a revolution of the transfer orbit [s].
    """

    first_m_s: float
    second_m_s: float
    duration_s: float

    @property
    def total_m_s(self) -> float:
        """Sum of the sizes [m/s].

        Returns
        -------
        float
        """
        return abs(self.first_m_s) + abs(self.second_m_s)


def hohmann(
    first_radius_m: float,
    second_radius_m: float,
    *,
    other_radius_m: float | None = None,
    gm_m3_s2: float = GRGM1200A_GM_M3_S2,
) -> Hohmann:
    """Transfer from a circle, or an apsis of an ellipse, to a circle.

    Parameters
    ----------
    first_radius_m, second_radius_m : float
        Distance of the start and radius of the circle at the end [m].
    other_radius_m : float, optional
        Distance of the other apsis of the first orbit [m]; a circle if not given.
    gm_m3_s2 : float
        Gravitational parameter of the centre [m3/s2].

    Returns
    -------
    Hohmann

    Raises
    ------
    InputError
        If a distance is not above zero.

    Examples
    --------
    >>> up = hohmann(1917.4e3, 1947.4e3, other_radius_m=1752.4e3)
    >>> round(up.first_m_s, 1), round(up.second_m_s, 1)
    (42.6, 6.2)
    """
    other = first_radius_m if other_radius_m is None else other_radius_m
    for radius in (first_radius_m, second_radius_m, other, gm_m3_s2):
        _positive(radius, "radius_m")
    before = _speed(first_radius_m, other, gm_m3_s2)
    after = _speed(first_radius_m, second_radius_m, gm_m3_s2)
    arriving = _speed(second_radius_m, first_radius_m, gm_m3_s2)
    size = 0.5 * (first_radius_m + second_radius_m)
    return Hohmann(
        after - before,
        math.sqrt(gm_m3_s2 / second_radius_m) - arriving,
        math.pi * math.sqrt(size**3 / gm_m3_s2),
    )


def drift_rad_s(chaser_m: float, target_m: float, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> float:
    """How fast one orbit gains on another.

    Parameters
    ----------
    chaser_m, target_m : float
        Semi-major axes [m].
    gm_m3_s2 : float
        Gravitational parameter of the centre [m3/s2].

    Returns
    -------
    float
        Difference of the mean motions, positive if the chaser is faster [rad/s].

    Raises
    ------
    InputError
        If an axis is not above zero.

    Examples
    --------
    >>> round(math.degrees(drift_rad_s(1917.4e3, 1947.4e3)) * 3600, 2)
    3.96
    """
    _positive(chaser_m, "chaser_m")
    _positive(target_m, "target_m")
    return math.sqrt(gm_m3_s2 / chaser_m**3) - math.sqrt(gm_m3_s2 / target_m**3)


def coelliptic_apsides_m(perilune_m: float, apolune_m: float, below_m: float) -> tuple[float, float]:
    """Apsides of an orbit that stays at the same height below another.

    Parameters
    ----------
    perilune_m, apolune_m : float
        Distances of the apsides of the other orbit [m].
    below_m : float
        Height below it, negative for above [m].

    Returns
    -------
    tuple of float
        Distances of perilune and apolune [m].

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    Coelliptic: ``a e`` and the direction of perilune are those of the other orbit, ``a`` is smaller by the height.

    Examples
    --------
    >>> coelliptic_apsides_m(1.90e6, 1.96e6, 10e3)
    (1890000.0, 1950000.0)
    """
    if not (0.0 < perilune_m <= apolune_m < math.inf and below_m < perilune_m):
        raise InputError(
            f"apsides {perilune_m}, {apolune_m} m, {below_m} m below",
            where="coelliptic",
            advice="give perilune before apolune, and less than perilune below",
        )
    return perilune_m - below_m, apolune_m - below_m


def plane_inclination_deg(
    latitude_deg: float, stay_s: float, turn_rad_s: float = 2.0 * math.pi / 2_360_591.5
) -> float:
    """Inclination of the plane that carries a site past twice, the given time apart.

    Parameters
    ----------
    latitude_deg : float
        Latitude of the site [deg].
    stay_s : float
        From the landing to the lift-off [s].
    turn_rad_s : float
        How fast the site turns against the node; that of the Moon against the stars if not given [rad/s].

    Returns
    -------
    float
        Less than 90 deg; 180 deg less this for an orbit the other way [deg].

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    The site is in the plane when ``sin(longitude from the node) = tan(latitude) / tan(inclination)``, which holds
    at equal angles before and after the northernmost point: ``tan i = tan(latitude) / cos(turn x stay / 2)``.

    Examples
    --------
    >>> round(plane_inclination_deg(43.06, 2.0 * 86400), 2)
    43.82
    """
    half = 0.5 * turn_rad_s * stay_s
    if not (0.0 < abs(latitude_deg) < 90.0 and 0.0 <= half < 0.5 * math.pi):
        raise InputError(
            f"latitude {latitude_deg} deg, stay {stay_s} s",
            where="plane_inclination_deg",
            advice="give a latitude between equator and pole, and less than half a month",
        )
    return math.degrees(math.atan(math.tan(math.radians(abs(latitude_deg))) / math.cos(half)))


@dataclass(frozen=True)
class LiftOff:
    """A passage of a site through the plane of an orbiter, or the nearest one.

    Parameters
    ----------
    time_tdb_s : float
        Instant, TDB since J2000 [s].
    out_of_plane_deg : float
        Angle of the site from the plane, positive on the side of the pole; zero in a passage [deg].
    azimuth_deg : float
        Direction in which the orbiter's plane leaves the site, clockwise from north [deg].
    ahead_deg : float
        How far the orbiter is ahead of the site along its motion, -180 to 180 [deg].
    plane_change_m_s : float
        What turning the plane of the orbiter by the angle would cost at its speed [m/s].
    """

    time_tdb_s: float
    out_of_plane_deg: float
    azimuth_deg: float
    ahead_deg: float
    plane_change_m_s: float

    @property
    def utc(self) -> np.datetime64:
        """The instant in UTC, to 1 ms.

        Returns
        -------
        numpy.datetime64
        """
        found: np.datetime64 = default_timescale().utc(np.array([self.time_tdb_s]))[0]
        return found


def lift_offs(orbiter: State, site: Site, until: Until, env: Environment) -> tuple[LiftOff, ...]:
    """Times at which a site passes through the plane of an orbiter, flown in the full field.

    Parameters
    ----------
    orbiter : State
        State of the orbiter at the start, from the Moon's centre.
    site : Site
        Where the ascender stands.
    until : Until
        End of the search.
    env : Environment
        Forces; must cover the search.

    Returns
    -------
    tuple of LiftOff
        Passages; where there is none, the instant at which the site comes nearest to the plane.

    Raises
    ------
    DateError
        If the search leaves the environment.
    InputError
        If the state cannot be flown.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-03", degree=2)
    >>> low = State.circling(env, "2030-01-01", 200e3, 90.0, node_deg=20.0)
    >>> [str(found.utc)[:10] for found in lift_offs(low, Site(-45.0, 0.0), "2030-01-03", env)]
    ['2030-01-02']
    """
    flown = propagate(orbiter, until, env, rtol=1e-10)
    seconds = np.arange(0.0, flown.duration_s, _SAMPLE_S)
    place = site.position_m / np.linalg.norm(site.position_m)

    def angle(elapsed: Floats) -> Floats:
        states = flown.at_elapsed(elapsed)
        pole = np.cross(states[:, :3], states[:, 3:])
        pole /= np.linalg.norm(pole, axis=1)[:, None]
        up = np.einsum("nji,j->ni", env.rotation(orbiter.time_tdb_s + elapsed), place)
        return np.asarray(np.degrees(np.arcsin(np.clip(np.einsum("ni,ni->n", pole, up), -1.0, 1.0))))

    values = angle(seconds)
    changes = np.flatnonzero(values[:-1] * values[1:] < 0.0)
    found = []
    for row in changes:
        low, high = float(seconds[row]), float(seconds[row + 1])
        rising = values[row] < 0.0
        for _ in range(30):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if (angle(np.array([middle]))[0] < 0.0) == rising else (low, middle)
        found.append(0.5 * (low + high))
    if not found:
        found = [float(seconds[int(np.argmin(np.abs(values)))])]
    return tuple(_lift_off(env, flown.at_elapsed(np.array([t]))[0], orbiter.time_tdb_s + t, place) for t in found)


def _lift_off(env: Environment, state: Floats, tdb_s: float, place: Floats) -> LiftOff:
    """What there is to say about a lift-off at an instant."""
    turn = env.rotation(tdb_s)[0]
    r, v = turn @ state[:3], turn @ state[3:]
    pole = np.cross(r, v)
    pole /= np.linalg.norm(pole)
    off = math.asin(float(np.clip(pole @ place, -1.0, 1.0)))
    onward = np.cross(pole, place)
    onward /= np.linalg.norm(onward)
    below = place - math.sin(off) * pole
    ahead = math.atan2(float(r @ onward), float(r @ below) / float(np.linalg.norm(below)))
    east = np.array([-place[1], place[0], 0.0]) / math.hypot(place[0], place[1])
    north = np.cross(place, east)
    azimuth = math.degrees(math.atan2(float(onward @ east), float(onward @ north))) % 360.0
    change = 2.0 * float(np.linalg.norm(v)) * math.sin(0.5 * abs(off))
    return LiftOff(tdb_s, math.degrees(off), azimuth, math.degrees(ahead), change)


def _speed(radius_m: float, other_m: float, gm: float) -> float:
    """Speed at one apsis of an orbit with the other apsis given."""
    return math.sqrt(gm * 2.0 * other_m / (radius_m * (radius_m + other_m)))


def _positive(value: float, where: str) -> None:
    """Refuse numbers that are not above zero."""
    if not (math.isfinite(value) and value > 0.0):
        raise InputError(f"{value}", where=where, advice="give a number above 0")
