"""Boxes of machines within a bus: their inputs, steps and sums of heat."""

from __future__ import annotations

from typing import Any

from numba import njit

from moonpost.operations.boxkernels import WEIGHT_1, WEIGHT_2, WEIGHT_3, box_flow_k_s, box_polynomial_k, box_step
from moonpost.operations.stationkernels import (
    ASKED, AWAKE, BLOCKED, CAPACITY, CHARGE_MAX, CHARGE_MIN, CLOSED, COLD, CONVERTER, COUNT, ELECTRIC, GROUND,
    HEAT_DARK, HEAT_LIGHT, HEATER, HEATER_OFF, HEATER_ON, HEATER_W, HEATING, HOT, LIGHT_MODE, OPERATE_MAX,
    OPERATE_MIN, RADIATES, RADIATOR, SURVIVE_MAX, SURVIVE_MIN, WAKE_K, WORKING,
)  # fmt: skip

__all__: list[str] = []

_TINY_S = 1e-6
B_START, B_K0, B_K1, B_K2, B_K3, B_LENGTH, B_TRY, B_LIVE = range(8)
_RADIATE, _GROUND_K, _ELEC, _HEAT, _SUN, _RHU, _MODE = 8, 9, 11, 13, 15, 17, 19
B_COLUMNS = 21


@njit(cache=True, nogil=True)
def box_targets(e: int, par: Any, st: Any, k: float) -> tuple[float, float]:
    """The nearest temperatures below and above at which something happens."""
    inside = min(2.0, 0.25 * (par[e, OPERATE_MAX] - par[e, OPERATE_MIN]))
    low, high = par[e, SURVIVE_MIN], par[e, SURVIVE_MAX]
    lows = (
        par[e, OPERATE_MIN] if st[e, COLD] == 0.0 else 0.0,
        par[e, OPERATE_MAX] - inside if st[e, HOT] > 0.0 else 0.0,
        par[e, HEATER_ON] if st[e, HEATER] == 0.0 else 0.0,
        par[e, CHARGE_MIN] if st[e, BLOCKED] == 0.0 else 0.0,
        par[e, CHARGE_MAX] - 1.0 if st[e, BLOCKED] > 0.0 else 0.0,
    )
    highs = (
        par[e, OPERATE_MAX] if st[e, HOT] == 0.0 else 1e9,
        par[e, OPERATE_MIN] + inside if st[e, COLD] > 0.0 else 1e9,
        par[e, HEATER_OFF] if st[e, HEATER] > 0.0 else 1e9,
        par[e, CHARGE_MAX] if st[e, BLOCKED] == 0.0 else 1e9,
        par[e, CHARGE_MIN] + 1.0 if st[e, BLOCKED] > 0.0 else 1e9,
        par[e, WAKE_K] if st[e, AWAKE] == 0.0 and par[e, WAKE_K] > 0.0 else 1e9,
    )
    for value in lows:
        if low < value < k - 1e-7:
            low = value
    for value in highs:
        if k + 1e-7 < value < high:
            high = value
    return low, high


@njit(cache=True, nogil=True)
def box_solve(box: Any, capacity: float, conductance: float, step: float) -> tuple[float, float, float, float]:
    heat = box[_ELEC] + box[_HEAT] + box[_SUN] + box[_RHU] + box[_MODE]
    heat_s = box[_ELEC + 1] + box[_HEAT + 1] + box[_SUN + 1] + box[_RHU + 1] + box[_MODE + 1]
    return box_step(
        box[B_K0], step, capacity, box[_RADIATE], conductance, heat, heat_s, box[_GROUND_K], box[_GROUND_K + 1]
    )


