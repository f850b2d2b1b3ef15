"""Where every step of a command is taken: one transaction with its note for the record, one step at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from moonpost.control.commands.audit import Audit
from moonpost.control.commands.machine import Event, Grounds, Outcome, Release, Tick, step
from moonpost.control.commands.model import Command, CommandRefusedError
from moonpost.control.commands.queue import read_queue
from moonpost.control.commands.rules import Rules
from moonpost.control.commands.store import insert_command, live_commands, load_command, next_count, save_command
from moonpost.control.database import Database

__all__ = ["Desk"]


class Desk:
    """The one place at which commands change.

    Parameters
    ----------
    database : Database
        Of mission control.
    audit : Audit
        The record of actions.
    rules : Rules
        Who may do what.
    clock : callable
        Mission time now, `datetime64[us]`.
    wall : callable
        Seconds since 1970 UTC.

    Examples
    --------
    >>> Desk.__name__
    'Desk'
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        rules: Rules,
        clock: Callable[[], np.datetime64],
        wall: Callable[[], float],
    ) -> None:
        self.database, self.audit, self.rules, self.clock, self.wall = database, audit, rules, clock, wall
        self.lock = threading.RLock()
        self.listeners: list[Callable[[Command], object]] = []
        with database.read() as connection:
            self._live = {one.id: one for one in live_commands(connection)}

    @property
    def now_us(self) -> int:
        """Mission time, microseconds since 1970."""
        return int(self.clock().astype("datetime64[us]").astype(np.int64))

    def live(self) -> tuple[Command, ...]:
        """Commands to which something can still happen, by their numbers."""
        with self.lock:
            return tuple(sorted(self._live.values(), key=lambda one: int(one.id)))

    def step(
        self,
        identifier: str,
        event: Event,
        action: str,
        *,
        user: str = "",
        data: Mapping[str, Any] | None = None,
        obstacles: tuple[str, ...] = (),
    ) -> Outcome:
        """One step in one transaction; what a person asks for is noted even if it is refused."""
        now = self.now_us
        with self.lock:
            with self.database.write() as connection:
                before = load_command(connection, identifier)
                held = read_queue(connection).obstacle if isinstance(event, Release) else ""
                names = [user] if user else []
                grounds = self.rules.grounds(
                    before, names, time_us=now, obstacles=(*obstacles, held) if held else obstacles
                )
                done = step(before, event, grounds)
                if done.command is not before:
                    done = replace(done, command=save_command(connection, before, done.command))
                if user or done.command is not before:
                    told = f"{action}-refused" if done.refusal and user else action
                    said = {**(data or {}), "refusal": done.refusal}
                    self.note(connection, told, user, done.command, said, now)
            if done.command is not before:
                self.changed(done.command)
        return done

    def begin(self, make: Callable[[Connection], tuple[Command, bool]], user: str, comment: str) -> Command:
        """Put a new command down, or take the one that is there already."""
        now = self.now_us
        try:
            with self.lock:
                with self.database.write() as connection:
                    command, new = make(connection)
                    if not new:
                        return command
                    command = insert_command(connection, command)
                    said = {"comment": comment, "reasons": command.reasons}
                    self.note(connection, "request", user, command, said, now)
                self.changed(command)
        except CommandRefusedError as error:
            self.refuse(user, error.what)
            raise
        self.audit.flush()
        return command

    def refuse(self, user: str, what: str) -> None:
        """Put on record that something was refused of which no command came."""
        person = self.rules.person(user)
        partner = person.partner if person is not None else ""
        with self.database.write() as connection:
            self.audit.add(
                connection, "request-refused", user[:64], partner, data={"refusal": what}, time_us=self.now_us
            )
        self.audit.flush()

    def note(
        self, connection: Connection, action: str, user: str, command: Command, data: Mapping[str, Any], now: int
    ) -> None:
        """Note a step: what, whose octets, how it stands."""
        person = self.rules.person(user) if user else None
        said = {
            **{name: value for name, value in data.items() if value}, "name": command.name, "state": command.state,
            "digest": command.digest, "significance": command.significance, "elements": command.elements,
        }  # fmt: skip
        if action == "request":
            said |= {"octets": command.octets, "arguments": command.arguments, "at_us": command.at_us}
        partner = person.partner if person is not None else ""
        self.audit.add(
            connection, action, user, partner, command=command.id, data=said, time_us=now, wall_s=self.wall()
        )

    def changed(self, command: Command) -> None:
        """Keep what is live at hand, and tell the listeners; a listener that fails harms nobody."""
        if command.ended:
            self._live.pop(command.id, None)
        else:
            self._live[command.id] = command
        for listener in tuple(self.listeners):
            with suppress(Exception):
                listener(command)

    def count(self, connection: Connection, apid: int) -> int:
        """A sequence count of an APID that no live command has."""
        taken = [count for one in self._live.values() for app, count in one.packets if app == apid]
        return next_count(connection, apid, taken)

    def due(self, event: Tick) -> tuple[str, ...]:
        """Commands that the passing of time changes."""
        grounds = Grounds(frozenset(), frozenset(), {}, self.rules.approval_s, self.rules.request_s)
        return tuple(one.id for one in self.live() if step(one, event, grounds).command is not one)
