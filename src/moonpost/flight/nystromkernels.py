"""Steps of order 12(10) for numba: the Nystrom method of Dormand, El-Mikkawy and Prince.

For forces that do not depend on the velocity: fewer and longer steps than the pair of order 8 where tolerances are
tight; it has no dense output.
"""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from moonpost.flight.forcekernels import accelerations

__all__ = ["NYSTROM_STAGES", "nystrom_commit", "nystrom_step", "nystrom_table"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

NYSTROM_STAGES = 17
"""Evaluations of the force in a step."""
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


def nystrom_table() -> tuple[Floats, Floats, Floats]:
    """Coefficients of the method RKN12(10)17M.

    Returns
    -------
    tuple of ndarray, shapes (17,), (17, 17) and (4, 17)
        Nodes; weights of the stages; weights of position and velocity of order 12, then of order 10.

    References
    ----------
    Dormand, El-Mikkawy and Prince (1987), High-order embedded Runge-Kutta-Nystrom formulae, IMA J. Numer. Anal. 7,
    423, doi:10.1093/imanum/7.4.423.

    Examples
    --------
    >>> nodes, weights, _ = nystrom_table()
    >>> bool(abs(weights.sum(axis=1) - nodes**2 / 2).max() < 1e-13)
    True
    """
    text = files("moonpost.flight").joinpath("data", "rkn1210.txt").read_text(encoding="ascii")
    lines = [[float(part) for part in line.split()] for line in text.splitlines() if not line.startswith("#")]
    weights = np.zeros((NYSTROM_STAGES, NYSTROM_STAGES))
    for stage, line in enumerate(lines[1:NYSTROM_STAGES], start=1):
        weights[stage, : len(line)] = line
    return np.array(lines[0]), weights, np.array(lines[NYSTROM_STAGES:])


_C, _A, _B = nystrom_table()


@njit(**_OPTIONS)
def nystrom_step(
    h: float,
    since: float,
    q: Floats,
    w: Floats,
    a: Floats,
    trial: Floats,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    work: Floats,
) -> float:
    """Try a step; the acceleration at its start must stand in ``a[0]``.

    Parameters
    ----------
    h : float
        Length, signed [s].
    since : float
        Start from the reference of the places [s].
    q, w : ndarray, shape (1 or 7, 4)
        Positions [m] and velocities [m/s] at the start.
    a : ndarray, shape (17, 1 or 7, 4)
        Gets the accelerations of the stages [m/s2].
    trial : ndarray, shape (2, 1 or 7, 4)
        Gets positions and velocities at the end.
    control, numbers, options, places, table, work : ndarray
        As for `moonpost.flight.stepkernels.advance`.

    Returns
    -------
    float
        Estimated error over the tolerance.
    """
    blocks = len(q)
    for s in range(1, 17):
        for b in range(blocks):
            p0, p1, p2 = 0.0, 0.0, 0.0
            for j in range(s):
                c = _A[s, j]
                p0 += c * a[j, b, 0]
                p1 += c * a[j, b, 1]
                p2 += c * a[j, b, 2]
            step = h * _C[s]
            trial[0, b, 0] = q[b, 0] + (step * w[b, 0] + h * h * p0)
            trial[0, b, 1] = q[b, 1] + (step * w[b, 1] + h * h * p1)
            trial[0, b, 2] = q[b, 2] + (step * w[b, 2] + h * h * p2)
        accelerations(since + _C[s] * h, trial[0], w, a[s], numbers, options, places, table, work)
    place_error, speed_error = 0.0, 0.0
    sizes = np.zeros(4)
    for b in range(blocks):
        for i in range(3):
            place, speed, place_off, speed_off = 0.0, 0.0, 0.0, 0.0
            for j in range(17):
                place += _B[0, j] * a[j, b, i]
                speed += _B[1, j] * a[j, b, i]
                place_off += (_B[0, j] - _B[2, j]) * a[j, b, i]
                speed_off += (_B[1, j] - _B[3, j]) * a[j, b, i]
            trial[0, b, i] = q[b, i] + (h * w[b, i] + h * h * place)
            trial[1, b, i] = w[b, i] + h * speed
            if b == 0:
                place_error += (h * h * place_off) ** 2
                speed_error += (h * speed_off) ** 2
                sizes[0] += q[0, i] ** 2
                sizes[1] += trial[0, 0, i] ** 2
                sizes[2] += w[0, i] ** 2
                sizes[3] += trial[1, 0, i] ** 2
    allowed = control[1] + control[0] * math.sqrt(max(sizes[0], sizes[1]))
    allowed_speed = control[2] + control[0] * math.sqrt(max(sizes[2], sizes[3]))
    return math.sqrt(0.5 * (place_error / allowed**2 + speed_error / allowed_speed**2))


@njit(**_OPTIONS)
def nystrom_commit(h: float, a: Floats, state: Floats) -> None:
    """Add the change of a step to the state, with what rounding lost so far.

    Parameters
    ----------
    h : float
        Length, signed [s].
    a : ndarray, shape (17, 1 or 7, 4)
        Accelerations of the stages [m/s2].
    state : ndarray, shape (4, 1 or 7, 4)
        Positions, velocities and their rounding; changed in place.
    """
    for b in range(state.shape[1]):
        for i in range(3):
            place, speed = 0.0, 0.0
            for j in range(17):
                place += _B[0, j] * a[j, b, i]
                speed += _B[1, j] * a[j, b, i]
            place = h * state[1, b, i] + h * h * place - state[2, b, i]
            total = state[0, b, i] + place
            state[2, b, i] = (total - state[0, b, i]) - place
            state[0, b, i] = total
            speed = h * speed - state[3, b, i]
            total = state[1, b, i] + speed
            state[3, b, i] = (total - state[1, b, i]) - speed
            state[1, b, i] = total
