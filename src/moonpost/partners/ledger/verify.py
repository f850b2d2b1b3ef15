"""Check a whole ledger from its lines alone: text, chain, signatures, rules, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from moonpost.errors import InputError
from moonpost.partners.ledger.checkpoints import Checkpoint, Trust
from moonpost.partners.ledger.entries import NO_ENTRY, Entry, parse_line
from moonpost.partners.ledger.keys import signature_holds
from moonpost.partners.ledger.rules import LedgerState

__all__ = ["Fault", "Verification", "Verifier", "verify_lines"]


_OFTEN = 1000


@dataclass(frozen=True)
class Fault:
    """Something wrong with a ledger.

    Parameters
    ----------
    entry : int
        Number of the line, from 0; one past the last for what is missing.
    kind : str
        ``unparsable``, ``sequence``, ``replay``, ``reordered``, ``fork``, ``chain``, ``hash``, ``key``,
        ``signature``, ``ledger``, ``rule``, ``storage``, ``trust``, ``checkpoint``, ``truncated`` or ``empty``.
    text : str
        What it is, for people.

    Examples
    --------
    >>> Fault(3, "hash", "its hash is not that of its text").entry
    3
    """

    entry: int
    kind: str
    text: str


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Parameters
    ----------
    entries : int
        Number of lines.
    faults : tuple of Fault
        In the order of the lines; empty for a sound ledger.
    head : str
        Hash of the last sound entry.
    state : LedgerState
        Where everything stands after the sound entries.

    Examples
    --------
    >>> verify_lines([]).faults[0].kind
    'empty'
    """

    entries: int
    faults: tuple[Fault, ...]
    head: str
    state: LedgerState

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        rows = [{"entry": fault.entry, "kind": fault.kind, "text": fault.text} for fault in self.faults]
        return {"entries": self.entries, "ledger": self.state.ledger, "head": self.head, "faults": rows}


