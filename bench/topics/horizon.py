"""The horizon of a point: Moonpost beside a plain march with numpy and pyproj."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from pyproj import CRS, Transformer

from measure import Table, best_s, data_folder, once_s
from moonpost.sky import MOON_RADIUS_M
from moonpost.terrain import Terrain, horizon

LATITUDE_DEG, LONGITUDE_DEG, MAST_M, AZIMUTHS = -89.4395, 222.8066, 2.0, 720
CHECKED, FINER = 24, 64
FAR_M = 300_000.0
SPHERE = CRS.from_proj4(f"+proj=longlat +R={MOON_RADIUS_M:.0f} +no_defs")


def table() -> Table:
    """One point on the connecting ridge: the built-in grid, and 25 m heights within it where there are any."""
    default = Path(Terrain.default("south").layers[0].path)
    nests = [("LOLA 1600 m", [default])]
    data = data_folder()
    if data is not None:
        nests.append(("25 m, then LOLA 1600 m", [data / "dem" / "shackleton_51km_25m_fused.tif", default]))
    rows: list[list[str]] = []
    for name, paths in nests:
        rows += nest(name, paths)
    return Table(
        topic="horizon",
        title="The horizon of one point, 720 azimuths",
        method=f"A mast of {MAST_M:g} m at {-LATITUDE_DEG} S {LONGITUDE_DEG} E. The plain march goes out to "
        f"{FAR_M / 1e3:.0f} km on great circles in quarter cells of the grid that has data there, one azimuth "
        "after the other, with pyproj for the map coordinates and numpy for the rest. The error of both is "
        f"against the same plain march with steps {FINER} times finer on {CHECKED} azimuths.",
        head=["terrain", "what", "time", "of Moonpost's", "error, 95th percentile (deg)", "largest (deg)"],
        rows=rows,
        reading="Compiling happens once per machine and is kept; it is not in the times. Both errors are those "
        "of sampling a given surface, not of the terrain. On the coarse grid much of the horizon lies 300 to "
        "1,200 m away, between two steps of 400 m; Moonpost steps closer near the site and at the highest points.",
        packages=("moonpost", "numpy", "numba", "pyproj", "rasterio"),
    )


def nest(name: str, paths: list[Path]) -> list[list[str]]:
    """Rows of one set of files."""
    terrain = Terrain.open(*paths)
    site = terrain.site(LATITUDE_DEG, LONGITUDE_DEG)
    ours_s, ours = best_s(lambda: horizon(terrain, site, MAST_M, AZIMUTHS))
    opened_s, _ = best_s(lambda: horizon(Terrain.open(*paths), site, MAST_M, AZIMUTHS))
    march = Plain(paths, site)
    azimuths = np.arange(AZIMUTHS) * 360.0 / AZIMUTHS
    plain_s, plain = once_s(lambda: np.array([march.elevation_deg(azimuth, 4.0) for azimuth in azimuths]))
    some = np.arange(0, AZIMUTHS, AZIMUTHS // CHECKED)
    exact = np.array([march.elevation_deg(azimuth, 4.0 * FINER) for azimuth in azimuths[some]])
    rows = []
    for what, spent, elevation in (
        ("Moonpost", ours_s, ours.elevation_deg),
        ("Moonpost, files opened anew", opened_s, ours.elevation_deg),
        ("plain march", plain_s, plain),
    ):
        error = np.abs(elevation[some] - exact)
        rows.append(
            [name, what, f"{spent:.3f} s", f"{spent / ours_s:.3g} x", f"{np.percentile(error, 95):.4f}",
             f"{error.max():.4f}"]
        )  # fmt: skip
    return rows


class Plain:
    """A march as one would first write it."""

    def __init__(self, paths: list[Path], site: Any) -> None:
        self.east, self.north, self.up = site.basis
        self.eye_m = MOON_RADIUS_M + site.height_m + MAST_M
        self.grids = [self.read(path) for path in paths]

    @staticmethod
    def read(path: Path) -> tuple[Any, Any, Transformer, float]:
        """Heights, the way from map to cells, the way to the map, and the size of a cell."""
        with rasterio.open(path) as raster:
            heights = raster.read(1).astype(np.float64) * raster.scales[0] + raster.offsets[0]
            if raster.nodata is not None:
                heights[raster.read(1) == raster.nodata] = np.nan
            to_map = Transformer.from_crs(SPHERE, raster.crs, always_xy=True)
            return heights, ~raster.transform, to_map, abs(raster.transform.a)

    def elevation_deg(self, azimuth_deg: float, parts: float) -> float:
        """Elevation of the horizon in one azimuth with a number of steps in a cell."""
        azimuth = math.radians(azimuth_deg)
        along = math.cos(azimuth) * self.north + math.sin(azimuth) * self.east
        best, near_m = -math.inf, 0.0
        for index, (_, _, _, cell_m) in enumerate(self.grids):
            last = index == len(self.grids) - 1
            step_m = cell_m / parts
            distance = np.arange(near_m + step_m, FAR_M if last else 60_000.0, step_m)
            heights, covered = self.heights(index, along, distance / MOON_RADIUS_M)
            if covered.any():
                best = max(best, float(np.nanmax(self.slope(heights, distance / MOON_RADIUS_M))))
                near_m = float(distance[covered][-1])
        return math.degrees(math.atan(best))

    def heights(self, index: int, along: Any, angle: Any) -> tuple[Any, Any]:
        """Bilinear heights [m] on a great circle, and where the grid has them."""
        heights, inverse, to_map, _ = self.grids[index]
        x, y, z = np.cos(angle)[None, :] * self.up[:, None] + np.sin(angle)[None, :] * along[:, None]
        mapped = to_map.transform(np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(z)))
        column, row = inverse * (np.asarray(mapped[0]), np.asarray(mapped[1]))
        column, row = column - 0.5, row - 0.5
        inside = (column >= 0) & (row >= 0) & (column < heights.shape[1] - 1) & (row < heights.shape[0] - 1)
        i, j = np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)
        v, u = np.where(inside, row, 0) - i, np.where(inside, column, 0) - j
        top = heights[i, j] * (1 - u) + heights[i, j + 1] * u
        low = heights[i + 1, j] * (1 - u) + heights[i + 1, j + 1] * u
        found = np.where(inside, top * (1 - v) + low * v, np.nan)
        return found, np.isfinite(found)

    def slope(self, heights: Any, angle: Any) -> Any:
        """Tangent of the elevation at which points on the sphere are seen."""
        r = MOON_RADIUS_M + heights
        return (r * np.cos(angle) - self.eye_m) / (r * np.sin(angle))
