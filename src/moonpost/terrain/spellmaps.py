"""Longest darkness, light and Earth outage of many cells at once, by event."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.sky.apparent import Apparent
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import TimeLike
from moonpost.terrain.intervals import _Period
from moonpost.terrain.light import body_samples

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["SPELLS", "BodyPaths", "body_paths", "longest_spells"]

SPELLS = {
    "longest_dark_d": (0, -1),
    "longest_light_d": (1, -1),
    "longest_earth_outage_d": (-1, 0),
    "longest_dark_without_earth_d": (0, 0),
}
"""The states looked for: of the Sun and of the Earth 1 is seen, 0 hidden, -1 either."""

MISSING = -32768
"""Value of an int16 horizon that stands for no data."""

_FARTHEST_DEG = 2.0
_HIGH_DEG = 60.0
_ROUND_DEG = 0.002

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BodyPaths:
    """Where the Sun and the Earth go over a place and its surroundings, hour by hour.

    Parameters
    ----------
    site : Site
        The middle of the area.
    start, stop : numpy.datetime64
        The period, UTC.
    step_s : float
        Time between samples, an hour or a little less [s].
    samples : ndarray, shape (2, n, 5)
        Of the Sun and the Earth: unit vector to the east, the north and up, angular radius [deg], and one over the
        distance [1/m].

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> paths = body_paths(Almanac.default(), Site(-89.5, 0.0), "2030-01-01", "2030-02-01")
    >>> paths.samples.shape
    (2, 745, 5)
    """

    site: Site
    start: np.datetime64
    stop: np.datetime64
    step_s: float
    samples: Floats

    def hours(self, azimuths: int, origin_deg: float) -> tuple[NDArray[np.int16], float, float]:
        """Of each hour the azimuth bin and the range of the upper rim's elevation, for both bodies.

        Parameters
        ----------
        azimuths : int
            Number of bins.
        origin_deg : float
            True azimuth at which the first begins [deg].

        Returns
        -------
        hours : ndarray of int16, shape (2, n - 1, 3)
            Bin (`azimuths` itself where the body is beyond 60 deg), lowest and highest rim [1/200 deg].
        half_way_deg : float
            Most that a centre moves in azimuth to either side of the middle of an hour [deg].
        highest_deg : float
            Highest elevation, up or down, of the bodies in any bin [deg].
        """
        from moonpost.terrain.spellkernels import PARTS

        x, y, z, radius = (self.samples[..., i] for i in range(4))
        azimuth, elevation = np.degrees(np.arctan2(x, y)), np.degrees(np.arctan2(z, np.hypot(x, y)))
        way = (np.diff(azimuth) + 180.0) % 360.0 - 180.0
        low = np.minimum(elevation[:, 1:], elevation[:, :-1])
        high = np.maximum(elevation[:, 1:], elevation[:, :-1])
        most = np.maximum(np.abs(low), np.abs(high))
        usual = most <= _HIGH_DEG
        bend = (
            6.5e-4
            * (1.0 + 2.0 * np.tan(np.radians(np.minimum(most, 80.0))))
            / np.cos(np.radians(np.minimum(most, 80.0)))
        )
        place = np.floor((azimuth[:, :-1] + 0.5 * way - origin_deg) / 360.0 * azimuths).astype(np.int64) % azimuths
        rim = np.minimum(radius[:, 1:], radius[:, :-1]), np.maximum(radius[:, 1:], radius[:, :-1])
        hours = np.stack(
            [
                np.where(usual, place, azimuths),
                np.floor(PARTS * (low + rim[0] - bend)),
                np.ceil(PARTS * (high + rim[1] + bend)),
            ],
            axis=-1,
        ).astype(np.int16)
        half = float(np.max(np.where(usual, 0.5 * np.abs(way) + bend, 0.0)))
        return hours, half, float(np.max(np.where(usual, most, 0.0)))


def body_paths(almanac: Almanac, site: Site, start: TimeLike, stop: TimeLike) -> BodyPaths:
    """Follow the Sun and the Earth over the middle of an area.

    Parameters
    ----------
    almanac : Almanac
        Where they are.
    site : Site
        The middle; one set of paths serves cells within 2 deg (60 km) of it.
    start, stop : time
        The period, UTC.

    Returns
    -------
    BodyPaths
        Hourly samples; 18.6 years take 13 MB.

    Raises
    ------
    InputError
        If the period is empty.
    DateError
        If the period is outside the kernels.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> body_paths(Almanac.default(), Site(-89.5, 0.0), "2030-01-01", "2030-02-01").step_s
    3600.0
    """
    period = _Period.make(start, stop)
    samples = np.stack(
        [
            _with_distance(almanac.sun(site, period.samples), "sun"),
            _with_distance(almanac.earth(site, period.samples), "earth"),
        ]
    )
    step_s = period.length_s / (len(period.samples) - 1)
    return BodyPaths(site, period.start, period.stop, step_s, samples)


def longest_spells(
    paths: BodyPaths,
    horizons: ArrayLike,
    latitude_deg: ArrayLike | None = None,
    longitude_deg: ArrayLike | None = None,
    *,
    height_m: ArrayLike | None = None,
    origin_deg: ArrayLike = 0.0,
    spells: Sequence[str] = tuple(SPELLS),
) -> dict[str, NDArray[np.float32]]:
    """Longest darkness, light, Earth outage and darkness without the Earth behind many horizons.

    Parameters
    ----------
    paths : BodyPaths
        The Sun and the Earth over the middle of the area.
    horizons : array_like, shape (azimuths, ...)
        Elevations of the horizons at equally spaced azimuths clockwise, azimuth-major: int16 in hundredths of a
        degree, -32768 for no data, or floating point in degrees, NaN for no data.
    latitude_deg, longitude_deg : array_like, shape (...), optional
        Places of the cells [deg], within 2 degrees of the middle; the middle itself if not given.
    height_m : array_like, shape (...), optional
        Heights of the cells' eyes [m], for the Earth's parallax; that of the middle if not given. NaN for no data.
    origin_deg : array_like, default 0.0
        True azimuth of the first sample [deg]: one number for that at the middle, carried along in parallel to the
        cells, or an array with that at each cell.
    spells : sequence of str
        Which of the four.

    Returns
    -------
    dict of ndarray of float32
        By name the lengths, in the shape of the cells [d]; 0 where there is none, NaN without data.

    Raises
    ------
    InputError
        If shapes differ, a name is unknown, or a place is too far off.

    Notes
    -----
    The same definitions as in `light_statistics`: hidden means that no part of the disc is above the straight
    lines between the horizon's samples, and a spell cut by the period counts with its part. From the middle's
    hourly samples each cell's own directions follow by an exact rotation, with parallax; within an hour by cubics.

    To find the longest spell not every hour is asked. Once a spell of some length is known, a longer one would
    span that length after any hour in which the state fails; from its far end back the next hour that fails is
    looked for, and the search goes on there. Whether an hour fails or holds is clear from two look-ups (lowest and
    highest horizon over the azimuths that the disc crosses) for most hours; else the disc is put against the
    horizon at the sample. Only spells that may be the longest are gone through without gaps: the upper envelope of
    the moving disc against every corner of the horizon tells whether it shows in between, so that glimpses of
    seconds count, and halving finds ends to seconds.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> paths = body_paths(Almanac.default(), Site(0.0, 0.0), "2030-01-01", "2030-06-01")
    >>> flat = np.zeros((720, 3), np.int16)
    >>> longest_spells(paths, flat)["longest_dark_d"].astype(float).round(1).tolist()
    [14.7, 14.7, 14.7]
    """
    from moonpost.terrain.spellkernels import longest_of_cells

    table, shape, scale, gap = _horizons(horizons)
    unknown = [name for name in spells if name not in SPELLS]
    if unknown or not spells:
        raise InputError(f"unknown spells {unknown}", where="spells", advice=f"give some of {', '.join(SPELLS)}")
    azimuths, cells = table.shape
    wishes = np.array([SPELLS[name] for name in spells], dtype=np.int64)
    frames, tilts, bearing = _frames(paths.site, cells, shape, latitude_deg, longitude_deg, height_m, origin_deg)
    width = 360.0 / azimuths
    origin = math.degrees(np.angle(np.mean(np.exp(1j * np.radians(bearing)))))
    apart = ((bearing - origin + 180.0) % 360.0 - 180.0) / width
    shift = np.rint(apart).astype(np.int64)
    hours, half, highest = paths.hours(azimuths, origin)
    blank = np.isnan(frames[:, 3]).any(axis=-1)
    frames[blank, 3] = 0.0
    lean = np.hypot(tilts[:, 0], tilts[:, 1])
    steep = math.tan(math.radians(min(highest + float(lean.max()), _HIGH_DEG + _FARTHEST_DEG)))
    aside = half + float(lean.max()) * steep + width * float(np.abs(apart - shift).max()) + _ROUND_DEG
    radius = paths.samples[..., 3].max(axis=1) / math.cos(math.radians(highest))
    reach = np.ceil(np.stack([np.full(2, aside), aside + radius * 1.01], axis=-1) / width).astype(np.int64)
    parallax = np.degrees(np.linalg.norm(frames[:, 3], axis=-1) * paths.samples[..., 4].max())
    lean_rad = np.radians(lean)
    margins = (
        _ROUND_DEG
        + 1.1 * parallax
        + np.degrees(0.5 * lean_rad**2 * steep + lean_rad**3 + lean_rad * math.radians((reach.max() + 1) * width))
    )
    angle = np.radians(origin + np.arange(azimuths) * width)
    out = np.empty((len(wishes), cells), np.float32)
    longest_of_cells(
        table,
        scale,
        gap,
        frames,
        np.stack([np.cos(angle), np.sin(angle)]),
        shift,
        tilts,
        margins,
        float(lean.max() + parallax.max() + _ROUND_DEG),
        reach,
        paths.samples,
        hours,
        wishes,
        _likely(hours, wishes),
        paths.step_s / 3600.0,
        out,
    )
    out *= np.float32(paths.step_s / 86_400.0)
    out[:, blank] = np.nan
    return {name: out[i].reshape(shape) for i, name in enumerate(spells)}


def _likely(hours: NDArray[np.int16], wishes: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each state the hour in which its first body stands lowest (to be hidden) or highest (to be seen)."""
    found = []
    for wish in wishes:
        body = int(np.argmax(wish >= 0))
        found.append(hours[body, :, 2].argmax() if wish[body] == 1 else hours[body, :, 1].argmin())
    return np.array(found, dtype=np.int64)


