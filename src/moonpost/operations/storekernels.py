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
def sum_stores(par: Any, st: Any, now: Any) -> None:
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
    now[c.U_USABLE] = usable
    now[c.U_CHARGE] = usable / filled if some else 1.0
    now[c.U_DISCHARGE] = emptied / usable if some else 1.0
    now[c.U_CHARGE_W] = charge_w if allowed > 0.0 or not some else 0.0
    now[c.U_DISCHARGE_W] = discharge_w
    now[c.U_LEAK] = leak / usable if some else 0.0


@njit(cache=True, nogil=True)
def shrink(e: int, before: float, par: Any, st: Any, now: Any) -> None:
    """Take out of the pool what a part of it that is gone held, and sum it anew."""
    after = usable_of(par, st, e)
    if after < before and now[c.U_USABLE] > 0.0:
        gone = now[c.H_HELD] * (before - after) / now[c.U_USABLE]
        now[c.H_HELD] -= gone
        now[c.H_REMOVED] += gone
    sum_stores(par, st, now)
    over = now[c.H_HELD] - now[c.U_USABLE]
    if over > 0.0:
        now[c.H_HELD] -= over
        now[c.H_REMOVED] += over


@njit(cache=True, nogil=True)
def age(par: Any, st: Any, now: Any) -> None:
    """Fade every store by its years and by what has been drawn from the pool since the last time."""
    drawn = now[c.C_DRAWN] - now[c.N_AGED]
    now[c.N_AGED] = now[c.C_DRAWN]
    whole = now[c.U_USABLE]
    for e in range(par.shape[0]):
        part = usable_of(par, st, e)
        if part == 0.0:
            continue
        st[e, c.CYCLES] += drawn * part / whole / par[e, c.NAMEPLATE]
        years = max(now[c.N_TIME] - st[e, c.SINCE], 0.0) / c.YEAR_S
        st[e, c.FADED] = max(1.0 - par[e, c.FADE_YEAR] * years - par[e, c.FADE_CYCLE] * st[e, c.CYCLES], 0.0)
    sum_stores(par, st, now)
    over = now[c.H_HELD] - now[c.U_USABLE]
    if over > 0.0:
        now[c.H_HELD] -= over
        now[c.H_REMOVED] += over


@njit(cache=True, nogil=True, inline="always")
def _later(value: float, slope: float, small: float) -> float:
    """When a value clearly above zero falls to it."""
    return crossing(value, slope) if value > small else math.inf


@njit(cache=True, nogil=True)
def _surplus(net: float, net_s: float, until: float, small: float, now: Any) -> float:
    """Charge with what is left over; spill the rest."""
    usable, limit = now[c.U_USABLE], now[c.U_CHARGE_W]
    keep = now[c.U_LEAK] * usable / now[c.U_CHARGE]
    full = now[c.H_HELD] >= usable
    if full and keep <= limit and (net >= keep or rises(net - keep, net_s, small)):
        now[c.F_CHARGED], now[c.F_SPILLED], now[c.F_SPILLED + 1], now[c.F_FULL] = keep, net - keep, net_s, 1.0
        return min(until, _later(net - keep, net_s, small))
    if rises(net - limit, net_s, small):
        now[c.F_CHARGED], now[c.F_SPILLED], now[c.F_SPILLED + 1] = limit, net - limit, net_s
        return min(until, _later(net - limit, net_s, small))
    now[c.F_CHARGED], now[c.F_CHARGED + 1] = max(net, 0.0), net_s
    until = min(until, _later(limit - net, -net_s, small))
    if full:
        until = min(until, _later(keep - net, -net_s, small))
    return until


@njit(cache=True, nogil=True)
def flows(net: float, net_s: float, most: float, small: float, now: Any) -> float:
    """What the store takes and gives, what is spilled and shed, with changes, and until when that holds."""
    now[c.F_CHARGED : c.F_FULL + 1] = 0.0
    if rises(net, net_s, small) or (abs(net) <= small and net_s == 0.0):
        return _surplus(net, net_s, min(most, _later(net, net_s, small)), small, now)
    until = min(most, _later(-net, -net_s, small))
    if now[c.H_HELD] <= 0.0:
        now[c.F_SHED], now[c.F_SHED + 1] = -net, -net_s
        return until
    limit = now[c.U_DISCHARGE_W]
    if rises(-net - limit, -net_s, small):
        now[c.F_GIVEN], now[c.F_SHED], now[c.F_SHED + 1] = limit, -net - limit, -net_s
        return min(until, _later(-net - limit, -net_s, small))
    now[c.F_GIVEN], now[c.F_GIVEN + 1] = -net, -net_s
    return min(until, _later(limit + net, net_s, small))
