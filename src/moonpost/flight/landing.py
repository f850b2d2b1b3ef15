"""Landing opportunities: when an orbit passes a site while the Sun, the light and the contact are as wished."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.landinglight import Positions, Sight, SiteSky, level_sight, slope_elevation_deg
from moonpost.flight.passes import Passes
from moonpost.flight.poweredpath import checked
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["LandingCriteria", "LandingWindow", "Opportunities", "landing_opportunities"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]

_DAY = np.timedelta64(86_400_000, "ms")
_AHEAD_DAYS = 30.0
_LASTING = {"Earth or relay": "contact_days", "light": "lit_days"}


@dataclass(frozen=True)
class LandingCriteria:
    """What a landing asks of the sky and of the orbit.

    Parameters
    ----------
    sun_deg : tuple of float or None, default None
        Least and greatest elevation of the Sun at landing, over level ground or over a slope [deg].
    earth_days : float, default 0.0
        How long the Earth or a relay must be in view from the landing on [d].
    lit_days : float, default 0.0
        How long half the Sun's disc must stay in sight from the landing on [d].
    gap_h : float, default 0.0
        Longest gap of Earth and relay that does no harm [h].
    slope_deg : float, default 0.0
        Steepness of the ground for the elevation of the Sun [deg].
    slope_azimuth_deg : float, default 0.0
        Direction that the slope faces, clockwise from north [deg].
    most_plane_change_deg : float, default 2.5
        Greatest turn of the plane of the orbit before landing [deg].

    Raises
    ------
    InputError
        If a number cannot be used.

    Examples
    --------
    >>> LandingCriteria(sun_deg=(5.0, 20.0), earth_days=3.0).names
    ('plane', 'Sun', 'Earth or relay')
    """

    sun_deg: tuple[float, float] | None = None
    earth_days: float = 0.0
    lit_days: float = 0.0
    gap_h: float = 0.0
    slope_deg: float = 0.0
    slope_azimuth_deg: float = 0.0
    most_plane_change_deg: float = 2.5

    def __post_init__(self) -> None:
        if self.sun_deg is not None:
            if len(tuple(self.sun_deg)) != 2:
                raise InputError(f"{self.sun_deg!r}", where="sun_deg", advice="give a least and a greatest value")
            low, high = (checked(value, "sun_deg", -90.0, 90.0) for value in self.sun_deg)
            if not low < high:
                raise InputError(f"{low:g} is not below {high:g}", where="sun_deg", advice="swap them")
        for name, most in (
            ("earth_days", 60.0),
            ("lit_days", 400.0),
            ("gap_h", 1000.0),
            ("slope_deg", 60.0),
            ("most_plane_change_deg", 90.0),
        ):
            checked(getattr(self, name), name, 0.0, most)
        checked(self.slope_azimuth_deg, "slope_azimuth_deg", -360.0, 720.0)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the criteria that bind.

        Returns
        -------
        tuple of str
        """
        bind = (
            ("plane", True),
            ("Sun", self.sun_deg is not None),
            ("Earth or relay", self.earth_days > 0.0),
            ("light", self.lit_days > 0.0),
        )
        return tuple(name for name, on in bind if on)

    @property
    def ahead_days(self) -> float:
        """How far light and contact are followed from a landing on.

        Returns
        -------
        float
            [d]
        """
        return max(_AHEAD_DAYS, self.earth_days, self.lit_days)


