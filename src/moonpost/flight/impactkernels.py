"""The state within a step for numba, and whether the step meets the ground of the Moon or of the Earth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from moonpost.flight.placekernels import located

__all__ = ["between", "impact", "interpolate", "near"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_SAMPLES = 32
_HALVINGS = 60
_BODY_SPEED_M_S = 1100.0


@njit(**_OPTIONS)
def between(x: float, coefficients: Floats, out: Floats) -> None:
    """Place and velocity at a fraction of a step.

    Parameters
    ----------
    x : float
        Fraction of the step [1].
    coefficients : ndarray, shape (8, 6)
        Of the dense output.
    out : ndarray, shape (6,)
        Gets position [m] and velocity [m/s].

    Examples
    --------
    >>> line, out = np.zeros((8, 6)), np.empty(6)
    >>> line[0], line[1] = 1.0, 2.0
    >>> between(0.25, line, out)
    >>> out[0]
    np.float64(1.5)
    """
    for i in range(6):
        value = coefficients[7, i] * x
        value = (value + coefficients[6, i]) * (1.0 - x)
        value = (value + coefficients[5, i]) * x
        value = (value + coefficients[4, i]) * (1.0 - x)
        value = (value + coefficients[3, i]) * x
        value = (value + coefficients[2, i]) * (1.0 - x)
        value = (value + coefficients[1, i]) * x
        out[i] = value + coefficients[0, i]


@njit(**_OPTIONS)
def interpolate(elapsed: Floats, rows: Whole, steps: Floats, coefficients: Floats) -> Floats:
    """Places and velocities within steps.

    Parameters
    ----------
    elapsed : ndarray, shape (n,)
        Times from the start of the run [s].
    rows : ndarray of int64, shape (n,)
        The step that each falls in.
    steps : ndarray, shape (k, 2)
        Start of each step from the start of the run, and its length, signed [s].
    coefficients : ndarray, shape (k, 8, 6)
        Of the dense output.

    Returns
    -------
    ndarray, shape (n, 6)
        Position [m] and velocity [m/s].

    Notes
    -----
    Seventh-order polynomials; their error is about that of a step.

    Examples
    --------
    >>> line = np.zeros((1, 8, 6))
    >>> line[0, 0], line[0, 1] = 1.0, 2.0
    >>> interpolate(np.array([5.0]), np.array([0]), np.array([[0.0, 10.0]]), line)[0, :2].tolist()
    [2.0, 2.0]
    """
    out = np.empty((len(elapsed), 6))
    for k in range(len(elapsed)):
        start, length = steps[rows[k]]
        between((elapsed[k] - start) / length, coefficients[rows[k]], out[k])
    return out


@njit(**_OPTIONS)
def _depth(
    x: float, h: float, since: float, body: int, dense: Floats, numbers: Floats, options: Whole, places: Floats
) -> float:
    """Height above the impact sphere of the Moon (0) or the Earth (1) at a fraction of a step."""
    state = np.empty(6)
    between(x, dense, state)
    radius = numbers[20 + body]
    if body != options[1]:
        found = located(since + x * h, numbers[0], numbers[1], places)
        return (
            math.sqrt((state[0] - found[0]) ** 2 + (state[1] - found[1]) ** 2 + (state[2] - found[2]) ** 2)
            - radius
        )
    return math.sqrt(state[0] ** 2 + state[1] ** 2 + state[2] ** 2) - radius


@njit(**_OPTIONS)
def _touch(
    h: float, since: float, body: int, dense: Floats, numbers: Floats, options: Whole, places: Floats
) -> float:
    """Fraction of a step at which it first meets the impact sphere, or 2 if it does not."""
    count = _SAMPLES
    low = 0.0
    for k in range(1, count + 1):
        x = k / count
        here = _depth(x, h, since, body, dense, numbers, options, places)
        if here < 0.0:
            break
        if k < count:
            # the lowest of three neighbours may hide a dip between them
            ahead = _depth((k + 1) / count, h, since, body, dense, numbers, options, places)
            behind = _depth((k - 1) / count, h, since, body, dense, numbers, options, places)
            if here <= ahead and here <= behind:
                x = _dip(x - 1.0 / count, x + 1.0 / count, h, since, body, dense, numbers, options, places)
                if _depth(x, h, since, body, dense, numbers, options, places) < 0.0:
                    break
        x = 2.0
        low = k / count
    if x == 2.0:
        return 2.0
    low = min(low, max(0.0, x - 1.0 / count))
    high = x
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if _depth(middle, h, since, body, dense, numbers, options, places) < 0.0:
            high = middle
        else:
            low = middle
    return low


@njit(**_OPTIONS)
def _dip(
    low: float,
    high: float,
    h: float,
    since: float,
    body: int,
    dense: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
) -> float:
    """Fraction of a step at which the height is least, between two fractions."""
    for _ in range(_HALVINGS):
        a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
        if _depth(a, h, since, body, dense, numbers, options, places) < _depth(
            b, h, since, body, dense, numbers, options, places
        ):
            high = b
        else:
            low = a
    return 0.5 * (low + high)


@njit(**_OPTIONS)
def near(
    h: float,
    since: float,
    body: int,
    q: Floats,
    w: Floats,
    trial: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
) -> bool:
    """Whether a step may meet the impact sphere of the Moon (0) or the Earth (1).

    Parameters
    ----------
    h : float
        Length of the step, signed [s].
    since : float
        Its start from the reference of the places [s].
    body : int
        0 for the Moon, 1 for the Earth.
    q, w : ndarray, shape (1 or 7, 4)
        Position [m] and velocity [m/s] at its start.
    trial : ndarray, shape (2, 1 or 7, 4)
        Position and velocity at its end.
    numbers, options, places : ndarray
        The environment; see `moonpost.flight.forcekernels`.

    Returns
    -------
    bool
        False only if the body is out of reach.
    """
    radius = numbers[20 + body]
    if radius <= 0.0:
        return False
    speed = math.sqrt(
        max(
            w[0, 0] ** 2 + w[0, 1] ** 2 + w[0, 2] ** 2,
            trial[1, 0, 0] ** 2 + trial[1, 0, 1] ** 2 + trial[1, 0, 2] ** 2,
        )
    )
    here = math.sqrt(q[0, 0] ** 2 + q[0, 1] ** 2 + q[0, 2] ** 2)
    there = math.sqrt(trial[0, 0, 0] ** 2 + trial[0, 0, 1] ** 2 + trial[0, 0, 2] ** 2)
    if body == options[1]:
        inward = -(q[0, 0] * w[0, 0] + q[0, 1] * w[0, 1] + q[0, 2] * w[0, 2]) / here
        outward = (
            trial[0, 0, 0] * trial[1, 0, 0] + trial[0, 0, 1] * trial[1, 0, 1] + trial[0, 0, 2] * trial[1, 0, 2]
        ) / there
        sink = abs(h) * max(abs(inward), abs(outward))
        return min(here, there) - sink < radius
    found = located(since, numbers[0], numbers[1], places)
    away = math.sqrt((q[0, 0] - found[0]) ** 2 + (q[0, 1] - found[1]) ** 2 + (q[0, 2] - found[2]) ** 2)
    return away - 1.5 * abs(h) * (speed + _BODY_SPEED_M_S) < radius


@njit(**_OPTIONS)
def impact(
    near_moon: bool,
    near_earth: bool,
    h: float,
    since: float,
    dense: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
) -> tuple[float, int]:
    """Fraction of a step at which it first meets the Moon or the Earth.

    Parameters
    ----------
    near_moon, near_earth : bool
        Which to look at.
    h : float
        Length of the step, signed [s].
    since : float
        Its start from the reference of the places [s].
    dense : ndarray, shape (8, 6)
        Its dense output.
    numbers, options, places : ndarray
        The environment; see `moonpost.flight.forcekernels`.

    Returns
    -------
    tuple of float and int
        Fraction, 2 if it meets neither, and 0 for the Moon, 1 for the Earth.
    """
    moon = _touch(h, since, 0, dense, numbers, options, places) if near_moon else 2.0
    earth = _touch(h, since, 1, dense, numbers, options, places) if near_earth else 2.0
    return (earth, 1) if earth < moon else (moon, 0)
