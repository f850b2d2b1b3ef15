"""Stacks: lists of commands that a user prepares, and has asked for one by one or all in their order."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, Row, String, Table, Text, delete, insert, select

from moonpost.control.commands.inserts import packet_of
from moonpost.control.commands.model import Command, CommandRefusedError
from moonpost.control.database import TABLES, Database
from moonpost.errors import InputError, MoonpostError

if TYPE_CHECKING:
    from moonpost.control.commands.commanding import Commanding

__all__ = ["Stack", "StackEntry", "Stacks"]

_STACKS = Table(
    "command_stacks",
    TABLES,
    Column("user", String(64), primary_key=True),
    Column("entries", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("running", Boolean, nullable=False, index=True),
    Column("due_us", BigInteger, nullable=False),
    Column("command", String(32), nullable=False),
    Column("note", Text, nullable=False),
)
_LONGEST, _ORIGIN = 500, 64
_LONGEST_DELAY_S = 400.0 * 86_400.0
_STOPPING = ("refused", "expired", "withdrawn", "failed")


@dataclass(frozen=True)
class StackEntry:
    """One command of a stack.

    Parameters
    ----------
    name : str
        As in the dictionary.
    arguments : mapping
        Its values.
    delay_s : float
        Mission time to wait after the one before it was sent [s].
    comment : str
        Why.

    Examples
    --------
    >>> StackEntry("ping").delay_s
    0.0
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    delay_s: float = 0.0
    comment: str = ""


