"""Requests judged before they are put down: who asks, for what, and what stands against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from moonpost.control.commands.desk import Desk
from moonpost.control.commands.inserts import Content, content_of, packet_of, time_tagged
from moonpost.control.commands.model import Command, CommandRefusedError, Person, Stage, digest_of
from moonpost.control.commands.queue import Queue, read_queue
from moonpost.control.commands.rules import WHOLE
from moonpost.control.commands.store import (
    ALL_USED,
    COUNTS_IN_ALL,
    find_digest,
    find_origin,
    newest_number,
    sent_since,
)
from moonpost.control.packets.telecommands import CommandDictionary
from moonpost.errors import DataError, OutputError

__all__ = ["Packets", "Requests", "bare_command"]

Packets = tuple[tuple[int, int], ...]
"""Application and sequence count of a packet, then of those that it carries."""

_DEAD = ("refused", "expired", "withdrawn")
_REMEMBERED = 10_000  # a station knows the last 8,192 packets again


class Requests:
    """Takes requests and puts them down as refused, waiting or approved.

    Parameters
    ----------
    dictionary : CommandDictionary
        What the station takes.
    desk : Desk
        Where commands change.
    time_tag : callable
        From mission time [us] to what the clock on board will show, 1/65536 s.

    Examples
    --------
    >>> Requests.__name__
    'Requests'
    """

    def __init__(self, dictionary: CommandDictionary, desk: Desk, time_tag: Callable[[int], int]) -> None:
        self._dictionary, self._desk, self._time_tag = dictionary, desk, time_tag

    def ask(
        self,
        user: str,
        bare: Command,
        pack: Callable[[Connection], tuple[bytes, Packets]],
        comment: str,
    ) -> Command:
        """Judge a request by its preview, then put it down with its octets."""
        desk, now = self._desk, self._desk.now_us
        if self._desk.rules.person(user) is None:
            desk.refuse(user, f"unknown or disabled, asks for {bare.name}")
            raise CommandRefusedError(f"{user} is unknown or disabled", forbidden=True)
        content = content_of(self._dictionary, bare.octets)
        whole = replace(bare, requester=user, significance=content.significance, elements=_elements(content))
        forbidden: tuple[str, ...] = ()
        if not self._no_request(whole, self._desk.rules.person(user), now):  # who may not ask is shown no future
            forbidden = self._desk.rules.forbidden(bare.octets, now)
        if bare.at_us is not None and bare.at_us <= now:
            forbidden = (*forbidden, "the time at which it is to be carried out has passed")

        def make(connection: Connection) -> tuple[Command, bool]:
            there = find_origin(connection, bare.origin) if bare.origin else None
            if there is not None and there.requester == user:
                return there, False
            if there is not None:
                raise CommandRefusedError("what it came of belongs to somebody else", there)
            octets, packets = pack(connection)
            same = find_digest(connection, digest_of(octets))
            known = [one for one in same if one.state not in _DEAD and not self._forgotten(connection, one)]
            if known:
                return known[-1], False
            self._unused(packets)
            asked = replace(whole, octets=octets, digest=digest_of(octets), packets=packets)
            return self._begun(asked, forbidden, now, comment, read_queue(connection)), True

        return desk.begin(make, user, comment)

    def _begun(self, bare: Command, forbidden: tuple[str, ...], now: int, comment: str, queue: Queue) -> Command:
        """A command as it begins: refused, waiting or approved."""
        wall_s = self._desk.wall()
        person = self._desk.rules.person(bare.requester)
        partner = person.partner if person is not None else ""
        owners = tuple(dict.fromkeys(self._desk.rules.parties(one)[0] for one in bare.elements if one != WHOLE))
        needed = self._desk.rules.needed(bare.elements, partner, bare.significance)
        reasons = [*self._no_request(bare, person, now), *forbidden]
        if queue.state == "disabled":
            reasons.append(queue.obstacle)
        state = "refused" if reasons else "waiting" if needed else "approved"
        stages = [Stage("requested", wall_s, now, bare.requester, comment)]
        if reasons:
            stages.append(Stage("refused", wall_s, now, "", "; ".join(reasons)))
        return replace(
            bare, partner=partner, owners=owners or self._desk.rules.parties(WHOLE), needed=tuple(sorted(needed)),
            state=state, stages=tuple(stages), reasons=tuple(reasons), requested_wall_s=wall_s,
        )  # fmt: skip

    def _no_request(self, bare: Command, person: Person | None, now: int) -> list[str]:
        """Why this person may not ask for it."""
        if person is None:
            return [f"{bare.requester} is unknown or disabled"]
        found = [] if "operator" in person.roles else [f"{person.name} is no operator"]
        may = self._desk.rules.commanders_until(bare.elements, now, bare.at_us)
        if person.partner not in may:
            what = "the station as a whole" if WHOLE in bare.elements else ", ".join(bare.elements)
            when = "" if bare.at_us is None else " until then"
            names = ", ".join(sorted(may)) or "nobody"
            found.append(f"{person.partner} may not command {what}{when}; {names} may")
        return found

    def fresh(
        self, connection: Connection, name: str, arguments: Mapping[str, Any], at_us: int | None
    ) -> tuple[bytes, Packets]:
        """Octets with sequence counts that no live command has and no earlier packet of the same octets had."""
        apid = self._dictionary.command(name).apid
        for _ in range(COUNTS_IN_ALL):
            count = self._desk.count(connection, apid)
            octets = packet_of(self._dictionary, name, arguments, count)
            packets: Packets = ((apid, count),)
            if at_us is not None:
                ticks = self._time_tag(at_us)
                outer = content_of(self._dictionary, time_tagged(self._dictionary, octets, ticks, 0)).command.apid
                around = self._desk.count(connection, outer)
                octets = time_tagged(self._dictionary, octets, ticks, around)
                packets = ((outer, around), *packets)
            if all(self._forgotten(connection, one) for one in find_digest(connection, digest_of(octets))):
                return octets, packets
        raise OutputError("all sequence counts are in use", where=f"APID {apid}", advice=ALL_USED)

    def _forgotten(self, connection: Connection, command: Command) -> bool:
        """Whether so many were sent since that the station takes the same octets for a new packet."""
        over = command.ended or self._desk.silent(command)
        if not over or newest_number(connection) - int(command.id) < _REMEMBERED:
            return False
        return command.state in _DEAD or sent_since(connection, command) >= _REMEMBERED

    def changed(self, command: Command) -> str:
        """Whether its octets say something else now than what is on record of them; empty if not."""
        try:
            content = content_of(self._dictionary, command.octets)
        except DataError as error:
            return f"its octets can no longer be read, ask for it again: {error.what}"
        if (content.significance, _elements(content)) == (command.significance, command.elements):
            return ""
        return "what its octets do is not what is on record of it: ask for it again"

    def _unused(self, packets: Packets) -> None:
        """Refuse a packet whose reports could not be told from those of another."""
        one = self._desk.holding(packets)
        if one is not None:
            raise CommandRefusedError("its sequence count is that of a command under way", one)


def bare_command(
    name: str, arguments: Mapping[str, Any], octets: bytes, at_us: int | None, origin: str
) -> Command:
    """What a request says, before anything is known of who asks."""
    digest = digest_of(octets)
    return Command(
        "", name, dict(arguments), octets, digest, "", (), "", "", (), (), at_us=at_us, origin=origin
    )  # fmt: skip


def _elements(content: Content) -> tuple[str, ...]:
    return (*content.elements, WHOLE) if content.whole else content.elements
