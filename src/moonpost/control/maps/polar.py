"""Polar maps: the ground with relief, who sees the Sun now, and where a place lies on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.plan import MoonSite, Plan
from moonpost.sky import Almanac
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["SYSTEMS", "PolarGround", "grounds_of", "map_of_unit", "relief_pixels", "shadow_pixels", "sun_share"]

Floats = npt.NDArray[np.float64]

SYSTEMS = {"south": "IAU_2015:30135", "north": "IAU_2015:30130"}
"""Coordinate reference system of each pole's map: polar stereographic on the sphere of 1737.4 km."""

_WHOLE_M = 609_600.0
_CELLS = 762
_NEAR_M = 25_000.0
_NEAR_CELLS = 500
_FINE_M = 400.0
_REACH_M = 300_000.0
_LAMP_DEG = (315.0, 40.0)
_POLAR_DEG = 60.0


@dataclass(frozen=True, eq=False)
class PolarGround:
    """Heights on a polar map.

    Parameters
    ----------
    pole : {"south", "north"}
        Which pole.
    name : str
        ``polar``, or ``near`` for the surroundings of the site.
    x_m, y_m : ndarray, (n,)
        Map coordinates of the middles of columns and rows [m]; rows run down.
    height_m : ndarray of float32, (n, n)
        Heights above the 1737.4 km sphere [m], NaN where there is none.
    cell_m : float
        Size of a cell [m].
    source : str
        Files that the heights are from.
    resolution_m : float
        Size of the cells of the file at the middle [m].

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> ground = grounds_of(load_plan("ilrs"), None)[0]
    >>> ground.pole, ground.cell_m, ground.extent_m
    ('south', 1600.0, (-609600.0, -609600.0, 609600.0, 609600.0))
    """

    pole: Literal["south", "north"]
    name: str
    x_m: Floats
    y_m: Floats
    height_m: npt.NDArray[np.float32]
    cell_m: float
    source: str
    resolution_m: float

    @property
    def extent_m(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the map [m]."""
        half = 0.5 * self.cell_m
        return (
            round(float(self.x_m[0]) - half, 3), round(float(self.y_m[-1]) - half, 3),
            round(float(self.x_m[-1]) + half, 3), round(float(self.y_m[0]) + half, 3),
        )  # fmt: skip


def grounds_of(plan: Plan, site: MoonSite | None) -> tuple[PolarGround, ...]:
    """The maps of a plan: the whole polar region, and the site's surroundings where finer heights are given.

    Parameters
    ----------
    plan : Plan
        The plan.
    site : MoonSite or None
        A site of the plan; the station's first one if None. A station in orbit has the south.

    Returns
    -------
    tuple of PolarGround

    Raises
    ------
    DataError, TerrainError
        If terrain cannot be read.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> [ground.name for ground in grounds_of(load_plan("ilrs"), None)]
    ['polar']
    """
    from moonpost.terrain import Terrain

    place = site or next(iter(plan.station_sites()), None)
    pole: Literal["south", "north"] = "south" if place is None or place.latitude_deg < 0 else "north"
    sign = -90.0 if pole == "south" else 90.0
    wide = Terrain.default(pole)
    found = [_ground(wide, pole, "polar", (sign, 0.0), _WHOLE_M, _CELLS)]
    paths = plan.terrain_paths(place) if place is not None else ()
    if place is not None and paths and abs(place.latitude_deg) >= _POLAR_DEG:
        fine = Terrain(Terrain.open(*paths).layers + wide.layers)
        if fine.resolution_m(place.latitude_deg, place.longitude_deg) <= _FINE_M:
            middle = (place.latitude_deg, place.longitude_deg)
            found.append(_ground(fine, pole, "near", middle, _NEAR_M, _NEAR_CELLS))
    return tuple(found)


def _ground(
    terrain: Any,
    pole: Literal["south", "north"],
    name: str,
    middle: tuple[float, float],
    half_m: float,
    cells: int,
) -> PolarGround:
    """Heights about a place."""
    window = terrain.window(middle, half_m, cells)
    return PolarGround(
        pole,
        name,
        np.asarray(window.x_m, dtype=np.float64),
        np.asarray(window.y_m, dtype=np.float64),
        np.ascontiguousarray(window.height_m, dtype=np.float32),
        2.0 * half_m / cells,
        ", ".join(dict.fromkeys(layer.name for layer in terrain.layers)),
        float(terrain.resolution_m(*middle)),
    )


def map_of_unit(unit: Floats, pole: str) -> tuple[Floats, Floats]:
    """Map coordinates of directions from the Moon's centre.

    Parameters
    ----------
    unit : ndarray, (n, 3)
        Directions in the mean-Earth frame, of any length.
    pole : str
        ``south`` or ``north``.

    Returns
    -------
    x_m, y_m : ndarray, (n,)
        [m]

    Examples
    --------
    >>> x, y = map_of_unit(np.array([[1.0, 0.0, -1.0]]), "south")
    >>> x.round().tolist(), y.round().tolist()
    ([0.0], [1439309.0])
    """
    rows = np.atleast_2d(np.asarray(unit, dtype=np.float64))
    rows = rows / np.linalg.norm(rows, axis=1)[:, None]
    towards = -rows[:, 2] if pole == "south" else rows[:, 2]
    scale = 2.0 * MOON_RADIUS_M / (1.0 + towards)
    return scale * rows[:, 1], scale * rows[:, 0] * (1.0 if pole == "south" else -1.0)


def sun_share(
    ground: PolarGround, almanac: Almanac, t: TimeLike, *, mast_m: float = 2.0, every: int = 1
) -> npt.NDArray[np.float32]:
    """Part of the Sun's disc in view from each cell.

    Parameters
    ----------
    ground : PolarGround
        Heights.
    almanac : Almanac
        Ephemerides.
    t : str, datetime or datetime64
        UTC.
    mast_m : float
        Height of the eye above the ground [m].
    every : int
        Only every so many cells of both ways.

    Returns
    -------
    ndarray of float32, (rows, columns)
        0 to 1, NaN where there is no ground.

    Raises
    ------
    DateError
        If the date cannot be read or lies outside the kernels.

    Notes
    -----
    From each cell the ground is followed towards the Sun along its great circle, step by step of one cell and of
    1 % of the way farther out, to 300 km on the same map, with the Moon's roundness. The edge that hides the Sun
    is taken as level. What lies outside the map hides nothing; eclipses by the Earth are left out. Cells cannot
    show what is smaller than they are.

    Examples
    --------
    >>> from moonpost.plan import load_plan
    >>> ground = grounds_of(load_plan("ilrs"), None)[0]
    >>> share = sun_share(ground, Almanac.default(), "2035-01-10", every=40)
    >>> bool(0.3 < np.nanmean(share) < 0.7)
    True
    """
    from moonpost.control.maps.kernels import polar_light

    moment = as_utc(t).reshape(-1)[0]
    sun = almanac.moon_fixed_m("sun", moment, apparent=True)[0]
    distance_m = float(np.linalg.norm(sun))
    found: npt.NDArray[np.float32] = polar_light(
        ground.height_m, float(ground.x_m[0]), float(ground.y_m[0]), ground.cell_m, MOON_RADIUS_M,
        ground.pole == "south", sun / distance_m, float(np.arcsin(_SUN_RADIUS_M / distance_m)), mast_m, _REACH_M,
        every,
    )  # fmt: skip
    return found


_SUN_RADIUS_M = 695_700e3


def relief_pixels(height_m: npt.NDArray[Any], cell_m: float, *, stretch: float = 1.0) -> npt.NDArray[np.uint8]:
    """Shaded relief with a tint by height, lit from the upper left.

    Parameters
    ----------
    height_m : ndarray, (rows, columns)
        Heights [m].
    cell_m : float or ndarray, (rows, 1)
        Size of cells; of columns where it differs by row, the largest being that of rows [m].
    stretch : float
        Factor on heights, for relief that is low for its width.

    Returns
    -------
    ndarray of uint8, (rows, columns)
        Grey: brighter where the ground faces the lamp and where it is high; 0 where there is none.

    Examples
    --------
    >>> relief_pixels(np.zeros((4, 4)), 100.0).shape
    (4, 4)
    """
    heights = np.asarray(height_m, dtype=np.float64)
    known = np.isfinite(heights)
    filled = np.where(known, heights, np.nanmean(heights))
    down = np.gradient(filled, axis=0) * stretch
    right = np.gradient(filled, axis=1) * stretch
    across, along = right / cell_m, down / np.max(cell_m)
    azimuth, elevation = np.radians(_LAMP_DEG)
    lamp = np.array([np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    shade = (-across * lamp[0] + along * lamp[1] + lamp[2]) / np.sqrt(1.0 + across**2 + along**2)
    low, high = np.percentile(filled[known], [1, 99])
    tint = np.clip((filled - low) / max(high - low, 1.0), 0.0, 1.0)
    grey = np.clip(0.12 + 0.75 * np.clip(shade, 0.0, 1.0) * (0.55 + 0.45 * tint), 0.0, 1.0)
    return np.where(known, np.rint(255.0 * grey), 0.0).astype(np.uint8)


def shadow_pixels(share: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A layer that darkens what the Sun does not reach and tints what it does.

    Parameters
    ----------
    share : ndarray, (rows, columns)
        Part of the disc in view [0 to 1], NaN where there is no ground.

    Returns
    -------
    ndarray of uint8, (rows, columns, 4)
        Red, green, blue and opacity.

    Examples
    --------
    >>> shadow_pixels(np.array([[0.0, 1.0]], np.float32))[..., 3].tolist()
    [[215, 30]]
    """
    lit = np.nan_to_num(np.asarray(share, dtype=np.float64), nan=0.0)[..., None]
    dark, bright = np.array([4.0, 7.0, 22.0, 215.0]), np.array([240.0, 190.0, 60.0, 30.0])
    pixels = np.rint((1.0 - lit) * dark + lit * bright)
    pixels[~np.isfinite(share)] = 0.0
    return pixels.astype(np.uint8)
