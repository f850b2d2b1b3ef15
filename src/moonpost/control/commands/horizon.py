"""How far ahead a command has to be looked at, and a world that reaches there, whatever span is flown."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from moonpost.control.station.world import World
    from moonpost.operations.changes import Change
    from moonpost.operations.simulation import Run, Simulation

__all__: list[str] = []

_DAY = np.timedelta64(86_400, "s")
_MONTH = np.timedelta64(2_551_443, "s")
"""A synodic month: Sun and shadows come round again."""
_MARGIN = 3 * _DAY
"""Daylight after a night in which what can wake again has done so."""
_FARTHEST = 400 * _DAY
"""A year and a month: where the Sun has not set in it, it does not."""
_FIRST, _FURTHER, _SPARE = _MONTH + 19 * _DAY, 60 * _DAY, 15 * _DAY
_EDGE = 3 * _DAY
_STEP_S, _MOST_STEP_S, _MOST_STEPS = 300.0, 3600.0, 60_000

Times = npt.NDArray[np.datetime64]
Plans = tuple[Sequence["Change"], Sequence["Run"]]


@dataclass(frozen=True)
class Seen:
    """The time to a horizon without and with a command.

    Parameters
    ----------
    before, after : Simulation
        From the beginning of the span to the horizon.

    Examples
    --------
    >>> Seen.__name__
    'Seen'
    """

    before: Simulation
    after: Simulation


def horizon_of(time: Times, lit: npt.NDArray[np.bool_], since: np.datetime64) -> np.datetime64 | None:
    """Where a look ahead from an instant may end.

    Parameters
    ----------
    time : ndarray of datetime64, (n,)
        UTC.
    lit : ndarray of bool, (k, n)
        Whether the Sun is in view, for each place that matters.
    since : datetime64
        From when.

    Returns
    -------
    datetime64 or None
        The last instant that is a synodic month and one whole night of each place, with three days after it, later
        than `since`; in daylight of three days if there is one. A place whose light does not turn for 400 days has
        no night. None if the times do not reach so far.

    Examples
    --------
    >>> time = np.datetime64("2040-01-01") + np.arange(60)
    >>> lit = ((np.arange(60) % 29) < 15)[None, :]
    >>> horizon_of(time, lit, time[2]), horizon_of(time, lit, time[40])
    (np.datetime64('2040-02-13'), None)
    """
    needed = since + _MONTH
    for row in lit:
        dawn = _dawn(time, row, since)
        needed = max(needed, since + _FARTHEST if dawn is None else dawn + _MARGIN)
    enough = np.flatnonzero(time >= needed)
    if enough.size == 0:
        return None
    all_lit = lit.all(axis=0)
    steps = max(int(np.ceil(_MARGIN / (time[1] - time[0]))), 1)
    counted = np.concatenate([[0], np.cumsum(all_lit)])
    last = enough[enough + 1 >= steps] + 1
    sunny = last[counted[last] - counted[last - steps] == steps]
    return np.datetime64(time[sunny[-1] - 1 if sunny.size else enough[-1]])


def _dawn(time: Times, lit: npt.NDArray[np.bool_], since: np.datetime64) -> np.datetime64 | None:
    """The end of the first night that begins after an instant."""
    turns = np.diff(lit.astype(np.int8))
    dusks = np.flatnonzero((turns < 0) & (time[1:] > since))
    if dusks.size == 0:
        return None
    dawns = np.flatnonzero(turns[dusks[0] :] > 0)
    return np.datetime64(time[dusks[0] + 1 + dawns[0]]) if dawns.size else None


def differs_from(before: Plans, after: Plans) -> np.datetime64 | None:
    """The last instant at which two courses of changes and activities differ; None if they do not."""
    instants: list[np.datetime64] = []
    for one, other in ((before, after), (after, before)):
        known = set(other[0])
        instants += [change.time for change in one[0] if change not in known]
        runs = set(other[1])
        instants += [run.stop for run in one[1] if run not in runs]
    return max(instants).astype("datetime64[us]") if instants else None


class FarSight:
    """Simulates a station past the end of its span, at a coarser step.

    Parameters
    ----------
    station : Station
        The station in the loop; its plan, what is on board and what is on its way are looked at, nothing else.

    Notes
    -----
    The sky of the longer time is computed when it is first asked for, and again when time has come near its end.
    It begins where the span does, with the same seed, so that up to the end of the span the same happens, to the
    step. Telecommands whose time lies behind the end of the span count.

    Examples
    --------
    >>> FarSight.__name__
    'FarSight'
    """

    def __init__(self, station: Any) -> None:
        self._station = station
        self._lock = threading.Lock()
        self._world: World | None = None
        self._light: tuple[Times, npt.NDArray[np.bool_]] = (np.empty(0, "datetime64[us]"), np.empty((0, 0), bool))
        self._known: tuple[Plans, Simulation] | None = None

    def plans(self, octets: bytes, at: np.datetime64) -> tuple[Plans, Plans]:
        """What will be done on board without and with a telecommand."""
        before, after = ((tuple(changes), tuple(runs)) for changes, runs in self._station.courses(octets, at))
        return before, after

    def look(self, before: Plans, after: Plans, since: np.datetime64) -> Seen | str:
        """The time to the horizon, or why that cannot be seen."""
        with self._lock:
            end = self._reach(since)
            if isinstance(end, str) or self._world is None:
                return str(end)
            if self._known is None or self._known[0] != before:
                self._known = before, self._world.simulate(*before).simulation
            return Seen(_until(self._known[1], end), _until(self._world.simulate(*after).simulation, end))

    def _reach(self, since: np.datetime64) -> np.datetime64 | str:
        """The horizon of an instant, with a world that reaches it."""
        end = horizon_of(*self._light, since) if self._world is not None else None
        if end is not None:
            return end
        last = _almanac_end()
        for reach in np.arange(_FIRST, _FARTHEST + _FIRST + _FURTHER, _FURTHER):
            stop = since + reach + _SPARE
            self._make(min(stop, last))
            end = horizon_of(*self._light, since)
            if end is not None:
                return end
            if stop >= last:
                break
        return (
            f"it cannot be looked ahead at through the next whole night: the ephemerides end {_day(last + _EDGE)}"
            if self._light[0][-1] + _FURTHER >= last
            else "it cannot be looked ahead at through the next whole night"
        )

    def _make(self, stop: np.datetime64) -> None:
        """Make the world up to an instant."""
        from moonpost.control.station.ways import find_ways
        from moonpost.control.station.world import World, span_of
        from moonpost.study.surroundings import asks_for_contact

        station = self._station
        now = station.simulation()
        first = station.span[0].astype("datetime64[ms]")
        seconds = float((stop - first) / np.timedelta64(1, "ms")) / 1e3
        step_s = _MOST_STEP_S
        if not _in_orbit(station):
            own_s = float(now.series.attrs["step_s"])
            step_s = min(max(own_s, _STEP_S, np.ceil(seconds / _MOST_STEPS / 60.0) * 60.0), _MOST_STEP_S)
        start = f"{first.astype('datetime64[s]')}Z"
        plan, sky = span_of(station.plan, start, seconds / 86_400.0, step_s, station.site)
        t = sky["sun"].time.astype("datetime64[us]")
        ends = [int(one.astype(np.int64)) for one in (t[0], t[-1] + (t[1] - t[0]))]
        ways: Any = find_ways(plan, station.site, (ends[0], ends[1])) if asks_for_contact(plan) else None
        self._world = World(plan, sky, station.site, now.seed, ways)
        self._light = t, np.stack([np.asarray(one) > 0.0 for one in sky["light_by_mast"].values()])
        self._known = None


def _in_orbit(station: Any) -> bool:
    from moonpost.plan import SurfaceStation

    return station.site is None and not isinstance(station.plan.station, SurfaceStation)


def _almanac_end() -> np.datetime64:
    from moonpost.sky import Almanac

    last: np.datetime64 = Almanac.default().span[1].astype("datetime64[us]")
    return last - _EDGE


def _until(simulation: Simulation, end: np.datetime64) -> Simulation:
    """A simulation up to an instant."""
    kept = int(np.searchsorted(simulation.series["time"].values, end, side="right"))
    events = tuple(event for event in simulation.events if event.time <= end)
    return replace(simulation, series=simulation.series.isel(time=slice(0, kept)), events=events)


def _day(t: np.datetime64) -> str:
    return str(t.astype("datetime64[D]"))
