"""Technologies that missions try out: what is to be shown, and whether in time for what needs it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.campaign.build import BuildOrder, BuildStep, MissionStep, build_order
from moonpost.errors import InputError
from moonpost.plan.missions import Demonstration
from moonpost.plan.model import Plan

__all__ = ["DemonstrationStatus", "Reliance", "demonstration_status", "unproven", "worse_shown"]

Timing = Literal["in time", "at risk", "late", "never", "idle"]

_DAY = dt.timedelta(days=1)
_ORDER: tuple[Timing, ...] = ("never", "late", "at risk", "in time", "idle")


@dataclass(frozen=True)
class Reliance:
    """Whether a technology is shown in time for one element that relies on it.

    Parameters
    ----------
    element, mission : str
        The element, and the mission that brings it.
    decided_by : str or None
        Day by which the result is wanted if the mission flies at its earliest, UTC; None if it never flies.
    status : {"in time", "at risk", "late", "never", "idle"}
        in time: for all dates that the plan allows; at risk: for some; late: for none; never: the demonstration
        does not take place; idle: the element never flies.
    spare_days : float or None
        Time between result and that day in the worst case; negative if it comes after [d].
    """

    element: str
    mission: str
    decided_by: str | None
    status: Timing
    spare_days: float | None


@dataclass(frozen=True)
class DemonstrationStatus:
    """A demonstration with its date and those that wait for it.

    Parameters
    ----------
    demonstration, name, mission : str
        From the plan.
    element : str or None
        The element that tries it.
    trl_now, trl_goal : int
        Technology readiness level before and after (ISO 16290).
    objective, exit_criterion : str
        What is to be shown, and what has to be measured for it to count as shown.
    tried : {"flown", "to come", "never"}
        flown: its mission has flown, and whether the criterion was met is for its owner to say.
    shown, shown_latest : str or None
        When the result is there in the earliest and the latest case, UTC; None if never.
    needed_by : tuple of Reliance
        Elements that rely on it.
    status : {"in time", "at risk", "late", "never", "idle"}
        The worst of these; by its own date if nothing relies on it.
    """

    demonstration: str
    name: str
    mission: str
    element: str | None
    trl_now: int
    trl_goal: int
    objective: str
    exit_criterion: str
    tried: Literal["flown", "to come", "never"]
    shown: str | None
    shown_latest: str | None
    needed_by: tuple[Reliance, ...]
    status: Timing

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def demonstration_status(
    plan: Plan, order: BuildOrder | None = None, *, proving_days: float = 180.0, lead_days: float = 365.0
) -> tuple[DemonstrationStatus, ...]:
    """When technologies are shown to work, and whether that is in time for the elements that rely on them.

    Parameters
    ----------
    plan : Plan
        The plan.
    order : BuildOrder, optional
        Its build order; computed if absent.
    proving_days : float
        From the first day of work of what tries the technology to the result [d]: an assumption, six lunar days.
    lead_days : float
        From the result to the launch of what relies on it [d]: an assumption.

    Returns
    -------
    tuple of DemonstrationStatus
        In the order of the plan.

    Raises
    ------
    InputError
        If a time is negative or not finite.

    Notes
    -----
    All four corners of the earliest and latest dates of both are looked at. Without an element of its own the
    demonstration begins with the arrival of its mission.

    References
    ----------
    ISO 16290:2013, Space systems: definition of the Technology Readiness Levels and their criteria of assessment.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = demonstration_status(load_plan("ilrs"))
    >>> all(row.trl_now <= row.trl_goal and row.exit_criterion for row in rows)
    True
    """
    for name, value in (("proving_days", proving_days), ("lead_days", lead_days)):
        if not (math.isfinite(value) and 0 <= value <= 20_000):
            raise InputError(f"{value} is no time", where=name, advice="give 0 to 20,000 days")
    order = build_order(plan) if order is None else order
    elements = {step.element: step for step in order.steps}
    missions = {step.mission: step for step in order.missions}
    return tuple(
        _status(plan, row, elements, missions, proving_days * _DAY, lead_days * _DAY)
        for row in plan.demonstrations
    )


def unproven(plan: Plan) -> tuple[str, ...]:
    """New elements to come whose technology no demonstration shows first.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    tuple of str
        Elements of maturity ``new`` on the station's bus, in the plan's order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> "reactor" in unproven(load_plan("ilrs"))
    True
    """
    shown = {name for row in plan.demonstrations for name in row.needed_by}
    coming = {row.id for row in plan.missions if row.status in ("planned", "proposed")}
    return tuple(
        row.id
        for row in plan.station_elements()
        if row.maturity == "new" and row.id not in shown and row.mission in coming
    )


def worse_shown(
    before: tuple[DemonstrationStatus, ...], after: tuple[DemonstrationStatus, ...]
) -> tuple[DemonstrationStatus, ...]:
    """Demonstrations that are later for what needs them after a change than before it.

    Parameters
    ----------
    before, after : tuple of DemonstrationStatus
        Of both plans.

    Returns
    -------
    tuple of DemonstrationStatus
        Rows of `after`.

    Examples
    --------
    >>> from moonpost.campaign import changed_plan
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> was, now = demonstration_status(plan), demonstration_status(changed_plan(plan, cancel=["ce8"]))
    >>> [row.demonstration for row in worse_shown(was, now)]
    ['robot-work']
    """
    known = {(row.demonstration, one.element): one.status for row in before for one in row.needed_by}
    alone = {row.demonstration: row.status for row in before}
    return tuple(
        row
        for row in after
        if any(
            _ORDER.index(one.status) < _ORDER.index(known.get((row.demonstration, one.element), "in time"))
            for one in row.needed_by
            if one.status != "idle"
        )
        or (not row.needed_by and _ORDER.index(row.status) < _ORDER.index(alone.get(row.demonstration, "in time")))
    )


def _status(
    plan: Plan,
    row: Demonstration,
    elements: dict[str, BuildStep],
    missions: dict[str, MissionStep],
    proving: dt.timedelta,
    lead: dt.timedelta,
) -> DemonstrationStatus:
    """One demonstration."""
    begun = _begin(row, elements, missions)
    shown = None if begun is None else (begun[0] + proving, begun[1] + proving)
    reliances = tuple(_reliance(plan, name, shown, elements, missions, lead) for name in row.needed_by)
    own: Timing = "never" if shown is None else "in time"
    flown = plan.mission(row.mission).status == "flown"
    return DemonstrationStatus(
        demonstration=row.id,
        name=row.name,
        mission=row.mission,
        element=row.element,
        trl_now=row.trl_now,
        trl_goal=row.trl_goal,
        objective=row.objective,
        exit_criterion=row.exit_criterion,
        tried="never" if shown is None else "flown" if flown else "to come",
        shown=None if shown is None else _text(shown[0]),
        shown_latest=None if shown is None else _text(shown[1]),
        needed_by=reliances,
        status=min([reliance.status for reliance in reliances] or [own], key=_ORDER.index),
    )


def _begin(
    row: Demonstration, elements: dict[str, BuildStep], missions: dict[str, MissionStep]
) -> tuple[dt.datetime, dt.datetime] | None:
    """When the trial can begin, in both cases."""
    if row.element is not None:
        step = elements[row.element]
        return None if step.ready is None else (_instant(step.ready), _instant(step.ready_latest or step.ready))
    flight = missions[row.mission]
    if flight.arrival is None:
        return None
    return _instant(flight.arrival), _instant(flight.arrival_latest or flight.arrival)


def _reliance(
    plan: Plan,
    name: str,
    shown: tuple[dt.datetime, dt.datetime] | None,
    elements: dict[str, BuildStep],
    missions: dict[str, MissionStep],
    lead: dt.timedelta,
) -> Reliance:
    """Whether a result is there in time for one element."""
    mission = plan.element(name).mission
    flight = missions.get(mission)
    if elements[name].never is not None or flight is None or flight.launch is None:
        return Reliance(name, mission, None, "idle", None)
    wanted = (_instant(flight.launch) - lead, _instant(flight.launch_latest or flight.launch) - lead)
    if shown is None:
        return Reliance(name, mission, _text(wanted[0]), "never", None)
    worst, best = (wanted[0] - shown[1]) / _DAY, (wanted[1] - shown[0]) / _DAY
    status: Timing = "in time" if worst >= 0 else "at risk" if best >= 0 else "late"
    return Reliance(name, mission, _text(wanted[0]), status, worst)


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.rstrip("Z"))


def _text(date: dt.datetime) -> str:
    return date.isoformat(timespec="seconds") + "Z"
