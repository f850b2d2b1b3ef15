"""Heat: regolith under its own light, at a latitude, at a real site or on a map, and equipment."""

from __future__ import annotations

from moonpost.thermal.bowls import BowlShadow, bowl_shadow
from moonpost.thermal.columns import Columns, Grid, conduct
from moonpost.thermal.equipment import NetworkRun, ThermalEvent, simulate_network
from moonpost.thermal.maps import GroundMap, regolith_map
from moonpost.thermal.materials import HAYNE_2017, RegolithProperties
from moonpost.thermal.network import (
    Blanket,
    Heater,
    HeatSource,
    HeatSwitch,
    Network,
    Node,
    Surface,
    ThermalLink,
)
from moonpost.thermal.networkbalance import NetworkBalance, network_balance
from moonpost.thermal.networkfile import EquipmentCase, read_case
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
from moonpost.thermal.shadow import PatchGround, hemispherical_albedo, patch_balance_k, patch_ground
from moonpost.thermal.siteground import SiteGround, site_ground, site_in_terrain, sloping_day
from moonpost.thermal.sunpath import SunPath, incidence_cosine
from moonpost.thermal.views import TerrainPatch, sky_view

__all__ = [
    "HAYNE_2017",
    "LUNAR_DAY_S",
    "SOLAR_CONSTANT_W_M2",
    "Blanket",
    "BowlShadow",
    "Columns",
    "EquipmentCase",
    "Grid",
    "GroundMap",
    "HeatSource",
    "HeatSwitch",
    "Heater",
    "Network",
    "NetworkBalance",
    "NetworkRun",
    "Node",
    "PatchGround",
    "RegolithDay",
    "RegolithProperties",
    "SiteGround",
    "SiteTemperature",
    "SunPath",
    "Surface",
    "TerrainPatch",
    "ThermalEvent",
    "ThermalLink",
    "absorbed_sunlight_w_m2",
    "bowl_shadow",
    "conduct",
    "earthshine_w_m2",
    "hemispherical_albedo",
    "incidence_cosine",
    "network_balance",
    "patch_balance_k",
    "patch_ground",
    "read_case",
    "regolith",
    "regolith_map",
    "simulate_network",
    "site_ground",
    "site_in_terrain",
    "site_temperature",
    "sky_view",
    "sloping_day",
]
