"""The ground: archived first, each packet shown once, late data in their place, limits in their context."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.archive import verify
from moonpost.control.database import Database
from moonpost.control.ground import AlarmRules, Ground, LiveBatch
from moonpost.control.packets import (
    FrameLayout,
    FrameWriter,
    Packets,
    encode_packets,
    make_packets,
    station_dictionary,
)
from moonpost.control.packets.calibration import Instant
from moonpost.control.packets.dictionary import HEADER, Dictionary, Encoding, Item, PacketLayout, Parameter
from moonpost.control.packets.limits import Comparison
from moonpost.errors import InputError, OutputError
from moonpost.operations.channels import Channel

sys.path.insert(0, str(Path(__file__).parent))
from ground_samples import EPOCH, LATER, LAYOUT, at, dictionary, framed, rover, sky


@pytest.fixture
def ground(tmp_path: Path) -> Any:
    with Ground.open(tmp_path / "archive", dictionary(), layout=LAYOUT) as opened:
        yield opened


def numbers(ground: Ground) -> list[float]:
    return ground.archive.query("rover.number", EPOCH, LATER).value.tolist()


def test_what_is_received_is_archived_and_told(ground: Ground) -> None:
    told: list[LiveBatch] = []
    stop = ground.listen(told.append)
    writer = FrameWriter(LAYOUT)
    octets = writer.write(rover(range(100))) + writer.flush()
    for begin in range(0, len(octets), 700):
        ground.receive(octets[begin : begin + 700], at=at(100))
    assert numbers(ground) == list(range(100))
    live = np.concatenate([batch.columns["rover.number"][1] for batch in told])
    assert live.tolist() == list(range(100))
    assert all(batch.time == at(100) and not batch.late for batch in told)
    stop()
    count = len(told)
    ground.receive(framed(rover([100]), writer=writer), at=at(101))
    assert len(told) == count
    assert ground.latest(["rover.number", "nothing"]) == {"rover.number": (at(100), 100.0, 0)}
    status = ground.status()
    assert (status["taken"], status["decoded"], status["rejected"]) == (101, 101, 0)
    assert status["sources"]["station"]["taken"] == 101


def test_acknowledged_by_source_and_channel(ground: Ground) -> None:
    ground.receive(framed(rover(range(50))), at=at(50))
    ground.receive(framed(sky(range(20))), "other", at=at(50))
    ground.archive.sync()
    sources = ground.status()["sources"]
    assert sources["station"]["acknowledged_by_apid"] == {2: 50}
    assert sources["station"]["last_acknowledged_count"] == {2: 49}
    assert sources["other"]["acknowledged"] == 20


def test_the_disk_is_waited_for_without_further_packets(ground: Ground) -> None:
    ground.receive(framed(rover([0])), at=at(0))
    received = ground.receive(framed(rover([1])), at=at(1))
    for _ in range(200):
        if ground.archive.acknowledged == 2:
            break
        threading.Event().wait(0.02)
    assert received.packets == 1
    assert ground.status()["acknowledged"] == 2
    assert ground.receive(b"", at=at(2)).acknowledged


def test_packets_that_come_again_are_shown_once(ground: Ground) -> None:
    told: list[LiveBatch] = []
    ground.listen(told.append)
    ground.receive(framed(rover(range(10), 340.0)), at=at(10))
    ground.receive(framed(rover(range(10), 340.0)), "again", at=at(11))
    assert numbers(ground) == list(range(10))
    assert sum(len(batch.columns["rover.number"][1]) for batch in told) == 10
    assert ground.status()["duplicates"] == 10
    (alarm,) = [alarm for alarm in ground.alarms.active() if alarm.key == "rover.box_k"]
    assert (alarm.state, alarm.count) == (2, 1)


def test_played_back_data_fill_the_gap_and_do_not_become_now(ground: Ground) -> None:
    told: list[LiveBatch] = []
    ground.listen(told.append)
    writer = FrameWriter(LAYOUT)
    ground.receive(framed(rover(range(10)), writer=writer), at=at(10))
    ground.receive(framed(rover(range(30, 40)), writer=writer), at=at(40))
    assert [gap.missing for gap in ground.archive.gaps(EPOCH, LATER)] == [20]
    assert "ground.gap.station" in {alarm.key for alarm in ground.alarms.active()}
    ground.receive(framed(rover(range(10, 30), 240.0), 1, writer), at=at(41))
    assert numbers(ground) == list(range(40))
    assert ground.archive.gaps(EPOCH, LATER) == ()
    assert ground.latest(["rover.number"])["rover.number"] == (at(39), 39.0, 0)
    assert told[-1].columns == {}
    assert told[-1].late["rover.number"][1].tolist() == list(range(10, 30))
    (alarm,) = [alarm for alarm in ground.alarms.active() if alarm.key == "rover.box_k"]
    assert (alarm.late, alarm.worst, alarm.since, alarm.cleared) == (True, -2, at(10), at(29))
    assert ground.status()["late"] == 20


@pytest.mark.parametrize("channel", [1, 2, 6])
def test_played_back_data_that_are_newer_are_the_newest_and_still_late(ground: Ground, channel: int) -> None:
    ground.receive(framed(rover(range(5), 240.0), channel), at=at(500))
    assert ground.latest(["rover.number"])["rover.number"][0] == at(4)
    assert [alarm.late for alarm in ground.alarms.active()] == [True]


@pytest.mark.parametrize("channel", [2, 6])
def test_an_outside_station_may_send_live_on_channels_that_are_playback_of_ours(
    ground: Ground, channel: int
) -> None:
    told: list[LiveBatch] = []
    ground.listen(told.append)
    ground.receive(framed(rover(range(5), 240.0), channel), "tcp 127.0.0.1:40000", at=at(5))
    assert told[-1].columns["rover.number"][1].tolist() == list(range(5))
    assert not told[-1].late
    assert [alarm.late for alarm in ground.alarms.active()] == [False]
    ground.receive(framed(rover(range(5, 9)), 1), "tcp 127.0.0.1:40000", at=at(9))
    assert told[-1].late["rover.number"][1].tolist() == list(range(5, 9))


def test_playback_channels_are_told_for_all_sources_or_by_source(tmp_path: Path) -> None:
    told: list[LiveBatch] = []

    def late(playback: Any) -> list[tuple[str, int]]:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        found = []
        with Ground.open(place, dictionary(), layout=LAYOUT, playback=playback) as opened:
            opened.listen(told.append)
            for number, (source, channel) in enumerate((s, c) for s in ("station", "a") for c in (1, 2, 7)):
                opened.receive(framed(rover([number]), channel), source, at=at(number))
                found += [(source, channel)] if told[-1].late else []
        return found

    usual = [("station", 1), ("station", 2)]
    assert late(None) == [*usual, ("a", 1)]
    assert late({"a": (7,)}) == [*usual, ("a", 7)]
    assert late((7,)) == [("station", 7), ("a", 7)]
    with pytest.raises(InputError, match="no virtual channels"):
        late((8,))


def test_a_clock_far_ahead_does_not_hide_what_follows(ground: Ground) -> None:
    ground.receive(framed(rover([10_000_000])), at=at(3))
    assert ground.latest() == {}
    assert ground.alarms.is_up("ground.clock")
    ground.receive(framed(rover([4])), "b", at=at(4))
    assert not ground.alarms.is_up("ground.clock")
    assert ground.latest(["rover.number"])["rover.number"][1] == 4.0
    assert ground.status()["ahead"] == 1
    assert len(numbers(ground)) == 2


def test_a_time_beyond_the_calendar_costs_no_packet(tmp_path: Path) -> None:
    clock = Parameter("t", Encoding("signed", 64), "", "", Instant("UNIX", 1.0))
    items = (*(Item(field.name) for field in HEADER), Item("t"))
    layout = PacketLayout("p", items, (Comparison("ccsds_apid", "==", 5),), "t")
    seconds = (-200_000_000_000, 2_208_988_800, 1 << 62)
    sent = make_packets(5, [second.to_bytes(8, "big", signed=True) for second in seconds], secondary=True)
    with Ground.open(tmp_path, Dictionary("x", (*HEADER, clock), (layout,)), layout=LAYOUT) as ground:
        assert ground.receive_packets(b"".join(sent), "x", at=at(10)[()]).packets == 3
        (batch,) = ground.archive.packets("2039-01-01", "2041-01-01")
    assert batch.time.tolist() == [at(10).item(), at(0).item(), at(10).item()]


def test_limits_follow_the_night_told_by_another_packet(ground: Ground) -> None:
    both = Packets.join([rover(range(20), 230.0), sky(range(20), np.where(np.arange(20) < 10, -5.0, 5.0))])
    states: list[int] = []
    ground.listen(lambda batch: states.extend(batch.columns["rover.box_k"][2].tolist()))
    ground.receive(framed(both), at=at(20))
    assert states == [0] * 10 + [-2] * 10
    ground.receive(framed(rover([20], 230.0)), "b", at=at(21))
    assert states[-1] == -2
    ground.receive(framed(sky([21], -5.0)), "c", at=at(22))
    ground.receive(framed(rover([22], 230.0)), "d", at=at(23))
    assert states[-1] == 0


def test_a_listener_that_fails_harms_nobody(ground: Ground) -> None:
    told: list[LiveBatch] = []

    def fails(batch: LiveBatch) -> None:
        raise ValueError("no")

    ground.listen(fails)
    ground.listen(told.append)
    ground.receive(framed(rover([0])), at=at(0))
    assert len(told) == 1
    assert ground.status()["listeners_failed"] == 1
    assert ground.status()["listener_trouble"] == "ValueError: no"


def test_what_fails_behind_the_archive_costs_no_packet(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(ground.alarms, "watch", fails)
        assert ground.receive(framed(rover(range(5), 200.0)), at=at(5)).packets == 5
    assert numbers(ground) == list(range(5))
    assert ground.status()["faults"] == 1
    assert "ZeroDivisionError" in ground.status()["trouble"]
    ground.close()
    with pytest.raises(OutputError, match="closed"):
        ground.receive(b"", at=at(6))


def test_many_threads_lose_nothing(ground: Ground) -> None:
    def send(first: int) -> None:
        octets = framed(rover(range(first, first + 500)))
        for begin in range(0, len(octets), 1000):
            ground.receive(octets[begin : begin + 1000], f"thread {first}", at=at(4000))

    threads = [threading.Thread(target=send, args=(500 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(ground) == list(range(3000))
    assert ground.archive.gaps(EPOCH, LATER) == ()


def test_newest_values_and_order_survive_a_restart(tmp_path: Path) -> None:
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT) as ground:
        ground.receive(framed(rover(range(100), 240.0)), at=at(100))
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT, clock=lambda: at(101)[()]) as ground:
        assert ground.latest(["rover.number"])["rover.number"] == (at(99), 99.0, 0)
        assert ground.latest(["rover.box_k"])["rover.box_k"][2] == -2
        ground.receive(framed(rover([50], 240.0)), "b")
        assert ground.status()["duplicates"] == 1
        ground.receive(framed(rover([120])), "b")
        ground.receive(framed(rover([110], 240.0)), "c")
        assert ground.latest(["rover.number"])["rover.number"][1] == 120.0
        assert ground.status()["late"] == 1


def test_a_source_that_should_be_heard_is_missed(ground: Ground) -> None:
    ground.expect("station", lambda t: bool(t < at(10_000)), 600.0)
    ground.receive(framed(rover([0])), at=at(0))
    ground.receive(b"", at=at(500))
    assert ground.alarms.active() == ()
    ground.receive(b"", at=at(700))
    ground.receive(b"", at=at(800))
    (alarm,) = ground.alarms.active()
    assert (alarm.key, alarm.state, alarm.count) == ("ground.link.station", 2, 1)
    ground.receive(framed(rover([900])), "station", at=at(900))
    (alarm,) = [one for one in ground.alarms.active() if one.key == "ground.link.station"]
    assert alarm.cleared == at(900)
    ground.receive(b"", at=at(11_000))
    ground.receive(b"", at=at(50_000))
    assert not ground.alarms.is_up("ground.link.station")


def test_a_full_disk_refuses_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moonpost.control.ground.archivewatch._RETRY_S", 0.05)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT, sync_s=0.0) as ground:
        ground.receive(framed(rover(range(100))), at=at(100))
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        sent, kept = 100, 0
        try:
            while ground.full_since is None:
                kept = sent
                ground.receive(framed(rover(range(sent, sent + 50))), f"s{sent}", at=at(sent + 50))
                sent += 50
            for _ in range(4):  # as large as the first that did not fit: a smaller one might fit when tried again
                received = ground.receive(framed(rover(range(sent, sent + 50))), f"s{sent}", at=at(sent + 50))
                assert (received.packets, received.rejected) == (0, 50)
                sent += 50
            assert numbers(ground) == list(range(kept))
            assert ground.alarms.is_up("ground.archive")
            status = ground.status()
            assert status["rejects"] == {"disk full": 250}
            assert status["full_since"] is not None
            assert "takes no packets" in status["trouble"]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        threading.Event().wait(0.06)
        ground.receive(framed(rover(range(sent, sent + 10))), f"s{sent}", at=at(sent + 10))
        assert ground.full_since is None
        assert not ground.alarms.is_up("ground.archive")
        assert numbers(ground) == [*range(kept), *range(sent, sent + 10)]
        assert [gap.missing for gap in ground.archive.gaps(EPOCH, LATER)] == [sent - kept]
        assert ground.status()["trouble"] == ""
    assert verify(tmp_path).is_sound


def test_a_refused_piece_that_comes_again_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moonpost.control.ground.archivewatch._RETRY_S", 0.0)
    reserve = "moonpost.control.archive.writer.RESERVE_BYTES"
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT) as ground:
        writer = FrameWriter(LAYOUT)
        pieces = [writer.write(rover(range(n, n + 30))) for n in range(0, 300, 30)] + [writer.flush()]
        for number, piece in enumerate(pieces):
            if number in (3, 4, 7):
                with monkeypatch.context() as full:
                    full.setattr(reserve, 1 << 60)
                    for _ in range(3):
                        assert ground.receive(piece, at=at(30 * number)).rejected > 0
                    assert ground.status()["refused"] > 0
            assert ground.receive(piece, at=at(30 * number)).rejected == 0
        assert numbers(ground) == list(range(300))
        status = ground.status()
        assert (status["rejected"], status["refused"], status["missing"], status["decoded"]) == (0, 0, {}, 300)
        assert status["sources"]["station"]["refused"] == 0
        assert ground.archive.gaps(EPOCH, LATER) == ()
        assert [alarm.count for alarm in ground.alarms.active()] == [3]


def test_a_disk_that_fails_to_sync_takes_back_what_was_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(file: int) -> None:
        raise OSError(5, "Input/output error")

    with Ground.open(tmp_path, dictionary(), layout=LAYOUT, sync_s=0.02) as ground:
        ground.receive(framed(rover(range(10))), at=at(10))
        ground.archive.sync()
        monkeypatch.setattr("moonpost.control.archive.writer.os.fdatasync", fails)
        ground.receive(framed(rover(range(10, 20))), "b", at=at(20))
        for _ in range(300):
            if ground.alarms.is_up("ground.archive"):
                break
            threading.Event().wait(0.01)
        monkeypatch.undo()
        assert ground.status()["sources"].get("b", {}).get("acknowledged", 0) == 0
        threading.Event().wait(1.05)
        ground.receive(framed(rover(range(10, 30))), "c", at=at(30))
        ground.archive.sync()
        assert ground.status()["sources"]["c"]["acknowledged"] == 20
        assert numbers(ground) == list(range(30))
        assert not ground.alarms.is_up("ground.archive")
    assert verify(tmp_path).is_sound


def test_rules_of_alarms_are_handed_on(tmp_path: Path) -> None:
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT, rules=AlarmRules(persistence=5)) as ground:
        ground.receive(framed(rover(range(4), 200.0)), at=at(4))
        assert ground.alarms.active() == ()
        ground.receive(framed(rover([4], 200.0)), "b", at=at(5))
        (alarm,) = ground.alarms.active()
        assert (alarm.since, alarm.worst) == (at(0), -2)


@pytest.mark.soak
@pytest.mark.parametrize("limited", [False, True])
def test_the_whole_way_is_ten_times_as_fast_as_its_peer(tmp_path: Path, limited: bool) -> None:
    low, high = (-1e9, 1e9) if limited else (None, None)
    wide = station_dictionary([Channel(f"s.p{number}", "W", low, high, "") for number in range(100)])
    layout = FrameLayout(spacecraft=171)
    writer, size, rounds = FrameWriter(layout), 4096, 60
    draw = np.random.default_rng(1)
    values = {f"s.p{number}": draw.standard_normal(size) for number in range(100)}
    pieces = [
        writer.write(encode_packets(wide, "s", values, EPOCH + np.arange(n * size, (n + 1) * size) * 1000,
                                    first_count=n * size % 16384))
        for n in range(rounds)
    ]  # fmt: skip
    with Ground.open(tmp_path, wide, layout=layout) as ground:
        for piece in pieces[:4]:
            ground.receive(piece, at=at(1000)[()])
        begun = time.process_time()
        for piece in pieces[4:]:
            ground.receive(piece, at=at(1000)[()])
        ground.archive.sync()
        spent = time.process_time() - begun
        assert ground.status()["rejected"] == 0
    rate = 100 * size * (rounds - 4) / spent / 1e6
    print(f"{rate:.1f} million parameters/s of processor time")
    assert rate > 16.6


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("not within ten seconds")


def test_a_folder_that_is_gone_is_told_as_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moonpost.control.ground.archivewatch._RETRY_S", 0.0)
    monkeypatch.setattr("moonpost.control.ground.ground._LOOK_S", 0.0)
    folder, away = tmp_path / "a", tmp_path / "b"
    with Ground.open(folder, dictionary(), layout=LAYOUT) as ground:
        ground.receive(framed(rover(range(10))), at=at(10))
        ground.archive.sync()
        folder.rename(away)
        until(lambda: ground.full_since is not None)  # though nothing comes
        (alarm,) = ground.alarms.active()
        assert (alarm.key, alarm.severity, "its files are gone" in alarm.text) == (
            "ground.archive",
            "critical",
            True,
        )
        piece = framed(rover(range(10, 20)))
        assert ground.receive(piece, at=at(20)).rejected == 10
        status = ground.status()
        assert (status["stopped"], status["rejects"]) == ("folder gone", {"folder gone": 10})
        assert not folder.exists()
        away.rename(folder)
        assert ground.receive(piece, at=at(20)).packets == 10
        assert (ground.full_since, ground.status()["rejects"], ground.status()["stopped"]) == (None, {}, "")
        assert not ground.alarms.is_up("ground.archive")
        assert numbers(ground) == list(range(20))


@pytest.mark.parametrize("quick", [True, False])
def test_a_damaged_segment_raises_an_alarm_and_stops_nothing(tmp_path: Path, quick: bool) -> None:
    database = Database.open(tmp_path / "control.sqlite")
    folder = tmp_path / "archive"
    with Ground.open(folder, dictionary(), layout=LAYOUT, database=database) as ground:
        ground.receive(framed(rover(range(50))), at=at(50))
    segment = folder / "raw" / "0000000001.seg"
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] if quick else whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    with Ground.open(folder, dictionary(), layout=LAYOUT, database=database) as ground:
        if quick:
            assert ground.alarms.is_up("ground.archive")  # at once
        until(lambda: ground.status()["damage"]["checked"])
        (alarm,) = [one for one in ground.alarms.active() if one.key == "ground.archive"]
        assert "0000000001.seg, octet " in alarm.text
        assert "moonpost control verify DIR" in alarm.text
        assert str(tmp_path) not in alarm.text
        assert ground.status()["damage"]["places"] > 0
        assert sum(len(found) for found in ground.archive.packets(EPOCH, LATER)) == 49
        assert ground.receive(framed(rover(range(50, 60))), at=at(60)).packets == 10
        assert ground.alarms.is_up("ground.archive")
    segment.write_bytes(whole)
    with Ground.open(folder, dictionary(), layout=LAYOUT, database=database) as ground:
        until(lambda: ground.status()["damage"]["checked"])
        assert not ground.alarms.is_up("ground.archive")
        assert numbers(ground) == list(range(60))
    database.close()


def test_damaged_parameters_do_not_keep_it_from_starting(tmp_path: Path) -> None:
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT) as ground:
        ground.receive(framed(rover(range(50))) + framed(sky(range(50))), at=at(50))
    for part in (tmp_path / "parameters").glob("*.parquet"):
        part.write_bytes(b"damaged")
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT) as ground:
        until(lambda: ground.status()["damage"]["checked"])
        assert {finding.rpartition(".")[2] for finding in ground.status()["damage"]["findings"]} == {
            "parquet: its hash is not that of the manifest"
        }
        assert ground.receive(framed(rover(range(50, 60))), at=at(60)).packets == 10
        assert ground.latest(["rover.number"])["rover.number"][1] == 59.0


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        Ground.open(tmp_path / "file" / "archive", dictionary(), layout=LAYOUT)


def test_a_gap_of_before_a_restart_is_cleared_in_its_time(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "control.sqlite")
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT, database=database) as ground:
        ground.receive(framed(rover(range(5))) + framed(rover(range(9, 12))), at=at(12))
        ground.receive(framed(rover([12])), at=at(13))
        assert ground.alarms.is_up("ground.gap.station")
    with Ground.open(tmp_path, dictionary(), layout=LAYOUT, database=database) as ground:
        ground.receive(b"", at=at(20))
        assert ground.alarms.is_up("ground.gap.station")
        ground.receive(b"", at=at(400))
        assert not ground.alarms.is_up("ground.gap.station")
    database.close()
