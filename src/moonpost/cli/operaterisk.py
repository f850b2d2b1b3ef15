"""``moonpost operate risk``: a station run many times with faults drawn by chance."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from moonpost.cli.output import JSON, emit, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("risk")(risk)


def risk(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    runs: int = typer.Option(100, help="How many times the station is run."),
    start: str = typer.Option("", "--from", help="First day, UTC; the plan's design start if not given."),
    days: float = typer.Option(365.25, help="Length [d]."),
    site: str = typer.Option("", "--at", help="A site of the plan; the station's if not given."),
    seed: int = typer.Option(0, help="Run k draws its faults with seed + k, as 'operate simulate --seed' does."),
    faults: Path | None = typer.Option(
        None, help="TOML file of faults and rates; without it, assumed rates for every machine."
    ),
    fault: list[str] = typer.Option(
        [], help="A fault in every run: kind=dust,subject=yutu-2,at=2040-02-01,size=0.3. May be repeated."
    ),
    workers: int = typer.Option(2, help="Threads on this machine."),
    scheduler: str = typer.Option(
        "", help="A Dask scheduler instead: tcp://HOST:PORT, or local:N for N processes."
    ),
    plot: Path | None = typer.Option(None, help="Also draw it into this .png, .svg or .pdf file."),
    as_json: bool = JSON,
) -> None:
    """Tell how much energy is served, what is lost and how available machines are when things fail by chance.

    Example: moonpost operate risk ilrs --runs 200 --from 2040-01-01 --days 365 --json --plot risk.png
    """
    from moonpost.study.risk import plan_risk

    found = plan_risk(
        plan,
        start or None,
        days,
        runs=runs,
        seed=seed,
        site=site or None,
        path=faults,
        lines=fault,
        workers=workers,
        scheduler=scheduler or None,
        progress=_told if sys.stderr.isatty() else None,
    )
    if plot is not None:
        from moonpost.report.figures.risk import risk_figure
        from moonpost.report.figures.style import save_figure

        save_figure(risk_figure(found), plot)
    emit(found.to_dict(), as_json, lambda: _text(found))


def _told(step: Any) -> None:
    """One line of progress."""
    left = "" if step.left_s is None else f", {step.left_s:.0f} s left"
    end = "\n" if step.done == step.total else ""
    print(f"\rruns: part {step.done} of {step.total}{left}   ", end=end, file=sys.stderr, flush=True)


def _text(found: Any) -> str:
    from moonpost.operations.montecarlo import RISK_NUMBERS

    rows = []
    for name, spread in found.spreads().items():
        p05, p50, p95 = (row.value for row in spread.quantiles)
        unit, text, scale = RISK_NUMBERS[name]
        rows.append(
            [
                f"{text} ({unit})",
                *(scale * x for x in (found.without[name], p05, p50, p95, spread.mean, spread.mean_error)),
            ]
        )
    parts = [table(["number", "no faults", "P5", "P50", "P95", "mean", "+-"], rows)]
    lost = [
        [row["machine"], row["count"], 100.0 * row["share"], 100.0 * row["low"], 100.0 * row["high"]]
        for row in found.losses()
        if row["count"]
    ]
    if lost:
        parts.append(table(["machine lost", "runs", "share (%)", "low (%)", "high (%)"], lost))
    else:
        parts.append(f"no machine lost in {found.runs} runs")
    parts.append(f"{found.runs} runs of {len(found.machines)} machines; {found.basis}")
    return "\n\n".join(parts)
