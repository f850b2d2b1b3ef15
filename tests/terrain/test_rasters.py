"""GeoTIFF files: what is written comes back, in the layout of a cloud-optimised file, or the old file stays."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import CRS, Transformer

from moonpost.errors import DataError, InputError, OutputError
from moonpost.terrain import Terrain
from moonpost.terrain.area import MapArea
from moonpost.terrain.rasters import area_of, height_map, read_geotiff, write_geotiff

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

SOUTH = MapArea.about(-89.0, 30.0, 60e3, 90e3, cell_m=100.0)


def values(area=SOUTH, name="slope_deg", dtype="f4", **attrs):
    rng = np.random.default_rng(1)
    return area.array(
        (rng.random(area.shape) * 40.0).astype(dtype),
        name=name,
        units="deg",
        long_name="slope",
        source="made up",
        **attrs,
    )


def test_is_a_cloud_optimised_geotiff(tmp_path):
    path = write_geotiff(tmp_path / "slope.tif", values(), tags={"moonpost_inputs": "abc123"})
    with rasterio.open(path) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.block_shapes == [(512, 512)]
        assert file.overviews(1) == [2]
        assert file.compression.name == "deflate"
        assert np.isnan(file.nodata)
        assert file.units == ("deg",)
        assert file.descriptions == ("slope_deg",)
        assert file.tags()["moonpost_inputs"] == "abc123"
        assert file.tags()["source"] == "made up"
        assert tuple(file.transform)[:6] == pytest.approx(SOUTH.transform)
    assert [path] == list(tmp_path.iterdir())


def test_the_directory_of_the_file_comes_before_its_pixels(tmp_path):
    """What makes a file cloud-optimised: all directories at the start, overviews' pixels before the full ones."""
    path = write_geotiff(tmp_path / "slope.tif", values())
    with rasterio.open(path) as file:
        full = int(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
        smaller = int(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=0))
        header = int(file.get_tag_item("IFD_OFFSET", "TIFF", bidx=1))
    assert header < smaller < full


@pytest.mark.parametrize(
    "area",
    [
        SOUTH,
        MapArea.about(85.0, -100.0, 20e3, cell_m=250.0),
        MapArea.about(26.1, 3.6, 20e3, 10e3, cell_m=130.0),
        MapArea.about(-5.0, 179.95, 30e3, cell_m=500.0),
    ],
)
def test_values_places_and_attributes_come_back(tmp_path, area):
    data = values(area, baseline_m=80.0, method="Horn", limits=[1.0, 2.5])
    data[3, 4] = np.nan
    back = read_geotiff(write_geotiff(tmp_path / "a.tif", data))["slope_deg"]
    assert back.dtype == data.dtype
    assert np.array_equal(back.values, data.values, equal_nan=True)
    assert back.attrs["units"] == "deg"
    assert back.attrs["long_name"] == "slope"
    assert back.attrs["source"] == "made up"
    assert back.attrs["baseline_m"] == 80.0
    assert back.attrs["limits"] == [1.0, 2.5]
    for first, second in zip(area_of(back).places(), area.places(), strict=True):
        assert np.abs(first - second).max() < 1e-9


def test_the_system_in_the_file_puts_cells_where_they_are(tmp_path):
    """By PROJ from the file's own system, as a GIS does it, not by the map grid's formulas."""
    area = MapArea.about(-43.3, -11.2, 60e3, cell_m=500.0)
    path = write_geotiff(tmp_path / "a.tif", values(area))
    with rasterio.open(path) as file:
        crs = CRS(file.crs.to_wkt())
        x, y = file.xy(17, 40)
    longitude, latitude = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    expected = [float(part[17, 40]) for part in area.places()]
    assert [latitude, longitude] == pytest.approx(expected, abs=1e-7)


def test_a_dataset_becomes_bands_and_masts_too(tmp_path):
    rng = np.random.default_rng(2)
    about = {"units": "1", "long_name": "light", "source": "made up"}
    light = SOUTH.array(
        rng.random((3, *SOUTH.shape)).astype("f4"),
        name="average_illumination",
        dims=("mast", "y", "x"),
        coords={"mast": [0.0, 2.0, 10.0]},
        **about,
    )
    shadow = SOUTH.array(rng.random(SOUTH.shape) < 0.2, name="psr", **about)
    path = write_geotiff(tmp_path / "all.tif", xr.Dataset({"average_illumination": light, "psr": shadow}))
    with rasterio.open(path) as file:
        assert file.descriptions[:2] == ("average_illumination mast=0.0", "average_illumination mast=2.0")
        assert file.count == 4
    back = read_geotiff(path)
    assert back["average_illumination"].dims == ("mast", "y", "x")
    assert np.array_equal(back["average_illumination"].sel(mast=10.0), light.sel(mast=10.0))
    assert np.array_equal(back["psr"].values.astype(bool), shadow.values)


def test_truths_stay_truths_and_bytes_keep_their_fill_value(tmp_path):
    rng = np.random.default_rng(3)
    truth = SOUTH.array(rng.random(SOUTH.shape) < 0.5, name="psr", units="1", long_name="shadow", source="made up")
    path = write_geotiff(tmp_path / "psr.tif", truth)
    assert read_geotiff(path)["psr"].dtype == bool
    assert np.array_equal(read_geotiff(path)["psr"], truth)
    coded = truth.astype(np.uint8)
    coded[0] = 255
    coded.attrs["_FillValue"] = 255
    back = read_geotiff(write_geotiff(path, coded))["psr"]
    assert np.isnan(back.values[0]).all()
    assert np.array_equal(back.values[1:], truth.values[1:])


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "f4", "f8"])
def test_types_are_kept(tmp_path, dtype):
    data = values(dtype=dtype)
    back = read_geotiff(write_geotiff(tmp_path / "a.tif", data))["slope_deg"]
    assert back.dtype == np.dtype(dtype)
    assert np.array_equal(back, data)


