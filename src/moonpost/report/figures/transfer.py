"""Pictures of a transfer: the way from the Earth to the Moon, and the passage or capture there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from moonpost.errors import InputError
from moonpost.files import atomic_path
from moonpost.report.figures.style import BLUE, FULL_IN, INK, RED, drawing

if TYPE_CHECKING:
    from moonpost.flight.environment import Environment

__all__ = ["save_transfer", "transfer_figure"]

Floats = npt.NDArray[np.float64]

_MOON_KM = 1737.4
_NEAR_KM = 15_000.0


@drawing
def transfer_figure(
    env: Environment,
    tdb_s: Floats,
    states: Floats,
    capture: Floats | None = None,
    title: str = "",
    width_in: float = FULL_IN,
) -> Figure:
    """Draw a transfer round the Earth and near the Moon.

    Parameters
    ----------
    env : Environment
        Where the bodies stand; covers the flight.
    tdb_s : ndarray, shape (n,)
        Instants, in any order of time, TDB since J2000 [s].
    states : ndarray, shape (n, 6)
        From the centre of the Earth, J2000 [m], [m/s].
    capture : ndarray, shape (m, 3), optional
        Positions of the orbit after capture, from the Moon [m].
    title : str
        Heading.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Left the way in the plane of the Moon's orbit, from the Earth, with the Moon's way; right the part near the
        Moon in the plane of the flight.

    Raises
    ------
    InputError
        If there are too few states.
    """
    if len(tdb_s) < 3 or np.shape(states) != (len(tdb_s), 6):
        raise InputError(f"{len(tdb_s)} states", where="transfer picture", advice="give three or more")
    order = np.argsort(tdb_s)
    times, way = np.asarray(tdb_s)[order], np.asarray(states)[order]
    moon = env.body_state("moon", times)
    figure = Figure(figsize=(width_in, 0.55 * width_in), layout="constrained")
    left, right = figure.subplots(1, 2)
    _round_earth(left, way, moon)
    _near_moon(right, way - moon, capture)
    if title:
        figure.suptitle(title)
    return figure


def save_transfer(path: str | Path, *args: Any, **options: Any) -> None:
    """Draw a transfer and keep the picture.

    Parameters
    ----------
    path : str or Path
        A file that ends in ``.png``.
    *args, **options
        As for `transfer_figure`.

    Raises
    ------
    InputError
        If the name ends in something else, or there are too few states.
    OutputError
        If the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InputError(f"{target.name}", where="--plot", advice="give a file name that ends in .png")
    figure = transfer_figure(*args, **options)
    with atomic_path(target) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110)


def _round_earth(axes: Any, way: Floats, moon: Floats) -> None:
    """The way from the Earth, seen from the pole of the Moon's orbit, in 1000 km."""
    pole = np.cross(moon[-1, :3], moon[-1, 3:])
    first = moon[-1, :3] / np.linalg.norm(moon[-1, :3])
    second = np.cross(pole / np.linalg.norm(pole), first)
    flat = np.stack([first, second], axis=1)
    there, path = 1e-6 * moon[:, :3] @ flat, 1e-6 * way[:, :3] @ flat
    axes.plot(there[:, 0], there[:, 1], color=INK, lw=0.8, ls=":", label="Moon")
    axes.plot(path[:, 0], path[:, 1], color=BLUE, lw=1.2, label="flight")
    near = int(np.argmin(np.linalg.norm(way[:, :3] - moon[:, :3], axis=1)))
    axes.plot(*there[near], "o", color=INK, ms=4)
    axes.plot(0.0, 0.0, "o", color=RED, ms=5)
    axes.annotate("Earth", (0.0, 0.0), xytext=(4, 4), textcoords="offset points")
    axes.annotate("Moon at perilune", there[near], xytext=(-6, 9), textcoords="offset points", ha="right")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("From the Earth, towards the Moon at the end [1000 km]")
    axes.set_ylabel("Along its motion [1000 km]")
    axes.legend(loc="best")


def _near_moon(axes: Any, apart: Floats, capture: Floats | None) -> None:
    """The part near the Moon, in the plane of the flight, in km."""
    distance = np.linalg.norm(apart[:, :3], axis=1)
    low = int(np.argmin(distance))
    first = apart[low, :3] / distance[low]
    pole = np.cross(apart[low, :3], apart[low, 3:])
    second = np.cross(pole / np.linalg.norm(pole), first)
    flat = np.stack([first, second], axis=1)
    reach = max(_NEAR_KM, 2.0e-3 * float(distance[low]))
    if capture is not None:
        far = 1e-3 * float(np.linalg.norm(capture, axis=1).max())
        reach = max(min(reach, 2.2 * far), 1.1 * far)
        path = 1e-3 * np.asarray(capture) @ flat
        axes.plot(path[:, 0], path[:, 1], color=RED, lw=1.0, label="captured")
    shown = 1e-3 * apart[distance < 2.5e3 * reach][:, :3] @ flat
    axes.plot(shown[:, 0], shown[:, 1], color=BLUE, lw=1.2, label="flight")
    axes.add_patch(Circle((0.0, 0.0), _MOON_KM, facecolor="0.85", edgecolor=INK, lw=0.8))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_xlabel("From the Moon, towards perilune [km]")
    axes.set_ylabel("Along the motion there [km]")
    axes.legend(loc="best")
