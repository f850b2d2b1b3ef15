"""Rows with a faulty field, kept for the checks that do not need that field.

A planner who corrects one fault should not then be shown the next one of the same row.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from moonpost.plan.base import Identifier

__all__ = ["Salvaged", "salvage", "stand_in"]

_CANDIDATES: tuple[Any, ...] = ("2030", "unknown", 1.0, 1, (), ("unknown",))


@dataclass(frozen=True)
class Salvaged:
    """What is left of a row with faults.

    Parameters
    ----------
    row : pydantic.BaseModel or None
        The row with defaults or stand-ins in place of the faulty fields; None if too little is left.
    fields : frozenset of str
        The faulty fields.
    texts : tuple of str
        Faults between its fields that show once the others are out of the way.
    """

    row: Any
    fields: frozenset[str]
    texts: tuple[str, ...] = ()


def salvage(row_type: type[BaseModel], raw: Any, error: ValidationError) -> Salvaged:
    """Keep a row without its faulty fields.

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
    Salvaged
        The rest of the row.

    Examples
    --------
    >>> from moonpost.plan.missions import Launcher
    >>> raw = {"id": "big", "name": "Big", "owner": "cn", "tli_mass_kg": -1, "source": "test", "confidence": "B"}
    >>> try:
    ...     Launcher.model_validate(raw)
    ... except ValidationError as error:
    ...     kept = salvage(Launcher, raw, error)
    >>> kept.row.owner, kept.row.tli_mass_kg, sorted(kept.fields)
    ('cn', None, ['tli_mass_kg'])
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        return Salvaged(None, frozenset(row_type.model_fields))
    faulty = _faulty(row_type, error)
    if "id" in faulty:
        return Salvaged(None, frozenset(row_type.model_fields))
    texts: tuple[str, ...] = ()
    for _ in range(2):
        try:
            return Salvaged(row_type.model_validate(_repaired(row_type, raw, faulty)), frozenset(faulty), texts)
        except ValidationError as further:
            texts += tuple(str(e.get("ctx", {}).get("error", e["msg"])) for e in further.errors() if not e["loc"])
            faulty |= _faulty(row_type, further)
    return Salvaged(None, frozenset(row_type.model_fields), texts)


def stand_in(key: str, raw: Any = None) -> Any:
    """Something in place of a key of the plan that cannot be read.

    Parameters
    ----------
    key : str
        A required key of the plan.
    raw : object, optional
        What stands there; the sites of a station are taken from it where they can be read.

    Examples
    --------
    >>> stand_in("schema_version")
    1
    """
    from moonpost.plan.model import DesignRules
    from moonpost.plan.places import SurfaceStation

    origin: dict[str, Any] = {"source": "stand-in", "confidence": "C"}
    return {
        "schema_version": 1,
        "station": SurfaceStation(kind="surface", id="station", name="station", **_sites(raw), **origin),
        "design": DesignRules(start="2035", **origin),
        "partners": (),
        "share_rule": None,
    }.get(key, "unreadable")


def _sites(raw: Any) -> dict[str, Any]:
    """The site and the candidates of a station that cannot be read otherwise."""
    table = raw if isinstance(raw, dict) else {}
    site, candidates = table.get("site"), table.get("candidates")
    names = tuple(name for name in candidates if _named(name)) if isinstance(candidates, list) else ()
    return {"site": site if _named(site) else "unreadable", "candidates": names}


def _named(name: Any) -> bool:
    """Whether something can be an identifier."""
    try:
        TypeAdapter(Identifier).validate_python(name)
    except ValidationError:
        return False
    return True


def _faulty(row_type: type[BaseModel], error: ValidationError) -> set[str]:
    """Names of the faulty fields; where they contradict one another, all numbers that may be left out."""
    faulty = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
    if any(not item["loc"] for item in error.errors()):
        faulty |= {name for name, info in row_type.model_fields.items() if info.annotation == float | None}
    return faulty


def _repaired(row_type: type[BaseModel], raw: dict[str, Any], faulty: set[str]) -> dict[str, Any]:
    """The row's values with stand-ins for required fields that are faulty."""
    repaired = {name: value for name, value in raw.items() if name not in faulty}
    for name in faulty & row_type.model_fields.keys():
        info = row_type.model_fields[name]
        if info.is_required():
            repaired[name] = _stand_in(info)
    return repaired


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
