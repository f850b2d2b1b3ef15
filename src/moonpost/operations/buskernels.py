"""Flows of a bus and its store over a stretch in which supply and loads are linear in time."""

from __future__ import annotations

import math

from numba import njit

__all__ = ["crossing", "leaves", "leaving", "rises", "stored_at", "stored_reaches"]


@njit(cache=True, nogil=True, inline="always")
def rises(value: float, slope: float, small: float) -> bool:
    """Whether a value is above zero now, or about to be.

    Parameters
    ----------
    value, slope : float
        It and its change.
    small : float
        What counts as zero.

    Returns
    -------
    bool

    Examples
    --------
    >>> rises(0.0, 1.0, 1e-9), rises(0.0, 0.0, 1e-9)
    (True, False)
    """
    return value > small or (value >= -small and slope > 0.0)


@njit(cache=True, nogil=True, inline="always")
def crossing(value: float, slope: float) -> float:
    """When a linear value reaches zero from its side.

    Parameters
    ----------
    value, slope : float
        It now, and its change.

    Returns
    -------
    float
        Time from now, infinite if never.

    Examples
    --------
    >>> crossing(2.0, -1.0), crossing(2.0, 1.0)
    (2.0, inf)
    """
    if (value > 0.0 and slope < 0.0) or (value < 0.0 and slope > 0.0):
        return -value / slope
    return math.inf


@njit(cache=True, nogil=True)
def leaves(z: float) -> tuple[float, float]:
    """The functions (1 - exp -z) / z and (exp -z - 1 + z) / z^2, without cancellation.

    Parameters
    ----------
    z : float
        0 or more.

    Returns
    -------
    tuple of two float

    Examples
    --------
    >>> leaves(0.0)
    (1.0, 0.5)
    """
    if z < 0.02:
        first = 1.0 - z / 2.0 * (1.0 - z / 3.0 * (1.0 - z / 4.0 * (1.0 - z / 5.0 * (1.0 - z / 6.0))))
        second = 0.5 - z / 6.0 * (1.0 - z / 4.0 * (1.0 - z / 5.0 * (1.0 - z / 6.0 * (1.0 - z / 7.0))))
        return first, second
    first = -math.expm1(-z) / z
    return first, (1.0 - first) / z


@njit(cache=True, nogil=True)
def leaving(held: float, inflow: float, inflow_s: float, leak: float, span: float) -> float:
    """What a store loses by itself over a stretch, computed apart from what it holds at its end.

    Parameters
    ----------
    held : float
        Energy held at the start [J].
    inflow, inflow_s : float
        Into the store at the start [W], and its change [W/s].
    leak : float
        Part lost per second [1/s].
    span : float
        Length [s].

    Returns
    -------
    float
        [J]

    Examples
    --------
    >>> leaving(1.0, 0.0, 0.0, 0.0, 100.0)
    0.0
    """
    if leak == 0.0:
        return 0.0
    z = leak * span
    first, second = leaves(z)
    if z < 0.02:
        third = 1.0 / 6.0 - z / 24.0 * (1.0 - z / 5.0 * (1.0 - z / 6.0 * (1.0 - z / 7.0)))
    else:
        third = (0.5 - second) / z
    return z * (held * first + inflow * span * second + inflow_s * span * span * third)


@njit(cache=True, nogil=True)
def stored_at(held: float, inflow: float, inflow_s: float, leak: float, span: float) -> float:
    """What a store holds after a stretch.

    Parameters
    ----------
    held, inflow, inflow_s, leak, span : float
        As in `leaving`.

    Returns
    -------
    float
        [J]

    Examples
    --------
    >>> stored_at(1.0, 2.0, 4.0, 0.0, 3.0)
    25.0
    """
    if leak == 0.0:
        return held + span * (inflow + 0.5 * inflow_s * span)
    first, second = leaves(leak * span)
    return held * math.exp(-leak * span) + span * (inflow * first + inflow_s * span * second)


@njit(cache=True, nogil=True)
def _turn_s(held: float, inflow: float, inflow_s: float, leak: float, most: float) -> float:
    """When inflow and leak are equal, which they are once before a time [s]."""
    early, late = 0.0, most
    rate = inflow - leak * held
    for _ in range(200):
        middle = 0.5 * (early + late)
        value = inflow + inflow_s * middle - leak * stored_at(held, inflow, inflow_s, leak, middle)
        if value * rate > 0.0:
            early = middle
        else:
            late = middle
        if late - early < 1e-6:
            break
    return late


@njit(cache=True, nogil=True)
def _level_s(
    held: float, inflow: float, inflow_s: float, leak: float, level: float, up: float, most: float
) -> float:
    """When a store that moves to one side reaches a level, which it does before a time [s]."""
    early, late = 0.0, most
    at = 0.5 * most
    for _ in range(200):
        value = stored_at(held, inflow, inflow_s, leak, at)
        if (value - level) * up >= 0.0:
            late = at
        else:
            early = at
        slope = inflow + inflow_s * at - leak * value
        step = (level - value) / slope if slope != 0.0 else math.inf
        at = at + step
        if not early < at < late:
            at = 0.5 * (early + late)
            step = late - early
        if abs(step) <= 1e-12 * late or late - early <= 1e-12 * late:
            break
    return at


@njit(cache=True, nogil=True)
def stored_reaches(
    held: float, inflow: float, inflow_s: float, leak: float, low: float, high: float, most: float
) -> tuple[float, int]:
    """When a store first reaches one of two levels, or turns.

    Parameters
    ----------
    held, inflow, inflow_s, leak : float
        As in `leaving`.
    low, high : float
        Levels below and above what it holds [J].
    most : float
        How far to look [s].

    Returns
    -------
    when : float
        Time from now, at most `most` [s].
    what : int
        -1 for the low level, 1 for the high one, 0 if neither is reached by then.

    Notes
    -----
    Between turns (where inflow and leak are equal) what it holds is monotone, so that a bracketed Newton search
    finds the crossing; without leak the quadratic has it in closed form.

    Examples
    --------
    >>> stored_reaches(10.0, -2.0, 0.0, 0.0, 0.0, 20.0, 100.0)
    (5.0, -1)
    """
    final = stored_at(held, inflow, inflow_s, leak, most)
    if (inflow - leak * held) * (inflow + inflow_s * most - leak * final) < 0.0:
        most = _turn_s(held, inflow, inflow_s, leak, most)
        final = stored_at(held, inflow, inflow_s, leak, most)
    if held < high <= final:
        level, what = high, 1
    elif held > low >= final:
        level, what = low, -1
    else:
        return most, 0
    if leak > 0.0:
        return _level_s(held, inflow, inflow_s, leak, level, float(what), most), what
    gap = level - held
    root = math.sqrt(max(inflow * inflow + 2.0 * inflow_s * gap, 0.0))
    below = inflow + math.copysign(root, float(what))
    return (min(2.0 * gap / below, most) if below != 0.0 else most), what
