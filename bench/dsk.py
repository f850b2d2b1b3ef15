"""The horizon by SPICE: rays against a DSK plate model of a terrain file; an oracle that shares no code."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

RADIUS_KM = 1737.4
_FRAME = "IAU_MOON"


def vertices_km(layer, cells_per_cell: int = 1) -> tuple[np.ndarray, tuple[int, int]]:
    """Points of a file's bilinear surface in body-fixed coordinates, so many to a cell on either way."""
    from moonpost.terrain.kernels import bilinear

    grid = layer.grids()[0]
    rows, cols = ((count - 1) * cells_per_cell + 1 for count in grid.heights_m.shape)
    row, col = (axis.ravel() / cells_per_cell for axis in np.mgrid[:rows, :cols])
    heights = bilinear(grid.heights_m, False, col, row)
    a, b, c, d, e, f = grid.inverse
    x, y = np.linalg.solve(np.array([[a, b], [d, e]]), np.stack([col - c, row - f]))
    latitude, longitude = (np.radians(axis) for axis in layer.projection.from_map(x, y))
    radius = RADIUS_KM + heights / 1000.0
    level = radius * np.cos(latitude)
    points = np.stack([level * np.cos(longitude), level * np.sin(longitude), radius * np.sin(latitude)], axis=-1)
    return points, (rows, cols)


def plates(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Two triangles to a cell, seen from outside in the sense that DSK wants, vertices counted from 1."""
    index = np.arange(points.shape[0]).reshape(shape)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    found = np.concatenate([np.stack([a, c, b], axis=-1), np.stack([b, c, d], axis=-1)])
    p, q, r = (points[found[:, k]] for k in range(3))
    inward = np.sum(np.cross(q - p, r - p) * p, axis=-1) < 0.0
    found[inward] = found[inward][:, [0, 2, 1]]
    return np.ascontiguousarray(found + 1, dtype=np.int32)


@contextlib.contextmanager
def plate_model(layer, path: Path, cells_per_cell: int = 1) -> Iterator[None]:
    """Write a DSK of a terrain file and load it while the block runs."""
    import spiceypy as spice

    points, shape = vertices_km(layer, cells_per_cell)
    faces = plates(points, shape)
    index = spice.dskmi2(points, faces, 5.0, 10, 2_500_000, 2_000_000, 2_000_000, False, 5_000_000)
    system = np.zeros(10)
    system[0] = RADIUS_KM
    low, high = spice.dskrb2(points, faces, 1, system)
    handle = spice.dskopn(str(path), "terrain", 0)
    latitude = np.arcsin(points[:, 2] / np.linalg.norm(points, axis=1))
    bounds = (-math.pi, math.pi, float(latitude.min()), float(latitude.max()), low, high)
    spice.dskw02(handle, 301, 1, 1, _FRAME, 1, system, *bounds, -1e9, 1e9, points, faces, *index)
    spice.dskcls(handle, True)
    spice.furnsh(str(path))
    constants = {
        "RADII": [RADIUS_KM] * 3,
        "POLE_RA": [270.0, 0.0, 0.0],
        "POLE_DEC": [66.5, 0.0, 0.0],
        "PM": [0.0] * 3,
    }
    for name, values in constants.items():
        spice.pdpool(f"BODY301_{name}", values)
    try:
        yield
    finally:
        spice.kclear()


def horizon_deg(site, mast_m: float, azimuth_deg: float, near_deg: float, span_deg: float = 4.0) -> float:
    """Highest elevation at which a ray meets the loaded plates, within a span about a guess; NaN if none there."""
    import spiceypy as spice

    east, north, up = site.basis
    eye = up * (RADIUS_KM + (site.height_m + mast_m) / 1000.0)
    azimuth = math.radians(azimuth_deg)
    ahead = east * math.sin(azimuth) + north * math.cos(azimuth)

    def meets(elevation_deg: float) -> bool:
        angle = math.radians(elevation_deg)
        ray = ahead * math.cos(angle) + up * math.sin(angle)
        return bool(spice.dskxv(False, "MOON", [], 0.0, _FRAME, [eye], [ray])[1][0])

    low, high = near_deg - span_deg, near_deg + span_deg
    if not meets(low) or meets(high):
        return math.nan
    for _ in range(18):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if meets(middle) else (low, middle)
    return low
