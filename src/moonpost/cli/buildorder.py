"""``moonpost build order``: when each element flies, lands and works, and how it is put to work."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.campaign.capability import CapabilityPoint
    from moonpost.plan import Plan
    from moonpost.study.assembling import Built

__all__ = ["register"]

_PLOTS = (".png", ".svg", ".pdf")
_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")


def register(app: typer.Typer) -> None:
    """Add the verb to `moonpost build`."""
    app.command("order")(_order)


def _order(
    plan: str = _PLAN,
    case: str = typer.Option(
        "earliest", help="earliest or latest: missions land as early or as late as they may."
    ),
    contact: str = typer.Option("earth", help="earth: by ground stations over the terrain; relay: at all times."),
    dates_only: bool = typer.Option(False, "--dates-only", help="Dates alone, without steps of assembly: quick."),
    transit_days: float = typer.Option(5.0, help="From launch to landing where the plan has no landing date [d]."),
    commissioning_days: float = typer.Option(30.0, help="Until it works, without steps of assembly [d]."),
    slot_h: float = typer.Option(1.0, help="Grid of steps [h]."),
    seconds: float = typer.Option(2.0, help="Longest search for one way to share a landing's work [s]."),
    workers: int = typer.Option(1, help="Threads."),
    plot: Path | None = typer.Option(None, help="Draw steps and capability: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Plan the order in which a station is built: what is unloaded, set up, connected and tried out when, by whom.

    Robots work in light and contact, one thing at a time, as far as their energy goes; every step is simulated.
    Conflicts are listed, with what never works and why.

    Example: moonpost build order ilrs --plot order.png
    """
    from moonpost.campaign import capability
    from moonpost.study.assembling import build_in_steps

    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ends in {plot.suffix!r}", where="--plot", advice=f"end it in {', '.join(_PLOTS)}")
    loaded = _loaded(plan)
    days: dict[str, Any] = {"transit_days": transit_days, "commissioning_days": commissioning_days}
    options: dict[str, Any] = {"case": case, "contact": contact, "slot_s": 3600.0 * slot_h, "workers": workers}
    with _bar(sys.stderr.isatty() and not dates_only) as progress:
        built = build_in_steps(loaded, steps=not dates_only, **days, **options, seconds=seconds, progress=progress)
    points = capability(loaded, built.order, case="latest" if case == "latest" else "earliest")
    if plot is not None:
        from moonpost.report.figures.assembly import assembly_figure
        from moonpost.report.figures.style import save_figure

        save_figure(assembly_figure(built, points, 8.0), plot)
    emit(_values(built, points), as_json, lambda: _text(loaded, built, points))


def _loaded(plan: str) -> Plan:
    from moonpost.plan import load_plan

    return load_plan(plan)


@contextlib.contextmanager
def _bar(show: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a progress bar on the error stream, or nothing."""
    if not show:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=28), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as display:
        task: Any = display.add_task("build order", total=None)
        yield lambda mission, number, count: display.update(
            task, completed=number, total=count, description=f"after the landing of {mission}"
        )


def _values(built: Built, points: tuple[CapabilityPoint, ...]) -> dict[str, Any]:
    """Everything for JSON."""
    from moonpost.campaign.gantt import gantt_bars

    bars = [bar for bar in gantt_bars(built.order) if bar["step"] is None]
    keys = ("element", "name", "owner", "kind", "start", "stop", "requires")
    return {
        "case": built.case,
        "gantt": [{key: bar[key] for key in keys} for bar in bars],
        "steps": [step.to_dict() for step in built.steps],
        "stages": [stage.to_dict() for stage in built.stages],
        "capability": [point.to_dict() for point in points],
        "conflicts": [
            {"severity": row.severity, "place": row.place, "text": row.text} for row in built.order.findings
        ],
        "refused": dict(built.refused),
        "statements": list(built.statements),
    }


def _text(plan: Plan, built: Built, points: tuple[CapabilityPoint, ...]) -> str:
    from moonpost.campaign.gantt import steps_text

    rows = [
        [row.name, row.owner, _day(row.landing), _day(row.commissioning), _day(row.ready), row.never or ""]
        for row in built.order.steps
    ]
    parts = [table(["element", "owner", "lands", "begins", "works", "never, for"], rows)]
    for stage in built.stages:
        steps = [step for step in built.steps if step.element in stage.elements]
        hours = float((stage.stop - stage.start).astype("timedelta64[s]").astype(float)) / 3600.0
        proof = _proof(stage.optimal, stage.lower_bound_h, len(stage.delays))
        parts.append(
            f"\nAfter {plan.mission(stage.mission).name}: {len(steps)} steps in {hours / 24:.1f} d; {proof}; "
            f"{_energy(stage.energy.lowest)}"
        )
        parts.append(steps_text(steps))
    if built.stages:
        parts.append("\n> drive, u unload, d deploy, c connect, t try out, . pause for light, contact or energy")
    parts += ["", table(*_capability(points))]
    parts += [f"{row.severity}: {row.place}: {row.text}" for row in built.order.findings]
    parts += [f"error: after {stage.mission}: {text}" for stage in built.stages for text in stage.faults]
    parts += list(built.statements)
    return "\n".join(parts)


def _capability(points: tuple[CapabilityPoint, ...]) -> tuple[list[str], list[list[Any]]]:
    head = ["from", "what", "station (kW)", "payload (t)", "data (Mbit/d)", "downlink (Mbit/d)", "objectives"]
    rows: list[list[Any]] = [
        [_day(row.date), " ".join(row.cause), row.station_power_w / 1e3, row.payload_kg / 1e3, row.data_mbit_day,
         row.downlink_mbit_day, row.objectives]
        for row in points
    ]  # fmt: skip
    return head, rows


def _energy(lowest: Any) -> str:
    if not lowest:
        return "no store is simulated"
    name = min(lowest, key=lambda key: lowest[key])
    return f"lowest store: {name} {100.0 * lowest[name]:.0f} %"


def _proof(optimal: bool, bound_h: float, delays: int) -> str:
    """What is known about shorter orders, and about rests for want of energy."""
    rests = f" with {delays} rests for energy" if delays else ""
    if optimal:
        return f"no order is shorter{rests}"
    return f"none is shorter than {bound_h / 24:.1f} d{rests}" if bound_h else f"shorter orders may exist{rests}"


def _day(text: str | None) -> str:
    return "-" if text is None else text[:10]
