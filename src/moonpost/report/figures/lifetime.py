"""How long lunar orbits last, and how low and high they go from month to month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.errors import InputError
from moonpost.report.figures.style import BLUE, GREEN, LIGHT, ORANGE, RED, drawing, legend_above

if TYPE_CHECKING:
    from moonpost.flight.frozen import AltitudeRange
    from moonpost.flight.lifetime import LifetimeMap

__all__ = ["altitude_figure", "lifetime_figure"]

_COLOURS = (BLUE, ORANGE, GREEN, RED)


@drawing
def lifetime_figure(found: LifetimeMap, width_in: float) -> Figure:
    """Draw the shortest lifetime over all nodes by inclination and altitude.

    Parameters
    ----------
    found : LifetimeMap
        At least two altitudes and two inclinations.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A map in colours.

    Raises
    ------
    InputError
        If the map is a single row or column.
    """
    if min(found.altitude_m.size, found.inclination_deg.size) < 2:
        raise InputError("is a single row", where="lifetime map", advice="give two altitudes and inclinations")
    figure = Figure(figsize=(width_in, 0.9 + 0.38 * width_in), layout="constrained")
    axes: Any = figure.subplots()
    shown = axes.pcolormesh(
        found.inclination_deg,
        found.altitude_m / 1e3,
        found.survived_days.min(axis=2),
        cmap=LIGHT,
        vmin=0.0,
        vmax=found.limit_days,
        shading="nearest",
    )
    axes.grid(visible=False)
    axes.set_xlabel("Inclination [deg]")
    axes.set_ylabel("Altitude at the start [km]")
    lasted = found.survived_days.min(axis=2) >= found.limit_days
    rows, columns = np.nonzero(lasted)
    axes.plot(
        found.inclination_deg[columns],
        found.altitude_m[rows] / 1e3,
        "o",
        markersize=3.0,
        color=BLUE,
        label=f"still flying after {found.limit_days:g} d",
    )
    if rows.size:
        legend_above(axes, width_in)
    figure.colorbar(shown, ax=axes, label="Time to impact [d]")
    return figure


@drawing
def altitude_figure(ranges: Mapping[str, AltitudeRange], width_in: float) -> Figure:
    """Draw how low and how high orbits go in each month.

    Parameters
    ----------
    ranges : mapping of str to AltitudeRange
        Orbits by name, four at most.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A band for each orbit.

    Raises
    ------
    InputError
        If there are none or more than four.
    """
    if not 1 <= len(ranges) <= len(_COLOURS):
        raise InputError(f"{len(ranges)} orbits", where="ranges", advice=f"give 1 to {len(_COLOURS)}")
    figure = Figure(figsize=(width_in, 0.8 + 0.36 * width_in), layout="constrained")
    axes: Any = figure.subplots()
    for colour, (name, found) in zip(_COLOURS, ranges.items(), strict=False):
        edges = found.month_days * np.arange(len(found.lowest_m) + 1)
        edges[-1] = min(edges[-1], found.survived_days)
        low, high = (np.append(part, part[-1]) / 1e3 for part in (found.lowest_m, found.highest_m))
        axes.fill_between(edges, low, high, step="post", color=colour, alpha=0.35, linewidth=0, label=name)
        axes.step(edges, low, where="post", color=colour)
        axes.step(edges, high, where="post", color=colour)
    axes.axhline(0.0, color="#444444", linewidth=1.0)
    axes.set_xlabel("Time [d]")
    axes.set_ylabel("Altitude [km]")
    axes.margins(x=0.0)
    legend_above(axes, width_in)
    return figure
