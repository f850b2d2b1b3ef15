"""Storage over an ensemble of terrain errors: perturbed horizons, the light that they leave, the need of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.power.series import FloatSeries, as_series

__all__ = ["HeightErrors", "NeedSpread", "height_errors", "need_over_members", "perturbed_horizons_deg"]

_SHARE = 0.15
_SLOPE = 0.25
_SCREENING = 2.0
_WAVES = 256
_MOST_MEMBERS = 100_000


@dataclass(frozen=True)
class HeightErrors:
    """How wrong the heights behind a horizon may be.

    Parameters
    ----------
    height_error_m : float
        Standard error of heights [m].
    correlation_m : float
        Distance over which errors hang together: their correlation is exp(-(d / correlation_m)^2) [m].

    Examples
    --------
    >>> HeightErrors(1.0, 25.0).height_error_m
    1.0
    """

    height_error_m: float
    correlation_m: float


def height_errors(resolution_m: float, grade: str = "site", slope: float = _SLOPE) -> HeightErrors:
    """What heights of a resolution may be wrong by.

    Parameters
    ----------
    resolution_m : float
        Cell of the heights [m].
    grade : {"site", "screening"}, default "site"
        Of the horizon: a site's, made from cells that resolve it, or one for screening, whose heights are taken
        to be twice as wrong.
    slope : float, default 0.25
        Slope from cell to cell, root mean square [1].

    Returns
    -------
    HeightErrors

    Raises
    ------
    InputError
        If a number is not positive or the grade is unknown.

    Notes
    -----
    Error 0.15 c s over c for cells of c metres on slopes of s, as measured between LOLA grids about Shackleton
    (see `moonpost.terrain.ensemblehorizons.height_noise`, which reads the slope from the heights themselves).

    Examples
    --------
    >>> height_errors(40.0)
    HeightErrors(height_error_m=1.5, correlation_m=40.0)
    """
    for name, value in (("resolution_m", resolution_m), ("slope", slope)):
        if not (math.isfinite(value) and value > 0.0):
            raise InputError(f"is {value}", where=name, advice="use a number above 0")
    if grade not in ("site", "screening"):
        raise InputError(f"is {grade!r}", where="grade", advice="use site or screening")
    return HeightErrors(
        _SHARE * resolution_m * slope * (_SCREENING if grade == "screening" else 1.0), resolution_m
    )


def perturbed_horizons_deg(
    azimuth_deg: npt.ArrayLike,
    elevation_deg: npt.ArrayLike,
    distance_m: npt.ArrayLike,
    errors: HeightErrors | Sequence[HeightErrors],
    *,
    members: int,
    seed: int = 0,
) -> npt.NDArray[np.float64]:
    """Horizons of a place over an ensemble of terrain errors, from the horizon alone.

    Parameters
    ----------
    azimuth_deg, elevation_deg, distance_m : array-like, (a,)
        The horizon, and how far away the terrain is that makes it.
    errors : HeightErrors or sequence of HeightErrors
        Of the heights: one for all, or one for each azimuth where the horizon rests on other data.
    members : int
        How many.
    seed : int, default 0
        Which random numbers. Horizons of several heights at one place with the same seed stand on the same
        errors, member by member.

    Returns
    -------
    ndarray, (members, a)
        Elevations [deg].

    Raises
    ------
    InputError
        If a series is not finite, a distance not positive, or a number out of range.

    Notes
    -----
    tan e' = tan e + (z_ridge - z_mast) / d, where z is a Gaussian field of heights made of 256 waves for each
    member, with the correlation of `HeightErrors`. The ground under the mast moves too. Only the terrain that
    makes the horizon is moved: other terrain that may overtop it with its own error is not, so that these
    horizons lie a little low on the mean beside those of `moonpost.terrain.ensemblehorizons.horizon_members`,
    which has the heights; use that where there are heights.

    Examples
    --------
    >>> members = perturbed_horizons_deg([0.0, 90.0], [1.0, 1.0], [1e3, 1e5], HeightErrors(1.5, 40.0), members=200)
    >>> members.std(axis=0).round(2)
    array([0.12, 0.  ])
    """
    azimuth = as_series(azimuth_deg, "azimuth_deg")
    elevation = as_series(elevation_deg, "elevation_deg", length=azimuth.size, low=-90.0, high=90.0)
    distance = as_series(distance_m, "distance_m", length=azimuth.size, low=1e-3)
    rows = [errors] * azimuth.size if isinstance(errors, HeightErrors) else list(errors)
    if len(rows) != azimuth.size:
        raise InputError(
            f"{len(rows)} for {azimuth.size} azimuths", where="errors", advice="give one, or one each"
        )
    if not 1 <= members <= _MOST_MEMBERS:
        raise InputError(f"is {members}", where="members", advice=f"use 1 to {_MOST_MEMBERS}")
    if seed < 0:
        raise InputError(f"is {seed}", where="seed", advice="use a whole number from 0")
    size = as_series([row.height_error_m for row in rows], "height_error_m", low=0.0)
    length = as_series([row.correlation_m for row in rows], "correlation_m", low=1e-3)
    turn = np.radians(azimuth)
    places = np.column_stack((distance * np.sin(turn), distance * np.cos(turn)))
    tangent = np.tan(np.radians(elevation))
    near = int(np.argmin(distance))
    out = np.empty((members, azimuth.size))
    for member in range(members):
        waves, phase = _waves(seed, member)
        ridge = _field(places / length[:, None], waves, phase) * size
        mast = float(_field(np.zeros((1, 2)), waves, phase)[0]) * size[near]
        out[member] = np.degrees(np.arctan(tangent + (ridge - mast) / distance))
    return out


def _waves(seed: int, member: int) -> tuple[FloatSeries, FloatSeries]:
    """Wave numbers over the correlation length, and phases, of one member's field."""
    draws = np.random.default_rng([seed, member])
    return draws.standard_normal((2, _WAVES)) * math.sqrt(2.0), draws.uniform(0.0, 2.0 * np.pi, _WAVES)


