"""A mix put to the proof: its plan, simulated through the whole period, and again with one module fewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.design.mix import MixChoice, StationMix
from moonpost.design.mixcuts import CutPool, unit_need
from moonpost.design.mixloads import as_one_bus, ground_of
from moonpost.design.mixparts import (
    MixPart,
    SourceOption,
    options,
    source_unit,
    storage_of,
    store_unit,
    unit_supply_w,
)
from moonpost.errors import ModelError
from moonpost.plan.elements import Element
from moonpost.plan.model import Plan
from moonpost.power.series import as_series

__all__ = ["Proof", "ProofRun", "mixed_plan", "prove_mix", "storage_needed_wh"]

_MISSION = "design-mix"
_ESTIMATE: Mapping[str, Any] = {"source": "moonpost design", "confidence": "C"}


def mixed_plan(plan: Plan, choice: MixChoice, mix: StationMix | None = None, *, fewer_modules: int = 0) -> Plan:
    """The plan of a bus with the power system of a mix, all of it there from the first instant.

    Parameters
    ----------
    plan : Plan
        The plan that the mix was found for.
    choice : MixChoice
        What was found.
    mix : StationMix, optional
        One of its mixes; the lightest if absent.
    fewer_modules : int
        Store modules left out.

    Returns
    -------
    Plan
        With the elements of the bus alone, brought by one mission that lands as the period begins.

    Raises
    ------
    ModelError
        If there are not so many modules.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.design.mix import lightest_mix
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.ones(96),
    ...     distance_m=np.full(96, 1.5e11))
    >>> dark = {2.0: (np.arange(96) % 48 < 40).astype(float)}
    >>> found = lightest_mix(load_plan("ilrs"), sun, dark, families=("solar-battery",))
    >>> [e.id for e in mixed_plan(load_plan("ilrs"), found).elements if e.kind == "power"]
    ['mix-array-1', 'mix-store']
    """
    mix = mix or choice.best
    scene = choice.scene
    owner = plan.partners[0].id
    elements = (*scene.elements, *_sources(choice, mix, owner), *_stores(choice, mix, owner, fewer_modules))
    return as_one_bus(plan, scene.sun.time[0], elements)


def _element(owner: str, identifier: str, name: str, **fields: Any) -> Element:
    return Element(
        id=identifier, name=name, owner=owner, kind="power", mission=_MISSION, bus="station", maturity="new",
        **fields, **_ESTIMATE,
    )  # fmt: skip


def _sources(choice: MixChoice, mix: StationMix, owner: str) -> list[Element]:
    """Arrays, generators and reactors of a mix as elements."""
    found: list[Element] = []
    for part in mix.parts:
        if part.item not in ("array", "radioisotope", "reactor"):
            continue
        generator = _generator(choice, part)
        name = part.item if part.mast_m is None else f"{part.mount} array at {part.mast_m:g} m"
        number = 1 + sum(element.id.startswith(f"mix-{part.item}") for element in found)
        found.append(
            _element(
                owner,
                f"mix-{part.item}-{number}",
                name.capitalize(),
                mass_kg=part.mass_kg / part.count,
                count=part.count if part.count <= 1000 else 1,
                generators=(generator,),
            )
        )
    return found


def _generator(choice: MixChoice, part: MixPart) -> Any:
    """One unit of a source as the mix was computed with it."""
    for option in options(choice.prices, choice.scene.masts_m, ("vertical-tracking", "two-axis", "horizontal")):
        if (option.item, option.mount, option.mast_m, option.rated_w) == (
            part.item, part.mount, part.mast_m, part.size,
        ):  # fmt: skip
            generator = option.generator
            if part.count > 1000 and part.item == "array":
                return generator.model_copy(update={"rated_w": part.count * part.size})
            return generator
    raise ModelError(f"{part.item} of {part.size:g} W is not in the catalogue", where="mix", advice="search anew")


def _stores(choice: MixChoice, mix: StationMix, owner: str, fewer: int) -> list[Element]:
    """The store of a mix as an element, with some modules left out."""
    if not 0 <= fewer <= mix.modules:
        raise ModelError(
            f"{fewer} modules fewer than {mix.modules}", where="fewer_modules", advice=f"use 0 to {mix.modules}"
        )
    if mix.store is None or fewer == mix.modules:
        return []
    counts = {part.item: part.count for part in mix.parts}
    storage = storage_of(
        choice.prices,
        mix.store,
        mix.modules - fewer,
        counts.get("electrolyser", 0),
        counts.get("fuel-cell", 0),
    )
    return [_element(owner, "mix-store", mix.store.replace("-", " ").capitalize(), storage=storage)]


@dataclass(frozen=True)
class ProofRun:
    """The store of one simulated design over the period.

    Parameters
    ----------
    modules : int
        Store modules.
    lowest_wh, reserve_wh : float
        Lowest charge, and the reserve, both of the rated energy with what the depth of discharge leaves [Wh].
    lowest : datetime64 or None
        When it was lowest; None without a store.
    dips : datetime64 or None
        When it first fell below the reserve; None if it never did.
    days_below : float
        Time spent below the reserve or without power, to the step of the series [d].
    shed_wh : float
        Energy that loads asked for and did not get [Wh].

    Examples
    --------
    >>> ProofRun(3, 5.0, 4.0, None, None, 0.0, 0.0).holds
    True
    """

    modules: int
    lowest_wh: float
    reserve_wh: float
    lowest: np.datetime64 | None
    dips: np.datetime64 | None
    days_below: float
    shed_wh: float

    @property
    def holds(self) -> bool:
        """Whether it never fell below the reserve."""
        return self.dips is None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, times as text.

        Returns
        -------
        dict
        """
        plain = asdict(self) | {"holds": self.holds}
        return {
            name: str(value.astype("datetime64[s]")) + "Z" if isinstance(value, np.datetime64) else value
            for name, value in plain.items()
        }


