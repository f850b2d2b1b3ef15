"""Horizons of one place over an ensemble of terrain errors."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.terrain.march import Nest
from moonpost.terrain.skyline import _March, horizon
from moonpost.terrain.surface import Terrain, latitude_longitude_deg

__all__ = ["HeightNoise", "height_noise", "horizon_members"]

ERROR_SHARE = 0.15
"""Standard error of heights as a share of the cell size times the slope."""
USUAL_SLOPE = 0.25
"""Slope that is taken where a layer has none about the site."""

_WIDE = 4.0
_POINTS = 600
_NEAR_M, _NEAR_CELLS = 5_000.0, 20.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeightNoise:
    """How wrong the heights of each layer of a terrain may be.

    Parameters
    ----------
    height_error_m : tuple of float
        Standard error of the heights of each layer [m].
    correlation_m : tuple of float
        Distance over which the correlation of each layer's errors falls to 1/e [m].

    Examples
    --------
    >>> HeightNoise((1.0,), (25.0,)).correlation_m
    (25.0,)
    """

    height_error_m: tuple[float, ...]
    correlation_m: tuple[float, ...]


def height_noise(
    terrain: Terrain,
    site: Site,
    height_error_m: float | Sequence[float] | None = None,
    correlation_m: float | Sequence[float] | None = None,
) -> HeightNoise:
    """What heights about a place may be wrong by, by layer.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    site : Site
        The place.
    height_error_m, correlation_m : float or sequence of float, optional
        Standard error and correlation length [m], for all layers or for each; estimated if not given.

    Returns
    -------
    HeightNoise
        One value of each for every layer.

    Raises
    ------
    InputError
        If a number is negative or not finite, or there are too many or too few.

    Notes
    -----
    Estimate: error = 0.15 c s and correlation length = c, with c the cell size and s the layer's own slope from
    cell to cell (root mean square within 20 cells or 5 km of the site; 0.25 where there is none). A straight line
    over a cell on ground that bends misses it by a share of c s. Measured on LOLA heights about Shackleton, where
    s is 0.25 to 0.31: heights of 40 m less those of 200 m cells 0.06 c s; 25 or 200 m less 1600 m 0.12 c s; 40 m
    less 1600 m 0.14 c s; 40 m less heights sharpened to 25 m 0.16 c s. The correlation fell to 1/e over 0.8 to 1.1
    cells; for the sharpened heights over 200 m, the cells that they were made from: give `correlation_m` for such
    products. On slopes of 10 to 20 deg the error comes to 0.03 to 0.05 c; single heights are off by 0.1 to 0.2 c.

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> noise = height_noise(terrain, terrain.site(-89.5, 0.0))
    >>> 20.0 < noise.height_error_m[0] < 120.0, round(noise.correlation_m[0], -2)
    (True, 1500.0)
    """
    count = len(terrain.layers)
    nest = Nest.about(terrain, site)
    cells = [math.nan] * count
    slopes = [math.nan] * count
    for grid, layer, cell in zip(nest.grids, nest.layer, nest.cell_m, strict=True):
        if not cell >= cells[layer]:
            cells[layer] = cell
            slopes[layer] = _slope(grid, site, cell)
    usual = [ERROR_SHARE * cell * slope for cell, slope in zip(cells, slopes, strict=True)]
    return HeightNoise(
        _by_layer(height_error_m, usual, "height_error_m", 0.0),
        _by_layer(correlation_m, cells, "correlation_m", 1e-3),
    )


def horizon_members(
    terrain: Terrain,
    site: Site,
    mast_m: float = 2.0,
    azimuths: int = 720,
    *,
    members: int,
    noise: HeightNoise,
    seed: int = 0,
    march: bool = False,
) -> Floats:
    """Horizons of a place over an ensemble of terrain errors.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    site : Site
        The place.
    mast_m : float, default 2.0
        Height of the eye above the ground [m].
    azimuths : int, default 720
        Number of azimuths.
    members : int
        How many.
    noise : HeightNoise
        Error and correlation length of each layer.
    seed : int, default 0
        Which random numbers.
    march : bool, default False
        Whether each member is marched through all of its terrain (a second or more each) instead of through the
        points that can make its horizon (milliseconds).

    Returns
    -------
    ndarray, shape (azimuths, 1 + members)
        Elevations [deg]; the first column without errors, then the members.

    Raises
    ------
    InputError
        If a number is out of range.
    TerrainError
        As from `horizon`.

    Notes
    -----
    Every layer has a stationary Gaussian field of its own, with the correlation exp(-(d / correlation_m)^2); the
    ground under the mast moves with it, so that errors which are shared with the surroundings cancel. From one
    march those samples are kept that could make the horizon if every height were off by four standard errors;
    each member then is the highest of them with its errors. Against the march through the same members the median
    difference is below 0.002 deg.

    Examples
    --------
    >>> terrain = Terrain.default("south")
    >>> place = terrain.site(-89.5, 0.0)
    >>> noise = HeightNoise((50.0,), (1600.0,))
    >>> horizon_members(terrain, place, azimuths=36, members=2, noise=noise).shape
    (36, 3)
    """
    from moonpost.terrain.ensemblekernels import member_tangents

    if isinstance(members, bool) or not 1 <= members <= 100_000:
        raise InputError(f"{members!r} members", where="members", advice="give a whole number from 1 to 100,000")
    if isinstance(seed, bool) or not 0 <= seed < 2**62:
        raise InputError(f"seed {seed!r}", where="seed", advice="give a whole number from 0")
    if not len(terrain.layers) == len(noise.height_error_m) == len(noise.correlation_m):
        raise InputError("one value a layer is needed", where="noise", advice="make it with height_noise")
    ground = terrain.site(site.latitude_deg, site.longitude_deg)
    out = np.empty((azimuths, 1 + members))
    out[:, 0] = horizon(terrain, ground, mast_m, azimuths).elevation_deg
    if march:
        for member in range(members):
            out[:, 1 + member] = _marched(terrain, ground, float(mast_m), azimuths, noise, seed, member)
        return out
    error, correlation = np.array(noise.height_error_m), np.array(noise.correlation_m)
    points = _Points.of(terrain, ground, float(mast_m), azimuths, error)
    missed = np.tan(np.radians(out[:, 0])) - points.highest()
    best = np.empty(azimuths)
    for member in range(members):
        member_tangents(*points.columns, points.home, error, correlation, seed, member, best)
        out[:, 1 + member] = np.degrees(np.arctan(best + missed))
    return out


@dataclass(frozen=True, eq=False)
class _Points:
    """Samples of the terrain that can make the horizon of a member."""

    columns: tuple[NDArray[Any], ...]
    home: int
    rays: int

    @classmethod
    def of(cls, terrain: Terrain, site: Site, mast_m: float, azimuths: int, error_m: Floats) -> _Points:
        """March once and keep them: ray, layer, place east and north [m], tangent, its rise with height [1/m]."""
        march = _March.prepare(terrain, site, mast_m, azimuths)
        nest = dataclasses.replace(march.nest, top_m=march.nest.top_m + _WIDE * float(error_m.max()))
        march.nest = nest
        home = _home(nest, site)
        doubt = np.append(error_m + error_m[home], np.nan)
        least = np.full(azimuths, -np.inf)
        turn = 2.0 * np.pi * np.arange(azimuths) / azimuths
        kept: list[tuple[NDArray[Any], ...]] = []
        active = np.arange(azimuths)
        for angle in nest.blocks():
            heights, source = nest.heights(march.tangent[active], angle)
            layer = np.where(source < 0, -1, np.array((*nest.layer, -1))[source])
            slope, gain = _tangents(heights, site.height_m + mast_m, angle)
            spread = _WIDE * gain * doubt[layer]
            least[active] = np.fmax(least[active], np.fmax.reduce(slope - spread, axis=1))
            i, k = np.nonzero(slope + spread >= least[active][:, None])
            ray, reach = active[i], angle[k] * MOON_RADIUS_M
            place = reach * np.sin(turn[ray]), reach * np.cos(turn[ray])
            kept.append((ray, layer[i, k], *place, slope[i, k], gain[k], (slope + spread)[i, k]))
            active = active[least[active] < march._ceiling(float(angle[-1]))]
            if not active.size:
                break
        *columns, most = (np.concatenate(part) for part in zip(*kept, strict=True))
        good = most >= least[columns[0]]
        return cls(tuple(np.ascontiguousarray(part[good]) for part in columns), home, azimuths)

    def highest(self) -> Floats:
        """Tangent of the horizon on each ray without errors."""
        best = np.full(self.rays, -np.inf)
        np.maximum.at(best, self.columns[0], self.columns[4])
        return best


@dataclass(frozen=True, eq=False)
class _NoisyNest(Nest):
    """A nest whose heights carry one member's errors."""

    noise: HeightNoise = HeightNoise((), ())
    seed: int = 0
    member: int = 0

    def heights(self, tangent: Floats, angle: Floats) -> tuple[Floats, NDArray[np.int16]]:
        from moonpost.terrain.ensemblekernels import add_field

        heights, source = super().heights(tangent, angle)
        east, north, _ = self.site.basis
        layer = np.where(source < 0, -1, np.array((*self.layer, -1))[source])
        add_field(
            heights,
            layer,
            tangent @ east,
            tangent @ north,
            np.broadcast_to(angle, heights.shape),
            MOON_RADIUS_M,
            np.array(self.noise.height_error_m),
            np.array(self.noise.correlation_m),
            self.seed,
            self.member,
        )
        return heights, source


