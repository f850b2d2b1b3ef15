"""Entries of a ledger: canonical text, hash, signature."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moonpost.errors import DataError, InputError
from moonpost.partners.ledger.keys import PartyKey, key_id

__all__ = [
    "DEEPEST",
    "FIELDS",
    "LARGEST_LINE",
    "NO_ENTRY",
    "Entry",
    "canonical",
    "entry_from",
    "not_ahead",
    "now_utc",
    "parse_line",
    "sign_entry",
]

NO_ENTRY = "0" * 64
"""What stands for the entry before the first."""

FIELDS = ("body", "entry", "hash", "key", "kind", "ledger", "party", "previous", "signature", "time")
"""Names of an entry's fields, in the order of its text."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LARGEST = 1 << 20
_LARGEST_NUMBER = (1 << 53) - 1

LARGEST_LINE = _LARGEST + 4096
"""Most bytes in an entry's line: a mebibyte of body, and its other fields."""

DEEPEST = 64
"""How deep lists and tables may stand in each other."""


@dataclass(frozen=True)
class Entry:
    """One signed entry.

    Parameters
    ----------
    ledger : str
        Identifier of the ledger, 32 hexadecimal digits.
    entry : int
        Its number, from 0.
    previous : str
        Hash of the entry before it; zeros for the first.
    time : str
        When it was written, UTC, to the second.
    kind : str
        What it is.
    party : str
        Who wrote it.
    key : str
        Identifier of the key that signed it.
    body : dict
        What it says: text, whole numbers, truth values, lists and tables of these.
    hash : str
        SHA-256 of the canonical text of all fields above.
    signature : str
        Ed25519 signature of the hash.

    Examples
    --------
    >>> from moonpost.partners.ledger.keys import new_key
    >>> entry = sign_entry(new_key("cnsa"), "00" * 16, 0, NO_ENTRY, "note", {"text": "begun"})
    >>> parse_line(entry.line) == entry
    True
    """

    ledger: str
    entry: int
    previous: str
    time: str
    kind: str
    party: str
    key: str
    body: dict[str, Any]
    hash: str
    signature: str

    @property
    def line(self) -> bytes:
        """Canonical text of the whole entry (RFC 8785), without the line feed that ends it."""
        return canonical({name: getattr(self, name) for name in FIELDS})

    @property
    def digest(self) -> str:
        """Hash that the fields ask for, whatever `hash` says."""
        named = (name for name in FIELDS if name not in ("hash", "signature"))
        return hashlib.sha256(canonical({name: getattr(self, name) for name in named})).hexdigest()


def canonical(value: Any) -> bytes:
    """Canonical JSON of a value by RFC 8785, without fractions.

    Parameters
    ----------
    value : dict, list, str, int, bool or None
        Numbers are whole and at most 2^53 - 1 in size, so that every program reads them alike.

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    InputError
        If it holds anything else.

    Notes
    -----
    Text in ASCII alone is written by the standard library, whose order of names and escapes are the same there.

    References
    ----------
    Rundgren, Jordan and Erdtman (2020), JSON Canonicalization Scheme, doi:10.17487/RFC8785.

    Examples
    --------
    >>> canonical({"b": 1, "a": "x"})
    b'{"a":"x","b":1}'
    """
    import rfc8785

    _check(value, DEEPEST)
    quick = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if quick.isascii():
        return quick.encode()
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise _unwritable(f"cannot be written: {error}", "use text that UTF-8 can carry") from error


def _check(value: Any, left: int) -> None:
    """Refuse what has no canonical text: fractions, large numbers, other types, too many levels."""
    if isinstance(value, str | bool) or value is None:
        return
    if isinstance(value, int):
        if not -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:
            raise _unwritable("a number beyond 2^53 - 1", "write it as text")
    elif isinstance(value, float):
        raise _unwritable("a number with a fraction", "write it as text or in a smaller unit, such as mg")
    elif not isinstance(value, dict | list | tuple):
        raise _unwritable(
            f"cannot be written: {type(value).__name__}", "use text, whole numbers, lists and tables"
        )
    elif left == 0:
        raise _unwritable(f"lists and tables stand more than {DEEPEST} deep", "write them flatter")
    else:
        for item in _parts(value):
            _check(item, left - 1)


