"""Compiled search for the longest spells of light and darkness, one horizon after another.

Angles are degrees. A state is a wish for each body: 1 seen, 0 hidden, -1 no matter.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.lightkernels import rise

__all__ = ["longest_of_cells", "still_hidden", "still_seen"]

Floats = NDArray[np.float64]

_FINE, _FINEST = 20.0 / 3600.0, 0.5 / 3600.0
"""Parts of an hour within which a moment is interpolated, and within which no glimpse is looked for."""
_BEND_DEG = 6.5e-4
"""How far a body that turns by 0.53 deg in an hour leaves its chord at elevation 0."""
_FAR_DEG = 80.0
_BLOCK = 64
_ABOUT = 1000
PARTS = 200.0
"""Parts of a degree in which bounds of elevations are kept."""
_NEVER = 2.0


@njit(cache=True, nogil=True)
def _bend(elevation: float, hours: float) -> float:
    """Bound of how far a body leaves the chord of its path within some time."""
    angle = math.radians(min(elevation, _FAR_DEG))
    return _BEND_DEG * hours * hours * (1.0 + 2.0 * math.tan(angle)) / math.cos(angle)


@njit(cache=True, nogil=True)
def _turn(first: float, last: float) -> float:
    """Shortest way from one azimuth to another."""
    return (last - first + 180.0) % 360.0 - 180.0


@njit(cache=True, nogil=True)
def still_hidden(horizon: Floats, a0: float, e0: float, a1: float, e1: float, radius: float, slack: float) -> bool:
    """Whether a disc that goes straight from one place to another surely stays below the horizon.

    Parameters
    ----------
    horizon : ndarray, shape (m,)
        Elevations of the horizon at equally spaced azimuths from 0 [deg].
    a0, e0, a1, e1 : float
        Azimuth and elevation of the centre at both ends [deg].
    radius : float
        Angular radius [deg].
    slack : float
        How far the path may leave the straight line [deg].

    Returns
    -------
    bool
        Exact for straight paths: the upper envelope of the moving disc against every corner of the horizon.

    Examples
    --------
    >>> still_hidden(np.zeros(8), 0.0, -1.0, 5.0, -0.5, 0.25, 0.01)
    True
    """
    size = radius + slack
    if rise(horizon, a0, e0, size)[0] > 0.0 or rise(horizon, a1, e1, size)[0] > 0.0:
        return False
    n = horizon.size
    way, level = _turn(a0, a1), math.cos(math.radians(0.5 * (e0 + e1)))
    if abs(way) < 1e-9:
        return True
    grade = (e1 - e0) / way
    norm = math.sqrt(1.0 + (grade / level) ** 2)
    lift, aside = size * norm, size * grade / (level * level * norm)
    first = math.ceil((min(a0, a0 + way) - aside) / 360.0 * n)
    last = math.floor((max(a0, a0 + way) - aside) / 360.0 * n)
    over = -1.0
    for k in range(first, last + 1):
        over = max(over, e0 + grade * (k * 360.0 / n - a0) + lift - horizon[k % n])
    return over <= 0.0


@njit(cache=True, nogil=True)
def _ray_seen(horizon: Floats, a0: float, e0: float, way: float, e1: float, slack: float) -> bool:
    """Whether a point that goes nearly straight stays above the horizon."""
    n = horizon.size
    u0, u1 = a0 / 360.0 * n, (a0 + way) / 360.0 * n
    low, high = min(u0, u1), max(u0, u1)
    j = math.floor(low)
    grade = (e1 - e0) / (u1 - u0) if u1 != u0 else 0.0
    lowest = min(e0, e1)
    for k in range(j, math.ceil(high) + (1 if high == low else 0)):
        left, right = horizon[k % n], horizon[(k + 1) % n]
        margin = slack * (1.0 + abs(right - left) * n / 360.0)
        x0, x1 = max(k, low), min(k + 1, high)
        if u1 == u0:
            level = max(left + (right - left) * (x0 - k), left + (right - left) * (x1 - k))
            if lowest - level <= margin:
                return False
            continue
        for x in (x0, x1):
            if e0 + grade * (x - u0) - left - (right - left) * (x - k) <= margin:
                return False
    return True


@njit(cache=True, nogil=True)
def still_seen(horizon: Floats, a0: float, e0: float, a1: float, e1: float, radius: float, slack: float) -> bool:
    """Whether some point of a disc that goes straight from one place to another surely stays above the horizon.

    Parameters
    ----------
    horizon : ndarray, shape (m,)
        Elevations of the horizon at equally spaced azimuths from 0 [deg].
    a0, e0, a1, e1 : float
        Azimuth and elevation of the centre at both ends [deg].
    radius : float
        Angular radius [deg].
    slack : float
        How far the path may leave the straight line [deg].

    Returns
    -------
    bool
        True is sure; False means that no single point of the disc was found that stays above.

    Examples
    --------
    >>> still_seen(np.zeros(8), 0.0, 1.0, 5.0, 0.5, 0.25, 0.01)
    True
    """
    over0, x0 = rise(horizon, a0, e0, radius)
    over1, x1 = rise(horizon, a1, e1, radius)
    if over0 <= 0.0 or over1 <= 0.0:
        return False
    way, level = _turn(a0, a1), math.cos(math.radians(0.5 * (e0 + e1)))
    for x in (0.0, 0.5 * (x0 + x1), x0, x1):
        up, aside = radius * math.sqrt(max(1.0 - x * x, 0.0)), radius * x / level
        if _ray_seen(horizon, a0 + aside, e0 + up, way, e1 + up, slack):
            return True
    return False


@njit(cache=True, nogil=True)
def _place(body: Floats, frame: Floats, k: int, f: float) -> tuple[float, float, float]:
    """Azimuth, elevation and radius of a body in a cell's frame, f hours after sample k.

    `body` (n, 5): unit vector at the middle, radius, one over the distance. `frame` (4, 3): the cell's directions
    to the right, ahead and up of the first azimuth, and its place from the middle.
    """
    if f == 0.0:
        x, y, z, radius = body[k, 0], body[k, 1], body[k, 2], body[k, 3]
    else:
        i = min(max(k - 1, 0), body.shape[0] - 4)
        g = k - i + f
        w0 = -(g - 1.0) * (g - 2.0) * (g - 3.0) / 6.0
        w1 = g * (g - 2.0) * (g - 3.0) / 2.0
        w2 = -g * (g - 1.0) * (g - 3.0) / 2.0
        w3 = g * (g - 1.0) * (g - 2.0) / 6.0
        x = w0 * body[i, 0] + w1 * body[i + 1, 0] + w2 * body[i + 2, 0] + w3 * body[i + 3, 0]
        y = w0 * body[i, 1] + w1 * body[i + 1, 1] + w2 * body[i + 2, 1] + w3 * body[i + 3, 1]
        z = w0 * body[i, 2] + w1 * body[i + 1, 2] + w2 * body[i + 2, 2] + w3 * body[i + 3, 2]
        radius = w0 * body[i, 3] + w1 * body[i + 1, 3] + w2 * body[i + 2, 3] + w3 * body[i + 3, 3]
    near = body[k, 4]
    x, y, z = x - near * frame[3, 0], y - near * frame[3, 1], z - near * frame[3, 2]
    right = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z
    ahead = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z
    up = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z
    azimuth = math.degrees(math.atan2(right, ahead))
    return azimuth, math.degrees(math.atan2(up, math.hypot(right, ahead))), radius


@njit(cache=True, nogil=True)
def _seen(horizon: Floats, body: Floats, frame: Floats, k: int, f: float) -> bool:
    """Whether any part of a body is seen, f hours after sample k."""
    azimuth, elevation, radius = _place(body, frame, k, f)
    return rise(horizon, azimuth, elevation, radius)[0] > 0.0


@njit(cache=True, nogil=True)
def _change(
    horizon: Floats, body: Floats, frame: Floats, k: int, f: float, seen: bool, step_h: float
) -> tuple[float, float]:
    """When, after f, a body first is no longer seen (or hidden) in the hour after sample k, and when to go on."""
    a0, e0, r0 = _place(body, frame, k, f)
    low, high, bad = f, 1.0, 1.0
    while low < 1.0:
        a1, e1, r1 = _place(body, frame, k, high)
        slack = _bend(max(abs(e0), abs(e1)), (high - low) * step_h)
        if max(abs(e0), abs(e1)) > _FAR_DEG:
            sure = False
        elif seen:
            sure = still_seen(horizon, a0, e0, a1, e1, min(r0, r1), slack)
        else:
            sure = still_hidden(horizon, a0, e0, a1, e1, max(r0, r1), slack)
        if not sure:
            if high - low < _FINE:
                after = rise(horizon, a1, e1, r1)[0]
                if (after > 0.0) != seen:
                    before = rise(horizon, a0, e0, r0)[0]
                    part = before / (before - after) if (before > 0.0) == seen else 0.0
                    return low + (high - low) * part, high
            if high - low > _FINEST:
                bad, high = high, 0.5 * (low + high)
                continue
        low, a0, e0, r0 = high, a1, e1, r1
        high = bad if sure and high < bad else 1.0
        bad = high
    return _NEVER, 1.0


@njit(cache=True, nogil=True)
def _enter(
    horizon: Floats, bodies: Floats, frame: Floats, wish: NDArray[np.int64], k: int, f: float, step_h: float
) -> tuple[float, float]:
    """First time from f on in the hour after sample k at which all wishes hold, and when to go on."""
    b, event = 0, f
    while b < wish.size:
        if wish[b] >= 0 and _seen(horizon, bodies[b], frame, k, f) != (wish[b] == 1):
            event, f = _change(horizon, bodies[b], frame, k, f, wish[b] == 0, step_h)
            if event == _NEVER:
                return _NEVER, 1.0
            b = 0
            continue
        b += 1
    return event, f


@njit(cache=True, nogil=True)
def _leave(
    horizon: Floats, bodies: Floats, frame: Floats, wish: NDArray[np.int64], k: int, f: float, step_h: float
) -> tuple[float, float]:
    """First time from f on in the hour after sample k at which a wish fails, and when to go on."""
    event, after = _NEVER, 1.0
    for b in range(wish.size):
        if wish[b] >= 0:
            one, two = _change(horizon, bodies[b], frame, k, f, wish[b] == 1, step_h)
            if one < event:
                event, after = one, two
    return event, after


@njit(cache=True, nogil=True)
def _hour(hours, bounds, wish, k):  # type: ignore[no-untyped-def]
    """1 if all wishes surely hold all through the hour after sample k, -1 if one surely fails, else 0."""
    all_sure = 1
    for b in range(wish.size):
        if wish[b] < 0:
            continue
        place = hours[b, k, 0]
        if hours[b, k, 1] > bounds[b, place, 0]:
            if wish[b] == 0:
                return -1
        elif hours[b, k, 2] < bounds[b, place, 1]:
            if wish[b] == 1:
                return -1
        else:
            all_sure = 0
    return all_sure


@njit(cache=True, nogil=True)
def _holds(horizon: Floats, bodies: Floats, frame: Floats, wish: NDArray[np.int64], k: int) -> bool:
    """Whether all wishes hold at sample k."""
    for b in range(wish.size):
        if wish[b] >= 0 and _seen(horizon, bodies[b], frame, k, 0.0) != (wish[b] == 1):
            return False
    return True


@njit(cache=True, nogil=True)
def _gap(hours, bounds, wish, first, last):  # type: ignore[no-untyped-def]
    """Last hour after `first`, up to `last`, in which a wish surely fails; `first` if there is none."""
    while last > first and _hour(hours, bounds, wish, last) >= 0:
        last -= 1
    return last


@njit(cache=True, nogil=True)
def _skip(hours, bounds, wish, first, last):  # type: ignore[no-untyped-def]
    """First hour from `first` on in which no wish surely fails; `last` if there is none."""
    while first < last and _hour(hours, bounds, wish, first) < 0:
        first += 1
    return first


@njit(cache=True, nogil=True)
def _back(horizon, bodies, frame, hours, bounds, wish, first, last):  # type: ignore[no-untyped-def]
    """Last sample after `first`, up to `last`, at which a wish fails; `first` if there is none."""
    for j in range(last, first, -1):
        if _hour(hours, bounds, wish, j) > 0 or _hour(hours, bounds, wish, j - 1) > 0:
            continue
        if not _holds(horizon, bodies, frame, wish, j):
            return j
    return first


@njit(cache=True, nogil=True)
def _ahead(horizon, bodies, frame, hours, bounds, wish, k, last):  # type: ignore[no-untyped-def]
    """First sample from k on at which a wish fails; the last sample if none does."""
    while k < last:
        state = _hour(hours, bounds, wish, k)
        if state < 0 or (
            state == 0 and _hour(hours, bounds, wish, k - 1) <= 0 and not _holds(horizon, bodies, frame, wish, k)
        ):
            return k
        k += 1
    return last


@njit(cache=True, nogil=True)
def _within(horizon, bodies, frame, hours, bounds, wish, first, last, best, step_h):  # type: ignore[no-untyped-def]
    """Longest time in which all wishes hold between two samples, at least `best` [hours]."""
    holds = _holds(horizon, bodies, frame, wish, first)
    begin = float(first)
    for k in range(first, last):
        if holds and _hour(hours, bounds, wish, k) > 0:
            continue
        f = 0.0
        while f < 1.0:
            if holds:
                event, f = _leave(horizon, bodies, frame, wish, k, f, step_h)
                if event == _NEVER:
                    break
                best, holds = max(best, k + event - begin), False
            else:
                event, f = _enter(horizon, bodies, frame, wish, k, f, step_h)
                begin, holds = k + event, event != _NEVER
    return max(best, last - begin) if holds else best


@njit(cache=True, nogil=True)
def _longest(horizon, bodies, frame, hours, bounds, wish, first, last, best, step_h):  # type: ignore[no-untyped-def]
    """Longest time in which all wishes hold between two samples, at least `best` [steps].

    A run that is to beat the best so far spans its length after the sample k that fails: so look there from the
    far end back for another sample that fails, and go on from that one.
    """
    k, clear, known = first, first - 1, first
    while last - k > best:
        end = k + int(best)
        if end >= last:
            break
        j = _gap(hours, bounds, wish, clear, end)
        if j > clear:
            clear, k = end, j + 1
            if best < 1.0:
                k = _skip(hours, bounds, wish, k, last)
                clear = k - 1
            continue
        clear = end
        j = _back(horizon, bodies, frame, hours, bounds, wish, max(k, known), end)
        if j > max(k, known):
            k, known = j, end
            continue
        j = _ahead(horizon, bodies, frame, hours, bounds, wish, end + 1, last)
        best = _within(horizon, bodies, frame, hours, bounds, wish, k, j, best, step_h)
        k = known = j
        clear = j - 1
    return best


@njit(cache=True, nogil=True)
def _bound(horizon, tilt, reach, margin, far, shift, out):  # type: ignore[no-untyped-def]
    """Elevations of a body's upper rim above (below) which it surely is seen (hidden), for each azimuth bin.

    `tilt` (n,): by how much the cell's own elevation exceeds that at the middle, at each azimuth; `reach` (2,):
    azimuths beside the bin that count; `shift`: bins from the first to the horizon's first azimuth; `out` (n + 1,
    2) [1/200 deg], the last for bodies high up or deep down.
    """
    n = horizon.size
    level = np.empty(n + 2 * reach[1] + 1)
    j = (-reach[1]) % n
    for i in range(level.size):
        level[i] = horizon[j] - tilt[j]
        j = j + 1 if j + 1 < n else 0
    side = reach[1] - reach[0]
    j = shift % n
    for k in range(n):
        top, bottom = level[k + side], level[k]
        for i in range(k + side + 1, k + side + 2 * reach[0] + 2):
            top = max(top, level[i])
        for i in range(k + 1, k + 2 * reach[1] + 2):
            bottom = min(bottom, level[i])
        out[j, 0] = math.ceil(PARTS * (top + margin))
        out[j, 1] = math.floor(PARTS * (bottom - margin))
        j = j + 1 if j + 1 < n else 0
    out[n, 0] = math.ceil(PARTS * (horizon.max() + far))
    out[n, 1] = math.floor(PARTS * (horizon.min() - far))


@njit(cache=True, nogil=True)
def longest_of_cells(  # type: ignore[no-untyped-def]
    horizons,
    scale,
    gap,
    frames,
    waves,
    shift,
    tilts,
    margins,
    far,
    reach,
    bodies,
    hours,
    wishes,
    likely,
    step_h,
    out,
):
    """Longest spells of many cells.

    Parameters
    ----------
    horizons : ndarray, shape (azimuths, cells)
        Elevations, azimuth-major.
    scale : float
        Degrees of one unit of `horizons`.
    gap : float
        Value of `horizons` that means no data; NaN does too.
    frames : ndarray, shape (cells, 4, 3)
        Directions to the right of the first azimuth, ahead and up, and the place [m], in the axes of the samples.
    waves : ndarray, shape (2, azimuths)
        Cosine and sine of the azimuths of the bins, from north at the middle.
    shift : ndarray of int64, shape (cells,)
        Bins from the bins' first to the horizon's first azimuth.
    tilts : ndarray, shape (cells, 2)
        By how much the vertical leans to the north and the east of that at the middle [deg].
    margins : ndarray, shape (cells,)
        What small-angle elevations may be wrong by [deg].
    far : float
        The same for bodies high up or deep down [deg].
    reach : ndarray of int64, shape (bodies, 2)
        Azimuths on either side of a bin over which a body may pass in an hour: its centre, any part of its disc.
    bodies : ndarray, shape (bodies, samples, 5)
        Unit vector at the middle, angular radius [deg] and one over the distance [1/m].
    hours : ndarray of int16, shape (bodies, samples - 1, 3)
        Of each hour its azimuth bin, and the lowest and highest elevation of the upper rim [1/200 deg].
    likely : ndarray of int64, shape (states,)
        Sample about which a long spell is likely.
    wishes : ndarray of int64, shape (states, bodies)
        The states to look for.
    step_h : float
        Time between samples [h].
    out : ndarray of float32, shape (states, cells)
        Lengths [steps].

    Examples
    --------
    >>> longest_of_cells.__name__
    'longest_of_cells'
    """
    n, cells = horizons.shape
    used = np.zeros(bodies.shape[0], np.bool_)
    for s in range(wishes.shape[0]):
        used |= wishes[s] >= 0
    block = np.empty((_BLOCK, n))
    horizon, tilt = np.empty(n), np.empty(n)
    bounds = np.empty((bodies.shape[0], n + 1, 2), np.int16)
    last = bodies.shape[1] - 1
    for start in range(0, cells, _BLOCK):
        size = min(_BLOCK, cells - start)
        _turned(horizons, start, size, scale, gap, block)
        for c in range(size):
            cell = start + c
            horizon[:] = block[c]
            if math.isnan(horizon.sum()):
                out[:, cell] = np.nan
                continue
            for k in range(n):
                j = (k + shift[cell]) % n
                tilt[k] = tilts[cell, 0] * waves[0, j] + tilts[cell, 1] * waves[1, j]
            for b in range(bodies.shape[0]):
                if used[b]:
                    _bound(horizon, tilt, reach[b], margins[cell], far, shift[cell], bounds[b])
            for s in range(wishes.shape[0]):
                best = 0.0
                for low, high in ((max(likely[s] - _ABOUT, 0), min(likely[s] + _ABOUT, last)), (0, last)):
                    best = _longest(
                        horizon, bodies, frames[cell], hours, bounds, wishes[s], low, high, best, step_h
                    )
                out[s, cell] = best


@njit(cache=True, nogil=True)
def _turned(horizons, start, size, scale, gap, block):  # type: ignore[no-untyped-def]
    """Copy some cells' horizons in degrees, cell by cell; NaN where there is no data."""
    for k in range(horizons.shape[0]):
        for c in range(size):
            value = float(horizons[k, start + c])
            block[c, k] = np.nan if value == gap else value * scale
