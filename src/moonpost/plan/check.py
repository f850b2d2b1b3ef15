"""What spans the fields of a plan: names that exist, orders without a circle, masses that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from moonpost.errors import InputError, MoonpostError, suggestion
from moonpost.plan.base import when_bounds
from moonpost.plan.elements import Element
from moonpost.plan.model import Plan
from moonpost.plan.paths import number_at
from moonpost.plan.places import SurfaceStation

__all__ = ["Finding", "check", "cycle"]

Names = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        An error makes the plan unusable; a warning lowers what its answers are worth.
    code : str
        A short stable name of the kind of finding.
    place : str
        Path in the plan.
    text : str
        What it is and what to do.
    """

    severity: Literal["error", "warning", "note"]
    code: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.place}: {self.text}"


def check(plan: Plan, *, names: Names | None = None, unsound: Names | None = None) -> list[Finding]:
    """Check what spans the fields of a plan.

    Parameters
    ----------
    plan : Plan
        The plan, or the sound part of one.
    names : mapping of str to frozenset of str, optional
        Per table, identifiers that exist although their rows are not in `plan`.
    unsound : mapping of str to frozenset of str, optional
        Per place of a row with faults, its faulty fields; findings that rest on these are left out.

    Returns
    -------
    list of Finding
        Errors first, then warnings, each in the order of the plan.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> [f for f in check(load_plan("ilrs")) if f.severity == "error"]
    []
    """
    known = {table: frozenset(row.id for row in getattr(plan, table)) for table in _TABLES}
    for table, identifiers in (names or {}).items():
        known[table] = known.get(table, frozenset()) | identifiers
    found: list[Finding] = []
    for place, fields in (unsound or {}).items():
        if place in known and "*" in fields:
            known[place] |= {"*"}
    for part in _PARTS:
        found.extend(part(plan, known))
    if unsound:
        found = [finding for finding in found if not _rests_on(finding, unsound)]
    return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.severity))


def _rests_on(finding: Finding, unsound: Names) -> bool:
    """Whether a finding rests on a field that could not be read."""
    if unsound.keys() & {finding.place.partition(".")[0]} & {"station", "design"}:
        return True
    head, _, rest = finding.place.partition("]")
    fields = unsound.get(head + "]", frozenset())
    if rest.lstrip(".").split("[")[0].split(".")[0] in fields or (fields and finding.severity != "error"):
        return True
    if finding.code in _CODES and fields & _CODES[finding.code]:
        return True
    if finding.code == "order":
        return any({"launch", "start", "end"} & faulty for faulty in unsound.values())
    if finding.code in {"objective-without-instrument", "power-never-covered"} and "elements" in unsound:
        return True
    return finding.code == "objective-without-instrument" and any(
        place.startswith("instruments") and faulty & {"objectives", "*"} for place, faulty in unsound.items()
    )


_CODES = {
    "power-never-covered": frozenset({"modes", "generators", "storage", "powered_by", "bus"}),
    "landing-before-launch": frozenset({"launch", "landing"}),
}

_TABLES = (
    "phases", "partners", "agreements", "calls", "sites", "launchers", "delta_v", "transfers", "missions",
    "elements", "ground_stations", "links", "objectives", "instruments", "activities", "samples", "supports",
    "demonstrations", "products", "services", "barters", "assumptions",
)  # fmt: skip

