"""What a slip or a cancelled mission moves, breaks and leaves without an instrument, and a repair."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.campaign.build import BuildOrder, build_order
from moonpost.campaign.manifest import ManifestRow, manifest
from moonpost.campaign.science import orphaned
from moonpost.errors import InputError, ModelError
from moonpost.partners.shares import element_contributions, shares
from moonpost.plan.base import when_bounds
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

__all__ = ["Broken", "Moved", "Repair", "WhatIf", "changed_plan", "what_if"]

Table = Literal["missions", "elements"]


@dataclass(frozen=True)
class Moved:
    """A mission or element that comes at another time.

    Parameters
    ----------
    table, id : str
        ``missions`` or ``elements``, and its identifier.
    before, after : str
        Launch of a mission or first day of work of an element, earliest case, UTC.
    days : float
        Difference, later is positive [d].
    """

    table: Table
    id: str
    before: str
    after: str
    days: float


@dataclass(frozen=True)
class Broken:
    """A mission or element that was possible and is no longer.

    Parameters
    ----------
    table, id : str
        ``missions`` or ``elements``, and its identifier.
    reason : str
        Why.
    """

    table: Table
    id: str
    reason: str


@dataclass(frozen=True)
class Repair:
    """One step of a repair.

    Parameters
    ----------
    kind : {"date", "carry", "require", "launch"}
        date: give a mission another date; carry: let another mission bring an element; require: let a mission
        wait for others than before; launch: a further launch is needed.
    subject : str
        What is changed, as a place in the plan.
    to : str
        What it becomes.
    text : str
        The step in words.
    """

    kind: Literal["date", "carry", "require", "launch"]
    subject: str
    to: str
    text: str


@dataclass(frozen=True)
class WhatIf:
    """What a change of the plan does.

    Parameters
    ----------
    slipped : dict of str to float
        Years by mission.
    cancelled : tuple of str
        Missions.
    moved : tuple of Moved
        What comes at another time.
    broken : tuple of Broken
        What no longer comes or works.
    orphaned_objectives : tuple of str
        Objectives that lose their last instrument.
    shares_before, shares_after : dict of str to float
        Each partner's share of the mass of elements that come [1].
    repair : tuple of Repair
        Steps of a repair; empty if nothing broke.
    repaired : bool or None
        Whether the plan with all steps but further launches was built again without what is broken; None if
        there is nothing to repair.
    """

    slipped: dict[str, float]
    cancelled: tuple[str, ...]
    moved: tuple[Moved, ...]
    broken: tuple[Broken, ...]
    orphaned_objectives: tuple[str, ...]
    shares_before: dict[str, float]
    shares_after: dict[str, float]
    repair: tuple[Repair, ...]
    repaired: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def what_if(plan: Plan, *, slip: Mapping[str, float] | None = None, cancel: Collection[str] = ()) -> WhatIf:
    """What slips and cancelled missions move, break and orphan, whose share changes, and a repair.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    slip : mapping of str to float, optional
        Years by which missions come later.
    cancel : collection of str
        Missions that do not come.

    Returns
    -------
    WhatIf

    Raises
    ------
    UnknownNameError
        If the plan has no such mission.
    InputError
        If nothing is changed, a mission that is over is changed, a slip is not above zero, or a mission is both
        slipped and cancelled.

    Notes
    -----
    The plan is changed, built again and compared, all in the earliest case. The repair of a cancelled
    mission puts its elements, the heaviest first, on the first launches to come that have mass to spare and
    end in the same place without depending on it; what fits nowhere needs a further launch. It is a first
    proposal, not an optimum.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> result = what_if(load_plan("ilrs"), slip={"ilrs-1": 2.0})
    >>> result.moved[0].id, round(result.moved[0].days)
    ('ilrs-1', 731)
    """
    slips = dict(slip or {})
    changed = changed_plan(plan, slip=slips, cancel=cancel)
    before, after = build_order(plan), build_order(changed)
    broken = _broken(before, after)
    never_before = {step.element for step in before.steps if step.never}
    never_after = {step.element for step in after.steps if step.never}
    lost = set(orphaned(changed, never_after)) - set(orphaned(plan, never_before))
    repair, repaired = _repair(changed, after, tuple(cancel), broken)
    return WhatIf(
        slipped=slips,
        cancelled=tuple(cancel),
        moved=_moved(before, after),
        broken=broken,
        orphaned_objectives=tuple(row.id for row in plan.objectives if row.id in lost),
        shares_before=_shares(plan, never_before),
        shares_after=_shares(changed, never_after),
        repair=repair,
        repaired=repaired,
    )


def changed_plan(plan: Plan, *, slip: Mapping[str, float] | None = None, cancel: Collection[str] = ()) -> Plan:
    """A copy of a plan with missions slipped or cancelled.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    slip : mapping of str to float, optional
        Years by which missions come later; whole years keep the day of the year.
    cancel : collection of str
        Missions that do not come.

    Returns
    -------
    Plan

    Raises
    ------
    UnknownNameError
        If the plan has no such mission.
    InputError
        As in `what_if`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> changed_plan(plan, cancel=["ce8"]).mission("ce8").status, plan.mission("ce8").status
    ('cancelled', 'planned')
    """
    slips = dict(slip or {})
    if not slips and not cancel:
        raise InputError("nothing to change", where="what-if", advice="slip or cancel a mission")
    for name in (*slips, *cancel):
        mission = plan.mission(name)
        if mission.status in ("flown", "lost", "cancelled"):
            raise InputError(
                f"is {mission.status} already", where=f"missions[{name}]", advice="choose one to come"
            )
    for name, years in slips.items():
        if name in cancel:
            raise InputError("is slipped and cancelled", where=f"missions[{name}]", advice="choose one of them")
        if not (math.isfinite(years) and 0 < years <= 100):
            raise InputError(f"{years} years is no slip", where=f"missions[{name}]", advice="give 0 to 100 years")
    missions = tuple(_changed(mission, slips, cancel) for mission in plan.missions)
    return plan.model_copy(update={"missions": missions})


def _changed(mission: Mission, slips: Mapping[str, float], cancel: Collection[str]) -> Mission:
    """A mission after the change."""
    if mission.id in cancel:
        return mission.model_copy(update={"status": "cancelled"})
    if mission.id in slips:
        landing = None if mission.landing is None else _later(mission.landing, slips[mission.id])
        return mission.model_copy(update={"launch": _later(mission.launch, slips[mission.id]), "landing": landing})
    return mission


def _later(text: str, years: float) -> str:
    """A plan's date some years later, as an exact range."""
    whole, part = divmod(years, 1.0)
    dates = []
    for date in when_bounds(text):
        leap = date.month == 2 and date.day == 29
        moved = (date.replace(day=28) if leap else date).replace(year=date.year + int(whole))
        dates.append(moved + dt.timedelta(days=round(365.25 * part)))
    return "/".join(date.isoformat(timespec="seconds") + "Z" for date in dates)


