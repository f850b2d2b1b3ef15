"""What entries mean: keys, agreements and changes as state machines, replayed in the order of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moonpost.errors import InputError
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.ledger.keys import key_id, signature_holds
from moonpost.partners.samples import Custody
from moonpost.plan.base import when_bounds

__all__ = ["KINDS", "AgreementState", "ChangeState", "LedgerState", "proof_message"]

_STEPS = ("draft", "signed", "ratified", "in-force")
_RULES = ("consensus", "majority", "founders")


@dataclass
class AgreementState:
    """An agreement and the steps that its parties have taken.

    Parameters
    ----------
    parties, requires : tuple of str
        Who takes part; the steps that each must take.
    rule : str
        In force when all parties (``consensus``), more than half (``majority``) or all founders (``founders``)
        have taken every required step.
    steps : dict of str to dict
        By party, each step with the number of its entry.

    Examples
    --------
    >>> AgreementState(("cn", "ru"), ("signed",), "consensus").missing("cn")
    ('signed',)
    """

    parties: tuple[str, ...]
    requires: tuple[str, ...]
    rule: str
    steps: dict[str, dict[str, int]] = field(default_factory=dict)

    def missing(self, party: str) -> tuple[str, ...]:
        """Required steps that a party has not taken; a later step stands in for none."""
        taken = self.steps.get(party, {})
        return tuple(step for step in self.requires if step != "draft" and step not in taken)

    def in_force(self, founders: frozenset[str]) -> bool:
        """Whether it is in force by its rule."""
        done = [party for party in self.parties if not self.missing(party)]
        if self.rule == "majority":
            return 2 * len(done) > len(self.parties)
        asked = [party for party in self.parties if self.rule == "consensus" or party in founders]
        return bool(asked) and set(asked) <= set(done)


@dataclass
class ChangeState:
    """A change that was asked for.

    Parameters
    ----------
    proposer : str
        Who asked.
    body : dict
        The proposal.
    needed : frozenset of str
        Whose consents it needs; of a lost key those who may give theirs.
    quorum : int
        How many of them suffice.
    consents, refusals : dict of str to int
        By party, with the number of the entry.
    status : str
        ``pending``, ``in-force`` or ``withdrawn``.
    since : int or None
        Entry that brought it into force.

    Examples
    --------
    >>> ChangeState("cn", {}, frozenset({"cn", "ru"}), 2).status
    'pending'
    """

    proposer: str
    body: dict[str, Any]
    needed: frozenset[str]
    quorum: int
    consents: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    status: str = "pending"
    since: int | None = None

    @property
    def waiting(self) -> tuple[str, ...]:
        """Whose consent is still missing; empty once it is in force or withdrawn."""
        return tuple(sorted(self.needed - self.consents.keys())) if self.status == "pending" else ()


class _RefusedError(Exception):
    """An entry that the rules do not allow."""


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
    retired : set of str
        Keys that may not sign any more.
    owned : dict of str to tuple of str
        By place, its owner and approvers: whose consent a change of it needs.
    agreements : dict of str to AgreementState
        By identifier.
    changes : dict of str to ChangeState
        By identifier.
    records : list of tuple
        Entry number, party, topic and data of free records.
    custody : Custody
        Samples, from records of the topic ``sample``.

    Examples
    --------
    >>> LedgerState().founders
    frozenset()
    """

    ledger: str = ""
    plan: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)
    owned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    agreements: dict[str, AgreementState] = field(default_factory=dict)
    changes: dict[str, ChangeState] = field(default_factory=dict)
    records: list[tuple[int, str, str, Any]] = field(default_factory=list)
    custody: Custody = field(default_factory=Custody)

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
        try:
            handler(self, entry)
        except _RefusedError as refusal:
            return str(refusal)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            return f"its body does not fit its kind ({error})"
        return ""


def proof_message(ledger: str, party: str, public: str) -> bytes:
    r"""What a new key signs to prove that the party holds it.

    Parameters
    ----------
    ledger, party, public : str
        Identifier of the ledger, the party, the new public key.

    Returns
    -------
    bytes

    Examples
    --------
    >>> proof_message("aa", "cn", "bb")
    b'key\naa\ncn\nbb'
    """
    return "\n".join(("key", ledger, party, public)).encode()


