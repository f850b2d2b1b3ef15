"""Powered flight in the plane of an orbit with the least propellant: steering and throttle by shooting."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredpath import PoweredPath, Vehicle
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Ends", "SteeredFlight", "Vehicle", "steer"]

Floats = npt.NDArray[np.float64]

_LENGTH = MOON_RADIUS_M
_TIME = math.sqrt(MOON_RADIUS_M**3 / MOON_GM_M3_S2)
_SPEED = _LENGTH / _TIME
_STEPS = 160
_ROUNDS = 40
_CLOSED = 1e-10
_HARDEST = 8.0


@dataclass(frozen=True)
class Ends:
    """Where a flight in a plane starts and where it has to end.

    Parameters
    ----------
    start_height_m, stop_height_m : float
        Heights above the 1737.4 km sphere [m].
    start_rise_m_s, stop_rise_m_s : float
        Vertical speeds, up positive [m/s].
    start_onward_m_s, stop_onward_m_s : float
        Horizontal speeds in axes that do not turn [m/s].
    range_rad : float or None, default None
        Angle flown about the Moon's centre; free if not given [rad].
    """

    start_height_m: float
    start_rise_m_s: float
    start_onward_m_s: float
    stop_height_m: float
    stop_rise_m_s: float
    stop_onward_m_s: float
    range_rad: float | None = None


@dataclass(frozen=True, eq=False)
class SteeredFlight:
    """A flight with the least propellant, as `steer` finds it.

    Parameters
    ----------
    path : PoweredPath
        The flight; altitudes above the lower of the two ends.
    arcs_s, throttles : ndarray, shape (k,)
        Arcs of constant throttle and their shares of the full thrust.
    delta_v_m_s : float
        Velocity by the rocket equation [m/s].
    gravity_loss_m_s : float
        What gravity along the path took from the speed, or gave where a fall has to be caught; NaN for hops [m/s].
    steering_loss_m_s : float
        Rest beside the change of speed and the gravity loss: thrust across the motion; NaN for hops [m/s].
    switch : ndarray, shape (n,)
        Switching function along the path, positive where full thrust is best.
    costate : ndarray, shape (n, 4)
        Of radius, angle, vertical and horizontal speed, in units of the problem.
    """

    path: PoweredPath
    arcs_s: Floats
    throttles: Floats
    delta_v_m_s: float
    gravity_loss_m_s: float
    steering_loss_m_s: float
    switch: Floats
    costate: Floats

    @property
    def propellant_kg(self) -> float:
        """Propellant burnt [kg].

        Returns
        -------
        float
        """
        return float(self.path.mass_kg[0] - self.path.mass_kg[-1])

    @property
    def duration_s(self) -> float:
        """Duration [s].

        Returns
        -------
        float
        """
        return float(self.path.elapsed_s[-1])


def steer(vehicle: Vehicle, ends: Ends) -> SteeredFlight:
    r"""The flight between two ends in a plane that burns the least, the angle flown left free.

    Parameters
    ----------
    vehicle : Vehicle
        Mass and engine.
    ends : Ends
        Start and end; its `range_rad` must be None here (hops have one, see `moonpost.flight.poweredhop`).

    Returns
    -------
    SteeredFlight

    Raises
    ------
    ModelError
        If there is no such flight: too little thrust, too little mass for the propellant, or no convergence.

    Notes
    -----
    Point mass, thrust along the primer vector :math:`(\lambda_u, \lambda_v)`, the costates of vertical and
    horizontal speed, which over a flat Moon is the bilinear tangent law. With the duration free the Hamiltonian
    vanishes, which gives the switching function without the costate of the mass. Unknown are two costates at the
    start, the third being their scale, and the lengths of the arcs. Newton's method starts from a linear tangent
    law whose two coefficients are fitted to height and vertical speed. Full thrust all along is tried first; where
    the switching function then turns negative and the engine can be throttled, an arc at the least throttle is put
    in and the throttle lowered in stages. The flight is a stationary point of the propellant; tests compare it
    with a direct search.

    References
    ----------
    Lawden (1963), Optimal Trajectories for Space Navigation, Butterworths.

    Examples
    --------
    >>> found = steer(Vehicle(3000.0, 7500.0, 308.0), Ends(15e3, 0.0, 1692.0, 100.0, -2.0, 0.0))
    >>> round(found.delta_v_m_s), round(found.duration_s)
    (1805, 543)
    """
    problem = Problem(vehicle, ends)
    solved = _full_thrust(problem)
    if vehicle.least_throttle < 1.0 and problem.switches(solved).min() < -1e-9:
        solved = _throttled(problem, solved)
    return problem.flight(solved)


@dataclass(frozen=True)
class Solution:
    """Unknowns that solve a problem: costates at the start, arcs, throttles."""

    costate: Floats
    turn: float
    arcs: Floats
    throttles: Floats


class Problem:
    """A flight in units of the problem."""

    def __init__(self, vehicle: Vehicle, ends: Ends) -> None:
        self.vehicle, self.ends = vehicle, ends
        self.start = np.array(
            [
                1.0 + ends.start_height_m / _LENGTH,
                0.0,
                ends.start_rise_m_s / _SPEED,
                ends.start_onward_m_s / _SPEED,
            ]
        )
        self.stop = np.array(
            [
                1.0 + ends.stop_height_m / _LENGTH,
                math.nan if ends.range_rad is None else ends.range_rad,
                ends.stop_rise_m_s / _SPEED,
                ends.stop_onward_m_s / _SPEED,
            ]
        )
        self.thrust = vehicle.weight_ratio
        self.exhaust = vehicle.exhaust_m_s / _SPEED
        self.sense = 1.0 if self.stop[3] > self.start[3] else -1.0

    def fly(self, solution: Solution, thrust: float | None = None) -> Floats:
        """Rows of the flight of some unknowns."""
        from moonpost.flight.steeringkernels import fly_arcs

        first = np.concatenate([self.start, [1.0], solution.costate, [0.0, 0.0]])
        return fly_arcs(
            first,
            solution.turn,
            self.thrust if thrust is None else thrust,
            self.exhaust,
            solution.arcs,
            solution.throttles,
            _STEPS,
        )

    def gap(self, rows: Floats) -> Floats:
        """How far the end of a flight is from where it should be."""
        wanted = np.isfinite(self.stop)
        return (rows[-1, :4] - self.stop)[wanted]

    def switches(self, solution: Solution) -> Floats:
        """Switching function along a flight, from the Hamiltonian's vanishing on the last arc."""
        rows = self.fly(solution)
        pushed = self.thrust * solution.throttles[-1]
        return rows[:, 8] - rows[-1, 8] - coasting(rows[-1], solution.turn) / pushed

    def flight(self, solution: Solution) -> SteeredFlight:
        """The result in SI units."""
        rows, vehicle = self.fly(solution), self.vehicle
        size = np.hypot(rows[:, 6], rows[:, 7])
        lengths = np.repeat(solution.arcs / _STEPS, _STEPS)
        throttle = np.repeat(solution.throttles, _STEPS)
        throttle = np.append(throttle, throttle[-1])
        ground = min(self.ends.start_height_m, self.ends.stop_height_m)
        path = PoweredPath(
            elapsed_s=_TIME * np.concatenate([[0.0], np.cumsum(lengths)]),
            altitude_m=_LENGTH * (rows[:, 0] - 1.0) - ground,
            downrange_m=(_LENGTH + ground) * rows[:, 1],
            rise_m_s=_SPEED * rows[:, 2],
            onward_m_s=_SPEED * rows[:, 3],
            pitch_deg=np.degrees(np.arctan2(rows[:, 6] / size, rows[:, 7] / size)),
            throttle=throttle,
            thrust_n=vehicle.thrust_n * throttle,
            mass_kg=vehicle.mass_kg * rows[:, 4],
        )
        speeds = np.hypot(rows[[0, -1], 2], rows[[0, -1], 3]) * _SPEED
        delta_v = -vehicle.exhaust_m_s * math.log(rows[-1, 4])
        gravity = _SPEED * rows[-1, 9] * self.sense if self.sense else math.nan
        steering = delta_v - gravity - self.sense * (speeds[1] - speeds[0])
        costate = np.stack([rows[:, 5], np.full(len(rows), solution.turn), rows[:, 6], rows[:, 7]], axis=1)
        arcs, throttles = _TIME * solution.arcs, solution.throttles
        return SteeredFlight(path, arcs, throttles, delta_v, gravity, steering, self.switches(solution), costate)


