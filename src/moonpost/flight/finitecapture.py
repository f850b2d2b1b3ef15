"""Braking into orbit round the Moon with engines that take their time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.burns import Burn, motion_axes
from moonpost.flight.chain import STANDARD_GRAVITY_M_S2
from moonpost.flight.environment import Environment
from moonpost.flight.insertion import (
    Insertion,
    half_axis_m,
    perilune_state,
    positive,
    recorded,
    wanted_axis_m,
)
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Attitude", "finite_insertion"]

Floats = npt.NDArray[np.float64]
Attitude = Literal["inertial", "velocity", "turning"]
"""How a spacecraft points in a burn: fixed in space, against its velocity, or turning at an even rate."""

_LAWS = ("inertial", "velocity", "turning")
_SEGMENTS = 24
_MOST_LEAD_S = 7200.0
_LEAST_S = 0.1
_WRONG = 1e-5


def finite_insertion(
    arrival: State,
    env: Environment,
    thrust_n: float,
    specific_impulse_s: float,
    *,
    apolune_altitude_m: float | None = None,
    period_s: float | None = None,
    duration_s: float | None = None,
    perilune_altitude_m: float | None = None,
    attitude: Attitude = "inertial",
    turn_deg_s: float | None = None,
) -> Insertion:
    """Brake with an engine that takes its time, with the least propellant.

    Parameters
    ----------
    arrival : State
        As `perilune_state` takes it, with its mass.
    env : Environment
        Centred on the Moon; must cover two hours before perilune and the burn.
    thrust_n, specific_impulse_s : float
        Thrust [N] and specific impulse [s].
    apolune_altitude_m : float, optional
        Farthest point of the orbit that is wanted, above 1737.4 km [m]. Give exactly one of this, the period and
        the duration.
    period_s : float, optional
        Period that is wanted [s].
    duration_s : float, optional
        Duration of the burn, which then brakes as much as it can [s].
    perilune_altitude_m : float, optional
        Nearest point that is wanted [m]; as it comes if not given. Equal to `apolune_altitude_m` for a circle.
    attitude : {"inertial", "velocity", "turning"}, default "inertial"
        Thrust fixed in space, against the velocity at each instant, or turning evenly in the approach's plane.
    turn_deg_s : float, optional
        Rate of turning with ``"turning"``, positive with the motion [deg/s]. If not given, that of the velocity at
        perilune, or free if a perilune is wanted.

    Returns
    -------
    Insertion
        Ignition, pitch and duration are free; with ``"velocity"`` there is no pitch.

    Raises
    ------
    InputError
        If numbers contradict one another, or there is no mass.
    ModelError
        If no burn does what is wanted, as with too little thrust, or it leaves an orbit that meets the Moon.

    Notes
    -----
    Sequential quadratic programming on ignition, pitch, duration and turning, each trial flown through the
    environment. Even turning is flown in 24 pieces of fixed direction, which lose (turn of a piece)^2 / 24 of the
    thrust: 2e-5 for 30 deg in all. The orbit is the osculating one at cutoff.

    Examples
    --------
    >>> from moonpost.flight.insertion import approach
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2020-11-28", "2020-11-29", degree=0)
    >>> come = approach(env, "2020-11-28T13:06", 400e3, 850.0, mass_kg=8200.0)
    >>> done = finite_insertion(come, env, 3000.0, 310.0, duration_s=1020.0)
    >>> round(done.delta_v_m_s), done.gravity_loss_m_s > 0.0
    (398, True)
    """
    mass = _check_engine(
        arrival, thrust_n, specific_impulse_s, attitude, (apolune_altitude_m, period_s, duration_s)
    )
    low = perilune_state(arrival, env)
    engine = _Engine(low, env, thrust_n, specific_impulse_s, attitude, _turn_rad_s(low, env, turn_deg_s))
    radius = float(np.linalg.norm(low.position_m))
    goals: list[Callable[[State], float]] = []
    if duration_s is not None:
        positive(duration_s, "duration_s")
        engine.fixed_s = duration_s
        engine.begin(duration_s)
    else:
        near = radius if perilune_altitude_m is None else MOON_RADIUS_M + perilune_altitude_m
        axis = wanted_axis_m(near, apolune_altitude_m, period_s, env)
        speed = float(np.linalg.norm(low.velocity_m_s))
        wanted = speed - math.sqrt(max(0.0, env.gm_m3_s2["moon"] * (2.0 / radius - 1.0 / axis)))
        if wanted <= 0.0:
            raise InputError("the arrival is bound more tightly", where="capture", advice="ask for a lower orbit")
        flow = thrust_n / (specific_impulse_s * STANDARD_GRAVITY_M_S2)
        guess = -mass * math.expm1(-wanted / (specific_impulse_s * STANDARD_GRAVITY_M_S2)) / flow
        engine.begin(guess)
        goals.append(lambda state: axis / half_axis_m(state, env) - 1.0)
    goals += _near_goals(env, perilune_altitude_m, apolune_altitude_m, engine)
    engine.turns = attitude == "turning" and turn_deg_s is None and perilune_altitude_m is not None
    done = engine.insertion(*_solved(engine, goals))
    if done.perilune_altitude_m < 0.0:
        raise ModelError(
            f"the orbit after the burn meets the Moon, perilune {1e-3 * done.perilune_altitude_m:.0f} km",
            where="capture",
            advice="come in higher, use more thrust, turn with the velocity, or brake in stages",
        )
    return done


class _Engine:
    """Burns of one engine near one perilune."""

    def __init__(
        self,
        low: State,
        env: Environment,
        thrust_n: float,
        specific_impulse_s: float,
        attitude: Attitude,
        turn: float,
    ) -> None:
        self.low, self.env, self.attitude, self.turn = low, env, attitude, turn
        self.thrust_n, self.specific_impulse_s = thrust_n, specific_impulse_s
        self.axes = motion_axes(low.position_m, low.velocity_m_s)
        self.fixed_s: float | None = None
        self.turns, self.met = False, False
        self.guess_s, self.early, self.most_s = 0.0, low, 0.0

    def begin(self, guess_s: float) -> None:
        """Take a start that lies early enough for burns of about a duration."""
        mass = self.low.mass_kg or 0.0
        dry_s = 0.98 * mass * self.specific_impulse_s * STANDARD_GRAVITY_M_S2 / self.thrust_n
        if guess_s < _LEAST_S:
            raise InputError(
                f"the burn would last {guess_s:.2g} s",
                where="thrust_n",
                advice="use impulsive_insertion, or give less thrust",
            )
        self.most_s = min(dry_s, self.env.span_tdb_s[1] - self.low.time_tdb_s - 10.0)
        self.guess_s = min(guess_s, self.most_s)
        if self.fixed_s is not None and self.fixed_s > self.most_s:
            raise InputError(
                f"{self.fixed_s:g} s use up the whole mass", where="duration_s", advice="burn for less"
            )
        before = min(_MOST_LEAD_S, self.guess_s + 900.0, self.low.time_tdb_s - self.env.span_tdb_s[0])
        self.early = propagate(self.low, self.low.time_tdb_s - before, self.env, dense=False).final
        self.early = replace(self.early, mass_kg=self.low.mass_kg)

    @property
    def lead_s(self) -> float:
        """Longest lead that the start allows."""
        return self.low.time_tdb_s - self.early.time_tdb_s

    def burns(self, lead: float, pitch: float, seconds: float, turn: float) -> tuple[Burn, ...]:
        """Burns from ignition to cutoff."""
        start = self.low.time_tdb_s - lead
        engine = (self.thrust_n, self.specific_impulse_s)
        if self.attitude == "velocity":
            return (Burn(start, *engine, duration_s=seconds, direction="backward"),)
        forward, _, outward = self.axes
        count = _SEGMENTS if self.attitude == "turning" else 1
        piece, made = seconds / count, []
        for row in range(count):
            angle = pitch + turn * self.turn * ((row + 0.5) * piece - 0.5 * seconds) * (self.attitude == "turning")
            direction = -math.cos(angle) * forward + math.sin(angle) * outward
            made.append(Burn(start + row * piece, *engine, duration_s=piece, direction=direction, axes="J2000"))
        return tuple(made)

    def flown(self, lead: float, pitch: float, seconds: float, turn: float) -> State:
        """State at cutoff."""
        stop = self.low.time_tdb_s - lead + seconds
        burns = self.burns(lead, pitch, seconds, turn)
        flown = propagate(self.early, stop, self.env, burns=burns, dense=False, rtol=1e-12)
        self.met = self.met or flown.ended.startswith("impact")
        return flown.final

    def insertion(self, lead: float, pitch: float, seconds: float, turn: float) -> Insertion:
        """The burn that was found."""
        before = propagate(self.early, self.low.time_tdb_s - lead, self.env, dense=False).final
        after = self.flown(lead, pitch, seconds, turn)
        if after.time_tdb_s < self.low.time_tdb_s - lead + seconds - 1e-3:
            raise ModelError(
                "the burn ends on the Moon", where="capture", advice="come in higher, or use more thrust"
            )
        exhaust = self.specific_impulse_s * STANDARD_GRAVITY_M_S2
        spent = exhaust * math.log((before.mass_kg or 0.0) / (after.mass_kg or 1.0))
        return recorded(
            before, after, self.env, self.burns(lead, pitch, seconds, turn), spent, self.low, seconds, lead, pitch
        )


def _solved(engine: _Engine, goals: list[Callable[[State], float]]) -> tuple[float, ...]:
    """Lead, pitch, duration and turning that meet the goals with the least propellant."""
    from scipy.optimize import least_squares, minimize

    free = [0] if engine.attitude == "velocity" else [0, 1]
    free = free if engine.fixed_s is not None else [*free, 2]
    free = [*free, 3] if engine.turns else free
    scale = np.array([engine.guess_s, 0.1, engine.guess_s, 1.0])
    start = np.array([0.5 * engine.guess_s, 0.0, engine.guess_s, 1.0]) / scale

    def whole(x: Floats) -> Floats:
        full = start.copy()
        full[free] = x
        full *= scale
        full[0] = min(max(full[0], 0.0), engine.lead_s - 0.5)
        return full

    kept: dict[bytes, State] = {}

    def state(x: Floats) -> State:
        key = np.asarray(x).tobytes()
        if key not in kept:
            kept[key] = engine.flown(*whole(x))
        return kept[key]

    def misses(x: Floats) -> Floats:
        return np.array([goal(state(x)) for goal in goals])

    unit = 2.0 * float(np.linalg.norm(engine.low.position_m))

    def cost(x: Floats) -> float:
        if engine.fixed_s is None:
            return float(whole(x)[2] / engine.guess_s)
        return float(-unit / half_axis_m(state(x), engine.env))

    bounds = (
        np.array([[0.0, engine.lead_s - 1.0], [-1.5, 1.5], [1e-3 * engine.guess_s, engine.most_s], [-3.0, 3.0]])
        / scale[:, None]
    )
    rules = [{"type": "eq", "fun": misses}] if goals else []
    if len(goals) < len(free):
        found = minimize(
            cost, start[free], method="SLSQP", bounds=bounds[free], constraints=rules,
            options={"maxiter": 60, "ftol": 1e-10},
        ).x  # fmt: skip
    else:
        found = least_squares(misses, start[free], bounds=bounds[free].T, diff_step=1e-5, max_nfev=60).x
    try:
        found = _corrected(misses, found, bounds[free]) if goals else found
    except ModelError as error:
        if not engine.met:
            raise
        raise ModelError(
            "burns that come near the orbit meet the Moon",
            where="capture",
            advice="come in higher, use more thrust, or brake in stages",
        ) from error
    return tuple(float(number) for number in whole(found))


def _corrected(misses: Callable[[Floats], Floats], x: Floats, bounds: Floats) -> Floats:
    """Newton steps of least length until the goals are met."""
    for _ in range(25):
        miss = misses(x)
        if np.abs(miss).max() < 1e-9:
            return x
        slope = np.empty((len(miss), len(x)))
        for column in range(len(x)):
            moved = x.copy()
            moved[column] += 1e-5
            slope[:, column] = (misses(moved) - miss) / 1e-5
        step = -np.linalg.pinv(slope) @ miss
        x = np.clip(x + step * min(1.0, 1.0 / max(1e-12, float(np.abs(step).max()))), bounds[:, 0], bounds[:, 1])
    if np.abs(misses(x)).max() > _WRONG:
        raise ModelError(
            f"no burn meets the orbit, off by {np.abs(misses(x)).max():.2e} of its size",
            where="capture",
            advice="ask for another orbit, come in at another altitude, or use another engine or attitude",
        )
    return x


def _near_goals(
    env: Environment,
    perilune_altitude_m: float | None,
    apolune_altitude_m: float | None,
    engine: _Engine,
) -> list[Callable[[State], float]]:
    """What must hold for the perilune of the orbit."""
    if perilune_altitude_m is None:
        return []
    wanted = MOON_RADIUS_M + positive(perilune_altitude_m, "perilune_altitude_m")
    if apolune_altitude_m is not None and apolune_altitude_m < perilune_altitude_m:
        raise InputError("apolune below perilune", where="capture", advice="give the higher one as apolune")
    if apolune_altitude_m == perilune_altitude_m and engine.attitude != "velocity":
        return [lambda state, row=row: float(_shape(state, env) @ engine.axes[row]) for row in (0, 2)]  # type: ignore[misc]
    gm = env.gm_m3_s2["moon"]
    return [lambda state: state.apsides_m(gm)[0] / wanted - 1.0]


def _shape(state: State, env: Environment) -> Floats:
    """Vector to perilune with the size of the eccentricity."""
    r, v = state.position_m, state.velocity_m_s
    return np.cross(v, np.cross(r, v)) / env.gm_m3_s2["moon"] - r / np.linalg.norm(r)


def _turn_rad_s(low: State, env: Environment, turn_deg_s: float | None) -> float:
    """Rate at which thrust turns."""
    if turn_deg_s is not None:
        if not math.isfinite(turn_deg_s):
            raise InputError(f"{turn_deg_s} is no rate", where="turn_deg_s", advice="give deg/s")
        return math.radians(turn_deg_s)
    speed = float(np.linalg.norm(low.velocity_m_s))
    return env.gm_m3_s2["moon"] / (float(low.position_m @ low.position_m) * speed)


def _check_engine(
    arrival: State, thrust_n: float, specific_impulse_s: float, attitude: str, goals: tuple[float | None, ...]
) -> float:
    """Refuse engines and wishes that cannot be used; the mass."""
    if attitude not in _LAWS:
        raise InputError(f"{attitude!r} is no attitude", where="attitude", advice=f"give {', '.join(_LAWS)}")
    positive(thrust_n, "thrust_n")
    positive(specific_impulse_s, "specific_impulse_s")
    if sum(goal is not None for goal in goals) != 1:
        raise InputError(
            "give exactly one of apolune_altitude_m, period_s and duration_s",
            where="capture",
            advice="leave the others out",
        )
    if arrival.mass_kg is None:
        raise InputError("a burn needs the mass", where="arrival", advice="give mass_kg to the State")
    return arrival.mass_kg
