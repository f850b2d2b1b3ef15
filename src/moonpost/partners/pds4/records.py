"""Releases of data recorded in the partners' ledger, so that each partner can prove which bytes were released."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.errors import DataError, InputError
from moonpost.files import digest
from moonpost.partners.pds4.check import LabelFault, check_label
from moonpost.partners.pds4.reading import children, find_text, read_tree

if TYPE_CHECKING:
    from moonpost.partners.ledger import Ledger, PartyKey

__all__ = ["TOPIC", "ReleaseRecord", "check_recorded", "record_releases", "recorded_releases", "release_body"]

TOPIC = "data-release"
"""Topic of such entries."""


@dataclass(frozen=True)
class ReleaseRecord:
    """A release as the ledger has it.

    Parameters
    ----------
    entry : int
        Number of the entry.
    party : str
        Who recorded it.
    body : dict
        As `release_body` makes it.

    Examples
    --------
    >>> ReleaseRecord(4, "cnsa", {"lid": "urn:ros:rssa:ilrs:data-raw:a", "version": "1.0"}).name
    'urn:ros:rssa:ilrs:data-raw:a::1.0'
    """

    entry: int
    party: str
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """Logical identifier and version."""
        return f"{self.body.get('lid')}::{self.body.get('version')}"


def release_body(label: str | os.PathLike[str]) -> dict[str, Any]:
    """What the ledger keeps of a release: its identifier, and the digest of its label and of each data file.

    Parameters
    ----------
    label : path-like
        The label; its data files lie beside it.

    Returns
    -------
    dict
        ``lid``, ``version``, ``label_sha256`` and ``files`` with ``name``, ``size_bytes`` and ``sha256``.

    Raises
    ------
    DataError
        If the label or one of its files cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.partners.pds4 import TablePart, about_result, write_product
    >>> from moonpost.plan import load_plan
    >>> about = about_result(load_plan("ilrs"), "power", "2030-01-01", "2030-01-02", title="Power")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     body = release_body(write_product(folder, about, TablePart({"power_w": [1.0]})).label)
    >>> body["version"], body["files"][0]["size_bytes"]
    ('1.0', 8)
    """
    path = Path(label)
    root = read_tree(path)
    files = []
    for area in children(root, "File_Area_Observational"):
        name = find_text(area, "File/file_name")
        if name != Path(name).name or not (path.parent / name).is_file():
            raise DataError(
                f"its data file {name!r} is not there", where=str(path), advice="put it beside the label"
            )
        data = path.parent / name
        files.append({"name": name, "size_bytes": data.stat().st_size, "sha256": digest(data)})
    return {
        "lid": find_text(root, "Identification_Area/logical_identifier"),
        "version": find_text(root, "Identification_Area/version_id"),
        "label_sha256": digest(path),
        "files": files,
    }


def record_releases(
    ledger: Ledger, key: PartyKey, labels: Sequence[str | os.PathLike[str]]
) -> tuple[ReleaseRecord, ...]:
    """Write releases of products into the ledger, all or, if one cannot be, none.

    Parameters
    ----------
    ledger : Ledger
        The ledger, open.
    key : PartyKey
        Of the party that releases them.
    labels : sequence of path-like
        Their labels.

    Returns
    -------
    tuple of ReleaseRecord
        In the same order.

    Raises
    ------
    InputError
        If a label is not sound, or its version is recorded already.
    DataError
        If a label cannot be read.

    Notes
    -----
    A write that fails half-way, as by a full disk, leaves the entries that were written: each of them holds.
    """
    known = {record.name: record for record in _records(ledger.state().records)}
    bodies: dict[str, dict[str, Any]] = {}
    for label in labels:
        check = check_label(label)
        if not check.sound:
            raise InputError(check.faults[0].text, where=str(label), advice="run moonpost data-release check")
        body = release_body(label)
        name = f"{body['lid']}::{body['version']}"
        if name in known or name in bodies:
            told = (
                f"{known[name].party} recorded {name} in entry {known[name].entry}"
                if name in known
                else "is given twice"
            )
            raise InputError(told, where=str(label), advice="release a later version")
        bodies[name] = body
    entries = [ledger.append(key, "record", {"topic": TOPIC, "data": body}) for body in bodies.values()]
    return tuple(
        ReleaseRecord(entry.entry, key.party, body) for entry, body in zip(entries, bodies.values(), strict=True)
    )


def recorded_releases(place: str) -> tuple[ReleaseRecord, ...]:
    """The releases that a ledger has.

    Parameters
    ----------
    place : str
        SQLite file, PostgreSQL URL or exported JSON lines.

    Returns
    -------
    tuple of ReleaseRecord
        In the order of the ledger.

    Raises
    ------
    DataError
        If the ledger is not sound.
    """
    from moonpost.partners.ledger import verify_ledger

    found = verify_ledger(place)
    if not found.sound:
        fault = found.faults[0]
        raise DataError(f"entry {fault.entry}: {fault.text}", where=place, advice="run moonpost ledger verify")
    return _records(found.state.records)


def _records(records: Iterable[tuple[int, str, str, Any]]) -> tuple[ReleaseRecord, ...]:
    return tuple(
        ReleaseRecord(number, party, data)
        for number, party, topic, data in records
        if topic == TOPIC and isinstance(data, dict)
    )


def check_recorded(records: Iterable[ReleaseRecord], label: str | os.PathLike[str]) -> tuple[LabelFault, ...]:
    """What differs between a label with its data and what the ledger says was released.

    Parameters
    ----------
    records : iterable of ReleaseRecord
        From `recorded_releases`; of two for one version the first counts.
    label : path-like
        The label.

    Returns
    -------
    tuple of LabelFault
        Of the kind ledger; empty if label and data are, byte by byte, what was released.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.partners.pds4 import TablePart, about_result, write_product
    >>> from moonpost.plan import load_plan
    >>> about = about_result(load_plan("ilrs"), "power", "2030-01-01", "2030-01-02", title="Power")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = write_product(folder, about, TablePart({"power_w": [1.0]}))
    ...     kept = ReleaseRecord(4, "cnsa", release_body(done.label))
    ...     _ = done.data.write_bytes(bytes(8))
    ...     [fault.text for fault in check_recorded([kept], done.label)]
    ['power_v1.0.dat is not what cnsa released in entry 4']
    """
    try:
        body = release_body(label)
    except DataError as error:
        return (LabelFault("ledger", 0, error.what),)
    name = f"{body['lid']}::{body['version']}"
    kept = next((record for record in records if record.name == name), None)
    if kept is None:
        return (LabelFault("ledger", 0, f"no party has recorded the release of {name}"),)
    told = f"is not what {kept.party} released in entry {kept.entry}"
    faults = []
    if kept.body.get("label_sha256") != body["label_sha256"]:
        faults.append(LabelFault("ledger", 0, f"the label {told}"))
    before = kept.body.get("files")
    released = [item for item in before if isinstance(item, dict)] if isinstance(before, list) else []
    faults += [LabelFault("ledger", 0, f"{item['name']} {told}") for item in body["files"] if item not in released]
    return tuple(faults)
