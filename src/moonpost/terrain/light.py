"""How much of the Sun's or the Earth's disc stands above a horizon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.sky.apparent import Apparent
from moonpost.terrain.profile import HorizonProfile

__all__ = ["earth_visibility", "illumination"]


def illumination(profile: HorizonProfile, sun: Apparent, *, limb_darkening: bool = False) -> NDArray[np.float64]:
    """Share of the Sun's disc above the horizon.

    Parameters
    ----------
    profile : HorizonProfile
        Horizon of the place for which the Sun was computed.
    sun : Apparent
        The Sun in its sky, arrays of shape (n,).
    limb_darkening : bool, default False
        Whether the disc is weighted by a linear limb darkening of 0.6, so that the share is one of brightness in
        the middle of the visible rather than of area.

    Returns
    -------
    ndarray, shape (n,)
        0 (no part seen) to 1 (whole disc seen).

    Raises
    ------
    InputError
        If a value of the Sun is not finite.

    Notes
    -----
    The horizon is followed across the disc: between the azimuths of the profile it is a straight line, and the
    area of the disc above it has a closed form. Any part in sight, however small, gives a share above 0. With limb
    darkening the share is a sum over 31 vertical strips at the nodes of a Gauss-Chebyshev rule, right to 0.004.
    The disc's width in azimuth is its angular radius over the cosine of its elevation. Neglected: the change of
    the horizon between the ground and the mast's length, and refraction, which the Moon does not have.

    References
    ----------
    Neckel, H. and Labs, D. (1994), Solar limb darkening 1986-1990, Solar Physics 153, 91-114,
    DOI 10.1007/BF00712494.

    Examples
    --------
    >>> from moonpost.sky import Site
    >>> level = HorizonProfile.flat(Site(-89.5, 0.0))
    >>> place = np.zeros(3)
    >>> time = np.array(["2030-01-01"] * 3, dtype="datetime64[ms]")
    >>> sun = Apparent(time, place, np.array([-0.3, 0.0, 0.3]), place + 1.5e11, place + 0.27)
    >>> illumination(level, sun).round(3)
    array([0. , 0.5, 1. ])
    """
    return _shares(profile, sun, limb_darkening, "sun")


def earth_visibility(profile: HorizonProfile, earth: Apparent) -> NDArray[np.float64]:
    """Share of the Earth's disc above the horizon.

    Parameters
    ----------
    profile : HorizonProfile
        Horizon of the place for which the Earth was computed.
    earth : Apparent
        The Earth in its sky, arrays of shape (n,).

    Returns
    -------
    ndarray, shape (n,)
        0 (no part seen) to 1 (whole disc seen). Its lit part has no bearing on this.

    Raises
    ------
    InputError
        If a value of the Earth is not finite.

    Notes
    -----
    The same area as in `illumination`. The Earth's disc is 1.9 deg wide; a ground station is a point on it
    and has its own place in the sky, see `moonpost.sky.Almanac.station`.

    Examples
    --------
    >>> from moonpost.sky import Site
    >>> level = HorizonProfile.flat(Site(-89.5, 0.0))
    >>> place = np.zeros(1)
    >>> time = np.array(["2030-01-01"], dtype="datetime64[ms]")
    >>> earth_visibility(level, Apparent(time, place, place + 2.0, place + 3.8e8, place + 0.95))
    array([1.])
    """
    return _shares(profile, earth, False, "earth")


def body_samples(body: Apparent, where: str) -> NDArray[np.float64]:
    """Unit vectors (east, north, up) and angular radius [deg] of a body, shape (n, 4), checked."""
    columns = np.stack(_angles(body), axis=-1).astype(np.float64)
    bad = ~np.isfinite(columns).all(axis=-1)
    if np.any(bad):
        first = int(np.argmax(bad))
        raise InputError(
            f"{int(bad.sum())} of {bad.size} samples hold NaN or infinity, the first is number {first}",
            where=where,
            advice="compute them again, nothing is filled in",
        )
    azimuth, elevation = np.radians(columns[:, 0]), np.radians(columns[:, 1])
    level = np.cos(elevation)
    return np.stack([np.sin(azimuth) * level, np.cos(azimuth) * level, np.sin(elevation), columns[:, 2]], axis=-1)


def _shares(profile: HorizonProfile, body: Apparent, limb: bool, where: str) -> NDArray[np.float64]:
    from moonpost.terrain.lightkernels import disc_fractions

    body_samples(body, where)
    parts = (np.ascontiguousarray(part, dtype=np.float64) for part in _angles(body))
    return disc_fractions(profile.elevation_deg, *parts, limb)


def _angles(body: Apparent) -> tuple[NDArray[np.float64], ...]:
    return body.azimuth_deg, body.elevation_deg, body.angular_radius_deg
