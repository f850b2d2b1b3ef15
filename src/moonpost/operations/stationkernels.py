"""Rules of machines on a bus: agenda, limits, heaters, sleep, modes, supply and the flows of the store."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from moonpost.operations.buskernels import crossing, rises
from moonpost.operations.codes import AGENDA, EVENTS, PARAMETERS, STATES

__all__: list[str] = []

(
    LIGHT_W, DARK_W, CONVERTER, COUNT, PRIORITY, SLEEPS, WAKE_SUN, SLEEP_SUN, WAKE_SUPPLY, SLEEP_SUPPLY,
    WAKE_STORED, SLEEP_STORED, WAKE_K, COMMAND, DARK_SLEEP, BOX, CAPACITY, RADIATOR, CLOSED, GROUND, ELECTRIC,
    HEATER_W, HEATER_ON, HEATER_OFF, SURVIVE_MIN, SURVIVE_MAX, OPERATE_MIN, OPERATE_MAX, INITIAL_K, HEAT_LIGHT,
    HEAT_DARK, USABLE, CHARGE, DISCHARGE, CHARGE_W, DISCHARGE_W, LEAK, FADE_YEAR, FADE_CYCLE, MODULES,
    CHARGE_MIN, CHARGE_MAX, NAMEPLATE, RECORDER, RECORDER_BIT, DOWNLINK, DOWNLINK_W, DATA_LIGHT, DATA_DARK, MARGIN,
) = range(len(PARAMETERS))  # fmt: skip
(
    HERE, LOST, AWAKE, LATCHED, CAN_WAKE, LIT, ARRAY, SOURCE, LOAD, RADIATES, WORKS, STUCK, HEATER, HEATING,
    CONTACT, CONTACT_COUNTS, RECORDS, COLD, HOT, BLOCKED, MODULES_LEFT, RUN_W, RUN_BIT_S, HOLD, BOX_K, HELD_BIT,
    WORKING, ASKED, SHED, FADED, CYCLES, SINCE, REC_FULL, LOSING, SUPPLY, SUPPLY_S, SENDING, SHARE, MADE, SENT,
    DROPPED, LIGHT_MODE, SERVED, SERVED_S, PENDING,
) = range(len(STATES))  # fmt: skip
(
    DO_ARRIVE, DO_LIT, DO_WINDOW, DO_RUN, DO_ARRAY, DO_SOURCE, DO_MODULES, DO_WORKS, DO_STUCK, DO_RADIATES,
    DO_CAN_WAKE, DO_ASLEEP, DO_CONTACT, DO_LOAD, DO_RECORDS, DO_AGE,
) = range(len(AGENDA))  # fmt: skip
(
    E_FULL, E_EMPTY, E_SHED, E_SHED_ENDS, E_ONE_SHED, E_ONE_SHED_ENDS, E_WAKE, E_SLEEP, E_REFUSED, E_HEATER_ON,
    E_HEATER_OFF, E_COLD, E_COLD_ENDS, E_HOT, E_HOT_ENDS, E_LOST, E_REC_FULL, E_REC_EMPTY, E_LOSS, E_LOSS_ENDS,
    E_TANK_FULL, E_TANK_EMPTY, E_RUN_REFUSED, E_RUN_STOPPED, E_BLOCKED, E_ALLOWED,
) = range(len(EVENTS))  # fmt: skip
_SLACK_K = 1e-7
_YEAR_S = 365.25 * 86_400.0


@njit(cache=True, nogil=True)
def start_state(par: Any, st: Any, e: int) -> None:
    """A machine as new, not yet here."""
    st[e, AWAKE] = st[e, CAN_WAKE] = st[e, ARRAY] = st[e, SOURCE] = st[e, LOAD] = st[e, RADIATES] = 1.0
    st[e, WORKS] = st[e, CONTACT_COUNTS] = st[e, RECORDS] = st[e, FADED] = 1.0
    st[e, MODULES_LEFT] = par[e, MODULES]
    st[e, BOX_K] = par[e, INITIAL_K]


@njit(cache=True, nogil=True, inline="always")
def tell(events: Any, count: Any, time: float, code: int, who: int, value: float) -> None:
    events[count[0], 0] = time
    events[count[0], 1] = code
    events[count[0], 2] = who
    events[count[0], 3] = value
    count[0] += 1


@njit(cache=True, nogil=True)
def sum_stores(par: Any, st: Any, pool: Any) -> None:
    """Sum the stores: usable [J], efficiencies, limits [W] by the store that meets its own first, leak [1/s]."""
    usable = filled = emptied = leak = allowed = 0.0
    for e in range(par.shape[0]):
        u = _usable_of(par, st, e)
        usable += u
        filled += u / par[e, CHARGE]
        emptied += u * par[e, DISCHARGE]
        leak += u * par[e, LEAK]
        if st[e, BLOCKED] == 0.0:
            allowed += u
    charge_w = discharge_w = math.inf
    for e in range(par.shape[0]):
        u = _usable_of(par, st, e)
        if u > 0.0:
            part = st[e, MODULES_LEFT] / par[e, MODULES] * usable / u
            discharge_w = min(discharge_w, par[e, DISCHARGE_W] * part)
            if st[e, BLOCKED] == 0.0:
                charge_w = min(charge_w, par[e, CHARGE_W] * part * allowed / usable)
    pool[0] = usable
    pool[1] = usable / filled if usable > 0.0 else 1.0
    pool[2] = emptied / usable if usable > 0.0 else 1.0
    pool[3] = charge_w if allowed > 0.0 or usable == 0.0 else 0.0
    pool[4] = discharge_w
    pool[5] = leak / usable if usable > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _usable_of(par: Any, st: Any, e: int) -> float:
    if st[e, HERE] == 0.0 or st[e, LOST] > 0.0:
        return 0.0
    return par[e, USABLE] * st[e, MODULES_LEFT] / par[e, MODULES] * st[e, FADED]


@njit(cache=True, nogil=True)
def _shrink(par: Any, st: Any, pool: Any, held: Any, e: int, before: float) -> None:
    """Take out of the store what a smaller part of it can no longer hold; ``held``: energy, imported, removed."""
    after = _usable_of(par, st, e)
    if after < before and pool[0] > 0.0:
        gone = held[0] * (before - after) / pool[0]
        held[0] -= gone
        held[2] += gone
    sum_stores(par, st, pool)
    if held[0] > pool[0]:
        held[2] += held[0] - pool[0]
        held[0] = pool[0]


@njit(cache=True, nogil=True)
def age(par: Any, st: Any, pool: Any, held: Any, time: float, drawn: float) -> None:
    """Fade every store by its years and by what has been drawn from the pool since the last time [J]."""
    whole = pool[0]
    for e in range(par.shape[0]):
        if st[e, HERE] == 0.0 or st[e, LOST] > 0.0 or par[e, USABLE] == 0.0:
            continue
        if whole > 0.0:
            st[e, CYCLES] += drawn * _usable_of(par, st, e) / whole / par[e, NAMEPLATE]
        years = max(time - st[e, SINCE], 0.0) / _YEAR_S
        kept = max(1.0 - par[e, FADE_YEAR] * years - par[e, FADE_CYCLE] * st[e, CYCLES], 0.0)
        if kept != st[e, FADED]:
            before = _usable_of(par, st, e)
            st[e, FADED] = kept
            faded = held[0] - (pool[0] - before + _usable_of(par, st, e))
            sum_stores(par, st, pool)
            if faded > 0.0:
                held[0] -= faded
                held[2] += faded


@njit(cache=True, nogil=True)
def do(
    code: int, e: int, value: float, second: float, time: float, par: Any, st: Any, pool: Any, held: Any,
    rules: Any, events: Any, count: Any,
) -> None:  # fmt: skip
    """Do what the agenda asks."""
    if code == DO_LIT:
        for k in range(par.shape[0]):
            if value == 0.0 or st[k, CAN_WAKE] > 0.0:
                st[k, LIT] = value
        rules[0] = value
        return
    if code == DO_ARRIVE:
        st[e, HERE] = 1.0
        st[e, SINCE] = second
        st[e, BOX_K] = par[e, INITIAL_K]
        if par[e, USABLE] > 0.0:
            years = max(time - second, 0.0) / _YEAR_S
            st[e, FADED] = max(1.0 - par[e, FADE_YEAR] * years, 0.0)
            new = _usable_of(par, st, e)
            held[0] += new
            held[1] += new
            sum_stores(par, st, pool)
    elif code == DO_WINDOW:
        st[e, CONTACT] += value
    elif code == DO_RUN:
        st[e, RUN_W] += value
        st[e, RUN_BIT_S] += second
        if value <= 0.0 and second <= 0.0 and abs(st[e, RUN_W]) < 1e-9:
            st[e, RUN_W] = 0.0
        if abs(st[e, RUN_BIT_S]) < 1e-9:
            st[e, RUN_BIT_S] = 0.0
        if value > 0.0 or second > 0.0:
            st[e, PENDING] = 1.0
    elif code == DO_MODULES:
        before = _usable_of(par, st, e)
        st[e, MODULES_LEFT] = min(value, par[e, MODULES])
        _shrink(par, st, pool, held, e, before)
    elif code == DO_ASLEEP:
        st[e, LATCHED] = 1.0 if value > 0.0 else 0.0
        if value == 0.0:
            rules[1 + e] = 1.0
    elif code == DO_CAN_WAKE:
        st[e, CAN_WAKE] = value
        if value > 0.0:
            st[e, LIT] = rules[0]
    elif code == DO_ARRAY:
        st[e, ARRAY] = value
    elif code == DO_SOURCE:
        st[e, SOURCE] = value
    elif code == DO_WORKS:
        st[e, WORKS] = value
    elif code == DO_STUCK:
        st[e, STUCK] = value
    elif code == DO_RADIATES:
        st[e, RADIATES] = value
    elif code == DO_CONTACT:
        st[e, CONTACT_COUNTS] = value
    elif code == DO_LOAD:
        st[e, LOAD] = value
    elif code == DO_RECORDS:
        st[e, RECORDS] = value


@njit(cache=True, nogil=True)
def box_rules(e: int, time: float, par: Any, st: Any, events: Any, count: Any) -> bool:
    """Limits, heater and charging of a box; True if the machine is lost or charging changes."""
    k = st[e, BOX_K]
    if k <= par[e, SURVIVE_MIN] + _SLACK_K or k >= par[e, SURVIVE_MAX] - _SLACK_K:
        return True
    inside = min(2.0, 0.25 * (par[e, OPERATE_MAX] - par[e, OPERATE_MIN]))
    if st[e, COLD] == 0.0 and k <= par[e, OPERATE_MIN] + _SLACK_K:
        st[e, COLD] = 1.0
        tell(events, count, time, E_COLD, e, k)
    elif st[e, COLD] > 0.0 and k >= par[e, OPERATE_MIN] + inside - _SLACK_K:
        st[e, COLD] = 0.0
        tell(events, count, time, E_COLD_ENDS, e, k)
    if st[e, HOT] == 0.0 and k >= par[e, OPERATE_MAX] - _SLACK_K:
        st[e, HOT] = 1.0
        tell(events, count, time, E_HOT, e, k)
    elif st[e, HOT] > 0.0 and k <= par[e, OPERATE_MAX] - inside + _SLACK_K:
        st[e, HOT] = 0.0
        tell(events, count, time, E_HOT_ENDS, e, k)
    if st[e, HEATER] == 0.0 and k <= par[e, HEATER_ON] + _SLACK_K:
        st[e, HEATER] = 1.0
    elif st[e, HEATER] > 0.0 and k >= par[e, HEATER_OFF] - _SLACK_K:
        st[e, HEATER] = 0.0
    on = 1.0 if par[e, HEATER_W] > 0.0 and (st[e, STUCK] > 0.0 or st[e, HEATER] * st[e, WORKS] > 0.0) else 0.0
    if on != st[e, HEATING]:
        st[e, HEATING] = on
        tell(events, count, time, E_HEATER_ON if on > 0.0 else E_HEATER_OFF, e, k)
    return False


@njit(cache=True, nogil=True)
def charge_rules(e: int, time: float, par: Any, st: Any, events: Any, count: Any) -> bool:
    """Whether a store is too cold or too warm to be charged; True if that changes."""
    k, low, high = st[e, BOX_K], par[e, CHARGE_MIN], par[e, CHARGE_MAX]
    if st[e, BLOCKED] == 0.0:
        if k <= low + _SLACK_K or k >= high - _SLACK_K:
            st[e, BLOCKED] = 1.0
            tell(events, count, time, E_BLOCKED, e, k)
            return True
    elif k >= low + 1.0 - _SLACK_K and k <= high - 1.0 + _SLACK_K:
        st[e, BLOCKED] = 0.0
        tell(events, count, time, E_ALLOWED, e, k)
        return True
    return False


@njit(cache=True, nogil=True)
def _must_sleep(
    e: int, par: Any, st: Any, held_j: float, usable_j: float, sun: float, sun_s: float, lit: float
) -> bool:
    if par[e, SLEEP_SUN] > -1e9 and not rises(sun - par[e, SLEEP_SUN], sun_s, 1e-9):
        return True
    level = par[e, SLEEP_SUPPLY]
    if level > -1e9 and not rises(st[e, SUPPLY] - level, st[e, SUPPLY_S], 1e-9 * (1.0 + level)):
        return True
    level = par[e, SLEEP_STORED]
    if level > -1e9 and usable_j > 0.0 and held_j <= level * usable_j * (1.0 + 1e-10):
        return True
    return par[e, DARK_SLEEP] > 0.0 and lit == 0.0


@njit(cache=True, nogil=True)
def _may_wake(e: int, par: Any, st: Any, held_j: float, usable_j: float, sun: float, sun_s: float) -> bool:
    if par[e, WAKE_SUN] > -1e9 and not rises(sun - par[e, WAKE_SUN], sun_s, 1e-9):
        return False
    level = par[e, WAKE_SUPPLY]
    if level > -1e9 and not rises(st[e, SUPPLY] - level, st[e, SUPPLY_S], 1e-9 * (1.0 + level)):
        return False
    level = par[e, WAKE_STORED]
    if level > -1e9 and usable_j > 0.0 and held_j < level * usable_j * (1.0 - 1e-10):
        return False
    return not (par[e, BOX] > 0.0 and par[e, WAKE_K] > 0.0 and st[e, BOX_K] < par[e, WAKE_K] - _SLACK_K)


@njit(cache=True, nogil=True)
def sleep_rules(
    e: int, time: float, par: Any, st: Any, pool: Any, held: Any, rules: Any, sun: float, sun_s: float,
    events: Any, count: Any,
) -> None:  # fmt: skip
    """Put a machine to sleep or wake it, by its rules or by command."""
    in_contact = st[e, CONTACT] > 0.0 and st[e, CONTACT_COUNTS] > 0.0
    if rules[1 + e] > 0.0:
        rules[1 + e] = 0.0
        level = par[e, SLEEP_STORED]
        able = not (st[e, COLD] > 0.0 or st[e, HOT] > 0.0)
        able = able and not (par[e, BOX] > 0.0 and par[e, WAKE_K] > 0.0 and st[e, BOX_K] < par[e, WAKE_K])
        able = able and not (level > -1e9 and pool[0] > 0.0 and held[0] <= level * pool[0])
        if not able:
            tell(events, count, time, E_REFUSED, e, st[e, BOX_K])
        elif par[e, SLEEPS] > 0.0 and st[e, AWAKE] == 0.0:
            st[e, AWAKE] = 1.0
            st[e, HOLD] = time + rules[-1]
            tell(events, count, time, E_WAKE, e, sun)
        elif par[e, SLEEPS] == 0.0:
            st[e, LIT] = rules[0]
    if par[e, SLEEPS] == 0.0:
        return
    if st[e, LATCHED] > 0.0:
        if st[e, AWAKE] > 0.0:
            st[e, AWAKE] = 0.0
            st[e, HOLD] = time + rules[-1]
            tell(events, count, time, E_SLEEP, e, sun)
        return
    if st[e, HOLD] > time + 1e-6:
        return
    must = _must_sleep(e, par, st, held[0], pool[0], sun, sun_s, rules[0])
    if st[e, AWAKE] > 0.0:
        if must:
            st[e, AWAKE] = 0.0
            st[e, HOLD] = time + rules[-1]
            tell(events, count, time, E_SLEEP, e, sun)
    elif (
        not must
        and st[e, CAN_WAKE] > 0.0
        and (par[e, COMMAND] == 0.0 or in_contact)
        and _may_wake(e, par, st, held[0], pool[0], sun, sun_s)
    ):
        st[e, AWAKE] = 1.0
        st[e, HOLD] = time + rules[-1]
        tell(events, count, time, E_WAKE, e, sun)


@njit(cache=True, nogil=True)
def settle_mode(e: int, time: float, par: Any, st: Any, events: Any, count: Any) -> None:
    """Which mode runs and what is asked for."""
    up = st[e, AWAKE] > 0.0 if par[e, SLEEPS] > 0.0 else st[e, LATCHED] == 0.0
    working = 1.0 if up and st[e, COLD] == 0.0 and st[e, HOT] == 0.0 else 0.0
    if st[e, PENDING] > 0.0:
        st[e, PENDING] = 0.0
        if working == 0.0:
            tell(events, count, time, E_RUN_REFUSED, e, st[e, RUN_W])
    elif working == 0.0 and st[e, WORKING] > 0.0 and (st[e, RUN_W] > 0.0 or st[e, RUN_BIT_S] > 0.0):
        tell(events, count, time, E_RUN_STOPPED, e, st[e, RUN_W])
    st[e, WORKING] = working
    light = working > 0.0 and (par[e, SLEEPS] > 0.0 or st[e, LIT] > 0.0)
    st[e, LIGHT_MODE] = 1.0 if light else 0.0
    asked = st[e, LOAD] * (par[e, LIGHT_W] if light else par[e, DARK_W])
    asked += st[e, HEATING] * par[e, HEATER_W] * par[e, COUNT] / par[e, CONVERTER]
    sends = 0.0
    if par[e, RECORDER] > 0.0 and working > 0.0 and st[e, RECORDS] > 0.0 and par[e, DOWNLINK] > 0.0:
        makes = (par[e, DATA_LIGHT] if light else par[e, DATA_DARK]) + st[e, RUN_BIT_S]
        if st[e, CONTACT] > 0.0 and st[e, CONTACT_COUNTS] > 0.0 and (st[e, HELD_BIT] > 0.0 or makes > 0.0):
            sends = 1.0
            asked += par[e, DOWNLINK_W]
    st[e, SENDING] = sends
    if working > 0.0:
        asked += st[e, RUN_W]
    st[e, ASKED] = asked


@njit(cache=True, nogil=True)
def supply(seg: Any, slope: Any, k: int, since: float, chan: Any, par: Any, st: Any) -> tuple[float, float]:
    """Supply of every machine now and its change; the sum of both."""
    total = total_s = 0.0
    for e in range(par.shape[0]):
        value = change = 0.0
        if st[e, HERE] > 0.0 and st[e, LOST] == 0.0:
            c = chan[e, 0]
            if c >= 0 and st[e, ARRAY] > 0.0:
                value += st[e, ARRAY] * (seg[k, c] + slope[k, c] * since)
                change += st[e, ARRAY] * slope[k, c]
            c = chan[e, 1]
            if c >= 0 and st[e, SOURCE] > 0.0:
                value += st[e, SOURCE] * (seg[k, c] + slope[k, c] * since)
                change += st[e, SOURCE] * slope[k, c]
        st[e, SUPPLY] = value
        st[e, SUPPLY_S] = change
        total += value
        total_s += change
    return total, total_s


@njit(cache=True, nogil=True)
def lose(e: int, time: float, par: Any, st: Any, pool: Any, held: Any, events: Any, count: Any) -> None:
    """A machine is lost: nothing of it gives, draws, holds or makes anything any more."""
    before = _usable_of(par, st, e)
    tell(events, count, time, E_LOST, e, st[e, BOX_K])
    if st[e, RUN_W] > 0.0 or st[e, RUN_BIT_S] > 0.0:
        tell(events, count, time, E_RUN_STOPPED, e, st[e, RUN_W])
    st[e, LOST] = 1.0
    st[e, WORKING] = st[e, AWAKE] = st[e, ASKED] = st[e, HEATING] = st[e, SENDING] = st[e, LIGHT_MODE] = 0.0
    st[e, SUPPLY] = st[e, SUPPLY_S] = 0.0
    _shrink(par, st, pool, held, e, before)


@njit(cache=True, nogil=True)
def flows(net: float, net_s: float, most: float, held_j: float, pool: Any, small: float, flow: Any) -> float:
    """What the store takes and gives, linear until the time returned; ``flow``: charged, given, spilled, shed,
    each now and its change, then 1 where the store is held full."""
    flow[:] = 0.0
    usable, charge, charge_w, discharge_w, leak = pool[0], pool[1], pool[3], pool[4], pool[5]
    if rises(net, net_s, small) or (abs(net) <= small and net_s == 0.0):
        until = min(most, crossing(net, net_s) if net > small else math.inf)
        keep = leak * usable / charge
        if held_j >= usable and keep <= charge_w and not (net < keep and not rises(net - keep, net_s, small)):
            flow[0], flow[4], flow[5], flow[8] = keep, net - keep, net_s, 1.0
            return min(until, crossing(net - keep, net_s) if net - keep > small else math.inf)
        if rises(net - charge_w, net_s, small):
            flow[0], flow[4], flow[5] = charge_w, net - charge_w, net_s
            return min(until, crossing(net - charge_w, net_s) if net - charge_w > small else math.inf)
        flow[0], flow[1] = max(net, 0.0), net_s
        if net_s > 0.0 and charge_w - net > small:
            until = min(until, crossing(net - charge_w, net_s))
        if net_s > 0.0 and held_j >= usable and keep - net > small:
            until = min(until, crossing(net - keep, net_s))
        return until
    until = min(most, crossing(net, net_s) if net < -small else math.inf)
    if held_j <= 0.0:
        flow[6], flow[7] = -net, -net_s
        return until
    if rises(-net - discharge_w, -net_s, small):
        flow[2], flow[6], flow[7] = discharge_w, -net - discharge_w, -net_s
        return min(until, crossing(-net - discharge_w, -net_s) if -net - discharge_w > small else math.inf)
    flow[2], flow[3] = -net, -net_s
    if net_s < 0.0 and discharge_w + net > small:
        until = min(until, crossing(net + discharge_w, net_s))
    return until
