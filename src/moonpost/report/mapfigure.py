"""A map as a picture: relief, colours, graticule, scale bar, direction, places, and where it comes from."""

from __future__ import annotations

import importlib.metadata
import math
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from moonpost.errors import InputError
from moonpost.files import atomic_path
from moonpost.report.figures.style import GREY, INK, SKY, drawing
from moonpost.report.mapgraticule import graticule
from moonpost.report.maplook import MapLook, map_look, relief_shade
from moonpost.report.mapmarks import (
    LABEL_PT,
    ROUTE_COLOURS,
    draw_direction,
    draw_graticule,
    draw_places,
    draw_routes,
    draw_scale,
    extent_m,
)
from moonpost.report.mapsheet import MapSheet

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.terrain.area import MapArea

__all__ = ["draw_map", "save_map"]

NO_DATA = "#C9CED6"
_MOST_CELLS = 2400
_WIDEST_IN, _NARROWEST_IN = 30.0, 3.0
_SMALL_PT, _TITLE_PT = 6.5, 10.0
_LEVEL = 0.6

Floats = npt.NDArray[np.float64]
Place = tuple[float, float]
Route = tuple[npt.ArrayLike, npt.ArrayLike]


def save_map(
    path: str | os.PathLike[str],
    data: xr.DataArray,
    *,
    title: str | None = None,
    places: Mapping[str, Place] | None = None,
    routes: Mapping[str, Route] | None = None,
    relief: xr.DataArray | None = None,
    outline: xr.DataArray | None = None,
    limits: tuple[float, float] | None = None,
    note: str | None = None,
    width_in: float = 7.5,
    dpi: float = 150.0,
) -> Path:
    """Draw a map and save it as PNG.

    Parameters
    ----------
    path : path-like
        The file, ending in .png.
    data : xarray.DataArray, shape (rows, cols)
        The map, on a grid as `moonpost.terrain.area.MapArea.array` makes it.
    title, places, routes, relief, outline, limits, note, width_in
        See `draw_map`.
    dpi : float, default 150
        Pixels an inch, 50 to 600.

    Returns
    -------
    pathlib.Path
        The file. The same input gives the same bytes.

    Raises
    ------
    InputError
        If the data are no map, an argument is out of range, or the ending is another one.
    OutputError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(-90.0, 0.0, 40e3, cell_m=2000.0)
    >>> slope = area.array(np.indices(area.shape)[0], name="slope_deg", units="deg", long_name="slope",
    ...     source="example")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_map(Path(folder) / "slope.png", slope, width_in=4.0).stat().st_size > 10_000
    True
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise InputError(f"ending {target.suffix!r}", where=str(target), advice="name it .png")
    if not (math.isfinite(dpi) and 50.0 <= dpi <= 600.0):
        raise InputError(f"{dpi!r}", where="dpi", advice="give 50 to 600")
    figure = draw_map(
        data,
        title=title,
        places=places,
        routes=routes,
        relief=relief,
        outline=outline,
        limits=limits,
        note=note,
        width_in=width_in,
    )
    with atomic_path(target) as temporary:
        _render(figure, temporary, dpi)
    return target


@drawing
def draw_map(
    data: xr.DataArray,
    *,
    title: str | None = None,
    places: Mapping[str, Place] | None = None,
    routes: Mapping[str, Route] | None = None,
    relief: xr.DataArray | None = None,
    outline: xr.DataArray | None = None,
    limits: tuple[float, float] | None = None,
    note: str | None = None,
    width_in: float = 7.5,
) -> Figure:
    """Draw a map with graticule, scale bar, direction, colour bar and origin.

    Parameters
    ----------
    data : xarray.DataArray, shape (rows, cols)
        The map, with ``units``, ``long_name`` and ``source``. Truths (and 0 or 1 maps such as ``psr``) are laid
        over the relief in one colour; fractions are shown as percent. The attribute ``missing`` says what cells
        without a value mean.
    title : str, optional
        Heading; what the map shows and for which mast or station, if not given.
    places : mapping of str to (latitude_deg, longitude_deg), optional
        Places to be marked, by name; those off the map are left out.
    routes : mapping of str to (latitudes_deg, longitudes_deg), optional
        Lines to be drawn, by name.
    relief : xarray.DataArray, optional
        Heights in the same map projection; the map is shaded by them.
    outline : xarray.DataArray, optional
        A truth on the same grid of which the edge is drawn.
    limits : tuple of float, optional
        Ends of the colour scale, in the unit shown (fractions as percent).
    note : str, optional
        Put before the line on origin at the foot.
    width_in : float, default 7.5
        Greatest width of the picture [inch], 3 to 30; the height follows from the map.

    Returns
    -------
    Figure
        Ready to be saved; nothing of matplotlib's settings is touched.

    Raises
    ------
    InputError
        If the data are no map of rows and columns, or an argument is out of range.

    Notes
    -----
    The scale bar is true at the middle of the map; on polar maps to 70 degrees of latitude lengths at the rim are
    3 percent less than it says. Shading darkens and brightens colours: read values where the ground is level, or
    leave the relief out.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 20.0, 40e3, 20e3, cell_m=2000.0)
    >>> slope = area.array(np.ones(area.shape), name="slope_deg", units="deg", long_name="slope", source="example")
    >>> [axes.get_label() for axes in draw_map(slope).axes]
    ['map', 'colours', 'scale', 'direction']
    """
    from moonpost.terrain.rasters import area_of

    if not (math.isfinite(width_in) and _NARROWEST_IN <= width_in <= _WIDEST_IN):
        raise InputError(f"{width_in!r}", where="width_in", advice="give 3 to 30 inches")
    flat = _coarser(_plane(data))
    area = area_of(flat)
    look = map_look(flat, limits)
    entries = _entries(look, str(data.attrs.get("missing", "no data")), outline, routes or {})
    aspect = area.shape[0] / area.shape[1]
    page_in, bar_in = MapSheet.sizes_in(aspect, width_in, bar=not look.mask)
    foot = _foot(data, area_of(data), note, page_in)
    heading = textwrap.wrap(
        title or ", ".join([look.label.split(" [")[0], *_particulars(data)]),
        max(18, int((page_in - 0.75) / 0.093)),
    )
    bar_words = textwrap.wrap(look.label, max(16, int(bar_in * 13.5)))
    sheet = MapSheet.make(
        aspect,
        width_in,
        bar_lines=0 if look.mask else len(bar_words),
        title_lines=len(heading),
        foot_lines=len(foot),
        entries=len(entries),
    )
    figure = Figure(figsize=(sheet.width_in, sheet.height_in))
    axes = sheet.panel(figure, sheet.map_in, "map")
    axes.set_autoscale_on(False)
    _ground(axes, area, look, relief)
    lines = graticule(area, sheet.map_in[2], sheet.map_in[3])
    draw_graticule(axes, area, lines, sheet)
    if outline is not None:
        _edge(axes, area, outline)
    draw_routes(axes, area, routes or {})
    draw_places(axes, area, places or {}, sheet)
    if not look.mask:
        _colour_bar(figure, sheet, look, bar_words)
    draw_scale(sheet.panel(figure, sheet.scale_in, "scale"), area, sheet)
    draw_direction(sheet.panel(figure, sheet.direction_in, "direction"), area, lines)
    _words(figure, sheet, heading, foot, entries)
    return figure


def _plane(data: xr.DataArray) -> xr.DataArray:
    """The data as one map of rows and columns."""
    flat = data.squeeze(drop=True) if data.ndim > 2 else data
    if set(flat.dims) != {"y", "x"}:
        raise InputError(
            f"has the dimensions {tuple(data.dims)}",
            where=str(data.name or "data"),
            advice="give one map, such as data.sel(mast_m=2.0)",
        )
    return flat.transpose("y", "x")


def _particulars(data: xr.DataArray) -> list[str]:
    """What a map was picked by, such as the height of the mast or a station."""
    found = []
    for name, coord in data.coords.items():
        if coord.size != 1 or name in ("x", "y", "spatial_ref"):
            continue
        value = coord.values.reshape(-1)[0]
        if name in ("mast", "mast_m"):
            found.append(f"{float(value):g} m above the ground")
        elif isinstance(value, str):
            found.append(value)
    return found


def _coarser(data: xr.DataArray) -> xr.DataArray:
    """Means over blocks of cells where a map has more of them than a page has dots."""
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.rasters import area_of

    step = math.ceil(max(data.shape) / _MOST_CELLS)
    if step == 1:
        return data
    area = area_of(data)
    rows, cols = (size // step for size in data.shape)
    values = np.asarray(data.values[: rows * step, : cols * step])
    blocks = values.reshape(rows, step, cols, step).astype(np.float64)
    known = ~np.isnan(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0.0).sum(axis=(1, 3))
    small = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    x = area.x_m[: cols * step].reshape(cols, step).mean(axis=1)
    y = area.y_m[: rows * step].reshape(rows, step).mean(axis=1)
    told: dict[str, Any] = {"units": "", "long_name": str(data.name), "source": "not stated"}
    told |= {key: value for key, value in data.attrs.items() if key not in ("crs_wkt", "transform")}
    picture = small >= 0.5 if values.dtype == np.bool_ else small
    return MapArea(area.wkt, x, y, area.cell_m * step).array(picture, name=str(data.name), **told)


def _ground(axes: Any, area: MapArea, look: MapLook, relief: xr.DataArray | None) -> None:
    """Colours, shaded by the relief if there is one."""
    shade = None if relief is None else _shade_on(area, relief)
    if look.mask:
        base = np.full(area.shape, 0.93) if shade is None else 0.25 + 0.75 * shade
        weight = 0.6 * np.nan_to_num(look.values)[..., None]
        picture = (1.0 - weight) * base[..., None] + weight * np.array(look.colours(1.0)[:3])
    else:
        picture = look.colours(look.norm(np.ma.masked_invalid(look.values)))[..., :3]
        if shade is not None:
            picture = np.clip(picture * (0.46 + 0.9 * shade)[..., None], 0.0, 1.0)
    picture = np.where(np.isnan(look.values)[..., None], np.array(to_rgb(NO_DATA)), picture)
    extent = extent_m(area)
    axes.imshow(picture, extent=extent, interpolation="auto", aspect="auto", origin="upper", zorder=1)
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_edgecolor(INK)
        side.set_linewidth(0.8)


def _shade_on(area: MapArea, relief: xr.DataArray) -> Floats:
    """Brightness of the relief at the cells of a map; level where its heights end."""
    from moonpost.terrain.rasters import area_of, same_system

    small = _coarser(_plane(relief))
    grid = area_of(small)
    if same_system(grid, area):
        row, col = np.meshgrid(
            (grid.y_m[0] - area.y_m) / grid.cell_m, (area.x_m - grid.x_m[0]) / grid.cell_m, indexing="ij"
        )
    else:
        row, col = grid.locate(*area.places())
    row, col = np.rint(row).astype(int), np.rint(col).astype(int)
    inside = (row >= 0) & (row < grid.shape[0]) & (col >= 0) & (col < grid.shape[1])
    found = np.full(area.shape, _LEVEL)
    found[inside] = relief_shade(small.values, grid.cell_m)[row[inside], col[inside]]
    return found


def _edge(axes: Any, area: MapArea, outline: xr.DataArray) -> None:
    """The edge of a truth."""
    from moonpost.terrain.rasters import area_of, same_system

    flat = _coarser(_plane(outline))
    grid = area_of(flat)
    if not same_system(grid, area):
        raise InputError("is of another map projection", where="outline", advice="give a truth on the map's grid")
    values = np.nan_to_num(np.asarray(flat.values, dtype=np.float64))
    if values.min() < 0.5 <= values.max() and min(values.shape) > 1:
        axes.contour(grid.x_m, grid.y_m, values, levels=[0.5], colors=["white"], linewidths=1.9, zorder=4)
        axes.contour(grid.x_m, grid.y_m, values, levels=[0.5], colors=[SKY], linewidths=1.1, zorder=4)


def _colour_bar(figure: Figure, sheet: MapSheet, look: MapLook, words: list[str]) -> None:
    """The colour scale with its unit."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes = sheet.panel(figure, sheet.bar_in, "colours")
    axes.set_axis_on()
    way = "horizontal" if sheet.across else "vertical"
    ticks: dict[str, Any] = {}
    if isinstance(look.norm, LogNorm):
        ticks = {"ticks": LogLocator(subs=(1.0, 2.0, 5.0)), "format": FuncFormatter(lambda value, _: f"{value:g}")}
    mappable = ScalarMappable(look.norm, look.colours)
    bar = figure.colorbar(mappable, cax=axes, orientation=way, extend=look.extend, **ticks)
    bar.minorticks_off()
    bar.outline.set_linewidth(0.6)
    axes.tick_params(labelsize=LABEL_PT, width=0.6, length=3)
    bar.set_label("\n".join(words), fontsize=8)


