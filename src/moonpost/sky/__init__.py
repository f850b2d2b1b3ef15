"""Time, ephemerides, lunar frames, lunar days and eclipses."""

from moonpost.sky.almanac import Almanac
from moonpost.sky.apparent import ASTRONOMICAL_UNIT_M, EARTH_RADIUS_M, SUN_RADIUS_M, Apparent, StationApparent
from moonpost.sky.days import earth_day, lunar_day, solar_midnights, solar_noons, subsolar_deg
from moonpost.sky.eclipse import (
    Eclipse,
    NearSideShadow,
    earth_shadow,
    eclipse_contacts,
    eclipses,
    nearside_totality,
    uncovered_fraction,
)
from moonpost.sky.events import Crossings, crossings, extremes, sun_crossings
from moonpost.sky.kernelfiles import Kernel
from moonpost.sky.refraction import RefractedLight, refracted_light
from moonpost.sky.site import MOON_RADIUS_M, Site
from moonpost.sky.stations import GroundStation
from moonpost.sky.times import TimeLike, as_utc, iso, times

__all__ = [
    "ASTRONOMICAL_UNIT_M",
    "EARTH_RADIUS_M",
    "MOON_RADIUS_M",
    "SUN_RADIUS_M",
    "Almanac",
    "Apparent",
    "Crossings",
    "Eclipse",
    "GroundStation",
    "Kernel",
    "NearSideShadow",
    "RefractedLight",
    "Site",
    "StationApparent",
    "TimeLike",
    "as_utc",
    "crossings",
    "earth_day",
    "earth_shadow",
    "eclipse_contacts",
    "eclipses",
    "extremes",
    "iso",
    "lunar_day",
    "nearside_totality",
    "refracted_light",
    "solar_midnights",
    "solar_noons",
    "subsolar_deg",
    "sun_crossings",
    "times",
    "uncovered_fraction",
]
