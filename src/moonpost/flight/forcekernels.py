"""The forces on a spacecraft for numba: the Moon's field, third bodies, sunlight, tides, thrust, their gradient.

Positions are in metres in J2000 axes from the centre of an environment, padded to four numbers; a run carries one
block for the spacecraft and, for the state transition, six more for its variations. Numba keeps compiled runs by
the date of `stepkernels` alone: touch it after a change here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from moonpost.flight.gravitykernels import attraction, attraction_and_gradient
from moonpost.flight.placekernels import located, turned

__all__ = ["NUMBERS", "OPTIONS", "WORK", "accelerations", "lit_fraction"]

Floats = npt.NDArray[np.float64]

NUMBERS = {
    "start_s": 0,
    "length_s": 1,
    "gm_moon": 2,
    "gm_earth": 3,
    "gm_sun": 4,
    "field_radius": 5,
    "field_turn": 6,
    "pressure": 15,
    "tide": 16,
    "sun_radius": 17,
    "moon_radius": 18,
    "earth_radius": 19,
    "moon_impact": 20,
    "earth_impact": 21,
    "thrust_n": 22,
    "mass_kg": 23,
    "flow_kg_s": 24,
    "ignition_s": 25,
    "thrust_x": 26,
    "thrust_y": 27,
    "thrust_z": 28,
    "count": 29,
}
"""Places of the numbers of a run."""

OPTIONS = {"degree": 0, "centre": 1, "other": 2, "sun": 3, "pressure": 4, "tides": 5, "burn": 6, "count": 7}
"""Places of the whole numbers of a run: `centre` 0 Moon, 1 Earth; `burn` 0 none, 1 fixed axes, 2 along motion."""

WORK = 24
"""Doubles of scratch beside those of the harmonics."""

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_FIELD_TURN = NUMBERS["field_turn"]
_SUN_RADIUS, _MOON_RADIUS, _EARTH_RADIUS = (NUMBERS[f"{body}_radius"] for body in ("sun", "moon", "earth"))
_PRESSURE, _TIDE = NUMBERS["pressure"], NUMBERS["tide"]
_THRUST, _MASS, _FLOW, _IGNITION = (NUMBERS[key] for key in ("thrust_n", "mass_kg", "flow_kg_s", "ignition_s"))
_THRUST_X = NUMBERS["thrust_x"]


@njit(**_OPTIONS)
def accelerations(
    since: float,
    q: Floats,
    w: Floats,
    out: Floats,
    numbers: Floats,
    options: npt.NDArray[np.int64],
    places: Floats,
    table: Floats,
    work: Floats,
) -> None:
    """Acceleration of the spacecraft and, with seven blocks, of its six variations.

    Parameters
    ----------
    since : float
        Time from the reference of the places [s].
    q, w : ndarray, shape (1 or 7, 4)
        Positions [m] and velocities [m/s]; the fourth number is not used.
    out : ndarray, shape (1 or 7, 4)
        Gets the accelerations [m/s2].
    numbers, options : ndarray
        See `NUMBERS` and `OPTIONS`.
    places : ndarray, shape (records, terms, 9)
        Series of the other body, the Sun and the angles of the Moon.
    table : ndarray
        Packed harmonics, with gradient if there are seven blocks.
    work : ndarray
        Scratch: `scratch_size(degree)` + `WORK`.

    Notes
    -----
    The centre moves with the attraction of the other body and of the Sun as points. The variations see the
    gradient of the Moon's field, of the point masses and the turn of the thrust; those of sunlight and tides
    (below 1e-13 1/s2) are left out.
    """
    x, y, z = q[0, 0], q[0, 1], q[0, 2]
    ox, oy, oz, sx, sy, sz, p, d, n = located(since, numbers[0], numbers[1], places)
    if options[1] == 0:
        mx, my, mz, ex, ey, ez = x, y, z, x - ox, y - oy, z - oz
    else:
        mx, my, mz, ex, ey, ez = x - ox, y - oy, z - oz, x, y, z
    varied = len(q) > 1
    ax, ay, az = _moon(mx, my, mz, p, d, n, numbers, options, table, work, varied)
    if options[2] == 1:
        ax, ay, az = _pulled(ax, ay, az, ox, oy, oz, numbers[3] if options[1] == 0 else numbers[2])
    if options[1] + options[2] > 0:
        ax, ay, az = _pulled(ax, ay, az, ex, ey, ez, numbers[3])
    if options[3] == 1:
        ax, ay, az = _pulled(ax, ay, az, sx, sy, sz, numbers[4])
        ax, ay, az = _pulled(ax, ay, az, x - sx, y - sy, z - sz, numbers[4])
    if options[4] == 1:
        light = _light(x, y, z, sx, sy, sz, mx, my, mz, ex, ey, ez, numbers)
        ax, ay, az = _pulled(ax, ay, az, x - sx, y - sy, z - sz, -numbers[_PRESSURE] * light)
    if options[5] == 1:
        ax, ay, az = _tide(ax, ay, az, mx, my, mz, ex, ey, ez, sx, sy, sz, x, y, z, numbers)
    if options[6] > 0:
        ux, uy, uz = _thrust(since, x, y, z, w[0, 0], w[0, 1], w[0, 2], numbers, options)
        ax, ay, az = ax + ux, ay + uy, az + uz
    out[0, 0], out[0, 1], out[0, 2], out[0, 3] = ax, ay, az, 0.0
    if varied:
        _stretched(ex, ey, ez, numbers[3] if options[1] + options[2] > 0 else 0.0, work)
        _stretched(x - sx, y - sy, z - sz, numbers[4] if options[3] == 1 else 0.0, work)
        _variations(since, q, w, out, numbers, options, work)


@njit(**_OPTIONS)
def _pulled(
    ax: float, ay: float, az: float, x: float, y: float, z: float, gm: float
) -> tuple[float, float, float]:
    """An acceleration with the attraction of a point at minus x, y, z added."""
    squared = x * x + y * y + z * z
    k = gm / (squared * math.sqrt(squared))
    return ax - k * x, ay - k * y, az - k * z


@njit(**_OPTIONS)
def _moon(
    x: float,
    y: float,
    z: float,
    p: float,
    d: float,
    n: float,
    numbers: Floats,
    options: npt.NDArray[np.int64],
    table: Floats,
    work: Floats,
    varied: bool,
) -> tuple[float, float, float]:
    """Attraction of the Moon; its gradient in J2000 axes goes to the first nine doubles of the scratch."""
    degree = options[0]
    if degree == 0 and not varied:
        return attraction(x, y, z, numbers[2], numbers[5], 0, table, work)
    a0, a1, a2, a3, a4, a5, a6, a7, a8 = turned(p, d, n)
    f = numbers[_FIELD_TURN : _FIELD_TURN + 9]
    r0, r1, r2 = (
        f[0] * a0 + f[1] * a3 + f[2] * a6,
        f[0] * a1 + f[1] * a4 + f[2] * a7,
        f[0] * a2 + f[1] * a5 + f[2] * a8,
    )
    r3, r4, r5 = (
        f[3] * a0 + f[4] * a3 + f[5] * a6,
        f[3] * a1 + f[4] * a4 + f[5] * a7,
        f[3] * a2 + f[4] * a5 + f[5] * a8,
    )
    r6, r7, r8 = (
        f[6] * a0 + f[7] * a3 + f[8] * a6,
        f[6] * a1 + f[7] * a4 + f[8] * a7,
        f[6] * a2 + f[7] * a5 + f[8] * a8,
    )
    u, v, w = r0 * x + r1 * y + r2 * z, r3 * x + r4 * y + r5 * z, r6 * x + r7 * y + r8 * z
    if not varied:
        u, v, w = attraction(u, v, w, numbers[2], numbers[5], degree, table, work[24:])
    else:
        pull, change = work[9:12], work[12:21].reshape(3, 3)
        attraction_and_gradient(u, v, w, numbers[2], numbers[5], degree, table, work[24:], pull, change)
        u, v, w = pull[0], pull[1], pull[2]
        turn = ((r0, r1, r2), (r3, r4, r5), (r6, r7, r8))
        for i in range(3):
            for j in range(3):
                total = 0.0
                for k in range(3):
                    part = change[k, 0] * turn[0][j] + change[k, 1] * turn[1][j] + change[k, 2] * turn[2][j]
                    total += turn[k][i] * part
                work[3 * i + j] = total
    return r0 * u + r3 * v + r6 * w, r1 * u + r4 * v + r7 * w, r2 * u + r5 * v + r8 * w


@njit(**_OPTIONS)
def _stretched(x: float, y: float, z: float, gm: float, work: Floats) -> None:
    """Add the gradient of a point mass at minus x, y, z to that in the scratch."""
    squared = x * x + y * y + z * z
    k = gm / (squared * math.sqrt(squared))
    place = (x, y, z)
    for i in range(3):
        for j in range(3):
            work[3 * i + j] += 3.0 * k * place[i] * place[j] / squared
        work[4 * i] -= k


@njit(**_OPTIONS)
def _variations(
    since: float,
    q: Floats,
    w: Floats,
    out: Floats,
    numbers: Floats,
    options: npt.NDArray[np.int64],
    work: Floats,
) -> None:
    """Accelerations of the variations from the gradient in the scratch."""
    for block in range(1, len(q)):
        for i in range(3):
            out[block, i] = (
                work[3 * i] * q[block, 0] + work[3 * i + 1] * q[block, 1] + work[3 * i + 2] * q[block, 2]
            )
        out[block, 3] = 0.0
        if options[6] == 2:
            size = math.sqrt(q[block, 0] ** 2 + q[block, 1] ** 2 + q[block, 2] ** 2)
            speed = math.sqrt(w[block, 0] ** 2 + w[block, 1] ** 2 + w[block, 2] ** 2)
            r = math.sqrt(q[0, 0] ** 2 + q[0, 1] ** 2 + q[0, 2] ** 2)
            v = math.sqrt(w[0, 0] ** 2 + w[0, 1] ** 2 + w[0, 2] ** 2)
            step = 1e-5 / (size / r + speed / v + 1e-300)
            ahead = _thrust(
                since,
                q[0, 0] + step * q[block, 0], q[0, 1] + step * q[block, 1], q[0, 2] + step * q[block, 2],
                w[0, 0] + step * w[block, 0], w[0, 1] + step * w[block, 1], w[0, 2] + step * w[block, 2],
                numbers, options,
            )  # fmt: skip
            behind = _thrust(
                since,
                q[0, 0] - step * q[block, 0], q[0, 1] - step * q[block, 1], q[0, 2] - step * q[block, 2],
                w[0, 0] - step * w[block, 0], w[0, 1] - step * w[block, 1], w[0, 2] - step * w[block, 2],
                numbers, options,
            )  # fmt: skip
            out[block, 0] += (ahead[0] - behind[0]) / (2.0 * step)
            out[block, 1] += (ahead[1] - behind[1]) / (2.0 * step)
            out[block, 2] += (ahead[2] - behind[2]) / (2.0 * step)


@njit(**_OPTIONS)
def _thrust(
    since: float,
    x: float,
    y: float,
    z: float,
    vx: float,
    vy: float,
    vz: float,
    numbers: Floats,
    options: npt.NDArray[np.int64],
) -> tuple[float, float, float]:
    """Acceleration by the engine, with the mass that is left."""
    k = numbers[_THRUST] / (numbers[_MASS] - numbers[_FLOW] * (since - numbers[_IGNITION]))
    a, b, c = k * numbers[_THRUST_X], k * numbers[_THRUST_X + 1], k * numbers[_THRUST_X + 2]
    if options[6] == 1:
        return a, b, c
    speed = math.sqrt(vx * vx + vy * vy + vz * vz)
    vx, vy, vz = vx / speed, vy / speed, vz / speed
    nx, ny, nz = y * vz - z * vy, z * vx - x * vz, x * vy - y * vx
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx / size, ny / size, nz / size
    bx, by, bz = vy * nz - vz * ny, vz * nx - vx * nz, vx * ny - vy * nx
    return a * vx + b * nx + c * bx, a * vy + b * ny + c * by, a * vz + b * nz + c * bz


@njit(**_OPTIONS)
def _light(
    x: float, y: float, z: float, sx: float, sy: float, sz: float,
    mx: float, my: float, mz: float, ex: float, ey: float, ez: float, numbers: Floats,
) -> float:  # fmt: skip
    """Part of the Sun's disc left free by the Moon and the Earth."""
    sun = numbers[_SUN_RADIUS]
    free = lit_fraction(sx - x, sy - y, sz - z, sun, -mx, -my, -mz, numbers[_MOON_RADIUS])
    return free * lit_fraction(sx - x, sy - y, sz - z, sun, -ex, -ey, -ez, numbers[_EARTH_RADIUS])


