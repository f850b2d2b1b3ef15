"""``moonpost design heritage``: flown missions, and what they bear out of the maturity that elements claim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.design.maturity import MaturityReport
    from moonpost.plan.heritage import Attempts, Heritage, HeritageMission

__all__ = ["register"]

_WIDTH_IN = 11.0
_PLOTS = (".png", ".svg", ".pdf")


def register(app: typer.Typer) -> None:
    """Add the verb to the design verbs."""
    app.command("heritage")(heritage)


def heritage(
    plan: str = typer.Argument("", help="A bundled plan or the path of a TOML file; none: the catalogue itself."),
    catalogue: Path = typer.Option(
        None, help="TOML file of missions instead of the one that comes with Moonpost."
    ),
    technology: str = typer.Option("", help="Count attempts at this, such as soft-landing or orbit."),
    operator: list[str] = typer.Option([], help="Only missions of this operator; may be given again."),
    since: int = typer.Option(None, help="First year of launch that counts."),
    until: int = typer.Option(None, help="Last year of launch that counts."),
    lapse_years: float = typer.Option(25.0, help="Age beyond which heritage counts as another's [years]."),
    plot: Path = typer.Option(None, help="Picture of the missions by year and kind: .png, .svg, .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell which elements of a plan claim more maturity than their heritage bears out, and what margins become.

    Without a plan it lists the missions of the catalogue: 24 Soviet Luna probes and those that came later.

    Example: moonpost design heritage ilrs

    Example: moonpost design heritage --technology soft-landing --operator cnsa
    """
    from moonpost.plan.heritage import load_heritage

    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise InputError(f"ending {plot.suffix!r}", where=str(plot), advice=f"name it {', '.join(_PLOTS)}")
    known = load_heritage(catalogue)
    found = _missions(known, operator, since, until)
    if technology:
        record = known.attempts(technology, operators=operator, since=since, until=until)
        emit(record.to_dict(), as_json, lambda: _record_text(record))
    elif plan:
        from moonpost.design.maturity import maturity_report
        from moonpost.plan import load_plan

        report = maturity_report(load_plan(plan), known, lapse_years=lapse_years)
        emit(report.to_dict(), as_json, lambda: _report_text(report))
    else:
        emit({"missions": [row.model_dump(mode="json") for row in found]}, as_json, lambda: _list_text(found))
    if plot is not None:
        _draw(known, found, plot)
        if not as_json:
            typer.echo(f"wrote {plot}")


def _missions(
    known: Heritage, operators: list[str], since: int | None, until: int | None
) -> tuple[HeritageMission, ...]:
    """Missions of some operators and years; `attempts` refuses unknown operators in the same words."""
    known.attempts("orbit", operators=operators)
    return tuple(
        row
        for row in known.missions
        if (not operators or row.operator in operators)
        and (since is None or row.year >= since)
        and (until is None or row.year <= until)
    )


def _draw(known: Heritage, found: tuple[HeritageMission, ...], plot: Path) -> None:
    from moonpost.report.figures.heritage import heritage_figure
    from moonpost.report.figures.style import save_figure

    save_figure(heritage_figure(known, found, _WIDTH_IN), plot)


def _list_text(found: tuple[HeritageMission, ...]) -> str:
    rows = [
        [
            row.name,
            row.operator,
            row.kind,
            row.launch[:10],
            (row.reached or "")[:10],
            row.outcome,
            ", ".join(row.shows),
            ", ".join(row.tried),
            f"NOT VERIFIED: {', '.join(row.not_verified)}" if row.not_verified else "",
        ]
        for row in found
    ]
    head = ["mission", "operator", "kind", "launch", "at the Moon", "outcome", "showed", "tried in vain", "marks"]
    doubtful = sum(bool(row.not_verified) for row in found)
    return f"{table(head, rows)}\n\n{len(found)} missions, {doubtful} with fields that are not verified"


def _record_text(record: Attempts) -> str:
    doubt = f"; not verified: {', '.join(record.not_verified)}" if record.not_verified else ""
    return (
        f"{record.technology}: {record.successes} of {record.trials} worked, the next with {record.chance:.2f} "
        f"(Jeffreys)\n{', '.join(record.missions) or 'no attempt'}{doubt}"
    )


def _report_text(report: MaturityReport) -> str:
    rows = [
        [
            row.element,
            row.claimed,
            row.supported,
            f"{100 * row.margin_claimed:g} %",
            f"{100 * row.margin_counted:g} %",
            ", ".join(row.heritage),
        ]
        for row in report.rows
    ]
    lines = [table(["element", "claims", "borne out", "margin claimed", "margin then", "heritage"], rows), ""]
    changed = [row for row in report.missions if row.counted_kg > row.claimed_kg]
    if changed:
        lines += [
            table(["mission", "with margins (kg)", "then (kg)", "to spare (kg)", "then (kg)"], _effects(changed)),
            "",
        ]
    lines += [f"{row.severity}: {row.element} {row.text}" for row in report.findings]
    lines.append(_closing(report))
    return "\n".join(lines)


def _effects(rows: list[Any]) -> list[list[Any]]:
    return [
        [row.mission, row.claimed_kg, row.counted_kg, row.spare_claimed_kg, row.spare_counted_kg] for row in rows
    ]


def _closing(report: MaturityReport) -> str:
    """The report in a line."""
    warnings = sum(row.severity == "warning" for row in report.findings)
    notes = len(report.findings) - warnings
    broken = [row.mission for row in report.missions if row.breaks]
    fit = f"{', '.join(broken)} no longer fit" if broken else "every mission that fitted still fits"
    return f"{warnings} claims of flown and {notes} of modified are not borne out; with margins by heritage {fit}"
