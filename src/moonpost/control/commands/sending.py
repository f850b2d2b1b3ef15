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

    def send_waiting(self) -> None:
        """Send what was released and not taken by the uplink, if all that was noted is on record."""
        if not any(one.state == "released" and not one.sent for one in self._desk.live()):
            return
        if self._desk.audit.waiting:
            self._desk.audit.nudge()
            return
        if not self.lock.acquire(blocking=False):  # it is about to leave
            return
        try:
            waiting = [one for one in self._desk.live() if one.state == "released" and not one.sent]
            for command in waiting:
                self._late(command)
        finally:
            self.lock.release()

    def _late(self, command: Command) -> None:
        """Send what should have left before, unless it would do harm by now."""
        desk = self._desk
        if desk.now_us - released_us(command) > _SOON_US:
            harm = self._desk.rules.forbidden(command.octets, desk.now_us)
            if harm:
                why = f"was not taken by the uplink in time, and now: {'; '.join(harm)}"
                desk.step(command.id, Dropped(desk.wall(), desk.now_us, why), "dropped")
                self._desk.audit.nudge()
                return
            if self._desk.rules.out_of_contact(desk.now_us):
                return
        self.send(command)

    def harm(self, command: Command) -> tuple[str, ...]:
        """What it would lose whether it leaves at once or when time has run on while that was looked at."""
        looked = self._desk.now_us
        for _ in range(_LOOKS):
            begun = self._desk.now_us
            harm = self._desk.rules.forbidden(command.octets, looked)
            now = self._desk.now_us
            if harm or now - looked <= _SOON_US:
                return harm
            looked = now + 2 * (now - begun)
        return ("time runs on faster than it can be looked ahead: slow it down",)

    def send(self, command: Command) -> Command:
        """Hand the octets to the uplink, and put down that it took them; what fails is tried again later."""
        desk = self._desk
        try:
            self._uplink(command.octets, desk.clock())
        except MoonpostError as error:
            with desk.database.write() as connection:
                desk.note(connection, "uplink-failed", "", command, {"why": str(error)}, desk.now_us)
            self._desk.audit.nudge()
            return command
        done = desk.step(command.id, Sent(desk.wall(), desk.now_us), "sent")
        self._desk.audit.nudge()
        return done.command


def released_us(command: Command) -> int:
    """When it was released; what is reported from before that is of another packet."""
    return next((one.time_us or 0 for one in command.stages if one.state == "released"), 0)
