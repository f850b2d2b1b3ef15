"""Every single bit: of an export, of every stored column, and of samples of a ledger of 100,000 entries."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import sqlite3

import pytest

from moonpost.partners.ledger import Ledger, genesis_body, new_key, verify_ledger, verify_lines
from moonpost.partners.ledger.entries import NO_ENTRY, sign_entry
from moonpost.partners.ledger.verify import Verifier

FOUND = {
    "unparsable",
    "hash",
    "key",
    "signature",
    "ledger",
    "chain",
    "fork",
    "sequence",
    "reordered",
    "rule",
    "replay",
}


@pytest.fixture(scope="module")
def smallest(small_plan):
    """Two founders and one element: every bit of it can be tried."""
    return small_plan.model_copy(
        update={
            "partners": tuple(p for p in small_plan.partners if p.id in ("cnsa", "roscosmos")),
            "elements": tuple(e for e in small_plan.elements if e.id == "reactor"),
            "missions": (),
        }
    )


@pytest.fixture
def small(smallest, tmp_path):
    """Four entries: the beginning, a step, a proposal and a consent."""
    keys = {partner.id: new_key(partner.id) for partner in smallest.partners}
    with Ledger.begin(str(tmp_path / "small.db"), smallest, keys) as ledger:
        step = {
            "agreement": "intergovernmental-agreement",
            "state": "signed",
            "date": "2022-11-25",
            "source": "act",
        }
        ledger.append(keys["cnsa"], "step", step)
        ledger.append(
            keys["roscosmos"], "propose", {"change": "c", "title": "t", "touches": ["elements[reactor]"]}
        )
        ledger.append(keys["cnsa"], "consent", {"change": "c"})
        yield ledger


def _flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def _of_export(ledger, tmp_path, every):
    """Flip bits of an exported file and check it as a user does; give how many were tried."""
    path = tmp_path / "export.jsonl"
    ledger.export(path)
    data = path.read_bytes()
    assert verify_ledger(str(path)).sound
    for bit in range(0, 8 * len(data), every):
        path.write_bytes(_flipped(data, bit))
        faults = verify_ledger(str(path)).faults
        assert faults, f"bit {bit}"
        assert {fault.kind for fault in faults} <= FOUND
        assert faults[0].entry == data[: bit // 8].count(b"\n"), "the first fault is told where the bit is"
    return 8 * len(data)


def test_bits_of_an_export(small, tmp_path):
    _of_export(small, tmp_path, 23)


@pytest.mark.soak
def test_every_bit_of_an_export(small, tmp_path):
    assert _of_export(small, tmp_path, 1) > 15_000


def _of_columns(ledger, every):
    """Flip bits of every column of every row in SQLite; give how many were stored and tried."""
    tried = 0
    with contextlib.closing(sqlite3.connect(ledger.place, isolation_level=None)) as link:
        link.execute("PRAGMA synchronous = OFF")
        link.execute("PRAGMA journal_mode = MEMORY")
        link.text_factory = bytes
        cells = [
            ("about", "name"),
            ("about", "value"),
            ("entries", "hash"),
            ("entries", "line"),
            ("entries", "entry"),
        ]
        for table, column in cells:
            for row, value in link.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
                number = column == "entry"
                size = 64 if number else 8 * len(value)
                for bit in range(0, size, 7 if number and every > 1 else every):
                    changed = _turned(value, bit) if number else _flipped(value, bit)
                    cast = "?" if number else "CAST(? AS TEXT)"
                    try:
                        link.execute(f"UPDATE {table} SET {column} = {cast} WHERE rowid = ?", (changed, row))
                    except sqlite3.IntegrityError:
                        continue
                    assert verify_ledger(ledger.place).faults, (table, column, row, bit)
                    link.execute(f"UPDATE {table} SET {column} = {cast} WHERE rowid = ?", (value, row))
                    tried += 1
    assert verify_ledger(ledger.place).sound
    return tried


def _turned(number, bit):
    """A 64-bit whole number with one bit turned."""
    turned = (number & (2**64 - 1)) ^ (1 << bit)
    return turned - 2**64 if turned >= 2**63 else turned


def test_bits_of_every_stored_column(small):
    assert _of_columns(small, 61) > 200


@pytest.mark.soak
def test_every_bit_of_every_stored_column(small):
    assert _of_columns(small, 1) > 15_000


@pytest.fixture(scope="module")
def many(smallest):
    """Lines of a long ledger, made without a store."""

    def made(number):
        keys = {partner.id: new_key(partner.id) for partner in smallest.partners}
        body = genesis_body(smallest, {party: key.public for party, key in keys.items()})
        entry = sign_entry(keys["cnsa"], "ab" * 16, 0, NO_ENTRY, "genesis", body)
        lines = [entry.line]
        for count in range(1, number):
            key = keys["cnsa" if count % 2 else "roscosmos"]
            entry = sign_entry(key, entry.ledger, count, entry.hash, "record", {"topic": "note", "data": count})
            lines.append(entry.line)
        return lines

    return made


def _samples(lines, samples, seed):
    """Flip one bit in each of many lines of a ledger; the check goes on from the sound lines before."""
    chance = random.Random(seed)
    chosen = set(chance.sample(range(1, len(lines) - 1), samples))
    check, missed = Verifier(), []
    for number, line in enumerate(lines):
        if number in chosen:
            bit = chance.randrange(8 * len(line) + 8)
            fork = dataclasses.replace(check, faults=[], _seen=dict(check._seen), _previous=dict(check._previous))
            parts = (_flipped(line + b"\n", bit) + lines[number + 1] + b"\n").split(b"\n")[:-1]
            for part in parts:
                fork.take(part)
            if not fork.faults:
                missed.append((number, bit))
        check.take(line)
    assert check.done().sound
    return missed


def test_sampled_bits_of_a_longer_ledger(many):
    assert _samples(many(600), 150, 3) == []


@pytest.mark.soak
def test_sampled_bits_of_100_000_entries(many, tmp_path):
    lines = many(100_000)
    assert _samples(lines, 2000, 4) == []
    data, chance = b"".join(line + b"\n" for line in lines), random.Random(5)
    path = tmp_path / "long.jsonl"
    for _ in range(3):
        bit = chance.randrange(8 * len(data))
        path.write_bytes(_flipped(data, bit))
        found = verify_ledger(str(path))
        assert found.faults[0].entry == data[: bit // 8].count(b"\n")
    assert {fault.kind for fault in verify_lines(lines[:50_000] + lines[50_001:]).faults} >= {"sequence", "chain"}
