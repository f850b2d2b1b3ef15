"""The launches that several plans share, what each makes of them, and the science that they bring."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from moonpost.campaign import build_order, objective_status
from moonpost.campaign.science import InstrumentPath, ObjectiveStatus
from moonpost.design import mass_budget
from moonpost.errors import ModelError
from moonpost.flight import landed_mass_kg, mission_chain
from moonpost.plan import Mission, Plan
from moonpost.study.alternativemodel import LaunchSide, ObjectiveSide, SharedLaunch, TradeObjective

__all__ = ["missing_elements", "objectives", "outside", "shared_launches", "unshared"]

_OVER = ("flown", "lost", "cancelled")


def shared_launches(plans: Sequence[Plan]) -> tuple[SharedLaunch, ...]:
    """Launches to come that all plans have, in the order of the first plan.

    Parameters
    ----------
    plans : sequence of Plan
        The plans.

    Returns
    -------
    tuple of SharedLaunch
        Same mission, launcher and mass. `building` marks those that bring machines of the station in every plan
        and whose arriving mass is known in every plan: masses and velocity changes are compared on these.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = shared_launches([load_plan("ilrs"), load_plan("ilrs-orbit")])
    >>> [row.mission for row in rows if row.building]
    ['ilrs-1', 'ilrs-2', 'ilrs-3', 'ilrs-4', 'ilrs-5']
    """
    found = []
    for mission in plans[0].missions:
        same = [_mission(plan, mission.id) for plan in plans]
        rows = [row for row in same if row is not None]
        if len(rows) < len(plans) or any(row.status in _OVER for row in rows):
            continue
        if len({(row.launcher, row.launch_mass_kg) for row in rows}) > 1:
            continue
        sides = tuple(_side(plan, row) for plan, row in zip(plans, rows, strict=True))
        builds = all(
            any(e.mission == mission.id for e in plan.station_elements()) and side.arrives_kg is not None
            for plan, side in zip(plans, sides, strict=True)
        )
        found.append(
            SharedLaunch(
                mission=mission.id,
                name=" / ".join(dict.fromkeys(row.name for row in rows)),
                launcher=_launcher(plans[0], mission),
                launch_mass_kg=mission.launch_mass_kg,
                building=builds,
                sides=sides,
                differs=_differs(rows),
            )
        )
    return tuple(found)


def unshared(plans: Sequence[Plan], shared: Sequence[SharedLaunch]) -> tuple[str, ...]:
    """Launches to come that are not shared, each with the reason.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plans = [load_plan("ilrs"), load_plan("ilrs-orbit")]
    >>> unshared(plans, shared_launches(plans))[0]
    'Luna 27a, south-pole lander (Luna-Resurs-1): only in ilrs'
    """
    names = {row.mission for row in shared}
    told: dict[str, str] = {}
    for plan in plans:
        for mission in plan.missions:
            if mission.id in names or mission.id in told or mission.status in _OVER:
                continue
            has = [other for other in plans if _mission(other, mission.id) is not None]
            reason = "another launcher, mass or status" if len(has) == len(plans) else ""
            reason = reason or f"only in {', '.join(dict.fromkeys(other.id for other in has))}"
            told[mission.id] = f"{mission.name}: {reason}"
    return tuple(told.values())


def objectives(plans: Sequence[Plan], shared: Sequence[SharedLaunch]) -> tuple[TradeObjective, ...]:
    """Every objective of any plan, and how each plan serves it.

    Parameters
    ----------
    plans : sequence of Plan
        The plans.
    shared : sequence of SharedLaunch
        What `shared_launches` found.

    Returns
    -------
    tuple of TradeObjective
        In the order of the first plan, then of the others.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plans = [load_plan("ilrs"), load_plan("ilrs-orbit")]
    >>> rows = objectives(plans, shared_launches(plans))
    >>> [row.objective for row in rows if row.sides[1].shared]
    ['ultraviolet-sky', 'closed-life-support']
    """
    building = {row.mission for row in shared if row.building}
    known: dict[str, tuple[str, str]] = {}
    sides: list[dict[str, ObjectiveSide]] = []
    for plan in plans:
        alone = {row.objective for row in _served(_alone(plan, shared)) if _by(row, building)}
        sides.append({})
        for row in _served(plan):
            known.setdefault(row.objective, (row.name, row.area))
            arriving = [path for path in row.instruments if path.arrives]
            sides[-1][row.objective] = ObjectiveSide(
                status=row.status,
                shared=_by(row, building),
                alone=row.objective in alone,
                published=any(_published(plan, path) for path in arriving),
                instruments=tuple(path.instrument for path in arriving),
                missions=tuple(dict.fromkeys(path.mission for path in arriving if path.mission)),
            )
    return tuple(
        TradeObjective(
            objective=name, name=text, area=area, sides=tuple(side.get(name, _ABSENT) for side in sides)
        )
        for name, (text, area) in known.items()
    )


def _served(plan: Plan) -> tuple[ObjectiveStatus, ...]:
    """Objectives with what never works left out."""
    return objective_status(plan, [step.element for step in build_order(plan).steps if step.ready is None])


def _by(row: ObjectiveStatus, missions: Collection[str]) -> bool:
    """Whether an objective is served by something that one of the missions brings."""
    return any(path.arrives and path.mission in missions for path in row.instruments)


def _alone(plan: Plan, shared: Sequence[SharedLaunch]) -> Plan:
    """The plan without the launches to come that are not shared."""
    names = {row.mission for row in shared}
    missions = tuple(
        row if row.id in names or row.status in _OVER else row.model_copy(update={"status": "cancelled"})
        for row in plan.missions
    )
    return plan.model_copy(update={"missions": missions})


def missing_elements(plans: Sequence[Plan], shared: Sequence[SharedLaunch]) -> tuple[tuple[str, ...], ...]:
    """For each plan the machines of shared launches that another plan lists and it does not, building ones aside.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plans = [load_plan("ilrs"), load_plan("ilrs-orbit")]
    >>> missing_elements(plans, shared_launches(plans))
    ((), ('ce7-hopper', 'ce7-lander', 'ce7-rover'))
    """
    names = {row.mission for row in shared if not row.building}
    brought = [{e.id for e in plan.elements if e.mission in names} for plan in plans]
    every = set().union(*brought)
    return tuple(tuple(sorted(every - has)) for has in brought)


def outside(plan: Plan, shared: Sequence[SharedLaunch]) -> tuple[str, ...]:
    """Launches to come that shared ones rely on and that are not shared themselves.

    Parameters
    ----------
    plan : Plan
        One of the plans.
    shared : sequence of SharedLaunch
        What `shared_launches` found.

    Returns
    -------
    tuple of str
        Missions, in the order of the plan.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plans = [load_plan("ilrs"), load_plan("ilrs-orbit")]
    >>> outside(plans[0], shared_launches(plans)), outside(plans[1], shared_launches(plans))
    (('ce8',), ())
    """
    missions = {row.id: row for row in plan.missions}
    carrier = {row.id: row.mission for row in plan.elements}
    needs: Mapping[str, set[str]] = {
        name: set(row.requires)
        | {carrier[other] for e in plan.elements if e.mission == name for other in e.requires if other in carrier}
        for name, row in missions.items()
    }
    reached: set[str] = set()
    queue = [row.mission for row in shared]
    while queue:
        name = queue.pop()
        if name in missions and name not in reached:
            reached.add(name)
            queue += needs[name]
    names = {row.mission for row in shared}
    return tuple(
        row.id for row in plan.missions if row.id in reached - names and row.status not in ("flown", "lost")
    )


_ABSENT = ObjectiveSide(status="absent", shared=False, alone=False, published=False, instruments=(), missions=())


def _mission(plan: Plan, name: str) -> Mission | None:
    return next((row for row in plan.missions if row.id == name), None)


def _launcher(plan: Plan, mission: Mission) -> str | None:
    return plan.row("launchers", mission.launcher).name if mission.launcher else None


def _published(plan: Plan, path: InstrumentPath) -> bool:
    """Whether instrument, element and mission all have a source better than an assumption."""
    rows = [plan.row("instruments", path.instrument), plan.element(path.element)]
    if path.mission is not None:
        rows.append(plan.mission(path.mission))
    return all(row.confidence != "C" for row in rows)


def _differs(rows: Sequence[Mission]) -> tuple[str, ...]:
    found = []
    if len({row.launch for row in rows}) > 1:
        found.append("launch " + " or ".join(row.launch for row in rows))
    if len({row.owner for row in rows}) > 1:
        found.append("owner " + " or ".join(row.owner for row in rows))
    return tuple(found)


def _side(plan: Plan, mission: Mission) -> LaunchSide:
    """What a plan makes of one launch."""
    budget = next(row for row in mass_budget(plan).missions if row.mission == mission.id)
    try:
        mass = landed_mass_kg(plan, mission)
        chains = [_delta_v(plan, mission, case) for case in ("nominal", "low", "high")]
    except ModelError:
        return LaunchSide(
            launch=mission.launch,
            transfer=mission.transfer,
            place="unknown",
            delta_v_m_s=None,
            delta_v_low_m_s=None,
            delta_v_high_m_s=None,
            arrives_kg=None,
            arrives_low_kg=None,
            arrives_high_kg=None,
            elements_kg=budget.budget_kg,
        )
    return LaunchSide(
        launch=mission.launch,
        transfer=mission.transfer,
        place="surface" if mass.place == "surface" else "orbit",
        delta_v_m_s=chains[0],
        delta_v_low_m_s=chains[1],
        delta_v_high_m_s=chains[2],
        arrives_kg=mass.arrival_kg,
        arrives_low_kg=mass.arrival_low_kg,
        arrives_high_kg=mass.arrival_high_kg,
        elements_kg=budget.budget_kg,
    )


def _delta_v(plan: Plan, mission: Mission, case: Literal["nominal", "low", "high"]) -> float | None:
    try:
        return mission_chain(plan, mission, case=case).delta_v_m_s
    except ModelError:
        if case == "nominal":
            raise
        return None
