"""Packets by a dictionary: written, decoded, calibrated, and judged by limits."""

from __future__ import annotations

import random
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.packets.calibration import Enumeration, Instant, Polynomial, Spline
from moonpost.control.packets.decoding import Decoder
from moonpost.control.packets.dictionary import (
    HEADER,
    Dictionary,
    Encoding,
    Item,
    PacketLayout,
    Parameter,
    Size,
)
from moonpost.control.packets.encoding import encode_packets
from moonpost.control.packets.frames import FrameLayout, FrameWriter
from moonpost.control.packets.headers import Packets, make_packets
from moonpost.control.packets.limits import Comparison, ContextLimits, Limits, limit_states
from moonpost.control.packets.receiving import FrameReader, PacketReader
from moonpost.control.packets.stations import NIGHT, channel_values, station_dictionary, station_packets
from moonpost.control.packets.tally import CAUSES
from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.operations.channels import Channel, channels_of

HEAD = tuple(Item(field.name) for field in HEADER)
T = np.datetime64("2030-01-01T00:00:00.000", "ms")


def one_packet(parameters: list[Parameter], items: list[Item] | None = None) -> Dictionary:
    """A dictionary with one packet of APID 9."""
    placed = items or [Item(parameter.name) for parameter in parameters]
    layout = PacketLayout("p", (*HEAD, *placed), (Comparison("ccsds_apid", "==", 9),))
    return Dictionary("d", (*HEADER, *parameters), (layout,))


ENCODINGS = st.one_of(
    st.builds(Encoding, st.sampled_from(["unsigned", "signed"]), st.integers(1, 64)),
    st.builds(Encoding, st.just("unsigned"), st.sampled_from([16, 24, 32, 48, 64]), st.just(True)),
    st.builds(Encoding, st.just("signed"), st.sampled_from([16, 24, 32, 48, 64]), st.just(True)),
    st.builds(Encoding, st.just("float"), st.sampled_from([16, 32, 64]), st.booleans()),
    st.builds(Encoding, st.sampled_from(["binary", "text"]), st.sampled_from([8, 24, 80])),
    st.builds(lambda bits: Encoding("text", 400, size=Size(leading_bits=bits)), st.sampled_from([16, 13])),
    st.just(Encoding("text", 400, size=Size(terminator=b"\0"))),
)  # fmt: skip


def some(encoding: Encoding, chance: random.Random) -> Any:
    """A raw value that an encoding can hold."""
    if encoding.kind in {"binary", "text"}:
        octets = encoding.bits // 8 if encoding.fixed else chance.randrange(encoding.bits // 8)
        return bytes(chance.randrange(1, 256) for _ in range(octets))
    if encoding.kind == "float":
        bits = np.uint64(chance.getrandbits(encoding.bits)).astype(f"u{encoding.bits // 8}")
        return bits.view(f"f{encoding.bits // 8}")
    low = -(1 << encoding.bits - 1) if encoding.kind == "signed" else 0
    return chance.choice([low, low + (1 << encoding.bits) - 1, low + chance.getrandbits(encoding.bits)])


@given(st.lists(ENCODINGS, min_size=1, max_size=8), st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=120, deadline=None)
def test_any_layout_round_trips(encodings: list[Encoding], chance: random.Random, n: int) -> None:
    dictionary = one_packet([Parameter(f"x{i}", encoding) for i, encoding in enumerate(encodings)])
    columns = {}
    for i, encoding in enumerate(encodings):
        values = [some(encoding, chance) for _ in range(n)]
        if encoding.kind in {"unsigned", "signed"}:
            columns[f"x{i}"] = np.array(values, np.uint64 if encoding.kind == "unsigned" else np.int64)
        else:
            columns[f"x{i}"] = values
    with np.errstate(invalid="ignore"):
        packets = encode_packets(dictionary, "p", columns)
    decoder = Decoder(dictionary)
    (table,) = decoder.decode(packets)
    assert decoder.tally.rejected == 0
    for name, values in columns.items():
        if table.raw[name].dtype.kind == "f":
            np.testing.assert_array_equal(table.raw[name], np.array(values))
        else:
            assert table.raw[name].tolist() == list(values)


