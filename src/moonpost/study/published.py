"""Published light and darkness of points near which a site may lie, to be shown beside ours."""

from __future__ import annotations

import math
from dataclasses import dataclass

from moonpost.study.results import PublishedValue

__all__ = ["PUBLISHED", "PublishedPoint", "published_near"]

_MOON_RADIUS_KM = 1737.4
_NEAR_KM = 1.0


@dataclass(frozen=True)
class PublishedPoint:
    """A published number for one point and height.

    Parameters
    ----------
    place : str
        What the source calls it.
    latitude_deg, longitude_deg : float
        Selenographic [deg].
    mast_m : float
        Height above ground [m].
    quantity, value, unit : str, float, str
        What was published.
    source : str
        Citation.
    """

    place: str
    latitude_deg: float
    longitude_deg: float
    mast_m: float
    quantity: str
    value: float
    unit: str
    source: str


_GLAESER = "Gläser et al. 2014, Icarus 243, doi:10.1016/j.icarus.2014.08.013"
_MAZARICO = "Mazarico et al. 2011, Icarus 211, doi:10.1016/j.icarus.2010.10.030"
_BUSSEY = "Bussey et al. 2010, Icarus 208, doi:10.1016/j.icarus.2010.03.028 (year 2020)"

PUBLISHED: tuple[PublishedPoint, ...] = (
    PublishedPoint("spot 1", -89.4395, 222.8066, 2.0, "average_illumination", 0.8812, "1", _GLAESER),
    PublishedPoint("spot 1", -89.4395, 222.8066, 2.0, "percent_lit", 0.9200, "1", _GLAESER),
    PublishedPoint("spot 1", -89.4395, 222.8066, 2.0, "longest_dark_d", 4.58, "d", _GLAESER),
    PublishedPoint("spot 3", -89.4516, 222.7581, 10.0, "average_illumination", 0.9255, "1", _GLAESER),
    PublishedPoint("spot 3", -89.4516, 222.7581, 10.0, "percent_lit", 0.9561, "1", _GLAESER),
    PublishedPoint("spot 3", -89.4516, 222.7581, 10.0, "longest_dark_d", 3.08, "d", _GLAESER),
    PublishedPoint("ridge", -89.45, 222.69, 0.0, "average_illumination", 0.8901, "1", _MAZARICO),
    PublishedPoint("ridge", -89.45, 222.69, 10.0, "average_illumination", 0.9310, "1", _MAZARICO),
    PublishedPoint("88.74 S 124.5 E", -88.74, 124.5, 0.0, "percent_lit", 0.86, "1", _BUSSEY),
)
"""Published points; values depend strongly on terrain resolution near the ground and less on a mast."""


def published_near(latitude_deg: float, longitude_deg: float, mast_m: float) -> tuple[PublishedValue, ...]:
    """Published values within 1 km of a place, for the nearest published height.

    Parameters
    ----------
    latitude_deg, longitude_deg : float
        The place [deg].
    mast_m : float
        Height above ground [m].

    Returns
    -------
    tuple of PublishedValue
        Nearest point first; empty where the literature has none so near.

    Examples
    --------
    >>> [row.value for row in published_near(-89.4395, 222.8066, 2.0) if row.quantity == "longest_dark_d"]
    [4.58]
    """
    found = []
    for point in PUBLISHED:
        distance_km = _distance_km(latitude_deg, longitude_deg, point)
        if distance_km <= _NEAR_KM and abs(point.mast_m - mast_m) <= 2.0:
            row = PublishedValue(
                quantity=point.quantity,
                value=point.value,
                unit=point.unit,
                place=f"{point.place}, {point.mast_m:g} m",
                distance_km=round(distance_km, 2),
                source=point.source,
            )
            found.append(row)
    return tuple(sorted(found, key=lambda row: row.distance_km))


def _distance_km(latitude_deg: float, longitude_deg: float, point: PublishedPoint) -> float:
    """Great-circle distance [km]."""
    one, other = math.radians(latitude_deg), math.radians(point.latitude_deg)
    turn = math.radians(point.longitude_deg - longitude_deg)
    haversine = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(turn / 2) ** 2
    return 2 * _MOON_RADIUS_KM * math.asin(math.sqrt(haversine))
