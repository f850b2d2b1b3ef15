"""The B-plane: where a hyperbola passes a body, and where it must for a wanted perilune and inclination."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2

__all__ = ["BPlane", "Side", "aim_point", "least_inclination_deg"]

Floats = npt.NDArray[np.float64]
Side = Literal["south", "north"]
"""Side on which a flight passes the body first, seen from its pole."""


@dataclass(frozen=True, eq=False)
class BPlane:
    """A hyperbola by its crossing of the plane through the body across the incoming asymptote.

    Parameters
    ----------
    b_t_m : float
        Component of the miss vector along T = S x pole, parallel to the equator [m].
    b_r_m : float
        Component along R = S x T, away from the pole [m].
    s : ndarray, shape (3,)
        Direction of motion on the incoming asymptote [1].
    speed_far_m_s : float
        Speed far from the body [m/s].
    time_to_perilune_s : float
        From the state on the hyperbola to its perilune; negative after it [s].
    pole : ndarray, shape (3,)
        Pole that T and the inclination refer to [1].
    gm_m3_s2 : float
        Gravitational parameter of the body [m3/s2].

    Notes
    -----
    The hyperbola is that of the state alone: no other body pulls. On arrivals from the Earth, of January 2030 at
    100 km, its crossing is 280 to 690 km off from 18 h before perilune and 3 km from 2 h before; the radius of
    perilune then 0.3 km.

    References
    ----------
    Kizner (1961), A method of describing miss distances for lunar and interplanetary trajectories, Planet. Space
    Sci. 7, 125, doi:10.1016/0032-0633(61)90293-8.

    Examples
    --------
    >>> plane = BPlane.of([-6e7, 5e6, 1e6], [1000.0, 0.0, 0.0], pole=[0.0, 0.0, 1.0])
    >>> round(plane.perilune_radius_m / 1e3), round(plane.inclination_deg, 1)
    (2228, 168.7)
    """

    b_t_m: float
    b_r_m: float
    s: Floats
    speed_far_m_s: float
    time_to_perilune_s: float
    pole: Floats
    gm_m3_s2: float = GRGM1200A_GM_M3_S2

    def __post_init__(self) -> None:
        object.__setattr__(self, "s", _unit(self.s, "s"))
        object.__setattr__(self, "pole", _unit(self.pole, "pole"))
        numbers = (self.b_t_m, self.b_r_m, self.time_to_perilune_s)
        if not all(math.isfinite(number) for number in numbers) or not (
            0.0 < self.speed_far_m_s < math.inf and 0.0 < self.gm_m3_s2 < math.inf
        ):
            raise InputError(
                f"B.T {self.b_t_m!r}, B.R {self.b_r_m!r} m, {self.speed_far_m_s!r} m/s, gm {self.gm_m3_s2!r}",
                where="B-plane",
                advice="give finite numbers, speed and gm above 0",
            )
        if np.linalg.norm(np.cross(self.s, self.pole)) < 1e-9:
            raise InputError("the asymptote lies along the pole", where="pole", advice="give another pole")

    @classmethod
    def of(
        cls,
        position_m: npt.ArrayLike,
        velocity_m_s: npt.ArrayLike,
        pole: npt.ArrayLike,
        gm_m3_s2: float = GRGM1200A_GM_M3_S2,
    ) -> Self:
        """The B-plane of a state.

        Parameters
        ----------
        position_m, velocity_m_s : array_like, shape (3,)
            From the body's centre [m], [m/s].
        pole : array_like, shape (3,)
            Direction of the pole; its length does not matter.
        gm_m3_s2 : float
            Gravitational parameter of the body [m3/s2]; by default that of the Moon.

        Returns
        -------
        BPlane

        Raises
        ------
        InputError
            If a number is not finite, or the asymptote lies along the pole.
        ModelError
            If the state is on no hyperbola.
        """
        from moonpost.flight.bplanekernels import crossings

        towards = _unit(pole, "pole")
        state = np.concatenate([_finite(position_m, "position_m"), _finite(velocity_m_s, "velocity_m_s")])
        numbers, found = crossings(state[None], float(gm_m3_s2), towards)
        if not found[0]:
            raise ModelError(
                "the state is on no hyperbola round the body, or falls straight at it",
                where="B-plane",
                advice="give a state that arrives faster than the speed of escape",
            )
        row = numbers[0]
        return cls(float(row[0]), float(row[1]), row[5:8], float(row[4]), float(row[2]), towards, float(gm_m3_s2))

    @property
    def size_m(self) -> float:
        """Length of the miss vector.

        Returns
        -------
        float
            [m]
        """
        return math.hypot(self.b_t_m, self.b_r_m)

    @property
    def perilune_radius_m(self) -> float:
        """Least distance from the body's centre.

        Returns
        -------
        float
            [m]
        """
        half = self.gm_m3_s2 / self.speed_far_m_s**2
        return self.size_m**2 / (math.hypot(half, self.size_m) + half)

    @property
    def inclination_deg(self) -> float:
        """Inclination of the hyperbola's plane to the equator of the pole.

        Returns
        -------
        float
            [deg]
        """
        level = float(np.linalg.norm(np.cross(self.s, self.pole)))
        return math.degrees(math.acos(max(-1.0, min(1.0, level * self.b_t_m / self.size_m))))

    def state(self) -> tuple[Floats, Floats]:
        """The state on the hyperbola from which its perilune is `time_to_perilune_s` away.

        Returns
        -------
        tuple of ndarray, shape (3,)
            Position [m] and velocity [m/s] from the body's centre.
        """
        half, size = self.gm_m3_s2 / self.speed_far_m_s**2, self.size_m
        e = math.hypot(1.0, size / half)
        t = np.cross(self.s, self.pole)
        t /= np.linalg.norm(t)
        b = (self.b_t_m * t + self.b_r_m * np.cross(self.s, t)) / size
        far = size / (half * e)
        p, q = self.s / e + far * b, far * self.s - b / e
        rate = self.speed_far_m_s / half
        h = _anomaly(-self.time_to_perilune_s * rate, e)
        across = half * math.sqrt(e * e - 1.0)
        turn = rate / (e * math.cosh(h) - 1.0)
        place = half * (e - math.cosh(h)) * p + across * math.sinh(h) * q
        return place, turn * (across * math.cosh(h) * q - half * math.sinh(h) * p)


def aim_point(
    perilune_radius_m: float,
    inclination_deg: float,
    s: npt.ArrayLike,
    speed_far_m_s: float,
    pole: npt.ArrayLike,
    side: Side = "south",
    gm_m3_s2: float = GRGM1200A_GM_M3_S2,
) -> tuple[float, float]:
    """B.T and B.R of a hyperbola with a wanted perilune and inclination.

    Parameters
    ----------
    perilune_radius_m : float
        Least distance from the body's centre [m].
    inclination_deg : float
        To the equator of the pole, 0 to 180 [deg].
    s : array_like, shape (3,)
        Direction of motion on the incoming asymptote.
    speed_far_m_s : float
        Speed far from the body [m/s].
    pole : array_like, shape (3,)
        Direction of the pole.
    side : {"south", "north"}, default "south"
        Side on which the body is passed first.
    gm_m3_s2 : float
        Gravitational parameter [m3/s2]; by default that of the Moon.

    Returns
    -------
    tuple of float
        B.T and B.R [m].

    Raises
    ------
    InputError
        If a number cannot be used, or the inclination lies below the declination of the asymptote.

    Notes
    -----
    ``|B|^2 = r^2 + 2 gm r / v^2``; the angle of B from T has the cosine ``cos(i) / cos(declination of S)``.

    Examples
    --------
    >>> b_t, b_r = aim_point(1837.4e3, 90.0, [1.0, 0.0, 0.0], 900.0, [0.0, 0.0, 1.0])
    >>> round(b_t), round(b_r / 1e3)
    (0, 5062)
    """
    from moonpost.flight.bplanekernels import aimed

    if side not in ("south", "north"):
        raise InputError(f"{side!r} is no side", where="side", advice="give south or north")
    if not (0.0 < perilune_radius_m < math.inf and 0.0 < speed_far_m_s < math.inf and 0.0 < gm_m3_s2 < math.inf):
        raise InputError(
            f"radius {perilune_radius_m!r} m, speed {speed_far_m_s!r} m/s, gm {gm_m3_s2!r}",
            where="aim",
            advice="give numbers above 0",
        )
    if not 0.0 <= inclination_deg <= 180.0:
        raise InputError(f"{inclination_deg!r} deg", where="inclination_deg", advice="give 0 to 180")
    slope = float(_unit(s, "s") @ _unit(pole, "pole"))
    cosine = math.sin(math.radians(90.0 - inclination_deg))
    b_t, b_r, reached = aimed(
        perilune_radius_m, cosine, 1.0 if side == "south" else -1.0, slope, speed_far_m_s, gm_m3_s2
    )
    if not reached:
        raise InputError(
            f"{inclination_deg:g} deg cannot be had: the asymptote's declination is "
            f"{math.degrees(math.asin(slope)):.3f} deg",
            where="inclination_deg",
            advice="give an inclination between the declination and 180 deg less it",
        )
    return b_t, b_r


def least_inclination_deg(s: npt.ArrayLike, pole: npt.ArrayLike) -> float:
    """Least inclination of a passage without a change of plane: the declination of the asymptote.

    Parameters
    ----------
    s : array_like, shape (3,)
        Direction of motion on the asymptote.
    pole : array_like, shape (3,)
        Direction of the pole.

    Returns
    -------
    float
        [deg]

    Raises
    ------
    InputError
        If a vector is not finite or zero.

    Examples
    --------
    >>> round(least_inclination_deg([1.0, 0.0, 1.0], [0.0, 0.0, 1.0]), 9)
    45.0
    """
    return math.degrees(math.asin(min(1.0, abs(float(_unit(s, "s") @ _unit(pole, "pole"))))))


def _anomaly(mean: float, e: float) -> float:
    """Hyperbolic anomaly of a mean anomaly, by Newton from a bound of its size."""
    h = math.copysign(math.log(2.0 * abs(mean) / e + 1.8), mean)
    for _ in range(60):
        step = (e * math.sinh(h) - h - mean) / (e * math.cosh(h) - 1.0)
        h -= step
        if abs(step) <= 1e-15 * (1.0 + abs(h)):
            break
    return h


def _finite(values: npt.ArrayLike, where: str) -> Floats:
    """Three finite numbers."""
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where=where, advice="give three numbers") from error
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"shape {vector.shape}, or not finite", where=where, advice="give three finite numbers")
    return vector


def _unit(values: npt.ArrayLike, where: str) -> Floats:
    """A direction of length 1."""
    vector = _finite(values, where)
    size = float(np.linalg.norm(vector))
    if not size > 0.0:
        raise InputError("is zero", where=where, advice="give a direction")
    return vector / size
