"""What power sources and stores weigh: one table of numbers with their ranges and sources."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from moonpost.errors import InputError, UnknownNameError

__all__ = ["Catalogue", "Figure", "ReactorModel", "catalogue", "figures"]

Level = Literal["light", "nominal", "heavy"]


@dataclass(frozen=True)
class Figure:
    """One number of the table.

    Parameters
    ----------
    name : str
        The field of `Catalogue`; for reactors ``reactor-`` and the power [kW].
    unit : str
        Its unit.
    nominal, light, heavy : float
        The value used, and the ends of its range: the one that makes a station lighter and the one that makes it
        heavier.
    text : str
        What it is.
    source : str
        Where it is from; what rests on no publication says so.
    confidence : {"A", "B", "C"}
        As in plans.

    Examples
    --------
    >>> next(figure for figure in figures() if figure.name == "battery_wh_kg").unit
    'Wh/kg'
    """

    name: str
    unit: str
    nominal: float
    light: float
    heavy: float
    text: str
    source: str
    confidence: Literal["A", "B", "C"]


@cache
def figures() -> tuple[Figure, ...]:
    """The table, row by row.

    Returns
    -------
    tuple of Figure

    Examples
    --------
    >>> {figure.confidence for figure in figures()} <= {"A", "B", "C"}
    True
    """
    rows = tomllib.loads(Path(__file__).with_name("figures.toml").read_text(encoding="utf-8"))["figures"]
    return tuple(Figure(**row) for row in rows)


@dataclass(frozen=True)
class ReactorModel:
    """A size of reactor.

    Parameters
    ----------
    electric_w, mass_kg : float
        Net output and mass with shield and radiator [W, kg].

    Examples
    --------
    >>> ReactorModel(10_000.0, 2750.0).mass_kg
    2750.0
    """

    electric_w: float
    mass_kg: float


@dataclass(frozen=True)
class Catalogue:
    """Masses and efficiencies of what can be had, and the sizes of its modules.

    Parameters
    ----------
    array_w_kg, mast_kg_m, base_kg, mast_w : float
        Arrays and the masts that carry them, see `figures` [W/kg, kg/m, kg, W].
    battery_wh_kg, battery_depth, battery_efficiency : float
        Batteries [Wh/kg, 1, 1].
    fuel_kg_kwh, stack_kg_kw, electrolyser_kg_kw, stack_efficiency, electrolyser_efficiency : float
        Regenerative fuel cells, energy and power apart [kg/kWh, kg/kW, kg/kW, 1, 1].
    rtg_w_kg, rtg_loss_per_year : float
        Radioisotope generators [W/kg, 1/year].
    rtg_most : int
        Most of them: fuel is scarce.
    reactors : tuple of ReactorModel
        Sizes of reactors.
    panel_w : float
        One panel of array [W].
    battery_module_wh : float
        Rated energy of one battery module [Wh].
    tank_module_wh : float
        Stored energy of one set of tanks [Wh].
    stack_unit_w : float
        One fuel cell, and one electrolyser [W].
    rtg_unit_w : float
        One radioisotope generator [W].
    extent_m : float
        Vertical extent of the arrays about their middle [m].

    Examples
    --------
    >>> catalogue().battery_wh_kg, catalogue("heavy").battery_wh_kg
    (150.0, 100.0)
    """

    array_w_kg: float
    mast_kg_m: float
    base_kg: float
    mast_w: float
    battery_wh_kg: float
    battery_depth: float
    battery_efficiency: float
    fuel_kg_kwh: float
    stack_kg_kw: float
    electrolyser_kg_kw: float
    stack_efficiency: float
    electrolyser_efficiency: float
    rtg_w_kg: float
    rtg_loss_per_year: float
    rtg_most: int
    reactors: tuple[ReactorModel, ...]
    panel_w: float = 1000.0
    battery_module_wh: float = 5000.0
    tank_module_wh: float = 10_000.0
    stack_unit_w: float = 500.0
    rtg_unit_w: float = 285.0
    extent_m: float = 0.0


def catalogue(level: Level = "nominal", changed: Mapping[str, float] | None = None) -> Catalogue:
    """The table as one catalogue, with some numbers changed if wanted.

    Parameters
    ----------
    level : {"nominal", "light", "heavy"}
        Which end of all ranges.
    changed : mapping of str to float, optional
        Other values by the name in `figures`, or of a module size of `Catalogue`.

    Returns
    -------
    Catalogue

    Raises
    ------
    InputError
        If a value is not finite and above 0, an efficiency or depth above 1, or the level is unknown.
    UnknownNameError
        If a name is in neither.

    Examples
    --------
    >>> catalogue(changed={"battery_wh_kg": 260.0}).battery_wh_kg
    260.0
    """
    if level not in ("nominal", "light", "heavy"):
        raise InputError(f"is {level!r}", where="level", advice="use nominal, light or heavy")
    values = {figure.name: float(getattr(figure, level)) for figure in figures()}
    sizes: dict[str, float] = {}
    modules = {"panel_w", "battery_module_wh", "tank_module_wh", "stack_unit_w", "rtg_unit_w", "extent_m"}
    for name, value in (changed or {}).items():
        if name not in values and name not in modules:
            raise UnknownNameError(name, [*values, *sorted(modules)], kind="figure", where="changed")
        lowest = 0.0 if name in ("extent_m", "mast_kg_m", "base_kg") else np.nextafter(0.0, 1.0)
        highest = 1.0 if name.endswith(("_efficiency", "_depth")) else np.inf
        highest = 0.2 if name == "rtg_loss_per_year" else highest
        if not (np.isfinite(value) and lowest <= value <= highest):
            raise InputError(
                f"is {value}", where=f"changed[{name}]", advice=f"use more than 0, at most {highest:g}"
            )
        (values if name in values else sizes)[name] = float(value)
    reactors = tuple(
        ReactorModel(1000.0 * float(name.removeprefix("reactor-")), value)
        for name, value in values.items()
        if name.startswith("reactor-")
    )
    plain = {name: value for name, value in values.items() if not name.startswith(("reactor-", "rtg_most"))}
    return Catalogue(reactors=reactors, rtg_most=int(values["rtg_most"]), **plain, **sizes)
