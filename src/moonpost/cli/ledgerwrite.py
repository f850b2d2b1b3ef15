"""``moonpost ledger agree | step | act | retract | propose | consent | refuse | withdraw | join | replay``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import DataError, InputError, UnknownNameError

if TYPE_CHECKING:
    from moonpost.partners.ledger import LedgerState, PartyKey

__all__ = ["KEY", "PLACE", "refuse_repository", "register", "signer", "write"]

PLACE = typer.Argument(metavar="PATH-OR-URL", help="SQLite file, or postgresql://user@host:port/database.")
KEY = typer.Option(
    ...,
    "--key",
    help="Key of the party that writes: its PEM file, or FOLDER/PARTY, or PARTY in the folder of keys.",
)
_AGREEMENT = typer.Argument(help="Identifier of the agreement.")
_CHANGE = typer.Argument(help="Name of the change.")
_DATE = typer.Option(..., "--date", help="When: 2030-06-01, 2030-06 or 2030.")
_SOURCE = typer.Option(..., "--source", help="Where that is from.")
_TEXT = typer.Option("", "--text", help="What the act was.")


def register(group: typer.Typer) -> None:
    """Add the verbs to ``moonpost ledger``."""
    for verb in (agree, step, act, retract, propose, consent, refuse, withdraw, join, replay):
        group.command(verb.__name__)(verb)


def refuse_repository(folder: Path) -> None:
    """Refuse to keep keys in a repository."""
    place = folder.resolve()
    if any((above / ".git").exists() for above in (place, *place.parents)):
        raise InputError("lies in a repository", where=str(folder), advice="keep keys elsewhere: --keys FOLDER")


def signer(key: Path, state: LedgerState) -> PartyKey:
    """The key that an option names: a file, or a party whose key on record is looked for in a folder."""
    from moonpost.partners.ledger import key_folder, load_key

    if key.is_file() or key.suffix == ".pem":
        return load_key(key)
    folder = key_folder() if key.parent == Path() else key.parent
    for identifier, (party, _) in state.keys.items():
        if party == key.name:
            return load_key(folder / f"{party}-{identifier}.pem", party)
    raise UnknownNameError(key.name, list(state.roles), kind="party", where="--key")


def write(place: str, key: Path, kind: str, body: dict[str, Any], as_json: bool) -> None:
    """Write one entry, and tell its number and what still waits."""
    from moonpost.partners.ledger import Ledger

    with Ledger.open(place) as ledger:
        entry = ledger.append(signer(key, ledger.state()), kind, body)
        change = ledger.change(str(body.get("change", "")))
    value: dict[str, Any] = {"entry": entry.entry, "hash": entry.hash, "kind": kind, "party": entry.party}
    text = f"entry {entry.entry} ({kind}) by {entry.party}"
    if change is not None:
        value |= {"change": body["change"], "status": change.status, "waiting": list(change.waiting)}
        waits = f", waits for {', '.join(change.waiting)}" if change.waiting else ""
        text += f"; change {body['change']} is {change.status}{waits}"
    emit(value, as_json, lambda: text)


def agree(
    place: str = PLACE,
    agreement: str = _AGREEMENT,
    key: Path = KEY,
    parties: str = typer.Option(..., help="Parties, with commas between them."),
    requires: str = typer.Option("signed", help="Steps that each must take: signed,ratified,in-force."),
    rule: str = typer.Option("consensus", help="consensus, majority or founders: whose steps suffice."),
    notice_days: int = typer.Option(
        0, help="A party may leave what is in force by a notice of so many days; 0: only all together end it."
    ),
    name: str = typer.Option("", help="Name for people."),
    as_json: bool = JSON,
) -> None:
    """Open an agreement; only a founder does.

    Example: moonpost ledger agree station.db data-centre --key cnsa --parties cnsa,roscosmos
    """
    body: dict[str, Any] = {
        "id": agreement, "name": name, "parties": parties.split(","), "requires": requires.split(","), "rule": rule
    }  # fmt: skip
    if notice_days:
        body |= {"leaving": "notice", "notice_days": notice_days}
    write(place, key, "agreement", body, as_json)


def step(
    place: str = PLACE,
    agreement: str = _AGREEMENT,
    state: str = typer.Argument(help="draft, signed, ratified or in-force."),
    key: Path = KEY,
    date: str = _DATE,
    source: str = _SOURCE,
    text: str = _TEXT,
    as_json: bool = JSON,
) -> None:
    """Take a step of your own in an agreement; nobody takes it for you.

    Example: moonpost ledger step station.db memorandum signed --key cnsa --date 2021-03-09 --source CNSA
    """
    body = {"agreement": agreement, "state": state, "date": date, "source": source, "text": text}
    write(place, key, "step", body, as_json)


def act(
    place: str = PLACE,
    agreement: str = _AGREEMENT,
    key: Path = KEY,
    date: str = _DATE,
    source: str = _SOURCE,
    text: str = typer.Option(..., "--text", help="What the act was."),
    as_json: bool = JSON,
) -> None:
    """Record an act that reaches no further state, such as a bill that is submitted.

    Example: moonpost ledger act station.db intergovernmental-agreement --key roscosmos --date 2024-05-28 --source Duma --text "adopted by the State Duma"
    """  # noqa: E501
    body = {"agreement": agreement, "date": date, "source": source, "text": text}
    write(place, key, "act", body, as_json)


def retract(
    place: str = PLACE,
    agreement: str = _AGREEMENT,
    state: str = typer.Argument(help="The step that is taken back."),
    key: Path = KEY,
    date: str = _DATE,
    source: str = _SOURCE,
    as_json: bool = JSON,
) -> None:
    """Take back your own step: before the agreement is in force, or by notice where it allows one.

    Example: moonpost ledger retract station.db data-centre signed --key cnsa --date 2027-01-01 --source letter
    """
    body = {"agreement": agreement, "state": state, "date": date, "source": source}
    write(place, key, "retract", body, as_json)


def propose(
    place: str = PLACE,
    change: str = _CHANGE,
    key: Path = KEY,
    title: str = typer.Option(..., help="What it is, for people."),
    touch: list[str] = typer.Option([], help="A place that it touches, such as elements[reactor]; repeat it."),
    before: str = typer.Option("", "--from", help="The plan as agreed."),
    after: str = typer.Option("", "--to", help="The plan as wanted: places and values are taken from the two."),
    repeals: str = typer.Option(
        "", help="A change in force that it undoes; all who consented to that must consent."
    ),
    ends: str = typer.Option("", help="An agreement that it ends; all of its parties must consent."),
    as_json: bool = JSON,
) -> None:
    """Ask for a change of elements and missions; it is in force once all whom it touches consent.

    Example: moonpost ledger propose station.db heavier --key cnsa --title "Heavier reactor" --from ilrs --to wanted.toml
    """  # noqa: E501
    body: dict[str, Any] = {"change": change, "title": title, "touches": list(touch)}
    if bool(before) != bool(after):
        raise InputError("come together", where="--from, --to", advice="name both plans, or neither")
    if before:
        from moonpost.partners.ledger import change_request
        from moonpost.plan import load_plan

        found = change_request(load_plan(before), load_plan(after), change, title)
        body = {**found, "touches": list(dict.fromkeys((*found["touches"], *touch)))}
    if repeals:
        body |= {"repeals": repeals, "touches": _touched_before(place, repeals, body["touches"])}
    if ends:
        body |= {"ends": ends, "touches": list(dict.fromkeys((*body["touches"], f"agreements[{ends}]")))}
    write(place, key, "propose", body, as_json)


def _touched_before(place: str, change: str, touches: list[str]) -> list[str]:
    """The places that a change touched, besides those named."""
    from moonpost.partners.ledger import Ledger

    with Ledger.open(place) as ledger:
        found = ledger.state().changes.get(change)
    old = found.body.get("touches", []) if found is not None else []
    return list(dict.fromkeys((*touches, *old)))


def consent(place: str = PLACE, change: str = _CHANGE, key: Path = KEY, as_json: bool = JSON) -> None:
    """Consent to a change, for your own party; the last consent brings it into force.

    Example: moonpost ledger consent station.db heavier --key cnsa
    """
    write(place, key, "consent", {"change": change}, as_json)


def refuse(place: str = PLACE, change: str = _CHANGE, key: Path = KEY, as_json: bool = JSON) -> None:
    """Refuse a change, for your own party; you may still consent later.

    Example: moonpost ledger refuse station.db heavier --key cnsa
    """
    write(place, key, "refuse", {"change": change}, as_json)


def withdraw(place: str = PLACE, change: str = _CHANGE, key: Path = KEY, as_json: bool = JSON) -> None:
    """Take back a change that you proposed and that is not in force.

    Example: moonpost ledger withdraw station.db heavier --key cnsa
    """
    write(place, key, "withdraw", {"change": change}, as_json)


def join(
    place: str = PLACE,
    party: str = typer.Argument(help="Identifier of the new party."),
    key: Path = KEY,
    change: str = typer.Option(..., help="Name of the request that all founders consent to."),
    role: str = typer.Option("member", help="member or founder."),
    keys: Path = typer.Option(None, "--keys", help="Folder for its key; $MOONPOST_KEYS, else ~/.moonpost/keys."),
    as_json: bool = JSON,
) -> None:
    """Ask that a new party may sign; it makes the party's key, and all founders have to consent.

    Example: moonpost ledger join station.db serbia --key cnsa --change serbia-joins
    """
    from moonpost.partners.ledger import Ledger, key_folder, new_key, proof_message, save_key

    folder = keys or key_folder()
    refuse_repository(folder)
    fresh = new_key(party)
    with Ledger.open(place) as ledger:
        state = ledger.state()
        if party in state.roles:
            raise InputError(
                f"{party} is a party already", where="PARTY", advice="use moonpost ledger replace-key"
            )
        body = {
            "change": change, "party": party, "role": role, "public": fresh.public,
            "proof": fresh.sign(proof_message(state.ledger, party, fresh.public)),
        }  # fmt: skip
        by = signer(key, state)
        path = save_key(fresh, folder)
        entry = ledger.append(by, "propose-key", body)
    value = {"entry": entry.entry, "party": party, "key": str(path)}
    emit(value, as_json, lambda: f"entry {entry.entry}; {path} may sign once all founders consent to {change}")


def replay(
    place: str = PLACE,
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    keys: Path = typer.Option(None, "--keys", help="Folder of keys; $MOONPOST_KEYS, else ~/.moonpost/keys."),
    as_json: bool = JSON,
) -> None:
    """Write the dated steps of a plan's agreements, each signed by the party that took it.

    Parties whose key is not in the folder are told, and write their own steps elsewhere.

    Example: moonpost ledger replay station.db ilrs
    """
    from moonpost.partners.ledger import Ledger, key_folder, replay_agreements
    from moonpost.plan import load_plan

    found = load_plan(plan)
    with Ledger.open(place) as ledger:
        held = {
            party: key
            for identifier, (party, _) in ledger.state().keys.items()
            if (key := _held(keys or key_folder(), party, identifier)) is not None
        }
        done = replay_agreements(ledger, found, held)
    written = [
        {"entry": e.entry, "kind": e.kind, "party": e.party, **{k: e.body.get(k, "") for k in _TOLD}}
        for e in done.entries
    ]
    value = {"written": written, "there": done.there, "waiting": done.waiting}
    rows = [[row["date"], row["party"], row["agreement"], row["state"] or row["text"]] for row in written]
    text = table(["date", "party", "agreement", "step"], rows) if rows else "nothing to write"
    if done.waiting:
        lacking = ", ".join(sorted({row.party for row in done.waiting}))
        text += f"\n\n{len(done.waiting)} steps wait for the keys of {lacking}"
    emit(value, as_json, lambda: text)


_TOLD = ("date", "agreement", "state", "text")


def _held(folder: Path, party: str, identifier: str) -> PartyKey | None:
    """The key of a party in a folder, if it is there."""
    from moonpost.partners.ledger import key_id, load_key

    path = folder / f"{party}-{identifier}.pem"
    if not path.is_file():
        return None
    key = load_key(path, party)
    if key_id(key.public) != identifier:
        raise DataError("holds another key than its name says", where=str(path), advice="restore the right file")
    return key
