"""The client's files, errors in one shape, and a server without a client."""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from moonpost.control.clock import MissionClock
from moonpost.control.database import Database
from moonpost.control.policy import Policy
from moonpost.control.settings import Settings
from moonpost.control.users import Users
from moonpost.control.web.app import create_app
from moonpost.errors import InputError, OutputError, UnknownNameError
from moonpost.plan import load_plan


@pytest.fixture(scope="module")
def mission(tmp_path_factory):
    with Database.open(tmp_path_factory.mktemp("web") / "control.sqlite") as database:
        users = Users(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        plan, clock = load_plan("ilrs"), MissionClock(np.datetime64("2040-01-01"))
        yield SimpleNamespace(database=database, users=users, policy=Policy.default(plan), plan=plan, clock=clock)


def test_without_a_client_the_first_page_says_what_to_do(mission, tmp_path):
    answer = TestClient(create_app(mission, Settings(static=tmp_path))).get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Node 18.14" in answer.text
    assert "make client" in answer.text


def test_the_client_is_served_and_nothing_beside_it(mission, tmp_path):
    folder = tmp_path / "static"
    (folder / "app").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Moonpost</title>")
    (folder / "app" / "main.js").write_text("export const a = 1;")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "secret.txt").write_text("secret")
    client = TestClient(create_app(mission, Settings(static=folder)))
    assert "<title>Moonpost" in client.get("/").text
    script = client.get("/static/app/main.js")
    assert script.headers["content-type"].startswith(("text/javascript", "application/javascript"))
    assert script.headers["etag"]
    outside = ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "/etc/passwd", "%2fetc/passwd", "link.txt")
    for path in (*outside, "..\\secret.txt", "app", "app/", "none.js", "%00", "x" * 5000):
        answer = client.get(f"/static/{path}")
        assert answer.status_code == 404, path
        assert "secret" not in answer.text.replace("secret.txt", "")


def test_errors_have_one_shape(mission):
    app = create_app(mission, Settings())
    errors = {
        "/input": InputError("is wrong", where="here", advice="do this"),
        "/unknown": UnknownNameError("a", ["b"], kind="thing"),
        "/full": OutputError("the disk is full", where="disk", advice="free some"),
        "/bug": ZeroDivisionError("private detail"),
    }

    def thrower(error):
        def route():
            raise error

        return route

    for path, error in errors.items():
        app.add_api_route(path, thrower(error))
    client = TestClient(app, raise_server_exceptions=False)
    expected = {"/input": 422, "/unknown": 404, "/full": 503, "/bug": 500, "/none": 404}
    for path, status in expected.items():
        answer = client.get(path)
        assert answer.status_code == status, path
        assert set(answer.json()) == {"what", "where", "do"}
        assert "private detail" not in answer.text
    assert client.get("/input").json() == {"what": "is wrong", "where": "here", "do": "do this"}
    wrong = client.delete("/healthz")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "GET"
    assert set(wrong.json()) == {"what", "where", "do"}
    surrogate = client.post("/login", content=b'{"name": 1}', headers={"Content-Type": "application/json"})
    assert surrogate.json()["where"] == "body.name"


def test_health_tells_of_a_full_disk(mission):
    client = TestClient(create_app(mission))
    assert client.get("/healthz").json() == {"status": "ok", "version": version("moonpost"), "troubles": []}
    full = SimpleNamespace(**vars(mission), ground=SimpleNamespace(status=lambda: {"full_since": "2040-01-01Z"}))
    answer = TestClient(create_app(full)).get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["troubles"] == ["the disk is full: telemetry is not kept"]


def test_health_tells_which_job_of_the_mission_fails(mission):
    troubled = SimpleNamespace(**vars(mission), trouble="the note of the time failed: No space left on device")
    answer = TestClient(create_app(troubled)).get("/healthz").json()
    assert answer["status"] == "degraded"
    assert answer["troubles"] == ["the note of the time failed: No space left on device"]


def test_metrics_can_be_kept_to_this_machine(mission):
    kept = create_app(mission, Settings(metrics_public=False))
    assert TestClient(kept).get("/metrics").status_code == 200
    assert TestClient(kept, client=("192.0.2.7", 5000)).get("/metrics").status_code == 403
