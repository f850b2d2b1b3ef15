"""Compiled loops for light: discs behind a horizon, and the moments at which they appear and vanish."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["disc_fractions", "follow", "rise"]

Floats = NDArray[np.float64]

STRIPS = 31
_LIMB = 0.6
_SURE = 1e9
_TOLERANCE_S = 0.5
_GLIMPSE_DEG = 0.02


@njit(cache=True, nogil=True)
def _horizon_at(horizon: Floats, azimuth: float) -> float:
    """Horizon [deg] at an azimuth [deg], linear between equally spaced values."""
    n = horizon.size
    u = (azimuth / 360.0) % 1.0 * n
    i = int(u)
    f = u - i
    i %= n
    j = i + 1 if i + 1 < n else 0
    return horizon[i] * (1.0 - f) + horizon[j] * f


@njit(cache=True, nogil=True)
def _half_disc(x: float) -> float:
    """Integral of sqrt(1 - x^2) from 0 to x."""
    return 0.5 * (x * math.sqrt(max(1.0 - x * x, 0.0)) + math.asin(x))


@njit(cache=True, nogil=True)
def _area_over_line(x0: float, x1: float, y0: float, slope: float) -> float:
    """Area of the unit disc between two verticals and above the line through (x0, y0)."""
    a, b, c = 1.0 + slope * slope, slope * (y0 - slope * x0), (y0 - slope * x0) ** 2 - 1.0
    root = b * b - a * c
    first = second = x1
    if root > 0.0:
        first = min(max((-b - math.sqrt(root)) / a, x0), x1)
        second = min(max((-b + math.sqrt(root)) / a, x0), x1)
    area, low = 0.0, x0
    for high in (first, second, x1):
        middle = 0.5 * (low + high)
        level, chord = y0 + slope * (middle - x0), math.sqrt(max(1.0 - middle * middle, 0.0))
        if high > low and level < chord:
            half = _half_disc(high) - _half_disc(low)
            area += 2.0 * half if level <= -chord else half - level * (high - low)
        low = high
    return area


@njit(cache=True, nogil=True)
def rise(horizon: Floats, azimuth: float, elevation: float, radius: float) -> tuple[float, float]:
    """How far the best point of a disc rises over the horizon [deg], and where it is [radii right of the centre].

    Parameters
    ----------
    horizon : ndarray, shape (m,)
        Elevations of the horizon at equally spaced azimuths from 0 [deg].
    azimuth, elevation, radius : float
        Centre and angular radius of the disc [deg].

    Returns
    -------
    over : float
        Above 0 if any part of the disc is seen [deg].
    place : float
        From -1, the left rim, to 1, the right one.

    Examples
    --------
    >>> rise(np.zeros(8), 10.0, -0.25, 0.5)[0]
    0.25
    """
    if radius <= 0.0:
        return elevation - _horizon_at(horizon, azimuth), 0.0
    n = horizon.size
    stretch = radius / max(math.cos(math.radians(elevation)), 1e-3) * n / 360.0
    centre = azimuth / 360.0 * n
    best, place = -_SURE, 0.0
    first, last = math.floor(centre - stretch), math.ceil(centre + stretch)
    j = first % n
    for k in range(first, last):
        left = horizon[j]
        j = j + 1 if j + 1 < n else 0
        x0, x1 = max((k - centre) / stretch, -1.0), min((k + 1 - centre) / stretch, 1.0)
        if x1 <= x0:
            continue
        slope = (horizon[j] - left) * stretch / radius
        y0 = (left - elevation) / radius + slope * (x0 - (k - centre) / stretch)
        top = min(max(-slope / math.sqrt(1.0 + slope * slope), x0), x1)
        over = math.sqrt(max(1.0 - top * top, 0.0)) - y0 - slope * (top - x0)
        if over > best:
            best, place = over, top
    return best * radius, place


@njit(cache=True, nogil=True)
def _area(horizon: Floats, azimuth: float, elevation: float, radius: float) -> float:
    """Share of a disc's area above the horizon."""
    n = horizon.size
    stretch = radius / max(math.cos(math.radians(elevation)), 1e-3) * n / 360.0
    centre = azimuth / 360.0 * n
    area = 0.0
    for k in range(math.floor(centre - stretch), math.ceil(centre + stretch)):
        x0, x1 = max((k - centre) / stretch, -1.0), min((k + 1 - centre) / stretch, 1.0)
        if x1 <= x0:
            continue
        left, right = horizon[k % n], horizon[(k + 1) % n]
        slope = (right - left) * stretch / radius
        y0 = (left - elevation) / radius + slope * (x0 - (k - centre) / stretch)
        area += _area_over_line(x0, x1, y0, slope)
    return area / math.pi


