"""Rules of machines on a bus: agenda, limits, heaters, sleep, modes and supply."""

from __future__ import annotations

from typing import Any

from numba import njit

from moonpost.operations import codes as c
from moonpost.operations.buskernels import rises
from moonpost.operations.storekernels import shrink, sum_stores, usable_of

__all__: list[str] = []


@njit(cache=True, nogil=True)
def start_state(par: Any, st: Any, e: int) -> None:
    """A machine as new, not yet here."""
    st[e, c.AWAKE] = st[e, c.CAN_WAKE] = st[e, c.ARRAY] = st[e, c.SOURCE] = st[e, c.LOAD] = st[e, c.RADIATES] = 1.0
    st[e, c.SUN_WAKE] = st[e, c.SUN_SLEEP] = st[e, c.WORKS] = st[e, c.CONTACT_COUNTS] = st[e, c.RECORDS] = st[
        e, c.FADED
    ] = 1.0
    st[e, c.MODULES_LEFT] = par[e, c.MODULES]
    st[e, c.BOX_K] = par[e, c.INITIAL_K]


@njit(cache=True, nogil=True, inline="always")
def tell(events: Any, now: Any, code: int, who: int, value: float) -> None:
    """Add an event."""
    k = int(now[c.N_COUNT])
    events[k, 0] = now[c.N_TIME]
    events[k, 1] = code
    events[k, 2] = who
    events[k, 3] = value
    now[c.N_COUNT] += 1.0


@njit(cache=True, nogil=True)
def _arrive(e: int, since: float, par: Any, st: Any, now: Any) -> None:
    """A machine is there: its store full, but for the years since it came."""
    st[e, c.HERE] = 1.0
    st[e, c.SINCE] = since
    st[e, c.BOX_K] = par[e, c.INITIAL_K]
    if par[e, c.USABLE] > 0.0:
        years = max(now[c.N_TIME] - since, 0.0) / c.YEAR_S
        st[e, c.FADED] = max(1.0 - par[e, c.FADE_YEAR] * years, 0.0)
        new = usable_of(par, st, e)
        now[c.H_HELD] += new
        now[c.H_BROUGHT] += new
        sum_stores(par, st, now)


@njit(cache=True, nogil=True)
def _run(e: int, power: float, rate: float, st: Any) -> None:
    """An activity starts or stops."""
    st[e, c.RUN_W] += power
    st[e, c.RUN_BIT_S] += rate
    if power > 0.0 or rate > 0.0:
        st[e, c.PENDING] = 1.0
    if abs(st[e, c.RUN_W]) < 1e-9:
        st[e, c.RUN_W] = 0.0
    if abs(st[e, c.RUN_BIT_S]) < 1e-9:
        st[e, c.RUN_BIT_S] = 0.0


@njit(cache=True, nogil=True)
def _light(value: float, st: Any, now: Any) -> None:
    """The bus comes into light or out of it; who cannot wake stays in the dark mode."""
    for e in range(st.shape[0]):
        if value == 0.0 or st[e, c.CAN_WAKE] > 0.0:
            st[e, c.LIT] = value
    now[c.R_LIT] = value


@njit(cache=True, nogil=True)
def do(code: int, e: int, value: float, second: float, par: Any, st: Any, now: Any) -> None:
    """Do what the agenda asks."""
    if c.SETS[code] >= 0:
        st[e, c.SETS[code]] = value
    elif code == c.DO_LIT:
        _light(value, st, now)
    elif code == c.DO_ARRIVE:
        _arrive(e, second, par, st, now)
    elif code == c.DO_WINDOW:
        st[e, c.CONTACT] += value
    elif code == c.DO_RUN:
        _run(e, value, second, st)
    elif code == c.DO_MODULES:
        before = usable_of(par, st, e)
        st[e, c.MODULES_LEFT] = min(value, par[e, c.MODULES])
        shrink(e, before, par, st, now)
    elif code == c.DO_ASLEEP:
        st[e, c.LATCHED] = 1.0 if value > 0.0 else 0.0
        st[e, c.COMMANDED] = 1.0 if value == 0.0 else 0.0
    elif code == c.DO_CAN_WAKE:
        st[e, c.CAN_WAKE] = value
        if value > 0.0:
            st[e, c.LIT] = now[c.R_LIT]


