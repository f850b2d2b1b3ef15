"""Waking by panel current: what threshold a record shows, and when a panel of an attitude reaches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.operations.crossings import level_crossings, rate_per_hour
from moonpost.operations.estimates import estimate, robust_level
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.operations.events import EventTable
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.apparent import Apparent
    from moonpost.sky.site import Site
    from moonpost.terrain.profile import HorizonProfile

__all__ = ["WakeThreshold", "learnt_threshold", "panel_normal", "wake_rows", "wanted_times"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

MISSED_H = 354.0
HOUR = np.timedelta64(3_600_000, "ms")
_HALF_MONTH = np.timedelta64(20 * 24, "h")


@dataclass(frozen=True)
class WakeThreshold:
    """Panel current at which a machine wakes.

    Parameters
    ----------
    share : float
        Share of the panel's full current, that at normal incidence at 1 au, above 0.
    sigma_share : float or None
        Standard error of that share for a single waking; None if not known.
    tilt_deg, azimuth_deg : float or None
        Attitude of the panel under which it was learnt [deg]; None where it was given as a power.
    source : str
        Where it comes from.

    Raises
    ------
    InputError
        If the share is not above 0 and below 1.04, or its error is negative.

    Examples
    --------
    >>> WakeThreshold.of_power(20.0, 160.0).share
    0.125
    """

    share: float
    sigma_share: float | None = None
    tilt_deg: float | None = None
    azimuth_deg: float | None = None
    source: str = "given"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.share) and 0.0 < self.share < 1.04):
            raise InputError(
                f"{self.share:.4g} of the full current", where="threshold", advice="give more than 0, less than 1"
            )
        if self.sigma_share is not None and not (np.isfinite(self.sigma_share) and self.sigma_share >= 0.0):
            raise InputError(f"{self.sigma_share!r}", where="sigma_share", advice="give 0 or more")

    @classmethod
    def of_power(cls, threshold_w: float, rated_w: float, sigma_w: float | None = None) -> WakeThreshold:
        """Threshold from powers.

        Parameters
        ----------
        threshold_w : float
            Output at which the machine wakes [W].
        rated_w : float
            Output at normal incidence at 1 au [W].
        sigma_w : float, optional
            Standard error of the threshold [W].

        Returns
        -------
        WakeThreshold
            The share.

        Raises
        ------
        InputError
            If a power is not a positive number, or the threshold is not below the rated output.
        """
        for name, value in (("threshold_w", threshold_w), ("rated_w", rated_w)):
            if not (np.isfinite(value) and value > 0.0):
                raise InputError(f"{value!r}", where=name, advice="give a power above 0 W")
        if threshold_w >= rated_w:
            raise InputError(
                f"{threshold_w:g} W of {rated_w:g} W", where="threshold_w", advice="give less than rated_w"
            )
        sigma = None if sigma_w is None else sigma_w / rated_w
        return cls(threshold_w / rated_w, sigma, source=f"{threshold_w:g} W of {rated_w:g} W, given")


def learnt_threshold(
    events: EventTable,
    vehicle: str,
    site: Site,
    almanac: Almanac,
    *,
    tilt_deg: float | None = None,
    azimuth_deg: float | None = None,
) -> WakeThreshold:
    """Learn the panel current at which a machine wakes from its dated wakings.

    Parameters
    ----------
    events : EventTable
        From `moonpost.operations.dormancy.read_events`.
    vehicle : str
        The machine.
    site, almanac
        Where it stood, and under which sky.
    tilt_deg, azimuth_deg : float, optional
        Attitude of its panel in the record [deg], both or neither. If not given, the tilt towards north is fitted
        along and the panel taken as level from east to west.

    Returns
    -------
    WakeThreshold
        The share, with weights as in the fit of rules, and the scatter of single wakings.

    Raises
    ------
    InputError
        If only one angle is given.
    ModelError
        If there are fewer than two dated wakings (four without the attitude), or the current does not rise at one.

    Notes
    -----
    What a record tells is the Sun's place at waking, not the current: a panel tilted 10 deg further to the east
    would wake at the same times at a share higher by 0.17. An attitude found with this threshold is therefore to
    be read as a turn from the attitude of the record.

    Examples
    --------
    >>> from moonpost.operations.dormancy import Event, EventTable
    >>> from moonpost.sky import Almanac, Site
    >>> days = ["2019-01-29T12:00", "2019-03-29T12:28"]
    >>> table = EventTable.of([Event("rover", "wake", utc=np.datetime64(day)) for day in days])
    >>> found = learnt_threshold(
    ...     table, "rover", Site(-45.457, 177.589), Almanac.default(), tilt_deg=0.0, azimuth_deg=0.0
    ... )
    >>> round(found.share, 3)
    0.122
    """
    if (tilt_deg is None) != (azimuth_deg is None):
        raise InputError("one angle of the panel alone", where="learnt_threshold", advice="give tilt and azimuth")
    dated = [event for event in events.select(vehicle, "wake") if event.utc is not None]
    needed = 4 if tilt_deg is None else 2
    if len(dated) < needed:
        raise ModelError(
            f"{len(dated)} dated wakings of {vehicle!r} in {events.source}",
            where="learnt_threshold",
            advice=f"give at least {needed}, or the threshold in W; known: {', '.join(events.vehicles)}",
        )
    source = f"{len(dated)} wakings of {vehicle} in {events.source}"
    freedom = 1
    if tilt_deg is None:
        fitted = estimate(dated, site, almanac, "panel")
        tilt_deg, azimuth_deg = abs(fitted.tilt_north_deg), 0.0 if fitted.tilt_north_deg >= 0.0 else 180.0
        freedom = 2
        source += f", panel taken as tilted {tilt_deg:.1f} deg to azimuth {azimuth_deg:.0f}"
    else:
        source += f", panel at {tilt_deg:g} deg to azimuth {azimuth_deg:g}"
    normal = panel_normal(tilt_deg, 0.0 if azimuth_deg is None else azimuth_deg)

    def value(sun: Apparent) -> Floats:
        return panel_current(normal, sun, None)

    t = np.array([event.utc for event in dated], dtype="datetime64[ms]")
    found, rate = value(almanac.sun(site, t)), rate_per_hour(almanac, site, value, t)
    if np.any(found <= 0.0) or np.any(rate <= 0.0):
        raise ModelError(
            "the current does not rise at some waking",
            where="learnt_threshold",
            advice="give the attitude of the record",
        )
    share = robust_level(found, rate, np.array([event.spread_h for event in dated]))
    scatter = float(np.sqrt(np.sum((found - share) ** 2) / (len(dated) - freedom)))
    sigma = scatter * float(np.sqrt(1.0 + 1.0 / len(dated)))
    return WakeThreshold(share, sigma, tilt_deg, azimuth_deg, source)


def panel_normal(tilt_deg: npt.ArrayLike, azimuth_deg: npt.ArrayLike) -> Floats:
    """Unit normal of a panel: up, north, east.

    Parameters
    ----------
    tilt_deg : array_like
        Tilt from horizontal [deg].
    azimuth_deg : array_like, same shape
        Azimuth that it faces, clockwise from north [deg].

    Returns
    -------
    ndarray, shape (..., 3)
        Unit vectors.

    Examples
    --------
    >>> panel_normal(90.0, 90.0).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    tilt, azimuth = np.deg2rad(np.asarray(tilt_deg, dtype=float)), np.deg2rad(np.asarray(azimuth_deg, dtype=float))
    return np.stack([np.cos(tilt), np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth)], axis=-1)


