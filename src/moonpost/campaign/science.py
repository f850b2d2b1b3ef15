"""From each objective to the instrument, element and mission that serve it, and what could serve it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.campaign.precedents import of_technique, precedents
from moonpost.errors import UnknownNameError
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.science import Instrument, Objective

__all__ = [
    "InstrumentPath",
    "ObjectiveStatus",
    "ServingOption",
    "objective_status",
    "orphaned",
    "serving_options",
]

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
    products : tuple of str
        Data products that it gives.
    """

    instrument: str
    owner: str
    element: str
    mission: str | None
    mission_status: str | None
    arrives: bool
    products: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class ServingOption:
    """A way in which an objective without an instrument could be served.

    Parameters
    ----------
    kind : {"move", "call", "extend", "precedent", "none"}
        Another carrier for an instrument that does not arrive; an open call for payloads; an instrument that
        arrives and works by the same technique; one that has worked at the Moon; nothing is known.
    instrument, element, mission : str or None
        What it takes, as far as the plan has it.
    text : str
        What to do.
    confidence : {"A", "B", "C"}
        Of the facts behind it.
    """

    kind: Literal["move", "call", "extend", "precedent", "none"]
    instrument: str | None
    element: str | None
    mission: str | None
    text: str
    confidence: Literal["A", "B", "C"]

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


def serving_options(
    plan: Plan, objective: str, never: Collection[str] = (), *, most: int = 3
) -> tuple[ServingOption, ...]:
    """What could serve an objective that no instrument serves.

    Parameters
    ----------
    plan : Plan
        The plan.
    objective : str
        Identifier of an objective.
    never : collection of str
        Elements that never work.
    most : int
        Options of each kind at most.

    Returns
    -------
    tuple of ServingOption
        Nearest first: its own instruments on another carrier of the same kind, open calls, instruments that work
        by the same technique, and what has worked at the Moon; one that says so if there is none of these.

    Raises
    ------
    UnknownNameError
        If the plan has no such objective.

    Notes
    -----
    These are places to look, found by words and dates. Whether a carrier bears the mass, power and data is for
    `moonpost.study.guest_fits` to tell.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> {row.kind for row in serving_options(load_plan("ilrs"), "lava-tubes")} >= {"extend", "precedent"}
    True
    """
    wanted = next((row for row in plan.objectives if row.id == objective), None)
    if wanted is None:
        raise UnknownNameError(objective, (row.id for row in plan.objectives), kind="objective")
    missions = {row.id: row for row in plan.missions}
    found = [
        *_moves(plan, wanted, missions, never)[:most],
        *_calls(plan, missions)[:most],
        *_neighbours(plan, wanted, never)[:most],
        *(
            ServingOption(
                "precedent",
                None,
                None,
                None,
                f"{row.name} on {row.carrier} has worked (from memory: {row.source})",
                "C",
            )
            for row in precedents(f"{wanted.id} {wanted.name}")[:most]
        ),
    ]
    if not found:
        text = "nothing in the plan and no instrument known to have worked at the Moon: call for one"
        found.append(ServingOption("none", None, None, None, text, "C"))
    return tuple(found)


def _coming(element: Element, missions: Mapping[str, Mission], never: Collection[str]) -> bool:
    mission = missions.get(element.mission or "")
    return mission is not None and mission.status in ("planned", "proposed") and element.id not in never


def _moves(
    plan: Plan, wanted: Objective, missions: Mapping[str, Mission], never: Collection[str]
) -> list[ServingOption]:
    """Its own instruments on carriers that are still to come."""
    elements = {row.id: row for row in plan.elements}
    options = []
    for instrument in plan.instruments:
        if wanted.id not in instrument.objectives or _path(plan, instrument, never).arrives:
            continue
        lost = elements.get(instrument.element)
        hosts = [
            row
            for row in plan.elements
            if row.id != instrument.element and _coming(row, missions, never) and lost and row.kind == lost.kind
        ]
        for host in sorted(hosts, key=lambda row: when_bounds(missions[row.mission or ""].launch)):
            mass = "of unknown mass" if instrument.mass_kg is None else f"of {instrument.mass_kg:g} kg"
            text = f"put {instrument.name} {mass} on {host.name} ({missions[host.mission or ''].name})"
            options.append(
                ServingOption("move", instrument.id, host.id, host.mission, text, instrument.confidence)
            )
    return options


def _calls(plan: Plan, missions: Mapping[str, Mission]) -> list[ServingOption]:
    """Calls for payloads that are not decided."""
    options = []
    for call in plan.calls:
        mission = missions.get(call.mission)
        if call.announced is None and mission is not None and mission.status in ("planned", "proposed"):
            each = "" if call.payload_each_kg is None else f", at most {call.payload_each_kg:g} kg each"
            text = f"propose an instrument to {call.name}{each}"
            options.append(ServingOption("call", None, call.host, call.mission, text, call.confidence))
    return options


def _neighbours(plan: Plan, wanted: Objective, never: Collection[str]) -> list[ServingOption]:
    """Instruments that arrive and work as those that have served such an objective."""
    techniques = {row.technique for row in precedents(f"{wanted.id} {wanted.name}")}
    options = []
    for instrument in plan.instruments:
        path = _path(plan, instrument, never)
        alike = any(of_technique(word, instrument.name) for word in techniques)
        if alike and path.arrives and wanted.id not in instrument.objectives:
            text = f"see whether {instrument.name} on {instrument.element} can serve it too"
            options.append(
                ServingOption(
                    "extend", instrument.id, instrument.element, path.mission, text, instrument.confidence
                )
            )
    return options


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
        products=tuple(row.id for row in plan.products if row.instrument == instrument.id),
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