def coasting(row: Floats, turn: float) -> float:
    """The Hamiltonian without the thrust's part."""
    r, _, vr, vt, _, lr, lu, lv = row[:8]
    return float(lr * vr + turn * vt / r + lu * (vt * vt / r - 1.0 / (r * r)) - lv * vr * vt / r)


def newton(function: Callable[[Floats], Floats], guess: Floats, where: str) -> Floats:
    """Zero of a function by Newton's method with damping; ModelError if it does not close."""
    x = guess.copy()
    value = function(x)
    size = float(np.abs(value).max())
    for _ in range(_ROUNDS):
        if not size > _CLOSED:
            break
        jacobian = np.empty((value.size, x.size))
        for k in range(x.size):
            step = 1e-6 * max(1e-2, abs(x[k]))
            ahead, behind = x.copy(), x.copy()
            ahead[k] += step
            behind[k] -= step
            jacobian[:, k] = (function(ahead) - function(behind)) / (2.0 * step)
        if not np.isfinite(jacobian).all():
            break
        change = np.linalg.lstsq(jacobian, -value, rcond=None)[0]
        share = min(1.0, 2.0 / max(1e-300, float(np.abs(change).max())))
        while share > 1e-5:
            trial = function(x + share * change)
            if np.isfinite(trial).all() and np.abs(trial).max() < size:
                break
            share *= 0.5
        else:
            break
        x = x + share * change
        value, size = trial, float(np.abs(trial).max())
    if not size <= 1e3 * _CLOSED:
        raise ModelError("no flight was found", where=where, advice="give more thrust or a lower start")
    return x


