"""``moonpost operate simulate``: a plan's machines run through a period, from event to event."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.operations import Simulation

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost operate``."""
    app.command("simulate")(simulate)


def simulate(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    start: str = typer.Option("", "--from", help="First day, UTC; the plan's design start if not given."),
    days: float = typer.Option(365.25, help="Length [d]."),
    site: str = typer.Option("", "--at", help="A site of the plan; the station's if not given."),
    seed: int = typer.Option(0, help="Of what is drawn by chance: outages of reactors, faults from rates."),
    step: float = typer.Option(3600.0, help="Step of Sun, light and series [s]; events are exact."),
    faults: Path | None = typer.Option(None, help="TOML file of faults and rates."),
    fault: list[str] = typer.Option(
        [], help="A fault: kind=dust,subject=yutu-2,at=2040-02-01,size=0.3. May be repeated."
    ),
    out: Path | None = typer.Option(None, help="Also write the series into this NetCDF file."),
    events: Path | None = typer.Option(None, help="Also write the events into this CSV file."),
    plot: Path | None = typer.Option(None, help="Also draw it into this .png, .svg or .pdf file."),
    as_json: bool = JSON,
) -> None:
    """Simulate power, heat, data and mass of a plan's machines through light, darkness and faults.

    Example: moonpost operate simulate ilrs --from 2040-01-01 --days 365 --json --plot year.png
    """
    from moonpost.study import simulate_plan

    found = simulate_plan(
        plan, start or None, days, seed=seed, site=site or None, step_s=step, path=faults, lines=fault
    )
    if out is not None:
        _write_series(found, out)
    if events is not None:
        _write_events(found, events)
    if plot is not None:
        from moonpost.report.figures.operations import simulation_figure
        from moonpost.report.figures.style import save_figure

        save_figure(simulation_figure(found), plot)
    emit(found.to_dict(), as_json, lambda: _text(found))


def _write_series(found: Simulation, path: Path) -> None:
    """Every series with units and labels."""
    from moonpost.files import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_bytes(bytes(found.series.to_netcdf(None, engine="h5netcdf")))


def _write_events(found: Simulation, path: Path) -> None:
    """One row for each event, what is for programs as JSON in the last column."""
    from moonpost.files import atomic_path

    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "subject", "kind", "text", "data"])
        for event in found.events:
            row = event.to_dict()
            rows.writerow([*(row[key] for key in ("time", "subject", "kind", "text")), json.dumps(row["data"])])


def _text(found: Simulation) -> str:
    """Balances and counts for people."""
    head = ["bus", "supplied (kWh)", "served (kWh)", "spilled (kWh)", "shed (kWh)", "residual"]
    rows: list[list[Any]] = [
        [row.bus, row.supplied_wh / 1e3, row.served_wh / 1e3, row.spilled_wh / 1e3, row.shed_wh / 1e3,
         f"{row.residual_relative:.0e}"]
        for row in found.balances
    ]  # fmt: skip
    parts = [table(head, rows)]
    if found.heats:
        heat = [
            [h.element, h.heater_wh / 1e3, h.radiated_wh / 1e3, f"{h.residual_relative:.0e}"] for h in found.heats
        ]
        parts.append(table(["box", "heater (kWh)", "radiated (kWh)", "residual"], heat))
    if found.data:
        data = [[d.element, d.made_bit / 1e9, d.sent_bit / 1e9, d.lost_bit / 1e9] for d in found.data]
        parts.append(table(["data", "made (Gbit)", "sent (Gbit)", "lost (Gbit)"], data))
    if found.masses:
        mass = [[f"{m.element} {m.tank}", m.gained_kg, m.drawn_kg, m.held_kg] for m in found.masses]
        parts.append(table(["tank", "gained (kg)", "drawn (kg)", "held (kg)"], mass))
    parts.append(table(["event", "count"], [[kind, count] for kind, count in found.event_counts.items()]))
    parts.append("\n".join(found.statements))
    return "\n\n".join(part for part in parts if part)
