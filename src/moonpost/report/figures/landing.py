"""Figures of landings: the calendar of opportunities, the descent, the ellipse on a map of hazards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.colors import ListedColormap
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Patch

from moonpost.report.figures.style import (
    BLUE,
    DARK,
    FULL_IN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    dates,
    drawing,
    legend_above,
)

if TYPE_CHECKING:
    from moonpost.flight.aiming import AimMap
    from moonpost.flight.descent import Descent
    from moonpost.flight.dispersion import Dispersion
    from moonpost.flight.landing import Opportunities
    from moonpost.flight.poweredpath import PoweredPath

__all__ = ["descent_profile", "ellipse_on_hazards", "opportunity_calendar"]

_BARS = {"plane": GREY, "Sun": ORANGE, "Earth or relay": BLUE, "light": "#B9A03A"}


@drawing
def opportunity_calendar(found: Opportunities, width_in: float = FULL_IN) -> Figure:
    """When each criterion of a landing is met, and when all are, under the course of the Sun.

    Parameters
    ----------
    found : Opportunities
        Opportunities.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Elevation of the Sun above a row of bars for each criterion.
    """
    names = [*found.criteria.names, "all"]
    figure = Figure(figsize=(width_in, 2.6 + 0.3 * len(names)), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[2.2, 0.34 * len(names)])
    time = date2num(found.time)
    upper.plot(time, found.sun_elevation_deg, color=ORANGE, linewidth=1.0)
    if found.criteria.sun_deg is not None and found.criteria.slope_deg == 0.0:
        upper.axhspan(*found.criteria.sun_deg, color=ORANGE, alpha=0.18, linewidth=0)
    upper.axhline(0.0, color=INK, linewidth=0.8)
    upper.set_ylabel("Sun elevation [deg]")
    half = 0.5 * float(np.median(np.diff(time))) if len(time) > 1 else 0.01
    for row, name in enumerate(names):
        flags = found.accepted if name == "all" else found.met[name]
        spans = _spans(time, flags, half)
        lower.broken_barh(spans, (row - 0.35, 0.7), color=GREEN if name == "all" else _BARS[name], linewidth=0)
    lower.set_yticks(range(len(names)), names)
    lower.set_ylim(len(names) - 0.5, -0.5)
    lower.grid(visible=False, axis="y")
    lower.tick_params(axis="y", length=0)
    dates(lower.xaxis, width_in)
    if len(time):
        lower.set_xlim(time[0], time[-1])
    return figure


@drawing
def descent_profile(found: Descent, width_in: float = FULL_IN) -> Figure:
    """Altitude over distance, and speed, pitch and thrust over time, of a powered descent.

    Parameters
    ----------
    found : Descent
        The descent.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Four panels.
    """
    path = found.path
    figure = Figure(figsize=(width_in, 5.2), layout="constrained")
    (height, speed), (pitch, thrust) = figure.subplots(2, 2)
    to_go = (path.downrange_m[-1] - path.downrange_m) / 1e3
    height.plot(to_go, path.altitude_m / 1e3, color=BLUE)
    height.invert_xaxis()
    height.set_xlabel("Distance to the site [km]")
    height.set_ylabel("Height above the site [km]")
    speed.plot(path.elapsed_s, path.onward_m_s, color=BLUE, label="horizontal")
    speed.plot(path.elapsed_s, -path.rise_m_s, color=ORANGE, label="downward")
    speed.set_ylabel("Speed [m/s]")
    legend_above(speed, width_in / 2)
    pitch.plot(path.elapsed_s, _turned(path), color=GREEN)
    pitch.set_ylabel("Thrust above the horizontal [deg]")
    thrust.plot(path.elapsed_s, path.thrust_n / 1e3, color=RED)
    thrust.set_ylim(bottom=0.0)
    thrust.set_ylabel("Thrust [kN]")
    marks = np.cumsum([phase.duration_s for phase in found.phases])[:-1]
    for axes in (speed, pitch, thrust):
        axes.set_xlabel("Time from ignition [s]")
        for mark in marks:
            axes.axvline(mark, color=DARK, linewidth=0.8, zorder=0)
    return figure


@drawing
def ellipse_on_hazards(
    hazard: npt.ArrayLike,
    cell_m: float,
    found: AimMap,
    spread: Dispersion,
    heading_deg: float,
    probability: float = 0.99,
    width_in: float = FULL_IN,
) -> Figure:
    """The ellipse of landings on a map of hazards, and the chance of a safe landing for each aim.

    Parameters
    ----------
    hazard : array_like, shape (rows, cols)
        1 hazardous, 0 safe, NaN unknown; the first row at the top.
    cell_m : float
        Side of a cell [m].
    found : AimMap
        Chances.
    spread : Dispersion
        Dispersion of landings.
    heading_deg : float
        Direction of flight, clockwise from the top of the map [deg].
    probability : float
        What the ellipse holds [1].
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Two maps side by side.
    """
    cells = np.asarray(hazard, dtype=np.float64)
    rows, cols = cells.shape
    extent = (-0.5 * cols * cell_m / 1e3, 0.5 * cols * cell_m / 1e3, -0.5 * rows * cell_m / 1e3,
              0.5 * rows * cell_m / 1e3)  # fmt: skip
    figure = Figure(figsize=(width_in, 0.5 * width_in), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    shown = np.where(np.isnan(cells), 2.0, cells)
    left.imshow(shown, extent=extent, cmap=ListedColormap(["#F3F5F7", "#A9B3BF", "#FFFFFF"]), vmin=0, vmax=2)
    picture = right.imshow(100.0 * found.chance, extent=extent, cmap="viridis", vmin=0, vmax=100)
    figure.colorbar(picture, ax=right, label="Chance of safe ground [%]")
    x = ((found.col + 0.5) * cell_m / 1e3) + extent[0]
    y = extent[3] - (found.row + 0.5) * cell_m / 1e3
    long, short = (2.0 * half / 1e3 for half in spread.ellipse_m(probability))
    for axes, colour in ((left, RED), (right, "white")):
        turn = 90.0 - heading_deg - spread.axis_from_track_deg
        axes.add_patch(Ellipse((x, y), long, short, angle=turn, fill=False, color=colour, linewidth=1.6))
        axes.plot([x], [y], marker="+", color=colour, markersize=9)
        axes.grid(visible=False)
        axes.set_xlabel("Across the map from its middle [km]")
    left.set_ylabel("Up the map from its middle [km]")
    handles = [
        Patch(facecolor="#A9B3BF", label="hazardous"),
        Patch(facecolor="#F3F5F7", edgecolor=DARK, label="safe"),
        Patch(fill=False, edgecolor=RED, label=f"holds {100 * probability:g} % of landings"),
    ]
    legend_above(left, width_in / 2, handles)
    return figure


def _spans(time: npt.NDArray[np.float64], flags: npt.NDArray[np.bool_], half: float) -> list[tuple[float, float]]:
    """Bars of the instants at which flags are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [
        (float(time[a]) - half, float(time[b - 1] - time[a]) + 2.0 * half)
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def _turned(path: PoweredPath) -> npt.NDArray[np.float64]:
    """Thrust above the horizontal, backward thrust counted from behind, without jumps."""
    pitch = np.radians(path.pitch_deg)
    back = math.copysign(1.0, float(path.onward_m_s[0] - path.onward_m_s[-1]))
    return np.degrees(np.arctan2(np.sin(pitch), -back * np.cos(pitch)))