def _entries(look: MapLook, missing: str, outline: xr.DataArray | None, routes: Mapping[str, Route]) -> list[Any]:
    """What the legend says."""
    found: list[Any] = []
    if look.mask:
        found.append(Patch(facecolor=look.colours(1.0), alpha=0.75, label=_cut(look.label)))
    if outline is not None:
        words = str(outline.attrs.get("long_name") or outline.name or "outline")
        found.append(Line2D([], [], color=SKY, linewidth=1.4, label=_cut("Edge of " + words)))
    for k, name in enumerate(routes):
        found.append(Line2D([], [], color=ROUTE_COLOURS[k % len(ROUTE_COLOURS)], linewidth=2.0, label=_cut(name)))
    if look.missing:
        found.append(
            Patch(facecolor=NO_DATA, edgecolor=GREY, linewidth=0.5, label=_cut(missing[:1].upper() + missing[1:]))
        )
    return found


def _cut(text: str) -> str:
    return text if len(text) <= 36 else text[:35].rstrip() + "…"


def _foot(data: xr.DataArray, area: MapArea, note: str | None, width_in: float) -> list[str]:
    """Origin, grade, grid and maker in small print."""
    attrs = data.attrs
    centre = area.centre
    side = -90.0 if centre.latitude_deg < 0.0 else 90.0
    polar = abs(float(area.scale(side, 0.0)) / float(area.scale(0.0, 0.0)) - 0.5) < 1e-6
    cell = f"{area.cell_m / 1000:g} km" if area.cell_m >= 1000.0 else f"{area.cell_m:g} m"
    parts = [
        note,
        *_particulars(data),
        f"Source: {attrs.get('source', 'not stated')}",
        f"grade: {attrs['grade']}" if attrs.get("grade") else None,
        f"period: {attrs['period']}" if attrs.get("period") else None,
        f"cells of {cell}",
        f"{'polar stereographic' if polar else 'oblique stereographic'} map on the 1737.4 km sphere",
        f"middle\u00a0{abs(centre.latitude_deg):.2f}°\u00a0{'S' if side < 0 else 'N'}\u00a0"
        f"{centre.longitude_deg % 360.0:.2f}°\u00a0E",
        f"Moonpost\u00a0{importlib.metadata.version('moonpost')}",
    ]
    return textwrap.wrap("; ".join(part for part in parts if part), max(40, int((width_in - 0.75) * 19.5)))


