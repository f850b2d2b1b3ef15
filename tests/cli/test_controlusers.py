"""``moonpost control user``: what it prints, and that a database and a policy with faults end in one line."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from moonpost.cli import controlusers
from moonpost.control.database import Database
from moonpost.control.users import Users
from moonpost.errors import InputError, UnknownNameError


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
