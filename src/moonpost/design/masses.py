"""Mass budget: every element with its margin, against what its mission can launch and deliver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.power.loads import MATURITY_MARGIN

__all__ = ["MassBudget", "MassRow", "MissionMass", "mass_budget"]

_MEASURED = ("flown", "lost")
_IN_ORBIT = ("orbiter", "relay")
_TO_ORBIT = ("orbiter", "relay", "flyby")


@dataclass(frozen=True)
class MassRow:
    """The mass of an element, all its copies together.

    Parameters
    ----------
    element, name, owner, mission : str
        The element and who brings it.
    count : int
        How many of it.
    maturity : str
        What sets the margin.
    mass_kg, low_kg, high_kg : float or None
        Mass without propellant, and its range where only that is known [kg].
    margin_fraction : float
        Margin on it [1]; 0 for what has flown, because that mass was measured.
    margined_kg : float or None
        Mass with margin [kg].
    lands : bool
        Whether it counts towards the mass on the ground.

    Examples
    --------
    >>> MassRow("r", "Rover", "a", "m", 1, "new", 100.0, None, None, 0.2, 120.0, True).margined_kg
    120.0
    """

    element: str
    name: str
    owner: str
    mission: str
    count: int
    maturity: str
    mass_kg: float | None
    low_kg: float | None
    high_kg: float | None
    margin_fraction: float
    margined_kg: float | None
    lands: bool


@dataclass(frozen=True)
class MissionMass:
    """The masses of a mission against what can be launched and delivered; negative margins stay negative.

    Parameters
    ----------
    mission, owner, status : str
        The mission.
    elements_kg : float
        Known masses of what it delivers, without margin [kg].
    budget_kg : float
        The same with margins by maturity and the system margin [kg].
    unknown : tuple of str
        Elements whose mass the plan does not know; the sums leave them out.
    launch_mass_kg, launch_capacity_kg, launch_margin_kg : float or None
        Mass after injection, what the launcher sends, and the difference [kg].
    delivered_capability_kg, delivered_margin_kg : float or None
        What its transfer can deliver to where it goes, and what the budget leaves of that [kg].

    Examples
    --------
    >>> MissionMass("m", "a", "planned", 90.0, 110.0, (), 500.0, 480.0, -20.0, None, None).closes
    False
    """

    mission: str
    owner: str
    status: str
    elements_kg: float
    budget_kg: float
    unknown: tuple[str, ...]
    launch_mass_kg: float | None
    launch_capacity_kg: float | None
    launch_margin_kg: float | None
    delivered_capability_kg: float | None
    delivered_margin_kg: float | None

    @property
    def closes(self) -> bool | None:
        """Whether no margin is negative; None if nothing could be compared."""
        known = [margin for margin in (self.launch_margin_kg, self.delivered_margin_kg) if margin is not None]
        return min(known) >= 0 if known else None


@dataclass(frozen=True)
class MassBudget:
    """Mass by element, mission and owner.

    Parameters
    ----------
    rows : tuple of MassRow
        One per element.
    missions : tuple of MissionMass
        One per mission.
    owner_kg : mapping of str to float
        Mass with margin by owner, known masses of missions that are not lost or cancelled [kg].
    system_margin : float
        Added to what has not flown [1].

    Examples
    --------
    >>> MassBudget((), (), {}, 0.2).rows
    ()
    """

    rows: tuple[MassRow, ...]
    missions: tuple[MissionMass, ...]
    owner_kg: Mapping[str, float]
    system_margin: float


def mass_budget(
    plan: Plan,
    *,
    launch_capacity_kg: Mapping[str, float] | None = None,
    delivered_capability_kg: Mapping[str, float] | None = None,
) -> MassBudget:
    """Mass of every element with its margin, against what each mission can launch and deliver.

    Parameters
    ----------
    plan : Plan
        The plan.
    launch_capacity_kg : mapping of str to float, optional
        Mass after injection that each mission's launcher can send; from the plan's launcher if absent [kg].
    delivered_capability_kg : mapping of str to float, optional
        Mass that each mission's transfer can deliver where it goes (landed, or in orbit) [kg].

    Returns
    -------
    MassBudget

    Notes
    -----
    Budget = sum of m (1 + maturity margin), times (1 + system margin). Margins by maturity are 5, 10 and
    20 percent (ECSS practice). Elements of missions that have flown carry neither margin: their masses were
    measured. A landing mission's orbiters and relays do not count as landed.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> budget = mass_budget(load_plan("ilrs"))
    >>> len(budget.missions) == len(load_plan("ilrs").missions)
    True
    """
    missions = {mission.id: mission for mission in plan.missions}
    rows = tuple(_mass_row(element, missions.get(element.mission)) for element in plan.elements)
    owner_kg: dict[str, float] = {}
    for row in rows:
        mission = missions.get(row.mission)
        if row.margined_kg is not None and (mission is None or mission.status not in ("lost", "cancelled")):
            owner_kg[row.owner] = owner_kg.get(row.owner, 0.0) + row.margined_kg
    totals = tuple(
        _mission_mass(
            plan,
            mission,
            [row for row in rows if row.mission == mission.id],
            (launch_capacity_kg or {}).get(mission.id),
            (delivered_capability_kg or {}).get(mission.id),
        )
        for mission in plan.missions
    )
    return MassBudget(rows, totals, owner_kg, plan.design.system_margin)


def _mass_row(element: Element, mission: Mission | None) -> MassRow:
    measured = mission is not None and mission.status in _MEASURED
    margin = 0.0 if measured else MATURITY_MARGIN[element.maturity]
    best = element.best_mass_kg
    count = element.count
    to_orbit = mission is not None and mission.kind in _TO_ORBIT
    return MassRow(
        element=element.id,
        name=element.name,
        owner=element.owner,
        mission=element.mission,
        count=count,
        maturity=element.maturity,
        mass_kg=None if best is None else count * best,
        low_kg=None if element.mass_low_kg is None else count * element.mass_low_kg,
        high_kg=None if element.mass_high_kg is None else count * element.mass_high_kg,
        margin_fraction=margin,
        margined_kg=None if best is None else count * best * (1.0 + margin),
        lands=not (to_orbit or element.kind in _IN_ORBIT or element.orbits),
    )


def _mission_mass(
    plan: Plan, mission: Mission, rows: list[MassRow], capacity_kg: float | None, capability_kg: float | None
) -> MissionMass:
    if capacity_kg is None and mission.launcher is not None:
        capacity_kg = plan.row("launchers", mission.launcher).capacity_kg
    counted = rows if mission.kind in _TO_ORBIT else [row for row in rows if row.lands]
    system = 0.0 if mission.status in _MEASURED else plan.design.system_margin
    budget_kg = sum(row.margined_kg or 0.0 for row in counted) * (1.0 + system)
    launch_kg = mission.launch_mass_kg
    both = launch_kg is not None and capacity_kg is not None
    weighed = any(row.margined_kg is not None for row in counted)
    return MissionMass(
        mission=mission.id,
        owner=mission.owner,
        status=mission.status,
        elements_kg=sum(row.mass_kg or 0.0 for row in counted),
        budget_kg=budget_kg,
        unknown=tuple(row.element for row in counted if row.mass_kg is None),
        launch_mass_kg=launch_kg,
        launch_capacity_kg=capacity_kg,
        launch_margin_kg=(capacity_kg or 0.0) - (launch_kg or 0.0) if both else None,
        delivered_capability_kg=capability_kg,
        delivered_margin_kg=capability_kg - budget_kg if capability_kg is not None and weighed else None,
    )
