"""Hops with engines of finite thrust: vertical rise, burn, coast, burn, vertical landing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from moonpost.errors import ModelError
from moonpost.flight.hop import Hop, hop
from moonpost.flight.orbit import MOON_GM_M3_S2
from moonpost.flight.poweredpath import PoweredPath, Vehicle, checked, joined
from moonpost.flight.steering import Ends, Problem, Solution, SteeredFlight, coasting, newton
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["PoweredHop", "powered_hop"]

Floats = npt.NDArray[np.float64]

_GRAVITY = MOON_GM_M3_S2 / MOON_RADIUS_M**2
_TIME = math.sqrt(MOON_RADIUS_M**3 / MOON_GM_M3_S2)
_SPEED = MOON_RADIUS_M / _TIME
_STRONGEST = 60.0
_STEPS = 160
_DIP_M = 1.0
_ROWS = 20
_ROUNDS = 5
_RISES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True, eq=False)
class PoweredHop:
    """A hop with an engine of finite thrust.

    Parameters
    ----------
    path : PoweredPath
        From rest to rest; altitudes above the lower of the two places.
    steered : SteeredFlight
        Burn, coast and burn between the vertical parts.
    rise_m_s : float
        Speed up to which it rises vertically, and from which it lands vertically; 0 for neither [m/s].
    delta_v_m_s : float
        Velocity by the rocket equation [m/s].
    """

    path: PoweredPath
    steered: SteeredFlight
    rise_m_s: float
    delta_v_m_s: float

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
        """Time from lift-off to touchdown [s].

        Returns
        -------
        float
        """
        return float(self.path.elapsed_s[-1])


def powered_hop(
    vehicle: Vehicle,
    distance_m: float,
    *,
    start_height_m: float = 0.0,
    stop_height_m: float = 0.0,
    rise_m_s: float | None = None,
) -> PoweredHop:
    """The hop with the least propellant for an engine of finite thrust.

    Parameters
    ----------
    vehicle : Vehicle
        Mass and engine, which stops and starts again.
    distance_m : float
        Along the sphere of 1737.4 km [m].
    start_height_m, stop_height_m : float, default 0.0
        Heights of the places above the sphere [m].
    rise_m_s : float, optional
        Speed up to which it rises vertically before it tilts, and from which it lands vertically; if not given,
        the first of 0 to half the ballistic speed with which it stays above the line between the places [m/s].

    Returns
    -------
    PoweredHop
        As the thrust grows its velocity goes to that of `moonpost.flight.hop.hop`.

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If the hopper cannot lift off, dips below the line, or so weak an engine leaves no coast between the burns.

    Notes
    -----
    Shooting as in `moonpost.flight.steering.steer`, with the angle flown as one more end. The guess is the primer
    vector of the ballistic hop; the thrust is then lowered in stages. With thrusts below about 1.6 weights the
    best law would first sink, so that a vertical rise is needed; it is closed-form in constant gravity. The ground
    on the way is not looked at.

    Examples
    --------
    >>> found = powered_hop(Vehicle(100.0, 400.0, 225.0), 5e3)
    >>> round(found.delta_v_m_s, 1), round(hop(5e3).delta_v_m_s, 1)
    (208.7, 180.1)
    """
    if not vehicle.weight_ratio > 1.0:
        raise ModelError(
            f"cannot lift off: thrust over weight is {vehicle.weight_ratio:.2f}",
            where="hop",
            advice="give more thrust or less mass",
        )
    free = hop(distance_m, start_height_m=start_height_m, stop_height_m=stop_height_m)
    if rise_m_s is not None:
        checked(rise_m_s, "rise_m_s", 0.0, 0.9 * free.launch_speed_m_s)
        return _lifted(vehicle, free, rise_m_s)
    for share in _RISES:
        try:
            return _lifted(vehicle, free, share * free.launch_speed_m_s)
        except ModelError as error:
            told = error
    raise told


def _lifted(vehicle: Vehicle, free: Hop, rise_m_s: float) -> PoweredHop:
    """A hop with a vertical rise and landing; the mass at landing by repetition."""
    rise = _vertical(vehicle, rise_m_s)
    lifted = replace(vehicle, mass_kg=float(rise.mass_kg[-1]))
    mass = lifted.mass_kg * math.exp(-free.delta_v_m_s / vehicle.exhaust_m_s)
    for _ in range(_ROUNDS if rise_m_s > 0.0 else 1):
        landing = _vertical(replace(vehicle, mass_kg=mass), rise_m_s, landing=True)
        ends = Ends(
            free.start_height_m + float(rise.altitude_m[-1]),
            rise_m_s,
            0.0,
            free.stop_height_m + float(landing.altitude_m[0]),
            -rise_m_s,
            0.0,
            free.distance_m / MOON_RADIUS_M,
        )
        steered = _solved(lifted, ends)
        mass = float(steered.path.mass_kg[-1])
    ground = min(free.start_height_m, free.stop_height_m)
    lowest = min(ends.start_height_m, ends.stop_height_m)
    parts = {name: getattr(steered.path, name) for name in PoweredPath.__dataclass_fields__}
    scale = (MOON_RADIUS_M + ground) / (MOON_RADIUS_M + lowest)
    middle = PoweredPath(
        **parts
        | {
            "altitude_m": steered.path.altitude_m + lowest - ground,
            "downrange_m": steered.path.downrange_m * scale,
        }
    )
    path = middle
    if rise_m_s > 0.0:
        landing = _vertical(replace(vehicle, mass_kg=mass), rise_m_s, landing=True)
        path = joined(
            joined(_raised(rise, free.start_height_m - ground), middle),
            _raised(landing, free.stop_height_m - ground),
        )
    climb = free.stop_height_m - free.start_height_m
    line = free.start_height_m - ground + climb * path.downrange_m / path.downrange_m[-1]
    below = float((line - path.altitude_m).max())
    if below > _DIP_M:
        raise ModelError(
            f"the best flight dips {below:.0f} m below the line between both places at a thrust of "
            f"{vehicle.weight_ratio:.2f} weights",
            where="hop",
            advice="give more thrust or less mass, or a vertical rise",
        )
    delta_v = vehicle.exhaust_m_s * math.log(vehicle.mass_kg / float(path.mass_kg[-1]))
    return PoweredHop(path, steered, rise_m_s, delta_v)


def _vertical(vehicle: Vehicle, speed_m_s: float, *, landing: bool = False) -> PoweredPath:
    """Vertical flight at full thrust from rest to a speed, or from that speed downwards to rest."""
    from scipy.optimize import brentq

    c, mass = vehicle.exhaust_m_s, vehicle.mass_kg
    burning = c * mass / vehicle.thrust_n

    def gained(t: float) -> float:
        return -c * math.log1p(-t / burning) - _GRAVITY * t

    longest = 0.999 * burning
    if not gained(longest) > speed_m_s:
        raise ModelError("the propellant ends in the vertical rise", where="hop", advice="rise to a lower speed")
    last = brentq(lambda t: gained(t) - speed_m_s, 0.0, longest, xtol=1e-10) if speed_m_s > 0.0 else 0.0
    t = np.linspace(0.0, last, _ROWS)
    left = 1.0 - t / burning
    speed = -c * np.log(left) - _GRAVITY * t
    height = c * (t + burning * left * np.log(left)) - 0.5 * _GRAVITY * t * t
    if landing:
        # Thrust and gravity act as in a rise; only the speed at the start is another.
        height = speed_m_s * (last - t) - (height[-1] - height)
        speed = speed - speed_m_s
    zero, one = np.zeros(_ROWS), np.ones(_ROWS)
    return PoweredPath(t, height, zero, speed, zero, 90.0 * one, one, vehicle.thrust_n * one, mass * left)


def _raised(path: PoweredPath, by_m: float) -> PoweredPath:
    """The same path with altitudes counted from lower down."""
    parts = {name: getattr(path, name) for name in PoweredPath.__dataclass_fields__}
    return PoweredPath(**parts | {"altitude_m": path.altitude_m + by_m})


def _solved(vehicle: Vehicle, ends: Ends) -> SteeredFlight:
    """Burn, coast, burn between two ends, from a very strong engine downwards."""
    problem = Problem(vehicle, ends)
    problem.sense = 0.0
    x, thrust = _primer(problem), max(_STRONGEST, problem.thrust)
    x = newton(_gap(problem, thrust), x, "hop")
    stride = 0.6
    while thrust > problem.thrust * (1.0 + 1e-12):
        wanted = max(problem.thrust, thrust * stride)
        guess = x.copy()
        guess[[3, 5]] *= thrust / wanted
        try:
            x = newton(_gap(problem, wanted), guess, "hop")
        except ModelError:
            stride = math.sqrt(stride)
            if stride > 0.9995:
                raise ModelError(
                    f"no coast is left between the burns at a thrust of {wanted:.2f} weights",
                    where="hop",
                    advice="give more thrust or less mass",
                ) from None
            continue
        thrust, stride = wanted, max(0.6, stride * stride)
    return problem.flight(_solution(x))


def _solution(x: Floats) -> Solution:
    """Unknowns (angle of thrust, costates of radius and angle, arcs) as a solution."""
    costate = np.array([x[1], math.sin(x[0]), math.cos(x[0])])
    return Solution(costate, float(x[2]), x[3:], np.array([1.0, 0.0, 1.0]))


def _gap(problem: Problem, thrust: float) -> Callable[[Floats], Floats]:
    """Ends and switching conditions of burn, coast, burn."""

    def gap(x: Floats) -> Floats:
        if not (x[3:] > 0.0).all():
            return np.full(6, np.inf)
        rows = problem.fly(_solution(x), thrust)
        scale = 1.0 / max(1e-6, float(problem.stop[1]))
        across = (rows[2 * _STEPS, 8] - rows[_STEPS, 8]) / x[4]
        ends = problem.gap(rows)
        ends[:2] *= scale
        ends[2:] *= math.sqrt(scale)
        return np.append(ends, [coasting(rows[_STEPS], float(x[2])), across])

    return gap


def _cheapest(ends: Ends) -> tuple[Hop, Floats, Floats]:
    """The free flight with the least impulses between two ends, and these [m/s]: up and onward."""
    from scipy.optimize import minimize_scalar

    distance = float(ends.range_rad or 0.0) * MOON_RADIUS_M

    def impulses(angle_deg: float | None) -> tuple[Hop, Floats, Floats]:
        free = hop(
            distance,
            start_height_m=ends.start_height_m,
            stop_height_m=ends.stop_height_m,
            launch_angle_deg=angle_deg,
        )
        first, last = math.radians(free.launch_angle_deg), math.radians(free.landing_angle_deg)
        leaves = free.launch_speed_m_s * np.array([math.sin(first), math.cos(first)])
        comes = free.landing_speed_m_s * np.array([-math.sin(last), math.cos(last)])
        return free, leaves - [ends.start_rise_m_s, 0.0], np.array([ends.stop_rise_m_s, 0.0]) - comes

    if ends.start_rise_m_s == 0.0 and ends.stop_rise_m_s == 0.0:
        return impulses(None)

    def cost(angle_deg: float) -> float:
        try:
            return float(sum(np.linalg.norm(part) for part in impulses(angle_deg)[1:]))
        except ModelError:
            return 1e9

    best = hop(distance, start_height_m=ends.start_height_m, stop_height_m=ends.stop_height_m).launch_angle_deg
    found = minimize_scalar(cost, bounds=(best - 20.0, min(89.0, best + 40.0)), method="bounded")
    return impulses(float(found.x))


def _primer(problem: Problem) -> Floats:
    """Unknowns of a very strong engine, from the primer vector of the free flight."""
    from moonpost.flight.steeringkernels import fly_arcs

    free, first_m_s, last_m_s = _cheapest(problem.ends)
    start, stop = float(np.linalg.norm(first_m_s)), float(np.linalg.norm(last_m_s))
    up, on = first_m_s / start
    angle = math.radians(free.launch_angle_deg)
    speed = free.launch_speed_m_s / _SPEED
    flight = np.array([free.duration_s / _TIME])
    place = np.array([problem.start[0], 0.0, speed * math.sin(angle), speed * math.cos(angle), 1.0])

    def end(radius: float, turn: float) -> Floats:
        first = np.concatenate([place, [radius, up, on, 0.0, 0.0]])
        return fly_arcs(first, turn, 0.0, problem.exhaust, flight, np.zeros(1), _STEPS)[-1, 6:8]

    base = end(0.0, 0.0)
    matrix = np.stack([end(1.0, 0.0) - base, end(0.0, 1.0) - base], axis=1)
    radius, turn = np.linalg.solve(matrix, last_m_s / stop - base)
    thrust = max(_STRONGEST, problem.thrust)
    left = math.exp(-start / _SPEED / problem.exhaust)
    first = problem.exhaust / thrust * (1.0 - left)
    last = problem.exhaust / thrust * left * -math.expm1(-stop / _SPEED / problem.exhaust)
    return np.array([math.atan2(up, on), radius, turn, first, flight[0] - 0.5 * (first + last), last])
