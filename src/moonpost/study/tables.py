"""The record of a study as files: JSON, and each table as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moonpost.files import write_json, write_text
from moonpost.study.results import Result, StudyRecord

__all__ = ["csv_text", "tables", "write_outputs"]


def tables(record: StudyRecord) -> Iterator[tuple[str, tuple[Result, ...]]]:
    """Every table of a record with its name, such as ``site-rows``."""
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, tuple):
            yield name.replace("_", "-"), value
        elif isinstance(value, Result):
            for part in type(value).model_fields:
                rows = getattr(value, part)
                if isinstance(rows, tuple) and rows and isinstance(rows[0], Result):
                    yield f"{name}-{part}".replace("_", "-"), rows


def csv_text(rows: tuple[Result, ...]) -> str:
    """A table as CSV: a header line, nested values as JSON, unknown values empty.

    Examples
    --------
    >>> from moonpost.study.results import KernelRow
    >>> print(csv_text((KernelRow(name="a.bsp", kind="spk", sha256="0"),)), end="")
    name,kind,sha256
    a.bsp,spk,0
    """
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    fields = list(type(rows[0]).model_fields)
    writer.writerow(fields)
    for row in rows:
        plain = row.model_dump(mode="json")
        writer.writerow([_cell(plain[name]) for name in fields])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def write_outputs(record: StudyRecord, folder: Path) -> None:
    """Write ``study.json`` and ``tables/*.csv`` into a folder."""
    for name, rows in tables(record):
        if rows:
            write_text(folder / "tables" / f"{name}.csv", csv_text(rows))
    write_json(folder / "study.json", record.model_dump(mode="json"))
