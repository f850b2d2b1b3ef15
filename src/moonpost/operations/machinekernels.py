"""Boxes of machines within a bus: their inputs, steps and sums of heat."""

from __future__ import annotations

from typing import Any

from numba import njit

from moonpost.operations import codes as c
from moonpost.operations.boxkernels import WEIGHT_1, WEIGHT_2, WEIGHT_3, box_flow_k_s, box_polynomial_k, box_step
from moonpost.operations.stationkernels import inside_k

__all__: list[str] = []


@njit(cache=True, nogil=True)
def box_targets(e: int, par: Any, st: Any, k: float) -> tuple[float, float]:
    """The nearest temperatures below and above at which something happens."""
    inside = inside_k(par, e)
    low, high = par[e, c.SURVIVE_MIN], par[e, c.SURVIVE_MAX]
    lows = (
        par[e, c.OPERATE_MIN] if st[e, c.COLD] == 0.0 else 0.0,
        par[e, c.OPERATE_MAX] - inside if st[e, c.HOT] > 0.0 else 0.0,
        par[e, c.HEATER_ON] if st[e, c.HEATER] == 0.0 else 0.0,
        par[e, c.CHARGE_MIN] if st[e, c.BLOCKED] == 0.0 else 0.0,
        par[e, c.CHARGE_MAX] - 1.0 if st[e, c.BLOCKED] > 0.0 else 0.0,
    )
    highs = (
        par[e, c.OPERATE_MAX] if st[e, c.HOT] == 0.0 else 1e9,
        par[e, c.OPERATE_MIN] + inside if st[e, c.COLD] > 0.0 else 1e9,
        par[e, c.HEATER_OFF] if st[e, c.HEATER] > 0.0 else 1e9,
        par[e, c.CHARGE_MAX] if st[e, c.BLOCKED] == 0.0 else 1e9,
        par[e, c.CHARGE_MIN] + 1.0 if st[e, c.BLOCKED] > 0.0 else 1e9,
        par[e, c.WAKE_K] if st[e, c.AWAKE] == 0.0 and par[e, c.WAKE_K] > 0.0 else 1e9,
    )
    for value in lows:
        if low < value < k - 1e-7:
            low = value
    for value in highs:
        if k + 1e-7 < value < high:
            high = value
    return low, high


@njit(cache=True, nogil=True, inline="always")
def _heat(box: Any) -> tuple[float, float]:
    heat = box[c.B_ELECTRIC] + box[c.B_HEATER] + box[c.B_SUN] + box[c.B_FUEL] + box[c.B_MODE]
    heat_s = box[c.B_ELECTRIC + 1] + box[c.B_HEATER + 1] + box[c.B_SUN + 1] + box[c.B_FUEL + 1]
    return heat, heat_s


@njit(cache=True, nogil=True)
def box_solve(box: Any, capacity: float, conductance: float, step: float) -> tuple[float, float, float, float]:
    """One step of a box."""
    heat, heat_s = _heat(box)
    ground, ground_s = box[c.B_GROUND_K], box[c.B_GROUND_K + 1]
    return box_step(box[c.B_K0], step, capacity, box[c.B_RADIATE], conductance, heat, heat_s, ground, ground_s)


@njit(cache=True, nogil=True)
def _first_s(k: float, k1: float, k2: float, k3: float, low: float, high: float) -> tuple[float, float]:
    """Part of a step at which its temperature first reaches one of two levels, roughly, and which; 2 if none."""
    late = 1.0
    if k1 <= low or k1 >= high:
        late = 0.15505102572168217
    elif k2 <= low or k2 >= high:
        late = 0.6449489742783178
    elif low < k3 < high:
        return 2.0, 0.0
    early = 0.0
    target = low if box_polynomial_k(late, k, k1, k2, k3) <= low else high
    for _ in range(24):
        middle = 0.5 * (early + late)
        value = box_polynomial_k(middle, k, k1, k2, k3)
        if value <= target if target == low else value >= target:
            late = middle
        else:
            early = middle
    return late, target


