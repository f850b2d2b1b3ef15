"""``moonpost design layout``: shadows, cables, landings, reactor and ways of a station's machines, on one map."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.design.layout import Layout
    from moonpost.design.siteplan import Place
    from moonpost.plan import Plan
    from moonpost.sky import Apparent, Site
    from moonpost.terrain import HorizonProfile, Terrain

__all__ = ["register"]

_PICTURES = {".png", ".svg", ".pdf"}
_MAP_CELLS = 61
_MAP_STEP_H = 6


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost design``."""
    app.command("layout")(layout)


def layout(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    start: str = typer.Option(
        "", "--from", help="Start of the Sun's span, UTC; the plan's design start if absent."
    ),
    days: float = typer.Option(365.25, min=1.0, max=7000.0, help="Length of that span [d]."),
    minutes: float = typer.Option(30.0, min=1.0, max=240.0, help="Step of the Sun [min]."),
    terrain: str = typer.Option(
        "", help="Terrain files, finest first, with commas: heights and horizon at each place."
    ),
    pad: float = typer.Option(1.0, min=0.0, max=1.0, help="Part of the soil that landings still blow; 1: no pad."),
    shield: float = typer.Option(
        1e-4, min=0.0, max=1.0, help="Part of the core's radiation that its shield passes."
    ),
    bus_v: float = typer.Option(120.0, min=1.0, max=10000.0, help="Voltage of the station's bus [V]."),
    suggest: bool = typer.Option(True, help="Look for better places where limits are broken."),
    plot: str = typer.Option("", help="Draw the map: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Check where machines stand: shadows on arrays through a year, cables, landings, reactor, room and ways.

    Places are the plan's `position` tables; machines without one get a place by search. Exit code 0 also with
    findings.

    Example: moonpost design layout ilrs --plot map.png
    """
    from moonpost.design.layout import LayoutRules, check_layout
    from moonpost.errors import InputError
    from moonpost.plan import load_plan

    if plot and Path(plot).suffix.lower() not in _PICTURES:
        raise InputError(f"{plot!r} is no picture", where="--plot", advice="end it with .png, .svg or .pdf")
    rows = load_plan(plan)
    site, ground, profile_at = _place(rows, terrain)
    sun = _sun(rows, site, start, days, minutes)
    found = check_layout(
        rows,
        sun,
        profile_at,
        rules=LayoutRules(pad=pad, shield=shield, bus_v=bus_v),
        ground=ground,
        suggest=suggest,
    )
    told = found.to_dict()
    if plot:
        told["plot"] = _draw(rows, found, sun, profile_at, plot)
    emit(told, as_json, lambda: _text(found, told))


def _place(
    plan: Plan, terrain: str
) -> tuple[Site, Callable[[float, float], float] | None, Callable[[Place, float], HorizonProfile]]:
    """The site, the ground about it and the horizon at a place: from terrain if given, else the site's own."""
    from moonpost.design.siteplan import ground_machines, place_on_moon, seen_from_site
    from moonpost.errors import TerrainError
    from moonpost.sky import Site
    from moonpost.study.context import site_profile
    from moonpost.terrain import HorizonProfile

    ground_machines(plan)
    row = plan.station_sites()[0]
    paths = terrain or ",".join(str(path) for path in plan.terrain_paths(row))
    if not paths:
        site = Site(row.latitude_deg, row.longitude_deg)

        @cache
        def at_site(mast_m: float) -> HorizonProfile:
            try:
                return site_profile(plan, row, mast_m)
            except TerrainError:
                # No terrain covers the place: a level horizon, which is graded and told as screening.
                return HorizonProfile.flat(site, mast_m)

        return site, None, lambda _place, mast_m: at_site(mast_m)
    files = _terrain(paths, row.latitude_deg)
    site = files.site(row.latitude_deg, row.longitude_deg)

    @cache
    def height(east_m: float, north_m: float) -> float:
        return float(files.height_m(*place_on_moon(site, east_m, north_m))) - site.height_m

    @cache
    def at_place(east_m: float, north_m: float, mast_m: float) -> HorizonProfile:
        from moonpost.terrain import horizon

        there = files.site(*place_on_moon(site, east_m, north_m))
        return seen_from_site(horizon(files, there, mast_m), site)

    return site, height, lambda place, mast_m: at_place(place.east_m, place.north_m, mast_m)


def _terrain(paths: str, latitude_deg: float) -> Terrain:
    from moonpost.cli.places import terrain_files
    from moonpost.terrain import terrain_from_files

    return terrain_from_files(terrain_files(paths), latitude_deg)


def _sun(plan: Plan, site: Site, start: str, days: float, minutes: float) -> Apparent:
    import numpy as np

    from moonpost.plan import when_bounds
    from moonpost.sky import Almanac, as_utc, times

    first = as_utc([start])[0] if start else np.datetime64(when_bounds(plan.design.start)[0], "ms")
    return Almanac.default().sun(
        site, times(first, first + np.timedelta64(round(days * 86400e3), "ms"), minutes * 60.0)
    )


def _draw(plan: Plan, found: Layout, sun: Apparent, profile_at: Any, plot: str) -> str:
    """Write the map; shadows about the hub from the Sun at steps of some hours."""
    import numpy as np

    from moonpost.design.shadowing import shadow_map
    from moonpost.design.siteplan import bodies_of
    from moonpost.report.figures.layout import core_m, layout_figure
    from moonpost.report.figures.style import save_figure
    from moonpost.sky import Apparent

    step_h = float((sun.time[1] - sun.time[0]) / np.timedelta64(1, "h"))
    every = max(1, round(_MAP_STEP_H / max(step_h, 1e-9)))
    few = Apparent(
        *(
            getattr(sun, name)[::every]
            for name in ("time", "azimuth_deg", "elevation_deg", "distance_m", "angular_radius_deg")
        )
    )
    hub = found.places[found.hub]
    reach = core_m(found)
    line = np.linspace(-reach, reach, _MAP_CELLS)
    bodies = [body for name, place in found.places.items() for body in bodies_of(plan.element(name), place)]
    lost = shadow_map(bodies, few, profile_at(hub, 2.0), hub.east_m + line, hub.north_m + line)
    station = plan.station_sites()[0]
    figure = layout_figure(
        found, (hub.east_m + line, hub.north_m + line, lost), title=f"{plan.id} at {station.name}"
    )
    save_figure(figure, plot)
    return plot


def _text(found: Layout, told: dict[str, Any]) -> str:
    findings = "\n".join(
        f"{row.severity:8} {row.kind:10} {row.text}\n{'':20}{row.advice}" for row in found.findings
    )
    shading = table(
        ["array of", "mast (m)", "energy (kWh)", "lost (%)", "lost, cells in strings (%)", "worst day"],
        [
            [
                row.element,
                row.mast_m,
                row.energy_wh / 1e3,
                100 * row.lost_fraction,
                100 * row.lost_strings_wh / row.energy_wh if row.energy_wh else 0.0,
                row.worst_day or "-",
            ]
            for row in found.shading
        ],
    )
    cables = table(
        ["cable to", "power (W)", "length (m)", "V", "metal", "mm2", "mass (kg)", "loss (%)"],
        [
            [
                name,
                row.power_w,
                row.length_m,
                row.voltage_v,
                row.metal,
                1e6 * row.section_m2,
                row.mass_kg,
                100 * row.loss_fraction,
            ]
            for name, row in found.cables.items()
        ],
    )
    better = table(
        ["better place for", "east (m)", "north (m)", "cost (kg)", "present (kg)"],
        [
            [
                row.element,
                row.east_m,
                row.north_m,
                row.cost_kg,
                row.present_kg if math.isfinite(row.present_kg) else "-",
            ]
            for row in found.suggestions
        ],
    )
    parts = [findings if found.findings else "no findings", shading, cables]
    parts += [better] if found.suggestions else []
    parts += ["\n".join(found.statements)]
    parts += [f"wrote {told['plot']}"] if "plot" in told else []
    return "\n\n".join(parts)