def _need(condition: object, text: str) -> None:
    """Refuse unless a condition holds."""
    if not condition:
        raise _RefusedError(text)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    _need(isinstance(value, str) and value, f"{name} is missing or no text")
    return str(value)


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
    """The parties with their keys, the agreements, and who owns what."""
    body = entry.body
    keys = _genesis_keys(body)
    rows = body["parties"]
    _need(isinstance(rows, list) and rows and len(keys) == len(rows), "a party has no sound key, or stands twice")
    roles = {row["id"]: row["role"] for row in rows}
    _need(len(roles) == len(rows), "a party stands twice")
    _need(set(roles.values()) <= {"founder", "member"}, "a role is neither founder nor member")
    _need(roles.get(entry.party) == "founder", "it is not begun by a founder")
    agreements = {row["id"]: _agreement(row, roles) for row in body["agreements"]}
    owned = {row["place"]: (row["owner"], *row["approvers"]) for row in body["owned"]}
    _need(all(set(names) <= set(roles) for names in owned.values()), "an owner or approver is no party")
    state.ledger, state.plan, state.roles = entry.ledger, dict(body["plan"]), roles
    state.keys = {identifier: (party, public) for (party, identifier), public in keys.items()}
    state.agreements, state.owned = agreements, owned


def _agreement(row: Mapping[str, Any], roles: Mapping[str, str]) -> AgreementState:
    """An agreement from its table."""
    parties, requires = tuple(row["parties"]), tuple(row["requires"])
    _need(len(parties) > 1 and set(parties) <= set(roles), f"agreement {row['id']}: a party is unknown")
    _need(requires and set(requires) <= set(_STEPS), f"agreement {row['id']}: unknown steps")
    _need(row["rule"] in _RULES, f"agreement {row['id']}: unknown rule")
    return AgreementState(parties, requires, row["rule"])


def _open_agreement(state: LedgerState, entry: Entry) -> None:
    """A founder opens an agreement."""
    name = _text(entry.body, "id")
    _need(entry.party in state.founders, "only a founder opens an agreement")
    _need(name not in state.agreements, f"agreement {name} is open already")
    state.agreements[name] = _agreement(entry.body, state.roles)


def _step(state: LedgerState, entry: Entry) -> None:
    """A party takes a step of its own."""
    name, step = _text(entry.body, "agreement"), _text(entry.body, "state")
    agreement = state.agreements.get(name)
    _need(agreement is not None, f"unknown agreement {name}")
    assert agreement is not None
    _need(step in _STEPS, f"unknown step {step}")
    _need(entry.party in agreement.parties, f"{entry.party} is no party of {name}")
    when_bounds(_text(entry.body, "date"))
    _text(entry.body, "source")
    taken = agreement.steps.get(entry.party, {})
    _need(step not in taken, f"{entry.party} has taken this step already, in entry {taken.get(step)}")
    agreement.steps.setdefault(entry.party, {})[step] = entry.entry


def _propose(state: LedgerState, entry: Entry) -> None:
    """A party asks for a change of places of the plan."""
    name, touches = _text(entry.body, "change"), entry.body["touches"]
    _text(entry.body, "title")
    _need(name not in state.changes, f"change {name} was proposed already")
    _need(isinstance(touches, list) and touches, "it touches no place")
    needed: set[str] = set()
    for place in touches:
        needed |= set(state.owned.get(place, tuple(state.founders)))
    state.changes[name] = ChangeState(entry.party, dict(entry.body), frozenset(needed), len(needed))


def _propose_key(state: LedgerState, entry: Entry) -> None:
    """A key for a party that lost its own, or for a new party."""
    name, party, public = (_text(entry.body, key) for key in ("change", "party", "public"))
    _need(name not in state.changes, f"change {name} was proposed already")
    _sound_key(state, party, public, entry.body)
    if party in state.roles:
        others = frozenset(other for other in state.roles if other != party)
        quorum = len(others) // 2 + 1
        _need("role" not in entry.body, "a party's role does not change with its key")
    else:
        others, quorum = state.founders, len(state.founders)
        _need(entry.body.get("role") in ("founder", "member"), "a new party is founder or member")
    _need(others, "there is no one to consent")
    state.changes[name] = ChangeState(entry.party, dict(entry.body), others, quorum)


