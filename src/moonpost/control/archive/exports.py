"""Parameters of an archive as files for others: Parquet, CSV and NetCDF."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moonpost.control.archive.series import Series
from moonpost.control.archive.store import Archive
from moonpost.errors import InputError, OutputError
from moonpost.files import atomic_path
from moonpost.sky.times import TimeLike

__all__ = ["export"]

_TABLES = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER"}


def export(
    archive: Archive,
    path: str | os.PathLike[str],
    parameters: Sequence[str],
    start: TimeLike,
    stop: TimeLike,
    *,
    bins: int | None = None,
) -> int:
    """Write parameters of a period to a file.

    Parameters
    ----------
    archive : Archive
        An archive open with its decoder.
    path : path-like
        The file; its ending tells the format: ``.parquet``, ``.csv`` or ``.nc``.
    parameters : sequence of str
        Names of the parameters, at least one, none twice.
    start, stop : datetime64, str or datetime
        The period in UTC, its end not included.
    bins : int, optional
        Most bins: then statistics are written instead of samples.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    InputError
        If the ending is another, or no parameter is named.
    UnknownNameError
        If a parameter is not in the archive.
    OutputError
        If the file cannot be written; what was there is untouched.

    Notes
    -----
    Tables have a row for each sample: ``parameter``, ``time`` (UTC), ``value`` as float64, and with bins also
    ``minimum``, ``maximum``, ``count``. NetCDF files have for each parameter a variable in its own kind of number
    over its own times; a stroke in its name becomes two underscores there, and its name stands in the attribute
    ``parameter``. Gaps are the attribute ``gaps`` of it: last time before, first time after, packets missing.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.archive import Packets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Archive.open(folder, lambda apid, packets: {"letter": packets.data}) as archive:
    ...         _ = archive.append(Packets.of([b"a", b"b"], 7, ["2030-01-01", "2030-01-02"], [0, 1], "2030-01-03"))
    ...         rows = export(archive, Path(folder) / "a.csv", ["letter"], "2030-01-01", "2030-02-01")
    ...     print(rows, (Path(folder) / "a.csv").read_text().split()[1])
    2 letter,2030-01-01
    """
    target = Path(path)
    if target.suffix not in (*_TABLES, ".nc"):
        raise InputError(
            f"unknown ending {target.suffix!r}", where=str(target), advice="end it with .parquet, .csv or .nc"
        )
    names = list(parameters)
    if isinstance(parameters, str) or not names or len(set(names)) != len(names):
        raise InputError("is no list of different names", where="parameters", advice="give names, each once")
    found = [archive.query(name, start, stop, bins=bins) for name in names]
    with atomic_path(target) as temporary:
        if target.suffix == ".nc":
            _write_netcdf(found, temporary)
        else:
            _write_table(found, temporary, _TABLES[target.suffix])
    return sum(map(len, found))


def _write_table(found: list[Series], path: Path, form: str) -> None:
    """Write rows of all series by DuckDB."""
    import duckdb

    wanted = ["minimum", "maximum", "count"] if found[0].step_s else []
    with np.errstate(invalid="ignore"):
        values = [one.value.astype(np.float64) for one in found]
    columns = {
        "place": np.repeat(np.arange(len(found)), [len(one) for one in found]),
        "time": np.concatenate([one.time for one in found]),
        "value": np.concatenate(values),
        **{name: np.concatenate([getattr(one, name).astype(np.float64) for one in found]) for name in wanted},
    }
    names = {"place": np.arange(len(found)), "parameter": np.array([one.parameter for one in found], object)}
    listed = ", ".join(["parameter", "time", "value", *(name for name in wanted if name != "count")])
    listed += ", CAST(count AS BIGINT) AS count" if wanted else ""
    file = str(path).replace("'", "''")
    query = f"SELECT {listed} FROM samples JOIN names USING (place) ORDER BY place, time"  # noqa: S608
    database = duckdb.connect(":memory:")
    try:
        database.register("samples", columns)
        database.register("names", names)
        database.execute(f"COPY ({query}) TO '{file}' ({form})")
    except duckdb.Error as error:
        raise OutputError(f"cannot write: {error}", where=str(path.parent), advice="make space") from error
    finally:
        database.close()


def _write_netcdf(found: list[Series], path: Path) -> None:
    """Write each series as a variable over its own times."""
    import h5netcdf

    with h5netcdf.File(path, "w") as file:
        file.attrs["Conventions"] = "CF-1.11"
        for number, one in enumerate(found, 1):
            name = one.parameter.replace("/", "__")
            axis = f"time_{number}"
            file.dimensions[axis] = len(one)
            time = file.create_variable(axis, (axis,), "i8", data=one.time.astype(np.int64))
            time.attrs["units"] = "microseconds since 1970-01-01T00:00:00"
            time.attrs["calendar"] = "proleptic_gregorian"
            kinds = {"": one.value}
            if one.step_s:
                kinds |= {"__minimum": one.minimum, "__maximum": one.maximum, "__count": one.count}
            for ending, values in kinds.items():
                kept = values.astype(np.int8) if values.dtype.kind == "b" else values
                variable = file.create_variable(name + ending, (axis,), kept.dtype, data=kept)
                variable.attrs["parameter"] = one.parameter
                variable.attrs["step_s"] = one.step_s
            told = [f"{gap.after}Z {gap.before}Z {gap.missing}" for gap in one.gaps]
            file.variables[name].attrs["gaps"] = "\n".join(told)
