"""Noise and flipped bits through the whole ground: nothing is raised, every reject has a cause and is counted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.archive import verify
from moonpost.control.ground import Ground
from moonpost.control.packets import FrameWriter, Packets
from moonpost.control.packets.tally import CAUSES

sys.path.insert(0, str(Path(__file__).parent))
from ground_samples import LAYOUT, at, dictionary, rover, sky

BATCH = 500


def accounted(status: dict[str, Any]) -> bool:
    """Whether all packets that readers told are decoded, known already, refused or rejected by the dictionary."""
    late = ("unknown packet", "segmented", "short", "long", "size", "text", "time", "disk full", "unusable")
    rejected = sum(status["rejects"].get(cause, 0) for cause in late)
    return status["packets"] == status["decoded"] + status["duplicates"] + status["undecoded"] + rejected


def flipped(draw: np.random.Generator, octets: bytes, share: float) -> bytes:
    """Octets with some bits turned over."""
    data = np.frombuffer(bytearray(octets or b"0"), np.uint8)
    places = draw.integers(0, data.size, int(share * data.size) + 1)
    data[places] ^= (1 << draw.integers(0, 8, places.size)).astype(np.uint8)
    return data.tobytes()


def fuzz_frames(ground: Ground, draw: np.random.Generator, rounds: int) -> int:
    """Frames one to a datagram: sound, flipped, cut, noise; tell how many were sent."""
    writer, number, sent = FrameWriter(LAYOUT), 0, 0
    for turn in range(rounds):
        octets = b""
        while len(octets) < BATCH * LAYOUT.sent_octets:
            some = np.arange(number, number + 400)
            number += 400
            octets += writer.write(Packets.join([rover(some, draw.normal(290, 40, 400)), sky(some)]))
        frames = [octets[i * LAYOUT.sent_octets : (i + 1) * LAYOUT.sent_octets] for i in range(BATCH)]
        for row in draw.integers(0, BATCH, BATCH // 3).tolist():
            kind = draw.integers(0, 4)
            frames[row] = (
                flipped(draw, frames[row], 0.005) if kind == 0
                else frames[row][: int(draw.integers(0, LAYOUT.sent_octets))] if kind == 1
                else draw.bytes(int(draw.integers(0, 2 * LAYOUT.octets))) if kind == 2
                else frames[row - 1]
            )  # fmt: skip
        ground.receive_frames(frames, f"udp {turn % 3}", at=at(number)[()])
        sent += BATCH
    return sent


def fuzz_packets(ground: Ground, draw: np.random.Generator, rounds: int) -> int:
    """Packets in datagrams: some flipped, some noise; tell how many were sent."""
    sent = 0
    for turn in range(rounds):
        some = np.arange(1_000_000 + turn * BATCH, 1_000_000 + (turn + 1) * BATCH)
        for row, packet in enumerate(rover(some, draw.normal(290, 40, BATCH))):
            kind = draw.integers(0, 6)
            octets = flipped(draw, packet, 0.02) if kind == 0 else draw.bytes(40) if kind == 1 else packet
            ground.receive_packets(octets, "packets", at=at(some[row])[()], whole=True)
        sent += BATCH
    return sent


def check(folder: Path, frame_rounds: int, packet_rounds: int) -> None:
    draw = np.random.default_rng(11)
    with Ground.open(folder, dictionary(), layout=LAYOUT) as ground:
        sent = fuzz_frames(ground, draw, frame_rounds)
        status = ground.status()
        of_frames = sum(
            status["rejects"].get(cause, 0)
            for cause in ("frame length", "frame checksum", "frame version", "spacecraft", "virtual channel",
                          "frame control", "frame header", "frame pointer", "duplicate frame")
        )  # fmt: skip
        assert status["frames"] + of_frames == sent
        assert accounted(status)
        fuzz_packets(ground, draw, packet_rounds)
        for _ in range(packet_rounds):
            ground.receive(draw.bytes(20_000), "noise", at=at(0)[()])
            ground.receive_packets(draw.bytes(20_000), "noise", at=at(0)[()])
        ground.end("noise")
        status = ground.status()
        assert accounted(status)
        assert status["rejected"] == sum(status["rejects"].values())
        assert status["rejects"].keys() <= {*CAUSES, "disk full", "unusable"}
        assert (status["undecoded"], status["trouble"], ground.archive.status.trouble) == (0, "", "")
        assert status["decoded"] > 0.4 * sent
        assert len(ground.alarms.history("1958-01-02", "2100-01-01")) < 100
    assert verify(folder).is_sound


def test_thousands_of_faulty_frames_and_packets(tmp_path: Path) -> None:
    check(tmp_path, 4, 1)


@pytest.mark.soak
def test_a_million_faulty_frames_and_packets(tmp_path: Path) -> None:
    check(tmp_path, 1600, 400)
