"""Connected regions of a map, such as permanent shadow, as polygons with their true areas."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.files import atomic_path
from moonpost.terrain.area import MapArea
from moonpost.terrain.rasters import BOOLEAN_NODATA, area_of
from moonpost.terrain.surface import latitude_longitude_deg

if TYPE_CHECKING:
    import xarray as xr
    from shapely import Geometry

__all__ = ["ShadowRegion", "shadow_area_km2", "shadow_regions", "write_regions"]

Floats = NDArray[np.float64]
Connectivity = Literal[4, 8]


@dataclass(frozen=True, eq=False)
class ShadowRegion:
    """One connected region of a mask, such as a permanently shadowed crater floor.

    Parameters
    ----------
    geometry : shapely.Geometry
        Its outline along the cells' edges, holes left open, in map coordinates [m].
    area_km2 : float
        Its area on the sphere [km2], the sum over its cells.
    cells : int
        Number of its cells.
    latitude_deg, longitude_deg : float
        A place inside it [deg].

    Examples
    --------
    >>> area = MapArea.about(-90.0, 0.0, 3000.0, cell_m=1000.0)
    >>> mask = area.array(np.eye(3), name="psr", units="1", long_name="shadow", source="example")
    >>> [region.cells for region in shadow_regions(mask)]
    [1, 1, 1]
    """

    geometry: Geometry
    area_km2: float
    cells: int
    latitude_deg: float
    longitude_deg: float


def shadow_regions(
    mask: xr.DataArray, *, minimum_cells: int = 1, connectivity: Connectivity = 4
) -> tuple[ShadowRegion, ...]:
    """Connected regions of a mask as polygons.

    Parameters
    ----------
    mask : xarray.DataArray, shape (rows, cols)
        True or 1 inside; False, 0, NaN and (of bytes) 255 outside.
    minimum_cells : int, default 1
        Regions of fewer cells are left out; 9 is the minimum of Mazarico et al. (2011).
    connectivity : {4, 8}
        Whether cells belong together that share a side (4) or also those that share a corner only (8).

    Returns
    -------
    tuple of ShadowRegion
        Largest first.

    Raises
    ------
    InputError
        If an argument is of no use.

    Notes
    -----
    Four is the default: ground that shares a corner only is then two regions, and each outline is one valid
    polygon; with 8 such regions are multipolygons whose parts touch. Without a minimum the total is the same.

    References
    ----------
    Mazarico, E. et al. (2011), Icarus 211, 1066-1081, DOI 10.1016/j.icarus.2010.10.030.

    Examples
    --------
    >>> area = MapArea.about(-90.0, 0.0, 3000.0, cell_m=1000.0)
    >>> mask = area.array(np.eye(3), name="psr", units="1", long_name="shadow", source="example")
    >>> [round(region.area_km2, 3) for region in shadow_regions(mask, connectivity=8)]
    [3.0]
    """
    from rasterio.features import shapes
    from shapely import union_all
    from shapely.geometry import shape

    area = area_of(mask)
    labels, sizes, areas = _labelled(mask, area, minimum_cells, connectivity)
    parts: dict[int, list[Any]] = {}
    for outline, label in shapes(labels, mask=labels > 0, connectivity=4, transform=_affine(area)):
        parts.setdefault(int(label), []).append(shape(outline))
    points = [max(pieces, key=lambda piece: piece.area).representative_point() for pieces in parts.values()]
    x, y = (np.array([getattr(point, axis) for point in points], dtype=np.float64) for axis in ("x", "y"))
    latitude, longitude = latitude_longitude_deg(area._from_map(x, y).reshape(-1, 3))
    found = [
        ShadowRegion(
            geometry=pieces[0] if len(pieces) == 1 else union_all(pieces),
            area_km2=float(areas[label]),
            cells=int(sizes[label]),
            latitude_deg=float(latitude[k]),
            longitude_deg=float(longitude[k]),
        )
        for k, (label, pieces) in enumerate(parts.items())
    ]
    return tuple(sorted(found, key=lambda region: (-region.area_km2, region.latitude_deg, region.longitude_deg)))


def shadow_area_km2(mask: xr.DataArray, *, minimum_cells: int = 1, connectivity: Connectivity = 4) -> float:
    """Total area of a mask on the sphere.

    Parameters
    ----------
    mask : xarray.DataArray, shape (rows, cols)
        True or 1 inside; False, 0, NaN and (of bytes) 255 outside.
    minimum_cells : int, default 1
        Regions of fewer cells are left out.
    connectivity : {4, 8}
        As for `shadow_regions`; of no effect without a minimum.

    Returns
    -------
    float
        Area [km2], each cell with its true size.

    Raises
    ------
    InputError
        If an argument is of no use.

    Examples
    --------
    >>> area = MapArea.about(-90.0, 0.0, 528e3, cell_m=16e3)
    >>> mask = area.array(np.ones(area.shape), name="psr", units="1", long_name="shadow", source="example")
    >>> round(shadow_area_km2(mask) / 528**2, 3)
    0.992
    """
    area = area_of(mask)
    if minimum_cells <= 1:
        return float(area.cell_area_m2()[_inside(mask)].sum() / 1e6)
    return float(_labelled(mask, area, minimum_cells, connectivity)[2].sum())


def write_regions(
    path: str | os.PathLike[str], regions: Sequence[ShadowRegion], *, wkt: str, layer: str = "psr"
) -> Path:
    """Write regions as polygons into a GeoPackage.

    Parameters
    ----------
    path : path-like
        The file, replaced as a whole.
    regions : sequence of ShadowRegion
        As `shadow_regions` gives them.
    wkt : str
        The coordinate reference system of their outlines, such as `MapArea.wkt`.
    layer : str, default "psr"
        Name of the layer.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        If it cannot be written.

    Notes
    -----
    Fields: ``id``, ``area_km2``, ``cells``, ``latitude_deg``, ``longitude_deg``. The date in the file is fixed, so
    that the same regions give the same bytes.

    Examples
    --------
    >>> import tempfile
    >>> area = MapArea.about(-90.0, 0.0, 3000.0, cell_m=1000.0)
    >>> mask = area.array(np.eye(3), name="psr", units="1", long_name="shadow", source="example")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_regions(Path(folder) / "psr.gpkg", shadow_regions(mask), wkt=area.wkt).suffix
    '.gpkg'
    """
    import pyogrio.raw
    from pyogrio.errors import DataLayerError, DataSourceError
    from shapely import MultiPolygon, to_wkb

    whole = [item.geometry if item.geometry.geom_type == "MultiPolygon" else MultiPolygon([item.geometry])
             for item in regions]  # fmt: skip
    columns = {
        "id": np.arange(1, len(regions) + 1, dtype=np.int32),
        "area_km2": np.array([item.area_km2 for item in regions]),
        "cells": np.array([item.cells for item in regions], dtype=np.int64),
        "latitude_deg": np.array([item.latitude_deg for item in regions]),
        "longitude_deg": np.array([item.longitude_deg for item in regions]),
    }
    with atomic_path(path) as temporary, _fixed_date():
        try:
            pyogrio.raw.write(
                temporary,
                geometry=np.array([to_wkb(item) for item in whole], dtype=object),
                field_data=list(columns.values()),
                fields=np.array(list(columns)),
                geometry_type="MultiPolygon",
                crs=wkt,
                driver="GPKG",
                layer=layer,
            )
        except (DataLayerError, DataSourceError) as error:
            raise OSError(None, str(error)) from error
    return Path(path)


@contextmanager
def _fixed_date() -> Iterator[None]:
    """Keep the day of writing out of the file."""
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _inside(mask: xr.DataArray) -> NDArray[np.bool_]:
    """The mask as truths; cells without data (NaN, or the fill value) are outside."""
    values = np.asarray(mask.values)
    if values.ndim != 2 or values.dtype.kind not in "biuf":
        raise InputError(
            "is not a mask of rows and columns", where=str(mask.name), advice="give one map of truths"
        )
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0)
    elif values.dtype == np.uint8:
        values = np.where(values == mask.attrs.get("_FillValue", BOOLEAN_NODATA), 0, values)
    if not np.isin(values, (0, 1)).all():
        raise InputError("holds other values than 0 and 1", where=str(mask.name), advice="compare it with a limit")
    return np.asarray(values, dtype=bool)


def _labelled(
    mask: xr.DataArray, area: MapArea, minimum_cells: int, connectivity: Connectivity
) -> tuple[NDArray[np.int32], NDArray[np.int64], Floats]:
    """Label of each cell (0 outside), and cells and area [km2] by label, small regions left out."""
    from scipy.ndimage import label

    if connectivity not in (4, 8) or minimum_cells < 1:
        raise InputError(
            f"connectivity {connectivity!r}, minimum of {minimum_cells!r} cells",
            where="connectivity, minimum_cells",
            advice="give 4 or 8, and a number from 1 on",
        )
    neighbours = np.ones((3, 3)) if connectivity == 8 else None
    labels, count = label(_inside(mask), structure=neighbours, output=np.int32)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= minimum_cells
    keep[0] = False
    labels = np.asarray(np.where(keep[labels], labels, 0), dtype=np.int32)
    areas = np.bincount(labels.ravel(), weights=area.cell_area_m2().ravel() / 1e6, minlength=count + 1)
    areas[0] = 0.0
    return labels, sizes.astype(np.int64), areas.astype(np.float64)


def _affine(area: MapArea) -> Any:
    from affine import Affine

    return Affine(*area.transform)
