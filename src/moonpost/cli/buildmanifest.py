"""``moonpost build manifest``: the launches of a plan, and which launches would do."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from moonpost.cli.output import JSON, emit, phase, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.campaign.landing import LandingMix
    from moonpost.campaign.ownloading import Measures
    from moonpost.campaign.planloading import PlanLoading

__all__ = ["register"]

_AIMS = ("launches", "cost", "earliest", "robust")


def register(app: typer.Typer) -> None:
    """Add the verb to ``moonpost build``."""
    app.command("manifest")(manifest)


def manifest(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    aim: str = typer.Option("launches", help="What is sought: launches (the fewest), cost, earliest or robust."),
    land_t: float | None = typer.Option(
        None, help="Instead of the plan's cargo, tonnes to be landed by a date in any portions [t]."
    ),
    by: str = typer.Option("", help="Date by which --land-t has to be there, such as 2035: its last day."),
    count: str = typer.Option("cargo", help="What --land-t counts: cargo, or landed with the dry landers."),
    begin: str = typer.Option(
        "", "--from", help="First launch, UTC; the plan's first to the station if not given."
    ),
    launcher: list[str] = typer.Option([], help="Use this launcher, may be repeated; all of the plan otherwise."),
    transfer: list[str] = typer.Option([], help="Use this transfer, may be repeated."),
    cost: list[str] = typer.Option([], help="Cost of a launch, LAUNCHER=COST in one unit; may be repeated."),
    per_year: list[str] = typer.Option([], help="Launches a year, LAUNCHER=NUMBER; may be repeated."),
    capacity: list[str] = typer.Option([], help="Mass to the Moon, LAUNCHER=KG; may be repeated."),
    reserve: float = typer.Option(0.0, help="Part of each launcher's capacity that is kept back [1]."),
    dry_fraction: float | None = typer.Option(
        None, help="Dry mass of a lander over its propellant [1]; from the plan's landers if not given."
    ),
    count_on: str = typer.Option("best", help="What each launch is counted on to bring: best, low or high."),
    early: bool = typer.Option(True, "--early/--held", help="Whether cargo may fly before the plan's own date."),
    windows: bool = typer.Option(True, help="Find the day of each launch by computing transfers."),
    seconds: float = typer.Option(30.0, help="Limit of the search [s]."),
    plot: Path | None = typer.Option(
        None, help="Picture of the launches and what they bring, .png, .svg or .pdf."
    ),
    as_json: bool = JSON,
) -> None:
    """List the launches with their masses, and find the launches that bring what is still to fly.

    Cargo is every element still to be brought to the station, with its margin, after what it requires and by its
    date of need. What a launcher brings follows from its own chain of velocity changes. The result is proved the
    best or its gap is printed; where it cannot be done, the demands in conflict are. With --land-t it tells what
    it takes to land so many tonnes by a date.

    Example: moonpost build manifest ilrs --aim launches

    Example: moonpost build manifest ilrs --land-t 30 --by 2035 --aim cost --cost cz-10=3 --cost cz-9=5
    """
    from moonpost.campaign.launches import flight_kinds
    from moonpost.campaign.planlanding import plan_landing
    from moonpost.plan import load_plan

    _check(aim, land_t, by, plot)
    loaded = load_plan(plan)
    kinds = flight_kinds(
        loaded,
        launchers=launcher or None,
        transfers=transfer or None,
        costs=_numbers(cost, "--cost"),
        per_year=_numbers(per_year, "--per-year"),
        capacities=_numbers(capacity, "--capacity"),
        reserve=reserve,
        dry_fraction=dry_fraction,
    ).counting_on(count_on)
    if land_t is not None:
        with _bar() as tell:
            mix = plan_landing(
                loaded, 1e3 * land_t, by, aim=aim, count=cast("Any", count), start=begin or None, kinds=kinds,
                windows=windows, seconds=seconds, progress=tell,
            )  # fmt: skip
        found = phase(plan, "build") if as_json else None
        emit(_keys(found) | {"landing": mix.to_dict()}, as_json, lambda: _mix_text(mix))
        _draw(plot, mix=mix)
        return
    from moonpost.campaign.planloading import plan_loading

    with _bar() as tell:
        loading = plan_loading(
            loaded, aim=cast("Any", aim), start=begin or None, early=early, kinds=kinds, windows=windows,
            seconds=seconds, progress=tell,
        )  # fmt: skip
    found = phase(plan, "build")
    emit(
        _keys(found) | {"loading": loading.to_dict()},
        as_json,
        lambda: f"{_launches_text(found.launches)}\n\n{_loading_text(loading)}",
    )
    _draw(plot, loading=loading)


def _keys(found: Any) -> dict[str, Any]:
    """The plan's launches and years."""
    return {} if found is None else {"launches": found.launches, "years": found.years}


def _check(aim: str, land_t: float | None, by: str, plot: Path | None) -> None:
    """Refuse options that do not go together."""
    if aim not in _AIMS:
        raise InputError(f"is {aim!r}", where="--aim", advice=f"use one of {', '.join(_AIMS)}")
    if (land_t is None) == bool(by):
        raise InputError("--land-t and --by come together", where="options", advice="give both or neither")
    if plot is not None and plot.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InputError(f"{plot.name}", where="--plot", advice="give a file name that ends in .png, .svg or .pdf")


