"""Other programs that compute horizons, each in a process and an environment of its own.

``make bench`` makes the environments under ``.peers`` when it can; a peer that does not install is named in the
table with the reason. GRASS is taken from the system.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HOME = Path(__file__).resolve().parents[1] / ".peers"

_WHITEBOX = """
import json, sys, time
import whitebox_workflows
env = whitebox_workflows.WbEnvironment()
env.verbose = False
env.max_procs = 1
dem = env.read_raster(sys.argv[1])
begun = time.process_time()
found = env.horizon_angle(dem, azimuth=float(sys.argv[3]), max_dist=1e9)
spent = time.process_time() - begun
env.write_raster(found, sys.argv[2])
print(json.dumps(spent))
"""

_TOPOCALC = """
import json, sys, time
import numpy as np
from topocalc.horizon import horizon
z = np.load(sys.argv[1])
begun = time.process_time()
found = horizon(180.0 - float(sys.argv[3]), z, float(sys.argv[4]))
spent = time.process_time() - begun
np.save(sys.argv[2], np.degrees(np.arcsin(found)))
print(json.dumps(spent))
"""

_XRSPATIAL = """
import json, sys, time
import numpy as np, xarray as xr
from xrspatial import viewshed
z = np.load(sys.argv[1])
n = z.shape[0]
size = float(sys.argv[4])
y, x = (np.arange(n)[::-1] + 0.5) * size, (np.arange(n) + 0.5) * size
raster = xr.DataArray(z, coords={"y": y, "x": x}, dims=("y", "x"))
small = raster[: n // 8, : n // 8]
viewshed(small, x=float(small.x[9]), y=float(small.y[9]), observer_elev=2.0)
begun = time.process_time()
found = viewshed(raster, x=float(x[n // 2]), y=float(y[n // 2]), observer_elev=2.0)
spent = time.process_time() - begun
print(json.dumps(spent))
"""

_GRASS = """
r.in.gdal -o input={dem} output=dem --quiet
g.region raster=dem
python3 - <<'SCRIPT'
import json, resource, subprocess
begun = resource.getrusage(resource.RUSAGE_CHILDREN)
subprocess.run(["r.horizon", "elevation=dem", "direction={direction}", "output=found", "--quiet"], check=True)
ended = resource.getrusage(resource.RUSAGE_CHILDREN)
with open("{out}.json", "w") as file:
    json.dump(ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime, file)
SCRIPT
r.out.gdal input=$(g.list type=raster pattern='found_*') output={out} type=Float64 --quiet --overwrite
"""


@dataclass(frozen=True)
class Answer:
    """What a peer gave: processor time [s], and elevations [deg] if it gives any."""

    cpu_s: float
    elevation_deg: np.ndarray | None


class PeerError(RuntimeError):
    """A peer that is not here or fails."""


def python(name: str, *packages: str, before: tuple[str, ...] = ()) -> Path:
    """Interpreter of a peer's environment, made when there is none."""
    folder = HOME / name
    found = folder / "bin" / "python"
    if (folder / ".ready").exists():
        return found
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True)
        pip = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if before:
            subprocess.run([*pip, *before], check=True, capture_output=True)
        isolation = ["--no-build-isolation"] if before else []
        subprocess.run([*pip, *isolation, *packages], check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise PeerError(f"{name} does not install here") from error
    (folder / ".ready").touch()
    return found


def whitebox(z: np.ndarray, pixel_m: float, azimuth_deg: float) -> Answer:
    """Horizons by Whitebox Workflows' horizon_angle."""
    import rasterio

    interpreter = python("whitebox", "whitebox-workflows")
    with tempfile.TemporaryDirectory() as folder:
        dem, out = _raster(Path(folder), z, pixel_m), Path(folder) / "out.tif"
        spent = json.loads(_run([str(interpreter), "-c", _WHITEBOX, str(dem), str(out), str(azimuth_deg)]))
        with rasterio.open(out) as file:
            return Answer(spent, file.read(1))


def topocalc(z: np.ndarray, pixel_m: float, azimuth_deg: float) -> Answer:
    """Horizons by topocalc (Dozier and Frew)."""
    interpreter = python("topocalc", "topocalc", before=("numpy<2", "cython", "setuptools<70", "wheel"))
    with tempfile.TemporaryDirectory() as folder:
        dem, out = Path(folder) / "dem.npy", Path(folder) / "out.npy"
        np.save(dem, z.astype(np.float64))
        words = [str(interpreter), "-c", _TOPOCALC, str(dem), str(out), str(azimuth_deg), str(pixel_m)]
        spent = json.loads(_run(words))
        return Answer(spent, np.load(out))


def xrspatial(z: np.ndarray, pixel_m: float, azimuth_deg: float) -> Answer:
    """Viewshed of one cell by xarray-spatial, which has no horizon; its compilation is not counted."""
    interpreter = python("xrspatial", "xarray-spatial")
    with tempfile.TemporaryDirectory() as folder:
        dem = Path(folder) / "dem.npy"
        np.save(dem, z.astype(np.float64))
        words = [str(interpreter), "-c", _XRSPATIAL, str(dem), "", str(azimuth_deg), str(pixel_m)]
        return Answer(json.loads(_run(words)), None)


def grass(z: np.ndarray, pixel_m: float, azimuth_deg: float) -> Answer:
    """Horizons by GRASS r.horizon; its directions run counter-clockwise from east."""
    import rasterio

    if shutil.which("grass") is None:
        raise PeerError("GRASS is not installed (Debian: grass-core)")
    with tempfile.TemporaryDirectory() as folder:
        dem, out = _raster(Path(folder), z, pixel_m), Path(folder) / "out.tif"
        script = Path(folder) / "job.sh"
        direction = (90.0 - azimuth_deg) % 360.0
        script.write_text(_GRASS.format(dem=dem, out=out, direction=direction), encoding="utf-8")
        _run(["grass", "-c", str(dem), str(Path(folder) / "place"), "--exec", "bash", str(script)])
        with rasterio.open(out) as file:
            return Answer(json.loads(Path(f"{out}.json").read_text()), np.degrees(file.read(1)))


def _raster(folder: Path, z: np.ndarray, pixel_m: float) -> Path:
    """A plain GeoTIFF that any peer reads; its system is a metric one of the Earth."""
    import rasterio

    path = folder / "dem.tif"
    rows, cols = z.shape
    place = rasterio.Affine(pixel_m, 0.0, 400_000.0, 0.0, -pixel_m, 5_000_000.0 + rows * pixel_m)
    profile = {"driver": "GTiff", "height": rows, "width": cols, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:32633", transform=place, **profile) as file:
        file.write(z.astype(np.float32), 1)
    return path


def _run(words: list[str]) -> str:
    """Last line that a process prints; its failure is the peer's."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise PeerError((done.stderr.strip() or "failed").splitlines()[-1])
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
