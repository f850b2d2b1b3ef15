"""PDS4 labels: the XML beside a data file, and both written together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moonpost.errors import DataError, InputError
from moonpost.files import atomic_path
from moonpost.partners.pds4.about import (
    LEVELS,
    MODEL_VERSION,
    MOON,
    About,
    Change,
    ascii_text,
    instant_text,
    version_key,
)
from moonpost.partners.pds4.parts import ArrayPart, Field, TablePart

__all__ = ["NAMESPACE", "Written", "label_history", "write_product"]

NAMESPACE = "http://pds.nasa.gov/pds4/pds/v1"
"""Of all elements of a label."""

_CODE = "1K00"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PLACE = f"https://pds.nasa.gov/pds4/pds/v1/PDS4_PDS_{_CODE}"
_SHORT = 255
_LONG = ("description", "comment", "reference_text", "author_list")
_FILE = re.compile(r"(?P<name>.+)_v(?P<version>[0-9]+\.[0-9]+)\.xml")


@dataclass(frozen=True)
class Written:
    """A product that was written.

    Parameters
    ----------
    label, data : pathlib.Path
        Its files.
    lid, version : str
        What it is called.
    size_bytes : int
        Of the data file.
    md5 : str
        Checksum of the data file, as PDS4 asks for it.
    """

    label: Path
    data: Path
    lid: str
    version: str
    size_bytes: int
    md5: str


def write_product(
    folder: str | Path, about: About, parts: Sequence[ArrayPart] | TablePart, *, created: str = ""
) -> Written:
    """Write arrays or a table with a PDS4 label beside them.

    Parameters
    ----------
    folder : path-like
        Where to. Older versions of the product there stay, and their history goes into the new label.
    about : About
        What the label says, from `about_product` or `about_result`.
    parts : sequence of ArrayPart, or TablePart
        What the data file holds, in this order.
    created : str
        When the data file was made, UTC, such as ``2031-05-01T12:00:00Z``; left out if empty.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If the version is there already or is not later than one that is, or a text cannot stand in a label.
    DateError
        If `created` cannot be read.
    OutputError
        If it cannot be written; nothing is left behind then.

    Notes
    -----
    A Product_Observational of the PDS4 Information Model 1.20.0.0: data of little-endian numbers without gaps
    between them, the last index fastest. The map projection of maps is told in words; the dictionary for
    cartography is not used.

    References
    ----------
    Planetary Data System (2023), PDS4 Standards Reference 1.20.0 and PDS4 Data Dictionary 1.20.0.0.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.partners.pds4 import about_result, check_label
    >>> from moonpost.plan import load_plan
    >>> import numpy as np
    >>> about = about_result(load_plan("ilrs"), "light", "2030-01-01", "2031-01-01", title="Light")
    >>> with tempfile.TemporaryDirectory() as place:
    ...     done = write_product(place, about, [ArrayPart("light", np.eye(3), "1")])
    ...     (done.label.name, done.size_bytes, check_label(done.label).sound)
    ('light_v1.0.xml', 72, True)
    """
    place = Path(folder)
    about = about.after(label_history(place, about))
    if not isinstance(parts, TablePart) and not parts:
        raise InputError("holds nothing", where=about.name, advice="give at least one array")
    suffix = "img" if not isinstance(parts, TablePart) else "dat" if parts.form == "binary" else "csv"
    stem = f"{about.name}_v{about.version}"
    label, data = place / f"{stem}.xml", place / f"{stem}.{suffix}"
    if label.exists() or data.exists():
        raise InputError(f"{data.name} is there already", where=str(place), advice="give a later version")
    size_bytes, md5 = _write_data(data, parts)
    try:
        text = _text(_tree(about, parts, data.name, size_bytes, md5, created))
        with atomic_path(label) as temporary:
            temporary.write_bytes(text)
    except BaseException:
        data.unlink(missing_ok=True)
        raise
    return Written(label, data, about.lid, about.version, size_bytes, md5)


def label_history(folder: str | Path, about: About) -> tuple[Change, ...]:
    """The versions of a product that the newest label in a folder tells of.

    Parameters
    ----------
    folder : path-like
        The folder; it need not be there.
    about : About
        The product.

    Returns
    -------
    tuple of Change
        Oldest first; empty if there is no label.

    Raises
    ------
    DataError
        If the label cannot be read.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.partners.pds4 import about_result
    >>> label_history("nowhere", about_result(load_plan("ilrs"), "a", "2030-01-01", "2031-01-01", title="A"))
    ()
    """
    found = {}
    for path in Path(folder).glob(f"{about.name}_v*.xml"):
        match = _FILE.fullmatch(path.name)
        if match is not None and match["name"] == about.name:
            found[version_key(match["version"])] = path
    if not found:
        return ()
    return tuple(_changes(found[max(found)], about))


def _changes(path: Path, about: About) -> Iterator[Change]:
    from moonpost.partners.pds4.reading import children, find_text, read_tree

    root = read_tree(path)
    lid = find_text(root, "Identification_Area/logical_identifier")
    if lid != about.lid:
        raise DataError(
            f"is the label of {lid}, not of {about.lid}", where=str(path), advice="use a folder of its own"
        )
    for detail in children(root, "Identification_Area/Modification_History/Modification_Detail"):
        yield Change(*(find_text(detail, name) for name in ("modification_date", "version_id", "description")))


def _write_data(path: Path, parts: Sequence[ArrayPart] | TablePart) -> tuple[int, str]:
    """Write the data file; give its size and checksum."""
    checksum, size_bytes = hashlib.md5(usedforsecurity=False), 0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for chunk in _bytes(parts):
            file.write(chunk)
            checksum.update(chunk)
            size_bytes += len(chunk)
    return size_bytes, checksum.hexdigest()


def _bytes(parts: Sequence[ArrayPart] | TablePart) -> Iterator[bytes]:
    if isinstance(parts, TablePart):
        if parts.head:
            yield parts.head
        yield from parts.chunks()
        return
    for part in parts:
        yield from part.chunks()


def _text(root: Any) -> bytes:
    """The label as text, with the place of the model's rules before its root."""
    from lxml import etree

    etree.indent(root, space="  ")
    rules = f'href="{_PLACE}.sch" schematypens="http://purl.oclc.org/dsdl/schematron"'
    root.addprevious(etree.ProcessingInstruction("xml-model", rules))
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add(parent: Any, tag: str, text: object = None, unit: str = "") -> Any:
    """A child element of the PDS namespace."""
    from lxml import etree

    node = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
    if text is not None:
        node.text = ascii_text(str(text), tag)
        if len(node.text) > _SHORT and tag not in _LONG:
            raise InputError(
                f"{node.text[:40]!r}... has {len(node.text)} characters", where=tag, advice=f"at most {_SHORT} fit"
            )
    if unit:
        node.set("unit", unit)
    return node


