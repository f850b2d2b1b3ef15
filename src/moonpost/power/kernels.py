"""Compiled loops over time; imported only where they run, because compiling costs time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["drawdown", "flows", "leaky_drawdown", "limited_flows"]

_Floats = npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def drawdown(
    surplus_w: _Floats, step_h: float, charge: float, discharge: float
) -> tuple[float, int, int, int, int, float]:
    """Run the deficit of a full store of no limit through a series of surplus and deficit.

    Parameters
    ----------
    surplus_w : ndarray, (n,)
        Supply less load at the store's terminals [W].
    step_h : float
        Step [h].
    charge, discharge : float
        Efficiencies.

    Returns
    -------
    tuple
        Deepest deficit [Wh]; the step in which that drawdown begins, the step whose end is deepest,
        the step whose end is full again (-1 if never); the step in which the deficit left at the end
        began (-1 if none); that deficit [Wh].

    Examples
    --------
    >>> drawdown(np.array([1.0, -2.0, 1.0, 5.0]), 1.0, 1.0, 1.0)
    (2.0, 1, 1, 3, -1, 0.0)
    """
    deficit = 0.0
    begun = -1
    worst, worst_start, worst_peak, worst_end = 0.0, -1, -1, -1
    for k in range(surplus_w.size):
        power = surplus_w[k]
        if power < 0.0:
            if begun < 0:
                begun = k
            deficit -= power * step_h / discharge
        else:
            deficit -= power * step_h * charge
        if deficit <= 0.0:
            if begun >= 0 and begun == worst_start:
                worst_end = k
            deficit = 0.0
            begun = -1
        elif deficit > worst:
            worst, worst_start, worst_peak, worst_end = deficit, begun, k, -1
    return worst, worst_start, worst_peak, worst_end, begun, deficit


@njit(cache=True, nogil=True)
def flows(
    net_w: _Floats, step_h: float, usable_wh: float, initial_wh: float, charge: float, discharge: float
) -> tuple[_Floats, _Floats, _Floats, _Floats, _Floats]:
    """Run a store of limited size through a series of surplus and deficit.

    Parameters
    ----------
    net_w : ndarray, (n,)
        Power left on the bus after the loads, negative where they lack it [W].
    step_h : float
        Step [h].
    usable_wh, initial_wh : float
        Size of the store and what it holds at the start [Wh].
    charge, discharge : float
        Efficiencies.

    Returns
    -------
    stored_wh : ndarray, (n + 1,)
        Held at the start of each step, and at the end [Wh].
    charged_w, discharged_w, spilled_w, shed_w : ndarray, (n,)
        Means of each step, at the bus [W].

    Examples
    --------
    >>> stored_wh, *_ = flows(np.array([-2.0, 5.0]), 1.0, 3.0, 3.0, 1.0, 1.0)
    >>> stored_wh
    array([3., 1., 3.])
    """
    count = net_w.size
    stored = np.empty(count + 1)
    charged = np.zeros(count)
    discharged = np.zeros(count)
    spilled = np.zeros(count)
    shed = np.zeros(count)
    held = initial_wh
    stored[0] = held
    for k in range(count):
        net = net_w[k]
        if net >= 0.0:
            if net * step_h * charge >= usable_wh - held:
                charged[k] = (usable_wh - held) / (charge * step_h)
                held = usable_wh
            else:
                charged[k] = net
                held = min(held + net * step_h * charge, usable_wh)
            spilled[k] = max(net - charged[k], 0.0)
        else:
            if -net * step_h >= held * discharge:
                discharged[k] = held * discharge / step_h
                held = 0.0
            else:
                discharged[k] = -net
                held = max(held + net * step_h / discharge, 0.0)
            shed[k] = max(-net - discharged[k], 0.0)
        stored[k + 1] = held
    return stored, charged, discharged, spilled, shed


@njit(cache=True, nogil=True)
def leaky_drawdown(
    surplus_w: _Floats, step_h: float, charge: float, discharge: float, leak_per_h: float, usable_wh: float
) -> tuple[float, int, int, int, int, float]:
    """`drawdown` of a store of a size that loses part of what it holds, wherever the deficit stands.

    Parameters
    ----------
    surplus_w : ndarray, (n,)
        Supply less load at the store's terminals [W].
    step_h : float
        Step [h].
    charge, discharge : float
        Efficiencies.
    leak_per_h : float
        Part of what is held that is lost in an hour.
    usable_wh : float
        Size of the store; what it holds is that less the deficit, and 0 if the deficit is larger [Wh].

    Returns
    -------
    tuple
        As from `drawdown`.

    Examples
    --------
    >>> leaky_drawdown(np.array([1.0, -2.0, 1.0, 5.0]), 1.0, 1.0, 1.0, 0.0, 2.0)
    (2.0, 1, 1, 3, -1, 0.0)
    """
    deficit = 0.0
    begun = -1
    worst, worst_start, worst_peak, worst_end = 0.0, -1, -1, -1
    keep = np.exp(-leak_per_h * step_h)
    spread = -np.expm1(-leak_per_h * step_h) / leak_per_h if leak_per_h > 0.0 else step_h
    for k in range(surplus_w.size):
        power = surplus_w[k]
        rate = power * charge if power >= 0.0 else power / discharge
        held = usable_wh - deficit
        if held > 0.0:
            deficit = usable_wh - (held * keep + rate * spread)
        else:
            deficit -= rate * step_h
        if deficit <= 0.0:
            if begun >= 0 and begun == worst_start:
                worst_end = k
            deficit = 0.0
            begun = -1
            continue
        if begun < 0:
            begun = k
        if deficit > worst:
            worst, worst_start, worst_peak, worst_end = deficit, begun, k, -1
    return worst, worst_start, worst_peak, worst_end, begun, deficit


@njit(cache=True, nogil=True)
def _until_limit_h(rate_w: float, held_wh: float, usable_wh: float, leak_per_h: float) -> float:
    """Hours until a store is full, or empty, at a rate inside it; infinite if never."""
    if rate_w > leak_per_h * usable_wh:
        lack = usable_wh - held_wh
        if leak_per_h > 0.0:
            return np.log1p(leak_per_h * lack / (rate_w - leak_per_h * usable_wh)) / leak_per_h
        return lack / rate_w
    if rate_w < 0.0:
        return np.log1p(-leak_per_h * held_wh / rate_w) / leak_per_h if leak_per_h > 0.0 else -held_wh / rate_w
    return np.inf


@njit(cache=True, nogil=True)
def _drift(rate_w: float, held_wh: float, leak_per_h: float, hours: float) -> tuple[float, float]:
    """What a store holds after some hours at a rate, and what it lost by itself."""
    if leak_per_h <= 0.0:
        return held_wh + rate_w * hours, 0.0
    spread = -np.expm1(-leak_per_h * hours) / leak_per_h
    end = held_wh * np.exp(-leak_per_h * hours) + rate_w * spread
    return end, leak_per_h * held_wh * spread + rate_w * (hours - spread)


@njit(cache=True, nogil=True)
def limited_flows(
    net_w: _Floats,
    step_h: float,
    limits: _Floats,
    charge_w: _Floats,
) -> tuple[_Floats, _Floats]:
    """Run a store with limits on power, self-discharge and fade.

    Parameters
    ----------
    net_w : ndarray, (n,)
        Power left on the bus after the loads, negative where they lack it [W].
    step_h : float
        Step [h].
    limits : ndarray, (8,)
        Usable energy when new and energy at the start [Wh]; efficiency in and out; most power out [W]; part lost
        in an hour; capacity lost in an hour, and with each Wh drawn inside the store, over that when new.
    charge_w : ndarray, (n,)
        Most power in [W].

    Returns
    -------
    stored_wh : ndarray, (n + 1,)
        Held at the start of each step, and at the end [Wh].
    flows : ndarray, (n, 9)
        Charged, discharged, spilled, shed, leaked and faded inside: means of each step [W]; usable energy [Wh];
        parts of the step after which the store is full or empty, and after which load is shed; 2 if not.

    Examples
    --------
    >>> limits = np.array([3.0, 3.0, 1.0, 1.0, 1.5, 0.0, 0.0, 0.0])
    >>> stored_wh, flows = limited_flows(np.array([-2.0, 5.0]), 1.0, limits, np.array([9.0, 1.0]))
    >>> stored_wh, flows[0, 3], flows[1, 2]
    (array([3. , 1.5, 2.5]), np.float64(0.5), np.float64(4.0))
    """
    new_wh, held, into, out, discharge_w, leak, fade_h, fade_wh = limits
    count = net_w.size
    stored = np.empty(count + 1)
    flow = np.zeros((count, 9))
    drawn = 0.0
    usable = new_wh
    stored[0] = held
    for k in range(count):
        usable = min(usable, new_wh * max(1.0 - fade_h * step_h * k - fade_wh * drawn, 0.0))
        faded = max(held - usable, 0.0)
        held -= faded
        flow[k, 5] = faded / step_h
        flow[k, 6] = usable
        flow[k, 7] = 2.0
        flow[k, 8] = 2.0
        net = net_w[k]
        power = min(net, charge_w[k]) if net >= 0.0 else -min(-net, discharge_w)
        rate = power * into if power >= 0.0 else power / out
        spent = _until_limit_h(rate, held, usable, leak)
        reached = spent <= step_h
        if reached:
            flow[k, 7] = spent / step_h
        spent = min(spent, step_h)
        end, leaked = _drift(rate, held, leak, spent)
        if net >= 0.0:
            charged = power * spent
            if reached:
                end = usable
                charged += leak * usable / into * (step_h - spent)
                leaked += leak * usable * (step_h - spent)
            flow[k, 0] = charged / step_h
            flow[k, 2] = max(net - flow[k, 0], 0.0)
        else:
            end = 0.0 if reached else end
            drawn += -rate * spent
            flow[k, 1] = -power * spent / step_h
            flow[k, 3] = max(-net - flow[k, 1], 0.0)
            flow[k, 8] = 0.0 if -net > discharge_w else flow[k, 7]
        held = min(max(end, 0.0), usable)
        flow[k, 4] = leaked / step_h
        stored[k + 1] = held
    return stored, flow