def _marched(
    terrain: Terrain, site: Site, mast_m: float, azimuths: int, noise: HeightNoise, seed: int, member: int
) -> Floats:
    """Horizon of one member by the march through all of its terrain."""
    march = _March.prepare(terrain, site, mast_m, azimuths)
    fields = {item.name: getattr(march.nest, item.name) for item in dataclasses.fields(Nest)}
    fields["top_m"] += 6.0 * max(noise.height_error_m)
    nest = _NoisyNest(**fields, noise=noise, seed=seed, member=member)
    here = np.array([[1.0, 0.0, 0.0]]) @ site.basis
    eye, _ = nest.heights(here, np.array([0.0]))
    march.nest, march.site = nest, Site(site.latitude_deg, site.longitude_deg, float(eye[0, 0]))
    march.run()
    return march.profile().elevation_deg


def _home(nest: Nest, site: Site) -> int:
    """Layer that gives the height under the site."""
    latitude, longitude = np.array([site.latitude_deg]), np.array([site.longitude_deg])
    for grid, layer in zip(nest.grids, nest.layer, strict=True):
        if not np.isnan(grid.sample(latitude, longitude)[0]):
            return layer
    return nest.layer[-1]


def _tangents(heights: Floats, eye_m: float, angle: Floats) -> tuple[Floats, Floats]:
    """Tangents of elevations, and their rise with height over the eye [1/m]."""
    radius = MOON_RADIUS_M + heights
    slope = (heights - eye_m - 2.0 * radius * np.sin(0.5 * angle) ** 2) / (radius * np.sin(angle))
    gain: Floats = 1.0 / (MOON_RADIUS_M * np.sin(angle))
    return slope, gain


