"""``moonpost build whatif``: what a slip or a cancelled mission does, and the cheapest repair."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.campaign.repairsteps import Repair
    from moonpost.campaign.whatif import WhatIf
    from moonpost.plan.model import Plan

__all__ = ["CANCEL", "DATE", "PLAN", "SLIP", "asked", "picture", "register"]

PLAN = typer.Argument(help="A bundled plan or the path of a TOML file.")
SLIP = typer.Option([], help="MISSION=LENGTH, such as ilrs-1=2y, 6m, 90d or 1y6m; may be repeated.")
CANCEL = typer.Option([], help="A mission that is cancelled; may be repeated.")
DATE = typer.Option(
    [], help="MISSION=DATE, a mission launched on another date, earlier or later; may be repeated."
)
_WIDTH_IN = 9.0
_PICTURES = (".png", ".svg", ".pdf")


def register(app: typer.Typer) -> None:
    """Add the verb to `moonpost build`."""
    app.command("whatif")(_whatif)


def asked(slip: Iterable[str], cancel: Iterable[str], date: Iterable[str]) -> dict[str, Any]:
    """Changes of missions as the arguments of `moonpost.campaign.what_if`."""
    return {
        "slip": _pairs(slip, "--slip", "ilrs-1=2y"),
        "cancel": tuple(cancel),
        "date": _pairs(date, "--date", "ce8=2030"),
    }


def picture(path: Path | None) -> None:
    """Refuse a picture of an unknown kind before anything is computed."""
    if path is not None and path.suffix.lower() not in _PICTURES:
        raise InputError(f"ends in {path.suffix!r}", where="--plot", advice=f"end it in {', '.join(_PICTURES)}")


def _whatif(
    plan: str = PLAN,
    slip: list[str] = SLIP,
    cancel: list[str] = CANCEL,
    date: list[str] = DATE,
    cost: list[str] = typer.Option(
        [], help="LAUNCHER=COST of one launch, any unit; launches are counted without. May be repeated."
    ),
    relaunch_days: float = typer.Option(
        731.0, help="A further launch flies so long after the first date of what it replaces [d]."
    ),
    at: str = typer.Option(
        None, help="Day on which entitlements are compared; the first of the plan's design period if not given."
    ),
    save: Path = typer.Option(None, help="Write the changed plan as a new version to this TOML file."),
    save_repaired: Path = typer.Option(None, help="The same with the best repair."),
    version: str = typer.Option(None, help="Version of what is saved; one more than the plan's if not given."),
    replace: bool = typer.Option(False, "--replace", help="Replace a file that is there."),
    plot: Path = typer.Option(None, help="Draw what moves and breaks: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell what moves and breaks when missions slip or are cancelled, who loses, and the cheapest repair.

    The plan itself is never changed: its hash before and after is told.

    Example: moonpost build whatif ilrs --slip ilrs-1=2y --cancel ce8
    """
    from moonpost.campaign import what_if
    from moonpost.files import digest
    from moonpost.plan import load_plan

    picture(plot)
    told = load_plan(plan)
    file = told.located_path
    before = digest(file) if file is not None else None
    changes = asked(slip, cancel, date)
    found = what_if(told, **changes, costs=_costs(cost), relaunch_days=relaunch_days, at=at)
    saved = [
        _saved(found.new_version(repaired=repaired, version=version), path, replace)
        for path, repaired in ((save, False), (save_repaired, True))
        if path is not None
    ]
    if plot is not None:
        from moonpost.report.figures.style import save_figure
        from moonpost.report.figures.whatif import whatif_figure

        save_figure(whatif_figure(found, _WIDTH_IN), plot)
    after = digest(file) if file is not None else None
    origin = {"path": told.path, "file_sha256_before": before, "file_sha256_after": after}
    result = {**found.to_dict(), "origin": {**origin, "untouched": before == after}, "saved": saved}
    emit(result, as_json, lambda: "\n".join(_text(found, saved, before == after)))


def _saved(plan: Plan, path: Path, replace: bool) -> dict[str, Any]:
    """Write a plan and say what was written."""
    from moonpost.plan import save_plan

    save_plan(plan, path, replace=replace)
    return {"path": path, "version": plan.version, "sha256": plan.sha256}


