"""Horizons of tiles of a map: closed forms, points, seams, holes."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest

from moonpost.errors import InputError, MissingExtraError, TerrainError
from moonpost.sky import Site
from moonpost.terrain import Terrain, gpu, skyline
from moonpost.terrain.area import MapArea
from moonpost.terrain.tilehorizon import NO_HEIGHT, TileHorizons

RADIUS_M = 1_737_400.0


def tangent_deg(distance_m, height_m, eye_m):
    angle = distance_m / RADIUS_M
    r = RADIUS_M + height_m
    return np.degrees(np.arctan2(r * np.cos(angle) - (RADIUS_M + eye_m), r * np.sin(angle)))


def ring(distance_m, azimuth_deg, away):
    """A ridge round a site, twice as high on three sides."""
    top = (2500.0 + 1200.0 * np.sin(np.radians(3.0 * azimuth_deg))) * away / 60e3
    return top * np.exp(-(((distance_m - away) / 9e3) ** 2))


def ridge_deg(site, place, azimuth_deg, away, eye_m, dems):
    """Horizon that the ring makes at a place near its middle, by a fine march over the formula."""
    east, north, up = place.basis
    azimuth = np.radians(azimuth_deg)
    way = math.sin(azimuth) * east + math.cos(azimuth) * north
    distance = np.arange(30e3, 190e3, 25.0)
    angle = distance[:, None] / RADIUS_M
    points = np.cos(angle) * up + np.sin(angle) * way
    lat, lon = np.degrees(np.arcsin(points[:, 2])), np.degrees(np.arctan2(points[:, 1], points[:, 0]))
    far, bearing = dems.distance_azimuth(site, lat, lon)
    dip = -math.degrees(math.acos(RADIUS_M / (RADIUS_M + eye_m)))
    return max(dip, tangent_deg(distance, ring(far, bearing, away), eye_m).max())


@pytest.mark.parametrize(
    ("place", "crs", "away"),
    [
        ((-80.0, 40.0), "south", 60e3),
        ((-80.0, 40.0), "south", 130e3),
        ((80.0, 200.0), "north", 130e3),
        ((-89.9, 10.0), "south", 60e3),
        ((30.0, -20.0), "local", 60e3),
        ((-61.0, 300.0), "local", 130e3),
    ],
)
def test_a_distant_ridge_rises_by_the_closed_form_in_its_true_direction(tmp_path, dems, place, crs, away):
    site = Site(*place)
    system = {"south": dems.SOUTH, "north": dems.NORTH, "local": dems.local(site)}[crs]
    path = dems.shaped(
        tmp_path / "ring.tif",
        site,
        lambda distance, azimuth: ring(distance, azimuth, away),
        crs=system,
        half_width=200e3,
        cell=400.0,
    )
    area = MapArea.about(*place, 9600.0, cell_m=100.0)
    source = TileHorizons.prepare(Terrain.open(path), area, (0.0, 30.0), 48, device="cpu")
    assert source.ground.near_m < 50e3
    got = source.horizons(slice(0, 96), slice(0, 96)) / 100.0
    errors = []
    for row, col in ((5, 90), (48, 47), (77, 12)):
        lat, lon = (float(part[0, 0]) for part in area.places(slice(row, row + 1), slice(col, col + 1)))
        here = Site(lat, lon)
        turn = float(area.convergence_deg(lat, lon))
        for mast, height in enumerate((0.0, 30.0)):
            true = [ridge_deg(site, here, i * 7.5 - turn, away, height, dems) for i in range(0, 48, 5)]
            # 0.008 by the march of the level, 0.005 by rounding, 0.002 by 400 m cells on a ridge of 9 km; on polar
            # maps straight lines would be wrong by 0.14 deg at 80 deg of latitude
            np.testing.assert_allclose(got[mast, ::5, row, col], true, atol=0.02)
            errors.append(got[mast, ::5, row, col] - true)
    assert np.median(np.abs(errors)) <= 0.007


@pytest.mark.parametrize("place", [(-85.0, 70.0), (40.0, 10.0)])
def test_a_level_sphere_dips_by_the_closed_form(tmp_path, dems, place):
    path = dems.shaped(
        tmp_path / "level.tif",
        Site(*place),
        lambda distance, azimuth: 500.0 + 0.0 * distance,
        crs=dems.local(Site(*place)),
        half_width=200e3,
        cell=2000.0,
    )
    area = MapArea.about(*place, 3200.0, cell_m=50.0)
    masts = (2.0, 100.0, 1000.0)
    source = TileHorizons.prepare(Terrain.open(path), area, masts, 12, device="cpu")
    got = source.horizons(slice(0, 64), slice(0, 64)) / 100.0
    for mast, rows in zip(masts, got, strict=True):
        dip = -math.degrees(math.acos((RADIUS_M + 500.0) / (RADIUS_M + 500.0 + mast)))
        assert np.abs(rows - dip).max() <= 0.012


def nest(data):
    names = ("shackleton_rim_10km_40m.tif", "shackleton_51km_25m_fused.tif")
    return Terrain(Terrain.open(*(data / "dem" / name for name in names)).layers + Terrain.default("south").layers)


@pytest.fixture(scope="module")
def real(moonpost_data):
    """The nest round Shackleton's rim, and horizons of a part of its finest file."""
    terrain = nest(moonpost_data)
    area = MapArea.of_layer(terrain.layers[0])
    return terrain, area, TileHorizons.prepare(terrain, area, (0.0, 2.0, 10.0), 72, device="cpu")