@given(
    st.lists(ENCODINGS, min_size=1, max_size=6),
    st.lists(st.binary(min_size=1, max_size=90), min_size=1, max_size=8),
    st.integers(0, 3),
)
@settings(max_examples=150, deadline=None)
def test_noise_behind_a_header_is_decoded_or_counted(
    encodings: list[Encoding], bodies: list[bytes], flags: int
) -> None:
    parameters = [Parameter("size", Encoding("unsigned", 8)), *(
        Parameter(f"x{i}", encoding) for i, encoding in enumerate(encodings)),
        Parameter("rest", Encoding("binary", 800, size=Size("size", 8)))]  # fmt: skip
    decoder = Decoder(one_packet(parameters))
    tables = decoder.decode(make_packets(9, bodies, flags=flags))
    decoder.decode(make_packets(10, bodies))
    assert sum(map(len, tables)) + decoder.tally.rejected == 2 * len(bodies)
    assert set(decoder.tally.rejects) <= set(CAUSES)


def test_each_packet_that_cannot_be_decoded_has_its_cause() -> None:
    fixed = one_packet([Parameter("a", Encoding("float", 32))])
    varying = one_packet(
        [Parameter("n", Encoding("unsigned", 8)), Parameter("b", Encoding("binary", 80, size=Size("n", 8)))]
    )
    for dictionary, body, cause in (
        (fixed, b"abc", "short"), (fixed, b"abcde", "long"), (varying, b"\x03ab", "short"),
        (varying, b"\x01ab", "long"), (varying, b"\x0b" + b"a" * 11, "size"),
    ):  # fmt: skip
        decoder = Decoder(dictionary)
        assert decoder.decode(make_packets(9, [body])) == ()
        assert decoder.tally.rejects == {cause: 1}
    decoder = Decoder(fixed)
    decoder.decode(make_packets(9, [b"abcd"], flags=1))
    decoder.decode(make_packets(8, [b"abcd"]))
    assert decoder.tally.rejects == {"segmented": 1, "unknown packet": 1}


def test_packets_are_told_by_more_than_their_apid() -> None:
    kind = Parameter("kind", Encoding("unsigned", 4), calibration=Enumeration({1: "power", 2: "heat"}))
    spare, value = Parameter("spare", Encoding("unsigned", 4)), Parameter("value", Encoding("unsigned", 16))
    apid = Comparison("ccsds_apid", "==", 9)
    packets = tuple(
        PacketLayout(name, (*HEAD, Item("kind"), Item("spare"), Item("value")), criteria)
        for name, criteria in (
            ("any", (apid,)), ("power", (apid, Comparison("kind", "==", "power"))),
            ("heat", (apid, Comparison("kind", "==", 2, calibrated=False))),
        )
    )  # fmt: skip
    decoder = Decoder(Dictionary("d", (*HEADER, kind, spare, value), packets))
    tables = decoder.decode(make_packets(9, [b"\x10\0\x01", b"\x20\0\x02", b"\x30\0\x03", b"\x10\0\x04"]))
    found = {table.packet: (table.rows.tolist(), table.raw["value"].tolist()) for table in tables}
    assert found == {"power": ([0, 3], [1, 4]), "heat": ([1], [2]), "any": ([2], [3])}


def test_items_may_stand_at_places_of_their_own_and_overlap() -> None:
    parameters = [Parameter("all", Encoding("unsigned", 16)), Parameter("high", Encoding("unsigned", 3)),
                  Parameter("low", Encoding("signed", 5))]  # fmt: skip
    dictionary = one_packet(parameters, [Item("all", 56), Item("high", 56), Item("low", 67)])
    (table,) = Decoder(dictionary).decode(make_packets(9, [b"\xff\xa0\x1f"]))
    assert [table.raw[name].tolist() for name in ("all", "high", "low")] == [[0xA01F], [5], [-1]]


