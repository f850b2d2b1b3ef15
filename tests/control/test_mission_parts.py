"""The parts of a mission by themselves: the thread that moves it, its folder, its outside, its book of events."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from moonpost.control.clock import MissionClock
from moonpost.control.eventbook import EventBook
from moonpost.control.ground.live import Report
from moonpost.control.missionfolder import Flown, MissionFolder
from moonpost.control.options import Options
from moonpost.control.outside import Outside, joined_dictionary
from moonpost.control.packets import FrameLayout, FrameWriter, make_packets, station_dictionary, write_xtce
from moonpost.control.ticking import Ticker
from moonpost.errors import DataError, InputError, OutputError
from moonpost.operations.channels import Channel
from moonpost.plan import load_plan

START = np.datetime64("2040-01-01", "us")
MINUTE = np.timedelta64(1, "m")


def ticker(clock: MissionClock, advance: Any, receive: Any, **more: Any) -> Ticker:
    return Ticker(clock, advance, receive, reached=START, most=MINUTE, tick_s=0.01, **more)


def wait_for(what: Any, limit_s: float = 20.0) -> None:
    until = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_station_that_cannot_keep_up_gives_all_in_pieces_and_it_is_told() -> None:
    clock, got = MissionClock(START, 60_000.0, stop=START + 60 * MINUTE), []

    def advance(until: np.datetime64) -> bytes:
        time.sleep(0.005)  # 12,000 times at the most
        return str(until).encode()

    moving = ticker(clock, advance, lambda octets, at: got.append((octets, at)) is None)
    moving.start()
    wait_for(lambda: clock.has_ended)
    assert moving.behind_s > 60.0
    wait_for(lambda: moving.reached == clock.stop)
    moving.stop()
    assert moving.behind_s == 0.0
    steps = np.diff([at for _, at in got])
    assert steps.max() <= MINUTE
    assert [octets for octets, _ in got] == [str(at).encode() for _, at in got]


def test_what_was_not_taken_is_offered_again_and_time_waits() -> None:
    clock, offered, full = MissionClock(START, 100.0), [], [True]

    def receive(octets: bytes, at: np.datetime64) -> bool:
        offered.append(octets)
        return not full[0]

    moving = ticker(clock, lambda until: str(until).encode(), receive)
    moving.start()
    wait_for(lambda: len(offered) > 3)
    assert moving.reached == START
    assert len(set(offered)) == 1
    full[0] = False
    wait_for(lambda: moving.moves > 3)
    moving.stop()
    moving.stop()
    assert list(dict.fromkeys(offered)) == sorted(set(offered))


def test_what_fails_is_told_until_it_works_again_and_ends_nothing() -> None:
    clock, fails, done = MissionClock(START, 1.0), [True], []

    def advance(until: np.datetime64) -> bytes:
        if fails[0]:
            raise OutputError("is full", where="disk")
        return b""

    def job() -> None:
        done.append(1)
        if fails[0]:
            raise ValueError("no")

    def note() -> None:
        if fails[0]:
            raise OSError(28, "No space left on device", "/private/place")

    def ask() -> None:
        if fails[0]:
            raise OperationalError("UPDATE users SET secret = ?", ("private",), ValueError("database is locked"))

    moving = ticker(
        clock,
        advance,
        lambda octets, at: True,
        jobs=[(0.0, "a job", job), (0.0, "the note", note), (0.0, "a query", ask)],
    )
    moving.start()
    wait_for(lambda: len(moving.trouble.split("; ")) == 4)
    causes = [
        "the station failed: is full",
        "a job failed: ValueError, see the log",
        "the note failed: No space left on device",
        "a query failed: database is locked",
    ]
    assert moving.trouble == "; ".join(causes)
    assert moving.is_running
    fails[0] = False
    wait_for(lambda: moving.moves > 0 and not moving.trouble)
    moving.stop()
    assert moving.failures >= 2
    assert not moving.is_running


def test_a_folder_tells_what_is_wrong_with_it(tmp_path: Path) -> None:
    flown = Flown.of(load_plan("ilrs"), None, 60.0, 60.0, None, 0)
    folder = MissionFolder(tmp_path, flown)
    assert folder.reached is None
    folder.keep()
    with pytest.raises(OutputError, match="another server"):
        MissionFolder(tmp_path, flown)
    folder.close()
    folder.close()
    with pytest.raises(InputError, match="before it was edited"):
        MissionFolder(tmp_path, replace(flown, digest="0" * 64))
    with pytest.raises(InputError, match=r"days was 60\.0, not 61\.0"):
        MissionFolder(tmp_path, replace(flown, days=61.0))
    (tmp_path / "reached.json").write_text("half a rec")
    again = MissionFolder(tmp_path, flown)
    assert again.reached is None
    again.close()
    (tmp_path / "mission.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        MissionFolder(tmp_path, flown)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        MissionFolder(tmp_path / "file" / "below", flown)


def test_frames_go_out_by_datagram_and_commands_by_stream() -> None:
    layout = FrameLayout(spacecraft=171)
    writer = FrameWriter(layout)
    octets = writer.write(make_packets(5, [b"some octets"] * 200)) + writer.flush()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as frames,
        socket.create_server(("127.0.0.1", 0)) as station,
    ):
        frames.bind(("127.0.0.1", 0))
        frames.settimeout(5)
        options = Options(
            telemetry_to=f"127.0.0.1:{frames.getsockname()[1]}", uplink_to=f"127.0.0.1:{station.getsockname()[1]}"
        )
        outside = Outside(None, lambda octets, sender: None, options, layout)  # type: ignore[arg-type]
        outside.send(octets)
        outside.send(b"")
        size = layout.sent_octets
        got = [frames.recv(65536) for _ in range(len(octets) // size)]
        assert b"".join(b"\x1a\xcf\xfc\x1d" + frame for frame in got) == octets
        assert outside.takes_commands
        outside.command(b"telecommand")
        taken, _ = station.accept()
        with taken:
            assert taken.recv(100) == b"telecommand"
        station.close()
        with pytest.raises(OutputError, match="cannot be reached"):
            outside.command(b"telecommand")
        outside.close()


def test_an_outside_dictionary_is_joined_or_refused(tmp_path: Path) -> None:
    own = station_dictionary([Channel("rover.box_k", "K", 263.0, 323.0, "Box.")])
    other = station_dictionary([Channel("payload.x_v", "V", None, None, "Volts.")], name="other", first_apid=700)
    write_xtce(other, tmp_path / "other.xml")
    joined = joined_dictionary(own, tmp_path / "other.xml")
    assert [packet.apid for packet in joined.packets] == [1, 700]
    assert joined.parameter("payload.x_v").unit == "V"
    same = station_dictionary([Channel("payload.x_v", "V", None, None, "Volts.")], name="other")
    write_xtce(same, tmp_path / "same.xml")
    with pytest.raises(InputError, match="APID 1"):
        joined_dictionary(own, tmp_path / "same.xml")


def test_events_stand_in_order_of_time_and_late_ones_at_their_place() -> None:
    book = EventBook()
    for minute in (5, 1, 9, 1):
        told = {
            "event_kind": "wake",
            "event_subject": "rover",
            "event_value": float("nan"),
            "event_text": str(minute),
        }
        assert book.add(Report(5, 3, START + minute * MINUTE, told, late=minute == 1, packet="event-medium"))
    assert book.add(Report(1, 7, START, {})) is None
    found = book.between(START + MINUTE, START + 9 * MINUTE)
    assert [row["text"] for row in found] == ["1", "1", "5"]
    assert [row["late"] for row in found] == [True, True, False]
    assert {row["severity"] for row in found} == {"medium"}
    assert json.loads(json.dumps(found))[0]["value"] is None
