"""Porkchop plot: impulses and energy of transfers over departure and time of flight."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from moonpost.errors import InputError
from moonpost.files import atomic_path
from moonpost.report.figures.style import DARK, FULL_IN, INK, RED, dates, drawing

if TYPE_CHECKING:
    from moonpost.flight.windows import Windows

__all__ = ["porkchop_figure", "save_porkchop"]

_COATS = {"short": "short coast", "long": "long coast"}
_LEVELS = 10
_SHOWN = 0.93


@drawing
def porkchop_figure(found: Windows, width_in: float = FULL_IN) -> Figure:
    """Draw transfers as contours over departure and time of flight, a row of panels for each branch.

    Parameters
    ----------
    found : Windows
        At least two departures and two times of flight.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        TLI, LOI, their sum and C3; grey where there is no transfer; a cross on the least sum.

    Raises
    ------
    InputError
        If there are too few departures or times of flight for contours, or no transfer at all.
    """
    if len(found.departures) < 2 or len(found.time_of_flight_d) < 2:
        raise InputError(
            f"{len(found.departures)} departures by {len(found.time_of_flight_d)} times of flight",
            where="porkchop plot",
            advice="give at least two of each",
        )
    if not found.converged.any():
        raise InputError("no transfer was found", where="porkchop plot", advice="look at the reasons")
    parts = (
        ("TLI [km/s]", 1e-3 * found.tli_m_s, 3),
        ("LOI [km/s]", 1e-3 * found.loi_m_s, 3),
        ("TLI + LOI [km/s]", 1e-3 * found.total_m_s, 3),
        ("C3 at departure [km²/s²]", 1e-6 * found.c3_m2_s2, 2),
    )
    rows = len(found.branches)
    figure = Figure(figsize=(width_in, 0.9 + 2.5 * rows), layout="constrained")
    grid = figure.subplots(rows, len(parts), squeeze=False, sharex=True, sharey=True)
    days = date2num(found.departures)
    for column, (title, values, digits) in enumerate(parts):
        levels = _levels(values)
        for row, branch in enumerate(found.branches):
            axes = grid[row, column]
            drawn = _contours(axes, days, found.time_of_flight_d, values[:, :, row].T, levels, digits)
            axes.set_title(f"{title.partition(' [')[0]}, {_COATS[branch]}")
            _cheapest(axes, days, found, row)
            if row == rows - 1:
                dates(axes.xaxis, width_in / len(parts) + 2.0, label="Departure [UTC]")
            if column == 0:
                axes.set_ylabel("Time of flight [d]")
        bar = figure.colorbar(
            drawn, ax=grid[:, column].tolist(), location="bottom", label=title, aspect=30, pad=0.02
        )
        bar.set_ticks(levels[::2].tolist())
        bar.ax.xaxis.set_major_formatter(f"{{x:.{digits}f}}")
        bar.ax.tick_params(labelsize=7.5)
    figure.suptitle(_heading(found), fontsize=9.5, x=0.01, ha="left")
    return figure


def save_porkchop(found: Windows, path: str | Path) -> None:
    """Draw transfers and keep the picture.

    Parameters
    ----------
    found : Windows
        At least two departures and two times of flight.
    path : str or Path
        A file that ends in ``.png``.

    Raises
    ------
    InputError
        If the name ends in something else, or the grid is too small.
    OutputError
        If the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InputError(f"{target.name}", where="--plot", advice="give a file name that ends in .png")
    figure = porkchop_figure(found)
    with atomic_path(target) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110)


def _heading(found: Windows) -> str:
    """What is drawn, in one line."""
    first, last = (str(day)[:10] for day in (found.departures.min(), found.departures.max()))
    return (
        f"From {1e-3 * found.parking.altitude_m:g} km over the Earth to {1e-3 * found.arrival.altitude_m:g} km "
        f"over the Moon at {found.arrival.inclination_deg:g}°, departures {first} to {last}; cross: least sum"
    )


def _levels(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round levels that hold all values but the dearest, the same in both branches."""
    low, high = float(np.nanmin(values)), float(np.nanquantile(values, _SHOWN))
    if high - low < 1e-6 * max(1.0, abs(high)):
        low, high = low - 1e-3, high + 1e-3
    return np.asarray(MaxNLocator(_LEVELS).tick_values(low, high))


def _contours(axes: Any, days: Any, flights: Any, values: Any, levels: Any, digits: int) -> Any:
    """Filled and labelled contours; grey where there is nothing."""
    axes.set_facecolor(DARK)
    held = np.ma.masked_invalid(values)
    drawn = axes.contourf(days, flights, held, levels=levels, cmap="viridis", extend="max")
    if not held.mask.all():
        lines = axes.contour(
            days, flights, held, levels=levels, colors="white", linewidths=0.6, linestyles="solid"
        )
        labels = axes.clabel(lines, levels=levels[::2], fmt=f"%.{digits}f", fontsize=7, colors="white")
        for label in labels:
            label.set_path_effects([withStroke(linewidth=1.8, foreground=INK)])
    axes.grid(visible=False)
    return drawn


def _cheapest(axes: Any, days: Any, found: Windows, branch: int) -> None:
    """Mark the least sum of a branch."""
    total = found.total_m_s[:, :, branch]
    if not np.isfinite(total).any():
        return
    day, flight = np.unravel_index(int(np.nanargmin(total)), total.shape)
    if math.isfinite(total[day, flight]):
        axes.plot(
            days[day],
            found.time_of_flight_d[flight],
            "X",
            color=RED,
            markeredgecolor=INK,
            markersize=7,
            clip_on=False,
        )
