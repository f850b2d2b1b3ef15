"""Phase "design": loads, the storage that the worst deficit asks for, masses, and sensitivities."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.design import (
    StorageSizing,
    carried_load,
    mass_budget,
    power_budget,
    size_storage,
    storage_sensitivity,
)
from moonpost.design.closing import raised_arrays
from moonpost.plan import Assumption, Plan, SolarArray, SurfaceStation
from moonpost.power import power_groups
from moonpost.study.context import Context, Phase, site_profile
from moonpost.study.phases.common import text
from moonpost.study.results import DesignResult, LoadRow, MassCheckRow, MassRow, SensitivityRow, StorageRow

if TYPE_CHECKING:
    from moonpost.sky import Apparent

__all__ = ["LightAt", "apparent_sun", "design_phase", "sun_view", "with_masts"]

_HALF_DISC = 0.5
_STATEMENTS = (
    "Elements other than reactors are replaced when their design life ends.",
    "Arrays age from the start of the period.",
    "The bus efficiency takes its share of what the sources give, not of what the store gives back.",
)


def sun_view(context: Context) -> Any:
    """The Sun at the baseline, from the series of the site phase."""
    light = context.phases["site"].series["light"]
    zero = np.zeros(light.sizes["time"])

    def column(name: str) -> Any:
        return light[name].values.astype(np.float64) if name in light else zero

    return SimpleNamespace(
        time=light["time"].values.astype("datetime64[ms]"),
        azimuth_deg=column("sun_azimuth_deg"),
        elevation_deg=column("sun_elevation_deg"),
        distance_m=column("sun_distance_m"),
    )


def apparent_sun(context: Context) -> Apparent:
    """The Sun at the baseline with its angular radius, from the series of the site phase."""
    from moonpost.sky import SUN_RADIUS_M, Apparent

    sun = sun_view(context)
    radius_deg = np.rad2deg(np.arcsin(SUN_RADIUS_M / sun.distance_m))
    return Apparent(sun.time, sun.azimuth_deg, sun.elevation_deg, sun.distance_m, radius_deg)


class LightAt:
    """Fraction of the solar disc in view at the baseline, by height above ground.

    Parameters
    ----------
    context : Context
        With the site phase done. Heights that it does not have are computed when asked for.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._light = context.phases["site"].series["light"]
        self._known: dict[float, Any] = {}

    def __call__(self, mast_m: float) -> Any:
        """Light at one height, (n,) [1]."""
        if mast_m not in self._known:
            self._known[mast_m] = self._compute(mast_m)
        return self._known[mast_m]

    def _compute(self, mast_m: float) -> Any:
        if not isinstance(self._context.plan.station, SurfaceStation):
            return self._light["light"].values[0].astype(np.float64)
        if mast_m in self._light["mast_m"].values:
            return self._light["light"].sel(mast_m=mast_m).values.astype(np.float64)
        from moonpost.terrain import illumination

        profile = site_profile(self._context.plan, self._context.plan.station_sites()[0], mast_m)
        return illumination(profile, apparent_sun(self._context)) * self.uncovered

    @cached_property
    def uncovered(self) -> Any:
        """Part of the solar disc that the Earth leaves uncovered, as the site phase counted it, (n,) [1]."""
        from moonpost.terrain import illumination

        mast_m = float(self._light["mast_m"].values.max())
        profile = site_profile(self._context.plan, self._context.plan.station_sites()[0], mast_m)
        bare, light = illumination(profile, apparent_sun(self._context)), self(mast_m)
        free = np.divide(light, bare, out=np.ones_like(bare), where=bare > 0.0)
        return np.where(free > 0.999, 1.0, free)


def with_masts(plan: Plan, mast_m: float) -> Plan:
    """The plan with all arrays of the station at one height."""
    return raised_arrays(plan, mast_m)


def design_phase(context: Context) -> Phase:
    """Size the station's storage and set up its budgets."""
    variants = _variants(context.plan)
    context.progress.start("design", len(variants) + 2)
    sun, light_at = sun_view(context), LightAt(context)
    storage = []
    first: StorageSizing | None = None
    for name, plan, options in variants:
        found = size_storage(plan, sun, {m: light_at(m) for m in _masts(plan)}, **options)
        first = first or found
        storage.append(_storage_row(name, plan, found))
        context.progress.step(name)
    assert first is not None
    sensitivity = _sensitivity(context, sun, light_at)
    context.progress.step("sensitivities")
    result = _result(context, first, tuple(storage), sensitivity)
    context.progress.step("budgets")
    return Phase(result)


def _masts(plan: Plan) -> set[float]:
    """Heights at which the plan's arrays need light."""
    return {height_m for group in power_groups(plan) for height_m in group.masts_m}


def _variants(plan: Plan) -> list[tuple[str, Plan, dict[str, Any]]]:
    """The plan itself, without its reactors, waiting for a higher Sun, and with arrays at each height."""
    reactors = any(source.kind == "reactor" for e in plan.station_elements() for source in e.generators)
    alone = ", without reactor" if reactors else ""
    none = {"reactors": "none"}
    variants: list[tuple[str, Plan, dict[str, Any]]] = [("as planned", plan, {})]
    if reactors:
        variants.append(("reactor replaced in time", plan, {"reactors": "replaced"}))
        variants.append(("without reactor", plan, none))
    if isinstance(plan.station, SurfaceStation):
        heights = plan.station.masts_m
        variants += [(f"arrays at {mast_m:g} m{alone}", with_masts(plan, mast_m), none) for mast_m in heights]
        waiting = {**none, "light_mode_above": _HALF_DISC}
        variants.append((f"day loads only above half a Sun{alone}", plan, waiting))
    return variants


