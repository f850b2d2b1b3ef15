"""Outages: what is made out of contact is stored, played back, and comes exactly once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from moonpost.control.station import Station

sys.path.insert(0, str(Path(__file__).parent))
from station_samples import FRAME, alone, at, bundled, command, opened, reports, split, stages

ROW_PACKETS = 18


def all_of(station: Station, hours: float) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {0: [], 1: []}
    found |= split(station.advance(at(hours)))
    return found


def silent(folder: Path, first: float, last: float, **given: object) -> Station:
    """A station whose transmitter is off for some hours."""
    station = opened(folder, alone(), **given)
    off = command(station, "station-communications.transmitter-off", 0)
    on = command(station, "station-communications.transmitter-on", 1)
    station.uplink(off, at(first))
    station.uplink(on, at(last))
    return station


def test_every_packet_of_an_outage_comes_exactly_once(tmp_path) -> None:
    quiet = silent(tmp_path / "a", 3.0, 9.0)
    heard = all_of(quiet, 20.0)
    spoken = opened(tmp_path / "b", alone())
    for number, hours in enumerate((3.0, 9.0)):  # the same commands, but for a machine that speaks for nobody
        name = "observatory.load-limit"
        spoken.uplink(command(spoken, name, number, fraction=1.0), at(hours))
    steps = [p for p in all_of(spoken, 20.0)[0] if int.from_bytes(p[:2], "big") & 0x7FF < 1900]
    got = [p for part in heard.values() for p in part]
    own = [p for p in got if int.from_bytes(p[:2], "big") & 0x7FF < 1900]
    assert sorted(own) == sorted(steps)
    counts = sorted(
        int.from_bytes(p[2:4], "big") & 0x3FFF for p in got if int.from_bytes(p[:2], "big") & 0x7FF == 1900
    )
    assert counts == list(range(len(counts)))
    assert len(heard[1]) > 6 * 60 * ROW_PACKETS - ROW_PACKETS
    assert quiet.status()["stored_packets"] == quiet.status()["lost_packets"] == 0
    times = [p[6:12] for p in heard[1] if p[1] == 8 and p[0] & 7 == 0]
    assert times == sorted(times)


def test_live_telemetry_goes_on_during_playback_at_its_rate(tmp_path) -> None:
    station = silent(tmp_path, 1.0, 20.0, playback_bit_s=400.0)
    station.advance(at(20.0))
    held = station.status()["stored_octets"]
    octets = station.advance(at(21.0))
    for _ in range(3):
        octets += station.advance(station.reached + np.timedelta64(20, "m"))
    found = split(octets)
    sent = sum(map(len, found[1]))
    assert 0.97 * 2.0 * 3600 * 50 < sent <= 2.0 * 3600 * 50
    assert len([p for p in found[0] if p[1] == 8 and p[0] & 7 == 0]) == 119  # that of 20:00:00 was stored
    assert 0 < held - sent < held


def test_the_oldest_is_lost_when_the_store_is_full_and_that_is_told(tmp_path) -> None:
    room = 100_000
    station = silent(tmp_path, 1.0, 12.0, store_octets=room)
    found = all_of(station, 20.0)
    (told, done) = [row for row in reports(station, octets_of(found)) if row[0] == "store-status"]
    assert told[2]["store_room_octets"] == room
    assert 0.95 * room < told[2]["store_held_octets"] <= room
    lost = station.status()["lost_packets"]
    assert told[2]["store_lost_packets"] == lost > 5000
    assert done[2]["store_held_packets"] == 0
    steps = [int.from_bytes(p[2:4], "big") & 0x3FFF for p in found[1] if p[1] == 8 and p[0] & 7 == 0]
    assert steps == list(range(steps[0], 12 * 60))
    live = [p for p in found[0] if p[1] == 8 and p[0] & 7 == 0]
    assert len(live) + len(steps) < 20 * 60 - 300


def octets_of(found: dict[int, list[bytes]]) -> bytes:
    """Frames of packets, for those who read frames."""
    from moonpost.control.packets import FrameLayout, FrameWriter, Packets

    writer = FrameWriter(FrameLayout(spacecraft=171))
    return b"".join(
        writer.write(Packets.of(part), channel) + writer.flush(channel) for channel, part in found.items() if part
    )


def test_playback_stops_and_starts_by_command(tmp_path) -> None:
    station = silent(tmp_path, 1.0, 6.0)
    station.uplink(command(station, "playback-stop", 5), at(6.0))
    station.advance(at(5.9))
    held = split(station.advance(at(8.0)))
    assert not held.get(1)
    assert station.status()["stored_octets"] > 0
    station.uplink(command(station, "playback-start", 6), at(8.0))
    octets = station.advance(at(8.5))
    assert len(split(octets)[1]) > 4 * 60 * ROW_PACKETS
    states = [row[2]["store_held_packets"] for row in reports(station, octets) if row[0] == "store-status"]
    assert states[0] > states[-1] == 0
    assert ("completion", 6) in stages(station, octets)
    station.uplink(command(station, "store-report", 7), at(9.0))
    assert [row[0] for row in reports(station, station.advance(at(9.1)))].count("store-status") == 1


def test_a_relay_serves_where_the_earth_is_not_in_view(tmp_path) -> None:
    station = opened(tmp_path, bundled(), start="2040-06-22T02:00Z")
    ways = [row.way for row in station.contacts]
    assert ways[:2] == ["direct", "queqiao-2"]
    direct, last, relay = station.contacts[:3]
    assert last.stop < relay.start
    between = last.stop + (relay.start - last.stop) // 2
    station.advance(between)
    before = station.status()["stored_packets"]
    assert before > 0
    station.uplink(command(station, "ping", 3), between)
    assert stages(station, station.advance(relay.start)) == []
    octets = station.advance(relay.start + np.timedelta64(5, "m"))
    assert ("completion", 3) in stages(station, octets)
    (answer,) = [time for name, time, _ in reports(station, octets) if name == "ping-answer"]
    assert np.timedelta64(-1, "ms") < answer - relay.start < np.timedelta64(5, "ms")
    assert len(split(octets)[1]) >= before
    assert station.light_time_s(relay.start + np.timedelta64(1, "h")) > station.light_time_s(direct.stop)


@pytest.mark.parametrize("relayed", [True, False])
def test_the_far_side_depends_on_its_relay(tmp_path, relayed) -> None:
    plan = bundled()
    if not relayed:
        plan = plan.model_copy(update={"links": tuple(row for row in plan.links if row.receiver != "queqiao")})
    station = opened(tmp_path, plan, site="ce4-site", start="2040-06-22", days=1.0, step_s=600.0)
    station.uplink(command(station, "ping", 1), station.span[0])
    octets = station.advance(station.span[0] + np.timedelta64(6, "h"))
    if relayed:
        assert [row.way for row in station.contacts] == ["queqiao"]
        assert stages(station, octets)[-1] == ("completion", 1)
        assert 1.55 < station.light_time_s(station.span[0]) < 1.75
        return
    assert station.contacts == ()
    assert octets == b""
    counts = station.status()
    assert (counts["lost"], counts["received"]) == (1, 1)
    assert counts["stored_packets"] > 0
    assert len(octets) % FRAME == 0
