"""Velocity changes, leg by leg."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, drawing, legend_above, row_names
from moonpost.report.wording import leg_name, number, plain
from moonpost.study.results import ChainRow

__all__ = ["chains_figure"]

_LEGS = (SKY, ORANGE, BLUE, GREEN, RED, PURPLE, "#7A6A00", "#9AA5B1")


@drawing
def chains_figure(chains: Sequence[ChainRow], width_in: float) -> Figure:
    """Draw the velocity changes of each kind of transfer, one after the other.

    Parameters
    ----------
    chains : sequence of ChainRow
        One for each transfer.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Stacked bars.
    """
    legs = list(dict.fromkeys(leg.leg for chain in chains for leg in chain.legs))
    colours = {leg: _LEGS[k % len(_LEGS)] for k, leg in enumerate(legs)}
    narrow = width_in < 5
    rows = -(-len(legs) // (2 if narrow else 8))
    figure = Figure(
        figsize=(width_in, 0.8 + 0.2 * rows + len(chains) * (0.56 if narrow else 0.36)), layout="constrained"
    )
    axes = figure.subplots()
    seen: set[str] = set()
    for k, chain in enumerate(chains):
        reach = 0.0
        for leg in chain.legs:
            label = None if leg.leg in seen else leg_name(leg.leg)
            seen.add(leg.leg)
            axes.barh(
                k, leg.delta_v_m_s, left=reach, height=0.5, color=colours[leg.leg], edgecolor="white", label=label
            )
            reach += leg.delta_v_m_s
        axes.annotate(
            number(reach), (reach, k), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    row_names(axes, [plain(chain.transfer or "") for chain in chains], width_in)
    axes.margins(x=0.1)
    axes.set_xlabel("Velocity change after injection [m/s]")
    axes.set_ylabel("Transfer")
    legend_above(axes, width_in)
    return figure
