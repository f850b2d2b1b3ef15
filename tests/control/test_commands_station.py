"""Commands with the station in the loop: looked ahead, sent, carried out, verified by its own reports."""

from __future__ import annotations

import numpy as np
import pytest

from moonpost.control.commands import CommandRefusedError, StationWatch
from moonpost.control.commands import horizon as horizons
from moonpost.control.commands.inserts import packet_of, time_tagged, true_ticks
from moonpost.control.mission import MissionControl
from moonpost.control.packets.telecommands import encode_command
from moonpost.control.station import Station

PASSWORD = "a first password"
SPEAKER = "station-communications.transmitter"


def fly(mission: MissionControl, hours: float) -> None:
    """Move a mission on by hand, without its thread."""
    until = mission.ticker.reached + np.timedelta64(round(hours * 3600), "s")
    mission.clock.restart(until)
    while mission.ticker.reached < until:
        assert mission.ticker.move()
    mission.commanding.tick()


@pytest.fixture(scope="module")
def mission(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commanded")
    with MissionControl.open("ilrs", folder, speed=0.01, start="2040-06-22", days=2.0, step_s=600.0) as made:
        people = {"li": ("cnsa", ["operator"]), "wu": ("cnsa", ["approver"]), "olga": ("roscosmos", ["approver"])}
        for name, (partner, roles) in people.items():
            made.users.add(name, partner, roles, PASSWORD)
        fly(made, 1.0)
        yield made


def test_a_hazardous_command_is_carried_out_and_verified(mission):
    desk = mission.commanding
    command = desk.request("li", "research-laboratory.inhibit-waking", {})
    assert (command.state, command.needed) == ("waiting", ("roscosmos",))
    with pytest.raises(CommandRefusedError, match="needs a person of roscosmos"):
        desk.approve("wu", command.id, command.digest)
    desk.approve("olga", command.id, command.digest)
    assert desk.release("li", command.id).sent
    fly(mission, 1.0)
    done = desk.command(command.id)
    assert done.state == "completed", done.stages
    assert [one.state for one in done.stages][-3:] == ["accepted", "started", "completed"]


def test_what_would_put_a_machine_to_sleep_for_good_needs_its_waking_on_board(mission):
    desk, name = mission.commanding, "research-laboratory"
    refused = desk.request("li", f"{name}.sleep", {})
    assert refused.state == "refused"
    assert refused.reasons[0].startswith(f"{name} would not work again from 2040-06-22")
    wake = desk.request("li", f"{name}.wake", {}, at=mission.clock.now() + np.timedelta64(3, "h"))
    assert wake.state == "approved", wake.reasons
    desk.release("li", wake.id)
    fly(mission, 0.5)
    assert [one.id for one in desk.onboard()] == [wake.id]
    sleep = desk.request("li", f"{name}.sleep", {})
    assert sleep.state == "approved", sleep.reasons
    desk.release("li", sleep.id)
    fly(mission, 0.5)
    assert desk.command(sleep.id).state == "completed"
    fly(mission, 3.0)
    assert desk.command(wake.id).state == "completed", desk.command(wake.id).stages
    assert desk.onboard() == ()


def test_silence_is_refused_whoever_asks_and_however_it_is_wrapped(mission):
    desk, name = mission.commanding, "station-communications.transmitter-off"
    soon = mission.clock.now() + np.timedelta64(1, "h")
    packet = encode_command(desk.dictionary, name, {}, 9000)
    for command in (
        desk.request("li", name, {}),
        desk.request("li", name, {}, at=soon),
        desk.receive(packet, "li"),
    ):
        assert command.state == "refused"
        assert any("would be silent" in reason for reason in command.reasons)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Three days of light; the arrays of the rovers go dark five days after their end."""
    folder = tmp_path_factory.mktemp("short")
    with Station.open("ilrs", folder, start="2040-07-08", days=3.0, step_s=600.0) as station:
        yield station


def _in(station: Station, hours: float) -> int:
    return int((station.span[0] + np.timedelta64(round(hours * 3600), "s")).astype("datetime64[us]").astype(int))


def _packet(station: Station, name: str, hours: float | None = None, count: int = 1) -> bytes:
    """A command, for later if hours are given."""
    octets = packet_of(station.commands, name, {}, count)
    if hours is None:
        return octets
    return time_tagged(station.commands, octets, true_ticks(_in(station, hours)), count + 1)


def test_what_is_deadly_after_the_end_of_the_span_is_refused(short):
    watch = StationWatch(short)
    for name, day in (("luna-30", "2040-07-12"), ("survey-rover", "2040-07-13")):
        (why,) = watch.forbids(_packet(short, f"{name}.array-stow"), _in(short, 1.0))
        assert why.startswith(f"the store of {name} would be empty on {day}")
    assert np.datetime64("2040-07-12") > short.span[1]
    (later,) = watch.forbids(_packet(short, "survey-rover.array-stow", 24.0 * 5), _in(short, 1.0))
    assert later.startswith("the store of survey-rover would be empty on 2040-07-")
    assert watch.forbids(_packet(short, "ping"), _in(short, 1.0)) == ()
    assert watch.forbids(_packet(short, "survey-rover.array-track"), _in(short, 1.0)) == ()
    (far,) = watch.forbids(_packet(short, "survey-rover.array-track", 24.0 * 500), _in(short, 1.0))
    assert far.endswith("lies too far ahead to be looked at: ask for it later")


def test_a_way_back_after_the_end_of_the_span_counts(short):
    watch, name = StationWatch(short), "research-laboratory"
    (why,) = watch.forbids(_packet(short, f"{name}.sleep"), _in(short, 1.0))
    assert why.startswith(f"{name} would not work again from 2040-07-08")
    short.uplink(_packet(short, f"{name}.wake", 24.0 * 5, 7), short.span[0])
    assert watch.forbids(_packet(short, f"{name}.sleep"), _in(short, 1.0)) == ()
    (why,) = watch.forbids(_packet(short, f"{name}.sleep", 24.0 * 6, 9), _in(short, 1.0))
    assert why.startswith(f"{name} would not work again from 2040-07-13 23:50")


def test_where_the_ephemerides_end_nothing_is_let_through_unseen(short, monkeypatch):
    end = short.span[1] + np.timedelta64(10, "D")
    monkeypatch.setattr(horizons, "_almanac_end", lambda: end)
    watch = StationWatch(short)
    (why,) = watch.forbids(_packet(short, "survey-rover.array-track"), _in(short, 1.0))
    assert why.endswith("through the next whole night: the ephemerides end 2040-07-24")
    assert watch.forbids(_packet(short, "ping"), _in(short, 1.0)) == ()


def test_a_look_ends_in_daylight_after_a_month_and_a_whole_night():
    time = np.datetime64("2040-01-01", "us") + np.arange(24 * 130) * np.timedelta64(1, "h")
    age = (np.arange(time.size) / 24.0) % 29.53
    middle, edge = age < 14.77, (age > 2.0) & (age < 18.0)
    both = np.stack([middle, edge])

    def day(lit, since: float) -> float:
        found = horizons.horizon_of(time, lit, time[0] + np.timedelta64(round(since * 24), "h"))
        return np.nan if found is None else float((found - time[0]) / np.timedelta64(1, "h")) / 24.0

    for since in np.arange(0.0, 60.0, 3.7):
        end = day(both, since)
        assert end - since >= 29.53
        assert both[:, round(end * 24) - 71 : round(end * 24) + 1].all()
    assert np.isnan(day(both, 101.0))  # less than a month is left
    assert np.isnan(day(np.stack([middle, np.ones_like(middle)]), 0.0))  # where light does not turn for 130 days
    short = slice(0, 24 * 40)
    assert horizons.horizon_of(time[short], both[:, short], time[24 * 20]) is None
    assert horizons.horizon_of(time[: 24 * 36], both[:, : 24 * 36], time[24]) is not None


@pytest.fixture(scope="module")
def gap(tmp_path_factory):
    """Queqiao-2 sees the station up to 11:03 and from 13:12; a transmitter-on for 12:30 is on board."""
    folder = tmp_path_factory.mktemp("gap")
    with Station.open("ilrs", folder, start="2040-06-28", days=1.0, step_s=600.0) as station:
        station.uplink(_packet(station, f"{SPEAKER}-on", 12.5), station.span[0])
        yield station


def test_what_a_relay_keeps_is_looked_at_where_it_arrives(gap):
    watch, off = StationWatch(gap), _packet(gap, f"{SPEAKER}-off", count=5)
    assert watch.forbids(off, _in(gap, 10.5)) == ()  # there at once: the transmitter-on comes after it
    for hours in (11.5, 12.4, 11.0 + 2.5 / 60.0):  # in the gap, and half a minute before it begins
        (why,) = watch.forbids(off, _in(gap, hours))
        assert why.startswith("the station would be silent from 2040-06-28 13:10"), hours
        assert watch.contact(_in(gap, hours)) == ""
    assert str(gap.arrival("2040-06-28T11:30"))[:16] == "2040-06-28T13:11"


def test_what_would_never_arrive_is_told_before(gap):
    watch = StationWatch(gap)
    assert gap.arrival(gap.span[1] - np.timedelta64(1, "s")) is None
    (why,) = watch.forbids(_packet(gap, "ping"), _in(gap, 24.0) - 10**6)
    assert why == watch.contact(_in(gap, 24.0) - 10**6)
    assert why.startswith("it would never arrive")


def test_arrival_is_what_the_journal_says(tmp_path):
    with Station.open("ilrs", tmp_path, start="2040-06-28", days=1.0, step_s=600.0) as station:
        told = []
        for count, at in enumerate(("2040-06-28T02:00", "2040-06-28T11:30", "2040-06-28T23:59:59.5")):
            told.append(station.arrival(at))
            station.uplink(_packet(station, "ping", count=count), at)
        came = [entry.arrived_us for entry in station._journal.entries]
        assert [int(t.astype(np.int64)) for t in told[:2]] == came
        assert (told[2], station.status()["lost"]) == (None, 1)
        station.advance("2040-06-28T13:00")
        late = station.arrival("2040-06-28T02:00")
        assert late == told[1]  # what is sent in the past is sent now, in the gap


def test_a_span_that_reaches_far_enough_is_not_simulated_twice(tmp_path):
    with Station.open("ilrs", tmp_path, start="2040-06-22", days=40.0, step_s=3600.0) as station:
        watch = StationWatch(station)
        assert watch.forbids(_packet(station, "luna-30.array-stow"), _in(station, 1.0))
        assert watch.forbids(_packet(station, "luna-30.array-track"), _in(station, 1.0)) == ()
        assert watch._far._world is None
