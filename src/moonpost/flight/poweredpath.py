"""What powered flights share: the vehicle, and the path that it flies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.chain import STANDARD_GRAVITY_M_S2
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["PoweredPath", "Vehicle", "joined"]

Floats = npt.NDArray[np.float64]

_GRAVITY = MOON_GM_M3_S2 / MOON_RADIUS_M**2


@dataclass(frozen=True)
class Vehicle:
    """A lander or ascender: its mass and its engine.

    Parameters
    ----------
    mass_kg : float
        Mass at ignition [kg].
    thrust_n : float
        Full thrust [N].
    specific_impulse_s : float
        Specific impulse, the same at every throttle [s].
    least_throttle : float, default 1.0
        Least thrust of the running engine as a share of the full one, 0.01 to 1 [1].

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> round(Vehicle(3000.0, 7500.0, 308.0).weight_ratio, 2)
    1.54
    """

    mass_kg: float
    thrust_n: float
    specific_impulse_s: float
    least_throttle: float = 1.0

    def __post_init__(self) -> None:
        for name in ("mass_kg", "thrust_n", "specific_impulse_s"):
            checked(getattr(self, name), name, 1e-9, 1e12)
        checked(self.least_throttle, "least_throttle", 0.01, 1.0)

    @property
    def weight_ratio(self) -> float:
        """Full thrust over the weight at the Moon's surface [1].

        Returns
        -------
        float
        """
        return self.thrust_n / (self.mass_kg * _GRAVITY)

    @property
    def exhaust_m_s(self) -> float:
        """Speed of the exhaust, g0 times the specific impulse [m/s].

        Returns
        -------
        float
        """
        return STANDARD_GRAVITY_M_S2 * self.specific_impulse_s


@dataclass(frozen=True, eq=False)
class PoweredPath:
    """A powered flight, row by row.

    Parameters
    ----------
    elapsed_s : ndarray, shape (n,)
        Time from ignition [s].
    altitude_m : ndarray, shape (n,)
        Above the ground of the site [m].
    downrange_m : ndarray, shape (n,)
        Along the sphere of the site's ground, in axes that do not turn [m].
    rise_m_s, onward_m_s : ndarray, shape (n,)
        Vertical and horizontal speed, the latter in axes that do not turn [m/s].
    pitch_deg : ndarray, shape (n,)
        Thrust above the local horizontal: 0 forward, 90 up, 180 backward [deg].
    throttle : ndarray, shape (n,)
        Share of the full thrust [1].
    thrust_n : ndarray, shape (n,)
        Thrust [N].
    mass_kg : ndarray, shape (n,)
        Mass [kg].
    """

    elapsed_s: Floats
    altitude_m: Floats
    downrange_m: Floats
    rise_m_s: Floats
    onward_m_s: Floats
    pitch_deg: Floats
    throttle: Floats
    thrust_n: Floats
    mass_kg: Floats

    def __len__(self) -> int:
        return len(self.elapsed_s)

    @property
    def speed_m_s(self) -> Floats:
        """Speed in axes that do not turn [m/s].

        Returns
        -------
        ndarray, shape (n,)
        """
        return np.hypot(self.rise_m_s, self.onward_m_s)

    def rows(self, most: int = 60) -> list[dict[str, float]]:
        """Rows for JSON, thinned out evenly.

        Parameters
        ----------
        most : int, default 60
            Most rows.

        Returns
        -------
        list of dict
        """
        take = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        names = [*self.__dataclass_fields__, "speed_m_s"]
        return [{name: float(getattr(self, name)[k]) for name in names} for k in take]


def joined(first: PoweredPath, second: PoweredPath) -> PoweredPath:
    """Two paths, the second flown after the first.

    Parameters
    ----------
    first, second : PoweredPath
        Paths; times and distances of the second count from its own start.

    Returns
    -------
    PoweredPath
    """
    parts = {}
    for name in PoweredPath.__dataclass_fields__:
        shift = getattr(first, name)[-1] if name in ("elapsed_s", "downrange_m") else 0.0
        parts[name] = np.concatenate([getattr(first, name), getattr(second, name) + shift])
    return PoweredPath(**parts)


def checked(value: Any, where: str, least: float, most: float) -> float:
    """A number within limits, or what is wrong with it.

    Parameters
    ----------
    value : object
        What was given.
    where : str
        Its name, for the message.
    least, most : float
        Limits, both allowed.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If it is no number, not finite or outside.

    Examples
    --------
    >>> checked(3, "mass_kg", 0.0, 10.0)
    3.0
    """
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (good and math.isfinite(value) and least <= value <= most):
        raise InputError(
            f"{value!r} cannot be used", where=where, advice=f"give a number from {least:g} to {most:g}"
        )
    return float(value)
