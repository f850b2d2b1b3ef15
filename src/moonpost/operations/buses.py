"""Which elements of a plan a simulation holds, from when, and how their buses run as they arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import UnknownNameError
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.places import SurfaceStation
from moonpost.power.balance import BusEvent, bus_events, run_bus
from moonpost.power.loads import PowerGroup, element_load_w, group_lit, power_groups
from moonpost.power.series import FloatSeries, SunView
from moonpost.power.sources import element_supply_w
from moonpost.power.storage import pool

__all__ = ["Arrival", "BusFlows", "arrival_of", "groups_at", "light_masts_m", "run_group", "station_site"]

_YEAR_S = 365.25 * 86_400.0


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
class BusFlows:
    """What flowed on a bus in a period in which elements may arrive. Names as in `moonpost.power.BusRun`.

    Parameters
    ----------
    name : str
        The bus.
    arrivals : tuple of Arrival
        Its elements.
    element_supply_w, element_load_w : mapping of str to ndarray, (n,)
        By element [W].
    supply_w, load_w, shed_w, charged_w, discharged_w, spilled_w, bus_loss_w, storage_loss_w : ndarray, (n,)
        Means of each step [W].
    stored_wh, usable_wh : ndarray, (n,)
        At the start of each step [Wh].
    final_wh, imported_wh : float
        Held at the end; brought by stores that arrived full, those of the first instant included [Wh].
    residual_relative : float
        Largest energy unaccounted for, relative [1].
    events : tuple of BusEvent
        With times and steps from the start of the period.
    in_light : ndarray of bool, (n,)
        Whether the bus runs its light modes.

    Examples
    --------
    >>> from moonpost.operations.buses import run_group  # see there
    """

    name: str
    arrivals: tuple[Arrival, ...]
    element_supply_w: Mapping[str, FloatSeries]
    element_load_w: Mapping[str, FloatSeries]
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
    residual_relative: float
    events: tuple[BusEvent, ...]
    in_light: npt.NDArray[np.bool_]

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


def run_group(
    plan: Plan,
    group: PowerGroup,
    arrivals: tuple[Arrival, ...],
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    step_s: float,
    *,
    margins: bool,
    light_mode_above: float,
) -> BusFlows:
    """Run one bus through the period, its store growing as elements arrive with theirs, full.

    Parameters
    ----------
    plan : Plan
        The plan.
    group : PowerGroup
        The bus.
    arrivals : tuple of Arrival
        Its elements that arrive before the period ends; at least one.
    sun : SunView
        The Sun from the site at even steps, (n,).
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    step_s : float
        Step [s].
    margins : bool
        Loads with all margins.
    light_mode_above : float
        Fraction of the disc above which the light modes run [1].

    Returns
    -------
    BusFlows

    Raises
    ------
    InputError
        If a series cannot be used.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> sun = SimpleNamespace(time=np.datetime64("2019-02-01", "ms") + np.arange(4) * np.timedelta64(3600, "s"),
    ...     azimuth_deg=np.zeros(4), elevation_deg=np.full(4, 30.0), distance_m=np.full(4, 1.5e11))
    >>> rover = plan.element("yutu-2")
    >>> there = (arrival_of(plan, rover, sun.time[0], 3600.0, 4),)
    >>> flows = run_group(plan, PowerGroup("yutu-2", (rover,)), there, sun, {1.0: np.zeros(4)}, 3600.0,
    ...     margins=False, light_mode_above=0.0)
    >>> flows.supply_w
    array([0., 0., 0., 0.])
    """
    rules = plan.design
    count = sun.time.size
    lit = group_lit(group, light_by_mast, count, above=light_mode_above)
    supplies, loads = {}, {}
    for arrival in arrivals:
        there = np.arange(count) >= arrival.step
        age_s = (sun.time - arrival.time) / np.timedelta64(1, "ms") / 1000.0
        years = np.maximum(age_s / _YEAR_S, 0.0)
        supplies[arrival.element.id] = np.where(
            there, element_supply_w(arrival.element, sun, light_by_mast, years, rules), 0.0
        )
        factor = 1.0 + rules.system_margin if margins else 1.0
        load = element_load_w(arrival.element, lit, with_margin=margins) * factor
        loads[arrival.element.id] = np.where(there, load, 0.0)
    supply = np.sum(list(supplies.values()), axis=0)
    load = np.sum(list(loads.values()), axis=0)
    joined = _run_in_parts(supply, load, arrivals, step_s, rules.bus_efficiency)
    return BusFlows(
        name=group.name,
        arrivals=arrivals,
        element_supply_w=supplies,
        element_load_w=loads,
        in_light=lit & (np.arange(count) >= min(arrival.step for arrival in arrivals)),
        **joined,
    )


_SERIES = (
    "supply_w", "load_w", "shed_w", "charged_w", "discharged_w", "spilled_w", "bus_loss_w", "storage_loss_w",
)  # fmt: skip


def _run_in_parts(
    supply: FloatSeries, load: FloatSeries, arrivals: tuple[Arrival, ...], step_s: float, bus_efficiency: float
) -> dict[str, Any]:
    """Run the bus from one arrival of a store to the next and join the parts."""
    count = supply.size
    cuts = sorted({0, *(a.step for a in arrivals if a.element.storage is not None and a.step < count)})
    parts, stored, after, usable = [], [], [], []
    held_wh = imported_wh = capacity_wh = 0.0
    for start, stop in zip(cuts, [*cuts[1:], count], strict=True):
        store = pool(
            (a.element.storage, a.element.count) for a in arrivals if a.element.storage and a.step <= start
        )
        imported_wh += store.usable_wh - capacity_wh
        held_wh = min(held_wh + store.usable_wh - capacity_wh, store.usable_wh)
        capacity_wh = store.usable_wh
        run = run_bus(
            supply[start:stop], load[start:stop], step_s, store, initial_wh=held_wh, bus_efficiency=bus_efficiency
        )
        held_wh = float(run.stored_wh[-1])
        parts.append(run)
        stored.append(run.stored_wh[:-1])
        usable.append(np.full(stop - start, store.usable_wh))
        after.append(run.stored_wh[1:])
    flows = {name: np.concatenate([getattr(run, name) for run in parts]) for name in _SERIES}
    before_wh, usable_wh = np.concatenate(stored), np.concatenate(usable)
    events = bus_events(
        step_s,
        flows=(flows["charged_w"], flows["discharged_w"], flows["spilled_w"], flows["shed_w"]),
        stored_wh=(before_wh, np.concatenate(after)),
        usable_wh=usable_wh,
    )
    return {
        **flows,
        "stored_wh": before_wh,
        "usable_wh": usable_wh,
        "final_wh": held_wh,
        "imported_wh": imported_wh,
        "residual_relative": max(run.residual_relative for run in parts),
        "events": events,
    }
