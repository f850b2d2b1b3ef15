"""Records of calls and samples: a file that shows every change, or the ledger."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from moonpost.errors import DataError, InputError, ModelError
from moonpost.partners.callterms import CallTerms
from moonpost.partners.ledger import Ledger, new_key
from moonpost.partners.records import read_record, write_steps
from moonpost.plan import load_plan

TERMS = CallTerms("c", "2023-10-02", owner="cnsa")
OPEN = {"do": "open", "call": "c", "terms": TERMS.to_record()}


def receive(name="ce5", mass_mg=1_731_000):
    return {"do": "receive", "sample": name, "mass_mg": mass_mg, "store": "main", "use": "research"}


def letter(mass_kg):
    who = {"name": "a", "institute": "b", "country": "c"}
    proposal = {"id": "a", "title": "t", "lead": who, "mass_kg": mass_kg}
    return {"do": "letter", "call": "c", "received": "2023-11-01", "proposal": proposal}


def begun(path):
    write_steps(path, "sample", [receive(), {"do": "move", "sample": "ce5", "store": "other"}])
    write_steps(path, "call", [OPEN])
    return path


def test_both_topics_live_in_one_file(tmp_path):
    record = read_record(begun(tmp_path / "r.jsonl"))
    assert [step.number for step in record.steps] == [0, 1, 2]
    assert record.custody.pieces["ce5"].store == "other"
    assert record.calls.states["c"].terms == TERMS
    assert record.faults == ()


def test_what_is_refused_is_not_written(tmp_path):
    path = begun(tmp_path / "r.jsonl")
    before = path.read_bytes()
    with pytest.raises(ModelError, match="move 2 of 2: there is no piece x"):
        write_steps(path, "sample", [receive("y"), {"do": "move", "sample": "x", "store": "a"}])
    with pytest.raises(InputError, match="fraction"):
        write_steps(path, "call", [letter(0.5)])
    with pytest.raises(InputError):
        write_steps(path, "sample", [])
    with pytest.raises(InputError):
        write_steps(path, "gossip", [receive("z")])
    assert path.read_bytes() == before


def test_every_changed_byte_of_a_file_is_seen(tmp_path):
    path = begun(tmp_path / "r.jsonl")
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(DataError):
            read_record(path)
    path.write_bytes(good)
    assert len(read_record(path).steps) == 3


def test_cut_swapped_repeated_and_empty_files(tmp_path):
    path = begun(tmp_path / "r.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    for text, why in [
        (b"".join(lines)[:-5], "half written|cannot be read"),
        (b"".join(lines)[:-1], "half written"),
        (lines[0] + lines[2] + lines[1], "does not follow"),
        (lines[1] + lines[2], "does not follow"),
        (lines[0] + lines[0], "does not follow"),
        (b"".join(lines).replace(b"\n", b"\r\n"), "line 1"),
        (b"", "empty"),
        (b"\n", "cannot be read"),
        (b"[]\n", "no line"),
        (b"\xff\n", "cannot be read"),
        (b"[" * 100_000 + b"\n", "cannot be read"),
    ]:
        path.write_bytes(text)
        with pytest.raises(DataError, match=why):
            read_record(path)
        with pytest.raises(DataError):
            write_steps(path, "sample", [receive("new")])
        assert path.read_bytes() == text
    with pytest.raises(DataError, match="no such record"):
        read_record(tmp_path / "none.jsonl")
    with pytest.raises(DataError):
        read_record(tmp_path)


def _append(path, number):
    for k in range(5):
        write_steps(path, "sample", [receive(f"s{number}-{k}", 1 + k)])


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "r.jsonl"
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=_append, args=(path, number)) for number in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    record = read_record(path)
    assert len(record.custody.pieces) == 15
    assert record.custody.kept_mg == 45


def _write_on(path):
    for number in range(10_000):
        write_steps(path, "sample", [receive(f"s{number}", 1)])
        print(number, flush=True)


def _killed(path, lines):
    """Kill a writer after it said that a number of steps are safe; how many it said in all."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_records as t; "
    code += f"from pathlib import Path; t._write_on(Path({str(path)!r}))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        said = 0
        for _ in range(lines):
            said += bool(run.stdout.readline())
        run.kill()
        return said + len(run.stdout.read().splitlines())


def _survives(path, lines):
    said = _killed(path, lines)
    assert said >= lines
    assert said <= len(read_record(path).custody.pieces) <= said + 1
    left = [name for name in path.parent.iterdir() if name != path]
    assert len(left) <= 1


def test_a_killed_writer_loses_no_step_that_it_said_is_safe(tmp_path):
    _survives(tmp_path / "r.jsonl", 3)


@pytest.mark.soak
def test_a_writer_killed_forty_times_loses_nothing(tmp_path):
    for number in range(40):
        folder = tmp_path / str(number)
        _survives(folder / "r.jsonl", 1 + number)


@pytest.fixture
def ledger(tmp_path):
    plan = load_plan("ilrs")
    keys = {partner.id: new_key(partner.id) for partner in plan.partners}
    with Ledger.begin(str(tmp_path / "l.db"), plan, keys):
        pass
    return str(tmp_path / "l.db"), keys


def test_a_ledger_keeps_calls_and_samples_signed(ledger, tmp_path):
    place, keys = ledger
    with pytest.raises(InputError, match="signed entries only"):
        write_steps(place, "call", [OPEN])
    with pytest.raises(ModelError, match="does not run this call"):
        write_steps(place, "call", [OPEN], key=keys["roscosmos"])
    steps = write_steps(place, "call", [OPEN], key=keys["cnsa"])
    write_steps(place, "sample", [receive()], key=keys["roscosmos"])
    assert [(step.number, step.party) for step in steps] == [(1, "cnsa")]
    with Ledger.open(place) as book:
        book.export(tmp_path / "copy.jsonl")
    for where in (place, tmp_path / "copy.jsonl"):
        record = read_record(where)
        assert record.calls.states["c"].terms.owner == "cnsa"
        assert record.custody.kept_mg == 1_731_000
        assert [step.party for step in record.steps] == ["cnsa", "roscosmos"]


def test_a_step_written_past_the_rules_is_named_and_has_no_effect(ledger):
    place, keys = ledger
    write_steps(place, "call", [OPEN], key=keys["cnsa"])
    with Ledger.open(place) as book:
        past = {"do": "announce", "call": "c", "date": "2025-01-01"}
        book.append(keys["roscosmos"], "record", {"topic": "call", "data": past})
        book.append(keys["roscosmos"], "record", {"topic": "call", "data": "nonsense"})
    record = read_record(place)
    assert len(record.faults) == 2
    assert "roscosmos does not run this call" in record.faults[0]
    assert record.calls.states["c"].announced == ""
    late = letter("0.5")
    write_steps(place, "call", [late], key=keys["roscosmos"])
    assert read_record(place).calls.states["c"].letters["a"].proposal.mass_kg == 0.5


def test_a_file_rewritten_with_sound_hashes_still_obeys_the_rules(tmp_path):
    from moonpost.partners.records import _line

    path = begun(tmp_path / "r.jsonl")
    head = json.loads(path.read_bytes().splitlines()[-1])["hash"]
    with path.open("ab") as file:
        file.write(_line(3, "sample", receive("ce5", 5), head)[1] + b"\n")
    record = read_record(path)
    assert "used as a name" in record.faults[0]
    assert record.custody.received_mg == 1_731_000
