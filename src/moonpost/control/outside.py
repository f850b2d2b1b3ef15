"""The outside of a mission: ports for packets, frames sent on, commands to another station, its dictionary."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moonpost.errors import InputError, OutputError

if TYPE_CHECKING:
    from moonpost.control.ground import Ground
    from moonpost.control.ground.nats import NatsFeed
    from moonpost.control.packets import Dictionary, FrameLayout

__all__ = ["Outside", "address_of", "joined_dictionary"]

_MARKER_OCTETS = 4
_WAIT_S = 5.0


class Outside:
    """What a mission sends elsewhere and takes from elsewhere.

    Parameters
    ----------
    ground : Ground
        Takes telemetry of the telemetry port.
    command : callable
        Takes each packet of the command port and its sender.
    options : Options
        Ports and addresses.
    layout : FrameLayout
        Of the station's frames.

    Raises
    ------
    InputError
        If a port cannot be bound or an address cannot be used.

    Examples
    --------
    >>> from moonpost.control.options import Options
    >>> outside = Outside(None, None, Options(), None)
    >>> outside.takes_commands, outside.telemetry_port
    (False, None)
    """

    def __init__(
        self, ground: Ground, command: Callable[[bytes, str], bytes | None], options: Any, layout: FrameLayout
    ) -> None:
        from moonpost.control.ground.sockets import CommandPort, TelemetryPort

        self._layout = layout
        self._uplink = address_of(options.uplink_to, "--uplink")
        self._to = address_of(options.telemetry_to, "--telemetry-to")
        self._datagrams: socket.socket | None = None
        self._sent = {"datagrams": 0, "failed": 0}
        self._trouble = ""
        self._telemetry: TelemetryPort | None = None
        self._commands: CommandPort | None = None
        self._feed: NatsFeed | None = None
        try:
            if self._to is not None:
                family = socket.getaddrinfo(*self._to, type=socket.SOCK_DGRAM)[0][0]
                self._datagrams = socket.socket(family, socket.SOCK_DGRAM)
            if options.telemetry_port is not None:
                self._telemetry = TelemetryPort(
                    options.host, options.telemetry_port, ground, True, form=options.telemetry_form
                )
            if options.command_port is not None:
                self._commands = CommandPort(options.host, options.command_port, command)
            if options.nats is not None:
                from moonpost.control.ground.nats import NatsFeed

                self._feed = NatsFeed(options.nats, ground)
        except OSError as error:
            self.close()
            raise InputError(
                f"cannot be reached: {error}", where=str(options.telemetry_to), advice="check host and port"
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def telemetry_port(self) -> int | None:
        """The port for telemetry, if there is one."""
        return None if self._telemetry is None else self._telemetry.port

    @property
    def command_port(self) -> int | None:
        """The port for telecommands, if there is one."""
        return None if self._commands is None else self._commands.port

    @property
    def takes_commands(self) -> bool:
        """Whether commands go to an outside station."""
        return self._uplink is not None

    def send(self, octets: bytes) -> None:
        """Send on what the station sent; nobody who listens can hold it up.

        Parameters
        ----------
        octets : bytes
            Whole frames with sync markers.
        """
        if not octets:
            return
        if self._telemetry is not None:
            self._telemetry.send(octets)
        if self._datagrams is not None and self._to is not None:
            size = self._layout.sent_octets
            for begin in range(0, len(octets), size):
                try:
                    self._datagrams.sendto(octets[begin + _MARKER_OCTETS : begin + size], self._to)
                    self._sent["datagrams"] += 1
                except OSError as error:
                    self._sent["failed"] += 1
                    self._trouble = error.strerror or str(error)

    def command(self, octets: bytes) -> None:
        """Send a telecommand packet to the outside station.

        Parameters
        ----------
        octets : bytes
            The packet.

        Raises
        ------
        OutputError
            If it cannot be reached; the command waits and is sent again.
        """
        if self._uplink is None:
            raise OutputError("there is no outside station", where="uplink", advice="give --uplink HOST:PORT")
        try:
            with socket.create_connection(self._uplink, timeout=_WAIT_S) as connection:
                connection.sendall(octets)
        except OSError as error:
            raise OutputError(
                f"cannot be reached: {error}",
                where="{}:{}".format(*self._uplink),
                advice="check the outside station",
            ) from error

    def status(self) -> dict[str, Any]:
        """Counts of the ports, of what is sent on and of the stream, and why something failed last.

        Returns
        -------
        dict
            By ``telemetry``, ``commands``, ``telemetry_to`` and ``nats``, as far as there are any.
        """
        ports = {"telemetry": self._telemetry, "commands": self._commands}
        found: dict[str, Any] = {name: port.status() for name, port in ports.items() if port is not None}
        if self._datagrams is not None:
            found["telemetry_to"] = {**self._sent, "trouble": self._trouble}
        if self._feed is not None:
            found["nats"] = {"pieces": self._feed.pieces, "trouble": self._feed.trouble}
        return found

    def close(self) -> None:
        """Close all ports; a second call does nothing."""
        for port in (self._telemetry, self._commands, self._feed, self._datagrams):
            if port is not None:
                port.close()


def address_of(text: str | None, where: str) -> tuple[str, int] | None:
    """Host and port of a text.

    Parameters
    ----------
    text : str or None
        ``HOST:PORT``.
    where : str
        Option, for messages.

    Returns
    -------
    tuple of (str, int) or None

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> address_of("127.0.0.1:10015", "--uplink")
    ('127.0.0.1', 10015)
    """
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InputError(f"is {text!r}", where=where, advice="give HOST:PORT, such as 127.0.0.1:10015")
    return host.strip("[]"), int(port)


def joined_dictionary(own: Dictionary, xtce: str | os.PathLike[str] | None) -> Dictionary:
    """A station's dictionary, with that of an outside station beside it.

    Parameters
    ----------
    own : Dictionary
        Of the simulated station.
    xtce : path-like, optional
        File of the outside station.

    Returns
    -------
    Dictionary

    Raises
    ------
    DataError
        If the file cannot be read.
    InputError
        If both give one name to different things, or one APID to both.

    Examples
    --------
    >>> from moonpost.control.packets import station_dictionary
    >>> joined_dictionary(station_dictionary([]), None).name
    'station'
    """
    if xtce is None:
        return own
    from moonpost.control.packets import Dictionary, read_xtce

    other = read_xtce(Path(xtce))
    known = {parameter.name: parameter for parameter in own.parameters}
    clash = [row.name for row in other.parameters if known.get(row.name, row) != row]
    names = {packet.name for packet in own.packets} & {packet.name for packet in other.packets}
    apids = {packet.apid for packet in own.packets} & {packet.apid for packet in other.packets} - {None}
    if clash or names or apids:
        told = ", ".join(sorted([*clash, *names, *(f"APID {apid}" for apid in apids)])[:5])
        raise InputError(
            f"gives names of the simulated station to other things: {told}",
            where=str(xtce),
            advice="rename them, or give other APIDs",
        )
    more = [row for row in other.parameters if row.name not in known]
    return Dictionary(own.name, (*own.parameters, *more), (*own.packets, *other.packets))
