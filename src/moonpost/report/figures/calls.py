"""The proposals of a call: how they rank, what they weigh, how far they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREY, ORANGE, RED, drawing, short

if TYPE_CHECKING:
    from moonpost.partners.calls import CallState

__all__ = ["call_figure"]

_ROW_IN = 0.21
_COLOURS = {"chosen": BLUE, "not chosen": ORANGE, "not short-listed": "#A9B3BF", "screened out": RED, "open": GREY}
_GROUP = {
    "allocated": "chosen", "chosen": "chosen", "not chosen": "not chosen", "short-listed": "not chosen",
    "not short-listed": "not short-listed", "screened out": "screened out", "not known": "screened out",
}  # fmt: skip
_TOLD = {"not chosen": "short-listed, not chosen", "screened out": "screened out or not known", "open": "open"}


@drawing
def call_figure(state: CallState, width_in: float) -> Figure:
    """Draw score and mass of every proposal of a call.

    Parameters
    ----------
    state : CallState
        Where the call stands.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        By rank from above: mean of the reviews with their standard deviation, and the mass beside the largest that
        one may have; those without reviews below.
    """
    ranks = {row.proposal: row for row in state.ranking()}
    names = sorted(state.letters, key=lambda name: (ranks[name].rank if name in ranks else 1_000_000, name))
    figure = Figure(figsize=(width_in, 1.4 + _ROW_IN * max(len(names), 4)), layout="constrained")
    left, right = _axes(figure)
    for k, name in enumerate(names):
        colour = _COLOURS[_group(state, name)]
        row = ranks.get(name)
        if row is not None:
            left.errorbar(
                float(row.score), k, xerr=row.spread, fmt="o", color=colour, markersize=4, elinewidth=1.0
            )
        right.barh(k, state.letters[name].proposal.mass_kg, color=colour, height=0.7)
    titles = [f"{name}  {short(state.letters[name].proposal.title, width_in)}" for name in names]
    left.set_yticks(range(len(names)), titles, fontsize=7.5)
    left.set_ylim(max(len(names), 1) - 0.4, -0.6)
    left.set_xlabel("Score (mean, standard deviation)")
    right.set_xlabel("Mass (kg)")
    if state.terms.payload_each_kg is not None:
        right.axvline(state.terms.payload_each_kg, color=GREY, linewidth=1.0, linestyle="--")
    made_up = sum(row.synthetic for row in state.proposals)
    if made_up:
        left.set_title(f"{made_up} of {len(names)} proposals are synthetic", fontsize=8, fontweight="normal")
    _legend(figure, right, {_group(state, name) for name in names})
    return figure


def _axes(figure: Figure) -> tuple[Any, Any]:
    axes: Any = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [1.2, 1.0]})
    return axes[0], axes[1]


def _group(state: CallState, name: str) -> str:
    return _GROUP.get(state.standing(name), "open")


def _legend(figure: Figure, axes: Any, groups: set[str]) -> None:
    """What the colours say."""
    from matplotlib.patches import Patch

    handles = [Patch(color=_COLOURS[name], label=_TOLD.get(name, name)) for name in _COLOURS if name in groups]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=8)
    axes.tick_params(labelleft=False, length=0)
