"""From each objective to the instrument, element and mission that serve it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.plan.model import Plan
from moonpost.plan.science import Instrument

__all__ = ["InstrumentPath", "ObjectiveStatus", "objective_status", "orphaned"]

Serving = Literal["served", "planned", "proposed", "orphaned", "open"]


@dataclass(frozen=True)
class InstrumentPath:
    """The way from an instrument to the mission that brings it.

    Parameters
    ----------
    instrument, owner, element : str
        From the plan.
    mission, mission_status : str or None
        The mission and its status; None if the plan lacks the element or the mission.
    arrives : bool
        True unless the mission is lost or cancelled, or the element never works.
    """

    instrument: str
    owner: str
    element: str
    mission: str | None
    mission_status: str | None
    arrives: bool


@dataclass(frozen=True)
class ObjectiveStatus:
    """How an objective is served.

    Parameters
    ----------
    objective, name, area : str
        From the plan.
    status : {"served", "planned", "proposed", "orphaned", "open"}
        served: an instrument has flown; planned, proposed: the best that is to come; orphaned: it has
        instruments and none arrives; open: it has no instrument.
    declared : str
        What the plan says of it: served or open.
    instruments : tuple of InstrumentPath
        All that serve it.
    """

    objective: str
    name: str
    area: str
    status: Serving
    declared: str
    instruments: tuple[InstrumentPath, ...]

    def to_dict(self) -> dict[str, Any]:
        """A row ready for JSON."""
        return asdict(self)


def objective_status(plan: Plan, never: Collection[str] = ()) -> tuple[ObjectiveStatus, ...]:
    """How each objective of a plan is served, and by what.

    Parameters
    ----------
    plan : Plan
        The plan.
    never : collection of str
        Elements that never work, such as those of `moonpost.campaign.build_order` with a reason.

    Returns
    -------
    tuple of ObjectiveStatus
        In the plan's order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> rows = objective_status(load_plan("ilrs"))
    >>> {row.status for row in rows} <= {"served", "planned", "proposed", "orphaned", "open"}
    True
    """
    paths = {instrument.id: _path(plan, instrument, never) for instrument in plan.instruments}
    rows = []
    for objective in plan.objectives:
        serving = tuple(paths[row.id] for row in plan.instruments if objective.id in row.objectives)
        rows.append(
            ObjectiveStatus(
                objective=objective.id,
                name=objective.name,
                area=objective.area,
                status=_status(serving),
                declared=objective.status,
                instruments=serving,
            )
        )
    return tuple(rows)


def orphaned(plan: Plan, never: Collection[str] = ()) -> tuple[str, ...]:
    """Objectives that no instrument serves: orphaned or open.

    Parameters
    ----------
    plan : Plan
        The plan.
    never : collection of str
        Elements that never work.

    Returns
    -------
    tuple of str
        Identifiers in the plan's order.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> everything = [element.id for element in plan.elements]
    >>> len(orphaned(plan, everything)) == len(plan.objectives)
    True
    """
    return tuple(row.objective for row in objective_status(plan, never) if row.status in ("orphaned", "open"))


def _path(plan: Plan, instrument: Instrument, never: Collection[str]) -> InstrumentPath:
    """Way of one instrument to the Moon."""
    element = next((row for row in plan.elements if row.id == instrument.element), None)
    mission = next((row for row in plan.missions if element is not None and row.id == element.mission), None)
    gone = mission is None or mission.status in ("lost", "cancelled") or instrument.element in never
    return InstrumentPath(
        instrument=instrument.id,
        owner=instrument.owner,
        element=instrument.element,
        mission=None if mission is None else mission.id,
        mission_status=None if mission is None else mission.status,
        arrives=not gone,
    )


def _status(paths: Collection[InstrumentPath]) -> Serving:
    """The best of several ways."""
    if not paths:
        return "open"
    arriving = {path.mission_status for path in paths if path.arrives}
    order: tuple[tuple[str, Serving], ...] = (
        ("flown", "served"),
        ("planned", "planned"),
        ("proposed", "proposed"),
    )
    return next((serving for status, serving in order if status in arriving), "orphaned")
