"""Horizons of a tile of a map on the graphics card, from what `moonpost.terrain.tileplan` prepares."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.terrain.gpu import Relief
from moonpost.terrain.gpucard import card, kernel

if TYPE_CHECKING:
    from moonpost.terrain.tileplan import FarView, Tile

__all__ = ["TileSight", "tile_blocks"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Shorts = NDArray[np.int16]
Aims = Callable[[Floats], Sequence[tuple[Floats, Singles]]]

_PLANE_M = 1e13
_NOTHING = np.float32(-1e3)
_FILE = "tile.cu"
_THREADS = 128
_RESULT_BYTES = 256_000_000


def _there(values: Any, dtype: type) -> Any:
    """An array on the card, row after row as the kernels read it."""
    return card().ascontiguousarray(card().asarray(values, dtype=dtype))


class _Far:
    """One far level of a tile on the card."""

    def __init__(self, view: FarView) -> None:
        level = view.level
        self.relief = Relief(view.ground_m, level.cell_m, radius_m=_PLANE_M, datum_m=0.0)
        self.window, self.observers_m = view.window, view.observers_m
        self.nearest_m, self.farthest_m = level.nearest_m - level.cell_m, level.farthest_m
        self.corner = _there(view.corner, np.int32)
        self.part = _there(view.part, np.float32)
        self.below = _there(view.below, np.int8)
        self.share = _there(view.share, np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the window."""
        row0, row1, col0, col1 = self.window
        return row1 - row0, col1 - col0

    def slopes(self, angles_rad: Floats) -> Any:
        """Slopes of the horizon on the chart, (heights, azimuths, rows, cols)."""
        slopes = card().empty((len(self.observers_m), angles_rad.size, *self.shape), dtype=np.float32)
        for observer_m, out in zip(self.observers_m, slopes, strict=True):
            self.relief.horizon_window(
                angles_rad,
                self.window,
                observer_m=observer_m,
                min_distance_m=self.nearest_m,
                max_distance_m=self.farthest_m,
                out=out,
            )
        _over("slopes", slopes)
        return slopes


