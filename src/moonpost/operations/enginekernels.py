"""One bus with its machines, run from event to event; imported only where it runs: compiling costs time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from moonpost.operations import codes as c
from moonpost.operations.buskernels import crossing, rises, stored_reaches
from moonpost.operations.flowkernels import (
    flow_data,
    flow_tanks,
    keep_data,
    keep_elements,
    keep_store,
    keep_tanks,
    serve,
    share_out,
    take_samples,
)
from moonpost.operations.machinekernels import follow_boxes, step_boxes
from moonpost.operations.stationkernels import (
    box_rules,
    charge_rules,
    do,
    lose,
    settle_mode,
    sleep_rules,
    start_state,
    supply,
    tell,
)
from moonpost.operations.storekernels import age, flows, sum_stores

__all__ = ["run_bus_events"]

_STATES = len(c.STATES)
_STALLED = 2000.0


@njit(cache=True, nogil=True)
def room_for_events(events: Any, machines: int, tanks: int, now: Any) -> Any:
    """The table of events, longer if it may overflow in the next stretch."""
    count = int(now[c.N_COUNT])
    if count + 16 * machines + 4 * tanks + 64 <= events.shape[0]:
        return events
    more = np.zeros((2 * events.shape[0], 4))
    more[:count] = events[:count]
    return more


@njit(cache=True, nogil=True)
def _land_machine(e: int, boxed: Any, boxes: Any, tanks: Any, st: Any) -> None:
    """Fill the tanks of a machine that is there now, and note the temperature of its box."""
    for q in range(tanks.shape[0]):
        if int(tanks[q, c.T_ELEMENT]) == e:
            tanks[q, c.T_KG] = tanks[q, c.T_INITIAL]
    for b in range(boxed.size):
        if boxed[b] == e:
            boxes[b, c.B_FIRST_K] = st[e, c.BOX_K]


@njit(cache=True, nogil=True)
def do_agenda(agenda: Any, boxed: Any, boxes: Any, tanks: Any, par: Any, st: Any, now: Any) -> None:
    """Do what the agenda has for the present."""
    a = int(now[c.N_AGENDA])
    while a < agenda.shape[0] and agenda[a, 0] <= now[c.N_TIME] + c.TINY_S:
        code, e = int(agenda[a, 1]), int(agenda[a, 2])
        if code == c.DO_AGE:
            age(par, st, now)
        else:
            do(code, e, agenda[a, 3], agenda[a, 4], par, st, now)
            if code == c.DO_ARRIVE:
                _land_machine(e, boxed, boxes, tanks, st)
        a += 1
    now[c.N_AGENDA] = a


@njit(cache=True, nogil=True)
def look(edges: Any, now: Any) -> None:
    """Find the stretch of the forcing."""
    k = int(now[c.N_STRETCH])
    while k < edges.size - 2 and edges[k + 1] <= now[c.N_TIME] + c.TINY_S:
        k += 1
    now[c.N_STRETCH] = k
    now[c.N_SINCE] = now[c.N_TIME] - edges[k]


@njit(cache=True, nogil=True)
def settle(start: Any, slope: Any, boxed: Any, par: Any, st: Any, now: Any, events: Any) -> None:
    """Apply every rule to the present: limits, heaters, sleep, modes."""
    supply(start, slope, par, st, now)
    for b in range(boxed.size):
        e = boxed[b]
        if st[e, c.HERE] == 0.0 or st[e, c.LOST] > 0.0:
            continue
        if box_rules(e, par, st, events, now):
            lose(e, par, st, now, events)
            supply(start, slope, par, st, now)
        elif charge_rules(e, par, st, events, now):
            sum_stores(par, st, now)
    now[c.N_LOADS : c.N_LOADS + 10] = 0.0
    asked = 0.0
    for e in range(st.shape[0]):
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            sleep_rules(e, par, st, now, events)
            settle_mode(e, par, st, events, now)
            asked += st[e, c.ASKED]
            now[c.N_LOADS + int(par[e, c.PRIORITY])] += st[e, c.ASKED]
    now[c.N_ASKED] = asked


@njit(cache=True, nogil=True)
def _rule_times(e: int, par: Any, st: Any, now: Any) -> None:
    """When the rules of sleep should next be looked at."""
    if st[e, c.LATCHED] > 0.0:
        return
    until = now[c.N_UNTIL]
    if st[e, c.HOLD] > now[c.N_TIME] + c.TINY_S:
        until = min(until, st[e, c.HOLD] - now[c.N_TIME])
    for column in (c.WAKE_SUPPLY, c.SLEEP_SUPPLY):
        off = st[e, c.SUPPLY] - par[e, column]
        if par[e, column] > -1e9 and abs(off) > 1e-9 * (1.0 + par[e, column]):
            until = min(until, crossing(off, st[e, c.SUPPLY_S]))
    now[c.N_UNTIL] = until


@njit(cache=True, nogil=True)
def _levels(par: Any, st: Any, now: Any) -> None:
    """The nearest energies below and above at which something happens."""
    held, usable = now[c.H_HELD], now[c.U_USABLE]
    low, high = 0.0, usable
    for e in range(par.shape[0]):
        if par[e, c.SLEEPS] == 0.0 or st[e, c.HERE] == 0.0 or st[e, c.LOST] > 0.0:
            continue
        level = par[e, c.SLEEP_STORED] * usable
        if st[e, c.AWAKE] > 0.0 and low < level < held * (1.0 - 1e-10):
            low = level
        level = par[e, c.WAKE_STORED] * usable
        if st[e, c.AWAKE] == 0.0 and held * (1.0 + 1e-10) < level < high:
            high = level
    now[c.N_LOW], now[c.N_HIGH] = low, high


@njit(cache=True, nogil=True)
def _horizon(edges: Any, agenda: Any, now: Any) -> None:
    """How far the present stretch can reach at most."""
    most = now[c.N_SPAN] - now[c.N_TIME]
    ahead = edges[int(now[c.N_STRETCH]) + 1] - now[c.N_TIME]
    if ahead > c.TINY_S:
        most = min(most, ahead)
    a = int(now[c.N_AGENDA])
    if a < agenda.shape[0]:
        most = min(most, agenda[a, 0] - now[c.N_TIME])
    now[c.N_MOST] = max(most, 0.0)


@njit(cache=True, nogil=True)
def power(par: Any, st: Any, now: Any, events: Any) -> None:
    """Flows of the bus and its store, and what each machine gets."""
    given = now[c.N_ETA] * now[c.N_SUPPLY]
    net, net_s = given - now[c.N_ASKED], now[c.N_ETA] * now[c.N_SUPPLY_S]
    small = 1e-12 * (given + now[c.N_ASKED])
    until = flows(net, net_s, now[c.N_MOST], small, now)
    shed, shed_s = now[c.F_SHED], now[c.F_SHED + 1]
    now[c.N_UNTIL] = share_out(shed, shed_s, small, until, now)
    shedding = 1.0 if rises(shed, shed_s, small) else 0.0
    if shedding != now[c.N_SHEDDING]:
        now[c.N_SHEDDING] = shedding
        tell(events, now, c.E_SHED if shedding > 0.0 else c.E_SHED_ENDS, -1, shed)
    for e in range(st.shape[0]):
        serve(e, par, st, now, events)
        if par[e, c.SLEEPS] > 0.0 and st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            _rule_times(e, par, st, now)


@njit(cache=True, nogil=True)
def store(par: Any, st: Any, now: Any) -> None:
    """How the store moves, and when it reaches a level."""
    held, charge, discharge = now[c.H_HELD], now[c.U_CHARGE], now[c.U_DISCHARGE]
    inflow = charge * now[c.F_CHARGED] - now[c.F_GIVEN] / discharge
    inflow_s = charge * now[c.F_CHARGED + 1] - now[c.F_GIVEN + 1] / discharge
    moves = now[c.F_FULL] == 0.0 and (held > 0.0 or inflow != 0.0 or inflow_s != 0.0)
    now[c.N_INFLOW], now[c.N_INFLOW_S] = inflow, inflow_s
    now[c.N_MOVES] = 1.0 if moves else 0.0
    now[c.N_WHAT] = 0.0
    if moves and now[c.N_LAST] == 0.0:
        _levels(par, st, now)
        until = min(max(now[c.N_UNTIL], c.TINY_S), now[c.N_MOST])
        when, what = stored_reaches(held, inflow, inflow_s, now[c.U_LEAK], now[c.N_LOW], now[c.N_HIGH], until)
        now[c.N_UNTIL], now[c.N_WHAT] = when, float(what)


@njit(cache=True, nogil=True)
def run_bus_events(
    span_s: float, edges: Any, start: Any, slope: Any, agenda: Any, par: Any, bus: Any, tanks: Any, times: Any,
    boxed: Any, recorders: Any, talks: Any, error_k: float,
) -> Any:  # fmt: skip
    """Run a bus from event to event.

    Parameters
    ----------
    span_s : float
        Length of the period [s].
    edges, start, slope : ndarray, (m + 1,), (m, c) and (m, c)
        Ends of the stretches in which everything that drives the bus is linear [s], values at their starts, change
        per second.
    agenda : ndarray, (k, 5)
        Time [s], code, element, two values, in order of time.
    par : ndarray, (e, p)
        Columns `moonpost.operations.codes.PARAMETERS`.
    bus : ndarray, (3,)
        Efficiency of the bus, column of the ground's temperature (-1: none), shortest time between two changes of
        sleep [s].
    tanks : ndarray, (q, 9)
        Element, capacity, content on arrival [kg], flow in light and dark modes [kg/s], and room for sums; it is
        changed.
    times : ndarray, (n,)
        When to sample [s], rising to the span.
    boxed, recorders, talks : ndarray of int
        Elements with a box, with a recorder, and that make data.
    error_k : float
        Estimated error of a box's temperature allowed in a step [K].

    Returns
    -------
    tuple
        As `moonpost.operations.codes.Result`. The run stalled if its last number ``N_LAST`` is 0.

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    machines, kinds, many = par.shape[0], tanks.shape[0], times.size
    now, st, boxes = np.zeros(c.N_ALL), np.zeros((machines, _STATES)), np.zeros((boxed.size + 1, c.B_ALL))
    now[c.N_SPAN], now[c.N_ERROR] = span_s, error_k
    now[c.N_ETA], now[c.N_GROUND_SERIES], now[c.R_DWELL] = bus[0], bus[1], bus[2]
    boxes[:, c.B_TRY] = 3600.0
    for e in range(machines):
        start_state(par, st, e)
    sum_stores(par, st, now)
    bus_out, element_out = np.zeros((many, 10)), np.zeros((many, machines, 4))
    box_out, recorder_out = np.zeros((many, boxed.size, 2)), np.zeros((many, recorders.size, 4))
    tank_out = np.zeros((many, kinds))
    events = np.zeros((256 + 32 * machines + 8 * kinds, 4))
    while now[c.N_STALLED] < _STALLED:
        events = room_for_events(events, machines, kinds, now)
        look(edges, now)
        follow_boxes(boxed, boxes, st, now)
        do_agenda(agenda, boxed, boxes, tanks, par, st, now)
        now[c.N_LAST] = 1.0 if now[c.N_TIME] >= span_s - c.TINY_S else 0.0
        settle(start, slope, boxed, par, st, now, events)
        _horizon(edges, agenda, now)
        power(par, st, now, events)
        flow_data(talks, par, st, now, events)
        flow_tanks(tanks, st, now)
        step_boxes(boxed, boxes, edges, start, slope, par, st, now)
        store(par, st, now)
        step = min(max(now[c.N_UNTIL], c.TINY_S), now[c.N_MOST])
        take_samples(
            now[c.N_TIME] + step, times, bus_out, element_out, box_out, recorder_out, tank_out, boxed, recorders,
            boxes, tanks, par, st, now,
        )  # fmt: skip
        if now[c.N_LAST] > 0.0:
            break
        now[c.N_STRETCHES] += 1.0
        now[c.N_STALLED] = now[c.N_STALLED] + 1.0 if step < 1e-5 else 0.0
        keep_store(step, now, events)
        keep_elements(step, par, st, now)
        keep_data(step, talks, par, st, now, events)
        keep_tanks(step, tanks, now, events)
    told = events[: int(now[c.N_COUNT])].copy()
    return now, st, boxes, tanks, bus_out, element_out, box_out, recorder_out, tank_out, told