# (table of the row, attribute, table it refers to)
_REFERENCES = (
    ("agreements", "parties", "partners"),
    ("calls", "mission", "missions"),
    ("launchers", "owner", "partners"),
    ("missions", "owner", "partners"),
    ("missions", "approvers", "partners"),
    ("missions", "partners", "partners"),
    ("missions", "phase", "phases"),
    ("missions", "launcher", "launchers"),
    ("missions", "transfer", "transfers"),
    ("missions", "site", "sites"),
    ("missions", "requires", "missions"),
    ("elements", "owner", "partners"),
    ("elements", "approvers", "partners"),
    ("elements", "mission", "missions"),
    ("elements", "powered_by", "elements"),
    ("elements", "requires", "elements"),
    ("ground_stations", "owner", "partners"),
    ("instruments", "owner", "partners"),
    ("instruments", "element", "elements"),
    ("instruments", "objectives", "objectives"),
    ("activities", "element", "elements"),
    ("activities", "after", "activities"),
    ("activities", "partner", "partners"),
    ("samples", "mission", "missions"),
    ("calls", "host", "elements"),
    ("supports", "provider", "missions"),
    ("supports", "user", "missions"),
    ("supports", "agreement", "agreements"),
    ("demonstrations", "mission", "missions"),
    ("demonstrations", "element", "elements"),
    ("demonstrations", "needed_by", "elements"),
    ("products", "instrument", "instruments"),
    ("products", "producer", "partners"),
    ("products", "early_access", "partners"),
    ("services", "partner", "partners"),
    ("barters", "giver", "partners"),
    ("barters", "receiver", "partners"),
    ("barters", "agreement", "agreements"),
)


def _unknown(place: str, name: str, table: str, known: Names) -> Finding | None:
    names = known.get(table, frozenset())
    if name in names or "*" in names:
        return None
    noun = table.replace("_", " ").rstrip("s") if table != "delta_v" else "velocity change"
    advice = suggestion(name, sorted(known.get(table, ())))
    return Finding("error", "unknown-name", place, f"unknown {noun} {name!r}; {advice}")


def _references(plan: Plan, known: Names) -> Iterator[Finding]:
    """Every name that a row refers to exists."""
    for table, attribute, target in _REFERENCES:
        for row in getattr(plan, table):
            value = getattr(row, attribute)
            for name in (value,) if isinstance(value, str) else (value or ()):
                if finding := _unknown(f"{table}[{row.id}].{attribute}", name, target, known):
                    yield finding


def _nested_references(plan: Plan, known: Names) -> Iterator[Finding]:
    """Names inside nested tables."""
    pairs: list[tuple[str, str, str]] = []
    for agreement in plan.agreements:
        pairs += [(f"agreements[{agreement.id}].steps[{i}].party", s.party, "partners")
                  for i, s in enumerate(agreement.steps)]  # fmt: skip
    for table in ("missions", "elements"):
        for row in getattr(plan, table):
            pairs += [(f"{table}[{row.id}].approvals[{i}].party", a.party, "partners")
                      for i, a in enumerate(row.approvals)]  # fmt: skip
    for transfer in plan.transfers:
        for i, stage in enumerate(transfer.stages):
            pairs += [(f"transfers[{transfer.id}].stages[{i}].legs", leg, "delta_v") for leg in stage.legs]
    if isinstance(plan.station, SurfaceStation):
        pairs.append(("station.site", plan.station.site, "sites"))
        pairs += [("station.candidates", name, "sites") for name in plan.station.candidates]
    for place, name, table in pairs:
        if finding := _unknown(place, name, table, known):
            yield finding


def _links(plan: Plan, known: Names) -> Iterator[Finding]:
    """Both ends of a link exist."""
    ends = {"elements": known["elements"] | known["ground_stations"]}
    for link in plan.links:
        for attribute in ("sender", "receiver"):
            name = getattr(link, attribute)
            if finding := _unknown(f"links[{link.id}].{attribute}", name, "elements", ends):
                yield finding


