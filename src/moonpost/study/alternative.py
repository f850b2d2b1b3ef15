"""Surface or orbit: plans studied alike and set side by side, for the launches that they share."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from moonpost.campaign import build_order, capability
from moonpost.design.maturity import maturity_report
from moonpost.errors import InputError
from moonpost.plan import GroundStation, Plan
from moonpost.study.alternativelaunches import missing_elements, objectives, outside, shared_launches, unshared
from moonpost.study.alternativemodel import (
    CurvePoint,
    PlanComparison,
    PlanSide,
    SharedLaunch,
    TradeRow,
)
from moonpost.study.alternativerisk import risk_rows
from moonpost.study.alternativerows import all_rows
from moonpost.study.alternativeside import Side
from moonpost.study.alternativesky import antenna_contact, carried_range_w, relayed_contact, sky_range
from moonpost.study.progress import Progress, bars
from moonpost.study.run import Finish, Study, planned_context, study

__all__ = ["Compared", "compare_plans", "compare_studies"]


@dataclass(frozen=True)
class Compared:
    """Plans side by side with their studies.

    Parameters
    ----------
    record : PlanComparison
        What ``alternative.json`` holds.
    studies : tuple of Study
        The studies behind it, in the same order.
    """

    record: PlanComparison
    studies: tuple[Study, ...]


def compare_plans(
    plans: Sequence[Plan | str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    members: int = 20,
    nodes: int = 6,
    runs: int = 2000,
    seed: int = 0,
    progress: bool = False,
    finish: Finish | None = None,
) -> Compared:
    """Study several plans and set them side by side: science, darkness, energy, contact, flight, mass, risk.

    Parameters
    ----------
    plans : sequence of Plan, str or path-like
        Two or more plans, or what `moonpost.plan.load_plan` takes.
    out : path-like, optional
        Folder of the first plan's study; the others go into ``alternative-ID`` in it, and the comparison into
        ``alternative.json`` and ``alternative.csv``. A stopped run goes on from its last complete phase.
    members : int
        Horizons with errors of the terrain, for the ranges of a station on the ground.
    nodes : int
        Nodes of the orbit, for the ranges of a station in orbit.
    runs : int
        Runs of the risk; 0 for none.
    seed : int
        Of the risk.
    progress : bool
        Show bars on the terminal.
    finish : callable, optional
        As in `moonpost.study.study`, for each study.

    Returns
    -------
    Compared

    Raises
    ------
    InputError
        If there are fewer than two plans, two are the same, or a number is out of range.
    PlanError
        If a plan has errors.
    OutputError
        If `out` cannot be written.

    Examples
    --------
    >>> from moonpost.study.alternative import compare_plans
    >>> compare_plans(["ilrs", "ilrs-orbit"]).record.row("delta-v").ahead  # doctest: +SKIP
    1
    """
    loaded = [planned_context(plan).plan for plan in plans]
    _check(loaded, members, nodes, runs)
    folders = _folders(loaded)
    studies = tuple(
        study(plan, None if out is None else Path(out) / folder, progress=progress, finish=finish)
        for plan, folder in zip(loaded, folders, strict=True)
    )
    with bars(progress) as display:
        record = compare_studies(
            studies, members=members, nodes=nodes, runs=runs, seed=seed, folders=folders, progress=display
        )
    if out is not None:
        _write(record, Path(out))
    return Compared(record, studies)


def compare_studies(
    studies: Sequence[Study],
    *,
    members: int = 20,
    nodes: int = 6,
    runs: int = 2000,
    seed: int = 0,
    folders: Sequence[str] = (),
    progress: Progress | None = None,
) -> PlanComparison:
    """Set finished studies side by side.

    Parameters
    ----------
    studies : sequence of Study
        Two or more.
    members, nodes, runs, seed
        As in `compare_plans`.
    folders : sequence of str
        Where each study lies, for the record.
    progress : Progress, optional
        Told how far it is.

    Returns
    -------
    PlanComparison

    Raises
    ------
    InputError
        As in `compare_plans`.

    Notes
    -----
    A plan leads in a row if the whole of its range is better than the whole of every other's; where ranges overlap
    none does. Masses and velocity changes are compared on the launches that all plans have with the same launcher
    and the same mass and that bring machines of the station in each.

    Examples
    --------
    >>> from moonpost.study.alternative import compare_plans, compare_studies
    >>> compare_studies(compare_plans(["ilrs", "ilrs-orbit"]).studies).summary  # doctest: +SKIP
    """
    plans = [done.plan for done in studies]
    _check(plans, members, nodes, runs)
    if progress is not None:
        progress.start(
            "compare", sum(nodes if row.station.kind == "orbit" else members for row in plans) + len(plans)
        )
    launches = shared_launches(plans)
    served = objectives(plans, launches)
    antennas = _antennas(plans)
    sides = [_side(done, antennas, members, nodes, progress) for done in studies]
    risks, curves = risk_rows(plans, [side.order for side in sides], launches, runs=runs, seed=seed)
    rows = (*all_rows(sides, launches, served), *risks)
    return PlanComparison(
        created_utc=dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z",
        versions={"moonpost": version("moonpost"), "python": platform.python_version()},
        plans=tuple(
            _plan_side(side, plans, launches, folder)
            for side, folder in zip(sides, [*folders, *[""] * len(sides)], strict=False)
        ),
        summary=_summary(plans, rows, launches),
        rows=rows,
        objectives=served,
        launches=launches,
        not_shared=unshared(plans, launches),
        risks=curves,
    )


def _check(plans: Sequence[Plan], members: int, nodes: int, runs: int) -> None:
    if len(plans) < 2:
        raise InputError("fewer than two plans", where="plans", advice="name an alternative")
    hashes = [plan.sha256 for plan in plans]
    for at, value in enumerate(hashes):
        if value in hashes[:at]:
            raise InputError("is the same plan twice", where=plans[at].path, advice="name another alternative")
    for plan in plans:
        maturity_report(plan)
    for name, count, most in (("members", members, 1000), ("nodes", nodes, 1000), ("runs", runs, 10_000_000)):
        if not 0 <= count <= most:
            raise InputError(f"is {count}", where=name, advice=f"give 0 to {most:,}")


def _folders(plans: Sequence[Plan]) -> tuple[str, ...]:
    """The first plan's study is the folder itself, the others lie in it."""
    found: list[str] = ["."]
    for plan in plans[1:]:
        name, at = f"alternative-{plan.id}", 2
        while name in found:
            name, at = f"alternative-{plan.id}-{at}", at + 1
        found.append(name)
    return tuple(found)


