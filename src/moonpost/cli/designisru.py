"""``moonpost design isru``: plants that make oxygen or water from regolith."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.design.isru import Plant

__all__ = ["register"]

_PICTURES = {".png", ".svg", ".pdf"}
_DEPTH_M = 0.1
_SHADOW_K = 100.0


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost design``."""
    app.command("isru")(isru)


def isru(
    process: str = typer.Option("all", help="hydrogen, carbothermal, electrolysis, ice, or all."),
    kg: float = typer.Option(1000.0, help="Product in a year [kg]."),
    power: float = typer.Option(None, help="Instead of --kg: power while the plant works [W]."),
    plan: str = typer.Option(
        "", help="Instead: a plan, for the power of its isru elements in the light and the ground of its site."
    ),
    soil: str = typer.Option("highland", help="highland or mare."),
    ground_k: float = typer.Option(
        None, help="Temperature of the regolith dug [K]; 200, and 100 for ice, if not given."
    ),
    lat: float = typer.Option(None, help="Instead: latitude [deg], for the mean temperature 0.1 m below ground."),
    duty: float = typer.Option(0.7, help="Part of the year that the plant works [1]."),
    recuperation: float = typer.Option(0.0, help="Part of the spent regolith's heat that is used again [1]."),
    enrichment: float = typer.Option(1.0, help="Iron oxide in the furnace over that in the soil [1]."),
    ice: float = typer.Option(0.056, help="Water in icy regolith by mass [1]; LCROSS: 0.056 +- 0.029."),
    product: str = typer.Option("oxygen", help="oxygen, or water with --process ice."),
    plot: str = typer.Option("", help="Draw energy by step and mass by part: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Size a plant for oxygen or water: streams, energy by step, power and mass.

    Example: moonpost design isru --process hydrogen --soil mare --kg 1000 --plot isru.png
    """
    from moonpost.design.isru import PROCESSES, PlantOptions, resource_plant
    from moonpost.errors import InputError

    if plot and Path(plot).suffix.lower() not in _PICTURES:
        raise InputError(f"{plot!r} is no picture", where="--plot", advice="end it with .png, .svg or .pdf")
    if ground_k is not None and lat is not None:
        raise InputError("goes without --lat", where="--ground-k", advice="give one of the two")
    if process == "all" and product != "oxygen":
        raise InputError("goes with --process ice alone", where="--product", advice="name the process")
    if plan:
        if power is not None:
            raise InputError("goes without --plan", where="--power", advice="give one of the two")
        power = _plan_w(plan)
    warm = _mean_k(lat) if lat is not None else _site_k(plan) if plan and ground_k is None else 200.0
    plants = []
    for name in PROCESSES if process == "all" else (process,):
        cold = ground_k if ground_k is not None else (_SHADOW_K if name == "ice" else warm)
        options = PlantOptions(
            soil=soil,
            ground_k=cold,
            duty=duty,
            recuperation=recuperation,
            enrichment=enrichment,
            ice=ice,
            product=product,
        )
        plants.append(_sized(resource_plant(name, kg, options), power))
    told: dict[str, Any] = {"plants": [row.to_dict() for row in plants]}
    if plot:
        told["plot"] = _draw(plants, plot)
    emit(told, as_json, lambda: _text(plants, told))


def _sized(plant: Plant, power: float | None) -> Plant:
    """The plant, or the one of that power: energy for a kilogram does not depend on the size."""
    from moonpost.design.isru import resource_plant
    from moonpost.errors import InputError

    if power is None:
        return plant
    if not 0.0 < power < 1e12:
        raise InputError(f"is {power!r}", where="--power", advice="give watts above 0")
    return resource_plant(plant.process, plant.product_kg_year * power / plant.power_w, plant.options)


def _plan_w(plan: str) -> float:
    """Power that the plants of a plan draw in the light [W]."""
    from moonpost.errors import ModelError
    from moonpost.plan import load_plan
    from moonpost.power import load_w

    drawn = sum(load_w(row, "light") for row in load_plan(plan).elements if row.kind == "isru")
    if drawn <= 0.0:
        raise ModelError("no isru element draws power in the light", where=plan, advice="use --kg or --power")
    return drawn


def _site_k(plan: str) -> float:
    """Mean temperature a little below level ground at a plan's site, under its own horizon [K]; 200 in orbit."""
    import numpy as np

    from moonpost.errors import TerrainError
    from moonpost.plan import load_plan, when_bounds
    from moonpost.sky import Almanac, Site
    from moonpost.study.context import site_profile
    from moonpost.terrain import HorizonProfile
    from moonpost.thermal import site_ground

    rows = load_plan(plan)
    sites = rows.station_sites()
    if not sites:
        return 200.0
    try:
        profile = site_profile(rows, sites[0], 2.0)
    except TerrainError:
        profile = HorizonProfile.flat(Site(sites[0].latitude_deg, sites[0].longitude_deg), 2.0)
    start = np.datetime64(when_bounds(rows.design.start)[0], "ms")
    year = np.timedelta64(round(354.4 * 86400e3), "ms")
    found = site_ground(profile, Almanac.default(), start, start + year).to_dict(depths_m=[_DEPTH_M])
    return float(found["mean_at_depth_k"][f"{_DEPTH_M:g}"])


def _mean_k(lat: float) -> float:
    """Mean temperature of level ground a little below the surface [K]."""
    from moonpost.thermal import regolith

    return float(regolith(lat).columns.mean_at_k(_DEPTH_M)[0])


def _draw(plants: Sequence[Plant], plot: str) -> str:
    from moonpost.report.figures.longlife import plants_figure
    from moonpost.report.figures.style import save_figure

    figure = plants_figure(plants)
    save_figure(figure, plot)
    return plot


def _text(plants: Sequence[Plant], told: dict[str, Any]) -> str:
    whole = table(
        [
            "process",
            "product",
            "kg/year",
            "kWh/kg",
            "power (W)",
            "plant (kg)",
            "dug (kg/kg)",
            "yield (%)",
            "from (K)",
        ],
        [
            [
                row.process,
                row.product,
                row.product_kg_year,
                row.kwh_kg,
                row.power_w,
                row.mass_kg,
                row.inflow["regolith"],
                100 * row.yield_fraction,
                row.options.ground_k,
            ]
            for row in plants
        ],
    )
    steps = table(
        ["process", "step", "kWh/kg"],
        [
            [row.process, step, value / 1e3]
            for row in plants
            for step, value in row.energy_wh_kg.items()
            if value > 0
        ],
    )
    worst = max(max(row.mass_residual_relative, row.energy_residual_relative) for row in plants)
    closing = f"masses by element and energy close to {worst:.0e}"
    wrote = f"\nwrote {told['plot']}" if "plot" in told else ""
    return f"{whole}\n\n{steps}\n\n{closing}{wrote}"
