"""Returns from lunar orbit: trans-Earth injection aimed at the entry interface, and windows for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.departures import Hyperbolas, LunarCircle, cheapest_burns, escape_velocity, tangent_offsets
from moonpost.flight.entry import Entry
from moonpost.flight.entryaims import EntryAim, Unknowns
from moonpost.flight.environment import Environment
from moonpost.flight.propagate import propagate_batch
from moonpost.flight.state import State
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["BRANCHES", "ReturnWindows", "scan_returns"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

BRANCHES = {"ascending": 1.0, "descending": -1.0}
"""Ways to leave a lunar orbit of given inclination: moving north or south along the outgoing asymptote."""

_DAY_S = 86400.0
_LEADS_S = (18.0 * 3600.0, 2.0 * 3600.0, 0.0)
_MARGIN_S = 2.0 * _DAY_S
_RTOL, _ATOL_M = 1e-10, 1e-2
_ITERATIONS = 15
_NEAR_M, _NEAR_S = 1.0, 1e-3
_NEAR_DEG = 0.01
_SHORTEST_S, _LONGEST_S = 1.0 * _DAY_S, 8.0 * _DAY_S
_MOST_CELLS = 200_000


@dataclass(frozen=True, eq=False)
class ReturnWindows:
    """Returns for departures, flight times and branches, one a row.

    Parameters
    ----------
    circle : LunarCircle
        The orbit that is left.
    aim : EntryAim
        What is reached.
    branch : ndarray of str, shape (n,)
        A name of `BRANCHES`.
    departure_s, entry_s : ndarray, shape (n,)
        Burn and passage of the entry interface, TDB since J2000 [s].
    departure_states : ndarray, shape (n, 6)
        After the burn, from the Moon's centre [m], [m/s].
    entry_states : ndarray, shape (n, 6)
        At the interface, from the Earth's centre [m], [m/s].
    burns_m_s : ndarray, shape (n, 3)
        Changes of velocity from the circle [m/s].
    excess_m_s : ndarray, shape (n,)
        Speed far from the Moon [m/s].
    perilune_error_m : ndarray, shape (n,)
        How far the state after the burn lies from the circle [m].
    inclination_deg : ndarray, shape (n,)
        Inclination of the outgoing hyperbola to the lunar equator, NaN if none was found [deg].
    range_m : ndarray, shape (n,)
        Down-range from the interface to the landing place [m]; NaN without one.
    converged : ndarray of bool, shape (n,)
        Whether departure and entry are met to 1 m, 1 ms and 0.01 deg.
    """

    circle: LunarCircle
    aim: EntryAim
    branch: npt.NDArray[np.str_]
    departure_s: Floats
    entry_s: Floats
    departure_states: Floats
    entry_states: Floats
    burns_m_s: Floats
    excess_m_s: Floats
    perilune_error_m: Floats
    inclination_deg: Floats
    range_m: Floats
    converged: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.departure_s)

    @property
    def tei_m_s(self) -> Floats:
        """Size of the burns [m/s].

        Returns
        -------
        ndarray, shape (n,)
        """
        return np.asarray(np.linalg.norm(self.burns_m_s, axis=1))

    @property
    def reached(self) -> npt.NDArray[np.bool_]:
        """Which rows come down at the landing place with a range that the capsule can fly.

        Returns
        -------
        ndarray of bool, shape (n,)
            All false without a landing place.
        """
        with np.errstate(invalid="ignore"):
            near = (self.range_m >= self.aim.least_range_m) & (self.range_m <= self.aim.most_range_m)
        return self.converged & near

    def state(self, row: int) -> State:
        """State after the burn.

        Parameters
        ----------
        row : int
            The row.

        Returns
        -------
        State
            From the Moon's centre.
        """
        vector = self.departure_states[row]
        return State(float(self.departure_s[row]), vector[:3], vector[3:], "moon")

    def reason(self, row: int) -> str:
        """Why a row did not converge.

        Parameters
        ----------
        row : int
            The row.

        Returns
        -------
        str
            Empty if it did.
        """
        if self.converged[row]:
            return ""
        tilt = float(self.inclination_deg[row])
        if self.circle.node_deg is None and math.isfinite(tilt):
            return (
                f"an orbit of {self.circle.inclination_deg:g} deg never holds the way home, which takes "
                f"{tilt:.2f} deg; give that inclination, or a node for a burn out of the plane"
            )
        if self.aim.place is None:
            return f"an entry of {self.aim.inclination_deg:g} deg may not reach the point opposite to the Moon"
        return "no flight was found: the flight time, the range or the angle of entry does not fit"

    def entry(self, row: int) -> Entry:
        """Passage of the entry interface.

        Parameters
        ----------
        row : int
            The row.

        Returns
        -------
        Entry
        """
        vector = self.entry_states[row]
        return Entry.of(State(float(self.entry_s[row]), vector[:3], vector[3:], "earth"))

    def best(self) -> int:
        """Row with the least burn among those that converged, and reach the place if one is given.

        Returns
        -------
        int

        Raises
        ------
        InputError
            If no row will do.
        """
        good = self.reached if self.aim.place is not None else self.converged
        if not good.any():
            raise InputError(
                "no return converged within the range of the capsule",
                where="returns",
                advice="scan more days and flight times, or allow longer ranges",
            )
        return int(np.argmin(np.where(good, self.tei_m_s, np.inf)))

    def joined(self, other: ReturnWindows) -> ReturnWindows:
        """These rows and those of another scan from the same orbit.

        Parameters
        ----------
        other : ReturnWindows
            The other scan.

        Returns
        -------
        ReturnWindows
            With the aim of the first.

        Raises
        ------
        InputError
            If the orbits differ.
        """
        if other.circle != self.circle:
            raise InputError("the scans are from two orbits", where="joined", advice="join scans from one orbit")
        names = [item.name for item in fields(self) if isinstance(getattr(self, item.name), np.ndarray)]
        both: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names
        }
        return replace(self, **both)

    def rows(self) -> list[dict[str, Any]]:
        """Rows with units in their names, for tables and JSON.

        Returns
        -------
        list of dict
        """
        return [self._row(row) for row in range(len(self))]

    def _row(self, row: int) -> dict[str, Any]:
        """One row; numbers of a return that did not converge are None."""
        from moonpost.sky.timescale import default_timescale

        departure, arrival = default_timescale().utc(np.array([self.departure_s[row], self.entry_s[row]]))
        good = bool(self.converged[row])
        entry = self.entry(row) if good else None
        found: dict[str, Any] = {
            "departure": f"{departure}Z",
            "tof_d": float(self.entry_s[row] - self.departure_s[row]) / _DAY_S,
            "branch": str(self.branch[row]),
            "tei_km_s": float(self.tei_m_s[row]) / 1e3 if good else None,
            "v_infinity_km_s": float(self.excess_m_s[row]) / 1e3 if good else None,
            "orbit_inclination_deg": float(self.inclination_deg[row]) if good else None,
            "entry_utc": f"{arrival}Z" if good else None,
            "entry_speed_km_s": entry.speed_m_s / 1e3 if entry else None,
            "entry_ground_speed_km_s": entry.ground_speed_m_s / 1e3 if entry else None,
            "entry_angle_deg": entry.flight_path_deg if entry else None,
            "entry_latitude_deg": entry.latitude_deg if entry else None,
            "entry_longitude_deg": entry.longitude_deg if entry else None,
            "entry_heading_deg": entry.ground_heading_deg if entry else None,
            "entry_way": None if entry is None else _way(entry),
            "return_inclination_deg": entry.inclination_deg if entry else None,
            "downrange_km": None,
            "crossrange_km": None,
            "landing_reached": bool(self.reached[row]),
            "perilune_error_km": float(self.perilune_error_m[row]) / 1e3 if good else None,
            "converged": good,
            "reason": self.reason(row),
        }
        if entry and self.aim.place is not None:
            ahead, aside = entry.ranges_m(self.aim.place)
            found |= {"downrange_km": ahead / 1e3, "crossrange_km": aside / 1e3}
        return found


def _way(entry: Entry) -> str:
    """Whether an entry goes north or south."""
    return "northbound" if math.cos(math.radians(entry.ground_heading_deg)) >= 0.0 else "southbound"


def scan_returns(
    almanac: Almanac,
    departure: TimeLike,
    flight_time_s: npt.ArrayLike,
    circle: LunarCircle,
    aim: EntryAim,
    *,
    branches: Iterable[str] = ("ascending", "descending"),
    threads: int | None = None,
) -> ReturnWindows:
    """Find returns for every departure, flight time and branch.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides and lunar orientation.
    departure : datetime64 array or other times, shape (d,)
        When the orbit round the Moon is left, UTC.
    flight_time_s : array_like, shape (f,)
        Times from the burn to the entry interface, 1 to 8 days [s]; with a landing place and `aim.free` of
        ``"time"`` each is moved by up to half a day.
    circle : LunarCircle
        The orbit that is left.
    aim : EntryAim
        Interface and landing place, or inclination.
    branches : iterable of str
        Of ``"ascending"`` and ``"descending"``; with a fixed node there is one way only, and the rows of the
        first branch are given.
    threads : int, optional
        Threads; as many as there are processors if not given.

    Returns
    -------
    ReturnWindows
        Rows by departure, then flight time, then branch.

    Raises
    ------
    DateError
        If a date lies outside the kernels.
    InputError
        If a flight time or a branch cannot be used.

    Notes
    -----
    Newton's method back in time: from states at the interface with the wanted altitude and angle the flight goes
    back, with Moon, Sun and Earth as points, to 18 h after perilune, then 2 h, then to the burn itself; the
    hyperbola found there has to pass the B-plane where a burn along the circle leaves it, when the orbit is left.
    With a fixed node the burn is the cheapest one, at any place of the circle, out of its plane as far as needed.
    Left out: the figure of the Earth, which shifts Chang'e 5's entry by 3 km and 0.01 deg of its angle, and the
    field of the Moon beyond a point.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> found = scan_returns(
    ...     Almanac.default(), "2020-12-13T02:02", [3.646 * 86400], LunarCircle(230e3, 44.0), EntryAim(),
    ...     branches=["ascending"],
    ... )
    >>> found.converged.tolist(), found.tei_m_s.round(-1).tolist()
    ([True], [830.0])
    """
    start, duration, side, names = _cells(almanac, departure, flight_time_s, circle, branches)
    env = Environment.make(
        almanac,
        float(start.min()) - _MARGIN_S,
        float((start + duration).max()) + _MARGIN_S,
        degree=0,
        bodies=("sun", "moon"),
        centre="earth",
        impact_radius_m={"moon": 0.0, "earth": 0.0},
    )
    moon = env.body_state("moon", start)
    unknowns = Unknowns(aim, start, duration, moon[:, :3])
    turns = env.rotation(start)
    task = _Task(env, unknowns, start, side, circle, turns, threads)
    x = unknowns.first.copy()
    good: npt.NDArray[np.bool_] = np.asarray(np.isfinite(x).all(axis=1))
    for lead in _LEADS_S:
        x, good = _newton(task, x, good, lead)
    return _windows(task, x, good, names, aim)


@dataclass(frozen=True, eq=False)
class _Task:
    """What all rows of a scan share."""

    env: Environment
    unknowns: Unknowns
    start: Floats
    side: Floats
    circle: LunarCircle
    turns: Floats
    threads: int | None

    @property
    def gm(self) -> float:
        """Gravitational parameter of the Moon."""
        return self.env.gm_m3_s2["moon"]

    def flown(self, rows: Rows, x: Floats, lead_s: float) -> Floats:
        """States from the Moon at a time after the departure, of flights back from the interface."""
        begin, states = self.unknowns.states(rows, x)
        until = self.start[rows] + lead_s
        ends = np.full((len(rows), 6), np.nan)
        usable = np.isfinite(states).all(axis=1) & (np.abs(begin - until) < 2.0 * _LONGEST_S)
        if usable.any():
            batch = propagate_batch(
                states[usable], begin[usable], until[usable], self.env, rtol=_RTOL, atol_m=_ATOL_M,
                threads=self.threads,
            )  # fmt: skip
            ends[usable] = np.where(batch.arrived[:, None], batch.states, np.nan)
        return ends - self.env.body_state("moon", until)

    def misses(self, rows: Rows, x: Floats, lead_s: float) -> Floats:
        """By how much the hyperbolas miss what they aim at: two in the B-plane [km] and in time [s]."""
        found = Hyperbolas.of(self.flown(rows, x, lead_s), self.gm)
        poles = self.turns[rows][:, 2]
        offsets, since = self.wanted(rows, found)
        east = np.cross(found.outward, poles)
        east /= np.linalg.norm(east, axis=1)[:, None]
        south = np.cross(found.outward, east)
        off = (found.offset_m - offsets) / 1e3
        late = found.since_perilune_s - since - lead_s
        return np.stack([np.einsum("ni,ni->n", off, east), np.einsum("ni,ni->n", off, south), late], axis=1)

    def poles(self, rows: Rows) -> Floats:
        """Poles of the orbit, whose node holds at the first departure."""
        first = int(np.argmin(self.start))
        return self.circle.poles(self.turns[first], self.start[rows] - self.start[first])

    def wanted(self, rows: Rows, found: Hyperbolas) -> tuple[Floats, Floats]:
        """Offsets B and times since perilune at the departure that the orbit asks for."""
        if self.circle.node_deg is None:
            return tangent_offsets(found, self.turns[rows][:, 2], self.circle, self.side[rows], self.gm)[:2]
        places, _ = cheapest_burns(found, self.poles(rows), self.circle.radius_m, self.gm)
        speeds = escape_velocity(places, found.excess_m_s[:, None] * found.outward, self.gm)
        aimed = Hyperbolas.of(np.hstack([places, speeds]), self.gm)
        return aimed.offset_m, aimed.since_perilune_s


def _newton(
    task: _Task, x: Floats, good: npt.NDArray[np.bool_], lead_s: float
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Unknowns that meet the departure, and which rows do."""
    limits, steps = task.unknowns.limits, task.unknowns.steps
    x, met = x.copy(), np.zeros(len(x), dtype=bool)
    active = np.flatnonzero(good)
    near = np.array([_NEAR_M / 1e3, _NEAR_M / 1e3, _NEAR_S]) * (1.0 if lead_s == 0.0 else 1e3)
    for _ in range(_ITERATIONS):
        if active.size == 0:
            break
        count = active.size
        trials = np.repeat(x[active][:, None], 4, axis=1)
        trials[:, 1:] += np.diag(steps)
        missed = task.misses(np.repeat(active, 4), trials.reshape(-1, 3), lead_s).reshape(count, 4, 3)
        done = (np.abs(missed[:, 0]) < near).all(axis=1)
        slopes = np.swapaxes(missed[:, 1:] - missed[:, :1], 1, 2) / steps
        usable = np.isfinite(slopes).all(axis=(1, 2)) & np.isfinite(missed[:, 0]).all(axis=1) & ~done
        usable[usable] = np.abs(np.linalg.det(slopes[usable])) > 1e-30
        met[active[done]] = True
        move = -np.linalg.solve(slopes[usable], missed[usable, 0][..., None])[..., 0]
        share = np.minimum(1.0, (limits / np.maximum(np.abs(move), 1e-30)).min(axis=1))
        active = active[usable]
        x[active] += share[:, None] * move
    return x, met


