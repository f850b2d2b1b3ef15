"""One bus with its machines by fixed steps, to compare with; imported only where it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from moonpost.operations import codes as c
from moonpost.operations.enginekernels import room_for_events
from moonpost.operations.stationkernels import (
    box_rules,
    charge_rules,
    do,
    lose,
    settle_mode,
    sleep_rules,
    start_state,
    tell,
)
from moonpost.operations.storekernels import age, sum_stores

__all__ = ["run_bus_steps"]


@njit(cache=True, nogil=True)
def _sources(means: Any, k: int, par: Any, st: Any) -> float:
    """What the sources give in a sample, machine by machine, and in all [W]."""
    total = 0.0
    for e in range(st.shape[0]):
        value = 0.0
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            arrays, others = int(par[e, c.SERIES]), int(par[e, c.SERIES + 1])
            if arrays >= 0:
                value += st[e, c.ARRAY] * means[arrays, k]
            if others >= 0:
                value += st[e, c.SOURCE] * means[others, k]
        st[e, c.SUPPLY] = value
        total += value
    return total


@njit(cache=True, nogil=True)
def _rules(means: Any, k: int, boxed: Any, par: Any, st: Any, now: Any, events: Any) -> None:
    """Every rule of the models, at the start of a step."""
    now[c.N_SUPPLY] = _sources(means, k, par, st)
    for b in range(boxed.size):
        e = boxed[b]
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            if box_rules(e, par, st, events, now):
                lose(e, par, st, now, events)
                now[c.N_SUPPLY] = _sources(means, k, par, st)
            elif charge_rules(e, par, st, events, now):
                sum_stores(par, st, now)
    now[c.N_ASKED] = 0.0
    for e in range(st.shape[0]):
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            sleep_rules(e, par, st, now, events)
            settle_mode(e, par, st, events, now)
            now[c.N_ASKED] += st[e, c.ASKED]


@njit(cache=True, nogil=True)
def _balance(step: float, now: Any, events: Any) -> float:
    """Charge, draw, spill and shed over a step; what is shed on average [W]."""
    held, usable, charge, discharge = now[c.H_HELD], now[c.U_USABLE], now[c.U_CHARGE], now[c.U_DISCHARGE]
    net = now[c.N_ETA] * now[c.N_SUPPLY] - now[c.N_ASKED]
    leaked = held * now[c.U_LEAK] * step
    room = usable - held + leaked
    taken = given = spilled = shed = 0.0
    if net >= 0.0:
        taken = min(net, now[c.U_CHARGE_W], max(room, 0.0) / (charge * step))
        spilled = net - taken
    else:
        given = min(-net, now[c.U_DISCHARGE_W], max(held - leaked, 0.0) * discharge / step)
        shed = -net - given
    after = held - leaked + step * (charge * taken - given / discharge)
    if after < 1e-9 * usable:
        after = 0.0
    if after > usable * (1.0 - 1e-12):
        after = usable
    now[c.C_SUPPLY] += step * now[c.N_SUPPLY]
    now[c.C_ASKED] += step * now[c.N_ASKED]
    now[c.C_SHED] += step * shed
    now[c.C_CHARGED] += step * taken
    now[c.C_GIVEN] += step * given
    now[c.C_SPILLED] += step * spilled
    now[c.C_LOSS] += step * ((1.0 - charge) * taken + (1.0 / discharge - 1.0) * given) + leaked
    now[c.C_DRAWN] += step * given / discharge
    now[c.H_HELD] = after
    _tell_store(held, after, shed, now, events)
    return shed


@njit(cache=True, nogil=True)
def _tell_store(before: float, after: float, shed: float, now: Any, events: Any) -> None:
    usable = now[c.U_USABLE]
    if after >= usable > before:
        tell(events, now, c.E_FULL, -1, after / 3600.0)
    elif after == 0.0 and before > 0.0:
        tell(events, now, c.E_EMPTY, -1, 0.0)
    shedding = 1.0 if shed > 1e-9 * (1.0 + now[c.N_ASKED]) else 0.0
    if shedding != now[c.N_SHEDDING]:
        now[c.N_SHEDDING] = shedding
        tell(events, now, c.E_SHED if shedding > 0.0 else c.E_SHED_ENDS, -1, shed)


@njit(cache=True, nogil=True)
def _share(shed: float, par: Any, st: Any, now: Any, events: Any) -> None:
    """Take what is shed from the machines, priority 9 first."""
    left = shed if shed > 1e-9 * (1.0 + now[c.N_ASKED]) else 0.0
    for p in range(9, 0, -1):
        load = 0.0
        for e in range(st.shape[0]):
            if int(par[e, c.PRIORITY]) == p:
                load += st[e, c.ASKED]
        gone = min(left, load)
        left -= gone
        for e in range(st.shape[0]):
            if int(par[e, c.PRIORITY]) == p:
                st[e, c.SHARE] = 1.0 - gone / load if load > 0.0 else 1.0
                short = 1.0 if gone > 0.0 and st[e, c.ASKED] > 0.0 else 0.0
                if short != st[e, c.SHED]:
                    st[e, c.SHED] = short
                    tell(events, now, c.E_ONE_SHED if short > 0.0 else c.E_ONE_SHED_ENDS, e, st[e, c.ASKED])


@njit(cache=True, nogil=True)
def _box(e: int, k: int, part: float, step: float, means: Any, points: Any, heat: Any, par: Any, st: Any) -> None:
    """One step of a box by Heun's method."""
    radiates = par[e, c.RADIATOR] * st[e, c.RADIATES]
    if st[e, c.WORKING] + st[e, c.HOT] == 0.0:
        radiates *= par[e, c.CLOSED]
    heater = st[e, c.HEATING] * par[e, c.HEATER_W]
    electric = par[e, c.ELECTRIC] * max(st[e, c.ASKED] * par[e, c.CONVERTER] / par[e, c.COUNT] - heater, 0.0)
    inward = (electric + heater) * st[e, c.SHARE]
    inward += par[e, c.HEAT_LIGHT] if st[e, c.LIGHT_MODE] > 0.0 else par[e, c.HEAT_DARK]
    for series in (int(par[e, c.SERIES + 2]), int(par[e, c.SERIES + 3])):
        if series >= 0:
            inward += means[series, k]
    ground = 0.0
    if points.shape[0] > 0:
        ground = points[0, k] + (points[0, min(k + 1, points.shape[1] - 1)] - points[0, k]) * part
    start = st[e, c.BOX_K]
    out = radiates * start**4 + par[e, c.GROUND] * (start - ground)
    guess = start + step * (inward - out) / par[e, c.CAPACITY]
    out = 0.5 * (out + radiates * guess**4 + par[e, c.GROUND] * (guess - ground))
    st[e, c.BOX_K] = start + step * (inward - out) / par[e, c.CAPACITY]
    heat[0] += step * heater * st[e, c.SHARE]
    heat[1] += step * inward
    heat[2] += step * out


