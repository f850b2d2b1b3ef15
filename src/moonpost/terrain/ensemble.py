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
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc, iso
from moonpost.terrain.ensemblehorizons import HeightNoise, height_noise, horizon_members
from moonpost.terrain.profile import HorizonProfile
from moonpost.terrain.spellmaps import BodyPaths, body_paths, longest_spells
from moonpost.terrain.surface import Terrain

if TYPE_CHECKING:
    from moonpost.sky.almanac import Almanac

__all__ = ["LightUncertainty", "Spread", "light_uncertainty", "shifted"]

Floats = NDArray[np.float64]


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
