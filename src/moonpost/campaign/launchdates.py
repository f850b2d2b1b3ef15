"""Days on which launchers can leave: as often as they fly, on the cheapest day of a transfer."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from moonpost.campaign.launches import FlightKind, FlightKinds
from moonpost.errors import DateError, InputError
from moonpost.plan.base import when_bounds

__all__ = ["TRANSIT_DAYS", "Departure", "granted", "launch_dates"]

TRANSIT_DAYS = 5.0
"""From launch to landing where no transfer was computed [d]: an assumption."""

_YEAR = dt.timedelta(days=365.25)
_MOST = 500
_FLIGHT_DAYS = (4.5, 5.0)


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
    'cz-10 2031-01-01'
    """

    kind: FlightKind
    number: int
    launch: dt.datetime
    arrival: dt.datetime
    tli_m_s: float | None
    loi_m_s: float | None

    @property
    def id(self) -> str:
        """Launcher and date in one name."""
        return f"{self.kind.launcher} {self.launch:%Y-%m-%d}"


def launch_dates(
    kinds: Sequence[FlightKind],
    start: dt.datetime,
    stop: dt.datetime,
    *,
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
    A launcher that flies n times a year is ready every 365.25 / n days from its first date on. Transfers of 4.5
    and 5 days are computed for every other day in the ephemeris of Earth, Moon and Sun, and that with the least
    sum of both impulses is taken. Landing follows arrival at once. The chain of velocity changes keeps the
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
    ['cz-9 2033-01-01', 'cz-9 2034-01-01']
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
    days = sorted({day for _, _, day in ready})
    search = [search_days, *(365.25 / kind.per_year for kind in kinds)]
    best = _windows(days, max(min(search), 1.0), progress) if windows else {}
    found = []
    for kind, number, day in ready:
        launch, flight, tli, loi = best.get(day, (day, TRANSIT_DAYS, None, None))
        arrival = launch + dt.timedelta(days=flight)
        if arrival <= stop:
            found.append(Departure(kind, number, launch, arrival, tli, loi))
    return tuple(sorted(found, key=lambda row: (row.arrival, row.kind.launcher)))


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


_Window = tuple[dt.datetime, float, float, float]


def _windows(
    days: Sequence[dt.datetime], search_days: float, progress: Callable[[float], None] | None
) -> dict[dt.datetime, _Window]:
    """Cheapest transfer from each day on, for the days that the ephemerides reach."""
    from moonpost.flight.windows import scan_transfers
    from moonpost.sky.almanac import Almanac

    almanac = Almanac.default()
    offsets = np.arange(0.0, search_days, 2.0)
    step = (offsets * 86_400e3).astype("timedelta64[ms]")
    found: dict[dt.datetime, _Window] = {}
    for count, day in enumerate(days):
        try:
            scan = scan_transfers(np.datetime64(day, "ms") + step, _FLIGHT_DAYS, almanac=almanac)
        except DateError:
            continue
        total = scan.total_m_s
        if np.isfinite(total).any():
            place = np.unravel_index(np.nanargmin(total), total.shape)
            launch: dt.datetime = scan.cell_departures[place].astype("datetime64[s]").item()
            found[day] = (
                launch, float(scan.time_of_flight_d[place[1]]), float(scan.tli_m_s[place]),
                float(scan.loi_m_s[place]),
            )  # fmt: skip
        if progress is not None:
            progress((count + 1) / len(days))
    return found
