"""Units of a station's machines that fail or wear, with assumed rates, or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from moonpost.design.siteplan import ground_machines
from moonpost.design.spares import SpareItem
from moonpost.errors import DataError, ModelError, UnknownNameError
from moonpost.files import read_toml
from moonpost.plan import Element, Plan, Reactor, SolarArray

__all__ = ["plan_units", "read_units"]

# Unit: part of the machine's mass, failures of one a year, how many, life by wear [years], hours of work.
_UNITS: dict[str, tuple[tuple[str, float, float, int, float | None, float], ...]] = {
    "rover": (
        ("wheel drive", 0.020, 0.020, 6, 6.0, 12.0),
        ("camera head", 0.010, 0.020, 1, None, 6.0),
        ("computer", 0.012, 0.025, 1, None, 8.0),
    ),
    "hopper": (("valve block", 0.030, 0.050, 2, None, 16.0), ("computer", 0.012, 0.025, 1, None, 8.0)),
    "command": (
        ("computer", 0.015, 0.025, 2, None, 6.0),
        ("power converter", 0.020, 0.020, 2, None, 8.0),
        ("coolant pump", 0.010, 0.050, 2, 8.0, 12.0),
    ),
    "habitat": (("coolant pump", 0.005, 0.050, 2, 8.0, 12.0), ("power converter", 0.010, 0.020, 4, None, 8.0)),
    "laboratory": (
        ("power converter", 0.010, 0.020, 2, None, 8.0),
        ("coolant pump", 0.006, 0.050, 2, 8.0, 12.0),
        ("instrument electronics", 0.010, 0.040, 4, None, 8.0),
    ),
    "isru": (
        ("furnace valve", 0.010, 0.150, 4, 3.0, 12.0),
        ("electrolyser stack", 0.050, 0.080, 1, 6.0, 16.0),
        ("digger drive", 0.020, 0.100, 2, 3.0, 16.0),
    ),
    "telescope": (
        ("detector electronics", 0.015, 0.030, 1, None, 10.0),
        ("mount drive", 0.030, 0.020, 2, 10.0, 16.0),
    ),
    "communications": (
        ("transponder", 0.040, 0.020, 2, None, 6.0),
        ("antenna drive", 0.050, 0.020, 1, 12.0, 12.0),
    ),
}
_ARRAY = (("array drive", 0.030, 0.015, 1, 15.0, 16.0), ("array regulator", 0.020, 0.020, 2, None, 8.0))
_REACTOR = (("reactor controller", 0.010, 0.020, 2, None, 12.0),)
_STORE_FAILURES, _STORE_MODULES = 0.010, 12


def plan_units(plan: Plan) -> tuple[SpareItem, ...]:
    """Units of the machines at a station, with rates that this package assumes.

    Parameters
    ----------
    plan : Plan
        A plan of a station on the ground.

    Returns
    -------
    tuple of SpareItem
        Of machines whose mass is known.

    Raises
    ------
    ModelError
        If no machine has units.

    Notes
    -----
    Masses are parts of the machine's; rates of 0.01 to 0.15 a year for one unit are assumptions of the order that
    electronics and mechanisms in space show, and no measurement: give your own with `read_units`.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> {row.name for row in plan_units(load_plan("ilrs"))} >= {"battery module", "wheel drive"}
    True
    """
    found: list[SpareItem] = []
    for element in ground_machines(plan):
        mass = element.best_mass_kg
        if mass is None or not (element.modes or element.generators or element.storage):
            continue
        rows = list(_UNITS.get(element.kind, ()))
        if element.kind == "power" and any(isinstance(s, SolarArray) for s in element.generators):
            rows += _ARRAY
        if any(isinstance(s, Reactor) for s in element.generators):
            rows += _REACTOR
        found += [
            SpareItem(name, element.id, round(part * mass, 2), rate, count * element.count, life, work)
            for name, part, rate, count, life, work in rows
        ]
        found += _modules(element)
    if not found:
        raise ModelError(
            "no machine with a known mass has units", where=plan.path, advice="give masses, or a file of units"
        )
    return tuple(found)


def _modules(element: Element) -> list[SpareItem]:
    """Modules of a store; twelve where the plan tells no number."""
    store = element.storage
    if store is None or element.bus != "station":
        return []
    count = store.modules if store.modules > 1 else _STORE_MODULES
    mass = store.capacity_wh / store.specific_energy_wh_kg / count
    return [
        SpareItem("battery module", element.id, round(mass, 2), _STORE_FAILURES, count * element.count, None, 8.0)
    ]


def read_units(path: str | Path) -> tuple[SpareItem, ...]:
    """Units from a TOML file of ``[[unit]]`` tables.

    Parameters
    ----------
    path : path-like
        The file: ``name``, ``element``, ``mass_kg``, ``failures_per_year``, and ``count``, ``life_years``,
        ``work_h`` if they differ from 1, none and 8.

    Returns
    -------
    tuple of SpareItem

    Raises
    ------
    DataError
        If the file cannot be read or lacks something.
    UnknownNameError
        If a key is unknown.
    """
    data = read_toml(path, "file of units")
    rows = data.get("unit")
    if not isinstance(rows, list) or not rows:
        raise DataError("holds no [[unit]] table", where=str(path), advice="add one for each unit")
    return tuple(_unit(row, f"{path}: unit {k}") for k, row in enumerate(rows, 1))


def _unit(row: Any, where: str) -> SpareItem:
    needed, known = {"name", "mass_kg", "failures_per_year"}, set(SpareItem.__dataclass_fields__)
    if not isinstance(row, dict):
        raise DataError("is no table", where=where, advice="write [[unit]] and its keys")
    for key in row:
        if key not in known:
            raise UnknownNameError(key, known, kind="key", where=where)
    lacking = sorted(needed - row.keys())
    if lacking:
        raise DataError(f"lacks {', '.join(lacking)}", where=where, advice="add it")
    texts = {key for key in ("name", "element") if key in row and not isinstance(row[key], str)}
    wrong = texts | {key for key in row.keys() - {"name", "element"} if not _is_number(row[key])}
    if wrong:
        raise DataError(
            f"{', '.join(sorted(wrong))}: of the wrong kind", where=where, advice="texts in quotes only"
        )
    return SpareItem(**{"element": "", **row})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