def _tree(
    about: About, parts: Sequence[ArrayPart] | TablePart, name: str, size_bytes: int, md5: str, created: str
) -> Any:
    """The whole label."""
    from lxml import etree

    root = etree.Element(f"{{{NAMESPACE}}}Product_Observational", nsmap={None: NAMESPACE, "xsi": _XSI})
    root.set(f"{{{_XSI}}}schemaLocation", f"{NAMESPACE} {_PLACE}.xsd")
    _identification(root, about)
    _observation(root, about)
    if about.sources:
        references = _add(root, "Reference_List")
        for source in about.sources:
            _add(_add(references, "External_Reference"), "reference_text", source)
    area = _add(root, "File_Area_Observational")
    file = _add(area, "File")
    _add(file, "file_name", name)
    if created:
        _add(file, "creation_date_time", instant_text(created))
    _add(file, "file_size", size_bytes, "byte")
    if isinstance(parts, TablePart):
        _add(file, "records", parts.records + bool(parts.head))
    _add(file, "md5_checksum", md5)
    if isinstance(parts, TablePart):
        _table(area, parts)
        return root
    offset = 0
    for part in parts:
        _array(area, part, offset)
        offset += part.size_bytes
    return root


def _identification(root: Any, about: About) -> None:
    area = _add(root, "Identification_Area")
    _add(area, "logical_identifier", about.lid)
    _add(area, "version_id", about.version)
    _add(area, "title", about.title)
    _add(area, "information_model_version", MODEL_VERSION)
    _add(area, "product_class", "Product_Observational")
    if about.year is not None:
        citation = _add(area, "Citation_Information")
        if about.authors:
            _add(citation, "author_list", about.authors)
        _add(citation, "publication_year", f"{about.year:04d}")
        for keyword in about.keywords:
            _add(citation, "keyword", keyword)
        _add(citation, "description", about.description)
    history = _add(area, "Modification_History")
    for change in about.history:
        detail = _add(history, "Modification_Detail")
        _add(detail, "modification_date", change.date)
        _add(detail, "version_id", change.version)
        _add(detail, "description", change.text)


