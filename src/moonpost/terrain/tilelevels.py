"""Far levels of tile horizons: ever coarser charts of the ground round a map, and what a tile takes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.area import MapArea
from moonpost.terrain.gnomonic import Gnomonic
from moonpost.terrain.nestgrid import place_heights
from moonpost.terrain.surface import Terrain

__all__ = ["REACH_M", "FarLevel", "far_levels", "near_reach_m"]

REACH_M = 300_000.0
"""Distance out to which the ground raises horizons [m]; farther ground lies below that of any sphere's dip."""
NEAR_CELLS = 496
"""Cells out to which a level raises horizons."""
GROWTH = 4
"""Ratio of the distances between which a far level raises horizons."""
BEND_RAD = math.radians(0.05)
SPARE_CELLS = 14
ALIGN = 256

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FarLevel:
    """Ground between two distances on a gnomonic chart.

    Parameters
    ----------
    cell_m : float
        Size of a cell on the chart [m].
    left_m, top_m : float
        Centre of the first cell on the chart [m].
    ground_m : ndarray of float32, shape (rows, cols)
        Depths W of the ground on the chart, see `Gnomonic` [m]; NaN where there is none.
    nearest_m, farthest_m : float
        Distances on the chart between which this level raises horizons [m].
    rise : ndarray of float32, shape (9,)
        Usual tangents of its horizons, as `horizon_window` takes them.
    """

    cell_m: float
    left_m: float
    top_m: float
    ground_m: Singles
    nearest_m: float
    farthest_m: float
    rise: Singles

    def record(self) -> dict[str, Any]:
        """Cell, size and distances as plain data for provenance."""
        return {
            "cell_m": self.cell_m,
            "rows": self.ground_m.shape[0],
            "cols": self.ground_m.shape[1],
            "nearest_m": self.nearest_m,
            "farthest_m": self.farthest_m,
            "missing_cells": int(np.count_nonzero(np.isnan(self.ground_m))),
        }


def near_reach_m(area: MapArea) -> float:
    """Distance out to which the map's own cells raise horizons.

    Parameters
    ----------
    area : MapArea
        The map.

    Returns
    -------
    float
        On the ground [m]: at most 496 cells, and so far that straight lines of the map leave great circles by less
        than 0.05 deg, but at least 16 cells.
    """
    bend = area.bend
    straight = 2.0 * BEND_RAD / bend if bend > 0.0 else math.inf
    cell = area.cell_m / float(max(area.scale(*place) for place in area.corners()))
    return cell * float(np.clip(straight / cell, 16.0, NEAR_CELLS))


def far_levels(terrain: Terrain, area: MapArea, chart: Gnomonic, nearest_m: float) -> tuple[FarLevel, ...]:
    """Sample the ground round a map on ever coarser levels.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    area : MapArea
        The map.
    chart : Gnomonic
        Chart about its middle.
    nearest_m : float
        Distance out to which the map's own cells raise horizons [m].

    Returns
    -------
    tuple of FarLevel
        From near to far, out to 300 km.
    """
    finest = 0.5 * min(layer.resolution_m for layer in terrain.layers)
    levels: list[FarLevel] = []
    near = nearest_m
    while near < REACH_M:
        cell = max(near * GROWTH / NEAR_CELLS, finest)
        far = cell * NEAR_CELLS
        far = REACH_M if far * 1.25 > REACH_M else far
        levels.append(_level(terrain, area, chart, cell, near, far))
        near = far
    return tuple(levels)


def _level(
    terrain: Terrain, area: MapArea, chart: Gnomonic, cell: float, nearest: float, farthest: float
) -> FarLevel:
    """Sample one level: the map and all that lies nearer than its farthest distance."""
    from moonpost.terrain.gridhorizon import usual_rise

    x, y = outline(area, chart)
    spare = farthest + SPARE_CELLS * cell
    first_col, last_col = math.floor((x.min() - spare) / cell), math.ceil((x.max() + spare) / cell)
    first_row, last_row = math.floor((-y.max() - spare) / cell), math.ceil((-y.min() + spare) / cell)
    col = (np.arange(first_col, last_col + 1, dtype=float)) * cell
    row = -(np.arange(first_row, last_row + 1, dtype=float)) * cell
    heights = np.empty((row.size, col.size), dtype=np.float32)
    ground = np.empty_like(heights)
    band = max(1, (1 << 20) // col.size)
    for start in range(0, row.size, band):
        part = slice(start, start + band)
        directions = chart.directions(*np.meshgrid(col, row[part]))
        heights[part] = place_heights(terrain, directions, 0.5 * cell)
        _, _, nearness = chart.plane(directions)
        ground[part] = depth(heights[part].astype(np.float64), nearness)
    return FarLevel(
        cell_m=cell,
        left_m=float(col[0]),
        top_m=float(row[0]),
        ground_m=ground,
        nearest_m=nearest,
        farthest_m=farthest,
        rise=usual_rise(heights, cell),
    )


def outline(area: MapArea, chart: Gnomonic) -> tuple[Floats, Floats]:
    """Coordinates on a chart of the cells along the edges of a map [m]."""
    rows, cols = area.shape
    edges = [
        area.directions(slice(0, 1)),
        area.directions(slice(rows - 1, rows)),
        area.directions(cols=slice(0, 1)),
        area.directions(cols=slice(cols - 1, cols)),
    ]
    x, y, _ = chart.plane(np.concatenate([edge.reshape(-1, 3) for edge in edges]))
    return x, y


def depth(height_m: Floats, nearness: Floats) -> Floats:
    """Depth W of points on the chart, see `Gnomonic` [m]."""
    return np.asarray(MOON_RADIUS_M - MOON_RADIUS_M**2 / ((MOON_RADIUS_M + height_m) * nearness))
