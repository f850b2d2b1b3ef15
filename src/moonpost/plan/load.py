"""Read a plan from TOML and report every fault at once, each with its place in the file."""

from __future__ import annotations

import difflib
import os
import types
import typing
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from moonpost.errors import Fault, PlanError, UnknownNameError
from moonpost.files import read_toml
from moonpost.plan.check import Finding, check
from moonpost.plan.model import Plan
from moonpost.plan.salvage import salvage, stand_in

__all__ = ["Reading", "bundled_plans", "load_plan", "plan_path", "read_plan"]


@dataclass(frozen=True)
class Reading:
    """What could be read of a plan file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    faults : tuple of Fault
        Faults of single fields, each with its place.
    plan : Plan
        The plan, with stand-ins for what could not be read.
    names : dict of str to frozenset of str
        Per table, the identifiers of the rows that the file has, sound or not.
    unsound : dict of str to frozenset of str
        Per place with faults, such as ``missions[ce7]``, the faulty fields; ``*`` for a table or key whose
        names cannot be relied on.
    """

    path: Path
    faults: tuple[Fault, ...]
    plan: Plan
    names: dict[str, frozenset[str]] = field(default_factory=dict)
    unsound: dict[str, frozenset[str]] = field(default_factory=dict)

    def findings(self) -> list[Finding]:
        """Findings across the rows that could be read."""
        return check(self.plan, names=self.names, unsound=self.unsound)

    def finish(self, findings: list[Finding]) -> Plan:
        """The plan, if neither a field nor a finding forbids it.

        Raises
        ------
        PlanError
            With the faults of fields and the findings of severity "error", all of them.
        """
        faults = [*self.faults, *(Fault(f.place, f.text) for f in findings if f.severity == "error")]
        if faults:
            raise PlanError(str(self.path), faults)
        return self.plan


def bundled_plans() -> tuple[str, ...]:
    """Names of the plans that come with Moonpost.

    Examples
    --------
    >>> bundled_plans()
    ('ilrs', 'ilrs-orbit')
    """
    folder = resources.files("moonpost.plan") / "bundled"
    return tuple(sorted(Path(item.name).stem for item in folder.iterdir() if item.name.endswith(".toml")))


def plan_path(plan: str | os.PathLike[str]) -> Path:
    """The file of a bundled plan's name, or the path itself.

    Raises
    ------
    UnknownNameError
        If it is neither a bundled plan nor a file.
    """
    path = Path(plan)
    if path.suffix == ".toml" or path.exists():
        return path
    if str(plan) in bundled_plans():
        return Path(str(resources.files("moonpost.plan") / "bundled" / f"{plan}.toml"))
    raise UnknownNameError(str(plan), bundled_plans(), kind="plan (neither a file nor bundled)")


def load_plan(plan: str | os.PathLike[str]) -> Plan:
    """Load a plan and refuse it if anything in it is wrong.

    Parameters
    ----------
    plan : str or path-like
        The name of a bundled plan (``"ilrs"``, ``"ilrs-orbit"``) or the path of a TOML file.

    Returns
    -------
    Plan
        Frozen and checked.

    Raises
    ------
    PlanError
        If the file has faults; the error lists all of them with their places.
    UnknownNameError
        If there is no such plan.
    DataError
        If the file cannot be read or is not TOML.

    Examples
    --------
    >>> load_plan("ilrs").station.kind
    'surface'
    """
    reading = read_plan(plan)
    return reading.finish(reading.findings())


def read_plan(plan: str | os.PathLike[str]) -> Reading:
    """Read as much of a plan as is sound, with the faults of the rest.

    Parameters
    ----------
    plan : str or path-like
        As in `load_plan`.

    Raises
    ------
    UnknownNameError, DataError
        If there is no such plan, or it cannot be read at all.
    """
    path = plan_path(plan)
    raw = read_toml(path, "plan file")
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    unsound: dict[str, frozenset[str]] = {}
    unknown = [name for name in raw if name not in Plan.model_fields]
    faults.extend(Fault(name, f"unknown key{_nearest(name, Plan.model_fields)}") for name in unknown)
    for name, info in Plan.model_fields.items():
        row_type = _row_type(info.annotation)
        if name not in raw:
            if info.is_required():
                faults.append(Fault(name, "is missing: a plan needs it"))
                unsound[name] = frozenset({"*"})
                values[name] = stand_in(name, raw.get(name))
            else:
                values[name] = info.get_default(call_default_factory=True)
        elif row_type is not None:
            values[name] = _rows(name, raw[name], row_type, faults, unsound)
        else:
            _single(name, raw[name], _annotated(info), values, faults)
            if name not in values:
                unsound[name] = frozenset({"*"})
                values[name] = stand_in(name, raw.get(name))
    if "partners" in raw and not raw["partners"]:
        faults.append(Fault("partners", "is empty: a plan needs at least one partner"))
        unsound["partners"] = frozenset({"*"})
    partial = Plan.model_validate(values) if not faults else Plan.model_construct(**values)
    partial = partial.located_at(path)
    return Reading(path, tuple(faults), partial, _names(raw), unsound)


