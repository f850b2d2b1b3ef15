from __future__ import annotations

from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from moonpost.control.database import Database
from moonpost.control.policy import Policy
from moonpost.control.users import Users
from moonpost.control.web.app import create_app
from moonpost.plan import load_plan


@pytest.fixture
def mission(tmp_path):
    with Database.open(tmp_path / "control.sqlite") as database:
        users = Users(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        plan = load_plan("ilrs")
        yield SimpleNamespace(database=database, users=users, policy=Policy.default(plan), plan=plan)


def test_login_gives_a_cookie_and_logout_ends_it(mission):
    first = mission.users.add("wang", "cnsa", ["operator"])
    with TestClient(create_app(mission)) as client:
        assert client.get("/api/me").status_code == 401
        assert client.get("/api/there-is-no-such-thing").status_code == 401
        answer = client.post("/login", json={"name": "wang", "password": first})
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        me = client.get("/api/me").json()
        assert (me["name"], me["partner"], me["roles"]) == ("wang", "cnsa", ["operator"])
        assert client.post("/api/logout").status_code == 403
        token = client.cookies["moonpost_session"]
        assert client.post("/api/logout", headers={"X-CSRF-Token": me["csrf"]}).status_code == 204
        client.cookies.set("moonpost_session", token)
        assert client.get("/api/me").status_code == 401
