"""The layout of a station: one check of shadows, cables, landings, reactor and ways, with what to do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from moonpost.design.arrayshading import ArrayShading, element_shading
from moonpost.design.cables import Cable, best_cable, cable
from moonpost.design.plume import Ejecta
from moonpost.design.shadowing import Body
from moonpost.design.siteplan import GroundHeight, Place, bodies_of, given_places, ground_machines, panels_of
from moonpost.design.standoff import ReactorDose
from moonpost.errors import InputError, ModelError
from moonpost.plan import Element, Plan, Reactor, SolarArray
from moonpost.power import load_w
from moonpost.sky import Apparent
from moonpost.terrain import HorizonProfile

__all__ = ["Landing", "Layout", "LayoutFinding", "LayoutRules", "Suggestion", "check_layout"]

ProfileAt = Callable[[Place, float], HorizonProfile]

_SLACK = 1.1
_LIGHTS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@dataclass(frozen=True)
class LayoutRules:
    """Limits that a layout is checked against, and what it is priced with.

    Parameters
    ----------
    loss_warning, loss_error : float
        Part of an array's yearly energy lost to shadows from which there is a warning or an error [1].
    clearance_m : float
        Room that robots need between machines [m].
    pitted_warning, pitted_error : float
        Part of a face that one landing may strike [1].
    pad : float
        Part of the soil that landings still blow: 1 on bare ground [1].
    electronics_gy : float
        Dose that electronics bear over their life [Gy].
    people_sv_year : float
        Dose that people may get from the reactor [Sv/year].
    shield : float
        Part of the core's radiation that its shield lets through [1].
    cable_loss : float
        Part of the power that a cable may lose [1].
    bus_v : float
        Voltage of the bus [V].
    power_kg_w : float or None
        Mass of power plant for a watt [kg/W]; from the plan if None.
    robot_m_s : float
        Speed of robots on a cleared way [m/s].
    robot_reach_m : float
        Farthest that a robot goes to a machine [m].

    Examples
    --------
    >>> LayoutRules(clearance_m=4.0).bus_v
    120.0
    """

    loss_warning: float = 0.01
    loss_error: float = 0.05
    clearance_m: float = 5.0
    pitted_warning: float = 0.1
    pitted_error: float = 0.5
    pad: float = 1.0
    electronics_gy: float = 100.0
    people_sv_year: float = 0.05
    shield: float = 1.0e-4
    cable_loss: float = 0.05
    bus_v: float = 120.0
    power_kg_w: float | None = None
    robot_m_s: float = 0.05
    robot_reach_m: float = 2000.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is None and name == "power_kg_w":
                continue
            if not (math.isfinite(value) and value >= 0.0) or (name in {"bus_v", "robot_m_s"} and value == 0.0):
                raise InputError(f"is {value!r}", where=name, advice="give a finite number of 0 or more")
        for name in ("loss_warning", "loss_error", "pitted_warning", "pitted_error", "pad", "shield"):
            if getattr(self, name) > 1.0:
                raise InputError(f"is {getattr(self, name)!r}", where=name, advice="give a part of 1")


@dataclass(frozen=True)
class LayoutFinding:
    """Something to know about a layout.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        How bad it is.
    kind : str
        ``shadow``, ``cable``, ``plume``, ``reactor``, ``clearance``, ``robot`` or ``place``.
    element, other : str
        What it concerns, and what causes it (may be empty).
    value, limit : float
        The number and what it is held against; NaN where there is none.
    unit : str
        Their unit.
    text : str
        In one sentence.
    advice : str
        What to do.
    """

    severity: Literal["error", "warning", "note"]
    kind: str
    element: str
    other: str
    value: float
    limit: float
    unit: str
    text: str
    advice: str


@dataclass(frozen=True)
class Landing:
    """What a landing throws onto a machine that is there already.

    Parameters
    ----------
    lander : str
        What lands.
    element : str
        What is struck.
    landed_kg : float
        Mass at touchdown [kg].
    keep_out_m : float
        Distance from which it would do without a warning [m].
    ejecta : Ejecta
        What arrives.
    """

    lander: str
    element: str
    landed_kg: float
    keep_out_m: float
    ejecta: Ejecta


@dataclass(frozen=True)
class Suggestion:
    """A place that is better than the present one, or the first for a machine without any.

    Parameters
    ----------
    element : str
        What to place.
    east_m, north_m : float
        Where [m].
    reason : str
        Why.
    cost_kg, present_kg : float
        What the place costs as mass, and the present one: cable, power for losses, and fines for broken limits
        [kg].
    """

    element: str
    east_m: float
    north_m: float
    reason: str
    cost_kg: float
    present_kg: float


@dataclass(frozen=True)
class Layout:
    """A layout with all that was found.

    Parameters
    ----------
    places : dict of str to Place
        Where each machine stands, given or suggested.
    hub : str
        The element at which cables meet.
    findings : tuple of LayoutFinding
        Errors first.
    shading : tuple of ArrayShading
        Of each array.
    cables : dict of str to Cable
        From the hub to each element of the station's bus, at the lightest voltage.
    landings : tuple of Landing
        The worst landing for each machine.
    reactors : dict of str to dict of str to ReactorDose
        By reactor and element.
    robot_m : dict of str to float
        Way from the nearest robot [m].
    suggestions : tuple of Suggestion
        Better places.
    span : tuple of datetime64
        Of the Sun that was used.
    statements : tuple of str
        What was taken for granted.
    """

    places: dict[str, Place]
    hub: str
    findings: tuple[LayoutFinding, ...]
    shading: tuple[ArrayShading, ...]
    cables: dict[str, Cable]
    landings: tuple[Landing, ...]
    reactors: dict[str, dict[str, ReactorDose]]
    robot_m: dict[str, float]
    suggestions: tuple[Suggestion, ...] = ()
    span: tuple[np.datetime64, np.datetime64] = field(
        default=(np.datetime64("NaT", "ms"), np.datetime64("NaT", "ms"))
    )
    statements: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not any(row.severity == "error" for row in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "ok": self.ok,
            "span": [str(end) for end in self.span],
            "hub": self.hub,
            "findings": [_plain(row) for row in self.findings],
            "places": [row.to_dict() for row in self.places.values()],
            "shading": [{**vars(row), "lost_fraction": row.lost_fraction} for row in self.shading],
            "cables": {name: row.to_dict() for name, row in self.cables.items()},
            "cable_kg": sum(row.mass_kg for row in self.cables.values()),
            "cable_loss_w": sum(row.loss_w + row.converter_loss_w for row in self.cables.values()),
            "landings": [
                {"lander": r.lander, "element": r.element, "landed_kg": r.landed_kg, "keep_out_m": r.keep_out_m}
                | r.ejecta.to_dict()
                for r in self.landings
            ],
            "reactors": {
                name: {other: dose.to_dict() for other, dose in rows.items()}
                for name, rows in self.reactors.items()
            },
            "robot_m": {name: round(way, 1) for name, way in self.robot_m.items()},
            "suggestions": [_plain(row) for row in self.suggestions],
            "statements": list(self.statements),
        }


def _plain(row: LayoutFinding | Suggestion) -> dict[str, Any]:
    """Fields for JSON, None for a number that there is not."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in vars(row).items()
    }


