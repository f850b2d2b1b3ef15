"""Braking into orbit round the Moon: with one impulse, in stages, and with engines that take their time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from moonpost.errors import InputError, ModelError
from moonpost.flight.burns import Impulse
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.finitecapture import Attitude, finite_insertion
from moonpost.flight.insertion import Insertion, approach, perilune_state, recorded, wanted_axis_m
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky.site import MOON_RADIUS_M

__all__ = [
    "Attitude",
    "Insertion",
    "approach",
    "finite_insertion",
    "impulsive_insertion",
    "perilune_state",
    "staged_insertion",
]


def impulsive_insertion(
    arrival: State,
    env: Environment,
    *,
    apolune_altitude_m: float | None = None,
    period_s: float | None = None,
    specific_impulse_s: float | None = None,
) -> Insertion:
    """Brake at perilune by one impulse against the velocity.

    Parameters
    ----------
    arrival : State
        As `perilune_state` takes it.
    env : Environment
        Centred on the Moon.
    apolune_altitude_m : float, optional
        Farthest point from the Moon of the orbit that is wanted, above 1737.4 km [m]; may lie below the perilune
        of the approach, which then becomes the farthest point. A circle if neither this nor the period is given.
    period_s : float, optional
        Period that is wanted, instead [s].
    specific_impulse_s : float, optional
        To count the mass [s].

    Returns
    -------
    Insertion

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If the arrival has no perilune.

    Notes
    -----
    ``v_after = sqrt(mu (2 / r - 1 / a))``; the orbit is the osculating one at perilune.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> done = impulsive_insertion(approach(env, "2030-01-01T12:00", 100e3, 850.0), env)
    >>> round(done.delta_v_m_s), round(done.period_s / 60)
    (828, 118)
    """
    low = perilune_state(arrival, env)
    radius = float(np.linalg.norm(low.position_m))
    axis = wanted_axis_m(radius, apolune_altitude_m, period_s, env)
    return _kicked(low, env, 2.0 * axis - radius, specific_impulse_s)


def staged_insertion(
    arrival: State,
    env: Environment,
    steps: Sequence[tuple[str, float]],
    *,
    specific_impulse_s: float | None = None,
) -> tuple[Insertion, ...]:
    """Brake in stages, each at an apsis, flown in between through the environment.

    Parameters
    ----------
    arrival : State
        As `perilune_state` takes it.
    env : Environment
        Centred on the Moon; must cover all stages.
    steps : sequence of tuple
        Where, ``"perilune"`` or ``"apolune"``, and the altitude of the opposite apsis after it [m]. The first is
        at perilune.
    specific_impulse_s : float, optional
        To count the mass [s].

    Returns
    -------
    tuple of Insertion
        One each.

    Raises
    ------
    InputError
        If a step cannot be used.
    ModelError
        If an apsis is not reached, as after an impact.

    Notes
    -----
    A stage waits for the next passage of its apsis. In low circles apsides are not well defined: end with them.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-03", degree=0)
    >>> come = approach(env, "2030-01-01T12:00", 200e3, 850.0)
    >>> done = staged_insertion(come, env, [("perilune", 8600e3), ("perilune", 1700e3), ("perilune", 200e3)])
    >>> [round(stage.period_s / 3600, 1) for stage in done]
    [12.0, 3.5, 2.1]
    """
    if not steps or steps[0][0] != "perilune":
        raise InputError(
            "the first stage is not at perilune", where="steps", advice='start with ("perilune", ...)'
        )
    done: list[Insertion] = []
    now = perilune_state(arrival, env)
    for where, altitude_m in steps:
        if where not in ("perilune", "apolune") or not 0.0 <= altitude_m < math.inf:
            raise InputError(f"({where!r}, {altitude_m})", where="steps", advice='give ("perilune", metres)')
        if done:
            now = _next_apsis(done[-1].after, env, where)
        done.append(_kicked(now, env, MOON_RADIUS_M + altitude_m, specific_impulse_s))
    return tuple(done)


def _kicked(now: State, env: Environment, opposite_m: float, specific_impulse_s: float | None) -> Insertion:
    """An impulse along the velocity at an apsis that puts the opposite apsis at a distance."""
    radius, speed = float(np.linalg.norm(now.position_m)), float(np.linalg.norm(now.velocity_m_s))
    if not opposite_m >= MOON_RADIUS_M:
        raise InputError("the orbit would meet the Moon", where="capture", advice="ask for a longer period")
    after = math.sqrt(2.0 * env.gm_m3_s2["moon"] * opposite_m / (radius * (radius + opposite_m)))
    impulse = Impulse(now.time_tdb_s, [after - speed, 0.0, 0.0], "motion", specific_impulse_s)
    moved = now.with_velocity(impulse.after(now.position_m, now.velocity_m_s))
    moved = replace(moved, mass_kg=impulse.mass_after_kg(now.mass_kg))
    return recorded(now, moved, env, (impulse,), abs(after - speed), now, 0.0, 0.0, 0.0)


def _next_apsis(state: State, env: Environment, where: str) -> State:
    """The next passage of an apsis, more than a minute away."""
    onward = propagate(state, min(state.time_tdb_s + 60.0, env.span_tdb_s[1]), env, dense=False).final
    flown = propagate(onward, env.span_tdb_s[1], env, events=apsides().only(where).ending(), dense=False)
    if flown.ended != where:
        raise ModelError(
            f"no {where} before {flown.final.utc}Z ({flown.ended})",
            where="capture",
            advice="make the environment longer, or leave a higher orbit",
        )
    return flown.final
