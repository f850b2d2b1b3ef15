"""Horizons at heights between those that were computed."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.terrain import HorizonProfile

__all__ = ["horizon_between", "shipped_between"]

Floats = npt.NDArray[np.float64]


def horizon_between(lower: HorizonProfile, upper: HorizonProfile, mast_m: float) -> HorizonProfile:
    """Horizon at a height between two that are known.

    Parameters
    ----------
    lower, upper : HorizonProfile
        Horizons of one place, with the same azimuths.
    mast_m : float
        Height above ground, between theirs [m].

    Returns
    -------
    HorizonProfile
        With the two heights in its provenance.

    Raises
    ------
    InputError
        If the places or azimuths differ or the height lies outside.

    Notes
    -----
    Raising the eye by z lowers a ridge at distance d by z / d in tangent. The horizon is at least the higher of
    the two known ridges, each moved to the height, since both stand in the terrain; and where one ridge makes both
    horizons it is exactly that. Where another ridge comes up in between, it is missed by less than the difference
    of the two estimates.

    Examples
    --------
    >>> from moonpost.terrain.profiles import shipped_profile
    >>> low, high = (shipped_profile("glaeser-spot-1", mast_m) for mast_m in (2.0, 10.0))
    >>> horizon_between(low, high, 2.5).mast_m
    2.5
    """
    if (lower.site.latitude_deg, lower.site.longitude_deg) != (upper.site.latitude_deg, upper.site.longitude_deg):
        raise InputError("are of two places", where="lower, upper", advice="give horizons of one place")
    if not np.array_equal(lower.azimuth_deg, upper.azimuth_deg):
        raise InputError("have other azimuths", where="lower, upper", advice="make them with the same azimuths")
    if not (math.isfinite(mast_m) and lower.mast_m <= mast_m <= upper.mast_m):
        raise InputError(
            f"is {mast_m}", where="mast_m", advice=f"use a height from {lower.mast_m:g} to {upper.mast_m:g} m"
        )
    down, up = _moved(lower, mast_m), _moved(upper, mast_m)
    from_lower = down >= up
    return dataclasses.replace(
        lower,
        mast_m=float(mast_m),
        elevation_deg=np.degrees(np.arctan(np.where(from_lower, down, up))),
        distance_m=np.where(from_lower, lower.distance_m, upper.distance_m),
        provenance={**lower.provenance, "between_masts_m": [lower.mast_m, upper.mast_m]},
    )


def _moved(profile: HorizonProfile, mast_m: float) -> Floats:
    """Tangents of a horizon's own ridges from another height."""
    tangent: Floats = np.tan(np.radians(profile.elevation_deg)) - (mast_m - profile.mast_m) / profile.distance_m
    return tangent


def shipped_between(latitude_deg: float, longitude_deg: float, mast_m: float) -> HorizonProfile | None:
    """Shipped horizon of a place at a height, or one made from those below and above it.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        The place [deg].
    mast_m : float
        Height above ground [m].

    Returns
    -------
    HorizonProfile or None
        None where nothing is shipped for the place, or nothing as high. Below the lowest, that one with its
        ridges moved, graded "screening": ground near by may hide more.

    Examples
    --------
    >>> from moonpost.terrain.profiles import shipped_profile
    >>> place = shipped_profile("glaeser-spot-1", 2.0).site
    >>> shipped_between(place.latitude_deg, place.longitude_deg, 5.75).mast_m
    5.75
    >>> shipped_between(place.latitude_deg, place.longitude_deg, 50.0) is None
    True
    """
    from moonpost.terrain.profiles import shipped_names, shipped_near

    exact = shipped_near(latitude_deg, longitude_deg, mast_m)
    if exact is not None:
        return exact
    heights_m = sorted({height_m for _, height_m in shipped_names()})
    known = [found for h in heights_m if (found := shipped_near(latitude_deg, longitude_deg, h)) is not None]
    below = [profile for profile in known if profile.mast_m < mast_m]
    above = [profile for profile in known if profile.mast_m > mast_m]
    if below and above:
        return horizon_between(below[-1], above[0], mast_m)
    if not above or mast_m < 0.0:
        return None
    return dataclasses.replace(
        above[0],
        mast_m=float(mast_m),
        elevation_deg=np.degrees(np.arctan(_moved(above[0], mast_m))),
        grade="screening",
        provenance={**above[0].provenance, "between_masts_m": [above[0].mast_m]},
    )
