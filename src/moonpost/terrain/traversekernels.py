"""Compiled loops over the ground of a traverse: legs between cells, least times without the sky, steepness."""

from __future__ import annotations

import heapq
import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["MOVES", "gentlest", "gradients", "least_costs", "leg", "leg_costs"]

Floats = NDArray[np.float64]
Costs = NDArray[np.float32]

MOVES = np.array(
    [
        (-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1),
        (-2, 1), (-1, 2), (1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1),
    ],
    dtype=np.int64,
)  # fmt: skip
"""Rows and columns of the moves: 4 straight, 4 diagonal, 8 as a knight in chess."""


@njit(cache=True, nogil=True)
def gradients(z: Floats, ground_m: Floats) -> Floats:
    """Rise per metre of ground to the right and to the top, from the cells on both sides where there are such.

    Parameters
    ----------
    z : ndarray, shape (rows, cols)
        Heights [m]; NaN where there is none.
    ground_m : ndarray, shape (rows, cols)
        Size of the cells on the ground [m].

    Returns
    -------
    ndarray, shape (rows, cols, 2)
        Tangents; 0 where no neighbour has a height.

    Examples
    --------
    >>> gradients(np.array([[0.0, 10.0, 20.0]]), np.full((1, 3), 100.0))[0, 1]
    array([0.1, 0. ])
    """
    rows, cols = z.shape
    out = np.zeros((rows, cols, 2))
    for r in range(rows):
        for c in range(cols):
            if math.isnan(z[r, c]):
                continue
            for axis in range(2):
                ra, ca, rb, cb = r, c, r, c
                if axis == 0:
                    ca, cb = max(c - 1, 0), min(c + 1, cols - 1)
                else:
                    ra, rb = min(r + 1, rows - 1), max(r - 1, 0)
                if math.isnan(z[ra, ca]):
                    ra, ca = r, c
                if math.isnan(z[rb, cb]):
                    rb, cb = r, c
                span = abs(rb - ra) + abs(cb - ca)
                if span > 0:
                    out[r, c, axis] = (z[rb, cb] - z[ra, ca]) / (span * ground_m[r, c])
    return out


@njit(cache=True, nogil=True)
def leg(
    z: Floats, ground_m: Floats, tilt: Floats, r: int, c: int, dr: int, dc: int
) -> tuple[float, float, float, float, float]:
    """Length, slopes and climb of the straight leg from one cell to another.

    Parameters
    ----------
    z, ground_m : ndarray, shape (rows, cols)
        Heights and sizes of the cells on the ground [m].
    tilt : ndarray, shape (rows, cols, 2)
        What `gradients` gives.
    r, c : int
        The cell.
    dr, dc : int
        The move.

    Returns
    -------
    tuple of float
        Length along the ground [m], steepest tangent along either half without sign, tangent of the whole leg
        (positive uphill), tangent across (positive to the left), metres climbed. The length is NaN where the leg
        leaves the grid or touches a cell without height.

    Examples
    --------
    >>> z = np.array([[0.0, 4.0]])
    >>> size = np.full((1, 2), 3.0)
    >>> leg(z, size, gradients(z, size), 0, 0, 0, 1)[0]
    5.0
    """
    nothing = (math.nan, math.nan, math.nan, math.nan, math.nan)
    rows, cols = z.shape
    r1, c1 = r + dr, c + dc
    if not (0 <= r1 < rows and 0 <= c1 < cols):
        return nothing
    low, high = z[r, c], z[r1, c1]
    norm = math.sqrt(dr * dr + dc * dc)
    level = 0.5 * (ground_m[r, c] + ground_m[r1, c1]) * norm
    if abs(dr) + abs(dc) == 1:
        middle = 0.5 * (low + high)
    elif abs(dr) == 1 and abs(dc) == 1:
        middle = 0.25 * (low + high + z[r, c1] + z[r1, c])
    elif abs(dr) == 2:
        half = dr // 2
        middle = 0.5 * (z[r + half, c] + z[r + half, c1])
    else:
        half = dc // 2
        middle = 0.5 * (z[r, c + half] + z[r1, c + half])
    if math.isnan(low) or math.isnan(high) or math.isnan(middle):
        return nothing
    first, second = (middle - low) / (0.5 * level), (high - middle) / (0.5 * level)
    length = math.hypot(0.5 * level, middle - low) + math.hypot(0.5 * level, high - middle)
    right, up = dc / norm, -dr / norm
    across = 0.5 * ((tilt[r, c, 1] + tilt[r1, c1, 1]) * right - (tilt[r, c, 0] + tilt[r1, c1, 0]) * up)
    climb = max(middle - low, 0.0) + max(high - middle, 0.0)
    return length, max(abs(first), abs(second)), (high - low) / level, across, climb


