"""``moonpost design spares``: spares, repair, wear and dose for years without people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.design.dose import SurfaceDose
    from moonpost.design.spares import SparesPlan
    from moonpost.design.wear import RepairTimes
    from moonpost.plan import Plan

__all__ = ["register"]

_PICTURES = {".png", ".svg", ".pdf"}
_STEP_S = 3600.0


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost design``."""
    app.command("spares")(spares)


def spares(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    years: float = typer.Option(10.0, help="Years without people or supplies."),
    availability: float = typer.Option(0.95, help="Wanted probability that no unit runs out [1]."),
    units: str = typer.Option("", help="TOML file of [[unit]] tables, instead of the assumed units of the plan."),
    shared: bool = typer.Option(False, "--shared", help="Take units of the same name as one kind that fits all."),
    method: str = typer.Option("exact", help="exact or marginal."),
    shield: float = typer.Option(27.0, help="Matter around electronics [kg/m2]; 27: 10 mm of aluminium."),
    events: float = typer.Option(1.0, help="Solar events like that of August 1972 in that time."),
    tolerance: float = typer.Option(100.0, help="Dose that the weakest part bears [Gy]; 100 Gy is 10 krad."),
    robot_m_s: float = typer.Option(0.05, help="Speed of robots [m/s]."),
    plot: str = typer.Option("", help="Draw mass against availability and the units: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Choose the lightest spares for a wanted availability; tell repair times, dust and dose besides.

    Failure rates are assumptions of this package unless --units names a file. Robots work in the light alone.

    Example: moonpost design spares ilrs --years 10 --availability 0.95 --plot spares.png
    """
    from moonpost.design.dose import surface_dose
    from moonpost.design.spares import lightest_spares, shared_units
    from moonpost.design.units import plan_units, read_units
    from moonpost.design.wear import dust_cover
    from moonpost.errors import InputError
    from moonpost.plan import load_plan

    if plot and Path(plot).suffix.lower() not in _PICTURES:
        raise InputError(f"{plot!r} is no picture", where="--plot", advice="end it with .png, .svg or .pdf")
    rows = load_plan(plan)
    items = read_units(units) if units else plan_units(rows)
    items = shared_units(items) if shared else items
    found = lightest_spares(items, years, availability, method=method)  # type: ignore[arg-type]
    dose = surface_dose(years, shield, events=events, tolerance_gy=tolerance)
    mended = _repairs(rows, found, robot_m_s)
    told: dict[str, Any] = found.to_dict() | {
        "repair": {name: vars(row) if row else None for name, row in mended.items()},
        "working": _working(found, mended),
        "dust_cover": {
            "level": dust_cover(years),
            "upright": dust_cover(years, upright=True),
            "level_first_year": dust_cover(1.0),
        },
        "dose": dose.to_dict(),
        "rates": "file" if units else "assumed",
    }
    if plot:
        told["plot"] = _draw(found, plot)
    emit(told, as_json, lambda: _text(found, told, dose))


def _repairs(plan: Plan, found: SparesPlan, robot_m_s: float) -> dict[str, RepairTimes | None]:
    """How long a failure of each unit lasts, with the light of the first year at the station."""
    import math

    import numpy as np

    from moonpost.design.siteplan import given_places
    from moonpost.design.wear import repair_times
    from moonpost.errors import ModelError, TerrainError
    from moonpost.plan import when_bounds
    from moonpost.sky import Almanac, Site, times
    from moonpost.study.context import site_profile
    from moonpost.terrain import HorizonProfile, illumination

    row = plan.station_sites()[0] if plan.station_sites() else None
    if row is None:
        return {}
    start = np.datetime64(when_bounds(plan.design.start)[0], "ms")
    site = Site(row.latitude_deg, row.longitude_deg)
    sun = Almanac.default().sun(site, times(start, start + np.timedelta64(400, "D"), _STEP_S))
    try:
        profile = site_profile(plan, row, 2.0)
    except TerrainError:
        profile = HorizonProfile.flat(site, 2.0)
    lit = illumination(profile, sun) > 0.5
    places = given_places(plan)
    robots = [place for place in places.values() if place.kind == "rover"]
    told: dict[str, RepairTimes | None] = {}
    for unit in found.items:
        place = places.get(unit.element)
        way = min((place.distance_m(robot) for robot in robots), default=100.0) if place else 100.0
        name = f"{unit.element}: {unit.name}" if unit.element else unit.name
        try:
            told[name] = repair_times(
                lit, _STEP_S / 3600.0, unit.work_h, way_m=math.ceil(1.3 * way), robot_m_s=robot_m_s
            )
        except ModelError:
            # Too little light in a year: it is never mended by robots that work in the light.
            told[name] = None
    return told


def _working(found: SparesPlan, mended: dict[str, RepairTimes | None]) -> dict[str, float]:
    """Part of the time that each unit works while it waits for repair alone."""
    return {
        name: row.availability(unit.failures_per_year) if row else 0.0
        for unit, (name, row) in zip(found.items, mended.items(), strict=False)
    }


def _draw(found: SparesPlan, plot: str) -> str:
    from moonpost.report.figures.longlife import spares_figure
    from moonpost.report.figures.style import save_figure

    figure = spares_figure(found)
    save_figure(figure, plot)
    return plot


def _text(found: SparesPlan, told: dict[str, Any], dose: SurfaceDose) -> str:
    rows = list(told["repair"].values()) or [None] * len(found.items)
    spares_table = table(
        ["unit", "of", "kg", "at work", "failures", "spares", "for wear", "enough", "mended in (h)", "95 % (h)"],
        [
            [
                row["name"],
                row["element"] or "-",
                row["mass_kg"],
                row["count"],
                row["mean_demand"],
                row["spares"],
                row["worn"],
                f"{row['enough_probability']:.4f}",
                time["mean_h"] if time else None,
                time["p95_h"] if time else None,
            ]
            for row, time in zip(told["items"], rows, strict=False)
        ],
    )
    head = (
        f"{found.mass_kg:.1f} kg of spares ({found.failure_kg:.1f} against failures), {found.years:g} years: no "
        f"unit runs out with {found.availability:.4f}, wanted {found.target:g}; marginal analysis alone "
        f"{found.marginal_kg:.1f} kg"
    )
    dust = told["dust_cover"]
    below = (
        f"dust covers {100 * dust['level']:.1f} % of level and {100 * dust['upright']:.1f} % of upright surfaces\n"
        f"dose in silicon: {dose.cosmic_gy:.2f} Gy of cosmic rays, {dose.solar_gy:.2f} Gy of solar events, behind "
        f"{dose.shield_kg_m2:g} kg/m2; parts bear {dose.tolerance_gy:g} Gy, {dose.margin:.1f} times that\n"
        + (
            "failure rates: from the file"
            if told["rates"] == "file"
            else "failure rates and units: assumed by this package"
        )
    )
    wrote = f"\nwrote {told['plot']}" if "plot" in told else ""
    return f"{spares_table}\n\n{head}\n{below}{wrote}"
