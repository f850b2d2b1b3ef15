"""Compiled loops over time; imported only where they run, because compiling costs time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["drawdown", "flows"]

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
