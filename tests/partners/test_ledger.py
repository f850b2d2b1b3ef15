"""The ledger: what it takes in, what it refuses, and that no damage to it goes unseen."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from moonpost.errors import DataError, InputError, ModelError, OutputError
from moonpost.partners.ledger import (
    Ledger,
    Trust,
    import_ledger,
    new_key,
    proof_message,
    read_checkpoint,
    save_key,
    sign_checkpoint,
    verify_ledger,
    verify_lines,
)
from moonpost.partners.ledger.entries import Entry, parse_line, sign_entry
from moonpost.plan import load_plan

PARTIES = ("cnsa", "roscosmos", "venezuela", "egypt")


@pytest.fixture(scope="module")
def plan():
    whole = load_plan("ilrs")
    elements = tuple(e for e in whole.elements if e.id in ("reactor", "ce8-lander", "yutu-2"))
    return whole.model_copy(
        update={
            "partners": tuple(p for p in whole.partners if p.id in PARTIES),
            "missions": tuple(m for m in whole.missions if m.id == "ce8"),
            "elements": elements,
            "agreements": tuple(a for a in whole.agreements if a.id == "intergovernmental-agreement"),
        }
    )


@pytest.fixture(scope="module")
def keys(plan):
    return {partner.id: new_key(partner.id) for partner in plan.partners}


@pytest.fixture
def ledger(tmp_path, plan, keys):
    with Ledger.begin(str(tmp_path / "station.db"), plan, keys) as made:
        yield made


def _filled(ledger, keys):
    """A ledger with an agreement's step and a change in force."""
    step = {
        "agreement": "intergovernmental-agreement",
        "state": "signed",
        "date": "2022-11-25",
        "source": "an act",
    }
    ledger.append(keys["cnsa"], "step", step)
    touched = {"change": "c", "title": "Move it", "touches": ["elements[ce8-lander]"]}
    ledger.append(keys["roscosmos"], "propose", touched)
    for party in ("cnsa", "roscosmos"):
        ledger.append(keys[party], "consent", {"change": "c"})
    return ledger


def test_a_change_takes_effect_with_the_last_consent(ledger, keys):
    _filled(ledger, keys)
    change = ledger.state().changes["c"]
    assert change.needed == {"cnsa", "roscosmos"}
    assert (change.status, change.since) == ("in-force", 4)
    assert ledger.verify().sound


@pytest.mark.parametrize(
    ("party", "kind", "body", "reason"),
    [
        ("egypt", "consent", {"change": "c"}, "not asked"),
        ("cnsa", "consent", {"change": "d"}, "unknown change"),
        ("cnsa", "withdraw", {"change": "c"}, "only roscosmos"),
        ("egypt", "step", {"agreement": "intergovernmental-agreement", "state": "signed", "date": "2030",
                           "source": "x"}, "no party"),
        ("egypt", "agreement", {"id": "x", "parties": ["egypt", "cnsa"], "requires": ["signed"],
                                "rule": "majority"}, "only a founder"),
        ("cnsa", "propose", {"change": "e", "title": "t", "touches": []}, "touches no place"),
        ("cnsa", "genesis", {}, "one genesis"),
        ("cnsa", "wish", {}, "unknown kind"),
        ("cnsa", "record", {"data": 1}, "topic"),
    ],
)  # fmt: skip
def test_what_the_rules_refuse_is_not_written(ledger, keys, party, kind, body, reason):
    ledger.append(keys["roscosmos"], "propose", {"change": "c", "title": "t", "touches": ["elements[ce8-lander]"]})
    before = list(ledger.lines())
    with pytest.raises(ModelError, match=reason):
        ledger.append(keys[party], kind, body)
    assert list(ledger.lines()) == before


def test_what_is_in_force_is_not_withdrawn(ledger, keys):
    _filled(ledger, keys)
    with pytest.raises(ModelError, match="in-force already"):
        ledger.append(keys["roscosmos"], "withdraw", {"change": "c"})


def test_nobody_signs_for_another(ledger, keys):
    stolen = new_key("cnsa")
    with pytest.raises(ModelError, match="may not sign"):
        ledger.append(stolen, "record", {"topic": "t"})


def test_a_fraction_is_refused(ledger, keys):
    with pytest.raises(InputError, match="fraction"):
        ledger.append(keys["cnsa"], "record", {"topic": "t", "data": {"mass_g": 1.5}})


