"""Where every step of a command is taken: one transaction with its note for the record, one step at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from moonpost.control.commands.audit import Audit
from moonpost.control.commands.machine import FLYING, Event, Grounds, Outcome, Release, Tick, is_dropped, step
from moonpost.control.commands.model import Command, CommandRefusedError
from moonpost.control.commands.queue import read_queue
from moonpost.control.commands.rules import Rules
from moonpost.control.commands.store import (
    COMMANDS,
    insert_command,
    live_commands,
    load_command,
    mute_commands,
    next_count,
    save_command,
    select_commands,
)
from moonpost.control.commands.walls import SteadyWall
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
    wall, steady : callable
        Seconds since 1970 UTC, and seconds that never go back.

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
        steady: Callable[[], float],
    ) -> None:
        self.database, self.audit, self.rules, self.clock = database, audit, rules, clock
        self.lock = threading.RLock()
        self.listeners: list[Callable[[Command], object]] = []
        self._wall = SteadyWall(database, wall, steady)
        with database.read() as connection:
            self._live = {one.id: one for one in live_commands(connection)}
            unsent = select(COMMANDS).where(COMMANDS.c.state == "failed", COMMANDS.c.sent.is_(False))
            dropped = select_commands(connection, unsent.order_by(COMMANDS.c.number))
            self._mute = {one.id: one for one in (*mute_commands(connection), *dropped)}

    def wall(self) -> float:
        """The clock on the wall, which here never goes back [s since 1970]."""
        return self._wall.now()

    @property
    def now_us(self) -> int:
        """Mission time, microseconds since 1970."""
        return int(self.clock().astype("datetime64[us]").astype(np.int64))

    def live(self) -> tuple[Command, ...]:
        """Commands to which something is bound to happen, by their numbers."""
        with self.lock:
            return tuple(sorted(self._live.values(), key=lambda one: int(one.id)))

    def reported(self, packet: tuple[int, int]) -> tuple[Command, ...]:
        """Commands that a report on a packet may be about, by their numbers.

        Timed-out ones are among them, and for a while failed ones that were held never to have left.
        """
        with self.lock:
            found = [one for one in (*self._live.values(), *self._mute.values()) if packet in one.packets]
        may = [one for one in found if one.state in FLYING or (is_dropped(one) and not self.silent(one))]
        return tuple(sorted(may, key=lambda one: int(one.id)))

    def keep_wall(self) -> None:
        """Put down how late it is on the wall, so that a stop does not let anybody turn it back."""
        self._wall.keep()

    def follow_wall(self) -> None:
        """Take the wall as it is: nothing waits whose time could be lengthened."""
        self._wall.release()

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
        mute = command.state == "timed-out" or is_dropped(command)
        for kept, belongs in ((self._live, command.live), (self._mute, mute)):
            if belongs:
                kept[command.id] = command
            else:
                kept.pop(command.id, None)
        for listener in tuple(self.listeners):
            with suppress(Exception):
                listener(command)

    def count(self, connection: Connection, apid: int) -> int:
        """A sequence count of an APID of which no command is under way, or may still be."""
        with self.lock:
            holding = [*self._live.values(), *(one for one in self._mute.values() if not self.silent(one))]
        taken = [count for one in holding for app, count in one.packets if app == apid]
        return next_count(connection, apid, taken)

    def silent(self, command: Command) -> bool:
        """Whether nothing more can happen to one of which nothing was heard; what did may still be told."""
        unheard = command.state == "timed-out" or is_dropped(command)
        waited_us = self.now_us - (command.deadline_us or 0)
        return unheard and waited_us >= round(self.rules.reuse_s * 1e6)

    def holding(self, packets: Iterable[tuple[int, int]]) -> Command | None:
        """A command whose reports could be taken for those on some packets."""
        wanted = set(packets)
        with self.lock:
            rows = (*self._live.values(), *(one for one in self._mute.values() if not self.silent(one)))
        return next((one for one in rows if wanted & set(one.packets)), None)

    def due(self, event: Tick) -> tuple[str, ...]:
        """Commands that the passing of time changes."""
        grounds = Grounds(frozenset(), frozenset(), {}, self.rules.approval_s, self.rules.request_s)
        return tuple(one.id for one in self.live() if step(one, event, grounds).command is not one)