@njit(cache=True, nogil=True)
def _disc(horizon: Floats, azimuth: float, elevation: float, radius: float, limb: bool) -> tuple[float, float]:
    """Share of a disc above the horizon, and how far its best point rises over the horizon [deg]."""
    over, _ = rise(horizon, azimuth, elevation, radius)
    if over <= 0.0 or radius <= 0.0:
        return (1.0 if over > 0.0 else 0.0), over
    if limb:
        share = _limb_share(horizon, azimuth, elevation, radius)
    else:
        share = _area(horizon, azimuth, elevation, radius)
    return min(max(share, 1e-12), 1.0), over


@njit(cache=True, nogil=True)
def _limb_share(horizon: Floats, azimuth: float, elevation: float, radius: float) -> float:
    """Share of a disc above the horizon by brightness, a sum over vertical strips."""
    stretch = radius / max(math.cos(math.radians(elevation)), 1e-3)
    total, weights = 0.0, 0.0
    for k in range(1, STRIPS + 1):
        x = math.cos(math.pi * k / (STRIPS + 1))
        c = math.sqrt(1.0 - x * x)
        y = (_horizon_at(horizon, azimuth + x * stretch) - elevation) / radius
        y = min(max(y, -c), c)
        arc = c * c * math.pi / 2.0
        curved = 0.5 * (
            arc - y * math.sqrt(max(c * c - y * y, 0.0)) - c * c * math.asin(min(max(y / c, -1.0), 1.0))
        )
        total += c * ((1.0 - _LIMB) * (c - y) + _LIMB * curved)
        weights += c * ((1.0 - _LIMB) * 2.0 * c + _LIMB * arc)
    return total / weights


@njit(cache=True, nogil=True)
def disc_fractions(horizon: Floats, azimuth: Floats, elevation: Floats, radius: Floats, limb: bool) -> Floats:
    """Shares of discs above a horizon.

    Parameters
    ----------
    horizon : ndarray, shape (m,)
        Elevations of the horizon at equally spaced azimuths from 0 [deg].
    azimuth, elevation, radius : ndarray, shape (n,)
        Centre and angular radius of each disc [deg].
    limb : bool
        Whether the disc darkens to its limb.

    Returns
    -------
    ndarray, shape (n,)
        Shares, 0 to 1.

    Examples
    --------
    >>> disc_fractions(np.zeros(8), np.zeros(2), np.array([0.0, 1.0]), np.full(2, 0.27), False)
    array([0.5, 1. ])
    """
    out = np.empty(azimuth.size)
    top, bottom = horizon.max(), horizon.min()
    for i in range(azimuth.size):
        if elevation[i] - radius[i] > top:
            out[i] = 1.0
            continue
        if elevation[i] + radius[i] < bottom:
            out[i] = 0.0
            continue
        out[i] = _disc(horizon, azimuth[i], elevation[i], radius[i], limb)[0]
    return out


