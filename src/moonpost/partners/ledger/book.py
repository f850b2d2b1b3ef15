"""The ledger as a whole: begun from a plan, written to, checked, exported and imported."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from moonpost.errors import DataError, InputError, ModelError, UnknownNameError
from moonpost.files import atomic_path
from moonpost.partners.agreements import RULES
from moonpost.partners.ledger.baselines import owned_rows
from moonpost.partners.ledger.checkpoints import Checkpoint, Trust
from moonpost.partners.ledger.entries import NO_ENTRY, Entry, now_utc, parse_line, sign_entry
from moonpost.partners.ledger.keys import PartyKey
from moonpost.partners.ledger.rules import ChangeState, LedgerState
from moonpost.partners.ledger.stores import Row, Store, is_url, open_store, read_lines
from moonpost.partners.ledger.verify import Fault, Verification, Verifier, verify_lines
from moonpost.plan.model import Plan

__all__ = ["Ledger", "genesis_body", "import_ledger", "verify_ledger"]

_FORMAT = {"format": "moonpost ledger 1"}


class Ledger:
    """A ledger that can be read and written to.

    Parameters
    ----------
    store : Store
        Where it lives; use `open` and `begin`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from moonpost.partners.ledger.keys import new_key
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Ledger.begin(str(Path(folder) / "station.db"), plan, keys) as ledger:
    ...         entry = ledger.append(keys["cnsa"], "record", {"topic": "note", "data": "begun"})
    ...         entry.entry, ledger.verify().sound
    (1, True)
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._state = LedgerState()
        self._taken = 0
        self._head = NO_ENTRY

    @classmethod
    def open(cls, place: str) -> Ledger:
        """Open a ledger to write to.

        Parameters
        ----------
        place : str
            SQLite file or PostgreSQL URL.

        Returns
        -------
        Ledger

        Raises
        ------
        DataError
            If it is not there or is no ledger.
        """
        return cls(open_store(place))

    @classmethod
    def begin(
        cls,
        place: str,
        plan: Plan,
        keys: Mapping[str, PartyKey],
        *,
        public: Mapping[str, str] | None = None,
        rules: Mapping[str, str] | None = None,
    ) -> Ledger:
        """Begin a ledger from a plan.

        Parameters
        ----------
        place : str
            SQLite file or PostgreSQL URL, where none is yet.
        plan : Plan
            Its partners, agreements, owners and approvers.
        keys : mapping of str to PartyKey
            Keys at hand; one of a founder at least.
        public : mapping of str to str, optional
            Public keys of the partners whose keys are elsewhere.
        rules : mapping of str to str, optional
            By agreement, ``majority`` or ``founders`` instead of ``consensus``.

        Returns
        -------
        Ledger

        Raises
        ------
        InputError
            If a partner has no key, or no founder can sign.
        OutputError
            If there is a ledger already.
        """
        known = {party: key.public for party, key in keys.items()} | dict(public or {})
        body = genesis_body(plan, known, rules)
        signer = next((keys[p.id] for p in plan.partners if p.role == "founder" and p.id in keys), None)
        if signer is None:
            raise InputError("no key of a founder is at hand", where="keys", advice="give one founder's key")
        genesis = sign_entry(signer, secrets.token_hex(16), 0, NO_ENTRY, "genesis", body)
        refusal = LedgerState().apply(genesis)
        if refusal:
            raise InputError(refusal, where=plan.path, advice="correct the plan's partners, owners and agreements")
        store = open_store(place, new=True)
        store.create([(0, genesis.hash, genesis.line)])
        return cls(store)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    @property
    def place(self) -> str:
        """Where it lives, without a password."""
        return self._store.place

    def lines(self) -> Iterator[bytes]:
        """Canonical lines of all entries, as stored."""
        return (line for _, _, line in self._store.rows())

    def entries(self) -> Iterator[Entry]:
        """All entries.

        Raises
        ------
        DataError
            If one cannot be read.
        """
        for number, _, line in self._store.rows():
            try:
                yield parse_line(line)
            except InputError as error:
                raise DataError(
                    f"entry {number} {error.what}", where=self.place, advice="run moonpost ledger verify"
                ) from error

    def state(self) -> LedgerState:
        """Where everything stands, after a check of the whole.

        Raises
        ------
        DataError
            If the ledger is not sound.
        """
        found = self._sound(self.verify())
        self._state, self._taken, self._head = found.state, found.entries, found.head
        return copy.deepcopy(found.state)

    def change(self, name: str) -> ChangeState | None:
        """A change as it stands after what this object has read and written, without another check.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        ChangeState or None
            None if there is no such change.
        """
        return copy.deepcopy(self._state.changes.get(name))

    def _sound(self, found: Verification) -> Verification:
        """A check that found nothing, or an error that tells the first fault."""
        if found.sound:
            return found
        fault = found.faults[0]
        raise DataError(
            f"entry {fault.entry}: {fault.text}", where=self.place, advice="run moonpost ledger verify"
        )

    def verify(
        self,
        *,
        trust: Trust | None = None,
        checkpoints: Sequence[Checkpoint] = (),
        progress: Callable[[int], None] | None = None,
    ) -> Verification:
        """Check everything, stored columns included.

        Parameters
        ----------
        trust : Trust, optional
            Pinned beginning and keys.
        checkpoints : sequence of Checkpoint, optional
            What partners have seen.
        progress : callable, optional
            Told the number of entries checked, every thousand.

        Returns
        -------
        Verification
        """
        check = Verifier(trust, checkpoints, progress)
        stored: list[Fault] = []
        try:
            if self._store.about() != _FORMAT:
                stored.append(Fault(0, "storage", f"its format is {self._store.about()}"))
            for number, digest, line in self._store.rows():
                at = check.count
                check.take(line)
                if number != at or digest != check.head:
                    stored.append(Fault(at, "storage", "its stored number or hash is not that of its line"))
        except DataError as error:
            stored.append(Fault(check.count, "storage", error.what))
        check.faults.extend(stored)
        return check.done()

    def append(self, key: PartyKey, kind: str, body: dict[str, Any]) -> Entry:
        """Write an entry, if the rules allow it.

        Parameters
        ----------
        key : PartyKey
            Of the party that writes.
        kind : str
            A kind of `moonpost.partners.ledger.rules.KINDS`.
        body : dict
            What it says.

        Returns
        -------
        Entry
            On the disk when this returns.

        Raises
        ------
        ModelError
            If the rules do not allow it; nothing is written.
        DataError
            If the ledger is not sound.
        OutputError
            If it cannot be written.
        """
        made: list[Entry] = []

        def make(last: Row) -> Row:
            self._catch_up(last)
            _not_ahead(self._state.time, self.place)
            written = max(now_utc(), self._state.time)
            entry = sign_entry(key, self._state.ledger, last[0] + 1, last[1], kind, body, time=written)
            if self._state.public_of(entry) is None:
                raise ModelError(
                    f"the key may not sign for {key.party}", where=self.place, advice="use the key on record"
                )
            refusal = self._state.apply(entry)
            if refusal:
                raise ModelError(refusal, where=f"{self.place}: {kind}", advice="nothing was written")
            made.append(entry)
            return (entry.entry, entry.hash, entry.line)

        try:
            self._store.append(make)
        except BaseException:
            self._taken, self._state = 0, LedgerState()
            raise
        self._taken, self._head = made[0].entry + 1, made[0].hash
        return made[0]

    def _catch_up(self, last: Row) -> None:
        """Bring the state up to the last stored entry, which others may have written."""
        if self._taken == last[0] + 1 and self._head == last[1]:
            return
        found = self._sound(self.verify())
        if found.head != last[1]:
            raise DataError("it changed while it was read", where=self.place, advice="run moonpost ledger verify")
        self._state, self._taken, self._head = found.state, last[0] + 1, last[1]

    def extend(self, lines: Sequence[bytes]) -> int:
        """Take in what another copy has beyond this one.

        Parameters
        ----------
        lines : sequence of bytes
            All lines of the other copy, from the first.

        Returns
        -------
        int
            Number of entries taken in; 0 if there are none.

        Raises
        ------
        DataError
            If either is not sound, the other does not go on from this one, or is dated ahead of the clock.
        OutputError
            If it cannot be written; nothing has changed then.
        """
        own = [line for _, _, line in self._store.rows()]
        self.state()
        if list(lines[: len(own)]) != own[: len(lines)]:
            raise DataError(
                "the other copy tells another history", where=self.place, advice="run moonpost ledger compare"
            )
        found = verify_lines(lines)
        if not found.sound:
            fault = found.faults[0]
            raise DataError(
                f"entry {fault.entry}: {fault.text}", where="the other copy", advice="get a sound copy"
            )
        _not_ahead(found.state.time, "the other copy")
        fresh = [_row(line) for line in lines[len(own) :]]
        if fresh:
            self._store.extend(parse_line(own[-1]).hash, fresh)
        return len(fresh)

    def export(self, path: str | os.PathLike[str]) -> int:
        """Write the canonical lines to a file.

        Parameters
        ----------
        path : path-like
            JSON lines, each ended by a line feed.

        Returns
        -------
        int
            Number of entries.
        """
        count = 0
        with atomic_path(path) as part, part.open("wb") as file:
            for line in self.lines():
                file.write(line + b"\n")
                count += 1
        return count


