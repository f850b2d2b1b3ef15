"""Burns: with an engine that takes its time, and impulses that do not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.chain import STANDARD_GRAVITY_M_S2
from moonpost.flight.events import Crossing

if TYPE_CHECKING:
    from moonpost.flight.environment import Instant

__all__ = ["Burn", "Impulse", "motion_axes"]

Floats = npt.NDArray[np.float64]
Axes = Literal["motion", "J2000"]
_NAMED = {"forward": (1.0, 0.0, 0.0), "backward": (-1.0, 0.0, 0.0)}


def motion_axes(position_m: npt.ArrayLike, velocity_m_s: npt.ArrayLike) -> Floats:
    """Axes along the motion: forward, along the pole of the orbit, and outward across both.

    Parameters
    ----------
    position_m, velocity_m_s : array_like, shape (3,)
        From the centre of the flight [m], [m/s]; not along one line.

    Returns
    -------
    ndarray, shape (3, 3)
        One unit vector a row, in the axes of the state.

    Raises
    ------
    InputError
        If position and velocity span no plane.

    Examples
    --------
    >>> motion_axes([2.0, 0, 0], [0, 3.0, 0]).round(12).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    r, v = np.asarray(position_m, dtype=np.float64), np.asarray(velocity_m_s, dtype=np.float64)
    pole = np.cross(r, v)
    size = float(np.linalg.norm(pole))
    if not size > 0.0:
        raise InputError("position and velocity span no plane", where="burn", advice="give the direction in J2000")
    forward, normal = v / np.linalg.norm(v), pole / size
    return np.array([forward, normal, np.cross(forward, normal)])


@dataclass(frozen=True)
class Burn:
    """A burn of constant thrust.

    Parameters
    ----------
    start : Instant
        Ignition, UTC or TDB seconds since J2000.
    thrust_n : float
        Thrust [N].
    specific_impulse_s : float
        Specific impulse [s].
    duration_s : float, optional
        How long it lasts [s].
    delta_v_m_s : float, optional
        How much velocity it gives, by the rocket equation [m/s]; instead of the duration.
    direction : {"forward", "backward"} or array_like, shape (3,), default "forward"
        Where the thrust pushes; any length but zero.
    axes : {"motion", "J2000"}, default "motion"
        Axes of the direction: along the motion round the centre at each instant (see `motion_axes`), or fixed.
    cutoff : Crossing, optional
        An event that ends the burn before its time.

    Raises
    ------
    InputError
        If not exactly one of duration and velocity is given, or a number cannot be used.

    Notes
    -----
    Mass flows at thrust / (specific impulse x 9.80665 m/s2), evenly.

    Examples
    --------
    >>> Burn("2030-01-01", 3000.0, 310.0, duration_s=1020.0).flow_kg_s.__round__(3)
    0.987
    """

    start: Instant
    thrust_n: float
    specific_impulse_s: float
    duration_s: float | None = None
    delta_v_m_s: float | None = None
    direction: str | npt.ArrayLike = "forward"
    axes: Axes = "motion"
    cutoff: Crossing | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.duration_s, self.delta_v_m_s) if value is not None]
        if len(given) != 1:
            raise InputError("give either duration_s or delta_v_m_s", where="burn", advice="give exactly one")
        numbers = (self.thrust_n, self.specific_impulse_s, *given)
        if not all(math.isfinite(number) and number > 0.0 for number in numbers):
            raise InputError(
                f"{numbers} holds a number that is not positive", where="burn", advice="give N, s, m/s"
            )
        _direction(self.direction, self.axes)

    @property
    def flow_kg_s(self) -> float:
        """Mass that leaves each second [kg/s].

        Returns
        -------
        float
        """
        return self.thrust_n / (self.specific_impulse_s * STANDARD_GRAVITY_M_S2)

    @property
    def unit(self) -> Floats:
        """Direction of the thrust in its axes.

        Returns
        -------
        ndarray, shape (3,)
        """
        return _direction(self.direction, self.axes)

    def seconds(self, mass_kg: float) -> float:
        """How long the burn lasts.

        Parameters
        ----------
        mass_kg : float
            Mass at ignition [kg].

        Returns
        -------
        float
            [s]

        Raises
        ------
        InputError
            If it would use up the whole mass.

        Examples
        --------
        >>> burn = Burn("2030-01-01", 3000.0, 310.0, delta_v_m_s=400.0)
        >>> round(burn.seconds(8200.0))
        1024
        """
        if self.duration_s is not None:
            seconds = self.duration_s
        else:
            exhaust = self.specific_impulse_s * STANDARD_GRAVITY_M_S2
            seconds = -mass_kg * math.expm1(-float(self.delta_v_m_s or 0.0) / exhaust) / self.flow_kg_s
        if self.flow_kg_s * seconds >= mass_kg:
            raise InputError(
                f"{seconds:.0f} s at {self.flow_kg_s:.3g} kg/s use up {mass_kg:g} kg",
                where="burn",
                advice="burn for a shorter time, or give more mass",
            )
        return seconds

    def velocity_m_s(self, mass_kg: float) -> float:
        """Velocity that the burn gives, losses by gravity and steering not counted.

        Parameters
        ----------
        mass_kg : float
            Mass at ignition [kg].

        Returns
        -------
        float
            [m/s]

        Examples
        --------
        >>> round(Burn("2030-01-01", 3000.0, 310.0, duration_s=1020.0).velocity_m_s(8200.0))
        398
        """
        exhaust = self.specific_impulse_s * STANDARD_GRAVITY_M_S2
        return -exhaust * math.log1p(-self.flow_kg_s * self.seconds(mass_kg) / mass_kg)


