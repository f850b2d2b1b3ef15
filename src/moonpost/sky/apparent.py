"""Apparent places: directions, distances and sizes as an observer sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.sky.site import Site

__all__ = [
    "ASTRONOMICAL_UNIT_M",
    "EARTH_RADIUS_M",
    "LIGHT_SPEED_M_S",
    "SUN_RADIUS_M",
    "Apparent",
    "StationApparent",
    "aberrated",
    "looked_at",
]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

LIGHT_SPEED_M_S = 299_792_458.0
"""Speed of light [m/s], exact by the definition of the metre."""
ASTRONOMICAL_UNIT_M = 149_597_870_700.0
"""Astronomical unit [m] (IAU 2012 Resolution B2)."""
SUN_RADIUS_M = 695_700_000.0
"""Nominal solar radius [m] (IAU 2015 Resolution B3)."""
EARTH_RADIUS_M = 6_378_137.0
"""Equatorial radius of the Earth [m] (WGS 84)."""


@dataclass(frozen=True, eq=False)
class Apparent:
    """A body in the sky of a site: arrays over time.

    Parameters
    ----------
    time : ndarray of datetime64[ms], shape (n,)
        UTC.
    azimuth_deg : ndarray, shape (n,)
        Azimuth [deg], clockwise from north, 0 to below 360.
    elevation_deg : ndarray, shape (n,)
        Elevation of the centre above the local horizontal [deg], without terrain.
    distance_m : ndarray, shape (n,)
        Distance from the site to where the body was when the light left it [m].
    angular_radius_deg : ndarray, shape (n,)
        Angular radius [deg]: the arc sine of radius over distance.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(1)
    >>> day = np.array(["2030-01-01"], "datetime64[ms]")
    >>> Apparent(day, one, one, ASTRONOMICAL_UNIT_M * one, one).distance_factor
    array([1.])
    """

    time: Times
    azimuth_deg: Floats
    elevation_deg: Floats
    distance_m: Floats
    angular_radius_deg: Floats

    def __len__(self) -> int:
        return len(self.time)

    @property
    def distance_factor(self) -> Floats:
        """Irradiance relative to that at one astronomical unit, (1 au / distance) squared.

        Returns
        -------
        ndarray, shape (n,)
            Factor by which the solar constant at 1 au is multiplied; meaningful for the Sun only.
        """
        return (ASTRONOMICAL_UNIT_M / self.distance_m) ** 2


@dataclass(frozen=True, eq=False)
class StationApparent(Apparent):
    """An Earth ground station in the sky of a lunar site.

    Parameters
    ----------
    moon_elevation_deg : ndarray, shape (n,)
        Elevation of the lunar site above the station's horizon [deg] at the same UTC, without refraction.

    Notes
    -----
    The other parameters are those of `Apparent`; `angular_radius_deg` is zero.

    Examples
    --------
    >>> import numpy as np
    >>> one, day = np.ones(1), np.array(["2030-01-01"], "datetime64[ms]")
    >>> StationApparent(day, one, one, one, 0.0 * one, moon_elevation_deg=45.0 * one).moon_elevation_deg
    array([45.])
    """

    moon_elevation_deg: Floats


def aberrated(direction_m: Floats, velocity_m_s: Floats) -> Floats:
    """Turn astrometric vectors by the aberration of a moving observer.

    Parameters
    ----------
    direction_m : ndarray, shape (3, n)
        From the observer to the body where it was when the light left [m].
    velocity_m_s : ndarray, shape (3, n)
        Velocity of the observer from the Solar System barycentre [m/s], in the same axes.

    Returns
    -------
    ndarray, shape (3, n)
        Vectors of the same length towards where the body appears [m].

    Notes
    -----
    Lorentz transformation of the direction u to the moving frame, with b = v/c and g = 1/sqrt(1 - b.b):
    u' = (u/g + b (1 + (u.b) g/(1 + g))) / (1 + u.b). Up to 20.5 arcseconds for the motion round the Sun.

    References
    ----------
    Urban and Seidelmann (2013), Explanatory Supplement to the Astronomical Almanac, 3rd edition, eq. 7.40.

    Examples
    --------
    >>> import numpy as np
    >>> ahead = aberrated(np.array([[1.0], [0.0], [0.0]]), np.array([[0.0], [29979.2458], [0.0]]))
    >>> round(float(np.rad2deg(np.arctan2(ahead[1], ahead[0]))[0]) * 3600.0, 2)
    20.63
    """
    length = np.sqrt(np.einsum("in,in->n", direction_m, direction_m))
    unit = direction_m / length
    beta = velocity_m_s / LIGHT_SPEED_M_S
    along = np.einsum("in,in->n", unit, beta)
    slow = np.sqrt(1.0 - np.einsum("in,in->n", beta, beta))
    turned = (slow * unit + beta * (1.0 + along / (1.0 + slow))) / (1.0 + along)
    return length * turned


def looked_at(site: Site, vector_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Azimuth, elevation and length of vectors in a site's sky.

    Parameters
    ----------
    site : Site
        The observer.
    vector_m : ndarray, shape (3, n)
        From the site in MOON_ME [m].

    Returns
    -------
    azimuth_deg, elevation_deg, distance_m : ndarray, shape (n,)
        Clockwise from north [deg], above the local horizontal [deg], length [m].

    Examples
    --------
    >>> import numpy as np
    >>> azimuth, elevation, _ = looked_at(Site(0.0, 0.0), np.array([[1.0], [1.0], [0.0]]))
    >>> float(azimuth[0]), round(float(elevation[0]), 9)
    (90.0, 45.0)
    """
    east, north, up = site.basis @ vector_m
    level = np.hypot(east, north)
    azimuth = np.rad2deg(np.arctan2(east, north)) % 360.0
    azimuth[azimuth >= 360.0] = 0.0
    return azimuth, np.rad2deg(np.arctan2(up, level)), np.hypot(level, up)
