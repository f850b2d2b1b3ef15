"""``moonpost study``: the main job, from a plan to a report; or plans side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.study.alternativemodel import PlanComparison, TradeRow, TradeValue

__all__ = ["compare", "register", "run"]

_PICTURES = {".png", ".svg", ".pdf"}


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("study")(study)


def study(
    plan: str = typer.Argument(help="A bundled plan (ilrs, ilrs-orbit) or the path of a TOML file."),
    out: Path = typer.Option(Path("out"), help="Folder for the report, the tables and the series."),
    quiet: bool = typer.Option(False, "--quiet", help="Show no progress bars."),
    alternative: list[str] = typer.Option(
        [], "--alternative", help="Another plan to set beside it for the same launches; may be given again."
    ),
    members: int = typer.Option(20, help="With --alternative: horizons with errors, for ranges on the ground."),
    nodes: int = typer.Option(6, help="With --alternative: nodes of the orbit, for ranges in orbit."),
    runs: int = typer.Option(2000, help="With --alternative: campaigns drawn for the risk; 0 for none."),
    seed: int = typer.Option(0, help="With --alternative: of the risk."),
    plot: str = typer.Option("", help="With --alternative: draw values and ranges: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Run all phases of a plan and write the report; a stopped run goes on where it was.

    With --alternative both plans are studied and compared: alternative.html, .json and .csv in the folder.

    Example: moonpost study ilrs --out out

    Example: moonpost study ilrs --alternative ilrs-orbit --out out
    """
    if alternative:
        found = compare(
            [plan, *alternative], out, members=members, nodes=nodes, runs=runs, seed=seed, plot=plot,
            progress=not quiet,
        )  # fmt: skip
        emit(found, as_json, lambda: _comparison_text(found, out, plot))
        return
    if plot:
        from moonpost.errors import InputError

        raise InputError("draws plans side by side", where="--plot", advice="name another plan with --alternative")
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


def compare(
    plans: list[str], out: Path, *, members: int, nodes: int, runs: int, seed: int, plot: str, progress: bool
) -> PlanComparison:
    """Study plans into a folder, set them side by side, write the page, and give the record."""
    from moonpost.errors import InputError
    from moonpost.report.alternatives import write_alternative
    from moonpost.report.write import report
    from moonpost.study.alternative import compare_plans

    if plot and Path(plot).suffix.lower() not in _PICTURES:
        raise InputError(f"{plot!r} is no picture", where="--plot", advice="end it with .png, .svg or .pdf")
    done = compare_plans(
        plans,
        out,
        members=members,
        nodes=nodes,
        runs=runs,
        seed=seed,
        progress=progress and sys.stderr.isatty(),
        finish=lambda found, folder: report(found, folder / "report.html"),
    )
    write_alternative(done.record, out / "alternative.html")
    if plot:
        from moonpost.report.figures.alternatives import trade_figure
        from moonpost.report.figures.style import save_figure

        save_figure(trade_figure(done.record, 9.0), plot)
    return done.record


def _comparison_text(record: PlanComparison, out: Path, plot: str) -> str:
    names = [side.id for side in record.plans]
    rows = [
        [row.question, row.unit, *(_with_range(row, value) for value in row.values), _leads(record, row)]
        for row in record.rows
    ]
    lines = [table(["quantity", "unit", *names, "leads"], rows), ""]
    lines += [f"- {line}" for line in record.summary[: 1 + len(names)]]
    lines += [f"{side.id}: {text}" for side in record.plans for text in side.limits]
    lines += ["", str(out / "alternative.html")]
    return "\n".join(lines + ([f"wrote {plot}"] if plot else []))


def _leads(record: PlanComparison, row: TradeRow) -> str:
    return row.why if row.ahead is None else record.plans[row.ahead].id


def _with_range(row: TradeRow, value: TradeValue) -> str:
    if value.value is None:
        return "not known"
    digits = _digits(row)
    text = _number(value.value, digits)
    if value.low is not None and value.high is not None:
        low, high = _number(value.low, digits), _number(value.high, digits)
        text += f" ({low} to {high})" if low != high else ""
    return text


def _digits(row: TradeRow) -> int:
    """Digits after the point that all values of a row share; -1 for a year."""
    if row.unit == "year":
        return -1
    counted = row.topic in ("science", "launches") and row.unit == "number"
    return 0 if counted or max(abs(value.value or 0.0) for value in row.values) >= 1000.0 else 1


def _number(value: float, digits: int) -> str:
    return f"{value:.1f}" if digits < 0 else f"{value:,.{digits}f}"
