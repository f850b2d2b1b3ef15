"""Moments at which something in the sky crosses a level, found by refinement and not by time steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.errors import DateError, InputError
from moonpost.sky.almanac import Almanac
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc, iso

__all__ = ["Crossings", "bisect", "crossings", "extremes", "sun_crossings"]

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]
Function = Callable[[Times], Floats]

_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
_SUN_STEP_S = 6.0 * 3600.0
_TOLERANCE_S = 0.02
_SECOND = np.timedelta64(1, "s")


@dataclass(frozen=True, eq=False)
class Crossings:
    """Times at which a quantity crosses a level, in order.

    Parameters
    ----------
    time : ndarray of datetime64[ms], shape (n,)
        UTC.
    rising : ndarray of bool, shape (n,)
        Whether the quantity grows there.

    Examples
    --------
    >>> import numpy as np
    >>> found = Crossings(np.array(["2030-01-01", "2030-01-15"], "datetime64[ms]"), np.array([True, False]))
    >>> [kind for _, kind in found]
    ['rising', 'setting']
    """

    time: Times
    rising: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time)

    def __iter__(self) -> Iterator[tuple[np.datetime64, str]]:
        for moment, up in zip(self.time, self.rising, strict=True):
            yield moment, "rising" if up else "setting"

    @property
    def rises(self) -> Times:
        """Times of the upward crossings.

        Returns
        -------
        ndarray of datetime64[ms]
            UTC.
        """
        return self.time[self.rising]

    @property
    def sets(self) -> Times:
        """Times of the downward crossings.

        Returns
        -------
        ndarray of datetime64[ms]
            UTC.
        """
        return self.time[~self.rising]


def sun_crossings(
    almanac: Almanac, site: Site, start: TimeLike, stop: TimeLike, elevation_deg: float = 0.0
) -> Crossings:
    """Find when the Sun's centre rises or sets through an elevation over the local horizontal.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The observer.
    start, stop : str, datetime or datetime64
        Period searched, UTC.
    elevation_deg : float, default 0.0
        Elevation that is crossed [deg], -90 to 90. For the first ray of the upper limb over a level horizon give
        about -0.27; terrain is not part of this.

    Returns
    -------
    Crossings
        Risings and settings in order, to better than 1 s. Empty where the Sun stays above or below, as near a
        pole for months.

    Raises
    ------
    DateError
        If a date cannot be read, lies outside the kernels, or `stop` does not lie after `start`.
    InputError
        If the elevation is not a number from -90 to 90.

    Notes
    -----
    The elevation is sampled every six hours (3 deg of the Sun's motion); between samples each highest and lowest
    point is found first, so that a Sun that only grazes the level near a pole is not missed.

    Examples
    --------
    >>> found = sun_crossings(Almanac.default(), Site(-45.457, 177.589), "2019-01-03", "2019-02-01")
    >>> [(str(time)[:13], kind) for time, kind in found]
    [('2019-01-13T20', 'setting'), ('2019-01-28T16', 'rising')]
    """
    level = float(elevation_deg)
    if not -90.0 <= level <= 90.0:
        raise InputError(f"{elevation_deg!r} is not an elevation", where="elevation_deg", advice="give -90 to 90")
    return crossings(lambda t: almanac.sun(site, t).elevation_deg - level, start, stop, _SUN_STEP_S)


def crossings(function: Function, start: TimeLike, stop: TimeLike, step_s: float) -> Crossings:
    """Find all zeros of a smooth function of time.

    Parameters
    ----------
    function : callable
        Takes UTC times, datetime64[ms] of shape (n,), and returns numbers of shape (n,).
    start, stop : str, datetime or datetime64
        Period searched, UTC.
    step_s : float
        Spacing of the first samples [s]. Between neighbouring samples the function may turn once.

    Returns
    -------
    Crossings
        Zeros in order, to 0.02 s, each with its direction. Zero itself counts as above.

    Raises
    ------
    DateError
        If `stop` does not lie after `start`.
    InputError
        If `step_s` is not positive or the function gives something that is not finite.

    Notes
    -----
    Highest and lowest samples are refined by golden section and added to the samples; every change of sign then is
    halved until it is shorter than the tolerance. All intervals are worked on at once.

    Examples
    --------
    >>> import numpy as np
    >>> noon = np.datetime64("2030-01-01T12:00", "ms")
    >>> found = crossings(lambda t: (t - noon) / np.timedelta64(1, "h"), "2030-01-01", "2030-01-02", 7200)
    >>> abs(found.time[0] - noon) < np.timedelta64(1, "s"), found.rising.tolist()
    (np.True_, [True])
    """
    first, at = _sampled(start, stop, step_s)
    value = _call(function, first, at)
    at = np.union1d(at, np.concatenate([_turning(function, first, at, value, sign) for sign in (1.0, -1.0)]))
    above = _call(function, first, at) >= 0.0
    change = np.flatnonzero(above[1:] != above[:-1])
    ends = _moment(first, at)
    return Crossings(bisect(function, ends[change], ends[change + 1]), above[change + 1])


def bisect(function: Function, low: Times, high: Times) -> Times:
    """Narrow many intervals at once to the change of sign that each of them holds.

    Parameters
    ----------
    function : callable
        Takes UTC times, datetime64[ms] of shape (n,), and returns numbers of shape (n,).
    low, high : ndarray of datetime64[ms], shape (n,)
        Ends of the intervals; the signs of the function differ there.

    Returns
    -------
    ndarray of datetime64[ms], shape (n,)
        The zeros, to 0.02 s. Zero itself counts as above.

    Raises
    ------
    InputError
        If the function gives something that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> day = np.array(["2030-01-01", "2030-01-02"], dtype="datetime64[ms]")
    >>> noon = np.datetime64("2030-01-01T12:00", "ms")
    >>> found = bisect(lambda t: (t - noon) / np.timedelta64(1, "h"), day[:1], day[1:])
    >>> abs(found[0] - noon) < np.timedelta64(1, "s")
    np.True_
    """
    if not low.size:
        return low.copy()
    first = low.min()
    a, b = (low - first) / _SECOND, (high - first) / _SECOND
    rising = _call(function, first, b) >= 0.0
    while np.max(b - a) > _TOLERANCE_S:
        middle = 0.5 * (a + b)
        beyond = (_call(function, first, middle) >= 0.0) == rising
        a, b = np.where(beyond, a, middle), np.where(beyond, middle, b)
    return _moment(first, 0.5 * (a + b))


def extremes(function: Function, start: TimeLike, stop: TimeLike, step_s: float, *, highest: bool) -> Times:
    """Find the times at which a smooth function of time is highest or lowest.

    Parameters
    ----------
    function : callable
        Takes UTC times, datetime64[ms] of shape (n,), and returns numbers of shape (n,).
    start, stop : str, datetime or datetime64
        Period searched, UTC.
    step_s : float
        Spacing of the first samples [s]; the function may turn once between neighbours.
    highest : bool
        True for maxima, False for minima.

    Returns
    -------
    ndarray of datetime64[ms], shape (n,)
        Times in order, those inside the period only.

    Raises
    ------
    DateError
        If `stop` does not lie after `start`.
    InputError
        If `step_s` is not positive or the function gives something that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> noon = np.datetime64("2030-01-01T12:00", "ms")
    >>> hours = lambda t: ((t - noon) / np.timedelta64(1, "h")) ** 2
    >>> found = extremes(hours, "2030-01-01", "2030-01-02", 7200, highest=False)
    >>> abs(found[0] - noon) < np.timedelta64(1, "s")
    np.True_
    """
    first, at = _sampled(start, stop, step_s)
    found = _turning(function, first, at, _call(function, first, at), 1.0 if highest else -1.0)
    inside = (found > at[0] + 1.0) & (found < at[-1] - 1.0)
    return _moment(first, np.unique(found[inside]))


def _sampled(start: TimeLike, stop: TimeLike, step_s: float) -> tuple[np.datetime64, Floats]:
    """Start, and sample times in seconds from it, both ends included."""
    first, last = (as_utc(t).reshape(-1)[0] for t in (start, stop))
    if last <= first:
        raise DateError(f"stop {iso(last)} is not after start {iso(first)}", where="period", advice="swap them")
    if not (np.isfinite(step_s) and step_s > 0.0):
        raise InputError(
            f"{step_s!r} is not a usable step", where="step_s", advice="give a positive number of seconds"
        )
    span = float((last - first) / _SECOND)
    return first, np.linspace(0.0, span, max(3, int(np.ceil(span / step_s)) + 1))


def _turning(function: Function, first: np.datetime64, at: Floats, value: Floats, sign: float) -> Floats:
    """Times in seconds at which sign * function is highest between samples."""
    padded = np.concatenate([[-np.inf], sign * value, [-np.inf]])
    peak = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] >= padded[2:]))
    low, high = at[np.maximum(peak - 1, 0)], at[np.minimum(peak + 1, at.size - 1)]
    while peak.size and np.max(high - low) > 0.5:
        a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        left = sign * _call(function, first, a) >= sign * _call(function, first, b)
        low, high = np.where(left, low, a), np.where(left, b, high)
    return 0.5 * (low + high)


def _call(function: Function, first: np.datetime64, at: Floats) -> Floats:
    """Values of the function at seconds after the start."""
    value = np.asarray(function(_moment(first, at)), dtype=float)
    if value.shape != at.shape or not np.isfinite(value).all():
        raise InputError("does not give one finite number per time", where="function", advice="check it")
    return value


def _moment(first: np.datetime64, at: Floats) -> Times:
    """UTC at seconds after the start, to 1 ms."""
    return first + np.rint(1000.0 * at).astype("timedelta64[ms]")
