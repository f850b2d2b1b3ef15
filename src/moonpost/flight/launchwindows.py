"""Windows from a launch site: on each day the lift-off whose plane and coast lead to the transfer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.flight.environment import EARTH_GM_M3_S2, Environment
from moonpost.flight.launch import launch_azimuth_deg, lowest_inclination_deg
from moonpost.flight.launchsites import LaunchSite
from moonpost.flight.targeting import Progress
from moonpost.flight.transferends import BRANCHES, Arrival, Branch, Parking
from moonpost.flight.windows import Grid, Launches, Windows, solve_grid, windows_grid
from moonpost.sky.almanac import Almanac
from moonpost.sky.stations import earth_rotation
from moonpost.sky.times import TimeLike

__all__ = ["scan_launches"]

Floats = npt.NDArray[np.float64]

_DAY_S = 86400.0
_EARTH_RATE_RAD_S = 7.292115146706979e-5
_ROUNDS = 12
_SETTLED_S = 0.5
_LEAST_MARGIN_DEG = 1e-6


@dataclass(frozen=True, eq=False)
class _Site:
    """A site in the axes of a scan: its latitude, and its right ascension at the start of each cell's day."""

    site: LaunchSite
    latitude: float
    ascension: Floats
    start: Floats


def scan_launches(
    site: LaunchSite,
    window: TimeLike,
    time_of_flight_d: npt.ArrayLike,
    parking: Parking | None = None,
    arrival: Arrival | None = None,
    *,
    almanac: Almanac | None = None,
    branches: Sequence[Branch] = BRANCHES,
    ascent_s: float = 600.0,
    ascent_arc_deg: float = 20.0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Windows:
    """Find for each day the lift-off and the transfer that fit together, for a site.

    Parameters
    ----------
    site : LaunchSite
        The site, with its limits of azimuth where they are known.
    window : str, datetime, datetime64, or array-like of them, shape (n,)
        Starts of the days that are searched, UTC.
    time_of_flight_d : array_like, shape (m,)
        From departure to perilune [d].
    parking : Parking, optional
        The parking orbit. Without an inclination the least is taken that site and Moon allow.
    arrival : Arrival, optional
        The passage: 100 km over the poles if not given.
    almanac : Almanac, optional
        Ephemerides; the default ones if not given.
    branches : sequence of {"short", "long"}, default both
        Planes to look at.
    ascent_s : float, default 600.0
        From lift-off to the parking orbit [s].
    ascent_arc_deg : float, default 20.0
        Arc flown in that time [deg].
    threads : int, optional
        Threads; as many as there are processors if not given.
    progress : callable, optional
        Called with the share that is done of each round of all cells; there are up to 12 rounds.

    Returns
    -------
    Windows
        With `launches`, which fall on the days or up to an hour beside them, and the departures that follow.

    Raises
    ------
    DateError
        If a date cannot be read or a flight lies outside the kernels.
    InputError
        If a number or a name cannot be used.

    Notes
    -----
    A plane passes over the site twice a day, northbound and southbound, once if its inclination is the latitude.
    Of the passages that the range allows that with the shorter coast is taken; departure follows lift-off by the
    ascent and the first coast to the place of departure. The node shifts with the departure, so both are repeated
    until they agree to 0.5 s. Planes stand still; the drift of the parking orbit and dog-legs are left out.

    Examples
    --------
    >>> from moonpost.flight.launchsites import launch_site
    >>> found = scan_launches(launch_site("Wenchang"), "2030-01-05", [4.7], branches=["short"])
    >>> found.converged.ravel().tolist(), str(found.launches.utc[0, 0, 0])[:10]
    ([True], '2030-01-05')
    """
    if not (0.0 < ascent_s < 7200.0 and 0.0 <= ascent_arc_deg < 360.0):
        raise InputError(
            f"{ascent_s!r} s, {ascent_arc_deg!r} deg", where="ascent", advice="give seconds and degrees from 0 up"
        )
    parking = _reached(parking or Parking(), site)
    grid, env = windows_grid(window, time_of_flight_d, branches, almanac, spare_d=3.0)
    from_start = 0.5 * _DAY_S + np.zeros(grid.starts.shape)
    placed = _placed(site, grid)
    lift = np.full(grid.starts.shape, np.nan)
    for _ in range(_ROUNDS):
        found = solve_grid(grid, from_start, env, parking, arrival or Arrival(), threads, progress)
        lift, launches = _launches(found, placed, lift, ascent_s, math.radians(ascent_arc_deg))
        after = np.where(np.isfinite(lift), lift + launches.coast_s + ascent_s, from_start)
        moved = np.abs(after - from_start)
        if not (moved[found.converged] > _SETTLED_S).any():
            break
        from_start = after
    return _told(found, launches, moved > _SETTLED_S, env, lift + grid.starts)


def _reached(parking: Parking, site: LaunchSite) -> Parking:
    """The parking orbit, with no inclination below what the site reaches."""
    least = lowest_inclination_deg(site)
    if parking.inclination_deg is None:
        least += _LEAST_MARGIN_DEG
        return replace(
            parking,
            least_inclination_deg=least,
            most_inclination_deg=max(parking.most_inclination_deg, least),
        )
    latitude = abs(site.geocentric_deg)
    if not latitude <= parking.inclination_deg <= 180.0 - latitude:
        raise InputError(
            f"an orbit of {parking.inclination_deg:g} deg does not pass over {site.name} at {latitude:.3f} deg",
            where="parking inclination",
            advice=f"give {latitude:.3f} to {180.0 - latitude:.3f} deg, or none",
        )
    return parking


def _placed(site: LaunchSite, grid: Grid) -> _Site:
    """The site at the start of each day, in the axes of the scan."""
    days = grid.starts[:, 0, 0]
    turns = earth_rotation(days)
    towards = np.einsum("ijn,i->nj", turns, site.fixed) @ grid.axes.T
    ascension = np.arctan2(towards[:, 1], towards[:, 0])
    latitude = float(np.arcsin(towards[:, 2]).mean())
    return _Site(site, latitude, np.broadcast_to(ascension[:, None, None], grid.starts.shape), grid.starts)


def _launches(
    found: Windows, placed: _Site, before: Floats, ascent_s: float, ascent_arc: float
) -> tuple[Floats, Launches]:
    """Lift-offs, in seconds from the start of the day, and what belongs to them."""
    node, argument, plane = (
        np.radians(part) for part in (found.nodes_deg, found.arguments_deg, found.inclinations_deg)
    )
    with np.errstate(invalid="ignore"):
        along = np.arcsin(np.clip(math.tan(placed.latitude) / np.tan(plane), -1.0, 1.0))
        height = np.arcsin(np.clip(math.sin(placed.latitude) / np.sin(plane), -1.0, 1.0))
    rate = math.sqrt(EARTH_GM_M3_S2 / found.parking.radius_m**3)
    options = []
    for south in (False, True):
        ascension = node + (math.pi - along if south else along)
        lift = ((ascension - placed.ascension) % (2.0 * math.pi)) / _EARTH_RATE_RAD_S
        turn = 2.0 * math.pi / _EARTH_RATE_RAD_S
        lift = np.where(np.isfinite(before), lift + turn * np.round((before - lift) / turn), lift)
        arc = (argument - (math.pi - height if south else height)) % (2.0 * math.pi)
        coast = ((arc - ascent_arc) % (2.0 * math.pi)) / rate
        azimuth, allowed = _azimuths(placed.site, found, south)
        options.append((lift, coast, azimuth, allowed, np.full(lift.shape, south)))
    kept = np.isfinite(before)
    first, second = options
    better = np.where(first[3] == second[3], second[1] < first[1], second[3])
    if kept.any():
        nearer = np.abs(second[0] - before) < np.abs(first[0] - before)
        better = np.where(kept, nearer, better)
    lift, coast, azimuth, fine, way = (np.where(better, b, a) for a, b in zip(first, second, strict=True))
    stamp = np.full(lift.shape, np.datetime64("NaT", "ms"))
    return lift, Launches(placed.site, stamp, azimuth, coast, way, fine.astype(np.bool_), ascent_s)


def _azimuths(site: LaunchSite, found: Windows, south: bool) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Azimuths over ground, and whether the range allows them as far as it is known."""
    planes, back = np.unique(found.inclinations_deg, return_inverse=True)
    latitude = site.geocentric_deg
    azimuths = np.array(
        [
            launch_azimuth_deg(
                latitude, max(float(plane), abs(latitude)), passing="descending" if south else "ascending",
                altitude_m=found.parking.altitude_m, over_ground=True,
            )
            for plane in planes
        ]
    )  # fmt: skip
    verdicts = [site.allows(float(azimuth)) for azimuth in azimuths]
    allowed = np.array([verdict is None or bool(verdict) for verdict in verdicts])
    back = back.reshape(found.inclinations_deg.shape)
    return azimuths[back], allowed[back]


def _told(
    found: Windows, launches: Launches, restless: npt.NDArray[np.bool_], env: Environment, lift_tdb_s: Floats
) -> Windows:
    """The windows with lift-offs in UTC, and reasons where lift-off and transfer do not fit."""
    good = found.converged
    reasons = np.where(good & restless, "lift-off and departure do not settle on this day", found.reasons)
    barred = (reasons == "") & ~launches.allowed
    text = np.array([f"the range does not allow an azimuth of {azimuth:.1f} deg" for azimuth in
                     launches.azimuth_deg.ravel()]).reshape(reasons.shape)  # fmt: skip
    reasons = np.where(barred, text, reasons)
    fine = reasons == ""
    utc = env.utc(np.where(np.isfinite(lift_tdb_s), lift_tdb_s, env.span_tdb_s[0]))
    stamp = np.where(fine, utc, np.datetime64("NaT", "ms"))
    return replace(
        found,
        reasons=reasons,
        launches=replace(launches, utc=stamp),
        tli_m_s=np.where(fine, found.tli_m_s, np.nan),
        loi_m_s=np.where(fine, found.loi_m_s, np.nan),
        c3_m2_s2=np.where(fine, found.c3_m2_s2, np.nan),
        perilune_error_m=np.where(fine, found.perilune_error_m, np.nan),
    )
