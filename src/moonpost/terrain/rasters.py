"""Maps as files: cloud-optimised GeoTIFF written and read back, and the heights of an area as a map."""

from __future__ import annotations

import contextlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import DataError, InputError
from moonpost.files import atomic_path
from moonpost.terrain.area import MapArea
from moonpost.terrain.surface import Terrain

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["area_of", "height_map", "read_geotiff", "write_geotiff"]

BOOLEAN_NODATA = 255
_ROWS = 512
_BLOCK = 512
_COMPRESSIONS = ("deflate", "zstd", "lzw", "lzma", "none")
_PREDICTED = ("deflate", "lzw", "zstd")
_OWN = ("long_name", "name", "dims", "labels", "boolean")
_LEFT_OUT = ("crs_wkt", "transform", "units", "_FillValue", "scale_factor", "add_offset")


def area_of(data: xr.DataArray | xr.Dataset) -> MapArea:
    """Find the map grid of labelled values.

    Parameters
    ----------
    data : xarray.DataArray or xarray.Dataset
        With `y` and `x`, and the system in `crs_wkt`, as `MapArea.array` makes it; parts cut out of it serve too.

    Returns
    -------
    MapArea
        The grid.

    Raises
    ------
    InputError
        If coordinates or system are missing, or the grid is not regular.

    Examples
    --------
    >>> area = MapArea.about(-90.0, 0.0, 300.0, cell_m=100.0)
    >>> flat = area.array(np.zeros(area.shape), name="height_m", units="m", long_name="height", source="example")
    >>> area_of(flat[:2]).shape
    (2, 3)
    """
    holders = [data, *(data.data_vars.values() if hasattr(data, "data_vars") else ())]
    wkt = next((str(item.attrs["crs_wkt"]) for item in holders if item.attrs.get("crs_wkt")), None)
    if wkt is None or "x" not in data.coords or "y" not in data.coords:
        raise InputError(
            "has no map grid (coordinates y and x, attribute crs_wkt)",
            where=str(getattr(data, "name", None) or "data"),
            advice="make it with MapArea.array",
        )
    x, y = (np.asarray(data.coords[axis].values, dtype=np.float64) for axis in ("x", "y"))
    transform = next((item.attrs["transform"] for item in holders if "transform" in item.attrs), None)
    if transform is not None:
        cell = abs(float(transform[0]))
    elif x.size > 1:
        cell = (x[-1] - x[0]) / (x.size - 1)
    else:
        cell = (y[0] - y[-1]) / max(y.size - 1, 1)
    return MapArea(wkt, x, y, cell)


def same_system(first: MapArea, second: MapArea) -> bool:
    """Whether map coordinates of two grids mean the same places, whatever the text of their systems."""
    if first.wkt == second.wkt:
        return True
    x, y = first.x_m[[0, -1]], first.y_m[[0, -1]]
    ways = [area._from_map(x, y) for area in (first, second)]
    return bool(np.abs(ways[0] - ways[1]).max() < 1e-9)


def same_grid(first: MapArea, second: MapArea) -> bool:
    """Whether two grids have the same cells."""
    if first.shape != second.shape or not same_system(first, second):
        return False
    shift = np.abs(np.array(first.transform) - np.array(second.transform)).max()
    return bool(shift < 1e-6 * first.cell_m)


def height_map(terrain: Terrain, area: MapArea) -> xr.DataArray:
    """Heights of the ground on a map grid.

    Parameters
    ----------
    terrain : Terrain
        The nested terrain; of files that have data at a cell the first listed wins.
    area : MapArea
        The grid.

    Returns
    -------
    xarray.DataArray
        ``height_m`` above the 1737.4 km sphere [m], bilinear between the file's cell centres (equal to the file
        where its grid is the map's); NaN where the terrain has none.

    Examples
    --------
    >>> found = height_map(Terrain.default("south"), MapArea.about(-89.67, 129.78, 8e3, cell_m=1600.0))
    >>> found.shape, bool(found.min() < -2000)
    ((5, 5), True)
    """
    heights = np.empty(area.shape, dtype=np.float32)
    for top in range(0, area.shape[0], _ROWS):
        rows = slice(top, min(top + _ROWS, area.shape[0]))
        latitude, longitude = area.places(rows)
        found, source = terrain._look_up(latitude.ravel(), longitude.ravel())
        found[source < 0] = np.nan
        heights[rows] = found.reshape(latitude.shape)
    names = ", ".join(layer.name for layer in terrain.layers)
    return area.array(
        heights, name="height_m", units="m", long_name="height above the 1737.4 km sphere", source=names
    )


