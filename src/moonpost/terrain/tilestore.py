"""A map's folder: a Zarr group written tile by tile, resumed after a stop, never mixed with other inputs."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from moonpost.errors import InputError, OutputError
from moonpost.files import write_json

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MapArray", "MapLayout", "MapStore", "MemoryMaps", "Tile", "open_store"]

Tile = tuple[slice, slice]
"""Rows and columns of a tile of a map."""

_PRIVATE = ".moonpost"
_FORMAT = 1
_LEVEL = 3


@dataclass(frozen=True, eq=False)
class MapArray:
    """What an array of a map store holds.

    Parameters
    ----------
    name : str
        Its name.
    dims : tuple of str
        Its dimensions; the last two are ``"y"`` and ``"x"``.
    dtype : str
        Type of its numbers in the file.
    fill : float or int
        Number that stands where nothing has been written.
    attributes : mapping
        Units, long name and source; `scale_factor` and `_FillValue` where it is packed.
    chunk : mapping of str to int
        Lengths of its chunks along dimensions other than y and x, 1 where not named.

    Examples
    --------
    >>> MapArray("percent_lit", ("y", "x"), "float32", float("nan"), {"units": "1"}).dims
    ('y', 'x')
    """

    name: str
    dims: tuple[str, ...]
    dtype: str
    fill: float | int
    attributes: Mapping[str, Any]
    chunk: Mapping[str, int] = field(default_factory=dict)

    def with_attributes(self, more: Mapping[str, Any]) -> MapArray:
        """Add attributes.

        Parameters
        ----------
        more : mapping
            The attributes.

        Returns
        -------
        MapArray
            The same array with them.
        """
        return replace(self, attributes={**self.attributes, **more})


@dataclass(frozen=True, eq=False)
class MapLayout:
    """Arrays, coordinates and tiles of a map.

    Parameters
    ----------
    arrays : sequence of MapArray
        The arrays that are computed tile by tile.
    coords : mapping of str to tuple
        Coordinates: values and attributes by name, each along the dimension of its own name or scalar.
    tiles : sequence of Tile
        The tiles in the order in which they are computed.
    tile_cells : int
        Rows and columns of a whole tile.
    attributes : mapping
        Attributes of the data set: title, provenance and the like.

    Examples
    --------
    >>> layout = MapLayout([], {"y": (np.arange(3.0), {}), "x": (np.arange(2.0), {})}, [], 512, {})
    >>> layout.size("y")
    3
    """

    arrays: Sequence[MapArray]
    coords: Mapping[str, tuple[NDArray[Any], Mapping[str, Any]]]
    tiles: Sequence[Tile]
    tile_cells: int
    attributes: Mapping[str, Any]

    def size(self, dim: str) -> int:
        """Length of a dimension.

        Parameters
        ----------
        dim : str
            Name of the dimension.

        Returns
        -------
        int
            Number of its coordinates.
        """
        return int(np.size(self.coords[dim][0]))

    def shape(self, array: MapArray) -> tuple[int, ...]:
        """Shape of an array of the map.

        Parameters
        ----------
        array : MapArray
            The array.

        Returns
        -------
        tuple of int
            Lengths of its dimensions.
        """
        return tuple(self.size(dim) for dim in array.dims)

    def bytes(self) -> int:
        """Size of all arrays before compression [bytes].

        Returns
        -------
        int
            Bytes.
        """
        return sum(int(np.prod(self.shape(item))) * np.dtype(item.dtype).itemsize for item in self.arrays)


class MemoryMaps:
    """Maps kept in memory, filled tile by tile like a store.

    Parameters
    ----------
    layout : MapLayout
        What is to be filled.

    Examples
    --------
    >>> part = (slice(0, 2), slice(0, 2))
    >>> array = MapArray("a", ("y", "x"), "float32", np.nan, {})
    >>> coords = {"y": (np.arange(2.0), {}), "x": (np.arange(2.0), {})}
    >>> maps = MemoryMaps(MapLayout([array], coords, [part], 2, {}))
    >>> maps.write(part, {"a": np.ones((2, 2))})
    >>> float(maps.dataset()["a"].sum()), maps.pending()
    (4.0, [])
    """

    def __init__(self, layout: MapLayout) -> None:
        self.layout = layout
        self._values = {
            item.name: np.full(layout.shape(item), item.fill, dtype=item.dtype) for item in layout.arrays
        }
        self._open = {_name(tile): tile for tile in layout.tiles}

    def pending(self) -> list[Tile]:
        """Tiles that are still to be computed.

        Returns
        -------
        list of Tile
            In the layout's order.
        """
        return list(self._open.values())

    def write(self, tile: Tile, values: Mapping[str, NDArray[Any]]) -> None:
        """Take the values of a tile.

        Parameters
        ----------
        tile : Tile
            Its rows and columns.
        values : mapping of str to ndarray
            One array for each of the layout's.
        """
        for item in self.layout.arrays:
            self._values[item.name][(..., *tile)] = values[item.name]
        self._open.pop(_name(tile), None)

    def dataset(self) -> xr.Dataset:
        """Give the maps as a data set.

        Returns
        -------
        xarray.Dataset
            With packed arrays decoded as they are read.
        """
        import xarray as xr

        coords = {
            name: ((name,) if np.ndim(values) else (), values, dict(attributes))
            for name, (values, attributes) in self.layout.coords.items()
        }
        arrays = {
            item.name: (item.dims, self._values[item.name], dict(item.attributes)) for item in self.layout.arrays
        }
        raw = xr.Dataset(arrays, coords, dict(self.layout.attributes))
        return xr.decode_cf(raw, decode_times=False, decode_coords="all")


class MapStore:
    """A map's folder, for writing; `open_store` makes it and holds it for one run.

    Parameters
    ----------
    folder : pathlib.Path
        The Zarr group.

    Notes
    -----
    A tile counts as done when its marker is there, which is written after its chunks are on the disk and holds
    their sizes. A store holds no state in memory and can be sent to another process that sees the same folder.

    Examples
    --------
    >>> MapStore(Path("maps.zarr")).manifest
    Traceback (most recent call last):
    ...
    moonpost.errors.InputError: maps.zarr: is not a map of Moonpost; name the folder of one
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    @property
    def manifest(self) -> dict[str, Any]:
        """What the folder was started for.

        Returns
        -------
        dict
            The inputs, their digest, the tiles and the names of the arrays.
        """
        try:
            return dict(json.loads((self.folder / _PRIVATE / "manifest.json").read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise InputError(
                "is not a map of Moonpost", where=str(self.folder), advice="name the folder of one"
            ) from error

    @cached_property
    def _known(self) -> dict[str, Any]:
        return self.manifest

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        import zarr

        return {name: zarr.open_array(self.folder / name, mode="r+") for name in self._known["arrays"]}

    def tiles(self) -> list[Tile]:
        """All tiles of the map.

        Returns
        -------
        list of Tile
            In the order in which they are computed.
        """
        return [(slice(top, bottom), slice(left, right)) for top, bottom, left, right in self._known["tiles"]]

    def pending(self) -> list[Tile]:
        """Tiles that are still to be computed.

        Returns
        -------
        list of Tile
            Those without a marker, or with a chunk that is gone or has another size than it had.
        """
        return [tile for tile in self.tiles() if not self.done(tile)]

    def done(self, tile: Tile) -> bool:
        """Say whether a tile is complete on the disk.

        Parameters
        ----------
        tile : Tile
            Its rows and columns.

        Returns
        -------
        bool
            True if all its chunks are there.
        """
        try:
            sizes = json.loads(self._marker(tile).read_text(encoding="utf-8"))
            return all((self.folder / path).stat().st_size == size for path, size in sizes.items())
        except (OSError, ValueError, AttributeError):
            return False

    def write(self, tile: Tile, values: Mapping[str, NDArray[Any]]) -> None:
        """Write the values of a tile, then its marker.

        Parameters
        ----------
        tile : Tile
            Its rows and columns.
        values : mapping of str to ndarray
            One array for each of the store's.

        Raises
        ------
        OutputError
            If the folder cannot be written; tiles done before are kept.
        """
        sizes: dict[str, int] = {}
        try:
            for name, array in self._arrays.items():
                array[(..., *tile)] = values[name]
                for path in self._chunks(name, tile):
                    sizes[str(path.relative_to(self.folder))] = _flushed(path)
            write_json(self._marker(tile), sizes)
        except OSError as error:
            raise _full(self.folder, error) from error
        except OutputError as error:
            raise OutputError(error.what, where=str(self.folder), advice=_KEPT) from error

    def dataset(self) -> xr.Dataset:
        """Open the maps, read from the disk as they are needed.

        Returns
        -------
        xarray.Dataset
            With packed arrays decoded as they are read.
        """
        import xarray as xr

        found = xr.open_dataset(
            self.folder, engine="zarr", chunks=None, consolidated=True, decode_times=False, decode_coords="all"
        )
        words = {
            str(name): (item.dims, np.array(item.values.tolist(), dtype=str), item.attrs)
            for name, item in found.coords.items()
            if item.dtype.kind == "T"
        }
        return found.assign_coords(words)

    def _marker(self, tile: Tile) -> Path:
        return self.folder / _PRIVATE / "tiles" / f"{_name(tile)}.json"

    def _chunks(self, name: str, tile: Tile) -> list[Path]:
        """Paths of the chunks that a tile fills."""
        array = self._arrays[name]
        leading = [
            range(-(-size // chunk)) for size, chunk in zip(array.shape[:-2], array.chunks[:-2], strict=True)
        ]
        step = array.chunks[-1]
        last = (tile[0].start // step, tile[1].start // step)
        places = [(*first, *last) for first in np.ndindex(*(len(item) for item in leading))]
        return [self.folder.joinpath(name, "c", *map(str, place)) for place in places]


_KEPT = "what is done is kept: make room or correct the rights, and the same command goes on from there"


@contextlib.contextmanager
def open_store(
    folder: str | os.PathLike[str], layout: MapLayout, inputs: Mapping[str, Any], *, fresh: bool = False
) -> Iterator[MapStore]:
    """Hold a map's folder for this run, new or to be gone on with.

    Parameters
    ----------
    folder : path-like
        The folder. It may exist if it is empty or holds the same map, done or half done.
    layout : MapLayout
        Arrays, coordinates and tiles.
    inputs : mapping
        All that the map depends on, as plain data; a folder made for other inputs is refused.
    fresh : bool, default False
        Whether to throw away what an earlier run left there.

    Yields
    ------
    MapStore
        To be filled.

    Raises
    ------
    InputError
        If the folder holds a map of other inputs.
    OutputError
        If it cannot be written, holds something else, or another run is writing it.
    """
    path = Path(folder)
    try:
        _check_target(path)
        (path / _PRIVATE).mkdir(parents=True, exist_ok=True)
        with _lock(path):
            if fresh or not (path / _PRIVATE / "manifest.json").exists():
                _clear(path)
                _create(path, layout, inputs)
            else:
                _compare(path, inputs)
                _sweep(path)
            yield MapStore(path.absolute())
    except OSError as error:
        raise _full(path, error) from error


def stored_tile_cells(folder: str | os.PathLike[str], inputs: Mapping[str, Any]) -> int | None:
    """Size of the tiles of a map that was started for these inputs, None if there is none."""
    try:
        known = MapStore(Path(folder)).manifest
    except InputError:
        return None
    return int(known["tile_cells"]) if known.get("digest") == _digest(inputs) else None


def _full(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write: {error.strerror or error}", where=str(path), advice=_KEPT)


def _name(tile: Tile) -> str:
    return f"{tile[0].start}-{tile[1].start}"


def _digest(inputs: Mapping[str, Any]) -> str:
    text = json.dumps(inputs, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _flushed(path: Path) -> int:
    """Flush a file to the disk, so that a marker cannot outlive its chunks; its size."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _check_target(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise OutputError("is a file, not a folder", where=str(path), advice="name another folder")
    if path.is_dir() and any(path.iterdir()) and not (path / _PRIVATE).is_dir():
        raise OutputError(
            "is a folder that holds something else than a map", where=str(path), advice="name another folder"
        )


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the folder for this process alone."""
    descriptor = os.open(path / _PRIVATE / "lock", os.O_CREAT | os.O_RDWR)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                "another run is writing this map", where=str(path), advice="wait for it or name another folder"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _clear(path: Path) -> None:
    """Remove a map's own files; the manifest goes first, so that a stop here leaves no half map that counts."""
    (path / _PRIVATE / "manifest.json").unlink(missing_ok=True)
    shutil.rmtree(path / _PRIVATE / "tiles", ignore_errors=True)
    for item in path.iterdir():
        if item.is_dir() and (item / "zarr.json").exists():
            shutil.rmtree(item)
    (path / "zarr.json").unlink(missing_ok=True)
    _sweep(path)


def _sweep(path: Path) -> None:
    """Remove half-written files that a killed run left."""
    for pattern in ("*.partial", ".*.part.json"):
        for item in path.rglob(pattern):
            item.unlink(missing_ok=True)


def _create(path: Path, layout: MapLayout, inputs: Mapping[str, Any]) -> None:
    """Make the empty arrays; the manifest comes last."""
    import zarr
    from zarr.codecs import ZstdCodec

    group = zarr.create_group(path, zarr_format=3, attributes=dict(layout.attributes))
    for name, (values, attributes) in layout.coords.items():
        data = np.asarray(values)
        if data.dtype.kind == "U":
            data = data.astype(np.dtypes.StringDType())
        group.create_array(
            name,
            data=data,
            attributes=dict(attributes),
            dimension_names=(name,) if data.ndim else (),
            chunks=data.shape,
        )
    for item in layout.arrays:
        leading = [min(item.chunk.get(dim, 1), layout.size(dim)) for dim in item.dims[:-2]]
        group.create_array(
            item.name,
            shape=layout.shape(item),
            chunks=(*leading, layout.tile_cells, layout.tile_cells),
            dtype=item.dtype,
            fill_value=item.fill,
            compressors=ZstdCodec(level=_LEVEL),
            attributes=dict(item.attributes),
            dimension_names=item.dims,
            config={"write_empty_chunks": True},
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path, zarr_format=3)
    tiles = [[rows.start, rows.stop, cols.start, cols.stop] for rows, cols in layout.tiles]
    manifest = {
        "format": _FORMAT,
        "digest": _digest(inputs),
        "inputs": inputs,
        "tile_cells": layout.tile_cells,
        "tiles": tiles,
        "arrays": [item.name for item in layout.arrays],
    }
    write_json(path / _PRIVATE / "manifest.json", manifest)


def _compare(path: Path, inputs: Mapping[str, Any]) -> None:
    """Refuse a folder that was made for other inputs, saying what differs."""
    known = MapStore(path).manifest
    if known.get("format") == _FORMAT and known.get("digest") == _digest(inputs):
        return
    old, new = _flat(known.get("inputs", {})), _flat(json.loads(json.dumps(inputs)))
    differing = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    told = "; ".join(f"{key} is {_short(old.get(key))} there, {_short(new.get(key))} now" for key in differing[:3])
    more = f"; and {len(differing) - 3} more" if len(differing) > 3 else ""
    raise InputError(
        f"holds a map of other inputs ({told or 'another format'}{more})",
        where=str(path),
        advice="give another --out, or --fresh to start it anew",
    )


def _flat(value: Any, key: str = "") -> dict[str, Any]:
    """Nested plain data as one dict with dotted keys; lists of numbers stay whole."""
    if isinstance(value, Mapping):
        parts = [_flat(item, f"{key}.{name}" if key else str(name)) for name, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        parts = [_flat(item, f"{key}[{i}]") for i, item in enumerate(value)]
    else:
        return {key: value}
    return {name: item for part in parts for name, item in part.items()}


def _short(value: Any) -> str:
    text = "not given" if value is None else json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
