"""From a station far from the Moon down to a low orbit, and back: two burns, flown in the full field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.environment import Environment
from moonpost.flight.events import apsides
from moonpost.flight.propagate import propagate, state_transition
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.sky.site import MOON_RADIUS_M

__all__ = ["Lowering", "cheapest_lowering", "lower"]

Floats = npt.NDArray[np.float64]

_RTOL = 1e-10
_ROUNDS = 40
_LONGEST_M_S = 25.0
_HIT_M = 10.0
_HIT_COSINE = 1e-5
_DAY_S = 86400.0


@dataclass(frozen=True, eq=False)
class Lowering:
    """Two burns from a state to a low circular orbit.

    Parameters
    ----------
    departure : State
        After the first burn.
    arrival : State
        At perilune, after the second burn.
    departure_burn_m_s : float
        Size of the first burn [m/s].
    braking_m_s : float
        Size of the second, against the motion [m/s].
    inclination_deg : float
        Of the low orbit to the lunar equator [deg].
    """

    departure: State
    arrival: State
    departure_burn_m_s: float
    braking_m_s: float
    inclination_deg: float

    @property
    def total_m_s(self) -> float:
        """Both burns [m/s].

        Returns
        -------
        float
        """
        return self.departure_burn_m_s + self.braking_m_s

    @property
    def duration_d(self) -> float:
        """From burn to burn [d].

        Returns
        -------
        float
        """
        return (self.arrival.time_tdb_s - self.departure.time_tdb_s) / _DAY_S


def lower(
    state: State,
    env: Environment,
    *,
    altitude_m: float = 100e3,
    inclination_deg: float | None = 90.0,
    longest_d: float = 20.0,
) -> Lowering:
    """Leave an orbit by the smallest burn that leads to a low perilune, and brake into a circle there.

    Parameters
    ----------
    state : State
        Where the first burn is made, from the Moon's centre.
    env : Environment
        Forces; must cover the way.
    altitude_m : float, default 100e3
        Altitude of the circle above the 1737.4 km sphere [m].
    inclination_deg : float or None, default 90.0
        Its inclination to the lunar equator; whatever it comes to if None [deg].
    longest_d : float, default 20.0
        Longest way to perilune [d].

    Returns
    -------
    Lowering

    Raises
    ------
    InputError
        If the state is from the Earth's centre or a number cannot be used.
    DateError
        If the environment is too short.
    ModelError
        If no such way is found.

    Notes
    -----
    Newton's method on altitude and inclination of the next perilune with the state transition matrix; of three
    components of the burn and two conditions the smallest step is taken. The way back up costs the same and is the
    mirror of one: the sum of the burns of `cheapest_lowering` serves for both.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-05", degree=2)
    >>> high = State.circling(env, "2030-01-01", 5000e3, 80.0)
    >>> way = lower(high, env, inclination_deg=None)
    >>> 100 < way.departure_burn_m_s < 350 and 250 < way.braking_m_s < 450
    True
    """
    wanted = _checked(state, altitude_m, inclination_deg, longest_d)
    cosine = None if inclination_deg is None else math.cos(math.radians(inclination_deg))
    burn, stop = np.zeros(3), min(state.time_tdb_s + longest_d * _DAY_S, env.span_tdb_s[1])
    for _ in range(_ROUNDS):
        left = State(state.time_tdb_s, state.position_m, state.velocity_m_s + burn, mass_kg=state.mass_kg)
        near = _perilune(left, stop, env)
        misses, slopes = _misses(left, near, env, wanted, cosine)
        if abs(misses[0]) < _HIT_M and (cosine is None or abs(misses[1]) < _HIT_COSINE):
            return _braked(state, left, near, env)
        step = np.linalg.lstsq(slopes, -misses, rcond=None)[0]
        size = float(np.linalg.norm(step))
        burn = burn + step * min(1.0, _LONGEST_M_S / size)
    raise ModelError("no way down is found", where="lower", advice="leave from another place of the orbit")


def cheapest_lowering(
    flown: Trajectory,
    *,
    altitude_m: float = 100e3,
    inclination_deg: float | None = 90.0,
    places: int = 24,
    longest_d: float = 20.0,
) -> Lowering:
    """The cheapest way down of those that leave at even intervals of an orbit.

    Parameters
    ----------
    flown : Trajectory
        The orbit, with dense output, such as one revolution; its environment must cover the ways down.
    altitude_m : float, default 100e3
        Altitude of the circle [m].
    inclination_deg : float or None, default 90.0
        Its inclination; whatever it comes to if None [deg].
    places : int, default 24
        How many departures are tried.
    longest_d : float, default 20.0
        Longest way to perilune [d].

    Returns
    -------
    Lowering

    Raises
    ------
    InputError
        If a number cannot be used.
    ModelError
        If no way down is found from any place.
    """
    if isinstance(places, bool) or not isinstance(places, int) or places < 1:
        raise InputError(f"{places!r} places", where="places", advice="give 1 or more")
    found: list[Lowering] = []
    times = flown.duration_s * np.arange(places) / places
    for elapsed, vector in zip(times.tolist(), flown.at_elapsed(times), strict=True):
        state = State(flown.start.time_tdb_s + elapsed, vector[:3], vector[3:], flown.start.centre)
        try:
            found.append(
                lower(
                    state,
                    flown.env,
                    altitude_m=altitude_m,
                    inclination_deg=inclination_deg,
                    longest_d=longest_d,
                )
            )
        except ModelError:
            continue
    if not found:
        raise ModelError("no way down is found", where="cheapest_lowering", advice="try more places")
    return min(found, key=lambda way: way.total_m_s)


def _perilune(left: State, stop: float, env: Environment) -> State:
    """The next perilune of a way."""
    flown = propagate(left, stop, env, rtol=_RTOL, events=apsides().only("perilune").ending(), dense=False)
    if flown.ended != "perilune":
        raise ModelError(f"the way ends before perilune: {flown.ended}", where="lower", advice="leave elsewhere")
    return flown.final


def _misses(
    left: State, near: State, env: Environment, wanted_m: float, cosine: float | None
) -> tuple[Floats, Floats]:
    """By how much radius and inclination at perilune miss, and how they change with the burn."""
    matrix = state_transition(left, near.time_tdb_s, env, rtol=_RTOL)[1][:, 3:]
    place, speed = near.position_m, near.velocity_m_s
    radius = float(np.linalg.norm(place))
    misses, slopes = [radius - wanted_m], [place / radius @ matrix[:3]]
    if cosine is not None:
        turned = np.cross(place, speed)
        size = float(np.linalg.norm(turned))
        pole = env.rotation(near.time_tdb_s)[0][2]
        change = np.cross(matrix[:3].T, speed) + np.cross(place, matrix[3:].T)
        found = float(pole @ turned) / size
        misses.append(found - cosine)
        slopes.append((change @ pole - found * (change @ turned) / size) / size)
    return np.array(misses), np.array(slopes)


def _braked(state: State, left: State, near: State, env: Environment) -> Lowering:
    """The burn into the circle at perilune."""
    place, speed = near.position_m, near.velocity_m_s
    fast = float(np.linalg.norm(speed))
    slow = math.sqrt(env.gm_m3_s2["moon"] / float(np.linalg.norm(place)))
    turned = env.rotation(near.time_tdb_s)[0] @ np.cross(place, speed)
    tilt = math.degrees(math.acos(turned[2] / float(np.linalg.norm(turned))))
    arrival = State(near.time_tdb_s, place, speed * (slow / fast), mass_kg=near.mass_kg)
    return Lowering(
        left, arrival, float(np.linalg.norm(left.velocity_m_s - state.velocity_m_s)), fast - slow, tilt
    )


def _checked(state: State, altitude_m: float, inclination_deg: float | None, longest_d: float) -> float:
    """Refuse what cannot be used; the radius of the circle."""
    if state.centre != "moon":
        raise InputError("the state is from the Earth's centre", where="lower", advice="see State.from_centre")
    if not 0.0 < altitude_m < 1e8:
        raise InputError(f"{altitude_m!r} is no altitude", where="altitude_m", advice="give metres above 0")
    if inclination_deg is not None and not 0.0 <= inclination_deg <= 180.0:
        raise InputError(f"{inclination_deg!r} is no inclination", where="inclination_deg", advice="give 0 to 180")
    if not 0.0 < longest_d < math.inf:
        raise InputError(f"{longest_d!r} is no duration", where="longest_d", advice="give days above 0")
    return MOON_RADIUS_M + altitude_m
