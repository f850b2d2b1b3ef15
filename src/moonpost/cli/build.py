"""``moonpost build``: launches, build order, and what a slip or a cancelled mission does."""

from __future__ import annotations

import typer

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


@_app.command("order")
def order(plan: str = _PLAN, as_json: bool = JSON) -> None:
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


@_app.command("whatif")
def whatif(
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