@dataclass(frozen=True)
class Proof:
    """A design simulated as it is and with one store module fewer.

    Parameters
    ----------
    years : float
        Simulated [years].
    design : ProofRun
        As it is.
    fewer : ProofRun or None
        With one module fewer; None if it has no store.
    energy_residual_relative : float
        Energy that the simulations could not account for, over what passed [1].

    Examples
    --------
    >>> run = ProofRun(3, 5.0, 4.0, None, None, 0.0, 0.0)
    >>> Proof(19.0, run, None, 0.0).holds
    True
    """

    years: float
    design: ProofRun
    fewer: ProofRun | None
    energy_residual_relative: float

    @property
    def holds(self) -> bool:
        """Whether the design never dips below its reserve."""
        return self.design.holds

    @property
    def tight(self) -> bool | None:
        """Whether one module fewer dips below it; None if there is no store."""
        return None if self.fewer is None else not self.fewer.holds

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
        """
        return {
            "years": self.years,
            "holds": self.holds,
            "tight": self.tight,
            "design": self.design.to_dict(),
            "fewer": None if self.fewer is None else self.fewer.to_dict(),
            "energy_residual_relative": self.energy_residual_relative,
        }


def prove_mix(plan: Plan, choice: MixChoice, mix: StationMix | None = None) -> Proof:
    """Simulate a mix through its whole period, and again with one store module fewer.

    Parameters
    ----------
    plan : Plan
        The plan that the mix was found for.
    choice : MixChoice
        What was found.
    mix : StationMix, optional
        One of its mixes; the lightest if absent.

    Returns
    -------
    Proof

    Raises
    ------
    ModelError, InputError
        As `moonpost.operations.simulate`.

    Notes
    -----
    By `moonpost.operations.simulate` with all margins on the loads: other code than the search. The reserve is
    what the depth of discharge leaves, and the part of the usable energy that was asked for besides. A store
    that runs empty between two instants of the series is seen by its event.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.design.mix import lightest_mix
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.ones(96),
    ...     distance_m=np.full(96, 1.5e11))
    >>> dark = {2.0: (np.arange(96) % 48 < 40).astype(float)}
    >>> plan = load_plan("ilrs")
    >>> proof = prove_mix(plan, lightest_mix(plan, sun, dark, families=("solar-battery",)))
    >>> proof.holds, proof.tight
    (True, True)
    """
    mix = mix or choice.best
    design, first = _run(plan, choice, mix, 0)
    fewer, second = _run(plan, choice, mix, 1) if mix.modules else (None, 0.0)
    return Proof(float(choice.scene.years[-1]), design, fewer, max(first, second))


def _run(plan: Plan, choice: MixChoice, mix: StationMix, fewer: int) -> tuple[ProofRun, float]:
    """One simulation, read for its store."""
    from moonpost.operations.simulation import light_heights_m, simulate

    changed = mixed_plan(plan, choice, mix, fewer_modules=fewer)
    scene = choice.scene
    light = {height_m: scene.light_by_mast[height_m] for height_m in light_heights_m(changed)}
    more: dict[str, Any] = {}
    if (ground := ground_of(changed.elements, scene.years.size)) is not None:
        more["surface_k"] = ground
    found = simulate(changed, scene.sun, light, margins=True, light_mode_above=scene.light_mode_above, **more)
    series = found.series.sel(bus="station")
    usable, stored = series["usable_wh"].values, series["stored_wh"].values
    modules = mix.modules - fewer
    unusable_wh = (mix.rated_wh - mix.usable_wh) * (modules / mix.modules if mix.modules else 0.0)
    kept_wh = choice.reserve * float(usable.max(initial=0.0))
    time = found.series["time"].values.astype("datetime64[ms]")
    below = stored < kept_wh - 1e-6 * usable
    shed_wh = sum(balance.shed_wh for balance in found.balances if balance.bus == "station")
    early = [event.time for event in found.events if event.subject == "station" and event.kind == "shed-begins"]
    dips = [*time[below][:1], *early[:1]]
    step_d = float((time[1] - time[0]) / np.timedelta64(1, "ms")) / 86_400_000.0
    short = below | (series["shed_w"].values > 0.0)
    k = int(np.argmin(stored))
    empty = bool(early)
    return (
        ProofRun(
            modules=modules,
            lowest_wh=unusable_wh + (0.0 if empty else float(stored[k])),
            reserve_wh=unusable_wh + kept_wh,
            lowest=None if not mix.modules else (early[0] if empty else time[k]),
            dips=min(dips, default=None),
            days_below=float(short.sum()) * step_d,
            shed_wh=float(shed_wh),
        ),
        float(found.energy_residual_relative),
    )


def storage_needed_wh(choice: MixChoice, mix: StationMix, light_by_mast: Mapping[float, npt.ArrayLike]) -> float:
    """Usable energy that the store of a mix needs in another light.

    Parameters
    ----------
    choice : MixChoice
        What was found.
    mix : StationMix
        One of its mixes; all of it but the energy of its store is kept.
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height above ground, at the same times, for every height of its
        arrays [m].

    Returns
    -------
    float
        Counted inside the store; infinite where in some year the sources bring less than the loads take [Wh].

    Raises
    ------
    InputError
        If the light cannot be used or a height is missing.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from moonpost.design.mix import lightest_mix
    >>> from moonpost.plan import load_plan
    >>> time = np.datetime64("2035-01-01", "ms") + np.arange(96) * np.timedelta64(3600, "s")
    >>> sun = SimpleNamespace(time=time, azimuth_deg=np.zeros(96), elevation_deg=np.ones(96),
    ...     distance_m=np.full(96, 1.5e11))
    >>> dark = {2.0: (np.arange(96) % 48 < 40).astype(float)}
    >>> found = lightest_mix(load_plan("ilrs"), sun, dark, families=("solar-battery",))
    >>> storage_needed_wh(found, found.best, dark) == found.best.needed_wh
    True
    """
    scene = choice.scene
    light = {
        float(h): as_series(row, f"light_by_mast[{h:g}]", length=scene.years.size, low=0.0, high=1.0)
        for h, row in light_by_mast.items()
    }
    heights = sorted({part.mast_m for part in mix.parts if part.mast_m is not None})
    other = replace(scene, light_by_mast=light, masts_m=tuple(heights) or scene.masts_m)
    units, counts = [], []
    for part in mix.parts:
        if part.item not in ("array", "radioisotope", "reactor"):
            continue
        option = SourceOption(part.item, _generator(choice, part), 0.0, 0.0, 1)
        supply = unit_supply_w(option, scene.sun, light, scene.years, scene.rules)
        units.append(source_unit(option, supply, part.count))
        counts.append(part.count)
    load_w = other.load_w(max(heights, default=scene.masts_m[0]))
    pool = CutPool(scene.hours, load_w, units, store_unit(choice.prices, mix.store or "battery"))
    number = np.asarray(counts, dtype=np.float64)
    if any(float(gains @ number) < asked for gains, *_, asked in pool.rows):
        return float("inf")
    charging = sum(part.count * part.size for part in mix.parts if part.item == "electrolyser")
    return unit_need(pool, number, charge_w=charging if mix.store == "fuel-cell" else np.inf).usable_wh
