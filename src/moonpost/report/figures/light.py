"""Light and darkness: a year and the whole period, lunar month by lunar month."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, LIGHT, dates, drawing
from moonpost.report.readings import Floats, daily, month_edges
from moonpost.study.results import StudyRecord

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["eclipse_figure", "light_months", "period_figure", "year_figure"]


def light_months(
    record: StudyRecord, light: xr.Dataset, mast_m: float, start: Any = None, stop: Any = None
) -> tuple[Any, Floats, float]:
    """Light as a raster: one row for each lunar month, from local solar noon to the next.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    light : xarray.Dataset
        The baseline's series.
    mast_m : float
        Height above ground [m].
    start, stop : datetime64, optional
        Months that overlap this time; all if absent.

    Returns
    -------
    begin : ndarray of datetime64
        When each month begins.
    raster : ndarray, shape (months, samples)
        Percent of the solar disc in view; NaN past the end of a month.
    length_d : float
        Days that a row spans.
    """
    home = next(row for row in record.site.rows if row.site == record.site.baseline)
    edges = month_edges(light, home.latitude_deg)
    time, seen = light["time"].values, 100.0 * light["light"].sel(mast_m=mast_m).values
    step_d = float((time[1] - time[0]) / np.timedelta64(1, "s")) / 86400.0
    bounds = np.concatenate(([0], edges, [len(time)]))
    pairs = [(i, j) for i, j in pairwise(bounds) if j > i and _overlaps(time, i, j, start, stop)]
    longest = max(int(np.diff(edges).max(initial=0)), *(j - i for i, j in pairs)) if pairs else 1
    raster = np.full((len(pairs), longest), np.nan)
    for k, (i, j) in enumerate(pairs):
        first = longest - (j - i) if i == 0 and edges.size else 0
        raster[k, first : first + (j - i)] = seen[i:j]
    return np.array([time[i] for i, _ in pairs]), raster, longest * step_d


def _overlaps(time: Any, i: int, j: int, start: Any, stop: Any) -> bool:
    return (start is None or time[j - 1] >= start) and (stop is None or time[i] <= stop)


@drawing
def year_figure(record: StudyRecord, series: Mapping[str, xr.Dataset], width_in: float) -> Figure:
    """Draw the light of the year in detail, one row for each lunar month, one panel for each height.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Rasters with a colour bar.
    """
    light = series["site-light"]
    masts = [float(mast_m) for mast_m in light["mast_m"].values]
    start, stop = (
        np.datetime64(t.rstrip("Z")) for t in (record.operate.year_start_utc, record.operate.year_stop_utc)
    )
    wide = width_in >= 6.0
    shape = (1, len(masts)) if wide else (len(masts), 1)
    figure = Figure(figsize=(width_in, 3.7 if wide else 0.6 + 3.2 * len(masts)), layout="constrained")
    panels = figure.subplots(*shape, squeeze=False, sharey=wide).ravel()
    image: Any = None
    for panel, mast_m in zip(panels, masts, strict=True):
        begin, raster, length_d = light_months(record, light, mast_m, start, stop)
        image = _raster(panel, raster, (0.0, length_d, len(raster) - 0.5, -0.5))
        panel.set_title(f"{mast_m:g} m above ground")
        panel.set_yticks(range(len(begin)), [str(t)[:10] for t in begin])
        panel.set_xlabel("Time since local solar noon [d]")
        if panel is panels[0] or not wide:
            panel.set_ylabel("Lunar month beginning [UTC]")
        else:
            panel.tick_params(labelleft=False)
    _bar(figure, image, list(panels), wide)
    return figure


@drawing
def period_figure(record: StudyRecord, series: Mapping[str, xr.Dataset], width_in: float) -> Figure:
    """Draw the light of the whole period, one column for each lunar month.

    Parameters
    ----------
    record : StudyRecord
        The study's record.
    series : mapping of str to xarray.Dataset
        Its series.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Rasters with a colour bar.
    """
    from matplotlib.dates import date2num

    light = series["site-light"]
    masts = [float(mast_m) for mast_m in light["mast_m"].values]
    wide = width_in >= 6.0
    figure = Figure(figsize=(width_in, 0.9 + 1.75 * len(masts)), layout="constrained")
    panels = figure.subplots(len(masts), 1, squeeze=False, sharex=True).ravel()
    ends = date2num(light["time"].values[[0, -1]])
    image: Any = None
    for panel, mast_m in zip(panels, masts, strict=True):
        _, raster, length_d = light_months(record, light, mast_m)
        image = _raster(panel, raster.T, (ends[0], ends[1], 0.0, length_d))
        panel.set_title(f"{mast_m:g} m above ground")
        panel.set_ylabel("Since local solar\nnoon [d]")
        panel.tick_params(labelbottom=panel is panels[-1])
    panels[-1].xaxis_date()
    dates(panels[-1].xaxis, width_in)
    _bar(figure, image, list(panels), wide)
    return figure


def _raster(axes: Any, raster: Floats, extent: tuple[float, float, float, float]) -> Any:
    axes.grid(visible=False)
    return axes.imshow(
        raster,
        aspect="auto",
        cmap=LIGHT,
        vmin=0,
        vmax=100,
        extent=extent,
        origin="upper" if extent[2] > extent[3] else "lower",
        interpolation="nearest",
    )


def _bar(figure: Figure, image: Any, panels: list[Any], wide: bool) -> None:
    place: dict[str, Any] = {"location": "right", "pad": 0.01} if wide else {"location": "bottom", "shrink": 0.9}
    figure.colorbar(image, ax=panels, label="Solar disc in view [%]", aspect=30, **place)


@drawing
def eclipse_figure(series: Mapping[str, xr.Dataset], width_in: float) -> Figure:
    """Draw the time in shadow on each day of the period, for a station in orbit.

    Parameters
    ----------
    series : mapping of str to xarray.Dataset
        Its series.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        Hours in shadow a day against the date.
    """
    light = series["site-light"]
    day, mean, _, _ = daily(light["time"].values, light["light"].values[0].astype(np.float64))
    figure = Figure(figsize=(width_in, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(day, 24.0 * (1.0 - mean), step="post", color=BLUE, linewidth=0)
    axes.set_ylabel("Time in shadow [h per day]")
    axes.set_ylim(bottom=0)
    axes.set_xlim(day[0], day[-1])
    dates(axes.xaxis, width_in)
    return figure
