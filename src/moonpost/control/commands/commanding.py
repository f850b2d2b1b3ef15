"""Commands from the request to their end: each step on the disk and on record before it is answered."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from moonpost.control.commands.audit import Audit
from moonpost.control.commands.desk import Desk
from moonpost.control.commands.inserts import content_of, packet_of, time_tagged, true_ticks
from moonpost.control.commands.machine import (
    FLYING,
    Approve,
    Event,
    Reject,
    Release,
    Reported,
    Tick,
    Withdraw,
)
from moonpost.control.commands.model import Command, CommandRefusedError, Person
from moonpost.control.commands.queue import QUEUE_STATES, Queue, read_queue, write_queue
from moonpost.control.commands.reports import verification
from moonpost.control.commands.requests import Packets, Requests, bare_command
from moonpost.control.commands.rules import WHOLE, Rules
from moonpost.control.commands.sending import Sending, released_us
from moonpost.control.commands.stack import Stacks
from moonpost.control.commands.store import COMMANDS, load_command, select_commands
from moonpost.control.database import Database
from moonpost.control.packets.telecommands import CommandDictionary
from moonpost.errors import InputError, OutputError
from moonpost.plan.model import Plan

__all__ = ["Commanding"]

_WAITING = ("waiting", "approved")
_OFTEN_S = 0.5
_KEEP_S = 10.0
_BEFORE_US = 10_000_000
_MOST_UNWRITTEN = 10_000


class Commanding:
    """All commands of a station.

    Parameters
    ----------
    database : Database
        Of mission control.
    dictionary : CommandDictionary
        What the station takes.
    uplink : callable
        Takes octets and mission time (`datetime64[us]`), returns once they are safe, takes repeats without harm.
    clock : callable
        Mission time now, `datetime64[us]`.
    audit : Audit
        The record of actions.
    rules : Rules
        Who may do what.
    wall : callable
        Seconds since 1970 UTC.
    time_tag : callable
        From mission time [us] to what the clock on board will show, 1/65536 s.
    steady : callable
        Seconds that pass evenly: a wall that is set back lengthens no approval.

    Notes
    -----
    Every step is one transaction of the database together with its note for the record. It is answered, and a
    packet leaves, only once its entry is in the ledger. What was released and not taken by the uplink when the
    server stopped is sent again when it starts: the station takes a packet of the same octets once.

    Examples
    --------
    >>> Commanding.__name__
    'Commanding'
    """

    def __init__(
        self,
        database: Database,
        dictionary: CommandDictionary,
        *,
        uplink: Callable[[bytes, np.datetime64], object],
        clock: Callable[[], np.datetime64],
        audit: Audit,
        rules: Rules,
        wall: Callable[[], float] = time.time,
        time_tag: Callable[[int], int] = true_ticks,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dictionary, self.rules, self.audit = dictionary, rules, audit
        self._time_tag = time_tag
        self._desk = Desk(database, audit, rules, clock, wall, steady)
        self._sending = Sending(self._desk, uplink)
        self._requests = Requests(dictionary, self._desk, time_tag)
        self.stacks = Stacks(self, database, lambda: self._desk.now_us)
        self._looked_s = self._kept_s = -np.inf
        self._unwritten: deque[tuple[str, Reported]] = deque(maxlen=_MOST_UNWRITTEN)

    @classmethod
    def open(
        cls,
        database: Database,
        dictionary: CommandDictionary,
        plan: Plan,
        *,
        uplink: Callable[[bytes, np.datetime64], object],
        clock: Callable[[], np.datetime64],
        audit: Audit,
        rules: Rules,
        wall: Callable[[], float] = time.time,
        time_tag: Callable[[int], int] = true_ticks,
        steady: Callable[[], float] = time.monotonic,
    ) -> Commanding:
        """Open the commands of a database, and send what was released and is not known to be sent.

        Parameters
        ----------
        database, dictionary, uplink, clock, audit, rules, wall, time_tag, steady
            See the class.
        plan : Plan
            Every machine that the dictionary names has to be in it.

        Returns
        -------
        Commanding

        Raises
        ------
        InputError
            If the dictionary names a machine that the plan lacks.
        """
        known = {element.id for element in plan.elements}
        unknown = sorted({one.element for one in dictionary.commands if one.element is not None} - known)
        if unknown:
            raise InputError(
                f"names {', '.join(unknown)}, which the plan lacks",
                where=dictionary.name,
                advice="correct one of them",
            )
        database.create()
        made = cls(
            database,
            dictionary,
            uplink=uplink,
            clock=clock,
            audit=audit,
            rules=rules,
            wall=wall,
            time_tag=time_tag,
            steady=steady,
        )
        audit.flush()
        made._sending.send_waiting()
        return made

    def listen(self, listener: Callable[[Command], object]) -> Callable[[], None]:
        """Have a callable told every change of a command, after it is on the disk.

        Parameters
        ----------
        listener : callable
            Takes the command; must return soon.

        Returns
        -------
        callable
            Stops it.
        """
        listeners = self._desk.listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener) if listener in listeners else None

    def request(
        self,
        user: str | Person,
        name: str,
        arguments: Mapping[str, Any],
        *,
        at: np.datetime64 | None = None,
        comment: str = "",
        origin: str = "",
    ) -> Command:
        """Ask for a command; its octets are fixed now.

        Parameters
        ----------
        user : str or Person
            Who; looked up again, whatever is given.
        name : str
            As in the dictionary.
        arguments : mapping
            Its values.
        at : datetime64, optional
            When it is to be carried out on board, mission time; on arrival if absent.
        comment : str
            Why.
        origin : str
            What it came of, if that may ask for only one command ever; then a second request gives the first one.

        Returns
        -------
        Command
            ``refused`` with reasons, ``waiting`` for approval, or ``approved`` if it needs none.

        Raises
        ------
        UnknownNameError
            If the dictionary lacks the command or an argument.
        InputError
            If an argument is missing or out of its range, or the time is no instant.
        CommandRefusedError
            If the user is unknown or disabled.
        """
        preview = packet_of(self.dictionary, name, arguments, 0)
        at_us = _microseconds(at)
        if at_us is not None:
            preview = time_tagged(self.dictionary, preview, self._time_tag(at_us), 0)
        bare = bare_command(name, arguments, preview, at_us, origin)

        def pack(connection: Connection) -> tuple[bytes, Packets]:
            return self._requests.fresh(connection, name, arguments, at_us)

        return self._requests.ask(_name(user), bare, pack, comment)

    def receive(self, octets: bytes, user: str | Person, *, comment: str = "command port") -> Command:
        """Take a telecommand packet from outside as the request of a user; sent at once if nothing forbids it.

        Parameters
        ----------
        octets : bytes
            The packet; its own sequence count is kept.
        user : str or Person
            Whose request it is.
        comment : str
            Why.

        Returns
        -------
        Command
            A hazardous one waits for approval. Octets that are known and not refused give their command.

        Raises
        ------
        DataError
            If it is no command of the dictionary.
        CommandRefusedError
            If the user is unknown or disabled.
        """
        packet = bytes(octets)
        content = content_of(self.dictionary, packet)
        packets = tuple((one.apid, one.count) for one in (content.command, *content.inside))
        bare = bare_command(content.command.name, content.command.arguments, packet, content.due_us, "")
        command = self._requests.ask(_name(user), bare, lambda _: (packet, packets), comment)
        if command.state != "approved" or command.significance == "hazardous":
            return command
        return self.release(user, command.id)

    def approve(self, user: str | Person, identifier: str, digest: str, comment: str = "") -> Command:
        """Approve a command by the digest of the octets that the person saw.

        Parameters
        ----------
        user : str or Person
            Who.
        identifier : str
            Number of the command.
        digest : str
            SHA-256 of its octets.
        comment : str
            Why.

        Returns
        -------
        Command

        Raises
        ------
        CommandRefusedError
            If the person may not, or the digest is another.
        """
        name = _name(user)
        self._desk.keep_wall()
        event = Approve(name, digest, self._desk.wall(), comment)
        return self._act("approve", identifier, name, event, comment, seen=digest[:64])

    def reject(self, user: str | Person, identifier: str, comment: str = "") -> Command:
        """Say no for a partner that would have to approve; the command is refused for good.

        Parameters
        ----------
        user, identifier, comment
            As for `approve`.

        Returns
        -------
        Command

        Raises
        ------
        CommandRefusedError
            If the person may not.
        """
        name = _name(user)
        return self._act("reject", identifier, name, Reject(name, self._desk.wall(), comment), comment)

    def withdraw(self, user: str | Person, identifier: str, comment: str = "") -> Command:
        """Take a request back before it is released.

        Parameters
        ----------
        user, identifier, comment
            As for `approve`.

        Returns
        -------
        Command

        Raises
        ------
        CommandRefusedError
            If the person may not, or it is too late.
        """
        name = _name(user)
        return self._act("withdraw", identifier, name, Withdraw(name, self._desk.wall(), comment), comment)

    def release(self, user: str | Person, identifier: str) -> Command:
        """Send a command, after every rule has been checked again.

        Parameters
        ----------
        user : str or Person
            Who; an operator of a partner that may command it.
        identifier : str
            Number of the command.

        Returns
        -------
        Command

        Raises
        ------
        CommandRefusedError
            If a rule forbids it; the command then waits, has expired or stays approved, as the rule says.
        """
        name = _name(user)
        with self._sending.lock:  # one after the other: each looks ahead with what the one before has sent
            command = self.command(identifier)
            obstacles = self._obstacles(command)
            now = self._desk.now_us
            due = max(self.rules.arrival_us(now), command.at_us or now)
            deadline_us = due + round(self.rules.verify_s * 1e6)
            event = Release(name, self._desk.wall(), now, deadline_us, command.version)
            if command.state == "approved":
                self._sending.stays(command)
            return self._sending.send(self._act("release", identifier, name, event, obstacles=obstacles))

    def report(self, report: Any) -> None:
        """Take a report of telemetry; those that verify a command move it on.

        Parameters
        ----------
        report : Report
            Service, subservice, time on board and fields.
        """
        found = verification(report)
        if found is None:
            return
        packet, state, time_us, text = found
        flying = [one for one in self._desk.reported(packet) if time_us >= released_us(one) - _BEFORE_US]
        if not flying:
            return
        command = max(flying, key=released_us)  # one that was released later did not cause it
        event = Reported(state, self._desk.wall(), time_us, packet != command.packets[0], text)
        self._unwritten.append((command.id, event))
        self._write_reports()

    def _write_reports(self) -> None:
        """Put down what reports said, in their order; with a full disk they wait for the next tick."""
        with self._desk.lock:
            while self._unwritten:
                identifier, event = self._unwritten[0]
                try:
                    self._desk.step(identifier, event, "report", data={"stage": event.state, "text": event.text})
                except OutputError:
                    return
                self._unwritten.popleft()
        self.audit.nudge()

    def tick(self) -> None:
        """Let time pass: approvals and requests expire, reports are missed, and what was not sent is sent.

        Notes
        -----
        Waits for no disk of the ledger, and goes on at the next call with what a full disk kept it from.
        """
        wall_s = self._desk.wall()
        if 0.0 <= wall_s - self._looked_s < _OFTEN_S:
            return
        self._looked_s = wall_s
        event = Tick(wall_s, self._desk.now_us)
        with suppress(OutputError):
            self._keep_wall(wall_s)
        if self._unwritten:
            self._write_reports()
        with suppress(OutputError):
            due = self._desk.due(event)
            for identifier in due:
                self._desk.step(identifier, event, "time")
            if due:
                self.audit.nudge()
            self._sending.send_waiting()
            self.stacks.run()

    def _keep_wall(self, wall_s: float) -> None:
        """Put the wall down while approvals count by it; follow it again when nothing waits."""
        waiting = [one for one in self._desk.live() if one.state in _WAITING]
        if not waiting:
            self._desk.follow_wall()
        elif any(one.approvals for one in waiting) and not 0.0 <= wall_s - self._kept_s < _KEEP_S:
            self._desk.keep_wall()
            self._kept_s = wall_s

    def command(self, identifier: str) -> Command:
        """A command as it stands.

        Parameters
        ----------
        identifier : str
            Its number.

        Returns
        -------
        Command

        Raises
        ------
        UnknownNameError
            If there is none of this number.
        """
        with self._desk.database.read() as connection:
            return load_command(connection, identifier)

    def commands(
        self, *, states: Iterable[str] | None = None, before: int | None = None, limit: int = 200
    ) -> tuple[Command, ...]:
        """Commands, the latest first.

        Parameters
        ----------
        states : iterable of str, optional
            Only those in one of these.
        before : int, optional
            Only those with a lower number.
        limit : int
            At most so many.

        Returns
        -------
        tuple of Command
        """
        query = select(COMMANDS).order_by(COMMANDS.c.number.desc()).limit(limit)
        if states is not None:
            query = query.where(COMMANDS.c.state.in_(sorted(states)))
        if before is not None:
            query = query.where(COMMANDS.c.number < before)
        with self._desk.database.read() as connection:
            return select_commands(connection, query)

    def onboard(self) -> tuple[Command, ...]:
        """Time-tagged commands that were sent and have not ended: the schedule on board as known here."""
        found = [one for one in self._desk.live() if len(one.packets) > 1 and one.state in FLYING]
        return tuple(sorted(found, key=lambda one: (one.at_us or 0, int(one.id))))

    def queue(self) -> Queue:
        """What the queue lets through now."""
        with self._desk.database.read() as connection:
            return read_queue(connection)

    def set_queue(self, user: str | Person, state: str, comment: str = "") -> Queue:
        """Enable, hold or disable the queue.

        Parameters
        ----------
        user : str or Person
            Who; an operator of a founder.
        state : str
            Of `QUEUE_STATES`.
        comment : str
            Why.

        Returns
        -------
        Queue

        Raises
        ------
        InputError
            If there is no such state.
        CommandRefusedError
            If the person may not.
        """
        if state not in QUEUE_STATES:
            raise InputError(f"is {state!r}", where="queue", advice=f"use one of {', '.join(QUEUE_STATES)}")
        name, desk = _name(user), self._desk
        person = self.rules.person(name)
        partner = person.partner if person is not None else ""
        may = person is not None and "operator" in person.roles and partner in self.rules.parties(WHOLE)
        found = Queue(state, name, desk.wall(), comment)
        with desk.lock, desk.database.write() as connection:
            if may:
                write_queue(connection, found)
            action = f"queue-{state}" if may else "queue-refused"
            said = {"comment": comment, "asked": state}
            self.audit.add(connection, action, name[:64], partner, data=said, time_us=desk.now_us)
        self.audit.flush()
        if not may:
            raise CommandRefusedError("only an operator of a founder sets the queue", forbidden=True)
        return found

    def _obstacles(self, command: Command) -> tuple[str, ...]:
        """What forbids release besides people and queue: night, contact."""
        if command.state != "approved":
            return ()
        changed = self._requests.changed(command)
        if changed:
            return (changed,)
        harm = self._sending.harm(command)
        contact = self.rules.out_of_contact(self._desk.now_us)
        return tuple(dict.fromkeys((*harm, *((contact,) if contact else ()))))

    def _act(
        self,
        action: str,
        identifier: str,
        user: str,
        event: Event,
        comment: str = "",
        *,
        seen: str = "",
        obstacles: tuple[str, ...] = (),
    ) -> Command:
        """A step that a person takes; on record whether it is done or refused."""
        data = {"comment": comment, "seen": seen}
        done = self._desk.step(identifier, event, action, user=user, data=data, obstacles=obstacles)
        self.audit.flush()
        if done.refusal:
            raise CommandRefusedError(done.refusal, done.command, forbidden=done.forbidden)
        return done.command


def _name(user: str | Person) -> str:
    return user if isinstance(user, str) else user.name


def _microseconds(at: np.datetime64 | None) -> int | None:
    if at is None:
        return None
    if np.isnat(at):
        raise InputError("is not an instant", where="at", advice="give a UTC date and time")
    return int(at.astype("datetime64[us]").astype(np.int64))
