"""Numerical kernels of a patch of terrain that sees itself: view factors, in metres."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["view_factors"]

Floats = npt.NDArray[np.float64]

_STRIDE = 0.7


@njit(cache=True, nogil=True, inline="always")
def _height(z: Floats, row: float, col: float) -> float:
    """Height between the cells of a grid, bilinear; the place must be on the grid."""
    i, j = min(int(row), z.shape[0] - 2), min(int(col), z.shape[1] - 2)
    a, b = row - i, col - j
    above = z[i, j] * (1.0 - b) + z[i, j + 1] * b
    below = z[i + 1, j] * (1.0 - b) + z[i + 1, j + 1] * b
    return above * (1.0 - a) + below * a


@njit(cache=True, nogil=True)
def _clear(z: Floats, i: int, j: int, row: int, col: int) -> bool:
    """Whether the middles of two cells see each other."""
    far = math.hypot(row - i, col - j)
    if far < 2.0:
        return True
    start, stop = z[i, j], z[row, col]
    samples = int((far - 2.0) / _STRIDE) + 1
    for k in range(samples):
        share = (1.0 + (k + 0.5) * (far - 2.0) / samples) / far
        ground = _height(z, i + share * (row - i), j + share * (col - j))
        if ground > start + share * (stop - start):
            return False
    return True


@njit(cache=True, nogil=True)
def view_factors(
    z: Floats,
    cell_m: float,
    normal: Floats,
    fine_z: Floats,
    fine_normal: Floats,
    weight: Floats,
    block: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Fill `out`, shape (n, n), with the share of the view of each joined cell that each other takes.

    Parameters
    ----------
    z : ndarray, shape (rows, cols)
        Heights of the joined cells over a plane [m].
    cell_m : float
        Spacing of the joined cells [m].
    normal, fine_normal : ndarray, shape (rows, cols, 3) and (rows * block, cols * block, 3)
        Unit normals (along columns, against rows, up) of joined and of single cells.
    fine_z, weight : ndarray, shape (rows * block, cols * block)
        Heights of the single cells [m], and what each sends per joined cell's mean, as an area [m2].
    block : int
        Single cells on a side of a joined cell.
    out : ndarray
        Sum of cos a cos b weight / (pi r^2) over the single cells, where the middles of joined cells see each
        other.
    """
    rows, cols = z.shape
    fine = cell_m / block
    for p in range(rows * cols):
        i, j = p // cols, p % cols
        x0, y0, z0 = (j + 0.5) * cell_m, -(i + 0.5) * cell_m, z[i, j]
        for q in range(rows * cols):
            row, col = q // cols, q % cols
            value = 0.0
            if p != q:
                for a in range(row * block, (row + 1) * block):
                    for b in range(col * block, (col + 1) * block):
                        x, y = (b + 0.5) * fine - x0, -(a + 0.5) * fine - y0
                        up = fine_z[a, b] - z0
                        here = normal[i, j, 0] * x + normal[i, j, 1] * y + normal[i, j, 2] * up
                        there = fine_normal[a, b, 0] * x + fine_normal[a, b, 1] * y + fine_normal[a, b, 2] * up
                        if here > 0.0 and there < 0.0:
                            square = x * x + y * y + up * up
                            value -= here * there * weight[a, b] / (math.pi * square * square)
                if value > 0.0 and not _clear(z, i, j, row, col):
                    value = 0.0
            out[p, q] = value
