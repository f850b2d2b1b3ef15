"""Files by cfdp-py 0.7 over links that lose, repeat and reorder: complete and equal, octet by octet.

Whether two checksums agree is told by zlib (CRC-32) and by SHA-256 of the whole file.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
import zlib
from binascii import crc_hqx
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.files import FileReceiver, FileSender, Progress, UdpLink, receive_files, send_file
from moonpost.control.files.ended import Ended
from moonpost.control.files.journal import Journal
from moonpost.control.files.receiving import CAUSES
from moonpost.control.packets.headers import make_packets
from moonpost.errors import DataError, InputError, MissingExtraError, ModelError

TIMER_S = 0.03


class Lossy:
    """A link that loses, repeats and delays packets by chance, always the same."""

    def __init__(self, link: UdpLink, seed: int, lost: float, repeated: float, late: float) -> None:
        self.link, self.chance = link, np.random.default_rng(seed)
        self.odds = np.cumsum([lost, repeated, late])
        self.held: list[bytes] = []
        self.counts = dict.fromkeys(("sent", "lost", "repeated", "late"), 0)

    def send(self, octets: bytes) -> None:
        draw = float(self.chance.random())
        kind = ("lost", "repeated", "late", "sent")[int(np.searchsorted(self.odds, draw, side="right"))]
        self.counts[kind] += 1
        for _ in range({"lost": 0, "repeated": 2, "late": 0, "sent": 1}[kind]):
            self.link.send(octets)
        if kind == "late":
            self.held.append(octets)
        elif self.held and self.chance.random() < 0.3:
            self.link.send(self.held.pop(int(self.chance.integers(len(self.held)))))

    def receive(self, timeout_s: float) -> bytes | None:
        return self.link.receive(timeout_s)


def product(path: Path, octets: int, seed: int = 4) -> str:
    """A file by chance; its SHA-256."""
    data = np.random.default_rng(seed).bytes(octets)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def test_a_data_product_arrives_over_a_lossy_link(tmp_path: Path) -> None:
    """Loopback; 10 % of the packets lost, of answers 30 %, 5 % twice, 10 % late; stopped once and gone on with."""
    octets = 1_000_000
    digest = product(tmp_path / "map.tif", octets)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    told: list[Progress] = []
    ended = threading.Event()
    pause = [0.0, 0.0]

    def stopped() -> bool:
        if not pause[1] and told and told[-1].done > octets // 3:
            pause[:] = [time.monotonic(), time.monotonic() + 8 * TIMER_S]
        return time.monotonic() < pause[1]

    with UdpLink(("127.0.0.1", 0)) as ground, UdpLink(("127.0.0.1", 0), ground.address) as station:
        up, down = Lossy(ground, 2, 0.3, 0.05, 0.1), Lossy(station, 2, 0.1, 0.05, 0.1)
        thread = threading.Thread(target=receive_files, args=(receiver, up, ended.is_set))
        thread.start()
        try:
            sent = send_file(tmp_path / "map.tif", down, rate_bit_s=40e6, told=told.append, stopped=stopped,
                             timer_s=TIMER_S, patience_s=20.0, linger_s=4 * TIMER_S)  # fmt: skip
        finally:
            ended.set()
            thread.join()
    assert sent.complete
    assert pause[1] > 0
    assert min(down.counts.values()) > 20
    assert up.counts["lost"] > 0
    (file,) = receiver.files
    assert (file.name, file.octets) == ("map.tif", octets)
    data = file.path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest
    assert file.crc32 == zlib.crc32(data)
    assert not receiver.progress
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert sent.pdus > octets / 1024  # some of it went more than once


def exchange(sender: FileSender, receiver: FileReceiver, spoil: Any, seconds: float = 5.0) -> None:
    """Run both ends until the file is delivered; `spoil(direction, unit number, packet)` gives what arrives."""
    end, numbers = time.monotonic() + seconds, {"down": 0, "up": 0}

    def through(direction: str, packets: Any) -> list[bytes]:
        arrived = []
        for packet in packets:
            numbers[direction] += 1
            arrived += spoil(direction, packet)
        return arrived

    while not (sender.complete and not receiver.progress):
        assert time.monotonic() < end, (sender.progress, receiver.progress, sender.fault)
        for packet in through("down", sender.step()):
            for answer in through("up", receiver.take(packet)):
                sender.take(answer)
        for answer in through("up", receiver.step()):
            sender.take(answer)


def kind_of(packet: bytes) -> str:
    """What a packet carries."""
    from spacepackets.cfdp import PduFactory
    from spacepackets.cfdp.pdu import DirectiveType

    unit = PduFactory.from_raw(packet[6:])
    told = getattr(unit, "directive_type", None)
    if told is None:
        return "DATA"
    name = DirectiveType(told).name
    if name == "ACK_PDU":
        name += " of " + DirectiveType(unit.directive_code_of_acked_pdu).name  # type: ignore[union-attr]
    return name


@pytest.mark.parametrize("octets", [0, 1, 950, 5_000])
@pytest.mark.parametrize(
    "lost",
    ["METADATA_PDU", "DATA", "EOF_PDU", "ACK_PDU of EOF_PDU", "FINISHED_PDU", "ACK_PDU of FINISHED_PDU", "all"],
)
def test_each_unit_may_be_lost_twice(tmp_path: Path, lost: str, octets: int) -> None:
    """Also what cfdp-py alone does not survive: the description, or the acknowledgement of the end."""
    digest = product(tmp_path / "a.bin", octets)
    times: dict[str, int] = {}

    def spoil(direction: str, packet: bytes) -> list[bytes]:
        kind = kind_of(packet)
        times[kind] = times.get(kind, 0) + 1
        return [] if lost in {kind, "all"} and times[kind] <= 2 else [packet]

    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S, transaction=9)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    exchange(sender, receiver, spoil)
    assert hashlib.sha256(receiver.files[0].path.read_bytes()).hexdigest() == digest
    assert len(receiver.files) == 1


@pytest.mark.parametrize("seed", range(5))
def test_flipped_bits_and_noise_do_no_harm(tmp_path: Path, seed: int) -> None:
    """Each unit has a checksum of its own; one that is wrong is as good as lost."""
    digest = product(tmp_path / "a.bin", 20_000, seed)
    chance = np.random.default_rng(seed)

    def spoil(direction: str, packet: bytes) -> list[bytes]:
        if chance.random() < 0.2:
            octets = bytearray(packet)
            octets[int(chance.integers(len(octets)))] ^= 1 << int(chance.integers(8))
            return [bytes(octets), chance.bytes(int(chance.integers(0, 60)))]
        noise = make_packets(2036, [chance.bytes(int(chance.integers(1, 60)))])[0]
        return [packet, noise, packet] if chance.random() < 0.2 else [packet]

    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    exchange(sender, receiver, spoil)
    assert hashlib.sha256(receiver.files[0].path.read_bytes()).hexdigest() == digest
    assert receiver.rejected > 0


@pytest.mark.parametrize("lost", [0.0, 0.25])
@pytest.mark.parametrize("stop", [1, 2, 5, 8, 9, 10, 11, 12, 14])
def test_another_receiver_takes_a_transfer_up(tmp_path: Path, stop: int, lost: float) -> None:
    """The one before it has died after so many packets both ways; of its last unit only a part is on the disk.

    Also after it has acknowledged the end of the file, or the whole file: then the other side says nothing more.
    """
    digest, chance = product(tmp_path / "a.bin", 7_000), np.random.default_rng(stop)
    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    numbers, end, kept = itertools.count(), time.monotonic() + 10.0, tmp_path / "ground" / ".partial"
    while not (sender.complete and not receiver.progress and not list(kept.glob("*.units"))):
        assert time.monotonic() < end, (sender.progress, receiver.progress)
        for packet in (*sender.step(3), b""):
            answers = receiver.take(packet) if packet and chance.random() >= lost else ()
            for answer in (*answers, *receiver.step()):
                sender.take(answer if chance.random() >= lost else b"")
            if next(numbers) == stop:
                for units in kept.glob("*.units"):
                    units.write_bytes(units.read_bytes() + packet[:9])
                receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    assert hashlib.sha256((tmp_path / "ground" / "a.bin").read_bytes()).hexdigest() == digest


def deaf(direction: str, packet: bytes) -> list[bytes]:
    """All arrives but the last acknowledgement."""
    return [] if kind_of(packet) == "ACK_PDU of FINISHED_PDU" else [packet]


def ended(sender: FileSender, receiver: FileReceiver, most: int = 1000) -> bool:
    """Whether a sender comes to its end."""
    for _ in range(most):
        for answer in [*(a for p in sender.step() for a in receiver.take(p)), *receiver.step()]:
            sender.take(answer)
        if sender.complete:
            return True
        time.sleep(TIMER_S / 20)
    return False


def sent(path: Path, text: str, transaction: int, receiver: FileReceiver, spoil: Any = deaf) -> list[bytes]:
    """Send a text as a.txt; the packets of the sender."""
    path.write_text(text)
    sender, packets = FileSender(path, timer_s=TIMER_S, transaction=transaction), []

    def noted(direction: str, packet: bytes) -> list[bytes]:
        packets.extend([packet] if direction == "down" else [])
        return list(spoil(direction, packet))

    exchange(sender, receiver, noted)
    return packets


def test_an_older_file_never_comes_back_with_another_receiver(tmp_path: Path) -> None:
    """Whatever of it is sent again, and however its number sorts: it is acknowledged and delivers nothing."""
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    old = sent(tmp_path / "a.txt", "version 1", 9, receiver)
    sent(tmp_path / "a.txt", "version 2!", 10, receiver)
    for _ in range(2):
        receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
        assert (tmp_path / "ground" / "a.txt").read_text() == "version 2!"
        for _ in range(2):
            answers = [kind_of(answer) for packet in old for answer in receiver.take(packet)]
            assert answers == ["ACK_PDU of EOF_PDU", "FINISHED_PDU"]
            receiver.step()
        assert (receiver.files, receiver.progress, receiver.rejected) == ((), (), 0)
        assert (tmp_path / "ground" / "a.txt").read_text() == "version 2!"


def test_another_receiver_says_that_a_file_is_there_until_it_is_heard(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("version 1")
    sender = FileSender(tmp_path / "a.txt", timer_s=TIMER_S, transaction=9)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    while not receiver.files:  # its last word is lost
        for packet in sender.step():
            for answer in receiver.take(packet):
                sender.take(answer if kind_of(answer) != "FINISHED_PDU" else b"")
    assert [path.name for path in (tmp_path / "ground" / ".partial").iterdir()] == ["1-9.ended"]
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    assert ended(sender, receiver)
    assert ended(sender, receiver)  # its acknowledgement comes
    assert not FileReceiver(tmp_path / "ground", timer_s=TIMER_S).step()
    assert receiver.files == ()
    (tmp_path / "a.txt").write_text("version 1")
    FileReceiver(tmp_path / "deaf", timer_s=TIMER_S)
    sent(tmp_path / "a.txt", "version 1", 3, FileReceiver(tmp_path / "deaf", timer_s=TIMER_S))
    words, until = 0, time.monotonic() + 14 * TIMER_S
    deafened = FileReceiver(tmp_path / "deaf", timer_s=TIMER_S)
    while time.monotonic() < until:
        words += len(deafened.step())
        time.sleep(TIMER_S / 5)
    assert 3 <= words <= 11
    assert not FileReceiver(tmp_path / "deaf", timer_s=TIMER_S).step()


def test_another_file_under_a_number_that_was_used_is_delivered(tmp_path: Path) -> None:
    """A sender that begins again may begin to count again: its file is not told as there if it is not."""
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    for text in ("version 1", "version 2", "a longer one", "a longer one"):
        sent(tmp_path / "a.txt", text, 0, receiver, lambda _, packet: [packet])
        receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
        assert (tmp_path / "ground" / "a.txt").read_text() == text


def test_what_is_kept_of_files_under_way_comes_in_the_order_of_their_last_units(tmp_path: Path) -> None:
    """Two that a receiver of before had as a whole, 10 after 9; and what is remembered has its bound."""
    receiver, kept = FileReceiver(tmp_path / "ground", timer_s=TIMER_S), tmp_path / "ground" / ".partial"
    for number, text in ((10, "version 2!"), (9, "version 1")):
        packets = sent(tmp_path / "a.txt", text, number, FileReceiver(tmp_path / f"{number}", timer_s=TIMER_S))
        (kept / f"1-{number}.units").write_bytes(b"".join(packets))
    os.utime(kept / "1-9.units", (1e9, 1e9))
    for number in range(1100):
        (kept / f"5-{number}.ended").write_text("null")
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    assert (tmp_path / "ground" / "a.txt").read_text() == "version 2!"
    assert len(receiver.files) == 2
    assert len(list(kept.iterdir())) == 1024
    assert {"1-9.ended", "1-10.ended"} <= {path.name for path in kept.iterdir()}


def test_a_folder_among_what_is_kept_hinders_no_start(tmp_path: Path) -> None:
    kept = tmp_path / "ground" / ".partial"
    for name in ("empty", "full/of/things", "1-8.units", "2-8.ended"):
        (kept / name).mkdir(parents=True)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    sent(tmp_path / "a.txt", "version 1", 8, receiver)
    assert receiver.files[0].path.read_text() == "version 1"
    assert (kept / "full" / "of" / "things").is_dir()


def test_a_note_that_the_disk_does_not_take_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver, kept = FileReceiver(tmp_path / "ground", timer_s=TIMER_S), tmp_path / "ground" / ".partial"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Ended, "_write", full)
        old = sent(tmp_path / "a.txt", "version 1", 9, receiver, lambda _, packet: [packet])
    assert receiver.rejects["disk"] > 0
    assert not list(kept.iterdir())
    assert next(kind_of(answer) for packet in old for answer in receiver.take(packet)) == "ACK_PDU of EOF_PDU"
    assert len(receiver.files) == 1


def test_units_that_do_not_fit_never_stop_the_rest(tmp_path: Path) -> None:
    """Any octets in units whose checksums are right; what is wrong is counted by its cause."""
    product(tmp_path / "a.bin", 5_000)
    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S, transaction=1)
    sound = [packet for _ in range(20) for packet in sender.step()]
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    chance = np.random.default_rng(3)
    for _ in range(150):
        octets = bytearray(sound[int(chance.integers(len(sound)))][6:-2])
        for _ in range(int(chance.integers(1, 4))):
            octets[int(chance.integers(min(len(octets), 60)))] = int(chance.integers(256))
        unit = bytes(octets) + crc_hqx(bytes(octets), 0xFFFF).to_bytes(2, "big")
        receiver.take(make_packets(2036, [unit])[0])
        receiver.step()
    receiver.take(b"noise")
    assert set(receiver.rejects) <= set(CAUSES)
    assert receiver.rejects["no unit"] > 0
    assert receiver.rejects["address"] > 0
    assert receiver.rejects["order"] > 0
    again = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    assert len(again.progress) <= 16
    later = FileReceiver(tmp_path / "later", timer_s=TIMER_S)
    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S, transaction=77)
    exchange(sender, later, lambda _, packet: [packet])
    assert later.rejects == {}


def test_a_disk_that_takes_no_units_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is acknowledged that is not kept; with room again the file comes as if it were new."""
    digest = product(tmp_path / "a.bin", 3_000)
    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S)
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "add", full)
        assert not any(receiver.take(packet) for _ in range(5) for packet in sender.step())
    assert receiver.rejects["disk"] > 0
    assert not receiver.progress
    assert not sender.complete
    exchange(FileSender(tmp_path / "a.bin", timer_s=TIMER_S, transaction=5), receiver, lambda _, packet: [packet])
    assert hashlib.sha256(receiver.files[0].path.read_bytes()).hexdigest() == digest


