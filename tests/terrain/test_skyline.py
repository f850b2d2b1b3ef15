"""Horizons against closed forms on the sphere, and pins of faults that other programs shipped."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from moonpost.errors import InputError, TerrainError
from moonpost.sky import Site
from moonpost.terrain import Terrain, horizon, march

RADIUS_M = 1_737_400.0
TOLERANCE_DEG = 0.01
POLAR = Site(-85.0, 60.0)
MIDDLE = Site(-45.457, 177.589)


def systems(dems, site):
    """A closed-form projection near the pole, and one that only PROJ knows elsewhere."""
    return dems.SOUTH if site is POLAR else dems.local(site)


@pytest.mark.parametrize("site", [POLAR, MIDDLE])
@pytest.mark.parametrize("mast_m", [2.0, 50.0])
def test_bare_sphere_has_the_dip_of_its_mast(tmp_path, dems, site, mast_m):
    file = dems.shaped(
        tmp_path / "flat.tif",
        site,
        lambda d, a: np.full(d.shape, 1234.0),
        crs=systems(dems, site),
        half_width=20e3,
        cell=100.0,
    )
    terrain = Terrain.open(file)
    profile = horizon(terrain, terrain.site(site.latitude_deg, site.longitude_deg), mast_m, azimuths=24)
    dip = -np.degrees(np.arccos((RADIUS_M + 1234.0) / (RADIUS_M + 1234.0 + mast_m)))
    assert np.abs(profile.elevation_deg - dip).max() < 1e-3
    assert np.all(profile.elevation_deg < 0.0), "a horizon below the horizontal must not be clamped at zero"
    assert profile.complete


@pytest.mark.parametrize("site", [POLAR, MIDDLE])
def test_ridge_wall(tmp_path, dems, site):
    def wall(d, a):
        return 900.0 * np.cos(np.clip((d - 15e3) / 1e3, -1.0, 1.0) * np.pi / 2) ** 2

    file = dems.shaped(tmp_path / "wall.tif", site, wall, crs=systems(dems, site), half_width=22e3, cell=50.0)
    terrain = Terrain.open(file)
    profile = horizon(terrain, site, mast_m=2.0, azimuths=48)
    line = np.linspace(10.0, 20e3, 200_001)
    expected = dems.elevation_deg(line, wall(line, 0.0), 2.0).max()
    assert np.abs(profile.elevation_deg - expected).max() < TOLERANCE_DEG
    assert np.abs(profile.distance_m - 15e3).max() < 100.0


@pytest.mark.parametrize("site", [POLAR, MIDDLE])
def test_cone_crater(tmp_path, dems, site):
    def crater(d, a):
        return np.where(d < 8e3, -500.0 + 0.0625 * d, 0.0)

    file = dems.shaped(tmp_path / "cone.tif", site, crater, crs=systems(dems, site), half_width=10e3, cell=20.0)
    terrain = Terrain.open(file)
    profile = horizon(terrain, site, mast_m=2.0, azimuths=48)
    eye = terrain.height_m(site.latitude_deg, site.longitude_deg) + 2.0
    line = np.linspace(100.0, 8e3, 200_001)
    expected = dems.elevation_deg(line, crater(line, 0.0), eye).max()
    assert np.abs(profile.elevation_deg - expected).max() < TOLERANCE_DEG


def test_ramp_that_leaves_the_data_ends_there_and_says_so(tmp_path, dems):
    site = Site(20.0, -30.0)

    def ramp(d, a):
        return 0.1 * d * np.cos(np.radians(a))

    file = dems.shaped(tmp_path / "ramp.tif", site, ramp, crs=dems.local(site), half_width=10e3, cell=50.0)
    profile = horizon(Terrain.open(file), site, mast_m=2.0, azimuths=8)
    for azimuth, edge in ((0.0, 10e3), (45.0, 10e3 * 2**0.5), (180.0, 10e3), (225.0, 10e3 * 2**0.5)):
        line = np.linspace(12.5, edge, 20_001)
        expected = dems.elevation_deg(line, ramp(line, azimuth), 2.0).max()
        assert abs(float(profile.at(azimuth)) - expected) < TOLERANCE_DEG, azimuth
    assert profile.elevation_deg[4] < -5.0
    assert not profile.complete
    assert profile.grade == "screening"
    assert np.nanmin(profile.reach_m) == pytest.approx(10e3, abs=60.0)
    assert "ends before it stops mattering" in " ".join(profile.provenance["limits"])


def test_curvature_hides_a_far_plateau(tmp_path, dems):
    """Without curvature the horizon of a plateau at 72 km is wrong by 1.19 deg."""

    file = dems.shaped(
        tmp_path / "far.tif",
        POLAR,
        lambda d, a: np.interp(d, [0, 500, 3000, 71e3, 72e3, 90e3], [0, 0, -9000, -9000, 0, 0]),
        crs=dems.SOUTH,
        half_width=90e3,
        cell=500.0,
    )
    profile = horizon(Terrain.open(file), POLAR, mast_m=100.0, azimuths=12)
    assert np.abs(profile.elevation_deg - dems.elevation_deg(72e3, 0.0, 100.0)).max() < 0.02
    flat = np.degrees(np.arctan2(-100.0, 72e3))
    assert profile.elevation_deg.mean() - flat == pytest.approx(-1.19, abs=0.02)


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 213.0])
@pytest.mark.parametrize(
    ("site", "system"),
    [
        (Site(-84.0, 70.0), "IAU_2015:30135"),
        (Site(84.0, -110.0), "IAU_2015:30130"),
        (
            Site(-84.0, 70.0),
            "+proj=stere +lat_0=-90 +lon_0=40 +k=0.97 +x_0=5e4 +y_0=-3e4 +R=1737400 +units=m +type=crs",
        ),
        (Site(10.0, 70.0), "+proj=tmerc +lat_0=0 +lon_0=68 +R=1737400 +units=m +type=crs"),
        (Site(10.0, 70.0), "+proj=eqc +lat_ts=10 +lon_0=0 +R=1737400 +units=m +type=crs"),
    ],
)
def test_a_peak_stands_at_its_true_azimuth(tmp_path, dems, site, system, azimuth):
    """Azimuth runs clockwise from true north, whatever the grid's convergence, origin and scale."""

    def peak(d, a):
        turn = np.radians(a - azimuth)
        apart = np.hypot(d * np.cos(turn) - 9e3, d * np.sin(turn))
        return 1500.0 * np.exp(-((apart / 500.0) ** 2))

    file = dems.shaped(tmp_path / "peak.tif", site, peak, crs=system, half_width=14e3, cell=100.0)
    profile = horizon(Terrain.open(file), site, mast_m=2.0, azimuths=720)
    top = int(np.argmax(profile.elevation_deg))
    assert profile.azimuth_deg[top] == pytest.approx(azimuth, abs=0.01)
    assert profile.elevation_deg[top] == pytest.approx(float(dems.elevation_deg(9e3, 1500.0, 2.0)), abs=0.15)