def _words(figure: Figure, sheet: MapSheet, heading: list[str], foot: list[str], entries: list[Any]) -> None:
    """Heading, small print and legend."""
    across, up = sheet.map_in[0] / sheet.width_in, 1.0 / sheet.height_in
    title: dict[str, Any] = {"fontsize": _TITLE_PT, "fontweight": "bold", "va": "top", "linespacing": 1.25}
    figure.text(across, 1.0 - 0.1 * up, "\n".join(heading), **title)
    small: dict[str, Any] = {"fontsize": _SMALL_PT, "color": GREY, "va": "bottom", "linespacing": 1.3}
    figure.text(across, 0.08 * up, "\n".join(foot), **small)
    if entries:
        x, y = sheet.legend_at
        figure.legend(
            handles=entries,
            loc="upper left",
            bbox_to_anchor=(x / sheet.width_in, y * up),
            borderaxespad=0.0,
            borderpad=0.1,
            fontsize=LABEL_PT,
            ncols=sheet.legend_columns,
            handlelength=1.6,
            columnspacing=1.2,
        )


def _render(figure: Figure, path: Path, dpi: float) -> None:
    """Write the pixels; nothing about the time or the software goes with them."""
    from PIL import Image

    @drawing
    def draw() -> Figure:
        figure.set_dpi(dpi)
        FigureCanvasAgg(figure).draw()
        return figure

    canvas: Any = draw().canvas
    Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()).save(path, format="png", dpi=(dpi, dpi))
