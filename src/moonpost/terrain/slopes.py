"""Slope and roughness of the ground over a baseline, from maps of its height."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moonpost.errors import InputError
from moonpost.terrain.rasters import area_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "deviogram",
    "plane_fit",
    "roughness",
    "slope",
]

_FEWEST_LAGS = 3

Floats = NDArray[np.float64]


def slope(height: xr.DataArray, *, baseline_m: float | None = None) -> xr.DataArray:
    """Steepness of the ground over a baseline.

    Parameters
    ----------
    height : xarray.DataArray, shape (rows, cols)
        Heights above the 1737.4 km sphere [m], on a map grid as `MapArea.array` and `height_map` make it.
    baseline_m : float, optional
        Length over which the slope is taken [m]: the side of the square from cell centre to cell centre in which a
        plane is fitted, rounded to an even number of cells. Two cells, by Horn's formula, if not stated.

    Returns
    -------
    xarray.DataArray
        ``slope_deg`` [deg] against the local horizontal; NaN where a height of the square is missing, and along
        the rim. The attribute ``baseline_m`` holds the ground length really used at the middle of the map.

    Raises
    ------
    InputError
        If the heights have no map grid, or the baseline is shorter than two cells or longer than the map.

    Notes
    -----
    Heights are divided by ground lengths, map lengths over the map's scale at each cell: 1.5 percent at 80 degrees
    of latitude on a polar map. Heights above a sphere give the slope against the local horizontal, so curvature
    does not enter. Lengths are those on the sphere (0.6 percent short at 10 km of height). Slopes fall with the
    baseline: name it with every slope.

    References
    ----------
    Horn, B. K. P. (1981), Hill shading and the reflectance map, Proc. IEEE 69, 14-47, DOI 10.1109/PROC.1981.11918.
    Rosenburg, M. A. et al. (2011), Global surface slopes and roughness of the Moon from the Lunar Orbiter Laser
    Altimeter, J. Geophys. Res. 116, E02001, DOI 10.1029/2010JE003716.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 0.0, 900.0, cell_m=100.0)
    >>> ramp = area.array(0.1 * area.x_m + np.zeros(area.shape), name="height_m", units="m", long_name="height",
    ...     source="example")
    >>> round(float(slope(ramp)[4, 4]), 3)
    5.711
    """
    area = area_of(height)
    ground = ground_cells_m(height)
    if baseline_m is None:
        cells, (right, up) = 3, _horn(map_values(height))
        method = "Horn 1981, three by three cells"
    else:
        cells = _square(baseline_m, ground, height)
        right, up, _ = plane_fit(map_values(height), cells)
        method = f"least squares plane, {cells} by {cells} cells"
    steep = np.degrees(np.arctan(np.hypot(right, up) / ground)).astype(np.float32)
    return area.array(
        steep,
        name="slope_deg",
        units="deg",
        long_name=f"slope over {_length((cells - 1) * at_middle(ground))}",
        source=source_of(height),
        baseline_m=round((cells - 1) * at_middle(ground), 3),
        method=method,
    )


def roughness(height: xr.DataArray, *, baseline_m: float | None = None) -> xr.DataArray:
    """Root mean square height about the plane that fits best, in a square of a stated side.

    Parameters
    ----------
    height : xarray.DataArray, shape (rows, cols)
        Heights above the 1737.4 km sphere [m], on a map grid.
    baseline_m : float, optional
        Side of the square from cell centre to cell centre [m], rounded to an even number of cells; two cells if
        not stated.

    Returns
    -------
    xarray.DataArray
        ``roughness_m`` [m]; NaN where a height of the square is missing, and along the rim.

    Raises
    ------
    InputError
        If the heights have no map grid, or the baseline is shorter than two cells or longer than the map.

    Notes
    -----
    sqrt(S / (n - 3)) with S the sum of squared residuals of the n heights about their least squares plane: the
    "rms height" after removal of the tilt. White noise of standard deviation s has roughness s at any baseline;
    ground that is self-affine with Hurst exponent H grows rougher as baseline to the power H. `deviogram` gives
    the measures of LOLA's roughness maps.

    References
    ----------
    Shepard, M. K. et al. (2001), The roughness of natural terrain: a planetary and remote sensing perspective,
    J. Geophys. Res. 106, 32777-32795, DOI 10.1029/2000JE001429.

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 0.0, 900.0, cell_m=100.0)
    >>> steps = area.array(np.indices(area.shape).sum(axis=0) % 2 * 2.0, name="height_m", units="m",
    ...     long_name="height", source="example")
    >>> round(float(roughness(steps)[4, 4]), 3)
    1.217
    """
    area = area_of(height)
    ground = ground_cells_m(height)
    cells = 3 if baseline_m is None else _square(baseline_m, ground, height)
    _, _, rough = plane_fit(map_values(height), cells)
    return area.array(
        rough.astype(np.float32),
        name="roughness_m",
        units="m",
        long_name=f"rms height about a plane over {_length((cells - 1) * at_middle(ground))}",
        source=source_of(height),
        baseline_m=round((cells - 1) * at_middle(ground), 3),
    )


def plane_fit(heights_m: ArrayLike, cells: int) -> tuple[Floats, Floats, Floats]:
    """Least squares plane in a sliding square of cells.

    Parameters
    ----------
    heights_m : array_like, shape (rows, cols)
        Heights [m], row 0 at the top.
    cells : int
        Side of the square, odd, at least 3.

    Returns
    -------
    right, up : ndarray, shape (rows, cols)
        Rise of the plane for one cell to the right and one cell up [m].
    residual_m : ndarray, shape (rows, cols)
        Root of the sum of squared residuals over (n - 3) [m]. All are NaN where the square is not full.

    Raises
    ------
    InputError
        If `cells` is even or below 3.

    Examples
    --------
    >>> right, up, residual_m = plane_fit(np.arange(25.0).reshape(5, 5), 3)
    >>> float(right[2, 2]), float(up[2, 2]), float(residual_m[2, 2])
    (1.0, -5.0, 0.0)
    """
    from scipy.ndimage import correlate1d

    if cells < 3 or cells % 2 == 0:
        raise InputError(f"a square of {cells} cells", where="cells", advice="give an odd number from 3 on")
    z = np.asarray(heights_m, dtype=np.float64)
    z = z - (np.nanmean(z) if np.isfinite(z).any() else 0.0)
    one = np.ones(cells)
    along = np.arange(cells, dtype=np.float64) - (cells - 1) / 2.0

    def over(values: Floats, down: Floats, across: Floats) -> Floats:
        first = correlate1d(values, across, axis=1, mode="constant", cval=np.nan)
        return np.asarray(correlate1d(first, down, axis=0, mode="constant", cval=np.nan))

    count, spread = float(cells * cells), float(cells * (along**2).sum())
    right, down = over(z, one, along) / spread, over(z, along, one) / spread
    square = over(z * z, one, one) - over(z, one, one) ** 2 / count - spread * (right**2 + down**2)
    noise = 1e-11 * over(z * z, one, one)
    residual = np.sqrt(np.where(square > noise, square, np.where(np.isnan(square), np.nan, 0.0)) / (count - 3.0))
    return right, -down, residual


def deviogram(height: xr.DataArray, lags_m: ArrayLike | None = None) -> xr.Dataset:
    """Roughness of a whole map against length: the measures of LOLA's roughness maps.

    Parameters
    ----------
    height : xarray.DataArray, shape (rows, cols)
        Heights [m], on a map grid.
    lags_m : array_like, optional
        Lengths [m], rounded to whole cells; powers of two of the cell up to a quarter of the map if not given.

    Returns
    -------
    xarray.Dataset
        Against ``lag_m``: ``rms_deviation_m``, ``median_slope_deg`` (absolute, along rows and columns) and
        ``median_differential_slope_deg`` (the tilt over twice the lag taken off, except at the longest lags, where
        it is NaN); attribute ``hurst`` [1], the slope of the line through log deviation against log lag.

    Raises
    ------
    InputError
        If fewer than three lags fit into the map, or hardly any heights are known.

    Notes
    -----
    nu(L) = sqrt(mean((z(x + L) - z(x))^2)) over all pairs along rows and columns; the exponent is that of a line
    through all lags, so give lags on one side of a break. Lengths are ground lengths at the middle of the map.

    References
    ----------
    Rosenburg, M. A. et al. (2011), DOI 10.1029/2010JE003716; Kreslavsky, M. A. and Head, J. W. (2000),
    Kilometer-scale roughness of Mars, J. Geophys. Res. 105, 26695-26711, DOI 10.1029/2000JE001259 (differential
    slope).

    Examples
    --------
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(0.0, 0.0, 6400.0, cell_m=100.0)
    >>> ramp = area.array(0.1 * area.x_m + np.zeros(area.shape), name="height_m", units="m", long_name="height",
    ...     source="example")
    >>> round(deviogram(ramp).attrs["hurst"], 3)
    1.0
    """
    import xarray as xr

    z = map_values(height)
    cell = at_middle(ground_cells_m(height))
    cells = _lag_cells(lags_m, cell, z)
    rows = [_lag_measures(z, int(n), int(n) * cell) for n in cells]
    deviation, typical, differential = (np.array(column) for column in zip(*rows, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.polyfit(np.log(cells), np.log(deviation), 1)[0] if np.all(deviation > 0) else math.nan
    about = {"source": source_of(height)}
    return xr.Dataset(
        {
            "rms_deviation_m": ("lag_m", deviation, {"units": "m", "long_name": "rms deviation", **about}),
            "median_slope_deg": (
                "lag_m",
                typical,
                {"units": "deg", "long_name": "median absolute slope", **about},
            ),
            "median_differential_slope_deg": (
                "lag_m",
                differential,
                {"units": "deg", "long_name": "median absolute differential slope", **about},
            ),
        },
        coords={"lag_m": ("lag_m", cells * cell, {"units": "m", "long_name": "length along the ground"})},
        attrs={"hurst": float(exponent)},
    )


def _horn(z: Floats) -> tuple[Floats, Floats]:
    """Rise for one cell to the right and one cell up, by Horn's weights."""
    from scipy.ndimage import correlate1d

    smooth, step = np.array([1.0, 2.0, 1.0]) / 4.0, np.array([-1.0, 0.0, 1.0]) / 2.0

    def over(down: Floats, across: Floats) -> Floats:
        first = correlate1d(z, across, axis=1, mode="constant", cval=np.nan)
        return np.asarray(correlate1d(first, down, axis=0, mode="constant", cval=np.nan))

    return over(smooth, step), -over(step, smooth)