@njit(cache=True, nogil=True, inline="always")
def inside_k(par: Any, e: int) -> float:
    """How far inside its limits a machine has to be to work again [K]."""
    return min(2.0, 0.25 * (par[e, c.OPERATE_MAX] - par[e, c.OPERATE_MIN]))


@njit(cache=True, nogil=True)
def _limit_rules(e: int, k: float, par: Any, st: Any, events: Any, now: Any) -> None:
    """Whether a machine is too cold or too warm to work."""
    inside = inside_k(par, e)
    if st[e, c.COLD] == 0.0:
        if k <= par[e, c.OPERATE_MIN] + c.SLACK_K:
            st[e, c.COLD] = 1.0
            tell(events, now, c.E_COLD, e, k)
    elif k >= par[e, c.OPERATE_MIN] + inside - c.SLACK_K:
        st[e, c.COLD] = 0.0
        tell(events, now, c.E_COLD_ENDS, e, k)
    if st[e, c.HOT] == 0.0:
        if k >= par[e, c.OPERATE_MAX] - c.SLACK_K:
            st[e, c.HOT] = 1.0
            tell(events, now, c.E_HOT, e, k)
    elif k <= par[e, c.OPERATE_MAX] - inside + c.SLACK_K:
        st[e, c.HOT] = 0.0
        tell(events, now, c.E_HOT_ENDS, e, k)


@njit(cache=True, nogil=True)
def box_rules(e: int, par: Any, st: Any, events: Any, now: Any) -> bool:
    """Limits and heater of a box; True if the machine is lost."""
    k = st[e, c.BOX_K]
    if k <= par[e, c.SURVIVE_MIN] + c.SLACK_K or k >= par[e, c.SURVIVE_MAX] - c.SLACK_K:
        return True
    _limit_rules(e, k, par, st, events, now)
    if st[e, c.HEATER] == 0.0:
        st[e, c.HEATER] = 1.0 if k <= par[e, c.HEATER_ON] + c.SLACK_K else 0.0
    elif k >= par[e, c.HEATER_OFF] - c.SLACK_K:
        st[e, c.HEATER] = 0.0
    on = 0.0
    if par[e, c.HEATER_W] > 0.0 and (st[e, c.STUCK] > 0.0 or st[e, c.HEATER] * st[e, c.WORKS] > 0.0):
        on = 1.0
    if on != st[e, c.HEATING]:
        st[e, c.HEATING] = on
        tell(events, now, c.E_HEATER_ON if on > 0.0 else c.E_HEATER_OFF, e, k)
    return False


@njit(cache=True, nogil=True)
def charge_rules(e: int, par: Any, st: Any, events: Any, now: Any) -> bool:
    """Whether a store is too cold or too warm to be charged; True if that changes."""
    k, low, high = st[e, c.BOX_K], par[e, c.CHARGE_MIN], par[e, c.CHARGE_MAX]
    if st[e, c.BLOCKED] == 0.0:
        if k <= low + c.SLACK_K or k >= high - c.SLACK_K:
            st[e, c.BLOCKED] = 1.0
            tell(events, now, c.E_BLOCKED, e, k)
            return True
    elif k >= low + 1.0 - c.SLACK_K and k <= high - 1.0 + c.SLACK_K:
        st[e, c.BLOCKED] = 0.0
        tell(events, now, c.E_ALLOWED, e, k)
        return True
    return False


