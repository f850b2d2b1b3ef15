"""Powered ascent: from the ground into a low orbit, with finite thrust."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from moonpost.errors import ModelError
from moonpost.flight.descent import impulsive_descent_m_s
from moonpost.flight.orbit import MOON_GM_M3_S2, LunarOrbit
from moonpost.flight.poweredpath import PoweredPath, Vehicle, checked, joined
from moonpost.flight.steering import Ends, SteeredFlight, steer
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Ascent", "ascend"]

_ROWS = 20


@dataclass(frozen=True, eq=False)
class Ascent:
    """An ascent from the ground into an orbit.

    Parameters
    ----------
    vehicle : Vehicle
        The ascender at lift-off.
    perilune_altitude_m, apolune_altitude_m : float
        Orbit at cutoff, which is its perilune; altitudes above the 1737.4 km sphere [m].
    rise_s : float
        Time of vertical flight at the start [s].
    path : PoweredPath
        The flight from lift-off to cutoff.
    steered : SteeredFlight
        The optimised part.
    delta_v_m_s : float
        Velocity by the rocket equation up to cutoff [m/s].
    gravity_loss_m_s, steering_loss_m_s : float
        What gravity takes along the path, and thrust across the motion [m/s].
    circularisation_m_s : float
        Impulse at apolune that makes the orbit a circle there [m/s].
    impulsive_m_s : float
        What impulses would need from rest on the ground to that circle [m/s].
    """

    vehicle: Vehicle
    perilune_altitude_m: float
    apolune_altitude_m: float
    rise_s: float
    path: PoweredPath
    steered: SteeredFlight
    delta_v_m_s: float
    gravity_loss_m_s: float
    steering_loss_m_s: float
    circularisation_m_s: float
    impulsive_m_s: float

    @property
    def total_delta_v_m_s(self) -> float:
        """Ascent and circularisation together [m/s].

        Returns
        -------
        float
        """
        return self.delta_v_m_s + self.circularisation_m_s

    @property
    def duration_s(self) -> float:
        """Time from lift-off to cutoff [s].

        Returns
        -------
        float
        """
        return float(self.path.elapsed_s[-1])

    @property
    def propellant_kg(self) -> float:
        """Propellant burnt up to cutoff [kg].

        Returns
        -------
        float
        """
        return float(self.path.mass_kg[0] - self.path.mass_kg[-1])

    def to_dict(self) -> dict[str, object]:
        """Figures ready for JSON, the path thinned out.

        Returns
        -------
        dict
        """
        names = (
            "perilune_altitude_m", "apolune_altitude_m", "rise_s", "delta_v_m_s", "total_delta_v_m_s",
            "circularisation_m_s", "impulsive_m_s", "gravity_loss_m_s", "steering_loss_m_s", "duration_s",
            "propellant_kg",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"path": self.path.rows()}


def ascend(
    vehicle: Vehicle,
    *,
    perilune_altitude_m: float = 15e3,
    apolune_altitude_m: float = 100e3,
    site_height_m: float = 0.0,
    ground_speed_m_s: float = 0.0,
    rise_s: float = 10.0,
) -> Ascent:
    r"""Climb from the ground to the perilune of an orbit with the least propellant.

    Parameters
    ----------
    vehicle : Vehicle
        Mass at lift-off and engine; it burns at full thrust.
    perilune_altitude_m, apolune_altitude_m : float, default 15e3 and 100e3
        Orbit at cutoff, altitudes above the 1737.4 km sphere [m].
    site_height_m : float, default 0.0
        Height of the site above the sphere [m].
    ground_speed_m_s : float, default 0.0
        Speed of the ground along the flight by the Moon's rotation [m/s].
    rise_s : float, default 10.0
        Vertical flight at the start, to be clear of the ground [s].

    Returns
    -------
    Ascent

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If the ascender cannot lift off or does not reach the orbit.

    Notes
    -----
    In the plane of the orbit, spherical Moon with a point mass, constant thrust. The vertical rise is closed-form
    in constant gravity; the rest is optimal, see `moonpost.flight.steering.steer`.

    Examples
    --------
    >>> found = ascend(Vehicle(4780.0, 15570.0, 311.0), perilune_altitude_m=18e3, apolune_altitude_m=83e3)
    >>> round(found.delta_v_m_s), round(found.duration_s)
    (1834, 423)
    """
    checked(site_height_m, "site_height_m", -2e4, 2e4)
    checked(ground_speed_m_s, "ground_speed_m_s", -10.0, 10.0)
    checked(perilune_altitude_m, "perilune_altitude_m", site_height_m + 100.0, 1e6)
    checked(apolune_altitude_m, "apolune_altitude_m", perilune_altitude_m, 1e6)
    checked(rise_s, "rise_s", 0.0, 120.0)
    if not vehicle.weight_ratio > 1.0:
        raise ModelError(
            f"cannot lift off: thrust over weight is {vehicle.weight_ratio:.2f}",
            where="ascent",
            advice="give more thrust or less mass",
        )
    rise = _vertical(vehicle, rise_s, site_height_m, ground_speed_m_s)
    orbit = LunarOrbit(perilune_altitude_m, apolune_altitude_m, 90.0)
    ends = Ends(
        site_height_m + float(rise.altitude_m[-1]),
        float(rise.rise_m_s[-1]),
        ground_speed_m_s,
        perilune_altitude_m,
        0.0,
        orbit.perilune_speed_m_s,
    )
    steered = steer(replace(vehicle, mass_kg=float(rise.mass_kg[-1]), least_throttle=1.0), ends)
    climb = steered.path
    if float(climb.altitude_m.min()) + rise.altitude_m[-1] < -1.0:
        raise ModelError(
            "the best flight dips below the ground", where="ascent", advice="rise longer, or give more thrust"
        )
    parts = {name: getattr(climb, name) for name in PoweredPath.__dataclass_fields__}
    path = joined(rise, PoweredPath(**parts | {"altitude_m": climb.altitude_m + rise.altitude_m[-1]}))
    delta_v = vehicle.exhaust_m_s * math.log(vehicle.mass_kg / path.mass_kg[-1])
    gravity = _gravity(site_height_m)
    risen = float(np.trapezoid(gravity * rise.rise_m_s / np.maximum(rise.speed_m_s, 1e-12), rise.elapsed_s))
    loss = steered.gravity_loss_m_s + risen
    return Ascent(
        vehicle,
        perilune_altitude_m,
        apolune_altitude_m,
        rise_s,
        path,
        steered,
        delta_v,
        loss,
        delta_v - loss - (orbit.perilune_speed_m_s - abs(ground_speed_m_s)),
        LunarOrbit(apolune_altitude_m, apolune_altitude_m, 90.0).perilune_speed_m_s - orbit.apolune_speed_m_s,
        impulsive_descent_m_s(apolune_altitude_m, site_height_m, ground_speed_m_s),
    )


def _gravity(site_height_m: float) -> float:
    """Gravity at the site [m/s2]."""
    return MOON_GM_M3_S2 / (MOON_RADIUS_M + site_height_m) ** 2


def _vertical(vehicle: Vehicle, rise_s: float, site_height_m: float, ground_speed_m_s: float) -> PoweredPath:
    """Vertical flight at full thrust."""
    c, gravity = vehicle.exhaust_m_s, _gravity(site_height_m)
    t = np.linspace(0.0, rise_s, _ROWS)
    share = vehicle.thrust_n * t / (c * vehicle.mass_kg)
    if not share[-1] < 1.0:
        raise ModelError("the propellant ends in the vertical rise", where="rise_s", advice="rise for less long")
    left = 1.0 - share
    speed = -c * np.log(left) - gravity * t
    burning = c * vehicle.mass_kg / vehicle.thrust_n
    height = c * (t + burning * left * np.log(left)) - 0.5 * gravity * t * t
    return PoweredPath(
        t,
        height,
        ground_speed_m_s * t,
        speed,
        np.full(_ROWS, ground_speed_m_s),
        np.full(_ROWS, 90.0),
        np.ones(_ROWS),
        np.full(_ROWS, vehicle.thrust_n),
        vehicle.mass_kg * left,
    )
