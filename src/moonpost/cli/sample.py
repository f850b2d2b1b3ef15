"""``moonpost sample``: lunar samples in custody, received, split, moved, lent and returned to the milligram."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError, UnknownNameError

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Samples in custody: received, split, moved, lent, returned; requests and agreements.",
)
_PLACE = typer.Argument(metavar="RECORD", help="File of JSON lines, or a ledger (SQLite file or PostgreSQL URL).")
_SAMPLE = typer.Argument(help="Identifier of the piece.")
_REQUEST = typer.Argument(help="Identifier of the request.")
_KEY = typer.Option(None, "--key", help="Your key (PEM file); needed where the record is a ledger.")
_DATE = typer.Option("", "--date", help="Date of the action, UTC.")
_WHEN = typer.Option(..., "--date", help="Date of the action, UTC.")
_MASS = typer.Option(..., "--mass-g", help="Mass in whole milligrams [g].")
_PERSON = ("name", "institute", "country")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(_app, name="sample")


def _write(place: str, action: dict[str, Any], key: Path | None, done: str) -> None:
    from moonpost.partners.ledger import load_key
    from moonpost.partners.records import write_steps

    free = {"date", "purpose", "holidays"} | ({"request"} if action["do"] == "lend" else set())
    row = {name: value for name, value in action.items() if value not in ("", []) or name not in free}
    write_steps(place, "sample", [row], key=None if key is None else load_key(key))
    typer.echo(done)


def _mg(text: str, least: int = 1) -> int:
    """Whole milligrams of a mass in grams."""
    from moonpost.partners.samples import milligrams

    return 0 if least == 0 and text.strip("0.") == "" else milligrams(text)


def _grams(mass_mg: int) -> str:
    return f"{mass_mg // 1000}.{mass_mg % 1000:03d}"


@_app.command("receive")
def receive(
    place: str = _PLACE,
    sample: str = typer.Argument(help="Identifier of the sample."),
    mass_g: str = _MASS,
    store: str = typer.Option(..., help="Where it is kept."),
    use: str = typer.Option("permanent", help="permanent, backup, research or public."),
    date: str = _DATE,
    key: Path = _KEY,
) -> None:
    """Take a sample in; the record is begun where there is none.

    Example: moonpost sample receive samples.jsonl ce5 --mass-g 1731 --store beijing --date 2020-12-19
    """
    mass_mg = _mg(mass_g)
    row = {"do": "receive", "sample": sample, "mass_mg": mass_mg, "store": store, "use": use, "date": date}
    _write(place, row, key, f"{sample}: {_grams(mass_mg)} g in {store}")


@_app.command("split")
def split(
    place: str = _PLACE,
    sample: str = _SAMPLE,
    part: list[str] = typer.Option(..., help="ID=GRAMS, or ID=GRAMS:USE, or ID=GRAMS:USE:STORE; repeat it."),
    loss_g: str = typer.Option("0", help="Lost in cutting [g]."),
    date: str = _DATE,
    key: Path = _KEY,
) -> None:
    """Split a piece: the parts and the loss weigh as much as it did, to the milligram.

    Example: moonpost sample split samples.jsonl ce5 --part a=1500:permanent --part b=231:research:beijing
    """
    row: dict[str, Any] = {"do": "split", "sample": sample, "parts": [_part(text) for text in part], "date": date}
    row["loss_mg"] = _mg(loss_g, 0)
    _write(place, row, key, f"{sample} split into {len(part)}")


def _part(text: str) -> dict[str, Any]:
    name, sign, rest = text.partition("=")
    fields = rest.split(":", 2)
    if not (name and sign and fields[0]):
        raise InputError(f"{text!r}", where="--part", advice="write ID=GRAMS:USE:STORE, such as a=1.5:research")
    named = zip(("use", "store"), fields[1:], strict=False)
    return {"sample": name, "mass_mg": _mg(fields[0]), **{key: value for key, value in named if value}}


@_app.command("move")
def move(
    place: str = _PLACE,
    sample: str = _SAMPLE,
    store: str = typer.Option(..., help="Where it goes."),
    date: str = _DATE,
    key: Path = _KEY,
) -> None:
    """Move a piece to another store.

    Example: moonpost sample move samples.jsonl b --store shaoshan --date 2021-06-01
    """
    _write(place, {"do": "move", "sample": sample, "store": store, "date": date}, key, f"{sample} is in {store}")


@_app.command("request")
def request(
    place: str = _PLACE,
    name: str = _REQUEST,
    investigator: str = typer.Option(..., help="NAME;INSTITUTE;COUNTRY of who asks."),
    sample: str = typer.Option(..., help="Sample or piece that is asked for."),
    mass_g: str = _MASS,
    use: str = typer.Option("research", help="research or public."),
    purpose: str = typer.Option("", help="What for."),
    date: str = _WHEN,
    key: Path = _KEY,
) -> None:
    """Ask for a part of a sample.

    Example: moonpost sample request samples.jsonl q1 --investigator "A. Example;Academy;Utopia" --sample ce5 \
        --mass-g 0.4 --date 2022-03-01
    """
    row: dict[str, Any] = {
        "do": "request",
        "request": name,
        "investigator": _person(investigator, "--investigator"),
        "use": use,
    }
    row |= {"sample": sample, "mass_mg": _mg(mass_g), "purpose": purpose, "date": date}
    _write(place, row, key, f"request {name} made")


def _person(text: str, option: str) -> dict[str, str]:
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != len(_PERSON) or not all(parts):
        raise InputError(f"{text!r}", where=option, advice="write NAME;INSTITUTE;COUNTRY")
    return dict(zip(_PERSON, parts, strict=True))


@_app.command("review")
def review(
    place: str = _PLACE,
    name: str = _REQUEST,
    reviewer: str = typer.Option(..., help="NAME;INSTITUTE;COUNTRY of the expert."),
    verdict: str = typer.Option(..., help="approve or reject."),
    date: str = _WHEN,
    key: Path = _KEY,
) -> None:
    """Take an expert's verdict on a request; those of the asking institute are refused.

    Example: moonpost sample review samples.jsonl q1 --reviewer "B. Example;Institute;Utopia" --verdict approve \
        --date 2022-04-01
    """
    row = {"do": "review", "request": name, "reviewer": _person(reviewer, "--reviewer"), "verdict": verdict}
    _write(place, {**row, "date": date}, key, f"verdict on {name} taken")


@_app.command("grant")
def grant(
    place: str = _PLACE, name: str = _REQUEST, mass_g: str = _MASS, date: str = _WHEN, key: Path = _KEY
) -> None:
    """Grant a request that more experts approve than reject; the agreement follows in ten working days.

    Example: moonpost sample grant samples.jsonl q1 --mass-g 0.4 --date 2022-04-15
    """
    from moonpost.partners.samplerequests import agree_by

    row = {"do": "grant", "request": name, "mass_mg": _mg(mass_g), "date": date}
    _write(place, row, key, f"{name} granted; the agreement is due by {agree_by(date)}, holidays not counted")


@_app.command("turn-down")
def turn_down(place: str = _PLACE, name: str = _REQUEST, date: str = _WHEN, key: Path = _KEY) -> None:
    """Turn a request down.

    Example: moonpost sample turn-down samples.jsonl q1 --date 2022-04-15
    """
    _write(place, {"do": "turn-down", "request": name, "date": date}, key, f"{name} turned down")


@_app.command("agree")
def agree(
    place: str = _PLACE,
    name: str = _REQUEST,
    date: str = _WHEN,
    holiday: list[str] = typer.Option([], help="A day from Monday to Friday that is no working day; repeat it."),
    key: Path = _KEY,
) -> None:
    """Sign the agreement on a granted request, within ten working days.

    Example: moonpost sample agree samples.jsonl q1 --date 2022-04-29
    """
    row = {"do": "agree", "request": name, "date": date, "holidays": list(holiday)}
    _write(place, row, key, f"{name} agreed")


@_app.command("lend")
def lend(
    place: str = _PLACE,
    sample: str = _SAMPLE,
    borrower: str = typer.Option(..., help="Institute that borrows."),
    due: str = typer.Option(..., help="Date by which it is to be back, UTC."),
    request: str = typer.Option("", help="Request under which it is lent: it has to be granted and agreed."),
    date: str = _DATE,
    key: Path = _KEY,
) -> None:
    """Lend a piece that is kept for research or the public.

    Example: moonpost sample lend samples.jsonl b-1 --borrower Academy --request q1 --date 2022-05-10 \
        --due 2023-05-09
    """
    row = {"do": "lend", "sample": sample, "borrower": borrower, "due": due, "request": request, "date": date}
    _write(place, row, key, f"{sample} lent to {borrower} until {due}")


@_app.command("extend")
def extend(
    place: str = _PLACE,
    sample: str = _SAMPLE,
    due: str = typer.Option(..., help="New date by which it is to be back, UTC."),
    date: str = _DATE,
    key: Path = _KEY,
) -> None:
    """Let a borrower keep a piece longer.

    Example: moonpost sample extend samples.jsonl b-1 --due 2023-11-09
    """
    _write(place, {"do": "extend", "sample": sample, "due": due, "date": date}, key, f"{sample} lent until {due}")


@_app.command("return")
def return_(
    place: str = _PLACE,
    sample: str = _SAMPLE,
    mass_g: str = _MASS,
    consumed_g: str = typer.Option("0", help="Used up in research [g]."),
    loss_g: str = typer.Option("0", help="Lost [g]."),
    date: str = _DATE,
    key: Path = _KEY,
) -> None:
    """Take a lent piece back: what came, was used up and was lost weigh as much as what was lent.

    Example: moonpost sample return samples.jsonl b-1 --mass-g 0.3 --consumed-g 0.1 --date 2023-05-01
    """
    row = {"do": "return", "sample": sample, "mass_mg": _mg(mass_g, 0), "consumed_mg": _mg(consumed_g, 0)}
    _write(place, {**row, "loss_mg": _mg(loss_g, 0), "date": date}, key, f"{sample} is back")


@_app.command("list")
def list_(
    place: str = _PLACE,
    on: str = typer.Option("", "--on", help="Day for loans and agreements past their dates, UTC."),
    as_json: bool = JSON,
) -> None:
    """List all pieces with store, use, borrower and due date, and where every milligram is.

    Exit code 1 if the record holds steps that the rules do not allow.

    Example: moonpost sample list samples.jsonl --on 2023-06-01
    """
    from moonpost.partners.records import read_record

    record = read_record(place)
    book = record.custody
    findings = book.findings(on or None)
    value = {
        "received_mg": book.received_mg, "kept_mg": book.kept_mg, "lent_mg": book.lent_mg(),
        "consumed_mg": book.consumed_mg, "lost_mg": book.lost_mg, "residual_mg": book.residual_mg,
        "stores_mg": book.stores(), "pieces": book.to_rows(),
        "overdue": [piece.id for piece in book.overdue(on)] if on else [],
        "requests": [{"request": row.id, "state": row.state, "institute": row.investigator.institute,
                      "mass_mg": row.mass_mg, "granted_mg": row.granted_mg} for row in book.requests.values()],
        "findings": list(findings), "faults": list(record.faults),
    }  # fmt: skip
    rows = [[p["sample"], _grams(p["mass_mg"]), p["use"], p["store"], p["borrower"] or "-", p["due"] or "-"]
            for p in book.to_rows()]  # fmt: skip
    head = ["piece", "mass (g)", "use", "store", "lent to", "due"]
    sums = (
        f"{_grams(book.received_mg)} g received = {_grams(book.kept_mg)} g kept, of which "
        f"{_grams(book.lent_mg())} g lent, + {_grams(book.consumed_mg)} g used up + {_grams(book.lost_mg)} g lost"
    )
    emit(value, as_json, lambda: "\n".join([table(head, rows), sums, *findings, *record.faults]))
    if record.faults:
        raise typer.Exit(1)


@_app.command("trace")
def trace(place: str = _PLACE, sample: str = _SAMPLE, as_json: bool = JSON) -> None:
    """Tell every action on a piece and on what it was split from: its chain of custody.

    Example: moonpost sample trace samples.jsonl b-1
    """
    from moonpost.partners.records import read_record

    book = read_record(place).custody
    if not book.known(sample):
        raise UnknownNameError(sample, book._parents, kind="piece", where=place)
    rows = book.trace(sample)
    line = book.line_of(sample)
    text = [[row.get("date", "-"), row["do"], row["sample"], _about(row)] for row in rows]
    emit(
        {"sample": sample, "line": line, "actions": rows},
        as_json,
        lambda: f"{' < '.join(line)}\n{table(['date', 'action', 'piece', 'what'], text)}",
    )


def _about(row: dict[str, Any]) -> str:
    if row["do"] == "split":
        return f"{len(row['parts'])} parts"
    if row["do"] == "lend":
        return f"to {row['borrower']} until {row['due']}"
    if row["do"] in ("receive", "return"):
        return f"{_grams(row['mass_mg'])} g" + (f" in {row['store']}" if "store" in row else "")
    return f"until {row['due']}" if row["do"] == "extend" else f"to {row['store']}"


@_app.command("replay")
def replay(
    plan: str = typer.Argument("ilrs", help="A bundled plan or the path of a TOML file."),
    requests: Path = typer.Option(None, help="TOML with round, parts_mg, requests; the synthetic ones of 2022."),
    record: Path = typer.Option(None, help="Keep every step in this new file of JSON lines."),
    as_json: bool = JSON,
) -> None:
    """Replay the round of April 2022: 37 applications, 18 investigators, 11 institutes, 8.768 g.

    Example: moonpost sample replay ilrs --record samples.jsonl
    """
    from moonpost.partners.records import write_steps
    from moonpost.partners.sampleround import replay_round
    from moonpost.plan import load_plan

    if record is not None and record.exists():
        raise InputError("is there already", where=str(record), advice="name a new file")
    found = replay_round(load_plan(plan), requests)
    if record is not None:
        write_steps(record, "sample", found.actions)
    stores = "; ".join(f"{name} {_grams(mass)} g" for name, mass in found.custody.stores().items())
    lines = [
        f"{found.applications} applications, {found.investigators} investigators of {found.institutes} institutes",
        f"{_grams(found.lent_mg)} g lent of {_grams(found.custody.received_mg)} g; {stores}",
        *(f"refused: {what}: {why}" for what, why in found.refused),
    ]
    emit(found.to_dict(), as_json, lambda: "\n".join(lines))
