"""A schedule as a Gantt chart, with light, contact and stores below it on the same axis of time."""

from __future__ import annotations

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
    dates,
    drawing,
    legend_above,
    owner_colours,
    shade,
    short,
)

if TYPE_CHECKING:
    from moonpost.operations.checker import CheckReport
    from moonpost.operations.placements import Placement, Schedule, Setting

__all__ = ["schedule_figure"]

_LINES = (GREEN, BLUE, PURPLE, RED, INK)
_MOST_STORES = 5
_LETTER_IN = 0.085


@drawing
def schedule_figure(schedule: Schedule, setting: Setting, report: CheckReport, width_in: float) -> Figure:
    """Draw who does what when, over light and contact, and how full the stores are.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    setting : Setting
        Its light and contacts.
    report : CheckReport
        Of a check that simulated it: stores with the schedule, and without it dashed.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Three panels over one time axis: activities by element, in the colour of the partner whose time it is and
        with an edge where locked; light and contact; stores.
    """
    plan = setting.plan
    active = {row.element for row in schedule.placements} | {row.element for row in schedule.refusals}
    rows = [element.id for element in plan.elements if element.id in active and _there(schedule, element.id)]
    height_in = 0.9 + 0.38 * max(len(rows), 2)
    figure = Figure(figsize=(width_in, height_in + 2.6), layout="constrained")
    chart, sky, stores = figure.subplots(3, 1, sharex=True, height_ratios=(height_in, 0.75, 1.5))
    time = np.asarray(setting.sun.time).astype("datetime64[ms]")
    lowest = np.asarray(setting.light_by_mast[min(setting.light_by_mast)])
    for axes in (chart, stores):
        shade(axes, time, lowest <= 0.0)
    _bars(chart, schedule, rows, width_in, min(setting.light_by_mast))
    _sky(sky, setting, time, lowest)
    _stores(stores, report, rows, plan)
    for axes in (chart, sky):
        axes.tick_params(labelbottom=False)
    stores.set_xlim(time[0], time[-1])
    years = sorted({str(schedule.start)[:4], str(schedule.stop)[:4]})
    dates(stores.xaxis, width_in * 1.1, label=f"Date in {' and '.join(years)} [UTC]")
    return figure


def _there(schedule: Schedule, element: str) -> bool:
    """Whether an element has anything placed, or something refused for another reason than its place."""
    if any(row.element == element for row in schedule.placements):
        return True
    return any(row.element == element and row.reason.startswith("needs") for row in schedule.refusals)


def _bars(axes: Any, schedule: Schedule, rows: list[str], width_in: float, lowest_m: float) -> None:
    """One row for each element, one bar for each activity."""
    partners = sorted({row.partner for row in schedule.placements})
    colours = owner_colours(partners)
    period_ms = float((schedule.stop - schedule.start) / np.timedelta64(1, "ms"))
    for placed in schedule.placements:
        if placed.element not in rows:
            continue
        y, colour = rows.index(placed.element), colours[placed.partner]
        edge = {"edgecolor": INK, "linewidth": 1.4} if placed.locked else {"edgecolor": "white", "linewidth": 0.4}
        axes.barh(y, placed.stop - placed.start, left=placed.start, height=0.62, color=colour, zorder=2, **edge)
        room = int((width_in - 2.0) * placed.duration_s * 1000.0 / period_ms / _LETTER_IN)
        text = _label(placed, room)
        if text:
            middle = placed.start + (placed.stop - placed.start) / 2
            axes.text(
                middle, y, text, ha="center", va="center", fontsize=7.5, color="white", zorder=3, clip_on=True
            )
    axes.set_yticks(
        range(len(rows)), [f"{short(row, width_in)}\n{_done(schedule, row, width_in)}" for row in rows]
    )
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    handles = [Patch(color=colours[partner], label=partner) for partner in partners]
    handles.append(Patch(facecolor=DARK, label=f"dark at {lowest_m:g} m"))
    if any(row.locked for row in schedule.placements):
        handles.append(Patch(facecolor="white", edgecolor=INK, linewidth=1.4, label="locked"))
    legend_above(axes, width_in, handles)


def _done(schedule: Schedule, element: str, width_in: float) -> str:
    """What an element does, in one line."""
    names = {row.activity for row in schedule.placements if row.element == element}
    names |= {row.activity for row in schedule.refusals if row.element == element}
    return short(", ".join(sorted(names)), width_in)


def _label(placed: Placement, room: int) -> str:
    """As much of the name as the bar has room for: all, its number, or nothing."""
    number = placed.id.rpartition("-")[2]
    for text in (placed.id, number):
        if len(text) <= room:
            return text
    return ""


def _sky(axes: Any, setting: Setting, time: Any, lowest: Any) -> None:
    """Light at the lowest mast, and windows of contact."""
    axes.fill_between(time, 1.0, 1.0 + 0.85 * lowest, color=ORANGE, linewidth=0, zorder=2)
    windows = setting.contacts if not hasattr(setting.contacts, "values") else None
    if windows is None and setting.contacts:
        windows = np.concatenate(list(setting.contacts.values()))  # type: ignore[union-attr]
    for start, stop in windows if windows is not None else ():
        first, last = max(start, time[0]), min(stop, time[-1])
        if last > first:
            axes.barh(0.42, last - first, left=first, height=0.7, color=BLUE, linewidth=0, zorder=2)
    axes.set_yticks([0.42, 1.42], ["in contact", f"light at {min(setting.light_by_mast):g} m"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(0.0, 1.9)
    axes.grid(visible=False, axis="y")


def _stores(axes: Any, report: CheckReport, rows: list[str], plan: Any) -> None:
    """How full the stores of the buses are that activities draw from."""
    if report.simulation is None:
        return
    series = report.simulation.series
    names = [bus for bus in series["bus"].values.tolist() if (series["usable_wh"].sel(bus=bus).values > 0).any()]
    used = {_bus_of(plan, row) for row in rows}
    for colour, bus in zip(_LINES, [name for name in names if name in used][:_MOST_STORES], strict=False):
        time = series["time"].values
        axes.plot(
            time, 100.0 * series["stored_fraction"].sel(bus=bus).values, color=colour, linewidth=1.4, label=bus
        )
        if report.reference is not None:
            without = report.reference.series
            level = 100.0 * without["stored_fraction"].sel(bus=bus).values
            axes.plot(without["time"].values, level, color=colour, linewidth=0.9, linestyle=":")
    axes.plot([], [], color=GREY, linewidth=0.9, linestyle=":", label="without activities")
    axes.set_ylim(0, 108)
    axes.set_ylabel("Store\n[% of usable]")
    legend_above(axes, axes.figure.get_figwidth())


def _bus_of(plan: Any, name: str) -> str:
    """The bus that an element is on."""
    element = plan.element(name)
    while element.powered_by:
        element = plan.element(element.powered_by)
    return "station" if element.bus == "station" else str(element.id)
