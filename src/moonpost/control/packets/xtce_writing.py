"""Dictionaries as XTCE 1.2 files, in a flat profile: one space system, no aggregates, no arrays."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.control.packets.calibration import Calibration, Enumeration, Instant, Polynomial, Spline
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter
from moonpost.control.packets.layouts import places_of
from moonpost.control.packets.limits import Comparison, Limits
from moonpost.errors import InputError
from moonpost.files import atomic_path

if TYPE_CHECKING:
    from lxml.etree import _Element

    from moonpost.control.packets.telecommands import CommandDictionary

__all__ = [
    "NAMESPACE",
    "ROOT_CONTAINER",
    "add",
    "add_alias",
    "add_encoding",
    "charset_name",
    "token",
    "write_xtce",
    "xtce_text",
]

NAMESPACE = "http://www.omg.org/spec/XTCE/20180204"
"""Namespace of XTCE 1.2."""
ROOT_CONTAINER = "CCSDSPacket"
"""The abstract container with the primary header, from which all packets inherit."""

_ALIASES = "moonpost"
_Shared = tuple[tuple[Item, ...], tuple[Comparison, ...]]


def write_xtce(dictionary: Dictionary, path: str | Path, commands: CommandDictionary | None = None) -> None:
    """Write a dictionary as an XTCE 1.2 file.

    Parameters
    ----------
    dictionary : Dictionary
        What packets hold; each packet begins with the primary header.
    path : str or Path
        The file, replaced as a whole.
    commands : CommandDictionary, optional
        Telecommands of the same source, for the same file.

    Raises
    ------
    InputError
        If the dictionary has something that the profile lacks.
    OutputError
        If the file cannot be written.
    """
    text = xtce_text(dictionary, commands)
    with atomic_path(Path(path)) as draft:
        draft.write_bytes(text)


def xtce_text(dictionary: Dictionary, commands: CommandDictionary | None = None) -> bytes:
    """A dictionary as XTCE 1.2.

    Parameters
    ----------
    dictionary : Dictionary
        What packets hold; each packet begins with the primary header.
    commands : CommandDictionary, optional
        Telecommands of the same source, for the same file.

    Returns
    -------
    bytes
        The file in UTF-8. Names with signs that XTCE does not allow get an alias with the name as it is here.

    Raises
    ------
    InputError
        If the dictionary has something that the profile lacks.

    References
    ----------
    OMG, XML Telemetric and Command Exchange (XTCE), version 1.2, formal/2018-10-04.

    Examples
    --------
    >>> text = xtce_text(Dictionary("station", HEADER, ()))
    >>> b'SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="station"' in text
    True
    """
    from lxml import etree

    from moonpost.control.packets.xtce_commands import add_commands

    _check(dictionary)
    root = etree.Element(f"{{{NAMESPACE}}}SpaceSystem", nsmap={None: NAMESPACE}, name=token(dictionary.name))
    meta = add(root, "TelemetryMetaData")
    types, parameters, containers = (
        add(meta, tag) for tag in ("ParameterTypeSet", "ParameterSet", "ContainerSet")
    )
    for parameter in dictionary.parameters:
        _type(types, parameter)
        row = add(
            parameters, "Parameter", name=token(parameter.name), parameterTypeRef=f"{token(parameter.name)}_type"
        )
        if parameter.description:
            row.set("shortDescription", parameter.description)
        add_alias(row, parameter.name)
    base = add(containers, "SequenceContainer", name=ROOT_CONTAINER, abstract="true")
    entries = add(base, "EntryList")
    for field in HEADER:
        add(entries, "ParameterRefEntry", parameterRef=token(field.name))
    known: dict[_Shared, str] = {}
    for packet in dictionary.packets:
        _container(containers, dictionary, packet, _base(containers, dictionary, packet, known))
    if commands is not None:
        add_commands(root, commands, dictionary)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def token(name: str) -> str:
    """A name as XTCE allows it.

    Parameters
    ----------
    name : str
        Any name.

    Returns
    -------
    str
        The name with ``__`` for a dot and ``_`` for other signs that XTCE does not allow.

    Examples
    --------
    >>> token("mast-2m.light_fraction")
    'mast-2m__light_fraction'
    """
    return "".join("__" if sign == "." else "_" if sign in "/:[] \t\n#" else sign for sign in name)


def _check(dictionary: Dictionary) -> None:
    """Refuse what the profile lacks."""
    fields = {parameter.name for parameter in HEADER}
    names = [token(parameter.name) for parameter in dictionary.parameters]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise InputError(f"two parameters become {twice!r}", where=dictionary.name, advice="rename one of them")
    if fields - {parameter.name for parameter in dictionary.parameters}:
        raise InputError("no primary header", where=dictionary.name, advice="add the parameters of HEADER")
    for packet in dictionary.packets:
        if [item.parameter for item in packet.items[: len(HEADER)]] != [field.name for field in HEADER]:
            raise InputError(
                "a packet does not begin with the primary header", where=packet.name, advice="begin with HEADER"
            )
        if token(packet.name) == ROOT_CONTAINER:
            raise InputError("a packet has the name of the header", where=packet.name, advice="rename it")


def add(parent: _Element, tag: str, /, **attributes: str) -> _Element:
    """A child element."""
    from lxml import etree

    return etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def add_alias(row: _Element, name: str) -> None:
    """The name as it is here, where XTCE does not allow it."""
    if token(name) != name:
        add(add(row, "AliasSet"), "Alias", nameSpace=_ALIASES, alias=name)


def _type(types: _Element, parameter: Parameter) -> None:
    """The type of one parameter."""
    encoding, calibration = parameter.encoding, parameter.calibration
    tag = _type_tag(encoding, calibration)
    row = add(types, f"{tag}ParameterType", name=f"{token(parameter.name)}_type")
    if tag == "Integer":
        row.set("signed", "true" if encoding.kind == "signed" else "false")
        row.set("sizeInBits", str(encoding.bits))
    if tag == "Float":
        row.set("sizeInBits", "64" if calibration is not None else str(max(32, encoding.bits)))
    if isinstance(calibration, Instant):
        _time_type(row, encoding, calibration)
        return
    if parameter.unit:
        add(add(row, "UnitSet"), "Unit").text = parameter.unit
    elif tag in {"Integer", "Float", "Enumerated", "Binary", "String"}:
        add(row, "UnitSet")
    add_encoding(row, encoding, calibration)
    if isinstance(calibration, Enumeration):
        labels = add(row, "EnumerationList")
        for number, label in sorted(calibration.labels.items()):
            add(labels, "Enumeration", value=str(number), label=label)
    if tag in {"Integer", "Float"}:
        _alarms(row, parameter)


def _type_tag(encoding: Encoding, calibration: Calibration | None) -> str:
    """Kind of a parameter type."""
    if isinstance(calibration, Enumeration):
        return "Enumerated"
    if isinstance(calibration, Instant):
        return "AbsoluteTime"
    if encoding.kind in {"binary", "text"}:
        return {"binary": "Binary", "text": "String"}[encoding.kind]
    return "Float" if calibration is not None or encoding.kind == "float" else "Integer"


def _time_type(row: _Element, encoding: Encoding, instant: Instant) -> None:
    """A count of time with its epoch."""
    scaled = add(row, "Encoding", units="seconds", scale=repr(instant.scale_s), offset=repr(instant.offset_s))
    add_encoding(scaled, encoding, None)
    add(add(row, "ReferenceTime"), "Epoch").text = instant.epoch


def add_encoding(row: _Element, encoding: Encoding, calibration: Calibration | None) -> None:
    """How raw values are written."""
    order = {"byteOrder": "leastSignificantByteFirst"} if encoding.little else {}
    if encoding.kind == "binary":
        size = add(add(row, "BinaryDataEncoding"), "SizeInBits")
        _size(size, encoding)
        return
    if encoding.kind == "text":
        _text(row, encoding)
        return
    if encoding.kind == "float":
        coded = add(row, "FloatDataEncoding", sizeInBits=str(encoding.bits), encoding="IEEE754_1985", **order)
    else:
        kind = "twosComplement" if encoding.kind == "signed" else "unsigned"
        coded = add(row, "IntegerDataEncoding", sizeInBits=str(encoding.bits), encoding=kind, **order)
    if isinstance(calibration, Polynomial):
        terms = add(add(coded, "DefaultCalibrator"), "PolynomialCalibrator")
        for exponent, coefficient in enumerate(calibration.coefficients):
            add(terms, "Term", coefficient=repr(float(coefficient)), exponent=str(exponent))
    if isinstance(calibration, Spline):
        points = add(
            add(coded, "DefaultCalibrator"), "SplineCalibrator", order=str(calibration.order),
            extrapolate="true" if calibration.extrapolate else "false",
        )  # fmt: skip
        for raw, value in zip(calibration.raw, calibration.calibrated, strict=True):
            add(points, "SplinePoint", raw=repr(float(raw)), calibrated=repr(float(value)))


def _size(parent: _Element, encoding: Encoding) -> None:
    """Bits of an item: a number, or told by another item."""
    size = encoding.size
    if size is None:
        add(parent, "FixedValue").text = str(encoding.bits)
        return
    if size.parameter is None or size.leading_bits or size.terminator:
        raise InputError(
            "octets that tell their own size have no place in XTCE",
            where="encoding",
            advice="give the size as an item before them",
        )
    _dynamic(parent, size.parameter, size.slope, size.intercept)


def _dynamic(parent: _Element, parameter: str, slope: int, intercept: int) -> None:
    """A number told by an item."""
    value = add(parent, "DynamicValue")
    add(value, "ParameterInstanceRef", parameterRef=token(parameter), useCalibratedValue="false")
    add(value, "LinearAdjustment", slope=str(slope), intercept=str(intercept))


def _text(row: _Element, encoding: Encoding) -> None:
    """A text."""
    size = encoding.size
    coded = add(row, "StringDataEncoding", encoding=charset_name(encoding))
    if size is None:
        add(add(add(coded, "SizeInBits"), "Fixed"), "FixedValue").text = str(encoding.bits)
        return
    most = encoding.bits + size.leading_bits + 8 * len(size.terminator)
    variable = add(coded, "Variable", maxSizeInBits=str(most))
    if size.parameter is not None:
        _dynamic(variable, size.parameter, size.slope, size.intercept)
    else:
        add(add(variable, "DynamicValue"), "ParameterInstanceRef", parameterRef=token("ccsds_length"))
    if size.leading_bits:
        add(variable, "LeadingSize", sizeInBitsOfSizeTag=str(size.leading_bits))
    if size.terminator:
        add(variable, "TerminationChar").text = size.terminator.hex().upper()


def charset_name(encoding: Encoding) -> str:
    """Name of a text's character set in XTCE."""
    names = {"utf-8": "UTF-8", "ascii": "US-ASCII", "us-ascii": "US-ASCII", "latin-1": "ISO-8859-1",
             "iso-8859-1": "ISO-8859-1", "utf-16-be": "UTF-16BE", "utf-16-le": "UTF-16LE"}  # fmt: skip
    charset = names.get(encoding.charset.lower())
    if charset is None:
        raise InputError(f"XTCE has no character set {encoding.charset!r}", where="encoding", advice="use utf-8")
    return charset