def check_layout(
    plan: Plan,
    sun: Apparent,
    profile_at: ProfileAt,
    *,
    rules: LayoutRules | None = None,
    ground: GroundHeight | None = None,
    suggest: bool = True,
) -> Layout:
    """Check where a station's machines stand.

    Parameters
    ----------
    plan : Plan
        A plan of a station on the ground; places from `Element.position`.
    sun : Apparent
        The Sun at the site over a year or so, at equal steps of half an hour or less, (n,).
    profile_at : callable
        Horizon of the ground from a place and a height above ground [m].
    rules : LayoutRules, optional
        Limits.
    ground : callable, optional
        Height of the ground above that of the site, from east and north [m]; level if not given.
    suggest : bool, default True
        Whether better places are looked for where limits are broken.

    Returns
    -------
    Layout

    Raises
    ------
    ModelError
        If the station has no ground or no machines on it.
    InputError
        If the Sun has fewer than two instants.

    Notes
    -----
    Shadows by `moonpost.design.arrayshading`; energy by `moonpost.power.array_power_w` with and without the hidden
    light, for arrays at the start of their life. Cables run straight from the hub with 10 percent to spare. A
    landing strikes what came on earlier missions. Machines without a place get one by search, and findings say so.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.sky import Almanac, Site, times
    >>> plan = load_plan("ilrs")
    >>> site = Site(-89.4395, 222.8066)
    >>> sun = Almanac.default().sun(site, times("2035-01-01", "2035-01-03", 3600))
    >>> found = check_layout(plan, sun, lambda place, mast_m: HorizonProfile.flat(site), suggest=False)
    >>> found.hub, len(found.shading) > 0
    ('station-battery', True)
    """
    from moonpost.design import layoutchecks
    from moonpost.design.placing import better_places, place_missing

    rules = rules or LayoutRules()
    if len(sun) < 2:
        raise InputError("has fewer than two instants", where="sun", advice="give a year at half an hour")
    machines = {row.id: row for row in ground_machines(plan)}
    hub = hub_of(machines)
    price = price_kg_w(machines) if rules.power_kg_w is None else rules.power_kg_w
    state = State(plan, machines, hub, sun, profile_at, rules, price, ground, given_places(plan, ground))
    missing = place_missing(state)
    shading = tuple(
        row
        for name, place in state.places.items()
        for row in element_shading(
            state.machines[name], place, state.bodies(without=name), sun, profile_at, plan.design
        )
    )
    cables = {name: found for name in state.places if (found := cable_of(state, name)) is not None}
    landings = layoutchecks.landings_of(state)
    reactors = layoutchecks.reactors_of(state)
    robots = layoutchecks.robot_ways(state)
    findings = layoutchecks.all_findings(state, shading, cables, landings, reactors, robots, missing)
    return Layout(
        places=state.places,
        hub=hub,
        findings=tuple(sorted(findings, key=lambda row: ("error", "warning", "note").index(row.severity))),
        shading=shading,
        cables=cables,
        landings=landings,
        reactors=reactors,
        robot_m=robots,
        suggestions=(*missing, *(better_places(state, findings) if suggest else ())),
        span=(sun.time[0], sun.time[-1]),
        statements=_statements(state),
    )


