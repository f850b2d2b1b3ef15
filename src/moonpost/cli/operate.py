"""``moonpost operate``: lunar days, the calendar of sleep and wake, and the station simulated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from moonpost.cli import (
    operatecontacts,
    operatehaven,
    operatepanel,
    operatercpsp,
    operaterelays,
    operaterisk,
    operateschedule,
    operatesimulate,
    operatesortie,
)
from moonpost.cli.output import JSON, emit, table

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Run the station: lunar days, sleep, simulation."
)
_SITE = typer.Option(..., "--site", help="LAT,LON in degrees, east positive: --site=-45.457,177.589.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="operate")


@_app.command("day")
def day(
    site: str = _SITE,
    landed: str = typer.Option(..., help="Landing, UTC: 2019-01-03T02:26Z."),
    at: str = typer.Option(..., help="The instant asked for, UTC."),
    as_json: bool = JSON,
) -> None:
    """Tell which lunar day and Earth day it is for a machine, and where the Sun stands.

    Example: moonpost operate day --site=-45.457,177.589 --landed 2019-01-03T02:26Z --at 2021-03-08T12:00Z
    """
    from moonpost.cli.places import surface_site
    from moonpost.operations import day as lunar_date
    from moonpost.sky import Almanac

    found = lunar_date(Almanac.default(), surface_site(site), landed, at)
    emit(
        found.to_dict(),
        as_json,
        lambda: table(["", ""], [[key, str(value)] for key, value in found.to_dict().items()]),
    )


@_app.command("calendar")
def calendar(
    events: Path = typer.Option(..., help="CSV of dated events: lunar_day, vehicle, event, utc, precision, ..."),
    site: str = _SITE,
    start: str = typer.Option(..., "--from", help="First day, UTC."),
    stop: str = typer.Option(..., "--to", help="Last day, UTC."),
    model: str = typer.Option("auto", help="auto, elevation or panel."),
    as_json: bool = JSON,
) -> None:
    """Predict when machines wake and sleep, by rules learnt from dated events.

    With --json the rows go to the output and the notes to the error stream.

    Example: moonpost operate calendar --events ce4.csv --site=-45.457,177.589 --from 2020-06-01 --to 2022-08-01
    """
    from moonpost.cli.places import surface_site
    from moonpost.operations import dormancy
    from moonpost.sky import Almanac

    almanac, place = Almanac.default(), surface_site(site)
    rules = dormancy.fit(dormancy.read_events(events), place, almanac, model=model)  # type: ignore[arg-type]
    found = dormancy.calendar(rules, place, almanac, start, stop)
    emit(list(found), as_json, lambda: _calendar_text(found.rows))
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)


def _calendar_text(rows: Sequence[dict[str, Any]]) -> str:
    head = ["vehicle", "lunar day", "event", "UTC", "Sun (deg)", "+- (h)", "basis"]
    keys = ["vehicle", "lunar_day", "event", "utc", "sun_elevation_deg", "sigma_h", "basis"]
    return table(head, [[row[key] for key in keys] for row in rows])


operatesimulate.register(_app)
operatecontacts.register(_app)
operatehaven.register(_app)
operatepanel.register(_app)
operatercpsp.register(_app)
operaterelays.register(_app)
operateschedule.register(_app)
operaterisk.register(_app)
operatesortie.register(_app)
