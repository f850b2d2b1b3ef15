"""``moonpost build diff``: what two versions of a plan differ in."""

from __future__ import annotations

import typer

from moonpost.cli.output import JSON, emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to `moonpost build`."""
    app.command("diff")(_diff)


def _diff(
    before: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    after: str = typer.Argument(help="The other one."),
    check: bool = typer.Option(False, "--check", help="End with exit code 1 if they differ."),
    as_json: bool = JSON,
) -> None:
    """List every place in which two plans differ: rows added (+), removed (-), values changed (~).

    Example: moonpost build diff ilrs ilrs-orbit
    """
    from moonpost.plan import load_plan, plan_difference

    found = plan_difference(load_plan(before), load_plan(after))
    emit(found.to_dict(), as_json, lambda: str(found))
    if check and not found.same:
        raise typer.Exit(1)
