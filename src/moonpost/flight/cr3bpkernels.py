"""Kernels of the circular restricted three-body problem: Taylor series of motion and of its variations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["APSIS", "CLOSED_IN", "DONE", "LOST", "ORDER", "PLANE", "SPHERE", "cross", "flow", "sample"]

Floats = npt.NDArray[np.float64]

ORDER = 22
"""Order of the Taylor series of one step."""

PLANE, SPHERE, APSIS = 0, 1, 2
"""Kinds of section: a plane, a sphere round a body, closest and farthest places from a body."""

DONE, CLOSED_IN, LOST = 0, 1, 2
"""How a run ends: at its time or crossing, too near a body to go on, or with numbers that are not finite."""

_MOST_STEPS = 200_000
_SHORTEST = 1e-13
_PROBES = 8
_SHARE = np.exp(-2.0 - 0.7 / (ORDER - 1))


@njit(cache=True, nogil=True)
def _product(a: Floats, b: Floats, n: int) -> float:
    """Coefficient n of the product of two series."""
    total = 0.0
    for k in range(n + 1):
        total += a[k] * b[n - k]
    return total


@njit(cache=True, nogil=True)
def _power(s: Floats, p: Floats, exponent: float, n: int) -> float:
    """Coefficient n of the series `s` to a power, whose lower coefficients are in `p`."""
    if n == 0:
        return s[0] ** exponent if s[0] > 0.0 else np.inf
    total = 0.0
    for k in range(n):
        total += (n * exponent - k * (exponent + 1.0)) * s[n - k] * p[k]
    return total / (n * s[0]) if s[0] > 0.0 else np.inf


@njit(cache=True, nogil=True)
def _series(state: Floats, mu: float, c: Floats, w: Floats) -> None:
    """Fill `c` (6, ORDER + 1) with the series of the state; `w` holds distances to the bodies and their powers.

    Rows of `w`: x from each body, squared distances, their powers -3/2.
    """
    for i in range(6):
        c[i, 0] = state[i]
    for n in range(ORDER):
        w[0, n] = c[0, n]
        w[1, n] = c[0, n]
        if n == 0:
            w[0, 0] += mu
            w[1, 0] -= 1.0 - mu
        aside = _product(c[1], c[1], n) + _product(c[2], c[2], n)
        for body in range(2):
            w[2 + body, n] = _product(w[body], w[body], n) + aside
            w[4 + body, n] = _power(w[2 + body], w[4 + body], -1.5, n)
        pull_x = (1.0 - mu) * _product(w[0], w[4], n) + mu * _product(w[1], w[5], n)
        pull_y = (1.0 - mu) * _product(c[1], w[4], n) + mu * _product(c[1], w[5], n)
        pull_z = (1.0 - mu) * _product(c[2], w[4], n) + mu * _product(c[2], w[5], n)
        share = 1.0 / (n + 1)
        for i in range(3):
            c[i, n + 1] = share * c[3 + i, n]
        c[3, n + 1] = share * (2.0 * c[4, n] + c[0, n] - pull_x)
        c[4, n + 1] = share * (c[1, n] - 2.0 * c[3, n] - pull_y)
        c[5, n + 1] = -share * pull_z


@njit(cache=True, nogil=True)
def _gradient(mu: float, c: Floats, w: Floats, g: Floats, q: Floats) -> None:
    """Fill `g` (6, ORDER) with the series of the gradient of acceleration: xx, xy, xz, yy, yz, zz."""
    for n in range(ORDER):
        yy, yz, zz = _product(c[1], c[1], n), _product(c[1], c[2], n), _product(c[2], c[2], n)
        for body in range(2):
            x = w[body]
            q[body, n] = _power(w[2 + body], q[body], -2.5, n)
            q[2 + 6 * body, n] = _product(x, x, n)
            q[3 + 6 * body, n] = _product(x, c[1], n)
            q[4 + 6 * body, n] = _product(x, c[2], n)
            q[5 + 6 * body, n] = yy
            q[6 + 6 * body, n] = yz
            q[7 + 6 * body, n] = zz
        level = (1.0 - mu) * w[4, n] + mu * w[5, n]
        for k in range(6):
            near = _product(q[2 + k], q[0], n)
            far = _product(q[8 + k], q[1], n)
            g[k, n] = 3.0 * ((1.0 - mu) * near + mu * far)
        g[0, n] -= level
        g[3, n] -= level
        g[5, n] -= level
    g[0, 0] += 1.0
    g[3, 0] += 1.0


@njit(cache=True, nogil=True)
def _variations(phi: Floats, g: Floats, column: Floats, h: float) -> None:
    """Carry the state transition matrix `phi` over a step of length h."""
    for j in range(6):
        for i in range(6):
            column[i, 0] = phi[i, j]
        for n in range(ORDER):
            share = 1.0 / (n + 1)
            x = y = z = 0.0
            for k in range(n + 1):
                a, b, d = column[0, n - k], column[1, n - k], column[2, n - k]
                x += g[0, k] * a + g[1, k] * b + g[2, k] * d
                y += g[1, k] * a + g[3, k] * b + g[4, k] * d
                z += g[2, k] * a + g[4, k] * b + g[5, k] * d
            for i in range(3):
                column[i, n + 1] = share * column[3 + i, n]
            column[3, n + 1] = share * (x + 2.0 * column[4, n])
            column[4, n + 1] = share * (y - 2.0 * column[3, n])
            column[5, n + 1] = share * z
        for i in range(6):
            phi[i, j] = _horner(column[i], h)


@njit(cache=True, nogil=True)
def _horner(a: Floats, h: float) -> float:
    """Value of a series at h."""
    total = a[ORDER]
    for k in range(ORDER - 1, -1, -1):
        total = total * h + a[k]
    return total


@njit(cache=True, nogil=True)
def _step(c: Floats) -> float:
    """Length of the step for which the last terms fall to the rounding error."""
    size, last, before = 1.0, 0.0, 0.0
    for i in range(6):
        size = max(size, abs(c[i, 0]))
        last = max(last, abs(c[i, ORDER]))
        before = max(before, abs(c[i, ORDER - 1]))
        if not np.isfinite(c[i, ORDER]):
            return np.nan
    if last == 0.0 or before == 0.0:
        return 0.1
    radius = min((size / last) ** (1.0 / ORDER), (size / before) ** (1.0 / (ORDER - 1)))
    return min(radius * _SHARE, 0.5)


@njit(cache=True, nogil=True)
def _advance(state: Floats, c: Floats, h: float) -> None:
    """Move the state on by h."""
    for i in range(6):
        state[i] = _horner(c[i], h)


@njit(cache=True, nogil=True)
def flow(start: Floats, duration: float, mu: float, state: Floats, phi: Floats, with_phi: bool) -> int:
    """Carry a state, and if asked its state transition matrix, over a duration of either sign."""
    c = np.empty((6, ORDER + 1))
    w = np.empty((6, ORDER + 1))
    g = np.empty((6, ORDER + 1))
    q = np.empty((14, ORDER + 1))
    column = np.empty((6, ORDER + 1))
    state[:] = start
    if with_phi:
        phi[:] = np.eye(6)
    sign = 1.0 if duration >= 0.0 else -1.0
    gone, span = 0.0, abs(duration)
    for _ in range(_MOST_STEPS):
        if gone >= span:
            return DONE
        _series(state, mu, c, w)
        h = _step(c)
        if not h > 0.0 or not np.isfinite(h):
            return LOST
        if h < _SHORTEST:
            return CLOSED_IN
        last = h >= span - gone
        h = sign * (span - gone if last else h)
        if with_phi:
            _gradient(mu, c, w, g, q)
            _variations(phi, g, column, h)
        _advance(state, c, h)
        if last:
            return DONE
        gone += abs(h)
    return CLOSED_IN


@njit(cache=True, nogil=True)
def sample(start: Floats, times: Floats, mu: float, out: Floats) -> int:
    """States at rising (or falling) times of one sign, the start being at time 0."""
    c = np.empty((6, ORDER + 1))
    w = np.empty((6, ORDER + 1))
    state = start.copy()
    out[:] = np.nan
    now, row = 0.0, 0
    sign = 1.0 if times[-1] >= 0.0 else -1.0
    for _ in range(_MOST_STEPS):
        _series(state, mu, c, w)
        h = _step(c)
        if not h > 0.0 or not np.isfinite(h):
            return LOST
        if h < _SHORTEST:
            return CLOSED_IN
        while row < times.size and abs(times[row]) <= abs(now) + h:
            for i in range(6):
                out[row, i] = _horner(c[i], times[row] - now)
            row += 1
        if row == times.size:
            return DONE
        _advance(state, c, sign * h)
        now += sign * h
    return CLOSED_IN


@njit(cache=True, nogil=True)
def _height(kind: int, place: Floats, state: Floats) -> float:
    """Signed height of a state over a section: `place` is a normal and level, or a centre and a radius."""
    if kind == PLANE:
        return place[0] * state[0] + place[1] * state[1] + place[2] * state[2] - place[3]
    x, y, z = state[0] - place[0], state[1] - place[1], state[2] - place[2]
    if kind == SPHERE:
        return np.sqrt(x * x + y * y + z * z) - place[3]
    return x * state[3] + y * state[4] + z * state[5]


@njit(cache=True, nogil=True)
def _refine(kind: int, place: Floats, c: Floats, low: float, high: float, state: Floats) -> float:
    """Time in the step at which the section is crossed, by halving; `state` is the state there."""
    _advance(state, c, low)
    below = _height(kind, place, state)
    for _ in range(80):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        _advance(state, c, middle)
        height = _height(kind, place, state)
        if height == 0.0:
            return middle
        if (height > 0.0) == (below > 0.0):
            low = middle
        else:
            high = middle
    _advance(state, c, high)
    return high


@njit(cache=True, nogil=True)
def cross(
    start: Floats, longest: float, mu: float, kind: int, place: Floats, way: int, count: int, state: Floats
) -> Any:
    """Carry a state to its `count`-th crossing of a section, or for `longest`; time gone and how it ended.

    `way` is +1 or -1 for crossings in which the height rises or falls along the run, 0 for both. The time is NaN
    if the section is not crossed so often.
    """
    c = np.empty((6, ORDER + 1))
    w = np.empty((6, ORDER + 1))
    probe = np.empty(6)
    state[:] = start
    sign = 1.0 if longest >= 0.0 else -1.0
    gone, span, seen = 0.0, abs(longest), 0
    height = _height(kind, place, state)
    started = abs(height) > 1e-13
    above = height > 0.0
    for _ in range(_MOST_STEPS):
        if gone >= span:
            return np.nan, DONE
        _series(state, mu, c, w)
        h = _step(c)
        if not h > 0.0 or not np.isfinite(h):
            return np.nan, LOST
        if h < _SHORTEST:
            return np.nan, CLOSED_IN
        h = min(h, span - gone)
        for k in range(1, _PROBES + 1):
            here = sign * h * k / _PROBES
            _advance(probe, c, here)
            new = _height(kind, place, probe) > 0.0
            if started and new != above and (way == 0 or (way > 0) == new):
                seen += 1
                if seen == count:
                    before = sign * h * (k - 1) / _PROBES
                    return sign * gone + _refine(kind, place, c, before, here, state), DONE
            started, above = True, new
        _advance(state, c, sign * h)
        gone += h
    return np.nan, CLOSED_IN