def test_an_agreement_is_in_force_only_with_every_step(ledger, keys):
    name = "intergovernmental-agreement"
    for party, steps in (("roscosmos", ("signed", "ratified")), ("cnsa", ("signed",))):
        for step in steps:
            ledger.append(keys[party], "step", {"agreement": name, "state": step, "date": "2024", "source": "act"})
    found = ledger.state().agreements[name]
    assert found.missing("cnsa") == ("ratified",)
    assert not found.in_force(frozenset({"cnsa", "roscosmos"}))


def test_a_lost_key_is_replaced_by_a_quorum(ledger, keys):
    fresh = new_key("egypt")
    body = {"change": "k", "party": "egypt", "public": fresh.public,
            "proof": fresh.sign(proof_message(ledger.state().ledger, "egypt", fresh.public))}  # fmt: skip
    ledger.append(keys["cnsa"], "propose-key", body)
    ledger.append(keys["cnsa"], "consent", {"change": "k"})
    with pytest.raises(ModelError, match="may not sign"):
        ledger.append(fresh, "record", {"topic": "early"})
    ledger.append(keys["venezuela"], "consent", {"change": "k"})
    ledger.append(fresh, "record", {"topic": "with the new key"})
    with pytest.raises(ModelError, match="may not sign"):
        ledger.append(keys["egypt"], "record", {"topic": "with the old key"})
    assert ledger.verify().sound


def test_a_key_without_proof_is_refused(ledger, keys):
    fresh = new_key("egypt")
    body = {"change": "k", "party": "egypt", "public": fresh.public, "proof": "00" * 64}
    with pytest.raises(ModelError, match="proof"):
        ledger.append(keys["cnsa"], "propose-key", body)


# ------------------------------------------------------------------------------------------------- damage


def _kinds(lines, **options):
    return {fault.kind for fault in verify_lines(lines, **options).faults}


def test_order_replay_forgery_and_forks_are_named(ledger, keys):
    _filled(ledger, keys)
    lines = list(ledger.lines())
    state = ledger.state()
    assert _kinds([lines[0], lines[2], lines[1], *lines[3:]]) & {"reordered", "chain", "sequence"}
    assert "replay" in _kinds([*lines, lines[2]])
    last = parse_line(lines[-1])
    forged = sign_entry(new_key("cnsa"), state.ledger, 5, last.hash, "record", {"topic": "forged"})
    assert "key" in _kinds([*lines, forged.line])
    own = Entry(**{**vars(forged), "key": parse_line(lines[1]).key})
    own = Entry(**{**vars(own), "hash": own.digest})
    assert "signature" in _kinds([*lines, own.line])
    other = sign_entry(keys["egypt"], state.ledger, 4, parse_line(lines[3]).hash, "record", {"topic": "another"})
    assert "fork" in _kinds([*lines, other.line])


def test_rules_are_checked_against_signed_entries(ledger, keys):
    lines = list(ledger.lines())
    first = parse_line(lines[0])
    bad = sign_entry(keys["egypt"], first.ledger, 1, first.hash, "consent", {"change": "c"})
    assert _kinds([*lines, bad.line]) == {"rule"}


def test_truncation_and_rollback_are_seen_against_a_checkpoint(ledger, keys, tmp_path):
    _filled(ledger, keys)
    found = ledger.verify()
    point = sign_checkpoint(keys["roscosmos"], found.state.ledger, found.entries - 1, found.head)
    point.save(tmp_path / "seen.json")
    point = read_checkpoint(tmp_path / "seen.json")
    lines = list(ledger.lines())
    assert verify_lines(lines, checkpoints=[point]).sound
    assert _kinds(lines[:-1], checkpoints=[point]) == {"truncated"}
    before = parse_line(lines[-2])
    other = sign_entry(keys["egypt"], before.ledger, before.entry + 1, before.hash, "record", {"topic": "instead"})
    assert _kinds([*lines[:-1], other.line], checkpoints=[point]) == {"fork"}
    false = sign_checkpoint(new_key("roscosmos"), found.state.ledger, 1, parse_line(lines[1]).hash)
    assert _kinds(lines, checkpoints=[false]) == {"checkpoint"}


def test_another_beginning_is_seen_against_what_was_pinned(ledger, plan, keys, tmp_path):
    trust = Trust.of(next(ledger.entries()))
    with Ledger.begin(str(tmp_path / "other.db"), plan, keys) as other:
        assert not other.verify(trust=trust).sound
        assert other.verify().sound
    assert ledger.verify(trust=trust).sound


# ------------------------------------------------------------------------------------------------- places


