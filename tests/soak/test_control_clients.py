"""Fifty browsers at ten thousand values a second for simulated days: memory flat, one that stalls harms nobody.

At a step of 60 s the 85 channels of the bundled plan make 10,600 values a second at 7,500 times wall time, where a
simulated day takes 12 s.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from moonpost.control.database import Database
from moonpost.control.users import Users

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from live_clients import Watcher, stalled, watch_all

pytestmark = pytest.mark.soak

CLIENTS, SPEED, DAYS = 50, 7500.0, 8.0
RATE_S = 10_000


class Server:
    """``moonpost serve`` in a process of its own, somebody logged in."""

    running: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(self, folder: Path, *words: object) -> None:
        folder.mkdir(exist_ok=True)
        if not (folder / "control.sqlite").exists():
            with Database.open(folder / "control.sqlite") as database:
                Users(database).add("li", "cnsa", ["operator", "admin"], "a password for a test")
        command = [sys.executable, "-m", "moonpost", "serve", "ilrs", "--data", str(folder), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.running.append(self.process)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[0]
        body = json.dumps({"name": "li", "password": "a password for a test"}).encode()
        request = urllib.request.Request(self.address + "login", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            self.cookie = re.match(r"[^;]*", answer.headers["Set-Cookie"]).group()  # type: ignore[union-attr]

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.address + path, headers={"Cookie": self.cookie})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def rss_mb(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024  # type: ignore[union-attr]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def servers() -> Iterator[type[Server]]:
    """Servers, none of which outlives the test."""
    yield Server
    for process in Server.running:
        process.kill()
        process.communicate()
    Server.running.clear()


def test_fifty_clients_for_simulated_days_with_one_that_stalls(servers: type[Server], tmp_path: Path) -> None:
    station = servers(tmp_path / "mission", "--speed", SPEED)
    keys = [row["key"] for row in station.get("api/channels")["channels"]]
    watchers = [Watcher(keys) for _ in range(CLIENTS)]
    rss: list[float] = []
    clocks: list[dict[str, Any]] = []
    marks: list[float] = []

    async def fly() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(5.0)  # warm
        begin = clock = await loop.run_in_executor(None, station.get, "api/clock")
        bad = None
        while clock["time_ms"] < begin["time_ms"] + DAYS * 86_400_000:
            await asyncio.sleep(1.0)
            clock = await loop.run_in_executor(None, station.get, "api/clock")
            clocks.append(clock)
            rss.append(station.rss_mb())
            if bad is None and clock["time_ms"] > begin["time_ms"] + DAYS / 2 * 86_400_000:
                bad = await loop.run_in_executor(None, stalled, station.address, station.cookie, keys)
                marks.append(time.monotonic())
        assert bad is not None
        bad.close()

    asyncio.run(watch_all(station.address, station.cookie, watchers, fly()))
    assert station.end() == 0

    counts = np.array([watcher.counted for watcher in watchers])
    wall_s = np.ptp([instant for watcher in watchers for instant in watcher.arrived.values()])
    rate_s = counts.mean() / wall_s
    assert rate_s > RATE_S, rate_s
    assert not any(watcher.thinned for watcher in watchers)
    assert np.ptp(counts) < 0.02 * counts.mean()  # all but what was under way at begin and end
    assert all(clock["keeps_up"] for clock in clocks)
    before, after = spreads(watchers, marks[0])
    third = len(rss) // 3
    early, late = float(np.median(rss[:third])), float(np.median(rss[-third:]))
    print(
        f"{CLIENTS} clients, {rate_s:,.0f} values/s each, {DAYS:g} simulated days in {wall_s:.0f} s; "
        f"memory {early:.0f} MB in the first third, {late:.0f} MB in the last; a round reaches all within "
        f"{1e3 * before:.0f} ms (median), {1e3 * after:.0f} ms with one that stalls"
    )
    assert late < 1.05 * early, rss
    assert after < 2.0 * before + 0.05


def spreads(watchers: list[Watcher], mark: float) -> tuple[float, float]:
    """Median time from the first to the last client that got a round, before and after an instant."""
    rounds = set.intersection(*(set(watcher.arrived) for watcher in watchers))
    found = np.array([[watcher.arrived[round_] for watcher in watchers] for round_ in sorted(rounds)])
    spread, first = np.ptp(found, axis=1), found.min(axis=1)
    return float(np.median(spread[first < mark])), float(np.median(spread[first >= mark]))
