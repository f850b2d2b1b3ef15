"""An independent check of a planned traverse: driven again over the terrain, with the horizons of its points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.light import illumination
from moonpost.terrain.skyline import horizon
from moonpost.terrain.surface import Terrain
from moonpost.terrain.traverseground import MOON_GRAVITY_M_S2
from moonpost.terrain.traverselight import LEAST_STATION_DEG
from moonpost.terrain.traverselimits import DARK_DISC, Limits
from moonpost.terrain.traverseresult import Traverse

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.terrain.profile import HorizonProfile

__all__ = ["Slack", "TraverseCheck", "Violation", "check_traverse"]

Floats = NDArray[np.float64]
_HOUR = np.timedelta64(3_600_000, "ms")
_SAMPLE_S = 600.0


@dataclass(frozen=True)
class Slack:
    """How far a traverse may miss a limit before it counts as a violation.

    Parameters
    ----------
    disc : float
        Disc fraction.
    earth_deg : float
        Elevation of the Earth over the horizon [deg].
    slope_deg : float
        Slope along the way [deg].
    speed : float
        Share of the speed.
    charge : float
        Share of the full battery.
    dark_h : float
        Length of darkness [h].

    Notes
    -----
    The defaults allow for what a map of horizons differs from those of points (0.03 deg in the 95th percentile,
    which is 5 percent of the Sun's disc), for steps of half an hour, and for the half cell between a cell's middle
    and the surface that is bilinear between middles.
    """

    disc: float = 0.1
    earth_deg: float = 0.1
    slope_deg: float = 0.3
    speed: float = 0.02
    charge: float = 0.02
    dark_h: float = 1.0


@dataclass(frozen=True)
class Violation:
    """One limit that does not hold.

    Parameters
    ----------
    row : int
        Waypoint at which it was found.
    what : str
        Which limit.
    value, limit : float
        What was found and what is allowed, in the unit of the limit.
    """

    row: int
    what: str
    value: float
    limit: float

    def __str__(self) -> str:
        return f"waypoint {self.row}: {self.what} is {self.value:.4g}, the limit is {self.limit:.4g}"


@dataclass(eq=False)
class TraverseCheck:
    """What a check found.

    Parameters
    ----------
    violations : list of Violation
        Limits that do not hold, none if all is well.
    places : int
        Places whose horizons were computed.
    differences : dict of float
        Largest differences to the waypoints' own columns: `disc_fraction`, `earth_deg`, `charge`, `length_m`.
    """

    violations: list[Violation] = field(default_factory=list)
    places: int = 0
    differences: dict[str, float] = field(default_factory=dict)

    def add(self, row: int, what: str, value: float, limit: float, bad: bool) -> None:
        """Note a violation if it is one."""
        if bad:
            self.violations.append(Violation(row, what, float(value), float(limit)))

    def differ(self, name: str, value: float) -> None:
        """Note a difference if it is the largest."""
        self.differences[name] = max(self.differences.get(name, 0.0), abs(float(value)))


def check_traverse(
    traverse: Traverse,
    terrain: Terrain,
    almanac: Almanac,
    limits: Limits,
    *,
    slack: Slack | None = None,
    most_places: int | None = None,
    azimuths: int = 720,
) -> TraverseCheck:
    """Drive a planned way again and look for limits that do not hold.

    Parameters
    ----------
    traverse : Traverse
        The way.
    terrain : Terrain
        The terrain on which it was planned.
    almanac : Almanac
        Where the Sun and the Earth are.
    limits : Limits
        The limits with which it was planned.
    slack : Slack, optional
        What counts as a violation.
    most_places : int, optional
        Compute horizons at this many places at most, spread over the way; charge and darkness are checked only if
        all places are.
    azimuths : int, default 720
        Azimuths of the horizons.

    Returns
    -------
    TraverseCheck
        Violations and differences.

    Raises
    ------
    InputError
        If the traverse was not found.

    Notes
    -----
    Nothing of the search is used: heights come from the terrain at the waypoints, horizons from
    `moonpost.terrain.horizon` at each of them, light from `moonpost.terrain.illumination` at the waypoints and,
    for charge and darkness, every ten minutes.
    """
    if not traverse.found:
        raise InputError("there is no way to check", where="check_traverse", advice="see the reasons")
    found = TraverseCheck()
    allowed = slack or Slack()
    sites = _check_ground(traverse, terrain, found, allowed)
    eyes = _Eyes(traverse, terrain, almanac, limits, sites, azimuths)
    rows = range(len(sites))
    if most_places is not None and most_places < len(sites):
        rows = sorted({round(i) for i in np.linspace(0, len(sites) - 1, most_places)})  # type: ignore[assignment]
    for row in rows:
        _check_sight(traverse, eyes, row, found, allowed)
    if len(rows) == len(sites):
        _check_power(traverse, eyes, found, allowed)
    _check_hours(traverse, limits, found)
    found.places = len(eyes.profiles)
    return found


def _check_ground(traverse: Traverse, terrain: Terrain, found: TraverseCheck, slack: Slack) -> list[Site]:
    """Slopes, lengths and speeds from heights of the terrain."""
    w, rover = traverse.waypoints, traverse.rover
    sites = [
        terrain.site(float(lat), float(lon))
        for lat, lon in zip(w["latitude_deg"], w["longitude_deg"], strict=True)
    ]
    length = 0.0
    for row, (here, there) in enumerate(pairwise(sites)):
        hours = float((w["time_utc"][row + 1] - w["time_utc"][row]) / _HOUR)
        found.add(row, "time to the next waypoint [h]", hours, 0.0, hours < 0.0)
        level, rise = _apart(here, there), there.height_m - here.height_m
        moved = level > 0.5
        found.add(row, "length of a wait [m]", level, 0.5, moved and w["mode"][row] != "drive")
        if not moved:
            continue
        slope = math.degrees(math.atan2(rise, level))
        limit = rover.max_slope_deg
        found.add(row, "slope along [deg]", abs(slope), limit, abs(slope) > limit + slack.slope_deg)
        found.differ("slope_deg", slope - float(w["slope_along_deg"][row]))
        straight = math.hypot(level, rise)
        length += straight
        speed = straight / max(hours * 3600.0, 1e-9)
        most = rover.speed_on(min(abs(slope), limit))
        found.add(row, "speed [m/s]", speed, most, speed > most * (1.0 + slack.speed))
    found.differ("length_m", length - traverse.totals["length_m"])
    return sites


def _apart(here: Site, there: Site) -> float:
    """Distance over ground at the mean of both heights [m]."""
    chord = float(np.linalg.norm(here.basis[2] - there.basis[2]))
    return 2.0 * math.asin(min(1.0, 0.5 * chord)) * (MOON_RADIUS_M + 0.5 * (here.height_m + there.height_m))


@dataclass(eq=False)
class _Eyes:
    """Horizons of the places of a way, and what is seen over them."""

    traverse: Traverse
    terrain: Terrain
    almanac: Almanac
    limits: Limits
    sites: list[Site]
    azimuths: int
    profiles: dict[tuple[float, float, float], HorizonProfile] = field(default_factory=dict)

    def profile(self, row: int, mast_m: float) -> HorizonProfile:
        site = self.sites[row]
        key = (site.latitude_deg, site.longitude_deg, mast_m)
        if key not in self.profiles:
            self.profiles[key] = horizon(self.terrain, site, mast_m, self.azimuths)
        return self.profiles[key]

    def disc(self, row: int, time: NDArray[np.datetime64]) -> Floats:
        """Disc fraction at the place of a waypoint."""
        profile = self.profile(row, self.traverse.rover.array_height_m)
        return illumination(profile, self.almanac.sun(self.sites[row], time))

    def earth_deg(self, row: int, time: NDArray[np.datetime64]) -> Floats:
        """Elevation of the Earth or the station over the horizon; -90 where the station does not see the Moon."""
        site, station = self.sites[row], self.limits.station
        profile = self.profile(row, self.traverse.rover.antenna_height_m)
        if station is None:
            body = self.almanac.earth(site, time)
            return body.elevation_deg - profile.at(body.azimuth_deg)
        seen = self.almanac.station(site, station, time)
        over = seen.elevation_deg - profile.at(seen.azimuth_deg)
        return np.where(seen.moon_elevation_deg >= LEAST_STATION_DEG - 0.1, over, -90.0)


def _check_sight(traverse: Traverse, eyes: _Eyes, row: int, found: TraverseCheck, slack: Slack) -> None:
    """Sun and Earth at a waypoint: when the rover comes and goes, if it drives then."""
    w, limits = traverse.waypoints, eyes.limits
    time = w["time_utc"][row : row + 1]
    disc, earth = float(eyes.disc(row, time)[0]), float(eyes.earth_deg(row, time)[0])
    found.differ("disc_fraction", disc - float(w["disc_fraction"][row]))
    if earth > -90.0:
        found.differ("earth_deg", earth - float(w["earth_over_horizon_deg"][row]))
    if "drive" not in (w["mode"][row], w["mode"][max(row - 1, 0)]):
        return
    found.add(row, "disc fraction", disc, limits.least_disc, disc < limits.least_disc - slack.disc)
    if limits.needs_earth:
        least = limits.earth_deg or 0.0
        found.add(row, "Earth over the horizon [deg]", earth, least, earth < least - slack.earth_deg)


def _check_power(traverse: Traverse, eyes: _Eyes, found: TraverseCheck, slack: Slack) -> None:
    """Charge and darkness by the light of points every ten minutes."""
    w, rover, limits = traverse.waypoints, traverse.rover, eyes.limits
    charge, dark_h, longest = rover.battery_wh * limits.start_charge, 0.0, limits.longest_dark_h or math.inf
    for row in range(len(eyes.sites) - 1):
        span_s = float((w["time_utc"][row + 1] - w["time_utc"][row]) / _HOUR) * 3600.0
        if span_s <= 0.0:
            continue
        parts = max(1, math.ceil(span_s / _SAMPLE_S))
        offsets = np.round(1000.0 * span_s * (np.arange(parts) + 0.5) / parts).astype("timedelta64[ms]")
        time = w["time_utc"][row] + offsets
        disc = eyes.disc(row, time)
        if w["mode"][row] == "drive":
            disc = 0.5 * (disc + eyes.disc(row + 1, time))
        factor = eyes.almanac.sun(eyes.sites[row], time).distance_factor
        load = _load_w(traverse, eyes, row, span_s)
        for share, sunshine in zip(disc, factor, strict=True):
            hours = span_s / parts / 3600.0
            charge = min(charge + (rover.array_power_w * share * sunshine - load) * hours, rover.battery_wh)
            dark_h = dark_h + hours if share < DARK_DISC else 0.0
            found.add(row, "darkness [h]", dark_h, longest, dark_h > longest + slack.dark_h)
        level = charge / rover.battery_wh
        found.differ("charge", level - float(w["charge"][row + 1]))
        found.add(row + 1, "charge", level, rover.least_charge, level < rover.least_charge - slack.charge)


def _load_w(traverse: Traverse, eyes: _Eyes, row: int, span_s: float) -> float:
    """Power that the rover draws from a waypoint on [W]."""
    rover, mode = traverse.rover, traverse.waypoints["mode"][row]
    if mode == "drive":
        climb = max(eyes.sites[row + 1].height_m - eyes.sites[row].height_m, 0.0)
        lift = rover.mass_kg * MOON_GRAVITY_M_S2 * climb / rover.drive_efficiency / span_s
        return rover.idle_power_w + rover.drive_power_w + lift
    return rover.sleep_power_w if mode == "sleep" else rover.idle_power_w


def _check_hours(traverse: Traverse, limits: Limits, found: TraverseCheck) -> None:
    """Hours of work: both ends of each leg must lie within them."""
    if limits.work_utc_h is None:
        return
    w = traverse.waypoints
    first, last = limits.work_utc_h
    length: Any = (last - first) % 24.0 or 24.0
    hour = ((w["time_utc"] - w["time_utc"].astype("datetime64[D]")) / _HOUR - first) % 24.0
    for row in np.flatnonzero(w["mode"] == "drive"):
        ends = float((w["time_utc"][row + 1] - w["time_utc"][row]) / _HOUR) + float(hour[row])
        found.add(int(row), "hour of work at the end of a leg", ends, length, ends > length + 1e-3)