@njit(cache=True, nogil=True)
def _made(e: int, par: Any, st: Any) -> float:
    if st[e, c.HERE] == 0.0 or st[e, c.LOST] + st[e, c.SHED] > 0.0:
        return 0.0
    made = par[e, c.DATA_LIGHT] if st[e, c.LIGHT_MODE] > 0.0 else par[e, c.DATA_DARK]
    return float(made + st[e, c.RUN_BIT_S] * st[e, c.WORKING])


@njit(cache=True, nogil=True)
def _data(e: int, step: float, par: Any, st: Any, now: Any, events: Any) -> None:
    """Data of a machine over a step."""
    made = step * _made(e, par, st)
    before, most = st[e, c.HELD_BIT], par[e, c.RECORDER_BIT]
    sent, lost, after = made, 0.0, 0.0
    if par[e, c.RECORDER] > 0.0:
        works = st[e, c.RECORDS] > 0.0
        able = step * par[e, c.DOWNLINK] if works and st[e, c.SENDING] > 0.0 and st[e, c.SHED] == 0.0 else 0.0
        kept = made if works else 0.0
        sent = min(able, before + kept)
        after = min(before + kept - sent, most)
        lost = before + made - sent - after
        if after >= most > before:
            tell(events, now, c.E_REC_FULL, e, most)
        elif after <= 0.0 < before:
            tell(events, now, c.E_REC_EMPTY, e, 0.0)
    losing = 1.0 if lost > 1e-9 * made else 0.0
    if losing != st[e, c.LOSING]:
        st[e, c.LOSING] = losing
        tell(events, now, c.E_LOSS if losing > 0.0 else c.E_LOSS_ENDS, e, lost / step)
    st[e, c.MADE] += made
    st[e, c.SENT] += sent
    st[e, c.DROPPED] += lost
    st[e, c.HELD_BIT] = after


