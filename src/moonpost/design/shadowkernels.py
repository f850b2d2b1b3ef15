"""Kernels of mutual shadowing: what part of the Sun's disc machines hide from points of an array."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = ["hidden_light"]

_STRIPS = 16


@njit(cache=True, nogil=True)
def _half(x: float, r: float) -> float:
    """Primitive of sqrt(r^2 - x^2)."""
    if x >= r:
        return 0.25 * math.pi * r * r
    if x <= -r:
        return -0.25 * math.pi * r * r
    return 0.5 * (x * math.sqrt(r * r - x * x) + r * r * math.asin(x / r))


@njit(cache=True, nogil=True)
def _above(a: float, b: float, t: float, r: float) -> float:
    """Area of a disc of radius r within a < x < b and above y = t."""
    if t >= r:
        return 0.0
    whole = 2.0 * (_half(b, r) - _half(a, r))
    if t <= -r:
        return whole
    c = math.sqrt(r * r - t * t)
    low, high = max(a, -c), min(b, c)
    cut = 0.0
    both = 0.0
    if high > low:
        cut = _half(high, r) - _half(low, r) - t * (high - low)
        both = 2.0 * (_half(high, r) - _half(low, r))
    return cut + (whole - both if t < 0.0 else 0.0)


@njit(cache=True, nogil=True)
def _span(x, y, z, part, off_rad, azimuth_rad, out):  # type: ignore[no-untyped-def]
    """Elevations [rad] between which a round body stands in a direction; False where it does not."""
    dx, dy = part[0] - x, part[1] - y
    angle = azimuth_rad + off_rad
    ahead = dx * math.sin(angle) + dy * math.cos(angle)
    aside = dx * math.cos(angle) - dy * math.sin(angle)
    inside = part[4] * part[4] - aside * aside
    if inside <= 0.0:
        return False
    chord = math.sqrt(inside)
    far = ahead + chord
    if far <= 0.01:
        return False
    near = max(ahead - chord, 0.01)
    top, bottom = part[3] - z, part[2] - z
    out[0] = math.atan2(bottom, far if bottom > 0.0 else near)
    out[1] = math.atan2(top, near if top > 0.0 else far)
    return True


@njit(cache=True, nogil=True)
def _strip(a, b, floor, spans, count, r):  # type: ignore[no-untyped-def]
    """Area of a strip of the disc above the horizon that the spans of elevation hide, each part once."""
    hidden = 0.0
    edge = floor
    for _ in range(count):
        first = -1
        for k in range(count):
            if spans[k, 1] > edge and (first < 0 or spans[k, 0] < spans[first, 0]):
                first = k
        if first < 0:
            break
        low = max(spans[first, 0], edge)
        hidden += _above(a, b, low, r) - _above(a, b, spans[first, 1], r)
        edge = spans[first, 1]
    return hidden


@njit(cache=True, nogil=True)
def _turn(angle: float) -> float:
    """The same angle between -pi and pi."""
    return angle - 2.0 * math.pi * math.floor(angle / (2.0 * math.pi) + 0.5)


@njit(cache=True, nogil=True)
def _cut(x, y, azimuth, level, r, parts, near, count, edges):  # type: ignore[no-untyped-def]
    """Edges of strips across the disc: evenly, and at each side of a body; how many there are."""
    for k in range(_STRIPS + 1):
        edges[k] = -r + 2.0 * r * k / _STRIPS
    used = _STRIPS + 1
    for k in range(count):
        part = parts[near[k]]
        dx, dy = part[0] - x, part[1] - y
        distance = math.sqrt(dx * dx + dy * dy)
        if distance <= part[4]:
            continue
        off = _turn(math.atan2(dx, dy) - azimuth)
        half = math.asin(part[4] / distance)
        for side in (-1.0, 1.0):
            edge = (off + side * half) * level
            if -r < edge < r:
                edges[used] = edge
                used += 1
    edges[:used].sort()
    return used


@njit(cache=True, nogil=True)
def _ground(horizon, angle):  # type: ignore[no-untyped-def]
    """The horizon at an azimuth [rad]."""
    at = angle / (2.0 * math.pi / horizon.size)
    base = math.floor(at)
    share = at - base
    i = int(base) % horizon.size
    return (1.0 - share) * horizon[i] + share * horizon[(i + 1) % horizon.size]


@njit(cache=True, nogil=True)
def _hidden(x, y, z, azimuth, elevation, r, horizon, parts, near, count, edges, spans, out):  # type: ignore[no-untyped-def]
    """Share of the disc that parts hide from one point, above the horizon."""
    level = math.cos(elevation)
    used = _cut(x, y, azimuth, level, r, parts, near, count, edges)
    hidden = 0.0
    for k in range(used - 1):
        a, b = edges[k], edges[k + 1]
        if b - a < 1e-12:
            continue
        off = 0.5 * (a + b) / level
        found = 0
        for i in range(count):
            if _span(x, y, z, parts[near[i]], off, azimuth, out):
                spans[found, 0] = out[0] - elevation
                spans[found, 1] = out[1] - elevation
                found += 1
        if found:
            floor = max(_ground(horizon, azimuth + off) - elevation, -r)
            hidden += _strip(a, b, floor, spans, found, r)
    return hidden / (math.pi * r * r)


@njit(cache=True, nogil=True)
def _before(azimuth, elevation, r, parts, centre, half_width, half_height, near):  # type: ignore[no-untyped-def]
    """Bodies that may stand before the disc, seen from any point of a panel; how many."""
    reach = r / math.cos(elevation)
    count = 0
    for i in range(parts.shape[0]):
        dx, dy = parts[i, 0] - centre[0], parts[i, 1] - centre[1]
        distance = math.sqrt(dx * dx + dy * dy)
        wide = parts[i, 4] + half_width
        if distance > wide:
            off = _turn(math.atan2(dx, dy) - azimuth)
            if abs(off) > reach + math.asin(wide / distance):
                continue
            high = parts[i, 3] - centre[2] + half_height
            if math.atan2(high, distance - wide if high > 0.0 else distance + wide) < elevation - r:
                continue
        near[count] = i
        count += 1
    return count


@njit(cache=True, nogil=True)
def hidden_light(  # type: ignore[no-untyped-def]
    azimuth, elevation, radius, horizon, parts, centre, half_width, half_height, facing, columns, rows
):
    """Share of the Sun's disc that bodies hide from each point of an upright panel.

    Parameters
    ----------
    azimuth, elevation, radius : ndarray, shape (n,)
        The Sun [rad].
    horizon : ndarray, shape (h,)
        Elevation of the ground's horizon at equally spaced azimuths from 0 [rad].
    parts : ndarray, shape (m, 5)
        Upright round bodies: east, north, bottom, top and half width [m].
    centre : ndarray, shape (3,)
        Middle of the panel: east, north, up [m].
    half_width, half_height : float
        Its half extents [m].
    facing : float
        Azimuth that it faces [rad]; NaN if it turns with the Sun.
    columns, rows : int
        Points across and up.

    Returns
    -------
    ndarray, shape (n, columns, rows)
        Hidden share of the disc, beyond what the horizon hides [1].
    """
    n = azimuth.size
    lost = np.zeros((n, columns, rows))
    most = parts.shape[0]
    near = np.empty(most, np.int64)
    edges = np.empty(_STRIPS + 1 + 2 * most)
    spans = np.empty((most, 2))
    out = np.empty(2)
    lowest = horizon.min()
    for k in range(n):
        if elevation[k] + radius[k] <= lowest:
            continue
        count = _before(azimuth[k], elevation[k], radius[k], parts, centre, half_width, half_height, near)
        if count == 0:
            continue
        faces = azimuth[k] if math.isnan(facing) else facing
        for c in range(columns):
            across = half_width * ((2.0 * c + 1.0) / columns - 1.0)
            x = centre[0] + across * math.cos(faces)
            y = centre[1] - across * math.sin(faces)
            for j in range(rows):
                z = centre[2] + half_height * ((2.0 * j + 1.0) / rows - 1.0)
                lost[k, c, j] = _hidden(
                    x, y, z, azimuth[k], elevation[k], radius[k], horizon, parts, near, count, edges, spans, out
                )
    return lost
