"""When machines without rules of sleep wake and go to sleep: with the light, unless commands say otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from moonpost.operations.changes import Change
from moonpost.operations.record import SimulationEvent
from moonpost.plan import Element, Plan

if TYPE_CHECKING:
    from moonpost.operations.record import Simulation

__all__: list[str] = []

_ORDER = ("lit", "can-wake", "asleep", "stopped")
_STOPS = {
    "too-cold": ("cold", 1.0), "cold-ends": ("cold", 0.0), "too-warm": ("hot", 1.0), "warm-ends": ("hot", 0.0),
    "machine-lost": ("lost", 1.0), "arrival": ("away", 0.0),
}  # fmt: skip


def wakings(plan: Plan, simulation: Simulation, changes: Sequence[Change]) -> tuple[SimulationEvent, ...]:
    """Events of waking and sleeping of machines that have light and dark modes and no rules of sleep.

    Parameters
    ----------
    plan : Plan
        The plan.
    simulation : Simulation
        What was simulated.
    changes : sequence of Change
        What was commanded in it.

    Returns
    -------
    tuple of SimulationEvent
        ``wake`` and ``sleep``, machine by machine.

    Notes
    -----
    Only machines with a bus of their own: those on the station's bus change their modes with it and are not told.
    A machine whose waking is inhibited stays in its dark mode when light comes, as in the simulation.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.study.simulation import simulate_plan
    >>> run = simulate_plan("ilrs", "2040-06-22", 1.0)
    >>> [(str(e.time)[:16], e.subject, e.kind) for e in wakings(load_plan("ilrs"), run, ())][0]
    ('2040-06-22T04:00', 'luna-30', 'wake')
    """
    buses = set(simulation.series["bus"].values.tolist())
    found: list[SimulationEvent] = []
    for element in plan.elements:
        two = {mode.when for mode in element.modes} >= {"light", "dark"}
        if element.id in buses and element.dormancy is None and two:
            found += _turns(element, simulation, changes)
    return tuple(found)


def _turns(element: Element, simulation: Simulation, changes: Sequence[Change]) -> Iterator[SimulationEvent]:
    """Events of one machine."""
    time = simulation.series["time"].values.astype("datetime64[ms]")
    light = simulation.series["in_light"].sel(bus=element.id).values
    own = [event for event in simulation.events if event.subject == element.id]
    refused = {event.time for event in own if event.kind == "command-refused"}
    rows = [(time[k], "lit", float(light[k])) for k in np.flatnonzero(np.diff(light)) + 1]
    rows += [
        (max(change.time.astype("datetime64[ms]"), time[0]), change.quantity, change.value)
        for change in changes
        if change.subject == element.id and change.quantity in _ORDER
    ]
    rows += [(event.time, event.kind, 0.0) for event in own if event.kind in _STOPS]
    rows.sort(key=lambda row: (row[0], _ORDER.index(row[1]) if row[1] in _ORDER else len(_ORDER)))
    away = float(any(event.kind == "arrival" for event in own))
    state = {"lit": float(light[0]), "sun": float(light[0]), "can-wake": 1.0, "asleep": 0.0, "cold": 0.0,
             "hot": 0.0, "lost": 0.0, "away": away}  # fmt: skip
    bright = next(mode.name for mode in element.modes if mode.when == "light")
    dim = next(mode.name for mode in element.modes if mode.when == "dark")
    awake = _awake(state)
    for at, what, value in rows:
        _apply(state, what, value, at in refused)
        now = _awake(state)
        if now != awake and not state["away"] and what != "arrival":
            kind, mode = ("wake", bright) if now else ("sleep", dim)
            verb = "wakes" if now else "goes to sleep"
            yield SimulationEvent(
                at, element.id, kind, f"{verb}: mode {mode}", {"bus": element.id, "value": value}
            )
        awake = now


def _apply(state: dict[str, float], what: str, value: float, refused: bool) -> None:
    """What a turn of light, a command or a limit does."""
    if what in _STOPS:
        name, value = _STOPS[what]
        state[name] = value
    elif what == "lit":
        state["sun"] = value
        if value == 0.0 or state["can-wake"] > 0.0:
            state["lit"] = value
    elif what == "can-wake":
        state["can-wake"] = value
        if value > 0.0:
            state["lit"] = state["sun"]
    else:
        state["asleep"] = value
        if value == 0.0 and not refused:
            state["lit"] = state["sun"]


def _awake(state: dict[str, float]) -> bool:
    return state["lit"] > 0.0 and not any(state[name] for name in ("asleep", "cold", "hot", "lost", "away"))
