"""The worst lunar month: Sun, Earth and battery on one axis of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, RED, dates, drawing, legend_above, shade
from moonpost.report.readings import daily, main_bus, station_mast_m, worst_month
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["month_figure"]


@drawing
def month_figure(record: StudyRecord, series: Mapping[str, xr.Dataset], width_in: float) -> Figure:
    """Draw Sun, Earth and battery through the lunar month in which the battery is lowest.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series; ``"site-light"`` and ``"operate-year"`` are drawn.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Three panels over one time axis.
    """
    window = worst_month(record, series)
    assert window is not None
    light = series["site-light"].sel(time=slice(*window))
    mast_m = station_mast_m(record, series)
    figure = Figure(figsize=(width_in, 5.2 if width_in > 5 else 4.5), layout="constrained")
    sun, earth, battery = figure.subplots(3, 1, sharex=True, height_ratios=(1.15, 1, 1))
    narrow = width_in < 5
    narrow = width_in < 5
    seen = light["light"].sel(mast_m=mast_m).values
    dark = seen <= 0.0
    for axes in (sun, earth, battery):
        shade(
            axes, light["time"].values, dark, label=("dark" if narrow else "no sunlight") if axes is sun else None
        )
    if "sun_elevation_deg" in light:
        _surface(sun, earth, record, series, light, mast_m)
    else:
        _orbit(sun, earth, light)
    _battery(battery, record, series, window)
    for axes in (sun, earth):
        axes.tick_params(labelbottom=False)
    years = sorted({str(end)[:4] for end in window})
    dates(battery.xaxis, width_in * 1.2, label=f"Date in {' and '.join(years)} [UTC]")
    battery.set_xlim(*window)
    figure.align_ylabels()
    return figure


def _surface(
    sun: Any,
    earth: Any,
    record: StudyRecord,
    series: Mapping[str, xr.Dataset],
    light: xr.Dataset,
    mast_m: float | None,
) -> None:
    """Elevations of Sun and Earth, with the ground that the Sun passes over."""
    time = light["time"].values
    horizons = series.get("site-horizons")
    name = f"{record.site.baseline} {mast_m:g} m"
    if horizons is not None and name in horizons["profile"].values:
        around = horizons["horizon_deg"].sel(profile=name).values
        azimuth = horizons["azimuth_deg"].values
        under = np.interp(light["sun_azimuth_deg"].values, azimuth, around, period=360.0)
        sun.plot(
            time,
            under,
            color=GREY,
            linewidth=1.0,
            label="ground" if sun.figure.get_figwidth() < 5 else "ground in the Sun's direction",
        )
    sun.plot(time, light["sun_elevation_deg"].values, color=ORANGE, linewidth=2.0, label="Sun")
    sun.set_ylabel("Sun\nelevation [deg]")
    legend_above(sun, sun.figure.get_figwidth())
    elevation = light["earth_elevation_deg"].values
    view = light["earth"].sel(mast_m=mast_m).values > 0.5
    earth.plot(
        time,
        np.where(view, np.nan, elevation),
        color=GREY,
        linewidth=1.2,
        linestyle="--",
        label="behind the ground",
    )
    earth.plot(time, np.where(view, elevation, np.nan), color=BLUE, linewidth=2.0, label="Earth in view")
    earth.set_ylabel("Earth\nelevation [deg]")
    legend_above(earth, earth.figure.get_figwidth())


def _orbit(sun: Any, earth: Any, light: xr.Dataset) -> None:
    """Shares of each orbit's parts in sunlight and with the Earth in view."""
    time, lit, _, _ = daily(light["time"].values, 100.0 * light["light"].values[0], "h")
    sun.plot(time, lit, color=ORANGE, linewidth=1.0, label="sunlight, hourly mean")
    sun.set_ylabel("Sunlight\n[% of time]")
    legend_above(sun, sun.figure.get_figwidth())
    seen = daily(light["time"].values, 100.0 * light["earth"].values[0], "h")[1]
    earth.plot(time, seen, color=BLUE, linewidth=1.0)
    earth.set_ylabel("Earth in view\n[% of time]")
    for axes in (sun, earth):
        axes.set_ylim(-4, 108)


def _battery(axes: Any, record: StudyRecord, series: Mapping[str, xr.Dataset], window: Any) -> None:
    """State of charge, with its lowest point marked."""
    bus = main_bus(record, series)
    year = series["operate-year"].sel(time=slice(*window))
    time, _, charge, _ = daily(year["time"].values, 100.0 * year["stored_fraction"].sel(bus=bus).values, "h")
    axes.plot(time, charge, color=GREEN, linewidth=2.0)
    axes.fill_between(time, charge, color=GREEN, alpha=0.12, linewidth=0)
    low = int(np.argmin(charge))
    axes.plot(time[low], charge[low], "o", color=RED if charge[low] <= 0 else INK, markersize=5)
    axes.annotate(
        f"lowest {charge[low]:.0f} %",
        (time[low], charge[low]),
        xytext=(7, -4),
        textcoords="offset points",
        va="top",
        fontsize=8.5,
    )
    axes.set_ylim(0, 105)
    axes.set_ylabel("Battery\n[% of usable]")
