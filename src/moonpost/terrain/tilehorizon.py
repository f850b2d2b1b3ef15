"""Horizons of maps, tile by tile: the map's own cells nearby, ever coarser charts of the ground farther out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.area import MapArea
from moonpost.terrain.gnomonic import turns
from moonpost.terrain.gridhorizon import horizon_window
from moonpost.terrain.surface import Terrain
from moonpost.terrain.tileplan import FarView, Ground, Tile

__all__ = ["NO_HEIGHT", "TileHorizons", "far_horizons", "near_horizons"]

NO_HEIGHT = -32768
"""Stands for the horizon of a cell without a height."""

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Shorts = NDArray[np.int16]

_PLANE_M = 1e13
_BLOCK_BYTES = 64_000_000
_NOTHING = np.float32(-1e3)


@dataclass(frozen=True, eq=False)
class TileHorizons:
    ground: Ground
    masts_m: tuple[float, ...]
    azimuths: int
    tile_cells: int

    @classmethod
    def prepare(
        cls,
        terrain: Terrain,
        area: MapArea,
        mast_m: Sequence[float] = (0.0, 2.0, 10.0),
        azimuths: int = 720,
        *,
        tile_cells: int = 512,
    ) -> TileHorizons:
        return cls(Ground.about(terrain, area), tuple(float(m) for m in mast_m), azimuths, tile_cells)

    @property
    def azimuths_rad(self) -> Floats:
        return np.arange(self.azimuths) * (2.0 * np.pi / self.azimuths)

    def tile(self, rows: slice, cols: slice) -> Tile:
        shape = self.ground.area.shape
        spans = [span.indices(count)[:2] for span, count in zip((rows, cols), shape, strict=True)]
        return Tile.of(self.ground, spans[0], spans[1], self.masts_m)

    def blocks(self, rows: slice, cols: slice) -> Iterator[tuple[slice, Shorts]]:
        from moonpost.terrain.tilekernels import combine

        tile = self.tile(rows, cols)
        shape = tile.missing.shape
        at_once = int(np.clip(_BLOCK_BYTES // (4 * len(self.masts_m) * math.prod(shape)), 1, self.azimuths))
        near = np.empty((len(self.masts_m), at_once, *shape), dtype=np.float32)
        dips = np.array([-math.acos(MOON_RADIUS_M / (MOON_RADIUS_M + m)) for m in self.masts_m], dtype=np.float32)
        for start in range(0, self.azimuths, at_once):
            part = slice(start, min(start + at_once, self.azimuths))
            angles = self.azimuths_rad[part]
            found = near_horizons(self.ground, tile, angles, self.masts_m, near[:, : angles.size])
            far = far_horizons(tile, angles)
            result = np.empty((len(self.masts_m), angles.size, *shape), dtype=np.int16)
            combine(
                found,
                far,
                self.ground.spacing,
                *tile.first,
                tile.above_m,
                np.array(self.masts_m, dtype=np.float32),
                tile.nodes_m,
                tile.stretch,
                tile.missing,
                dips,
                result,
            )
            yield part, result

    def horizons(self, rows: slice, cols: slice) -> Shorts:
        shape = [len(range(*span.indices(count))) for span, count in zip((rows, cols), self.ground.area.shape)]
        result = np.empty((len(self.masts_m), self.azimuths, *shape), dtype=np.int16)
        for part, block in self.blocks(rows, cols):
            result[:, part] = block
        return result


def near_horizons(
    ground: Ground, tile: Tile, azimuths_rad: Floats, masts_m: tuple[float, ...], out: Singles
) -> Singles:
    return horizon_window(
        tile.heights_m,
        tile.pixel_m,
        azimuths_rad,
        tile.window,
        observers_m=masts_m,
        max_distance_m=ground.near_m,
        rise=ground.rise,
        datum_m=0.0,
        out=np.ascontiguousarray(out),
    )


def far_horizons(tile: Tile, azimuths_rad: Floats) -> Singles:
    from moonpost.terrain.tilekernels import raise_lattice

    points = tile.place.shape[1]
    best = np.full((azimuths_rad.size, 3, points), _NOTHING)
    for view in tile.views:
        angle = turns(tile.turn_middle, azimuths_rad)
        slopes = _slopes(view, angle)
        aim = _aim(azimuths_rad, angle, view.lean)
        width = view.window[3] - view.window[2]
        raise_lattice(
            slopes,
            width,
            view.corner,
            view.part,
            view.below,
            view.share,
            tile.eyes_m,
            tile.place,
            tile.turn,
            aim,
            best,
        )
    return np.arctan(best, out=best).reshape(azimuths_rad.size, 3, *tile.lattice)


def _slopes(view: FarView, angle: Floats) -> Singles:
    level = view.level
    found = horizon_window(
        view.ground_m,
        level.cell_m,
        angle,
        view.window,
        radius_m=_PLANE_M,
        observers_m=view.observers_m,
        min_distance_m=level.nearest_m - level.cell_m,
        max_distance_m=level.farthest_m,
        rise=level.rise,
        datum_m=0.0,
    )
    slopes = np.ascontiguousarray(found.transpose(1, 0, 2, 3)).reshape(angle.size, len(view.observers_m), -1)
    nothing = ~(slopes > -1.5)
    np.tan(slopes, out=slopes)
    slopes[nothing] = _NOTHING
    return slopes


def _aim(azimuths_rad: Floats, angle: Floats, lean: tuple[float, float]) -> Singles:
    aim = np.zeros((angle.size, 6))
    aim[:, 0], aim[:, 1] = np.sin(azimuths_rad), np.cos(azimuths_rad)
    aim[:, 2], aim[:, 3] = np.sin(angle), np.cos(angle)
    aim[:, 4] = lean[0] * aim[:, 2] + lean[1] * aim[:, 3]
    if angle.size > 1:
        step = np.diff(angle)
        aim[:-1, 5] = 1.0 / step
        aim[-1, 5] = -1.0 / step[-1]
    return aim.astype(np.float32)
