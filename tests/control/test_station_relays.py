"""Relays that do not see the Earth: they keep what the station sends, and each packet comes once and in order."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moonpost.control.station import Station
from moonpost.control.station.clock import OnBoardClock
from moonpost.control.station.instants import microseconds, utc
from moonpost.control.station.journal import Journal
from moonpost.control.station.legs import Legs, RelayStore
from moonpost.control.station.ways import Ways, find_ways
from moonpost.control.station.world import Future, World, span_of
from moonpost.plan import Plan

sys.path.insert(0, str(Path(__file__).parent))
from station_samples import alone, bundled, command, opened, reports, split, stages

START, SITE = "2040-06-22", "ce4-site"
LIGHT_M_S = 299_792_458.0
ORBIT = {"perilune_altitude_km": 500.0, "apolune_altitude_km": 3000.0, "inclination_deg": 60.0}
_QUIET_S = 11_400  # nothing comes from the first half hour up to here
HOURS_US = 3_600_000_000


@cache
def low() -> Plan:
    """The bundled plan, its relay of the far side in a low orbit that goes behind the Moon."""
    plan = bundled()
    row = plan.element("queqiao-2").orbits[0].model_copy(
        update=ORBIT | {"argument_of_perilune_deg": 90.0, "node_deg": 0.0, "period_h": None}
    )  # fmt: skip
    relay = plan.element("queqiao").model_copy(update={"orbits": (row,)})
    return plan.model_copy(update={"elements": tuple(relay if e.id == relay.id else e for e in plan.elements)})


def far(folder: Path, **given: Any) -> Station:
    return opened(folder, low(), **({"site": SITE, "start": START, "days": 0.5, "step_s": 60.0} | given))


def seconds(start: str, stop: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each second: whether site and relay, and relay and Earth, are in view, and both lengths [m].

    The relay is flown as for the station; what is in view is told otherwise: the Earth by how near the line of
    sight comes to the Moon's centre, the relay by its direction against the horizon.
    """
    from moonpost.flight.coverage import fly_satellites
    from moonpost.flight.environment import Environment
    from moonpost.flight.relays import RelayOrbit
    from moonpost.sky import Almanac
    from moonpost.study.surroundings import site_horizon

    almanac, begin, end = Almanac.default(), np.datetime64(start, "ms"), np.datetime64(stop, "ms")
    orbit = RelayOrbit("r", 500e3, 3000e3, 60.0, 0.0, 90.0, plane="equator", source="")
    env = Environment.make(almanac, begin, end + np.timedelta64(1, "h"), degree=8)
    (flight,) = fly_satellites(orbit.states(env, begin, 1), end, env)
    past = np.arange(0.0, (end - begin) / np.timedelta64(1, "s"))
    tdb = flight.start.time_tdb_s + past
    relay = np.einsum("nij,nj->ni", env.rotation(tdb), flight.at_elapsed(past)[:, :3])
    earth = np.einsum("nij,nj->ni", env.rotation(tdb), env.body_m("earth", tdb))
    down = earth - relay
    down_m = np.linalg.norm(down, axis=1)
    along = np.clip(np.einsum("ni,ni->n", -relay, down) / down_m, 0.0, down_m)
    nearest = np.linalg.norm(relay + down * (along / down_m)[:, None], axis=1)
    profile = site_horizon(low(), low().site(SITE), 2.0)
    up = relay - profile.site.position_m
    up_m = np.linalg.norm(up, axis=1)
    east, north, high = (up @ axis for axis in profile.site.basis)
    edge = np.tan(np.radians(profile.at(np.degrees(np.arctan2(east, north)) % 360.0)))
    return high > edge * np.hypot(east, north), nearest > 1737.4e3, up_m, down_m


def reckoned(octets: int, hours: int) -> dict[int, tuple[int, float]]:
    """For each step its channel and when it has come, second by second with budgets of octets [s]."""
    seen, clear, up_m, down_m = seconds(START, f"{START}T{hours:02d}:00")
    found: dict[int, tuple[int, float]] = {}
    station: list[int] = []
    relay: list[tuple[float, int]] = []
    for second in range(seen.size):
        up_s, down_s = up_m[second] / LIGHT_M_S, down_m[second] / LIGHT_M_S
        live, budget, onward = seen[second] and clear[second], 32_000, 32_000
        if second % 60 == 0 and second:
            step = second // 60 - 1
            if live:
                found[step] = 0, second + up_s + down_s
            else:
                station.append(step)
        while seen[second] and station and budget >= octets:
            budget -= octets
            step = station.pop(0)
            if live:
                found[step] = 1, second + up_s + down_s
            else:
                relay.append((second + up_s, step))
        while clear[second] and relay and onward >= octets and relay[0][0] < second + 1:
            onward -= octets
            found[relay.pop(0)[1]] = 2, second + down_s
    return found


