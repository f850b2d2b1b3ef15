"""``moonpost report``: the report of a finished study, made anew."""

from __future__ import annotations

from pathlib import Path

import typer

from moonpost.cli.output import JSON, emit

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("report")(report)


def report(
    folder: Path = typer.Argument(help="A folder that 'moonpost study' wrote."),
    out: Path | None = typer.Option(None, help="The HTML file; report.html in the folder if not given."),
    as_json: bool = JSON,
) -> None:
    """Write the report of a finished study again.

    Example: moonpost report out --out report.html
    """
    from moonpost.report.write import report as write

    path = write(folder, out or folder / "report.html")
    emit({"report": str(path)}, as_json, lambda: str(path))
