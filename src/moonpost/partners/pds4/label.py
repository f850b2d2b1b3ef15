"""PDS4 labels: the XML beside a data file, and both written together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moonpost.errors import DataError, InputError
from moonpost.files import atomic_path
from moonpost.partners.pds4.about import About, Change, version_key
from moonpost.partners.pds4.elements import label_text, label_tree
from moonpost.partners.pds4.parts import ArrayPart, TablePart

__all__ = ["Written", "label_history", "write_product"]


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
        text = label_text(label_tree(about, parts, data.name, size_bytes, md5, created))
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
