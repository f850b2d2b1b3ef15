"""What flows on a bus between two events: loads served, data, tanks; samples taken and sums kept."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from moonpost.operations import codes as c
from moonpost.operations.buskernels import crossing, leaving, rises, stored_at
from moonpost.operations.machinekernels import box_k_at
from moonpost.operations.stationkernels import tell

__all__: list[str] = []


@njit(cache=True, nogil=True)
def share_out(shed: float, shed_s: float, small: float, until: float, loads: Any, share: Any) -> float:
    """Served part of each priority and its change; the highest number is shed first."""
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
def serve(e: int, fixed: Any, work: Any, events: Any) -> None:
    """What a machine gets of what it asks for."""
    st = work.st
    part, part_s = work.share[int(fixed.par[e, c.PRIORITY])]
    asked = st[e, c.ASKED]
    short = 1.0 if asked > 0.0 and (part < 1.0 or part_s < 0.0) else 0.0
    if short != st[e, c.SHED]:
        st[e, c.SHED] = short
        tell(events, work.now, c.E_ONE_SHED if short > 0.0 else c.E_ONE_SHED_ENDS, e, asked)
    st[e, c.SERVED] = asked * part
    st[e, c.SERVED_S] = asked * part_s


@njit(cache=True, nogil=True)
def _makes(e: int, par: Any, st: Any) -> float:
    """Data that a machine makes [bit/s]; none while it lacks power."""
    if st[e, c.HERE] == 0.0 or st[e, c.LOST] + st[e, c.SHED] > 0.0:
        return 0.0
    makes = par[e, c.DATA_LIGHT] if st[e, c.LIGHT_MODE] > 0.0 else par[e, c.DATA_DARK]
    if st[e, c.WORKING] > 0.0:
        makes += st[e, c.RUN_BIT_S]
    return float(makes)


@njit(cache=True, nogil=True)
def data_flow(e: int, par: Any, st: Any, rates: Any) -> float:
    """Rates of data of a machine (made, sent, lost, change of what is held), and until when they last [s]."""
    rates[:] = 0.0
    makes = _makes(e, par, st)
    rates[0] = makes
    if par[e, c.RECORDER] == 0.0:
        rates[1] = makes
        return math.inf
    if st[e, c.RECORDS] == 0.0:
        rates[2] = makes
        return math.inf
    held, most = st[e, c.HELD_BIT], par[e, c.RECORDER_BIT]
    out = par[e, c.DOWNLINK] if st[e, c.SENDING] > 0.0 and st[e, c.SHED] == 0.0 else 0.0
    if held <= 0.0:
        out = min(out, makes)
    change = makes - out
    if held >= most and change > 0.0:
        rates[2], change = change, 0.0
    rates[1], rates[3] = out, change
    if change > 0.0:
        return float((most - held) / change)
    return float(-held / change) if change < 0.0 else math.inf


@njit(cache=True, nogil=True)
def flow_data(fixed: Any, work: Any, events: Any) -> None:
    """Rates of data of all machines."""
    st, now = work.st, work.now
    for i in range(fixed.talks.size):
        e = fixed.talks[i]
        now[c.N_UNTIL] = min(now[c.N_UNTIL], data_flow(e, fixed.par, st, work.data[e]))
        losing = 1.0 if work.data[e, 2] > 0.0 else 0.0
        if losing != st[e, c.LOSING]:
            st[e, c.LOSING] = losing
            tell(events, now, c.E_LOSS if losing > 0.0 else c.E_LOSS_ENDS, e, work.data[e, 2])


@njit(cache=True, nogil=True)
def flow_tanks(fixed: Any, work: Any) -> None:
    """Flows of all tanks; a machine that lacks power makes and uses nothing."""
    st, now, kg = work.st, work.now, work.kg
    for q in range(kg.size):
        e = int(fixed.tanks[q, 0])
        rate = 0.0
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] + st[e, c.SHED] == 0.0:
            rate = fixed.tanks[q, 3] if st[e, c.LIGHT_MODE] > 0.0 else fixed.tanks[q, 4]
        room = fixed.tanks[q, 1] - kg[q] if rate > 0.0 else kg[q]
        if room <= 0.0:
            rate = 0.0
        work.kg_s[q] = rate
        if rate != 0.0:
            now[c.N_UNTIL] = min(now[c.N_UNTIL], room / abs(rate))


@njit(cache=True, nogil=True)
def _sample_bus(row: Any, past: float, work: Any) -> None:
    now, flow, cum, pool, held = work.now, work.flow, work.cum, work.pool, work.held
    half = 0.5 * past * past
    row[0] = cum[c.C_SUPPLY] + past * now[c.N_SUPPLY] + half * now[c.N_SUPPLY_S]
    row[1] = cum[c.C_ASKED] + past * now[c.N_ASKED]
    row[2] = cum[c.C_SHED] + past * flow[c.F_SHED] + half * flow[c.F_SHED + 1]
    taken = past * flow[c.F_CHARGED] + half * flow[c.F_CHARGED + 1]
    given = past * flow[c.F_GIVEN] + half * flow[c.F_GIVEN + 1]
    row[3], row[4] = cum[c.C_CHARGED] + taken, cum[c.C_GIVEN] + given
    row[5] = cum[c.C_SPILLED] + past * flow[c.F_SPILLED] + half * flow[c.F_SPILLED + 1]
    stored, inflow, inflow_s, leak = held[c.H_HELD], now[c.N_INFLOW], now[c.N_INFLOW_S], pool[c.U_LEAK]
    row[6] = cum[c.C_LOSS] + (1.0 - pool[c.U_CHARGE]) * taken + (1.0 / pool[c.U_DISCHARGE] - 1.0) * given
    row[7] = stored
    if now[c.N_MOVES] > 0.0:
        row[6] += leaving(stored, inflow, inflow_s, leak, past)
        row[7] = stored_at(stored, inflow, inflow_s, leak, past)
    else:
        row[6] += leak * stored * past
    row[6] += held[c.H_REMOVED]
    row[8], row[9] = pool[c.U_USABLE], work.rules[c.R_LIT]


@njit(cache=True, nogil=True)
def _sample_elements(rows: Any, past: float, work: Any) -> None:
    st, own = work.st, work.own
    half = 0.5 * past * past
    for e in range(st.shape[0]):
        rows[e, 0] = own[e, 0] + past * st[e, c.SUPPLY] + half * st[e, c.SUPPLY_S]
        rows[e, 1] = own[e, 1] + past * st[e, c.ASKED]
        rows[e, 2] = own[e, 2] + past * st[e, c.SERVED] + half * st[e, c.SERVED_S]
        rows[e, 3] = st[e, c.WORKING]


@njit(cache=True, nogil=True, inline="always")
def _heated(e: int, past: float, par: Any, work: Any) -> float:
    """What the heaters of a machine get in a while, at the bus [J]."""
    if work.st[e, c.HEATING] == 0.0:
        return 0.0
    part, part_s = work.share[int(par[e, c.PRIORITY])]
    heater = par[e, c.HEATER_W] * par[e, c.COUNT] / par[e, c.CONVERTER]
    return float(heater * (past * part + 0.5 * past * past * part_s))


@njit(cache=True, nogil=True)
def _sample_rest(k: int, past: float, fixed: Any, work: Any, samples: Any) -> None:
    st, data = work.st, work.data
    for b in range(fixed.boxed.size):
        e, box = fixed.boxed[b], work.boxes[b]
        live = box[c.B_LIVE] > 0.0
        samples.box[k, b, 0] = box_k_at(box, work.now[c.N_TIME] + past) if live else st[e, c.BOX_K]
        samples.box[k, b, 1] = work.heated[e] + _heated(e, past, fixed.par, work)
    for i in range(fixed.recorders.size):
        e = fixed.recorders[i]
        samples.recorder[k, i, 0] = st[e, c.HELD_BIT] + past * data[e, 3]
        samples.recorder[k, i, 1] = st[e, c.MADE] + past * data[e, 0]
        samples.recorder[k, i, 2] = st[e, c.SENT] + past * data[e, 1]
        samples.recorder[k, i, 3] = st[e, c.DROPPED] + past * data[e, 2]
    for q in range(work.kg.size):
        samples.tank[k, q] = work.kg[q] + past * work.kg_s[q]


@njit(cache=True, nogil=True)
def take_samples(until: float, fixed: Any, work: Any, samples: Any) -> None:
    """Sample what falls before a time; at the end all that is left."""
    now = work.now
    k, last = int(now[c.N_SAMPLE]), now[c.N_LAST] > 0.0
    while k < fixed.samples.size and (last or fixed.samples[k] < until - 0.5 * c.TINY_S):
        past = 0.0 if last else max(fixed.samples[k] - now[c.N_TIME], 0.0)
        _sample_bus(samples.bus[k], past, work)
        _sample_elements(samples.element[k], past, work)
        _sample_rest(k, past, fixed, work, samples)
        k += 1
    now[c.N_SAMPLE] = k


@njit(cache=True, nogil=True)
def keep_store(step: float, fixed: Any, work: Any, events: Any) -> None:
    """Add what flowed on the bus in a stretch, and take the store and the time to its end."""
    now, flow, cum, pool, held = work.now, work.flow, work.cum, work.pool, work.held
    half = 0.5 * step * step
    before, inflow, inflow_s, leak = held[c.H_HELD], now[c.N_INFLOW], now[c.N_INFLOW_S], pool[c.U_LEAK]
    after, leaked = before, leak * before * step
    if now[c.N_MOVES] > 0.0:
        after = stored_at(before, inflow, inflow_s, leak, step)
        leaked = leaving(before, inflow, inflow_s, leak, step)
    took = step * flow[c.F_CHARGED] + half * flow[c.F_CHARGED + 1]
    gave = step * flow[c.F_GIVEN] + half * flow[c.F_GIVEN + 1]
    loss = (1.0 - pool[c.U_CHARGE]) * took + (1.0 / pool[c.U_DISCHARGE] - 1.0) * gave + leaked
    energy = step * now[c.N_SUPPLY] + half * now[c.N_SUPPLY_S]
    asked = step * now[c.N_ASKED]
    shed = step * flow[c.F_SHED] + half * flow[c.F_SHED + 1]
    spilled = step * flow[c.F_SPILLED] + half * flow[c.F_SPILLED + 1]
    play = energy + asked + before + pool[c.U_USABLE]
    if play > 0.0:
        left = fixed.bus[0] * energy - (asked - shed) - spilled - loss - (after - before)
        now[c.N_WORST] = max(now[c.N_WORST], abs(left) / play)
    for column, value in (
        (c.C_SUPPLY, energy), (c.C_ASKED, asked), (c.C_SHED, shed), (c.C_CHARGED, took), (c.C_GIVEN, gave),
        (c.C_SPILLED, spilled), (c.C_LOSS, loss), (c.C_DRAWN, gave / pool[c.U_DISCHARGE]),
    ):  # fmt: skip
        cum[column] += value
    now[c.N_TIME] += step
    _land(before, after, work, events)


@njit(cache=True, nogil=True)
def _land(before: float, after: float, work: Any, events: Any) -> None:
    """Put the store exactly on a level that it has reached, and tell full and empty."""
    now, usable = work.now, work.pool[c.U_USABLE]
    exact = min(max(after, 0.0), usable)
    if now[c.N_WHAT] != 0.0:
        exact = now[c.N_LOW] if now[c.N_WHAT] < 0.0 else now[c.N_HIGH]
    work.held[c.H_REMOVED] += after - exact
    work.held[c.H_HELD] = exact
    if exact >= usable > before:
        tell(events, now, c.E_FULL, -1, exact / 3600.0)
    elif exact == 0.0 and before > 0.0:
        tell(events, now, c.E_EMPTY, -1, 0.0)


@njit(cache=True, nogil=True)
def keep_elements(step: float, fixed: Any, work: Any) -> None:
    """Add what machines gave, asked for and got."""
    st, own = work.st, work.own
    half = 0.5 * step * step
    for e in range(st.shape[0]):
        own[e, 0] += step * st[e, c.SUPPLY] + half * st[e, c.SUPPLY_S]
        own[e, 1] += step * st[e, c.ASKED]
        own[e, 2] += step * st[e, c.SERVED] + half * st[e, c.SERVED_S]
        work.heated[e] += _heated(e, step, fixed.par, work)


@njit(cache=True, nogil=True)
def keep_data(step: float, fixed: Any, work: Any, events: Any) -> None:
    """Add data made, sent and lost, and land recorders on full and empty."""
    st, data = work.st, work.data
    for i in range(fixed.talks.size):
        e = fixed.talks[i]
        st[e, c.MADE] += step * data[e, 0]
        st[e, c.SENT] += step * data[e, 1]
        st[e, c.DROPPED] += step * data[e, 2]
        rate, most = data[e, 3], fixed.par[e, c.RECORDER_BIT]
        if rate == 0.0:
            continue
        content = st[e, c.HELD_BIT] + step * rate
        if rate > 0.0 and content >= most * (1.0 - 1e-12) - c.TINY_S * rate:
            st[e, c.DROPPED] += content - most
            content = most
            tell(events, work.now, c.E_REC_FULL, e, most)
        elif rate < 0.0 and content <= 1e-12 * most - c.TINY_S * rate:
            st[e, c.SENT] += content
            content = 0.0
            tell(events, work.now, c.E_REC_EMPTY, e, 0.0)
        st[e, c.HELD_BIT] = content


@njit(cache=True, nogil=True)
def keep_tanks(step: float, fixed: Any, work: Any, events: Any) -> None:
    """Add what flowed into and out of tanks, and land them on full and empty."""
    for q in range(work.kg.size):
        rate, most = work.kg_s[q], fixed.tanks[q, 1]
        content = work.kg[q] + step * rate
        if rate > 0.0:
            if content >= most * (1.0 - 1e-12):
                content = most
                tell(events, work.now, c.E_TANK_FULL, q, content)
            work.mass[q, 0] += content - work.kg[q]
        elif rate < 0.0:
            if content <= 1e-12 * most:
                content = 0.0
                tell(events, work.now, c.E_TANK_EMPTY, q, content)
            work.mass[q, 1] += work.kg[q] - content
        work.kg[q] = content