def heard(station: Station, hours: int, every_s: int) -> dict[int, dict[int, int]]:
    """When the last packet of each step came, by channel, to some seconds [s]."""
    found: dict[int, dict[int, int]] = {}
    for second in range(_QUIET_S, hours * 3600 + 1, every_s):
        octets = station.advance(station.span[0] + np.timedelta64(second, "s"))
        for channel, packets in split(octets).items() if octets else ():
            for packet in packets:
                if int.from_bytes(packet[:2], "big") & 0x7FF < 1900:
                    found.setdefault(channel, {})[int.from_bytes(packet[2:4], "big") & 0x3FFF] = second
    return found


def test_a_far_side_site_is_heard_as_reckoned_second_by_second(tmp_path) -> None:
    station, every_s, hours = far(tmp_path), 30, 6
    wanted = reckoned(station._rows.octets, hours)
    found = heard(station, hours, every_s)
    assert set(found) == {0, 2}
    assert len(found[2]) > 180
    steps = {step: (channel, came) for channel, rows in found.items() for step, came in rows.items()}
    assert sum(len(rows) for rows in found.values()) == len(steps)  # each step on one channel only
    different = 0
    for step, (channel, came) in steps.items():
        if wanted[step][0] != channel:  # made within a second or two of the end of a contact
            different += 1
        elif came > _QUIET_S:
            assert -2.5 < came - wanted[step][1] < every_s + 2.5, step
    assert different <= 1
    assert abs(len(wanted) - len(steps)) <= 1


def test_the_relay_of_the_bundled_plan_keeps_too(tmp_path) -> None:
    plan = bundled()
    links = tuple(
        row.model_copy(update={"receiver": "queqiao-2"}) if row.receiver == "queqiao" else row
        for row in plan.links
    )
    ways = find_ways(
        plan.model_copy(update={"links": links}),
        SITE,
        (microseconds(START), microseconds(START) + 5 * 24 * HOURS_US),
    )
    assert ways.names == ("direct", "queqiao-2")
    spells = ways.held_spells()
    assert len(spells) >= 1
    for start, stop, relay in spells:
        middle = (start + stop) // 2
        assert ways.way_at(middle) == -1
        assert ways.legs[relay].sees(middle)
        assert ways.legs[relay].sent_us(middle, 1) >= stop
    kept = sum(stop - start for start, stop, _ in spells) / 6e7
    assert 5.0 < kept < 10.0  # regression: 7 minutes of five days
    assert np.allclose(ways.legs[0].up_s + ways.legs[0].down_s, ways.light_s[1])


@pytest.mark.parametrize("hours", [3.3, 3.7, 5.0])
def test_a_restart_while_a_relay_keeps_gives_the_same_packets(tmp_path, hours) -> None:
    station = far(tmp_path, playback_bit_s=3000.0)
    station.uplink(command(station, "ping", 1), station.span[0])
    first = station.span[0] + np.timedelta64(round(hours * 3.6e6), "ms")
    before, after = split(station.advance(first)), split(station.advance(station.span[1]))
    kept = station.status()
    assert after[2]
    del station  # as after kill -9: nothing is closed
    again = far(tmp_path, playback_bit_s=3000.0, resume=first)
    assert split(again.advance(again.span[1])) == after
    assert again.status() | {"received": 1} == kept
    whole = far(tmp_path / "b", playback_bit_s=3000.0)
    whole.uplink(command(whole, "ping", 1), whole.span[0])
    once = split(whole.advance(whole.span[1]))
    assert once == {channel: before.get(channel, []) + after.get(channel, []) for channel in once}


