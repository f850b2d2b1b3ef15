"""``moonpost operate schedule`` and ``check-schedule``: activities in windows, edits by hand, and the check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.operations.checker import CheckReport
    from moonpost.operations.edits import Edited
    from moonpost.operations.placements import Entitlement, Schedule, Setting

__all__ = ["register"]

_WIDTH_IN = 12.2
_DAYS = 29.5
_REJECTED = 1


def register(app: typer.Typer) -> None:
    """Add the verbs to the operate verbs."""
    app.command("schedule")(schedule_command)
    app.command("check-schedule")(check_command)


def schedule_command(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    start: str = typer.Option("", "--from", help="First instant, UTC; the plan's design start if not given."),
    days: float = typer.Option(None, help=f"Length [d]; that of the file, or {_DAYS:g}."),
    site: str = typer.Option("", help="A site of the plan; the station's if not given."),
    slot: float = typer.Option(15.0, help="Starts lie on a grid of so many minutes [min]."),
    seconds: float = typer.Option(10.0, help="How long to search after the first schedule [s]; 0: not."),
    workers: int = typer.Option(1, help="Threads."),
    seed: int = typer.Option(1, help="Start of the random numbers."),
    reserve: float = typer.Option(0.05, help="Part of every store that activities never use [0 to 1]."),
    share: list[str] = typer.Option(
        [], "--share", help="What a partner may use in each lunar day: cnsa=0.6; repeat for each partner."
    ),
    share_of: str = typer.Option("time", help="What is shared: time, energy, or time:ELEMENT."),
    shares_by: str = typer.Option(
        "", help="Shares from contributions instead: mass, launches, or rule (of the plan)."
    ),
    contacts: str = typer.Option("", help="JSON file with windows of contact, such as flight contacts --json."),
    out: str = typer.Option("", "--out", help="Schedule file (.json); every former version stays in it."),
    resume: bool = typer.Option(False, "--resume", help="Go on from the file: locks and removals hold."),
    restore: int = typer.Option(None, help="Take up this version of the file again."),
    edit: list[str] = typer.Option(
        [], "--edit", help="Edit the file: 'shift ID +2h', 'move ID DATE', 'remove ID', 'add ID DATE'; repeatable."
    ),
    lock: list[str] = typer.Option([], "--lock", help="Keep an activity or group where it is; repeatable."),
    unlock: list[str] = typer.Option([], "--unlock", help="Let it move again; repeatable."),
    shift: list[str] = typer.Option([], "--shift", help="ID=+2h, the same as --edit 'shift ID +2h'; repeatable."),
    group: list[str] = typer.Option([], "--group", help="NAME=ID,ID: they are shifted together; repeatable."),
    force: bool = typer.Option(False, "--force", help="Take edits even if the check objects to them."),
    plot: str = typer.Option("", help="Draw activities, light, contact and stores: .png, .svg or .pdf."),
    as_json: bool = JSON,
) -> None:
    """Place a plan's activities into windows of light, contact, temperature and power.

    A first schedule is there at once, then a better one is searched for. Every schedule is checked by simulating
    the station with it. With an edit, the schedule in --out is changed and checked again; the exit status is 1 if
    the edit is refused, and the file then stays as it was.

    Example: moonpost operate schedule ilrs --from 2038-05-01 --days 30 --out plan.json --plot gantt.png
    """
    from moonpost.operations.schedulefile import load_schedule, save_schedule

    edits = _edits(edit, lock, unlock, shift, group)
    former = _former(out, resume, restore, edits)
    setting = _setting(plan, former, start, days, site, slot * 60.0, contacts)
    _fits(out, setting)
    if edits and former is not None:
        _edit(setting, former, edits, out, force, plot, as_json)
        return
    if restore is not None and former is not None and not resume:
        done, text = former, f"restored version {restore}"
    else:
        done = _search(
            setting, former, seconds, workers, seed, reserve, _table(setting, share, share_of, shares_by)
        )
        text = f"searched {seconds:g} s"
    report = _checked(done, setting)
    files: dict[str, Any] = {}
    if out:
        files["version"] = save_schedule(out, done, text)
        files["out"] = out
        _ = load_schedule(out)
    if plot:
        files["plot"] = _draw(done, setting, report, plot)
    emit(_result(done, report, files), as_json, lambda: _text(done, report, files))


def check_command(
    path: Path = typer.Argument(metavar="FILE", help="A schedule file."),
    plan: str = typer.Argument(help="The plan: a bundled one or the path of a TOML file."),
    number: int = typer.Option(None, "--version", help="A version of the file; the last if not given."),
    contacts: str = typer.Option("", help="JSON file with windows of contact, if the file was made with one."),
    as_json: bool = JSON,
) -> None:
    """Check a schedule file against a plan: windows, order, stores and data, by simulating it.

    The exit status is 1 if the schedule breaks a rule.

    Example: moonpost operate check-schedule plan.json ilrs
    """
    from moonpost.operations.schedulefile import load_schedule

    found = load_schedule(path, number)
    setting = _setting(plan, found, "", None, "", found.slot_s, contacts)
    report = _checked(found, setting)
    emit(
        {"file": str(path), "plan_changed": found.plan_sha256 != setting.plan.sha256, **report.to_dict()},
        as_json,
        lambda: "\n".join(_check_lines(report) + _changed(found, setting)),
    )
    if not report.ok:
        raise typer.Exit(_REJECTED)


def _edits(edit: list[str], lock: list[str], unlock: list[str], shift: list[str], group: list[str]) -> list[str]:
    """All edits in one form."""
    found = list(edit)
    for text in group:
        name, mark, members = text.partition("=")
        if not mark or not members:
            raise InputError(f"{text!r} is no group", where="--group", advice="write NAME=ID,ID")
        found.append(f"group {name} {members.replace(',', ' ')}")
    for text in shift:
        name, mark, length = text.partition("=")
        if not mark:
            raise InputError(f"{text!r} is no shift", where="--shift", advice="write ID=+2h")
        found.append(f"shift {name} {length}")
    found += [f"unlock {name}" for name in unlock]
    return found + [f"lock {name}" for name in lock]


def _former(out: str, resume: bool, restore: int | None, edits: list[str]) -> Schedule | None:
    """The schedule in the file, where it is wanted."""
    from moonpost.operations.schedulefile import load_schedule

    if not (resume or restore is not None or edits):
        return None
    if not out or not Path(out).exists():
        raise InputError(
            "there is no schedule yet" + (f" at {out}" if out else ""),
            where="operate schedule",
            advice="make one first with --out FILE, then edit, resume or restore it with the same --out",
        )
    return load_schedule(out, restore)


def _fits(out: str, setting: Setting) -> None:
    """Refuse a file of another plan, site or period before the work is done."""
    from moonpost.operations.schedulefile import load_schedule

    if out and Path(out).exists():
        there = load_schedule(out)
        asked = (setting.plan.id, setting.site, setting.start, setting.stop)
        if (there.plan_id, there.site, there.start, there.stop) != asked:
            raise InputError(
                "holds the schedule of another plan, site or period", where=out, advice="name another file"
            )


def _setting(
    plan: str, former: Schedule | None, start: str, days: float | None, site: str, slot_s: float, contacts: str
) -> Setting:
    """The period of the file, or the one asked for."""
    from moonpost.operations.placements import utc
    from moonpost.study.scheduling import read_windows, schedule_setting

    windows = read_windows(contacts) if contacts else None
    if former is None:
        return schedule_setting(
            plan,
            start or None,
            _DAYS if days is None else days,
            site=site or None,
            slot_s=slot_s,
            contacts=windows,
        )
    length = float((former.stop - former.start).astype("timedelta64[ms]").astype(int)) / 86_400e3
    setting = schedule_setting(
        plan, utc(former.start), length, site=former.site, slot_s=former.slot_s, contacts=windows
    )
    for text, name in ((start, "--from"), (site, "--site")):
        if text and text != former.site and not utc(former.start).startswith(text.rstrip("Z")):
            raise InputError("is not that of the file", where=name, advice="leave it out, or name another file")
    return setting


def _table(setting: Setting, share: list[str], share_of: str, shares_by: str) -> tuple[Entitlement, ...]:
    """Entitlements of partners."""
    from moonpost.operations.entitlements import entitled_to

    resource, _, element = share_of.partition(":")
    table: dict[str, float] = {}
    for text in share:
        name, _, number = text.partition("=")
        try:
            table[name] = float(number)
        except ValueError as error:
            raise InputError(f"{text!r} is no share", where="--share", advice="write cnsa=0.6") from error
    if shares_by:
        if share:
            raise InputError("give shares or where they come from", where="--shares-by", advice="leave one out")
        table = _contributed(setting, shares_by, resource)
    return entitled_to(table, resource, element) if table else ()


def _contributed(setting: Setting, basis: str, resource: str) -> dict[str, float]:
    """Shares by what partners put in."""
    from moonpost.partners.shares import element_contributions, launch_contributions, shares

    plan = setting.plan
    if basis == "mass":
        rows = element_contributions(plan.elements, plan.missions)
    elif basis == "launches":
        rows = launch_contributions(plan.missions)
    elif basis == "rule":
        from moonpost.operations.placements import utc
        from moonpost.partners.rights import after_barter, rights

        day = utc(setting.start)
        return after_barter(rights(plan, at=day).shares, plan.barters, resource, day)
    else:
        raise InputError(f"is {basis!r}", where="--shares-by", advice="give mass, launches or rule")
    return {row.owner: row.share for row in shares(rows, basis=basis, unit="1").rows}


def _search(
    setting: Setting,
    former: Schedule | None,
    seconds: float,
    workers: int,
    seed: int,
    reserve: float,
    entitlements: tuple[Entitlement, ...],
) -> Schedule:
    """Make a schedule; on a terminal the first is told at once."""
    from moonpost.operations.schedule import schedule

    def tell(stage: str, found: Schedule) -> None:
        if stage == "first":
            count = len(found.placements)
            typer.echo(
                f"first schedule after {found.seconds:.1f} s: {count} of {count + len(found.refusals)} placed, "
                f"worth {found.value:g}" + (f"; searching for {seconds:g} s ..." if seconds else ""),
                err=True,
            )

    return schedule(
        setting,
        seconds=seconds,
        workers=workers,
        seed=seed,
        entitlements=entitlements or (former.entitlements if former else ()),
        former=former,
        reserve=reserve,
        progress=tell if sys.stderr.isatty() else None,
    )


def _checked(found: Schedule, setting: Setting) -> CheckReport:
    from moonpost.operations.checker import check_schedule

    return check_schedule(found, setting)


def _edit(
    setting: Setting, former: Schedule, edits: list[str], out: str, force: bool, plot: str, as_json: bool
) -> None:
    """Edit the file; exits with 1 if the check objects."""
    from moonpost.operations.edits import edited
    from moonpost.operations.schedulefile import save_schedule

    done = edited(former, setting, edits, force=force)
    files: dict[str, Any] = {"out": out}
    if done.accepted:
        files["version"] = save_schedule(out, done.schedule, "; ".join(edits))
        if plot:
            files["plot"] = _draw(done.schedule, setting, done.report, plot)
    result = {
        "accepted": done.accepted,
        "reasons": [{"kind": row.kind, "id": row.id, "text": row.text} for row in done.reasons],
        **_result(done.schedule, done.report, files),
    }
    emit(result, as_json, lambda: _edit_text(done, files))
    if not done.accepted:
        raise typer.Exit(_REJECTED)


def _draw(found: Schedule, setting: Setting, report: CheckReport, plot: str) -> str:
    """Write the picture."""
    from moonpost.report.figures.gantt import schedule_figure
    from moonpost.report.figures.style import save_figure

    figure = schedule_figure(found, setting, report, _WIDTH_IN)
    save_figure(figure, plot)
    return plot


def _result(found: Schedule, report: CheckReport, files: dict[str, Any]) -> dict[str, Any]:
    """What the command prints as JSON."""
    return {**found.to_dict(), "check": report.to_dict(), "files": files}


def _text(found: Schedule, report: CheckReport, files: dict[str, Any]) -> str:
    """The result for people."""
    count = len(found.placements)
    bound = ", the most possible"
    if found.bound > found.value + 1e-9:
        bound = f", of at most {found.bound:g} in the solver's model"
    lines = [
        f"{count} of {count + len(found.refusals)} activities placed at {found.site or 'the orbital station'}, "
        f"{str(found.start)[:16]}Z to {str(found.stop)[:16]}Z; worth {found.value:g}{bound}",
        "",
        table(
            ["activity", "element", "partner", "start (UTC)", "hours", ""],
            [
                [row.id, row.element, row.partner, f"{str(row.start)[:16]}Z", row.duration_s / 3600.0,
                 "locked" if row.locked else ""]
                for row in found.placements
            ],
        ),
    ]  # fmt: skip
    if found.refusals:
        lines += ["", "Not placed:"]
        lines += [f"  {row.id}: {row.reason}" for row in found.refusals]
    lines += ["", *(f"note: {note}" for note in found.notes), *_check_lines(report)]
    lines += [f"{name}: {value}" for name, value in files.items()]
    return "\n".join(lines)


def _edit_text(done: Edited, files: dict[str, Any]) -> str:
    """What became of edits, for people."""
    if not done.accepted:
        return "\n".join(["refused; the schedule stays as it was:", *(f"  {row}" for row in done.reasons)])
    lines = ["accepted" + (" although the check objects:" if done.reasons else "")]
    lines += [f"  {row}" for row in done.reasons]
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in files.items())])


def _check_lines(report: CheckReport) -> list[str]:
    """What the check found."""
    if report.ok:
        told = report.to_dict().get("simulation", {})
        residuals = [value for name, value in told.items() if name.endswith("_residual_relative")]
        worst = f"; balances close to {max(residuals):.0e}" if residuals else ""
        return [f"check: no rule is broken{worst}"]
    return [f"check: {len(report.violations)} rules are broken", *(f"  {row}" for row in report.violations)]


def _changed(found: Schedule, setting: Setting) -> list[str]:
    """A word on a plan that is another one now."""
    return [] if found.plan_sha256 == setting.plan.sha256 else ["the plan has changed since the schedule was made"]
