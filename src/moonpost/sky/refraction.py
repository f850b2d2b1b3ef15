"""Sunlight that the Earth's air bends into an eclipse: why a camera sees light before third contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from moonpost.sky.almanac import Almanac
from moonpost.sky.apparent import EARTH_RADIUS_M
from moonpost.sky.eclipse import eclipse_discs
from moonpost.sky.site import Site
from moonpost.sky.times import TimeLike, as_utc

__all__ = ["RefractedLight", "refracted_light"]

Floats = npt.NDArray[np.float64]

_REFRACTIVITY = 2.77e-4
_SCALE_HEIGHT_M = 7300.0
_ROUNDS = 60


@dataclass(frozen=True, eq=False)
class RefractedLight:
    """The edge of a covered Sun as the air at the Earth's limb shows it.

    Parameters
    ----------
    hidden_deg : ndarray, shape (n,)
        How deep the nearest edge of the Sun stands behind the Earth's limb [deg]; NaN outside totality.
    height_m : ndarray, shape (n,)
        Height over the ground at which the ray passes that brings it into view [m]; NaN if even the ray
        along the ground is not bent enough.
    brightness : ndarray, shape (n,)
        Surface brightness of that edge relative to the uncovered Sun by the spreading of the beam alone.

    Examples
    --------
    >>> light = refracted_light(Almanac.default(), Site(18.56, 61.81), "2025-03-14T08:33")
    >>> light.brightness.round(2).tolist()
    [0.07]
    """

    hidden_deg: Floats
    height_m: Floats
    brightness: Floats


def refracted_light(almanac: Almanac, site: Site, t: TimeLike) -> RefractedLight:
    """Estimate the height and dimming of the ray that shows the edge of a totally covered Sun.

    Parameters
    ----------
    almanac : Almanac
        Ephemerides.
    site : Site
        The observer.
    t : datetime64 array or other times
        UTC, shape (n,).

    Returns
    -------
    RefractedLight
        Arrays of shape (n,).

    Raises
    ------
    DateError
        If a date cannot be read or lies outside the kernels.

    Notes
    -----
    Contacts with ``earth_radius_scale=1.0`` are those of an Earth without air: the first direct ray. Air
    bends light round the limb, by a(h) = N exp(-h/H) sqrt(2 pi R / H) for a ray that passes at height h
    through air of refractivity N at the ground and scale height H, so the Sun's edge is seen earlier, at the
    height where a(h) D = h + hidden depth, D being the distance. The beam is spread to 1 / (1 + D a / H) of
    its brightness. Neglected: absorption, which is strong below about 15 km (ozone, dust, clouds), and weather:
    the heights are good to about 2 km.

    On 2025-03-14 at 18.56 N 61.81 E the first direct ray came back at 08:34 UTC, while a lander there
    photographed light at about 08:30. Then the Sun's edge stood 1.7 arcminutes behind the limb, and clear air
    at a height of about 26 km bent it into view at one thirtieth of its brightness: a thin arc, far brighter
    than the red ring of deep totality, and enough to overexpose a frame. Danjon's 1.01 goes the other way and
    ends totality later (08:36): it fits the edge of the umbra as seen on the Moon, where so thin an arc still
    counts as dark. Neither scale is the moment of first light in a photograph.

    References
    ----------
    Baum and Code (1953), A photometric observation of the occultation of sigma Arietis by Jupiter, Astron. J. 58,
    108, doi:10.1086/106829; Link (1969), Eclipse Phenomena in Astronomy, Springer,
    doi:10.1007/978-3-642-86475-9.

    Examples
    --------
    >>> light = refracted_light(Almanac.default(), Site(18.56, 61.81), ["2025-03-14T08:30", "2025-03-14T08:40"])
    >>> (light.hidden_deg * 60).round(1).tolist(), (light.height_m / 1000).round(0).tolist()
    ([1.7, nan], [26.0, nan])
    """
    time = as_utc(t).ravel()
    separation, sun, earth = eclipse_discs(almanac, site, time, 1.0)
    hidden = np.where(separation <= earth - sun, earth - sun - separation, np.nan)
    distance = EARTH_RADIUS_M / np.sin(np.deg2rad(earth))
    depth = np.deg2rad(hidden) * distance
    height = np.full(hidden.shape, 30_000.0)
    for _ in range(_ROUNDS):
        height = _SCALE_HEIGHT_M * np.log(_bending_rad(0.0) * distance / (np.maximum(height, 0.0) + depth))
    height = np.where(height >= 0.0, height, np.nan)
    spread = 1.0 / (1.0 + distance * _bending_rad(height) / _SCALE_HEIGHT_M)
    return RefractedLight(hidden, height, spread)


def _bending_rad(height_m: Floats | float) -> Floats:
    """Bending of a ray that passes the Earth at a height."""
    thin = np.exp(-np.asarray(height_m, dtype=float) / _SCALE_HEIGHT_M)
    return _REFRACTIVITY * thin * np.sqrt(2.0 * np.pi * EARTH_RADIUS_M / _SCALE_HEIGHT_M)
