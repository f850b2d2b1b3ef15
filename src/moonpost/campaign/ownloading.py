"""What the missions of a plan bring by its own assignment, measured like any other loading."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from moonpost.campaign.launches import FlightKinds, mission_kind
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

if TYPE_CHECKING:
    from moonpost.campaign.cargo import CargoRow

__all__ = ["Measures", "measured", "own_loading"]

_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Measures:
    """What a loading comes to by every aim.

    Parameters
    ----------
    launches : int
        Launches.
    cost : float or None
        Their cost; None if one of them has none.
    mean_arrival : str
        Day of arrival, weighted by mass, UTC.
    least_slack_days : float
        Least time from arrival to need [d].

    Examples
    --------
    >>> Measures(3, None, "2032-01-01", 12.0).launches
    3
    """

    launches: int
    cost: float | None
    mean_arrival: str
    least_slack_days: float


def measured(
    launches: int, cost: float | None, arrivals: Mapping[str, dt.datetime], rows: Sequence[CargoRow]
) -> Measures:
    """Measure a loading by every aim.

    Parameters
    ----------
    launches : int
        Launches.
    cost : float or None
        Their cost, if it is known.
    arrivals : mapping of str to datetime.datetime
        Arrival of each cargo, UTC without time zone.
    rows : sequence of CargoRow
        The cargo.

    Returns
    -------
    Measures

    Examples
    --------
    >>> from moonpost.campaign.cargo import plan_cargo
    >>> from moonpost.plan import load_plan
    >>> rows = plan_cargo(load_plan("ilrs")).rows
    >>> measured(1, None, {row.id: row.need for row in rows}, rows).least_slack_days
    0.0
    """
    first = min(arrivals.values())
    total = math.fsum(row.mass_kg for row in rows)
    mean = math.fsum(row.mass_kg * (arrivals[row.id] - first) / _ONE_DAY for row in rows) / total
    day = first + dt.timedelta(days=mean)
    slack = min((row.need - arrivals[row.id]) / _ONE_DAY for row in rows)
    return Measures(launches, cost, day.date().isoformat(), slack)


def own_loading(
    plan: Plan, rows: Sequence[CargoRow], kinds: FlightKinds
) -> tuple[Measures | None, tuple[str, ...]]:
    """Measure what the plan itself has fly, at the last day that its dates allow.

    Parameters
    ----------
    plan : Plan
        The plan.
    rows : sequence of CargoRow
        The cargo.
    kinds : FlightKinds
        Launchers, with their costs and the dry mass of landers.

    Returns
    -------
    tuple of Measures or None, and tuple of str
        The measures, and in words what does not fit; None if there is no cargo.

    Examples
    --------
    >>> from moonpost.campaign.cargo import plan_cargo
    >>> from moonpost.campaign.launches import flight_kinds
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs-orbit")
    >>> own_loading(plan, plan_cargo(plan).rows, flight_kinds(plan))[0].launches
    5
    """
    if not rows:
        return None, ()
    by_mission: dict[str, list[CargoRow]] = {}
    for row in rows:
        by_mission.setdefault(row.mission, []).append(row)
    costs = {kind.launcher: kind.cost for kind in kinds.kinds}
    paid, faults = [], []
    for name, brought in by_mission.items():
        launcher = plan.mission(name).launcher
        paid.append(costs.get(launcher or ""))
        faults += [f"{name} {text}" for text in _mission_faults(plan, name, brought, kinds)]
    known = [cost for cost in paid if cost is not None]
    arrivals = {row.id: row.planned_last for row in rows}
    for row in rows:
        faults += [f"{row.id} may come before {other}" for other in row.after
                   if arrivals[other] > arrivals[row.id]]  # fmt: skip
    total = math.fsum(known) if len(known) == len(paid) else None
    return measured(len(by_mission), total, arrivals, rows), tuple(faults)


def _mission_faults(plan: Plan, name: str, brought: Sequence[CargoRow], kinds: FlightKinds) -> list[str]:
    """Whether a mission of the plan brings its own cargo."""
    mission = plan.mission(name)
    found = mission_kind(plan, mission, kinds.lander)
    if found is None and mission.transfer is None:
        return ["has no transfer, so that what it brings is not known"]
    if found is None and (mission.launch_mass_kg or _capacity(plan, mission)):
        return ["does not arrive: its chain of velocity changes does not close"]
    if found is None:
        return ["has no mass after injection and no launcher of known capacity"]
    fits, room = found.cargo_kg, found.volume_m3
    asked, volume = math.fsum(row.mass_kg for row in brought), math.fsum(row.volume_m3 or 0.0 for row in brought)
    faults = [] if asked <= fits else [f"brings {asked:,.0f} kg with margins, {fits:,.0f} kg fit"]
    return faults if room is None or volume <= room else [*faults, f"brings {volume:g} m3, {room:g} m3 fit"]


def _capacity(plan: Plan, mission: Mission) -> float | None:
    """What the launcher of a mission sends to the Moon, if that is known."""
    if mission.launcher is None:
        return None
    found: float | None = plan.row("launchers", mission.launcher).capacity_kg
    return found