def _with_distance(body: Apparent, where: str) -> Floats:
    return np.concatenate([body_samples(body, where), 1.0 / body.distance_m[:, None]], axis=-1)


def _horizons(horizons: ArrayLike) -> tuple[NDArray[Any], tuple[int, ...], float, float]:
    """Horizons as (azimuths, cells), the cells' shape, degrees of a unit, and the value without data."""
    table = np.asarray(horizons)
    if table.ndim < 1 or table.shape[0] < 4 or table.shape[0] > 30_000:
        raise InputError(
            f"horizons have shape {table.shape}",
            where="horizons",
            advice="give (azimuths, cells), with 4 to 30,000 azimuths",
        )
    shape = table.shape[1:]
    table = table.reshape(table.shape[0], -1)
    if table.dtype == np.int16:
        return table, shape, 0.01, float(MISSING)
    if not np.issubdtype(table.dtype, np.floating):
        raise InputError(
            f"horizons have type {table.dtype}",
            where="horizons",
            advice="give int16 hundredths of a degree, or floating point degrees",
        )
    if table.dtype not in (np.float32, np.float64):
        table = table.astype(np.float64)
    if np.isinf(table).any() or np.nanmax(np.abs(table), initial=0.0) > 90.0:
        raise InputError("an elevation is beyond 90 deg", where="horizons", advice="give degrees, NaN for no data")
    return table, shape, 1.0, math.nan


