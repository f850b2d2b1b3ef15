"""Where the Sun stands for every place at once, and how it meets a slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M, SUN_RADIUS_M
from moonpost.thermal.regolith import LUNAR_DAY_S

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.times import TimeLike

__all__ = ["SunPath", "incidence_cosine"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SunPath:
    """Directions to the Sun in the axes of the Moon, evenly spaced in time.

    Parameters
    ----------
    direction : ndarray, shape (steps, 3)
        Unit vectors in MOON_ME, in the middle of each step.
    distance_factor : ndarray, shape (steps,)
        Irradiance relative to 1 au.
    step_s : float
        Step [s].
    start : datetime64, optional
        UTC at the start of the first step; not given for a mean lunar day.

    Raises
    ------
    InputError
        If the arrays do not fit, hold NaN, or vectors are not of length 1.

    Examples
    --------
    >>> day = SunPath.lunar_day(steps=24)
    >>> day.direction.shape, round(day.step_s / 3600.0, 2)
    ((24, 3), 29.53)
    """

    direction: Floats
    distance_factor: Floats
    step_s: float
    start: np.datetime64 | None = None

    def __post_init__(self) -> None:
        direction = np.ascontiguousarray(self.direction, dtype=np.float64)
        factor = np.ascontiguousarray(self.distance_factor, dtype=np.float64)
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "distance_factor", factor)
        if direction.ndim != 2 or direction.shape[1] != 3 or not len(direction):
            raise InputError(f"shape {direction.shape}", where="direction", advice="give (steps, 3)")
        if factor.shape != direction.shape[:1] or not (np.isfinite(factor).all() and (factor >= 0.0).all()):
            raise InputError(
                "not one value of 0 or more for each step", where="distance_factor", advice="give (steps,)"
            )
        if not np.allclose(np.linalg.norm(direction, axis=1), 1.0, rtol=0.0, atol=1e-6):
            raise InputError("vectors are not of length 1", where="direction", advice="divide by their length")
        if not (np.isfinite(self.step_s) and self.step_s > 0.0):
            raise InputError(f"{self.step_s!r} is not a step", where="step_s", advice="give seconds above 0")

    @classmethod
    def lunar_day(cls, steps: int = 720, declination_deg: float = 0.0) -> SunPath:
        """One mean lunar day, midnight at the prime meridian first.

        Parameters
        ----------
        steps : int
            Number of steps, 24 or more.
        declination_deg : float
            Latitude under the Sun [deg], -1.6 to 1.6 on the Moon.

        Returns
        -------
        SunPath
            The Sun at 1 au, moving evenly.
        """
        if not 24 <= steps <= 1_000_000:
            raise InputError(f"{steps!r} steps", where="steps", advice="give 24 or more")
        if not abs(declination_deg) <= 30.0:
            raise InputError(
                f"{declination_deg!r} is out of range", where="declination_deg", advice="give -1.6 to 1.6"
            )
        west = 2.0 * np.pi * (np.arange(steps) + 0.5) / steps - np.pi
        tilt = np.deg2rad(declination_deg)
        level = np.cos(tilt)
        direction = np.stack([level * np.cos(west), -level * np.sin(west), np.full(steps, np.sin(tilt))], axis=1)
        return cls(direction, np.ones(steps), LUNAR_DAY_S / steps)

    @classmethod
    def of(cls, almanac: Almanac, start: TimeLike, stop: TimeLike, step_s: float = 7200.0) -> SunPath:
        """The real Sun over a span.

        Parameters
        ----------
        almanac : Almanac
            Ephemerides.
        start, stop : time
            UTC; whole years, or whole lunar days away from the poles, repeat best.
        step_s : float
            Step [s].

        Returns
        -------
        SunPath
            Apparent directions from the Moon's centre in the middle of each step.
        """
        from moonpost.sky.times import times

        edge = times(start, stop, step_s)
        if len(edge) < 2:
            raise InputError("fewer than two steps", where="step_s", advice="give a longer span or a shorter step")
        middle = edge + np.timedelta64(round(500.0 * step_s), "ms")
        vector = np.asarray(almanac.moon_fixed_m("sun", middle, apparent=True), dtype=np.float64)
        distance = np.linalg.norm(vector, axis=1)
        return cls(vector / distance[:, None], (ASTRONOMICAL_UNIT_M / distance) ** 2, step_s, edge[0])

    @property
    def angular_radius_rad(self) -> float:
        """Mean angular radius of the disc [rad].

        Returns
        -------
        float
            [rad].
        """
        return float(np.mean(np.arcsin(SUN_RADIUS_M / ASTRONOMICAL_UNIT_M * np.sqrt(self.distance_factor))))


def incidence_cosine(
    azimuth_deg: npt.ArrayLike, elevation_deg: npt.ArrayLike, slope_deg: float, aspect_deg: float
) -> Floats:
    """Cosine of the angle between the Sun and the normal of a slope.

    Parameters
    ----------
    azimuth_deg, elevation_deg : array_like
        Of the Sun [deg].
    slope_deg : float
        Steepness [deg], 0 to 90.
    aspect_deg : float
        Azimuth to which the slope falls [deg], clockwise from north.

    Returns
    -------
    ndarray
        Negative where the Sun is behind the slope. On level ground, the sine of the elevation.

    Raises
    ------
    InputError
        If the slope is out of range or the aspect not finite.

    Examples
    --------
    >>> round(float(incidence_cosine(180.0, 1.5, 0.0, 0.0)), 4)
    0.0262
    >>> round(float(incidence_cosine(180.0, 1.5, 20.0, 180.0)), 4)
    0.3665
    """
    if not (0.0 <= slope_deg <= 90.0 and np.isfinite(aspect_deg)):
        raise InputError(
            f"slope {slope_deg!r}, aspect {aspect_deg!r}", where="slope_deg", advice="give 0 to 90 and an azimuth"
        )
    elevation = np.deg2rad(np.asarray(elevation_deg, dtype=float))
    turned = np.deg2rad(np.asarray(azimuth_deg, dtype=float) - aspect_deg)
    slope = np.deg2rad(slope_deg)
    return np.asarray(np.cos(slope) * np.sin(elevation) + np.sin(slope) * np.cos(elevation) * np.cos(turned))