@njit(cache=True, nogil=True)
def leg_costs(
    z: Floats, ground_m: Floats, tilt: Floats, moves: int, limits: Floats, speed: Floats, power: Floats
) -> tuple[Costs, Costs]:
    """Time and energy of all legs without regard to the sky.

    Parameters
    ----------
    z, ground_m, tilt : ndarray
        As for `leg`.
    moves : int
        How many of `MOVES` are allowed.
    limits : ndarray, shape (2,)
        Steepest tangents along and across.
    speed : ndarray, shape (2,)
        Speed on the level [m/s] and its share at the limit.
    power : ndarray, shape (2,)
        Power when driving on the level [W], and energy for each metre climbed [J/m].

    Returns
    -------
    tuple of ndarray of float32, shape (cells, moves)
        Times [s], infinite where a leg is not allowed, and energies [Wh].

    Examples
    --------
    >>> z, size = np.zeros((1, 2)), np.full((1, 2), 100.0)
    >>> limits, speed, power = np.array([0.3, 0.3]), np.array([0.1, 0.5]), np.array([36.0, 0.0])
    >>> time, energy = leg_costs(z, size, gradients(z, size), 4, limits, speed, power)
    >>> float(time[0, 1]), float(energy[0, 1])
    (1000.0, 10.0)
    """
    rows, cols = z.shape
    time = np.full((rows * cols, moves), np.inf, dtype=np.float32)
    energy = np.zeros((rows * cols, moves), dtype=np.float32)
    limit = math.atan(limits[0])
    for r in range(rows):
        for c in range(cols):
            if math.isnan(z[r, c]):
                continue
            for d in range(moves):
                length, steep, _, across, climb = leg(z, ground_m, tilt, r, c, MOVES[d, 0], MOVES[d, 1])
                if math.isnan(length) or steep > limits[0] or abs(across) > limits[1]:
                    continue
                slowness = 1.0 - (1.0 - speed[1]) * math.atan(steep) / limit
                spent = length / (speed[0] * slowness)
                time[r * cols + c, d] = spent
                energy[r * cols + c, d] = (power[0] * spent + power[1] * climb) / 3600.0
    return time, energy


@njit(cache=True, nogil=True)
def least_costs(cost: Costs, allowed: Costs, cols: int, goal: int) -> Floats:
    """Least cost from every cell to a goal, if the sky never stopped the rover (Dijkstra, backwards).

    Parameters
    ----------
    cost : ndarray of float32, shape (cells, moves)
        Costs of the legs.
    allowed : ndarray of float32, shape (cells, moves)
        Times of the legs, infinite where not allowed.
    cols : int
        Columns of the grid.
    goal : int
        The goal.

    Returns
    -------
    ndarray, shape (cells,)
        Sums of costs, infinite where no way leads to the goal.

    Examples
    --------
    >>> cost = np.full((3, 4), np.inf, dtype=np.float32)
    >>> cost[0, 1] = cost[1, 1] = 2.0
    >>> least_costs(cost, cost, 3, 2)
    array([4., 2., 0.])
    """
    cells, moves = cost.shape
    rows = cells // cols
    out = np.full(cells, np.inf)
    out[goal] = 0.0
    heap = [(0.0, goal)]
    while len(heap):
        so_far, cell = heapq.heappop(heap)
        if so_far > out[cell]:
            continue
        r, c = cell // cols, cell % cols
        for d in range(moves):
            r0, c0 = r - MOVES[d, 0], c - MOVES[d, 1]
            if 0 <= r0 < rows and 0 <= c0 < cols:
                before = r0 * cols + c0
                if math.isinf(allowed[before, d]):
                    continue
                found = so_far + cost[before, d]
                if found < out[before]:
                    out[before] = found
                    heapq.heappush(heap, (found, before))
    return out


@njit(cache=True, nogil=True)
def gentlest(
    z: Floats, ground_m: Floats, tilt: Floats, moves: int, limits: Floats, start: int, goal: int
) -> tuple[float, int, int]:
    """Least share of the slope limits with which a goal could be reached, and the leg that decides it.

    Parameters
    ----------
    z, ground_m, tilt, moves, limits
        As for `leg_costs`.
    start, goal : int
        The ends.

    Returns
    -------
    tuple
        The worst leg's slope over its limit (as tangents) on the way on which that is least, the leg's first cell
        and its move; infinite, -1, -1 where holes in the heights part the ends.

    Examples
    --------
    >>> z, size = np.array([[0.0, 1.0, 5.0]]), np.full((1, 3), 10.0)
    >>> share, cell, move = gentlest(z, size, gradients(z, size), 4, np.array([0.2, 0.2]), 0, 2)
    >>> round(share, 6), cell, move
    (2.0, 1, 1)
    """
    rows, cols = z.shape
    best = np.full(rows * cols, np.inf)
    via = np.full(rows * cols, -1, dtype=np.int64)
    best[start] = 0.0
    heap = [(0.0, start)]
    while len(heap):
        so_far, cell = heapq.heappop(heap)
        if cell == goal:
            break
        if so_far > best[cell]:
            continue
        r, c = cell // cols, cell % cols
        for d in range(moves):
            length, steep, _, across, _ = leg(z, ground_m, tilt, r, c, MOVES[d, 0], MOVES[d, 1])
            if math.isnan(length):
                continue
            n = (r + MOVES[d, 0]) * cols + c + MOVES[d, 1]
            found = max(so_far, steep / limits[0], abs(across) / limits[1])
            if found < best[n]:
                best[n] = found
                via[n] = cell * moves + d
                heapq.heappush(heap, (found, n))
    cell = goal
    while cell != start and via[cell] >= 0:
        before, d = via[cell] // moves, via[cell] % moves
        if best[before] < best[goal]:
            return best[goal], before, d
        cell = before
    return best[goal], -1, -1