def _storage_row(name: str, plan: Plan, found: StorageSizing) -> StorageRow:
    required = found.required
    heights = [s.mast_m for e in plan.station_elements() for s in e.generators if isinstance(s, SolarArray)]
    return StorageRow(
        variant=name,
        mast_m=max(heights, default=0.0),
        load_light_w=float(np.max(found.load_w)),
        load_dark_w=float(np.min(found.load_w)),
        required_wh=required.nameplate_wh,
        installed_wh=found.installed_wh,
        margin_wh=found.margin_wh,
        margin=found.margin_fraction,
        longest_dark_d=required.longest_dark_s / 86400.0,
        longest_dark_only_wh=required.dark_alone_wh,
        deficit_start_utc=text(required.start),
        deficit_stop_utc=text(required.deepest),
        mass_kg=required.mass_kg,
        sustainable=required.sustainable,
    )


def _sensitivity(context: Context, sun: Any, light_at: LightAt) -> tuple[SensitivityRow, ...]:
    """Assumptions in the order of what they do to the storage margin, then those without a number."""
    sources = {row.id: row.source for row in context.plan.assumptions}
    rows = [
        SensitivityRow(
            assumption=effect.assumption,
            text=effect.text,
            confidence=effect.confidence,
            source=sources[effect.assumption],
            parameter=effect.parameter,
            value=effect.value,
            low=effect.low,
            high=effect.high,
            margin_low_wh=effect.low_result,
            margin_high_wh=effect.high_result,
            effect_wh=effect.effect,
        )
        for effect in storage_sensitivity(context.plan, sun, light_at)
    ]
    return tuple(rows + [_without_number(row) for row in context.plan.assumptions if row.parameter is None])


def _without_number(row: Assumption) -> SensitivityRow:
    return SensitivityRow(
        assumption=row.id,
        text=row.text,
        confidence=row.confidence,
        source=row.source,
        parameter=None,
        value=None,
        low=None,
        high=None,
        margin_low_wh=None,
        margin_high_wh=None,
        effect_wh=None,
    )


def _result(
    context: Context, planned: StorageSizing, storage: tuple[StorageRow, ...], rows: tuple[SensitivityRow, ...]
) -> DesignResult:
    plan = context.plan
    power = power_budget(plan)
    station = [row for row in power.rows if row.bus == "station"]
    names = {element.id: element.name for element in plan.elements}
    total = 1.0 + power.system_margin
    masses, checks = _masses(context, names)
    return DesignResult(
        statements=(*planned.statements, *_STATEMENTS),
        carried_load_w=carried_load(planned).mean_w if planned.load_w.any() else None,
        load_mean_w=float(planned.load_w.mean()),
        loads=tuple(
            LoadRow(
                element=row.element,
                name=names[row.element],
                owner=row.owner,
                light_w=row.light_w,
                dark_w=row.dark_w,
                margin=row.margin_fraction,
                light_with_margin_w=row.light_margined_w,
                dark_with_margin_w=row.dark_margined_w,
            )
            for row in station
        ),
        load_light_w=total * sum(row.light_margined_w for row in station),
        load_dark_w=total * sum(row.dark_margined_w for row in station),
        storage=storage,
        masses=masses,
        mass_checks=checks,
        sensitivity=rows,
    )


def _masses(context: Context, names: dict[str, str]) -> tuple[tuple[MassRow, ...], tuple[MassCheckRow, ...]]:
    plan = context.plan
    capacity = {m.id: c for m in plan.missions if m.launcher and (c := _capacity(plan, m.launcher))}
    delivered = {
        row.mission: row.end_mass_kg for row in context.result("flight").chains if row.end_mass_kg is not None
    }
    budget = mass_budget(plan, launch_capacity_kg=capacity, delivered_capability_kg=delivered)
    missions = {mission.id: mission for mission in plan.missions}
    confidence = {element.id: element.confidence for element in plan.elements}
    masses = tuple(
        MassRow(
            element=row.element,
            name=names[row.element],
            owner=row.owner,
            mission=row.mission,
            count=row.count,
            maturity=row.maturity,
            mass_kg=row.mass_kg,
            margin=row.margin_fraction,
            mass_with_margin_kg=row.margined_kg,
            low_kg=row.low_kg,
            high_kg=row.high_kg,
            confidence=confidence[row.element],
        )
        for row in budget.rows
    )
    checks = tuple(
        MassCheckRow(
            mission=row.mission,
            name=missions[row.mission].name,
            elements_with_margin_kg=row.budget_kg,
            delivered_kg=row.delivered_capability_kg,
            delivered_margin_kg=row.delivered_margin_kg,
            launch_mass_kg=row.launch_mass_kg,
            launch_capacity_kg=row.launch_capacity_kg,
            launch_margin_kg=row.launch_margin_kg,
        )
        for row in budget.missions
        if missions[row.mission].status in {"planned", "proposed"}
    )
    return masses, checks


def _capacity(plan: Plan, launcher: str) -> float | None:
    capacity: float | None = plan.row("launchers", launcher).capacity_kg
    return capacity
