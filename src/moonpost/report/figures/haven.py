"""Havens for Earth outages on a map, and the darkness of each outage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import FULL_IN, GREEN, GREY, INK, ORANGE, RED, dates, drawing

if TYPE_CHECKING:
    from moonpost.operations.havens import Havens

__all__ = ["haven_figure"]


@drawing
def haven_figure(found: Havens, width_in: float = FULL_IN) -> Figure:
    """Draw where havens are, and how dark each outage is at its place.

    Parameters
    ----------
    found : Havens
        The havens.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        The map on the left, the outages on the right.
    """
    figure = Figure(figsize=(width_in, 0.46 * width_in), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.1))
    _map(figure, left, found)
    _outages(right, found, width_in)
    figure.suptitle(found.verdict, x=0.01, ha="left", fontsize=9.5, fontweight="bold")
    return figure


def _map(figure: Figure, axes: Any, found: Havens) -> None:
    """Share of outages for which each cell is a haven."""
    area = found.area
    x, y = (area.x_m - area.x_m.mean()) / 1e3, (area.y_m - area.y_m.mean()) / 1e3
    axes.set_facecolor("#D5D9DF")
    image = axes.pcolormesh(x, y, 100.0 * found.served, cmap="cividis", vmin=0.0, vmax=100.0, shading="nearest")
    bar = figure.colorbar(image, ax=axes, pad=0.02)
    bar.set_label("Outages for which it is a haven [%]")
    if np.ptp(found.height_m[np.isfinite(found.height_m)]) > 1.0:
        axes.contour(x, y, found.height_m, levels=12, colors="white", linewidths=0.4, alpha=0.6)
    places = {(row["latitude_deg"], row["longitude_deg"]) for row in found.rows if row["safe"]}
    for k, place in enumerate(sorted(places)):
        row, col = _cell(found, *place)
        label = "havens taken" if k == 0 else None
        axes.plot(x[col], y[row], "o", color=GREEN, markeredgecolor=INK, markersize=6, label=label)
    row, col = _cell(found, found.station.latitude_deg, found.station.longitude_deg)
    axes.plot(x[col], y[row], "*", color=ORANGE, markeredgecolor=INK, markersize=13, label="station")
    axes.set(xlabel="East on the map [km]", ylabel="North on the map [km]", aspect="equal")
    axes.grid(visible=False)
    axes.set_title("Grey: cannot be reached", fontweight="normal")
    axes.legend(loc="upper right", frameon=True)


def _cell(found: Havens, latitude_deg: float, longitude_deg: float) -> tuple[int, int]:
    """Row and column of a place."""
    latitude, longitude = (np.deg2rad(values) for values in found.area.places())
    lat, lon = np.deg2rad(latitude_deg), np.deg2rad(longitude_deg)
    cosine = np.sin(latitude) * np.sin(lat) + np.cos(latitude) * np.cos(lat) * np.cos(longitude - lon)
    row, col = np.unravel_index(int(np.argmax(cosine)), cosine.shape)
    return int(row), int(col)


def _outages(axes: Any, found: Havens, width_in: float) -> None:
    """Longest darkness of each outage at its place."""
    for row in found.rows:
        t = np.datetime64(row["start_utc"].rstrip("Z"), "s")
        end = np.datetime64(row["stop_utc"].rstrip("Z"), "s")
        colour = GREEN if row["safe"] else RED
        axes.bar(
            t, row["longest_dark_h"], width=end - t, align="edge", color=colour, edgecolor="white", linewidth=0.6
        )
        axes.plot([t, end], [0.0, 0.0], color=INK, linewidth=3.0, solid_capstyle="butt")
    axes.axhline(found.bears_h, color=GREY, linestyle="--", linewidth=1.0)
    axes.text(0.01, found.bears_h, " borne", color=GREY, va="bottom", transform=axes.get_yaxis_transform())
    top = max([found.bears_h, *(row["longest_dark_h"] for row in found.rows)], default=1.0)
    axes.set(ylabel="Longest darkness at the place [h]", ylim=(-0.02 * top, 1.15 * max(top, 1.0)))
    axes.set_title("Each outage of the Earth; green: safe, red: not", fontweight="normal")
    dates(axes.xaxis, width_in / 2)