@njit(cache=True, nogil=True)
def _must_sleep(e: int, par: Any, st: Any, now: Any) -> bool:
    if st[e, c.SUN_SLEEP] == 0.0:
        return True
    level = par[e, c.SLEEP_SUPPLY]
    if level > -1e9 and not rises(st[e, c.SUPPLY] - level, st[e, c.SUPPLY_S], 1e-9 * (1.0 + level)):
        return True
    level, usable = par[e, c.SLEEP_STORED], now[c.U_USABLE]
    if level > -1e9 and usable > 0.0 and now[c.H_HELD] <= level * usable * (1.0 + 1e-10):
        return True
    return par[e, c.DARK_SLEEP] > 0.0 and now[c.R_LIT] == 0.0


@njit(cache=True, nogil=True)
def _too_cold_to_wake(e: int, par: Any, st: Any) -> bool:
    return par[e, c.BOX] > 0.0 and par[e, c.WAKE_K] > 0.0 and st[e, c.BOX_K] < par[e, c.WAKE_K] - c.SLACK_K


@njit(cache=True, nogil=True)
def _may_wake(e: int, par: Any, st: Any, now: Any) -> bool:
    if st[e, c.CAN_WAKE] * st[e, c.SUN_WAKE] == 0.0 or _too_cold_to_wake(e, par, st):
        return False
    if par[e, c.COMMAND] > 0.0 and st[e, c.CONTACT] * st[e, c.CONTACT_COUNTS] <= 0.0:
        return False
    level = par[e, c.WAKE_SUPPLY]
    if level > -1e9 and not rises(st[e, c.SUPPLY] - level, st[e, c.SUPPLY_S], 1e-9 * (1.0 + level)):
        return False
    level, usable = par[e, c.WAKE_STORED], now[c.U_USABLE]
    return not (level > -1e9 and usable > 0.0 and now[c.H_HELD] < level * usable * (1.0 - 1e-10))


@njit(cache=True, nogil=True)
def _turn(e: int, awake: float, st: Any, now: Any, events: Any) -> None:
    """Wake a machine, or put it to sleep."""
    if st[e, c.AWAKE] != awake:
        st[e, c.AWAKE] = awake
        st[e, c.HOLD] = now[c.N_TIME] + now[c.R_DWELL]
        tell(events, now, c.E_WAKE if awake > 0.0 else c.E_SLEEP, e, st[e, c.SUPPLY])


@njit(cache=True, nogil=True)
def _command(e: int, par: Any, st: Any, now: Any, events: Any) -> None:
    """Wake a machine by command, if it has the energy and the temperature."""
    level, usable = par[e, c.SLEEP_STORED], now[c.U_USABLE]
    st[e, c.COMMANDED] = 0.0
    empty = level > -1e9 and usable > 0.0 and now[c.H_HELD] <= level * usable
    if st[e, c.COLD] + st[e, c.HOT] > 0.0 or empty or _too_cold_to_wake(e, par, st):
        tell(events, now, c.E_REFUSED, e, st[e, c.BOX_K])
    elif par[e, c.SLEEPS] > 0.0:
        _turn(e, 1.0, st, now, events)
    else:
        st[e, c.LIT] = now[c.R_LIT]


@njit(cache=True, nogil=True)
def sleep_rules(e: int, par: Any, st: Any, now: Any, events: Any) -> None:
    """Put a machine to sleep or wake it, by its rules or by command."""
    if st[e, c.COMMANDED] > 0.0:
        _command(e, par, st, now, events)
    if par[e, c.SLEEPS] == 0.0:
        return
    if st[e, c.LATCHED] > 0.0:
        _turn(e, 0.0, st, now, events)
        return
    if st[e, c.HOLD] > now[c.N_TIME] + c.TINY_S:
        return
    must = _must_sleep(e, par, st, now)
    if st[e, c.AWAKE] > 0.0:
        if must:
            _turn(e, 0.0, st, now, events)
    elif not must and _may_wake(e, par, st, now):
        _turn(e, 1.0, st, now, events)


