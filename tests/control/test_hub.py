"""The hub: each gets what it asked for and may see; who does not read is thinned, told, and harms nobody."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moonpost.control.web.hub import Client, Hub

START = np.datetime64("2040-01-01", "us")


def columns(first: int, size: int, keys: list[str], states: Any = 0) -> dict[str, tuple[Any, Any, Any]]:
    numbers = np.arange(first, first + size)
    time = START + numbers * np.timedelta64(1, "s")
    state = np.broadcast_to(np.asarray(states, np.int8), (size,))
    return {key: (time, numbers.astype(np.float32) / 3, state) for key in keys}


def drain(client: Client) -> list[dict[str, Any]]:
    return [json.loads(text) for text in iter(client.take, None)]


def rows(messages: list[dict[str, Any]], key: str) -> list[list[float]]:
    return [row for m in messages if m["type"] == "values" for row in m["values"].get(key, [])]


def test_each_gets_what_it_asked_for_and_may_see() -> None:
    hub = Hub()
    first, second, third = (
        hub.join(lambda key: key != "b.x"),
        hub.join(lambda key: True),
        hub.join(lambda key: True),
    )
    first.subscribe(["a.x", "b.x"])
    second.subscribe(["b.x", "none"])
    hub.publish(columns(0, 3, ["a.x", "b.x", "c.x"]))
    hub.publish(columns(3, 2, ["a.x", "b.x"]))
    hub.hand_out()
    got = drain(first)
    assert [set(m["values"]) for m in got] == [{"a.x"}]
    due = [[2208988800000 + 1000 * n, float(np.float32(n) / 3), 0] for n in range(5)]
    assert rows(got, "a.x") == due  # to the bit
    assert rows(drain(second), "b.x") == due
    assert drain(third) == []
    first.unsubscribe(["a.x"])
    hub.publish(columns(5, 1, ["a.x"]))
    hub.hand_out()
    assert drain(first) == []


def test_what_is_no_number_is_null_and_messages_are_json() -> None:
    hub = Hub()
    client = hub.join(lambda key: True)
    client.subscribe(['a"\n.x'])
    value = np.array([np.nan, 1.0, -np.inf])
    time = START + np.arange(3)
    hub.publish({'a"\n.x': (time, value, np.array([3, 0, 2], np.int8))})
    hub.hand_out()
    (got,) = drain(client)
    assert [(row[1], row[2]) for row in got["values"]['a"\n.x']] == [(None, 3), (1.0, 0), (None, 2)]


def test_who_does_not_read_is_thinned_and_told_and_the_others_get_all() -> None:
    hub = Hub(capacity=100)
    reads, stalls = hub.join(lambda key: True), hub.join(lambda key: True)
    reads.subscribe(["a.x"])
    stalls.subscribe(["a.x"])
    got = []
    for number in range(40):
        state = 2 if number == 7 else 0
        hub.publish(columns(10 * number, 10, ["a.x"], state))
        hub.hand_out()
        got += drain(reads)
    assert [row[0] for row in rows(got, "a.x")] == [2208988800000 + 1000 * n for n in range(400)]
    assert not [m for m in got if m["type"] == "thinned"]
    late = drain(stalls)
    kept = rows(late, "a.x")
    assert late[0]["type"] == "thinned"
    told = sum(m["of"] - m["kept"] for m in late if m["type"] == "thinned")
    assert told + len(kept) == 400 == stalls.thinned_values + stalls.sent_values
    assert len(kept) <= 100
    assert kept[-1][0] == 2208988800000 + 1000 * 399  # the latest
    states = {row[0]: row[2] for row in kept}
    for number, state in ((70, 2), (80, 0)):  # both changes of state
        assert states[2208988800000 + 1000 * number] == state


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-2, 2), st.booleans()), max_size=40), st.integers(1, 60))
def test_what_waits_is_bounded_in_order_and_counted(steps: list[tuple[int, int, bool]], capacity: int) -> None:
    hub = Hub(capacity=capacity)
    client = hub.join(lambda key: True)
    client.subscribe(["a.x", "b.x"])
    sent, got = 0, []
    for size, state, reads in steps:
        hub.publish(columns(sent, size, ["a.x", "b.x"], state))
        sent += size
        hub.hand_out()
        assert client._waiting <= max(capacity, 8)
        if reads:
            text = client.take()
            got += [json.loads(text)] if text else []
    while (text := client.take()) is not None:
        got.append(json.loads(text))
    for key in ("a.x", "b.x"):
        times = [row[0] for row in rows(got, key)]
        assert times == sorted(set(times))
        assert (times[-1] if times else None) == (2208988800000 + 1000 * (sent - 1) if sent else None)
    told = sum(m["of"] - m["kept"] for m in got if m["type"] == "thinned")
    assert told + len(rows(got, "a.x")) + len(rows(got, "b.x")) == 2 * sent


def test_what_comes_late_is_told_apart_also_when_it_is_thinned() -> None:
    hub = Hub(capacity=20)
    client = hub.join(lambda key: True)
    client.subscribe(["a.x"])
    hub.publish(columns(100, 3, ["a.x"]))
    hub.publish(columns(0, 3, ["a.x"]), late=True)
    hub.hand_out()
    got = drain(client)
    assert [(m["type"], len(m["values"]["a.x"])) for m in got] == [("late", 3), ("values", 3)]
    for number in range(10):
        hub.publish(columns(103 + number, 1, ["a.x"]))
        hub.publish(columns(10 * number, 10, ["a.x"]), late=True)
        hub.hand_out()
    got = [m for m in drain(client) if m["type"] != "thinned"]
    assert {m["type"] for m in got} == {"late", "values"}
    assert [row[0] for m in got if m["type"] == "late" for row in m["values"]["a.x"]][-1] == 2208988800000 + 99_000


def test_notes_go_to_those_who_may_see_and_are_bounded() -> None:
    hub = Hub()
    sees, blind = hub.join(lambda about: True), hub.join(lambda about: about != "rover")
    for number in range(300):
        hub.tell({"type": "event", "number": number}, to=lambda client: client.sees("rover"))
        hub.tell({"type": "clock", "time_ms": number}, slot="clock")
    hub.hand_out()
    assert drain(blind) == [{"type": "clock", "time_ms": 299}]
    got = drain(sees)
    assert got[0] == {"type": "thinned", "kept": 256, "of": 300}
    assert [m["number"] for m in got if m["type"] == "event"] == list(range(44, 300))
    assert got[-1] == {"type": "clock", "time_ms": 299}


def test_without_clients_nothing_is_kept_and_a_standing_loop_keeps_the_newest() -> None:
    hub = Hub(capacity=10)
    hub.publish(columns(0, 5, ["a.x"]))
    assert hub._size == 0
    client = hub.join(lambda key: True)
    client.subscribe(["a.x"])
    for number in range(30):
        hub.publish(columns(100 * number, 100, ["a.x"]))
    assert hub._size <= 1100
    hub.hand_out()
    got = drain(client)
    assert rows(got, "a.x")[-1][0] == 2208988800000 + 1000 * 2999
    assert hub.counts["values_dropped"] > 0


def test_a_client_that_takes_nothing_is_let_go() -> None:
    async def run() -> None:
        hub = Hub(stalled_s=0.05)
        client = hub.join(lambda key: True)
        client.note("{}")

        async def send(_: str) -> None:
            await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await hub.serve(client, send)

    asyncio.run(run())
