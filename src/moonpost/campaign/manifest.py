"""Launches in order, with what each sends, lands and leaves unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.errors import ModelError
from moonpost.flight.missions import LandedMass, landed_mass_kg
from moonpost.plan.base import when_bounds
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan

__all__ = ["Manifest", "ManifestRow", "Mass", "YearRow", "manifest"]

Mark = Literal["published", "estimate", "computed", "bound", "unknown", "none"]


@dataclass(frozen=True)
class Mass:
    """A mass with its range and where it is from.

    Parameters
    ----------
    kg : float or None
        Best value [kg]; None if it is not known.
    low_kg, high_kg : float or None
        Range [kg].
    mark : {"published", "estimate", "computed", "bound", "unknown", "none"}
        published: a cited fact; estimate: given by the plan with confidence C; computed: from launcher and
        chain, or summed; bound: it is at most this; none: the mission brings nothing of the kind.
    """

    kg: float | None
    low_kg: float | None
    high_kg: float | None
    mark: Mark


@dataclass(frozen=True)
class ManifestRow:
    """One launch.

    Parameters
    ----------
    mission, name, kind, status, owner : str
        From the plan.
    launch : str
        The plan's date.
    launch_earliest, launch_latest : str
        First and last instant that the date allows, UTC.
    year : int
        Year in which it is counted: the last that its date allows.
    launcher : str or None
        The launch vehicle.
    launched, landed, in_orbit, payload : Mass
        Mass after injection, on the ground, left in orbit, and of the payload.
    elements : Mass
        Sum of the masses of the elements it brings.
    capacity_kg : float or None
        What the launcher can send [kg].
    capacity_margin_kg : float or None
        Capacity less launch mass [kg]; negative if the launcher is too small.
    delivery_margin_kg : float or None
        Landed or orbited mass less the mass of the elements [kg], of missions to come; negative if they do
        not fit.
    unknown : tuple of str
        What is not known, in words.
    note : str
        What a reader should know.
    """

    mission: str
    name: str
    kind: str
    status: str
    owner: str
    launch: str
    launch_earliest: str
    launch_latest: str
    year: int
    launcher: str | None
    launched: Mass
    landed: Mass
    in_orbit: Mass
    payload: Mass
    elements: Mass
    capacity_kg: float | None
    capacity_margin_kg: float | None
    delivery_margin_kg: float | None
    unknown: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class YearRow:
    """Launches of one year and all up to its end.

    Parameters
    ----------
    year : int
        Calendar year.
    launches : int
        Launches, lost ones included.
    launched_kg, landed_kg, landed_low_kg, landed_high_kg, payload_kg : float
        Sums over the missions whose mass is known [kg].
    cumulative_launches : int
        Launches so far.
    cumulative_landed_kg, cumulative_payload_kg : float
        Sums so far [kg].
    unknown : tuple of str
        Landing missions of the year whose landed mass is not known and not in the sums.
    """

    year: int
    launches: int
    launched_kg: float
    landed_kg: float
    landed_low_kg: float
    landed_high_kg: float
    payload_kg: float
    cumulative_launches: int
    cumulative_landed_kg: float
    cumulative_payload_kg: float
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """Launches in order and their sums by year.

    Parameters
    ----------
    rows : tuple of ManifestRow
        By latest launch date.
    years : tuple of YearRow
        Every year from the first launch to the last.
    """

    rows: tuple[ManifestRow, ...]
    years: tuple[YearRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return asdict(self)


def manifest(plan: Plan) -> Manifest:
    """Launches of a plan in order, with masses marked as published, computed or unknown.

    Parameters
    ----------
    plan : Plan
        The plan. Cancelled missions are left out; a lost one counts as launched and lands nothing.

    Returns
    -------
    Manifest

    Notes
    -----
    A published mass is taken before a computed one. A launch is counted in the last year that its date allows,
    so that the sums promise nothing early. A payload without a published mass is at most the published
    payload fraction of the mass after injection, and marked as a bound.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> table = manifest(load_plan("ilrs"))
    >>> table.rows[0].mission, table.rows[0].year
    ('queqiao', 2018)
    >>> table.years[-1].cumulative_launches == len(table.rows)
    True
    """
    rows = [_row(plan, mission) for mission in plan.missions if mission.status != "cancelled"]
    rows.sort(key=lambda row: (row.launch_latest, row.launch_earliest, row.mission))
    return Manifest(rows=tuple(rows), years=_years(rows))


def _row(plan: Plan, mission: Mission) -> ManifestRow:
    """One launch of the manifest."""
    computed, problem = _computed(plan, mission)
    capacity = None if mission.launcher is None else plan.row("launchers", mission.launcher).capacity_kg
    launched = _launched(mission, capacity)
    landed, in_orbit = _delivered(mission, computed)
    payload = _payload(mission, computed)
    elements = _elements(plan, mission)
    earliest, latest = when_bounds(mission.launch)
    delivered = in_orbit if landed.mark == "none" else landed
    to_come = mission.status in ("planned", "proposed")
    unknown = [
        text
        for mass, text in (
            (launched, "launch mass"),
            (landed, "landed mass"),
            (in_orbit, "mass in orbit"),
            (payload, "payload"),
            (elements, "masses of its elements"),
        )
        if mass.mark == "unknown"
    ]
    if mission.launcher is not None and capacity is None:
        unknown.append(f"capacity of {mission.launcher}")
    return ManifestRow(
        mission=mission.id,
        name=mission.name,
        kind=mission.kind,
        status=mission.status,
        owner=mission.owner,
        launch=mission.launch,
        launch_earliest=earliest.isoformat() + "Z",
        launch_latest=latest.isoformat() + "Z",
        year=latest.year,
        launcher=mission.launcher,
        launched=launched,
        landed=landed,
        in_orbit=in_orbit,
        payload=payload,
        elements=elements,
        capacity_kg=capacity,
        capacity_margin_kg=_difference(capacity, mission.launch_mass_kg),
        delivery_margin_kg=_difference(delivered.kg, elements.kg) if to_come else None,
        unknown=tuple(unknown),
        note="; ".join(filter(None, [problem, computed.note if computed else ""])),
    )


def _computed(plan: Plan, mission: Mission) -> tuple[LandedMass | None, str]:
    """Mass by the chain, or None with the reason."""
    try:
        return landed_mass_kg(plan, mission), ""
    except ModelError as error:
        return None, error.what


def _launched(mission: Mission, capacity: float | None) -> Mass:
    """Mass after injection."""
    if mission.launch_mass_kg is not None:
        return _exact(mission.launch_mass_kg, _mark(mission))
    if capacity is not None:
        return Mass(capacity, None, capacity, "bound")
    return _UNKNOWN


def _delivered(mission: Mission, computed: LandedMass | None) -> tuple[Mass, Mass]:
    """Mass on the ground and mass in orbit."""
    if mission.status == "lost":
        return _NONE, _NONE
    if mission.landed_mass_kg is not None:
        return _exact(mission.landed_mass_kg, _mark(mission)), _NONE
    lands = mission.kind in ("lander", "cargo", "crew", "sample-return")
    if computed is None:
        return (_UNKNOWN, _NONE) if lands else (_NONE, _UNKNOWN)
    found = Mass(computed.arrival_kg, computed.arrival_low_kg, computed.arrival_high_kg, "computed")
    return (found, _NONE) if computed.place == "surface" else (_NONE, found)


def _payload(mission: Mission, computed: LandedMass | None) -> Mass:
    """Payload, published or bounded."""
    if mission.status == "lost":
        return _NONE
    if mission.payload_mass_kg is not None:
        return _exact(mission.payload_mass_kg, _mark(mission))
    if mission.kind in ("relay", "flyby"):
        return _NONE
    if computed is None or computed.payload_bound_kg is None:
        return _UNKNOWN
    bound = min(computed.payload_bound_kg, computed.delivered_kg)
    return Mass(bound, None, bound, "bound")


def _elements(plan: Plan, mission: Mission) -> Mass:
    """Sum over the elements that the mission brings; unknown if one of them is."""
    brought = [element for element in plan.elements if element.mission == mission.id]
    if not brought:
        return _NONE
    best, low, high = 0.0, 0.0, 0.0
    for element in brought:
        mass = element.best_mass_kg
        if mass is None:
            return _UNKNOWN
        best += element.count * mass
        low += element.count * (mass if element.mass_low_kg is None else element.mass_low_kg)
        high += element.count * (mass if element.mass_high_kg is None else element.mass_high_kg)
    return Mass(best, low, high, "computed")


def _years(rows: Iterable[ManifestRow]) -> tuple[YearRow, ...]:
    """Sums by year."""
    by_year: dict[int, list[ManifestRow]] = {}
    for row in rows:
        by_year.setdefault(row.year, []).append(row)
    years: list[YearRow] = []
    launches, landed_so_far, payload_so_far = 0, 0.0, 0.0
    for year in range(min(by_year, default=0), max(by_year, default=-1) + 1):
        launched = by_year.get(year, [])
        landed = math.fsum(row.landed.kg or 0.0 for row in launched)
        payload = math.fsum(row.payload.kg or 0.0 for row in launched)
        launches += len(launched)
        landed_so_far += landed
        payload_so_far += payload
        years.append(
            YearRow(
                year=year,
                launches=len(launched),
                launched_kg=math.fsum(row.launched.kg or 0.0 for row in launched),
                landed_kg=landed,
                landed_low_kg=math.fsum(row.landed.low_kg or 0.0 for row in launched),
                landed_high_kg=math.fsum(row.landed.high_kg or 0.0 for row in launched),
                payload_kg=payload,
                cumulative_launches=launches,
                cumulative_landed_kg=landed_so_far,
                cumulative_payload_kg=payload_so_far,
                unknown=tuple(row.mission for row in launched if row.landed.mark == "unknown"),
            )
        )
    return tuple(years)


def _mark(mission: Mission) -> Mark:
    """Whether the plan's figures of a mission are facts or estimates."""
    return "estimate" if mission.confidence == "C" else "published"


def _exact(kg: float, mark: Mark) -> Mass:
    """A mass without a range."""
    return Mass(kg, kg, kg, mark)


def _difference(whole: float | None, part: float | None) -> float | None:
    """Difference of two masses, if both are known."""
    return None if whole is None or part is None else whole - part


_UNKNOWN = Mass(None, None, None, "unknown")
_NONE = Mass(0.0, 0.0, 0.0, "none")
