"""``moonpost study``: the main job, from a plan to a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from moonpost.cli.output import JSON, emit, table

__all__ = ["register", "run"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("study")(study)


def study(
    plan: str = typer.Argument(help="A bundled plan (ilrs, ilrs-orbit) or the path of a TOML file."),
    out: Path = typer.Option(Path("out"), help="Folder for the report, the tables and the series."),
    quiet: bool = typer.Option(False, "--quiet", help="Show no progress bars."),
    as_json: bool = JSON,
) -> None:
    """Run all phases of a plan and write the report; a stopped run goes on where it was.

    Example: moonpost study ilrs --out out
    """
    record = run(plan, out, progress=not quiet)
    if as_json:
        emit(record, True, str)
        return
    rows = [[row.question, row.answer, _closes(row.closes), row.margin] for row in record.verdicts]
    typer.echo(table(["question", "answer", "closes", "margin"], rows))
    for row in record.verdicts:
        if row.closes is False and row.limit:
            typer.echo(f"NO: {row.question} {row.limit}")
    typer.echo(f"\n{out / 'report.html'}")


def _closes(closes: bool | None) -> str:
    return "" if closes is None else "yes" if closes else "NO"


def run(plan: str, out: Path, *, progress: bool) -> Any:
    """Study a plan into a folder, with its report, and give the record."""
    from moonpost.report.write import report
    from moonpost.study import study as run_study

    show = progress and sys.stderr.isatty()
    done = run_study(plan, out, progress=show, finish=lambda found, folder: report(found, folder / "report.html"))
    return done.record
