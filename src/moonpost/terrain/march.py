"""Samples along great circles through nested grids: where they lie and what height each has."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.layer import Grid
from moonpost.terrain.projection import GENERIC
from moonpost.terrain.surface import Terrain, latitude_longitude_deg

__all__ = ["STEP_CELLS", "Nest"]

STEP_CELLS = 0.25
"""Longest step of the march in cells of the finest grid that can occur at a distance."""
START_CELLS = 1.0 / 64.0
GROWTH = 0.02
"""Near the site steps grow by this share of the distance from the first, a 64th of a cell, to the longest."""
BLOCK = 1024
NODE_STRIDE = 16

Floats = NDArray[np.float64]
Marks = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Nest:
    """The grids about a site, in the order in which they win, and the distances at which each can occur.

    Parameters
    ----------
    site : Site
        The place.
    grids : tuple of Grid
        Heights in memory.
    layer : tuple of int
        The terrain layer of each grid.
    start_m, end_m : tuple of float
        Distances from the site between which each grid can occur [m].
    cell_m : tuple of float
        Smallest cell of each grid on the ground [m].
    top_m : float
        Highest height of all grids [m].

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> nest = Nest.about(terrain, Site(-89.9, 0.0))
    >>> len(nest.grids), nest.start_m
    (1, (0.0,))
    """

    site: Site
    grids: tuple[Grid, ...]
    layer: tuple[int, ...]
    start_m: tuple[float, ...]
    end_m: tuple[float, ...]
    cell_m: tuple[float, ...]
    top_m: float

    @classmethod
    def about(cls, terrain: Terrain, site: Site) -> Nest:
        """Load what a site needs of a terrain.

        Parameters
        ----------
        terrain : Terrain
            Nested terrain files.
        site : Site
            The place.

        Returns
        -------
        Nest
            Its grids.
        """
        pairs = [
            (index, grid)
            for index, layer in enumerate(terrain.layers)
            for grid in layer.grids(site.latitude_deg, site.longitude_deg)
        ]
        extents = [_extent(grid, site) for _, grid in pairs]
        return cls(
            site=site,
            grids=tuple(grid for _, grid in pairs),
            layer=tuple(index for index, _ in pairs),
            start_m=tuple(extent[0] for extent in extents),
            end_m=tuple(extent[1] for extent in extents),
            cell_m=tuple(extent[2] for extent in extents),
            top_m=max(float(np.nanmax(grid.heights_m)) for _, grid in pairs),
        )

    def blocks(self) -> Iterator[Floats]:
        """Angles at the centre of the samples [rad], outwards, in blocks.

        Yields
        ------
        ndarray, shape (m,)
            At most 1024 angles: at first in a geometric series, then equally spaced. Where no grid can occur, one
            angle marks the gap.
        """
        spans = list(zip(self.start_m, self.end_m, self.cell_m, strict=True))
        cell = min((cell for start, _, cell in spans if start == 0.0), default=1.0)
        near = STEP_CELLS / GROWTH * cell
        count = math.ceil(math.log(near / (START_CELLS * cell)) / math.log1p(GROWTH))
        yield np.geomspace(START_CELLS * cell, near, count + 1) / MOON_RADIUS_M
        marks = sorted({near, *(mark for mark in (*self.start_m, *self.end_m) if mark > near)})
        for low, high in itertools.pairwise(marks):
            cells = [cell for start, end, cell in spans if start < high and end > low]
            count = max(1, math.ceil((high - low) / (STEP_CELLS * min(cells)))) if cells else 1
            for first in range(0, count, BLOCK):
                number = np.arange(first + 1, min(first + BLOCK, count) + 1, dtype=np.float64)
                angle: Floats = (low + number * ((high - low) / count)) / MOON_RADIUS_M
                if angle[-1] < math.pi:
                    yield angle

    def heights(self, tangent: Floats, angle: Floats) -> tuple[Floats, Marks]:
        """Heights along rays, each from the first grid that has data there.

        Parameters
        ----------
        tangent : ndarray, shape (n, 3)
            Unit vectors of the rays along the ground at the site.
        angle : ndarray, shape (m,) or (n, m)
            Angles at the centre [rad]: a block of `blocks`, or some for each ray.

        Returns
        -------
        heights_m : ndarray, shape (n, m)
            Heights [m]; NaN where no grid has data.
        source : ndarray of int16, shape (n, m)
            The grid that gave each, -1 for none.
        """
        heights = np.full((tangent.shape[0], angle.shape[-1]), np.nan)
        source = np.full(heights.shape, -1, dtype=np.int16)
        for index, grid in enumerate(self.grids):
            low, high = angle.min() * MOON_RADIUS_M, angle.max() * MOON_RADIUS_M
            if self.start_m[index] <= high and self.end_m[index] >= low:
                _fill(grid, self.site, tangent, angle, index, heights, source)
        return heights, source


def _extent(grid: Grid, site: Site) -> tuple[float, float, float]:
    """Nearest and farthest distance of a grid from the site, and its smallest cell on the ground [m]."""
    rows, cols = grid.heights_m.shape
    edge = np.linspace(-0.5, 0.5, 65)
    u = np.concatenate([edge, edge, np.full(65, -0.5), np.full(65, 0.5)])
    v = np.concatenate([np.full(65, -0.5), np.full(65, 0.5), edge, edge])
    inner = np.linspace(-0.45, 0.45, 9)
    uu, vv = (part.ravel() for part in np.meshgrid(inner, inner))
    col, row = np.concatenate([u, uu]) * cols, np.concatenate([v, vv]) * rows
    points = _points(grid, col + (cols - 1) / 2.0, row + (rows - 1) / 2.0)
    distance = _distance_m(points, site.basis[2])
    across = _distance_pairs_m(_points(grid, uu * cols + cols / 2.0, vv * rows + rows / 2.0), points[u.size :])
    cell = float(np.nanmin(across)) / math.sqrt(0.5)
    inside = _covers(grid, site)
    spread = float(np.nanmax(distance)) * 0.05 + 10.0 * cell
    if grid.wrap or not np.all(np.isfinite(distance)):
        return 0.0, math.pi * MOON_RADIUS_M, cell
    start = 0.0 if inside else max(0.0, float(np.nanmin(distance)) - spread)
    return start, min(float(np.nanmax(distance)) * 1.02 + 2.0 * cell, math.pi * MOON_RADIUS_M), cell


def _points(grid: Grid, col: NDArray[np.float64], row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors of cell coordinates, NaN where the projection has none."""
    a, b, c, d, e, f = grid.inverse
    area = a * e - b * d
    x = (e * (col - c) - b * (row - f)) / area
    y = (a * (row - f) - d * (col - c)) / area
    lat, lon = grid.projection.from_map(x, y)
    good = np.isfinite(lat) & np.isfinite(lon)
    lat, lon = np.radians(np.where(good, lat, np.nan)), np.radians(np.where(good, lon, np.nan))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _distance_m(points: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2.0 * MOON_RADIUS_M * np.arcsin(np.clip(0.5 * np.linalg.norm(points - up, axis=-1), 0.0, 1.0))


def _distance_pairs_m(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2.0 * MOON_RADIUS_M * np.arcsin(np.clip(0.5 * np.linalg.norm(first - second, axis=-1), 0.0, 1.0))


def _covers(grid: Grid, site: Site) -> bool:
    """Whether the site lies on the cells of a grid, with data or without."""
    x, y = grid.map_coordinates(np.array([site.latitude_deg]), np.array([site.longitude_deg]))
    a, b, c, d, e, f = grid.inverse
    col, row = a * x[0] + b * y[0] + c, d * x[0] + e * y[0] + f
    rows, cols = grid.heights_m.shape
    return bool(-0.5 <= col <= cols - 0.5 and -0.5 <= row <= rows - 0.5)


def _fill(
    grid: Grid, site: Site, tangent: Floats, angle: Floats, mark: int, heights: Floats, source: Marks
) -> None:
    """Fill missing heights of a block of samples from one grid."""
    from moonpost.terrain.kernels import height_along

    projection = grid.projection
    if projection.kind == GENERIC:
        if angle.ndim > 1 or not _even(angle):
            _fill_singly(grid, site, tangent, angle, mark, np.isnan(heights), heights, source)
            return
        _fill_by_proj(grid, site, tangent, angle, mark, heights, source)
        return
    up = np.ascontiguousarray(site.basis[2])
    sine, cosine = (np.broadcast_to(part, heights.shape) for part in (np.sin(angle), np.cos(angle)))
    height_along(
        grid.heights_m,
        grid.wrap,
        projection.kind,
        projection.numbers,
        grid.inverse,
        up,
        np.ascontiguousarray(tangent),
        sine,
        cosine,
        mark,
        heights,
        source,
    )


def _even(angle: Floats) -> bool:
    """Whether samples are equally spaced."""
    return angle.size < 3 or math.isclose(angle[1] - angle[0], angle[-1] - angle[-2], rel_tol=1e-6)


def _fill_by_proj(
    grid: Grid, site: Site, tangent: Floats, angle: Floats, mark: int, heights: Floats, source: Marks
) -> None:
    """Fill from a grid whose projection only PROJ knows: exact at nodes, cubic between them.

    Rays that meet a seam of the projection (a jump, or no coordinates at all) are asked point by point.
    """
    from moonpost.terrain.kernels import height_between

    step = (angle[-1] - angle[0]) / max(angle.size - 1, 1)
    nodes = angle[0] + (np.arange(angle.size // NODE_STRIDE + 4) - 1.0) * NODE_STRIDE * step
    x, y = _map_along(grid, site, tangent, nodes)
    bend = np.abs(np.diff(x, 2)) + np.abs(np.diff(y, 2))
    length = np.abs(np.diff(x)) + np.abs(np.diff(y))
    smooth = np.isfinite(bend).all(axis=1) & (bend.max(axis=1) <= 0.05 * np.median(length, axis=1))
    x[~smooth] = np.nan
    height_between(grid.heights_m, grid.wrap, grid.inverse, NODE_STRIDE, x, y, mark, heights, source)
    _fill_singly(grid, site, tangent, angle, mark, np.isnan(heights) & ~smooth[:, None], heights, source)


def _fill_singly(
    grid: Grid,
    site: Site,
    tangent: Floats,
    angle: Floats,
    mark: int,
    wanted: NDArray[np.bool_],
    heights: Floats,
    source: Marks,
) -> None:
    """Fill wanted samples point by point."""
    ray, sample = np.nonzero(wanted)
    if not ray.size:
        return
    theta = np.broadcast_to(angle, heights.shape)[ray, sample][:, None]
    points = site.basis[2] * np.cos(theta) + tangent[ray] * np.sin(theta)
    found = grid.sample(*latitude_longitude_deg(points))
    good = ~np.isnan(found)
    heights[ray[good], sample[good]] = found[good]
    source[ray[good], sample[good]] = mark


def _map_along(grid: Grid, site: Site, tangent: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """Map coordinates along rays, shape (n, m), by PROJ; infinite where it has none."""
    points = np.cos(angle)[None, :, None] * site.basis[2] + np.sin(angle)[None, :, None] * tangent[:, None, :]
    x, y = grid.projection.to_map(*latitude_longitude_deg(points.reshape(-1, 3)))
    shape = (tangent.shape[0], angle.size)
    return x.reshape(shape), y.reshape(shape)
