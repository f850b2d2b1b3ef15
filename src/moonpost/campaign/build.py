"""The order in which a station is built, from launch dates and from what needs what."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from moonpost.campaign.errands import needed_by
from moonpost.errors import InputError, ModelError
from moonpost.plan.base import when_bounds
from moonpost.plan.check import Finding
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

__all__ = ["BuildOrder", "BuildStep", "MissionStep", "build_order"]

_FACT = ("flown", "lost")
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class MissionStep:
    """When a mission can fly.

    Parameters
    ----------
    mission, name, owner, status : str
        From the plan.
    launch, launch_latest : str or None
        Launch in the earliest and in the latest case, UTC; None if it cannot fly.
    arrival, arrival_latest : str or None
        Landing, or arrival in its orbit, in both cases.
    moved : bool
        True if what it requires pushes it beyond the plan's date.
    blocked_by : str or None
        Why it cannot fly or brings nothing.
    """

    mission: str
    name: str
    owner: str
    status: str
    launch: str | None
    launch_latest: str | None
    arrival: str | None
    arrival_latest: str | None
    moved: bool
    blocked_by: str | None


@dataclass(frozen=True)
class BuildStep:
    """When an element arrives and works.

    Parameters
    ----------
    element, name, owner, kind, mission : str
        From the plan.
    launch, landing, commissioning, ready : str or None
        Earliest case, UTC: launch, landing, begin of commissioning and first day of work; None if never.
    ready_latest : str or None
        First day of work in the latest case.
    end : str or None
        End of its design life, if it has one.
    waits_days : float
        Time on the Moon before what it requires works [d].
    predecessors : tuple of str
        Elements that have to work before it, its source of power among them.
    never : str or None
        Why it never works.
    """

    element: str
    name: str
    owner: str
    kind: str
    mission: str
    launch: str | None
    landing: str | None
    commissioning: str | None
    ready: str | None
    ready_latest: str | None
    end: str | None
    waits_days: float
    predecessors: tuple[str, ...]
    never: str | None


@dataclass(frozen=True)
class BuildOrder:
    """A build order with its conflicts.

    Parameters
    ----------
    missions : tuple of MissionStep
        By launch.
    steps : tuple of BuildStep
        Elements by the day they work; those that never do come last.
    findings : tuple of Finding
        Conflicts: errors first.
    transit_days, commissioning_days : float
        Assumptions for missions without a landing date and for every element [d].
    """

    missions: tuple[MissionStep, ...]
    steps: tuple[BuildStep, ...]
    findings: tuple[Finding, ...]
    transit_days: float
    commissioning_days: float

    def gantt(self) -> tuple[dict[str, Any], ...]:
        """Bars of a Gantt chart.

        Returns
        -------
        tuple of dict
            ``element``, ``name``, ``owner``, ``kind`` (transit, waiting, commissioning, operation), ``start``,
            ``stop`` (None if no end is stated) and ``predecessors``.
        """
        rows = []
        for step in self.steps:
            bars = (
                ("transit", step.launch, step.landing),
                ("waiting", step.landing, step.commissioning),
                ("commissioning", step.commissioning, step.ready),
                ("operation", step.ready, step.end),
            )
            rows += [
                {
                    "element": step.element,
                    "name": step.name,
                    "owner": step.owner,
                    "kind": kind,
                    "start": start,
                    "stop": stop,
                    "predecessors": list(step.predecessors),
                }
                for kind, start, stop in bars
                if start is not None and start != stop
            ]
        return tuple(rows)

    def step(self, element: str) -> BuildStep:
        """The step of one element.

        Parameters
        ----------
        element : str
            Its identifier.

        Returns
        -------
        BuildStep

        Raises
        ------
        InputError
            If the order has no such element.
        """
        for step in self.steps:
            if step.element == element:
                return step
        raise InputError(f"no element {element!r} in the build order", where="element", advice="use a plan's id")

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return {**asdict(self), "gantt": list(self.gantt())}


@dataclass(frozen=True)
class _Flight:
    """Dates of a mission in the earliest and the latest case."""

    launch: tuple[dt.datetime, dt.datetime] | None
    arrival: tuple[dt.datetime, dt.datetime] | None
    moved: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class _Work:
    """Dates of an element."""

    mission: str
    begin: dt.datetime | None
    ready: tuple[dt.datetime, dt.datetime] | None
    end: dt.datetime | None
    reason: str | None = None


def build_order(
    plan: Plan,
    *,
    transit_days: float = 5.0,
    commissioning_days: float = 30.0,
    assembled: Mapping[str, tuple[dt.datetime, dt.datetime] | str] | None = None,
    assembled_case: Literal["earliest", "latest"] = "earliest",
) -> BuildOrder:
    """Earliest build order that respects dates, launches and what needs what, with its conflicts.

    Parameters
    ----------
    plan : Plan
        The plan.
    transit_days : float
        From launch to landing where the plan has no landing date [d]: an assumption.
    commissioning_days : float
        From landing, or from when all that it requires works, to its first day of work [d]: an
        assumption; missions already flown work from landing.
    assembled : mapping of str to (datetime, datetime) or str, optional
        Elements whose assembly was planned in steps: when work on them begins and when they work, UTC; or why
        they never work.
    assembled_case : {"earliest", "latest"}
        The case for which it was planned; in the other it takes as long from when it could begin.

    Returns
    -------
    BuildOrder

    Raises
    ------
    InputError
        If a duration is negative or not finite.
    ModelError
        If missions or elements require each other in a circle.

    Notes
    -----
    Two passes: all dates at their earliest, and all at their latest. A mission flies when its date, its
    launcher and the missions it requires allow. If that is after the last day of its date, it is
    moved and an error says so. What requires a lost or cancelled mission, or an element that never works,
    never works itself. An element that waits for another of the same mission is no finding: that is its
    place in the order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> order = build_order(load_plan("ilrs"))
    >>> order.missions[0].mission
    'queqiao'
    >>> all(step.landing <= step.ready for step in order.steps if step.ready)
    True
    """
    for name, value in (("transit_days", transit_days), ("commissioning_days", commissioning_days)):
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{value} is no duration", where=name, advice="give days, 0 or more")
    findings: list[Finding] = []
    flights: dict[str, _Flight] = {}
    missions = {mission.id: mission for mission in plan.missions}
    for name in _sorted("missions", {key: row.requires for key, row in missions.items()}):
        flights[name] = _fly(plan, missions[name], flights, transit_days * _DAY, findings)
    elements = {element.id: element for element in plan.elements}
    works: dict[str, _Work] = {}
    late = assembled_case == "latest"
    for name in _sorted("elements", {key: needed_by(row) for key, row in elements.items()}):
        row = elements[name]
        mission = missions.get(row.mission)
        pause = 0 * _DAY if mission is not None and mission.status in _FACT else commissioning_days * _DAY
        works[name] = _work(
            row, flights.get(row.mission), works, pause, findings, (assembled or {}).get(name), late
        )
    findings.sort(key=lambda finding: ("error", "warning", "note").index(finding.severity))
    mission_steps = [_mission_step(missions[name], flight) for name, flight in flights.items()]
    steps = [
        _build_step(elements[name], flights.get(elements[name].mission), work) for name, work in works.items()
    ]
    return BuildOrder(
        missions=tuple(
            sorted(mission_steps, key=lambda step: (step.launch is None, step.launch or "", step.mission))
        ),
        steps=tuple(sorted(steps, key=lambda step: (step.ready is None, step.ready or "", step.element))),
        findings=tuple(findings),
        transit_days=transit_days,
        commissioning_days=commissioning_days,
    )


def _fly(
    plan: Plan,
    mission: Mission,
    flights: Mapping[str, _Flight],
    transit: dt.timedelta,
    findings: list[Finding],
) -> _Flight:
    """Dates of one mission after those it requires."""
    dates = when_bounds(mission.launch)
    if mission.status == "cancelled":
        return _Flight(None, None, reason="cancelled")
    if mission.status == "lost":
        return _Flight(dates, None, reason="lost")
    landing = when_bounds(mission.landing) if mission.landing else None
    if mission.status == "flown":
        return _Flight(dates, landing or _later(dates, transit))
    for name in mission.requires:
        needed = flights.get(name)
        if needed is None or needed.arrival is None:
            reason = f"requires {name}, which {_why(needed)}"
            place = f"missions[{mission.id}].requires"
            findings.append(Finding("error", "requires-lost", place, f"cannot fly: it {reason}"))
            return _Flight(None, None, reason=reason)
    launch = _launch(plan, mission, flights, findings)
    if landing is None:
        arrival = _later(launch, transit)
    else:
        arrival = (landing[0] + (launch[0] - dates[0]), landing[1] + (launch[1] - dates[1]))
    return _Flight(launch, arrival, moved=launch[0] > dates[1])


def _launch(
    plan: Plan, mission: Mission, flights: Mapping[str, _Flight], findings: list[Finding]
) -> tuple[dt.datetime, dt.datetime]:
    """Launch of a mission once all that it requires has arrived and its launcher flies."""
    place = f"missions[{mission.id}]"
    dates = launch = when_bounds(mission.launch)
    for name in mission.requires:
        arrival = flights[name].arrival or dates
        launch = (max(launch[0], arrival[0]), max(launch[1], arrival[1]))
        if arrival[0] > dates[1]:
            findings.append(_late(place, mission.launch, f"{name} arrives {_day(arrival[0])}"))
        elif arrival[1] > dates[0]:
            text = f"may have to wait: {name} arrives as late as {_day(arrival[1])}"
            findings.append(Finding("warning", "requires-close", f"{place}.requires", text))
    available = _available(plan, mission)
    if available is not None and available > launch[0]:
        if available > dates[1]:
            findings.append(_late(place, mission.launch, f"{mission.launcher} flies from {_day(available)}"))
        launch = (available, max(launch[1], available))
    return launch


def _work(
    element: Element,
    flight: _Flight | None,
    works: Mapping[str, _Work],
    commissioning: dt.timedelta,
    findings: list[Finding],
    assembled: tuple[dt.datetime, dt.datetime] | str | None = None,
    late: bool = False,
) -> _Work:
    """Dates of one element after those it requires."""
    place = f"elements[{element.id}]"
    if flight is None or flight.arrival is None:
        return _Work(element.mission, None, None, None, f"its mission {element.mission} {_why(flight)}")
    begin = flight.arrival
    for name in needed_by(element):
        needed = works.get(name)
        if needed is None or needed.ready is None:
            reason = f"requires {name}, which never works"
            findings.append(Finding("error", "requires-never", f"{place}.requires", f"never works: it {reason}"))
            return _Work(element.mission, None, None, None, reason)
        begin = (max(begin[0], needed.ready[0]), max(begin[1], needed.ready[1]))
    ready = _later(begin, commissioning)
    if isinstance(assembled, str):
        findings.append(Finding("error", "not-assembled", f"{place}.assembly", f"never works: {assembled}"))
        return _Work(element.mission, None, None, None, assembled)
    if assembled is not None:
        shift = begin[1] - begin[0]
        first, works_from = (date - shift for date in assembled) if late else assembled
        first = max(first, flight.arrival[0])
        begin, ready = (first, first + shift), (works_from, works_from + shift)
    wait = (begin[0] - flight.arrival[0]) / _DAY
    last = max(needed_by(element), key=lambda name: _first(works[name]), default="")
    if wait > 0 and last and works[last].mission != element.mission and _first(works[last]) > flight.arrival[0]:
        text = f"lands {wait:.0f} days before {last}, which it requires, works"
        findings.append(Finding("warning", "lands-early", f"{place}.requires", text))
    for name in needed_by(element):
        end = works[name].end
        if end is not None and end < ready[0]:
            text = f"{name}, which it requires, reaches the end of its life {_day(end)}, before it works"
            findings.append(Finding("warning", "requires-worn-out", f"{place}.requires", text))
    life = None if element.life_years is None else ready[0] + 365.25 * element.life_years * _DAY
    return _Work(element.mission, begin[0], ready, life)


def _mission_step(mission: Mission, flight: _Flight) -> MissionStep:
    """A mission's row."""
    return MissionStep(
        mission=mission.id,
        name=mission.name,
        owner=mission.owner,
        status=mission.status,
        launch=_text(flight.launch and flight.launch[0]),
        launch_latest=_text(flight.launch and flight.launch[1]),
        arrival=_text(flight.arrival and flight.arrival[0]),
        arrival_latest=_text(flight.arrival and flight.arrival[1]),
        moved=flight.moved,
        blocked_by=flight.reason,
    )


