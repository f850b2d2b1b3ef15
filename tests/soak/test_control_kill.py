"""A server killed under load, again and again: what it acknowledged is there once, and it opens without repair."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from moonpost.control.archive import Archive, archive_decoder, verify
from moonpost.control.database import Database
from moonpost.control.ground.keeping import kept_dictionary
from moonpost.control.packets import Decoder, Dictionary, encode_packets, station_dictionary, write_xtce
from moonpost.control.users import Users
from moonpost.operations.channels import Channel

EPOCH = np.datetime64("2040-01-01", "us")
START_S = 300.0
PIECE = 200


def dictionary() -> Dictionary:
    """An outside machine that counts."""
    rows = [Channel("outside.number", "1", None, None, "Number of the packet.")]
    return station_dictionary(rows, name="outside", first_apid=1500, float_bits=64)


def octets_of(numbers: npt.NDArray[np.int64]) -> bytes:
    """Packets of some numbers, a millisecond apart."""
    made = encode_packets(
        dictionary(), "outside", {"outside.number": numbers.astype(float)}, EPOCH + numbers * 1000
    )
    table = made.data.reshape(len(numbers), -1)
    table[:, 2] = 0xC0 | (numbers % 16384) >> 8
    table[:, 3] = numbers % 256
    return table.tobytes()


def is_sent(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Some numbers are never sent and have to show as gaps."""
    return (numbers % 997 < 50) | (numbers % 997 >= 55)


