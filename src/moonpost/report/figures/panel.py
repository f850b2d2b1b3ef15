"""Wake times against the attitude of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, FULL_IN, GREY, INK, ORANGE, dates, drawing

if TYPE_CHECKING:
    from moonpost.operations.panels import PanelAnswer

__all__ = ["panel_figure"]

_MOST_H = 96.0


@drawing
def panel_figure(found: PanelAnswer, width_in: float = FULL_IN) -> Figure:
    """Draw the mean miss against tilt and azimuth, and the miss of each lunar day.

    Parameters
    ----------
    found : PanelAnswer
        The answer.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        The map on the left, the lunar days on the right.
    """
    figure = Figure(figsize=(width_in, 0.4 * width_in), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    if min(found.map_miss_h.shape) > 1 and np.isfinite(found.map_miss_h).any():
        _map(figure, left, found)
    else:
        left.text(0.5, 0.5, "one tilt or azimuth only: no map", ha="center", transform=left.transAxes)
    _days(right, found, width_in)
    return figure


def _map(figure: Figure, axes: Any, found: PanelAnswer) -> None:
    """Mean of wake less wanted time."""
    values = found.map_miss_h
    span = float(np.clip(np.nanmax(np.abs(values)), 6.0, _MOST_H))
    norm = SymLogNorm(linthresh=3.0, linscale=1.0, vmin=-span, vmax=span, base=10)
    axes.set_facecolor("#E4E7EB")
    image = axes.pcolormesh(
        found.map_azimuth_deg, found.map_tilt_deg, values, cmap="RdBu", norm=norm, shading="nearest"
    )
    known = values[np.isfinite(values)]
    if known.min() < 0.0 < known.max():
        axes.contour(found.map_azimuth_deg, found.map_tilt_deg, values, levels=[0.0], colors=INK, linewidths=1.2)
    ticks = [tick for tick in (-96, -48, -24, -12, -6, -3, 0, 3, 6, 12, 24, 48, 96) if abs(tick) <= span]
    bar = figure.colorbar(image, ax=axes, extend="both", pad=0.02, ticks=ticks, format="%d")
    bar.ax.minorticks_off()
    bar.set_label("Mean of wake less wanted time [h]")
    turned = found.azimuth_deg
    low, high = found.map_azimuth_deg[[0, -1]]
    turned += 360.0 * np.ceil((low - turned) / 360.0 - 1e-9)
    axes.plot(
        min(turned, high), found.tilt_deg, "*", color=ORANGE, markeredgecolor=INK, markersize=14, label="found"
    )
    if found.compared is not None:
        axes.plot(
            found.compared["azimuth_deg"],
            found.compared["tilt_deg"],
            "X",
            color="white",
            markeredgecolor=INK,
            markersize=9,
            label="compared",
        )
    axes.grid(visible=False)
    axes.set(xlabel="Azimuth that the panel faces [deg]", ylabel="Tilt from horizontal [deg]")
    axes.set_title("Black: on time in the mean. Grey: does not wake each lunar day", fontweight="normal")
    axes.legend(loc="upper right", frameon=True)


def _days(axes: Any, found: PanelAnswer, width_in: float) -> None:
    """Each lunar day with two standard errors."""
    series = [("found", found.rows, ORANGE, 0)]
    if found.compared is not None:
        series.append(("compared", found.compared["rows"], BLUE, 4))
    for name, rows, colour, shift_d in series:
        awake = [row for row in rows if row["miss_h"] is not None]
        if not awake:
            continue
        t = np.array([row["wanted_utc"].rstrip("Z") for row in awake], dtype="datetime64[s]")
        t = t + np.timedelta64(shift_d, "D")  # side by side
        wide = [2.0 * (row["sigma_h"] or 0.0) for row in awake]
        axes.errorbar(
            t,
            [row["miss_h"] for row in awake],
            yerr=wide,
            fmt="o",
            color=colour,
            markersize=4,
            capsize=2,
            label=name,
        )
    axes.axhline(0.0, color=GREY, linewidth=1.0)
    axes.set_ylabel("Wake less wanted time [h]")
    axes.set_title("Each lunar day, with two standard errors", fontweight="normal")
    axes.margins(x=0.06, y=0.25)
    dates(axes.xaxis, width_in / 2, label="Wanted time [UTC]")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
