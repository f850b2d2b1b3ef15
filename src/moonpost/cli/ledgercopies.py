"""``moonpost ledger compare | update``: copies of a ledger side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.partners.ledger import Branch, Comparison

__all__ = ["register"]

_COPY = "SQLite file, PostgreSQL URL or exported JSON lines."
_TRUST = typer.Option(None, "--trust", help="Pinned beginning and keys, as 'ledger init' wrote them.")


def register(group: typer.Typer) -> None:
    """Add the verbs to ``moonpost ledger``."""
    group.command("compare")(compare)
    group.command("update")(update)


def compare(
    first: str = typer.Argument(metavar="A", help=_COPY),
    second: str = typer.Argument(metavar="B", help=_COPY),
    trust: Path | None = _TRUST,
    as_json: bool = JSON,
) -> None:
    """Compare two copies: the same, one behind, or two histories and who signed both; exit code 1 for the last.

    Example: moonpost ledger compare ours.db theirs.jsonl
    """
    from moonpost.partners.ledger import compare_ledgers, read_trust

    found = compare_ledgers(first, second, trust=read_trust(trust) if trust else None)
    emit(found.to_dict(), as_json, lambda: _text(found))
    if found.status in ("fork", "damaged", "other-ledger"):
        raise typer.Exit(1)


def _text(found: Comparison) -> str:
    """How two copies differ, for people."""
    one, other = found.first, found.second
    told = {
        "same": f"the same {_count(found.common)}",
        "first-behind": f"{one.place} is behind {other.place} by {_count(len(other.own))}",
        "second-behind": f"{other.place} is behind {one.place} by {_count(len(one.own))}",
        "fork": f"two histories from entry {found.common} on",
        "damaged": "damaged: " + "; ".join(_damage(branch) for branch in (one, other) if not branch.check.sound),
        "other-ledger": "two different ledgers",
    }[found.status]
    if found.status not in ("fork", "first-behind", "second-behind"):
        return told
    rows = [
        [branch.place, entry.entry, entry.time, entry.party, entry.kind, entry.hash[:16]]
        for branch in (one, other)
        for entry in branch.own
    ]
    lines = [told, "", table(["copy", "entry", "written", "party", "kind", "hash"], rows)]
    if found.status == "fork":
        both = ", ".join(found.on_both_sides)
        lines += ["", f"signed in both: {both}" if both else "no party signed in both"]
    return "\n".join(lines)


def _count(number: int) -> str:
    """A number of entries in words."""
    return "1 entry" if number == 1 else f"{number} entries"


def _damage(branch: Branch) -> str:
    """The first fault of a copy."""
    fault = branch.check.faults[0]
    return f"{branch.place}, entry {fault.entry}: {fault.text}"


def update(
    place: str = typer.Argument(metavar="PATH-OR-URL", help="The copy that is brought up to date."),
    source: str = typer.Argument(metavar="FROM", help=_COPY),
    trust: Path | None = _TRUST,
    as_json: bool = JSON,
) -> None:
    """Take in what another copy has beyond yours; refused if it tells another history.

    Example: moonpost ledger update ours.db theirs.jsonl
    """
    from moonpost.partners.ledger import read_trust, update_ledger
    from moonpost.partners.ledger.stores import place_text

    count = update_ledger(place, source, trust=read_trust(trust) if trust else None)
    value = {"place": place_text(place), "taken": count}
    emit(value, as_json, lambda: f"{_count(count)} taken in from {place_text(source)}")