def _moved(before: BuildOrder, after: BuildOrder) -> tuple[Moved, ...]:
    """What comes at another time."""
    old: dict[tuple[Table, str], str | None] = {("missions", row.mission): row.launch for row in before.missions}
    old.update({("elements", step.element): step.ready for step in before.steps})
    new: dict[tuple[Table, str], str | None] = {("missions", row.mission): row.launch for row in after.missions}
    new.update({("elements", step.element): step.ready for step in after.steps})
    rows = []
    for (table, name), date in new.items():
        was = old[table, name]
        if was is not None and date is not None and date != was:
            days = (_instant(date) - _instant(was)) / dt.timedelta(days=1)
            rows.append(Moved(table, name, was, date, days))
    return tuple(rows)


def _broken(before: BuildOrder, after: BuildOrder) -> tuple[Broken, ...]:
    """What was possible and is no longer."""
    lived = {row.mission for row in before.missions if row.blocked_by is None}
    worked = {step.element for step in before.steps if step.never is None}
    missions = [
        Broken("missions", row.mission, row.blocked_by)
        for row in after.missions
        if row.blocked_by is not None and row.mission in lived
    ]
    elements = [
        Broken("elements", step.element, step.never)
        for step in after.steps
        if step.never is not None and step.element in worked
    ]
    return (*missions, *elements)


def _shares(plan: Plan, never: Collection[str]) -> dict[str, float]:
    """Each partner's share of the mass of elements that come."""
    coming = [element for element in plan.elements if element.id not in never]
    try:
        table = shares(element_contributions(coming, plan.missions))
    except ModelError:
        return {}
    return {row.owner: row.share for row in table.rows}


