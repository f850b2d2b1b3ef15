"""What leaves for the station: looked at before, sent once, and looked at again if it leaves late."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from moonpost.control.commands.desk import Desk
from moonpost.control.commands.machine import Dropped, Sent
from moonpost.control.commands.model import Command
from moonpost.errors import MoonpostError

__all__ = ["Sending", "released_us"]

_SOON_US = 60_000_000
_LOOKS = 4
_OUTRUN = ("time runs on faster than it can be looked ahead: slow it down",)


class Sending:
    """Hands released commands to the uplink.

    Parameters
    ----------
    desk : Desk
        Where commands change.
    uplink : callable
        Takes octets and mission time, returns once they are safe, takes repeats without harm.

    Attributes
    ----------
    lock : threading.RLock
        Held from the look ahead until the packet has left, so that the next one is looked at with it.

    Examples
    --------
    >>> Sending.__name__
    'Sending'
    """

    def __init__(self, desk: Desk, uplink: Callable[[bytes, np.datetime64], object]) -> None:
        self._desk, self._uplink = desk, uplink
        self.lock = threading.RLock()
        self._stayed: set[str] = set()
        self._taken: dict[str, Sent] = {}
        self._looked_us: dict[str, int] = {}
        self._leaving = ""

    def stays(self, command: Command) -> None:
        """Know that a command which is about to be released has not left.

        Of one that was released before a restart nothing is known: the server may have been killed as it left.
        """
        self._stayed.add(command.id)

    def send_waiting(self) -> None:
        """Send what was released and not taken by the uplink, if all notes are on record, or give it up."""
        if not self._waiting() or not self.lock.acquire(blocking=False):  # it is about to leave
            return
        try:
            on_record = not self._desk.audit.waiting
            if not on_record:
                self._desk.audit.nudge()
            for command in self._waiting():
                if command.id in self._taken:
                    self._note_sent(command)
                elif on_record or self._is_late(command):
                    self._leave(command)
        finally:
            self.lock.release()

    def _waiting(self) -> list[Command]:
        live = self._desk.live()
        return [one for one in live if one.state == "released" and not one.sent and one.id != self._leaving]

    def _is_late(self, command: Command) -> bool:
        return command.deadline_us is not None and self._desk.now_us >= command.deadline_us

    def _leave(self, command: Command) -> Command:
        """Send it, unless too much time has passed since it was looked at and it would do harm by now."""
        desk = self._desk
        if self._is_late(command):
            return self._give_up(command, "the uplink did not take it in time")
        if desk.now_us - self._looked_us.get(command.id, released_us(command)) > _SOON_US:
            harm = self.harm(command)
            if harm == _OUTRUN:
                return command
            if harm:
                return self._give_up(command, f"was not taken by the uplink in time, and now: {'; '.join(harm)}")
            if desk.rules.out_of_contact(desk.now_us):
                return command
        return self._hand_over(command)

    def _give_up(self, command: Command, why: str) -> Command:
        """Let it leave no more: it has failed if it is known not to have left."""
        desk, stayed = self._desk, command.id in self._stayed
        text, state = (why, "failed") if stayed else (f"it is not known whether it left; {why}", "timed-out")
        done = desk.step(command.id, Dropped(desk.wall(), desk.now_us, text, state), "dropped")
        self._forget(command)
        desk.audit.nudge()
        return done.command

    def harm(self, command: Command) -> tuple[str, ...]:
        """What it would lose whether it leaves at once or when time has run on while that was looked at."""
        looked = self._desk.now_us
        for _ in range(_LOOKS):
            begun = self._desk.now_us
            harm = self._desk.rules.forbidden(command.octets, looked)
            now = self._desk.now_us
            if harm:
                return harm
            if now - looked <= _SOON_US:
                self._looked_us[command.id] = looked
                return ()
            looked = now + 2 * (now - begun)
        return _OUTRUN

    def send(self, command: Command) -> Command:
        """Hand over what was released just now, which is on record; what fails is tried again later."""
        return self._leave(command)

    def _hand_over(self, command: Command) -> Command:
        """Hand the octets to the uplink, and put down that it took them."""
        desk, stayed = self._desk, command.id in self._stayed
        self._stayed.discard(command.id)  # from here on it may have left
        self._leaving = command.id
        try:
            self._uplink(command.octets, desk.clock())
        except MoonpostError as error:
            if stayed:
                self._stayed.add(command.id)
            with desk.database.write() as connection:
                desk.note(connection, "uplink-failed", "", command, {"why": str(error)}, desk.now_us)
            desk.audit.nudge()
            return command
        finally:
            self._leaving = ""
        self._taken[command.id] = Sent(desk.wall(), desk.now_us)
        return self._note_sent(command)

    def _note_sent(self, command: Command) -> Command:
        """Put down that the uplink took it; with a full disk that waits for the next tick."""
        done = self._desk.step(command.id, self._taken[command.id], "sent")
        self._forget(command)
        self._desk.audit.nudge()
        return done.command

    def _forget(self, command: Command) -> None:
        self._stayed.discard(command.id)
        self._taken.pop(command.id, None)
        self._looked_us.pop(command.id, None)


def released_us(command: Command) -> int:
    """When it was released; what is reported from before that is of another packet."""
    return next((one.time_us or 0 for one in command.stages if one.state == "released"), 0)
