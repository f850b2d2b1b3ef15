"""Maps put together: horizons of each tile once, all groups of maps from them, into memory or a folder."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError
from moonpost.terrain.area import MapArea
from moonpost.terrain.mapgroups import MapGroup
from moonpost.terrain.surface import Terrain
from moonpost.terrain.tilerun import Progress, code_digest, run_tiles
from moonpost.terrain.tilestore import MapLayout, MemoryMaps, Tile, open_store, stored_tile_cells

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["HorizonSource", "TileMaps", "build_maps", "tiles_of"]

_TILES = (512, 256, 128, 64)
_HORIZON_BYTES = 3_600_000_000
_MEMORY_BYTES = 2_000_000_000


class HorizonSource(Protocol):
    """What gives the horizons of tiles, as `TileHorizons` does."""

    def horizons(self, rows: slice, cols: slice) -> NDArray[np.int16]:
        """Horizons of a tile, shape (masts, azimuths, rows, cols) [0.01 deg]."""

    def record(self) -> dict[str, Any]:
        """How they are computed, as plain data."""


@dataclass(frozen=True, eq=False)
class TileMaps:
    """Computes all maps of a tile; can be sent to another process.

    Parameters
    ----------
    source : HorizonSource
        Gives the horizons.
    groups : sequence of MapGroup
        Maps made from them.

    Examples
    --------
    >>> TileMaps(None, [])(slice(0, 1), slice(0, 1))
    {}
    """

    source: HorizonSource | None
    groups: Sequence[MapGroup]

    def __call__(self, rows: slice, cols: slice) -> dict[str, NDArray[Any]]:
        """Compute the maps of a tile.

        Parameters
        ----------
        rows, cols : slice
            The tile.

        Returns
        -------
        dict of ndarray
            By name of the array.
        """
        horizons: Any = self.source.horizons(rows, cols) if self.source is not None else None
        found: dict[str, NDArray[Any]] = {}
        for group in self.groups:
            found.update(group.tile(rows, cols, horizons))
        return found


def build_maps(
    terrain: Terrain,
    area: MapArea,
    groups: Sequence[MapGroup],
    *,
    title: str,
    mast_m: tuple[float, ...],
    azimuths: int,
    out: str | os.PathLike[str] | None,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    fresh: bool = False,
    source: HorizonSource | None = None,
) -> xr.Dataset:
    """Compute groups of maps of an area.

    Parameters
    ----------
    terrain : Terrain
        Nested terrain files.
    area : MapArea
        The map.
    groups : sequence of MapGroup
        The maps.
    title : str
        Title of the data set.
    mast_m : tuple of float
        Heights of the eyes above ground [m], from `checked_masts`.
    azimuths : int
        Azimuths of the horizons, from `checked_azimuths`.
    out : path-like, optional
        Folder of the Zarr group; in memory if not given.
    workers, scheduler, progress
        As for `run_tiles`.
    device : {"auto", "cpu", "gpu"}
        Where horizons are computed.
    fresh : bool
        Whether to throw away what an earlier run left in the folder.
    source : HorizonSource, optional
        What gives the horizons; `TileHorizons` if not given.

    Returns
    -------
    xarray.Dataset
        The maps; read from the folder as they are needed if there is one.

    Raises
    ------
    InputError
        If an argument is of no use, the maps do not fit into memory, or the folder holds other maps.
    OutputError
        If the folder cannot be written.
    """
    needed = any(group.needs_horizons for group in groups)
    made = source
    if needed and made is None:
        made = _horizons(terrain, area, mast_m, azimuths, device)
    inputs = json.loads(json.dumps(_inputs(terrain, area, groups, mast_m, azimuths, made)))
    cells = (stored_tile_cells(out, inputs) if out is not None and not fresh else None) or _tile_cells(
        len(mast_m), azimuths, 1 if scheduler else workers
    )
    layout = _layout(terrain, area, groups, mast_m, cells, title, made)
    compute = TileMaps(made, groups)
    if out is None:
        if layout.bytes() > _MEMORY_BYTES:
            raise InputError(
                f"the maps take {layout.bytes() / 1e9:.1f} GB",
                where="out",
                advice="give a folder to write them to",
            )
        memory = MemoryMaps(layout)
        run_tiles(compute, memory, len(layout.tiles), workers=workers, scheduler=scheduler, progress=progress)
        return memory.dataset()
    with open_store(out, layout, inputs, fresh=fresh) as store:
        run_tiles(compute, store, len(layout.tiles), workers=workers, scheduler=scheduler, progress=progress)
        return store.dataset()


def checked_masts(mast_m: Sequence[float]) -> tuple[float, ...]:
    """Heights of masts, checked."""
    try:
        masts = tuple(float(mast) for mast in np.atleast_1d(np.asarray(mast_m, dtype=np.float64)))
    except (TypeError, ValueError) as error:
        raise InputError(f"{mast_m!r}", where="mast_m", advice="give heights in metres") from error
    if not masts or len(set(masts)) < len(masts) or not all(math.isfinite(m) and 0.0 <= m <= 1e4 for m in masts):
        raise InputError(
            f"masts of {mast_m!r} m", where="mast_m", advice="give different heights from 0 to 10,000 m"
        )
    return masts


def checked_azimuths(azimuths: int) -> int:
    """Number of azimuths, checked."""
    if isinstance(azimuths, bool) or not isinstance(azimuths, int | np.integer) or not 4 <= azimuths <= 36_000:
        raise InputError(f"{azimuths!r} azimuths", where="azimuths", advice="give a whole number from 4 to 36,000")
    return int(azimuths)


def _horizons(
    terrain: Terrain, area: MapArea, masts: tuple[float, ...], azimuths: int, device: Literal["auto", "cpu", "gpu"]
) -> HorizonSource:
    from moonpost.terrain.tilehorizon import TileHorizons

    return TileHorizons.prepare(terrain, area, masts, azimuths, device=device)


def _tile_cells(masts: int, azimuths: int, workers: int) -> int:
    """Rows and columns of a tile such that the horizons of all tiles at work fit into 3.6 GB."""
    for cells in _TILES:
        if 2 * masts * azimuths * cells**2 * workers <= _HORIZON_BYTES:
            return cells
    return _TILES[-1]


def tiles_of(shape: tuple[int, int], cells: int) -> list[Tile]:
    """Cut a map into tiles.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the map.
    cells : int
        Rows and columns of a whole tile.

    Returns
    -------
    list of Tile
        Row by row.

    Examples
    --------
    >>> [(rows.stop, cols.stop) for rows, cols in tiles_of((3, 5), 4)]
    [(3, 4), (3, 5)]
    """
    rows, cols = shape
    return [
        (slice(top, min(top + cells, rows)), slice(left, min(left + cells, cols)))
        for top in range(0, rows, cells)
        for left in range(0, cols, cells)
    ]


def _inputs(
    terrain: Terrain,
    area: MapArea,
    groups: Sequence[MapGroup],
    masts: tuple[float, ...],
    azimuths: int,
    source: HorizonSource | None,
) -> dict[str, Any]:
    """All that the maps depend on, as plain data."""
    found: dict[str, Any] = {
        "area": area.record(),
        "terrain": terrain.provenance(),
        "software": _software(),
        "maps": [item.name for group in groups for item in group.arrays()],
    }
    if source is not None:
        found |= {"mast_m": list(masts), "azimuths": azimuths, "horizons": source.record()}
    for group in groups:
        found.update(group.inputs())
    return found


def _software() -> dict[str, str]:
    """Versions, and a digest of this room's own code, so that a map never mixes the work of two programs."""
    from importlib.metadata import version

    return {**{name: version(name) for name in ("moonpost", "numba", "numpy")}, "code": code_digest()}


