"""Turning an orbit far from the Moon: one impulse for a wanted height, inclination and argument of perilune."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.elements import Plane, elements, plane_axes
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["turn_impulse", "turn_impulses_m_s"]

Floats = npt.NDArray[np.float64]

_MOST = 200
_MOST_ECCENTRIC = 0.995
_UNITS = np.array([10e3, 1.0, 1.0])


def turn_impulses_m_s(
    env: Environment,
    tdb_s: npt.ArrayLike,
    states: npt.ArrayLike,
    perilune_altitude_m: float,
    inclination_deg: float,
    argument_deg: float = 90.0,
    plane: Plane = "orbit",
) -> Floats:
    """Impulses after which perilune has a height, an inclination and an argument, the Moon alone pulling.

    Parameters
    ----------
    env : Environment
        Centred on the Moon.
    tdb_s : array_like, shape (n,)
        Instants, TDB since J2000 [s].
    states : array_like, shape (n, 6)
        States there, from the Moon [m], [m/s].
    perilune_altitude_m : float
        Above 1737.4 km [m].
    inclination_deg, argument_deg : float
        Of the orbit that is wanted [deg]; an argument of 90 deg puts apolune over the south.
    plane : {"equator", "orbit"}, default "orbit"
        Plane that they refer to, see `moonpost.flight.elements.plane_axes`.

    Returns
    -------
    ndarray, shape (n, 3)
        In J2000 axes [m/s], of the two planes through each place the cheaper; NaN where no ellipse leads there.

    Raises
    ------
    DateError
        If an instant lies outside the environment.
    InputError
        If shapes or numbers cannot be used.

    Notes
    -----
    A plane of the inclination through the place fixes the direction of perilune, hence the angle from it to the
    place, and with the two distances the ellipse.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> low = State.circling(env, "2030-01-01", 100e3, 60.0, argument_deg=90.0, apolune_altitude_m=9000e3)
    >>> high = State(low.time_tdb_s, -5.84 * low.position_m, -low.velocity_m_s / 5.84)
    >>> change = turn_impulses_m_s(env, [high.time_tdb_s], high.vector[None], 100e3, 60.0, 90.0, "equator")
    >>> bool(abs(change).max() < 1.0)
    True
    """
    times = np.atleast_1d(np.asarray(tdb_s, dtype=np.float64))
    rows = np.atleast_2d(np.asarray(states, dtype=np.float64))
    if rows.shape != (len(times), 6) or not np.isfinite(rows).all():
        raise InputError(f"shape {rows.shape}, or not finite", where="states", advice="give finite numbers (n, 6)")
    low, tilt, turn = _wanted(perilune_altitude_m, inclination_deg, argument_deg)
    axes = plane_axes(env, times, plane)
    r, v = (np.einsum("nij,nj->ni", axes, part) for part in (rows[:, :3], rows[:, 3:]))
    distance = np.linalg.norm(r, axis=1)
    up = r / distance[:, None]
    slope = np.tan(np.arcsin(up[:, 2])) / math.tan(tilt)
    shift, longitude = np.arcsin(np.clip(slope, -1.0, 1.0)), np.arctan2(up[:, 1], up[:, 0])
    best, cost = np.full(r.shape, np.nan), np.full(len(r), np.inf)
    for node in (longitude - shift, longitude + shift + math.pi):
        change = _onto(up, v, distance, node, low, tilt, turn, env.gm_m3_s2["moon"])
        size = np.where(np.abs(slope) <= 1.0, np.linalg.norm(change, axis=1), np.nan)
        better = size < cost
        cost[better], best[better] = size[better], change[better]
    return np.einsum("nij,ni->nj", axes, best)


def _onto(
    up: Floats, v: Floats, distance: Floats, node: Floats, low: float, tilt: float, turn: float, gm: float
) -> Floats:
    """Changes of velocity onto ellipses in planes of given nodes, NaN where there is none."""
    zero = np.zeros(len(node))
    to_node = np.stack([np.cos(node), np.sin(node), zero], axis=1)
    across = np.stack(
        [-np.sin(node) * math.cos(tilt), np.cos(node) * math.cos(tilt), zero + math.sin(tilt)], axis=1
    )
    anomaly = np.arctan2((up * across).sum(axis=1), (up * to_node).sum(axis=1)) - turn
    with np.errstate(divide="ignore", invalid="ignore"):
        e = (distance - low) / (low - distance * np.cos(anomaly))
    good = (e >= 0.0) & (e < _MOST_ECCENTRIC)
    e = np.where(good, e, 0.5)
    near = math.cos(turn) * to_node + math.sin(turn) * across
    onward = math.cos(turn) * across - math.sin(turn) * to_node
    speed = np.sqrt(gm / (low * (1.0 + e)))[:, None]
    wanted = speed * (-np.sin(anomaly)[:, None] * near + (e + np.cos(anomaly))[:, None] * onward)
    return np.where(good[:, None], wanted - v, np.nan)


def turn_impulse(
    state: State,
    env: Environment,
    perilune_altitude_m: float,
    inclination_deg: float,
    argument_deg: float = 90.0,
    plane: Plane = "orbit",
) -> tuple[Floats, State]:
    """The impulse after which the next perilune is as wanted, flown through the environment.

    Parameters
    ----------
    state : State
        Where it is given, from the Moon.
    env : Environment
        Centred on the Moon; must cover the way to the next perilune.
    perilune_altitude_m, inclination_deg, argument_deg, plane
        As in `turn_impulses_m_s`.

    Returns
    -------
    tuple of ndarray, shape (3,), and State
        Impulse in J2000 axes [m/s], and the state at that perilune.

    Raises
    ------
    InputError
        If numbers cannot be used.
    ModelError
        If no impulse does it.

    Notes
    -----
    Levenberg and Marquardt's steps from the impulse of `turn_impulses_m_s`, to 10 m and 0.001 deg.

    Examples
    --------
    >>> turn_impulse.__name__
    'turn_impulse'
    """
    low, _, _ = _wanted(perilune_altitude_m, inclination_deg, argument_deg)
    goal = np.array([low, inclination_deg, argument_deg])
    change = turn_impulses_m_s(
        env, [state.time_tdb_s], state.vector[None], perilune_altitude_m, inclination_deg, argument_deg, plane
    )[0]
    if not np.isfinite(change).all():
        raise ModelError("no ellipse leads there", where="turn", advice="burn elsewhere, or ask for another orbit")
    from scipy.optimize import least_squares

    def misses(change_m_s: Floats) -> Floats:
        return _apart(_next(state, change_m_s, env, plane)[1] - goal) / _UNITS

    found = least_squares(misses, change, method="lm", x_scale=[10.0] * 3, diff_step=1e-6, max_nfev=_MOST)
    if np.abs(found.fun).max() > 1e-3:
        kilometres, tilt, turn = np.abs(found.fun * _UNITS) * [1e-3, 1.0, 1.0]
        raise ModelError(
            f"off by {kilometres:.1f} km, {tilt:.2f} and {turn:.2f} deg",
            where="turn",
            advice="burn elsewhere, or ask for another orbit",
        )
    return np.asarray(found.x), _next(state, found.x, env, plane)[0]


def _next(state: State, change: Floats, env: Environment, plane: Plane) -> tuple[State, Floats]:
    """The next perilune after an impulse: its state, and its distance, inclination and argument."""
    after = state.with_velocity(state.velocity_m_s + change)
    flown = propagate(after, env.span_tdb_s[1], env, events=apsides().only("perilune").ending(), dense=False)
    if flown.ended not in ("perilune", "impact on the Moon"):
        raise ModelError(f"no perilune: {flown.ended}", where="turn", advice="make the environment longer")
    near = flown.final
    found = elements(env, [near.time_tdb_s], near.vector[None], plane)
    axis, e = float(found.semi_major_axis_m[0]), float(found.eccentricity[0])
    return near, np.array([axis * (1.0 - e), float(found.inclination_deg[0]), float(found.argument_deg[0])])


def _apart(difference: Floats) -> Floats:
    """Differences with the angle of the argument within half a turn."""
    return np.array([difference[0], difference[1], (difference[2] + 180.0) % 360.0 - 180.0])


def _wanted(perilune_altitude_m: float, inclination_deg: float, argument_deg: float) -> tuple[float, float, float]:
    """Distance at perilune and angles in radians, checked."""
    if not (
        0.0 <= perilune_altitude_m < math.inf and 0.0 < inclination_deg < 180.0 and math.isfinite(argument_deg)
    ):
        raise InputError(
            f"{perilune_altitude_m} m, {inclination_deg} and {argument_deg} deg",
            where="turn",
            advice="give metres from 0 up, an inclination above 0 and below 180 deg",
        )
    return MOON_RADIUS_M + perilune_altitude_m, math.radians(inclination_deg), math.radians(argument_deg)
