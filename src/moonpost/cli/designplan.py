"""``moonpost design PLAN``: the lightest power system for a plan, its crossover chart, and all budgets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.plan import Plan
    from moonpost.study.stationdesign import StationDesign

__all__ = ["register"]

_PLOTS = (".png", ".svg", ".pdf")
_SHOWN = {"Wh": ("kWh", 1e-3), "bit/d": ("Mbit/d", 1e-6)}
"""Units that the text shows instead, and the factor."""


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost design``."""
    app.command("plan")(plan)


def plan(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    masts: str = typer.Option(
        "", help="Heights of arrays to choose from [m], with commas; those of the plan if not given."
    ),
    extent: float = typer.Option(
        0.0, min=0.0, max=100.0, help="Vertical extent of the arrays about their middle [m]."
    ),
    family: list[str] = typer.Option(
        [], help="solar-battery, solar-fuel-cell, radioisotope, reactor or any; may be repeated; all if not given."
    ),
    figure: list[str] = typer.Option(
        [], "--set", help="Another value of the mass table, NAME=VALUE; may be repeated. Names stand in --table."
    ),
    reserve: float = typer.Option(
        0.0, min=0.0, max=0.99, help="Part of the usable energy never touched, besides the depth of discharge."
    ),
    members: int = typer.Option(
        20, min=0, max=1000, help="Horizons in the ensemble of terrain errors; 0 for none."
    ),
    seed: int = typer.Option(0, min=0, help="Which random numbers the ensemble takes."),
    prove: bool = typer.Option(
        False, "--prove", help="Simulate the lightest mix for the whole period, and with one store module fewer."
    ),
    heritage: bool = typer.Option(
        False, "--heritage", help="Take the margin that heritage bears out where the plan claims a smaller one."
    ),
    masses: bool = typer.Option(False, "--table", help="Print the table of masses with its sources, and stop."),
    plot: Path = typer.Option(None, help="Picture of mixes, crossover, sensitivities and terrain errors."),
    as_json: bool = JSON,
) -> None:
    """Design the lightest power system for a plan in the real light of its site, and list all budgets.

    Example: moonpost design ilrs --prove --plot design.png
    """
    from moonpost.errors import InputError

    if masses:
        _masses(as_json)
        return
    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {plot.suffix!r}", where="--plot", advice=f"name it {', '.join(_PLOTS)}")
    from moonpost.study.stationdesign import design_station

    found = design_station(
        _by_heritage(plan) if heritage else plan,
        masts_m=_heights(masts),
        extent_m=extent,
        families=tuple(family) or None,
        changed=_values(figure),
        reserve=reserve,
        members=members,
        seed=seed,
        prove=prove,
        progress=sys.stderr.isatty(),
    )
    result = found.to_dict()
    if plot is not None:
        _draw(found, plot)
        result["plot"] = str(plot)
    emit(result, as_json, lambda: _text(found))


def _by_heritage(plan: str) -> Plan:
    """The plan with the maturity of its elements as far as heritage bears it out."""
    from moonpost.design.maturity import supported_plan
    from moonpost.plan import load_plan

    return supported_plan(load_plan(plan))


def _heights(text: str) -> tuple[float, ...] | None:
    """Heights given with commas."""
    from moonpost.errors import InputError

    if not text.strip():
        return None
    try:
        heights = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError as error:
        raise InputError(f"{text!r}", where="--masts", advice="give metres with commas, such as 2,10") from error
    if not all(0.0 <= height <= 200.0 for height in heights):
        raise InputError(f"{text!r}", where="--masts", advice="give heights from 0 to 200 m")
    return heights


def _values(rows: list[str]) -> dict[str, float]:
    """Values given as NAME=VALUE."""
    from moonpost.errors import InputError

    found = {}
    for row in rows:
        name, _, value = row.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise InputError(f"{row!r}", where="--set", advice="write NAME=VALUE: battery_wh_kg=200") from error
    return found


def _masses(as_json: bool) -> None:
    """The table of masses."""
    from moonpost.design import figures

    rows = figures()
    emit(
        rows,
        as_json,
        lambda: table(
            ["name", "unit", "value", "light", "heavy", "grade", "what", "source"],
            [[r.name, r.unit, r.nominal, r.light, r.heavy, r.confidence, r.text, r.source] for r in rows],
        ),
    )


def _draw(found: StationDesign, path: Path) -> None:
    """Save the picture."""
    from moonpost.report.figures.design import design_figure
    from moonpost.report.figures.style import FULL_IN, save_figure

    save_figure(design_figure(found, FULL_IN), path)


