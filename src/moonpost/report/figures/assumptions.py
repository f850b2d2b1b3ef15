"""What the assumptions do to the storage margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, INK, RED, drawing, row_names
from moonpost.report.wording import number, plain, value
from moonpost.study.results import SensitivityRow, StudyRecord

__all__ = ["assumptions_figure"]

_CUT = 3.0


@drawing
def assumptions_figure(record: StudyRecord, rows: Sequence[SensitivityRow], width_in: float) -> Figure:
    """Draw the storage margin with the low and the high value of each assumption.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    rows : sequence of SensitivityRow
        Those to be drawn, the largest effect first; each with an effect.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Bars from the margin of the plan as it is, red below zero. A bar more than three times as long as those
        of the next assumption is cut, and its margin written beside it.
    """
    base = record.design.storage[0].margin_wh / 1e3
    narrow = width_in < 5
    reach = _reach(rows)
    figure = Figure(figsize=(width_in, 1.0 + len(rows) * (0.46 if narrow else 0.34)), layout="constrained")
    axes: Any = figure.subplots()
    axes.use_sticky_edges = False
    for k, row in enumerate(rows):
        for end in _ends(row, base):
            _side(axes, k, base, end, reach)
    axes.axvline(base, color=INK, linewidth=1.0)
    axes.axvline(0.0, color=RED, linewidth=1.0, linestyle="--")
    row_names(axes, [plain(row.assumption) for row in rows], width_in)
    axes.margins(x=0.24 if narrow else 0.16)
    axes.set_xlabel("Storage margin [kWh]")
    axes.set_ylabel("Assumption")
    return figure


def _reach(rows: Sequence[SensitivityRow]) -> float:
    """How far from the plan's margin a bar may go [kWh]."""
    effects = sorted((abs(row.effect_wh or 0.0) / 1e3 for row in rows), reverse=True)
    return _CUT * effects[1] if len(effects) > 1 and effects[1] > 0 else float("inf")


def _ends(row: SensitivityRow, base: float) -> list[tuple[float, str]]:
    """Margins at the ends of an assumption's range, with their values; where both lie on one side the farther."""
    pairs = ((row.margin_low_wh, row.low), (row.margin_high_wh, row.high))
    ends = [(margin / 1e3, value(row.parameter, at)) for margin, at in pairs if margin is not None]
    ends = [end for end in ends if abs(end[0] - base) > 1e-9]
    farthest: dict[bool, tuple[float, str]] = {}
    for end in sorted(ends, key=lambda item: abs(item[0] - base)):
        farthest[end[0] > base] = end
    return list(farthest.values())


def _side(axes: Any, k: int, base: float, end: tuple[float, str], reach: float) -> None:
    """One half of a bar, with the value of the assumption at its end; the part below zero in red."""
    margin, text = end
    far = min(max(margin, base - reach), base + reach)
    if far != margin:
        text = f"◂ {text}: {number(margin)} kWh" if margin < base else f"{text}: {number(margin)} kWh ▸"
    if far < 0.0 < base:
        pieces = [(0.0, base, BLUE), (far, 0.0, RED)]
    else:
        pieces = [(base, far, RED if min(far, base) < 0.0 else BLUE)]
    for start, stop, colour in pieces:
        axes.barh(k, stop - start, left=start, height=0.46, color=colour, linewidth=0)
    right = margin > base
    inside = far != margin
    axes.annotate(
        text,
        (far, k),
        xytext=(4 if right != inside else -4, 0),
        textcoords="offset points",
        fontsize=8,
        ha="left" if right != inside else "right",
        va="center",
        color="white" if inside else INK,
    )
