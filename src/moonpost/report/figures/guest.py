"""What a guest payload asks of its host, beside what the host has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREY, RED, drawing

if TYPE_CHECKING:
    from moonpost.study.guest import GuestAnswer

__all__ = ["guest_figure"]

_ROW_IN = 0.42
_MOST = 3.0


@drawing
def guest_figure(found: GuestAnswer, width_in: float) -> Figure:
    """Draw what is left of each thing that a guest asks for.

    Parameters
    ----------
    found : GuestAnswer
        What was found.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A bar for each check: what is left as a part of what was asked for, left of zero where it lacks.
    """
    checks = found.checks[::-1]
    figure = Figure(figsize=(width_in, 1.2 + _ROW_IN * len(checks)), layout="constrained")
    axes: Any = figure.subplots()
    for k, check in enumerate(checks):
        if check.spare is None:
            axes.text(0.03, k, "not known", va="center", color=GREY)
            continue
        length = max(min(check.spare, _MOST), -1.0)
        axes.barh(k, length, color=BLUE if check.fits else RED, height=0.55)
        if check.spare > _MOST:
            axes.text(_MOST + 0.03, k, "more", va="center", color=GREY)
    axes.set_yticks(range(len(checks)), [check.what for check in checks])
    axes.axvline(0.0, color=GREY, linewidth=1.0)
    axes.set_xlim(-1.1, _MOST + 0.4)
    axes.set_xlabel("Left over what is asked (1 = as much again; for temperatures 20 K)")
    return figure
