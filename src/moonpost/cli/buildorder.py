"""``moonpost build order``: when each element flies, lands and works."""

from __future__ import annotations

import typer

from moonpost.cli.output import JSON, emit, phase, table

__all__ = ["register"]

_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")


def register(app: typer.Typer) -> None:
    """Add the verb to `moonpost build`."""
    app.command("order")(_order)


def _order(plan: str = _PLAN, as_json: bool = JSON) -> None:
    """List the build order: when each element flies, lands and works, and what conflicts.

    Example: moonpost build order ilrs
    """
    found = phase(plan, "build")
    rows = [[row.name, row.owner, row.kind, row.start, row.stop or "-"] for row in found.gantt]
    emit(
        {"gantt": found.gantt, "capability": found.capability, "conflicts": found.conflicts},
        as_json,
        lambda: "\n".join(
            [
                table(["element", "owner", "step", "from", "to"], rows),
                *(f"{c.place}: {c.text}" for c in found.conflicts),
            ]
        ),
    )