@dataclass(frozen=True)
class Stack:
    """A user's stack and how far it has come.

    Parameters
    ----------
    entries : tuple of StackEntry
        In their order.
    position : int
        How many of them have been asked for.
    running : bool
        Whether the rest is asked for in turn.
    note : str
        What it waits for, or why it stopped.
    command : str
        Number of the command that it waits for.
    due_us : int
        Mission time before which the next one is not asked for.
    number : int
        Changes whenever its entries do.

    Examples
    --------
    >>> Stack((StackEntry("ping"),)).to_dict()["position"]
    0
    """

    entries: tuple[StackEntry, ...] = ()
    position: int = 0
    running: bool = False
    note: str = ""
    command: str = ""
    due_us: int = 0
    number: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; its ``entries`` can be given to another stack."""
        return {
            "entries": [asdict(one) for one in self.entries], "position": self.position, "running": self.running,
            "note": self.note, "command": self.command,
        }  # fmt: skip


class Stacks:
    """The stacks of all users, which go on where they were when the server stopped.

    Parameters
    ----------
    commanding : Commanding
        Takes the requests; every rule counts for a stack as for its user.
    database : Database
        Of mission control.
    now_us : callable
        Mission time, microseconds since 1970.

    Examples
    --------
    >>> Stacks.__name__
    'Stacks'
    """

    def __init__(self, commanding: Commanding, database: Database, now_us: Callable[[], int]) -> None:
        self._commanding, self._database, self._now_us = commanding, database, now_us
        self._lock = threading.Lock()

    def of(self, user: str) -> Stack:
        """The stack of a user; empty if there is none.

        Parameters
        ----------
        user : str
            Name.

        Returns
        -------
        Stack
        """
        with self._database.read() as connection:
            row = connection.execute(select(_STACKS).where(_STACKS.c.user == user)).one_or_none()
        return Stack() if row is None else _stack(row)

    def put(self, user: str, entries: Sequence[StackEntry]) -> Stack:
        """Give a user's stack other entries; it stops and begins anew.

        Parameters
        ----------
        user : str
            Name.
        entries : sequence of StackEntry
            At most 500.

        Returns
        -------
        Stack

        Raises
        ------
        InputError
            If there are too many, or an argument or delay cannot be used.
        UnknownNameError
            If the dictionary lacks a command.
        """
        if len(entries) > _LONGEST:
            raise InputError(f"has {len(entries)} entries", where="stack", advice=f"give at most {_LONGEST}")
        for place, one in enumerate(entries):
            if not 0.0 <= one.delay_s <= _LONGEST_DELAY_S:
                where = f"stack entry {place}, delay_s"
                raise InputError(f"is {one.delay_s}", where=where, advice=f"give 0 to {_LONGEST_DELAY_S:.0f} s")
            packet_of(self._commanding.dictionary, one.name, one.arguments, 0)
        with self._lock:
            return self._keep(user, Stack(tuple(entries), number=self.of(user).number + 1))

    def execute(self, user: str, *, all_entries: bool = False, number: int | None = None) -> Stack:
        """Ask for the next entry now, or for all that are left in turn; what needs no approval is sent at once.

        Parameters
        ----------
        user : str
            Name.
        all_entries : bool
            Whether the rest follows by itself, each after its delay.
        number : int, optional
            Of the stack that was looked at; another one is not executed.

        Returns
        -------
        Stack

        Raises
        ------
        InputError
            If nothing is left, or it runs already.
        """
        with self._lock:
            stack = self.of(user)
            if number not in (None, stack.number):
                raise InputError("was changed meanwhile", where="stack", advice="look at it again")
            if stack.running:
                raise InputError("runs already", where="stack", advice="stop it first")
            if stack.position >= len(stack.entries):
                raise InputError("has no entry left", where="stack", advice="give it entries again")
            if all_entries:
                delay = round(stack.entries[stack.position].delay_s * 1e6)
                self._keep(user, replace(stack, running=True, note="", due_us=self._now_us() + delay))
            else:
                return self._ask(user, stack)
        self._advance(user)
        return self.of(user)

    def stop(self, user: str) -> Stack:
        """Ask for no more; what was asked for stays.

        Parameters
        ----------
        user : str
            Name.

        Returns
        -------
        Stack
        """
        with self._lock:
            return self._keep(user, replace(self.of(user), running=False, command="", note="stopped"))

    def run(self) -> None:
        """Let every stack that runs go on as far as it can."""
        with self._database.read() as connection:
            users = connection.execute(select(_STACKS.c.user).where(_STACKS.c.running)).scalars().all()
        for user in users:
            self._advance(user)

    def _advance(self, user: str) -> None:
        """Go on with one stack."""
        with self._lock:
            stack = self.of(user)
            while stack.running and stack.due_us <= self._now_us():
                if stack.command:
                    after = self._follow(user, stack, self._commanding.command(stack.command))
                else:
                    after = self._ask(user, stack)
                if after == stack:
                    return
                stack = after

    def _ask(self, user: str, stack: Stack) -> Stack:
        """Ask for the entry at the position; the same one is never asked for twice."""
        entry = stack.entries[stack.position]
        origin = _origin(user, stack)
        try:
            command = self._commanding.request(
                user, entry.name, entry.arguments, comment=entry.comment or "stack", origin=origin
            )
        except MoonpostError as error:
            return self._keep(user, replace(stack, running=False, note=f"{entry.name}: {error}"))
        asked = self._keep(user, replace(stack, position=stack.position + 1, command=command.id))
        return self._follow(user, asked, command)

    def _follow(self, user: str, stack: Stack, command: Command) -> Stack:
        """See what became of the entry asked for last: send it, wait for it, go on or stop."""
        if command.state == "waiting":
            return self._keep(user, replace(stack, note=f"command {command.id} waits for approval"))
        if command.state == "approved":
            try:
                command = self._commanding.release(user, command.id)
            except CommandRefusedError as error:
                return self._keep(user, replace(stack, running=False, command="", note=str(error)))
        if command.state in _STOPPING:
            why = "; ".join(command.reasons) or command.state
            note = f"command {command.id}, {command.name}: {why}"
            return self._keep(user, replace(stack, running=False, command="", note=note))
        done = stack.position >= len(stack.entries)
        delay_s = 0.0 if done else stack.entries[stack.position].delay_s
        due_us = self._now_us() + round(delay_s * 1e6)
        running = stack.running and not done
        note = "all was asked for" if done else ""
        return self._keep(user, replace(stack, running=running, command="", note=note, due_us=due_us))

    def _keep(self, user: str, stack: Stack) -> Stack:
        """Put a stack down."""
        row = {
            "user": user, "entries": json.dumps([asdict(one) for one in stack.entries]), "number": stack.number,
            "position": stack.position, "running": stack.running, "due_us": stack.due_us, "command": stack.command,
            "note": stack.note,
        }  # fmt: skip
        if stack != self.of(user):
            with self._database.write() as connection:
                connection.execute(delete(_STACKS).where(_STACKS.c.user == user))
                connection.execute(insert(_STACKS).values(row))
        return stack


def _origin(user: str, stack: Stack) -> str:
    """Name of an entry's one request, of at most 64 characters; long names of users are told apart by a hash."""
    origin = f"stack {stack.number}.{stack.position} {user}"
    if len(origin) <= _ORIGIN:
        return origin
    return f"stack {stack.number}.{stack.position} #{hashlib.sha256(user.encode()).hexdigest()[:32]}"


def _stack(row: Row[Any]) -> Stack:
    entries = tuple(StackEntry(**one) for one in json.loads(row.entries))
    return Stack(entries, row.position, row.running, row.note, row.command, row.due_us, row.number)