def test_several_files_at_once(tmp_path: Path) -> None:
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S, senders=(1, 7))
    digests, senders = {}, []
    for number in range(4):
        name = f"{number}.bin"
        digests[name] = product(tmp_path / name, 8_000 + number, number)
        senders.append(FileSender(tmp_path / name, transaction=number % 2, entities=((1, 7)[number // 2], 2),
                                  timer_s=TIMER_S))  # fmt: skip
    chance, end = np.random.default_rng(1), time.monotonic() + 10.0
    while not all(sender.complete for sender in senders):
        assert time.monotonic() < end
        for sender in senders:
            packets = [p for packet in sender.step(3) if chance.random() > 0.2 for p in receiver.take(packet)]
            for answer in (*packets, *receiver.step()):
                for other in senders:
                    other.take(answer)
    assert {file.name: hashlib.sha256(file.path.read_bytes()).hexdigest() for file in receiver.files} == digests


def test_a_file_cannot_leave_its_folder(tmp_path: Path) -> None:
    """Names that come are names only, and nothing longer than told is written."""
    product(tmp_path / "a.bin", 3_000)
    for name in ("../a.bin", "", "..", "a/b", "a\0b", "x" * 300):
        with pytest.raises(InputError):
            FileSender(tmp_path / "a.bin", name=name)
    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S)
    sender._machine.get_put_request().dest_file = Path("/etc/../../../outside.bin")
    receiver = FileReceiver(tmp_path / "ground", timer_s=TIMER_S)
    exchange(sender, receiver, lambda _, packet: [packet])
    assert [file.path for file in receiver.files] == [tmp_path / "ground" / "outside.bin"]

    small = FileReceiver(tmp_path / "small", timer_s=TIMER_S, most_octets=2_000)
    sender = FileSender(tmp_path / "a.bin", timer_s=TIMER_S)
    for _ in range(50):
        for packet in sender.step():
            for answer in small.take(packet):
                sender.take(answer)
    assert not small.files
    assert not sender.complete
    assert [path.name for path in (tmp_path / "small").iterdir()] == [".partial"]


def test_what_cannot_be_sent_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="no such file"):
        FileSender(tmp_path / "gone.bin")
    product(tmp_path / "a.bin", 3_000)
    for wrong in ({"transaction": -1}, {"packet_octets": 50}, {"timer_s": 0.0}, {"entities": (1, 1)},
                  {"entities": (1, 70_000)}):  # fmt: skip
        with pytest.raises(InputError):
            FileSender(tmp_path / "a.bin", **wrong)  # type: ignore[arg-type]
    with UdpLink(("127.0.0.1", 0)) as nobody, pytest.raises(ModelError, match="no answer"):
        send_file(tmp_path / "a.bin", nobody, timer_s=TIMER_S, patience_s=0.2)
    monkeypatch.setitem(__import__("sys").modules, "cfdppy", None)
    with pytest.raises(MissingExtraError, match=r"moonpost\[cfdp\]"):
        FileReceiver(tmp_path / "ground")
