"""``moonpost partner``: agreements, approvals, shares and objectives of a plan."""

from __future__ import annotations

import typer

from moonpost.cli.output import JSON, emit, phase, table

__all__ = ["register"]

_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who agreed, who must, who brings what.")
_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
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
def objectives(plan: str = _PLAN, as_json: bool = JSON) -> None:
    """List the science objectives, what serves them, and which have no instrument.

    Example: moonpost partner objectives ilrs
    """
    rows = phase(plan, "partners").objectives
    text = [[row.area, row.name, row.status, ", ".join(row.instruments) or "-"] for row in rows]
    emit(rows, as_json, lambda: table(["area", "objective", "status", "instruments"], text))
