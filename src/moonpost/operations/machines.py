"""What machines do without activities: when they are awake and warm enough, what their recorders hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.operations.placements import Setting
from moonpost.plan.elements import Element

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__ = ["machine_flags", "recorder_rates"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_MILLI = np.timedelta64(1, "ms")
_STOPS = ("sleep", "too-cold", "too-warm", "machine-lost")


def machine_flags(setting: Setting, element: Element, reference: Simulation) -> dict[str, Flags]:
    """Whether a machine is awake, and its box within the limits in which it works, throughout each slot.

    Parameters
    ----------
    setting : Setting
        The period.
    element : Element
        The machine.
    reference : Simulation
        The station without activities.

    Returns
    -------
    dict of str to ndarray of bool, (slots,)
        By the name of the condition; empty for a machine that never sleeps and has no box.

    Examples
    --------
    >>> from moonpost.operations.bookings import station_slots  # see there
    """
    parts = ((element.dormancy, "awake"), (element.thermal, "neither too cold nor too warm"))
    named = [name for part, name in parts if part is not None]
    if not named:
        return {}
    working = reference.series["element_working"].sel(element=element.id).values > 0.5
    flags = working[: setting.slots] & working[1 : setting.slots + 1]
    for event in reference.events:
        if event.subject == element.id and event.kind in _STOPS:
            slot = int((event.time - setting.start) / _MILLI / 1000.0 / setting.slot_s)
            flags[min(max(slot, 0), setting.slots - 1)] = False
    return {" and ".join(named): flags}


def recorder_rates(
    setting: Setting, element: Element, reference: Simulation
) -> tuple[float, Floats, Floats] | None:
    """What a machine's recorder holds and gets without activities.

    Parameters
    ----------
    setting : Setting
        The period.
    element : Element
        The machine.
    reference : Simulation
        The station without activities.

    Returns
    -------
    tuple of float, ndarray (slots + 1,), ndarray (slots,), or None
        Capacity, level at the ends of the slots, and what is made less what can be sent in each [bit]; None for
        a machine without a recorder.

    Examples
    --------
    >>> from moonpost.operations.bookings import station_slots  # see there
    """
    if element.recorder is None:
        return None
    count, slot_s = setting.slots, setting.slot_s
    row = reference.series.sel(recorder=element.id)
    working = reference.series["element_working"].sel(element=element.id).values > 0.5
    at_work = working[:count] & working[1 : count + 1]
    sent = element.recorder.downlink_bit_s * element.count * _contact_s(setting, element.id) * at_work
    made = row["made_bit_s"].values[:count] * slot_s - sent
    return element.recorder.capacity_bit * element.count, row["held_bit"].values[: count + 1], made


def _contact_s(setting: Setting, element: str) -> Floats:
    """Seconds of contact in each slot."""
    windows = setting.contacts_of(element)
    if windows is None:
        return np.full(setting.slots, setting.slot_s)
    if len(windows) == 0:
        return np.zeros(setting.slots)
    start, stop = np.asarray((windows.astype("datetime64[ms]") - setting.start) / _MILLI / 1000.0).T
    knots = np.column_stack([start, stop]).ravel()
    total = np.concatenate([[0.0], np.cumsum(stop - start)])
    at = np.column_stack([total[:-1], total[1:]]).ravel()
    edges = np.arange(setting.slots + 1) * setting.slot_s
    return np.asarray(np.diff(np.interp(edges, knots, at)))
