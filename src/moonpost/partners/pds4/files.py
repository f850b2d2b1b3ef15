"""Results of Moonpost as PDS4 products: maps from GeoTIFF, series from NetCDF, tables from CSV."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.files import digest
from moonpost.partners.pds4.parts import ArrayPart, TablePart

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Content", "array_parts", "read_content", "table_part"]

_MOST_SHOWN = 40
_PERIOD = re.compile(r"from (\d{4}-\d\d-\d\dT[\d:.]+Z?) to (\d{4}-\d\d-\d\dT[\d:.]+Z?)")
_PLAIN = re.compile(r"[-+]?\d{1,18}")
_REAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan", re.IGNORECASE)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?")


@dataclass(frozen=True)
class Content:
    """What a file holds, ready to be written as a product.

    Parameters
    ----------
    parts : tuple of ArrayPart, or TablePart
        The arrays or the table.
    start, stop : str
        First and last instant of the data, UTC; empty if the file does not tell.
    title : str
        What it is; empty if the file does not tell.
    sources : tuple of str
        The file's name with its SHA-256, and what it says it was made from.
    """

    parts: tuple[ArrayPart, ...] | TablePart
    start: str
    stop: str
    title: str
    sources: tuple[str, ...]


def read_content(
    path: str | os.PathLike[str],
    variables: Sequence[str] = (),
    form: Literal["binary", "delimited"] = "binary",
) -> Content:
    r"""Read a file that is to become a product.

    Parameters
    ----------
    path : path-like
        A GeoTIFF of maps (``.tif``), a NetCDF file of series over time or of arrays without time, such as horizons
        (``.nc``), or a table (``.csv`` with a head).
    variables : sequence of str
        Which maps, series or columns; all if empty.
    form : {"binary", "delimited"}
        How tables are to be written.

    Returns
    -------
    Content

    Raises
    ------
    DataError
        If the file cannot be read or is of no such kind.
    UnknownNameError
        If it has no such variable.
    InputError
        If it holds values that cannot be stored.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "load.csv"
    ...     _ = path.write_text("time,load_w\n2030-01-01T00:00Z,5.5\n2030-01-01T01:00Z,\n")
    ...     found = read_content(path)
    >>> found.start, found.parts.records
    ('2030-01-01T00:00:00.000Z', 2)
    """
    place = Path(path)
    if not place.is_file():
        raise DataError("is no file", where=str(place), advice="check the path of the data")
    readers = {".tif": _maps, ".tiff": _maps, ".nc": _series, ".csv": _columns}
    reader = readers.get(place.suffix.lower())
    if reader is None:
        raise DataError(
            f"files of the kind {place.suffix or 'without a suffix'} are not read",
            where=str(place),
            advice=f"give one of {', '.join(sorted(readers))}",
        )
    parts, when, title, source = reader(place, variables, form)
    sources = (f"{place.name}, SHA-256 {digest(place)}", *([source] if source else []))
    return Content(parts, *when, title, sources)


def array_parts(maps: xr.Dataset, variables: Sequence[str] = ()) -> tuple[ArrayPart, ...]:
    """Maps as arrays with their grid told in words.

    Parameters
    ----------
    maps : xarray.Dataset
        Maps with the dimensions ``y`` and ``x``, and at most one more before them.
    variables : sequence of str
        Which; all if empty.

    Returns
    -------
    tuple of ArrayPart
        An ``Array_2D_Map`` for each; with a further dimension of more than one value an ``Array_3D``.

    Raises
    ------
    UnknownNameError
        If there is no such map.
    InputError
        If there is none with ``y`` and ``x``.

    Examples
    --------
    >>> from moonpost.terrain import MapArea
    >>> area = MapArea.about(-90.0, 0.0, 300.0, cell_m=100.0)
    >>> light = area.array(np.ones(area.shape), name="light", units="1", long_name="light", source="example")
    >>> [part.tag for part in array_parts(light.to_dataset())]
    ['Array_2D_Map']
    """
    names = _chosen([str(name) for name in maps.data_vars], variables, "map")
    parts = tuple(_map(maps[name]) for name in names if maps[name].dims[-2:] == ("y", "x"))
    if not parts:
        raise InputError("holds no map", where="maps", advice="give maps with the dimensions y and x")
    return parts


def table_part(
    series: xr.Dataset, variables: Sequence[str] = (), form: Literal["binary", "delimited"] = "binary"
) -> TablePart:
    """Series over time as a table, a column for each bus, machine or mast.

    Parameters
    ----------
    series : xarray.Dataset
        With the dimension ``time``.
    variables : sequence of str
        Which; all that go over time if empty.
    form : {"binary", "delimited"}
        How it is to be written.

    Returns
    -------
    TablePart
        The first column is ``time``.

    Raises
    ------
    UnknownNameError
        If there is no such series.
    InputError
        If nothing goes over time.

    Examples
    --------
    >>> import xarray as xr
    >>> hours = np.array(["2030-01-01T00", "2030-01-01T01"], dtype="datetime64[ns]")
    >>> data = xr.Dataset({"load_w": ("time", [1.0, 2.0], {"units": "W"})}, coords={"time": hours})
    >>> list(table_part(data).columns)
    ['time', 'load_w']
    """
    if "time" not in series.coords:
        raise InputError("has no coordinate time", where="series", advice="give series over time")
    over = [str(name) for name in series.data_vars if "time" in series[name].dims]
    columns: dict[str, Any] = {"time": series["time"].values}
    units, words = {}, {"time": "UTC"}
    for name in _chosen(over, variables, "series"):
        values = series[name]
        for label, column in _flat(values):
            columns[label] = column
            if unit := str(values.attrs.get("units", "")):
                units[label] = unit
            if word := str(values.attrs.get("long_name", "")):
                words[label] = word
    if len(columns) == 1:
        raise InputError("holds no series over time", where="series", advice="give a file of series")
    title = str(series.attrs.get("title", ""))
    return TablePart(columns, units, words, form, name=title[:255] or "Series")


def _chosen(names: list[str], variables: Sequence[str], kind: str) -> list[str]:
    for name in variables:
        if name not in names:
            raise UnknownNameError(name, names, kind=kind)
    return [name for name in names if not variables or name in variables]


def _flat(values: xr.DataArray) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Columns of a series: one for each place along its other dimensions."""
    rest = [dim for dim in values.dims if dim != "time"]
    if not rest:
        yield str(values.name), values.values
        return
    stacked = values.transpose("time", *rest)
    for place in np.ndindex(*(stacked.sizes[dim] for dim in rest)):
        words = [
            str(stacked.coords[dim].values[k]) if dim in stacked.coords else str(k)
            for dim, k in zip(rest, place, strict=True)
        ]
        yield f"{values.name} {' '.join(words)}", stacked.values[(slice(None), *place)]


