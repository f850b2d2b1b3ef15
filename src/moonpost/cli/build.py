"""``moonpost build``: launches, build order, and what a slip or a cancelled mission does."""

from __future__ import annotations

import typer

from moonpost.cli import buildorder, buildwhatif
from moonpost.cli.output import JSON, emit, phase, table

__all__ = ["register"]

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Launches, build order and what-if.")
_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="build")


@_app.command("manifest")
def manifest(plan: str = _PLAN, as_json: bool = JSON) -> None:
    """List the launches with launched, landed and payload mass.

    Example: moonpost build manifest ilrs
    """
    found = phase(plan, "build")
    head = [
        "launch",
        "mission",
        "launcher",
        "launched (kg)",
        "margin (kg)",
        "landed (kg)",
        "payload (kg)",
        "status",
    ]
    rows = [
        [row.launch, row.name, row.launcher or "-", row.launch_mass_kg, row.margin_kg, row.landed_mass_kg,
         row.payload_mass_kg, row.status]
        for row in found.launches
    ]  # fmt: skip
    emit({"launches": found.launches, "years": found.years}, as_json, lambda: table(head, rows))


buildorder.register(_app)
buildwhatif.register(_app)