@dataclass(frozen=True)
class LandingWindow:
    """Landings one after the other that meet all criteria.

    Parameters
    ----------
    start, stop : numpy.datetime64
        First and last, UTC; of an orbit with a node, passes.
    passes : int
        How many passes; 0 where any plane is allowed.
    best : numpy.datetime64
        Pass with the least turn of the plane, or the middle of the window.
    plane_change_deg, plane_change_m_s : float
        Turn of the plane for the best pass; where any node is allowed, what the inclination lacks, and NaN
        unless that is 0 [deg], [m/s].
    heading_deg : float
        Direction of flight over the site at the best pass; NaN where any plane is allowed [deg].
    sun_elevation_deg, sun_azimuth_deg : float
        The Sun over level ground at the best [deg].
    slope_sun_deg : float
        The Sun above the plane of the slope at the best [deg].
    lit_days, earth_days, contact_days : float
        How long from the best on the Sun, the Earth, and the Earth or the relay stay in sight; at most
        `ahead_days` [d].
    """

    start: np.datetime64
    stop: np.datetime64
    passes: int
    best: np.datetime64
    plane_change_deg: float
    plane_change_m_s: float
    heading_deg: float
    sun_elevation_deg: float
    sun_azimuth_deg: float
    slope_sun_deg: float
    lit_days: float
    earth_days: float
    contact_days: float