def test_what_a_relay_has_no_room_for_stays_on_board_and_that_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Station, "_relay", lambda self, legs, room, rate: RelayStore(legs, 20_000, round(rate)))
    station = far(tmp_path)
    _, stop, _ = station._ways.held_spells()[0]
    station.advance(utc(stop - 10_000_000))
    assert 18_000 < station.status()["relay_octets"] <= 20_000
    assert station.status()["stored_packets"] > 0
    octets = station.advance(utc(stop + HOURS_US // 2))
    (told,) = [fields for name, _, fields in reports(station, octets) if name == "relay-status"]
    assert (told["relay_name"], told["relay_room_octets"]) == ("queqiao", 20_000)
    assert told["relay_full"] in (1, "yes")
    assert told["relay_held_packets"] <= told["relay_taken_packets"] == len(split(octets)[2])
    assert station.status()["lost_packets"] == station.status()["relay_packets"] == 0


def test_a_telecommand_for_the_far_side_is_handed_on_when_the_relay_sees_the_site(tmp_path) -> None:
    station = far(tmp_path)
    legs, (start, stop, _) = station._ways.legs[0], station._ways.held_spells()[0]
    station.uplink(command(station, "ping", 1), utc(start - HOURS_US))
    (entry,) = station._journal.entries
    assert start <= entry.arrived_us <= start + 1000  # not first when the Earth is in view as well
    station.uplink(command(station, "ping", 2), utc(start + 60_000_000))
    arrived_us = station._journal.entries[1].arrived_us
    assert abs(arrived_us - stop - legs.up_us(stop)) < 2000  # the relay hears the ground only then
    octets = station.advance(utc(stop + HOURS_US // 4))
    assert [count for name, count in stages(station, octets) if name == "completion"] == [1, 2]


@cache
def _sky() -> tuple[Plan, Any, Future]:
    """A short plan simulated once: 12 hours by steps of 10 minutes."""
    narrowed, sky = span_of(alone(), START, 0.5, 600.0, None)
    grid = np.array([0, 2 * 10**16])
    ways = Ways(("direct",), grid, np.array([-1]), grid, np.full((1, 2), 1.25))
    return narrowed, sky, World(narrowed, sky, None, 0, ways).simulate()


class _Known(World):
    """A world whose future is known."""

    def simulate(self, *_: Any) -> Future:
        return _sky()[2]


def _drawn(
    ways_us: tuple[list[int], ...], step_us: int, start_us: int
) -> tuple[Ways, list[list[tuple[int, int]]]]:
    """Ways of a direct path, and of two relays with their legs, from minutes at which each turns."""
    stop_us = start_us + 72 * step_us
    spells = []
    for turns in ways_us:
        edges = [start_us + round(minute * 60e6) + 7_000_000 for minute in sorted(turns)]
        if len(turns) % 2:  # in view as the span begins, or as it ends
            edges = [start_us, *edges] if turns[0] % 2 else [*edges, stop_us]
        spells.append([(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a])
    return _ways(spells, start_us, stop_us), spells


def _ways(spells: list[list[tuple[int, int]]], start_us: int, stop_us: int) -> Ways:
    """Ways of a direct path, and of two relays, each with what is in view of the site and of the Earth."""
    direct, *rest = spells
    names = ("direct", "queqiao", "queqiao-2")
    live = [direct] + [
        [(max(a, c), min(b, d)) for a, b in rest[2 * k] for c, d in rest[2 * k + 1] if max(a, c) < min(b, d)]
        for k in range(2)
    ]
    edges = np.unique([start_us, stop_us, *(end for part in live for row in part for end in row)])
    serving = np.array(
        [next((k for k, part in enumerate(live) if any(a <= t < b for a, b in part)), -1) for t in edges[:-1]]
    )
    grid = np.array([start_us, stop_us + 10**9])
    legs = tuple(
        Legs(names[k + 1], grid, np.array(rest[2 * k]).reshape(-1, 2), np.array(rest[2 * k + 1]).reshape(-1, 2),
             np.full(2, 0.1 + 0.1 * k), np.full(2, 1.3 + 0.1 * k)) for k in range(2)
    )  # fmt: skip
    light_s = np.repeat([[1.25], [1.4], [1.6]], 2, axis=1)
    return Ways(names, edges, serving, grid, light_s, legs)


def _flying(folder: Path, ways: Ways, room: int, rate_bit_s: float) -> Station:
    """A station of half a day under given ways."""
    narrowed, sky, _ = _sky()
    clock = OnBoardClock.drawn(utc(microseconds(START)), 0)
    journal = Journal(folder / "j", {"plan": "a"})
    return Station(_Known(narrowed, sky, None, 0, ways), ways, journal, clock, room, rate_bit_s)


def test_what_a_relay_keeps_comes_to_the_microsecond(tmp_path) -> None:
    start_us, second_us = microseconds(START), 1_000_000
    stop_us, view_us = start_us + 43_200 * second_us, start_us + 6600 * second_us
    nothing: list[tuple[int, int]] = []
    seen, earth = [(start_us + 300 * second_us, start_us + 6300 * second_us)], [(view_us, stop_us)]
    ways = _ways([nothing, seen, earth, nothing, nothing], start_us, stop_us)
    first = split(_flying(tmp_path / "a", ways, 10**8, 8000.0).advance(utc(stop_us)))[2][0]
    assert int.from_bytes(first[:2], "big") & 0x7FF == 1900
    station = _flying(tmp_path / "b", ways, 10**8, 8000.0)
    due_us = view_us + len(first) * 1000 + 1_300_000  # 8,000 bit/s are an octet in each millisecond
    assert station.advance(utc(due_us - 1)) == b""
    assert split(station.advance(utc(due_us))) == {2: [first]}
    many = _flying(tmp_path / "e", ways, 4 * station._rows.octets, 8000.0)
    many._down._relays = tuple(RelayStore(legs, 10**8, 8000) for legs in ways.legs)
    many.advance(
        utc(start_us + 6000 * second_us)
    )  # asked once for ten steps, of which the store holds four at a time
    assert many.status()["lost_packets"] == 0


def test_what_is_not_out_when_the_earth_sets_goes_from_its_start() -> None:
    grid = np.array([0, 60_000_000])
    earth = np.array([[20_000_000, 21_500_000], [40_000_000, 60_000_000]])
    legs = Legs("r", grid, np.array([[0, 60_000_000]]), earth, np.full(2, 0.2), np.full(2, 1.3))
    store: RelayStore[str] = RelayStore(legs, 200, 800)  # 100 octets take a second
    assert [store.take(name, 1_000_000, 100, 1) for name in "abc"] == [True, True, False]
    for until_us, came in ((22_299_999, []), (22_300_000, ["a"]), (42_299_999, []), (42_300_000, ["b"])):
        assert store.came(until_us) == came
    assert store.held(40_999_999) == (100, 1)
    assert not store.take("d", 59_000_000, 100, 1)  # there at 59.2 s: too late for a whole second
    assert store.came(10**9) == []
    assert store.held(60_000_000) == (0, 0)


_TURNS = st.tuples(*(st.lists(st.integers(1, 715), max_size=6, unique=True) for _ in range(5)))
_TICKS = st.lists(st.integers(1, 40_000), min_size=1, max_size=12)


@settings(max_examples=4, deadline=None)
@given(_TURNS, st.sampled_from([256_000.0, 20.0]), st.sampled_from([10**8, 30_000]), _TICKS)
@example(([], [300, 310], [400, 500], [], []), 20.0, 10**8, [600])
@example(([], [100], [100, 300], [], [400]), 20.0, 30_000, [600])
def test_every_packet_comes_once_not_too_early_and_in_order(
    tmp_path_factory, turns, rate_bit_s, room, ticks
) -> None:
    comes_once(tmp_path_factory.mktemp("drawn"), turns, rate_bit_s, room, ticks)


@pytest.mark.soak
@settings(max_examples=500, deadline=None)
@given(_TURNS, st.sampled_from([256_000.0, 900.0, 20.0]), st.sampled_from([10**8, 100_000, 9_000]), _TICKS)
def test_every_packet_comes_once_in_many_plans(tmp_path_factory, turns, rate_bit_s, room, ticks) -> None:
    comes_once(tmp_path_factory.mktemp("drawn"), turns, rate_bit_s, room, ticks)


def comes_once(folder: Path, turns: Any, rate_bit_s: float, room: int, ticks: list[int]) -> None:
    """Fly half a day with drawn views, asked at drawn times and at once, and look at every packet."""
    start_us, step_us = microseconds(START), 600_000_000
    ways, spells = _drawn(turns, step_us, start_us)

    def made() -> Station:
        return _flying(folder, ways, room, rate_bit_s)

    station = made()
    found: dict[int, list[tuple[int, bytes]]] = {}
    now_s, row = 0, 0
    while now_s < 43_300:
        now_s, row = now_s + ticks[row % len(ticks)], row + 1
        octets = station.advance(utc(start_us + now_s * 1_000_000))
        for channel, part in split(octets).items() if octets else ():
            found.setdefault(channel, []).extend((now_s, packet) for packet in part)
    once = split(made().advance(utc(start_us + now_s * 1_000_000)))
    assert {channel: [packet for _, packet in rows] for channel, rows in found.items()} == once
    counts = station.status()
    seen: set[tuple[int, int]] = set()
    for relay in range(2):
        open_us = sum(stop - start for start, stop, number in ways.held_spells() if number == relay)
        sent = sum(len(packet) for _, packet in found.get(2 + relay, []))
        assert sent <= open_us * rate_bit_s / 8e6
    for channel, rows in found.items():
        latest: dict[int, int] = {}
        for came_s, packet in rows:
            apid, count = (
                int.from_bytes(packet[k : k + 2], "big") & mask for k, mask in ((0, 0x7FF), (2, 0x3FFF))
            )
            assert (apid, count) not in seen
            seen.add((apid, count))
            assert count > latest.get(apid, -1)
            latest[apid] = count
            if apid < 1900:
                light_s = (1.25, 1.25, 1.4, 1.6)[channel]
                assert came_s >= (count + 1) * 600 + light_s
                assert channel < 2 or _in_view(spells, channel - 2, start_us, (count + 1) * 600, came_s)
    total = len(seen) + counts["stored_packets"] + counts["relay_packets"] + counts["lost_packets"]
    assert total == station._down._count + 72 * station._rows.packets
    if room == 10**8:
        assert counts["lost_packets"] == 0


def _in_view(spells: list[list[tuple[int, int]]], relay: int, start_us: int, made_s: int, came_s: int) -> bool:
    """Whether the site saw the relay, and the Earth it, at any time between making and coming."""
    made_us, came_us = start_us + made_s * 1_000_000, start_us + came_s * 1_000_000
    return all(any(a < came_us and b > made_us for a, b in spells[1 + 2 * relay + leg]) for leg in range(2))


def test_no_packet_is_heard_before_its_light_as_ways_change() -> None:
    grid = np.array([0, 100_000_000])
    edges, serving = np.array([0, 40_000_000, 60_000_000, 100_000_000]), np.array([0, 1, 0])
    ways = Ways(("direct", "r"), edges, serving, grid, np.array([[1.25, 1.25], [1.6, 1.6]]))
    for until_us in [
        *range(2_000_000, 105_000_000, 2_000_000),
        *range(40_000_000, 42_000_000, 100_000),
        *range(60_000_000, 62_000_000, 100_000),
    ]:
        left_us = ways.left_us(until_us)
        before = range(max(left_us - 3_000_000, 0), left_us + 1, 50_000)
        assert all(t + ways.light_us(t) <= until_us for t in before)
        if left_us + 400_000 < 100_000_000:
            assert any(t + ways.light_us(t) > until_us for t in range(left_us + 1, left_us + 4))
    one = Ways(("direct", "r"), np.array([0, 50, 100]) * 1_000_000, np.array([-1, 1]), grid, ways.light_s)
    assert one.arrival_us(49_000_000) == 50_600_000  # by the light time of the way that is open then


def _told(station: Station, seed: int, number: int) -> dict[int, list[bytes]]:
    """Send drawn telecommands, some for the queue and some spoilt, at drawn times; all packets by channel."""
    draw, now = np.random.default_rng(seed), station.span[0]
    rows = [row for row in station.commands.commands if not row.arguments]
    found: dict[int, list[bytes]] = {}
    for _ in range(number):
        inner = bytearray(command(station, rows[draw.integers(len(rows))].name, int(draw.integers(16384))))
        if draw.random() < 0.2:
            inner[draw.integers(6, len(inner))] ^= 1
        octets = bytes(inner)
        if draw.random() < 0.5:
            tag = int(station.clock.ticks(now + np.timedelta64(int(draw.integers(1, 20_000)), "s"))[0])
            octets = command(station, "queue-insert", int(draw.integers(16384)), release_time=tag, packet=octets)
        station.uplink(octets, now)
        now += np.timedelta64(int(draw.choice([0, 1000, 900_000, 3_000_000])), "ms")
        for channel, part in split(station.advance(now)).items() if draw.random() < 0.8 else ():
            found.setdefault(channel, []).extend(part)
    for channel, part in split(station.advance(station.span[1] + np.timedelta64(60, "s"))).items():
        found.setdefault(channel, []).extend(part)
    return found


@pytest.mark.parametrize(
    ("seed", "number"), [(1, 60), *(pytest.param(seed, 400, marks=pytest.mark.soak) for seed in range(2, 22))]
)
def test_any_telecommands_over_relays_give_the_same_when_flown_anew(tmp_path, seed, number) -> None:
    options = {"days": 1.0, "playback_bit_s": 3000.0, "store_octets": 30_000}
    found = _told(far(tmp_path, **options), seed, number)
    assert set(found) >= {0, 2}
    again = far(tmp_path, **options)
    assert split(again.advance(again.span[1] + np.timedelta64(60, "s"))) == found
