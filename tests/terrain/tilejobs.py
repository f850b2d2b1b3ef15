"""Computations for the tests of tiles; run as a program it fills a folder and can be killed at any time."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import numpy as np

from moonpost.terrain.tilerun import run_tiles
from moonpost.terrain.tilestore import MapArray, MapLayout, open_store

CELLS = 48
TILE = 8
INPUTS = {"area": {"cell_m": 20.0}, "mast_m": [2.0], "files": [{"name": "a.tif", "sha256": "00"}]}


def layout(cells: int = CELLS, tile: int = TILE) -> MapLayout:
    edges = range(0, cells, tile)
    tiles = [(slice(i, min(i + tile, cells)), slice(j, min(j + tile, cells))) for i in edges for j in edges]
    arrays = [
        MapArray(
            "horizon", ("azimuth", "y", "x"), "int16", -32768,
            {"units": "degree", "scale_factor": 0.01, "_FillValue": -32768}, {"azimuth": 3},
        ),
        MapArray("light", ("y", "x"), "float32", np.nan, {"units": "1"}),
    ]  # fmt: skip
    coords = {
        "azimuth": (np.arange(7) * 360.0 / 7, {"units": "degree"}),
        "y": (-20.0 * np.arange(cells), {"units": "m"}),
        "x": (20.0 * np.arange(cells), {"units": "m"}),
        "spatial_ref": (np.array(0), {"crs_wkt": "none"}),
    }
    return MapLayout(arrays, coords, tiles, tile, {"title": "a test"})


class Slow:
    """Values that depend on the place alone, after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self, rows: slice, cols: slice) -> dict[str, np.ndarray]:
        time.sleep(self.seconds)
        i, j = np.mgrid[rows, cols]
        return {
            "horizon": ((np.arange(7)[:, None, None] * 97 + i * 31 + j * 17) % 9000).astype(np.int16),
            "light": np.sin(i + 0.37 * j).astype(np.float32),
        }


def fill(folder: Path, seconds: float, workers: int) -> None:
    plan = layout()
    with open_store(folder, plan, INPUTS) as store:
        run_tiles(Slow(seconds), store, len(plan.tiles), workers=workers)


def files(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, but for the lock, whose content says nothing."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(".moonpost/lock")
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("ready", flush=True)
    try:
        fill(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
    except KeyboardInterrupt:
        sys.exit(130)
