"""Light over what the terrain may have wrong: the join of horizons, their errors and the Sun."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError
from moonpost.power.ensembles import HeightErrors, height_errors, perturbed_horizons_deg

if TYPE_CHECKING:
    from moonpost.sky import Apparent
    from moonpost.terrain import HorizonProfile

__all__ = ["errors_of", "light_members"]

Floats = npt.NDArray[np.float64]


def errors_of(profile: HorizonProfile) -> tuple[HeightErrors, ...]:
    """What the heights behind a horizon may be wrong by, azimuth by azimuth.

    Parameters
    ----------
    profile : HorizonProfile
        With the resolutions of its terrain in its provenance, as `moonpost.terrain.horizon` writes them.

    Returns
    -------
    tuple of HeightErrors
        One for each azimuth: that of the finest terrain whose half width reaches the ridge, else of the coarsest.

    Raises
    ------
    InputError
        If the provenance names no terrain.

    Notes
    -----
    The reach of a layer is the distance from its middle to its nearest edge, from its bounds in metres; that the
    site lies in the middle is an approximation. The last layer reaches everywhere.

    Examples
    --------
    >>> from moonpost.terrain.profiles import shipped_profile
    >>> errors_of(shipped_profile("connecting-ridge", 10.0))[0].correlation_m >= 25.0
    True
    """
    layers = profile.provenance.get("terrain") or ()
    try:
        found = sorted((float(row["resolution_m"]), _reach_m(row.get("bounds"))) for row in layers)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("has terrain without resolution", where="provenance", advice="make it anew") from error
    if not found:
        raise InputError("names no terrain", where="provenance", advice="make the horizon with moonpost.terrain")
    models = [(reach_m, height_errors(cell_m, profile.grade)) for cell_m, reach_m in found]
    return tuple(
        next((model for reach_m, model in models if distance_m <= reach_m), models[-1][1])
        for distance_m in profile.distance_m
    )


def _reach_m(bounds: Sequence[float] | None) -> float:
    if bounds is None:
        return np.inf
    west, south, east, north = (float(value) for value in bounds)
    return 0.5 * min(east - west, north - south)


def light_members(
    profiles: Sequence[HorizonProfile], sun: Apparent, *, members: int = 100, seed: int = 0
) -> Iterator[dict[float, Floats]]:
    """Light at several heights of one place, member by member of an ensemble of terrain errors.

    Parameters
    ----------
    profiles : sequence of HorizonProfile
        One for each height, of one place.
    sun : Apparent
        The Sun from there, (n,).
    members : int, default 100
        How many.
    seed : int, default 0
        Which errors; the same for all heights.

    Yields
    ------
    dict of float to ndarray, (n,)
        Fraction of the solar disc in view by height [m]; for `moonpost.power.need_over_members`.

    Raises
    ------
    InputError
        If the horizons are of different places, not finite, or name no terrain.

    Notes
    -----
    Horizons as from `perturbed_horizons_deg`: the ridges move, nothing new rises. A profile from
    `moonpost.terrain.horizon_members` is better where the heights are at hand.

    Examples
    --------
    >>> from moonpost.sky import Almanac, times
    >>> from moonpost.terrain.profiles import shipped_profile
    >>> ridge = shipped_profile("connecting-ridge", 10.0)
    >>> sun = Almanac.default().sun(ridge.site, times("2035-06-01", "2035-06-08", 3600.0))
    >>> [list(light) for light in light_members([ridge], sun, members=2)]
    [[10.0], [10.0]]
    """
    from moonpost.terrain import illumination

    if len({(round(p.site.latitude_deg, 6), round(p.site.longitude_deg, 6)) for p in profiles}) != 1:
        raise InputError("are of no place or several", where="profiles", advice="give horizons of one place")
    horizons = [
        perturbed_horizons_deg(
            p.azimuth_deg, p.elevation_deg, p.distance_m, errors_of(p), members=members, seed=seed
        )
        for p in profiles
    ]
    for member in range(members):
        yield {
            p.mast_m: illumination(dataclasses.replace(p, elevation_deg=stack[member]), sun)
            for p, stack in zip(profiles, horizons, strict=True)
        }
