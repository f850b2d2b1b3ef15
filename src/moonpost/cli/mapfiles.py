"""Files and figures of a set of maps: GeoTIFF, pictures, and the numbers that sum them up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from moonpost.cli.area import MapRequest
    from moonpost.terrain.area import MapArea
    from moonpost.terrain.regions import ShadowRegion

    Regions = Mapping[float, Sequence[ShadowRegion]]

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
    "roughness_m": "lowest",
}
"""Whether the best cells of a map are the highest or the lowest."""

_SETTINGS = (
    "slope_limit_deg", "roughness_limit_m", "roughness_limit_from", "baseline_m", "rule", "slope_baseline_m",
    "speed_m_s", "lower_mast_m",
)  # fmt: skip
_BEST_COUNT = 5
_APART_M = 500.0
_NO_HEIGHT = 255
_PICTURE_CELLS = 2400
_WIDE = 12.0
_STATION_TITLES = {"station_visible": "Time with sight of", "longest_station_gap_d": "Longest time without"}
_UNSHADED = ("slope_deg", "roughness_m")


def _planes(data: xr.DataArray) -> Iterator[tuple[dict[str, Any], xr.DataArray]]:
    """Maps of two dimensions with the mast and the station that they are for."""
    dims = [dim for dim in data.dims if dim not in ("y", "x")]
    for place in np.ndindex(*(data.sizes[dim] for dim in dims)):
        part = data.isel(dict(zip(dims, place, strict=True)))
        yield {_key(str(dim)): part[dim].values.item() for dim in dims}, part


def _key(dim: str) -> str:
    return "mast_m" if dim == "mast" else dim


def _drawn(maps: Sequence[xr.DataArray]) -> Iterator[xr.DataArray]:
    """Those that can be drawn, so without the horizons."""
    for values in maps:
        if values.dims[-2:] == ("y", "x") and "azimuth" not in values.dims:
            if values.dtype == np.uint8:
                values.attrs["_FillValue"] = _NO_HEIGHT
            yield values


def write_files(
    maps: Sequence[xr.DataArray],
    request: MapRequest,
    folder: Path,
    formats: Sequence[str],
    regions: Regions,
    grade: str,
) -> list[Path]:
    """Write a GeoTIFF for each map, a picture for each mast and station, and outlines; half-written ones go.

    Parameters
    ----------
    maps : sequence of xarray.DataArray
        The maps.
    request : MapRequest
        Their grid, the terrain that shades the pictures, and the plan whose places they show.
    folder : pathlib.Path
        Where to.
    formats : sequence of {"tif", "png", "gpkg"}
        Which.
    regions : mapping of float to sequence of ShadowRegion
        Outlines of permanent shadow by height of the mast [m].
    grade : str
        What maps for masts are good for.

    Returns
    -------
    list of pathlib.Path
        The files.
    """
    for left in folder.glob(".*.part*"):
        left.unlink(missing_ok=True)
    files: list[Path] = []
    relief = _relief(request) if "png" in formats else None
    for values in _drawn(maps):
        if "tif" in formats:
            from moonpost.terrain.rasters import write_geotiff

            files.append(write_geotiff(folder / f"{values.name}.tif", values))
        if "png" in formats:
            files += _pictures(values, grade, request, folder, relief)
        if "gpkg" in formats and values.name == "psr":
            from moonpost.terrain.regions import write_regions

            for mast, found in regions.items():
                path = folder / f"psr-{_word('mast_m', mast)}.gpkg"
                files.append(write_regions(path, found, wkt=request.area.wkt))
    return files


def _pictures(
    values: xr.DataArray, grade: str, request: MapRequest, folder: Path, relief: xr.DataArray | None
) -> list[Path]:
    """A picture for each mast and station; none of maps without a value."""
    from moonpost.report.mapfigure import save_map

    places = (
        {site.name: (site.latitude_deg, site.longitude_deg) for site in request.plan.sites} if request.plan else {}
    )
    shade = None if str(values.name) in _UNSHADED else relief
    files: list[Path] = []
    for place, part in _planes(values):
        shown = _shown(part, grade)
        words = [str(values.name), *(_word(key, item) for key, item in place.items())]
        path = folder / ("-".join(words) + ".png")
        if not np.isfinite(shown.values).any():
            path.unlink(missing_ok=True)
            continue
        save_map(path, shown, title=_title(shown), limits=_limits(shown), relief=shade, places=places)
        files.append(path)
    return files


def _shown(part: xr.DataArray, grade: str) -> xr.DataArray:
    """A map as the picture wants it: NaN for no data, and the grade of what rests on horizons."""
    shown = part.load()
    if part.dtype == np.uint8:
        attributes = {key: value for key, value in part.attrs.items() if key != "_FillValue"}
        shown = shown.where(shown != _NO_HEIGHT).astype(np.float32).assign_attrs(attributes)
    else:
        shown = shown.copy(deep=False)
    if grade and "mast" in part.coords:
        shown.attrs["grade"] = grade
    return shown


def _title(part: xr.DataArray) -> str | None:
    """Heading of a derived map with the rule that it follows; None where the usual one serves."""
    from moonpost.report.maplook import map_look

    name, told = str(part.name), part.attrs
    mast = f"{float(part['mast']):g} m" if "mast" in part.coords else ""
    if name == "hazard":
        steep, rough = (
            f"{told[f'{key}_limit_{unit}']:.3g}" for key, unit in (("slope", "deg"), ("roughness", "m"))
        )
        side = _length(told["baseline_m"])
        return f"Landing hazard: steeper than {steep} deg or rougher than {rough} m over {side}"
    if name in _STATION_TITLES:
        return f"{_STATION_TITLES[name]} {part['station'].item()}, {mast} above the ground"
    words = map_look(part).label.split(" [")[0]
    if name.endswith("_gain"):
        return words.replace("gain over a mast of", f"gain of a mast of {mast} over one of")
    if name.startswith("haven"):
        return f"{words} ({told['rule']}), mast of {mast}"
    return None


def _length(metres: float) -> str:
    return f"{metres / 1000.0:.3g} km" if metres >= 1000.0 else f"{metres:.3g} m"


def _limits(part: xr.DataArray) -> tuple[float, float] | None:
    """Colours end for gains of longest times where a tenth of the cells lies beyond, for stations at full 10 %."""
    name = str(part.name)
    if name == "station_visible":
        return 0.0, max(10.0, 10.0 * math.ceil(10.0 * float(np.nanmax(part.values))))
    if not (name.startswith("longest_") and name.endswith("_gain")):
        return None
    low, high = (float(value) for value in np.nanpercentile(part.values, [10.0, 90.0]))
    low, high = min(low, 0.0) if np.nanmin(part.values) < 0.0 else 0.0, max(high, 0.0)
    return (low, high) if low < high and (low == 0.0 or high == 0.0) else None


def _relief(request: MapRequest) -> xr.DataArray:
    """Heights for shading without the wide slopes, which would tint the colours, on cells for a picture."""
    from scipy.ndimage import gaussian_filter

    from moonpost.terrain.area import MapArea
    from moonpost.terrain.rasters import height_map

    area = request.area
    step = math.ceil(max(area.shape) / _PICTURE_CELLS)
    x, y = (axis[: axis.size // step * step].reshape(-1, step).mean(axis=1) for axis in (area.x_m, area.y_m))
    heights = height_map(request.terrain, MapArea(area.wkt, x, y, area.cell_m * step))
    known = np.isfinite(heights.values)
    if known.any():
        full = np.where(known, heights.values, float(np.mean(heights.values[known])))
        heights -= gaussian_filter(full, max(heights.shape) / _WIDE, mode="nearest")
    return heights


def _word(key: str, value: Any) -> str:
    return f"{value:g}m" if key == "mast_m" else str(value)


def summaries(maps: Sequence[xr.DataArray], area: MapArea, regions: Regions, minimum_cells: int) -> dict[str, Any]:
    """Sum up each map in numbers.

    Parameters
    ----------
    maps : sequence of xarray.DataArray
        The maps.
    area : MapArea
        Their grid.
    regions : mapping of float to sequence of ShadowRegion
        Outlines of permanent shadow by height of the mast [m].
    minimum_cells : int
        Fewest cells of such a region.

    Returns
    -------
    dict
        By name: unit, meaning, settings if it has some, and for each mast (and station) least, mean by ground
        area and greatest value, share of cells without one, and the best cells with their places; for truths their
        share and ground area, for permanent shadow the area in regions of enough cells, for ways to havens the
        share of ground with one.
    """
    ground = area.cell_area_m2()
    found: dict[str, Any] = {}
    havens = next((values for values in maps if values.name == "haven"), None)
    for values in _drawn(maps):
        name = str(values.name)
        rows = [{**place, **_numbers(name, part, area, ground)} for place, part in _planes(values)]
        for row in rows:
            row.update(_shadow(row, regions, minimum_cells) if name == "psr" else {})
        if name == "hazard":
            rows = [{**row, "landable_share": 1.0 - row["share"] if "share" in row else None} for row in rows]
        if name.startswith("haven_") and havens is not None:
            rows = [{**row, **_reach(values, havens, row["mast_m"], ground)} for row in rows]
        settings = {key: values.attrs[key] for key in _SETTINGS if values.attrs.get(key) not in (None, "")}
        found[name] = {
            "units": values.attrs["units"],
            "long_name": values.attrs["long_name"],
            **({"settings": settings} if settings else {}),
            "maps": rows,
        }
    return found


def _shadow(row: dict[str, Any], regions: Regions, minimum_cells: int) -> dict[str, Any]:
    """Permanent shadow in regions of enough cells."""
    found = regions.get(row["mast_m"], ())
    total = float(sum(item.area_km2 for item in found))
    return {"minimum_cells": minimum_cells, "regions": len(found), "regions_area_km2": total}


def _reach(ways: xr.DataArray, havens: xr.DataArray, mast_m: float, ground: Any) -> dict[str, Any]:
    """Share of the ground that is a haven or has a way to one."""
    known = havens.sel(mast=mast_m).values != _NO_HEIGHT
    whole, reached = (float(np.sum(ground[cells])) for cells in (known, np.isfinite(ways.sel(mast=mast_m).values)))
    missing = 1.0 - float(np.count_nonzero(known)) / known.size
    return {"no_height": missing, "reachable_share": reached / whole if whole else None}


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
    which = BEST.get(name.removesuffix("_gain"))
    best = _best(values, good, area, which) if which else []
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
