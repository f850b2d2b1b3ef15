"""Opening terrain files, and the heights in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError, TerrainError
from moonpost.terrain import Terrain


@pytest.fixture
def plain(tmp_path, dems):
    heights = np.add.outer(10.0 * np.arange(20), np.arange(20.0)).astype(np.float32)
    return dems.write(tmp_path / "plain.tif", heights, crs=dems.SOUTH, left=-1e3, top=1e3, cell=100.0)


def test_default_terrain_of_both_poles():
    south, north = Terrain.default("south"), Terrain.default("north")
    assert south.layers[0].resolution_m == 1600.0
    assert south.height_m(-89.67, 129.78) == pytest.approx(-2787.0, abs=60.0), "Shackleton's floor"
    assert north.height_m(89.9, 0.0) < 0.0
    with pytest.raises(TerrainError):
        south.height_m(60.0, 0.0)
    with pytest.raises(InputError, match="'south' or 'north'"):
        Terrain.default("east")  # type: ignore[arg-type]


def test_bilinear_between_cell_centres(plain):
    terrain = Terrain.open(plain)
    assert terrain.height_m(-90.0, 0.0) == pytest.approx(104.5, abs=1e-4)
    assert terrain.site(-90.0, 12.0).height_m == pytest.approx(104.5, abs=1e-4)
    assert terrain.resolution_m(-90.0, 0.0) == 100.0
    both = terrain.height_m([-90.0, -89.99], [0.0, 0.0])
    assert both.shape == (2,)
    assert both[1] < both[0], "longitude 0 is up in a south polar map"


def test_layers_describe_themselves(plain):
    layer = Terrain.open(plain).layers[0]
    assert (layer.name, layer.shape, layer.bounds) == ("plain.tif", (20, 20), (-1e3, -1e3, 1e3, 1e3))
    assert layer.crs == "Moon (2015) - Sphere / Ocentric / South Polar"
    record = Terrain.open(plain).provenance()[0]
    assert len(record["sha256"]) == 64
    assert record["resolution_m"] == 100.0


@pytest.mark.parametrize(
    ("stored", "options", "height"),
    [
        (np.int16(12345), {"scales": (0.1,)}, 1234.5),
        (np.int16(100), {"scales": (0.5,), "offsets": (1_737_400.0,)}, 50.0),
        (np.float32(1.5), {"units": ("km",)}, 1500.0),
        (np.float32(1_738_000.0), {}, 600.0),
        (np.int16(-300), {}, -300.0),
    ],
)
def test_scale_offset_unit_and_radius(tmp_path, dems, stored, options, height):
    cells = np.full((5, 5), stored)
    file = dems.write(tmp_path / "a.tif", cells, crs=dems.SOUTH, left=-250.0, top=250.0, cell=100.0, **options)
    assert Terrain.open(file).height_m(-90.0, 0.0) == pytest.approx(height, abs=0.1)


def test_no_data_is_an_error_with_its_place(tmp_path, dems):
    cells = np.zeros((9, 9), np.float32)
    cells[4, 6] = -9999.0
    cells[0, 0] = -9999.0
    file = dems.write(tmp_path / "a.tif", cells, crs=dems.PLATE, left=10.0, top=20.0, cell=1.0, nodata=-9999.0)
    terrain = Terrain.open(file)
    assert terrain.height_m(15.5, 12.5) == 0.0
    with pytest.raises(
        TerrainError, match=r"latitude 15\.20000, longitude 16\.40000: no-data .*row 4, column 6 of a\.tif"
    ):
        terrain.height_m(15.2, 16.4)
    with pytest.raises(TerrainError, match="row 0, column 0"):
        terrain.height_m([15.5, 19.5], [12.5, 10.5])


@pytest.mark.parametrize("left", [-180.0, 0.0])
def test_the_globe_is_round(tmp_path, dems, left):
    lon = left + 5.0 + 10.0 * np.arange(36)
    cells = np.tile(1000.0 * np.cos(np.radians(lon)), (18, 1)).astype(np.float32)
    file = dems.write(tmp_path / "globe.tif", cells, crs=dems.PLATE, left=left, top=90.0, cell=10.0)
    terrain = Terrain.open(file)
    for longitude in (-180.0, -179.0, -0.5, 0.0, 0.5, 179.5, 180.0, 359.9):
        expected = 1000.0 * np.cos(np.radians(longitude))
        assert terrain.height_m(3.0, longitude) == pytest.approx(expected, abs=5.0), longitude
    assert terrain.height_m(90.0, 20.0) == pytest.approx(terrain.height_m(84.0, 20.0), abs=5.0)


def test_tiny_rasters(tmp_path, dems):
    file = dems.write(
        tmp_path / "one.tif", np.full((1, 1), 7.0, np.float32), crs=dems.SOUTH, left=-50.0, top=50.0, cell=100.0
    )
    terrain = Terrain.open(file)
    assert terrain.height_m(-90.0, 0.0) == 7.0
    with pytest.raises(TerrainError):
        terrain.height_m(-89.99, 0.0)


def test_files_that_are_no_terrain(tmp_path, dems, plain):
    flat = np.zeros((5, 5), np.float32)
    place = {"left": -250.0, "top": 250.0, "cell": 100.0}
    text = tmp_path / "text.tif"
    text.write_text("not a raster")
    cases = {
        text: "cannot be read as a terrain raster",
        tmp_path / "absent.tif": "no such terrain file",
        tmp_path: "no such terrain file",
        dems.write(tmp_path / "none.tif", flat, crs=None, **place): "no coordinate reference system",
        dems.write(tmp_path / "earth.tif", flat, crs="EPSG:3031", **place): r"WGS 84.*Earth's.*IAU_2015:30135",
        dems.write(
            tmp_path / "mars.tif", flat, crs="IAU_2015:49935", **place
        ): "not on the Moon's 1737.4 km sphere",
        dems.write(tmp_path / "empty.tif", flat * np.nan, crs=dems.SOUTH, **place): "no height at all",
        dems.write(tmp_path / "picture.tif", flat.astype(np.uint8), crs=dems.SOUTH, **place): "a picture",
        dems.write(
            tmp_path / "nan.tif", flat * np.nan, crs=dems.SOUTH, nodata=-1.0, **place
        ): "not declared as no-data",
        dems.write(tmp_path / "undeclared.tif", flat - 32768, crs=dems.SOUTH, **place): "declare it",
        dems.write(tmp_path / "feet.tif", flat, crs=dems.SOUTH, units=("ft",), **place): "'ft'",
    }
    for file, message in cases.items():
        with pytest.raises(DataError, match=message) as caught:
            Terrain.open(plain, file)
        assert file.name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        Terrain.open()


@pytest.mark.parametrize(
    "options", [{}, {"compress": "deflate"}, {"tiled": True, "blockxsize": 64, "blockysize": 64}]
)
@pytest.mark.parametrize("eager", [True, False])
def test_truncated_files(tmp_path, dems, monkeypatch, options, eager):
    from moonpost.terrain import layer

    rng = np.random.default_rng(0)
    heights = rng.normal(0.0, 100.0, (300, 300)).astype(np.float32)
    file = dems.write(tmp_path / "a.tif", heights, crs=dems.SOUTH, left=-150e2, top=150e2, cell=100.0, **options)
    whole = file.read_bytes()
    if not eager:
        monkeypatch.setattr(layer, "EAGER_CELLS", 1000)
    for share in (0.0, 0.001, 0.3, 0.9):
        file.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DataError, match=r"a\.tif"):
            Terrain.open(file)
    file.write_bytes(whole)
    Terrain.open(file)


@pytest.mark.parametrize(("lat", "lon"), [(91.0, 0.0), (0.0, 400.0), (float("nan"), 0.0), (0.0, float("inf"))])
def test_places_that_are_none(plain, lat, lon):
    with pytest.raises(InputError):
        Terrain.open(plain).height_m(lat, lon)
    with pytest.raises(InputError):
        Terrain.open(plain).site(lat, lon)


def test_slope(tmp_path, dems):
    rows = 100.0 * np.arange(41)
    cells = np.tile(0.2 * rows, (41, 1)).astype(np.float32)
    file = dems.write(tmp_path / "a.tif", cells, crs=dems.SOUTH, left=-2050.0, top=2050.0, cell=100.0)
    terrain = Terrain.open(file)
    for baseline in (None, 50.0, 1000.0):
        assert terrain.slope_deg(-90.0, 33.0, baseline) == pytest.approx(np.degrees(np.arctan(0.2)), abs=0.01)
    with pytest.raises(InputError, match="baseline_m"):
        terrain.slope_deg(-90.0, 33.0, -1.0)


def test_window_and_hillshade():
    terrain = Terrain.default("south")
    window = terrain.window((-89.0, 45.0), half_width_m=60e3, pixels=41)
    assert window.projection == "polar stereographic south"
    row, col = np.unravel_index(
        np.argmin(np.abs(window.latitude_deg + 89.0) + np.abs(window.longitude_deg - 45.0)), (41, 41)
    )
    assert (row, col) == (20, 20)
    height = terrain.height_m(window.latitude_deg[3, 5], window.longitude_deg[3, 5])
    assert window.height_m[3, 5] == pytest.approx(height, abs=1e-6)
    assert window.x_m[20] == pytest.approx(window.y_m[20], abs=1.0), "longitude 45 lies on the diagonal"
    shade = window.hillshade()
    assert shade.shape == (41, 41)
    assert 0.0 <= shade.min() < shade.max() <= 1.0
    edge = terrain.window((-70.5, 10.0), half_width_m=60e3, pixels=21)
    assert np.isnan(edge.height_m).any()
    assert np.isfinite(edge.height_m).any()
    with pytest.raises(InputError):
        terrain.window((-89.0, 0.0), half_width_m=-1.0)


def test_window_away_from_the_poles(tmp_path, dems):
    cells = np.tile(np.linspace(0, 1000, 40), (40, 1)).astype(np.float32)
    file = dems.write(tmp_path / "a.tif", cells, crs=dems.PLATE, left=30.0, top=22.0, cell=0.1)
    window = Terrain.open(file).window((20.0, 32.0), half_width_m=10e3, pixels=11)
    assert window.projection == "azimuthal equidistant"
    assert window.latitude_deg[5, 5] == pytest.approx(20.0)
    assert window.latitude_deg[0, 5] > window.latitude_deg[10, 5], "north is up"
    assert window.longitude_deg[5, 0] < window.longitude_deg[5, 10], "east is right"


@settings(max_examples=40, deadline=None)
@given(
    lat=st.floats(-89.9, -71.0),
    lon=st.floats(-180.0, 360.0),
)
def test_closed_forms_are_those_of_proj(lat, lon):
    grid = Terrain.default("south").layers[0].grids()[0]
    x, y = grid.map_coordinates(np.array([lat]), np.array([lon]))
    exact_x, exact_y = grid.projection.to_map(np.array([lat]), np.array([lon]))
    assert np.hypot(x - exact_x, y - exact_y)[0] < 1e-3
