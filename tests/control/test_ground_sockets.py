"""Ports: telemetry from many clients, garbage and half-open ones, slow readers, telecommands, clean ends."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.ground import Ground
from moonpost.control.ground import sockets as ports
from moonpost.control.ground.sockets import CommandPort, TelemetryPort
from moonpost.control.packets import FrameWriter, make_packets
from moonpost.errors import InputError, OutputError

sys.path.insert(0, str(Path(__file__).parent))
from ground_samples import EPOCH, LATER, LAYOUT, at, dictionary, framed, rover


@pytest.fixture
def ground(tmp_path: Path) -> Any:
    clock = lambda: at(100_000)[()]  # noqa: E731
    with Ground.open(tmp_path / "archive", dictionary(), layout=LAYOUT, clock=clock) as opened:
        yield opened


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 10 s")


def connect(port: Any) -> socket.socket:
    return socket.create_connection((port.host, port.port), timeout=10)


def numbers(ground: Ground) -> list[float]:
    if "rover.number" not in ground.archive.parameters:
        return []
    return ground.archive.query("rover.number", EPOCH, LATER).value.tolist()


def test_many_clients_send_frames(ground: Ground) -> None:
    with TelemetryPort("127.0.0.1", 0, ground) as port:
        clients = [connect(port) for _ in range(12)]
        for number, client in enumerate(clients):
            octets = framed(rover(range(100 * number, 100 * number + 100)))
            for begin in range(0, len(octets), 999):
                client.sendall(octets[begin : begin + 999])
        until(lambda: len(numbers(ground)) == 1200)
        assert numbers(ground) == list(range(1200))
        assert port.clients == 12
        for client in clients:
            client.close()
        until(lambda: port.clients == 0)
    assert sum(source["taken"] for source in ground.status()["sources"].values()) == 1200
    assert all(name.startswith("tcp 127.0.0.1:") for name in ground.status()["sources"])


def test_datagrams_hold_a_frame_each(ground: Ground) -> None:
    octets, size = framed(rover(range(200))), LAYOUT.sent_octets
    with TelemetryPort("127.0.0.1", 0, ground) as port, socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.connect((port.host, port.port))
        for number, begin in enumerate(range(0, len(octets), size)):
            sender.send(octets[begin + 4 * (number % 2) : begin + size])
        sender.send(b"")
        sender.send(b"too short")
        until(lambda: len(numbers(ground)) == 200)
        until(lambda: ground.status()["rejects"].get("frame length", 0) == 2)
        assert port.status()["datagrams"] == len(octets) // size + 2


@pytest.mark.parametrize("by_datagram", [False, True])
def test_packets_without_frames(ground: Ground, by_datagram: bool) -> None:
    packets = rover(range(50))
    kind = socket.SOCK_DGRAM if by_datagram else socket.SOCK_STREAM
    with TelemetryPort("127.0.0.1", 0, ground, form="packets") as port, socket.socket(type=kind) as sender:
        sender.connect((port.host, port.port))
        for packet in packets:
            sender.send(packet)
        until(lambda: len(numbers(ground)) == 50)
    assert numbers(ground) == list(range(50))


def test_an_address_of_version_6(ground: Ground) -> None:
    with TelemetryPort("::1", 0, ground) as port:
        assert port.address == f"[::1]:{port.port}"
        with socket.create_connection(("::1", port.port)) as client:
            client.sendall(framed(rover(range(5))))
            until(lambda: len(numbers(ground)) == 5)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.sendto(framed(rover([5])), ("::1", port.port))
            until(lambda: len(numbers(ground)) == 6)
    assert any("[::1]" in name for name in ground.status()["sources"])


def test_garbage_is_counted_and_harms_nobody(ground: Ground) -> None:
    draw = np.random.default_rng(5)
    with TelemetryPort("127.0.0.1", 0, ground) as port, connect(port) as good, connect(port) as bad:
        writer = FrameWriter(LAYOUT)
        for number in range(10):
            bad.sendall(draw.bytes(5000))
            good.sendall(framed(rover(range(10 * number, 10 * number + 10)), writer=writer))
        until(lambda: len(numbers(ground)) == 100)
        until(lambda: ground.status()["lost_octets"] > 49_000)
        bad.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        bad.close()
        until(lambda: port.clients == 1)
    assert ground.status()["rejects"]["sync"] >= 1


def test_clients_are_sent_the_frames_of_the_station(ground: Ground) -> None:
    sent = framed(rover(range(300)))
    with TelemetryPort("127.0.0.1", 0, ground) as port, connect(port) as one, connect(port) as other:
        until(lambda: port.clients == 2)
        port.send(sent)
        for client in (one, other):
            got = b""
            while len(got) < len(sent):
                got += client.recv(65536)
            assert got == sent
    port.send(sent)


def test_a_client_that_does_not_read_is_dropped(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_WAITING_OCTETS", 1 << 18)
    with TelemetryPort("127.0.0.1", 0, ground) as port, connect(port) as slow, connect(port) as quick:
        until(lambda: port.clients == 2)
        got = [0]

        def read() -> None:
            with contextlib.suppress(OSError):
                while octets := quick.recv(1 << 20):
                    got[0] += len(octets)

        thread = threading.Thread(target=read)
        thread.start()
        sent = [0]
        while port.counts["dropped"] == 0:
            port.send(bytes(1 << 17))
            sent[0] += 1 << 17
            until(lambda: got == sent)
        assert port.counts["dropped"] == 1
        assert port.clients == 1
        assert slow.fileno() >= 0
        quick.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert got == sent


def test_a_client_too_many_is_turned_away(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_MOST_CLIENTS", 1)
    with TelemetryPort("127.0.0.1", 0, ground) as port, connect(port) as one:
        until(lambda: port.clients == 1)
        with connect(port) as other, contextlib.suppress(ConnectionError):
            assert other.recv(100) == b""
        assert port.status()["turned_away"] == 1
        one.sendall(framed(rover([1])))
        until(lambda: numbers(ground) == [1])


def test_ports_that_cannot_be_had(ground: Ground) -> None:
    with TelemetryPort("127.0.0.1", 0, ground) as port, pytest.raises(InputError, match="cannot listen"):
        TelemetryPort("127.0.0.1", port.port, ground)
    for host, number in (("no.such.host.invalid", 0), ("127.0.0.1", 70_000), ("256.1.1.1", 0)):
        with pytest.raises(InputError, match="cannot listen"):
            CommandPort(host, number, lambda octets, sender: None)
    with pytest.raises(InputError, match="form"):
        TelemetryPort("127.0.0.1", 0, ground, form="pictures")


def test_telecommands_are_handed_on_in_order() -> None:
    got: list[tuple[bytes, str]] = []

    def take(octets: bytes, sender: str) -> bytes | None:
        got.append((octets, sender))
        if b"fail" in octets:
            raise ValueError("no")
        return b"+" if b"ask" in octets else None

    commands = make_packets(5, [b"first", b"fail", b"ask it", b"last"], telecommand=True)
    telemetry = make_packets(5, [b"no command"])[0]
    with CommandPort("127.0.0.1", 0, take) as port, connect(port) as client:
        client.sendall(commands[0] + telemetry + commands[1])
        client.sendall(commands[2][:5])
        client.sendall(commands[2][5:] + commands[3])
        assert client.recv(1) == b"+"
        until(lambda: len(got) == 4)
        assert [octets for octets, _ in got] == list(commands)
        assert {sender for _, sender in got} == {f"tcp 127.0.0.1:{client.getsockname()[1]}"}
        counts = {"clients": 1, "connected": 1, "packets": 4, "rejected": 1, "failed": 1}
        assert port.status() == {**counts, "trouble": "ValueError: no"}
    port.close()


def test_closing_lets_go_of_clients_that_say_nothing(ground: Ground) -> None:
    begun = time.monotonic()
    with TelemetryPort("127.0.0.1", 0, ground) as port:
        clients = [connect(port) for _ in range(5)]
        clients[0].sendall(framed(rover([1]))[:100])
        until(lambda: port.clients == 5)
    assert time.monotonic() - begun < 4.0
    for client in clients:
        with client:
            client.settimeout(5)
            with contextlib.suppress(ConnectionError):
                assert client.recv(10) == b""


def test_why_something_failed_is_kept_and_logged_once_for_each_cause(caplog: pytest.LogCaptureFixture) -> None:
    said = ["full", "full", "gone", "full"]

    class Taker:
        def receive_packets(self, octets: bytes, source: str, *, whole: bool = False) -> None:
            raise OutputError(said.pop(0), where="/a/folder")

        def end(self, source: str) -> None:
            pass

    with TelemetryPort("127.0.0.1", 0, Taker(), form="packets") as port:  # type: ignore[arg-type]
        for number in range(4):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"any", (port.host, port.port))
            until(lambda number=number: port.counts["failed"] == number + 1)  # type: ignore[misc]
        assert (port.status()["failed"], port.status()["trouble"]) == (4, "OutputError: full")
    told = [record.getMessage() for record in caplog.records]
    assert [line.rpartition(": ")[2] for line in told] == ["full", "gone"]
    assert f"port {port.address}" in told[0]
    with pytest.raises(TypeError, match="abstract"):
        ports._Port("127.0.0.1", 0, "nothing")  # type: ignore[abstract]
