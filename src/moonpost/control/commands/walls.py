"""The clock on the wall as approvals are counted by: it never goes back, whatever is done to the machine's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Column, Float, String, Table, delete, insert, select

from moonpost.control.database import TABLES, Database

__all__ = ["SteadyWall"]

_WALL = Table(
    "command_wall",
    TABLES,
    Column("name", String(16), primary_key=True),
    Column("wall_s", Float, nullable=False),
    Column("steady_s", Float, nullable=False),
    Column("boot", String(64), nullable=False),
)
_NAME = "latest"
_AHEAD_S = 5.0


class SteadyWall:
    """The greater of what the wall shows and of what it showed before with the time that has passed since.

    Parameters
    ----------
    database : Database
        Keeps the latest reading over a stop.
    wall : callable
        Seconds since 1970 UTC, as the machine has them.
    steady : callable
        Seconds that pass evenly, from the start of the machine or any other instant.
    boot : callable
        Name of the start of the machine since which they count, another after each start and on each machine.

    Notes
    -----
    Set back by any amount it goes on from where it was; set on it follows. A steady clock counts on while the
    server is stopped; after the machine itself was started anew it counts from there at least, so that no more is
    missed than the time for which the machine was off. A wall that was ahead and was put right stays ahead here
    until it has been caught up, or until `release` says that nothing waits for it.

    Examples
    --------
    >>> import tempfile
    >>> shown = [1000.0, 100.0]
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(folder + "/control.sqlite") as database:
    ...     database.create()
    ...     wall = SteadyWall(database, lambda: shown[0], lambda: shown[1])
    ...     shown[:] = [400.0, 130.0]
    ...     wall.now()
    1030.0
    """

    def __init__(
        self,
        database: Database,
        wall: Callable[[], float],
        steady: Callable[[], float],
        boot: Callable[[], str] | None = None,
    ) -> None:
        self._database, self._wall, self._steady = database, wall, steady
        self._boot = (boot or _boot)()
        self._lock = threading.Lock()
        self._latest_s, self._at_s = float(wall()), float(steady())
        with database.read() as connection:
            row = connection.execute(select(_WALL).where(_WALL.c.name == _NAME)).one_or_none()
        if row is not None:
            passed_s = max(self._at_s - row.steady_s, 0.0) if row.boot == self._boot else 0.0
            self._latest_s = max(self._latest_s, row.wall_s + passed_s)

    def now(self) -> float:
        """Seconds since 1970 UTC; never less than before."""
        with self._lock:
            steady_s = float(self._steady())
            passed_s = max(steady_s - self._at_s, 0.0)
            self._latest_s, self._at_s = max(float(self._wall()), self._latest_s + passed_s), steady_s
            return self._latest_s

    def release(self) -> None:
        """Follow the wall again: nothing waits whose time could be lengthened."""
        with self._lock:
            if self._latest_s - float(self._wall()) > _AHEAD_S:
                self._latest_s, self._at_s = float(self._wall()), float(self._steady())
            else:
                return
        self.keep()

    def keep(self) -> None:
        """Put the latest reading down."""
        latest_s = self.now()
        with self._database.write() as connection:
            connection.execute(delete(_WALL).where(_WALL.c.name == _NAME))
            row = {"name": _NAME, "wall_s": latest_s, "steady_s": self._at_s, "boot": self._boot}
            connection.execute(insert(_WALL).values(row))


def _boot() -> str:
    """Name of this start of this machine; one of its own for each process where the system tells none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return uuid.uuid4().hex
