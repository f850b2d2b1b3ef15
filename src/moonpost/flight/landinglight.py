"""The sky of a landing site on a grid of time: Sun, light, Earth and relays, and how long each lasts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError, ModelError
from moonpost.flight.orbit import LunarOrbit
from moonpost.flight.poweredpath import checked
from moonpost.sky.apparent import Apparent
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc, iso

if TYPE_CHECKING:
    from moonpost.flight.trajectory import Trajectory
    from moonpost.sky.almanac import Almanac

__all__ = [
    "Positions",
    "Sight",
    "SiteSky",
    "flown_positions",
    "level_sight",
    "relay_positions",
    "slope_elevation_deg",
]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

Sight = Callable[[Apparent], Floats]
"""Share of a body's disc, 0 to 1, that stands above the horizon of the site, shape (n,)."""

Positions = Callable[[Times], Floats]
"""Positions of a relay in MOON_ME [m], shape (n, 3), at UTC instants."""

_DAY_S = 86400.0
_POINT_DEG = 1e-3


def level_sight(body: Apparent) -> Floats:
    """Share of the disc above a level horizon, by height.

    Parameters
    ----------
    body : Apparent
        The body in the sky of the site.

    Returns
    -------
    ndarray, shape (n,)
        Half at the horizon, a straight line across the disc.

    Examples
    --------
    >>> n = np.zeros(1)
    >>> body = Apparent(np.array(["2030-01-01"], "datetime64[ms]"), n, n + 0.1, n + 1e11, n + 0.27)
    >>> level_sight(body).round(2).tolist()
    [0.69]
    """
    return np.clip(0.5 + 0.5 * body.elevation_deg / body.angular_radius_deg, 0.0, 1.0)


def slope_elevation_deg(sun: Apparent, slope_deg: float, slope_azimuth_deg: float) -> Floats:
    """Elevation of the Sun above the plane of a slope.

    Parameters
    ----------
    sun : Apparent
        The Sun in the sky of the site.
    slope_deg : float
        Steepness [deg].
    slope_azimuth_deg : float
        Direction in which the slope falls, so that it faces it; clockwise from north [deg].

    Returns
    -------
    ndarray, shape (n,)
        90 deg where the Sun shines at right angles on the slope [deg].

    Examples
    --------
    >>> n = np.zeros(1)
    >>> low = Apparent(np.array(["2030-01-01"], "datetime64[ms]"), n, n + 1.0, n + 1e11, n + 0.27)
    >>> [slope_elevation_deg(low, 10.0, faces).round(2).tolist() for faces in (0.0, 180.0)]
    [[11.0], [-9.0]]
    """
    checked(slope_deg, "slope_deg", 0.0, 90.0)
    checked(slope_azimuth_deg, "slope_azimuth_deg", -360.0, 720.0)
    steep = math.radians(slope_deg)
    up, off = np.radians(sun.elevation_deg), np.radians(sun.azimuth_deg - slope_azimuth_deg)
    inward = np.sin(up) * math.cos(steep) + np.cos(up) * np.cos(off) * math.sin(steep)
    return np.degrees(np.arcsin(np.clip(inward, -1.0, 1.0)))


def relay_positions(almanac: Almanac, orbit: LunarOrbit) -> Positions:
    """Where a relay on an ellipse round the Moon is.

    Parameters
    ----------
    almanac : Almanac
        Orientation of the Moon.
    orbit : LunarOrbit
        The ellipse, which keeps its place in space.

    Returns
    -------
    Positions
        A function of UTC instants.

    Notes
    -----
    No pull but that of the Moon as a point: good for weeks. Over months a high ellipse changes its shape by the
    Earth's pull and may come down, of which nothing is noticed here; take `flown_positions` for those.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> low = LunarOrbit(100e3, 100e3, 0.0, argument_of_perilune_deg=0.0)
    >>> found = relay_positions(Almanac.default(), low)(np.array(["2030-01-01"], "datetime64[ms]"))
    >>> (found.round(3) + 0.0).tolist()
    [[1837400.0, 0.0, 0.0]]
    """
    back = almanac.rotation(np.atleast_1d(orbit.epoch))[0].T

    def positions(time: Times) -> Floats:
        return np.einsum("nij,jk,nk->ni", almanac.rotation(time), back, orbit.position_m(time))

    return positions