def genesis_body(plan: Plan, public: Mapping[str, str], rules: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a ledger begins with.

    Parameters
    ----------
    plan : Plan
        The plan.
    public : mapping of str to str
        Public key of every partner.
    rules : mapping of str to str, optional
        By agreement, ``majority`` or ``founders`` instead of ``consensus``.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        If a partner has no key, or a rule is none or that of no agreement.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> body = genesis_body(plan, {partner.id: "00" * 32 for partner in plan.partners})
    >>> body["plan"]["id"]
    'ilrs'
    """
    without = [partner.id for partner in plan.partners if partner.id not in public]
    if without:
        raise InputError(
            f"no key for {', '.join(without)}", where="keys", advice="make or name a public key for each partner"
        )
    given = dict(rules or {})
    for name in sorted(set(given) - {row.id for row in plan.agreements}):
        raise UnknownNameError(name, [row.id for row in plan.agreements], kind="agreement", where="rules")
    for rule in sorted(set(given.values()) - set(RULES)):
        raise InputError(f"unknown rule {rule!r}", where="rules", advice=f"use {', '.join(RULES)}")
    return {
        "plan": {"id": plan.id, "version": plan.version, "sha256": plan.sha256, "title": plan.title},
        "parties": [{"id": p.id, "role": p.role, "public": public[p.id]} for p in plan.partners],
        "agreements": [
            {
                "id": a.id,
                "name": a.name,
                "parties": list(a.parties),
                "requires": list(a.requires),
                "rule": given.get(a.id, "consensus"),
            }
            for a in plan.agreements
        ],
        "owned": owned_rows(plan),
    }


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
    _not_ahead(found.state.time, str(path))
    store = open_store(place, new=True)
    with contextlib.closing(store):
        store.create([_row(line) for line in rows])
    return len(rows)


def _not_ahead(time: str, where: str) -> None:
    """Refuse what is dated more than a day ahead of this machine's clock: later entries would have to follow."""
    limit = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if time > limit:
        raise DataError(
            f"its last entry is dated {time}, ahead of this machine's clock",
            where=where,
            advice="correct the clock, or go on from a copy without that entry",
        )


def _row(line: bytes) -> Row:
    entry = parse_line(line)
    return (entry.entry, entry.hash, line)
