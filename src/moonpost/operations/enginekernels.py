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
def new_work(fixed: Any) -> Any:
    """Arrays of a run, at its start."""
    par = fixed.par
    elements, kinds, boxed = par.shape[0], fixed.tanks.shape[0], fixed.boxed.size
    work = c.Work(
        np.zeros((elements, _STATES)),
        np.zeros(c.N_ALL),
        np.zeros(6),
        np.zeros(3),
        np.zeros(9),
        np.zeros(2),
        np.zeros(elements),
        np.zeros(10),
        np.ones((10, 2)),
        np.zeros(8),
        np.zeros((elements, 3)),
        np.zeros(elements),
        np.zeros((boxed, c.B_COLUMNS)),
        np.zeros(c.B_COLUMNS),
        np.zeros((boxed, 8)),
        np.zeros((elements, 4)),
        np.zeros(kinds),
        np.zeros(kinds),
        np.zeros((kinds, 3)),
    )
    for e in range(elements):
        start_state(par, work.st, e)
    work.boxes[:, c.B_TRY] = 3600.0
    work.rules[c.R_DWELL] = fixed.bus[3]
    sum_stores(par, work.st, work.pool)
    return work


@njit(cache=True, nogil=True)
def _new_samples(fixed: Any, work: Any) -> Any:
    many = fixed.samples.size
    return c.Samples(
        np.zeros((many, 10)),
        np.zeros((many, fixed.par.shape[0], 4)),
        np.zeros((many, fixed.boxed.size, 2)),
        np.zeros((many, fixed.recorders.size, 4)),
        np.zeros((many, work.kg.size)),
    )


@njit(cache=True, nogil=True)
def room_for_events(events: Any, work: Any) -> Any:
    """The table of events, longer if it may overflow in the next stretch."""
    count = int(work.now[c.N_COUNT])
    if count + 16 * work.st.shape[0] + 4 * work.kg.size + 64 <= events.shape[0]:
        return events
    more = np.zeros((2 * events.shape[0], 4))
    more[:count] = events[:count]
    return more


@njit(cache=True, nogil=True)
def _land_machine(e: int, fixed: Any, work: Any) -> None:
    """Fill the tanks of a machine that is there now, and note the temperature of its box."""
    for q in range(work.kg.size):
        if int(fixed.tanks[q, 0]) == e:
            work.kg[q] = fixed.tanks[q, 2]
    for b in range(fixed.boxed.size):
        if fixed.boxed[b] == e:
            work.heat[b, 7] = work.st[e, c.BOX_K]


@njit(cache=True, nogil=True)
def do_agenda(fixed: Any, work: Any) -> None:
    """Do what the agenda has for the present."""
    now, agenda = work.now, fixed.agenda
    a = int(now[c.N_AGENDA])
    while a < agenda.shape[0] and agenda[a, 0] <= now[c.N_TIME] + c.TINY_S:
        code, e = int(agenda[a, 1]), int(agenda[a, 2])
        if code == c.DO_AGE:
            drawn = work.cum[c.C_DRAWN] - now[c.N_AGED]
            age(fixed.par, work.st, work.pool, work.held, now[c.N_TIME], drawn)
            now[c.N_AGED] = work.cum[c.C_DRAWN]
        else:
            do(code, e, agenda[a, 3], agenda[a, 4], fixed.par, work)
            if code == c.DO_ARRIVE:
                _land_machine(e, fixed, work)
        a += 1
    now[c.N_AGENDA] = a


@njit(cache=True, nogil=True)
def look(fixed: Any, work: Any) -> None:
    """Find the stretch of the forcing, what the sources give and where the Sun stands."""
    now = work.now
    k = int(now[c.N_STRETCH])
    while k < fixed.edges.size - 2 and fixed.edges[k + 1] <= now[c.N_TIME] + c.TINY_S:
        k += 1
    now[c.N_STRETCH] = k
    now[c.N_SINCE] = now[c.N_TIME] - fixed.edges[k]
    sun = int(fixed.bus[1])
    if sun >= 0:
        now[c.N_SUN] = fixed.start[k, sun] + fixed.slope[k, sun] * now[c.N_SINCE]
        now[c.N_SUN_S] = fixed.slope[k, sun]


