"""Which elements of a plan a simulation holds and from when, and what flowed on their buses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import UnknownNameError
from moonpost.operations.balances import DataBalance, HeatBalance, MassBalance
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation
from moonpost.power.loads import PowerGroup, power_groups
from moonpost.power.series import FloatSeries

__all__ = ["Arrival", "BusEvent", "BusFlows", "arrival_of", "groups_at", "light_masts_m", "station_site"]


@dataclass(frozen=True)
class Arrival:
    """When an element is there.

    Parameters
    ----------
    element : Element
        The element.
    time : datetime64[ms]
        The latest landing, or launch, that the plan allows.
    step : int
        First step of the period in which it is there; the number of steps if it comes later.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> Arrival(load_plan("ilrs").element("yutu-2"), np.datetime64("2019-01-03", "ms"), 0).element.name
    'Yutu-2 rover'
    """

    element: Element
    time: np.datetime64
    step: int


@dataclass(frozen=True)
class BusEvent:
    """Something that happened on a bus or to one of its machines.

    Parameters
    ----------
    time_s : float
        From the start of the period [s].
    subject : str
        The bus or the element.
    kind : str
        One of `moonpost.operations.codes.EVENTS`.
    value : float
        A number that belongs to it, such as a power or a temperature.
    part : str
        The tank, where it is about one.

    Examples
    --------
    >>> BusEvent(60.0, "station", "storage-full", 100.0).kind
    'storage-full'
    """

    time_s: float
    subject: str
    kind: str
    value: float
    part: str = ""


@dataclass(frozen=True)
class BusFlows:
    """What flowed on a bus in a period in which elements may arrive. Powers are means of each step [W].

    Parameters
    ----------
    name : str
        The bus.
    arrivals : tuple of Arrival
        Its elements.
    element_supply_w, element_load_w, element_served_w, working : mapping of str to ndarray, (n,)
        By element: what its sources could give, what it asked for and got [W]; 1 while it works.
    supply_w, load_w, shed_w, charged_w, discharged_w, spilled_w, bus_loss_w, storage_loss_w : ndarray, (n,)
        Of the bus [W].
    stored_wh, usable_wh : ndarray, (n,)
        At the start of each step [Wh].
    final_wh, imported_wh : float
        Held at the end; brought by stores that arrived full, those of the first instant included [Wh].
    total_wh : mapping of str to float
        Energies of the whole period by the names of the powers, without ``_w`` [Wh].
    residual_relative : float
        Largest energy unaccounted for between two events, relative [1].
    events : tuple of BusEvent
        What happened, in order of time.
    in_light : ndarray of bool, (n,)
        Whether the bus is in light.
    boxes, recorders : mapping of str to mapping of str to ndarray, (n,)
        Series of warm boxes and of recorders by element.
    tanks : mapping of str to ndarray, (n,)
        Content at the start of each step by element and tank [kg].
    heats, data, masses : tuple
        Balances of heat, data and mass.
    stretches : int
        How many stretches between events and knots were computed.

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """

    name: str
    arrivals: tuple[Arrival, ...]
    element_supply_w: Mapping[str, FloatSeries]
    element_load_w: Mapping[str, FloatSeries]
    element_served_w: Mapping[str, FloatSeries]
    working: Mapping[str, FloatSeries]
    supply_w: FloatSeries
    load_w: FloatSeries
    shed_w: FloatSeries
    charged_w: FloatSeries
    discharged_w: FloatSeries
    spilled_w: FloatSeries
    bus_loss_w: FloatSeries
    storage_loss_w: FloatSeries
    stored_wh: FloatSeries
    usable_wh: FloatSeries
    final_wh: float
    imported_wh: float
    total_wh: Mapping[str, float]
    residual_relative: float
    events: tuple[BusEvent, ...]
    in_light: npt.NDArray[np.bool_]
    boxes: Mapping[str, Mapping[str, FloatSeries]]
    recorders: Mapping[str, Mapping[str, FloatSeries]]
    tanks: Mapping[str, FloatSeries]
    heats: tuple[HeatBalance, ...]
    data: tuple[DataBalance, ...]
    masses: tuple[MassBalance, ...]
    stretches: int

    @property
    def served_w(self) -> FloatSeries:
        """What the loads got, (n,) [W]."""
        return self.load_w - self.shed_w


def station_site(plan: Plan, site: str | None) -> str | None:
    """The site simulated: the one named, or the station's.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str or None
        A site of the plan; None for the station's.

    Returns
    -------
    str or None
        None for a station in orbit.

    Raises
    ------
    UnknownNameError
        If the plan has no such site.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> station_site(load_plan("ilrs"), "ce4-site")
    'ce4-site'
    """
    if site is not None:
        return plan.site(site).id
    return plan.station.site if isinstance(plan.station, SurfaceStation) else None


def groups_at(plan: Plan, site: str | None) -> tuple[list[PowerGroup], dict[str, str]]:
    """Buses at a site, and the elements left out.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str or None
        A site of the plan, or None for a station in orbit.

    Returns
    -------
    groups : list of PowerGroup
        Only with elements that stand there, or will.
    absent : dict of str to str
        The other elements, with the reason.

    Raises
    ------
    UnknownNameError
        If an element's mission is not in the plan.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> [group.name for group in groups_at(load_plan("ilrs"), "ce4-site")[0]]
    ['ce4-lander', 'yutu-2']
    """
    here: list[PowerGroup] = []
    absent = {}
    home = station_site(plan, None)
    missions = {mission.id: mission for mission in plan.missions}
    powered = {element.id for group in power_groups(plan) for element in group.elements}
    for element in plan.elements:
        if element.id not in powered:
            absent[element.id] = "has no modes, sources or storage"
    for group in power_groups(plan):
        place = home if group.name == "station" else _place(group, missions)
        kept = []
        for element in group.elements:
            reason = _reason(element, missions, place, site, group.name == "station")
            if reason:
                absent[element.id] = reason
            else:
                kept.append(element)
        if kept:
            here.append(PowerGroup(group.name, tuple(kept)))
    return here, absent


def _place(group: PowerGroup, missions: Mapping[str, Mission]) -> str | None:
    """Site of the element that gives an own bus its name."""
    host = next(element for element in group.elements if element.id == group.name)
    mission = missions.get(host.mission)
    return mission.site if mission and not host.orbits else None


def _reason(
    element: Element, missions: Mapping[str, Mission], place: str | None, site: str | None, on_station: bool
) -> str:
    """Why an element is left out; empty if it is not."""
    if element.mission not in missions:
        raise UnknownNameError(element.mission, missions, kind="mission", where=f"elements[{element.id}].mission")
    status = missions[element.mission].status
    if status in ("lost", "cancelled"):
        return f"its mission {element.mission} is {status}"
    if place != site:
        if place:
            return f"stands at {place}: simulate it with the light of that site"
        in_orbit = element.orbits or missions[element.mission].kind in ("orbiter", "relay", "flyby")
        return "is in an orbit of its own" if in_orbit else f"its mission {element.mission} names no site"
    if place is None and not on_station:
        return "is in an orbit of its own"
    return ""


def arrival_of(plan: Plan, element: Element, start: np.datetime64, step_s: float, count: int) -> Arrival:
    """When an element is there: the latest landing, or launch, that its mission allows.

    Parameters
    ----------
    plan : Plan
        The plan.
    element : Element
        The element.
    start : datetime64
        Start of the period, UTC.
    step_s : float
        Step [s].
    count : int
        Number of steps.

    Returns
    -------
    Arrival

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> arrival_of(plan, plan.element("yutu-2"), np.datetime64("2019-01-03T02:00", "ms"), 3600.0, 10).step
    1
    """
    mission = plan.mission(element.mission)
    time = np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")
    late_s = float((time - start) / np.timedelta64(1, "ms")) / 1000.0
    return Arrival(element, time, min(max(int(np.ceil(late_s / step_s)), 0), count))


def light_masts_m(groups: Iterable[PowerGroup], plan: Plan) -> tuple[float, ...]:
    """Heights at which a simulation of these buses needs light.

    Parameters
    ----------
    groups : iterable of PowerGroup
        The buses.
    plan : Plan
        The plan; its lowest mast serves a bus without arrays.

    Returns
    -------
    tuple of float
        Lowest first [m].

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> light_masts_m([PowerGroup("station", ())], load_plan("ilrs"))
    (2.0,)
    """
    heights: set[float] = set()
    for group in groups:
        heights.update(group.masts_m)
    if not heights or any(not group.masts_m for group in groups):
        lowest = min(plan.station.masts_m) if isinstance(plan.station, SurfaceStation) else 0.0
        heights.add(lowest)
    return tuple(sorted(heights))
