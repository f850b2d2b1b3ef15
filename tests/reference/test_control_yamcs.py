"""Yamcs 5.12 beside us, both ways: it takes our frames, packets and XTCE, and we take its commands.

It runs as a process of its own on loopback. Octets, counts, labels and numbers of 32 bits are compared exactly.
The times that it gives packets differ by a rule that is pinned here.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.database import Database
from moonpost.control.mission import MissionControl
from moonpost.control.packets import (
    CucClock,
    Decoder,
    FrameLayout,
    FrameWriter,
    station_dictionary,
    station_packets,
)
from moonpost.control.packets.dictionary import Dictionary
from moonpost.control.packets.headers import Packets
from moonpost.control.packets.telecommands import CommandDictionary, CommandLayout, Telecommand, decode_command
from moonpost.control.packets.xtce_writing import token, write_xtce
from moonpost.control.users import Users
from moonpost.operations.channels import channels_of

sys.path.insert(0, str(Path(__file__).parent))
from command_samples import STACK
from yamcs_server import Instance, Yamcs, free_port

SAMPLES = "station"
SPACECRAFT = 171
STEPS = 400
BURST = 32  # frames of 1115 octets; the usual socket buffer of 208 KiB holds some 90 of them
SPAN = {"start": datetime(2030, 1, 1, tzinfo=UTC), "stop": datetime(2032, 1, 1, tzinfo=UTC)}
MISSION_SPAN = {"start": datetime(1970, 1, 2, tzinfo=UTC), "stop": datetime(2041, 1, 1, tzinfo=UTC)}
PING = CommandLayout("station.ping", 7, 17, 1, (), "routine", "Answer that the link works.")


@dataclass(frozen=True)
class Peer:
    """A running Yamcs, what it was told, and our ends of its links."""

    yamcs: Yamcs
    dictionary: Dictionary
    commands: CommandDictionary
    packets: socket.socket
    telecommands: socket.socket
    mission: MissionControl
    flown: list[bool] = field(default_factory=list)

    def fly(self) -> MissionControl:
        """The mission, with its clock started."""
        if not self.flown:
            self.flown.append(True)
            self.mission.start()
        return self.mission

    def client(self) -> Any:
        """Its client."""
        from yamcs.client import YamcsClient

        return YamcsClient(self.yamcs.address)

    def wait(self, link: str, count: int) -> None:
        """Wait until a link has taken so many."""
        end = time.monotonic() + 60.0
        while int(self.yamcs.link(SAMPLES, link)["dataInCount"]) < count:
            assert time.monotonic() < end, f"{link}: {self.yamcs.link(SAMPLES, link)}, {count} sent"
            time.sleep(0.01)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """One server for all tests, ready within some seconds: an instance of samples, and one for a mission."""
    folder = tmp_path_factory.mktemp("yamcs")
    rows = channels_of({"station": 1000.0, "far": 10.0}, {"rover": 50.0, "hopper": 20.0}, (2.0, 10.5),
                       boxes={"rover": (263.0, 323.0)}, recorders={"rover": 1e9})  # fmt: skip
    dictionary = station_dictionary(rows)
    commands = CommandDictionary(STACK.name, (*STACK.commands, PING))
    write_xtce(dictionary, folder / "samples.xml", commands)
    with ExitStack() as stack:
        packets, telecommands = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        for server in (packets, telecommands):
            server.settimeout(60.0)
        mission_frames = free_port(socket.SOCK_DGRAM)
        mission = stack.enter_context(opened_mission(folder / "mission", mission_frames))
        write_xtce(mission.station.dictionary, folder / "mission.xml", mission.station.commands)
        assert mission.outside is not None
        yamcs = stack.enter_context(Yamcs(folder, [
            Instance(SAMPLES, folder / "samples.xml", SPACECRAFT, free_port(socket.SOCK_DGRAM),
                     packets.getsockname()[1], telecommands.getsockname()[1]),
            Instance("mission", folder / "mission.xml", mission.station.layout.spacecraft, mission_frames,
                     None, mission.outside.command_port),
        ]))  # fmt: skip
        ends = [stack.enter_context(server.accept()[0]) for server in (packets, telecommands)]
        ends[1].settimeout(30.0)
        yield Peer(yamcs, dictionary, commands, *ends, mission)


def opened_mission(folder: Path, frames_port: int) -> MissionControl:
    """A mission whose frames go to a port, and whose command port takes commands of an operator."""
    folder.mkdir()
    with Database.open(folder / "control.sqlite") as database:
        Users(database).add("operator", "cnsa", {"operator"})
    return MissionControl.open("ilrs", folder, start="2040-06-22", days=1.0, speed=600.0, command_port=0,
                               command_user="operator", telemetry_to=f"127.0.0.1:{frames_port}")  # fmt: skip


def made(dictionary: Dictionary, first: str, first_count: int) -> tuple[Packets, dict[str, Any], Any]:
    """Packets of every subject with random values at random times, always the same."""
    chance = np.random.default_rng(8)
    t = np.datetime64(first, "us") + np.cumsum(chance.integers(2_000, 5_000_000, STEPS)).astype("timedelta64[us]")
    values = {}
    for parameter in dictionary.parameters:
        if parameter.name.startswith("ccsds_") or parameter.name == "cuc_time":
            continue
        numbers = (chance.standard_normal(STEPS) * 10.0 ** chance.integers(-30, 30, STEPS)).astype(np.float32)
        values[parameter.name] = numbers if parameter.calibration is None else chance.integers(0, 2, STEPS)
    return station_packets(dictionary, values, t, first_count=first_count), values, t


def archived(peer: Peer, sent: dict[tuple[str, int], bytes]) -> dict[tuple[str, int], bytes]:
    """Packets of the same names and counts in its archive, which it writes a little after it counts them.

    They are streamed: its list by pages loses a packet at the end of a page whose time and count others share.
    """
    archive, end = peer.client().get_archive(SAMPLES), time.monotonic() + 60.0
    while True:
        found = {}
        for packet in archive.stream_packets(**SPAN):
            key = (packet.name.rpartition("/")[2], int.from_bytes(packet.binary[2:4], "big") & 0x3FFF)
            assert key not in found
            found[key] = packet.binary
        found = {key: octets for key, octets in found.items() if key in sent}
        if len(found) == len(sent) or time.monotonic() > end:
            return found
        time.sleep(0.1)


def keyed(dictionary: Dictionary, packets: Packets) -> dict[tuple[str, int], bytes]:
    """Octets of packets by name and count."""
    names = {packet.apid: token(packet.name) for packet in dictionary.packets}
    rows = zip(packets.apid.tolist(), packets.count.tolist(), packets, strict=True)
    return {(names[apid], count): octets for apid, count, octets in rows}


def test_yamcs_archives_our_frames(peer: Peer) -> None:
    """Every octet of every packet, every value and label of every parameter."""
    packets, values, t = made(peer.dictionary, "2030-06-30", 16000)  # counts go round within it
    writer = FrameWriter(FrameLayout(spacecraft=SPACECRAFT, marker=False))
    octets = writer.write(packets) + writer.flush()
    frames = [octets[at : at + 1115] for at in range(0, len(octets), 1115)]
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for number, frame in enumerate(frames):
            sender.sendto(frame, ("127.0.0.1", peer.yamcs.instances[0].frames_port))
            if number % BURST == BURST - 1:
                peer.wait("frames", number + 1)
    peer.wait("frames", len(frames))
    peer.wait("frames.vc0", len(packets))
    assert peer.yamcs.link(SAMPLES, "frames")["extra"] == {"Valid frames": str(len(frames)), "Invalid frames": "0"}

    sent = keyed(peer.dictionary, packets)
    assert archived(peer, sent) == sent

    due = {table.packet: table for table in Decoder(peer.dictionary).decode(packets)}
    archive, query = peer.client().get_archive(SAMPLES), {"descending": False, "page_size": 1000, **SPAN}
    dates, compared = theirs(t).tolist(), 0
    for packet in peer.dictionary.packets:
        for name in [item.parameter for item in packet.items if item.parameter in values]:
            wanted = due[packet.name].values(name).tolist()
            way = f"/station/{token(name)}"
            for _ in range(240):  # its archive of parameters follows what it counts by some seconds
                rows = list(
                    archive.list_parameter_values(way, parameter_cache=None, source="ParameterArchive", **query)
                )
                if len(rows) >= len(wanted):
                    break
                time.sleep(0.25)
            assert [row.eng_value for row in rows] == wanted, name
            assert [row.raw_value for row in rows] == values[name].tolist(), name
            assert [row.generation_time.replace(tzinfo=None) for row in rows] == dates, name
            compared += len(rows)
    assert compared == STEPS * len(values)


def test_yamcs_archives_our_packets(peer: Peer) -> None:
    """The same without frames, over TCP."""
    packets, _, _ = made(peer.dictionary, "2031-01-01", 5000)
    begun = int(peer.yamcs.link(SAMPLES, "packets")["dataInCount"])
    peer.packets.sendall(b"".join(packets))
    peer.wait("packets", begun + len(packets))
    sent = keyed(peer.dictionary, packets)
    assert archived(peer, sent) == sent


def theirs(t: Any) -> Any:
    """Time that Yamcs gives a packet: its counter of 1/65536 s cut to milliseconds, and one more.

    Its decoder of the time code adds 65536 / 65536 before it cuts 1000 f / 65536; half of that would round. So it
    is late by up to 1 ms, and by all of it where the counter holds whole milliseconds. Leap seconds are as ours.
    """
    ticks = CucClock().ticks(t)
    whole = CucClock().decode(ticks >> np.uint64(16) << np.uint64(16))
    part_ms = (1000 * (ticks & np.uint64(0xFFFF)) >> np.uint64(16)).astype(np.int64) + 1
    return whole + part_ms.astype("timedelta64[ms]")


def issue(peer: Peer, name: str, arguments: dict[str, Any]) -> Telecommand:
    """What arrives at our end of a command that is given to Yamcs."""
    processor = peer.client().get_processor(SAMPLES, "realtime")
    given = {token(argument): value for argument, value in arguments.items()}
    processor.issue_command(f"/station/{token(name)}", args=given)
    return decode_command(peer.commands, peer.telecommands.recv(65536))


def test_commands_of_yamcs_reach_us(peer: Peer) -> None:
    """Length, count and checksum are right, and every argument is as it was given.

    Its postprocessor for the packet utilisation standard fills them in; the generic one leaves the length 0.
    """
    chance = np.random.default_rng(2)
    first = issue(peer, "station.ping", {})
    assert (first.name, first.arguments, first.acknowledge, first.source) == ("station.ping", {}, 0b1001, 0)
    for number in range(20):
        power_w = float(np.float32(chance.uniform(0.0, 75.5)))
        read = issue(peer, "rover.heater", {"state": "on", "power_w": power_w})
        assert (read.name, read.arguments) == ("rover.heater", {"state": "on", "power_w": power_w})
        assert read.count == number + 1  # it counts from 1 for each APID
        some = chance.bytes(int(chance.integers(1, 300)))
        mixed = {
            "a": int(chance.integers(0, 7)), "b": int(chance.integers(-7, 4096)), "c": float(chance.normal()),
            "d": int(chance.integers(-(2**31), 2**31)), "a text": "Mond äöü"[: number % 8], "key": chance.bytes(3),
            "n.m": len(some), "some": some,
        }  # fmt: skip
        assert issue(peer, "mixed", mixed).arguments == mixed
    assert issue(peer, "rover.heater", {}).arguments == {"state": "off", "power_w": 5.25}
    assert issue(peer, "rover.sleep", {}).name == "rover.sleep"


def test_yamcs_refuses_what_our_ranges_forbid(peer: Peer) -> None:
    """Ranges and labels of the file hold on their side, too, and significance is told."""
    from yamcs.client import YamcsError

    for name, arguments in (("rover.heater", {"power_w": 75.6}), ("rover.heater", {"state": "maybe"}),
                            ("rover.heater", {"power_w": -0.1}), ("rover.none", {})):  # fmt: skip
        with pytest.raises(YamcsError):
            issue(peer, name, arguments)
    known = peer.client().get_mdb(SAMPLES)
    levels = {"routine": "NONE", "important": "DISTRESS", "hazardous": "CRITICAL"}
    for command in peer.commands.commands:
        told = known.get_command(f"/station/{token(command.name)}").significance
        assert told.consequence_level == levels[command.significance]


def until(ready: Any, what: Any) -> Any:
    """What `ready` gives once it gives something."""
    end = time.monotonic() + 60.0
    while not (found := ready()):
        assert time.monotonic() < end, what()
        time.sleep(0.1)
    return found


def test_a_command_of_yamcs_is_accepted_and_completed_by_our_station(peer: Peer) -> None:
    """From its console over our command port to the simulated station, and the reports back into its archive.

    A hazardous one from there waits for a second person like any other.
    """
    mission = peer.fly()
    client = peer.client()
    console = client.get_processor("mission", "realtime")
    console.issue_command("/station/ping")

    def states() -> dict[str, str]:
        return {command.name: command.state for command in mission.commanding.commands()}

    until(lambda: states().get("ping") == "completed", lambda: (states(), mission.outside.status()))
    (ping,) = [command for command in mission.commanding.commands() if command.name == "ping"]
    assert [stage.state for stage in ping.stages][-2:] == ["accepted", "completed"]
    assert ping.requester == "operator"

    def told() -> dict[str, tuple[Any, Any]]:
        """What each kind of report in its archive is about.

        It dates them wrongly: it reads times at one place of all packets, and reports have another header first.
        """
        found = {}
        for name in ("acceptance", "completion", "ping-answer"):
            for packet in client.get_archive("mission").stream_packets(name=f"/station/{name}", **MISSION_SPAN):
                (table,) = Decoder(mission.station.dictionary).decode(Packets.of([packet.binary]))
                request = (table.raw.get("request_apid"), table.raw.get("request_count"))
                found[name] = tuple(None if one is None else int(one[0]) for one in request)
        return found

    asked = ping.packets[0]
    due = {"acceptance": asked, "completion": asked, "ping-answer": (None, None)}
    until(lambda: told() == due, told)

    hazard = next(command for command in mission.station.commands.commands
                  if command.significance == "hazardous" and not command.arguments)  # fmt: skip
    console.issue_command(f"/station/{token(hazard.name)}")
    until(lambda: hazard.name in states(), states)
    time.sleep(1.0)
    assert states()[hazard.name] in {"waiting", "refused"}


def test_stages_of_commands_in_its_history(peer: Peer) -> None:
    """Its command history shows what the reports of service 1 tell of each command: accepted, completed, failed.

    Each report belongs to the command of its APID and count: one that fails between two others fails alone.
    """
    commands = peer.fly().station.commands
    console = peer.client().get_processor("mission", "realtime")
    stop = commands.command("research-laboratory.activity-stop")
    works = commands.command("research-laboratory.allow-waking")
    assert stop.apid == works.apid
    activity = next(iter((stop.arguments[0].labels or {}).values()))
    sent = [console.issue_command("/station/ping"),
            console.issue_command(f"/station/{token(stop.name)}", args={"activity": activity}),
            console.issue_command(f"/station/{token(works.name)}")]  # fmt: skip

    def told() -> list[Any]:
        """State of each command, and of its stages."""
        found = {one.id: one for one in peer.client().get_archive("mission").list_command_history()}
        rows = [found.get(one.id) for one in sent]
        return [
            row
            and (
                row.is_complete(),
                row.is_success(),
                {n: a.status for n, a in row.acknowledgments.items()},
                row.error,
            )
            for row in rows
        ]

    until(lambda: all(row and row[0] for row in told()), told)
    passed = {"Verifier_Accepted": "OK", "Verifier_Complete": "OK", "Verifier_Failed": "CANCELLED"}
    failed = {"Verifier_Accepted": "OK", "Verifier_Complete": "CANCELLED", "Verifier_Failed": "OK"}
    for (_, success, stages, error), due in zip(told(), (passed, failed, passed), strict=True):
        assert {name: state for name, state in stages.items() if name in due} == due
        assert success == (due is passed)
        assert (error or "") == ("" if success else "Verifier Failed return: not-running")
