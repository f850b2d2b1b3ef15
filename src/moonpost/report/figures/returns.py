"""Windows of the return from the Moon: the burn over departures and flight times, and where capsules enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREY, RED, dates, drawing, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from moonpost.flight.returns import ReturnWindows

__all__ = ["returns_figure"]

_TRACKS = 60


@drawing
def returns_figure(found: ReturnWindows, width_in: float) -> Figure:
    """Draw windows: burn against departure, coloured by flight time, and ground tracks of the entries.

    Parameters
    ----------
    found : ReturnWindows
        The windows.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Two panels.
    """
    from moonpost.sky.timescale import default_timescale

    figure = Figure(figsize=(width_in, 0.4 * width_in), layout="constrained")
    left, right = figure.subplots(1, 2)
    good = found.converged
    when = default_timescale().utc(found.departure_s).astype("datetime64[ms]").astype(object)
    duration_d = (found.entry_s - found.departure_s) / 86400.0
    for chosen, marker, name in (
        (good & found.reached, "o", "reaches the place"),
        (good & ~found.reached, "x", ""),
    ):
        if chosen.any():
            label = name or ("no landing place" if found.aim.place is None else "range too long or short")
            points = left.scatter(
                when[chosen], found.tei_m_s[chosen] / 1e3, c=duration_d[chosen], marker=marker, s=16, label=label,
                cmap="viridis", vmin=duration_d[good].min(), vmax=duration_d[good].max() + 1e-9,
            )  # fmt: skip
    if good.any():
        figure.colorbar(points, ax=left, label="Flight time [d]")
        dates(left.xaxis, width_in / 2)
    left.set_xlabel("Departure [UTC]")
    left.set_ylabel("Trans-Earth injection [km/s]")
    legend_above(left, width_in / 2)
    _tracks(found, right)
    return figure


def _tracks(found: ReturnWindows, axes: Axes) -> None:
    """Interfaces and the way from there, on a plain map of latitude and longitude."""
    rows = np.flatnonzero(found.reached if found.reached.any() else found.converged)
    rows = rows[np.argsort(found.tei_m_s[rows])][:_TRACKS]
    for count, row in enumerate(rows):
        entry = found.entry(int(row))
        span = found.range_m[row] if np.isfinite(found.range_m[row]) else found.aim.range_m
        latitude, longitude = entry.track_deg(float(span)).T
        longitude = np.degrees(np.unwrap(np.radians(longitude)))
        longitude -= 360.0 * np.round(longitude.mean() / 360.0)
        first = count == 0
        axes.plot(longitude, latitude, color=BLUE, alpha=0.35, lw=0.8, label="way over ground" if first else None)
        axes.plot(longitude[0], latitude[0], "o", ms=3, color=GREY, label="interface" if first else None)
    place = found.aim.place
    if place is not None:
        axes.plot(
            (place.longitude_deg + 180.0) % 360.0 - 180.0,
            place.latitude_deg,
            "*",
            ms=11,
            color=RED,
            label=place.name,
        )
    axes.set_xlabel("East longitude [deg]")
    axes.set_ylabel("Latitude [deg]")
    legend_above(axes, 6.0)
