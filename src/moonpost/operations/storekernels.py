"""The pooled store of a bus: its size, how it shrinks and ages, and what it takes and gives."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from moonpost.operations import codes as c
from moonpost.operations.buskernels import crossing, rises

__all__: list[str] = []


@njit(cache=True, nogil=True)
def usable_of(par: Any, st: Any, e: int) -> float:
    """Usable energy of an element's store [J]."""
    if st[e, c.HERE] == 0.0 or st[e, c.LOST] > 0.0:
        return 0.0
    return par[e, c.USABLE] * st[e, c.MODULES_LEFT] / par[e, c.MODULES] * st[e, c.FADED]


@njit(cache=True, nogil=True)
def sum_stores(par: Any, st: Any, pool: Any) -> None:
    """Sum the stores: usable [J], efficiencies, limits [W] by the store that meets its own first, leak [1/s]."""
    usable = filled = emptied = leak = allowed = 0.0
    for e in range(par.shape[0]):
        part = usable_of(par, st, e)
        usable += part
        filled += part / par[e, c.CHARGE]
        emptied += part * par[e, c.DISCHARGE]
        leak += part * par[e, c.LEAK]
        if st[e, c.BLOCKED] == 0.0:
            allowed += part
    charge_w = discharge_w = math.inf
    for e in range(par.shape[0]):
        part = usable_of(par, st, e)
        if part > 0.0:
            whole = st[e, c.MODULES_LEFT] / par[e, c.MODULES] * usable / part
            discharge_w = min(discharge_w, par[e, c.DISCHARGE_W] * whole)
            if st[e, c.BLOCKED] == 0.0:
                charge_w = min(charge_w, par[e, c.CHARGE_W] * whole * allowed / usable)
    some = usable > 0.0
    pool[c.U_USABLE] = usable
    pool[c.U_CHARGE] = usable / filled if some else 1.0
    pool[c.U_DISCHARGE] = emptied / usable if some else 1.0
    pool[c.U_CHARGE_W] = charge_w if allowed > 0.0 or not some else 0.0
    pool[c.U_DISCHARGE_W] = discharge_w
    pool[c.U_LEAK] = leak / usable if some else 0.0


@njit(cache=True, nogil=True)
def shrink(par: Any, st: Any, pool: Any, held: Any, e: int, before: float) -> None:
    """Take out of the pool what a part of it that is gone held, and sum it anew."""
    after = usable_of(par, st, e)
    if after < before and pool[c.U_USABLE] > 0.0:
        gone = held[c.H_HELD] * (before - after) / pool[c.U_USABLE]
        held[c.H_HELD] -= gone
        held[c.H_REMOVED] += gone
    sum_stores(par, st, pool)
    over = held[c.H_HELD] - pool[c.U_USABLE]
    if over > 0.0:
        held[c.H_HELD] -= over
        held[c.H_REMOVED] += over


@njit(cache=True, nogil=True)
def age(par: Any, st: Any, pool: Any, held: Any, time: float, drawn: float) -> None:
    """Fade every store by its years and by what has been drawn from the pool since the last time [J]."""
    whole = pool[c.U_USABLE]
    for e in range(par.shape[0]):
        part = usable_of(par, st, e)
        if part == 0.0:
            continue
        st[e, c.CYCLES] += drawn * part / whole / par[e, c.NAMEPLATE]
        years = max(time - st[e, c.SINCE], 0.0) / c.YEAR_S
        st[e, c.FADED] = max(1.0 - par[e, c.FADE_YEAR] * years - par[e, c.FADE_CYCLE] * st[e, c.CYCLES], 0.0)
    sum_stores(par, st, pool)
    over = held[c.H_HELD] - pool[c.U_USABLE]
    if over > 0.0:
        held[c.H_HELD] -= over
        held[c.H_REMOVED] += over


@njit(cache=True, nogil=True, inline="always")
def _later(value: float, slope: float, small: float) -> float:
    """When a value clearly above zero falls to it."""
    return crossing(value, slope) if value > small else math.inf


@njit(cache=True, nogil=True)
def _surplus(net: float, net_s: float, until: float, held_j: float, pool: Any, small: float, flow: Any) -> float:
    """Charge with what is left over; spill the rest."""
    usable, limit = pool[c.U_USABLE], pool[c.U_CHARGE_W]
    keep = pool[c.U_LEAK] * usable / pool[c.U_CHARGE]
    full = held_j >= usable
    if full and keep <= limit and (net >= keep or rises(net - keep, net_s, small)):
        flow[c.F_CHARGED], flow[c.F_SPILLED], flow[c.F_SPILLED + 1], flow[c.F_FULL] = keep, net - keep, net_s, 1.0
        return min(until, _later(net - keep, net_s, small))
    if rises(net - limit, net_s, small):
        flow[c.F_CHARGED], flow[c.F_SPILLED], flow[c.F_SPILLED + 1] = limit, net - limit, net_s
        return min(until, _later(net - limit, net_s, small))
    flow[c.F_CHARGED], flow[c.F_CHARGED + 1] = max(net, 0.0), net_s
    until = min(until, _later(limit - net, -net_s, small))
    if full:
        until = min(until, _later(keep - net, -net_s, small))
    return until


@njit(cache=True, nogil=True)
def flows(net: float, net_s: float, most: float, held_j: float, pool: Any, small: float, flow: Any) -> float:
    """What the store takes and gives, what is spilled and shed, each with its change, and until when that holds."""
    flow[:] = 0.0
    if rises(net, net_s, small) or (abs(net) <= small and net_s == 0.0):
        return _surplus(net, net_s, min(most, _later(net, net_s, small)), held_j, pool, small, flow)
    until = min(most, _later(-net, -net_s, small))
    if held_j <= 0.0:
        flow[c.F_SHED], flow[c.F_SHED + 1] = -net, -net_s
        return until
    limit = pool[c.U_DISCHARGE_W]
    if rises(-net - limit, -net_s, small):
        flow[c.F_GIVEN], flow[c.F_SHED], flow[c.F_SHED + 1] = limit, -net - limit, -net_s
        return min(until, _later(-net - limit, -net_s, small))
    flow[c.F_GIVEN], flow[c.F_GIVEN + 1] = -net, -net_s
    return min(until, _later(limit + net, net_s, small))
