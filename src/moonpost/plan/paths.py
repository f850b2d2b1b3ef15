"""Numbers of a plan by their path, to read one or to make a plan that differs in it."""

from __future__ import annotations

import re
from typing import Any

from moonpost.errors import InputError, UnknownNameError
from moonpost.plan.model import Plan

__all__ = ["number_at", "with_number"]

_STEP = re.compile(r"\.?([a-z_]\w*)|\[([^\[\]]+)\]")


def number_at(plan: Plan, path: str) -> float:
    """The number at a path of the plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : str
        Keys with dots, rows by identifier or index in brackets.

    Raises
    ------
    InputError
        If the path is malformed or what is there is not a number.
    UnknownNameError
        If the plan has no such key or row.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> number_at(load_plan("ilrs"), "design.years")
    19.0
    """
    tree = plan.model_dump(mode="json")
    holder, key = _resolve(tree, path)
    value = holder[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("is not a number of the plan", where=path, advice="name a number")
    return float(value)


def with_number(plan: Plan, path: str, value: float) -> Plan:
    """A plan that differs from this one in one number.

    Parameters
    ----------
    plan : Plan
        The plan; it is not changed.
    path : str
        As in `number_at`.
    value : float
        The new number, in the unit of the old.

    Raises
    ------
    InputError, UnknownNameError
        As in `number_at`, or if the plan does not allow the value.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> with_number(load_plan("ilrs"), "design.years", 5.0).design.years
    5.0
    """
    number_at(plan, path)
    tree = plan.model_dump(mode="json")
    holder, key = _resolve(tree, path)
    holder[key] = value
    try:
        changed = Plan.model_validate(tree)
    except ValueError as error:
        raise InputError(
            f"the plan does not allow {value!r}", where=path, advice="choose another value"
        ) from error
    return changed.located_at(plan.located_path)


def _steps(path: str) -> list[str]:
    steps, position = [], 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise InputError(
                "is not a path of the plan", where=path, advice="write design.years or elements[x].mass_kg"
            )
        steps.append(match[1] or match[2])
        position = match.end()
    if not steps:
        raise InputError("the path is empty", where="path", advice="write one such as design.years")
    return steps


def _resolve(tree: Any, path: str) -> tuple[Any, Any]:
    """The container and the key within it that a path leads to."""
    steps = _steps(path)
    for step in steps[:-1]:
        tree = tree[_key(tree, step, path)]
    return tree, _key(tree, steps[-1], path)


def _key(holder: Any, step: str, path: str) -> Any:
    if isinstance(holder, dict):
        if step in holder:
            return step
        raise UnknownNameError(step, holder, kind="key", where=path)
    if isinstance(holder, list | tuple):
        names = [row.get("id") or row.get("name") if isinstance(row, dict) else None for row in holder]
        if step in names:
            return names.index(step)
        if step.isdigit() and int(step) < len(holder):
            return int(step)
        raise UnknownNameError(step, [str(name) for name in names if name], kind="row", where=path)
    raise InputError("leads into a value that has no parts", where=path, advice="shorten the path")
