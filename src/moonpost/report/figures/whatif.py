"""What a change moves and breaks, and support between missions over time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from moonpost.campaign.support import build_with_support
from moonpost.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    dates,
    drawing,
    legend_above,
    owner_colours,
    row_names,
)

if TYPE_CHECKING:
    from moonpost.campaign.build import BuildOrder
    from moonpost.campaign.support import SupportStatus
    from moonpost.campaign.whatif import WhatIf

__all__ = ["joint_figure", "whatif_figure"]

_STATUS = {"holds": GREEN, "at risk": ORANGE, "partly": BLUE, "broken": RED, "gone": RED, "idle": GREY}
_ROW_IN = 0.25
_NARROW_IN = 5.0


@drawing
def whatif_figure(found: WhatIf, width_in: float) -> Figure:
    """Draw what moves, from when to when, and what breaks.

    Parameters
    ----------
    found : WhatIf
        What a change does.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A row for each mission and element that moves or breaks, missions first, in the colour of its owner, and
        when the best repair brings what breaks.
    """
    rows = _rows(found)
    figure = Figure(figsize=(width_in, 1.1 + _row_in(width_in) * max(len(rows), 3)), layout="constrained")
    axes = figure.subplots()
    owners = owner_colours([row[1] for row in rows])
    for y, (_, owner, before, after, mended) in enumerate(rows):
        colour = owners[owner]
        if after is not None and before is not None:
            axes.annotate(
                "", (after, y), (before, y), arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.3}, zorder=2
            )
            axes.plot(after, y, "o", color=colour, markersize=5, zorder=3)
        if before is not None:
            axes.plot(before, y, "o", color=colour, markerfacecolor="white", markersize=5, zorder=3)
            if after is None:
                axes.plot(before, y, "x", color=colour, markersize=9, markeredgewidth=2.2, zorder=4)
        if mended is not None:
            axes.plot(mended, y, "D", color=GREEN, markersize=5.5, zorder=3)
    row_names(axes, [row[0] for row in rows], width_in)
    dates(axes.xaxis, width_in)
    handles: list[Any] = [Patch(color=colour, label=owner) for owner, colour in owners.items()]
    handles += [
        Line2D([], [], marker="o", color=INK, markerfacecolor="white", linestyle="", label="before"),
        Line2D([], [], marker="o", color=INK, linestyle="", label="after"),
        Line2D([], [], marker="x", color=INK, linestyle="", markeredgewidth=2.2, label="breaks"),
    ]
    if any(row[4] is not None for row in rows):
        handles.append(
            Line2D([], [], marker="D", color=GREEN, linestyle="", label=f"{found.repairs[0].name} repair")
        )
    legend_above(axes, width_in, handles)
    return figure


@drawing
def joint_figure(supports: Sequence[SupportStatus], width_in: float) -> Figure:
    """Draw when support between missions is needed and when it is given.

    Parameters
    ----------
    supports : sequence of SupportStatus
        Of `moonpost.campaign.support_status`.
    width_in : float
        Width [inch].

    Returns
    -------
    Figure
        A row for each support: the need above in grey, what is given below in the colour of its standing, both in
        the earliest case. A bar that reaches the right edge has no known end.
    """
    figure = Figure(
        figsize=(width_in, 1.2 + 1.3 * _row_in(width_in) * max(len(supports), 3)), layout="constrained"
    )
    axes = figure.subplots()
    ends = [
        _number(text)
        for row in supports
        for text in (row.needed_from, row.needed_until, row.given_from, row.given_until)
        if text is not None
    ]
    last = max(ends, default=_number("2030-01-01T00:00:00Z")) + 365.0
    least = (last - min(ends, default=last - 365.0)) / 250.0
    down, thick = (0.0, 0.34) if width_in >= _NARROW_IN else (0.12, 0.2)
    for y, row in enumerate(supports):
        _bar(axes, (y + down - 0.6 * thick, thick), row.needed_from, row.needed_until, (least, last), GREY)
        _bar(
            axes,
            (y + down + 0.6 * thick, thick),
            row.given_from,
            row.given_until,
            (least, last),
            _STATUS[row.status],
        )
        if row.status == "gone" and row.needed_from is not None:
            axes.plot(
                _number(row.needed_from), y + down + 0.6 * thick, "x", color=RED, markersize=8, markeredgewidth=2.0
            )
    row_names(axes, [f"{row.kind}: {row.provider} for {row.user}" for row in supports], width_in)
    axes.set_xlim(right=last)
    dates(axes.xaxis, width_in)
    used = dict.fromkeys(row.status for row in supports)
    handles = [Patch(color=GREY, label="needed")]
    handles += [Patch(color=_STATUS[name], label=f"given: {name}") for name in _STATUS if name in used]
    legend_above(axes, width_in, handles)
    return figure


def _rows(found: WhatIf) -> list[tuple[str, str, float | None, float | None, float | None]]:
    """Name, owner, date before, after and with the repair of what moves or breaks; missions first, by date."""
    named = {("missions", row.id): row for row in found.origin.missions}
    things: dict[tuple[str, str], Any] = {**named, **{("elements", row.id): row for row in found.origin.elements}}
    was = _dates_of(found.order_before)
    mended = _dates_of(build_with_support(found.repairs[0].plan).order) if found.repairs else {}
    moved = {(row.table, row.id): row.after for row in found.moved}
    broken = {(row.table, row.id) for row in found.broken}
    rows = []
    for key in dict.fromkeys((*moved, *broken)):
        before, after = was.get(key), None if key in broken else moved.get(key)
        mark = "launch of " if key[0] == "missions" else ""
        name = f"{mark}{things[key].name}"
        later = mended.get(key) if key in broken else None
        rows.append((key[0] == "elements", before or "", name, things[key].owner, before, after, later))
    rows.sort(key=lambda row: (row[0], row[1], row[2]))
    return [(name, owner, *(_maybe(date) for date in days)) for _, _, name, owner, *days in rows]


def _dates_of(order: BuildOrder) -> dict[tuple[str, str], str | None]:
    """Launches and first days of work."""
    found: dict[tuple[str, str], str | None] = {
        ("missions", row.mission): row.launch for row in order.missions if row.blocked_by is None
    }
    return found | {("elements", row.element): row.ready for row in order.steps}


def _row_in(width_in: float) -> float:
    """Height of a row; where names stand above the bars it is more."""
    return _ROW_IN if width_in >= _NARROW_IN else 1.5 * _ROW_IN


def _bar(
    axes: Any,
    place: tuple[float, float],
    start: str | None,
    stop: str | None,
    span: tuple[float, float],
    colour: str,
) -> None:
    """A bar between two dates of some least width; without an end to the right edge."""
    if start is None:
        return
    least, last = span
    first = _number(start)
    length = max((last if stop is None else _number(stop)) - first, least)
    axes.barh(place[0], length, left=first, height=place[1], color=colour)


def _maybe(text: str | None) -> float | None:
    return None if text is None else _number(text)


def _number(text: str) -> float:
    return float(date2num(dt.datetime.fromisoformat(text.rstrip("Z"))))
