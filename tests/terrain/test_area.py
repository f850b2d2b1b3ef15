"""Map grids: places, scale, convergence and area of their cells."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from moonpost.errors import DataError, InputError
from moonpost.terrain import Terrain
from moonpost.terrain.area import MapArea

RADIUS_M = 1_737_400.0
MIDDLES = [
    (-89.67, 129.78),
    (-90.0, 0.0),
    (88.3, -40.0),
    (-61.0, 200.0),
    (26.1, 3.6),
    (-45.5, 178.0),
    (0.0, 359.5),
]


def proj(area):
    crs = CRS.from_wkt(area.wkt)
    return Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)


@pytest.mark.parametrize("middle", MIDDLES)
def test_places_are_those_of_proj(middle):
    area = MapArea.about(*middle, 60e3, 30e3, cell_m=1000.0)
    assert area.shape == (30, 60)
    lat, lon = area.places()
    x, y = proj(area).transform(lon, lat)
    gx, gy = np.meshgrid(area.x_m, area.y_m)
    np.testing.assert_allclose(x, gx, atol=1e-4)
    np.testing.assert_allclose(y, gy, atol=1e-4)
    row, col = area.locate(lat, lon)
    np.testing.assert_allclose(row, np.arange(30)[:, None] + np.zeros(60), atol=1e-6)
    np.testing.assert_allclose(col, np.zeros((30, 1)) + np.arange(60), atol=1e-6)
    unit = area.directions(slice(3, 5), slice(7, 9))
    np.testing.assert_allclose(np.degrees(np.arcsin(unit[..., 2])), lat[3:5, 7:9], atol=1e-6)
    row, col = area.locate(*middle)
    assert abs(row - 14.5) <= 0.5 + 1e-9
    assert abs(col - 29.5) <= 0.5 + 1e-9


@pytest.mark.parametrize("middle", MIDDLES)
def test_scale_and_convergence_are_the_differences_of_proj(middle):
    area = MapArea.about(*middle, 200e3, cell_m=20e3)
    lat, lon = (part.ravel() for part in area.places())
    step = 1e-4
    turn = proj(area)
    x0, y0 = turn.transform(lon, lat - step)
    x1, y1 = turn.transform(lon, lat + step)
    north = np.hypot(x1 - x0, y1 - y0) / (RADIUS_M * math.radians(2 * step))
    np.testing.assert_allclose(area.scale(lat, lon), north, rtol=1e-6)
    true = np.degrees(np.arctan2(x1 - x0, y1 - y0))
    off = (area.convergence_deg(lat, lon) - true + 180.0) % 360.0 - 180.0
    assert np.abs(off).max() < 1e-4


def test_convergence_of_polar_maps_is_the_longitude():
    lon = np.linspace(-179.0, 180.0, 40)
    south = MapArea.about(-89.0, 0.0, 1e3, cell_m=100.0)
    north = MapArea.about(89.0, 0.0, 1e3, cell_m=100.0)
    np.testing.assert_allclose(south.convergence_deg(-87.0, lon), lon, atol=1e-9)
    np.testing.assert_allclose(north.convergence_deg(87.0, -lon), lon, atol=1e-9)
    assert float(south.convergence_deg(-90.0, 30.0)) == pytest.approx(30.0)


def test_cells_of_a_cap_sum_to_its_area():
    for pole in (-90.0, 90.0):
        area = MapArea.about(pole, 0.0, 1200e3, cell_m=2000.0)
        lat, _ = area.places()
        x, y = np.meshgrid(area.x_m, area.y_m)
        radius = 500e3
        inside = np.hypot(x, y) <= radius
        angle = 2.0 * math.atan(radius / (2.0 * RADIUS_M))
        cap = 2.0 * math.pi * RADIUS_M**2 * (1.0 - math.cos(angle))
        # cells cut by the rim: 1e-3 of the area at 250 cells of radius, and they cancel
        assert area.cell_area_m2()[inside].sum() == pytest.approx(cap, rel=3e-4)
        assert np.abs(lat[inside]).min() >= 90.0 - math.degrees(angle) - 1e-9


@pytest.mark.parametrize("middle", [(-80.0, 60.0), (30.0, 20.0)])
def test_large_cells_have_the_area_of_the_small_ones_in_them(middle):
    area = MapArea.about(*middle, 400e3, cell_m=50e3)
    fine = MapArea(
        area.wkt, area.x_m[0] + 0.5e3 * (np.arange(700) + 0.5), area.y_m[0] - 0.5e3 * (np.arange(700) + 0.5), 0.5e3
    )
    lat, lon = fine.places()
    # the scale at the middle of each small cell: converges as the square of the cell, 1e-8 here
    scale = fine.scale(lat, lon)
    coarse = MapArea(area.wkt, area.x_m[:-1] + 25e3, area.y_m[:-1] - 25e3, 50e3)
    assert coarse.cell_area_m2().sum() == pytest.approx(((0.5e3 / scale) ** 2).sum(), rel=1e-7)


def test_the_grid_of_a_file_is_kept():
    terrain = Terrain.default("north")
    area = MapArea.of_layer(terrain.layers[0])
    same = MapArea.of_file(terrain.layers[0].path)
    assert area.shape == terrain.layers[0].shape
    assert area.transform == terrain.layers[0].affine
    np.testing.assert_array_equal(area.x_m, same.x_m)
    grid = terrain.layers[0].grids()[0]
    lat, lon = area.places(slice(300, 303), slice(500, 503))
    np.testing.assert_allclose(
        grid.sample(lat.ravel(), lon.ravel()), grid.heights_m[300:303, 500:503].ravel(), atol=0.01
    )


def test_a_map_lies_on_the_lattice_of_a_layer():
    layer = Terrain.default("south").layers[0]
    area = MapArea.aligned(layer, -84.0, 33.0, 20e3, 8e3)
    whole = MapArea.of_layer(layer)
    assert area.shape == (5, 12)
    assert np.isin(area.x_m, whole.x_m).all()
    assert np.isin(area.y_m, whole.y_m).all()
    beyond = MapArea.aligned(layer, -69.0, 0.0, 100e3)
    assert beyond.y_m.max() > whole.y_m.max()
    assert np.isin(beyond.y_m[beyond.y_m < whole.y_m.max() + 1], whole.y_m).all()


def test_files_of_other_kinds_are_refused(tmp_path, dems):
    z = np.zeros((20, 20), dtype=np.float32)
    plate = dems.write(tmp_path / "plate.tif", z, crs=dems.PLATE, left=0.0, top=1.0, cell=0.05)
    with pytest.raises(InputError, match="about"):
        MapArea.of_file(plate)
    flipped = dems.write(tmp_path / "up.tif", z, crs=dems.SOUTH, left=0.0, top=0.0, cell=20.0)
    import rasterio

    with rasterio.open(flipped, "r+") as data:
        data.transform = rasterio.Affine(20.0, 0.0, 0.0, 0.0, 20.0, 0.0)
    with pytest.raises(InputError, match="first row"):
        MapArea.of_file(flipped)


def test_a_shifted_and_scaled_polar_system_is_understood(tmp_path, dems):
    crs = "+proj=stere +lat_0=-90 +lon_0=35 +k=0.97 +x_0=500000 +y_0=250000 +R=1737400 +units=m +type=crs"
    z = np.zeros((20, 20), dtype=np.float32)
    area = MapArea.of_file(dems.write(tmp_path / "k.tif", z, crs=crs, left=510e3, top=260e3, cell=100.0))
    lat, lon = area.places()
    x, y = proj(area).transform(lon, lat)
    np.testing.assert_allclose(x, np.meshgrid(area.x_m, area.y_m)[0], atol=1e-4)
    np.testing.assert_allclose(y, np.meshgrid(area.x_m, area.y_m)[1], atol=1e-4)
    assert float(area.scale(-90.0, 0.0)) == pytest.approx(0.97)
    assert float(area.convergence_deg(-89.0, 35.0)) == pytest.approx(0.0, abs=1e-9)


@given(
    st.floats(-90.0, 90.0),
    st.floats(-180.0, 360.0),
    st.floats(10.0, 500.0),
    st.integers(1, 40),
    st.integers(1, 40),
)
@settings(max_examples=25, deadline=None)
def test_any_map_finds_its_own_cells(latitude, longitude, cell, rows, cols):
    area = MapArea.about(latitude, longitude, cols * cell, rows * cell, cell_m=cell)
    assert area.shape == (rows, cols)
    row, col = area.locate(*area.places())
    assert np.abs(row - np.arange(rows)[:, None]).max() < 1e-5
    assert np.abs(col - np.arange(cols)).max() < 1e-5
    part = area.cut(slice(rows // 2, None), slice(None, cols // 2 + 1))
    np.testing.assert_array_equal(part.x_m, area.x_m[: cols // 2 + 1])


def test_areas_travel_between_processes():
    area = MapArea.about(-89.0, 10.0, 5e3, cell_m=100.0)
    again = pickle.loads(pickle.dumps(area))
    assert again.transform == area.transform
    assert again.record() == area.record()
    assert again.centre.latitude_deg == area.centre.latitude_deg


def test_arrays_carry_coordinates_and_the_system():
    area = MapArea.about(-89.0, 10.0, 500.0, 300.0, cell_m=100.0)
    cube = area.array(
        np.zeros((2, 3, 5)),
        name="h",
        units="deg",
        long_name="horizon",
        source="test",
        dims=("mast", "y", "x"),
        coords={"mast": [0.0, 2.0]},
        kind="cube",
    )
    assert cube.attrs["crs_wkt"] == area.wkt
    assert cube.attrs["transform"][0] == 100.0
    assert cube.attrs["kind"] == "cube"
    np.testing.assert_array_equal(cube.y, area.y_m)
    with pytest.raises(InputError, match="shape"):
        area.array(np.zeros((5, 3)), name="h", units="deg", long_name="horizon", source="test")


@pytest.mark.parametrize(
    "wrong",
    [
        {"latitude_deg": 91.0},
        {"latitude_deg": math.nan},
        {"cell_m": 0.0},
        {"cell_m": math.nan},
        {"width_m": -5.0},
        {"width_m": math.inf},
        {"height_m": 0.0},
        {"cell_m": 1e-4},
        {"width_m": 6e6},
        {"width_m": "wide"},
    ],
)
def test_bad_input_is_refused_with_advice(wrong):
    given_ = {"latitude_deg": -89.0, "longitude_deg": 0.0, "width_m": 1e3, "cell_m": 100.0} | wrong
    with pytest.raises(InputError) as error:
        MapArea.about(**given_)
    assert "give" in error.value.advice


def test_irregular_grids_and_other_bodies_are_refused():
    area = MapArea.about(-89.0, 0.0, 1e3, cell_m=100.0)
    with pytest.raises(InputError, match="regular"):
        MapArea(area.wkt, area.x_m[::-1], area.y_m, 100.0)
    with pytest.raises(InputError, match="regular"):
        MapArea(area.wkt, area.x_m, area.y_m[:0], 100.0)
    with pytest.raises(DataError):
        MapArea(CRS("EPSG:3031").to_wkt(), area.x_m, area.y_m, 100.0)
    with pytest.raises(InputError):
        area.cut(slice(5, 5))
    with pytest.raises(InputError):
        area.cut(slice(None, None, 2))
    with pytest.raises(InputError):
        area.scale(math.nan, 0.0)
