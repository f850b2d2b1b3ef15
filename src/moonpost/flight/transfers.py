"""Transfers between the Earth and the Moon in the full ephemeris, found by Newton on the B-plane."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.state import State
from moonpost.flight.transferends import BRANCHES, Aim, Arrival, Branch, Parking, equator_axes

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

_TOLERANCES = (1e-6, 1e-7, 1e-11, 1e-13)
_MARGIN_S = 3600.0
_NEAR_DEG = 3.0
_RETRIES = ((0.0, 30.0, 10.0, 2.0), (0.035, 18.0, 2.0), (0.087, 12.0, 2.0))


@dataclass(frozen=True, eq=False)
class Targeted:
    """Many transfers solved at once; rows that did not converge hold what was last tried, or NaN.

    Parameters
    ----------
    controls : ndarray, shape (n, 3)
        Node, argument of the place [rad] and speed [m/s] at the Earth end, or its velocity [m/s].
    inclinations_deg : ndarray, shape (n,)
        Of the Earth end [deg].
    declinations_deg : ndarray, shape (n,)
        Of the Moon at the passage, to the mean equator of date [deg].
    departures : ndarray, shape (n, 6)
        State at the Earth end from the Earth, J2000 [m], [m/s].
    perilunes : ndarray, shape (n, 6)
        State at perilune from the Moon, J2000 [m], [m/s].
    perilune_radius_m : ndarray, shape (n,)
        Distance at perilune [m].
    late_s : ndarray, shape (n,)
        Perilune after the instant aimed at [s].
    speed_far_m_s : ndarray, shape (n,)
        Speed far from the Moon [m/s].
    b_t_m, b_r_m : ndarray, shape (n,)
        Crossing of the B-plane, by the hyperbola at perilune [m].
    arrival_inclinations_deg : ndarray, shape (n,)
        To the lunar equator [deg].
    flights : ndarray of int, shape (n,)
        Flights that were integrated for each.
    outcome : ndarray of int, shape (n,)
        0 if converged, else a place in `moonpost.flight.transferkernels.OUTCOMES`.
    """

    controls: Floats
    inclinations_deg: Floats
    declinations_deg: Floats
    departures: Floats
    perilunes: Floats
    perilune_radius_m: Floats
    late_s: Floats
    speed_far_m_s: Floats
    b_t_m: Floats
    b_r_m: Floats
    arrival_inclinations_deg: Floats
    flights: npt.NDArray[np.int64]
    outcome: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Which were found.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return self.outcome == 0

    def reason(self, row: int) -> str:
        """Why a transfer was not found.

        Parameters
        ----------
        row : int
            Its place.

        Returns
        -------
        str
            Empty if it was.
        """
        from moonpost.flight.transferkernels import OUTCOMES

        code = int(self.outcome[row])
        if code == 0:
            return ""
        text, high, plane = OUTCOMES[code], self.declinations_deg[row], self.inclinations_deg[row]
        if code == 1:
            return f"{text}: {abs(high):.2f} against {plane:.2f} deg"
        if code in (3, 4) and abs(high) > min(plane, 180.0 - plane) - _NEAR_DEG:
            return (
                f"{text}: the Moon's declination of {high:.2f} deg lies too near the inclination of {plane:.2f} "
                "deg; take more, or pass the Moon on its other side"
            )
        return text


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


def target_batch(
    starts_tdb_s: npt.ArrayLike,
    perilunes_tdb_s: npt.ArrayLike,
    env: Environment,
    *,
    parking: Parking | None = None,
    arrival: Arrival | Aim | None = None,
    branches: Sequence[Branch] | Branch = "short",
    places_m: npt.ArrayLike | None = None,
    guesses: npt.ArrayLike | None = None,
    leads_s: npt.ArrayLike | None = None,
    axes: npt.ArrayLike | None = None,
    threads: int | None = None,
) -> Targeted:
    """Find many transfers between given instants, on all processors.

    Parameters
    ----------
    starts_tdb_s : array_like, shape (n,)
        When the flights are at the Earth end, TDB since J2000 [s].
    perilunes_tdb_s : array_like, shape (n,)
        When they pass perilune; before the starts for flights that come from the Moon [s].
    env : Environment
        Forces, with the Earth as centre, such as `transfer_environment` gives; impacts are not looked for.
    parking : Parking, optional
        The Earth end: 200 km if not given.
    arrival : Arrival or Aim, optional
        The passage aimed at: 100 km over the poles if not given.
    branches : {"short", "long"} or a sequence of them, default "short"
        One for all or one each.
    places_m : array_like, shape (n, 3), optional
        Places from the Earth, J2000 [m]. If given, the whole velocity there is free in place of node, argument and
        speed; guesses must be given too.
    guesses : array_like, shape (n, 3), optional
        Controls to start from in place of the two-body guess: node, argument [rad] and speed [m/s], or velocity.
    leads_s : array_like, shape (k,)
        How long before perilune the crossings are predicted that Newton corrects, one after the other [s]; 18 h
        and 2 h if not given, 2 h alone for a free velocity.
    axes : array_like, shape (3, 3), optional
        From J2000 to the axes of node and inclination; the mean equator of the first start if not given.
    threads : int, optional
        Threads; as many as there are processors if not given. The results do not depend on it.

    Returns
    -------
    Targeted

    Raises
    ------
    DateError
        If a flight leaves the span of the environment.
    InputError
        If shapes or numbers cannot be used, or the environment has another centre or no Moon.

    Notes
    -----
    Controls: the node, the argument of the place and the speed at a fixed radius, inclination and flight-path
    angle. Goals: B.T, B.R and the time of perilune, predicted 18 h and then 2 h before it, with derivatives from
    the variational equations; then chord steps on the passage itself until it is within 1 m and 1 ms. What is
    returned is flown once more to perilune at a tolerance of 1e-13. Flights back are solved in the same way,
    reversed in time: B.T, B.R then belong to the reversed hyperbola. What fails is tried again with other
    predictions and, if the inclination is free, with 2 and 5 deg more of it.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = transfer_environment(Almanac.default(), "2030-01-01", "2030-01-06")
    >>> start = env.tdb_s("2030-01-01")
    >>> found = target_batch([start, start], [start + 4 * 86400, start + 4.5 * 86400], env)
    >>> found.converged.tolist(), bool((abs(found.perilune_radius_m - 1837.4e3) < 10.0).all())
    ([True, True], True)
    """
    from moonpost.flight.transferkernels import END, FOUND

    begin, passage = _instants(starts_tdb_s, perilunes_tdb_s, env)
    count = len(begin)
    turn = equator_axes(float(begin[0])) if axes is None else np.ascontiguousarray(axes, dtype=np.float64)
    earth = parking or Parking()
    moon = env.body_m("moon", passage) @ turn.T
    declinations = np.degrees(np.arcsin(moon[:, 2] / np.linalg.norm(moon, axis=1)))
    inclinations = earth.inclinations_deg(declinations)
    ends = _ends(earth, inclinations, branches, places_m, guesses is not None)
    aims = _aims(arrival or Arrival(), begin > passage)
    poles = np.ascontiguousarray(env.rotation(passage)[:, 2])
    x = np.zeros((count, 3)) if guesses is None else _rows(guesses, count, 3, "guesses").copy()
    given = (x, ends, aims, begin - env.series[0], passage - begin, poles)
    leads = _leads(leads_s, places_m is not None)
    found, outcome = _solved(given, turn, leads, env, threads)
    if guesses is None:
        _again(given, found, outcome, earth, turn, env, threads)
        wider = np.degrees(ends[:, END["inclination"]])
        inclinations = np.where(wider > inclinations + 1e-6, wider, inclinations)
    bent = np.degrees(np.arccos(np.clip(found[:, FOUND["cosine"]], -1.0, 1.0)))
    depart = found[:, FOUND["depart"] : FOUND["depart"] + 6]
    return Targeted(
        x, inclinations, declinations, depart, found[:, :6], found[:, FOUND["radius"]], found[:, FOUND["late"]],
        found[:, FOUND["speed_far"]], found[:, FOUND["b_t"]], found[:, FOUND["b_r"]], bent,
        found[:, FOUND["flights"]].astype(np.int64), outcome,
    )  # fmt: skip


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


def _solved(
    given: tuple[Floats, ...], turn: Floats, leads: Floats, env: Environment, threads: int | None
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Solve in threads; the controls in `given` are changed."""
    from moonpost.flight.transferkernels import FOUND, solve

    count = len(given[0])
    found, outcome = np.full((count, FOUND["count"]), np.nan), np.zeros(count, dtype=np.int64)
    numbers, options, places, table, plain = _arrays(env)

    def part(rows: slice) -> None:
        x, ends, aims, since, lasting, poles = (values[rows] for values in given)
        solve(
            x, ends, aims, since, lasting, poles, turn, leads, _controls(), numbers, options, places, table,
            plain, found[rows], outcome[rows],
        )  # fmt: skip

    _spread(part, count, threads)
    return found, outcome


