"""Kernel of powered flight in a plane: the motion under a law of least propellant, with the law's own equations.

Lengths in radii of the Moon, times so that its gravitational parameter is 1, masses in that of the start.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["COLUMNS", "fly_arcs"]

Floats = npt.NDArray[np.float64]

COLUMNS = (
    "radius", "angle", "rise", "onward", "mass", "costate_radius", "costate_rise", "costate_onward", "switch",
    "gravity_loss",
)  # fmt: skip
"""What a row of a flight holds."""

_SIZE = 10


@njit(cache=True, nogil=True)
def _rates(y: Floats, turn: float, push: float, exhaust: float, out: Floats) -> None:
    """Rates of a row; `turn` is the costate of the angle, `push` the thrust over the mass at the start."""
    r, vr, vt, m = y[0], y[2], y[3], y[4]
    lr, lu, lv = y[5], y[6], y[7]
    size = math.sqrt(lu * lu + lv * lv)
    f = push / m
    out[0] = vr
    out[1] = vt / r
    out[2] = vt * vt / r - 1.0 / (r * r) + f * lu / size
    out[3] = -vr * vt / r + f * lv / size
    out[4] = -push / exhaust
    out[5] = turn * vt / (r * r) + lu * (vt * vt / (r * r) - 2.0 / (r * r * r)) - lv * vr * vt / (r * r)
    out[6] = -lr + lv * vt / r
    out[7] = -turn / r - 2.0 * lu * vt / r + lv * vr / r
    out[8] = (lu * out[6] + lv * out[7]) / (size * m)
    speed = math.sqrt(vr * vr + vt * vt)
    out[9] = vr / (speed * r * r) if speed > 0.0 else -1.0 / (r * r)


@njit(cache=True, nogil=True)
def fly_arcs(
    start: Floats, turn: float, thrust: float, exhaust: float, durations: Floats, throttles: Floats, steps: int
) -> Floats:
    """Fly arcs of constant thrust one after the other.

    Parameters
    ----------
    start : ndarray, shape (10,)
        First row.
    turn : float
        Costate of the angle, constant on the way.
    thrust : float
        Full thrust over the mass at the start, in units of gravity at one radius.
    exhaust : float
        Speed of the exhaust.
    durations, throttles : ndarray, shape (k,)
        Length of each arc and its share of the full thrust.
    steps : int
        Steps of an arc, of the classical method of order 4.

    Returns
    -------
    ndarray, shape (k * steps + 1, 10)
        Rows as in `COLUMNS`; NaN from where the mass is used up.
    """
    count = len(durations)
    rows = np.empty((count * steps + 1, _SIZE))
    y, trial, total = start.copy(), np.empty(_SIZE), np.empty(_SIZE)
    rate = np.empty(_SIZE)
    rows[0] = y
    k = 0
    for arc in range(count):
        h, push = durations[arc] / steps, thrust * throttles[arc]
        for _ in range(steps):
            if not y[4] - push * h / exhaust > 0.0:
                y[:] = np.nan
            _rates(y, turn, push, exhaust, rate)
            total[:] = rate
            for i in range(_SIZE):
                trial[i] = y[i] + 0.5 * h * rate[i]
            _rates(trial, turn, push, exhaust, rate)
            for i in range(_SIZE):
                total[i] += 2.0 * rate[i]
                trial[i] = y[i] + 0.5 * h * rate[i]
            _rates(trial, turn, push, exhaust, rate)
            for i in range(_SIZE):
                total[i] += 2.0 * rate[i]
                trial[i] = y[i] + h * rate[i]
            _rates(trial, turn, push, exhaust, rate)
            for i in range(_SIZE):
                y[i] += h * (total[i] + rate[i]) / 6.0
            k += 1
            rows[k] = y
    return rows
