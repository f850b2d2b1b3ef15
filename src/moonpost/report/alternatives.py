"""The page of a comparison: plans side by side as one self-contained HTML file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from moonpost.files import write_text
from moonpost.report.parts import Cell, Column, Note, Picture, Section, Table, table
from moonpost.report.wording import UNKNOWN, number
from moonpost.study.alternativemodel import PlanComparison, SharedLaunch, TradeRow, TradeValue

__all__ = ["alternative_page", "write_alternative"]

_FULL_IN = 12.2


def write_alternative(record: PlanComparison, path: str | os.PathLike[str]) -> Path:
    """Write a comparison as one self-contained HTML file.

    Parameters
    ----------
    record : PlanComparison
        Plans side by side, from `moonpost.study.alternative.compare_plans`.
    path : path-like
        The file to write; an older one is replaced only when the new one is complete.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> from moonpost.study.alternative import compare_plans
    >>> write_alternative(compare_plans(["ilrs", "ilrs-orbit"]).record, "alternative.html")  # doctest: +SKIP
    """
    return write_text(path, alternative_page(record))


def alternative_page(record: PlanComparison) -> str:
    """Render a comparison as the text of one HTML file.

    Parameters
    ----------
    record : PlanComparison
        Plans side by side.

    Returns
    -------
    str
        HTML without scripts and without addresses that would be loaded.

    Examples
    --------
    >>> from moonpost.study.alternative import compare_plans
    >>> alternative_page(compare_plans(["ilrs", "ilrs-orbit"]).record)[:15]  # doctest: +SKIP
    '<!DOCTYPE html>'
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from moonpost.report.render import draw
    from moonpost.report.wording import day, minute

    environment = Environment(
        loader=PackageLoader("moonpost.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=day, minute=minute)
    return environment.get_template("alternative.html").render(
        record=record,
        trade=trade_table(record),
        sections=[
            (section, [draw(part) if isinstance(part, Picture) else part for part in section.shown])
            for section in _sections(record)
        ],
    )


def trade_table(record: PlanComparison) -> Table:
    """The one table: each quantity of each plan with its range, and which plan leads."""
    columns = (
        Column("Quantity"),
        *(Column(side.station_name) for side in record.plans),
        Column("Leads"),
    )
    rows = [
        (
            Cell(f"{row.question} [{row.unit}]" if row.unit != "number" else row.question, "", _wanted(row)),
            *(_value_cell(row, value) for value in row.values),
            Cell(_leader(record, row), "", row.why),
        )
        for row in record.rows
    ]
    note = (
        "Under each value its range. A plan leads in a row if the whole of its range is better than the whole of "
        "every other's. Rows are not added up: what counts how much is the reader's choice."
    )
    return table("trade", "Plans side by side", columns, rows, note=note)


def _wanted(row: TradeRow) -> str:
    return {"more": "more is better", "less": "less is better", "neither": ""}[row.better]


def _leader(record: PlanComparison, row: TradeRow) -> str:
    return UNKNOWN if row.ahead is None else record.plans[row.ahead].station_name


def _value_cell(row: TradeRow, value: TradeValue) -> Cell:
    """A value with its range and what to know of it."""
    if value.value is None:
        return Cell("not known", "", value.text)
    digits = _digits(row)
    text = number(value.value, digits) if row.unit != "year" else f"{value.value:.1f}"
    small = [] if not value.text else [value.text]
    if value.low is not None and value.high is not None:
        ends = (value.low, value.high)
        low, high = (f"{end:.1f}" if row.unit == "year" else number(end, digits) for end in ends)
        small.insert(0, f"{low} to {high}")
    return Cell(text, "", "; ".join(small))


def _digits(row: TradeRow) -> int:
    """Digits after the point that all values of a row share."""
    largest = max((abs(value.value) for value in row.values if value.value is not None), default=0.0)
    if row.id.startswith(("objectives", "launches")) and row.topic != "risk":
        return 0
    return 0 if largest >= 1000.0 else 1


def _sections(record: PlanComparison) -> tuple[Section, ...]:
    found = (
        Section("ranges", "Values and ranges", "", (_picture(record, "trade"),)),
        Section("objectives", "Science, objective by objective", "", (_objective_table(record),)),
        Section(
            "launches",
            "The launches that are the same",
            "Same mission, launcher and mass in every plan. Masses and velocity changes are compared on those "
            "that bring machines of the station in each.",
            (_launch_table(record), Note(record.not_shared, "Launches to come that are not shared")
             if record.not_shared else None),
        ),
        Section("growth", "What stands when", "", (_picture(record, "growth"),)),
        Section(
            "risk",
            "How likely it is",
            "Campaigns drawn with slips, failed launches, failed arrivals, short masses and dust; launches of the "
            "same name meet the same luck in every plan.",
            (_picture(record, "risk") if record.risks else None,),
        ),
        Section("limits", "What the numbers leave out", "", tuple(_limits(record))),
        Section("basis", "What each value rests on", "", (_basis_table(record),)),
    )  # fmt: skip
    return tuple(section for section in found if section.shown)


def _objective_table(record: PlanComparison) -> Table:
    columns = (Column("Objective"), Column("Area"), *(Column(side.station_name) for side in record.plans))
    rows: list[tuple[str | Cell, ...]] = []
    for row in record.objectives:
        cells = []
        for side in row.sides:
            if side.status == "absent":
                cells.append(Cell("not in this plan", "", ""))
                continue
            text = side.status if not side.shared else f"{side.status}, by a shared building launch"
            cells.append(Cell(text, "", ", ".join((*side.missions, *side.instruments))))
        rows.append((row.name, row.area, *cells))
    note = "Under the status: missions and instruments. Open: declared to have no instrument yet."
    return table("objective-table", "Objectives of any plan", columns, rows, note=note)


def _launch_table(record: PlanComparison) -> Table:
    columns = (
        Column("Launch"),
        Column("Launcher"),
        Column("Sent", "t", "number"),
        *(
            column
            for side in record.plans
            for column in (
                Column(f"{side.station_name}: velocity change", "m/s", "number"),
                Column(f"{side.station_name}: arrives", "t", "number"),
            )
        ),
    )
    rows = [_launch_row(row) for row in record.launches]
    note = "–: no transfer or no mass in that plan. Ranges: least and most velocity change in the literature."
    return table("launch-table", "Launches that all plans have alike", columns, rows, note=note)


def _launch_row(row: SharedLaunch) -> tuple[str | Cell, ...]:
    cells: list[str | Cell] = [
        Cell(row.name, "", "; ".join((*(("builds the station",) if row.building else ()), *row.differs))),
        row.launcher or UNKNOWN,
        number(None if row.launch_mass_kg is None else row.launch_mass_kg / 1e3, 1),
    ]
    for side in row.sides:
        cells.append(_ranged(side.delta_v_m_s, side.delta_v_low_m_s, side.delta_v_high_m_s, 1.0, 0))
        cells.append(_ranged(side.arrives_kg, side.arrives_low_kg, side.arrives_high_kg, 1e-3, 1))
    return tuple(cells)


def _ranged(value: float | None, low: float | None, high: float | None, scale: float, digits: int) -> Cell:
    if value is None:
        return Cell(UNKNOWN)
    ends = [None if end is None else scale * end for end in (low, high)]
    return Cell(number(scale * value, digits), "", f"{number(ends[0], digits)} to {number(ends[1], digits)}")


def _limits(record: PlanComparison) -> list[Note]:
    return [Note(side.limits, side.title) for side in record.plans if side.limits]


def _basis_table(record: PlanComparison) -> Table:
    columns = (Column("Quantity"), Column("Plan"), Column("Range covers"), Column("Rests on"))
    rows = [
        (row.question, side.id, value.range_of or "no range known", value.rests_on)
        for row in record.rows
        for side, value in zip(record.plans, row.values, strict=True)
    ]
    return table("basis-table", "Range and basis of every value", columns, rows, folded=True)


def _picture(record: PlanComparison, name: str) -> Picture:
    title, alt, caption = _WORDS[name]

    def drawer() -> Callable[[PlanComparison, float], object]:
        from moonpost.report.figures import alternatives

        return {
            "trade": alternatives.trade_figure,
            "growth": alternatives.growth_figure,
            "risk": alternatives.risk_figure,
        }[name]

    return Picture(
        name=name,
        title=title,
        alt=alt,
        caption=caption,
        draw=lambda width_in: drawer()(record, width_in),
        width_in=_FULL_IN,
    )


_WORDS = {
    "trade": (
        "Every row over its largest end",
        "For each quantity a dot and a bar for each plan, as parts of the largest end in the row.",
        "Dot: best value. Bar: range. Where bars overlap no plan leads.",
    ),
    "growth": (
        "Power, mass and objectives against time",
        "Three step lines over time for each plan: rated power, mass of machines at work, objectives served.",
        "All dates at their earliest, all missions succeed. Lines fall where a design life ends and the plan "
        "brings nothing new.",
    ),
    "risk": (
        "With slips and failures",
        "Two lines over time for each plan: probability that all shared building launches work, and objectives.",
        "The upper panel asks that every station machine of the shared building launches has begun to work.",
    ),
}
