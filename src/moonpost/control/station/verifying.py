"""How the computer on board sees that a telecommand was carried out: from what the machines then did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moonpost.control.packets.telecommands import Telecommand
from moonpost.control.station.catalogue import Verb
from moonpost.control.station.instants import SECOND_US, microseconds
from moonpost.control.station.world import Future, World
from moonpost.operations.simulation import Run, SimulationEvent

__all__: list[str] = []

_PATIENCE_US = 60 * SECOND_US
_NEAR_US = 2000
_SMALL_W = 1e-6


@dataclass(frozen=True)
class Check:
    """A telecommand whose completion is waited for.

    Parameters
    ----------
    command : Telecommand
        The telecommand.
    verb : Verb
        What was asked.
    element : str
        Of which element.
    since_us : int
        When it was executed [us of UTC].
    order : int
        Its number among all that were executed.
    run : Run or None
        The activity that it started.

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """

    command: Telecommand
    verb: Verb
    element: str
    since_us: int
    order: int
    run: Run | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of a telecommand.

    Parameters
    ----------
    time_us : int
        When that was seen [us of UTC].
    cause : str or None
        Cause of failure; None if it was completed.
    text : str
        The same for people.

    Examples
    --------
    >>> Verdict(0).cause is None
    True
    """

    time_us: int
    cause: str | None = None
    text: str = ""


def verdict(check: Check, world: World, future: Future, runs: Sequence[Run], until_us: int) -> Verdict | None:
    """What came of a telecommand until an instant; None if that is not known yet.

    Parameters
    ----------
    check : Check
        What is waited for.
    world : World
        The plan under its sky.
    future : Future
        What happens; what lies after `until_us` is not looked at.
    runs : sequence of Run
        Activities as they were commanded until then.
    until_us : int
        The present [us of UTC].

    Returns
    -------
    Verdict or None

    Examples
    --------
    >>> from moonpost.control.station import Station  # see there
    """
    own = [(time, event) for time, event in future.of(check.element) if time <= until_us]
    if any(event.kind == "machine-lost" and time <= check.since_us for time, event in own):
        return Verdict(check.since_us, "machine-lost", f"{check.element} is lost")
    how = check.verb.check
    if how in ("awake", "asleep"):
        return _turned(check, world, future, until_us)
    if how == "run":
        return _ran(check, runs, own, until_us)
    if how in ("heats", "dark"):
        return _flowed(check, world, future, until_us)
    return Verdict(check.since_us)


_Events = list[tuple[int, SimulationEvent]]


def _turned(check: Check, world: World, future: Future, until_us: int) -> Verdict | None:
    """Whether a machine woke, or went to sleep."""
    own = [(time, event) for time, event in future.of(check.element) if time <= until_us]
    wanted = "wake" if check.verb.check == "awake" else "sleep"
    element = world.plan.element(check.element)
    follows_light = {mode.when for mode in element.modes} >= {"light", "dark"} and element.bus == "own"
    if element.dormancy is None and not follows_light:
        return Verdict(check.since_us)
    turns = [event.kind for time, event in own if time < check.since_us and event.kind in ("wake", "sleep")]
    at_first = element.dormancy is not None or world.lit_at_start(check.element, future)
    was = turns[-1] if turns else ("wake" if at_first else "sleep")
    if was == wanted:
        return Verdict(check.since_us)
    last_us = check.since_us + _PATIENCE_US
    for time, event in own:
        if check.since_us - _NEAR_US <= time <= last_us:
            if event.kind == wanted:
                return Verdict(max(time, check.since_us))
            if event.kind == "command-refused" and wanted == "wake":
                return Verdict(max(time, check.since_us), "refused-on-board", event.text)
    if until_us < last_us:
        return None
    cause = "did-not-wake" if wanted == "wake" else "did-not-sleep"
    reason = "no light" if wanted == "wake" and element.dormancy is None else "nothing followed"
    return Verdict(last_us, cause, f"{check.element}: {reason} within 60 s")


def _ran(check: Check, runs: Sequence[Run], own: _Events, until_us: int) -> Verdict | None:
    """Whether an activity ran to its end."""
    begun = check.run
    if begun is None:
        return Verdict(check.since_us)
    names = (begun.activity, begun.element, begun.start)
    run = next(row for row in runs if (row.activity, row.element, row.start) == names)
    stop_us = microseconds(run.stop)
    for time, event in own:
        if check.since_us - _NEAR_US <= time <= stop_us and event.kind in ("run-refused", "run-stopped"):
            return Verdict(max(time, check.since_us), event.kind, event.text)
    if until_us < stop_us:
        return None
    cut = run.stop != begun.stop
    return Verdict(stop_us, "run-stopped", "stopped by command") if cut else Verdict(stop_us)


def _flowed(check: Check, world: World, future: Future, until_us: int) -> Verdict | None:
    """Whether a heater draws, or a source gives no more, in the first whole step."""
    k = -(-(check.since_us - world.start_us) // world.step_us)
    end_us = world.step_of_time(k + 1)
    if k >= world.steps:
        return Verdict(check.since_us)
    if end_us > until_us:
        return None
    series = future.simulation.series
    if check.verb.check == "heats":
        warm = float(series["heater_w"].sel(box=check.element).values[k]) > 0.0
        return (
            Verdict(end_us) if warm else Verdict(end_us, "no-power", f"{check.element}: its heater gets nothing")
        )
    kinds = {type(source).__name__ for source in world.plan.element(check.element).generators}
    left_w = float(series["element_supply_w"].sel(element=check.element).values[k])
    if len(kinds) == 1 and left_w > _SMALL_W:
        return Verdict(end_us, "no-effect", f"{check.element} still gives {left_w:.6g} W")
    return Verdict(end_us)
