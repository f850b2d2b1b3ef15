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
def share_out(shed: float, shed_s: float, small: float, until: float, now: Any) -> float:
    """Served part of each priority and its change; the highest number is shed first."""
    for p in range(10):
        now[c.N_SHARE + 2 * p], now[c.N_SHARE + 2 * p + 1] = 1.0, 0.0
    above = 0.0
    for p in range(9, 0, -1):
        load, row = now[c.N_LOADS + p], c.N_SHARE + 2 * p
        if load <= 0.0:
            continue
        if not rises(shed - above, shed_s, small):
            break
        whole = shed - above - load
        if rises(whole, shed_s, small):
            now[row] = 0.0
            if whole > small:
                until = min(until, crossing(whole, shed_s))
        else:
            now[row] = min(max(1.0 - (shed - above) / load, 0.0), 1.0)
            now[row + 1] = -shed_s / load
            if whole < -small:
                until = min(until, crossing(whole, shed_s))
            if shed - above > small:
                until = min(until, crossing(shed - above, shed_s))
        above += load
    return until


@njit(cache=True, nogil=True)
def serve(e: int, par: Any, st: Any, now: Any, events: Any) -> None:
    """What a machine gets of what it asks for."""
    row = c.N_SHARE + 2 * int(par[e, c.PRIORITY])
    part, part_s = now[row], now[row + 1]
    asked = st[e, c.ASKED]
    short = 1.0 if asked > 0.0 and (part < 1.0 or part_s < 0.0) else 0.0
    if short != st[e, c.SHED]:
        st[e, c.SHED] = short
        tell(events, now, c.E_ONE_SHED if short > 0.0 else c.E_ONE_SHED_ENDS, e, asked)
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
def data_flow(e: int, par: Any, st: Any) -> float:
    """Rates of data of a machine (made, sent, lost, change of what is held), and until when they last [s]."""
    makes = _makes(e, par, st)
    st[e, c.RATE_MADE], st[e, c.RATE_SENT], st[e, c.RATE_LOST], st[e, c.RATE_HELD] = makes, 0.0, 0.0, 0.0
    if par[e, c.RECORDER] == 0.0:
        st[e, c.RATE_SENT] = makes
        return math.inf
    if st[e, c.RECORDS] == 0.0:
        st[e, c.RATE_LOST] = makes
        return math.inf
    held, most = st[e, c.HELD_BIT], par[e, c.RECORDER_BIT]
    out = par[e, c.DOWNLINK] if st[e, c.SENDING] > 0.0 and st[e, c.SHED] == 0.0 else 0.0
    if held <= 0.0:
        out = min(out, makes)
    change = makes - out
    if held >= most and change > 0.0:
        st[e, c.RATE_LOST], change = change, 0.0
    st[e, c.RATE_SENT], st[e, c.RATE_HELD] = out, change
    if change > 0.0:
        return float((most - held) / change)
    return float(-held / change) if change < 0.0 else math.inf


@njit(cache=True, nogil=True)
def flow_data(talks: Any, par: Any, st: Any, now: Any, events: Any) -> None:
    """Rates of data of all machines."""
    for i in range(talks.size):
        e = talks[i]
        now[c.N_UNTIL] = min(now[c.N_UNTIL], data_flow(e, par, st))
        losing = 1.0 if st[e, c.RATE_LOST] > 0.0 else 0.0
        if losing != st[e, c.LOSING]:
            st[e, c.LOSING] = losing
            tell(events, now, c.E_LOSS if losing > 0.0 else c.E_LOSS_ENDS, e, st[e, c.RATE_LOST])


@njit(cache=True, nogil=True)
def flow_tanks(tanks: Any, st: Any, now: Any) -> None:
    """Flows of all tanks; a machine that lacks power makes and uses nothing."""
    for q in range(tanks.shape[0]):
        e = int(tanks[q, 0])
        rate = 0.0
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] + st[e, c.SHED] == 0.0:
            rate = tanks[q, 3] if st[e, c.LIGHT_MODE] > 0.0 else tanks[q, 4]
        room = tanks[q, 1] - tanks[q, c.T_KG] if rate > 0.0 else tanks[q, c.T_KG]
        if room <= 0.0:
            rate = 0.0
        tanks[q, c.T_KG_S] = rate
        if rate != 0.0:
            now[c.N_UNTIL] = min(now[c.N_UNTIL], room / abs(rate))


