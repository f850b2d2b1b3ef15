"""Terrain, horizons and light: what a place on the Moon sees of the Sun and the Earth, at points and on maps."""

from moonpost.terrain.area import MapArea
from moonpost.terrain.ensemble import LightUncertainty, light_uncertainty
from moonpost.terrain.haven import haven_distance, mast_gain, safe_haven
from moonpost.terrain.hazard import landable, landing_hazard
from moonpost.terrain.hourly import light_profile
from moonpost.terrain.intervals import LightStatistics, Spell, darkness_intervals, light_statistics, spells
from moonpost.terrain.layer import Layer
from moonpost.terrain.light import earth_visibility, illumination
from moonpost.terrain.maps import horizon_map, illumination_map, site_maps, visibility_map
from moonpost.terrain.mapvisibility import RelayTrack
from moonpost.terrain.profile import HorizonProfile
from moonpost.terrain.rasters import read_geotiff, write_geotiff
from moonpost.terrain.regions import shadow_area_km2, shadow_regions, write_regions
from moonpost.terrain.residence import Residence
from moonpost.terrain.shadow import SunCeiling, permanent_shadow, sun_ceiling
from moonpost.terrain.skyline import BUILT_IN_LATITUDE_DEG, horizon, horizon_from_files, terrain_from_files
from moonpost.terrain.slopes import roughness, slope
from moonpost.terrain.surface import Terrain, TerrainWindow
from moonpost.terrain.tilehorizon import TileHorizons
from moonpost.terrain.traverse import plan_traverse
from moonpost.terrain.traversecheck import check_traverse
from moonpost.terrain.traverserover import Rover

__all__ = [
    "BUILT_IN_LATITUDE_DEG",
    "HorizonProfile",
    "Layer",
    "LightStatistics",
    "LightUncertainty",
    "MapArea",
    "RelayTrack",
    "Residence",
    "Rover",
    "Spell",
    "SunCeiling",
    "Terrain",
    "TerrainWindow",
    "TileHorizons",
    "check_traverse",
    "darkness_intervals",
    "earth_visibility",
    "haven_distance",
    "horizon",
    "horizon_from_files",
    "horizon_map",
    "illumination",
    "illumination_map",
    "landable",
    "landing_hazard",
    "light_profile",
    "light_statistics",
    "light_uncertainty",
    "mast_gain",
    "permanent_shadow",
    "plan_traverse",
    "read_geotiff",
    "roughness",
    "safe_haven",
    "shadow_area_km2",
    "shadow_regions",
    "site_maps",
    "slope",
    "spells",
    "sun_ceiling",
    "terrain_from_files",
    "visibility_map",
    "write_geotiff",
    "write_regions",
]
