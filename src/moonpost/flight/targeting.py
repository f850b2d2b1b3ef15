"""Many transfers at once, in threads; what fails is tried again."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.environment import Environment
from moonpost.flight.transferends import BRANCHES, Aim, Arrival, Branch, Parking, equator_axes

__all__ = ["Progress", "Targeted", "target_batch"]

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], object]
"""Called with the share of the work that is done, 0 to 1."""

_MOST_AT_ONCE = 64
_TOLERANCES = (1e-6, 1e-7, 1e-11, 1e-13)
_MARGIN_S = 3600.0
_NEAR_DEG = 3.0
_RETRIES = ((1, 0.0, 18.0, 2.0), (0, 0.0, 30.0, 10.0, 2.0), (0, 0.035, 18.0, 2.0), (0, 0.087, 12.0, 2.0))


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
                "deg; take more, or let it pass the Moon on either side"
            )
        return text


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
    progress: Progress | None = None,
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
    progress : callable, optional
        Called with the share of the flights that are done.

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
    reversed in time: B.T, B.R then belong to the reversed hyperbola. What fails is tried again: on the other side
    of the Moon if either will do, with other predictions and, if the inclination is free, with 2 and 5 deg more.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.flight.transfers import transfer_environment
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
    passing = arrival or Arrival()
    aims = _aims(passing, begin > passage)
    poles = np.ascontiguousarray(env.rotation(passage)[:, 2])
    x = np.zeros((count, 3)) if guesses is None else _rows(guesses, count, 3, "guesses").copy()
    given = (x, ends, aims, begin - env.series[0], passage - begin, poles)
    leads = _leads(leads_s, places_m is not None)
    found, outcome = _solved(given, turn, leads, env, threads, progress)
    if guesses is None:
        either = isinstance(passing, Arrival) and passing.side == "either"
        _again(given, found, outcome, (earth, either), turn, env, threads)
        wider = np.degrees(ends[:, END["inclination"]])
        inclinations = np.where(wider > inclinations + 1e-6, wider, inclinations)
    bent = np.degrees(np.arccos(np.clip(found[:, FOUND["cosine"]], -1.0, 1.0)))
    depart = found[:, FOUND["depart"] : FOUND["depart"] + 6]
    return Targeted(
        x, inclinations, declinations, depart, found[:, :6], found[:, FOUND["radius"]], found[:, FOUND["late"]],
        found[:, FOUND["speed_far"]], found[:, FOUND["b_t"]], found[:, FOUND["b_r"]], bent,
        found[:, FOUND["flights"]].astype(np.int64), outcome,
    )  # fmt: skip


def _solved(
    given: tuple[Floats, ...],
    turn: Floats,
    leads: Floats,
    env: Environment,
    threads: int | None,
    progress: Progress | None = None,
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

    _spread(part, count, threads, progress)
    return found, outcome


def _again(
    given: tuple[Floats, ...],
    found: Floats,
    outcome: npt.NDArray[np.int64],
    free: tuple[Parking, bool],
    turn: Floats,
    env: Environment,
    threads: int | None,
) -> None:
    """Try again what failed: on the other side, with other predictions, with more inclination, where free."""
    from moonpost.flight.transferkernels import AIM, END

    parking, either = free
    for flip, wider, *leads in _RETRIES:
        if flip and not either:
            continue
        rows = np.flatnonzero((outcome == 3) | (outcome == 4))
        if not rows.size:
            return
        part = tuple(values[rows] for values in given)
        if flip:
            part[2][:, AIM["side"]] *= -1.0
        if parking.inclination_deg is None:
            most = math.radians(parking.most_inclination_deg)
            part[1][:, END["inclination"]] = np.minimum(part[1][:, END["inclination"]] + wider, most)
        more, ends = _solved(part, turn, np.array(leads) * 3600.0, env, threads)
        good = rows[ends == 0]
        for values, better in zip(given, part, strict=True):
            values[good] = better[ends == 0]
        found[good], outcome[good] = more[ends == 0], 0


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
    aims[:, AIM["side"]] = -1.0 if arrival.side == "north" else 1.0
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


def _spread(part: Any, count: int, threads: int | None, progress: Progress | None = None) -> None:
    """Work on slices of many flights in threads, and tell the share that is done."""
    has = hasattr(os, "sched_getaffinity")
    workers = threads or (len(os.sched_getaffinity(0)) if has else os.cpu_count() or 1)
    workers = max(1, min(workers, count))
    size = max(1, min(_MOST_AT_ONCE, math.ceil(count / (8 * workers))))
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = [pool.submit(part, slice(low, low + size)) for low in range(0, count, size)]
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            if progress is not None:
                progress(done / len(jobs))
    finally:
        pool.shutdown(cancel_futures=True)