def _again(
    given: tuple[Floats, ...],
    found: Floats,
    outcome: npt.NDArray[np.int64],
    parking: Parking,
    turn: Floats,
    env: Environment,
    threads: int | None,
) -> None:
    """Try again what failed: with other predictions and, where it is free, with more inclination."""
    from moonpost.flight.transferkernels import END

    for wider, *leads in _RETRIES:
        rows = np.flatnonzero((outcome == 3) | (outcome == 4))
        if not rows.size:
            return
        part = tuple(values[rows] for values in given)
        if parking.inclination_deg is None:
            most = math.radians(parking.most_inclination_deg)
            part[1][:, END["inclination"]] = np.minimum(part[1][:, END["inclination"]] + wider, most)
        more, ends = _solved(part, turn, np.array(leads) * 3600.0, env, threads)
        good = rows[ends == 0]
        for values, better in zip(given, part, strict=True):
            values[good] = better[ends == 0]
        found[good], outcome[good] = more[ends == 0], 0


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


def _instants(starts: npt.ArrayLike, perilunes: npt.ArrayLike, env: Environment) -> tuple[Floats, Floats]:
    """Both ends of the flights in the span of the environment."""
    if env.centre != "earth" or "moon" not in env.bodies:
        raise InputError(
            f"centre {env.centre}, bodies {', '.join(env.bodies)}",
            where="environment",
            advice="transfers need the Earth as centre and the Moon among the bodies: transfer_environment(...)",
        )
    try:
        begin, passage = (np.atleast_1d(np.asarray(part, dtype=np.float64)) for part in (starts, perilunes))
        begin, passage = (np.ascontiguousarray(part) for part in np.broadcast_arrays(begin, passage))
    except (TypeError, ValueError) as error:
        raise InputError(
            "starts and perilunes do not match", where="transfer", advice="give TDB seconds, one each"
        ) from error
    if begin.ndim != 1 or not begin.size:
        raise InputError(f"shape {begin.shape}", where="starts_tdb_s", advice="give an array (n,)")
    env.check(begin)
    env.check(passage)
    if (np.abs(passage - begin) < _MARGIN_S).any() or (np.abs(passage - begin) > 60 * 86400.0).any():
        raise InputError(
            "a flight of less than an hour or more than 60 days",
            where="time of flight",
            advice="direct transfers last 2 to 8 days",
        )
    return begin, passage


