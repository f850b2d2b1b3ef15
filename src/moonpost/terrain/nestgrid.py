"""Heights of many places from nested terrain: grids of maps and of charts, in bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moonpost.terrain.area import MapArea
from moonpost.terrain.layer import Layer
from moonpost.terrain.surface import Terrain, latitude_longitude_deg

__all__ = ["cell_heights", "place_heights"]

Floats = NDArray[np.float64]
_AT_ONCE = 1 << 20


def place_heights(terrain: Terrain, directions: Floats, spacing_m: float = 0.0) -> NDArray[np.float32]:
    """Heights of places, each from the first file that has data there.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    directions : ndarray, shape (rows, cols, 3)
        Unit vectors of the places.
    spacing_m : float, default 0
        Distance between the places [m]; of finer files, means over it are taken as `Layer.heights` does.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
        Heights [m]; NaN where no file has data.

    Examples
    --------
    >>> area = MapArea.about(-89.0, 0.0, 8e3, cell_m=800.0)
    >>> bool(np.isfinite(place_heights(Terrain.default("south"), area.directions())).all())
    True
    """
    result = np.full(directions.shape[:2], np.nan, dtype=np.float32)
    band = max(1, _AT_ONCE // max(directions.shape[1], 1))
    for first in range(0, directions.shape[0], band):
        rows = slice(first, first + band)
        _fill(directions[rows], result[rows], spacing_m, terrain.layers)
    return result


def cell_heights(
    terrain: Terrain, area: MapArea, rows: tuple[int, int], cols: tuple[int, int]
) -> NDArray[np.float32]:
    """Heights of a block of cells of a map's lattice.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    area : MapArea
        The map.
    rows, cols : tuple of int
        First row and row after the last, first column and column after the last; they may lie off the map.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
        Heights [m], each from the first file that has data there: its own cells where the map lies on them, else
        bilinear; NaN where no file has data.

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> area = MapArea.of_layer(terrain.layers[0])
    >>> heights = cell_heights(terrain, area, (380, 382), (-1, 2))
    >>> bool((heights[:, 1:] == terrain.layers[0].grids()[0].heights_m[380:382, :2]).all())
    True
    """
    result = np.full((rows[1] - rows[0], cols[1] - cols[0]), np.nan, dtype=np.float32)
    for index, layer in enumerate(terrain.layers):
        if not np.isnan(result).any():
            break
        offset = area.offset_in(layer)
        if offset is not None:
            found = layer.cells(rows[0] + offset[0], cols[0] + offset[1], *result.shape)
            np.copyto(result, found, where=np.isnan(result))
            continue
        band = max(1, _AT_ONCE // result.shape[1])
        for first in range(0, result.shape[0], band):
            part = slice(first, min(first + band, result.shape[0]))
            numbers = np.arange(rows[0] + part.start, rows[0] + part.stop), np.arange(*cols)
            _fill(area.beyond(*numbers), result[part], 0.0, terrain.layers[index : index + 1])
    return result


def _fill(
    directions: Floats,
    heights: NDArray[np.float32],
    spacing_m: float,
    layers: tuple[Layer, ...],
) -> None:
    """Fill missing heights in place from some layers, in their order."""
    open_ = np.isnan(heights)
    for layer in layers:
        if not open_.any():
            break
        lat, lon = latitude_longitude_deg(directions[open_])
        heights[open_] = layer.heights(lat, lon, spacing_m)
        open_ = np.isnan(heights)