def _windows(
    task: _Task, x: Floats, good: npt.NDArray[np.bool_], names: npt.NDArray[np.str_], aim: EntryAim
) -> ReturnWindows:
    """The rows of a scan from its unknowns."""
    rows = np.arange(len(x))
    entry_s, entry_states = task.unknowns.states(rows, x)
    after = task.flown(rows, x, 0.0)
    found = Hyperbolas.of(after, task.gm)
    poles = task.turns[:, 2]
    radius = task.circle.radius_m
    with np.errstate(invalid="ignore"):
        if task.circle.node_deg is None:
            speed = np.linalg.norm(after[:, 3:], axis=1)
            burns = after[:, 3:] * (1.0 - task.circle.speed_m_s(task.gm) / speed)[:, None]
        else:
            _, burns = cheapest_burns(found, task.poles(rows), radius, task.gm)
        momentum = np.cross(after[:, :3], after[:, 3:])
        cosine = np.einsum("ni,ni->n", momentum, poles) / np.linalg.norm(momentum, axis=1)
        tilt = np.where(good, np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), np.nan)
        error = np.abs(np.linalg.norm(after[:, :3], axis=1) - radius)
        if task.circle.node_deg is None:
            good = good & (np.abs(tilt - task.circle.inclination_deg) < _NEAR_DEG)
    return ReturnWindows(
        task.circle, aim, names, task.start, entry_s, after, entry_states, burns, found.excess_m_s, error, tilt,
        task.unknowns.ranges_m(x), good,
    )  # fmt: skip


