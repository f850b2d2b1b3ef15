"""Tables of how long the Sun, the Earth or any body stands above each elevation, for averages over years."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.sky.apparent import Apparent
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc, times
from moonpost.terrain.residencelookup import NO_HEIGHT, SMALLEST_DEG, Residence

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["NO_HEIGHT", "Residence", "residence", "residence_of"]

_FINEST_DEG = 0.01
_MOST_ENTRIES = 3_000_000
_LIMB = 0.6
_RINGS = 4


def residence(
    almanac: Almanac,
    site: Site,
    start: TimeLike,
    stop: TimeLike,
    *,
    body: Literal["sun", "earth"] = "sun",
    azimuths: int = 720,
    step_s: float = 3600.0,
    origin_deg: float = 0.0,
    limb_darkening: bool = False,
) -> Residence:
    """Tabulate how long the Sun or the Earth stands above each elevation, by azimuth.

    Parameters
    ----------
    almanac : Almanac
        Where the Sun and the Earth are.
    site : Site
        The middle of the area for which the table is to serve.
    start, stop : time
        The period, UTC; 18.6 years hold one nodal cycle.
    body : {"sun", "earth"}
        Which body.
    azimuths : int, default 720
        Number of azimuths of the horizons that will be looked up.
    step_s : float, default 3600.0
        Spacing of the instants [s].
    origin_deg : float, default 0.0
        True azimuth, at the site, of the first azimuth of the horizons [deg]. For horizons by map azimuth it is
        minus the map's convergence at the site.
    limb_darkening : bool, default False
        Whether the disc is weighted by a linear limb darkening of 0.6, as in `illumination`.

    Returns
    -------
    Residence
        Some 2 MB for each of its tables.

    Raises
    ------
    InputError
        If the body or a number is of no use.
    DateError
        If the period lies outside the kernels.

    Notes
    -----
    A table takes about a second; the average of a cell then costs 1,440 look-ups in place of one horizon for each
    hour. Every instant's own radius of the disc counts.

    References
    ----------
    Mazarico, E. et al. (2011), Illumination conditions of the lunar polar regions using LOLA topography, Icarus
    211, 1066-1081, DOI 10.1016/j.icarus.2010.10.030, averages by a loop over time for each cell.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> found = residence(Almanac.default(), Site(-89.5, 0.0), "2030-01-01", "2030-03-01")
    >>> found.average(np.full((1, 720), -90.0)).round(5).tolist()
    [1.0]
    """
    if body not in ("sun", "earth"):
        raise InputError(f"unknown body {body!r}", where="body", advice="give 'sun' or 'earth'")
    t = times(start, stop, step_s)
    seen = almanac.sun(site, t) if body == "sun" else almanac.earth(site, t)
    return residence_of(
        seen, site, body=body, azimuths=azimuths, origin_deg=origin_deg, limb_darkening=limb_darkening
    )


def residence_of(
    seen: Apparent,
    site: Site,
    *,
    body: str,
    azimuths: int = 720,
    origin_deg: float = 0.0,
    limb_darkening: bool = False,
    counted: ArrayLike | None = None,
) -> Residence:
    """Tabulate how long any body stands above each elevation, by azimuth: a ground station, a relay.

    Parameters
    ----------
    seen : Apparent
        The body in the sky of the site at equally spaced instants, in order of time.
    site : Site
        The middle of the area for which the table is to serve.
    body : str
        Its name, for the record.
    azimuths, origin_deg, limb_darkening
        As for `residence`.
    counted : array_like, shape (n,), optional
        How much each instant counts, 0 to 1: 0 where a station does not see the Moon. All count fully if not
        given; averages are over all instants in any case.

    Returns
    -------
    Residence
        Its table.

    Raises
    ------
    InputError
        If a number is of no use.

    Notes
    -----
    A point counts as a disc of 0.005 deg radius. The body should be far: its parallax within the area is left out.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> from moonpost.sky.stations import GroundStation
    >>> site = Site(-89.5, 0.0)
    >>> t = times("2030-01-01", "2030-02-01", 3600.0)
    >>> station = Almanac.default().station(site, GroundStation("kiruna", 67.86, 20.96, 400.0), t)
    >>> up = residence_of(station, site, body="station", counted=station.moon_elevation_deg > 10.0)
    >>> float(up.visible(np.zeros(720))[0]) < 0.5
    True
    """
    from moonpost.terrain.light import body_samples
    from moonpost.terrain.residencetables import disc_table, path_table, reach

    if not 4 <= azimuths <= 100_000:
        raise InputError(f"{azimuths} azimuths", where="azimuths", advice="give 4 to 100,000")
    if not math.isfinite(origin_deg):
        raise InputError(f"{origin_deg!r}", where="origin_deg", advice="give degrees")
    samples, time = body_samples(seen, "seen"), as_utc(seen.time)
    n = len(samples)
    weight = _weights(counted, n)
    turn = (np.asarray(seen.azimuth_deg, dtype=np.float64) - origin_deg) / 360.0 % 1.0
    elevation = np.asarray(seen.elevation_deg, dtype=np.float64)
    radius = np.maximum(samples[:, 3], SMALLEST_DEG)
    mean = float(radius.mean())
    low, high = reach(turn, elevation, radius, azimuths)
    first, step, rows = _grid(low, high, mean)
    disc = disc_table(turn, elevation, radius, weight, first, step, rows, _rings(limb_darkening))
    angle, level = 2.0 * np.pi * turn, np.cos(np.radians(elevation))
    place = np.stack([np.sin(angle) * level, np.cos(angle) * level, samples[:, 2]], axis=-1)
    path = path_table(place, radius - mean, weight, first, step, rows)
    stop = time[-1] + (time[-1] - time[-2] if n > 1 else np.timedelta64(1, "h"))
    return Residence(
        site=site,
        body=body,
        start=time[0],
        stop=stop,
        samples=n,
        origin_deg=float(origin_deg),
        limb_darkening=limb_darkening,
        radius_deg=float(samples[:, 3].mean()),
        parallax=float(np.linalg.norm(site.position_m) / np.mean(seen.distance_m)),
        first_deg=first,
        step_deg=step,
        disc=disc.astype(np.float32),
        path=path.astype(np.float32),
    )


def _weights(counted: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Share of each instant in the whole."""
    values = np.ones(n) if counted is None else np.asarray(counted, dtype=np.float64)
    if n == 0 or values.shape != (n,) or not np.all((values >= 0.0) & (values <= 1.0)):
        raise InputError(
            f"shape {values.shape} for {n} instants, or beyond 0 to 1",
            where="counted",
            advice="give one share for each instant, and at least one instant",
        )
    return values / n


def _grid(
    low: NDArray[np.float64], high: NDArray[np.float64], radius_deg: float
) -> tuple[NDArray[np.float64], float, int]:
    """First elevations of the bins, their spacing and number: finer than the disc, and not too many."""
    held = low <= high
    step = _FINEST_DEG
    while True:
        first = np.where(held, (np.floor(np.where(held, low, 0.0) / step) - 1.0) * step, 0.0)
        rows = int(np.ceil(np.max(np.where(held, high - first, 0.0)) / step)) + 2
        if rows * low.size <= _MOST_ENTRIES and radius_deg / step < 60.0:
            return first, step, rows
        step *= 2.0


def _rings(limb_darkening: bool) -> NDArray[np.float64]:
    """Even discs whose sum is the disc: radii, and shares of the light."""
    if not limb_darkening:
        return np.ones((1, 2))
    node, weight = np.polynomial.legendre.leggauss(_RINGS)
    cosine, weight = 0.5 * (node + 1.0), 0.5 * weight
    light = np.append(weight * _LIMB * (1.0 - cosine * cosine), 1.0 - _LIMB)
    return np.stack([np.append(np.sqrt(1.0 - cosine * cosine), 1.0), light / light.sum()], axis=-1)