@dataclass(frozen=True)
class Impulse:
    """A change of velocity at once.

    Parameters
    ----------
    start : Instant
        UTC or TDB seconds since J2000.
    delta_v_m_s : array_like, shape (3,)
        Change of velocity [m/s].
    axes : {"motion", "J2000"}, default "motion"
        Axes of the change: along the motion round the centre at the instant (see `motion_axes`), or fixed.
    specific_impulse_s : float, optional
        Specific impulse, to count the mass [s]; without it the mass stays.

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> Impulse("2030-01-01", [-20.0, 0, 0]).axes
    'motion'
    """

    start: Instant
    delta_v_m_s: npt.ArrayLike
    axes: Axes = "motion"
    specific_impulse_s: float | None = None

    def __post_init__(self) -> None:
        _checked(self.delta_v_m_s, "delta_v_m_s")
        if self.axes not in ("motion", "J2000"):
            raise InputError(f"{self.axes!r} are no axes", where="axes", advice="give motion or J2000")
        if self.specific_impulse_s is not None and not 0.0 < self.specific_impulse_s < math.inf:
            raise InputError(
                f"{self.specific_impulse_s}", where="specific_impulse_s", advice="give seconds above 0"
            )

    @property
    def change_m_s(self) -> Floats:
        """Change of velocity in its axes.

        Returns
        -------
        ndarray, shape (3,)
        """
        return _checked(self.delta_v_m_s, "delta_v_m_s")

    def after(self, position_m: Floats, velocity_m_s: Floats) -> Floats:
        """Velocity after the impulse.

        Parameters
        ----------
        position_m, velocity_m_s : ndarray, shape (3,)
            State before it, in J2000 axes [m], [m/s].

        Returns
        -------
        ndarray, shape (3,)
            [m/s]

        Examples
        --------
        >>> Impulse(0.0, [-1.0, 0, 0]).after(np.array([2e6, 0, 0]), np.array([0, 1500.0, 0])).tolist()
        [0.0, 1499.0, 0.0]
        """
        change = self.change_m_s
        return velocity_m_s + (change @ motion_axes(position_m, velocity_m_s) if self.axes == "motion" else change)

    def mass_after_kg(self, mass_kg: float | None) -> float | None:
        """Mass after the impulse.

        Parameters
        ----------
        mass_kg : float or None
            Mass before it [kg].

        Returns
        -------
        float or None
            [kg]
        """
        if mass_kg is None or self.specific_impulse_s is None:
            return mass_kg
        exhaust = self.specific_impulse_s * STANDARD_GRAVITY_M_S2
        return mass_kg * math.exp(-float(np.linalg.norm(self.change_m_s)) / exhaust)


def _direction(direction: str | npt.ArrayLike, axes: str) -> Floats:
    """Unit vector of a direction."""
    if axes not in ("motion", "J2000"):
        raise InputError(f"{axes!r} are no axes", where="axes", advice="give motion or J2000")
    if isinstance(direction, str):
        if direction not in _NAMED or axes != "motion":
            raise InputError(
                f"{direction!r} in axes {axes}", where="direction", advice="give forward, backward or a vector"
            )
        return np.array(_NAMED[direction])
    vector = _checked(direction, "direction")
    size = float(np.linalg.norm(vector))
    if not size > 0.0:
        raise InputError("has no length", where="direction", advice="give a vector other than zero")
    return vector / size


def _checked(values: npt.ArrayLike, where: str) -> Floats:
    """Three finite numbers."""
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where=where, advice="give three numbers") from error
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"shape {vector.shape}, or not finite", where=where, advice="give three finite numbers")
    return vector
