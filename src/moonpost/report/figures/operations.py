"""A simulated period: power, charge, temperatures, data and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import (
    BLUE,
    FULL_IN,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    dates,
    drawing,
    legend_above,
    shade,
)
from moonpost.report.readings import daily

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.operations import Simulation

__all__ = ["simulation_figure"]

_COLOURS = (GREEN, PURPLE, BLUE, SKY, RED, "#7A6A00", INK)
_LONG = np.timedelta64(120, "D")
_TOLD = {
    "fault-begins": ("v", RED, "fault begins"),
    "fault-ends": ("^", GREEN, "fault ends"),
    "machine-lost": ("X", INK, "machine lost"),
    "wake": ("o", ORANGE, "wakes"),
    "sleep": ("o", BLUE, "goes to sleep"),
    "shed-begins": ("s", PURPLE, "loads are shed"),
}


@drawing
def simulation_figure(found: Simulation, width_in: float = FULL_IN) -> Figure:
    """Draw power and charge of a simulated period, temperatures and data where there are any, and what happened.

    Parameters
    ----------
    found : Simulation
        The simulation. Periods of more than 120 days are drawn day by day.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Panels over one time axis.
    """
    series = found.series
    panels: list[Any] = [_power, _charge]
    panels += [_boxes] if "box" in series.sizes else []
    panels += [_recorders] if "recorder" in series.sizes else []
    panels += [_events] if any(event.kind in _TOLD for event in found.events) else []
    figure = Figure(figsize=(width_in, 0.6 + 1.75 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for panel, draw in zip(axes, panels, strict=True):
        draw(panel, series, found)
        if draw is not _events:
            shade(panel, series["time"].values, series["in_light"].values.max(axis=0) == 0.0)
        panel.tick_params(labelbottom=panel is axes[-1])
    dates(axes[-1].xaxis, width_in)
    axes[0].set_xlim(series["time"].values[0], series["time"].values[-1])
    figure.align_ylabels()
    return figure


def _thin(series: xr.Dataset, values: Any, how: int = 1) -> tuple[Any, Any]:
    """Values as they are, or the mean (1) or least (2) of each day of a long period."""
    time = series["time"].values
    if time[-1] - time[0] < _LONG:
        return time, values
    found = daily(time, values)
    return found[0], found[how]


def _power(axes: Any, series: xr.Dataset, found: Simulation) -> None:
    """Supply, load and shed of the bus that serves most."""
    bus = max(found.balances, key=lambda row: row.served_wh).bus
    for name, colour, label in (
        ("supply_w", ORANGE, "supply"),
        ("load_w", BLUE, "load"),
        ("shed_w", RED, "load not served"),
    ):
        values = series[name].sel(bus=bus).values
        if name != "shed_w" or values.max() > 0:
            axes.plot(*_thin(series, values / 1e3), color=colour, label=f"{label}, {bus}")
    axes.set_ylabel("Power [kW]")
    axes.set_ylim(bottom=0)
    legend_above(axes, axes.figure.get_figwidth())


def _charge(axes: Any, series: xr.Dataset, _: Simulation) -> None:
    """State of charge of every store."""
    usable = series["usable_wh"].values.max(axis=1)
    buses = [str(bus) for bus, most in zip(series["bus"].values, usable, strict=True) if most > 0]
    for k, bus in enumerate(buses):
        values = 100.0 * series["stored_fraction"].sel(bus=bus).values
        axes.plot(*_thin(series, values, 2), color=_COLOURS[k % len(_COLOURS)], label=bus)
    axes.set_ylabel("Charge [% of usable]")
    axes.set_ylim(-3, 105)
    if buses:
        legend_above(axes, axes.figure.get_figwidth())


def _boxes(axes: Any, series: xr.Dataset, _: Simulation) -> None:
    """Temperature of every warm box."""
    for k, name in enumerate(series["box"].values):
        values = series["box_k"].sel(box=name).values
        axes.plot(*_thin(series, values), color=_COLOURS[k % len(_COLOURS)], label=str(name))
    axes.set_ylabel("Box [K]")
    legend_above(axes, axes.figure.get_figwidth())


def _recorders(axes: Any, series: xr.Dataset, _: Simulation) -> None:
    """Data held by every recorder."""
    for k, name in enumerate(series["recorder"].values):
        values = series["held_bit"].sel(recorder=name).values / 1e9
        axes.plot(*_thin(series, values), color=_COLOURS[k % len(_COLOURS)], label=str(name))
    axes.set_ylabel("Data held [Gbit]")
    axes.set_ylim(bottom=0)
    legend_above(axes, axes.figure.get_figwidth())


def _events(axes: Any, _: xr.Dataset, found: Simulation) -> None:
    """When machines wake, sleep, fail and are lost."""
    told = [event for event in found.events if event.kind in _TOLD]
    subjects = sorted({event.subject for event in told}, reverse=True)
    for kind, (marker, colour, label) in _TOLD.items():
        rows = [(event.time, subjects.index(event.subject)) for event in told if event.kind == kind]
        if rows:
            axes.plot(
                *zip(*rows, strict=True), linestyle="", marker=marker, color=colour, markersize=5, label=label
            )
    axes.set_yticks(range(len(subjects)), subjects)
    axes.set_ylim(-0.7, len(subjects) - 0.3)
    legend_above(axes, axes.figure.get_figwidth())