def _numbers(texts: list[str], where: str) -> dict[str, float]:
    """Numbers by launcher from ``LAUNCHER=NUMBER``."""
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise InputError(f"{text!r}", where=where, advice="write it like cz-10=3") from None
    return found


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[float], None] | None]:
    """Give a bar on the error stream if that is a terminal, or nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("transfers", total=1.0)
        yield lambda share: shown.update(task, completed=share)


def _draw(plot: Path | None, *, loading: PlanLoading | None = None, mix: LandingMix | None = None) -> None:
    """Draw what was found."""
    if plot is None:
        return
    from moonpost.report.figures.manifest import landing_figure, loading_figure
    from moonpost.report.figures.style import FULL_IN, save_figure

    if mix is not None and mix.launches is not None:
        save_figure(landing_figure(mix, FULL_IN), plot)
    elif loading is not None and loading.flights:
        save_figure(loading_figure(loading, FULL_IN), plot)
    else:
        typer.echo(f"moonpost: no launch to draw, so {plot} was not written", err=True)


def _launches_text(launches: Any) -> str:
    """The plan's launches for people."""
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
        for row in launches
    ]  # fmt: skip
    return table(head, rows)


def _proof(bound: float | None, unit: str, optimal: bool, gap: float | None) -> str:
    """Whether a value is proved the best."""
    if optimal:
        return "proved optimal"
    told = "" if bound is None else f": no solution is better than {bound:,.2f} {unit}"
    return f"not proved optimal{told}" + ("" if gap is None else f", gap {100 * gap:.1f} %")


def _loading_text(found: PlanLoading) -> str:
    """A loading for people."""
    tonnes = 1e-3 * sum(row.mass_kg for row in found.cargo.rows)
    lines = [f"Cargo for the station: {tonnes:.1f} t with margins in {len(found.cargo.rows)} lots, "
             f"on {found.candidates} days of launch that could be used; aim {found.aim}"]  # fmt: skip
    if found.conflict:
        lines += ["cannot be done; these demands conflict:", *(f"  {text}" for text in found.conflict), ""]
    elif not found.flights:
        lines.append(
            "nothing can be brought: see what is left out" if found.cargo.left_out else "nothing is left to bring"
        )
    else:
        proof = _proof(found.bound, found.unit, found.optimal, found.gap)
        head = ["launch", "launcher", "arrival", "cargo (kg)", "fits (kg)", "slack (d)", "brings"]
        rows = [
            [row.launch[:10], row.launcher, row.arrival[:10], f"{row.cargo_kg:,.0f}", f"{row.capacity_kg:,.0f}",
             f"{row.slack_days:,.0f}", ", ".join(row.cargo)]
            for row in found.flights
        ]  # fmt: skip
        lines += [
            f"{_many(len(found.flights))}, {proof}",
            "fewest launches if each brought the low end of its range: "
            f"{_or_none(found.if_low)}; the high end: {_or_none(found.if_high)}; "
            f"if nothing flew before the plan's own date: {_or_none(found.if_held)}",
            "", table(head, rows), "",
        ]  # fmt: skip
    if found.own is not None:
        named = (("this loading", found.measures), ("the plan's own", found.own))
        head = ["", "launches", "cost", "mean arrival", "least slack (d)"]
        lines += [table(head, [[name, *_measures(row)] for name, row in named if row is not None]), ""]
    lines += [f"plan: {text}" for text in found.own_faults]
    lines += [f"left out: {row.id}: {row.reason}" for row in found.left_out]
    lines += [f"assumed: {text}" for text in found.assumptions]
    return "\n".join(lines).rstrip()


def _measures(row: Measures) -> list[Any]:
    """One line of the comparison."""
    cost = "not known" if row.cost is None else f"{row.cost:,.2f}"
    return [row.launches, cost, row.mean_arrival, f"{row.least_slack_days:,.0f}"]


def _mix_text(mix: LandingMix) -> str:
    """A mix for people."""
    what = "cargo" if mix.count == "cargo" else "landed mass, dry landers included,"
    lines = [
        f"{1e-3 * mix.asked_kg:g} t of {what} by {mix.by[:10]}, launches from {mix.start[:10]}; aim {mix.aim}"
    ]
    if mix.launches is None:
        lines.append(f"cannot be done: {mix.conflict}")
    else:
        proof = _proof(mix.bound, mix.unit, mix.optimal, None)
        paid = "" if mix.cost is None else f", cost {mix.cost:,.2f}"
        low = "?" if mix.landed_low_kg is None else f"{1e-3 * mix.landed_low_kg:.1f}"
        lines.append(
            f"{_many(mix.launches)} with {1e-3 * (mix.landed_kg or 0.0):.1f} t ({low} to "
            f"{1e-3 * (mix.landed_high_kg or 0.0):.1f}){paid}, the last on {(mix.done or '')[:10]}: {proof}"
        )
        lines.append(
            "fewest launches if each brought the low end of its range: "
            f"{_or_none(mix.if_low)}; the high end: {_or_none(mix.if_high)}"
        )
    head = ["launcher", "brings (t)", "low", "high", "possible", "in the mix", "cost", "alone", "its cost"]
    rows = [
        [row.launcher, 1e-3 * row.each_kg, None if row.each_low_kg is None else 1e-3 * row.each_low_kg,
         1e-3 * row.each_high_kg, row.most, row.launches, row.cost, row.alone, row.alone_cost]
        for row in mix.rows
    ]  # fmt: skip
    lines += ["", table(head, rows), ""] if rows else []
    lines += [f"left out: {row.id}: {row.reason}" for row in mix.left_out]
    lines += [f"assumed: {text}" for text in mix.assumptions]
    return "\n".join(lines).rstrip()


def _many(count: int) -> str:
    return "1 launch" if count == 1 else f"{count} launches"


def _or_none(count: int | None) -> str:
    return "none proved" if count is None else str(count)
