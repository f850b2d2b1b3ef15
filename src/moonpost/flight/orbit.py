"""Keplerian orbits round the Moon."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan.base import when_bounds
from moonpost.plan.places import Orbit
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["MOON_GM_M3_S2", "LunarOrbit", "bodies_m", "eccentric_anomaly"]

Floats = npt.NDArray[np.float64]

MOON_GM_M3_S2 = 4902.800118e9
"""Gravitational parameter of the Moon [m3/s2] (DE440; Park et al. 2021, doi:10.3847/1538-3881/abd414)."""


@dataclass(frozen=True)
class LunarOrbit:
    """An ellipse round the Moon, fixed in space.

    Parameters
    ----------
    perilune_altitude_m, apolune_altitude_m : float
        Lowest and highest altitude above the 1737.4 km sphere [m].
    inclination_deg : float
        To the lunar equator of the epoch [deg].
    argument_of_perilune_deg : float
        From the ascending node [deg].
    node_deg : float
        Longitude of the ascending node [deg], east from where the prime meridian is at the epoch.
    epoch : numpy.datetime64
        UTC instant of a perilune passage.

    Raises
    ------
    InputError
        If a number is not finite, perilune is in the ground or above apolune.

    Notes
    -----
    Positions are in axes that do not turn: those of MOON_ME at the epoch (z along the spin axis, x through
    the prime meridian). Two-body motion: the Earth and the mascons, which turn the node of a low
    orbit and bring a circular one down within months, are left out. For bounds that hold for any node use
    `moonpost.flight.longest_umbra_s`.

    Examples
    --------
    >>> low = LunarOrbit(200e3, 200e3, 90.0)
    >>> round(low.period_s / 60), round(low.perilune_speed_m_s / 1000, 2)
    (128, 1.59)
    """

    perilune_altitude_m: float
    apolune_altitude_m: float
    inclination_deg: float
    argument_of_perilune_deg: float = 270.0
    node_deg: float = 0.0
    epoch: np.datetime64 = np.datetime64("2030-01-01T00:00:00.000", "ms")  # noqa: RUF009

    def __post_init__(self) -> None:
        numbers = (
            self.perilune_altitude_m,
            self.apolune_altitude_m,
            self.inclination_deg,
            self.argument_of_perilune_deg,
            self.node_deg,
        )
        if not all(math.isfinite(number) for number in numbers):
            raise InputError("an orbit cannot have NaN or infinite elements", where="orbit", advice="give numbers")
        if not 0 < self.perilune_altitude_m <= self.apolune_altitude_m:
            raise InputError(
                f"altitudes {self.perilune_altitude_m:g} and {self.apolune_altitude_m:g} m make no orbit",
                where="orbit",
                advice="give 0 < perilune <= apolune, as altitudes above 1737.4 km and not as radii",
            )
        object.__setattr__(self, "epoch", np.datetime64(as_utc(self.epoch).item(), "ms"))

    @classmethod
    def from_plan(cls, orbit: Orbit, *, epoch: TimeLike = "2030-01-01") -> Self:
        """The orbit of a plan's row.

        Parameters
        ----------
        orbit : Orbit
            The row; a date that covers a span counts from its first instant.
        epoch : str or datetime64
            Epoch if the row has none.

        Returns
        -------
        LunarOrbit

        Examples
        --------
        >>> from moonpost.plan import load_plan
        >>> row = load_plan("ilrs-orbit").station.orbit
        >>> LunarOrbit.from_plan(row).inclination_deg == row.inclination_deg
        True
        """
        instant: Any = as_utc(epoch) if orbit.epoch is None else np.datetime64(when_bounds(orbit.epoch)[0], "ms")
        return cls(
            perilune_altitude_m=1000.0 * orbit.perilune_altitude_km,
            apolune_altitude_m=1000.0 * orbit.apolune_altitude_km,
            inclination_deg=orbit.inclination_deg,
            argument_of_perilune_deg=orbit.argument_of_perilune_deg,
            node_deg=orbit.node_deg,
            epoch=instant,
        )

    @property
    def semi_major_axis_m(self) -> float:
        """Half the long axis of the ellipse [m]."""
        return MOON_RADIUS_M + 0.5 * (self.perilune_altitude_m + self.apolune_altitude_m)

    @property
    def eccentricity(self) -> float:
        """Eccentricity [1]."""
        return 0.5 * (self.apolune_altitude_m - self.perilune_altitude_m) / self.semi_major_axis_m

    @property
    def period_s(self) -> float:
        """Time of one revolution [s]."""
        return 2.0 * math.pi * math.sqrt(self.semi_major_axis_m**3 / MOON_GM_M3_S2)

    @property
    def perilune_speed_m_s(self) -> float:
        """Speed at perilune, the largest [m/s]."""
        return self.speed_m_s(self.perilune_altitude_m)

    @property
    def apolune_speed_m_s(self) -> float:
        """Speed at apolune, the smallest [m/s]."""
        return self.speed_m_s(self.apolune_altitude_m)

    def speed_m_s(self, altitude_m: float) -> float:
        """Speed at an altitude that the orbit reaches.

        Parameters
        ----------
        altitude_m : float
            Altitude [m].

        Returns
        -------
        float
            Speed [m/s], from energy.

        Raises
        ------
        InputError
            If the orbit does not reach that altitude.
        """
        low, high = self.perilune_altitude_m, self.apolune_altitude_m
        if not low - 1e-6 <= altitude_m <= high + 1e-6:
            raise InputError(
                f"altitude {altitude_m:g} m is not between perilune and apolune",
                where="altitude_m",
                advice=f"give {low:g} to {high:g} m",
            )
        radius = MOON_RADIUS_M + altitude_m
        return math.sqrt(MOON_GM_M3_S2 * (2.0 / radius - 1.0 / self.semi_major_axis_m))

    def axes(self) -> Floats:
        """Directions of perilune, of motion at perilune, and of the orbit's pole.

        Returns
        -------
        ndarray, shape (3, 3)
            One unit vector a row, in the axes of MOON_ME at the epoch.
        """
        node, inclination, argument = np.radians(
            [self.node_deg, self.inclination_deg, self.argument_of_perilune_deg]
        )
        to_node = np.array([np.cos(node), np.sin(node), 0.0])
        pole = np.array(
            [np.sin(node) * np.sin(inclination), -np.cos(node) * np.sin(inclination), np.cos(inclination)]
        )
        across = np.cross(pole, to_node)
        perilune = np.cos(argument) * to_node + np.sin(argument) * across
        return np.array([perilune, np.cross(pole, perilune), pole])

    def position_m(self, t: TimeLike) -> Floats:
        """Positions at given times.

        Parameters
        ----------
        t : datetime64 array or other times
            UTC, shape (n,).

        Returns
        -------
        ndarray, shape (n, 3)
            From the Moon's centre, in the axes of MOON_ME at the epoch, which do not turn [m].

        Notes
        -----
        Kepler's equation, solved to 1e-13 rad. UTC is taken as uniform: a leap second between the epoch
        and `t` moves the result by one second along the orbit.

        Examples
        --------
        >>> low = LunarOrbit(100e3, 100e3, 90.0, argument_of_perilune_deg=0.0)
        >>> low.position_m("2030-01-01").round(3).tolist()
        [[1837400.0, 0.0, 0.0]]
        """
        seconds = (np.atleast_1d(as_utc(t)) - self.epoch) / np.timedelta64(1, "ms") / 1000.0
        anomaly = eccentric_anomaly(2.0 * np.pi * np.mod(seconds / self.period_s, 1.0), self.eccentricity)
        a, e = self.semi_major_axis_m, self.eccentricity
        along = a * (np.cos(anomaly) - e)
        across = a * math.sqrt(1.0 - e * e) * np.sin(anomaly)
        perilune, motion, _ = self.axes()
        return along[:, None] * perilune + across[:, None] * motion


def eccentric_anomaly(mean_anomaly_rad: npt.ArrayLike, eccentricity: float) -> Floats:
    r"""Eccentric anomaly of an ellipse from the mean anomaly.

    Parameters
    ----------
    mean_anomaly_rad : array_like, shape (n,)
        Mean anomaly [rad], any revolution.
    eccentricity : float
        Eccentricity, 0 to below 1 [1].

    Returns
    -------
    ndarray, shape (n,)
        Eccentric anomaly of the same revolution [rad].

    Raises
    ------
    InputError
        If the eccentricity is not 0 to below 1 or an anomaly is not finite.

    Notes
    -----
    Newton's method on :math:`E - e \sin E = M`, started at :math:`M + e` towards the apoapsis side, from
    where it converges for every ellipse.

    Examples
    --------
    >>> E = eccentric_anomaly([1.0], 0.5)
    >>> (E - 0.5 * np.sin(E)).round(12).tolist()
    [1.0]
    """
    mean = np.asarray(mean_anomaly_rad, dtype=np.float64)
    if not (0.0 <= eccentricity < 1.0 and np.isfinite(mean).all()):
        raise InputError(
            f"no ellipse has eccentricity {eccentricity} and these anomalies",
            where="eccentric_anomaly",
            advice="give an eccentricity of 0 to below 1 and finite anomalies",
        )
    turns = 2.0 * np.pi * np.round(mean / (2.0 * np.pi))
    part = mean - turns
    found = part + np.sign(part) * min(eccentricity, 0.999)
    for _ in range(60):
        step = (found - eccentricity * np.sin(found) - part) / (1.0 - eccentricity * np.cos(found))
        found = found - step
        if not step.size or np.abs(step).max() < 1e-13:
            break
    return found + turns


def bodies_m(almanac: Almanac, body: str, t: TimeLike, epoch: np.datetime64) -> Floats:
    """Where a body appears from the Moon's centre, in the axes of an orbit's epoch.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    body : {"sun", "earth"}
        The body.
    t : datetime64 array or other times
        UTC, shape (n,).
    epoch : numpy.datetime64
        The axes are those of MOON_ME at this instant and do not turn.

    Returns
    -------
    ndarray, shape (n, 3)
        Apparent vectors (light time and aberration) [m].

    Raises
    ------
    DateError
        If a date lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> epoch = np.datetime64("2030-01-01", "ms")
    >>> bodies_m(Almanac.default(), "earth", epoch, epoch).shape
    (1, 3)
    """
    times = np.atleast_1d(as_utc(t))
    turning = almanac.moon_fixed_m(body, times, apparent=True)
    still = np.einsum("nji,nj->ni", almanac.rotation(times), turning)
    return still @ almanac.rotation(np.atleast_1d(epoch))[0].T
