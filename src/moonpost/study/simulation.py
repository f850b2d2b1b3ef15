"""Simulate a plan's station between two dates: the light is computed, then the machines run in it."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import numpy as np

from moonpost.errors import InputError
from moonpost.plan import DesignRules, Plan
from moonpost.study.context import STEP_S
from moonpost.study.phases import PHASES
from moonpost.study.phases.design import LightAt, sun_view
from moonpost.study.run import planned_context

if TYPE_CHECKING:
    from moonpost.operations import Simulation

__all__ = ["simulate_plan"]

_MOST_DAYS = 60 * 365.25


def simulate_plan(
    plan: Plan | str | os.PathLike[str], start: str | None = None, days: float = 365.25, *, seed: int = 0
) -> Simulation:
    """Simulate power and storage of a plan's station over a period.

    Parameters
    ----------
    plan : Plan, str or path-like
        A plan, or what `moonpost.plan.load_plan` takes.
    start : str, optional
        First day, UTC; the plan's design start if not given.
    days : float
        Length [d].
    seed : int
        Recorded with the result; the model draws nothing by chance.

    Returns
    -------
    Simulation
        Series, events, channels and balances.

    Raises
    ------
    PlanError
        If the plan has errors.
    InputError
        If the length is not a positive number of at least one step.
    DateError
        If the period lies outside the kernels.

    Examples
    --------
    >>> simulate_plan("ilrs", "2040-01-01", 2.0).energy_residual_relative < 1e-9
    True
    """
    from moonpost.operations.simulation import light_heights_m, simulate
    from moonpost.sky import as_utc, iso

    if not (math.isfinite(days) and days * 86400.0 >= 2 * STEP_S):
        raise InputError(f"{days:g} days", where="days", advice=f"give at least {2 * STEP_S / 86400.0:.2f}")
    if days > _MOST_DAYS:
        raise InputError(f"{days:g} days", where="days", advice=f"give at most {_MOST_DAYS:g}")
    context = planned_context(plan)
    rules = context.plan.design
    first = iso(as_utc(start).reshape(-1)[0].astype("datetime64[s]")) if start else rules.start
    period: dict[str, object] = {"start": first, "years": days / 365.25}
    context.plan = context.plan.model_copy(update={"design": DesignRules(**{**rules.model_dump(), **period})})
    context.phases["site"] = PHASES["site"].compute(context)
    sun, light_at = sun_view(context), LightAt(context)
    light = {mast_m: np.asarray(light_at(mast_m)) for mast_m in light_heights_m(context.plan)}
    return simulate(context.plan, sun, light, seed=seed)
