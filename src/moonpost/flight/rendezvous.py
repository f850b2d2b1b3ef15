"""Rendezvous in lunar orbit: phasing by the height of an orbit, a transfer in the full field, an approach."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import apsides
from moonpost.flight.lambert import lambert
from moonpost.flight.propagate import propagate, propagate_batch, state_transition
from moonpost.flight.relativemotion import absolute_state, approach_m_s, orbit_axes, relative_state
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory

__all__ = ["Maneuver", "Rendezvous", "intercept", "rendezvous"]

Floats = npt.NDArray[np.float64]

_ITERATIONS = 12
_NEAR_M = 0.01
_LEAST_ALTITUDE_M = 12e3
_TRIALS = 120
_REFINEMENTS = 3
_VALLEYS = 4
_RTOL, _ROUGH = 1e-11, 1e-9


@dataclass(frozen=True, eq=False)
class Maneuver:
    """An impulse of a rendezvous.

    Parameters
    ----------
    name : str
        What it is for.
    time_tdb_s : float
        Instant, TDB since J2000 [s].
    delta_v_m_s : ndarray, shape (3,)
        Change of velocity in J2000 axes [m/s].
    before : State
        State of the chaser before it.
    """

    name: str
    time_tdb_s: float
    delta_v_m_s: Floats
    before: State

    @property
    def size_m_s(self) -> float:
        """Size of the impulse [m/s].

        Returns
        -------
        float
        """
        return float(np.linalg.norm(self.delta_v_m_s))

    @property
    def after(self) -> State:
        """State of the chaser after it.

        Returns
        -------
        State
        """
        return self.before.with_velocity(self.before.velocity_m_s + self.delta_v_m_s)


@dataclass(frozen=True, eq=False)
class Rendezvous:
    """A chaser's way to a target.

    Parameters
    ----------
    maneuvers : tuple of Maneuver
        In the order of time; the last one stops beside the target.
    chaser, target : State
        States at the end, the chaser's after the last impulse.
    phasing_altitudes_m : tuple of float
        Altitudes of perilune and apolune of the orbit in which the chaser catches up [m].
    closing_rad_s : float
        How fast it catches up there [rad/s].
    linear_error_m : float
        How far Clohessy and Wiltshire's first impulse alone would have missed the target in the full field [m].
    """

    maneuvers: tuple[Maneuver, ...]
    chaser: State
    target: State
    phasing_altitudes_m: tuple[float, float]
    closing_rad_s: float
    linear_error_m: float

    @property
    def total_m_s(self) -> float:
        """Sum of the impulses [m/s].

        Returns
        -------
        float
        """
        return math.fsum(maneuver.size_m_s for maneuver in self.maneuvers)

    @property
    def miss_m(self) -> float:
        """Distance between chaser and target at the end [m].

        Returns
        -------
        float
        """
        return float(np.linalg.norm(self.chaser.position_m - self.target.position_m))


def intercept(
    state: State, velocity_m_s: npt.ArrayLike, goal_m: npt.ArrayLike, until: Instant, env: Environment
) -> State:
    """Change a velocity so that the flight in the full field goes through a place.

    Parameters
    ----------
    state : State
        Where the flight starts.
    velocity_m_s : array_like, shape (3,)
        A velocity that nearly leads there, such as Lambert's [m/s].
    goal_m : array_like, shape (3,)
        Where to be, from the Moon's centre in J2000 axes [m].
    until : Instant
        When to be there.
    env : Environment
        Forces; must cover the flight.

    Returns
    -------
    State
        The start with the velocity that leads there.

    Raises
    ------
    ModelError
        If the place is not met to 1 cm, as when the flight hits the ground.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> end = propagate(low, "2030-01-01T01:00", env).final
    >>> hit = intercept(low, low.velocity_m_s + 0.3, end.position_m, "2030-01-01T01:00", env)
    >>> bool(np.allclose(hit.velocity_m_s, low.velocity_m_s, atol=1e-5))
    True
    """
    goal = np.asarray(goal_m, dtype=np.float64)
    tried = state.with_velocity(velocity_m_s)
    for _ in range(_ITERATIONS):
        end, matrix = state_transition(tried, until, env, rtol=_RTOL)
        miss = goal - end.position_m
        if float(np.linalg.norm(miss)) < _NEAR_M:
            return tried
        tried = tried.with_velocity(tried.velocity_m_s + np.linalg.solve(matrix[:3, 3:], miss))
    raise ModelError(
        f"the place is missed by {float(np.linalg.norm(miss)):.3g} m",
        where="intercept",
        advice="give a nearer velocity or another time",
    )


def rendezvous(
    chaser: State,
    target: State,
    docking: Instant,
    env: Environment,
    *,
    hold_m: float = 10e3,
    approach_s: float = 2400.0,
    transfer_s: float = 3400.0,
) -> Rendezvous:
    """Bring a chaser from its first orbit to a target at a given time.

    Parameters
    ----------
    chaser, target : State
        States at the same instant, from the Moon's centre; the chaser's at the end of its ascent.
    docking : Instant
        When to arrive.
    env : Environment
        Forces; must cover the flight.
    hold_m : float, default 10e3
        Distance behind the target at which the last approach begins [m].
    approach_s : float, default 2400.0
        Time of the last approach [s].
    transfer_s : float, default 3400.0
        Time of the transfer from the phasing orbit to the hold point [s].

    Returns
    -------
    Rendezvous

    Raises
    ------
    InputError
        If the times do not fit into each other.
    ModelError
        If no phasing orbit arrives in time.

    Notes
    -----
    At its first apolune the chaser gets an impulse along its motion, which sets the height of the opposite apsis
    and so how fast it catches up; of the sizes that bring it in place when the transfer has to begin the one with
    the least total is taken. From there an orbit of Lambert's, corrected in the full field, leads to the hold
    point, and the impulses of `approach_m_s`, corrected too, to the target. Impulses for navigation errors, safety
    of the trajectory and the last metres are left out.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-03", degree=4)
    >>> station = State.circling(env, "2030-01-01", 210e3, 45.0, argument_deg=60.0)
    >>> ascender = State.circling(env, "2030-01-01", 15e3, 45.0, apolune_altitude_m=180e3)
    >>> plan = rendezvous(ascender, station, "2030-01-02T12:00", env)
    >>> len(plan.maneuvers), plan.miss_m < 0.1, 48.0 < plan.total_m_s < 80.0
    (4, True, True)
    """
    end_s = float(env.tdb_s(docking))
    hold_s = end_s - approach_s
    leave_s = hold_s - transfer_s
    if min(hold_m, approach_s, transfer_s) <= 0.0 or not chaser.time_tdb_s + 2.0 * 3600.0 < leave_s:
        raise InputError(
            f"docking {end_s - chaser.time_tdb_s:.0f} s after the start, approach of {approach_s} s, transfer of "
            f"{transfer_s} s",
            where="rendezvous",
            advice="give positive times, and 2 hours before the transfer",
        )
    course = propagate(target, end_s, env, rtol=_RTOL)
    climb = propagate(
        chaser, leave_s, env, rtol=_RTOL, events=apsides("moon").only("apolune").ending(), dense=False
    )
    if climb.ended == "time" or climb.impact is not None:
        raise ModelError("the chaser does not come to apolune", where="rendezvous", advice="give a higher orbit")
    top = climb.final
    held = absolute_state(_state(course, hold_s), [0.0, -hold_m, 0.0, 0.0, 0.0, 0.0])

    size, guess = _cheapest(top, held, leave_s, _sizes(top, target, env), env)
    burnt = top.with_velocity(top.velocity_m_s * (1.0 + size / float(np.linalg.norm(top.velocity_m_s))))
    before = propagate(burnt, leave_s, env, rtol=_RTOL, dense=False).final
    after = intercept(before, guess, held.position_m, hold_s, env)
    first = burnt.velocity_m_s - top.velocity_m_s
    burns = [
        Maneuver("phasing", top.time_tdb_s, first, top),
        Maneuver("transfer", leave_s, after.velocity_m_s - before.velocity_m_s, before),
    ]
    here = propagate(after, hold_s, env, rtol=_RTOL, dense=False).final
    goal = course.final
    left, linear = _approached(here, _state(course, hold_s), goal, env)
    burns.append(Maneuver("approach", hold_s, left.velocity_m_s - here.velocity_m_s, here))
    last = propagate(left, end_s, env, rtol=_RTOL, dense=False).final
    burns.append(Maneuver("stop", end_s, goal.velocity_m_s - last.velocity_m_s, last))
    near, far = burns[0].after.apsides_m(env.gm_m3_s2["moon"])
    ground = env.impact_radius_m["moon"]
    mean = 0.5 * sum(target.apsides_m(env.gm_m3_s2["moon"]))
    closing = math.sqrt(env.gm_m3_s2["moon"]) * ((0.5 * (near + far)) ** -1.5 - mean**-1.5)
    return Rendezvous(tuple(burns), burns[-1].after, goal, (near - ground, far - ground), closing, linear)


def _state(course: Trajectory, tdb_s: float) -> State:
    """State of a flight at an instant."""
    vector = course.at_elapsed(np.array([tdb_s - course.start.time_tdb_s]))[0]
    return State(tdb_s, vector[:3], vector[3:], course.start.centre)


def _sizes(top: State, target: State, env: Environment) -> Floats:
    """Impulses at apolune worth trying: from a safe perilune to the height of the target."""
    gm = env.gm_m3_s2["moon"]
    radius = float(np.linalg.norm(top.position_m))
    low = env.impact_radius_m["moon"] + _LEAST_ALTITUDE_M
    high = target.apsides_m(gm)[1]
    speeds = [math.sqrt(2.0 * gm * other / (radius * (radius + other))) for other in (low, high)]
    now = float(np.linalg.norm(top.velocity_m_s))
    return np.linspace(max(0.0, speeds[0] - now), max(0.0, speeds[1] - now), _TRIALS)


def _cheapest(top: State, held: State, leave_s: float, sizes: Floats, env: Environment) -> tuple[float, Floats]:
    """Impulse at apolune with the least total, and the velocity with which the chaser leaves for the hold."""
    onward = top.velocity_m_s / np.linalg.norm(top.velocity_m_s)
    width = float(sizes[1] - sizes[0])
    for _ in range(_REFINEMENTS):
        starts = np.hstack(
            [np.tile(top.position_m, (len(sizes), 1)), top.velocity_m_s + sizes[:, None] * onward],
        )
        flown = propagate_batch(starts, top.time_tdb_s, leave_s, env, rtol=_ROUGH, method="rkn1210", atol_m=1e-3)
        costs, velocities = np.full(len(sizes), np.inf), np.zeros((len(sizes), 3))
        for row in np.flatnonzero(flown.arrived):
            found = _transfer(flown.states[row], held, held.time_tdb_s - leave_s, env)
            if found is not None:
                costs[row], velocities[row] = found[0] + sizes[row], found[1]
        least = int(np.argmin(costs))
        if not np.isfinite(costs[least]):
            raise ModelError(
                "no phasing orbit arrives in time", where="rendezvous", advice="give another time of docking"
            )
        best, velocity = float(sizes[least]), velocities[least]
        round_about = np.linspace(-width, width, _TRIALS // 4)
        sizes = np.unique(np.concatenate([sizes[low] + round_about for low in _valleys(costs)]))
        width = float(round_about[1] - round_about[0])
    return best, velocity


def _valleys(costs: Floats) -> npt.NDArray[np.int64]:
    """Rows that cost no more than their neighbours, the cheapest few."""
    walled = np.concatenate([[np.inf], costs, [np.inf]])
    rows = np.flatnonzero((costs <= walled[:-2]) & (costs <= walled[2:]) & np.isfinite(costs))
    return rows[np.argsort(costs[rows])][:_VALLEYS]


def _transfer(here: Floats, held: State, duration_s: float, env: Environment) -> tuple[float, Floats] | None:
    """Both impulses of a transfer of two bodies to the hold point, added, and the velocity at its start."""
    try:
        leaving, arriving = lambert(
            here[:3], held.position_m, duration_s, gm_m3_s2=env.gm_m3_s2["moon"], pole=np.cross(here[:3], here[3:])
        )
    except (InputError, ModelError):
        return None
    first = float(np.linalg.norm(leaving - here[3:]))
    return first + float(np.linalg.norm(held.velocity_m_s - arriving)), leaving


def _approached(here: State, target: State, goal: State, env: Environment) -> tuple[State, float]:
    """The chaser after the impulse of the approach, and by how far the linear one alone misses."""
    axes, spin = orbit_axes(target)
    duration = goal.time_tdb_s - here.time_tdb_s
    place = relative_state(here, target)
    change, _ = approach_m_s(place, np.zeros(3), duration, float(np.linalg.norm(spin)))
    linear = here.with_velocity(here.velocity_m_s + axes.T @ change)
    missed = propagate(linear, goal.time_tdb_s, env, rtol=_RTOL, dense=False).final.position_m - goal.position_m
    return intercept(here, linear.velocity_m_s, goal.position_m, goal.time_tdb_s, env), float(
        np.linalg.norm(missed)
    )
