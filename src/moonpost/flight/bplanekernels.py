"""The plane of a hyperbolic arrival for numba: where a flight would cross it, and where it should."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["CROSSING", "aimed", "crossed", "crossings"]

Floats = npt.NDArray[np.float64]

CROSSING = {
    "b_t": 0,
    "b_r": 1,
    "time": 2,
    "perilune_radius": 3,
    "speed_far": 4,
    "s": 5,
    "cosine": 8,
    "slope": 9,
    "count": 10,
}
"""Places of the numbers of a crossing; `slope` is the sine of the declination of the asymptote."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def crossed(
    x: float,
    y: float,
    z: float,
    u: float,
    v: float,
    w: float,
    gm: float,
    a: float,
    b: float,
    c: float,
    out: Floats,
) -> bool:
    """Where a hyperbola crosses the plane through the centre across its incoming asymptote.

    Parameters
    ----------
    x, y, z, u, v, w : float
        Position [m] and velocity [m/s] from the centre.
    gm : float
        Gravitational parameter of the centre [m3/s2].
    a, b, c : float
        Unit vector of the pole.
    out : ndarray, shape (10,)
        Gets the numbers of `CROSSING`: B.T and B.R [m], time to perilune [s], its radius [m], speed far away
        [m/s], direction of the asymptote, cosine of the inclination, sine of the asymptote's declination.

    Returns
    -------
    bool
        Whether there is a hyperbola; if not, `out` is left as it was.

    Examples
    --------
    >>> out = np.empty(10)
    >>> crossed(-1e9, 5e6, 0.0, 1000.0, 0.0, 0.0, 4.9028e12, 0.0, 0.0, 1.0, out), bool(abs(out[0] + 5e6) < 3e4)
    (True, True)
    """
    r = math.sqrt(x * x + y * y + z * z)
    energy = 0.5 * (u * u + v * v + w * w) - gm / r
    hx, hy, hz = y * w - z * v, z * u - x * w, x * v - y * u
    h = math.sqrt(hx * hx + hy * hy + hz * hz)
    if not energy > 0.0 or not h > 0.0:
        return False
    ex = (v * hz - w * hy) / gm - x / r
    ey = (w * hx - u * hz) / gm - y / r
    ez = (u * hy - v * hx) / gm - z / r
    e = math.sqrt(ex * ex + ey * ey + ez * ez)
    if not e > 1.0:
        return False
    half = 0.5 * gm / energy
    ex, ey, ez = ex / e, ey / e, ez / e
    hx, hy, hz = hx / h, hy / h, hz / h
    qx, qy, qz = hy * ez - hz * ey, hz * ex - hx * ez, hx * ey - hy * ex
    near, far = 1.0 / e, math.sqrt((1.0 - 1.0 / e) * (1.0 + 1.0 / e))
    sx, sy, sz = near * ex + far * qx, near * ey + far * qy, near * ez + far * qz
    size = half * e * far
    bx, by, bz = size * (far * ex - near * qx), size * (far * ey - near * qy), size * (far * ez - near * qz)
    tx, ty, tz = sy * c - sz * b, sz * a - sx * c, sx * b - sy * a
    flat = math.sqrt(tx * tx + ty * ty + tz * tz)
    if not flat > 1e-12:
        return False
    tx, ty, tz = tx / flat, ty / flat, tz / flat
    rx, ry, rz = sy * tz - sz * ty, sz * tx - sx * tz, sx * ty - sy * tx
    climb = (x * u + y * v + z * w) / (e * math.sqrt(gm * half))
    out[0] = bx * tx + by * ty + bz * tz
    out[1] = bx * rx + by * ry + bz * rz
    out[2] = -(e * climb - math.asinh(climb)) * half * math.sqrt(half / gm)
    out[3] = half * (e - 1.0)
    out[4] = math.sqrt(2.0 * energy)
    out[5], out[6], out[7] = sx, sy, sz
    out[8] = hx * a + hy * b + hz * c
    out[9] = sx * a + sy * b + sz * c
    return True


@njit(**_OPTIONS)
def aimed(
    radius: float, cosine: float, side: float, slope: float, speed_far: float, gm: float
) -> tuple[float, float, bool]:
    """Where a hyperbola must cross the plane for a perilune and an inclination.

    Parameters
    ----------
    radius : float
        Of perilune [m].
    cosine : float
        Of the inclination [1].
    side : float
        1 to pass the body on the side away from the pole, -1 on that of the pole.
    slope : float
        Sine of the declination of the asymptote [1].
    speed_far : float
        Speed far away [m/s].
    gm : float
        Gravitational parameter [m3/s2].

    Returns
    -------
    tuple of float, float and bool
        B.T and B.R [m], and whether the inclination can be had; if not, the nearest one is aimed at.

    Notes
    -----
    The inclination is never less than the declination of the asymptote: cos i = cos(declination) cos(angle).

    Examples
    --------
    >>> b_t, b_r, reached = aimed(1.8374e6, 0.0, 1.0, 0.1, 900.0, 4.9028e12)
    >>> b_t, round(b_r / 1e3), reached
    (0.0, 5062, True)
    """
    size = math.sqrt(radius * radius + 2.0 * gm * radius / (speed_far * speed_far))
    level = math.sqrt((1.0 - slope) * (1.0 + slope))
    reached = abs(cosine) <= level
    along = cosine / level if reached else math.copysign(1.0, cosine)
    return size * along, side * size * math.sqrt((1.0 - along) * (1.0 + along)), reached


@njit(**_OPTIONS)
def crossings(states: Floats, gm: float, pole: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Crossings of many hyperbolas.

    Parameters
    ----------
    states : ndarray, shape (n, 6)
        Positions [m] and velocities [m/s] from the centre.
    gm : float
        Gravitational parameter [m3/s2].
    pole : ndarray, shape (3,)
        Unit vector.

    Returns
    -------
    tuple of ndarray, shapes (n, 10) and (n,)
        Numbers of `CROSSING`, and which states are on a hyperbola.
    """
    out, found = np.full((len(states), 10), np.nan), np.zeros(len(states), dtype=np.bool_)
    for k in range(len(states)):
        s = states[k]
        found[k] = crossed(s[0], s[1], s[2], s[3], s[4], s[5], gm, pole[0], pole[1], pole[2], out[k])
    return out, found
