"""Telemetry in, until it can be queried: ours and Yamcs on the same packets, one after the other."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from measure import Table
from moonpost.control.ground import Ground
from moonpost.control.ground.sockets import TelemetryPort
from moonpost.control.packets import (
    Dictionary,
    FrameLayout,
    Packets,
    station_dictionary,
    station_packets,
    write_xtce,
)
from moonpost.control.packets.xtce_writing import token
from moonpost.operations.channels import Channel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "reference"))
from yamcs_server import Instance, Yamcs

INSTANCE = "station"
EPOCH = np.datetime64("2026-01-01", "us")
PARAMETERS = 100
PACKETS = 200_000
WARM = 20_000
STEP = np.timedelta64(2, "ms")
PIECE = 1 << 18
PATIENCE_S = 300.0
LATER = datetime(2040, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """Packets with their octets and the values in them."""

    octets: bytes
    packets: Packets
    t: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def crc32(self) -> int:
        return zlib.crc32(self.octets)


@dataclass(frozen=True)
class Outcome:
    """What became of packets: how long until they could be queried, how many there were, and their checksum."""

    seconds: float
    processor: float
    packets: int
    crc32: int
    values: int
    values_crc32: int


def made(dictionary: Dictionary, size: int, begin: np.datetime64) -> Sent:
    """Packets of random values, always the same."""
    draw = np.random.default_rng(3)
    t = begin + np.arange(size) * STEP
    table = draw.standard_normal((PARAMETERS, size)).astype(np.float32)
    values = {f"bus.p{number:03d}": row for number, row in enumerate(table)}
    packets = station_packets(dictionary, values, t)
    return Sent(packets.data.tobytes(), packets, t, values)


def dictionary() -> Dictionary:
    """One packet of a hundred numbers of 32 bits."""
    return station_dictionary(
        [Channel(f"bus.p{number:03d}", "V", None, None, "A voltage.") for number in range(PARAMETERS)]
    )


def wait(ready: Any, what: str, every_s: float = 0.005) -> None:
    """Until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} was not there within {PATIENCE_S:g} s")
        time.sleep(every_s)