@njit(cache=True, nogil=True)
def box_begin(
    box: Any, new: Any, e: int, time: float, k: float, most: float, error_k: float, par: Any, st: Any
) -> None:
    """Start a step of a box: as long as its error allows, to the first temperature at which something happens."""
    box[_RADIATE:] = new[_RADIATE:]
    box[B_START], box[B_K0], box[B_LIVE] = time, k, 1.0
    capacity, conductance = par[e, CAPACITY], par[e, GROUND]
    step = min(most, box[B_TRY])
    for _ in range(60):
        k1, k2, k3, error = box_solve(box, capacity, conductance, step)
        if error <= error_k:
            break
        step *= max(0.1, 0.9 * (error_k / error) ** 0.25) if error < 1e300 else 0.1
    whole = error < error_k * 0.5 and step >= box[B_TRY]
    box[B_TRY] = (
        max(step * min(4.0, 0.9 * (error_k / max(error, 1e-30)) ** 0.25), 1.0) if whole else max(step, 1.0)
    )
    low, high = box_targets(e, par, st, k)
    lowest, highest = min(k1, min(k2, k3)), max(k1, max(k2, k3))
    if lowest <= low or highest >= high:
        early, late = 0.0, 1.0
        if k1 <= low or k1 >= high:
            late = 0.15505102572168217
        elif k2 <= low or k2 >= high:
            late = 0.6449489742783178
        target = 0.0
        value = box_polynomial_k(late, k, k1, k2, k3)
        target = low if value <= low + 1e-9 else high
        down = target == low
        for _ in range(30):
            middle = 0.5 * (early + late)
            value = box_polynomial_k(middle, k, k1, k2, k3)
            if (value <= target) == down:
                late = middle
            else:
                early = middle
        whole_step, part = step, late
        step = whole_step * part
        for _ in range(8):
            k1, k2, k3, error = box_solve(box, capacity, conductance, step)
            end_heat = box[_ELEC] + box[_HEAT] + box[_SUN] + box[_RHU] + box[_MODE]
            end_heat += step * (box[_ELEC + 1] + box[_HEAT + 1] + box[_SUN + 1] + box[_RHU + 1] + box[_MODE + 1])
            ground = box[_GROUND_K] + step * box[_GROUND_K + 1]
            rate = box_flow_k_s(k3, capacity, box[_RADIATE], conductance, end_heat, ground)
            if abs(k3 - target) < 1e-9 or rate == 0.0:
                break
            step = min(max(step - (k3 - target) / rate, 0.0), whole_step)
    box[B_K1], box[B_K2], box[B_K3], box[B_LENGTH] = k1, k2, k3, step


@njit(cache=True, nogil=True)
def box_finish(box: Any, heat: Any, e: int, time: float, par: Any) -> float:
    """End a step of a box, here or at its end, and add its heat flows [J]."""
    capacity, conductance = par[e, CAPACITY], par[e, GROUND]
    step = box[B_LENGTH]
    if time < box[B_START] + step - _TINY_S:
        step = max(time - box[B_START], 0.0)
        box[B_K1], box[B_K2], box[B_K3], _ = box_solve(box, capacity, conductance, step)
    for j, column in enumerate((_ELEC, _HEAT, _SUN, _RHU, _MODE)):
        heat[j] += step * (box[column] + 0.5 * step * box[column + 1])
    g, gs = box[_GROUND_K], box[_GROUND_K + 1]
    mean_ground = g + 0.5 * step * gs
    mean_k = WEIGHT_1 * box[B_K1] + WEIGHT_2 * box[B_K2] + WEIGHT_3 * box[B_K3]
    heat[5] += step * conductance * (mean_ground - mean_k)
    mean_k4 = WEIGHT_1 * box[B_K1] ** 4 + WEIGHT_2 * box[B_K2] ** 4 + WEIGHT_3 * box[B_K3] ** 4
    heat[6] += step * box[_RADIATE] * mean_k4
    box[B_LIVE] = 0.0
    return float(box[B_K3])


@njit(cache=True, nogil=True)
def box_inputs(
    e: int, new: Any, k: int, since: float, seg: Any, slope: Any, chan: Any, ground_chan: int, share: float,
    share_s: float, par: Any, st: Any,
) -> None:  # fmt: skip
    """Heat flows into a box now, each with its change."""
    new[_RADIATE] = par[e, RADIATOR] * st[e, RADIATES] * (1.0 if st[e, WORKING] > 0.0 else par[e, CLOSED])
    new[_GROUND_K] = new[_GROUND_K + 1] = 0.0
    if ground_chan >= 0:
        new[_GROUND_K] = seg[k, ground_chan] + slope[k, ground_chan] * since
        new[_GROUND_K + 1] = slope[k, ground_chan]
    heater = st[e, HEATING] * par[e, HEATER_W]
    electric = par[e, ELECTRIC] * max(st[e, ASKED] * par[e, CONVERTER] / par[e, COUNT] - heater, 0.0)
    new[_ELEC], new[_ELEC + 1] = electric * share, electric * share_s
    new[_HEAT], new[_HEAT + 1] = heater * share, heater * share_s
    for column, c in ((_SUN, chan[e, 2]), (_RHU, chan[e, 3])):
        new[column] = new[column + 1] = 0.0
        if c >= 0:
            new[column] = seg[k, c] + slope[k, c] * since
            new[column + 1] = slope[k, c]
    new[_MODE] = par[e, HEAT_LIGHT] if st[e, LIGHT_MODE] > 0.0 else par[e, HEAT_DARK]
    new[_MODE + 1] = 0.0


@njit(cache=True, nogil=True, inline="always")
def box_same(box: Any, new: Any, since: float) -> bool:
    if box[_RADIATE] != new[_RADIATE]:
        return False
    for column in (_GROUND_K, _ELEC, _HEAT, _SUN, _RHU, _MODE):
        here = box[column] + since * box[column + 1]
        if abs(here - new[column]) > 1e-9 * (1.0 + abs(here)) or box[column + 1] != new[column + 1]:
            return False
    return True
