"""One test for each bug that other engines for light on terrain have shipped, named after it.

The missing convergence of the grid is tested with the maps, which are where azimuths of a grid meet true north.
"""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from moonpost.sky import Site, times
from moonpost.terrain import HorizonProfile, illumination, light_statistics
from moonpost.terrain.gridhorizon import horizon, horizon_window
from moonpost.terrain.kernels import horizon as fixed_horizon
from moonpost.terrain.residence import residence_of

RADIUS_M = 1737400.0
POLE = Site(-89.5, 0.0)


def shaped(elevations_deg) -> HorizonProfile:
    count = len(elevations_deg)
    return HorizonProfile(
        np.arange(count) * 360.0 / count,
        np.asarray(elevations_deg, float),
        np.zeros(count),
        POLE,
        2.0,
        "site",
        {},
    )


@pytest.mark.parametrize("call", [horizon, fixed_horizon])
def test_no_curvature(call):
    """At 72 km the ground is 1.19 deg lower than on a plane."""
    z = np.zeros((3, 200), dtype=np.float32)
    z[:, 185] = 4000.0
    far_m = 180 * 400.0
    got = math.degrees(call(z, 400.0, [0.5 * np.pi], observer_m=0.0)[0, 1, 5])
    theta, top = far_m / RADIUS_M, RADIUS_M + 4000.0
    true = math.degrees(math.atan2(top * math.cos(theta) - RADIUS_M, top * math.sin(theta)))
    assert got == pytest.approx(true, abs=0.01)
    plane = math.degrees(math.atan(4000.0 / far_m))
    assert plane - got == pytest.approx(1.19, abs=0.02)
    flat = horizon_window(z, 400.0, [0.5 * np.pi], (1, 2, 5, 6), radius_m=1e13, observers_m=(0.0,))
    assert math.degrees(flat[0, 0, 0, 0]) == pytest.approx(plane, abs=0.01)


def test_horizon_clamped_at_zero():
    """From a summit and from a mast over bare ground, the horizon lies below the horizontal."""
    y, x = np.mgrid[-60:61, -60:61].astype(float)
    cone = (-0.2 * 20.0 * np.hypot(x, y)).astype(np.float32)
    around = np.arange(16) * (2.0 * np.pi / 16)
    summit = horizon(cone, 20.0, around, observer_m=0.0)[:, 60, 60]
    np.testing.assert_allclose(summit, -math.atan(0.2), atol=0.01)
    bare = horizon(np.zeros((121, 121)), 100.0, around, observer_m=10.0)[:, 60, 60]
    dip = -math.acos(RADIUS_M / (RADIUS_M + 10.0))
    np.testing.assert_allclose(bare, dip, atol=3e-5)
    sun = light_of(shaped(np.full(720, -3.0)), azimuth_deg=[10.0], elevation_deg=[-2.0])
    assert sun.tolist() == [1.0], "a Sun below the horizontal shines where the horizon is lower still"


