"""Alarms in the database of mission control, so that they survive a restart."""

from __future__ import annotations

import math

import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    Row,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
)

from moonpost.control.database import TABLES, Database
from moonpost.control.ground.alarms import Alarm

__all__ = ["AlarmStore"]

_ALARMS = Table(
    "alarms",
    TABLES,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(512), nullable=False),
    Column("state", Integer, nullable=False),
    Column("since_us", BigInteger, nullable=False, index=True),
    Column("value", Float),
    Column("worst", Integer, nullable=False),
    Column("acknowledged_by", String(64), nullable=False),
    Column("acknowledged_us", BigInteger),
    Column("comment", String(2000), nullable=False),
    Column("cleared_us", BigInteger, index=True),
    Column("count", Integer, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("text", String(2000), nullable=False),
)
_MOST = 10_000


class AlarmStore:
    """Reads and writes alarms; each change is on the disk when `write` returns.

    Parameters
    ----------
    database : Database
        The database of mission control.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(folder + "/control.sqlite") as database:
    ...     store = AlarmStore(database)
    ...     store.write([Alarm(1, "rover.box_k", -1, np.datetime64("2030-01-01", "us"), 250.0, -1)])
    ...     [alarm.key for alarm in store.listed()]
    ['rover.box_k']
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as connection:
            TABLES.create_all(connection, [_ALARMS])

    def write(self, alarms: list[Alarm]) -> None:
        """Write alarms as they are now.

        Raises
        ------
        OutputError
            If the database cannot be written; nothing is changed then.
        """
        rows = [_row(alarm) for alarm in alarms]
        with self.database.write() as connection:
            connection.execute(delete(_ALARMS).where(_ALARMS.c.id.in_([row["id"] for row in rows])))
            connection.execute(insert(_ALARMS), rows)

    def listed(self) -> tuple[Alarm, ...]:
        """Alarms that are not cleared or not acknowledged."""
        wanted = or_(_ALARMS.c.cleared_us.is_(None), _ALARMS.c.acknowledged_by == "")
        with self.database.read() as connection:
            rows = connection.execute(select(_ALARMS).where(wanted).order_by(_ALARMS.c.id)).all()
        return tuple(_alarm(row) for row in rows)

    def between(self, first: np.datetime64, last: np.datetime64) -> tuple[Alarm, ...]:
        """Alarms that were up in a period, the first 10,000."""
        begun = _ALARMS.c.since_us < _us(last)
        there = or_(_ALARMS.c.cleared_us.is_(None), _ALARMS.c.cleared_us >= _us(first))
        wanted = select(_ALARMS).where(begun, there).order_by(_ALARMS.c.since_us, _ALARMS.c.id).limit(_MOST)
        with self.database.read() as connection:
            return tuple(_alarm(row) for row in connection.execute(wanted).all())

    def one(self, number: int) -> Alarm | None:
        """The alarm of a number, or None."""
        with self.database.read() as connection:
            row = connection.execute(select(_ALARMS).where(_ALARMS.c.id == number)).first()
        return None if row is None else _alarm(row)

    def last(self) -> int:
        """The highest number given so far."""
        with self.database.read() as connection:
            return int(connection.execute(select(func.max(_ALARMS.c.id))).scalar() or 0)


def _row(alarm: Alarm) -> dict[str, object]:
    """An alarm as the table keeps it."""
    return {
        "id": alarm.id, "key": alarm.key[:512], "state": alarm.state, "since_us": _us(alarm.since),
        "value": alarm.value if math.isfinite(alarm.value) else None, "worst": alarm.worst,
        "acknowledged_by": alarm.acknowledged_by[:64],
        "acknowledged_us": None if alarm.acknowledged_at is None else _us(alarm.acknowledged_at),
        "comment": alarm.comment, "cleared_us": None if alarm.cleared is None else _us(alarm.cleared),
        "count": alarm.count, "late": alarm.late, "text": alarm.text[:2000],
    }  # fmt: skip


def _alarm(row: Row[tuple[object, ...]]) -> Alarm:
    """A row of the table as an alarm."""
    kept = row._mapping
    return Alarm(
        kept["id"], kept["key"], kept["state"], np.datetime64(kept["since_us"], "us"),
        float("nan") if kept["value"] is None else kept["value"], kept["worst"], kept["acknowledged_by"],
        None if kept["acknowledged_us"] is None else np.datetime64(kept["acknowledged_us"], "us"), kept["comment"],
        None if kept["cleared_us"] is None else np.datetime64(kept["cleared_us"], "us"), kept["count"],
        bool(kept["late"]), kept["text"],
    )  # fmt: skip


def _us(t: np.datetime64) -> int:
    """Microseconds since 1970."""
    return int(t.astype("datetime64[us]").astype(np.int64))
