"""One bus with its machines, run from event to event; imported only where it runs, because compiling costs time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from moonpost.operations.boxkernels import box_polynomial_k
from moonpost.operations.buskernels import crossing, leaving, rises, stored_at, stored_reaches
from moonpost.operations.machinekernels import (
    B_COLUMNS, B_K0, B_K1, B_K2, B_K3, B_LENGTH, B_LIVE, B_START, B_TRY, box_begin, box_finish, box_inputs, box_same,
)  # fmt: skip
from moonpost.operations.stationkernels import (
    ASKED, AWAKE, BLOCKED, BOX, BOX_K, CAPACITY, CHARGE_MAX, CHARGE_MIN, CLOSED, COLD, CONVERTER, COUNT, DATA_DARK,
    DATA_LIGHT, DO_AGE, DOWNLINK, DROPPED, E_EMPTY, E_FULL, E_LOSS, E_LOSS_ENDS, E_ONE_SHED, E_ONE_SHED_ENDS,
    E_REC_EMPTY, E_REC_FULL, E_SHED, E_SHED_ENDS, E_TANK_EMPTY, E_TANK_FULL, ELECTRIC, GROUND, HEAT_DARK,
    HEAT_LIGHT, HEATER, HEATER_OFF, HEATER_ON, HEATER_W, HEATING, HELD_BIT, HERE, HOLD, HOT, INITIAL_K, LATCHED, LIGHT_MODE,
    LOSING, LOST, MADE, OPERATE_MAX, OPERATE_MIN, PRIORITY, RADIATES, RADIATOR, REC_FULL, RECORDER, RECORDER_BIT,
    RECORDS, RUN_BIT_S, SENDING, SENT, SERVED, SERVED_S, SHARE, SHED, SLEEP_STORED, SLEEP_SUN, SLEEP_SUPPLY,
    SLEEPS, SUPPLY, SUPPLY_S, SURVIVE_MAX, SURVIVE_MIN, WAKE_K, WAKE_STORED, WAKE_SUN, WAKE_SUPPLY, WORKING,
    age, box_rules, charge_rules, do, flows, lose, settle_mode, sleep_rules, start_state, sum_stores, supply, tell,
)  # fmt: skip
from moonpost.operations.codes import STATES

__all__ = ["run_bus_events"]

_STATES = len(STATES)
_TINY_S = 1e-6


@njit(cache=True, nogil=True)
def _classes(shed: float, shed_s: float, small: float, until: float, loads: Any, share: Any) -> float:
    """Served part of each class of priority and its change; the highest number is shed first."""
    share[:, 0] = 1.0
    share[:, 1] = 0.0
    above = 0.0
    for p in range(9, 0, -1):
        if loads[p] <= 0.0:
            continue
        if not rises(shed - above, shed_s, small):
            break
        whole = shed - above - loads[p]
        if rises(whole, shed_s, small):
            share[p, 0] = 0.0
            if whole > small:
                until = min(until, crossing(whole, shed_s))
        else:
            share[p, 0] = min(max(1.0 - (shed - above) / loads[p], 0.0), 1.0)
            share[p, 1] = -shed_s / loads[p]
            if whole < -small:
                until = min(until, crossing(whole, shed_s))
            if shed - above > small:
                until = min(until, crossing(shed - above, shed_s))
        above += loads[p]
    return until


@njit(cache=True, nogil=True)
def _data_flow(e: int, par: Any, st: Any, served: bool, rates: Any) -> float:
    """Rates of data of a machine (made, sent, lost, change of what is held) and until when they last [s]."""
    rates[:] = 0.0
    if st[e, HERE] == 0.0 or st[e, LOST] > 0.0:
        return math.inf
    makes = par[e, DATA_LIGHT] if st[e, LIGHT_MODE] > 0.0 else par[e, DATA_DARK]
    if st[e, WORKING] > 0.0:
        makes += st[e, RUN_BIT_S]
    if not served:
        makes = 0.0
    rates[0] = makes
    if par[e, RECORDER] == 0.0:
        rates[1] = makes
        return math.inf
    if st[e, RECORDS] == 0.0:
        rates[2] = makes
        return math.inf
    out = par[e, DOWNLINK] if served and st[e, SENDING] > 0.0 else 0.0
    if st[e, HELD_BIT] <= 0.0:
        out = min(out, makes)
    change = makes - out
    if st[e, HELD_BIT] >= par[e, RECORDER_BIT] and change > 0.0:
        rates[2], change = change, 0.0
    rates[1], rates[3] = out, change
    if change > 0.0:
        return float((par[e, RECORDER_BIT] - st[e, HELD_BIT]) / change)
    return float(-st[e, HELD_BIT] / change) if change < 0.0 else math.inf


@njit(cache=True, nogil=True)
def _rule_times(e: int, time: float, until: float, par: Any, st: Any, sun: float, sun_s: float) -> float:
    """When a rule of sleep should next be looked at."""
    if st[e, LATCHED] > 0.0:
        return until
    if st[e, HOLD] > time + _TINY_S:
        until = min(until, st[e, HOLD] - time)
    for column in (WAKE_SUN, SLEEP_SUN):
        if par[e, column] > -1e9 and abs(sun - par[e, column]) > 1e-9:
            until = min(until, crossing(sun - par[e, column], sun_s))
    for column in (WAKE_SUPPLY, SLEEP_SUPPLY):
        level = par[e, column]
        if level > -1e9 and abs(st[e, SUPPLY] - level) > 1e-9 * (1.0 + level):
            until = min(until, crossing(st[e, SUPPLY] - level, st[e, SUPPLY_S]))
    return until


@njit(cache=True, nogil=True)
def _levels(par: Any, st: Any, held: float, usable: float) -> tuple[float, float]:
    """The nearest energies below and above at which something happens."""
    low, high = 0.0, usable
    for e in range(par.shape[0]):
        if par[e, SLEEPS] == 0.0 or st[e, HERE] == 0.0 or st[e, LOST] > 0.0:
            continue
        level = par[e, SLEEP_STORED] * usable
        if st[e, AWAKE] > 0.0 and low < level < held * (1.0 - 1e-10):
            low = level
        level = par[e, WAKE_STORED] * usable
        if st[e, AWAKE] == 0.0 and held * (1.0 + 1e-10) < level < high:
            high = level
    return low, high


@njit(cache=True, nogil=True)
def run_bus_events(
    span: float,
    seg_t: Any,
    seg: Any,
    slope: Any,
    agenda: Any,
    par: Any,
    chan: Any,
    bus: Any,
    tanks: Any,
    sample_t: Any,
    error_k: float,
) -> Any:
    """Run a bus from event to event.

    Parameters
    ----------
    span : float
        Length of the period [s].
    seg_t : ndarray, (m + 1,)
        Ends of the stretches in which everything that drives the bus is linear [s].
    seg, slope : ndarray, (m, c)
        Values at the start of each stretch, and their change per second.
    agenda : ndarray, (k, 5)
        Time [s], code, element, value, second value, in order of time.
    par : ndarray, (e, p)
        What does not change about the elements, columns as in `moonpost.operations.codes.PARAMETERS`.
    chan : ndarray of int, (e, 4)
        Columns of `seg` with output of arrays, of other sources, sunlight on the box and radioisotope heat; -1: none.
    bus : ndarray, (4,)
        Efficiency of the bus, columns of the Sun's elevation and of the ground's temperature, shortest time
        between two changes of sleep [s].
    tanks : ndarray, (q, 5)
        Element, capacity, content on arrival [kg], flow in light and dark modes [kg/s].
    sample_t : ndarray, (n,)
        When to sample [s], rising, from 0 to the span.
    error_k : float
        Estimated error of a box's temperature allowed in a step [K].

    Returns
    -------
    tuple
        Samples of the bus, elements, boxes, recorders and tanks; events; sums of energy, heat, data and mass; 0, or
        1 where events without end came at one instant; number of stretches computed.

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    elements, many, kinds = par.shape[0], sample_t.size, tanks.shape[0]
    st = np.zeros((elements, _STATES))
    for e in range(elements):
        start_state(par, st, e)
    boxed = np.flatnonzero(par[:, BOX] > 0.0)
    boxes = np.zeros((boxed.size, B_COLUMNS))
    boxes[:, B_TRY] = 3600.0
    new = np.zeros(B_COLUMNS)
    heat = np.zeros((boxed.size, 8))
    recorders = np.flatnonzero(par[:, RECORDER] > 0.0)
    talks = np.flatnonzero((par[:, RECORDER] > 0.0) | (par[:, DATA_LIGHT] > 0.0) | (par[:, DATA_DARK] > 0.0))
    if agenda.shape[0] > 0 and (agenda[:, 1] == 3.0).any():
        talks = np.arange(elements)
    data = np.zeros((elements, 4))
    kg = np.zeros(kinds)
    kg_s = np.zeros(kinds)
    mass = np.zeros((kinds, 3))
    bus_out = np.zeros((many, 10))
    element_out = np.zeros((many, elements, 4))
    box_out = np.zeros((many, boxed.size, 2))
    recorder_out = np.zeros((many, recorders.size, 4))
    tank_out = np.zeros((many, kinds))
    cum = np.zeros(8)
    own = np.zeros((elements, 3))
    heated = np.zeros(elements)
    pool = np.zeros(6)
    sum_stores(par, st, pool)
    held = np.zeros(3)
    rules = np.zeros(elements + 2)
    rules[-1] = bus[3]
    flow = np.zeros(9)
    loads = np.zeros(10)
    share = np.ones((10, 2))
    count = np.zeros(1, np.int64)
    events = np.zeros((256 + 32 * elements + 8 * kinds, 4))
    eta, sun_chan, ground_chan = bus[0], int(bus[1]), int(bus[2])
    time, k, a, si, stalled, stretches = 0.0, 0, 0, 0, 0, 0
    shedding = False
    worst = drawn_before = 0.0
    status = 0
    while True:
        if count[0] + 16 * elements + 4 * kinds + 64 > events.shape[0]:
            more = np.zeros((2 * events.shape[0], 4))
            more[: count[0]] = events[: count[0]]
            events = more
        while k < seg_t.size - 2 and seg_t[k + 1] <= time + _TINY_S:
            k += 1
        since = time - seg_t[k]
        for b in range(boxed.size):
            box = boxes[b]
            if box[B_LIVE] > 0.0:
                part = (time - box[B_START]) / box[B_LENGTH] if box[B_LENGTH] > 0.0 else 1.0
                ended = time >= box[B_START] + box[B_LENGTH] - _TINY_S
                st[boxed[b], BOX_K] = (
                    box[B_K3] if ended else box_polynomial_k(part, box[B_K0], box[B_K1], box[B_K2], box[B_K3])
                )
        while a < agenda.shape[0] and agenda[a, 0] <= time + _TINY_S:
            code, e = int(agenda[a, 1]), int(agenda[a, 2])
            if code == DO_AGE:
                age(par, st, pool, held, time, cum[7] - drawn_before)
                drawn_before = cum[7]
            else:
                was = st[e, HERE] if e >= 0 else 1.0
                do(code, e, agenda[a, 3], agenda[a, 4], time, par, st, pool, held, rules, events, count)
                if e >= 0 and was == 0.0 and st[e, HERE] > 0.0:
                    for q in range(kinds):
                        if int(tanks[q, 0]) == e:
                            kg[q] = tanks[q, 2]
                    for b in range(boxed.size):
                        if boxed[b] == e:
                            heat[b, 7] = st[e, BOX_K]
            a += 1
        last = time >= span - _TINY_S
        supplied, supplied_s = supply(seg, slope, k, since, chan, par, st)
        sun = sun_s = 0.0
        if sun_chan >= 0:
            sun, sun_s = seg[k, sun_chan] + slope[k, sun_chan] * since, slope[k, sun_chan]
        gone = False
        for b in range(boxed.size):
            e = boxed[b]
            if st[e, HERE] == 0.0 or st[e, LOST] > 0.0:
                continue
            if box_rules(e, time, par, st, events, count):
                lose(e, time, par, st, pool, held, events, count)
                gone = True
            elif charge_rules(e, time, par, st, events, count):
                sum_stores(par, st, pool)
        if gone:
            supplied, supplied_s = supply(seg, slope, k, since, chan, par, st)
        loads[:] = 0.0
        asked = 0.0
        for e in range(elements):
            if st[e, HERE] == 0.0 or st[e, LOST] > 0.0:
                continue
            sleep_rules(e, time, par, st, pool, held, rules, sun, sun_s, events, count)
            settle_mode(e, time, par, st, events, count)
            asked += st[e, ASKED]
            loads[int(par[e, PRIORITY])] += st[e, ASKED]
        most = span - time
        if seg_t[k + 1] - time > _TINY_S:
            most = min(most, seg_t[k + 1] - time)
        if a < agenda.shape[0]:
            most = min(most, agenda[a, 0] - time)
        net, net_s = eta * supplied - asked, eta * supplied_s
        small = 1e-12 * (eta * supplied + asked) + 1e-13
        until = flows(net, net_s, most, held[0], pool, small, flow)
        until = _classes(flow[6], flow[7], small, until, loads, share)
        now_shed = rises(flow[6], flow[7], small)
        if now_shed != shedding:
            shedding = now_shed
            tell(events, count, time, E_SHED if shedding else E_SHED_ENDS, -1, flow[6])
        for e in range(elements):
            if st[e, HERE] == 0.0:
                continue
            p = int(par[e, PRIORITY])
            short = 1.0 if st[e, ASKED] > 0.0 and (share[p, 0] < 1.0 or share[p, 1] < 0.0) else 0.0
            if short != st[e, SHED]:
                st[e, SHED] = short
                tell(events, count, time, E_ONE_SHED if short > 0.0 else E_ONE_SHED_ENDS, e, st[e, ASKED])
            lost = st[e, LOST] > 0.0
            st[e, SERVED] = 0.0 if lost else st[e, ASKED] * share[p, 0]
            st[e, SERVED_S] = 0.0 if lost else st[e, ASKED] * share[p, 1]
            if par[e, SLEEPS] > 0.0 and not lost:
                until = _rule_times(e, time, until, par, st, sun, sun_s)
        for i in range(talks.size):
            e = talks[i]
            until = min(until, _data_flow(e, par, st, st[e, SHED] == 0.0, data[e]))
            losing = 1.0 if data[e, 2] > 0.0 else 0.0
            if losing != st[e, LOSING]:
                st[e, LOSING] = losing
                tell(events, count, time, E_LOSS if losing > 0.0 else E_LOSS_ENDS, e, data[e, 2])
        for q in range(kinds):
            e = int(tanks[q, 0])
            rate = 0.0
            if st[e, HERE] > 0.0 and st[e, LOST] == 0.0 and st[e, SHED] == 0.0:
                rate = tanks[q, 3] if st[e, LIGHT_MODE] > 0.0 else tanks[q, 4]
            if (rate > 0.0 and kg[q] >= tanks[q, 1]) or (rate < 0.0 and kg[q] <= 0.0):
                rate = 0.0
            kg_s[q] = rate
            if rate > 0.0:
                until = min(until, (tanks[q, 1] - kg[q]) / rate)
            elif rate < 0.0:
                until = min(until, -kg[q] / rate)
        for b in range(boxed.size):
            e = boxed[b]
            box = boxes[b]
            if st[e, HERE] == 0.0 or st[e, LOST] > 0.0:
                if box[B_LIVE] > 0.0:
                    st[e, BOX_K] = box_finish(box, heat[b], e, time, par)
                continue
            p = int(par[e, PRIORITY])
            box_inputs(e, new, k, since, seg, slope, chan, ground_chan, share[p, 0], share[p, 1], par, st)
            if box[B_LIVE] > 0.0:
                ended = time >= box[B_START] + box[B_LENGTH] - _TINY_S
                if ended or not box_same(box, new, time - box[B_START]):
                    st[e, BOX_K] = box_finish(box, heat[b], e, time, par)
            if last:
                if box[B_LIVE] > 0.0:
                    st[e, BOX_K] = box_finish(box, heat[b], e, time, par)
                continue
            if box[B_LIVE] == 0.0:
                ahead = max(seg_t[k + 1] - time, _TINY_S)
                box_begin(box, new, e, time, st[e, BOX_K], ahead, error_k, par, st)
            until = min(until, box[B_START] + box[B_LENGTH] - time)
        charge, discharge, leak = pool[1], pool[2], pool[5]
        inflow, inflow_s = charge * flow[0] - flow[2] / discharge, charge * flow[1] - flow[3] / discharge
        moves = flow[8] == 0.0 and (held[0] > 0.0 or inflow != 0.0 or inflow_s != 0.0)
        what, low, high = 0, 0.0, pool[0]
        if moves and not last:
            low, high = _levels(par, st, held[0], pool[0])
            until, what = stored_reaches(held[0], inflow, inflow_s, leak, low, high, max(until, _TINY_S))
        stretches += 1
        stalled = stalled + 1 if until < 1e-5 else 0
        if stalled > 2000:
            status = 1
            break
        step = min(max(until, _TINY_S), max(most, 0.0))
        while si < many and (last or sample_t[si] < time + step - 0.5 * _TINY_S):
            past = max(sample_t[si] - time, 0.0) if not last else 0.0
            half = 0.5 * past * past
            row = bus_out[si]
            row[0] = cum[0] + past * supplied + half * supplied_s
            row[1] = cum[1] + past * asked
            row[2] = cum[2] + past * flow[6] + half * flow[7]
            row[3] = cum[3] + past * flow[0] + half * flow[1]
            row[4] = cum[4] + past * flow[2] + half * flow[3]
            row[5] = cum[5] + past * flow[4] + half * flow[5]
            leaked = leak * held[0] * past if flow[8] > 0.0 else leaving(held[0], inflow, inflow_s, leak, past)
            row[6] = cum[6] + (1.0 - charge) * (past * flow[0] + half * flow[1]) + leaked
            row[6] += (1.0 / discharge - 1.0) * (past * flow[2] + half * flow[3]) + held[2]
            row[7] = stored_at(held[0], inflow, inflow_s, leak, past) if moves else held[0]
            row[8], row[9] = pool[0], rules[0]
            for e in range(elements):
                element_out[si, e, 0] = own[e, 0] + past * st[e, SUPPLY] + half * st[e, SUPPLY_S]
                if st[e, LOST] == 0.0:
                    element_out[si, e, 1] = own[e, 1] + past * st[e, ASKED]
                else:
                    element_out[si, e, 1] = own[e, 1]
                element_out[si, e, 2] = own[e, 2] + past * st[e, SERVED] + half * st[e, SERVED_S]
                element_out[si, e, 3] = st[e, WORKING] * st[e, HERE]
            for b in range(boxed.size):
                e = boxed[b]
                box = boxes[b]
                box_out[si, b, 0] = st[e, BOX_K] if st[e, HERE] > 0.0 else par[e, INITIAL_K]
                if box[B_LIVE] > 0.0 and box[B_LENGTH] > 0.0:
                    part = min((time + past - box[B_START]) / box[B_LENGTH], 1.0)
                    box_out[si, b, 0] = box_polynomial_k(part, box[B_K0], box[B_K1], box[B_K2], box[B_K3])
                p = int(par[e, PRIORITY])
                heater = st[e, HEATING] * par[e, HEATER_W] * par[e, COUNT] / par[e, CONVERTER]
                box_out[si, b, 1] = heated[e] + heater * (past * share[p, 0] + half * share[p, 1])
            for i in range(recorders.size):
                e = recorders[i]
                recorder_out[si, i, 0] = st[e, HELD_BIT] + past * data[e, 3]
                recorder_out[si, i, 1] = st[e, MADE] + past * data[e, 0]
                recorder_out[si, i, 2] = st[e, SENT] + past * data[e, 1]
                recorder_out[si, i, 3] = st[e, DROPPED] + past * data[e, 2]
            for q in range(kinds):
                tank_out[si, q] = kg[q] + past * kg_s[q]
            si += 1
        if last:
            break
        half = 0.5 * step * step
        before = held[0]
        after = stored_at(before, inflow, inflow_s, leak, step) if moves else before
        leaked = leaving(before, inflow, inflow_s, leak, step) if moves else leak * before * step
        gave = step * flow[2] + half * flow[3]
        took = step * flow[0] + half * flow[1]
        loss = (1.0 - charge) * took + (1.0 / discharge - 1.0) * gave + leaked
        energy = step * supplied + half * supplied_s
        shed = step * flow[6] + half * flow[7]
        spilled = step * flow[4] + half * flow[5]
        open_j = eta * energy - (asked * step - shed) - spilled - loss - (after - before)
        play = energy + asked * step + before + pool[0]
        if play > 0.0:
            worst = max(worst, abs(open_j) / play)
        cum[0] += energy
        cum[1] += asked * step
        cum[2] += shed
        cum[3] += took
        cum[4] += gave
        cum[5] += spilled
        cum[6] += loss
        cum[7] += gave / discharge
        held[0] = after
        time += step
        reached = what != 0
        if reached or after < 0.0 or after > pool[0]:
            exact = min(max(after, 0.0), pool[0])
            if reached:
                exact = low if what < 0 else high
            held[2] += after - exact
            held[0] = exact
            if exact == pool[0] and before < pool[0]:
                tell(events, count, time, E_FULL, -1, exact / 3600.0)
            elif exact == 0.0 and before > 0.0:
                tell(events, count, time, E_EMPTY, -1, 0.0)
        for e in range(elements):
            own[e, 0] += step * st[e, SUPPLY] + half * st[e, SUPPLY_S]
            if st[e, LOST] == 0.0:
                own[e, 1] += step * st[e, ASKED]
                own[e, 2] += step * st[e, SERVED] + half * st[e, SERVED_S]
                if st[e, HEATING] > 0.0:
                    p = int(par[e, PRIORITY])
                    heater = par[e, HEATER_W] * par[e, COUNT] / par[e, CONVERTER]
                    heated[e] += heater * (step * share[p, 0] + half * share[p, 1])
        for i in range(talks.size):
            e = talks[i]
            st[e, MADE] += step * data[e, 0]
            st[e, SENT] += step * data[e, 1]
            st[e, DROPPED] += step * data[e, 2]
            if data[e, 3] != 0.0:
                content = st[e, HELD_BIT] + step * data[e, 3]
                limit = par[e, RECORDER_BIT]
                if data[e, 3] > 0.0 and content >= limit * (1.0 - 1e-12) - 1e-6 * data[e, 3]:
                    st[e, DROPPED] += content - limit
                    content = limit
                    tell(events, count, time, E_REC_FULL, e, limit)
                elif data[e, 3] < 0.0 and content <= 1e-12 * limit - 1e-6 * data[e, 3]:
                    st[e, SENT] += content
                    content = 0.0
                    tell(events, count, time, E_REC_EMPTY, e, 0.0)
                st[e, HELD_BIT] = content
        for q in range(kinds):
            if kg_s[q] != 0.0:
                content = kg[q] + step * kg_s[q]
                if kg_s[q] > 0.0:
                    mass[q, 0] += step * kg_s[q]
                    if content >= tanks[q, 1] * (1.0 - 1e-12):
                        mass[q, 0] += tanks[q, 1] - content
                        content = tanks[q, 1]
                        tell(events, count, time, E_TANK_FULL, q, content)
                else:
                    mass[q, 1] -= step * kg_s[q]
                    if content <= 1e-12 * tanks[q, 1]:
                        mass[q, 1] += content
                        content = 0.0
                        tell(events, count, time, E_TANK_EMPTY, q, content)
                kg[q] = content
    totals = np.array([cum[0], cum[1], cum[2], cum[3], cum[4], cum[5], cum[6], held[0], held[1], held[2], worst])
    mass[:, 2] = kg
    return (
        bus_out, element_out, box_out, recorder_out, tank_out, events[: count[0]], totals, heat,
        st, mass, status, stretches,
    )  # fmt: skip
