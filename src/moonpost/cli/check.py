"""``moonpost check``: every fault of a plan at once."""

from __future__ import annotations

import typer

from moonpost.cli.output import JSON, emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("check")(check)


def check(
    plan: str = typer.Argument("", help="A bundled plan (ilrs, ilrs-orbit) or the path of a TOML file."),
    schema: bool = typer.Option(False, "--schema", help="Print the JSON schema of plan files instead."),
    as_json: bool = JSON,
) -> None:
    """Check a plan: list every fault with its place, exit 2 if there is an error.

    Example: moonpost check my-station.toml
    """
    if schema:
        from moonpost.plan import json_schema

        emit(json_schema(), True, str)
        return
    if not plan:
        raise typer.BadParameter("name a plan, or ask for --schema")
    from moonpost.study import check_file

    path, findings = check_file(plan)
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    verdict = f"{path}: {errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
    if as_json:
        emit({"plan": str(path), "errors": errors, "warnings": warnings, "findings": findings}, True, str)
    else:
        for finding in findings:
            typer.echo(str(finding))
        typer.echo(verdict, err=True)
    if errors:
        raise typer.Exit(2)
