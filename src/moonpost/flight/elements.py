"""Osculating elements of lunar orbits, to the lunar equator or to the plane in which the Earth goes round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.state import State
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    from moonpost.flight.environment import Environment, Instant

__all__ = ["Elements", "Plane", "elements", "placed", "plane_axes"]

Floats = npt.NDArray[np.float64]
Plane = Literal["equator", "orbit"]
"""Plane that inclinations and nodes refer to: the lunar equator, or that of the Earth's motion round the Moon."""


@dataclass(frozen=True, eq=False)
class Elements:
    """Osculating elements of one or many orbits round the Moon.

    Parameters
    ----------
    semi_major_axis_m : ndarray
        Negative on a hyperbola [m].
    eccentricity : ndarray
        [1]
    inclination_deg, node_deg, argument_deg, true_anomaly_deg : ndarray
        0 to 180, and 0 to 360 [deg].

    Examples
    --------
    >>> circle = Elements(*np.array([[1837.4e3], [0.0], [90.0], [0.0], [0.0], [0.0]]))
    >>> circle.perilune_altitude_m.tolist()
    [100000.0]
    """

    semi_major_axis_m: Floats
    eccentricity: Floats
    inclination_deg: Floats
    node_deg: Floats
    argument_deg: Floats
    true_anomaly_deg: Floats

    @property
    def perilune_altitude_m(self) -> Floats:
        """Altitude of perilune above 1737.4 km.

        Returns
        -------
        ndarray
            [m]
        """
        return self.semi_major_axis_m * (1.0 - self.eccentricity) - MOON_RADIUS_M

    @property
    def apolune_altitude_m(self) -> Floats:
        """Altitude of apolune above 1737.4 km.

        Returns
        -------
        ndarray
            [m]
        """
        return self.semi_major_axis_m * (1.0 + self.eccentricity) - MOON_RADIUS_M


def plane_axes(env: Environment, tdb_s: npt.ArrayLike, plane: Plane = "equator") -> Floats:
    """Axes of the plane that elements refer to.

    Parameters
    ----------
    env : Environment
        Where the Earth stands and how the Moon is turned; its centre is the Moon.
    tdb_s : array_like, shape (n,)
        TDB since J2000 [s].
    plane : {"equator", "orbit"}, default "equator"
        ``equator``: the mean-Earth axes of the instant, the node counts from the prime meridian and turns with the
        Moon. ``orbit``: z along the momentum of the Earth's motion round the Moon, x where that plane rises
        through the equator of J2000.

    Returns
    -------
    ndarray, shape (n, 3, 3)
        ``v_plane = m @ v_j2000``.

    Raises
    ------
    InputError
        If the plane is not known, or the environment has another centre.
    DateError
        If an instant lies outside the environment.

    Examples
    --------
    >>> from moonpost.flight.environment import Environment
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), 0.0, 86400.0, degree=0)
    >>> axes = [plane_axes(env, 0.0, plane)[0] for plane in ("equator", "orbit")]
    >>> round(float(np.degrees(np.arccos(axes[0][2] @ axes[1][2]))))
    7
    """
    seconds = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
    if env.centre != "moon":
        raise InputError(
            "elements are for orbits round the Moon", where="env", advice="make it with centre='moon'"
        )
    if plane == "equator":
        return env.rotation(seconds)
    if plane != "orbit":
        raise InputError(f"{plane!r} is no plane", where="plane", advice="give equator or orbit")
    earth = env.body_state("earth", seconds)
    pole = np.cross(earth[:, :3], earth[:, 3:])
    pole /= np.linalg.norm(pole, axis=1)[:, None]
    first = np.cross([0.0, 0.0, 1.0], pole)
    first /= np.linalg.norm(first, axis=1)[:, None]
    return np.stack([first, np.cross(pole, first), pole], axis=1)