@njit(cache=True, nogil=True)
def settle(fixed: Any, work: Any, events: Any) -> None:
    """Apply every rule to the present: limits, heaters, sleep, modes."""
    par, st, now = fixed.par, work.st, work.now
    supply(fixed, st, now)
    for b in range(fixed.boxed.size):
        e = fixed.boxed[b]
        if st[e, c.HERE] == 0.0 or st[e, c.LOST] > 0.0:
            continue
        if box_rules(e, par, st, events, now):
            lose(e, par, work, events)
            supply(fixed, st, now)
        elif charge_rules(e, par, st, events, now):
            sum_stores(par, st, work.pool)
    work.loads[:] = 0.0
    asked = 0.0
    for e in range(st.shape[0]):
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            sleep_rules(e, par, work, events)
            settle_mode(e, par, st, events, now)
            asked += st[e, c.ASKED]
            work.loads[int(par[e, c.PRIORITY])] += st[e, c.ASKED]
    now[c.N_ASKED] = asked


@njit(cache=True, nogil=True)
def _rule_times(e: int, fixed: Any, work: Any) -> None:
    """When the rules of sleep should next be looked at."""
    par, st, now = fixed.par, work.st, work.now
    until = now[c.N_UNTIL]
    if st[e, c.LATCHED] > 0.0:
        return
    if st[e, c.HOLD] > now[c.N_TIME] + c.TINY_S:
        until = min(until, st[e, c.HOLD] - now[c.N_TIME])
    for column in (c.WAKE_SUN, c.SLEEP_SUN):
        off = now[c.N_SUN] - par[e, column]
        if par[e, column] > -1e9 and abs(off) > 1e-9:
            until = min(until, crossing(off, now[c.N_SUN_S]))
    for column in (c.WAKE_SUPPLY, c.SLEEP_SUPPLY):
        off = st[e, c.SUPPLY] - par[e, column]
        if par[e, column] > -1e9 and abs(off) > 1e-9 * (1.0 + par[e, column]):
            until = min(until, crossing(off, st[e, c.SUPPLY_S]))
    now[c.N_UNTIL] = until


@njit(cache=True, nogil=True)
def _levels(fixed: Any, work: Any) -> None:
    """The nearest energies below and above at which something happens."""
    par, st, held, usable = fixed.par, work.st, work.held[c.H_HELD], work.pool[c.U_USABLE]
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
    work.now[c.N_LOW], work.now[c.N_HIGH] = low, high


@njit(cache=True, nogil=True)
def _horizon(fixed: Any, work: Any) -> None:
    """How far the present stretch can reach at most."""
    now = work.now
    most = fixed.span_s - now[c.N_TIME]
    ahead = fixed.edges[int(now[c.N_STRETCH]) + 1] - now[c.N_TIME]
    if ahead > c.TINY_S:
        most = min(most, ahead)
    a = int(now[c.N_AGENDA])
    if a < fixed.agenda.shape[0]:
        most = min(most, fixed.agenda[a, 0] - now[c.N_TIME])
    now[c.N_MOST] = max(most, 0.0)


@njit(cache=True, nogil=True)
def _power(fixed: Any, work: Any, events: Any) -> None:
    """Flows of the bus and its store, and what each machine gets."""
    st, now, flow = work.st, work.now, work.flow
    eta = fixed.bus[0]
    net, net_s = eta * now[c.N_SUPPLY] - now[c.N_ASKED], eta * now[c.N_SUPPLY_S]
    small = 1e-12 * (eta * now[c.N_SUPPLY] + now[c.N_ASKED]) + 1e-13
    until = flows(net, net_s, now[c.N_MOST], work.held[c.H_HELD], work.pool, small, flow)
    shed, shed_s = flow[c.F_SHED], flow[c.F_SHED + 1]
    now[c.N_UNTIL] = share_out(shed, shed_s, small, until, work.loads, work.share)
    shedding = 1.0 if rises(shed, shed_s, small) else 0.0
    if shedding != now[c.N_SHEDDING]:
        now[c.N_SHEDDING] = shedding
        tell(events, now, c.E_SHED if shedding > 0.0 else c.E_SHED_ENDS, -1, shed)
    for e in range(st.shape[0]):
        serve(e, fixed, work, events)
        if fixed.par[e, c.SLEEPS] > 0.0 and st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            _rule_times(e, fixed, work)