@dataclass
class State:
    """What the parts of the check share."""

    plan: Plan
    machines: dict[str, Element]
    hub: str
    sun: Apparent
    profile_at: ProfileAt
    rules: LayoutRules
    price_kg_w: float
    ground: GroundHeight | None
    places: dict[str, Place]

    def bodies(self, *, without: str = "") -> list[Body]:
        """All bodies but those of one element."""
        return [
            body
            for name, place in self.places.items()
            if name != without
            for body in bodies_of(self.machines[name], place)
        ]


def hub_of(machines: dict[str, Element]) -> str:
    """The element at which cables meet: the bus's first store, else its first source, else the first element."""
    station = [row for row in machines.values() if row.bus == "station"]
    for wanted in (
        [row for row in station if row.storage is not None],
        [row for row in station if row.generators],
        station,
        list(machines.values()),
    ):
        if wanted:
            return wanted[0].id
    raise ModelError("no element stands at the station", where="plan", advice="put one on its bus")


def price_kg_w(machines: dict[str, Element]) -> float:
    """Mass of the station's power plant for a watt that its sources are rated at [kg/W]; 0.3 if not known."""
    rows = [row for row in machines.values() if row.bus == "station" and (row.generators or row.storage)]
    mass = sum(row.count * (row.best_mass_kg or 0.0) for row in rows)
    rated = sum(row.count * source_w(row) for row in rows)
    return mass / rated if mass > 0.0 and rated > 0.0 else 0.3


def source_w(element: Element) -> float:
    """Most that the sources of one copy give [W]."""
    return sum(
        source.rated_w if isinstance(source, SolarArray) else source.electric_w for source in element.generators
    )


def carried_w(element: Element, machines: dict[str, Element]) -> float:
    """Most power that passes between an element and the bus [W]; a store carries its part of all loads."""
    own = max(element.count * source_w(element), load_w(element, "light"), load_w(element, "dark"))
    if element.storage is None:
        return own
    bus = [row for row in machines.values() if row.bus == "station"]
    stores = sum(row.storage.capacity_wh * row.count for row in bus if row.storage is not None)
    part = element.storage.capacity_wh * element.count / stores if stores else 1.0
    loads = max(sum(load_w(row, light) for row in bus) for light in _LIGHTS)
    return max(own, element.storage.discharge_w or part * loads)


def cable_of(state: State, name: str) -> Cable | None:
    """The lightest cable to an element of the bus; None for the hub and for others."""
    element, place = state.machines[name], state.places[name]
    power = carried_w(element, state.machines)
    if name == state.hub or element.bus != "station" or power <= 0.0:
        return None
    length = max(_SLACK * place.distance_m(state.places[state.hub]), 1.0)
    return best_cable(power, length, power_kg_w=state.price_kg_w, bus_v=state.rules.bus_v)


def bus_cable(state: State, found: Cable) -> Cable | None:
    """The same cable at the voltage of the bus, at its own best section; None if it cannot carry the power."""
    try:
        return cable(
            found.power_w,
            found.length_m,
            state.rules.bus_v,
            power_kg_w=state.price_kg_w,
            bus_v=state.rules.bus_v,
        )
    except ModelError:
        return None


def _statements(state: State) -> tuple[str, ...]:
    """What the check takes for granted."""
    said = [
        "All machines stand there at once, arrays are at the start of their life, eclipses are left out.",
        f"A watt is priced at {state.price_kg_w:.2f} kg of power plant.",
        "Losses count the lit area; with strings of cells in series they lie between that and the second number.",
        "Soil blown by landings: 1.6 kg for a kilogram landed, within 0 to 3 deg, nothing between stops it.",
        "Better places are found one after another; each takes those before it as moved.",
    ]
    coarse = sorted(
        {
            array.mast_m
            for name, place in state.places.items()
            for array, _ in panels_of(state.machines[name], place)
            if state.profile_at(place, array.mast_m).grade == "screening"
        }
    )
    if coarse:
        heights = ", ".join(f"{height:g}" for height in coarse)
        said.append(f"The horizon at {heights} m is from coarse or no terrain: energies there are for screening.")
    if state.ground is None:
        said.append("The ground between machines is taken as level; the horizon is that of the terrain.")
    if any(isinstance(s, Reactor) and s.thermal_w is None for e in state.machines.values() for s in e.generators):
        said.append("A reactor without thermal_w is taken to make four times its electric power as heat.")
    return tuple(said)
