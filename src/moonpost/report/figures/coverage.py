"""Contacts over time and the gaps between them; what an instrument has seen of the surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from moonpost.errors import InputError
from moonpost.report.figures.style import BLUE, GREEN, ORANGE, PURPLE, RED, dates, drawing, legend_above, row_names
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from moonpost.flight.coverage import Contacts
    from moonpost.flight.swath import SurfaceCoverage

__all__ = ["contacts_figure", "surface_figure"]

_ROW_IN = 0.34
_BANDS = (BLUE, ORANGE, GREEN, RED, PURPLE)


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


@drawing
def surface_figure(
    seen: SurfaceCoverage, bands_deg: Sequence[tuple[float, float]], width_in: float, *, points: int = 200
) -> Figure:
    """Draw the part of latitude bands that has been seen, over time.

    Parameters
    ----------
    seen : SurfaceCoverage
        What has been seen.
    bands_deg : sequence of tuple of float
        Least and most latitude of each band, five at most [deg].
    width_in : float
        Width [inch].
    points : int, default 200
        Points of each curve.

    Returns
    -------
    Figure
        A curve for each band.

    Raises
    ------
    InputError
        If there are no bands or more than five.
    """
    if not 1 <= len(bands_deg) <= len(_BANDS):
        raise InputError(f"{len(bands_deg)} bands", where="bands_deg", advice=f"give 1 to {len(_BANDS)}")
    figure = Figure(figsize=(width_in, 0.7 + 0.33 * width_in), layout="constrained")
    axes: Any = figure.subplots()
    days = np.linspace(0.0, seen.days, points)
    for colour, (low, high) in zip(_BANDS, bands_deg, strict=False):
        axes.plot(days, 100.0 * seen.share(days, low, high), color=colour, label=f"{low:g} to {high:g} deg")
    axes.set_xlabel("Time [d]")
    axes.set_ylabel("Seen of the band [%]")
    axes.set_ylim(0.0, 102.0)
    axes.margins(x=0.0)
    legend_above(axes, width_in)
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
