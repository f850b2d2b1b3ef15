"""The end of the link that sends a file."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moonpost.control.files.link import FILES_APID, Link, need_cfdp
from moonpost.control.packets.headers import make_packets
from moonpost.errors import DataError, InputError, ModelError

__all__ = ["FileSender", "Progress", "send_file"]

_HEADROOM = 64
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Progress:
    """How far a file has come.

    Parameters
    ----------
    name : str
        Name of the file.
    octets : int
        Its size.
    done : int
        Octets that were sent at least once, or came.
    pdus : int
        Units of the protocol that were sent or came, repeated ones among them.
    complete : bool
        Whether it is there as a whole, with its checksum.

    Examples
    --------
    >>> Progress("map.tif", 1000, 500, 7).complete
    False
    """

    name: str
    octets: int
    done: int
    pdus: int
    complete: bool = False


class FileSender:
    """Sends one file, acknowledged: what is lost is sent again until the other side has it.

    Parameters
    ----------
    path : str or Path
        The file; it must not change until it is sent.
    name : str, optional
        Name on the other side; that of the file if None.
    entities : (int, int)
        Numbers of sender and receiver, 0 to 65535.
    transaction : int
        Number of this transfer, another one for each file of a sender.
    packet_octets : int
        Longest packet.
    timer_s : float
        After how long what was not answered is sent again [s]; more than the light's way there and back.
    apid : int
        Application process of the packets.

    Raises
    ------
    MissingExtraError
        If cfdp-py is not installed.
    DataError
        If there is no such file.
    InputError
        If a setting cannot be used.

    Notes
    -----
    Class 2 of the protocol. Nothing here waits or has a thread: `step` gives what is to be sent now, `take` takes
    what came. Between calls the transfer stands still and goes on with the next one, so that it can be stopped
    while there is no contact. It cannot be taken up again by another process.

    References
    ----------
    CCSDS 727.0-B-5, CCSDS File Delivery Protocol (CFDP), 2020.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.files.receiving import FileReceiver
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "map.tif").write_bytes(bytes(5000))
    ...     sender, receiver = FileSender(Path(folder) / "map.tif"), FileReceiver(Path(folder) / "ground")
    ...     while not sender.complete:
    ...         answers = [answer for packet in sender.step() for answer in receiver.take(packet)]
    ...         for answer in [*answers, *receiver.step()]:
    ...             sender.take(answer)
    ...     receiver.files[0].name, receiver.files[0].octets
    ('map.tif', 5000)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        entities: tuple[int, int] = (1, 2),
        transaction: int = 0,
        packet_octets: int = 1024,
        timer_s: float = 10.0,
        apid: int = FILES_APID,
    ) -> None:
        need_cfdp()
        from moonpost.control.files.engine import make_sender

        place = Path(path)
        self.name = name if name is not None else place.name
        if not place.is_file():
            raise DataError("there is no such file", where=str(place), advice="give the path of a file")
        plain = self.name not in {"", ".", ".."} and "/" not in self.name and "\0" not in self.name
        if not plain or len(self.name.encode()) > _LONGEST_NAME:
            raise InputError(f"name {self.name!r} cannot be sent", where="name", advice="give a plain file name")
        if not 0 <= transaction < 1 << 32 or not _HEADROOM + 64 <= packet_octets <= 65542 or not timer_s > 0:
            raise InputError(
                "a setting is out of range",
                where="file",
                advice="32-bit transaction, packets of 128 to 65542 octets",
            )
        if len(set(entities)) != 2 or not all(0 <= entity < 1 << 16 for entity in entities):
            raise InputError(f"entities {entities} cannot be used", where="entities", advice="two of 0 to 65535")
        self.octets = place.stat().st_size
        self.complete, self.fault = False, ""
        self._apid, self._count, self._pdus, self._done = apid, 0, 0, 0
        self._waiting: deque[bytes] = deque()
        self._machine = make_sender(
            place, self.name, entities, transaction, packet_octets - 6 - _HEADROOM, timer_s, self._finish
        )

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return Progress(self.name, self.octets, self._done, self._pdus, self.complete)

    @property
    def ended(self) -> bool:
        """Whether it is delivered, or given up by the other side."""
        return self.complete or bool(self.fault)

    def step(self, most: int = 16) -> tuple[bytes, ...]:
        """Packets to be sent now.

        Parameters
        ----------
        most : int
            How many at most.

        Returns
        -------
        tuple of bytes
            Packets; none while answers are waited for.
        """
        while len(self._waiting) < most and not self.ended:
            before = len(self._waiting)
            self._run(None)
            if len(self._waiting) == before:
                break
        return tuple(self._packet(self._waiting.popleft()) for _ in range(min(most, len(self._waiting))))

    def take(self, packet: bytes) -> None:
        """Take a packet that came; one that is not for this transfer changes nothing.

        Parameters
        ----------
        packet : bytes
            A space packet.
        """
        from spacepackets.cfdp.pdu import DirectiveType

        from moonpost.control.files.units import acknowledge, unit_of

        unit = unit_of(packet, self._apid)
        if unit is None or getattr(unit, "directive_type", None) is None:
            return
        if self.ended:
            if unit.directive_type == DirectiveType.FINISHED_PDU:
                self._waiting.append(acknowledge(unit))
            return
        self._run(unit)

    def _run(self, unit: Any) -> None:
        """One step of the machine."""
        from moonpost.control.files.units import REFUSALS

        try:
            self._machine.state_machine(unit)
        except REFUSALS:
            pass
        except OSError as error:
            self.fault = f"the file cannot be read: {error}"
        if not self.ended:
            self._done = max(self._done, self._machine.progress)
        while (held := self._machine.get_next_packet()) is not None:
            self._waiting.append(bytes(held.pdu.pack()))

    def _packet(self, unit: bytes) -> bytes:
        """A unit in a packet."""
        self._pdus += 1
        self._count = (self._count + 1) % 16384
        return make_packets(self._apid, [unit], first_count=self._count)[0]

    def _finish(self, whole: bool, what: str) -> None:
        """The other side has told how it went."""
        self.complete, self.fault = whole, "" if whole else what
        self._done = self.octets if whole else self._done