def _ends(parking: Parking, inclinations: Floats, branches: Any, places: Any, guessed: bool) -> Floats:
    """Numbers of the Earth ends."""
    from moonpost.flight.transferkernels import END

    count = len(inclinations)
    named = [branches] * count if isinstance(branches, str) else list(branches)
    unknown = [name for name in named if name not in BRANCHES]
    if unknown or len(named) != count:
        raise InputError(
            f"{unknown[0]!r}" if unknown else f"{len(named)} branches for {count} flights",
            where="branch",
            advice="give short or long, one for all or one each",
        )
    ends = np.zeros((count, END["count"] + 3))
    ends[:, END["radius"]] = parking.radius_m
    ends[:, END["inclination"]] = np.radians(inclinations)
    ends[:, END["slope"]] = math.radians(parking.flight_path_deg)
    ends[:, END["branch"]] = [BRANCHES.index(name) for name in named]
    ends[:, END["guessed"]] = guessed
    if places is not None:
        if not guessed:
            raise InputError("a free velocity needs a guess", where="guesses", advice="give velocities [m/s]")
        ends[:, END["kind"]] = 1.0
        ends[:, END["count"] :] = _rows(places, count, 3, "places_m")
    return ends


def _aims(arrival: Arrival | Aim, back: npt.NDArray[np.bool_]) -> Floats:
    """Numbers of the aims; a flight back is reversed, and its inclination with it."""
    from moonpost.flight.transferkernels import AIM

    aims = np.zeros((len(back), AIM["count"]))
    if isinstance(arrival, Aim):
        aims[:, AIM["kind"]], aims[:, AIM["b_t"]], aims[:, AIM["b_r"]] = 1.0, arrival.b_t_m, arrival.b_r_m
        return aims
    aims[:, AIM["radius"]] = arrival.radius_m
    cosine = math.sin(math.radians(90.0 - arrival.inclination_deg))
    aims[:, AIM["cosine"]] = np.where(back, -cosine, cosine)
    aims[:, AIM["side"]] = 1.0 if arrival.side == "south" else -1.0
    return aims


