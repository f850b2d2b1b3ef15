"""Login, sessions, forgery, floods, headers: what stands in front of all routes."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from fastapi import WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from moonpost.control.clock import MissionClock
from moonpost.control.database import Database
from moonpost.control.policy import Policy
from moonpost.control.settings import Settings
from moonpost.control.users import User, Users
from moonpost.control.web.app import create_app
from moonpost.control.web.limits import Buckets, Tries
from moonpost.control.web.sessions import Sessions
from moonpost.errors import DataError, InputError, UnknownNameError
from moonpost.plan import load_plan

np = pytest.importorskip("numpy")
PASSWORD = "six-mellow-craters"


@pytest.fixture(scope="module")
def plan():
    return load_plan("ilrs")


@pytest.fixture
def mission(tmp_path, plan):
    with Database.open(tmp_path / "control.sqlite") as database:
        users = Users(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        users.add("wang", "cnsa", ["operator"], PASSWORD)
        users.add("zhang", "cnsa", ["admin"], PASSWORD)
        clock = MissionClock(np.datetime64("2040-01-01"))
        audit = SimpleNamespace(record=lambda *_, **__: None)
        yield SimpleNamespace(
            database=database, users=users, policy=Policy.default(plan), plan=plan, clock=clock, audit=audit
        )


def client_of(mission, settings=None, **options) -> TestClient:
    """A client without the life of the server: nothing of the mission runs."""
    return TestClient(create_app(mission, settings), **options)


def login(client: TestClient, name: str = "wang", password: str = PASSWORD) -> dict[str, str]:
    answer = client.post("/login", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    return {"X-CSRF-Token": answer.json()["csrf"]}


def test_everything_under_api_needs_a_login_before_it_is_even_looked_for(mission):
    client = client_of(mission)
    for path in ("/api", "/api/", "/api/me", "/api/there-is-none", "/api/../api/x", "/api/users/a/b/c?x=1"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"):
            answer = client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["cache-control"] == "no-store"
    assert client.get("/api/me").json()["do"] == "POST name and password to /login"


def test_a_token_that_is_wrong_cut_or_strange_is_nobody(mission):
    client = client_of(mission)
    login(client)
    token = client.cookies["moonpost_session"]
    for wrong in (token[:-1], token + "a", token.swapcase(), "x" * 5000, "%00", "\u00ff", ""):
        assert client_of(mission).get("/api/me", headers={"Cookie": f"moonpost_session={wrong}".encode("latin-1")}
                                      ).status_code == 401  # fmt: skip


def test_only_the_hash_of_a_token_is_kept(mission, tmp_path):
    client = client_of(mission)
    login(client)
    token = client.cookies["moonpost_session"]
    mission.database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert token.encode() not in kept
    assert PASSWORD.encode() not in kept
    assert len(token) >= 43  # 256 bits


def test_the_cookie_is_kept_from_scripts_and_other_sites(mission, tmp_path):
    answer = client_of(mission).post("/login", json={"name": "wang", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    settings = Settings(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem")
    client = client_of(mission, settings, base_url="https://testserver")
    answer = client.post("/login", json={"name": "wang", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-moonpost_session=")
    assert "Secure" in cookie
    assert "Path=/;" in cookie
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert client.get("/api/me").status_code == 200


def test_an_answer_does_not_tell_whether_the_account_exists(mission):
    client = client_of(mission)
    mission.users.add("gone", "cnsa", ["operator"], PASSWORD)
    mission.users.disable("gone")
    mission.users.add("guest", "roscosmos", ["scientist"], sso=True)
    answers = [
        client.post("/login", json={"name": name, "password": word})
        for name, word in (("wang", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD), ("guest", ""))
    ]
    raw = b'{"name": "\\ud800", "password": "\\udfff"}'
    assert client.post("/login", content=raw, headers={"Content-Type": "application/json"}).status_code == 422
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


def test_an_unknown_name_takes_as_long_as_a_known_one(tmp_path):
    with Database.open(tmp_path / "control.sqlite") as database:
        users = Users(database, PasswordHasher(time_cost=2, memory_cost=16384, parallelism=1))
        users.add("wang", "cnsa", ["operator"], PASSWORD)
        users.check("nobody", "wrong")  # makes the hash that is checked for names that are not there
        took = {}
        for name in ("wang", "nobody", "NOT A NAME"):
            took[name] = min(_seconds(users, name) for _ in range(3))
        assert took["nobody"] > 0.3 * took["wang"]
        assert took["NOT A NAME"] > 0.3 * took["wang"]


def _seconds(users, name):
    began = time.perf_counter()
    assert users.check(name, "wrong") is None
    return time.perf_counter() - began


def test_wrong_passwords_have_to_wait_and_the_right_one_is_not_tried_meanwhile(mission):
    client = client_of(mission, Settings(login_tries=3))
    statuses = [client.post("/login", json={"name": "wang", "password": "wrong"}).status_code for _ in range(6)]
    assert statuses == [401] * 4 + [429] * 2
    answer = client.post("/login", json={"name": "wang", "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 3
    assert client.post("/login", json={"name": "zhang", "password": PASSWORD}).status_code == 200


def test_many_names_from_one_address_have_to_wait_too(mission):
    client = client_of(mission, Settings(login_tries=2))
    statuses = [client.post("/login", json={"name": f"n{row}", "password": "x"}).status_code for row in range(12)]
    assert statuses == [401] * 9 + [429] * 3


def test_waits_grow_and_end():
    now = [0.0]
    tries = Tries(2, wait_s=1.0, longest_s=8.0, clock=lambda: now[0])
    waits = []
    for _ in range(8):
        tries.wrong("a")
        waits.append(tries.wait("a"))
        now[0] += tries.wait("a")
    assert waits == [0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert tries.wait("a") == 0.0


def test_limits_remember_a_bounded_number_of_keys():
    buckets, tries = Buckets(1.0, 1.0, most=10), Tries(0, most=10)
    for row in range(100):
        buckets.take(str(row))
        tries.wrong(str(row))
    assert len(buckets._held) == len(tries._wrong) == 10


def test_a_change_needs_the_token_of_this_session(mission):
    first, second = client_of(mission), client_of(mission)
    mine, other = login(first), login(second)
    for headers in ({}, other, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x" * 9999}):
        assert first.post("/api/logout", headers=headers).status_code == 403
    assert first.get("/api/me").status_code == 200
    assert first.post("/api/logout", headers=mine).status_code == 204
    assert first.get("/api/me").status_code == 401
    assert second.get("/api/me").status_code == 200


def test_pages_of_other_hosts_can_neither_log_in_nor_change(mission):
    client = client_of(mission)
    body = {"name": "wang", "password": PASSWORD}
    for origin in (
        "https://evil.example",
        "null",
        "http://testserver.evil.example",
        "http://testserver:81",
        "http://[",
    ):
        assert client.post("/login", json=body, headers={"Origin": origin}).status_code == 403, origin
    assert client.post("/login", json=body, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/login", json=body, headers={"Origin": "http://testserver"}).status_code == 200


def test_websockets_are_refused_at_the_handshake(mission):
    app = create_app(mission)

    @app.websocket("/api/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    client = TestClient(app)

    def refused(**headers) -> int:
        with (
            pytest.raises((WebSocketDisconnect, Exception)) as stop,
            client.websocket_connect("/api/echo", headers=headers),
        ):
            pass
        return stop.value.status_code

    assert refused() == 401
    login(client)
    assert refused(origin="https://evil.example") == 403
    with client.websocket_connect("/api/echo", headers={"origin": "http://testserver"}) as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_sessions_end_by_idleness_age_disabling_and_new_passwords(mission):
    now = [1000.0]
    sessions = Sessions(mission.database, mission.users, idle_s=100.0, age_s=1000.0, wall=lambda: now[0])
    token = sessions.begin("wang")
    for _ in range(15):
        now[0] += 60.0
        assert sessions.check(token) is not None
    now[0] += 100.1
    assert sessions.check(token) is None  # idle, and too old as well
    token = sessions.begin("wang")
    now[0] += 99.0
    assert sessions.check(token) is not None
    now[0] += 100.0
    assert sessions.check(token) is None
    for end in (
        lambda _: mission.users.disable("wang"),
        lambda _: mission.users.disable("wang", False),
        lambda _: mission.users.set_password("wang", PASSWORD),
        sessions.end,
    ):
        token = sessions.begin("wang")
        end(token)
        assert sessions.check(token) is None


def test_a_user_holds_a_bounded_number_of_sessions(mission):
    sessions = Sessions(mission.database, mission.users)
    tokens = [sessions.begin("wang") for _ in range(25)]
    assert [sessions.check(token) is not None for token in tokens] == [False] * 5 + [True] * 20


def test_large_bodies_are_refused_told_or_not(mission):
    client = client_of(mission, Settings(body_bytes=1000))
    assert client.post("/login", content=b"x" * 1001).status_code == 413
    assert client.post("/login", content=(b"x" * 100 for _ in range(20))).status_code == 413
    assert client.post("/login", content=b"x" * 900).status_code == 422


def test_floods_from_one_address_are_told_to_wait(mission):
    client = client_of(mission, Settings(rate_s=1.0))
    statuses = [client.get("/healthz").status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2
    assert client.get("/healthz").headers["retry-after"] == "1"


def test_every_answer_has_headers_that_keep_pages_to_themselves(mission):
    client = client_of(mission)
    for path in ("/", "/public", "/healthz", "/api/me", "/none", "/openapi.json"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "script-src 'self';" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers
        assert "server" not in headers


def test_one_changes_ones_own_password(mission):
    client = client_of(mission)
    mine = login(client)
    wrong = {"old": "wrong", "new": "another-mellow-crater"}
    assert client.post("/api/password", json=wrong, headers=mine).status_code == 403
    short = {"old": PASSWORD, "new": "short"}
    assert client.post("/api/password", json=short, headers=mine).status_code == 422
    right = {"old": PASSWORD, "new": "another-mellow-crater"}
    assert client.post("/api/password", json=right, headers=mine).status_code == 204
    assert client.get("/api/me").status_code == 401
    login(client, password="another-mellow-crater")


def test_only_administrators_manage_users(mission):
    client = client_of(mission)
    mine = login(client)
    assert client.get("/api/users").status_code == 403
    assert client.post("/api/users/zhang/disable", headers=mine).status_code == 403
    mine = login(client, "zhang")
    body = {"name": "li", "partner": "roscosmos", "roles": ["approver"]}
    first = client.post("/api/users", json=body, headers=mine)
    assert first.status_code == 201
    assert client.post("/api/users", json=body, headers=mine).status_code == 422
    assert client.post("/api/users", json={**body, "partner": "nasa"}, headers=mine).status_code == 422
    assert client.post("/api/users", json={**body, "roles": ["king"]}, headers=mine).status_code == 404
    assert [row["name"] for row in client.get("/api/users").json()] == ["li", "wang", "zhang"]
    other = client_of(mission)
    login(other, "li", first.json()["password"])
    assert client.post("/api/users/li/disable", headers=mine).status_code == 204
    assert other.get("/api/me").status_code == 401
    assert client.post("/api/users/zhang/disable", headers=mine).status_code == 409
    assert client.post("/api/users/none/disable", headers=mine).status_code == 404


def test_names_passwords_and_roles_that_cannot_be_used_are_refused(mission):
    for name in ("", "Wang", "a b", "-a", "a" * 65, "wáng", "a\n"):
        with pytest.raises(InputError, match="is no name"):
            mission.users.add(name, "cnsa", ["operator"])
    with pytest.raises(InputError, match="is taken"):
        mission.users.add("wang", "cnsa", ["operator"])
    with pytest.raises(InputError, match="no role"):
        mission.users.add("zhao", "cnsa", [])
    with pytest.raises(UnknownNameError, match="unknown role"):
        mission.users.add("zhao", "cnsa", ["zhang"])
    for password in ("short", "x" * 1025):
        with pytest.raises(InputError, match="characters"):
            mission.users.add("zhao", "cnsa", ["operator"], password)
    with pytest.raises(UnknownNameError, match="unknown user"):
        mission.users.disable("zhao")
    assert mission.users.find("wang") == User("wang", "cnsa", frozenset({"operator"}))


def test_a_password_is_hashed_with_argon2id(mission):
    from sqlalchemy import text

    with mission.database.read() as connection:
        kept = connection.execute(text("select password from users where name = 'wang'")).scalar()
    assert kept.startswith("$argon2id$")


def test_certificates_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(InputError, match="one of certificate and key"):
        Settings(tls_cert=tmp_path / "cert.pem")
    with pytest.raises(DataError, match="is not there"):
        Settings(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem")
