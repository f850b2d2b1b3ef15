"""Transfer frames: packets into them and out of them, with losses, faults and noise."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.packets import FrameLayout, FrameReader, FrameWriter, Gap, Packets, make_packets
from moonpost.control.packets.frames import SYNC_MARKER
from moonpost.control.packets.tally import CAUSES
from moonpost.errors import InputError

SMALL = FrameLayout(spacecraft=171, octets=40)


def sent(layout: FrameLayout, bodies: list[bytes], channel: int = 0) -> tuple[list[bytes], list[bytes]]:
    """Packets and the frames that carry them."""
    writer, packets = FrameWriter(layout), make_packets(5, bodies)
    octets = writer.write(packets, channel) + writer.flush(channel)
    size = layout.sent_octets
    return list(packets), [octets[at : at + size] for at in range(0, len(octets), size)]


LAYOUTS = st.builds(
    FrameLayout, spacecraft=st.integers(0, 1023), octets=st.integers(20, 70), checksum=st.booleans(),
    control_field=st.booleans(), marker=st.booleans(), secondary_octets=st.sampled_from([0, 0, 2, 5]),
)  # fmt: skip


@given(LAYOUTS, st.lists(st.binary(min_size=1, max_size=150), min_size=1, max_size=12), st.integers(0, 7),
       st.integers(1, 200))  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_any_packets_round_trip(layout: FrameLayout, bodies: list[bytes], channel: int, piece: int) -> None:
    packets, frames = sent(layout, bodies, channel)
    reader, found, octets = FrameReader(layout), [], b"".join(frames)
    for at in range(0, len(octets), piece):
        received = reader.read(octets[at : at + piece])
        assert set(received.channel.tolist()) <= {channel}
        assert received.gaps == ()
        found += list(received.packets)
    assert found == packets
    assert reader.tally.rejected == 0
    assert reader.tally.frames == len(frames)


@given(st.lists(st.binary(min_size=1, max_size=150), min_size=4, max_size=12), st.sets(st.integers(0, 40)))
@settings(max_examples=80, deadline=None)
def test_lost_frames_cost_the_packets_in_them_only(bodies: list[bytes], lost: set[int]) -> None:
    packets, frames = sent(SMALL, bodies)
    kept = [frame for i, frame in enumerate(frames) if i not in lost]
    reader = FrameReader(SMALL)
    received = reader.read(b"".join(kept))
    room, at, whole = SMALL.room, 0, []
    for packet in packets:
        touched = set(range(at // room, (at + len(packet) - 1) // room + 1))
        if not touched & lost:
            whole.append(packet)
        at += len(packet)
    left = [i for i in range(len(frames)) if i not in lost]
    between = {i for i in lost if left and left[0] < i < left[-1]}
    assert reader.tally.missing["master channel"] == reader.tally.missing["virtual channel"] == len(between)
    assert list(received.packets) == whole


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=3, max_size=12), st.randoms(), st.integers(1, 4))
@settings(max_examples=120, deadline=None)
def test_flipped_bits_never_give_a_packet_that_was_not_sent(
    bodies: list[bytes], chance: random.Random, flips: int
) -> None:
    packets, frames = sent(SMALL, bodies)
    octets = bytearray(b"".join(frames))
    for _ in range(flips):
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
    reader = FrameReader(SMALL)
    found = list(reader.read(bytes(octets)).packets)
    reader.close()
    assert set(found) <= set(packets)
    assert set(reader.tally.rejects) <= set(CAUSES)
    if bytes(octets) != b"".join(frames):
        assert reader.tally.rejected >= 1


@given(st.lists(st.binary(max_size=300), max_size=6), st.booleans(), LAYOUTS)
@settings(max_examples=150, deadline=None)
def test_noise_is_counted_and_never_raises(pieces: list[bytes], datagrams: bool, layout: FrameLayout) -> None:
    reader = FrameReader(layout, longest=500)
    for piece in pieces:
        if datagrams:
            reader.read_datagram(SYNC_MARKER + piece if len(piece) % 2 else piece)
        else:
            reader.read(SYNC_MARKER + piece)
    reader.close()
    assert set(reader.tally.rejects) <= set(CAUSES)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_noise_in_sound_frames_is_counted_and_never_raises(data: st.DataObject) -> None:
    """Frames whose checksums fit but whose headers and fields are noise."""
    from moonpost.control.packets.kernels import checksums

    reader = FrameReader(SMALL, longest=500)
    n = data.draw(st.integers(1, 12))
    table = np.frombuffer(bytearray(data.draw(st.binary(min_size=38 * n, max_size=38 * n))), np.uint8)
    table = table.reshape(n, 38)
    table[:, :2] = (10, 176)  # the right spacecraft on channel 0, so that fields are looked at
    table[:, 2] = table[:, 3] = np.arange(n)
    table[:, 4] &= 0x3F if data.draw(st.booleans()) else 0xFF
    if data.draw(st.booleans()):
        table[:, 4], table[:, 5] = 0x18, table[:, 5] % 34
    crc = checksums(table)
    frames = np.hstack([table, (crc >> 8).astype(np.uint8)[:, None], crc.astype(np.uint8)[:, None]])
    octets = b"".join(SYNC_MARKER + frame.tobytes() for frame in frames)
    received = reader.read(octets)
    held = int(received.packets.length.sum())
    assert held <= n * SMALL.room
    assert set(reader.tally.rejects) <= set(CAUSES)
    assert reader.tally.frames + sum(
        times for cause, times in reader.tally.rejects.items() if "frame" in cause or "spacecraft" in cause
    ) == n  # fmt: skip


def test_octets_lost_or_doubled_on_the_way_cost_one_frame() -> None:
    _, frames = sent(SMALL, [bytes([i]) * 27 for i in range(20)])  # a packet of 33 octets to a frame of 32 of room
    for broken in (frames[3][:10] + frames[3][11:], frames[3][:10] + b"x" + frames[3][10:]):
        reader = FrameReader(SMALL)
        received = reader.read(b"".join([*frames[:3], broken, *frames[4:]]))
        assert reader.tally.rejects["frame checksum"] == 1
        assert Gap("virtual channel", 0, 3, 4, 1) in received.gaps
        assert reader.tally.missing["virtual channel"] == 1


def test_idle_frames_and_channels_are_told_apart() -> None:
    writer, reader = FrameWriter(SMALL), FrameReader(SMALL, channels=(0, 1, 7))
    packets = {channel: make_packets(channel + 10, [bytes([channel]) * 50] * 3) for channel in (0, 1, 2)}
    octets = writer.idle(7)
    for channel, some in packets.items():
        octets += writer.write(some, channel)
    octets += writer.flush(1) + writer.flush(0) + writer.flush(2) + writer.idle(7)
    received = reader.read(octets)
    assert reader.tally.idle_frames == 2
    assert reader.tally.rejects["virtual channel"] > 0
    for channel in (0, 1):
        assert list(received.packets.select(received.channel == channel)) == list(packets[channel])


def test_a_repeated_frame_is_told_and_gives_its_packets_once() -> None:
    packets, frames = sent(SMALL, [b"a" * 20, b"b" * 20, b"c" * 20])
    reader = FrameReader(SMALL)
    received = reader.read(b"".join([frames[0], frames[0], *frames[1:]]))
    again = reader.read(frames[-1])
    assert list(received.packets) + list(again.packets) == packets
    assert reader.tally.rejects == {"duplicate frame": 2}
    assert received.gaps == ()


@pytest.mark.parametrize(
    ("place", "value", "cause"),
    [(0, 0x4A, "frame version"), (1, 0xC0, "spacecraft"), (1, 0xB1, "frame control"), (4, 0x98, "frame header"),
     (5, 0x40, "frame pointer")],
)  # fmt: skip
def test_each_wrong_header_has_its_cause(place: int, value: int, cause: str) -> None:
    layout = FrameLayout(spacecraft=171, octets=40, checksum=False, marker=False)
    _, frames = sent(layout, [b"a" * 20])
    frame = bytearray(frames[0])
    frame[place] = value
    reader = FrameReader(layout)
    assert len(reader.read_datagram(bytes(frame)).packets) == 0
    assert reader.tally.rejects == {cause: 1}


def test_a_datagram_of_another_length_is_rejected() -> None:
    reader = FrameReader(SMALL)
    reader.read_datagram(bytes(39))
    assert reader.tally.rejects == {"frame length": 1}


def test_the_end_of_a_stream_tells_what_was_left() -> None:
    _, frames = sent(SMALL, [b"a" * 100])
    reader = FrameReader(SMALL)
    reader.read(frames[0] + frames[1][:9])
    reader.close()
    assert reader.tally.rejects == {"truncated": 2}


@pytest.mark.soak
def test_a_million_fuzzed_packets_and_frames() -> None:
    """Half noise, half frames with flips, cuts and doubled octets."""
    generator, chance = np.random.default_rng(7), random.Random(7)
    reader, seen = FrameReader(SMALL, longest=500), 0
    bodies = [
        generator.integers(0, 256, int(size), np.uint8).tobytes() for size in generator.integers(1, 90, 2000)
    ]
    packets, frames = sent(SMALL, bodies)
    genuine = set(packets)
    while seen < 1_000_000:
        octets = bytearray(b"".join(frames))
        for _ in range(300):
            at = chance.randrange(len(octets))
            kind = chance.randrange(3)
            if kind == 0:
                octets[at] ^= 1 << chance.randrange(8)
            elif kind == 1:
                del octets[at : at + chance.randrange(50)]
            else:
                octets[at:at] = generator.integers(0, 256, chance.randrange(50), np.uint8).tobytes()
        wrong = [packet for packet in reader.read(bytes(octets)).packets if packet not in genuine]
        assert len(wrong) <= 1  # where one round joins the next
        reader.read(generator.integers(0, 256, 40 * len(frames), np.uint8).tobytes())
        seen += 2 * len(frames)
    assert set(reader.tally.rejects) <= set(CAUSES)


def test_wrong_layouts_are_refused() -> None:
    for wrong in ({"spacecraft": 1024}, {"octets": 8}, {"octets": 2049}, {"secondary_octets": 1}):
        with pytest.raises(InputError):
            FrameLayout(**wrong)
    with pytest.raises(InputError):
        FrameWriter(SMALL).write(Packets.empty(), 8)