def test_a_station_is_sent_and_read_with_its_times_and_states() -> None:
    channels = channels_of({"station": 1000.0}, {"rover": 50.0}, (2.0,), boxes={"rover": (263.0, 323.0)})
    night = {"rover.box_k": Limits(warning_low=218.0, critical_low=200.0)}
    dictionary = station_dictionary(channels, critical={"rover.box_k": (233.0, 343.0)}, night=night)
    t = T + np.arange(3) * np.timedelta64(500, "ms")
    names = [item.parameter for item in dictionary.packet("rover").items[len(HEADER) + 1 :]]
    columns: dict[str, Any] = {name: np.array([1.0, 0.0, 1.0]) for name in names}
    columns["rover.box_k"] = np.array([250.0, 210.0, np.nan])
    packets = encode_packets(dictionary, "rover", columns, t, first_count=16383)
    (table,) = Decoder(dictionary).decode(packets)
    assert np.array_equal(table.time, t.astype("datetime64[us]"))
    assert table.count.tolist() == [16383, 0, 1]
    assert table.values("rover.element_working").tolist() == ["works", "asleep or out of limits", "works"]
    assert table.states("rover.box_k").tolist() == [-1, -2, 127]
    sun = {NIGHT.parameter: np.array([-1.0, -1.0, 5.0])}
    assert table.states("rover.box_k", sun).tolist() == [0, -1, 127]
    assert table.states("rover.element_working").tolist() == [0, 0, 0]


def test_what_a_station_cannot_send_is_refused() -> None:
    row = Channel("a.b", "W", None, None, "")
    for wrong in ({"night": {"a.b": Limits()}}, {"critical": {"c": (None, None)}}, {"first_apid": 2040}):
        with pytest.raises(InputError):
            station_dictionary([row], **wrong)
    dictionary = station_dictionary([row])
    for columns in ({}, {"a.b": [1.0, 2.0]}, {"a.b": ["x"]}, {"a.b": [1e300]}):
        with pytest.raises(InputError):
            encode_packets(dictionary, "a", columns, T)
    with pytest.raises(UnknownNameError):
        encode_packets(dictionary, "c", {}, T)
    with pytest.raises(InputError):
        encode_packets(one_packet([Parameter("x", Encoding("unsigned", 4))]), "p", {"x": [16]})


def test_a_time_beyond_the_calendar_is_rejected() -> None:
    late = Parameter("t", Encoding("unsigned", 64), calibration=Instant("TAI", 1.0))
    layout = PacketLayout("p", (*HEAD, Item("t")), (Comparison("ccsds_apid", "==", 9),), "t")
    decoder = Decoder(Dictionary("d", (*HEADER, late), (layout,)))
    assert decoder.decode(make_packets(9, [b"\xff" * 8])) == ()
    assert decoder.tally.rejects == {"time": 1}


