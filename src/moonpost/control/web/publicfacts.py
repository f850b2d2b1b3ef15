"""What the public may know: which lunar day it is, who is awake, what came back. No more is asked for."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import MoonpostError
from moonpost.plan.base import when_bounds
from moonpost.sky.times import as_utc

if TYPE_CHECKING:
    from moonpost.plan import Plan

__all__ = ["Machine", "News", "PublicFacts", "PublicView", "Returned"]

_WORKING, _LIGHT = "element_working", "in_light"
_FRESH_S = 15.0
_MOST_NEWS = 50
_BINS, _MANY, _MOST_TURNS = 2000, 100_000, 500

Times = npt.NDArray[np.datetime64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Machine:
    """A machine, and whether it is awake as far as mission control has heard.

    Parameters
    ----------
    name : str
        Its name for people.
    awake : bool or None
        None while nothing has been heard of it.

    Examples
    --------
    >>> Machine("Survey rover", True).awake
    True
    """

    name: str
    awake: bool | None


@dataclass(frozen=True)
class Returned:
    """Lunar material that is on Earth.

    Parameters
    ----------
    name : str
        The mission.
    mass_g : float
        Mass [g].
    utc : datetime64[ms]
        When it came.

    Examples
    --------
    >>> Returned("Chang'e 5", 1731.0, np.datetime64("2020-12-16T17:59", "ms")).mass_g
    1731.0
    """

    name: str
    mass_g: float
    utc: np.datetime64


@dataclass(frozen=True)
class News:
    """An entry of the feed.

    Parameters
    ----------
    id : str
        A name that stays the same for ever (RFC 4122).
    title : str
        What happened.
    utc : datetime64[ms]
        When.

    Examples
    --------
    >>> News("urn:uuid:0", "Lunar day 2 has begun", np.datetime64("2040-01-01", "ms")).title
    'Lunar day 2 has begun'
    """

    id: str
    title: str
    utc: np.datetime64


@dataclass(frozen=True)
class PublicFacts:
    """All that the public page and feed say.

    Parameters
    ----------
    title : str
        Name of the station.
    utc : datetime64[ms]
        Mission time.
    lunar_day : int or None
        Counted from the first landing; None in orbit and before it.
    earth_day : int or None
        Whole days of 24 hours since the first landing.
    machines : tuple of Machine
        By name.
    returned : tuple of Returned
        Latest first.
    received_bytes : int
        Telemetry that is kept [octets].
    news : tuple of News
        Latest first.

    Examples
    --------
    >>> now = np.datetime64("2040-01-01", "ms")
    >>> PublicFacts("Station", now, 1, 0, (), (), 0, ()).lunar_day
    1
    """

    title: str
    utc: np.datetime64
    lunar_day: int | None
    earth_day: int | None
    machines: tuple[Machine, ...]
    returned: tuple[Returned, ...]
    received_bytes: int
    news: tuple[News, ...]


class PublicView:
    """Facts of a mission for the public, at most 15 s old, so that many readers cost no more than one.

    Parameters
    ----------
    mission : MissionControl
        Needs ``plan`` and ``clock``; uses ``ground`` and ``site`` if there are such.
    wall : callable
        Gives a time that never goes back [s].

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.control.clock import MissionClock
    >>> from moonpost.plan import load_plan
    >>> clock = MissionClock(np.datetime64("2035-01-10"), stop=np.datetime64("2035-01-10"))
    >>> facts = PublicView(SimpleNamespace(plan=load_plan("ilrs"), clock=clock)).facts()
    >>> facts.lunar_day, facts.earth_day, facts.returned[0].mass_g
    (38, 1105, 1935.3)
    """

    def __init__(self, mission: Any, *, wall: Callable[[], float] = time.monotonic) -> None:
        self._mission, self._wall = mission, wall
        self._lock = threading.Lock()
        self._known: tuple[float, PublicFacts] | None = None
        self._began: np.datetime64 | None = None

    def facts(self) -> PublicFacts:
        """The facts as they are now.

        Returns
        -------
        PublicFacts
        """
        with self._lock:
            if self._known is None or self._wall() - self._known[0] > _FRESH_S:
                self._known = (self._wall(), self._gathered())
            return self._known[1]

    def _gathered(self) -> PublicFacts:
        plan: Plan = self._mission.plan
        now = as_utc(self._mission.clock.now()).ravel()[0]
        days = _Days(plan, getattr(self._mission, "site", None))
        lunar, earth = days.at(now)
        returned = _returned(plan, now)
        names = {element.id: element.name for element in plan.elements}
        machines, turns = self._machines(names, now)
        news = [
            *(_news(plan, f"lunar-day-{number}", f"Lunar day {number} has begun", t)
              for number, t in days.begun(self._start(), now)),
            *(_news(plan, f"samples-{row.name}", f"{row.name} brought {_mass(row.mass_g)} to Earth", row.utc)
              for row in returned),
            *turns,
        ]  # fmt: skip
        news.sort(key=lambda row: (row.utc, row.id), reverse=True)
        return PublicFacts(
            plan.title, now, lunar, earth, machines, returned, self._received(), tuple(news[:_MOST_NEWS])
        )

    def _start(self) -> np.datetime64:
        station = getattr(self._mission, "station", None)
        span = getattr(station, "span", None)
        if span is not None:
            return as_utc(span[0]).ravel()[0]
        if self._began is None:
            self._began = as_utc(self._mission.clock.now()).ravel()[0]
        return self._began

    def _received(self) -> int:
        ground = getattr(self._mission, "ground", None)
        return 0 if ground is None else sum(segment.size_bytes for segment in ground.archive.segments)

    def _machines(self, names: dict[str, str], now: np.datetime64) -> tuple[tuple[Machine, ...], list[News]]:
        """Who is awake, and when each woke or went to sleep, from what was received."""
        ground = getattr(self._mission, "ground", None)
        if ground is None:
            return (), []
        plan, start = self._mission.plan, self._start()
        carried = set(ground.archive.parameters)
        machines, news = [], []
        for element in plan.elements:
            keys = _awake_keys(element, carried)
            if not keys:
                continue
            times, awake = _course(ground.archive, keys, start, now)
            machines.append(Machine(names[element.id], bool(awake[-1]) if awake.size else None))
            for row in range(1, len(times)):
                word, text = ("wake", "has woken up") if awake[row] else ("sleep", "has gone to sleep")
                at = times[row].astype("datetime64[ms]")
                news.append(_news(plan, f"{element.id}-{word}-{at}", f"{names[element.id]} {text}", at))
        return tuple(sorted(machines, key=lambda row: row.name)), news


class _Days:
    """Lunar and Earth days since the first landing."""

    def __init__(self, plan: Plan, site: str | None) -> None:
        from moonpost.control.timeline.lunarday import LunarClock
        from moonpost.sky import Almanac

        clock = LunarClock(plan, site)
        self._landing, self._place, self._almanac = clock.landing, clock.place, Almanac.default()

    def at(self, now: np.datetime64) -> tuple[int | None, int | None]:
        from moonpost.sky.days import earth_day, lunar_day

        if self._landing is None or now < self._landing:
            return None, None
        earth = int(earth_day(self._landing, now)[0])
        if self._place is None:
            return None, earth
        return int(lunar_day(self._almanac, self._place, self._landing, now)[0]), earth

    def begun(self, start: np.datetime64, now: np.datetime64) -> list[tuple[int, np.datetime64]]:
        """Lunar days that began within a period, with when."""
        from moonpost.sky.days import solar_midnights

        if self._place is None or self._landing is None:
            return []
        first = max(start, self._landing)
        if now <= first:
            return []
        minute = np.timedelta64(60_000, "ms")
        found = []
        for t in solar_midnights(self._almanac, self._place, first, now):
            number, _ = self.at(t + minute)
            if number is not None:
                found.append((number, t))
        return found


def _awake_keys(element: Any, carried: set[str]) -> list[str]:
    """Channels that tell together whether a machine is awake: those on a bus of their own sleep with its light.

    Sources and stores of power do not sleep.
    """
    if element.kind == "power":
        return []
    keys = [f"{element.id}.{_WORKING}"]
    if element.bus == "own" and element.dormancy is None:
        keys.append(f"{element.id}.{_LIGHT}")
    return keys if all(key in carried for key in keys) else []


def _course(archive: Any, keys: list[str], start: np.datetime64, now: np.datetime64) -> tuple[Times, Flags]:
    """Instants at which it changed whether all channels say 1, from the first sample on."""
    stop = now + np.timedelta64(1, "ms")
    try:
        rows = [_changes(archive, key, start, stop) for key in keys] if stop > start else []
    except MoonpostError:
        rows = []
    if not rows or any(not times.size for times, _ in rows):
        return np.empty(0, "datetime64[us]"), np.empty(0, bool)
    times = np.unique(np.concatenate([times for times, _ in rows]))
    times = times[times >= max(row[0][0] for row in rows)]
    said = [values[np.searchsorted(at, times, side="right") - 1] for at, values in rows]
    awake: Flags = np.logical_and.reduce(said)
    kept = np.r_[True, awake[1:] != awake[:-1]]
    return times[kept], awake[kept]


def _changes(archive: Any, key: str, start: np.datetime64, stop: np.datetime64) -> tuple[Times, Flags]:
    """First sample of a channel, and those at which it changes between 0 and 1.

    Of many samples bins are read first, and then the samples of those in which something changes.
    """
    coarse = archive.query(key, start, stop, bins=_BINS)
    if int(coarse.count.sum()) <= _MANY:
        row = archive.query(key, start, stop)
        times, said = row.time, row.value > 0.5
    else:
        width = np.timedelta64(round(coarse.step_s * 1e6), "us")
        low, mixed = coarse.minimum > 0.5, (coarse.minimum > 0.5) != (coarse.maximum > 0.5)
        turned = mixed | np.r_[True, mixed[:-1] | (low[1:] != low[:-1])]
        first, last = start.astype("datetime64[us]"), stop.astype("datetime64[us]")
        begins = coarse.time[turned][-_MOST_TURNS:]
        rows = [archive.query(key, max(t, first), min(t + width, last)) for t in begins]
        times = np.concatenate([row.time for row in rows])
        said = np.concatenate([row.value for row in rows]) > 0.5
    kept = np.r_[True, said[1:] != said[:-1]] if times.size else np.empty(0, bool)
    return times[kept], said[kept]


def _returned(plan: Plan, now: np.datetime64) -> tuple[Returned, ...]:
    """Samples that were on Earth by a date; of a date known to the month or year, from its end on."""
    names = {mission.id: (mission.name, mission.status) for mission in plan.missions}
    rows = []
    for sample in plan.samples:
        if sample.returned is None or names[sample.mission][1] in {"lost", "cancelled"}:
            continue
        came = as_utc(when_bounds(sample.returned)[1]).ravel()[0]
        if came <= now:
            rows.append(Returned(names[sample.mission][0], sample.mass_g, came))
    return tuple(sorted(rows, key=lambda row: row.utc, reverse=True))


def _mass(mass_g: float) -> str:
    return f"{mass_g / 1000:.3f} kg" if mass_g >= 1000 else f"{mass_g:g} g"


def _news(plan: Plan, what: str, title: str, utc: np.datetime64) -> News:
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"moonpost:{plan.id}:{what}")
    return News(f"urn:uuid:{name}", title, utc)
