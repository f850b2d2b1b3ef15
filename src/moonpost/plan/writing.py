"""Write a plan as TOML, so that what is read back is the same plan."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from moonpost.errors import InputError, PlanError
from moonpost.files import atomic_path
from moonpost.plan.load import load_plan
from moonpost.plan.model import Plan

__all__ = ["plan_toml", "save_plan"]

_WIDE = 100
_FIRST = ("schema_version", "id", "name")
_LAST = ("source", "confidence", "note")


def plan_toml(plan: Plan) -> str:
    """A plan as the text of a TOML file, every fact with its source; comments are not kept.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        Tables in the order of the schema; fields that were not given and have their default are left out.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> plan_toml(load_plan("ilrs")).splitlines()[:2]
    ['schema_version = 1', 'id = "ilrs"']
    """
    head, tables = [], []
    for name, value in _fields(plan):
        if isinstance(value, BaseModel):
            tables.append(_table(f"[{name}]", value))
        elif isinstance(value, tuple):
            tables += [_table(f"[[{name}]]", row) for row in value]
        else:
            head.append(f"{name} = {_value(value)}")
    return "\n\n".join(["\n".join(head), *tables]) + "\n"


def save_plan(plan: Plan, path: str | os.PathLike[str], *, replace: bool = False) -> Path:
    """Write a plan to a file and make sure that it is read back as the same plan.

    Parameters
    ----------
    plan : Plan
        The plan. Relative terrain files of its sites are found from the new folder as well.
    path : path-like
        The TOML file.
    replace : bool, default False
        Whether a file that is there may be replaced. The file that the plan was read from never is.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the file is there and may not be replaced, is the one that the plan was read from, or does not end in
        ``.toml``.
    PlanError
        If the plan has faults across its rows, all of them listed; nothing is written.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.plan import load_plan
    >>> plan = load_plan("ilrs")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_plan(save_plan(plan, Path(folder) / "copy.toml")).sha256 == plan.sha256
    True
    """
    target = Path(path)
    if target.suffix != ".toml":
        raise InputError("is no name of a plan file", where=str(target), advice="end it in .toml")
    origin = plan.located_path
    if origin is not None and (target.resolve() == origin.resolve() or _same(target, origin)):
        raise InputError(
            "is the file that the plan was read from", where=str(target), advice="save it under another name"
        )
    if target.exists() and not replace:
        raise InputError("is there already", where=str(target), advice="choose another name, or replace it")
    moved = _moved(plan, target)
    try:
        text = plan_toml(moved).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("holds text that is no Unicode", where=plan.path, advice="correct that text") from error
    with atomic_path(target) as temporary:
        temporary.write_bytes(text)
        try:
            again = load_plan(temporary)
        except PlanError as error:
            raise PlanError(str(target), error.faults) from error
        if again.sha256 != moved.sha256:
            raise InputError(
                "would not be read back as it is", where=str(target), advice="report this with the plan"
            )
    return target


def _same(one: Path, other: Path) -> bool:
    """Whether two names are one file, by a link perhaps."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _moved(plan: Plan, target: Path) -> Plan:
    """The plan with terrain files named from the folder of a new file."""
    sites = []
    for site in plan.sites:
        names = []
        for name, full in zip(site.terrain, plan.terrain_paths(site), strict=True):
            away = plan.located_path is not None and not Path(name).is_absolute()
            names.append(os.path.relpath(full.resolve(), target.resolve().parent) if away else name)
        sites.append(site.model_copy(update={"terrain": tuple(names)}))
    return plan.model_copy(update={"sites": tuple(sites)})


def _fields(model: BaseModel) -> list[tuple[str, Any]]:
    """Fields that were given or differ from their default: names first, where they are from last."""
    found = []
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        plain = not info.is_required() and value == info.get_default(call_default_factory=True)
        if value is not None and (name in model.model_fields_set or not plain):
            found.append((name, value))
    return sorted(found, key=lambda item: (item[0] in _LAST, item[0] not in _FIRST))


def _table(head: str, row: BaseModel) -> str:
    return "\n".join([head, *(f"{name} = {_value(value, wide=True)}" for name, value in _fields(row))])


def _value(value: Any, *, wide: bool = False) -> str:
    """A value of TOML; `wide` lays long lists out over lines."""
    if isinstance(value, BaseModel):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in _fields(value)) + " }"
    if isinstance(value, tuple | list):
        items = [_value(item) for item in value]
        line = "[" + ", ".join(items) + "]"
        if wide and items and (len(line) > _WIDE or isinstance(value[0], BaseModel)):
            return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
        return line
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