def _pairs(texts: Iterable[str], where: str, example: str) -> dict[str, str]:
    """Values by mission from ``MISSION=VALUE``."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise InputError(f"{text!r} cannot be read", where=where, advice=f"write it like {example}")
        if name.strip() in found:
            raise InputError(f"{name.strip()!r} is named twice", where=where, advice="name it once")
        found[name.strip()] = value.strip()
    return found


def _costs(texts: Iterable[str]) -> dict[str, float] | None:
    """Cost by launcher."""
    pairs = _pairs(texts, "--cost", "cz-10=100")
    try:
        return {name: float(value) for name, value in pairs.items()} or None
    except ValueError as error:
        raise InputError(str(error), where="--cost", advice="write it like cz-10=100") from None


def _text(found: WhatIf, saved: list[dict[str, Any]], untouched: bool) -> Iterable[str]:
    """What is found, for people."""
    yield f"{found.what} (plan {found.plan['id']}, version {found.plan['version']})"
    rows = [[row.table, row.id, row.before[:10], row.after[:10], round(row.days)] for row in found.moved]
    yield table(["moves", "", "before", "after", "days"], rows) if rows else "moves: nothing"
    yield from (f"breaks: {row.table}[{row.id}]: {row.reason}" for row in found.broken)
    if not found.broken:
        yield "breaks: nothing"
    yield from (f"loses its last instrument: objectives[{name}]" for name in found.orphaned_objectives)
    yield from (f"support {row.status}: {row.name}" for row in found.supports)
    yield from (_shown(row) for row in found.demonstrations)
    for name, changes in (
        ("share of the mass", found.share_changes),
        ("entitlement in the end", found.entitlement_changes),
        (f"entitlement on {found.at[:10]}", found.entitlement_changes_at),
    ):
        yield from (
            f"{name}: {row.partner} {row.before:.2%} -> {row.after:.2%} ({100.0 * row.change:+.2f} points)"
            for row in changes
        )
    yield from _repairs(found)
    yield from (f"wrote {row['path']}, version {row['version']}, {row['sha256'][:12]}" for row in saved)
    yield f"the plan it came from is {'untouched' if untouched else 'CHANGED meanwhile by another program'}"


def _shown(row: Any) -> str:
    """A demonstration that comes too late."""
    relying = ", ".join(one.element for one in row.needed_by if one.status in ("late", "never", "at risk"))
    level = f"TRL {row.trl_now} to {row.trl_goal}"
    return f"demonstration {row.status}: {row.name} ({level}), relied on by {relying or 'nothing that flies'}"


def _repairs(found: WhatIf) -> Iterable[str]:
    """The repairs side by side, and the steps of the best."""
    if not found.repairs:
        if found.broken:
            yield "repair: none was found"
        return
    unit = found.repairs[0].cost_unit
    head = [
        "repair",
        "launches",
        f"cost ({unit})",
        "delay (d)",
        "repairs all",
        "proved",
        "left broken",
        "shown late",
    ]
    rows = [
        [
            row.name,
            row.launches,
            row.cost,
            None if row.delay_days is None else round(row.delay_days),
            row.repaired,
            {None: "-", True: "optimal", False: f"gap {row.gap or 0.0:.1%}"}[row.proved],
            len(row.left) + len(row.orphaned_objectives),
            ", ".join(row.late_demonstrations) or "-",
        ]
        for row in found.repairs
    ]
    yield table(head, rows)
    yield from (f"repair: {text}" for text in _grouped(found.repair))
    if found.repairs[0].consents:
        yield f"the repair needs the consent of: {', '.join(found.repairs[0].consents)}"
    if found.left_out:
        yield "not looked at: " + ", ".join(f"{row.id} ({row.reason})" for row in found.left_out)


def _grouped(steps: tuple[Repair, ...]) -> Iterable[str]:
    """Steps in words, those of one carrier in one line."""
    carried: dict[str, list[str]] = {}
    for step in steps:
        if step.kind == "carry":
            carried.setdefault(step.to, []).append(step.text)
    for step in steps:
        if step.kind != "carry":
            yield step.text
        elif step.to in carried:
            first, *others = carried.pop(step.to)
            yield ", ".join([first, *(text.partition(" bring ")[2] for text in others)])
