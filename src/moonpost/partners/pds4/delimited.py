"""Whether the records of a delimited table are as its label says."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moonpost.partners.pds4.reading import find_text, local_name

__all__ = ["broken_records"]

_ENDS = {"Carriage-Return Line-Feed": "\r\n", "Line-Feed": "\n"}
_MARKS = {"Comma": ",", "Horizontal Tab": "\t", "Semicolon": ";", "Vertical Bar": "|"}


def broken_records(table: Any, path: Path) -> Iterator[str]:
    r"""What a delimited table has otherwise than its label says: records, their ends, fields of each.

    Parameters
    ----------
    table : lxml element
        A ``Table_Delimited``.
    path : pathlib.Path
        Its data file.

    Returns
    -------
    iterator of str
        A sentence for each fault; of records with other fields the first only.

    Notes
    -----
    Nothing is told of a table whose offset or delimiters the label does not give: that is a fault of the schema.

    Examples
    --------
    >>> import tempfile
    >>> from lxml import etree
    >>> words = "<offset>0</offset><records>2</records><record_delimiter>Line-Feed</record_delimiter>"
    >>> words += "<field_delimiter>Comma</field_delimiter><Record_Delimited><fields>2</fields></Record_Delimited>"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("1,2\n")
    ...     space = "http://pds.nasa.gov/pds4/pds/v1"
    ...     table = etree.fromstring(f"<Table_Delimited xmlns='{space}'>{words}</Table_Delimited>")
    ...     list(broken_records(table, path))
    ['Table_Delimited has 1 records, the label says 2']
    """
    begin, length, told = (find_text(table, name) for name in ("offset", "object_length", "records"))
    end, mark = _ENDS.get(find_text(table, "record_delimiter")), _MARKS.get(find_text(table, "field_delimiter"))
    if not _whole(begin) or end is None or mark is None:
        return
    with path.open("rb") as data:
        data.seek(int(begin))
        text = data.read(int(length) if _whole(length) else -1).decode("utf-8", "replace")
    rows, name = text.split(end), find_text(table, "name") or local_name(table)
    if rows.pop():
        yield f"the last record of {name} does not end in {end!r}"
    if told != str(len(rows)):
        yield f"{name} has {len(rows)} records, the label says {told}"
    fields = find_text(table, "Record_Delimited/fields")
    for number, row in enumerate(rows):
        found = row.count(mark) + 1 if '"' not in row else len(next(csv.reader([row], delimiter=mark), []))
        if str(found) != fields:
            yield f"record {number + 1} of {name} has {found} fields, the label says {fields}"
            return


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