def write_geotiff(
    path: str | os.PathLike[str],
    data: xr.DataArray | xr.Dataset,
    *,
    tags: Mapping[str, str] | None = None,
    compress: str = "deflate",
) -> Path:
    """Write maps as one cloud-optimised GeoTIFF.

    Parameters
    ----------
    path : path-like
        The file.
    data : xarray.DataArray or xarray.Dataset
        Maps on one grid. Each map of a dataset becomes a band; a map with a further dimension (such as masts)
        becomes a band for each of its values.
    tags : mapping of str to str, optional
        Further tags of the file, such as the version and the digest of what it was computed from.
    compress : {"deflate", "zstd", "lzw", "lzma", "none"}
        Compression without loss.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the data have no map grid, or values that GeoTIFF cannot hold.
    OutputError
        If it cannot be written; what was there before is untouched.

    Notes
    -----
    Tiles of 512 cells with overviews (averages; nearest for integers and truths), ordered so that a part can be
    read over a network. Truths become bytes with 255 for no data; numbers keep their type, with NaN (or the
    `_FillValue` in the attributes) for no data; bands of different types become the smallest type that holds all.
    Each band carries its unit, its long name and every attribute that is text or a number; the file carries the
    source. Whole numbers with a ``scale_factor`` (and ``add_offset``) among their attributes are stored as they
    are, and the file says so. Nothing in it depends on when it was written. It is written row by row, so lazy data
    stay lazy.

    References
    ----------
    OGC 21-026 (2023), OGC Cloud Optimized GeoTIFF Standard.

    Examples
    --------
    >>> import tempfile
    >>> area = MapArea.about(-90.0, 0.0, 3000.0, cell_m=100.0)
    >>> slope = area.array(np.ones(area.shape), name="slope_deg", units="deg", long_name="slope", source="example")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = read_geotiff(write_geotiff(Path(folder) / "slope.tif", slope))
    >>> list(back), back["slope_deg"].attrs["units"]
    (['slope_deg'], 'deg')
    """
    if compress not in _COMPRESSIONS:
        raise InputError(f"{compress!r}", where="compress", advice=f"give one of {', '.join(_COMPRESSIONS)}")
    area = area_of(data)
    bands = list(_bands(data))
    if not bands:
        raise InputError("holds no map", where=str(path), advice="give maps with the dimensions y and x")
    dtype, nodata = _storage([values for values, _ in bands], str(path))
    profile = {
        "driver": "GTiff",
        "height": area.shape[0],
        "width": area.shape[1],
        "count": len(bands),
        "dtype": dtype.name,
        "crs": area.wkt,
        "transform": _affine(area),
        "nodata": nodata,
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "interleave": "band",
        "BIGTIFF": "IF_SAFER",
    }
    file_tags = {"SOFTWARE": "moonpost", "source": _source(data), **(tags or {})}
    with atomic_path(path) as temporary, _scratch(temporary) as plain, _quiet():
        _write_plain(plain, profile, bands, file_tags)
        _optimise(plain, temporary, dtype, nodata, compress)
    return Path(path)


