"""Telecommands in XTCE: one flat command each, with its headers as fixed entries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from moonpost.control.packets.arguments import Argument
from moonpost.control.packets.calibration import Enumeration
from moonpost.control.packets.telecommands import PUS_VERSION, SIGNIFICANCE, CommandDictionary, CommandLayout
from moonpost.control.packets.xtce_reading import own_name, parse
from moonpost.control.packets.xtce_types import (
    TypeReader,
    children,
    fault,
    local,
    located,
    named,
    number,
    twice,
    whole,
)
from moonpost.control.packets.xtce_verifiers import add_verifiers, verification_reports
from moonpost.control.packets.xtce_writing import add, add_alias, add_encoding, charset_name, token
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

    from moonpost.control.packets.dictionary import Dictionary

__all__ = ["add_commands", "read_xtce_commands"]

_LEVELS = dict(zip(("normal", "vital", "critical"), SIGNIFICANCE, strict=True))
_OTHER_LEVELS = {"forbidden": "hazardous", "user1": "important", "user2": "important"}
_ACKNOWLEDGE = 0b1001
_HEADER_BITS, _FUNCTION_BITS = 88, 16
_ELEMENT, _CHECKSUM, _MOST = "moonpost.element", "moonpost.checksum", "moonpost.most_bits"
_CRC = "CRC-16 of polynomial 0x1021 and start 0xFFFF behind the last entry"


def add_commands(root: _Element, commands: CommandDictionary, dictionary: Dictionary) -> None:
    """Put telecommands into a space system.

    Parameters
    ----------
    root : lxml element
        The space system, behind whose telemetry they go.
    commands : CommandDictionary
        Every command.
    dictionary : Dictionary
        Telemetry of the same space system; its reports of service 1 become verifiers of each command.

    Raises
    ------
    InputError
        If the names of two commands or arguments become equal.

    Notes
    -----
    Count and length stand as zeros, which whoever sends fills in, and the checksum is told in words, for XTCE has
    no entry that computes one. Reports are asked for on acceptance and completion, the source is 0.
    """
    if not commands.commands:
        return
    names = [token(command.name) for command in commands.commands]
    names += [_type_name(command, argument) for command in commands.commands for argument in command.arguments]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two commands or arguments become {twice!r}", where=commands.name, advice="rename one")
    meta = add(root, "CommandMetaData")
    if any(command.arguments for command in commands.commands):
        types = add(meta, "ArgumentTypeSet")
        for command in commands.commands:
            for argument in command.arguments:
                _type(types, _type_name(command, argument), argument)
    rows, reports = add(meta, "MetaCommandSet"), verification_reports(dictionary)
    for command in commands.commands:
        add_verifiers(_command(rows, command, commands.crc), command, reports)


def _type_name(command: CommandLayout, argument: Argument) -> str:
    """Name of the type of an argument."""
    return f"{token(command.name)}__{token(argument.name)}_type"


def _type(types: _Element, name: str, argument: Argument) -> None:
    """The type of one argument."""
    encoding = argument.encoding
    tag = {"float": "Float", "text": "String", "binary": "Binary"}.get(encoding.kind, "Integer")
    tag = "Enumerated" if argument.labels is not None else tag
    row = add(types, f"{tag}ArgumentType", name=name)
    if tag == "Integer":
        row.set("signed", "true" if encoding.kind == "signed" else "false")
    if tag in {"Integer", "Float"}:
        row.set("sizeInBits", str(max(encoding.bits, 32) if tag == "Float" else encoding.bits))
    if encoding.size is not None and encoding.kind == "binary":
        _note(row, {_MOST: str(encoding.bits)})
    units = add(row, "UnitSet")
    if argument.unit:
        add(units, "Unit").text = argument.unit
    if encoding.size is None:
        add_encoding(row, encoding, None)
    else:
        _sized(row, argument)
    if argument.labels is not None:
        labels = add(row, "EnumerationList")
        for key, label in sorted(argument.labels.items()):
            add(labels, "Enumeration", value=str(key), label=label)
    bounds = {"minInclusive": _bound(argument, argument.low, math.ceil),
              "maxInclusive": _bound(argument, argument.high, math.floor)}  # fmt: skip
    told = {key: bound for key, bound in bounds.items() if bound is not None}
    if told:
        add(add(row, "ValidRangeSet"), "ValidRange", **told)


def _bound(argument: Argument, bound: float | None, whole: Callable[[float], int]) -> str | None:
    """A bound as XTCE writes it: whole for whole numbers."""
    if bound is None:
        return None
    return repr(float(bound)) if argument.encoding.kind == "float" else str(whole(bound))


def _sized(row: _Element, argument: Argument) -> None:
    """Encoding of octets or a text whose size another argument tells."""
    encoding, size = argument.encoding, argument.encoding.size
    assert size is not None
    if encoding.kind == "binary":
        parent = add(add(row, "BinaryDataEncoding"), "SizeInBits")
    else:
        coded = add(row, "StringDataEncoding", encoding=charset_name(encoding))
        parent = add(coded, "Variable", maxSizeInBits=str(encoding.bits))
    value = add(parent, "DynamicValue")
    add(value, "ArgumentInstanceRef", argumentRef=token(size.parameter or ""), useCalibratedValue="false")
    add(value, "LinearAdjustment", slope=str(size.slope), intercept=str(size.intercept))


def _command(rows: _Element, command: CommandLayout, crc: bool) -> _Element:
    """One command."""
    row = add(rows, "MetaCommand", name=token(command.name))
    if command.description:
        row.set("shortDescription", command.description)
    add_alias(row, command.name)
    notes = {_CHECKSUM: _CRC} if crc else {}
    _note(row, {**notes, **({_ELEMENT: command.element} if command.element is not None else {})})
    if command.arguments:
        arguments = add(row, "ArgumentList")
        for argument in command.arguments:
            one = add(
                arguments, "Argument", name=token(argument.name), argumentTypeRef=_type_name(command, argument)
            )
            if argument.description:
                one.set("shortDescription", argument.description)
            if argument.default is not None:
                value = argument.value(argument.raw(argument.default))
                one.set("initialValue", value.hex() if isinstance(value, bytes) else str(value))
            add_alias(one, argument.name)
    entries = add(add(row, "CommandContainer", name=f"{token(command.name)}_packet"), "EntryList")
    _fixed(entries, "packet_id", 0x1800 | command.apid, 16)
    _fixed(entries, "sequence", 0xC000, 16)
    _fixed(entries, "length", 0, 16)
    _fixed(entries, "version_acknowledge", PUS_VERSION << 4 | _ACKNOWLEDGE, 8)
    _fixed(entries, "service", command.service, 8)
    _fixed(entries, "subservice", command.subservice, 8)
    _fixed(entries, "source", 0, 16)
    if command.function is not None:
        _fixed(entries, "function", command.function, _FUNCTION_BITS)
    for argument in command.arguments:
        add(entries, "ArgumentRefEntry", argumentRef=token(argument.name))
    used = sum(argument.encoding.bits for argument in command.arguments if argument.encoding.fixed)
    used += sum((argument.encoding.size.intercept for argument in command.arguments if argument.encoding.size), 0)
    if used % 8:
        _fixed(entries, "spare", 0, -used % 8)
    level = next(level for level, name in _LEVELS.items() if name == command.significance)
    add(row, "DefaultSignificance", consequenceLevel=level)
    return row


def _fixed(entries: _Element, name: str, value: int, bits: int) -> None:
    """Bits that are the same in every packet."""
    octets = value.to_bytes((bits + 7) // 8, "big").hex().upper()
    add(entries, "FixedValueEntry", name=name, binaryValue=octets, sizeInBits=str(bits))


def _note(row: _Element, notes: dict[str, str]) -> None:
    """What XTCE has no place for."""
    if notes:
        rows = add(row, "AncillaryDataSet")
        for name, text in notes.items():
            add(rows, "AncillaryData", name=name).text = text


def read_xtce_commands(path: str | Path) -> CommandDictionary:
    """Read telecommands from an XTCE file.

    Parameters
    ----------
    path : str or Path
        The file; XTCE 1.2 with flat commands as `write_xtce` makes them.

    Returns
    -------
    CommandDictionary
        Its commands, none if it has none; `crc` unless the file's commands tell of no checksum.

    Raises
    ------
    DataError
        If the file cannot be read, or a command is abstract, inherits, has other headers, or arguments with
        calibrations.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> from moonpost.control.packets.dictionary import HEADER, Dictionary
    >>> from moonpost.control.packets.xtce_writing import write_xtce
    >>> stack = CommandDictionary("station", (CommandLayout("ping", 1, 17, 1),))
    >>> with NamedTemporaryFile(suffix=".xml") as file:
    ...     write_xtce(Dictionary("station", HEADER, ()), file.name, stack)
    ...     read_xtce_commands(file.name) == stack
    True
    """
    root = parse(Path(path))
    try:
        return _read(root, str(path))
    except InputError as error:
        raise DataError(f"{error.where}: {error.what}", where=str(path), advice=error.advice) from error


def _read(root: _Element, path: str) -> CommandDictionary:
    """All commands of the outermost space system."""
    deeper = next((row for row in root.iter("{*}CommandMetaData") if row.getparent() is not root), None)
    if deeper is not None:
        place = deeper.getparent().get("name", "")
        with located(path, place, deeper):
            raise fault(path, place, "commands of a space system within another one")
    types: dict[str, Argument] = {}
    for row in (row for rows in named(root, "CommandMetaData", "ArgumentTypeSet") for row in children(rows)):
        place = row.get("name", "")
        with located(path, place, row):
            if place in types:
                raise twice(path, place)
            types[place] = _argument_type(path, row)
    commands, checked, known = [], [], set()
    for row in (row for rows in named(root, "CommandMetaData", "MetaCommandSet") for row in children(rows)):
        place = row.get("name", "")
        with located(path, place, row):
            if local(row) != "MetaCommand" or row.get("abstract") in {"true", "1"}:
                raise fault(path, place, f"{local(row)}, abstract or by reference,")
            if place in known:
                raise twice(path, place)
            known.add(place)
            commands.append(_layout(path, row, types))
        checked.append(_CHECKSUM in _notes(row))
    if len(set(checked)) > 1:
        raise fault(path, "CommandMetaData", "a checksum for some of the commands only")
    return CommandDictionary(root.get("name", "unnamed"), tuple(commands), all(checked))


def _argument_type(path: str, row: _Element) -> Argument:
    """A type as an argument without a name of its own."""
    reader, name = TypeReader(path), row.get("name", "")
    reader.read(name, row)
    made = reader.known[name]
    labels = made.calibration.labels if isinstance(made.calibration, Enumeration) else None
    if made.calibration is not None and labels is None:
        raise fault(path, name, "an argument with a calibration")
    encoding, low, high = made.encoding, None, None
    most = _notes(row).get(_MOST)
    if most is not None:
        encoding = replace(encoding, bits=whole(path, name, most))
    ranges = [limits for rows in named(row, "ValidRangeSet") for limits in children(rows)]
    if len(ranges) > 1:
        raise fault(path, name, "more than one range")
    for limits in ranges:
        other = ", ".join(str(key) for key in limits.attrib if key not in {"minInclusive", "maxInclusive"})
        if other:
            raise fault(path, name, f"a bound {other}")
        exact = number if encoding.kind == "float" else whole
        low, high = (
            None if told is None else exact(path, name, told)
            for told in (limits.get("minInclusive"), limits.get("maxInclusive"))
        )
    return _defaulted(path, Argument(name, encoding, made.unit, "", low, high, labels), row)


def _defaulted(path: str, argument: Argument, row: _Element) -> Argument:
    """An argument with the value that is told for where none is given."""
    told = row.get("initialValue")
    if told is None:
        return argument
    default: int | float | str = told
    if argument.labels is None and argument.encoding.kind not in {"text", "binary"}:
        exact = number if argument.encoding.kind == "float" else whole
        default = exact(path, row.get("name", ""), told)
    return replace(argument, default=argument.value(argument.raw(default)))


def _layout(path: str, row: _Element, types: dict[str, Argument]) -> CommandLayout:
    """One command."""
    place, level = row.get("name", ""), "normal"
    found: dict[str, Argument] = {}
    entries: tuple[_Element, ...] = ()
    for part in children(row):
        tag = local(part)
        if tag == "ArgumentList":
            found = {one.get("name", ""): _argument(path, one, types) for one in children(part)}
            if len(found) < len(children(part)):
                raise fault(path, place, "arguments of one name")
        elif tag == "CommandContainer":
            entries = tuple(entry for rows in named(part, "EntryList") for entry in children(rows))
            if any(local(inner) == "BaseContainer" for inner in children(part)):
                raise fault(path, place, "a container that inherits")
        elif tag == "DefaultSignificance":
            level = part.get("consequenceLevel", "normal")
        elif tag not in {"LongDescription", "AliasSet", "AncillaryDataSet", "SystemName", "VerifierSet"}:
            raise fault(path, place, tag)
    found = _named_sizes(found)
    head, order = _entries(path, place, entries)
    if [*found] != order:
        raise fault(path, place, "arguments in another order than their entries, or left out,")
    apid, service, subservice, function = _header(path, place, head)
    significance = (_LEVELS | _OTHER_LEVELS).get(level)
    if significance is None:
        raise fault(path, place, f"the significance {level}")
    return CommandLayout(
        own_name(row), apid, service, subservice, tuple(found.values()), significance,
        row.get("shortDescription", ""), _notes(row).get(_ELEMENT), function,
    )  # fmt: skip


def _named_sizes(found: dict[str, Argument]) -> dict[str, Argument]:
    """Arguments whose sizes name others as they are called here."""
    names = {key: argument.name for key, argument in found.items()}
    sized = dict(found)
    for key, argument in found.items():
        size = argument.encoding.size
        if size is not None and size.parameter in names:
            told = replace(size, parameter=names[size.parameter])
            sized[key] = replace(argument, encoding=replace(argument.encoding, size=told))
    return sized


def _argument(path: str, row: _Element, types: dict[str, Argument]) -> Argument:
    """One argument of a command."""
    reference = row.get("argumentTypeRef", "")
    if reference not in types:
        raise DataError(
            f"{reference!r} is not there", where=f"{path}: {row.get('name')}", advice="correct the name"
        )
    argument = replace(types[reference], name=own_name(row), description=row.get("shortDescription", ""))
    return _defaulted(path, argument, row)


def _entries(path: str, place: str, entries: tuple[_Element, ...]) -> tuple[str, list[str]]:
    """Bits before the first argument, and the arguments in their order."""
    head, order = "", []
    for entry in entries:
        if local(entry) == "ArgumentRefEntry" and not children(entry):
            order.append(entry.get("argumentRef", ""))
        elif local(entry) == "FixedValueEntry" and not children(entry):
            octets = _hexadecimal(path, place, entry.get("binaryValue", ""))
            bits = whole(path, place, entry.get("sizeInBits", str(8 * len(octets))))
            if not 0 < bits <= 8 * len(octets):
                raise fault(path, place, f"{bits} bits of {len(octets)} octets")
            text = "".join(f"{octet:08b}" for octet in octets)
            if order and ("1" in text or bits >= 8):
                raise fault(path, place, "fixed bits behind arguments")
            head += "" if order else text[len(text) - bits :]
        else:
            raise fault(path, place, f"{local(entry)} or its location")
    return head, order


def _hexadecimal(path: str, place: str, text: str) -> bytes:
    """Octets of a hexadecimal text."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise DataError(
            f"{text!r} is not hexadecimal", where=f"{path}: {place}", advice="correct the file"
        ) from None


def _header(path: str, place: str, head: str) -> tuple[int, int, int, int | None]:
    """APID, service, subservice and function of the fixed bits."""
    if len(head) not in {_HEADER_BITS, _HEADER_BITS + _FUNCTION_BITS}:
        raise fault(path, place, f"a header of {len(head)} bits")
    if head[:5] != "00011" or int(head[48:52], 2) != PUS_VERSION:
        raise fault(path, place, "another header than that of a telecommand with a secondary header of version 2")
    function = int(head[_HEADER_BITS:], 2) if len(head) > _HEADER_BITS else None
    return int(head[5:16], 2), int(head[56:64], 2), int(head[64:72], 2), function


def _notes(row: _Element) -> dict[str, str]:
    """What XTCE has no place for."""
    return {
        one.get("name", ""): one.text or "" for rows in named(row, "AncillaryDataSet") for one in children(rows)
    }
