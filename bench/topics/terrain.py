"""Horizons beside other programs, in one run: speed, growth and error, with SPICE plates as the oracle."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import peers
from marches import RADIUS_M, fine_march, scalar_march, terrain
from measure import Table, data_folder
from moonpost.terrain.gridhorizon import horizon, horizon_masts

PIXEL_M = 20.0
AZIMUTHS_DEG = (90.0, 37.0)
PLANE_M = 1e12
_SAMPLES = 4000

Job = Callable[[np.ndarray, float, float], peers.Answer]


def march(z: np.ndarray, pixel_m: float, azimuth_deg: float) -> peers.Answer:
    """The naive march: compiled, scalar, one cell a step."""
    found = np.empty((1, *z.shape), np.float32)
    angle = np.radians([azimuth_deg])
    scalar_march(z[:9, :9], pixel_m, angle, RADIUS_M, 0.0, np.empty((1, 9, 9), np.float32))
    begun = time.process_time()
    scalar_march(z, pixel_m, angle, RADIUS_M, 0.0, found)
    return peers.Answer(time.process_time() - begun, np.degrees(found[0]))


def ours(z: np.ndarray, pixel_m: float, azimuth_deg: float) -> peers.Answer:
    """The map kernel; its time is that of one azimuth out of 36, since it works on many at once."""
    angles = np.radians(azimuth_deg + np.arange(36) * 10.0)
    kept = np.zeros((1, angles.size, *z.shape), np.float32)
    horizon(z[:9, :9], pixel_m, angles)
    spent = np.inf
    for _ in range(3):
        begun = time.process_time()
        horizon_masts(z, pixel_m, angles, observers_m=(0.0,), out=kept)
        spent = min(spent, time.process_time() - begun)
    return peers.Answer(spent / angles.size, np.degrees(kept[0, 0]))


JOBS: dict[str, Job] = {
    "Moonpost, map kernel": ours,
    "naive march (numba, scalar)": march,
    "GRASS r.horizon": peers.grass,
    "Whitebox Workflows horizon_angle": peers.whitebox,
    "topocalc": peers.topocalc,
}


def error(z: np.ndarray, azimuth_deg: float, found: np.ndarray, radius_m: float) -> np.ndarray:
    """Errors [deg] at random cells against a march of quarter cells."""
    random = np.random.default_rng(5)
    inner = z.shape[0] // 10
    rows, cols = random.integers(inner, z.shape[0] - inner, (2, _SAMPLES))
    angles = np.full(_SAMPLES, np.radians(azimuth_deg))
    true, _ = fine_march(z.astype(float), PIXEL_M, radius_m, 0.0, 0.25, rows, cols, angles, 1e12)
    return found[rows, cols] - np.degrees(true)


def beside() -> list[list[str]]:
    """Speed and error at 1000 x 1000 cells, and the rate at 500 and 2000 of that at 1000."""
    grounds = {size: terrain(size, PIXEL_M) for size in (500, 1000, 2000)}
    rows, naive = [], 0.0
    for name, job in JOBS.items():
        try:
            answers = [job(grounds[1000], PIXEL_M, azimuth) for azimuth in AZIMUTHS_DEG]
            others = [job(grounds[size], PIXEL_M, AZIMUTHS_DEG[0]).cpu_s / size**2 for size in (500, 2000)]
        except peers.PeerError as reason:
            rows.append([name, f"not run: {reason}", "", "", "", ""])
            continue
        spent = float(np.mean([answer.cpu_s for answer in answers]))
        naive = spent if job is march else naive
        first = answers[0].cpu_s / 1e6
        rows.append(
            [
                name,
                f"{1.0 / spent:.2f} M/s",
                f"{spent:.9f}",
                ", ".join(f"{first / other:.2f}" for other in others),
                *(_errors(grounds[1000], answers, radius) for radius in (RADIUS_M, PLANE_M)),
            ]
        )
    for row in rows:
        row[2] = f"{naive / float(row[2]):.2f}" if row[2] else ""
    return rows


def _errors(z: np.ndarray, answers: list[peers.Answer], radius_m: float) -> str:
    """Median and 95th percentile of the size of all errors."""
    pairs = zip(AZIMUTHS_DEG, answers, strict=True)
    size = np.concatenate([np.abs(error(z, azimuth, a.elevation_deg, radius_m)) for azimuth, a in pairs])
    median, high = np.percentile(size, [50, 95])
    return f"{median:.4f}, {high:.3f}"


def one_cell() -> list[str]:
    """What one cell sees: the viewshed of xarray-spatial against all 720 azimuths of ours."""
    z = terrain(1000, PIXEL_M)
    angles = np.radians(np.arange(720) * 0.5)
    kept = np.zeros((1, 720, 64, 64), np.float32)
    horizon_masts(z[:64, :64], PIXEL_M, angles, observers_m=(2.0,), out=kept)
    try:
        theirs = peers.xrspatial(z, PIXEL_M, 0.0).cpu_s
    except peers.PeerError as reason:
        return ["xarray-spatial viewshed of one cell", f"not run: {reason}", "", "", "", ""]
    spent = ours(z, PIXEL_M, 0.0).cpu_s * 720 / z.size
    return [
        "xarray-spatial viewshed of one cell",
        f"{theirs:.2f} s a cell",
        f"ours {spent * 1e6:.0f} us a cell at 720 azimuths: 1/{theirs / spent:.0f}",
        "",
        "no horizon",
        "",
    ]


def oracle() -> list[str]:
    """Horizons of points against SPICE rays on a plate model of the same heights."""
    folder = data_folder()
    if folder is None:
        return ["Moonpost, points, against SPICE DSK", "not run: no real data", "", "", "", ""]
    import rasterio
    from rasterio.windows import Window

    import dsk
    from moonpost.terrain import Terrain
    from moonpost.terrain import horizon as at_point

    with rasterio.open(folder / "dem" / "shackleton_rim_10km_40m.tif") as whole:
        heights = whole.read(1, window=Window(60, 60, 101, 101)) * whole.scales[0] + whole.offsets[0]
        a, _, c, _, e, f = tuple(whole.transform)[:6]
        corner = rasterio.Affine(a, 0.0, c + 60 * a, 0.0, e, f + 60 * e)
        profile = {"driver": "GTiff", "count": 1, "crs": whole.crs, "height": 101, "width": 101}
    moat = np.ones_like(heights, dtype=bool)
    moat[2:-2, 2:-2] = False
    found = []
    random = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "part.tif"
        with rasterio.open(path, "w", dtype="float32", transform=corner, **profile) as file:
            file.write((heights - 2000.0 * moat).astype(np.float32), 1)
        ground = Terrain.open(path)
        layer = ground.layers[0]
        with dsk.plate_model(layer, Path(place) / "part.dsk", 4):
            for _ in range(12):
                left, bottom, right, top = layer.bounds
                x = left + (right - left) * random.uniform(0.2, 0.8, 1)
                y = bottom + (top - bottom) * random.uniform(0.2, 0.8, 1)
                latitude, longitude = layer.projection.from_map(x, y)
                site = ground.site(float(latitude[0]), float(longitude[0]))
                seen = at_point(ground, site, mast_m=2.0, azimuths=24)
                for azimuth, elevation in zip(seen.azimuth_deg, seen.elevation_deg, strict=True):
                    found.append(elevation - dsk.horizon_deg(site, 2.0, azimuth, elevation))
    size = np.abs(found)
    errors = f"{np.nanmedian(size):.4f}, {np.nanpercentile(size, 95):.3f}"
    return ["Moonpost, points, against SPICE DSK", f"{size.size} rays", "", "", errors, ""]


def table() -> Table:
    """Horizons beside other programs."""
    return Table(
        topic="terrain",
        title="Horizons beside other programs",
        method="Synthetic rough ground, 20 m cells, observer on the ground, 1000 x 1000 cells, two azimuths; "
        "processor time of one core, azimuth-pixels a second, reading and writing of files left out. Each peer "
        "runs in a process of its own. Errors are medians and 95th percentiles against quarter-cell marches on "
        "bilinear heights, on the Moon and on a plane: without curvature a program is right on the plane.",
        head=(
            "what",
            "rate",
            "naive march = 1",
            "rate at 500, 2000 of 1000",
            "error, Moon (deg)",
            "error, plane (deg)",
        ),
        rows=[*beside(), one_cell(), oracle()],
        reading="GRASS, Whitebox and topocalc know no curvature of the Moon (GRASS only that of the Earth, for "
        "maps in degrees); topocalc never goes below zero, hence its 95th percentile. xarray-spatial has "
        "viewsheds, no horizons: what one cell sees is the nearest job. SPICE rays hit flat triangles of a "
        "quarter cell, ours bilinear cells.",
    )
