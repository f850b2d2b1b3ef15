"""Phase "operate": the station through its period, the sleep of its machines, contacts and temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.operations.simulation import light_heights_m, simulate
from moonpost.plan import SurfaceStation
from moonpost.study.context import Context, Phase, site_profile
from moonpost.study.phases.common import text
from moonpost.study.phases.contacts import contact_rows, link_rows
from moonpost.study.phases.design import LightAt, apparent_sun, sun_view
from moonpost.study.phases.dormancy import dormancy_rows
from moonpost.study.results import BalanceRow, DesignResult, OperateResult
from moonpost.study.surroundings import asks_for_contact, asks_for_ground, earth_spells, ground_k

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.operations import Simulation

__all__ = ["operate_phase", "year_of"]

_YEAR = np.timedelta64(round(365.25 * 86400), "s")


def operate_phase(context: Context) -> Phase:
    """Simulate the station over its period and keep the year of the worst deficit."""
    context.progress.start("operate", 4)
    sun, light_at = sun_view(context), LightAt(context)
    light = {mast_m: light_at(mast_m) for mast_m in light_heights_m(context.plan)}
    found = simulate(context.plan, sun, light, **_surroundings(context, sun.time, light))
    context.progress.step("simulation")
    first, last = year_of(context, sun.time)
    dormancy, notes = dormancy_rows(context, sun.time[0], min(sun.time[0] + _YEAR, sun.time[-1]))
    context.progress.step("sleep and wake")
    contacts = contact_rows(context, first, last)
    context.progress.step("contacts")
    coldest, warmest = _surface(context)
    context.progress.step("temperature")
    result = OperateResult(
        start_utc=str(text(sun.time[0])),
        stop_utc=str(text(sun.time[-1])),
        year_start_utc=str(text(first)),
        year_stop_utc=str(text(last)),
        balances=_balances(found),
        events=dict(sorted(found.event_counts.items())),
        dormancy=dormancy,
        dormancy_notes=notes,
        contacts=contacts,
        links=link_rows(context),
        coldest_surface_k=coldest,
        warmest_surface_k=warmest,
    )
    return Phase(result, {"year": _year_series(found, first, last)})


def _surroundings(context: Context, time: Any, light: dict[float, Any]) -> dict[str, Any]:
    """Contacts and ground where machines ask for them; a station in orbit has neither horizon nor ground."""
    if not isinstance(context.plan.station, SurfaceStation):
        return {}
    plan, almanac, found = context.plan, context.almanac, {}
    site = plan.station_sites()[0]
    if asks_for_contact(plan):
        found["contacts"] = earth_spells(plan, almanac, site_profile(plan, site, max(light)), time)
    if asks_for_ground(plan):
        found["surface_k"] = ground_k(plan, almanac, site_profile(plan, site, min(light)), time)
    return found


def year_of(context: Context, time: Any) -> tuple[np.datetime64, np.datetime64]:
    """The year round the worst deficit of the plan as it is, or the first year if there is none."""
    design: DesignResult = context.result("design")
    start = design.storage[0].deficit_start_utc
    first = time[0]
    if start is not None:
        first = np.datetime64(start.rstrip("Z"), "ms") - np.timedelta64(180, "D")
    first = (
        min(max(first, time[0]), max(time[0], time[-1] - _YEAR)).astype("datetime64[D]").astype("datetime64[ms]")
    )
    first = max(first, time[0])
    return first, min(first + _YEAR, time[-1])


def _balances(found: Simulation) -> tuple[BalanceRow, ...]:
    rows = []
    for balance in found.balances:
        level = _charge(found.series, balance.bus)
        k = int(np.argmin(level)) if level is not None else None
        rows.append(
            BalanceRow(
                subject=balance.bus,
                supplied_wh=balance.supplied_wh,
                used_wh=balance.served_wh,
                spilled_wh=balance.spilled_wh,
                shed_wh=balance.shed_wh,
                lost_wh=balance.bus_loss_wh + balance.storage_loss_wh,
                residual_relative=balance.residual_relative,
                lowest_charge=None if level is None or k is None else float(level[k]),
                lowest_charge_utc=None if k is None else text(found.series["time"].values[k]),
            )
        )
    return tuple(rows)


def _charge(series: xr.Dataset, bus: str) -> Any:
    """State of charge of a bus with a store, from when it stands [1]; None without a store."""
    stored = series["stored_wh"].sel(bus=bus).values
    usable = series["usable_wh"].sel(bus=bus).values
    if not (usable > 0).any():
        return None
    return np.where(usable > 0, stored / np.where(usable > 0, usable, 1.0), 1.0)


def _year_series(found: Simulation, first: np.datetime64, last: np.datetime64) -> xr.Dataset:
    return found.series.sel(time=slice(first.astype("datetime64[ns]"), last.astype("datetime64[ns]")))


def _surface(context: Context) -> tuple[float | None, float | None]:
    """Coldest and warmest ground at the baseline over a year; None in orbit or in permanent shadow."""
    if not isinstance(context.plan.station, SurfaceStation):
        return None, None
    from moonpost.errors import InputError
    from moonpost.sky import Apparent
    from moonpost.thermal import site_temperature

    light = context.phases["site"].series["light"]
    lowest = float(light["mast_m"].values.min())
    hours = int(365.25 * 24)
    seen = apparent_sun(context)
    part = slice(0, hours)
    view = Apparent(*(getattr(seen, name)[part] for name in _FIELDS))
    try:
        found = site_temperature(view, light["light"].sel(mast_m=lowest).values[part].astype(np.float64))
    except InputError:
        return None, None
    return float(np.min(found.surface_k)), float(np.max(found.surface_k))


_FIELDS = ("time", "azimuth_deg", "elevation_deg", "distance_m", "angular_radius_deg")
