"""A lunar day at 10,000 times wall time: three flights, one of them killed, give archives equal to the bit."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moonpost.control.archive import Archive, archive_decoder
from moonpost.control.ground.keeping import kept_dictionary
from moonpost.control.packets import Decoder

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "control")]
from live_clients import Watcher, watch_all  # noqa: E402
from test_control_clients import Server, servers  # noqa: E402, F401

pytestmark = pytest.mark.soak

SPEED, LUNAR_DAY_S = 10_000.0, 29.53 * 86_400.0
WORDS = ("--speed", SPEED, "--start", "2035-01-10", "--days", 31)
LAST = np.datetime64("2035-01-10", "us") + np.timedelta64(round(LUNAR_DAY_S), "s")


def wait(server: Server, until: np.datetime64) -> None:
    until_ms = int(until.astype("datetime64[ms]").astype(np.int64))
    limit = time.monotonic() + 3.0 * LUNAR_DAY_S / SPEED
    while server.get("api/clock")["reached_ms"] < until_ms:
        assert time.monotonic() < limit, server.get("api/clock")
        time.sleep(0.5)


def values(folder: Path) -> dict[str, Any]:
    """Every value of every parameter up to the end of the lunar day."""
    decoder = archive_decoder(Decoder(kept_dictionary(folder / "archive")))
    with Archive.open(folder / "archive", decoder, read_only=True) as archive:
        last = LAST - np.timedelta64(1, "h")
        return {key: archive.query(key, "2035-01-10", last) for key in sorted(archive.parameters)}


def test_a_lunar_day_replays_to_bit_equal_values_and_live_is_history(
    servers: type[Server],  # noqa: F811
    tmp_path: Path,
) -> None:
    first, second, third = (servers(tmp_path / name, *WORDS) for name in ("first", "second", "third"))
    keys = [row["key"] for row in first.get("api/channels")["channels"]]
    watcher = Watcher(keys, keeps=True)

    async def fly() -> int:
        loop = asyncio.get_running_loop()
        middle = LAST - np.timedelta64(round(LUNAR_DAY_S / 2), "s")
        await loop.run_in_executor(None, wait, third, middle)
        third.end(signal.SIGKILL)
        again = await loop.run_in_executor(None, servers, tmp_path / "third", *WORDS)
        for station in (first, second, again):
            await loop.run_in_executor(None, wait, station, LAST)
        await asyncio.sleep(1.0)
        return again.end()

    assert asyncio.run(watch_all(first.address, first.cookie, [watcher], fly())) == 0
    assert (first.end(), second.end()) == (0, 0)

    flights = [values(tmp_path / name) for name in ("first", "second", "third")]
    assert flights[0].keys() == flights[1].keys() == flights[2].keys() >= set(keys)
    for key, series in flights[0].items():
        assert len(series) > 0
        for other in flights[1:]:
            assert series.time.tobytes() == other[key].time.tobytes(), key
            assert series.value.tobytes() == other[key].value.tobytes(), key
            assert other[key].gaps == series.gaps == ()
    assert not watcher.thinned
    compare_live(watcher, flights[0])
    print(f"{sum(len(series) for series in flights[0].values()):,} values equal to the bit in three flights")


def compare_live(watcher: Watcher, history: dict[str, Any]) -> None:
    """What a browser was sent is what the history holds, from the first value it got on."""
    compared = 0
    for key, rows in watcher.values.items():
        time_ms = history[key].time.astype("datetime64[ms]").astype(np.int64)
        due = dict(zip(time_ms.tolist(), history[key].value.astype(np.float64).tolist(), strict=True))
        sent = {int(row[0]): row[1] for row in rows if row[0] <= time_ms[-1]}
        assert len(sent) == sum(row[0] <= time_ms[-1] for row in rows), key  # nothing twice
        begin = min(sent)
        assert sent == {t: value for t, value in due.items() if t >= begin}, key
        compared += len(sent)
    assert compared > 1_000_000