def _cells(
    almanac: Almanac,
    departure: TimeLike,
    flight_time_s: npt.ArrayLike,
    circle: LunarCircle,
    branches: Iterable[str],
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.str_]]:
    """Departures, flight times, sides and names of branches of all cells."""
    from moonpost.sky.kernelfiles import read_kernels

    kernels = read_kernels([kernel.path for kernel in almanac.kernels])
    begin = np.atleast_1d(kernels.timescale.tdb_s(as_utc(departure))).ravel()
    durations = _durations(flight_time_s)
    chosen = _chosen(branches)[: 1 if circle.node_deg is not None else None]
    count = begin.size * durations.size * len(chosen)
    if not 0 < count <= _MOST_CELLS:
        raise InputError(f"{count} cells", where="returns", advice=f"ask for 1 to {_MOST_CELLS}")
    sides = np.array([BRANCHES[name] for name in chosen])
    grid = np.meshgrid(begin, durations, np.arange(len(chosen)), indexing="ij")
    picked = grid[2].ravel()
    return grid[0].ravel(), grid[1].ravel(), sides[picked], np.array(chosen)[picked]


def _durations(flight_time_s: npt.ArrayLike) -> Floats:
    """Flight times, checked."""
    try:
        durations = np.atleast_1d(np.asarray(flight_time_s, dtype=np.float64)).ravel()
    except (TypeError, ValueError) as error:
        raise InputError("is not made of numbers", where="flight_time_s", advice="give seconds") from error
    if durations.size == 0 or not ((durations >= _SHORTEST_S) & (durations <= _LONGEST_S)).all():
        raise InputError(
            f"{durations / _DAY_S} d are no flight times",
            where="flight_time_s",
            advice="give 1 to 8 days in seconds",
        )
    return durations


def _chosen(branches: Iterable[str]) -> Sequence[str]:
    """Names of branches, checked, each once."""
    names = list(dict.fromkeys([branches] if isinstance(branches, str) else branches))
    unknown = [name for name in names if name not in BRANCHES]
    if unknown or not names or not all(math.isfinite(BRANCHES[name]) for name in names):
        raise InputError(f"{unknown or names}", where="branches", advice=f"give {' or '.join(BRANCHES)}")
    return names
