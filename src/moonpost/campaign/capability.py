"""What a station can do as it grows: power, mass and objectives against time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.campaign.build import BuildOrder, BuildStep
from moonpost.campaign.science import objective_status
from moonpost.plan.elements import Element, Reactor, SolarArray
from moonpost.plan.model import Plan

__all__ = ["CapabilityPoint", "capability"]


@dataclass(frozen=True)
class CapabilityPoint:
    """What works from a date on.

    Parameters
    ----------
    date : str
        UTC.
    cause : tuple of str
        What begins, or ends with its design life, such as ``+ilrs-1-array`` or ``-ce7-rover``.
    elements : int
        Elements that work.
    station_power_w, own_power_w : float
        Installed electric output of the sources on the station's bus and of all others, as rated [W].
    mass_kg : float
        Mass of the elements that work, where known [kg].
    instruments, objectives : int
        Instruments on elements that work, and objectives that they serve.
    unknown_mass : int
        Elements that work and whose mass is not known.
    """

    date: str
    cause: tuple[str, ...]
    elements: int
    station_power_w: float
    own_power_w: float
    mass_kg: float
    instruments: int
    objectives: int
    unknown_mass: int

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def capability(
    plan: Plan, order: BuildOrder, *, case: Literal["earliest", "latest"] = "earliest"
) -> tuple[CapabilityPoint, ...]:
    """What works after each step of a build order.

    Parameters
    ----------
    plan : Plan
        The plan.
    order : BuildOrder
        Its build order, from `moonpost.campaign.build_order`.
    case : {"earliest", "latest"}
        All dates at their earliest or at their latest; a life is counted from the same case.

    Returns
    -------
    tuple of CapabilityPoint
        Ascending; each holds until the next.

    Notes
    -----
    Power is what the sources are rated for, not what the site's light lets them deliver.

    Examples
    --------
    >>> from moonpost.campaign import build_order
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> curve = capability(plan, build_order(plan))
    >>> [point.date for point in curve] == sorted(point.date for point in curve)
    True
    """
    elements = {element.id: element for element in plan.elements}
    changes: dict[str, list[str]] = {}
    for step in order.steps:
        begin = step.ready if case == "earliest" else step.ready_latest
        if begin is None:
            continue
        changes.setdefault(begin, []).append(f"+{step.element}")
        end = _end(elements[step.element], step, begin)
        if end is not None:
            changes.setdefault(end, []).append(f"-{step.element}")
    working: set[str] = set()
    points = []
    for date in sorted(changes):
        for change in changes[date]:
            (working.add if change[0] == "+" else working.discard)(change[1:])
        points.append(_point(plan, date, changes[date], [elements[name] for name in sorted(working)]))
    return tuple(points)


def _point(plan: Plan, date: str, cause: list[str], working: list[Element]) -> CapabilityPoint:
    """Sums over the elements that work."""
    names = {element.id for element in working}
    idle = [element.id for element in plan.elements if element.id not in names]
    served = [row for row in objective_status(plan, idle) if any(path.arrives for path in row.instruments)]
    masses = [(element.best_mass_kg, element.count) for element in working]
    return CapabilityPoint(
        date=date,
        cause=tuple(cause),
        elements=len(working),
        station_power_w=_power(element for element in working if element.bus == "station"),
        own_power_w=_power(element for element in working if element.bus != "station"),
        mass_kg=float(sum(mass * count for mass, count in masses if mass is not None)),
        instruments=sum(instrument.element in names for instrument in plan.instruments),
        objectives=len(served),
        unknown_mass=sum(mass is None for mass, _ in masses),
    )


def _power(elements: Iterable[Element]) -> float:
    """Rated electric output of all sources."""
    total = 0.0
    for element in elements:
        for source in element.generators:
            rated = source.rated_w if isinstance(source, SolarArray) else source.electric_w
            share = source.availability if isinstance(source, Reactor) else 1.0
            total += element.count * rated * share
    return total


def _end(element: Element, step: BuildStep, begin: str) -> str | None:
    """End of its design life, counted from the day it works."""
    if element.life_years is None:
        return None
    if begin == step.ready:
        return step.end
    start = dt.datetime.fromisoformat(begin.rstrip("Z"))
    return (start + dt.timedelta(days=365.25 * element.life_years)).isoformat(timespec="seconds") + "Z"