def test_dictionaries_that_cannot_be_are_refused() -> None:
    x = Parameter("x", Encoding("unsigned", 8))
    text = Parameter("text", Encoding("text", 80, size=Size(leading_bits=8)))
    with pytest.raises(InputError, match="twice"):
        Dictionary("d", (x, x), ())
    with pytest.raises(UnknownNameError):
        Dictionary("d", (), (PacketLayout("p", (Item("x"),), ()),))
    layout = PacketLayout("p", (*HEAD, Item("text"), Item("x")), (Comparison("x", "==", 1),))
    with pytest.raises(DataError, match="no fixed place"):
        Decoder(Dictionary("d", (*HEADER, text, x), (layout,)))
    for kind, bits in (("float", 24), ("unsigned", 65), ("binary", 12), ("complex", 64), ("signed", 0)):
        with pytest.raises(InputError):
            Encoding(kind, bits)
    assert Decoder(one_packet([x])).decode(Packets.empty()) == ()


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=8, unique=True), st.integers(0, 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_splines_go_through_their_points(raw: list[int], order: int, extrapolate: bool) -> None:
    x = np.array(sorted(raw), float)
    spline = Spline(tuple(x), tuple(x**2), order, extrapolate)
    np.testing.assert_allclose(spline.apply(x), x**2)
    between = spline.apply((x[1:] + x[:-1]) / 2)
    expected = x[:-1] ** 2 if order == 0 else (x[1:] ** 2 + x[:-1] ** 2) / 2
    np.testing.assert_allclose(between, expected)
    assert np.isnan(spline.apply(np.array([x[-1] + 1]))[0]) == (not extrapolate)


def test_polynomials_labels_and_times() -> None:
    raw = np.array([0, 3, -2])
    np.testing.assert_allclose(Polynomial((1.0, 2.0, 0.5)).apply(raw), 1 + 2 * raw + 0.5 * raw**2)
    assert Enumeration({3: "c"}).apply(raw).tolist() == ["0 has no label", "c", "-2 has no label"]
    gps = Instant("1980-01-06T00:00:00Z", 1.0).apply(np.array([1262304018 - 315964800 + 0], np.uint32))
    # GPS time is ahead of UTC by the 15 leap seconds from 1980 to 2010.
    assert gps[0] == np.datetime64("2010-01-01T00:00:03", "us")
    assert np.isnat(Instant("UNIX", 1.0).apply(np.array([np.nan, 1e30]))).all()
    for wrong in (lambda: Polynomial(()), lambda: Spline((1.0, 1.0), (0.0, 0.0)), lambda: Enumeration({})):
        with pytest.raises(InputError):
            wrong()


def test_limits_are_in_order_and_the_first_context_counts() -> None:
    with pytest.raises(InputError, match="order"):
        Limits(warning_low=1.0, critical_low=2.0)
    first = ContextLimits((Comparison("mode", "==", "asleep"),), Limits(warning_high=1.0))
    second = ContextLimits((Comparison("mode", "!=", "off"),), Limits(critical_high=1.0))
    known = {"mode": np.array(["asleep", "on", "off"])}
    states = limit_states(np.full(3, 5.0), Limits(warning_low=9.0), (first, second), known)
    assert states.tolist() == [1, 2, -1]
    assert limit_states(np.array([1]), None).tolist() == [0]
    for wrong in (lambda: Comparison("x", "=", 1), lambda: Comparison("x", "<", "a")):
        with pytest.raises(InputError):
            wrong()


def test_a_simulated_station_is_sent_and_received_value_by_value() -> None:
    from moonpost.study.simulation import simulate_plan

    run = simulate_plan("ilrs", "2040-01-01", 2.0)
    dictionary = station_dictionary(run.channels, float_bits=64)
    values, t = channel_values(run), run.series["time"].values
    layout = FrameLayout()
    writer, reader, decoder = FrameWriter(layout), FrameReader(layout), Decoder(dictionary)
    octets = writer.write(station_packets(dictionary, values, t)) + writer.flush()
    tables = decoder.decode(reader.read(octets).packets)
    assert reader.tally.rejected == decoder.tally.rejected == 0
    assert {name for table in tables for name in table.raw} == values.keys() | {"cuc_time"}
    for table in tables:
        assert np.array_equal(table.time, t.astype("datetime64[us]"))
        for name, column in table.raw.items():
            if name in values:
                np.testing.assert_array_equal(column, values[name])


def test_columns_for_an_archive_have_a_row_for_each_packet() -> None:
    """What the archive hands in is octets with places; times come out without decoding the rest."""
    from moonpost.control.archive import Packets as Stored

    rows = [Channel("a.x", "W", None, None, ""), Channel("a.in_light", "1", None, None, ""),
            Channel("b.x", "W", None, None, "")]  # fmt: skip
    dictionary = station_dictionary(rows)
    values = {"a.x": np.array([1.5, 2.5]), "a.in_light": np.array([1, 0]), "b.x": np.array([3.0, np.nan])}
    t = T + np.arange(2) * np.timedelta64(1, "s")
    sent = station_packets(dictionary, values, t)
    decoder = Decoder(dictionary)
    noise = make_packets(100, [b"abc"])[0]
    stored = Stored.of([*sent, noise], [*sent.apid, 100], T, [*sent.count, 0], T)
    packets = Packets(stored.data, stored.offsets[:-1], np.diff(stored.offsets))
    told = decoder.times(packets)
    assert np.array_equal(told[:4], np.repeat(t, 2).astype("datetime64[us]"))
    assert np.isnat(told[4])
    assert decoder.tally.packets == 0
    columns = decoder.columns(packets)
    np.testing.assert_array_equal(columns["a.x"], [1.5, np.nan, 2.5, np.nan, np.nan])
    np.testing.assert_array_equal(columns["a.in_light"], [1, np.nan, 0, np.nan, np.nan])
    one = decoder.columns(packets.select(packets.apid == 1))
    assert one["a.x"].dtype == np.float32
    assert one["a.in_light"].dtype == np.uint8
    assert one.keys() == {"a.x", "a.in_light"}


@pytest.mark.soak
@pytest.mark.parametrize("size", [10, 100])
def test_octets_become_columns_ten_times_faster_than_elsewhere(size: int) -> None:
    """Ten times the 1.66 million parameters a second that Yamcs 5.12 took on this machine, in processor time."""
    dictionary = station_dictionary([Channel(f"eps.p{i}", "V", None, 90.0, "") for i in range(size)])
    n, layout = 4_000_000 // size, FrameLayout()
    chance = np.random.default_rng(1)
    columns = {f"eps.p{i}": chance.random(n).astype(np.float32) for i in range(size)}
    octets = FrameWriter(layout).write(
        encode_packets(dictionary, "eps", columns, T + np.arange(n) * np.timedelta64(10, "ms"))
    )
    rates = []
    for _ in range(3):
        reader, decoder, got = FrameReader(layout), Decoder(dictionary), 0
        begun = time.process_time()
        for at in range(0, len(octets), 1 << 20):
            got += sum(map(len, decoder.decode(reader.read(octets[at : at + (1 << 20)]).packets)))
        rates.append(size * got / (time.process_time() - begun))
        assert reader.tally.rejected == decoder.tally.rejected == 0
    print(f"{max(rates) / 1e6:.0f} million parameters a second")
    assert max(rates) > 10 * 1.66e6


@pytest.mark.soak
def test_a_million_fuzzed_packets_are_decoded_or_counted() -> None:
    """Sound packets with flips, cuts and doubled octets, and noise, in a stream without frames."""
    generator = np.random.default_rng(5)
    parameters = [
        Parameter("n", Encoding("unsigned", 8)),
        Parameter("b", Encoding("binary", 200, size=Size("n", 8))),
    ]
    fixed = Parameter("a", Encoding("float", 32))
    layouts = (
        PacketLayout("varying", (*HEAD, Item("n"), Item("b")), (Comparison("ccsds_apid", "==", 9),)),
        PacketLayout("fixed", (*HEAD, Item("a")), (Comparison("ccsds_apid", "==", 8),)),
    )
    decoder = Decoder(Dictionary("d", (*HEADER, *parameters, fixed), layouts))
    reader, decoded = PacketReader(longest=300), 0
    while reader.tally.packets < 1_000_000:
        bodies = generator.integers(0, 256, (20_000, 4), np.uint8)
        bodies[::2, 0] = generator.integers(2, 5, 10_000)
        octets = np.concatenate([make_packets(8, bodies[1::2]).data, make_packets(9, bodies[::2]).data])
        places = generator.integers(0, octets.size, 3000)
        octets[places] ^= generator.integers(0, 256, 3000).astype(np.uint8)
        octets = np.insert(np.delete(octets, places[:300]), places[300:600] // 2, 7)
        for piece in (octets, generator.integers(0, 256, 50_000, np.uint8)):
            decoded += sum(map(len, decoder.decode(reader.read(piece.tobytes()).packets)))
    assert decoded + decoder.tally.rejected == decoder.tally.packets == reader.tally.packets
    assert set(reader.tally.rejects) | set(decoder.tally.rejects) <= set(CAUSES)
    assert decoded > 300_000
