"""Flown missions by year and kind, with what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from moonpost.plan.base import when_bounds
from moonpost.plan.heritage import Heritage, HeritageMission
from moonpost.report.figures.style import INK, drawing, legend_above, owner_colours

__all__ = ["heritage_figure"]

_LANES = (
    ("flyby", "impact"),
    ("orbiter",),
    ("relay",),
    ("lander",),
    ("rover",),
    ("sample-return",),
    ("station",),
    ("crew",),
)
_MARKS = {"success": "o", "partial": "D", "failure": "X", "unknown": "s"}
_APART_DAYS_IN = 5_800.0


@drawing
def heritage_figure(catalogue: Heritage, missions: Sequence[HeritageMission], width_in: float) -> Figure:
    """Draw missions by the year of launch, a lane for each kind, a mark for each outcome.

    Parameters
    ----------
    catalogue : Heritage
        For the names of operators.
    missions : sequence of HeritageMission
        What to draw.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Hollow marks are rows with fields that are not verified.
    """
    lanes = [lane for lane in _LANES if any(row.kind in lane for row in missions)]
    figure = Figure(figsize=(width_in, 1.2 + 0.62 * max(1, len(lanes))), layout="constrained")
    axes: Any = figure.subplots()
    colours = owner_colours([row.operator for row in missions])
    names = {row.id: row.name for row in catalogue.operators}
    for k, lane in enumerate(lanes):
        rows = sorted((row for row in missions if row.kind in lane), key=_when)
        _lane(axes, k, rows, colours, width_in)
    axes.set_yticks(range(len(lanes)), [", ".join(lane) for lane in lanes])
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.xaxis_date()
    axes.set_xlabel("Launch [UTC]")
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colours[name], label=names[name]) for name in colours
    ]
    handles += [
        Line2D([], [], marker=mark, linestyle="", color=INK, label=outcome) for outcome, mark in _MARKS.items()
    ]
    handles.append(Line2D([], [], marker="o", linestyle="", mfc="white", color=INK, label="not all verified"))
    legend_above(axes, width_in, handles)
    return figure


def _when(row: HeritageMission) -> float:
    return float(date2num(when_bounds(row.launch)[0]))


def _lane(axes: Any, k: int, rows: Sequence[HeritageMission], colours: dict[str, str], width_in: float) -> None:
    """One lane; marks that would touch go up and down in turn."""
    apart = _APART_DAYS_IN * 0.28 / width_in
    last, level = float("-inf"), 0
    for row in rows:
        x = _when(row)
        level = (level + 1) % 3 if x - last < apart else 0
        last = x
        y = k + 0.27 * (level - 1 if level else 0) if level != 2 else k + 0.27
        face = "white" if row.not_verified else colours[row.operator]
        axes.plot(x, y, _MARKS[row.outcome], color=colours[row.operator], markerfacecolor=face, markersize=5.5)
        axes.annotate(_brief(row.name), (x, y), xytext=(4, 3), textcoords="offset points", fontsize=6.5, color=INK)


def _brief(name: str) -> str:
    """A name short enough to stand beside its mark."""
    first = name.split(" / ")[0].split(",")[0]
    for long, brief in (
        ("Luna ", "L"),
        ("Apollo ", "A"),
        ("Chang'e ", "CE-"),
        ("Lunar Reconnaissance Orbiter", "LRO"),
    ):
        first = first.replace(long, brief)
    return first.replace("Odysseus", "").strip()