@dataclass(frozen=True, eq=False)
class Opportunities:
    """When one can land, and why not.

    Parameters
    ----------
    site : Site
        The site.
    criteria : LandingCriteria
        What was asked.
    windows : tuple of LandingWindow
        In order.
    time : ndarray of datetime64[ms], shape (n,)
        UTC of the passes, or of the grid where any plane is allowed.
    met : dict
        By criterion, which of them meet it; ndarray of bool, shape (n,).
    sun_elevation_deg : ndarray, shape (n,)
        The Sun over level ground [deg].
    highest_sun_deg : float
        Highest Sun of the year from the start, over level ground or the slope [deg].
    ahead_days : float
        How far from each instant it was looked ahead [d].
    reasons : tuple of str
        What stands in the way, where there is no window; what to keep in mind otherwise.
    """

    site: Site
    criteria: LandingCriteria
    windows: tuple[LandingWindow, ...]
    time: Times
    met: dict[str, Flags]
    sun_elevation_deg: Floats
    highest_sun_deg: float
    ahead_days: float
    reasons: tuple[str, ...]

    @property
    def accepted(self) -> Flags:
        """Which instants meet all criteria.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return np.logical_and.reduce([self.met[name] for name in self.criteria.names])

    def to_dict(self) -> dict[str, Any]:
        """Windows, counts and reasons ready for JSON.

        Returns
        -------
        dict
        """
        return {
            "windows": [vars(window) for window in self.windows],
            "tried": len(self.time),
            "met": {name: int(self.met[name].sum()) for name in self.criteria.names},
            "accepted": int(self.accepted.sum()),
            "highest_sun_deg": self.highest_sun_deg,
            "ahead_days": self.ahead_days,
            "reasons": list(self.reasons),
        }


def landing_opportunities(
    almanac: Almanac,
    site: Site,
    start: TimeLike,
    stop: TimeLike,
    criteria: LandingCriteria,
    *,
    passes: Passes | None = None,
    inclination_deg: float | None = None,
    sight: Sight = level_sight,
    relay: Positions | None = None,
    step_s: float = 600.0,
) -> Opportunities:
    """Find when a lander can come down on a site.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The site.
    start, stop : str, datetime or datetime64
        Period of the landing, UTC.
    criteria : LandingCriteria
        What is asked.
    passes : Passes, optional
        Passes of an orbit, from `moonpost.flight.passes.orbit_passes`; any plane is allowed if not given.
    inclination_deg : float, optional
        Without `passes`, inclination of the orbit whose node may be any; also any if not given [deg].
    sight : Sight
        What the horizon leaves of a disc; a level horizon if not given.
    relay : Positions, optional
        Where a relay is, in MOON_ME.
    step_s : float, default 600.0
        Spacing of the grid on which light and contact are followed [s].

    Returns
    -------
    Opportunities

    Raises
    ------
    DateError
        If a date lies outside the kernels, with the days to look ahead.
    InputError
        If something cannot be used.

    Notes
    -----
    The Sun at landing is that of the instant; if it is asked to stand above 0 deg, half its disc must also be in
    sight. How long light and contact last is followed on the grid and put
    between its points by straight lines. Windows are passes that follow one another; with any plane, instants of
    the grid that do.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> site = Site(43.06, -51.92)
    >>> asked = LandingCriteria(sun_deg=(5.0, 20.0), earth_days=3.0)
    >>> found = landing_opportunities(Almanac.default(), site, "2030-01-01", "2030-02-01", asked)
    >>> [(str(one.start)[:13], str(one.stop)[:13]) for one in found.windows]
    [('2030-01-16T14', '2030-01-18T08'), ('2030-01-28T17', '2030-01-30T10')]
    """
    first, last = (as_utc(t).reshape(-1)[0] for t in (start, stop))
    ahead = criteria.ahead_days
    sky = SiteSky.make(
        almanac,
        site,
        first,
        last + np.timedelta64(round((ahead + 1.0) * 86_400_000), "ms"),
        sight=sight,
        relay=relay,
        step_s=step_s,
    )
    time = sky.time[sky.time <= last] if passes is None else passes.time
    sun = almanac.sun(site, time) if len(time) else None
    elevation = np.empty(0) if sun is None else sun.elevation_deg
    azimuth = np.empty(0) if sun is None else sun.azimuth_deg
    slope = elevation
    if criteria.slope_deg > 0.0 and sun is not None:
        slope = slope_elevation_deg(sun, criteria.slope_deg, criteria.slope_azimuth_deg)
    durations = {
        "lit_days": sky.lit_days(),
        "earth_days": sky.earth_days(),
        "contact_days": sky.contact_days(criteria.gap_h),
    }
    lasting = {name: np.minimum(sky.left_days(values, time), ahead) for name, values in durations.items()}
    if passes is not None:
        inclination_deg = passes.inclination_deg
    short = _short(site, inclination_deg)
    met = _met(criteria, passes, short, slope, lasting)
    rows = np.flatnonzero(np.logical_and.reduce([met[name] for name in criteria.names]))
    values = {"sun_elevation_deg": elevation, "sun_azimuth_deg": azimuth, "slope_sun_deg": slope, **lasting}
    windows = tuple(_window(group, time, passes, short, values) for group in _groups(rows))
    highest = _highest_sun(almanac, site, first, criteria)
    reasons = _sun_reasons(site, criteria, highest) + _plane_reasons(site, criteria, passes, inclination_deg, met)
    if not rows.size:
        reasons += _counts(criteria, passes, met, lasting)
    return Opportunities(site, criteria, windows, time, met, elevation, highest, ahead, tuple(reasons))


def _short(site: Site, inclination_deg: float | None) -> float:
    """By how much an inclination falls short of a latitude [deg]; 0 if it does not."""
    if inclination_deg is None:
        return 0.0
    checked(inclination_deg, "inclination_deg", 0.0, 180.0)
    return max(0.0, abs(site.latitude_deg) - min(inclination_deg, 180.0 - inclination_deg))


def _met(
    criteria: LandingCriteria, passes: Passes | None, short: float, slope: Floats, lasting: dict[str, Floats]
) -> dict[str, Flags]:
    """Which instants meet each criterion."""
    turn = np.full(len(slope), short) if passes is None else np.abs(passes.cross_deg)
    low, high = criteria.sun_deg or (-90.0, 90.0)
    seen = lasting["lit_days"] > 0.0 if low > 0.0 else np.ones(len(slope), dtype=np.bool_)
    return {
        "plane": turn <= criteria.most_plane_change_deg,
        "Sun": (slope >= low) & (slope <= high) & seen,
        "Earth or relay": lasting["contact_days"] >= criteria.earth_days,
        "light": lasting["lit_days"] >= criteria.lit_days,
    }


def _groups(rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Runs of numbers without a gap."""
    if not rows.size:
        return []
    return np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)


