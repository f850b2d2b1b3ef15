"""What the sky does at a station: light over the terrain and sight of the Earth, on the ground or in orbit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.control.timeline.windows import Times, Window
from moonpost.plan import Mission, OrbitStation, Plan
from moonpost.plan.base import when_bounds

if TYPE_CHECKING:
    from moonpost.flight import LunarOrbit
    from moonpost.sky import Almanac, Apparent, Site
    from moonpost.sky.eclipse import Eclipse
    from moonpost.terrain import HorizonProfile

__all__ = ["GroundSky", "OrbitSky", "SkyBlock", "days_counted", "first_landing", "sky_of"]

_LIGHT_M_S = 299_792_458.0
_GONE = ("lost", "cancelled")
_STEP_S = 3600.0
_SEEN = 0.5
_NEAR_DEG = 3.0


@dataclass(frozen=True, eq=False)
class SkyBlock:
    """What was found of a stretch of time.

    Parameters
    ----------
    lit, seen : tuple of pairs of datetime64
        Windows with any of the Sun in view, and with half of the Earth's disc.
    eclipses : tuple of Eclipse
        Of the Sun by the Earth.

    Examples
    --------
    >>> SkyBlock((), (), ()).lit
    ()
    """

    lit: tuple[Window, ...]
    seen: tuple[Window, ...]
    eclipses: tuple[Eclipse, ...]


@dataclass(frozen=True, eq=False)
class GroundSky:
    """The sky of a site on the ground, over its horizon.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    profile : HorizonProfile
        The horizon from the highest mast.

    Examples
    --------
    >>> from moonpost.control.timeline.lunarday import LunarClock  # see there
    """

    almanac: Almanac
    profile: HorizonProfile

    @property
    def place(self) -> Site:
        """The place."""
        return self.profile.site

    def block(self, start: np.datetime64, stop: np.datetime64) -> SkyBlock:
        """Light, sight of the Earth and eclipses between two instants."""
        from moonpost.sky import times
        from moonpost.terrain.intervals import spells

        t = times(start, stop + np.timedelta64(1, "h"), _STEP_S)
        sun, earth = self.almanac.sun(self.place, t), self.almanac.earth(self.place, t)
        lit, seen = spells(self.profile, sun), spells(self.profile, earth, dark_fraction=_SEEN)
        return SkyBlock(
            tuple((row.start, row.stop) for row in lit),
            tuple((row.start, row.stop) for row in seen),
            self._eclipses(t[_apart_deg(sun, earth) < _NEAR_DEG]),
        )

    def _eclipses(self, near: Times) -> tuple[Eclipse, ...]:
        """Eclipses about hours in which Sun and Earth stand close together."""
        from moonpost.sky.eclipse import eclipses
        from moonpost.terrain.intervals import DANJON

        day = np.timedelta64(86_400_000, "ms")
        parts = np.split(near, np.flatnonzero(np.diff(near) > day) + 1) if near.size else []
        rows = [eclipses(self.almanac, self.place, part[0] - day, part[-1] + day, DANJON) for part in parts]
        return tuple(row for found in rows for row in found)

    def light(self, moment: np.datetime64, eclipsed: bool) -> float:
        """Part of the Sun's disc in view [1]."""
        from moonpost.sky.eclipse import earth_shadow
        from moonpost.terrain import illumination
        from moonpost.terrain.intervals import DANJON

        share = float(np.asarray(illumination(self.profile, self.almanac.sun(self.place, moment)))[0])
        return share * float(earth_shadow(self.almanac, self.place, moment, DANJON)[0]) if eclipsed else share

    def light_time_s(self, moment: np.datetime64) -> float:
        """One way to the Earth's centre [s]."""
        return float(self.almanac.earth(self.place, moment).distance_m[0]) / _LIGHT_M_S


@dataclass(frozen=True, eq=False)
class OrbitSky:
    """The sky of a station in orbit.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    orbit : LunarOrbit
        Its ellipse.

    Examples
    --------
    >>> from moonpost.control.timeline.lunarday import LunarClock  # see there
    """

    almanac: Almanac
    orbit: LunarOrbit

    def block(self, start: np.datetime64, stop: np.datetime64) -> SkyBlock:
        """Light and sight of the Earth between two instants."""
        from moonpost.flight import darkness, earth_outages

        dark = darkness(self.orbit, self.almanac, start, stop)
        out = earth_outages(self.orbit, self.almanac, start, stop)
        return SkyBlock(
            _between(dark.start, dark.stop, start, stop), _between(out.start, out.stop, start, stop), ()
        )

    def light(self, moment: np.datetime64, eclipsed: bool) -> float:  # noqa: ARG002
        """Part of the Sun's disc in view [1]; eclipses are in it."""
        from moonpost.flight import orbit_light

        return float(orbit_light(self.orbit, self.almanac, moment)[0])

    def light_time_s(self, moment: np.datetime64) -> float:
        """One way to the Earth's centre [s]."""
        from moonpost.flight.orbit import bodies_m

        away = bodies_m(self.almanac, "earth", moment, self.orbit.epoch) - self.orbit.position_m(moment)
        return float(np.linalg.norm(away)) / _LIGHT_M_S


