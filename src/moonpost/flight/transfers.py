"""Transfers between the Earth and the Moon in the full ephemeris, found by Newton on the B-plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.state import State
from moonpost.flight.targeting import Targeted, target_batch
from moonpost.flight.transferends import BRANCHES, Aim, Arrival, Branch, Parking

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = [
    "BRANCHES",
    "Aim",
    "Arrival",
    "Branch",
    "Parking",
    "Targeted",
    "Transfer",
    "target_batch",
    "target_bplane",
    "transfer_environment",
]

Floats = npt.NDArray[np.float64]

_MARGIN_S = 3600.0


@dataclass(frozen=True, eq=False)
class Transfer:
    """One transfer between the Earth and the Moon.

    Parameters
    ----------
    departure : State
        At the Earth end, from the Earth, after the impulse that departs or before the air.
    perilune : State
        At perilune, from the Moon, before any braking.
    inclination_deg, node_deg, argument_deg : float
        Of the Earth end, to the mean equator of date; the argument is that of the place, from the node [deg].
    tli_m_s : float
        Impulse from the circular orbit at the Earth end [m/s].
    loi_m_s : float
        Impulse into the circular orbit at perilune [m/s].
    c3_m2_s2 : float
        Twice the energy at the Earth end [m2/s2].
    speed_far_m_s : float
        Speed far from the Moon [m/s].
    b_t_m, b_r_m : float
        Crossing of the B-plane [m].
    arrival_inclination_deg : float
        To the lunar equator [deg].
    perilune_error_m : float
        Distance at perilune less the one aimed at; NaN for an `Aim` [m].
    late_s : float
        Perilune after the instant aimed at [s].
    """

    departure: State
    perilune: State
    inclination_deg: float
    node_deg: float
    argument_deg: float
    tli_m_s: float
    loi_m_s: float
    c3_m2_s2: float
    speed_far_m_s: float
    b_t_m: float
    b_r_m: float
    arrival_inclination_deg: float
    perilune_error_m: float
    late_s: float


def transfer_environment(almanac: Almanac, start: Instant, stop: Instant, **options: Any) -> Environment:
    """Point masses of the Earth, the Moon and the Sun from the centre of the Earth, as transfers need them.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides and lunar orientation.
    start, stop : Instant
        First and last instant of any flight, UTC or TDB seconds since J2000; an hour is added at both ends.
    **options
        What else `Environment.make` takes, such as ``degree`` or ``sunlight``.

    Returns
    -------
    Environment

    Raises
    ------
    DateError
        If an instant cannot be read or lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> transfer_environment(Almanac.default(), "2030-01-01", "2030-01-06").centre
    'earth'
    """
    from moonpost.sky.kernelfiles import read_kernels

    timescale = read_kernels([kernel.path for kernel in almanac.kernels]).timescale
    ends = sorted(_tdb_s(timescale, moment) for moment in (start, stop))
    options = {"degree": 0, "centre": "earth", "bodies": ("sun", "moon"), **options}
    return Environment.make(almanac, ends[0] - _MARGIN_S, ends[1] + _MARGIN_S, **options)


def target_bplane(
    start: Instant,
    perilune: Instant,
    env: Environment,
    *,
    parking: Parking | None = None,
    arrival: Arrival | Aim | None = None,
    branch: Branch = "short",
    place_m: npt.ArrayLike | None = None,
    guess: npt.ArrayLike | None = None,
    leads_s: npt.ArrayLike | None = None,
) -> Transfer:
    """Find the transfer between two instants that passes the Moon as wanted.

    Parameters
    ----------
    start : Instant
        When the flight is at the Earth end, UTC or TDB seconds since J2000.
    perilune : Instant
        When it passes perilune; before `start` for a flight that comes from the Moon.
    env : Environment
        Forces, with the Earth as centre, such as `transfer_environment` gives.
    parking : Parking, optional
        The Earth end: 200 km if not given.
    arrival : Arrival or Aim, optional
        The passage aimed at: 100 km over the poles if not given.
    branch : {"short", "long"}, default "short"
        Which of the two planes.
    place_m : array_like, shape (3,), optional
        Place from the Earth, J2000 [m]; if given, the whole velocity there is free, and `guess` must be one.
    guess : array_like, shape (3,), optional
        Controls to start from: node, argument [rad] and speed [m/s], or velocity [m/s].
    leads_s : array_like, shape (k,)
        How long before perilune the crossings are predicted that Newton corrects [s], as in `target_batch`.

    Returns
    -------
    Transfer

    Raises
    ------
    DateError
        If the flight leaves the span of the environment.
    InputError
        If a number cannot be used, or the environment has another centre or no Moon.
    ModelError
        If no such transfer was found; the text says why.

    Notes
    -----
    See `target_batch`, which solves many at once. No patched conic is in the answer: the flight is integrated in
    the environment from the Earth end to perilune.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = transfer_environment(Almanac.default(), "2030-01-01", "2030-01-06")
    >>> found = target_bplane("2030-01-01", "2030-01-05T12:00", env)
    >>> round(found.tli_m_s / 1e3, 2), round(found.loi_m_s / 1e3, 2), bool(abs(found.perilune_error_m) < 10.0)
    (3.13, 0.82, True)
    """
    begin, passage = _single(start, env, "start"), _single(perilune, env, "perilune")
    found = target_batch(
        [begin], [passage], env, parking=parking, arrival=arrival, branches=branch,
        places_m=None if place_m is None else np.asarray(place_m, dtype=np.float64)[None],
        guesses=None if guess is None else np.asarray(guess, dtype=np.float64)[None],
        leads_s=leads_s, threads=1,
    )  # fmt: skip
    if found.outcome[0] != 0:
        raise ModelError(
            found.reason(0),
            where="transfer",
            advice="change the dates, the inclination or the branch, or give a guess",
        )
    return _transfer(found, begin, passage, arrival or Arrival(), env)


def _transfer(found: Targeted, begin: float, passage: float, arrival: Arrival | Aim, env: Environment) -> Transfer:
    """One row, with what it costs."""
    depart, near = found.departures[0], found.perilunes[0]
    moon_gm, earth_gm = env.gm_m3_s2["moon"], env.gm_m3_s2["earth"]
    place, speed = float(np.linalg.norm(depart[:3])), float(np.linalg.norm(depart[3:]))
    radius = float(found.perilune_radius_m[0])
    node, argument = np.degrees(found.controls[0, :2]) % 360.0
    return Transfer(
        departure=State(begin, depart[:3], depart[3:], "earth"),
        perilune=State(passage + float(found.late_s[0]), near[:3], near[3:], "moon"),
        inclination_deg=float(found.inclinations_deg[0]),
        node_deg=float(node),
        argument_deg=float(argument),
        tli_m_s=speed - math.sqrt(earth_gm / place),
        loi_m_s=float(np.linalg.norm(near[3:])) - math.sqrt(moon_gm / radius),
        c3_m2_s2=speed**2 - 2.0 * earth_gm / place,
        speed_far_m_s=float(found.speed_far_m_s[0]),
        b_t_m=float(found.b_t_m[0]),
        b_r_m=float(found.b_r_m[0]),
        arrival_inclination_deg=float(found.arrival_inclinations_deg[0]),
        perilune_error_m=radius - arrival.radius_m if isinstance(arrival, Arrival) else math.nan,
        late_s=float(found.late_s[0]),
    )


def _tdb_s(timescale: Any, moment: Instant) -> float:
    """One instant in TDB seconds."""
    from moonpost.sky.times import as_utc

    if isinstance(moment, float | int | np.floating | np.integer):
        return float(moment)
    return float(timescale.tdb_s(as_utc(moment)).ravel()[0])


def _single(moment: Instant, env: Environment, where: str) -> float:
    """One instant in TDB seconds, or a complaint."""
    seconds = np.asarray(env.tdb_s(moment))
    if seconds.size != 1:
        raise InputError(f"{seconds.size} instants where one is needed", where=where, advice="give one date")
    return float(seconds.ravel()[0])
