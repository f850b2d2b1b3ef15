"""Which lunar day it is at the station: Sun, light over the terrain, next sunrise and sunset, Earth in view."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.control.timeline.skies import GroundSky, SkyBlock, days_counted, sky_of
from moonpost.control.timeline.windows import Times, Window, cut, milliseconds, next_turns, period_of
from moonpost.errors import DateError
from moonpost.plan import Plan
from moonpost.sky.times import TimeLike, as_utc, iso

if TYPE_CHECKING:
    from moonpost.sky import Almanac, Site
    from moonpost.sky.eclipse import Eclipse

__all__ = ["LunarClock", "LunarMoment"]

_BLOCK_MS = 60 * 86_400_000
_DAY = np.timedelta64(86_400_000, "ms")
_AHEAD = 60 * _DAY
_KEPT_BLOCKS = 20
_IN_ORBIT = "The station is in orbit, where there is no lunar day; sunrise and sunset are those of its shadow."


@dataclass(frozen=True)
class LunarMoment:
    """Where the station's lunar day stands at an instant.

    Parameters
    ----------
    time : datetime64[ms]
        UTC.
    lunar_day : int or None
        From 1, counted by local solar midnights since the first landing; None in orbit and before the landing.
    earth_day : int or None
        Whole days of 24 hours since the first landing; None before it.
    sun_elevation_deg, sun_azimuth_deg : float or None
        The Sun's centre over the level horizon [deg]; None in orbit.
    lit_fraction : float
        Part of the Sun's disc in view from the highest mast, over terrain and past the Earth [1].
    next_sunrise, next_sunset : datetime64[ms] or None
        When the Sun next comes into view there, and leaves; None if not within two months.
    contact : bool
        Whether the Earth, or a window of contact that was given, is in view.
    next_contact : datetime64[ms] or None
        When that changes; None if not within two months, or not before the end of what is known of contact.
    contact_known : datetime64[ms]
        Until when contact is known: where no change is told, it lasts at least until then.
    light_time_s : float
        One way to the Earth's centre [s].
    counted : str
        From when days count, and whether that is known or assumed, for people; empty if nothing lands there.
    assumed : bool
        Whether that landing is an assumption of the plan.
    note : str
        What to know about it, for people.

    Examples
    --------
    >>> from moonpost.control.timeline.lunarday import LunarClock  # see there
    """

    time: np.datetime64
    lunar_day: int | None
    earth_day: int | None
    sun_elevation_deg: float | None
    sun_azimuth_deg: float | None
    lit_fraction: float
    next_sunrise: np.datetime64 | None
    next_sunset: np.datetime64 | None
    contact: bool
    next_contact: np.datetime64 | None
    contact_known: np.datetime64
    light_time_s: float
    counted: str = ""
    assumed: bool = False
    note: str = ""

    @property
    def lit(self) -> bool:
        """Whether any part of the Sun is in view."""
        return self.lit_fraction > 0.0

    def to_dict(self) -> dict[str, Any]:
        """The moment as plain values, times in milliseconds, for JSON."""
        return {
            "time_ms": milliseconds(self.time),
            "lunar_day": self.lunar_day,
            "earth_day": self.earth_day,
            "sun_elevation_deg": _rounded(self.sun_elevation_deg, 4),
            "sun_azimuth_deg": _rounded(self.sun_azimuth_deg, 3),
            "lit": self.lit,
            "lit_fraction": round(self.lit_fraction, 4),
            "next_sunrise_ms": _ms(self.next_sunrise),
            "next_sunset_ms": _ms(self.next_sunset),
            "contact": self.contact,
            "next_contact_change_ms": _ms(self.next_contact),
            "contact_known_until_ms": milliseconds(self.contact_known),
            "light_time_s": round(self.light_time_s, 4),
            "counted": self.counted,
            "counted_assumed": self.assumed,
            "note": self.note,
        }


class LunarClock:
    """The lunar day of a station. It may be asked from several threads.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str, optional
        A site of the plan; the station's if not given.
    contacts : ndarray of datetime64, (m, 2), optional
        Windows of contact, such as those over relays; while half of the Earth's disc is in view if not given.
    known : datetime64, optional
        Until when those windows are known, UTC: of one that lasts up to there the end is not known. The end of
        the last one if not given.
    landing : str or datetime64, optional
        From when days are counted, UTC; the first landing at the site if not given.
    almanac : Almanac, optional
        Ephemerides; those that come with Moonpost if not given.

    Raises
    ------
    UnknownNameError
        If the plan has no such site.

    Notes
    -----
    Light is the disc's share over the horizon of the highest mast of the plan's station, less what the Earth
    covers; sunrise and sunset are of the first and the last part of the disc over that terrain, to a second for
    the horizon known, without eclipses. A station in orbit has no lunar day: its sunrise and sunset are the ends
    and begins of the Moon's umbra on its ellipse, contact is the Earth's disc beside the Moon.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> moment = LunarClock(load_plan("ilrs")).at("2035-01-10T00:00Z")
    >>> moment.lunar_day, moment.earth_day, moment.lit
    (38, 1105, True)
    """

    def __init__(
        self,
        plan: Plan,
        site: str | None = None,
        *,
        contacts: Times | None = None,
        known: TimeLike | None = None,
        landing: TimeLike | None = None,
        almanac: Almanac | None = None,
    ) -> None:
        self._sky, first, self.site = sky_of(plan, site, almanac)
        self._landing = first if landing is None else as_utc(landing).reshape(-1)[0]
        self._counted, self._assumed = days_counted(plan, self.site)
        if self._landing is not None and landing is not None:
            self._counted, self._assumed = f"Days count from {iso(self._landing)[:10]}.", False
        self._contacts: list[Window] | None = None
        self._contacts_known = None if known is None else as_utc(known).reshape(-1)[0]
        if contacts is not None:
            rows = np.asarray(contacts).astype("datetime64[ms]").reshape(-1, 2)
            self._contacts = [(row[0], row[1]) for row in rows]
            if known is None and rows.size:
                self._contacts_known = rows[:, 1].max()
        self._blocks: dict[int, SkyBlock] = {}
        self._lock = threading.Lock()

    @property
    def landing(self) -> np.datetime64 | None:
        """From when days are counted, UTC; None if nothing lands there."""
        return self._landing

    @property
    def almanac(self) -> Almanac:
        """Ephemerides."""
        return self._sky.almanac

    @property
    def in_orbit(self) -> bool:
        """Whether the station flies, so that it has no lunar day."""
        return not isinstance(self._sky, GroundSky)

    @property
    def place(self) -> Site | None:
        """The place on the ground; None in orbit."""
        return self._sky.place if isinstance(self._sky, GroundSky) else None

    def at(self, t: TimeLike) -> LunarMoment:
        """Tell where the lunar day stands.

        Parameters
        ----------
        t : str, datetime or datetime64
            UTC.

        Returns
        -------
        LunarMoment

        Raises
        ------
        DateError
            If the date cannot be read or lies outside the kernels.
        """
        moment = as_utc(t).reshape(-1)[0]
        horizon = min(moment + _AHEAD, self._known()[1])
        _, rises, sets = next_turns(self.sunlight(moment, horizon), moment, horizon)
        known = horizon if self._contacts_known is None else min(horizon, self._contacts_known)
        seen = (
            moment - np.timedelta64(1, "ms") if moment == known else moment
        )  # where it ends, it is as up to there
        contact, begins, ends = next_turns(self.earth(seen, horizon), seen, known)
        eclipsed = bool(self.eclipses(moment, moment + np.timedelta64(1, "ms")))
        lunar, earth, elevation_deg, azimuth_deg = self._days(moment)
        note = _IN_ORBIT if self.in_orbit else "" if earth is not None else "Nothing has landed here yet."
        return LunarMoment(
            time=moment,
            lunar_day=lunar,
            earth_day=earth,
            sun_elevation_deg=elevation_deg,
            sun_azimuth_deg=azimuth_deg,
            lit_fraction=self._sky.light(moment, eclipsed),
            next_sunrise=rises,
            next_sunset=sets,
            contact=contact,
            next_contact=ends if contact else begins,
            contact_known=known,
            light_time_s=self._sky.light_time_s(moment),
            counted=self._counted,
            assumed=self._assumed,
            note=note,
        )

    def sunlight(self, start: TimeLike, stop: TimeLike) -> tuple[Window, ...]:
        """Windows in which any part of the Sun is in view, cut at the ends of the period.

        Parameters
        ----------
        start, stop : str, datetime or datetime64
            Period, UTC.

        Returns
        -------
        tuple of pairs of datetime64[ms]

        Raises
        ------
        DateError
            If the period is empty or lies outside the kernels.
        """
        return self._gathered(start, stop, lambda block: block.lit)

    def earth(self, start: TimeLike, stop: TimeLike) -> tuple[Window, ...]:
        """Windows of contact, cut at the ends of the period.

        Parameters
        ----------
        start, stop : str, datetime or datetime64
            Period, UTC.

        Returns
        -------
        tuple of pairs of datetime64[ms]

        Raises
        ------
        DateError
            If the period is empty or lies outside the kernels.
        """
        if self._contacts is not None:
            return cut(self._contacts, *period_of(start, stop))
        return self._gathered(start, stop, lambda block: block.seen)

    def eclipses(self, start: TimeLike, stop: TimeLike) -> tuple[Eclipse, ...]:
        """Eclipses of the Sun by the Earth at the site; none are told for a station in orbit.

        Parameters
        ----------
        start, stop : str, datetime or datetime64
            Period, UTC.

        Returns
        -------
        tuple of Eclipse

        Raises
        ------
        DateError
            If the period is empty or lies outside the kernels.
        """
        first, last = period_of(start, stop)
        rows = sorted(
            (row for block in self._over(first, last) for row in block.eclipses), key=lambda r: r.greatest
        )
        found: list[Eclipse] = []
        for row in rows:  # one at the border of two blocks is found in both
            again = bool(found) and row.greatest - found[-1].greatest < _DAY
            if not again and row.partial_stop > first and row.partial_start < last:
                found.append(row)
        return tuple(found)

    def _days(self, moment: np.datetime64) -> tuple[int | None, int | None, float | None, float | None]:
        """Lunar day, Earth day, elevation and azimuth of the Sun."""
        from moonpost.sky.days import earth_day, lunar_day

        landing, sky = self._landing, self._sky
        landed = landing if landing is not None and moment >= landing else None
        earth = None if landed is None else int(earth_day(landed, moment)[0])
        if not isinstance(sky, GroundSky):
            return None, earth, None, None
        sun = sky.almanac.sun(sky.place, moment)
        lunar = None if landed is None else int(lunar_day(sky.almanac, sky.place, landed, moment)[0])
        return lunar, earth, float(sun.elevation_deg[0]), float(sun.azimuth_deg[0])

    def _gathered(
        self, start: TimeLike, stop: TimeLike, part: Callable[[SkyBlock], tuple[Window, ...]]
    ) -> tuple[Window, ...]:
        """Windows of all blocks of a period, joined and cut."""
        first, last = period_of(start, stop)
        return cut([row for block in self._over(first, last) for row in part(block)], first, last)

    def _known(self) -> Window:
        """The time that the ephemerides cover, a day within."""
        first, last = self._sky.almanac.span
        return first.astype("datetime64[ms]") + _DAY, last.astype("datetime64[ms]") - _DAY

    def _over(self, first: np.datetime64, last: np.datetime64) -> list[SkyBlock]:
        """The blocks of a period, computed where they are not at hand."""
        known = self._known()
        if first < known[0] or last > known[1]:
            raise DateError(
                f"{iso(first)} to {iso(last)} lies outside the ephemerides",
                where="lunar day",
                advice=f"choose dates from {iso(known[0])} to {iso(known[1])}",
            )
        numbers = range(milliseconds(first) // _BLOCK_MS, milliseconds(last) // _BLOCK_MS + 1)
        found = []
        with self._lock:
            for number in numbers:
                if number not in self._blocks:
                    start = max(np.datetime64(number * _BLOCK_MS, "ms"), known[0])
                    stop = min(np.datetime64((number + 1) * _BLOCK_MS, "ms"), known[1])
                    self._blocks[number] = self._sky.block(start, stop)
                found.append(self._blocks[number])
            for number in list(self._blocks)[:-_KEPT_BLOCKS]:
                del self._blocks[number]
        return found


def _ms(t: np.datetime64 | None) -> int | None:
    return None if t is None else milliseconds(t)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
