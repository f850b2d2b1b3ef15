"""Copies of a ledger side by side: which is behind, where two histories part, who signed both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moonpost.errors import DataError, InputError
from moonpost.partners.ledger.book import Ledger
from moonpost.partners.ledger.checkpoints import Trust
from moonpost.partners.ledger.entries import Entry, parse_line
from moonpost.partners.ledger.stores import is_url, place_text, read_lines
from moonpost.partners.ledger.transfer import verify_ledger
from moonpost.partners.ledger.verify import Verification, verify_lines

__all__ = ["Branch", "Comparison", "compare_ledgers", "copy_lines", "update_ledger"]


@dataclass(frozen=True)
class Branch:
    """What one copy has beyond the entries that both have.

    Parameters
    ----------
    place : str
        Where the copy is, without a password.
    entries : int
        Number of its entries.
    check : Verification
        What is wrong with it, if anything.
    own : tuple of Entry
        Sound entries that the other copy does not have, in order.

    Examples
    --------
    >>> Branch("a.db", 0, verify_lines([]), ()).authors
    ()
    """

    place: str
    entries: int
    check: Verification
    own: tuple[Entry, ...]

    @property
    def authors(self) -> tuple[str, ...]:
        """Parties that signed the entries that the other copy does not have."""
        return tuple(dict.fromkeys(entry.party for entry in self.own))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = [
            {"entry": e.entry, "hash": e.hash, "time": e.time, "party": e.party, "kind": e.kind, "body": e.body}
            for e in self.own
        ]
        return {
            "place": self.place,
            "entries": self.entries,
            "faults": self.check.to_dict()["faults"],
            "own": rows,
        }


@dataclass(frozen=True)
class Comparison:
    """How two copies of a ledger differ.

    Parameters
    ----------
    status : str
        ``same``; ``first-behind`` or ``second-behind``: one lacks the last entries of the other; ``fork``: two
        sound histories; ``damaged``: one or both have faults; ``other-ledger``: they begin differently.
    common : int
        Number of entries that both have from the first on.
    first, second : Branch
        The two copies.

    Examples
    --------
    >>> empty = Branch("a.db", 0, verify_lines([]), ())
    >>> Comparison("damaged", 0, empty, empty).on_both_sides
    ()
    """

    status: str
    common: int
    first: Branch
    second: Branch

    @property
    def on_both_sides(self) -> tuple[str, ...]:
        """Parties that signed in both histories of a fork: each of them told two stories."""
        if self.status != "fork":
            return ()
        return tuple(party for party in self.first.authors if party in self.second.authors)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "status": self.status,
            "common": self.common,
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "on_both_sides": list(self.on_both_sides),
        }


def copy_lines(place: str) -> list[bytes]:
    """All lines of a copy, wherever it is.

    Parameters
    ----------
    place : str
        SQLite file, PostgreSQL URL or exported file of JSON lines.

    Returns
    -------
    list of bytes
        As stored, sound or not.

    Raises
    ------
    DataError
        If it cannot be read.

    Examples
    --------
    >>> copy_lines("nowhere.db")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.db: no such file; name a ledger, or begin one with moonpost ledger init
    """
    lines = None if is_url(place) else read_lines(place)
    if lines is not None:
        return list(lines)
    with Ledger.open(place) as ledger:
        return list(ledger.lines())


def compare_ledgers(first: str, second: str, *, trust: Trust | None = None) -> Comparison:
    """Compare two copies of a ledger.

    Parameters
    ----------
    first, second : str
        SQLite files, PostgreSQL URLs or exported files.
    trust : Trust, optional
        Pinned beginning and keys.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If one cannot be read.

    Examples
    --------
    >>> compare_ledgers("nowhere.db", "nowhere.db")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.db: no such file; name a ledger, or begin one with moonpost ledger init
    """
    places, lines = (first, second), (copy_lines(first), copy_lines(second))
    checks = [verify_ledger(place, trust=trust) for place in places]
    common = next(
        (i for i, (one, other) in enumerate(zip(*lines, strict=False)) if one != other), min(map(len, lines))
    )
    branches = [
        Branch(place_text(place), len(rows), check, _entries(rows[common:]))
        for place, rows, check in zip(places, lines, checks, strict=True)
    ]
    return Comparison(_status(common, branches), common, *branches)


def _status(common: int, branches: Sequence[Branch]) -> str:
    """What a difference is."""
    one, other = branches
    if not (one.check.sound and other.check.sound):
        return "damaged"
    if common == one.entries == other.entries:
        return "same"
    if common == 0:
        return "other-ledger"
    if common == one.entries:
        return "first-behind"
    return "second-behind" if common == other.entries else "fork"


def _entries(lines: Sequence[bytes]) -> tuple[Entry, ...]:
    """Those lines that can be read."""
    found = []
    for line in lines:
        try:
            found.append(parse_line(line))
        except InputError:
            continue
    return tuple(found)


def update_ledger(place: str, source: str, *, trust: Trust | None = None) -> int:
    """Bring a copy up to another one that goes on from it.

    Parameters
    ----------
    place : str
        The copy that is written: SQLite file or PostgreSQL URL.
    source : str
        The other one: SQLite file, PostgreSQL URL or exported file.
    trust : Trust, optional
        Pinned beginning and keys.

    Returns
    -------
    int
        Number of entries taken in.

    Raises
    ------
    DataError
        If either is not sound, or they tell two histories; nothing is written then.

    Examples
    --------
    >>> update_ledger("nowhere.db", "nowhere.db")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.db: no such file; name a ledger, or begin one with moonpost ledger init
    """
    lines = copy_lines(source)
    found = verify_lines(lines[:1], trust=trust)
    if not found.sound:
        raise DataError(found.faults[0].text, where=place_text(source), advice="run moonpost ledger verify")
    with Ledger.open(place) as ledger:
        return ledger.extend(lines)
