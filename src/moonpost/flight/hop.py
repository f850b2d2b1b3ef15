"""Hops over the surface: thrown and caught, or hovering along."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.chain import propellant_fraction
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredpath import checked
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Hop", "hop", "hover_hop_m_s"]

Floats = npt.NDArray[np.float64]

_GRAVITY = MOON_GM_M3_S2 / MOON_RADIUS_M**2


@dataclass(frozen=True)
class Hop:
    """A ballistic hop: an impulse at the start, a free flight, an impulse at the end.

    Parameters
    ----------
    distance_m : float
        Along the sphere of 1737.4 km [m].
    start_height_m, stop_height_m : float
        Heights above it [m].
    launch_speed_m_s, landing_speed_m_s : float
        Speeds of the free flight at its ends [m/s].
    launch_angle_deg, landing_angle_deg : float
        Angles above the horizontal at launch and below it at landing [deg].
    duration_s : float
        Time of flight [s].
    apex_height_m : float
        Highest point above the 1737.4 km sphere [m].
    """

    distance_m: float
    start_height_m: float
    stop_height_m: float
    launch_speed_m_s: float
    landing_speed_m_s: float
    launch_angle_deg: float
    landing_angle_deg: float
    duration_s: float
    apex_height_m: float

    @property
    def delta_v_m_s(self) -> float:
        """Both impulses [m/s].

        Returns
        -------
        float
        """
        return self.launch_speed_m_s + self.landing_speed_m_s

    def propellant_kg(self, mass_kg: float, specific_impulse_s: float) -> float:
        """Propellant of both impulses.

        Parameters
        ----------
        mass_kg : float
            Mass before the hop [kg].
        specific_impulse_s : float
            Specific impulse [s].

        Returns
        -------
        float
            [kg]

        Examples
        --------
        >>> round(hop(5e3).propellant_kg(100.0, 225.0), 2)
        7.84
        """
        return checked(mass_kg, "mass_kg", 0.0, 1e9) * propellant_fraction(self.delta_v_m_s, specific_impulse_s)

    def height_m(self, distance_m: npt.ArrayLike) -> Floats:
        """Height of the free flight over points on the way.

        Parameters
        ----------
        distance_m : array_like, shape (n,)
            Distances from the start, 0 to that of the hop [m].

        Returns
        -------
        ndarray, shape (n,)
            Heights above the 1737.4 km sphere [m].

        Raises
        ------
        InputError
            If a distance lies outside the hop.

        Examples
        --------
        >>> hop(1000.0).height_m([0.0, 500.0, 1000.0]).round(1).tolist()
        [0.0, 250.0, 0.0]
        """
        along = np.asarray(distance_m, dtype=np.float64)
        if not ((along >= -1e-6) & (along <= self.distance_m * (1.0 + 1e-12) + 1e-6)).all():
            raise InputError("lies outside the hop", where="distance_m", advice=f"give 0 to {self.distance_m:g} m")
        r1 = MOON_RADIUS_M + self.start_height_m
        angle = math.radians(self.launch_angle_deg)
        turned = along / MOON_RADIUS_M
        # The conic through the start: r1/r = (mu / (r1 v^2 cos^2)) (1 - cos) + cos(turned + angle) / cos.
        slowness = MOON_GM_M3_S2 / (r1 * (self.launch_speed_m_s * math.cos(angle)) ** 2)
        ratio = 2.0 * slowness * np.sin(0.5 * turned) ** 2 + np.cos(turned + angle) / math.cos(angle)
        return r1 * (1.0 - ratio) / ratio + self.start_height_m


def hop(
    distance_m: float,
    *,
    start_height_m: float = 0.0,
    stop_height_m: float = 0.0,
    launch_angle_deg: float | None = None,
) -> Hop:
    r"""A ballistic hop between two places on the round Moon.

    Parameters
    ----------
    distance_m : float
        Along the sphere of 1737.4 km, up to half its circumference [m].
    start_height_m, stop_height_m : float, default 0.0
        Heights of the places above the sphere [m].
    launch_angle_deg : float, optional
        Angle above the horizontal at launch [deg]; the one with the least speed if not given.

    Returns
    -------
    Hop

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If no free flight below escape speed at that angle reaches the other place.

    Notes
    -----
    Two bodies, the Moon's rotation left out (4.6 m/s at most). The least speed belongs to the ellipse whose long
    axis is half the perimeter of the triangle of both places and the Moon's centre; on level ground
    :math:`v^2 = \frac{\mu}{R} \frac{2 \sin(\phi/2)}{1 + \sin(\phi/2)}` at the angle :math:`(\pi - \phi)/4`. Both
    impulses are then least at once. Short hops go over into :math:`v^2 = g d` at 45 deg, the longest into the
    circular orbit.

    References
    ----------
    Battin (1999), An Introduction to the Mathematics and Methods of Astrodynamics, AIAA, chapter 6.

    Examples
    --------
    >>> found = hop(10e3)
    >>> round(found.launch_speed_m_s, 1), round(found.launch_angle_deg, 2), round(found.duration_s, 1)
    (127.3, 44.92, 111.2)
    """
    checked(distance_m, "distance_m", 1e-3, math.pi * MOON_RADIUS_M)
    for value, name in ((start_height_m, "start_height_m"), (stop_height_m, "stop_height_m")):
        checked(value, name, -2e4, 1e5)
    r1, r2 = MOON_RADIUS_M + start_height_m, MOON_RADIUS_M + stop_height_m
    turned = distance_m / MOON_RADIUS_M
    climb = r2 - r1
    chord = math.sqrt(climb * climb + 4.0 * r1 * r2 * math.sin(0.5 * turned) ** 2)
    if launch_angle_deg is None:
        perimeter = r1 + r2 + chord
        speed = math.sqrt(2.0 * MOON_GM_M3_S2 * (1.0 / r1 - 2.0 / perimeter))
        up = (r2 * math.cos(turned) - r1) / chord
        angle = 0.25 * math.pi + 0.5 * math.asin(max(-1.0, min(1.0, up)))
    else:
        angle = math.radians(checked(launch_angle_deg, "launch_angle_deg", -89.0, 89.9))
        speed = _speed_at(angle, turned, r1, r2)
    return _flight(distance_m, start_height_m, stop_height_m, speed, angle)


def hover_hop_m_s(distance_m: float, climb_m: float = 0.0) -> float:
    r"""Velocity of a hop that hovers along at one height.

    Parameters
    ----------
    distance_m : float
        Distance [m].
    climb_m : float, default 0.0
        Height above the ground at which it flies; going there and back is taken as free flights [m].

    Returns
    -------
    float
        [m/s]

    Notes
    -----
    Over flat ground. Thrust carries the weight and gives the acceleration *a* for half the way and takes it away
    for the other: :math:`2 \sqrt{d/a} \sqrt{g^2 + a^2}`, least at :math:`a = g`, where it is
    :math:`2 \sqrt{2 g d}`, 1.41 times a ballistic hop. Climbing costs :math:`\sqrt{2 g h}`, and catching the fall
    as much again.

    Examples
    --------
    >>> round(hover_hop_m_s(1000.0) / hop(1000.0).delta_v_m_s, 3)
    1.414
    """
    checked(distance_m, "distance_m", 0.0, 1e6)
    checked(climb_m, "climb_m", 0.0, 1e5)
    return 2.0 * math.sqrt(2.0 * _GRAVITY * distance_m) + 2.0 * math.sqrt(2.0 * _GRAVITY * climb_m)


def _speed_at(angle: float, turned: float, r1: float, r2: float) -> float:
    """Launch speed at an angle."""
    level = math.cos(angle)
    need = (r1 / r2) * level * level - level * math.cos(turned + angle)
    escape = 2.0 * MOON_GM_M3_S2 / r1
    square = MOON_GM_M3_S2 / r1 * 2.0 * math.sin(0.5 * turned) ** 2 / need if need > 0.0 else math.inf
    if not square < escape:
        raise ModelError(
            f"no flight below escape speed at {math.degrees(angle):.1f} deg comes down there",
            where="hop",
            advice="give another angle, or none for the best one",
        )
    return math.sqrt(square)


def _flight(distance_m: float, start_m: float, stop_m: float, speed: float, angle: float) -> Hop:
    """A hop from its launch."""
    mu, r1, r2 = MOON_GM_M3_S2, MOON_RADIUS_M + start_m, MOON_RADIUS_M + stop_m
    turned = distance_m / MOON_RADIUS_M
    a = 1.0 / (2.0 / r1 - speed * speed / mu)
    momentum = r1 * speed * math.cos(angle)
    end = math.sqrt(max(0.0, speed * speed + 2.0 * mu * (1.0 / r2 - 1.0 / r1)))
    e_cos, e_sin = momentum * momentum / (mu * r1) - 1.0, momentum * speed * math.sin(angle) / mu
    e = math.hypot(e_cos, e_sin)
    first = math.atan2(e_sin, e_cos)
    last = first + turned
    fall = mu * e * math.sin(last) / momentum
    times = [_mean(e, nu) for nu in (first, last)]
    apex = a * (1.0 + e) if first <= math.pi <= last else max(r1, r2)
    return Hop(
        distance_m,
        start_m,
        stop_m,
        speed,
        end,
        math.degrees(angle),
        -math.degrees(math.atan2(fall, momentum / r2)),
        (times[1] - times[0]) * math.sqrt(a**3 / mu),
        apex - MOON_RADIUS_M,
    )


def _mean(e: float, nu: float) -> float:
    """Mean anomaly of a true anomaly, continuous over apolune."""
    anomaly = 2.0 * math.atan(math.sqrt((1.0 - e) / (1.0 + e)) * math.tan(0.5 * (nu - math.pi) + 0.5 * math.pi))
    if nu > math.pi:
        anomaly += 2.0 * math.pi
    return anomaly - e * math.sin(anomaly)