def wake_rows(
    site: Site,
    almanac: Almanac,
    threshold: WakeThreshold,
    tilt_deg: float,
    azimuth_deg: float,
    wanted: TimeLike,
    *,
    profile: HorizonProfile | None = None,
    attitude_error_deg: float = 0.0,
) -> tuple[dict[str, Any], ...]:
    """When a machine wakes on the lunar days of the wanted times, to a second, with its uncertainty.

    Parameters
    ----------
    site, almanac, threshold
        As in `panel_attitude`.
    tilt_deg, azimuth_deg : float
        Attitude of the panel [deg].
    wanted : date-like
        One wanted time for each lunar day.
    profile : HorizonProfile, optional
        Horizon; a level one if not given.
    attitude_error_deg : float
        Error of the attitude about each axis [deg].

    Returns
    -------
    tuple of dict
        As the rows of `PanelAnswer`; `wake_utc` is None on a day without waking.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> row, = wake_rows(
    ...     Site(-45.457, 177.589), Almanac.default(), WakeThreshold(0.12), 0.0, 0.0, "2026-01-12T00:00"
    ... )
    >>> row["sun_elevation_deg"]
    6.66
    """
    asked = np.sort(as_utc(wanted).reshape(-1))
    normal = panel_normal(tilt_deg, azimuth_deg)

    def value(sun: Apparent) -> Floats:
        return panel_current(normal, sun, profile) - threshold.share

    rows = []
    for when, (first, last) in zip(asked, lunar_days(almanac, site, asked), strict=True):
        found = level_crossings(almanac, site, value, first, last)
        rising = found.utc[found.rising]
        if not len(rising):
            rows.append(_row(when, None, None, None))
            continue
        wake = rising[:1]
        sun = almanac.sun(site, wake)
        rate = abs(float(rate_per_hour(almanac, site, value, wake)[0]))
        sigma_h = _sigma_h(threshold, normal, sun, rate, attitude_error_deg)
        rows.append(_row(when, wake[0], None if sigma_h is None else float(sigma_h), sun))
    return tuple(rows)


