"""Commands within commands: what a time-tagged request carries is judged as if it stood alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from moonpost.control.packets.clock import CucClock
from moonpost.control.packets.telecommands import (
    SIGNIFICANCE,
    CommandDictionary,
    CommandLayout,
    Telecommand,
    decode_command,
    encode_command,
)
from moonpost.errors import DataError, InputError

__all__ = ["Content", "content_of", "packet_of", "significance_of", "time_tagged"]

_SCHEDULING, _INSERT = 11, 4
_TAKES_NOTHING = frozenset({1, 4, 9, 11, 14, 16, 17, 18, 20, 22, 24, 26})
"""Requests that enable, insert or ask for a report; all others of the service disable, delete or shift."""
_HEADER_OCTETS = 6
_DEEPEST = 3
_REPORTS_ASKED = 0b1101
_CUC_BITS, _TICKS_PER_S = 48, 65_536
_LATEST_US = 7_000_000_000_000_000


@dataclass(frozen=True)
class Content:
    """What a packet does in all.

    Parameters
    ----------
    command : Telecommand
        The packet itself.
    inside : tuple of Telecommand
        What it carries, to any depth.
    significance : str
        The highest of all of them.
    elements : tuple of str
        Machines that they act on, each once.
    whole : bool
        Whether any acts on the station as a whole.
    due_us : int or None
        Latest mission time at which any of it is carried out, microseconds since 1970; None: all on arrival.

    Examples
    --------
    >>> from moonpost.control.packets.telecommands import CommandLayout
    >>> stack = CommandDictionary("station", (CommandLayout("ping", 1, 17, 1),))
    >>> content_of(stack, encode_command(stack, "ping", {}, 7)).whole
    True
    """

    command: Telecommand
    inside: tuple[Telecommand, ...]
    significance: str
    elements: tuple[str, ...]
    whole: bool
    due_us: int | None = None


def content_of(dictionary: CommandDictionary, octets: bytes) -> Content:
    """Read a packet and everything that it carries.

    Parameters
    ----------
    dictionary : CommandDictionary
        What commands hold.
    octets : bytes
        One packet.

    Returns
    -------
    Content

    Raises
    ------
    DataError
        If it is no command, or a scheduling request carries octets that are none: what cannot be read is not sent.

    Notes
    -----
    Every argument of octets is looked into, whatever the service: octets that are sound commands count. A request
    that only carries others acts on what these act on; any other without a machine acts on the whole station.

    Examples
    --------
    >>> from moonpost.control.packets.telecommands import CommandLayout
    >>> stack = CommandDictionary("station", (CommandLayout("off", 1, 8, 1, significance="hazardous"),))
    >>> content_of(stack, encode_command(stack, "off", {}, 7)).significance
    'hazardous'
    """
    command = decode_command(dictionary, octets)
    inside = tuple(_inside(dictionary, command, _DEEPEST))
    layouts = [dictionary.command(one.name) for one in (command, *inside)]
    acting = [row for row in layouts if not (_is_insert(row) and inside)] or layouts
    significance = max((significance_of(row) for row in layouts), key=SIGNIFICANCE.index)
    elements = tuple(dict.fromkeys(row.element for row in acting if row.element is not None))
    due = [_due_us(dictionary, one) for one in (command, *inside)]
    due_us = max((one for one in due if one is not None), default=None)
    return Content(command, inside, significance, elements, any(row.element is None for row in acting), due_us)


def significance_of(layout: CommandLayout) -> str:
    """How much a command can harm, what it does to the schedule on board included.

    Parameters
    ----------
    layout : CommandLayout
        A command of the dictionary.

    Returns
    -------
    str
        As the dictionary says, but ``hazardous`` for what disables, empties, shifts or thins the schedule: a
        waking that others count on may wait there.

    Examples
    --------
    >>> from moonpost.control.packets.telecommands import CommandLayout
    >>> significance_of(CommandLayout("queue-reset", 1, 11, 3))
    'hazardous'
    """
    takes_away = layout.service == _SCHEDULING and layout.subservice not in _TAKES_NOTHING
    return "hazardous" if takes_away else layout.significance


def _is_insert(layout: CommandLayout) -> bool:
    return (layout.service, layout.subservice) == (_SCHEDULING, _INSERT)


def _inside(dictionary: CommandDictionary, command: Telecommand, left: int) -> Iterator[Telecommand]:
    """Commands in the octets of a command's arguments, and in theirs."""
    layout = dictionary.command(command.name)
    for name, value in command.arguments.items():
        if not isinstance(value, bytes):
            continue
        try:
            found = [decode_command(dictionary, one) for one in _packets(value)]
        except DataError as error:
            if layout.service == _SCHEDULING:
                raise DataError(
                    f"what it carries is no command: {error.what}",
                    where=f"{command.name}, {name}",
                    advice="carry whole packets of the dictionary, and nothing else",
                ) from error
            continue
        if found and left == 0:
            raise DataError("commands stand too deep in each other", where=command.name, advice="carry them flat")
        for one in found:
            yield one
            yield from _inside(dictionary, one, left - 1)


