"""Sleep and wake of the machines through the year."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from moonpost.report.figures.style import DARK, ORANGE, dates, drawing, row_names
from moonpost.report.readings import awake_spells, dormancy_span
from moonpost.study.results import StudyRecord

__all__ = ["dormancy_figure"]

_ROW_IN = 0.42


@drawing
def dormancy_figure(record: StudyRecord, width_in: float) -> Figure:
    """Draw when each machine is awake, with the number of its lunar day.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        One bar for each machine over the year.
    """
    machines = awake_spells(record)
    narrow = width_in < 5
    figure = Figure(
        figsize=(width_in, 0.95 + _ROW_IN * len(machines) * (1.5 if narrow else 1.0)), layout="constrained"
    )
    axes: Any = figure.subplots()
    first, last = dormancy_span(record)
    for k, machine in enumerate(machines):
        axes.barh(
            k, last - first, left=first, height=0.46, color=DARK, linewidth=0, label="asleep" if k == 0 else None
        )
        for index, (start, stop, number) in enumerate(machine.awake):
            label = "awake" if k == 0 and index == 0 else None
            axes.barh(k, stop - start, left=start, height=0.46, color=ORANGE, linewidth=0, label=label)
            if not narrow and (stop - start) / (last - first) > 0.024:
                axes.text(
                    start + (stop - start) / 2,
                    k,
                    str(number),
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    in_layout=False,
                    clip_on=True,
                )
    row_names(axes, [item.name for item in machines], width_in)
    axes.set_ylabel("Machine")
    axes.set_xlim(first, last)
    dates(axes.xaxis, width_in)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return figure