def send_file(
    path: str | Path,
    link: Link,
    *,
    rate_bit_s: float = 8e6,
    patience_s: float = 60.0,
    linger_s: float = 0.0,
    told: Callable[[Progress], object] | None = None,
    stopped: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Progress:
    """Send a file over a link and wait until it is delivered.

    Parameters
    ----------
    path : str or Path
        The file.
    link : Link
        What carries the packets.
    rate_bit_s : float
        How fast packets are sent [bit/s].
    patience_s : float
        How long to go on without any answer after everything was sent [s].
    linger_s : float
        How long to acknowledge the other side's last word again after the file is delivered [s].
    told : callable, optional
        Told the progress now and then.
    stopped : callable
        While it says so nothing is sent and patience does not run out, as outside of contacts.
    **settings
        As of `FileSender`.

    Returns
    -------
    Progress
        With `complete`.

    Raises
    ------
    ModelError
        If it was not delivered.
    MissingExtraError, DataError, InputError
        As `FileSender` raises them.

    Examples
    --------
    >>> import tempfile, threading
    >>> from moonpost.control.files import FileReceiver, UdpLink, receive_files
    >>> with tempfile.TemporaryDirectory() as folder, UdpLink(("127.0.0.1", 0)) as ground:
    ...     _ = (Path(folder) / "map.tif").write_bytes(bytes(5000))
    ...     receiver = FileReceiver(Path(folder) / "ground")
    ...     thread = threading.Thread(target=receive_files, args=(receiver, ground, lambda: bool(receiver.files)))
    ...     thread.start()
    ...     with UdpLink(("127.0.0.1", 0), ground.address) as station:
    ...         sent = send_file(Path(folder) / "map.tif", station)
    ...     thread.join()
    >>> sent.complete, sent.done
    (True, 5000)
    """
    sender = FileSender(path, **settings)
    heard = time.monotonic()
    due = heard
    while not sender.ended:
        now = time.monotonic()
        if stopped():
            heard = due = now
            link.receive(0.01)
            continue
        packets = sender.step()
        for packet in packets:
            link.send(packet)
        due = max(due, now) + sum(8 * len(packet) for packet in packets) / rate_bit_s
        heard = now if packets and sender.progress.done < sender.octets else heard
        answer = link.receive(max(due - time.monotonic(), 0.0) if packets else 0.005)
        if answer is not None:
            sender.take(answer)
            heard = time.monotonic()
        if told is not None and packets:
            told(sender.progress)
        if time.monotonic() - heard > patience_s:
            sender.fault = f"no answer for {patience_s:g} s"
    _close(sender, link, linger_s)
    if not sender.complete:
        raise ModelError(
            f"{sender.name!r} was not delivered: {sender.fault}", where="file", advice="send it again"
        )
    if told is not None:
        told(sender.progress)
    return sender.progress


def _close(sender: FileSender, link: Link, linger_s: float) -> None:
    """Send the last acknowledgement, and again while it is asked for."""
    end = time.monotonic() + linger_s
    while True:
        for packet in sender.step(64):
            link.send(packet)
        left_s = end - time.monotonic()
        if left_s <= 0:
            return
        answer = link.receive(min(left_s, 0.05))
        if answer is not None:
            sender.take(answer)
