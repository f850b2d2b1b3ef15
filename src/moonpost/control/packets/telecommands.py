"""Telecommands: their dictionary, and their packets of the packet utilisation standard written and read."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moonpost.control.packets.arguments import Argument, read_arguments, write_arguments
from moonpost.control.packets.headers import HEADER_OCTETS, IDLE_APID, make_packets
from moonpost.errors import DataError, InputError, UnknownNameError

__all__ = [
    "CAUSES",
    "PUS_VERSION",
    "SIGNIFICANCE",
    "CommandDictionary",
    "CommandError",
    "CommandLayout",
    "Telecommand",
    "decode_command",
    "encode_command",
]

PUS_VERSION = 2
"""Version of the secondary header: that of ECSS-E-ST-70-41C."""
SIGNIFICANCE = ("routine", "important", "hazardous")
"""How much a command can harm, rising."""
CAUSES = ("header", "length", "checksum", "version", "unknown", "argument")
"""Why octets are no command of a dictionary: `CommandError` names one of them."""

_SECONDARY_OCTETS, _CRC_OCTETS, _FUNCTION_OCTETS = 5, 2, 2
_START = 0xFFFF


@dataclass(frozen=True)
class CommandLayout:
    """What a telecommand holds.

    Parameters
    ----------
    name : str
        Name, unique in its dictionary.
    apid : int
        Application process that takes it, 0 to 2046.
    service, subservice : int
        Type and subtype of the message, 0 to 255.
    arguments : tuple of Argument
        In their order.
    significance : {"routine", "important", "hazardous"}
        How much it can harm.
    description : str
        What it does.
    element : str or None
        Element of the plan that it concerns; None for the station as a whole.
    function : int or None
        Fixed number of 16 bits before the arguments, where several commands share APID, service and subservice.

    Raises
    ------
    InputError
        If a number does not fit, a name is missing or given twice, or the significance is unknown.

    Examples
    --------
    >>> CommandLayout("ping", 1, 17, 1).key
    (1, 17, 1, None)
    """

    name: str
    apid: int
    service: int
    subservice: int
    arguments: tuple[Argument, ...] = ()
    significance: str = "routine"
    description: str = ""
    element: str | None = None
    function: int | None = None

    def __post_init__(self) -> None:
        where = f"command {self.name!r}"
        if not self.name:
            raise InputError("a command has no name", where="command", advice="give it one")
        for what, value, most in (
            ("apid", self.apid, IDLE_APID - 1), ("service", self.service, 255),
            ("subservice", self.subservice, 255), ("function", self.function or 0, 0xFFFF),
        ):  # fmt: skip
            if not 0 <= value <= most:
                raise InputError(f"{what} {value} does not fit", where=where, advice=f"0 to {most}")
        if self.significance not in SIGNIFICANCE:
            raise InputError(
                f"no significance {self.significance!r}", where=where, advice=f"one of {', '.join(SIGNIFICANCE)}"
            )
        known: set[str] = set()
        for argument in self.arguments:
            size = argument.encoding.size
            if size is not None and size.parameter not in known:
                raise InputError(
                    f"the size of {argument.name!r} is told by no argument before it",
                    where=where,
                    advice="put an unsigned argument with its size before it",
                )
            if argument.name in known:
                raise InputError(f"argument {argument.name!r} is given twice", where=where, advice="rename one")
            known.add(argument.name)

    @property
    def key(self) -> tuple[int, int, int, int | None]:
        """APID, service, subservice and function, which tell it from others."""
        return self.apid, self.service, self.subservice, self.function


@dataclass(frozen=True)
class CommandDictionary:
    """All telecommands of a station.

    Parameters
    ----------
    name : str
        Name of the station.
    commands : tuple of CommandLayout
        Every command.
    crc : bool
        Whether packets end with a checksum of 16 bits.

    Raises
    ------
    InputError
        If a name is given twice or two commands cannot be told apart.

    Examples
    --------
    >>> CommandDictionary("station", (CommandLayout("ping", 1, 17, 1),)).command("ping").service
    17
    """

    name: str
    commands: tuple[CommandLayout, ...]
    crc: bool = True
    _by_name: dict[str, CommandLayout] = field(init=False, repr=False, compare=False)
    _by_key: dict[tuple[int, int, int, int | None], CommandLayout] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {command.name: command for command in self.commands})
        object.__setattr__(self, "_by_key", {command.key: command for command in self.commands})
        if len(self._by_name) < len(self.commands):
            raise InputError("a command's name is given twice", where=self.name, advice="rename one of them")
        alone = {key[:3] for key in self._by_key if key[3] is None}
        shared = {key[:3] for key in self._by_key if key[3] is not None}
        if len(self._by_key) < len(self.commands) or alone & shared:
            raise InputError(
                "two commands cannot be told apart",
                where=self.name,
                advice="give those of one APID, service and subservice a function each",
            )

    def command(self, name: str) -> CommandLayout:
        """The command of a name."""
        if name not in self._by_name:
            raise UnknownNameError(name, self._by_name, kind="command", where=self.name)
        return self._by_name[name]

    def find(self, apid: int, service: int, subservice: int, function: int | None) -> CommandLayout | None:
        """The command of these numbers; `function` is looked at only where commands need it."""
        alone = self._by_key.get((apid, service, subservice, None))
        return alone or self._by_key.get((apid, service, subservice, function))


@dataclass(frozen=True)
class Telecommand:
    """A telecommand as it was read.

    Parameters
    ----------
    name : str
        Name of the command.
    arguments : mapping of str to int, float, str or bytes
        Value of each argument; its label where it has labels.
    apid, count : int
        Application process and sequence count of the packet.
    source : int
        Number of who sent it, 0 to 65535.
    acknowledge : int
        Which reports are asked for: 8 acceptance, 4 start, 2 progress, 1 completion.
    octets : bytes
        The packet.

    Examples
    --------
    >>> stack = CommandDictionary("station", (CommandLayout("ping", 1, 17, 1),))
    >>> decode_command(stack, encode_command(stack, "ping", {}, 7)).count
    7
    """

    name: str
    arguments: Mapping[str, int | float | str | bytes]
    apid: int
    count: int
    source: int
    acknowledge: int
    octets: bytes


class CommandError(DataError):
    """Octets that are no command of a dictionary.

    Parameters
    ----------
    cause : str
        One of `CAUSES`.
    what, where, advice : str
        As of every error.

    Examples
    --------
    >>> CommandError("checksum", "the checksum is wrong").cause
    'checksum'
    """

    def __init__(self, cause: str, what: str, *, where: str = "telecommand", advice: str = "") -> None:
        super().__init__(what, where=where, advice=advice or "send it again as the dictionary says")
        self.cause = cause


def encode_command(
    dictionary: CommandDictionary,
    name: str,
    arguments: Mapping[str, Any],
    count: int,
    *,
    acknowledge: int = 0b1001,
    source: int = 0,
) -> bytes:
    r"""The packet of a telecommand.

    Parameters
    ----------
    dictionary : CommandDictionary
        What commands hold.
    name : str
        Name of the command.
    arguments : mapping of str to int, float, str or bytes
        Values; one with labels takes a label or its number, octets may be hexadecimal text. What has a default or
        tells the size of another argument may be left out.
    count : int
        Sequence count of its APID, 0 to 16383.
    acknowledge : int
        Reports asked for: 8 acceptance, 4 start, 2 progress, 1 completion, added up.
    source : int
        Number of who sends it, 0 to 65535.

    Returns
    -------
    bytes
        Primary header, secondary header (version 2), function if there is one, arguments, checksum.

    Raises
    ------
    UnknownNameError
        If there is no such command or argument.
    InputError
        If an argument is missing, of another kind or out of its range.

    References
    ----------
    ECSS-E-ST-70-41C, Telemetry and telecommand packet utilization, 2016, section 7.4.4.

    Examples
    --------
    >>> stack = CommandDictionary("station", (CommandLayout("ping", 1, 17, 1),))
    >>> encode_command(stack, "ping", {}, 0).hex()
    '1801c00000062911010000db98'
    """
    layout = dictionary.command(name)
    for what, value, most in (
        ("count", count, 0x3FFF),
        ("acknowledge", acknowledge, 15),
        ("source", source, 0xFFFF),
    ):
        if not 0 <= value <= most:
            raise InputError(f"{what} {value} does not fit", where=name, advice=f"0 to {most}")
    head = bytes([PUS_VERSION << 4 | acknowledge, layout.service, layout.subservice]) + source.to_bytes(2, "big")
    told = b"" if layout.function is None else layout.function.to_bytes(_FUNCTION_OCTETS, "big")
    body = head + told + write_arguments(name, layout.arguments, arguments)
    spare = bytes(_CRC_OCTETS if dictionary.crc else 0)
    packet = make_packets(layout.apid, [body + spare], first_count=count, secondary=True, telecommand=True)[0]
    if dictionary.crc:
        packet = packet[:-_CRC_OCTETS]
        packet += crc_hqx(packet, _START).to_bytes(_CRC_OCTETS, "big")
    return packet


def decode_command(dictionary: CommandDictionary, octets: bytes) -> Telecommand:
    """Read the packet of a telecommand.

    Parameters
    ----------
    dictionary : CommandDictionary
        What commands hold.
    octets : bytes
        One whole packet and nothing else.

    Returns
    -------
    Telecommand
        Its name and values.

    Raises
    ------
    CommandError
        If it is no telecommand, its length or checksum is wrong, the dictionary lacks it, or an argument is out of
        its range; `cause` says which.

    Examples
    --------
    >>> stack = CommandDictionary("station", (CommandLayout("ping", 1, 17, 1),))
    >>> decode_command(stack, bytes.fromhex("1801c00000062911010000db98")).name
    'ping'
    """
    octets = bytes(octets)
    data = _checked(octets, dictionary.crc)
    if data[0] >> 4 != PUS_VERSION:
        raise CommandError("version", f"version {data[0] >> 4} of the secondary header is not {PUS_VERSION}")
    apid, service, subservice = int.from_bytes(octets[:2], "big") & 0x7FF, data[1], data[2]
    rest = data[_SECONDARY_OCTETS:]
    told = int.from_bytes(rest[:_FUNCTION_OCTETS], "big") if len(rest) >= _FUNCTION_OCTETS else None
    layout = dictionary.find(apid, service, subservice, told)
    if layout is None:
        raise CommandError("unknown", f"no command of APID {apid}, service {service}, subservice {subservice}, "
                           f"function {told}", where=dictionary.name)  # fmt: skip
    if layout.function is not None:
        rest = rest[_FUNCTION_OCTETS:]
    try:
        values = read_arguments(layout.name, layout.arguments, rest)
    except DataError as error:
        raise CommandError("argument", error.what, where=error.where, advice=error.advice) from error
    count, source = int.from_bytes(octets[2:4], "big") & 0x3FFF, int.from_bytes(data[3:5], "big")
    return Telecommand(layout.name, values, apid, count, source, data[0] & 15, octets)


def _checked(octets: bytes, crc: bool) -> bytes:
    """What lies between primary header and checksum of a sound telecommand."""
    least = HEADER_OCTETS + _SECONDARY_OCTETS + (_CRC_OCTETS if crc else 0)
    if len(octets) < least:
        raise CommandError("length", f"{len(octets)} octets are too few: a command has {least} or more")
    if octets[0] >> 3 != 0b00011 or octets[2] >> 6 != 3:
        raise CommandError("header", "the header is not that of a whole telecommand with a secondary header")
    told = int.from_bytes(octets[4:6], "big") + 1 + HEADER_OCTETS
    if told != len(octets):
        raise CommandError("length", f"its length field tells {told} octets, {len(octets)} came")
    if not crc:
        return octets[HEADER_OCTETS:]
    if crc_hqx(octets, _START) != 0:
        raise CommandError("checksum", "the checksum is wrong")
    return octets[HEADER_OCTETS:-_CRC_OCTETS]
