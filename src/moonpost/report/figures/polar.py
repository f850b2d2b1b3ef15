"""The map of the sites round the pole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from moonpost.report.figures.style import INK, ORANGE, drawing, short
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    from moonpost.terrain import Terrain, TerrainWindow

__all__ = ["MapSite", "map_figure", "map_sites", "polar_place"]

_RADIUS_M = 1_737_400.0
_REACH_DEG = 15.0
_PIXELS = 420


@dataclass(frozen=True)
class MapSite:
    """A site on the map, with its place in map coordinates [m]."""

    site: str
    name: str
    x_m: float
    y_m: float
    baseline: bool
    number: int


def polar_place(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    """Place on the polar stereographic map of its own hemisphere.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        Place [deg].

    Returns
    -------
    x_m, y_m : float
        Map coordinates [m], true to scale at the pole: longitude 0 is up in the south and down in the north.

    Examples
    --------
    >>> x_m, y_m = polar_place(-89.0, 90.0)
    >>> round(x_m / 1e3, 1), round(y_m / 1e3, 1)
    (30.3, 0.0)
    """
    away = math.radians(90.0 - abs(latitude_deg))
    radius = 2.0 * _RADIUS_M * math.tan(away / 2.0)
    side = 1.0 if latitude_deg > 0 else -1.0
    turn = math.radians(longitude_deg)
    return radius * math.sin(turn), -side * radius * math.cos(turn)


def map_sites(record: StudyRecord) -> tuple[MapSite, ...]:
    """The sites of a study for the polar map.

    Parameters
    ----------
    record : StudyRecord
        The study's record.

    Returns
    -------
    tuple of MapSite
        The baseline first; empty unless all sites lie within 15 degrees of one pole.
    """
    rows = {row.site: row for row in record.site.rows}.values()
    polar = all(abs(row.latitude_deg) >= 90.0 - _REACH_DEG for row in rows)
    if not rows or not polar or len({row.latitude_deg > 0 for row in rows}) > 1:
        return ()
    home_first = sorted(rows, key=lambda row: row.site != record.site.baseline)
    return tuple(
        MapSite(
            row.site,
            row.name,
            *polar_place(row.latitude_deg, row.longitude_deg),
            row.site == record.site.baseline,
            k,
        )
        for k, row in enumerate(home_first, start=1)
    )


@drawing
def map_figure(record: StudyRecord, terrain: Terrain, width_in: float) -> Figure:
    """Draw a shaded map of all sites, and one of those near the baseline.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    terrain : Terrain
        Heights for the relief.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        One or two maps with graticule and scale bar; sites carry the numbers of the key below them.
    """
    sites = map_sites(record)
    reach = 1.25 * max(15e3, *(max(abs(item.x_m), abs(item.y_m)) for item in sites))
    near = _near(sites, reach)
    wide = width_in >= 6.0
    count = 2 if near else 1
    side = width_in / 2 if wide else width_in
    height = side + 0.1 + 0.2 * len(sites) if wide else (side + 0.2) * count + 0.2 * len(sites)
    figure = Figure(figsize=(width_in, height), layout="constrained")
    panels = figure.subplots(1 if wide else count, count if wide else 1, squeeze=False).ravel()
    south = record.site.rows[0].latitude_deg < 0
    inset = _inside(sites, near) if near else ()
    _panel(panels[0], terrain, south, (0.0, 0.0, reach), sites, inset)
    panels[0].set_title("All sites")
    if near:
        x, y, half = near
        panels[0].add_patch(
            Rectangle((_km(x - half), _km(y - half)), _km(2 * half), _km(2 * half), fill=False, ec=ORANGE, lw=1.6)
        )
        _panel(panels[1], terrain, south, near, inset, ())
        panels[1].set_title("Around the baseline (orange frame)")
    _key(figure, sites, width_in)
    return figure


def _km(length_m: float) -> float:
    return length_m / 1e3


def _near(sites: Sequence[MapSite], reach: float) -> tuple[float, float, float] | None:
    """Centre and half width of a closer map of the baseline and its neighbours; None if that gains nothing."""
    home = sites[0]
    close = [item for item in sites if math.hypot(item.x_m - home.x_m, item.y_m - home.y_m) < 0.35 * reach]
    xs, ys = [item.x_m for item in close], [item.y_m for item in close]
    x, y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    half = max(15e3, 0.68 * max(max(xs) - min(xs), max(ys) - min(ys)))
    return (x, y, half) if half < 0.5 * reach else None


def _inside(sites: Sequence[MapSite], frame: tuple[float, float, float]) -> tuple[MapSite, ...]:
    x, y, half = frame
    return tuple(item for item in sites if abs(item.x_m - x) < half and abs(item.y_m - y) < half)


def _key(figure: Figure, sites: Sequence[MapSite], width_in: float) -> None:
    """The names behind the numbers."""
    handles = [Line2D([], [], linestyle="none") for _ in sites]
    labels = [
        f"{item.number}   {short(item.name, width_in, 0.35 if width_in >= 6.0 else 0.8)}"
        + (" (baseline)" if item.baseline else "")
        for item in sites
    ]
    wide = width_in >= 6.0
    look = {"handlelength": 0, "handletextpad": 0, "fontsize": 9 if wide else 8}
    figure.legend(handles, labels, loc="outside lower left", ncols=2 if wide else 1, **look)


def _panel(
    axes: Any,
    terrain: Terrain,
    south: bool,
    frame: tuple[float, float, float],
    sites: Sequence[MapSite],
    small: Sequence[MapSite],
) -> None:
    """One map; the sites in `small` are dots, since the closer map numbers them."""
    x, y, half = frame
    centre = _centre(x, y, south)
    pixels = int(min(max(2.0 * half / terrain.resolution_m(*centre), 24), _PIXELS))
    _relief(axes, terrain.window(centre, half, pixels))
    axes.set_xlim(_km(x - half), _km(x + half))
    axes.set_ylim(_km(y - half), _km(y + half))
    _graticule(axes, south, frame, sites)
    for item in reversed(sites):
        _site(axes, item, numbered=item not in small)
    _scale(axes, frame)
    axes.set_xlabel("Map x, towards 90° E [km]")
    axes.set_ylabel("Map y, towards 0° [km]" if south else "Map y, towards 180° [km]")
    axes.grid(visible=False)


def _centre(x: float, y: float, south: bool) -> tuple[float, float]:
    """Latitude and longitude of a place on the map [deg]."""
    away = 2.0 * math.atan(math.hypot(x, y) / (2.0 * _RADIUS_M))
    latitude = 90.0 - math.degrees(away)
    return (-latitude if south else latitude), math.degrees(math.atan2(x, y if south else -y))


def _relief(axes: Any, window: TerrainWindow) -> None:
    """Hillshade, lit from the upper left."""
    half = (window.x_m[1] - window.x_m[0]) / 2
    extent = (
        np.array((window.x_m[0] - half, window.x_m[-1] + half, window.y_m[-1] - half, window.y_m[0] + half)) / 1e3
    )
    lit = window.hillshade(azimuth_deg=315.0, elevation_deg=35.0)
    axes.imshow(
        lit, extent=tuple(extent), cmap="gray", vmin=0.0, vmax=1.0, interpolation="bicubic", aspect="equal"
    )


def _graticule(axes: Any, south: bool, frame: tuple[float, float, float], sites: Sequence[MapSite]) -> None:
    """Parallels and meridians, labelled where they leave the map."""
    x0, y0, half = frame
    span_deg = math.degrees(half / _RADIUS_M)
    step = next(item for item in (5.0, 2.0, 1.0, 0.5, 0.2, 0.1) if item <= 0.75 * span_deg or item == 0.1)
    turn = np.linspace(0, 2 * np.pi, 361)
    look = {"color": "white", "linewidth": 0.6, "alpha": 0.6}
    far = 3 * _km(half + math.hypot(x0, y0))
    taken = [(_km(item.x_m), _km(item.y_m)) for item in sites]
    for k in range(1, 16):
        radius = 2 * _km(_RADIUS_M) * math.tan(math.radians(k * step) / 2)
        axes.plot(radius * np.sin(turn), radius * np.cos(turn), **look)
        _parallel(axes, radius, f"{90 - k * step:g}° {'S' if south else 'N'}", frame, taken)
    for degrees in range(0, 360, 30):
        east, up = math.sin(math.radians(degrees)), math.cos(math.radians(degrees)) * (1 if south else -1)
        axes.plot([0, far * east], [0, far * up], **look)
        _meridian(axes, degrees, (east, up), frame, taken)


def _parallel(
    axes: Any, radius: float, label: str, frame: tuple[float, float, float], taken: list[tuple[float, float]]
) -> None:
    """Label of a parallel at the first of some directions in which it lies well inside the map, on free ground."""
    x0, y0, half = (_km(value) for value in frame)
    for degrees in (-15, 15, 165, 195, 45, 75, 105, 135, 225, 255, 285):
        x, y = radius * math.sin(math.radians(degrees)), radius * math.cos(math.radians(degrees))
        if abs(x - x0) < 0.8 * half and abs(y - y0) < 0.8 * half and _write(axes, label, (x, y), half, taken):
            return


def _meridian(
    axes: Any,
    degrees: int,
    way: tuple[float, float],
    frame: tuple[float, float, float],
    taken: list[tuple[float, float]],
) -> None:
    """Label of a meridian just inside the edge where it leaves the map."""
    x0, y0, half = (_km(value) for value in frame)
    inner = 0.955 * half
    centres = ((way[0], x0), (way[1], y0))
    reach = min(
        ((inner if value > 0 else -inner) + centre) / value for value, centre in centres if abs(value) > 1e-9
    )
    x, y = reach * way[0], reach * way[1]
    if reach > 0 and abs(x - x0) <= inner * 1.001 and abs(y - y0) <= inner * 1.001:
        side = (x - x0) / inner
        align = "left" if side < -0.9 else "right" if side > 0.9 else "center"
        _write(axes, "0° (Earth)" if degrees == 0 else f"{degrees}° E", (x, y), half, taken, align)


def _write(
    axes: Any,
    text: str,
    at: tuple[float, float],
    half: float,
    taken: list[tuple[float, float]],
    align: str = "center",
) -> bool:
    """Write a label unless it would lie on another label or on a site; say whether it was written."""
    wide = axes.figure.get_figwidth() >= 6.0
    near_x, near_y = (0.17 * half, 0.07 * half) if wide else (0.3 * half, 0.11 * half)
    if any(abs(at[0] - x) < near_x and abs(at[1] - y) < near_y for x, y in taken):
        return False
    taken.append(at)
    halo = [withStroke(linewidth=2.2, foreground="#000000AA")]
    axes.text(*at, text, color="white", fontsize=7.5, ha=align, va="center", path_effects=halo)
    return True


def _site(axes: Any, item: MapSite, *, numbered: bool) -> None:
    """A site: its number in a disc, or a dot."""
    look = {
        "color": ORANGE if item.baseline else "white",
        "markeredgecolor": INK,
        "linestyle": "none",
        "marker": "o",
    }
    axes.plot(_km(item.x_m), _km(item.y_m), markersize=13 if numbered else 4.5, **look)
    if numbered:
        axes.annotate(
            str(item.number),
            (_km(item.x_m), _km(item.y_m)),
            ha="center",
            va="center",
            fontsize=8.5,
            fontweight="bold",
        )


def _scale(axes: Any, frame: tuple[float, float, float]) -> None:
    """A bar of round length."""
    x0, y0, half = (_km(value) for value in frame)
    raw = 0.45 * half
    unit = 10.0 ** math.floor(math.log10(raw))
    length = next(factor * unit for factor in (5.0, 2.0, 1.0) if factor * unit <= raw)
    left, low = x0 - 0.9 * half, y0 - 0.84 * half
    edge = [withStroke(linewidth=5, foreground=INK)]
    axes.plot(
        [left, left + length], [low, low], color="white", linewidth=3, solid_capstyle="butt", path_effects=edge
    )
    edge = [withStroke(linewidth=2.4, foreground=INK)]
    middle = (left + length / 2, low + 0.03 * half)
    axes.text(*middle, f"{length:g} km", color="white", fontsize=8.5, ha="center", va="bottom", path_effects=edge)
