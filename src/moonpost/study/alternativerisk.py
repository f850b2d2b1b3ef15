"""The risk of plans side by side: the same luck for launches of the same name, the same dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from moonpost.campaign.build import BuildOrder
from moonpost.errors import InputError
from moonpost.plan import Plan
from moonpost.study.alternativemodel import RiskCurve, SharedLaunch, TradeRow, TradeValue
from moonpost.study.alternativeside import compared

if TYPE_CHECKING:
    from moonpost.campaign.risk import CampaignRisk

__all__ = ["risk_rows"]

_GRACE_YEARS = 2
_SLIPS = (0.5, 2.0)
_ASSUMED = "moonpost.campaign.campaign_risk: flown records after Jeffreys, slips, masses and dust of the plan"


def risk_rows(
    plans: Sequence[Plan],
    orders: Sequence[BuildOrder],
    launches: Sequence[SharedLaunch],
    *,
    runs: int,
    seed: int,
) -> tuple[tuple[TradeRow, ...], tuple[RiskCurve, ...]]:
    """Rows and curves of risk.

    Parameters
    ----------
    plans : sequence of Plan
        The plans.
    orders : sequence of BuildOrder
        Their build orders.
    launches : sequence of SharedLaunch
        What they share.
    runs : int
        How many campaigns of each plan; 0 for none.
    seed : int
        Launches of the same name meet the same luck in all plans.

    Returns
    -------
    rows, curves : tuple of TradeRow, tuple of RiskCurve
        Empty where nothing is run.

    Notes
    -----
    The date is the same for all plans: the begin of the year, two years after the latest day on which any plan
    without bad luck has all that its shared building launches bring.

    Examples
    --------
    >>> risk_rows([], [], [], runs=0, seed=0)
    ((), ())
    """
    if runs == 0:
        return (), ()
    targets = [_target(plan, order, launches) for plan, order in zip(plans, orders, strict=True)]
    date = _date(orders, targets)
    pairs = list(zip(plans, targets, strict=True))
    found = [_risk(plan, target, date, runs, seed) for plan, target in pairs]
    around = [[_risk(plan, target, date, runs, seed, part) for part in _SLIPS] for plan, target in pairs]
    labels = f"of {runs} campaigns"
    rows = (
        compared(
            "built-probability",
            "risk",
            f"All shared building launches at work by {date[:4]}",
            "%",
            "more",
            [_reached(row, more, date, labels) for row, more in zip(found, around, strict=True)],
        ),
        compared(
            "objectives-expected",
            "risk",
            f"Science objectives served at the begin of {date[:4]}, mean",
            "number",
            "more",
            [_spread(risk, date, "objectives", 1.0, labels) for risk in found],
        ),
        compared(
            "power-expected",
            "risk",
            f"Power of the station's sources at the begin of {date[:4]}, mean",
            "kW",
            "more",
            [_spread(risk, date, "power_w", 1e-3, labels) for risk in found],
        ),
    )
    return rows, tuple(_curve(at, risk) for at, risk in enumerate(found) if risk is not None)


def _target(plan: Plan, order: BuildOrder, launches: Sequence[SharedLaunch]) -> tuple[str, ...]:
    """Station machines of the shared building launches, or of all launches to come if none is shared."""
    names = {row.mission for row in launches if row.building}
    ready = {step.element for step in order.steps if step.ready is not None}
    coming = {row.id for row in plan.missions if row.status in ("planned", "proposed")}
    return tuple(
        row.id
        for row in plan.station_elements()
        if row.id in ready and row.mission in ((names & coming) or coming)
    )


def _date(orders: Sequence[BuildOrder], targets: Sequence[tuple[str, ...]]) -> str:
    """The date that all plans are asked for."""
    ends = [
        step.ready_latest or step.ready or ""
        for order, target in zip(orders, targets, strict=True)
        for step in order.steps
        if step.element in target
    ]
    year = max((dt.datetime.fromisoformat(end.rstrip("Z")).year for end in ends if end), default=2040)
    return f"{year + _GRACE_YEARS}-01-01"


def _risk(
    plan: Plan, target: tuple[str, ...], date: str, runs: int, seed: int, slip: float = 1.0
) -> CampaignRisk | None:
    """A plan's campaigns with its slips times a factor; None where nothing of it is to come."""
    from moonpost.campaign.risk import campaign_risk
    from moonpost.campaign.riskmodel import RiskAssumptions

    if not target:
        return None
    coming = [int(row.launch[:4]) for row in plan.missions if row.status in ("planned", "proposed")]
    last = int(date[:4])
    usual = RiskAssumptions()
    given = RiskAssumptions(slip_days=slip * usual.slip_days, launcher_slip_days=slip * usual.launcher_slip_days)
    missions = tuple(
        row if row.slip_days is None else row.model_copy(update={"slip_days": slip * row.slip_days})
        for row in plan.missions
    )
    plan = plan.model_copy(update={"missions": missions})
    dates = [f"{year}-01-01T00:00Z" for year in range(min([*coming, last]), last + 6)]
    try:
        return campaign_risk(
            plan, runs=runs, seed=seed, target=target, by=f"{date}T00:00Z", dates=dates, assumptions=given
        )
    except InputError:
        return None


def _reached(
    risk: CampaignRisk | None, around: Sequence[CampaignRisk | None], date: str, labels: str
) -> TradeValue:
    if risk is None:
        return TradeValue(value=None, text="nothing is to come", rests_on=_ASSUMED)
    by = f"{date}T00:00Z"
    chances = [row.reached(risk.target, by) for row in (risk, *around) if row is not None]
    causes = risk.causes(risk.target, by)
    worst = f"; most frequent first cause of failure: {causes[0].text}" if causes else ""
    return TradeValue(
        value=100.0 * chances[0].share,
        low=100.0 * min(chance.low for chance in chances),
        high=100.0 * max(chance.high for chance in chances),
        text=f"{len(risk.target)} machines{worst}",
        range_of=f"slips halved and doubled, and the sampling {labels}",
        rests_on=_ASSUMED,
    )


def _at(risk: CampaignRisk, date: str) -> dict[str, Any]:
    """What is told for a date."""
    return next(row for row in risk.capability_rows() if row["date"].startswith(date))


def _spread(risk: CampaignRisk | None, date: str, name: str, scale: float, labels: str) -> TradeValue:
    if risk is None:
        return TradeValue(value=None, text="nothing is to come", rests_on=_ASSUMED)
    found = _at(risk, date)[name]
    return TradeValue(
        value=scale * found["mean"],
        low=scale * found["p05"]["value"],
        high=scale * found["p95"]["value"],
        text="with all launches of the plan",
        range_of=f"P5 to P95 {labels}",
        rests_on=_ASSUMED,
    )


def _curve(at: int, risk: CampaignRisk) -> RiskCurve:
    rows = risk.capability_rows()
    return RiskCurve(
        plan=at,
        name="all shared building launches at work",
        dates=tuple(row["date"] for row in rows),
        probability=tuple(row["target"]["share"] for row in rows),
        objectives=tuple(row["objectives"]["mean"] for row in rows),
    )