@njit(cache=True, nogil=True)
def _box_until(box: Any, capacity: float, conductance: float, step: float, part: float, target: float) -> None:
    """Shorten a step so that its end is at a temperature."""
    whole, step = step, step * part
    k1, k2, k3, _ = box_solve(box, capacity, conductance, step)
    heat, heat_s = _heat(box)
    for _ in range(8):
        ground = box[c.B_GROUND_K] + step * box[c.B_GROUND_K + 1]
        rate = box_flow_k_s(k3, capacity, box[c.B_RADIATE], conductance, heat + step * heat_s, ground)
        if abs(k3 - target) < 1e-9 or rate == 0.0:
            break
        step = min(max(step - (k3 - target) / rate, 0.0), whole)
        k1, k2, k3, _ = box_solve(box, capacity, conductance, step)
    box[c.B_K1], box[c.B_K2], box[c.B_K3], box[c.B_LENGTH] = k1, k2, k3, step


@njit(cache=True, nogil=True)
def box_begin(box: Any, fresh: Any, e: int, most: float, par: Any, st: Any, now: Any) -> None:
    """Start a step of a box: as long as its error allows, to the first temperature at which something happens."""
    k = st[e, c.BOX_K]
    box[c.B_RADIATE : c.B_COLUMNS] = fresh[c.B_RADIATE : c.B_COLUMNS]
    box[c.B_START], box[c.B_K0], box[c.B_LIVE] = now[c.N_TIME], k, 1.0
    capacity, conductance = par[e, c.CAPACITY], par[e, c.GROUND]
    tried = box[c.B_TRY]
    step = min(most, tried)
    k1, k2, k3, error = box_solve(box, capacity, conductance, step)
    for _ in range(60):
        if error <= now[c.N_ERROR]:
            break
        step *= max(0.1, 0.9 * (now[c.N_ERROR] / error) ** 0.25)
        k1, k2, k3, error = box_solve(box, capacity, conductance, step)
    grows = min(4.0, 0.9 * (now[c.N_ERROR] / max(error, 1e-30)) ** 0.25)
    if step < tried < most or step >= tried:
        box[c.B_TRY] = max(step * grows, 1.0)
    box[c.B_K1], box[c.B_K2], box[c.B_K3], box[c.B_LENGTH] = k1, k2, k3, step
    low, high = box_targets(e, par, st, k)
    part, target = _first_s(k, k1, k2, k3, low, high)
    if part <= 1.0:
        _box_until(box, capacity, conductance, step, part, target)


@njit(cache=True, nogil=True)
def box_finish(box: Any, e: int, time: float, par: Any) -> float:
    """End a step of a box, here or at its end, and add its heat flows [J]."""
    capacity, conductance = par[e, c.CAPACITY], par[e, c.GROUND]
    step = box[c.B_LENGTH]
    if time < box[c.B_START] + step - c.TINY_S:
        step = max(time - box[c.B_START], 0.0)
        box[c.B_K1], box[c.B_K2], box[c.B_K3], _ = box_solve(box, capacity, conductance, step)
    for j in range(5):
        column = c.B_ELECTRIC + 2 * j
        box[c.B_SUMS + j] += step * (box[column] + 0.5 * step * box[column + 1])
    g, gs = box[c.B_GROUND_K], box[c.B_GROUND_K + 1]
    mean_ground = g + 0.5 * step * gs
    mean_k = WEIGHT_1 * box[c.B_K1] + WEIGHT_2 * box[c.B_K2] + WEIGHT_3 * box[c.B_K3]
    box[c.B_SUMS + 5] += step * conductance * (mean_ground - mean_k)
    mean_k4 = WEIGHT_1 * box[c.B_K1] ** 4 + WEIGHT_2 * box[c.B_K2] ** 4 + WEIGHT_3 * box[c.B_K3] ** 4
    box[c.B_SUMS + 6] += step * box[c.B_RADIATE] * mean_k4
    box[c.B_LIVE] = 0.0
    return float(box[c.B_K3])


