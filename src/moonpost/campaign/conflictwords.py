"""Why cargo cannot all fly, in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moonpost.campaign.cargo import CargoRow
    from moonpost.campaign.launchdates import Departure
    from moonpost.campaign.loading import Conflict

__all__ = ["conflict_words"]


def conflict_words(conflict: Conflict, rows: Sequence[CargoRow], days: Sequence[Departure]) -> tuple[str, ...]:
    """Tell a conflict in dates and masses, and what launches there are against it.

    Parameters
    ----------
    conflict : Conflict
        From `moonpost.campaign.loading.conflicts`.
    rows : sequence of CargoRow
        The cargo.
    days : sequence of Departure
        The launches that could be made.

    Returns
    -------
    tuple of str
        One line for each demand, then what stands against them.

    Examples
    --------
    >>> from moonpost.campaign.loading import Conflict
    >>> conflict_words(Conflict(()), (), ())
    ()
    """
    if not conflict.parts:
        return ()
    cargo = {row.id: row for row in rows}
    lines = []
    for name, what in conflict.parts:
        row = cargo[name]
        lines.append({
            "flies": f"{name}, {row.mass_kg:,.0f} kg" + _room(row.volume_m3) + ", has to fly",
            "need": f"{name} has to arrive by {row.need:%Y-%m-%d} ({row.need_basis})",
            "ready": f"{name} cannot arrive before {row.ready or row.need:%Y-%m-%d} ({row.ready_basis})",
        }.get(what, f"{name} must not come before {what.removeprefix('after ')}"))  # fmt: skip
    flying = [cargo[name] for name, what in conflict.parts if what == "flies"]
    dated = [cargo[name].need for name, what in conflict.parts if what == "need"]
    until = max(dated) if len(dated) == len(flying) else None
    return (*lines, *_against(flying, until, days))


def _room(volume_m3: float | None) -> str:
    return "" if volume_m3 is None else f" and {volume_m3:g} m3"


def _against(rows: Sequence[CargoRow], until: dt.datetime | None, days: Sequence[Departure]) -> list[str]:
    """What launches can do for cargo by a day."""
    when = "" if until is None else f" by {until:%Y-%m-%d}"
    able = list({(day.kind.id, day.number): day for day in days if until is None or day.arrival <= until}.values())
    if not able:
        return [f"no launch arrives{when}"]
    most = max(day.kind.cargo_kg for day in able)
    room = max(_room_m3(day) for day in able)
    lines = [f"{row.id} is too heavy for any launch" for row in rows if row.mass_kg > most]
    large = [row.id for row in rows if (row.volume_m3 or 0.0) > room]
    lines += [f"{name} is too large for any launch: the largest has {room:g} m3" for name in large]
    if large:
        return lines
    if not lines:  # launches that can carry none of it are no help
        able = [day for day in able if any(_fits(row, day) for row in rows)]
    total = math.fsum(row.mass_kg for row in rows)
    capacity = math.fsum(day.kind.cargo_kg for day in able)
    count = "1 launch brings" if len(able) == 1 else f"{len(able)} launches bring"
    asked = f"{total:,.0f} kg are asked of them"
    return [f"{count} at most {capacity:,.0f} kg{when}, {most:,.0f} kg each; {asked}", *lines]


def _room_m3(day: Departure) -> float:
    return math.inf if day.kind.volume_m3 is None else day.kind.volume_m3


def _fits(row: CargoRow, day: Departure) -> bool:
    """Whether a launch could bring a cargo by itself."""
    return row.mass_kg <= day.kind.cargo_kg and (row.volume_m3 or 0.0) <= _room_m3(day)