@njit(cache=True, nogil=True)
def _between(values: Floats, k: int, f: float) -> tuple[float, float, float, float]:
    """Cubic through four samples from row k on, at f steps after row k."""
    w0 = -(f - 1.0) * (f - 2.0) * (f - 3.0) / 6.0
    w1 = f * (f - 2.0) * (f - 3.0) / 2.0
    w2 = -f * (f - 1.0) * (f - 3.0) / 2.0
    w3 = f * (f - 1.0) * (f - 2.0) / 6.0
    a, b, c, d = values[k], values[k + 1], values[k + 2], values[k + 3]
    return (
        w0 * a[0] + w1 * b[0] + w2 * c[0] + w3 * d[0],
        w0 * a[1] + w1 * b[1] + w2 * c[1] + w3 * d[1],
        w0 * a[2] + w1 * b[2] + w2 * c[2] + w3 * d[2],
        w0 * a[3] + w1 * b[3] + w2 * c[3] + w3 * d[3],
    )


@njit(cache=True, nogil=True)
def _covered(separation: float, disc: float, cover: float) -> float:
    """Share of a disc that a second disc covers, all angles [rad] and small."""
    if separation >= disc + cover:
        return 0.0
    if separation <= abs(cover - disc):
        return 1.0 if cover >= disc else (cover / disc) ** 2
    p = (separation**2 + disc**2 - cover**2) / (2.0 * separation)
    q = separation - p
    one = disc**2 * math.acos(min(max(p / disc, -1.0), 1.0)) - p * math.sqrt(max(disc**2 - p * p, 0.0))
    two = cover**2 * math.acos(min(max(q / cover, -1.0), 1.0)) - q * math.sqrt(max(cover**2 - q * q, 0.0))
    return (one + two) / (math.pi * disc**2)


@njit(cache=True, nogil=True)
def _state(
    horizon: Floats, body: Floats, cover: Floats, step: float, threshold: float, limb: bool, t: float
) -> tuple[float, float]:
    """Share of the disc seen at a time, and a measure that is above 0 while it is seen."""
    k = min(max(int(t / step) - 1, 0), body.shape[0] - 4)
    f = t / step - k
    x, y, z, radius = _between(body, k, f)
    azimuth = math.degrees(math.atan2(x, y))
    elevation = math.degrees(math.atan2(z, math.hypot(x, y)))
    share, over = _disc(horizon, azimuth, elevation, radius, limb)
    if cover.shape[0] > 0:
        u, v, w, rc = _between(cover, k, f)
        sine = math.sqrt((y * w - z * v) ** 2 + (z * u - x * w) ** 2 + (x * v - y * u) ** 2)
        apart = math.atan2(sine, x * u + y * v + z * w)
        share *= 1.0 - _covered(apart, math.radians(radius), math.radians(rc))
        over = min(over, math.degrees(apart) + radius - rc)
    return share, (share - threshold if threshold > 0.0 else over)


@njit(cache=True, nogil=True)
def _certain(horizon: Floats, body: Floats, cover: Floats, i: int) -> int:
    """1 if the disc is wholly seen through the step after sample i, -1 if wholly hidden, 0 if not certain."""
    a, b = body[i], body[i + 1]
    low, high, radius = 90.0, -90.0, max(a[3], b[3])
    for row in (a, b):
        elevation = math.degrees(math.atan2(row[2], math.hypot(row[0], row[1])))
        low, high = min(low, elevation), max(high, elevation)
    if max(abs(low), abs(high)) > 80.0:
        return 0
    if cover.shape[0] > 0:
        for k in range(2):
            row, other = body[i + k], cover[i + k]
            cosine = row[0] * other[0] + row[1] * other[1] + row[2] * other[2]
            if cosine > math.cos(math.radians(row[3] + other[3] + 2.0)):
                return 0
    first, last = math.degrees(math.atan2(a[0], a[1])), math.degrees(math.atan2(b[0], b[1]))
    turn = (last - first + 180.0) % 360.0 - 180.0
    slack = 0.05 + 0.1 * (high - low)
    margin = (radius + slack + 0.1 * abs(turn)) / math.cos(math.radians(max(abs(low), abs(high))))
    if abs(turn) + 2.0 * margin > 60.0:
        return 0
    n = horizon.size
    start = min(first, first + turn) - margin
    count = int((abs(turn) + 2.0 * margin) / 360.0 * n) + 3
    base = math.floor(start / 360.0 * n)
    floor, top = 90.0, -90.0
    for k in range(count):
        level = horizon[(base + k) % n]
        floor, top = min(floor, level), max(top, level)
    if low - radius - slack > top:
        return 1
    return -1 if high + radius + slack < floor else 0


