"""``moonpost ledger show | change | state | plan``: where everything stands, and what was agreed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from moonpost.cli.ledgerwrite import PLACE
from moonpost.cli.output import JSON, emit, table

if TYPE_CHECKING:
    from moonpost.partners.agreements import AgreementStanding
    from moonpost.partners.ledger import LedgerState

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the verbs to ``moonpost ledger``."""
    group.command("show")(show)
    group.command("change")(change)
    group.command("state")(state)
    group.command("plan")(plan)


def show(place: str = PLACE, as_json: bool = JSON) -> None:
    """Tell where agreements and changes stand, with everything on record.

    Example: moonpost ledger show station.db
    """
    found = _read(place)
    emit(_standing(found), as_json, lambda: _standing_text(found))


def _read(place: str) -> LedgerState:
    """The state of a sound ledger."""
    from moonpost.partners.ledger import Ledger

    with Ledger.open(place) as ledger:
        return ledger.state()


def _standing(state: LedgerState) -> dict[str, Any]:
    return {
        "ledger": state.ledger,
        "plan": state.plan,
        "parties": state.roles,
        "keys": {party: identifier for identifier, (party, _) in state.keys.items()},
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
                "proposer": row.proposer,
                "touches": row.body.get("touches", []),
                "set": row.body.get("set", []),
                "status": row.status,
                "needed": sorted(row.needed),
                "quorum": row.quorum,
                "consents": sorted(row.consents),
                "refusals": sorted(row.refusals),
                "waiting": list(row.waiting),
                "since": row.since,
                "until": row.until,
            }
            for name, row in state.changes.items()
        },
    }


def _standing_text(state: LedgerState) -> str:
    found = _standing(state)
    agreements = [
        [name, row["in_force"], row["rule"], _lists(row["missing"])] for name, row in found["agreements"].items()
    ]
    changes = [
        [name, row["title"], row["status"], ", ".join(row["consents"]) or "-", ", ".join(row["waiting"]) or "-"]
        for name, row in found["changes"].items()
    ]
    return "\n\n".join(
        [
            table(["agreement", "in force", "rule", "missing"], agreements),
            table(["change", "title", "status", "consents", "waits for"], changes),
        ]
    )


def _lists(missing: dict[str, list[str]]) -> str:
    return "; ".join(f"{party}: {', '.join(steps)}" for party, steps in missing.items()) or "-"


def change(
    place: str = PLACE,
    name: str = typer.Argument(metavar="CHANGE", help="Name of the change."),
    as_json: bool = JSON,
) -> None:
    """Tell what a change would do: each value before and after, the places it touches, whose consents it has.

    Example: moonpost ledger change station.db heavier
    """
    from moonpost.errors import UnknownNameError

    found = _read(place)
    if name not in found.changes:
        raise UnknownNameError(name, list(found.changes), kind="change", where="CHANGE")
    value = _standing(found)["changes"][name]
    owners = {touched: list(found.owned.get(touched, ())) for touched in value["touches"]}
    emit({"change": name, **value, "owners": owners}, as_json, lambda: _change_text(name, value, owners))


def _change_text(name: str, row: dict[str, Any], owners: dict[str, list[str]]) -> str:
    """A change for people."""
    waits = f", waits for {', '.join(row['waiting'])}" if row["waiting"] else ""
    parts = [f"{name}: {row['title']}, proposed by {row['proposer']}; {row['status']}{waits}"]
    if row["set"]:
        values = [[item["place"], item["field"], item["from"] or "-", item["to"] or "-"] for item in row["set"]]
        parts.append(table(["place", "field", "from", "to"], values))
    touched = [[place, ", ".join(names) or "the founders"] for place, names in owners.items()]
    parts.append(table(["touches", "owner and approvers"], touched))
    asked = [
        [party, "consents" if party in row["consents"] else "refuses" if party in row["refusals"] else "-"]
        for party in row["needed"]
    ]
    parts.append(table(["asked", "says"], asked))
    return "\n\n".join(parts)


def state(
    place: str = PLACE,
    at: str = typer.Option("", "--at", help="The day, such as 2024-06-11; today if not given."),
    agreement: str = typer.Option("", help="Only this agreement, with every step and act."),
    as_json: bool = JSON,
) -> None:
    """Tell where each agreement stood for each party on a day.

    Only what a party wrote and signed counts, from the end of the day that it gives.

    Example: moonpost ledger state station.db --at 2024-06-11
    """
    import datetime as dt

    from moonpost.errors import UnknownNameError

    found = _read(place)
    day = at or dt.datetime.now(dt.UTC).date().isoformat()
    rows = [row for row in found.standings(day) if agreement in ("", row.agreement)]
    if agreement and not rows:
        raise UnknownNameError(agreement, list(found.agreements), kind="agreement", where="--agreement")
    value = {"at": day, "agreements": [row.to_dict() for row in rows]}
    text = _parties_text(rows) if not agreement else _record_text(found, rows[0], day)
    emit(value, as_json, lambda: text)


def _parties_text(rows: list[AgreementStanding]) -> str:
    """One line for each party of each agreement."""
    return table(
        ["agreement", "in force", "party", "state", "in force for it", "since", "missing"],
        [
            [
                row.agreement,
                row.in_force,
                party.party,
                party.state,
                party.in_force,
                party.since,
                ", ".join(party.missing) or "-",
            ]
            for row in rows
            for party in row.parties
        ],
    )


def _record_text(state: LedgerState, row: AgreementStanding, day: str) -> str:
    """Every step and act of one agreement by that day."""
    steps = [step for step in state.agreements[row.agreement].record if step.counts(day)]
    head, ends = ["date", "party", "state", "act", "source"], any(step.until for step in steps)
    record = [
        [
            step.date,
            step.party,
            step.state or "(act)",
            step.text or "-",
            step.source,
            *[step.until or "-"][: int(ends)],
        ]
        for step in steps
    ]
    return _parties_text([row]) + "\n\n" + table([*head, *["until"][: int(ends)]], record)


def plan(
    place: str = PLACE,
    against: str = typer.Argument(metavar="PLAN", help="A bundled plan or the path of a TOML file."),
    as_json: bool = JSON,
) -> None:
    """Tell whether a plan is what the partners agreed; exit code 1 if it is not.

    Each mission and element is held against its baseline: the plan that the ledger was begun with, and the
    changes in force.

    Example: moonpost ledger plan station.db ilrs
    """
    from moonpost.partners.ledger import departures
    from moonpost.plan import load_plan

    found = departures(_read(place), load_plan(against))
    rows = [[row.place, row.kind, row.text] for row in found]
    emit(
        {"agreed": not found, "departures": found},
        as_json,
        lambda: table(["place", "kind", "what"], rows) if rows else "every mission and element is as agreed",
    )
    if found:
        raise typer.Exit(1)