def test_scaled_whole_numbers_come_back_in_their_unit(tmp_path):
    data = values(dtype="i2", scale_factor=0.01, _FillValue=-32768)
    data[4, 5] = -32768
    path = write_geotiff(tmp_path / "a.tif", data)
    with rasterio.open(path) as file:
        assert file.dtypes == ("int16",)
        assert file.scales == (0.01,)
        assert file.nodata == -32768
    back = read_geotiff(path)["slope_deg"].values
    assert np.isnan(back[4, 5])
    assert back[0] == pytest.approx(data.values[0] / 100.0)


def test_the_same_map_gives_the_same_bytes(tmp_path):
    first = write_geotiff(tmp_path / "a.tif", values()).read_bytes()
    assert write_geotiff(tmp_path / "b.tif", values()).read_bytes() == first


def test_lazy_data_are_written_part_by_part(tmp_path):
    dask = pytest.importorskip("dask.array")
    seen = []

    def block(part):
        seen.append(part.shape)
        return part * 2.0

    data = values()
    lazy = data.copy(
        data=dask.from_array(data.values, chunks=(128, 600)).map_blocks(block, meta=np.empty((0, 0), "f4"))
    )
    back = read_geotiff(write_geotiff(tmp_path / "a.tif", lazy))["slope_deg"]
    assert np.array_equal(back, data * 2.0)
    assert max(shape[0] for shape in seen) <= 128


def test_overviews_are_means_of_known_cells(tmp_path):
    data = values()
    data[100:200, 100:200] = np.nan
    path = write_geotiff(tmp_path / "a.tif", data)
    with rasterio.open(path, overview_level=0) as file:
        small = file.read(1)
    full = data.values[:900, :600].reshape(450, 2, 300, 2)
    assert small[10, 10] == pytest.approx(full[10, :, 10, :].mean(), rel=1e-5)
    assert np.isnan(small[60:90, 60:90]).all()
    assert not np.isnan(small[10:40, 10:40]).any()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    dask = pytest.importorskip("dask.array")
    path = write_geotiff(tmp_path / "a.tif", values())
    before = path.read_bytes()

    def fails(part):
        raise OSError(28, "No space left on device")

    data = values()
    broken = data.copy(
        data=dask.from_array(data.values, chunks=300).map_blocks(fails, meta=np.empty((0, 0), "f4"))
    )
    with pytest.raises(OutputError, match="No space left"):
        write_geotiff(path, broken)
    with pytest.raises(InputError, match="compress"):
        write_geotiff(path, data, compress="jpeg")
    with pytest.raises(InputError, match="numbers or truths"):
        write_geotiff(path, data.astype("U5"))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError):
        write_geotiff(path / "b.tif", data)


@pytest.mark.parametrize("compress", ["zstd", "lzw", "lzma", "none"])
def test_every_compression_loses_nothing(tmp_path, compress):
    back = read_geotiff(write_geotiff(tmp_path / "a.tif", values(), compress=compress))["slope_deg"]
    assert np.array_equal(back, values())


def test_heights_of_a_file_on_its_own_grid_are_those_of_the_file(moonpost_data):
    path = moonpost_data / "dem" / "shackleton_rim_10km_40m.tif"
    terrain = Terrain.open(path)
    found = height_map(terrain, MapArea.of_layer(terrain.layers[0]))
    with rasterio.open(path) as file:
        assert np.abs(found.values - file.read(1)).max() < 1e-3
    assert found.attrs["source"] == path.name


def test_heights_off_the_terrain_are_unknown_not_zero(moonpost_data):
    terrain = Terrain.open(moonpost_data / "dem" / "shackleton_rim_10km_40m.tif")
    found = height_map(terrain, MapArea.about(-80.0, 0.0, 2000.0, cell_m=100.0))
    assert np.isnan(found.values).all()


def test_refuses_what_is_no_map(tmp_path):
    with pytest.raises(InputError, match="map grid"):
        write_geotiff(tmp_path / "a.tif", xr.DataArray(np.zeros((3, 3)), dims=("y", "x")))
    with pytest.raises(InputError, match="no map"):
        write_geotiff(tmp_path / "a.tif", xr.Dataset({}, attrs=values().attrs, coords=values().coords))
    uneven = values().isel(x=[0, 1, 3])
    with pytest.raises(InputError, match="regular"):
        write_geotiff(tmp_path / "a.tif", uneven)
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(DataError, match="cannot be read"):
        read_geotiff(tmp_path / "text.tif")
    with pytest.raises(DataError, match="no such"):
        read_geotiff(tmp_path / "missing.tif")


def test_refuses_maps_of_the_earth(tmp_path):
    path = tmp_path / "earth.tif"
    profile = {"driver": "GTiff", "height": 4, "width": 4, "count": 1, "dtype": "float32", "crs": "EPSG:3031"}
    with rasterio.open(path, "w", transform=rasterio.Affine(10, 0, 0, 0, -10, 0), **profile) as file:
        file.write(np.zeros((4, 4), "f4"), 1)
    with pytest.raises(DataError, match="Earth"):
        read_geotiff(path)
