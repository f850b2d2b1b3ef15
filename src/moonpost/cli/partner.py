"""``moonpost partner``: agreements, approvals, shares and objectives of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from moonpost.cli import partnershares
from moonpost.cli.output import JSON, emit, phase, table

if TYPE_CHECKING:
    from moonpost.campaign import ObjectiveTrace

__all__ = ["register"]

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who agreed, who must, who brings what.")
_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    partnershares.register(_app)
    app.add_typer(_app, name="partner")


@_app.command("agreements")
def agreements(plan: str = _PLAN, as_json: bool = JSON) -> None:
    """List the agreements and the steps that are missing.

    Example: moonpost partner agreements ilrs
    """
    rows = phase(plan, "partners").agreements
    text = [[row.name, row.in_force, ", ".join(row.missing) or "-"] for row in rows]
    emit(rows, as_json, lambda: table(["agreement", "in force", "missing"], text))


@_app.command("approvals")
def approvals(plan: str = _PLAN, as_json: bool = JSON) -> None:
    """List for each element and mission whose approval it has and whose is missing.

    Example: moonpost partner approvals ilrs
    """
    rows = phase(plan, "partners").approvals
    text = [[row.kind, row.name, ", ".join(row.given) or "-", ", ".join(row.missing) or "-"] for row in rows]
    emit(rows, as_json, lambda: table(["kind", "name", "given", "missing"], text))


@_app.command("shares")
def shares(plan: str = _PLAN, as_json: bool = JSON) -> None:
    """List each partner's share of the mass of elements.

    Example: moonpost partner shares ilrs
    """
    rows = phase(plan, "partners").shares
    text = [[row.name, row.mass_kg, 100 * row.share] for row in rows]
    emit(rows, as_json, lambda: table(["partner", "mass (kg)", "share (%)"], text))


@_app.command("objectives")
def objectives(
    plan: str = _PLAN,
    at: str = typer.Option("", "--at", help="Day for the state of the data, UTC; today if not given."),
    missing: bool = typer.Option(False, "--missing", help="Only those that no instrument serves."),
    as_json: bool = JSON,
) -> None:
    """List the science objectives: what serves them and from when, their data, and what could serve the others.

    Example: moonpost partner objectives ilrs

    Example: moonpost partner objectives ilrs --missing
    """
    from moonpost.campaign import science_trace
    from moonpost.plan import load_plan

    rows = science_trace(load_plan(plan), at=at or None)
    bare = [row for row in rows if row.options]
    if missing:
        rows = tuple(bare)
    emit([row.to_dict() for row in rows], as_json, lambda: _objectives_text(rows, bare))


def _objectives_text(rows: Sequence[ObjectiveTrace], bare: Sequence[ObjectiveTrace]) -> str:
    head = ["area", "objective", "status", "served from", "instruments", "data"]
    cells = [
        [
            row.area,
            row.name,
            row.status,
            (row.served_from or "-")[:10],
            ", ".join(row.instruments) or "-",
            ", ".join(item.product for item in row.data) or "-",
        ]
        for row in rows
    ]
    if not bare:
        return table(head, cells)
    options = [[row.objective, item.kind, item.text] for row in bare for item in row.options]
    return f"{table(head, cells)}\n\n{table(['without an instrument', 'kind', 'what could serve it'], options)}"