def _antennas(plans: Sequence[Plan]) -> tuple[GroundStation, ...]:
    """The antennas of all plans, each once."""
    return tuple({row.id: row for plan in plans for row in plan.ground_stations}.values())


def _side(
    done: Study, antennas: Sequence[GroundStation], members: int, nodes: int, progress: Progress | None
) -> Side:
    step = progress.step if progress is not None else None
    sky = sky_range(done, members=members, nodes=nodes, tell=step)
    carried_w, span, worst = carried_range_w(done)
    contacts = antenna_contact(done, antennas)
    relayed = relayed_contact(done, antennas)
    if step is not None:
        step(done.plan.id)
    return Side(done, sky, carried_w, span, worst, contacts, relayed, build_order(done.plan))


def _plan_side(side: Side, plans: Sequence[Plan], launches: Sequence[SharedLaunch], folder: str) -> PlanSide:
    plan, record = side.study.plan, side.study.record
    return PlanSide(
        id=plan.id,
        title=plan.title,
        version=plan.version,
        sha256=plan.sha256,
        station=plan.station.kind,
        station_name=plan.station.name,
        folder=folder,
        start_utc=record.site.start_utc,
        stop_utc=record.site.stop_utc,
        curve=tuple(
            CurvePoint(
                date=point.date,
                station_power_w=point.station_power_w,
                objectives=point.objectives,
                mass_kg=point.mass_kg,
            )
            for point in capability(plan, side.order)
        ),
        limits=_limits(side, plans, launches),
    )