def sky_of(
    plan: Plan, site: str | None, almanac: Almanac | None
) -> tuple[GroundSky | OrbitSky, np.datetime64 | None, str | None]:
    """The sky of a plan's station or of one of its sites, its first landing, and the site.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str or None
        A site; the station if None.
    almanac : Almanac or None
        Ephemerides; those that come with Moonpost if None.

    Returns
    -------
    sky : GroundSky or OrbitSky
    landing : datetime64[ms] or None
    site : str or None

    Raises
    ------
    UnknownNameError
        If the plan has no such site.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> sky_of(load_plan("ilrs"), None, None)[2]
    'glaeser-spot-1'
    """
    from moonpost.sky import Almanac
    from moonpost.study.surroundings import site_horizon

    known, station = almanac or Almanac.default(), plan.station
    if site is None and isinstance(station, OrbitStation):
        from moonpost.flight import LunarOrbit

        orbit = LunarOrbit.from_plan(station.orbit, epoch=plan.design.start[:10])
        return OrbitSky(known, orbit), _first(_first_mission(plan, None)), None
    row = plan.site(site) if site else plan.station_sites()[0]
    masts = getattr(station, "masts_m", None) or (2.0,)
    return GroundSky(known, site_horizon(plan, row, max(masts))), first_landing(plan, row.id), row.id


def first_landing(plan: Plan, site: str) -> np.datetime64 | None:
    """Find when the first machine has landed at a site, by the latest date that its mission allows.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str
        A site of the plan.

    Returns
    -------
    datetime64[ms] or None
        UTC; None if no mission lands there.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> str(first_landing(load_plan("ilrs"), "ce4-site"))
    '2019-01-03T02:26:00.000'
    """
    return _first(_first_mission(plan, site))


def days_counted(plan: Plan, site: str | None) -> tuple[str, bool]:
    """Tell from when days are counted at a place, and whether that is known or assumed by the plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : str or None
        A site of the plan; the station in orbit if None.

    Returns
    -------
    text : str
        A sentence; empty if nothing lands there.
    assumed : bool
        Whether the plan assumes that landing.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> days_counted(load_plan("ilrs"), "ce4-site")
    ("Days count from 2019-01-03, when Chang'e 4 landed.", False)
    >>> days_counted(load_plan("ilrs"), "glaeser-spot-1")[0]
    'Days count from 2031-12-31, an assumption: the latest landing of ILRS-1 that the plan allows.'
    """
    mission = _first_mission(plan, site)
    if mission is None:
        return "", False
    day, arrives = str(_first(mission))[:10], "arrival" if site is None else "landing"
    if mission.status == "flown" and mission.landing:
        return f"Days count from {day}, when {mission.name} {'arrived' if site is None else 'landed'}.", False
    name = mission.name.partition(":")[0]
    return f"Days count from {day}, an assumption: the latest {arrives} of {name} that the plan allows.", True


def _first_mission(plan: Plan, site: str | None) -> Mission | None:
    """The mission that lands first at a site or brings the first part of a station in orbit, of those not lost."""
    brought = {element.mission for element in plan.elements if element.bus == "station"} if site is None else ()
    here = [row for row in plan.missions if (row.id in brought if site is None else row.site == site)]
    return min((row for row in here if row.status not in _GONE), key=_arrival, default=None)


def _arrival(mission: Mission) -> np.datetime64:
    """When a mission has arrived for certain."""
    return np.datetime64(when_bounds(mission.landing or mission.launch)[1], "ms")


def _first(mission: Mission | None) -> np.datetime64 | None:
    return None if mission is None else _arrival(mission)


def _apart_deg(one: Apparent, other: Apparent) -> npt.NDArray[np.float64]:
    """Angle between two bodies in the sky [deg]."""
    a, b = np.radians(one.elevation_deg), np.radians(other.elevation_deg)
    turn = np.radians(one.azimuth_deg - other.azimuth_deg)
    cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(turn)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _between(starts: Times, stops: Times, first: np.datetime64, last: np.datetime64) -> tuple[Window, ...]:
    """What lies between gaps."""
    edges = np.concatenate([[first], np.column_stack([starts, stops]).ravel(), [last]]).astype("datetime64[ms]")
    return tuple((row[0], row[1]) for row in edges.reshape(-1, 2) if row[1] > row[0])
