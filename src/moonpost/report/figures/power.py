"""Power and battery through the year in detail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, RED, SKY, dates, drawing, legend_above
from moonpost.report.readings import daily, main_bus
from moonpost.report.wording import names, plain
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["power_figure"]

_BUSES = (GREEN, PURPLE, INK, SKY, RED, "#7A6A00")


@drawing
def power_figure(record: StudyRecord, series: Mapping[str, xr.Dataset], width_in: float) -> Figure:
    """Draw supply and load of the station, and the charge of every store, day by day.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series; ``"operate-year"`` is drawn.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Two panels over one time axis.
    """
    year = series["operate-year"]
    bus = main_bus(record, series)
    figure = Figure(figsize=(width_in, 4.6), layout="constrained")
    power, charge = figure.subplots(2, 1, sharex=True, height_ratios=(1.1, 1))
    _power(power, year, bus)
    _charge(charge, year, record)
    power.tick_params(labelbottom=False)
    dates(charge.xaxis, width_in)
    charge.set_xlim(year["time"].values[0], year["time"].values[-1])
    figure.align_ylabels()
    return figure


def _power(axes: Any, year: xr.Dataset, bus: str | None) -> None:
    """Daily mean of what the sources could give and of what the loads ask for."""
    time = year["time"].values
    day, supply, least, most = daily(time, year["supply_w"].sel(bus=bus).values / 1e3)
    axes.fill_between(
        day, least, most, color=ORANGE, alpha=0.22, linewidth=0, label="supply, range within each day"
    )
    axes.plot(day, supply, color=ORANGE, label="supply, daily mean")
    axes.plot(day, daily(time, year["load_w"].sel(bus=bus).values / 1e3)[1], color=BLUE, label="load, daily mean")
    shed = daily(time, year["shed_w"].sel(bus=bus).values / 1e3)[1]
    if shed.max() > 0:
        axes.fill_between(day, shed, color=RED, step="mid", label="load not served")
    axes.set_ylabel("Power [kW]")
    axes.set_ylim(bottom=0)
    legend_above(axes, axes.figure.get_figwidth())


def _charge(axes: Any, year: xr.Dataset, record: StudyRecord) -> None:
    """Lowest state of charge of each day, for every power system with a store."""
    known = names(record, "element")
    usable = year["usable_wh"].max("time").values
    buses = [str(name) for name, most in zip(year["bus"].values, usable, strict=True) if most > 0]
    for bus, colour in zip(buses, _BUSES * (1 + len(buses) // len(_BUSES)), strict=False):
        day, _, least, _ = daily(year["time"].values, 100.0 * year["stored_fraction"].sel(bus=bus).values)
        label = known.get(bus, plain(bus).capitalize())
        axes.plot(day, least, color=colour, linewidth=2.0 if bus == buses[0] else 1.2, label=label)
    axes.set_ylabel("Battery, lowest of\neach day [% of usable]")
    axes.set_ylim(min(0.0, float(np.min(axes.get_ylim()))), 105)
    legend_above(axes, axes.figure.get_figwidth())
