"""Compiled loops of maps: who sees the Sun, cell by cell, over the relief."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["polar_light", "unit_of_map"]

Floats = npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def unit_of_map(x: float, y: float, radius: float, south: bool) -> tuple[float, float, float]:
    """Direction of a place on a polar stereographic map that is true to scale at the pole."""
    a, b = x / (2.0 * radius), y / (2.0 * radius)
    square = a * a + b * b
    scale = 2.0 / (1.0 + square)
    up = (1.0 - square) / (1.0 + square)
    if south:
        return scale * b, scale * a, -up
    return -scale * b, scale * a, up


@njit(cache=True, nogil=True)
def _height(heights: Any, x0: float, y0: float, cell: float, x: float, y: float) -> float:
    """Height between four cells; NaN outside."""
    column, row = (x - x0) / cell, (y0 - y) / cell
    i, j = math.floor(row), math.floor(column)
    if i < 0 or j < 0 or i >= heights.shape[0] - 1 or j >= heights.shape[1] - 1:
        return math.nan
    p, q = row - i, column - j
    top = (1.0 - q) * heights[i, j] + q * heights[i, j + 1]
    bottom = (1.0 - q) * heights[i + 1, j] + q * heights[i + 1, j + 1]
    return float((1.0 - p) * top + p * bottom)


@njit(cache=True, nogil=True)
def _horizon(
    heights: Any, x0: float, y0: float, cell: float, radius: float, south: bool, place: Any, way: Any,
    eye: float, highest: float, reach: float, enough: float,
) -> float:  # fmt: skip
    """Tangent of the elevation of the horizon one way; ends early above what is enough."""
    worst = -1.0e9
    distance = cell
    while distance < reach:
        angle = distance / radius
        sine, cosine = math.sin(angle), math.cos(angle)
        if ((radius + highest) * cosine - eye) / ((radius + highest) * sine) <= worst:
            break
        ux = place[0] * cosine + way[0] * sine
        uy = place[1] * cosine + way[1] * sine
        uz = place[2] * cosine + way[2] * sine
        scale = 2.0 * radius / (1.0 + abs(uz))
        x, y = (scale * uy, scale * ux) if south else (scale * uy, -scale * ux)
        height = _height(heights, x0, y0, cell, x, y)
        if not math.isnan(height):
            tangent = ((radius + height) * cosine - eye) / ((radius + height) * sine)
            if tangent > worst:
                worst = tangent
                if worst > enough:
                    break
        distance += cell * max(1.0, 0.01 * distance / cell)
    return worst


@njit(cache=True, nogil=True)
def _disc(over: float, disc: float) -> float:
    """Part of a disc above a level edge that lies so far below its middle."""
    share = over / disc
    if share >= 1.0:
        return 1.0
    if share <= -1.0:
        return 0.0
    return 0.5 + (math.asin(share) + share * math.sqrt(1.0 - share * share)) / math.pi


@njit(cache=True, nogil=True)
def polar_light(
    heights: Any, x0: float, y0: float, cell: float, radius: float, south: bool, sun: Floats, disc: float,
    mast: float, reach: float, every: int,
) -> Any:  # fmt: skip
    """Part of the Sun's disc in view from every so many cells of a polar map, over relief out to a reach."""
    rows, columns = (heights.shape[0] + every - 1) // every, (heights.shape[1] + every - 1) // every
    found = np.full((rows, columns), np.nan, dtype=np.float32)
    highest = np.nanmax(heights)
    place, way = np.empty(3), np.empty(3)
    for i in range(rows):
        for j in range(columns):
            ground = heights[i * every, j * every]
            if math.isnan(ground):
                continue
            ux, uy, uz = unit_of_map(x0 + j * every * cell, y0 - i * every * cell, radius, south)
            place[0], place[1], place[2] = ux, uy, uz
            sine = sun[0] * ux + sun[1] * uy + sun[2] * uz
            elevation = math.asin(min(1.0, max(-1.0, sine)))
            across = math.sqrt(max(1.0 - sine * sine, 1e-18))
            for axis in range(3):
                way[axis] = (sun[axis] - sine * place[axis]) / across
            eye = radius + ground + mast
            enough = math.tan(elevation + disc)
            edge = _horizon(heights, x0, y0, cell, radius, south, place, way, eye, highest, reach, enough)
            found[i, j] = _disc(elevation - math.atan(edge), disc)
    return found
