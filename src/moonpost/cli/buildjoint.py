"""``moonpost build joint``: what missions do for one another, and what they try out, against their dates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.buildwhatif import CANCEL, DATE, PLAN, SLIP, asked, picture
from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.campaign.demonstrations import DemonstrationStatus
    from moonpost.campaign.support import SupportStatus

__all__ = ["register"]

_WIDTH_IN = 9.0


def register(app: typer.Typer) -> None:
    """Add the verb to `moonpost build`."""
    app.command("joint")(_joint)


def _joint(
    plan: str = PLAN,
    slip: list[str] = SLIP,
    cancel: list[str] = CANCEL,
    date: list[str] = DATE,
    proving_days: float = typer.Option(180.0, help="From the first day of work to the result of a trial [d]."),
    lead_days: float = typer.Option(365.0, help="From the result to the launch of what relies on it [d]."),
    plot: Path = typer.Option(None, help="Draw needs and support over time: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell which mission supports which, whether it is there in time, what falls if not, and what is tried out.

    Example: moonpost build joint ilrs --date luna-26=2024
    """
    from moonpost.campaign import build_with_support, changed_plan, demonstration_status, unproven
    from moonpost.plan import load_plan

    picture(plot)
    told = load_plan(plan)
    changes = asked(slip, cancel, date)
    if any(changes.values()):
        told = changed_plan(told, **changes)
    standing = build_with_support(told)
    trials = demonstration_status(told, standing.order, proving_days=proving_days, lead_days=lead_days)
    new = unproven(told)
    if plot is not None:
        from moonpost.report.figures.style import save_figure
        from moonpost.report.figures.whatif import joint_figure

        save_figure(joint_figure(standing.supports, _WIDTH_IN), plot)
    result = {
        "supports": [row.to_dict() for row in standing.supports],
        "failing": standing.fallen,
        "demonstrations": [row.to_dict() for row in trials],
        "unproven": new,
        "assumptions": {"proving_days": proving_days, "lead_days": lead_days},
    }
    emit(result, as_json, lambda: "\n".join(_text(standing.supports, standing.fallen, trials, new)))


def _text(
    supports: Iterable[SupportStatus],
    fallen: dict[str, str],
    trials: Iterable[DemonstrationStatus],
    new: tuple[str, ...],
) -> Iterable[str]:
    """What is found, for people."""
    rows = [
        [row.kind, row.provider, row.user, _day(row.needed_from), _day(row.needed_until), _day(row.given_from),
         _days(row), "essential" if row.essential else "", row.status]
        for row in supports
    ]  # fmt: skip
    head = ["support", "from", "for", "needed from", "until", "given from", "late (d)", "", "status"]
    yield table(head, rows) if rows else "the plan names no support between missions"
    yield from (
        f"{row.status}: {row.name}: {row.remedy}"
        + (f"; {', '.join(row.covered_by)} stands in" if row.covered_by else "")
        for row in supports
        if row.remedy
    )
    yield from (f"fails: missions[{name}]: it {why}" for name, why in fallen.items())
    yield from (f"falls with it: {', '.join(row.breaks)}" for row in supports if row.fails)
    yield ""
    rows = [
        [row.demonstration, row.mission, f"{row.trl_now} to {row.trl_goal}", _day(row.shown),
         _day(row.shown_latest), ", ".join(one.element for one in row.needed_by) or "-", row.status]
        for row in trials
    ]  # fmt: skip
    head = ["demonstration", "on", "TRL", "shown from", "at the latest", "relied on by", "status"]
    yield table(head, rows) if rows else "the plan names no demonstrations"
    yield from (
        f"{row.demonstration}: {row.objective}; counts as shown if: {row.exit_criterion}" for row in trials
    )
    yield from (
        f"{one.status}: {row.demonstration} for {one.element}, "
        + ("never shown" if one.spare_days is None else f"up to {-one.spare_days:.0f} days late")
        for row in trials
        for one in row.needed_by
        if one.status in ("at risk", "late", "never")
    )
    if new:
        yield f"new on the station's bus and shown by no mission before: {', '.join(new)}"


def _day(date: str | None) -> str:
    return "-" if date is None else date[:10]


def _days(row: SupportStatus) -> str:
    """How late a support is, in the best and the worst case."""
    if row.late_days is None or row.late_least_days is None:
        return "-"
    least, most = max(row.late_least_days, 0.0), max(row.late_days, 0.0)
    return "-" if most <= 0 else f"{least:.0f} to {most:.0f}" if most - least >= 1 else f"{most:.0f}"
