"""Heights of many places: own cells, bilinear, means, and files too large to be kept."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.terrain import Terrain, layer
from moonpost.terrain.area import MapArea
from moonpost.terrain.gnomonic import Gnomonic, turns
from moonpost.terrain.nestgrid import cell_heights, place_heights

RADIUS_M = 1_737_400.0


@pytest.fixture
def ground(tmp_path, dems):
    """A file with a ramp, a bump and a hole."""
    y, x = np.mgrid[:300, :260].astype(np.float32)
    z = 3.0 * x - 2.0 * y + 90.0 * np.exp(-((x - 100) ** 2 + (y - 150) ** 2) / 900.0)
    z[200:210, 30:50] = np.nan
    return dems.write(tmp_path / "ground.tif", z.astype(np.float32), crs=dems.SOUTH, left=-4e3, top=9e3, cell=20.0)


def test_large_files_give_the_same_heights_from_parts(ground, monkeypatch):
    whole = Terrain.open(ground)
    area = MapArea.of_layer(whole.layers[0])
    places = area.beyond(np.arange(-4, 304, 3), np.arange(-7, 268, 3))
    expected = {spacing: place_heights(whole, places, spacing) for spacing in (0.0, 45.0, 90.0, 170.0)}
    cells = cell_heights(whole, area, (-5, 280), (-3, 264))
    monkeypatch.setattr(layer, "WHOLE_CELLS", 100)
    monkeypatch.setattr(layer, "EAGER_CELLS", 100)
    monkeypatch.setattr(layer, "PART_CELLS", 4000)
    large = Terrain.open(ground)
    for spacing, heights in expected.items():
        np.testing.assert_array_equal(place_heights(large, places, spacing), heights)
    np.testing.assert_array_equal(cell_heights(large, area, (-5, 280), (-3, 264)), cells)
    assert "whole" not in large.layers[0]._cache


def test_means_are_those_of_blocks_and_lie_where_these_do(ground):
    terrain = Terrain.open(ground)
    area = MapArea.of_layer(terrain.layers[0])
    z = terrain.layers[0].grids()[0].heights_m
    middle = MapArea(area.wkt, area.x_m[:256].reshape(-1, 4).mean(1), area.y_m.reshape(-1, 4).mean(1), 80.0)
    got = place_heights(terrain, middle.directions(), 80.0)
    blocks = z[:, :256].reshape(75, 4, 64, 4)
    known = ~np.isnan(blocks)
    mean = np.nansum(blocks, axis=(1, 3)) / np.maximum(known.sum(axis=(1, 3)), 1)
    plain = ~np.isnan(got)
    np.testing.assert_allclose(got[plain], mean[plain], atol=0.01)
    assert np.isnan(got[51, 9])
    assert plain.mean() > 0.95


def test_cells_of_the_map_are_those_of_the_file_and_else_bilinear(ground):
    terrain = Terrain.open(ground)
    area = MapArea.of_layer(terrain.layers[0])
    z = terrain.layers[0].grids()[0].heights_m
    np.testing.assert_array_equal(cell_heights(terrain, area, (3, 290), (5, 250)), z[3:290, 5:250])
    other = MapArea.about(-89.8, 3.0, 900.0, cell_m=30.0)
    assert other.offset_in(terrain.layers[0]) is None
    lat, lon = other.places()
    expected = terrain.layers[0].sample(lat.ravel(), lon.ravel()).reshape(lat.shape)
    np.testing.assert_allclose(cell_heights(terrain, other, (0, 30), (0, 30)), expected, rtol=1e-6)


def test_holes_and_the_outside_are_left_to_the_next_file(ground):
    both = Terrain(Terrain.open(ground).layers + Terrain.default("south").layers)
    area = MapArea.of_layer(both.layers[0])
    heights = cell_heights(both, area, (-9, 300), (0, 269))
    assert np.isfinite(heights).all()
    lat, lon = area.places(slice(205, 206), slice(40, 41))
    assert heights[214, 40] == pytest.approx(both.layers[1].sample(lat.ravel(), lon.ravel())[0], abs=0.01)


def test_a_layer_across_the_date_line_is_sampled_in_parts(tmp_path, dems, monkeypatch):
    lat = 90.0 - (np.arange(60) + 0.5) * 0.1
    z = np.repeat(lat[:, None], 3600, axis=1).astype(np.float32) * 10.0
    path = dems.write(tmp_path / "plate.tif", z, crs=dems.PLATE, left=-180.0, top=90.0, cell=0.1)
    area = MapArea.about(86.0, 180.0, 40e3, cell_m=1000.0)
    expected = cell_heights(Terrain.open(path), area, (0, 40), (0, 40))
    monkeypatch.setattr(layer, "WHOLE_CELLS", 100)
    monkeypatch.setattr(layer, "EAGER_CELLS", 100)
    monkeypatch.setattr(layer, "PART_CELLS", 50_000)
    np.testing.assert_array_equal(cell_heights(Terrain.open(path), area, (0, 40), (0, 40)), expected)
    np.testing.assert_allclose(expected, area.places()[0] * 10.0, atol=0.05)


def test_lines_of_sight_are_straight_on_the_chart():
    area = MapArea.about(-80.0, 50.0, 20e3, cell_m=500.0)
    chart = Gnomonic.of(area)
    rng = np.random.default_rng(7)
    for azimuth in rng.uniform(0.0, 2.0 * np.pi, 6):
        here = area.directions(slice(3, 4), slice(33, 34))[0, 0]
        right, top = area.frame(here)
        way = np.sin(azimuth) * right + np.cos(azimuth) * top
        eye, slope = RADIUS_M + 1234.0, np.tan(rng.uniform(-0.05, 0.15))
        line = eye * here + np.linspace(1e3, 250e3, 9)[:, None] * (way + slope * here)
        length = np.linalg.norm(line, axis=1)
        x, y, nearness = chart.plane(line / length[:, None])
        x0, y0, near0 = chart.plane(here)
        depth = RADIUS_M - RADIUS_M**2 / (length * nearness)
        depth0 = RADIUS_M - RADIUS_M**2 / (eye * near0)
        away = np.hypot(x - x0, y - y0)
        angle = turns(chart.turns(area, here), np.array([azimuth]))[0]
        np.testing.assert_allclose((x - x0) / away, np.sin(angle), atol=1e-9)
        np.testing.assert_allclose((y - y0) / away, np.cos(angle), atol=1e-9)
        s = (depth - depth0) / away
        np.testing.assert_allclose(s, s[0], atol=1e-9)
        m = (x0 * np.sin(angle) + y0 * np.cos(angle)) * near0 / RADIUS_M
        tangent = (m + s * (1.0 + 1234.0 / RADIUS_M)) / np.sqrt(1.0 - m * m)
        np.testing.assert_allclose(tangent, slope, atol=1e-9)
