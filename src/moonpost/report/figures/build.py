"""Launches by year, the build order and what stands when."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from moonpost.report.figures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    dates,
    drawing,
    legend_above,
    owner_colours,
    row_names,
)
from moonpost.report.wording import names
from moonpost.study.results import GanttRow, StudyRecord

__all__ = ["capability_figure", "gantt_figure", "lands", "launches_figure"]

_LOOKS: dict[str, dict[str, Any]] = {
    "transit": {"alpha": 0.18, "height": 0.5},
    "waiting": {"alpha": 0.18, "height": 0.5},
    "commissioning": {"alpha": 0.45, "height": 0.5},
    "operation": {"alpha": 0.9, "height": 0.5},
}


def lands(record: StudyRecord) -> bool:
    """Whether anything is set down on the Moon, so that landed mass says something."""
    return any(row.landed_kg > 0 for row in record.build.years)


@drawing
def launches_figure(record: StudyRecord, width_in: float) -> Figure:
    """Draw landed and payload mass by year, with the number of launches; launched mass where nothing lands.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Bars by year.
    """
    years = record.build.years
    narrow = width_in < 5
    x = np.array([row.year for row in years], dtype=np.float64)
    figure = Figure(figsize=(width_in, 3.1), layout="constrained")
    axes: Any = figure.subplots()
    landed = np.array([row.landed_kg if lands(record) else row.launched_kg for row in years]) / 1e3
    payload = np.array([row.payload_kg for row in years]) / 1e3
    axes.bar(x - 0.2, landed, 0.4, color=BLUE, label="landed" if lands(record) else "launched")
    axes.bar(x + 0.2, payload, 0.4, color=ORANGE, label="payload")
    for row, top in zip(years, np.maximum(landed, payload), strict=True):
        if row.launches:
            text = f"{row.launches}" + ("*" if row.unknown else "")
            axes.annotate(
                text, (row.year, top), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=8.5
            )
    axes.set_ylabel("Mass [t]")
    axes.set_xlabel("Year of launch [UTC]")
    axes.set_ylim(0, max(1.0, 1.15 * max(landed.max(initial=0), payload.max(initial=0))))
    step = 3 if narrow else 2 if len(years) > 12 else 1
    axes.set_xticks(x[::step], [f"{year:.0f}" for year in x[::step]])
    axes.grid(visible=False, axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    axes.set_title(
        "above the bars: number of launches" if not narrow else "above: launches",
        loc="right",
        fontweight="normal",
        fontsize=8.5,
    )
    return figure


@drawing
def gantt_figure(record: StudyRecord, width_in: float) -> Figure:
    """Draw the build order: each element from launch to the end of its design life, in its owner's colour.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Bars over time.
    """
    bars = record.build.gantt
    order = list(dict.fromkeys(bar.element for bar in bars))
    place = {element: k for k, element in enumerate(order)}
    colours = owner_colours([bar.owner for bar in bars])
    narrow = width_in < 5
    first = min(_utc(bar.start) for bar in bars)
    known = [_utc(bar.stop) for bar in bars if bar.stop] + [_utc(bar.start) for bar in bars]
    last = max(known) + np.timedelta64(365, "D")
    figure = Figure(figsize=(width_in, 1.1 + len(order) * (0.36 if narrow else 0.235)), layout="constrained")
    axes: Any = figure.subplots()
    for bar in bars:
        _bar(axes, bar, place[bar.element], colours[bar.owner], last)
    labels = [next(bar.name for bar in bars if bar.element == element) for element in order]
    row_names(axes, labels, width_in)
    axes.set_ylabel("Element")
    axes.set_xlim(first, last)
    dates(axes.xaxis, width_in)
    _keys(axes, record, colours, width_in)
    return figure


def _bar(axes: Any, bar: GanttRow, k: int, colour: str, last: Any) -> None:
    start = _utc(bar.start)
    stop = _utc(bar.stop) if bar.stop else last
    look = _LOOKS[bar.kind]
    if bar.kind == "transit" and not bar.stop:
        axes.plot(start, k, "x", color=colour, markersize=6, markeredgewidth=1.8)
        return
    axes.barh(k, stop - start, left=start, color=colour, linewidth=0, **look)
    if not bar.stop:
        axes.annotate(
            "",
            (last, k),
            xytext=(-9, 0),
            textcoords="offset points",
            arrowprops={"arrowstyle": "->", "color": "white"},
        )


def _keys(axes: Any, record: StudyRecord, colours: dict[str, str], width_in: float) -> None:
    known = names(record)
    handles = [Patch(color=colour, label=known.get(owner, owner)) for owner, colour in colours.items()]
    if {"commissioning", "waiting"} & {bar.kind for bar in record.build.gantt}:
        handles.append(Patch(color=INK, alpha=0.35, label="pale: on the way, waiting, commissioning"))
    lost = [bar for bar in record.build.gantt if bar.kind == "transit" and not bar.stop]
    if lost:
        from matplotlib.lines import Line2D

        handles.append(Line2D([], [], color=INK, marker="x", linestyle="none", label="did not arrive"))  # type: ignore[arg-type]
    legend_above(axes, width_in, handles)


@drawing
def capability_figure(record: StudyRecord, width_in: float) -> Figure:
    """Draw what stands when: power of the station's sources, mass and objectives served.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Three panels over one time axis.
    """
    rows = record.build.capability
    time = np.array([_utc(row.date) for row in rows])
    figure = Figure(figsize=(width_in, 4.2), layout="constrained")
    panels: Any = figure.subplots(3, 1, sharex=True)
    lines: tuple[tuple[list[float], str, str], ...] = (
        ([row.station_power_w / 1e3 for row in rows], "Power of\nsources [kW]", ORANGE),
        ([row.mass_kg / 1e3 for row in rows], "Mass in\nservice [t]", BLUE),
        ([float(row.objectives) for row in rows], "Objectives\nserved [count]", GREEN),
    )
    for panel, (values, label, colour) in zip(panels, lines, strict=True):
        panel.step(time, values, where="post", color=colour, linewidth=1.8)
        panel.fill_between(time, values, step="post", color=colour, alpha=0.12, linewidth=0)
        panel.set_ylabel(label)
        panel.set_ylim(0, 1.15 * max(1.0, *values))
        panel.tick_params(labelbottom=panel is panels[-1])
    dates(panels[-1].xaxis, width_in)
    figure.align_ylabels()
    return figure


def _utc(text: str) -> np.datetime64:
    return np.datetime64(text.rstrip("Z"), "s")
