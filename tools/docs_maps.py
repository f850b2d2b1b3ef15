"""Compute the pictures of docs/maps.md anew, from the terrain that MOONPOST_DATA names and the built-in grids."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from moonpost.files import write_json
from moonpost.report.mapfigure import save_map
from moonpost.sky import Almanac
from moonpost.terrain import Terrain
from moonpost.terrain.area import MapArea
from moonpost.terrain.maps import site_maps

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LARGEST = 200_000
PERIOD = ("2030-01-01", "2048-08-08")
FINE = "shackleton_51km_25m_fused.tif"
DERIVED = "25 m heights derived (200 m LOLA heights, sharpened by a LOLA normal map), LOLA 1600 m around"
BUILT_IN = "LOLA LDEM_256, means over 1600 m"
SPOTS = {"spot 1": (-89.4395, 222.8066), "spot 3": (-89.4516, 222.7581)}
CRATERS = {
    "Shackleton": (-89.67, 129.8),
    "Shoemaker": (-88.0, 45.0),
    "Haworth": (-87.5, 358.0),
    "Faustini": (-87.2, 84.3),
    "Malapert": (-85.99, 2.5),
}


def ridge(data: Path, almanac: Almanac) -> dict[str, Any]:
    """The connecting ridge at 25 m: light at 2 and 10 m, and the longest darkness at 10 m."""
    terrain = Terrain(Terrain.open(data / "dem" / FINE).layers + Terrain.default("south").layers)
    area = MapArea.aligned(terrain.layers[0], -89.45, 222.8, 5e3)
    maps = ["illumination", "dark", "height"]
    found = site_maps(terrain, area, almanac, *PERIOD, maps=maps, mast_m=(2.0, 10.0))
    for name, variable, mast_m, limits in (
        ("maps-ridge-2m", "average_illumination", 2.0, (0.0, 95.0)),
        ("maps-ridge-10m", "average_illumination", 10.0, (0.0, 95.0)),
        ("maps-ridge-dark", "longest_dark_d", 10.0, None),
    ):
        part = found[variable].sel(mast=mast_m)
        note = f"{DERIVED}; grade: {found.attrs['grade']}"
        _save(name, part, places=SPOTS, limits=limits, note=note)
    return _record("maps-ridge-*.png", found, area, maps)


def pole(almanac: Almanac) -> dict[str, Any]:
    """The 528 km square of the south pole at 1600 m: permanent shadow of the ground, sight of the Earth."""
    terrain = Terrain.default("south")
    area = MapArea.aligned(terrain.layers[0], -90.0, 0.0, 528e3)
    maps = ["psr", "earth", "height"]
    found = site_maps(terrain, area, almanac, *PERIOD, maps=maps, mast_m=(0.0,))
    note = f"{BUILT_IN}; grade: {found.attrs['grade']}"
    for name, variable, relief, dpi in (
        ("maps-psr-south", "psr", found["height_m"], 110.0),
        ("maps-earth-south", "earth_visible", None, 95.0),
    ):
        part = found[variable].sel(mast=0.0)
        _save(name, part, places=CRATERS, relief=relief, note=note, dpi=dpi)
    return _record("maps-*-south.png", found, area, maps)


def _save(name: str, data: Any, **look: Any) -> None:
    """Save a picture, with 256 colours if it is large: relief in grey loses nothing by that."""
    path = save_map(IMAGES / f"{name}.png", data, width_in=5.6, **{"dpi": 110.0, **look})
    if path.stat().st_size > LARGEST:
        with Image.open(path) as picture:
            small = picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
        small.save(path, optimize=True)


def _record(names: str, found: Any, area: MapArea, maps: list[str]) -> dict[str, Any]:
    """What pictures were computed from, and their digests."""
    kept = {key: json.loads(found.attrs[key]) for key in ("terrain", "kernels")}
    period = {"from_utc": PERIOD[0], "to_utc": PERIOD[1]}
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(IMAGES.glob(names))}
    return {"maps": maps, **period, "area": area.record(), "by": found.attrs["source"], **kept, "sha256": digests}


def main() -> int:
    """Draw every picture; exit 2 where the data are not there."""
    data = os.environ.get("MOONPOST_DATA", "")
    if not data or not (Path(data) / "dem" / FINE).exists():
        print(f"set MOONPOST_DATA to a folder with dem/{FINE}", file=sys.stderr)
        return 2
    almanac = Almanac.default()
    runs = {"ridge": ridge(Path(data), almanac), "pole": pole(almanac)}
    write_json(IMAGES / "maps.json", {"made_by": "tools/docs_maps.py", "runs": runs})
    return 0


if __name__ == "__main__":
    sys.exit(main())
