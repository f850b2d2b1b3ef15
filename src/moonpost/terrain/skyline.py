"""The horizon of a point: great-circle rays through the nested terrain."""

from __future__ import annotations

import datetime
import importlib.metadata
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError, TerrainError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.layer import Grid
from moonpost.terrain.profile import HorizonProfile
from moonpost.terrain.projection import GENERIC
from moonpost.terrain.surface import Terrain, latitude_longitude_deg

__all__ = ["horizon"]

STEP_CELLS = 0.25
NEAR_M = 5_000.0
SITE_RESOLUTION_M = 100.0
_BLOCK = 1024


def horizon(terrain: Terrain, site: Site, mast_m: float = 2.0, azimuths: int = 720) -> HorizonProfile:
    """Horizon seen from a mast at a place, with the Moon's curvature, as far out as terrain can matter.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    site : Site
        The place; the ground's height is taken from the terrain, not from the site.
    mast_m : float, default 2.0
        Height of the eye above the ground [m].
    azimuths : int, default 720
        Number of azimuths, equally spaced clockwise from true north.

    Returns
    -------
    HorizonProfile
        With `grade` "site" if every height within 5 km of the site comes from cells finer than 100 m and the
        terrain is known as far out as it can matter on every azimuth, else "screening".

    Raises
    ------
    TerrainError
        If the terrain has no height at the site, or a ray crosses a hole in the terrain where it could still matter.
    InputError
        If the mast or the number of azimuths is of no use.

    Notes
    -----
    Each ray is a great circle of the sphere of radius R = 1737.4 km, sampled at a quarter of the finest cell that
    can occur at its distance, bilinear in the first listed file that has data. A point of height h at the angle theta
    from the site is seen from height H at the elevation

    ``tan e = (h - H - 2 (R + h) sin^2(theta / 2)) / ((R + h) sin theta)``

    and the horizon is the highest of these. Azimuths are those of the local vertical and true north, so grid
    convergence and map scale do not enter. A ray stops where even the highest point of the data would lie below the
    horizon found so far, or where the data end; in the second case `reach_m` says how far it came, and the
    provenance and the grade say so as well. A ray without a single height beside the site (a site on the rim of the
    data) takes the dip of a level sphere.

    The grade's rule: at LOLA's 1600 m the horizon near a site is wrong by 1 to 2.6 deg, and 0.25 deg change the
    longest darkness on a polar ridge by more than a day. A height error of 0.2 times a 100 m cell shifts the horizon
    by 0.23 deg at 5 km; beyond that coarser cells do the same, provided that they do not exceed a fiftieth of the distance.

    Neglected: refraction (none), deflection of the vertical (up to about 0.1 deg), terrain narrower than the spacing
    of the azimuths at its distance.

    References
    ----------
    Mazarico, E. et al. (2011), Illumination conditions of the lunar polar regions using LOLA topography, Icarus 211,
    1066-1081, DOI 10.1016/j.icarus.2010.10.030.

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> profile = horizon(terrain, terrain.site(-89.67, 129.78), mast_m=2.0, azimuths=36)
    >>> profile.grade, bool(profile.elevation_deg.min() > 5.0)
    ('screening', True)
    """
    if not (isinstance(mast_m, int | float | np.number) and math.isfinite(mast_m) and 0.0 <= mast_m <= 1e5):
        raise InputError(f"mast of {mast_m!r} m", where="mast_m", advice="give a height from 0 m to 100 km")
    if isinstance(azimuths, bool) or not isinstance(azimuths, int | np.integer) or not 4 <= azimuths <= 360_000:
        raise InputError(f"{azimuths!r} azimuths", where="azimuths", advice="give a whole number from 4 to 360000")
    ground = terrain.site(site.latitude_deg, site.longitude_deg)
    march = _March.prepare(terrain, ground, float(mast_m), int(azimuths))
    march.run()
    return march.profile()