@njit(cache=True, nogil=True)
def _sample_bus(row: Any, past: float, now: Any) -> None:
    half = 0.5 * past * past
    row[0] = now[c.C_SUPPLY] + past * now[c.N_SUPPLY] + half * now[c.N_SUPPLY_S]
    row[1] = now[c.C_ASKED] + past * now[c.N_ASKED]
    row[2] = now[c.C_SHED] + past * now[c.F_SHED] + half * now[c.F_SHED + 1]
    taken = past * now[c.F_CHARGED] + half * now[c.F_CHARGED + 1]
    given = past * now[c.F_GIVEN] + half * now[c.F_GIVEN + 1]
    row[3], row[4] = now[c.C_CHARGED] + taken, now[c.C_GIVEN] + given
    row[5] = now[c.C_SPILLED] + past * now[c.F_SPILLED] + half * now[c.F_SPILLED + 1]
    stored, inflow, inflow_s, leak = now[c.H_HELD], now[c.N_INFLOW], now[c.N_INFLOW_S], now[c.U_LEAK]
    row[6] = now[c.C_LOSS] + (1.0 - now[c.U_CHARGE]) * taken + (1.0 / now[c.U_DISCHARGE] - 1.0) * given
    row[7] = stored
    if now[c.N_MOVES] > 0.0:
        row[6] += leaving(stored, inflow, inflow_s, leak, past)
        row[7] = stored_at(stored, inflow, inflow_s, leak, past)
    else:
        row[6] += leak * stored * past
    row[6] += now[c.H_REMOVED]
    row[8], row[9] = now[c.U_USABLE], now[c.R_LIT]


@njit(cache=True, nogil=True)
def _sample_elements(rows: Any, past: float, st: Any) -> None:
    half = 0.5 * past * past
    for e in range(st.shape[0]):
        rows[e, 0] = st[e, c.GAVE_J] + past * st[e, c.SUPPLY] + half * st[e, c.SUPPLY_S]
        rows[e, 1] = st[e, c.ASKED_J] + past * st[e, c.ASKED]
        rows[e, 2] = st[e, c.GOT_J] + past * st[e, c.SERVED] + half * st[e, c.SERVED_S]
        rows[e, 3] = st[e, c.WORKING]


@njit(cache=True, nogil=True, inline="always")
def _heated(e: int, past: float, par: Any, st: Any, now: Any) -> float:
    """What the heaters of a machine get in a while, at the bus [J]."""
    if st[e, c.HEATING] == 0.0:
        return 0.0
    row = c.N_SHARE + 2 * int(par[e, c.PRIORITY])
    part, part_s = now[row], now[row + 1]
    heater = par[e, c.HEATER_W] * par[e, c.COUNT] / par[e, c.CONVERTER]
    return float(heater * (past * part + 0.5 * past * past * part_s))


@njit(cache=True, nogil=True)
def _sample_boxes(rows: Any, past: float, boxed: Any, boxes: Any, par: Any, st: Any, now: Any) -> None:
    for b in range(boxed.size):
        e, box = boxed[b], boxes[b]
        live = box[c.B_LIVE] > 0.0
        rows[b, 0] = box_k_at(box, now[c.N_TIME] + past) if live else st[e, c.BOX_K]
        rows[b, 1] = st[e, c.HEATED_J] + _heated(e, past, par, st, now)


@njit(cache=True, nogil=True)
def _sample_recorders(rows: Any, past: float, recorders: Any, st: Any) -> None:
    for i in range(recorders.size):
        e = recorders[i]
        rows[i, 0] = st[e, c.HELD_BIT] + past * st[e, c.RATE_HELD]
        rows[i, 1] = st[e, c.MADE] + past * st[e, c.RATE_MADE]
        rows[i, 2] = st[e, c.SENT] + past * st[e, c.RATE_SENT]
        rows[i, 3] = st[e, c.DROPPED] + past * st[e, c.RATE_LOST]


@njit(cache=True, nogil=True)
def take_samples(
    until: float, times: Any, bus_out: Any, element_out: Any, box_out: Any, recorder_out: Any, tank_out: Any,
    boxed: Any, recorders: Any, boxes: Any, tanks: Any, par: Any, st: Any, now: Any,
) -> None:  # fmt: skip
    """Sample what falls before a time; at the end all that is left."""
    k, last = int(now[c.N_SAMPLE]), now[c.N_LAST] > 0.0
    while k < times.size and (last or times[k] < until - 0.5 * c.TINY_S):
        past = 0.0 if last else max(times[k] - now[c.N_TIME], 0.0)
        _sample_bus(bus_out[k], past, now)
        _sample_elements(element_out[k], past, st)
        _sample_boxes(box_out[k], past, boxed, boxes, par, st, now)
        _sample_recorders(recorder_out[k], past, recorders, st)
        for q in range(tanks.shape[0]):
            tank_out[k, q] = tanks[q, c.T_KG] + past * tanks[q, c.T_KG_S]
        k += 1
    now[c.N_SAMPLE] = k


