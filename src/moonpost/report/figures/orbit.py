"""A lunar orbit over the ground: its track, and its altitude over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, INK, ORANGE, dates, drawing

__all__ = ["orbit_figure"]

Floats = npt.NDArray[np.float64]
_FEW = 10_000
_JUMP_DEG = 40.0


@drawing
def orbit_figure(
    time: npt.NDArray[np.datetime64],
    latitude_deg: Floats,
    longitude_deg: Floats,
    altitude_m: Floats,
    width_in: float,
) -> Figure:
    """Draw the track of an orbit over the ground and its altitude over time.

    Parameters
    ----------
    time : ndarray of datetime64, shape (n,)
        UTC, ascending.
    latitude_deg, longitude_deg : ndarray, shape (n,)
        Of the point below, MOON_ME [deg].
    altitude_m : ndarray, shape (n,)
        Above the 1737.4 km sphere [m].
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Two panels; start and end are marked.
    """
    figure = Figure(figsize=(width_in, 0.78 * width_in), layout="constrained")
    ground, height = figure.subplots(2, 1, height_ratios=(2.1, 1.0))
    east = (longitude_deg + 180.0) % 360.0 - 180.0
    # A line that leaves the map on one side, or passes a pole, must not be drawn across it.
    jumps = np.flatnonzero(np.abs(np.diff(east)) > _JUMP_DEG) + 1
    lines = np.insert(east, jumps, np.nan), np.insert(latitude_deg, jumps, np.nan)
    dense = len(time) > _FEW
    ground.plot(*lines, color=BLUE, linewidth=0.4 if dense else 1.0, alpha=0.7 if dense else 1.0)
    ground.plot(east[0], latitude_deg[0], "o", color=INK, markersize=6, label="start")
    ground.plot(east[-1], latitude_deg[-1], "s", color=ORANGE, markersize=6, label="end")
    ground.set(xlim=(-180, 180), ylim=(-90, 90), xticks=range(-180, 181, 30), yticks=range(-90, 91, 30))
    ground.set_xlabel("Longitude, east [deg]")
    ground.set_ylabel("Latitude [deg]")
    ground.set_title("Track over the ground (MOON_ME)")
    ground.legend(loc="upper right", bbox_to_anchor=(1.0, 1.08), ncols=2)
    height.plot(time, 1e-3 * altitude_m, color=BLUE, linewidth=0.5 if dense else 1.2)
    height.set_ylabel("Altitude [km]")
    height.set_title("Altitude above 1737.4 km")
    height.margins(x=0.01)
    dates(height.xaxis, width_in)
    return figure
