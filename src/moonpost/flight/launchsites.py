"""Places from which rockets start."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from moonpost.errors import InputError

__all__ = ["LAUNCH_SITES", "LaunchSite", "launch_site"]

Floats = npt.NDArray[np.float64]

_FLATTENING = 1.0 / 298.257223563
_KNOWN = "coordinates of the pad assumed, no source checked"


@dataclass(frozen=True)
class LaunchSite:
    """A place from which rockets start.

    Parameters
    ----------
    name : str
        Its name.
    latitude_deg, longitude_deg : float
        Geodetic latitude and east longitude (WGS 84) [deg].
    azimuth_range_deg : tuple of float, optional
        Smallest and largest azimuth of launch over ground, clockwise from north [deg]; None where it is not known.
    source : str
        Where the numbers come from.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> round(LaunchSite("Equator", 0.0, 10.0).geocentric_deg, 3)
    0.0
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    azimuth_range_deg: tuple[float, float] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not (-90.0 <= self.latitude_deg <= 90.0 and -180.0 <= self.longitude_deg <= 360.0):
            raise InputError(
                f"{self.latitude_deg}, {self.longitude_deg} is no place on the Earth",
                where="launch site",
                advice="give -90 to 90 deg north and -180 to 360 deg east",
            )
        if self.azimuth_range_deg is not None:
            low, high = self.azimuth_range_deg
            if not (math.isfinite(low) and math.isfinite(high) and -360.0 <= low < high <= low + 360.0):
                raise InputError(
                    f"{low} to {high}", where="azimuth_range_deg", advice="give a lower and a higher one"
                )

    @property
    def geocentric_deg(self) -> float:
        """Geocentric latitude, which counts for orbits [deg].

        Returns
        -------
        float
        """
        slope = (1.0 - _FLATTENING) ** 2 * math.tan(math.radians(self.latitude_deg))
        return (
            math.copysign(90.0, self.latitude_deg)
            if abs(self.latitude_deg) == 90
            else math.degrees(math.atan(slope))
        )

    @property
    def fixed(self) -> Floats:
        """Direction of the site from the centre of the Earth, in axes fixed in it.

        Returns
        -------
        ndarray, shape (3,)
        """
        lat, lon = math.radians(self.geocentric_deg), math.radians(self.longitude_deg)
        return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])

    def allows(self, azimuth_deg: float) -> bool | None:
        """Whether the limits of the range allow an azimuth.

        Parameters
        ----------
        azimuth_deg : float
            Over ground, clockwise from north [deg].

        Returns
        -------
        bool or None
            None where no limits are known.

        Examples
        --------
        >>> launch_site("Kennedy").allows(72.0), launch_site("Wenchang").allows(72.0)
        (True, None)
        """
        if self.azimuth_range_deg is None:
            return None
        low, high = self.azimuth_range_deg
        return (azimuth_deg - low) % 360.0 <= high - low


_EASTERN_RANGE = f"{_KNOWN}; azimuths: sciref.net, Kennedy Space Center, 35 to 120 deg"
_SITES = (
    LaunchSite("Wenchang", 19.6145, 110.9510, None, "pad 101; azimuth limits not published"),
    LaunchSite("Xichang", 28.246, 102.027, None, f"pad 2; {_KNOWN}; flies over land, limits not published"),
    LaunchSite("Jiuquan", 40.958, 100.291, None, f"SLS-1; {_KNOWN}; inclinations of 41 to 70 deg are usual"),
    LaunchSite("Taiyuan", 38.849, 111.608, None, f"pad 9; {_KNOWN}; flies to polar orbits"),
    LaunchSite("Vostochny", 51.884, 128.334, None, f"1S; {_KNOWN}; corridors to 51.7, 64.8 and 98 deg"),
    LaunchSite("Baikonur", 45.920, 63.342, None, f"site 1; {_KNOWN}; corridors to 51.6, 64.9 and 72.7 deg"),
    LaunchSite("Plesetsk", 62.929, 40.457, None, f"site 43; {_KNOWN}; corridors to 62.8 to 98 deg"),
    LaunchSite("Kennedy", 28.608, -80.604, (35.0, 120.0), f"LC-39A; {_EASTERN_RANGE}"),
    LaunchSite("Cape Canaveral", 28.583, -80.583, (35.0, 120.0), f"SLC-41; {_EASTERN_RANGE}"),
    LaunchSite("Kourou", 5.239, -52.768, (-10.5, 93.5), f"ELA-3; {_KNOWN}; azimuths of the range, not verified"),
    LaunchSite("Sriharikota", 13.720, 80.230, None, f"second pad; {_KNOWN}; dog-legs to polar orbits"),
    LaunchSite("Tanegashima", 30.400, 130.977, None, f"Yoshinobu; {_KNOWN}"),
)
LAUNCH_SITES = MappingProxyType({site.name: site for site in _SITES})
"""Launch sites by name. Limits of azimuth are there only where a source gives them; see `LaunchSite.source`."""


def launch_site(name: str) -> LaunchSite:
    """A launch site by its name.

    Parameters
    ----------
    name : str
        Such as ``"Wenchang"``; capitals do not matter.

    Returns
    -------
    LaunchSite

    Raises
    ------
    InputError
        If no site has that name.

    Examples
    --------
    >>> launch_site("wenchang").latitude_deg
    19.6145
    """
    for known, site in LAUNCH_SITES.items():
        if known.lower() == str(name).strip().lower():
            return site
    raise InputError(
        f"{name!r} is no launch site known here", where="site", advice=f"give {', '.join(LAUNCH_SITES)}"
    )
