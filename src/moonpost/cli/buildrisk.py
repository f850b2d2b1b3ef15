"""``moonpost build risk``: how likely the station stands by a date, and what first keeps it from standing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.campaign.riskrecord import Record

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("risk")(risk)


def risk(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    runs: int = typer.Option(10_000, help="How many times the plan is flown."),
    seed: int = typer.Option(0, help="Same seed, same answer, whatever the number of workers."),
    target: list[str] = typer.Option(
        [], help="An element that is to work; may be repeated. Without it, all on the station's bus."
    ),
    by: str = typer.Option("", help="Date by which; the last that the plan promises if not given."),
    date: list[str] = typer.Option([], help="When capability is told; each new year if not given."),
    power_kw: list[float] = typer.Option([], help="Also tell the probability of so much power; may be repeated."),
    data_mbit_s: list[float] = typer.Option([], help="Also tell the probability of such a rate to the Earth."),
    reflights: int = typer.Option(0, help="Most times that a mission which failed is flown again."),
    record: list[str] = typer.Option(
        [], help="Flights that count for a factor: launch:cz-10=4/4, landing:RU=7/16; may be repeated."
    ),
    slip_days: float | None = typer.Option(None, help="Mean delay of missions for which the plan has none [d]."),
    swings: bool = typer.Option(True, help="Also tell how far each factor moves the probability."),
    workers: int = typer.Option(2, help="Threads on this machine."),
    scheduler: str = typer.Option(
        "", help="A Dask scheduler instead: tcp://HOST:PORT, or local:N for N processes."
    ),
    plot: Path | None = typer.Option(None, help="Also draw it into this .png, .svg or .pdf file."),
    as_json: bool = JSON,
) -> None:
    """Tell how likely the station stands by a date when missions slip, launches and landings fail, dust settles.

    Example: moonpost build risk ilrs --target command-centre --by 2036 --reflights 1 --plot risk.png
    """
    from moonpost.campaign.risk import campaign_risk
    from moonpost.campaign.riskbasis import RiskAssumptions
    from moonpost.campaign.riskfactors import campaign_swings
    from moonpost.plan import load_plan

    given: dict[str, Any] = {"records": dict(_record(text) for text in record)}
    if slip_days is not None:
        given["slip_days"] = slip_days
    found = campaign_risk(
        load_plan(plan),
        runs=runs,
        seed=seed,
        workers=workers,
        scheduler=scheduler or None,
        reflights=reflights,
        target=target,
        by=by or None,
        dates=date,
        assumptions=RiskAssumptions(**given),
        progress=_told if sys.stderr.isatty() else None,
    )
    rows = found.capability_rows([1e3 * value for value in power_kw], [1e6 * value for value in data_mbit_s])
    moved = campaign_swings(found, workers=workers) if swings else ()
    if plot is not None:
        from moonpost.report.figures.campaignrisk import campaign_risk_figure
        from moonpost.report.figures.style import save_figure

        save_figure(campaign_risk_figure(found, moved), plot)
    value = {
        **found.to_dict(),
        "capability": rows,
        "power_causes": {f"{1e3 * kw:g}": _power_causes(found, kw) for kw in power_kw},
        "swings": [row.to_dict() for row in moved],
    }
    emit(value, as_json, lambda: _text(found, rows, moved, (power_kw, data_mbit_s)))


def _told(step: Any) -> None:
    """One line of progress."""
    end = "\n" if step.done == step.total else ""
    print(f"\rruns: part {step.done} of {step.total}   ", end=end, file=sys.stderr, flush=True)


def _record(text: str) -> tuple[str, Record]:
    """Factor and record from ``launch:cz-10=4/4``."""
    from moonpost.campaign.riskrecord import FIRST_FLIGHTS, Record
    from moonpost.errors import InputError

    factor, _, counts = text.partition("=")
    good, _, trials = counts.partition("/")
    if not (factor and good.isdecimal() and trials.isdecimal()):
        raise InputError(f"{text!r} is no record", where="--record", advice="write it like launch:cz-10=4/4")
    source = f"given: {int(good)} of {int(trials)}"
    if factor.startswith("launch:"):
        return factor, Record(
            int(good), int(trials), f"{source}, after {FIRST_FLIGHTS.source}", FIRST_FLIGHTS.prior
        )
    return factor, Record(int(good), int(trials), source)


def _text(found: Any, rows: list[dict[str, Any]], moved: Any, wanted: tuple[list[float], list[float]]) -> str:
    reached = found.reached()
    parts = [
        f"{', '.join(found.target)} at work by {found.by}: {100 * reached.share:.1f} % "
        f"({100 * reached.low:.1f} to {100 * reached.high:.1f} %, {found.runs:,} runs, seed {found.seed})"
    ]
    head = ["by", "target (%)", "mean kW", "P95 kW", "mean Mbit/s", "mean objectives", "mean mass (kg)"]
    head += [f">= {value:g} kW (%)" for value in wanted[0]] + [f">= {value:g} Mbit/s (%)" for value in wanted[1]]
    names = [f"{1e3 * value:g}" for value in wanted[0]], [f"{1e6 * value:g}" for value in wanted[1]]
    parts.append(table(head, [_row(row, *names) for row in rows]))
    works = [
        [row["element"], 100.0 * row["works"]["share"], *(_day(row[name]) for name in ("p10", "p50", "p90")),
         row["main_cause"] or "-"]
        for row in found.element_rows()
    ]  # fmt: skip
    parts.append(table(["element", "works (%)", "P10", "P50", "P90", "why it never does, most often"], works))
    causes = [[row.text, *_shares(row.probability)] for row in found.causes()]
    if causes:
        parts.append(table(["first cause of missing the target", "runs (%)", "low (%)", "high (%)"], causes[:12]))
    for value in wanted[0]:
        less = [[row.text, *_shares(row.probability)] for row in _power_causes(found, value)]
        if less:
            title = f"first cause of less than {value:g} kW on {found.told_after()[:10]}"
            parts.append(table([title, "runs (%)", "low (%)", "high (%)"], less[:12]))
    served = [
        [
            row["objective"],
            *(100.0 * row["served"][name] for name in ("share", "low", "high")),
            row["main_cause"] or "-",
        ]
        for row in found.objective_rows(found.told_after())
    ]
    if served:
        title = f"objective on {found.told_after()[:10]}"
        parts.append(table([title, "served (%)", "low (%)", "high (%)", "why not, most often"], served))
    swings = [
        [row.text, row.better_text, 100.0 * row.better.share, row.worse_text, 100.0 * row.worse.share]
        for row in moved
        if row.width > 0.0
    ]
    if swings:
        parts.append(table(["factor", "better", "target (%)", "worse", "target (%)"], swings))
    assumed = sorted({row.factor.partition(":")[0] for row in found.basis if row.assumed})
    parts.append(f"assumed: {', '.join(assumed)}; what each figure rests on is in --json under basis")
    return "\n\n".join(parts)


def _power_causes(found: Any, power_kw: float) -> list[Any]:
    """What first keeps the station from so much power on the first date told after the target's."""
    causes: list[Any] = found.power_causes(1e3 * power_kw, found.told_after())
    return causes


def _row(row: dict[str, Any], power: list[str], data: list[str]) -> list[Any]:
    """One date of the table."""
    return [
        row["date"][:10],
        100.0 * row["target"]["share"],
        row["power_w"]["mean"] / 1e3,
        row["power_w"]["p95"]["value"] / 1e3,
        row["data_bit_s"]["mean"] / 1e6,
        row["objectives"]["mean"],
        row["mass_kg"]["mean"],
        *(100.0 * row["power_at_least"][name]["share"] for name in power),
        *(100.0 * row["data_at_least"][name]["share"] for name in data),
    ]


def _day(text: str | None) -> str:
    """A date without its time."""
    return "-" if text is None else text[:10]


def _shares(found: Any) -> tuple[float, float, float]:
    """A probability and its bounds in percent."""
    return 100.0 * found.share, 100.0 * found.low, 100.0 * found.high