def _sound_key(state: LedgerState, party: str, public: str, body: Mapping[str, Any]) -> None:
    """Refuse a key that is known already, or whose holder has not proved it."""
    try:
        identifier = key_id(public)
    except InputError as error:
        raise _RefusedError(error.what) from error
    _need(identifier not in state.keys and identifier not in state.retired, "this key was used already")
    _need(
        signature_holds(public, proof_message(state.ledger, party, public), _text(body, "proof")),
        "the proof is not signed with the new key",
    )


def _own_change(state: LedgerState, entry: Entry) -> ChangeState:
    """The pending change that an entry speaks of."""
    name = _text(entry.body, "change")
    change = state.changes.get(name)
    _need(change is not None, f"unknown change {name}")
    assert change is not None
    _need(change.status == "pending", f"change {name} is {change.status} already")
    return change


def _consent(state: LedgerState, entry: Entry) -> None:
    """A party consents for itself."""
    change = _own_change(state, entry)
    _need(entry.party in change.needed, f"{entry.party} is not asked for its consent")
    _need(entry.party not in change.consents, f"{entry.party} has consented already")
    change.refusals.pop(entry.party, None)
    change.consents[entry.party] = entry.entry
    if len(change.consents) >= change.quorum:
        change.status, change.since = "in-force", entry.entry
        _take_effect(state, change)


def _take_effect(state: LedgerState, change: ChangeState) -> None:
    """What a change does to the ledger itself: a new key, a new party, new owners."""
    body = change.body
    if "public" in body:
        party = body["party"]
        state.roles.setdefault(party, body.get("role", "member"))
        _replace_keys(state, party, body["public"])
    for row in body.get("owned", []):
        state.owned[row["place"]] = (row["owner"], *row["approvers"])


def _replace_keys(state: LedgerState, party: str, public: str) -> None:
    """Retire the keys of a party and let it sign with a new one."""
    old = [identifier for identifier, (owner, _) in state.keys.items() if owner == party]
    for identifier in old:
        del state.keys[identifier]
        state.retired.add(identifier)
    state.keys[key_id(public)] = (party, public)


def _refuse(state: LedgerState, entry: Entry) -> None:
    """A party that is asked says no; it may consent later."""
    change = _own_change(state, entry)
    _need(entry.party in change.needed, f"{entry.party} is not asked for its consent")
    _need(entry.party not in change.refusals, f"{entry.party} has refused already")
    change.consents.pop(entry.party, None)
    change.refusals[entry.party] = entry.entry


def _withdraw(state: LedgerState, entry: Entry) -> None:
    """The proposer takes a change back before it is in force."""
    change = _own_change(state, entry)
    _need(entry.party == change.proposer, f"only {change.proposer} may withdraw it")
    change.status = "withdrawn"


def _rotate(state: LedgerState, entry: Entry) -> None:
    """A party replaces its own key, signing with the old one."""
    public = _text(entry.body, "public")
    _sound_key(state, entry.party, public, entry.body)
    _replace_keys(state, entry.party, public)


def _record(state: LedgerState, entry: Entry) -> None:
    """Anything else that is to be kept; what is done with samples must leave no milligram unaccounted for."""
    topic, data = _text(entry.body, "topic"), entry.body.get("data")
    if topic == "sample":
        refusal = state.custody.apply(data if isinstance(data, dict) else {})
        _need(not refusal, refusal)
    state.records.append((entry.entry, entry.party, topic, data))


KINDS: Mapping[str, Callable[[LedgerState, Entry], None]] = {
    "genesis": _genesis,
    "agreement": _open_agreement,
    "step": _step,
    "propose": _propose,
    "propose-key": _propose_key,
    "consent": _consent,
    "refuse": _refuse,
    "withdraw": _withdraw,
    "rotate-key": _rotate,
    "record": _record,
}
"""Every kind of entry with what it does."""
