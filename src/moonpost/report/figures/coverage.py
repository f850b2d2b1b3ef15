"""Contacts over time, and the gaps between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from moonpost.errors import InputError
from moonpost.report.figures.style import BLUE, ORANGE, dates, drawing, row_names
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.flight.coverage import Contacts

__all__ = ["contacts_figure"]

_ROW_IN = 0.34


@drawing
def contacts_figure(rows: Mapping[str, Contacts], width_in: float) -> Figure:
    """Draw when satellites are in contact, and how long each gap of the last row lasts.

    Parameters
    ----------
    rows : mapping of str to Contacts
        Contacts by name, of one span; the last row, such as that of all satellites together, has its gaps drawn.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A timeline over a chart of the gaps.

    Raises
    ------
    InputError
        If there are no rows.
    """
    if not rows:
        raise InputError("nothing to draw", where="contacts", advice="give contacts by name")
    last = list(rows.values())[-1]
    high = 0.55 + _ROW_IN * len(rows) * (1.5 if width_in < 5 else 1.0)
    figure = Figure(figsize=(width_in, high + 2.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[high, 1.8])
    for k, part in enumerate(rows.values()):
        begin = date2num(part.start_utc)
        colour = BLUE if k < len(rows) - 1 or len(rows) == 1 else ORANGE
        bars = np.stack([begin, date2num(part.stop_utc) - begin], axis=1)
        above.broken_barh(bars, (k - 0.27, 0.54), color=colour, linewidth=0)
    row_names(above, list(rows), width_in)
    above.set_ylabel("Satellite")
    _gaps(below, last)
    below.set_ylabel("Gap [h]")
    dates(below.xaxis, width_in)
    return figure


def _gaps(axes: Any, last: Contacts) -> None:
    """Each gap as a bar as wide and as high as it is long."""
    gaps = last.gaps()
    begin, end = date2num(gaps.start_utc), date2num(gaps.stop_utc)
    axes.bar(begin, gaps.duration_s / 3600.0, width=end - begin, align="edge", color=ORANGE, linewidth=0.4)
    axes.set_xlim(*date2num(default_timescale().utc(np.array(last.span_tdb_s))))
    if not len(gaps):
        axes.set_ylim(0.0, 1.0)
        axes.text(0.5, 0.5, "no gap", transform=axes.transAxes, ha="center", va="center")
