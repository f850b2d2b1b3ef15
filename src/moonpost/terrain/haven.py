"""Safe havens: ground that is never dark for long, how far it is, and what a higher mast gains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from moonpost.errors import InputError
from moonpost.terrain.rasters import area_of, same_grid
from moonpost.terrain.slopes import ground_cells_m, map_values, slope, source_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DRIVE_SLOPE_DEG", "haven_distance", "mast_gain", "safe_haven"]

DRIVE_SLOPE_DEG = 15.0
"""Slope up to which a cell counts as drivable if nothing else is stated [deg]: for wheels on loose ground."""


def safe_haven(
    *,
    longest_dark_d: xr.DataArray | None = None,
    average_illumination: xr.DataArray | None = None,
    longest_dark_limit_d: float | None = None,
    average_illumination_limit: float | None = None,
) -> xr.DataArray:
    """Ground on which a rover can wait: never dark for longer than it can bear, or lit enough on average.

    Parameters
    ----------
    longest_dark_d : xarray.DataArray, optional
        Longest darkness of each cell [d].
    average_illumination : xarray.DataArray, optional
        Average share of the Sun's disc in sight, 0 to 1.
    longest_dark_limit_d : float, optional
        Longest darkness that the rover can bear [d].
    average_illumination_limit : float, optional
        Least average illumination, 0 to 1.

    Returns
    -------
    xarray.DataArray
        ``haven``: 1 where every limit given is kept, 0 elsewhere, NaN where a map is unknown.

    Raises
    ------
    InputError
        If no limit is given, or a limit without its map.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(-90.0, 0.0, 200.0, 100.0, cell_m=100.0)
    >>> dark = area.array([[3.0, 9.0]], name="longest_dark_d", units="d", long_name="dark", source="example")
    >>> safe_haven(longest_dark_d=dark, longest_dark_limit_d=5.0).values.tolist()
    [[1.0, 0.0]]
    """
    kept: list[tuple[xr.DataArray, np.ndarray, str]] = []
    pairs = (
        ("longest_dark_d", longest_dark_d, longest_dark_limit_d, -1.0, "longest darkness up to {:g} d"),
        (
            "average_illumination",
            average_illumination,
            average_illumination_limit,
            1.0,
            "average illumination of {:g} or more",
        ),
    )
    for name, data, limit, sign, text in pairs:
        if limit is None:
            continue
        if data is None or not math.isfinite(limit):
            raise InputError(
                f"limit {limit!r} without a map", where=name, advice="give the map and a finite limit"
            )
        values = map_values(data)
        kept.append((data, np.where(np.isnan(values), np.nan, sign * values >= sign * limit), text.format(limit)))
    if not kept:
        raise InputError(
            "no limit is given",
            where="safe_haven",
            advice="give longest_dark_limit_d or average_illumination_limit, with its map",
        )
    first = kept[0][0]
    if any(not same_grid(area_of(item), area_of(first)) for item, _, _ in kept):
        raise InputError("the maps have different grids", where="safe_haven", advice="give maps of one area")
    together = np.minimum.reduce([values for _, values, _ in kept]).astype(np.float32)
    rule = " and ".join(text for _, _, text in kept)
    return area_of(first).array(
        together, name="haven", units="1", long_name="safe haven", source=source_of(first), rule=rule
    )


def haven_distance(
    height: xr.DataArray,
    haven: xr.DataArray,
    *,
    slope_limit_deg: float = DRIVE_SLOPE_DEG,
    baseline_m: float | None = None,
    speed_m_s: float = 0.05,
) -> xr.Dataset:
    """Length and duration of the shortest drivable way from each cell to a safe haven.

    Parameters
    ----------
    height : xarray.DataArray, shape (rows, cols)
        Heights above the 1737.4 km sphere [m], on a map grid.
    haven : xarray.DataArray, shape (rows, cols)
        1 (or True) where the rover is safe, on the same grid, as `safe_haven` makes it; NaN counts as no haven.
    slope_limit_deg : float, default 15.0
        Steepest ground that is driven on [deg].
    baseline_m : float, optional
        Length over which the slope is taken [m]; two cells if not stated.
    speed_m_s : float, default 0.05
        Mean speed along the way, stops for charging and thinking included [m/s].

    Returns
    -------
    xarray.Dataset
        ``haven_distance_m``, ``haven_time_h``, and ``haven_latitude_deg`` and ``haven_longitude_deg`` of the haven
        that is reached; NaN where there is no way, and 0 m in a haven.

    Raises
    ------
    InputError
        If the grids differ or a number is of no use.

    Notes
    -----
    Dijkstra's algorithm over all cells at once, backwards from the havens. Steps lead to the eight neighbours and
    the eight knight's moves beyond, each as long as the straight line between the two points of the ground, rise
    included: ways in open ground are at most 2.8 percent too long (8.2 with eight neighbours). A cell is drivable
    or not by the slope of its ground whatever the direction, a step touches drivable cells only, and the rim of
    the map (where no slope is known) is not driven on. A rover's own limits differ: a usual planning value for
    wheels on loose ground is 15 deg, and grids of tens of metres hide what is steeper.

    References
    ----------
    Dijkstra, E. W. (1959), A note on two problems in connexion with graphs, Numer. Math. 1, 269-271, DOI
    10.1007/BF01386390. Speyerer, E. J. et al. (2016), Optimized traverse planning for future polar prospectors
    based on lunar topography, Icarus 273, 337-345, DOI 10.1016/j.icarus.2016.03.011.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 0.0, 900.0, cell_m=100.0)
    >>> about = {"units": "m", "long_name": "example", "source": "example"}
    >>> flat = area.array(np.zeros(area.shape), name="height_m", **about)
    >>> spot = area.array(np.arange(81).reshape(9, 9) == 40, name="haven", **about)
    >>> found = haven_distance(flat, spot, speed_m_s=0.1)
    >>> [round(float(found[name][4, 1]), 2) for name in ("haven_distance_m", "haven_time_h")]
    [300.0, 0.83]
    """
    import xarray as xr

    from moonpost.terrain.havenkernels import nearest

    area = area_of(height)
    for name, value, most in (("slope_limit_deg", slope_limit_deg, 90.0), ("speed_m_s", speed_m_s, 100.0)):
        if not (math.isfinite(value) and 0.0 < value <= most):
            raise InputError(f"{value!r}", where=name, advice=f"give a number above 0 and up to {most:g}")
    if not same_grid(area, area_of(haven)):
        raise InputError(
            "the two maps have different grids", where="height, haven", advice="make both of one area"
        )
    steep = slope(height, baseline_m=baseline_m)
    drivable = np.nan_to_num(steep.values, nan=np.inf) <= slope_limit_deg
    safe = np.nan_to_num(map_values(haven), nan=0.0) > 0.0
    length = np.full(area.shape, np.nan)
    origin = np.full(area.shape, -1, dtype=np.int64)
    nearest(np.nan_to_num(map_values(height)), ground_cells_m(height), drivable, safe, length, origin)
    latitude, longitude = (values.ravel() for values in area.places())
    known = origin >= 0
    where = np.where(known, origin, 0)
    source = "; ".join(dict.fromkeys([source_of(height), source_of(haven)]))
    told = {
        "slope_limit_deg": float(slope_limit_deg),
        "slope_baseline_m": float(steep.attrs["baseline_m"]),
        "speed_m_s": float(speed_m_s),
        "rule": str(haven.attrs.get("rule", "")),
        "missing": "no drivable way",
    }
    maps = {
        "haven_distance_m": (length, "m", "drivable way to the nearest safe haven", np.float32),
        "haven_time_h": (length / speed_m_s / 3600.0, "h", "drive to the nearest safe haven", np.float32),
        "haven_latitude_deg": (
            np.where(known, latitude[where], np.nan),
            "deg",
            "latitude of that haven",
            np.float64,
        ),
        "haven_longitude_deg": (
            np.where(known, longitude[where], np.nan),
            "deg",
            "longitude of that haven",
            np.float64,
        ),
    }
    found: dict[str, xr.DataArray] = {}
    for name, (values, units, long_name, kind) in maps.items():
        found[name] = area.array(values.astype(kind), name=name, units=units, long_name=long_name, source=source)
        found[name].attrs.update(told)
    return xr.Dataset(found)


def mast_gain(values: xr.DataArray, *, lower_m: float | None = None) -> xr.DataArray:
    """What a higher mast adds to a map, such as the average illumination.

    Parameters
    ----------
    values : xarray.DataArray
        A map with the dimension ``mast`` (or ``mast_m``), the height of the eye [m].
    lower_m : float, optional
        The mast that others are compared with [m]; the lowest if not stated.

    Returns
    -------
    xarray.DataArray
        Value at each other mast less that at the lower one, in the same unit, named ``<name>_gain``; where it is
        of a longest darkness, negative is good.

    Raises
    ------
    InputError
        If there are fewer than two masts, or none of that height.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(-90.0, 0.0, 100.0, cell_m=100.0)
    >>> light = area.array([[[0.5]], [[0.75]]], name="average_illumination", units="1", long_name="light",
    ...     source="example", dims=("mast", "y", "x"), coords={"mast": [2.0, 10.0]})
    >>> mast_gain(light).values.ravel().tolist(), mast_gain(light)["mast"].values.tolist()
    ([0.25], [10.0])
    """
    dim = next((name for name in ("mast", "mast_m") if name in values.dims), "")
    if not dim or values.sizes[dim] < 2:
        raise InputError(
            f"has the dimensions {values.dims}", where=str(values.name), advice="give a map for at least two masts"
        )
    masts = np.asarray(values.coords[dim].values, dtype=np.float64)
    low = float(masts.min()) if lower_m is None else float(lower_m)
    found = np.flatnonzero(np.abs(masts - low) < 1e-6)
    if not found.size:
        raise InputError(
            f"no mast of {low:g} m among {', '.join(f'{mast:g}' for mast in masts)}",
            where="lower_m",
            advice="give one of these heights",
        )
    rest = np.flatnonzero(np.abs(masts - low) >= 1e-6)
    data = values.astype(np.float64) if values.dtype.kind != "f" else values
    gain = data.isel({dim: rest}) - data.isel({dim: int(found[0])}).drop_vars(dim)
    gain = gain.rename(f"{values.name}_gain")
    gain.attrs = {**values.attrs, "lower_mast_m": low}
    gain.attrs["long_name"] = f"{values.attrs.get('long_name', values.name)}: gain over a mast of {low:g} m"
    return gain
