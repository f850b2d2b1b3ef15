"""The timeline of a mission: sky, plan and execution in rows and items, what-if, and commands of activities."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.timeline.book import ScheduleBook
from moonpost.control.timeline.execution import Evidence, executed_items, planned_items
from moonpost.control.timeline.items import Item, Row
from moonpost.control.timeline.lunarday import LunarClock
from moonpost.control.timeline.machines import machine_rows, predicted_states, received_states, simulated_machines
from moonpost.control.timeline.sky import SKY_ROWS, sky_items
from moonpost.control.timeline.whatif import Edit, Tried, commanded, try_edits
from moonpost.control.timeline.windows import Window, period_of
from moonpost.errors import InputError, UnknownNameError
from moonpost.plan import Plan
from moonpost.sky.times import TimeLike

if TYPE_CHECKING:
    from moonpost.operations.placements import Placement
    from moonpost.operations.record import Simulation

__all__ = ["Timeline"]

_LONGEST = np.timedelta64(800, "D")
_AROUND = np.timedelta64(400, "D")
_TRIES_AT_ONCE = 1


class Timeline:
    """What was, is and will be at a station.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : path-like
        Where schedules and pictures are kept.
    now : callable
        Mission time, UTC.
    span : pair of datetime64
        The period that the station is simulated for.
    site : str, optional
        A site of the plan; the station's if not given.
    station : optional
        The station in the loop: gives ``simulation()`` and ``contacts``.
    archive : optional
        Values of channels, with ``query``.
    evidence : callable, optional
        Gives executions of activities as far as they are known, see `Evidence`.
    events : callable, optional
        Gives events received between two instants, as items.
    seconds : float
        How long to search for a better schedule, in the background [s].

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> day = np.datetime64("2038-01-01", "ms") + np.arange(4) * np.timedelta64(1, "D")
    >>> line = Timeline(load_plan("ilrs"), "folder", now=lambda: day[1], span=(day[0], day[3]))
    >>> [row.kind for row in line.items(day[0], day[1])]  # before anything is scheduled
    ['lunar-day', 'sun', 'contact']
    """

    def __init__(
        self,
        plan: Plan,
        folder: Any,
        *,
        now: Callable[[], np.datetime64],
        span: Window,
        site: str | None = None,
        station: Any = None,
        archive: Any = None,
        evidence: Callable[[], Sequence[Evidence]] | None = None,
        events: Callable[[np.datetime64, np.datetime64], Sequence[Item]] | None = None,
        seconds: float = 10.0,
    ) -> None:
        self.plan, self.folder, self.site, self.now = plan, Path(folder), site, now
        self.span = period_of(*span)
        self._station, self._archive = station, archive
        self._evidence, self._events = evidence, events
        contacts = contact_windows(station)
        self.lunar = LunarClock(plan, site, contacts=contacts, known=None if contacts is None else self.span[1])
        days = float((self.span[1] - self.span[0]) / np.timedelta64(1, "ms")) / 86_400e3
        self.book = ScheduleBook(
            plan, self.folder / "timeline", self.span[0], days, site=site, contacts=contacts, seconds=seconds
        )
        self._simulated: Simulation | None = None
        self._lock = threading.Lock()
        self._tries = threading.BoundedSemaphore(_TRIES_AT_ONCE)

    def rows(self) -> tuple[Row, ...]:
        """The rows: sky, then machines at the site.

        Returns
        -------
        tuple of Row
        """
        simulation = self.simulation()
        names = [] if simulation is None else list(simulated_machines(simulation))
        schedule = self.book.schedule
        if schedule is not None:
            names += [row.element for row in schedule.placements]
        return (*SKY_ROWS, *machine_rows(self.plan, names))

    def items(self, start: TimeLike, stop: TimeLike, *, elements: Sequence[str] | None = None) -> list[Item]:
        """What stands on the timeline in a period.

        Parameters
        ----------
        start, stop : str, datetime or datetime64
            Period, UTC.
        elements : sequence of str, optional
            Machines to tell; all if not given.

        Returns
        -------
        list of Item
            By layer; what is planned comes with how it stands now.

        Raises
        ------
        DateError
            If the period is empty or lies outside the kernels.
        InputError
            If it is longer than 800 days, or more than 400 days off the station's period.
        """
        period = self._checked(start, stop)
        names = [row.element for row in self.rows() if row.element is not None]
        chosen = [name for name in names if elements is None or name in elements]
        now = self.now()
        found = sky_items(self.lunar, period)
        evidence = [row for row in self.evidence() if row.element in chosen]
        simulation, schedule = self.simulation(), self.book.schedule
        if simulation is not None:
            found += predicted_states(self.plan, simulation, *period, chosen)
        if schedule is not None:
            placed = [row for row in schedule.placements if row.element in chosen]
            found += planned_items(self.plan, placed, evidence, now, period)
        found += self._received(period, chosen, now)
        found += executed_items(self.plan, evidence, now, period)
        return found

    def evidence(self) -> Sequence[Evidence]:
        """Executions of activities as far as they are known.

        Returns
        -------
        sequence of Evidence
        """
        return self._evidence() if self._evidence is not None else ()

    def simulation(self) -> Simulation | None:
        """The station as it will run under what is on board now; None while nothing is known.

        Returns
        -------
        Simulation or None
        """
        if self._station is not None:
            found: Simulation = self._station.simulation()
            return found
        if self._simulated is None and self.book.schedule is not None:
            with self._lock:
                if self._simulated is None:
                    self._simulated = self.book.reference()
        return self._simulated

    def placement(self, name: str) -> Placement:
        """A planned activity by its identifier.

        Parameters
        ----------
        name : str
            Such as ``survey-drive-3``.

        Returns
        -------
        Placement

        Raises
        ------
        UnknownNameError
            If it is not in the schedule.
        """
        schedule = self.book.schedule
        if schedule is None:
            raise UnknownNameError(name, [], kind="planned activity", where="timeline")
        return schedule.placement(name)

    def what_if(self, edits: Sequence[Edit]) -> tuple[Tried, list[Item]]:
        """Try edits; nothing is changed.

        Parameters
        ----------
        edits : sequence of Edit
            What is tried, together.

        Returns
        -------
        tried : Tried
        items : list of Item
            Activities and states of machines from now on as they would be.

        Raises
        ------
        InputError, UnknownNameError
            If edits cannot be used.
        """
        now = self.now()
        with self._tries:
            simulation = self._station.simulation() if self._station is not None else None
            tried = try_edits(self.book, edits, changes=commanded(simulation), now=now)
        begin, stop = max(now.astype("datetime64[ms]"), self.span[0]), self.span[1]
        period = (min(begin, stop - np.timedelta64(1, "ms")), stop)
        items = planned_items(self.plan, tried.placements, self.evidence(), now, self.span)
        items += predicted_states(self.plan, tried.simulation, *period, simulated_machines(tried.simulation))
        return tried, items

    def to_dict(self) -> dict[str, Any]:
        """State of the schedule as plain values, for JSON."""
        return self.book.to_dict()

    def _received(self, period: Window, chosen: Sequence[str], now: np.datetime64) -> list[Item]:
        """What telemetry says of machines, up to now."""
        stop = min(period[1], now.astype("datetime64[ms]"))
        if self._archive is None or stop <= period[0]:
            return []
        found = list(received_states(self.plan, self._archive, period[0], stop, chosen))
        if self._events is not None:
            rows = {"sky.sun", *(f"machine.{name}" for name in chosen)}
            found += [row for row in self._events(period[0], stop) if row.row in rows]
        return found

    def _checked(self, start: TimeLike, stop: TimeLike) -> Window:
        period = period_of(start, stop)
        if period[1] - period[0] > _LONGEST:
            raise InputError("is longer than 800 days", where="period", advice="ask for less at once")
        if period[0] < self.span[0] - _AROUND or period[1] > self.span[1] + _AROUND:
            raise InputError(
                "lies years from the station's period", where="period", advice="ask for dates near it"
            )
        return period


def contact_windows(station: Any) -> Any:
    """Windows of contact of a station as rows of begin and end; None if it has none to tell."""
    given = getattr(station, "contacts", None)
    if callable(given):
        given = given()
    if given is None:
        return None
    rows = [(row.start, row.stop) if hasattr(row, "start") else (row[0], row[1]) for row in given]
    return np.array(rows, dtype="datetime64[ms]").reshape(-1, 2)
