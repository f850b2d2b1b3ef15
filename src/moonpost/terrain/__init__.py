"""Terrain, horizons and light: what a place on the Moon sees of the Sun and the Earth."""

from moonpost.terrain.layer import Layer
from moonpost.terrain.profile import HorizonProfile
from moonpost.terrain.skyline import horizon
from moonpost.terrain.surface import Terrain, TerrainWindow

__all__ = ["HorizonProfile", "Layer", "Terrain", "TerrainWindow", "horizon"]
