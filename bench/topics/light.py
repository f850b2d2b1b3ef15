"""Light over 18.6 years: darkness found by events beside a loop over hours."""

from __future__ import annotations

from typing import Any

import numpy as np

from measure import Table, best_s, once_s
from moonpost.sky import Almanac, times
from moonpost.terrain import illumination, light_statistics
from moonpost.terrain.profiles import shipped_profile

START = np.datetime64("2030-01-01", "ms")
STOP = START + np.timedelta64(round(18.6 * 365.25 * 86400e3), "ms")
POINTS = (
    ("glaeser-spot-1", 2.0),
    ("glaeser-spot-1", 10.0),
    ("connecting-ridge", 2.0),
    ("peak-near-shackleton", 2.0),
)
CHUNK = np.timedelta64(100 * 86_400_000, "ms")


def table() -> Table:
    """The shipped horizons of four points and heights."""
    rows = [row for name, mast_m in POINTS for row in point(name, mast_m)]
    return Table(
        topic="light",
        title="Light and the longest darkness over 18.6 years",
        method=f"Shipped horizons, {str(START)[:10]} to {str(STOP)[:10]}. The loops compute the Sun and the "
        "fraction of its disc in vectorised calls, step by step, and take the longest run of zeros. Moonpost "
        "finds the ends of darkness by events.",
        head=[
            "point",
            "what",
            "time",
            "of Moonpost's",
            "average light",
            "longest darkness (d)",
            "off the minutes (min)",
        ],
        rows=rows,
        reading="An hourly loop costs less and is right to an hour at best; to know the longest darkness to a "
        "minute by steps costs many times what the events cost. `light_statistics` also gives light, the Earth "
        "and darkness without the Earth in that time; the loops give darkness alone.",
    )


def point(name: str, mast_m: float) -> list[list[str]]:
    """Rows of one point."""
    profile = shipped_profile(name, mast_m)
    ours_s, ours = best_s(lambda: light_statistics(profile, Almanac.default(), START, STOP), 3)
    hours_s, hours = best_s(lambda: by_steps(profile, 3600.0), 3)
    minutes_s, minutes = once_s(lambda: by_steps(profile, 60.0))
    label = f"{name}, {mast_m:g} m"
    rows = []
    for what, spent, average, dark_d in (
        ("Moonpost, by events", ours_s, ours.average_illumination, ours.longest_dark_d),
        ("loop over hours", hours_s, *hours),
        ("loop over minutes", minutes_s, *minutes),
    ):
        off = 1440.0 * (dark_d - minutes[1])
        rows.append(
            [
                label,
                what,
                f"{spent:.2f} s",
                f"{spent / ours_s:.2g} x",
                f"{average:.4f}",
                f"{dark_d:.4f}",
                f"{off:+.1f}",
            ]
        )
    return rows


def by_steps(profile: Any, step_s: float) -> tuple[float, float]:
    """Average light and longest darkness [d] from a series of even steps."""
    almanac, total, dark = Almanac.default(), 0.0, []
    for begin in np.arange(START, STOP, CHUNK):
        t = times(begin, min(begin + CHUNK, STOP), step_s)
        light = illumination(profile, almanac.sun(profile.site, t))
        total += float(light.sum())
        dark.append(light <= 0.0)
    flags = np.concatenate(dark)
    return total / flags.size, longest(flags) * step_s / 86_400.0


def longest(flags: Any) -> int:
    """Length of the longest run of true steps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int(np.max(edges[1::2] - edges[::2], initial=0))
