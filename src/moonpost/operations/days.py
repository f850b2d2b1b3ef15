"""What day it is at a site: lunar day, Earth day, the Sun, and the next sunrise and sunset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from moonpost.errors import DateError
from moonpost.operations.crossings import level_crossings
from moonpost.sky.times import TimeLike, as_utc, iso

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.site import Site

__all__ = ["LunarDate", "day"]

_SHORT = np.timedelta64(31, "D")
_LONG = np.timedelta64(400, "D")
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class LunarDate:
    """The day of a machine at its site.

    Parameters
    ----------
    lunar_day : int
        1 + number of local solar midnights since landing.
    earth_day : int
        Whole days of 24 hours since landing.
    utc, landed_utc : str
        The instant asked for and the landing, ISO.
    local_solar_time_h : float
        Local solar time [h], 24 to a lunar day, 12 at solar noon.
    sun_elevation_deg, sun_azimuth_deg : float
        Centre of the Sun [deg], without terrain.
    earth_elevation_deg, earth_azimuth_deg : float
        Centre of the Earth [deg], without terrain.
    next_sunrise_utc, next_sunset_utc : str or None
        When the Sun's centre next passes the level horizon, without terrain; None if it does not within 400 days
        or within the kernels.
    """

    lunar_day: int
    earth_day: int
    utc: str
    landed_utc: str
    local_solar_time_h: float
    sun_elevation_deg: float
    sun_azimuth_deg: float
    earth_elevation_deg: float
    earth_azimuth_deg: float
    next_sunrise_utc: str | None
    next_sunset_utc: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary, for JSON.

        Returns
        -------
        dict
            One entry per field.
        """
        return asdict(self)


def day(almanac: Almanac, site: Site, landed: TimeLike, at: TimeLike) -> LunarDate:
    """Tell the lunar and the Earth day of a machine, and where the Sun stands.

    Parameters
    ----------
    almanac : Almanac
        Where Sun and Earth stand.
    site : Site
        Where the machine stands.
    landed : date-like
        Landing, UTC.
    at : date-like
        The instant asked for, not before the landing.

    Returns
    -------
    LunarDate
        Days, Sun, Earth, next sunrise and sunset.

    Raises
    ------
    DateError
        If `at` lies before the landing, or a date lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> today = day(Almanac.default(), Site(-45.457, 177.589), "2019-01-03T02:26Z", "2021-03-08T12:00Z")
    >>> today.lunar_day, today.earth_day
    (28, 795)
    """
    from moonpost.sky.days import lunar_day

    start, now = (as_utc(when).reshape(-1)[0] for when in (landed, at))
    instant = np.array([now])
    if now < start:
        raise DateError(
            f"{iso(now)} lies before the landing at {iso(start)}", where="at", advice="give a later date"
        )
    sun, earth = almanac.sun(site, instant), almanac.earth(site, instant)
    sunrise, sunset = _next_sun(almanac, site, now)
    return LunarDate(
        lunar_day=int(np.ravel(lunar_day(almanac, site, start, instant))[0]),
        earth_day=int((now - start) // _DAY),
        utc=iso(now),
        landed_utc=iso(start),
        local_solar_time_h=round(_solar_time_h(almanac, site, now), 4),
        sun_elevation_deg=round(float(sun.elevation_deg[0]), 4),
        sun_azimuth_deg=round(float(sun.azimuth_deg[0]), 4),
        earth_elevation_deg=round(float(earth.elevation_deg[0]), 4),
        earth_azimuth_deg=round(float(earth.azimuth_deg[0]), 4),
        next_sunrise_utc=sunrise,
        next_sunset_utc=sunset,
    )


def _solar_time_h(almanac: Almanac, site: Site, now: np.datetime64) -> float:
    """Hours since local solar midnight, 24 to a lunar day."""
    from moonpost.sky.days import subsolar_deg

    _, longitude_deg = subsolar_deg(almanac, np.array([now]))
    return (12.0 + (site.longitude_deg - float(longitude_deg[0])) / 15.0) % 24.0


def _next_sun(almanac: Almanac, site: Site, now: np.datetime64) -> tuple[str | None, str | None]:
    """Next sunrise and sunset, looked for a month ahead and then, near a pole, a year."""
    end = almanac.span[1] - np.timedelta64(1, "D")
    sunrise = sunset = None
    for span in (_SHORT, _LONG):
        stop = min(now + span, end)
        if stop <= now:
            break
        found = level_crossings(almanac, site, lambda sun: sun.elevation_deg, now, stop)
        up, down = found.utc[found.rising], found.utc[~found.rising]
        sunrise = iso(up[0].astype("datetime64[s]")) if len(up) else None
        sunset = iso(down[0].astype("datetime64[s]")) if len(down) else None
        if sunrise and sunset:
            break
    return sunrise, sunset