def _limits(side: Side, plans: Sequence[Plan], launches: Sequence[SharedLaunch]) -> tuple[str, ...]:
    """What a plan's numbers leave out."""
    plan, record = side.study.plan, side.study.record
    found = []
    if record.site.kind == "orbit":
        found.append(
            "The orbit is an ellipse fixed in space: keeping it against the pull of Moon, Earth and Sun is "
            "not in the velocity change, and a node that lasts is not chosen."
        )
    elif record.site.grade == "screening":
        found.append("Light, darkness and storage rest on screening terrain: do not size hardware by them.")
    if not side.sky.covers:
        found.append("Light, darkness and contact carry no range.")
    needed = outside(plan, launches)
    if needed:
        found.append(f"Shared launches rely on launches that are not shared: {', '.join(needed)}.")
    lacking = missing_elements(plans, launches)[list(plans).index(plan)]
    if lacking:
        found.append(
            f"Machines of shared launches that another plan lists and this one does not: {', '.join(lacking)}; "
            "their science is not counted here though they would fly."
        )
    found += _maturity(plan)
    periods = {(other.design.start, other.design.years) for other in plans}
    if len(periods) > 1:
        found.append(f"The plans are sized for different periods; this one from {plan.design.start}.")
    return tuple(found)


def _maturity(plan: Plan) -> list[str]:
    """What claims of maturity are not borne out by heritage, and what that takes."""
    report = maturity_report(plan)
    if not report.findings:
        return []
    more_t = sum(row.counted_kg - row.claimed_kg for row in report.missions) / 1e3
    names = ", ".join(row.element for row in report.findings)
    return [f"Heritage does not bear out the maturity of {names}: with its margins {more_t:.1f} t less to spare."]


def _summary(plans: Sequence[Plan], rows: Sequence[TradeRow], launches: Sequence[SharedLaunch]) -> tuple[str, ...]:
    """The comparison in a few sentences."""
    building = [row for row in launches if row.building]
    known = {row.id: row for row in rows}
    lines = []
    if building:
        sent_t = sum(row.launch_mass_kg or 0.0 for row in building) / 1e3
        lines.append(
            f"{len(building)} launches are the same in all plans and build each station: {sent_t:,.1f} t sent."
        )
        for at, plan in enumerate(plans):
            place = "on the ground" if plan.station.kind == "surface" else "in orbit"
            lines.append(
                f"{plan.station.name}: {_told(known['arriving-mass'], at)} {place}, "
                f"{_told(known['objectives'], at, 0)} objectives served by them, longest darkness "
                f"{_told(known['longest-darkness'], at)}, a load of {_told(known['load-carried'], at)} carried."
            )
    else:
        lines.append("No building launch is the same in all plans: masses are not compared.")
    for at, plan in enumerate(plans):
        leads = [row.question[0].lower() + row.question[1:] for row in rows if row.ahead == at]
        lines.append(f"{plan.station.name} leads in {len(leads)}: {'; '.join(leads) or 'none'}.")
    open_rows = [row.question[0].lower() + row.question[1:] for row in rows if row.ahead is None]
    lines.append(f"Nobody leads in {len(open_rows)}: {'; '.join(open_rows) or 'none'}.")
    return tuple(lines)


def _told(row: TradeRow, at: int, digits: int = 1) -> str:
    value = row.values[at].value
    unit = "" if row.unit == "number" else f" {row.unit}"
    return "not known" if value is None else f"{value:,.{digits}f}{unit}"


def _write(record: PlanComparison, folder: Path) -> None:
    from moonpost.files import write_json, write_text

    write_json(folder / "alternative.json", record.model_dump(mode="json"))
    write_text(folder / "alternative.csv", _csv(record))


def _csv(record: PlanComparison) -> str:
    """One line for each row and plan."""
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["id", "topic", "question", "unit", "better", "plan", "value", "low", "high", "leads", "text", "range_of",
         "rests_on"]
    )  # fmt: skip
    for row in record.rows:
        for at, (side, value) in enumerate(zip(record.plans, row.values, strict=True)):
            numbers: list[Any] = [value.value, value.low, value.high, int(row.ahead == at)]
            writer.writerow([row.id, row.topic, row.question, row.unit, row.better, side.id, *numbers,
                             value.text, value.range_of, value.rests_on])  # fmt: skip
    return buffer.getvalue()
