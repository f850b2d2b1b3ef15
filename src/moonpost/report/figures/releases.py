"""When each data product is seen by whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from moonpost.errors import InputError
from moonpost.plan.base import when_bounds
from moonpost.report.figures.style import (
    DARK,
    FULL_IN,
    GREEN,
    INK,
    ORANGE,
    SKY,
    dates,
    drawing,
    legend_above,
    row_names,
)

if TYPE_CHECKING:
    from moonpost.partners.releases import Release

__all__ = ["release_figure"]

_MARGIN = dt.timedelta(days=365)
_STAGES = (("data are taken", DARK), ("early access", ORANGE), ("all partners", SKY), ("everybody", GREEN))


@drawing
def release_figure(rows: Sequence[Release], at: str, width_in: float = FULL_IN) -> Figure:
    """Draw for each data product when it is taken and when partners and everybody see it.

    Parameters
    ----------
    rows : sequence of Release
        From `moonpost.partners.releases`; those without data are left out.
    at : str
        The day that is marked.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A bar for each product, in the order given.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    drawn = [row for row in rows if row.public_from is not None]
    if not drawn:
        raise InputError("no product has data", where="--plot", advice="choose a plan or a state with products")
    spans = [_stages(row) for row in drawn]
    first = min(span[0] for span in spans) - _MARGIN / 4
    last = max(span[-1] for span in spans) + _MARGIN
    figure = Figure(figsize=(width_in, 1.1 + 0.28 * len(drawn)), layout="constrained")
    axes = figure.subplots()
    for k, span in enumerate(spans):
        for (begin, end), (_, colour) in zip(zip(span, (*span[1:], last), strict=True), _STAGES, strict=True):
            if end > begin:
                left = date2num(begin)
                axes.barh(k, date2num(end) - left, left=left, height=0.62, color=colour, linewidth=0)
    axes.axvline(date2num(when_bounds(at)[1]), color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.annotate(
        f" {at}", (date2num(when_bounds(at)[1]), -0.75), fontsize=8.5, va="center", annotation_clip=False
    )
    row_names(axes, [row.name for row in drawn], width_in)
    axes.set_ylim(len(drawn) - 0.4, -1.05)
    axes.set_xlim(date2num(first), date2num(last))
    axes.grid(axis="y", visible=False)
    dates(axes.xaxis, width_in)
    legend_above(axes, width_in, [Patch(color=colour, label=label) for label, colour in _STAGES])
    return figure


def _stages(row: Release) -> tuple[dt.datetime, dt.datetime, dt.datetime, dt.datetime]:
    """Begin and end of the taking, when partners and when everybody see it."""
    public = when_bounds(row.public_from or "")[0]
    taken, done, shared = (
        public if text is None else min(when_bounds(text)[0], public)
        for text in (row.collected, row.collected_latest, row.partners_from)
    )
    return taken, done, max(done, shared), public
