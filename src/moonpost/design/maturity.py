"""What maturity the heritage of an element bears out, and what its margins become by that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.design.masses import mass_budget
from moonpost.errors import InputError, ModelError, UnknownNameError, suggestion
from moonpost.flight.missions import landed_mass_kg
from moonpost.plan.base import when_bounds
from moonpost.plan.check import Finding
from moonpost.plan.elements import Element
from moonpost.plan.heritage import Heritage, HeritageMission, load_heritage
from moonpost.plan.model import Plan
from moonpost.power.loads import MATURITY_MARGIN

__all__ = [
    "LAPSE_YEARS",
    "NEEDED",
    "MaturityReport",
    "MaturityRow",
    "MissionEffect",
    "maturity_findings",
    "maturity_report",
    "supported_plan",
]

Maturity = Literal["flown", "modified", "new"]

LAPSE_YEARS = 25.0
"""Age of heritage beyond which it counts as another's [years]: assumed, the length of a working life or so."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "lander": ("soft-landing",),
    "rover": ("roving",),
    "orbiter": ("orbit",),
    "relay": ("relay",),
    "communications": ("relay",),
    "vehicle": ("sample-return",),
    "ascender": ("ascent",),
    "module": ("docking", "crew-landing"),
    "habitat": ("crew-landing",),
    "laboratory": ("surface-station",),
    "command": ("surface-station",),
    "power": ("surface-station",),
    "telescope": ("surface-station",),
}
"""Technologies of which one has to have been shown for heritage to count, by kind of element; others have none."""

_RANK: Mapping[str, int] = {"flown": 0, "modified": 1, "new": 2}
_OVER = ("flown", "lost")


@dataclass(frozen=True)
class MaturityRow:
    """What an element claims and what its heritage bears out.

    Parameters
    ----------
    element, name, owner, kind, mission : str
        From the plan.
    claimed, supported, counted : {"flown", "modified", "new"}
        What the plan says, the most that heritage bears out, and the more cautious of both.
    margin_claimed, margin_counted : float
        Design margin of `claimed` and `counted` [1]; 0 for what has flown, whose mass was measured.
    mass_kg : float or None
        All copies, without margin [kg].
    heritage : tuple of str
        Missions of the catalogue that it names.
    reasons : tuple of str
        How each of them counts, in words.
    severity : {"warning", "note", ""}
        warning: it claims ``flown`` without heritage that bears it out; note: it claims ``modified`` so.
    text : str
        The finding, if any.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> row = maturity_report(load_plan("ilrs")).row("station-battery")
    >>> row.claimed, row.counted
    ('modified', 'new')
    """

    element: str
    name: str
    owner: str
    kind: str
    mission: str
    claimed: Maturity
    supported: Maturity
    counted: Maturity
    margin_claimed: float
    margin_counted: float
    mass_kg: float | None
    heritage: tuple[str, ...]
    reasons: tuple[str, ...]
    severity: Literal["warning", "note", ""]
    text: str


@dataclass(frozen=True)
class MissionEffect:
    """What margins by heritage do to a mission.

    Parameters
    ----------
    mission : str
        From the plan.
    claimed_kg, counted_kg : float
        Elements with margins as claimed and as heritage bears out, system margin included [kg].
    delivered_kg : float or None
        What its transfer delivers [kg]; None if it is not known.
    spare_claimed_kg, spare_counted_kg : float or None
        What is left of that [kg]; negative if it does not fit.

    Examples
    --------
    >>> MissionEffect("m", 100.0, 120.0, 110.0, 10.0, -10.0).breaks
    True
    """

    mission: str
    claimed_kg: float
    counted_kg: float
    delivered_kg: float | None
    spare_claimed_kg: float | None
    spare_counted_kg: float | None

    @property
    def breaks(self) -> bool:
        """Whether it fits with the claimed margins and no longer with those that heritage bears out."""
        claimed, counted = self.spare_claimed_kg, self.spare_counted_kg
        return claimed is not None and counted is not None and claimed >= 0.0 > counted