def _parts(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    """What a list or table holds; refuses names of fields that are no text."""
    if not isinstance(value, dict):
        return value
    for name in value:
        if not isinstance(name, str):
            raise _unwritable(f"{name!r} names a field and is no text", "name fields with text")
    return value.values()


def _unwritable(what: str, advice: str) -> InputError:
    return InputError(what, where="ledger entry", advice=advice)


def sign_entry(
    key: PartyKey,
    ledger: str,
    entry: int,
    previous: str,
    kind: str,
    body: dict[str, Any],
    *,
    time: str | None = None,
) -> Entry:
    """Make an entry and sign it.

    Parameters
    ----------
    key : PartyKey
        Of the party that writes it.
    ledger, entry, previous, kind, body, time
        As in `Entry`; now if no time is given.

    Returns
    -------
    Entry

    Raises
    ------
    InputError
        If the body cannot be written, or is larger than a mebibyte.

    Examples
    --------
    >>> from moonpost.partners.ledger.keys import new_key
    >>> sign_entry(new_key("cnsa"), "00" * 16, 0, NO_ENTRY, "note", {"text": "begun"}).entry
    0
    """
    bare = Entry(
        ledger, entry, previous, time or now_utc(), kind, key.party, key_id(key.public), dict(body), "", ""
    )
    if len(canonical(bare.body)) > _LARGEST:
        raise InputError("is larger than a mebibyte", where="ledger entry", advice="refer to a file by its hash")
    digest = bare.digest
    return entry_from({**{name: getattr(bare, name) for name in FIELDS}, "hash": digest,
                       "signature": key.sign(bytes.fromhex(digest))})  # fmt: skip


def entry_from(fields: dict[str, Any]) -> Entry:
    """An entry from a table with exactly its fields, each of its type.

    Parameters
    ----------
    fields : dict
        By name.

    Returns
    -------
    Entry

    Raises
    ------
    InputError
        If a field is missing, too much or of the wrong type.

    Examples
    --------
    >>> entry_from({})
    Traceback (most recent call last):
    ...
    moonpost.errors.InputError: ledger entry: has the fields none; give body, entry, hash, key, kind, ledger, ...
    """
    if not isinstance(fields, dict) or tuple(sorted(fields)) != FIELDS:
        names = ", ".join(sorted(fields)) if isinstance(fields, dict) and fields else "none"
        advice = f"give {', '.join(FIELDS[:6])}, ..."
        raise InputError(f"has the fields {names}", where="ledger entry", advice=advice)
    number, body = fields["entry"], fields["body"]
    texts = [fields[name] for name in FIELDS if name not in ("entry", "body")]
    if isinstance(number, bool) or not isinstance(number, int) or number < 0 or not isinstance(body, dict):
        raise InputError("entry is no number or body no table", where="ledger entry", advice="correct it")
    if not all(isinstance(text, str) for text in texts) or not _is_time(fields["time"]):
        raise InputError("a field is no text, or the time no UTC time", where="ledger entry", advice="correct it")
    return Entry(**fields)


def _is_time(text: str) -> bool:
    """Whether a text is a UTC time to the second that exists."""
    if not _TIME.fullmatch(text):
        return False
    try:
        dt.datetime.fromisoformat(text[:-1])
    except ValueError:
        return False
    return True


def parse_line(line: bytes) -> Entry:
    """Read an entry from its line, which must be its canonical text.

    Parameters
    ----------
    line : bytes
        Without the line feed.

    Returns
    -------
    Entry

    Raises
    ------
    InputError
        If it is not JSON, not an entry, or not written canonically.

    Examples
    --------
    >>> parse_line(b"{}")
    Traceback (most recent call last):
    ...
    moonpost.errors.InputError: ledger entry: has the fields none; give body, entry, hash, key, kind, ledger, ...
    """
    if len(line) > LARGEST_LINE:
        raise InputError("is larger than a mebibyte", where="ledger entry", advice="get a sound copy")
    if line.endswith(b"\x00"):
        raise InputError(
            "is not JSON: the last line has no line feed, half of it may be lost",
            where="ledger entry",
            advice="get a sound copy",
        )
    try:
        fields = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", where="ledger entry", advice="get a sound copy") from error
    entry = entry_from(fields)
    if entry.line != line:
        raise InputError("is not canonical JSON (RFC 8785)", where="ledger entry", advice="get a sound copy")
    return entry


def now_utc() -> str:
    """The time now, UTC, to the second.

    Returns
    -------
    str

    Examples
    --------
    >>> now_utc().endswith("Z")
    True
    """
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def not_ahead(time: str, where: str) -> None:
    """Refuse what is dated more than a day ahead of this machine's clock: later entries would have to follow.

    Parameters
    ----------
    time : str
        When the last entry was written, UTC.
    where : str
        Of which ledger.

    Raises
    ------
    DataError
        If it is ahead.

    Examples
    --------
    >>> not_ahead("2026-01-01T00:00:00Z", "station.db")
    """
    limit = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if time > limit:
        raise DataError(
            f"its last entry is dated {time}, ahead of this machine's clock",
            where=where,
            advice="correct the clock, or go on from a copy without that entry",
        )