@njit(cache=True, nogil=True)
def keep_store(step: float, now: Any, events: Any) -> None:
    """Add what flowed on the bus in a stretch, and take the store and the time to its end."""
    half = 0.5 * step * step
    before, inflow, inflow_s, leak = now[c.H_HELD], now[c.N_INFLOW], now[c.N_INFLOW_S], now[c.U_LEAK]
    after, leaked = before, leak * before * step
    if now[c.N_MOVES] > 0.0:
        after = stored_at(before, inflow, inflow_s, leak, step)
        leaked = leaving(before, inflow, inflow_s, leak, step)
    took = step * now[c.F_CHARGED] + half * now[c.F_CHARGED + 1]
    gave = step * now[c.F_GIVEN] + half * now[c.F_GIVEN + 1]
    loss = (1.0 - now[c.U_CHARGE]) * took + (1.0 / now[c.U_DISCHARGE] - 1.0) * gave + leaked
    energy = step * now[c.N_SUPPLY] + half * now[c.N_SUPPLY_S]
    asked = step * now[c.N_ASKED]
    shed = step * now[c.F_SHED] + half * now[c.F_SHED + 1]
    spilled = step * now[c.F_SPILLED] + half * now[c.F_SPILLED + 1]
    play = energy + asked + before + now[c.U_USABLE]
    if play > 0.0:
        left = now[c.N_ETA] * energy - (asked - shed) - spilled - loss - (after - before)
        now[c.N_WORST] = max(now[c.N_WORST], abs(left) / play)
    for column, value in (
        (c.C_SUPPLY, energy), (c.C_ASKED, asked), (c.C_SHED, shed), (c.C_CHARGED, took), (c.C_GIVEN, gave),
        (c.C_SPILLED, spilled), (c.C_LOSS, loss), (c.C_DRAWN, gave / now[c.U_DISCHARGE]),
    ):  # fmt: skip
        now[column] += value
    now[c.N_TIME] += step
    _land(before, after, now, events)


@njit(cache=True, nogil=True)
def _land(before: float, after: float, now: Any, events: Any) -> None:
    """Put the store exactly on a level that it has reached, and tell full and empty."""
    usable = now[c.U_USABLE]
    exact = min(max(after, 0.0), usable)
    if now[c.N_WHAT] != 0.0:
        exact = now[c.N_LOW] if now[c.N_WHAT] < 0.0 else now[c.N_HIGH]
    now[c.H_REMOVED] += after - exact
    now[c.H_HELD] = exact
    if exact >= usable > before:
        tell(events, now, c.E_FULL, -1, exact / 3600.0)
    elif exact == 0.0 and before > 0.0:
        tell(events, now, c.E_EMPTY, -1, 0.0)


@njit(cache=True, nogil=True)
def keep_elements(step: float, par: Any, st: Any, now: Any) -> None:
    """Add what machines gave, asked for and got."""
    half = 0.5 * step * step
    for e in range(st.shape[0]):
        st[e, c.GAVE_J] += step * st[e, c.SUPPLY] + half * st[e, c.SUPPLY_S]
        st[e, c.ASKED_J] += step * st[e, c.ASKED]
        st[e, c.GOT_J] += step * st[e, c.SERVED] + half * st[e, c.SERVED_S]
        st[e, c.HEATED_J] += _heated(e, step, par, st, now)


@njit(cache=True, nogil=True)
def keep_data(step: float, talks: Any, par: Any, st: Any, now: Any, events: Any) -> None:
    """Add data made, sent and lost, and land recorders on full and empty."""
    for i in range(talks.size):
        e = talks[i]
        st[e, c.MADE] += step * st[e, c.RATE_MADE]
        st[e, c.SENT] += step * st[e, c.RATE_SENT]
        st[e, c.DROPPED] += step * st[e, c.RATE_LOST]
        rate, most = st[e, c.RATE_HELD], par[e, c.RECORDER_BIT]
        if rate == 0.0:
            continue
        content = st[e, c.HELD_BIT] + step * rate
        if rate > 0.0 and content >= most * (1.0 - 1e-12) - c.TINY_S * rate:
            st[e, c.DROPPED] += content - most
            content = most
            tell(events, now, c.E_REC_FULL, e, most)
        elif rate < 0.0 and content <= 1e-12 * most - c.TINY_S * rate:
            st[e, c.SENT] += content
            content = 0.0
            tell(events, now, c.E_REC_EMPTY, e, 0.0)
        st[e, c.HELD_BIT] = content


@njit(cache=True, nogil=True)
def keep_tanks(step: float, tanks: Any, now: Any, events: Any) -> None:
    """Add what flowed into and out of tanks, and land them on full and empty."""
    for q in range(tanks.shape[0]):
        rate, most = tanks[q, c.T_KG_S], tanks[q, 1]
        content = tanks[q, c.T_KG] + step * rate
        if rate > 0.0:
            if content >= most * (1.0 - 1e-12):
                content = most
                tell(events, now, c.E_TANK_FULL, q, content)
            tanks[q, c.T_GAINED] += content - tanks[q, c.T_KG]
        elif rate < 0.0:
            if content <= 1e-12 * most:
                content = 0.0
                tell(events, now, c.E_TANK_EMPTY, q, content)
            tanks[q, c.T_DRAWN] += tanks[q, c.T_KG] - content
        tanks[q, c.T_KG] = content