def test_missing_cells_are_never_heights(tmp_path, dems):
    def hill(d, a):
        return np.where(d < 3e3, 0.0, 200.0)

    def torn(d, a):
        heights = hill(d, a)
        heights[(np.abs(d - 4e3) < 300.0) & (np.abs(a - 90.0) < 5.0)] = -32768.0
        return heights

    whole = dems.shaped(tmp_path / "whole.tif", POLAR, hill, crs=dems.SOUTH, half_width=8e3, cell=100.0)
    holed = dems.shaped(
        tmp_path / "holed.tif", POLAR, torn, crs=dems.SOUTH, half_width=8e3, cell=50.0, nodata=-32768.0
    )
    with pytest.raises(TerrainError, match=r"latitude -8.*no-data at or beside row \d+, column \d+ of holed.tif"):
        horizon(Terrain.open(holed), POLAR)
    profile = horizon(Terrain.open(holed, whole), POLAR)
    plain = horizon(Terrain.open(whole), POLAR)
    assert np.abs(profile.elevation_deg - plain.elevation_deg).max() < 0.2


def test_a_gap_between_files_is_an_error_and_a_rim_without_data_is_not(tmp_path, dems):
    flat = np.zeros((40, 40), np.float32)
    near = dems.write(tmp_path / "near.tif", flat, crs=dems.SOUTH, left=-2e3, top=2e3, cell=100.0)
    far = dems.write(tmp_path / "far.tif", flat + 3000, crs=dems.SOUTH, left=4e3, top=2e3, cell=100.0)
    with pytest.raises(TerrainError, match="with more terrain behind it"):
        horizon(Terrain.open(near, far), Site(-90.0, 0.0))
    collar = flat.copy()
    collar[:5] = np.nan
    rim = dems.write(tmp_path / "rim.tif", collar, crs=dems.SOUTH, left=-2e3, top=2e3, cell=100.0)
    profile = horizon(Terrain.open(rim), Site(-90.0, 0.0), azimuths=8)
    assert profile.reach_m[0] < 1500.0 < profile.reach_m[4]