@dataclass(frozen=True)
class MaturityReport:
    """Maturity of every element of a plan against the catalogue.

    Parameters
    ----------
    plan : str
        The plan.
    rows : tuple of MaturityRow
        In the plan's order.
    missions : tuple of MissionEffect
        Missions to come that bring elements with masses.
    lapse_years : float
        Age beyond which heritage counts as another's [years].

    Examples
    --------
    >>> MaturityReport("p", (), (), 25.0).findings
    ()
    """

    plan: str
    rows: tuple[MaturityRow, ...]
    missions: tuple[MissionEffect, ...]
    lapse_years: float

    @property
    def findings(self) -> tuple[MaturityRow, ...]:
        """Rows that claim more than their heritage bears out, warnings first."""
        told = [row for row in self.rows if row.severity]
        return tuple(sorted(told, key=lambda row: row.severity != "warning"))

    def row(self, element: str) -> MaturityRow:
        """The row of an element.

        Parameters
        ----------
        element : str
            Its identifier.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for row in self.rows:
            if row.element == element:
                return row
        raise UnknownNameError(element, [row.element for row in self.rows], kind="element", where=self.plan)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "plan": self.plan,
            "lapse_years": self.lapse_years,
            "elements": [asdict(row) for row in self.rows],
            "missions": [asdict(row) | {"breaks": row.breaks} for row in self.missions],
            "findings": [
                {"severity": row.severity, "element": row.element, "text": row.text} for row in self.findings
            ],
        }


def maturity_report(
    plan: Plan, catalogue: Heritage | None = None, *, lapse_years: float = LAPSE_YEARS
) -> MaturityReport:
    """Compare what elements claim with what their heritage bears out, and what that does to their margins.

    Parameters
    ----------
    plan : Plan
        The plan; ``elements.heritage`` names missions of the catalogue.
    catalogue : Heritage, optional
        The one that comes with Moonpost if none is given.
    lapse_years : float
        Age of heritage beyond which it counts as another's [years].

    Returns
    -------
    MaturityReport

    Raises
    ------
    UnknownNameError
        If an element names a mission that the catalogue does not have.
    InputError
        If `lapse_years` is negative or not finite.

    Notes
    -----
    An element of a mission that has flown is ``flown``, one that was lost with its mission is not by that. Else
    heritage counts if a mission that it names flew before it and showed a technology that its kind needs
    (`NEEDED`). Heritage of its owner, or of an operator whose work the owner carries on, no older than
    `lapse_years`, bears out ``flown``; other heritage ``modified``; none ``new``.
    The margin is that of the more cautious of claim and heritage: 5, 10 and 20 percent.
    The rules are this package's own; a qualification review decides on more than names of missions.

    References
    ----------
    ECSS-E-ST-10C (2017), System engineering general requirements: margins by maturity of equipment.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> report = maturity_report(load_plan("ilrs"))
    >>> report.row("yutu-2").counted
    'flown'
    """
    if not (math.isfinite(lapse_years) and lapse_years >= 0.0):
        raise InputError(f"is {lapse_years}", where="lapse_years", advice="give years, 0 or more")
    known = catalogue or load_heritage()
    rows = tuple(_row(plan, element, known, lapse_years) for element in plan.elements)
    return MaturityReport(plan.id, rows, _effects(plan, rows), lapse_years)


def maturity_findings(plan: Plan, catalogue: Heritage | None = None) -> list[Finding]:
    """Claims of maturity that heritage does not bear out, and names that the catalogue lacks, as findings.

    Parameters
    ----------
    plan, catalogue
        As in `maturity_report`.

    Returns
    -------
    list of Finding
        An error for each element that names an unknown mission; a warning where ``flown`` is not borne out; a note
        where ``modified`` is not.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> {finding.severity for finding in maturity_findings(load_plan("ilrs"))}
    {'note'}
    """
    known = catalogue or load_heritage()
    names = {row.id for row in known.missions}
    found: list[Finding] = []
    sound = []
    for element in plan.elements:
        unknown = [name for name in element.heritage if name not in names]
        place = f"elements[{element.id}].heritage"
        found += [
            Finding(
                "error",
                "unknown-name",
                place,
                f"unknown heritage mission {name!r}; {suggestion(name, sorted(names))}",
            )
            for name in unknown
        ]
        kept = tuple(name for name in element.heritage if name in names)
        sound.append(element.model_copy(update={"heritage": kept}) if unknown else element)
    report = maturity_report(plan.model_copy(update={"elements": tuple(sound)}), known)
    found += [
        Finding(
            "warning" if row.severity == "warning" else "note", "maturity", f"elements[{row.element}]", row.text
        )
        for row in report.findings
    ]
    return found


def supported_plan(plan: Plan, catalogue: Heritage | None = None, *, lapse_years: float = LAPSE_YEARS) -> Plan:
    """The plan with each element's maturity as its heritage bears it out, never better than it claims.

    Parameters
    ----------
    plan, catalogue, lapse_years
        As in `maturity_report`.

    Returns
    -------
    Plan
        Budgets and sizings of it carry the margins that heritage bears out.

    Raises
    ------
    UnknownNameError, InputError
        As in `maturity_report`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> supported_plan(plan).element("vertical-array").maturity == plan.element("vertical-array").maturity
    True
    """
    return _with_counted(plan, maturity_report(plan, catalogue, lapse_years=lapse_years).rows)


def _with_counted(plan: Plan, rows: tuple[MaturityRow, ...]) -> Plan:
    counted = {row.element: row.counted for row in rows}
    elements = tuple(row.model_copy(update={"maturity": counted[row.id]}) for row in plan.elements)
    return plan.model_copy(update={"elements": elements})


def _row(plan: Plan, element: Element, catalogue: Heritage, lapse_years: float) -> MaturityRow:
    mission = next((row for row in plan.missions if row.id == element.mission), None)
    over = mission is not None and mission.status in _OVER
    flown = mission is not None and mission.status == "flown"
    launch = when_bounds(mission.launch)[1].year if mission is not None else None
    found = [_judged(element, _known(catalogue, element, name), catalogue, launch, lapse_years)
             for name in element.heritage]  # fmt: skip
    supported: Maturity = (
        "flown" if flown else min((part[0] for part in found), key=_RANK.__getitem__, default="new")
    )
    counted: Maturity = max(element.maturity, supported, key=_RANK.__getitem__)
    if over:
        counted = element.maturity
    severity, text = _finding(element, supported, found)
    mass = element.best_mass_kg
    return MaturityRow(
        element=element.id,
        name=element.name,
        owner=element.owner,
        kind=element.kind,
        mission=element.mission,
        claimed=element.maturity,
        supported=supported,
        counted=counted,
        margin_claimed=0.0 if over else MATURITY_MARGIN[element.maturity],
        margin_counted=0.0 if over else MATURITY_MARGIN[counted],
        mass_kg=None if mass is None else element.count * mass,
        heritage=element.heritage,
        reasons=_reasons(found, over, flown),
        severity=severity,
        text=text,
    )


def _reasons(found: list[tuple[Maturity, str]], over: bool, flown: bool) -> tuple[str, ...]:
    """What a row's maturity rests on."""
    if flown:
        return ("has flown itself",)
    return (*(("was lost with its mission",) if over else ()), *(part[1] for part in found))