def point(terrain, latitude, longitude, mast, azimuth_deg):
    """Horizon of a point on chosen azimuths: elevation [deg] and distance [m]."""
    site = terrain.site(latitude, longitude)
    march = skyline._March.prepare(terrain, site, mast, azimuth_deg.size)
    east, north, _ = site.basis
    azimuth = np.radians(azimuth_deg)
    march.tangent = np.cos(azimuth)[:, None] * north + np.sin(azimuth)[:, None] * east
    march.run()
    return np.degrees(np.arctan(march.best)), march.where * RADIUS_M


def test_a_map_equals_its_points(real):
    terrain, area, source = real
    rows, cols = slice(64, 128), slice(128, 192)
    got = source.horizons(rows, cols) / 100.0
    rng = np.random.default_rng(4)
    errors, far = [], []
    for row, col in rng.integers(0, 64, (8, 2)):
        place = area.places(slice(64 + row, 65 + row), slice(128 + col, 129 + col))
        lat, lon = (float(part[0, 0]) for part in place)
        azimuth = np.arange(72) * 5.0 - float(area.convergence_deg(lat, lon))
        for mast, height in enumerate((0.0, 2.0, 10.0)):
            elevation, distance = point(terrain, lat, lon, height, azimuth)
            errors.append(got[mast, :, row, col] - elevation)
            far.append(distance > source.ground.near_m)
    error, beyond = np.abs(errors), np.array(far)
    assert np.median(error) <= 0.01
    assert np.percentile(error, 95) <= 0.1
    assert beyond.any()
    assert np.percentile(error[beyond], 95) <= 0.05
    assert source.quality.grade == "site"


def test_tiles_leave_no_seam(real):
    terrain, _, _ = real
    area = MapArea.of_layer(terrain.layers[1]).cut(slice(512, 1024), slice(700, 1100))
    large = TileHorizons.prepare(terrain, area, (0.0, 10.0), 12, device="cpu")
    small = TileHorizons(large.ground, large.masts_m, 12, 256, "cpu", large.quality)
    whole = np.empty((2, 12, *area.shape), dtype=np.int16)
    parts = whole.copy()
    for source, result in ((large, whole), (small, parts)):
        for rows, cols in source.tiles:
            result[:, :, rows, cols] = source.horizons(rows, cols)
    off = np.abs(whole.astype(float) - parts) / 100.0
    assert np.mean(off > 0.011) < 1e-3
    assert off.max() < 0.2
    step, same = (np.abs(np.diff(result.astype(float), axis=3))[..., 255] for result in (parts, whole))
    assert np.abs(step - same).mean() < 0.1


def test_the_same_part_gives_the_same_bits(real):
    _, _, source = real
    rows, cols = slice(100, 140), slice(3, 50)
    first = source.horizons(rows, cols)
    np.testing.assert_array_equal(first, source.horizons(rows, cols))
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(first, again.horizons(rows, cols))
    whole = source.horizons(slice(64, 160), slice(0, 96))[:, :, 36:76, 3:50]
    assert np.mean(np.abs(first.astype(int) - whole) > 1) < 2e-3