def _rows(values: npt.ArrayLike, count: int, width: int, where: str) -> Floats:
    """Finite numbers, so many rows of so many."""
    try:
        rows = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where=where, advice=f"give ({count}, {width})") from error
    if rows.shape != (count, width) or not np.isfinite(rows).all():
        raise InputError(
            f"shape {rows.shape}, or not finite", where=where, advice=f"give finite numbers ({count}, {width})"
        )
    return rows


def _arrays(env: Environment) -> tuple[Any, ...]:
    """What the kernels read, without impacts."""
    from moonpost.flight.forcekernels import NUMBERS

    numbers, options, places, table, _ = env.arrays(gradient=True)
    numbers[NUMBERS["moon_impact"]] = numbers[NUMBERS["earth_impact"]] = 0.0
    return numbers, options, places, table, env.arrays()[3]


def _leads(leads_s: npt.ArrayLike | None, free: bool) -> Floats:
    """Times before perilune at which crossings are predicted [s]."""
    if leads_s is None:
        return np.array([7200.0] if free else [64800.0, 7200.0])
    leads = np.atleast_1d(np.asarray(leads_s, dtype=np.float64))
    if leads.ndim != 1 or not leads.size or not ((leads >= 60.0) & (leads <= 5e5)).all():
        raise InputError(f"{leads_s}", where="leads_s", advice="give seconds before perilune, 60 to 500,000")
    return np.ascontiguousarray(leads)


def _controls() -> Floats:
    """Tolerances of the stages, all with steps of order 12."""
    return np.array([[rtol, 1e-9, 1e-12, math.inf, 1.0] for rtol in _TOLERANCES])


def _spread(part: Any, count: int, threads: int | None) -> None:
    """Work on slices of many flights in threads."""
    has = hasattr(os, "sched_getaffinity")
    workers = threads or (len(os.sched_getaffinity(0)) if has else os.cpu_count() or 1)
    workers = max(1, min(workers, count))
    if workers == 1:
        part(slice(0, count))
        return
    size = max(1, math.ceil(count / (8 * workers)))
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(part, [slice(low, low + size) for low in range(0, count, size)]))
