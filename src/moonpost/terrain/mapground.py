"""Maps of the ground that need no horizons: height, slope and roughness, tile by tile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.terrain.area import MapArea
from moonpost.terrain.mapgroups import Shorts, Values
from moonpost.terrain.tilestore import MapArray

if TYPE_CHECKING:
    from moonpost.terrain.surface import Terrain

__all__ = ["GROUND", "GroundGroup"]

GROUND = {
    "height_m": ("m", "height above the 1737.4 km sphere"),
    "slope_deg": ("deg", "slope over two cells"),
    "roughness_m": ("m", "root mean square height about the best plane of three by three cells"),
}
_RIM = 2


@dataclass(eq=False)
class GroundGroup:
    """Height, slope and roughness.

    Parameters
    ----------
    area : MapArea
        The map.
    terrain : Terrain
        Nested terrain files.
    names : sequence of str
        Some of `height_m`, `slope_deg`, `roughness_m`.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> area = MapArea.about(-89.67, 129.78, 8e3, cell_m=1600.0)
    >>> group = GroundGroup(area, Terrain.default("south"), ["slope_deg"])
    >>> group.tile(slice(0, 5), slice(0, 2), None)["slope_deg"].shape
    (5, 2)
    """

    area: MapArea
    terrain: Terrain
    names: Sequence[str]
    needs_horizons = False

    def arrays(self) -> list[MapArray]:
        """One array for each name."""
        source = ", ".join(layer.name for layer in self.terrain.layers)
        return [
            MapArray(
                name,
                ("y", "x"),
                "float32",
                float("nan"),
                {"units": GROUND[name][0], "long_name": GROUND[name][1], "source": source},
            )
            for name in self.names
        ]

    def coords(self) -> Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]:
        """None."""
        return {}

    def inputs(self) -> dict[str, Any]:
        """Nothing more than the terrain and the area."""
        return {}

    def tile(self, rows: slice, cols: slice, horizons: Shorts | None) -> Values:  # noqa: ARG002
        """Compute the maps of a tile from the heights of the tile and a rim."""
        from moonpost.terrain.rasters import height_map
        from moonpost.terrain.slopes import roughness, slope

        heights = height_map(self.terrain, self._wider(rows, cols))
        makers = {"height_m": lambda: heights, "slope_deg": lambda: slope(heights)}
        makers["roughness_m"] = lambda: roughness(heights)
        inside = slice(_RIM, -_RIM)
        return {name: np.asarray(makers[name]().values[inside, inside], np.float32) for name in self.names}

    def _wider(self, rows: slice, cols: slice) -> MapArea:
        """The tile with a rim of cells, which may lie off the map."""
        cell, area = self.area.cell_m, self.area
        x = area.x_m[0] + cell * np.arange(cols.start - _RIM, cols.stop + _RIM)
        y = area.y_m[0] - cell * np.arange(rows.start - _RIM, rows.stop + _RIM)
        return MapArea(area.wkt, x, y, cell)