def _alarms(row: _Element, parameter: Parameter) -> None:
    """Limits, and those of contexts."""
    if parameter.limits is not None:
        _ranges(add(row, "DefaultAlarm"), parameter.limits)
    if parameter.contexts:
        contexts = add(row, "ContextAlarmList")
        for context in parameter.contexts:
            alarm = add(contexts, "ContextAlarm")
            _ranges(alarm, context.limits)
            _comparisons(add(alarm, "ContextMatch"), context.when)


def _ranges(alarm: _Element, limits: Limits) -> None:
    """Bounds of warnings and critical states."""
    ranges = add(alarm, "StaticAlarmRanges")
    for tag, low, high in (
        ("WarningRange", limits.warning_low, limits.warning_high),
        ("CriticalRange", limits.critical_low, limits.critical_high),
    ):
        bounds = {"minInclusive": low, "maxInclusive": high}
        told = {key: repr(float(bound)) for key, bound in bounds.items() if bound is not None}
        if told:
            add(ranges, tag, **told)


def _comparisons(parent: _Element, comparisons: tuple[Comparison, ...]) -> None:
    """Comparisons that all have to hold."""
    rows = add(parent, "ComparisonList")
    for comparison in comparisons:
        attributes: dict[str, Any] = {
            "parameterRef": token(comparison.parameter),
            "comparisonOperator": comparison.operator,
            "value": str(comparison.value),
            "useCalibratedValue": "true" if comparison.calibrated else "false",
        }
        add(rows, "Comparison", **attributes)


