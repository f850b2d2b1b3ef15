"""Terrain, horizons and light: what a place on the Moon sees of the Sun and the Earth."""

from moonpost.terrain.intervals import LightStatistics, Spell, darkness_intervals, light_statistics, spells
from moonpost.terrain.layer import Layer
from moonpost.terrain.light import earth_visibility, illumination
from moonpost.terrain.profile import HorizonProfile
from moonpost.terrain.skyline import BUILT_IN_LATITUDE_DEG, horizon, horizon_from_files
from moonpost.terrain.surface import Terrain, TerrainWindow

__all__ = [
    "BUILT_IN_LATITUDE_DEG",
    "HorizonProfile",
    "Layer",
    "LightStatistics",
    "Spell",
    "Terrain",
    "TerrainWindow",
    "darkness_intervals",
    "earth_visibility",
    "horizon",
    "horizon_from_files",
    "illumination",
    "light_statistics",
    "spells",
]