def _full_thrust(problem: Problem) -> Solution:
    """Full thrust all along; where that does not close at once, from more thrust downwards."""
    try:
        return _one_arc(problem, problem.thrust, None)
    except ModelError:
        pass
    guess = None
    for factor in np.geomspace(_HARDEST / min(1.0, problem.thrust), 1.0, 25):
        try:
            guess = _one_arc(problem, problem.thrust * factor, guess)
        except ModelError:
            guess = None
    if guess is None:
        raise ModelError(
            f"no flight at full thrust: thrust over weight is {problem.thrust:.2f}",
            where="powered flight",
            advice="give more thrust, less mass, or another height to start from",
        )
    return guess


def _one_arc(problem: Problem, thrust: float, guess: Solution | None) -> Solution:
    """One arc at full thrust."""
    first = _tangent(problem, thrust) if guess is None else guess
    one = np.ones(1)

    def made(x: Floats) -> Solution:
        return Solution(np.array([x[1], x[0], problem.sense]), 0.0, np.array([x[2]]), one)

    def gap(x: Floats) -> Floats:
        return problem.gap(problem.fly(made(x), thrust)) if x[2] > 0.0 else np.full(3, np.inf)

    scale = abs(first.costate[2])
    begin = np.array([first.costate[1] / scale, first.costate[0] / scale, first.arcs.sum()])
    return made(newton(gap, begin, "powered flight"))