@dataclass
class Verifier:
    """A check that takes line after line, so that a ledger of any length needs little memory.

    Parameters
    ----------
    trust : Trust or None
        Pinned beginning and keys, kept outside the ledger.
    checkpoints : sequence of Checkpoint
        What partners have seen.
    progress : callable, optional
        Told the number of lines checked, every thousand.

    Examples
    --------
    >>> check = Verifier()
    >>> check.take(b"{}")
    >>> check.done().faults[0].kind
    'unparsable'
    """

    trust: Trust | None = None
    checkpoints: Sequence[Checkpoint] = ()
    progress: Callable[[int], None] | None = None
    state: LedgerState = field(default_factory=LedgerState)
    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    head: str = NO_ENTRY
    _seen: dict[str, int] = field(default_factory=dict)
    _previous: dict[str, int] = field(default_factory=dict)
    _known: bool = True
    _met: set[Checkpoint] = field(default_factory=set)

    def take(self, line: bytes) -> None:
        """Check the next line.

        Parameters
        ----------
        line : bytes
            Without the line feed that ends it.
        """
        number, self.count = self.count, self.count + 1
        if self.progress is not None and self.count % _OFTEN == 0:
            self.progress(self.count)
        try:
            entry = parse_line(line)
        except InputError as error:
            self._fault(number, "unparsable", error.what)
            self._known = False
            return
        placed = self._placed(number, entry)
        sound = self._signed(number, entry) and placed
        if sound:
            refusal = self.state.apply(entry)
            if refusal:
                self._fault(number, "rule", refusal)
        self._watch(number, entry)
        self._seen.setdefault(entry.hash, number)
        self._previous.setdefault(entry.previous, number)
        self.head, self._known = entry.hash, True

    def done(self) -> Verification:
        """Finish: what is missing at the end.

        Returns
        -------
        Verification
        """
        if not self.count:
            self._fault(0, "empty", "there is no entry: a ledger begins with a genesis entry")
        for point in self.checkpoints:
            if point.entry >= self.count:
                seen = f"{point.party} has seen entry {point.entry} on {point.time}"
                self._fault(self.count, "truncated", f"{seen}; here the last is {self.count - 1}")
                if self.state.key_of(point.key):
                    self._signed_point(self.count, point)
            elif point not in self._met:
                what = "the line that it speaks of cannot be read" if point.entry >= 0 else "it names no entry"
                self._fault(max(point.entry, 0), "checkpoint", f"the checkpoint of {point.party}: {what}")
        faults = tuple(sorted(self.faults, key=lambda fault: fault.entry))
        return Verification(self.count, faults, self.head, self.state)

    def _fault(self, number: int, kind: str, text: str) -> None:
        self.faults.append(Fault(number, kind, text))

    def _placed(self, number: int, entry: Entry) -> bool:
        """Whether an entry stands where it belongs."""
        if entry.hash in self._seen:
            self._fault(number, "replay", f"is the entry of line {self._seen[entry.hash]} again")
            return False
        if self._known and entry.previous != self.head:
            other = self._previous.get(entry.previous)
            if other is not None:
                self._fault(number, "fork", f"follows the same entry as line {other}: two histories")
                return False
            self._fault(number, "chain", "does not follow the entry before it")
        if entry.entry != number:
            kind = "reordered" if entry.entry < number else "sequence"
            self._fault(number, kind, f"says that it is entry {entry.entry}")
        return entry.entry == number and (not self._known or entry.previous == self.head)

    def _signed(self, number: int, entry: Entry) -> bool:
        """Whether an entry's hash and signature hold."""
        before = len(self.faults)
        if self.state.ledger and entry.ledger != self.state.ledger:
            self._fault(number, "ledger", f"belongs to ledger {entry.ledger}")
        if entry.hash != entry.digest:
            self._fault(number, "hash", "its hash is not that of its text")
        public = self.state.public_of(entry)
        if public is None:
            self._fault(number, "key", f"key {entry.key} may not sign for {entry.party}")
        elif not signature_holds(public, bytes.fromhex(entry.digest), entry.signature):
            self._fault(number, "signature", f"is not signed with the key of {entry.party}")
        return len(self.faults) == before

    def _watch(self, number: int, entry: Entry) -> None:
        """Compare with what is pinned and what partners have seen."""
        if number == 0 and self.trust is not None:
            for text in self.trust.faults(entry):
                self._fault(number, "trust", text)
        for point in self.checkpoints:
            if point.entry == number:
                self._met.add(point)
                if point.hash != entry.hash or point.ledger != entry.ledger:
                    self._fault(number, "fork", f"{point.party} has seen another entry here, on {point.time}")
                self._signed_point(number, point)

    def _signed_point(self, number: int, point: Checkpoint) -> None:
        """Whether a checkpoint is signed by its party with a key that is or was on record."""
        party, public = self.state.key_of(point.key) or ("", "")
        if party != point.party or not point.holds(public):
            self._fault(number, "checkpoint", f"the checkpoint is not signed by {point.party}")


def verify_lines(
    lines: Iterable[bytes],
    *,
    trust: Trust | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Check a ledger from its lines.

    Parameters
    ----------
    lines : iterable of bytes
        Canonical entries without their line feeds.
    trust : Trust, optional
        Pinned beginning and keys.
    checkpoints : sequence of Checkpoint, optional
        What partners have seen.
    progress : callable, optional
        Told the number of lines checked, every thousand.

    Returns
    -------
    Verification

    Notes
    -----
    Each line must be the canonical text of an entry, follow the one before by number and hash, carry its own hash
    and a signature of a key that may sign for its party then, and be allowed by the rules. An entry with a fault
    has no effect.

    Examples
    --------
    >>> verify_lines([b"not an entry"]).faults[0].kind
    'unparsable'
    """
    check = Verifier(trust, checkpoints, progress)
    for line in lines:
        check.take(line)
    return check.done()
