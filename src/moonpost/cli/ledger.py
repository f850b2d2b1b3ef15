"""``moonpost ledger``: begin, write, check, export and import the partners' ledger."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli import ledgercopies, ledgerstate, ledgerwrite
from moonpost.cli.ledgerwrite import KEY, PLACE, refuse_repository, signer, write
from moonpost.cli.output import JSON, emit, table
from moonpost.errors import DataError, InputError

if TYPE_CHECKING:
    from moonpost.partners.ledger import PartyKey
    from moonpost.plan import Plan

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The partners' ledger: signed entries that any partner can check alone.",
)
_TRUST = typer.Option(None, "--trust", help="Pinned beginning and keys, as 'ledger init' wrote them.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    for part in (ledgerwrite, ledgerstate, ledgercopies):
        part.register(_app)
    app.add_typer(_app, name="ledger")


@_app.command("init")
def init(
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    place: str = PLACE,
    keys: Path = typer.Option(None, "--keys", help="Folder of keys; $MOONPOST_KEYS, else ~/.moonpost/keys."),
    public: list[str] = typer.Option(
        [], help="PARTY=HEX: public key of a partner whose key is elsewhere; repeat."
    ),
    trust: Path = typer.Option(None, "--trust", help="Where to pin beginning and keys; in the folder of keys."),
    rule: list[str] = typer.Option(
        [], help="AGREEMENT=majority or =founders: who brings it into force; the plan's rule if not given. Repeat."
    ),
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
    rules = dict(_pair(text, "--rule", "intergovernmental-agreement=founders") for text in rule)
    held, made = _held_keys(found, folder, given)
    with Ledger.begin(place, found, held, public=given, rules=rules) as ledger:
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
    head = f"ledger {genesis.ledger} begun in {ledger.place}; pinned in {pinned}"
    rows = [[party, str(path)] for party, path in made.items()]
    emit(value, as_json, lambda: f"{head}\n\n{table(['party', 'key'], rows)}")


def _keep_apart(folder: Path, plan: Plan) -> None:
    """Refuse to keep keys beside a plan or in a repository."""
    place = folder.resolve()
    if plan.located_path is not None and place == plan.located_path.resolve().parent:
        raise InputError("is the plan's folder", where=str(folder), advice="keep keys elsewhere: --keys FOLDER")
    refuse_repository(folder)


def _named(text: str) -> tuple[str, str]:
    """Party and public key of ``PARTY=HEX``."""
    from moonpost.partners.ledger import key_id

    party, public = _pair(text, "--public", "cnsa=0123...")
    key_id(public)
    return party, public


def _pair(text: str, where: str, example: str) -> tuple[str, str]:
    """The two sides of ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise InputError(f"{text!r} is not NAME=VALUE", where=where, advice=f"write {example}")
    return name, value


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
    seen = [read_checkpoint(path) for path in checkpoint]
    found = verify_ledger(
        place, trust=pinned, checkpoints=seen, progress=_counted if sys.stderr.isatty() else None
    )
    rows = [[fault.entry, fault.kind, fault.text] for fault in found.faults]
    emit(
        found.to_dict(),
        as_json,
        lambda: (
            table(["entry", "kind", "what"], rows)
            if rows
            else f"{found.entries} entries, nothing wrong; the last has the hash {found.head}"
            + _unheld(trust, checkpoint)
        ),
    )
    if not found.sound:
        raise typer.Exit(1)


def _counted(number: int) -> None:
    """Tell on a terminal how far the check is."""
    typer.echo(f"\r{number:,} entries checked", err=True, nl=False)


def _unheld(trust: Path | None, checkpoints: list[Path]) -> str:
    """What a sound ledger was not held against."""
    lacks = ["a pinned beginning (--trust)"] if trust is None else []
    if not checkpoints:
        lacks.append("a partner's checkpoint (--checkpoint)")
    return f"\nnot held against {' or '.join(lacks)}" if lacks else ""


