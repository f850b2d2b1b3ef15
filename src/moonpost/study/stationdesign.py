"""Design a plan's station in the real light of its site: mix, crossover, budgets, and what is sure about them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.design import (
    BudgetLine,
    Crossover,
    MassEffect,
    MixChoice,
    Proof,
    StationMix,
    StorageSizing,
    Way,
    catalogue,
    close_data,
    close_energy,
    close_link,
    close_mass,
    close_power,
    crossover,
    data_line,
    energy_line,
    lightest_mix,
    link_lines,
    mass_budget,
    mass_lines,
    mix_effects,
    mixed_plan,
    power_budget,
    power_lines,
    prove_mix,
    size_storage,
)
from moonpost.design.mixplan import storage_needed_wh
from moonpost.design.mixscene import consumers, heights_needed_m, replaced
from moonpost.errors import InputError, ModelError, TerrainError
from moonpost.plan import Plan, SurfaceStation
from moonpost.power import MATURITY_MARGIN, NeedSpread, need_over_members, power_groups
from moonpost.study.context import Context, site_profile
from moonpost.study.phases import PHASES
from moonpost.study.phases.contacts import contact_rows
from moonpost.study.phases.design import LightAt, apparent_sun, sun_view
from moonpost.study.progress import bars
from moonpost.study.results import DesignResult
from moonpost.study.run import planned_context

if TYPE_CHECKING:
    from moonpost.design import Catalogue

__all__ = ["StationDesign", "design_station"]

_YEAR = np.timedelta64(round(365.25 * 86400), "s")


@dataclass(frozen=True)
class StationDesign:
    """The design of a plan's station.

    Parameters
    ----------
    result : DesignResult
        Loads, storage as planned, masses and sensitivities: the phase ``"design"`` of a study.
    choice : MixChoice or None
        The lightest mixes for the plan's loads; None if nothing on the station's bus draws power.
    chart : Crossover
        Total mass against a constant load.
    lines : tuple of BudgetLine
        Budgets of mass, power, energy, data and link.
    ways : tuple of Way
        What would close those that do not.
    effects : tuple of MassEffect
        What each number of the catalogue does to the mass of the lightest mix.
    spread : NeedSpread or None
        Usable energy that the store of the lightest mix needs over terrain errors; None without a store.
    proof : Proof or None
        The lightest mix simulated, if asked for.
    plan : Plan
        The plan.

    Examples
    --------
    >>> from moonpost.study import design_station  # see docs/design.md
    """

    result: DesignResult
    choice: MixChoice | None
    chart: Crossover
    lines: tuple[BudgetLine, ...]
    ways: tuple[Way, ...]
    effects: tuple[MassEffect, ...]
    spread: NeedSpread | None
    proof: Proof | None
    plan: Plan = field(repr=False)

    @property
    def mix(self) -> StationMix:
        """The lightest mix.

        Raises
        ------
        ModelError
            If nothing draws power, or no mix carries the load.
        """
        return self._found().best

    def mixed_plan(self) -> Plan:
        """The plan of the station with the lightest mix, all of it there from the first instant."""
        return mixed_plan(self.plan, self._found())

    def _found(self) -> MixChoice:
        if self.choice is None:
            raise ModelError("nothing draws power", where="station", advice="give its elements modes with power_w")
        return self.choice

    @property
    def carried(self) -> bool:
        """Whether there is a mix that carries the loads."""
        return self.choice is not None and any(mix is not None for mix in self.choice.mixes.values())

    def masses(self) -> dict[str, float | None]:
        """Mass of the lightest mix with the margins of new equipment, and that of what it replaces likewise [kg].

        Returns
        -------
        dict
            `mass_with_margin_kg`; `replaced_kg` and `replaced_with_margin_kg`, None where a mass is not known.
        """
        system = 1.0 + self.plan.design.system_margin
        old = [(e.best_mass_kg, e.count, MATURITY_MARGIN[e.maturity]) for e in replaced(self.plan)]
        known = all(mass is not None for mass, _, _ in old)
        return {
            "mass_with_margin_kg": self.mix.mass_kg * (1.0 + MATURITY_MARGIN["new"]) * system,
            "replaced_kg": sum((mass or 0.0) * count for mass, count, _ in old) if known else None,
            "replaced_with_margin_kg": (
                sum((mass or 0.0) * count * (1.0 + margin) for mass, count, margin in old) * system
                if known
                else None
            ),
        }

    def quantile(self, name: str) -> dict[str, Any] | None:
        """The lightest mix with the store that a share of the terrain errors needs.

        Parameters
        ----------
        name : {"p50", "p95"}
            Which share.

        Returns
        -------
        dict or None
            Usable energy needed, modules and mass; energies None where no store is enough.
        """
        if self.spread is None:
            return None
        needed_wh = getattr(self.spread, name)
        if not np.isfinite(needed_wh):
            return {"needed_wh": None, "modules": None, "mass_kg": None, "members": len(self.spread.values)}
        part = next(part for part in self.mix.parts if part.item in ("battery", "tanks"))
        each_wh = self.mix.usable_wh / self.mix.modules * (1.0 - self._found().reserve)
        modules = int(np.ceil(needed_wh / each_wh - 1e-9))
        mass_kg = self.mix.mass_kg + (modules - self.mix.modules) * part.mass_kg / part.count
        return {
            "needed_wh": needed_wh,
            "modules": modules,
            "mass_kg": mass_kg,
            "members": len(self.spread.values),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: the keys of `DesignResult`, and besides those of the design.

        Returns
        -------
        dict
        """
        found = self.result.model_dump(mode="json")
        found["mix"] = {**self._found().to_dict(), **self.masses()} if self.carried else None
        found["crossover"] = self.chart.to_dict()
        found["budgets"] = [line.to_dict() for line in self.lines]
        found["closing"] = [way.to_dict() for way in self.ways]
        found["mass_effects"] = [effect.to_dict() for effect in self.effects]
        found["p50"], found["p95"] = self.quantile("p50"), self.quantile("p95")
        if self.proof is not None:
            found["proof"] = self.proof.to_dict()
        return found


