"""The risk of a plan: its sky and ground are computed once, then its machines run with drawn faults."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.plan import DesignRules, Plan, SurfaceStation
from moonpost.study.context import STEP_S, Context, site_profile
from moonpost.study.phases import PHASES
from moonpost.study.phases.design import LightAt, sun_view
from moonpost.study.run import planned_context

if TYPE_CHECKING:
    from moonpost.operations.montecarlo import Risk, RiskCase
    from moonpost.sky import Almanac, Apparent
    from moonpost.terrain import HorizonProfile
    from moonpost.terrain.tilerun import Progress

__all__ = ["plan_risk", "risk_case"]

_MOST_DAYS = 60 * 365.25
_SEEN = 0.5


def plan_risk(
    plan: Plan | str | os.PathLike[str],
    start: str | None = None,
    days: float = 365.25,
    *,
    runs: int = 100,
    seed: int = 0,
    site: str | None = None,
    path: str | os.PathLike[str] | None = None,
    lines: Sequence[str] = (),
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Risk:
    """Run a plan's machines many times with faults drawn by chance.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    start : str, optional
        First day, UTC; the plan's design start if not given.
    days : float
        Length [d].
    runs : int
        How many times.
    seed : int
        Run k draws its faults with seed + k.
    site : str, optional
        A site of the plan; the station's if not given.
    path : str or path-like, optional
        File of faults and rates, see `moonpost.operations.faultfile.read_faults`. Without it, and without `lines`,
        the assumed rates of `moonpost.operations.faultrates.ASSUMED_PER_YEAR` hold for every machine.
    lines : sequence of str
        Faults of every run, see `moonpost.operations.faultfile.fault_of_text`.
    workers : int
        Threads in this process.
    scheduler : str, optional
        A Dask scheduler instead, see `moonpost.operations.montecarlo.run_risk`.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    Risk

    Raises
    ------
    PlanError
        If the plan has errors.
    InputError, DateError, UnknownNameError, DataError
        If the period, the file, a line or a number cannot be used.

    Examples
    --------
    >>> plan_risk("ilrs", "2040-01-01", 3.0, runs=2).residual_relative < 1e-9
    True
    """
    from dataclasses import replace

    from moonpost.operations.faultfile import FaultFile, fault_of_text, faults_within, read_faults
    from moonpost.operations.faultrates import assumed_rates
    from moonpost.operations.montecarlo import run_risk
    from moonpost.operations.simulation import station_models

    written = read_faults(path) if path is not None else FaultFile()
    single = tuple(fault_of_text(line) for line in lines)
    case = risk_case(plan, start, days, site=site)
    faults = faults_within(case.plan, (*written.faults, *single), *case.period)
    rates, basis = written.rates, f"rates of {path}" if written.rates else "faults with dates only"
    if path is None and not lines:
        models, _, _ = station_models(case.plan, case.sun, case.light_by_mast, site=site, surface_k=case.surface_k)
        machines = [arrival.element for model in models for arrival in model.arrivals]
        rates, basis = assumed_rates(case.plan, machines), "assumed rates, see docs/faults.md"
    return run_risk(
        replace(case, faults=faults, rates=rates),
        runs,
        seed=seed,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        basis=basis,
    )


def risk_case(
    plan: Plan | str | os.PathLike[str], start: str | None = None, days: float = 365.25, *, site: str | None = None
) -> RiskCase:
    """The sky of a plan's site through a period, ready for runs with faults.

    Parameters
    ----------
    plan, start, days, site
        As in `plan_risk`.

    Returns
    -------
    RiskCase
        Without faults and rates. Contact is while half of the Earth's disc is in view from the highest mast; a
        station in orbit, and a site that never sees the Earth, is in contact through relays at all times.

    Raises
    ------
    PlanError, InputError, DateError, UnknownNameError
        As in `plan_risk`.

    Examples
    --------
    >>> risk_case("ilrs", "2040-01-01", 2.0, site="ce4-site").sun.time.size
    48
    """
    from moonpost.operations.montecarlo import RiskCase
    from moonpost.operations.simulation import light_heights_m
    from moonpost.sky import as_utc, iso

    if not (math.isfinite(days) and days * 86400.0 >= 2 * STEP_S):
        raise InputError(f"{days:g} days", where="days", advice=f"give at least {2 * STEP_S / 86400.0:.2f}")
    if days > _MOST_DAYS:
        raise InputError(f"{days:g} days", where="days", advice=f"give at most {_MOST_DAYS:g}")
    context = planned_context(plan)
    first = iso(as_utc(start).reshape(-1)[0].astype("datetime64[s]")) if start else context.plan.design.start
    period: dict[str, object] = {"start": first, "years": days / 365.25}
    rules = DesignRules(**{**context.plan.design.model_dump(), **period})
    context.plan = context.plan.model_copy(update={"design": rules})
    masts_m = light_heights_m(context.plan, site)
    if site is None and not isinstance(context.plan.station, SurfaceStation):
        context.phases["site"] = PHASES["site"].compute(context)
        light_at = LightAt(context)
        light = {mast_m: np.asarray(light_at(mast_m)) for mast_m in masts_m}
        return RiskCase(context.plan, sun_view(context), light)
    name = site if site is not None else context.plan.station_sites()[0].id
    return _surface_case(context, name, site, masts_m)


def _surface_case(context: Context, name: str, site: str | None, masts_m: Sequence[float]) -> RiskCase:
    """The sky of a site on the ground."""
    from moonpost.operations.montecarlo import RiskCase
    from moonpost.sky import times
    from moonpost.terrain import earth_visibility, illumination

    profiles = {mast_m: _profile(context.plan, name, mast_m) for mast_m in masts_m}
    place = profiles[max(masts_m)].site
    t = times(*context.period, STEP_S)
    sun = context.almanac.sun(place, t)
    free = _uncovered(context.almanac, place, sun)
    light = {mast_m: illumination(profile, sun) * free for mast_m, profile in profiles.items()}
    seen = earth_visibility(profiles[max(masts_m)], context.almanac.earth(place, t)) > _SEEN
    return RiskCase(
        context.plan,
        sun,
        light,
        site=site,
        contacts=_spells(t, seen) if seen.any() else None,
        surface_k=_ground(context.plan, sun, light[min(masts_m)]),
    )


def _profile(plan: Plan, name: str, mast_m: float) -> HorizonProfile:
    """The horizon of a site; level where no terrain covers it."""
    from moonpost.sky import Site
    from moonpost.terrain import BUILT_IN_LATITUDE_DEG, HorizonProfile

    site = plan.site(name)
    if not plan.terrain_paths(site) and abs(site.latitude_deg) < BUILT_IN_LATITUDE_DEG:
        return HorizonProfile.flat(Site(site.latitude_deg, site.longitude_deg, site.height_m or 0.0))
    return site_profile(plan, site, mast_m)


def _uncovered(almanac: Almanac, place: Any, sun: Apparent) -> npt.NDArray[np.float64]:
    """Part of the Sun's disc that the Earth leaves uncovered [1]."""
    from moonpost.sky.eclipse import earth_shadow, eclipses
    from moonpost.terrain.intervals import DANJON

    free = np.ones(len(sun))
    for found in eclipses(almanac, place, sun.time[0], sun.time[-1], DANJON):
        near = (sun.time >= found.partial_start) & (sun.time <= found.partial_stop)
        free[near] = earth_shadow(almanac, place, sun.time[near], DANJON)
    return free


def _spells(t: npt.NDArray[np.datetime64], seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.datetime64]:
    """First and last instant of each spell, to one step, (m, 2)."""
    turns = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]])))
    ends = np.append(t, t[-1] + (t[1] - t[0]))
    return ends[turns].reshape(-1, 2)


def _ground(plan: Plan, sun: Apparent, light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """Temperature of the ground where a machine of the plan asks for it [K]."""
    cells = any(getattr(source, "cells", None) for element in plan.elements for source in element.generators)
    boxes = any(element.thermal is not None and element.thermal.ground_w_k > 0 for element in plan.elements)
    if not cells and not boxes:
        return None
    from moonpost.thermal import site_temperature

    try:
        return np.asarray(site_temperature(sun, light).surface_k, dtype=np.float64)
    except InputError:
        return None
