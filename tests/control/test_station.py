"""The station in the loop: what it sends is simulated, whenever it is asked and however restarted."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from moonpost.control.packets import Decoder, Dictionary, Packets, channel_values, station_packets
from moonpost.control.station import Station, correlate
from moonpost.errors import DateError, InputError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))
from station_samples import alone, at, command, opened, packets, reports, sleepy, split, stages


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Station, bytes]:
    """A station with rules of sleep, and all that it sends when it is asked once."""
    station = opened(tmp_path_factory.mktemp("whole"), sleepy())
    return station, station.advance(at(49.0))


def own_dictionary(station: Station) -> Dictionary:
    """Housekeeping alone, in the order of its packets."""
    rows = tuple(packet for packet in station.dictionary.packets if packet.apid != 1900)
    names = {item.parameter for packet in rows for item in packet.items}
    return Dictionary("own", tuple(p for p in station.dictionary.parameters if p.name in names), rows)


def test_housekeeping_is_the_simulation_octet_by_octet(whole) -> None:
    station, octets = whole
    run = station.simulation()
    wanted = station_packets(own_dictionary(station), channel_values(run), run.series["time"].values)
    found = [p for p in packets(octets) if int.from_bytes(p[:2], "big") & 0x7FF != 1900]
    heard_s = (station.contacts[0].stop - at(0.0)) / np.timedelta64(1, "s")
    assert len(found) == int(heard_s // 60) * len(own_dictionary(station).packets)
    assert found == list(wanted)[: len(found)]
    assert station.status()["stored_packets"] > len(wanted) - len(found)


def test_values_and_limits_come_back(whole) -> None:
    station, octets = whole
    run = station.simulation()
    tables = {t.packet: t for t in Decoder(station.dictionary).decode(Packets.of(split(octets)[0]))}
    table = tables["survey-rover"]
    wanted = run.series["stored_wh"].sel(bus="survey-rover").values.astype(np.float32)
    steps = ((table.time - at(0.0)) / np.timedelta64(60, "s")).astype(int)
    assert np.array_equal(table.values("survey-rover.stored_wh"), wanted[steps])
    assert set(np.abs(tables["survey-rover"].states("survey-rover.stored_wh")).tolist()) == {0}
    assert station.dictionary.parameter("survey-rover.box_k").contexts[0].limits.critical_low == 213.15


def test_the_same_packets_however_often_it_is_asked(whole, tmp_path) -> None:
    station, draw = opened(tmp_path, sleepy()), np.random.default_rng(7)
    now = 0.0
    got: dict[int, list[bytes]] = {0: [], 1: []}
    for tick_s in [*draw.uniform(0.01, 90.0, 40), *draw.uniform(0.01, 20_000.0, 40)]:
        now += tick_s
        for channel, found in split(station.advance(at(now / 3600.0))).items():
            got[channel] += found
    wanted = split(whole[1])
    assert got[0] == wanted[0]
    assert got[1] == wanted.get(1, [])


def test_a_step_comes_at_its_end_plus_the_light_time(tmp_path) -> None:
    station = opened(tmp_path)
    light_s = station.light_time_s(at(0.0))
    assert 1.19 < light_s < 1.36
    early = np.timedelta64(round((60.0 + light_s - 0.002) * 1e6), "us")
    late = np.timedelta64(round((60.0 + light_s + 0.002) * 1e6), "us")
    assert not [p for p in packets(station.advance(at(0.0) + early)) if int.from_bytes(p[:2], "big") & 0x7FF == 1]
    assert [p for p in packets(station.advance(at(0.0) + late)) if int.from_bytes(p[:2], "big") & 0x7FF == 1]


def test_what_is_asked_again_gives_nothing(tmp_path) -> None:
    station = opened(tmp_path)
    assert station.advance(at(1.0))
    assert station.advance(at(1.0)) == station.advance(at(0.5)) == b""
    assert station.reached == at(1.0)
    station.advance(at(60.0))
    assert station.advance(at(90.0)) == b""


def test_no_command_changes_what_lies_before_it(tmp_path) -> None:
    """Every command of the dictionary at an odd instant: series and events before are equal to the last bit."""
    station = opened(tmp_path, sleepy())
    base = station.simulation()
    values, t = channel_values(base), at(20.123456)
    steps = int((t - at(0.0)) / np.timedelta64(60, "s"))
    changed = 0
    for row in station.commands.commands:
        if row.element not in ("survey-rover", "reactor", "vertical-array", "station-communications"):
            continue
        values_of: dict[str, object] = {"fraction": 0.3} if row.name.endswith("load-limit") else {}
        if "activity-" in row.name:
            values_of = {"activity": row.arguments[0].labels[1]}
        after = station.predict(command(station, row.name, **values_of), t)
        for key, series in channel_values(after).items():
            assert np.array_equal(series[:steps], values[key][:steps]), (row.name, key)
            changed += not np.array_equal(series, values[key])
        before = [event for event in base.events if event.time < t]
        assert [event for event in after.events if event.time < t] == before, row.name
    assert changed > 50
    assert station.simulation() is base


def test_the_same_after_a_restart_at_any_point(tmp_path) -> None:
    plan = sleepy()
    sent: list[tuple[float, str, dict[str, object]]] = [
        (1.0, "survey-rover.sleep", {}),
        (3.0, "assembly-rover.array-stow", {}),
        (9.0, "survey-rover.wake", {}),
        (12.0, "survey-rover.activity-start", {"activity": "survey-drive"}),
        (14.0, "survey-rover.activity-stop", {"activity": "survey-drive"}),
        (18.0, "station-communications.transmitter-off", {}),
        (20.0, "station-communications.transmitter-on", {}),
    ]
    station = opened(tmp_path / "a", plan, days=1.0)
    wanted: dict[int, list[bytes]] = {0: [], 1: []}
    marks = {}
    for number, (hours, name, values) in enumerate(sent):
        for channel, found in split(station.advance(at(hours))).items():
            wanted[channel] += found
        marks[hours] = {channel: len(found) for channel, found in wanted.items()}
        station.uplink(command(station, name, number, **values), at(hours))
    for channel, found in split(station.advance(at(23.0))).items():
        wanted[channel] += found
    station.close()
    said = [stage for stage, count in stages(station, station.advance(at(24.0)))]
    assert said == []
    again = opened(tmp_path / "a", plan, days=1.0)
    assert split(again.advance(at(23.0))) == wanted
    again.close()
    for hours in (3.0, 20.0):
        later = opened(tmp_path / "a", plan, days=1.0, resume=at(hours))
        got = split(later.advance(at(23.0)))
        assert got[0] == wanted[0][marks[hours][0] :]
        assert got.get(1, []) == wanted[1][marks[hours][1] :]
        later.close()


def test_counts_of_housekeeping_are_steps(whole) -> None:
    station, octets = whole
    for packet in split(octets)[0]:
        if int.from_bytes(packet[:2], "big") & 0x7FF == 8:
            table = Decoder(station.dictionary).decode(Packets.of([packet]))[0]
            assert table.time[0] == at(int(table.count[0]) / 60.0)
            break


def test_machines_wake_with_the_light_or_by_their_rules(whole, tmp_path) -> None:
    station, octets = whole
    woken = {
        fields["event_subject"]: str(time)[:16]
        for name, time, fields in reports(station, octets)
        if name.startswith("event-") and fields["event_kind"] == "wake"
    }
    assert woken["assembly-rover"] == "2040-06-22T03:52"
    rule = [event for event in station.events(at(0.0), at(48.0)) if event.subject == "survey-rover"]
    assert [event.kind for event in rule if event.kind in ("wake", "sleep")][:2] == ["sleep", "wake"]
    assert woken["survey-rover"] == str(next(e.time for e in rule if e.kind == "wake"))[:16]


def test_the_clock_is_found_within_the_stated_error(whole) -> None:
    station, _ = whole
    found = correlate(*station.stamps())
    assert found.reports > 100
    assert abs(found.drift_ppm - station.clock.drift_ppm) < 1e-3
    t = at(40.0)
    off = (found.clock_ticks(t).astype(np.int64) - station.clock.ticks(t).astype(np.int64))[0] / 65536.0
    assert abs(off) <= found.error_s + 1 / 65536
    assert found.error_s < 1e-4


def test_correlation_refuses_what_is_no_set_of_reports() -> None:
    t = np.array(["2040-01-01", "2040-01-02"], "datetime64[us]")
    for received, ticks, light_s in (
        (t[:1], [1], [1.0]), (t, [1], [1.0, 1.0]), (t, [1, np.nan], [1.0, 1.0]), (t[[0, 0]], [1, 1], [1.0, 1.0]),
    ):  # fmt: skip
        with pytest.raises(InputError):
            correlate(received, ticks, light_s)


def test_what_cannot_be_opened_says_why(tmp_path) -> None:
    for wrong, error in (
        ({"step_s": 0.5}, InputError), ({"step_s": 1.0, "days": 30.0}, InputError),
        ({"step_s": float("nan")}, InputError), ({"site": "nowhere"}, UnknownNameError),
        ({"start": "2500-01-01"}, DateError), ({"store_octets": 0}, InputError),
        ({"playback_bit_s": 0.0}, InputError),
    ):  # fmt: skip
        with pytest.raises(error):
            Station.open(alone(), tmp_path / "no", **({"start": "2040-06-22", "days": 1.0} | wrong))
    station = opened(tmp_path / "yes")
    with pytest.raises(DateError):
        station.advance(np.datetime64("NaT"))
    with pytest.raises(InputError):
        station.uplink("ping", at(0.0))  # type: ignore[arg-type]
    station.close()
    with pytest.raises(InputError, match="another flight"):
        opened(tmp_path / "yes", seed=1)


def test_by_the_second_it_is_alive(tmp_path) -> None:
    station = opened(tmp_path, days=0.2, step_s=1.0)
    station.advance(at(0.0) + np.timedelta64(10, "s"))
    heard = [
        len([p for p in packets(station.advance(at(0.0) + np.timedelta64(s, "s"))) if p[1] == 8 and p[0] & 7 == 0])
        for s in range(11, 16)
    ]
    assert heard == [1, 1, 1, 1, 1]
    wrap = at(0.0) + np.timedelta64(16_382, "s")  # counts of 14 bits begin anew, those of reports as well
    station.advance(wrap)
    station._down._count = 16_383
    for count in range(3):
        station.uplink(command(station, "ping", count), wrap)
    found = packets(station.advance(wrap + np.timedelta64(6, "s")))
    counts: dict[int, list[int]] = {8: [], 1900: []}
    for packet in found:
        counts.get(int.from_bytes(packet[:2], "big") & 0x7FF, []).append(
            int.from_bytes(packet[2:4], "big") & 0x3FFF
        )
    assert [count for count in counts[8] if count > 16_381 or count < 2] == [16_382, 16_383, 0, 1]
    assert counts[1900][:4] == [16_383, 0, 1, 2]


def test_a_station_in_orbit_is_heard_at_all_times(tmp_path) -> None:
    station = Station.open("ilrs-orbit", tmp_path, start="2040-06-22", days=2.0, step_s=3600.0)
    assert [row.way for row in station.contacts] == ["direct"]
    found = packets(station.advance("2040-06-22T06:00"))
    tables = {table.packet: table for table in Decoder(station.dictionary).decode(Packets.of(found))}
    assert [len(tables[name]) for name in ("sky", "station")] == [23, 23]  # by steps of 15 minutes


def test_calls_from_several_threads_do_not_disturb_the_telemetry(tmp_path) -> None:
    station, faults = opened(tmp_path, alone()), []
    wanted = [p for p in split(opened(tmp_path / "b", alone()).advance(at(6.0)))[0] if p[1] == 1 and p[0] & 7 == 0]

    def ask(number: int) -> None:
        try:
            for turn in range(4):
                octets = command(station, "observatory.load-limit", 10 * number + turn, fraction=0.5)
                station.predict(octets, station.reached)
                station.uplink(octets, station.reached)
                assert station.simulation().site
                assert station.events(at(0.0), at(1.0)) is not None
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    octets = b"".join(station.advance(at(0.01 * turn)) for turn in range(1, 601))
    for thread in threads:
        thread.join()
    octets += station.advance(at(6.1))
    assert faults == []
    assert [p for p in split(octets)[0] if p[1] == 1 and p[0] & 7 == 0][: len(wanted)] == wanted
    later = split(octets + station.advance(at(7.0)))
    assert station.status()["received"] == 12
    assert len(later[0]) > len(wanted)
