"""A place on the Moon and its local horizon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["MOON_RADIUS_M", "Site"]

MOON_RADIUS_M = 1_737_400.0
"""Radius of the reference sphere of lunar heights [m] (Archinal et al. 2018, doi:10.1007/s10569-017-9805-5)."""

_HIGHEST_M = 100_000.0


@dataclass(frozen=True)
class Site:
    """A place on the Moon in the mean-Earth frame (MOON_ME).

    Parameters
    ----------
    latitude_deg : float
        Planetocentric latitude [deg], north positive, -90 to 90.
    longitude_deg : float
        East longitude [deg], -180 to 360.
    height_m : float, default 0.0
        Height above the sphere of radius 1737.4 km [m], within 100 km of it.

    Raises
    ------
    InputError
        If a number is not finite or out of its range.

    Notes
    -----
    The local vertical is the direction away from the Moon's centre of mass; the deflection of the vertical by
    mass anomalies (at most about 0.1 deg) is not part of the geometry.

    References
    ----------
    Archinal et al. (2018), Report of the IAU Working Group on Cartographic Coordinates and Rotational Elements:
    2015, Celest. Mech. Dyn. Astron. 130, 22, doi:10.1007/s10569-017-9805-5.

    Examples
    --------
    >>> site = Site(latitude_deg=-89.53, longitude_deg=209.95, height_m=1850.0)
    >>> site.position_m.round(0).tolist()
    [-12362.0, -7123.0, -1739191.0]
    """

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("latitude_deg", -90.0, 90.0),
            ("longitude_deg", -180.0, 360.0),
            ("height_m", -_HIGHEST_M, _HIGHEST_M),
        ):
            object.__setattr__(self, name, _number(getattr(self, name), name, low, high))

    @cached_property
    def position_m(self) -> npt.NDArray[np.float64]:
        """Position from the Moon's centre in MOON_ME [m], shape (3,).

        Returns
        -------
        ndarray, shape (3,)
            x to longitude 0, y to 90 deg east, z to the north pole.
        """
        position = (MOON_RADIUS_M + self.height_m) * self.basis[2]
        position.flags.writeable = False
        return position

    @cached_property
    def basis(self) -> npt.NDArray[np.float64]:
        """Unit vectors to the east, the north and up in MOON_ME, as the rows of a (3, 3) array.

        Returns
        -------
        ndarray, shape (3, 3)
            Rows east, north, up. At a pole, north is the limit along the meridian of `longitude_deg`.
        """
        latitude, longitude = math.radians(self.latitude_deg), math.radians(self.longitude_deg)
        sin_lat, cos_lat = math.sin(latitude), math.cos(latitude)
        sin_lon, cos_lon = math.sin(longitude), math.cos(longitude)
        basis = np.array(
            [
                [-sin_lon, cos_lon, 0.0],
                [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
                [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
            ]
        )
        basis.flags.writeable = False
        return basis


def _number(value: object, name: str, low: float, high: float) -> float:
    """Return a finite float within its range, or say what is wrong with it."""
    if isinstance(value, bool | str | bytes):
        raise InputError(f"{value!r} is not a number", where=f"Site.{name}", advice="give a number")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError(f"{value!r} is not a number", where=f"Site.{name}", advice="give a number") from error
    if not low <= number <= high:
        raise InputError(
            f"{number!r} is out of range", where=f"Site.{name}", advice=f"give a number from {low:g} to {high:g}"
        )
    return number