def _text(found: StationDesign) -> str:
    parts = [_storage(found.result), _mixes(found), _chart(found), _budgets(found)]
    if found.ways:
        parts.append(_ways(found))
    if found.proof is not None:
        parts.append(_proof(found))
    return "\n\n".join(parts)


def _storage(result: Any) -> str:
    """Storage as planned."""
    return table(
        ["variant", "needed (kWh)", "planned (kWh)", "margin (kWh)", "darkness alone (kWh)", "from", "to"],
        [
            [
                row.variant,
                row.required_wh / 1e3 if row.sustainable else "not enough power",
                row.installed_wh / 1e3,
                row.margin_wh / 1e3 if row.sustainable else "-",
                row.longest_dark_only_wh / 1e3,
                (row.deficit_start_utc or "-")[:10],
                (row.deficit_stop_utc or "-")[:10],
            ]
            for row in result.storage
        ],
    )


def _mixes(found: StationDesign) -> str:
    """The lightest mix of each family, and what the lightest of all needs over terrain errors."""
    if found.choice is None:
        return "nothing on the station's bus draws power: no mix"
    rows: list[list[Any]] = []
    for name, mix in found.choice.mixes.items():
        if mix is None:
            rows.append([name, "-", "no number of units carries the load", "", ""])
            continue
        what = ", ".join(_part(part) for part in mix.parts)
        start = "-" if mix.deficit_start is None else str(mix.deficit_start)[:10]
        rows.append([name, mix.mass_kg, what, mix.needed_wh / 1e3 if mix.modules else None, start])
    text = table(["lightest mix", "mass (kg)", "of", "drawn (kWh)", "from"], rows)
    if not found.carried:
        return text
    masses = found.masses()
    text += f"\nlightest of all with margins (20 % new, system): {masses['mass_with_margin_kg']:,.0f} kg"
    if masses["replaced_with_margin_kg"]:
        text += f"; the power elements of the plan: {masses['replaced_with_margin_kg']:,.0f} kg"
    for name in ("p50", "p95"):
        row = found.quantile(name)
        if row is not None and row["modules"] is not None:
            text += (
                f"\n{name.upper()} of {row['members']} terrain errors: {row['modules']} store modules for the "
                f"lightest of all ({found.mix.modules} without errors), {row['mass_kg']:,.0f} kg"
            )
        elif row is not None:
            text += f"\n{name.upper()} of {row['members']} terrain errors, lightest of all: no store is enough"
    return text


def _part(part: Any) -> str:
    """A part of a mix in some words."""
    if part.unit == "m":
        return f"{part.count} x {part.size:g} m mast"
    size = f"{part.size / 1e3:g} k{part.unit}" if part.size >= 1000 else f"{part.size:g} {part.unit}"
    mount = f" {part.mount}" if part.mount else ""
    return f"{part.count} x {size}{mount} {part.item}"


def _chart(found: StationDesign) -> str:
    """Where lines of the crossover chart cross."""
    rows = [
        [row.power_w / 1e3, row.lighter_below, row.lighter_above, row.mass_kg, "yes" if row.lightest else ""]
        for row in found.chart.crossings
    ]
    return table(["lines cross at (kW)", "lighter below", "lighter above", "mass (kg)", "lightest of all"], rows)


def _budgets(found: StationDesign) -> str:
    """All budgets."""
    rows = []
    for line in found.lines:
        unit, scale = _SHOWN.get(line.unit, (line.unit, 1.0))
        numbers = [scale * number for number in (line.asked, line.available, line.margin)]
        told = "closes" if line.closes else "SHORT"
        rows.append([line.budget, line.subject, line.what, unit, *numbers, told])
    return table(["budget", "of", "what", "unit", "asked", "there", "margin", ""], rows)


def _ways(found: StationDesign) -> str:
    """What would close the budgets that do not."""
    rows = [[way.budget, way.subject, "yes" if way.closes else "no", way.text] for way in found.ways]
    return table(["to close", "of", "closes", "way"], rows)


def _proof(found: StationDesign) -> str:
    """The simulations of the lightest mix."""
    proof = found.proof
    assert proof is not None
    rows = []
    for run in (proof.design, proof.fewer):
        if run is not None:
            dips = "never" if run.dips is None else str(run.dips)[:16].replace("T", " ")
            rows.append(
                [f"{run.modules} modules", run.lowest_wh / 1e3, run.reserve_wh / 1e3, dips, run.shed_wh / 1e3]
            )
    head = [
        f"simulated for {proof.years:.2f} years",
        "lowest (kWh)",
        "reserve (kWh)",
        "below it",
        "not served (kWh)",
    ]
    return table(head, rows)
