"""The end of the link that receives files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moonpost.control.files.link import FILES_APID, Link, need_cfdp
from moonpost.control.files.sending import Progress
from moonpost.control.packets.headers import make_packets
from moonpost.errors import OutputError

__all__ = ["FileReceiver", "ReceivedFile", "receive_files"]

_PARTIAL = ".partial"
_AT_ONCE = 16
_HELD = 4096
_REMEMBERED = 1024
_LAST_WORDS = 10  # how many timers to wait for the last acknowledgement of a file that is there


@dataclass(frozen=True)
class ReceivedFile:
    """A file that came as a whole.

    Parameters
    ----------
    name : str
        Its name.
    path : Path
        Where it is.
    octets : int
        Its size.
    crc32 : int
        Its checksum, CRC-32, equal to the sender's.

    Examples
    --------
    >>> ReceivedFile("map.tif", Path("ground/map.tif"), 3, 0x352441C2).octets
    3
    """

    name: str
    path: Path
    octets: int
    crc32: int


@dataclass
class _Transfer:
    """A file under way."""

    machine: Any
    path: Path
    heard_s: float
    asked_s: float = -1e9
    name: str = ""
    octets: int = 0
    crc32: int = 0
    pdus: int = 0
    ended: bool = False
    held: list[Any] = field(default_factory=list)


class FileReceiver:
    """Receives files into a folder; each appears there as a whole and with the right checksum, or not at all.

    Parameters
    ----------
    folder : str or Path
        Where files go; those under way are in a folder ``.partial`` in it.
    entity : int
        Number of this receiver, 0 to 65535.
    senders : tuple of int
        Numbers of those that it takes files from.
    most_octets : int
        Largest file that is taken.
    timer_s : float
        After how long what lacks is asked for again [s].
    patience_s : float
        After how long without a word a transfer is given up [s].
    apid : int
        Application process of the packets.

    Raises
    ------
    MissingExtraError
        If cfdp-py is not installed.
    OutputError
        If the folder cannot be written.

    Notes
    -----
    Around the machines of cfdp-py 0.7: what comes before the description of a file is held until that is there,
    and an end of file that comes again is acknowledged again; without that one lost unit could stop a transfer for
    good. A file of the same name is replaced. Up to 16 files come at once.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     FileReceiver(folder).take(b"noise")
    ()
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        entity: int = 2,
        senders: tuple[int, ...] = (1,),
        most_octets: int = 1 << 32,
        timer_s: float = 10.0,
        patience_s: float = 86_400.0,
        apid: int = FILES_APID,
    ) -> None:
        need_cfdp()
        self.folder = Path(folder)
        self.rejected = 0
        self._files: list[ReceivedFile] = []
        self._entity, self._senders, self._most = entity, senders, most_octets
        self._timer_s, self._patience_s, self._apid, self._count = timer_s, patience_s, apid, 0
        self._transfers: dict[tuple[int, int], _Transfer] = {}
        self._ended: dict[tuple[int, int], bool] = {}
        try:
            shutil.rmtree(self.folder / _PARTIAL, ignore_errors=True)
            (self.folder / _PARTIAL).mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"cannot be written: {error}", where=str(folder), advice="give a folder") from error

    @property
    def files(self) -> tuple[ReceivedFile, ...]:
        """Files that came, in their order."""
        return tuple(self._files)

    @property
    def progress(self) -> tuple[Progress, ...]:
        """How far files under way have come."""
        return tuple(
            Progress(one.name, one.octets, min(one.machine.progress, one.octets), one.pdus)
            for one in self._transfers.values()
            if not one.ended
        )

    def take(self, packet: bytes) -> tuple[bytes, ...]:
        """Take a packet that came.

        Parameters
        ----------
        packet : bytes
            A space packet; what is none of this protocol is counted in `rejected`.

        Returns
        -------
        tuple of bytes
            Packets to be sent back.
        """
        from spacepackets.cfdp.pdu import DirectiveType

        from moonpost.control.files.units import acknowledge, key_of, request_metadata, unit_of

        unit = unit_of(packet, self._apid)
        if unit is None or unit.dest_entity_id.value != self._entity or key_of(unit)[0] not in self._senders:
            self.rejected += 1
            return ()
        key, kind = key_of(unit), getattr(unit, "directive_type", None)
        if key in self._ended and key not in self._transfers:
            return self._packets([acknowledge(unit)] if kind == DirectiveType.EOF_PDU else [])
        transfer = self._transfers.get(key) or self._begin(key)
        if transfer is None:
            self.rejected += 1
            return ()
        transfer.pdus, transfer.heard_s = transfer.pdus + 1, time.monotonic()
        if transfer.name:
            return self._packets(self._feed(key, transfer, unit))
        if kind == DirectiveType.METADATA_PDU and unit.dest_file_name is not None:
            transfer.name, transfer.octets = Path(unit.dest_file_name).name or "unnamed", int(unit.file_size)
            held, transfer.held = [unit, *transfer.held], []
            return self._packets([octets for one in held for octets in self._feed(key, transfer, one)])
        if len(transfer.held) < _HELD:
            transfer.held.append(unit)
        if time.monotonic() - transfer.asked_s < self._timer_s:
            return ()
        transfer.asked_s = time.monotonic()
        return self._packets([request_metadata(unit)])

    def step(self) -> tuple[bytes, ...]:
        """Let time pass.

        Returns
        -------
        tuple of bytes
            Packets to be sent: what is asked for again.
        """
        from moonpost.control.files.units import request_metadata

        units: list[bytes] = []
        now = time.monotonic()
        for key, transfer in tuple(self._transfers.items()):
            if now - transfer.heard_s > (_LAST_WORDS * self._timer_s if transfer.ended else self._patience_s):
                self._drop(key, transfer)
            elif transfer.name:
                units += self._run(key, transfer, None)
            elif transfer.held and now - transfer.asked_s >= self._timer_s:
                transfer.asked_s = now
                units.append(request_metadata(transfer.held[0]))
        return self._packets(units)

    def _begin(self, key: tuple[int, int]) -> _Transfer | None:
        """A transfer not seen before; None if there are too many."""
        from moonpost.control.files.engine import make_receiver

        if len(self._transfers) >= _AT_ONCE:
            return None
        path = self.folder / _PARTIAL / f"{key[0]}-{key[1]}"

        def finish(whole: bool, _: str) -> None:
            if not transfer.ended:
                transfer.ended = True
                if whole:
                    self._keep(transfer)

        machine = make_receiver(path, (key[0], self._entity), self._most, self._timer_s, finish)
        transfer = _Transfer(machine, path, time.monotonic())
        self._transfers[key] = transfer
        return transfer

    def _feed(self, key: tuple[int, int], transfer: _Transfer, unit: Any) -> list[bytes]:
        """Give a unit to the machine, and acknowledge an end of file that it does not."""
        from spacepackets.cfdp.pdu import DirectiveType

        from moonpost.control.files.units import acknowledge

        is_end = getattr(unit, "directive_type", None) == DirectiveType.EOF_PDU
        listens = transfer.machine.step.name == "RECEIVING_FILE_DATA"
        if is_end:
            transfer.crc32 = int.from_bytes(unit.file_checksum, "big")
        answers = self._run(key, transfer, unit)
        return [acknowledge(unit), *answers] if is_end and not listens else answers

    def _run(self, key: tuple[int, int], transfer: _Transfer, unit: Any) -> list[bytes]:
        """One step of the machine."""
        from moonpost.control.files.units import REFUSALS

        try:
            transfer.machine.state_machine(unit)
        except REFUSALS:
            self.rejected += 1
        except OSError:
            self._drop(key, transfer)
            return []
        answers = []
        while (held := transfer.machine.get_next_packet()) is not None:
            answers.append(bytes(held.pdu.pack()))
        if transfer.ended and transfer.machine.state.name == "IDLE":
            self._drop(key, transfer)
        return answers

    def _keep(self, transfer: _Transfer) -> None:
        """Put a whole file under its name."""
        path = self.folder / transfer.name
        transfer.path.replace(path)
        self._files.append(ReceivedFile(transfer.name, path, path.stat().st_size, transfer.crc32))

    def _drop(self, key: tuple[int, int], transfer: _Transfer) -> None:
        """Forget a transfer but for its number."""
        del self._transfers[key]
        transfer.path.unlink(missing_ok=True)
        self._ended[key] = transfer.ended
        while len(self._ended) > _REMEMBERED:
            self._ended.pop(next(iter(self._ended)))

    def _packets(self, units: list[bytes]) -> tuple[bytes, ...]:
        """Units in packets of telecommands."""
        packets = make_packets(self._apid, units, first_count=self._count, telecommand=True)
        self._count = (self._count + len(units)) % 16384
        return tuple(packets)


def receive_files(receiver: FileReceiver, link: Link, stopped: Callable[[], bool]) -> None:
    """Receive files over a link until it is stopped.

    Parameters
    ----------
    receiver : FileReceiver
        What receives.
    link : Link
        What carries the packets.
    stopped : callable
        Ends it when it says so.

    Examples
    --------
    >>> import tempfile
    >>> from moonpost.control.files import UdpLink
    >>> with tempfile.TemporaryDirectory() as folder, UdpLink(("127.0.0.1", 0)) as link:
    ...     receive_files(FileReceiver(folder), link, lambda: True)
    """
    while not stopped():
        packet = link.receive(0.01)
        for answer in (*(receiver.take(packet) if packet is not None else ()), *receiver.step()):
            link.send(answer)
