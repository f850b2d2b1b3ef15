"""``moonpost build whatif``: what a slip or a cancelled mission does."""

from __future__ import annotations

import typer

from moonpost.cli.output import JSON, emit, table

__all__ = ["register"]

_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")


def register(app: typer.Typer) -> None:
    """Add the verb to `moonpost build`."""
    app.command("whatif")(_whatif)


def _whatif(
    plan: str = _PLAN,
    slip: list[str] = typer.Option([], help="MISSION=YEARSy, such as ilrs-1=2y; may be repeated."),
    cancel: list[str] = typer.Option([], help="A mission that is cancelled; may be repeated."),
    as_json: bool = JSON,
) -> None:
    """Tell what moves and what breaks when missions slip or are cancelled.

    Example: moonpost build whatif ilrs --slip ilrs-1=2y --cancel ce8
    """
    from moonpost.campaign import what_if
    from moonpost.plan import load_plan

    found = what_if(load_plan(plan), slip=dict(_slip(text) for text in slip), cancel=cancel)
    moved = [[row.table, row.id, row.before, row.after] for row in found.moved]
    broken = [f"breaks: {row.table}[{row.id}]: {row.reason}" for row in found.broken]
    repair = [f"repair: {row.text}" for row in found.repair]
    emit(
        found.to_dict(),
        as_json,
        lambda: "\n".join([table(["table", "moved", "before", "after"], moved), *broken, *repair]),
    )


def _slip(text: str) -> tuple[str, float]:
    """Mission and years from ``MISSION=2y``."""
    from moonpost.errors import InputError

    mission, _, length = text.partition("=")
    try:
        return mission, float(length.removesuffix("y"))
    except ValueError:
        raise InputError(f"{text!r} is not a slip", where="--slip", advice="write it like ilrs-1=2y") from None
