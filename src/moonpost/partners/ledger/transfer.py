"""Ledgers wherever they are: checked in a file, a database or an export, and made from an export."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from moonpost.errors import DataError
from moonpost.partners.ledger.book import Ledger
from moonpost.partners.ledger.checkpoints import Checkpoint, Trust
from moonpost.partners.ledger.entries import NO_ENTRY, not_ahead
from moonpost.partners.ledger.rules import LedgerState
from moonpost.partners.ledger.stores import is_url, open_store, read_lines, row_of
from moonpost.partners.ledger.verify import Fault, Verification, verify_lines

__all__ = ["import_ledger", "verify_ledger"]


def verify_ledger(
    place: str,
    *,
    trust: Trust | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Check a ledger wherever it is: SQLite file, PostgreSQL URL or exported file.

    Parameters
    ----------
    place : str
        Path or URL.
    trust : Trust, optional
        Pinned beginning and keys.
    checkpoints : sequence of Checkpoint, optional
        What partners have seen.
    progress : callable, optional
        Told the number of entries checked, every thousand.

    Returns
    -------
    Verification

    Raises
    ------
    DataError
        If there is nothing to read.

    Examples
    --------
    >>> verify_ledger("nowhere.db")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.db: no such file; name a ledger, or begin one with moonpost ledger init
    """
    lines = None if is_url(place) else read_lines(place)
    if lines is not None:
        return verify_lines(lines, trust=trust, checkpoints=checkpoints, progress=progress)
    try:
        ledger = Ledger.open(place)
    except DataError as error:
        if is_url(place):
            raise
        return Verification(0, (Fault(0, "storage", error.what),), NO_ENTRY, LedgerState())
    with ledger:
        return ledger.verify(trust=trust, checkpoints=checkpoints, progress=progress)


def import_ledger(path: str | os.PathLike[str], place: str, *, trust: Trust | None = None) -> int:
    """Make a ledger from an exported file, if it is sound.

    Parameters
    ----------
    path : path-like
        Exported JSON lines.
    place : str
        SQLite file or PostgreSQL URL, where no ledger is yet.
    trust : Trust, optional
        Pinned beginning and keys.

    Returns
    -------
    int
        Number of entries.

    Raises
    ------
    DataError
        If the file is not a sound ledger.
    OutputError
        If there is a ledger already, or it cannot be written.

    Examples
    --------
    >>> import_ledger("nowhere.jsonl", "new.db")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.jsonl: no such file; name a ledger, or begin one with moonpost ledger init
    """
    lines = read_lines(path)
    if lines is None:
        raise DataError("is a database", where=str(path), advice="export it first: moonpost ledger export")
    rows = list(lines)
    found = verify_lines(rows, trust=trust)
    if not found.sound:
        fault = found.faults[0]
        raise DataError(f"entry {fault.entry}: {fault.text}", where=str(path), advice="get a sound copy")
    not_ahead(found.state.time, str(path))
    store = open_store(place, new=True)
    with contextlib.closing(store):
        store.create([row_of(line) for line in rows])
    return len(rows)
