"""Areas of maps as a user types them: a place and a width, a raster's grid, a place of a plan, or a pole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.cli.places import latitude_longitude
from moonpost.errors import InputError, TerrainError

if TYPE_CHECKING:
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.layer import Layer
    from moonpost.terrain.surface import Terrain

__all__ = ["AREA_HELP", "MapRequest", "map_request"]

AREA_HELP = (
    "LAT,LON,WIDTH_KM or LAT,LON,WIDTH_KMxHEIGHT_KM; PLAN:PLACE,WIDTH_KM; the path of a GeoTIFF for its own grid; "
    "or south or north for the 528 km square about a pole."
)
_POLE_KM = 528.0
_MOST_CELLS = 400_000_000
_MOST_SEARCHED = 64_000_000
_RASTERS = {".tif", ".tiff", ".img", ".lbl", ".jp2", ".vrt", ".asc"}
_WRITE = f"write {AREA_HELP[:-1]}"


@dataclass(frozen=True, eq=False)
class MapRequest:
    """What an AREA stands for.

    Parameters
    ----------
    area : MapArea
        The grid.
    terrain : Terrain
        The heights, with the built-in polar grid behind the user's own files.
    name : str
        Short name for files and titles.
    plan : Plan or None
        The plan whose place it is about.
    """

    area: MapArea
    terrain: Terrain
    name: str
    plan: Any


def map_request(text: str, terrain: Sequence[str], cell_m: float | None) -> MapRequest:
    """Find the grid and the terrain for an AREA.

    Parameters
    ----------
    text : str
        The AREA.
    terrain : sequence of str
        Terrain files or products, finest first; the plan's or the built-in ones if empty.
    cell_m : float, optional
        Size of a cell [m]; that of the file which gives the height at the middle if not given.

    Returns
    -------
    MapRequest
        Grid, terrain, name and plan.

    Raises
    ------
    InputError
        If the text cannot be read or the map would have more than 400 million cells.
    TerrainError
        If no terrain covers the area.

    Examples
    --------
    >>> request = map_request("-89.5,210,16", [], None)
    >>> request.area.shape, request.area.cell_m
    ((10, 10), 1600.0)
    """
    words = text.strip()
    if cell_m is not None and not (math.isfinite(cell_m) and 0.0 < cell_m <= 1e6):
        raise InputError(f"cells of {cell_m:g} m", where="--cell", advice="give a positive number of metres")
    if words.lower() in ("south", "north"):
        pole = -90.0 if words.lower() == "south" else 90.0
        return _about((pole, 0.0), (_POLE_KM, _POLE_KM), terrain, cell_m, words.lower())
    if _is_raster(words):
        return _of_file(Path(words), terrain, cell_m)
    if ":" in words:
        return _of_plan(words, terrain, cell_m)
    latitude, longitude, width, height = _numbers(words)
    return _about((latitude, longitude), (width, height), terrain, cell_m, _place_name(latitude, longitude))


def _is_raster(words: str) -> bool:
    path = Path(words)
    return path.suffix.lower() in _RASTERS or ("," not in words and path.is_file())


def _numbers(words: str) -> tuple[float, float, float, float]:
    """Latitude, longitude [deg], width and height [km]."""
    parts = words.split(",")
    if len(parts) != 3:
        raise InputError(f"{words!r} is not an area", where="AREA", advice=_WRITE)
    return (*latitude_longitude(",".join(parts[:2]), "AREA"), *_size(parts[2]))


def _size(text: str) -> tuple[float, float]:
    """Width and height [km] from ``W`` or ``WxH``."""
    try:
        sides = [float(part) for part in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise InputError(f"{text!r} is not a width in km", where="AREA", advice="write it like 10 or 10x20")
    if not all(math.isfinite(side) and 0.0 < side <= 3000.0 for side in sides):
        raise InputError(f"{text} km", where="AREA", advice="give widths above 0 and at most 3000 km")
    return sides[0], sides[-1]


def _of_plan(words: str, terrain: Sequence[str], cell_m: float | None) -> MapRequest:
    from moonpost.plan import load_plan

    head, _, width = words.rpartition(",")
    plan_name, _, place_name = head.rpartition(":")
    if not (plan_name and place_name):
        raise InputError(
            f"{words!r} is not an area", where="AREA", advice="write PLAN:PLACE,WIDTH_KM: ilrs:ce7-target,10"
        )
    size = _size(width)
    plan = load_plan(plan_name)
    place = plan.site(place_name)
    names = list(terrain) or [str(path) for path in plan.terrain_paths(place)]
    found = _about((place.latitude_deg, place.longitude_deg), size, names, cell_m, place.id)
    return MapRequest(found.area, found.terrain, found.name, plan)


def _of_file(path: Path, terrain: Sequence[str], cell_m: float | None) -> MapRequest:
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.layer import Layer

    if cell_m is not None:
        raise InputError(
            "the grid of a file has the file's own cells",
            where="--cell",
            advice="leave --cell out, or give LAT,LON,WIDTH_KM",
        )
    area = MapArea.of_layer(Layer.open(path))
    nest = _terrain(list(terrain) or [str(path)], area.centre.latitude_deg)
    return _checked(MapRequest(area, nest, path.stem, None), max(1, len(terrain)))


def _about(
    place: tuple[float, float],
    size_km: tuple[float, float],
    terrain: Sequence[str],
    cell_m: float | None,
    name: str,
) -> MapRequest:
    """Area about a place, on the cells of the file that gives its height where that is possible."""
    from moonpost.terrain.area import POLAR_MAP_LATITUDE_DEG, MapArea

    nest = _terrain(terrain, place[0])
    width, height = 1000.0 * size_km[0], 1000.0 * size_km[1]
    layer = _layer(nest, place)
    if cell_m is None or cell_m == layer.resolution_m:
        try:
            area = MapArea.aligned(layer, *place, width, height)
        except InputError:
            cell_m = layer.resolution_m
        else:
            polar = abs(place[0]) >= POLAR_MAP_LATITUDE_DEG
            if not polar or _on_pole_map(area, place[0]):
                return _checked(MapRequest(area, nest, name, None), len(terrain))
            cell_m = layer.resolution_m
    found = MapArea.about(*place, width, height, cell_m=cell_m)
    return _checked(MapRequest(found, nest, name, None), len(terrain))


def _on_pole_map(area: MapArea, latitude_deg: float) -> bool:
    """Whether a grid is the polar one of its side, so that its azimuths are those of all polar maps."""
    pole = math.copysign(90.0, latitude_deg)
    return abs(float(area.scale(pole, 0.0)) - 1.0) < 0.05 and abs(float(area.convergence_deg(pole, 0.0))) < 1e-6


def _layer(nest: Terrain, place: tuple[float, float]) -> Layer:
    """The file that gives the height at a place, else the finest."""
    for layer in nest.layers:
        if layer.cell(*place) is not None:
            return layer
    raise TerrainError(
        f"outside the terrain ({', '.join(layer.name for layer in nest.layers)})",
        where=f"{place[0]:g}, {place[1]:g}",
        advice="list a terrain file that covers the middle of the area with --terrain",
    )


def _terrain(names: Sequence[str], latitude_deg: float) -> Terrain:
    """The user's files, with the built-in polar grid behind them."""
    from moonpost.terrain import BUILT_IN_LATITUDE_DEG, Terrain

    polar = abs(latitude_deg) >= BUILT_IN_LATITUDE_DEG
    if not names and not polar:
        raise TerrainError(
            f"no terrain at {latitude_deg:g} deg: the built-in grids reach from {BUILT_IN_LATITUDE_DEG:g} deg of "
            "latitude to the poles",
            where="AREA",
            advice="name a GeoTIFF that covers the area with --terrain",
        )
    layers = Terrain.open(*names).layers if names else ()
    if polar:
        layers += Terrain.default("south" if latitude_deg < 0 else "north").layers
    return Terrain(layers)