@_app.command("export")
def export(
    place: str = PLACE,
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
    place: str = PLACE,
    trust: Path | None = _TRUST,
) -> None:
    """Make a ledger from exported JSON lines, if nothing is wrong with them.

    Example: moonpost ledger import station.jsonl copy.db
    """
    from moonpost.partners.ledger import import_ledger, read_trust
    from moonpost.partners.ledger.stores import place_text

    count = import_ledger(path, place, trust=read_trust(trust) if trust else None)
    typer.echo(f"{count} entries imported into {place_text(place)}", err=True)


@_app.command("add")
def add(
    place: str = PLACE,
    kind: str = typer.Argument(help="record, or any other kind; most have a command of their own."),
    key: Path = KEY,
    field: list[str] = typer.Option([], help="NAME=VALUE of the entry; repeat it. A list is written with commas."),
    body: str = typer.Option("", help="Instead of fields: the entry's body as JSON."),
    as_json: bool = JSON,
) -> None:
    """Write an entry, if the rules allow it; what the rules refuse is not written.

    step: agreement, state, date, source. propose: change, title, touches. consent, refuse, withdraw: change.
    record: topic, data.

    Example: moonpost ledger add station.db record --key cnsa --field topic=note --field data=begun
    """
    write(place, key, kind, _body(field, body), as_json)


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
    place: str = PLACE,
    key: Path = KEY,
    party: str = typer.Option("", help="Party that lost its key; your own if not given."),
    change: str = typer.Option("", help="Name of the request that the others consent to, for a lost key."),
    keys: Path = typer.Option(
        None, "--keys", help="Folder for the new key; $MOONPOST_KEYS, else ~/.moonpost/keys."
    ),
    as_json: bool = JSON,
) -> None:
    """Replace a key: your own at once, a lost one once more than half of the other parties consent.

    Example: moonpost ledger replace-key station.db --key roscosmos --party cnsa --change key-2
    """
    from moonpost.partners.ledger import Ledger, key_folder, new_key, proof_message, save_key

    folder = keys or key_folder()
    refuse_repository(folder)
    with Ledger.open(place) as ledger:
        state = ledger.state()
        by = signer(key, state)
        who = party or by.party
        if who != by.party and not change:
            raise InputError("is missing", where="--change", advice="name the request, such as --change key-2")
        fresh = new_key(who)
        if who not in state.roles:
            raise InputError(f"{who} is no party", where="--party", advice=f"use one of {', '.join(state.roles)}")
        body = {"public": fresh.public, "proof": fresh.sign(proof_message(state.ledger, who, fresh.public))}
        path = save_key(fresh, folder)
        if who == by.party:
            entry = ledger.append(by, "rotate-key", body)
        else:
            entry = ledger.append(by, "propose-key", {**body, "party": who, "change": change})
    value = {"entry": entry.entry, "party": who, "key": str(path)}
    emit(value, as_json, lambda: f"entry {entry.entry}; the new key of {who} is {path}")


@_app.command("checkpoint")
def checkpoint(
    place: str = PLACE,
    key: Path = KEY,
    out: Path = typer.Option(..., "--out", help="JSON file to give to the other partners."),
) -> None:
    """Sign what you have seen, so that nothing of it can be cut off or replaced unnoticed.

    Example: moonpost ledger checkpoint station.db --key roscosmos --out roscosmos.json
    """
    from moonpost.partners.ledger import sign_checkpoint, verify_ledger
    from moonpost.partners.ledger.stores import place_text

    found = verify_ledger(place)
    if not found.sound:
        fault = found.faults[0]
        raise DataError(
            f"entry {fault.entry}: {fault.text}", where=place_text(place), advice="run moonpost ledger verify"
        )
    by = signer(key, found.state)
    point = sign_checkpoint(by, found.state.ledger, found.entries - 1, found.head)
    if found.state.keys.get(point.key, ("", ""))[0] != by.party:
        raise InputError(f"is not the key of {by.party} on record", where=str(key), advice="use the current key")
    point.save(out)
    typer.echo(f"{by.party} has seen {found.entries} entries: {out}", err=True)
