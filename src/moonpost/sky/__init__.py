"""Time, ephemerides, lunar frames, lunar days and eclipses."""

from moonpost.sky.almanac import Almanac
from moonpost.sky.apparent import Apparent, StationApparent
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.times import TimeLike, as_utc, iso, times

__all__ = [
    "MOON_RADIUS_M",
    "Almanac",
    "Apparent",
    "Site",
    "StationApparent",
    "TimeLike",
    "as_utc",
    "iso",
    "times",
]