def _checked(request: MapRequest, own: int) -> MapRequest:
    """The request, if its map is of a size and its own files are whole there; `own` files are the user's."""
    rows, cols = request.area.shape
    if rows * cols > _MOST_CELLS:
        raise InputError(
            f"{rows} x {cols} cells of {request.area.cell_m:g} m",
            where="AREA",
            advice="give a smaller area, or larger cells with --cell",
        )
    _refuse_holes(request, own)
    return request


def _refuse_holes(request: MapRequest, own: int) -> None:
    """Refuse holes of the user's files within the area: the built-in grid goes on where these end, and no more."""
    import numpy as np

    from moonpost.terrain.nestgrid import cell_heights
    from moonpost.terrain.surface import Terrain

    rows, cols = request.area.shape
    if not own or rows * cols > _MOST_SEARCHED:
        return
    files = request.terrain.layers[:own]
    known = np.isfinite(cell_heights(Terrain(files), request.area, (0, rows), (0, cols)))
    names = ", ".join(layer.name for layer in files)
    if not known.any():
        raise TerrainError(
            f"none of it lies on the given terrain ({names})",
            where="AREA",
            advice="name files that cover it with --terrain, or leave --terrain out for the built-in grid",
        )
    if known.all():
        return
    from scipy.ndimage import binary_fill_holes

    hole = binary_fill_holes(known) & ~known
    if hole.any():
        row, col = (int(found[0]) for found in np.nonzero(hole))
        latitude, longitude = request.area.places(slice(row, row + 1), slice(col, col + 1))
        raise TerrainError(
            f"{int(hole.sum())} cells lie in holes of {names}, one at {float(latitude[0, 0]):.5f}, "
            f"{float(longitude[0, 0]):.5f}",
            where="AREA",
            advice="list a coarser file after it that covers the hole",
        )


def _place_name(latitude_deg: float, longitude_deg: float) -> str:
    side = "S" if latitude_deg < 0 else "N"
    return f"{abs(latitude_deg):g}{side}-{longitude_deg % 360.0:g}E"
