"""Parallels and meridians of a map, and where their labels stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from moonpost.terrain.area import MapArea

__all__ = ["Graticule", "GraticuleLine", "graticule"]

Floats = npt.NDArray[np.float64]

_LATITUDE_STEPS = (30.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_LONGITUDE_STEPS = (90.0, 60.0, 45.0, 30.0, 20.0, 15.0, 10.0, *_LATITUDE_STEPS[3:])
_POINTS = 721
_LOOK = 41


@dataclass(frozen=True, eq=False)
class GraticuleLine:
    """One parallel or meridian.

    Parameters
    ----------
    x_m, y_m : ndarray, shape (n,)
        Its points in map coordinates [m].
    label : str
        Such as ``"85° S"``.
    meridian : bool
        Whether it is a meridian.
    ends : tuple of (x_m, y_m, side)
        Where it crosses the frame; `side` is one of ``"left"``, ``"right"``, ``"bottom"``, ``"top"``.
    """

    x_m: Floats
    y_m: Floats
    label: str
    meridian: bool
    ends: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, eq=False)
class Graticule:
    """All lines of a map.

    Parameters
    ----------
    lines : tuple of GraticuleLine
        Parallels, then meridians.
    pole : tuple of float or None
        Map coordinates of the pole [m], if it is on the map.
    """

    lines: tuple[GraticuleLine, ...]
    pole: tuple[float, float] | None


def graticule(area: MapArea, width_in: float = 6.0, height_in: float = 6.0) -> Graticule:
    """Choose parallels and meridians for a map and find where they leave it.

    Parameters
    ----------
    area : MapArea
        The map.
    width_in, height_in : float
        Size of the map on the page [inch]; small maps get fewer lines.

    Returns
    -------
    Graticule
        Three to seven lines of each kind; every 30 degrees of longitude where the pole is on the map.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> lines = graticule(MapArea.about(-90.0, 0.0, 400e3, cell_m=4000.0)).lines
    >>> [line.label for line in lines if not line.meridian]
    ['88° S', '86° S', '84° S', '82° S']
    """
    frame = _frame(area)
    latitude, longitude = _sampled(area, frame)
    centre = area.centre
    side = -1.0 if centre.latitude_deg < 0.0 else 1.0
    x, y = _xy(area, np.array([90.0 * side]), np.zeros(1))
    inside = frame[0] < x[0] < frame[1] and frame[2] < y[0] < frame[3]
    pole = (float(x[0]), float(y[0])) if inside else None
    if pole is None:
        about = (longitude - centre.longitude_deg + 180.0) % 360.0 - 180.0
        east, west = float(about.max()) + centre.longitude_deg, float(about.min()) + centre.longitude_deg
        low, high = float(latitude.min()), float(latitude.max())
        step = _step(_LATITUDE_STEPS, high - low, 4.0 if height_in < 4.0 else 6.0)
        turn = _step(_LONGITUDE_STEPS, east - west, 4.0 if width_in < 4.0 else 6.0)
        parallels = _multiples(low, high, step)
        meridians = _multiples(west, east, turn)
    else:
        reach = float(np.abs(90.0 * side - latitude).max())
        step = _step(_LATITUDE_STEPS, reach, 3.0 if min(width_in, height_in) < 4.0 else 4.5)
        turn, west, east = (45.0 if width_in < 3.0 else 30.0), 0.0, 360.0
        parallels = side * (90.0 - step * np.arange(1.0, int(reach / step) + 1.0))
        meridians = np.arange(0.0, 360.0, turn)
        low, high = sorted((side * (90.0 - reach), 90.0 * side))
    margin = 0.02 * (high - low)
    lines = [_parallel(area, frame, value, (west, east), step) for value in parallels]
    for value in meridians:
        top = 90.0 * side if pole is not None else None
        if pole is not None and value % 90.0 != 0.0 and len(parallels):
            top = float(parallels[0])
        lines.append(_meridian(area, frame, float(value), (low - margin, high + margin), turn, top, side))
    return Graticule(tuple(line for line in lines if line.x_m.size > 1), pole)


def _frame(area: MapArea) -> tuple[float, float, float, float]:
    """Left, right, bottom and top edge in map coordinates."""
    half = 0.5 * area.cell_m
    return (
        float(area.x_m[0]) - half,
        float(area.x_m[-1]) + half,
        float(area.y_m[-1]) - half,
        float(area.y_m[0]) + half,
    )


def _sampled(area: MapArea, frame: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    """Latitudes and longitudes over the map, edges included."""
    from moonpost.terrain.area import MapArea as Area

    cols = np.unique(np.linspace(0, area.shape[1] - 1, min(_LOOK, area.shape[1])).astype(int))
    rows = np.unique(np.linspace(0, area.shape[0] - 1, min(_LOOK, area.shape[0])).astype(int))
    found = [area.places(slice(row, row + 1)) for row in rows]
    latitude = np.concatenate([part[0][:, cols] for part in found]).ravel()
    longitude = np.concatenate([part[1][:, cols] for part in found]).ravel()
    corners = [
        Area(area.wkt, np.array([x]), np.array([y]), area.cell_m).centre
        for x in frame[:2]
        for y in frame[2:]
    ]  # fmt: skip
    return (
        np.concatenate([latitude, [place.latitude_deg for place in corners]]),
        np.concatenate([longitude, [place.longitude_deg for place in corners]]),
    )


def _step(steps: tuple[float, ...], span: float, many: float) -> float:
    """Largest step that gives about so many lines over a span."""
    return next((step for step in steps if span / step >= 0.5 * many), steps[-1])


def _multiples(low: float, high: float, step: float) -> Floats:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return np.asarray(np.arange(first, last + 1) * step, dtype=np.float64)


def _xy(area: MapArea, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    """Map coordinates of places."""
    row, col = area.locate(np.clip(latitude, -90.0, 90.0), longitude)
    return float(area.x_m[0]) + col * area.cell_m, float(area.y_m[0]) - row * area.cell_m


def _parallel(
    area: MapArea, frame: tuple[float, float, float, float], value: float, span: tuple[float, float], step: float
) -> GraticuleLine:
    west, east = span
    margin = min(0.05 * (east - west), 0.5 * max(360.0 - (east - west), 0.0))
    longitude = np.linspace(west - margin, east + margin, _POINTS)
    x, y = _xy(area, np.full(_POINTS, value), longitude)
    text = f"{_number(abs(value), step)}° {'S' if value < 0 else 'N'}" if value else "0°"
    return GraticuleLine(x, y, text, False, _ends(x, y, frame))


def _meridian(
    area: MapArea,
    frame: tuple[float, float, float, float],
    value: float,
    span: tuple[float, float],
    turn: float,
    top: float | None,
    side: float,
) -> GraticuleLine:
    low, high = max(span[0], -90.0), min(span[1], 90.0)
    if top is not None:
        low, high = (low, top) if side > 0 else (top, high)
    latitude = np.linspace(low, high, _POINTS)
    x, y = _xy(area, latitude, np.full(_POINTS, value))
    east = value % 360.0
    text = f"{_number(east, turn)}° E" if east else "0°"
    return GraticuleLine(x, y, text, True, _ends(x, y, frame))


def _number(value: float, step: float) -> str:
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1.0 else 0
    return f"{value:.{digits}f}"


def _ends(x: Floats, y: Floats, frame: tuple[float, float, float, float]) -> tuple[tuple[float, float, str], ...]:
    """Where a line crosses the frame."""
    left, right, bottom, top = frame
    inside = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
    found = []
    for k in np.flatnonzero(inside[1:] != inside[:-1]):
        a, b = (k, k + 1) if inside[k] else (k + 1, k)
        found.append(_exit(float(x[a]), float(y[a]), float(x[b]), float(y[b]), frame))
    return tuple(found)


def _exit(
    x: float, y: float, x_out: float, y_out: float, frame: tuple[float, float, float, float]
) -> tuple[float, float, str]:
    """The point at which a step leaves the frame, and through which side."""
    left, right, bottom, top = frame
    ways: list[tuple[float, str]] = []
    for edge, start, stop, side in (
        (left, x, x_out, "left"),
        (right, x, x_out, "right"),
        (bottom, y, y_out, "bottom"),
        (top, y, y_out, "top"),
    ):
        beyond = stop < edge if side in ("left", "bottom") else stop > edge
        if beyond and stop != start:
            ways.append(((edge - start) / (stop - start), side))
    share, side = min(ways, default=(1.0, "right"))
    return x + share * (x_out - x), y + share * (y_out - y), side
