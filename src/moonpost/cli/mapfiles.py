"""Files and figures of a set of maps: GeoTIFF, pictures, and the numbers that sum them up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.terrain.area import MapArea

__all__ = ["BEST", "summaries", "write_files"]

BEST = {
    "average_illumination": "highest",
    "percent_lit": "highest",
    "earth_visible": "highest",
    "average_earth_disc": "highest",
    "longest_dark_d": "lowest",
    "longest_light_d": "highest",
    "longest_earth_outage_d": "lowest",
    "longest_dark_without_earth_d": "lowest",
    "station_visible": "highest",
    "longest_station_gap_d": "lowest",
    "relay_visible": "highest",
    "longest_relay_gap_d": "lowest",
    "slope_deg": "lowest",
}
"""Whether the best cells of a map are the highest or the lowest."""

_BEST_COUNT = 5
_APART_M = 500.0
_NO_HEIGHT = 255


def _planes(data: xr.DataArray) -> Iterator[tuple[dict[str, Any], xr.DataArray]]:
    """Maps of two dimensions with the mast and the station that they are for."""
    dims = [dim for dim in data.dims if dim not in ("y", "x")]
    for place in np.ndindex(*(data.sizes[dim] for dim in dims)):
        part = data.isel(dict(zip(dims, place, strict=True)))
        yield {_key(str(dim)): part[dim].values.item() for dim in dims}, part


def _key(dim: str) -> str:
    return "mast_m" if dim == "mast" else dim


def _drawn(data: xr.Dataset) -> Iterator[xr.DataArray]:
    """Variables that are maps, without the horizons."""
    for values in data.data_vars.values():
        if values.dims[-2:] == ("y", "x") and "azimuth" not in values.dims:
            if values.dtype == np.uint8:
                values.attrs["_FillValue"] = _NO_HEIGHT
            yield values


def write_files(data: xr.Dataset, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write a GeoTIFF for each map, and a picture for each mast and station; half-written ones of before go.

    Parameters
    ----------
    data : xarray.Dataset
        The maps.
    folder : pathlib.Path
        Where to.
    formats : sequence of {"tif", "png"}
        Which.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    for left in folder.glob(".*.part*"):
        left.unlink(missing_ok=True)
    files: list[Path] = []
    for values in _drawn(data):
        if "tif" in formats:
            from moonpost.terrain.rasters import write_geotiff

            files.append(write_geotiff(folder / f"{values.name}.tif", values))
        if "png" in formats:
            from moonpost.report.mapfigure import save_map

            for place, part in _planes(values):
                words = [str(values.name), *(_word(key, item) for key, item in place.items())]
                path = folder / ("-".join(words) + ".png")
                save_map(path, part)
                files.append(path)
    return files


def _word(key: str, value: Any) -> str:
    return f"{value:g}m" if key == "mast_m" else str(value)


def summaries(data: xr.Dataset, area: MapArea) -> dict[str, Any]:
    """Sum up each map in numbers.

    Parameters
    ----------
    data : xarray.Dataset
        The maps.
    area : MapArea
        Their grid.

    Returns
    -------
    dict
        By name: unit, meaning, and for each mast (and station) least, mean by ground area and greatest value,
        share of cells without one, and the best cells with their places; for permanent shadow its ground area.
    """
    ground = area.cell_area_m2()
    found: dict[str, Any] = {}
    for values in _drawn(data):
        name = str(values.name)
        rows = [{**place, **_numbers(name, part, area, ground)} for place, part in _planes(values)]
        found[name] = {"units": values.attrs["units"], "long_name": values.attrs["long_name"], "maps": rows}
    return found


def _numbers(name: str, part: xr.DataArray, area: MapArea, ground: Any) -> dict[str, Any]:
    values = np.asarray(part.values)
    good = values != _NO_HEIGHT if values.dtype == np.uint8 else np.isfinite(values)
    missing = 1.0 - float(np.count_nonzero(good)) / values.size
    if not good.any():
        return {"min": None, "mean": None, "max": None, "no_height": missing}
    weight = ground[good]
    mean = float(np.sum(values[good] * weight) / np.sum(weight))
    if values.dtype == np.uint8:
        covered = float(np.sum(ground[good & (values == 1)]))
        return {"share": mean, "area_km2": covered / 1e6, "no_height": missing}
    numbers = {"min": float(values[good].min()), "mean": mean, "max": float(values[good].max())}
    best = _best(values, good, area, BEST[name]) if name in BEST else []
    return {**numbers, "no_height": missing, **({"best": best} if best else {})}


def _best(values: Any, good: Any, area: MapArea, which: str) -> list[dict[str, Any]]:
    """The best cells, 500 m or more apart."""
    sign = -1.0 if which == "highest" else 1.0
    left = np.where(good, sign * values.astype(np.float64), np.inf)
    apart = max(1, round(_APART_M / area.cell_m))
    rows: list[dict[str, Any]] = []
    while len(rows) < _BEST_COUNT:
        row, col = (int(i) for i in np.unravel_index(int(np.argmin(left)), left.shape))
        if not np.isfinite(left[row, col]):
            break
        latitude, longitude = area.places(slice(row, row + 1), slice(col, col + 1))
        place = {"latitude_deg": float(latitude[0, 0]), "longitude_deg": float(longitude[0, 0])}
        rows.append({"value": float(values[row, col]), **place, "row": row, "col": col})
        left[max(0, row - apart) : row + apart + 1, max(0, col - apart) : col + apart + 1] = np.inf
    return rows
