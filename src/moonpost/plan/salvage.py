"""Rows with a faulty field, kept for the checks that do not need that field.

A planner who corrects one fault should not then be shown the next one of the same row.
"""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

__all__ = ["salvage"]

_CANDIDATES: tuple[Any, ...] = ("2030", "unknown", 1.0, 1, (), ("unknown",))


def salvage(row_type: type[BaseModel], raw: Any, error: ValidationError) -> tuple[Any, frozenset[str]] | None:
    """A row without its faulty fields.

    Parameters
    ----------
    row_type : type
        The row's model.
    raw : object
        The row as it stands in the file.
    error : pydantic.ValidationError
        What is wrong with it.

    Returns
    -------
    row, fields : pydantic.BaseModel, frozenset of str
        The row with defaults or stand-ins in place of the faulty fields, and their names; None if
        too little of the row is left.

    Examples
    --------
    >>> from moonpost.plan.missions import Launcher
    >>> raw = {"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": -1, "source": "x", "confidence": "B"}
    >>> raw["source"] = "test"
    >>> try:
    ...     Launcher.model_validate(raw)
    ... except ValidationError as error:
    ...     row, fields = salvage(Launcher, raw, error)
    >>> row.owner, row.tli_mass_kg, sorted(fields)
    ('cn', None, ['tli_mass_kg'])
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        return None
    faulty = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
    if any(not item["loc"] for item in error.errors()):
        faulty |= {name for name, info in row_type.model_fields.items() if info.annotation == float | None}
    if "id" in faulty:
        return None
    repaired = {name: value for name, value in raw.items() if name not in faulty}
    for name in faulty & row_type.model_fields.keys():
        info = row_type.model_fields[name]
        if info.is_required():
            repaired[name] = _stand_in(info)
    try:
        return row_type.model_validate(repaired), frozenset(faulty)
    except ValidationError:
        return None


def _stand_in(info: Any) -> Any:
    """Some value that a required field accepts."""
    literal = typing.get_origin(info.annotation) is typing.Literal
    choices = typing.get_args(info.annotation) if literal else _CANDIDATES
    annotation = info.annotation
    for item in info.metadata:
        annotation = typing.Annotated[annotation, item]
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    for choice in choices:
        try:
            adapter.validate_python(choice)
        except ValidationError:
            continue
        return choice
    return None
