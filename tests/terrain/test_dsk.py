"""The horizon of a point against SPICE: rays against a DSK plate model of the same heights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from moonpost.terrain import Terrain, horizon

_SPEC = importlib.util.spec_from_file_location("dsk", Path(__file__).parents[2] / "bench" / "dsk.py")
assert _SPEC is not None
dsk = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dsk)


def test_points_agree_with_rays_against_spice_plates(moonpost_data: Path, tmp_path: Path) -> None:
    # Tolerance: plates are flat triangles of a quarter cell where our surface is bilinear; near the eye that
    # makes some hundredths of a degree. A wrong curvature over the 2 to 4 km here would show as 0.03 to 0.06 deg
    # in the mean, a wrong azimuth as degrees.
    with rasterio.open(moonpost_data / "dem" / "shackleton_rim_10km_40m.tif") as whole:
        part = Window(60, 60, 101, 101)
        a, _, c, _, e, f = tuple(whole.transform)[:6]
        corner = rasterio.Affine(a, 0.0, c + 60 * a, 0.0, e, f + 60 * e)
        profile = {"driver": "GTiff", "count": 1, "crs": whole.crs, "height": 101, "width": 101}
        heights = whole.read(1, window=part)
        scale, offset = whole.scales[0], whole.offsets[0]
    moat = np.ones_like(heights, dtype=bool)
    moat[2:-2, 2:-2] = False  # the rims differ: our surface goes on for half a cell beyond the last centres
    heights = heights * scale + offset - 2000.0 * moat
    with rasterio.open(tmp_path / "part.tif", "w", dtype="float32", transform=corner, **profile) as file:
        file.write(heights.astype(np.float32), 1)
    terrain = Terrain.open(tmp_path / "part.tif")
    layer = terrain.layers[0]
    random = np.random.default_rng(11)
    error = []
    with dsk.plate_model(layer, tmp_path / "part.dsk", 4):
        for _ in range(4):
            left, bottom, right, top = layer.bounds
            x = left + (right - left) * random.uniform(0.35, 0.65, 1)
            y = bottom + (top - bottom) * random.uniform(0.35, 0.65, 1)
            latitude, longitude = layer.projection.from_map(x, y)
            site = terrain.site(float(latitude[0]), float(longitude[0]))
            seen = horizon(terrain, site, mast_m=2.0, azimuths=12)
            for azimuth, elevation in zip(seen.azimuth_deg, seen.elevation_deg, strict=True):
                error.append(elevation - dsk.horizon_deg(site, 2.0, azimuth, elevation))
    size = np.abs(error)
    assert not np.isnan(size).any()
    assert np.median(size) < 0.01
    assert np.max(size) < 0.06
    assert abs(np.mean(error)) < 0.01
