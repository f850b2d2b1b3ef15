"""Horizon maps: closed forms, invariances, and a march of quarter cells."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from moonpost.errors import InputError
from moonpost.terrain.gridhorizon import horizon, horizon_masts, usual_rise

_PATH = Path(__file__).parents[2] / "bench" / "marches.py"
_SPEC = importlib.util.spec_from_file_location("marches", _PATH)
assert _SPEC is not None
marches = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(marches)
RADIUS_M, fine_march, terrain = marches.RADIUS_M, marches.fine_march, marches.terrain

AROUND = (np.arange(16) + 0.3) * (2.0 * np.pi / 16)
NOTHING = -0.5 * np.pi


def test_bare_sphere_dips_by_the_closed_form():
    for mast, pixel in ((2.0, 200.0), (200.0, 400.0)):
        z = np.full((301, 301), 100.0, dtype=np.float32)
        dip = -math.acos((RADIUS_M + 100.0) / (RADIUS_M + 100.0 + mast))
        got = horizon(z, pixel, AROUND, observer_m=mast)[:, 150, 150]
        np.testing.assert_allclose(np.degrees(got), math.degrees(dip), atol=0.003)


@pytest.mark.parametrize("pixel", [5.0, 20.0, 400.0])
@pytest.mark.parametrize("distance", [3, 30, 100, 260, 700])
def test_ridge_wall_rises_by_the_closed_form(pixel, distance):
    height = 0.15 * distance * pixel
    z = np.zeros((33, 900), dtype=np.float32)
    z[:, 100 + distance] = height
    theta = distance * pixel / RADIUS_M
    top = RADIUS_M + height
    true = math.atan2(top * math.cos(theta) - RADIUS_M - 2.0, top * math.sin(theta))
    assert math.degrees(horizon(z, pixel, [0.5 * np.pi])[0, 16, 100]) == pytest.approx(
        math.degrees(true), abs=0.01
    )


@pytest.mark.parametrize("rim", [40.0, 90.0, 180.0, 300.0])
def test_crater_has_its_rim_all_around(rim):
    pixel, half = 20.0, int(rim) + 60
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    away = np.hypot(x, y)
    height = 0.2 * rim * pixel
    ground = np.where(away < rim, height * (away / rim) ** 4, height - (away - rim) * 0.3 * pixel)
    got = horizon(ground.astype(np.float32), pixel, AROUND, observer_m=0.0)[:, half, half]
    theta, top = rim * pixel / RADIUS_M, RADIUS_M + height
    true = math.atan2(top * math.cos(theta) - RADIUS_M, top * math.sin(theta))
    # bilinear ground cuts the sharp rim by up to half a cell of its slopes, 0.8 inside and 0.3 outside
    np.testing.assert_allclose(np.degrees(got), math.degrees(true), atol=math.degrees(0.35 / rim))
    assert abs(np.degrees(got).mean() - math.degrees(true)) < math.degrees(0.3 / rim)


@pytest.mark.parametrize(("azimuth", "row", "col"), [(0, 0, 20), (90, 20, 40), (180, 40, 20), (270, 20, 0)])
def test_azimuth_is_clockwise_from_the_top(azimuth, row, col):
    z = np.zeros((41, 41), dtype=np.float32)
    z[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2] = 300.0
    up = horizon(z, 20.0, np.radians([0.0, 90.0, 180.0, 270.0]))[:, 20, 20]
    assert int(np.argmax(up)) == azimuth // 90
    assert up.max() > 0.5
    assert np.sort(up)[-2] < 0.0


def test_turning_the_ground_turns_the_horizon():
    z = terrain(200, seed=3)
    plain = horizon(z, 20.0, AROUND)
    for quarter in (1, 2, 3):
        turned = horizon(np.rot90(z, -quarter), 20.0, AROUND + 0.5 * np.pi * quarter)
        np.testing.assert_allclose(np.rot90(turned, quarter, axes=(1, 2)), plain, atol=3e-5)


def test_mirrored_ground_mirrors_the_horizon():
    z = terrain(150, seed=4)
    np.testing.assert_allclose(horizon(z[:, ::-1], 20.0, -AROUND)[:, :, ::-1], horizon(z, 20.0, AROUND), atol=3e-5)


def test_raising_all_ground_changes_next_to_nothing():
    z = terrain(200, seed=5, relief_m=100.0)
    # lines of sight are stretched by 1000 m / 1737.4 km, 0.06 percent
    apart = np.abs(horizon(z + 1000.0, 20.0, AROUND) - horizon(z, 20.0, AROUND))
    assert np.percentile(apart, 99.9) < 4e-4
    assert apart.max() < 6e-3


def test_higher_masts_never_see_a_higher_horizon():
    z = terrain(300, seed=6)
    low, middle, high = horizon_masts(z, 20.0, AROUND, observers_m=(0.0, 2.0, 10.0))
    assert np.all(middle <= low + 1e-6)
    assert np.all(high <= middle + 1e-6)
    assert np.mean(high < low) > 0.99
    np.testing.assert_array_equal(middle, horizon(z, 20.0, AROUND, observer_m=2.0))


@pytest.mark.parametrize("mast", [0.0, 2.0])
@pytest.mark.parametrize("shape", [(400, 400), (260, 700)])
def test_agrees_with_a_march_of_quarter_cells(mast, shape):
    z = terrain(max(shape), seed=11, relief_m=0.5 * max(shape))[: shape[0], : shape[1]]
    random = np.random.default_rng(2)
    count = 4000
    rows, cols = random.integers(0, shape[0], count), random.integers(0, shape[1], count)
    which = random.integers(0, AROUND.size, count)
    wide = z.astype(np.float64)
    true, _ = fine_march(wide, 20.0, RADIUS_M, mast, 0.25, rows, cols, AROUND[which], math.inf)
    got = horizon(z, 20.0, AROUND, observer_m=mast)[which, rows, cols]
    seen = true > -1.5
    error = np.abs(np.degrees(got - true)[seen])
    assert np.median(error) < 0.01
    assert np.percentile(error, 95) < 0.15
    assert error.max() < 3.0


@pytest.mark.parametrize("cells", [0.1, 17.3, 63.0, 64.5, 90.0, 151.0, 333.3])
def test_rays_end_at_the_stated_distance(cells):
    z = terrain(400, seed=12, relief_m=200.0)
    random = np.random.default_rng(3)
    rows, cols = random.integers(0, 400, 1500), random.integers(0, 400, 1500)
    which = random.integers(0, AROUND.size, 1500)
    true, _ = fine_march(
        z.astype(np.float64), 20.0, RADIUS_M, 2.0, 0.25, rows, cols, AROUND[which], cells * 20.0 + 1e-6
    )
    got = horizon(z, 20.0, AROUND, max_distance_m=cells * 20.0)[which, rows, cols]
    seen = true > -1.5
    if cells < 0.25:
        assert np.all(got == np.float32(NOTHING))
        return
    error = np.abs(np.degrees(got - true)[seen])
    assert np.median(error) < 0.05
    assert np.percentile(error, 90) < 0.5


def test_a_peak_beyond_the_stated_distance_is_not_seen():
    z = np.zeros((5, 500), dtype=np.float32)
    z[:, 300:303] = 2000.0
    for reach, seen in ((200, False), (294, False), (299, False), (301, True), (310, True), (450, True)):
        got = horizon(z, 20.0, [0.5 * np.pi], max_distance_m=reach * 20.0)[0, 2, 0]
        assert (got > 0.1) == seen, reach


def test_missing_cells_are_not_heights_and_do_not_end_rays():
    z = np.zeros((41, 300), dtype=np.float32)
    z[:, 250] = 900.0
    full = horizon(z, 20.0, [0.5 * np.pi, 0.45 * np.pi, 1.5 * np.pi])
    holed = z.copy()
    holed[:, 120:140] = np.nan
    got = horizon(holed, 20.0, [0.5 * np.pi, 0.45 * np.pi, 1.5 * np.pi])
    assert np.isnan(got[:, :, 120:140]).all()
    known = np.isfinite(holed)
    assert not np.isnan(got[:, known]).any()
    np.testing.assert_allclose(got[0, :, :120], full[0, :, :120], atol=2e-4)
    np.testing.assert_array_less(got[0, :, :100], 0.5)
    assert got[0, 20, 20] > 0.1


def test_all_missing_gives_all_missing():
    assert np.isnan(horizon(np.full((4, 5), np.nan), 20.0, AROUND)).all()


def test_no_height_before_the_rim_is_straight_down():
    got = horizon(np.zeros((6, 7)), 20.0, [0.0, np.pi])
    assert np.all(got[0, 0] == np.float32(NOTHING))
    assert np.all(got[1, -1] == np.float32(NOTHING))
    assert np.all(got[0, 1:] > -0.2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (3, 2), (2, 300), (300, 2), (17, 129)])
def test_small_and_narrow_grids_equal_the_march(shape):
    random = np.random.default_rng(sum(shape))
    z = random.normal(0.0, 5.0, shape).astype(np.float32)
    straight = np.radians([0.0, 90.0, 180.0, 270.0])
    got = horizon(z, 20.0, straight, observer_m=0.0)
    rows, cols = (grid.ravel() for grid in np.indices(shape))
    for index, azimuth in enumerate(straight):
        angles = np.full(rows.size, azimuth)
        true, where = fine_march(z.astype(np.float64), 20.0, RADIUS_M, 0.0, 0.25, rows, cols, angles, math.inf)
        near = where < 60.0
        seen = (true > -1.5) & near
        np.testing.assert_allclose(got[index].ravel()[seen], true[seen], atol=2e-4)
        assert np.all(got[index].ravel()[true < -1.5] == np.float32(NOTHING))


def test_parts_of_a_map_equal_the_map_where_rays_are_short():
    z = terrain(400, seed=21)
    rise = usual_rise(z, 20.0)
    whole = horizon_masts(z, 20.0, AROUND, observers_m=(2.0,), max_distance_m=2000.0, rise=rise)[0]
    part = horizon_masts(z[64:336, 32:336], 20.0, AROUND, observers_m=(2.0,), max_distance_m=2000.0, rise=rise)[0]
    np.testing.assert_allclose(part[:, 110:-110, 110:-110], whole[:, 174:226, 142:226], atol=2e-4)


def test_result_can_be_written_into_kept_memory():
    z = terrain(64, seed=1)
    out = np.full((2, 16, 64, 64), 7.0, dtype=np.float32)
    assert horizon_masts(z, 20.0, AROUND, observers_m=(0.0, 2.0), out=out) is out
    np.testing.assert_array_equal(out[1], horizon(z, 20.0, AROUND))


@pytest.mark.parametrize(
    "change",
    [
        {"z": np.zeros(4)},
        {"z": np.zeros((0, 4))},
        {"z": np.full((3, 3), np.inf)},
        {"pixel_m": 0.0},
        {"pixel_m": math.nan},
        {"azimuths_rad": [0.0, math.nan]},
        {"radius_m": -1.0},
        {"observer_m": math.nan},
        {"observer_m": -1.0},
        {"max_distance_m": 0.0},
        {"max_distance_m": math.nan},
    ],
)
def test_unusable_arguments_are_refused(change):
    arguments = {"z": np.zeros((3, 3)), "pixel_m": 20.0, "azimuths_rad": [0.0]} | change
    z, pixel, azimuths = (arguments.pop(name) for name in ("z", "pixel_m", "azimuths_rad"))
    with pytest.raises(InputError):
        horizon(z, pixel, azimuths, **arguments)
