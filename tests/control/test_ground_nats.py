"""Ingest and archive apart, NATS between: stops of either side and of the server lose and double nothing."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from moonpost.control.ground import Ground
from moonpost.control.packets import FrameWriter
from moonpost.errors import InputError, OutputError

sys.path.insert(0, str(Path(__file__).parent))
from ground_samples import EPOCH, LATER, LAYOUT, at, dictionary, rover

pytest.importorskip("nats", reason="needs nats-py: pip install 'moonpost[nats]'")
from moonpost.control.ground.nats import NatsFeed, NatsIngest
from moonpost.control.ground.sockets import TelemetryPort

PROGRAM = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs nats-server: apt-get install nats-server")


@contextlib.contextmanager
def server(folder: Path, port: int) -> Iterator[str]:
    command = [str(PROGRAM), "--jetstream", "--store_dir", str(folder), "--addr", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1000):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def count(ground: Ground) -> int:
    return len(ground.archive.query("rover.number", EPOCH, LATER)) if ground.archive.parameters else 0


def until(ground: Ground, number: int) -> None:
    for _ in range(2000):
        if count(ground) == number:
            return
        time.sleep(0.01)
    raise AssertionError(f"{count(ground)} of {number} packets came")


def test_packets_pass_stops_of_every_part(tmp_path: Path) -> None:
    port, writer = free_port(), FrameWriter(LAYOUT)
    pieces = [writer.write(rover(range(n, n + 100))) + writer.flush() for n in range(0, 600, 100)]
    with Ground.open(tmp_path / "a", dictionary(), layout=LAYOUT) as ground:
        with server(tmp_path / "js", port) as url, NatsIngest(url, layout=LAYOUT) as ingest:
            with NatsFeed(url, ground):
                assert ingest.receive(pieces[0], at=at(100)).acknowledged
                until(ground, 100)
            assert ingest.receive(pieces[1], at=at(200)).packets == 100
            with NatsFeed(url, ground):
                until(ground, 200)
            ingest.receive(pieces[2], at=at(300))
        with (
            server(tmp_path / "js", port) as url,
            NatsIngest(url, layout=LAYOUT) as ingest,
            NatsFeed(url, ground),
            TelemetryPort("127.0.0.1", 0, ingest) as telemetry,
        ):
            until(ground, 300)
            with socket.create_connection(("127.0.0.1", telemetry.port)) as client:
                client.sendall(b"".join(pieces[2:]))
                until(ground, 600)
        assert ground.archive.gaps(EPOCH, LATER) == ()
        assert ground.status()["duplicates"] == 100


def test_what_was_played_back_stays_late(tmp_path: Path) -> None:
    writer = FrameWriter(LAYOUT)
    with (
        server(tmp_path / "js", free_port()) as url,
        NatsIngest(url, layout=LAYOUT) as ingest,
        Ground.open(tmp_path / "a", dictionary(), layout=LAYOUT) as ground,
        NatsFeed(url, ground),
    ):
        ingest.receive(writer.write(rover(range(50), 200.0), 1) + writer.flush(1), at=at(100))
        until(ground, 50)
        assert [alarm.late for alarm in ground.alarms.active()] == [True]
        assert ground.status()["sources"].keys() == {"station"}
        outside = writer.write(rover(range(50, 60), 200.0), 2) + writer.flush(2)
        ingest.receive(outside, "tcp 127.0.0.1:40000", at=at(100))
        until(ground, 60)
        assert ground.status()["late"] == 50
        assert sorted(alarm.late for alarm in ground.alarms.active()) == [False, True]


def test_an_ingest_in_a_process_of_its_own(tmp_path: Path) -> None:
    with (
        server(tmp_path / "js", free_port()) as url,
        Ground.open(tmp_path / "a", dictionary(), layout=LAYOUT) as ground,
        NatsFeed(url, ground),
    ):
        command = [sys.executable, "-u", "-m", "moonpost", "control", "ingest", "--nats", url, "--port", "0",
                   "--spacecraft", "171", "--frame", "256"]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                told = process.stdout.readline()
                port = int(told.split()[1].rpartition(":")[2])
                writer = FrameWriter(LAYOUT)
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(writer.write(rover(range(80))) + writer.flush())
                    until(ground, 80)
                process.terminate()
                assert process.wait(30) == 0
            finally:
                process.kill()


def test_without_a_server_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="jetstream"):
        NatsIngest(f"nats://127.0.0.1:{free_port()}", layout=LAYOUT)
    with pytest.raises(InputError, match="no name"):
        NatsIngest("nats://127.0.0.1:1", layout=LAYOUT, stream="a.b")