def processor_s(pid: int) -> float:
    """Processor time of another process so far [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ours(folder: Path, warm: Sent, sent: Sent) -> Outcome:
    """By TCP into the archive, on the disk for certain, decoded, and one parameter queried as a whole."""
    names, stop, count = list(sent.values), sent.t[-1] + STEP, len(warm.t) + len(sent.t)
    with (
        Ground.open(folder, dictionary(), layout=FrameLayout()) as ground,
        TelemetryPort("127.0.0.1", 0, ground, form="packets") as port,
        socket.create_connection((port.host, port.port)) as sender,
    ):
        sender.sendall(warm.octets)
        wait(lambda: ground.status()["acknowledged"] == len(warm.t), "the first telemetry")
        begun, worked = time.perf_counter(), time.process_time()
        thread = threading.Thread(target=sender.sendall, args=(sent.octets,))
        thread.start()
        wait(lambda: ground.status()["decoded"] == count, "telemetry")
        wait(lambda: ground.archive.acknowledged == count, "the disk")
        first = ground.archive.query(names[-1], sent.t[0], stop)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        thread.join()
        assert len(first) == len(sent.t)
        found, crc32, values, values_crc32 = 0, 0, 0, 0
        for batch in ground.archive.packets(sent.t[0], stop):
            found, crc32 = found + len(batch), zlib.crc32(np.ascontiguousarray(batch.data), crc32)
        for name in names:
            series = ground.archive.query(name, sent.t[0], stop).value
            values, values_crc32 = values + len(series), zlib.crc32(series.astype(np.float32), values_crc32)
    return Outcome(seconds, worked, found, crc32, values, values_crc32)


def theirs(folder: Path, warm: Sent, sent: Sent) -> Outcome:
    """By its TCP link into its archives of packets and parameters, until the newest values can be queried."""
    from yamcs.client import YamcsClient

    write_xtce(dictionary(), folder / "station.xml")
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        told = Instance(INSTANCE, folder / "station.xml", packets_port=server.getsockname()[1])
        yamcs = stack.enter_context(Yamcs(folder, [told], heap="2g"))
        link = stack.enter_context(server.accept()[0])
        archive = YamcsClient(yamcs.address).get_archive(INSTANCE)
        assert yamcs.process is not None
        name, pid = list(sent.values)[-1], yamcs.process.pid

        def took(count: int) -> bool:
            return int(yamcs.link(INSTANCE, "packets")["dataInCount"]) >= count

        def is_there(some: Sent) -> bool:
            last = some.values[name][-1:]
            return read(archive, name, some.t[-1], 10)[-1:].tolist() == last.tolist()

        link.sendall(warm.octets)
        wait(lambda: took(len(warm.t)), "the first telemetry at Yamcs", 0.05)
        wait(lambda: is_there(warm), "the first values at Yamcs", 0.05)
        begun, worked = time.perf_counter(), processor_s(pid)
        link.sendall(sent.octets)
        wait(lambda: took(len(warm.t) + len(sent.t)), "telemetry at Yamcs", 0.05)
        wait(lambda: is_there(sent), "values at Yamcs", 0.05)
        seconds, worked = time.perf_counter() - begun, processor_s(pid) - worked
        found, crc32, values, values_crc32 = 0, 0, 0, 0
        for packet in archive.stream_packets(start=aware(sent.t[0]), stop=LATER):
            found, crc32 = found + 1, zlib.crc32(packet.binary, crc32)
        for one in (next(iter(sent.values)), name):
            series = read(archive, one, sent.t[0], 1000)
            values, values_crc32 = values + len(series), zlib.crc32(series, values_crc32)
    return Outcome(seconds, worked, found, crc32, values, values_crc32)


def aware(instant: np.datetime64) -> datetime:
    """An instant as its client takes it."""
    return instant.astype(object).replace(tzinfo=UTC)


def read(archive: Any, name: str, start: np.datetime64, page: int) -> np.ndarray:
    """Values of a parameter in the archive of Yamcs from an instant on."""
    rows = archive.list_parameter_values(
        f"/station/{token(name)}", start=aware(start), stop=LATER, descending=False, page_size=page,
        parameter_cache=None, source="ParameterArchive",
    )  # fmt: skip
    return np.array([row.eng_value for row in rows], np.float32)


def checksum(sent: Sent, names: list[str]) -> int:
    """Checksum of values, parameter after parameter."""
    crc32 = 0
    for name in names:
        crc32 = zlib.crc32(sent.values[name], crc32)
    return crc32


def compare(size: int = PACKETS, warm_size: int = WARM) -> tuple[Sent, Outcome, Outcome]:
    """Both on the same packets in this one run: what was sent, and what became of it here and there.

    Raises an error if anything is lost or changed: packets and values are counted and their checksums compared.
    """
    described = dictionary()
    warm = made(described, warm_size, EPOCH)
    sent = made(described, size, EPOCH + np.timedelta64(1, "D"))
    names = list(sent.values)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "yamcs").mkdir()
        here = ours(Path(folder) / "ours", warm, sent)
        there = theirs(Path(folder) / "yamcs", warm, sent)
    for outcome, checked in ((here, names), (there, [names[0], names[-1]])):
        assert (outcome.packets, outcome.crc32) == (size, sent.crc32), outcome
        assert (outcome.values, outcome.values_crc32) == (size * len(checked), checksum(sent, checked)), outcome
    return sent, here, there


def table() -> Table:
    """Rates and their ratio."""
    sent, here, there = compare()
    count = len(sent.t) * PARAMETERS
    return Table(
        topic="ingest",
        title="Telemetry in, until it can be queried",
        method=f"The same {len(sent.t):,} space packets of {PARAMETERS} random float32 "
        f"({len(sent.octets) / 1e6:.0f} MB), by TCP on loopback, into both servers in one run, one after the "
        f"other, after {WARM:,} others that are not counted. Ours: reader, archive of packets with a promise of "
        "the disk, decoding by the dictionary, limits, live values, archive of parameters, until all packets are "
        "on the disk and one parameter was queried as a whole; who sends is in the same process. Yamcs 5.12 as a "
        "process of its own, told the packets by our XTCE, with packet recorder and parameter archive: until its "
        "link has counted all and its parameter archive answers with the last values. Then everything was read "
        "back and compared.",
        head=["server", "time", "processor", "million values/s", "packets there", "their checksum", "values"],
        rows=[
            [name, f"{one.seconds:.2f} s", f"{one.processor:.2f} s", f"{count / one.seconds / 1e6:.2f}",
             f"{one.packets:,} of {len(sent.t):,}", f"{one.crc32:08x}, equal", f"{one.values:,} read, equal"]
            for name, one in (("Moonpost", here), ("Yamcs 5.12", there))
        ],
        reading=f"Moonpost takes {there.seconds / here.seconds:.1f} times as many values a second, with "
        f"{there.processor / here.processor:.1f} times less processor time. Nothing is lost in either. Values "
        "read back from Yamcs are two of its parameters: it gives them by a thousand.",
        packages=("moonpost", "numpy", "numba", "yamcs-client", "fprime-yamcs-bundle"),
    )  # fmt: skip