def _slope(grid: Any, site: Site, cell_m: float) -> float:
    """Slope from cell to cell of one grid about a site, root mean square."""
    reach = max(_NEAR_M, _NEAR_CELLS * cell_m) / MOON_RADIUS_M
    number = np.arange(_POINTS)
    angle = reach * np.sqrt((number + 0.5) / _POINTS)
    turn = number * math.pi * (3.0 - math.sqrt(5.0))
    east, north, up = site.basis
    step = cell_m / MOON_RADIUS_M
    level: list[Floats] = []
    for aside, ahead in ((0.0, 0.0), (step, 0.0), (0.0, step)):
        offset = (np.sin(turn) * angle + aside)[:, None] * east + (np.cos(turn) * angle + ahead)[:, None] * north
        level.append(grid.sample(*latitude_longitude_deg(up + offset)))
    square = ((level[1] - level[0]) ** 2 + (level[2] - level[0]) ** 2) / cell_m**2
    square = square[~np.isnan(square)]
    return math.sqrt(float(square.mean())) if square.size >= _POINTS // 20 else USUAL_SLOPE


def _by_layer(
    value: float | Sequence[float] | None, usual: Sequence[float], name: str, least: float
) -> tuple[float, ...]:
    if value is None:
        return tuple(max(float(part), least) if math.isfinite(part) else least for part in usual)
    values = (value,) * len(usual) if isinstance(value, int | float | np.number) else tuple(value)
    if len(values) != len(usual):
        raise InputError(
            f"{len(values)} values for {len(usual)} layers", where=name, advice="give one, or one for each layer"
        )
    if not all(math.isfinite(part) and part >= least for part in values):
        raise InputError(f"{values!r}", where=name, advice=f"give finite lengths in metres, from {least:g}")
    return tuple(float(part) for part in values)
