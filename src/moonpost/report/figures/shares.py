"""What partners put in and get back."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from moonpost.partners.rights import Rights
from moonpost.report.figures.style import (
    BLUE,
    FULL_IN,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    drawing,
    legend_above,
    row_names,
)
from moonpost.study.giveandtake import RESOURCES, PartnerBalance

__all__ = ["balance_figure"]

_BASES = {"mass": BLUE, "energy": ORANGE, "data": GREEN, "launches": RED, "services": PURPLE}
_MARKS = {"energy": "D", "data": "o", "time": "s"}


@drawing
def balance_figure(found: Rights, rows: Sequence[PartnerBalance], width_in: float = 0.75 * FULL_IN) -> Figure:
    """Draw what each partner puts in, weighted by the rule, and what it may use after barter.

    Parameters
    ----------
    found : Rights
        Contributions and the rule.
    rows : sequence of PartnerBalance
        From `moonpost.study.giveandtake.partner_balances`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Stacked bars of what is put in, marks of what may be used.
    """
    figure = Figure(figsize=(width_in, 1.5 + 0.6 * max(len(rows), 1)), layout="constrained")
    axes = figure.subplots()
    parts = {row.partner: row.parts for row in found.rows}
    for k, row in enumerate(rows):
        left = 0.0
        for basis, weight in found.weights.items():
            width = 100 * weight * parts[row.partner].get(basis, 0.0)
            label = f"puts in: {basis} (weight {100 * weight:.0f} %)" if k == 0 else None
            axes.barh(k, width, left=left, height=0.5, color=_BASES[basis], linewidth=0, label=label)
            left += width
        for shift, resource in zip((-0.12, 0.0, 0.12), RESOURCES, strict=True):
            axes.plot(
                100 * row.entitled[resource],
                k + shift,
                marker=_MARKS[resource],
                color=INK,
                markerfacecolor="white",
                markersize=6,
                linestyle="none",
                label=f"may use: {resource}" if k == 0 else None,
            )
        reach = max(left, *(100 * share for share in row.entitled.values()))
        axes.annotate(f"{left:.1f} %", (reach, k), xytext=(9, 0), textcoords="offset points", va="center")
    row_names(axes, [row.name for row in rows], width_in)
    axes.set_xlim(0, 112)
    axes.set_xlabel("Part of the whole [%]")
    axes.set_ylabel("Partner")
    legend_above(axes, width_in)
    return figure