def _base(containers: _Element, dictionary: Dictionary, packet: PacketLayout, known: dict[_Shared, str]) -> str:
    """The container that a packet inherits from: it has to hold all that tells the packet from others."""
    shared = _shared(packet)
    if shared is None:
        return ROOT_CONTAINER
    if shared not in known:
        taken = {token(other.name) for other in dictionary.packets}
        names = (f"{ROOT_CONTAINER}_{number}" for number in count(len(known) + 1))
        known[shared] = next(name for name in names if name not in taken)
        row = add(containers, "SequenceContainer", name=known[shared], abstract="true")
        first, (items, criteria) = len(HEADER), shared
        _entries(row, dictionary, packet, first, len(items))
        base = add(row, "BaseContainer", containerRef=ROOT_CONTAINER)
        if criteria:
            _comparisons(add(base, "RestrictionCriteria"), criteria)
    return known[shared]


def _shared(packet: PacketLayout) -> _Shared | None:
    """Items up to the last that is compared, and what is compared in the header; None if that is all."""
    names, header = [item.parameter for item in packet.items], {field.name for field in HEADER}
    compared = [names.index(one.parameter) for one in packet.criteria if one.parameter in names]
    last = max(compared, default=0) + 1
    if last <= len(HEADER):
        return None
    return packet.items[:last], tuple(one for one in packet.criteria if one.parameter in header)


def _container(containers: _Element, dictionary: Dictionary, packet: PacketLayout, base: str) -> None:
    """One packet."""
    row = add(containers, "SequenceContainer", name=token(packet.name))
    if packet.description:
        row.set("shortDescription", packet.description)
    add_alias(row, packet.name)
    shared = _shared(packet) or (packet.items[: len(HEADER)], ())
    _entries(row, dictionary, packet, len(shared[0]), len(packet.items))
    inherited = add(row, "BaseContainer", containerRef=base)
    criteria = tuple(one for one in packet.criteria if one not in shared[1])
    if criteria:
        _comparisons(add(inherited, "RestrictionCriteria"), criteria)


def _entries(row: _Element, dictionary: Dictionary, packet: PacketLayout, first: int, stop: int) -> None:
    """Some of the items of a packet."""
    entries = add(row, "EntryList")
    for place in places_of(dictionary, packet)[first:stop]:
        entry = add(entries, "ParameterRefEntry", parameterRef=token(place.parameter.name))
        if not place.follows and place.bit is not None:
            location = add(entry, "LocationInContainerInBits", referenceLocation="containerStart")
            add(location, "FixedValue").text = str(place.bit)
