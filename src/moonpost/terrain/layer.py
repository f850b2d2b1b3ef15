"""One terrain file: opened with every check, read only as far as it is needed."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import DataError, InputError
from moonpost.files import digest
from moonpost.sky.site import MOON_RADIUS_M
from moonpost.terrain.cellblocks import block_means, span
from moonpost.terrain.projection import GENERIC, PLATE, Projection, lunar_crs

__all__ = ["Grid", "Layer"]

WHOLE_CELLS = 64_000_000
"""Files of up to this many cells are kept whole in memory (256 MB); larger ones as a window and an overview."""
EAGER_CELLS = 16_000_000
"""Files of up to this many cells are read when they are opened, so that faults show at once."""
WINDOW_CELLS = 2048
"""Half width of the full-resolution window kept around a site from a file that is too large to be kept whole."""
PART_CELLS = 16_000_000
"""Cells of a large file that are read at a time when many places are asked for."""
_RIM = 1e-6
HEIGHT_LIMIT_M = 30_000.0
RADIUS_RANGE_M = (1_700_000.0, 1_770_000.0)

_METRE = {"", "m", "metre", "meter", "metres", "meters"}
_KILOMETRE = {"km", "kilometre", "kilometer", "kilometres", "kilometers"}


@dataclass(frozen=True, eq=False)
class Grid:
    """Heights in memory with the way from map coordinates to their cells.

    Parameters
    ----------
    heights_m : ndarray of float32, shape (rows, cols)
        Heights above the 1737.4 km sphere [m], NaN where there is none.
    inverse : ndarray of float64, shape (6,)
        Affine from map coordinates to cell-centre coordinates.
    projection : Projection
        The way from the sphere to map coordinates.
    resolution_m : float
        Size of a cell [m].
    wrap : bool
        Whether the columns go once round the globe.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> grid = Terrain.default("south").layers[0].grids()[0]
    >>> grid.heights_m.shape
    (762, 762)
    """

    heights_m: NDArray[np.float32]
    inverse: NDArray[np.float64]
    projection: Projection
    resolution_m: float
    wrap: bool

    def sample(self, latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bilinear heights [m] of places, shape (n,); NaN where the grid has none."""
        from moonpost.terrain.kernels import bilinear

        x, y = self.map_coordinates(latitude_deg, longitude_deg)
        a, b, c, d, e, f = self.inverse
        col, row = a * x + b * y + c, d * x + e * y + f
        good = np.isfinite(col) & np.isfinite(row)
        return bilinear(self.heights_m, self.wrap, np.where(good, col, -9.0), np.where(good, row, -9.0))

    def map_coordinates(
        self, latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Map coordinates of places, by the closed form where there is one."""
        from moonpost.terrain.kernels import project_many

        if self.projection.kind == GENERIC:
            return self.projection.to_map(latitude_deg, longitude_deg)
        numbers = self.projection.numbers
        return project_many(self.projection.kind, numbers, np.radians(latitude_deg), np.radians(longitude_deg))


@dataclass(frozen=True, eq=False)
class Layer:
    """One terrain file of the nest.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : str
        File name without folder.
    resolution_m : float
        Size of a cell [m], at the middle of the file.
    crs : str
        Name of its coordinate reference system.
    bounds : tuple of float
        Left, bottom, right, top in map coordinates.
    shape : tuple of int
        Rows and columns.
    source : str
        What the file's own tags say of its origin, empty if nothing.

    Notes
    -----
    Heights are metres above the 1737.4 km sphere. Scale and offset tags are applied, kilometres are converted,
    and a file of radii (all values between 1700 and 1770 km, as in LOLA GDR labels with an offset of 1737400 m)
    has the sphere's radius subtracted. Files of up to 64 million cells are kept whole; of larger ones a window of
    4096 x 4096 cells around the site is kept at full resolution and the rest as block means.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> layer = Terrain.default("south").layers[0]
    >>> layer.name, layer.resolution_m, layer.shape
    ('lola_dem_south.tif', 1600.0, (762, 762))
    """

    path: Path
    name: str
    resolution_m: float
    crs: str
    bounds: tuple[float, float, float, float]
    shape: tuple[int, int]
    source: str
    projection: Projection = field(repr=False)
    wrap: bool = field(repr=False)
    _affine: tuple[float, ...] = field(repr=False)
    _scale: float = field(repr=False)
    _offset: float = field(repr=False)
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Layer:
        """Open a terrain file and check all that can be checked without reading a large one whole.

        Parameters
        ----------
        path : path-like
            A GeoTIFF or anything else that GDAL reads.

        Returns
        -------
        Layer
            The file, ready to be sampled.

        Raises
        ------
        DataError
            If it is missing, truncated, not a raster, not on the Moon, or has no height at all.
        """
        with _dataset(path) as data:
            layer = cls._from_dataset(Path(path), data)
            if math.prod(layer.shape) > EAGER_CELLS:
                _check_blocks(path, data)
        if math.prod(layer.shape) <= EAGER_CELLS:
            layer.grids()
        return layer

    @classmethod
    def _from_dataset(cls, path: Path, data: Any) -> Layer:
        where = str(path)
        _check_bands(data, where)
        crs = lunar_crs(data.crs.to_wkt() if data.crs else None, where)
        affine = data.transform
        if affine.is_identity or affine.determinant == 0.0:
            raise DataError(
                "has no place on its map (no geotransform)",
                where=where,
                advice="write it with its extent ('gdal_translate -a_ullr LEFT TOP RIGHT BOTTOM')",
            )
        scale, offset = _to_metres(data, where)
        bounds = (data.bounds.left, data.bounds.bottom, data.bounds.right, data.bounds.top)
        _check_place(path, crs, bounds, affine)
        projection = Projection(crs, bounds)
        wrap = _goes_round(projection, affine, data.width)
        unit = math.radians(1.0) * MOON_RADIUS_M if crs.is_geographic else _unit_m(crs)
        tags = data.tags()
        source = tags.get("source") or " ".join(
            tags[key].strip('"') for key in ("INSTRUMENT_ID", "DATA_SET_ID", "PRODUCT_ID") if key in tags
        )
        return cls(
            path=path,
            name=path.name,
            resolution_m=round(math.hypot(affine.b, affine.e) * unit, 6),
            crs=_crs_name(crs),
            bounds=bounds,
            shape=(data.height, data.width),
            source=source,
            projection=projection,
            wrap=wrap,
            _affine=tuple(float(value) for value in tuple(affine)[:6]),
            _scale=scale,
            _offset=offset,
        )

    def __getstate__(self) -> dict[str, Any]:
        """State for another process, which reads the heights again when it needs them."""
        return {**self.__dict__, "_cache": {}}

    @property
    def affine(self) -> tuple[float, ...]:
        """The six numbers from columns and rows (of cell corners) to map coordinates, as rasterio orders them."""
        return self._affine

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        return digest(self.path)

    def record(self) -> dict[str, Any]:
        """Name, resolution, system, bounds, digest and source, as plain data for provenance."""
        return {
            "name": self.name,
            "resolution_m": self.resolution_m,
            "crs": self.crs,
            "bounds": list(self.bounds),
            "sha256": self.sha256,
            "source": self.source,
        }

    def grids(self, latitude_deg: float | None = None, longitude_deg: float | None = None) -> tuple[Grid, ...]:
        """Heights in memory, finest first: the whole file, or a window around a place and block means of the rest.

        Parameters
        ----------
        latitude_deg, longitude_deg : float, optional
            The place, needed for files of more than 64 million cells only; without it these give the means alone.

        Returns
        -------
        tuple of Grid
            One or two grids.
        """
        if math.prod(self.shape) <= WHOLE_CELLS:
            if "whole" not in self._cache:
                self._cache["whole"] = self._read(0, 0, *self.shape, 1)
                self._refuse_empty(self._cache["whole"].heights_m)
            return (self._cache["whole"],)
        if "means" not in self._cache:
            step = math.ceil(math.sqrt(math.prod(self.shape) / WHOLE_CELLS))
            self._cache["means"] = self._read(0, 0, *self.shape, step)
            self._refuse_empty(self._cache["means"].heights_m)
        window = self._window(latitude_deg, longitude_deg) if latitude_deg is not None else None
        return (self._cache["means"],) if window is None else (window, self._cache["means"])

    def sample(self, latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bilinear heights [m] of places, shape (n,), at full resolution; NaN where the file has none."""
        if math.prod(self.shape) <= WHOLE_CELLS:
            return self.grids()[0].sample(latitude_deg, longitude_deg)
        heights = np.full(latitude_deg.size, np.nan)
        for i, (lat, lon) in enumerate(zip(latitude_deg, longitude_deg, strict=True)):
            grids = self.grids(float(lat), float(lon))
            if len(grids) == 2:
                heights[i] = grids[0].sample(np.array([lat]), np.array([lon]))[0]
        return heights

    def heights(
        self, latitude_deg: NDArray[np.float64], longitude_deg: NDArray[np.float64], spacing_m: float = 0.0
    ) -> NDArray[np.float64]:
        """Bilinear heights of many places that lie near one another in their order.

        Parameters
        ----------
        latitude_deg, longitude_deg : ndarray, shape (n,)
            Places [deg].
        spacing_m : float, default 0
            Distance between the places [m]. Of files with at most half that cell size, the means of 2 x 2, 4 x 4,
            ... cells are taken, as many as fit into it.

        Returns
        -------
        ndarray, shape (n,)
            Heights [m]; NaN where the file has none. Of large files only the cells about the places are read.
        """
        step = 1 << max(0, int(math.log2(max(spacing_m / self.resolution_m, 1.0)) + 1e-9))
        whole = math.prod(self.shape) <= WHOLE_CELLS
        if whole and step == 1:
            return self.grids()[0].sample(latitude_deg, longitude_deg)
        x, y = self._frame().map_coordinates(latitude_deg, longitude_deg)
        a, b, c, d, e, f = _inverse(self._affine)
        col, row = a * x + b * y + c, d * x + e * y + f
        near = np.isfinite(col) & np.isfinite(row)
        near &= (row >= -_RIM) & (row <= self.shape[0] + _RIM)
        near &= self.wrap | ((col >= -_RIM) & (col <= self.shape[1] + _RIM))
        result = np.full(latitude_deg.size, np.nan)
        if not near.any():
            return result
        if whole:
            result[near] = self._coarse(step).sample(latitude_deg[near], longitude_deg[near])
            return result
        rows = span(row[near], step, self.shape[0])
        cols = (0, self.shape[1]) if self.wrap else span(col[near], step, self.shape[1])
        if (rows[1] - rows[0]) * (cols[1] - cols[0]) > PART_CELLS * step and latitude_deg.size > 1:
            half = latitude_deg.size // 2
            for part in (slice(None, half), slice(half, None)):
                result[part] = self.heights(latitude_deg[part], longitude_deg[part], spacing_m)
            return result
        grid = self._part(rows, cols, step)
        result[near] = grid.sample(latitude_deg[near], longitude_deg[near])
        return result

    def cells(self, top: int, left: int, rows: int, cols: int) -> NDArray[np.float32]:
        """Heights of a block of the file's own cells.

        Parameters
        ----------
        top, left : int
            First row and column; the block may reach beyond the file.
        rows, cols : int
            Size of the block.

        Returns
        -------
        ndarray of float32, shape (rows, cols)
            Heights [m]; NaN where there is none.
        """
        block = np.full((rows, cols), np.nan, dtype=np.float32)
        first, last = max(top, 0), min(top + rows, self.shape[0])
        begin, end = max(left, 0), min(left + cols, self.shape[1])
        if first < last and begin < end:
            if math.prod(self.shape) <= WHOLE_CELLS:
                found = self.grids()[0].heights_m[first:last, begin:end]
            else:
                found = self._read(first, begin, last - first, end - begin, 1).heights_m
            block[first - top : last - top, begin - left : end - left] = found
        return block

    def cell(self, latitude_deg: float, longitude_deg: float) -> tuple[int, int] | None:
        """Row and column of the cell that holds a place, None outside the file."""
        x, y = self.projection.to_map(np.array([latitude_deg]), np.array([longitude_deg]))
        if self.projection.kind == PLATE:
            start, period = self.projection.numbers[4:]
            x = start + (x - start) % period
        if not (np.isfinite(x[0]) and np.isfinite(y[0])):
            return None
        a, b, c, d, e, f = _inverse(self._affine)
        row, col = math.floor(d * x[0] + e * y[0] + f), math.floor(a * x[0] + b * y[0] + c)
        inside = 0 <= row < self.shape[0] and 0 <= col < self.shape[1]
        return (row, col) if inside else None

    def _frame(self) -> Grid:
        """The way from places to cells, without heights."""
        none = np.empty((0, 0), dtype=np.float32)
        inverse = _inverse(self._affine)
        inverse[[2, 5]] -= 0.5
        return Grid(none, inverse, self.projection, self.resolution_m, self.wrap)

    def _coarse(self, step: int) -> Grid:
        """The whole file as means of `step` x `step` cells, kept for the next call."""
        key = f"means of {step}"
        if key not in self._cache:
            self._cache[key] = self._part((0, self.shape[0]), (0, self.shape[1]), step)
        grid: Grid = self._cache[key]
        return grid

    def _part(self, rows: tuple[int, int], cols: tuple[int, int], step: int) -> Grid:
        """Part of the file as means of `step` x `step` cells, counted from the file's first row and column."""
        height, width = rows[1] - rows[0], cols[1] - cols[0]
        means = np.empty((-(-height // step), -(-width // step)), dtype=np.float32)
        band = max(1, PART_CELLS // (width * step)) * step
        for first in range(0, height, band):
            block = self.cells(rows[0] + first, cols[0], min(band, height - first), width)
            means[first // step : -(-(first + block.shape[0]) // step)] = block_means(block, step)
        inverse = _inverse(self._affine)
        inverse = np.concatenate([inverse[:3] / step, inverse[3:] / step])
        inverse[[2, 5]] -= np.array([cols[0], rows[0]]) / step + 0.5
        wrap = self.wrap and width == self.shape[1] and width % step == 0
        return Grid(means, inverse, self.projection, self.resolution_m * step, wrap)

    def _window(self, latitude_deg: float, longitude_deg: float | None) -> Grid | None:
        """Full-resolution cells around a place, kept for the next call; None if the place is far off."""
        means: Grid = self._cache["means"]
        x, y = means.map_coordinates(np.array([latitude_deg]), np.array([float(longitude_deg or 0.0)]))
        if not (np.isfinite(x[0]) and np.isfinite(y[0])):
            return None
        a, b, c, d, e, f = _inverse(self._affine)
        col, row = a * float(x[0]) + b * float(y[0]) + c, d * float(x[0]) + e * float(y[0]) + f
        half = WINDOW_CELLS // 2
        row, col = round(row / half) * half, round(col / half) * half
        top, left = max(0, row - WINDOW_CELLS), max(0, col - WINDOW_CELLS)
        bottom, right = min(self.shape[0], row + WINDOW_CELLS), min(self.shape[1], col + WINDOW_CELLS)
        if bottom - top < 2 or right - left < 2:
            return None
        key = (top, left, bottom, right)
        if self._cache.get("window_key") != key:
            self._cache["window"] = self._read(top, left, bottom - top, right - left, 1)
            self._cache["window_key"] = key
        window: Grid = self._cache["window"]
        return window

    def _read(self, top: int, left: int, rows: int, cols: int, step: int) -> Grid:
        """Read a part of the file as heights in metres, as block means of `step` cells."""
        from rasterio.enums import Resampling
        from rasterio.windows import Window

        size = (math.ceil(rows / step), math.ceil(cols / step))
        with _dataset(self.path) as data:
            method = Resampling.average if step > 1 else Resampling.nearest
            raw = data.read(
                1, window=Window(left, top, cols, rows), out_shape=size, masked=True, resampling=method
            )
        self._refuse_undeclared(raw, top, left, step)
        heights = np.ma.filled(raw.astype(np.float32), np.nan)
        heights = _in_metres(heights, self._scale, self._offset)
        self._check_heights(heights)
        across, down = cols / size[1], rows / size[0]
        a, b, c, d, e, f = self._affine
        origin = (a * left + b * top + c, d * left + e * top + f)
        inverse = _inverse((a * across, b * down, origin[0], d * across, e * down, origin[1]))
        inverse[[2, 5]] -= 0.5
        wrap = self.wrap and cols == self.shape[1]
        return Grid(heights, inverse, self.projection, self.resolution_m * step, wrap)

    def _refuse_undeclared(self, raw: np.ma.MaskedArray[Any, Any], top: int, left: int, step: int) -> None:
        """Refuse NaN or infinity among the heights that the file does not declare as no-data."""
        if raw.dtype.kind != "f":
            return
        wrong = ~np.isfinite(raw.data) & ~np.ma.getmaskarray(raw)
        if not np.any(wrong):
            return
        row, col = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(
            f"holds NaN or infinity in {int(np.count_nonzero(wrong))} cells that are not declared as no-data, the "
            f"first at row {top + int(row) * step}, column {left + int(col) * step}",
            where=str(self.path),
            advice="declare it ('gdal_translate -a_nodata nan') or fill these cells",
        )

    def _refuse_empty(self, heights: NDArray[np.float32]) -> None:
        if np.all(np.isnan(heights)):
            raise DataError(
                "has no height at all, every cell is no-data",
                where=str(self.path),
                advice="check its no-data tag and how it was cut out",
            )

    def _check_heights(self, heights: NDArray[np.float32]) -> None:
        """Refuse heights that the Moon does not have."""
        wrong = np.abs(heights) > HEIGHT_LIMIT_M
        if not np.any(wrong):
            return
        row, col = np.unravel_index(int(np.argmax(wrong)), heights.shape)
        raise DataError(
            f"height {heights[row, col]:.0f} m at row {row}, column {col} is not one of the Moon's",
            where=str(self.path),
            advice="if that value stands for no data, declare it ('gdal_translate -a_nodata VALUE'); heights are "
            "metres above the 1737.4 km sphere after the scale and offset tags",
        )


def _inverse(affine: tuple[float, ...]) -> NDArray[np.float64]:
    """Affine from map coordinates to cells, from the one that goes the other way."""
    a, b, c, d, e, f = affine
    area = a * e - b * d
    return np.array([e, -b, b * f - c * e, -d, a, c * d - a * f]) / area


@contextmanager
def _dataset(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a raster, with GDAL's complaints turned into one error that names the file."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if not isinstance(path, str | os.PathLike):
        raise InputError(f"a terrain file must be given by its path, not {path!r}", where="terrain")
    if not Path(path).is_file():
        raise DataError("there is no such terrain file", where=str(path), advice="check the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            warnings.simplefilter("ignore", PendingDeprecationWarning)  # rasterio's use of affine
            with rasterio.open(path) as data:
                yield data
    except (RasterioError, OSError) as error:
        reason = str(error).replace("\n", " ") or type(error).__name__
        cause = str(error.__cause__).replace("\n", " ") if error.__cause__ else ""
        raise DataError(
            f"cannot be read as a terrain raster ({cause or reason})",
            where=str(path),
            advice="it may be truncated or of another kind; fetch or export it again as GeoTIFF",
        ) from error


def _check_bands(data: Any, where: str) -> None:
    """Refuse pictures and stacks."""
    from rasterio.enums import ColorInterp

    extra = [i for i in data.colorinterp[1:] if i != ColorInterp.alpha]
    if data.count < 1 or extra:
        raise DataError(
            f"has {data.count} bands", where=where, advice="give a file with one band of heights in metres"
        )
    kind = np.dtype(data.dtypes[0])
    picture = kind.itemsize == 1 and data.scales[0] == 1.0
    if kind.kind not in "iuf" or picture:
        raise DataError(
            f"holds {kind.name} values, a picture rather than heights",
            where=where,
            advice="give a file with heights in metres",
        )


def _to_metres(data: Any, where: str) -> tuple[float, float]:
    """Scale and offset from stored numbers to metres."""
    unit = (data.units[0] or "").strip().lower()
    if unit not in _METRE | _KILOMETRE:
        raise DataError(f"its heights are in {unit!r}", where=where, advice="convert them to metres")
    factor = 1000.0 if unit in _KILOMETRE else 1.0
    scale, offset = float(data.scales[0]) * factor, float(data.offsets[0]) * factor
    if not (math.isfinite(scale) and math.isfinite(offset)) or scale == 0.0:
        raise DataError(
            f"its scale {scale} and offset {offset} tags are of no use", where=where, advice="correct the tags"
        )
    return scale, offset


def _in_metres(heights: NDArray[np.float32], scale: float, offset: float) -> NDArray[np.float32]:
    """Apply the tags, turn infinities into missing values and radii into heights."""
    low, high = RADIUS_RANGE_M
    if low <= offset <= high:
        offset -= MOON_RADIUS_M
    if scale != 1.0 or offset != 0.0:
        heights = (heights.astype(np.float64) * scale + offset).astype(np.float32)
    heights[~np.isfinite(heights)] = np.nan
    known = heights[~np.isnan(heights)]
    if known.size and known.min() >= low and known.max() <= high:
        heights = (heights.astype(np.float64) - MOON_RADIUS_M).astype(np.float32)
    return heights


def _check_place(path: object, crs: Any, bounds: tuple[float, ...], affine: Any) -> None:
    """Refuse a map that cannot lie on a sphere: latitudes beyond the poles, cells of no size."""
    if crs.is_geographic and (bounds[1] < -90.5 or bounds[3] > 90.5):
        raise DataError(
            f"its rows span {bounds[1]:g} to {bounds[3]:g} deg of latitude",
            where=str(path),
            advice="its coordinate reference system or its transform is wrong: check both",
        )
    least = 1e-9 if crs.is_geographic else 1e-4
    if min(math.hypot(affine.a, affine.d), math.hypot(affine.b, affine.e)) < least:
        raise DataError(
            "its cells have no size to speak of", where=str(path), advice="check the transform of the file"
        )


def _goes_round(projection: Projection, affine: Any, width: int) -> bool:
    """Whether the columns of an unrotated plate carrée file go once round the globe."""
    if projection.kind != PLATE or affine.b != 0.0 or affine.d != 0.0:
        return False
    return bool(abs(abs(affine.a) * width - projection.numbers[5]) < 0.01 * abs(affine.a))


def _crs_name(crs: Any) -> str:
    """Name of a system, or of its projection where the file gives none."""
    if crs.name.lower() not in ("unknown", "unnamed", ""):
        return str(crs.name)
    operation = crs.coordinate_operation
    return f"unnamed, {operation.method_name if operation else 'geographic'}"


def _unit_m(crs: Any) -> float:
    """Metres in a unit of the map's axes."""
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0


def _check_blocks(path: str | os.PathLike[str], data: Any) -> None:
    """Refuse a large GeoTIFF whose last blocks lie beyond the end of the file."""
    size = os.path.getsize(path)
    block_rows, block_cols = data.block_shapes[0]
    for row in range(math.ceil(data.height / block_rows)):
        for col in range(math.ceil(data.width / block_cols)):
            start = data.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=1)
            length = data.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1)
            if start and length and int(start) + int(length) > size:
                raise DataError(
                    "is truncated: some of its blocks lie beyond the end of the file",
                    where=str(path),
                    advice="fetch or copy it again",
                )
