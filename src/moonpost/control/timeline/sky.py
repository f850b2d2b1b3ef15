"""The sky on a timeline: lunar days, the Sun over the terrain, contact with the Earth, eclipses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from moonpost.control.timeline.items import Item, Row
from moonpost.control.timeline.lunarday import LunarClock
from moonpost.control.timeline.windows import Window, milliseconds
from moonpost.sky.times import iso

__all__ = ["SKY_ROWS", "sky_items"]

SKY_ROWS = (
    Row("sky.day", "sky", "Lunar day"),
    Row("sky.sun", "sky", "Sun in view"),
    Row("sky.earth", "sky", "Contact"),
    Row("sky.eclipse", "sky", "Eclipse by the Earth"),
)
"""Rows that every timeline begins with."""


def sky_items(moon: LunarClock, period: Window) -> list[Item]:
    """What the sky does in a period.

    Parameters
    ----------
    moon : LunarClock
        The lunar day of the station.
    period : pair of datetime64
        UTC.

    Returns
    -------
    list of Item
        In the layer ``sky``.

    Raises
    ------
    DateError
        If the period lies outside the kernels.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> day = np.datetime64("2035-01-14", "ms") + np.arange(3) * np.timedelta64(1, "D")
    >>> [(row.kind, row.label) for row in sky_items(LunarClock(load_plan("ilrs")), (day[0], day[2]))]
    [('lunar-day', 'Lunar day 38'), ('sun', 'Sun in view'), ('sun', 'Sun in view'), ('contact', 'Earth in view')]
    """
    found = list(_days(moon, period))
    found += _windows(moon.sunlight(*period), period, "sky.sun", "sun", "Sun in view")
    found += _windows(moon.earth(*period), period, "sky.earth", "contact", "Earth in view")
    for row in moon.eclipses(*period):
        kind = "total" if row.total else f"{100 * (1 - row.least_uncovered):.0f} % covered"
        found.append(
            Item(
                f"sky.eclipse.{milliseconds(row.greatest)}", "sky.eclipse", "eclipse", "sky", f"Eclipse, {kind}",
                row.partial_start, row.partial_stop, "predicted", f"greatest at {iso(row.greatest)}",
                {"greatest_ms": milliseconds(row.greatest), "total": row.total},
            )
        )  # fmt: skip
    return found


def _days(clock: LunarClock, period: Window) -> Iterator[Item]:
    """Lunar days, cut to the period."""
    from moonpost.sky.days import lunar_day, solar_midnights

    sky, landing = clock.almanac, clock.landing
    if clock.place is None or landing is None:
        return
    first = max(period[0], landing)
    if first >= period[1]:
        return
    inner = solar_midnights(sky, clock.place, first, period[1])
    edges = [first, *[t for t in inner if t > first], period[1]]
    count = int(lunar_day(sky, clock.place, landing, first + np.timedelta64(1, "s"))[0])
    for number, (begin, end) in enumerate(pairwise(edges), start=count):
        yield Item(f"sky.day.{number}", "sky.day", "lunar-day", "sky", f"Lunar day {number}", begin, end)


def _windows(windows: tuple[Window, ...], period: Window, row: str, kind: str, label: str) -> Iterator[Item]:
    """Windows as items, with whether the period cuts them."""
    for begin, end in windows:
        data = {"open_start": bool(begin <= period[0]), "open_stop": bool(end >= period[1])}
        yield Item(f"{row}.{milliseconds(begin)}", row, kind, "sky", label, begin, end, data=data)
