"""The graphics kernel's own source, compiled for the processor: it agrees with a march and never reads astray."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from moonpost.terrain import gpu

RADIUS_M = 1_737_400.0
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed, which compiles the graphics kernel for the processor")
    library = tmp_path_factory.mktemp("gpu") / "host.so"
    sizes = {
        "LANES_X": 1,
        "LANES_Y": 1,
        "WARPS_X": 1,
        "WARPS_Y": 1,
        "BLOCKS": 1,
        "AHEAD": 4,
        "CELLS": 2,
        "SHARED": 0,
    }
    flags = [f"-D{name}={value}" for name, value in sizes.items()]
    source = Path(str(files("moonpost.terrain"))).resolve()
    command = [compiler, "-O2", "-std=c++17", "-shared", "-fPIC", f"-I{source}", *flags, "-o", str(library)]
    subprocess.run([*command, str(HERE / "gpu_host.cpp")], check=True, capture_output=True)
    function = ctypes.CDLL(str(library)).emulate
    function.restype = ctypes.c_long
    array, real, whole = ctypes.c_void_p, ctypes.c_double, ctypes.c_int
    function.argtypes = [array, whole, whole, array, whole, array, whole, real, real, real, real, real, array]

    def horizon(z, pixel_m, azimuths, observer_m=2.0, farthest_m=1e30):
        z, azimuths = np.ascontiguousarray(z, np.float32), np.ascontiguousarray(azimuths, float)
        near = np.ascontiguousarray(gpu._NEAR)
        out = np.full((azimuths.size, *z.shape), 7.0, np.float32)
        strays = function(
            z.ctypes.data, *z.shape, azimuths.ctypes.data, azimuths.size, near.ctypes.data, near.size, pixel_m,
            RADIUS_M, observer_m, farthest_m, float(np.nanmean(z)), out.ctypes.data,
        )  # fmt: skip
        assert strays == 0
        assert not (out == 7.0).any()
        return out

    return horizon


def hills(rows, cols, seed):
    rng = np.random.default_rng(seed)
    k = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(cols)[None])
    k[0, 0] = 1.0
    z = np.fft.irfft2(k**-2.2 * (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape)), s=(rows, cols))
    return (z * 60.0 / z.std() + 1500.0).astype(np.float32)


def march(z, pixel_m, azimuth, place, observer_m):
    """Horizon [rad] of one cell by bilinear samples each quarter of a cell."""
    z, (row, col) = z.astype(float), place
    u = np.arange(0.25, math.hypot(*z.shape), 0.25)
    x, y = col + math.sin(azimuth) * u, row - math.cos(azimuth) * u
    keep = (x >= 0) & (y >= 0) & (x <= z.shape[1] - 1) & (y <= z.shape[0] - 1)
    x, y, u = x[keep], y[keep], u[keep]
    if not u.size:
        return -math.pi / 2
    i, j = np.minimum(y.astype(int), z.shape[0] - 2), np.minimum(x.astype(int), z.shape[1] - 2)
    f, g = y - i, x - j
    height = (z[i, j] * (1 - g) + z[i, j + 1] * g) * (1 - f) + (z[i + 1, j] * (1 - g) + z[i + 1, j + 1] * g) * f
    angle, eye = u * pixel_m / RADIUS_M, z[row, col] + observer_m
    top = RADIUS_M + height
    return math.atan(float(np.max((height - eye - 2 * top * np.sin(angle / 2) ** 2) / (top * np.sin(angle)))))


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
