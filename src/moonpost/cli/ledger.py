"""``moonpost ledger``: begin, write, check, export and import the partners' ledger."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from moonpost.partners.ledger import LedgerState, PartyKey
    from moonpost.plan import Plan

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The partners' ledger: signed entries that any partner can check alone.",
)
_PLACE = typer.Argument(metavar="PATH-OR-URL", help="SQLite file, or postgresql://user@host:port/database.")
_KEY = typer.Option(..., "--key", help="Key of the party that writes: its PEM file.")
_TRUST = typer.Option(None, "--trust", help="Pinned beginning and keys, as 'ledger init' wrote them.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="ledger")


@_app.command("init")
def init(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    place: str = _PLACE,
    keys: Path = typer.Option(None, "--keys", help="Folder of keys; $MOONPOST_KEYS, else ~/.moonpost/keys."),
    public: list[str] = typer.Option(
        [], help="PARTY=HEX: public key of a partner whose key is elsewhere; repeat."
    ),
    trust: Path = typer.Option(None, "--trust", help="Where to pin beginning and keys; in the folder of keys."),
    as_json: bool = JSON,
) -> None:
    """Begin a ledger with a plan's partners, agreements and owners.

    A partner without a public key given here uses its key in the folder; where there is none, one is made.
    Keys never go into the ledger, the plan or their folders: move each to its party, and keep the pinned file.

    Example: moonpost ledger init ilrs station.db
    """
    from moonpost.partners.ledger import Ledger, Trust, key_folder
    from moonpost.plan import load_plan

    found = load_plan(plan)
    folder = keys or key_folder()
    _keep_apart(folder, found)
    given = dict(_named(text) for text in public)
    unknown = sorted(set(given) - {partner.id for partner in found.partners})
    if unknown:
        raise InputError(
            f"{', '.join(unknown)}: no partner of the plan", where="--public", advice="correct the name"
        )
    held, made = _held_keys(found, folder, given)
    with Ledger.begin(place, found, held, public=given) as ledger:
        genesis = next(ledger.entries())
        pinned = trust or folder / f"ledger-{genesis.ledger[:8]}.json"
        Trust.of(genesis).save(pinned)
        value = {
            "ledger": genesis.ledger,
            "place": ledger.place,
            "entries": 1,
            "genesis": genesis.hash,
            "trust": str(pinned),
            "keys": {party: str(path) for party, path in made.items()},
        }
    rows = [[party, str(path)] for party, path in made.items()]
    emit(
        value,
        as_json,
        lambda: f"ledger {genesis.ledger} begun in {place}; pinned in {pinned}\n\n{table(['party', 'key'], rows)}",
    )


def _keep_apart(folder: Path, plan: Plan) -> None:
    """Refuse to keep keys beside a plan or in a repository."""
    place = folder.resolve()
    if plan.located_path is not None and place == plan.located_path.resolve().parent:
        raise InputError("is the plan's folder", where=str(folder), advice="keep keys elsewhere: --keys FOLDER")
    if any((above / ".git").exists() for above in (place, *place.parents)):
        raise InputError("lies in a repository", where=str(folder), advice="keep keys elsewhere: --keys FOLDER")


def _named(text: str) -> tuple[str, str]:
    """Party and public key of ``PARTY=HEX``."""
    from moonpost.partners.ledger import key_id

    party, sign, public = text.partition("=")
    if not (party and sign):
        raise InputError(f"{text!r} is not PARTY=HEX", where="--public", advice="write cnsa=0123...")
    key_id(public)
    return party, public


def _held_keys(plan: Plan, folder: Path, given: dict[str, str]) -> tuple[dict[str, PartyKey], dict[str, Path]]:
    """Keys of the partners in a folder; missing ones are made."""
    from moonpost.partners.ledger import load_key, new_key, save_key

    held, paths = {}, {}
    for partner in plan.partners:
        if partner.id in given:
            continue
        there = sorted(
            path for path in folder.glob(f"{partner.id}-*.pem") if len(path.stem) == len(partner.id) + 17
        )
        if len(there) > 1:
            raise DataError(
                f"{len(there)} keys of {partner.id}",
                where=str(folder),
                advice="leave the one in use in this folder",
            )
        if there:
            held[partner.id], paths[partner.id] = load_key(there[0], partner.id), there[0]
        else:
            held[partner.id] = new_key(partner.id)
            paths[partner.id] = save_key(held[partner.id], folder)
    return held, paths


@_app.command("verify")
def verify(
    place: str = typer.Argument(metavar="PATH-OR-URL", help="SQLite file, PostgreSQL URL or exported JSON lines."),
    checkpoint: list[Path] = typer.Option([], help="A partner's signed checkpoint; repeat it for more."),
    trust: Path | None = _TRUST,
    as_json: bool = JSON,
) -> None:
    """Check every entry: text, chain, signatures, rules; exit code 1 if anything is wrong.

    Against a checkpoint it finds what was cut off or replaced; against the pinned file another beginning.

    Example: moonpost ledger verify station.db --checkpoint roscosmos.json
    """
    from moonpost.partners.ledger import read_checkpoint, read_trust, verify_ledger

    pinned = read_trust(trust) if trust else None
    found = verify_ledger(place, trust=pinned, checkpoints=[read_checkpoint(path) for path in checkpoint])
    rows = [[fault.entry, fault.kind, fault.text] for fault in found.faults]
    emit(
        found.to_dict(),
        as_json,
        lambda: (
            table(["entry", "kind", "what"], rows)
            if rows
            else f"{found.entries} entries, nothing wrong; the last has the hash {found.head}"
        ),
    )
    if not found.sound:
        raise typer.Exit(1)


@_app.command("export")
def export(
    place: str = _PLACE,
    path: str = typer.Argument("-", metavar="[FILE]", help="File of JSON lines; the output if not given."),
) -> None:
    """Write all entries as canonical JSON lines (RFC 8785).

    Example: moonpost ledger export station.db station.jsonl
    """
    from moonpost.partners.ledger import Ledger

    with Ledger.open(place) as ledger:
        if path != "-":
            count = ledger.export(path)
            typer.echo(f"{count} entries written to {path}", err=True)
            return
        for line in ledger.lines():
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()


@_app.command("import")
def import_(
    path: Path = typer.Argument(metavar="FILE", help="Exported JSON lines."),
    place: str = _PLACE,
    trust: Path | None = _TRUST,
) -> None:
    """Make a ledger from exported JSON lines, if nothing is wrong with them.

    Example: moonpost ledger import station.jsonl copy.db
    """
    from moonpost.partners.ledger import import_ledger, read_trust

    count = import_ledger(path, place, trust=read_trust(trust) if trust else None)
    typer.echo(f"{count} entries imported into {place}", err=True)


@_app.command("show")
def show(place: str = _PLACE, as_json: bool = JSON) -> None:
    """Tell where agreements and changes stand.

    Example: moonpost ledger show station.db
    """
    from moonpost.partners.ledger import Ledger

    with Ledger.open(place) as ledger:
        state = ledger.state()
    emit(_standing(state), as_json, lambda: _standing_text(state))


def _standing(state: LedgerState) -> dict[str, Any]:
    return {
        "ledger": state.ledger,
        "plan": state.plan,
        "parties": state.roles,
        "agreements": {
            name: {
                "in_force": row.in_force(state.founders),
                "rule": row.rule,
                "missing": {party: list(row.missing(party)) for party in row.parties if row.missing(party)},
            }
            for name, row in state.agreements.items()
        },
        "changes": {
            name: {
                "title": row.body.get("title", "key"),
                "status": row.status,
                "consents": sorted(row.consents),
                "refusals": sorted(row.refusals),
                "waiting": list(row.waiting),
            }
            for name, row in state.changes.items()
        },
    }


def _standing_text(state: LedgerState) -> str:
    found = _standing(state)
    agreements = [
        [name, row["in_force"], "; ".join(f"{p}: {', '.join(m)}" for p, m in row["missing"].items()) or "-"]
        for name, row in found["agreements"].items()
    ]
    changes = [
        [name, row["title"], row["status"], ", ".join(row["consents"]) or "-", ", ".join(row["waiting"]) or "-"]
        for name, row in found["changes"].items()
    ]
    return "\n\n".join(
        [
            table(["agreement", "in force", "missing"], agreements),
            table(["change", "title", "status", "consents", "waits for"], changes),
        ]
    )


@_app.command("add")
def add(
    place: str = _PLACE,
    kind: str = typer.Argument(help="step, propose, consent, refuse, withdraw, record, agreement."),
    key: Path = _KEY,
    field: list[str] = typer.Option([], help="NAME=VALUE of the entry; repeat it. A list is written with commas."),
    body: str = typer.Option("", help="Instead of fields: the entry's body as JSON."),
    as_json: bool = JSON,
) -> None:
    """Write an entry, if the rules allow it; what the rules refuse is not written.

    step: agreement, state, date, source. propose: change, title, touches. consent, refuse, withdraw: change.
    record: topic, data.

    Example: moonpost ledger add station.db consent --key cnsa-0a1b2c3d.pem --field change=mast-20m
    """
    from moonpost.partners.ledger import Ledger, load_key

    with Ledger.open(place) as ledger:
        entry = ledger.append(load_key(key), kind, _body(field, body))
    value = {"entry": entry.entry, "hash": entry.hash, "kind": entry.kind, "party": entry.party}
    emit(value, as_json, lambda: f"entry {entry.entry} ({kind}) by {entry.party}")


def _body(fields: list[str], text: str) -> dict[str, Any]:
    """The body from its fields or from JSON."""
    if text:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InputError(
                f"is not JSON: {error}", where="--body", advice='write {"change": "mast-20m"}'
            ) from error
        if not isinstance(found, dict):
            raise InputError("is no table", where="--body", advice='write {"change": "mast-20m"}')
        return found
    pairs = [item.partition("=") for item in fields]
    if not pairs or not all(name and sign for name, sign, _ in pairs):
        raise InputError("is not NAME=VALUE", where="--field", advice="write --field change=mast-20m")
    lists = {"touches", "parties", "requires"}
    return {name: value.split(",") if name in lists else value for name, _, value in pairs}


@_app.command("replace-key")
def replace_key(
    place: str = _PLACE,
    key: Path = _KEY,
    party: str = typer.Option("", help="Party that lost its key; your own if not given."),
    change: str = typer.Option("", help="Name of the request that the others consent to, for a lost key."),
    keys: Path = typer.Option(
        None, "--keys", help="Folder for the new key; $MOONPOST_KEYS, else ~/.moonpost/keys."
    ),
    as_json: bool = JSON,
) -> None:
    """Replace a key: your own at once, a lost one once more than half of the other parties consent.

    Example: moonpost ledger replace-key station.db --key roscosmos-0a1b2c3d.pem --party cnsa --change key-2
    """
    from moonpost.partners.ledger import Ledger, key_folder, load_key, new_key, proof_message, save_key

    signer = load_key(key)
    who = party or signer.party
    if who != signer.party and not change:
        raise InputError("is missing", where="--change", advice="name the request, such as --change key-2")
    fresh = new_key(who)
    with Ledger.open(place) as ledger:
        state = ledger.state()
        if who not in state.roles:
            raise InputError(f"{who} is no party", where="--party", advice=f"use one of {', '.join(state.roles)}")
        body = {"public": fresh.public, "proof": fresh.sign(proof_message(state.ledger, who, fresh.public))}
        path = save_key(fresh, keys or key_folder())
        if who == signer.party:
            entry = ledger.append(signer, "rotate-key", body)
        else:
            entry = ledger.append(signer, "propose-key", {**body, "party": who, "change": change})
    value = {"entry": entry.entry, "party": who, "key": str(path)}
    emit(value, as_json, lambda: f"entry {entry.entry}; the new key of {who} is {path}")


@_app.command("checkpoint")
def checkpoint(
    place: str = _PLACE,
    key: Path = _KEY,
    out: Path = typer.Option(..., "--out", help="JSON file to give to the other partners."),
) -> None:
    """Sign what you have seen, so that nothing of it can be cut off or replaced unnoticed.

    Example: moonpost ledger checkpoint station.db --key roscosmos-0a1b2c3d.pem --out roscosmos.json
    """
    from moonpost.partners.ledger import load_key, sign_checkpoint, verify_ledger

    found = verify_ledger(place)
    if not found.sound:
        fault = found.faults[0]
        raise DataError(f"entry {fault.entry}: {fault.text}", where=place, advice="run moonpost ledger verify")
    signer = load_key(key)
    point = sign_checkpoint(signer, found.state.ledger, found.entries - 1, found.head)
    if found.state.keys.get(point.key, ("", ""))[0] != signer.party:
        raise InputError(
            f"is not the key of {signer.party} on record", where=str(key), advice="use the current key"
        )
    point.save(out)
    typer.echo(f"{signer.party} has seen {found.entries} entries: {out}", err=True)