def _window(
    group: npt.NDArray[np.int64], time: Times, passes: Passes | None, short: float, values: dict[str, Floats]
) -> LandingWindow:
    """A run of instants as a window."""
    if passes is None:
        best, turn, heading = int(group[len(group) // 2]), short, math.nan
        cost = math.nan if short > 0.0 else 0.0
    else:
        best = int(group[np.argmin(np.abs(passes.cross_deg[group]))])
        turn, cost = abs(float(passes.cross_deg[best])), float(passes.plane_change_m_s[best])
        heading = float(passes.heading_deg[best])
    return LandingWindow(
        time[group[0]],
        time[group[-1]],
        0 if passes is None else len(group),
        time[best],
        turn,
        cost,
        heading,
        **{name: float(value[best]) for name, value in values.items()},
    )


def _highest_sun(almanac: Almanac, site: Site, first: np.datetime64, criteria: LandingCriteria) -> float:
    """Highest Sun of a year, over level ground or a slope, as far as the kernels reach."""
    last = min(first + 366 * _DAY, almanac.span[1] - _DAY)
    time = first + np.timedelta64(6, "h") * np.arange(max(2, int((last - first) / np.timedelta64(6, "h"))))
    sun = almanac.sun(site, time)
    if criteria.slope_deg > 0.0:
        return float(slope_elevation_deg(sun, criteria.slope_deg, criteria.slope_azimuth_deg).max())
    return float(sun.elevation_deg.max())


def _sun_reasons(site: Site, criteria: LandingCriteria, highest: float) -> list[str]:
    """That the Sun never stands as high as asked."""
    low = -90.0 if criteria.sun_deg is None else criteria.sun_deg[0]
    if low <= highest:
        return []
    over = "the slope" if criteria.slope_deg > 0.0 else "level ground"
    return [
        f"the Sun never reaches {low:g} deg over {over} at latitude {site.latitude_deg:.2f} deg: "
        f"{highest:.2f} deg is its highest in a year; ask for days of light after the landing, "
        "or for the Sun over a slope that faces it"
    ]


def _counts(
    criteria: LandingCriteria, passes: Passes | None, met: dict[str, Flags], lasting: dict[str, Floats]
) -> list[str]:
    """How often each criterion is met, where all of them never are."""
    if passes is not None and not len(passes):
        return ["the orbit does not pass the site in so short a period"]
    what = "passes" if passes is not None else "instants"
    bind = [name for name in criteria.names if not met[name].all()]
    found = []
    for name in bind:
        text = f"{name}: met by {int(met[name].sum())} of {len(met[name])} {what}"
        if name in _LASTING and not met[name].any():
            text += f"; the longest lasts {lasting[_LASTING[name]].max():.2f} d"
        found.append(text)
    if len(bind) > 1 and all(met[name].any() for name in bind):
        found.append("each criterion is met at times, but never all at once; ask for less or for a longer period")
    return found


def _plane_reasons(
    site: Site,
    criteria: LandingCriteria,
    passes: Passes | None,
    inclination_deg: float | None,
    met: dict[str, Flags],
) -> list[str]:
    """Why a plane never comes near enough to the site."""
    short, found = _short(site, inclination_deg), []
    if short > 0.0:
        found.append(
            f"an inclination of {inclination_deg:g} deg never passes over latitude "
            f"{site.latitude_deg:.2f} deg: its plane stays {short:.1f} deg away or more"
        )
    if passes is not None and len(passes) and not met["plane"].any():
        nearest = int(np.argmin(np.abs(passes.cross_deg)))
        found.append(
            f"the plane comes no nearer than {abs(passes.cross_deg[nearest]):.1f} deg in this period "
            f"({passes.plane_change_m_s[nearest]:.0f} m/s to turn it), and "
            f"{criteria.most_plane_change_deg:g} deg are allowed"
        )
    return found
