"""Parts: decoded packets of one channel in a Parquet file, with statistics and stretches beside it."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from moonpost.control.archive.gaps import stretches
from moonpost.control.archive.levels import Level, build_levels
from moonpost.control.archive.rows import Rows
from moonpost.errors import DataError, InputError, MissingExtraError, OutputError
from moonpost.files import atomic_path, digest

if TYPE_CHECKING:
    import duckdb

__all__ = ["Part", "PartStore"]

_Ints = npt.NDArray[np.int64]
_FIXED = ("packet_time", "packet_key")
_OPEN_TABLES = 2048
_GROUPS = "ROW_GROUP_SIZE 65536, DICTIONARY_SIZE_LIMIT 1"


@dataclass(frozen=True)
class Part:
    """One part of a channel's parameters.

    Parameters
    ----------
    stem : str
        Name of its files without suffix.
    apid : int
        The channel.
    size : int
        Number of packets.
    first_us, last_us : int
        First and last time [us of UTC since 1970].
    columns : tuple of (str, str, str)
        Name of each parameter, of its column in the file, and kind of its numbers as numpy writes it.
    levels : tuple of Level
        Widths of its statistics, narrow to wide.
    digests : dict
        SHA-256 of its files by suffix.
    """

    stem: str
    apid: int
    size: int
    first_us: int
    last_us: int
    columns: tuple[tuple[str, str, str], ...]
    levels: tuple[Level, ...]
    digests: dict[str, str]

    @property
    def signature(self) -> tuple[tuple[str, str], ...]:
        """Names and kinds of the columns."""
        return tuple((name, kind) for name, _, kind in self.columns)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Part:
        """Make it of what the manifest holds."""
        columns = tuple((str(a), str(b), str(c)) for a, b, c in fields["columns"])
        levels = tuple(Level(**level) for level in fields["levels"])
        return cls(**{**fields, "columns": columns, "levels": levels})


class PartStore:
    """Writes and reads parts in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where the files lie.

    Raises
    ------
    MissingExtraError
        If DuckDB is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise MissingExtraError(
                "DuckDB is not installed, which keeps decoded parameters",
                where="archive",
                advice="install it (duckdb), or open the archive without a decoder",
            ) from error
        self.folder = folder
        settings: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._database = duckdb.connect(":memory:", config=settings)
        self._tables: OrderedDict[tuple[str, str], _Ints] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._tables.clear()
        self._database.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one reader."""
        return self._database.cursor()

    def write(self, serial: int, apid: int, rows: Rows) -> Part:
        """Write rows of a channel as a part.

        Parameters
        ----------
        serial : int
            Number of the part, unique in the archive.
        apid : int
            The channel.
        rows : Rows
            Rows in order, at least one.

        Returns
        -------
        Part

        Raises
        ------
        OutputError
            If the files cannot be written.
        """
        stem = f"{apid:04d}-{serial:08d}"
        columns = _column_names(rows)
        levels, table = build_levels(rows)
        self.make_folder()
        frame = {"packet_time": rows.time_us.astype("datetime64[us]"), "packet_key": rows.key}
        frame |= {column: rows.columns[name] for name, column, _ in columns}
        try:
            with atomic_path(self.path(stem, ".parquet")) as path:
                self._copy(frame, path)
            for suffix, values in (("levels", table), ("stretches", stretches(rows.time_us, rows.key))):
                with atomic_path(self.path(stem, f".{suffix}.npy")) as path:
                    np.save(path, values)
            digests = {suffix: digest(self.path(stem, suffix)) for suffix in SUFFIXES}
        except BaseException:
            self.remove(stem)
            raise
        first_us, last_us = int(rows.time_us[0]), int(rows.time_us[-1])
        return Part(stem, apid, len(rows), first_us, last_us, columns, tuple(levels), digests)

    def make_folder(self) -> None:
        """Make the folder in that of the archive; one that is gone as a whole is not begun anew."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror or error}",
                where=str(self.folder),
                advice="put the archive back; the packets are kept and are written later",
            ) from error

    def path(self, stem: str, suffix: str) -> Path:
        """Where a file of a part lies."""
        return self.folder / f"{stem}{suffix}"

    def remove(self, stem: str) -> None:
        """Remove the files of a part."""
        with self._lock:
            for key in [key for key in self._tables if key[0] == stem]:
                del self._tables[key]
        for suffix in SUFFIXES:
            with contextlib.suppress(OSError):
                self.path(stem, suffix).unlink(missing_ok=True)

    def read(self, part: Part, names: Sequence[str], start_us: int, stop_us: int) -> Rows:
        """Rows of some parameters in a period.

        Parameters
        ----------
        part : Part
            The part.
        names : sequence of str
            Parameters that it holds.
        start_us, stop_us : int
            The period, its end not included [us of UTC since 1970].

        Returns
        -------
        Rows

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        column = {name: column for name, column, _ in part.columns}
        wanted = ", ".join([*_FIXED, *(_quoted(column[name]) for name in names)])
        file = str(self.path(part.stem, ".parquet")).replace("'", "''")
        limits = ""
        if part.first_us < start_us or part.last_us >= stop_us:
            limits = (
                f" WHERE packet_time >= make_timestamp({start_us}) AND packet_time < make_timestamp({stop_us})"
            )
        found = self._fetch(f"SELECT {wanted} FROM read_parquet('{file}'){limits}", part)  # noqa: S608
        time_us = found["packet_time"].astype("datetime64[us]").astype(np.int64)
        return Rows(time_us, found["packet_key"], {name: found[column[name]] for name in names})

    def table(self, part: Part, kind: str) -> _Ints:
        """The table of ``levels`` or ``stretches`` of a part, left on the disk until it is looked at."""
        key = (part.stem, kind)
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        path = self.path(part.stem, f".{kind}.npy")
        try:
            found: _Ints = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"cannot be read: {error}", where=str(path), advice="rebuild the archive") from error
        with self._lock:
            self._tables[key] = found
            if len(self._tables) > _OPEN_TABLES:
                self._tables.popitem(last=False)
        return found

    def statistics(self, part: Part, name: str, level: Level, first: int, last: int) -> tuple[_Ints, Any]:
        """Buckets of a level from one number to another, both included, and their statistics."""
        row = 1 + 5 * [column[0] for column in part.columns].index(name)
        table = self.table(part, "levels")
        bucket = table[0, level.begin : level.end]
        begin, end = np.searchsorted(bucket, [first, last + 1]) + level.begin
        return np.array(table[0, begin:end]), np.array(table[row : row + 5, begin:end]).view(np.float64)

    def _copy(self, frame: dict[str, npt.NDArray[Any]], path: Path) -> None:
        """Write columns to a Parquet file."""
        import duckdb

        cursor = self.cursor()
        try:
            cursor.register("frame", frame)
            file = str(path).replace("'", "''")
            cursor.execute(f"COPY frame TO '{file}' (FORMAT parquet, COMPRESSION lz4, {_GROUPS})")
        except duckdb.Error as error:
            raise OutputError(
                f"cannot write: {error}",
                where=str(path.parent),
                advice="make space on the disk; the packets are kept and are written later",
            ) from error
        finally:
            cursor.close()

    def _fetch(self, query: str, part: Part) -> dict[str, npt.NDArray[Any]]:
        """Columns of a query."""
        import duckdb

        cursor = self.cursor()
        try:
            found = cursor.execute(query).fetchnumpy()
            return {name: _plain(values) for name, values in found.items()}
        except duckdb.Error as error:
            raise DataError(
                f"cannot be read: {error}",
                where=str(self.path(part.stem, ".parquet")),
                advice="rebuild the archive from its packets",
            ) from error
        finally:
            cursor.close()


SUFFIXES = (".parquet", ".levels.npy", ".stretches.npy")


def check_columns(columns: dict[str, npt.NDArray[Any]], size: int) -> dict[str, npt.NDArray[Any]]:
    """Columns as they can be kept, or an error that names the one that cannot."""
    found = {}
    for name, values in columns.items():
        column = np.asarray(values)
        if column.dtype.kind not in "biuf" or column.shape != (size,) or column.dtype.itemsize > 8:
            raise InputError(
                f"{column.dtype} of shape {column.shape} for {size} packets",
                where=f"parameter {name!r}",
                advice="give one number or truth value for each packet",
            )
        found[name] = column.astype(np.float32) if column.dtype == np.float16 else column
    return found


def _column_names(rows: Rows) -> tuple[tuple[str, str, str], ...]:
    """Names of columns in the file: those of the parameters unless two differ by case only."""
    taken = set(_FIXED)
    found = []
    for name, kind in rows.signature:
        column, number = name or "unnamed", 1
        while column.casefold() in taken:
            number += 1
            column = f"{name}~{number}"
        taken.add(column.casefold())
        found.append((name, column, kind))
    return tuple(found)


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values as they were given: NaN is kept as no value in the file."""
    if isinstance(values, np.ma.MaskedArray):
        return values.filled(np.nan) if values.dtype.kind == "f" else values.data
    return values


def _quoted(column: str) -> str:
    """A column's name in a query."""
    return '"' + column.replace('"', '""') + '"'
