"""Flown missions by year and kind, with what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.dates import DateFormatter, YearLocator, date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from moonpost.plan.base import when_bounds
from moonpost.plan.heritage import Heritage, HeritageMission
from moonpost.report.figures.style import INK, drawing, owner_colours

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
_GAP_DAYS = 15 * 365.25
_LETTER_IN = 0.058
_SMALL_IN = 5.0
_STEP_IN = 0.21


@drawing
def heritage_figure(catalogue: Heritage, missions: Sequence[HeritageMission], width_in: float) -> Figure:
    """Draw missions by the day of launch, a lane for each kind, a mark for each outcome.

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
        Hollow marks are rows with fields that are not verified; times without launches are cut out.
    """
    rows = sorted(missions, key=_when)
    eras = _eras(rows)
    spans = [(_when(era[0]) - 500.0, _when(era[-1]) + 1100.0) for era in eras] or [(0.0, 365.0)]
    whole = sum(stop - start for start, stop in spans)
    levels = _levels(rows, 0.82 * width_in / whole)
    lanes = [lane for lane in _LANES if any(row.kind in lane for row in rows)]
    deep = [1 + max(levels[row.id] for row in rows if row.kind in lane) for lane in lanes]
    tops = [sum(deep[:k]) + 0.6 * k for k in range(len(lanes))]
    bottom = sum(deep) + 0.6 * len(lanes)
    figure = Figure(figsize=(width_in, 1.5 + _STEP_IN * bottom), layout="constrained")
    ratios = [stop - start for start, stop in spans]
    panels: Any = figure.subplots(1, len(spans), sharey=True, squeeze=False, width_ratios=ratios)[0]
    colours = owner_colours([row.operator for row in missions])
    for axes, span in zip(panels, spans, strict=True):
        axes.set_xlim(*span)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        for row in rows:
            if span[0] <= _when(row) <= span[1]:
                lane = next(k for k, kinds in enumerate(lanes) if row.kind in kinds)
                _point(axes, row, tops[lane] + levels[row.id] + 0.5, colours[row.operator])
        for top in tops[1:]:
            axes.axhline(top - 0.3, color="#E3E7EC", linewidth=0.7, zorder=0)
        axes.xaxis.set_major_locator(YearLocator(5 if width_in > _SMALL_IN else 10))
        axes.xaxis.set_major_formatter(DateFormatter("%Y"))
    middles = [top + 0.5 * many for top, many in zip(tops, deep, strict=True)]
    panels[0].set_yticks(middles, [", ".join(lane) for lane in lanes])
    panels[0].set_ylim(bottom, -0.2)
    figure.supxlabel("Launch [UTC]", fontsize=9)
    _legend(figure, catalogue, colours, width_in)
    return figure


def _legend(figure: Figure, catalogue: Heritage, colours: dict[str, str], width_in: float) -> None:
    names = {row.id: row.name for row in catalogue.operators}
    look: dict[str, Any] = {"marker": "o", "linestyle": ""}
    handles = [Line2D([], [], color=colours[name], label=names[name], **look) for name in colours]
    handles += [
        Line2D([], [], marker=mark, linestyle="", color=INK, label=outcome) for outcome, mark in _MARKS.items()
    ]
    handles.append(Line2D([], [], mfc="white", color=INK, label="not all verified", **look))
    figure.legend(handles=handles, loc="outside upper left", ncols=max(2, int(width_in / 1.5)), frameon=False)


def _when(row: HeritageMission) -> float:
    return float(date2num(when_bounds(row.launch)[0]))


def _eras(rows: Sequence[HeritageMission]) -> list[list[HeritageMission]]:
    """Missions in stretches without a long pause."""
    eras: list[list[HeritageMission]] = []
    for row in rows:
        if eras and _when(row) - _when(eras[-1][-1]) <= _GAP_DAYS:
            eras[-1].append(row)
        else:
            eras.append([row])
    return eras


def _levels(rows: Sequence[HeritageMission], in_day: float) -> dict[str, int]:
    """The first line of its lane on which a mission's name touches no other."""
    ends: dict[tuple[str, ...], list[float]] = {}
    found = {}
    for row in rows:
        lane = next(kinds for kinds in _LANES if row.kind in kinds)
        used = ends.setdefault(lane, [])
        x = _when(row)
        level = next((k for k, end in enumerate(used) if x >= end), len(used))
        end = x + (0.16 + _LETTER_IN * len(_brief(row.name))) / in_day
        used[level : level + 1] = [end]
        found[row.id] = level
    return found


def _point(axes: Any, row: HeritageMission, y: float, colour: str) -> None:
    x = _when(row)
    face = "white" if row.not_verified else colour
    axes.plot(x, y, _MARKS[row.outcome], color=colour, markerfacecolor=face, markersize=5.5)
    look = {"textcoords": "offset points", "fontsize": 7, "va": "center", "color": INK}
    axes.annotate(_brief(row.name), (x, y), xytext=(5, 0), **look)


def _brief(name: str) -> str:
    """A name short enough to stand beside its mark."""
    first = name.split(" / ")[0].split(",")[0]
    for long, brief in (("Lunar Reconnaissance Orbiter", "LRO"), (" Odysseus", "")):
        first = first.replace(long, brief)
    return first
