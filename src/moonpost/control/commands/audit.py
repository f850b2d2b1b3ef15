"""Who did what, when: every action of mission control as a signed entry of a ledger, written once."""

from __future__ import annotations

import itertools
import json
import os
import queue
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from moonpost.control.database import TABLES, Database
from moonpost.errors import DataError, OutputError
from moonpost.partners.ledger import Ledger, PartyKey, key_id, load_key, new_key, save_key
from moonpost.partners.ledger.entries import NO_ENTRY, now_utc, parse_line, sign_entry
from moonpost.partners.ledger.stores import is_url, open_store
from moonpost.plan.model import Plan

__all__ = ["PARTY", "TOPIC", "Audit", "AuditEntry"]

PARTY = "mission-control"
"""Party of the ledger as which mission control signs."""
TOPIC = "mission-control"
"""Topic of its records."""

_ENTRIES = Table(
    "audit",
    TABLES,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("wall_s", Float, nullable=False),
    Column("time_us", BigInteger),
    Column("user", String(64), nullable=False),
    Column("partner", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("command", String(32), index=True),
    Column("data", Text, nullable=False),
    Column("entry", BigInteger, index=True),
    Column("hash", String(64)),
    sqlite_autoincrement=True,
)
_ABOUT = Table("audit_about", TABLES, Column("name", String(32), primary_key=True), Column("value", String(64)))
_WAIT_S = 60.0
_BATCH = 200


class AuditEntry(NamedTuple):
    """One action on record.

    Parameters
    ----------
    number : int
        In the order of what happened.
    wall_s : float
        When, seconds since 1970 UTC.
    time_us : int or None
        Mission time, microseconds since 1970.
    user, partner : str
        Who, and for whom; empty for the station and the clock.
    action : str
        What.
    command : str
        Number of the command that it concerns; empty for anything else.
    data : dict
        Everything else.
    entry : int or None
        Number of its entry in the ledger; None until it is there.
    hash : str
        Of that entry.
    """

    number: int
    wall_s: float
    time_us: int | None
    user: str
    partner: str
    action: str
    command: str
    data: dict[str, Any]
    entry: int | None
    hash: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: times in milliseconds since 1970."""
        row = self._asdict()
        wall_s, time_us = row.pop("wall_s"), row.pop("time_us")
        return {**row, "wall_ms": round(wall_s * 1000.0), "time_ms": None if time_us is None else time_us // 1000}


class Audit:
    """The record of actions: noted in the transaction of what they change, then signed into the ledger.

    Parameters
    ----------
    database : Database
        Of mission control.
    place : str
        The ledger: a SQLite file or PostgreSQL URL.
    key : PartyKey
        Of mission control.

    Notes
    -----
    Notes wait in the database until their entry is on the disk; a thread of its own signs and writes them in their
    order. After a crash, what waits and is in the ledger already is only marked, so that no entry stands twice.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.plan import load_plan
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(folder + "/control.sqlite") as database:
    ...     with Audit.open(database, folder + "/a.sqlite", load_plan("ilrs"), keys=folder) as audit:
    ...         audit.record("alarm-acknowledged", "li", "cnsa", data={"alarm": "7"})
    ...         audit.entries()[0].entry
    1
    """

    def __init__(self, database: Database, place: str, key: PartyKey) -> None:
        self._database, self._place, self._key = database, place, key
        self._asked: queue.Queue[Future[None] | None] = queue.Queue()
        self._source = ""
        self._ended = False
        self._unmarked: dict[int, tuple[int, str]] = {}
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="audit", daemon=True)
        self._thread.start()
        ready.result()

    @classmethod
    def open(cls, database: Database, place: str, plan: Plan, *, keys: str | os.PathLike[str]) -> Audit:
        """Open the record, beginning its ledger and making its key if they are not there.

        Parameters
        ----------
        database : Database
            Of mission control.
        place : str
            The ledger: a SQLite file or PostgreSQL URL.
        plan : Plan
            Named in the first entry.
        keys : path-like
            Folder of the key, readable by its owner alone.

        Returns
        -------
        Audit

        Raises
        ------
        DataError
            If the ledger is not sound, is not the one that this database goes with, or lacks the key.
        OutputError
            If ledger or key cannot be written.
        """
        database.create()
        key = _key_in(Path(keys))
        if _is_new(place):
            with database.read() as connection:
                known = _about(connection).get("ledger")
            if known:
                raise DataError(
                    f"the ledger {known} of this database is not there",
                    where=place,
                    advice="bring back its file; a record of actions is not begun anew beside an old one",
                )
            _begin(place, plan, key)
        return cls(database, place, key)

    def __enter__(self) -> Audit:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits and end the thread."""
        if not self._ended:
            self._ended = True
            self._asked.put(None)
            self._thread.join(_WAIT_S)

    @staticmethod
    def add(
        connection: Connection,
        action: str,
        user: str,
        partner: str,
        *,
        command: str = "",
        data: Mapping[str, Any] | None = None,
        time_us: int | None = None,
        wall_s: float | None = None,
    ) -> None:
        """Note an action in the transaction of what it changes; call `flush` when that has ended.

        Parameters
        ----------
        connection : sqlalchemy.Connection
            Of ``database.write()``.
        action : str
            What.
        user, partner : str
            Who, and for whom.
        command : str
            Number of the command that it concerns.
        data : mapping, optional
            Everything else, as plain values.
        time_us : int, optional
            Mission time, microseconds since 1970.
        wall_s : float, optional
            When, seconds since 1970 UTC; now if absent.
        """
        row = {
            "wall_s": time.time() if wall_s is None else wall_s, "time_us": time_us, "user": user,
            "partner": partner, "action": action, "command": command or None,
            "data": json.dumps(_plain(dict(data or {})), sort_keys=True),
        }  # fmt: skip
        connection.execute(insert(_ENTRIES).values(row))

    def record(
        self,
        action: str,
        user: str,
        partner: str,
        *,
        data: Mapping[str, Any] | None = None,
        time_us: int | None = None,
    ) -> None:
        """Note an action on its own; in the ledger when this returns.

        Parameters
        ----------
        action, user, partner, data, time_us
            As for `add`.
        """
        with self._database.write() as connection:
            self.add(connection, action, user, partner, data=data, time_us=time_us)
        self.flush()

    def flush(self) -> None:
        """Wait until everything noted so far is in the ledger.

        Raises
        ------
        OutputError
            If it cannot be written now; it stays noted, and is written later.
        """
        done: Future[None] = Future()
        self._asked.put(done)
        if self._ended and not self._thread.is_alive():
            raise OutputError("is closed", where=self._place, advice="open mission control again")
        try:
            done.result(_WAIT_S)
        except TimeoutError as error:
            raise OutputError(
                "the record of actions could not be written in time", where=self._place, advice="try again"
            ) from error

    def nudge(self) -> None:
        """Have what is noted written soon, without waiting."""
        self._asked.put(Future())

    @property
    def waiting(self) -> int:
        """How many notes are not in the ledger yet."""
        with self._database.read() as connection:
            query = select(func.count()).where(_ENTRIES.c.entry.is_(None))
            return int(connection.execute(query).scalar_one())

    def entries(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        command: str | None = None,
        newest: bool = False,
    ) -> tuple[AuditEntry, ...]:
        """Actions on record, oldest first.

        Parameters
        ----------
        after, before : int
            Only those with a higher, and a lower number.
        limit : int
            At most so many.
        command : str, optional
            Only those of one command.
        newest : bool
            Gives the latest ones instead of the first ones.

        Returns
        -------
        tuple of AuditEntry
        """
        query = select(_ENTRIES).where(_ENTRIES.c.number > after)
        if before is not None:
            query = query.where(_ENTRIES.c.number < before)
        if command is not None:
            query = query.where(_ENTRIES.c.command == command)
        order = _ENTRIES.c.number.desc() if newest else _ENTRIES.c.number
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(order).limit(limit)).all()
        found = [
            AuditEntry(r.number, r.wall_s, r.time_us, r.user, r.partner, r.action, r.command or "",
                       json.loads(r.data), r.entry, r.hash or "")
            for r in rows
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda one: one.number))

    def _run(self, ready: Future[None]) -> None:
        """Open the ledger, take up what waits, then write what is noted."""
        try:
            with Ledger.open(self._place) as ledger:
                self._take_up(ledger)
                self._write(ledger)
                ready.set_result(None)
                self._serve(ledger)
        except BaseException as error:  # told to whoever opens or waits
            if ready.done():
                raise
            ready.set_exception(error)

    def _serve(self, ledger: Ledger) -> None:
        """Write whenever asked, and tell all who asked meanwhile."""
        going = True
        while going:
            asked = [self._asked.get()]
            while not self._asked.empty():
                asked.append(self._asked.get_nowait())
            going = None not in asked
            fault: BaseException | None = None
            try:
                self._write(ledger)
            except Exception as error:  # the notes stay, and whoever waits is told
                fault = error
            for one in asked:
                if one is not None and fault is None:
                    one.set_result(None)
                elif one is not None and fault is not None:
                    one.set_exception(fault)

    def _take_up(self, ledger: Ledger) -> None:
        """Check that ledger and database go together, and mark what a crash left unmarked."""
        state = ledger.state()
        if state.keys.get(key_id(self._key.public), ("", ""))[0] != self._key.party:
            raise DataError(
                "the key of mission control is none of this ledger's",
                where=self._place,
                advice="let it join (moonpost ledger join), or name another ledger",
            )
        with self._database.write() as connection:
            about = _about(connection)
            if about.get("ledger", state.ledger) != state.ledger:
                raise DataError(
                    f"is the ledger {state.ledger}, this database goes with {about['ledger']}",
                    where=self._place,
                    advice="bring back the file that belongs to it",
                )
            for name, value in (("ledger", state.ledger), ("source", secrets.token_hex(8))):
                if name not in about:
                    connection.execute(insert(_ABOUT).values(name=name, value=value))
            self._source = _about(connection)["source"]
            self._same_history(connection, ledger)
            self._mark_written(connection, ledger, state.records)

    def _same_history(self, connection: Connection, ledger: Ledger) -> None:
        """Refuse a ledger that lacks the last entry that the database knows of."""
        row = connection.execute(
            select(_ENTRIES.c.entry, _ENTRIES.c.hash)
            .where(_ENTRIES.c.entry.is_not(None))
            .order_by(_ENTRIES.c.entry.desc())
            .limit(1)
        ).one_or_none()
        if row is None:
            return
        line = next(itertools.islice(ledger.lines(), row.entry, None), None)
        if line is None or parse_line(line).hash != row.hash:
            raise DataError(
                f"entry {row.entry} is missing or another than the one written",
                where=self._place,
                advice="bring back the newest copy of this ledger",
            )

    def _mark_written(
        self, connection: Connection, ledger: Ledger, records: list[tuple[int, str, str, Any]]
    ) -> None:
        """Mark notes whose entries were written just before a crash."""
        rows = connection.execute(select(_ENTRIES).where(_ENTRIES.c.entry.is_(None)))
        bodies = {row.number: self._body(row) for row in rows}
        written = {
            data["number"]: entry
            for entry, party, topic, data in records
            if party == self._key.party and topic == TOPIC and data == bodies.get(data.get("number"))
        }
        if not written:
            return
        lines = dict(enumerate(ledger.lines()))
        _mark(connection, {number: (entry, parse_line(lines[entry]).hash) for number, entry in written.items()})

    def _write(self, ledger: Ledger) -> None:
        """Sign every note that waits into the ledger, and mark it."""
        while True:
            with self._database.read() as connection:
                query = (
                    select(_ENTRIES).where(_ENTRIES.c.entry.is_(None)).order_by(_ENTRIES.c.number).limit(_BATCH)
                )
                rows = connection.execute(query).all()
            if not rows:
                return
            try:
                for row in rows:
                    if row.number not in self._unmarked:
                        entry = ledger.append(self._key, "record", {"topic": TOPIC, "data": self._body(row)})
                        self._unmarked[row.number] = (entry.entry, entry.hash)
            finally:
                with self._database.write() as connection:
                    _mark(connection, self._unmarked)
                self._unmarked.clear()

    def _body(self, row: Any) -> dict[str, Any]:
        """What an entry says: text and whole numbers."""
        return {
            "source": self._source,
            "number": row.number,
            "wall": wall_text(row.wall_s),
            "time": "" if row.time_us is None else _iso(row.time_us),
            "user": row.user,
            "partner": row.partner,
            "action": row.action,
            "command": row.command or "",
            "data": row.data,
        }


