"""Mutual shadowing: what machines take of each other's sunlight at a low Sun, through a year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky import MOON_RADIUS_M, Apparent
from moonpost.terrain import HorizonProfile

__all__ = ["Body", "Panel", "hidden_by_bodies", "shadow_length_m", "shadow_map"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """Something upright and round that throws a shadow.

    Parameters
    ----------
    element : str
        What it belongs to.
    east_m, north_m : float
        Its place from the site's point [m].
    bottom_m, top_m : float
        Between these heights above the site's ground it stops light [m].
    width_m : float
        Across [m].

    Examples
    --------
    >>> Body("mast", 0.0, 0.0, 0.0, 10.0, 0.3).top_m
    10.0
    """

    element: str
    east_m: float
    north_m: float
    bottom_m: float
    top_m: float
    width_m: float

    def row(self) -> tuple[float, float, float, float, float]:
        """East, north, bottom, top and half width in the plane that touches the Moon at the site [m]."""
        fall = (self.east_m**2 + self.north_m**2) / (2.0 * MOON_RADIUS_M)
        return self.east_m, self.north_m, self.bottom_m - fall, self.top_m - fall, 0.5 * self.width_m


@dataclass(frozen=True)
class Panel:
    """An upright array, by its bounds.

    Parameters
    ----------
    element : str
        What it belongs to.
    east_m, north_m : float
        Its place from the site's point [m].
    middle_m : float
        Height of its middle above the site's ground [m].
    width_m, height_m : float
        Across, and from its lower to its upper edge [m].
    facing_deg : float or None
        Azimuth that it faces [deg]; None if it turns with the Sun.

    Examples
    --------
    >>> Panel("array", 0.0, 0.0, 10.0, 3.0, 8.0).facing_deg is None
    True
    """

    element: str
    east_m: float
    north_m: float
    middle_m: float
    width_m: float
    height_m: float
    facing_deg: float | None = None


def shadow_length_m(top_m: float, sun_elevation_deg: float, *, level: bool = True) -> float:
    """Length of the shadow of something upright.

    Parameters
    ----------
    top_m : float
        Its height [m].
    sun_elevation_deg : float
        Elevation of the Sun's centre, above 0 and below 90 [deg].
    level : bool, default True
        Whether the ground is a plane; else it falls away with the Moon's curvature.

    Returns
    -------
    float
        [m]; infinite where the ground falls away faster than the shadow.

    Raises
    ------
    InputError
        If a number is out of range.

    Notes
    -----
    L = h / tan e on a plane; on the sphere L tan e - L^2 / (2 R) = h.

    Examples
    --------
    >>> round(shadow_length_m(10.0, 1.5), 1)
    381.9
    """
    if not (math.isfinite(top_m) and top_m >= 0.0):
        raise InputError(f"is {top_m!r}", where="top_m", advice="give a height of 0 m or more")
    if not 0.0 < sun_elevation_deg < 90.0:
        raise InputError(
            f"is {sun_elevation_deg!r}", where="sun_elevation_deg", advice="give an elevation above 0 and below 90"
        )
    tangent = math.tan(math.radians(sun_elevation_deg))
    if level:
        return top_m / tangent
    root = tangent**2 - 2.0 * top_m / MOON_RADIUS_M
    return MOON_RADIUS_M * (tangent - math.sqrt(root)) if root >= 0.0 else math.inf


def hidden_by_bodies(
    panel: Panel,
    bodies: Sequence[Body],
    sun: Apparent,
    profile: HorizonProfile,
    *,
    columns: int = 3,
    rows: int = 5,
) -> Floats:
    """Share of the Sun's disc that bodies hide from each point of a panel, beyond what the ground hides.

    Parameters
    ----------
    panel : Panel
        The array.
    bodies : sequence of Body
        What may stand before it; those of its own element are left out.
    sun : Apparent
        The Sun at the site, (n,).
    profile : HorizonProfile
        The horizon of the ground at the panel.
    columns, rows : int
        Points across and up the panel.

    Returns
    -------
    ndarray, shape (n, columns, rows)
        [1].

    Raises
    ------
    InputError
        If the Sun is not finite, or there are no points.

    Notes
    -----
    Each body is a cylinder between two heights. The disc is cut into strips, at least 16 and at every edge of a
    body, so that a mast narrower than the Sun hides just its part; in a strip the hidden elevations are joined, so
    that nothing counts twice. All places lie in the plane that touches the Moon at the site, with heights lowered
    by d^2 / 2R. Neglected: light from the ground, limb darkening, ground between machines other than the horizon.

    Examples
    --------
    >>> from moonpost.sky import Site
    >>> one = np.ones(1)
    >>> low = Apparent(np.zeros(1, "datetime64[ms]"), 0 * one, 1.5 * one, 1.5e11 * one, 0.267 * one)
    >>> ground = HorizonProfile.flat(Site(-89.5, 0.0), elevation_deg=-1.0)
    >>> wall = Body("wall", 0.0, 190.0, 0.0, 10.0, 30.0)
    >>> float(hidden_by_bodies(Panel("a", 0.0, 0.0, 2.0, 1.0, 0.1), [wall], low, ground).min())
    1.0
    """
    from moonpost.design.shadowkernels import hidden_light

    angles = [np.radians(np.asarray(a, dtype=np.float64)) for a in _angles(sun)]
    if not all(np.isfinite(a).all() for a in angles):
        raise InputError("holds NaN or infinity", where="sun", advice="compute it again")
    if columns < 1 or rows < 1:
        raise InputError("asks for no points", where="columns, rows", advice="give 1 or more")
    others = [body.row() for body in bodies if body.element != panel.element]
    parts = np.array(others, dtype=np.float64).reshape(-1, 5)
    fall = (panel.east_m**2 + panel.north_m**2) / (2.0 * MOON_RADIUS_M)
    centre = np.array([panel.east_m, panel.north_m, panel.middle_m - fall])
    facing = math.nan if panel.facing_deg is None else math.radians(panel.facing_deg)
    return np.asarray(
        hidden_light(
            *angles,
            np.radians(profile.elevation_deg),
            parts,
            centre,
            0.5 * panel.width_m,
            0.5 * panel.height_m,
            facing,
            columns,
            rows,
        )
    )


def _angles(sun: Apparent) -> tuple[Floats, Floats, Floats]:
    return sun.azimuth_deg, sun.elevation_deg, sun.angular_radius_deg


def shadow_map(
    bodies: Sequence[Body],
    sun: Apparent,
    profile: HorizonProfile,
    east_m: npt.ArrayLike,
    north_m: npt.ArrayLike,
    *,
    height_m: float = 2.0,
) -> Floats:
    """Part of the sunlight that bodies take from a small panel at each point of a grid.

    Parameters
    ----------
    bodies : sequence of Body
        What throws shadows.
    sun : Apparent
        The Sun at the site, (n,), at steps of some hours.
    profile : HorizonProfile
        The horizon of the ground.
    east_m, north_m : array_like, shapes (c,) and (r,)
        The grid [m].
    height_m : float, default 2.0
        Height of the panel above ground [m].

    Returns
    -------
    ndarray, shape (r, c)
        Lost over received without bodies [1].

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site, times
    >>> site = Site(-89.5, 0.0)
    >>> sun = Almanac.default().sun(site, times("2030-11-01", "2030-12-01", 6 * 3600))
    >>> wall = Body("wall", 0.0, 0.0, 0.0, 10.0, 10.0)
    >>> share = shadow_map([wall], sun, HorizonProfile.flat(site), [-60.0, -600.0], [0.0])
    >>> bool(share[0, 0] > share[0, 1])
    True
    """
    from moonpost.terrain import illumination

    light = float(illumination(profile, sun).sum())
    east, north = np.atleast_1d(np.asarray(east_m, float)), np.atleast_1d(np.asarray(north_m, float))
    lost = np.zeros((north.size, east.size))
    for i, y in enumerate(north):
        for j, x in enumerate(east):
            spot = Panel("", float(x), float(y), height_m, 0.0, 0.0)
            lost[i, j] = hidden_by_bodies(spot, bodies, sun, profile, columns=1, rows=1).sum()
    return lost / light if light > 0.0 else lost