def _layout(
    terrain: Terrain,
    area: MapArea,
    groups: Sequence[MapGroup],
    masts: tuple[float, ...],
    cells: int,
    title: str,
    source: HorizonSource | None,
) -> MapLayout:
    grid = {"crs_wkt": area.wkt, "transform": list(area.transform), "grid_mapping": "spatial_ref"}
    arrays = [item.with_attributes(grid) for group in groups for item in group.arrays()]
    coords: dict[str, Any] = {
        "mast": (np.array(masts), {"units": "m", "long_name": "height of the eye above the ground"}),
        "y": (area.y_m, {"units": "m", "standard_name": "projection_y_coordinate"}),
        "x": (area.x_m, {"units": "m", "standard_name": "projection_x_coordinate"}),
        "spatial_ref": (np.array(0), {**_grid_mapping(area), "long_name": "coordinate reference system"}),
    }
    for group in groups:
        coords.update(group.coords())
    attributes = _attributes(terrain, area, groups, title, source)
    return MapLayout(arrays, coords, tiles_of(area.shape, cells), cells, attributes)


def _grid_mapping(area: MapArea) -> dict[str, Any]:
    a, b, c, d, e, f = area.transform
    numbers = " ".join(str(value) for value in (c, a, b, f, d, e))
    return {"crs_wkt": area.wkt, "spatial_ref": area.wkt, "GeoTransform": numbers}


def _attributes(
    terrain: Terrain, area: MapArea, groups: Sequence[MapGroup], title: str, source: HorizonSource | None
) -> dict[str, Any]:
    """Where the maps come from and, if they rest on horizons, what they are good for."""
    record = source.record() if source is not None else {}
    graded = {"grade": record["grade"], "limits": "; ".join(record["limits"])} if "grade" in record else {}
    files = [
        {key: row[key] for key in ("name", "resolution_m", "sha256", "source")} for row in terrain.provenance()
    ]
    kernels: dict[str, str] = {}
    for group in groups:
        for part in group.inputs().values():
            kernels.update({row["name"]: row["sha256"] for row in part.get("kernels", ())})
    return {
        "title": title,
        "Conventions": "CF-1.11",
        "source": f"moonpost {_software()['moonpost']}",
        **graded,
        "terrain": json.dumps(files),
        "kernels": json.dumps(kernels),
        "crs_wkt": area.wkt,
        "transform": list(area.transform),
    }