def _frames(
    site: Site,
    cells: int,
    shape: tuple[int, ...],
    latitude_deg: ArrayLike | None,
    longitude_deg: ArrayLike | None,
    height_m: ArrayLike | None,
    origin_deg: ArrayLike,
) -> tuple[Floats, Floats, Floats]:
    """Axes and place of each cell in the middle's, its tilt north and east [deg], bearing of its first sample."""
    if (latitude_deg is None) != (longitude_deg is None):
        raise InputError("one without the other", where="latitude_deg, longitude_deg", advice="give both or none")
    latitude = _of_cells(site.latitude_deg if latitude_deg is None else latitude_deg, shape, "latitude_deg")
    longitude = _of_cells(site.longitude_deg if longitude_deg is None else longitude_deg, shape, "longitude_deg")
    height = _of_cells(site.height_m if height_m is None else height_m, shape, "height_m", missing=True)
    lat, lon = np.radians(latitude), np.radians(longitude)
    level = np.cos(lat)
    up = np.stack([level * np.cos(lon), level * np.sin(lon), np.sin(lat)], axis=-1) @ site.basis.T
    lean = np.degrees(np.arctan2(np.hypot(up[:, 0], up[:, 1]), up[:, 2]))
    if not np.all(lean <= _FARTHEST_DEG):
        raise InputError(
            f"a place is {float(np.max(lean)):.1f} deg from the middle",
            where="latitude_deg, longitude_deg",
            advice=f"make paths for each area of {_FARTHEST_DEG:g} deg round its middle",
        )
    origin = np.radians(_of_cells(origin_deg, shape, "origin_deg"))
    if np.ndim(origin_deg) == 0:
        ahead = _carried(np.stack([np.sin(origin), np.cos(origin), np.zeros(cells)], axis=-1), up)
    else:
        east = np.stack([-np.sin(lon), np.cos(lon), np.zeros(cells)], axis=-1) @ site.basis.T
        north = np.cross(up, east)
        ahead = np.cos(origin)[:, None] * north + np.sin(origin)[:, None] * east
    home = _carried(ahead, up, back=True)
    place = (MOON_RADIUS_M + height)[:, None] * up
    place[:, 2] -= MOON_RADIUS_M + site.height_m
    frames = np.stack([np.cross(ahead, up), ahead, up, place], axis=1)
    away = np.hypot(up[:, 0], up[:, 1])
    share = np.where(away > 0.0, lean / np.where(away > 0.0, away, 1.0), 0.0)
    tilts = np.stack([up[:, 1] * share, up[:, 0] * share], axis=-1)
    return frames, tilts, np.degrees(np.arctan2(home[:, 0], home[:, 1]))


def _carried(vector: Floats, up: Floats, *, back: bool = False) -> Floats:
    """Vectors turned from the middle's vertical (0, 0, 1) to each cell's by the shortest turn, or back."""
    middle = np.broadcast_to(np.array([0.0, 0.0, 1.0]), up.shape)
    one, two = (up, middle) if back else (middle, up)
    axis = np.cross(one, two)
    cosine = np.sum(one * two, axis=-1, keepdims=True)
    along = np.sum(axis * vector, axis=-1, keepdims=True)
    return vector * cosine + np.cross(axis, vector) + axis * along / (1.0 + cosine)


def _of_cells(value: ArrayLike, shape: tuple[int, ...], name: str, *, missing: bool = False) -> Floats:
    try:
        found = np.broadcast_to(np.asarray(value, dtype=np.float64), shape).ravel()
    except (ValueError, TypeError) as error:
        raise InputError(
            f"does not fit cells of shape {shape}", where=name, advice="give one value a cell"
        ) from error
    if not (np.isfinite(found) | (missing & np.isnan(found))).all():
        raise InputError("holds NaN or infinity", where=name, advice="give finite values")
    return found
