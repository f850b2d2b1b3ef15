"""The difference of two plans, place by place, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from moonpost.plan.model import Plan

__all__ = ["Change", "PlanDifference", "plan_difference"]

_KEYS = ("id", "name", "party", "state", "date")
_SHORT = 70
_LEAD = 20


@dataclass(frozen=True)
class Change:
    """One place in which two plans differ.

    Parameters
    ----------
    kind : {"added", "removed", "changed", "reordered"}
        added, removed: a row, or a part of one, that only one plan has; changed: a value; reordered: rows or
        values that stand in another order.
    table, row : str
        Where: the table, or a single value of the plan; the row's identifier, empty for single tables.
    place : str
        Path in the plan, such as ``missions[ilrs-1].launch``.
    before, after : object
        Values as in JSON; None if there is none. A row added or removed is given whole.
    """

    kind: Literal["added", "removed", "changed", "reordered"]
    table: str
    row: str
    place: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.kind == "added":
            return f"+ {self.place}: {_shown(self.after)}"
        if self.kind == "removed":
            return f"- {self.place}: {_shown(self.before)}"
        if self.kind == "reordered":
            return f"~ {self.place}: in another order"
        one, two = self.before, self.after
        if isinstance(one, str) and isinstance(two, str) and max(len(one), len(two)) > _SHORT:
            at = next(
                (k for k, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two))
            )
            at = 0 if at < _LEAD else one.rfind(" ", 0, at) + 1
            one, two = (("..." if at else "") + text[at:] for text in (one, two))
        return f"~ {self.place}: {_shown(one)} -> {_shown(two)}"


@dataclass(frozen=True)
class PlanDifference:
    """All places in which two plans differ.

    Parameters
    ----------
    before, after : dict of str to str
        ``id``, ``version``, ``sha256`` and ``path`` of both.
    changes : tuple of Change
        In the order of the schema; empty if the plans are the same.
    """

    before: dict[str, str]
    after: dict[str, str]
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether both are the same plan."""
        return not self.changes

    def to_dict(self) -> dict[str, Any]:
        """Rows ready for JSON."""
        return {**asdict(self), "same": self.same}

    def __str__(self) -> str:
        head = [
            f"{sign} {plan['id']}, version {plan['version']}, {plan['sha256'][:12]}"
            for sign, plan in (("-", self.before), ("+", self.after))
        ]
        return "\n".join(
            [*head, *(str(change) for change in self.changes)] if self.changes else [*head, "the same"]
        )


def plan_difference(before: Plan, after: Plan) -> PlanDifference:
    """Find every place in which two plans differ.

    Parameters
    ----------
    before, after : Plan
        The plans; where they were read from does not matter.

    Returns
    -------
    PlanDifference

    Notes
    -----
    Rows are the same row if their ``id`` is the same, parts of a row if their name is, or party, state and date of
    a step; other parts by their place. Two plans without a difference have the same ``sha256``, and two with the
    same ``sha256`` have no difference.

    Examples
    --------
    >>> from moonpost.plan import load_plan, with_number
    >>> plan = load_plan("ilrs")
    >>> print(plan_difference(plan, with_number(plan, "design.years", 5.0)).changes[0])
    ~ design.years: 19.0 -> 5.0
    """
    one, two = before.model_dump(mode="json"), after.model_dump(mode="json")
    changes: list[Change] = []
    for table in one:
        changes += _compare(table, "", table, one[table], two[table])
    return PlanDifference(_origin(before), _origin(after), tuple(changes))


def _origin(plan: Plan) -> dict[str, str]:
    return {"id": plan.id, "version": plan.version, "sha256": plan.sha256, "path": plan.path}


def _compare(table: str, row: str, place: str, one: Any, two: Any) -> Iterator[Change]:
    """Differences of two values at a place."""
    if one == two and type(one) is type(two):
        return
    if isinstance(one, dict) and isinstance(two, dict):
        for key in dict.fromkeys((*one, *two)):
            yield from _compare(table, row, f"{place}.{key}", one.get(key), two.get(key))
    elif isinstance(one, list) and isinstance(two, list):
        yield from _compare_lists(table, row, place, one, two)
    elif one is None:
        yield Change("added", table, row, place, None, two)
    elif two is None:
        yield Change("removed", table, row, place, one, None)
    else:
        yield Change("changed", table, row, place, one, two)


def _compare_lists(table: str, row: str, place: str, one: list[Any], two: list[Any]) -> Iterator[Change]:
    """Differences of two lists, item by item where they can be told apart."""
    if not all(isinstance(item, dict) for item in (*one, *two)):
        yield Change("changed", table, row, place, one, two)
        return
    names = _names(one, two)
    first, second = (dict(zip(_labels(rows, names), rows, strict=True)) for rows in (one, two))
    for name in dict.fromkeys((*first, *second)):
        inside = row or (name if names == ("id",) else "")
        yield from _compare(table, inside, f"{place}[{name}]", first.get(name), second.get(name))
    common = [name for name in first if name in second]
    if common != [name for name in second if name in first]:
        yield Change("reordered", table, row, place, list(first), list(second))


def _names(one: Sequence[Mapping[str, Any]], two: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Keys that tell the items of both lists apart; none if only their place does."""
    for names in (("id",), ("name",), _KEYS[2:], ("party", "date")):
        if all(
            all(item.get(name) for name in names for item in rows) and len(set(_labels(rows, names))) == len(rows)
            for rows in (one, two)
        ):
            return names
    return ()


def _labels(rows: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> list[str]:
    if not names:
        return [str(index) for index in range(len(rows))]
    return [" ".join(str(item[name]) for name in names) for item in rows]


def _shown(value: Any) -> str:
    """A value in few words."""
    if isinstance(value, dict):
        text = _short(str(value.get("name") or value.get("text") or value.get("id") or ""))
        return text or _short(", ".join(f"{key} {item}" for key, item in value.items() if item not in (None, [])))
    if isinstance(value, list):
        return _short(", ".join(_shown(item) for item in value)) or "nothing"
    return (_short(value) or "nothing") if isinstance(value, str) else repr(value)


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 3].rstrip() + "..."