def test_higher_masts_never_see_a_higher_horizon(real):
    _, _, source = real
    low, middle, high = source.horizons(slice(0, 64), slice(0, 64)).astype(int)
    assert (middle - low).max() <= 1
    assert (high - middle).max() <= 1


def test_blocks_are_the_horizons_in_order(real, monkeypatch):
    _, _, source = real
    monkeypatch.setattr("moonpost.terrain.tilehorizon._BLOCK_BYTES", 4 * 3 * 24 * 20 * 10)
    rows, cols = slice(10, 34), slice(7, 27)
    found = list(source.blocks(rows, cols))
    assert [part.start for part, _ in found] == list(range(0, 72, 10))
    joined = np.concatenate([block for _, block in found], axis=1)
    monkeypatch.undo()
    # the turn from the last azimuth of a block is taken from the one before it
    assert np.abs(joined.astype(int) - source.horizons(rows, cols)).max() <= 1


def test_the_record_is_plain_data(real):
    _, area, source = real
    record = json.loads(json.dumps(source.record()))
    assert record["azimuths"] == 72
    assert record["grade"] == "site"
    assert record["levels"][-1]["farthest_m"] == pytest.approx(300e3)
    assert {(r.stop, c.stop) for r, c in source.tiles} == {area.shape}


def rough(dems, path, *, hole=None, cell=40.0, count=160, left=-3200.0, top=3200.0, lift=0.0):
    rng = np.random.default_rng(2)
    z = np.cumsum(np.cumsum(rng.normal(0.0, 1.0, (count, count)), axis=0), axis=1) / 8.0
    z = (z - z.mean() + lift).astype(np.float32)
    if hole is not None:
        z[hole] = np.nan
    return dems.write(path, z, crs=dems.SOUTH, left=left, top=top, cell=cell)


def test_cells_without_a_height_are_marked_and_hide_nothing(tmp_path, dems):
    hole = (slice(40, 60), slice(70, 90))
    torn = Terrain.open(rough(dems, tmp_path / "torn.tif", hole=hole))
    area = MapArea.of_layer(torn.layers[0])
    source = TileHorizons.prepare(torn, area, (2.0,), 8, device="cpu")
    got = source.horizons(slice(0, 160), slice(0, 160))[0]
    missing = np.zeros(area.shape, dtype=bool)
    missing[hole] = True
    assert (got[:, missing] == NO_HEIGHT).all()
    assert (got[:, ~missing] > -9000).all()
    assert source.quality.grade == "screening"
    assert any("no-data" in text for text in source.quality.limits)


def test_a_hole_is_filled_by_the_next_file(tmp_path, dems):
    hole = (slice(40, 60), slice(70, 90))
    torn = rough(dems, tmp_path / "torn.tif", hole=hole)
    whole = rough(dems, tmp_path / "whole.tif")
    area = MapArea.of_file(whole)
    filled = TileHorizons.prepare(Terrain.open(torn, whole), area, (2.0,), 8, device="cpu")
    plain = TileHorizons.prepare(Terrain.open(whole), area, (2.0,), 8, device="cpu")
    part = slice(0, 160), slice(0, 160)
    np.testing.assert_array_equal(filled.horizons(*part), plain.horizons(*part))


def test_terrain_that_ends_too_early_is_said(tmp_path, dems):
    alone = Terrain.open(rough(dems, tmp_path / "alone.tif"))
    source = TileHorizons.prepare(alone, MapArea.of_layer(alone.layers[0]), (2.0,), 8, device="cpu")
    assert source.quality.grade == "screening"
    assert not source.quality.complete
    assert any("terrain ends" in text for text in source.record()["limits"])


def test_a_map_may_reach_beyond_the_fine_file(tmp_path, dems):
    fine = rough(dems, tmp_path / "fine.tif", lift=1000.0)
    terrain = Terrain(Terrain.open(fine).layers + Terrain.default("south").layers)
    area = MapArea.aligned(terrain.layers[0], -89.9, 0.0, 2000.0)
    assert area.offset_in(terrain.layers[0])[0] < 30
    source = TileHorizons.prepare(terrain, area, (2.0,), 8, device="cpu")
    assert (source.horizons(slice(0, 50), slice(0, 50)) > -9000).all()