def _map(values: xr.DataArray) -> ArrayPart:
    """One map with what its attributes say."""
    attrs = values.attrs
    extra = [str(dim) for dim in values.dims[:-2]]
    if len(extra) > 1:
        raise InputError(f"has the dimensions {', '.join(extra)}", where=str(values.name), advice="choose one")
    array = values.values
    words = [str(attrs.get("long_name", values.name))]
    if extra and array.shape[0] == 1:
        array = array[0]
    if extra and extra[0] in values.coords:
        places = ", ".join(f"{float(place):g}" for place in values.coords[extra[0]].values)
        words.append(f"{extra[0]}: {places}")
    if "transform" in attrs:
        cell, _, left, _, _, top = (float(number) for number in attrs["transform"][:6])
        words.append(f"cells of {cell:g} m, upper left corner at x {left:g} m, y {top:g} m")
    if "crs_wkt" in attrs:
        words.append(f"map projection: {attrs['crs_wkt']}")
    if "flag_meanings" in attrs:
        flags = [str(flag) for flag in np.ravel(attrs.get("flag_values", ()))]
        meanings = str(attrs["flag_meanings"]).split()
        words.append(", ".join(f"{flag} {word}" for flag, word in zip(flags, meanings, strict=False)))
    flat = array.ndim == 2
    return ArrayPart(
        name=str(values.name),
        values=array,
        unit=str(attrs.get("units", "")),
        axes=("Line", "Sample") if flat else (extra[0], "Line", "Sample"),
        kind="Array_2D_Map" if flat else "Array_3D",
        description="; ".join(words),
        scaling_factor=_number(attrs, "scale_factor"),
        value_offset=_number(attrs, "add_offset"),
        missing=_number(attrs, "_FillValue"),
    )


def _number(attrs: Any, name: str) -> float | None:
    value = attrs.get(name)
    return None if value is None or value != value else float(value)


