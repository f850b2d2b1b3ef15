"""Polygons of masks: right areas on the sphere, valid outlines, files that others read."""

from __future__ import annotations

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from moonpost.errors import InputError
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.area import MapArea
from moonpost.terrain.regions import shadow_area_km2, shadow_regions, write_regions

AREA = MapArea.about(-80.0, 60.0, 24e3, cell_m=1000.0)


def mask(values, area=AREA, **attrs):
    return area.array(values, name="psr", units="1", long_name="shadow", source="made up", **attrs)


def test_a_polar_cap_has_the_area_of_a_polar_cap():
    """2 pi R^2 (1 - sin latitude) from 80 degrees on: polar map lengths are 0.8 percent long at its rim."""
    area = MapArea.about(-90.0, 0.0, 680e3, cell_m=2000.0)
    cap = area.places()[0] < -80.0
    expected = 2 * np.pi * (MOON_RADIUS_M / 1e3) ** 2 * (1.0 - np.sin(np.radians(80.0)))
    assert shadow_area_km2(mask(cap, area)) == pytest.approx(expected, rel=1e-3)
    (region,) = shadow_regions(mask(cap, area))
    assert region.area_km2 == pytest.approx(expected, rel=1e-3)
    assert region.geometry.area / 1e6 > 1.005 * expected


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9), st.sampled_from([4, 8]), st.integers(1, 12))
def test_regions_are_the_cells_of_the_mask_no_more_and_no_less(seed, share, connectivity, minimum):
    values = np.random.default_rng(seed).random(AREA.shape) < share
    regions = shadow_regions(mask(values), minimum_cells=minimum, connectivity=connectivity)
    total = shadow_area_km2(mask(values), minimum_cells=minimum, connectivity=connectivity)
    assert sum(region.area_km2 for region in regions) == pytest.approx(total, abs=1e-6)
    assert all(region.cells >= minimum for region in regions)
    assert [region.area_km2 for region in regions] == sorted((r.area_km2 for r in regions), reverse=True)
    for region in regions:
        assert region.geometry.is_valid
        assert region.geometry.area == pytest.approx(region.cells * AREA.cell_m**2)
        row, col = (int(np.rint(value)) for value in AREA.locate(region.latitude_deg, region.longitude_deg))
        assert values[row, col]
    if minimum == 1:
        assert sum(region.cells for region in regions) == values.sum()


def test_corners_join_eight_connected_regions_only():
    values = np.zeros(AREA.shape)
    values[3:6, 3:6] = 1.0
    values[6:9, 6:9] = 1.0
    assert [region.cells for region in shadow_regions(mask(values))] == [9, 9]
    (joined,) = shadow_regions(mask(values), connectivity=8)
    assert joined.cells == 18
    assert joined.geometry.geom_type == "MultiPolygon"
    assert shadow_regions(mask(values), minimum_cells=10) == ()
    assert shadow_area_km2(mask(values), minimum_cells=10, connectivity=8) > 17.0


def test_holes_stay_open():
    values = np.zeros(AREA.shape)
    values[4:12, 4:12] = 1.0
    values[6:9, 6:9] = 0.0
    (region,) = shadow_regions(mask(values))
    assert len(region.geometry.interiors) == 1
    assert region.cells == 55


def test_cells_without_data_are_outside():
    values = np.ones(AREA.shape)
    values[2] = np.nan
    assert sum(region.cells for region in shadow_regions(mask(values))) == AREA.shape[0] * (AREA.shape[1] - 1)
    coded = np.where(np.isnan(values), 255, values).astype(np.uint8)
    assert shadow_area_km2(mask(coded)) == pytest.approx(shadow_area_km2(mask(values)))


def test_the_geopackage_is_read_by_another_reader(tmp_path):
    rng = np.random.default_rng(3)
    regions = shadow_regions(mask(rng.random(AREA.shape) < 0.4), minimum_cells=3)
    path = write_regions(tmp_path / "deep" / "psr.gpkg", regions, wkt=AREA.wkt)
    assert [path.name] == [item.name for item in path.parent.iterdir()]
    meta, _, shapes, columns = pyogrio.raw.read(path)
    table = dict(zip(meta["fields"], columns, strict=True))
    assert table["area_km2"] == pytest.approx([region.area_km2 for region in regions])
    assert table["cells"].tolist() == [region.cells for region in regions]
    assert table["latitude_deg"] == pytest.approx([region.latitude_deg for region in regions])
    back = shapely.from_wkb(shapes)
    assert all(a.equals(shapely.MultiPolygon([b.geometry])) for a, b in zip(back, regions, strict=True))
    crs = CRS(meta["crs"])
    assert crs.ellipsoid.semi_major_metre == MOON_RADIUS_M
    to_map = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    for region in regions[:5]:
        x, y = to_map.transform(region.longitude_deg, region.latitude_deg)
        assert region.geometry.contains(shapely.Point(x, y))


def test_the_same_regions_give_the_same_bytes(tmp_path):
    regions = shadow_regions(mask(np.eye(24)))
    first = write_regions(tmp_path / "a.gpkg", regions, wkt=AREA.wkt).read_bytes()
    second = write_regions(tmp_path / "a.gpkg", regions, wkt=AREA.wkt).read_bytes()
    assert first == second
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_no_region_is_an_empty_layer(tmp_path):
    path = write_regions(tmp_path / "none.gpkg", shadow_regions(mask(np.zeros(AREA.shape))), wkt=AREA.wkt)
    assert pyogrio.read_info(path)["features"] == 0


def test_refuses_what_is_no_mask():
    with pytest.raises(InputError, match="0 and 1"):
        shadow_regions(mask(np.full(AREA.shape, 0.5)))
    with pytest.raises(InputError, match="connectivity"):
        shadow_regions(mask(np.ones(AREA.shape)), connectivity=6)
    with pytest.raises(InputError, match="minimum"):
        shadow_area_km2(mask(np.ones(AREA.shape)), minimum_cells=2, connectivity=5)
    with pytest.raises(InputError, match="map grid"):
        shadow_regions(mask(np.ones(AREA.shape)).drop_attrs())
