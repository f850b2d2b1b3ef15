"""The end of the link that receives files."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moonpost.control.files.ended import ENDED, Delivered, Ended, key_in
from moonpost.control.files.journal import Journal
from moonpost.control.files.link import FILES_APID, Link, need_cfdp
from moonpost.control.files.sending import Progress
from moonpost.control.packets.headers import make_packets
from moonpost.errors import OutputError

__all__ = ["CAUSES", "FileReceiver", "ReceivedFile", "receive_files"]

CAUSES = ("no unit", "address", "busy", "name", "order", "disk")
"""Why packets are not taken: no unit or a wrong checksum, for or from others, too many files at once, no name of a
file, a unit that does not fit, a file that is too long or a disk that does not take it."""

_LOG = logging.getLogger(__name__)
_PARTIAL, _UNITS = ".partial", ".units"
_AT_ONCE = 16
_HELD = 4096
_SPARE_OCTETS = 1 << 24
_LONGEST_NAME = 255
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
    journal: Journal | None
    asked_s: float = -1e9
    name: str = ""
    octets: int = 0
    crc32: int = 0
    finished: str = ""
    pdus: int = 0
    ended: bool = False
    held: list[Any] = field(default_factory=list)


class FileReceiver:
    """Receives files into a folder; each appears there as a whole and with the right checksum, or not at all.

    Parameters
    ----------
    folder : str or Path
        Where files go; those under way are in a folder ``.partial`` in it, and are taken up from there.
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

    Units of a file under way are kept beside it, on the disk for certain before an end of file is acknowledged,
    and are given to a new machine by the next receiver of the folder: a transfer goes on after this process has
    died. If they come again so often that they are longer than twice the file they are no longer kept.

    Once a file is under its name its units are gone and its number is noted, the last 1,024 of them: what comes of
    it later, after a restart too, is acknowledged and delivers nothing. A next receiver tells the sender for ten
    timers that the file is there. Another file under a number that was used, told by its name, size or checksum,
    is taken as new.

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
        self.rejects: Counter[str] = Counter()
        self._files: list[ReceivedFile] = []
        self._entity, self._senders, self._most = entity, senders, most_octets
        self._timer_s, self._patience_s, self._apid, self._count = timer_s, patience_s, apid, 0
        self._transfers: dict[tuple[int, int], _Transfer] = {}
        try:
            (self.folder / _PARTIAL).mkdir(parents=True, exist_ok=True)
            self._ended = Ended(self.folder / _PARTIAL)
            self._take_up()
        except OSError as error:
            raise OutputError(f"cannot be written: {error}", where=str(folder), advice="give a folder") from error

    @property
    def rejected(self) -> int:
        """Packets that were not taken, of all causes."""
        return sum(self.rejects.values())

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
            A space packet; what is not taken is counted in `rejects` by its cause.

        Returns
        -------
        tuple of bytes
            Packets to be sent back.
        """
        return self._packets(self._taken(packet, kept=False))

    def _take_up(self) -> None:
        """Give what an earlier process kept to new machines; they ask for what lacks by themselves."""
        folder = self.folder / _PARTIAL
        found = []
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():  # not ours; one with something in it is left alone
                with contextlib.suppress(OSError):
                    path.rmdir()
                continue
            key = key_in(path) if path.suffix == _UNITS else None
            if key is not None and key not in self._ended and path.is_file():
                found.append((path.stat().st_mtime_ns, key, path))
            elif path.suffix != ENDED:
                path.unlink()
        for _, _, path in sorted(found)[-_AT_ONCE:]:  # in the order in which they were heard of last
            for packet in Journal.packets(path):
                self._taken(packet, kept=True)
        begun = {transfer.journal.path for transfer in self._transfers.values() if transfer.journal is not None}
        for _, _, path in found:
            if path not in begun:
                path.unlink(missing_ok=True)

    def _taken(self, packet: bytes, *, kept: bool) -> list[bytes]:
        """Take a packet that came or was kept; give units to be sent back."""
        from moonpost.control.files.units import unit_of

        unit = unit_of(packet, self._apid)
        if unit is None:
            return self._reject("no unit")
        try:
            return self._sorted(unit, packet, kept=kept)
        except Exception:  # a library's many ways to say that a unit does not fit
            _LOG.debug("a unit does not fit its transfer", exc_info=True)
            return self._reject("order")

    def _sorted(self, unit: Any, packet: bytes, *, kept: bool) -> list[bytes]:
        """Take a unit to its transfer."""
        from spacepackets.cfdp.pdu import DirectiveType

        from moonpost.control.files.units import key_of

        if unit.dest_entity_id.value != self._entity or key_of(unit)[0] not in self._senders:
            return self._reject("address")
        key, kind = key_of(unit), getattr(unit, "directive_type", None)
        is_named = kind == DirectiveType.METADATA_PDU and unit.dest_file_name is not None
        name = _name_of(unit.dest_file_name) if is_named else ""
        if name is None:
            return self._reject("name")
        if key in self._ended and key not in self._transfers:
            if not self._is_other(self._ended.get(key), unit, kind, name):
                return self._after(key, unit, kind)
            self._ended.forget(key)
        transfer = self._transfers.get(key) or self._begin(key)
        if transfer is None:
            return self._reject("busy")
        if not kept and not self._noted(transfer, packet, sure=kind is not None):
            self._drop(key, transfer, again=True)
            return self._reject("disk")
        return self._given(key, transfer, unit, name)

    @staticmethod
    def _is_other(known: Delivered | None, unit: Any, kind: Any, name: str) -> bool:
        """Whether a unit is of another file than the one that its transaction delivered."""
        from spacepackets.cfdp import ConditionCode
        from spacepackets.cfdp.pdu import DirectiveType

        if known is None:
            return False
        if kind == DirectiveType.METADATA_PDU:
            return bool(name) and (name, int(unit.file_size)) != (known.name, known.octets)
        if kind != DirectiveType.EOF_PDU or unit.condition_code != ConditionCode.NO_ERROR:
            return False
        told = int(unit.file_size), int.from_bytes(unit.file_checksum, "big")
        return told != (known.octets, known.crc32)

    def _after(self, key: tuple[int, int], unit: Any, kind: Any) -> list[bytes]:
        """Answer a unit of a transfer that has ended; nothing is delivered again."""
        from spacepackets.cfdp import ConditionCode
        from spacepackets.cfdp.pdu import DirectiveType

        from moonpost.control.files.units import acknowledge, finish

        if kind == DirectiveType.ACK_PDU:
            self._settle(key)
        if kind != DirectiveType.EOF_PDU:
            return []
        whole = self._ended.get(key) is not None and unit.condition_code == ConditionCode.NO_ERROR
        told = [finish(unit)] if whole else []
        return [acknowledge(unit), *told]

    def _given(self, key: tuple[int, int], transfer: _Transfer, unit: Any, name: str) -> list[bytes]:
        """Give a unit to its transfer, or hold it until the file's description, which has its name, is there."""
        from moonpost.control.files.units import request_metadata

        transfer.pdus, transfer.heard_s = transfer.pdus + 1, time.monotonic()
        if transfer.name:
            return self._feed(key, transfer, unit)
        if name:
            transfer.name, transfer.octets = name, int(unit.file_size)
            held, transfer.held = [unit, *transfer.held], []
            return [octets for one in held for octets in self._feed(key, transfer, one)]
        if len(transfer.held) < _HELD:
            transfer.held.append(unit)
        if time.monotonic() - transfer.asked_s < self._timer_s:
            return []
        transfer.asked_s = time.monotonic()
        return [request_metadata(unit)]

    def _reject(self, cause: str) -> list[bytes]:
        """Count a packet that is not taken."""
        self.rejects[cause] += 1
        return []

    def _noted(self, transfer: _Transfer, packet: bytes, *, sure: bool) -> bool:
        """Keep a unit for another process unless they only repeat; false if the disk does not take it."""
        if transfer.journal is None:
            return True
        try:
            if transfer.journal.octets > 2 * transfer.octets + _SPARE_OCTETS:
                transfer.journal.remove()
                transfer.journal = None
            else:
                transfer.journal.add(packet, sure=sure)
        except OSError:
            return False
        return True

    def step(self) -> tuple[bytes, ...]:
        """Let time pass.

        Returns
        -------
        tuple of bytes
            Packets to be sent: what is asked for again.
        """
        units: list[bytes] = []
        for key, transfer in tuple(self._transfers.items()):
            try:
                units += self._waited(key, transfer, time.monotonic())
            except Exception:  # it would fail again and again
                _LOG.warning("a transfer is given up", exc_info=True)
                self.rejects["order"] += 1
                self._drop(key, transfer)
        with self._disk_told():
            units += self._ended.due(time.monotonic(), self._timer_s)
        return self._packets(units)

    @contextlib.contextmanager
    def _disk_told(self) -> Iterator[None]:
        """Count a disk that does not take a note; what is noted is known in this process at least."""
        try:
            yield
        except OSError:
            self.rejects["disk"] += 1

    def _settle(self, key: tuple[int, int]) -> None:
        """Note that a sender knows of its file."""
        with self._disk_told():
            self._ended.settle(key)

    def _waited(self, key: tuple[int, int], transfer: _Transfer, now_s: float) -> list[bytes]:
        """What a transfer says after some time."""
        from moonpost.control.files.units import request_metadata

        if now_s - transfer.heard_s > (_LAST_WORDS * self._timer_s if transfer.ended else self._patience_s):
            self._drop(key, transfer)
        elif transfer.name:
            return self._run(key, transfer, None)
        elif transfer.held and now_s - transfer.asked_s >= self._timer_s:
            transfer.asked_s = now_s
            return [request_metadata(transfer.held[0])]
        return []

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
                    self._keep(key, transfer)

        machine = make_receiver(path, (key[0], self._entity), self._most, self._timer_s, finish)
        transfer = _Transfer(machine, path, time.monotonic(), Journal(path.with_suffix(_UNITS)))
        self._transfers[key] = transfer
        return transfer

    def _feed(self, key: tuple[int, int], transfer: _Transfer, unit: Any) -> list[bytes]:
        """Give a unit to the machine, and acknowledge an end of file that it does not."""
        from spacepackets.cfdp.pdu import DirectiveType

        from moonpost.control.files.units import acknowledge, finish

        is_end = getattr(unit, "directive_type", None) == DirectiveType.EOF_PDU
        listens = transfer.machine.step.name == "RECEIVING_FILE_DATA"
        if is_end:
            transfer.crc32, transfer.finished = int.from_bytes(unit.file_checksum, "big"), finish(unit).hex()
        answers = self._run(key, transfer, unit)
        return [acknowledge(unit), *answers] if is_end and not listens else answers

    def _run(self, key: tuple[int, int], transfer: _Transfer, unit: Any) -> list[bytes]:
        """One step of the machine."""
        from moonpost.control.files.units import REFUSALS

        try:
            transfer.machine.state_machine(unit)
        except REFUSALS:
            self.rejects["order"] += 1
        except OSError as error:
            self.rejects["disk"] += 1
            self._drop(key, transfer, again=not isinstance(error, PermissionError))
            return []
        answers = []
        while (held := transfer.machine.get_next_packet()) is not None:
            answers.append(bytes(held.pdu.pack()))
        if transfer.ended and transfer.machine.state.name == "IDLE":
            self._drop(key, transfer)
        return answers

    def _keep(self, key: tuple[int, int], transfer: _Transfer) -> None:
        """Put a whole file under its name, once: from then on nothing of it can be replayed."""
        path = self.folder / transfer.name
        with transfer.path.open("rb+") as file:
            os.fsync(file.fileno())
        transfer.path.replace(path)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        octets = path.stat().st_size
        self._files.append(ReceivedFile(transfer.name, path, octets, transfer.crc32))
        journal, transfer.journal = transfer.journal, None
        delivered = Delivered(transfer.name, octets, transfer.crc32, transfer.finished)
        try:
            self._ended.deliver(key, delivered)
        except OSError:  # units that are no longer needed may leave the room that the note lacked
            if journal is not None:
                journal.remove()
            with self._disk_told():
                self._ended.deliver(key, delivered)
        if journal is not None:
            journal.remove()

    def _drop(self, key: tuple[int, int], transfer: _Transfer, *, again: bool = False) -> None:
        """Forget a transfer but for its number; if it may come again, its number, too."""
        self._transfers.pop(key, None)
        if transfer.journal is not None:
            transfer.journal.remove()
        transfer.path.unlink(missing_ok=True)
        if key in self._ended:
            self._settle(key)
        elif not again:
            self._ended.give_up(key)

    def _packets(self, units: list[bytes]) -> tuple[bytes, ...]:
        """Units in packets of telecommands."""
        packets = make_packets(self._apid, units, first_count=self._count, telecommand=True)
        self._count = (self._count + len(units)) % 16384
        return tuple(packets)


def _name_of(told: str) -> str | None:
    """A file's name without its folders; None if it is none."""
    name = Path(told).name
    sound = name.isprintable() and name not in {"", ".", "..", _PARTIAL}
    return name if sound and len(name.encode(errors="replace")) <= _LONGEST_NAME else None


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
