"""Lunar days of a machine, local solar noon and midnight, and the place under the Sun."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.sky.almanac import Almanac
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc, iso

__all__ = ["earth_day", "lunar_day", "solar_midnights", "solar_noons", "subsolar_deg"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

SYNODIC_MONTH_S = 29.530588861 * 86400.0
"""Mean synodic month [s] (Chapront et al. 2002, doi:10.1051/0004-6361:20020420)."""

_EPOCH = np.datetime64("2000-01-01T12:00:00.000", "ms")
_DAY = np.timedelta64(86_400_000, "ms")


def subsolar_deg(almanac: Almanac, t: TimeLike) -> tuple[Floats, Floats]:
    """Find where on the Moon the Sun stands in the zenith.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    t : datetime64 array or other times
        UTC, shape (n,).

    Returns
    -------
    latitude_deg, longitude_deg : ndarray, shape (n,)
        Planetocentric latitude [deg] and east longitude [deg], -180 to 180, of the apparent Sun seen from the
        Moon's centre.

    Raises
    ------
    DateError
        If a date cannot be read or lies outside the kernels.

    Examples
    --------
    >>> latitude, longitude = subsolar_deg(Almanac.default(), "2019-01-03T02:26")
    >>> latitude.round(1).tolist(), longitude.round(1).tolist()
    ([0.4], [-141.1])
    """
    x, y, z = almanac.moon_fixed_m("sun", t, apparent=True).T
    return np.rad2deg(np.arctan2(z, np.hypot(x, y))), np.rad2deg(np.arctan2(y, x))


def lunar_day(almanac: Almanac, site: Site, landing: TimeLike, t: TimeLike) -> npt.NDArray[np.int64]:
    """Count the lunar days of a machine: 1 + number of local solar midnights since its landing.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        Where it stands.
    landing : str, datetime or datetime64
        UTC of its landing.
    t : datetime64 array or other times
        UTC, shape (n,), none before the landing.

    Returns
    -------
    ndarray of int64, shape (n,)
        1 until the first local solar midnight after the landing, then one more after each.

    Raises
    ------
    DateError
        If a date cannot be read or lies outside the kernels.
    InputError
        If a time lies before the landing.

    Notes
    -----
    Local solar midnight is the moment at which the longitude under the Sun is opposite to the site's. At
    mid-latitudes the count equals that of sunrises plus one for a landing by day; near a pole, where the Sun may
    not rise for months, only this count goes on. No sampling: the sub-solar longitude strays by less than 3 deg
    from its mean motion of one turn in 29.530589 days, so whole turns follow from the date.

    Examples
    --------
    >>> change4 = Site(-45.457, 177.589)
    >>> lunar_day(Almanac.default(), change4, "2019-01-03T02:26Z", "2021-03-08T12:00Z").tolist()
    [28]
    """
    start, time = as_utc(landing).ravel(), as_utc(t).ravel()
    _after_landing(start, time)
    turns = np.floor(_turns(almanac, site, np.concatenate([start, time])) + 0.5).astype(np.int64)
    return 1 + turns[1:] - turns[0]


def earth_day(landing: TimeLike, t: TimeLike) -> npt.NDArray[np.int64]:
    """Count the whole days of 24 hours since a landing.

    Parameters
    ----------
    landing : str, datetime or datetime64
        UTC of the landing.
    t : datetime64 array or other times
        UTC, shape (n,), none before the landing.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 in the first 24 hours.

    Raises
    ------
    DateError
        If a date cannot be read.
    InputError
        If a time lies before the landing.

    Examples
    --------
    >>> earth_day("2019-01-03T02:26Z", "2021-03-08T12:00Z").tolist()
    [795]
    """
    start, time = as_utc(landing).ravel(), as_utc(t).ravel()
    _after_landing(start, time)
    return ((time - start[0]) // _DAY).astype(np.int64)


def solar_midnights(almanac: Almanac, site: Site, start: TimeLike, stop: TimeLike) -> Times:
    """Find the local solar midnights of a period.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The place.
    start, stop : str, datetime or datetime64
        Period, UTC.

    Returns
    -------
    ndarray of datetime64[ms], shape (n,)
        When the longitude under the Sun is opposite to the site's, from `start` to before `stop`.

    Raises
    ------
    DateError
        If a date cannot be read, lies outside the kernels, or `stop` does not lie after `start`.

    Examples
    --------
    >>> midnights = solar_midnights(Almanac.default(), Site(-45.457, 177.589), "2019-01-03", "2019-03-01")
    >>> [str(midnight)[:13] for midnight in midnights]
    ['2019-01-21T07', '2019-02-19T21']
    """
    return _transits(almanac, site, start, stop, 0.5)


def solar_noons(almanac: Almanac, site: Site, start: TimeLike, stop: TimeLike) -> Times:
    """Find the local solar noons of a period.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The place.
    start, stop : str, datetime or datetime64
        Period, UTC.

    Returns
    -------
    ndarray of datetime64[ms], shape (n,)
        When the longitude under the Sun is the site's, from `start` to before `stop`.

    Raises
    ------
    DateError
        If a date cannot be read, lies outside the kernels, or `stop` does not lie after `start`.

    Examples
    --------
    >>> noons = solar_noons(Almanac.default(), Site(-45.457, 177.589), "2019-01-03", "2019-02-01")
    >>> [str(noon)[:13] for noon in noons]
    ['2019-01-06T11']
    """
    return _transits(almanac, site, start, stop, 0.0)


def _turns(almanac: Almanac, site: Site, time: Times) -> Floats:
    """Turns of the Sun about the site's sky since J2000: whole at noon, continuous."""
    _, longitude = subsolar_deg(almanac, time)
    phase = (site.longitude_deg - longitude) / 360.0
    first = almanac.moon_fixed_m("sun", _EPOCH, apparent=True)[0]
    mean = (site.longitude_deg - np.rad2deg(np.arctan2(first[1], first[0]))) / 360.0
    mean = mean + (time - _EPOCH) / np.timedelta64(1, "s") / SYNODIC_MONTH_S
    return phase + np.rint(mean - phase)


def _transits(almanac: Almanac, site: Site, start: TimeLike, stop: TimeLike, fraction: float) -> Times:
    """Times at which the turns are whole plus a fraction."""
    ends = np.concatenate([as_utc(start).ravel()[:1], as_utc(stop).ravel()[:1]])
    if ends[1] <= ends[0]:
        raise DateError(
            f"stop {iso(ends[1])} is not after start {iso(ends[0])}", where="period", advice="swap them"
        )
    before, after = _turns(almanac, site, ends) - fraction
    wanted = np.arange(np.ceil(before), np.ceil(after)) + fraction
    time = ends[0] + ((wanted - fraction - before) / (after - before) * (ends[1] - ends[0])).astype(
        "timedelta64[ms]"
    )
    for _ in range(8 if wanted.size else 0):
        missing_s = (wanted - _turns(almanac, site, time)) * SYNODIC_MONTH_S
        time = np.clip(time + np.rint(1000.0 * missing_s).astype("timedelta64[ms]"), ends[0], ends[1])
    return time


def _after_landing(landing: Times, time: Times) -> None:
    """Refuse several landings, and times before the landing."""
    if landing.size != 1:
        raise InputError(f"{landing.size} dates where one is needed", where="landing", advice="give one date")
    if time.size and time.min() < landing[0]:
        raise InputError(
            f"{iso(time.min())} lies before the landing at {iso(landing[0])}", where="t", advice="give later times"
        )
