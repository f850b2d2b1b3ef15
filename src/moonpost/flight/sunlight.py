"""The pressure of sunlight on a spacecraft."""

from __future__ import annotations

import math
from dataclasses import dataclass

from moonpost.errors import InputError

__all__ = ["Sunlight"]

_SPEED_OF_LIGHT_M_S = 299792458.0
_SOLAR_CONSTANT_W_M2 = 1361.0
_ASTRONOMICAL_UNIT_M = 149597870700.0


@dataclass(frozen=True)
class Sunlight:
    """What sunlight pushes on: solar radiation pressure on a sphere or a plate that faces the Sun.

    Parameters
    ----------
    area_m2 : float
        Area seen from the Sun [m2].
    mass_kg : float
        Mass of the spacecraft [kg].
    reflectivity : float, default 1.3
        Coefficient: 1 absorbs all, 2 mirrors all back [1].

    Raises
    ------
    InputError
        If a number is not finite or not positive.

    Examples
    --------
    >>> Sunlight(10.0, 1000.0).reflectivity
    1.3
    """

    area_m2: float
    mass_kg: float
    reflectivity: float = 1.3

    def __post_init__(self) -> None:
        values = (self.area_m2, self.mass_kg, self.reflectivity)
        if not all(math.isfinite(value) and value > 0 for value in values):
            raise InputError(
                f"{values} holds a number that is not positive", where="sunlight", advice="give m2, kg"
            )

    @property
    def strength_m3_s2(self) -> float:
        """Push times distance from the Sun squared [m3/s2], to set against the Sun's gravitational parameter."""
        pressure = _SOLAR_CONSTANT_W_M2 / _SPEED_OF_LIGHT_M_S * _ASTRONOMICAL_UNIT_M**2
        return pressure * self.reflectivity * self.area_m2 / self.mass_kg
