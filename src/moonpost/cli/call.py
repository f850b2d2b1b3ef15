"""``moonpost call``: calls for guest payloads, from the letters of intent to the allocation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from moonpost.partners.calls import CallState
    from moonpost.partners.records import Record

__all__ = ["register"]

_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Calls for guest payloads: letters, screening, reviews, selection, allocation.",
)
PLACE = typer.Argument(metavar="RECORD", help="File of JSON lines, or a ledger (SQLite file or PostgreSQL URL).")
CALL = typer.Option("", "--call", help="Identifier of the call; not needed where the record has one only.")
KEY = typer.Option(None, "--key", help="Your key (PEM file); needed where the record is a ledger.")
DATE = typer.Option(..., "--date", help="Date of the step, UTC.")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    from moonpost.cli import callreview, callscreen

    callscreen.register(_app)
    callreview.register(_app)
    app.add_typer(_app, name="call")


def write(place: str, actions: list[dict[str, Any]], key: Path | None) -> None:
    """Keep steps of a call."""
    from moonpost.partners.records import write_steps

    write_steps(place, "call", actions, key=_key(key))


def _key(path: Path | None) -> Any:
    from moonpost.partners.ledger import load_key

    return None if path is None else load_key(path)


def read(place: str, call: str) -> tuple[Record, CallState]:
    """A record and the call that is meant."""
    from moonpost.partners.records import read_record

    record = read_record(place)
    states = record.calls.states
    if call and call not in states:
        raise UnknownNameError(call, states, kind="call", where=place)
    if not call and len(states) != 1:
        told = f"holds the calls {', '.join(states)}" if states else "holds no call"
        raise InputError(told, where=place, advice="name one with --call, or open one: moonpost call open")
    return record, states[call or next(iter(states))]


def step(place: str, state: CallState, action: dict[str, Any], key: Path | None) -> None:
    """Keep one step of a call."""
    write(place, [{"call": state.terms.id, **action}], key)


@_app.command("open")
def open_(
    place: str = PLACE,
    plan: str = typer.Argument(help="A bundled plan or the path of a TOML file."),
    call: str = typer.Argument(help="Identifier of the call in the plan's table calls."),
    short_list: int = typer.Option(None, help="Most on the short list; the plan's if not given."),
    choose: int = typer.Option(None, help="Most that are chosen; the plan's if not given."),
    reviews: int = typer.Option(3, "--reviews", help="Reviews that each needs before it can be chosen."),
    each_country: int = typer.Option(None, help="Most that are chosen from one country."),
    criterion: list[str] = typer.Option([], help="NAME=WEIGHT of what reviewers score; repeat it."),
    conflict: list[str] = typer.Option([], help="A further conflict of interest that holds: country, rival."),
    power_total_w: float = typer.Option(None, help="Power offered to all in light [W]."),
    night_total_w: float = typer.Option(None, help="Power offered to all in the dark [W]."),
    key: Path = KEY,
    as_json: bool = JSON,
) -> None:
    """Open a call of the plan in a record: dates, masses and limits are the plan's.

    Example: moonpost call open ce8.jsonl ilrs ce8-call --conflict country
    """
    from moonpost.partners.callterms import call_terms
    from moonpost.partners.reviews import ALWAYS
    from moonpost.plan import load_plan

    named = {
        "short_list": short_list, "choose": choose, "each_country": each_country,
        "power_total_w": power_total_w, "night_total_w": night_total_w,
    }  # fmt: skip
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if criterion:
        changes["criteria"] = {name: _count(weight, "--criterion") for name, weight in _pairs(criterion)}
    terms = call_terms(
        load_plan(plan),
        call,
        least_reviews=reviews,
        conflicts=tuple(dict.fromkeys((*ALWAYS, *conflict))),
        **changes,
    )
    write(place, [{"do": "open", "call": call, "terms": terms.to_record()}], key)
    emit(
        terms.to_record(),
        as_json,
        lambda: f"{call} opened {terms.opened}, letters due {terms.letters_due or 'any time'}: {place}",
    )


def _pairs(texts: list[str], option: str = "--criterion") -> list[tuple[str, str]]:
    """Names and values of ``NAME=VALUE``."""
    parts = [text.partition("=") for text in texts]
    if not all(name and sign and value for name, sign, value in parts):
        raise InputError("is not NAME=VALUE", where=option, advice="write such as science=2")
    names = [name for name, _, _ in parts]
    if len(set(names)) < len(names):
        raise InputError("names one criterion twice", where=option, advice="give each once")
    return [(name, value) for name, _, value in parts]


def _count(text: str, option: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InputError(f"{text!r} is no whole number", where=option, advice="write such as science=2")
    return int(text)


@_app.command("letter")
def letter(
    place: str = PLACE,
    path: Path = typer.Argument(metavar="FILE", help="TOML with a table [[proposals]] for each proposal."),
    received: str = typer.Option("", help="When those came that name no date themselves, UTC."),
    call: str = CALL,
    key: Path = KEY,
    as_json: bool = JSON,
) -> None:
    """Take letters of intent; those that come too early, too late or twice are refused and named.

    Exit code 1 if any was refused; the others are kept.

    Example: moonpost call letter ce8.jsonl proposals.toml --received 2023-12-30
    """
    from moonpost.partners.calls import Calls
    from moonpost.partners.proposals import read_letters

    _, state = read(place, call)
    trial = Calls({state.terms.id: state})
    kept: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for row in read_letters(path, received or None):
        action: dict[str, Any] = {"do": "letter", "call": state.terms.id, "received": row.received}
        action["proposal"] = row.proposal.to_record()
        why = trial.apply(action)
        if why:
            refused.append({"proposal": row.proposal.id, "why": why})
        else:
            kept.append(action)
    if kept:
        write(place, kept, key)
    value = {"call": state.terms.id, "taken": [row["proposal"]["id"] for row in kept], "refused": refused}
    rows = [[row["proposal"], row["why"]] for row in refused]
    emit(
        value,
        as_json,
        lambda: (
            f"{len(kept)} letters taken, {len(refused)} refused"
            + (f"\n{table(['refused', 'why'], rows)}" if rows else "")
        ),
    )
    if refused:
        raise typer.Exit(1)


@_app.command("withdraw")
def withdraw(
    place: str = PLACE,
    proposal: str = typer.Argument(help="Identifier of the proposal."),
    date: str = DATE,
    call: str = CALL,
    key: Path = KEY,
) -> None:
    """Take a proposal back; what it had is free again.

    Example: moonpost call withdraw ce8.jsonl p07 --date 2024-10-01
    """
    _, state = read(place, call)
    step(place, state, {"do": "withdraw", "proposal": proposal, "date": date}, key)
    typer.echo(f"{proposal} withdrawn")


@_app.command("show")
def show(
    place: str = PLACE,
    call: str = CALL,
    plot: Path = typer.Option(None, help="Picture of scores and masses: .png, .svg, .pdf."),
    as_json: bool = JSON,
) -> None:
    """Tell where a call and each of its proposals stand.

    Example: moonpost call show ce8.jsonl --plot ce8.png
    """
    from moonpost.cli.callscreen import check_plot, draw

    check_plot(plot)
    _, state = read(place, call)
    if plot is not None:
        draw(state, plot)
    ranks = {row.proposal: row for row in state.ranking()}
    rows = []
    for name, came in state.letters.items():
        found, rank, given = state.screenings.get(name), ranks.get(name), state.allocations.get(name)
        rows.append(
            {
                "proposal": name,
                "title": came.proposal.title,
                "lead": came.proposal.lead.to_record(),
                "synthetic": came.proposal.synthetic,
                "received": came.received,
                "mass_kg": came.proposal.mass_kg,
                "standing": state.standing(name),
                "fits": found.fits if found else None,
                "decides": found.decides if found else None,
                "rank": rank.rank if rank else None,
                "score": float(rank.score) if rank else None,
                "reviews": rank.reviews if rank else 0,
                "allocated_kg": given.mass_kg if given else None,
            }
        )
    value = {
        "call": state.terms.id,
        "status": state.status,
        "terms": state.terms.to_record(),
        "proposals": rows,
        "short_list": state.short_list,
        "chosen": state.chosen,
        "selected": state.selected or None,
        "announced": state.announced or None,
    }
    head = ["proposal", "title", "mass (kg)", "rank", "standing", "decides"]
    text = [[row["proposal"], row["title"], row["mass_kg"], row["rank"], row["standing"], row["decides"] or "-"]
            for row in rows]  # fmt: skip
    emit(value, as_json, lambda: f"{state.terms.id}: {state.status}\n{table(head, text)}")


@_app.command("audit")
def audit(place: str = PLACE, as_json: bool = JSON) -> None:
    """Check a record and list every step; exit code 1 if a step was written past the rules.

    Told besides: departures from ranking and best set, what went on without being known, late dates.

    Example: moonpost call audit ce8.jsonl
    """
    from moonpost.partners.records import read_record

    record = read_record(place)
    findings = {name: list(state.findings()) for name, state in record.calls.states.items()}
    steps = [
        {"call": call, "step": do, "date": date or None, "about": about}
        for call, do, date, about in record.calls.log
    ]
    value = {"record": place, "steps": steps, "findings": findings, "faults": list(record.faults)}
    lines = [table(["call", "step", "date", "about"], [list(row.values()) for row in steps])]
    lines += [f"{name}: {text}" for name, rows in findings.items() for text in rows]
    lines += list(record.faults) or ["nothing was written past the rules"]
    emit(value, as_json, lambda: "\n".join(lines))
    if record.faults:
        raise typer.Exit(1)