def read_geotiff(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read maps from a GeoTIFF that `write_geotiff` wrote, or any other on a lunar stereographic grid.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    xarray.Dataset
        One variable for each map, with units and attributes; bands of one map with a further dimension are joined
        again. Cells without data are NaN; whole numbers without such cells keep their type.

    Raises
    ------
    DataError
        If it is not a raster that can be read, or not a map of the Moon.
    InputError
        If its grid is not a stereographic one with square cells and its top up.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> basemap = read_geotiff(Terrain.default("north").layers[0].path)
    >>> [basemap[name].shape for name in basemap]
    [(762, 762)]
    """
    import xarray as xr

    from moonpost.terrain.layer import _dataset

    with _dataset(path) as file:
        area = _grid_of(file, str(path))
        bands = [_read_band(file, index) for index in range(1, file.count + 1)]
        tags = {
            key: value for key, value in file.tags().items() if key not in ("AREA_OR_POINT", "TIFFTAG_SOFTWARE")
        }
    found: dict[str, xr.DataArray] = {}
    for name in dict.fromkeys(str(attrs["name"]) for _, attrs in bands):
        found[name] = _joined(area, [band for band in bands if band[1]["name"] == name], tags.get("source", ""))
    return xr.Dataset(found, attrs={**tags, "crs_wkt": area.wkt, "transform": list(area.transform)})


Band = tuple["xr.DataArray", dict[str, Any]]


def _bands(data: xr.DataArray | xr.Dataset) -> Iterator[Band]:
    """Two-dimensional maps with their tags, in order."""
    maps: list[Any] = list(data.data_vars.values()) if hasattr(data, "data_vars") else [data]
    for values in maps:
        if not {"y", "x"} <= set(values.dims):
            continue
        others = [str(dim) for dim in values.dims if dim not in ("y", "x")]
        tags: dict[str, Any] = {"name": str(values.name or "map")}
        tags |= {key: _text(value) for key, value in values.attrs.items() if key not in _LEFT_OUT}
        tags["units"] = str(values.attrs.get("units", ""))
        if values.dtype == np.bool_:
            tags["boolean"] = "yes"
        if not others:
            yield values.transpose("y", "x"), tags
            continue
        stacked = values.stack(band=others) if len(others) > 1 else values.rename({others[0]: "band"})
        for k in range(stacked.sizes["band"]):
            label = {dim: _label(values, dim, k, others) for dim in others}
            told = {"dims": json.dumps(others), "labels": json.dumps(label)}
            yield stacked.isel(band=k).transpose("y", "x"), tags | told


def _label(values: xr.DataArray, dim: str, band: int, others: list[str]) -> Any:
    """Coordinate of a band along one of its further dimensions."""
    index = np.unravel_index(band, [values.sizes[name] for name in others])[others.index(dim)]
    label = values.coords[dim].values[index] if dim in values.coords else index
    return label.item() if isinstance(label, np.generic) and label.dtype.kind in "iufbU" else str(label)


def _text(value: Any) -> str:
    """An attribute as text that `_value` reads back."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    return json.dumps(value, default=str)


def _storage(maps: list[xr.DataArray], where: str) -> tuple[np.dtype[Any], float | None]:
    """Type of all bands and its value for no data."""
    dtypes = [np.dtype(np.uint8) if item.dtype == np.bool_ else item.dtype for item in maps]
    kinds = {dtype.kind for dtype in dtypes}
    if not kinds <= set("iuf"):
        raise InputError(
            f"values of type {', '.join(sorted({dtype.name for dtype in dtypes}))}",
            where=where,
            advice="give numbers or truths",
        )
    dtype = np.result_type(*dtypes)
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if dtype.kind == "f":
        return dtype, math.nan
    if all(item.dtype == np.bool_ for item in maps):
        return dtype, BOOLEAN_NODATA
    fills = {item.attrs["_FillValue"] for item in maps if "_FillValue" in item.attrs}
    return dtype, float(fills.pop()) if len(fills) == 1 else None


def _affine(area: MapArea) -> Any:
    from affine import Affine

    return Affine(*area.transform)


def _source(data: xr.DataArray | xr.Dataset) -> str:
    """Where the maps come from, each origin once."""
    maps = list(data.data_vars.values()) if hasattr(data, "data_vars") else []
    sources = [str(item.attrs["source"]) for item in [data, *maps] if item.attrs.get("source")]
    return "; ".join(dict.fromkeys(sources))


@contextlib.contextmanager
def _scratch(temporary: Path) -> Iterator[Path]:
    """A plain file beside the one that is written, and no trace of either's side files."""
    plain = temporary.with_name(f"{temporary.stem}.plain.tif")
    try:
        yield plain
    finally:
        for path in (plain, Path(f"{plain}.aux.xml"), Path(f"{temporary}.aux.xml")):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings about how rasterio uses affine; GDAL's failures as errors of the system."""
    from rasterio.errors import RasterioError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        try:
            yield
        except RasterioError as error:
            raise OSError(None, str(error).replace("\n", " ")) from error


def _write_plain(path: Path, profile: dict[str, Any], bands: list[Band], tags: Mapping[str, str]) -> None:
    """Write the bands row by row as a tiled GeoTIFF."""
    import rasterio
    from rasterio.windows import Window

    rows, cols = profile["height"], profile["width"]
    with rasterio.open(path, "w", **profile) as file:
        file.update_tags(**tags)
        if profile["dtype"][0] in "iu":
            file.scales = [float(values.attrs.get("scale_factor", 1.0)) for values, _ in bands]
            file.offsets = [float(values.attrs.get("add_offset", 0.0)) for values, _ in bands]
        for index, (values, told) in enumerate(bands, start=1):
            for top in range(0, rows, _ROWS):
                part = np.asarray(values[top : top + _ROWS].values)
                file.write(part.astype(profile["dtype"]), index, window=Window(0, top, cols, part.shape[0]))
            file.set_band_description(index, _description(told))
            file.set_band_unit(index, str(told.get("units", "")))
            file.update_tags(index, **{key: value for key, value in told.items() if key != "units"})


def _description(told: Mapping[str, Any]) -> str:
    """Name of a band, with the values along its further dimensions."""
    labels = json.loads(told["labels"]) if "labels" in told else {}
    return " ".join([str(told["name"]), *(f"{key}={value}" for key, value in labels.items())])


def _optimise(plain: Path, path: Path, dtype: np.dtype[Any], nodata: float | None, compress: str) -> None:
    """Copy with overviews in the order of a cloud-optimised file."""
    import rasterio
    from rasterio.shutil import copy

    predictor = {"f": "FLOATING_POINT"}.get(dtype.kind, "STANDARD") if compress in _PREDICTED else "NO"
    smooth = dtype.kind == "f" and nodata is not None
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_PAM_ENABLED=False):
        copy(
            plain,
            path,
            driver="COG",
            compress=compress.upper(),
            predictor=predictor,
            blocksize=_BLOCK,
            overviews="AUTO",
            overview_resampling="AVERAGE" if smooth else "NEAREST",
            bigtiff="IF_SAFER",
            num_threads="1",
        )


