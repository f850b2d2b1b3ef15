"""What is still to be brought to the station: mass with margin, room, order and the day by which it is needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from moonpost.campaign.launchdates import TRANSIT_DAYS
from moonpost.campaign.launches import LeftOut, station_missions
from moonpost.errors import InputError
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation
from moonpost.power.loads import MATURITY_MARGIN

__all__ = ["CargoList", "CargoRow", "plan_cargo"]

_MOST_LOTS = 48
_NEVER = ("lost", "cancelled")
_TRANSIT = dt.timedelta(days=TRANSIT_DAYS)


@dataclass(frozen=True)
class CargoRow:
    """An element that has to fly, or a lot of it.

    Parameters
    ----------
    id : str
        The element's, with ``/1``, ``/2`` and so on where there are several of it.
    element, name, owner, mission : str
        From the plan; `mission` is the one that the plan has bring it.
    pieces : int
        How many of the element are in the lot.
    mass_kg : float
        Of the lot, with margin [kg].
    margin : float
        By its maturity: 0.05, 0.10 or 0.20 [1].
    volume_m3 : float or None
        Of the lot, packed [m3]; None if it is not known.
    after : tuple of str
        Cargo that comes on the same flight or earlier.
    need : datetime.datetime
        Last instant at which it may arrive, UTC without time zone.
    need_basis : str
        Where that is from.
    ready : datetime.datetime or None
        First instant at which it may arrive; None if nothing holds it back.
    ready_basis : str
        Where that is from.
    planned_first, planned_last : datetime.datetime
        Arrival by the plan's own date, earliest and latest.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = {row.element: row for row in plan_cargo(load_plan("ilrs")).rows}
    >>> rows["station-battery"].mass_kg, rows["station-battery"].after
    (1375.0, ('vertical-array',))
    """

    id: str
    element: str
    name: str
    owner: str
    mission: str
    pieces: int
    mass_kg: float
    margin: float
    volume_m3: float | None
    after: tuple[str, ...]
    need: dt.datetime
    need_basis: str
    ready: dt.datetime | None
    ready_basis: str
    planned_first: dt.datetime
    planned_last: dt.datetime


@dataclass(frozen=True)
class CargoList:
    """Cargo of a plan, and what is not among it.

    Parameters
    ----------
    rows : tuple of CargoRow
        In the plan's order.
    left_out : tuple of LeftOut
        Elements of the missions to the station that take no part, with reasons.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> {row.reason for row in plan_cargo(load_plan("ilrs")).left_out}
    {'is the lander of its flight'}
    """

    rows: tuple[CargoRow, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def plan_cargo(plan: Plan, *, early: bool = True, also: Collection[str] = ()) -> CargoList:
    """Elements that still have to be brought to the station.

    Parameters
    ----------
    plan : Plan
        The plan.
    early : bool, default True
        Whether cargo may come before the plan's own date; otherwise it is held until that.
    also : collection of str
        Elements to bring besides, although their mission is cancelled or goes elsewhere.

    Returns
    -------
    CargoList

    Raises
    ------
    UnknownNameError
        If `also` names an element that the plan lacks.
    InputError
        If `also` names one without a mass.

    Notes
    -----
    What requires an element that never comes is left out with it. Several of an element fly one
    by one, more than 48 in 48 lots, each on any flight.
    Needed by `needed` of the element, else by the last arrival that the date of its own mission allows. An element
    comes after those it requires and its source of power, and after all cargo of the missions that its own
    requires; where these bring no cargo to the station, after their last arrival. Landers are part of
    their flights. Elements without a mass, or of missions that wait for a lost or cancelled one, are
    left out and named.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> sum(row.mass_kg for row in plan_cargo(load_plan("ilrs")).rows)
    16502.5
    """
    missions = {row.id: row for row in station_missions(plan)}
    extra = [plan.element(name) for name in also]
    lost = _lost(plan, missions, {row.id for row in extra})
    rows: dict[str, CargoRow] = {}
    left_out = []
    for element in plan.elements:
        wanted = element in extra
        if element.mission not in missions and not wanted:
            continue
        reason = "" if wanted else _reason(plan, element) or lost.get(element.id, "")
        if wanted and element.best_mass_kg is None:
            raise InputError("its mass is not known", where=f"elements[{element.id}]", advice="give mass_kg")
        if reason:
            left_out.append(LeftOut(element.id, reason))
        else:
            rows |= {row.id: row for row in _lots(plan, element, early and not wanted)}
    return CargoList(tuple(_ordered(plan, row, rows) for row in rows.values()), tuple(left_out))


def _reason(plan: Plan, element: Element) -> str:
    """Why an element is no cargo by itself, or nothing."""
    if element.kind == "lander" and isinstance(plan.station, SurfaceStation):
        return "is the lander of its flight"
    return "its mass is not known" if element.best_mass_kg is None else ""


def _lost(plan: Plan, missions: dict[str, Mission], rescued: set[str]) -> dict[str, str]:
    """Elements that never come or never work, with the reason."""
    found: dict[str, str] = {}
    for element in plan.elements:
        if element.id in rescued:
            continue
        status = plan.mission(element.mission).status
        if status in _NEVER:
            found[element.id] = f"its mission {element.mission} is {status}"
        for name in missions[element.mission].requires if element.mission in missions else ():
            status = plan.mission(name).status
            if status in _NEVER:
                found[element.id] = f"its mission {element.mission} requires {name}, which is {status}"
    grown = True
    while grown:
        grown = False
        for element in plan.elements:
            needs = [name for name in _needs(element) if name in found]
            if needs and element.id not in found and element.id not in rescued:
                found[element.id] = f"requires {needs[0]}, which never works"
                grown = True
    return found


def _needs(element: Element) -> tuple[str, ...]:
    """Elements that have to work before this one."""
    return tuple(name for name in (*element.requires, element.powered_by) if name not in (None, element.id))


def _lots(plan: Plan, element: Element, early: bool) -> list[CargoRow]:
    """An element as cargo, but for what it comes after."""
    mission = plan.mission(element.mission)
    first, last = _arrival(mission)
    need, basis = last, f"date of {mission.id}"
    if element.needed is not None:
        need, basis = when_bounds(element.needed)[1], "needed"
    ready = None if early else min(first, need)
    margin = MATURITY_MARGIN[element.maturity]
    count = min(element.count, _MOST_LOTS)
    sizes = [element.count // count + (k < element.count % count) for k in range(count)]
    return [
        CargoRow(
            id=element.id if count == 1 else f"{element.id}/{k + 1}",
            element=element.id,
            name=element.name,
            owner=element.owner,
            mission=mission.id,
            pieces=size,
            mass_kg=round(size * (element.best_mass_kg or 0.0) * (1.0 + margin), 6),
            margin=margin,
            volume_m3=None if element.volume_m3 is None else size * element.volume_m3,
            after=(),
            need=need,
            need_basis=basis,
            ready=ready,
            ready_basis="" if ready is None else f"date of {mission.id}",
            planned_first=first,
            planned_last=last,
        )
        for k, size in enumerate(sizes)
    ]


def _ordered(plan: Plan, row: CargoRow, rows: dict[str, CargoRow]) -> CargoRow:
    """Cargo with what it comes after."""
    element = plan.element(row.element)
    before = set(_needs(element))
    ready, basis = row.ready, row.ready_basis
    for name in plan.mission(row.mission).requires:
        brought = {other.element for other in rows.values() if other.mission == name}
        before.update(brought)
        required = plan.mission(name)
        if not brought and required.status in ("planned", "proposed"):
            last = _arrival(required)[1]
            if ready is None or last > ready:
                ready, basis = last, f"arrival of {name}"
    for name in sorted(before - {other.element for other in rows.values()}):
        mission = plan.mission(plan.element(name).mission)
        if mission.status in ("planned", "proposed") and mission.id != row.mission:
            last = _arrival(mission)[1]
            if ready is None or last > ready:
                ready, basis = last, f"arrival of {name}"
    after = tuple(name for name, other in rows.items() if other.element in before)
    return replace(row, after=after, ready=ready, ready_basis=basis)


def _arrival(mission: Mission) -> tuple[dt.datetime, dt.datetime]:
    """First and last arrival that the plan's date allows."""
    if mission.landing is not None:
        return when_bounds(mission.landing)
    first, last = when_bounds(mission.launch)
    return first + _TRANSIT, last + _TRANSIT
