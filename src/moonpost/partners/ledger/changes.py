"""Changes in the ledger: asked for by one party, in force with the consents of all whom they touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from moonpost.errors import InputError
from moonpost.partners.ledger.entries import Entry
from moonpost.partners.ledger.keys import key_id, signature_holds
from moonpost.partners.needs import RefusedError, named, need, text_in

if TYPE_CHECKING:
    from moonpost.partners.ledger.rules import LedgerState

__all__ = [
    "ChangeState",
    "consent",
    "proof_message",
    "propose",
    "propose_key",
    "refuse",
    "replace_keys",
    "sound_key",
    "withdraw",
]

_AGREEMENT = "agreements["


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
        ``pending``, ``in-force``, ``withdrawn`` or ``repealed``.
    since, until : int or None
        Entry that brought it into force; entry that repealed it.
    before : dict of str to tuple
        Owners and baseline that each place had before, once it is in force.

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
    until: int | None = None
    before: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Whose consent is still missing; empty once it is decided."""
        return tuple(sorted(self.needed - self.consents.keys())) if self.status == "pending" else ()

    @property
    def of_key(self) -> bool:
        """Whether it gives a party a key."""
        return "public" in self.body


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


def _touched(state: LedgerState, places: Iterable[str]) -> frozenset[str]:
    """Whose consent a change of places needs: owners and approvers, parties, or the founders."""
    found: set[str] = set()
    for place in places:
        if place.startswith(_AGREEMENT):
            agreement = state.agreements.get(place[len(_AGREEMENT) : -1])
            if agreement is None or not place.endswith("]"):
                raise RefusedError(f"unknown agreement in {place}")
            found |= set(agreement.parties)
        else:
            found |= set(state.owned.get(place, tuple(state.founders)))
    return frozenset(found)


def propose(state: LedgerState, entry: Entry) -> None:
    """A party asks for a change of places of the plan.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With change, title and touches; if wanted ``owned`` (new owners, approvers or baselines of places),
        ``repeals`` (a change in force) and ``ends`` (an agreement).

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> body = {"change": "c", "title": "t", "touches": []}
    >>> LedgerState().apply(Entry("", 1, NO_ENTRY, "", "propose", "eg", "", body, "", ""))
    'it touches no place'
    """
    body = entry.body
    name = text_in(body, "change")
    text_in(body, "title")
    need(name not in state.changes, f"change {name} was proposed already")
    need("public" not in body, "a key is asked for by propose-key")
    touches = named(body["touches"], "touches")
    need(touches, "it touches no place")
    needed = set(_touched(state, touches))
    for row in _rows(body, "owned"):
        needed |= _sound_row(state, row, touches)
    for row in _rows(body, "set"):
        need(row.get("place") in touches, f"it sets {row.get('place')}, which it does not touch")
    if "repeals" in body:
        needed |= _sound_repeal(state, body, touches)
    if "ends" in body:
        ended = text_in(body, "ends")
        need(f"{_AGREEMENT}{ended}]" in touches, f"it ends {ended} and does not touch {_AGREEMENT}{ended}]")
        need(not state.agreements[ended].ended, f"{ended} has ended already")
    state.changes[name] = ChangeState(entry.party, dict(body), frozenset(needed), len(needed))


