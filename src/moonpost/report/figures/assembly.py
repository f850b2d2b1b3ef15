"""A build order as a picture: the steps after each landing, and what the station can do from when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from moonpost.report.figures.style import (
    BLUE,
    DARK,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    dates,
    drawing,
)

if TYPE_CHECKING:
    from moonpost.campaign.assemblyrecord import AssemblyStep
    from moonpost.campaign.capability import CapabilityPoint
    from moonpost.study.assembling import Built, Stage

__all__ = ["assembly_figure"]

_COLOURS = {"come": GREY, "drive": GREY, "unload": ORANGE, "deploy": BLUE, "connect": PURPLE, "commission": GREEN}
_WORDS = {"drive": "drive", "unload": "unload", "deploy": "deploy", "connect": "connect", "commission": "try out"}
_SILENT = "#EFE8D6"
_DAY = np.timedelta64(86_400_000, "ms")


@drawing
def assembly_figure(built: Built, points: Sequence[CapabilityPoint], width_in: float) -> Figure:
    """Draw the steps after each landing over days since then, and capability against time.

    Parameters
    ----------
    built : Built
        The build order with its steps, see `moonpost.study.assembling.build_in_steps`.
    points : sequence of CapabilityPoint
        What works from when, see `moonpost.campaign.capability`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A panel for each landing, shaded while it is dark or out of contact; below, power, data, payload and
        objectives.
    """
    stages = built.stages
    heights = [0.42 + 0.24 * len(stage.elements) for stage in stages]
    below = 3.6
    figure = Figure(figsize=(width_in, sum(heights) + below + 0.7), layout="constrained")
    if stages:
        halves: Any = figure.subfigures(2, 1, height_ratios=(sum(heights) + 0.5, below))
        above, lower = halves
        panels: Any = above.subplots(len(stages), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        _landings(above, panels, built, width_in)
    else:
        lower = figure
    _capability(lower, points, width_in)
    return figure


def _landings(figure: Any, panels: Any, built: Built, width_in: float) -> None:
    """One panel for each landing."""
    last = max(float((stage.stop - stage.start) / _DAY) for stage in built.stages)
    for panel, stage in zip(panels, built.stages, strict=True):
        steps = [step for step in built.steps if step.element in stage.elements]
        _stage(panel, stage, steps)
        panel.set_xlim(0.0, 1.02 * last)
        panel.set_title(f"{stage.mission}, {str(stage.start)[:10]}")
        panel.tick_params(labelbottom=panel is panels[-1])
    panels[-1].set_xlabel("Days after landing [d]")
    handles = [Patch(color=_COLOURS[kind], label=word) for kind, word in _WORDS.items()]
    handles += [Patch(color=DARK, label="dark"), Patch(color=_SILENT, label="no contact")]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles) if width_in > 6.0 else 3)


def _stage(panel: Any, stage: Stage, steps: Sequence[AssemblyStep]) -> None:
    """Bars of one landing, an element a row."""
    rows = list(dict.fromkeys(step.element for step in steps))
    for spells, colour in ((stage.silent, _SILENT), (stage.dark, DARK)):
        for start, stop in spells:
            left, right = (float((instant - stage.start) / _DAY) for instant in (start, stop))
            panel.axvspan(left, right, color=colour, linewidth=0, zorder=0)
    for step in steps:
        for start, stop in step.spells:
            left, length = float((start - stage.start) / _DAY), float((stop - start) / _DAY)
            panel.barh(
                rows.index(step.element), length, left=left, height=0.7, color=_COLOURS[step.kind], lw=0, zorder=2
            )
    panel.set_yticks(range(len(rows)), rows)
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(visible=False, axis="y")


def _capability(figure: Any, points: Sequence[CapabilityPoint], width_in: float) -> None:
    """Four panels over one axis of dates."""
    time = np.array([np.datetime64(point.date.rstrip("Z"), "s") for point in points])
    lines: tuple[tuple[list[float], str, str], ...] = (
        ([point.station_power_w / 1e3 for point in points], "Power\n[kW]", ORANGE),
        ([point.data_mbit_day / 1e3 for point in points], "Data\n[Gbit/d]", SKY),
        ([point.payload_kg / 1e3 for point in points], "Payload\n[t]", BLUE),
        ([float(point.objectives) for point in points], "Objectives\n[count]", RED),
    )
    panels: Any = figure.subplots(len(lines), 1, sharex=True)
    for panel, (values, label, colour) in zip(panels, lines, strict=True):
        panel.step(time, values, where="post", color=colour, linewidth=1.8)
        panel.fill_between(time, values, step="post", color=colour, alpha=0.12, linewidth=0)
        panel.set_ylabel(label, color=INK)
        panel.set_ylim(0, 1.2 * max([1.0, *values]))
        panel.tick_params(labelbottom=panel is panels[-1])
    dates(panels[-1].xaxis, width_in)
    figure.align_ylabels()
