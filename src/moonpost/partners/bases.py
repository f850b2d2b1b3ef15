"""What partners put in, on each of the bases that a rule of shares can weigh."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal, get_args

from moonpost.errors import UnknownNameError
from moonpost.partners.dates import Day, instant
from moonpost.partners.shares import Contribution
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element, Reactor, SolarArray
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

__all__ = ["BASES", "UNITS", "Basis", "contributions"]

Basis = Literal["mass", "energy", "data", "launches", "services"]

BASES: tuple[Basis, ...] = get_args(Basis)
"""Every basis, in the order of `moonpost.plan.ShareRule`."""

UNITS: dict[Basis, str] = {"mass": "kg", "energy": "W", "data": "bit/s", "launches": "kg", "services": "1"}
"""Unit of the amounts of each basis."""

_GONE = ("lost", "cancelled")


def contributions(plan: Plan, basis: Basis, at: Day = None) -> tuple[Contribution, ...]:
    """What partners put in on one basis.

    Parameters
    ----------
    plan : Plan
        The plan.
    basis : {"mass", "energy", "data", "launches", "services"}
        mass: of elements that arrive [kg]; energy: rated electric output of their sources, a reactor's times its
        availability [W]; data: rates of the links that end on Earth, half to the owner of the sender and half to
        that of the ground station [bit/s]; launches: mass sent towards the Moon, to the owner of the launcher
        [kg]; services: their value as the plan states it.
    at : str, datetime.date, datetime.datetime or None
        Count only what has arrived, flown or begun by the end of that day and is within its life; None counts all
        that the plan has.

    Returns
    -------
    tuple of Contribution
        What is not known has an amount of None.

    Raises
    ------
    UnknownNameError
        If there is no such basis.
    DateError
        If `at` is no date.

    Notes
    -----
    Elements of lost and cancelled missions bring nothing; a lost mission was launched and its launch counts. A
    date of any precision counts from its last second. Lives are counted from arrival.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> {row.owner for row in contributions(plan, "launches", "2024")} == {"cnsa", "roscosmos"}
    True
    >>> contributions(plan, "energy", "1957")
    ()
    """
    if basis not in BASES:
        raise UnknownNameError(basis, BASES, kind="basis", where="contributions")
    limit = instant(at)
    if basis == "services":
        return tuple(_services(plan, limit))
    if basis == "launches":
        return tuple(_launches(plan, limit))
    if basis == "data":
        return tuple(_links(plan, limit))
    working = _working(plan, limit)
    return tuple(
        _mass(row, by) if basis == "mass" else _energy(row, by) for row, by in working if _counts(row, basis)
    )


def _working(plan: Plan, limit: dt.datetime | None) -> list[tuple[Element, Mission]]:
    """Elements that come, or have come by then and still live, with their missions."""
    missions = {mission.id: mission for mission in plan.missions}
    found = []
    for element in plan.elements:
        mission = missions.get(element.mission)
        if mission is not None and mission.status not in _GONE and _lives(element, mission, limit):
            found.append((element, mission))
    return found


def _lives(element: Element, mission: Mission, limit: dt.datetime | None) -> bool:
    """Whether an element has arrived and is within its life."""
    if limit is None:
        return True
    arrived = when_bounds(mission.landing or mission.launch)[1]
    if arrived > limit:
        return False
    return element.life_years is None or limit <= arrived + dt.timedelta(days=365.25 * element.life_years)


def _counts(element: Element, basis: str) -> bool:
    """Whether an element has anything to count."""
    return basis == "mass" or _rated_w(element) > 0


def _mass(element: Element, mission: Mission) -> Contribution:
    mass, low, high = element.best_mass_kg, element.mass_low_kg, element.mass_high_kg
    return Contribution(
        owner=element.owner,
        amount=None if mass is None else mass * element.count,
        low=None if low is None else low * element.count,
        high=None if high is None else high * element.count,
        subject=f"elements[{element.id}]",
        status=mission.status,
    )


def _energy(element: Element, mission: Mission) -> Contribution:
    return Contribution(element.owner, _rated_w(element), subject=f"elements[{element.id}]", status=mission.status)


def _rated_w(element: Element) -> float:
    """Rated electric output of all sources."""
    total = 0.0
    for source in element.generators:
        rated = source.rated_w if isinstance(source, SolarArray) else source.electric_w
        total += rated * (source.availability if isinstance(source, Reactor) else 1.0)
    return total * element.count


def _links(plan: Plan, limit: dt.datetime | None) -> Iterator[Contribution]:
    """Half of a link's rate to each end, of links that end on Earth and whose sender works."""
    senders = {element.id: (element, mission) for element, mission in _working(plan, limit)}
    dishes = {dish.id: dish.owner for dish in plan.ground_stations}
    for link in plan.links:
        if link.receiver in dishes and link.sender in senders:
            element, mission = senders[link.sender]
            for owner in (element.owner, dishes[link.receiver]):
                yield Contribution(
                    owner, 0.5 * link.rate_bit_s, subject=f"links[{link.id}]", status=mission.status
                )


def _launches(plan: Plan, limit: dt.datetime | None) -> Iterator[Contribution]:
    """Mass sent by each launch, to the owner of the launcher."""
    owners = {launcher.id: launcher.owner for launcher in plan.launchers}
    for mission in plan.missions:
        flown = limit is None or when_bounds(mission.launch)[1] <= limit
        if mission.status != "cancelled" and flown:
            owner = owners.get(mission.launcher or "", mission.owner)
            yield Contribution(
                owner, mission.launch_mass_kg, subject=f"missions[{mission.id}]", status=mission.status
            )


def _services(plan: Plan, limit: dt.datetime | None) -> Iterator[Contribution]:
    """Services that run on the day."""
    for row in plan.services:
        begun = limit is None or row.start is None or when_bounds(row.start)[0] <= limit
        over = limit is not None and row.end is not None and when_bounds(row.end)[1] < limit
        if begun and not over:
            yield Contribution(row.partner, row.value, subject=f"services[{row.id}]")
