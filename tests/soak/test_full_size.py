"""Full sizes of claims whose small samples run in ``make test``; ``make soak`` runs these."""

from __future__ import annotations

import csv
import json
import math
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from moonpost.sky import Almanac, Site, times
from moonpost.terrain import Terrain, horizon
from moonpost.terrain.kernels import horizon as map_horizon
from moonpost.terrain.residence import residence

pytestmark = pytest.mark.soak

NODAL_CYCLE = ("2010-01-01", "2028-08-08")


def test_residence_on_a_thousand_real_horizons(almanac: Almanac, moonpost_data: Path) -> None:
    """18.6 years hourly, horizons of steep real terrain; worst 0.026 points is a regression value."""
    with rasterio.open(moonpost_data / "dem" / "shackleton_51km_25m_fused.tif") as raster:
        z = (raster.read(1)[900:1300, 700:1100] * raster.scales[0]).astype(np.float32)
    azimuths = np.radians(np.arange(720) * 0.5)
    chosen = np.random.default_rng(4).integers(0, 400, (1000, 2))
    horizons = np.degrees(map_horizon(z, 25.0, azimuths)[:, chosen[:, 0], chosen[:, 1]].T)
    sun = almanac.sun(Site(-89.7, 200.0), times(*NODAL_CYCLE, 3600.0))
    table = residence(almanac, Site(-89.7, 200.0), *NODAL_CYCLE)
    place = sun.azimuth_deg * 2.0
    left, share = place.astype(int) % 720, place % 1.0
    right = (left + 1) % 720
    worst = 0.0
    averages = table.average(horizons)
    for profile, average in zip(horizons, averages, strict=True):
        ground = profile[left] * (1.0 - share) + profile[right] * share
        x = np.clip((sun.elevation_deg - ground) / sun.angular_radius_deg, -1.0, 1.0)
        loop = float(np.mean(0.5 + (x * np.sqrt(1.0 - x * x) + np.arcsin(x)) / np.pi))
        worst = max(worst, abs(average - loop))
    print(f"largest difference {100 * worst:.5f} percentage points")
    assert worst <= 4e-4


def test_average_light_of_the_published_cells(almanac: Almanac, moonpost_data: Path) -> None:
    """LOLA averages of 1 km cells (research data set), 25 points a cell: rms 2.5 points."""
    dem = moonpost_data / "dem"
    files = [dem / "shackleton_51km_25m_fused.tif", dem / "shackleton_51km_200m.tif"]
    terrain = Terrain(Terrain.open(*files).layers + Terrain.default("south").layers)
    with (moonpost_data / "horizons" / "lola_average_illumination_1km.csv").open() as file:
        cells = list(csv.DictReader(file))
    errors = []
    for cell in cells:
        latitude_deg, longitude_deg = float(cell["lat"]), float(cell["lon"])
        table = residence(almanac, Site(latitude_deg, longitude_deg), *NODAL_CYCLE)
        radius_m = 2 * 1_737_400.0 * math.tan(math.radians(90.0 + latitude_deg) / 2)
        x = radius_m * math.sin(math.radians(longitude_deg))
        y = radius_m * math.cos(math.radians(longitude_deg))
        lights = []
        for dx in (-400.0, -200.0, 0.0, 200.0, 400.0):
            for dy in (-400.0, -200.0, 0.0, 200.0, 400.0):
                r = math.hypot(x + dx, y + dy)
                point = (
                    -90.0 + math.degrees(2 * math.atan(r / (2 * 1_737_400.0))),
                    math.degrees(math.atan2(x + dx, y + dy)),
                )
                profile = horizon(terrain, terrain.site(*point), mast_m=0.0)
                turned = np.interp(
                    profile.azimuth_deg + (point[1] - longitude_deg), profile.azimuth_deg, profile.elevation_deg,
                    period=360.0,
                )  # fmt: skip
                lights.append(float(table.average(turned, *point)[0]))
        errors.append(100 * float(np.mean(lights)) - float(cell["average_illumination_percent"]))
    rms = float(np.sqrt(np.mean(np.square(errors))))
    print(f"bias {np.mean(errors):+.2f}, rms {rms:.2f} points over {len(cells)} cells")
    assert rms <= 2.5


def test_a_study_killed_ten_times(tmp_path: Path) -> None:
    """Kill -9 at ten random moments, then let it finish: the record is that of a run left alone."""
    code = (
        "import sys\nfrom moonpost.plan import load_plan, with_number\nfrom moonpost.study import study\n"
        "study(with_number(load_plan('ilrs'), 'design.years', 2.0), sys.argv[1])"
    )

    def record(folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((folder / "study.json").read_text())
        del found["created_utc"]
        return found

    calm, hunted = tmp_path / "calm", tmp_path / "hunted"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code, str(calm)], check=True)
    length_s = time.monotonic() - started
    moments = random.Random(7)
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", code, str(hunted)])
        time.sleep(moments.uniform(0.05, 0.95) * length_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([sys.executable, "-c", code, str(hunted)], check=True)
    assert record(hunted) == record(calm)
