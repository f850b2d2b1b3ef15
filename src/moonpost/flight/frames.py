"""States in axes of J2000, of the Moon (mean-Earth and principal) and of those that turn with Earth and Moon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError, UnknownNameError
from moonpost.flight.courses import instants, opened
from moonpost.flight.synodic import SynodicFrame
from moonpost.sky.ephemeris import covered
from moonpost.sky.kernelfiles import KernelSet
from moonpost.sky.orientation import Orientation
from moonpost.sky.times import TimeLike

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["FrameName", "Frames", "convert"]

Floats = npt.NDArray[np.float64]
FrameName = Literal["J2000", "ICRF", "MOON_ME", "MOON_PA", "SYNODIC"]
"""Axes of states. J2000 and ICRF are the same here, as in SPICE and in the planetary ephemerides."""

_NAMES = get_args(FrameName)


@dataclass(frozen=True, eq=False)
class Frames:
    """Axes at given instants, and how they turn; make them with `Frames.at`.

    Parameters
    ----------
    frame : str
        Their name.
    turn : ndarray, shape (n, 3, 3)
        From J2000 axes to these: ``r_frame = turn @ r_j2000``.
    spin_rad_s : ndarray, shape (n, 3)
        Angular velocity in J2000 axes [rad/s].

    Notes
    -----
    ``r' = M r`` and ``v' = M (v - spin x r)``, from the same centre: that of the Moon for all but J2000.
    MOON_PA are the principal axes of the kernel (for DE440 those of MOON_PA_DE440), MOON_ME the mean-Earth axes
    of maps (MOON_ME_DE440_ME421). SYNODIC has x from the Earth to the Moon, z along the pole of the Moon's motion;
    its unit stays the metre. For units of the three-body problem use `moonpost.flight.synodic.SynodicFrame`.
    J2000 stands for the axes of the ICRF, in which DE440 is given; the mean equator and equinox of J2000 proper
    are turned against them by 0.02 arcsecond, 0.2 m in a low orbit.

    References
    ----------
    Park et al. (2021), Astron. J. 161, 105, doi:10.3847/1538-3881/abd414; Folkner et al. (2009), JPL IPN Progress
    Report 42-178.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> axes = Frames.at(Almanac.default(), "2030-01-01", "MOON_ME")
    >>> round(float(2 * np.pi / np.linalg.norm(axes.spin_rad_s) / 86400), 1)
    27.3
    """

    frame: str
    turn: Floats
    spin_rad_s: Floats

    @classmethod
    def at(cls, almanac: Almanac | KernelSet, t: TimeLike | npt.ArrayLike, frame: str) -> Self:
        """Axes at instants.

        Parameters
        ----------
        almanac : Almanac or KernelSet
            Orientation of the Moon, places of Earth and Moon.
        t : dates or array_like of float
            UTC dates, or TDB seconds since J2000, shape (n,).
        frame : {"J2000", "ICRF", "MOON_ME", "MOON_PA", "SYNODIC"}
            The axes; capitals do not matter.

        Returns
        -------
        Frames

        Raises
        ------
        DateError
            If an instant cannot be read or lies outside the kernels.
        UnknownNameError
            If the axes are not known.
        """
        name = str(frame).upper()
        if name not in _NAMES:
            raise UnknownNameError(str(frame), _NAMES, kind="frame")
        seconds = instants(t)
        if name in ("J2000", "ICRF"):
            return cls(name, np.repeat(np.eye(3)[None], seconds.size, axis=0), np.zeros((seconds.size, 3)))
        kernels = opened(almanac)
        if name == "SYNODIC":
            synodic = SynodicFrame.of(kernels, seconds, scale="fixed")
            return cls(name, synodic.axes, np.einsum("nji,nj->ni", synodic.axes, synodic.turn_rad_s))
        turn, spin = _moon(kernels.orientation, seconds)
        return cls(name, kernels.orientation.tie @ turn if name == "MOON_ME" else turn, spin)

    def from_j2000(self, states: npt.ArrayLike) -> Floats:
        """States in these axes.

        Parameters
        ----------
        states : array_like, shape (6,) or (n, 6)
            Positions [m] and velocities [m/s] in J2000 axes.

        Returns
        -------
        ndarray, shape (n, 6)
            Positions [m] and velocities [m/s], the latter as seen by who turns with the axes.

        Raises
        ------
        InputError
            If the states are not finite or of another shape.
        """
        values = self._rows(states)
        place = values[:, :3]
        speed = values[:, 3:] - np.cross(self.spin_rad_s, place)
        return np.concatenate([np.einsum("nij,nj->ni", self.turn, half) for half in (place, speed)], axis=1)

    def to_j2000(self, states: npt.ArrayLike) -> Floats:
        """States in J2000 axes.

        Parameters
        ----------
        states : array_like, shape (6,) or (n, 6)
            Positions [m] and velocities [m/s] in these axes.

        Returns
        -------
        ndarray, shape (n, 6)
            Positions [m] and velocities [m/s].

        Raises
        ------
        InputError
            If the states are not finite or of another shape.
        """
        values = self._rows(states)
        place, speed = (np.einsum("nji,nj->ni", self.turn, half) for half in (values[:, :3], values[:, 3:]))
        return np.concatenate([place, speed + np.cross(self.spin_rad_s, place)], axis=1)

    def _rows(self, states: npt.ArrayLike) -> Floats:
        """One finite state for each instant."""
        try:
            values = np.atleast_2d(np.asarray(states, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise InputError("is not made of numbers", where="states", advice="give (n, 6)") from error
        count = len(self.turn)
        if values.ndim != 2 or values.shape[1] != 6 or len(values) not in (1, count):
            raise InputError(f"shape {values.shape}", where="states", advice=f"give (6,) or ({count}, 6)")
        if not np.isfinite(values).all():
            raise InputError("holds NaN or infinity", where="states", advice="give finite numbers")
        return np.broadcast_to(values, (count, 6))


def convert(
    states: npt.ArrayLike,
    t: TimeLike | npt.ArrayLike,
    almanac: Almanac | KernelSet,
    to: str,
    *,
    source: str = "J2000",
) -> Floats:
    """Turn states from some axes into others.

    Parameters
    ----------
    states : array_like, shape (6,) or (n, 6)
        Positions [m] and velocities [m/s] from the Moon's centre.
    t : dates or array_like of float
        UTC dates, or TDB seconds since J2000, shape (n,).
    almanac : Almanac or KernelSet
        Orientation of the Moon, places of Earth and Moon.
    to : {"J2000", "ICRF", "MOON_ME", "MOON_PA", "SYNODIC"}
        The wanted axes.
    source : {"J2000", "ICRF", "MOON_ME", "MOON_PA", "SYNODIC"}, default "J2000"
        The axes of the states.

    Returns
    -------
    ndarray, shape (n, 6)
        Positions [m] and velocities [m/s].

    Raises
    ------
    DateError
        If an instant cannot be read or lies outside the kernels.
    InputError
        If the states are not finite or of another shape.
    UnknownNameError
        If axes are not known.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> almanac = Almanac.default()
    >>> still = convert([1737400.0, 0, 0, 0, 0, 0], "2030-01-01", almanac, "J2000", source="MOON_ME")
    >>> round(float(np.linalg.norm(still[0, 3:])), 2)
    4.62
    """
    return Frames.at(almanac, t, to).from_j2000(Frames.at(almanac, t, source).to_j2000(states))


def _moon(orientation: Orientation, seconds: Floats) -> tuple[Floats, Floats]:
    """Turn from J2000 to the principal axes, (n, 3, 3), and angular velocity in J2000 axes [rad/s], (n, 3)."""
    angles, rates = _angles(orientation, seconds)
    (sp, sd, sw), (cp, cd, cw) = np.sin(angles), np.cos(angles)
    zero = np.zeros_like(sp)
    node = np.stack([cp, sp, zero], axis=1)
    across = np.stack([-sp * cd, cp * cd, sd], axis=1)
    axis = np.stack([sp * sd, -cp * sd, cd], axis=1)
    x = cw[:, None] * node + sw[:, None] * across
    y = cw[:, None] * across - sw[:, None] * node
    spin = rates[0][:, None] * np.array([0.0, 0.0, 1.0]) + rates[1][:, None] * node + rates[2][:, None] * axis
    return np.stack([x, y, axis], axis=1), spin


def _angles(orientation: Orientation, seconds: Floats) -> tuple[Floats, Floats]:
    """Euler angles [rad] and their rates [rad/s], each of shape (3, n)."""
    found = np.empty((6, seconds.size))
    left = np.arange(seconds.size)
    for table in orientation.tables:
        inside = covered(table.summary, seconds[left])
        rows, left = left[inside], left[~inside]
        if rows.size:
            found[:, rows] = table.evaluate(seconds[rows], rates=True)
    if left.size:
        raise DateError(
            f"{left.size} of {seconds.size} times have no orientation of the Moon",
            where="the loaded PCK kernels",
            advice="load a binary PCK that covers them",
        )
    return found[:3], found[3:]