@njit(**_OPTIONS)
def lit_fraction(
    sx: float, sy: float, sz: float, sun_radius: float, bx: float, by: float, bz: float, body_radius: float
) -> float:
    """Part of the Sun's disc that a sphere leaves free.

    Parameters
    ----------
    sx, sy, sz : float
        To the Sun's centre [m].
    sun_radius : float
        The Sun's radius [m].
    bx, by, bz : float
        To the centre of the sphere [m].
    body_radius : float
        Its radius [m].

    Returns
    -------
    float
        Free part of the disc's area, 0 to 1.

    Notes
    -----
    Overlap of two discs in the plane, their radii being the angular ones (conical shadow).

    Examples
    --------
    >>> lit_fraction(1.5e11, 0.0, 0.0, 7e8, 2e6, 0.0, 0.0, 1.7e6)
    0.0
    >>> lit_fraction(1.5e11, 0.0, 0.0, 7e8, -2e6, 0.0, 0.0, 1.7e6)
    1.0
    """
    far = math.sqrt(sx * sx + sy * sy + sz * sz)
    near = math.sqrt(bx * bx + by * by + bz * bz)
    if near >= far:
        return 1.0
    a = math.asin(min(1.0, sun_radius / far))
    b = math.asin(min(1.0, body_radius / near))
    cx, cy, cz = sy * bz - sz * by, sz * bx - sx * bz, sx * by - sy * bx
    c = math.atan2(math.sqrt(cx * cx + cy * cy + cz * cz), sx * bx + sy * by + sz * bz)
    if c >= a + b:
        return 1.0
    if c <= b - a:
        return 0.0
    if c <= a - b:
        return 1.0 - (b / a) ** 2
    along = (c * c + a * a - b * b) / (2.0 * c)
    across = math.sqrt(max(0.0, a * a - along * along))
    covered = (
        a * a * math.acos(max(-1.0, min(1.0, along / a)))
        + b * b * math.acos(max(-1.0, min(1.0, (c - along) / b)))
        - c * across
    )
    return 1.0 - covered / (math.pi * a * a)


