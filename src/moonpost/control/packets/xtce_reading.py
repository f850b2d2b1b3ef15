"""XTCE files as dictionaries: flat or nested space systems, inherited containers, our own files and others'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING

from moonpost.control.packets.calibration import Instant
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter
from moonpost.control.packets.layouts import places_of
from moonpost.control.packets.limits import Comparison
from moonpost.control.packets.xtce_types import TypeReader, children, comparisons, fault, local, named, number
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["own_name", "parse", "read_xtce"]

_SPACES = ("http://www.omg.org/spec/XTCE/20180204", "http://www.omg.org/space/xtce", "")
_SYNONYMS = {
    field.name: (place, bits) for field, place, bits in zip(
        HEADER, (0, 3, 4, 5, 16, 18, 32), (3, 1, 1, 11, 2, 14, 16), strict=True)
}  # fmt: skip


def read_xtce(path: str | Path) -> Dictionary:
    """Read a dictionary from an XTCE file.

    Parameters
    ----------
    path : str or Path
        The file; XTCE 1.1 or 1.2.

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
        arrays, algorithms, calibrators in a context, conditions on entries, other encodings.

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
        root = etree.parse(str(path), parser).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise DataError(f"cannot be read: {error}", where=str(path), advice="give an XTCE file") from error
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


class _Reader:
    """Everything of one file by its path."""

    def __init__(self, root: _Element, path: str) -> None:
        self.path = path
        self.name = root.get("name", "unnamed")
        self.types = TypeReader(path)
        self.parameters: dict[str, Parameter] = {}
        self.containers: dict[str, _Container] = {}
        self.systems = list(_systems(root, ""))
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
        names = self._names()
        packets = [
            self._packet(place, container, names)
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
                self.types.read(f"{system}/{row.get('name')}", row)

    def _parameters_of(self, system: str, element: _Element) -> None:
        """Parameters of one space system."""
        for rows in named(element, "TelemetryMetaData", "ParameterSet"):
            for row in children(rows):
                if local(row) != "Parameter":
                    self.types.notes.append(f"{local(row)} in {system}: left out")
                    continue
                place = f"{system}/{row.get('name')}"
                kind = self._find(self.types.known, row.get("parameterTypeRef", ""), system)
                made = self.types.known[kind]
                text = row.get("shortDescription") or made.description
                self.parameters[place] = replace(made, name=own_name(row), description=text)

    def _containers_of(self, system: str, element: _Element) -> None:
        """Containers of one space system."""
        for rows in named(element, "TelemetryMetaData", "ContainerSet"):
            for row in children(rows):
                place = f"{system}/{row.get('name')}"
                if local(row) != "SequenceContainer":
                    raise fault(self.path, place, local(row))
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
            criteria, row.get("shortDescription", ""),
        )  # fmt: skip

    def _entry(self, where: str, entry: _Element) -> tuple[str, str, int | None, int]:
        """Kind, name, place and shift of an entry; the place is None after the entry before it."""
        kinds = {"ParameterRefEntry": "parameterRef", "ContainerRefEntry": "containerRef"}
        if local(entry) not in kinds:
            raise fault(self.path, where, local(entry))
        place, shift = None, 0
        for part in children(entry):
            if local(part) != "LocationInContainerInBits":
                raise fault(self.path, where, local(part))
            (fixed,) = children(part) or (None,)
            if fixed is None or local(fixed) != "FixedValue":
                raise fault(self.path, where, "a location that is told by another item")
            bit = int(number(self.path, where, fixed.text))
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
        own = [parameter.name for parameter in self.parameters.values()]
        return {
            place: parameter.name if own.count(parameter.name) == 1 else place
            for place, parameter in self.parameters.items()
        }

    def _packet(self, place: str, container: _Container, names: dict[str, str]) -> PacketLayout:
        """A container with all that it inherits."""
        items, criteria = self._flat(place, names, ())
        name = container.alias
        if sum(other.alias == name for other in self.containers.values()) > 1:
            name = place
        return PacketLayout(name, tuple(items), tuple(criteria), None, container.description)

    def _flat(
        self, place: str, names: dict[str, str], seen: tuple[str, ...]
    ) -> tuple[list[Item], list[Comparison]]:
        """Items and criteria of a container from its first ancestor on."""
        if place in seen:
            raise DataError(f"{place!r} holds itself", where=self.path, advice="correct its base or its entries")
        container, seen = self.containers[place], (*seen, place)
        items: list[Item] = []
        criteria: list[Comparison] = []
        if container.base is not None:
            items, criteria = self._flat(
                self._find(self.containers, container.base, container.system), names, seen
            )
        for kind, name, bit, shift in container.entries:
            if kind == "ContainerRefEntry":
                inner, _ = self._flat(self._find(self.containers, name, container.system), names, seen)
                if bit is not None or shift or any(item.bit is not None for item in inner):
                    raise fault(self.path, place, "a container at a place of its own inside another one")
                items += inner
                continue
            if shift:
                bit = self._end(items, names) + shift
            items.append(Item(names[self._find(self.parameters, name, container.system)], bit))
        return items, criteria + [
            replace(one, parameter=names[self._find(self.parameters, one.parameter, container.system)])
            for one in container.criteria
        ]

    def _end(self, items: list[Item], names: dict[str, str]) -> int:
        """The bit after the last item."""
        parameters = tuple(replace(self.parameters[place], name=name) for place, name in names.items())
        draft = Dictionary(self.name, parameters, (PacketLayout("draft", tuple(items), ()),))
        places = places_of(draft, draft.packets[0])
        if not places:
            return 0
        last = places[-1]
        if last.bit is None or not last.parameter.encoding.fixed:
            raise fault(self.path, last.parameter.name, "a gap after an item of varying size")
        return last.bit + last.parameter.encoding.bits

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


def _systems(element: _Element, above: str) -> Iterator[tuple[str, _Element]]:
    """Space systems with their paths, outer ones first."""
    path = f"{above}/{element.get('name')}"
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
    """A packet whose time is its first item that is one."""
    for item in packet.items:
        if isinstance(dictionary.parameter(item.parameter).calibration, Instant):
            return replace(packet, time=item.parameter)
    return packet