def _packets(octets: bytes) -> Iterator[bytes]:
    """Packets one after the other, as their length fields cut them."""
    at = 0
    while at < len(octets):
        size = int.from_bytes(octets[at + 4 : at + _HEADER_OCTETS], "big") + 1 + _HEADER_OCTETS
        yield octets[at : at + size]
        at += size


def time_tagged(dictionary: CommandDictionary, octets: bytes, ticks: int, count: int) -> bytes:
    """A packet wrapped so that the station carries it out at a time.

    Parameters
    ----------
    dictionary : CommandDictionary
        Has an insertion into the time-based schedule (service 11, subservice 4): a time of 48 bits, and octets.
    octets : bytes
        The packet.
    ticks : int
        What the clock on board will show, in 1/65536 s.
    count : int
        Sequence count of the packet around it.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        If the station takes no such requests.

    References
    ----------
    ECSS-E-ST-70-41C, Telemetry and telecommand packet utilization, 2016, section 8.11.

    Examples
    --------
    >>> from moonpost.control.packets.telecommands import CommandLayout
    >>> time_tagged(CommandDictionary("station", ()), b"", 0, 0)
    Traceback (most recent call last):
    ...
    moonpost.errors.InputError: station: the station keeps no commands for later; send it when it is due
    """
    layout = insert_layout(dictionary)
    if layout is None:
        raise InputError(
            "the station keeps no commands for later", where=dictionary.name, advice="send it when it is due"
        )
    time = next(
        one for one in layout.arguments if (one.encoding.kind, one.encoding.bits) == ("unsigned", _CUC_BITS)
    )
    carried = next(one for one in layout.arguments if one.encoding.kind == "binary")
    return encode_command(dictionary, layout.name, {time.name: ticks, carried.name: octets}, count)


def packet_of(dictionary: CommandDictionary, name: str, arguments: Mapping[str, Any], count: int) -> bytes:
    """The packet of a command that asks for reports of acceptance, start and completion."""
    try:
        return encode_command(dictionary, name, arguments, count, acknowledge=_REPORTS_ASKED)
    except OverflowError as error:
        raise InputError("a number is too large", where=name, advice="give one within its range") from error


def insert_layout(dictionary: CommandDictionary) -> CommandLayout | None:
    """The insertion into the time-based schedule, if the station has one that can be used."""
    for layout in dictionary.commands:
        kinds = {(one.encoding.kind, one.encoding.bits) for one in layout.arguments}
        if _is_insert(layout) and ("unsigned", _CUC_BITS) in kinds and any(kind == "binary" for kind, _ in kinds):
            return layout
    return None


def true_ticks(time_us: int) -> int:
    """What a clock on board that is right shows at a mission time."""
    return int(CucClock().ticks(np.atleast_1d(np.datetime64(time_us, "us")))[0])


def _due_us(dictionary: CommandDictionary, command: Telecommand) -> int | None:
    """When a clock on board that is right shows the time of an insertion; None for any other command."""
    layout = dictionary.command(command.name)
    if not _is_insert(layout):
        return None
    ticks = [
        value for one in layout.arguments
        if (one.encoding.kind, one.encoding.bits) == ("unsigned", _CUC_BITS)
        and isinstance(value := command.arguments.get(one.name), int)
    ]  # fmt: skip
    if not ticks:
        return None
    true_us = np.array([min(max(ticks) * 1_000_000 // _TICKS_PER_S, _LATEST_US)], np.int64)
    return int(np.datetime64(CucClock().at(true_us)[0], "us").astype(np.int64))
