"""Horizons round each site, with the band in which the Sun stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, RED, drawing, legend_above
from moonpost.report.readings import sun_at, sun_band
from moonpost.study.results import LightRow, StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["horizon_figure"]

_LINES = (BLUE, RED, GREEN, PURPLE, INK)


@drawing
def horizon_figure(record: StudyRecord, series: Mapping[str, xr.Dataset], site: str, width_in: float) -> Figure:
    """Draw the horizon of one site at each height, and the Sun's band over the period.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series; ``"site-horizons"`` and ``"site-light"`` are drawn.
    site : str
        The site's identifier.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Horizon elevation against azimuth.
    """
    rows = [row for row in record.site.rows if row.site == site]
    horizons = series["site-horizons"]
    azimuth = np.append(horizons["azimuth_deg"].values, 360.0)
    figure = Figure(figsize=(width_in, 2.75), layout="constrained")
    axes = figure.subplots()
    light = series.get("site-light")
    if light is not None and "sun_azimuth_deg" in light:
        _band(axes, record, light, rows[0])
    for row, colour in zip(rows, _LINES, strict=False):
        name = f"{row.site} {row.mast_m:g} m"
        if name not in horizons["profile"].values:
            continue
        line = horizons["horizon_deg"].sel(profile=name).values
        axes.plot(
            azimuth, np.append(line, line[0]), color=colour, linewidth=1.3, label=f"horizon at {row.mast_m:g} m"
        )
    axes.set_xlim(0, 360)
    axes.set_xticks([0, 90, 180, 270, 360], ["0 N", "90 E", "180 S", "270 W", "0 N"])
    axes.set_xlabel("Azimuth, clockwise from north [deg]")
    axes.set_ylabel("Elevation [deg]")
    legend_above(axes, width_in)
    return figure


def _band(axes: Any, record: StudyRecord, light: xr.Dataset, row: LightRow) -> None:
    """Lowest to highest Sun in each direction over the period."""
    middle, lowest, highest = sun_band(*sun_at(record, light, row))
    axes.fill_between(
        middle, lowest, highest, color=ORANGE, alpha=0.28, linewidth=0, label="Sun, lowest to highest"
    )
