"""Kernels of a campaign with drawn luck: missions in the order of time, elements, and power against time.

Causes are coded as kind times 1000 plus subject: kinds in the order of `moonpost.campaign.riskbasis.CAUSES`,
subjects are missions, or launchers for kinds 2 to 4. Luck comes as uniform numbers: for each mission rows 0 (date)
and 1 (dust of its landing), then for each attempt four rows: delay, launch, arrival, stand-down.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["fly", "power_at", "triangular", "work"]

PLAN, SLIP, LAUNCHER, STAND_DOWN, PACE, LAUNCH, ARRIVAL, PERFORMANCE = range(8)
_KIND = 1000
_PENDING, _ARRIVED, _FAILED, _LACKING = 0, 1, 2, 3


@njit(cache=True, nogil=True)
def triangular(low: float, likely: float, high: float, u: float) -> float:
    """Quantile of a triangular law; its low end where it has no width."""
    if high <= low:
        return low
    part = (likely - low) / (high - low)
    if u < part:
        return low + np.sqrt(u * (high - low) * (likely - low))
    return high - np.sqrt((1.0 - u) * (high - low) * (high - likely))


@njit(cache=True, nogil=True)
def _delay(mean: float, u: float) -> float:
    """Exponential delay of a mean."""
    return -mean * np.log1p(-u) if mean > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _outlook(needs: Any, state: Any, arrival: Any) -> Any:
    """What holds a mission, and which: something lacking, a failure, something to come, or the last to arrive."""
    latest, waits = -1, False
    for j in needs:
        if j == -2:
            return _LACKING, -1
        if j >= 0 and state[j] == _FAILED:
            return _FAILED, j
        if j >= 0 and state[j] == _PENDING:
            waits = True
        elif j >= 0 and (latest < 0 or arrival[j] > arrival[latest]):
            latest = j
    return (_PENDING if waits else _ARRIVED), latest


@njit(cache=True, nogil=True)
def _give_up(needs: Any, state: Any, arrival: Any, root: Any, failed_at: Any) -> None:
    """Give up all missions that require what failed or what the plan lacks."""
    again = True
    while again:
        again = False
        for i in range(state.size):
            if state[i] != _PENDING:
                continue
            holds, j = _outlook(needs[i], state, arrival)
            if holds == _FAILED:
                state[i], root[i], failed_at[i], again = _FAILED, root[j], failed_at[j], True
            elif holds == _LACKING:
                state[i], root[i], failed_at[i], again = _FAILED, PLAN * _KIND + i, -np.inf, True


@njit(cache=True, nogil=True)
def _next(state: Any, own: Any, why: Any, needs: Any, arrival: Any, root: Any, launcher: Any, free: Any) -> Any:
    """The mission that can fly first, of equals the one ready first; when, and what decides on it; -1 if none."""
    best, best_day, best_cause = -1, np.inf, -1
    for i in range(state.size):
        if state[i] != _PENDING:
            continue
        holds, j = _outlook(needs[i], state, arrival)
        if holds == _PENDING:
            continue
        day, cause = own[i], why[i]
        if j >= 0 and arrival[j] > day:
            day, cause = arrival[j], root[j]
        if free[launcher[i], 0] > day:
            day, cause = free[launcher[i], 0], int(free[launcher[i], 1])
        if day < best_day or (day == best_day and own[i] < own[best]):
            best, best_day, best_cause = i, day, cause
    return best, best_day, best_cause


@njit(cache=True, nogil=True)
def _launched(one: int, day: float, days: Any, works: bool, u: float, free: Any) -> None:
    """Hold a launcher until it can fly again: by its pace, or after a failure."""
    until = day + (days[one, 3] if works else _delay(days[one, 2], u))
    if until > free[one, 0]:
        free[one, 0], free[one, 1] = until, (PACE if works else STAND_DOWN) * _KIND + one


@njit(cache=True, nogil=True)
def _begin(
    k: int, dates: Any, slip: Any, begins: Any, luck: Any, run: Any, own: Any, why: Any, state: Any
) -> None:
    """Set a run to its start: what has flown, what never does, and on which days the others are ready."""
    arrival, in_orbit, failed_at, root = run
    for i in range(begins.size):
        state[i] = begins[i]
        arrival[i], in_orbit[i], failed_at[i], root[i] = np.inf, np.inf, np.inf, PLAN * _KIND + i
        own[i] = dates[i, 0] + dates[i, 1] * luck[i, 0, k] + _delay(slip[i], luck[i, 2, k])
        why[i] = SLIP * _KIND + i
        if begins[i] == _ARRIVED:
            arrival[i] = in_orbit[i] = dates[i, 0] + dates[i, 2]
        elif begins[i] == _FAILED:
            failed_at[i] = -np.inf


@njit(cache=True, nogil=True)
def fly(
    dates: Any,
    slip: Any,
    begins: Any,
    launcher: Any,
    land: Any,
    orbit: Any,
    needs: Any,
    launcher_days: Any,
    luck: Any,
    luck_launcher: Any,
    chance_launch: Any,
    chance_arrival: Any,
    reflights: int,
    reflight_days: float,
    arrival: Any,
    in_orbit: Any,
    root: Any,
    failed_at: Any,
    launches: Any,
) -> None:
    """Fly the missions of many runs.

    `dates` holds first day, span, shortest and longest way of each mission. Gives days of arrival and of reaching
    orbit (infinity if never), the cause that decides on them, the day of the failure, and the number of launches.
    """
    missions, launchers = begins.size, launcher_days.shape[0]
    state, attempt = np.empty(missions, dtype=np.int64), np.empty(missions, dtype=np.int64)
    own, why = np.empty(missions), np.empty(missions, dtype=np.int64)
    free = np.empty((launchers, 2))
    for k in range(luck.shape[2]):
        run = (arrival[k], in_orbit[k], failed_at[k], root[k])
        _begin(k, dates, slip, begins, luck, run, own, why, state)
        attempt[:] = 0
        for one in range(launchers):
            free[one, 0] = launcher_days[one, 0] + _delay(launcher_days[one, 1], luck_launcher[one, k])
            free[one, 1] = LAUNCHER * _KIND + one
        while True:
            _give_up(needs, state, arrival[k], root[k], failed_at[k])
            i, day, cause = _next(state, own, why, needs, arrival[k], root[k], launcher, free)
            if i < 0:
                break
            launches[k, i] += 1
            one, row = launcher[i], 2 + 4 * attempt[i]
            works = luck[i, row + 1, k] < chance_launch[one, k]
            _launched(one, day, launcher_days, works, luck[i, row + 3, k], free)
            there = day + dates[i, 2] + (dates[i, 3] - dates[i, 2]) * luck[i, 0, k]
            lands = chance_arrival[land[i], k]
            if works and luck[i, row + 2, k] < max(lands, chance_arrival[orbit[i], k]):
                in_orbit[k, i] = min(in_orbit[k, i], there)
            if works and luck[i, row + 2, k] < lands:
                state[i], arrival[k, i], root[k, i] = _ARRIVED, there, cause
                continue
            root[k, i] = (ARRIVAL if works else LAUNCH) * _KIND + i
            if attempt[i] < reflights:
                attempt[i] += 1
                own[i] = day + reflight_days + _delay(slip[i], luck[i, row + 4, k])
                why[i] = root[k, i]
            else:
                state[i], failed_at[k, i] = _FAILED, day


@njit(cache=True, nogil=True)
def _fits(e: int, i: int, k: int, room: Any, mass: Any, luck_mass: Any, carrier: Any) -> bool:
    """Whether a piece of cargo still fits on its mission; without the lander itself nothing does."""
    needed = triangular(mass[e, 0], mass[e, 1], mass[e, 2], luck_mass[e, k])
    if needed <= room[i]:
        room[i] -= needed
        return True
    if carrier[e]:
        room[i] = -1.0
    return False


@njit(cache=True, nogil=True)
def _wait(needs: Any, own: int, ready: Any, cause: Any, lost_at: Any, day: float) -> Any:
    """When all that an element needs works; of several failures the earliest decides, else what comes last."""
    why, lost = cause[own], lost_at[own]
    for f in needs:
        if f == -2:
            return np.inf, PLAN * _KIND, -np.inf
        if f < 0:
            continue
        if ready[f] == np.inf and (day < np.inf or lost_at[f] < lost):
            day, why, lost = np.inf, cause[f], lost_at[f]
        elif ready[f] < np.inf and ready[f] > day:
            day, why, lost = ready[f], cause[f], lost_at[f]
    return day, why, lost


@njit(cache=True, nogil=True)
def work(
    arrival: Any,
    in_orbit: Any,
    root: Any,
    failed_at: Any,
    launches: Any,
    mission: Any,
    orbiting: Any,
    carrier: Any,
    needs: Any,
    keep: Any,
    mass: Any,
    pause: Any,
    capacity: Any,
    launcher: Any,
    land: Any,
    luck: Any,
    luck_mass: Any,
    luck_way: Any,
    chance_launch: Any,
    chance_arrival: Any,
    reflights: int,
    reflight_days: float,
    left: Any,
    ready: Any,
    cause: Any,
    lost_at: Any,
) -> None:
    """When the elements of many runs work, and what decides on it.

    Cargo that is heavier than its mission can bring stays behind, all of it if the lander itself is; with
    re-flights it comes once more by a flight of its own. Gives the first day of work (infinity if never), the
    cause, and the day of the failure.
    """
    missions, elements = arrival.shape[1], mission.size
    room, comes, row = np.empty(missions), np.empty(elements), 2 + 4 * (reflights + 1)
    for k in range(arrival.shape[0]):
        for i in range(missions):
            room[i] = triangular(capacity[i, 0], capacity[i, 1], capacity[i, 2], luck_way[i, k])
        for e in keep:
            i = mission[e]
            cause[k, e], lost_at[k, e], comes[e] = PLAN * _KIND, -np.inf, np.inf
            if i < 0:
                continue
            cause[k, e], lost_at[k, e] = root[k, i], failed_at[k, i]
            comes[e] = in_orbit[k, i] if orbiting[e] else arrival[k, i]
            if orbiting[e] and comes[e] < arrival[k, i]:
                cause[k, e] = SLIP * _KIND + i
            judged = comes[e] < np.inf and not orbiting[e] and not np.isnan(capacity[i, 0])
            if not judged or _fits(e, i, k, room, mass, luck_mass, carrier):
                continue
            left[k, e], cause[k, e], lost_at[k, e] = True, PERFORMANCE * _KIND + i, comes[e]
            comes[e] = np.inf
            if reflights > 0:
                launches[k, i] += 1
                launched = luck[i, row + 1, k] < chance_launch[launcher[i], k]
                if launched and luck[i, row + 2, k] < chance_arrival[land[i], k]:
                    comes[e] = lost_at[k, e] + reflight_days
        for e in range(elements):
            day, why, lost = _wait(needs[e], e, ready[k], cause[k], lost_at[k], comes[e])
            ready[k, e], cause[k, e], lost_at[k, e] = day + pause[e], why, lost


@njit(cache=True, nogil=True)
def _dusted(begin: float, day: float, arrival: Any, at_station: Any, luck: Any, k: int, mean: float) -> float:
    """Part of an array's output that landings after its first day leave."""
    part = 1.0
    for i in range(at_station.size):
        if at_station[i] and begin < arrival[i] <= day:
            part *= max(1.0 - _delay(mean, luck[i, 1, k]), 0.0)
    return part


@njit(cache=True, nogil=True)
def power_at(
    days: Any,
    ready: Any,
    life: Any,
    element: Any,
    power: Any,
    solar: Any,
    station: Any,
    dust: Any,
    luck_dust: Any,
    loss_per_year: float,
    arrival: Any,
    at_station: Any,
    luck: Any,
    landing_dust: float,
    out: Any,
) -> None:
    """Power on the station's bus in many runs on some days [W]: rated, less dust and ageing of arrays."""
    for k in range(ready.shape[0]):
        for s in range(element.size):
            e = element[s]
            begin = ready[k, e]
            clean = 1.0 - triangular(dust[0], dust[1], dust[2], luck_dust[e, k])
            for d in range(days.size):
                if not station[s] or not begin <= days[d] < begin + life[e]:
                    continue
                output = power[s]
                if solar[s]:
                    output *= clean * (1.0 - loss_per_year) ** ((days[d] - begin) / 365.25)
                    output *= _dusted(begin, days[d], arrival[k], at_station, luck, k, landing_dust)
                out[k, d] += output
