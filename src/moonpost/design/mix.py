"""The lightest mix of arrays, batteries, fuel cells, radioisotope generators and reactors for a real site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.design.catalogue import Catalogue, catalogue
from moonpost.design.mixcuts import CutPool, SourceUnit, UnitMix, lightest_units
from moonpost.design.mixparts import (
    BASE_SHARE,
    MixPart,
    SourceOption,
    options,
    source_unit,
    storage_of,
    store_unit,
    unit_supply_w,
)
from moonpost.design.mixscene import Scene, scene_of
from moonpost.errors import InputError, ModelError
from moonpost.plan.elements import Storage
from moonpost.plan.model import Plan
from moonpost.power.series import SunView

__all__ = ["FAMILIES", "MixChoice", "MixSearch", "StationMix", "lightest_mix"]

Family = Literal["solar-battery", "solar-fuel-cell", "radioisotope", "reactor", "any"]
StoreKind = Literal["battery", "fuel-cell"]

FAMILIES: Mapping[str, tuple[tuple[str, ...], tuple[StoreKind, ...]]] = {
    "solar-battery": (("array",), ("battery",)),
    "solar-fuel-cell": (("array",), ("fuel-cell",)),
    "radioisotope": (("radioisotope",), ("battery",)),
    "reactor": (("reactor",), ("battery",)),
    "any": (("array", "radioisotope", "reactor"), ("battery", "fuel-cell")),
}
"""What each family may have: sources, and one of the stores."""

_MOST = {"array": 5000, "reactor": 50}
_MOUNTS = ("vertical-tracking", "two-axis", "horizontal")


@dataclass(frozen=True)
class StationMix:
    """The lightest mix of one family.

    Parameters
    ----------
    family : str
        See `FAMILIES`.
    parts : tuple of MixPart
        What it is made of; masts apart from arrays.
    mass_kg : float
        All of it, without margin [kg].
    bound_kg : float
        No mix of the family and store is lighter: the bound of the integer program [kg].
    mast_m : float or None
        Highest mast; None without arrays [m].
    store : {"battery", "fuel-cell"} or None
        Which store it has.
    modules : int
        Modules of the store.
    rated_wh, usable_wh, reserve_wh : float
        Rated energy of the store, what its depth of discharge leaves, and the charge, of the rated energy, below
        which it never falls [Wh].
    needed_wh : float
        Deepest drawdown, counted inside the store [Wh].
    deficit_start, deficit_stop : datetime64 or None
        When that is.
    discharge_w : float
        Largest power from the store [W].
    spare_modules : int
        Modules that could fail with the reserve still untouched; 0 for a lightest mix of whole modules.
    rounds, windows : int
        Solutions tried, and windows of the sequent peak that became constraints.
    intervals : int
        Intervals of the exact run that accepted it.
    storage : Storage or None
        The store as a row of a plan.

    Examples
    --------
    >>> from moonpost.design import lightest_mix  # see there
    """

    family: str
    parts: tuple[MixPart, ...]
    mass_kg: float
    bound_kg: float
    mast_m: float | None
    store: StoreKind | None
    modules: int
    rated_wh: float
    usable_wh: float
    reserve_wh: float
    needed_wh: float
    deficit_start: np.datetime64 | None
    deficit_stop: np.datetime64 | None
    discharge_w: float
    spare_modules: int
    rounds: int
    windows: int
    intervals: int
    storage: Storage | None = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, times as text.

        Returns
        -------
        dict
        """
        plain = asdict(replace(self, storage=None))
        plain.pop("storage")
        for name in ("deficit_start", "deficit_stop"):
            value = plain[name]
            plain[name] = None if value is None else str(value.astype("datetime64[s]")) + "Z"
        return plain


