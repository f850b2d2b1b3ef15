"""The risk of a plan: its sky and ground are computed once, then its machines run with drawn faults."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from moonpost.plan import Plan, SurfaceStation
from moonpost.study.context import STEP_S
from moonpost.study.simulation import orbit_sky, period_context, surface_sky

if TYPE_CHECKING:
    from moonpost.operations.montecarlo import Risk, RiskCase
    from moonpost.terrain.tilerun import Progress

__all__ = ["plan_risk", "risk_case"]


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
        Without faults and rates. Light, contacts and ground are those of `moonpost.study.simulate_plan`.

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

    context = period_context(plan, start, days, STEP_S)
    if site is None and not isinstance(context.plan.station, SurfaceStation):
        return RiskCase(context.plan, **orbit_sky(context, STEP_S))
    return RiskCase(context.plan, site=site, **surface_sky(context, site, STEP_S))
