"""The elements of a PDS4 label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from moonpost.errors import InputError
from moonpost.partners.pds4.about import LEVELS, MODEL_VERSION, MOON, About, ascii_text, instant_text
from moonpost.partners.pds4.parts import ArrayPart, Field, TablePart
from moonpost.partners.pds4.rules import CITED

__all__ = ["NAMESPACE"]

NAMESPACE = "http://pds.nasa.gov/pds4/pds/v1"
"""Of all elements of a label."""

_CODE = "1K00"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PLACE = f"https://pds.nasa.gov/pds4/pds/v1/PDS4_PDS_{_CODE}"
_SHORT = 255
_LONG = ("description", "comment", "reference_text", "author_list")


def label_text(root: Any) -> bytes:
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


def label_tree(
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
        if len(about.description.replace(" ", "")) > CITED:
            raise InputError("is too long to be cited", where="description", advice=f"at most {CITED} letters fit")
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
        with np.errstate(over="ignore"):
            mean = known.mean(dtype=float)
        for name, value in (("maximum", known.max()), ("minimum", known.min()), ("mean", mean)):
            if np.isfinite(value):
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
