"""XTCE files as dictionaries: flat or nested space systems, inherited containers, our own files and others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING

from moonpost.control.packets.calibration import Enumeration, Instant
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter
from moonpost.control.packets.layouts import places_of
from moonpost.control.packets.limits import Comparison
from moonpost.control.packets.xtce_types import (
    TypeReader,
    children,
    comparisons,
    fault,
    local,
    located,
    named,
    twice,
    whole,
)
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["own_name", "parse", "read_xtce"]

_SPACES = ("http://www.omg.org/spec/XTCE/20180204", "http://www.omg.org/space/xtce", "")
_MOST_OCTETS = 1 << 28
_MOST_ITEMS = 1 << 16
_MOST_STEPS = 100
_START: int | None = 0
_SYNONYMS = {
    field.name: (place, bits) for field, place, bits in zip(
        HEADER, (0, 3, 4, 5, 16, 18, 32), (3, 1, 1, 11, 2, 14, 16), strict=True)
}  # fmt: skip


def read_xtce(path: str | Path) -> Dictionary:
    """Read a dictionary from an XTCE file.

    Parameters
    ----------
    path : str or Path
        The file; XTCE 1.1 or 1.2, without a document type, up to 256 MiB.

    Returns
    -------
    Dictionary
        Every container that is not abstract, with all that it inherits. The fields of the primary header get the
        names of `HEADER`, wherever the file calls them otherwise; other names are those of the file, with the path
        of the space system before them where two are equal.

    Raises
    ------
    DataError
        If the file cannot be read, or has something that would change values and is not supported: aggregates,
        arrays, algorithms, calibrators in a context, conditions on entries, other encodings; the line is told.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> from moonpost.control.packets.xtce_writing import write_xtce
    >>> with NamedTemporaryFile(suffix=".xml") as file:
    ...     write_xtce(Dictionary("station", HEADER, ()), file.name)
    ...     read_xtce(file.name).name
    'station'
    """
    root = parse(Path(path))
    try:
        return _Reader(root, str(path)).dictionary()
    except InputError as error:
        raise DataError(f"{error.where}: {error.what}", where=str(path), advice=error.advice) from error


def parse(path: Path) -> _Element:
    """The root of a file, without entities and without the network."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        if path.stat().st_size > _MOST_OCTETS:
            raise DataError(f"is longer than {_MOST_OCTETS >> 20} MiB", where=str(path), advice="divide it")
        tree = etree.parse(str(path), parser)
    except (OSError, ValueError, etree.XMLSyntaxError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot be read: {error}", where=str(path), advice="give an XTCE file") from error
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise DataError(
            "has a document type, which may define entities", where=str(path), advice="write it without DOCTYPE"
        )
    root = tree.getroot()
    tag = etree.QName(root)
    if tag.localname != "SpaceSystem" or (tag.namespace or "") not in _SPACES:
        raise DataError("is no XTCE file", where=str(path), advice="its root is a SpaceSystem of XTCE 1.1 or 1.2")
    return root


@dataclass(frozen=True)
class _Container:
    """A container as the file has it."""

    system: str
    name: str
    alias: str
    abstract: bool
    entries: tuple[tuple[str, str, int | None, int], ...]
    base: str | None
    criteria: tuple[Comparison, ...]
    description: str
    row: _Element


_Flat = tuple[tuple[Item, ...], tuple[Comparison, ...], int | None]
"""Items and criteria of a container with all that it inherits, and the bit behind them if that is fixed."""


class _Reader:
    """Everything of one file by its path."""

    def __init__(self, root: _Element, path: str) -> None:
        self.path = path
        self.name = root.get("name", "unnamed")
        self.types = TypeReader(path)
        self.parameters: dict[str, Parameter] = {}
        self.containers: dict[str, _Container] = {}
        self.flat: dict[str, _Flat] = {}
        self.systems = list(_systems(root, ""))
        times = Counter(place for place, _ in self.systems)
        for system, element in self.systems:
            with located(path, system, element):
                if times[system] > 1:
                    raise twice(path, system)
        for system, element in self.systems:
            self._types_of(system, element)
        for system, element in self.systems:
            self._parameters_of(system, element)
        for system, element in self.systems:
            self._containers_of(system, element)
        self.bases = {
            self._find(self.containers, one.base, one.system)
            for one in self.containers.values()
            if one.base is not None
        }

    def dictionary(self) -> Dictionary:
        """The dictionary."""
        names, aliases = self._names(), Counter(one.alias for one in self.containers.values())
        packets = [
            self._packet(place, container, names, aliases)
            for place, container in self.containers.items()
            if not container.abstract and not self._is_base(place)
        ]
        by_name = {name: self.parameters[place] for place, name in names.items()}
        stray = [p.name for p in packets if not p.criteria and len(_header_of(p, by_name)) < len(HEADER)]
        self.types.notes += [f"{name}: no packet, left out" for name in stray]
        packets = [packet for packet in packets if packet.name not in stray]
        rename = _header_names(packets, by_name)
        read = Dictionary(
            self.name,
            tuple(self._renamed(self.parameters[place], place, names, rename) for place in self.parameters),
            tuple(_renamed_packet(packet, rename) for packet in packets),
            tuple(self.types.notes),
        )
        return replace(read, packets=tuple(_with_time(read, packet) for packet in read.packets))

    def _is_base(self, place: str) -> bool:
        """Whether a container without criteria of its own only serves others to inherit from."""
        return place in self.bases and not self.containers[place].criteria

    def _types_of(self, system: str, element: _Element) -> None:
        """Types of one space system."""
        for types in named(element, "TelemetryMetaData", "ParameterTypeSet"):
            for row in children(types):
                self.types.read(_place(self.path, system, row), row)

    def _parameters_of(self, system: str, element: _Element) -> None:
        """Parameters of one space system."""
        for rows in named(element, "TelemetryMetaData", "ParameterSet"):
            for row in children(rows):
                if local(row) != "Parameter":
                    self.types.notes.append(f"{local(row)} in {system}: left out")
                    continue
                place = _place(self.path, system, row)
                with located(self.path, place, row):
                    if place in self.parameters:
                        raise twice(self.path, place)
                    kind = self._find(self.types.known, row.get("parameterTypeRef", ""), system)
                made = self.types.known[kind]
                text = row.get("shortDescription") or made.description
                self.parameters[place] = replace(made, name=own_name(row), description=text)

    def _containers_of(self, system: str, element: _Element) -> None:
        """Containers of one space system."""
        for rows in named(element, "TelemetryMetaData", "ContainerSet"):
            for row in children(rows):
                place = _place(self.path, system, row)
                with located(self.path, place, row):
                    if local(row) != "SequenceContainer":
                        raise fault(self.path, place, local(row))
                    if place in self.containers:
                        raise twice(self.path, place)
                    self.containers[place] = self._container(system, row)

    def _container(self, system: str, row: _Element) -> _Container:
        """One container."""
        where = f"{system}/{row.get('name')}"
        entries: list[tuple[str, str, int | None, int]] = []
        base: str | None = None
        criteria: tuple[Comparison, ...] = ()
        for part in children(row):
            if local(part) == "EntryList":
                entries = [self._entry(where, entry) for entry in children(part)]
            elif local(part) == "BaseContainer":
                base = part.get("containerRef")
                for match in children(part):
                    criteria = comparisons(self.path, where, match)
            elif local(part) == "BinaryEncoding":
                self.types.notes.append(f"{where}: {local(part)} left out")
        return _Container(
            system, row.get("name", ""), own_name(row), row.get("abstract") in {"true", "1"}, tuple(entries), base,
            criteria, row.get("shortDescription", ""), row,
        )  # fmt: skip

    def _entry(self, where: str, entry: _Element) -> tuple[str, str, int | None, int]:
        """Kind, name, place and shift of an entry; the place is None after the entry before it."""
        kinds = {"ParameterRefEntry": "parameterRef", "ContainerRefEntry": "containerRef"}
        if local(entry) not in kinds:
            raise fault(self.path, where, local(entry))
        place, shift = None, 0
        parts = children(entry)
        other = next((local(part) for part in parts if local(part) != "LocationInContainerInBits"), None)
        if other is not None or len(parts) > 1:
            raise fault(self.path, where, other or "an entry with more than one location")
        for part in parts:
            (fixed,) = children(part) or (None,)
            if fixed is None or local(fixed) != "FixedValue":
                raise fault(self.path, where, "a location that is told by another item")
            bit = whole(self.path, where, fixed.text)
            reference = part.get("referenceLocation", "previousEntry")
            if reference == "containerStart":
                place = bit
            elif reference == "previousEntry":
                shift = bit
            else:
                raise fault(self.path, where, f"a location from {reference}")
        return local(entry), entry.get(kinds[local(entry)], ""), place, shift

    def _find(self, known: dict[str, object] | object, name: str, system: str) -> str:
        """The path that a name means in a space system: there, or in those around it."""
        table: dict[str, object] = known  # type: ignore[assignment]
        around = system
        while True:
            place = normpath(name if name.startswith("/") else f"{around}/{name}")
            if place in table:
                return place
            if not around or name.startswith("/"):
                raise DataError(
                    f"{name!r} is not there", where=f"{self.path}: {system}", advice="correct the name"
                )
            around = around.rpartition("/")[0]

    def _names(self) -> dict[str, str]:
        """Name of each parameter in the dictionary: its own, with the path where that is not unique."""
        own = Counter(parameter.name for parameter in self.parameters.values())
        return {
            place: parameter.name if own[parameter.name] == 1 else place
            for place, parameter in self.parameters.items()
        }

    def _packet(
        self, place: str, container: _Container, names: dict[str, str], aliases: Counter[str]
    ) -> PacketLayout:
        """A container with all that it inherits."""
        items, criteria, _ = self._flat(place, names, ())
        name = container.alias if aliases[container.alias] == 1 else place
        return PacketLayout(name, items, criteria, None, container.description)

    def _flat(self, place: str, names: dict[str, str], seen: tuple[str, ...]) -> _Flat:
        """Items and criteria of a container from its first ancestor on."""
        if place not in self.flat:
            with located(self.path, place, self.containers[place].row):
                if place in seen:
                    raise DataError(
                        f"{place!r} holds itself", where=self.path, advice="correct its base or its entries"
                    )
                if len(seen) > _MOST_STEPS:
                    raise fault(self.path, place, f"a container below more than {_MOST_STEPS} others")
                self.flat[place] = self._flattened(place, names, (*seen, place))
        return self.flat[place]

    def _flattened(self, place: str, names: dict[str, str], seen: tuple[str, ...]) -> _Flat:
        """Items and criteria of a container that were not yet put together."""
        container, end = self.containers[place], _START
        items: list[Item] = []
        criteria: list[Comparison] = []
        if container.base is not None:
            base = self._find(self.containers, container.base, container.system)
            inherited, compared, end = self._flat(base, names, seen)
            items, criteria = list(inherited), list(compared)
        for kind, name, bit, shift in container.entries:
            if kind == "ContainerRefEntry":
                within = self._find(self.containers, name, container.system)
                inner, _, length = self._flat(within, names, seen)
                if bit is not None or shift or any(item.bit is not None for item in inner):
                    raise fault(self.path, place, "a container at a place of its own inside another one")
                items += inner
                end = None if end is None or length is None else end + length
            else:
                found = self._find(self.parameters, name, container.system)
                if shift:
                    if end is None:
                        raise fault(self.path, found, "a gap after an item of varying size")
                    bit = end + shift
                if bit is not None and bit < 0:
                    raise fault(self.path, place, f"{name} before the first bit of its packet")
                items.append(Item(names[found], bit))
                encoding, begin = self.parameters[found].encoding, end if bit is None else bit
                end = begin + encoding.bits if begin is not None and encoding.fixed else None
            if len(items) > _MOST_ITEMS:
                raise fault(self.path, place, f"a packet of more than {_MOST_ITEMS} items")
        criteria += [self._criterion(one, place, container.system, names) for one in container.criteria]
        return tuple(items), tuple(criteria), end

    def _criterion(self, one: Comparison, place: str, system: str, names: dict[str, str]) -> Comparison:
        """A comparison by the names of the dictionary; what is compared with labels is one of them."""
        found = self._find(self.parameters, one.parameter, system)
        calibration, value = self.parameters[found].calibration, one.value
        if one.calibrated and isinstance(calibration, Enumeration):
            value = value if isinstance(value, str) else f"{value}"
            logical = {"0": 0, "false": 0, "1": 1, "true": 1}.get(value.lower())
            if value not in calibration.labels.values() and set(calibration.labels) == {0, 1}:
                value = calibration.labels[logical] if logical is not None else value
            if value not in calibration.labels.values():
                raise fault(
                    self.path, place, f"a comparison of {one.parameter} with {value!r}, none of its labels,"
                )
        return replace(one, parameter=names[found], value=value)

    def _renamed(
        self, parameter: Parameter, place: str, names: dict[str, str], rename: dict[str, str]
    ) -> Parameter:
        """A parameter whose own name and references are those of the dictionary."""
        system = place.rpartition("/")[0]

        def known(name: str) -> str:
            found = names[self._find(self.parameters, name, system)]
            return rename.get(found, found)

        size, encoding = parameter.encoding.size, parameter.encoding
        if size is not None and size.parameter is not None:
            encoding = replace(encoding, size=replace(size, parameter=known(size.parameter)))
        contexts = tuple(
            replace(context, when=tuple(replace(c, parameter=known(c.parameter)) for c in context.when))
            for context in parameter.contexts
        )
        own = rename.get(names[place], names[place])
        return replace(parameter, name=own, encoding=encoding, contexts=contexts)


def _place(path: str, system: str, row: _Element) -> str:
    """The path of something that has a name."""
    name = row.get("name")
    if not name:
        raise DataError(
            f"{local(row)} has no name", where=f"{path}: {system}, line {row.sourceline}", advice="give it one"
        )
    return f"{system}/{name}"


def _systems(element: _Element, above: str) -> Iterator[tuple[str, _Element]]:
    """Space systems with their paths, outer ones first."""
    path = f"{above}/{element.get('name', 'unnamed')}"
    yield path, element
    for inner in children(element):
        if local(inner) == "SpaceSystem":
            yield from _systems(inner, path)


def own_name(row: _Element) -> str:
    """The name that our own files keep as an alias, else the name."""
    for aliases in named(row, "AliasSet"):
        for alias in children(aliases):
            if alias.get("nameSpace") == "moonpost":
                return alias.get("alias", "")
    return row.get("name", "")


def _header_of(packet: PacketLayout, by_name: dict[str, Parameter]) -> dict[str, str]:
    """Names of a packet's items that are fields of the primary header, by where they stand, with ours."""
    at = 0
    found: dict[str, str] = {}
    for item in packet.items:
        encoding = by_name[item.parameter].encoding
        at = at if item.bit is None else item.bit
        if not encoding.fixed or at >= 48:
            break
        for ours, place in _SYNONYMS.items():
            if (at, encoding.bits) == place and encoding == Encoding("unsigned", place[1]):
                found[item.parameter] = ours
        at += encoding.bits
    return found


def _header_names(packets: list[PacketLayout], by_name: dict[str, Parameter]) -> dict[str, str]:
    """Names of the primary header's fields in the whole file with ours; none where that would not be unique."""
    found: dict[str, str] = {}
    for packet in packets:
        found |= {name: ours for name, ours in _header_of(packet, by_name).items() if ours not in by_name}
    return found if len(set(found.values())) == len(found) else {}


def _renamed_packet(packet: PacketLayout, rename: dict[str, str]) -> PacketLayout:
    """A packet whose header has our names."""
    return replace(
        packet,
        items=tuple(replace(item, parameter=rename.get(item.parameter, item.parameter)) for item in packet.items),
        criteria=tuple(replace(c, parameter=rename.get(c.parameter, c.parameter)) for c in packet.criteria),
    )


def _with_time(dictionary: Dictionary, packet: PacketLayout) -> PacketLayout:
    """A packet whose time is its first item behind the primary header that is one."""
    if not any(isinstance(dictionary.parameter(item.parameter).calibration, Instant) for item in packet.items):
        return packet
    for place in places_of(dictionary, packet):
        if place.data and isinstance(place.parameter.calibration, Instant):
            return replace(packet, time=place.parameter.name)
    return packet