def _tangent(problem: Problem, thrust: float) -> Solution:
    """A linear tangent law that about reaches the end, by fitting height and vertical speed."""
    c, sense = problem.exhaust, problem.sense
    r0, _, u0, v0 = problem.start
    r1, _, u1, v1 = problem.stop
    duration = c / thrust * -math.expm1(-abs(v1 - v0) / c)
    a = b = 0.0
    share = (np.arange(200) + 0.5) / 200.0
    for _ in range(12):
        t = duration * share
        push = thrust / np.maximum(0.02, 1.0 - thrust * t / c)
        tangent = a + b * t
        level = 1.0 / np.sqrt(1.0 + tangent * tangent)
        gained = np.cumsum(push * level) * duration / 200.0
        v = v0 + (v1 - v0) * gained / gained[-1]
        r = r0 + (r1 - r0) * share
        pull = v * v / r - 1.0 / (r * r)
        weight = push * level * duration / 200.0
        left = duration - t
        matrix = np.array([[weight.sum(), (weight * t).sum()], [(weight * left).sum(), (weight * left * t).sum()]])
        missing = np.array([u1 - u0, r1 - r0 - u0 * duration])
        missing -= np.array([pull.sum(), (pull * left).sum()]) * duration / 200.0
        a, b = (float(part) for part in np.linalg.solve(matrix, missing))
        a, b = np.clip(a, -2.0, 2.0), float(np.clip(b * duration, -4.0, 4.0)) / duration
        duration *= float(np.clip(abs(v1 - v0) / gained[-1], 0.7, 1.4))
        duration = min(duration, 0.97 * c / thrust)
    return Solution(np.array([sense * v0 / r0 - b, a, sense]), 0.0, np.array([duration]), np.ones(1))


def _throttled(problem: Problem, full: Solution) -> Solution:
    """Full, least, full throttle, from a flight at full thrust whose switching function turns negative."""
    below = np.flatnonzero(problem.switches(full) < 0.0)
    first, last = below[0] / _STEPS, min(0.999, (below[-1] + 1) / _STEPS)
    total = float(full.arcs[0])
    x = np.array([full.costate[1], full.costate[0], first * total, (last - first) * total, (1 - last) * total])
    delayed = below[0] == 0
    if delayed:
        x = np.delete(x, 2)
    lowest, level, stride = problem.vehicle.least_throttle, 1.0, 0.1
    while level > lowest:
        wanted = max(lowest, level - stride)
        try:
            x = newton(_switched(problem, wanted, delayed), x, "throttled flight")
        except ModelError:
            stride *= 0.5
            if stride > 1e-6:
                continue
            if delayed or x[2] > 0.02 * x[2:].sum():
                break
            # The first burn has shrunk to nothing: begin at the least throttle.
            x, delayed, stride = np.delete(x, 2), True, 0.01
            continue
        level, stride = wanted, min(0.2, 1.5 * stride, max(1e-4, 0.6 * wanted))
    if level > lowest:
        raise ModelError(
            f"no flight was found at throttles of {lowest:g} to 1",
            where="powered flight",
            advice="give a higher least throttle, or 1 for full thrust all along",
        )
    return _arcs(problem, x, lowest, bool(delayed))


def _arcs(problem: Problem, x: Floats, level: float, delayed: bool) -> Solution:
    """Unknowns as a solution."""
    throttles = np.array([level, 1.0] if delayed else [1.0, level, 1.0])
    return Solution(np.array([x[1], x[0], problem.sense]), 0.0, x[2:], throttles)


def _switched(problem: Problem, level: float, delayed: bool) -> Callable[[Floats], Floats]:
    """Ends and switching conditions of arcs at full and least throttle."""

    def gap(x: Floats) -> Floats:
        if not (x[2:] > 0.0).all():
            return np.full(x.size, np.inf)
        solution = _arcs(problem, x, level, delayed)
        rows = problem.fly(solution)
        if delayed:
            return np.append(problem.gap(rows), coasting(rows[_STEPS], 0.0))
        across = (rows[2 * _STEPS, 8] - rows[_STEPS, 8]) / x[3]
        return np.append(problem.gap(rows), [coasting(rows[_STEPS], 0.0), across])

    return gap
