"""Who talks to whom when, and how full the store is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, RED, dates, drawing, legend_above, owner_colours, row_names

if TYPE_CHECKING:
    from moonpost.comms import HandoverPlan, StoreRun

__all__ = ["handover_figure", "store_figure"]

_ROW_IN = 0.34
_GIGABIT = 1e9


@drawing
def handover_figure(plan: HandoverPlan, width_in: float) -> Figure:
    """Draw which antenna serves whom.

    Parameters
    ----------
    plan : HandoverPlan
        What is planned.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A row for each antenna, a colour for each user.
    """
    dishes = sorted({row.antenna for row in plan.contacts})
    users = sorted({row.user for row in plan.contacts})
    colours = owner_colours(users)
    figure = Figure(figsize=(width_in, 1.2 + _ROW_IN * max(1, len(dishes))), layout="constrained")
    axes: Any = figure.subplots()
    for user in users:
        for k, dish in enumerate(dishes):
            rows = [row for row in plan.contacts if (row.antenna, row.user) == (dish, user)]
            begin = date2num(np.array([row.start for row in rows], dtype="datetime64[ms]"))
            end = date2num(np.array([row.stop for row in rows], dtype="datetime64[ms]"))
            bars = np.stack([begin, end - begin], axis=1)
            axes.broken_barh(
                bars, (k - 0.3, 0.6), color=colours[user], linewidth=0, label=user if k == 0 else None
            )
    row_names(axes, dishes, width_in)
    axes.set_xlim(*date2num(np.array(plan.span, dtype="datetime64[ms]")))
    axes.set_ylabel("Antenna")
    dates(axes.xaxis, width_in)
    legend_above(axes, width_in)
    return figure


@drawing
def store_figure(run: StoreRun, width_in: float, *, case: int = 0) -> Figure:
    """Draw how full a store is, and mark what it lost.

    Parameters
    ----------
    run : StoreRun
        How the store fared.
    width_in : float
        Width [inch].
    case : int, default 0
        Which case.

    Returns
    -------
    Figure
        The fill over time, overflows shaded.
    """
    figure = Figure(figsize=(width_in, 0.7 + 0.28 * width_in), layout="constrained")
    axes: Any = figure.subplots()
    axes.plot(date2num(run.edges), run.fill_bit[case] / _GIGABIT, color=BLUE)
    for event in run.events():
        if event.kind == "overflow" and event.case == case:
            axes.axvspan(date2num(event.start), date2num(event.stop), color=RED, alpha=0.25, linewidth=0)
    axes.set_ylabel("Held in the store [Gbit]")
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(*date2num(run.edges[[0, -1]]))
    dates(axes.xaxis, width_in)
    return figure
