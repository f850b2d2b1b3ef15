"""A sortie into shadow through time, and when it can start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import (
    BLUE,
    DARK,
    FULL_IN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    dates,
    drawing,
    shade,
)

if TYPE_CHECKING:
    from moonpost.operations.sortie import Sortie

__all__ = ["sortie_figure"]

_SHOWN_H = 72.0


@drawing
def sortie_figure(found: Sortie, width_in: float = FULL_IN) -> Figure:
    """Draw store, box and power of the trip, and margin and longest stay against the start.

    Parameters
    ----------
    found : Sortie
        The sortie.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        The trip on the left, the period on the right.
    """
    figure = Figure(figsize=(width_in, 0.52 * width_in), layout="constrained")
    left, right = np.ravel(np.asarray(figure.subfigures(1, 2)))
    _trip(left, found)
    if len(found.starts) > 1:
        _period(right, found, width_in)
    else:
        right.text(0.5, 0.5, "one start was asked for", ha="center", color=GREY)
    figure.suptitle(found.verdict, x=0.01, ha="left", fontsize=9.5, fontweight="bold")
    return figure


def _trip(figure: Any, found: Sortie) -> None:
    """Store, box and power over the hours of the trip."""
    store, box, power = figure.subplots(3, 1, sharex=True)
    hour = found.trace_s / 3600.0
    trip_h = (found.out.duration_s + found.stay_s + found.back.duration_s) / 3600.0
    last_h = min(float(hour[-1]), max(_SHOWN_H, 3.0 * trip_h))
    for axes in (store, box, power):
        axes.axvspan(0.0, trip_h, color=DARK, linewidth=0, zorder=0)
        axes.set_xlim(0.0, last_h)
    machine = found.machine
    store.plot(hour, found.trace_stored_wh, color=BLUE)
    store.axhline(machine.usable_wh, color=GREY, linewidth=0.9, linestyle=":")
    reserve = next(row.limit for row in found.criteria if row.name == "energy")
    store.axhline(reserve, color=RED, linewidth=1.0, linestyle="--")
    store.set(ylabel="Stored [Wh]", ylim=(0.0, 1.08 * machine.usable_wh))
    store.set_title("The trip: shaded away from the start; dashed: limits", fontweight="normal")
    box.plot(hour, found.trace_box_k, color=ORANGE)
    for limit in (machine.box.operate_min_k, machine.box.operate_max_k):
        box.axhline(limit, color=RED, linewidth=1.0, linestyle="--")
    box.set_ylabel("Box [K]")
    power.step(hour, found.trace_load_w, color=INK, where="pre", label="drawn")
    power.step(hour, found.trace_supply_w, color=GREEN, where="pre", label="sources")
    power.set(ylabel="Power [W]", xlabel=f"Hours after departure, {str(found.depart)[:16]} UTC")
    power.set_ylim(bottom=0.0)
    power.legend(loc="upper right", ncols=2)


def _period(figure: Any, found: Sortie, width_in: float) -> None:
    """Longest stay and margin against the start."""
    stay, margin = figure.subplots(2, 1, sharex=True)
    t = found.starts
    dark = np.interp(
        (t - found.sky.time[0]).astype(float),
        (found.sky.time - found.sky.time[0]).astype(float),
        (found.sky.home_sunlight_w_m2 <= 0.0).astype(float),
    )
    for axes in (stay, margin):
        shade(axes, t, dark > 0.5)
    stay.plot(t, np.nan_to_num(found.longest_stay_h), color=BLUE, drawstyle="steps-post")
    stay.axhline(found.stay_s / 3600.0, color=RED, linewidth=1.0, linestyle="--")
    stay.set(ylabel="Longest stay [h]")
    stay.set_ylim(bottom=0.0)
    stay.set_title("By start; shaded: the start lies in the dark; dashed: what is asked", fontweight="normal")
    margin.plot(t, 100.0 * found.relative, color=ORANGE)
    margin.axhline(0.0, color=RED, linewidth=1.0, linestyle="--")
    margin.set(ylabel="Margin of what decides [%]")
    margin.set_ylim(max(float(100.0 * found.relative.min()) - 5.0, -105.0), None)
    margin.set_xlim(t[0], t[-1])
    dates(margin.xaxis, width_in / 2, label="Start [UTC]")
