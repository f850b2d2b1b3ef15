"""Where a ledger lives: a SQLite file, a PostgreSQL database, or an exported file of JSON lines."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from moonpost.errors import DataError, InputError, MissingExtraError, OutputError
from moonpost.partners.ledger.entries import LARGEST_LINE, parse_line

__all__ = ["Row", "Store", "is_url", "open_store", "place_text", "read_lines", "row_of"]

Row = tuple[int, str, bytes]
"""Number, hash and line of an entry as stored."""

_FORMAT = "moonpost ledger 1"
_MAGIC = b"SQLite format 3\x00"
_ALL = (
    "SELECT entry, hash, line, typeof(entry) || ' ' || typeof(hash) || ' ' || typeof(line) "
    "FROM entries ORDER BY entry"
)
_LAST = "SELECT entry, hash, line FROM entries ORDER BY entry DESC LIMIT 1"
_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE entries (entry BIGINT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, line TEXT NOT NULL)",
)


class Store(Protocol):
    """A place for the entries of one ledger, that takes each as a whole or not at all."""

    place: str

    def create(self, rows: Sequence[Row]) -> None:
        """Make the tables with the first entries in them."""
        ...

    def rows(self) -> Iterator[Row]:
        """Every entry in the order of its number."""
        ...

    def about(self) -> dict[str, str]:
        """Format of the tables."""
        ...

    def append(self, make: Callable[[Row], Row]) -> Row:
        """Add the entry that `make` builds on the last one, while nobody else can write."""
        ...

    def extend(self, head: str, rows: Sequence[Row]) -> None:
        """Add entries that follow the one with the hash `head`, all or none, while nobody else can write."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def is_url(place: str) -> bool:
    """Whether a place is a PostgreSQL database rather than a file.

    Parameters
    ----------
    place : str
        Path or URL.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_url("postgresql://127.0.0.1/station"), is_url("station.db")
    (True, False)
    """
    return place.startswith(("postgresql://", "postgres://"))


def place_text(place: str) -> str:
    """A place as it may be shown: a URL without user and password.

    Parameters
    ----------
    place : str
        Path or URL.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it is no sound URL.

    Examples
    --------
    >>> place_text("postgresql://cnsa:secret@127.0.0.1:5432/station")
    'postgresql://127.0.0.1/station'
    """
    if not is_url(place):
        return place
    host, options = _address(place)
    return f"postgresql://{host}/{options['database']}"


def open_store(place: str, *, new: bool = False) -> Store:
    """Open the place of a ledger.

    Parameters
    ----------
    place : str
        Path of a SQLite file, or URL of a PostgreSQL database:
        ``postgresql://user:password@127.0.0.1:5432/database``.
    new : bool
        Whether it is to be made.

    Returns
    -------
    Store

    Raises
    ------
    DataError
        If it is not there, cannot be read or is no ledger.
    OutputError
        If it is to be made and is there already, or cannot be written.
    MissingExtraError
        If PostgreSQL is asked for and its driver is not installed.

    Examples
    --------
    >>> open_store("nowhere.db")
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: nowhere.db: no such file; name a ledger, or begin one with moonpost ledger init
    """
    return _Postgres(place, new) if is_url(place) else _Sqlite(place, new)


def read_lines(path: str | os.PathLike[str]) -> Iterator[bytes] | None:
    r"""Lines of an exported ledger; None if the file is a SQLite database.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    iterator of bytes or None
        Lines without line feeds. If the last lacks its line feed, it ends with a NUL that no entry has.

    Raises
    ------
    DataError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.jsonl").write_bytes(b"{}\n{}")
    ...     list(read_lines(Path(folder) / "a.jsonl"))
    [b'{}', b'{}\x00']
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            if stream.read(len(_MAGIC)) == _MAGIC:
                return None
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot read: {error.strerror}"
        raise DataError(
            reason, where=str(path), advice="name a ledger, or begin one with moonpost ledger init"
        ) from error
    return _lines(file)


def row_of(line: bytes) -> Row:
    """What is stored of an entry.

    Parameters
    ----------
    line : bytes
        Its canonical line.

    Returns
    -------
    tuple of int, str, bytes

    Raises
    ------
    InputError
        If it is no entry.

    Examples
    --------
    >>> from moonpost.partners.ledger.entries import NO_ENTRY, sign_entry
    >>> from moonpost.partners.ledger.keys import new_key
    >>> row_of(sign_entry(new_key("cnsa"), "00" * 16, 0, NO_ENTRY, "note", {}).line)[0]
    0
    """
    entry = parse_line(line)
    return (entry.entry, entry.hash, line)


def _lines(path: Path) -> Iterator[bytes]:
    """Lines cut at line feeds alone; of one that is too long no more than shows that it is."""
    with path.open("rb") as stream:
        while line := stream.readline(LARGEST_LINE + 2):
            while len(line) > LARGEST_LINE + 1 and not line.endswith(b"\n"):
                rest = stream.readline(LARGEST_LINE)
                line = line[: LARGEST_LINE + 2] + rest[-1:]
                if not rest:
                    break
            yield line[:-1] if line.endswith(b"\n") else line + b"\x00"


def _as_row(entry: Any, digest: Any, line: Any) -> Row:
    """A stored row as it is, whatever types a damaged file gives."""
    text = line if isinstance(line, bytes) else str(line).encode("utf-8", "surrogateescape")
    return (entry if isinstance(entry, int) else -1, str(digest), text)


def _text_of(value: Any) -> str:
    """Text of a stored value of any type."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _moved(place: str) -> OutputError:
    """The ledger is not where the rows were made for."""
    return OutputError("it has grown meanwhile", where=place, advice="try again; nothing changed")


