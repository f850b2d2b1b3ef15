"""Check PDS4 labels against a schema, the model's further rules, and the data files beside them."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from moonpost.errors import DataError
from moonpost.partners.pds4.about import AUTHORITIES
from moonpost.partners.pds4.delimited import broken_records
from moonpost.partners.pds4.reading import children, find_text, local_name, read_tree
from moonpost.partners.pds4.rules import broken_rules

__all__ = ["LabelCheck", "LabelFault", "check_label", "own_schema"]

Kind = Literal["xml", "schema", "rule", "file", "size", "checksum", "extent", "ledger"]

_WIDTHS = {"Byte": 1, "2": 2, "4": 4, "8": 8, "16": 16, "Single": 4, "Double": 8}
_ARRAYS = (
    "Array",
    "Array_1D",
    "Array_2D",
    "Array_2D_Image",
    "Array_2D_Map",
    "Array_2D_Spectrum",
    "Array_3D",
    "Array_3D_Image",
    "Array_3D_Movie",
    "Array_3D_Spectrum",
)
_AXES = re.compile(r"Array_(\d)D")


@dataclass(frozen=True)
class LabelFault:
    """Something that is wrong with a label or its data.

    Parameters
    ----------
    kind : {"xml", "schema", "rule", "file", "size", "checksum", "extent", "ledger"}
        What was violated: the form of XML, the schema, a rule of the model beyond it, or what the label says of
        the data file: that it is there, its size, its checksum, and that arrays and tables fit into it; or what
        the ledger says was released.
    line : int
        Line of the label; 0 if it is about no line.
    text : str
        What is wrong.
    """

    kind: Kind
    line: int
    text: str


@dataclass(frozen=True)
class LabelCheck:
    """What a check of a label found.

    Parameters
    ----------
    label : str
        The file.
    schema : str
        The schema it was checked against; ``moonpost subset`` is our own.
    lid, version : str
        What the product is called.
    files : tuple of str
        Data files that it describes.
    parts : int
        Arrays and tables in them.
    faults : tuple of LabelFault
        In the order found.
    """

    label: str
    schema: str
    lid: str
    version: str
    files: tuple[str, ...]
    parts: int
    faults: tuple[LabelFault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """The check ready for JSON."""
        return {**asdict(self), "sound": self.sound}


def own_schema() -> Path:
    """The file of Moonpost's own schema of the part of PDS4 that it writes.

    Returns
    -------
    pathlib.Path

    Notes
    -----
    Written from the description of the Information Model 1.20.0.0 and compared class by class with the schema that
    the Planetary Data System publishes; that one is the authority and can be given to `check_label` instead.

    Examples
    --------
    >>> own_schema().name
    'subset_1k00.xsd'
    """
    return Path(str(resources.files("moonpost.partners.pds4") / "subset_1k00.xsd"))


def check_label(label: str | os.PathLike[str], schema: str | os.PathLike[str] | None = None) -> LabelCheck:
    """Check a PDS4 label and the data files beside it.

    Parameters
    ----------
    label : path-like
        The label.
    schema : path-like, optional
        XML Schema to check against, such as the published ``PDS4_PDS_1K00.xsd``; `own_schema` if not given.

    Returns
    -------
    LabelCheck
        With all faults.

    Raises
    ------
    DataError
        If the label cannot be opened, or the schema cannot be used.

    Notes
    -----
    Nothing is fetched over a network. Beyond the schema it checks the rules of the published Schematron file
    1.20.0.0 that concern such labels: identifiers, numbers of axes and fields, names of image axes, kinds of
    reference, missing times, facets, citations; and that sizes, checksums, records and fields agree with the data
    file. What that file only advises against is not told.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.partners.pds4 import TablePart, about_result, write_product
    >>> from moonpost.plan import load_plan
    >>> about = about_result(load_plan("ilrs"), "power", "2030-01-01", "2030-01-02", title="Power")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = write_product(folder, about, TablePart({"power_w": [1.0, 2.0]}, {"power_w": "W"}))
    ...     _ = done.data.write_bytes(bytes(16))
    ...     [fault.kind for fault in check_label(done.label).faults]
    ['checksum']
    """
    path = Path(label)
    named = "moonpost subset" if schema is None else str(schema)
    rules = _schema(own_schema() if schema is None else Path(schema))
    if not path.is_file():
        raise DataError("is no file", where=str(path), advice="check the path of the label")
    try:
        root = read_tree(path)
    except DataError as error:
        return LabelCheck(str(path), named, "", "", (), 0, (LabelFault("xml", 0, error.what),))
    faults = [] if rules.validate(root.getroottree()) else [_told(error) for error in rules.error_log]
    faults += [*_identity(root), *_model(root), *_objects(root), *_data(root, path.parent)]
    areas = children(root, "File_Area_Observational")
    return LabelCheck(
        label=str(path),
        schema=named,
        lid=find_text(root, "Identification_Area/logical_identifier"),
        version=find_text(root, "Identification_Area/version_id"),
        files=tuple(find_text(area, "File/file_name") for area in areas),
        parts=sum(len(area) - 1 for area in areas),
        faults=tuple(faults),
    )


def _schema(path: Path) -> Any:
    """The schema, ready to validate."""
    from lxml import etree

    try:
        return etree.XMLSchema(etree.parse(str(path), etree.XMLParser(no_network=True, resolve_entities=False)))
    except OSError as error:
        raise DataError("cannot be read", where=str(path), advice="check the path of the schema") from error
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise DataError(f"is no XML Schema: {error}", where=str(path), advice="give an .xsd file") from error


def _told(error: Any) -> LabelFault:
    """A fault of the schema without the namespace in every name."""
    return LabelFault("schema", error.line, re.sub(r"\{http[^}]*\}", "", error.message))


def _rule(node: Any, text: str) -> LabelFault:
    return LabelFault("rule", node.sourceline or 0, text)


def _model(root: Any) -> list[LabelFault]:
    return [_rule(node, text) for node, text in broken_rules(root)]


def _identity(root: Any) -> Iterator[LabelFault]:
    """Identifiers, versions and dates."""
    for node in children(root, "Identification_Area"):
        lid, version = find_text(node, "logical_identifier"), find_text(node, "version_id")
        if lid.count(":") != 5:
            yield _rule(node, f"{lid} has not the form urn:agency:archive:bundle:collection:product")
        if not lid.startswith(tuple(f"{name}:" for name in AUTHORITIES)):
            yield _rule(node, f"{lid} begins with none of {', '.join(AUTHORITIES)}")
        if find_text(node, "product_class") != local_name(root):
            yield _rule(node, f"product_class is not {local_name(root)}")
        details = children(node, "Modification_History/Modification_Detail")
        if details and version not in [find_text(detail, "version_id") for detail in details]:
            yield _rule(node, f"the history does not tell of version {version}")
    for when in children(root, "Observation_Area/Time_Coordinates"):
        texts = [find_text(when, name) for name in ("start_date_time", "stop_date_time")]
        days = [_day(text) for text in texts]
        if any(text and day is None for text, day in zip(texts, days, strict=True)):
            yield _rule(when, f"{texts[0]} or {texts[1]} is no day of the calendar")
        elif None not in days and texts[0].rstrip("Z") > texts[1].rstrip("Z"):
            yield _rule(when, f"the data end ({texts[1]}) before they begin ({texts[0]})")


def _day(text: str) -> dt.date | None:
    """The day of an instant, or None if it is none."""
    try:
        return dt.date.fromisoformat((text.split("T")[0].rstrip("Z") + "-01-01")[:10])
    except ValueError:
        return None


def _objects(root: Any) -> Iterator[LabelFault]:
    """Numbers of axes and fields."""
    for area in children(root, "File_Area_Observational"):
        for node in area:
            if local_name(node) in _ARRAYS:
                yield from _array(node)
            for record in node:
                if local_name(record) in ("Record_Binary", "Record_Character", "Record_Delimited"):
                    yield from _record(record)


def _array(node: Any) -> Iterator[LabelFault]:
    axes, tag = children(node, "Axis_Array"), local_name(node)
    if find_text(node, "axes") != str(len(axes)):
        yield _rule(node, f"axes is {find_text(node, 'axes')}, and {len(axes)} are described")
    match = _AXES.match(tag)
    if match is not None and len(axes) != int(match[1]):
        yield _rule(node, f"{tag} has {len(axes)} axes")
    names = [find_text(axis, "axis_name") for axis in axes]
    if tag == "Array_2D_Image" and set(names) != {"Line", "Sample"}:
        yield _rule(node, f"the axes of an image are Line and Sample, not {' and '.join(names)}")
    numbers = [find_text(axis, "sequence_number") for axis in axes]
    if tag == "Array_2D_Image" and numbers == ["2", "1"]:
        yield _rule(node, "the axes of an image stand in the order of their sequence numbers")
    if sorted(numbers) != sorted(str(k + 1) for k in range(len(axes))):
        yield _rule(node, "the sequence numbers of the axes are not 1, 2, ...")


def _record(record: Any) -> Iterator[LabelFault]:
    """Fields of a record: how many, their numbers, and that they fit without overlap."""
    fields = [node for node in record if local_name(node).startswith("Field_")]
    if find_text(record, "fields") != str(len(fields)):
        yield _rule(record, f"fields is {find_text(record, 'fields')}, and {len(fields)} are described")
    if find_text(record, "groups") not in ("0", str(sum(local_name(n).startswith("Group_") for n in record))):
        yield _rule(record, "groups is not how many are described")
    numbers = [text for node in fields if (text := find_text(node, "field_number"))]
    if len(set(numbers)) != len(numbers):
        yield _rule(record, "two fields have one number")
    if local_name(record) == "Record_Delimited":
        return
    length, end = _whole(find_text(record, "record_length")), 0
    for node in fields:
        place, width = (_whole(find_text(node, name)) for name in ("field_location", "field_length"))
        if place is None or width is None or length is None:
            continue
        if place - 1 < end or place - 1 + width > length:
            yield _rule(node, f"field {find_text(node, 'name')} overlaps another or passes the end of the record")
        end = max(end, place - 1 + width)
        wanted = _width(find_text(node, "data_type"))
        if wanted is not None and wanted != width:
            yield _rule(node, f"field {find_text(node, 'name')} has {width} bytes, its type {wanted}")


def _width(data_type: str) -> int | None:
    """Bytes of a binary type; None for texts."""
    if data_type.startswith("Complex"):
        return 16 if data_type.endswith("16") else 8
    if not data_type.startswith(("Unsigned", "Signed", "IEEE")):
        return None
    return next(
        (_WIDTHS[end] for end in ("Byte", "Single", "Double", "2", "4", "8") if data_type.endswith(end)), None
    )


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _data(root: Any, folder: Path) -> Iterator[LabelFault]:
    """What the label says of its data files."""
    for area in children(root, "File_Area_Observational"):
        for file in children(area, "File"):
            name = find_text(file, "file_name")
            if not name or name != Path(name).name or name.startswith("."):
                yield LabelFault("file", file.sourceline or 0, f"{name!r} is no plain file name")
                continue
            path = folder / name
            if not path.is_file():
                yield LabelFault("file", file.sourceline or 0, f"{name} is not there")
                continue
            yield from _file(file, path)
            yield from _extents(area, path.stat().st_size)
            for table in children(area, "Table_Delimited"):
                line = table.sourceline or 0
                yield from (LabelFault("extent", line, text) for text in broken_records(table, path))


def _file(file: Any, path: Path) -> Iterator[LabelFault]:
    line, size = file.sourceline or 0, path.stat().st_size
    told = find_text(file, "file_size")
    if told and told != str(size):
        yield LabelFault("size", line, f"{path.name} has {size} bytes, the label says {told}")
    wanted = find_text(file, "md5_checksum")
    if wanted:
        with path.open("rb") as data:
            found = hashlib.file_digest(data, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if found != wanted.lower():
            yield LabelFault("checksum", line, f"{path.name} has the checksum {found}, the label says {wanted}")


def _extents(area: Any, size: int) -> Iterator[LabelFault]:
    """Arrays and tables lie within the file and do not overlap."""
    taken = 0
    for node in area:
        begin, length = _whole(find_text(node, "offset")), _length(node)
        if begin is None or length is None:
            continue
        name = find_text(node, "name") or local_name(node)
        if begin + length > size:
            text = f"{name} ends at byte {begin + length}, and the file has {size}"
            yield LabelFault("extent", node.sourceline or 0, text)
        if begin < taken:
            yield LabelFault("extent", node.sourceline or 0, f"{name} overlaps what stands before it")
        taken = max(taken, begin + length)


def _length(node: Any) -> int | None:
    """Bytes of an array or a table, as far as the label tells."""
    if local_name(node) in _ARRAYS:
        width = _width(find_text(node, "Element_Array/data_type"))
        counts = [_whole(find_text(axis, "elements")) for axis in children(node, "Axis_Array")]
        if width is None or None in counts:
            return None
        total = width
        for count in counts:
            total *= count or 0
        return total
    if local_name(node) in ("Table_Binary", "Table_Character"):
        record = local_name(node).replace("Table", "Record")
        rows, length = _whole(find_text(node, "records")), _whole(find_text(node, f"{record}/record_length"))
        return None if rows is None or length is None else rows * length
    return _whole(find_text(node, "object_length"))
