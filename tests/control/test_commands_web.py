"""Routes of commands as browsers use them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from moonpost.control.policy import Decision, Policy
from moonpost.control.users import User, Users
from moonpost.control.web.app import create_app

sys.path.insert(0, str(Path(__file__).parent))
from commands_bench import PLAN, START_US, Bench


class Browser:
    """A client that is logged in."""

    def __init__(self, app, name: str, password: str) -> None:
        self.client = TestClient(app)
        answer = self.client.post("/login", json={"name": name, "password": password})
        self.headers = {"X-CSRF-Token": answer.json()["csrf"]}

    def get(self, path: str):
        return self.client.get(f"/api/{path}")

    def post(self, path: str, **body):
        return self.client.post(f"/api/{path}", json=body, headers=self.headers)

    def put(self, path: str, **body):
        return self.client.put(f"/api/{path}", json=body, headers=self.headers)


@pytest.fixture
def station(tmp_path):
    """The bench behind the server, and a browser for everyone."""
    with Bench(tmp_path) as bench:
        users = Users(bench.database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        mission = SimpleNamespace(
            database=bench.database, users=users, policy=Policy.default(PLAN), plan=PLAN,
            commanding=bench.commanding, audit=bench.audit,
        )  # fmt: skip
        app = create_app(mission)
        people = {
            name: Browser(app, name, users.add(name, user.partner, sorted(user.roles)))
            for name, user in bench.people.items()
        }
        yield SimpleNamespace(bench=bench, app=app, users=users, policy=mission.policy, **people)


def test_a_hazardous_command_from_request_to_audit(station):
    asked = station.ivan.post("commands", name="reactor.off", arguments={}, comment="maintenance")
    assert asked.status_code == 201, asked.text
    command = asked.json()["command"]
    assert (command["state"], command["needed"]) == ("waiting", ["cnsa"])
    path = f"commands/{command['id']}"
    own = station.ivan.post(f"{path}/approve", digest=command["digest"])
    assert own.status_code == 403
    assert set(own.json()) == {"what", "where", "do"}
    early = station.ivan.post(f"{path}/release")
    assert (early.status_code, early.json()["what"]) == (409, "it waits for approval")
    assert station.wu.post(f"{path}/approve").status_code == 422
    wrong = station.wu.post(f"{path}/approve", digest="00" * 32)
    assert wrong.status_code == 403
    assert "digest" in wrong.json()["what"]
    given = station.wu.post(f"{path}/approve", digest=command["digest"], comment="seen")
    assert given.json()["command"]["state"] == "approved"
    assert station.wu.post(f"{path}/approve", digest=command["digest"]).status_code == 409
    released = station.ivan.post(f"{path}/release").json()["command"]
    assert (released["state"], station.bench.uplinked) == ("released", [bytes.fromhex(command["octets"])])
    station.bench.audit.flush()
    rows = station.wu.get("audit").json()["entries"]
    told = [(row["user"], row["action"]) for row in reversed(rows) if row["command"] == command["id"]]
    assert told[0] == ("ivan", "request")
    assert ("wu", "approve") in told
    assert ("ivan", "release") in told
    assert ("wu", "approve-refused") in told
    assert all(row["entry"] for row in rows)
    assert any(row["action"] == "command.approve refused" for row in rows)
    assert station.wu.get(f"audit?command={command['id']}&limit=1").json()["entries"][0]["action"] == "sent"


def test_nobody_else_moves_a_command_by_any_route(station):
    """Sessions of every other role, and old requests sent again, against one that waits and one approved."""
    bench = station.bench
    others = {"amr": station.amr, "root": station.root}
    for name, partner, role in (
        ("office", "cnsa", "programme"),
        ("geologist", "roscosmos", "scientist"),
    ):
        bench.people[name] = User(name, partner, frozenset({role}))
        others[name] = Browser(station.app, name, station.users.add(name, partner, [role]))
    waiting, approved = (station.ivan.post("commands", name="reactor.off").json()["command"] for _ in range(2))
    station.wu.post(f"commands/{approved['id']}/approve", digest=approved["digest"])
    for name, browser in others.items():
        for command in (waiting, approved):
            for verb in ("approve", "reject", "withdraw", "release"):
                answer = browser.post(f"commands/{command['id']}/{verb}", digest=command["digest"])
                assert answer.status_code in (403, 404, 409), (name, verb, answer.text)
        assert browser.post("commands", name="reactor.off").status_code == 403
        assert browser.post("queue", state="disabled").status_code == 403
        browser.put("stack", entries=[{"name": "reactor.off"}])
        assert browser.post("stack/execute", all=True).status_code == 403
        for row in browser.get("commands").json()["commands"]:
            assert row["id"] in (waiting["id"], approved["id"])
    found = [bench.commanding.command(one["id"]) for one in (waiting, approved)]
    assert [one.state for one in found] == ["waiting", "approved"]
    assert len(bench.commanding.commands()) == 2
    for deed, path in ((station.wu, "approve"), (station.ivan, "release")):  # replays of what was right once
        for command in (waiting, approved):
            deed.post(f"commands/{command['id']}/{path}", digest=approved["digest"])
    assert station.ivan.post(f"commands/{approved['id']}/release").status_code == 409
    assert station.ivan.post(f"commands/{approved['id']}/withdraw").status_code == 409
    assert bench.uplinked == [bytes.fromhex(approved["octets"])]
    assert bench.commanding.command(waiting["id"]).state == "waiting"


def test_a_stack_is_sent_only_where_the_policy_lets_one_send(station, monkeypatch):
    asked: list[str] = []
    allowed = station.policy.allowed

    def without_release(user, action, resource):
        asked.append(action)
        return Decision(False, "not here") if action == "command.release" else allowed(user, action, resource)

    monkeypatch.setattr(station.policy, "allowed", without_release)
    station.li.put("stack", entries=[{"name": "ping"}])
    assert station.li.post("stack/execute").status_code == 403
    assert "command.release" in asked
    assert station.bench.uplinked == []


def test_partners_see_their_own(station):
    rover = station.li.post("commands", name="ce7-rover.stow", arguments={}).json()["command"]
    ping = station.li.post("commands", name="ping", arguments={}).json()["command"]
    assert [one["id"] for one in station.li.get("commands").json()["commands"]] == [ping["id"], rover["id"]]
    assert [one["id"] for one in station.amr.get("commands").json()["commands"]] == [ping["id"]]
    assert [one["id"] for one in station.li.get("commands?state=waiting").json()["commands"]] == [rover["id"]]
    for path in (f"commands/{rover['id']}", "commands/99"):
        answer = station.ivan.get(path)
        assert answer.status_code == 404
        assert "unknown command" in answer.json()["what"]
    hidden = station.ivan.post(f"commands/{rover['id']}/approve", digest=rover["digest"])
    assert hidden.status_code == 404
    seen = {row["command"] for row in station.amr.get("audit").json()["entries"]}
    assert rover["id"] not in seen
    assert ping["id"] in seen
    assert rover["id"] in {row["command"] for row in station.root.get("audit").json()["entries"]}


def test_who_may_not_ask_is_told_why_and_it_is_on_record(station):
    for who, name in ((station.li, "reactor.off"), (station.wu, "ce7-rover.stow"), (station.amr, "ping")):
        answer = who.post("commands", name=name, arguments={})
        assert answer.status_code == 403, name
    station.bench.audit.flush()
    actions = [row["action"] for row in station.root.get("audit").json()["entries"]]
    assert actions.count("command.request refused") == 3
    station.bench.forbids = ("reactor would be lost on 2036-01-14 09:00 UTC: too cold",)
    refused = station.ivan.post("commands", name="reactor.off", arguments={}).json()["command"]
    assert (refused["state"], refused["reasons"]) == ("refused", list(station.bench.forbids))


def test_bad_requests_are_the_clients_fault(station):
    bodies = [
        {}, {"name": "off"}, {"name": "ping", "arguments": {"x": 1}}, {"name": "ce7-rover.load", "arguments": {}},
        {"name": "ce7-rover.load", "arguments": {"fraction": 10**400}},
        {"name": "ce7-rover.load", "arguments": {"fraction": "half"}},
        {"name": "ping", "arguments": {}, "at_ms": 1}, {"name": "ping", "arguments": {}, "at_ms": -1},
        {"name": "ping", "arguments": {}, "at_ms": 3_900_000_000_000}, {"name": "ping", "comment": "x" * 501},
        {"name": "ping", "comment": "a\x00b"}, {"name": "\ud800"}, {"name": "ping", "more": 1},
    ]  # fmt: skip
    for body in bodies:
        answer = station.li.client.post(
            "/api/commands",
            content=json.dumps(body),
            headers={**station.li.headers, "Content-Type": "application/json"},
        )
        assert answer.status_code in (201, 400, 404, 422), (body, answer.text)
        if answer.status_code == 201:
            assert answer.json()["command"]["state"] in ("refused", "approved")
        else:
            assert set(answer.json()) == {"what", "where", "do"}
    for path in ("commands/x", "commands?state=lost", "commands?limit=0", "audit?before=0"):
        assert station.li.get(path).status_code in (404, 422), path
    assert station.li.post("commands/1/explode").status_code == 422


def test_dictionary_tells_ranges_and_people(station):
    rows = {row["name"]: row for row in station.ivan.get("commands/dictionary").json()["commands"]}
    assert rows["reactor.off"]["needed"] == ["cnsa"]
    assert (rows["reactor.off"]["mine"], rows["ce7-rover.stow"]["mine"]) == (True, False)
    assert rows["queue-reset"]["significance"] == "hazardous"
    assert (
        rows["ce7-rover.load"]["arguments"][0] | {"name": "fraction", "low": 0.0, "high": 1.0}
        == (rows["ce7-rover.load"]["arguments"][0])
    )


def test_queue_and_schedule(station):
    assert station.amr.post("queue", state="held").status_code == 403
    assert station.li.post("queue", state="held", comment="eclipse").json()["queue"]["user"] == "li"
    ping = station.li.post("commands", name="ping", arguments={}, at_ms=START_US // 1000 + 60_000).json()[
        "command"
    ]
    held = station.li.post(f"commands/{ping['id']}/release")
    assert (held.status_code, held.json()["what"]) == (409, "the queue is held by li: eclipse")
    station.li.post("queue", state="enabled")
    assert station.li.post(f"commands/{ping['id']}/release").json()["command"]["state"] == "released"
    waiting = station.li.get("onboard").json()["commands"]
    assert [(one["id"], one["at_ms"]) for one in waiting] == [(ping["id"], START_US // 1000 + 60_000)]


def test_stack_runs_in_order_and_waits_for_approval(station):
    bench = station.bench
    entries = [
        {"name": "reactor.on"},
        {"name": "reactor.off", "delay_s": 60.0},
        {"name": "reactor.on", "delay_s": 5.0, "comment": "and on"},
    ]
    put = station.ivan.put("stack", entries=entries).json()["stack"]
    assert station.ivan.put("stack", entries=put["entries"]).json()["stack"] == put
    assert station.li.get("stack").json()["stack"]["entries"] == []
    one = station.ivan.post("stack/execute").json()["stack"]
    assert (one["position"], len(bench.uplinked)) == (1, 1)
    assert station.ivan.post("stack/execute", all=True).json()["stack"]["running"]
    assert station.ivan.post("stack/execute").status_code == 422
    bench.later(59.0)
    assert len(bench.commanding.commands()) == 1
    bench.later(2.0)
    off = bench.commanding.commands()[0]
    assert (off.name, off.state) == ("reactor.off", "waiting")
    bench.again()
    bench.later(60.0)
    assert len(bench.commanding.commands()) == 2
    bench.commanding.approve("wu", off.id, off.digest)
    bench.later(1.0)
    assert bench.commanding.command(off.id).state == "released"
    bench.later(6.0)
    stack = bench.commanding.stacks.of("ivan")
    assert (stack.position, stack.running, stack.note) == (3, False, "all was asked for")
    assert [one.name for one in reversed(bench.commanding.commands())] == [
        "reactor.on",
        "reactor.off",
        "reactor.on",
    ]
    assert len(bench.uplinked) == 3


def test_stack_stops_at_what_is_refused(station):
    assert station.li.put("stack", entries=[{"name": "nothing"}]).status_code == 404
    assert station.li.put("stack", entries=[{"name": "ping", "delay_s": -1}]).status_code == 422
    station.li.put("stack", entries=[{"name": "ping"}, {"name": "reactor.off"}, {"name": "ping"}])
    assert station.li.post("stack/execute", all=True).status_code == 403
    stacks = station.bench.commanding.stacks
    assert stacks.execute("li", all_entries=True).note.startswith("command 2, reactor.off: cnsa may not command")
    assert not stacks.of("li").running
    assert len(station.bench.uplinked) == 1
    assert station.li.post("stack/stop").json()["stack"]["note"] == "stopped"


def test_the_record_tells_nobody_of_machines_of_others(station):
    audit = station.bench.audit
    audit.record(
        "alarm-acknowledged", "ivan", "roscosmos", data={"alarm": 1, "key": "survey-rover.stored_fraction"}
    )
    audit.record("alarm-acknowledged", "ivan", "roscosmos", data={"alarm": 2, "key": "station.stored_fraction"})
    assert station.ivan.post("commands", name="ce7-rover.stow", arguments={}).status_code == 403

    def told(browser: Browser) -> str:
        return browser.get("audit").text

    for name in ("survey-rover.stored_fraction", "ce7-rover.stow"):
        assert name in told(station.ivan)
        assert name in told(station.root)
        assert name not in told(station.amr)
    assert "ce7-rover.stow" in told(station.wu)
    assert "station.stored_fraction" in told(station.amr)


def test_what_an_administrator_does_to_users_is_on_record(station):
    added = station.root.post("users", name="fatma", partner="egypt", roles=["operator"])
    assert added.status_code == 201
    assert station.root.post("users/olga/password").status_code == 200
    assert station.root.post("users/olga/disable").status_code == 204
    rows = [row for row in station.root.get("audit").json()["entries"] if row["action"].startswith("user-")]
    assert [(row["action"], row["data"]["user"]) for row in reversed(rows)] == [
        ("user-added", "fatma"), ("user-password", "olga"), ("user-disabled", "olga"),
    ]  # fmt: skip
    assert {row["user"] for row in rows} == {"root"}
    assert added.json()["password"] not in station.root.get("audit").text
    assert "fatma" in station.amr.get("audit").text
    assert "user-password" not in station.amr.get("audit").text
