"""Heat: regolith under its own light, at a latitude, at a real site or on a map."""

from __future__ import annotations

from moonpost.thermal.columns import Columns, Grid, conduct
from moonpost.thermal.maps import GroundMap, regolith_map
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties
from moonpost.thermal.regolith import (
    LUNAR_DAY_S,
    SOLAR_CONSTANT_W_M2,
    RegolithDay,
    SiteTemperature,
    absorbed_sunlight_w_m2,
    earthshine_w_m2,
    regolith,
    site_temperature,
)
from moonpost.thermal.sunpath import SunPath, incidence_cosine

__all__ = [
    "HAYNE_2017",
    "LUNAR_DAY_S",
    "SOLAR_CONSTANT_W_M2",
    "Columns",
    "Grid",
    "GroundMap",
    "RegolithDay",
    "RegolithProperties",
    "SiteTemperature",
    "SunPath",
    "absorbed_sunlight_w_m2",
    "conduct",
    "earthshine_w_m2",
    "incidence_cosine",
    "regolith",
    "regolith_map",
    "site_temperature",
]