def _maps(path: Path, variables: Sequence[str], form: str) -> tuple[Any, tuple[str, str], str, str]:  # noqa: ARG001
    from moonpost.terrain.rasters import read_geotiff

    maps = read_geotiff(path)
    source = str(maps.attrs.get("source", ""))
    match = _PERIOD.search(source)
    parts = array_parts(maps, variables)
    return parts, (match[1], match[2]) if match else ("", ""), parts[0].description.split(";")[0], source


def _series(
    path: Path, variables: Sequence[str], form: Literal["binary", "delimited"]
) -> tuple[Any, tuple[str, str], str, str]:
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="h5netcdf") as opened:
            series = opened.load()
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"is no NetCDF file: {error}", where=str(path), advice="give a file of series") from error
    plan, title = series.attrs.get("plan_sha256", ""), str(series.attrs.get("title", ""))
    source = f"plan {series.attrs.get('plan', '')}, SHA-256 {plan}" if plan else ""
    if "time" not in series.coords:
        return _grids(series, variables), ("", ""), title, source
    table = table_part(series, variables, form)
    return table, _span(table), title, source


def _grids(data: xr.Dataset, variables: Sequence[str]) -> tuple[ArrayPart, ...]:
    """Numbers over two or more dimensions without time, such as horizons, with their coordinates in words."""
    names = _chosen([str(name) for name in data.data_vars], variables, "variable")
    parts = tuple(_grid(data[name]) for name in names if data[name].ndim > 1 and data[name].dtype.kind in "biuf")
    if not parts:
        raise InputError(
            "holds neither series over time nor arrays", where="variables", advice="give another file"
        )
    return parts


def _grid(values: xr.DataArray) -> ArrayPart:
    dims = [str(dim) for dim in values.dims]
    words = [str(values.attrs.get("long_name", values.name))]
    for dim in dims:
        if dim in values.coords:
            places = values.coords[dim].values
            shown = (
                places if places.size <= _MOST_SHOWN else np.array([places[0], "...", places[-1]], dtype=object)
            )
            words.append(f"{dim}: {', '.join(str(place) for place in shown)}")
    kind = {2: "Array_2D", 3: "Array_3D"}.get(len(dims), "Array")
    unit = str(values.attrs.get("units", ""))
    return ArrayPart(str(values.name), values.values, unit, dims, kind, "; ".join(words))


def _columns(
    path: Path, variables: Sequence[str], form: Literal["binary", "delimited"]
) -> tuple[Any, tuple[str, str], str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"is no CSV table: {error}", where=str(path), advice="save it as UTF-8") from error
    if len(rows) < 2:
        raise DataError("has no rows below a head", where=str(path), advice="give a table with a head")
    head, body = [name.strip() for name in rows[0]], rows[1:]
    for k, row in enumerate(body):
        if len(row) != len(head):
            raise DataError(
                f"has {len(row)} fields, and the head {len(head)}",
                where=f"{path}, row {k + 2}",
                advice="fill the row up",
            )
    if len(set(head)) != len(head):
        raise DataError("has two columns of one name", where=str(path), advice="rename one")
    cells = dict(zip(head, zip(*body, strict=True), strict=True))
    columns = {name: _typed([cell.strip() for cell in cells[name]]) for name in _chosen(head, variables, "column")}
    table = TablePart(columns, form=form, name=path.stem)
    return table, _span(table), "", ""


def _typed(cells: list[str]) -> npt.NDArray[Any]:
    """Texts as whole numbers, real numbers, instants or texts; an empty one is NaN among numbers."""
    if all(_PLAIN.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    if all(_INSTANT.fullmatch(cell) for cell in cells):
        try:
            return np.array([cell.rstrip("Z") for cell in cells], dtype="datetime64[ms]")
        except ValueError:
            return np.array(cells)
    if any(cells) and all(not cell or _REAL.fullmatch(cell) for cell in cells):
        return np.array([float(cell) if cell else np.nan for cell in cells])
    return np.array(cells)


def _span(table: TablePart) -> tuple[str, str]:
    """First and last instant of a table's first column of instants."""
    for values in table.columns.values():
        instants = np.asarray(values)
        if instants.dtype.kind == "M":
            ends = np.array([instants.min(), instants.max()]).astype("datetime64[ms]")
            return f"{ends[0]}Z", f"{ends[1]}Z"
    return "", ""
