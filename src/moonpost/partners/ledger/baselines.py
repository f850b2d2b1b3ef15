"""What was agreed on each element and mission, as a hash, and requests for a change made from two plans."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moonpost.errors import InputError
from moonpost.partners.ledger.entries import canonical
from moonpost.partners.ledger.rules import LedgerState
from moonpost.plan.elements import Element
from moonpost.plan.missions import Mission
from moonpost.plan.model import Plan
from moonpost.plan.partners import Owned

__all__ = ["Departure", "baseline_of", "change_request", "departures", "owned_rows"]

_TABLES = ("missions", "elements")
_WEIGHTS = frozenset({"mass_kg", "mass_low_kg", "mass_high_kg", "volume_m3", "count", "mission"})
_CARRIAGE = frozenset({"launch", "landing", "launcher", "transfer", "site", "status", "landed_mass_kg"})


@dataclass(frozen=True)
class Departure:
    """A row of a plan that is not what the parties agreed.

    Parameters
    ----------
    place : str
        Such as ``elements[reactor]``.
    kind : str
        ``changed``, ``added``, ``removed`` or ``owner``.
    text : str
        What it is, for people.

    Examples
    --------
    >>> Departure("elements[mast]", "added", "is in the plan and was not agreed").kind
    'added'
    """

    place: str
    kind: str
    text: str


def _facts(row: Owned) -> dict[str, Any]:
    """All facts of a row that differ from their defaults, without the record of approvals."""
    return {
        name: value
        for name, value in row.model_dump(mode="json", exclude_defaults=True).items()
        if name != "approvals"
    }


def _whole(value: Any) -> Any:
    """A value with numbers as text, so that it can be written canonically."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return value


def baseline_of(row: Owned) -> str:
    """SHA-256 of what a plan says of an element or mission.

    Parameters
    ----------
    row : Owned
        The element or mission.

    Returns
    -------
    str
        64 hexadecimal digits.

    Notes
    -----
    Fields at their defaults and the record of approvals do not count, so a new optional field changes nothing.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> reactor = load_plan("ilrs").element("reactor")
    >>> baseline_of(reactor) == baseline_of(reactor.model_copy(update={"approvals": ()}))
    True
    """
    return hashlib.sha256(canonical(_whole(_facts(row)))).hexdigest()


def _places(plan: Plan) -> Iterator[tuple[str, Owned]]:
    """Every mission and element with its place."""
    for table in _TABLES:
        for row in getattr(plan, table):
            yield f"{table}[{row.id}]", row


def owned_rows(plan: Plan) -> list[dict[str, Any]]:
    """Owner, approvers and baseline of every mission and element.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    list of dict
        As a genesis entry holds them.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> sorted(owned_rows(load_plan("ilrs"))[0])
    ['approvers', 'baseline', 'owner', 'place']
    """
    return [
        {"place": place, "owner": row.owner, "approvers": _others(row), "baseline": baseline_of(row)}
        for place, row in _places(plan)
    ]


def _others(row: Owned) -> list[str]:
    """Approvers besides the owner, each once."""
    return [party for party in dict.fromkeys(row.approvers) if party != row.owner]


def departures(state: LedgerState, plan: Plan) -> tuple[Departure, ...]:
    """Where a plan is not what the parties agreed.

    Parameters
    ----------
    state : LedgerState
        Of a sound ledger.
    plan : Plan
        The plan to hold against it.

    Returns
    -------
    tuple of Departure
        Empty if every mission and element is as agreed.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> departures(LedgerState(), load_plan("ilrs"))[0].kind
    'added'
    """
    found, seen = [], set()
    for place, row in _places(plan):
        seen.add(place)
        if place not in state.owned:
            found.append(Departure(place, "added", "is in the plan and was not agreed"))
        elif (row.owner, *_others(row)) != state.owned[place]:
            agreed = ", ".join(state.owned[place])
            found.append(Departure(place, "owner", f"agreed owner and approvers are {agreed}"))
        elif state.baselines.get(place, "") not in ("", baseline_of(row)):
            found.append(
                Departure(place, "changed", "differs from what was agreed, with no change in force for it")
            )
    found += [
        Departure(place, "removed", "was agreed and is not in the plan")
        for place in state.owned
        if place not in seen and place.partition("[")[0] in _TABLES
    ]
    return tuple(found)


