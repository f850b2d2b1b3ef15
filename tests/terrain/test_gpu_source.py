"""The graphics kernel's own source, compiled for the processor: it agrees with a march and never reads astray."""

from __future__ import annotations

import importlib.util
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from moonpost.terrain import gpu, gputile

RADIUS_M = 1_737_400.0
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed, which compiles the graphics kernel for the processor")
    spec = importlib.util.spec_from_file_location("terrain_gpu_host", HERE / "gpu_host.py")
    host = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(host)
    card, kernels = host.Card(), host.Kernels(compiler, tmp_path_factory.mktemp("gpu"))

    def horizon(
        z, pixel_m, azimuths, observer_m=2.0, farthest_m=None, *, window=None, nearest_m=0.0, radius_m=RADIUS_M
    ):
        relief = gpu.Relief(z, pixel_m, radius_m=radius_m)
        edges = window or (0, relief.shape[0], 0, relief.shape[1])
        options = {"observer_m": observer_m, "min_distance_m": nearest_m, "max_distance_m": farthest_m}
        found = relief.horizon_window(azimuths, edges, **options).get()
        assert not (found == 7.0).any()  # all of it was written
        return found

    with pytest.MonkeyPatch.context() as patch:
        for module in (gpu, gputile):
            patch.setattr(module, "card", lambda: card)
            patch.setattr(module, "kernel", kernels.kernel)
        yield horizon


def hills(rows, cols, seed):
    rng = np.random.default_rng(seed)
    k = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(cols)[None])
    k[0, 0] = 1.0
    z = np.fft.irfft2(k**-2.2 * (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape)), s=(rows, cols))
    return (z * 60.0 / z.std() + 1500.0).astype(np.float32)


def highest(z, u_m, x, y, eye, radius_m):
    """Elevation [rad] of the highest of the bilinear samples at some distances from an eye."""
    keep = (x >= 0) & (y >= 0) & (x <= z.shape[1] - 1) & (y <= z.shape[0] - 1)
    x, y, angle = x[keep], y[keep], u_m[keep] / radius_m
    if not angle.size:
        return -math.pi / 2
    i, j = np.minimum(y.astype(int), z.shape[0] - 2), np.minimum(x.astype(int), z.shape[1] - 2)
    f, g = y - i, x - j
    height = (z[i, j] * (1 - g) + z[i, j + 1] * g) * (1 - f) + (z[i + 1, j] * (1 - g) + z[i + 1, j + 1] * g) * f
    top = radius_m + height
    return math.atan(float(np.max((height - eye - 2 * top * np.sin(angle / 2) ** 2) / (top * np.sin(angle)))))


def march(z, pixel_m, azimuth, place, observer_m, *, between_m=(0.0, 1e30), radius_m=RADIUS_M, crossings=False):
    """Horizon [rad] of one cell by samples each quarter of a cell, or by crossings of lines of the main axis."""
    z, (row, col) = z.astype(float), place
    dx, dy = math.sin(azimuth), -math.cos(azimuth)
    axis = max(abs(dx), abs(dy))
    u = np.arange(1.0, max(z.shape)) / axis if crossings else np.arange(0.25, math.hypot(*z.shape), 0.25)
    u = u[(u * pixel_m >= between_m[0]) & (u * pixel_m <= between_m[1])]
    x, y = col + dx * u, row + dy * u
    if crossings:
        x, y = (np.rint(x), y) if abs(dx) >= abs(dy) else (x, np.rint(y))
    return highest(z, u * pixel_m, x, y, z[row, col] + observer_m, radius_m)


@pytest.mark.parametrize("observer_m", [0.0, 2.0, 10.0])
def test_agrees_with_the_march(emulated, observer_m):
    """Median 0.01 deg and 95th percentile 0.15 deg is what a horizon map may miss."""
    z = hills(120, 150, seed=5)
    azimuths = np.radians(np.arange(0.3, 360.0, 24.0))
    ours = emulated(z, 20.0, azimuths, observer_m)
    rng = np.random.default_rng(1)
    places = np.stack([rng.integers(2, 118, 60), rng.integers(2, 148, 60)], axis=-1)
    errors = [
        abs(math.degrees(ours[a, row, col] - march(z, 20.0, azimuth, (row, col), observer_m)))
        for a, azimuth in enumerate(azimuths)
        for row, col in places
    ]
    assert np.median(errors) < 0.01
    assert np.percentile(errors, 95) < 0.15


def test_dip_of_a_bare_sphere(emulated):
    """Level ground seen from 2 m: arccos(R / (R + h)) where the grid reaches past the horizon."""
    dip = emulated(np.zeros((200, 200), np.float32), 100.0, [0.3, 2.0, 4.4])[:, 100, 100]
    assert dip == pytest.approx(-math.acos(RADIUS_M / (RADIUS_M + 2.0)), abs=math.radians(1e-3))