@njit(cache=True, nogil=True)
def _crossing(
    horizon: Floats,
    body: Floats,
    cover: Floats,
    step: float,
    threshold: float,
    limb: bool,
    before: float,
    after: float,
    rising: bool,
) -> float:
    """Time between two at which the disc appears (or vanishes), by bisection."""
    while after - before > _TOLERANCE_S:
        middle = 0.5 * (before + after)
        seen = _state(horizon, body, cover, step, threshold, limb, middle)[1] > 0.0
        if seen == rising:
            after = middle
        else:
            before = middle
    return 0.5 * (before + after)


@njit(cache=True, nogil=True)
def _extreme(
    horizon: Floats,
    body: Floats,
    cover: Floats,
    step: float,
    threshold: float,
    limb: bool,
    before: float,
    after: float,
    sign: float,
) -> float:
    """Time between two at which the measure is highest (sign 1) or lowest (sign -1), by golden section."""
    ratio = 0.5 * (math.sqrt(5.0) - 1.0)
    while after - before > 2.0 * _TOLERANCE_S:
        one = after - ratio * (after - before)
        two = before + ratio * (after - before)
        a = sign * _state(horizon, body, cover, step, threshold, limb, one)[1]
        b = sign * _state(horizon, body, cover, step, threshold, limb, two)[1]
        if a > b:
            after = two
        else:
            before = one
    return 0.5 * (before + after)


@njit(cache=True, nogil=True)
def _append(events: Floats, count: int, time: float) -> Floats:
    """Put a time behind the first `count`, in a longer array where there is no room."""
    if count == events.size:
        longer = np.empty(2 * events.size)
        longer[: events.size] = events
        events = longer
    events[count] = time
    return events


@njit(cache=True, nogil=True)
def _glimpse(
    horizon: Floats,
    body: Floats,
    cover: Floats,
    step: float,
    threshold: float,
    limb: bool,
    t: float,
    part: float,
    seen: bool,
) -> tuple[bool, float, float]:
    """Whether the disc changes its state and back within the two parts before a time, and when."""
    sign = -1.0 if seen else 1.0
    m = _extreme(horizon, body, cover, step, threshold, limb, t - 2.0 * part, t, sign)
    if (_state(horizon, body, cover, step, threshold, limb, m)[1] > 0.0) == seen:
        return False, 0.0, 0.0
    one = _crossing(horizon, body, cover, step, threshold, limb, t - 2.0 * part, m, not seen)
    two = _crossing(horizon, body, cover, step, threshold, limb, m, t, seen)
    return True, one, two


_SEEN, _G0, _G1, _SHARE, _KNOWN, _COUNT, _TOTAL = 0, 1, 2, 3, 4, 5, 6


@njit(cache=True, nogil=True)
def _near_extreme(memory: Floats, g: float, seen: bool) -> bool:
    """Whether the last three measures have an extreme of the other sign's side in the middle, close to 0."""
    if memory[_KNOWN] < 2.0:
        return False
    beside = max(abs(g - memory[_G1]), abs(memory[_G0] - memory[_G1]))
    if abs(memory[_G1]) > max(_GLIMPSE_DEG, beside):
        return False
    if (memory[_G1] > 0.0) != seen or (memory[_G0] > 0.0) != seen:
        return False
    sign = -1.0 if seen else 1.0
    return sign * memory[_G1] > sign * memory[_G0] and sign * memory[_G1] >= sign * g