def _rows(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Tables of a list of the body; none if it is not there."""
    rows = body.get(name, [])
    need(isinstance(rows, list) and all(isinstance(row, dict) for row in rows), f"{name} is no list of tables")
    places = [row.get("place") for row in rows]
    once = name == "set" or len({str(place) for place in places}) == len(places)
    need(once, f"{name}: a place stands twice")
    return list(rows)


def _sound_row(state: LedgerState, row: Mapping[str, Any], touches: tuple[str, ...]) -> set[str]:
    """New owners of a place, all parties; what a row of ``owned`` may say."""
    place = text_in(row, "place")
    need(place in touches, f"it gives {place} an owner or baseline and does not touch it")
    need(not place.startswith(_AGREEMENT), f"{place} has no owner")
    need(("baseline" in row) <= ("was" in row), f"{place}: a new baseline names the one that it follows in was")
    for key in ("baseline", "was"):
        need(isinstance(row.get(key, ""), str), f"{place}: {key} is no text")
    removed = row.get("removed", False)
    need(isinstance(removed, bool), f"{place}: removed is neither true nor false")
    if removed:
        need("owner" not in row and "baseline" not in row, f"{place}: what is removed has no owner or baseline")
        return set()
    owners = {text_in(row, "owner"), *named(row["approvers"], f"{place}: approvers")}
    need(owners <= set(state.roles), f"{place}: an owner or approver is no party")
    return owners


def _sound_repeal(state: LedgerState, body: Mapping[str, Any], touches: tuple[str, ...]) -> frozenset[str]:
    """Whose consent a repeal needs besides: all whom the change needed."""
    target = state.changes.get(text_in(body, "repeals"))
    if target is None or target.of_key:
        raise RefusedError(f"there is no change {body['repeals']} to repeal")
    need(target.status == "in-force", f"change {body['repeals']} is {target.status}, not in force")
    need(not {"owned", "ends"} & body.keys(), "a repeal does nothing else")
    final = {"repeals", "ends"} & target.body.keys()
    need(not final, f"change {body['repeals']} {' and '.join(sorted(final))} something: propose anew instead")
    lacks = sorted(set(target.body["touches"]) - set(touches))
    need(not lacks, f"it does not touch {', '.join(lacks)}, as the change that it repeals does")
    return target.needed


def propose_key(state: LedgerState, entry: Entry) -> None:
    """A key for a party that lost its own, or for a new party.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With change, party, public, proof and, for a new party, role.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> LedgerState().apply(Entry("", 1, NO_ENTRY, "", "propose-key", "eg", "", {}, "", ""))
    'change is missing or no text'
    """
    body = entry.body
    name, party, public = (text_in(body, key) for key in ("change", "party", "public"))
    need(name not in state.changes, f"change {name} was proposed already")
    sound_key(state, party, public, body)
    if party in state.roles:
        need("role" not in body, "a party's role does not change with its key")
    else:
        need(body.get("role") in ("founder", "member"), "a new party is founder or member")
    others, quorum = _askable(state, body)
    need(others, "there is no one to consent")
    state.changes[name] = ChangeState(entry.party, dict(body), others, quorum)


def _askable(state: LedgerState, body: Mapping[str, Any]) -> tuple[frozenset[str], int]:
    """Who may consent to a key, and how many have to."""
    if "role" in body:
        return state.founders, len(state.founders)
    others = frozenset(party for party in state.roles if party != body["party"])
    return others, len(others) // 2 + 1


def sound_key(state: LedgerState, party: str, public: str, body: Mapping[str, Any]) -> None:
    """Refuse a key that is known already, or whose holder has not proved it.

    Parameters
    ----------
    state : LedgerState
        With the keys so far.
    party, public : str
        Whose key; the key.
    body : mapping
        With the proof.

    Raises
    ------
    RefusedError
        If it is not sound.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> sound_key(LedgerState(), "cn", "short", {})
    Traceback (most recent call last):
    ...
    moonpost.partners.needs.RefusedError: is not 64 hexadecimal digits
    """
    try:
        identifier = key_id(public)
    except InputError as error:
        raise RefusedError(error.what) from error
    need(identifier not in state.keys and identifier not in state.retired, "this key was used already")
    need(
        signature_holds(public, proof_message(state.ledger, party, public), text_in(body, "proof")),
        "the proof is not signed with the new key",
    )


def _pending(state: LedgerState, entry: Entry) -> ChangeState:
    """The pending change that an entry speaks of."""
    name = text_in(entry.body, "change")
    change = state.changes.get(name)
    if change is None:
        raise RefusedError(f"unknown change {name}")
    need(change.status == "pending", f"change {name} is {change.status} already")
    return change


def consent(state: LedgerState, entry: Entry) -> None:
    """A party consents for itself; the last consent brings the change into force.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With change.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> LedgerState().apply(Entry("", 1, NO_ENTRY, "", "consent", "eg", "", {"change": "c"}, "", ""))
    'unknown change c'
    """
    change = _pending(state, entry)
    need(entry.party in change.needed, f"{entry.party} is not asked for its consent")
    need(entry.party not in change.consents, f"{entry.party} has consented already")
    if change.of_key:
        _key_still_free(state, change)
    else:
        _still_fits(state, change)
    change.refusals.pop(entry.party, None)
    change.consents[entry.party] = entry.entry
    if len(change.consents) >= change.quorum:
        change.status, change.since = "in-force", entry.entry
        _take_effect(state, change, entry)
        _ask_anew(state)


def _key_still_free(state: LedgerState, change: ChangeState) -> None:
    """Refuse a key that was taken, or a new party that joined, since it was asked for."""
    identifier = key_id(change.body["public"])
    need(identifier not in state.keys and identifier not in state.retired, "this key was used already")
    joined = "role" in change.body and change.body["party"] in state.roles
    need(not joined, f"{change.body['party']} is a party already")


def _still_fits(state: LedgerState, change: ChangeState) -> None:
    """Refuse a change of what has changed since it was asked for."""
    again = "has changed since: withdraw it and propose it again"
    for row in change.body.get("owned", []):
        if "was" in row:
            need(state.baselines.get(row["place"], "") == row["was"], f"{row['place']} {again}")
    if "ends" in change.body:
        need(not state.agreements[change.body["ends"]].ended, f"{change.body['ends']} has ended already")
    if "repeals" in change.body:
        target = state.changes[change.body["repeals"]]
        need(target.status == "in-force", f"change {change.body['repeals']} is {target.status} already")
        for row in target.body.get("owned", []):
            need(_now(state, row["place"]) == _after(target, row), f"{row['place']} {again}")


def _now(state: LedgerState, place: str) -> tuple[tuple[str, ...], str]:
    """Owners and baseline of a place."""
    return state.owned.get(place, ()), state.baselines.get(place, "")


def _after(change: ChangeState, row: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Owners and baseline that a row of a change gives its place."""
    if row.get("removed", False):
        return (), ""
    old = change.before.get(row["place"], ((), ""))[1]
    return tuple(dict.fromkeys((row["owner"], *row["approvers"]))), row.get("baseline", old)


def _take_effect(state: LedgerState, change: ChangeState, entry: Entry) -> None:
    """What a change does to the ledger itself: a new key, a new party, owners, baselines, an end."""
    body = change.body
    if change.of_key:
        state.roles.setdefault(body["party"], body.get("role", "member"))
        replace_keys(state, body["party"], body["public"])
        return
    for row in body.get("owned", []):
        change.before[row["place"]] = _now(state, row["place"])
        _put(state, row["place"], _after(change, row))
    if "ends" in body:
        state.agreements[body["ends"]].ended = entry.time[:10]
    if "repeals" in body:
        target = state.changes[body["repeals"]]
        target.status, target.until = "repealed", entry.entry
        for place, old in target.before.items():
            _put(state, place, old)


def _put(state: LedgerState, place: str, value: tuple[tuple[str, ...], str]) -> None:
    """Give a place owners and a baseline, or take away what is empty."""
    owners, baseline = value
    state.owned.pop(place, None)
    state.baselines.pop(place, None)
    if owners:
        state.owned[place] = owners
    if baseline:
        state.baselines[place] = baseline


def _ask_anew(state: LedgerState) -> None:
    """Pending changes also need the consent of those who became owners, founders or parties meanwhile."""
    for change in state.changes.values():
        if change.status != "pending":
            continue
        if change.of_key:
            change.needed, change.quorum = _askable(state, change.body)
        else:
            change.needed |= _touched(state, change.body["touches"])
            change.quorum = len(change.needed)


def replace_keys(state: LedgerState, party: str, public: str) -> None:
    """Retire the keys of a party and let it sign with a new one.

    Parameters
    ----------
    state : LedgerState
        Changed.
    party, public : str
        Whose key; the new one.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> state = LedgerState()
    >>> replace_keys(state, "cn", "00" * 32)
    >>> state.keys
    {'66687aadf862bd77': ('cn', '0000000000000000000000000000000000000000000000000000000000000000')}
    """
    for identifier in [known for known, (owner, _) in state.keys.items() if owner == party]:
        state.retired[identifier] = state.keys.pop(identifier)
    state.keys[key_id(public)] = (party, public)


def refuse(state: LedgerState, entry: Entry) -> None:
    """A party that is asked says no; it may consent later.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With change.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> LedgerState().apply(Entry("", 1, NO_ENTRY, "", "refuse", "eg", "", {"change": "c"}, "", ""))
    'unknown change c'
    """
    change = _pending(state, entry)
    need(entry.party in change.needed, f"{entry.party} is not asked for its consent")
    need(entry.party not in change.refusals, f"{entry.party} has refused already")
    change.consents.pop(entry.party, None)
    change.refusals[entry.party] = entry.entry


def withdraw(state: LedgerState, entry: Entry) -> None:
    """The proposer takes a change back before it is in force.

    Parameters
    ----------
    state : LedgerState
        Changed.
    entry : Entry
        With change.

    Raises
    ------
    RefusedError
        If the rules do not allow it; then nothing has changed.

    Examples
    --------
    >>> from moonpost.partners.ledger.rules import LedgerState
    >>> from moonpost.partners.ledger.entries import NO_ENTRY
    >>> LedgerState().apply(Entry("", 1, NO_ENTRY, "", "withdraw", "eg", "", {"change": "c"}, "", ""))
    'unknown change c'
    """
    change = _pending(state, entry)
    need(entry.party == change.proposer, f"only {change.proposer} may withdraw it")
    change.status = "withdrawn"
