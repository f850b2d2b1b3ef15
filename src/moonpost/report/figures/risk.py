"""What many runs with drawn faults come to: what is served, how available machines are, which are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from moonpost.report.figures.style import BLUE, FULL_IN, GREY, INK, ORANGE, RED, drawing

if TYPE_CHECKING:
    from moonpost.operations.montecarlo import Risk

__all__ = ["risk_figure"]

_MOST_ROWS = 12


@drawing
def risk_figure(found: Risk, width_in: float = FULL_IN) -> Figure:
    """Draw energy served and availability over the runs, how their means settle, and machines lost.

    Parameters
    ----------
    found : Risk
        The runs.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Four parts: energy served, availability, how the mean settles, and shares of runs that lose a machine.
    """
    figure = Figure(figsize=(width_in, 0.62 * width_in), layout="constrained")
    (energy, available), (settling, lost) = figure.subplots(2, 2)
    _below(energy, found.values["served_wh"] / 1e3, "Energy served (kWh)", BLUE)
    energy.set_title(f"Energy served in {found.runs} runs")
    _below(available, 100.0 * found.values["availability"], "Availability (%)", ORANGE)
    available.set_title("Time in which machines get all that they ask for")
    _settling(settling, found)
    _lost(lost, found)
    return figure


def _below(axes: Any, values: Any, label: str, colour: str) -> None:
    """Share of runs below each value, with the quantiles that are told."""
    numbers = np.sort(np.asarray(values, dtype=np.float64))
    many = numbers.size
    spread = float(numbers[-1] - numbers[0])
    digits = int(np.clip(np.ceil(2.0 - np.log10(spread)), 0, 4)) if spread > 0.0 else 1
    axes.step(numbers, np.arange(1, many + 1) / many, where="post", color=colour, lw=1.6)
    for share in (0.05, 0.5, 0.95):
        at = float(np.quantile(numbers, share))
        axes.plot([at], [share], "o", color=INK, ms=4)
        left = at - numbers[0] > numbers[-1] - at
        axes.annotate(
            f"P{100 * share:.0f}: {at:,.{digits}f}",
            (at, share),
            xytext=(-6 if left else 6, -3),
            ha="right" if left else "left",
            textcoords="offset points",
            fontsize=8,
        )
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(0.0, 1.03)
    axes.margins(x=0.12)
    axes.set_xlabel(label)
    axes.set_ylabel("Runs at or below")


def _settling(axes: Any, found: Risk) -> None:
    """The mean of the energy served as runs are added, with two standard errors."""
    rows = found.growth()
    runs = np.array([row["runs"] for row in rows], dtype=np.float64)
    mean = np.array([row["served_wh"]["mean"] for row in rows]) / 1e3
    error = np.array([row["served_wh"]["mean_error"] for row in rows]) / 1e3
    axes.errorbar(runs, mean, 2.0 * error, fmt="o-", color=BLUE, ecolor=GREY, capsize=3, ms=4)
    axes.set_xscale("log")
    axes.set_xticks(runs, [f"{n:,.0f}" for n in runs])
    axes.minorticks_off()
    axes.set_xlabel("Runs")
    axes.set_ylabel("Mean energy served (kWh)")
    axes.set_title("How the mean settles, with two standard errors")


def _lost(axes: Any, found: Risk) -> None:
    """Shares of runs in which machines are lost, with bounds."""
    rows = sorted(found.losses(), key=lambda row: (-row["share"], row["machine"]))[:_MOST_ROWS]
    rows = [row for row in rows if row["count"]] or rows[:3]
    place = np.arange(len(rows))
    share = np.array([row["share"] for row in rows])
    bounds = np.array([[row["share"] - row["low"], row["high"] - row["share"]] for row in rows]).reshape(-1, 2)
    axes.barh(place, share, color=RED, height=0.6)
    axes.errorbar(share, place, xerr=np.maximum(bounds.T, 0.0), fmt="none", ecolor=INK, capsize=3)
    axes.set_yticks(place, [row["machine"] for row in rows])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlim(left=0.0)
    axes.set_xlabel("Runs in which it is lost, with bounds at 95 %")
    axes.set_title("Machines lost")