@njit(cache=True, nogil=True)
def _store(fixed: Any, work: Any) -> None:
    """How the store moves, and when it reaches a level."""
    now, flow, pool, held = work.now, work.flow, work.pool, work.held[c.H_HELD]
    charge, discharge = pool[c.U_CHARGE], pool[c.U_DISCHARGE]
    inflow = charge * flow[c.F_CHARGED] - flow[c.F_GIVEN] / discharge
    inflow_s = charge * flow[c.F_CHARGED + 1] - flow[c.F_GIVEN + 1] / discharge
    moves = flow[c.F_FULL] == 0.0 and (held > 0.0 or inflow != 0.0 or inflow_s != 0.0)
    now[c.N_INFLOW], now[c.N_INFLOW_S] = inflow, inflow_s
    now[c.N_MOVES] = 1.0 if moves else 0.0
    now[c.N_WHAT] = 0.0
    if moves and now[c.N_LAST] == 0.0:
        _levels(fixed, work)
        until = max(now[c.N_UNTIL], c.TINY_S)
        when, what = stored_reaches(
            held, inflow, inflow_s, pool[c.U_LEAK], now[c.N_LOW], now[c.N_HIGH], min(until, now[c.N_MOST])
        )
        now[c.N_UNTIL], now[c.N_WHAT] = when, float(what)


@njit(cache=True, nogil=True)
def _run(fixed: Any) -> Any:
    """Run from event to event."""
    work = new_work(fixed)
    samples = _new_samples(fixed, work)
    events = np.zeros((256 + 32 * work.st.shape[0] + 8 * work.kg.size, 4))
    now = work.now
    while now[c.N_STALLED] < _STALLED:
        events = room_for_events(events, work)
        look(fixed, work)
        follow_boxes(fixed, work)
        do_agenda(fixed, work)
        now[c.N_LAST] = 1.0 if now[c.N_TIME] >= fixed.span_s - c.TINY_S else 0.0
        settle(fixed, work, events)
        _horizon(fixed, work)
        _power(fixed, work, events)
        flow_data(fixed, work, events)
        flow_tanks(fixed, work)
        step_boxes(fixed, work)
        _store(fixed, work)
        step = min(max(now[c.N_UNTIL], c.TINY_S), now[c.N_MOST])
        take_samples(now[c.N_TIME] + step, fixed, work, samples)
        if now[c.N_LAST] > 0.0:
            break
        now[c.N_STRETCHES] += 1.0
        now[c.N_STALLED] = now[c.N_STALLED] + 1.0 if step < 1e-5 else 0.0
        keep_store(step, fixed, work, events)
        keep_elements(step, fixed, work)
        keep_data(step, fixed, work, events)
        keep_tanks(step, fixed, work, events)
    work.mass[:, 2] = work.kg
    return work, samples, events[: int(now[c.N_COUNT])]


def run_bus_events(fixed: c.Fixed) -> tuple[c.Work, c.Samples, Any]:
    """Run a bus from event to event.

    Parameters
    ----------
    fixed : Fixed
        The bus, its machines, what drives them and the agenda.

    Returns
    -------
    work : Work
        Its arrays at the end, sums included. The run stalled if ``now`` has thousands of stretches without length.
    samples : Samples
        Sums and states at the times of the samples.
    events : ndarray, (k, 4)
        Time [s], code, element (-1: the bus; for tanks: the tank), value.

    Examples
    --------
    >>> from moonpost.operations.engine import run_station  # see there
    """
    work, samples, events = _run(fixed)
    return work, samples, events