@dataclass
class Server:
    """`moonpost serve`, or a ground alone, in a process of its own."""

    folder: Path
    whole: bool = True
    process: subprocess.Popen[str] = field(init=False)
    web: int = 0
    telemetry: int = 0

    def start(self) -> float:
        """Begin, and tell after how long it was ready [s]."""
        begun = time.monotonic()
        xtce = str(self.folder.parent / "outside.xml")
        command = [sys.executable, str(Path(__file__).parents[1] / "control" / "ground_server.py")]
        command += [str(self.folder), xtce]
        if self.whole:
            command = [
                sys.executable, "-m", "moonpost", "serve", "ilrs", "--data", str(self.folder), "--port", "0",
                "--telemetry-port", "0", "--telemetry-format", "packets", "--xtce", xtce, "--speed", "0.01",
                "--start", "2039-12-30", "--days", "4", "--step", "3600",
            ]  # fmt: skip
        log = open(self.folder.parent / "server.log", "a")  # noqa: SIM115
        with log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, text=True)
        told = self._told(r"http://[^:]+:(\d+)/", begun)
        ports = self._told(r"telemetry: [^:]+:(\d+)", begun)
        self.web, self.telemetry = int(told), int(ports)
        while self.get("/healthz")[0] != 200:
            assert time.monotonic() - begun < START_S
            time.sleep(0.02)
        return time.monotonic() - begun

    def _told(self, pattern: str, begun: float) -> str:
        """What the process printed, once it did."""
        path = self.folder.parent / "server.log"
        while True:
            found = re.search(pattern, path.read_text())
            if found:
                return found[1]
            assert self.process.poll() is None, path.read_text()[-2000:]
            assert time.monotonic() - begun < START_S, path.read_text()[-2000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, to this process alone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        (self.folder.parent / "server.log").unlink()

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """One request; status, headers and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=30)
        try:
            told = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, None if body is None else json.dumps(body), told)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def get(self, path: str) -> tuple[int, str]:
        """Status and text; 0 if nobody answers."""
        try:
            status, _, text = self.ask("GET", path)
        except (OSError, http.client.HTTPException):
            return 0, ""
        return int(status), str(text)

    def acknowledged(self) -> int | None:
        """Packets on the disk since the start, of all sources."""
        status, text = self.get("/metrics")
        found = re.search(r"^moonpost_telemetry_acknowledged_packets_total (\S+)", text, re.MULTILINE)
        return int(float(found[1])) if status == 200 and found else None


@dataclass
class Load:
    """Telemetry and commands at a server until it is killed; what was promised is kept."""

    server: Server
    password: str
    first: int
    promised: int = -1
    commands: dict[int, str] = field(default_factory=dict)
    sent: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float, waits_s: float) -> None:
        """Load the server, wait a while for a first promise, and kill it some time later."""
        before = self.server.acknowledged()
        assert before is not None
        jobs = [
            threading.Thread(target=self._send),
            threading.Thread(target=self._look, args=(before,)),
        ]
        if self.server.whole:
            jobs.append(threading.Thread(target=self._command))
        for job in jobs:
            job.start()
        patience = time.monotonic() + waits_s
        while time.monotonic() < patience and (self.promised < 0 or (self.server.whole and not self.commands)):
            time.sleep(0.01)
        time.sleep(seconds)
        self.server.kill()
        self.stop.set()
        for job in jobs:
            job.join()

    def _send(self) -> None:
        """Packets by TCP, as fast as they are taken, up to a bound."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.server.telemetry)) as out:
            number = self.first
            while not self.stop.is_set():
                some = np.arange(number, number + PIECE)
                some = some[is_sent(some)]
                self.sent += some.tolist()
                out.sendall(octets_of(some))
                number += PIECE
                self.stop.wait(0.005)

    def _look(self, before: int) -> None:
        """Ask what is acknowledged: so many of the packets sent, the first ones, are promised."""
        while not self.stop.is_set():
            found = self.server.acknowledged()
            if found is not None and found > before:
                self.promised = self.sent[found - before - 1]
            self.stop.wait(0.02)

    def _command(self) -> None:
        """Requests for commands; those that are answered well are promised."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            body = {"name": "operator", "password": self.password}
            status, headers, text = self.server.ask("POST", "/login", body)
            assert status == 200, text
            cookie = headers["Set-Cookie"].split(";")[0]
            told = {"Cookie": cookie, "X-CSRF-Token": json.loads(text)["csrf"]}
            while not self.stop.is_set():
                status, _, text = self.server.ask("POST", "/api/commands", {"name": "ping"}, told)
                assert status == 201, text
                made = json.loads(text)["command"]
                self.commands[int(made["id"])] = made["digest"]
                path = f"/api/commands/{made['id']}/release"
                status, _, text = self.server.ask("POST", path, {"digest": made["digest"]}, told)
                assert status == 200, text
                self.stop.wait(0.05)


def kill_often(folder: Path, rounds: int, *, whole: bool) -> dict[str, float]:
    """Kill a server many times; tell how many packets and commands were promised, and how long starts took."""
    draw = random.Random(7)
    write_xtce(dictionary(), folder / "outside.xml")
    data = folder / "mission"
    with Database.open(data / "control.sqlite") as database:
        password = Users(database).add("operator", "cnsa", ["operator"])
    server, first, promised = Server(data, whole), 0, -1
    commands: dict[int, str] = {}
    starts = []
    last = -1
    try:
        for number in range(rounds):
            starts.append(server.start())
            load = Load(server, str(password), max(0, first))
            load.run(0.8 * draw.random(), 30.0 if draw.random() < 0.8 else 0.0)
            promised = max(promised, load.promised)
            assert not commands.keys() & load.commands.keys(), f"a number was given twice, kill {number + 1}"
            commands |= load.commands
            last = max([last, *load.sent])
            print(f"kill {number + 1}: {promised + 1} packets, {len(commands)} commands promised", flush=True)
            first = promised + 1 - draw.randrange(0, 300)
        starts.append(server.start())
        told = server_commands(server, str(password)) if whole else {}
        server.process.send_signal(signal.SIGTERM if whole else signal.SIGINT)
        assert server.process.wait(60) == 0
    finally:
        if server.process.poll() is None:
            server.kill()
    check(data, promised, last)
    assert {number: told.get(number) for number in commands} == commands
    return {
        "kills": rounds, "packets": promised + 1, "commands": len(commands),
        "start_s": float(np.median(starts)), "longest_start_s": max(starts),
    }  # fmt: skip


def server_commands(server: Server, password: str) -> dict[int, str]:
    """Digests of commands that a server knows."""
    _, headers, text = server.ask("POST", "/login", {"name": "operator", "password": password})
    cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    found: dict[int, str] = {}
    before = ""
    while True:
        status, _, text = server.ask("GET", f"/api/commands?limit=1000{before}", None, cookie)
        assert status == 200, text
        rows = json.loads(text)["commands"]
        if not rows:
            return found
        found |= {int(row["id"]): row["digest"] for row in rows if row["state"] not in ("refused", "waiting")}
        before = f"&before={min(int(row['id']) for row in rows)}"


def check(data: Path, promised: int, last: int) -> None:
    """Everything promised is there once, what was never sent is a gap, and all checksums are right."""
    assert verify(data / "archive").is_sound
    decoder = Decoder(kept_dictionary(data / "archive"))
    with Archive.open(data / "archive", archive_decoder(decoder), read_only=True) as archive:
        found = archive.query("outside.number", EPOCH, "2041-01-01")
        assert archive.status.damage == 0
    numbers = found.value.astype(np.int64)
    assert np.all(np.diff(numbers) > 0), "a packet is shown twice"
    assert np.array_equal(np.rint((found.time - EPOCH).astype(np.int64) / 1000), numbers)
    due = np.arange(promised + 1)
    lost = np.setdiff1d(due[is_sent(due)], numbers)
    assert not lost.size, f"{lost.size} of {promised + 1} acknowledged packets are lost, the first {lost[:3]}"
    assert numbers[-1] <= last
    holes = np.flatnonzero(np.diff(numbers) > 1)
    assert [gap.missing for gap in found.gaps] == [int(numbers[i + 1] - numbers[i] - 1) for i in holes]
    assert holes.size >= (promised - 55) // 997


def test_a_ground_killed_three_times(tmp_path: Path) -> None:
    found = kill_often(tmp_path, 3, whole=False)
    assert found["packets"] > 100


@pytest.mark.soak
def test_a_server_killed_two_hundred_times(tmp_path: Path) -> None:
    found = kill_often(tmp_path, int(os.environ.get("MOONPOST_KILLS", "200")), whole=True)
    print(found)
    assert found["packets"] > 500 * found["kills"]
    assert found["commands"] > found["kills"]