def _observation(root: Any, about: About) -> None:
    area = _add(root, "Observation_Area")
    if about.comment:
        _add(area, "comment", about.comment)
    when = _add(area, "Time_Coordinates")
    _add(when, "start_date_time", about.start)
    _add(when, "stop_date_time", about.stop)
    summary = _add(area, "Primary_Result_Summary")
    _add(summary, "purpose", about.purpose)
    _add(summary, "processing_level", LEVELS[about.level])
    _add(summary, "description", about.description)
    for name, kind, lid in about.investigations:
        investigation = _add(area, "Investigation_Area")
        _add(investigation, "name", name)
        _add(investigation, "type", kind)
        _reference(investigation, lid, "data_to_investigation")
    system = _add(area, "Observing_System")
    _add(system, "name", about.system)
    for part in about.components:
        component = _add(system, "Observing_System_Component")
        _add(component, "name", part.name)
        _add(component, "type", part.kind)
        if part.description:
            _add(component, "description", part.description)
        if part.lid:
            _reference(component, part.lid, "is_instrument" if part.kind == "Instrument" else "is_instrument_host")
    target = _add(area, "Target_Identification")
    _add(target, "name", "Moon")
    _add(target, "type", "Satellite")
    _reference(target, MOON, "data_to_target")


def _reference(parent: Any, lid: str, kind: str) -> None:
    reference = _add(parent, "Internal_Reference")
    _add(reference, "lid_reference", lid)
    _add(reference, "reference_type", kind)


def _array(area: Any, part: ArrayPart, offset: int) -> None:
    node = _add(area, part.tag)
    _add(node, "name", part.name)
    _add(node, "offset", offset, "byte")
    _add(node, "axes", part.stored.ndim)
    _add(node, "axis_index_order", "Last Index Fastest")
    if part.description:
        _add(node, "description", part.description)
    element = _add(node, "Element_Array")
    _add(element, "data_type", part.data_type)
    if part.unit:
        _add(element, "unit", part.unit)
    for name, value in (("scaling_factor", part.scaling_factor), ("value_offset", part.value_offset)):
        if value is not None:
            _add(element, name, repr(float(value)))
    for k, (name, count) in enumerate(zip(part.axis_names, part.stored.shape, strict=True)):
        axis = _add(node, "Axis_Array")
        _add(axis, "axis_name", name)
        _add(axis, "elements", count)
        _add(axis, "sequence_number", k + 1)
    if part.constant is not None:
        _add(_add(node, "Special_Constants"), "missing_constant", repr(part.constant))
    known = part.real()
    if known.size:
        statistics = _add(node, "Object_Statistics")
        for name, value in (("maximum", known.max()), ("minimum", known.min()), ("mean", known.mean(dtype=float))):
            _add(statistics, name, repr(value.item()))


def _table(area: Any, table: TablePart) -> None:
    if table.form == "binary":
        node = _add(area, "Table_Binary")
        _add(node, "name", table.name)
        _add(node, "offset", 0, "byte")
        _add(node, "records", table.records)
        if table.description:
            _add(node, "description", table.description)
        record = _record(node, "Record_Binary", table, "record_length")
        place = 1
        for k, item in enumerate(table.fields):
            cell = _add(record, "Field_Binary")
            _add(cell, "name", item.name)
            _add(cell, "field_number", k + 1)
            _add(cell, "field_location", place, "byte")
            _add(cell, "data_type", item.data_type)
            _add(cell, "field_length", item.width, "byte")
            _field_end(cell, item)
            place += item.width
        return
    head = _add(area, "Header")
    _add(head, "name", "Names of the columns")
    _add(head, "offset", 0, "byte")
    _add(head, "object_length", len(table.head), "byte")
    _add(head, "parsing_standard_id", "PDS DSV 1")
    node = _add(area, "Table_Delimited")
    _add(node, "name", table.name)
    _add(node, "offset", len(table.head), "byte")
    _add(node, "object_length", table.size_bytes, "byte")
    _add(node, "parsing_standard_id", "PDS DSV 1")
    if table.description:
        _add(node, "description", table.description)
    _add(node, "records", table.records)
    _add(node, "record_delimiter", "Carriage-Return Line-Feed")
    _add(node, "field_delimiter", "Comma")
    record = _record(node, "Record_Delimited", table, "maximum_record_length")
    for k, item in enumerate(table.fields):
        cell = _add(record, "Field_Delimited")
        _add(cell, "name", item.name)
        _add(cell, "field_number", k + 1)
        _add(cell, "data_type", item.data_type)
        _add(cell, "maximum_field_length", item.width, "byte")
        _field_end(cell, item)


def _record(node: Any, tag: str, table: TablePart, length: str) -> Any:
    record = _add(node, tag)
    _add(record, "fields", len(table.fields))
    _add(record, "groups", 0)
    _add(record, length, table.record_bytes, "byte")
    return record


def _field_end(cell: Any, item: Field) -> None:
    if item.unit:
        _add(cell, "unit", item.unit)
    if item.description:
        _add(cell, "description", item.description)
    if item.constant is not None:
        _add(_add(cell, "Special_Constants"), "missing_constant", repr(item.constant))