def flown_positions(flown: Trajectory) -> Positions:
    """Where a relay is whose orbit was flown through the field of the Moon and the pull of the Earth and the Sun.

    Parameters
    ----------
    flown : Trajectory
        A flight about the Moon with dense output, over all instants that will be asked for.

    Returns
    -------
    Positions
        A function of UTC instants from the start of the flight to its end; others raise `DateError`. After an
        impact the relay is put at the Moon's centre at any later instant, where no site sees it.

    Raises
    ------
    InputError
        If the flight has another centre or no dense output.
    ModelError
        If the flight broke off.

    Examples
    --------
    >>> from moonpost.flight import Environment, State, propagate
    >>> from moonpost.sky import Almanac
    >>> env = Environment.make(Almanac.default(), "2030-01-01", "2030-01-02", degree=8)
    >>> flown = propagate(State.circling(env, "2030-01-01", 100e3, 90.0), "2030-01-01T06:00", env)
    >>> found = flown_positions(flown)(np.array(["2030-01-01T05:00"], "datetime64[ms]"))
    >>> bool(1832.0 < np.linalg.norm(found) / 1e3 < 1842.0)
    True
    """
    if flown.start.centre != "moon" or not len(flown.steps):
        raise InputError(
            "the relay's flight is not about the Moon or has no dense output",
            where="relay",
            advice="propagate about the Moon with dense=True",
        )
    if flown.failed:
        raise ModelError(
            f"the relay's flight breaks off after {flown.duration_s / _DAY_S:.1f} d: {flown.ended}",
            where="relay",
            advice="give another orbit",
        )

    def positions(time: Times) -> Floats:
        tdb = np.atleast_1d(flown.env.tdb_s(time))
        up = np.full(tdb.shape, True) if flown.impact is None else tdb <= flown.final.time_tdb_s
        found = np.zeros((len(tdb), 3))
        states = flown.at_elapsed(tdb[up] - flown.start.time_tdb_s)
        found[up] = np.einsum("nij,nj->ni", flown.env.rotation(tdb[up]), states[:, :3])
        return found

    return positions


