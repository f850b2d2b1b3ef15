"""Contacts: when a site and a ground station, or any of several, see each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky.times import iso

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site
    from moonpost.sky.stations import EarthPlace
    from moonpost.terrain.profile import HorizonProfile

__all__ = ["Contacts", "intersection", "station_contacts", "union"]

Times = npt.NDArray[np.datetime64]

_LONGEST_STEP_S = 1800.0
_SECOND = np.timedelta64(1000, "ms")
_DAY = np.timedelta64(1, "D")
_HOUR_S = 3600.0


@dataclass(frozen=True, eq=False)
class Contacts:
    """Intervals of contact within a span of time.

    Parameters
    ----------
    start, stop : ndarray of datetime64[ms], shape (n,)
        Beginning and end of each contact, UTC, in order; contacts do not overlap. Those under way at the ends of
        the span are cut there.
    span : tuple of datetime64[ms]
        First and last instant looked at.

    Examples
    --------
    >>> t = np.datetime64("2030-01-01T00:00", "ms") + np.arange(5) * np.timedelta64(600000, "ms")
    >>> contacts = Contacts.where(t, np.array([-1.0, 1.0, 3.0, 1.0, -1.0]))
    >>> [(str(a)[11:16], str(b)[11:16]) for a, b in zip(contacts.start, contacts.stop)], contacts.share
    ([('00:05', '00:35')], 0.75)
    """

    start: Times
    stop: Times
    span: tuple[np.datetime64, np.datetime64]

    @classmethod
    def where(cls, time: Times, margin: npt.ArrayLike) -> Contacts:
        """Find where a sampled quantity is not negative.

        Parameters
        ----------
        time : ndarray of datetime64, shape (n,)
            UTC, increasing, half an hour apart at most.
        margin : array_like, shape (n,)
            What must not be negative, such as an elevation above a mask [deg].

        Returns
        -------
        Contacts
            With ends interpolated between the samples.

        Raises
        ------
        InputError
            If shapes differ, a value is NaN, or the times do not increase or are too far apart.

        Notes
        -----
        Linear between samples: an elevation sampled each 10 minutes gives ends to 0.1 minute, as its rate changes
        by less than 0.0012 deg per square minute. A contact that fits between two samples is not seen.
        """
        t, value = np.asarray(time).astype("datetime64[ms]"), np.asarray(margin, dtype=float)
        _check(t, value)
        offset = (t - t[0]).astype(np.int64).astype(float)
        above = value >= 0.0
        change = np.flatnonzero(above[1:] != above[:-1])
        part = value[change] / (value[change] - value[change + 1])
        shift = np.rint(offset[change] + part * (offset[change + 1] - offset[change]))
        at = t[0] + shift.astype("timedelta64[ms]")
        start, stop = at[above[change + 1]], at[above[change]]
        if above[0]:
            start = np.concatenate([t[:1], start])
        if above[-1]:
            stop = np.concatenate([stop, t[-1:]])
        return cls(start, stop, (t[0], t[-1]))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def duration_s(self) -> npt.NDArray[np.float64]:
        """Length of each contact [s].

        Returns
        -------
        ndarray, shape (n,)
            Seconds.
        """
        return np.asarray((self.stop - self.start) / _SECOND, dtype=np.float64)

    @property
    def share(self) -> float:
        """Share of the span that is in contact.

        Returns
        -------
        float
            0 to 1.
        """
        return float(self.duration_s.sum() / float((self.span[1] - self.span[0]) / _SECOND))

    @property
    def gap_s(self) -> npt.NDArray[np.float64]:
        """Length of each time without contact [s], those cut by the ends of the span included.

        Returns
        -------
        ndarray
            Seconds, in order; empty if there is contact throughout.
        """
        left = np.concatenate([[self.span[0]], self.stop])
        right = np.concatenate([self.start, [self.span[1]]])
        gaps = np.asarray((right - left) / _SECOND, dtype=np.float64)
        return gaps[gaps > 0.0]

    @property
    def longest_gap_s(self) -> float:
        """Longest time without contact [s].

        Returns
        -------
        float
            Seconds; 0 if there is contact throughout.
        """
        return float(self.gap_s.max(initial=0.0))

    def hours_per_day(self) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.float64]]:
        """Hours of contact on each day of UTC.

        Returns
        -------
        day : ndarray of datetime64[D]
            Days that the span touches.
        hours : ndarray
            Contact on each [h]; the first and last day may be incomplete.
        """
        first = self.span[0].astype("datetime64[D]")
        last = (self.span[1] - np.timedelta64(1, "ms")).astype("datetime64[D]")
        days = np.arange(first, last + 1)
        low = np.maximum(self.start[None, :], days[:, None].astype("datetime64[ms]"))
        high = np.minimum(self.stop[None, :], (days[:, None] + 1).astype("datetime64[ms]"))
        seconds = np.maximum(np.asarray((high - low) / _SECOND, dtype=np.float64), 0.0)
        return days, seconds.sum(axis=1) / _HOUR_S

    def to_rows(self) -> list[dict[str, Any]]:
        """Plain rows, for JSON and CSV.

        Returns
        -------
        list of dict
            `start_utc`, `stop_utc` and `duration_s`, to the second.
        """
        return [
            {"start_utc": _text(a), "stop_utc": _text(b), "duration_s": round(float(length), 1)}
            for a, b, length in zip(self.start, self.stop, self.duration_s, strict=True)
        ]

    def summary(self) -> dict[str, Any]:
        """Key numbers, for JSON.

        Returns
        -------
        dict
            Number of contacts, share, mean hours per day, longest contact and gap.
        """
        return {
            "contacts": len(self),
            "share": round(self.share, 6),
            "hours_per_day": round(24.0 * self.share, 4),
            "longest_contact_s": round(float(self.duration_s.max(initial=0.0)), 1),
            "longest_gap_s": round(self.longest_gap_s, 1),
        }


def union(contacts: Sequence[Contacts]) -> Contacts:
    """Times at which at least one of several has contact, such as a network of stations.

    Parameters
    ----------
    contacts : sequence of Contacts
        Over the same span.

    Returns
    -------
    Contacts
        Merged.

    Raises
    ------
    InputError
        If there is none, or the spans differ.

    Examples
    --------
    >>> t = np.datetime64("2030-01-01T00:00", "ms") + np.arange(3) * np.timedelta64(600000, "ms")
    >>> union([Contacts.where(t, [1, -1, -1]), Contacts.where(t, [-1, -1, 1])]).share
    0.5
    """
    return _counted(contacts, 1)


def intersection(contacts: Sequence[Contacts]) -> Contacts:
    """Times at which all of several conditions hold, such as terrain at one end and a mask at the other.

    Parameters
    ----------
    contacts : sequence of Contacts
        Over the same span.

    Returns
    -------
    Contacts
        Common times.

    Raises
    ------
    InputError
        If there is none, or the spans differ.

    Examples
    --------
    >>> t = np.datetime64("2030-01-01T00:00", "ms") + np.arange(3) * np.timedelta64(600000, "ms")
    >>> len(intersection([Contacts.where(t, [1, -1, -1]), Contacts.where(t, [-1, -1, 1])]))
    0
    """
    return _counted(contacts, len(contacts))


def station_contacts(
    almanac: Almanac,
    site: Site,
    ground_station: EarthPlace,
    t: Times,
    *,
    mask_deg: float | None = None,
    profile: HorizonProfile | None = None,
) -> Contacts:
    """Contacts of a lunar site with an antenna on the Earth.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        Place on the Moon.
    ground_station : GroundStation
        Antenna on the Earth, of the sky or of the plan.
    t : ndarray of datetime64, shape (n,)
        UTC, half an hour apart at most; 10 minutes give ends to a minute.
    mask_deg : float, optional
        Lowest usable elevation of the Moon [deg]; the station's own `mask_deg` if it has one, otherwise 10.
    profile : HorizonProfile, optional
        Terrain at the site; the level horizon if not given.

    Returns
    -------
    Contacts
        When the antenna stands above the site's terrain and the Moon above the antenna's mask.

    Raises
    ------
    InputError
        If the mask is no elevation or the times cannot be used.
    DateError
        If a time lies outside the kernels.

    Notes
    -----
    Geometric lines of sight without refraction, which lifts the Moon by 0.1 deg at 10 deg of elevation: 0.4
    minutes. Radio waves are taken to be cut at the optical horizon.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site, times
    >>> from moonpost.sky.stations import GroundStation
    >>> t = times("2030-01-01", "2030-01-08", 600)
    >>> seen = station_contacts(Almanac.default(), Site(0.0, 0.0), GroundStation("Jiamusi", 46.4939, 130.7706), t)
    >>> len(seen)
    7
    """
    mask = getattr(ground_station, "mask_deg", 10.0) if mask_deg is None else mask_deg
    if not (np.isfinite(mask) and 0.0 <= mask < 90.0):
        raise InputError(f"{mask!r} is no mask", where="mask_deg", advice="give an elevation from 0 to 90 deg")
    seen = almanac.station(site, ground_station, t)
    floor_deg = 0.0 if profile is None else profile.at(seen.azimuth_deg)
    at_moon = Contacts.where(seen.time, seen.elevation_deg - floor_deg)
    at_earth = Contacts.where(seen.time, seen.moon_elevation_deg - mask)
    return intersection([at_moon, at_earth])


def _counted(contacts: Sequence[Contacts], least: int) -> Contacts:
    """Times at which at least `least` of the contacts hold, by sweeping over all their ends."""
    if not contacts:
        raise InputError("no contacts given", where="contacts", advice="give at least one")
    span = contacts[0].span
    if any(other.span != span for other in contacts):
        raise InputError("the spans differ", where="contacts", advice="compute all contacts over the same times")
    instant = np.concatenate([part for each in contacts for part in (each.start, each.stop)])
    change = np.concatenate([part for each in contacts for part in (np.ones(len(each)), -np.ones(len(each)))])
    order = np.lexsort((-change, instant))
    instant, count = instant[order], np.cumsum(change[order])
    on = count >= least
    before = np.concatenate([[False], on[:-1]])
    start, stop = instant[on & ~before], instant[before & ~on]
    long = stop > start
    return Contacts(start[long], stop[long], span)


def _check(t: Times, value: npt.NDArray[np.float64]) -> None:
    """Refuse samples in which contacts cannot be found."""
    if t.ndim != 1 or t.shape != value.shape or len(t) < 2:
        raise InputError(
            f"times of shape {t.shape} and values of shape {value.shape}",
            where="Contacts.where",
            advice="give two arrays of the same length, at least two samples",
        )
    if not np.isfinite(value).all():
        raise InputError("NaN or infinity", where="margin", advice="remove them")
    step_s = np.asarray(np.diff(t) / _SECOND, dtype=np.float64)
    if step_s.min() <= 0.0 or step_s.max() > _LONGEST_STEP_S:
        raise InputError(
            "times do not increase by at most half an hour",
            where="time",
            advice="use moonpost.sky.times with a step of 600 s",
        )


def _text(t: np.datetime64) -> str:
    """ISO text to the nearest second."""
    return iso((t + np.timedelta64(500, "ms")).astype("datetime64[s]"))
