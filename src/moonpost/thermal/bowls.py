"""Shadow in a bowl: what a spherical crater's lit wall gives to its dark floor, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from moonpost.errors import InputError
from moonpost.thermal.regolith import SOLAR_CONSTANT_W_M2

__all__ = ["BowlShadow", "bowl_shadow"]

_SIGMA = 5.670374419e-8


@dataclass(frozen=True)
class BowlShadow:
    """Balance of the shadowed part of a bowl.

    Parameters
    ----------
    temperature_k : float
        Of all shadowed ground in it [K].
    scattered_w_m2, infrared_w_m2 : float
        Absorbed scattered sunlight, and absorbed infrared of the walls [W/m2].
    sky_view : float
        Share of the sky in the view of any of its ground.
    """

    temperature_k: float
    scattered_w_m2: float
    infrared_w_m2: float
    sky_view: float


def bowl_shadow(
    sun_elevation_deg: float,
    depth_to_diameter: float,
    *,
    albedo: float = 0.12,
    emissivity: float = 0.95,
    irradiance_w_m2: float = SOLAR_CONSTANT_W_M2,
) -> BowlShadow:
    """Temperature in the shadow of a spherical bowl-shaped crater on level ground.

    Parameters
    ----------
    sun_elevation_deg : float
        Elevation of the Sun over the level around [deg], above 0.
    depth_to_diameter : float
        Depth over rim diameter, above 0 to 0.5 (a hemisphere); 0.2 for fresh small craters.
    albedo, emissivity : float
        Of a Lambert surface, without dependence on angle.
    irradiance_w_m2 : float
        Sunlight at right angles to the Sun [W/m2].

    Returns
    -------
    BowlShadow
        Temperature and its two sources.

    Raises
    ------
    InputError
        If an argument is out of range, or the Sun is so high that the bowl has no shadow.

    Notes
    -----
    In a sphere, every element sees each other element with the same weight, dA / (4 pi R^2), so all walls are seen
    with the share f = 4 x^2 / (1 + 4 x^2), x being depth over diameter, and scattering and infrared have sums in
    closed form. With E = S sin(e) (1 - f), the sunlight on the bowl per area of its ground,

    scattered = (1 - A) f A E / (1 - A f), infrared = emissivity f (1 - A) E / ((1 - A f) (1 - f)),
    emissivity sigma T^4 = scattered + infrared.

    Radiative balance at each instant: neither conduction, geothermal heat (which hardly matters above 40 K) nor
    the memory of the ground.

    References
    ----------
    Ingersoll, Svitek and Murray (1992), Stability of polar frosts in spherical bowl-shaped craters on the Moon,
    Mercury, and Mars, Icarus 100, 40-47, doi:10.1016/0019-1035(92)90016-Z. Its model is described by its abstract;
    the sums were derived anew.

    Examples
    --------
    >>> found = bowl_shadow(1.5, 0.2)
    >>> round(found.temperature_k, 1), round(found.scattered_w_m2, 2), round(found.infrared_w_m2, 2)
    (96.3, 0.45, 4.18)
    """
    if not 0.0 < depth_to_diameter <= 0.5:
        raise InputError(
            f"{depth_to_diameter!r} is no depth over diameter", where="depth_to_diameter", advice="give 0 to 0.5"
        )
    if not (0.0 <= albedo < 1.0 and 0.0 < emissivity <= 1.0):
        raise InputError(f"albedo {albedo!r}, emissivity {emissivity!r}", where="albedo", advice="give 0 to 1")
    if not (np.isfinite(irradiance_w_m2) and irradiance_w_m2 > 0.0):
        raise InputError(f"{irradiance_w_m2!r}", where="irradiance_w_m2", advice="give W/m2 above 0")
    # The rim is inclined by 2 atan(2 x); a Sun above that reaches all of the bowl.
    rim_deg = float(np.rad2deg(2.0 * np.arctan(2.0 * depth_to_diameter)))
    if not 0.0 < sun_elevation_deg < rim_deg:
        raise InputError(
            f"a Sun at {sun_elevation_deg!r} deg leaves no shadow in it",
            where="sun_elevation_deg",
            advice=f"give an elevation above 0 and below {rim_deg:.1f} deg",
        )
    walls = 4.0 * depth_to_diameter**2 / (1.0 + 4.0 * depth_to_diameter**2)
    lit = irradiance_w_m2 * np.sin(np.deg2rad(sun_elevation_deg)) * (1.0 - walls)
    kept = (1.0 - albedo) * lit / (1.0 - albedo * walls)
    scattered, infrared = walls * albedo * kept, emissivity * walls * kept / (1.0 - walls)
    temperature = ((scattered + infrared) / (emissivity * _SIGMA)) ** 0.25
    return BowlShadow(float(temperature), float(scattered), float(infrared), 1.0 - walls)