@dataclass(frozen=True)
class MixChoice:
    """The lightest mix of every family, and the lightest of all.

    Parameters
    ----------
    mixes : mapping of str to StationMix or None
        By family; None where no number of units carries the load.
    statements : tuple of str
        What the answer takes for granted.
    scene : Scene
        Loads and light that they were found for.
    prices : Catalogue
        Masses that they were found with.
    reserve : float
        Part of the usable energy kept besides what the depth of discharge leaves [1].

    Examples
    --------
    >>> from moonpost.design import lightest_mix  # see there
    """

    mixes: Mapping[str, StationMix | None]
    statements: tuple[str, ...]
    scene: Scene = field(repr=False)
    prices: Catalogue = field(repr=False)
    reserve: float
    _search: MixSearch | None = field(default=None, repr=False, compare=False)

    @property
    def best(self) -> StationMix:
        """The lightest of all.

        Raises
        ------
        ModelError
            If no family carries the load.
        """
        found = [mix for mix in self.mixes.values() if mix is not None]
        if not found:
            raise ModelError("no family carries the load", where="mix", advice="offer more kinds of sources")
        return min(found, key=lambda mix: mix.mass_kg)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
            The lightest mix, and besides all families and statements.
        """
        return {
            **self.best.to_dict(),
            "families": {name: None if mix is None else mix.to_dict() for name, mix in self.mixes.items()},
            "statements": list(self.statements),
        }


def lightest_mix(
    plan: Plan,
    sun: SunView,
    light_by_mast: Mapping[float, npt.ArrayLike],
    *,
    masts_m: tuple[float, ...] | None = None,
    mounts: tuple[str, ...] = _MOUNTS,
    families: tuple[str, ...] = tuple(FAMILIES),
    prices: Catalogue | None = None,
    reserve: float = 0.0,
    light_mode_above: float = 0.0,
    bus: str = "station",
) -> MixChoice:
    """The lightest power system for a plan's loads in the real light of its site.

    Parameters
    ----------
    plan : Plan
        Its loads and losses; its own sources and stores on the bus are replaced.
    sun : SunView
        The Sun from the site at even steps, (n,); its times are the period.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground [m].
    masts_m : tuple of float, optional
        Heights of arrays to choose from; all of `light_by_mast` if absent [m].
    mounts : tuple of str
        Of ``"vertical-tracking"``, ``"two-axis"`` and ``"horizontal"``.
    families : tuple of str
        See `FAMILIES`.
    prices : Catalogue, optional
        Masses; `catalogue()` if absent.
    reserve : float
        Part of the usable energy never touched, besides what the depth of discharge leaves [1].
    light_mode_above : float
        Elements run their light modes only while more than this fraction of the disc is in view [1].
    bus : str
        ``"station"``, or an element that lives on its own sources.

    Returns
    -------
    MixChoice

    Raises
    ------
    InputError
        If a series cannot be used, or a family, mount or height is not known.
    ModelError
        If nothing on the bus draws power.
    UnknownNameError
        If the plan has no such bus.

    Notes
    -----
    Whole panels, masts, modules and units; see `lightest_units` for how the storage condition is kept exactly.
    Series are means of their steps, as in `moonpost.operations.simulate`. Loads run their light modes while the
    Sun is in view at any array: the program is solved for each highest mast. A bus has one kind of store. Sources
    are there from the first instant at age 0; reactors and stores are replaced in time.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.ones(96),
    ...     distance_m=np.full(96, 1.5e11))
    >>> dark = (np.arange(96) % 48 < 40).astype(float)
    >>> found = lightest_mix(load_plan("ilrs"), sun, {2.0: dark, 10.0: dark}, families=("solar-battery",))
    >>> found.best.mast_m
    2.0
    """
    unknown = [name for name in families if name not in FAMILIES] + [m for m in mounts if m not in BASE_SHARE]
    if unknown or not families or not mounts:
        raise InputError(
            f"{unknown[0]!r} is unknown" if unknown else "nothing is offered",
            where="families",
            advice=f"families: {', '.join(FAMILIES)}; mounts: {', '.join(BASE_SHARE)}",
        )
    prices = prices or catalogue()
    scene = scene_of(plan, sun, light_by_mast, masts_m=masts_m, light_mode_above=light_mode_above, bus=bus,
                     extent_m=prices.extent_m)  # fmt: skip
    if not scene.draws:
        raise ModelError("nothing draws power", where=bus, advice="give its elements modes with power_w")
    search = MixSearch(scene, prices, reserve, tuple(m for m in _MOUNTS if m in mounts))
    mixes = {name: search.family(name) for name in families}
    if "any" in mixes:
        mixes["any"] = min((m for m in mixes.values() if m is not None), key=lambda m: m.mass_kg, default=None)
    return MixChoice(mixes, scene.statements(reserve), scene, prices, reserve, search)


class MixSearch:
    """The search over heights and stores, with windows shared between families.

    Parameters
    ----------
    scene : Scene
        Loads and light.
    prices : Catalogue
        Masses.
    reserve : float
        Part of the usable energy never touched [1].
    mounts : tuple of str
        How arrays may be mounted.
    base : MixSearch, optional
        A search in the same scene with other masses, whose supplies and windows are used again.

    Examples
    --------
    >>> from moonpost.design.mix import lightest_mix  # see there
    """

    def __init__(
        self,
        scene: Scene,
        prices: Catalogue,
        reserve: float,
        mounts: tuple[str, ...],
        base: MixSearch | None = None,
    ) -> None:
        self.scene, self.prices, self.reserve, self.mounts, self.base = scene, prices, reserve, mounts, base
        self.offered = options(prices, scene.masts_m, mounts)
        self.most = {**_MOST, "radioisotope": prices.rtg_most}
        self.pools: dict[tuple[float, str], CutPool] = {}
        self.units = [self._unit(index, option) for index, option in enumerate(self.offered)]

    def _unit(self, index: int, option: SourceOption) -> SourceUnit:
        base, scene = self.base, self.scene
        if base is not None and base.offered[index].generator == option.generator:
            supply = base.units[index].supply_w
        else:
            supply = unit_supply_w(option, scene.sun, scene.light_by_mast, scene.years, scene.rules)
        return source_unit(option, supply, self.most[option.item])

    def pool(self, mast_m: float, store: StoreKind) -> CutPool:
        """The program for a highest mast and a store."""
        if (mast_m, store) not in self.pools:
            unit = store_unit(self.prices, store)
            pool = CutPool(self.scene.hours, self.scene.load_w(mast_m), self.units, unit, self.reserve)
            known = self.base.pools.get((mast_m, store)) if self.base is not None else None
            if known is not None and self._same(known):
                pool.rows = list(known.rows)
            self.pools[mast_m, store] = pool
        return self.pools[mast_m, store]

    def _same(self, known: CutPool) -> bool:
        """Whether windows of another program hold: the same supplies and efficiencies."""
        assert self.base is not None
        mine = [option.generator for option in self.offered]
        rates = [
            (unit.charge_efficiency, unit.discharge_efficiency)
            for unit in (known.store, store_unit(self.prices, "battery"), store_unit(self.prices, "fuel-cell"))
            if unit is not None
        ]
        return mine == [option.generator for option in self.base.offered] and rates[0] in rates[1:]

    def family(self, name: str) -> StationMix | None:
        """The lightest mix of a family."""
        items, stores = FAMILIES[name]
        masts_m = self.scene.masts_m if "array" in items else self.scene.masts_m[:1]
        best: StationMix | None = None
        for store in stores:
            for mast_m in masts_m:
                cutoff_kg = np.inf if best is None else best.mass_kg - 1e-6
                found = self.one(name, store, mast_m, cutoff_kg)
                best = found or best
        return best

    def one(self, name: str, store: StoreKind, mast_m: float, cutoff_kg: float = np.inf) -> StationMix | None:
        """The lightest mix of a family with one store and a highest mast; None if none is below the cutoff."""
        items = FAMILIES[name][0]
        pool = self.pool(mast_m, store)
        most = [
            self.most[o.item] if o.item in items and (o.mast_m is None or o.mast_m <= mast_m) else 0
            for o in self.offered
        ]
        try:
            found = lightest_units(pool, cutoff_kg=cutoff_kg, most=most)
        except ModelError:
            return None
        return None if found is None else self._mix(name, store, found)

    def _mix(self, name: str, store: StoreKind, found: UnitMix) -> StationMix:
        parts = (*self._source_parts(found), *_store_parts(self.prices, store, found))
        unit = store_unit(self.prices, store)
        usable_wh = found.modules * unit.usable_wh
        kept_wh = usable_wh * (1.0 - self.reserve)
        storage = storage_of(self.prices, store, found.modules, found.charge_units, found.discharge_units)
        rated_wh = storage.capacity_wh if storage is not None else 0.0
        heights = [part.mast_m for part in parts if part.mast_m is not None]
        return StationMix(
            family=name,
            parts=parts,
            mass_kg=found.mass_kg,
            bound_kg=min(found.bound_kg, found.mass_kg),
            mast_m=max(heights, default=None),
            store=store if found.modules else None,
            modules=found.modules,
            rated_wh=rated_wh,
            usable_wh=usable_wh,
            reserve_wh=rated_wh - kept_wh,
            needed_wh=found.need.usable_wh,
            deficit_start=self.scene.instant(found.need.start),
            deficit_stop=self.scene.instant(found.need.deepest + 1) if found.need.deepest >= 0 else None,
            discharge_w=found.need.discharge_w,
            spare_modules=int((kept_wh - found.need.usable_wh) // (unit.usable_wh * (1.0 - self.reserve))),
            rounds=found.rounds,
            windows=found.cuts,
            intervals=self.scene.hours.size,
            storage=storage,
        )

    def _source_parts(self, found: UnitMix) -> list[MixPart]:
        parts = []
        for option, count, carriers in zip(self.offered, found.sources, found.carriers, strict=True):
            if not count:
                continue
            mass_kg = count * option.mass_kg
            parts.append(MixPart(option.item, count, option.rated_w, "W", mass_kg, option.mount, option.mast_m))
            if carriers:
                mass_kg = carriers * option.carrier_kg
                parts.append(
                    MixPart("mast", carriers, option.mast_m or 0.0, "m", mass_kg, option.mount, option.mast_m)
                )
        return parts


def _store_parts(prices: Catalogue, kind: StoreKind, found: UnitMix) -> list[MixPart]:
    unit = store_unit(prices, kind)
    if kind == "battery":
        rows = [("battery", found.modules, prices.battery_module_wh, "Wh", unit.mass_kg)]
    else:
        rows = [
            ("tanks", found.modules, prices.tank_module_wh, "Wh", unit.mass_kg),
            ("electrolyser", found.charge_units, prices.stack_unit_w, "W", unit.charge_kg),
            ("fuel-cell", found.discharge_units, prices.stack_unit_w, "W", unit.discharge_kg),
        ]
    return [
        MixPart(item, count, size, text, count * each_kg, None, None)
        for item, count, size, text, each_kg in rows
        if count
    ]