def _twice(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """An identifier stands once in its table."""
    for table in _TABLES:
        seen: set[str] = set()
        for row in getattr(plan, table):
            if row.id in seen:
                yield Finding(
                    "error", "twice", f"{table}[{row.id}]", "this id stands twice: rename one of the rows"
                )
            seen.add(row.id)


def cycle(edges: Mapping[str, tuple[str, ...]]) -> list[str]:
    """One circle in a directed graph, first node repeated at its end; empty if there is none.

    Parameters
    ----------
    edges : mapping of str to tuple of str
        For each node those that it depends on.

    Examples
    --------
    >>> cycle({"a": ("b",), "b": ("c",), "c": ("a",)})
    ['a', 'b', 'c', 'a']
    >>> cycle({"a": ("b",), "b": ()})
    []
    """
    finished: set[str] = set()
    for start in edges:
        path: list[str] = []
        stack: list[tuple[str, Iterator[str]]] = []
        node: str | None = start
        while node is not None or stack:
            if node is not None:
                if node in path:
                    return [*path[path.index(node) :], node]
                if node not in finished:
                    path.append(node)
                    stack.append((node, iter(edges.get(node, ()))))
            if not stack:
                break
            node = next(stack[-1][1], None)
            if node is None:
                finished.add(stack.pop()[0])
                path.pop()
    return []


def _cycles(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """Nothing depends on itself, directly or in a circle."""
    graphs: dict[str, dict[str, tuple[str, ...]]] = {
        "missions": {row.id: row.requires for row in plan.missions},
        "elements": {row.id: row.requires for row in plan.elements},
        "activities": {row.id: row.after for row in plan.activities},
    }
    for table, edges in graphs.items():
        attribute = "after" if table == "activities" else "requires"
        while circle := cycle(edges):
            text = f"depends on itself ({' -> '.join(circle)}): remove one of these requirements"
            yield Finding("error", "cycle", f"{table}[{circle[0]}].{attribute}", text)
            edges = {node: () if node in circle else targets for node, targets in edges.items()}
    powered = {row.id: (row.powered_by,) for row in plan.elements if row.powered_by}
    if circle := cycle(powered):
        text = f"these power one another ({' -> '.join(circle)}): give one of them its own source"
        yield Finding("error", "cycle", f"elements[{circle[0]}].powered_by", text)


def _masses(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """A mission is not heavier than its launcher can send."""
    launchers = {row.id: row for row in plan.launchers}
    for mission in plan.missions:
        launcher = launchers.get(mission.launcher or "")
        if launcher is None:
            continue
        place = f"missions[{mission.id}].launch_mass_kg"
        capacity = launcher.capacity_kg
        if capacity is None:
            text = f"launcher {launcher.id!r} has no figure: give launchers[{launcher.id}].tli_mass_kg"
            yield Finding("warning", "launcher-figure", f"missions[{mission.id}].launcher", text)
        elif mission.launch_mass_kg is not None and mission.launch_mass_kg > capacity:
            text = (
                f"{mission.launch_mass_kg:,.0f} kg is {mission.launch_mass_kg - capacity:,.0f} kg over what "
                f"{launcher.id!r} sends to the Moon ({capacity:,.0f} kg): reduce it or choose another launcher"
            )
            yield Finding("error", "mass-over-launcher", place, text)


def _aboard(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """The elements of a mission are not heavier than the mission."""
    for mission in plan.missions:
        limit = mission.launch_mass_kg
        aboard = {row.id: row for row in plan.elements if row.mission == mission.id}
        total = sum((row.best_mass_kg or 0.0) * row.count for row in aboard.values())
        if limit is not None and total > limit:
            text = f"its elements weigh {total:,.0f} kg, more than its launch mass of {limit:,.0f} kg: correct one"
            yield Finding("error", "mass-over-mission", f"missions[{mission.id}].launch_mass_kg", text)


def _objectives(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """Each objective has an instrument, or is declared open."""
    served = {name for row in plan.instruments for name in row.objectives}
    for objective in plan.objectives:
        place = f"objectives[{objective.id}]"
        if objective.id not in served and objective.status == "served":
            text = 'no instrument serves this objective: add one, or declare it with status = "open"'
            yield Finding("error", "objective-without-instrument", place, text)
        elif objective.id not in served:
            yield Finding("warning", "objective-open", place, f"no instrument yet for: {objective.name}")
        elif objective.status == "open":
            yield Finding("warning", "objective-open", place, "is declared open but an instrument serves it")


def _covers(element: Element, plan: Plan) -> bool:
    """Whether an element has any source for its power."""
    if element.generators or element.powered_by:
        return True
    if element.bus == "station":
        return any(other.generators for other in plan.station_elements())
    return False


def _power(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """Power that is drawn has a source, by day and in the dark."""
    for element in plan.elements:
        place = f"elements[{element.id}]"
        drawn = max((mode.power_w for mode in element.modes), default=0.0)
        if drawn > 0 and not _covers(element, plan):
            text = (
                f"draws up to {drawn:g} W that nothing covers: give it generators, powered_by, "
                'or bus = "station" with a source on the bus'
            )
            yield Finding("error", "power-never-covered", place, text)
        elif element.bus == "own" and element.powered_by is None and _dies_in_the_dark(element):
            text = (
                "draws power in the dark from solar arrays alone: give it storage, a radioisotope source "
                "or a dark mode of 0 W"
            )
            yield Finding("error", "power-never-covered", place, text)


def _bus_in_the_dark(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """The station's bus has a source in the dark if anything on it draws power then."""
    elements = plan.station_elements()
    drawn_w = sum(
        max((mode.power_w for mode in element.modes if mode.when in {"always", "dark"}), default=0.0)
        for element in elements
    )
    sources = {source.kind for element in elements for source in element.generators}
    if drawn_w > 0 and sources == {"solar"} and not any(element.storage for element in elements):
        text = (
            f"the station's bus draws {drawn_w:g} W in the dark from solar arrays alone: give one of its elements "
            "storage, or a source that needs no light"
        )
        yield Finding("error", "power-never-covered", "station", text)


def _dies_in_the_dark(element: Element) -> bool:
    dark_w = max((mode.power_w for mode in element.modes if mode.when in {"always", "dark"}), default=0.0)
    other_w = sum(
        generator.electric_w for generator in element.generators if generator.kind in {"radioisotope", "reactor"}
    )
    return dark_w > other_w and element.storage is None


def _dates(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """Missions land after their launch and after those that they require."""
    missions = {row.id: row for row in plan.missions}
    for mission in plan.missions:
        launch = when_bounds(mission.launch)
        place = f"missions[{mission.id}]"
        if mission.landing and when_bounds(mission.landing)[1] < launch[0]:
            text = f"{mission.landing} is before its launch ({mission.launch}): correct one of them"
            yield Finding("error", "landing-before-launch", f"{place}.landing", text)
        for name in mission.requires:
            other = missions.get(name)
            if other is None or "cancelled" in (mission.status, other.status):
                continue
            if when_bounds(other.launch)[0] > launch[1]:
                text = f"is launched ({mission.launch}) before {name!r} ({other.launch}), which it requires"
                yield Finding("error", "order", f"{place}.requires", text)
    for phase in plan.phases:
        if phase.end and when_bounds(phase.end)[1] < when_bounds(phase.start)[0]:
            yield Finding("error", "order", f"phases[{phase.id}].end", f"is before its start ({phase.start})")


def _assumptions(plan: Plan, known: Names) -> Iterator[Finding]:  # noqa: ARG001
    """The parameter of an assumption is a number of this plan."""
    for row in plan.assumptions:
        if row.parameter is None:
            continue
        place = f"assumptions[{row.id}].parameter"
        try:
            number_at(plan, row.parameter)
        except (InputError, LookupError) as error:
            text = error.what if isinstance(error, MoonpostError) else str(error)
            yield Finding("error", "parameter", place, f"{text}: write a path such as design.system_margin")


_PARTS: tuple[Callable[[Plan, Names], Iterator[Finding]], ...] = (
    _twice, _references, _nested_references, _links, _cycles, _masses, _aboard, _objectives, _power,
    _bus_in_the_dark, _dates, _assumptions,
)  # fmt: skip
