"""How sure light and darkness are: many horizons of one place over an ensemble of terrain errors."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.terrain.march import Nest
from moonpost.terrain.profile import HorizonProfile
from moonpost.terrain.skyline import _March, horizon
from moonpost.terrain.spellmaps import BodyPaths, body_paths, longest_spells
from moonpost.terrain.surface import Terrain, latitude_longitude_deg

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = [
    "HeightNoise",
    "LightUncertainty",
    "Spread",
    "height_noise",
    "horizon_members",
    "light_uncertainty",
    "shifted",
]

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


@dataclass(frozen=True, eq=False)
class Spread:
    """One figure over an ensemble.

    Parameters
    ----------
    nominal : float
        Its value on the terrain as it is.
    mean : float
        Mean of the members.
    p05, p50, p95 : float
        Values that 5, 50 and 95 % of the members do not exceed.
    values : ndarray, shape (members,)
        The members.

    Examples
    --------
    >>> Spread.of(2.0, np.array([1.0, 2.0, 6.0])).p50
    2.0
    """

    nominal: float
    mean: float
    p05: float
    p50: float
    p95: float
    values: Floats

    @classmethod
    def of(cls, nominal: float, values: Floats) -> Spread:
        """Sum up members.

        Parameters
        ----------
        nominal : float
            Value without errors.
        values : ndarray, shape (members,)
            Values with them.

        Returns
        -------
        Spread
            Mean and quantiles, linear between members.
        """
        low, middle, high = (float(part) for part in np.quantile(values, (0.05, 0.5, 0.95)))
        return cls(float(nominal), float(values.mean()), low, middle, high, values)

    def to_dict(self) -> dict[str, float]:
        """Plain data for JSON.

        Returns
        -------
        dict
            All but the members.
        """
        return {name: getattr(self, name) for name in ("nominal", "mean", "p05", "p50", "p95")}


@dataclass(frozen=True, eq=False)
class LightUncertainty:
    """Light, darkness and sight of the Earth over an ensemble of terrain errors.

    Parameters
    ----------
    start, stop : numpy.datetime64
        The period, UTC.
    members, seed : int
        How many horizons, and from which random numbers.
    noise : HeightNoise
        The errors that were assumed.
    average_illumination, percent_lit, earth_visible : Spread
        Shares of the time as in `LightStatistics`, 0 to 1.
    longest_dark_d, longest_light_d, longest_earth_outage_d, longest_dark_without_earth_d : Spread
        Lengths as there [d].

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> terrain = Terrain.default("south")
    >>> found = light_uncertainty(terrain, terrain.site(-89.5, 0.0), Almanac.default(), "2030-01-01", "2030-03-01",
    ...     members=8, azimuths=72)
    >>> found.longest_dark_d.p50 <= found.longest_dark_d.p95
    True
    """

    start: np.datetime64
    stop: np.datetime64
    members: int
    seed: int
    noise: HeightNoise
    average_illumination: Spread
    percent_lit: Spread
    longest_dark_d: Spread
    longest_light_d: Spread
    earth_visible: Spread
    longest_earth_outage_d: Spread
    longest_dark_without_earth_d: Spread

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
            All fields, spreads without their members.
        """
        plain: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Spread):
                value = value.to_dict()
            elif isinstance(value, HeightNoise):
                value = {name: list(part) for name, part in dataclasses.asdict(value).items()}
            elif isinstance(value, np.datetime64):
                value = iso(value)
            plain[item.name] = value
        return plain


