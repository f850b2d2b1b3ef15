"""What the horizons of one tile of a map are computed from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.area import MapArea
from moonpost.terrain.gnomonic import Gnomonic, turns
from moonpost.terrain.nestgrid import cell_heights
from moonpost.terrain.surface import Terrain
from moonpost.terrain.tilelevels import ALIGN, NEAR_CELLS, SPARE_CELLS, FarLevel, depth, far_levels, near_reach_m

__all__ = ["FarView", "Ground", "Tile"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_MISFIT = 0.35
"""Usual height of the ground over a coarser one, in cells of the coarser one."""
_RISE_CELLS = 1024
_TURN_RAD = math.radians(0.3)
_PIECE_CELLS = 16


@dataclass(frozen=True, eq=False)
class Ground:
    """The ground of a map and round it, on all levels.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    area : MapArea
        The map.
    chart : Gnomonic
        Chart about its middle.
    near_m : float
        Distance out to which the map's own cells raise horizons [m].
    rise : ndarray of float32, shape (9,)
        Usual tangents of their horizons.
    levels : tuple of FarLevel
        The ground farther out.
    spacing : int
        Cells from a point of the lattice, for which the far levels are computed, to the next.

    Examples
    --------
    >>> ground = Ground.about(Terrain.default("south"), MapArea.about(-89.0, 0.0, 16e3, cell_m=400.0))
    >>> [round(level.farthest_m) for level in ground.levels]
    [300000]
    """

    terrain: Terrain
    area: MapArea
    chart: Gnomonic
    near_m: float
    rise: Singles
    levels: tuple[FarLevel, ...]
    spacing: int

    @classmethod
    def about(cls, terrain: Terrain, area: MapArea) -> Ground:
        """Sample the ground round a map.

        Parameters
        ----------
        terrain : Terrain
            Nested terrain files.
        area : MapArea
            The map.

        Returns
        -------
        Ground
            With the far levels in memory; the map's own cells are read tile by tile.
        """
        from moonpost.terrain.gridhorizon import usual_rise

        chart, near_m = Gnomonic.of(area), near_reach_m(area)
        levels = far_levels(terrain, area, chart, near_m)
        middle = [size // 2 for size in area.shape]
        block = [(place - _RISE_CELLS, place + _RISE_CELLS) for place in middle]
        heights = cell_heights(terrain, area, block[0], block[1])
        return cls(
            terrain=terrain,
            area=area,
            chart=chart,
            near_m=near_m,
            rise=usual_rise(heights, area.cell_m),
            levels=levels,
            spacing=int(np.clip(levels[0].cell_m / area.cell_m + 0.01, 1, 4)) if levels else 4,
        )

    def pieces(
        self, rows: tuple[int, int], cols: tuple[int, int]
    ) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """Cut a part of the map so that each map azimuth has nearly one direction on the chart in each piece.

        Parameters
        ----------
        rows, cols : tuple of int
            First row of the part and row after the last, first column and column after the last.

        Returns
        -------
        list of tuple
            Rows and columns of the pieces: the part itself where directions differ by less than 0.3 deg.
        """
        ends = [np.array([span[0], sum(span) // 2, span[1] - 1]) for span in (rows, cols)]
        matrices = self.chart.turns(self.area, self.area.beyond(*ends))
        angles = turns(matrices, np.arange(8.0) * (0.25 * np.pi))
        away = float(np.abs(angles - angles[1, 1]).max())
        count = math.ceil(away / _TURN_RAD)
        cuts = []
        for span in (rows, cols):
            size = (
                -(-(span[1] - span[0]) // (count * _PIECE_CELLS)) * _PIECE_CELLS
                if count > 1
                else span[1] - span[0]
            )
            cuts.append([(first, min(first + size, span[1])) for first in range(span[0], span[1], size)])
        return [(row, col) for row in cuts[0] for col in cuts[1]]

    def record(self) -> dict[str, Any]:
        """Levels and settings as plain data for provenance.

        Returns
        -------
        dict
            JSON types only.
        """
        return {
            "near_m": self.near_m,
            "spacing_cells": self.spacing,
            "rise": [float(value) for value in self.rise],
            "levels": [level.record() for level in self.levels],
        }


@dataclass(frozen=True, eq=False)
class FarView:
    """What the points of a tile's lattice see of one far level.

    Parameters
    ----------
    level : FarLevel
        The level.
    ground_m : ndarray of float32, shape (rows, cols)
        Depths of its ground within reach, over a plane that is level at the tile's middle [m].
    window : tuple of int
        First row, row after the last, first column and column after the last of the cells about the tile.
    lean : tuple of float
        Slopes to the right and to the top of that plane, to be taken off slopes over it.
    observers_m : tuple of float
        Heights over those cells for which slopes are computed [m].
    corner : ndarray of int32, shape (points,)
        Cell of the window up and left of each point of the lattice.
    part : ndarray of float32, shape (2, points)
        Where the point lies between that cell and the next, down and to the right.
    below : ndarray of int8, shape (3, points)
        Which of the heights is below each eye.
    share : ndarray of float32, shape (3, points)
        Where the eye lies between it and the next.
    """

    level: FarLevel
    ground_m: Singles
    window: tuple[int, int, int, int]
    lean: tuple[float, float]
    observers_m: tuple[float, ...]
    corner: NDArray[np.int32]
    part: Singles
    below: NDArray[np.int8]
    share: Singles


@dataclass(frozen=True, eq=False)
class Tile:
    """All that the horizons of one tile are computed from.

    Parameters
    ----------
    heights_m : ndarray of float32, shape (m, n)
        Cells of the map about the tile [m]; NaN where there is none.
    window : tuple of int
        First row, row after the last, first column and column after the last of the tile among them.
    pixel_m : float
        Size of a cell on the ground at the tile's middle [m].
    stretch : ndarray of float32, shape (rows, cols)
        Scale of the map in each cell over that at the tile's middle, less one.
    missing : ndarray of bool, shape (rows, cols)
        Cells without a height.
    first : tuple of int
        Rows and columns from the first point of the lattice to the tile's first cell.
    lattice : tuple of int
        Rows and columns of the lattice.
    nodes_m : ndarray of float32, shape (3,)
        Heights over the lattice for which the far levels are computed [m].
    above_m : ndarray of float32, shape (rows, cols)
        Heights of the cells over the lattice [m].
    eyes_m : ndarray of float32, shape (3, points)
        Heights of the eyes over the points of the lattice, above the 1737.4 km sphere [m].
    place : ndarray of float32, shape (2, points)
        Points of the lattice on the chart, over their distance from the Moon's centre.
    turn : ndarray of float32, shape (4, points)
        Matrices of `Gnomonic.turns` at the points of the lattice.
    turn_middle : ndarray, shape (2, 2)
        That of the tile's middle.
    views : tuple of FarView
        The far levels.
    """

    heights_m: Singles
    window: tuple[int, int, int, int]
    pixel_m: float
    stretch: Singles
    missing: NDArray[np.bool_]
    first: tuple[int, int]
    lattice: tuple[int, int]
    nodes_m: Singles
    above_m: Singles
    eyes_m: Singles
    place: Singles
    turn: Singles
    turn_middle: Floats
    views: tuple[FarView, ...]

    @classmethod
    def of(cls, ground: Ground, rows: tuple[int, int], cols: tuple[int, int], masts_m: tuple[float, ...]) -> Tile:
        """Take what a tile needs of the ground.

        Parameters
        ----------
        ground : Ground
            The ground of the map.
        rows, cols : tuple of int
            First row of the tile and row after the last, first column and column after the last.
        masts_m : tuple of float
            Heights of the eyes above the ground [m], near one another: the far horizon is computed for three
            heights only.

        Returns
        -------
        Tile
            Ready to be computed.
        """
        area = ground.area
        outer = [_margin(ground, span) for span in (rows, cols)]
        heights = cell_heights(ground.terrain, area, outer[0], outer[1])
        window = (rows[0] - outer[0][0], rows[1] - outer[0][0], cols[0] - outer[1][0], cols[1] - outer[1][0])
        own = heights[window[0] : window[1], window[2] : window[3]]
        middle = area.beyond(*(np.array([sum(span) // 2]) for span in (rows, cols)))[0, 0]
        scale = area.scale_of(area.directions(slice(*rows), slice(*cols)))
        scale_middle = float(area.scale_of(middle))
        spans = [np.arange(s[0] // ground.spacing, (s[1] - 1) // ground.spacing + 2) for s in (rows, cols)]
        points = [span * ground.spacing for span in spans]
        base = _filled(heights[np.ix_(points[0] - outer[0][0], points[1] - outer[1][0])])
        first = (rows[0] - int(points[0][0]), cols[0] - int(points[1][0]))
        directions = area.beyond(*points).reshape(-1, 3)
        nodes = _nodes(ground, masts_m)
        eyes = base.reshape(-1) + nodes[:, None]
        x, y, nearness = ground.chart.plane(directions)
        x_middle, y_middle, near_middle = ground.chart.plane(middle)
        plane = _Plane.level_at(float(x_middle), float(y_middle), float(near_middle))
        matrices = ground.chart.turns(area, directions)
        depths = plane.over(x, y, depth(eyes.astype(np.float64), nearness))
        views = tuple(_view(level, plane, x, y, depths, (min(masts_m), max(masts_m))) for level in ground.levels)
        return cls(
            heights_m=heights,
            window=window,
            pixel_m=area.cell_m / scale_middle,
            stretch=(scale / scale_middle - 1.0).astype(np.float32),
            missing=np.isnan(own),
            first=first,
            lattice=base.shape,
            nodes_m=nodes,
            above_m=np.nan_to_num(own - _between(base, ground.spacing, first, own.shape)),
            eyes_m=eyes.astype(np.float32),
            place=(np.stack([x, y]) * nearness / MOON_RADIUS_M).astype(np.float32),
            turn=matrices.reshape(-1, 4).T.astype(np.float32),
            turn_middle=ground.chart.turns(area, middle),
            views=views,
        )


@dataclass(frozen=True)
class _Plane:
    """Plane of a chart that is level at a place of the sphere; heights over it keep lines straight."""

    right: float
    top: float
    base_m: float

    @classmethod
    def level_at(cls, x_m: float, y_m: float, nearness: float) -> _Plane:
        right, top = x_m * nearness / MOON_RADIUS_M, y_m * nearness / MOON_RADIUS_M
        base = float(depth(np.zeros(()), np.asarray(nearness))) + right * x_m + top * y_m
        return cls(right, top, base)

    def over(self, x_m: Floats, y_m: Floats, depth_m: Floats) -> Floats:
        return depth_m + self.right * x_m + self.top * y_m - self.base_m


def _margin(ground: Ground, span: tuple[int, int]) -> tuple[int, int]:
    """Rows or columns of the map that a tile needs, from a multiple of 256 on."""
    spare = math.ceil(min(NEAR_CELLS, ground.near_m / ground.area.cell_m * 1.2)) + SPARE_CELLS
    return (span[0] - spare) // ALIGN * ALIGN, span[1] + spare


def _nodes(ground: Ground, masts_m: tuple[float, ...]) -> Singles:
    """Three heights over the lattice, between which the far horizon is interpolated."""
    room = max(1.0, 0.1 * ground.spacing * ground.area.cell_m)
    low, high = min(masts_m), max(masts_m)
    return np.array([low - room, 0.5 * (low + high), high + room], dtype=np.float32)


def _filled(heights: Singles) -> Singles:
    """Heights with the nearest one where there is none, and zero if there is none at all."""
    missing = np.isnan(heights)
    if not missing.any():
        return heights
    if missing.all():
        return np.zeros_like(heights)
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(heights[tuple(nearest)])


def _between(base: Singles, spacing: int, first: tuple[int, int], shape: tuple[int, int]) -> Singles:
    """Heights of a lattice at the cells of a tile, bilinear."""
    places = [np.arange(count) + begin for count, begin in zip(shape, first, strict=True)]
    (row, down), (col, right) = (
        (place // spacing, (place % spacing / spacing).astype(np.float32)) for place in places
    )
    line = base[row] + (base[row + 1] - base[row]) * down[:, None]
    return np.asarray(line[:, col] + (line[:, col + 1] - line[:, col]) * right)


def _view(
    level: FarLevel, plane: _Plane, x: Floats, y: Floats, depths: Floats, masts_m: tuple[float, float]
) -> FarView:
    """What points of a lattice see of a level, for eyes at depths over a plane."""
    cell, shape = level.cell_m, level.ground_m.shape
    col, row = (x - level.left_m) / cell, (level.top_m - y) / cell
    cells = [(math.floor(place.min()), math.floor(place.max()) + 2) for place in (row, col)]
    reach = math.ceil(level.farthest_m / cell) + SPARE_CELLS
    (top, bottom), (left, right) = (
        (max(0, (span[0] - reach) // ALIGN * ALIGN), min(count, span[1] + reach))
        for span, count in zip(cells, shape, strict=True)
    )
    across = level.left_m + np.arange(left, right) * cell
    down = level.top_m - np.arange(top, bottom) * cell
    depth_m = level.ground_m[top:bottom, left:right].astype(np.float64)
    ground = plane.over(across, down[:, None], depth_m).astype(np.float32)
    window = (cells[0][0] - top, cells[0][1] - top, cells[1][0] - left, cells[1][1] - left)
    here = ground[window[0] : window[1], window[2] : window[3]]
    corner, part = _corners(np.isnan(here), row - cells[0][0], col - cells[1][0])
    width = here.shape[1]
    base = np.nan_to_num(here.astype(np.float64)).ravel()
    upper = base[corner] * (1.0 - part[1]) + base[corner + 1] * part[1]
    lower = base[corner + width] * (1.0 - part[1]) + base[corner + width + 1] * part[1]
    over = depths - (upper * (1.0 - part[0]) + lower * part[0])
    room = _MISFIT * cell
    observers = np.array([masts_m[0] - room, 0.5 * sum(masts_m), masts_m[1] + room])
    below = np.clip(np.searchsorted(observers, over) - 1, 0, observers.size - 2)
    share = (over - observers[below]) / (observers[below + 1] - observers[below])
    return FarView(
        level=level,
        ground_m=ground,
        window=window,
        lean=(plane.right, plane.top),
        observers_m=tuple(observers.tolist()),
        corner=corner.astype(np.int32),
        part=part.astype(np.float32),
        below=below.astype(np.int8),
        share=np.clip(share, -2.0, 3.0).astype(np.float32),
    )


def _corners(missing: NDArray[np.bool_], row: Floats, col: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Cell up and left of places and where they lie beyond it; beside missing ones, the nearest that is not."""
    rows, cols = missing.shape
    r = np.clip(np.floor(row), 0, rows - 2).astype(np.intp)
    c = np.clip(np.floor(col), 0, cols - 2).astype(np.intp)
    part = np.stack([row - r, col - c])
    torn = missing[r, c] | missing[r + 1, c] | missing[r, c + 1] | missing[r + 1, c + 1]
    if torn.any() and not missing.all():
        from scipy.ndimage import distance_transform_edt

        nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
        at = (
            np.rint(row[torn]).astype(np.intp).clip(0, rows - 1),
            np.rint(col[torn]).astype(np.intp).clip(0, cols - 1),
        )
        found = nearest[0][at], nearest[1][at]
        r[torn], c[torn] = np.minimum(found[0], rows - 2), np.minimum(found[1], cols - 2)
        part[:, torn] = np.stack([found[0] - r[torn], found[1] - c[torn]])
    return r * cols + c, part