def _field(places: FloatSeries, waves: FloatSeries, phase: FloatSeries) -> FloatSeries:
    """A field of unit variance with correlation exp(-r^2) at places."""
    field: FloatSeries = math.sqrt(2.0 / _WAVES) * np.cos(places @ waves + phase).sum(axis=1)
    return field


@dataclass(frozen=True)
class NeedSpread:
    """A need over an ensemble: of energy, or a length of darkness in days where told so.

    Parameters
    ----------
    nominal, mean, p05, p50, p95 : float
        Without errors, mean of the members, and what 5, 50 and 95 % of them do not exceed; infinite where so many
        members cannot be carried by any store [Wh].
    unsustainable : int
        Members whose sources do not carry the load.
    values : tuple of float
        Of each member; infinite if it cannot be carried [Wh].

    Examples
    --------
    >>> NeedSpread.of(2.0, [1.0, 2.0, 6.0]).p50
    2.0
    """

    nominal: float
    mean: float
    p05: float
    p50: float
    p95: float
    unsustainable: int
    values: tuple[float, ...]

    @classmethod
    def of(cls, nominal: float, values: Sequence[float]) -> NeedSpread:
        """Sum up members.

        Parameters
        ----------
        nominal : float
            Without errors [Wh].
        values : sequence of float
            The members; infinite where no store is enough [Wh].

        Returns
        -------
        NeedSpread
            Quantiles are members themselves, the next higher one where they fall between two.

        Raises
        ------
        InputError
            If there are none, or one is negative or not a number.
        """
        found = np.asarray(values, dtype=np.float64)
        if found.size == 0 or np.isnan(found).any() or (found < 0.0).any() or math.isnan(nominal):
            raise InputError("has no members or impossible ones", where="values", advice="pass energies from 0")
        low, middle, high = (float(np.quantile(found, q, method="inverted_cdf")) for q in (0.05, 0.5, 0.95))
        lost = int(np.isinf(found).sum())
        return cls(float(nominal), float(found.mean()), low, middle, high, lost, tuple(found.tolist()))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        Returns
        -------
        dict
            All but the members; None where infinite.
        """
        names = ("nominal", "mean", "p05", "p50", "p95")
        plain = {name: getattr(self, name) for name in names}
        finite = {name: value if math.isfinite(value) else None for name, value in plain.items()}
        return {**finite, "members": len(self.values), "unsustainable": self.unsustainable}


def need_over_members(
    light_by_mast: Mapping[float, npt.ArrayLike],
    members: Iterable[Mapping[float, npt.ArrayLike]],
    need_wh: Callable[[dict[float, FloatSeries]], float],
) -> NeedSpread:
    """A need in the light of every member of an ensemble.

    Parameters
    ----------
    light_by_mast : mapping of float to array-like, (n,)
        Fraction of the solar disc in view by height without errors [m].
    members : iterable of mapping of float to array-like, (n,)
        The same of each member, for the same heights; may be made one after the other.
    need_wh : callable
        Takes light by height and returns the energy needed [Wh]; infinite where no store is enough.

    Returns
    -------
    NeedSpread

    Raises
    ------
    InputError
        If heights or lengths do not fit, light is not from 0 to 1, or there are no members.

    Notes
    -----
    P95 of m members rests on the m / 20 worst; 100 members are usual.

    Examples
    --------
    >>> members = [{2.0: [1.0, 0.0]}, {2.0: [1.0, 0.5]}, {2.0: [0.0, 0.0]}]
    >>> need_over_members({2.0: [1.0, 0.0]}, members, lambda light: float((1.0 - light[2.0]).sum())).p95
    2.0
    """
    if not light_by_mast:
        raise InputError("is empty", where="light_by_mast", advice="give the light for at least one height")
    nominal = {
        h: as_series(light, f"light_by_mast[{h:g}]", low=0.0, high=1.0) for h, light in light_by_mast.items()
    }
    values = []
    for number, member in enumerate(members):
        if set(member) != set(nominal):
            raise InputError(
                f"member {number} has heights {sorted(member)}, not {sorted(nominal)}",
                where="members",
                advice="give the light of each member for the same heights",
            )
        one = {
            h: as_series(light, f"members[{number}][{h:g}]", length=nominal[h].size, low=0.0, high=1.0)
            for h, light in member.items()
        }
        values.append(need_wh(one))
    return NeedSpread.of(need_wh(nominal), values)