@njit(cache=True, nogil=True)
def _tank(q: int, step: float, tanks: Any, st: Any, now: Any, events: Any) -> None:
    """Content of a tank over a step."""
    e = int(tanks[q, c.T_ELEMENT])
    rate = 0.0
    if st[e, c.HERE] > 0.0 and st[e, c.LOST] + st[e, c.SHED] == 0.0:
        rate = tanks[q, c.T_LIGHT] if st[e, c.LIGHT_MODE] > 0.0 else tanks[q, c.T_DARK]
    before, most = tanks[q, c.T_KG], tanks[q, c.T_CAPACITY]
    after = min(max(before + step * rate, 0.0), most)
    if after >= most * (1.0 - 1e-12) > before:
        after = most
        tell(events, now, c.E_TANK_FULL, q, after)
    elif after <= 1e-12 * most < before:
        after = 0.0
        tell(events, now, c.E_TANK_EMPTY, q, after)
    tanks[q, c.T_GAINED] += max(after - before, 0.0)
    tanks[q, c.T_DRAWN] += max(before - after, 0.0)
    tanks[q, c.T_KG] = after


@njit(cache=True, nogil=True)
def _agenda(agenda: Any, tanks: Any, par: Any, st: Any, now: Any) -> None:
    a = int(now[c.N_AGENDA])
    while a < agenda.shape[0] and agenda[a, 0] <= now[c.N_TIME] + c.TINY_S:
        code, e = int(agenda[a, 1]), int(agenda[a, 2])
        if code == c.DO_AGE:
            age(par, st, now)
        else:
            do(code, e, agenda[a, 3], agenda[a, 4], par, st, now)
        if code == c.DO_ARRIVE:
            for q in range(tanks.shape[0]):
                if int(tanks[q, c.T_ELEMENT]) == e:
                    tanks[q, c.T_KG] = tanks[q, c.T_INITIAL]
        a += 1
    now[c.N_AGENDA] = a


@njit(cache=True, nogil=True)
def run_bus_steps(
    span_s: float, step_s: float, sample_s: float, means: Any, points: Any, agenda: Any, par: Any, bus: Any,
    tanks: Any, boxed: Any, talks: Any,
) -> Any:  # fmt: skip
    """Run a bus by fixed steps: the rules of the machines are looked at once in each.

    Parameters
    ----------
    span_s, step_s, sample_s : float
        Length of the period, of a step, and of a sample of what drives it [s].
    means, points : ndarray, (c, n) and (d, n)
        What drives it, not thinned: means of samples, and values at their starts.
    agenda, par, bus, tanks, boxed, talks
        As for `moonpost.operations.enginekernels.run_bus_events`.

    Returns
    -------
    now, st, heat, tanks, events : ndarray
        Numbers of the bus and machines at the end, heat of boxes (heaters, all in, all out) [J], tanks, events.

    Examples
    --------
    >>> from moonpost.operations.stepped import run_stepped  # see there
    """
    now, st = np.zeros(c.N_ALL), np.zeros((par.shape[0], len(c.STATES)))
    now[c.N_SPAN], now[c.N_ETA], now[c.R_DWELL] = span_s, bus[0], bus[2]
    for e in range(par.shape[0]):
        start_state(par, st, e)
    sum_stores(par, st, now)
    heat = np.zeros((boxed.size, 3))
    events = np.zeros((4096, 4))
    for n in range(round(span_s / step_s)):
        events = room_for_events(events, par.shape[0], tanks.shape[0], now)
        now[c.N_TIME] = n * step_s
        k = min(int(now[c.N_TIME] / sample_s + 1e-9), means.shape[1] - 1)
        _agenda(agenda, tanks, par, st, now)
        _rules(means, k, boxed, par, st, now, events)
        shed = _balance(step_s, now, events)
        _share(shed, par, st, now, events)
        part = (now[c.N_TIME] + 0.5 * step_s) / sample_s - k
        for b in range(boxed.size):
            e = boxed[b]
            if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
                _box(e, k, part, step_s, means, points, heat[b], par, st)
        for i in range(talks.size):
            _data(talks[i], step_s, par, st, now, events)
        for q in range(tanks.shape[0]):
            _tank(q, step_s, tanks, st, now, events)
    return now, st, heat, tanks, events[: int(now[c.N_COUNT])].copy()
