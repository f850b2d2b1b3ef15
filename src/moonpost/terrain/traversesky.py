"""Compiled light and power of a traverse: discs over horizons on demand, and what waiting and driving take.

Nothing here allocates, so the functions are compiled without numba's reference counting, which would cost a
hundred times more than what they do.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from moonpost.terrain.lightkernels import _area_over_line

__all__ = [
    "SECOND",
    "TINY",
    "Rules",
    "Sky",
    "disc",
    "disc_share",
    "drive",
    "earth_height_deg",
    "is_open",
    "mean_light",
    "wait",
]

Floats = NDArray[np.float64]
Angles = NDArray[np.int16]
Bytes = NDArray[np.uint8]
Whole = NDArray[np.int64]

SHARES = 250.0
TINY = 1e-9
SECOND = 1e-6


class Sky(NamedTuple):
    """Light and Earth over the cells of an area at the instants that bound the steps of time.

    Parameters
    ----------
    horizon, earth_horizon : ndarray of int16, shape (cells, kept)
        Horizons of the array and of the antenna at the azimuths that the body visits [0.01 deg].
    slot, earth_slot : ndarray of int64, shape (azimuths,)
        Where in them an azimuth of the map lies, -1 for nowhere.
    axes : ndarray of float32, shape (cells, 9)
        Unit vectors of each cell to the right of the map, to its top, and up, in MOON_ME.
    sun, earth : ndarray, shape (instants, 3)
        Unit vectors to the Sun and to the Earth (or a station).
    sun_radius_deg : ndarray, shape (instants,)
        Angular radius of the Sun [deg].
    sunshine : ndarray, shape (instants,)
        Irradiance over that at 1 au.
    allowed : ndarray of bool, shape (instants - 1,)
        Whether the rover may drive at all in a step: hours of work, and the place of the station.
    sun_seen : ndarray of uint8, shape (cells, instants)
        Memory of what was worked out: 0 nothing yet, else 1 + 250 times the disc fraction.
    known : ndarray of uint8, shape (cells, instants)
        Memory of whether a cell is open in a step: 0 not known yet, 1 no, 2 yes; for one set of limits.
    """

    horizon: Angles
    earth_horizon: Angles
    slot: Whole
    earth_slot: Whole
    axes: NDArray[np.float32]
    sun: Floats
    earth: Floats
    sun_radius_deg: Floats
    sunshine: Floats
    allowed: NDArray[np.bool_]
    sun_seen: Bytes
    known: Bytes


class Rules(NamedTuple):
    """Numbers that bind the rover in time.

    Parameters
    ----------
    step_s : float
        Length of a step [s].
    least_disc : float
        Least disc fraction when driving.
    least_earth_deg : float
        Least elevation of the Earth over the horizon when driving [deg]; minus infinity for no matter.
    dark_disc : float
        Disc fraction below which it is dark.
    longest_dark_s : float
        Longest darkness allowed [s].
    array_w, idle_w, sleep_w : float
        Powers of the rover [W].
    battery_wh, least_wh : float
        Energy of the full battery and the least allowed [Wh].
    sleeps : bool
        Whether the rover sleeps when the Sun gives less than it takes to stay awake.
    shade_counts : bool
        Whether the cost of a label is the shade on its way [h] rather than the energy of its legs [Wh].
    by_cost : bool
        Whether the cost decides; else the time of arrival.
    charge_slack_wh : float
        Charges that differ by less count as equal when labels are compared [Wh].
    """

    step_s: float
    least_disc: float
    least_earth_deg: float
    dark_disc: float
    longest_dark_s: float
    array_w: float
    idle_w: float
    sleep_w: float
    battery_wh: float
    least_wh: float
    sleeps: bool
    shade_counts: bool
    by_cost: bool
    charge_slack_wh: float


@njit(cache=True, nogil=True, _nrt=False)
def _place(axes: NDArray[np.float32], cell: int, body: Floats) -> tuple[float, float]:
    """Azimuth on the map [0 to 1 turn] and elevation [deg] of a direction at a cell."""
    x = axes[cell, 0] * body[0] + axes[cell, 1] * body[1] + axes[cell, 2] * body[2]
    y = axes[cell, 3] * body[0] + axes[cell, 4] * body[1] + axes[cell, 5] * body[2]
    z = axes[cell, 6] * body[0] + axes[cell, 7] * body[1] + axes[cell, 8] * body[2]
    return (math.atan2(x, y) / (2.0 * math.pi)) % 1.0, math.degrees(math.atan2(z, math.hypot(x, y)))


@njit(cache=True, nogil=True, _nrt=False)
def _kept(horizon: Angles, slot: Whole, cell: int, k: int) -> float:
    """Horizon at an azimuth of the map [deg]."""
    return 0.01 * horizon[cell, slot[k % slot.size]]


@njit(cache=True, nogil=True, _nrt=False)
def disc_share(
    horizon: Angles, slot: Whole, axes: NDArray[np.float32], cell: int, sun: Floats, radius: float
) -> float:
    """Share of the Sun's disc above the horizon of a cell.

    Parameters
    ----------
    horizon, slot, axes
        As in `Sky`.
    cell : int
        The cell.
    sun : ndarray, shape (3,)
        Unit vector to the Sun.
    radius : float
        Its angular radius [deg].

    Returns
    -------
    float
        0 to 1, as `moonpost.terrain.illumination` has it.
    """
    turn, elevation = _place(axes, cell, sun)
    n = slot.size
    stretch = radius / max(math.cos(math.radians(elevation)), 1e-3) * n / 360.0
    centre = turn * n
    first, last = math.floor(centre - stretch), math.ceil(centre + stretch)
    top, bottom = -1e9, 1e9
    for k in range(first, last + 1):
        height = _kept(horizon, slot, cell, k)
        top, bottom = max(top, height), min(bottom, height)
    if elevation - radius >= top:
        return 1.0
    if elevation + radius <= bottom:
        return 0.0
    area = 0.0
    for k in range(first, last):
        x0, x1 = max((k - centre) / stretch, -1.0), min((k + 1 - centre) / stretch, 1.0)
        if x1 > x0:
            left, right = _kept(horizon, slot, cell, k), _kept(horizon, slot, cell, k + 1)
            slope = (right - left) * stretch / radius
            y0 = (left - elevation) / radius + slope * (x0 - (k - centre) / stretch)
            area += _area_over_line(x0, x1, y0, slope)
    return min(max(area / math.pi, 0.0), 1.0)


@njit(cache=True, nogil=True, _nrt=False)
def earth_height_deg(horizon: Angles, slot: Whole, axes: NDArray[np.float32], cell: int, earth: Floats) -> float:
    """Elevation of the Earth's centre over the horizon of a cell.

    Parameters
    ----------
    horizon, slot, axes, cell
        As for `disc_share`.
    earth : ndarray, shape (3,)
        Unit vector to the Earth.

    Returns
    -------
    float
        Elevation over the horizon [deg].
    """
    turn, elevation = _place(axes, cell, earth)
    k = math.floor(turn * slot.size)
    f = turn * slot.size - k
    return elevation - _kept(horizon, slot, cell, k) * (1.0 - f) - _kept(horizon, slot, cell, k + 1) * f


@njit(cache=True, nogil=True, _nrt=False)
def disc(sky: Sky, cell: int, k: int) -> float:
    """Disc fraction at a cell and an instant, from memory where it was asked before.

    Parameters
    ----------
    sky : Sky
        Light and Earth; its memory is filled.
    cell, k : int
        The cell and the instant.

    Returns
    -------
    float
        0 to 1 in steps of 1/250.
    """
    if sky.sun_seen[cell, k] == 0:
        share = disc_share(sky.horizon, sky.slot, sky.axes, cell, sky.sun[k], sky.sun_radius_deg[k])
        sky.sun_seen[cell, k] = 1 + int(SHARES * share + 0.5)
    return (sky.sun_seen[cell, k] - 1) / SHARES


@njit(cache=True, nogil=True, _nrt=False)
def mean_light(sky: Sky, instants: Whole, out: NDArray[np.float32]) -> None:
    """Mean disc fraction of all cells.

    Parameters
    ----------
    sky : Sky
        Light and Earth.
    instants : ndarray of int64, shape (n,)
        Numbers of the instants.
    out : ndarray of float32, shape (cells,)
        Filled with 0 to 1.
    """
    for cell in range(out.size):
        total = 0.0
        for k in instants:
            total += disc(sky, cell, k)
        out[cell] = total / instants.size


@njit(cache=True, nogil=True, _nrt=False)
def _holds(sky: Sky, rules: Rules, cell: int, k: int) -> bool:
    """Whether the limits on light and on the Earth hold at a cell and an instant."""
    if rules.least_disc > 0.0 and disc(sky, cell, k) < rules.least_disc:
        return False
    if rules.least_earth_deg == -np.inf:
        return True
    height = earth_height_deg(sky.earth_horizon, sky.earth_slot, sky.axes, cell, sky.earth[k])
    return height >= rules.least_earth_deg


@njit(cache=True, nogil=True, _nrt=False)
def is_open(sky: Sky, rules: Rules, cell: int, k: int) -> bool:
    """Whether the rover may drive over a cell in a step of time.

    Parameters
    ----------
    sky : Sky
        Light and Earth.
    rules : Rules
        Limits.
    cell, k : int
        The cell and the step.

    Returns
    -------
    bool
        True if the limits hold at both ends of the step.
    """
    if sky.known[cell, k] == 0:
        good = sky.allowed[k] and _holds(sky, rules, cell, k) and _holds(sky, rules, cell, k + 1)
        sky.known[cell, k] = 2 if good else 1
    return sky.known[cell, k] == 2


@njit(cache=True, nogil=True, _nrt=False)
def _spend(
    sky: Sky, rules: Rules, k: int, lit: float, load_w: float, span_s: float, charge: float, dark: float
) -> tuple[float, float]:
    """Charge and length of darkness after part of a step; a charge of -1 is the end."""
    sun_w = rules.array_w * lit * 0.5 * (sky.sunshine[k] + sky.sunshine[k + 1])
    charge = min(charge + (sun_w - load_w) * span_s / 3600.0, rules.battery_wh)
    if rules.longest_dark_s < np.inf:
        dark = dark + span_s if lit < rules.dark_disc else 0.0
    if charge < rules.least_wh - TINY or dark > rules.longest_dark_s + SECOND:
        return -1.0, dark
    return charge, dark


@njit(cache=True, nogil=True, _nrt=False)
def wait(
    sky: Sky, rules: Rules, cell: int, start: float, stop: float, charge: float, dark: float, cost: float
) -> tuple[float, float, float]:
    """Charge, length of darkness and cost after waiting in place.

    Parameters
    ----------
    sky : Sky
        Light and Earth.
    rules : Rules
        Limits and powers.
    cell : int
        The cell.
    start, stop : float
        From when to when [s].
    charge : float
        Charge before [Wh].
    dark : float
        Length of darkness before [s].
    cost : float
        Cost before.

    Returns
    -------
    tuple of float
        Charge [Wh], -1 if a limit was broken; darkness [s]; cost.
    """
    t = start
    while t < stop - SECOND:
        k = int((t + SECOND) / rules.step_s)
        span = min(stop, (k + 1) * rules.step_s) - t
        lit = 0.5 * (disc(sky, cell, k) + disc(sky, cell, k + 1))
        load = rules.idle_w
        if rules.sleeps and rules.array_w * lit * 0.5 * (sky.sunshine[k] + sky.sunshine[k + 1]) < rules.idle_w:
            load = rules.sleep_w
        charge, dark = _spend(sky, rules, k, lit, load, span, charge, dark)
        if charge < 0.0:
            return charge, dark, cost
        if rules.shade_counts:
            cost += (1.0 - lit) * span / 3600.0
        t += span
    return charge, dark, cost


@njit(cache=True, nogil=True, _nrt=False)
def drive(
    sky: Sky,
    rules: Rules,
    cells: tuple[int, int],
    start: float,
    span_s: float,
    energy_wh: float,
    charge: float,
    dark: float,
    cost: float,
) -> tuple[float, float, float]:
    """Charge, length of darkness and cost after driving from one cell to another.

    Parameters
    ----------
    sky : Sky
        Light and Earth.
    rules : Rules
        Limits and powers.
    cells : tuple of int
        The two cells.
    start, span_s : float
        When the leg begins and how long it takes [s].
    energy_wh : float
        Energy of the leg [Wh].
    charge, dark, cost : float
        Charge [Wh], length of darkness [s] and cost before.

    Returns
    -------
    tuple of float
        As `wait` gives them.
    """
    t, stop = start, start + span_s
    load = energy_wh * 3600.0 / span_s
    if not rules.shade_counts:
        cost += energy_wh
    while t < stop - SECOND:
        k = int((t + SECOND) / rules.step_s)
        span = min(stop, (k + 1) * rules.step_s) - t
        lit = 0.25 * (
            disc(sky, cells[0], k)
            + disc(sky, cells[0], k + 1)
            + disc(sky, cells[1], k)
            + disc(sky, cells[1], k + 1)
        )
        charge, dark = _spend(sky, rules, k, lit, load, span, charge, dark)
        if charge < 0.0:
            return charge, dark, cost
        if rules.shade_counts:
            cost += (1.0 - lit) * span / 3600.0
        t += span
    return charge, dark, cost