def design_station(
    plan: Plan | str | os.PathLike[str],
    *,
    masts_m: tuple[float, ...] | None = None,
    extent_m: float = 0.0,
    families: tuple[str, ...] | None = None,
    changed: Mapping[str, float] | None = None,
    reserve: float = 0.0,
    members: int = 20,
    seed: int = 0,
    prove: bool = False,
    progress: bool = False,
) -> StationDesign:
    """Design the power system of a plan's station and set up its budgets.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    masts_m : tuple of float, optional
        Heights of arrays to choose from; those of the station and of its arrays if absent [m].
    extent_m : float
        Vertical extent of arrays about their middle [m].
    families : tuple of str, optional
        See `moonpost.design.FAMILIES`; all if absent.
    changed : mapping of str to float, optional
        Other values of the catalogue by name, see `moonpost.design.figures`.
    reserve : float
        Part of the usable energy never touched, besides what the depth of discharge leaves [1].
    members : int
        Horizons in the ensemble of terrain errors; 0 for none.
    seed : int
        Which random numbers the ensemble takes.
    prove : bool
        Simulate the lightest mix through the period, and again with one module fewer.
    progress : bool
        Show bars on the terminal.

    Returns
    -------
    StationDesign

    Raises
    ------
    PlanError
        If the plan has errors.
    InputError, ModelError, UnknownNameError
        If an option cannot be used.

    Examples
    --------
    >>> design_station("ilrs", members=-1)
    Traceback (most recent call last):
    ...
    moonpost.errors.InputError: members: is -1; use a whole number from 0
    """
    if members < 0:
        raise InputError(f"is {members}", where="members", advice="use a whole number from 0")
    context = planned_context(plan)
    prices = catalogue(changed={**(changed or {}), **({"extent_m": extent_m} if extent_m else {})})
    with bars(progress) as display:
        context.progress = display
        for name in (*PHASES["design"].needs, "design"):
            context.phases[name] = PHASES[name].compute(context)
        display.start("mix", 6)
        scene = _Scenery(context, masts_m, prices)
        options: dict[str, Any] = {} if families is None else {"families": families}
        choice = scene.choose(reserve, options)
        carried = choice is not None and any(mix is not None for mix in choice.mixes.values())
        display.step("lightest mix")
        chart = crossover(
            context.plan.design,
            scene.sun,
            scene.light,
            masts_m=scene.masts_m,
            prices=scene.prices,
            reserve=reserve,
        )
        display.step("crossover")
        effects = mix_effects(choice) if choice is not None and carried else ()
        display.step("sensitivities")
        lines, ways = _budgets(context, scene)
        display.step("budgets")
        spread = scene.spread(choice, choice.best, members, seed) if choice is not None and carried else None
        display.step("terrain errors")
        proof = prove_mix(context.plan, choice) if prove and choice is not None and carried else None
        display.step("proof")
    result: DesignResult = context.result("design")
    return StationDesign(result, choice, chart, lines, ways, effects, spread, proof, context.plan)