def test_cells_without_height_are_no_heights(emulated):
    z = hills(70, 60, seed=8)
    z[30:34, 20:26] = np.nan
    found = emulated(z, 20.0, np.radians([10.0, 100.0, 260.0]))
    assert np.isnan(found[:, 30:34, 20:26]).all()
    z_filled = np.where(np.isnan(z), -5000.0, z)
    lower = emulated(z_filled, 20.0, np.radians([10.0, 100.0, 260.0]))
    known = ~np.isnan(z)
    assert (found[:, known] <= lower[:, known] + 0.2).all()
    assert np.isfinite(found[:, known]).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40), (65, 17)])
def test_small_and_odd_grids(emulated, shape):
    found = emulated(np.full(shape, 100.0, np.float32), 50.0, [0.1, 1.7])
    assert found.shape == (2, *shape)
    assert (found <= 0.0).all()


def test_a_higher_mast_never_sees_a_higher_horizon(emulated):
    z = hills(60, 60, seed=9)
    azimuths = np.radians([33.0, 211.0])
    low, high = emulated(z, 20.0, azimuths, 2.0), emulated(z, 20.0, azimuths, 10.0)
    assert (high <= low + 1e-6).all()


@pytest.mark.parametrize("window", [(0, 130, 0, 140), (40, 41, 17, 140), (5, 90, 100, 133), (128, 130, 0, 1)])
def test_a_window_is_part_of_the_whole(emulated, window):
    z = hills(130, 140, seed=4)
    azimuths = np.radians([0.0, 31.0, 117.0, 250.0])
    part = emulated(z, 20.0, azimuths, window=window)
    row0, row1, col0, col1 = window
    assert np.array_equal(part, emulated(z, 20.0, azimuths)[:, row0:row1, col0:col1])


def some_errors(emulated, observer_m, between_m, crossings):
    """Errors [deg] of some cells of a window where only part of each ray counts, over a plane."""
    z = hills(180, 190, seed=11)
    azimuths = np.radians(np.arange(0.7, 360.0, 30.0))
    options = {"window": (60, 120, 70, 110), "nearest_m": between_m[0], "radius_m": 1e13}
    ours = emulated(z, 20.0, azimuths, observer_m, between_m[1], **options)
    rng = np.random.default_rng(2)
    places = list(zip(rng.integers(60, 120, 40), rng.integers(70, 110, 40), strict=True))
    return [
        abs(math.degrees(ours[a, place[0] - 60, place[1] - 70] - exact))
        for a, azimuth in enumerate(azimuths)
        for place in places
        for exact in [
            march(z, 20.0, azimuth, place, observer_m, between_m=between_m, radius_m=1e13, crossings=crossings)
        ]
    ]


@pytest.mark.parametrize(
    ("between_m", "observer_m"), [((170.0, 900.0), 0.0), ((1300.0, 1e30), -80.0), ((1700.0, 2100.0), -250.0)]
)
def test_only_what_lies_between_two_distances_counts(emulated, between_m, observer_m):
    """Beyond 8 cells the crossings are the only samples, so the horizon is theirs but for rounding."""
    assert max(some_errors(emulated, observer_m, between_m, True)) < 1e-3


@pytest.mark.parametrize("between_m", [(0.0, 700.0), (55.0, 1e30)])
def test_near_samples_obey_the_distances(emulated, between_m):
    """A ray ends at a crossing, up to a cell from the end of the march: hence a wider 95th percentile."""
    errors = some_errors(emulated, 2.0, between_m, False)
    assert np.median(errors) < 0.01
    assert np.percentile(errors, 95) < 0.25


@pytest.mark.parametrize("distance", [60, 130, 505, 520, 700, 1050])
@pytest.mark.parametrize("azimuth_deg", [89.0, 90.0, 270.0])
def test_a_lone_peak_is_found_at_every_distance(emulated, distance, azimuth_deg):
    """A wall a cell wide, whose crossing alone makes the horizon, behind all levels of the pyramid."""
    z = np.zeros((48, 1100), np.float32)
    col = 20 + distance
    z[:, col] = 900.0
    start = 20 if azimuth_deg < 180.0 else col
    if azimuth_deg > 180.0:
        z = z[:, ::-1].copy()
        start = z.shape[1] - 21
    found = emulated(z, 50.0, [math.radians(azimuth_deg)], window=(24, 26, start, start + 1))[0, 0, 0]
    way = distance * 50.0 / abs(math.sin(math.radians(azimuth_deg)))
    a = way / RADIUS_M
    expected = math.atan2((RADIUS_M + 900.0) * math.cos(a) - (RADIUS_M + 2.0), (RADIUS_M + 900.0) * math.sin(a))
    assert found == pytest.approx(expected, abs=2e-6)


def test_columns_far_away_are_found_at_all_azimuths(emulated):
    """Single high cells far out: the highest cell of each window covers every ray that passes it."""
    rng = np.random.default_rng(6)
    z = np.zeros((700, 700), np.float32)
    z[rng.integers(0, 700, 60), rng.integers(0, 700, 60)] = 200.0
    azimuths = np.radians(np.arange(1.0, 360.0, 3.0))
    ours = emulated(z, 20.0, azimuths, 2.0, window=(340, 342, 349, 352))
    for a, azimuth in enumerate(azimuths):
        along = march(z, 20.0, azimuth, (340, 350), 2.0, crossings=True)
        assert ours[a, 0, 1] == pytest.approx(along, abs=1e-5)
