"""Whether the database of a mission goes with what lies beside it; no number on record is given twice."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Table, Text, cast, delete, func, insert, select, text, update

from moonpost.control.commands.audit import PARTY, TOPIC, wall_text
from moonpost.control.commands.store import COMMANDS, COUNTS_IN_ALL
from moonpost.control.database import TABLES, Database
from moonpost.control.ground.alarms import Alarm
from moonpost.control.ground.alarmstore import AlarmStore
from moonpost.control.missionfolder import reached_in
from moonpost.errors import DataError, InputError

__all__ = ["follow_record", "renew", "require_database"]

_LEDGER, _FOLLOWED = "ledger.sqlite", "followed"
_ABOUT, _NOTES, _COUNTS = (TABLES.tables[name] for name in ("audit_about", "audit", "command_counts"))
_CARRIED = 256  # commands that one packet may carry inside, each with a count of its own


class _Note(NamedTuple):
    """A note of mission control in the ledger."""

    entry: int
    source: str
    number: int
    command: int
    alarm: int
    octets: bytes
    time: str
    said: tuple[str, str, str]


def require_database(folder: Path, database: Database) -> None:
    """Refuse a database that knows nothing of a mission of which the rest is there: its own is lost.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the mission.
    database : Database
        Opened for it.

    Raises
    ------
    DataError
        Names what is there without it, and what to do.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, Database.open(place + "/control.sqlite") as database:
    ...     require_database(Path(place), database)  # a folder that is new
    ...     (Path(place) / "archive" / "raw").mkdir(parents=True)
    ...     (Path(place) / "archive" / "raw" / "0000000001.seg").touch()
    ...     try:
    ...         require_database(Path(place), database)
    ...     except DataError as error:
    ...         print(error.what)
    the database of this mission is missing beside telemetry (archive)
    """
    database.create()
    with database.read() as connection:
        if _ledger_of(connection) is not None:
            return
    left = list(_left(folder))
    if not left:
        return
    anew = f"to begin anew with numbers after those on record: moonpost control renew {folder}"
    if (_head(folder) or 0) < 1:
        anew = "to begin anew choose another --data"
    raise DataError(
        f"the database of this mission is missing beside {', '.join(left)}",
        where=str(folder / "control.sqlite") if database.is_sqlite else str(folder),
        advice=f"put it back from the newest backup; {anew}",
    )


def follow_record(folder: Path, database: Database) -> int:
    """Have a database that is an older copy go on after the numbers of the record; an alarm tells of it.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the mission.
    database : Database
        Its database.

    Returns
    -------
    int
        Notes on record that the database lacks; 0 for one that is as new as the record.

    Raises
    ------
    DataError
        If the ledger is not sound.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, Database.open(place + "/control.sqlite") as database:
    ...     follow_record(Path(place), database)
    0
    """
    database.create()
    head = _head(folder) or 0
    with database.read() as connection:
        about = _about(connection)
        known = max(
            int(connection.execute(select(func.max(_NOTES.c.entry))).scalar() or 0), int(about.get(_FOLLOWED, 0))
        )
        if "ledger" not in about or head <= known:
            return 0
        query = select(_NOTES.c.number, _NOTES.c.wall_s, _NOTES.c.user, _NOTES.c.action)
        waiting = {row.number: row for row in connection.execute(query.where(_NOTES.c.entry.is_(None)))}
    since = [one for one in _notes(folder) if one.source == about.get("source", "") and one.entry > known]
    written = {number for number, row in waiting.items() if any(_is_of(row, one) for one in since)}
    lacking = [one for one in since if one.number not in written]
    if lacking:
        with database.write() as connection:
            _renumber(connection, sorted(set(waiting) - written), max(one.number for one in lacking))
            _go_on_after(connection, lacking)
            what = f"the database is an older copy: it lacks {len(lacking)} notes of the record"
            _call(folder, database, lacking, what)
            connection.execute(delete(_ABOUT).where(_ABOUT.c.name == _FOLLOWED))
            connection.execute(insert(_ABOUT).values(name=_FOLLOWED, value=str(max(one.entry for one in since))))
    return len(lacking)


def renew(folder: Path, database: Database) -> int:
    """Begin a database anew beside a record whose own is lost; numbers go on after those on record.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the mission.
    database : Database
        One that knows nothing of a mission.

    Returns
    -------
    int
        Notes on record.

    Raises
    ------
    InputError
        If the database knows a mission.
    DataError
        If there is no ledger, or it is not sound.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place, Database.open(place + "/control.sqlite") as database:
    ...     renew(Path(place), database)
    Traceback (most recent call last):
    ...
    moonpost.errors.DataError: ...: no such file; name a ledger, or begin one with moonpost ledger init
    """
    from moonpost.partners.ledger import Ledger

    database.create()
    with Ledger.open(str(folder / _LEDGER)) as ledger:
        identity = ledger.state().ledger
    notes = list(_notes(folder))
    with database.write() as connection:
        if _ledger_of(connection) is not None:
            raise InputError("its database is there", where=str(folder), advice="nothing has to be begun anew")
        connection.execute(insert(_ABOUT).values(name="ledger", value=identity))
        _go_on_after(connection, notes)
        _call(
            folder, database, notes, "the database was lost and begun anew: commands of before are on record alone"
        )
    return len(notes)


def _left(folder: Path) -> Iterator[str]:
    """What is there only once a mission was flown."""
    if (_head(folder) or 0) >= 1:
        yield f"a record of actions ({_LEDGER})"
    if any((folder / "archive" / "raw").glob("*.seg")):
        yield "telemetry (archive)"
    with contextlib.suppress(OSError), (folder / "station" / "journal.jsonl").open("rb") as file:
        if file.readline() and file.readline():
            yield "commands that reached the station (station/journal.jsonl)"


def _head(folder: Path) -> int | None:
    """Number of the last entry of the ledger; None where there is none that can be read."""
    path = folder / _LEDGER
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT max(entry) FROM entries").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return None


def _notes(folder: Path) -> Iterator[_Note]:
    """Notes of mission control in the ledger, in their order."""
    import json

    from moonpost.partners.ledger import Ledger

    with Ledger.open(str(folder / _LEDGER)) as ledger:
        records = ledger.state().records
    for entry, party, topic, body in records:
        if party == PARTY and topic == TOPIC:
            data: dict[str, Any] = json.loads(body["data"])
            octets = data.get("octets", "") if body["action"] == "request" else ""
            yield _Note(
                entry, str(body["source"]), int(body["number"]), int(body["command"] or 0),
                int(data.get("alarm", 0)), bytes.fromhex(octets), str(body["time"]),
                (str(body["wall"]), str(body["user"]), str(body["action"])),
            )  # fmt: skip


def _go_on_after(connection: Connection, notes: Sequence[_Note]) -> None:
    """Give no number of a command again, and no sequence count of a packet before long."""
    _give_after(connection, COMMANDS, max((one.command for one in notes), default=0))
    last = {}
    for one in notes:
        if len(one.octets) >= 4:
            head = int.from_bytes(one.octets[:4])
            last[head >> 16 & 0x7FF] = head & 0x3FFF
    for apid, count in last.items():
        following = {"next": (count + 1 + _CARRIED) % COUNTS_IN_ALL}
        if not connection.execute(update(_COUNTS).where(_COUNTS.c.apid == apid).values(following)).rowcount:
            connection.execute(insert(_COUNTS).values(apid=apid, **following))


def _is_of(row: Any, note: _Note) -> bool:
    """Whether a note that waits in the database is one on record."""
    return bool(row.number == note.number and note.said == (wall_text(row.wall_s), row.user, row.action))


def _renumber(connection: Connection, waiting: Sequence[int], last: int) -> None:
    """Put the notes that wait behind those on record, in their order."""
    behind = max(last, *waiting) if waiting else last
    if waiting and waiting[0] <= last:
        for place, number in enumerate(waiting):
            connection.execute(update(_NOTES).where(_NOTES.c.number == number).values(number=behind + 1 + place))
        behind += len(waiting)
    _give_after(connection, _NOTES, behind)


def _give_after(connection: Connection, table: Table, number: int) -> None:
    """Have the next number of a table lie beyond one."""
    if number < 1:
        return
    if connection.dialect.name != "sqlite":
        there = select(func.coalesce(func.max(table.c.number), 1)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(cast(table.name, Text), cast("number", Text))
        connection.execute(select(func.setval(sequence, func.greatest(number, there))))
        return
    told = {"table": table.name, "number": number}
    changed = text("update sqlite_sequence set seq = max(seq, :number) where name = :table")
    if not connection.execute(changed, told).rowcount:
        connection.execute(text("insert into sqlite_sequence (name, seq) values (:table, :number)"), told)


def _call(folder: Path, database: Database, notes: Sequence[_Note], what: str) -> None:
    """An alarm that tells of it, under a number after those on record."""
    store = AlarmStore(database)
    number = max([store.last(), *(one.alarm for one in notes)]) + 1
    times = [np.datetime64(one.time.rstrip("Z"), "us") for one in notes if one.time]
    at = reached_in(folder) or max(times, default=np.datetime64(time.time_ns() // 1000, "us"))
    store.write([Alarm(number, "ground.database", 0, at, float("nan"), 1, cleared=at, text=what)])


def _about(connection: Connection) -> dict[str, str]:
    """What the database says of itself."""
    return {row.name: row.value for row in connection.execute(select(_ABOUT))}


def _ledger_of(connection: Connection) -> str | None:
    """The ledger that goes with the database."""
    return _about(connection).get("ledger")
