"""Telecommands on board: accepted, executed, completed or failed as the machines then do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.station import Station
from moonpost.control.station.catalogue import VERBS
from moonpost.control.station.reports import FAILURES
from moonpost.errors import DataError

sys.path.insert(0, str(Path(__file__).parent))
from station_samples import at, command, opened, reports, sleepy, stages


@pytest.fixture
def station(tmp_path) -> Station:
    return opened(tmp_path)


def fly(station: Station, hours: float) -> tuple[list[tuple[str, int]], list[str]]:
    """Stages of verification until an instant, and causes of failure."""
    octets = station.advance(at(hours))
    causes = [f["failure_code"] for _, _, f in reports(station, octets) if "failure_code" in f]
    return stages(station, octets), causes


def test_a_ping_is_answered_after_the_light_time(station) -> None:
    station.advance(at(1.0))
    station.uplink(command(station, "ping", 7), at(1.0))
    octets = station.advance(at(1.1))
    assert stages(station, octets) == [("acceptance", 7), ("start", 7), ("completion", 7)]
    (answer,) = [time for name, time, _ in reports(station, octets) if name == "ping-answer"]
    late_s = (answer - at(1.0)) / np.timedelta64(1, "s")
    assert station.light_time_s(at(1.0)) <= late_s < station.light_time_s(at(1.0)) + 0.0011


def test_only_what_is_asked_for_is_reported(station) -> None:
    station.uplink(command(station, "ping", 1, 0b1001), at(0.0))
    station.uplink(command(station, "ping", 2, 0), at(0.0))
    station.uplink(command(station, "luna-30.wake", 3, 0), at(0.0))
    assert fly(station, 1.0) == (
        [("acceptance", 1), ("completion", 1), ("completion-failure", 3)],
        ["did-not-wake"],
    )


def test_a_machine_wakes_only_in_light_unless_it_is_inhibited(station) -> None:
    station.uplink(command(station, "assembly-rover.wake", 0), at(0.1))
    assert fly(station, 0.2) == (
        [("acceptance", 0), ("start", 0), ("completion-failure", 0)], ["did-not-wake"],
    )  # fmt: skip
    station.uplink(command(station, "assembly-rover.inhibit-waking", 1), at(0.3))
    station.uplink(command(station, "assembly-rover.wake", 2), at(3.0))
    said, causes = fly(station, 4.0)
    assert said == [
        ("acceptance", 1), ("start", 1), ("completion", 1), ("acceptance", 2), ("start", 2), ("completion", 2),
    ]  # fmt: skip
    assert causes == []
    kinds = [(e.subject, e.kind) for e in station.events(at(0.0), at(24.0)) if e.kind in ("wake", "sleep")]
    assert kinds == [("luna-30", "wake"), ("survey-rover", "wake"), ("assembly-rover", "wake")]
    awake = station.events(at(2.9), at(3.1))
    assert [(e.subject, e.kind) for e in awake if e.subject == "assembly-rover"][-1] == ("assembly-rover", "wake")


def test_a_machine_put_to_sleep_stays_asleep_until_it_is_woken(station) -> None:
    station.advance(at(5.0))
    station.uplink(command(station, "survey-rover.sleep", 0), at(5.0))
    station.uplink(command(station, "survey-rover.wake", 1), at(7.0))
    assert fly(station, 8.0)[1] == []
    own = [e for e in station.events(at(4.0), at(8.0)) if e.subject == "survey-rover"]
    assert [e.kind for e in own if e.kind in ("wake", "sleep")] == ["sleep", "wake"]
    works = station.simulation().series["element_working"].sel(element="survey-rover").values
    assert works[6 * 60] == 0.0
    assert works[7 * 60 + 2] == 1.0


def test_rules_of_sleep_and_the_cold_decide_on_waking(tmp_path) -> None:
    station = opened(tmp_path, sleepy())
    station.uplink(command(station, "survey-rover.wake", 0), at(1.0))
    said, causes = fly(station, 2.0)
    assert said[-1] == ("completion", 0)
    assert causes == []
    kinds = [e.kind for e in station.events(at(0.9), at(2.0)) if e.subject == "survey-rover"]
    assert kinds[:2] == ["command", "wake"]
    assert "sleep" in kinds


def test_sources_give_no_more_when_they_are_shut_down(station) -> None:
    station.advance(at(20.0))
    station.uplink(command(station, "reactor.source-shutdown", 0), at(20.0))
    station.uplink(command(station, "vertical-array.array-stow", 0), at(20.5))
    assert [row[0] for row in fly(station, 21.0)[0]].count("completion") == 2
    supply_w = station.simulation().series["supply_w"].sel(bus="station").values
    assert supply_w[20 * 60 - 5] > 1000.0
    assert supply_w[20 * 60 + 35 : 21 * 60].max() == 0.0
    station.uplink(command(station, "reactor.source-start", 1), at(21.0))
    fly(station, 21.1)
    assert station.simulation().series["supply_w"].sel(bus="station").values[21 * 60 + 10] > 1000.0


def test_activities_run_to_their_end_or_are_stopped(station) -> None:
    name = "survey-rover.activity-start"
    start, stop = (command(station, f"survey-rover.activity-{verb}", n, activity="survey-drive")
                   for n, verb in ((1, "start"), (2, "stop")))  # fmt: skip
    station.uplink(start, at(0.5))
    assert fly(station, 0.6)[1] == ["no-light"]
    station.uplink(stop, at(3.0))
    assert fly(station, 3.1)[1] == ["not-running"]
    station.uplink(command(station, name, 3, activity="survey-drive"), at(4.0))
    station.uplink(command(station, name, 4, activity="survey-drive"), at(4.1))
    assert fly(station, 5.0)[1] == ["busy"]
    before = station.simulation().series["element_load_w"].sel(element="survey-rover").values
    station.uplink(command(station, "survey-rover.activity-stop", 5, activity="survey-drive"), at(5.0))
    said, causes = fly(station, 6.0)
    after = station.simulation().series["element_load_w"].sel(element="survey-rover").values
    assert causes == ["run-stopped"]
    assert ("completion-failure", 3) in said
    assert ("completion", 5) in said
    assert np.array_equal(before[:300], after[:300])
    assert after[305] < before[305] == before[290]


def test_the_queue_releases_by_the_clock_on_board(tmp_path) -> None:
    station = opened(tmp_path)
    ticks = int(station.clock.ticks(at(3.0))[0])
    station.uplink(
        command(station, "queue-insert", 0, release_time=ticks, packet=command(station, "ping", 9)), at(1.0)
    )
    late = command(
        station, "queue-insert", 1, release_time=ticks - 65536 * 9000, packet=command(station, "ping", 8)
    )
    station.uplink(late, at(1.0))
    station.uplink(command(station, "queue-report", 2), at(1.5))
    octets = station.advance(at(1.6))
    (row,) = [fields for name, _, fields in reports(station, octets) if name == "queue-report"]
    assert (row["queue_total"], row["queued_apid"], row["queued_count"]) == (1, 1900, 9)
    assert [f["failure_code"] for _, _, f in reports(station, octets) if "failure_code" in f] == ["too-late"]
    station.close()
    again = opened(tmp_path, resume=at(1.6))
    assert again.status()["queued"] == 1
    octets = again.advance(at(3.1))
    (answer,) = [time for name, time, _ in reports(again, octets) if name == "ping-answer"]
    assert abs((answer - at(3.0)) / np.timedelta64(1, "s")) < 0.0012
    assert again.status()["queued"] == 0


def test_what_is_deleted_or_held_is_not_executed(station) -> None:
    def queue(count: int, hours: float) -> None:
        ticks = int(station.clock.ticks(at(hours))[0])
        inner = command(station, "ping", 100 + count)
        station.uplink(command(station, "queue-insert", count, release_time=ticks, packet=inner), at(0.1))

    queue(0, 2.0)
    queue(1, 2.1)
    queue(2, 4.0)
    station.uplink(command(station, "queue-delete", 3, queued_apid=1900, queued_count=100), at(0.2))
    station.uplink(command(station, "queue-delete", 4, queued_apid=1900, queued_count=100), at(0.2))
    station.uplink(command(station, "queue-disable", 5), at(1.0))
    assert fly(station, 1.0)[1] == ["not-queued"]
    assert fly(station, 3.0)[1] == ["queue-disabled"]
    station.uplink(command(station, "queue-enable", 6), at(3.0))
    assert ("completion", 102) in fly(station, 4.1)[0]
    queue(7, 5.0)
    station.uplink(command(station, "queue-reset", 8), at(4.2))
    station.advance(at(4.3))
    assert station.status()["queued"] == 0


def test_a_telecommand_for_the_queue_is_looked_at_before_it_is_queued(station) -> None:
    ticks = int(station.clock.ticks(at(3.0))[0])
    inner = command(station, "queue-insert", 5, release_time=ticks, packet=command(station, "ping", 0))
    broken = command(station, "ping", 0)[:-1] + b"\0"
    for count, octets in enumerate((inner, broken, b"noise")):
        station.uplink(command(station, "queue-insert", count, release_time=ticks, packet=octets), at(0.1))
    assert fly(station, 0.2)[1] == ["argument", "checksum", "length"]
    assert station.status()["queued"] == 0


def test_the_same_packet_counts_once_and_noise_is_counted(station) -> None:
    octets = command(station, "ping", 3)
    for _ in range(3):
        station.uplink(octets, at(0.0))
    broken = bytearray(octets)
    broken[-1] ^= 1
    station.uplink(bytes(broken), at(0.0))
    station.uplink(b"", at(0.0))
    station.uplink(b"\xff" * 30, at(0.0))
    said, causes = fly(station, 0.5)
    assert said.count(("acceptance", 3)) == 1
    assert causes == ["checksum"]
    counts = station.status()
    assert (counts["received"], counts["duplicates"], counts["refused"]) == (6, 2, 3)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80) | st.binary(min_size=8, max_size=40).map(lambda noise: b"\x1f\x6c\xc0\x00" + noise))
def test_noise_is_never_an_exception(shared, noise) -> None:
    shared.uplink(noise, at(0.0))
    shared.advance(shared.reached + np.timedelta64(5, "s"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Station:
    return opened(tmp_path_factory.mktemp("shared"))


def test_prediction_changes_nothing(station) -> None:
    station.advance(at(1.0))
    before = station.status(), station.simulation()
    ticks = int(station.clock.ticks(at(10.0))[0])
    inner = command(station, "survey-rover.sleep", 0)
    queued = station.predict(command(station, "queue-insert", 0, release_time=ticks, packet=inner), at(1.0))
    works = queued.series["element_working"].sel(element="survey-rover").values
    assert (works[599], works[605]) == (1.0, 0.0)
    assert station.predict(command(station, "ping", 0), at(1.0)) is before[1]
    assert (station.status(), station.simulation()) == before
    with pytest.raises(DataError):
        station.predict(b"noise", at(1.0))
    station.uplink(command(station, "queue-insert", 0, release_time=ticks, packet=inner), at(1.0))
    planned = station.simulation().series["element_working"].sel(element="survey-rover").values
    assert np.array_equal(planned, works)


def test_every_machine_that_is_there_has_its_commands(station) -> None:
    names = {row.name for row in station.commands.commands}
    assert {"survey-rover.wake", "reactor.source-shutdown", "vertical-array.array-stow", "ping", "queue-insert",
            "station-communications.transmitter-off", "survey-rover.activity-start"} <= names  # fmt: skip
    assert not any(name.startswith(("yutu-2.", "queqiao-2.")) for name in names)
    hazards = {row.name for row in station.commands.commands if row.significance == "hazardous"}
    assert {"survey-rover.inhibit-waking", "station-communications.sleep", "reactor.source-shutdown",
            "station-communications.transmitter-off", "command-centre.sleep"} <= hazards  # fmt: skip
    assert "survey-rover.sleep" not in hazards
    for row in station.commands.commands:
        if row.element is not None:
            assert row.function == VERBS[row.name.rpartition(".")[2]].function
            assert row.apid == station.dictionary.packet(row.element).apid
    assert len(set(FAILURES)) == len(FAILURES)


def test_with_a_box_and_a_recorder_there_are_more(tmp_path) -> None:
    station = opened(tmp_path, sleepy())
    more = {row.name for row in station.commands.commands} - {
        row.name for row in opened(tmp_path / "b").commands.commands
    }
    assert {"survey-rover.heater-force", "survey-rover.recorder-off", "survey-rover.transmitter-off"} <= more
    station.advance(at(12.0))
    station.uplink(command(station, "survey-rover.heater-force", 0), at(12.0))
    station.uplink(command(station, "survey-rover.recorder-off", 1), at(12.0))
    assert [row for row in fly(station, 12.1)[0] if row[0] == "completion"] == [
        ("completion", 1),
        ("completion", 0),
    ]
    series = station.simulation().series
    assert series["heater_w"].sel(box="survey-rover").values[725] > 19.0


def test_what_would_arrive_after_the_end_is_lost_and_disturbs_nothing(station) -> None:
    station.uplink(command(station, "ping", 1), at(49.0))
    station.uplink(command(station, "ping", 2), at(1.0))
    assert fly(station, 2.0)[0][-1] == ("completion", 2)
    assert station.status()["lost"] == 1


def test_a_queued_one_that_is_released_as_it_is_deleted_is_released(station) -> None:
    arrives = at(0.0) + np.timedelta64(round(station.light_time_s(at(1.0)) * 1e6) + 3_600_000_000, "us")
    tags = {int(station.clock.ticks(arrives + np.timedelta64(ms, "ms"))[0]): ms for ms in range(-3, 3)}
    for count, tag in enumerate(tags):
        station.uplink(
            command(
                station, "queue-insert", count, release_time=tag, packet=command(station, "ping", 100 + count)
            ),
            at(0.0),
        )
    for count in range(len(tags)):
        octets = command(station, "queue-delete", 50 + count, queued_apid=1900, queued_count=100 + count)
        station.uplink(octets, at(1.0))
    late = command(station, "queue-insert", 99, release_time=min(tags), packet=command(station, "ping", 99))
    station.uplink(late, at(1.0))
    said, causes = fly(station, 1.1)
    done = {count for stage, count in said if stage == "completion"}
    released, deleted = ({first + k for k in range(len(tags))} & done for first in (100, 50))
    assert {count - 100 for count in released} | {count - 50 for count in deleted} == set(range(len(tags)))
    assert {count - 100 for count in released}.isdisjoint({count - 50 for count in deleted})
    assert 0 < len(released) < len(tags)
    assert causes == ["not-queued"] * len(released) + ["too-late"]
    assert station.status()["queued"] == 0


def test_one_given_for_later_holds_up_nothing(tmp_path) -> None:
    station = opened(tmp_path)
    for count, hours in ((1, 3.0), (2, 1.0), (3, 2.0), (4, 1.0)):
        station.uplink(command(station, "ping", count), at(hours))
    answered = [count for name, count in fly(station, 2.5)[0] if name == "completion"]
    assert answered == [2, 4, 3]
    station.close()
    again = opened(tmp_path, resume=at(2.4))
    again.uplink(command(again, "ping", 5), at(2.4))  # not before what was sent when it was flown before
    assert [count for name, count in fly(again, 4.0)[0] if name == "completion"] == [1, 5]


def test_two_in_the_same_millisecond_follow_one_another(tmp_path) -> None:
    start, again, stop, anew = (
        {"name": f"survey-rover.activity-{verb}", "count": count, "activity": "survey-drive"}
        for count, verb in enumerate(("start", "start", "stop", "start"))
    )
    cases = ([start, again], ["busy"]), ([start, stop], ["run-stopped"])
    for number, (rows, failed) in enumerate(cases):
        station = opened(tmp_path / str(number))
        station.advance(at(4.0))
        before = station.simulation()
        for row in rows:
            station.uplink(command(station, **row), at(4.0))
        assert len({entry.arrived_us for entry in station._journal.entries}) == 1
        assert fly(station, 4.1)[1] == failed
        drawn = station.simulation().series["element_load_w"].sel(element="survey-rover").values
        free = before.series["element_load_w"].sel(element="survey-rover").values
        assert (drawn[300] > free[300]) == (number == 0)
        assert np.array_equal(drawn[:240], free[:240])
        if number == 0:
            same = station.predict(command(station, **anew), at(4.2))
            assert same is station.simulation()  # it runs: another start would be refused


def test_what_takes_from_the_queue_is_seen_ahead(station) -> None:
    ticks = int(station.clock.ticks(at(10.0))[0])
    inner = command(station, "survey-rover.sleep", 6)
    free = station.simulation()
    station.uplink(command(station, "queue-insert", 0, release_time=ticks, packet=inner), at(0.5))
    on_its_way = station.simulation().series["element_working"].sel(element="survey-rover").values
    station.advance(at(1.0))
    apid = station.commands.command("survey-rover.sleep").apid
    later = int(station.clock.ticks(at(11.0))[0])
    takes = (
        command(station, "queue-reset", 1),
        command(station, "queue-disable", 2),
        command(station, "queue-delete", 3, queued_apid=apid, queued_count=6),
    )
    working = free.series["element_working"].sel(element="survey-rover").values
    assert not np.array_equal(on_its_way, working)
    for octets in takes:
        seen = station.predict(octets, at(1.0)).series["element_working"].sel(element="survey-rover").values
        assert np.array_equal(seen, working)
        tagged = command(station, "queue-insert", 4, release_time=later, packet=octets)
        assert station.predict(tagged, at(1.0)) is station.simulation()
    station.uplink(takes[0], at(1.0))
    emptied = station.simulation().series["element_working"].sel(element="survey-rover").values
    assert np.array_equal(emptied, working)
