"""Places and dates as a user types them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from moonpost.errors import InputError

if TYPE_CHECKING:
    from moonpost.sky import Almanac, Site

__all__ = ["almanac_of", "latitude_longitude", "period_of", "surface_site", "terrain_files"]

_YEAR_MS = 365.25 * 86400e3


def almanac_of(kernels: str) -> Almanac:
    """Bodies from the kernels named, files with commas between; the default ones if there are none.

    Raises
    ------
    DataError
        If a file is missing or is not such a kernel.

    Examples
    --------
    >>> almanac_of("").kernels[0].name
    'de440s.bsp'
    """
    from moonpost.sky import Almanac

    return Almanac.load(*[path.strip() for path in kernels.split(",")]) if kernels else Almanac.default()


def latitude_longitude(text: str, option: str = "--site") -> tuple[float, float]:
    """Latitude and longitude [deg] from ``LAT,LON``.

    Raises
    ------
    InputError
        If the text is not two finite numbers in range.

    Examples
    --------
    >>> latitude_longitude("-45.457,177.589")
    (-45.457, 177.589)
    """
    try:
        latitude_deg, longitude_deg = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{text!r} is not a latitude and a longitude", where=option, advice="write it like -89.5,210"
        ) from None
    if not (math.isfinite(latitude_deg) and abs(latitude_deg) <= 90):
        raise InputError(
            f"latitude {latitude_deg:g} is not within -90 to 90 deg", where=option, advice="correct it"
        )
    if not (math.isfinite(longitude_deg) and -180 <= longitude_deg <= 360):
        raise InputError(
            f"longitude {longitude_deg:g} is not within -180 to 360 deg", where=option, advice="correct it"
        )
    return latitude_deg, longitude_deg


def surface_site(text: str, option: str = "--site") -> Site:
    """Site at height 0 from ``LAT,LON``."""
    from moonpost.sky import Site

    return Site(*latitude_longitude(text, option))


def terrain_files(text: str) -> tuple[str, ...]:
    """Paths of terrain files from a list with commas: paths, or names of products that are here.

    Raises
    ------
    DataError
        If a name is that of a product which is not here yet.

    Examples
    --------
    >>> terrain_files("fine.tif, coarse.tif")
    ('fine.tif', 'coarse.tif')
    """
    return tuple(_terrain_file(name.strip()) for name in text.split(",") if name.strip())


def _terrain_file(name: str) -> str:
    """The path that a name stands for."""
    from pathlib import Path

    if Path(name).exists() or Path(name).suffix:
        return name
    from moonpost.errors import DataError
    from moonpost.terrain.products import obtained, products

    found = obtained(name.lower())
    if found:
        return str(found[name.lower()]["path"])
    if name.lower() in {product.name for product in products()}:
        raise DataError(
            "is a known terrain product, but not here yet",
            where=name,
            advice=f"run: moonpost data fetch {name.lower()} (or data import FILE)",
        )
    return name


def period_of(start: str, years: float) -> tuple[Any, Any]:
    """First and last instant of a period of years of 365.25 days.

    Examples
    --------
    >>> [str(end)[:10] for end in period_of("2030-01-01", 1)]
    ['2030-01-01', '2031-01-01']
    """
    import numpy as np

    from moonpost.sky import as_utc

    if not (math.isfinite(years) and 0 < years <= 1000):
        raise InputError(f"{years:g} years", where="--years", advice="give a number above 0 and at most 1000")
    first = as_utc(start).reshape(-1)[0]
    return first, first + np.timedelta64(round(years * _YEAR_MS), "ms")
