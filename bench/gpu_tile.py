"""Tile horizons on a graphics card beside those of the processor, for a card's machine without terrain readers.

`python bench/gpu_tile.py prepare FILE TERRAIN.tif ...` takes a tile of 512 cells from the middle of the first
file, with the other files and the shipped southern terrain round it, and computes it on the processor;
`python bench/gpu_tile.py run FILE` computes all of them on the card, compares and times.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import pickle
import time
from pathlib import Path

import numpy as np

MASTS_M = (0.0, 2.0, 10.0)
AZIMUTHS = 720
CHOSEN = range(5, AZIMUTHS, 30)
DIPS_RAD = [-np.arccos(1737400.0 / (1737400.0 + mast)) for mast in MASTS_M]


def aims(tile):
    """What gives angles and rows of the far levels, as the processor takes them."""
    from moonpost.terrain.tilehorizon import aim

    return lambda azimuths_rad: [aim(tile, view, azimuths_rad) for view in tile.views]


def on_processor(horizons, rows, cols):
    """Horizons of every other cell of a tile along some azimuths, by the processor, and its seconds."""
    kept, start = [], time.process_time()
    for part, block in horizons.blocks(rows, cols):
        kept += [block[:, k - part.start, ::2, ::2].copy() for k in CHOSEN if part.start <= k < part.stop]
    return np.stack(kept, axis=1), time.process_time() - start


def prepare(file, paths):
    """Write a tile and horizons of some azimuths by the processor."""
    from moonpost.terrain import Terrain
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.tilehorizon import TileHorizons

    terrain = Terrain(Terrain.open(*paths).layers + Terrain.default("south").layers)
    area = MapArea.of_layer(terrain.layers[0])
    horizons = TileHorizons.prepare(terrain, area, MASTS_M, AZIMUTHS, device="cpu")
    middle = [slice(size // 2 - 256, size // 2 + 256) for size in area.shape]
    tile = horizons.tile(*middle)
    theirs, seconds = on_processor(horizons, *middle)
    views = []
    for view in tile.views:
        level = dataclasses.replace(view.level, ground_m=np.empty((0, 0), np.float32))
        views.append(dataclasses.replace(view, level=level))
    kept = {
        "tile": dataclasses.replace(tile, views=tuple(views)),
        "near_m": horizons.ground.near_m,
        "spacing": horizons.ground.spacing,
        "horizons": theirs,
        "seconds": seconds,
    }
    with gzip.open(file, "wb", compresslevel=6) as out:
        pickle.dump(kept, out)
    print(f"{file}: {Path(file).stat().st_size / 1e6:.1f} MB; processor {seconds:.1f} s for the tile")


def run(file):
    """Compute, compare and time on the card."""

    from gpu_maps import timed
    from moonpost.terrain.gputile import TileSight, tile_blocks

    with gzip.open(file, "rb") as read:
        kept = pickle.load(read)
    tile, azimuths = kept["tile"], np.arange(AZIMUTHS) * (2.0 * np.pi / AZIMUTHS)
    given = aims(tile)
    settings = {"near_m": kept["near_m"], "spacing": kept["spacing"]}

    def whole():
        result = np.empty((len(MASTS_M), AZIMUTHS, *tile.missing.shape), np.int16)
        for part, block in tile_blocks(tile, azimuths, MASTS_M, dips_rad=DIPS_RAD, aims=given, **settings):
            result[:, part] = block
        return result

    def streamed():
        for _ in tile_blocks(tile, azimuths, MASTS_M, dips_rad=DIPS_RAD, aims=given, **settings):
            pass

    ours = whole()
    compare(ours[:, list(CHOSEN), ::2, ::2], kept["horizons"])
    streamed()
    start = time.perf_counter()
    streamed()
    seconds = time.perf_counter() - start
    rate = ours.size / seconds / 1e9
    print(f"tile of {tile.missing.shape} x {AZIMUTHS} azimuths x {len(MASTS_M)} masts, in the machine's memory:")
    print(
        f"  {seconds:.3f} s, {rate:.2f} G azimuth-cell-masts/s; processor time elsewhere {kept['seconds']:.1f} s"
    )
    sight = TileSight(tile, **settings)
    taken = {
        "upload": timed(lambda: TileSight(tile, **settings)),
        "near": timed(lambda: sight.near(azimuths, MASTS_M)),
        "far": timed(lambda: sight.far(AZIMUTHS, given(azimuths))),
    }
    near, far = sight.near(azimuths, MASTS_M), sight.far(AZIMUTHS, given(azimuths))
    taken["join"] = timed(lambda: sight.join(near, far, MASTS_M, DIPS_RAD))
    print("  on the card [ms]: " + ", ".join(f"{name} {value:.1f}" for name, value in taken.items()))
    print(f"  azimuths at a time: {sight.at_once(len(MASTS_M))}")


def compare(ours, theirs):
    """Print how far the card's horizons are from the processor's."""
    away = np.abs(ours.astype(float) - theirs)[(theirs != -32768) & (ours != -32768)] / 100.0
    figures = " ".join(f"{value:.3f}" for value in (np.median(away), *np.percentile(away, [95, 99]), away.max()))
    same = np.array_equal(ours == -32768, theirs == -32768)
    mean = np.mean(ours.astype(float) - theirs) / 100.0
    print(f"card against processor [deg] median p95 p99 max: {figures}; mean {mean:+.4f}; same gaps: {same}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("prepare", "run"))
    parser.add_argument("file")
    parser.add_argument("terrain", nargs="*")
    given = parser.parse_args()
    if given.what == "prepare":
        prepare(given.file, given.terrain)
    else:
        run(given.file)


if __name__ == "__main__":
    main()