def _row_type(annotation: Any) -> Any:
    """The row type of a ``tuple[Row, ...]`` annotation, else None."""
    if typing.get_origin(annotation) is tuple:
        return typing.get_args(annotation)[0]
    return None


def _annotated(info: Any) -> Any:
    """A field's type with its constraints."""
    annotation = info.annotation
    if info.discriminator is not None or info.metadata:
        from pydantic import Field

        extra = [*info.metadata]
        if info.discriminator is not None:
            extra.append(Field(discriminator=info.discriminator))
        for item in extra:
            annotation = typing.Annotated[annotation, item]
    return annotation


def _rows(
    name: str, raw: Any, row_type: Any, faults: list[Fault], unsound: dict[str, frozenset[str]]
) -> tuple[Any, ...]:
    """The rows of a table; those with faults leave them, and are kept without the faulty fields."""
    if not isinstance(raw, list):
        faults.append(Fault(name, f"must be a list of tables: write [[{name}]] above each row"))
        unsound[name] = frozenset({"*"})
        return ()
    adapter: TypeAdapter[Any] = TypeAdapter(row_type)
    sound: list[Any] = []
    for index, row in enumerate(raw):
        try:
            sound.append(adapter.validate_python(row))
        except ValidationError as error:
            place = _place(name, index, row)
            faults.extend(_faults(place, error, row_type))
            kept = salvage(row_type, row, error)
            unsound[place] = kept.fields
            faults.extend(Fault(place, text) for text in kept.texts)
            if "id" in kept.fields:
                unsound[name] = frozenset({"*"})
            if kept.row is not None:
                sound.append(kept.row)
    return tuple(sound)


def _single(name: str, raw: Any, annotation: Any, values: dict[str, Any], faults: list[Fault]) -> None:
    try:
        values[name] = TypeAdapter(annotation).validate_python(raw)
    except ValidationError as error:
        faults.extend(_faults(name, error, annotation))


def _place(name: str, index: int, row: Any) -> str:
    """``missions[ce7]`` where the row has an identifier, else ``missions[2]``."""
    identifier = row.get("id") if isinstance(row, dict) else None
    return f"{name}[{identifier}]" if isinstance(identifier, str) and identifier else f"{name}[{index}]"


def _faults(place: str, error: ValidationError, model: Any) -> list[Fault]:
    found = []
    items = error.errors(include_url=False)
    for item in items:
        within = [other["loc"] for other in items if other["loc"][: len(item["loc"])] == item["loc"]]
        if item["type"] == "too_short" and len(within) > 1:
            continue
        location = _without_tags(place, item["loc"])
        found.append(Fault(place + _path(location), _message(item, location, model)))
    return found


def _without_tags(place: str, location: tuple[Any, ...]) -> list[Any]:
    """A location without the union tags that pydantic puts between the keys of the file."""
    parts = list(location)
    if place == "station" and parts[:1] in (["surface"], ["orbit"]):
        return parts[1:]
    return [part for i, part in enumerate(parts) if not (i >= 2 and parts[i - 2] == "generators")]


def _path(location: list[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _message(item: Any, location: list[Any], model: Any) -> str:
    """One clause in a planner's words for a fault that pydantic found."""
    kind, context = item["type"], item.get("ctx", {})
    shown = repr(item.get("input"))
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    if kind == "extra_forbidden":
        return f"unknown key{_nearest(str(location[-1]), _keys(model, location[:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind == "finite_number":
        return f"must be a finite number, not {shown}"
    if kind == "value_error":
        return str(context.get("error", item["msg"]))
    if kind == "string_pattern_mismatch":
        return f"must be lower-case letters, digits and single hyphens, not {shown}"
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return f"kind must be one of {context.get('expected_tags', 'the known kinds')}"
    text = item["msg"].removeprefix("Input ")
    return f"{text[0].lower()}{text[1:]}, not {shown}"


def _keys(model: Any, location: list[Any]) -> list[str]:
    """The keys that a table of the schema may have; empty if it cannot be told."""
    for part in location:
        if isinstance(part, int):
            continue
        info = getattr(model, "model_fields", {}).get(part)
        model = _model_of(info.annotation) if info is not None else None
    return list(getattr(model, "model_fields", {}))


def _model_of(annotation: Any) -> Any:
    """The single model class within an annotation, if there is just one."""
    if hasattr(annotation, "model_fields"):
        return annotation
    if typing.get_origin(annotation) in {tuple, typing.Union, types.UnionType, typing.Annotated}:
        models = [m for m in map(_model_of, typing.get_args(annotation)) if m is not None]
        return models[0] if len(models) == 1 else None
    return None


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f": did you mean {near[0]!r}?" if near else ": remove it or check its spelling"


def _names(raw: dict[str, Any]) -> dict[str, frozenset[str]]:
    """Identifiers per table, of sound and unsound rows alike."""
    return {
        table: frozenset(row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str))
        for table, rows in raw.items()
        if isinstance(rows, list)
    }
