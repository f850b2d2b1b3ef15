"""Full-size runs of maps: kills at random moments, and memory whatever the number of azimuths."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.soak

RUN = """
import resource
import sys
from pathlib import Path

from moonpost.sky import Almanac
from moonpost.terrain import Terrain, mapbuild
from moonpost.terrain.area import MapArea
from moonpost.terrain.maps import site_maps


class Enough(Exception):
    pass


def tell(at):
    print(at.done, flush=True)
    if at.done >= tiles:
        raise Enough


folder, cells, cell_m, azimuths, masts, maps, workers, tiles, size = sys.argv[1:10]
tiles = int(tiles)
if int(size):
    mapbuild._TILES = (int(size),)
terrain = Terrain.open(*sys.argv[10:]) if sys.argv[10:] else Terrain.default("south")
area = MapArea.about(-89.67, 129.78, int(cells) * float(cell_m), cell_m=float(cell_m))
try:
    site_maps(
        terrain, area, Almanac.default(), "2030-01-01", "2030-07-01", maps=maps.split(","), out=Path(folder),
        mast_m=[float(mast) for mast in masts.split(",")], azimuths=int(azimuths), workers=int(workers),
        progress=tell,
    )
except Enough:
    pass
print(area.shape, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, flush=True)
"""


def command(*words: object) -> list[str]:
    return [sys.executable, "-c", RUN, *map(str, words)]


def files(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(".moonpost/lock")
    return found


def test_ten_kills_leave_the_same_map(tmp_path: Path) -> None:
    """The real engine: horizons, averages and longest spells, two workers, killed ten times at random."""
    words = (128, 400.0, 180, "0,10", "illumination,lit,dark,psr,horizon", 2, 1000, 16)
    subprocess.run(command(tmp_path / "whole", *words), check=True, stdout=subprocess.PIPE)
    random, done = np.random.default_rng(5), []
    for _ in range(10):
        with subprocess.Popen(command(tmp_path / "map", *words), stdout=subprocess.PIPE, text=True) as run:
            lines = [run.stdout.readline() for _ in range(1 + int(random.integers(0, 8)))]
            done.append(int(lines[0]))
            time.sleep(float(random.uniform(0.0, 0.5)))
            run.kill()
        assert run.returncode == -9, "killed before the map was done"
    subprocess.run(command(tmp_path / "map", *words), check=True, stdout=subprocess.PIPE)
    print("tiles of 64 found done by each run:", done)
    assert sorted(done) == done
    assert len(set(done)) > 4, "work was kept"
    assert files(tmp_path / "map") == files(tmp_path / "whole")


@pytest.mark.parametrize(("azimuths", "workers"), [(720, 1), (720, 2), (2880, 2)])
def test_a_map_of_4000_by_4000_stays_under_6_gib(tmp_path: Path, azimuths: int, workers: int) -> None:
    """Peak of the whole process over the first tiles, at their real size, with three masts.

    The rest of the map repeats them: a tile's memory is given back when it is written. With more azimuths tiles
    become smaller, so that the horizons of all tiles at work never take more than 3.6 GB.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    words = command(
        tmp_path / "map", 4000, 20.0, azimuths, "0,2,10", "illumination,lit,dark,psr", workers, 2 * workers, 0
    )
    run = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    shape, peak = run.stdout.splitlines()[-1].rsplit(" ", 1)
    print(f"{shape} cells, {azimuths} azimuths, {workers} workers: {float(peak):.2f} GiB")
    assert shape == "(4000, 4000)"
    assert float(peak) < 6.0
