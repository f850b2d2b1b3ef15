"""Space packets, their clock, and streams of packets without frames."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.packets import CucClock, Gap, PacketReader, Packets, Tally, idle_packet, make_packets
from moonpost.control.packets.calibration import Instant
from moonpost.control.packets.tally import CAUSES, SequenceCounts
from moonpost.errors import DateError, InputError

BODIES = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8)


@given(BODIES, st.integers(0, 2047), st.integers(0, 16383), st.booleans(), st.booleans(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_headers_round_trip(
    bodies: list[bytes], apid: int, first: int, secondary: bool, telecommand: bool, flags: int
) -> None:
    packets = make_packets(
        apid, bodies, first_count=first, secondary=secondary, telecommand=telecommand, flags=flags
    )
    assert [packet[6:] for packet in packets] == bodies
    assert set(packets.apid.tolist()) == {apid}
    assert packets.count.tolist() == [(first + i) % 16384 for i in range(len(bodies))]
    assert set(packets.flags.tolist()) == {flags}
    assert set(packets.secondary.tolist()) == {secondary}
    assert set(packets.telecommand.tolist()) == {telecommand}
    assert list(Packets.of(list(packets))) == list(packets)


@given(BODIES, st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_a_stream_of_packets_may_be_cut_anywhere(bodies: list[bytes], piece: int) -> None:
    packets = make_packets(7, bodies)
    octets, reader, found = b"".join(packets), PacketReader(), []
    for at in range(0, len(octets), piece):
        found += list(reader.read(octets[at : at + piece]).packets)
    assert found == list(packets)
    assert reader.tally.rejected == 0
    assert reader.tally.lost_octets == 0


@given(st.lists(st.binary(max_size=200), max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_noise_is_counted_and_never_raises(pieces: list[bytes], datagrams: bool) -> None:
    reader = PacketReader(longest=100)
    inside = 0
    for piece in pieces:
        received = reader.read_datagram(piece) if datagrams else reader.read(piece)
        inside += int(received.packets.length.sum())
        assert np.all(received.packets.length <= 100)
    reader.close()
    tally = reader.tally
    assert tally.octets == sum(map(len, pieces))
    assert set(tally.rejects) <= set(CAUSES)
    assert inside + tally.lost_octets <= tally.octets
    if tally.idle_packets == 0:
        assert inside + tally.lost_octets == tally.octets
    assert (tally.lost_octets > 0) == (tally.rejected > 0)


def test_a_wrong_header_costs_its_own_octets_only() -> None:
    good = list(make_packets(7, [b"abcd", b"efgh"]))
    reader = PacketReader(longest=64)
    received = reader.read(good[0] + b"\xff" * 9 + good[1])
    assert list(received.packets) == good
    assert reader.tally.rejects == {"packet version": 1}
    assert reader.tally.lost_octets == 9


def test_octets_after_the_last_packet_of_a_datagram_are_rejected() -> None:
    packet = make_packets(7, [b"abcd"])[0]
    reader = PacketReader()
    assert list(reader.read_datagram(packet + packet[:-1]).packets) == [packet]
    assert reader.tally.rejects == {"truncated": 1}


def test_gaps_late_and_idle_packets_are_told() -> None:
    packets = list(make_packets(7, [b"a"] * 10, first_count=16380))
    reader = PacketReader()
    received = reader.read(packets[0] + packets[5] + idle_packet(20) + packets[3] + packets[6])
    assert received.gaps == (Gap("packet", 7, 16381, 1, 4),)
    assert len(received.packets) == 4
    assert reader.tally.missing == {"packet": 4}
    assert reader.tally.repeated == {"packet": 1}
    assert reader.tally.idle_packets == 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 255)), max_size=40), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_gaps_do_not_depend_on_how_counts_come_in(counts: list[tuple[int, int]], cut: int) -> None:
    def follow(parts: list[list[tuple[int, int]]]) -> tuple[list[Gap], int]:
        sequence, gaps, late = SequenceCounts("packet", 256), [], 0
        for part in parts:
            pairs = np.array(part, np.int64).reshape(-1, 2)
            found, back = sequence.follow(pairs[:, 0], pairs[:, 1])
            gaps += found
            late += back
        return gaps, late

    assert follow([counts]) == follow([counts[:cut], counts[cut:]]) == follow([[pair] for pair in counts])


@given(st.datetimes(min_value=dt.datetime(1972, 7, 2), max_value=dt.datetime(2093, 12, 31)))
@settings(max_examples=100, deadline=None)
def test_times_round_trip_to_half_a_step(instant: dt.datetime) -> None:
    t = np.array([instant], "datetime64[us]")
    for clock in (CucClock(), CucClock("1970-01-01T00:00:00Z")):
        ticks = clock.ticks(t)
        back = clock.decode(ticks)
        assert abs((back - t)[0] / np.timedelta64(1, "us")) <= 9
        assert np.array_equal(clock.ticks(back), ticks)


def test_the_clock_runs_through_a_leap_second() -> None:
    t = np.array(["2016-12-31T23:59:59", "2017-01-01T00:00:00"], "datetime64[ms]")
    assert np.diff(CucClock().ticks(t).astype(np.int64))[0] == 2 * 65536
    assert CucClock("2016-12-31").ticks("2017-01-01")[0] == 86401 * 65536


@pytest.mark.parametrize("t", ["1957-12-31T00:00:00", "2095-01-01T00:00:00"])
def test_times_that_do_not_fit_are_refused(t: str) -> None:
    with pytest.raises(DateError, match="32 bits"):
        CucClock().encode(t)


@pytest.mark.parametrize("far", [2**62, -(2**62), 2**40, -(10**12)])
@pytest.mark.parametrize("unit", ["s", "D", "h"])
def test_far_times_do_not_go_round(far: int, unit: str) -> None:
    """Counted in microseconds they would; one of them would be a date of this century."""
    with pytest.raises(DateError, match="32 bits"):
        CucClock().ticks(np.array([far], f"datetime64[{unit}]"))


def test_counts_without_a_date_have_none() -> None:
    """Numbers that are none, and those beyond the calendar; without a warning."""
    found = Instant("TAI", 1e300, -5.0).apply(np.array([2**63, 0], np.uint64))
    assert np.isnat(found).tolist() == [True, False]
    before = Instant("TAI", 1.0).apply(np.array([-5, 0], np.int64))
    assert (before[1] - before[0]) == np.timedelta64(5, "s")
    assert np.isnat(Instant("UNIX", 1.0).apply(np.array([np.nan, np.inf, -np.inf]))).all()


def test_wrong_arguments_are_told() -> None:
    for call in (
        lambda: make_packets(2048, [b"a"]),
        lambda: make_packets(1, [b""]),
        lambda: make_packets(1, [b"a"], first_count=16384),
        lambda: idle_packet(6),
        lambda: Packets.of([b"abc"]),
        lambda: CucClock("soon").ticks("2030-01-01"),
    ):
        with pytest.raises(InputError):
            call()


def test_a_tally_knows_its_causes_only() -> None:
    tally = Tally()
    tally.reject("no such cause")
    assert tally.rejected == 0
    assert tally.to_dict()["rejects"] == {}