def test_site_outside_the_data_and_bad_arguments(tmp_path, dems):
    file = dems.write(
        tmp_path / "a.tif", np.zeros((9, 9), np.float32), crs=dems.SOUTH, left=-450.0, top=450.0, cell=100.0
    )
    terrain = Terrain.open(file)
    with pytest.raises(TerrainError, match=r"latitude -80.*outside the terrain \(a.tif\)"):
        horizon(terrain, Site(-80.0, 0.0))
    for mast in (-1.0, float("nan"), "2"):
        with pytest.raises(InputError, match="mast_m"):
            horizon(terrain, Site(-90.0, 0.0), mast)
    for count in (0, 3, 1.5, True):
        with pytest.raises(InputError, match="azimuths"):
            horizon(terrain, Site(-90.0, 0.0), 2.0, count)


def test_a_site_on_the_rim_of_the_data(tmp_path, dems):
    file = dems.write(
        tmp_path / "a.tif", np.zeros((9, 9), np.float32), crs=dems.SOUTH, left=0.0, top=450.0, cell=100.0
    )
    profile = horizon(Terrain.open(file), Site(-90.0, 0.0), mast_m=10.0, azimuths=8)
    assert profile.reach_m[6] == 0.0
    assert profile.elevation_deg[6] == pytest.approx(-np.degrees(np.arccos(RADIUS_M / (RADIUS_M + 10.0))))


def test_order_of_files_decides(tmp_path, dems):
    low = dems.write(
        tmp_path / "low.tif", np.zeros((40, 40), np.float32), crs=dems.SOUTH, left=-2e3, top=2e3, cell=100.0
    )
    high = dems.write(
        tmp_path / "high.tif",
        np.full((9, 9), 50.0, np.float32),
        crs=dems.SOUTH,
        left=-450.0,
        top=450.0,
        cell=100.0,
    )
    assert Terrain.open(high, low).height_m(-90.0, 0.0) == 50.0
    assert Terrain.open(low, high).height_m(-90.0, 0.0) == 0.0


def test_a_file_too_large_for_memory_gives_nearly_the_same_horizon(tmp_path, dems, monkeypatch):
    from moonpost.terrain import layer

    rng = np.random.default_rng(3)
    coarse = rng.normal(0.0, 400.0, (12, 12))
    rows = np.linspace(0, 11, 600)
    heights = np.array([np.interp(rows, np.arange(12), line) for line in coarse])
    heights = np.array([np.interp(rows, np.arange(12), line) for line in heights.T]).T.astype(np.float32)
    file = dems.write(
        tmp_path / "big.tif",
        heights,
        crs=dems.SOUTH,
        left=-15e3,
        top=15e3,
        cell=50.0,
        tiled=True,
        blockxsize=64,
        blockysize=64,
    )
    site = Site(-89.9, 30.0)
    whole = horizon(Terrain.open(file), site, azimuths=180)
    monkeypatch.setattr(layer, "WHOLE_CELLS", 50_000)
    monkeypatch.setattr(layer, "EAGER_CELLS", 50_000)
    monkeypatch.setattr(layer, "WINDOW_CELLS", 60)
    terrain = Terrain.open(file)
    assert [grid.heights_m.size <= 50_000 for grid in terrain.layers[0].grids(-89.9, 30.0)] == [True, True]
    parts = horizon(terrain, site, azimuths=180)
    assert parts.site.height_m == pytest.approx(whole.site.height_m, abs=1e-3)
    assert np.abs(parts.elevation_deg - whole.elevation_deg).max() < 0.2
    assert abs((parts.elevation_deg - whole.elevation_deg).mean()) < 0.02


