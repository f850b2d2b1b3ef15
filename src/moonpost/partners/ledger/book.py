"""The ledger as a whole: begun from a plan, written to, checked, exported."""

from __future__ import annotations

import copy
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from moonpost.errors import DataError, InputError, ModelError
from moonpost.files import atomic_path
from moonpost.partners.ledger.checkpoints import Checkpoint, Trust
from moonpost.partners.ledger.entries import NO_ENTRY, Entry, not_ahead, now_utc, parse_line, sign_entry
from moonpost.partners.ledger.genesis import genesis_body
from moonpost.partners.ledger.keys import PartyKey
from moonpost.partners.ledger.rules import ChangeState, LedgerState
from moonpost.partners.ledger.stores import Row, Store, open_store, row_of
from moonpost.partners.ledger.verify import Fault, Verification, Verifier, verify_lines
from moonpost.plan.model import Plan

__all__ = ["Ledger"]

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
            not_ahead(self._state.time, self.place)
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
        not_ahead(found.state.time, "the other copy")
        fresh = [row_of(line) for line in lines[len(own) :]]
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
