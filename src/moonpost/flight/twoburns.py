"""Leaving a lunar orbit in two burns: first into an ellipse, then out of it, as small engines ask."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.departures import LunarCircle
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.gravityfield import GRGM1200A_GM_M3_S2
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State

__all__ = ["TwoBurns", "ellipse_speed_m_s", "split_burn", "two_burns"]

Floats = npt.NDArray[np.float64]

_HALVINGS = 60
_NEAR_S = 0.01
_FARTHEST_M = 3e8


def ellipse_speed_m_s(radius_m: float, period_s: float, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> float:
    """Speed at perilune of an ellipse of given period.

    Parameters
    ----------
    radius_m : float
        Distance of perilune from the Moon's centre [m].
    period_s : float
        Period, at least that of the circle [s].
    gm_m3_s2 : float
        Gravitational parameter of the Moon [m3/s2].

    Returns
    -------
    float
        [m/s]

    Raises
    ------
    InputError
        If the period is shorter than that of the circle, or apolune would lie beyond 300,000 km.

    Examples
    --------
    >>> round(ellipse_speed_m_s(1937.4e3, 86400.0))
    2135
    """
    size = (gm_m3_s2 * (period_s / (2.0 * math.pi)) ** 2) ** (1.0 / 3.0) if period_s > 0.0 else 0.0
    if not (radius_m * (1.0 - 1e-12) <= size <= 0.5 * (radius_m + _FARTHEST_M)):
        circle, most = (2.0 * math.pi * math.sqrt(axis**3 / gm_m3_s2) for axis in (radius_m, 0.5 * _FARTHEST_M))
        raise InputError(
            f"no ellipse from {radius_m / 1e3:.1f} km has a period of {period_s / 3600.0:.3f} h",
            where="period_s",
            advice=f"give {circle / 3600.0:.3f} to {most / 3600.0:.0f} h, a revolution",
        )
    return math.sqrt(gm_m3_s2 * (2.0 / radius_m - 1.0 / size))


def split_burn(circle: LunarCircle, period_s: float, gm_m3_s2: float = GRGM1200A_GM_M3_S2) -> float:
    """First of two burns out of a circle: into an ellipse of given period.

    Parameters
    ----------
    circle : LunarCircle
        The orbit.
    period_s : float
        Period of the ellipse [s].
    gm_m3_s2 : float
        Gravitational parameter of the Moon [m3/s2].

    Returns
    -------
    float
        [m/s]; the second burn is the rest of the single one, as both are made at the same perilune.

    Raises
    ------
    InputError
        If the period is shorter than that of the circle, or apolune would lie beyond 300,000 km.

    Examples
    --------
    >>> round(split_burn(LunarCircle(200e3), 86400.0))
    544
    """
    return ellipse_speed_m_s(circle.radius_m, period_s, gm_m3_s2) - circle.speed_m_s(gm_m3_s2)


@dataclass(frozen=True, eq=False)
class TwoBurns:
    """A departure in two burns, flown in the full field.

    Parameters
    ----------
    first_s, second_s : float
        Instants of the burns, TDB since J2000 [s].
    first_m_s, second_m_s : float
        Sizes of the burns [m/s].
    first_altitude_m, second_altitude_m : float
        Altitudes above the 1737.4 km sphere at them [m].
    period_s : float
        From the first to the second, over the revolutions between [s].
    apolune_altitude_m : float
        Altitude of apolune of the ellipse after the first burn, of two bodies [m].
    ellipse : State
        State after the first burn.
    """

    first_s: float
    second_s: float
    first_m_s: float
    second_m_s: float
    first_altitude_m: float
    second_altitude_m: float
    period_s: float
    apolune_altitude_m: float
    ellipse: State


def two_burns(departure: State, first_s: float, env: Environment, revolutions: int = 1) -> TwoBurns:
    """Put an ellipse before a departure, so that its perilune some revolutions earlier is at a given instant.

    Parameters
    ----------
    departure : State
        After the second burn, at perilune, from the Moon's centre.
    first_s : float
        When the first burn is made, TDB since J2000 [s].
    env : Environment
        Forces, centred on the Moon; must cover both burns and an hour before the first.
    revolutions : int, default 1
        Revolutions between the burns, 1 or more.

    Returns
    -------
    TwoBurns

    Raises
    ------
    InputError
        If the first burn is not before the second, or the revolutions cannot be used.
    ModelError
        If no ellipse has its perilune then.

    Notes
    -----
    The second burn is along the motion; the speed before it is found by halving so that the flight back in the
    full field has its perilune at `first_s`. The first burn is from the circle through that perilune, along the
    motion.
    Third bodies change the altitude of perilune in between, so that the two burns are at different altitudes.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-03", degree=4)
    >>> out = State.circling(env, "2030-01-02T12:00", 200e3, 45.0)
    >>> out = out.with_velocity(out.velocity_m_s * 1.53)
    >>> both = two_burns(out, out.time_tdb_s - 86400.0, env)
    >>> round(both.period_s), 530 < both.first_m_s < 560
    (86400, True)
    """
    if not first_s < departure.time_tdb_s or revolutions < 1:
        raise InputError(
            f"first burn {departure.time_tdb_s - first_s:.0f} s before the second, {revolutions} revolutions",
            where="two_burns",
            advice="give an earlier instant and 1 or more revolutions",
        )
    gm = env.gm_m3_s2["moon"]
    radius = float(np.linalg.norm(departure.position_m))
    speed = float(np.linalg.norm(departure.velocity_m_s))
    along = departure.velocity_m_s / speed
    period = (departure.time_tdb_s - first_s) / revolutions
    middle = ellipse_speed_m_s(radius, period, gm)
    floor = env.span_tdb_s[0]

    def perilune(before: float) -> tuple[float, Floats] | None:
        flown = propagate(
            departure.with_velocity(before * along),
            max(floor, first_s - 0.45 * period),
            env,
            rtol=1e-11,
            events=apsides("moon").only("perilune"),
            dense=False,
        )
        seen = [event for event in flown.events if event.time_tdb_s < departure.time_tdb_s - 0.3 * period]
        return (
            (seen[revolutions - 1].time_tdb_s, seen[revolutions - 1].state) if len(seen) >= revolutions else None
        )

    time, state, before = _met(perilune, middle, first_s)
    distance, swift = float(np.linalg.norm(state[:3])), float(np.linalg.norm(state[3:]))
    ellipse = State(time, state[:3], state[3:])
    far = ellipse.apsides_m(gm)[1]
    base = radius - _altitude(radius)
    return TwoBurns(
        time, departure.time_tdb_s, swift - math.sqrt(gm / distance), speed - before, _altitude(distance),
        _altitude(radius), (departure.time_tdb_s - time) / revolutions, far - base, ellipse,
    )  # fmt: skip


def _altitude(radius_m: float) -> float:
    """Altitude above the 1737.4 km sphere [m]."""
    from moonpost.sky.site import MOON_RADIUS_M

    return radius_m - MOON_RADIUS_M


def _met(
    perilune: Callable[[float], tuple[float, Floats] | None], middle: float, wanted_s: float
) -> tuple[float, Floats, float]:
    """Time and state of the perilune at the wanted time, and the speed that leads to it back in time."""
    low, high = middle - 12.0, middle + 12.0
    for _ in range(_HALVINGS):
        speed = 0.5 * (low + high)
        found = perilune(speed)
        if found is not None and abs(found[0] - wanted_s) < _NEAR_S:
            return found[0], found[1], speed
        if found is None or found[0] < wanted_s:
            high = speed
        else:
            low = speed
    raise ModelError(
        "no ellipse has its perilune at the first burn",
        where="two_burns",
        advice="give another instant, or other revolutions",
    )