@njit(cache=True, nogil=True)
def _walk(
    horizon: Floats,
    body: Floats,
    cover: Floats,
    step: float,
    fine: int,
    threshold: float,
    limb: bool,
    i: int,
    memory: Floats,
    events: Floats,
) -> Floats:
    """Go through the step after sample i in fine parts."""
    part = step / fine
    for j in range(0 if memory[_KNOWN] == 0.0 else 1, fine + 1):
        t = i * step + j * part
        share, g = _state(horizon, body, cover, step, threshold, limb, t)
        now, seen, count = g > 0.0, memory[_SEEN] > 0.0, int(memory[_COUNT])
        if memory[_KNOWN] > 0.0:
            memory[_TOTAL] += 0.5 * (share + memory[_SHARE]) * part
        if now != seen:
            moment = t
            if memory[_KNOWN] > 0.0:
                moment = _crossing(horizon, body, cover, step, threshold, limb, t - part, t, now)
            events = _append(events, count, moment)
            memory[_COUNT] += 1.0
            memory[_SEEN] = 1.0 if now else 0.0
        elif _near_extreme(memory, g, seen):
            found, one, two = _glimpse(horizon, body, cover, step, threshold, limb, t, part, seen)
            if found:
                events = _append(_append(events, count, one), count + 1, two)
                memory[_COUNT] += 2.0
        memory[_G0], memory[_G1], memory[_SHARE] = memory[_G1], g, share
        memory[_KNOWN] += 1.0
    return events


@njit(cache=True, nogil=True)
def follow(
    horizon: Floats, body: Floats, cover: Floats, step: float, fine: int, threshold: float, limb: bool
) -> tuple[bool, Floats, float]:
    """Follow a body over a period: when it appears and vanishes, and the mean share of its disc.

    Parameters
    ----------
    horizon : ndarray, shape (m,)
        Elevations of the horizon at equally spaced azimuths from 0 [deg].
    body : ndarray, shape (n, 4)
        Samples of the body: unit vector (east, north, up) and angular radius [deg].
    cover : ndarray, shape (n, 4) or (0, 4)
        The same of a body that may cover it.
    step : float
        Time between samples [s].
    fine : int
        Parts into which each step is divided where the horizon is near.
    threshold : float
        Share of the disc above which it counts as seen; at 0 any part counts.
    limb : bool
        Whether the disc darkens to its limb.

    Returns
    -------
    seen : bool
        Whether it is seen at the first sample.
    events : ndarray
        Times after the first sample at which this changes [s].
    mean : float
        Mean share of the disc.

    Examples
    --------
    >>> elevation = np.radians(np.linspace(-2.0, 2.0, 9))
    >>> body = np.stack([np.zeros(9), np.cos(elevation), np.sin(elevation), np.full(9, 0.25)], axis=-1)
    >>> seen, events, mean = follow(np.zeros(8), body, np.empty((0, 4)), 3600.0, 60, 0.0, False)
    >>> seen, (events / 3600.0).round(2), round(mean, 2)
    (False, array([3.5]), 0.5)
    """
    events, memory = np.empty(1024), np.zeros(7)
    first = _certain(horizon, body, cover, 0)
    if first == 0:
        first = 1 if _state(horizon, body, cover, step, threshold, limb, 0.0)[1] > 0.0 else -1
    memory[_SEEN] = 1.0 if first > 0 else 0.0
    for i in range(body.shape[0] - 1):
        sure = _certain(horizon, body, cover, i)
        if sure == 0:
            events = _walk(horizon, body, cover, step, fine, threshold, limb, i, memory, events)
            continue
        if (sure > 0) != (memory[_SEEN] > 0.0):
            events = _append(events, int(memory[_COUNT]), i * step)
            memory[_COUNT] += 1.0
        memory[_SEEN] = 1.0 if sure > 0 else 0.0
        memory[_TOTAL] += step if sure > 0 else 0.0
        memory[_KNOWN] = 0.0
    return first > 0, events[: int(memory[_COUNT])], memory[_TOTAL] / (step * (body.shape[0] - 1))