@pytest.mark.parametrize("mast_m", [0.0, 2.0, 10.0])
def test_against_a_march_written_apart(mast_m):
    """Thirty-second-cell steps and terrain heights asked place by place, on real terrain."""
    terrain = Terrain.default("south")
    site = terrain.site(-88.8, 100.0)
    profile = horizon(terrain, site, mast_m, azimuths=24)
    east, north, up = site.basis
    d = np.arange(50.0, 250e3, 50.0)
    for k in (0, 5, 13):
        azimuth = np.radians(profile.azimuth_deg[k])
        way = north * np.cos(azimuth) + east * np.sin(azimuth)
        points = up * np.cos(d / RADIUS_M)[:, None] + way * np.sin(d / RADIUS_M)[:, None]
        lat, lon = np.degrees(np.arcsin(points[:, 2])), np.degrees(np.arctan2(points[:, 1], points[:, 0]))
        height = terrain.height_m(lat, lon)
        r = RADIUS_M + height
        rise = r * np.cos(d / RADIUS_M) - (RADIUS_M + site.height_m + mast_m)
        expected = np.degrees(np.arctan2(rise, r * np.sin(d / RADIUS_M))).max()
        assert profile.elevation_deg[k] == pytest.approx(expected, abs=0.005)


def test_step_error_is_small_on_rough_ground(monkeypatch):
    terrain = Terrain.default("south")
    site = terrain.site(-87.3, 12.0)
    coarse = horizon(terrain, site, 2.0, azimuths=360)
    monkeypatch.setattr(march, "STEP_CELLS", 1.0 / 64.0)
    monkeypatch.setattr(march, "GROWTH", 0.002)
    fine = horizon(terrain, site, 2.0, azimuths=360)
    error = np.abs(coarse.elevation_deg - fine.elevation_deg)
    assert np.percentile(error, 95) < 0.01
    assert np.median(error) < 0.001


def test_turning_the_terrain_turns_the_horizon(tmp_path, dems):
    rng = np.random.default_rng(1)
    heights = rng.normal(0.0, 60.0, (81, 81)).astype(np.float32)
    files = [
        dems.write(
            tmp_path / f"{k}.tif",
            np.rot90(heights, k).copy(),
            crs=dems.SOUTH,
            left=-4050.0,
            top=4050.0,
            cell=100.0,
        )
        for k in (0, 1)
    ]
    first, turned = (horizon(Terrain.open(file), Site(-90.0, 0.0), 2.0, azimuths=360) for file in files)
    back = np.roll(turned.elevation_deg, 90)
    assert np.abs(back - first.elevation_deg).max() < 1e-3


def test_a_higher_mast_never_sees_a_higher_horizon():
    terrain = Terrain.default("north")
    site = terrain.site(88.0, 40.0)
    profiles = [horizon(terrain, site, mast, azimuths=90).elevation_deg for mast in (0.0, 2.0, 10.0, 300.0)]
    for low, high in itertools.pairwise(profiles):
        assert np.all(high <= low + 1e-12)


def test_raising_all_terrain_changes_the_dip_only(tmp_path, dems):
    rng = np.random.default_rng(2)
    heights = rng.normal(0.0, 60.0, (81, 81)).astype(np.float32)
    profiles = []
    for lift in (0.0, 1000.0):
        file = dems.write(
            tmp_path / f"{lift}.tif",
            heights + np.float32(lift),
            crs=dems.SOUTH,
            left=-4050.0,
            top=4050.0,
            cell=100.0,
        )
        profiles.append(horizon(Terrain.open(file), Site(-90.0, 0.0), 2.0, azimuths=90).elevation_deg)
    assert np.abs(profiles[0] / profiles[1] - 1.0).max() < 2e-3, "the same heights, 0.06 % farther apart"


def test_grade(tmp_path, dems):
    south = Terrain.default("south").layers[0].path
    flat = np.zeros((400, 400), np.float32)
    for cell, grade in ((50.0, "site"), (100.0, "screening")):
        file = dems.write(
            tmp_path / f"{cell}.tif", flat, crs=dems.SOUTH, left=-200 * cell, top=200 * cell, cell=cell
        )
        assert horizon(Terrain.open(file, south), Site(-90.0, 0.0), azimuths=36).grade == grade
    small = dems.write(tmp_path / "small.tif", flat[:40, :40], crs=dems.SOUTH, left=-1e3, top=1e3, cell=50.0)
    assert horizon(Terrain.open(small, south), Site(-90.0, 0.0), azimuths=36).grade == "screening"
