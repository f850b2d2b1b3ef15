"""What is drawn over a map: graticule, places, routes, outlines, scale bar and direction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.patheffects import Stroke, withStroke

from moonpost.report.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, RED
from moonpost.report.mapgraticule import Graticule, GraticuleLine
from moonpost.report.mapsheet import MapSheet

if TYPE_CHECKING:
    from moonpost.terrain.area import MapArea

__all__ = [
    "LABEL_PT",
    "ROUTE_COLOURS",
    "draw_direction",
    "draw_graticule",
    "draw_places",
    "draw_routes",
    "draw_scale",
    "extent_m",
]

LABEL_PT = 7.5
"""Size of labels on a map [points]."""
ROUTE_COLOURS = (ORANGE, PURPLE, BLUE, RED, GREEN)
"""Colours of routes, in their order."""

Place = tuple[float, float]
Route = tuple[npt.ArrayLike, npt.ArrayLike]
Box = tuple[float, float, float, float]
End = tuple[float, float, str]

_HALO = "#FFFFFFD9"
_LETTER_IN, _LINE_IN = 0.062, 0.13
_OUTSIDE = {
    "left": ((-4, 0), "right", "center"),
    "right": ((4, 0), "left", "center"),
    "bottom": ((0, -4), "center", "top"),
    "top": ((0, 4), "center", "bottom"),
}
_AROUND = (
    (0.08, 0.0, "left"),
    (-0.08, 0.0, "right"),
    (0.0, 0.15, "center"),
    (0.0, -0.15, "center"),
    (0.07, 0.13, "left"),
    (-0.07, 0.13, "right"),
    (0.07, -0.13, "left"),
    (-0.07, -0.13, "right"),
)


def extent_m(area: MapArea) -> Box:
    """Left, right, bottom and top edge of a map [m].

    Parameters
    ----------
    area : MapArea
        The map.

    Returns
    -------
    tuple of float
        As matplotlib takes an extent.
    """
    half = 0.5 * area.cell_m
    x, y = area.x_m, area.y_m
    return float(x[0]) - half, float(x[-1]) + half, float(y[-1]) - half, float(y[0]) + half


def draw_graticule(axes: Any, area: MapArea, lines: Graticule, sheet: MapSheet) -> None:
    """Draw parallels and meridians with their labels.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The map.
    area : MapArea
        Its grid.
    lines : Graticule
        The lines.
    sheet : MapSheet
        The page, for the room that labels take.

    Notes
    -----
    Labels stand outside the frame where a line leaves it; where the pole is on the map those of parallels stand on
    the lines. A label that would touch another is left out.
    """
    effects = [Stroke(linewidth=1.3, foreground="#FFFFFF66"), Stroke(linewidth=0.5, foreground="#1D2733A6")]
    for line in lines.lines:
        axes.plot(line.x_m, line.y_m, color=INK, linewidth=0.5, zorder=3, path_effects=effects)
    edges = _EdgeLabels(axes, extent_m(area), sheet.map_in[2] / (area.shape[1] * area.cell_m))
    for line in sorted(lines.lines, key=lambda item: item.meridian != (lines.pole is not None)):
        if lines.pole is not None and not line.meridian:
            _label_on_line(axes, line, lines.pole, extent_m(area))
        elif line.ends:
            edges.write(_labelled_end(line, lines.pole is not None), line.label)
    if lines.pole is not None:
        halo = [withStroke(linewidth=2.4, foreground=_HALO)]
        axes.plot(*lines.pole, marker="+", markersize=8, color=INK, zorder=4, path_effects=halo)


def _labelled_end(line: GraticuleLine, polar: bool) -> End:
    """The end of a line that gets its label: meridians below or above, parallels at the left or right."""
    if polar:
        return line.ends[0]
    order = ("bottom", "top", "right", "left") if line.meridian else ("left", "right", "bottom", "top")
    return min(line.ends, key=lambda end: order.index(end[2]))


class _EdgeLabels:
    """Labels outside the frame, none of which touch."""

    def __init__(self, axes: Any, extent: Box, inches: float) -> None:
        self._axes, self._extent, self._inches = axes, extent, inches
        self._taken: list[tuple[str, float, float]] = []

    def write(self, end: End, text: str) -> None:
        """Write a label at the end of a line if there is room."""
        x, y, side = end
        upright = side in ("left", "right")
        along = (y if upright else x) * self._inches
        half = 0.5 * (_LINE_IN if upright else _LETTER_IN * len(text)) + 0.03
        low, high = (edge * self._inches for edge in (self._extent[2:] if upright else self._extent[:2]))
        near = any(side == other and abs(along - at) < half + size for other, at, size in self._taken)
        if near or not low - 0.3 < along < high + 0.3:
            return
        self._taken.append((side, along, half))
        shift, across, up = _OUTSIDE[side]
        self._axes.annotate(
            text,
            (x, y),
            xytext=shift,
            textcoords="offset points",
            fontsize=LABEL_PT,
            ha=across,
            va=up,
            annotation_clip=False,
        )


def _label_on_line(axes: Any, line: GraticuleLine, pole: tuple[float, float], extent: Box) -> None:
    """A label on a parallel about the pole, in the first direction in which it lies well inside the map."""
    left, right, bottom, top = extent
    margin_x, margin_y = 0.06 * (right - left), 0.04 * (top - bottom)
    x, y = line.x_m, line.y_m
    inside = (np.abs(x - 0.5 * (left + right)) < 0.5 * (right - left) - margin_x) & (
        np.abs(y - 0.5 * (top + bottom)) < 0.5 * (top - bottom) - margin_y
    )
    turn = np.degrees(np.arctan2(x - pole[0], y - pole[1]))
    for wanted in (15.0, -15.0, 45.0, -45.0, 165.0, -165.0, 135.0, -135.0, 75.0, -75.0, 105.0, -105.0):
        k = int(np.argmin(np.abs((turn - wanted + 180.0) % 360.0 - 180.0)))
        if inside[k]:
            halo = [withStroke(linewidth=2.2, foreground=_HALO)]
            look = {
                "fontsize": LABEL_PT - 0.5,
                "ha": "center",
                "va": "center",
                "zorder": 5.5,
                "path_effects": halo,
            }
            axes.text(x[k], y[k], line.label, **look)
            return


def draw_routes(axes: Any, area: MapArea, routes: Mapping[str, Route]) -> None:
    """Draw lines over a map.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The map.
    area : MapArea
        Its grid.
    routes : mapping of str to (latitudes_deg, longitudes_deg)
        Points of each line [deg], by name.
    """
    halo = [withStroke(linewidth=3.4, foreground=_HALO)]
    for k, (latitudes, longitudes) in enumerate(routes.values()):
        row, col = area.locate(np.asarray(latitudes, dtype=float), np.asarray(longitudes, dtype=float))
        x, y = area.x_m[0] + col * area.cell_m, area.y_m[0] - row * area.cell_m
        look: dict[str, Any] = {"color": ROUTE_COLOURS[k % len(ROUTE_COLOURS)], "linewidth": 1.7, "zorder": 5}
        axes.plot(x, y, solid_capstyle="round", path_effects=halo, **look)


def draw_places(axes: Any, area: MapArea, places: Mapping[str, Place], sheet: MapSheet) -> None:
    """Mark places and write their names where there is room.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The map.
    area : MapArea
        Its grid.
    places : mapping of str to (latitude_deg, longitude_deg)
        The places [deg]; those off the map are left out.
    sheet : MapSheet
        The page.
    """
    _, _, wide, high = sheet.map_in
    rows, cols = area.shape
    spots: list[tuple[str, float, float]] = []
    for name, (latitude, longitude) in places.items():
        row, col = (float(value) for value in area.locate(latitude, longitude))
        if -0.5 <= row <= rows - 0.5 and -0.5 <= col <= cols - 0.5:
            spots.append((name, (col + 0.5) / cols * wide, (rows - 0.5 - row) / rows * high))
    taken = [(x - 0.06, y - 0.06, x + 0.06, y + 0.06) for _, x, y in spots]
    left, right, bottom, top = extent_m(area)
    for name, x, y in spots:
        across, up, align, box = _free_side(name, x, y, (wide, high), taken)
        taken.append(box)
        at = (left + x / wide * (right - left), bottom + y / high * (top - bottom))
        axes.plot(
            *at, marker="o", markersize=5.5, color="white", markeredgecolor=INK, markeredgewidth=1.2, zorder=6
        )
        axes.annotate(
            name,
            at,
            xytext=(across * 72.0, up * 72.0),
            textcoords="offset points",
            fontsize=8,
            fontweight="bold",
            ha=align,
            va="center",
            zorder=7,
            path_effects=[withStroke(linewidth=2.6, foreground=_HALO)],
        )


def _free_side(
    name: str, x: float, y: float, size: tuple[float, float], taken: list[Box]
) -> tuple[float, float, str, Box]:
    """Where a name fits beside its mark: the first free side, else the one nearer the middle."""
    length, tall = 0.078 * len(name) + 0.04, 0.15
    found = []
    for across, up, align in _AROUND:
        left = x + across - {"left": 0.0, "right": length, "center": length / 2}[align]
        box = (left, y + up - tall / 2, left + length, y + up + tall / 2)
        inside = box[0] > 0 and box[2] < size[0] and box[1] > 0 and box[3] < size[1]
        if inside and all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3] for b in taken):
            return across, up, align, box
        found.append((across, up, align, box))
    return found[0] if x < size[0] / 2 else found[1]


def draw_scale(axes: Any, area: MapArea, sheet: MapSheet) -> None:
    """Draw a bar of round length, true on the ground at the middle of the map.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Room for it, of the size of ``sheet.scale_in``.
    area : MapArea
        The map.
    sheet : MapSheet
        The page.
    """
    centre = area.centre
    scale = float(area.scale(centre.latitude_deg, centre.longitude_deg))
    ground = area.shape[1] * area.cell_m / scale / sheet.map_in[2]
    _, _, wide, high = sheet.scale_in
    raw = min(0.8 * wide, sheet.map_in[2]) * ground
    unit = 10.0 ** math.floor(math.log10(raw))
    length = next(factor * unit for factor in (8.0, 5.0, 4.0, 2.0, 1.0) if factor * unit <= raw)
    inches = length / ground
    axes.set_xlim(0, wide)
    axes.set_ylim(0, high)
    for part in range(4):
        face = INK if part % 2 == 0 else "white"
        axes.barh(0.17, inches / 4, height=0.07, left=part * inches / 4, color=face, edgecolor=INK, linewidth=0.7)
    kilometres = length >= 1000.0
    for share in (0.0, 0.5, 1.0) if inches > 0.7 else (0.0, 1.0):
        text = f"{share * length / (1000.0 if kilometres else 1.0):g}"
        text += (" km" if kilometres else " m") if share == 1.0 else ""
        axes.text(share * inches, 0.25, text, fontsize=LABEL_PT, ha="center", va="bottom", clip_on=False)


def draw_direction(axes: Any, area: MapArea, lines: Graticule) -> None:
    """Draw arrows to the north, and near a pole to the meridian below the Earth.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Room for them, 1.4 by 0.42 inch.
    area : MapArea
        The map; directions are those at its middle.
    lines : Graticule
        Its lines: with the pole on the map no direction is north.
    """
    centre = area.centre
    turn = float(area.convergence_deg(centre.latitude_deg, centre.longitude_deg))
    arrows = [] if lines.pole is not None else [(turn, "N")]
    if abs(centre.latitude_deg) >= 60.0:
        arrows.append((_to_meridian(area), "0° (Earth)" if lines.pole is not None else "Earth"))
    axes.set_xlim(0, 1.4)
    axes.set_ylim(0, 0.42)
    for k, (azimuth, text) in enumerate(arrows):
        x, y = 0.16 * math.sin(math.radians(azimuth)), 0.16 * math.cos(math.radians(azimuth))
        middle = (0.18 + 0.56 * k, 0.21)
        axes.annotate(
            "",
            (middle[0] + x, middle[1] + y),
            (middle[0] - x, middle[1] - y),
            arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )
        look = {"fontsize": 8, "fontweight": "bold", "ha": "left", "va": "center", "clip_on": False}
        axes.text(middle[0] + 0.2, middle[1], text, **look)


def _to_meridian(area: MapArea) -> float:
    """Map azimuth [deg] from the nearer pole along the meridian of longitude 0."""
    pole = -90.0 if area.centre.latitude_deg < 0.0 else 90.0
    rows, cols = area.locate(np.array([pole, 0.99 * pole]), np.zeros(2))
    return math.degrees(math.atan2(float(cols[1] - cols[0]), float(rows[0] - rows[1])))