@njit(cache=True, nogil=True)
def _sends(e: int, par: Any, st: Any) -> bool:
    """Whether a machine that works sends data."""
    if par[e, c.RECORDER] * st[e, c.RECORDS] * par[e, c.DOWNLINK] <= 0.0:
        return False
    makes = (par[e, c.DATA_LIGHT] if st[e, c.LIGHT_MODE] > 0.0 else par[e, c.DATA_DARK]) + st[e, c.RUN_BIT_S]
    return st[e, c.CONTACT] * st[e, c.CONTACT_COUNTS] > 0.0 and (st[e, c.HELD_BIT] > 0.0 or makes > 0.0)


@njit(cache=True, nogil=True)
def settle_mode(e: int, par: Any, st: Any, events: Any, now: Any) -> None:
    """Which mode runs and what is asked for."""
    up = st[e, c.AWAKE] if par[e, c.SLEEPS] > 0.0 else 1.0 - st[e, c.LATCHED]
    working = 1.0 if up > 0.0 and st[e, c.COLD] + st[e, c.HOT] == 0.0 else 0.0
    busy = st[e, c.RUN_W] + st[e, c.RUN_BIT_S] > 0.0
    if working == 0.0 and busy and st[e, c.PENDING] > 0.0:
        tell(events, now, c.E_RUN_REFUSED, e, st[e, c.RUN_W])
    elif working == 0.0 and busy and st[e, c.WORKING] > 0.0:
        tell(events, now, c.E_RUN_STOPPED, e, st[e, c.RUN_W])
    st[e, c.PENDING] = 0.0
    st[e, c.WORKING] = working
    light = working > 0.0 and (par[e, c.SLEEPS] > 0.0 or st[e, c.LIT] > 0.0)
    st[e, c.LIGHT_MODE] = 1.0 if light else 0.0
    asked = st[e, c.LOAD] * (par[e, c.LIGHT_W] if light else par[e, c.DARK_W])
    asked += st[e, c.HEATING] * par[e, c.HEATER_W] * par[e, c.COUNT] / par[e, c.CONVERTER]
    st[e, c.SENDING] = 0.0
    if working > 0.0:
        asked += st[e, c.RUN_W]
        if _sends(e, par, st):
            st[e, c.SENDING] = 1.0
            asked += par[e, c.DOWNLINK_W]
    st[e, c.ASKED] = asked


@njit(cache=True, nogil=True)
def supply(start: Any, slope: Any, par: Any, st: Any, now: Any) -> None:
    """Supply of every machine now and its change, and the sum of both."""
    k, since = int(now[c.N_STRETCH]), now[c.N_SINCE]
    total = total_s = 0.0
    for e in range(st.shape[0]):
        value = change = 0.0
        if st[e, c.HERE] > 0.0 and st[e, c.LOST] == 0.0:
            for column in range(2):
                series = int(par[e, c.SERIES + column])
                factor = st[e, c.ARRAY + column]
                if series >= 0 and factor > 0.0:
                    value += factor * (start[k, series] + slope[k, series] * since)
                    change += factor * slope[k, series]
        st[e, c.SUPPLY] = value
        st[e, c.SUPPLY_S] = change
        total += value
        total_s += change
    now[c.N_SUPPLY], now[c.N_SUPPLY_S] = total, total_s


@njit(cache=True, nogil=True)
def lose(e: int, par: Any, st: Any, now: Any, events: Any) -> None:
    """A machine is lost: nothing of it gives, draws, holds or makes anything any more."""
    before = usable_of(par, st, e)
    tell(events, now, c.E_LOST, e, st[e, c.BOX_K])
    if st[e, c.WORKING] > 0.0 and st[e, c.RUN_W] + st[e, c.RUN_BIT_S] > 0.0:
        tell(events, now, c.E_RUN_STOPPED, e, st[e, c.RUN_W])
    st[e, c.LOST] = 1.0
    for column in (c.WORKING, c.AWAKE, c.ASKED, c.HEATING, c.SENDING, c.LIGHT_MODE, c.SUPPLY, c.SUPPLY_S):
        st[e, column] = 0.0
    shrink(e, before, par, st, now)
