"""Which values the station sends, and the limits on them by day and by night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.limits import Limits
from moonpost.control.packets.stations import station_dictionary
from moonpost.operations.channels import Channel
from moonpost.operations.record import Simulation
from moonpost.plan import Plan

__all__ = ["housekeeping"]

_CRITICAL_STORED, _NIGHT_STORED, _NIGHT_CRITICAL = 0.1, 0.1, 0.03
_ABOVE_LOSS_K = 5.0


def housekeeping(plan: Plan, simulation: Simulation) -> Dictionary:
    """The dictionary of the station's values.

    Parameters
    ----------
    plan : Plan
        The plan.
    simulation : Simulation
        A run of its machines.

    Returns
    -------
    Dictionary
        A packet for each subject, with limits.

    Notes
    -----
    Warnings are the channels' own limits, widened to the next number of 32 bits so that a value on a bound is
    good; what a machine asks for may be more by what its activities draw. Stored energy is critical below a tenth;
    by night it warns below a tenth and is critical below 3 %. A box is critical at its limits of survival; by
    night it warns 5 K inside them.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.study.simulation import simulate_plan
    >>> found = housekeeping(load_plan("ilrs"), simulate_plan("ilrs", "2040-06-22", 1.0))
    >>> found.parameter("survey-rover.stored_fraction").limits.critical_low
    0.1
    """
    channels = [_widened(plan, channel) for channel in simulation.channels]
    critical: dict[str, tuple[float | None, float | None]] = {}
    night: dict[str, Limits] = {}
    boxes = {element.id: element.thermal for element in plan.elements if element.thermal is not None}
    for channel in channels:
        subject, _, variable = channel.key.rpartition(".")
        if variable == "stored_fraction" and channel.low is not None:
            critical[channel.key] = (_CRITICAL_STORED, None)
            night[channel.key] = Limits(_NIGHT_STORED, channel.high, _NIGHT_CRITICAL)
        elif variable == "stored_wh" and channel.low is not None:
            night[channel.key] = Limits(_NIGHT_STORED / 0.2 * channel.low, channel.high)
        elif variable == "box_k" and subject in boxes:
            box = boxes[subject]
            low_k, high_k = box.survive_min_k, box.survive_max_k
            critical[channel.key] = (low_k, high_k)
            night[channel.key] = Limits(min(low_k + _ABOVE_LOSS_K, box.operate_min_k), channel.high, low_k, high_k)
    return station_dictionary(channels, critical=critical, night=night)


def _widened(plan: Plan, channel: Channel) -> Channel:
    """A channel whose bounds are good as numbers of 32 bits."""
    subject, _, variable = channel.key.rpartition(".")
    high, low = channel.high, channel.low
    if variable == "element_load_w" and high is not None:
        element = plan.element(subject)
        drawn_w = [activity.power_w for activity in plan.activities if activity.element == subject]
        high += 1.25 * sum(drawn_w) / element.converter_efficiency
    if high is not None and high != 0.0:
        high = float(np.nextafter(np.float32(high), np.float32(np.inf)))
    if low is not None and low != 0.0:
        low = float(np.nextafter(np.float32(low), np.float32(-np.inf)))
    return replace(channel, low=low, high=high)
