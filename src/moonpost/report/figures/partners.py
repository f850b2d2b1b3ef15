"""Shares of the partners."""

from __future__ import annotations

from matplotlib.figure import Figure

from moonpost.report.figures.style import INK, drawing, owner_colours, row_names
from moonpost.study.results import StudyRecord

__all__ = ["shares_figure"]


@drawing
def shares_figure(record: StudyRecord, width_in: float) -> Figure:
    """Draw each partner's share of the landed mass with its range.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Bars with whiskers.
    """
    rows = record.partners.shares
    colours = owner_colours([*(bar.owner for bar in record.build.gantt), *(row.partner for row in rows)])
    narrow = width_in < 5
    figure = Figure(figsize=(width_in, 0.9 + len(rows) * (0.62 if narrow else 0.45)), layout="constrained")
    axes = figure.subplots()
    for k, row in enumerate(rows):
        axes.barh(k, 100 * row.share, height=0.5, color=colours[row.partner], linewidth=0)
        if row.share_low is not None and row.share_high is not None:
            axes.plot(
                [100 * row.share_low, 100 * row.share_high],
                [k, k],
                color=INK,
                linewidth=1.4,
                marker="|",
                markersize=9,
            )
        reach = 100 * max(row.share, row.share_high or 0.0)
        axes.annotate(
            f"{100 * row.share:.0f} %", (reach, k), xytext=(6, 0), textcoords="offset points", va="center"
        )
    row_names(axes, [row.name for row in rows], width_in)
    axes.set_xlim(0, 108)
    axes.set_xlabel("Share of landed mass [%]")
    axes.set_ylabel("Partner")
    return figure