@dataclass(eq=False)
class _Nest:
    """The grids about a site and the distances at which each can occur."""

    grids: list[Grid]
    layer: list[int]
    start_m: list[float]
    end_m: list[float]
    cell_m: list[float]

    @classmethod
    def about(cls, terrain: Terrain, site: Site) -> _Nest:
        nest = cls([], [], [], [], [])
        for index, layer in enumerate(terrain.layers):
            for grid in layer.grids(site.latitude_deg, site.longitude_deg):
                start, end, cell = _extent(grid, site)
                nest.grids.append(grid)
                nest.layer.append(index)
                nest.start_m.append(start)
                nest.end_m.append(end)
                nest.cell_m.append(cell)
        return nest

    def distances(self) -> NDArray[np.float64]:
        """Sample distances [m]: a quarter of the finest cell that can occur, from the first quarter cell outwards."""
        marks = sorted({0.0, *self.start_m, *self.end_m})
        pieces = []
        for low, high in zip(marks, marks[1:], strict=False):
            cells = [
                c for s, e, c in zip(self.start_m, self.end_m, self.cell_m, strict=True) if s < high and e > low
            ]
            if cells:
                step = STEP_CELLS * min(cells)
                count = max(1, math.ceil((high - low) / step))
                pieces.append(low + (np.arange(count) + 1.0) * ((high - low) / count))
        return np.concatenate(pieces)


