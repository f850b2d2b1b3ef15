"""From a planned activity to the commands that carry it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.timeline.windows import milliseconds
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout
    from moonpost.control.timeline.timeline import Timeline
    from moonpost.operations.placements import Placement

__all__ = ["Step", "command_steps", "element_command"]


@dataclass(frozen=True)
class Step:
    """One command of a sequence.

    Parameters
    ----------
    name : str
        As in the dictionary of commands.
    arguments : mapping
        Values of its arguments.
    at : datetime64 or None
        When it is to be carried out on board, UTC.
    significance : str
        ``routine``, ``important`` or ``hazardous``.
    text : str
        What it is for.

    Examples
    --------
    >>> Step("ping", {}, None, "routine", "Is it there?").to_dict()["at_ms"] is None
    True
    """

    name: str
    arguments: Mapping[str, Any]
    at: np.datetime64 | None
    significance: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The step as plain values, for JSON."""
        return {
            "name": self.name, "arguments": dict(self.arguments), "significance": self.significance,
            "at_ms": None if self.at is None else milliseconds(self.at), "text": self.text,
        }  # fmt: skip


def command_steps(mission: Any, line: Timeline, placed: Placement) -> list[Step]:
    """Commands that carry out a planned activity: wake the machine if it sleeps, and begin; it ends by itself.

    Parameters
    ----------
    mission : MissionControl
        Gives the dictionary of commands as ``station.commands``.
    line : Timeline
        The timeline.
    placed : Placement
        The activity at its time.

    Returns
    -------
    list of Step
        In order of time; each is to be carried out at its time on board.

    Raises
    ------
    InputError
        If it is over already, or the station has no commands for activities of this machine.

    Examples
    --------
    >>> from moonpost.control.timeline.timeline import Timeline  # see there
    """
    if placed.stop <= line.now():
        raise InputError("is over already", where=placed.id, advice="choose one that is still to come")
    dictionary = mission.station.commands
    begin = element_command(dictionary, placed.element, ("activity", "start"))
    if begin is None:
        raise InputError(
            f"{placed.element} takes no commands for activities", where=placed.id, advice="see the dictionary"
        )
    start = max(placed.start, line.now().astype("datetime64[ms]"))
    steps = []
    wake = element_command(dictionary, placed.element, ("wake",))
    if wake is not None and _sleeps(line, placed):
        at = start - np.timedelta64(15, "m")
        steps.append(Step(wake.name, _filled(wake, placed), at, wake.significance, f"Wakes {placed.element}."))
    steps.append(Step(begin.name, _filled(begin, placed), start, begin.significance, f"Begins {placed.id}."))
    return steps


def element_command(dictionary: CommandDictionary, element: str, words: tuple[str, ...]) -> CommandLayout | None:
    """Find the command of a machine whose name holds some words.

    Parameters
    ----------
    dictionary : CommandDictionary
        All commands.
    element : str
        The machine.
    words : tuple of str
        Parts of the name, after the machine's.

    Returns
    -------
    CommandLayout or None

    Examples
    --------
    >>> from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout
    >>> known = CommandDictionary("s", (CommandLayout("rover.wake", 1, 8, 1, element="rover", function=1),))
    >>> element_command(known, "rover", ("wake",)).name
    'rover.wake'
    """
    for row in dictionary.commands:
        if row.element == element and _verbs(row.name, element) == words:
            return row
    return None


def _verbs(name: str, element: str) -> tuple[str, ...]:
    """Words of a command's name without the machine's."""
    rest = name.removeprefix(element).removesuffix(element)
    return tuple(word for word in rest.replace(".", " ").replace("-", " ").replace("_", " ").split() if word)


def _filled(layout: CommandLayout, placed: Placement) -> dict[str, Any]:
    """Arguments of a command for an activity."""
    known: dict[str, Any] = {"activity": placed.activity, "element": placed.element}
    known |= {"duration_s": placed.duration_s, "duration_h": placed.duration_s / 3600.0}
    known |= {"power_w": placed.power_w, "data_bit": placed.data_bit}
    return {row.name: known[row.name] for row in layout.arguments if row.name in known}


def _sleeps(line: Timeline, placed: Placement) -> bool:
    """Whether the machine would sleep when the activity begins."""
    minute = np.timedelta64(1, "m")
    items = line.items(placed.start - minute, placed.start + minute, elements=[placed.element])
    return any(row.kind == "asleep" and row.layer == "plan" for row in items)
