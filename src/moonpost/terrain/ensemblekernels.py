"""Compiled random fields for terrain errors, and horizons of terrain with such errors."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["add_field", "field", "member_tangents"]

Floats = NDArray[np.float64]

_SPACING = math.sqrt(0.75)
"""Spacing of the field's nodes in correlation lengths; four each way take part in a value."""
_SIZE = 1 << 14
_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / _SIZE) for i in range(_SIZE)])


@njit(cache=True, nogil=True)
def _mixed(value: np.uint64) -> np.uint64:
    """Scramble 64 bits (the finaliser of SplitMix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def _key(seed: int, member: int, layer: int) -> np.uint64:
    """Key of one member's field in one layer."""
    key = _mixed(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15))
    key = _mixed(key + np.uint64(member) * np.uint64(0xD1B54A32D192ED03))
    return _mixed(key + np.uint64(layer) * np.uint64(0x8CB92BA72F3D8DD7))


@njit(cache=True, nogil=True)
def field(x_m: float, y_m: float, correlation_m: float, key: np.uint64) -> float:
    """Gaussian random field of variance 1 at a place.

    Parameters
    ----------
    x_m, y_m : float
        The place on a plane [m].
    correlation_m : float
        Distance over which the correlation falls to 1/e [m].
    key : uint64
        Which field.

    Returns
    -------
    float
        A sum of normal numbers at the nodes of a lattice about it, weighted by cubic B-splines and divided by the
        weights' norm; the numbers come from a hash of key and node, so no field is stored. The correlation is
        within 0.03 of exp(-(d / correlation_m)^2).

    Examples
    --------
    >>> abs(field(10.0, 20.0, 25.0, np.uint64(7))) < 5.0
    True
    """
    spacing = _SPACING * correlation_m
    u = x_m / spacing + float(key & np.uint64(1023)) / 1024.0
    v = y_m / spacing + float((key >> np.uint64(10)) & np.uint64(1023)) / 1024.0
    i, j = math.floor(u), math.floor(v)
    across, up = _weights(u - i), _weights(v - j)
    total, norm_u, norm_v = 0.0, 0.0, 0.0
    for b in range(4):
        norm_u += across[b] ** 2
        norm_v += up[b] ** 2
    for a in range(4):
        row = _mixed(key + np.uint64(j + a - 1) * np.uint64(0x9E3779B97F4A7C15))
        part = 0.0
        for b in range(4):
            node = _mixed(row + np.uint64(i + b - 1) * np.uint64(0xC2B2AE3D27D4EB4F))
            part += across[b] * _NORMAL[node >> np.uint64(50)]
        total += up[a] * part
    return total / math.sqrt(norm_u * norm_v)


@njit(cache=True, nogil=True)
def _weights(f: float) -> tuple[float, float, float, float]:
    """Cubic B-spline of the four nodes about a place, f after the second."""
    g = 1.0 - f
    return (
        g * g * g / 6.0,
        (3.0 * f * f * f - 6.0 * f * f + 4.0) / 6.0,
        (3.0 * g * g * g - 6.0 * g * g + 4.0) / 6.0,
        f * f * f / 6.0,
    )


@njit(cache=True, nogil=True)
def add_field(  # type: ignore[no-untyped-def]
    heights, source, east, north, angle, radius_m, error_m, correlation_m, seed, member
):
    """Add a member's errors to heights along rays.

    Parameters
    ----------
    heights : ndarray, shape (n, m)
        Heights [m], changed in place.
    source : ndarray of int, shape (n, m)
        Layer of each, below 0 for none.
    east, north : ndarray, shape (n,)
        Direction of each ray at the site.
    angle : ndarray, shape (n, m)
        Angles at the centre [rad].
    radius_m : float
        Radius of the sphere [m].
    error_m, correlation_m : ndarray, shape (layers,)
        Standard error and correlation length of each layer [m].
    seed, member : int
        Which ensemble, and which of its members.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> heights = 0.0 * one
    >>> add_field(heights, np.zeros((1, 1), np.int64), one[0], 0.0 * one[0], one, 1.0, one[0], one[0], 0, 0)
    >>> bool(heights[0, 0] != 0.0)
    True
    """
    for i in range(heights.shape[0]):
        for k in range(heights.shape[1]):
            layer = source[i, k]
            if layer >= 0 and error_m[layer] > 0.0:
                reach = angle[i, k] * radius_m
                key = _key(seed, member, layer)
                heights[i, k] += error_m[layer] * field(
                    reach * east[i], reach * north[i], correlation_m[layer], key
                )


@njit(cache=True, nogil=True)
def member_tangents(  # type: ignore[no-untyped-def]
    ray, layer, x, y, slope, gain, home, error_m, correlation_m, seed, member, best
):
    """Tangents of the horizon of one member from the points that can matter.

    Parameters
    ----------
    ray, layer : ndarray of int, shape (n,)
        Ray and layer of each point.
    x, y : ndarray, shape (n,)
        Its place from the site, to the east and the north [m].
    slope : ndarray, shape (n,)
        Tangent of its elevation without errors.
    gain : ndarray, shape (n,)
        Rise of the tangent with its height over the eye [1/m].
    home : int
        Layer under the site.
    error_m, correlation_m : ndarray, shape (layers,)
        Standard error and correlation length of each layer [m].
    seed, member : int
        Which ensemble, and which of its members.
    best : ndarray, shape (rays,)
        Takes the highest tangent of each ray.

    Examples
    --------
    >>> none, best = np.zeros(1), np.zeros(1)
    >>> where = np.zeros(1, np.int64)
    >>> member_tangents(where, where, none, none, none + 0.1, none + 1.0, 0, none + 1.0, none + 25.0, 0, 0, best)
    >>> best.round(6).tolist()
    [0.1]
    """
    keys = np.empty(error_m.size, np.uint64)
    for k in range(error_m.size):
        keys[k] = _key(seed, member, k)
    eye = error_m[home] * field(0.0, 0.0, correlation_m[home], keys[home])
    best[:] = -np.inf
    for i in range(ray.size):
        k = layer[i]
        error = error_m[k] * field(x[i], y[i], correlation_m[k], keys[k]) if error_m[k] > 0.0 else 0.0
        best[ray[i]] = max(best[ray[i]], slope[i] + gain[i] * (error - eye))
