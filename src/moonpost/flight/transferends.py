"""The ends of a transfer: the orbit or interface at the Earth, the passage of the Moon, and axes of date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.bplane import Side
from moonpost.sky.apparent import EARTH_RADIUS_M
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["BRANCHES", "Aim", "Arrival", "Branch", "Parking", "equator_axes"]

Floats = npt.NDArray[np.float64]
Branch = Literal["short", "long"]
"""Which of the two planes of an inclination that hold the Moon: with the short or the long coast before departure.

On ``short`` the flight meets the Moon northbound along its orbit, on ``long`` southbound. From a launch due east
the coast in the parking orbit lasts less than half a revolution on ``short``, more on ``long``.
"""

BRANCHES: tuple[Branch, Branch] = ("short", "long")
"""Both branches, in the order of the rows of a scan."""

_MARGIN_DEG = 2.0
_CENTURY_S = 36525.0 * 86400.0


@dataclass(frozen=True)
class Parking:
    """Where a transfer meets the Earth: a circular orbit, or the interface at which a return enters the air.

    Parameters
    ----------
    altitude_m : float, default 200e3
        Above 6378.137 km [m].
    inclination_deg : float or None, default None
        To the mean equator of date [deg]. None takes for each flight the least that works:
        `least_inclination_deg`, or 2 deg more than the declination of the Moon at the passage if that is more.
    least_inclination_deg, most_inclination_deg : float, default 28.5 and 90.0
        What may be chosen if no inclination is given; a launch site reaches no less than its latitude [deg].
    flight_path_deg : float, default 0.0
        Angle of the velocity above the horizontal [deg]: 0 for a departure along a circular orbit, about -6 where
        a return enters the air.

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> Parking(400e3, inclination_deg=42.0).radius_m
    6778137.0
    """

    altitude_m: float = 200e3
    inclination_deg: float | None = None
    least_inclination_deg: float = 28.5
    most_inclination_deg: float = 90.0
    flight_path_deg: float = 0.0

    def __post_init__(self) -> None:
        if not 80e3 <= self.altitude_m <= 100e6:
            raise InputError(
                f"{self.altitude_m!r} m", where="parking altitude", advice="give 80 km to 100,000 km, in metres"
            )
        named = self.least_inclination_deg if self.inclination_deg is None else self.inclination_deg
        if not (0.0 < named < 180.0 and self.least_inclination_deg <= self.most_inclination_deg < 180.0):
            raise InputError(
                f"inclination {named!r} deg, at most {self.most_inclination_deg!r}",
                where="parking inclination",
                advice="give degrees above 0 and below 180, the least before the most",
            )
        if not -60.0 <= self.flight_path_deg <= 60.0:
            raise InputError(
                f"{self.flight_path_deg!r} deg", where="flight_path_deg", advice="give -60 to 60 degrees"
            )

    @property
    def radius_m(self) -> float:
        """Distance from the Earth's centre.

        Returns
        -------
        float
            [m]
        """
        return EARTH_RADIUS_M + self.altitude_m

    def inclinations_deg(self, declinations_deg: npt.ArrayLike) -> Floats:
        """Inclination for each flight.

        Parameters
        ----------
        declinations_deg : array_like, shape (n,)
            Declinations of the Moon at the passage [deg].

        Returns
        -------
        ndarray, shape (n,)
            [deg]; the one given, or the least that works and is not above the most.
        """
        steep = np.abs(np.asarray(declinations_deg, dtype=np.float64))
        if self.inclination_deg is not None:
            return np.full(steep.shape, float(self.inclination_deg))
        return np.minimum(np.maximum(self.least_inclination_deg, steep + _MARGIN_DEG), self.most_inclination_deg)


@dataclass(frozen=True)
class Arrival:
    """The passage of the Moon that a transfer aims at.

    Parameters
    ----------
    altitude_m : float, default 100e3
        Of perilune, above 1737.4 km [m].
    inclination_deg : float, default 90.0
        To the lunar equator of the passage [deg]; not below the declination of the asymptote.
    side : {"either", "south", "north"}, default "either"
        Side on which the flight passes the Moon first; either is south, or north where that is out of reach.

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> Arrival(200e3, inclination_deg=43.7).radius_m
    1937400.0
    """

    altitude_m: float = 100e3
    inclination_deg: float = 90.0
    side: Side | Literal["either"] = "either"

    def __post_init__(self) -> None:
        if not 0.0 <= self.altitude_m <= 60e6:
            raise InputError(
                f"{self.altitude_m!r} m", where="arrival altitude", advice="give 0 to 60,000 km, in metres"
            )
        if not 0.0 <= self.inclination_deg <= 180.0:
            raise InputError(
                f"{self.inclination_deg!r} deg", where="arrival inclination", advice="give 0 to 180 degrees"
            )
        if self.side not in ("either", "south", "north"):
            raise InputError(f"{self.side!r} is no side", where="side", advice="give south, north or either")

    @property
    def radius_m(self) -> float:
        """Distance of perilune from the Moon's centre.

        Returns
        -------
        float
            [m]
        """
        return MOON_RADIUS_M + self.altitude_m


@dataclass(frozen=True)
class Aim:
    """A point of the B-plane that a transfer aims at.

    Parameters
    ----------
    b_t_m, b_r_m : float
        B.T and B.R for the lunar pole of the passage, as in `moonpost.flight.bplane.BPlane` [m].

    Raises
    ------
    InputError
        If a number is not finite.

    Examples
    --------
    >>> Aim(0.0, 5.0e6).b_r_m
    5000000.0
    """

    b_t_m: float
    b_r_m: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.b_t_m) and math.isfinite(self.b_r_m)):
            raise InputError(f"{self.b_t_m!r}, {self.b_r_m!r}", where="aim", advice="give metres")


def equator_axes(tdb_s: float) -> Floats:
    """Axes of the Earth's mean equator and equinox of date.

    Parameters
    ----------
    tdb_s : float
        TDB since J2000 [s].

    Returns
    -------
    ndarray, shape (3, 3)
        ``v_date = m @ v_j2000``.

    Notes
    -----
    Precession of 2006 to the second power of time, good to 0.01 arcsecond within 30 years of 2000; nutation, 9
    arcseconds, and the bias of the frame, 0.02 arcsecond, are left out.

    References
    ----------
    Capitaine, Wallace and Chapront (2003), Expressions for IAU 2000 precession quantities, Astron. Astrophys. 412,
    567, doi:10.1051/0004-6361:20031539.

    Examples
    --------
    >>> round(float(np.degrees(np.arccos(equator_axes(946728000.0)[2, 2]))), 3)
    0.167
    """
    t = tdb_s / _CENTURY_S
    zeta, z, theta = np.radians(
        np.array(
            [
                2.650545 + 2306.083227 * t + 0.2988499 * t * t,
                -2.650545 + 2306.077181 * t + 1.0927348 * t * t,
                2004.191903 * t - 0.4294934 * t * t,
            ]
        )
        / 3600.0
    )
    first, last = _about_pole(-zeta), _about_pole(-z)
    tilt = np.array([[np.cos(theta), 0.0, -np.sin(theta)], [0.0, 1.0, 0.0], [np.sin(theta), 0.0, np.cos(theta)]])
    return np.ascontiguousarray(last @ tilt @ first)


def _about_pole(angle: float) -> Floats:
    """Axes turned about the third by an angle."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
