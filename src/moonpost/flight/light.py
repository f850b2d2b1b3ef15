"""What is in view from a lunar orbit at given times: the Sun's disc, the Earth's disc, the beta angle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.flight.occultation import separation_rad
from moonpost.flight.orbit import LunarOrbit, bodies_m
from moonpost.sky.apparent import EARTH_RADIUS_M, SUN_RADIUS_M
from moonpost.sky.eclipse import uncovered_fraction
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["beta_deg", "earth_in_view", "orbit_light"]

Floats = npt.NDArray[np.float64]


def orbit_light(orbit: LunarOrbit, almanac: Almanac, t: TimeLike) -> Floats:
    """Part of the Sun's disc that is in view from an orbit.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    almanac : Almanac
        Ephemerides.
    t : datetime64 array or other times
        UTC, shape (n,).

    Returns
    -------
    ndarray, shape (n,)
        Free part of the disc's area [1].

    Raises
    ------
    DateError
        If a date lies outside the kernels.

    Notes
    -----
    The Moon is a sphere of 1737.4 km and the Earth one of its equatorial radius, without air. Where both
    cover the Sun at once, their free parts are multiplied, which is exact when one of them is 0 or 1.
    The limb is taken as the arc of a circle in the plane: over the Sun's 0.5 deg that costs less than
    0.002 of the disc even where the Moon fills half of the sky.

    Examples
    --------
    >>> from moonpost.sky import Almanac, times
    >>> t = times("2030-01-01", "2030-01-02", step_s=60)
    >>> light = orbit_light(LunarOrbit(100e3, 100e3, 0.0), Almanac.default(), t)
    >>> bool(0.55 < light.mean() < 0.65), float(light.min()), float(light.max())
    (True, 0.0, 1.0)
    """
    times = np.atleast_1d(as_utc(t))
    place = orbit.position_m(times)
    sun = bodies_m(almanac, "sun", times, orbit.epoch) - place
    earth = bodies_m(almanac, "earth", times, orbit.epoch) - place
    past_moon = _uncovered(sun, SUN_RADIUS_M, -place, MOON_RADIUS_M)
    return past_moon * _uncovered(sun, SUN_RADIUS_M, earth, EARTH_RADIUS_M)


def earth_in_view(orbit: LunarOrbit, almanac: Almanac, t: TimeLike) -> Floats:
    """Part of the Earth's disc that the Moon leaves free, as seen from an orbit.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    almanac : Almanac
        Ephemerides.
    t : datetime64 array or other times
        UTC, shape (n,).

    Returns
    -------
    ndarray, shape (n,)
        Free part of the disc's area [1].

    Raises
    ------
    DateError
        If a date lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> earth_in_view(LunarOrbit(100e3, 100e3, 90.0, node_deg=90.0), Almanac.default(), "2030-01-01").tolist()
    [1.0]
    """
    times = np.atleast_1d(as_utc(t))
    place = orbit.position_m(times)
    earth = bodies_m(almanac, "earth", times, orbit.epoch) - place
    return _uncovered(earth, EARTH_RADIUS_M, -place, MOON_RADIUS_M)


def beta_deg(orbit: LunarOrbit, almanac: Almanac, t: TimeLike) -> Floats:
    """Angle between the Sun and the plane of an orbit.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    almanac : Almanac
        Ephemerides.
    t : datetime64 array or other times
        UTC, shape (n,).

    Returns
    -------
    ndarray, shape (n,)
        Beta angle, positive on the side of the orbit's pole [deg].

    Raises
    ------
    DateError
        If a date lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> level = LunarOrbit(100e3, 100e3, 0.0)
    >>> bool(abs(beta_deg(level, Almanac.default(), "2030-01-01")[0]) < 1.7)
    True
    """
    sun = bodies_m(almanac, "sun", t, orbit.epoch)
    return np.degrees(np.arcsin(np.clip(sun @ orbit.axes()[2] / np.linalg.norm(sun, axis=1), -1.0, 1.0)))


def _uncovered(body_m: Floats, body_radius_m: float, cover_m: Floats, cover_radius_m: float) -> Floats:
    """Part of a body's disc that another leaves free."""
    apart = np.degrees(separation_rad(body_m, cover_m))
    return uncovered_fraction(apart, _radius_deg(body_radius_m, body_m), _radius_deg(cover_radius_m, cover_m))


def _radius_deg(radius_m: float, vector_m: Floats) -> Floats:
    """Angular radius of a sphere at the end of a vector."""
    return np.degrees(np.arcsin(radius_m / np.linalg.norm(vector_m, axis=1)))