def test_raising_all_ground_changes_nothing_but_the_dip(tmp_path, dems):
    part = slice(0, 160), slice(0, 160)
    maps = []
    for lift in (0.0, 700.0):
        terrain = Terrain.open(rough(dems, tmp_path / f"{lift}.tif", lift=lift))
        area = MapArea.of_layer(terrain.layers[0])
        maps.append(TileHorizons.prepare(terrain, area, (2.0,), 12, device="cpu").horizons(*part).astype(int))
    assert np.abs(maps[0] - maps[1]).max() <= 3


def test_ground_turned_about_the_pole_has_the_horizon_turned(tmp_path, dems):
    rng = np.random.default_rng(2)
    z = np.cumsum(np.cumsum(rng.normal(0.0, 1.0, (160, 160)), axis=0), axis=1).astype(np.float32) / 8.0
    maps = []
    for turn in (0, 1):
        path = tmp_path / f"{turn}.tif"
        dems.write(path, np.rot90(z, -turn), crs=dems.SOUTH, left=-3200.0, top=3200.0, cell=40.0)
        terrain = Terrain.open(path)
        source = TileHorizons.prepare(terrain, MapArea.of_layer(terrain.layers[0]), (2.0,), 8, device="cpu")
        maps.append(source.horizons(slice(0, 160), slice(0, 160))[0].astype(int))
    back = np.rot90(np.roll(maps[1], -2, axis=0), 1, axes=(1, 2))
    off = np.abs(back - maps[0])
    assert np.percentile(off, 99) <= 5
    assert np.median(off) <= 1


def test_coarse_maps_of_a_whole_pole_see_the_far_ground():
    terrain = Terrain.default("north")
    area = MapArea.about(90.0, 0.0, 528e3, cell_m=6400.0)
    source = TileHorizons.prepare(terrain, area, (0.0,), 8, device="cpu")
    pieces = source.ground.pieces((0, area.shape[0]), (0, area.shape[1]))
    assert len(pieces) > 1
    whole = source.horizons(slice(0, area.shape[0]), slice(0, area.shape[1]))
    assert (whole > -700).all()
    assert whole.max() > 500
    for rows, cols in pieces[:2]:
        part = source.horizons(slice(*rows), slice(*cols))
        assert np.median(np.abs(part.astype(int) - whole[:, :, slice(*rows), slice(*cols)])) <= 3


def test_a_map_off_the_terrain_is_refused(tmp_path, dems):
    terrain = Terrain.open(rough(dems, tmp_path / "small.tif"))
    with pytest.raises(TerrainError, match="no height anywhere"):
        TileHorizons.prepare(terrain, MapArea.about(-87.0, 0.0, 1e3, cell_m=50.0), (2.0,), 8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mast_m": ()},
        {"mast_m": (-1.0,)},
        {"mast_m": (math.nan,)},
        {"mast_m": "high"},
        {"azimuths": 3},
        {"azimuths": 7.5},
        {"tile_cells": 1},
        {"device": "tpu"},
        {"area": "south"},
    ],
)
def test_bad_input_is_refused_with_advice(wrong):
    terrain = Terrain.default("south")
    given = {"area": MapArea.about(-89.0, 0.0, 3200.0, cell_m=400.0), "mast_m": (2.0,), "azimuths": 8} | wrong
    with pytest.raises(InputError) as error:
        TileHorizons.prepare(terrain, **given)
    assert "give" in error.value.advice


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 8, 2), slice(99, 120)])
def test_parts_without_cells_are_refused(rows):
    area = MapArea.about(-89.0, 0.0, 3200.0, cell_m=400.0)
    source = TileHorizons.prepare(Terrain.default("south"), area, (2.0,), 8, device="cpu")
    with pytest.raises(InputError, match="rows"):
        source.horizons(rows, slice(0, 8))


@pytest.mark.skipif(gpu.available(), reason="a graphics card answers")
def test_without_a_card_one_is_told_so():
    area = MapArea.about(-89.0, 0.0, 3200.0, cell_m=400.0)
    with pytest.raises(MissingExtraError, match="card"):
        TileHorizons.prepare(Terrain.default("south"), area, (2.0,), 8, device="gpu")
    assert TileHorizons.prepare(Terrain.default("south"), area, (2.0,), 8).device == "cpu"
