"""``moonpost design``: loads, storage, masses and sensitivities of a plan; ground temperatures."""

from __future__ import annotations

from typing import Any

import typer

from moonpost.cli import designlayout, designthermal
from moonpost.cli.output import JSON, DefaultGroup, emit, phase, table

__all__ = ["register"]

_app = typer.Typer(
    cls=DefaultGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Budgets and storage: moonpost design PLAN; ground temperature: moonpost design regolith.",
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="design")


@_app.callback()
def _group() -> None:
    """Budgets, storage and temperatures."""


@_app.command("plan")
def budgets(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."), as_json: bool = JSON
) -> None:
    """Size the storage for the worst energy deficit and list the budgets with margins.

    Example: moonpost design ilrs
    """
    found = phase(plan, "design")
    emit(found, as_json, lambda: _text(found))


def _text(found: Any) -> str:
    storage = table(
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
            for row in found.storage
        ],
    )
    loads = table(
        ["load on the bus", "light (W)", "dark (W)", "margin"],
        [[row.name, row.light_w, row.dark_w, row.margin] for row in found.loads],
    )
    return f"{storage}\n\n{loads}"


designthermal.register(_app)
designlayout.register(_app)
