"""What holds for the horizons of any grid: turned, mirrored, raised, cut, holed, seen from higher up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.terrain.gridhorizon import horizon, horizon_masts, horizon_window, usual_rise

RADIUS_M = 1737400.0
NOTHING = np.float32(-0.5 * np.pi)

some = settings(max_examples=60, deadline=None, derandomize=True)
seeds = st.integers(0, 2**31)
sides = st.integers(1, 150)
azimuths = st.floats(0.0, 360.0)
pixels = st.sampled_from([5.0, 20.0, 100.0])
reliefs = st.floats(0.0, 30.0)


def ground(seed: int, rows: int, cols: int, relief_m: float) -> np.ndarray:
    """Rough ground: a sum of steps of all sizes."""
    random = np.random.default_rng(seed)
    z = np.zeros((rows, cols))
    for size in (1, 3, 9, 27, 81):
        coarse = random.normal(0.0, relief_m * size**0.8, (rows // size + 2, cols // size + 2))
        z += np.kron(coarse, np.ones((size, size)))[:rows, :cols]
    return z.astype(np.float32)


def march(z, row, col, azimuth_rad, pixel_m, mast_m, radius_m=RADIUS_M):
    """Horizon of a cell in double precision: all crossings of grid lines, and quarters of the own cell."""
    east, south = math.sin(azimuth_rad), -math.cos(azimuth_rad)
    along = {0.25, 0.5, 0.75, 1.0}
    for part, count in ((abs(south), z.shape[0]), (abs(east), z.shape[1])):
        along |= {k / part for k in range(1, count)} if part > 1e-9 else set()
    best, eye = -0.5 * math.pi, float(z[row, col]) + mast_m
    for s in sorted(along):
        x, y = col + east * s, row + south * s
        x, y = (round(x), y) if abs(x - round(x)) < 1e-6 else (x, y)
        x, y = (x, round(y)) if abs(y - round(y)) < 1e-6 else (x, y)
        if not (0 <= x <= z.shape[1] - 1 and 0 <= y <= z.shape[0] - 1):
            break
        i, j = min(int(y), max(z.shape[0] - 2, 0)), min(int(x), max(z.shape[1] - 2, 0))
        height = 0.0
        for k, a in ((i, 1 - (y - i)), (i + 1, y - i)):
            for m, b in ((j, 1 - (x - j)), (j + 1, x - j)):
                height += a * b * float(z[k, m]) if a * b > 0.0 else 0.0
        theta = s * pixel_m / radius_m
        rise = height * math.cos(theta) - 2.0 * radius_m * math.sin(0.5 * theta) ** 2 - eye
        best = max(best, math.atan2(rise, (radius_m + height) * math.sin(theta)))
    return best


@some
@given(seeds, sides, sides, reliefs, azimuths, st.integers(1, 3))
def test_turned_ground_has_the_turned_horizon(seed, rows, cols, relief_m, azimuth_deg, quarters):
    z = ground(seed, rows, cols, relief_m)
    plain = horizon(z, 20.0, [math.radians(azimuth_deg)])[0]
    turned = horizon(np.rot90(z, -quarters), 20.0, [math.radians(azimuth_deg + 90.0 * quarters)])[0]
    np.testing.assert_allclose(np.rot90(turned, quarters), plain, atol=2e-5)


@some
@given(seeds, sides, sides, reliefs, azimuths)
def test_mirrored_ground_has_the_mirrored_horizon(seed, rows, cols, relief_m, azimuth_deg):
    z = ground(seed, rows, cols, relief_m)
    plain = horizon(z, 20.0, [math.radians(azimuth_deg)])[0]
    np.testing.assert_allclose(
        horizon(z[:, ::-1], 20.0, [-math.radians(azimuth_deg)])[0][:, ::-1], plain, atol=2e-5
    )


@some
@given(seeds, sides, sides, reliefs, azimuths, st.floats(-5000.0, 9000.0), pixels)
def test_raised_ground_is_the_same_ground_on_a_larger_sphere(
    seed, rows, cols, relief_m, azimuth_deg, up_m, pixel_m
):
    """Heights z + H above R are heights z above R + H, with cells that are larger by (R + H) / R: exactly.

    With r = R + H: tan e = ((r + z) cos(t) - (r + z0 + mast)) / ((r + z) sin(t)) at the angle t = s / R, where R
    appears in r alone and s / R = s' / r for s' = s r / R. What is left to differ is rounding, and the step of
    heights in 32 bits after H is added.
    """
    z = np.round(ground(seed, rows, cols, relief_m), 1)
    up_m = float(np.round(up_m))
    raised = (z.astype(np.float64) + up_m).astype(np.float32)
    rise = usual_rise(z, pixel_m)
    common = {"rise": rise, "observers_m": (0.0, 2.0)}
    got = horizon_masts(raised, pixel_m, [math.radians(azimuth_deg)], **common)
    larger = RADIUS_M + up_m
    same = horizon_masts(z, pixel_m * larger / RADIUS_M, [math.radians(azimuth_deg)], radius_m=larger, **common)
    apart = np.abs(got - same)
    assert np.percentile(apart, 99) < 1e-3 / pixel_m * 4.0
    assert apart.max() < 2e-3


@some
@given(seeds, sides, sides, reliefs, azimuths, st.integers(-5000, 9000))
def test_raised_ground_of_a_plane_has_the_same_horizon(seed, rows, cols, relief_m, azimuth_deg, up_m):
    z = np.round(ground(seed, rows, cols, relief_m))
    common = {"radius_m": 1e13, "rise": usual_rise(z, 20.0)}
    plain, raised = (horizon_masts(z + up, 20.0, [math.radians(azimuth_deg)], **common) for up in (0, up_m))
    np.testing.assert_allclose(raised, plain, atol=2e-6)


@some
@given(seeds, sides, sides, reliefs, azimuths, st.lists(st.floats(0.0, 300.0), min_size=2, max_size=5), pixels)
def test_higher_masts_never_see_a_higher_horizon(seed, rows, cols, relief_m, azimuth_deg, masts_m, pixel_m):
    z = ground(seed, rows, cols, relief_m)
    masts_m = sorted(masts_m)
    got = horizon_masts(z, pixel_m, [math.radians(azimuth_deg)], observers_m=masts_m)
    assert np.all(np.diff(got, axis=0) <= 1e-6)
    for index, mast_m in enumerate(masts_m):
        alone = horizon(z, pixel_m, [math.radians(azimuth_deg)], observer_m=mast_m)
        np.testing.assert_array_equal(alone, got[index])


@some
@given(seeds, st.integers(4, 200), st.integers(4, 200), azimuths, st.data())
def test_a_window_is_a_part_of_the_whole(seed, rows, cols, azimuth_deg, data):
    z = ground(seed, rows, cols, 5.0)
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    bottom, right = data.draw(st.integers(top + 1, rows)), data.draw(st.integers(left + 1, cols))
    longest = data.draw(st.sampled_from([None, 100.0, 1510.0, 3000.0]))
    common = {"observers_m": (2.0,), "max_distance_m": longest}
    whole = horizon_masts(z, 20.0, [math.radians(azimuth_deg)], **common)
    part = horizon_window(z, 20.0, [math.radians(azimuth_deg)], (top, bottom, left, right), **common)
    np.testing.assert_array_equal(part, whole[:, :, top:bottom, left:right])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seeds, azimuths, st.integers(0, 2), st.integers(0, 2), st.integers(40, 100))
def test_tiles_leave_no_seam(seed, azimuth_deg, above, before, reach):
    """A cell has the same horizon in whatever tile it lies, to the last bit."""
    z = ground(seed, 768, 768, 5.0)
    common = {"observers_m": (2.0,), "max_distance_m": reach * 20.0, "rise": usual_rise(z, 20.0), "datum_m": 0.0}
    angle = [math.radians(azimuth_deg)]
    top, left = 256 * above, 256 * before
    middle = (300, 330, 400, 440)
    if top > 150 or left > 280:
        top, left = 0, 256
    whole = horizon_window(z, 20.0, angle, middle, **common)
    rows, cols = (min(edge + reach + 12, 768) for edge in (330, 440))
    place = (300 - top, 330 - top, 400 - left, 440 - left)
    np.testing.assert_array_equal(horizon_window(z[top:rows, left:cols], 20.0, angle, place, **common), whole)


@some
@given(seeds, st.integers(2, 120), st.integers(2, 120), azimuths, st.floats(0.0, 0.9))
def test_missing_cells_are_nan_and_only_they(seed, rows, cols, azimuth_deg, share):
    z = ground(seed, rows, cols, 3.0)
    missing = np.random.default_rng(seed + 1).random(z.shape) < share
    z[missing] = np.nan
    got = horizon(z, 20.0, [math.radians(azimuth_deg)])[0]
    np.testing.assert_array_equal(np.isnan(got), missing)
    if not missing.all():
        steepest = math.atan((np.nanmax(z) - np.nanmin(z)) / 5.0)
        assert np.nanmax(got, initial=-2.0) <= steepest + 1e-6, "a hole was read as a height"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seeds, st.integers(2, 70), st.integers(2, 70), reliefs, azimuths, st.sampled_from([0.0, 2.0, 10.0]), pixels)
def test_equals_double_precision_within_the_exact_part(seed, rows, cols, relief_m, azimuth_deg, mast_m, pixel_m):
    """Up to 80 cells every row crossing counts; columns up to 20 cells, where the march is cut for this."""
    z = ground(seed, min(rows, 19), min(cols, 19), relief_m) + np.float32(-1800.0)
    angle = math.radians(azimuth_deg)
    got = horizon(z, pixel_m, [angle], observer_m=mast_m)[0]
    random = np.random.default_rng(seed)
    for _ in range(12):
        row, col = int(random.integers(z.shape[0])), int(random.integers(z.shape[1]))
        true = march(z, row, col, angle, pixel_m, mast_m)
        if true <= NOTHING + 1e-6:
            # a ray that ends within its own cell may be sampled where the march is not
            continue
        # 32 bits; and ground is straight between cells as seen from the centre of the sphere, not by height
        assert got[row, col] == pytest.approx(true, abs=2e-5 + float(np.ptp(z)) / RADIUS_M)


@some
@given(seeds, azimuths, st.floats(0.01, 0.6))
def test_a_ramp_falls_below_zero_and_ends(seed, azimuth_deg, slope):
    """No ray is followed for ever, and no horizon is lifted to zero."""
    y, x = np.mgrid[:90, :110].astype(float)
    angle = math.radians(azimuth_deg)
    down = (x * math.sin(angle) - y * math.cos(angle)) * -20.0 * slope
    got = horizon(down.astype(np.float32), 20.0, [angle, angle + math.pi], observer_m=0.0)
    inside = got[0][got[0] > NOTHING]
    assert inside.size
    np.testing.assert_allclose(inside, -math.atan(slope), atol=3e-3)
    assert np.all(got[0] < 0.0)
    behind = got[1][got[1] > NOTHING]
    np.testing.assert_allclose(behind, math.atan(slope), atol=3e-3)


@pytest.mark.parametrize("offset_rad", [0.0, 1e-9, 1.7e-8, 1e-7, 3e-6, 2.7e-4, -1.7e-8, -3e-6, -2.7e-4])
@pytest.mark.parametrize("quarter", range(4))
def test_rays_beside_a_grid_line(quarter, offset_rad):
    """A ray that leaves its column by next to nothing neither meets holes of the next nor ends at the rim."""
    random = np.random.default_rng(1)
    z = random.normal(0.0, 5.0, (40, 40)).astype(np.float32)
    z[random.random(z.shape) < 0.3] = np.nan
    angle = 0.5 * math.pi * quarter + offset_rad
    whole = horizon_masts(z, 20.0, [angle], observers_m=(2.0,))
    assert np.nanmax(whole) < math.atan(np.nanmax(z) - np.nanmin(z))
    for row, col in ((0, 0), (39, 39), (0, 39), (39, 0), (20, 39), (39, 20)):
        part = horizon_window(z, 20.0, [angle], (row, row + 1, col, col + 1), observers_m=(2.0,))
        np.testing.assert_array_equal(part, whole[:, :, row : row + 1, col : col + 1])
