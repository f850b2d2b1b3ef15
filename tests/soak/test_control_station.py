"""Random telecommands at random instants, restarts anywhere: the station sends the same packets in any case."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.station import Station

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from station_samples import at, bundled, command, opened, sleepy, split

HOURS = 72.0


def order(station: Station, draw: np.random.Generator, number: int) -> bytes:
    """A telecommand drawn by chance, at times for the queue."""
    row = station.commands.commands[draw.integers(len(station.commands.commands))]
    given: dict[str, Any] = {}
    if row.name.endswith("load-limit"):
        given = {"fraction": float(draw.uniform())}
    elif "activity-" in row.name:
        labels = row.arguments[0].labels or {}
        given = {"activity": labels[int(draw.integers(1, len(labels) + 1))]}
    elif row.name == "queue-delete":
        given = {"queued_apid": 8, "queued_count": int(draw.integers(40))}
    elif row.name == "queue-insert":
        inner = order(station, draw, number)
        ticks = int(station.clock.ticks(at(float(draw.uniform(0.0, HOURS))))[0])
        given = {"release_time": ticks, "packet": inner}
    return command(station, row.name, number, int(draw.integers(16)), **given)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(12))
def test_random_telecommands_and_restarts_give_the_same_packets(tmp_path, seed) -> None:
    draw = np.random.default_rng(seed)
    plan = sleepy() if seed % 2 else bundled()
    given: dict[str, Any] = {
        "days": 3.2,
        "store_octets": 150_000,
        "playback_bit_s": float(draw.uniform(300, 9000)),
    }
    station = opened(tmp_path, plan, **given)
    now, got = 0.0, {0: [], 1: []}
    restarts, number = 0, 0
    while now < HOURS:
        now += float(draw.uniform(0.0, 2.0)) ** 3 / 4
        for channel, found in split(station.advance(at(now))).items():
            got[channel] += found
        if draw.uniform() < 0.25:
            station.uplink(order(station, draw, number), at(now))
            number += 1
        if draw.uniform() < 0.08:
            station.close()
            station = opened(tmp_path, plan, resume=at(now), **given)
            restarts += 1
    for channel, found in split(station.advance(at(HOURS + 2.0))).items():
        got[channel] += found
    station.close()
    whole = opened(tmp_path, plan, **given)
    wanted = {0: [], 1: []} | split(whole.advance(at(HOURS + 2.0)))
    assert got[0] == wanted[0]
    assert got[1] == wanted[1]
    assert number > 10
    assert restarts > 3
    counts = whole.status()
    print(seed, number, "commands", restarts, "restarts", counts)
