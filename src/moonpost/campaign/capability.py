"""What a station can do as it grows: power, data, mass and objectives against time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from moonpost.campaign.build import BuildOrder, BuildStep
from moonpost.campaign.science import objective_status
from moonpost.plan.elements import Element, Reactor, SolarArray
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation

__all__ = ["CapabilityPoint", "capability"]

_CARRIERS = ("lander", "vehicle", "ascender")
_ORBITERS = ("relay", "orbiter")
_DAY_S = 86_400.0
_MOST_BIT_S = 2_000_000_000


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
    payload_kg : float
        Mass of what works at the station, without landers, vehicles and ascenders that carried it, relays and
        orbiters, where known [kg].
    data_mbit_day : float
        What the machines that work at the station make in the light, by their modes [Mbit/day].
    downlink_mbit_day : float
        Most that links between machines that work carry from the station to the Earth in a day [Mbit/day].
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
    payload_kg: float = 0.0
    data_mbit_day: float = 0.0
    downlink_mbit_day: float = 0.0

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
    Power is what the sources are rated for, not what the site's light lets them deliver. Data are those of the
    modes for light; what goes down is the largest flow through the plan's links at their published rates, with
    contact at all times: an upper bound.

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
    here = [element for element in working if _at_station(plan, element)]
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
        payload_kg=float(sum((row.best_mass_kg or 0.0) * row.count for row in here if row.kind not in _CARRIERS)),
        data_mbit_day=sum(_made_bit_s(element) for element in here) * _DAY_S / 1e6,
        downlink_mbit_day=_downlink_bit_s(plan, working, here) * _DAY_S / 1e6,
    )


def _at_station(plan: Plan, element: Element) -> bool:
    """Whether an element belongs to the station: on its bus, or at its site and in no orbit."""
    if element.bus == "station":
        return True
    site = plan.station.site if isinstance(plan.station, SurfaceStation) else None
    mission = next((row for row in plan.missions if row.id == element.mission), None)
    return site is not None and mission is not None and mission.site == site and element.kind not in _ORBITERS


def _made_bit_s(element: Element) -> float:
    """Data that an element makes in the light [bit/s]."""
    rates = {mode.when: mode.data_bit_s for mode in reversed(element.modes)}
    return element.count * rates.get("light", rates.get("always", 0.0))


def _downlink_bit_s(plan: Plan, working: list[Element], here: list[Element]) -> float:
    """Largest flow through the links from machines of the station to the Earth [bit/s]."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    there = {element.id for element in working}
    earth = {station.id for station in plan.ground_stations}
    links = [row for row in plan.links if row.sender in there and (row.receiver in there or row.receiver in earth)]
    number = {name: k for k, name in enumerate(sorted(there | {row.receiver for row in links} | earth), start=2)}
    rates: dict[tuple[int, int], int] = {}
    for row in links:
        pair = number[row.sender], number[row.receiver]
        rates[pair] = rates.get(pair, 0) + min(round(row.rate_bit_s), _MOST_BIT_S)
    senders = {element.id for element in here} & {row.sender for row in links}
    if not senders:
        return 0.0
    rates.update({(0, number[name]): _MOST_BIT_S for name in senders})
    rates.update({(number[name], 1): _MOST_BIT_S for name in earth})
    places = list(rates)
    size = len(number) + 2
    graph = csr_array(
        (np.minimum(list(rates.values()), _MOST_BIT_S).astype(np.int32),
         ([a for a, _ in places], [b for _, b in places])), shape=(size, size),
    )  # fmt: skip
    return float(maximum_flow(graph, 0, 1).flow_value)


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
