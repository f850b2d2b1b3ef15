"""Every interval in which a lunar orbit has no Sun, or no Earth, in view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError
from moonpost.flight.occultation import (
    Edge,
    Track,
    earth_shadow_s,
    hidden_by_moon_s,
    mean_anomaly_rad,
)
from moonpost.flight.orbit import LunarOrbit
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M, EARTH_RADIUS_M, SUN_RADIUS_M
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = [
    "Darkness",
    "contact_share",
    "darkness",
    "earth_outages",
    "longest_umbra_s",
]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

_APHELION_AU = 1.0167
_SUN_RAD_S = math.radians(1.06) / 86400.0


@dataclass(frozen=True, eq=False)
class Darkness:
    """Intervals in which a body is hidden from an orbit.

    Parameters
    ----------
    body : {"sun", "earth"}
        What is hidden.
    edge : {"umbra", "penumbra"}
        umbra: the whole disc is hidden; penumbra: any part of it is.
    span : tuple of numpy.datetime64
        First and last instant looked at; intervals end there.
    start, stop : ndarray of datetime64[ms], shape (n,)
        Ends of the intervals, UTC, ascending.
    cause : tuple of str
        What hides it: ``moon``, ``earth`` or ``moon and earth``.

    Examples
    --------
    >>> none = np.array([], "datetime64[ms]")
    >>> year = (np.datetime64("2030-01-01", "ms"), np.datetime64("2031-01-01", "ms"))
    >>> Darkness("sun", "umbra", year, none, none, ()).share
    0.0
    """

    body: Literal["sun", "earth"]
    edge: Edge
    span: tuple[np.datetime64, np.datetime64]
    start: Times
    stop: Times
    cause: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start)

    @property
    def duration_s(self) -> Floats:
        """Length of each interval, shape (n,) [s]."""
        return (self.stop - self.start) / np.timedelta64(1, "ms") / 1000.0

    @property
    def share(self) -> float:
        """Part of the time in which the body is hidden [1]."""
        whole = (self.span[1] - self.span[0]) / np.timedelta64(1, "ms") / 1000.0
        return float(self.duration_s.sum() / whole)

    def longest(self) -> dict[str, Any] | None:
        """The longest interval.

        Returns
        -------
        dict or None
            ``start``, ``stop``, ``duration_s`` and ``cause``; None if the body is never hidden.
        """
        if not len(self):
            return None
        at = int(np.argmax(self.duration_s))
        return {
            "start": _text(self.start[at]),
            "stop": _text(self.stop[at]),
            "duration_s": float(self.duration_s[at]),
            "cause": self.cause[at],
        }

    def longest_gap_s(self) -> float:
        """Longest time in view without an interval [s].

        Returns
        -------
        float
        """
        ends = np.concatenate([[self.span[0]], self.stop])
        starts = np.concatenate([self.start, [self.span[1]]])
        return float(((starts - ends) / np.timedelta64(1, "ms")).max() / 1000.0)

    def by_year(self) -> tuple[dict[str, Any], ...]:
        """Number, sum and length of the intervals that begin in each year.

        Returns
        -------
        tuple of dict
            ``year``, ``intervals``, ``total_s`` and ``longest_s``.
        """
        years = self.start.astype("datetime64[Y]").astype(int) + 1970
        rows = []
        for year in np.unique(years):
            lengths = self.duration_s[years == year]
            rows.append(
                {
                    "year": int(year),
                    "intervals": int(lengths.size),
                    "total_s": float(lengths.sum()),
                    "longest_s": float(lengths.max()),
                }
            )
        return tuple(rows)

    def to_dict(self) -> dict[str, Any]:
        """A summary ready for JSON."""
        return {
            "body": self.body,
            "edge": self.edge,
            "start": _text(self.span[0]),
            "stop": _text(self.span[1]),
            "intervals": len(self),
            "share": self.share,
            "longest": self.longest(),
            "by_year": list(self.by_year()),
        }


def darkness(
    orbit: LunarOrbit, almanac: Almanac, start: TimeLike, stop: TimeLike, *, edge: Edge = "umbra"
) -> Darkness:
    """Every interval without sunlight in an orbit, behind the Moon or in the shadow of the Earth.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    almanac : Almanac
        Ephemerides.
    start, stop : str or datetime64
        UTC.
    edge : {"umbra", "penumbra"}
        umbra: no part of the Sun's disc in view; penumbra: not all of it.

    Returns
    -------
    Darkness
        One interval a revolution in the seasons with shadow; intervals that touch are joined.

    Raises
    ------
    DateError
        If `stop` is not after `start` or a date lies outside the kernels.

    Notes
    -----
    Found by events, not by steps: each revolution is searched about the anti-solar direction and the edges
    are bisected to 1 ms, so no shadow is too short to be found in 19 years of a low orbit. Moments in which the
    Moon and the Earth only together hide the Sun are left out.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> low = LunarOrbit(100e3, 100e3, 0.0)
    >>> found = darkness(low, Almanac.default(), "2030-01-01", "2030-01-02")
    >>> len(found), round(found.longest()["duration_s"] / 60)
    (13, 46)
    """
    first, last, span = _span(orbit, start, stop)
    sun = Track.of(almanac, "sun", orbit, first, last)
    earth = Track.of(almanac, "earth", orbit, first, last)
    behind_moon = hidden_by_moon_s(orbit, sun, SUN_RADIUS_M, first, last, edge)
    behind_earth = earth_shadow_s(orbit, sun, earth, first, last, edge)
    return _joined("sun", edge, orbit, span, [(behind_moon, "moon"), (behind_earth, "earth")])


def earth_outages(
    orbit: LunarOrbit, almanac: Almanac, start: TimeLike, stop: TimeLike, *, edge: Edge = "umbra"
) -> Darkness:
    """Every interval in which the Moon hides the Earth from an orbit.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    almanac : Almanac
        Ephemerides.
    start, stop : str or datetime64
        UTC.
    edge : {"umbra", "penumbra"}
        umbra: the whole Earth is hidden; penumbra: any part of it is.

    Returns
    -------
    Darkness
        With `body` ``earth``.

    Raises
    ------
    DateError
        If `stop` is not after `start` or a date lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> level = LunarOrbit(100e3, 100e3, 0.0)
    >>> out = earth_outages(level, Almanac.default(), "2030-01-01", "2030-01-08")
    >>> round(out.longest()["duration_s"] / 60), round(out.share, 2)
    (46, 0.39)
    """
    first, last, span = _span(orbit, start, stop)
    earth = Track.of(almanac, "earth", orbit, first, last)
    hidden = hidden_by_moon_s(orbit, earth, EARTH_RADIUS_M, first, last, edge)
    return _joined("earth", edge, orbit, span, [(hidden, "moon")])


def contact_share(orbit: LunarOrbit, almanac: Almanac, start: TimeLike, stop: TimeLike) -> float:
    """Part of the time in which all of the Earth is in view from an orbit.

    Parameters
    ----------
    orbit : LunarOrbit
        The orbit.
    almanac : Almanac
        Ephemerides.
    start, stop : str or datetime64
        UTC.

    Returns
    -------
    float
        Share of time [1], an upper bound for contact with one network: ground stations are not looked at.

    Raises
    ------
    DateError
        If `stop` is not after `start` or a date lies outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> round(contact_share(LunarOrbit(100e3, 100e3, 0.0), Almanac.default(), "2030-01-01", "2030-01-08"), 2)
    0.6
    """
    return 1.0 - earth_outages(orbit, almanac, start, stop, edge="penumbra").share


def longest_umbra_s(orbit: LunarOrbit) -> float:
    r"""Longest time behind the Moon without sunlight, for the worst direction of the Sun.

    Parameters
    ----------
    orbit : LunarOrbit
        Its size and shape count, its angles do not.

    Returns
    -------
    float
        Duration [s], an upper bound whatever becomes of the node and the argument of perilune.

    Notes
    -----
    The Sun is put into the orbit's plane (any other beta angle shortens the shadow) and turned round it in
    steps of one degree; the disc hides behind the limb where the angle from the anti-solar direction is below
    :math:`\arcsin(R/r) - \rho`, with :math:`\rho` the Sun's radius at aphelion. The shadow runs ahead with the
    Sun by at most :math:`w` = 1.06 deg a day. For a circular orbit of mean motion :math:`n` this is
    :math:`2 (\arcsin(R/a) - \rho)/(n - w)`. Shadows of the Earth are longer and are in `darkness`.

    Examples
    --------
    >>> round(longest_umbra_s(LunarOrbit(100e3, 100e3, 90.0)) / 60, 1)
    46.3
    """
    e = orbit.eccentricity
    size = orbit.semi_major_axis_m * (1.0 - e * e)
    sun_radius = math.asin(SUN_RADIUS_M / (_APHELION_AU * ASTRONOMICAL_UNIT_M))
    middle = np.radians(np.arange(0.0, 360.0, 1.0))
    noon = _seconds_at(orbit, middle)
    ends = []
    for side in (-1.0, 1.0):
        inside, outside = np.zeros(middle.size), np.full(middle.size, 0.5 * np.pi)
        for _ in range(50):
            tried = 0.5 * (inside + outside)
            radius = size / (1.0 + e * np.cos(middle + side * tried))
            ahead = _SUN_RAD_S * np.abs(_seconds_at(orbit, middle + side * tried) - noon)
            dark = tried - ahead < np.arcsin(MOON_RADIUS_M / radius) - sun_radius
            inside, outside = np.where(dark, tried, inside), np.where(dark, outside, tried)
        ends.append(_seconds_at(orbit, middle + side * inside))
    return float((ends[1] - ends[0]).max())


def _seconds_at(orbit: LunarOrbit, true_anomaly: Floats) -> Floats:
    """Time since perilune at true anomalies of any revolution."""
    return mean_anomaly_rad(true_anomaly, orbit.eccentricity) * orbit.period_s / (2.0 * np.pi)


def _span(
    orbit: LunarOrbit, start: TimeLike, stop: TimeLike
) -> tuple[float, float, tuple[np.datetime64, np.datetime64]]:
    """Ends of a span in seconds from the orbit's epoch, and as given."""
    ends = np.array([as_utc(start), as_utc(stop)], "datetime64[ms]").ravel()
    first, last = ((ends - orbit.epoch) / np.timedelta64(1, "ms") / 1000.0).tolist()
    if not last > first:
        raise DateError(
            f"stop {_text(ends[1])} is not after start {_text(ends[0])}", where="span", advice="swap them"
        )
    return first, last, (ends[0], ends[1])


def _joined(
    body: Literal["sun", "earth"],
    edge: Edge,
    orbit: LunarOrbit,
    span: tuple[np.datetime64, np.datetime64],
    parts: list[tuple[Floats, str]],
) -> Darkness:
    """Union of intervals of several causes."""
    rows = sorted((row[0], row[1], cause) for intervals, cause in parts for row in intervals.tolist())
    union: list[tuple[float, float, frozenset[str]]] = []
    for begin, end, cause in rows:
        if union and begin <= union[-1][1]:
            last = union[-1]
            union[-1] = (last[0], max(last[1], end), last[2] | {cause})
        else:
            union.append((begin, end, frozenset({cause})))
    ends = np.array([[begin, end] for begin, end, _ in union]).reshape(-1, 2)
    moments = orbit.epoch + np.rint(1000.0 * ends).astype("timedelta64[ms]")
    causes = tuple(" and ".join(sorted(cause, reverse=True)) for _, _, cause in union)
    return Darkness(body, edge, span, moments[:, 0], moments[:, 1], causes)


def _text(moment: np.datetime64) -> str:
    """An instant for people and JSON, to the second."""
    return str(moment.astype("datetime64[s]")) + "Z"