@njit(**_OPTIONS)
def _tide(
    ax: float, ay: float, az: float, mx: float, my: float, mz: float, ex: float, ey: float, ez: float,
    sx: float, sy: float, sz: float, x: float, y: float, z: float, numbers: Floats,
) -> tuple[float, float, float]:  # fmt: skip
    """An acceleration with that of the solid tide which the Earth and the Sun raise on the Moon."""
    ax, ay, az = _bulge(ax, ay, az, mx, my, mz, mx - ex, my - ey, mz - ez, numbers[3] * numbers[_TIDE])
    return _bulge(ax, ay, az, mx, my, mz, mx - x + sx, my - y + sy, mz - z + sz, numbers[4] * numbers[_TIDE])


@njit(**_OPTIONS)
def _bulge(
    ax: float, ay: float, az: float, x: float, y: float, z: float, bx: float, by: float, bz: float, k: float
) -> tuple[float, float, float]:
    """An acceleration with that of the bulge which a body at bx, by, bz raises, k = k2 GM R^5."""
    r = math.sqrt(x * x + y * y + z * z)
    b = math.sqrt(bx * bx + by * by + bz * bz)
    c = (x * bx + y * by + z * bz) / (r * b)
    scale = 1.5 * k / (b * b * b * r * r * r * r)
    out, over = scale * (1.0 - 5.0 * c * c) / r, 2.0 * scale * c / b
    return ax + out * x + over * bx, ay + out * y + over * by, az + out * z + over * bz
