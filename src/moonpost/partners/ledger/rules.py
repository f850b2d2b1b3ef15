"""What entries mean: keys, agreements and changes as state machines, replayed in the order of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moonpost.errors import InputError
from moonpost.partners.agreements import AgreementStanding
from moonpost.partners.dates import Day
from moonpost.partners.ledger.changes import (
    ChangeState,
    consent,
    proof_message,
    propose,
    propose_key,
    refuse,
    replace_keys,
    sound_key,
    withdraw,
)
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.ledger.keys import key_id
from moonpost.partners.ledger.pacts import AgreementState, act, agreement_from, open_agreement, retract, step
from moonpost.partners.needs import RefusedError, need, text_in
from moonpost.partners.samples import Custody

__all__ = ["KINDS", "AgreementState", "ChangeState", "LedgerState", "proof_message"]


@dataclass
class LedgerState:
    """Where everything stands after a number of entries.

    Parameters
    ----------
    ledger : str
        Identifier.
    plan : dict
        The plan that it was begun with: identifier, version, hash.
    roles : dict of str to str
        ``founder`` or ``member`` by party.
    keys : dict of str to tuple
        By key identifier: party and public key, of the keys that may sign now.
    retired : dict of str to tuple
        Keys that may not sign any more, with their party and public key.
    owned : dict of str to tuple of str
        By place, its owner and approvers: whose consent a change of it needs.
    baselines : dict of str to str
        By place, the SHA-256 of what was agreed on it.
    agreements : dict of str to AgreementState
        By identifier.
    changes : dict of str to ChangeState
        By identifier.
    records : list of tuple
        Entry number, party, topic and data of free records.
    custody : Custody
        Samples, from records of the topic ``sample``.
    time : str
        When the last entry was written, UTC; the next is not dated earlier.

    Examples
    --------
    >>> LedgerState().founders
    frozenset()
    """

    ledger: str = ""
    plan: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    retired: dict[str, tuple[str, str]] = field(default_factory=dict)
    owned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    baselines: dict[str, str] = field(default_factory=dict)
    agreements: dict[str, AgreementState] = field(default_factory=dict)
    changes: dict[str, ChangeState] = field(default_factory=dict)
    records: list[tuple[int, str, str, Any]] = field(default_factory=list)
    custody: Custody = field(default_factory=Custody)
    time: str = ""

    @property
    def founders(self) -> frozenset[str]:
        """Parties that approve what concerns the whole station."""
        return frozenset(party for party, role in self.roles.items() if role == "founder")

    def public_of(self, entry: Entry) -> str | None:
        """Public key that signs an entry; None if its key is unknown, retired or another party's."""
        if entry.entry == 0 and entry.kind == "genesis":
            return _genesis_keys(entry.body).get((entry.party, entry.key))
        party, public = self.keys.get(entry.key, ("", ""))
        return public if party == entry.party else None

    def key_of(self, identifier: str) -> tuple[str, str] | None:
        """Party and public key of a key identifier, of keys that may sign now or once might.

        Parameters
        ----------
        identifier : str
            16 hexadecimal digits.

        Returns
        -------
        tuple of str, or None
            None if it is unknown.
        """
        return self.keys.get(identifier) or self.retired.get(identifier)

    def standings(self, at: Day = None) -> tuple[AgreementStanding, ...]:
        """Where each agreement stands for each party on a day.

        Parameters
        ----------
        at : str, datetime.date, datetime.datetime or None
            The day; None takes everything on record.

        Returns
        -------
        tuple of AgreementStanding
            In the order in which they were opened.

        Raises
        ------
        DateError
            If `at` is text that is no date.
        """
        return tuple(row.standing(name, self.founders, at) for name, row in self.agreements.items())

    def apply(self, entry: Entry) -> str:
        """Take an entry in, or tell why the rules do not allow it.

        Parameters
        ----------
        entry : Entry
            The next one, its signature checked.

        Returns
        -------
        str
            Empty if it was taken in; else the reason, and nothing has changed.
        """
        handler = KINDS.get(entry.kind)
        if handler is None:
            return f"unknown kind {entry.kind!r}"
        if (entry.kind == "genesis") != (entry.entry == 0):
            return "a ledger begins with one genesis entry and has no other"
        if entry.time < self.time:
            return f"it is dated {entry.time}, before the entry before it"
        try:
            handler(self, entry)
        except RefusedError as refusal:
            return str(refusal)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            return f"its body does not fit its kind ({error})"
        self.time = entry.time
        return ""


def _genesis_keys(body: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Public keys of a genesis entry by party and identifier; those that cannot be read are left out."""
    found = {}
    rows = body.get("parties")
    for row in rows if isinstance(rows, list) else []:
        try:
            found[(row["id"], key_id(row["public"]))] = row["public"]
        except (InputError, KeyError, TypeError):
            continue
    return found


def _genesis(state: LedgerState, entry: Entry) -> None:
    """The parties with their keys, the agreements, who owns what, and how each thing stood."""
    body = entry.body
    keys = _genesis_keys(body)
    rows = body["parties"]
    need(isinstance(rows, list) and rows and len(keys) == len(rows), "a party has no sound key, or stands twice")
    roles = {row["id"]: row["role"] for row in rows}
    need(len(roles) == len(rows), "a party stands twice")
    need(len({identifier for _, identifier in keys}) == len(keys), "two parties have the same key")
    need(set(roles.values()) <= {"founder", "member"}, "a role is neither founder nor member")
    need(roles.get(entry.party) == "founder", "it is not begun by a founder")
    agreements = {row["id"]: agreement_from(row, roles) for row in body["agreements"]}
    need(len(agreements) == len(body["agreements"]), "an agreement stands twice")
    owned = {row["place"]: tuple(dict.fromkeys((row["owner"], *row["approvers"]))) for row in body["owned"]}
    need(len(owned) == len(body["owned"]), "a place stands twice")
    need(all(set(names) <= set(roles) for names in owned.values()), "an owner or approver is no party")
    baselines = {row["place"]: row["baseline"] for row in body["owned"] if "baseline" in row}
    need(all(isinstance(text, str) for text in baselines.values()), "a baseline is no text")
    state.ledger, state.plan, state.roles = entry.ledger, dict(body["plan"]), roles
    state.keys = {identifier: (party, public) for (party, identifier), public in keys.items()}
    state.agreements, state.owned, state.baselines = agreements, owned, baselines


def _rotate(state: LedgerState, entry: Entry) -> None:
    """A party replaces its own key, signing with the old one."""
    public = text_in(entry.body, "public")
    sound_key(state, entry.party, public, entry.body)
    replace_keys(state, entry.party, public)


def _record(state: LedgerState, entry: Entry) -> None:
    """Anything else that is to be kept; what is done with samples must leave no milligram unaccounted for."""
    topic, data = text_in(entry.body, "topic"), entry.body.get("data")
    if topic == "sample":
        refusal = state.custody.apply(data if isinstance(data, dict) else {}, entry.party)
        need(not refusal, refusal)
    state.records.append((entry.entry, entry.party, topic, data))


KINDS: Mapping[str, Callable[[LedgerState, Entry], None]] = {
    "genesis": _genesis,
    "agreement": open_agreement,
    "step": step,
    "act": act,
    "retract": retract,
    "propose": propose,
    "propose-key": propose_key,
    "consent": consent,
    "refuse": refuse,
    "withdraw": withdraw,
    "rotate-key": _rotate,
    "record": _record,
}
"""Every kind of entry with what it does."""