@pytest.mark.parametrize("azimuth_deg", range(0, 360, 15))
def test_azimuth_turned_by_90_degrees(azimuth_deg):
    """0 is up the grid, 90 to its right, and the Sun is looked for in the same direction from north."""
    z = np.zeros((161, 161), dtype=np.float32)
    angle = math.radians(azimuth_deg)
    row, col = round(80 - 60 * math.cos(angle)), round(80 + 60 * math.sin(angle))
    z[row - 1 : row + 2, col - 1 : col + 2] = 600.0
    towards = np.radians(np.arange(0, 360, 15))
    seen = horizon(z, 20.0, towards)[:, 80, 80]
    assert int(np.argmax(seen)) * 15 == azimuth_deg
    assert np.sort(seen)[-2] < 0.01
    light = light_of(shaped(np.degrees(seen)), azimuth_deg=np.arange(0.0, 360.0, 15.0), elevation_deg=5.0)
    assert np.flatnonzero(light == 0.0).tolist() == [azimuth_deg // 15]


@pytest.mark.parametrize("level_m", [-3000.0, 3000.0])
def test_no_data_read_as_height(level_m):
    """A hole is not a wall of height zero (or -32768, or a not-a-number that wins every comparison)."""
    plain = np.full((61, 300), level_m, dtype=np.float32)
    plain[:, 280] += 500.0
    holed = plain.copy()
    holed[20:40, 100:160] = np.nan
    holed[:, 270] = np.nan
    around = np.radians([0.0, 45.0, 80.0, 90.0, 92.0, 180.0, 270.0])
    full, got = (horizon(z, 20.0, around) for z in (plain, holed))
    known = np.isfinite(holed)
    assert np.isnan(got[:, ~known]).all()
    assert np.isfinite(got[:, known]).all()
    # nothing rises at a hole, and the wall behind it is still seen
    assert np.max(got[:, known] - full[:, known]) < 2e-4
    np.testing.assert_allclose(got[3][known][:90], full[3][known][:90], atol=2e-4)


def test_endless_loop_when_a_ray_leaves_the_terrain():
    """On a ramp without an end in sight every ray ends at the rim, at once."""
    code = (
        "import numpy as np\n"
        "from moonpost.terrain.kernels import horizon\n"
        "ramp = np.arange(300.0) * np.ones((200, 1)) * -8.0\n"
        "got = np.degrees(horizon(ramp, 20.0, np.radians([0.0, 37.0, 90.0, 143.0, 180.0, 270.0])))\n"
        "assert np.isfinite(got).all()\n"
        "assert abs(got[2, 100, 100] + 21.8) < 0.1 and abs(got[5, 100, 100] - 21.7) < 0.2\n"
        "print('ended')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "ended", done.stderr


def test_sun_vector_in_32_bits(almanac):
    """Over a minute the Sun moves by even steps of seconds; 32 bits of 150 million km would make stairs."""
    start = np.datetime64("2030-03-01T00:00:00", "ms")
    sun = almanac.sun(POLE, start + np.arange(60) * np.timedelta64(1, "s"))
    for angle_deg in (sun.azimuth_deg, sun.elevation_deg):
        assert angle_deg.dtype == np.float64
        steps = np.diff(angle_deg)
        assert np.all(steps != 0.0)
        assert np.abs(np.diff(steps)).max() < 2e-9
    position_m = almanac.moon_fixed_m("sun", start + np.arange(60) * np.timedelta64(1, "s"))
    coarse = np.degrees(np.arctan2(*np.asarray(position_m, np.float32).astype(float).T[:2]))
    assert np.abs(np.diff(coarse, 2)).max() > 1e-7, "32 bits would be told apart"


def test_sun_over_the_horizontal_mistaken_for_illumination(almanac):
    """Light is the Sun over the horizon of the place, not over the horizontal."""
    start, stop = "2030-01-01", "2031-01-01"
    wall = shaped(np.full(720, 3.0))
    level = shaped(np.zeros(720))
    sun = almanac.sun(POLE, times(start, stop, 3600.0))
    over = float(np.mean(sun.elevation_deg > 0.0))
    assert over > 0.4
    assert light_statistics(wall, almanac, start, stop).average_illumination == 0.0
    assert light_statistics(level, almanac, start, stop).average_illumination == pytest.approx(over, abs=0.02)
    half = shaped(np.where(np.arange(720) < 360, 3.0, 0.0))
    behind = float(np.mean(illumination(half, sun)))
    assert behind == pytest.approx(float(np.mean((sun.elevation_deg > 0.0) & (sun.azimuth_deg > 180.0))), abs=0.02)


def test_percent_lit_mistaken_for_the_average_disc(almanac):
    """Any part of the disc in sight, and the mean part in sight, go by their own names and differ."""
    start, stop = "2030-01-01", "2030-07-01"
    # the horizon follows the middle of the Sun's path, so that half a disc is in sight most of the time
    sun = almanac.sun(POLE, times(start, stop, 3600.0))
    grazing = shaped(np.full(720, float(np.median(sun.elevation_deg))))
    found = light_statistics(grazing, almanac, start, stop)
    share = illumination(grazing, sun)
    assert found.average_illumination == pytest.approx(float(share.mean()), abs=2e-3)
    assert found.percent_lit == pytest.approx(float((share > 0.0).mean()), abs=2e-3)
    assert found.percent_lit > found.average_illumination + 0.02
    table = residence_of(sun, POLE, body="sun")
    assert float(table.average(grazing.elevation_deg)[0]) == pytest.approx(found.average_illumination, abs=2e-3)
    assert float(table.visible(grazing.elevation_deg)[0]) == pytest.approx(found.percent_lit, abs=2e-3)


def light_of(profile: HorizonProfile, azimuth_deg, elevation_deg) -> np.ndarray:
    """Share of a Sun of its usual size at chosen places in the sky."""
    from moonpost.sky import Apparent

    azimuth, elevation = np.broadcast_arrays(np.asarray(azimuth_deg, float), np.asarray(elevation_deg, float))
    time = np.full(azimuth.size, np.datetime64("2030-01-01", "ms"))
    one = np.ones(azimuth.size)
    return illumination(profile, Apparent(time, azimuth * 1.0, elevation * 1.0, 1.5e11 * one, 0.27 * one))


def test_the_bugs_are_told_apart_from_right_answers():
    """The checks above fail on the wrong answers they are for, computed here on purpose."""
    profile = shaped(np.where(np.abs(np.arange(720) / 2.0 - 90.0) < 10.0, 5.0, 0.0))
    turned = dataclasses.replace(profile, elevation_deg=np.roll(profile.elevation_deg, 180))
    azimuths = np.arange(0.0, 360.0, 15.0)
    right, wrong = (light_of(each, azimuths, 2.0) for each in (profile, turned))
    assert not np.array_equal(right, wrong)
    assert light_of(shaped(np.maximum(np.full(720, -3.0), 0.0)), [10.0], [-2.0]).tolist() == [0.0]