@dataclass(eq=False)
class _March:
    """State of the march of all rays of one site."""

    terrain: Terrain
    site: Site
    mast_m: float
    nest: _Nest
    tangent: NDArray[np.float64]
    best: NDArray[np.float64]
    where: NDArray[np.float64]
    last: NDArray[np.float64]
    gap: NDArray[np.float64]
    active: NDArray[np.intp]
    near_cell_m: float = 0.0
    used: set[int] | None = None

    @classmethod
    def prepare(cls, terrain: Terrain, site: Site, mast_m: float, azimuths: int) -> _March:
        azimuth = np.radians(np.arange(azimuths) * 360.0 / azimuths)
        east, north, _ = site.basis
        return cls(
            terrain=terrain,
            site=site,
            mast_m=mast_m,
            nest=_Nest.about(terrain, site),
            tangent=np.cos(azimuth)[:, None] * north + np.sin(azimuth)[:, None] * east,
            best=np.full(azimuths, -np.inf),
            where=np.zeros(azimuths),
            last=np.zeros(azimuths),
            gap=np.full(azimuths, np.nan),
            active=np.arange(azimuths),
            used=set(),
        )

    def run(self) -> None:
        """March outwards block by block until no ray can rise any more or the data end."""
        angles = self.nest.distances() / MOON_RADIUS_M
        angles = angles[angles < math.pi]
        for first in range(0, angles.size, _BLOCK):
            block = angles[first : first + _BLOCK]
            self._step(block)
            self.active = self.active[self.best[self.active] < self._ceiling(float(block[-1]))]
            if not self.active.size:
                break

    def _step(self, angle: NDArray[np.float64]) -> None:
        from moonpost.terrain.kernels import ray_maximum

        rays = self.active
        heights = np.full((rays.size, angle.size), np.nan, dtype=np.float32)
        source = np.full((rays.size, angle.size), -1, dtype=np.int16)
        for index, grid in enumerate(self.nest.grids):
            if self._can_occur(index, angle):
                _fill(grid, self.site, self.tangent[rays], angle, index, heights, source)
        best, where, last, gap = self.best[rays], self.where[rays], self.last[rays], self.gap[rays]
        eye = self.site.height_m + self.mast_m
        torn = ray_maximum(heights, eye, MOON_RADIUS_M, angle, best, where, last, gap)
        if torn >= 0:
            raise self._hole(int(rays[torn]), float(gap[torn]))
        self.best[rays], self.where[rays], self.last[rays], self.gap[rays] = best, where, last, gap
        self._note_sources(source, angle)

    def _can_occur(self, index: int, angle: NDArray[np.float64]) -> bool:
        low, high = angle[0] * MOON_RADIUS_M, angle[-1] * MOON_RADIUS_M
        return self.nest.start_m[index] <= high and self.nest.end_m[index] >= low

    def _note_sources(self, source: NDArray[np.int16], angle: NDArray[np.float64]) -> None:
        """Remember which files were used, and the coarsest cell near the site."""
        assert self.used is not None
        self.used |= {self.nest.layer[int(i)] for i in np.unique(source) if i >= 0}
        near = source[:, angle * MOON_RADIUS_M <= NEAR_M]
        for index in np.unique(near):
            size = math.inf if index < 0 else self.nest.grids[int(index)].resolution_m
            self.near_cell_m = max(self.near_cell_m, size)

    def _hole(self, ray: int, angle: float) -> TerrainError:
        _, _, up = self.site.basis
        point = up * math.cos(angle) + self.tangent[ray] * math.sin(angle)
        lat, lon = latitude_longitude_deg(point[None, :])
        error = self.terrain.missing(float(lat[0]), float(lon[0]))
        return TerrainError(
            f"{error.what}, {angle * MOON_RADIUS_M / 1000.0:.2f} km from the site, with more terrain behind it",
            where=error.where,
            advice=error.advice,
        )

    def _ceiling(self, angle: float) -> float:
        """Tangent above which no point of the data beyond an angle can be seen."""
        top = MOON_RADIUS_M + max(float(np.nanmax(grid.heights_m)) for grid in self.nest.grids)
        ratio = (MOON_RADIUS_M + self.site.height_m + self.mast_m) / top
        if ratio > 1.0:
            angle = max(angle, math.acos(1.0 / ratio))
        return (math.cos(angle) - ratio) / math.sin(angle)

    def profile(self) -> HorizonProfile:
        """The result with its grade and provenance."""
        eye = MOON_RADIUS_M + self.site.height_m + self.mast_m
        dip = -math.acos((MOON_RADIUS_M + self.site.height_m) / eye)
        elevation = np.where(
            np.isfinite(self.best), np.arctan(np.where(np.isfinite(self.best), self.best, 0.0)), dip
        )
        reach = np.full(self.best.size, np.inf)
        reach[self.active] = self.last[self.active] * MOON_RADIUS_M
        fine = self.near_cell_m < SITE_RESOLUTION_M
        grade: Literal["site", "screening"] = "site" if fine and not self.active.size else "screening"
        return HorizonProfile(
            azimuth_deg=np.arange(self.best.size) * 360.0 / self.best.size,
            elevation_deg=np.degrees(elevation),
            distance_m=self.where * MOON_RADIUS_M,
            site=self.site,
            mast_m=self.mast_m,
            grade=grade,
            provenance=self._provenance(reach),
            reach_m=reach,
        )

    def _provenance(self, reach: NDArray[np.float64]) -> dict[str, Any]:
        limits = []
        if not self.near_cell_m < SITE_RESOLUTION_M:
            cell = f"cells of {self.near_cell_m:.0f} m" if math.isfinite(self.near_cell_m) else "no terrain"
            limits.append(
                f"{cell} within {NEAR_M / 1000:.0f} km of the site, finer than {SITE_RESOLUTION_M:.0f} m needed"
            )
        if self.active.size:
            limits.append(
                f"the terrain ends before it stops mattering on {self.active.size} of {reach.size} azimuths, "
                f"nearest at {reach[self.active].min() / 1000:.1f} km"
            )
        return {
            "terrain": [self.terrain.layers[i].record() for i in sorted(self.used or ())],
            "near_cell_m": self.near_cell_m if math.isfinite(self.near_cell_m) else None,
            "limits": limits,
            "step_cells": STEP_CELLS,
            "moonpost": importlib.metadata.version("moonpost"),
            "computed": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        }


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
    inside = not np.isnan(grid.sample(np.array([site.latitude_deg]), np.array([site.longitude_deg]))[0])
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


def _fill(
    grid: Grid,
    site: Site,
    tangent: NDArray[np.float64],
    angle: NDArray[np.float64],
    mark: int,
    heights: NDArray[np.float32],
    source: NDArray[np.int16],
) -> None:
    """Fill missing heights of a block of samples from one grid."""
    from moonpost.terrain.kernels import height_along

    up = np.ascontiguousarray(site.basis[2])
    if grid.projection.kind != GENERIC:
        sine, cosine = np.sin(angle), np.cos(angle)
        numbers, inverse = grid.projection.numbers, grid.inverse
        height_along(
            grid.heights_m,
            grid.wrap,
            grid.projection.kind,
            numbers,
            inverse,
            up,
            tangent,
            sine,
            cosine,
            mark,
            heights,
            source,
        )
        return
    ray, sample = np.nonzero(np.isnan(heights))
    points = up * np.cos(angle[sample])[:, None] + tangent[ray] * np.sin(angle[sample])[:, None]
    found = grid.sample(*latitude_longitude_deg(points))
    good = ~np.isnan(found)
    heights[ray[good], sample[good]] = found[good]
    source[ray[good], sample[good]] = mark