def test_export_and_import_keep_every_byte(ledger, keys, tmp_path):
    _filled(ledger, keys)
    ledger.export(tmp_path / "a.jsonl")
    copy = str(tmp_path / "copy.db")
    assert import_ledger(tmp_path / "a.jsonl", copy) == 5
    with Ledger.open(copy) as other:
        other.export(tmp_path / "b.jsonl")
        other.append(keys["egypt"], "record", {"topic": "goes on"})
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    with pytest.raises(OutputError, match="is there already"):
        import_ledger(tmp_path / "a.jsonl", copy)
    (tmp_path / "bad.jsonl").write_bytes((tmp_path / "a.jsonl").read_bytes().replace(b"an act", b"an art"))
    with pytest.raises(DataError, match="entry 1"):
        import_ledger(tmp_path / "bad.jsonl", str(tmp_path / "c.db"))
    assert not (tmp_path / "c.db").exists()


def test_two_writers_do_not_lose_each_others_entries(ledger, keys):
    with Ledger.open(ledger.place) as other:
        for turn in range(6):
            (ledger, other)[turn % 2].append(keys["cnsa"], "record", {"topic": str(turn)})
    assert [row[2] for row in ledger.state().records] == list("012345")


_WRITER = """
import sys
from moonpost.partners.ledger import Ledger, load_key
key = load_key(sys.argv[2])
with Ledger.open(sys.argv[1]) as ledger:
    while True:
        print(ledger.append(key, "record", {"topic": "t"}).entry, flush=True)
"""


def _killed(ledger, keys, tmp_path, after):
    """Kill a writer without warning; return the last entry that it was told is safe."""
    key = save_key(keys["cnsa"], tmp_path / f"keys{after}")
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, ledger.place, str(key)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [int(next(writer.stdout)) for _ in range(after)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout if line.strip()]
    return told[-1]


@pytest.mark.parametrize("after", [1, 17])
def test_a_killed_writer_loses_nothing_that_it_acknowledged(ledger, keys, tmp_path, after):
    last = _killed(ledger, keys, tmp_path, after)
    found = ledger.verify()
    assert found.sound
    assert found.entries >= last + 1
    ledger.append(keys["cnsa"], "record", {"topic": "goes on"})


@pytest.mark.soak
def test_two_hundred_killed_writers(ledger, keys, tmp_path):
    for after in range(1, 201):
        last = _killed(ledger, keys, tmp_path, after % 7 + 1 if after > 7 else after)
        (tmp_path / f"keys{after}").exists()
        found = ledger.verify()
        assert found.sound
        assert found.entries >= last + 1
        for folder in tmp_path.glob("keys*"):
            for path in folder.iterdir():
                path.unlink()


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    path = tmp_path / "a.db"
    sqlite3.connect(path).execute("CREATE TABLE t (a)").connection.close()
    with pytest.raises(DataError, match="no sound ledger"):
        Ledger.open(str(path))
    assert [fault.kind for fault in verify_ledger(str(path)).faults] == ["storage"]
    (tmp_path / "b.jsonl").write_bytes(b"")
    assert [fault.kind for fault in verify_ledger(str(tmp_path / "b.jsonl")).faults] == ["empty"]


# ------------------------------------------------------------------------------------------------- commands


def test_the_command_line(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from moonpost.cli.main import app

    monkeypatch.setenv("MOONPOST_KEYS", str(tmp_path / "keys"))
    place, run = str(tmp_path / "station.db"), CliRunner()
    begun = json.loads(run.invoke(app, ["ledger", "init", "ilrs", place, "--json"]).stdout)
    assert all(Path(path).stat().st_mode & 0o077 == 0 for path in begun["keys"].values())
    key = begun["keys"]["cnsa"]
    done = run.invoke(app, ["ledger", "add", place, "record", "--key", key, "--field", "topic=t"])
    assert done.exit_code == 0
    export = tmp_path / "export.jsonl"
    assert run.invoke(app, ["ledger", "export", place, str(export)]).exit_code == 0
    assert run.invoke(app, ["ledger", "export", place]).stdout_bytes == export.read_bytes()
    for what in (place, str(export)):
        found = run.invoke(app, ["ledger", "verify", what, "--trust", begun["trust"], "--json"])
        assert found.exit_code == 0
        assert json.loads(found.stdout)["entries"] == 2
    export.write_bytes(export.read_bytes().replace(b'"topic":"t"', b'"topic":"u"'))
    found = run.invoke(app, ["ledger", "verify", str(export), "--json"])
    assert found.exit_code == 1
    assert json.loads(found.stdout)["faults"][0]["entry"] == 1
    assert {"entry", "kind", "text"} <= set(json.loads(found.stdout)["faults"][0])
    assert json.loads(run.invoke(app, ["ledger", "show", place, "--json"]).stdout)["plan"]["id"] == "ilrs"