@njit(cache=True, nogil=True)
def box_inputs(e: int, fresh: Any, start: Any, slope: Any, par: Any, st: Any, now: Any) -> None:
    """Heat flows into a box now, each with its change."""
    k, since, ground = int(now[c.N_STRETCH]), now[c.N_SINCE], int(now[c.N_GROUND_SERIES])
    row = c.N_SHARE + 2 * int(par[e, c.PRIORITY])
    served, served_s = now[row], now[row + 1]
    fresh[c.B_RADIATE] = par[e, c.RADIATOR] * st[e, c.RADIATES]
    if st[e, c.WORKING] + st[e, c.HOT] == 0.0:
        fresh[c.B_RADIATE] *= par[e, c.CLOSED]
    fresh[c.B_GROUND_K : c.B_COLUMNS] = 0.0
    if ground >= 0:
        fresh[c.B_GROUND_K] = start[k, ground] + slope[k, ground] * since
        fresh[c.B_GROUND_K + 1] = slope[k, ground]
    heater = st[e, c.HEATING] * par[e, c.HEATER_W]
    electric = par[e, c.ELECTRIC] * max(st[e, c.ASKED] * par[e, c.CONVERTER] / par[e, c.COUNT] - heater, 0.0)
    fresh[c.B_ELECTRIC], fresh[c.B_ELECTRIC + 1] = electric * served, electric * served_s
    fresh[c.B_HEATER], fresh[c.B_HEATER + 1] = heater * served, heater * served_s
    for which in range(2):
        series = int(par[e, c.SERIES + 2 + which])
        if series >= 0:
            column = c.B_SUN + 2 * which
            fresh[column] = start[k, series] + slope[k, series] * since
            fresh[column + 1] = slope[k, series]
    fresh[c.B_MODE] = par[e, c.HEAT_LIGHT] if st[e, c.LIGHT_MODE] > 0.0 else par[e, c.HEAT_DARK]


@njit(cache=True, nogil=True)
def box_same(box: Any, fresh: Any, past: float) -> bool:
    """Whether the inputs of a box are still those with which its step began."""
    if box[c.B_RADIATE] != fresh[c.B_RADIATE]:
        return False
    for column in range(c.B_GROUND_K, c.B_COLUMNS - 1, 2):
        here = box[column] + past * box[column + 1]
        if abs(here - fresh[column]) > 1e-9 * (1.0 + abs(here)) or box[column + 1] != fresh[column + 1]:
            return False
    return True


@njit(cache=True, nogil=True)
def box_k_at(box: Any, time: float) -> float:
    """Temperature of a box within its step."""
    past = time - box[c.B_START]
    if past >= box[c.B_LENGTH] - c.TINY_S:
        return float(box[c.B_K3])
    part = max(past / box[c.B_LENGTH], 0.0)
    return float(box_polynomial_k(part, box[c.B_K0], box[c.B_K1], box[c.B_K2], box[c.B_K3]))


@njit(cache=True, nogil=True)
def follow_boxes(boxed: Any, boxes: Any, st: Any, now: Any) -> None:
    """Take the temperatures of boxes to the present."""
    for b in range(boxed.size):
        if boxes[b, c.B_LIVE] > 0.0:
            st[boxed[b], c.BOX_K] = box_k_at(boxes[b], now[c.N_TIME])


@njit(cache=True, nogil=True)
def step_boxes(boxed: Any, boxes: Any, edges: Any, start: Any, slope: Any, par: Any, st: Any, now: Any) -> None:
    """End the steps of boxes whose inputs changed, and begin new ones."""
    time, last = now[c.N_TIME], now[c.N_LAST] > 0.0
    fresh = boxes[boxed.size]
    ahead = max(edges[int(now[c.N_STRETCH]) + 1] - time, c.TINY_S)
    for b in range(boxed.size):
        e, box = boxed[b], boxes[b]
        there = st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0 and not last
        if there:
            box_inputs(e, fresh, start, slope, par, st, now)
        if box[c.B_LIVE] > 0.0:
            ended = time >= box[c.B_START] + box[c.B_LENGTH] - c.TINY_S
            if ended or not there or not box_same(box, fresh, time - box[c.B_START]):
                st[e, c.BOX_K] = box_finish(box, e, time, par)
        if there:
            if box[c.B_LIVE] == 0.0:
                box_begin(box, fresh, e, ahead, par, st, now)
            now[c.N_UNTIL] = min(now[c.N_UNTIL], box[c.B_START] + box[c.B_LENGTH] - time)
