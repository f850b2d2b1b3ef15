"""Attempts to slip something past the check: odd text, damaged databases, entries signed for others."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moonpost.errors import DataError, InputError, ModelError, MoonpostError, OutputError
from moonpost.partners.ledger import (
    Ledger,
    import_ledger,
    new_key,
    proof_message,
    read_checkpoint,
    read_trust,
    sign_checkpoint,
    update_ledger,
    verify_ledger,
    verify_lines,
)
from moonpost.partners.ledger.entries import DEEPEST, LARGEST_LINE, Entry, canonical, parse_line, sign_entry
from moonpost.partners.ledger.stores import place_text, read_lines

PARTIES = ("cnsa", "roscosmos", "venezuela", "egypt")


def _kinds(lines, **options):
    return {fault.kind for fault in verify_lines(lines, **options).faults}


def _grown(book, keys):
    """A ledger of five entries."""
    step = {"agreement": "intergovernmental-agreement", "state": "signed", "date": "2022-11-25", "source": "act"}
    book.append(keys["cnsa"], "step", step)
    book.append(keys["roscosmos"], "propose", {"change": "c", "title": "t", "touches": ["elements[reactor]"]})
    book.append(
        keys["cnsa"],
        "record",
        {"topic": "unicode", "data": "\u6708\u7403 \U0001f315 \u041b\u0443\u043d\u0430 e\u0301"},
    )
    book.append(keys["egypt"], "record", {"topic": "number", "data": [2**53 - 1, -(2**53 - 1), 0, True, None]})
    return list(book.lines())


# ----------------------------------------------------------------------------------------------- odd text


@pytest.mark.parametrize(
    "line",
    [
        b"", b" ", b"null", b"[]", b"{", b"{}", b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"NaN", b'"\\ud800"',
        b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'{"entry":' + b"9" * 5000 + b"}", b"\x00", b"{}\x00",
        b"x" * (LARGEST_LINE + 1), b'{"body":Infinity}', b"\r", b"-", b"1e999999999",
    ],
)  # fmt: skip
def test_a_line_that_is_no_entry_is_unparsable(line):
    faults = verify_lines([line]).faults
    assert [(fault.entry, fault.kind) for fault in faults] == [(0, "unparsable")]


def _recast(line, change):
    """The same JSON value written in another way."""
    return {
        "CRLF": line + b"\r",
        "space": line.replace(b":", b": ", 1),
        "order": json.dumps(dict(reversed(json.loads(line).items())), separators=(",", ":")).encode(),
        "escape": line.replace(b"record", b"\\u0072ecord"),
        "twice": b'{"entry":0,' + line[1:],
        "twice at the end": line[:-1] + b',"time":"2000-01-01T00:00:00Z"}',
        "float": line.replace(b'"entry":3', b'"entry":3.0'),
        "exponent": line.replace(b'"entry":3', b'"entry":3e0'),
        "minus": line.replace(b'"entry":3', b'"entry":-3'),
        "truth": line.replace(b'"entry":3', b'"entry":true'),
        "leading zero": line.replace(b'"entry":3', b'"entry":03'),
        "text": line.replace(b'"entry":3', b'"entry":"3"'),
        "huge": line.replace(b'"entry":3', b'"entry":9007199254740993'),
        "another field": line[:-1] + b',"zone":"x"}',
        "upper hash": line.replace(
            *(f"{json.loads(line)['hash']}".encode(), json.loads(line)["hash"].upper().encode())
        ),
        "composed": line.replace("e\u0301".encode(), "\u00e9".encode()),
        "trailing": line + b" ",
        "no end": line[:-1],
        "time": line.replace(b'"time":"20', b'"time":"99'),
        "no time": line.replace(b'Z"}', b'"}'),
    }[change]


@pytest.mark.parametrize(
    "change",
    ["CRLF", "space", "order", "escape", "twice", "twice at the end", "float", "exponent", "minus", "truth",
     "leading zero", "text", "huge", "another field", "upper hash", "composed", "trailing", "no end", "time",
     "no time"],
)  # fmt: skip
def test_the_same_value_written_in_another_way_is_seen(book, party_keys, change):
    lines = _grown(book, party_keys)
    changed = _recast(lines[3], change)
    assert changed != lines[3]
    faults = verify_lines([*lines[:3], changed, lines[4]]).faults
    assert faults[0].entry == 3


def test_a_time_that_does_not_exist_is_refused(book, party_keys):
    with pytest.raises(InputError, match="no UTC time"):
        sign_entry(
            party_keys["cnsa"], "00" * 16, 1, "0" * 64, "record", {"topic": "t"}, time="2026-02-30T00:00:00Z"
        )


def test_a_body_that_cannot_be_written_is_refused(book, party_keys):
    deep: object = "x"
    for _ in range(DEEPEST + 2):
        deep = [deep]
    before = list(book.lines())
    for data in (
        deep,
        float("nan"),
        1.0,
        2**53,
        -(2**53),
        "\ud800",
        {1: 2},
        {"\ud800": 1},
        b"bytes",
        {1, 2},
        "x" * 2**20,
    ):
        with pytest.raises(InputError):
            book.append(party_keys["cnsa"], "record", {"topic": "t", "data": data})
    assert list(book.lines()) == before
    book.append(party_keys["cnsa"], "record", {"topic": "t", "data": "goes on"})
    assert book.verify().sound


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _json))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_can_be_said_is_read_back_as_it_was(party_keys, body):
    entry = sign_entry(party_keys["cnsa"], "00" * 16, 0, "0" * 64, "record", body)
    assert parse_line(entry.line) == entry
    assert b"\n" not in entry.line
    assert canonical(json.loads(canonical(body))) == canonical(body)


@given(_json)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_canonical_text_is_that_of_another_program(value):
    """RFC 8785 by the package rfc8785, which the program itself uses only beyond ASCII."""
    assert canonical(value) == rfc8785.dumps(value)


def test_names_are_sorted_as_utf_16(party_keys):
    """RFC 8785, section 3.2.3, example of sorting: the order is not that of code points."""
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    told = list(json.loads(canonical(value)).values())
    assert told == [2, 4, 6, 7, 1, 5, 3]


def test_files_that_are_cut_doubled_or_of_another_system(book, party_keys, tmp_path):
    lines = _grown(book, party_keys)
    whole = b"".join(line + b"\n" for line in lines)
    path = tmp_path / "export.jsonl"
    for text, kinds in (
        (whole, set()),
        (whole[:-1], {"unparsable"}),
        (whole[:-40], {"unparsable"}),
        (whole[:40], {"unparsable"}),
        (b"", {"empty"}),
        (b"\n", {"unparsable"}),
        (whole + b"\n", {"unparsable"}),
        (whole + whole, {"replay"}),
        (whole.replace(b"\n", b"\r\n"), {"unparsable"}),
        (b"\xef\xbb\xbf" + whole, {"unparsable"}),
        (whole.decode().encode("utf-16"), {"unparsable"}),
        (whole + b"x" * (3 * LARGEST_LINE), {"unparsable"}),
        (whole + b"x" * (3 * LARGEST_LINE) + b"\n" + lines[0] + b"\n", {"unparsable", "replay"}),
    ):
        path.write_bytes(text)
        found = verify_ledger(str(path))
        assert kinds <= {fault.kind for fault in found.faults}, text[:60]
        assert found.sound == (not kinds)
        assert all(len(line) <= LARGEST_LINE + 3 for line in read_lines(path))
        if kinds:
            with pytest.raises(DataError):
                import_ledger(path, str(tmp_path / "copy.db"))
            assert not (tmp_path / "copy.db").exists()


def test_places_that_are_no_ledger(tmp_path):
    with pytest.raises(DataError):
        verify_ledger(str(tmp_path))
    with pytest.raises(DataError, match="no such file"):
        verify_ledger(str(tmp_path / "nothing"))
    for url in ("postgresql://a@b:99999999/c", "postgresql://[::1/c"):
        with pytest.raises(InputError, match="no URL"):
            verify_ledger(url)
    with pytest.raises(InputError, match="not known"):
        verify_ledger("postgresql://a@127.0.0.1:1/c?sslmode=require")


def test_a_password_is_not_shown():
    assert place_text("postgresql://a:secret@[::1]:5/c%20d") == "postgresql://::1/c d"
    with pytest.raises(DataError) as told:
        Ledger.open("postgresql://a:secret@127.0.0.1:1/c")
    assert "secret" not in str(told.value)


# ------------------------------------------------------------------------------------- signed for another


@given(
    st.sampled_from(PARTIES),
    st.sampled_from(PARTIES),
    st.booleans(),
    st.sampled_from(("consent", "refuse", "record")),
)
@settings(max_examples=40, deadline=None)
def test_no_party_speaks_for_another(begun, small_plan, party_keys, party, signer, own_id, kind):
    """An entry in the name of one party, signed by another, which names its own key or that of the other."""
    from moonpost.partners.ledger import genesis_body, key_id

    body = genesis_body(small_plan, {name: key.public for name, key in party_keys.items()})
    first = sign_entry(party_keys["cnsa"], "00" * 16, 0, "0" * 64, "genesis", body)
    ask = {"change": "c", "title": "t", "touches": ["elements[ce8-lander]"]}
    second = sign_entry(party_keys["roscosmos"], first.ledger, 1, first.hash, "propose", ask)
    said = {"topic": "t"} if kind == "record" else {"change": "c"}
    key = key_id(party_keys[signer if own_id else party].public)
    bare = Entry(first.ledger, 2, second.hash, second.time, kind, party, key, said, "", "")
    signature = party_keys[signer].sign(bytes.fromhex(bare.digest))
    forged = Entry(**{**vars(bare), "hash": bare.digest, "signature": signature})
    found = verify_lines([first.line, second.line, forged.line])
    kinds = {fault.kind for fault in found.faults}
    if party == signer:
        assert kinds <= {"rule"}
    else:
        assert kinds == {"key" if own_id else "signature"}
        assert found.state.changes["c"].consents == {}
        assert found.state.changes["c"].refusals == {}
        assert found.state.records == []


def test_an_entry_of_another_ledger_or_of_an_old_key_does_not_count(book, party_keys, tmp_path, small_plan):
    lines = _grown(book, party_keys)
    last = parse_line(lines[-1])
    with Ledger.begin(str(tmp_path / "other.db"), small_plan, party_keys) as other:
        foreign = other.append(party_keys["cnsa"], "record", {"topic": "elsewhere"})
    assert "ledger" in _kinds([*lines, foreign.line])
    moved = sign_entry(party_keys["cnsa"], foreign.ledger, 5, last.hash, "record", {"topic": "t"})
    assert _kinds([*lines, moved.line]) == {"ledger"}
    fresh = new_key("egypt")
    proof = fresh.sign(proof_message(book.state().ledger, "egypt", fresh.public))
    book.append(party_keys["egypt"], "rotate-key", {"public": fresh.public, "proof": proof})
    lines = list(book.lines())
    old = sign_entry(party_keys["egypt"], last.ledger, 6, parse_line(lines[-1]).hash, "record", {"topic": "t"})
    assert _kinds([*lines, old.line]) == {"key"}
    with pytest.raises(ModelError, match="may not sign"):
        book.append(party_keys["egypt"], "record", {"topic": "t"})


def test_what_was_done_to_the_order_is_named(book, party_keys):
    lines = _grown(book, party_keys)
    for one in range(1, 4):
        swapped = list(lines)
        swapped[one], swapped[one + 1] = swapped[one + 1], swapped[one]
        assert "reordered" in _kinds(swapped)
        assert "sequence" in _kinds(lines[:one] + lines[one + 1 :]), "one is missing"
        assert "replay" in _kinds([*lines[: one + 1], lines[one], *lines[one + 1 :]])
    second = parse_line(lines[1])
    other = sign_entry(party_keys["cnsa"], second.ledger, 2, second.hash, "record", {"topic": "instead"})
    assert "fork" in _kinds([*lines[:3], other.line, *lines[3:]])
    assert "chain" in _kinds([*lines[:2], other.line, *lines[3:]]), "what follows belongs to the other history"


def test_entries_are_not_dated_back_nor_ahead(book, party_keys, tmp_path):
    """Else the end of an agreement, which counts from its entry, could be moved."""
    lines = _grown(book, party_keys)
    last = parse_line(lines[-1])
    early = sign_entry(
        party_keys["cnsa"], last.ledger, 5, last.hash, "record", {"topic": "t"}, time="2020-01-01T00:00:00Z"
    )
    assert [(fault.entry, fault.kind) for fault in verify_lines([*lines, early.line]).faults] == [(5, "rule")]
    late = sign_entry(
        party_keys["cnsa"], last.ledger, 5, last.hash, "record", {"topic": "t"}, time="2999-01-01T00:00:00Z"
    )
    path = tmp_path / "late.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in [*lines, late.line]))
    with pytest.raises(DataError, match="ahead of this machine's clock"):
        update_ledger(book.place, str(path))
    with pytest.raises(DataError, match="ahead of this machine's clock"):
        import_ledger(path, str(tmp_path / "late.db"))
    assert not (tmp_path / "late.db").exists()
    assert list(book.lines()) == lines


def test_a_clock_that_was_set_back_does_no_harm(book, party_keys, monkeypatch):
    _grown(book, party_keys)
    from moonpost.partners.ledger import book as module

    monkeypatch.setattr(module, "now_utc", lambda: "2020-01-01T00:00:00Z")
    entry = book.append(party_keys["cnsa"], "record", {"topic": "t"})
    assert entry.time == parse_line(list(book.lines())[4]).time
    assert book.verify().sound


# ------------------------------------------------------------------------------- checkpoints and pinned keys


def test_a_checkpoint_is_worth_what_its_signature_is(book, party_keys, tmp_path):
    lines = _grown(book, party_keys)
    found = verify_lines(lines)
    point = sign_checkpoint(party_keys["egypt"], found.state.ledger, 4, found.head)
    assert verify_lines(lines, checkpoints=[point]).sound
    path = tmp_path / "seen.json"
    point.save(path)
    good = json.loads(path.read_text())
    cases = [("party", "cnsa"), ("signature", "00" * 64), ("time", "2020-01-01T00:00:00Z"), ("key", "0" * 16),
             ("entry", 3), ("entry", 5), ("ledger", "11" * 16), ("hash", "11" * 32)]  # fmt: skip
    for field, value in cases:
        path.write_text(json.dumps({**good, field: value}))
        kinds = _kinds(lines, checkpoints=[read_checkpoint(path)])
        assert "checkpoint" in kinds, field
        assert ("truncated" in kinds) == (value == 5)
    for field, value in (("entry", -1), ("entry", 2**60), ("entry", True), ("entry", 1.0), ("party", None)):
        path.write_text(json.dumps({**good, field: value}))
        with pytest.raises(DataError, match="wrong kind"):
            read_checkpoint(path)
    for text in ("", "[]", "{}", "{", "[" * 100_000, json.dumps({**good, "more": 1})):
        path.write_text(text)
        with pytest.raises(DataError):
            read_checkpoint(path)


def test_a_checkpoint_of_a_key_since_retired_is_checked_too(book, party_keys):
    lines = _grown(book, party_keys)
    point = sign_checkpoint(party_keys["egypt"], parse_line(lines[0]).ledger, 4, parse_line(lines[4]).hash)
    fresh = new_key("egypt")
    proof = fresh.sign(proof_message(point.ledger, "egypt", fresh.public))
    book.append(party_keys["egypt"], "rotate-key", {"public": fresh.public, "proof": proof})
    assert book.verify(checkpoints=[point]).sound
    late = sign_checkpoint(party_keys["egypt"], point.ledger, 5, parse_line(list(book.lines())[5]).hash)
    assert book.verify(checkpoints=[late]).sound, "signed with the old key on the day of the change"
    forged = type(late)(**{**vars(late), "signature": "00" * 64})
    assert {fault.kind for fault in book.verify(checkpoints=[forged]).faults} == {"checkpoint"}


def test_a_checkpoint_that_meets_no_entry_does_not_pass(book, party_keys):
    lines = _grown(book, party_keys)
    first = parse_line(lines[0])
    nowhere = sign_checkpoint(party_keys["egypt"], first.ledger, -1, first.hash)
    assert _kinds(lines, checkpoints=[nowhere]) == {"checkpoint"}
    point = sign_checkpoint(party_keys["egypt"], first.ledger, 4, parse_line(lines[4]).hash)
    assert _kinds([*lines[:4], b"?"], checkpoints=[point]) == {"unparsable", "checkpoint"}


def test_every_shorter_copy_is_truncated_against_any_partner(book, party_keys):
    lines = _grown(book, party_keys)
    ledger, head = parse_line(lines[0]).ledger, parse_line(lines[4]).hash
    for party in PARTIES:
        point = sign_checkpoint(party_keys[party], ledger, 4, head)
        for length in range(1, 5):
            assert verify_lines(lines[:length]).sound, "alone it cannot be known"
            assert _kinds(lines[:length], checkpoints=[point]) == {"truncated"}
        before = parse_line(lines[2])
        other = [sign_entry(party_keys["cnsa"], ledger, 3, before.hash, "record", {"topic": "rewritten"})]
        other.append(sign_entry(party_keys["cnsa"], ledger, 4, other[0].hash, "record", {"topic": "again"}))
        rewritten = [*lines[:3], *(entry.line for entry in other)]
        assert verify_lines(rewritten).sound, "alone it cannot be known"
        assert _kinds(rewritten, checkpoints=[point]) == {"fork"}


def test_what_was_pinned_has_to_be_readable(tmp_path):
    path = tmp_path / "pin.json"
    for text in (
        "",
        "[]",
        '{"ledger": "a", "genesis": "b", "keys": []}',
        '{"ledger": "a", "genesis": "b", "keys": {"a": 1}}',
    ):
        path.write_text(text)
        with pytest.raises(DataError):
            read_trust(path)


# -------------------------------------------------------------------------------------- damaged databases


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE about SET value = NULL WHERE 0; INSERT INTO about VALUES (NULL, 'x')",
        "INSERT INTO about VALUES ('more', 5)",
        "DELETE FROM about",
        "DROP TABLE about",
        "DROP TABLE entries",
        "DELETE FROM entries",
        "DELETE FROM entries WHERE entry = 2",
        "UPDATE entries SET entry = 'x' WHERE entry = 2",
        "UPDATE entries SET entry = 2.5 WHERE entry = 2",
        "UPDATE entries SET entry = -2 WHERE entry = 2",
        "UPDATE entries SET entry = NULL WHERE entry = 2",
        "UPDATE entries SET line = CAST(line AS BLOB) WHERE entry = 2",
        "UPDATE entries SET hash = CAST(hash AS BLOB) WHERE entry = 2",
        "UPDATE entries SET hash = upper(hash)",
        "UPDATE entries SET line = line || ' ' WHERE entry = 2",
        "UPDATE entries SET line = '' WHERE entry = 2",
        "UPDATE entries SET line = 5 WHERE entry = 2",
        "UPDATE entries SET line = (SELECT line FROM entries WHERE entry = 1) WHERE entry = 2",
        "UPDATE entries SET entry = 9 WHERE entry = 4",
        "INSERT INTO entries VALUES (9, 'x', 'y')",
        "INSERT INTO entries SELECT 5, hash || '0', line FROM entries WHERE entry = 4",
        "CREATE TABLE copy AS SELECT * FROM entries WHERE entry < 3; DROP TABLE entries;"
        "CREATE VIEW entries AS SELECT entry, hash, line || ' ' AS line FROM copy",
    ],
)  # fmt: skip
def test_a_changed_database_is_seen_and_not_written_to(book, party_keys, change):
    _grown(book, party_keys)
    link = sqlite3.connect(book.place)
    link.executescript(change)
    link.close()
    found = verify_ledger(book.place)
    assert found.faults
    with pytest.raises((DataError, OutputError)), Ledger.open(book.place) as other:
        other.append(party_keys["cnsa"], "record", {"topic": "t"})


def test_bits_of_the_database_file_change_nothing_unseen(book, party_keys, tmp_path):
    """Pages hold unused bytes too: whatever is flipped, it is a fault or the entries are the same."""
    lines = _grown(book, party_keys)
    data = bytearray(Path(book.place).read_bytes())
    chance, path, seen = random.Random(7), tmp_path / "flipped.db", 0
    for _ in range(300):
        bit = chance.randrange(8 * len(data))
        data[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(data)
        data[bit // 8] ^= 1 << (bit % 8)
        try:
            found = verify_ledger(str(path))
        except MoonpostError:
            seen += 1
            continue
        if found.sound:
            with Ledger.open(str(path)) as ledger:
                assert list(ledger.lines()) == lines, bit
        seen += not found.sound
    assert seen > 30


def test_a_cut_database_is_told(book, party_keys, tmp_path):
    _grown(book, party_keys)
    size = os.path.getsize(book.place)
    for part in (0, 10, 100, 4096, size // 2, size - 4096):
        path = tmp_path / f"cut{part}.db"
        shutil.copy(book.place, path)
        os.truncate(path, part)
        assert not verify_ledger(str(path)).sound


_IMPORTER = """
import sys
from moonpost.partners.ledger import import_ledger
print("begun", flush=True)
import_ledger(sys.argv[1], sys.argv[2])
print("done", flush=True)
"""


def test_an_import_that_is_killed_leaves_nothing_or_all(book, party_keys, tmp_path):
    """Killed while the database is made; it can be made again, and what was acknowledged is there."""
    for number in range(60):
        book.append(party_keys["cnsa"], "record", {"topic": "t", "data": str(number) * 200})
    book.export(tmp_path / "a.jsonl")
    chance = random.Random(2)
    for turn in range(3):
        place = str(tmp_path / f"{turn}.db")
        run = [sys.executable, "-c", _IMPORTER, str(tmp_path / "a.jsonl"), place]
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as writer:
            assert next(writer.stdout) == "begun\n"
            time.sleep(chance.uniform(0.0, 0.12))
            writer.kill()
            told = writer.stdout.read()
        if not Path(place).exists() or not verify_ledger(place).sound:
            assert "done" not in told
            assert import_ledger(tmp_path / "a.jsonl", place) == 61
        assert verify_ledger(place).entries == 61
        assert verify_ledger(place).sound


def test_a_ledger_is_made_in_an_empty_file_and_in_no_other(tmp_path, small_plan, party_keys):
    for name, text in (("text", b"hello"), ("short", b"SQLite form"), ("other", None), ("empty", b"")):
        path = tmp_path / name
        if text is None:
            with sqlite3.connect(path) as link:
                link.execute("CREATE TABLE t (a)")
            link.close()
        else:
            path.write_bytes(text)
        if name == "empty":
            with Ledger.begin(str(path), small_plan, party_keys) as made:
                assert made.verify().sound
            continue
        before = path.read_bytes()
        with pytest.raises(OutputError, match="is there already"):
            Ledger.begin(str(path), small_plan, party_keys)
        assert path.read_bytes() == before
