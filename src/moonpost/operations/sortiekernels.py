"""One machine that waits, goes into shadow, stays, comes back and charges: its store and its box through time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from moonpost.operations.boxkernels import box_step

__all__ = ["COLUMNS", "advance", "trips", "wait"]

Floats = npt.NDArray[np.float64]

COLUMNS = (
    "start_wh", "lowest_wh", "return_wh", "lowest_later_wh", "lowest_k", "highest_k", "lowest_later_k", "used_wh",
    "heater_wh", "charged_s", "unserved_wh",
)  # fmt: skip
"""What `trips` tells of each trip."""

# Numbers of a machine, in this order.
(CAPACITY, RADIATOR, GROUND, BASE_W, SUNLIT, HEATER_W, ON_K, OFF_K, ELECTRIC, USABLE, CHARGE, DISCHARGE, BUS,
 CHARGE_W, CHARGE_MIN_K, CHARGE_MAX_K, CLOSED) = range(17)  # fmt: skip


@njit(cache=True, nogil=True)
def advance(
    machine: Floats,
    state: Floats,
    step_s: float,
    load_w: float,
    supply_w: float,
    ground_k: float,
    sunlight_w_m2: float,
    asleep: bool,
) -> None:
    """Move a machine on by one step; its state is changed in place.

    Parameters
    ----------
    machine : ndarray, shape (17,)
        Its numbers, in the order of this module.
    state : ndarray, shape (7,)
        Stored [Wh], box [K], heater on (1 or 0), and sums: electric energy used, of the heater, not served, all
        [Wh], and heat lost or made by rounding [J].
    step_s : float
        Step [s].
    load_w, supply_w : float
        Drawn by the machine without its heater, and output of its sources [W].
    ground_k : float
        Ground [K].
    sunlight_w_m2 : float
        On its sunlit side [W/m2].
    asleep : bool
        Whether its radiator is closed.

    Examples
    --------
    >>> machine = np.zeros(17)
    >>> machine[[0, 9, 10, 11, 12, 13, 15, 16]] = 1e4, 1000.0, 1.0, 1.0, 1.0, 1e9, 1e9, 1.0
    >>> state = np.array([500.0, 290.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    >>> advance(machine, state, 3600.0, 100.0, 0.0, 290.0, 0.0, False)
    >>> float(state[0])
    400.0
    """
    if machine[HEATER_W] > 0.0:
        if state[1] < machine[ON_K]:
            state[2] = 1.0
        elif state[1] > machine[OFF_K]:
            state[2] = 0.0
    heater = machine[HEATER_W] * state[2]
    hours = step_s / 3600.0
    wanted = (load_w + heater) / machine[BUS]
    net = supply_w - wanted
    share = 1.0
    if net >= 0.0:
        room = (machine[USABLE] - state[0]) / hours
        into = min(net, machine[CHARGE_W]) * machine[CHARGE]
        if state[1] < machine[CHARGE_MIN_K] or state[1] > machine[CHARGE_MAX_K]:
            into = 0.0
        state[0] += min(into, room) * hours
    else:
        out = -net / machine[DISCHARGE]
        given = min(out, state[0] / hours)
        state[0] -= given * hours
        if out > 0.0:
            missing = (out - given) * machine[DISCHARGE]
            share = max(0.0, 1.0 - missing / wanted) if wanted > 0.0 else 1.0
    served, heated = load_w * share, heater * share
    state[3] += (served + heated) * hours
    state[4] += heated * hours
    state[5] += (load_w + heater) * (1.0 - share) * hours
    heat = machine[BASE_W] + machine[ELECTRIC] * served + heated + machine[SUNLIT] * sunlight_w_m2
    radiator = machine[RADIATOR] * (machine[CLOSED] if asleep else 1.0)
    _, _, state[1], _ = box_step(
        state[1], step_s, machine[CAPACITY], radiator, machine[GROUND], heat, 0.0, ground_k, 0.0
    )


@njit(cache=True, nogil=True)
def _index(at_s: float, step_s: float, count: int) -> int:
    return min(int(at_s / step_s), count - 1)


@njit(cache=True, nogil=True)
def wait(
    machine: Floats,
    first: Floats,
    step_s: float,
    fine_s: float,
    supply_w: Floats,
    ground_k: Floats,
    sunlight_w_m2: Floats,
    loads_w: Floats,
    out: Floats,
) -> None:
    """Follow a machine that stays where it is.

    Parameters
    ----------
    machine : ndarray, shape (17,)
        As in `advance`.
    first : ndarray, shape (7,)
        State at the start.
    step_s, fine_s : float
        Spacing of the series, and longest step [s].
    supply_w, ground_k, sunlight_w_m2 : ndarray, shape (n,)
        Over each step.
    loads_w : ndarray, shape (2,)
        Drawn awake (with sunlight) and asleep [W].
    out : ndarray, shape (n + 1, 3)
        Receives stored energy [Wh], box [K] and heater at the ends of steps.

    Examples
    --------
    >>> machine = np.zeros(17)
    >>> machine[[0, 9, 10, 11, 12, 13, 15, 16]] = 1e4, 1000.0, 1.0, 1.0, 1.0, 1e9, 1e9, 1.0
    >>> out, one = np.zeros((3, 3)), np.ones(2)
    >>> first = np.array([500.0, 290.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    >>> wait(machine, first, 3600.0, 60.0, 20.0 * one, 290.0 * one, 0.0 * one, np.array([30.0, 10.0]), out)
    >>> float(round(out[2, 0], 6))
    520.0
    """
    state = first.copy()
    out[0] = state[:3]
    for k in range(len(supply_w)):
        lit = sunlight_w_m2[k] > 0.0
        parts = max(1, math.ceil(step_s / fine_s - 1e-9))
        for _ in range(parts):
            load = loads_w[0] if lit else loads_w[1]
            advance(machine, state, step_s / parts, load, supply_w[k], ground_k[k], sunlight_w_m2[k], not lit)
        out[k + 1] = state[:3]


@njit(cache=True, nogil=True)
def trips(
    machine: Floats,
    begun: Floats,
    starts: npt.NDArray[np.int64],
    stays_s: Floats,
    step_s: float,
    fine_s: float,
    home: Floats,
    away: Floats,
    loads_w: Floats,
    way_s: Floats,
    target: float,
    most_s: float,
    out: Floats,
    trace: Floats,
) -> int:
    """Follow a machine through trips that begin at several times and stay for several lengths.

    Parameters
    ----------
    machine : ndarray, shape (17,)
        As in `advance`.
    begun : ndarray, shape (n + 1, 3)
        State of the waiting machine, as from `wait`.
    starts : ndarray of int, shape (m,)
        Steps at which trips begin.
    stays_s : ndarray, shape (p,)
        Times in shadow [s].
    step_s, fine_s : float
        Spacing of the series, and longest step [s].
    home, away : ndarray, shape (3, n)
        Supply [W], ground [K] and sunlight [W/m2] at the start and at the goal.
    loads_w : ndarray, shape (5,)
        Awake at home, asleep at home, on the way out, at the goal, on the way back [W].
    way_s : ndarray, shape (2,)
        Time out and back [s].
    target : float
        Stored energy at which it counts as charged again [Wh].
    most_s : float
        Charging is followed for this long [s], in steps up to five times as long.
    out : ndarray, shape (m, p, 11)
        Receives `COLUMNS`; NaN for the time of charging if it is not charged within the series.
    trace : ndarray, shape (q, 6)
        Receives seconds from the start, stored [Wh], box [K], load [W], supply [W] and stage of the last trip, one
        row per fine step; of no rows if not wanted.

    Returns
    -------
    int
        Rows of the trace.

    Examples
    --------
    >>> COLUMNS[0]
    'start_wh'
    """
    count, rows = home.shape[1], 0
    nowhere = np.zeros((3, count))
    for i in range(len(starts)):
        for j in range(len(stays_s)):
            state = np.zeros(7)
            state[:3] = begun[starts[i]]
            row = out[i, j]
            row[:] = 0.0
            row[0] = row[1] = state[0]
            row[4] = row[5] = state[1]
            at = origin = starts[i] * step_s
            rows = 0
            for stage in range(3):
                length = stays_s[j] if stage == 1 else way_s[stage // 2]
                if stage == 1:
                    place = away
                else:
                    nowhere[1] = away[1]
                    place = nowhere
                rows, _ = _stage(
                    machine,
                    state,
                    row,
                    at,
                    length,
                    stage,
                    step_s,
                    fine_s,
                    place,
                    loads_w,
                    -1.0,
                    trace,
                    rows,
                    origin,
                )
                at += length
            row[2] = row[3] = state[0]
            row[6] = state[1]
            row[7], row[8], row[10] = state[3], state[4], state[5]
            left = min(count * step_s - at, most_s)
            rows, row[9] = _stage(
                machine, state, row, at, left, 3, step_s, 5.0 * fine_s, home, loads_w, target, trace, rows, origin
            )
    return rows


@njit(cache=True, nogil=True)
def _stage(
    machine: Floats,
    state: Floats,
    row: Floats,
    begin_s: float,
    length_s: float,
    stage: int,
    step_s: float,
    fine_s: float,
    place: Floats,
    loads_w: Floats,
    target: float,
    trace: Floats,
    rows: int,
    origin_s: float,
) -> tuple[int, float]:
    """One stage of a trip; gives the rows of the trace and, at home, when it was charged after its begin."""
    if length_s <= 0.0:
        return rows, math.nan
    parts = max(1, math.ceil(length_s / fine_s - 1e-9))
    fine = length_s / parts
    low, cold = (1, 4) if stage < 3 else (3, 6)
    for part in range(parts):
        k = _index(begin_s + (part + 0.5) * fine, step_s, place.shape[1])
        lit = place[2, k] > 0.0
        load = loads_w[2 + stage] if stage < 3 else loads_w[0] if lit else loads_w[1]
        advance(machine, state, fine, load, place[0, k], place[1, k], place[2, k], stage == 3 and not lit)
        row[low] = min(row[low], state[0])
        row[cold] = min(row[cold], state[1])
        if stage < 3:
            row[5] = max(row[5], state[1])
        if rows < len(trace):
            trace[rows, 0] = begin_s + (part + 1) * fine - origin_s
            trace[rows, 1], trace[rows, 2] = state[0], state[1]
            trace[rows, 3] = load + machine[HEATER_W] * state[2]
            trace[rows, 4], trace[rows, 5] = place[0, k], stage
            rows += 1
        if stage == 3 and state[0] >= target:
            return rows, (part + 1) * fine
    return rows, math.nan
