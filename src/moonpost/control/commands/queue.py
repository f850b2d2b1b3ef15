"""The queue in front of the uplink: what it lets through, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Float, String, Table, Text, delete, insert, select

from moonpost.control.database import TABLES

__all__ = ["QUEUE_STATES", "Queue", "read_queue", "write_queue"]

QUEUE_STATES = {
    "enabled": "requests, approvals and releases are taken",
    "held": "requests and approvals are taken, nothing is released",
    "disabled": "nothing is asked for and nothing is released",
}
"""What the queue lets through."""

_QUEUE = Table(
    "command_queue",
    TABLES,
    Column("name", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("user", String(64), nullable=False),
    Column("wall_s", Float, nullable=False),
    Column("comment", Text, nullable=False),
)
_NAME = "main"


@dataclass(frozen=True)
class Queue:
    """What the queue lets through, who said so and when.

    Parameters
    ----------
    state : str
        Of `QUEUE_STATES`.
    user : str
        Who set it; empty at the beginning.
    wall_s : float
        When, seconds since 1970 UTC.
    comment : str
        Why.

    Examples
    --------
    >>> Queue("held", "li", 0.0, "eclipse").obstacle
    'the queue is held by li: eclipse'
    """

    state: str = "enabled"
    user: str = ""
    wall_s: float = 0.0
    comment: str = ""

    @property
    def obstacle(self) -> str:
        """Why nothing is released; empty if it is."""
        if self.state == "enabled":
            return ""
        return f"the queue is {self.state} by {self.user}" + (f": {self.comment}" if self.comment else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        wall_ms = round(self.wall_s * 1000.0)
        return {"state": self.state, "user": self.user, "wall_ms": wall_ms, "comment": self.comment}


def read_queue(connection: Connection) -> Queue:
    """The queue as it stands."""
    row = connection.execute(select(_QUEUE).where(_QUEUE.c.name == _NAME)).one_or_none()
    return Queue() if row is None else Queue(row.state, row.user, row.wall_s, row.comment)


def write_queue(connection: Connection, queue: Queue) -> None:
    """Put the queue down."""
    connection.execute(delete(_QUEUE).where(_QUEUE.c.name == _NAME))
    row = {"state": queue.state, "user": queue.user, "wall_s": queue.wall_s, "comment": queue.comment}
    connection.execute(insert(_QUEUE).values(name=_NAME, **row))
