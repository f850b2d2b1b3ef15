"""``moonpost partner entitlements | balance | use``: what partners may use, get back and have used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.operations.placements import Schedule

__all__ = ["register"]

_PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")
_AT = typer.Option("", "--at", help="Day, UTC: what is there then; the whole plan if not given.")
_PLOT = typer.Option(None, "--plot", help="Write a picture: .png, .svg or .pdf.")
_SCHEDULE = typer.Option(..., "--schedule", help="A file that operate schedule --out wrote.")


def register(app: typer.Typer) -> None:
    """Add the verbs to the group."""
    app.command("entitlements")(_entitlements)
    app.command("balance")(_balance)
    app.command("use")(_use)


def _entitlements(
    plan: str = _PLAN,
    at: str = _AT,
    resource: str = typer.Option("energy", "--resource", help="energy, data or time: its barters count."),
    as_json: bool = JSON,
) -> None:
    """Tell what each partner is entitled to: contributions, the plan's rule, then barter.

    Example: moonpost partner entitlements ilrs --at 2036 --resource data
    """
    from moonpost.errors import UnknownNameError
    from moonpost.partners.rights import after_barter, rights
    from moonpost.plan import load_plan
    from moonpost.study.giveandtake import RESOURCES

    if resource not in RESOURCES:
        raise UnknownNameError(resource, RESOURCES, kind="resource", where="--resource")
    loaded = load_plan(plan)
    found = rights(loaded, at=at or None)
    after = after_barter(found.shares, loaded.barters, resource, at or None)
    head = ["partner", *(f"{basis} (%)" for basis in found.weights), "share (%)", "range (%)", "after barter (%)"]
    rows = [
        [
            row.partner,
            *(100 * row.parts[basis] for basis in found.weights),
            100 * row.share,
            f"{100 * row.share_low:.1f} to {100 * row.share_high:.1f}",
            100 * after[row.partner],
        ]
        for row in found.rows
        if row.share or after[row.partner]
    ]
    weights = ", ".join(f"{basis} {100 * weight:.0f} %" for basis, weight in found.weights.items())
    idle = f"; nothing yet on {', '.join(found.idle)}" if found.idle else ""
    emit(
        {**found.to_dict(), "resource": resource, "after_barter": after},
        as_json,
        lambda: f"{table(head, rows)}\nrule: {weights}{idle}",
    )


def _balance(
    plan: str = _PLAN,
    at: str = _AT,
    plot: Path | None = _PLOT,
    as_json: bool = JSON,
) -> None:
    """Tell what each partner puts in and gets back: entitlements, instruments, objectives, data, barter.

    Example: moonpost partner balance ilrs --at 2036
    """
    from moonpost.partners.bases import UNITS
    from moonpost.plan import load_plan
    from moonpost.study.giveandtake import RESOURCES, partner_balances

    found, rows = partner_balances(load_plan(plan), at or None)
    if plot is not None:
        from moonpost.report.figures.shares import balance_figure
        from moonpost.report.figures.style import save_figure

        shown = [row for row in rows if row.share or any(row.entitled.values())]
        save_figure(balance_figure(found, shown), plot)
    active = [row for row in rows if row.share or any(row.entitled.values()) or row.instruments]
    units: dict[str, str] = {str(basis): unit for basis, unit in UNITS.items()}
    head = ["partner", *(f"{name} ({units[name]})" for name in found.weights), "share (%)"]
    head += [f"{name} (%)" for name in RESOURCES] + ["instruments", "objectives", "data"]
    cells = [
        [
            row.partner,
            *(row.amounts[name] for name in found.weights),
            100 * row.share,
            *(100 * row.entitled[name] for name in RESOURCES),
            len(row.instruments),
            len(row.objectives),
            len(row.products),
        ]
        for row in active
    ]
    notes = [
        "in: "
        + ", ".join(found.weights)
        + ", and the share that follows; back: "
        + ", ".join(RESOURCES)
        + " after barter, instruments on the Moon, objectives that they serve, data products it may see"
    ]
    notes += [f"{row.partner} gives {text}" for row in rows for text in row.gives]
    notes += [
        f"{row.partner}: without a figure, so counted as nothing: {_few(row.unknown)}"
        for row in found.rows
        if row.unknown
    ]
    others = [row.partner for row in rows if row not in active]
    if others:
        notes.append(f"{len(others)} partners that bring nothing yet see data: {_few(others)}")
    emit(
        {"rights": found.to_dict(), "partners": [row.to_dict() for row in rows]},
        as_json,
        lambda: "\n".join([table(head, cells), *notes]),
    )


def _few(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _use(
    plan: str = _PLAN,
    schedule: Path = _SCHEDULE,
    resource: str = typer.Option("energy", "--resource", help="energy (Wh), data (bit) or time (h)."),
    as_json: bool = JSON,
) -> None:
    """Set the use of a schedule against the entitlements, lunar day by lunar day.

    Example: moonpost partner use ilrs --schedule january.json --resource time
    """
    from moonpost.plan import load_plan
    from moonpost.study.giveandtake import schedule_use

    rows = schedule_use(load_plan(plan), _loaded(schedule), resource)
    unit = {"energy": "Wh", "data": "bit", "time": "h"}[resource]
    cells: list[list[Any]] = [
        [row.lunar_day, row.partner, row.used, 100 * row.part, 100 * row.share, row.over, row.balance]
        for row in rows
    ]
    head = [
        "lunar day",
        "partner",
        f"used ({unit})",
        "part (%)",
        "entitled (%)",
        f"over ({unit})",
        f"balance ({unit})",
    ]
    emit([row.to_dict() for row in rows], as_json, lambda: table(head, cells))


def _loaded(path: Path) -> Schedule:
    """The newest version of a schedule's file."""
    from moonpost.operations.schedulefile import load_schedule

    return load_schedule(path)
