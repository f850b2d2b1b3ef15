"""A mission in one process: telemetry flows, is shown to those who may see it, and is the same after a restart."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from moonpost.control.mission import MissionControl
from moonpost.control.settings import Settings
from moonpost.control.web.app import create_app
from moonpost.control.web.serving import listening
from moonpost.errors import DataError, DateError, InputError, OutputError, UnknownNameError
from moonpost.plan import load_plan

sys.path.insert(0, str(Path(__file__).parent))
from live_clients import Watcher, stalled, watch_all

HOURS = 6
SHORT = {"start": "2035-01-15T18:00", "days": 2.0, "step_s": 300.0}
OWN = "survey-rover.load_w"  # of a machine on a bus of its own


@dataclass
class Flown:
    """A mission that has flown some hours and stands, and its server."""

    mission: MissionControl
    app: Any
    passwords: dict[str, str]
    clients: dict[str, TestClient] = field(default_factory=dict)

    def client(self, name: str) -> TestClient:
        if name not in self.clients:
            self.clients[name] = self.login(name)
        return self.clients[name]

    def login(self, name: str) -> TestClient:
        client = TestClient(self.app)
        answer = client.post("/login", json={"name": name, "password": self.passwords[name]})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client


def fly(mission: MissionControl, hours: float) -> None:
    """Move a mission on by hand, without its thread."""
    ticker = mission.ticker
    assert ticker is not None
    until = ticker.reached + np.timedelta64(round(hours * 3600), "s")
    mission.clock.restart(until)
    while ticker.reached < until:
        assert ticker.move(), mission.ground.status()


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flown]:
    folder = tmp_path_factory.mktemp("mission")
    with MissionControl.open("ilrs", folder, speed=0.01, **SHORT) as mission:
        owner = mission.plan.element("survey-rover").owner
        other = next(
            p.id
            for p in mission.plan.partners
            if p.id not in (owner, *mission.plan.element("survey-rover").approvers)
        )
        people = {
            "owner": (owner, ["operator", "approver"]),
            "guest": (other, ["operator"]),
            "reader": (owner, ["scientist"]),
        }
        passwords = {name: mission.users.add(name, partner, roles) for name, (partner, roles) in people.items()}
        fly(mission, HOURS)
        yield Flown(mission, create_app(mission, Settings(rate_s=1e6)), passwords)


def span_ms(flown: Flown) -> tuple[int, int]:
    first = flown.mission.span[0].astype("datetime64[ms]").astype(np.int64)
    return int(first), int(first) + HOURS * 3_600_000


def test_channels_are_those_that_may_be_read(flown: Flown) -> None:
    owner, guest = (
        {row["key"]: row for row in flown.client(name).get("/api/channels").json()["channels"]}
        for name in ("owner", "guest")
    )
    assert OWN in owner
    assert OWN not in guest
    assert not guest.keys() - owner.keys()
    assert owner.keys() <= flown.mission.channels.keys()
    assert {key for key in owner if key.startswith("station.")} <= guest.keys()
    row = owner["station.stored_fraction"]
    assert row["limits"]["warning_low"] == pytest.approx(0.2)
    assert row["unit"] == "1"
    assert owner["station.in_light"]["labels"] == {"0": "dark modes", "1": "light modes"}


def test_history_is_the_archive_to_the_bit_and_bins_agree(flown: Flown) -> None:
    client, (first, last) = flown.client("owner"), span_ms(flown)
    found = client.get(
        "/api/channels/station.stored_wh/history", params={"start_ms": first, "stop_ms": last}
    ).json()
    due = flown.mission.ground.archive.query(
        "station.stored_wh", np.datetime64(first, "ms"), np.datetime64(last, "ms")
    )
    assert found["time_ms"] == due.time.astype("datetime64[ms]").astype(np.int64).tolist()
    assert found["value"] == due.value.astype(float).tolist()
    assert len(found["value"]) >= HOURS * 12 - 2
    binned = client.get(
        "/api/channels/station.stored_wh/history", params={"start_ms": first, "stop_ms": last, "bins": 6}
    ).json()
    assert sum(binned["count"]) == len(found["value"])
    assert min(binned["minimum"]) == min(found["value"])
    assert max(binned["maximum"]) == max(found["value"])
    assert binned["step_s"] > 0


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"start_ms": 5, "stop_ms": 5}, 422),
        ({"start_ms": 9, "stop_ms": 5}, 422),
        ({"start_ms": -1, "stop_ms": 5}, 422),
        ({"start_ms": 0, "stop_ms": 10**18}, 422),
        ({"start_ms": "nan", "stop_ms": 5}, 422),
        ({"start_ms": 0, "stop_ms": 5, "bins": 0}, 422),
        ({"start_ms": 0, "stop_ms": 5, "bins": 10**9}, 422),
        ({"stop_ms": 5}, 422),
        ({"start_ms": 0, "stop_ms": 5}, 200),
    ],
)
def test_ranges_that_cannot_be_used_are_told(flown: Flown, query: dict[str, Any], status: int) -> None:
    answer = flown.client("owner").get("/api/channels/station.stored_wh/history", params=query)
    assert answer.status_code == status
    assert status == 200 or answer.json().keys() == {"what", "where", "do"}


def test_a_channel_that_may_not_be_read_answers_as_one_that_is_not_there(flown: Flown) -> None:
    client, (first, last) = flown.client("guest"), span_ms(flown)
    answers = [
        client.get(f"/api/channels/{key}/history", params={"start_ms": first, "stop_ms": last})
        for key in (OWN, "no.such")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    latest = client.get("/api/latest", params={"keys": f"{OWN},station.stored_wh,no.such"}).json()["values"]
    assert latest.keys() == {"station.stored_wh"}
    assert OWN in flown.client("owner").get("/api/latest").json()["values"]


def test_station_clock_gaps_and_events(flown: Flown) -> None:
    client, (first, last) = flown.client("guest"), span_ms(flown)
    station = client.get("/api/station").json()
    assert station["plan"] == "ilrs"
    assert station["step_s"] == 300.0
    assert "survey-rover" not in {row["id"] for row in station["elements"]}
    clock = client.get("/api/clock").json()
    assert clock["reached_ms"] == last
    assert clock["time_ms"] >= last
    assert clock["end_ms"] == station["span"]["stop_ms"] == first + 2 * 86_400_000
    assert clock["lunar_day"] > 1
    assert client.get("/api/gaps", params={"start_ms": first, "stop_ms": last}).json() == {"gaps": []}
    period = {"start_ms": first, "stop_ms": last}
    mine, theirs = (
        flown.client(name).get("/api/events", params=period).json()["events"] for name in ("owner", "guest")
    )
    assert mine
    plan = flown.mission.plan
    guest = flown.mission.users.find("guest")
    assert guest is not None
    hidden = {
        row.id
        for row in plan.elements
        if row.bus != "station" and guest.partner not in (row.owner, *row.approvers)
    }
    assert "survey-rover" in hidden
    assert hidden & {event["element"] for event in mine}
    assert [event for event in mine if event["element"] not in hidden] == theirs


def test_the_speed_is_set_by_those_who_may(flown: Flown) -> None:
    assert flown.client("reader").post("/api/clock", json={"speed": 2}).status_code == 403
    owner = flown.client("owner")
    for speed in (0, -1, 1e9, "nan", None, "fast"):
        assert owner.post("/api/clock", json={"speed": speed}).status_code == 422
    assert owner.post("/api/clock", json={"speed": 0.02}).json()["speed"] == 0.02
    assert owner.post("/api/clock", json={"speed": 0.01}).status_code == 200
    assert [row.action for row in flown.mission.audit.entries()].count("speed-set") == 2


def test_an_alarm_is_seen_and_acknowledged_by_those_who_may(flown: Flown) -> None:
    alarms = flown.mission.ground.alarms
    now = flown.mission.clock.now()
    alarms.tell(OWN, 2, now, "too much", 99.0)
    alarms.tell("station.stored_fraction", -1, now, "low", 0.1)
    owner, guest, reader = (flown.client(name) for name in ("owner", "guest", "reader"))
    mine = {row["key"]: row for row in owner.get("/api/alarms").json()["alarms"]}
    theirs = {row["key"]: row for row in guest.get("/api/alarms").json()["alarms"]}
    assert OWN in mine
    assert OWN not in theirs
    assert "station.stored_fraction" in theirs
    there, hidden = theirs["station.stored_fraction"]["id"], mine[OWN]["id"]
    assert guest.post(f"/api/alarms/{hidden}/acknowledge", json={"comment": "x"}).status_code == 404
    assert guest.post("/api/alarms/none/acknowledge", json={}).status_code == 404
    assert reader.post(f"/api/alarms/{there}/acknowledge", json={}).status_code == 403
    assert owner.post(f"/api/alarms/{hidden}/acknowledge", json={"comment": "x" * 1001}).status_code == 422
    done = owner.post(f"/api/alarms/{hidden}/acknowledge", json={"comment": "seen"}).json()["alarm"]
    assert (done["acknowledged_by"], done["comment"]) == ("owner", "seen")
    for key in (OWN, "station.stored_fraction"):
        alarms.settle(key, now)
    first, last = span_ms(flown)
    period = {"active": False, "start_ms": first, "stop_ms": last + 3_600_000}
    assert OWN in {row["key"] for row in owner.get("/api/alarms", params=period).json()["alarms"]}
    assert OWN not in {row["key"] for row in guest.get("/api/alarms", params=period).json()["alarms"]}


def test_the_report_of_a_study_is_shown_if_there_is_one(flown: Flown) -> None:
    client = flown.client("guest")
    assert client.get("/api/report").status_code == 404
    assert str(flown.mission.folder.parent) not in client.get("/api/report").text
    (flown.mission.folder / "report.html").write_text("<h1>report</h1>")
    assert client.get("/api/report").text == "<h1>report</h1>"
    assert TestClient(flown.app).get("/api/report").status_code == 401


def gather(socket: Any, until: str, most: int = 200) -> list[dict[str, Any]]:
    found = []
    for _ in range(most):
        found.append(socket.receive_json())
        if found[-1]["type"] == until:
            return found
    raise AssertionError(f"no {until} in {most} messages")


def test_live_values_are_those_of_the_history_and_nothing_else_is_sent(flown: Flown) -> None:
    mission = flown.mission
    with TestClient(flown.app) as running:
        running.post("/login", json={"name": "guest", "password": flown.passwords["guest"]})
        with running.websocket_connect("/api/live") as socket:
            assert socket.receive_json()["type"] == "clock"
            socket.send_text(json.dumps({"subscribe": [OWN, "station.stored_wh", "no.such", "\ud800"]}))
            while not any(client.keys for client in mission.hub.clients):
                time.sleep(0.01)
            begin = mission.reached
            fly(mission, 1.0)
            mission.hub.tell({"type": "marker"})
            got = gather(socket, "marker")
            got += gather(socket, "values") if not any(m["type"] == "values" for m in got) else []
    rows = [row for m in got if m["type"] == "values" for row in m["values"].get("station.stored_wh", [])]
    assert not any(OWN in m.get("values", {}) for m in got)
    due = mission.ground.archive.query(
        "station.stored_wh", begin - np.timedelta64(1, "h"), mission.reached + np.timedelta64(1, "s")
    )
    times = due.time.astype("datetime64[ms]").astype(np.int64).tolist()
    values = dict(zip(times, due.value.astype(float).tolist(), strict=True))
    assert len(rows) >= 11
    assert {row[0]: row[1] for row in rows}.items() <= values.items()


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"subscribe": "a"}', '{"subscribe": [1]}', '{"other": []}', "[" * 5000]
)
def test_messages_that_cannot_be_used_end_the_socket(flown: Flown, text: str) -> None:
    with TestClient(flown.app) as running:
        running.post("/login", json={"name": "guest", "password": flown.passwords["guest"]})
        with running.websocket_connect("/api/live") as socket:
            socket.receive_json()
            socket.send_text(text)
            with pytest.raises(WebSocketDisconnect) as ended:
                gather(socket, "none", 5)
            assert ended.value.code == 4400
    assert not flown.mission.hub.clients


def test_without_login_nothing_is_live(flown: Flown) -> None:
    refused = pytest.raises(WebSocketDenialResponse)
    with TestClient(flown.app) as running, refused as told, running.websocket_connect("/api/live") as socket:
        socket.receive_json()
    assert told.value.status_code == 401


def test_a_stop_and_a_kill_leave_the_same_telemetry(flown: Flown, tmp_path: Path) -> None:
    """The values of a mission that was stopped, started and moved back are equal to the bit to one in a go."""
    with MissionControl.open("ilrs", tmp_path, speed=0.01, **SHORT) as mission:
        fly(mission, 2.0)
        mission._note()
        fly(mission, 1.5)  # as if killed before this was noted
        mission._finish = lambda: None  # type: ignore[method-assign]
    with MissionControl.open("ilrs", tmp_path, speed=0.01, **SHORT) as mission:
        fly(mission, HOURS - (mission.reached - mission.span[0]) / np.timedelta64(1, "h"))
        first = mission.span[0]
        last = first + np.timedelta64(HOURS * 60 - 20, "m")  # all of it had come
        for key in list(mission.channels)[::7]:
            mine = mission.ground.archive.query(key, first, last)
            due = flown.mission.ground.archive.query(key, first, last)
            assert mine.time.tobytes() == due.time.tobytes(), key
            assert mine.value.tobytes() == due.value.tobytes(), key
            assert mine.gaps == ()
        assert mission.events(first, last) == flown.mission.events(first, last)


def test_a_folder_flies_one_mission_and_is_held_by_one_server(flown: Flown, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="another server"):
        MissionControl.open("ilrs", flown.mission.folder, **SHORT)
    for days in (2.0, None):  # what is left open is as it was
        with MissionControl.open("ilrs-orbit", tmp_path, days=days) as mission:
            assert "sky.sun_elevation_deg" in mission.channels
            assert mission.span[1] - mission.span[0] == np.timedelta64(2, "D")
    for plan, options in (
        ("ilrs", {"days": 2.0}),
        ("ilrs-orbit", {"days": 3.0}),
        ("ilrs-orbit", {"days": 2.0, "seed": 1}),
    ):
        with pytest.raises(InputError, match="is flown in it"):
            MissionControl.open(plan, tmp_path, **options)


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"speed": 0.0}, InputError),
    ({"speed": float("nan")}, InputError),
    ({"speed": 1e9}, InputError),
    ({"days": float("inf")}, InputError),
    ({"step_s": float("nan")}, InputError),
    ({"site": "nowhere"}, UnknownNameError),
    ({"command_port": 0}, InputError),
    ({"command_port": 0, "command_user": "nobody"}, InputError),
    ({"uplink_to": "nowhere"}, InputError),
    ({"ledger": __file__}, DataError),
    ({"telemetry_to": "host:99999"}, InputError),
]


def test_options_that_cannot_be_used_are_refused_at_once_and_leave_the_folder_free(tmp_path: Path) -> None:
    plan = load_plan("ilrs")
    for options, error in REFUSED:
        with pytest.raises(error):
            MissionControl.open(plan, tmp_path, **options)
    with pytest.raises(DateError):
        MissionControl.open(plan, tmp_path, start="1700-01-01")
    MissionControl.open("ilrs-orbit", tmp_path, days=2.0).stop()


def test_a_command_goes_up_and_its_verification_comes_down(flown: Flown) -> None:
    """Asked for, sent over light time, executed, verified from telemetry; the value changes; on record."""
    mission = flown.mission
    name = "survey-rover.load-limit"
    layout = mission.station.commands.command(name)
    assert layout.significance == "important"
    asked = mission.commanding.request("owner", name, {"fraction": 0.5}, comment="save energy")
    assert (asked.state, asked.reasons) == ("approved", ())
    assert mission.commanding.release("owner", asked.id).state == "released"
    fly(mission, 1.0)
    done = mission.commanding.command(asked.id)
    assert done.state == "completed", done.stages
    stages = {stage.state: stage.time_us for stage in done.stages}
    assert 1e6 < stages["accepted"] - stages["released"] < 4e6  # a light time, not at once
    mission.audit.flush()
    told = [row.action for row in mission.audit.entries() if row.command == asked.id]
    assert told[:2] == ["request", "release"]
    guest = flown.client("guest").get(f"/api/commands/{asked.id}")
    assert guest.status_code in (403, 404)


@contextmanager
def listening_server(flown: Flown) -> Iterator[str]:
    """The mission behind a real server, in a thread; loopback, any free port."""
    bound = listening("127.0.0.1", 0)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)  # so that little hides in the system
    config = uvicorn.Config(
        flown.app,
        log_level="error",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()
        assert not thread.is_alive()


def test_a_client_that_stalls_is_thinned_and_the_others_get_every_value(flown: Flown) -> None:
    """The small form of the long test with fifty clients: four that read, one that does not, a few seconds."""
    mission = flown.mission
    user = mission.users.find("owner")
    assert user is not None
    keys = sorted(mission.readable(user))
    head = "; ".join(f"{name}={value}" for name, value in flown.client("owner").cookies.items())
    watchers = [Watcher(keys, keeps=number == 0) for number in range(4)]
    begin = mission.reached

    async def during(address: str) -> int:
        loop = asyncio.get_running_loop()
        bad = await loop.run_in_executor(None, stalled, address, head, keys)
        while sum(bool(client.keys) for client in mission.hub.clients) < len(watchers) + 1:
            await asyncio.sleep(0.01)
        for _ in range(30):
            await loop.run_in_executor(None, fly, mission, 1.0)
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        thinned = max(client.thinned_values for client in mission.hub.clients)
        bad.close()
        return thinned

    mission.hub.capacity = 15_000
    with listening_server(flown) as address:
        thinned = asyncio.run(watch_all(address, head, watchers, during(address)))
    assert thinned > 0
    told = TestClient(flown.app).get("/metrics").text
    numbers = dict(line.split() for line in told.splitlines() if line.startswith("moonpost_") and "{" not in line)
    assert float(numbers["moonpost_live_thinned_total"]) >= thinned
    assert float(numbers["moonpost_behind_seconds"]) < 1.0
    assert float(numbers["moonpost_speed"]) == 0.01
    assert "survey-rover" not in told
    raised = {alarm.key for alarm in mission.ground.alarms.history("2035-01-01", "2036-01-01")}
    assert "ground.link.station" not in raised  # outages that contacts tell are none of the link
    assert len({watcher.counted for watcher in watchers}) == 1
    assert not any(watcher.thinned for watcher in watchers)
    assert not mission.hub.clients
    values = watchers[0].values
    assert values.keys() == set(keys)
    for key in keys[::5]:
        due = mission.ground.archive.query(key, begin - np.timedelta64(1, "D"), mission.reached)
        time_ms = due.time.astype("datetime64[ms]").astype(np.int64).tolist()
        kept = dict(zip(time_ms, due.value.astype(float).tolist(), strict=True))
        sent = sorted((row[0], row[1]) for row in values[key])
        assert sent == [(t, value) for t, value in kept.items() if t >= sent[0][0]], key


def test_a_station_that_falls_silent_in_contact_calls(flown: Flown) -> None:
    mission = flown.mission
    is_due = mission._in_contact()
    now = mission.reached
    begin = next(window.start for window in mission.station.contacts if window.start >= now or window.stop > now)
    begin = max(begin, now)
    assert is_due(begin)
    assert not is_due(mission.station.contacts[0].start - np.timedelta64(1, "D"))
    mission.ground.receive(b"", "station", begin)
    mission.ground.receive(b"", "station", begin + np.timedelta64(1300, "s"))
    assert is_due(begin + np.timedelta64(1300, "s"))
    assert mission.ground.alarms.is_up("ground.link.station")
