"""The database of mission control: one file of SQLite, or PostgreSQL by its URL; every change is on disk first."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
)

from moonpost.errors import DataError, InputError, MissingExtraError, OutputError

__all__ = ["TABLES", "Database"]

TABLES = MetaData()
"""Every table of mission control; each part declares its own ones here."""

_BUSY_S = 30.0
_WRITE_LOCK = 0x6D6F6F6E


class Database:
    """Tables of mission control, with transactions that are on disk when they end.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        Made by `open`.

    Notes
    -----
    SQLite runs with a write-ahead log and ``synchronous=FULL``: what ended survives a kill and a loss
    of power. One transaction writes at a time, in turn, of several processes too (in PostgreSQL by a lock of its
    own); reading never waits for it. Within a `write` block a further one of the same thread is part of the first,
    and ends with it.

    Examples
    --------
    >>> import tempfile
    >>> from sqlalchemy import text
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(folder + "/control.sqlite") as database:
    ...     with database.read() as connection:
    ...         connection.execute(text("select 6 * 7")).scalar()
    42
    """

    def __init__(self, engine: Engine, file: Path | None = None) -> None:
        self._engine = engine
        self._file = file
        self._stat: os.stat_result | None = None
        self._turn = threading.Lock()
        self._mine = threading.local()

    @classmethod
    def open(cls, place: str | os.PathLike[str]) -> Database:
        """Open a database, making the file if it is not there.

        Parameters
        ----------
        place : str or path-like
            A file, or ``postgresql://user@host:port/database``; a password may stand in the URL or in PGPASSWORD.

        Returns
        -------
        Database

        Raises
        ------
        InputError
            If it is no URL that can be used.
        DataError
            If the file is no database, or the server does not answer.
        OutputError
            If the folder cannot be written.
        MissingExtraError
            If PostgreSQL is asked for and pg8000 is not installed.
        """
        name = os.fspath(place)
        file = None if "://" in name else Path(name)
        engine = _postgres(name) if file is None else _sqlite(file)
        database = cls(engine, file)
        try:
            with database.read() as connection:
                connection.execute(text("select 1 from sqlite_master" if database.is_sqlite else "select 1"))
        except (DBAPIError, OutputError, OSError) as error:
            engine.dispose()
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise DataError(
                f"cannot be opened as a database: {_one_line(cause)}",
                where=_told(engine.url),
                advice="check the file, or that the server runs and lets this user in",
            ) from error
        if file is not None:
            database._stat = file.stat()
        return database

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self._engine.dialect.name == "sqlite"

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; within a `write` block of this thread, that one.

        Yields
        ------
        sqlalchemy.Connection
        """
        mine = getattr(self._mine, "connection", None)
        if mine is not None:
            yield mine
            return
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection for writing; what was written is on disk when the block has ended, or nothing of it.

        Yields
        ------
        sqlalchemy.Connection

        Raises
        ------
        OutputError
            If the disk is full, or the database cannot be written; nothing of the block is kept.
        """
        mine = getattr(self._mine, "connection", None)
        if mine is not None:
            yield mine
            return
        with self._turn, self._translated():
            self._at_home()
            options = {"moonpost_write": True}
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                if not self.is_sqlite:  # across processes too, as SQLite does by itself
                    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _WRITE_LOCK})
                self._mine.connection = connection
                try:
                    yield connection
                finally:
                    self._mine.connection = None

    def create(self) -> None:
        """Make the tables of `TABLES` that are not there yet."""
        with self.write() as connection:
            TABLES.create_all(connection)

    def _at_home(self) -> None:
        """Refuse to write a file that is not at its place any more: nobody would find it again."""
        if self._file is None or self._stat is None:
            return
        try:
            if os.path.samestat(self._stat, self._file.stat()):
                return
            cause = "another file lies in its place"
        except OSError as error:
            cause = error.strerror or str(error)
        raise OutputError(
            f"the database is gone: {cause}",
            where=str(self._file),
            advice="put the same file back, or start the server again with another copy; nothing was changed",
        )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the database says of disks and locks into an error of ours."""
        try:
            yield
        except IntegrityError:
            raise
        except (OperationalError, InterfaceError, InternalError) as error:
            raise OutputError(
                f"the database cannot be used: {_one_line(error.orig)}",
                where=_told(self._engine.url),
                advice="free some space or let the other process end; nothing was changed",
            ) from error
        except DatabaseError as error:
            if type(error) is not DatabaseError:  # a fault of a statement
                raise
            raise OutputError(
                f"is damaged: {_one_line(error.orig)}",
                where=_told(self._engine.url),
                advice="bring back a copy that is whole",
            ) from error


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200]


def _told(url: URL) -> str:
    """The place without its password."""
    if url.drivername.startswith("sqlite"):
        return str(url.database)
    return f"postgresql://{url.host or 'localhost'}/{url.database}"


def _sqlite(path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder: {error.strerror or error}", where=str(path.parent), advice="choose another"
        ) from error
    url = URL.create("sqlite", database=str(path))
    begun = False

    def _connect() -> sqlite3.Connection:
        """A connection; only the first may make the file, so that one that is lost is not begun anew."""
        mode = "rw" if begun else "rwc"
        place = f"{path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(place, uri=True, timeout=_BUSY_S, check_same_thread=False)

    engine = create_engine(url, pool_size=10, max_overflow=40, creator=_connect)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        nonlocal begun
        begun = True
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writing = connection.get_execution_options().get("moonpost_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgres(name: str) -> Engine:
    try:
        url = make_url(name)
    except (ArgumentError, ValueError) as error:
        raise _no_url(name) from error
    if url.get_backend_name() not in {"postgresql", "postgres"} or not url.database:
        raise _no_url(name)
    url = url.set(drivername="postgresql+pg8000")
    if url.password is None and os.environ.get("PGPASSWORD"):
        url = url.set(password=os.environ["PGPASSWORD"])
    try:
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=40)
    except ImportError as error:
        raise MissingExtraError(
            "PostgreSQL needs the package pg8000", where=_told(url), advice="pip install 'moonpost[postgres]'"
        ) from error


def _no_url(name: str) -> InputError:
    return InputError(
        "is no URL of a database",
        where=name.split("://", 1)[0] + "://...",
        advice="write postgresql://user@host:port/database, or the name of a file",
    )
