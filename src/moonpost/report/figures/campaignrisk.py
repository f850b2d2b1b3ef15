"""The odds of a campaign: when its target stands, what first keeps it from standing, and what they hang on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from moonpost.report.figures.style import (
    BLUE,
    FULL_IN,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    SKY,
    dates,
    drawing,
    row_names,
)

if TYPE_CHECKING:
    from moonpost.campaign.risk import CampaignRisk
    from moonpost.campaign.riskcauses import Cause
    from moonpost.campaign.riskfactors import Swing

__all__ = ["campaign_risk_figure"]

_MOST_ROWS = 10
_NARROW_IN = 5.0
_KIND_COLOURS = {
    "launch": RED,
    "arrival": ORANGE,
    "slip": BLUE,
    "launcher": SKY,
    "stand-down": SKY,
    "pace": SKY,
    "performance": GREEN,
    "plan": GREY,
}


@drawing
def campaign_risk_figure(risk: CampaignRisk, swings: Sequence[Swing] = (), width_in: float = FULL_IN) -> Figure:
    """Draw the odds of the target and the power against time, the first causes of missing it, and a tornado.

    Parameters
    ----------
    risk : CampaignRisk
        The experiment.
    swings : sequence of Swing
        What each factor does to the target; without them the tornado is left out.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Three parts, or four with the tornado.
    """
    narrow = width_in < _NARROW_IN + 1.0
    parts = 4 if swings else 3
    rows = parts if narrow else 2
    figure = Figure(figsize=(width_in, (3.0 if narrow else 3.6) * rows), layout="constrained")
    axes = list(figure.subplots(rows, 1 if narrow else 2).ravel())
    capability = risk.capability_rows()
    time = np.array([row["date"][:10] for row in capability], dtype="datetime64[D]")
    each_in = width_in if narrow else 0.5 * width_in
    _target(axes[0], risk, time, capability)
    _power(axes[1], risk, time)
    for panel in axes[:2]:
        dates(panel.xaxis, each_in if narrow else 1.5 * each_in, label="")
    _causes(axes[2], risk.causes(), risk, each_in)
    if swings:
        _tornado(axes[3], swings, each_in)
    elif not narrow:
        axes[3].remove()
    return figure


def _names_in(width_in: float) -> float:
    """Width that decides how much of a row's name is shown [inch]."""
    return width_in if width_in < _NARROW_IN else 1.7 * width_in


def _bar(width_in: float) -> float:
    """Height of a bar, lower where names stand above the bars."""
    return 0.45 if width_in < _NARROW_IN else 0.65


def _share(axis: Any) -> None:
    """Percent on an axis."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))


def _target(axes: Any, risk: CampaignRisk, time: Any, rows: list[dict[str, Any]]) -> None:
    """How likely the target stands by each date, and each of its objectives."""
    target = np.array([row["target"]["share"] for row in rows])
    low, high = (np.array([row["target"][side] for row in rows]) for side in ("low", "high"))
    last = np.arange(1, risk.runs + 1) / risk.runs
    ready = np.sort(risk.ready_days())
    within = np.isfinite(ready) & (ready <= risk.days[-1])
    exact = np.datetime64("2000-01-01", "s") + (86400.0 * ready[within]).astype("timedelta64[s]")
    if within.any():
        share = last[within]
        axes.plot(np.append(exact, time[-1].astype(exact.dtype)), np.append(share, share[-1]), color=BLUE, lw=1.6)
    bars = np.maximum([target - low, high - target], 0.0)
    axes.errorbar(time, target, bars, fmt="o", ms=3, color=BLUE, ecolor=GREY, capsize=2)
    by = np.datetime64("2000-01-01", "s") + np.timedelta64(round(86400.0 * risk.last_day), "s")
    reached = risk.reached()
    if time[0] <= by <= time[-1]:
        axes.axvline(by, color=INK, lw=0.8, ls=":")
        axes.annotate(
            f"{100 * reached.share:.0f} % by {by.astype('datetime64[D]')}",
            (by, 1.0),
            xytext=(4, -4),
            textcoords="offset points",
            va="top",
            fontsize=8,
        )
    axes.set_ylim(0.0, 1.03)
    axes.set_xlim(time[0], time[-1])
    _share(axes.yaxis)
    axes.set_ylabel("Probability")
    many = len(risk.target)
    axes.set_title(f"{risk.target[0] if many == 1 else f'All {many} machines'} at work by")


def _power(axes: Any, risk: CampaignRisk, time: Any) -> None:
    """How likely the station's bus has some parts of its power, or how many objectives are served without one."""
    source = risk.model.source_arrays
    rated = float(source["power"][source["station"]].sum())
    if rated == 0.0:
        axes.plot(time, risk.found.objectives.sum(axis=1).mean(axis=0), color=BLUE)
        axes.set_ylabel("Objectives, mean over runs")
        axes.set_title("Objectives served")
        return
    for part, colour in ((0.2, SKY), (0.5, BLUE), (0.8, INK)):
        level = float(f"{part * rated:.1g}")
        share = (risk.found.power_w >= level).mean(axis=0)
        axes.plot(time, share, "o-", ms=3, color=colour, label=f"{level / 1e3:g} kW or more")
    axes.set_xlim(time[0], time[-1])
    axes.set_ylim(0.0, 1.03)
    _share(axes.yaxis)
    axes.set_ylabel("Probability")
    axes.set_title(f"Power of the station, {rated / 1e3:,.1f} kW rated")
    axes.legend(loc="upper left")


def _causes(axes: Any, causes: list[Cause], risk: CampaignRisk, width_in: float) -> None:
    """Shares of runs in which something is the first to keep the target from standing."""
    rows = causes[:_MOST_ROWS]
    place = np.arange(len(rows))
    share = np.array([row.probability.share for row in rows])
    bounds = np.array([[row.probability.share - row.probability.low, row.probability.high - row.probability.share]
                       for row in rows]).reshape(-1, 2)  # fmt: skip
    axes.barh(place, share, color=[_KIND_COLOURS[row.kind] for row in rows], height=_bar(width_in))
    axes.errorbar(share, place, xerr=np.maximum(bounds.T, 0.0), fmt="none", ecolor=INK, capsize=2, lw=0.8)
    row_names(axes, [row.text for row in rows], _names_in(width_in))
    axes.set_xlim(left=0.0)
    _share(axes.xaxis)
    axes.set_xlabel("Runs, with bounds at 95 %")
    missed = risk.runs - risk.reached().count
    more = f"; {len(causes) - len(rows)} rarer ones" if len(causes) > len(rows) else ""
    axes.set_title(
        "First cause of missing it" if width_in < _NARROW_IN else f"First cause ({missed:,} runs miss it{more})"
    )


def _tornado(axes: Any, swings: Sequence[Swing], width_in: float) -> None:
    """How far each factor moves the probability of the target."""
    rows = [row for row in swings if row.width > 0.0][:_MOST_ROWS]
    base = rows[0].usual.share if rows else 0.0
    place = np.arange(len(rows))
    better = np.array([row.better.share for row in rows])
    worse = np.array([row.worse.share for row in rows])
    axes.barh(place, better - base, left=base, color=GREEN, height=_bar(width_in), label="without harm")
    axes.barh(place, worse - base, left=base, color=RED, height=_bar(width_in), label="at its worst")
    axes.axvline(base, color=INK, lw=0.8)
    row_names(axes, [row.text for row in rows], _names_in(width_in))
    axes.margins(x=0.08)
    _share(axes.xaxis)
    axes.set_xlabel("Probability of the target")
    axes.set_title("What it hangs on")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