def light_uncertainty(
    terrain: Terrain,
    site: Site,
    almanac: Almanac,
    start: TimeLike,
    stop: TimeLike,
    mast_m: float = 2.0,
    *,
    members: int = 100,
    height_error_m: float | Sequence[float] | None = None,
    correlation_m: float | Sequence[float] | None = None,
    seed: int = 0,
    azimuths: int = 720,
) -> LightUncertainty:
    """Spread of light and darkness of a place over what its terrain may have wrong.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    site : Site
        The place.
    almanac : Almanac
        Where the Sun and the Earth are.
    start, stop : time
        The period, UTC.
    mast_m : float, default 2.0
        Height of the eye above the ground [m].
    members : int, default 100
        How many horizons; P95 of 100 rests on the five worst.
    height_error_m, correlation_m : float or sequence of float, optional
        Standard error of heights and its correlation length [m], for all layers or for each; from the layers'
        cells if not given, see `height_noise`.
    seed : int, default 0
        Which random numbers; the same seed gives the same result.
    azimuths : int, default 720
        Number of azimuths.

    Returns
    -------
    LightUncertainty
        P05, P50, P95, mean and the value without errors for each figure.

    Raises
    ------
    InputError
        If a number is out of range or the period is empty.
    TerrainError
        As from `horizon`.
    DateError
        If the period is outside the kernels.

    Notes
    -----
    Horizons as from `horizon_members`. Spells are found by event, right to a minute, as in `longest_spells`;
    shares of the time are means over hourly samples (their own error is below 0.0002). Only errors of height are
    drawn: not those of the files' registration, nor terrain narrower than the correlation length.

    A rough error lifts the horizon on the mean, since of many bumps the highest counts: P50 may lie on the dark
    side of the value without errors. That is no fault: grids are smoother than the ground.

    References
    ----------
    Barker, M. K. et al. (2021), Improved LOLA elevation maps for south pole landing sites: error estimates and
    their impact on illumination conditions, Planetary and Space Science 203, 105119,
    DOI 10.1016/j.pss.2020.105119.

    Examples
    --------
    >>> from moonpost.sky import Almanac
    >>> terrain = Terrain.default("south")
    >>> place = terrain.site(-89.5, 0.0)
    >>> found = light_uncertainty(terrain, place, Almanac.default(), "2030-01-01", "2030-03-01",
    ...     10.0, members=8, azimuths=72)
    >>> found.average_illumination.p05 <= found.average_illumination.p95
    True
    """
    noise = height_noise(terrain, site, height_error_m, correlation_m)
    horizons = horizon_members(terrain, site, mast_m, azimuths, members=members, noise=noise, seed=seed)
    ground = terrain.site(site.latitude_deg, site.longitude_deg)
    paths = body_paths(almanac, ground, start, stop)
    first, last = (as_utc(value).ravel()[0] for value in (start, stop))
    found: dict[str, Floats] = dict(_shares(paths, horizons))
    found.update({name: part.astype(np.float64) for name, part in longest_spells(paths, horizons).items()})
    spreads = {name: Spread.of(values[0], values[1:]) for name, values in found.items()}
    return LightUncertainty(start=first, stop=last, members=members, seed=seed, noise=noise, **spreads)


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


def shifted(profile: HorizonProfile, shift_deg: float) -> HorizonProfile:
    """A horizon moved up or down by one angle on all azimuths.

    Parameters
    ----------
    profile : HorizonProfile
        The horizon.
    shift_deg : float
        How much higher it is to stand [deg].

    Returns
    -------
    HorizonProfile
        Graded "screening", with the shift in its provenance.

    Raises
    ------
    InputError
        If it is not finite or leaves the sky.

    Examples
    --------
    >>> flat = HorizonProfile.flat(Site(-89.5, 0.0))
    >>> float(shifted(flat, 0.25).elevation_deg[0])
    0.25
    """
    if not math.isfinite(shift_deg):
        raise InputError(f"{shift_deg!r}", where="shift_deg", advice="give an angle in degrees")
    return dataclasses.replace(
        profile,
        elevation_deg=profile.elevation_deg + shift_deg,
        grade="screening",
        provenance={**profile.provenance, "shift_deg": float(shift_deg)},
    )


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


def _shares(paths: BodyPaths, horizons: Floats) -> dict[str, Floats]:
    """Mean share of the Sun's disc, and shares of the time with any part of the Sun and of the Earth."""
    from moonpost.terrain.lightkernels import disc_fractions

    place = []
    for body in paths.samples:
        x, y, z, radius = (np.ascontiguousarray(body[:, i]) for i in range(4))
        place.append((np.degrees(np.arctan2(x, y)), np.degrees(np.arctan2(z, np.hypot(x, y))), radius))
    average, lit, earth = (np.empty(horizons.shape[1]) for _ in range(3))
    for i in range(horizons.shape[1]):
        horizon = np.ascontiguousarray(horizons[:, i])
        sun = disc_fractions(horizon, *place[0], False)
        average[i], lit[i] = _mean(sun), _mean(sun > 0.0)
        earth[i] = _mean(disc_fractions(horizon, *place[1], False) > 0.0)
    return {"average_illumination": average, "percent_lit": lit, "earth_visible": earth}


def _mean(values: NDArray[Any]) -> float:
    """Time mean of equally spaced values, the first and the last at half weight."""
    total = float(values.sum()) - 0.5 * (float(values[0]) + float(values[-1]))
    return total / (len(values) - 1)
