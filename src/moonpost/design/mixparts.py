"""What a mix is made of: units of sources and stores from the catalogue, and the parts of a finished mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from moonpost.design.catalogue import Catalogue
from moonpost.design.mixcuts import SourceUnit, StoreUnit
from moonpost.plan.elements import Element, Generator, Radioisotope, Reactor, SolarArray, Storage
from moonpost.plan.model import DesignRules
from moonpost.power.series import FloatSeries, SunView
from moonpost.power.sources import element_supply_w

__all__ = [
    "BASE_SHARE",
    "MixPart",
    "SourceOption",
    "options",
    "source_unit",
    "storage_of",
    "store_unit",
    "unit_supply_w",
]

Mount = Literal["horizontal", "vertical-tracking", "two-axis", "fixed"]
StoreKind = Literal["battery", "fuel-cell"]

BASE_SHARE: Mapping[str, float] = {"vertical-tracking": 1.0, "two-axis": 1.3, "horizontal": 0.4}
"""Mass of a base over that of a mast that turns in azimuth: a second axis adds 30 %, an array flat above the
ground needs neither mast nor turning; estimates."""

_FOREVER_YEARS = 1000.0
_THERMAL = 4400.0 / 285.0
"""Heat over power of a GPHS-RTG (Bennett 2006)."""


@dataclass(frozen=True)
class MixPart:
    """One kind of part of a mix.

    Parameters
    ----------
    item : str
        ``"array"``, ``"mast"``, ``"battery"``, ``"tanks"``, ``"fuel-cell"``, ``"electrolyser"``,
        ``"radioisotope"`` or ``"reactor"``.
    count : int
        How many modules or units.
    size, unit : float, str
        Of each: rated power, rated energy, or the height of a mast [W, Wh, m].
    mass_kg : float
        All of them [kg].
    mount : str or None
        Of an array.
    mast_m : float or None
        Height of the middle of an array [m].

    Examples
    --------
    >>> MixPart("battery", 4, 5000.0, "Wh", 133.3, None, None).count
    4
    """

    item: str
    count: int
    size: float
    unit: str
    mass_kg: float
    mount: str | None
    mast_m: float | None


@dataclass(frozen=True)
class SourceOption:
    """A source that a mix may have.

    Parameters
    ----------
    item : str
        As in `MixPart`.
    generator : SolarArray, Radioisotope or Reactor
        One unit.
    mass_kg : float
        Of one unit [kg].
    carrier_kg : float
        Of its mast [kg].
    per_carrier : int
        Units for each mast.

    Examples
    --------
    >>> SourceOption("reactor", Reactor(kind="reactor", electric_w=1e4), 2750.0, 0.0, 1).rated_w
    10000.0
    """

    item: str
    generator: Generator
    mass_kg: float
    carrier_kg: float
    per_carrier: int

    @property
    def rated_w(self) -> float:
        """Rated power of one unit [W]."""
        return self.generator.rated_w if isinstance(self.generator, SolarArray) else self.generator.electric_w

    @property
    def mast_m(self) -> float | None:
        """Height of the middle of an array; None for other sources [m]."""
        return self.generator.mast_m if isinstance(self.generator, SolarArray) else None

    @property
    def mount(self) -> str | None:
        """How an array is mounted; None for other sources."""
        return self.generator.mount if isinstance(self.generator, SolarArray) else None


def options(prices: Catalogue, masts_m: tuple[float, ...], mounts: tuple[str, ...]) -> tuple[SourceOption, ...]:
    """Every source that a mix may have.

    Parameters
    ----------
    prices : Catalogue
        Masses and sizes.
    masts_m : tuple of float
        Heights of arrays, lowest first [m].
    mounts : tuple of str
        Of ``"vertical-tracking"``, ``"two-axis"`` and ``"horizontal"``; the last stands at the lowest height.

    Returns
    -------
    tuple of SourceOption
        Arrays first, then radioisotope generators and reactors.

    Examples
    --------
    >>> from moonpost.design.catalogue import catalogue
    >>> [row.item for row in options(catalogue(), (2.0,), ("two-axis",))][:2]
    ['array', 'radioisotope']
    """
    found = [
        _array(prices, mount, mast_m)
        for mast_m in masts_m
        for mount in mounts
        if mount != "horizontal" or mast_m == masts_m[0]
    ]
    half_life = float(np.log(0.5) / np.log(1.0 - prices.rtg_loss_per_year))
    rtg = Radioisotope(
        kind="radioisotope",
        electric_w=prices.rtg_unit_w,
        thermal_w=prices.rtg_unit_w * _THERMAL,
        half_life_years=half_life,
    )
    found.append(SourceOption("radioisotope", rtg, prices.rtg_unit_w / prices.rtg_w_kg, 0.0, 1))
    found += [
        SourceOption(
            "reactor",
            Reactor(kind="reactor", electric_w=model.electric_w, life_years=_FOREVER_YEARS),
            model.mass_kg,
            0.0,
            1,
        )
        for model in prices.reactors
    ]
    return tuple(found)


def _array(prices: Catalogue, mount: str, mast_m: float) -> SourceOption:
    extent_m = 0.0 if mount == "horizontal" else min(prices.extent_m, 2.0 * mast_m)
    panel = SolarArray.model_validate(
        {"kind": "solar", "rated_w": prices.panel_w, "mount": mount, "mast_m": mast_m, "height_m": extent_m}
    )
    carrier_kg = prices.base_kg * BASE_SHARE[mount]
    if mount != "horizontal":
        carrier_kg += prices.mast_kg_m * mast_m
    per_carrier = max(1, round(prices.mast_w / prices.panel_w))
    return SourceOption("array", panel, prices.panel_w / prices.array_w_kg, carrier_kg, per_carrier)


def unit_supply_w(
    option: SourceOption,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    service_years: npt.ArrayLike,
    rules: DesignRules,
) -> FloatSeries:
    """What one unit of a source brings to the bus.

    Parameters
    ----------
    option : SourceOption
        The source.
    sun : SunView
        The Sun from the site, (n,).
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    service_years : array-like, (n,)
        Years since start of life [years].
    rules : DesignRules
        Losses of arrays and of the bus.

    Returns
    -------
    ndarray, (n,)
        [W]

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> sun = SimpleNamespace(time=np.zeros(1, "datetime64[ms]"), azimuth_deg=np.zeros(1),
    ...     elevation_deg=np.zeros(1), distance_m=np.full(1, 1.5e11))
    >>> rules = DesignRules(start="2035", bus_efficiency=0.9, source="example", confidence="C")
    >>> plant = SourceOption("reactor", Reactor(kind="reactor", electric_w=1e4), 2750.0, 0.0, 1)
    >>> unit_supply_w(plant, sun, {}, 0.0, rules)
    array([9000.])
    """
    element = Element(
        id="unit", name="Unit", owner="mix", kind="power", mission="mix", maturity="new",
        generators=(option.generator,), source="catalogue", confidence="C",
    )  # fmt: skip
    return rules.bus_efficiency * element_supply_w(element, sun, light_by_mast, service_years, rules)


def source_unit(option: SourceOption, supply_w: FloatSeries, most: int) -> SourceUnit:
    """A source for the integer program.

    Parameters
    ----------
    option : SourceOption
        The source.
    supply_w : ndarray, (m,)
        What one unit brings to the bus at every instant [W].
    most : int
        Most units.

    Returns
    -------
    SourceUnit

    Examples
    --------
    >>> plant = SourceOption("reactor", Reactor(kind="reactor", electric_w=1e4), 2750.0, 0.0, 1)
    >>> source_unit(plant, np.ones(2), 5).name
    'reactor of 10 kW'
    """
    name = option.item if option.mast_m is None else f"{option.mount} array at {option.mast_m:g} m"
    if option.item == "reactor":
        name = f"reactor of {option.rated_w / 1e3:g} kW"
    return SourceUnit(name, supply_w, option.mass_kg, option.carrier_kg, option.per_carrier, most)


def store_unit(prices: Catalogue, kind: StoreKind) -> StoreUnit:
    """One module of a store for the integer program.

    Parameters
    ----------
    prices : Catalogue
        Masses and sizes.
    kind : {"battery", "fuel-cell"}
        Which.

    Returns
    -------
    StoreUnit

    Examples
    --------
    >>> from moonpost.design.catalogue import catalogue
    >>> store_unit(catalogue(), "battery").usable_wh
    4000.0
    """
    if kind == "battery":
        module_wh = prices.battery_module_wh
        return StoreUnit(
            "battery",
            module_wh * prices.battery_depth,
            module_wh / prices.battery_wh_kg,
            prices.battery_efficiency,
            prices.battery_efficiency,
        )
    unit_w = prices.stack_unit_w
    return StoreUnit(
        "fuel cell",
        prices.tank_module_wh,
        prices.tank_module_wh * prices.fuel_kg_kwh / 1e3,
        prices.electrolyser_efficiency,
        prices.stack_efficiency,
        unit_w,
        unit_w * prices.electrolyser_kg_kw / 1e3,
        unit_w,
        unit_w * prices.stack_kg_kw / 1e3,
    )


def storage_of(
    prices: Catalogue, kind: StoreKind, modules: int, charge_units: int, discharge_units: int
) -> Storage | None:
    """The store of a mix as a row of a plan; None if it has no modules.

    Parameters
    ----------
    prices : Catalogue
        Masses and sizes.
    kind : {"battery", "fuel-cell"}
        Which.
    modules, charge_units, discharge_units : int
        How many of each.

    Returns
    -------
    Storage or None

    Examples
    --------
    >>> from moonpost.design.catalogue import catalogue
    >>> storage_of(catalogue(), "battery", 3, 0, 0).capacity_wh
    15000.0
    """
    if modules == 0:
        return None
    unit = store_unit(prices, kind)
    mass_kg = modules * unit.mass_kg + charge_units * unit.charge_kg + discharge_units * unit.discharge_kg
    rated_wh = modules * (prices.battery_module_wh if kind == "battery" else prices.tank_module_wh)
    powers = {}
    if kind == "fuel-cell":
        powers = {
            "charge_w": max(charge_units * prices.stack_unit_w, 1e-9),
            "discharge_w": max(discharge_units * prices.stack_unit_w, 1e-9),
        }
    return Storage(
        kind=kind,
        capacity_wh=rated_wh,
        depth_of_discharge=prices.battery_depth if kind == "battery" else 1.0,
        charge_efficiency=unit.charge_efficiency,
        discharge_efficiency=unit.discharge_efficiency,
        specific_energy_wh_kg=rated_wh / mass_kg,
        modules=min(modules, 1000),
        **powers,
    )
