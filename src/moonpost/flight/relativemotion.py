"""Motion beside a spacecraft on a circle: axes that go with it, Clohessy and Wiltshire, two impulses."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.state import State

__all__ = ["absolute_state", "approach_m_s", "clohessy_wiltshire", "orbit_axes", "relative_state"]

Floats = npt.NDArray[np.float64]

_SINGULAR = 1e-6


def orbit_axes(target: State) -> tuple[Floats, Floats]:
    """Axes that go with a spacecraft, and how they turn.

    Parameters
    ----------
    target : State
        The spacecraft.

    Returns
    -------
    tuple of ndarray, shapes (3, 3) and (3,)
        Rows outward, onward (level, along the motion) and along the pole of the orbit, in J2000 axes; angular
        velocity in J2000 axes [rad/s].

    Raises
    ------
    InputError
        If the state falls straight.

    Examples
    --------
    >>> axes, spin = orbit_axes(State(0.0, np.array([2e6, 0, 0]), np.array([0, 1600.0, 0])))
    >>> axes.tolist(), spin.tolist()
    ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [0.0, 0.0, 0.0008])
    """
    r, v = target.position_m, target.velocity_m_s
    momentum = np.cross(r, v)
    size = float(np.linalg.norm(momentum))
    if not size > 0.0:
        raise InputError("the state falls straight", where="target", advice="give an orbit")
    outward, pole = r / np.linalg.norm(r), momentum / size
    return np.array([outward, np.cross(pole, outward), pole]), momentum / float(r @ r)


def relative_state(chaser: State, target: State) -> Floats:
    """Place and velocity of a spacecraft in the axes that go with another.

    Parameters
    ----------
    chaser, target : State
        Both at the same instant, from the same centre.

    Returns
    -------
    ndarray, shape (6,)
        Outward, onward and across [m], and their rates in the turning axes [m/s].

    Raises
    ------
    InputError
        If instants or centres differ.

    Examples
    --------
    >>> target = State(0.0, np.array([2e6, 0, 0]), np.array([0, 1600.0, 0]))
    >>> beside = absolute_state(target, [100.0, -5e3, 20.0, 0.1, 0.0, -0.3])
    >>> (relative_state(beside, target).round(6) + 0.0).tolist()
    [100.0, -5000.0, 20.0, 0.1, 0.0, -0.3]
    """
    if abs(chaser.time_tdb_s - target.time_tdb_s) > 1e-3 or chaser.centre != target.centre:
        raise InputError(
            "the states are of different instants or centres",
            where="relative_state",
            advice="propagate one of them",
        )
    axes, spin = orbit_axes(target)
    apart = chaser.position_m - target.position_m
    rate = chaser.velocity_m_s - target.velocity_m_s - np.cross(spin, apart)
    return np.concatenate([axes @ apart, axes @ rate])


def absolute_state(target: State, relative: npt.ArrayLike) -> State:
    """State of a spacecraft from its place beside another.

    Parameters
    ----------
    target : State
        The other spacecraft.
    relative : array_like, shape (6,)
        As `relative_state` gives it [m], [m/s].

    Returns
    -------
    State
        Without mass.

    Raises
    ------
    InputError
        If the numbers are not six finite ones.
    """
    numbers = _six(relative)
    axes, spin = orbit_axes(target)
    apart = axes.T @ numbers[:3]
    velocity = target.velocity_m_s + axes.T @ numbers[3:] + np.cross(spin, apart)
    return State(target.time_tdb_s, target.position_m + apart, velocity, target.centre)


def clohessy_wiltshire(duration_s: float, motion_rad_s: float) -> Floats:
    """State transition beside a spacecraft on a circle.

    Parameters
    ----------
    duration_s : float
        Time [s].
    motion_rad_s : float
        Mean motion of the circle [rad/s].

    Returns
    -------
    ndarray, shape (6, 6)
        For outward, onward, across and their rates.

    Raises
    ------
    InputError
        If a number cannot be used.

    Notes
    -----
    Linear in the distance; 10 km from a low lunar orbit the square terms are some 10 m after a third of a
    revolution.

    References
    ----------
    Clohessy and Wiltshire (1960), Terminal guidance system for satellite rendezvous, Journal of the Aerospace
    Sciences 27(9), doi:10.2514/8.8704.

    Examples
    --------
    >>> whole = clohessy_wiltshire(2.0 * math.pi / 8e-4, 8e-4)
    >>> bool(whole[1, 4].round() == round(-3.0 * 2.0 * math.pi / 8e-4))
    True
    """
    if not (math.isfinite(duration_s) and math.isfinite(motion_rad_s) and motion_rad_s > 0.0):
        raise InputError(
            f"{duration_s} s, {motion_rad_s} rad/s", where="clohessy_wiltshire", advice="give numbers"
        )
    n, t = motion_rad_s, duration_s
    s, c = math.sin(n * t), math.cos(n * t)
    return np.array(
        [
            [4.0 - 3.0 * c, 0.0, 0.0, s / n, 2.0 * (1.0 - c) / n, 0.0],
            [6.0 * (s - n * t), 1.0, 0.0, -2.0 * (1.0 - c) / n, 4.0 * s / n - 3.0 * t, 0.0],
            [0.0, 0.0, c, 0.0, 0.0, s / n],
            [3.0 * n * s, 0.0, 0.0, c, 2.0 * s, 0.0],
            [-6.0 * n * (1.0 - c), 0.0, 0.0, -2.0 * s, 4.0 * c - 3.0, 0.0],
            [0.0, 0.0, -n * s, 0.0, 0.0, c],
        ]
    )


def approach_m_s(
    relative: npt.ArrayLike, goal_m: npt.ArrayLike, duration_s: float, motion_rad_s: float
) -> tuple[Floats, Floats]:
    """Two impulses that lead from a place beside a spacecraft to another and stop there.

    Parameters
    ----------
    relative : array_like, shape (6,)
        Place and rates before the first impulse [m], [m/s].
    goal_m : array_like, shape (3,)
        Where to arrive [m].
    duration_s : float
        Time on the way [s].
    motion_rad_s : float
        Mean motion of the circle [rad/s].

    Returns
    -------
    tuple of ndarray, shape (3,)
        Changes of velocity at the start and at the end [m/s].

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If the duration is one from which no impulse steers, such as a whole revolution.

    Examples
    --------
    >>> first, last = approach_m_s([0, -5e3, 0, 0, 0, 0], [0, 0, 0], 2400.0, 8e-4)
    >>> (first + 0.0).round(2).tolist()
    [-2.02, 0.71, 0.0]
    """
    start = _six(relative)
    goal = np.asarray(goal_m, dtype=np.float64)
    if goal.shape != (3,) or not np.isfinite(goal).all():
        raise InputError(f"{goal_m!r}", where="goal_m", advice="give three finite numbers")
    flow = clohessy_wiltshire(duration_s, motion_rad_s)
    steer = flow[:3, 3:] * motion_rad_s
    if abs(float(np.linalg.det(steer))) < _SINGULAR or duration_s <= 0.0:
        turned = duration_s * motion_rad_s / (2.0 * math.pi)
        raise ModelError(
            f"no impulse steers over {duration_s:.0f} s, {turned:.3f} revolutions",
            where="approach",
            advice="give another duration, such as a third of a revolution",
        )
    leaving = np.linalg.solve(flow[:3, 3:], goal - flow[:3, :3] @ start[:3])
    arriving = flow[3:, :3] @ start[:3] + flow[3:, 3:] @ leaving
    return leaving - start[3:], -arriving


def _six(values: npt.ArrayLike) -> Floats:
    """Six finite numbers."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (6,) or not np.isfinite(numbers).all():
        raise InputError(
            f"shape {numbers.shape}, or not finite", where="relative", advice="give six finite numbers"
        )
    return numbers
