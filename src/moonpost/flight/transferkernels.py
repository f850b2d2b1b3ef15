"""Transfers between the Earth and the Moon for numba: a two-body guess, then Newton to a passage of the Moon.

Positions are in metres in J2000 axes from the centre of the Earth. One kernel solves many cells, one after the
other, and lets other threads run. It flies either way: forward from the Earth, or back in time from where a return
reaches it. Numba keeps compiled runs by the date of this file: touch it after a change in the kernels it calls.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from moonpost.flight.bplanekernels import aimed, crossed
from moonpost.flight.placekernels import located
from moonpost.flight.stepkernels import advance

__all__ = ["AIM", "END", "FOUND", "OUTCOMES", "guessed", "left", "solve"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

END = {"kind": 0, "radius": 1, "inclination": 2, "slope": 3, "branch": 4, "guessed": 5, "count": 6}
"""Places of the numbers of an Earth end; `kind` 0 frees node, argument and speed at `radius`, 1 a whole velocity
at a place that follows; `slope` is the flight-path angle; `branch` 0 arrives at the Moon northbound along the
orbit, 1 southbound; `guessed` 1 starts from the given controls."""

AIM = {"kind": 0, "radius": 1, "cosine": 2, "side": 3, "b_t": 4, "b_r": 5, "count": 6}
"""Places of the numbers of an aim; `kind` 0 is perilune radius and inclination, 1 is B.T and B.R."""

FOUND = {
    "perilune": 0,
    "radius": 6,
    "late": 7,
    "speed_far": 8,
    "b_t": 9,
    "b_r": 10,
    "cosine": 11,
    "slope": 12,
    "flights": 13,
    "depart": 14,
    "count": 20,
}
"""Places of the numbers of a solution: state at perilune from the Moon (6), its radius [m], how late it is [s],
the crossing at the last shot, shots flown, state at the Earth end (6)."""

OUTCOMES = (
    "converged",
    "declination of the Moon exceeds the inclination",
    "the Earth end cannot reach the Moon in this time",
    "no convergence",
    "captured or not hyperbolic on arrival",
    "inclination of arrival below the declination of the asymptote",
    "the flight broke off",
)
"""What the numbers that end a solution mean."""

_CONVERGED, _STEEP, _UNREACHED, _ASTRAY, _CAPTURED, _TILTED, _BROKEN = range(7)
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_MOST_STEPS = 200_000
_MOST_TURNS = 14
_MOST_TRIMS = 8
_LIMIT_RAD, _LIMIT_M_S, _LIMIT_FREE_M_S = 0.12, 40.0, 150.0
_TIGHT_M, _TIGHT_S = 1.0, 1e-3
_NUDGE_S = 60.0
_LAST_LEAD_S = 900.0
_LOOSE = 100
_NEAR_KM = (1000.0, 50.0)
_FLIGHTS = FOUND["flights"]


@njit(**_OPTIONS)
def _swept(radius: float, slope: float, speed: float, far: float, inward: bool, gm: float) -> tuple[float, float]:
    """Angle [rad] and time [s] from a start outwards to a distance, met on the way out or back in, or NaN."""
    parameter = (radius * speed * math.cos(slope)) ** 2 / gm
    along = parameter / radius - 1.0
    across = math.sqrt(parameter / gm) * speed * math.sin(slope)
    e = math.sqrt(along * along + across * across)
    cosine = (parameter / far - 1.0) / e
    if cosine < -1.0:
        return math.nan, math.nan
    end = 2.0 * math.pi - math.acos(cosine) if inward else math.acos(cosine)
    start = math.atan2(across, along)
    since_end, since_start = _since_apsis(end, e, parameter, gm), _since_apsis(start, e, parameter, gm)
    return end - start, since_end - since_start


@njit(**_OPTIONS)
def _since_apsis(angle: float, e: float, parameter: float, gm: float) -> float:
    """Time since pericentre at a true anomaly up to a whole turn."""
    size = parameter / (1.0 - e * e)
    if e < 1.0:
        eccentric = 2.0 * math.atan2(
            math.sqrt(1.0 - e) * math.sin(0.5 * angle), math.sqrt(1.0 + e) * math.cos(0.5 * angle)
        )
        return (eccentric - e * math.sin(eccentric)) * math.sqrt(size * size * size / gm)
    if angle > math.pi:
        return math.nan
    h = 2.0 * math.atanh(math.sqrt((e - 1.0) / (e + 1.0)) * math.tan(0.5 * angle))
    return (e * math.sinh(h) - h) * math.sqrt(-size * size * size / gm)


@njit(**_OPTIONS)
def _speed_for(radius: float, slope: float, far: float, lasting: float, gm: float) -> tuple[float, float]:
    """Speed [m/s] of a two-body flight of a given time to a distance, and the angle swept [rad]; NaN if none."""
    ratio = radius * math.cos(slope) / far
    least = math.sqrt(2.0 * gm * (1.0 / radius - 1.0 / far) / (1.0 - ratio * ratio)) * (1.0 + 1e-12)
    angle, longest = _swept(radius, slope, least, far, False, gm)
    inward = lasting > longest
    escape = math.sqrt(2.0 * gm / radius)
    low, high = least, escape * (1.0 - 1e-9) if inward else 2.0 * escape
    for _ in range(80):
        middle = 0.5 * (low + high)
        angle, spent = _swept(radius, slope, middle, far, inward, gm)
        if (spent < lasting) == inward:
            low = middle
        else:
            high = middle
    return middle, angle


@njit(**_OPTIONS)
def guessed(moon: Floats, end: Floats, lasting: float, axes: Floats, gm: float, x: Floats) -> int:
    """Controls of a two-body flight between the Earth end and the centre of the Moon.

    Parameters
    ----------
    moon : ndarray, shape (3,)
        Where the Moon stands at the passage, J2000 [m].
    end : ndarray
        Numbers of `END`, of kind 0.
    lasting : float
        From the Earth end to the passage, signed [s].
    axes : ndarray, shape (3, 3)
        From J2000 to the axes that node and inclination refer to.
    gm : float
        Gravitational parameter of the Earth [m3/s2].
    x : ndarray, shape (3,)
        Gets node, argument of the place [rad] and speed [m/s].

    Returns
    -------
    int
        A place in `OUTCOMES`.
    """
    sign = 1.0 if lasting > 0.0 else -1.0
    far = math.sqrt(moon[0] ** 2 + moon[1] ** 2 + moon[2] ** 2)
    mx = (axes[0, 0] * moon[0] + axes[0, 1] * moon[1] + axes[0, 2] * moon[2]) / far
    my = (axes[1, 0] * moon[0] + axes[1, 1] * moon[1] + axes[1, 2] * moon[2]) / far
    mz = (axes[2, 0] * moon[0] + axes[2, 1] * moon[1] + axes[2, 2] * moon[2]) / far
    inclination = end[2]
    ratio = mz / math.sin(inclination)
    if not abs(ratio) <= 1.0:
        return _STEEP
    speed, angle = _speed_for(end[1], sign * end[3], far, abs(lasting), gm)
    if not math.isfinite(angle):
        return _UNREACHED
    argument = math.asin(ratio)
    if end[4] == 1.0:
        argument = math.pi - argument
    ascension = math.atan2(my, mx)
    x[0] = ascension - math.atan2(math.cos(inclination) * math.sin(argument), math.cos(argument))
    x[1] = argument - sign * angle
    x[2] = speed
    return _CONVERGED


@njit(**_OPTIONS)
def left(x: Floats, end: Floats, axes: Floats, out: Floats) -> None:
    """State at the Earth end, and its change with each control.

    Parameters
    ----------
    x : ndarray, shape (3,)
        Controls: node, argument [rad] and speed [m/s], or a velocity [m/s].
    end : ndarray, shape (6 or 9,)
        Numbers of `END`; of kind 1 followed by the place [m].
    axes : ndarray, shape (3, 3)
        From J2000 to the axes that node and inclination refer to.
    out : ndarray, shape (4, 6)
        Gets the state, and its derivatives by the three controls.
    """
    out[:] = 0.0
    if end[0] == 1.0:
        for i in range(3):
            out[0, i], out[0, 3 + i], out[1 + i, 3 + i] = end[6 + i], x[i], 1.0
        return
    so, co, su, cu = math.sin(x[0]), math.cos(x[0]), math.sin(x[1]), math.cos(x[1])
    si, ci = math.sin(end[2]), math.cos(end[2])
    outward = (co * cu - so * su * ci, so * cu + co * su * ci, su * si)
    onward = (-co * su - so * cu * ci, -so * su + co * cu * ci, cu * si)
    sg, cg = math.sin(end[3]), math.cos(end[3])
    r, v = end[1], x[2]
    for i in range(3):
        for j in range(3):
            turn = axes[j, i]
            ahead = sg * outward[j] + cg * onward[j]
            out[0, i] += turn * r * outward[j]
            out[0, 3 + i] += turn * v * ahead
            out[2, i] += turn * r * onward[j]
            out[2, 3 + i] += turn * v * (sg * onward[j] - cg * outward[j])
            out[3, 3 + i] += turn * ahead
    px, py, pz = axes[2, 0], axes[2, 1], axes[2, 2]
    for k in range(0, 6, 3):
        a, b, c = out[0, k], out[0, k + 1], out[0, k + 2]
        out[1, k], out[1, k + 1], out[1, k + 2] = py * c - pz * b, pz * a - px * c, px * b - py * a


@njit(**_OPTIONS)
def _moon(since: float, numbers: Floats, places: Floats, out: Floats) -> None:
    """Place and velocity of the Moon from the Earth."""
    here = located(since, numbers[0], numbers[1], places)
    before = located(since - _NUDGE_S, numbers[0], numbers[1], places)
    after = located(since + _NUDGE_S, numbers[0], numbers[1], places)
    out[0], out[1], out[2] = here[0], here[1], here[2]
    out[3] = (after[0] - before[0]) / (2.0 * _NUDGE_S)
    out[4] = (after[1] - before[1]) / (2.0 * _NUDGE_S)
    out[5] = (after[2] - before[2]) / (2.0 * _NUDGE_S)


@njit(**_OPTIONS)
def _shot(
    start: Floats,
    blocks: int,
    since: float,
    lasting: float,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    out: Floats,
) -> bool:
    """Fly a state, and its variations, for a time; the end is seen from the Moon, reversed if flown back."""
    state, clock = np.zeros((4, blocks, 4)), np.zeros(6)
    for b in range(blocks):
        for i in range(3):
            state[0, b, i], state[1, b, i] = start[b, i], start[b, 3 + i]
    clock[2], clock[3] = lasting, since
    ending, _ = advance(
        clock, state, _MOST_STEPS, control, numbers, options, places, table, np.empty((0, 2)), np.empty((0, 8, 6))
    )
    if ending != 1:
        return False
    moon = np.empty(6)
    _moon(since + lasting, numbers, places, moon)
    sign = 1.0 if lasting >= 0.0 else -1.0
    for b in range(blocks):
        for i in range(3):
            out[b, i], out[b, 3 + i] = state[0, b, i], sign * state[1, b, i]
    for i in range(3):
        out[0, i] -= moon[i]
        out[0, 3 + i] -= sign * moon[3 + i]
    return True


@njit(**_OPTIONS)
def _miss(s: Floats, lead: float, aim: Floats, gm: float, pole: Floats, crossing: Floats, out: Floats) -> int:
    """How far an arrival is off its aim: B.T, B.R [km] and time [s]."""
    if not crossed(s[0], s[1], s[2], s[3], s[4], s[5], gm, pole[0], pole[1], pole[2], crossing):
        return _CAPTURED
    b_t, b_r, reached = aim[4], aim[5], True
    if aim[0] == 0.0:
        b_t, b_r, reached = aimed(aim[1], aim[2], aim[3], crossing[9], crossing[4], gm)
    out[0], out[1] = 1e-3 * (crossing[0] - b_t), 1e-3 * (crossing[1] - b_r)
    out[2] = crossing[2] - lead
    return _CONVERGED if reached else _TILTED


@njit(**_OPTIONS)
def _slopes(ends: Floats, lead: float, aim: Floats, gm: float, pole: Floats, out: Floats) -> bool:
    """Derivatives of the miss by the controls, from the variations of the arrival."""
    ahead, behind, crossing, s = np.empty(3), np.empty(3), np.empty(10), np.empty(6)
    r = math.sqrt(ends[0, 0] ** 2 + ends[0, 1] ** 2 + ends[0, 2] ** 2)
    v = math.sqrt(ends[0, 3] ** 2 + ends[0, 4] ** 2 + ends[0, 5] ** 2)
    for j in range(3):
        d = ends[1 + j]
        far = math.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2) / r
        fast = math.sqrt(d[3] ** 2 + d[4] ** 2 + d[5] ** 2) / v
        step = 1e-5 / (far + fast)
        for i in range(6):
            s[i] = ends[0, i] + step * d[i]
        if _miss(s, lead, aim, gm, pole, crossing, ahead) == _CAPTURED:
            return False
        for i in range(6):
            s[i] = ends[0, i] - step * d[i]
        if _miss(s, lead, aim, gm, pole, crossing, behind) == _CAPTURED:
            return False
        for i in range(3):
            out[i, j] = (ahead[i] - behind[i]) / (2.0 * step)
    return True


@njit(**_OPTIONS)
def _inverted(m: Floats, out: Floats) -> bool:
    """Inverse of a 3 by 3 matrix."""
    for i in range(3):
        a, b = (i + 1) % 3, (i + 2) % 3
        for j in range(3):
            c, d = (j + 1) % 3, (j + 2) % 3
            out[j, i] = m[a, c] * m[b, d] - m[a, d] * m[b, c]
    size = m[0, 0] * out[0, 0] + m[0, 1] * out[1, 0] + m[0, 2] * out[2, 0]
    if size == 0.0 or not math.isfinite(size):
        return False
    out /= size
    return True


@njit(**_OPTIONS)
def _stepped(x: Floats, back: Floats, miss: Floats, kind: float) -> None:
    """A Newton step on the controls, held within limits."""
    share = 1.0
    step = np.empty(3)
    for i in range(3):
        step[i] = -(back[i, 0] * miss[0] + back[i, 1] * miss[1] + back[i, 2] * miss[2])
        limit = _LIMIT_FREE_M_S if kind == 1.0 else (_LIMIT_M_S if i == 2 else _LIMIT_RAD)
        share = min(share, limit / (abs(step[i]) + 1e-300))
    for i in range(3):
        x[i] += share * step[i]


@njit(**_OPTIONS)
def _approach(
    x: Floats,
    end: Floats,
    aim: Floats,
    since: float,
    lasting: float,
    lead: float,
    near: float,
    axes: Floats,
    pole: Floats,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    back: Floats,
    found: Floats,
) -> int:
    """Newton on the crossing predicted some time before the passage, until it is off by less than `near` [km]."""
    start, ends = np.empty((4, 6)), np.empty((4, 6))
    miss, slopes, crossing = np.empty(3), np.empty((3, 3)), np.empty(10)
    kept, last, best = x.copy(), np.zeros(3), math.inf
    sign = 1.0 if lasting > 0.0 else -1.0
    code = _ASTRAY
    for _ in range(_MOST_TURNS):
        left(x, end, axes, start)
        found[_FLIGHTS] += 1.0
        if not _shot(start, 4, since, lasting - sign * lead, control, numbers, options, places, table, ends):
            return _BROKEN
        code = _miss(ends[0], lead, aim, numbers[2], pole, crossing, miss)
        size = max(abs(miss[0]), abs(miss[1]), abs(miss[2])) if code != _CAPTURED else math.inf
        if not size < 4.0 * best + 1e4 or not _slopes(ends, lead, aim, numbers[2], pole, slopes):
            for i in range(3):
                last[i] = 0.35 * (x[i] - kept[i])
                x[i] = kept[i] + last[i]
            continue
        if not _inverted(slopes, back):
            return _ASTRAY
        best = min(best, size)
        kept[:] = x
        _stepped(x, back, miss, end[0])
        if size < near:
            return _CONVERGED
    return _ASTRAY if code == _CONVERGED else code


@njit(**_OPTIONS)
def _trimmed(
    x: Floats,
    end: Floats,
    aim: Floats,
    since: float,
    lasting: float,
    axes: Floats,
    pole: Floats,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    back: Floats,
    found: Floats,
) -> int:
    """Chord steps on the true passage, with the derivatives of the last approach."""
    start, ends = np.empty((4, 6)), np.empty((4, 6))
    miss, crossing = np.empty(3), np.empty(10)
    for _ in range(_MOST_TRIMS):
        left(x, end, axes, start)
        found[_FLIGHTS] += 1.0
        if not _shot(start, 1, since, lasting, control, numbers, options, places, table, ends):
            return _BROKEN
        code = _miss(ends[0], 0.0, aim, numbers[2], pole, crossing, miss)
        if code == _CAPTURED:
            return code
        if max(abs(miss[0]), abs(miss[1])) < 1e-3 * _TIGHT_M and abs(miss[2]) < _TIGHT_S:
            return code
        _stepped(x, back, miss, end[0])
    return _LOOSE


@njit(**_OPTIONS)
def _verified(
    x: Floats,
    end: Floats,
    since: float,
    lasting: float,
    axes: Floats,
    pole: Floats,
    control: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    found: Floats,
) -> int:
    """Fly the controls on to the perilune itself, and note what is found there."""
    start, ends, crossing = np.empty((4, 6)), np.empty((4, 6)), np.empty(10)
    left(x, end, axes, start)
    sign = 1.0 if lasting > 0.0 else -1.0
    late = 0.0
    for _ in range(3):
        found[_FLIGHTS] += 1.0
        if not _shot(start, 1, since, lasting + sign * late, control, numbers, options, places, table, ends):
            return _BROKEN
        s = ends[0]
        if not crossed(s[0], s[1], s[2], s[3], s[4], s[5], numbers[2], pole[0], pole[1], pole[2], crossing):
            return _CAPTURED
        if abs(crossing[2]) < 1e-2:
            break
        late += crossing[2]
    for i in range(3):
        found[i], found[3 + i] = ends[0, i], sign * ends[0, 3 + i]
        found[14 + i], found[17 + i] = start[0, i], start[0, 3 + i]
    found[6] = math.sqrt(ends[0, 0] ** 2 + ends[0, 1] ** 2 + ends[0, 2] ** 2)
    found[7] = sign * (late + crossing[2])
    found[8], found[9], found[10] = crossing[4], crossing[0], crossing[1]
    found[11], found[12] = sign * crossing[8], crossing[9]
    return _CONVERGED


@njit(**_OPTIONS)
def _cell(
    x: Floats,
    end: Floats,
    aim: Floats,
    since: float,
    lasting: float,
    pole: Floats,
    axes: Floats,
    leads: Floats,
    controls: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    plain: Floats,
    found: Floats,
) -> int:
    """Find one flight; where chords do not settle, Newton goes nearer to the passage."""
    back, moon = np.zeros((3, 3)), np.empty(6)
    if end[5] == 0.0:
        _moon(since + lasting, numbers, places, moon)
        code = guessed(moon, end, lasting, axes, numbers[3], x)
        if code != _CONVERGED:
            return code
    code = _LOOSE
    for j in range(len(leads) + 1):
        lead = leads[j] if j < len(leads) else _LAST_LEAD_S
        code = _approach(
            x, end, aim, since, lasting, lead, _NEAR_KM[min(j, 1)], axes, pole, controls[min(j, 1)], numbers,
            options, places, table, back, found,
        )  # fmt: skip
        if code != _CONVERGED:
            return code
        if j >= len(leads) - 1:
            code = _trimmed(
                x, end, aim, since, lasting, axes, pole, controls[2], numbers, options, places, plain, back, found
            )
            if code != _LOOSE:
                break
    if code != _CONVERGED:
        return code if code != _LOOSE else _ASTRAY
    return _verified(x, end, since, lasting, axes, pole, controls[3], numbers, options, places, plain, found)


@njit(**_OPTIONS)
def solve(
    x: Floats,
    ends: Floats,
    aims: Floats,
    since: Floats,
    lasting: Floats,
    poles: Floats,
    axes: Floats,
    leads: Floats,
    controls: Floats,
    numbers: Floats,
    options: Whole,
    places: Floats,
    table: Floats,
    plain: Floats,
    found: Floats,
    outcomes: Whole,
) -> None:
    """Find the flights between the Earth and given passages of the Moon, one after the other.

    Parameters
    ----------
    x : ndarray, shape (n, 3)
        Gets the controls: node and argument [rad] and speed [m/s], or the velocity [m/s]; read too where `END`
        says that a guess is given.
    ends : ndarray, shape (n, 6 or 9)
        Numbers of `END`, followed by the place for kind 1.
    aims : ndarray, shape (n, 6)
        Numbers of `AIM`.
    since, lasting : ndarray, shape (n,)
        Instant of the Earth end from the reference of the places, and time from there to perilune, negative for a
        flight that comes from the Moon [s].
    poles : ndarray, shape (n, 3)
        Pole of the Moon that inclination and B.T refer to.
    axes : ndarray, shape (3, 3)
        From J2000 to the axes that node and inclination of the Earth end refer to.
    leads : ndarray, shape (k,)
        How long before perilune the crossings are predicted, one after the other [s].
    controls : ndarray, shape (4, 5)
        As for `moonpost.flight.stepkernels.advance`: for the first approach, later ones, trimming, the check.
    numbers, options, places, table : ndarray
        The environment, with the Earth as centre, without impacts; harmonics packed with gradient.
    plain : ndarray
        Harmonics packed without gradient.
    found : ndarray, shape (n, 20)
        Gets the numbers of `FOUND`.
    outcomes : ndarray of int64, shape (n,)
        Gets places in `OUTCOMES`.

    Notes
    -----
    A flight back is solved as the flight forward of the reversed motion: B.T, B.R and the asymptote found are
    those of the reversed hyperbola, the inclination and the states are those of the flight itself.
    """
    for k in range(len(x)):
        found[k] = np.nan
        found[k, _FLIGHTS] = 0.0
        outcomes[k] = _cell(
            x[k], ends[k], aims[k], since[k], lasting[k], poles[k], axes, leads, controls, numbers, options,
            places, table, plain, found[k],
        )  # fmt: skip