def _build_step(element: Element, flight: _Flight | None, work: _Work) -> BuildStep:
    """An element's row."""
    landing = flight.arrival[0] if flight is not None and flight.arrival is not None else None
    begin = work.begin
    return BuildStep(
        element=element.id,
        name=element.name,
        owner=element.owner,
        kind=element.kind,
        mission=element.mission,
        launch=_text(flight.launch[0]) if flight is not None and flight.launch is not None else None,
        landing=_text(landing),
        commissioning=_text(begin),
        ready=_text(work.ready and work.ready[0]),
        ready_latest=_text(work.ready and work.ready[1]),
        end=_text(work.end),
        waits_days=(begin - landing) / _DAY if begin is not None and landing is not None else 0.0,
        predecessors=needed_by(element),
        never=work.reason,
    )


def _sorted(table: str, needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Rows with those they need first, in the plan's order otherwise."""
    known = {name: [need for need in rows if need in needs] for name, rows in needs.items()}
    try:
        return list(TopologicalSorter(known).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ModelError(
            f"they require each other in a circle: {circle}", where=table, advice="remove one of these requires"
        ) from error


def _available(plan: Plan, mission: Mission) -> dt.datetime | None:
    """First day on which the mission's launcher can fly."""
    if mission.launcher is None:
        return None
    date = plan.row("launchers", mission.launcher).available
    return None if date is None else when_bounds(date)[0]


def _late(place: str, launch: str, why: str) -> Finding:
    """A launch that comes before what it needs."""
    return Finding("error", "requires-later", f"{place}.launch", f"cannot be {launch}: {why}; it is moved")


def _why(flight: _Flight | None) -> str:
    """Why a mission brings nothing."""
    if flight is None:
        return "is not in the plan"
    return f"is {flight.reason}" if flight.reason in ("lost", "cancelled") else "cannot fly"


def _first(work: _Work) -> dt.datetime:
    """First day of work in the earliest case."""
    return work.ready[0] if work.ready is not None else dt.datetime.max


def _later(dates: tuple[dt.datetime, dt.datetime], by: dt.timedelta) -> tuple[dt.datetime, dt.datetime]:
    """Both dates moved by the same time."""
    return dates[0] + by, dates[1] + by


def _day(date: dt.datetime) -> str:
    """A date for people."""
    return date.strftime("%Y-%m-%d")


def _text(date: dt.datetime | None) -> str | None:
    """A date for JSON."""
    return None if date is None else date.isoformat(timespec="seconds") + "Z"
