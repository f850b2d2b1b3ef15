"""``moonpost control user``: what it prints, and that a database and a policy with faults end in one line."""

from __future__ import annotations

import json
import os
import pwd

import pytest
import typer
from typer.testing import CliRunner

from moonpost.cli import controlusers
from moonpost.control.commands import Audit
from moonpost.control.database import Database
from moonpost.control.users import Users
from moonpost.errors import InputError, OutputError, UnknownNameError
from moonpost.partners.ledger import verify_ledger
from moonpost.plan import load_plan


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    controlusers.register(app)

    def call(*words, data=True):
        more = ("--data", str(tmp_path / "control")) if data else ()
        return CliRunner().invoke(app, ["user", *words, *more])

    return call


def test_a_first_password_is_printed_once_and_works(run, tmp_path):
    told = run("add", "wang", "--partner", "cnsa", "--role", "operator", "--role", "approver")
    assert told.exit_code == 0, told.output
    assert told.output.startswith("wang of cnsa (approver, operator); first password, shown this once: ")
    first = told.output.split()[-1]
    with Database.open(tmp_path / "control" / "control.sqlite") as database:
        user = Users(database).check("wang", first)
    assert (user.partner, sorted(user.roles)) == ("cnsa", ["approver", "operator"])
    assert first not in run("list").output


def test_users_are_listed_shut_out_let_in_and_given_passwords(run):
    first = json.loads(run("add", "wang", "--partner", "cnsa", "--role", "operator", "--json").output)["password"]
    run("add", "li", "--partner", "roscosmos", "--role", "admin", "--sso")
    assert run("disable", "wang").exit_code == 0
    rows = json.loads(run("list", "--json").output)
    assert [(row["name"], row["disabled"], row["password"]) for row in rows] == [("li", False, False),
                                                                                 ("wang", True, True)]  # fmt: skip
    assert run("enable", "wang").exit_code == 0
    second = json.loads(run("password", "wang", "--json").output)["password"]
    assert second != first
    assert [row["disabled"] for row in json.loads(run("list", "--json").output)] == [False, False]


@pytest.mark.parametrize("words", [["list"], ["disable", "wang"], ["enable", "wang"], ["password", "wang"]])
def test_only_add_begins_a_folder(run, tmp_path, words):
    told = run(*words)
    assert isinstance(told.exception, InputError), told.output
    assert "no mission control is kept there" in str(told.exception)
    assert not (tmp_path / "control").exists()


def test_what_cannot_be_is_refused(run):
    run("add", "wang", "--partner", "cnsa", "--role", "operator")
    again = run("add", "wang", "--partner", "cnsa", "--role", "operator")
    assert isinstance(again.exception, InputError)
    assert isinstance(run("add", "li", "--partner", "cnsa", "--role", "king").exception, UnknownNameError)
    assert isinstance(run("disable", "none").exception, UnknownNameError)


def test_what_the_console_changes_is_on_the_record_beside_a_running_server(run, tmp_path):
    run("add", "wang", "--partner", "cnsa", "--role", "operator", "--role", "admin")
    place, ledger = tmp_path / "control" / "control.sqlite", str(tmp_path / "ledger.sqlite")
    with Database.open(place) as database:
        with Audit.open(database, ledger, load_plan("ilrs"), keys=tmp_path / "keys") as audit:
            audit.record("speed-set", "li", "roscosmos", data={"speed": 2.0})
            for words in (("password", "wang"), ("disable", "wang"), ("enable", "wang")):
                assert run(*words).exit_code == 0
            assert isinstance(run("add", "wang", "--partner", "esa", "--role", "operator").exception, InputError)
            audit.nudge()
            audit.flush()
            told = audit.entries()
        assert audit.waiting == 0
    who = f"console:{pwd.getpwuid(os.getuid()).pw_name}"
    assert [(one.action, one.user) for one in told] == [
        ("user-added", who), ("speed-set", "li"), ("user-password", who), ("user-disabled", who),
        ("user-enabled", who),
    ]  # fmt: skip
    assert told[0].data == {"user": "wang", "partner": "cnsa", "roles": ["admin", "operator"]}
    assert [one.entry for one in told] == [1, 2, 3, 4, 5]
    assert not verify_ledger(ledger).faults


def test_a_change_that_cannot_be_noted_is_not_made(run, tmp_path, monkeypatch):
    run("add", "wang", "--partner", "cnsa", "--role", "operator")

    def fails(*_: object, **__: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(Audit, "add", staticmethod(fails))
    assert isinstance(run("disable", "wang").exception, OutputError)
    assert isinstance(run("add", "li", "--partner", "cnsa", "--role", "operator").exception, OutputError)
    assert [(row["name"], row["disabled"]) for row in json.loads(run("list", "--json").output)] == [
        ("wang", False)
    ]
