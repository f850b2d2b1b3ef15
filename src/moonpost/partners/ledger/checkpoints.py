"""What is kept outside the ledger: pinned beginnings and keys, and signed checkpoints."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from moonpost.errors import DataError
from moonpost.files import write_json
from moonpost.partners.ledger.entries import Entry, canonical, now_utc
from moonpost.partners.ledger.keys import PartyKey, key_id, signature_holds

__all__ = ["Checkpoint", "Trust", "read_checkpoint", "read_trust", "sign_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """A party's signed word that it has seen a ledger up to an entry.

    Parameters
    ----------
    ledger : str
        Identifier of the ledger.
    entry : int
        Number of the last entry seen.
    hash : str
        Its hash.
    time : str
        When, UTC.
    party, key : str
        Who says so, with which key.
    signature : str
        Of the canonical text of the fields above.

    Examples
    --------
    >>> from moonpost.partners.ledger.keys import new_key
    >>> key = new_key("cnsa")
    >>> sign_checkpoint(key, "00" * 16, 4, "11" * 32).holds(key.public)
    True
    """

    ledger: str
    entry: int
    hash: str
    time: str
    party: str
    key: str
    signature: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return b"checkpoint\n" + canonical({k: v for k, v in asdict(self).items() if k != "signature"})

    def holds(self, public: str) -> bool:
        """Whether the signature is that of a public key.

        Parameters
        ----------
        public : str
            64 hexadecimal digits.

        Returns
        -------
        bool
        """
        return signature_holds(public, self.message, self.signature)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON.

        Parameters
        ----------
        path : path-like
            The file.
        """
        write_json(path, asdict(self))


@dataclass(frozen=True)
class Trust:
    """The beginning of a ledger and its keys, kept outside it.

    Parameters
    ----------
    ledger, genesis : str
        Identifier, and hash of the first entry.
    keys : dict of str to str
        Public key by party at the beginning.

    Examples
    --------
    >>> Trust("00" * 16, "11" * 32, {}).keys
    {}
    """

    ledger: str
    genesis: str
    keys: dict[str, str]

    @classmethod
    def of(cls, genesis: Entry) -> Trust:
        """Pin a genesis entry.

        Parameters
        ----------
        genesis : Entry
            The first entry.

        Returns
        -------
        Trust
        """
        return cls(genesis.ledger, genesis.hash, {row["id"]: row["public"] for row in genesis.body["parties"]})

    def faults(self, entry: Entry) -> list[str]:
        """How a first entry differs from what is pinned.

        Parameters
        ----------
        entry : Entry
            The first entry of a ledger.

        Returns
        -------
        list of str
            Empty if it is the same.
        """
        found = []
        if entry.ledger != self.ledger or entry.hash != self.genesis:
            found.append("it begins otherwise than the ledger that was pinned")
        rows = entry.body.get("parties")
        given = {
            row.get("id"): row.get("public")
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict)
        }
        found += [
            f"the key of {party} is not the one pinned"
            for party in self.keys
            if given.get(party) != self.keys[party]
        ]
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON.

        Parameters
        ----------
        path : path-like
            The file.
        """
        write_json(path, asdict(self))


def sign_checkpoint(key: PartyKey, ledger: str, entry: int, digest: str) -> Checkpoint:
    """Sign a checkpoint.

    Parameters
    ----------
    key : PartyKey
        Of the party that has seen the ledger.
    ledger : str
        Identifier of the ledger.
    entry : int
        Number of the last entry seen.
    digest : str
        Its hash.

    Returns
    -------
    Checkpoint

    Examples
    --------
    >>> from moonpost.partners.ledger.keys import new_key
    >>> sign_checkpoint(new_key("cnsa"), "00" * 16, 4, "11" * 32).entry
    4
    """
    bare = Checkpoint(ledger, entry, digest, now_utc(), key.party, key_id(key.public), "")
    return Checkpoint(**{**asdict(bare), "signature": key.sign(bare.message)})


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint from its file.

    Parameters
    ----------
    path : path-like
        As `Checkpoint.save` writes it.

    Returns
    -------
    Checkpoint

    Raises
    ------
    DataError
        If it cannot be read or is no checkpoint.

    Examples
    --------
    >>> read_checkpoint("nowhere.json")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.json: cannot read: No such file or directory; name a checkpoint's JSON file
    """
    row = _read(path, "a checkpoint's JSON file", Checkpoint)
    texts = [value for name, value in row.items() if name != "entry"]
    number = row["entry"]
    sound = type(number) is int and 0 <= number < 1 << 53
    if not sound or not all(isinstance(value, str) for value in texts):
        raise DataError("a field is of the wrong kind", where=str(path), advice="name a checkpoint's JSON file")
    return Checkpoint(**row)


def read_trust(path: str | os.PathLike[str]) -> Trust:
    """Read what was pinned.

    Parameters
    ----------
    path : path-like
        As `Trust.save` writes it.

    Returns
    -------
    Trust

    Raises
    ------
    DataError
        If it cannot be read or pins nothing.

    Examples
    --------
    >>> read_trust("nowhere.json")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.json: cannot read: No such file or directory; name the file of pinned keys
    """
    row = _read(path, "the file of pinned keys", Trust)
    keys = row["keys"]
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise DataError("keys is no table of texts", where=str(path), advice="name the file of pinned keys")
    return Trust(**row)


def _read(path: str | os.PathLike[str], what: str, kind: type[Checkpoint] | type[Trust]) -> dict[str, Any]:
    """A JSON table with exactly the fields of a class."""
    try:
        row = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read: {error.strerror}", where=str(path), advice=f"name {what}") from error
    except (ValueError, RecursionError) as error:
        raise DataError("is not JSON", where=str(path), advice=f"name {what}") from error
    if not isinstance(row, dict) or set(row) != {item.name for item in fields(kind)}:
        raise DataError("has other fields", where=str(path), advice=f"name {what}")
    return row
