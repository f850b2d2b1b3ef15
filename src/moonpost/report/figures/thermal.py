"""Figures of heat: ground through a lunar day, maps of a patch of terrain, equipment through its nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from moonpost.report.figures.style import (
    BLUE,
    DARK,
    FULL_IN,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    drawing,
    legend_above,
)

if TYPE_CHECKING:
    from moonpost.thermal import Network, NetworkRun, PatchGround

__all__ = ["equipment_figure", "ground_figure", "shadow_figure"]

_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK)
_DAY_S = 86400.0


@drawing
def ground_figure(
    local_time_h: npt.ArrayLike,
    models: Mapping[str, npt.ArrayLike],
    measured: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    width_in: float = FULL_IN,
) -> Figure:
    """Draw surface temperatures through a lunar day beside what was measured.

    Parameters
    ----------
    local_time_h : array_like, shape (n,)
        Local solar time of the models [h].
    models : mapping of str to array_like, shape (n,)
        Temperatures by name [K].
    measured : mapping of str to pair of array_like
        Local solar time [h] and temperature [K], by the name of the model that they belong to.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        The whole day on the left, the night on the right.
    """
    figure = Figure(figsize=(width_in, 0.36 * width_in), layout="constrained")
    whole, night = figure.subplots(1, 2)
    after = np.asarray(local_time_h, dtype=float) % 24.0
    for axes, shift in ((whole, 0.0), (night, 12.0)):
        hour = (after - shift) % 24.0
        order = np.argsort(hour)
        for (name, values), colour in zip(models.items(), _COLOURS, strict=False):
            axes.plot(hour[order], np.asarray(values, dtype=float)[order], color=colour, label=name)
            if name in measured:
                seen, kelvin = (np.asarray(part, dtype=float) for part in measured[name])
                axes.plot(
                    (seen - shift) % 24.0,
                    kelvin,
                    "o",
                    color=colour,
                    markersize=3.2,
                    markerfacecolor="white",
                    label=f"{name}, Diviner",
                )
    whole.set(xlim=(0, 24), xticks=range(0, 25, 6), xlabel="Local solar time [h]")
    night.set(xlim=(6, 18), ylim=(75, 135), xticks=range(6, 19, 3), xlabel="Time after noon [h]")
    for axes in (whole, night):
        axes.set_ylabel("Surface temperature [K]")
    legend_above(whole, width_in)
    return figure


@drawing
def shadow_figure(found: PatchGround, cell_m: float, width_in: float = FULL_IN) -> Figure:
    """Draw the extremes of a patch of terrain, with permanent shadow outlined.

    Parameters
    ----------
    found : PatchGround
        Temperatures of a patch.
    cell_m : float
        Size of its joined cells [m].
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Warmest, mean and coldest surface.
    """
    figure = Figure(figsize=(width_in, 0.3 * width_in), layout="constrained")
    rows, cols = found.sunlight_w_m2.shape
    half = np.array([-cols, cols, -rows, rows]) * cell_m / 2e3
    x = (np.arange(cols) + 0.5 - cols / 2) * cell_m / 1e3
    y = -(np.arange(rows) + 0.5 - rows / 2) * cell_m / 1e3
    ground = found.ground
    panels: Any = figure.subplots(1, 3, sharey=True)
    for axes, values, title in zip(
        panels,
        (ground.surface_max_k, ground.surface_mean_k, ground.surface_min_k),
        ("Warmest of the year", "Mean", "Coldest of the year"),
        strict=True,
    ):
        image = axes.imshow(values, extent=tuple(half), cmap="inferno", interpolation="nearest")
        if found.permanent_shadow.any() and not found.permanent_shadow.all():
            axes.contour(x, y, found.permanent_shadow.astype(float), levels=[0.5], colors=[SKY], linewidths=1.2)
        axes.set(title=title, xlabel="Across the map [km]")
        axes.grid(visible=False)
        figure.colorbar(image, ax=axes, shrink=0.85, label="Surface temperature [K]")
    panels[0].set_ylabel("Up the map [km]")
    return figure


@drawing
def equipment_figure(
    run: NetworkRun,
    network: Network,
    *,
    ground_k: npt.ArrayLike | None = None,
    nodes: Sequence[str] = (),
    width_in: float = FULL_IN,
) -> Figure:
    """Draw the temperatures of equipment with its limits, and the power of its heaters.

    Parameters
    ----------
    run : NetworkRun
        Temperatures through time.
    network : Network
        The equipment, for its limits.
    ground_k : array_like, shape (steps,), optional
        Temperature of the ground [K].
    nodes : sequence of str
        Nodes to draw; those of the network without outer layers of blankets if not given.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Temperatures above, heaters below.
    """
    figure = Figure(figsize=(width_in, 0.44 * width_in), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.4, 1.0]})
    days = run.time_s / _DAY_S
    limits = {node.name: node.operate_k for node in network.all_nodes}
    for name, colour in zip(nodes or [node.name for node in network.nodes], _COLOURS, strict=False):
        upper.plot(days, run.of(name), color=colour, label=name)
        for limit in limits.get(name) or ():
            upper.axhline(limit, color=colour, linewidth=0.9, linestyle=(0, (4, 3)))
    if ground_k is not None:
        upper.plot(days, np.asarray(ground_k), color=DARK, label="ground", zorder=0)
    upper.set_ylabel("Temperature [K]")
    legend_above(upper, width_in)
    # Thermostats switch within hours: shown is the mean of each day, or of each step where steps are longer.
    joined = max(1, min(round(_DAY_S / run.time_s[0]), len(days)))
    first = np.arange(0, len(days), joined)
    edges = np.append(days[first] - run.time_s[0] / _DAY_S, days[-1])
    for name, values, colour in zip(run.heaters, run.heater_w.T, _COLOURS, strict=False):
        counts = np.diff(np.append(first, len(days)))
        lower.stairs(
            np.add.reduceat(values, first) / counts, edges, color=colour, fill=True, label=f"heater {name}"
        )
    if run.heaters:
        legend_above(lower, width_in)
    lower.set(xlabel="Time from the start [d]", ylabel="Mean power [W]", xlim=(0, days[-1]), ylim=(0, None))
    return figure
