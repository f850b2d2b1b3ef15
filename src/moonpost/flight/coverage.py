"""Contacts of satellites round the Moon with a site, the Earth or a ground station, and the gaps between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.environment import Environment, Instant
from moonpost.flight.events import Crossing, find_events
from moonpost.flight.parallel import in_threads
from moonpost.flight.propagate import propagate
from moonpost.flight.state import State
from moonpost.flight.trajectory import Trajectory
from moonpost.flight.views import EarthView, Path, SiteView, StationView, View
from moonpost.sky.timescale import default_timescale

__all__ = [
    "Contacts",
    "EarthView",
    "Path",
    "SiteView",
    "StationView",
    "View",
    "at_least",
    "contacts",
    "contacts_in_legs",
    "fly_satellites",
    "intersection",
    "joined",
    "union",
]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0


@dataclass(frozen=True, eq=False)
class Contacts:
    """Intervals of contact in a span of time, and the gaps between them.

    Parameters
    ----------
    start_tdb_s, stop_tdb_s : ndarray, shape (n,)
        Ends of each contact, ascending, TDB since J2000 [s]; cut at the ends of the span.
    span_tdb_s : tuple of float
        First and last instant looked at [s].

    Examples
    --------
    >>> two = Contacts(np.array([10.0, 50.0]), np.array([20.0, 70.0]), (0.0, 100.0))
    >>> two.share, two.longest_gap_s, two.gaps().duration_s.tolist(), two.mean_wait_s
    (0.3, 30.0, [10.0, 30.0, 30.0], 9.5)
    """

    start_tdb_s: Floats
    stop_tdb_s: Floats
    span_tdb_s: tuple[float, float]

    def __len__(self) -> int:
        return len(self.start_tdb_s)

    @property
    def duration_s(self) -> Floats:
        """Length of each contact.

        Returns
        -------
        ndarray, shape (n,)
            [s]
        """
        return self.stop_tdb_s - self.start_tdb_s

    @property
    def share(self) -> float:
        """Share of the span in contact.

        Returns
        -------
        float
            0 to 1.
        """
        return float(self.duration_s.sum() / (self.span_tdb_s[1] - self.span_tdb_s[0]))

    @property
    def longest_gap_s(self) -> float:
        """The longest gap; one that the span cuts counts as far as it is seen.

        Returns
        -------
        float
            0 if there is none [s].
        """
        return float(self.gaps().duration_s.max(initial=0.0))

    @property
    def mean_wait_s(self) -> float:
        """How long one waits for a contact on average, from any instant of the span.

        Returns
        -------
        float
            [s]
        """
        gaps = self.gaps().duration_s
        return float((gaps**2).sum() / 2.0 / (self.span_tdb_s[1] - self.span_tdb_s[0]))

    @property
    def start_utc(self) -> npt.NDArray[np.datetime64]:
        """Beginnings in UTC.

        Returns
        -------
        ndarray of datetime64[ms], shape (n,)
        """
        return default_timescale().utc(self.start_tdb_s)

    @property
    def stop_utc(self) -> npt.NDArray[np.datetime64]:
        """Ends in UTC.

        Returns
        -------
        ndarray of datetime64[ms], shape (n,)
        """
        return default_timescale().utc(self.stop_tdb_s)

    def gaps(self) -> Contacts:
        """The intervals without contact.

        Returns
        -------
        Contacts
            Of the same span.
        """
        start = np.concatenate([[self.span_tdb_s[0]], self.stop_tdb_s])
        stop = np.concatenate([self.start_tdb_s, [self.span_tdb_s[1]]])
        real = stop > start
        return Contacts(start[real], stop[real], self.span_tdb_s)

    def summary(self) -> dict[str, Any]:
        """Figures of the contacts and gaps.

        Returns
        -------
        dict
            Numbers of contacts and of those a day, share, lengths of contacts and gaps [s].
        """
        gaps = self.gaps().duration_s
        length, days = self.duration_s, (self.span_tdb_s[1] - self.span_tdb_s[0]) / _DAY_S
        middle = {"median": 50.0, "p95": 95.0}
        found: dict[str, Any] = {
            "contacts": len(self),
            "contacts_per_day": len(self) / days,
            "share": self.share,
            "mean_contact_s": float(length.mean()) if len(length) else 0.0,
            "longest_contact_s": float(length.max(initial=0.0)),
            "gaps": len(gaps),
            "longest_gap_s": self.longest_gap_s,
            "mean_wait_s": self.mean_wait_s,
        }
        return found | {
            f"{name}_gap_s": float(np.percentile(gaps, part)) if len(gaps) else 0.0
            for name, part in middle.items()
        }


def contacts(flown: Trajectory, view: View) -> Contacts:
    """Contacts of a satellite on its way, their ends found to better than 1 ms.

    Parameters
    ----------
    flown : Trajectory
        A flight about the Moon with dense output.
    view : View
        What must be seen: `SiteView`, `EarthView`, `StationView` or a `Path` of several.

    Returns
    -------
    Contacts
        Of the span of the flight.

    Raises
    ------
    InputError
        If the flight has another centre or no dense output.
    ModelError
        If the flight came down or broke off before its time: shares and gaps would be those of a shorter span.

    Notes
    -----
    A flight that an event ended, because it was asked to, is taken with the span that it has.

    The margin is looked at once a minute at least; where it comes near zero without crossing it, its extremum is
    sought, so that a pass of seconds is found too.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> flown = propagate(State.circling(env, "2030-01-01", 100e3, 90.0), "2030-01-01T06:00", env)
    >>> passes = contacts(flown, SiteView(Site(-89.5, 0.0)))
    >>> len(passes), bool(passes.duration_s.max() < 1200.0)
    (3, True)
    """
    if flown.start.centre != "moon":
        raise InputError("the flight is from the Earth's centre", where="contacts", advice="fly about the Moon")
    _check_end(flown, flown.start.time_tdb_s)
    begin, end = sorted((flown.start.time_tdb_s, flown.final.time_tdb_s))
    if not len(flown.steps):
        raise InputError("dense output was not kept", where="contacts", advice="propagate with dense=True")
    measure = view.margin_rad
    first = bool(measure(flown.env, np.array([begin]), flown.at_elapsed([_elapsed(flown, begin)]))[0] > 0.0)
    found = find_events(
        [Crossing(measure, "rise", "set")],
        flown.env,
        flown.start.time_tdb_s,
        flown.duration_s,
        flown.steps,
        flown.coefficients,
    )
    rows = sorted((event.time_tdb_s, event.name == "rise") for event, _ in found)
    return _alternating(rows, first, (begin, end))


def _check_end(flown: Trajectory, begin_tdb_s: float) -> None:
    """Refuse a flight that came down or broke off."""
    if flown.impact is not None or flown.failed:
        raise ModelError(
            f"the flight ends after {abs(flown.final.time_tdb_s - begin_tdb_s) / _DAY_S:.2f} d: {flown.ended}",
            where="contacts",
            advice="look for fewer days, or take another orbit or node",
        )


def _elapsed(flown: Trajectory, tdb_s: float) -> float:
    """Time from the start of the flight, kept inside it."""
    low, high = sorted((0.0, flown.duration_s))
    return float(np.clip(tdb_s - flown.start.time_tdb_s, low, high))


def _alternating(rows: Iterable[tuple[float, bool]], inside: bool, span: tuple[float, float]) -> Contacts:
    """Intervals from risings and settings in the order of time."""
    start, stop = ([span[0]] if inside else []), []
    for time, rises in rows:
        if rises and not inside:
            start.append(time)
        elif not rises and inside:
            stop.append(time)
        inside = rises
    if inside:
        stop.append(span[1])
    return Contacts(np.array(start), np.array(stop), span)


def at_least(parts: Sequence[Contacts], count: int = 1) -> Contacts:
    """When at least so many of several satellites or stations are in contact at once.

    Parameters
    ----------
    parts : sequence of Contacts
        Of the same span.
    count : int, default 1
        How many.

    Returns
    -------
    Contacts

    Raises
    ------
    InputError
        If spans differ, there are no parts or the count is not 1 to their number.

    Examples
    --------
    >>> a = Contacts(np.array([0.0]), np.array([60.0]), (0.0, 100.0))
    >>> b = Contacts(np.array([40.0]), np.array([80.0]), (0.0, 100.0))
    >>> at_least([a, b]).stop_tdb_s.tolist(), at_least([a, b], 2).start_tdb_s.tolist()
    ([80.0], [40.0])
    """
    if not parts or not 1 <= count <= len(parts):
        raise InputError(
            f"{count} of {len(parts)}", where="at_least", advice="give contacts and how many at least"
        )
    span = parts[0].span_tdb_s
    if any(not np.allclose(part.span_tdb_s, span, rtol=0.0, atol=1e-3) for part in parts):
        raise DateError("contacts of different spans", where="at_least", advice="fly all over the same span")
    edges = np.concatenate([*(part.start_tdb_s for part in parts), *(part.stop_tdb_s for part in parts)])
    times, place = np.unique(edges, return_inverse=True)
    change = np.bincount(place, np.repeat([1.0, -1.0], sum(map(len, parts))), len(times))
    enough = np.concatenate([[False], np.cumsum(change) > count - 0.5])
    start, stop = times[enough[1:] & ~enough[:-1]], times[~enough[1:] & enough[:-1]]
    return Contacts(start, stop, span)


def union(parts: Sequence[Contacts]) -> Contacts:
    """When any of several is in contact.

    Parameters
    ----------
    parts : sequence of Contacts
        Of the same span.

    Returns
    -------
    Contacts
    """
    return at_least(parts, 1)


def intersection(parts: Sequence[Contacts]) -> Contacts:
    """When all of several are in contact.

    Parameters
    ----------
    parts : sequence of Contacts
        Of the same span.

    Returns
    -------
    Contacts
    """
    return at_least(parts, len(parts))


def joined(parts: Sequence[Contacts]) -> Contacts:
    """Contacts of spans that follow one another as those of the whole.

    Parameters
    ----------
    parts : sequence of Contacts
        Each span begins where the one before ends.

    Returns
    -------
    Contacts
        A contact that goes on over a seam is one.

    Raises
    ------
    InputError
        If there are no parts, or spans do not meet.

    Examples
    --------
    >>> a = Contacts(np.array([5.0]), np.array([10.0]), (0.0, 10.0))
    >>> b = Contacts(np.array([10.0]), np.array([12.0]), (10.0, 20.0))
    >>> joined([a, b]).duration_s.tolist()
    [7.0]
    """
    spans = [part.span_tdb_s for part in parts]
    if not spans or any(abs(a[1] - b[0]) > 1e-3 for a, b in pairwise(spans)):
        raise InputError("spans do not meet", where="joined", advice="give contacts of spans one after another")
    start = np.concatenate([part.start_tdb_s for part in parts])
    stop = np.concatenate([part.stop_tdb_s for part in parts])
    apart = start[1:] > stop[:-1] + 1e-3
    keep = np.concatenate([[True], apart])[: len(start)]
    last = np.concatenate([apart, [True]])[: len(stop)]
    return Contacts(start[keep], stop[last], (spans[0][0], spans[-1][1]))


def contacts_in_legs(
    state: State,
    until: Instant,
    env: Environment,
    views: Sequence[View],
    *,
    leg_days: float = 30.0,
    rtol: float = 1e-11,
) -> list[Contacts]:
    """Contacts over a long time, flown leg by leg so that memory stays small.

    Parameters
    ----------
    state : State
        Where the satellite starts.
    until : Instant
        When the flight ends, later than the start.
    env : Environment
        Forces; must cover the flight.
    views : sequence of View
        What must be seen, each for itself.
    leg_days : float, default 30.0
        Length of a leg [d]; a low orbit takes 10 MB for 30 days.
    rtol : float, default 1e-11
        Error allowed in a step [1].

    Returns
    -------
    list of Contacts
        One for each view.

    Raises
    ------
    InputError
        If a number cannot be used or there are no views.
    ModelError
        If the satellite comes down before the end.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> whole, = contacts_in_legs(low, "2030-01-01T06:00", env, [EarthView()], leg_days=0.1)
    >>> len(whole) == len(contacts(propagate(low, "2030-01-01T06:00", env), EarthView()))
    True
    """
    stop = float(np.ravel(env.tdb_s(until))[0])
    if not views or not 1e-3 <= leg_days < np.inf or not stop > state.time_tdb_s:
        raise InputError(
            f"{len(views)} views, legs of {leg_days} d, end {stop - state.time_tdb_s:g} s after the start",
            where="contacts in legs",
            advice="give views, a length above 0 and a later end",
        )
    found: list[list[Contacts]] = [[] for _ in views]
    begin, now = state.time_tdb_s, state
    while now.time_tdb_s < stop - 1e-3:
        flown = propagate(now, min(now.time_tdb_s + leg_days * _DAY_S, stop), env, rtol=rtol)
        _check_end(flown, begin)
        for part, view in zip(found, views, strict=True):
            part.append(contacts(flown, view))
        now = flown.final
    return [joined(part) for part in found]


def fly_satellites(
    states: Sequence[State], until: Instant, env: Environment, *, rtol: float = 1e-11
) -> list[Trajectory]:
    """Fly several satellites with dense output, on all processors.

    Parameters
    ----------
    states : sequence of State
        Where they start.
    until : Instant
        When they end.
    env : Environment
        Forces; must cover the flights.
    rtol : float, default 1e-11
        Error allowed in a step [1].

    Returns
    -------
    list of Trajectory
        In the order of the states; one may end early at an impact.

    Raises
    ------
    InputError
        If there are none, or one cannot be used.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> low = State.circling(env, "2030-01-01", 100e3, 90.0)
    >>> [flown.ended for flown in fly_satellites([low, low], "2030-01-01T02:00", env)]
    ['time', 'time']
    """
    if not states:
        raise InputError("no satellites", where="states", advice="give at least one state")
    return in_threads(lambda state: propagate(state, until, env, rtol=rtol), states, 8)