def _known(catalogue: Heritage, element: Element, name: str) -> HeritageMission:
    try:
        return catalogue.mission(name)
    except UnknownNameError:
        names = [row.id for row in catalogue.missions]
        raise UnknownNameError(
            name, names, kind="heritage mission", where=f"elements[{element.id}].heritage"
        ) from None


def _judged(
    element: Element, row: HeritageMission, catalogue: Heritage, launch: int | None, lapse_years: float
) -> tuple[Maturity, str]:
    """What one mission of the catalogue bears out for an element, and why."""
    wanted = NEEDED.get(element.kind, ())
    shown = [name for name in wanted if name in row.shows]
    doubt = f" (not verified: {', '.join(row.not_verified)})" if row.not_verified else ""
    if launch is not None and when_bounds(row.launch)[0].year > launch:
        return "new", f"{row.name} flies after it"
    if not shown:
        tried = [name for name in wanted if name in row.tried]
        if tried:
            return "new", f"{row.name} tried {', '.join(tried)} and did not reach it{doubt}"
        needs = ", ".join(wanted) or f"nothing that a {element.kind} could take over"
        return "new", f"{row.name} did not show {needs}{doubt}"
    said = f"{row.name} showed {', '.join(shown)}{doubt}"
    if not catalogue.carries_on(element.owner, row.operator):
        return "modified", f"{said}, flown by another ({row.operator})"
    age = None if launch is None else launch - row.year
    if age is not None and age > lapse_years:
        return "modified", f"{said}, {age} years before"
    return "flown", said


def _finding(
    element: Element, supported: Maturity, found: list[tuple[Maturity, str]]
) -> tuple[Literal["warning", "note", ""], str]:
    """What to tell of an element that claims more than its heritage bears out."""
    if _RANK[element.maturity] >= _RANK[supported]:
        return "", ""
    why = "; ".join(part[1] for part in found) or "it names no heritage"
    text = (
        f"claims {element.maturity} ({100 * MATURITY_MARGIN[element.maturity]:g} % margin), its heritage bears "
        f"out {supported} ({100 * MATURITY_MARGIN[supported]:g} %): {why}"
    )
    return ("warning" if element.maturity == "flown" else "note"), text


def _effects(plan: Plan, rows: tuple[MaturityRow, ...]) -> tuple[MissionEffect, ...]:
    """Masses of each mission to come with both margins."""
    claimed = {row.mission: row for row in mass_budget(plan).missions}
    counted = {row.mission: row for row in mass_budget(_with_counted(plan, rows)).missions}
    found = []
    for mission in plan.missions:
        if mission.status not in ("planned", "proposed") or claimed[mission.id].budget_kg <= 0.0:
            continue
        try:
            delivered: float | None = landed_mass_kg(plan, mission).delivered_kg
        except ModelError:
            delivered = None
        with_claim, with_count = claimed[mission.id].budget_kg, counted[mission.id].budget_kg
        found.append(
            MissionEffect(
                mission=mission.id,
                claimed_kg=with_claim,
                counted_kg=with_count,
                delivered_kg=delivered,
                spare_claimed_kg=None if delivered is None else delivered - with_claim,
                spare_counted_kg=None if delivered is None else delivered - with_count,
            )
        )
    return tuple(found)
