"""Orbits of stations in axes that turn with the Moon round the Earth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from moonpost.errors import InputError
from moonpost.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, drawing

if TYPE_CHECKING:
    from moonpost.flight.trajectory import Trajectory

__all__ = ["synodic_figure"]

Places = npt.NDArray[np.float64]

_STEP_S = 1800.0
_MOON_KM = 1737.4
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED)


@drawing
def synodic_figure(
    flown: Mapping[str, Trajectory], width_in: float, *, marked: tuple[str, ...] = ("umbra", "penumbra")
) -> Figure:
    """Draw flights about the Moon from the Earth's side and from the side, the Moon at rest in the middle.

    Parameters
    ----------
    flown : mapping of Trajectory by str
        Flights about the Moon with dense output, by the names in the legend.
    width_in : float
        Width [inch].
    marked : tuple of str
        Beginnings of the names of events that are marked on the way.

    Returns
    -------
    Figure
        Two panels of equal scale: along and across the line from the Earth, against the height over the plane of
        the Moon's orbit.

    Raises
    ------
    InputError
        If there is no flight or one is from the Earth's centre.
    """
    if not flown or any(flight.start.centre != "moon" for flight in flown.values()):
        raise InputError("no flights about the Moon", where="synodic_figure", advice="give some by name")
    drawn = {name: _drawn_km(flight, marked) for name, flight in flown.items()}
    every = np.concatenate([[[-_MOON_KM] * 3, [_MOON_KM] * 3], *(1e3 * way for way, _ in drawn.values())]) / 1e3
    wide = np.maximum(np.ptp(every, axis=0), 0.15 * np.ptp(every, axis=0).max())
    room = 0.86 * width_in / float(wide[0] + wide[1])
    figure = Figure(figsize=(width_in, min(room * float(wide[2]), 1.2 * width_in) + 1.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, width_ratios=wide[:2].tolist())
    for axes, column in zip(panels, (0, 1), strict=True):
        label = "edge of shadow"
        for (name, (way, spots)), colour in zip(drawn.items(), _COLOURS * len(drawn), strict=False):
            axes.plot(way[:, column], way[:, 2], color=colour, linewidth=0.6, alpha=0.8, label=name)
            if len(spots):
                axes.plot(spots[:, column], spots[:, 2], "o", color=INK, markersize=3, label=label)
                label = ""
        axes.add_patch(Circle((0.0, 0.0), _MOON_KM / 1e3, color=GREY, zorder=3))
        axes.set_aspect("equal")
    panels[0].set_xlabel("Away from the Earth [1000 km]")
    panels[1].set_xlabel("Along the Moon's motion [1000 km]")
    panels[0].set_ylabel("Above the plane of the Moon's orbit [1000 km]")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=len(drawn) + 1)
    return figure


def _drawn_km(flight: Trajectory, marked: tuple[str, ...]) -> tuple[Places, Places]:
    """The way and the places of marked events in turning axes [1000 km]."""
    dark = [event for event in flight.events if event.name.startswith(marked)]
    spots = np.array([event.state for event in dark]).reshape(-1, 6)
    return (
        _turned_km(flight, *flight.sampled(min(_STEP_S, abs(flight.duration_s) / 50.0))),
        _turned_km(flight, np.array([event.elapsed_s for event in dark]), spots),
    )


def _turned_km(flight: Trajectory, elapsed_s: Places, states: Places) -> Places:
    """Places from the Moon in turning axes [1000 km]."""
    from moonpost.flight.synodic import SynodicFrame

    if not len(elapsed_s):
        return np.empty((0, 3))
    frame = SynodicFrame.of(flight.env.kernels, flight.start.time_tdb_s + elapsed_s)
    return np.asarray(np.einsum("nij,nj->ni", frame.axes, states[:, :3]) / 1e6)
