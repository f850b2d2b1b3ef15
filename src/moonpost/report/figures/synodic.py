"""Orbits of stations in axes that turn with the Moon round the Earth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from moonpost.errors import InputError
from moonpost.report.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, drawing, legend_above

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from moonpost.flight.trajectory import Trajectory

__all__ = ["synodic_figure"]

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
    figure = Figure(figsize=(width_in, 0.62 * width_in), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for (name, flight), colour in zip(flown.items(), _COLOURS * len(flown), strict=False):
        times, states = flight.sampled(min(_STEP_S, abs(flight.duration_s) / 50.0))
        places = _turned_km(flight, times, states)
        dark = [event for event in flight.events if event.name.startswith(marked)]
        spots = _turned_km(
            flight, np.array([event.elapsed_s for event in dark]), np.array([event.state for event in dark])
        )
        for axes, column in zip(panels, (0, 1), strict=True):
            axes.plot(places[:, column], places[:, 2], color=colour, linewidth=0.6, alpha=0.8, label=name)
            if dark:
                axes.plot(spots[:, column], spots[:, 2], "o", color=INK, markersize=3, label="edge of shadow")
    for axes, name in zip(
        panels, ("Away from the Earth [1000 km]", "Along the Moon's motion [1000 km]"), strict=True
    ):
        _moon(axes)
        axes.set_aspect("equal")
        axes.set_xlabel(name)
        legend_above(axes, width_in / 2)
    panels[0].set_ylabel("Above the plane of the Moon's orbit [1000 km]")
    return figure


def _turned_km(
    flight: Trajectory, elapsed_s: npt.NDArray[np.float64], states: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Places from the Moon in turning axes [1000 km]."""
    from moonpost.flight.synodic import SynodicFrame

    if not len(elapsed_s):
        return np.empty((0, 3))
    frame = SynodicFrame.of(flight.env.kernels, flight.start.time_tdb_s + elapsed_s)
    return np.asarray(np.einsum("nij,nj->ni", frame.axes, states[:, :3]) / 1e6)


def _moon(axes: Axes) -> None:
    """The Moon to scale."""
    from matplotlib.patches import Circle

    axes.add_patch(Circle((0.0, 0.0), _MOON_KM / 1e3, color=GREY, zorder=3))