def _unused(path: Path) -> bool:
    """Whether a file is what a ledger leaves that was stopped while it was made: a database with nothing in it."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) not in (b"", _MAGIC):
                return False
        with contextlib.closing(sqlite3.connect(path, timeout=60.0)) as link:
            return bool(link.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])
    except (sqlite3.Error, OSError):
        return False


def _address(place: str) -> tuple[str, dict[str, Any]]:
    """Host, and the rest of what a connection to a URL needs."""
    try:
        url = urllib.parse.urlsplit(place)
        port = url.port or 5432
    except ValueError as error:
        raise InputError(
            f"is no URL: {error}", where="PATH-OR-URL", advice="write postgresql://user@host:port/database"
        ) from error
    if url.query or url.fragment:
        raise InputError(
            f"the option {url.query or url.fragment!r} is not known",
            where="PATH-OR-URL",
            advice="write postgresql://user@host:port/database; a password may stand in PGPASSWORD",
        )
    password = urllib.parse.unquote(url.password) if url.password else os.environ.get("PGPASSWORD")
    return url.hostname or "127.0.0.1", {
        "user": urllib.parse.unquote(url.username or "postgres"),
        "password": password or None,
        "port": port,
        "database": urllib.parse.unquote(url.path.lstrip("/")) or "postgres",
    }


class _Sqlite:
    """A ledger in a SQLite file; each entry is on the disk before it is acknowledged."""

    def __init__(self, place: str, new: bool) -> None:
        self.place = place
        path = Path(place)
        if new and path.exists() and not _unused(path):
            raise OutputError(
                "is there already", where=place, advice="name another file; a ledger is never replaced"
            )
        if not new and not path.is_file():
            raise DataError(
                "no such file", where=place, advice="name a ledger, or begin one with moonpost ledger init"
            )
        self._new = new
        try:
            if new:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._link = sqlite3.connect(path, timeout=60.0, isolation_level=None)
            self._link.text_factory = bytes
            self._link.execute("PRAGMA synchronous = FULL")
            if not new:
                self._link.execute("SELECT count(*) FROM about").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DataError | OutputError:
        if self._new:
            return OutputError(f"cannot make it: {error}", where=self.place, advice="choose another place")
        return DataError(
            f"is no sound ledger: {error}", where=self.place, advice="get a sound copy from a partner"
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Everything or nothing, while nobody else writes."""
        try:
            self._link.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._link.execute("ROLLBACK")
                raise
            self._link.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._link.execute("ROLLBACK")
            raise OutputError(
                f"cannot write: {error}",
                where=self.place,
                advice="free space, or wait for who writes; nothing changed",
            ) from error

    def create(self, rows: Sequence[Row]) -> None:
        with self._transaction():
            for table in _TABLES:
                self._link.execute(table)
            self._link.execute("INSERT INTO about VALUES ('format', ?)", (_FORMAT,))
            for row in rows:
                self._insert(row)

    def _insert(self, row: Row) -> None:
        self._link.execute("INSERT INTO entries VALUES (?, ?, ?)", (row[0], row[1], row[2].decode()))

    def rows(self) -> Iterator[Row]:
        try:
            for entry, digest, line, kinds in self._link.execute(_ALL):
                kept = "" if kinds == b"integer text text" else f" (stored as {_text_of(kinds)})"
                yield _as_row(entry, _text_of(digest) + kept, line)
        except (sqlite3.Error, OverflowError) as error:
            raise self._unreadable(error) from error

    def about(self) -> dict[str, str]:
        try:
            rows = self._link.execute("SELECT name, value FROM about").fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        return {_text_of(name): _text_of(value) for name, value in rows}

    def append(self, make: Callable[[Row], Row]) -> Row:
        with self._transaction():
            found = self._link.execute(_LAST).fetchone()
            row = make(self._last(found))
            self._insert(row)
        return row

    def extend(self, head: str, rows: Sequence[Row]) -> None:
        with self._transaction():
            if self._last(self._link.execute(_LAST).fetchone())[1] != head:
                raise _moved(self.place)
            for row in rows:
                self._insert(row)

    def _last(self, found: Any) -> Row:
        """The last row as stored."""
        if found is None:
            raise DataError("holds no entry", where=self.place, advice="get a sound copy from a partner")
        return _as_row(found[0], _text_of(found[1]), found[2])

    def close(self) -> None:
        self._link.close()


