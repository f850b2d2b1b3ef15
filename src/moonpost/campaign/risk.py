"""How likely a station stands by a date: a plan flown many times with slips, failures, short mass and dust."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.campaign.riskbasis import RiskAssumptions
from moonpost.campaign.riskmodel import RiskModel, risk_model
from moonpost.campaign.riskresult import CampaignRisk, element_column, last_instant_day
from moonpost.campaign.riskruns import run_parts
from moonpost.errors import DateError, InputError
from moonpost.plan.base import when_bounds
from moonpost.plan.model import Plan

if TYPE_CHECKING:
    from moonpost.terrain.tilerun import Progress

__all__ = ["CampaignRisk", "campaign_risk"]

_ORIGIN = dt.datetime(2000, 1, 1)
_DAY = dt.timedelta(days=1)
_AFTER_YEARS = 10
_LAST_YEAR = 9998
_END = "9998-12-31T23:59:59Z"
_FLOATS = npt.NDArray[np.float64]


def campaign_risk(
    plan: Plan,
    *,
    runs: int = 10_000,
    seed: int = 0,
    workers: int = 1,
    scheduler: str | None = None,
    reflights: int = 0,
    target: Sequence[str] = (),
    by: str | None = None,
    dates: Sequence[str] = (),
    assumptions: RiskAssumptions | None = None,
    progress: Progress | None = None,
) -> CampaignRisk:
    """Fly a plan many times with drawn slips, failures, masses and dust.

    Parameters
    ----------
    plan : Plan
        The plan; it is not touched.
    runs : int
        How many times.
    seed : int
        Of all runs. Each mission, launcher and element has luck of its own by its name, so that two plans with the
        same missions meet the same luck.
    workers : int
        Threads in this process.
    scheduler : str, optional
        A Dask scheduler instead, ``tcp://HOST:PORT``, or ``local:N`` for N processes on this machine.
    reflights : int
        Most times that a mission which failed is flown again.
    target : sequence of str
        Elements that are to work; without any, all on the station's bus that can, or else all to come.
    by : str, optional
        Date by which the target is to be reached; if absent, the last on which the plan without bad luck has it.
    dates : sequence of str
        When capability is told; the begin of each year, to ten years after the last launch, if none are given.
    assumptions : RiskAssumptions, optional
        What stands in where the plan says nothing.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    CampaignRisk
        The same for the same seed, whatever the number of workers.

    Raises
    ------
    InputError, DateError, UnknownNameError
        If a number, a date or an element cannot be used.
    MissingExtraError
        If a scheduler is asked for and the package distributed is not installed.
    ModelError
        If missions or elements require each other in a circle.

    Notes
    -----
    A mission flies on a day drawn evenly from its date, plus an exponential delay of the mean that its programme
    has shown, but not before what it requires has arrived and its launcher flies. A failed launch grounds the
    launcher. A mission that fails, at launch or on arrival, brings nothing and breaks what requires it, unless it
    is flown again. Cargo heavier than what its mission can land stays behind: what carries the rest and what has
    priority goes first. Arrays lose to dust, to later landings near by, and to age. Neglected: failures in
    operation, weather, money, and effects of one mission's delay on another that does not require it.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> risk = campaign_risk(load_plan("ilrs"), runs=100, target=["command-centre"], by="2040")
    >>> missed = sum(row.probability.count for row in risk.causes())
    >>> missed == 100 - risk.reached().count
    True
    """
    model = risk_model(plan, reflights=reflights, assumptions=assumptions)
    days = _days(dates, plan)
    wanted, limit = _target(plan, model, target, by)
    found = run_parts(model, days, runs, seed=seed, workers=workers, scheduler=scheduler, progress=progress)
    return CampaignRisk(plan.id, model, found, days, seed, wanted, limit)


def _target(plan: Plan, model: RiskModel, target: Sequence[str], by: str | None) -> tuple[tuple[str, ...], str]:
    """Elements that are to work and the date; from the plan without bad luck where they are not given."""
    from moonpost.campaign.build import build_order

    given = model.assumptions
    order = build_order(plan, transit_days=given.transit_days, commissioning_days=given.commissioning_days)
    latest = {step.element: step.ready_latest for step in order.steps}
    for name in target:
        element_column(model, name)
    states = {row.id: row.status for row in plan.missions}
    rows = [row for row in plan.elements if latest[row.id] and states.get(row.mission) in ("planned", "proposed")]
    wanted = (
        tuple(target) or tuple(row.id for row in rows if row.bus == "station") or tuple(row.id for row in rows)
    )
    if not wanted:
        raise InputError("no element of the plan is to come", where=plan.id, advice="name elements with target")
    if by is not None:
        last_instant_day(by, "by")
        return wanted, by
    dated = [date for date in (latest[name] for name in wanted) if date is not None]
    return wanted, min(max(dated, default=_END), _END)


def _days(dates: Sequence[str], plan: Plan) -> _FLOATS:
    """Days since 2000 of the dates asked for, or of each new year from the first launch to come on."""
    if dates:
        days = [last_instant_day(date, "dates") for date in dates]
        if sorted(set(days)) != days:
            raise DateError("do not ascend", where="dates", advice="give each date once, in order")
        return np.array(days)
    to_come = [when_bounds(row.launch) for row in plan.missions if row.status in ("planned", "proposed")]
    if not to_come:
        raise InputError("no mission of the plan is to come", where=plan.id, advice="give dates")
    first = min(min(row[0].year for row in to_come) + 1, _LAST_YEAR)
    last = min(max(row[1].year for row in to_come) + _AFTER_YEARS, _LAST_YEAR)
    return np.array([(dt.datetime(year, 1, 1) - _ORIGIN) / _DAY for year in range(first, last + 1)])
