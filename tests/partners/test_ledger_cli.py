"""The ledger on the command line: every verb, what it tells, and how it ends."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from typer.main import get_command

from moonpost.cli.main import app, main

IGA = "intergovernmental-agreement"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command; give its exit code, output and error line."""
    monkeypatch.setenv("MOONPOST_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["moonpost", "ledger", *map(str, words)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def command():
    """The whole command line, built once."""
    return get_command(app)


@pytest.fixture
def told(run, command):
    """Run a command that has to go well and read its JSON."""

    def call(*words):
        done = CliRunner().invoke(command, ["ledger", *map(str, words), "--json"])
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    return call


def test_from_the_beginning_to_a_change_in_force(run, told, tmp_path):
    begun = told("init", "ilrs", "station.db", "--rule", f"{IGA}=founders")
    assert begun["entries"] == 1
    done = told("replay", "station.db", "ilrs")
    assert (len(done["written"]), done["there"], done["waiting"]) == (16, 0, [])
    assert told("replay", "station.db", "ilrs")["there"] == 16
    rows = {row["agreement"]: row for row in told("state", "station.db", "--at", "2024-06-11")["agreements"]}
    assert rows[IGA]["missing"] == ["cnsa: ratified", "roscosmos: ratified"]
    assert rows["memorandum"]["in_force"]
    assert "2024-05-28" in run("state", "station.db", "--agreement", IGA)[1]
    asked = told("propose", "station.db", "c", "--key", "egypt", "--title", "t", "--touch", "elements[reactor]")
    assert (asked["status"], asked["waiting"]) == ("pending", ["cnsa", "roscosmos"])
    assert told("refuse", "station.db", "c", "--key", "cnsa")["waiting"] == ["cnsa", "roscosmos"]
    assert told("consent", "station.db", "c", "--key", tmp_path / "keys" / "cnsa")["waiting"] == ["roscosmos"]
    code, _, err = run("consent", "station.db", "c", "--key", "egypt")
    assert code == 2
    assert "egypt is not asked for its consent" in err
    assert told("consent", "station.db", "c", "--key", "roscosmos")["status"] == "in-force"
    assert run("withdraw", "station.db", "c", "--key", "egypt")[0] == 2
    undo = told("propose", "station.db", "u", "--key", "cnsa", "--title", "undo", "--repeals", "c")
    assert undo["waiting"] == ["cnsa", "roscosmos"]
    assert told("withdraw", "station.db", "u", "--key", "cnsa")["status"] == "withdrawn"
    assert told("verify", "station.db", "--trust", begun["trust"])["faults"] == []


def test_agreements_are_opened_stepped_retracted_and_ended(run, told):
    told("init", "ilrs", "station.db")
    told("agree", "station.db", "data", "--key", "cnsa", "--parties", "cnsa,egypt,venezuela", "--rule", "majority")
    for party in ("egypt", "venezuela"):
        told("step", "station.db", "data", "signed", "--key", party, "--date", "2025-05", "--source", "act")
    told("act", "station.db", "data", "--key", "cnsa", "--date", "2025-06", "--source", "act", "--text", "debated")
    shown = told("show", "station.db")["agreements"]["data"]
    assert shown == {"in_force": True, "rule": "majority", "missing": {"cnsa": ["signed"]}}
    back = (
        "retract",
        "station.db",
        "data",
        "signed",
        "--key",
        "egypt",
        "--date",
        "2026-01-01",
        "--source",
        "letter",
    )
    code, _, err = run(*back)
    assert (code, "propose to end it" in err) == (2, True)
    ended = told("propose", "station.db", "end", "--key", "cnsa", "--title", "End it", "--ends", "data")
    assert ended["waiting"] == ["cnsa", "egypt", "venezuela"]
    for party in ("cnsa", "egypt", "venezuela"):
        told("consent", "station.db", "end", "--key", party)
    assert not told("show", "station.db")["agreements"]["data"]["in_force"]
    told("agree", "station.db", "club", "--key", "cnsa", "--parties", "cnsa,egypt", "--notice-days", "30")
    for party in ("cnsa", "egypt"):
        told("step", "station.db", "club", "signed", "--key", party, "--date", "2025-05", "--source", "act")
    told("retract", "station.db", "club", "signed", "--key", "egypt", "--date", "2026-01-01", "--source", "letter")
    rows = told("state", "station.db", "--agreement", "club")["agreements"]
    assert rows[0]["in_force"], "until the notice ends"


def test_a_change_from_two_plans_and_the_plan_held_against_it(run, told, tmp_path):
    import importlib.resources

    text = (importlib.resources.files("moonpost.plan") / "bundled" / "ilrs.toml").read_text(encoding="utf-8")
    place = text.index('id = "reactor"')
    wanted = text[:place] + text[place:].replace("life_years = 10.0", "life_years = 12.0", 1)
    (tmp_path / "wanted.toml").write_text(wanted, encoding="utf-8")
    told("init", "ilrs", "station.db")
    assert told("plan", "station.db", "ilrs") == {"agreed": True, "departures": []}
    code, out, _ = run("plan", "station.db", "wanted.toml", "--json")
    assert (code, [row["place"] for row in json.loads(out)["departures"]]) == (1, ["elements[reactor]"])
    asked = told(
        "propose", "station.db", "longer", "--key", "cnsa", "--title", "t", "--from", "ilrs", "--to", "wanted.toml"
    )
    changes = told("show", "station.db")["changes"]["longer"]
    assert "life_years  10.0  12.0" in run("change", "station.db", "longer")[1]
    assert told("change", "station.db", "longer")["owners"] == {"elements[reactor]": ["roscosmos", "cnsa"]}
    assert changes["set"] == [{"place": "elements[reactor]", "field": "life_years", "from": "10.0", "to": "12.0"}]
    for party in asked["waiting"]:
        told("consent", "station.db", "longer", "--key", party)
    assert told("plan", "station.db", "wanted.toml")["agreed"]
    assert run("plan", "station.db", "ilrs")[0] == 1


def test_copies_are_compared_and_brought_up_to_date(run, told, tmp_path):
    told("init", "ilrs", "ours.db")
    assert run("export", "ours.db", "theirs.jsonl")[0] == 0
    assert run("import", "theirs.jsonl", "theirs.db")[0] == 0
    assert told("compare", "ours.db", "theirs.jsonl")["status"] == "same"
    told("add", "ours.db", "record", "--key", "cnsa", "--field", "topic=note")
    assert told("compare", "ours.db", "theirs.db")["status"] == "second-behind"
    assert "is behind ours.db by 1 entry" in run("compare", "ours.db", "theirs.db")[1]
    assert told("update", "theirs.db", "ours.db")["taken"] == 1
    for place in ("ours.db", "theirs.db"):
        told("add", place, "record", "--key", "cnsa", "--field", f"topic={place}")
    code, out, _ = run("compare", "ours.db", "theirs.db")
    assert code == 1
    assert "two histories from entry 2 on" in out
    assert "signed in both: cnsa" in out
    assert run("checkpoint", "ours.db", "--key", "cnsa", "--out", "seen.json")[0] == 0
    code, out, _ = run("verify", "theirs.db", "--checkpoint", "seen.json", "--json")
    assert (code, json.loads(out)["faults"][0]["kind"]) == (1, "fork")
    code, out, _ = run("verify", "theirs.jsonl", "--checkpoint", "seen.json", "--json")
    assert (code, [fault["kind"] for fault in json.loads(out)["faults"]]) == (1, ["truncated"])
    assert run("update", "theirs.db", "ours.db")[0] == 2


def test_a_lost_key_and_a_new_party(run, told, tmp_path):
    told("init", "ilrs", "station.db")
    old = next((tmp_path / "keys").glob("egypt-*.pem"))
    old.unlink()
    assert run("add", "station.db", "record", "--key", "egypt", "--field", "topic=t")[0] == 2
    told("replace-key", "station.db", "--key", "cnsa", "--party", "egypt", "--change", "egypt-key")
    parties = sorted(set(told("show", "station.db")["parties"]) - {"egypt"})
    quorum = len(parties) // 2 + 1
    for party in parties[:quorum]:
        assert told("show", "station.db")["changes"]["egypt-key"]["status"] == "pending"
        told("consent", "station.db", "egypt-key", "--key", party)
    assert told("show", "station.db")["changes"]["egypt-key"]["status"] == "in-force"
    told("add", "station.db", "record", "--key", "egypt", "--field", "topic=t")
    told("join", "station.db", "narnia", "--key", "egypt", "--change", "narnia-joins")
    for party in ("cnsa", "roscosmos"):
        told("consent", "station.db", "narnia-joins", "--key", party)
    assert told("show", "station.db")["parties"]["narnia"] == "member"
    told("add", "station.db", "record", "--key", "narnia", "--field", "topic=t")
    told("replace-key", "station.db", "--key", "narnia")
    told("add", "station.db", "record", "--key", "narnia", "--field", "topic=t")


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory, command):
    """A folder with a ledger and keys that nothing is written to."""
    folder = tmp_path_factory.mktemp("begun")
    words = ["ledger", "init", "ilrs", str(folder / "station.db"), "--keys", str(folder / "keys")]
    assert CliRunner().invoke(command, words).exit_code == 0
    return folder


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("consent", "station.db", "c", "--key", "narnia"), "unknown party 'narnia'"),
        (("consent", "station.db", "c", "--key", "keys/cnsa.pem"), "cannot read the key"),
        (("consent", "station.db", "c", "--key", "cnsa"), "unknown change c"),
        (("consent", "nothing.db", "c", "--key", "cnsa"), "no such file"),
        (("propose", "station.db", "c", "--key", "cnsa", "--title", "t"), "touches no place"),
        (("propose", "station.db", "c", "--key", "cnsa", "--title", "t", "--from", "ilrs"), "come together"),
        (
            ("propose", "station.db", "c", "--key", "cnsa", "--title", "t", "--from", "ilrs", "--to", "ilrs"),
            "differs",
        ),
        (("propose", "station.db", "c", "--key", "cnsa", "--title", "t", "--repeals", "x"), "touches no place"),
        (("agree", "station.db", "x", "--key", "cnsa", "--parties", "cnsa"), "a party is unknown"),
        (("agree", "station.db", "x", "--key", "egypt", "--parties", "cnsa,egypt"), "only a founder"),
        (("step", "station.db", IGA, "signed", "--key", "egypt", "--date", "2025", "--source", "x"), "no party"),
        (("step", "station.db", IGA, "signed", "--key", "cnsa", "--date", "soon", "--source", "x"), "not a date"),
        (("state", "station.db", "--at", "soon"), "not a date"),
        (("state", "station.db", "--agreement", "x"), "unknown agreement 'x'"),
        (("change", "station.db", "x"), "unknown change 'x'"),
        (("join", "station.db", "egypt", "--key", "cnsa", "--change", "x"), "a party already"),
        (("init", "ilrs", "other.db", "--rule", "x=majority"), "unknown agreement 'x'"),
        (("init", "ilrs", "other.db", "--rule", f"{IGA}=veto"), "unknown rule"),
        (("init", "ilrs", "other.db", "--rule", "majority"), "not NAME=VALUE"),
        (("init", "ilrs", "station.db"), "is there already"),
        (("compare", "station.db", "nothing.db"), "no such file"),
    ],
)
def test_what_is_wrong_ends_in_one_line(run, begun_once, monkeypatch, words, reason):
    monkeypatch.chdir(begun_once)
    monkeypatch.setenv("MOONPOST_KEYS", str(begun_once / "keys"))
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1


def test_keys_are_kept_out_of_repositories(run, tmp_path):
    (tmp_path / "code" / ".git").mkdir(parents=True)
    run("init", "ilrs", "station.db")
    for words in (("replace-key", "station.db", "--key", "cnsa"),
                  ("join", "station.db", "narnia", "--key", "cnsa", "--change", "x")):  # fmt: skip
        code, _, err = run(*words, "--keys", tmp_path / "code" / "keys")
        assert (code, "lies in a repository" in err) == (2, True)
