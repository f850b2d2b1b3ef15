"""Horizon maps on a graphics card against a march on the processor and against closed forms."""

from __future__ import annotations

import builtins
import math

import numpy as np
import pytest

from moonpost.errors import InputError, MissingExtraError
from moonpost.terrain import gpu, gpucard

RADIUS_M = 1_737_400.0
_absent = pytest.mark.skipif(not gpu.available(), reason="no CuPy or no NVIDIA card on this machine")


def needs_gpu(test):
    """Mark a test that 'make gpu' runs, where there is a card."""
    return pytest.mark.gpu(_absent(test))


def hills(rows=180, cols=210, seed=3):
    """Fractal hills with some relief at every length."""
    rng = np.random.default_rng(seed)
    k = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(cols)[None])
    k[0, 0] = 1.0
    z = np.fft.irfft2(k**-2.2 * (rng.normal(size=k.shape) + 1j * rng.normal(size=k.shape)), s=(rows, cols))
    return (z * 150.0 / z.std() + 1500.0).astype(np.float32)


def marched(z, pixel_m, azimuths, places, observer_m):
    """Horizon [rad] of some cells by bilinear samples each quarter of a cell, in double precision."""
    z = z.astype(float)
    rows, cols = z.shape
    out = np.full((len(azimuths), len(places)), -np.inf)
    for i, azimuth in enumerate(azimuths):
        dx, dy = math.sin(azimuth), -math.cos(azimuth)
        for j, (r, c) in enumerate(places):
            u = np.arange(0.25, math.hypot(rows, cols), 0.25)
            x, y = c + dx * u, r + dy * u
            keep = (x >= 0) & (y >= 0) & (x <= cols - 1) & (y <= rows - 1)
            x, y, u = x[keep], y[keep], u[keep]
            if not u.size:
                continue
            c0, r0 = np.minimum(x.astype(int), cols - 2), np.minimum(y.astype(int), rows - 2)
            fx, fy = x - c0, y - r0
            h = (z[r0, c0] * (1 - fx) + z[r0, c0 + 1] * fx) * (1 - fy)
            h += (z[r0 + 1, c0] * (1 - fx) + z[r0 + 1, c0 + 1] * fx) * fy
            a = u * pixel_m / RADIUS_M
            rise = (RADIUS_M + h) * np.cos(a) - (RADIUS_M + z[r, c] + observer_m)
            out[i, j] = np.arctan2(rise, (RADIUS_M + h) * np.sin(a)).max()
    return out


@needs_gpu
@pytest.mark.parametrize("observer_m", [0.0, 2.0, 10.0])
def test_agrees_with_march(observer_m):
    # 0.01 deg median and 0.15 deg at the 95th percentile is what the horizon maps promise
    z, azimuths = hills(), np.radians(np.arange(0.0, 360.0, 15.0) + 0.7)
    places = np.random.default_rng(1).integers(1, 179, size=(150, 2))
    reference = marched(z, 20.0, azimuths, places, observer_m)
    ours = gpu.horizon(z, 20.0, azimuths, observer_m=observer_m)[:, places[:, 0], places[:, 1]]
    error = np.degrees(np.abs(ours - reference))
    assert np.median(error) < 0.01
    assert np.percentile(error, 95) < 0.15


@needs_gpu
def test_same_as_processor():
    from moonpost.terrain import kernels

    z, azimuths = hills(), np.radians(np.arange(0.0, 360.0, 10.0))
    error = np.degrees(np.abs(gpu.horizon(z, 20.0, azimuths) - kernels.horizon(z, 20.0, azimuths)))[:, 1:-1, 1:-1]
    assert np.median(error) < 0.02
    assert np.percentile(error, 95) < 0.25


@needs_gpu
@pytest.mark.parametrize("azimuth_deg", [0.0, 45.0, 90.0, 200.0])
def test_dip_of_bare_sphere(azimuth_deg):
    # from 2 m the horizon is 2.6 km away: inside a grid of 20 km, away from its edges
    ours = gpu.horizon(np.zeros((200, 200), np.float32), 100.0, [math.radians(azimuth_deg)])[0, 100, 100]
    assert math.degrees(ours) == pytest.approx(-math.degrees(math.acos(RADIUS_M / (RADIUS_M + 2.0))), abs=1e-4)


