"""The ground under a descent: where the lander passes, and how high above the terrain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.descent import Descent
from moonpost.flight.poweredpath import checked
from moonpost.sky.site import MOON_RADIUS_M, Site

__all__ = ["Clearance", "clearance", "places_before"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Clearance:
    """How high a descent passes above the terrain.

    Parameters
    ----------
    least_m : float
        Least height above the ground during the braking phase [m].
    distance_m : float
        How far before the site that is [m].
    known_m : float
        How far before the site the ground is known without a gap; what lies farther does not count [m].
    """

    least_m: float
    distance_m: float
    known_m: float


def places_before(site: Site, heading_deg: float, distance_m: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Places on the great circle by which a lander comes to a site.

    Parameters
    ----------
    site : Site
        The site.
    heading_deg : float
        Direction of flight at the site, clockwise from north [deg].
    distance_m : array_like, shape (n,)
        Distances before the site along the 1737.4 km sphere [m].

    Returns
    -------
    tuple of ndarray, shape (n,)
        Latitudes and longitudes [deg]; the turning of the Moon during the descent, up to 3 km, is left out.

    Examples
    --------
    >>> latitude, longitude = places_before(Site(0.0, 0.0), 90.0, [0.0, 30323.4])
    >>> abs(latitude).max() < 1e-9, longitude.round(3).tolist()
    (np.True_, [0.0, -1.0])
    """
    turn = math.radians(checked(heading_deg, "heading_deg", -720.0, 720.0))
    east, north, up = site.basis
    onward = math.sin(turn) * east + math.cos(turn) * north
    angle = np.atleast_1d(np.asarray(distance_m, dtype=np.float64)) / MOON_RADIUS_M
    x, y, z = (np.cos(angle)[:, None] * up - np.sin(angle)[:, None] * onward).T
    return np.degrees(np.arctan2(z, np.hypot(x, y))) + 0.0, np.degrees(np.arctan2(y, x)) + 0.0


def clearance(
    descent: Descent, distance_m: npt.ArrayLike, ground_height_m: npt.ArrayLike, site_height_m: float
) -> Clearance:
    """Compare a descent with the terrain on its way.

    Parameters
    ----------
    descent : Descent
        The descent.
    distance_m : array_like, shape (n,)
        Distances before the site, growing from 0 [m].
    ground_height_m : array_like, shape (n,)
        Heights of the ground there above the 1737.4 km sphere; NaN where not known [m].
    site_height_m : float
        Height of the site, as the descent was planned with [m].

    Returns
    -------
    Clearance

    Raises
    ------
    InputError
        If the arrays do not fit, or nothing is known of the ground under the braking phase.

    Notes
    -----
    The approach, hover and vertical descent stay out, as they end on the ground.

    Examples
    --------
    >>> from moonpost.flight.descent import descend
    >>> from moonpost.flight.poweredpath import Vehicle
    >>> plan = descend(Vehicle(3000.0, 7500.0, 308.0))
    >>> ridge = [0.0, 0.0, 9000.0, 0.0]
    >>> found = clearance(plan, [0.0, 39e3, 40e3, 41e3], ridge, 0.0)
    >>> round(found.least_m, -2), found.distance_m
    (400.0, 40000.0)
    """
    away = np.asarray(distance_m, dtype=np.float64)
    ground = np.asarray(ground_height_m, dtype=np.float64)
    if away.ndim != 1 or away.shape != ground.shape or away.size < 2 or not (np.diff(away) > 0.0).all():
        raise InputError(
            f"shapes {away.shape} and {ground.shape}, or not growing",
            where="clearance",
            advice="give distances that grow from 0 and as many heights",
        )
    path = descent.path
    to_go = path.downrange_m[-1] - path.downrange_m
    braking = float(to_go[len(descent.braking.path) - 1])
    gaps = np.flatnonzero(np.isnan(ground))
    known = float(away[gaps[0] - 1]) if gaps.size and gaps[0] > 0 else (0.0 if gaps.size else float(away[-1]))
    rows = (away >= braking) & (away <= min(known, float(to_go[0])))
    if not rows.any():
        raise InputError(
            f"the ground is known only to {known / 1e3:.1f} km before the site, and braking ends at "
            f"{braking / 1e3:.1f} km",
            where="clearance",
            advice="give terrain that reaches farther",
        )
    height = np.interp(away[rows], to_go[::-1], path.altitude_m[::-1])
    over = height - (ground[rows] - site_height_m)
    lowest = int(np.argmin(over))
    return Clearance(float(over[lowest]), float(away[rows][lowest]), known)