@dataclass(frozen=True, eq=False)
class SiteSky:
    """Sun, Earth and a relay over a site on an even grid of time; make one with `SiteSky.make`.

    Parameters
    ----------
    site : Site
        The site.
    time : ndarray of datetime64[ms], shape (n,)
        UTC, evenly spaced.
    sun : Apparent
        The Sun.
    light : ndarray, shape (n,)
        Share of the Sun's disc in sight [1].
    earth : ndarray, shape (n,)
        Share of the Earth's disc in sight [1].
    relay : ndarray of bool, shape (n,)
        Whether the relay is in sight.
    """

    site: Site
    time: Times
    sun: Apparent
    light: Floats
    earth: Floats
    relay: npt.NDArray[np.bool_]

    @classmethod
    def make(
        cls,
        almanac: Almanac,
        site: Site,
        start: TimeLike,
        stop: TimeLike,
        *,
        sight: Sight = level_sight,
        relay: Positions | None = None,
        step_s: float = 600.0,
    ) -> Self:
        """Look up the sky of a site.

        Parameters
        ----------
        almanac : Almanac
            Ephemerides.
        site : Site
            The site.
        start, stop : str, datetime or datetime64
            Period, UTC.
        sight : Sight
            What the horizon leaves of a disc, such as ``lambda body: illumination(profile, body)``; a level
            horizon if not given.
        relay : Positions, optional
            Where a relay is.
        step_s : float, default 600.0
            Spacing of the grid [s].

        Returns
        -------
        SiteSky

        Raises
        ------
        DateError
            If a date cannot be read or lies outside the kernels.
        InputError
            If the spacing is not 10 s to 6 h, or the sight or the relay give something else than numbers.
        """
        first, last = (as_utc(t).reshape(-1)[0] for t in (start, stop))
        if not last > first:
            raise DateError(
                f"stop {iso(last)} is not after start {iso(first)}", where="period", advice="swap them"
            )
        step = np.timedelta64(round(1e3 * checked(step_s, "step_s", 10.0, 21600.0)), "ms")
        time = first + step * np.arange(int((last - first) / step) + 2)
        sun, earth = almanac.sun(site, time), almanac.earth(site, time)
        seen = np.zeros(len(time), dtype=np.bool_) if relay is None else _relay(site, time, relay, sight)
        return cls(site, time, sun, _shares(sight, sun), _shares(sight, earth), seen)

    @property
    def step_s(self) -> float:
        """Spacing of the grid [s].

        Returns
        -------
        float
        """
        return float((self.time[1] - self.time[0]) / np.timedelta64(1, "ms")) / 1e3

    def lit_days(self, least_share: float = 0.5) -> Floats:
        """How long the Sun stays in sight from each instant on.

        Parameters
        ----------
        least_share : float, default 0.5
            Share of the disc that counts as light [1].

        Returns
        -------
        ndarray, shape (n,)
            0 in the dark; to the end of the grid at most [d].
        """
        return self._lasting(self.light - least_share)

    def earth_days(self) -> Floats:
        """How long half the Earth's disc stays in sight from each instant on.

        Returns
        -------
        ndarray, shape (n,)
            0 if it is not in sight; to the end of the grid at most [d].
        """
        return self._lasting(self.earth - 0.5)

    def contact_days(self, gap_h: float = 0.0) -> Floats:
        """How long the Earth or the relay stays in sight, gaps up to a length not counted.

        Parameters
        ----------
        gap_h : float, default 0.0
            Longest gap that does no harm [h].

        Returns
        -------
        ndarray, shape (n,)
            To the end of the grid at most [d]; 0 within a longer gap.
        """
        if not self.relay.any() and gap_h == 0.0:
            return self.earth_days()
        seen = (self.earth >= 0.5) | self.relay
        edges = np.flatnonzero(np.diff(np.concatenate([[1], seen.astype(np.int8), [1]])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            if (end - begin) * self.step_s <= 3600.0 * gap_h:
                seen[begin:end] = True
        return self._lasting(np.where(seen, 1.0, -1.0))

    def left_days(self, lasting_days: Floats, t: Times) -> Floats:
        """What is left at instants of durations that count from the grid points.

        Parameters
        ----------
        lasting_days : ndarray, shape (n,)
            As `lit_days`, `earth_days` and `contact_days` give them [d].
        t : ndarray of datetime64[ms], shape (m,)
            UTC, inside the grid.

        Returns
        -------
        ndarray, shape (m,)
            From the grid point before, less the time since; not below 0 [d].
        """
        index = np.clip(np.searchsorted(self.time, t, side="right") - 1, 0, len(lasting_days) - 1)
        since = (t - self.time[index]) / np.timedelta64(1, "ms") / 1e3 / _DAY_S
        return np.maximum(0.0, lasting_days[index] - since)

    def _lasting(self, margin: Floats) -> Floats:
        """Days from each grid point until the margin falls below zero, by straight lines."""
        n = len(margin)
        good = margin >= 0.0
        index = np.where(good, n - 1, np.arange(n))
        index = np.minimum.accumulate(index[::-1])[::-1]
        stop = index.astype(np.float64)
        falls = ~good[index] & good
        before = index[falls] - 1
        stop[falls] = before + margin[before] / (margin[before] - margin[before + 1])
        return np.where(good, stop - np.arange(n), 0.0) * self.step_s / _DAY_S


def _shares(sight: Sight, body: Apparent) -> Floats:
    """What a sight gives, checked."""
    found = np.asarray(sight(body), dtype=np.float64)
    if found.shape != body.elevation_deg.shape or not np.isfinite(found).all():
        raise InputError("gives no share for each instant", where="sight", advice="give a function of an Apparent")
    return found


def _relay(site: Site, time: Times, relay: Positions, sight: Sight) -> npt.NDArray[np.bool_]:
    """Whether a relay stands above the horizon."""
    places = np.asarray(relay(time), dtype=np.float64)
    if places.shape != (len(time), 3) or not np.isfinite(places).all():
        raise InputError(f"shape {places.shape}", where="relay", advice="give positions of shape (n, 3) in metres")
    apart = places - site.position_m
    distance = np.linalg.norm(apart, axis=1)
    east, north, up = (apart @ axis for axis in site.basis)
    body = Apparent(
        time,
        np.degrees(np.arctan2(east, north)) % 360.0,
        np.degrees(np.arcsin(np.clip(up / distance, -1.0, 1.0))),
        distance,
        np.full(len(time), _POINT_DEG),
    )
    return _shares(sight, body) > 0.5
