"""Leaving the Moon: the hyperbola through a state, and where in its B-plane a lunar orbit wants it to pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Hyperbolas", "LunarCircle", "cheapest_burns", "escape_velocity", "tangent_offsets"]

Floats = npt.NDArray[np.float64]

_BURN_PLACES = 361
_J2 = 2.0326e-4
_J2_RADIUS_M = 1738e3


@dataclass(frozen=True)
class LunarCircle:
    """A circular orbit round the Moon that is left for the Earth.

    Parameters
    ----------
    altitude_m : float, default 200e3
        Altitude above the 1737.4 km sphere [m].
    inclination_deg : float, default 90.0
        To the lunar equator at departure, 0 to 180 [deg].
    node_deg : float, optional
        Longitude of the ascending node, east from the prime meridian at the first departure [deg]; later
        departures leave the same orbit, which stays among the stars but for the turn of its node. If not given
        the node is where the return is cheapest.

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> round(LunarCircle(200e3).speed_m_s())
    1591
    """

    altitude_m: float = 200e3
    inclination_deg: float = 90.0
    node_deg: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.altitude_m < 2e7:
            raise InputError(f"{self.altitude_m} m", where="altitude_m", advice="give an altitude of 0 to 2e7 m")
        if not 0.0 <= self.inclination_deg <= 180.0:
            raise InputError(f"{self.inclination_deg} deg", where="inclination_deg", advice="give 0 to 180 deg")
        if self.node_deg is not None and not math.isfinite(self.node_deg):
            raise InputError(f"{self.node_deg} deg", where="node_deg", advice="give a longitude")

    @property
    def radius_m(self) -> float:
        """Distance from the Moon's centre [m].

        Returns
        -------
        float
        """
        return MOON_RADIUS_M + self.altitude_m

    def speed_m_s(self, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> float:
        """Speed on the circle.

        Parameters
        ----------
        gm_m3_s2 : float
            Gravitational parameter of the Moon [m3/s2].

        Returns
        -------
        float
            [m/s]
        """
        return math.sqrt(gm_m3_s2 / self.radius_m)

    def node_rate_rad_s(self, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> float:
        """How fast the flattening of the Moon turns the node.

        Parameters
        ----------
        gm_m3_s2 : float
            Gravitational parameter of the Moon [m3/s2].

        Returns
        -------
        float
            Against stars [rad/s].

        Notes
        -----
        ``-1.5 n J2 (R/a)^2 cos i``, J2 = 2.0326e-4 and R = 1738 km (GRGM1200A); other terms of the field are
        left out.

        Examples
        --------
        >>> round(math.degrees(LunarCircle(200e3, 44.0).node_rate_rad_s()) * 86400, 2)
        -0.72
        """
        motion = math.sqrt(gm_m3_s2 / self.radius_m**3)
        tilt = math.cos(math.radians(self.inclination_deg))
        return -1.5 * motion * _J2 * (_J2_RADIUS_M / self.radius_m) ** 2 * tilt

    def poles(self, turn: Floats, since_s: Floats) -> Floats:
        """Poles of the orbit with its node, in J2000 axes.

        Parameters
        ----------
        turn : ndarray, shape (3, 3)
            Rotation from J2000 to mean-Earth axes when the node holds.
        since_s : ndarray, shape (n,)
            Times since then [s].

        Returns
        -------
        ndarray, shape (n, 3)

        Raises
        ------
        InputError
            If the node is free.
        """
        if self.node_deg is None:
            raise InputError("the node is free", where="node_deg", advice="give the longitude of the node")
        node = math.radians(self.node_deg) + self.node_rate_rad_s() * since_s
        tilt = math.radians(self.inclination_deg)
        fixed = np.stack(
            [math.sin(tilt) * np.sin(node), -math.sin(tilt) * np.cos(node), np.full(len(node), math.cos(tilt))],
            axis=1,
        )
        return fixed @ turn


@dataclass(frozen=True)
class Hyperbolas:
    """Hyperbolas away from the Moon, through states; make them with `Hyperbolas.of`.

    Parameters
    ----------
    outward : ndarray, shape (n, 3)
        Directions in which they leave.
    excess_m_s : ndarray, shape (n,)
        Speeds far away, v-infinity [m/s].
    offset_m : ndarray, shape (n, 3)
        Vectors B from the Moon's centre to the asymptotes, across them [m].
    since_perilune_s : ndarray, shape (n,)
        Time since perilune [s].
    open : ndarray of bool, shape (n,)
        Whether the state escapes; the rest of the row is NaN if not.
    """

    outward: Floats
    excess_m_s: Floats
    offset_m: Floats
    since_perilune_s: Floats
    open: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, states: Floats, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> Hyperbolas:
        """Hyperbolas through states.

        Parameters
        ----------
        states : ndarray, shape (n, 6)
            Positions [m] and velocities [m/s] from the Moon's centre.
        gm_m3_s2 : float
            Gravitational parameter of the Moon [m3/s2].

        Returns
        -------
        Hyperbolas

        Notes
        -----
        With the eccentricity vector e and q across it, the outgoing asymptote is
        ``-(1/e) p + sqrt(1 - 1/e^2) q`` and ``B = S x h / v_inf``.

        Examples
        --------
        >>> found = Hyperbolas.of(np.array([[1937.4e3, 0, 0, 0, 2430.0, 0]]))
        >>> found.excess_m_s.round().tolist(), found.since_perilune_s.round(6).tolist()
        ([919.0], [0.0])
        """
        r, v = states[:, :3], states[:, 3:]
        distance = np.linalg.norm(r, axis=1)
        momentum = np.cross(r, v)
        with np.errstate(all="ignore"):
            vector = np.cross(v, momentum) / gm_m3_s2 - r / distance[:, None]
            eccentricity = np.linalg.norm(vector, axis=1)
            energy = 0.5 * np.einsum("ni,ni->n", v, v) - gm_m3_s2 / distance
            free = (energy > 0.0) & (eccentricity > 1.0001) & np.isfinite(states).all(axis=1)
            energy = np.where(free, energy, np.nan)
            along = vector / eccentricity[:, None]
            across = np.cross(momentum / np.linalg.norm(momentum, axis=1)[:, None], along)
            cosine = -1.0 / eccentricity[:, None]
            outward = cosine * along + np.sqrt(1.0 - cosine**2) * across
            excess = np.sqrt(2.0 * energy)
            size = 0.5 * gm_m3_s2 / energy
            sine = np.einsum("ni,ni->n", r, v) / np.sqrt(gm_m3_s2 * size) / eccentricity
            since = (eccentricity * sine - np.arcsinh(sine)) * np.sqrt(size**3 / gm_m3_s2)
            outward[~free] = np.nan
            offset = np.cross(outward, momentum) / excess[:, None]
        return cls(outward, excess, offset, since, free)


def escape_velocity(position_m: Floats, excess_m_s: Floats, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> Floats:
    """Velocity at a place that leads to a given velocity far away.

    Parameters
    ----------
    position_m : ndarray, shape (n, 3)
        Places from the Moon's centre [m].
    excess_m_s : ndarray, shape (n, 3)
        Velocities far away [m/s].
    gm_m3_s2 : float
        Gravitational parameter of the Moon [m3/s2].

    Returns
    -------
    ndarray, shape (n, 3)
        [m/s]

    Notes
    -----
    With s the direction far away and u that of the place, ``v = (D + w/2) s + (D - w/2) u`` and
    ``D^2 = gm / (r (1 + s.u)) + w^2 / 4``, w being the speed far away.

    References
    ----------
    Battin (1999), An Introduction to the Mathematics and Methods of Astrodynamics, section 11.4.

    Examples
    --------
    >>> velocity = escape_velocity(np.array([[1937.4e3, 0, 0]]), np.array([[0, 900.0, 0]]))
    >>> Hyperbolas.of(np.hstack([[[1937.4e3, 0, 0]], velocity])).outward.round(9).tolist()[0][:2]
    [0.0, 1.0]
    """
    distance = np.linalg.norm(position_m, axis=-1)
    speed = np.linalg.norm(excess_m_s, axis=-1)
    place, far = position_m / distance[..., None], excess_m_s / speed[..., None]
    opened = np.maximum(1.0 + np.einsum("...i,...i->...", place, far), 1e-9)
    size = np.sqrt(gm_m3_s2 / (distance * opened) + 0.25 * speed**2)
    return (size + 0.5 * speed)[..., None] * far + (size - 0.5 * speed)[..., None] * place


def tangent_offsets(
    found: Hyperbolas, poles: Floats, circle: LunarCircle, side: Floats, gm_m3_s2: float
) -> tuple[Floats, Floats, Floats]:
    """Offsets B of hyperbolas that leave a circle along its motion.

    Parameters
    ----------
    found : Hyperbolas
        Their asymptotes and speeds.
    poles : ndarray, shape (n, 3)
        Pole of the lunar equator.
    circle : LunarCircle
        The orbit, whose node is free.
    side : ndarray, shape (n,)
        1 to move north along the asymptote, -1 for south.
    gm_m3_s2 : float
        Gravitational parameter of the Moon [m3/s2].

    Returns
    -------
    tuple of ndarray, shapes (n, 3), (n,) and (n,)
        Offsets [m], times since perilune at departure [s] and inclinations [deg].

    Notes
    -----
    ``B^2 = r^2 + 2 gm r / v_inf^2``; with T along the equator and R to the south the pole of the orbit has
    ``cos i = cos(angle from T to B) cos(declination)``. Where the asymptote lies farther from the lunar equator
    than the inclination allows the nearest inclination is aimed at, and given back.
    """
    reach = np.sqrt(circle.radius_m**2 + 2.0 * gm_m3_s2 * circle.radius_m / found.excess_m_s**2)
    east = np.cross(found.outward, poles)
    level = np.linalg.norm(east, axis=1)
    east = east / level[:, None]
    south = np.cross(found.outward, east)
    cosine = np.clip(math.cos(math.radians(circle.inclination_deg)) / level, -1.0, 1.0)
    sine = side * np.sqrt(1.0 - cosine**2)
    offsets = reach[:, None] * (cosine[:, None] * east + sine[:, None] * south)
    return offsets, np.zeros(len(reach)), np.degrees(np.arccos(np.clip(cosine * level, -1.0, 1.0)))


def cheapest_burns(found: Hyperbolas, poles: Floats, radius_m: float, gm_m3_s2: float) -> tuple[Floats, Floats]:
    """Places on circular orbits where the burn to an asymptote is least, and these burns.

    Parameters
    ----------
    found : Hyperbolas
        Directions and speeds far away.
    poles : ndarray, shape (n, 3)
        Poles of the orbits.
    radius_m : float
        Their radius [m].
    gm_m3_s2 : float
        Gravitational parameter of the Moon [m3/s2].

    Returns
    -------
    tuple of ndarray, shape (n, 3)
        Positions [m] and changes of velocity [m/s].

    Notes
    -----
    A search over the circle, then finer round its best place; the velocity is that of `escape_velocity`.
    """
    angles = np.linspace(0.0, 2.0 * math.pi, _BURN_PLACES)[:-1]
    first = np.cross(poles, found.outward)
    first /= np.linalg.norm(first, axis=1)[:, None]
    second = np.cross(poles, first)
    speed = math.sqrt(gm_m3_s2 / radius_m)
    far = found.excess_m_s[:, None] * found.outward

    def burn(angle: Floats) -> tuple[Floats, Floats]:
        c, s = np.cos(angle)[..., None], np.sin(angle)[..., None]
        place = radius_m * (c * first[:, None] + s * second[:, None])
        onward = speed * (c * second[:, None] - s * first[:, None])
        wanted = escape_velocity(place, np.broadcast_to(far[:, None], place.shape), gm_m3_s2)
        return place, wanted - onward

    step = angles[1]
    cost = np.linalg.norm(burn(np.broadcast_to(angles, (len(far), angles.size)))[1], axis=2)
    best = angles[np.argmin(np.where(np.isfinite(cost), cost, np.inf), axis=1)]
    for _ in range(6):
        step *= 0.25
        near = best[:, None] + step * np.arange(-4, 5)
        cost = np.linalg.norm(burn(near)[1], axis=2)
        best = near[np.arange(len(best)), np.argmin(np.where(np.isfinite(cost), cost, np.inf), axis=1)]
    place, change = burn(best[:, None])
    return place[:, 0], change[:, 0]
