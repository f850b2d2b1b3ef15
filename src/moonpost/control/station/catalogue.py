"""The telecommands that a station takes, from the elements of its plan, and what each does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moonpost.control.packets.arguments import Argument
from moonpost.control.packets.dictionary import Encoding, Size
from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout
from moonpost.control.station.reports import REPORTS_APID
from moonpost.operations.changes import Quantity
from moonpost.plan import Element, Plan, Reactor, SolarArray

__all__ = ["VERBS"]

_LONGEST_OCTETS = 512
_SPEAKERS = {"communications", "command"}


@dataclass(frozen=True)
class Verb:
    """What can be asked of an element.

    Parameters
    ----------
    name : str
        Second part of the command's name, after the element and a dot.
    function : int
        Number that tells it from others of service 8.
    quantity : str
        What of the simulation it sets, see `moonpost.operations.changes.QUANTITIES`; empty for activities.
    value : float
        To what; a command's own argument replaces it.
    significance : str
        How much it can harm; raised to hazardous for what commands the station or talks to the ground, where
        `silences` says so.
    check : str
        How its completion is seen on board.
    text : str
        What it does.
    silences : bool
        Whether it can silence the station if its element speaks for it.

    Examples
    --------
    >>> VERBS["array-stow"].significance
    'hazardous'
    """

    name: str
    function: int
    quantity: Quantity | str
    value: float
    significance: str
    check: str
    text: str
    silences: bool = False


VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "wake",
            1,
            "asleep",
            0.0,
            "important",
            "awake",
            "Wake it now, if it has the energy and the temperature.",
        ),
        Verb(
            "sleep", 2, "asleep", 1.0, "important", "asleep", "Put it to sleep until it is woken by command.", True
        ),
        Verb("allow-waking", 3, "can-wake", 1.0, "routine", "set", "Let it wake by its rules."),
        Verb("inhibit-waking", 4, "can-wake", 0.0, "hazardous", "set", "Keep it from waking by its rules."),
        Verb("heater-enable", 5, "heater-works", 1.0, "routine", "set", "Let its thermostat switch the heater."),
        Verb("heater-disable", 6, "heater-works", 0.0, "hazardous", "set", "Keep its heater off."),
        Verb("heater-force", 7, "heater-stuck", 1.0, "important", "heats", "Keep its heater on."),
        Verb("heater-release", 8, "heater-stuck", 0.0, "routine", "set", "End a forced heater."),
        Verb(
            "array-stow", 9, "array-factor", 0.0, "hazardous", "dark", "Fold or turn away its arrays: no output."
        ),
        Verb("array-track", 10, "array-factor", 1.0, "routine", "set", "Let its arrays give power again."),
        Verb(
            "load-limit", 11, "load-factor", 1.0, "important", "set", "Draw this part of its modes' power.", True
        ),
        Verb("recorder-on", 12, "recorder-works", 1.0, "routine", "set", "Let its data store take and give."),
        Verb("recorder-off", 13, "recorder-works", 0.0, "important", "set", "Stop its data store: data are lost."),
        Verb("transmitter-on", 14, "contact", 1.0, "routine", "set", "Send in contact."),
        Verb("transmitter-off", 15, "contact", 0.0, "hazardous", "set", "Send nothing; what is made is stored."),
        Verb("source-start", 16, "source-factor", 1.0, "important", "set", "Start its reactor."),
        Verb("source-shutdown", 17, "source-factor", 0.0, "hazardous", "dark", "Shut down its reactor."),
        Verb("activity-start", 18, "", 0.0, "routine", "run", "Start an activity of the plan."),
        Verb("activity-stop", 19, "", 0.0, "routine", "stop", "Stop an activity that runs."),
    )
}
"""What can be asked of elements, by name."""

_U16 = Encoding("unsigned", 16)
_INSERT = (
    Argument("release_time", Encoding("unsigned", 48), "1/65536 s", "Count of the clock on board at the release."),
    Argument("length", _U16, "octets", "Length of the telecommand."),
    Argument(
        "packet", Encoding("binary", 8 * _LONGEST_OCTETS, size=Size("length", slope=8)), "", "The telecommand."
    ),
)
_QUEUED = (
    Argument("queued_apid", _U16, "", "APID of the queued telecommand.", 0, 2046),
    Argument("queued_count", _U16, "", "Its sequence count.", 0, 16383),
)
_COMPUTER: tuple[tuple[str, int, int, tuple[Argument, ...], str, str], ...] = (
    ("ping", 17, 1, (), "routine", "Ask whether the station is there."),
    ("queue-enable", 11, 1, (), "routine", "Let the time-tagged queue release telecommands."),
    ("queue-disable", 11, 2, (), "important", "Hold the queue: what falls due meanwhile is dropped and told."),
    ("queue-reset", 11, 3, (), "important", "Empty the queue."),
    ("queue-insert", 11, 4, _INSERT, "routine", "Queue a telecommand for a time of the clock on board."),
    ("queue-delete", 11, 5, _QUEUED, "routine", "Take a telecommand out of the queue."),
    ("queue-report", 11, 17, (), "routine", "Report what is in the queue."),
    ("time-report", 9, 129, (), "routine", "Report the clock on board now."),
    ("playback-start", 15, 9, (), "routine", "Play stored telemetry back in contact; so it is from the start."),
    ("playback-stop", 15, 17, (), "routine", "Hold the playback; the store goes on to fill."),
    ("store-report", 15, 18, (), "routine", "Report what the store holds."),
)


def verb_of(command: CommandLayout) -> Verb | None:
    """What a command asks of its element; None for those that the computer takes itself.

    Parameters
    ----------
    command : CommandLayout
        A command of `station_commands`.

    Returns
    -------
    Verb or None

    Examples
    --------
    >>> verb_of(CommandLayout("ping", 1900, 17, 1)) is None
    True
    """
    if command.element is None or command.service != 8:
        return None
    return VERBS[command.name.rpartition(".")[2]]


def station_commands(plan: Plan, apids: Mapping[str, int]) -> CommandDictionary:
    """All telecommands of a station.

    Parameters
    ----------
    plan : Plan
        The plan.
    apids : mapping of str to int
        APID of the housekeeping of each element that is there.

    Returns
    -------
    CommandDictionary
        Element and verb with a dot between, such as ``survey-rover.wake``; commands of the computer have no dot.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> commands = station_commands(load_plan("ilrs"), {"survey-rover": 8})
    >>> commands.command("survey-rover.sleep").significance, commands.command("ping").apid
    ('important', 1900)
    """
    rows = [
        CommandLayout(name, REPORTS_APID, service, subservice, arguments, significance, text)
        for name, service, subservice, arguments, significance, text in _COMPUTER
    ]
    for element in plan.elements:
        if element.id in apids:
            activities = [activity.id for activity in plan.activities if activity.element == element.id]
            rows += [
                _of(element, verb, apids[element.id], activities) for verb in _verbs(element, bool(activities))
            ]
    return CommandDictionary("station", tuple(rows))


def _verbs(element: Element, active: bool) -> Iterable[Verb]:
    """What can be asked of an element."""
    modes = bool(element.modes)
    turns = element.dormancy is not None or {mode.when for mode in element.modes} >= {"light", "dark"}
    heats = element.thermal is not None and element.thermal.heater_w > 0.0
    given: Mapping[str, bool] = {
        "wake": modes, "sleep": modes, "allow-waking": turns, "inhibit-waking": turns, "heater-": heats,
        "array-": any(isinstance(source, SolarArray) for source in element.generators), "load-limit": modes,
        "recorder-": element.recorder is not None,
        "transmitter-": element.recorder is not None or element.kind == "communications",
        "source-": any(isinstance(source, Reactor) for source in element.generators), "activity-": active,
    }  # fmt: skip
    asked = tuple(what for what, yes in given.items() if yes)
    return [verb for verb in VERBS.values() if verb.name.startswith(asked)]


def _of(element: Element, verb: Verb, apid: int, activities: list[str]) -> CommandLayout:
    """A command of an element."""
    arguments: tuple[Argument, ...] = ()
    if verb.name == "load-limit":
        arguments = (Argument("fraction", Encoding("float", 32), "1", "Part of the power [1].", 0.0, 1.0),)
    elif verb.name.startswith("activity-"):
        labels = dict(enumerate(activities, 1))
        arguments = (Argument("activity", Encoding("unsigned", 8), "", "Activity of the plan.", labels=labels),)
    significance = "hazardous" if verb.silences and element.kind in _SPEAKERS else verb.significance
    return CommandLayout(
        f"{element.id}.{verb.name}",
        apid,
        8,
        1,
        arguments,
        significance,
        f"{element.name}: {verb.text}",
        element.id,
        verb.function,
    )
