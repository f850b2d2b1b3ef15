"""When data can go from a site to the Earth, by number of relays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from moonpost.report.figures.style import BLUE, RED, dates, drawing, legend_above

if TYPE_CHECKING:
    from moonpost.comms import Contacts
    from moonpost.study.relays import RelayServices

__all__ = ["relays_figure"]

_ROW_IN = 0.5


@drawing
def relays_figure(found: RelayServices, width_in: float) -> Figure:
    """Draw when relays see the site and when data can go on to the Earth.

    Parameters
    ----------
    found : RelayServices
        What was found.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A row for the direct way and for each number of relays, with the data delivered in a day.
    """
    rows = found.services
    figure = Figure(figsize=(width_in, 1.4 + _ROW_IN * len(rows)), layout="constrained")
    axes: Any = figure.subplots()
    for k, row in enumerate(rows):
        first = k == 0
        axes.broken_barh(
            _bars(row.covered), (k + 0.02, 0.33), color=BLUE, alpha=0.35, linewidth=0,
            label="over the site" if first else None,
        )  # fmt: skip
        axes.broken_barh(
            _bars(row.through), (k - 0.35, 0.37), color=BLUE, linewidth=0,
            label="site to the Earth at once" if first else None,
        )  # fmt: skip
        axes.broken_barh(
            _bars(_longest_gap(row.through)), (k - 0.35, 0.1), color=RED, linewidth=0,
            label="longest gap" if first else None,
        )  # fmt: skip
    names = ["direct" if r.satellites == 0 else f"{r.satellites} relay{'s' * (r.satellites > 1)}" for r in rows]
    volumes = [f"{row.to_dict()['delivered_mbit_per_day']:,.0f} Mbit/day" for row in rows]
    axes.set_yticks(range(len(rows)), [f"{name}\n{text}" for name, text in zip(names, volumes, strict=True)])
    axes.set_xlim(*date2num(np.array([found.start, found.stop])))
    dates(axes.xaxis, width_in)
    legend_above(axes, width_in)
    return figure


def _bars(contacts: Contacts) -> Any:
    """Begin and length of each interval in days."""
    begin = date2num(contacts.start)
    return np.stack([begin, date2num(contacts.stop) - begin], axis=1)


def _longest_gap(contacts: Contacts) -> Contacts:
    """The longest interval without contact, as an interval."""
    first, last = contacts.span
    start = np.concatenate([np.array([first]), contacts.stop])
    stop = np.concatenate([contacts.start, np.array([last])])
    k = int(np.argmax(stop - start))
    keep = slice(k, k + 1) if stop[k] > start[k] else slice(0, 0)
    return type(contacts)(start[keep], stop[keep], contacts.span)
