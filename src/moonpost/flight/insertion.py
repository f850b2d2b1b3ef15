"""Braking near the Moon: the approach, the orbit that is left, and what it took."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.burns import Burn, Impulse
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import apsides
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Insertion", "approach", "perilune_state"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_FARTHEST_M = 3e8


@dataclass(frozen=True, eq=False)
class Insertion:
    """A braking and the orbit that it leaves.

    Parameters
    ----------
    before, after : State
        At ignition and at cutoff, with the masses if they are known; equal in place for an impulse.
    burns : tuple of Burn or Impulse
        What `moonpost.flight.propagate.propagate` flies from `before`.
    delta_v_m_s : float
        Velocity of the impulse, or by the rocket equation [m/s].
    impulsive_m_s : float
        Impulse at the perilune of the approach that leaves the same period [m/s].
    burn_s : float
        Duration, 0 for an impulse [s].
    lead_s : float
        From ignition to the perilune that would be passed without a burn [s].
    pitch_deg : float
        Thrust from the direction against the velocity at that perilune, positive outward; at the middle of the
        burn if it turns [deg].
    perilune_altitude_m, apolune_altitude_m : float
        Of the orbit through `after`, above 1737.4 km; infinite for an escape [m].
    period_s : float
        Period of that orbit [s].
    inclination_deg : float
        To the lunar equator of the instant [deg].
    """

    before: State
    after: State
    burns: tuple[Burn | Impulse, ...]
    delta_v_m_s: float
    impulsive_m_s: float
    burn_s: float
    lead_s: float
    pitch_deg: float
    perilune_altitude_m: float
    apolune_altitude_m: float
    period_s: float
    inclination_deg: float

    @property
    def gravity_loss_m_s(self) -> float:
        """Velocity spent beyond the impulse [m/s].

        Returns
        -------
        float
        """
        return self.delta_v_m_s - self.impulsive_m_s

    @property
    def propellant_kg(self) -> float | None:
        """Mass burnt, None without masses [kg].

        Returns
        -------
        float or None
        """
        if self.before.mass_kg is None or self.after.mass_kg is None:
            return None
        return self.before.mass_kg - self.after.mass_kg


def approach(
    env: Environment,
    t: Instant,
    perilune_altitude_m: float,
    speed_far_m_s: float,
    inclination_deg: float = 90.0,
    *,
    node_deg: float = 0.0,
    argument_deg: float = 0.0,
    mass_kg: float | None = None,
) -> State:
    """State at perilune of a hyperbola given by its speed far from the Moon.

    Parameters
    ----------
    env : Environment
        Orientation of the Moon and its gravitational parameter.
    t : Instant
        When it passes perilune.
    perilune_altitude_m : float
        Above 1737.4 km [m].
    speed_far_m_s : float
        Speed far from the Moon, of the hyperbola [m/s]; 0 for a parabola.
    inclination_deg : float, default 90.0
        To the lunar equator [deg].
    node_deg, argument_deg : float, default 0.0
        Longitude of the ascending node, argument of perilune [deg].
    mass_kg : float, optional
        Mass [kg].

    Returns
    -------
    State

    Raises
    ------
    DateError
        If the instant lies outside the environment.
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> round(float(np.linalg.norm(approach(env, "2030-01-01T12:00", 100e3, 850.0).velocity_m_s)))
    2462
    """
    if not 0.0 <= speed_far_m_s < math.inf:
        raise InputError(f"{speed_far_m_s} is no speed", where="speed_far_m_s", advice="give m/s from 0 up")
    low = State.circling(
        env, t, perilune_altitude_m, inclination_deg, node_deg=node_deg, argument_deg=argument_deg, mass_kg=mass_kg
    )
    radius = float(np.linalg.norm(low.position_m))
    speed = math.sqrt(speed_far_m_s**2 + 2.0 * env.gm_m3_s2["moon"] / radius)
    return low.with_velocity(low.velocity_m_s * (speed / float(np.linalg.norm(low.velocity_m_s))))


def perilune_state(arrival: State, env: Environment, within_s: float = 5.0 * _DAY_S) -> State:
    """The nearest point to the Moon that an arrival comes to.

    Parameters
    ----------
    arrival : State
        On the way to the Moon, at perilune or soon after it, with the Moon as centre.
    env : Environment
        Centred on the Moon.
    within_s : float, default 432000.0
        How far to look [s].

    Returns
    -------
    State
        The next perilune; the one before if the arrival flies away from the Moon on no closed orbit.

    Raises
    ------
    ModelError
        If there is none, or the flight ends on the Moon.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=0)
    >>> near = approach(env, "2030-01-01T12:00", 100e3, 850.0)
    >>> early = propagate(near, "2030-01-01T06:00", env).final
    >>> str(perilune_state(early, env).utc)[:19]
    '2030-01-01T12:00:00'
    """
    radial = float(arrival.position_m @ arrival.velocity_m_s)
    if abs(radial) < 1e-9 * float(np.linalg.norm(arrival.position_m) * np.linalg.norm(arrival.velocity_m_s)):
        return arrival
    back = radial > 0.0 and math.isinf(arrival.apsides_m(env.gm_m3_s2["moon"])[1])
    start, stop = env.span_tdb_s
    limit = arrival.time_tdb_s + (-within_s if back else within_s)
    flown = propagate(
        arrival,
        min(max(limit, start), stop),
        env,
        events=apsides().only("perilune").ending(),
        dense=False,
    )
    if flown.ended != "perilune":
        raise ModelError(
            f"no perilune within {abs(flown.duration_s) / _DAY_S:.2f} d ({flown.ended})",
            where="capture",
            advice="start nearer to the Moon, or make the environment longer",
        )
    return flown.final


def half_axis_m(state: State, env: Environment) -> float:
    """Half the great axis, negative for hyperbolas."""
    r, v = state.position_m, state.velocity_m_s
    return 1.0 / (2.0 / float(np.linalg.norm(r)) - float(v @ v) / env.gm_m3_s2["moon"])


def wanted_axis_m(
    near_m: float, apolune_altitude_m: float | None, period_s: float | None, env: Environment
) -> float:
    """Half the great axis of the orbit that is wanted [m]."""
    if apolune_altitude_m is not None and period_s is not None:
        raise InputError("give the apolune or the period", where="capture", advice="give one of them")
    if period_s is not None:
        positive(period_s, "period_s")
        axis = float((env.gm_m3_s2["moon"] * (period_s / (2.0 * math.pi)) ** 2) ** (1.0 / 3.0))
    elif apolune_altitude_m is None:
        return near_m
    else:
        axis = 0.5 * (near_m + MOON_RADIUS_M + positive(apolune_altitude_m, "apolune_altitude_m"))
    if 2.0 * axis - near_m > _FARTHEST_M:
        raise InputError(
            f"apolune would lie {(2.0 * axis - near_m) / 1e3:,.0f} km from the Moon",
            where="capture",
            advice=f"give one nearer than {_FARTHEST_M / 1e3:,.0f} km",
        )
    return axis


def recorded(
    before: State, after: State, env: Environment, burns: tuple[Burn | Impulse, ...], spent: float, low: State,
    seconds: float, lead: float, pitch: float,
) -> Insertion:  # fmt: skip
    """An insertion with the data of its orbit."""
    gm = env.gm_m3_s2["moon"]
    near, far = after.apsides_m(gm)
    axis = half_axis_m(after, env)
    radius, speed = float(np.linalg.norm(low.position_m)), float(np.linalg.norm(low.velocity_m_s))
    pole = np.cross(after.position_m, after.velocity_m_s)
    cosine = float(env.rotation(after.time_tdb_s)[0][2] @ pole / np.linalg.norm(pole))
    impulse = speed - math.sqrt(max(0.0, gm * (2.0 / radius - 1.0 / axis))) if seconds > 0.0 else spent
    return Insertion(
        before, after, burns, spent, impulse, seconds, lead, math.degrees(pitch), near - MOON_RADIUS_M,
        far - MOON_RADIUS_M, 2.0 * math.pi * math.sqrt(axis**3 / gm) if axis > 0.0 else math.inf,
        math.degrees(math.acos(max(-1.0, min(1.0, cosine)))),
    )  # fmt: skip


def positive(number: float, where: str) -> float:
    """The number, if it is finite and above 0."""
    if not 0.0 < number < math.inf:
        raise InputError(f"{number} cannot be used", where=where, advice="give a number above 0")
    return number
