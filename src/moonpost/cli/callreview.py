"""``moonpost call``: reviewers, reviews, ranking, short list, selection, announcement, allocation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.output import JSON, emit, table
from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.partners.calls import CallState

__all__ = ["register"]

_PLACE = typer.Argument(metavar="RECORD", help="File of JSON lines, or a ledger (SQLite file or PostgreSQL URL).")
_CALL = typer.Option("", "--call", help="Identifier of the call; not needed where the record has one only.")
_KEY = typer.Option(None, "--key", help="Your key (PEM file); needed where the record is a ledger.")
_DATE = typer.Option(..., "--date", help="Date of the step, UTC.")
_NAMES = typer.Argument(None, metavar="[PROPOSAL]...", help="Identifiers of proposals.")


def register(app: typer.Typer) -> None:
    """Add the verbs to those of calls."""
    verbs = (reviewer, assign, review, rank, shortlist, select, announce, allocate)
    for verb in verbs:
        app.command(verb.__name__)(verb)


def _read(place: str, call: str) -> CallState:
    from moonpost.cli.call import read

    return read(place, call)[1]


def _step(place: str, state: CallState, action: dict[str, Any], key: Path | None) -> None:
    from moonpost.cli.call import step

    step(place, state, action, key)


def reviewer(
    place: str = _PLACE,
    name: str = typer.Argument(metavar="ID", help="Identifier of the reviewer."),
    person: str = typer.Option(..., "--name", help="The person's name, as in proposals."),
    institute: str = typer.Option(..., help="Where the person works."),
    country: str = typer.Option(..., help="Country of the institute."),
    call: str = _CALL,
    key: Path = _KEY,
) -> None:
    """Name someone who may review.

    Example: moonpost call reviewer ce8.jsonl r1 --name "A. Example" --institute Academy --country Utopia
    """
    state = _read(place, call)
    who = {"name": person, "institute": institute, "country": country}
    _step(place, state, {"do": "reviewer", "reviewer": name, "person": who}, key)
    typer.echo(f"{name} may review")


def assign(
    place: str = _PLACE,
    each: int = typer.Option(None, help="Reviews of each proposal; those that the call asks for if not given."),
    call: str = _CALL,
    as_json: bool = JSON,
) -> None:
    """Share out the reviews: nobody in conflict, the largest load as small as possible.

    Example: moonpost call assign ce8.jsonl --each 3
    """
    from moonpost.partners.reviews import assign_reviewers

    state = _read(place, call)
    able = [row for row in state.proposals if state.passed(row.id) and row.id not in state.withdrawn]
    count = state.terms.least_reviews if each is None else each
    found = assign_reviewers(
        able, state.reviewers, each=count, rules=state.terms.conflicts, everything=state.proposals
    )
    emit(
        found,
        as_json,
        lambda: table(["proposal", "reviewers"], [[name, ", ".join(who)] for name, who in found.items()]),
    )


def review(
    place: str = _PLACE,
    proposal: str = typer.Argument(help="Identifier of the proposal."),
    reviewer: str = typer.Option(..., help="Identifier of the reviewer."),
    score: list[str] = typer.Option(..., help="CRITERION=POINTS from 0 to 100; repeat it for each criterion."),
    date: str = _DATE,
    text: str = typer.Option("", help="What the reviewer says."),
    call: str = _CALL,
    key: Path = _KEY,
) -> None:
    """Take a review; a reviewer with a conflict of interest is refused.

    Example: moonpost call review ce8.jsonl p07 --reviewer r1 --score science=80 --score feasibility=70 \
        --score cooperation=90 --date 2024-03-01
    """
    from moonpost.cli.call import _count, _pairs

    state = _read(place, call)
    scores = {name: _count(points, "--score") for name, points in _pairs(score, "--score")}
    action = {"do": "review", "proposal": proposal, "reviewer": reviewer, "date": date, "scores": scores}
    _step(place, state, {**action, **({"text": text} if text else {})}, key)
    typer.echo(f"review of {proposal} by {reviewer} taken")


def rank(place: str = _PLACE, call: str = _CALL, as_json: bool = JSON) -> None:
    """Rank proposals by the mean of their reviews, with the ranks if one reviewer had not been asked.

    Example: moonpost call rank ce8.jsonl
    """
    state = _read(place, call)
    rows = [
        {"proposal": row.proposal, "rank": row.rank, "score": float(row.score), "spread": row.spread,
         "reviews": row.reviews, "best_rank": row.best_rank, "worst_rank": row.worst_rank}
        for row in state.ranking()
    ]  # fmt: skip
    text = [[*list(row.values())[:5], f"{row['best_rank']}-{row['worst_rank']}"] for row in rows]
    head = ["proposal", "rank", "score", "spread", "reviews", "rank without one reviewer"]
    emit(rows, as_json, lambda: table(head, text))


def shortlist(
    place: str = _PLACE,
    proposals: list[str] = _NAMES,
    best: bool = typer.Option(False, "--best", help="Take the best by rank, as many as the call allows."),
    date: str = _DATE,
    call: str = _CALL,
    key: Path = _KEY,
) -> None:
    """Make the short list, of those that passed the screening.

    Example: moonpost call shortlist ce8.jsonl --best --date 2024-04-01
    """
    state = _read(place, call)
    if best == bool(proposals):
        raise InputError("needs a list or --best", where="shortlist", advice="name proposals, or give --best")
    names = [row.proposal for row in state.ranking() if state.passed(row.proposal)] if best else list(proposals)
    names = names[: state.terms.short_list] if best else names
    _step(place, state, {"do": "shortlist", "proposals": names, "date": date}, key)
    typer.echo(f"{len(names)} on the short list: {', '.join(names)}")


def select(
    place: str = _PLACE,
    proposals: list[str] = _NAMES,
    date: str = typer.Option("", "--date", help="Keep the choice, dated so, UTC; nothing is kept without it."),
    best: bool = typer.Option(False, "--best", help="With a date: keep the best set."),
    call: str = _CALL,
    key: Path = _KEY,
    as_json: bool = JSON,
) -> None:
    """Find the best set under all limits, proved, beside taking them by rank; keep it or another choice.

    Example: moonpost call select ce8.jsonl --best --date 2024-09-15
    """
    state = _read(place, call)
    if date and best == bool(proposals):
        raise InputError("needs a list or --best", where="select", advice="name proposals, or give --best")
    found = state.best()
    kept = (list(found.chosen) if best else list(proposals)) if date else []
    if date:
        _step(place, state, {"do": "select", "proposals": kept, "date": date}, key)
    proof = "proved" if found.proved else f"gap {found.gap:.2g}"
    lines = [
        f"best set ({proof}): {', '.join(found.chosen) or 'none'}: {found.score:.2f} points, {found.mass_kg:g} kg",
        f"by rank: {', '.join(found.by_rank) or 'none'}: {found.by_rank_score:.2f} points, "
        f"{found.by_rank_mass_kg:g} kg",
        *(f"{row.id} left out: {row.why}" for row in found.left),
        *([f"chosen: {', '.join(kept)}"] if kept else []),
    ]
    emit({**found.to_dict(), "kept": kept}, as_json, lambda: "\n".join(lines))


def announce(place: str = _PLACE, date: str = _DATE, call: str = _CALL, key: Path = _KEY) -> None:
    """Make the choice public: nothing of it is taken back after this, but what its proposer withdraws.

    Example: moonpost call announce ce8.jsonl --date 2025-04-24
    """
    state = _read(place, call)
    _step(place, state, {"do": "announce", "date": date}, key)
    typer.echo(f"{len(state.chosen)} announced on {date}")


def allocate(
    place: str = _PLACE,
    row: list[str] = typer.Option(
        [], help="PROPOSAL:mass_kg=N,day_w=N,night_w=N,bit_day=N,place=TEXT; what is asked for if not given."
    ),
    date: str = _DATE,
    call: str = _CALL,
    key: Path = _KEY,
    as_json: bool = JSON,
) -> None:
    """Allocate mass, power, data and a place to what was chosen; what all have keeps the limits.

    Without --row all chosen get what they asked for.

    Example: moonpost call allocate ce8.jsonl --date 2025-05-01 --row p07:mass_kg=60,place=deck-1
    """
    state = _read(place, call)
    rows = [_row(text) for text in row] or [{"proposal": name} for name in state.chosen]
    _step(place, state, {"do": "allocate", "rows": rows, "date": date}, key)
    found = _read(place, state.terms.id)
    given = list(found.allocations.values())
    total = sum(one.mass_kg for one in given)
    text = [[one.proposal, one.mass_kg, one.day_w, one.night_w, one.place or "-"] for one in given]
    head = ["proposal", "mass (kg)", "day (W)", "night (W)", "place"]
    emit(
        {"allocations": given, "mass_kg": total, "payload_total_kg": found.terms.payload_total_kg},
        as_json,
        lambda: f"{table(head, text)}\n{total:g} kg allocated",
    )


def _row(text: str) -> dict[str, Any]:
    """A row of an allocation from its text."""
    from moonpost.partners.proposals import plain_number

    name, _, rest = text.partition(":")
    found: dict[str, Any] = {"proposal": name}
    for part in filter(None, rest.split(",")):
        field, sign, value = part.partition("=")
        if not sign or field not in ("mass_kg", "day_w", "night_w", "bit_day", "place"):
            raise InputError(f"{part!r}", where="--row", advice="write PROPOSAL:mass_kg=60,place=deck-1")
        try:
            found[field] = value if field == "place" else plain_number(float(value))
        except ValueError as error:
            raise InputError(f"{part!r} is no number", where="--row", advice="write mass_kg=60") from error
    return found