def wanted_times(
    site: Site,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    *,
    sun_elevation_deg: float | None = None,
    after_sunrise_h: float | None = None,
    profile: HorizonProfile | None = None,
) -> Times:
    """When a machine should wake on each lunar day: at an elevation of the Sun, or some hours after sunrise.

    Parameters
    ----------
    site, almanac
        Where, and under which sky.
    start, stop : date-like
        Period, UTC.
    sun_elevation_deg : float, optional
        Elevation of the rising Sun's centre [deg].
    after_sunrise_h : float, optional
        Hours after the first part of the Sun is in view [h].
    profile : HorizonProfile, optional
        Horizon for the sunrise; level if not given.

    Returns
    -------
    ndarray of datetime64[ms]
        In order of time.

    Raises
    ------
    InputError
        If not exactly one of both is given, or a number is of no use.
    ModelError
        If there is no such time in the period.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> site = Site(-45.457, 177.589)
    >>> found = wanted_times(site, Almanac.default(), "2026-01-01", "2026-03-01", sun_elevation_deg=6.0)
    >>> len(found)
    2
    """
    if (sun_elevation_deg is None) == (after_sunrise_h is None):
        raise InputError("give one of both", where="wanted_times", advice="sun_elevation_deg or after_sunrise_h")
    value = sun_elevation_deg if after_sunrise_h is None else after_sunrise_h
    low, high = (-2.0, 90.0) if after_sunrise_h is None else (0.0, 300.0)
    if value is None or not (np.isfinite(value) and low <= value <= high):
        raise InputError(f"{value!r}", where="wanted_times", advice=f"give {low:g} to {high:g}")
    if after_sunrise_h is None:
        found = level_crossings(almanac, site, lambda sun: sun.elevation_deg - value, start, stop)
        times = found.utc[found.rising]
    else:
        found = level_crossings(almanac, site, lambda sun: disc_seen(sun, profile) - 1e-6, start, stop)
        times = found.utc[found.rising] + np.timedelta64(round(after_sunrise_h * 3_600_000), "ms")
    if not len(times):
        raise ModelError(
            "the Sun does not pass there in this period", where="wanted_times", advice="ask for less or longer"
        )
    return times


def disc_seen(sun: Apparent, profile: HorizonProfile | None) -> Floats:
    """Share of the disc over the horizon; over a level one by its height alone."""
    if profile is not None:
        from moonpost.terrain.light import illumination

        return illumination(profile, sun)
    height = np.clip(sun.elevation_deg / sun.angular_radius_deg, -1.0, 1.0)
    return np.asarray(0.5 + (np.arcsin(height) + height * np.sqrt(1.0 - height**2)) / np.pi)


def sun_direction(sun: Apparent) -> Floats:
    """Unit vectors to the Sun: up, north, east."""
    elevation, azimuth = np.deg2rad(sun.elevation_deg), np.deg2rad(sun.azimuth_deg)
    level = np.cos(elevation)
    return np.stack([np.sin(elevation), level * np.cos(azimuth), level * np.sin(azimuth)], axis=-1)


def panel_current(normal: Floats, sun: Apparent, profile: HorizonProfile | None) -> Floats:
    """Share of the full current at 1 au."""
    incidence = np.maximum(sun_direction(sun) @ normal, 0.0)
    return np.asarray(sun.distance_factor * disc_seen(sun, profile) * incidence)


def lunar_days(almanac: Almanac, site: Site, asked: Times) -> list[tuple[np.datetime64, np.datetime64]]:
    """Local midnights before and after each wanted time."""
    from moonpost.sky.days import solar_midnights

    nights = solar_midnights(almanac, site, asked[0] - 2 * _HALF_MONTH, asked[-1] + 2 * _HALF_MONTH)
    index = np.searchsorted(nights, asked, side="right")
    if len(np.unique(index)) < len(index):
        raise InputError("two wanted times on one lunar day", where="wanted", advice="give one for each lunar day")
    return [(nights[k - 1], nights[k]) for k in index]


def _sigma_h(
    threshold: WakeThreshold, normal: Floats, sun: Apparent, rate_h: float, error_deg: float
) -> float | None:
    """Standard error of a waking [h]; None if neither error is known."""
    if threshold.sigma_share is None and error_deg == 0.0:
        return None
    cosine = float((sun_direction(sun) @ normal)[0])
    turn = np.deg2rad(error_deg) * float(sun.distance_factor[0]) * np.sqrt(max(1.0 - cosine**2, 0.0))
    return min(float(np.hypot(threshold.sigma_share or 0.0, turn)) / max(rate_h, 1e-9), MISSED_H)


def _row(
    when: np.datetime64, wake: np.datetime64 | None, sigma_h: float | None, sun: Apparent | None
) -> dict[str, Any]:
    """One lunar day."""
    wide = None if sigma_h is None else np.timedelta64(round(2.0 * sigma_h * 3600), "s")
    return {
        "wanted_utc": _text(when),
        "wake_utc": None if wake is None else _text(wake),
        "miss_h": None if wake is None else round(float((wake - when) / HOUR), 3),
        "sigma_h": None if sigma_h is None else round(sigma_h, 3),
        "utc_earliest": None if wake is None or wide is None else _text(wake - wide),
        "utc_latest": None if wake is None or wide is None else _text(wake + wide),
        "sun_elevation_deg": None if sun is None else round(float(sun.elevation_deg[0]), 2),
        "sun_azimuth_deg": None if sun is None else round(float(sun.azimuth_deg[0]), 2),
    }


def _text(t: np.datetime64) -> str:
    return str((t + np.timedelta64(500, "ms")).astype("datetime64[s]")) + "Z"
