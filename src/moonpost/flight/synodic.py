"""The axes that turn with Earth and Moon: from the three-body problem to the real sky and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, UnknownNameError
from moonpost.flight.cr3bp import EARTH_MOON_LENGTH_M, EARTH_MOON_MU, finite_number, mass_ratio, time_unit_s
from moonpost.sky.kernelfiles import KernelSet, read_kernels
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Scale", "SynodicFrame"]

Floats = npt.NDArray[np.float64]
Scale = Literal["pulsating", "fixed"]
"""Unit of length: the Moon's distance of the instant, or one that stays."""

_EARTH, _MOON = 399, 301
_STEP_S = 60.0


@dataclass(frozen=True, eq=False)
class SynodicFrame:
    """Axes that turn with the Moon round the Earth at given instants; make one with `at` or `of`.

    Parameters
    ----------
    axes : ndarray, shape (n, 3, 3)
        Rows: from the Earth to the Moon, across in the plane of motion, and the pole of the Moon's orbit, in J2000
        axes.
    turn_rad_s : ndarray, shape (n, 3)
        Angular velocity of the axes, in the axes themselves [rad/s].
    length_m : ndarray, shape (n,)
        Unit of length [m].
    stretch_m_s : ndarray, shape (n,)
        Rate of the unit of length [m/s]; zero if it is fixed.
    mu : float
        Mass of the Moon over that of Earth and Moon [1].

    Notes
    -----
    The Moon stands at (1 - mu, 0, 0); with the pulsating unit the Earth always stands at (-mu, 0, 0). The unit of
    time is `cr3bp.time_unit_s` of the unit of length of the instant. The turn about z is h / r^2, that about x is
    r a_z / h with the Moon's acceleration a_z along the pole, which tips the plane of motion.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> frame = SynodicFrame.at(Almanac.default(), "2030-01-01")
    >>> frame.j2000([1.0 - frame.mu, 0, 0, 0, 0, 0]).round(6).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]
    """

    axes: Floats
    turn_rad_s: Floats
    length_m: Floats
    stretch_m_s: Floats
    mu: float

    @classmethod
    def at(
        cls,
        almanac: Almanac,
        t: TimeLike,
        *,
        scale: Scale = "pulsating",
        length_m: float = EARTH_MOON_LENGTH_M,
        mu: float = EARTH_MOON_MU,
    ) -> Self:
        """Axes at UTC times.

        Parameters
        ----------
        almanac : Almanac
            Where Earth and Moon stand.
        t : datetime64 array or other times
            UTC, shape (n,).
        scale : {"pulsating", "fixed"}
            Whether the unit of length is the Moon's distance of the instant or `length_m`.
        length_m : float
            The fixed unit of length [m].
        mu : float
            Mass of the Moon over that of Earth and Moon [1].

        Returns
        -------
        SynodicFrame

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        InputError
            If a number cannot be used.
        UnknownNameError
            If the scale is not known.
        """
        kernels = _kernels(tuple(kernel.path for kernel in almanac.kernels))
        seconds = kernels.timescale.tdb_s(as_utc(t).ravel())
        return cls.of(kernels, seconds, scale=scale, length_m=length_m, mu=mu)

    @classmethod
    def of(
        cls,
        kernels: KernelSet,
        tdb_s: npt.ArrayLike,
        *,
        scale: Scale = "pulsating",
        length_m: float = EARTH_MOON_LENGTH_M,
        mu: float = EARTH_MOON_MU,
    ) -> Self:
        """Axes at TDB seconds since J2000.

        Parameters
        ----------
        kernels : KernelSet
            Where Earth and Moon stand.
        tdb_s : array_like, shape (n,)
            TDB since J2000 [s].
        scale, length_m, mu
            As in `at`.

        Returns
        -------
        SynodicFrame

        Raises
        ------
        DateError
            If a time is not covered.
        InputError
            If a number cannot be used.
        UnknownNameError
            If the scale is not known.
        """
        if scale not in ("pulsating", "fixed"):
            raise UnknownNameError(str(scale), ("pulsating", "fixed"), kind="scale")
        ratio = mass_ratio(mu)
        size = finite_number(length_m, "length_m")
        if not size > 0.0:
            raise InputError(f"{size:g} is not above 0", where="length_m", advice="give metres")
        seconds = np.atleast_1d(np.asarray(tdb_s, dtype=float)).ravel()
        if not np.isfinite(seconds).all():
            raise InputError("holds NaN or infinity", where="tdb_s", advice="give TDB seconds since J2000")
        moon, pull = _moon(kernels, seconds)
        place, speed = moon[:, :3], moon[:, 3:]
        distance = np.linalg.norm(place, axis=1)
        pole = np.cross(place, speed)
        momentum = np.linalg.norm(pole, axis=1)
        toward, upward = place / distance[:, None], pole / momentum[:, None]
        axes = np.stack([toward, np.cross(upward, toward), upward], axis=1)
        turn = np.zeros((seconds.size, 3))
        turn[:, 0] = distance * np.sum(pull * upward, axis=1) / momentum
        turn[:, 2] = momentum / distance**2
        if scale == "fixed":
            return cls(axes, turn, np.full(seconds.size, size), np.zeros(seconds.size), ratio)
        return cls(axes, turn, distance, np.sum(toward * speed, axis=1), ratio)

    @property
    def time_s(self) -> Floats:
        """Unit of time [s], shape (n,).

        Returns
        -------
        ndarray, shape (n,)
            Of the unit of length of each instant.
        """
        return np.array([time_unit_s(float(length)) for length in self.length_m])

    def j2000(self, states: npt.ArrayLike) -> Floats:
        """States of the three-body problem in J2000 axes from the Moon's centre.

        Parameters
        ----------
        states : array_like, shape (6,) or (n, 6)
            Positions and velocities in the turning axes from the barycentre [1].

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
        place = values[:, :3] - np.array([1.0 - self.mu, 0.0, 0.0])
        unit = (self.length_m / self.time_s)[:, None]
        speed = unit * values[:, 3:] + self.stretch_m_s[:, None] * place
        speed += self.length_m[:, None] * np.cross(self.turn_rad_s, place)
        both = [self.length_m[:, None] * place, speed]
        return np.concatenate([np.einsum("nji,nj->ni", self.axes, half) for half in both], axis=1)

    def rotating(self, states: npt.ArrayLike) -> Floats:
        """States in J2000 axes from the Moon's centre in units of the three-body problem.

        Parameters
        ----------
        states : array_like, shape (6,) or (n, 6)
            Positions [m] and velocities [m/s].

        Returns
        -------
        ndarray, shape (n, 6)
            Positions and velocities in the turning axes from the barycentre [1].

        Raises
        ------
        InputError
            If the states are not finite or of another shape.
        """
        values = self._rows(states)
        place, speed = (np.einsum("nij,nj->ni", self.axes, half) for half in (values[:, :3], values[:, 3:]))
        speed = speed - np.cross(self.turn_rad_s, place)
        place = place / self.length_m[:, None]
        speed = (speed - self.stretch_m_s[:, None] * place) * (self.time_s / self.length_m)[:, None]
        return np.concatenate([place + np.array([1.0 - self.mu, 0.0, 0.0]), speed], axis=1)

    def _rows(self, states: npt.ArrayLike) -> Floats:
        """One finite state for each instant."""
        values = np.atleast_2d(np.asarray(states, dtype=float))
        count = self.length_m.size
        if values.shape[-1] != 6 or values.ndim != 2 or values.shape[0] not in (1, count):
            raise InputError(f"shape {values.shape}", where="states", advice=f"give (6,) or ({count}, 6)")
        if not np.isfinite(values).all():
            raise InputError("holds NaN or infinity", where="states", advice="give finite numbers")
        return np.broadcast_to(values, (count, 6))


@lru_cache(maxsize=4)
def _kernels(paths: tuple[Path, ...]) -> KernelSet:
    """Opened kernels of an almanac."""
    return read_kernels(paths)


def _moon(kernels: KernelSet, seconds: Floats) -> tuple[Floats, Floats]:
    """State of the Moon from the Earth [m, m/s], shape (n, 6), and its acceleration [m/s2], shape (n, 3)."""

    def state(at: Floats) -> Floats:
        places = [kernels.ephemeris.state_km(body, at, rates=True) for body in (_MOON, _EARTH)]
        return 1000.0 * (places[0] - places[1]).T

    before, after = (state(seconds + sign * _STEP_S)[:, 3:] for sign in (-1.0, 1.0))
    return state(seconds), (after - before) / (2.0 * _STEP_S)
