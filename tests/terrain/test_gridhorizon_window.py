"""Horizons of a window of a grid: cropping, tiles without a seam, least distance, plane radius."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.terrain.gridhorizon import horizon_masts, horizon_window, usual_rise

_PATH = Path(__file__).parents[2] / "bench" / "marches.py"
_SPEC = importlib.util.spec_from_file_location("marches", _PATH)
assert _SPEC is not None
marches = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(marches)
terrain = marches.terrain

RADIUS_M = 1737400.0
AROUND = (np.arange(16) + 0.3) * (2.0 * np.pi / 16)
STRAIGHT = np.radians([0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0])
EVERY = np.concatenate([AROUND, STRAIGHT])


def march(z, row, col, azimuth, observer_m, nearest, farthest, radius_m=RADIUS_M):
    """Horizon of one cell from the ground between two distances, in steps of a quarter cell."""
    along = np.arange(nearest, farthest + 1e-9, 0.25)
    x, y = col + np.sin(azimuth) * along, row - np.cos(azimuth) * along
    inside = (x >= 0) & (y >= 0) & (x <= z.shape[1] - 1) & (y <= z.shape[0] - 1)
    x, y, along = x[inside], y[inside], along[inside]
    i, j = np.minimum(y.astype(int), z.shape[0] - 2), np.minimum(x.astype(int), z.shape[1] - 2)
    fy, fx = y - i, x - j
    wide = z.astype(np.float64)
    height = (1 - fy) * ((1 - fx) * wide[i, j] + fx * wide[i, j + 1])
    height += fy * ((1 - fx) * wide[i + 1, j] + fx * wide[i + 1, j + 1])
    theta, eye = along * 20.0 / radius_m, wide[row, col] + observer_m
    top = height * np.cos(theta) - 2.0 * radius_m * np.sin(0.5 * theta) ** 2 - eye
    return math.atan(np.max(top / ((radius_m + height) * np.sin(theta))))


@pytest.mark.parametrize("window", [(0, 200, 0, 160), (7, 8, 130, 131), (64, 131, 3, 158), (199, 200, 0, 160)])
@pytest.mark.parametrize("longest", [None, 1500.0])
def test_a_window_equals_the_whole_cropped(window, longest):
    z = terrain(200, seed=3)[:, :160].copy()
    z[40:50, 60:90] = np.nan
    masts = (0.0, 10.0)
    whole = horizon_masts(z, 20.0, EVERY, observers_m=masts, max_distance_m=longest)
    part = horizon_window(z, 20.0, EVERY, window, observers_m=masts, max_distance_m=longest)
    np.testing.assert_array_equal(part, whole[:, :, window[0] : window[1], window[2] : window[3]])


@pytest.mark.parametrize("fine", [False, True])
def test_tiles_agree_bit_by_bit_however_the_map_is_cut(fine):
    z = terrain(1300, seed=5)
    rise = usual_rise(z, 20.0)
    common = {"observers_m": (2.0,), "max_distance_m": 4880.0, "rise": rise, "datum_m": 30.0, "fine": fine}

    def cut(rows, cols, window):
        origin = (rows.start, cols.start)
        place = tuple(edge - origin[k // 2] for k, edge in enumerate(window))
        return horizon_window(z[rows, cols], 20.0, EVERY, place, **common)

    window = (600, 650, 540, 700)
    whole = horizon_window(z, 20.0, EVERY, window, **common)
    for rows, cols in (
        (slice(256, 906), slice(256, 956)),
        (slice(0, 900), slice(256, 1111)),
        (slice(256, 1300), slice(0, 1300)),
    ):
        np.testing.assert_array_equal(cut(rows, cols, window), whole)
    halves = [
        cut(slice(256, 1000), slice(256, 1000), (600, 650, start, end)) for start, end in ((540, 601), (601, 700))
    ]
    np.testing.assert_array_equal(np.concatenate(halves, axis=-1), whole)


def test_tiles_agree_without_a_limit_where_their_grids_do():
    z = terrain(700, seed=6)
    common = {"observers_m": (0.0, 2.0), "rise": usual_rise(z, 20.0), "datum_m": 0.0}
    whole = horizon_window(z, 20.0, EVERY, (0, 700, 0, 700), **common)
    for row, col in ((0, 0), (0, 350), (350, 0), (350, 350)):
        part = horizon_window(z, 20.0, EVERY, (row, row + 350, col, col + 350), **common)
        np.testing.assert_array_equal(part, whole[:, :, row : row + 350, col : col + 350])


@pytest.mark.parametrize("nearest", [0.6, 1.0, 5.0, 8.0, 9.0, 17.5, 30.0, 79.0, 80.0, 81.0, 128.0, 200.0, 333.0])
def test_nothing_nearer_than_the_least_distance_counts(nearest):
    z = terrain(700, seed=8, relief_m=300.0)
    blocked = z.copy()
    rows, cols = np.indices(z.shape)
    away = np.hypot(rows - 350, cols - 350)
    blocked[(away > 0.0) & (away < nearest - 1.5)] = 9000.0
    window = (350, 351, 350, 351)
    common = {"observers_m": (2.0, -15.0), "min_distance_m": nearest * 20.0, "rise": usual_rise(z, 20.0)}
    got = horizon_window(z, 20.0, EVERY, window, datum_m=0.0, **common)[:, :, 0, 0]
    walled = horizon_window(blocked, 20.0, EVERY, window, datum_m=0.0, **common)[:, :, 0, 0]
    np.testing.assert_array_equal(got, walled)
    for mast, observer in enumerate(common["observers_m"]):
        true = [march(z, 350, 350, azimuth, observer, nearest, 600.0) for azimuth in EVERY]
        error = np.abs(np.degrees(got[mast] - true))
        # the march starts at the least distance itself, the kernel at the next crossing of a grid line
        if nearest >= 17.5:
            assert np.median(error) < 0.05, error
            assert error.max() < (1.0 if nearest < 20.0 else 0.5), error


def test_fine_horizons_are_nearer_to_the_march():
    """Far horizons, which are those that the two differ on."""
    z = terrain(900, seed=7, relief_m=1200.0)
    window, azimuths = (300, 500, 400, 560), AROUND[1::5]
    usual, fine = (
        horizon_window(z, 20.0, azimuths, window, observers_m=(2.0,), fine=fine)[0] for fine in (False, True)
    )
    random = np.random.default_rng(1)
    errors = []
    for a, i, j in random.permutation(np.argwhere(np.abs(usual - fine) > 1e-5))[:300]:
        true = march(z, 300 + i, 400 + j, azimuths[a], 2.0, 0.25, 1200.0)
        errors.append(np.degrees(np.abs([usual[a, i, j] - true, fine[a, i, j] - true])))
    (usual_middle, fine_middle), (usual_high, fine_high) = np.percentile(errors, [50, 95], axis=0)
    assert fine_middle < 0.5 * usual_middle
    assert fine_high < 0.5 * usual_high
    assert fine_high < 0.06


@pytest.mark.parametrize("nearest", [40, 100, 250])
def test_a_peak_counts_from_the_least_distance_on(nearest):
    for peak in (nearest - 1, nearest, nearest + 1, nearest + 40):
        z = np.zeros((5, 500), dtype=np.float32)
        z[:, peak] = 3000.0
        got = horizon_window(
            z, 20.0, [0.5 * np.pi], (2, 3, 0, 1), observers_m=(-5.0,), min_distance_m=nearest * 20.0
        )
        assert (got[0, 0, 0, 0] > 0.1) == (peak >= nearest), peak


def test_near_and_far_together_see_what_the_whole_sees():
    z = terrain(900, seed=9)
    window = (430, 470, 400, 528)
    common = {"observers_m": (2.0,), "rise": usual_rise(z, 20.0)}
    whole = horizon_window(z, 20.0, AROUND, window, **common)
    near = horizon_window(z, 20.0, AROUND, window, max_distance_m=4000.0, **common)
    far = horizon_window(z, 20.0, AROUND, window, min_distance_m=3960.0, **common)
    apart = np.degrees(np.abs(np.maximum(near, far) - whole))
    assert np.median(apart) < 1e-5
    assert np.percentile(apart, 99) < 0.1
    assert np.mean(far > near) > 0.02


def test_a_huge_radius_is_a_plane():
    z = terrain(400, seed=10, relief_m=150.0)
    window, azimuths = (150, 250, 130, 280), AROUND[::4]
    got = horizon_window(z, 20.0, azimuths, window, radius_m=1e13, observers_m=(2.0,))
    random = np.random.default_rng(1)
    error = []
    for _ in range(400):
        a, i, j = (int(random.integers(0, n)) for n in (azimuths.size, 100, 150))
        true = march(z, 150 + i, 130 + j, azimuths[a], 2.0, 0.25, 600.0, 1e13)
        error.append(math.degrees(abs(got[0, a, i, j] - true)))
    assert np.median(error) < 0.01
    assert np.percentile(error, 95) < 0.15
    level = horizon_window(np.full((9, 900), -4000.0), 20.0, [0.5 * np.pi], (4, 5, 0, 1), radius_m=1e13)
    # a plane has no dip: only the height of the mast over the longest way is left
    np.testing.assert_allclose(level[:, 0, 0, 0], -np.arctan(np.array([0.0, 2.0, 10.0]) / (899 * 20.0)), atol=5e-5)


def test_the_datum_only_moves_the_rounding():
    z = terrain(300, seed=12)
    window, rise = (100, 200, 100, 200), usual_rise(z, 20.0)
    low, high = (
        horizon_window(z, 20.0, STRAIGHT[:4], window, rise=rise, datum_m=datum, observers_m=(2.0,))
        for datum in (-500.0, 500.0)
    )
    np.testing.assert_allclose(low, high, atol=1e-4)
    assert np.median(np.abs(low - high)) < 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {"window": (0, 0, 0, 5)},
        {"window": (0, 31, 0, 5)},
        {"window": (-1, 5, 0, 5)},
        {"window": (3, 5, 9, 5)},
        {"min_distance_m": -1.0},
        {"min_distance_m": math.nan},
        {"min_distance_m": 500.0, "max_distance_m": 400.0},
        {"observers_m": (-2.0,)},
        {"observers_m": (math.inf,), "min_distance_m": 5.0},
        {"observers_m": ()},
        {"datum_m": math.nan},
        {"datum_m": 1e9},
        {"rise": np.zeros(4)},
    ],
)
def test_unusable_windows_are_refused(change):
    arguments = {"window": (0, 5, 0, 5)} | change
    with pytest.raises(InputError):
        horizon_window(np.zeros((30, 30)), 20.0, [0.0], arguments.pop("window"), **arguments)
