"""Days on which launchers can leave: as often as they fly, on the cheapest day of a transfer."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from moonpost.campaign.launches import FlightKind, FlightKinds
from moonpost.errors import DateError, InputError
from moonpost.plan.base import when_bounds

if TYPE_CHECKING:
    from moonpost.flight.windows import Windows

__all__ = ["TRANSIT_DAYS", "Departure", "granted", "launch_dates"]

TRANSIT_DAYS = 5.0
"""From launch to landing [d], with which transfers are computed too; those of about 5 days are the cheapest."""

_YEAR = dt.timedelta(days=365.25)
_REACH = dt.timedelta(days=33)
_Window = tuple[dt.datetime, float, float, float]
_MOST = 500
_FLIGHT_DAYS = (TRANSIT_DAYS,)


@dataclass(frozen=True)
class Departure:
    """A launch that could be made.

    Parameters
    ----------
    kind : FlightKind
        Launcher and way.
    number : int
        Which of the launcher's launches it would be, from 1.
    launch, arrival : datetime.datetime
        Injection towards the Moon, and landing or arrival in orbit, UTC without time zone.
    tli_m_s, loi_m_s : float or None
        Impulses of the transfer found, into and out of it, to and from low circular orbits [m/s]; None if none was
        sought or the ephemerides do not reach so far.

    Examples
    --------
    >>> import datetime as dt
    >>> from moonpost.campaign.launches import flight_kinds
    >>> from moonpost.plan import load_plan
    >>> kind = flight_kinds(load_plan("ilrs"), launchers=["cz-10"]).kinds[0]
    >>> Departure(kind, 1, dt.datetime(2031, 1, 1), dt.datetime(2031, 1, 6), None, None).id
    'cz-10 #1 2031-01-01'
    """

    kind: FlightKind
    number: int
    launch: dt.datetime
    arrival: dt.datetime
    tli_m_s: float | None
    loi_m_s: float | None

    @property
    def id(self) -> str:
        """Launcher, number and date in one name."""
        return f"{self.kind.launcher} #{self.number} {self.launch:%Y-%m-%d}"


def launch_dates(
    kinds: Sequence[FlightKind],
    start: dt.datetime,
    stop: dt.datetime,
    *,
    needs: Collection[dt.datetime] = (),
    readies: Collection[dt.datetime] = (),
    search_days: float = 28.0,
    windows: bool = True,
    progress: Callable[[float], None] | None = None,
) -> tuple[Departure, ...]:
    """Launches that could be made in a period.

    Parameters
    ----------
    kinds : sequence of FlightKind
        Launchers with their ways.
    start, stop : datetime.datetime
        First launch and last arrival, UTC without time zone.
    needs, readies : collection of datetime.datetime
        Instants before or after which something has to arrive: a launch may also be made on the cheapest day that
        meets one of them. Launches with the same launcher and number exclude each other.
    search_days : float, default 28.0
        Each launch is on the cheapest day so many days from when the launcher is ready [d]; no longer than the
        launcher's interval.
    windows : bool, default True
        Whether to compute transfers for that; else launches are on the first day and fly 5 days.
    progress : callable, optional
        Called with the share that is done.

    Returns
    -------
    tuple of Departure
        By arrival.

    Raises
    ------
    InputError
        If the period runs backwards or holds more than 500 launches.

    Notes
    -----
    A launcher that flies n times a year is ready every 365.25 / n days from its first date on. Transfers of
    5 days are computed for every other day in the ephemeris of Earth, Moon and Sun, and that with the least sum
    of both impulses is taken. Landing follows arrival at once. The chain of velocity changes keeps the
    plan's figures, which are above those of the best days. Launch sites, light on landing and the plane of
    the orbit are left to `moonpost flight land`.

    Examples
    --------
    >>> import datetime as dt
    >>> from moonpost.campaign.launches import flight_kinds
    >>> from moonpost.plan import load_plan
    >>> kinds = flight_kinds(load_plan("ilrs"), launchers=["cz-9"]).kinds
    >>> begin, end = dt.datetime(2031, 1, 1), dt.datetime(2034, 12, 31)
    >>> [row.id for row in launch_dates(kinds, begin, end, windows=False)]
    ['cz-9 #1 2033-01-01', 'cz-9 #2 2034-01-01']
    """
    if not start < stop:
        raise InputError(
            f"{start:%Y-%m-%d} to {stop:%Y-%m-%d}", where="period", advice="give the earlier date first"
        )
    if not (math.isfinite(search_days) and search_days >= 1.0):
        raise InputError(f"is {search_days!r}", where="search_days", advice="give 1 day or more")
    ready = [(kind, k + 1, day) for kind in kinds for k, day in enumerate(_ready(kind, start, stop))]
    if len(ready) > _MOST:
        raise InputError(
            f"{len(ready)} launches between {start:%Y-%m-%d} and {stop:%Y-%m-%d}", where="launchers",
            advice=f"name fewer launchers, fewer launches a year or fewer years, for at most {_MOST}",
        )  # fmt: skip
    search = max(min([search_days, *(365.25 / kind.per_year for kind in kinds)]), 1.0)
    spans: set[_Span] = {(day, None) for _, _, day in ready}
    wanted = {_Slot(kind, number, day, min(day + _YEAR / kind.per_year, stop)) for kind, number, day in ready}
    extra = {slot: _extra(slot, needs, readies) for slot in wanted}
    spans |= {span for found in extra.values() for span in found}
    best = _windows(sorted(spans, key=str), search, progress) if windows else {}
    found: dict[str, Departure] = {}
    for slot in sorted(wanted, key=lambda slot: (slot.ready, slot.kind.launcher)):
        for span in [(slot.ready, None), *extra[slot]]:
            made = _departure(slot, span, best)
            if made is not None and made.arrival <= stop:
                found.setdefault(made.id, made)
    return tuple(sorted(found.values(), key=lambda row: (row.arrival, row.kind.launcher)))


@dataclass(frozen=True)
class _Slot:
    """One launch of a launcher: from when it is ready until the next is."""

    kind: FlightKind
    number: int
    ready: dt.datetime
    until: dt.datetime


_Span = tuple[dt.datetime, dt.datetime | None]
"""First day of a search, and the instant by which the flight has to have arrived, if any."""


def _extra(slot: _Slot, needs: Collection[dt.datetime], readies: Collection[dt.datetime]) -> list[_Span]:
    """Other days in a slot: to arrive before something is needed, or after something is ready."""
    flight, first = dt.timedelta(days=TRANSIT_DAYS), slot.ready + dt.timedelta(days=TRANSIT_DAYS)
    before: list[_Span] = [(slot.ready, need) for need in sorted(needs) if first <= need < first + _REACH]
    return before + [
        (ready - flight, None) for ready in sorted(readies) if slot.ready < ready - flight < slot.until
    ]


def _departure(slot: _Slot, span: _Span, best: dict[_Span, _Window]) -> Departure | None:
    """The launch of a slot that a search found, or on its first day."""
    launch, flight, tli, loi = best.get(span, (span[0], TRANSIT_DAYS, None, None))
    arrival = launch + dt.timedelta(days=flight)
    if launch >= slot.until or (span[1] is not None and arrival > span[1]):
        return None
    return Departure(slot.kind, slot.number, launch, arrival, tli, loi)


def granted(kinds: FlightKinds, days: Sequence[Departure]) -> tuple[str, ...]:
    """What is taken for granted about launchers and the days of launch.

    Parameters
    ----------
    kinds : FlightKinds
        Launchers.
    days : sequence of Departure
        Their launches.

    Returns
    -------
    tuple of str
        In words.

    Examples
    --------
    >>> from moonpost.campaign.launches import flight_kinds
    >>> from moonpost.plan import load_plan
    >>> granted(flight_kinds(load_plan("ilrs"), dry_fraction=0.2), ())[0]
    'a lander weighs 0.200 of its propellant, 0.200 to 0.200 (given)'
    """
    lines = []
    if kinds.lander is not None:
        lines.append(
            f"a lander weighs {kinds.lander.best:.3f} of its propellant, {kinds.lander.low:.3f} to "
            f"{kinds.lander.high:.3f} ({kinds.lander.basis})"
        )
    elif any("no mass of a lander" in kind.note for kind in kinds.kinds):
        lines.append("all of the landed mass is cargo, as no mass of a lander is known")
    assumed = [kind.launcher for kind in kinds.kinds if kind.per_year_assumed]
    if assumed:
        lines.append(f"one launch a year of {', '.join(assumed)}, as the plan gives no number")
    uncomputed = sum(day.tli_m_s is None for day in days)
    if uncomputed:
        lines.append(
            f"{uncomputed} of {len(days)} launches on the first day that the launcher is ready, "
            f"{TRANSIT_DAYS:g} days of flight"
        )
    return tuple(lines)


def _ready(kind: FlightKind, start: dt.datetime, stop: dt.datetime) -> list[dt.datetime]:
    """When a launcher is ready to fly."""
    first = start if kind.available is None else max(start, when_bounds(kind.available)[0])
    step = _YEAR / kind.per_year
    days: list[dt.datetime] = []
    while first + len(days) * step < stop and len(days) <= _MOST:
        days.append(first + len(days) * step)
    return days


def _windows(
    spans: Sequence[_Span], search_days: float, progress: Callable[[float], None] | None
) -> dict[_Span, _Window]:
    """Cheapest transfer of each search, for the days that the ephemerides reach."""
    from moonpost.flight.windows import scan_transfers
    from moonpost.sky.almanac import Almanac

    almanac = Almanac.default()
    step = (np.arange(0.0, search_days, 2.0) * 86_400e3).astype("timedelta64[ms]")
    scans: dict[dt.datetime, Windows] = {}
    found: dict[_Span, _Window] = {}
    for count, (day, by) in enumerate(spans):
        try:
            if day not in scans:
                scans[day] = scan_transfers(np.datetime64(day, "ms") + step, _FLIGHT_DAYS, almanac=almanac)
        except DateError:
            continue
        window = _cheapest(scans[day], by)
        if window is not None:
            found[day, by] = window
        if progress is not None:
            progress((count + 1) / len(spans))
    return found


def _cheapest(scan: Windows, by: dt.datetime | None) -> _Window | None:
    """The transfer with the least sum of impulses that arrives in time."""
    total = scan.total_m_s
    if by is not None:
        flights = (scan.time_of_flight_d * 86_400e3).astype("timedelta64[ms]")[None, :, None]
        total = np.where(scan.cell_departures + flights <= np.datetime64(by, "ms"), total, np.nan)
    if not np.isfinite(total).any():
        return None
    place = np.unravel_index(np.nanargmin(total), total.shape)
    launch: dt.datetime = scan.cell_departures[place].astype("datetime64[s]").item()
    flight = float(scan.time_of_flight_d[place[1]])
    return launch, flight, float(scan.tli_m_s[place]), float(scan.loi_m_s[place])
