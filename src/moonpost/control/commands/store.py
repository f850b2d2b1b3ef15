"""Commands in the database: each step of one is a change of its row, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from moonpost.control.commands.model import ENDED, Approval, Command, Stage
from moonpost.control.database import TABLES
from moonpost.errors import OutputError, UnknownNameError

__all__ = [
    "ALL_USED",
    "COMMANDS",
    "COUNTS_IN_ALL",
    "find_digest",
    "find_origin",
    "insert_command",
    "live_commands",
    "load_command",
    "mute_commands",
    "newest_number",
    "next_count",
    "save_command",
    "select_commands",
    "sent_since",
]

COMMANDS = Table(
    "commands",
    TABLES,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("name", String(128), nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False, index=True),
    Column("significance", String(16), nullable=False),
    Column("requester", String(64), nullable=False),
    Column("partner", String(64), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("requested_wall_s", Float, nullable=False),
    Column("at_us", BigInteger),
    Column("deadline_us", BigInteger),
    Column("sent", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("origin", String(64), unique=True),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Every command that was ever asked for."""

_COUNTS = Table(
    "command_counts",
    TABLES,
    Column("apid", Integer, primary_key=True, autoincrement=False),
    Column("next", Integer, nullable=False),
)
COUNTS_IN_ALL = 16384
"""Sequence counts of an APID."""
ALL_USED = "withdraw old requests, or wait until the first of those that were never answered is out of the way"
"""What to do when none is left."""


def _row(command: Command) -> dict[str, Any]:
    body = {
        "arguments": {name: _value(one) for name, one in command.arguments.items()},
        "elements": command.elements, "owners": command.owners, "needed": command.needed,
        "stages": [asdict(one) for one in command.stages], "approvals": [asdict(one) for one in command.approvals],
        "reasons": command.reasons, "packets": command.packets,
    }  # fmt: skip
    return {
        "name": command.name, "octets": command.octets, "digest": command.digest, "state": command.state,
        "significance": command.significance, "requester": command.requester, "partner": command.partner,
        "requested_wall_s": command.requested_wall_s, "at_us": command.at_us, "sent": command.sent,
        "deadline_us": command.deadline_us, "version": command.version, "origin": command.origin or None,
        "body": json.dumps(body),
    }  # fmt: skip


def _value(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _command(row: Row[Any]) -> Command:
    body = json.loads(row.body)
    return Command(
        id=str(row.number), name=row.name, arguments=body["arguments"], octets=bytes(row.octets),
        digest=row.digest, significance=row.significance, elements=tuple(body["elements"]),
        requester=row.requester, partner=row.partner, owners=tuple(body["owners"]), needed=tuple(body["needed"]),
        state=row.state,
        stages=tuple(Stage(**one) for one in body["stages"]),
        approvals=tuple(Approval(**one) for one in body["approvals"]), reasons=tuple(body["reasons"]),
        requested_wall_s=row.requested_wall_s, packets=tuple((int(a), int(c)) for a, c in body["packets"]),
        at_us=row.at_us, deadline_us=row.deadline_us, sent=row.sent, version=row.version, origin=row.origin or "",
    )  # fmt: skip


def insert_command(connection: Connection, command: Command) -> Command:
    """Add a command and give it its number."""
    result = connection.execute(insert(COMMANDS).values(_row(command)))
    key = result.inserted_primary_key
    return replace(command, id=str(key[0] if key is not None else ""))


def load_command(connection: Connection, identifier: str) -> Command:
    """The command of a number."""
    number = int(identifier) if identifier.isascii() and identifier.isdigit() and len(identifier) < 10 else -1
    row = connection.execute(select(COMMANDS).where(COMMANDS.c.number == number)).one_or_none()
    if row is None:
        raise UnknownNameError(identifier, (), kind="command")
    return _command(row)


def save_command(connection: Connection, before: Command, after: Command) -> Command:
    """Put a command down as it is now, if nobody changed it meanwhile."""
    changed = replace(after, version=before.version + 1)
    same = (COMMANDS.c.number == int(before.id)) & (COMMANDS.c.version == before.version)
    if connection.execute(update(COMMANDS).where(same).values(_row(changed))).rowcount != 1:
        raise OutputError("was changed meanwhile", where=f"command {before.id}", advice="look at it again")
    return changed


def select_commands(connection: Connection, query: Select[Any]) -> tuple[Command, ...]:
    """The commands of a query of all columns of `COMMANDS`."""
    return tuple(_command(row) for row in connection.execute(query))


def live_commands(connection: Connection) -> tuple[Command, ...]:
    """Commands to which something is bound to happen."""
    over = sorted((*ENDED, "timed-out"))
    query = select(COMMANDS).where(COMMANDS.c.state.not_in(over)).order_by(COMMANDS.c.number)
    return select_commands(connection, query)


def mute_commands(connection: Connection) -> tuple[Command, ...]:
    """Commands that were sent and of which nothing was heard in time."""
    query = select(COMMANDS).where(COMMANDS.c.state == "timed-out").order_by(COMMANDS.c.number)
    return select_commands(connection, query)


def find_digest(connection: Connection, digest: str) -> tuple[Command, ...]:
    """Commands of the same octets."""
    return select_commands(
        connection, select(COMMANDS).where(COMMANDS.c.digest == digest).order_by(COMMANDS.c.number)
    )


def find_origin(connection: Connection, origin: str) -> Command | None:
    """The command that came of something that may ask for only one."""
    found = select_commands(connection, select(COMMANDS).where(COMMANDS.c.origin == origin))
    return found[0] if found else None


def newest_number(connection: Connection) -> int:
    """Number of the command that was asked for last; 0 if none was."""
    return int(connection.execute(select(func.max(COMMANDS.c.number))).scalar_one() or 0)


def sent_since(connection: Connection, command: Command) -> int:
    """How many commands of higher numbers were sent."""
    later = COMMANDS.c.sent & (COMMANDS.c.number > int(command.id))
    return int(connection.execute(select(func.count()).where(later)).scalar_one())


def next_count(connection: Connection, apid: int, taken: Iterable[int]) -> int:
    """The next free sequence count of an APID, which is then used up."""
    used = set(taken)
    row = connection.execute(select(_COUNTS.c.next).where(_COUNTS.c.apid == apid)).one_or_none()
    count = 0 if row is None else int(row.next)
    if len(used) >= COUNTS_IN_ALL:
        raise OutputError("all sequence counts are in use", where=f"APID {apid}", advice=ALL_USED)
    while count in used:
        count = (count + 1) % COUNTS_IN_ALL
    following = (count + 1) % COUNTS_IN_ALL
    if row is None:
        connection.execute(insert(_COUNTS).values(apid=apid, next=following))
    else:
        connection.execute(update(_COUNTS).where(_COUNTS.c.apid == apid).values(next=following))
    return count