@needs_gpu
@pytest.mark.parametrize("distance", [3, 40, 100, 300, 700])
def test_wall_at_every_distance(distance):
    z = np.zeros((40, 800), np.float32)
    z[:, 20 + distance] = 900.0
    a = distance * 50.0 / RADIUS_M
    rise = (RADIUS_M + 900.0) * math.cos(a) - (RADIUS_M + 2.0)
    expected = math.atan2(rise, (RADIUS_M + 900.0) * math.sin(a))
    assert gpu.horizon(z, 50.0, [math.pi / 2])[0, 20, 20] == pytest.approx(expected, abs=2e-6)
    assert gpu.horizon(z.T.copy(), 50.0, [math.pi])[0, 20, 20] == pytest.approx(expected, abs=2e-6)
    mirrored = gpu.horizon(z[:, ::-1].copy(), 50.0, [1.5 * math.pi])[0, 20, -21]
    assert mirrored == pytest.approx(expected, abs=2e-6)


@needs_gpu
def test_turned_terrain_turns_horizon():
    z, azimuths = hills(), np.radians([3.0, 77.0, 141.0, 268.0])
    straight = gpu.horizon(z, 20.0, azimuths)
    turned = gpu.horizon(np.rot90(z, -1).copy(), 20.0, azimuths + math.pi / 2)
    assert np.abs(np.rot90(straight, -1, axes=(1, 2)) - turned).max() < 1e-4


@needs_gpu
def test_azimuths_do_not_depend_on_each_other():
    z, azimuths = hills(), np.radians(np.arange(0.0, 360.0, 2.0))
    all_at_once = gpu.horizon(z, 20.0, azimuths)
    assert np.abs(gpu.horizon(z, 20.0, azimuths[::-1])[::-1] - all_at_once).max() < 1e-6
    assert np.abs(gpu.horizon(z, 20.0, azimuths[[17]]) - all_at_once[17]).max() < 1e-6


@needs_gpu
def test_no_data_is_no_height():
    z = np.zeros((60, 60), np.float32)
    z[:, 40] = np.nan
    ours = gpu.horizon(z, 100.0, [0.0, math.pi / 2], observer_m=10.0)
    assert np.isnan(ours[:, :, 40]).all()
    assert np.isfinite(np.delete(ours, 40, axis=2)).all()
    whole = gpu.horizon(np.zeros_like(z), 100.0, [0.0, math.pi / 2], observer_m=10.0)
    assert np.abs(ours[0, 1:, 39] - whole[0, 1:, 39]).max() == 0.0  # along the edge of the hole
    assert np.abs(ours[1, :, 5] - whole[1, :, 5]).max() < 1e-6  # across it


@needs_gpu
def test_edge_and_peak():
    z = np.zeros((80, 80), np.float32)
    z[40, 40] = 500.0
    ours = gpu.horizon(z, 100.0, [0.0, math.pi / 2])
    assert (ours[0, 0] == np.float32(-math.pi / 2)).all()  # nothing lies beyond the top row
    assert (ours[0, 1:] > -1.5).all()
    assert ours[1, 40, 40] < -0.1  # a peak looks down


@needs_gpu
def test_length_of_rays():
    z = np.zeros((30, 400), np.float32)
    z[:, 200] = 900.0
    far = gpu.horizon(z, 50.0, [math.pi / 2])[0, 15, 20]
    near = gpu.horizon(z, 50.0, [math.pi / 2], max_distance_m=8900.0)[0, 15, 20]
    assert far > 0.05
    assert near < 0.0


@needs_gpu
@pytest.mark.parametrize("window", [(0, 700, 0, 90), (300, 303, 11, 64), (650, 700, 600, 601)])
def test_window_is_part_of_whole(window):
    z, azimuths = hills(700, 640), np.radians(np.arange(0.0, 360.0, 15.0))
    row0, row1, col0, col1 = window
    relief = gpu.Relief(z, 20.0)
    whole = relief.horizon(azimuths, observer_m=3.0).get()
    part = relief.horizon_window(azimuths, window, observer_m=3.0).get()
    assert np.abs(part - whole[:, row0:row1, col0:col1]).max() < 1e-6


