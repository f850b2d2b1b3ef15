"""Horizons of the area of a traverse at the azimuths that count only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moonpost.terrain.tilehorizon import NO_HEIGHT, TileHorizons

__all__ = ["some_horizons"]

Floats = NDArray[np.float64]
_NO_SKY = 9000


@dataclass(frozen=True, eq=False)
class _SomeAzimuths(TileHorizons):
    """Horizons along some azimuths only, growing and next to each other."""

    angles_rad: Floats

    @property
    def azimuths_rad(self) -> Floats:
        """Map azimuths [rad]."""
        return self.angles_rad


def some_horizons(
    source: TileHorizons, mast_m: float, kept: NDArray[np.intp], tell: Callable[[float], None]
) -> NDArray[np.int16]:
    """Work out the horizons of all cells at some azimuths.

    Parameters
    ----------
    source : TileHorizons
        The map, ready for any mast.
    mast_m : float
        Height of the eyes above the ground [m].
    kept : ndarray of int, shape (n,)
        Numbers of the azimuths, growing.
    tell : callable
        Called with the share that is done.

    Returns
    -------
    ndarray of int16, shape (cells, n)
        Elevations in hundredths of a degree; 90 degrees where a cell has no height.

    Examples
    --------
    >>> from moonpost.terrain import Terrain
    >>> from moonpost.terrain.area import MapArea
    >>> area = MapArea.about(-89.0, 0.0, 16e3, cell_m=1600.0)
    >>> source = TileHorizons.prepare(Terrain.default("south"), area, (2.0,), 36)
    >>> whole = source.horizons(slice(0, 10), slice(0, 10))
    >>> some = some_horizons(source, 2.0, np.array([3, 4, 20]), lambda _: None)
    >>> bool(np.abs(some.T.reshape(3, 10, 10) - whole[0, [3, 4, 20]]).max() <= 1)
    True
    """
    rows, cols = source.area.shape
    out = np.empty((rows, cols, kept.size), dtype=np.int16)
    runs = np.split(np.arange(kept.size), np.flatnonzero(np.diff(kept) > 1) + 1)
    done, whole = 0, len(source.tiles) * kept.size
    for run in runs:
        angles = source.azimuths_rad[kept[run]]
        some = _SomeAzimuths(
            source.ground, (mast_m,), run.size, source.tile_cells, source.device, source.quality, angles
        )
        for place in some.tiles:
            for part, block in some.blocks(*place):
                out[(*place, run[part])] = np.moveaxis(block[0], 0, -1)
                done += block.shape[1]
                tell(done / whole)
    out[out == NO_HEIGHT] = _NO_SKY
    return out.reshape(rows * cols, kept.size)
