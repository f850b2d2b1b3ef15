"""Instants at which a quantity that follows the Sun in a site's sky changes sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.sky.times import TimeLike, as_utc

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac
    from moonpost.sky.apparent import Apparent
    from moonpost.sky.site import Site

__all__ = ["Crossings", "Level", "level_crossings"]

Level = Callable[["Apparent"], npt.NDArray[np.float64]]
"""A quantity of the Sun's apparent place, one value per instant."""

_STEP_H = 1
_HALVINGS = 13
_HOUR_MS = 3_600_000


class Crossings(NamedTuple):
    """Sign changes: `utc` (datetime64[ms]) and `rising` (True where the quantity grows), both of shape (n,)."""

    utc: npt.NDArray[np.datetime64]
    rising: npt.NDArray[np.bool_]


def level_crossings(almanac: Almanac, site: Site, level: Level, start: TimeLike, stop: TimeLike) -> Crossings:
    """Find where a quantity of the Sun's place passes zero, to one second.

    Parameters
    ----------
    almanac : Almanac
        Where the Sun stands.
    site : Site
        Place on the Moon.
    level : callable
        Takes an `Apparent` and returns one value per instant.
    start, stop : date-like
        Span to search, UTC.

    Returns
    -------
    Crossings
        In order of time.

    Raises
    ------
    InputError
        If `stop` is not after `start`.
    DateError
        If the span lies outside the kernels.

    Notes
    -----
    Samples each hour, in which the Sun moves by 0.5 deg, then halves each bracket to below one second. Two
    crossings within the same hour, a grazing Sun, are not seen.

    Examples
    --------
    >>> from moonpost.sky import Almanac, Site
    >>> found = level_crossings(
    ...     Almanac.default(), Site(0.0, 0.0), lambda sun: sun.elevation_deg, "2030-01-01", "2030-01-30"
    ... )
    >>> found.rising.tolist()
    [True, False]
    """
    first, last = (as_utc(when).reshape(-1)[0] for when in (start, stop))
    if last <= first:
        raise InputError("stop is not after start", where="level_crossings", advice="exchange the dates")
    grid = np.append(np.arange(first, last, np.timedelta64(_STEP_H, "h")), last)
    above = level(almanac.sun(site, grid)) >= 0.0
    changes = np.flatnonzero(above[1:] != above[:-1])
    rising = above[changes + 1]
    low = (grid[changes] - first).astype(np.int64)
    high = (grid[changes + 1] - first).astype(np.int64)
    if not len(changes):
        return Crossings(grid[:0], rising)
    for _ in range(_HALVINGS):
        middle = (low + high) // 2
        passed = (level(almanac.sun(site, first + middle.astype("timedelta64[ms]"))) >= 0.0) == rising
        high = np.where(passed, middle, high)
        low = np.where(passed, low, middle)
    return Crossings(first + high.astype("timedelta64[ms]"), rising)


def rate_per_hour(
    almanac: Almanac, site: Site, level: Level, t: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.float64]:
    """Change of the level per hour, by a central difference over one hour."""
    half = np.timedelta64(_HOUR_MS // 2, "ms")
    return level(almanac.sun(site, t + half)) - level(almanac.sun(site, t - half))