class _Postgres:
    """A ledger in a PostgreSQL database."""

    def __init__(self, place: str, new: bool) -> None:
        try:
            import pg8000.dbapi as driver
        except ImportError as error:
            raise MissingExtraError(
                "PostgreSQL needs the package pg8000", where=place, advice="pip install 'moonpost[postgres]'"
            ) from error
        self._driver = driver
        host, options = _address(place)
        self.place = place_text(place)
        try:
            self._link = driver.connect(host=host, timeout=60, **options)
            there = self._fetch("SELECT to_regclass('entries') IS NOT NULL AND to_regclass('about') IS NOT NULL")
            self._link.rollback()
        except (driver.Error, OSError, ValueError) as error:
            raise DataError(
                f"cannot be reached: {error}", where=self.place, advice="check that the server runs, and the URL"
            ) from error
        wrong = self._wrong(bool(there[0][0]), new)
        if wrong is not None:
            self.close()
            raise wrong

    def _wrong(self, there: bool, new: bool) -> DataError | OutputError | None:
        """What keeps it from being opened, or made."""
        if new and there:
            advice = "name another database; a ledger is never replaced"
            return OutputError("holds a ledger already", where=self.place, advice=advice)
        if not new and not there:
            return DataError("holds no ledger", where=self.place, advice="begin one with moonpost ledger init")
        return None

    def _fetch(self, text: str) -> Any:
        cursor = self._link.cursor()
        cursor.execute(text)
        return cursor.fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        try:
            cursor = self._link.cursor()
            try:
                cursor.execute("SET LOCAL synchronous_commit = on")
                yield cursor
            except BaseException:
                self._link.rollback()
                raise
            self._link.commit()
        except (self._driver.Error, OSError) as error:
            with contextlib.suppress(self._driver.Error, OSError):
                self._link.rollback()
            raise OutputError(
                f"cannot write: {error}", where=self.place, advice="check the server; nothing changed"
            ) from error

    def create(self, rows: Sequence[Row]) -> None:
        with self._transaction() as cursor:
            for table in _TABLES:
                cursor.execute(table)
            cursor.execute("INSERT INTO about VALUES ('format', %s)", (_FORMAT,))
            for row in rows:
                self._insert(cursor, row)

    def rows(self) -> Iterator[Row]:
        try:
            cursor = self._link.cursor()
            cursor.execute("DECLARE book CURSOR FOR SELECT entry, hash, line FROM entries ORDER BY entry")
            while found := self._fetch("FETCH 5000 FROM book"):
                for entry, digest, line in found:
                    yield _as_row(entry, digest, line)
            self._link.rollback()
        except (self._driver.Error, OSError) as error:
            raise DataError(f"cannot be read: {error}", where=self.place, advice="check the server") from error

    def about(self) -> dict[str, str]:
        try:
            rows = self._fetch("SELECT name, value FROM about")
            self._link.rollback()
        except (self._driver.Error, OSError) as error:
            raise DataError(f"cannot be read: {error}", where=self.place, advice="check the server") from error
        return {str(name): str(value) for name, value in rows}

    def append(self, make: Callable[[Row], Row]) -> Row:
        with self._transaction() as cursor:
            cursor.execute("LOCK TABLE entries IN EXCLUSIVE MODE")
            row = make(self._last(cursor))
            self._insert(cursor, row)
        return row

    def extend(self, head: str, rows: Sequence[Row]) -> None:
        with self._transaction() as cursor:
            cursor.execute("LOCK TABLE entries IN EXCLUSIVE MODE")
            if self._last(cursor)[1] != head:
                raise _moved(self.place)
            for row in rows:
                self._insert(cursor, row)

    def _last(self, cursor: Any) -> Row:
        """The last row as stored."""
        cursor.execute(_LAST)
        found = cursor.fetchone()
        if found is None:
            raise DataError("holds no entry", where=self.place, advice="get a sound copy from a partner")
        return _as_row(*found)

    @staticmethod
    def _insert(cursor: Any, row: Row) -> None:
        cursor.execute("INSERT INTO entries VALUES (%s, %s, %s)", (row[0], row[1], row[2].decode()))

    def close(self) -> None:
        with contextlib.suppress(self._driver.Error, OSError):
            self._link.close()