class _Scenery:
    """The Sun and the light that a design is made in."""

    def __init__(self, context: Context, masts_m: tuple[float, ...] | None, prices: Catalogue) -> None:
        self.context, self.light_at = context, LightAt(context)
        self.sun = sun_view(context)
        surface = isinstance(context.plan.station, SurfaceStation)
        self.masts_m = tuple(sorted(masts_m or context.masts_m or (0.0,)))
        self.prices = prices if surface else replace(prices, mast_kg_m=0.0, base_kg=0.0, extent_m=0.0)
        heights = heights_needed_m(self.masts_m, self.prices.extent_m)
        self.light = {height_m: np.asarray(self.light_at(height_m)) for height_m in heights}

    def choose(self, reserve: float, options: Mapping[str, Any]) -> MixChoice | None:
        """The lightest mixes; None if nothing on the bus draws power."""
        plan = self.context.plan
        if not any(mode.power_w > 0.0 for element in consumers(plan) for mode in element.modes):
            return None
        return lightest_mix(
            plan,
            self.sun,
            self.light,
            masts_m=self.masts_m,
            prices=self.prices,
            reserve=reserve,
            **options,
        )

    def spread(self, choice: MixChoice, mix: StationMix, members: int, seed: int) -> NeedSpread | None:
        """The need of the mix's store over terrain errors."""
        if mix.modules == 0 or mix.mast_m is None or members == 0:
            return None
        if not isinstance(self.context.plan.station, SurfaceStation):
            return None
        heights = {part.mast_m for part in mix.parts if part.mast_m is not None}
        used = heights_needed_m(tuple(sorted(heights)), self.prices.extent_m)
        try:
            lights = list(self._members(used, members, seed))
        except (InputError, TerrainError):
            return None
        nominal = {height_m: self.light[height_m] for height_m in used}
        return need_over_members(nominal, lights, lambda light: storage_needed_wh(choice, mix, light))

    def _members(self, heights: tuple[float, ...], members: int, seed: int) -> Iterator[dict[float, Any]]:
        """Light of each member at the heights, with the eclipses of the plan's own light."""
        from moonpost.study.lightmembers import light_members

        site = self.context.plan.station_sites()[0]
        profiles = [site_profile(self.context.plan, site, height_m) for height_m in heights]
        for light in light_members(profiles, apparent_sun(self.context), members=members, seed=seed):
            yield {height_m: series * self.light_at.uncovered for height_m, series in light.items()}


def _budgets(context: Context, scene: _Scenery) -> tuple[tuple[BudgetLine, ...], tuple[Way, ...]]:
    """All budgets, and ways to close those that do not."""
    plan = context.plan
    capacity = {
        m.id: c for m in plan.missions if m.launcher and (c := plan.row("launchers", m.launcher).capacity_kg)
    }
    delivered = {r.mission: r.end_mass_kg for r in context.result("flight").chains if r.end_mass_kg is not None}
    masses = mass_budget(plan, launch_capacity_kg=capacity, delivered_capability_kg=delivered)
    sizing = _planned(context, scene)
    mass, power = mass_lines(masses), power_lines(power_budget(plan))
    sizings = (sizing, *_own_buses(context, scene))
    energy = tuple(energy_line(found) for found in sizings)
    links = _links(plan)
    data, downlink = _data(context, sizing)
    spare_db = next((line.margin for line in links if line.subject == downlink), 0.0)
    station = plan.station
    heights = tuple(sorted({*scene.masts_m, *(station.masts_m if isinstance(station, SurfaceStation) else ())}))
    ways: list[Way] = [way for line in mass for way in close_mass(plan, line, masses)]
    ways += [way for line in power for way in close_power(line, scene.prices)]
    for found in sizings:
        ways += close_energy(plan, found, scene.sun, scene.light_at, masts_m=heights, prices=scene.prices)
    ways += [way for line in data for way in close_data(line, spare_db)]
    rates = {link.id: link.rate_bit_s for link in plan.links}
    ways += [way for line in links for way in close_link(line, rates[line.subject])]
    return (*mass, *power, *energy, *data, *links), tuple(ways)


def _planned(context: Context, scene: _Scenery) -> StorageSizing:
    """The station's storage as planned."""
    masts_m = next((group.masts_m for group in power_groups(context.plan) if group.name == "station"), ())
    heights = masts_m or (min(scene.masts_m),)
    return size_storage(context.plan, scene.sun, {h: scene.light_at(h) for h in heights})


def _own_buses(context: Context, scene: _Scenery) -> tuple[StorageSizing, ...]:
    """Storage of the machines at the station's site that live on their own sources."""
    from moonpost.operations.buses import groups_at, station_site

    plan = context.plan
    if not isinstance(plan.station, SurfaceStation):
        return ()
    found = []
    for group in groups_at(plan, station_site(plan, None))[0]:
        if group.name == "station" or not any(element.modes for element in group.elements):
            continue
        heights = group.masts_m or (min(plan.station.masts_m),)
        light = {height_m: scene.light_at(height_m) for height_m in heights}
        found.append(size_storage(plan, scene.sun, light, bus=group.name))
    return tuple(found)


def _links(plan: Plan) -> tuple[BudgetLine, ...]:
    """The link budgets of the plan."""
    from moonpost.comms import link_budget

    rows = []
    for link in plan.links:
        budget = link_budget(link)
        rows.append(replace(budget, link=link.id))
    return link_lines(rows)


def _data(context: Context, sizing: StorageSizing) -> tuple[tuple[BudgetLine, ...], str]:
    """The data budget of the station over its first year, direct to Earth with its fastest link, and that link."""
    plan = context.plan
    home = {element.id for element in plan.station_elements()}
    dishes = {row.id for row in plan.ground_stations}
    direct = [link for link in plan.links if link.sender in home and link.receiver in dishes]
    start, stop = context.period
    contacts = contact_rows(context, start, min(start + _YEAR, stop)) if direct else ()
    if not contacts:
        return (), ""
    fastest = max(direct, key=lambda link: link.rate_bit_s)
    share = next(row.share for row in contacts if row.station == "any")
    lit = float(np.mean(sizing.load_w >= sizing.load_w.max())) if sizing.load_w.any() else 1.0
    return (data_line(plan, lit, share, fastest.rate_bit_s),), fastest.id