def wall_text(wall_s: float) -> str:
    """A wall time as entries tell it."""
    return _iso(round(wall_s * 1e6))


def _iso(microseconds: int) -> str:
    import numpy as np

    return f"{np.datetime64(microseconds, 'us')}Z"


def _plain(value: Any) -> Any:
    """A value as JSON carries it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _mark(connection: Connection, rows: Mapping[int, tuple[int, str]]) -> None:
    """Put down the entry of each number."""
    for number, (entry, digest) in rows.items():
        connection.execute(update(_ENTRIES).where(_ENTRIES.c.number == number).values(entry=entry, hash=digest))


def _about(connection: Connection) -> dict[str, str]:
    return {row.name: row.value for row in connection.execute(select(_ABOUT))}


def _key_in(folder: Path) -> PartyKey:
    """The key of mission control, made if there is none."""
    found = sorted(folder.glob(f"{PARTY}-*.pem"))
    if len(found) > 1:
        raise DataError("more than one key of mission control", where=str(folder), advice="keep the one in use")
    if found:
        return load_key(found[0], PARTY)
    key = new_key(PARTY)
    save_key(key, folder)
    return key


def _is_new(place: str) -> bool:
    """Whether no ledger is there yet."""
    if not is_url(place):
        path = Path(place)
        if not path.exists():
            return True
    try:
        open_store(place).close()
    except DataError:
        try:
            open_store(
                place, new=True
            ).close()  # takes a file without tables, as a stop while it was made leaves it
        except OutputError:
            return False
        return True
    return False


def _begin(place: str, plan: Plan, key: PartyKey) -> None:
    """Begin a ledger whose one party is mission control."""
    body = {
        "plan": {"id": plan.id, "version": plan.version, "sha256": plan.sha256, "title": plan.title},
        "parties": [{"id": key.party, "role": "founder", "public": key.public}],
        "agreements": [],
        "owned": [],
    }
    genesis = sign_entry(key, secrets.token_hex(16), 0, NO_ENTRY, "genesis", body, time=now_utc())
    store = open_store(place, new=True)
    try:
        store.create([(0, genesis.hash, genesis.line)])
    finally:
        store.close()
