"""Launches from the Earth: azimuths, and the times of day at which a site lies in the plane of a transfer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError, ModelError
from moonpost.flight.environment import EARTH_GM_M3_S2
from moonpost.flight.launchsites import LAUNCH_SITES, LaunchSite, launch_site
from moonpost.sky.apparent import EARTH_RADIUS_M
from moonpost.sky.stations import earth_rotation
from moonpost.sky.timescale import default_timescale

if TYPE_CHECKING:
    from collections.abc import Callable

    from moonpost.flight.state import State
    from moonpost.sky.times import TimeLike

__all__ = [
    "LAUNCH_SITES",
    "Launch",
    "LaunchSite",
    "c3_m2_s2",
    "earth_inclination_deg",
    "inclination_deg",
    "launch_azimuth_deg",
    "launch_day",
    "launch_site",
    "launch_times",
    "lowest_inclination_deg",
]

Floats = npt.NDArray[np.float64]
Pass = Literal["ascending", "descending"]

_EARTH_RATE_RAD_S = 7.292115e-5
_SAMPLE_S = 120.0
_DAY_S = 86400.0
_HALVINGS = 45
_ROUNDS = 8


def inclination_deg(latitude_deg: float, azimuth_deg: float) -> float:
    """Inclination of the orbit that leaves a place in a direction.

    Parameters
    ----------
    latitude_deg : float
        Geocentric latitude [deg].
    azimuth_deg : float
        Of the velocity in axes that do not turn with the Earth, clockwise from north [deg].

    Returns
    -------
    float
        To the equator, 0 to 180 [deg].

    Raises
    ------
    InputError
        If a number is not finite or the latitude is out of range.

    Notes
    -----
    ``cos i = cos(latitude) sin(azimuth)``.

    Examples
    --------
    >>> round(inclination_deg(28.5, 90.0), 1), round(inclination_deg(28.5, 72.0), 1)
    (28.5, 33.3)
    """
    _check_latitude(latitude_deg)
    if not math.isfinite(azimuth_deg):
        raise InputError(f"{azimuth_deg} is no azimuth", where="azimuth_deg", advice="give degrees from north")
    return math.degrees(math.acos(math.cos(math.radians(latitude_deg)) * math.sin(math.radians(azimuth_deg))))


def lowest_inclination_deg(site: LaunchSite) -> float:
    """Lowest inclination that a site reaches without a change of plane.

    Parameters
    ----------
    site : LaunchSite
        The site; its limits of azimuth are heeded.

    Returns
    -------
    float
        [deg]

    Examples
    --------
    >>> round(lowest_inclination_deg(launch_site("Wenchang")), 2)
    19.49
    """
    low, high = site.azimuth_range_deg or (0.0, 180.0)
    if low <= 90.0 <= high:
        return abs(site.geocentric_deg)
    return min(inclination_deg(site.geocentric_deg, edge) for edge in (low, high))


def launch_azimuth_deg(
    latitude_deg: float,
    inclination_deg: float,
    *,
    passing: Pass = "ascending",
    altitude_m: float = 200e3,
    over_ground: bool = False,
) -> float:
    """Azimuth at which a place is left for an orbit of an inclination.

    Parameters
    ----------
    latitude_deg : float
        Geocentric latitude [deg].
    inclination_deg : float
        Of the orbit to the equator, 0 to 180 [deg].
    passing : {"ascending", "descending"}, default "ascending"
        Whether the orbit goes north or south over the place.
    altitude_m : float, default 200e3
        Altitude of the circular parking orbit [m]; matters over ground only.
    over_ground : bool, default False
        Give the azimuth in axes that turn with the Earth, as a range counts it: that of the velocity that the
        rocket must add to that of the ground.

    Returns
    -------
    float
        Clockwise from north, 0 to 360 [deg].

    Raises
    ------
    InputError
        If the orbit does not reach the latitude, or a number is out of range.

    Notes
    -----
    ``sin(azimuth) = cos i / cos(latitude)``; over ground the eastward velocity is less by that of the Earth's
    rotation, 465.1 m/s times the cosine of the latitude (7.292115e-5 rad/s, 6378.137 km).

    Examples
    --------
    >>> round(launch_azimuth_deg(28.5, 51.6), 1), round(launch_azimuth_deg(28.5, 51.6, over_ground=True), 1)
    (45.0, 42.8)
    """
    _check_latitude(latitude_deg)
    if passing not in ("ascending", "descending"):
        raise InputError(f"{passing!r}", where="passing", advice="give ascending or descending")
    if not 0.0 <= inclination_deg <= 180.0 or not 0.0 <= altitude_m < 1e9:
        raise InputError(
            f"inclination {inclination_deg} deg, altitude {altitude_m} m make no orbit",
            where="launch",
            advice="give 0 to 180 deg and metres above the ground",
        )
    cosine = math.cos(math.radians(latitude_deg))
    ratio = math.cos(math.radians(inclination_deg)) / cosine if cosine > 1e-12 else math.inf
    if abs(ratio) > 1.0 + 1e-12:
        raise InputError(
            f"an orbit of {inclination_deg:g} deg does not pass over {latitude_deg:.4g} deg",
            where="launch",
            advice=f"give {abs(latitude_deg):.4g} to {180 - abs(latitude_deg):.4g} deg",
        )
    azimuth = math.asin(max(-1.0, min(1.0, ratio)))
    azimuth = azimuth if passing == "ascending" else math.pi - azimuth
    if over_ground:
        speed = math.sqrt(EARTH_GM_M3_S2 / (EARTH_RADIUS_M + altitude_m))
        east = speed * math.sin(azimuth) - _EARTH_RATE_RAD_S * EARTH_RADIUS_M * cosine
        azimuth = math.atan2(east, speed * math.cos(azimuth))
    return math.degrees(azimuth) % 360.0


def c3_m2_s2(state: State, gm_m3_s2: float = EARTH_GM_M3_S2) -> float:
    """Twice the energy of a state for its mass, the C3 of a launch.

    Parameters
    ----------
    state : State
        With the Earth as centre, near it.
    gm_m3_s2 : float
        Of the Earth [m3/s2].

    Returns
    -------
    float
        Speed squared less that of escape [m2/s2]; negative for flights to the Moon.

    Raises
    ------
    InputError
        If the centre is not the Earth.

    Examples
    --------
    >>> from moonpost.flight.state import State
    >>> off = State(0.0, np.array([6578e3, 0, 0]), np.array([0, 10920.0, 0]), "earth")
    >>> round(c3_m2_s2(off) / 1e6, 2)
    -1.95
    """
    _check_earth(state)
    return float(state.velocity_m_s @ state.velocity_m_s) - 2.0 * gm_m3_s2 / float(
        np.linalg.norm(state.position_m)
    )


def earth_inclination_deg(state: State) -> float:
    """Inclination of a geocentric state to the equator of its date.

    Parameters
    ----------
    state : State
        With the Earth as centre.

    Returns
    -------
    float
        0 to 180 [deg].

    Raises
    ------
    InputError
        If the centre is not the Earth.

    Notes
    -----
    The pole of the Earth moves by 0.0056 deg a year in J2000 axes: 0.17 deg by 2030.

    Examples
    --------
    >>> from moonpost.flight.state import State
    >>> off = State(0.0, np.array([6578e3, 0, 0]), np.array([0, 0, 7784.0]), "earth")
    >>> round(earth_inclination_deg(off), 2)
    90.0
    """
    _check_earth(state)
    pole = earth_rotation(_tt(np.array([state.time_tdb_s])))[2, :, 0]
    momentum = np.cross(state.position_m, state.velocity_m_s)
    return math.degrees(math.acos(float(np.clip(pole @ momentum / np.linalg.norm(momentum), -1.0, 1.0))))


@dataclass(frozen=True)
class Launch:
    """A time of day at which a site lies in the plane of a transfer.

    Parameters
    ----------
    utc : numpy.datetime64
        Lift-off.
    passing : {"ascending", "descending"}
        Whether the orbit goes north or south over the site.
    inclination_deg : float
        Of the plane to the equator of date [deg].
    azimuth_deg, ground_azimuth_deg : float
        Azimuth of the orbit at the site, in axes that do not turn with the Earth and over ground [deg].
    allowed : bool or None
        Whether the range allows the azimuth over ground; None where its limits are not known.
    off_plane_deg : float
        Angle from the site to the plane: 0, or how far the site stays from a plane that does not reach it [deg].
    arc_deg : float
        Angle from the site along the orbit to the place of injection [deg].
    coast_s : float
        Coast in the parking orbit, first passage [s].
    injection_s : float
        From lift-off to injection at the first passage [s].
    """

    utc: np.datetime64
    passing: Pass
    inclination_deg: float
    azimuth_deg: float
    ground_azimuth_deg: float
    allowed: bool | None
    off_plane_deg: float
    arc_deg: float
    coast_s: float
    injection_s: float


def launch_times(
    departure: State,
    site: LaunchSite,
    start: TimeLike | None = None,
    *,
    ascent_s: float = 600.0,
    ascent_arc_deg: float = 20.0,
    reach_deg: float = 1.0,
) -> tuple[Launch, ...]:
    """Times within a day at which a site lies in the plane of a transfer.

    Parameters
    ----------
    departure : State
        State of the transfer at its injection, with the Earth as centre.
    site : LaunchSite
        The site.
    start : str, datetime or datetime64, optional
        Start of the 24 h that are searched; 23 h before the injection if not given.
    ascent_s : float, default 600.0
        Duration of the ascent to the parking orbit [s].
    ascent_arc_deg : float, default 20.0
        Arc over ground in that time [deg].
    reach_deg : float, default 1.0
        A plane that stays off the site by up to this angle is met where it is nearest, once a day [deg].

    Returns
    -------
    tuple of Launch
        In the order of time; empty if the plane stays farther away.

    Raises
    ------
    DateError
        If the date cannot be read.
    InputError
        If the centre is not the Earth or a number cannot be used.

    Notes
    -----
    The plane stands still in J2000 axes; the site turns with the Earth (IAU 2000A, UT1 as tabled or predicted).
    Left out: the drift of the parking orbit by the oblateness (0.1 deg of node in 20 min) and dog-legs.

    Examples
    --------
    >>> from moonpost.flight.state import State
    >>> tli = State.at("2020-11-23T21:05", [6578e3, 0, 0], [0, 10020.0, 4300.0], centre="earth")
    >>> [(str(found.utc)[:16], found.passing) for found in launch_times(tli, launch_site("Wenchang"))]
    [('2020-11-23T16:06', 'ascending'), ('2020-11-23T20:40', 'descending')]
    """
    _check_earth(departure)
    numbers = (ascent_s, ascent_arc_deg, reach_deg)
    if not all(math.isfinite(number) and number >= 0.0 for number in numbers):
        raise InputError(f"{numbers}", where="launch_times", advice="give seconds and degrees from 0 up")
    begin = departure.time_tdb_s - _DAY_S + 3600.0 if start is None else _seconds(start)
    momentum = np.cross(departure.position_m, departure.velocity_m_s)
    pole = momentum / np.linalg.norm(momentum)
    times = begin + np.arange(0.0, _DAY_S + 0.5 * _SAMPLE_S, _SAMPLE_S)
    heights = _places(site, times) @ pole
    crossings = np.flatnonzero((heights[1:] > 0.0) != (heights[:-1] > 0.0))
    found = [_crossed(site, pole, times[row], times[row + 1]) for row in crossings]
    if not found:
        found = _nearest(site, pole, times, heights, math.sin(math.radians(reach_deg)))
    return tuple(_launch(departure, site, pole, time, ascent_s, ascent_arc_deg) for time in sorted(found))


def launch_day(
    transfer: Callable[[float], State],
    site: LaunchSite,
    start: TimeLike,
    *,
    ascent_s: float = 600.0,
    ascent_arc_deg: float = 20.0,
) -> tuple[tuple[Launch, State], ...]:
    """Launches of a day, each with the transfer that leaves the parking orbit at its first passage.

    Parameters
    ----------
    transfer : callable
        ``transfer(tdb_s)`` gives the state of a transfer that is injected at an instant, with the Earth as centre.
    site : LaunchSite
        The site.
    start : str, datetime or datetime64
        Start of the 24 h of lift-off.
    ascent_s, ascent_arc_deg : float
        As in `launch_times`.

    Returns
    -------
    tuple of (Launch, State)
        In the order of time: two a day, fewer where the plane does not reach the site or no transfer is found.

    Raises
    ------
    DateError
        If the date cannot be read, or a transfer leaves its environment.
    InputError
        If a number cannot be used.

    Notes
    -----
    The plane moves little with the time of injection: lift-off and injection settle to 1 s in a few rounds.

    Examples
    --------
    >>> from moonpost.flight.state import State
    >>> def due_east(tdb_s: float) -> State:
    ...     return State(tdb_s, np.array([6578e3, 0, 0]), np.array([0, 10020.0, 4300.0]), "earth")
    >>> found = launch_day(due_east, launch_site("Wenchang"), "2020-11-23T12:00")
    >>> [str(launch.utc)[:16] for launch, _ in found]
    ['2020-11-23T16:06', '2020-11-23T20:40']
    """
    begin = _seconds(start)
    found: list[tuple[Launch, State]] = []
    passings: tuple[Pass, Pass] = ("ascending", "descending")
    for passing in passings:
        when = begin + 0.5 * _DAY_S
        for _ in range(_ROUNDS):
            try:
                state = transfer(when)
            except ModelError:
                break
            launches = launch_times(state, site, start, ascent_s=ascent_s, ascent_arc_deg=ascent_arc_deg)
            chosen = [launch for launch in launches if launch.passing == passing]
            if not chosen:
                break
            lift_off = _seconds(chosen[0].utc)
            if abs(lift_off + chosen[0].injection_s - when) < 1.0:
                found.append((chosen[0], state))
                break
            when = lift_off + chosen[0].injection_s
    return tuple(sorted(found, key=lambda pair: pair[0].utc))


def _launch(
    departure: State, site: LaunchSite, pole: Floats, time: float, ascent_s: float, ascent_arc_deg: float
) -> Launch:
    """What there is to say about a lift-off at a time."""
    axis = earth_rotation(_tt(np.array([time])))[2, :, 0]
    up = _places(site, np.array([time]))[0]
    off = math.asin(float(np.clip(up @ pole, -1.0, 1.0)))
    foot = up - (up @ pole) * pole
    foot /= np.linalg.norm(foot)
    onward = np.cross(pole, foot)
    east = np.cross(axis, foot) / np.linalg.norm(np.cross(axis, foot))
    north = np.cross(foot, east)
    azimuth = math.degrees(math.atan2(onward @ east, onward @ north)) % 360.0
    radius = float(np.linalg.norm(departure.position_m))
    speed = math.sqrt(EARTH_GM_M3_S2 / radius)
    ground = speed * onward - _EARTH_RATE_RAD_S * EARTH_RADIUS_M * np.cross(axis, foot)
    over_ground = math.degrees(math.atan2(ground @ east, ground @ north)) % 360.0
    out = departure.position_m / radius
    arc = math.degrees(math.atan2(out @ onward, out @ foot)) % 360.0
    coast = math.radians((arc - ascent_arc_deg) % 360.0) * radius / speed
    passing: Pass = "ascending" if onward @ axis >= 0.0 else "descending"
    return Launch(
        default_timescale().utc(np.array([time]))[0],
        passing,
        math.degrees(math.acos(float(np.clip(axis @ pole, -1.0, 1.0)))),
        azimuth,
        over_ground,
        site.allows(over_ground),
        math.degrees(off),
        arc,
        coast,
        ascent_s + coast,
    )


def _crossed(site: LaunchSite, pole: Floats, low: float, high: float) -> float:
    """When a site passes through a plane, by halving."""
    sign = _places(site, np.array([low]))[0] @ pole > 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if (_places(site, np.array([middle]))[0] @ pole > 0.0) == sign:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _nearest(site: LaunchSite, pole: Floats, times: Floats, heights: Floats, reach: float) -> list[float]:
    """When a site is nearest to a plane that it never meets, if it is near enough."""
    row = int(np.argmin(np.abs(heights)))
    if abs(heights[row]) > reach:
        return []
    fine = times[row] + np.linspace(-_SAMPLE_S, _SAMPLE_S, 241)
    return [float(fine[np.argmin(np.abs(_places(site, fine) @ pole))])]


def _places(site: LaunchSite, tdb_s: Floats) -> Floats:
    """Directions of a site in J2000 axes, shape (n, 3)."""
    return np.einsum("ijn,i->nj", earth_rotation(_tt(tdb_s)), site.fixed)


def _tt(tdb_s: Floats) -> Floats:
    """Terrestrial time; the 2 ms by which TDB differs turn the Earth by 0.00001 deg."""
    return np.asarray(tdb_s, dtype=np.float64)


def _seconds(t: TimeLike) -> float:
    """TDB seconds of one date."""
    from moonpost.flight.state import tdb_seconds

    seconds = tdb_seconds(t)
    if seconds.size != 1:
        raise InputError(f"{seconds.size} dates where one is needed", where="start", advice="give one date")
    return float(seconds.ravel()[0])


def _check_latitude(latitude_deg: float) -> None:
    """Refuse what is no latitude."""
    if not -90.0 <= latitude_deg <= 90.0:
        raise InputError(f"{latitude_deg} is no latitude", where="latitude_deg", advice="give -90 to 90 deg")


def _check_earth(state: State) -> None:
    """Refuse states from the Moon."""
    if state.centre != "earth":
        raise InputError("the centre is the Moon", where="state", advice='use state.from_centre("earth", env)')