def _over(name: str, values: Any) -> None:
    """Run a kernel over all elements of an array, in place."""
    kernel(name, _FILE)((-(-values.size // 256),), (256,), (values, np.int64(values.size)))


def _fetched(values: Any) -> Shorts:
    """An array in memory that the card writes to directly, which is several times as fast."""
    memory = card().cuda.alloc_pinned_memory(values.nbytes)
    result: Shorts = np.frombuffer(memory, np.int16, values.size).reshape(values.shape)
    values.get(out=result)
    return result


class TileSight:
    """The ground of one tile on the graphics card, ready for horizons of its cells.

    Parameters
    ----------
    tile : Tile
        What the tile's horizons are computed from, the same as for the processor.
    near_m : float
        Distance out to which the map's own cells raise horizons [m].
    spacing : int
        Cells from a point of the tile's lattice to the next.

    Raises
    ------
    InputError
        If the ground cannot be used.
    MissingExtraError
        If there is no CuPy or no card.

    Examples
    --------
    See `tile_blocks`.
    """

    def __init__(self, tile: Tile, *, near_m: float, spacing: int) -> None:
        self.shape: tuple[int, int] = tile.missing.shape
        self._window, self._near_m, self._spacing = tile.window, near_m, spacing
        self._near = Relief(tile.heights_m, tile.pixel_m, datum_m=0.0)
        self._views = [_Far(view) for view in tile.views]
        self._first, self._lattice = tile.first, tile.lattice
        names = ("above_m", "nodes_m", "stretch", "eyes_m", "place", "turn")
        self._arrays = {name: _there(getattr(tile, name), np.float32) for name in names}
        self._missing = _there(tile.missing, np.uint8)

    def far(self, azimuths: int, aims: Sequence[tuple[Floats, Singles]]) -> Any:
        """Horizon of all that lies beyond the map's own cells, left on the card.

        Parameters
        ----------
        azimuths : int
            Number of azimuths.
        aims : sequence of tuple
            For each far level the angles on its chart [rad] and the rows that
            `moonpost.terrain.tilekernels.raise_lattice` takes.

        Returns
        -------
        cupy.ndarray of float32, shape (azimuths, 3, lattice rows, lattice cols)
            Elevations [rad] for three heights over the lattice.

        Examples
        --------
        See `tile_blocks`.
        """
        cupy = card()
        eyes, points = self._arrays["eyes_m"].shape
        best = cupy.full((azimuths, eyes, points), _NOTHING, dtype=cupy.float32)
        for view, (angles, aim) in zip(self._views, aims, strict=True):
            slopes = view.slopes(angles)
            kernel("raise_lattice", _FILE)(
                (-(-points // _THREADS), azimuths),
                (_THREADS,),
                (
                    slopes,
                    *map(np.int32, (azimuths, math.prod(view.shape), view.shape[1])),
                    *(view.corner, view.part, view.below, view.share),
                    *(self._arrays[name] for name in ("eyes_m", "place", "turn")),
                    _there(aim, np.float32),
                    *map(np.int32, (eyes, points)),
                    best,
                ),
            )
        _over("bend", best)
        return best.reshape(azimuths, eyes, *self._lattice)

    def near(self, azimuths_rad: Floats, masts_m: Sequence[float]) -> Any:
        """Horizon of the map's own cells, left on the card.

        Parameters
        ----------
        azimuths_rad : ndarray, shape (azimuths,)
            Map azimuths [rad].
        masts_m : sequence of float
            Heights of the eyes above the ground [m].

        Returns
        -------
        cupy.ndarray of float32, shape (masts, azimuths, rows, cols)
            Elevations [rad].

        Examples
        --------
        See `tile_blocks`.
        """
        found = card().empty((len(masts_m), azimuths_rad.size, *self.shape), dtype=np.float32)
        for mast_m, out in zip(masts_m, found, strict=True):
            self._near.horizon_window(
                azimuths_rad, self._window, observer_m=mast_m, max_distance_m=self._near_m, out=out
            )
        return found

    def join(self, near: Any, far: Any, masts_m: Sequence[float], dips_rad: Sequence[float]) -> Any:
        """Join near and far horizons, as `moonpost.terrain.tilekernels.combine` does, on the card.

        Parameters
        ----------
        near, far : cupy.ndarray
            From `near` and `far`.
        masts_m : sequence of float
            Heights of the eyes above the ground [m].
        dips_rad : sequence of float
            Horizons where there is no ground at all [rad].

        Returns
        -------
        cupy.ndarray of int16, shape (masts, azimuths, rows, cols)
            Hundredths of a degree; -32768 where there is no height.

        Examples
        --------
        See `tile_blocks`.
        """
        cupy = card()
        masts, azimuths, rows, cols = near.shape
        result = cupy.empty(near.shape, dtype=cupy.int16)
        counts = (masts, azimuths, rows, cols, *self._lattice, self._spacing, *self._first)
        kernel("combine", _FILE)(
            (-(-cols // _THREADS), rows, azimuths),
            (_THREADS,),
            (
                *(near, far),
                *map(np.int32, counts),
                self._arrays["above_m"],
                _there(masts_m, np.float32),
                *(self._arrays[name] for name in ("nodes_m", "stretch")),
                self._missing,
                _there(dips_rad, np.float32),
                result,
            ),
        )
        return result

    def at_once(self, masts: int) -> int:
        """How many azimuths are computed at a time, within about 1 GB of the card's memory.

        Parameters
        ----------
        masts : int
            Number of heights of the eyes.

        Returns
        -------
        int
            At least one.

        Examples
        --------
        See `tile_blocks`.
        """
        return max(1, _RESULT_BYTES // (2 * masts * math.prod(self.shape)))


def tile_blocks(
    tile: Tile,
    azimuths_rad: Floats,
    masts_m: Sequence[float],
    *,
    near_m: float,
    spacing: int,
    dips_rad: Sequence[float],
    aims: Aims,
) -> Iterator[tuple[slice, Shorts]]:
    """Horizons of the cells of a tile, computed on the graphics card, some azimuths at a time.

    Parameters
    ----------
    tile : Tile
        What the tile's horizons are computed from, the same as for the processor.
    azimuths_rad : ndarray, shape (azimuths,)
        Map azimuths [rad], growing.
    masts_m : sequence of float
        Heights of the eyes above the ground [m].
    near_m : float
        Distance out to which the map's own cells raise horizons [m].
    spacing : int
        Cells from a point of the tile's lattice to the next.
    dips_rad : sequence of float
        Horizons where there is no ground at all, one for each mast [rad].
    aims : callable
        From map azimuths [rad], for each far level the angles on its chart [rad] and the rows that
        `moonpost.terrain.tilekernels.raise_lattice` takes.

    Yields
    ------
    slice, ndarray of int16, shape (masts, azimuths, rows, cols)
        Which azimuths, and their horizons in hundredths of a degree; -32768 where a cell has no height.

    Raises
    ------
    InputError
        If there is no azimuth or no mast.
    MissingExtraError
        If there is no CuPy or no card.

    Notes
    -----
    The steps, samples of terrain and formulas are those of the processor. Its marches of levels differ in which
    samples of a ray they look at, within the error that is stated for either.

    Examples
    --------
    >>> from moonpost.terrain.gpu import available
    >>> available() in (True, False)
    True
    """
    if azimuths_rad.size == 0 or len(masts_m) == 0 or len(dips_rad) != len(masts_m):
        advice = "give at least one of each, and a dip for each mast"
        raise InputError("no azimuth or no mast", where="azimuths_rad, masts_m", advice=advice)
    sight = TileSight(tile, near_m=near_m, spacing=spacing)
    count = -(-azimuths_rad.size // sight.at_once(len(masts_m)))
    for part in np.array_split(np.arange(azimuths_rad.size), count):
        chosen = slice(int(part[0]), int(part[-1]) + 1)
        angles = azimuths_rad[chosen]
        far = sight.far(angles.size, aims(angles))
        joined = sight.join(sight.near(angles, masts_m), far, masts_m, dips_rad)
        yield chosen, _fetched(joined)
