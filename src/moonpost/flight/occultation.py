"""When one body hides another from a lunar orbit, found event by event."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from moonpost.flight.orbit import LunarOrbit, bodies_m, eccentric_anomaly
from moonpost.sky.apparent import EARTH_RADIUS_M, SUN_RADIUS_M
from moonpost.sky.site import MOON_RADIUS_M

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["Edge", "Track", "earth_shadow_s", "hidden_by_moon_s", "mean_anomaly_rad", "separation_rad"]

Floats = npt.NDArray[np.float64]
Edge = Literal["umbra", "penumbra"]
"""umbra: the whole disc is hidden; penumbra: any part of it is."""

_STEP_S = 21600.0
_CHUNK = 8192
_GRID = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 37)
_GRAZING_RAD = 0.1
_SIGN = {"umbra": -1.0, "penumbra": 1.0}


@dataclass(frozen=True, eq=False)
class Track:
    """A body's path as seen from the Moon's centre, to be read at any instant.

    Parameters
    ----------
    start_s : float
        First sample, counted from the orbit's epoch [s].
    places_m : ndarray, shape (n, 3)
        Samples every six hours in axes that do not turn [m].
    """

    start_s: float
    places_m: Floats

    @classmethod
    def of(cls, almanac: Almanac, body: str, orbit: LunarOrbit, first_s: float, last_s: float) -> Self:
        """Sample a body over a span and two revolutions on both sides.

        Parameters
        ----------
        almanac : Almanac
            Ephemerides.
        body : {"sun", "earth"}
            The body.
        orbit : LunarOrbit
            Gives the epoch and the axes.
        first_s, last_s : float
            Span, from the orbit's epoch [s].

        Returns
        -------
        Track

        Raises
        ------
        DateError
            If the span, so widened, lies outside the kernels.
        """
        margin = 2.0 * orbit.period_s + 2.0 * _STEP_S
        count = math.ceil((last_s - first_s + 2.0 * margin) / _STEP_S) + 1
        seconds = first_s - margin + _STEP_S * np.arange(count)
        moments = orbit.epoch + np.rint(1000.0 * seconds).astype("timedelta64[ms]")
        return cls(float(seconds[0]), bodies_m(almanac, body, moments, orbit.epoch))

    def at(self, seconds: Floats) -> Floats:
        """Places at instants of any shape.

        Parameters
        ----------
        seconds : ndarray, shape (...)
            From the orbit's epoch [s].

        Returns
        -------
        ndarray, shape (..., 3)
            Vectors [m].

        Notes
        -----
        Lagrange's cubic through four samples: within 2e-6 rad for the Earth and 1e-8 for the Sun.
        """
        place = (seconds - self.start_s) / _STEP_S
        base = np.clip(np.floor(place).astype(np.int64), 1, len(self.places_m) - 3)
        x = place - base
        weights = (
            -x * (x - 1.0) * (x - 2.0) / 6.0,
            (x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0,
            -(x + 1.0) * x * (x - 2.0) / 2.0,
            (x + 1.0) * x * (x - 1.0) / 6.0,
        )
        found: Floats = np.zeros((*place.shape, 3))
        for offset, weight in enumerate(weights, start=-1):
            found += weight[..., None] * self.places_m[base + offset]
        return found


def separation_rad(first: Floats, second: Floats) -> Floats:
    """Angle between vectors.

    Parameters
    ----------
    first, second : ndarray, shape (..., 3)
        Vectors of any length.

    Returns
    -------
    ndarray, shape (...)
        Angle [rad].

    Examples
    --------
    >>> separation_rad(np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 2.0, 0.0]])).round(6).tolist()
    [1.570796]
    """
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.arctan2(across, np.einsum("...i,...i->...", first, second))


def mean_anomaly_rad(true_anomaly_rad: Floats, eccentricity: float) -> Floats:
    """Mean anomaly at a true anomaly of any revolution.

    Parameters
    ----------
    true_anomaly_rad : ndarray
        True anomaly [rad].
    eccentricity : float
        Eccentricity [1].

    Returns
    -------
    ndarray
        Mean anomaly, growing with the true anomaly from turn to turn [rad].

    Examples
    --------
    >>> mean_anomaly_rad(np.array([np.pi, 3 * np.pi]), 0.5).round(6).tolist()
    [3.141593, 9.424778]
    """
    beta = eccentricity / (1.0 + math.sqrt(1.0 - eccentricity**2))
    eccentric = true_anomaly_rad - 2.0 * np.arctan2(
        beta * np.sin(true_anomaly_rad), 1.0 + beta * np.cos(true_anomaly_rad)
    )
    return eccentric - eccentricity * np.sin(eccentric)


def hidden_by_moon_s(
    orbit: LunarOrbit, track: Track, body_radius_m: float, first_s: float, last_s: float, edge: Edge
) -> Floats:
    """Intervals in which the Moon hides a body.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    track : Track
        The body's path.
    body_radius_m : float
        Its radius [m].
    first_s, last_s : float
        Span, from the orbit's epoch [s].
    edge : {"umbra", "penumbra"}
        Whole disc or any part of it.

    Returns
    -------
    ndarray, shape (n, 2)
        Beginnings and ends, from the orbit's epoch [s], ascending, cut at the ends of the span.

    Notes
    -----
    The shadow of a ball crosses an orbit round it once a revolution and within 90 deg of the direction
    opposite to the body. There 37 directions are tried, a near miss is looked at more finely, and both
    edges are bisected.
    """
    turns = np.arange(math.floor(first_s / orbit.period_s) - 1, math.ceil(last_s / orbit.period_s) + 2)
    found = [
        _chunk(orbit, track, body_radius_m, turns[at : at + _CHUNK].astype(np.float64), _SIGN[edge])
        for at in range(0, turns.size, _CHUNK)
    ]
    intervals = np.concatenate(found)
    intervals = intervals[np.argsort(intervals[:, 0])]
    if len(intervals):
        fresh = np.diff(intervals[:, 0], prepend=-np.inf) > 0.25 * orbit.period_s
        intervals = intervals[fresh]
    return _cut(intervals, first_s, last_s)


def earth_shadow_s(
    orbit: LunarOrbit, sun: Track, earth: Track, first_s: float, last_s: float, edge: Edge
) -> Floats:
    """Intervals in which the Earth hides the Sun from an orbit.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    sun, earth : Track
        Paths of both.
    first_s, last_s : float
        Span, from the orbit's epoch [s].
    edge : {"umbra", "penumbra"}
        Whole disc or any part of it.

    Returns
    -------
    ndarray, shape (n, 2)
        Beginnings and ends, from the orbit's epoch [s], ascending, cut at the ends of the span.
    """

    def margin(seconds: Floats) -> Floats:
        place = _place(orbit, seconds)
        to_sun, to_earth = sun.at(seconds) - place, earth.at(seconds) - place
        limit = _radius(EARTH_RADIUS_M, to_earth) + _SIGN[edge] * _radius(SUN_RADIUS_M, to_sun)
        return separation_rad(to_sun, to_earth) - limit

    coarse = np.arange(first_s - 1800.0, last_s + 1800.0, 1800.0)
    to_sun, to_earth = sun.at(coarse), earth.at(coarse)
    highest = MOON_RADIUS_M + orbit.apolune_altitude_m
    reach = np.arcsin((EARTH_RADIUS_M + highest) / np.linalg.norm(to_earth, axis=1)) + 0.02
    near = np.flatnonzero(separation_rad(to_sun, to_earth) < reach)
    step = min(60.0, orbit.period_s / 240.0)
    found = []
    for group in np.split(near, np.flatnonzero(np.diff(near) > 1) + 1):
        if group.size:
            fine = np.arange(coarse[group[0]] - 3600.0, coarse[group[-1]] + 3600.0, step)
            found.append(_below_zero(margin, fine))
    return _cut(np.concatenate(found) if found else np.empty((0, 2)), first_s, last_s)


def _chunk(orbit: LunarOrbit, track: Track, body_radius_m: float, turns: Floats, sign: float) -> Floats:
    """Intervals about the revolutions given; a revolution at the seam is looked at from both sides."""
    e = orbit.eccentricity
    size = orbit.semi_major_axis_m * (1.0 - e * e)
    perilune, motion, _ = orbit.axes()

    def margin(anomaly: Floats, turn: Floats) -> tuple[Floats, Floats]:
        seconds = (turn + mean_anomaly_rad(anomaly, e) / (2.0 * np.pi)) * orbit.period_s
        radius = size / (1.0 + e * np.cos(anomaly))
        place = radius[..., None] * (np.cos(anomaly)[..., None] * perilune + np.sin(anomaly)[..., None] * motion)
        to_body = track.at(seconds) - place
        limit = np.arcsin(MOON_RADIUS_M / radius) + sign * _radius(body_radius_m, to_body)
        return separation_rad(to_body, -place) - limit, seconds

    away = -track.at(turns * orbit.period_s)
    middle = np.arctan2(away @ motion, away @ perilune)
    seam = np.abs(middle) > 0.75 * np.pi
    middle = np.concatenate([middle, middle[seam] - 2.0 * np.pi * np.sign(middle[seam])])
    turns = np.concatenate([turns, turns[seam]])
    deepest = _deepest(margin, middle, turns)
    inside = margin(deepest, turns)[0] < 0.0
    deepest, turns = deepest[inside], turns[inside]
    ends = [_edge(margin, deepest, deepest + side * np.pi, turns) for side in (-1.0, 1.0)]
    return np.stack(ends, axis=1)


def _deepest(margin: Callable[[Floats, Floats], tuple[Floats, Floats]], middle: Floats, turns: Floats) -> Floats:
    """True anomaly where the body is deepest behind the limb, refined where it is a near thing."""
    tried = middle[:, None] + _GRID
    depth = margin(tried, np.broadcast_to(turns[:, None], tried.shape))[0]
    best = np.argmin(depth, axis=1)
    rows = np.arange(len(middle))
    found, least, width = tried[rows, best], depth[rows, best], float(_GRID[1] - _GRID[0])
    close = np.flatnonzero((least >= 0.0) & (least < _GRAZING_RAD))
    for _ in range(4):
        finer = found[close, None] + width * np.linspace(-1.0, 1.0, 17)
        depth = margin(finer, np.broadcast_to(turns[close, None], finer.shape))[0]
        found[close] = finer[np.arange(close.size), np.argmin(depth, axis=1)]
        width /= 8.0
    return found


def _edge(
    margin: Callable[[Floats, Floats], tuple[Floats, Floats]], inside: Floats, outside: Floats, turns: Floats
) -> Floats:
    """Instant at which the margin passes zero between two anomalies."""
    inside, outside = inside.copy(), outside.copy()
    for _ in range(34):
        tried = 0.5 * (inside + outside)
        dark = margin(tried, turns)[0] < 0.0
        inside, outside = np.where(dark, tried, inside), np.where(dark, outside, tried)
    return margin(0.5 * (inside + outside), turns)[1]


def _below_zero(margin: Callable[[Floats], Floats], seconds: Floats) -> Floats:
    """Intervals in which a margin is below zero, their edges bisected."""
    dark = margin(seconds) < 0.0
    dark[[0, -1]] = False
    change = np.flatnonzero(dark[1:] != dark[:-1])
    left, right, rising = seconds[change], seconds[change + 1], dark[change + 1]
    for _ in range(20):
        tried = 0.5 * (left + right)
        before = (margin(tried) < 0.0) != rising
        left, right = np.where(before, tried, left), np.where(before, right, tried)
    return (0.5 * (left + right)).reshape(-1, 2)


def _cut(intervals: Floats, first_s: float, last_s: float) -> Floats:
    """Intervals within a span, those across its ends cut."""
    kept = intervals[(intervals[:, 1] > first_s) & (intervals[:, 0] < last_s)]
    return np.clip(kept, first_s, last_s)


def _place(orbit: LunarOrbit, seconds: Floats) -> Floats:
    """Position in the orbit at instants from its epoch."""
    e = orbit.eccentricity
    anomaly = eccentric_anomaly(2.0 * np.pi * np.mod(seconds / orbit.period_s, 1.0), e)
    perilune, motion, _ = orbit.axes()
    along = np.cos(anomaly) - e
    across = math.sqrt(1.0 - e * e) * np.sin(anomaly)
    return orbit.semi_major_axis_m * (along[:, None] * perilune + across[:, None] * motion)


def _radius(radius_m: float, vector_m: Floats) -> Floats:
    """Angular radius of a sphere at the end of vectors."""
    return np.arcsin(radius_m / np.linalg.norm(vector_m, axis=-1))
