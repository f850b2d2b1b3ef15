"""Simulate a plan's machines between two dates: the sky is computed, then they run under it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan import DesignRules, Plan, SurfaceStation
from moonpost.study.context import STEP_S, Context
from moonpost.study.phases import PHASES
from moonpost.study.phases.design import LightAt, sun_view
from moonpost.study.run import planned_context
from moonpost.study.surroundings import earth_spells, ground_k, site_horizon, uncovered

if TYPE_CHECKING:
    from moonpost.operations import Simulation

__all__ = ["orbit_sky", "period_context", "simulate_plan", "surface_sky"]

_MOST_DAYS = 60 * 365.25
_LEAST_STEP_S, _MOST_STEP_S = 60.0, 86_400.0

Floats = npt.NDArray[np.float64]


def simulate_plan(
    plan: Plan | str | os.PathLike[str],
    start: str | None = None,
    days: float = 365.25,
    *,
    seed: int = 0,
    site: str | None = None,
    step_s: float = STEP_S,
    path: str | os.PathLike[str] | None = None,
    lines: Sequence[str] = (),
) -> Simulation:
    """Simulate a plan's machines at one site over a period.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    start : str, optional
        First day, UTC; the plan's design start if not given.
    days : float
        Length [d].
    seed : int
        Of what is drawn by chance: outages of reactors, and faults from the rates of a file.
    site : str, optional
        A site of the plan; the station's if not given.
    step_s : float
        Step at which Sun and light are computed and series are sampled [s].
    path : str or path-like, optional
        File of faults, see `moonpost.operations.faultfile.read_faults`.
    lines : sequence of str
        Single faults, see `moonpost.operations.faultfile.fault_of_text`.

    Returns
    -------
    Simulation
        Series, events, channels and balances.

    Raises
    ------
    PlanError
        If the plan has errors.
    InputError
        If the length is not a positive number of at least two steps, or the step cannot be used.
    DateError
        If the period lies outside the kernels.
    UnknownNameError
        If the plan has no such site.

    Notes
    -----
    Light is the fraction of the Sun's disc over the horizon of each mast, less what the Earth covers in an
    eclipse. Contact is while half of the Earth's disc is in view from the highest mast; a station in orbit, and a
    site that never sees the Earth, is in contact through relays at all times. The ground, where a machine
    exchanges heat with it or has cells, is that of `moonpost.thermal.site_temperature`, in balance with the year
    that ends with the period; without any Sun in it that of shadow under 0.5 W/m2 of terrain infrared and
    scattered light, which is assumed.

    Examples
    --------
    >>> simulate_plan("ilrs", "2040-01-01", 2.0).energy_residual_relative < 1e-9
    True
    """
    from moonpost.operations.simulation import simulate

    if not _LEAST_STEP_S <= step_s <= _MOST_STEP_S:
        raise InputError(f"is {step_s:g}", where="step_s", advice=f"give {_LEAST_STEP_S:g} to {_MOST_STEP_S:g} s")
    context = period_context(plan, start, days, step_s)
    if site is None and not isinstance(context.plan.station, SurfaceStation):
        sky = orbit_sky(context, step_s)
    else:
        sky = surface_sky(context, site, step_s)
    options = {"seed": seed, "site": site, **sky}
    if path is None and not lines:
        return simulate(context.plan, **options)
    return simulate(context.plan, **options, changes=_faults(context.plan, options, path, lines))


def period_context(plan: Plan | str | os.PathLike[str], start: str | None, days: float, step_s: float) -> Context:
    """A plan on its way through the phases, its period narrowed to the one asked for.

    Parameters
    ----------
    plan, start, days, step_s
        As in `simulate_plan`.

    Returns
    -------
    Context

    Raises
    ------
    PlanError, InputError
        As in `simulate_plan`.

    Examples
    --------
    >>> str(period_context("ilrs", "2040-01-01", 2.0, 3600.0).period[1])
    '2040-01-03T00:00:00.000'
    """
    from moonpost.sky import as_utc, iso

    if not (math.isfinite(days) and days * 86400.0 >= 2 * step_s):
        raise InputError(f"{days:g} days", where="days", advice=f"give at least {2 * step_s / 86400.0:.2g}")
    if days > _MOST_DAYS:
        raise InputError(f"{days:g} days", where="days", advice=f"give at most {_MOST_DAYS:g}")
    context = planned_context(plan)
    first = iso(as_utc(start).reshape(-1)[0].astype("datetime64[s]")) if start else context.plan.design.start
    period: dict[str, object] = {"start": first, "years": days / 365.25}
    rules = DesignRules(**{**context.plan.design.model_dump(), **period})
    context.plan = context.plan.model_copy(update={"design": rules})
    return context


def orbit_sky(context: Context, step_s: float) -> dict[str, Any]:
    """Sun and light of a station in orbit."""
    from moonpost.operations.simulation import light_heights_m

    if step_s != STEP_S:
        raise InputError(
            f"is {step_s:g}", where="step_s", advice=f"leave it at {STEP_S:g} s for a station in orbit"
        )
    context.phases["site"] = PHASES["site"].compute(context)
    light_at = LightAt(context)
    light = {mast_m: np.asarray(light_at(mast_m)) for mast_m in light_heights_m(context.plan)}
    return {"sun": sun_view(context), "light_by_mast": light}


def surface_sky(context: Context, site: str | None, step_s: float) -> dict[str, Any]:
    """Sun, light, contacts and ground of a site."""
    from moonpost.operations.simulation import light_heights_m
    from moonpost.sky import times
    from moonpost.terrain import illumination

    plan, almanac = context.plan, context.almanac
    place = plan.site(site) if site is not None else plan.station_sites()[0]
    profiles = {mast_m: site_horizon(plan, place, mast_m) for mast_m in light_heights_m(plan, site)}
    highest = profiles[max(profiles)]
    t = times(*context.period, step_s)
    sun = almanac.sun(highest.site, t)
    free = uncovered(almanac, highest.site, sun)
    light = {mast_m: np.asarray(illumination(profile, sun)) * free for mast_m, profile in profiles.items()}
    return {
        "sun": sun,
        "light_by_mast": light,
        "contacts": earth_spells(plan, almanac, highest, t),
        "surface_k": ground_k(plan, almanac, profiles[min(profiles)], t),
    }


def _faults(
    plan: Plan, options: dict[str, Any], path: str | os.PathLike[str] | None, lines: Sequence[str]
) -> tuple[Any, ...]:
    """What faults, and the recovery from them, change; machines are heard while awake and in contact."""
    from moonpost.operations.engine import run_station
    from moonpost.operations.faultfile import faults_of
    from moonpost.operations.montecarlo import awake_contacts
    from moonpost.operations.recovery import fault_changes
    from moonpost.operations.simulation import station_models

    models, _, _ = station_models(plan, **options)
    start = options["sun"].time[0]
    stop = start + np.timedelta64(round(1000.0 * models[0].span_s), "ms")
    faults = faults_of(plan, start, stop, options["seed"], path=path, lines=lines)
    windows = awake_contacts(map(run_station, models), options.get("contacts"), start, models[0].span_s)
    return fault_changes(plan, faults, windows)