def ground_cells_m(data: xr.DataArray) -> Floats:
    """Length of a cell's side on the ground at each cell [m]."""
    area = area_of(data)
    return np.asarray(area.cell_m / area.scale(*area.places()))


def at_middle(ground: Floats) -> float:
    return float(ground[ground.shape[0] // 2, ground.shape[1] // 2])


def _square(baseline_m: float, ground: Floats, height: xr.DataArray) -> int:
    """Odd number of cells of a square with a side of the baseline."""
    cell = at_middle(ground)
    good = isinstance(baseline_m, int | float | np.number) and math.isfinite(baseline_m)
    cells = 2 * round(baseline_m / cell / 2.0) + 1 if good else 0
    if not 3 <= cells <= min(height.shape):
        raise InputError(
            f"baseline {baseline_m!r} m on cells of {cell:.4g} m",
            where="baseline_m",
            advice=f"give from {2 * cell:.4g} m to {(min(height.shape) - 1) * cell:.4g} m",
        )
    return cells


def map_values(data: xr.DataArray) -> Floats:
    """Values as float64, two-dimensional."""
    if tuple(data.dims) != ("y", "x"):
        raise InputError(
            f"has the dimensions {tuple(data.dims)}",
            where=str(data.name),
            advice="give one map with rows y, columns x",
        )
    values = np.asarray(data.values)
    if values.dtype.kind not in "biuf":
        raise InputError(f"holds {values.dtype.name}", where=str(data.name), advice="give numbers")
    values = values.astype(np.float64)
    if np.isinf(values).any():
        raise InputError("holds infinity", where=str(data.name), advice="mark unknown cells by NaN")
    return values


def _lag_cells(lags_m: ArrayLike | None, cell: float, z: Floats) -> NDArray[np.int64]:
    most = min(z.shape) // 2
    if lags_m is None:
        cells = 2 ** np.arange(int(math.log2(max(min(z.shape) // 4, 1))) + 1)
    else:
        lags = np.asarray(lags_m, dtype=np.float64).ravel()
        cells = np.unique(np.rint(np.where(np.isfinite(lags), lags, -1.0) / cell)).astype(np.int64)
    if cells.size < _FEWEST_LAGS or cells[0] < 1 or cells[-1] > most:
        raise InputError(
            f"{cells.size} lags of {cells.tolist()} cells on a map of {z.shape}",
            where="lags_m",
            advice=f"give at least three different lags from {cell:.4g} m to {most * cell:.4g} m",
        )
    return np.asarray(cells)


def _lag_measures(z: Floats, n: int, lag_m: float) -> tuple[float, float, float]:
    """RMS deviation [m], median absolute slope and differential slope [deg] at a lag of n cells."""
    steps = np.concatenate([(z[n:] - z[:-n]).ravel(), (z[:, n:] - z[:, :-n]).ravel()])
    steps = steps[~np.isnan(steps)]
    if not steps.size:
        raise InputError("no two heights at that distance are known", where="height", advice="give a fuller map")
    bends = np.concatenate([_bends(z, n).ravel(), _bends(z.T, n).ravel()])
    bends = bends[~np.isnan(bends)]
    bend = float(np.median(np.abs(bends))) if bends.size else math.nan
    return (
        float(np.sqrt(np.mean(steps**2))),
        math.degrees(math.atan(float(np.median(np.abs(steps))) / lag_m)),
        math.degrees(math.atan(bend / lag_m)),
    )


def _bends(z: Floats, n: int) -> Floats:
    """Rise over n cells less half the rise over 2 n cells, both about the same middle (to half a cell)."""
    count = z.shape[0] - 2 * n
    if count < 1:
        return np.full((1, 1), np.nan)
    near = n - n // 2
    return (z[near + n : near + n + count] - z[near : near + count]) - 0.5 * (z[2 * n :] - z[:count])


def _length(metres: float) -> str:
    return f"{metres / 1000.0:.3g} km" if metres >= 1000.0 else f"{metres:.3g} m"


def source_of(data: xr.DataArray) -> str:
    return str(data.attrs.get("source", "not stated"))