def _repair(
    changed: Plan, order: BuildOrder, cancelled: tuple[str, ...], broken: tuple[Broken, ...]
) -> tuple[tuple[Repair, ...], bool | None]:
    """Steps of a repair, and whether they were tried with success."""
    steps = [
        Repair(
            "date",
            f"missions[{row.mission}].launch",
            str(row.launch),
            f"let {row.name} fly no earlier than {str(row.launch)[:10]}, after what it requires",
        )
        for row in order.missions
        if row.moved
    ]
    if not broken:
        return tuple(steps), True if steps else None
    repaired = changed
    for mission in cancelled:
        repaired, more = _carried(repaired, mission, cancelled)
        steps += more
    wanted = {(row.table, row.id) for row in broken} - {("missions", name) for name in cancelled}
    again = build_order(repaired)
    left = {("missions", row.mission) for row in again.missions if row.blocked_by is not None}
    left |= {("elements", step.element) for step in again.steps if step.never is not None}
    return tuple(steps), not wanted & left


def _carried(plan: Plan, cancelled: str, excluded: Collection[str]) -> tuple[Plan, list[Repair]]:
    """Put the elements of a cancelled mission on others, and let those that waited for it wait for them."""
    after = {*_dependents(plan, cancelled), *excluded}
    spare = {row.mission: row.delivery_margin_kg for row in _carriers(plan, cancelled, after)}
    steps: list[Repair] = []
    carriers: dict[str, str] = {}
    brought = [element for element in plan.elements if element.mission == cancelled]
    for element in sorted(brought, key=lambda row: -(row.best_mass_kg or math.inf)):
        mass = None if element.best_mass_kg is None else element.best_mass_kg * element.count
        fits = (name for name, room in spare.items() if mass is not None and room is not None and room >= mass)
        carrier = next(fits, None)
        if carrier is None or mass is None:
            size = "of unknown mass" if mass is None else f"of {mass:.0f} kg"
            text = f"{element.name} {size} fits on no other launch: launch it again"
            steps.append(Repair("launch", f"elements[{element.id}].mission", "a further launch", text))
            continue
        spare[carrier] = (spare[carrier] or 0.0) - mass
        carriers[element.id] = carrier
        text = f"let {plan.mission(carrier).name} bring {element.name} ({mass:.0f} kg)"
        steps.append(Repair("carry", f"elements[{element.id}].mission", carrier, text))
    return _rewired(plan, cancelled, carriers, steps)


def _rewired(
    plan: Plan, cancelled: str, carriers: Mapping[str, str], steps: list[Repair]
) -> tuple[Plan, list[Repair]]:
    """The plan with its elements on their new missions and without waiting for the cancelled one."""
    instead = tuple(dict.fromkeys(carriers.values()))
    missions = []
    for mission in plan.missions:
        if cancelled in mission.requires and mission.status not in ("flown", "lost", "cancelled"):
            kept = tuple(name for name in mission.requires if name != cancelled)
            requires = tuple(dict.fromkeys((*kept, *(name for name in instead if name != mission.id))))
            text = f"let {mission.name} wait for {', '.join(requires) or 'nothing'} instead of {cancelled}"
            steps.append(Repair("require", f"missions[{mission.id}].requires", ", ".join(requires), text))
            mission = mission.model_copy(update={"requires": requires})
        missions.append(mission)
    elements = [
        element.model_copy(update={"mission": carriers[element.id]}) if element.id in carriers else element
        for element in plan.elements
    ]
    return plan.model_copy(update={"missions": tuple(missions), "elements": tuple(elements)}), steps


def _carriers(plan: Plan, cancelled: str, excluded: Collection[str]) -> Iterable[ManifestRow]:
    """Launches to come that end where the cancelled one would and have mass to spare, in order."""
    end = _destination(plan, plan.mission(cancelled))
    for row in manifest(plan).rows:
        room = row.delivery_margin_kg
        if row.mission in excluded or room is None or room <= 0:
            continue
        if end is not None and _destination(plan, plan.mission(row.mission)) == end:
            yield row


def _destination(plan: Plan, mission: Mission) -> str | None:
    """Where a mission's transfer ends."""
    if mission.transfer is None:
        return None
    end: str = plan.row("transfers", mission.transfer).destination
    return end


def _dependents(plan: Plan, mission: str) -> set[str]:
    """Missions that require a mission, directly or through others."""
    found: set[str] = set()
    grown = True
    while grown:
        more = {row.id for row in plan.missions if {mission, *found} & set(row.requires)} - found
        found |= more
        grown = bool(more)
    return found


def _instant(text: str) -> dt.datetime:
    """A date of the build order."""
    return dt.datetime.fromisoformat(text.rstrip("Z"))
