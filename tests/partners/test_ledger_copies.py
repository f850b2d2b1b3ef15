"""Copies of a ledger: the same, one behind, two histories, damage; and bringing one up to date."""

from __future__ import annotations

import pytest

from moonpost.errors import DataError
from moonpost.partners.ledger import (
    Ledger,
    Trust,
    compare_ledgers,
    import_ledger,
    update_ledger,
    verify_ledger,
)


@pytest.fixture
def copies(book, party_keys, tmp_path):
    """A ledger of four entries and a copy of it."""
    for number in range(3):
        book.append(party_keys["cnsa"], "record", {"topic": str(number)})
    book.export(tmp_path / "export.jsonl")
    copy = str(tmp_path / "copy.db")
    import_ledger(tmp_path / "export.jsonl", copy)
    return book, copy, str(tmp_path / "export.jsonl")


def test_the_same_and_one_behind(copies, party_keys):
    book, copy, export = copies
    for one in (book.place, copy, export):
        for other in (book.place, copy, export):
            found = compare_ledgers(one, other)
            assert (found.status, found.common, found.first.own, found.second.own) == ("same", 4, (), ())
    book.append(party_keys["egypt"], "record", {"topic": "new"})
    found = compare_ledgers(copy, book.place)
    assert (found.status, found.common) == ("first-behind", 4)
    assert found.second.authors == ("egypt",)
    assert compare_ledgers(book.place, copy).status == "second-behind"


def test_two_histories_are_shown_with_who_signed_both(copies, party_keys):
    book, copy, _ = copies
    book.append(party_keys["cnsa"], "record", {"topic": "one story"})
    book.append(party_keys["egypt"], "record", {"topic": "heard the first"})
    with Ledger.open(copy) as other:
        other.append(party_keys["cnsa"], "record", {"topic": "another story"})
    found = compare_ledgers(book.place, copy)
    assert verify_ledger(book.place).sound
    assert verify_ledger(copy).sound, "each alone is sound"
    assert (found.status, found.common, found.on_both_sides) == ("fork", 4, ("cnsa",))
    assert [entry.body["topic"] for entry in found.first.own] == ["one story", "heard the first"]
    assert [row["body"] for row in found.to_dict()["second"]["own"]] == [{"topic": "another story"}]
    before = list(book.lines())
    with pytest.raises(DataError, match="another history"):
        update_ledger(book.place, copy)
    assert list(book.lines()) == before


def test_damage_and_other_ledgers_are_told(copies, party_keys, small_plan, tmp_path):
    _, copy, export = copies
    text = (tmp_path / "export.jsonl").read_bytes()
    (tmp_path / "bad.jsonl").write_bytes(text.replace(b'"topic":"2"', b'"topic":"3"'))
    found = compare_ledgers(copy, str(tmp_path / "bad.jsonl"))
    assert (found.status, found.common, found.on_both_sides) == ("damaged", 3, ())
    assert found.second.check.faults[0].entry == 3
    with pytest.raises(DataError, match="entry 3"):
        update_ledger(_behind(tmp_path, text), str(tmp_path / "bad.jsonl"))
    with Ledger.begin(str(tmp_path / "new.db"), small_plan, party_keys) as new:
        assert compare_ledgers(new.place, copy).status == "other-ledger"
        trust = Trust.of(next(new.entries()))
    assert compare_ledgers(copy, export, trust=trust).status == "damaged"
    with pytest.raises(DataError, match="pinned"):
        update_ledger(copy, export, trust=trust)


def _behind(folder, text):
    """A copy that has only the first two entries."""
    (folder / "short.jsonl").write_bytes(b"".join(line + b"\n" for line in text.split(b"\n")[:2]))
    import_ledger(folder / "short.jsonl", str(folder / "short.db"))
    return str(folder / "short.db")


def test_a_copy_is_brought_up_to_date_whole_or_not_at_all(copies, party_keys, tmp_path):
    book, copy, export = copies
    short = _behind(tmp_path, (tmp_path / "export.jsonl").read_bytes())
    assert update_ledger(short, export) == 2
    assert update_ledger(short, book.place) == 0
    assert compare_ledgers(short, book.place).status == "same"
    assert update_ledger(book.place, str(tmp_path / "short.jsonl")) == 0, (
        "nothing is taken from one that is behind"
    )
    with Ledger.open(short) as ledger:
        ledger.append(party_keys["egypt"], "record", {"topic": "goes on"})
        assert ledger.verify().sound
    assert update_ledger(copy, short) == 1


def test_what_was_written_meanwhile_is_not_overwritten(copies, party_keys, monkeypatch):
    """Another writer adds an entry between the check and the writing."""
    from moonpost.errors import OutputError
    from moonpost.partners.ledger import stores

    book, copy, _ = copies
    book.append(party_keys["egypt"], "record", {"topic": "ahead"})
    extend = stores._Sqlite.extend

    def late(self, head, rows):
        with Ledger.open(copy) as other:
            other.append(party_keys["egypt"], "record", {"topic": "meanwhile"})
        extend(self, head, rows)

    monkeypatch.setattr(stores._Sqlite, "extend", late)
    with pytest.raises(OutputError, match="grown meanwhile"):
        update_ledger(copy, book.place)
    assert verify_ledger(copy).entries == 5
    assert verify_ledger(copy).sound
