"""Plans side by side: every row with its ranges, what stands when, and how likely it is."""

from __future__ import annotations

import datetime as dt
import math
import textwrap
from typing import Any

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from moonpost.report.figures.style import GREY, INK, dates, drawing, legend_above, owner_colours, short
from moonpost.study.alternativemodel import PlanComparison, TradeRow, TradeValue

__all__ = ["growth_figure", "risk_figure", "trade_figure"]

_SMALL_IN = 5.0


@drawing
def trade_figure(record: PlanComparison, width_in: float) -> Figure:
    """Draw each row as values with ranges over the largest of its values.

    Parameters
    ----------
    record : PlanComparison
        Plans side by side.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        One line for each row that has a scale beginning at zero; dates are left out.
    """
    rows = [row for row in record.rows if row.unit != "year" and _largest(row) > 0.0]
    names = [side.station_name for side in record.plans]
    colours = owner_colours(list(dict.fromkeys(names)))
    narrow = width_in < _SMALL_IN
    figure = Figure(figsize=(width_in, 0.9 + (0.58 if narrow else 0.46) * len(rows)), layout="constrained")
    axes: Any = figure.subplots()
    for k, row in enumerate(rows):
        largest = _largest(row)
        axes.axhline(k, color="#E3E7EC", linewidth=0.7, zorder=0)
        for at, value in enumerate(row.values):
            y = k + 0.2 * (at - 0.5 * (len(names) - 1))
            text = "" if narrow or value.value is None else _number(row, value.value)
            _mark(axes, value, largest, y, colours[names[at]], text)
    _labels(axes, rows, width_in)
    axes.set_xlim(0.0, 1.05 if narrow else 1.3)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100"])
    axes.set_xlabel("Part of the larger end [%]" if narrow else "Part of the largest end of the row [%]")
    axes.grid(visible=False, axis="y")
    handles = [Line2D([], [], color=colours[name], marker="o", label=name) for name in colours]
    legend_above(axes, width_in, handles)
    return figure


def _mark(axes: Any, value: TradeValue, largest: float, y: float, colour: str, text: str) -> None:
    """A value as a dot with its range as a bar; a number beside it if there is any."""
    if value.value is None:
        axes.annotate("not known", (0.01, y), color=GREY, fontsize=7.5, va="center")
        return
    low = value.value if value.low is None else value.low
    high = value.value if value.high is None else value.high
    axes.plot(
        [low / largest, high / largest], [y, y], color=colour, linewidth=3.2, alpha=0.4, solid_capstyle="butt"
    )
    axes.plot(value.value / largest, y, "o", color=colour, markersize=4.5)
    if text:
        end = max(value.value, high) / largest
        axes.annotate(
            text,
            (end, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=INK,
        )


def _number(row: TradeRow, value: float) -> str:
    """A number to three digits or so; a count as it is."""
    if value == 0.0 or (row.unit == "number" and row.topic != "risk"):
        return f"{value:.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def _labels(axes: Any, rows: list[TradeRow], width_in: float) -> None:
    """Names of the rows, and which way is better."""
    arrows = {"more": "more is better", "less": "less is better", "neither": ""}
    texts = [f"{row.question} [{row.unit}]" for row in rows]
    if width_in < _SMALL_IN:
        axes.set_yticks(range(len(rows)), [""] * len(rows))
        for k, row in enumerate(rows):
            axes.annotate(
                short(row.question, width_in, 1.15),
                (0, k - 0.24),
                xycoords=("axes fraction", "data"),
                xytext=(2, 0),
                textcoords="offset points",
                fontsize=7.5,
                va="bottom",
                in_layout=False,
            )
        axes.set_ylim(len(rows) - 0.5, -0.75)
        return
    letters = max(24, int(0.34 * width_in / 0.07))
    axes.set_yticks(range(len(rows)), [textwrap.fill(text, letters) for text in texts], linespacing=1.1)
    for k, row in enumerate(rows):
        axes.annotate(
            arrows[row.better],
            (1.0, k),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7.5,
            color=GREY,
        )
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _largest(row: TradeRow) -> float:
    ends = [end for value in row.values for end in (value.value, value.low, value.high) if end is not None]
    return max(ends, default=0.0)


@drawing
def growth_figure(record: PlanComparison, width_in: float) -> Figure:
    """Draw rated power, mass and objectives of each plan against time, in the earliest case.

    Parameters
    ----------
    record : PlanComparison
        Plans side by side.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Three panels of step lines on one time axis.
    """
    figure = Figure(figsize=(width_in, 6.2), layout="constrained")
    panels: Any = figure.subplots(3, 1, sharex=True)
    names = [side.station_name for side in record.plans]
    colours = owner_colours(list(dict.fromkeys(names)))
    parts = (
        ("station_power_w", 1e-3, "Station power,\nrated [kW]"),
        ("mass_kg", 1e-3, "Machines at\nwork [t]"),
        ("objectives", 1.0, "Objectives\nserved"),
    )
    for axes, (field, scale, label) in zip(panels, parts, strict=True):
        for at, side in enumerate(record.plans):
            if not side.curve:
                continue
            when = [_instant(point.date) for point in side.curve]
            level = [scale * getattr(point, field) for point in side.curve]
            look = {"linestyle": "-" if at == 0 else "--"}
            axes.step(when, level, where="post", color=colours[names[at]], label=names[at], **look)
        axes.set_ylabel(label)
        axes.set_ylim(bottom=0.0)
    dates(panels[-1].xaxis, width_in)
    legend_above(panels[0], width_in)
    figure.align_ylabels()
    return figure


@drawing
def risk_figure(record: PlanComparison, width_in: float) -> Figure:
    """Draw how likely all shared building launches are at work by each date, and the objectives then served.

    Parameters
    ----------
    record : PlanComparison
        Plans side by side, with risk.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Two panels on one time axis.
    """
    figure = Figure(figsize=(width_in, 4.6), layout="constrained")
    panels: Any = figure.subplots(2, 1, sharex=True)
    names = [side.station_name for side in record.plans]
    colours = owner_colours(list(dict.fromkeys(names)))
    for curve in record.risks:
        when = np.array([_instant(date) for date in curve.dates])
        look = {"color": colours[names[curve.plan]], "linestyle": "-" if curve.plan == 0 else "--"}
        panels[0].plot(when, [100.0 * p for p in curve.probability], label=names[curve.plan], **look)
        panels[1].plot(when, curve.objectives, **look)
    panels[0].set_ylabel("All shared building\nlaunches at work [%]")
    panels[1].set_ylabel("Objectives served,\nmean")
    for axes in panels:
        axes.set_ylim(bottom=0.0)
    dates(panels[-1].xaxis, width_in)
    legend_above(panels[0], width_in)
    figure.align_ylabels()
    return figure


def _instant(text: str) -> float:
    return float(date2num(dt.datetime.fromisoformat(text.rstrip("Z"))))