def _grid_of(file: Any, where: str) -> MapArea:
    """Map grid of an open raster."""
    from moonpost.terrain.projection import lunar_crs

    crs = lunar_crs(file.crs.to_wkt() if file.crs else None, where)
    a, b, left, d, e, top = tuple(file.transform)[:6]
    if b != 0.0 or d != 0.0 or a <= 0.0 or abs(a + e) > 1e-9 * a:
        raise InputError(
            "its cells are not squares with the first row at the top",
            where=where,
            advice="resample it with 'gdalwarp -tr SIZE SIZE'",
        )
    x, y = left + (np.arange(file.width) + 0.5) * a, top - (np.arange(file.height) + 0.5) * a
    return MapArea(crs.to_wkt(), x, y, a)


def _read_band(file: Any, index: int) -> tuple[NDArray[Any], dict[str, Any]]:
    """Values and tags of a band."""
    from rasterio.errors import RasterioError

    try:
        masked = file.read(index, masked=True)
    except RasterioError as error:
        raise DataError(
            f"cannot be read ({error})", where=str(file.name), advice="fetch or copy it again"
        ) from error
    attrs: dict[str, Any] = {key: _value(value) for key, value in file.tags(index).items()}
    attrs = {key: value for key, value in attrs.items() if not key.startswith("STATISTICS_")}
    scale, offset = float(file.scales[index - 1]), float(file.offsets[index - 1])
    attrs.setdefault("name", (file.descriptions[index - 1] or f"band_{index}").split(" ")[0])
    attrs["units"] = file.units[index - 1] or ""
    hidden = np.ma.getmaskarray(masked)
    if (scale, offset) != (1.0, 0.0):
        return np.where(hidden, np.nan, masked.data * scale + offset).astype(np.float64), attrs
    if attrs.get("boolean") == "yes" and not hidden.any():
        return masked.data.astype(bool), attrs
    if hidden.any() and masked.dtype.kind != "f":
        return np.where(hidden, np.nan, masked.data).astype(np.float64), attrs
    return np.where(hidden, np.nan, masked.data) if hidden.any() else masked.data, attrs


def _value(text: str) -> Any:
    """A tag as what it was written from: numbers and lists, else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _joined(area: MapArea, bands: list[tuple[NDArray[Any], dict[str, Any]]], source: str) -> xr.DataArray:
    """One map from its bands."""
    attrs = bands[0][1]
    labels = [band[1].get("labels") for band in bands]
    kept = {key: value for key, value in attrs.items() if key not in (*_OWN, "units", "source")}
    about: dict[str, Any] = {
        "name": str(attrs["name"]),
        "units": str(attrs["units"]),
        "long_name": str(attrs.get("long_name", attrs["name"])),
        "source": str(attrs.get("source", source)),
    }
    if len(bands) == 1 and labels[0] is None:
        return area.array(bands[0][0], **about, **kept)
    dims = [str(dim) for dim in attrs.get("dims", ["band"])]
    axes = {dim: list(dict.fromkeys((one or {}).get(dim, k) for k, one in enumerate(labels))) for dim in dims}
    shape = tuple(len(axis) for axis in axes.values())
    if math.prod(shape) != len(bands):
        raise DataError("its bands do not make up a whole", where=about["name"], advice="write it again")
    cube = np.stack([band[0] for band in bands]).reshape(*shape, *area.shape)
    return area.array(cube, dims=(*dims, "y", "x"), coords=dict(axes), **about, **kept)