def change_request(before: Plan, after: Plan, change: str, title: str) -> dict[str, Any]:
    """Body of a proposal that turns one plan into another.

    Parameters
    ----------
    before, after : Plan
        The plan as agreed, and as wanted.
    change, title : str
        Name of the change; what it is, for people.

    Returns
    -------
    dict
        For an entry of the kind ``propose``: the places it touches, every field with its old and new value,
        new baselines.

    Raises
    ------
    InputError
        If no mission or element differs.

    Notes
    -----
    A change also touches what depends on it: a mission's date, launcher, transfer, site, status or landed mass
    every element that it carries; an element's mass, volume, number or mission the missions that carry it; a thing
    removed all that require it.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> from moonpost.plan.paths import with_number
    >>> plan = load_plan("ilrs")
    >>> wanted = with_number(plan, "elements.reactor.life_years", 12.0)
    >>> change_request(plan, wanted, "longer", "Two more years")["set"]
    [{'place': 'elements[reactor]', 'field': 'life_years', 'from': '10.0', 'to': '12.0'}]
    """
    old, new = dict(_places(before)), dict(_places(after))
    touched: dict[str, None] = {}
    fields, owned = [], []
    for place in (*old, *(place for place in new if place not in old)):
        was = baseline_of(old[place]) if place in old else ""
        now = baseline_of(new[place]) if place in new else ""
        if was == now:
            continue
        rows = _fields(place, old.get(place), new.get(place))
        fields += rows
        owned.append(_owned(place, new.get(place), was, now))
        for other in (place, *_dependent(place, {row["field"] for row in rows}, before, after)):
            touched.setdefault(other)
    if not owned:
        raise InputError("no mission or element differs", where="change", advice="name two plans that differ")
    versions = {"id": after.id, "version": after.version, "sha256": after.sha256}
    body = {"change": change, "title": title, "touches": list(touched), "set": fields, "owned": owned}
    return {**body, "plan": versions}


def _owned(place: str, row: Owned | None, was: str, now: str) -> dict[str, Any]:
    """Row of ``owned`` for a place that is changed, new or removed."""
    if row is None:
        return {"place": place, "removed": True, "was": was}
    return {"place": place, "owner": row.owner, "approvers": _others(row), "baseline": now, "was": was}


def _fields(place: str, old: Owned | None, new: Owned | None) -> list[dict[str, str]]:
    """Every field that differs, with its values as text."""
    before, after = (_facts(row) if row is not None else {} for row in (old, new))
    return [
        {"place": place, "field": name, "from": _text(before.get(name)), "to": _text(after.get(name))}
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _text(value: Any) -> str:
    """A value as text; empty for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _dependent(place: str, fields: set[str], before: Plan, after: Plan) -> Iterator[str]:
    """Places that a change of fields of a place touches besides."""
    table, name = place[:-1].split("[")
    rows = [*before.elements, *after.elements]
    if table == "missions" and fields & _CARRIAGE:
        yield from (f"elements[{row.id}]" for row in rows if row.mission == name)
    if table == "elements" and fields & _WEIGHTS:
        yield from (f"missions[{row.mission}]" for row in rows if row.id == name)
    if "id" in fields:
        yield from _requiring(table, name, before, after)


def _requiring(table: str, name: str, before: Plan, after: Plan) -> Iterator[str]:
    """Rows that require a row that is new or removed."""
    row: Mission | Element
    for plan in (before, after):
        for row in plan.missions if table == "missions" else plan.elements:
            if name in row.requires:
                yield f"{table}[{row.id}]"