@needs_gpu
def test_cut_terrain_gives_same_horizon():
    # the same cells, rays and datum within another cut of the terrain
    z, azimuths = hills(900, 800), np.radians(np.arange(0.0, 360.0, 12.0))
    options = {"observer_m": 2.0, "max_distance_m": 4000.0}
    wide = gpu.Relief(z, 20.0, datum_m=1500.0).horizon_window(azimuths, (300, 400, 300, 420), **options).get()
    cut = gpu.Relief(z[77:650, 90:], 20.0, datum_m=1500.0)
    assert np.abs(cut.horizon_window(azimuths, (223, 323, 210, 330), **options).get() - wide).max() < 1e-6


@needs_gpu
@pytest.mark.parametrize(("observer_m", "nearest_m"), [(2.0, 0.0), (2.0, 300.0), (-40.0, 700.0), (-300.0, 3000.0)])
def test_window_same_as_processor(observer_m, nearest_m):
    from moonpost.terrain.gridhorizon import horizon_window

    z, azimuths = hills(600, 600), np.radians(np.arange(0.0, 360.0, 9.0))
    window = (260, 330, 240, 360)
    ours = gpu.Relief(z, 20.0, radius_m=1e13).horizon_window(
        azimuths, window, observer_m=observer_m, min_distance_m=nearest_m
    )
    options = {"radius_m": 1e13, "observers_m": (observer_m,), "min_distance_m": nearest_m}
    theirs = horizon_window(z, 20.0, azimuths, window, **options)[0]
    error = np.degrees(np.abs(ours.get() - theirs))
    assert np.median(error) < 0.02
    assert np.percentile(error, 95) < 0.25


@needs_gpu
def test_refuses_windows():
    relief = gpu.Relief(np.zeros((20, 30), np.float32), 20.0)
    for window in [(0, 21, 0, 30), (5, 5, 0, 30), (0, 20, -1, 4)]:
        with pytest.raises(InputError):
            relief.horizon_window([0.0], window)
    with pytest.raises(InputError):
        relief.horizon_window([0.0], (0, 5, 0, 5), observer_m=-1.0)
    with pytest.raises(InputError):
        relief.horizon_window([0.0], (0, 5, 0, 5), min_distance_m=50.0, max_distance_m=40.0)


@needs_gpu
def test_mast_never_raises_horizon():
    z, azimuths = hills(), np.radians(np.arange(0.0, 360.0, 30.0))
    relief = gpu.Relief(z, 20.0)
    low, high = (relief.horizon(azimuths, observer_m=h).get() for h in (0.0, 10.0))
    assert (high <= low + 1e-5).all()


@needs_gpu
def test_centidegrees():
    z, azimuths = hills(), np.radians(np.arange(0.0, 360.0, 30.0))
    z[5, 5] = np.nan
    whole = gpu.horizon_centidegrees(z, 20.0, azimuths)
    exact = np.degrees(gpu.horizon(z, 20.0, azimuths).astype(float)) * 100.0
    assert whole.dtype == np.int16
    assert (whole[:, 5, 5] == -32768).all()
    assert np.nanmax(np.abs(np.where(whole == -32768, np.nan, whole) - exact)) < 0.501


@needs_gpu
@pytest.mark.parametrize(
    ("z", "pixel_m", "azimuths"),
    [
        (np.zeros(5), 20.0, [0.0]),
        (np.full((4, 4), np.nan), 20.0, [0.0]),
        (np.full((4, 4), np.inf), 20.0, [0.0]),
        (np.zeros((4, 4)), 0.0, [0.0]),
        (np.zeros((4, 4)), 20.0, [np.nan]),
        (np.zeros((4, 4)), 20.0, []),
    ],
)
def test_refuses(z, pixel_m, azimuths):
    with pytest.raises(InputError):
        gpu.horizon(z, pixel_m, azimuths)


def test_says_what_is_missing(monkeypatch):
    real = builtins.__import__

    def without_cupy(name, *args, **kwargs):
        if name == "cupy":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    gpucard.card.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_cupy)
    try:
        assert not gpu.available()
        with pytest.raises(MissingExtraError, match=r"pip install moonpost\[gpu\]"):
            gpu.horizon(np.zeros((4, 4)), 20.0, [0.0])
    finally:
        gpucard.card.cache_clear()