def elements(env: Environment, tdb_s: npt.ArrayLike, states: npt.ArrayLike, plane: Plane = "equator") -> Elements:
    """Osculating elements of states from the Moon's centre.

    Parameters
    ----------
    env : Environment
        Orientation and gravitational parameter.
    tdb_s : array_like, shape (n,)
        TDB since J2000 [s].
    states : array_like, shape (n, 6)
        Positions [m] and velocities [m/s] in J2000 axes; NaN gives NaN.
    plane : {"equator", "orbit"}, default "equator"
        Plane of reference.

    Returns
    -------
    Elements
        Arrays of shape (n,).

    Raises
    ------
    InputError
        If shapes differ or the plane is not known.

    Examples
    --------
    >>> from moonpost.flight.environment import Environment
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> low = State.circling(env, "2030-01-01", 200e3, 62.4, apolune_altitude_m=16000e3, argument_deg=90.0)
    >>> found = elements(env, low.time_tdb_s, low.vector)
    >>> found.inclination_deg.round(6).tolist(), found.argument_deg.round(6).tolist()
    ([62.4], [90.0])
    """
    rows = np.atleast_2d(np.asarray(states, dtype=np.float64))
    seconds = np.broadcast_to(np.asarray(tdb_s, dtype=np.float64).ravel(), len(rows)) if rows.ndim == 2 else None
    if seconds is None or rows.shape[1] != 6:
        raise InputError(f"shape {rows.shape}", where="states", advice="give an array (n, 6)")
    axes = plane_axes(env, seconds, plane)
    r = np.einsum("nij,nj->ni", axes, rows[:, :3])
    v = np.einsum("nij,nj->ni", axes, rows[:, 3:])
    gm = env.gm_m3_s2["moon"]
    distance = np.linalg.norm(r, axis=1)
    momentum = np.cross(r, v)
    size = np.linalg.norm(momentum, axis=1)
    axis = 1.0 / (2.0 / distance - np.einsum("ni,ni->n", v, v) / gm)
    lean = np.cross(v, momentum) / gm - r / distance[:, None]
    eccentricity = np.linalg.norm(lean, axis=1)
    inclination = np.arctan2(np.hypot(momentum[:, 0], momentum[:, 1]), momentum[:, 2])
    node = np.arctan2(momentum[:, 0], -momentum[:, 1])
    to_node = np.stack([np.cos(node), np.sin(node), np.zeros_like(node)], axis=1)
    across = np.cross(momentum / size[:, None], to_node)
    argument = np.arctan2(np.einsum("ni,ni->n", lean, across), np.einsum("ni,ni->n", lean, to_node))
    latitude = np.arctan2(np.einsum("ni,ni->n", r, across), np.einsum("ni,ni->n", r, to_node))
    return Elements(
        axis,
        eccentricity,
        np.degrees(inclination),
        np.degrees(node) % 360.0,
        np.degrees(argument) % 360.0,
        np.degrees(latitude - argument) % 360.0,
    )


def placed(
    env: Environment,
    t: Instant,
    semi_major_axis_m: float,
    eccentricity: float,
    inclination_deg: float,
    node_deg: float = 0.0,
    argument_deg: float = 0.0,
    true_anomaly_deg: float = 0.0,
    plane: Plane = "equator",
) -> State:
    """The state of an orbit round the Moon given by osculating elements.

    Parameters
    ----------
    env : Environment
        Orientation and gravitational parameter.
    t : Instant
        UTC, or TDB seconds since J2000.
    semi_major_axis_m : float
        Half the long axis [m].
    eccentricity : float
        0 to below 1 [1].
    inclination_deg, node_deg, argument_deg, true_anomaly_deg : float
        Angles [deg].
    plane : {"equator", "orbit"}, default "equator"
        Plane of reference, see `plane_axes`.

    Returns
    -------
    State

    Raises
    ------
    InputError
        If a number is not finite, or the orbit is no ellipse or dips into the sphere of 1737.4 km.
    DateError
        If the instant lies outside the environment.

    Examples
    --------
    >>> from moonpost.flight.environment import Environment
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> far = placed(env, "2030-01-01", 6541.4e3, 0.6, 56.2, 0.0, 90.0, 180.0, plane="orbit")
    >>> round(float(np.linalg.norm(far.position_m)) / 1e3, 1)
    10466.2
    """
    numbers = (semi_major_axis_m, eccentricity, inclination_deg, node_deg, argument_deg, true_anomaly_deg)
    if not np.isfinite(numbers).all() or not 0.0 <= eccentricity < 1.0 or not 0.0 <= inclination_deg <= 180.0:
        raise InputError(
            f"elements {numbers} make no ellipse", where="orbit", advice="give finite ones, 0 <= eccentricity < 1"
        )
    if semi_major_axis_m * (1.0 - eccentricity) < MOON_RADIUS_M - 1e-3:
        low = semi_major_axis_m * (1.0 - eccentricity) - MOON_RADIUS_M
        raise InputError(f"perilune is at {low / 1e3:.1f} km", where="orbit", advice="raise it above the ground")
    tdb = float(np.ravel(env.tdb_s(t))[0])
    i, node, argument, anomaly = np.radians([inclination_deg, node_deg, argument_deg, true_anomaly_deg])
    to_node = np.array([np.cos(node), np.sin(node), 0.0])
    across = np.array([-np.sin(node) * np.cos(i), np.cos(node) * np.cos(i), np.sin(i)])
    parameter = semi_major_axis_m * (1.0 - eccentricity**2)
    near = np.cos(argument) * to_node + np.sin(argument) * across
    ahead = np.cos(argument) * across - np.sin(argument) * to_node
    r = parameter / (1.0 + eccentricity * np.cos(anomaly)) * (np.cos(anomaly) * near + np.sin(anomaly) * ahead)
    speed = np.sqrt(env.gm_m3_s2["moon"] / parameter)
    v = speed * (-np.sin(anomaly) * near + (eccentricity + np.cos(anomaly)) * ahead)
    back = plane_axes(env, tdb, plane)[0].T
    return State(tdb, back @ r, back @ v, "moon")
